/* Producers and consumers around one queue, for its tests under both schedulers. ITEMS of each producer is defined
 * before this header. */
#pragma once

#include "platform/base/err.h"
#include "platform/base/queue.h"
#include "platform/base/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PRODUCERS 3
#define CONSUMERS 2

struct traffic {
    struct queue *queue;
    struct task_mutex mutex;
    unsigned char seen[PRODUCERS][ITEMS];
};

struct producer {
    struct traffic *traffic;
    int number;
};

static unsigned char places[PRODUCERS][ITEMS]; /* an item is the address of its place here */

static void produce(void *argument)
{
    struct producer *producer = argument;
    void *batch[7];
    for (int i = 0; i < ITEMS;) {
        size_t count = 0;
        while (count < 7 && i < ITEMS)
            batch[count++] = &places[producer->number][i++];
        ASSERT(queue_push_all(producer->traffic->queue, batch, count, NULL) == 0);
    }
}

static void consume(void *argument)
{
    struct traffic *traffic = argument;
    void *items[5];
    size_t count;
    while ((count = queue_pop_many(traffic->queue, items, 5, TASK_FOREVER)) > 0) {
        TASK_LOCKED(&traffic->mutex);
        for (size_t i = 0; i < count; i++) {
            ptrdiff_t at = (unsigned char *)items[i] - &places[0][0];
            traffic->seen[at / ITEMS][at % ITEMS]++;
        }
    }
}

/* Every item comes out once, whoever waits for whom, and nobody is left waiting. */
static void run_traffic(struct traffic *traffic)
{
    traffic->queue = queue_new(4);
    task_mutex_init(&traffic->mutex);
    struct task *producers[PRODUCERS], *consumers[CONSUMERS];
    struct producer arguments[PRODUCERS];
    for (int i = 0; i < CONSUMERS; i++)
        ASSERT(task_start(&consumers[i], "consume", consume, traffic) == 0);
    for (int i = 0; i < PRODUCERS; i++) {
        arguments[i] = (struct producer){traffic, i};
        ASSERT(task_start(&producers[i], "produce", produce, &arguments[i]) == 0);
    }
    for (int i = 0; i < PRODUCERS; i++)
        task_join(producers[i]);
    queue_close(traffic->queue);
    for (int i = 0; i < CONSUMERS; i++)
        task_join(consumers[i]);
    ASSERT(queue_count(traffic->queue) == 0 && queue_is_closed(traffic->queue));
    task_mutex_destroy(&traffic->mutex);
    queue_free(traffic->queue);
}

static void assert_each_once(const struct traffic *traffic)
{
    for (int i = 0; i < PRODUCERS; i++) {
        for (int k = 0; k < ITEMS; k++)
            assert_int_equal(traffic->seen[i][k], 1);
    }
}
