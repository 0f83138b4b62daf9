/* The tasks that run handlers, fed in batches: one lock and one wake for all the requests of an event loop's round. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct worker_pool;

/* A unit of work; embed it first in what is worked on. */
struct work {
    struct work *next; /* the pool's while queued; the caller's to link a batch */
    void (*run)(struct work *work);
};

/* queue_max bounds what may wait. NULL when tasks or memory are not to be had. */
struct worker_pool *worker_pool_new(unsigned worker_count, size_t queue_max);

/* Finishes what is queued, joins the workers; from now on nothing fits. NULL is fine. */
void worker_pool_close(struct worker_pool *pool);

/* Closes, and frees: nobody may push any more. NULL is fine. */
void worker_pool_free(struct worker_pool *pool);

/* Queues the linked batch of count units. False when it does not fit: nothing was queued. */
bool worker_pool_push(struct worker_pool *pool, struct work *first, struct work *last, size_t count);
