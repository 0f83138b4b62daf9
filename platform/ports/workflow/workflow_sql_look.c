/* Looking at workflows, and taking away those that ended long ago, inside the caller's transaction. */
#include "platform/ports/workflow/workflow.sql.h"
#include "platform/ports/workflow/workflow_sql.h"

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

int engine_list(struct workflow_engine *base, struct sql_tx *tx, struct arena *arena, struct str status,
                struct str after_id, size_t limit, struct workflow_row **ret_rows, size_t *ret_count)
{
    (void)base;
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

int engine_show(struct workflow_engine *base, struct sql_tx *tx, struct arena *arena, struct str id,
                struct workflow_row *ret_row, struct workflow_step_row **ret_steps, size_t *ret_count)
{
    (void)base;
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

int engine_purge(struct workflow_engine *base, struct sql_tx *tx, int64_t ended_before_ms, int64_t *ret_deleted)
{
    const struct sql_args args = SQL_ARGS(sql_int(ended_before_ms), sql_int(WORKFLOW_PURGE_MAX));

    (void)base;
    TRY(sql_exec(tx, &workflow_sql_purge_history, args, NULL));
    TRY(sql_exec(tx, &workflow_sql_purge_signals, args, NULL));
    return sql_exec(tx, &workflow_sql_purge, args, ret_deleted);
}
