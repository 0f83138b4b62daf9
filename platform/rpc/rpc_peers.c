/* Where services of other processes are: "catalog=grpc://127.0.0.1:4002, catalog=grpc://127.0.0.1:4012". */
#include "platform/base/err.h"
#include "platform/net/loopback.h"
#include "platform/rpc/rpc_client_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define PLAIN "grpc://"
#define SECURE "grpcs://"
#define DNS_PORT 53

static int complain(char ret_message[RPC_CLIENT_MESSAGE_BYTES], struct str entry, const char *what)
{
    snprintf(ret_message, RPC_CLIENT_MESSAGE_BYTES, "'%.*s' %s; one is NAME=grpc://HOST:PORT, or grpcs: by TLS",
             (int)(entry.len < 100 ? entry.len : 100), entry.ptr, what);
    return ERR_INVALID;
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!(name.ptr[i] >= 'a' && name.ptr[i] <= 'z') && name.ptr[i] != '_')
            return false;
    }
    return name.len > 0 && name.len < RPC_NAME_BYTES;
}

/* "127.0.0.1:4002", "[::1]:4002", "catalog.internal:4002" */
static bool split_authority(struct str text, struct str *ret_host, int *ret_port)
{
    bool has_brackets = text.len > 0 && text.ptr[0] == '[';
    ptrdiff_t end = str_find_char(text, has_brackets ? ']' : ':');
    int64_t port = 0;

    if (end < 1)
        return false;
    struct str rest = str_skip(text, (size_t)end + (has_brackets ? 1 : 0));
    *ret_host = has_brackets ? str_slice(text, 1, (size_t)end - 1) : str_slice(text, 0, (size_t)end);
    if (rest.len < 2 || rest.ptr[0] != ':' || str_to_int64(str_skip(rest, 1), &port) < 0)
        return false;
    for (size_t i = 0; i < ret_host->len; i++) {
        char c = ret_host->ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && !strchr(".-_:", c))
            return false;
    }
    *ret_port = (int)port;
    return port > 0 && port <= UINT16_MAX && ret_host->len > 0 && ret_host->len < RPC_HOST_BYTES;
}

struct rpc_service *rpc_peers_find(struct rpc_service *services, const char *name)
{
    while (services && strcmp(services->name, name) != 0)
        services = services->next;
    return services;
}

static struct rpc_service *find_or_add(struct rpc_service **services, struct str name)
{
    char text[RPC_NAME_BYTES];

    snprintf(text, sizeof(text), "%.*s", STR_FORMAT(name));
    struct rpc_service *service = rpc_peers_find(*services, text);
    if (service || !(service = calloc(1, sizeof(*service))))
        return service;
    memcpy(service->name, text, sizeof(text));
    service->next = *services;
    *services = service;
    return service;
}

static int add(struct rpc_service **services, struct str name, struct str host, int port, bool is_secure)
{
    struct rpc_service *service = find_or_add(services, name);
    struct rpc_address *address = service ? calloc(1, sizeof(*address)) : NULL;

    if (!address)
        return ERR_NO_MEMORY;
    snprintf(address->host, sizeof(address->host), "%.*s", STR_FORMAT(host));
    address->port = port;
    address->is_secure = is_secure;
    address->service = service;
    address->next = service->addresses;
    service->addresses = address;
    return 0;
}

static int parse_entry(struct str entry, struct rpc_service **services, char ret_message[RPC_CLIENT_MESSAGE_BYTES])
{
    ptrdiff_t equals = str_find_char(entry, '=');
    struct str name = equals < 0 ? STR_EMPTY : str_trim(str_slice(entry, 0, (size_t)equals)), host;
    struct str url = equals < 0 ? STR_EMPTY : str_trim(str_skip(entry, (size_t)equals + 1));
    bool is_secure = str_starts_with(url, STR(SECURE));
    size_t scheme = is_secure ? sizeof(SECURE) - 1 : sizeof(PLAIN) - 1;
    int port;

    if (!is_name(name))
        return complain(ret_message, entry, "does not begin with a service's name");
    if ((!is_secure && !str_starts_with(url, STR(PLAIN))) || !split_authority(str_skip(url, scheme), &host, &port))
        return complain(ret_message, entry, "has no address");
    if (!is_secure && !is_loopback_host(host))
        return complain(ret_message, entry, "is not of this machine, and plain text");
    return add(services, name, host, port, is_secure);
}

bool rpc_peers_have_secure(const struct rpc_service *services)
{
    for (; services; services = services->next) {
        for (const struct rpc_address *address = services->addresses; address; address = address->next) {
            if (address->is_secure)
                return true;
        }
    }
    return false;
}

int rpc_peers_parse(struct str peers, struct rpc_service **ret_services, char ret_message[RPC_CLIENT_MESSAGE_BYTES])
{
    struct rpc_service *services = NULL;
    struct str entry;
    size_t count = 0;
    int result = 0;

    snprintf(ret_message, RPC_CLIENT_MESSAGE_BYTES, "out of memory");
    while (result == 0 && peers.ptr && str_next_token(&peers, ',', &entry)) {
        if (str_trim(entry).len == 0)
            continue;
        result = count++ < RPC_ADDRESSES_MAX ? parse_entry(str_trim(entry), &services, ret_message)
                                             : complain(ret_message, entry, "is one address too many");
    }
    if (result < 0) {
        rpc_peers_free(services);
        return result;
    }
    *ret_services = services;
    return 0;
}

void rpc_peers_free(struct rpc_service *services)
{
    while (services) {
        struct rpc_service *service = services;

        services = service->next;
        while (service->addresses) {
            struct rpc_address *address = service->addresses;

            service->addresses = address->next;
            free(address);
        }
        free(service);
    }
}

size_t rpc_client_ports(const struct rpc_client *client, unsigned short ret_ports[RPC_CLIENT_PORTS_MAX])
{
    bool has_names = false;
    size_t count = 0;

    for (const struct rpc_service *service = client ? client->services : NULL; service; service = service->next) {
        for (const struct rpc_address *address = service->addresses; address; address = address->next) {
            ret_ports[count++] = (unsigned short)address->port;
            has_names |= !is_numeric_host(str_from_cstr(address->host));
        }
    }
    if (has_names)
        ret_ports[count++] = DNS_PORT;
    return count;
}
