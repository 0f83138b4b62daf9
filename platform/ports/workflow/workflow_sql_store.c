/* What the embedded engine keeps in the database: rows to structs and back. */
#include "platform/ports/workflow/workflow.sql.h"
#include "platform/ports/workflow/workflow_sql.h"

#include <stdlib.h>

/* ERR_CORRUPT for a word that the table's constraint does not allow. */
static int word_index(const char *const *words, struct str word)
{
    for (int i = 0; words[i]; i++) {
        if (str_equal_cstr(word, words[i]))
            return i;
    }
    return ERR_CORRUPT;
}

int store_status_of(struct str word)
{
    for (int status = WORKFLOW_RUNNING; status <= WORKFLOW_STUCK; status++) {
        if (str_equal_cstr(word, workflow_status_name((enum workflow_status)status)))
            return status;
    }
    return ERR_CORRUPT;
}

static struct sql_value text_or_null(struct str s)
{
    return s.ptr ? sql_text(s) : sql_null();
}

const struct workflow_type *engine_find_type(const struct engine *engine, struct str name)
{
    for (const struct workflow_type *const *type = engine->config.types; *type; type++) {
        if (str_equal_cstr(name, (*type)->name))
            return *type;
    }
    return NULL;
}

/* -- Loading ------------------------------------------------------------------------------------------------------- */

static int read_step(struct sql_rows *rows, struct step *ret_step)
{
    int kind = word_index(step_kind_names, sql_get_text(rows, 1));
    int state = word_index(step_state_names, sql_get_text(rows, 3));
    if (kind < 0 || state < 0)
        return ERR_CORRUPT;
    *ret_step = (struct step){
        .seq = sql_get_int(rows, 0),
        .kind = (enum step_kind)kind,
        .name = sql_get_text(rows, 2),
        .state = (enum step_state)state,
        .attempts = (unsigned)sql_get_int(rows, 4),
        .due_at_ms = sql_get_int(rows, 5),
        .input = sql_get_text(rows, 6),
        .output = sql_get_text(rows, 7),
        .signal = sql_get_text(rows, 8),
        .error = (int)sql_get_int(rows, 9),
        .code = sql_get_text(rows, 10),
        .detail = sql_get_text(rows, 11),
        .scheduled_at_ms = sql_get_int(rows, 12),
        .ended_at_ms = sql_get_int(rows, 13),
        .stored = true,
    };
    return 0;
}

static int load_steps(struct sql_tx *tx, struct instance *instance)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &workflow_sql_list_steps, SQL_ARGS(sql_text(instance->id)), &rows));
    int found;
    while ((found = sql_next(rows)) == 1) {
        struct step values;
        TRY(read_step(rows, &values));
        if ((size_t)values.seq != instance->step_count)
            return ERR_CORRUPT;
        TRY(instance_reserve_steps(instance, instance->step_count + 1));
        struct step *step = step_new(&values);
        if (!step)
            return ERR_NO_MEMORY;
        instance->steps[instance->step_count++] = step;
        instance->bytes += step->bytes;
    }
    return found;
}

static int load_row(struct sql_tx *tx, struct instance *instance)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &workflow_sql_get, SQL_ARGS(sql_text(instance->id)), &rows);
    if (found < 0)
        return found;
    int status = found ? store_status_of(sql_get_text(rows, 3)) : WORKFLOW_FAILED;
    if (status < 0)
        return status;
    if (status != WORKFLOW_RUNNING && status != WORKFLOW_COMPENSATING)
        return ERR_NOT_FOUND;
    return instance_set(instance, sql_get_text(rows, 0), sql_get_text(rows, 1), sql_get_text(rows, 2),
                        sql_get_text(rows, 4), (enum workflow_status)status);
}

int store_load(struct sql_tx *tx, struct instance *instance)
{
    int error = load_row(tx, instance);
    if (error == 0)
        error = load_steps(tx, instance);
    if (error < 0)
        instance_unload(instance);
    return error;
}

/* -- Recording ----------------------------------------------------------------------------------------------------- */

static int insert_step(struct sql_tx *tx, struct str id, const struct step *step)
{
    return sql_exec(tx, &workflow_sql_insert_step,
                    SQL_ARGS(sql_text(id), sql_int(step->seq), sql_cstr(step_kind_names[step->kind]),
                             sql_text(step->name), sql_cstr(step_state_names[step->state]), sql_int(step->attempts),
                             sql_int(step->due_at_ms), text_or_null(step->input), text_or_null(step->output),
                             text_or_null(step->signal), sql_int(step->error), text_or_null(step->code),
                             text_or_null(step->detail), sql_int(step->scheduled_at_ms),
                             step->ended_at_ms ? sql_int(step->ended_at_ms) : sql_null()),
                    NULL);
}

static int update_step(struct sql_tx *tx, struct str id, const struct step *step)
{
    int64_t changed;
    TRY(sql_exec(tx, &workflow_sql_update_step,
                 SQL_ARGS(sql_text(id), sql_int(step->seq), sql_cstr(step_state_names[step->state]),
                          sql_int(step->attempts), sql_int(step->due_at_ms), text_or_null(step->output),
                          text_or_null(step->signal), sql_int(step->error), text_or_null(step->code),
                          text_or_null(step->detail), step->ended_at_ms ? sql_int(step->ended_at_ms) : sql_null()),
                 &changed));
    /* No longer pending: another engine recorded it. */
    return changed == 1 ? 0 : ERR_CONFLICT;
}

int store_changes(struct sql_tx *tx, const struct transition *transition)
{
    for (size_t i = 0; i < transition->changed_count; i++) {
        struct step *step = transition->changed[i];
        if (step->stored)
            TRY(update_step(tx, transition->instance->id, step));
        else if (!step_is_untried(step))
            TRY(insert_step(tx, transition->instance->id, step));
        step->stored = step->stored || !step_is_untried(step);
    }
    return 0;
}

int store_status(struct sql_tx *tx, const struct instance *instance, enum workflow_status status, struct str output,
                 const struct problem *problem)
{
    int64_t changed;
    TRY(sql_exec(tx, &workflow_sql_set_status,
                 SQL_ARGS(sql_text(instance->id), sql_cstr(workflow_status_name(status)), text_or_null(output),
                          sql_int(problem->error), problem->error ? sql_cstr(problem->code) : sql_null(),
                          problem->error ? sql_cstr(problem->detail) : sql_null(), sql_int(clock_latest_ms())),
                 &changed));
    if (changed != 1)
        return ERR_CONFLICT;
    if (status == WORKFLOW_COMPLETED || status == WORKFLOW_FAILED)
        return sql_exec(tx, &workflow_sql_delete_signals, SQL_ARGS(sql_text(instance->id)), NULL);
    return 0;
}

/* -- Signals ------------------------------------------------------------------------------------------------------- */

static int find_signal(struct sql_tx *tx, struct arena *arena, struct str workflow_id, const char *const *names,
                       size_t count, size_t *ret_index, int64_t *ret_seq, struct str *ret_payload)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &workflow_sql_list_signals, SQL_ARGS(sql_text(workflow_id)), &rows));
    int found;
    while ((found = sql_next(rows)) == 1) {
        struct str name = sql_get_text(rows, 1);
        for (size_t i = 0; i < count; i++) {
            if (!str_equal_cstr(name, names[i]))
                continue;
            struct str payload = arena_copy(arena, sql_get_text(rows, 2));
            if (!payload.ptr)
                return ERR_NO_MEMORY;
            *ret_index = i;
            *ret_seq = sql_get_int(rows, 0);
            *ret_payload = payload;
            return 1;
        }
    }
    return found;
}

int store_take_signal(struct sql_tx *tx, struct arena *arena, struct str workflow_id, const char *const *names,
                      size_t count, size_t *ret_index, struct str *ret_payload)
{
    int64_t seq;
    int found = find_signal(tx, arena, workflow_id, names, count, ret_index, &seq, ret_payload);
    if (found != 1)
        return found;
    TRY(sql_exec(tx, &workflow_sql_delete_signal, SQL_ARGS(sql_text(workflow_id), sql_int(seq)), NULL));
    return 1;
}
