/* Starting, signalling and looking at workflows, inside the caller's transaction. */
#include "platform/ports/workflow/workflow.sql.h"
#include "platform/ports/workflow/workflow_internal.h"

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
static int adopt_on_commit(struct workflow_engine *engine, struct sql_tx *tx, struct instance *instance)
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
static int adopt_later(struct workflow_engine *engine, struct sql_tx *tx, const struct workflow_start *start,
                       struct str input)
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

int workflow_start(struct workflow_engine *engine, struct sql_tx *tx, const struct workflow_start *start)
{
    ASSERT(workflow_type_find(engine, str_from_cstr(start->type->name)) == start->type);
    ASSERT(start->input->descriptor == start->type->input);
    if (start->id.len == 0 || start->id.len > WORKFLOW_ID_MAX)
        return ERR_INVALID;
    CLEANUP(buf_free) struct buf input = BUF(WORKFLOW_PAYLOAD_BYTES_MAX);
    wire_to_json(start->input, &input);
    TRY(buf_error(&input));
    TRY(sql_exec(tx, &workflow_sql_insert,
                 SQL_ARGS(sql_text(start->id), sql_cstr(start->type->name), sql_text(start->tenant),
                          sql_text(start->traceparent), sql_text(buf_str(&input)), sql_int(clock_wall_ms())),
                 NULL));
    return adopt_later(engine, tx, start, buf_str(&input));
}

/* -- Signals ------------------------------------------------------------------------------------------------------- */

struct wake_call {
    struct workflow_engine *engine;
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

static int wake_later(struct workflow_engine *engine, struct sql_tx *tx, struct str id)
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

int workflow_signal(struct workflow_engine *engine, struct sql_tx *tx, struct str id, const char *name,
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
                 SQL_ARGS(sql_text(id), sql_cstr(name), sql_text(buf_str(&json)), sql_int(clock_wall_ms())), &changed));
    return changed == 1 ? wake_later(engine, tx, id) : ERR_NOT_FOUND;
}

int workflow_resume(struct workflow_engine *engine, struct sql_tx *tx, struct str id)
{
    int64_t changed;
    TRY(sql_exec(tx, &workflow_sql_resume, SQL_ARGS(sql_text(id), sql_int(clock_wall_ms())), &changed));
    if (changed != 1)
        return ERR_NOT_FOUND;
    struct instance *stub = instance_new(engine, id);
    if (!stub)
        return ERR_NO_MEMORY;
    return adopt_on_commit(engine, tx, stub);
}

/* -- Looking ------------------------------------------------------------------------------------------------------- */

/* A copy in the arena, empty for NULL; sets *error where there is no room. */
static struct str keep(struct arena *arena, struct sql_rows *rows, unsigned column, int *error)
{
    struct str text = sql_get_text(rows, column);
    struct str copy = arena_copy(arena, text);
    if (text.len > 0 && !copy.ptr)
        *error = ERR_NO_MEMORY;
    return copy;
}

static int read_row(struct arena *arena, struct sql_rows *rows, struct workflow_row *ret_row)
{
    int error = 0;
    *ret_row = (struct workflow_row){
        .id = keep(arena, rows, 0, &error),
        .type = keep(arena, rows, 1, &error),
        .tenant = keep(arena, rows, 2, &error),
        .status = keep(arena, rows, 3, &error),
        .error = (int)sql_get_int(rows, 4),
        .code = keep(arena, rows, 5, &error),
        .detail = keep(arena, rows, 6, &error),
        .created_at_ms = sql_get_int(rows, 7),
        .updated_at_ms = sql_get_int(rows, 8),
        .step = keep(arena, rows, 9, &error),
        .attempts = (unsigned)sql_get_int(rows, 10),
        .due_at_ms = sql_get_int(rows, 11),
        .step_detail = keep(arena, rows, 12, &error),
    };
    return error;
}

int workflow_list(struct sql_tx *tx, struct arena *arena, struct str status, struct str after_id, size_t limit,
                  struct workflow_row **ret_rows, size_t *ret_count)
{
    if (limit == 0 || limit > WORKFLOW_LIST_MAX)
        return ERR_INVALID;
    struct workflow_row *list = arena_alloc_array(arena, limit, sizeof(*list));
    if (!list)
        return ERR_NO_MEMORY;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &workflow_sql_list, SQL_ARGS(sql_text(after_id), sql_text(status), sql_int((int64_t)limit)),
                  &rows));
    size_t count = 0;
    int found = 0;
    while (count < limit && (found = sql_next(rows)) == 1)
        TRY(read_row(arena, rows, &list[count++]));
    if (found < 0)
        return found;
    *ret_rows = list;
    *ret_count = count;
    return 0;
}

static int read_step_row(struct arena *arena, struct sql_rows *rows, struct workflow_step_row *ret_step)
{
    int error = 0;
    *ret_step = (struct workflow_step_row){
        .seq = sql_get_int(rows, 0),
        .kind = keep(arena, rows, 1, &error),
        .name = keep(arena, rows, 2, &error),
        .state = keep(arena, rows, 3, &error),
        .attempts = (unsigned)sql_get_int(rows, 4),
        .due_at_ms = sql_get_int(rows, 5),
        .input = keep(arena, rows, 6, &error),
        .output = keep(arena, rows, 7, &error),
        .signal = keep(arena, rows, 8, &error),
        .error = (int)sql_get_int(rows, 9),
        .code = keep(arena, rows, 10, &error),
        .detail = keep(arena, rows, 11, &error),
        .scheduled_at_ms = sql_get_int(rows, 12),
        .ended_at_ms = sql_get_int(rows, 13),
    };
    return error;
}

static int show_row(struct sql_tx *tx, struct arena *arena, struct str id, struct workflow_row *ret_row)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &workflow_sql_get, SQL_ARGS(sql_text(id)), &rows);
    if (found <= 0)
        return found < 0 ? found : ERR_NOT_FOUND;
    int error = 0;
    *ret_row = (struct workflow_row){
        .id = arena_copy(arena, id),
        .type = keep(arena, rows, 0, &error),
        .tenant = keep(arena, rows, 1, &error),
        .status = keep(arena, rows, 3, &error),
        .input = keep(arena, rows, 4, &error),
        .output = keep(arena, rows, 5, &error),
        .error = (int)sql_get_int(rows, 6),
        .code = keep(arena, rows, 7, &error),
        .detail = keep(arena, rows, 8, &error),
        .created_at_ms = sql_get_int(rows, 9),
        .updated_at_ms = sql_get_int(rows, 10),
    };
    return error;
}

int workflow_show(struct sql_tx *tx, struct arena *arena, struct str id, struct workflow_row *ret_row,
                  struct workflow_step_row **ret_steps, size_t *ret_count)
{
    struct workflow_row row;
    TRY(show_row(tx, arena, id, &row));
    struct workflow_step_row *steps = arena_alloc_array(arena, WORKFLOW_STEPS_MAX, sizeof(*steps));
    if (!steps)
        return ERR_NO_MEMORY;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &workflow_sql_list_steps, SQL_ARGS(sql_text(id)), &rows));
    size_t count = 0;
    int found = 0;
    while (count < WORKFLOW_STEPS_MAX && (found = sql_next(rows)) == 1)
        TRY(read_step_row(arena, rows, &steps[count++]));
    if (found < 0)
        return found;
    if (count > 0 && str_equal(steps[count - 1].state, STR("pending"))) {
        row.step = steps[count - 1].name;
        row.attempts = steps[count - 1].attempts;
        row.due_at_ms = steps[count - 1].due_at_ms;
        row.step_detail = steps[count - 1].detail;
    }
    *ret_row = row;
    *ret_steps = steps;
    *ret_count = count;
    return 0;
}
