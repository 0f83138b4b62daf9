/* What the settings say of the network: who may speak for clients, who the shop is, whom it believes, and where it may
 * connect to. Read once, before the sandbox closes the files. */
#pragma once

#include "platform/net/client.h"
#include "platform/net/proxies.h"
#include "platform/net/tls.h"
#include "platform/ports/events/events.h"
#include "platform/ports/redis/redis_address.h"
#include "platform/ports/sql/sql.h"
#include "platform/rpc/rpc_client.h"

#define NETWORK_REDIS_MAX 2 /* servers: the cache's and the streams' */
#define NETWORK_PORTS_MAX                                                                                              \
    (RPC_CLIENT_PORTS_MAX + HTTP_CLIENT_PORTS_MAX + 1 + SQL_PORTS_MAX + NETWORK_REDIS_MAX * REDIS_PORTS_MAX +          \
     EVENT_PORTS_MAX)

struct config;
struct service;

struct network {
    struct proxies *proxies;
    struct tls_identity *tls;          /* NULL: the shop speaks plain HTTP */
    struct http_client *client;        /* until it is given to the host, as is the next one */
    struct rpc_client *rpc_client;     /* NULL: no service runs elsewhere */
    struct tls_identity *rpc_identity; /* NULL: services speak plain text to each other */
    struct rpc_security rpc_security;
    bool is_limited; /* connections go to the ports below alone */
    unsigned short ports[NETWORK_PORTS_MAX];
    size_t port_count;
    struct sql_reach sql;                        /* whose files are read too */
    struct redis_reach redis[NETWORK_REDIS_MAX]; /* likewise */
    struct event_reach events;                   /* likewise */
};

/* Returns an exit status; what is wrong was said. services: those that run here, NULL-terminated. */
int network_open(const struct config *config, const struct service *const *services, struct network *ret_network);
void network_close(struct network *network);
