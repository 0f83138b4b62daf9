#include "platform/base/queue.h"
#include "platform/base/err.h"

#include <stdlib.h>

struct queue {
    struct task_mutex mutex;
    struct task_cond not_empty;
    struct task_cond not_full;
    size_t poppers; /* waiting: nobody is woken who does not wait */
    size_t pushers;
    bool closed;
    size_t capacity;
    size_t first;
    size_t count;
    void *items[];
};

struct queue *queue_new(size_t capacity)
{
    ASSERT(capacity > 0);
    struct queue *queue = NULL;
    if (capacity <= (PTRDIFF_MAX - sizeof(*queue)) / sizeof(void *))
        queue = calloc(1, sizeof(*queue) + capacity * sizeof(void *));
    if (!queue)
        return NULL;
    task_mutex_init(&queue->mutex);
    task_cond_init(&queue->not_empty);
    task_cond_init(&queue->not_full);
    queue->capacity = capacity;
    return queue;
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    task_cond_destroy(&queue->not_full);
    task_cond_destroy(&queue->not_empty);
    task_mutex_destroy(&queue->mutex);
    free(queue);
}

/* Wakes one for one item, all for more: waking each alone would cost a call each. */
static void wake(struct task_cond *cond, size_t waiting, size_t count)
{
    if (waiting == 0 || count == 0)
        return;
    if (count == 1 || waiting == 1)
        task_cond_signal(cond);
    else
        task_cond_broadcast(cond);
}

/* The mutex is held. */
static size_t put(struct queue *queue, void *const *items, size_t count)
{
    size_t room = queue->closed ? 0 : queue->capacity - queue->count;
    if (count > room)
        count = room;
    size_t at = (queue->first + queue->count) % queue->capacity;
    for (size_t i = 0; i < count; i++) {
        queue->items[at] = items[i];
        at = at + 1 == queue->capacity ? 0 : at + 1;
    }
    queue->count += count;
    wake(&queue->not_empty, queue->poppers, count);
    return count;
}

size_t queue_try_push_all(struct queue *queue, void *const *items, size_t count)
{
    TASK_LOCKED(&queue->mutex);
    return put(queue, items, count);
}

int queue_push_all(struct queue *queue, void *const *items, size_t count, size_t *ret_pushed)
{
    TASK_LOCKED(&queue->mutex);
    size_t pushed = put(queue, items, count);
    while (pushed < count && !queue->closed) {
        queue->pushers++;
        task_cond_wait(&queue->not_full, &queue->mutex);
        queue->pushers--;
        pushed += put(queue, items + pushed, count - pushed);
    }
    if (ret_pushed)
        *ret_pushed = pushed;
    return pushed == count ? 0 : ERR_CANCELLED;
}

int queue_push(struct queue *queue, void *item)
{
    return queue_push_all(queue, &item, 1, NULL);
}

size_t queue_pop_many(struct queue *queue, void **ret_items, size_t max, int64_t deadline_ns)
{
    TASK_LOCKED(&queue->mutex);
    bool in_time = true;
    while (queue->count == 0 && !queue->closed && in_time) {
        queue->poppers++;
        in_time = task_cond_wait_until(&queue->not_empty, &queue->mutex, deadline_ns);
        queue->poppers--;
    }
    size_t count = queue->count < max ? queue->count : max;
    for (size_t i = 0; i < count; i++) {
        ret_items[i] = queue->items[queue->first];
        queue->first = queue->first + 1 == queue->capacity ? 0 : queue->first + 1;
    }
    queue->count -= count;
    wake(&queue->not_full, queue->pushers, count);
    return count;
}

void queue_close(struct queue *queue)
{
    TASK_LOCKED(&queue->mutex);
    queue->closed = true;
    task_cond_broadcast(&queue->not_empty);
    task_cond_broadcast(&queue->not_full);
}

bool queue_is_closed(struct queue *queue)
{
    TASK_LOCKED(&queue->mutex);
    return queue->closed;
}

size_t queue_count(struct queue *queue)
{
    TASK_LOCKED(&queue->mutex);
    return queue->count;
}
