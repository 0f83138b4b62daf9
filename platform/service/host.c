#include "platform/service/host.h"

#include "platform/net/client.h"
#include "platform/net/server.h"
#include "platform/ports/cache/cache_faulty.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events.h"
#include "platform/ports/kv/kv.h"
#include "platform/ports/mail/mail_faulty.h"
#include "platform/ports/queue/queue.h"
#include "platform/ports/sql/folder_lock.h"
#include "platform/rpc/rpc_client.h"
#include "platform/service/admin_socket.h"
#include "platform/service/host_clock.h"
#include "platform/service/host_flow.h"
#include "platform/service/host_folder.h"
#include "platform/service/host_http.h"
#include "platform/service/folder_manifest.h"
#include "platform/service/host_instance.h"
#include "platform/service/host_jobs.h"
#include "platform/service/host_rpc.h"
#include "platform/service/host_streams.h"
#include "platform/service/token.h"
#include "platform/service/waiters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_ISSUER "shopstream"
#define PORT_USUAL 3000 /* of the shop: own ports keep their distance from it, so that two shops fit on one machine */
#define PORT_MAX 65535

static int open_mail(struct service_host *host, char ret_message[512])
{
    const struct port_config config = host_port_config(host, PORT_MAIL, NULL);

    if (!host->options.mail_from)
        host->options.mail_from = HOST_MAIL_FROM;
    /* Said now: later every mail would be refused, one by one. */
    if (mail_check_address(str_from_cstr(host->options.mail_from)) < 0) {
        snprintf(ret_message, 512, "Mails cannot come from '%s', which is no address; set SHOPSTREAM_MAIL_FROM.",
                 host->options.mail_from);
        return ERR_INVALID;
    }
    TRY(mail_open(&host->mail, &config, ret_message));
    return mail_faulty_wrap(&host->mail, host->options.faults);
}

struct str host_public_url(const struct service_host *host)
{
    struct str url = str_from_cstr(host->options.public_url);

    if (url.len == 0)
        url = str_from_cstr(host->own_url);
    if (url.len > 0 && url.ptr[url.len - 1] == '/')
        url.len--;
    return url;
}

/* Whoever asks by the name that customers know is at home. */
static int name_public_host(struct service_host *host, char ret_message[512])
{
    struct str url = str_from_cstr(host->options.public_url);
    ptrdiff_t scheme_end = str_find(url, STR("://")), end;

    if (url.len == 0)
        return 0;
    struct str name = scheme_end > 0 ? str_skip(url, (size_t)scheme_end + 3) : STR_EMPTY;
    if ((end = str_find_char(name, '/')) >= 0)
        name.len = (size_t)end;
    if (name.len > 0 && name.ptr[0] != '[' && (end = str_find_char(name, ':')) >= 0)
        name.len = (size_t)end;
    int result = tenants_add_own_host(host->tenants, name);
    if (result < 0)
        snprintf(ret_message, 512, "SHOPSTREAM_PUBLIC_URL must be an address as https://shop.example.");
    return result;
}

static int open_shared(struct service_host *host, char ret_message[512])
{
    const struct port_config cache_config = host_port_config(host, PORT_CACHE, NULL);
    unsigned worker_count = host->options.worker_count ? host->options.worker_count : HOST_WORKERS;

    if (!host->options.sql_vfs) {
        TRY(data_folder_lock(&host->lock, host->options.data_path, ret_message));
        TRY(host_folder_open(host, ret_message));
    }
    host_clock_keep(host);
    snprintf(ret_message, 512, "Out of memory, or of threads.");
    host->responses = response_cache_new(HOST_RESPONSE_CACHE_BYTES);
    host->in_flight = in_flight_new();
    host->tenants = tenants_new();
    host->workers = worker_pool_new(worker_count, HOST_QUEUE_MAX);
    if (!host->responses || !host->in_flight || !host->tenants || !host->workers)
        return ERR_NO_MEMORY;
    TRY(waiters_new(&host->waiters, host->workers));
    TRY(cache_open(&host->cache, &cache_config, ret_message));
    TRY(cache_faulty_wrap(&host->cache, host->options.faults));
    TRY(token_ring_new(&host->tokens, TOKEN_ISSUER, TOKEN_ISSUER));
    TRY(open_mail(host, ret_message));
    TRY(name_public_host(host, ret_message));
    return host_flow_open(host, ret_message);
}

static int open_instances(struct service_host *host, char ret_message[512])
{
    TRY(host_folder_begin(host, ret_message));
    for (size_t i = 0; i < host->instance_count; i++)
        TRY(host_instance_open(&host->instances[i], ret_message));
    return host_folder_join(host, ret_message);
}

int host_new(struct service_host **ret_host, const struct host_options *options, char ret_message[512])
{
    struct service_host *host = calloc(1, sizeof(*host));
    int result;

    if (!host)
        return ERR_NO_MEMORY;
    host->options = *options;
    host->rate_limits = options->rate_limits;
    host->http_client = options->http_client;
    host->rpc_client = options->rpc_client;
    host->log.service = "shopstream";
    snprintf(host->own_url, sizeof(host->own_url), "http://localhost:3000");
    for (size_t i = 0; options->services[i]; i++) {
        ASSERT(i < HOST_SERVICES_MAX);
        host->instances[i] = (struct service_instance){.service = options->services[i], .host = host};
        host->instance_count++;
    }
    result = host->rpc_client ? rpc_client_start(host->rpc_client) : 0;
    if (result >= 0)
        result = open_shared(host, ret_message);
    if (result >= 0)
        result = open_instances(host, ret_message);
    ret_message[0] = result < 0 ? ret_message[0] : '\0';
    for (size_t i = 0; result >= 0 && i < host->instance_count; i++)
        result = host_instance_start(&host->instances[i], ret_message);
    if (result >= 0)
        result = host_flow_start(host);
    if (result >= 0 && !options->is_at_rest)
        result = host_workers_start(host, &host->queue_workers);
    if (result >= 0 && !options->is_at_rest)
        result = host_streams_start(host, &host->streams);
    if (result >= 0 && !options->is_at_rest)
        result = host_jobs_start(host, &host->jobs);
    if (result < 0) {
        if (result == ERR_CORRUPT && !ret_message[0])
            snprintf(ret_message, 512, "a database in %.300s is damaged; `shopstream doctor` names it (%s)",
                     options->data_path, SQL_DAMAGE_RUNBOOK);
        host_free(host, 0);
        return result;
    }
    *ret_host = host;
    return 0;
}

/* Its path must fit a socket's address; where it does not, the shop runs without. */
static int listen_admin(struct service_host *host, char ret_message[512])
{
    char path[4200];

    snprintf(path, sizeof(path), "%s/admin.sock", host->options.data_path);
    int result = admin_socket_start(host, path, &host->admin);
    if (result == ERR_TOO_LARGE) {
        log_warning(&host->log,
                    "the data folder's path is too long for admin.sock: commands work on a stopped shop only");
        return 0;
    }
    if (result < 0)
        snprintf(ret_message, 512, "cannot listen on %.400s", path);
    return result;
}

/* A service with a listener of its own speaks to the shop as somebody from outside would, but for the certificate,
 * which is not for 127.0.0.1: with TLS there is a second door, for this machine. */
static int listen_plain(struct service_host *host, char ret_message[512])
{
    struct http_server *server = host->listener;
    char reason[256] = "";
    bool is_wanted = false;

    for (size_t i = 0; i < host->instance_count; i++)
        is_wanted = is_wanted || host->instances[i].service->own_listener;
    if (host->options.tls && !is_wanted)
        return 0;
    if (host->options.tls) {
        int result = host_http_start(host, NULL, NULL, "127.0.0.1", 0, &host->plain_listener, reason);
        if (result < 0) {
            snprintf(ret_message, 512, "cannot listen on 127.0.0.1 for the services of this machine: %s", reason);
            return result;
        }
        server = host->plain_listener;
    }
    __atomic_store_n(&host->plain_port, http_server_port(server), __ATOMIC_RELEASE);
    return 0;
}

int host_listen(struct service_host *host, const char *address, int port, bool port_own_any, char ret_message[512])
{
    char reason[256] = "";

    /* The services' own listeners and the command line's door first: whoever reaches the shop finds all of it there.
     * They are for this machine. */
    for (size_t i = 0; i < host->instance_count; i++) {
        struct service_instance *instance = &host->instances[i];
        int own_port = instance->service->port + port - PORT_USUAL;

        if (!instance->service->own_listener)
            continue;
        if (port_own_any || own_port <= 0 || own_port > PORT_MAX)
            own_port = 0;
        int result = host_http_start(host, instance, NULL, "127.0.0.1", own_port, &instance->listener, reason);
        if (result < 0) {
            snprintf(ret_message, 512, "cannot listen on 127.0.0.1:%d for %s: %s", own_port, instance->service->name,
                     reason);
            return result;
        }
        __atomic_store_n(&instance->listener_port, http_server_port(instance->listener), __ATOMIC_RELEASE);
    }
    TRY(listen_admin(host, ret_message));
    int result = host_http_start(host, NULL, host->options.tls, address, port, &host->listener, reason);
    if (result < 0) {
        snprintf(ret_message, 512, "cannot listen on %s:%d: %s", address, port, reason);
        return result;
    }
    host->address = address;
    /* A name to listen on is one to be asked by. */
    TRY(tenants_add_own_host(host->tenants, str_from_cstr(address)));
    TRY(listen_plain(host, ret_message));
    snprintf(host->own_url, sizeof(host->own_url), "%s://localhost:%d", host->options.tls ? "https" : "http",
             http_server_port(host->listener));
    host_folder_settle(host);
    return 0;
}

int host_listen_rpc(struct service_host *host, const struct rpc_door *door, char ret_message[512])
{
    char reason[256] = "";
    int result = host_rpc_start(host, door, &host->rpc, reason);

    if (result < 0)
        snprintf(ret_message, 512, "cannot listen on %s:%d for calls of other processes: %s", door->address, door->port,
                 reason);
    return result;
}

static void close_listeners(struct service_host *host, int64_t drain_ms)
{
    int64_t deadline_ns = clock_monotonic_ns() + drain_ms * CLOCK_NS_PER_MS;

    host_rpc_drain(host->rpc, deadline_ns);
    if (host->listener)
        http_server_drain(host->listener, deadline_ns);
}

/* In the reverse order of host_new: first nothing comes in, then what runs ends, then what it stands on closes. A
 * listener has ended when all that came by it is answered, also what waits for a database's writer; what a service's
 * own still hears finds no worker any more. */
void host_free(struct service_host *host, int64_t drain_ms)
{
    if (!host)
        return;
    admin_socket_stop(host->admin);
    waiters_close(host->waiters);
    close_listeners(host, drain_ms);
    host_jobs_stop(host->jobs);
    host_flow_stop(host);
    host_streams_stop(host->streams);
    host_workers_stop(host->queue_workers);
    worker_pool_close(host->workers);
    host_rpc_free(host->rpc);
    http_server_free(host->plain_listener);
    http_server_free(host->listener);
    for (size_t i = 0; i < host->instance_count; i++)
        http_server_free(host->instances[i].listener);
    host_jobs_free(host->jobs);
    host_folder_close(host);
    for (size_t i = host->instance_count; i-- > 0;)
        host_instance_close(&host->instances[i]);
    host_flow_free(host);
    /* Closed above; what the workflows and requests made true until now was still told to it. */
    waiters_free(host->waiters);
    worker_pool_free(host->workers);
    for (size_t i = 0; i < host->entrance_count; i++)
        free(host->entrances[i]);
    http_client_free(host->http_client);
    rpc_client_free(host->rpc_client);
    mail_free(host->mail);
    token_ring_free(host->tokens);
    cache_free(host->cache);
    tenants_free(host->tenants);
    in_flight_free(host->in_flight);
    response_cache_free(host->responses);
    data_folder_unlock(host->lock);
    free(host);
}

struct port_config host_port_config(const struct service_host *host, enum port port, struct sql_db *db)
{
    return (struct port_config){
        .url = port_url(host->options.config, port), .data_path = host->options.data_path, .db = db};
}

const struct service *host_find_service(const struct service_host *host, struct str name)
{
    const struct service *const *service = host->options.all_services;

    for (service = service ? service : host->options.services; *service; service++) {
        if (str_equal_cstr(name, (*service)->name))
            return *service;
    }
    return NULL;
}

struct service_instance *host_instance(struct service_host *host, const char *name)
{
    for (size_t i = 0; i < host->instance_count; i++) {
        if (str_equal_cstr(str_from_cstr(name), host->instances[i].service->name))
            return &host->instances[i];
    }
    return NULL;
}

int host_call_begin(struct service_instance *instance, struct arena *arena, struct str tenant, struct str traceparent,
                    int64_t timeout_ms, struct call *ret_call)
{
    *ret_call = (struct call){
        .arena = arena,
        .host = instance->host,
        .service = instance->service,
        .instance = instance,
        .state = instance->state,
        .db = instance->db,
        .who = {.roles = ROLE_SERVICE},
        .tenant = tenant,
        .deadline_ns = clock_monotonic_ns() + timeout_ms * CLOCK_NS_PER_MS,
        .log = {.service = instance->service->name},
    };
    return call_start_trace(ret_call, traceparent);
}
