/* What an adapter of the queue port implements: queue.h's functions in the same words. queue.c has checked the limits.
 */
#pragma once

#include "platform/ports/queue/queue.h"

#define QUEUE_ADAPTER_VERSION 2

struct work_queue_adapter {
    unsigned version;
    void (*free)(struct work_queue *queue);
    int (*enqueue)(struct work_queue *queue, struct sql_tx *tx, struct str name, struct str body,
                   int64_t not_before_ms);
    int (*claim)(struct work_queue *queue, const struct work_queue_claim *claim, struct arena *arena,
                 struct work_queue_message **ret_messages, size_t *ret_count);
    int (*release)(struct work_queue *queue, struct str name);
    int (*ack)(struct work_queue *queue, struct sql_tx *tx, const struct work_queue_message *message);
    int (*fail)(struct work_queue *queue, struct sql_tx *tx, const struct work_queue_message *message,
                int64_t attempts_max, struct str error);
    int (*list_dead)(struct work_queue *queue, struct str name, struct str after, size_t limit, struct arena *arena,
                     struct work_queue_message **ret_messages, size_t *ret_count);
    int (*replay)(struct work_queue *queue, struct sql_tx *tx, struct str name, struct str id, int64_t *ret_count);
    int (*get_stats)(struct work_queue *queue, struct str name, struct work_queue_stats *ret_stats);
};

/* The first member of each adapter's own struct. */
struct work_queue {
    const struct work_queue_adapter *adapter;
};

/* Tables in the service's database, whose migrations are the list "queue" (queue_migrations). */
int work_queue_sql_open(struct work_queue **ret_queue, const struct port_config *config, char ret_message[512]);
