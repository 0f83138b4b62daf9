/* A request on its way through platform/service, from behind the parser to its answer.
 *
 * request_begin runs on the event loop: it finds the row and answers what is cached or cannot block. Everything else is
 * queued to the worker pool, where request_run authenticates, authorises, decodes, keeps the idempotency record, runs
 * the handler in its transaction and encodes. A handler in a write transaction does not hold a worker while it waits
 * for the disk: the writer completes the request. */
#pragma once

#include "platform/service/call.h"
#include "platform/service/idempotency.h"
#include "platform/service/response_cache.h"
#include "platform/service/router.h"
#include "platform/service/worker_pool.h"

#define REPLY_HEADERS_MAX 12

struct service_instance;

/* What a call says beyond its output. */
struct call_reply {
    int status;
    struct http_header headers[REPLY_HEADERS_MAX];
    size_t header_count;
    bool has_version;
    int64_t version;
    uint64_t tags[CACHE_TAGS_MAX];
    size_t tag_count;
    bool uncacheable;          /* more tags than fit, or another time it shows something else */
    bool sets_cookie;          /* so it is for one browser alone */
    struct http_response *raw; /* what a raw handler fills */
    ProtobufCMessage *out;
    bool encoded;
    struct str body;                 /* out as JSON, once encoded */
    char etag[64];                   /* empty without */
    struct idempotency *idempotency; /* NULL where the request has no key */
    /* Set by call_wait_for: what the request waits for before it is answered. */
    struct str wait_key;
    rpc_handler *wait_refresh;
};

struct request {
    struct work work; /* first */
    struct service_host *host;
    struct arena *arena;
    const struct http_request *http;
    struct service_instance *own; /* the service of an own listener, or NULL: by path */
    void (*respond)(struct request *request, const struct http_response *response);
    void *respond_context;

    struct service_instance *instance;
    struct route_match match;
    struct call call;
    struct call_reply reply;
    struct idempotency idempotency;
    bool in_flight;
    ProtobufCMessage *in;
    struct sql_write_job write;
    struct str cache_key; /* empty: not to be kept */
    uint64_t cache_epoch;
    bool may_block; /* it is on a worker */
    int64_t started_ns;
};

/* True when the request was answered; false when it is to be queued (work.run is set). host, arena, http, own and
 * respond are filled by the caller, the rest is zero. */
bool request_begin(struct request *request);

/* How large a body the request may have, whose head alone is there; 0: as any row's. When its row takes larger ones
 * than others, but not from who asks, ret_response says so. The request is of no other use afterwards; it cannot block.
 */
size_t request_body_max(struct request *request, struct http_response *ret_response);

/* Answers a request that was to be queued and found no room. */
void request_refuse(struct request *request);

/* Encodes the call's output and its ETag, once. */
int reply_encode(struct call *call);
