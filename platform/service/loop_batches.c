#include "platform/service/loop_batches.h"

void loop_batches_add(struct loop_batches *batches, unsigned loop_index, struct work *work)
{
    struct loop_batch *batch = &batches->of[loop_index];

    work->next = NULL;
    *(batch->first ? &batch->last->next : &batch->first) = work;
    batch->last = work;
    batch->count++;
}

void loop_batches_push(struct loop_batches *batches, unsigned loop_index, struct worker_pool *pool,
                       void (*refuse)(struct work *work))
{
    struct loop_batch *batch = &batches->of[loop_index];

    if (!batch->first)
        return;
    if (!worker_pool_push(pool, batch->first, batch->last, batch->count)) {
        for (struct work *work = batch->first, *next; work; work = next) {
            next = work->next;
            refuse(work);
        }
    }
    *batch = (struct loop_batch){0};
}
