#include "platform/service/waiters.h"

#include "platform/base/err.h"
#include "platform/base/hash.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"

#include <stdlib.h>

#define RECENT_SLOTS 8192 /* a power of two */

struct waiter {
    struct work *work;
    struct str key;
    uint64_t key_hash;
    int64_t deadline_ns;
};

/* Notifications that may have come before their waiter. A slot that another key took over costs the waiter its
 * time-out, never its answer. */
struct recent {
    uint64_t key_hash;
    int64_t at_ns;
};

struct waiters {
    struct task_mutex mutex;
    struct task_cond changed;
    struct task *task;
    struct worker_pool *pool;
    struct hash_key hash_key;
    bool closing;
    int64_t watched_ns; /* the first of the deadlines that the task knows of */
    size_t count;
    struct waiter waiting[WAITERS_MAX];
    struct recent recent[RECENT_SLOTS];
};

static void queue(struct waiters *waiters, size_t index)
{
    struct work *work = waiters->waiting[index].work;

    waiters->waiting[index] = waiters->waiting[--waiters->count];
    /* A full queue must not lose the request: it is answered here, late, on this task. */
    if (!worker_pool_push(waiters->pool, work, work, 1))
        work->run(work);
}

static int64_t queue_expired(struct waiters *waiters, int64_t now_ns)
{
    int64_t next_ns = TASK_FOREVER;

    for (size_t i = waiters->count; i-- > 0;) {
        if (waiters->closing || waiters->waiting[i].deadline_ns <= now_ns)
            queue(waiters, i);
        else if (waiters->waiting[i].deadline_ns < next_ns)
            next_ns = waiters->waiting[i].deadline_ns;
    }
    return next_ns;
}

static void watch(void *argument)
{
    struct waiters *waiters = argument;
    TASK_LOCKED(&waiters->mutex);

    for (;;) {
        waiters->watched_ns = queue_expired(waiters, clock_monotonic_ns());
        if (waiters->closing)
            return;
        task_cond_wait_until(&waiters->changed, &waiters->mutex, waiters->watched_ns);
    }
}

int waiters_new(struct waiters **ret_waiters, struct worker_pool *pool)
{
    struct waiters *waiters = calloc(1, sizeof(*waiters));

    if (!waiters)
        return ERR_NO_MEMORY;
    waiters->pool = pool;
    waiters->hash_key = hash_key_random();
    task_mutex_init(&waiters->mutex);
    task_cond_init(&waiters->changed);
    int result = task_start(&waiters->task, "waiters", watch, waiters);
    if (result < 0) {
        waiters_free(waiters);
        return result;
    }
    *ret_waiters = waiters;
    return 0;
}

void waiters_close(struct waiters *waiters)
{
    if (!waiters)
        return;
    task_mutex_lock(&waiters->mutex);
    waiters->closing = true;
    task_cond_broadcast(&waiters->changed);
    task_mutex_unlock(&waiters->mutex);
    task_join(waiters->task);
    waiters->task = NULL;
}

void waiters_free(struct waiters *waiters)
{
    if (!waiters)
        return;
    waiters_close(waiters);
    task_cond_destroy(&waiters->changed);
    task_mutex_destroy(&waiters->mutex);
    free(waiters);
}

bool waiters_add(struct waiters *waiters, struct work *work, struct str key, int64_t since_ns, int64_t deadline_ns)
{
    uint64_t key_hash = hash_keyed(&waiters->hash_key, key);
    TASK_LOCKED(&waiters->mutex);
    const struct recent *recent = &waiters->recent[key_hash % RECENT_SLOTS];

    if (waiters->closing || waiters->count == WAITERS_MAX)
        return false;
    /* Already notified: it is due at once, and goes through the pool all the same. */
    if (recent->key_hash == key_hash && recent->at_ns >= since_ns)
        deadline_ns = 0;
    waiters->waiting[waiters->count++] = (struct waiter){work, key, key_hash, deadline_ns};
    if (deadline_ns < waiters->watched_ns) {
        waiters->watched_ns = deadline_ns;
        task_cond_signal(&waiters->changed);
    }
    return true;
}

void waiters_notify(struct waiters *waiters, struct str key)
{
    uint64_t key_hash = hash_keyed(&waiters->hash_key, key);
    TASK_LOCKED(&waiters->mutex);

    waiters->recent[key_hash % RECENT_SLOTS] = (struct recent){key_hash, clock_monotonic_ns()};
    for (size_t i = waiters->count; i-- > 0;) {
        if (waiters->waiting[i].key_hash == key_hash && str_equal(waiters->waiting[i].key, key))
            queue(waiters, i);
    }
}
