/* Moving a workflow on: one write closure takes what is new (an attempt's result, a time that came), runs the function
 * over its history, and records what that asked for; when it is on disk, the next step is handed to a worker, to the
 * timer, or to nobody when a signal must come first. */
#include "platform/ports/metrics/metrics.h"
#include "platform/ports/workflow/workflow_sql.h"

#define WRITE_RETRY_FIRST_MS INT64_C(50) /* after a write that failed (a full disk); doubled up to the last */
#define WRITE_RETRY_LAST_MS INT64_C(5000)
#define FIRST_PASS_ARENA_BYTES ((size_t)4 << 20)
#define WRITE_FAILURES_MAX 5u /* in a row, of a kind that does not pass: the workflow is parked then */

static struct metric ended =
    METRIC_COUNTER("workflows_ended_total", "Workflows that ended or got stuck.", "type", "status");

/* -- The transition's closure -------------------------------------------------------------------------------------- */

static void log_stuck(const struct pass *w)
{
    log_error(NULL, "workflow is stuck", LOG_STR("workflow_id", w->instance->id),
              LOG_STR("type", w->instance->type_name), LOG_CSTR("code", w->base.problem.code),
              LOG_CSTR("detail", w->base.problem.detail));
}

/* A pass that fails again and again, and not for want of room: its workflow is poisoned. */
static bool is_poisoned(const struct transition *transition)
{
    return transition->failures >= WRITE_FAILURES_MAX && transition->last_error != ERR_CONFLICT &&
           !error_is_retriable(transition->last_error);
}

static void refuse(struct pass *w)
{
    problem_set(&w->base.problem, w->transition->last_error, "poisoned", NULL,
                "Its next step could not be recorded %u times: %s.", w->transition->failures,
                error_name(w->transition->last_error));
    w->transition->status = WORKFLOW_STUCK;
}

static int store_transition(struct pass *w, const ProtobufCMessage *output)
{
    struct transition *transition = w->transition;
    TRY(store_changes(w->tx, transition));
    if (transition->status == w->instance->status)
        return 0;
    CLEANUP(buf_free) struct buf json = BUF(WORKFLOW_PAYLOAD_BYTES_MAX);
    static const struct problem none;
    const struct problem *problem = &w->base.problem;
    if (transition->status == WORKFLOW_COMPLETED) {
        wire_to_json(output, &json);
        TRY(buf_error(&json));
        problem = &none;
    } else if (transition->status == WORKFLOW_RUNNING) {
        problem = &none;
    } else if (transition->status == WORKFLOW_STUCK) {
        log_stuck(w);
    }
    return store_status(w->tx, w->instance, transition->status, buf_str(&json), problem);
}

/* What one pass works with; NULL without memory. */
static struct pass *pass_new(struct instance *instance, struct sql_tx *tx, struct arena *arena)
{
    struct pass *w = arena_alloc(arena, sizeof(*w));
    if (!w)
        return NULL;
    w->engine = instance->engine;
    w->instance = instance;
    w->transition = &instance->transition;
    w->tx = tx;
    w->base.steps = &workflow_sql_steps;
    w->base.arena = arena;
    return w;
}

static int run_transition(struct sql_tx *tx, void *argument)
{
    struct instance *instance = argument;
    struct transition *transition = &instance->transition;
    transition_reset(transition);
    int error = instance->loaded ? 0 : store_load(tx, instance);
    transition->gone = error == ERR_NOT_FOUND;
    if (transition->gone)
        return 0;
    if (error < 0 && !is_poisoned(transition))
        return error;
    struct pass *w = pass_new(instance, tx, sql_tx_arena(tx));
    if (!w)
        return ERR_NO_MEMORY;
    ProtobufCMessage *output = NULL;
    if (is_poisoned(transition))
        refuse(w);
    else
        TRY(pass_replay(w, &output));
    return store_transition(w, output);
}

/* -- What comes next: under the lock ------------------------------------------------------------------------------- */

void engine_set_idle(struct instance *instance)
{
    struct engine *engine = instance->engine;
    instance->state = INSTANCE_WAITING;
    if (--engine->under_way == 0)
        task_cond_broadcast(&engine->settled);
}

/* When the wall clock was wrong then, or is now, nothing waits longer than it was meant to from the start. */
int64_t engine_due_ns(bool is_activity, int64_t due_at_ms, int64_t scheduled_at_ms)
{
    int64_t delay_ms = due_at_ms - clock_steady_ms();
    int64_t longest_ms = is_activity ? ACTIVITY_RETRY_MAX_MS : due_at_ms - scheduled_at_ms;
    return clock_monotonic_ns() + (delay_ms < longest_ms ? delay_ms : longest_ms) * CLOCK_NS_PER_MS;
}

void engine_queue_activity(struct engine *engine, struct instance *instance)
{
    instance->state = INSTANCE_ACTIVITY;
    instance->next_in_queue = NULL;
    if (engine->queue_last)
        engine->queue_last->next_in_queue = instance;
    else
        engine->queue_first = instance;
    engine->queue_last = instance;
    task_cond_signal(&engine->work);
}

/* Gives the instance back with what it waits for: a worker, a time, a signal. True when a signal came meanwhile and the
 * function must look again: the caller submits. */
static bool schedule_next(struct engine *engine, struct instance *instance, bool fired)
{
    const struct step *step = instance_pending(instance);
    ASSERT(step != NULL);
    bool is_activity = step->kind == STEP_ACTIVITY || step->kind == STEP_COMPENSATION;
    bool again = instance->wake && step->kind == STEP_AWAIT && !engine->stopping;
    bool is_due = fired || step->due_at_ms <= clock_steady_ms();
    instance->awaits = step->kind == STEP_AWAIT;
    instance->wake = false;
    if (again)
        return true;
    if (is_activity && !instance->activity->transactional && is_due && !engine->stopping) {
        engine_queue_activity(engine, instance);
        return false;
    }
    if (step->due_at_ms > 0 || is_activity)
        heap_put(engine, instance, engine_due_ns(is_activity, step->due_at_ms, step->scheduled_at_ms));
    engine_set_idle(instance);
    if (engine->cached_bytes > engine->config.cached_bytes_max) {
        engine->cached_bytes -= instance->bytes;
        instance_unload(instance);
    }
    return false;
}

/* Tells those who wait for its end; known says whether status is one. */
void engine_tell_waiters(struct instance *instance, bool known, enum workflow_status status)
{
    for (struct waiter *waiter = instance->waiters; waiter; waiter = waiter->next) {
        waiter->is_ended = true;
        waiter->is_known = known;
        waiter->status = status;
        task_cond_signal(&waiter->ended);
    }
    instance->waiters = NULL;
}

static void end_instance(struct engine *engine, struct instance *instance)
{
    enum workflow_status status = instance->status;
    bool gone = instance->transition.gone;
    if (!gone)
        metric_count(&ended, METRIC_LABELS(instance->type_name, str_from_cstr(workflow_status_name(status))), 1);
    engine->stats.completed += !gone && status == WORKFLOW_COMPLETED;
    engine->stats.failed += !gone && status == WORKFLOW_FAILED;
    engine->stats.stuck += !gone && status == WORKFLOW_STUCK;
    engine->cached_bytes -= instance->bytes;
    engine_remove(engine, instance);
    engine_set_idle(instance);
    engine_tell_waiters(instance, !gone, status);
    instance_free(instance);
}

/* -- The transition's end, on the writer's task -------------------------------------------------------------------- */

/* The write is on disk. True when the next transition is to be submitted at once. */
static bool commit_transition(struct engine *engine, struct instance *instance)
{
    struct transition *transition = &instance->transition;
    bool fired = transition->fired;
    engine->stats.transitions++;
    if (!transition->gone) {
        size_t bytes_before = instance->bytes;
        transition_apply(transition);
        engine->cached_bytes += instance->bytes - bytes_before;
    }
    if (transition->gone || (instance->status != WORKFLOW_RUNNING && instance->status != WORKFLOW_COMPENSATING)) {
        end_instance(engine, instance);
        return false;
    }
    transition_clear(transition);
    return schedule_next(engine, instance, fired);
}

/* The write failed: nothing of it is kept but the facts, and it is tried again later, from what is stored. It may have
 * been committed all the same, with a signal that is gone then, or another engine moved the instance on: what is in
 * memory may be old. */
static void postpone(struct engine *engine, struct instance *instance, int error)
{
    struct transition *transition = &instance->transition;
    int64_t delay_ms = WRITE_RETRY_FIRST_MS;
    for (unsigned i = 0; i < transition->failures && delay_ms < WRITE_RETRY_LAST_MS; i++)
        delay_ms *= 2;
    if (transition->failures == 0)
        log_warning(NULL, "workflow transition not written; it is tried again", LOG_STR("workflow_id", instance->id),
                    LOG_ERR(error));
    transition->failures++;
    transition->last_error = error;
    engine->cached_bytes -= instance->bytes;
    instance_unload(instance);
    instance->unwritten = true;
    heap_put(engine, instance, clock_monotonic_ns() + delay_ms * CLOCK_NS_PER_MS);
    engine_set_idle(instance);
}

static void transition_done(int result, void *argument)
{
    struct instance *instance = argument;
    struct transition *transition = &instance->transition;
    struct engine *engine = instance->engine;
    bool again = false;
    task_mutex_lock(&engine->mutex);
    /* The closure may have loaded the history. */
    engine->cached_bytes += instance->bytes - transition->bytes_before;
    if (result >= 0) {
        again = commit_transition(engine, instance);
    } else if (transition->aborted) {
        transition->aborted->next = transition->facts;
        transition->facts = transition->aborted;
        transition->aborted = NULL;
        again = true;
    } else {
        postpone(engine, instance, result);
    }
    task_mutex_unlock(&engine->mutex);
    if (again)
        engine_submit(instance);
}

/* Writes the transition of an instance in state WRITING. Without the lock: a full queue calls done at once. */
void engine_submit(struct instance *instance)
{
    struct transition *transition = &instance->transition;
    transition->bytes_before = instance->bytes;
    transition->job = (struct sql_write_job){.closure = run_transition, .argument = instance, .done = transition_done};
    sql_write_async(instance->engine->config.db, &transition->job);
}

/* -- The first pass of a new workflow ------------------------------------------------------------------------------ */

/* Runs the function outside of any transaction. True when all that it asked for is a first attempt of an activity, of
 * which there is nothing to record. */
static bool begins_with_activity(struct instance *instance)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FIRST_PASS_ARENA_BYTES);
    struct pass *w = arena ? pass_new(instance, NULL, arena) : NULL;
    struct transition *transition = &instance->transition;
    ProtobufCMessage *output;
    transition_reset(transition);
    if (!w || pass_replay(w, &output) < 0 || transition->status != WORKFLOW_RUNNING)
        return false;
    return transition->changed_count == 1 && step_is_untried(transition->changed[0]);
}

void engine_submit_first(struct instance *instance)
{
    struct engine *engine = instance->engine;
    bool again = true;
    if (begins_with_activity(instance)) {
        TASK_LOCKED(&engine->mutex);
        size_t bytes_before = instance->bytes;
        transition_apply(&instance->transition);
        engine->cached_bytes += instance->bytes - bytes_before;
        transition_clear(&instance->transition);
        again = schedule_next(engine, instance, false);
    }
    if (again)
        engine_submit(instance);
}

/* Takes a waiting instance out of the wait; the caller submits it after the lock. */
struct instance *engine_begin(struct engine *engine, struct instance *instance, bool fired)
{
    heap_remove(engine, instance);
    instance->unwritten = false;
    instance->transition.fired |= fired;
    instance->state = INSTANCE_WRITING;
    instance->wake = false;
    engine->under_way++;
    return instance;
}
