/* The workflow port's front: the table of adapters, the limits that hold for every engine, and dispatch. */
#include "platform/ports/workflow/workflow_adapter.h"

#include <stdarg.h>
#include <stdio.h>

/* One row an adapter. */
static const struct {
    struct port_scheme scheme;
    int (*open)(struct workflow_engine **ret_engine, const struct workflow_engine_config *config,
                char ret_message[512]);
} adapters[] = {
    {{"sql"}, workflow_sql_open},
    {{NULL}, NULL},
};

const char *workflow_status_name(enum workflow_status status)
{
    static const char *const names[] = {
        [WORKFLOW_RUNNING] = "running",     [WORKFLOW_COMPENSATING] = "compensating",
        [WORKFLOW_COMPLETED] = "completed", [WORKFLOW_FAILED] = "failed",
        [WORKFLOW_STUCK] = "stuck",
    };

    return names[status];
}

/* -- Within a workflow's function ---------------------------------------------------------------------------------- */

int workflow_run(struct workflow *w, const struct activity *activity, const ProtobufCMessage *in,
                 ProtobufCMessage *ret_out)
{
    return w->blocked ? WORKFLOW_BLOCKED : w->steps->run(w, activity, in, ret_out);
}

int workflow_compensate(struct workflow *w, const struct activity *activity, const ProtobufCMessage *in)
{
    return w->blocked ? WORKFLOW_BLOCKED : w->steps->compensate(w, activity, in);
}

int workflow_await_any(struct workflow *w, const char *const *names, int64_t timeout_ms, size_t *ret_index,
                       ProtobufCMessage *const *ret_payloads)
{
    size_t count = 0;

    if (w->blocked)
        return WORKFLOW_BLOCKED;
    while (names[count])
        count++;
    ASSERT(count > 0 && count <= WORKFLOW_AWAIT_ANY_MAX);
    return w->steps->await_any(w, names, count, timeout_ms, ret_index, ret_payloads);
}

int workflow_await(struct workflow *w, const char *signal, int64_t timeout_ms, ProtobufCMessage *ret_payload)
{
    const char *const names[] = {signal, NULL};
    ProtobufCMessage *const payloads[] = {ret_payload};

    return workflow_await_any(w, names, timeout_ms, NULL, payloads);
}

bool workflow_poll(struct workflow *w, const char *signal, ProtobufCMessage *ret_payload)
{
    return !w->blocked && w->steps->poll_signal(w, signal, ret_payload);
}

int workflow_sleep(struct workflow *w, int64_t duration_ms)
{
    return w->blocked ? WORKFLOW_BLOCKED : w->steps->sleep_for(w, duration_ms < 0 ? 0 : duration_ms);
}

const struct problem *workflow_problem(const struct workflow *w)
{
    return &w->problem;
}

int workflow_fail(struct workflow *w, int error, const char *code, const char *format, ...)
{
    char detail[PROBLEM_DETAIL_MAX];
    va_list arguments;

    if (w->blocked)
        return WORKFLOW_BLOCKED;
    va_start(arguments, format);
    vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    return problem_set(&w->problem, error, code, NULL, "%s", detail);
}

/* -- From outside -------------------------------------------------------------------------------------------------- */

int workflow_start(struct workflow_engine *engine, struct sql_tx *tx, const struct workflow_start *start)
{
    ASSERT(start->input->descriptor == start->type->input);
    if (start->id.len == 0 || start->id.len > WORKFLOW_ID_MAX)
        return ERR_INVALID;
    return engine->adapter->start(engine, tx, start);
}

int workflow_signal(struct workflow_engine *engine, struct sql_tx *tx, struct str id, const char *name,
                    const ProtobufCMessage *payload)
{
    return engine->adapter->signal(engine, tx, id, name, payload);
}

int workflow_resume(struct workflow_engine *engine, struct sql_tx *tx, struct str id)
{
    return engine->adapter->resume(engine, tx, id);
}

int workflow_wait(struct workflow_engine *engine, struct str id, int64_t deadline_ns, enum workflow_status *ret_status)
{
    return engine->adapter->wait(engine, id, deadline_ns, ret_status);
}

int workflow_purge(struct workflow_engine *engine, struct sql_tx *tx, int64_t ended_before_ms, int64_t *ret_deleted)
{
    return engine->adapter->purge(engine, tx, ended_before_ms, ret_deleted);
}

int workflow_list(struct workflow_engine *engine, struct sql_tx *tx, struct arena *arena, struct str status,
                  struct str after_id, size_t limit, struct workflow_row **ret_rows, size_t *ret_count)
{
    if (limit == 0 || limit > WORKFLOW_LIST_MAX)
        return ERR_INVALID;
    return engine->adapter->list(engine, tx, arena, status, after_id, limit, ret_rows, ret_count);
}

int workflow_show(struct workflow_engine *engine, struct sql_tx *tx, struct arena *arena, struct str id,
                  struct workflow_row *ret_row, struct workflow_step_row **ret_steps, size_t *ret_count)
{
    return engine->adapter->show(engine, tx, arena, id, ret_row, ret_steps, ret_count);
}

/* -- Life ---------------------------------------------------------------------------------------------------------- */

int workflow_engine_open(struct workflow_engine **ret_engine, const struct workflow_engine_config *config,
                         char ret_message[512])
{
    int row = port_find(PORT_WORKFLOW, config->url, adapters, sizeof(adapters[0]), ret_message);

    TRY(row);
    TRY(adapters[row].open(ret_engine, config, ret_message));
    ASSERT((*ret_engine)->adapter->version == WORKFLOW_ADAPTER_VERSION);
    return 0;
}

int workflow_engine_start(struct workflow_engine *engine)
{
    return engine->adapter->run(engine);
}

void workflow_engine_stop(struct workflow_engine *engine)
{
    engine->adapter->stop(engine);
}

void workflow_engine_free(struct workflow_engine *engine)
{
    if (engine)
        engine->adapter->free(engine);
}

bool workflow_engine_settle(struct workflow_engine *engine, int64_t deadline_ns)
{
    return engine->adapter->settle(engine, deadline_ns);
}

void workflow_get_stats(struct workflow_engine *engine, struct workflow_stats *ret_stats)
{
    engine->adapter->get_stats(engine, ret_stats);
}
