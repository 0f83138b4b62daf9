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
    unsigned worker_count;
    bool closing;
    struct task *workers[];
};

/* The next unit, or NULL once the pool is closing and nothing is left. */
static struct work *take(struct worker_pool *pool)
{
    TASK_LOCKED(&pool->mutex);

    while (!pool->first && !pool->closing) {
        pool->idle++;
        task_cond_wait(&pool->wake, &pool->mutex);
        pool->idle--;
    }
    struct work *work = pool->first;
    if (work) {
        pool->first = work->next;
        pool->queued--;
    }
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

/* Returns how many workers are to be woken, or -1 when the batch does not fit. */
static ptrdiff_t append(struct worker_pool *pool, struct work *first, struct work *last, size_t count)
{
    TASK_LOCKED(&pool->mutex);

    if (pool->closing || pool->queued + count > pool->queue_max)
        return -1;
    last->next = NULL;
    if (pool->first)
        pool->last->next = first;
    else
        pool->first = first;
    pool->last = last;
    pool->queued += count;
    return (ptrdiff_t)(count < pool->idle ? count : pool->idle);
}

bool worker_pool_push(struct worker_pool *pool, struct work *first, struct work *last, size_t count)
{
    ptrdiff_t wakes = append(pool, first, last, count);

    /* After the lock, on which the woken would otherwise wait. */
    for (ptrdiff_t i = 0; i < wakes; i++)
        task_cond_signal(&pool->wake);
    return wakes >= 0;
}
