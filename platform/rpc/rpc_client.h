/* Calls methods of services in other processes: gRPC over HTTP/2 by nghttp2, on an event loop of its own (ADR 0020).
 *
 * A service has one address or several. Each has a few connections that all calls share; a call goes to the address
 * with the fewest calls under way. What fails too often in a row is left alone for a while, then tried by one call (a
 * circuit breaker). A call is tried again where the peer cannot have seen it, and where it is idempotent and the
 * peer was not to be had, out of a budget that success fills: a peer in trouble is not asked more for being in it. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/buf.h"
#include "platform/base/problem.h"
#include "platform/net/http.h"
#include "platform/rpc/rpc_cancel.h"

#define RPC_CLIENT_MESSAGE_BYTES 256

struct rpc_client;
struct tls_identity;

/* Who this process is, and what others are called. */
struct rpc_security {
    const struct tls_identity *identity; /* with tls_identity_require_peers; NULL: plain text, on this machine alone */
    const char *trust_domain;            /* of rpc_identity.h; outlives the client */
};

/* peers: "NAME=URL" separated by commas, as "catalog=grpc://127.0.0.1:4002"; a name may come several times. grpcs: is
 * by TLS on both sides, and the only one that leaves this machine. ERR_INVALID with what is wrong in ret_message;
 * ERR_NO_MEMORY. */
int rpc_client_new(struct rpc_client **ret_client, struct str peers, const struct rpc_security *security,
                   char ret_message[RPC_CLIENT_MESSAGE_BYTES]);

/* Starts its task; before the first call. */
int rpc_client_start(struct rpc_client *client);

#define RPC_CLIENT_PORTS_MAX 65

/* The TCP ports that it connects to, that of the resolver where an address is a name. 0 for a client that is NULL. */
size_t rpc_client_ports(const struct rpc_client *client, unsigned short ret_ports[RPC_CLIENT_PORTS_MAX]);

/* No call may be under way. NULL is fine. */
void rpc_client_free(struct rpc_client *client);

/* Whether it knows an address of the service. A client that is NULL knows none. */
bool rpc_client_has(const struct rpc_client *client, const char *service);

struct rpc_client_call {
    const char *service;              /* "catalog" */
    const char *path;                 /* "/shopstream.catalog.v1.Catalog/GetProduct" */
    const struct http_header *fields; /* metadata, names in lower case */
    size_t field_count;
    struct str message;
    int64_t deadline_ns;
    bool is_idempotent;
    struct rpc_cancel *cancel; /* may be NULL */
};

/* Blocks the calling task until there is an answer, the deadline has come or the call is given up. 0: the reply's bytes
 * were appended to reply, whose maximum is the limit of their number. Otherwise the peer's error, or ERR_UNAVAILABLE,
 * ERR_DEADLINE, ERR_CANCELLED, ERR_TOO_LARGE, ERR_NO_MEMORY of its own, with the problem set. After ERR_UNAVAILABLE and
 * ERR_DEADLINE it is not known whether the peer did what it was asked for. */
int rpc_client_call(struct rpc_client *client, struct arena *arena, const struct rpc_client_call *call,
                    struct buf *reply, struct problem *ret_problem);
