/* Starting and signalling workflows, inside the caller's transaction. */
#include "platform/ports/workflow/workflow.sql.h"
#include "platform/ports/workflow/workflow_sql.h"

#include <stdlib.h>

/* -- Starting ------------------------------------------------------------------------------------------------------ */

static void adopt_when_committed(bool committed, void *argument)
{
    struct instance *instance = argument;
    if (committed) {
        engine_adopt(instance->engine, instance);
        return;
    }
    engine_break_promise(instance->engine);
    instance_free(instance);
}

/* Has the instance taken up with the transaction's commit; frees it on failure. */
static int adopt_on_commit(struct engine *engine, struct sql_tx *tx, struct instance *instance)
{
    int error = engine_promise(engine);
    if (error == 0) {
        error = sql_tx_on_commit(tx, adopt_when_committed, instance);
        if (error < 0)
            engine_break_promise(engine);
    }
    if (error < 0)
        instance_free(instance);
    return error;
}

/* The instance is made here, from what the caller holds anyway, so that its first transition reads nothing. */
static int adopt_later(struct engine *engine, struct sql_tx *tx, const struct workflow_start *start, struct str input)
{
    struct instance *instance = instance_new(engine, start->id);
    if (!instance)
        return ERR_NO_MEMORY;
    int error = instance_set(instance, str_from_cstr(start->type->name), start->tenant, start->traceparent, input,
                             WORKFLOW_RUNNING);
    if (error < 0) {
        instance_free(instance);
        return error;
    }
    return adopt_on_commit(engine, tx, instance);
}

int engine_start_workflow(struct workflow_engine *base, struct sql_tx *tx, const struct workflow_start *start)
{
    struct engine *engine = (struct engine *)base;

    ASSERT(engine_find_type(engine, str_from_cstr(start->type->name)) == start->type);
    CLEANUP(buf_free) struct buf input = BUF(WORKFLOW_PAYLOAD_BYTES_MAX);
    wire_to_json(start->input, &input);
    TRY(buf_error(&input));
    TRY(sql_exec(tx, &workflow_sql_insert,
                 SQL_ARGS(sql_text(start->id), sql_cstr(start->type->name), sql_text(start->tenant),
                          sql_text(start->traceparent), sql_text(buf_str(&input)), sql_int(clock_latest_ms())),
                 NULL));
    return adopt_later(engine, tx, start, buf_str(&input));
}

/* -- Signals ------------------------------------------------------------------------------------------------------- */

struct wake_call {
    struct engine *engine;
    size_t id_len;
    char id[];
};

static void wake_when_committed(bool committed, void *argument)
{
    struct wake_call *call = argument;
    if (committed)
        engine_wake(call->engine, str_from(call->id, call->id_len));
    free(call);
}

static int wake_later(struct engine *engine, struct sql_tx *tx, struct str id)
{
    struct wake_call *call = malloc(sizeof(*call) + id.len);
    if (!call)
        return ERR_NO_MEMORY;
    call->engine = engine;
    call->id_len = id.len;
    memcpy(call->id, id.ptr, id.len);
    int error = sql_tx_on_commit(tx, wake_when_committed, call);
    if (error < 0)
        free(call);
    return error;
}

int engine_signal(struct workflow_engine *base, struct sql_tx *tx, struct str id, const char *name,
                  const ProtobufCMessage *payload)
{
    CLEANUP(buf_free) struct buf json = BUF(WORKFLOW_PAYLOAD_BYTES_MAX);
    if (payload)
        wire_to_json(payload, &json);
    else
        buf_append_cstr(&json, "{}");
    TRY(buf_error(&json));
    int64_t changed;
    TRY(sql_exec(tx, &workflow_sql_insert_signal,
                 SQL_ARGS(sql_text(id), sql_cstr(name), sql_text(buf_str(&json)), sql_int(clock_latest_ms())),
                 &changed));
    return changed == 1 ? wake_later((struct engine *)base, tx, id) : ERR_NOT_FOUND;
}

int engine_resume(struct workflow_engine *base, struct sql_tx *tx, struct str id)
{
    int64_t changed;
    TRY(sql_exec(tx, &workflow_sql_resume, SQL_ARGS(sql_text(id), sql_int(clock_latest_ms())), &changed));
    if (changed != 1)
        return ERR_NOT_FOUND;
    struct engine *engine = (struct engine *)base;
    struct instance *stub = instance_new(engine, id);
    if (!stub)
        return ERR_NO_MEMORY;
    return adopt_on_commit(engine, tx, stub);
}
