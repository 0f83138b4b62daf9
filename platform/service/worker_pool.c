#include "platform/service/worker_pool.h"

#include "platform/base/err.h"
#include "platform/base/task.h"

#include <stdlib.h>

struct worker_pool {
    struct task_mutex mutex;
    struct task_cond wake;
    struct work *first;
    struct work *last;
    size_t queued;
    size_t queue_max;
    unsigned idle;
    bool waking; /* an idle one was signalled and has not come yet; see is_wake_due */
    unsigned worker_count;
    bool closing;
    struct task *workers[];
};

/* One at a time is woken, and wakes the next where work is left: those that are busy mostly take it before all that
 * could be woken have come, only to find nothing. As long as work waits and somebody is idle, one is on its way. */
static bool is_wake_due(struct worker_pool *pool)
{
    if (!pool->first || pool->idle == 0 || pool->waking)
        return false;
    pool->waking = true;
    return true;
}

static void wait_for_work(struct worker_pool *pool)
{
    while (!pool->first && !pool->closing) {
        pool->idle++;
        task_cond_wait(&pool->wake, &pool->mutex);
        pool->idle--;
        pool->waking = false;
    }
}

/* The next unit, or NULL once the pool is closing and nothing is left. */
static struct work *take(struct worker_pool *pool)
{
    task_mutex_lock(&pool->mutex);
    wait_for_work(pool);
    struct work *work = pool->first;
    if (work) {
        pool->first = work->next;
        pool->queued--;
    }
    bool wakes = is_wake_due(pool);
    task_mutex_unlock(&pool->mutex);
    /* After the lock, on which the woken would otherwise wait. */
    if (wakes)
        task_cond_signal(&pool->wake);
    return work;
}

static void work_loop(void *argument)
{
    struct worker_pool *pool = argument;
    struct work *work;

    while ((work = take(pool)))
        work->run(work);
}

struct worker_pool *worker_pool_new(unsigned worker_count, size_t queue_max)
{
    struct worker_pool *pool = calloc(1, sizeof(*pool) + worker_count * sizeof(pool->workers[0]));

    if (!pool)
        return NULL;
    pool->queue_max = queue_max;
    task_mutex_init(&pool->mutex);
    task_cond_init(&pool->wake);
    while (pool->worker_count < worker_count) {
        if (task_start(&pool->workers[pool->worker_count], "worker", work_loop, pool) < 0) {
            worker_pool_free(pool);
            return NULL;
        }
        pool->worker_count++;
    }
    return pool;
}

void worker_pool_free(struct worker_pool *pool)
{
    if (!pool)
        return;
    task_mutex_lock(&pool->mutex);
    pool->closing = true;
    task_cond_broadcast(&pool->wake);
    task_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->worker_count; i++)
        task_join(pool->workers[i]);
    task_cond_destroy(&pool->wake);
    task_mutex_destroy(&pool->mutex);
    free(pool);
}

/* False when the batch does not fit. */
static bool append(struct worker_pool *pool, struct work *first, struct work *last, size_t count, bool *ret_wakes)
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
    *ret_wakes = is_wake_due(pool);
    return true;
}

bool worker_pool_push(struct worker_pool *pool, struct work *first, struct work *last, size_t count)
{
    bool wakes = false;
    bool fits = append(pool, first, last, count, &wakes);

    if (wakes)
        task_cond_signal(&pool->wake);
    return fits;
}
