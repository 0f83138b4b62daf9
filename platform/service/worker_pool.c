#include "platform/service/worker_pool.h"

#include "platform/base/err.h"
#include "platform/base/task.h"

#include <stdlib.h>

#define WAKES_MAX 64

struct worker {
    struct worker_pool *pool;
    struct task *task;
    struct task_cond wake;
    bool idle; /* on the stack; under the lock */
    struct worker *next;
};

struct worker_pool {
    struct task_mutex mutex;
    struct work *first;
    struct work *last;
    size_t queued;
    size_t queue_max;
    /* A stack: who has just worked works again, as its memory is the most likely to be in the processor's caches. */
    struct worker *idle;
    unsigned worker_count;
    bool closing;
    struct worker workers[];
};

static void wait_idle(struct worker *worker)
{
    struct worker_pool *pool = worker->pool;

    worker->idle = true;
    worker->next = pool->idle;
    pool->idle = worker;
    while (worker->idle && !pool->closing)
        task_cond_wait(&worker->wake, &pool->mutex);
}

/* The next unit, or NULL once the pool is closing and nothing is left. */
static struct work *take(struct worker *worker)
{
    struct worker_pool *pool = worker->pool;
    TASK_LOCKED(&pool->mutex);

    while (!pool->first && !pool->closing)
        wait_idle(worker);
    struct work *work = pool->first;
    if (work) {
        pool->first = work->next;
        pool->queued--;
    }
    return work;
}

static void work_loop(void *argument)
{
    struct worker *worker = argument;
    struct work *work;

    while ((work = take(worker)))
        work->run(work);
}

struct worker_pool *worker_pool_new(unsigned worker_count, size_t queue_max)
{
    struct worker_pool *pool = calloc(1, sizeof(*pool) + worker_count * sizeof(pool->workers[0]));

    if (!pool)
        return NULL;
    pool->queue_max = queue_max;
    task_mutex_init(&pool->mutex);
    while (pool->worker_count < worker_count) {
        struct worker *worker = &pool->workers[pool->worker_count];

        worker->pool = pool;
        task_cond_init(&worker->wake);
        if (task_start(&worker->task, "worker", work_loop, worker) < 0) {
            task_cond_destroy(&worker->wake);
            worker_pool_free(pool);
            return NULL;
        }
        pool->worker_count++;
    }
    return pool;
}

void worker_pool_close(struct worker_pool *pool)
{
    if (!pool)
        return;
    task_mutex_lock(&pool->mutex);
    pool->closing = true;
    for (unsigned i = 0; i < pool->worker_count; i++)
        task_cond_signal(&pool->workers[i].wake);
    task_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->worker_count; i++) {
        task_join(pool->workers[i].task);
        pool->workers[i].task = NULL;
    }
}

void worker_pool_free(struct worker_pool *pool)
{
    if (!pool)
        return;
    worker_pool_close(pool);
    for (unsigned i = 0; i < pool->worker_count; i++)
        task_cond_destroy(&pool->workers[i].wake);
    task_mutex_destroy(&pool->mutex);
    free(pool);
}

/* Workers that one batch wakes; who works takes what is left. */
struct woken {
    struct worker *workers[WAKES_MAX];
    size_t count;
};

static void take_idle(struct worker_pool *pool, size_t count, struct woken *ret_woken)
{
    while (ret_woken->count < count && ret_woken->count < WAKES_MAX && pool->idle) {
        struct worker *worker = pool->idle;
        pool->idle = worker->next;
        worker->idle = false;
        ret_woken->workers[ret_woken->count++] = worker;
    }
}

/* False when the batch does not fit. */
static bool append(struct worker_pool *pool, struct work *first, struct work *last, size_t count,
                   struct woken *ret_woken)
{
    TASK_LOCKED(&pool->mutex);

    if (pool->closing || pool->queued + count > pool->queue_max)
        return false;
    last->next = NULL;
    if (pool->first)
        pool->last->next = first;
    else
        pool->first = first;
    pool->last = last;
    pool->queued += count;
    take_idle(pool, count, ret_woken);
    return true;
}

bool worker_pool_push(struct worker_pool *pool, struct work *first, struct work *last, size_t count)
{
    struct woken woken = {.count = 0};

    if (!append(pool, first, last, count, &woken))
        return false;
    /* After the lock, on which the woken would otherwise wait. */
    for (size_t i = 0; i < woken.count; i++)
        task_cond_signal(&woken.workers[i]->wake);
    return true;
}
