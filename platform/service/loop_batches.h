/* What each event loop of a listener collected in a round, for the workers: one lock and one wake for all of it. */
#pragma once

#include "platform/service/worker_pool.h"

#define LOOPS_MAX 64

/* A cache line of its own. */
struct loop_batch {
    struct work *first, *last;
    size_t count;
    char padding_[104];
};

struct loop_batches {
    struct loop_batch of[LOOPS_MAX];
};

/* On the loop's thread, as is the next one. */
void loop_batches_add(struct loop_batches *batches, unsigned loop_index, struct work *work);

/* Gives the round's batch to the pool; where that has no room, refuse is called for each instead. */
void loop_batches_push(struct loop_batches *batches, unsigned loop_index, struct worker_pool *pool,
                       void (*refuse)(struct work *work));
