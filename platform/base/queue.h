/* A bounded first-in first-out queue of pointers between tasks. Batches go in and out with one lock and one wake. */
#pragma once

#include "platform/base/task.h"

struct queue;

/* NULL without memory. */
struct queue *queue_new(size_t capacity);

/* No task may be inside; what is still queued is the caller's. NULL is fine. */
void queue_free(struct queue *queue);

/* Puts in as many of the items as there is room for, in order, and returns how many; never waits, so an event loop may
 * call it. 0 when closed. */
size_t queue_try_push_all(struct queue *queue, void *const *items, size_t count);

/* Puts in all of them, waiting for room. ERR_CANCELLED when the queue was closed: the items from *ret_pushed on (may be
 * NULL) are then still the caller's. */
int queue_push_all(struct queue *queue, void *const *items, size_t count, size_t *ret_pushed);
int queue_push(struct queue *queue, void *item);

/* Takes out up to max items, waiting for the first until the deadline (ns of the monotonic clock, TASK_FOREVER). 0: the
 * deadline has passed, or the queue is closed and empty. */
size_t queue_pop_many(struct queue *queue, void **ret_items, size_t max, int64_t deadline_ns);

/* From now on nothing goes in; what is inside can still be taken out. */
void queue_close(struct queue *queue);
bool queue_is_closed(struct queue *queue);
size_t queue_count(struct queue *queue);
