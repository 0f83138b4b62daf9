/* Messages of queues, each at least once: claimed in batches, run outside of any transaction, acknowledged together.
 *
 * A batch begins with one message and doubles with each that ends well. So a message by which the process dies is soon
 * alone in its claim: one of those before it gets done at each start, and its neighbours do not use up their attempts
 * with it. */
#include "platform/base/pace.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/queue/queue.h"
#include "platform/service/host.h"
#include "platform/service/host_jobs.h"
#include "platform/service/retry.h"
#include "platform/wire/wire.h"

#include <stdlib.h>

#define WORKERS_MAX 64
#define TASKS_FOR_SINGLE 4 /* each waits for the disk most of the time, and their commits are one */
#define TASKS_FOR_ALL 1    /* what comes while it is busy is its next batch */
#define BATCH_ARENA_BYTES ((size_t)64 << 20)
#define MESSAGE_ARENA_BYTES ((size_t)2 << 20)
#define MESSAGE_TIMEOUT_MS INT64_C(60000)
#define ACKNOWLEDGE_MS INT64_C(30000) /* how much longer than its messages may take a claim holds */
/* A message that failed becomes due by the clock: this is how late it may be seen. */
#define LOOK_INTERVAL_MS 1000

struct queue_worker {
    struct host_workers *workers;
    struct service_instance *instance;
    const struct worker *row;
    struct queue_worker *first; /* of the tasks of its queue, which lie side by side */
    struct task *task;
    struct task_cond wake;
    bool woken;   /* somebody enqueued since it last looked; under the lock, as is what follows */
    bool waiting; /* for that */
    struct pace pace;
    size_t batch; /* messages in its next claim; the task's own */
};

struct host_workers {
    struct task_mutex mutex;
    bool stopping;
    size_t count;
    struct queue_worker list[WORKERS_MAX];
};

struct batch {
    struct work_queue *queue;
    struct work_queue_message *messages;
    size_t count;
    int64_t claimed_until_ns; /* of clock_monotonic_ns */
    int results[WORKER_BATCH_MAX];
};

/* A message whose claim ran out meanwhile is somebody else's, and no reason to forget about the others. */
static int record_outcomes(struct sql_tx *tx, void *argument)
{
    const struct batch *batch = argument;

    for (size_t i = 0; i < batch->count; i++) {
        const struct work_queue_message *message = &batch->messages[i];
        int result = batch->results[i] < 0 ? work_queue_fail(batch->queue, tx, message, QUEUE_ATTEMPTS_MAX,
                                                             str_from_cstr(error_name(batch->results[i])))
                                           : work_queue_ack(batch->queue, tx, message);

        if (result < 0 && result != ERR_STALE)
            return result;
    }
    return 0;
}

static int begin_call(struct queue_worker *worker, struct arena *arena, struct call **ret_call)
{
    struct call *call = arena ? arena_alloc(arena, sizeof(*call)) : NULL;

    if (!call)
        return ERR_NO_MEMORY;
    *ret_call = call;
    return host_call_begin(worker->instance, arena, STR(TENANT_DEFAULT), STR_EMPTY, MESSAGE_TIMEOUT_MS, call);
}

static int read_message(struct queue_worker *worker, struct call *call, const struct work_queue_message *message,
                        ProtobufCMessage **ret_body)
{
    *ret_body = wire_message_new(call->arena, worker->row->message);
    return *ret_body ? wire_from_json(call->arena, message->body, *ret_body, &call->problem) : ERR_NO_MEMORY;
}

static void log_failure(struct queue_worker *worker, const struct call *call, const struct work_queue_message *message,
                        int result)
{
    if (result < 0)
        log_warning(&call->log, "queue message failed", LOG_CSTR("queue", worker->row->queue),
                    LOG_STR("message_id", message->id), LOG_INT("attempt", message->attempt), LOG_ERR(result));
}

static int run_message(struct queue_worker *worker, const struct work_queue_message *message)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(MESSAGE_ARENA_BYTES);
    ProtobufCMessage *body;
    struct call *call;

    TRY(begin_call(worker, arena, &call));
    int result = read_message(worker, call, message, &body);
    if (result >= 0)
        result = worker->row->run(call, body);
    log_failure(worker, call, message, result);
    return result;
}

/* Those that can be read, in one call. */
static int run_together(struct queue_worker *worker, struct batch *batch)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(batch->count * MESSAGE_ARENA_BYTES);
    const ProtobufCMessage *bodies[WORKER_BATCH_MAX];
    size_t places[WORKER_BATCH_MAX], count = 0;
    int results[WORKER_BATCH_MAX];
    struct call *call;

    TRY(begin_call(worker, arena, &call));
    for (size_t i = 0; i < batch->count; i++) {
        ProtobufCMessage *body;

        batch->results[i] = read_message(worker, call, &batch->messages[i], &body);
        if (batch->results[i] >= 0) {
            bodies[count] = body;
            places[count++] = i;
        }
    }
    if (count > 0)
        worker->row->run_all(call, bodies, count, results);
    for (size_t i = 0; i < count; i++)
        batch->results[places[i]] = results[i];
    for (size_t i = 0; i < batch->count; i++)
        log_failure(worker, call, &batch->messages[i], batch->results[i]);
    return 0;
}

static bool is_stopping(struct host_workers *workers)
{
    TASK_LOCKED(&workers->mutex);
    return workers->stopping;
}

static void fail_all(struct batch *batch, int error)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->results[i] = error;
}

/* When the shop stops, those not begun are given back. */
static void run_each(struct queue_worker *worker, struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->results[i] = is_stopping(worker->workers) ? ERR_CANCELLED : run_message(worker, &batch->messages[i]);
}

/* A disk that fails for a while must not cost the messages the rest of their claims, which is a minute and more. When
 * the claims have run out, the messages are given out again. */
static int record(struct queue_worker *worker, struct batch *batch)
{
    struct host_workers *workers = worker->workers;

    for (int64_t failures = 1;; failures++) {
        int result = sql_write(worker->instance->db, record_outcomes, batch);

        if (result >= 0)
            return 0;
        if (failures == 1)
            log_error(&worker->instance->host->log, "queue messages not acknowledged",
                      LOG_CSTR("queue", worker->row->queue), LOG_ERR(result));
        if (clock_monotonic_ns() >= batch->claimed_until_ns ||
            !retry_wait(&workers->mutex, &worker->wake, &workers->stopping, failures))
            return result;
    }
}

/* True when all messages ended well and were acknowledged. */
static bool run_batch(struct queue_worker *worker, struct batch *batch)
{
    bool is_good = true;
    int error = 0;

    if (worker->row->run)
        run_each(worker, batch);
    else if (is_stopping(worker->workers))
        error = ERR_CANCELLED;
    else
        error = run_together(worker, batch);
    if (error < 0)
        fail_all(batch, error);
    for (size_t i = 0; i < batch->count; i++)
        is_good = is_good && batch->results[i] >= 0;
    return record(worker, batch) >= 0 && is_good;
}

static size_t tasks_of(const struct worker *row)
{
    return row->run ? TASKS_FOR_SINGLE : TASKS_FOR_ALL;
}

/* Wakes one of the queue's tasks, unless one is about to look anyway. The lock is held. */
static void wake_queue(struct queue_worker *queue)
{
    struct queue_worker *next = queue; /* all are busy: it looks when it has done what it has */

    for (size_t i = 0; i < tasks_of(queue->row); i++) {
        if (queue[i].woken)
            return;
        if (queue[i].waiting)
            next = &queue[i];
    }
    next->woken = true;
    task_cond_signal(&next->wake);
}

/* True when there may be more. */
static bool work_off(struct queue_worker *worker)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(BATCH_ARENA_BYTES);
    size_t limit = worker->batch;
    int64_t visibility_ms = (int64_t)limit * MESSAGE_TIMEOUT_MS + ACKNOWLEDGE_MS;
    struct batch batch = {.queue = worker->instance->queue,
                          .claimed_until_ns = clock_monotonic_ns() + visibility_ms * CLOCK_NS_PER_MS};
    const struct work_queue_claim claim = {.queue = str_from_cstr(worker->row->queue),
                                           .limit = limit,
                                           .visibility_ms = visibility_ms,
                                           .attempts_max = QUEUE_ATTEMPTS_MAX,
                                           .silent_max = QUEUE_SILENT_MAX};

    if (!arena || work_queue_claim(batch.queue, &claim, arena, &batch.messages, &batch.count) < 0 || batch.count == 0)
        return false;
    if (batch.count == limit) {
        TASK_LOCKED(&worker->workers->mutex);
        wake_queue(worker->first);
    }
    if (!run_batch(worker, &batch))
        worker->batch = 1;
    else if (limit < WORKER_BATCH_MAX)
        worker->batch = limit * 2;
    return batch.count == limit;
}

static bool wait_for_work(struct queue_worker *worker)
{
    struct host_workers *workers = worker->workers;
    int64_t until_ns = clock_monotonic_ns() + LOOK_INTERVAL_MS * CLOCK_NS_PER_MS;
    TASK_LOCKED(&workers->mutex);

    worker->waiting = true;
    while (!workers->stopping && !worker->woken && task_cond_wait_until(&worker->wake, &workers->mutex, until_ns))
        ;
    worker->waiting = false;
    pace_wait(&worker->pace, &worker->wake, &workers->mutex, &workers->stopping);
    worker->woken = false;
    return !workers->stopping;
}

static void work_loop(void *argument)
{
    struct queue_worker *worker = argument;

    do {
        while (!is_stopping(worker->workers) && work_off(worker))
            ;
    } while (wait_for_work(worker));
}

static int add_queue(struct host_workers *workers, struct service_instance *instance, const struct worker *row)
{
    /* The data folder is this process's alone, so what is claimed in it was claimed by one that died. */
    if (instance->host->lock)
        TRY(work_queue_release(instance->queue, str_from_cstr(row->queue)));
    ASSERT(!row->run != !row->run_all);
    struct queue_worker *first = &workers->list[workers->count];
    for (size_t i = 0; i < tasks_of(row); i++) {
        ASSERT(workers->count < WORKERS_MAX);
        struct queue_worker *worker = &workers->list[workers->count++];

        *worker = (struct queue_worker){workers, instance, row, .first = first, .batch = 1};
        task_cond_init(&worker->wake);
    }
    return 0;
}

/* Only when all are in the list: the tasks of a queue read each other's entries. */
static int start_all(struct host_workers *workers)
{
    for (size_t i = 0; i < workers->count; i++)
        TRY(task_start(&workers->list[i].task, "queue", work_loop, &workers->list[i]));
    return 0;
}

int host_workers_start(struct service_host *host, struct host_workers **ret_workers)
{
    struct host_workers *workers = calloc(1, sizeof(*workers));
    int result = 0;

    if (!workers)
        return ERR_NO_MEMORY;
    task_mutex_init(&workers->mutex);
    for (size_t i = 0; i < host->instance_count && result >= 0; i++) {
        const struct worker *row = host->instances[i].service->workers;

        for (; row && row->queue && result >= 0; row++)
            result = add_queue(workers, &host->instances[i], row);
    }
    if (result >= 0)
        result = start_all(workers);
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
    for (size_t i = 0; i < workers->count; i++)
        task_cond_signal(&workers->list[i].wake);
    task_mutex_unlock(&workers->mutex);
    for (size_t i = 0; i < workers->count; i++) {
        task_join(workers->list[i].task);
        task_cond_destroy(&workers->list[i].wake);
    }
    task_mutex_destroy(&workers->mutex);
    free(workers);
}

void host_workers_wake(struct host_workers *workers, const struct service_instance *instance)
{
    if (!workers)
        return;
    TASK_LOCKED(&workers->mutex);

    for (struct queue_worker *worker = workers->list; worker < workers->list + workers->count; worker++) {
        if (worker->instance == instance && worker->first == worker)
            wake_queue(worker);
    }
}
