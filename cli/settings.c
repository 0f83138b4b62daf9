#include "cli/settings.h"

#include "cli/commands.h"
#include "cli/terminal.h"
#include "platform/base/err.h"
#include "platform/ports/redis/redis_address.h"
#include "platform/ports/sql/sql.h"
#include "platform/service/host.h"
#include "platform/service/shop_settings.h"
#include "platform/wire/wire_format.h"
#include "services/services.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RPC_PORT_DISTANCE 1000

const struct config_row settings[] = {
    [SETTING_ADDRESS] = {"SHOPSTREAM_ADDRESS", CONFIG_STRING, "127.0.0.1", 1, 64, "The IP address to listen on"},
    [SETTING_PORT] = {"SHOPSTREAM_PORT", CONFIG_INT, "3000", 0, 65535,
                      "The port to listen on; 0: any. One service alone listens on its own where nothing is set"},
    [SETTING_DATA] = {"SHOPSTREAM_DATA", CONFIG_PATH, "data", 1, 4000, "The folder of all data"},
    [SETTING_LOG_LEVEL] = {"SHOPSTREAM_LOG_LEVEL", CONFIG_STRING, "info", 1, 16, "debug, info, warning, error or none"},
    [SETTING_RATE_LIMITS] = {"SHOPSTREAM_RATE_LIMITS", CONFIG_BOOL, "on", 0, 0, "on, or off for load tests"},
    [SETTING_SANDBOX] = {"SHOPSTREAM_SANDBOX", CONFIG_STRING, "on", 2, 7,
                         "Whether the shop gives up what it does not need of the system: on, off, or require to refuse "
                         "to start where the kernel cannot do all of it"},
    [SETTING_DRAIN_MS] = {"SHOPSTREAM_DRAIN_MS", CONFIG_INT, "10000", 0, 600000,
                          "How long requests in flight may take when the shop is told to stop, in milliseconds"},
    [SETTING_MAIL_FROM] = {"SHOPSTREAM_MAIL_FROM", CONFIG_STRING, HOST_MAIL_FROM, 3, 320,
                           "The address that the shop's mails come from"},
    [SETTING_PUBLIC_URL] = {"SHOPSTREAM_PUBLIC_URL", CONFIG_STRING, "", 0, 250,
                            "How customers reach the shop, as https://shop.example; empty: by this machine's address"},
    [SETTING_TRUSTED_PROXIES] = {"SHOPSTREAM_TRUSTED_PROXIES", CONFIG_STRING, "", 0, 0,
                                 "The proxies before the shop, as 10.0.0.0/8,2001:db8::1: from them alone are "
                                 "X-Forwarded-For and X-Forwarded-Proto believed"},
    [SETTING_TLS_CERTIFICATE] = {"SHOPSTREAM_TLS_CERTIFICATE", CONFIG_PATH, "", 0, 0,
                                 "The certificate of the shop and those behind it, as PEM: then it speaks TLS alone. "
                                 "Read at the start"},
    [SETTING_TLS_KEY] = {"SHOPSTREAM_TLS_KEY", CONFIG_PATH, "", 0, 0, "The private key of that certificate, as PEM"},
    [SETTING_TLS_AUTHORITIES] = {"SHOPSTREAM_TLS_AUTHORITIES", CONFIG_PATH, "", 0, 0,
                                 "Whose certificates the shop believes of others, as PEM; empty: those that the system "
                                 "knows"},
    [SETTING_RPC_ADDRESS] = {"SHOPSTREAM_RPC_ADDRESS", CONFIG_STRING, "", 0, 64,
                             "The IP address to answer the services of other processes on; without a certificate, of "
                             "this machine. Empty: they are not answered"},
    [SETTING_RPC_PORT] = {"SHOPSTREAM_RPC_PORT", CONFIG_INT, "4000", 0, 65535,
                          "The port for that; 0: any. Where nothing is set, the port to listen on and 1000"},
    [SETTING_RPC_PEERS] = {"SHOPSTREAM_RPC_PEERS", CONFIG_STRING, "", 0, 0,
                           "Where services are that do not run here, as catalog=grpc://127.0.0.1:4002,…; a service "
                           "may have several addresses; grpcs: by TLS"},
    [SETTING_RPC_CERTIFICATE] =
        {"SHOPSTREAM_RPC_CERTIFICATE", CONFIG_PATH, "", 0, 0,
         "The certificate of the services that run here and those behind it, as PEM, with a URI "
         "spiffe://DOMAIN/service/NAME for each: then they speak TLS with those of other processes"},
    [SETTING_RPC_KEY] = {"SHOPSTREAM_RPC_KEY", CONFIG_PATH, "", 0, 0, "The private key of that certificate, as PEM"},
    [SETTING_RPC_AUTHORITIES] = {"SHOPSTREAM_RPC_AUTHORITIES", CONFIG_PATH, "", 0, 0,
                                 "Whose certificates are believed of other services, as PEM"},
    [SETTING_RPC_TRUST_DOMAIN] = {"SHOPSTREAM_RPC_TRUST_DOMAIN", CONFIG_STRING, "shopstream", 1, 255,
                                  "The trust domain in the names of services"},
    {0},
};

const struct config_row *const *settings_tables(void)
{
    static const struct config_row *tables[HOST_SERVICES_MAX + 4];
    size_t count = 0;

    tables[count++] = settings;
    tables[count++] = port_settings;
    tables[count++] = shop_settings;
    for (size_t i = 0; all_services[i]; i++) {
        if (all_services[i]->config)
            tables[count++] = all_services[i]->config;
    }
    return tables;
}

int settings_load(const char *file_path, struct config **ret_config)
{
    char message[CONFIG_MESSAGE_BYTES];
    int result = config_load(settings_tables(), file_path, environ, message, ret_config);

    if (result < 0)
        say_failed("%s", message);
    return result;
}

/* The one that runs here, beside health; NULL where there are more. */
static const struct service *only_service(const struct service *const *services)
{
    const struct service *only = NULL;

    for (; *services; services++) {
        if (*services == &health_service)
            continue;
        if (only)
            return NULL;
        only = *services;
    }
    return only ? only : &health_service;
}

int settings_port(const struct config *config, const struct service *const *services)
{
    const struct service *only = only_service(services);

    /* Who has a listener of its own speaks there; the other one, for its health, is the process's. */
    if (config_is_given(config, &settings[SETTING_PORT]) || !only || only->own_listener)
        return (int)config_get_int(config, &settings[SETTING_PORT]);
    return only->port;
}

int settings_rpc_port(const struct config *config, int port)
{
    if (config_is_given(config, &settings[SETTING_RPC_PORT]))
        return (int)config_get_int(config, &settings[SETTING_RPC_PORT]);
    return port > 0 && port + RPC_PORT_DISTANCE <= UINT16_MAX ? port + RPC_PORT_DISTANCE : 0;
}

static bool is_address(int family, struct str text)
{
    char copy[INET6_ADDRSTRLEN] = "";
    unsigned char address[sizeof(struct in6_addr)];

    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len);
    return inet_pton(family, copy, address) == 1;
}

/* "shop.example", "192.0.2.1" or "[2001:db8::1]", and a port or none. */
static bool is_authority(struct str text)
{
    size_t end = text.len > 0 && text.ptr[0] == '[' ? (size_t)(str_find_char(text, ']') + 1) : 0;
    ptrdiff_t colon = str_find_char(str_skip(text, end), ':');
    struct str host = colon < 0 ? text : str_slice(text, 0, end + (size_t)colon);
    int64_t port = 1;

    if (colon >= 0 && str_to_int64(str_skip(text, host.len + 1), &port) < 0)
        return false;
    if (port < 1 || port > UINT16_MAX)
        return false;
    if (end > 0)
        return host.len == end && is_address(AF_INET6, str_slice(host, 1, end - 2));
    return wire_format_find("hostname")->is_valid(host) || is_address(AF_INET, host);
}

/* Paths of the shop are put behind it: it has none of its own, but for a slash. */
static bool is_public_url(struct str url)
{
    ptrdiff_t end = str_find(url, STR("://"));
    struct str scheme = str_slice(url, 0, end < 0 ? 0 : (size_t)end);

    if (!str_equal_nocase(scheme, STR("http")) && !str_equal_nocase(scheme, STR("https")))
        return false;
    struct str authority = str_skip(url, (size_t)end + 3);
    if (authority.len > 0 && authority.ptr[authority.len - 1] == '/')
        authority.len--;
    return is_authority(authority);
}

/* The process's own. */
static int check_own(const struct config *config, char ret_message[512])
{
    struct str address = config_get_str(config, &settings[SETTING_ADDRESS]);
    struct str url = config_get_str(config, &settings[SETTING_PUBLIC_URL]);
    int length = 0;

    if (!is_address(AF_INET, address) && !is_address(AF_INET6, address))
        length = snprintf(ret_message, 512, "SHOPSTREAM_ADDRESS must be an IP address, as 127.0.0.1 or ::1, not '%.*s'",
                          STR_FORMAT(address));
    else if (url.len > 0 && !is_public_url(url))
        length = snprintf(ret_message, 512,
                          "SHOPSTREAM_PUBLIC_URL must be http:// or https:// and a host, without user, path and query, "
                          "as https://shop.example");
    return length > 0 ? ERR_INVALID : 0;
}

int settings_check(const struct config *config, const struct service *const *services, char ret_message[512])
{
    struct sql_reach databases;
    struct redis_reach redis;

    TRY(check_own(config, ret_message));
    TRY(port_settings_check(config, ret_message));
    TRY(shop_settings_check(config, ret_message));
    TRY(sql_get_reach(port_url(config, PORT_SQL), &databases, ret_message));
    TRY(redis_get_reach(PORT_CACHE, port_url(config, PORT_CACHE), &redis, ret_message));
    TRY(redis_get_reach(PORT_STREAM, port_url(config, PORT_STREAM), &redis, ret_message));
    for (; *services; services++) {
        if ((*services)->check)
            TRY((*services)->check(config, ret_message));
    }
    return 0;
}

static bool is_named(const char *names, const char *wanted)
{
    struct str rest = str_from_cstr(names), name;

    while (str_next_token(&rest, ',', &name)) {
        if (str_equal_cstr(str_trim(name), wanted))
            return true;
    }
    return false;
}

int choose_services(const char *names, const struct service **ret_services)
{
    struct str rest = str_from_cstr(names), name;
    size_t count = 0;

    while (names && str_next_token(&rest, ',', &name)) {
        if (!service_find(str_trim(name)))
            return say_usage("there is no service '%.*s'; `shopstream serve --help` lists them", STR_FORMAT(name));
    }
    for (size_t i = 0; all_services[i] && count < HOST_SERVICES_MAX; i++) {
        if (!names || all_services[i] == &health_service || is_named(names, all_services[i]->name))
            ret_services[count++] = all_services[i];
    }
    ret_services[count] = NULL;
    return EXIT_DONE;
}
