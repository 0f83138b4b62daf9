#include "cli/network.h"

#include "cli/commands.h"
#include "cli/file.h"
#include "cli/settings.h"
#include "cli/terminal.h"
#include "platform/ports/psp/psp_config.h"
#include "platform/service/service.h"

#include <string.h>

#define CLIENT_CONNECTIONS_MAX 64
#define AUTHORITIES_BYTES_MAX ((size_t)4 << 20)
#define DNS_PORT 53 /* the resolver goes over to TCP for a long answer */

static int choose_proxies(const struct config *config, struct network *network)
{
    char message[PROXIES_MESSAGE_BYTES] = "out of memory";

    if (proxies_new(&network->proxies, config_get_str(config, &settings[SETTING_TRUSTED_PROXIES]), message) < 0)
        return say_failed("SHOPSTREAM_TRUSTED_PROXIES: %s", message);
    return EXIT_DONE;
}

static int choose_identity(const struct config *config, struct network *network)
{
    const char *certificate = config_get_cstr(config, &settings[SETTING_TLS_CERTIFICATE]);
    const char *key = config_get_cstr(config, &settings[SETTING_TLS_KEY]);
    char message[TLS_MESSAGE_BYTES];

    if (!*certificate && !*key)
        return EXIT_DONE;
    if (!*certificate || !*key)
        return say_failed("SHOPSTREAM_TLS_CERTIFICATE and SHOPSTREAM_TLS_KEY go together: set both, or neither");
    if (tls_identity_load(&network->tls, certificate, key, message) < 0)
        return say_failed("%s", message);
    return EXIT_DONE;
}

static int open_client(const struct config *config, struct network *network)
{
    const char *path = config_get_cstr(config, &settings[SETTING_TLS_AUTHORITIES]);
    CLEANUP(buf_free) struct buf pem = BUF(AUTHORITIES_BYTES_MAX);

    if (*path && file_read(path, &pem) != EXIT_DONE)
        return EXIT_FAILED;
    if (*path && str_find(buf_str(&pem), STR("-----BEGIN CERTIFICATE-----")) < 0)
        return say_failed("SHOPSTREAM_TLS_AUTHORITIES: there is no certificate in %s", path);
    int result = http_client_new(&network->client, CLIENT_CONNECTIONS_MAX);
    if (result == 0 && *path)
        result = http_client_trust(network->client, buf_str(&pem));
    return result < 0 ? say_failed("out of memory") : EXIT_DONE;
}

static int choose_rpc_identity(const struct config *config, struct network *network)
{
    const char *certificate = config_get_cstr(config, &settings[SETTING_RPC_CERTIFICATE]);
    const char *key = config_get_cstr(config, &settings[SETTING_RPC_KEY]);
    const char *authorities = config_get_cstr(config, &settings[SETTING_RPC_AUTHORITIES]);
    char message[TLS_MESSAGE_BYTES];

    network->rpc_security.trust_domain = config_get_cstr(config, &settings[SETTING_RPC_TRUST_DOMAIN]);
    if (!*certificate && !*key && !*authorities)
        return EXIT_DONE;
    if (!*certificate || !*key || !*authorities)
        return say_failed("SHOPSTREAM_RPC_CERTIFICATE, SHOPSTREAM_RPC_KEY and SHOPSTREAM_RPC_AUTHORITIES go together: "
                          "set all, or none");
    if (tls_identity_load(&network->rpc_identity, certificate, key, message) < 0 ||
        tls_identity_require_peers(network->rpc_identity, authorities, message) < 0)
        return say_failed("%s", message);
    network->rpc_security.identity = network->rpc_identity;
    return EXIT_DONE;
}

static int open_rpc_client(const struct config *config, struct network *network)
{
    struct str peers = config_get_str(config, &settings[SETTING_RPC_PEERS]);
    char message[RPC_CLIENT_MESSAGE_BYTES] = "out of memory";

    if (peers.len > 0 && rpc_client_new(&network->rpc_client, peers, &network->rpc_security, message) < 0)
        return say_failed("SHOPSTREAM_RPC_PEERS: %s", message);
    return EXIT_DONE;
}

/* -- Where the shop connects to ------------------------------------------------------------------------------------ */

/* The emulator is for tests, which name any port of this machine to be told of events: with it, all are open. */
static bool has_any_port(const struct service *const *services)
{
    for (size_t i = 0; services[i]; i++) {
        if (services[i]->own_listener)
            return true;
    }
    return false;
}

static int add_peers(const struct config *config, struct network *network)
{
    (void)config;
    network->port_count += rpc_client_ports(network->rpc_client, network->ports + network->port_count);
    return EXIT_DONE;
}

static int add_provider(const struct config *config, struct network *network)
{
    const char *url = config_get_cstr(config, psp_config_url);
    size_t count = 0;

    if (!*url)
        return EXIT_DONE;
    if (http_client_ports(url, network->ports + network->port_count, &count) < 0)
        return say_failed("SHOPSTREAM_STRIPE_URL, or the proxy that the environment names for it, is no address");
    network->port_count += count;
    network->ports[network->port_count++] = DNS_PORT;
    return EXIT_DONE;
}

static int add_databases(const struct config *config, struct network *network)
{
    char message[512];

    if (sql_get_reach(port_url(config, PORT_SQL), &network->sql, message) < 0)
        return say_failed("%s", message);
    memcpy(network->ports + network->port_count, network->sql.ports,
           network->sql.port_count * sizeof(network->ports[0]));
    network->port_count += network->sql.port_count;
    return EXIT_DONE;
}

static int add_redis(const struct config *config, struct network *network)
{
    static const enum port ports[NETWORK_REDIS_MAX] = {PORT_CACHE, PORT_STREAM};
    char message[REDIS_MESSAGE_BYTES];

    for (size_t i = 0; i < NETWORK_REDIS_MAX; i++) {
        struct redis_reach *reach = &network->redis[i];
        if (redis_get_reach(ports[i], port_url(config, ports[i]), reach, message) < 0)
            return say_failed("%s", message);
        memcpy(network->ports + network->port_count, reach->ports, reach->port_count * sizeof(network->ports[0]));
        network->port_count += reach->port_count;
    }
    return EXIT_DONE;
}

static int add_brokers(const struct config *config, struct network *network)
{
    char message[512];

    if (event_bus_get_reach(port_url(config, PORT_EVENTS), &network->events, message) < 0)
        return say_failed("%s", message);
    memcpy(network->ports + network->port_count, network->events.ports,
           network->events.port_count * sizeof(network->ports[0]));
    network->port_count += network->events.port_count;
    return EXIT_DONE;
}

/* All that the settings name. What connects elsewhere joins with its ports, counted in NETWORK_PORTS_MAX. */
static int choose_ports(const struct config *config, const struct service *const *services, struct network *network)
{
    static int (*const adders[])(const struct config *, struct network *) = {add_peers, add_provider, add_databases,
                                                                             add_redis, add_brokers};
    int status = EXIT_DONE;

    network->is_limited = !has_any_port(services);
    for (size_t i = 0; status == EXIT_DONE && i < sizeof(adders) / sizeof(adders[0]); i++)
        status = adders[i](config, network);
    return status;
}

int network_open(const struct config *config, const struct service *const *services, struct network *ret_network)
{
    int status = choose_proxies(config, ret_network);

    if (status == EXIT_DONE)
        status = choose_identity(config, ret_network);
    if (status == EXIT_DONE)
        status = choose_rpc_identity(config, ret_network);
    if (status == EXIT_DONE)
        status = open_rpc_client(config, ret_network);
    if (status == EXIT_DONE)
        status = choose_ports(config, services, ret_network);
    return status == EXIT_DONE ? open_client(config, ret_network) : status;
}

void network_close(struct network *network)
{
    http_client_free(network->client);
    rpc_client_free(network->rpc_client);
    tls_identity_free(network->tls);
    tls_identity_free(network->rpc_identity);
    proxies_free(network->proxies);
}
