#include "platform/service/call.h"

#include "platform/base/id.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events.h"
#include "platform/ports/queue/queue.h"
#include "platform/ports/stream/stream.h"
#include "platform/ports/workflow/workflow.h"
#include "platform/service/host.h"
#include "platform/service/host_jobs.h"
#include "platform/service/host_streams.h"
#include "platform/service/request_parts.h"
#include "platform/service/waiters.h"
#include "platform/wire/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PAYLOAD_BYTES_MAX (1u << 20)

int call_fail(struct call *call, int error, const char *code, const char *pointer, const char *format, ...)
{
    va_list arguments;

    problem_set(&call->problem, error, code, pointer, "%s", "");
    va_start(arguments, format);
    vsnprintf(call->problem.detail, sizeof(call->problem.detail), format, arguments);
    va_end(arguments);
    return error;
}

int call_check_deadline(struct call *call)
{
    if (call->must_finish)
        return 0;
    if (rpc_cancel_is_set(call->cancel))
        return call_fail(call, ERR_CANCELLED, "cancelled", NULL,
                         "Nobody waits for this call any more; nothing was done.");
    if (call->deadline_ns > clock_monotonic_ns())
        return 0;
    return call_fail(call, ERR_DEADLINE, "deadline", NULL, "The time for this request is up; nothing was done.");
}

/* -- Transactions -------------------------------------------------------------------------------------------------- */

static int store_record(struct call *call, struct sql_tx *tx)
{
    struct call_reply *reply = call->reply;

    TRY(reply_encode(call));
    reply->idempotency->status = reply->raw ? reply->raw->status : reply->status;
    reply->idempotency->body = reply->raw ? reply->raw->body : reply->body;
    reply->idempotency->etag = str_from_cstr(reply->etag);
    return idempotency_store(call, tx, reply->idempotency);
}

/* The route's own status must be in the record, so it is set before. An engine may undo the closure and run it again:
 * then the answer of the run before is not the one that counts. */
int call_run_write(struct call *call, struct sql_tx *tx, sql_closure *closure, void *argument)
{
    struct idempotency *idempotency = call->reply ? call->reply->idempotency : NULL;
    bool is_first = idempotency && !idempotency->recorded;

    /* It may have waited for the writer. */
    TRY(call_check_deadline(call));
    int result = is_first ? idempotency_find(call, tx, idempotency) : 0;

    if (result < 0 || (is_first && idempotency->replayed))
        return result;
    if (is_first)
        call->reply->encoded = false;
    call->tx = tx;
    result = closure(tx, argument);
    call->tx = NULL;
    if (result >= 0 && is_first)
        result = store_record(call, tx);
    return result;
}

struct write_argument {
    struct call *call;
    sql_closure *closure;
    void *argument;
    bool replayed;
};

static int write_closure(struct sql_tx *tx, void *argument)
{
    struct write_argument *write = argument;

    return call_run_write(write->call, tx, write->closure, write->argument);
}

int call_write(struct call *call, sql_closure *closure, void *argument)
{
    struct write_argument write = {.call = call, .closure = closure, .argument = argument};
    bool is_first = call->reply && call->reply->idempotency && !call->reply->idempotency->recorded;

    ASSERT(!call->tx);
    TRY(sql_write(call->db, write_closure, &write));
    call->must_finish = true;
    if (is_first && !call->reply->idempotency->replayed)
        call->reply->idempotency->recorded = true;
    return 0;
}

static int read_closure(struct sql_tx *tx, void *argument)
{
    struct write_argument *read = argument;

    read->call->tx = tx;
    int result = read->closure(tx, read->argument);
    read->call->tx = NULL;
    return result;
}

int call_read(struct call *call, sql_closure *closure, void *argument)
{
    struct write_argument read = {.call = call, .closure = closure, .argument = argument};

    if (call->tx)
        return closure(call->tx, argument);
    return sql_read(call->db, read_closure, &read);
}

/* -- Effects that commit with the transaction ---------------------------------------------------------------------- */

static int encode_payload(struct call *call, const ProtobufCMessage *message, struct str *ret_json)
{
    CLEANUP(buf_free) struct buf buf = BUF(PAYLOAD_BYTES_MAX);

    wire_to_json(message, &buf);
    TRY(buf_error(&buf));
    *ret_json = arena_copy(call->arena, buf_str(&buf));
    return ret_json->ptr ? 0 : ERR_NO_MEMORY;
}

int call_publish(struct call *call, const char *topic, const char *type, struct str key,
                 const ProtobufCMessage *payload)
{
    ASSERT(call->tx && sql_tx_is_write(call->tx));
    char *id = call_new_id(call);
    struct event event = {
        .id = str_from_cstr(id),
        .source = str_from_cstr(call->service->name),
        .topic = str_from_cstr(topic),
        .type = str_from_cstr(type),
        .key = key,
        .tenant = call->tenant,
        .time_ms = clock_latest_ms(),
        .traceparent = call->traceparent,
    };
    if (!id)
        return ERR_NO_MEMORY;
    TRY(encode_payload(call, payload, &event.payload));
    return event_append(call->host->bus, call->tx, &event);
}

static void wake_queue_workers(bool committed, void *argument)
{
    struct service_instance *instance = argument;

    if (committed)
        host_workers_wake(instance->host->queue_workers, instance);
}

int call_enqueue(struct call *call, const char *queue, const ProtobufCMessage *message)
{
    struct str body;

    ASSERT(call->tx && sql_tx_is_write(call->tx));
    TRY(encode_payload(call, message, &body));
    TRY(work_queue_enqueue(call->instance->queue, call->tx, str_from_cstr(queue), body, 0));
    return sql_tx_on_commit(call->tx, wake_queue_workers, call->instance);
}

static void wake_stream_readers(bool committed, void *argument)
{
    struct service_host *host = argument;

    if (committed)
        host_streams_wake(host->streams);
}

int call_append(struct call *call, const char *stream, const ProtobufCMessage *message)
{
    struct str payload;

    ASSERT(call->tx && sql_tx_is_write(call->tx));
    TRY(encode_payload(call, message, &payload));
    TRY(stream_append(call->instance->stream, call->tx, str_from_cstr(stream), payload, NULL));
    return sql_tx_on_commit(call->tx, wake_stream_readers, call->host);
}

static struct workflow_engine *engine_of(struct call *call)
{
    ASSERT(call->instance->engine && call->tx && sql_tx_is_write(call->tx));
    return call->instance->engine;
}

int call_start_workflow(struct call *call, const struct workflow_type *type, struct str id,
                        const ProtobufCMessage *input)
{
    const struct workflow_start start = {
        .type = type, .id = id, .tenant = call->tenant, .traceparent = call->traceparent, .input = input};

    return workflow_start(engine_of(call), call->tx, &start);
}

int call_signal_workflow(struct call *call, struct str id, const char *signal, const ProtobufCMessage *payload)
{
    return workflow_signal(engine_of(call), call->tx, id, signal, payload);
}

/* -- About the reply ----------------------------------------------------------------------------------------------- */

void call_set_version(struct call *call, int64_t version)
{
    if (!call->reply)
        return;
    call->reply->version = version;
    call->reply->has_version = true;
}

int call_cache_tag(struct call *call, const char *kind, struct str id)
{
    struct call_reply *reply = call->showing;

    if (!reply)
        return 0;
    uint64_t tag = response_cache_tag(call->host->responses, call->tenant, str_from_cstr(kind), id);
    for (size_t i = 0; i < reply->tag_count; i++) {
        if (reply->tags[i] == tag)
            return 0;
    }
    if (reply->tag_count == CACHE_TAGS_MAX)
        reply->uncacheable = true;
    else
        reply->tags[reply->tag_count++] = tag;
    return 0;
}

void call_keep_nothing(struct call *call)
{
    if (call->showing)
        call->showing->uncacheable = true;
}

int reply_set_header(struct call_reply *reply, const char *name, struct str value)
{
    if (!reply || !value.ptr)
        return 0;
    if (reply->header_count == REPLY_HEADERS_MAX)
        return ERR_TOO_LARGE;
    reply->headers[reply->header_count++] = (struct http_header){str_from_cstr(name), value};
    return 0;
}

int call_set_header(struct call *call, const char *name, struct str value)
{
    return reply_set_header(call->reply, name, value);
}

void call_wait_for(struct call *call, struct str key, rpc_handler *refresh)
{
    if (!call->reply)
        return;
    call->reply->wait_key = key;
    call->reply->wait_refresh = refresh;
}

/* Outlives the closure, whose arena does not last until the commit. */
struct wait_notice {
    struct waiters *waiters;
    size_t key_len;
    char key[];
};

static void notify_waiters(bool committed, void *argument)
{
    struct wait_notice *notice = argument;

    if (committed)
        waiters_notify(notice->waiters, str_from(notice->key, notice->key_len));
    free(notice);
}

int call_wait_notify(struct call *call, struct str key)
{
    struct wait_notice *notice = malloc(sizeof(*notice) + key.len);

    if (!notice)
        return ERR_NO_MEMORY;
    notice->waiters = call->host->waiters;
    notice->key_len = key.len;
    memcpy(notice->key, key.ptr, key.len);
    int result = sql_tx_on_commit(call->tx, notify_waiters, notice);
    if (result < 0)
        free(notice);
    return result;
}

struct str call_waited_for(const struct call *call)
{
    return call->reply->wait_key;
}

/* -- Checks -------------------------------------------------------------------------------------------------------- */

bool call_is_staff(const struct call *call)
{
    return call->who.roles & (ROLE_SUPPORT | ROLE_MERCHANDISER | ROLE_ADMIN | ROLE_SERVICE);
}

int call_check_version(struct call *call, int64_t version)
{
    if (if_match_holds(&call->if_match, version))
        return 0;
    return call_fail(call, ERR_STALE, "stale_version", NULL,
                     "It was changed since you read it: it is at version %lld now. Read it again.", (long long)version);
}

char *call_new_id(struct call *call)
{
    char *id = arena_alloc(call->arena, ID_BYTES);

    if (id)
        id_new(id);
    return id;
}

int64_t call_now_ms(const struct call *call)
{
    (void)call;
    return clock_wall_ms();
}
