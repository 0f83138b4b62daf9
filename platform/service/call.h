/* One call of one handler: who asks, on whose behalf, until when, in which transaction, and what is to be said beyond
 * the reply. Lives in its own arena, on one task at a time. */
#pragma once

#include "platform/base/log.h"
#include "platform/rpc/rpc_cancel.h"
#include "platform/service/if_match.h"
#include "platform/service/service.h"

struct principal {
    unsigned roles;     /* of enum role */
    struct str user_id; /* empty for guests and services */
    struct str session_id;
    struct str guest_token;  /* as sent by a guest; empty without */
    bool is_guest_by_cookie; /* it came by the cookie */
    struct str email;        /* of a signed-in person */
};

struct call {
    struct arena *arena;
    struct service_host *host; /* the process: services, ports, configuration */
    const struct service *service;
    struct service_instance *instance;
    void *state;       /* what the service's start gave */
    struct sql_db *db; /* the service's database; NULL where it has none */
    struct sql_tx *tx; /* the transaction around this handler, or NULL */
    struct principal who;
    struct str tenant;         /* never empty */
    int64_t deadline_ns;       /* of clock_monotonic_ns */
    struct rpc_cancel *cancel; /* by which who asked gives it up; NULL: nobody can */
    bool must_finish;          /* it had an effect: what is left to be written is written after the deadline too */
    struct log_context log;    /* service, trace id */
    struct str traceparent;    /* to send on (W3C) */

    struct str idempotency_key; /* of the request; empty without. Goes on to the services that it calls */
    bool on_behalf; /* set by a handler that asks other services for this person alone: they see who asks, and let them
                     * in or not by their own rows. Else they see a service. Holds for calls of this call only */
    struct if_match if_match;
    int64_t wait_ms;                 /* Prefer: wait=N, or 0 */
    const struct http_request *http; /* NULL when called by RPC, a job or an event */
    struct str client_address;
    struct str user_agent; /* what the client says it is; empty without */
    bool from_browser;     /* whose page sent the CSRF token: its secrets go into cookies, never into answers */
    const int *files;      /* open files that the command line sent along: admin_socket.h */
    size_t file_count;

    struct problem problem;     /* why the handler failed */
    struct call_reply *reply;   /* platform/service's own, as is: */
    struct call_reply *showing; /* the reply in which all that is read here ends: its own, or that of who called */
};

/* Fails the call: sets its problem, returns the error. "return call_fail(c, ERR_CONFLICT, "out_of_stock",
 * "/items/0", "Only %d of %s are left.", …);" */
int call_fail(struct call *call, int error, const char *code, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Takes who asks from an access token. Leaves who as it is, and sets no problem, when it is not good:
 * ERR_UNAUTHENTICATED (*ret_reason is then as token_verify says it), or ERR_FORBIDDEN for another tenant's. */
int call_identify(struct call *call, struct str access_token, const char **ret_reason);

/* ERR_DEADLINE with the call's problem when its time is up and nothing came of it yet; likewise ERR_CANCELLED when who
 * asked has given it up. */
int call_check_deadline(struct call *call);

/* Runs the closure in a write transaction of the service's database, for handlers with TX_NONE. call->tx is set
 * meanwhile. ERR_DEADLINE, without the closure, for the first write of a call when the deadline has passed. The
 * request's idempotency record is written in the first such transaction, with the reply as it stands when the closure
 * returns: fill it before. A repeated request never gets here. */
int call_write(struct call *call, sql_closure *closure, void *argument);
int call_read(struct call *call, sql_closure *closure, void *argument);

/* Publishes an event in the running write transaction (the outbox): key is the aggregate's id. */
int call_publish(struct call *call, const char *topic, const char *type, struct str key,
                 const ProtobufCMessage *payload);

/* Puts a message on a queue of the service in the running write transaction. */
int call_enqueue(struct call *call, const char *queue, const ProtobufCMessage *message);

/* Appends a message to a stream of the service in the running write transaction. */
int call_append(struct call *call, const char *stream, const ProtobufCMessage *message);

/* Starts the workflow in the running write transaction; its id is unique per service, and starting it again with the
 * same id is ERR_CONFLICT. */
int call_start_workflow(struct call *call, const struct workflow_type *type, struct str id,
                        const ProtobufCMessage *input);

/* Sends a signal to a workflow in the running write transaction. ERR_NOT_FOUND when it never was or has ended. */
int call_signal_workflow(struct call *call, struct str id, const char *signal, const ProtobufCMessage *payload);

/* -- About the reply ----------------------------------------------------------------------------------------------- */

/* The version of what is shown: the reply's ETag becomes "<version>-<hash of the bytes>". */
void call_set_version(struct call *call, int64_t version);

/* For raw handlers, whose bytes have this hash: their ETag is made of it, and who has them already is told so (304). */
void call_set_etag(struct call *call, uint64_t hash);

/* Files the cached reply under an aggregate that it shows: kind is the topic, id the key of its events
 * ("product.events", the product's id); or under a type of event of the tenant's, whatever its key ("product.created",
 * STR_EMPTY). call_publish of such an event drops the reply before the write is acknowledged. What a service shows that
 * was called for the reply counts as shown by it: its tags are the reply's too. */
int call_cache_tag(struct call *call, const char *kind, struct str id);

/* What a cached row shows this time is not what it shows another time, though nothing changed: nobody keeps it. */
void call_keep_nothing(struct call *call);

/* Another header than the row's. */
int call_set_header(struct call *call, const char *name, struct str value);

/* For raw handlers: answers 200 with a copy of the body (of which a blob, set afterwards, takes the place), its type,
 * and how long it may be kept ("no-store"). ERR_NO_MEMORY. */
int call_answer(struct call *call, struct http_response *response, const char *content_type, const char *cache_control,
                struct str body);

/* With "Prefer: wait=N" the request is answered only when wait_notify was called with this key, or N seconds have
 * passed: refresh is then given the reply as it was, fills it again, in a snapshot, and the recorded answer is that
 * one. Without the header it is answered at once. key must be in the call's arena; refresh asks for it by
 * call_waited_for. */
void call_wait_for(struct call *call, struct str key, rpc_handler *refresh);
struct str call_waited_for(const struct call *call);

/* Answers whoever waits for the key; takes effect when the running write transaction commits. */
int call_wait_notify(struct call *call, struct str key);

/* Continues the trace of a traceparent header's value, or starts one when it is not well-formed. */
int call_start_trace(struct call *call, struct str traceparent);

/* -- Checks that handlers share ------------------------------------------------------------------------------------ */

bool call_is_staff(const struct call *call);

/* ERR_STALE with a problem when If-Match was sent and does not name this version. */
int call_check_version(struct call *call, int64_t version);

/* Opaque list cursors of up to 4 values, sealed with the shop's key, so that an invented one is refused. list is the
 * request for the page: a cursor is good for a request of the same type whose fields, but for cursor and limit, are the
 * same; another list's, or another filter's, is ERR_INVALID with the call's problem. */
int call_cursor_encode(struct call *call, const ProtobufCMessage *list, const struct sql_value *values, size_t count,
                       struct str *ret_cursor);
int call_cursor_decode(struct call *call, const ProtobufCMessage *list, struct str cursor, struct sql_value *ret_values,
                       size_t count);

/* A new UUIDv7 in the arena; NULL when there is no room. */
char *call_new_id(struct call *call);

/* Wall time for what is stored, in ms. */
int64_t call_now_ms(const struct call *call);
