/* The embedded workflow engine: what drives the workflows of one database.
 *
 * An instance is moved on by one transition at a time (workflow_sql_transition.c). The transitions of many workflows
 * share one commit, and none of the engine's tasks waits for it. Starts and signals reach the engine by the commit
 * hooks of the transactions that they were part of. */
#include "platform/ports/metrics/metrics.h"
#include "platform/ports/workflow/workflow.sql.h"
#include "platform/ports/workflow/workflow_sql.h"

#include <inttypes.h>
#include <stdlib.h>

#define WORKERS_DEFAULT 8u
#define RUNNING_DEFAULT ((size_t)1000000)
#define CACHED_BYTES_DEFAULT ((size_t)32 << 20)
#define LOAD_PAGE 500
#define ATTEMPT_ARENA_BYTES ((size_t)8 << 20)
#define ATTEMPT_AGAIN_MS INT64_C(5000) /* after one whose result there was no memory to keep */

static struct metric attempts =
    METRIC_COUNTER("workflow_attempts_total", "Attempts of activities on workers.", "activity", "result");

/* -- The workers --------------------------------------------------------------------------------------------------- */

/* Runs the pending activity once; its result as a fact. NULL when it does not count. */
static struct fact *run_attempt(struct engine *engine, struct instance *instance, struct arena *arena)
{
    const struct step *step = instance_pending(instance);
    const struct activity *activity = instance->activity;
    int64_t timeout_ms = activity->timeout_ms > 0 ? activity->timeout_ms : ACTIVITY_TIMEOUT_MS;
    ProtobufCMessage *in = wire_message_new(arena, activity->input);
    ProtobufCMessage *out = wire_message_new(arena, activity->output);
    char *token = arena_printf(arena, "%.*s/%" PRId64, STR_FORMAT(instance->id), step->seq);
    struct problem problem = {0};
    int error = in && out && token ? wire_from_json(arena, step->input, in, &problem) : ERR_NO_MEMORY;
    if (error == 0) {
        struct activity_attempt attempt = {
            .activity = activity,
            .workflow_id = instance->id,
            .tenant = instance->tenant,
            .traceparent = instance->traceparent,
            .token = str_from_cstr(token),
            .attempt = step->attempts + 1,
            .deadline_ns = clock_monotonic_ns() + timeout_ms * CLOCK_NS_PER_MS,
            .arena = arena,
            .in = in,
            .out = out,
        };
        error = engine->config.run_activity(engine->config.context, &attempt, &problem);
    }
    struct str result = str_from_cstr(error ? error_name(error) : "ok");
    metric_count(&attempts, METRIC_LABELS(str_from_cstr(activity->name), result), 1);
    return fact_new(step->seq, error, &problem, out);
}

static struct instance *take_queued(struct engine *engine)
{
    struct instance *instance = engine->queue_first;
    engine->queue_first = instance->next_in_queue;
    if (!engine->queue_first)
        engine->queue_last = NULL;
    instance->next_in_queue = NULL;
    return instance;
}

/* Runs one activity and writes what came of it. The lock is held on entry and exit, not meanwhile. */
static void work_on(struct engine *engine, struct instance *instance, struct arena *arena)
{
    engine->stats.attempts++;
    task_mutex_unlock(&engine->mutex);
    struct fact *fact = run_attempt(engine, instance, arena);
    arena_reset(arena);
    task_step("workflow: between an activity and its record");
    task_mutex_lock(&engine->mutex);
    if (!fact || (engine->stopping && fact->problem.error == ERR_CANCELLED)) {
        facts_free(fact);
        heap_put(engine, instance, clock_monotonic_ns() + ATTEMPT_AGAIN_MS * CLOCK_NS_PER_MS);
        engine_set_idle(instance);
        return;
    }
    instance->transition.facts = fact;
    instance->state = INSTANCE_WRITING;
    task_mutex_unlock(&engine->mutex);
    engine_submit(instance);
    task_mutex_lock(&engine->mutex);
}

static void worker_main(void *argument)
{
    struct engine *engine = argument;
    struct arena *arena = arena_new(ATTEMPT_ARENA_BYTES);
    ASSERT(arena != NULL);
    task_mutex_lock(&engine->mutex);
    for (;;) {
        while (!engine->stopping && !engine->queue_first)
            task_cond_wait(&engine->work, &engine->mutex);
        if (engine->stopping)
            break;
        work_on(engine, take_queued(engine), arena);
    }
    task_mutex_unlock(&engine->mutex);
    arena_free(arena);
}

/* -- The timer ----------------------------------------------------------------------------------------------------- */

/* The first instance's time has come: a worker takes it, or its transition is returned to be submitted. */
static struct instance *fire_first(struct engine *engine)
{
    struct instance *instance = engine->heap[0];
    const struct step *step = instance->loaded ? instance_pending(instance) : NULL;
    bool is_activity = step && (step->kind == STEP_ACTIVITY || step->kind == STEP_COMPENSATION);
    if (!instance->unwritten && is_activity && instance->activity && !instance->activity->transactional) {
        heap_remove(engine, instance);
        engine->under_way++;
        engine_queue_activity(engine, instance);
        return NULL;
    }
    /* A write that is tried again brings its own facts; the step's time has not come by that. */
    return engine_begin(engine, instance, !instance->unwritten);
}

static void timer_main(void *argument)
{
    struct engine *engine = argument;
    task_mutex_lock(&engine->mutex);
    while (!engine->stopping) {
        int64_t due_ns = engine->heap_count > 0 ? engine->heap[0]->due_ns : TASK_FOREVER;
        if (due_ns > clock_monotonic_ns()) {
            task_cond_wait_until(&engine->timer, &engine->mutex, due_ns);
            continue;
        }
        struct instance *instance = fire_first(engine);
        if (!instance)
            continue;
        task_mutex_unlock(&engine->mutex);
        engine_submit(instance);
        task_mutex_lock(&engine->mutex);
    }
    task_mutex_unlock(&engine->mutex);
}

/* -- The doors of the commit hooks --------------------------------------------------------------------------------- */

/* Under the lock. NULL when it cannot be driven now: it is in the database, and found there at the next start. */
static struct instance *adopt(struct engine *engine, struct instance *instance)
{
    if (engine->running && !engine->stopping && !engine_find(engine, instance->id) &&
        engine_insert(engine, instance) == 0)
        return engine_begin(engine, instance, false);
    instance_free(instance);
    return NULL;
}

void engine_adopt(struct engine *engine, struct instance *instance)
{
    task_mutex_lock(&engine->mutex);
    engine->stats.started += instance->loaded;
    engine->promised--;
    struct instance *adopted = adopt(engine, instance);
    task_mutex_unlock(&engine->mutex);
    if (adopted && adopted->loaded)
        engine_submit_first(adopted);
    else if (adopted)
        engine_submit(adopted);
}

static struct instance *wake(struct engine *engine, struct str id)
{
    TASK_LOCKED(&engine->mutex);
    struct instance *instance = engine_find(engine, id);
    if (!instance) {
        /* The engine is just starting and has not come to it yet, or it is parked: a look at its row will tell. */
        struct instance *stub = instance_new(engine, id);
        return stub ? adopt(engine, stub) : NULL;
    }
    instance->wake = true;
    bool looks = instance->state == INSTANCE_WAITING && instance->awaits && !instance->unwritten && !engine->stopping;
    return looks ? engine_begin(engine, instance, false) : NULL;
}

void engine_wake(struct engine *engine, struct str id)
{
    struct instance *instance = wake(engine, id);
    if (instance)
        engine_submit(instance);
}

/* -- Life ---------------------------------------------------------------------------------------------------------- */

struct load_page {
    struct engine *engine;
    char after_id[WORKFLOW_ID_MAX + 1];
    size_t count;
};

/* A stub without its history: due at once, at its time, or when a signal comes. */
static int load_one(struct load_page *page, struct sql_rows *rows)
{
    struct engine *engine = page->engine;
    TASK_LOCKED(&engine->mutex);
    struct str id = sql_get_text(rows, 0);
    memcpy(page->after_id, id.ptr, id.len);
    page->after_id[id.len] = '\0';
    page->count++;
    if (engine_find(engine, id)) /* started or signalled meanwhile */
        return 0;
    struct instance *instance = instance_new(engine, id);
    if (!instance)
        return ERR_NO_MEMORY;
    int error = engine_insert(engine, instance);
    if (error < 0) {
        instance_free(instance);
        return error;
    }
    struct str kind = sql_get_text(rows, 1);
    int64_t due_at_ms = sql_get_int(rows, 2);
    bool has_signals = sql_get_int(rows, 3) > 0;
    instance->awaits = str_equal_cstr(kind, step_kind_names[STEP_AWAIT]);
    if (instance->awaits && has_signals) {
        instance->unwritten = true; /* looks at once, without having timed out */
        due_at_ms = clock_steady_ms();
    }
    bool is_activity = str_equal_cstr(kind, step_kind_names[STEP_ACTIVITY]) ||
                       str_equal_cstr(kind, step_kind_names[STEP_COMPENSATION]);
    if (!instance->awaits || due_at_ms > 0)
        heap_put(engine, instance, engine_due_ns(is_activity, due_at_ms, sql_get_int(rows, 4)));
    return 0;
}

static int load_page(struct sql_tx *tx, void *argument)
{
    struct load_page *page = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    page->count = 0;
    TRY(sql_query(tx, &workflow_sql_list_unfinished, SQL_ARGS(sql_cstr(page->after_id), sql_int(LOAD_PAGE)), &rows));
    int found;
    while ((found = sql_next(rows)) == 1)
        TRY(load_one(page, rows));
    return found;
}

static int start_tasks(struct engine *engine)
{
    TRY(task_start(&engine->timer_task, "workflow-timer", timer_main, engine));
    while (engine->worker_started < engine->config.worker_count) {
        TRY(task_start(&engine->workers[engine->worker_started], "workflow", worker_main, engine));
        engine->worker_started++;
    }
    return 0;
}

/* Those that queued for a worker wait for the next start; who waits for an end learns that it does not come. */
static void let_go(struct engine *engine)
{
    while (engine->queue_first)
        engine_set_idle(take_queued(engine));
    for (size_t i = 0; i < engine->bucket_count; i++) {
        for (struct instance *instance = engine->buckets[i]; instance; instance = instance->next_in_bucket)
            engine_tell_waiters(instance, false, WORKFLOW_RUNNING);
    }
}

static void engine_stop(struct workflow_engine *base)
{
    struct engine *engine = (struct engine *)base;

    task_mutex_lock(&engine->mutex);
    engine->stopping = true;
    task_cond_broadcast(&engine->work);
    task_cond_broadcast(&engine->timer);
    task_mutex_unlock(&engine->mutex);
    for (unsigned i = 0; i < engine->worker_started; i++)
        task_join(engine->workers[i]);
    engine->worker_started = 0;
    task_join(engine->timer_task);
    engine->timer_task = NULL;
    task_mutex_lock(&engine->mutex);
    let_go(engine);
    while (engine->under_way > 0)
        task_cond_wait(&engine->settled, &engine->mutex);
    engine->running = false;
    task_mutex_unlock(&engine->mutex);
}

static int engine_run(struct workflow_engine *base)
{
    struct engine *engine = (struct engine *)base;

    task_mutex_lock(&engine->mutex);
    engine->running = true;
    task_mutex_unlock(&engine->mutex);
    struct load_page page = {.engine = engine};
    do {
        TRY(sql_read(engine->config.db, load_page, &page));
    } while (page.count == LOAD_PAGE);
    int error = start_tasks(engine);
    if (error < 0)
        engine_stop(base);
    return error;
}

static void engine_free(struct workflow_engine *base)
{
    struct engine *engine = (struct engine *)base;

    for (size_t i = 0; i < engine->bucket_count; i++) {
        while (engine->buckets[i]) {
            struct instance *instance = engine->buckets[i];
            engine->buckets[i] = instance->next_in_bucket;
            instance_free(instance);
        }
    }
    task_cond_destroy(&engine->settled);
    task_cond_destroy(&engine->timer);
    task_cond_destroy(&engine->work);
    task_mutex_destroy(&engine->mutex);
    free(engine->buckets);
    free(engine->heap);
    free(engine->workers);
    free(engine);
}

/* -- Waiting ------------------------------------------------------------------------------------------------------- */

/* Nothing is under way and nothing is due. */
static bool is_settled(const struct engine *engine)
{
    return engine->under_way == 0 && (engine->heap_count == 0 || engine->heap[0]->due_ns > clock_monotonic_ns());
}

static bool engine_settle(struct workflow_engine *base, int64_t deadline_ns)
{
    struct engine *engine = (struct engine *)base;
    const int64_t look_again_ns = CLOCK_NS_PER_MS;
    TASK_LOCKED(&engine->mutex);
    while (!is_settled(engine)) {
        int64_t now_ns = clock_monotonic_ns();
        if (now_ns >= deadline_ns)
            return false;
        /* What is due is taken by the timer's task within the moment; the end of a step is signalled. */
        int64_t until_ns = engine->under_way > 0 ? deadline_ns : now_ns + look_again_ns;
        task_cond_wait_until(&engine->settled, &engine->mutex, until_ns < deadline_ns ? until_ns : deadline_ns);
    }
    return true;
}

struct status_query {
    struct str id;
    enum workflow_status status;
};

static int query_status(struct sql_tx *tx, void *argument)
{
    struct status_query *query = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &workflow_sql_get, SQL_ARGS(sql_text(query->id)), &rows);
    if (found <= 0)
        return found < 0 ? found : ERR_NOT_FOUND;
    int status = store_status_of(sql_get_text(rows, 3));
    TRY(status);
    query->status = (enum workflow_status)status;
    return 0;
}

/* Waits for an instance in memory; false when there is none, or its end did not come. */
static bool wait_in_memory(struct engine *engine, struct str id, int64_t deadline_ns, enum workflow_status *ret_status)
{
    TASK_LOCKED(&engine->mutex);
    struct instance *instance = engine_find(engine, id);
    if (!instance || engine->stopping)
        return false;
    struct waiter waiter = {.next = instance->waiters};
    task_cond_init(&waiter.ended);
    instance->waiters = &waiter;
    bool in_time = true;
    while (!waiter.is_ended && in_time)
        in_time = task_cond_wait_until(&waiter.ended, &engine->mutex, deadline_ns);
    if (waiter.is_known)
        *ret_status = waiter.status;
    if (!waiter.is_ended) {
        struct waiter **link = &instance->waiters;
        while (*link != &waiter)
            link = &(*link)->next;
        *link = waiter.next;
    }
    task_cond_destroy(&waiter.ended);
    return waiter.is_known;
}

static int engine_wait(struct workflow_engine *base, struct str id, int64_t deadline_ns,
                       enum workflow_status *ret_status)
{
    struct engine *engine = (struct engine *)base;

    if (wait_in_memory(engine, id, deadline_ns, ret_status))
        return 0;
    struct status_query query = {.id = id};
    TRY(sql_read(engine->config.db, query_status, &query));
    *ret_status = query.status;
    return 0;
}

static void engine_get_stats(struct workflow_engine *base, struct workflow_stats *ret_stats)
{
    struct engine *engine = (struct engine *)base;
    TASK_LOCKED(&engine->mutex);
    *ret_stats = engine->stats;
    ret_stats->running = engine->instance_count;
}

/* -- The adapter --------------------------------------------------------------------------------------------------- */

static const struct workflow_adapter engine_adapter = {
    .version = WORKFLOW_ADAPTER_VERSION,
    .run = engine_run,
    .stop = engine_stop,
    .free = engine_free,
    .settle = engine_settle,
    .get_stats = engine_get_stats,
    .start = engine_start_workflow,
    .signal = engine_signal,
    .resume = engine_resume,
    .wait = engine_wait,
    .purge = engine_purge,
    .list = engine_list,
    .show = engine_show,
};

int workflow_sql_open(struct workflow_engine **ret_engine, const struct workflow_engine_config *config,
                      char ret_message[512])
{
    TRY(port_expect_bare(PORT_WORKFLOW, config->url, ret_message));
    struct engine *engine = calloc(1, sizeof(*engine));
    if (!engine)
        return ERR_NO_MEMORY;
    engine->config = *config;
    if (engine->config.worker_count == 0)
        engine->config.worker_count = WORKERS_DEFAULT;
    if (engine->config.running_max == 0)
        engine->config.running_max = RUNNING_DEFAULT;
    if (engine->config.cached_bytes_max == 0)
        engine->config.cached_bytes_max = CACHED_BYTES_DEFAULT;
    engine->workers = calloc(engine->config.worker_count, sizeof(struct task *));
    if (!engine->workers) {
        free(engine);
        return ERR_NO_MEMORY;
    }
    task_mutex_init(&engine->mutex);
    task_cond_init(&engine->work);
    task_cond_init(&engine->timer);
    task_cond_init(&engine->settled);
    engine->base.adapter = &engine_adapter;
    *ret_engine = &engine->base;
    return 0;
}
