/* One call of one handler: who asks, on whose behalf, until when, in which transaction, and what is to be said beyond
 * the reply. Lives in its own arena, on one task at a time. */
#pragma once

#include "platform/base/log.h"
#include "platform/service/service.h"

struct principal {
    unsigned roles;         /* of enum role */
    struct str user_id;     /* empty for guests and services */
    struct str session_id;
    struct str guest_token; /* as sent by a guest; empty without */
    struct str email;       /* of a signed-in person */
};

struct call {
    struct arena *arena;
    struct service_host *host;          /* the process: services, ports, configuration */
    const struct service *service;
    void *state;                        /* what the service's start gave */
    struct sql_db *db;                  /* the service's database */
    struct sql_tx *tx;                  /* the transaction around this handler, or NULL */
    struct principal who;
    struct str tenant;                  /* never empty */
    int64_t deadline_ns;                /* of clock_monotonic_ns */
    struct log_context log;             /* service, trace id */
    struct str traceparent;             /* to send on (W3C) */

    struct str idempotency_key;         /* empty without */
    int64_t if_match;                   /* the version that If-Match names, or -1 */
    int64_t wait_ms;                    /* Prefer: wait=N, or 0 */
    const struct http_request *http;    /* NULL when called by RPC, a job or an event */
    struct str client_address;

    struct problem problem;             /* why the handler failed */
    struct call_reply *reply;           /* platform/service's own */
};

/* Fails the call: sets its problem, returns the error. "return call_fail(c, ERR_CONFLICT, "out_of_stock",
 * "/items/0", "Only %d of %s are left.", …);" */
int call_fail(struct call *call, int error, const char *code, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Runs the closure in a write transaction of the service's database, for handlers with TX_NONE. call->tx is set
 * meanwhile. The request's idempotency record is written in the first such transaction, with the reply as it stands
 * when the closure returns: fill it before. A repeated request never gets here. */
int call_write(struct call *call, sql_closure *closure, void *argument);
int call_read(struct call *call, sql_closure *closure, void *argument);

/* Publishes an event in the running write transaction (the outbox): key is the aggregate's id. */
int call_publish(struct call *call, const char *topic, const char *type, struct str key,
                 const ProtobufCMessage *payload);

/* Puts a message on a queue of the service in the running write transaction. */
int call_enqueue(struct call *call, const char *queue, const ProtobufCMessage *message);

/* Starts the workflow in the running write transaction; its id is unique per service, and starting it again with the
 * same id is ERR_CONFLICT. */
int call_start_workflow(struct call *call, const struct workflow_type *type, struct str id,
                        const ProtobufCMessage *input);

/* Sends a signal to a workflow in the running write transaction. ERR_NOT_FOUND when it never was or has ended. */
int call_signal_workflow(struct call *call, struct str id, const char *signal, const ProtobufCMessage *payload);

/* -- About the reply ------------------------------------------------------------------------------------------------ */

/* The version of what is shown: the reply's ETag becomes "<version>-<hash of the bytes>". */
void call_set_version(struct call *call, int64_t version);

/* Names an aggregate that the reply shows ("product:0190…"); call_publish of an event with that key drops the cached
 * reply. Topic-wide: "product.events". */
int call_cache_tag(struct call *call, const char *kind, struct str id);

/* Another status or header than the row's. */
void call_set_status(struct call *call, int status);
int call_set_header(struct call *call, const char *name, struct str value);

/* -- Checks that handlers share --------------------------------------------------------------------------------------- */

bool call_is_staff(const struct call *call);

/* ERR_STALE with a problem when If-Match names another version than the row's. */
int call_check_version(struct call *call, int64_t version);

/* Opaque list cursors, sealed with the shop's key so that an invented one is refused: up to 4 values. */
int call_cursor_encode(struct call *call, const struct sql_value *values, size_t count, struct str *ret_cursor);
int call_cursor_decode(struct call *call, struct str cursor, struct sql_value *ret_values, size_t count);

/* A new UUIDv7 in the arena; NULL when there is no room. */
char *call_new_id(struct call *call);

/* Wall time for what is stored, in ms. */
int64_t call_now_ms(const struct call *call);
