#include "platform/service/host_jobs.h"

#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events.h"
#include "platform/ports/kv/kv.h"
#include "platform/ports/workflow/workflow.h"
#include "platform/service/host.h"
#include "platform/service/host_clock.h"
#include "platform/service/worker_pool.h"

#include <stdlib.h>

#define JOBS_MAX 64
#define JOB_ARENA_BYTES (4u << 20)
#define JOB_TIMEOUT_MS (10 * 60 * 1000)
#define SWEEP_INTERVAL_MS (60 * 1000)
#define SWEEP_BATCH 500
#define TRIM_INTERVAL_MS (10 * 60 * 1000)
#define EVENT_RETENTION_MS (INT64_C(7) * 24 * 3600 * 1000)
#define WORKFLOW_RETENTION_MS (INT64_C(30) * 24 * 3600 * 1000)
#define PURGE_BATCHES_MAX 2000 /* of one run: 400,000 workflows, more than a busy shop ends between two */

struct scheduled {
    struct work work; /* first */
    struct host_jobs *jobs;
    struct service_instance *instance;
    const struct job *job;
    int64_t due_ns;
    bool running;
};

struct host_jobs {
    struct task_mutex mutex;
    struct task_cond changed;
    struct task *task;
    struct service_host *host;
    bool stopping;
    size_t count;
    struct scheduled scheduled[JOBS_MAX];
};

/* Every database has rows whose time is up. */
static int sweep_expired(struct call *call)
{
    size_t count;

    do {
        TRY(kv_sweep(call->instance->kv, SWEEP_BATCH, &count));
    } while (count == SWEEP_BATCH);
    return 0;
}

/* Events that every consumer has passed are kept for a while, for a person to look at. */
static int trim_events(struct call *call)
{
    int64_t deleted;

    do {
        TRY(event_bus_trim(call->host->bus, call->service->name, clock_steady_ms() - EVENT_RETENTION_MS, &deleted));
    } while (deleted == EVENT_TRIM_MAX);
    return 0;
}

struct purge {
    struct workflow_engine *engine;
    int64_t deleted;
};

static int purge_batch(struct sql_tx *tx, void *argument)
{
    struct purge *purge = argument;

    return workflow_purge(purge->engine, tx, clock_steady_ms() - WORKFLOW_RETENTION_MS, &purge->deleted);
}

/* What a workflow did is kept for a while after its end, for a person to look at. */
static int purge_workflows(struct call *call)
{
    struct purge purge = {.engine = call->instance->engine, .deleted = WORKFLOW_PURGE_MAX};

    for (int batch = 0; purge.engine && batch < PURGE_BATCHES_MAX && purge.deleted == WORKFLOW_PURGE_MAX; batch++)
        TRY(call_write(call, purge_batch, &purge));
    return 0;
}

static const struct job platform_jobs[] = {
    {.name = "purge_workflows", .interval_ms = TRIM_INTERVAL_MS, .run = purge_workflows},
    {.name = "trim_events", .interval_ms = TRIM_INTERVAL_MS, .run = trim_events},
    {.name = "sweep_expired", .interval_ms = SWEEP_INTERVAL_MS, .run = sweep_expired},
    {0},
};

static int run_job(struct scheduled *scheduled)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(JOB_ARENA_BYTES);
    struct call *call = arena ? arena_alloc(arena, sizeof(*call)) : NULL;

    if (!call)
        return ERR_NO_MEMORY;
    TRY(host_call_begin(scheduled->instance, arena, STR(TENANT_DEFAULT), STR_EMPTY, JOB_TIMEOUT_MS, call));
    int result = scheduled->job->run(call);
    if (result < 0)
        log_error(&call->log, "job failed", LOG_CSTR("job", scheduled->job->name), LOG_ERR(result),
                  LOG_CSTR("detail", call->problem.detail));
    return result;
}

static void run_scheduled(struct work *work)
{
    struct scheduled *scheduled = (struct scheduled *)work;
    struct host_jobs *jobs = scheduled->jobs;

    run_job(scheduled);
    TASK_LOCKED(&jobs->mutex);
    scheduled->running = false;
    scheduled->due_ns = clock_monotonic_ns() + scheduled->job->interval_ms * CLOCK_NS_PER_MS;
    task_cond_signal(&jobs->changed);
}

/* Queues what is due; returns when the next one will be. */
static int64_t queue_due(struct host_jobs *jobs)
{
    int64_t now_ns = clock_monotonic_ns();
    int64_t next_ns = TASK_FOREVER;

    for (size_t i = 0; i < jobs->count; i++) {
        struct scheduled *scheduled = &jobs->scheduled[i];

        if (scheduled->running)
            continue;
        if (scheduled->due_ns <= now_ns) {
            scheduled->running = worker_pool_push(jobs->host->workers, &scheduled->work, &scheduled->work, 1);
            if (scheduled->running)
                continue;
            scheduled->due_ns = now_ns + CLOCK_NS_PER_S; /* the pool is full: later */
        }
        if (scheduled->due_ns < next_ns)
            next_ns = scheduled->due_ns;
    }
    return next_ns;
}

static void schedule(void *argument)
{
    struct host_jobs *jobs = argument;
    TASK_LOCKED(&jobs->mutex);

    while (!jobs->stopping)
        task_cond_wait_until(&jobs->changed, &jobs->mutex, queue_due(jobs));
}

static void add_jobs(struct host_jobs *jobs, struct service_instance *instance, const struct job *list)
{
    for (; list && list->name; list++) {
        ASSERT(jobs->count < JOBS_MAX);
        jobs->scheduled[jobs->count++] = (struct scheduled){
            .work = {.run = run_scheduled},
            .jobs = jobs,
            .instance = instance,
            .job = list,
            .due_ns = clock_monotonic_ns() + list->interval_ms * CLOCK_NS_PER_MS,
        };
    }
}

int host_jobs_start(struct service_host *host, struct host_jobs **ret_jobs)
{
    struct host_jobs *jobs = calloc(1, sizeof(*jobs));

    if (!jobs)
        return ERR_NO_MEMORY;
    jobs->host = host;
    task_mutex_init(&jobs->mutex);
    task_cond_init(&jobs->changed);
    if (host->instance_count > 0)
        add_jobs(jobs, &host->instances[0], host_clock_jobs); /* of the process: one does it for all */
    for (size_t i = 0; i < host->instance_count; i++) {
        add_jobs(jobs, &host->instances[i], host->instances[i].service->jobs);
        if (host->instances[i].db)
            add_jobs(jobs, &host->instances[i], platform_jobs);
    }
    int result = task_start(&jobs->task, "jobs", schedule, jobs);
    if (result < 0) {
        host_jobs_free(jobs);
        return result;
    }
    *ret_jobs = jobs;
    return 0;
}

void host_jobs_stop(struct host_jobs *jobs)
{
    if (!jobs)
        return;
    task_mutex_lock(&jobs->mutex);
    jobs->stopping = true;
    task_cond_signal(&jobs->changed);
    task_mutex_unlock(&jobs->mutex);
    task_join(jobs->task);
    jobs->task = NULL;
}

void host_jobs_free(struct host_jobs *jobs)
{
    if (!jobs)
        return;
    task_cond_destroy(&jobs->changed);
    task_mutex_destroy(&jobs->mutex);
    free(jobs);
}
