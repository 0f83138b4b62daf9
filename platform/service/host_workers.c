/* Messages of queues, each at least once: claimed in batches, run outside of any transaction, acknowledged. */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/queue/queue.h"
#include "platform/service/host.h"
#include "platform/service/host_jobs.h"
#include "platform/wire/wire.h"

#include <stdlib.h>

#define WORKERS_MAX 64
#define TASKS_PER_QUEUE 4
/* One at a time: a claim is an attempt, and a crash must not use up those of messages that nobody began. */
#define CLAIM_BATCH 1
/* Longer than a message may take. */
#define VISIBILITY_MS (90 * 1000)
#define ATTEMPTS_MAX 10
#define MESSAGE_ARENA_BYTES (2u << 20)
#define MESSAGE_TIMEOUT_MS (60 * 1000)
/* A message that failed becomes due by the clock: this is how late it may be seen. */
#define LOOK_INTERVAL_MS 1000

struct queue_worker {
    struct host_workers *workers;
    struct service_instance *instance;
    const struct worker *row;
    struct task *task;
    bool woken;
};

struct host_workers {
    struct task_mutex mutex;
    struct task_cond wake;
    bool stopping;
    size_t count;
    struct queue_worker list[WORKERS_MAX];
};

struct outcome {
    struct work_queue *queue;
    const struct work_queue_message *message;
    const char *error; /* NULL: done */
};

static int record_outcome(struct sql_tx *tx, void *argument)
{
    struct outcome *outcome = argument;

    return outcome->error
               ? work_queue_fail(outcome->queue, tx, outcome->message, ATTEMPTS_MAX, str_from_cstr(outcome->error))
               : work_queue_ack(outcome->queue, tx, outcome->message);
}

static int run_message(struct queue_worker *worker, const struct work_queue_message *message)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(MESSAGE_ARENA_BYTES);
    struct call *call = arena ? arena_alloc(arena, sizeof(*call)) : NULL;
    ProtobufCMessage *body = call ? wire_message_new(arena, worker->row->message) : NULL;

    if (!body)
        return ERR_NO_MEMORY;
    TRY(host_call_begin(worker->instance, arena, STR(TENANT_DEFAULT), STR_EMPTY, MESSAGE_TIMEOUT_MS, call));
    int result = wire_from_json(arena, message->body, body, &call->problem);
    if (result >= 0)
        result = worker->row->run(call, body);
    if (result < 0)
        log_warning(&call->log, "queue message failed", LOG_CSTR("queue", worker->row->queue),
                    LOG_STR("message_id", message->id), LOG_INT("attempt", message->attempt), LOG_ERR(result));
    return result;
}

static size_t work_off(struct queue_worker *worker)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(64u << 20);
    struct work_queue_claim claim = {str_from_cstr(worker->row->queue), CLAIM_BATCH, VISIBILITY_MS, ATTEMPTS_MAX};
    struct work_queue_message *messages;
    size_t count = 0;

    if (!arena || work_queue_claim(worker->instance->queue, &claim, arena, &messages, &count) < 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        int result = run_message(worker, &messages[i]);
        struct outcome outcome = {worker->instance->queue, &messages[i], result < 0 ? error_name(result) : NULL};

        /* Not recorded: the claim runs out, and the message is given out again. */
        result = sql_write(worker->instance->db, record_outcome, &outcome);
        if (result < 0 && result != ERR_STALE)
            log_error(&worker->instance->host->log, "queue message not acknowledged",
                      LOG_CSTR("queue", worker->row->queue), LOG_ERR(result));
    }
    return count;
}

static bool wait_for_work(struct queue_worker *worker)
{
    struct host_workers *workers = worker->workers;
    int64_t until_ns = clock_monotonic_ns() + LOOK_INTERVAL_MS * CLOCK_NS_PER_MS;
    TASK_LOCKED(&workers->mutex);

    while (!workers->stopping && !worker->woken && task_cond_wait_until(&workers->wake, &workers->mutex, until_ns))
        ;
    worker->woken = false;
    return !workers->stopping;
}

static void work_loop(void *argument)
{
    struct queue_worker *worker = argument;

    do {
        while (work_off(worker) == CLAIM_BATCH)
            ;
    } while (wait_for_work(worker));
}

static int start_worker(struct host_workers *workers, struct service_instance *instance, const struct worker *row)
{
    ASSERT(workers->count < WORKERS_MAX);
    struct queue_worker *worker = &workers->list[workers->count];

    *worker = (struct queue_worker){.workers = workers, .instance = instance, .row = row};
    TRY(task_start(&worker->task, "queue", work_loop, worker));
    workers->count++;
    return 0;
}

/* Several tasks a queue: each waits for the disk most of the time, and their commits are one. */
static int start_queue(struct host_workers *workers, struct service_instance *instance, const struct worker *row)
{
    /* The data folder is this process's alone, so what is claimed in it was claimed by one that died. */
    if (instance->host->lock)
        TRY(work_queue_release(instance->queue, str_from_cstr(row->queue)));
    for (int i = 0; i < TASKS_PER_QUEUE; i++)
        TRY(start_worker(workers, instance, row));
    return 0;
}

int host_workers_start(struct service_host *host, struct host_workers **ret_workers)
{
    struct host_workers *workers = calloc(1, sizeof(*workers));
    int result = 0;

    if (!workers)
        return ERR_NO_MEMORY;
    task_mutex_init(&workers->mutex);
    task_cond_init(&workers->wake);
    for (size_t i = 0; i < host->instance_count && result >= 0; i++) {
        const struct worker *row = host->instances[i].service->workers;

        for (; row && row->queue && result >= 0; row++)
            result = start_queue(workers, &host->instances[i], row);
    }
    if (result < 0) {
        host_workers_stop(workers);
        return result;
    }
    *ret_workers = workers;
    return 0;
}

void host_workers_stop(struct host_workers *workers)
{
    if (!workers)
        return;
    task_mutex_lock(&workers->mutex);
    workers->stopping = true;
    task_cond_broadcast(&workers->wake);
    task_mutex_unlock(&workers->mutex);
    for (size_t i = 0; i < workers->count; i++)
        task_join(workers->list[i].task);
    task_cond_destroy(&workers->wake);
    task_mutex_destroy(&workers->mutex);
    free(workers);
}

void host_workers_wake(struct host_workers *workers)
{
    if (!workers)
        return;
    TASK_LOCKED(&workers->mutex);

    for (size_t i = 0; i < workers->count; i++)
        workers->list[i].woken = true;
    task_cond_broadcast(&workers->wake);
}
