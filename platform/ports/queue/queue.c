/* The queue port's front: the limits that hold for every engine, and dispatch. */
#include "platform/ports/queue/queue_adapter.h"

/* One row an adapter. */
static const struct {
    struct port_scheme scheme;
    int (*open)(struct work_queue **ret_queue, const struct port_config *config, char ret_message[512]);
} adapters[] = {
    {{"sql"}, work_queue_sql_open},
    {{NULL}, NULL},
};

static int check_name(struct str name)
{
    return name.len == 0 || name.len > QUEUE_NAME_BYTES_MAX ? ERR_INVALID : 0;
}

int work_queue_open(struct work_queue **ret_queue, const struct port_config *config, char ret_message[512])
{
    int row = port_find(PORT_QUEUE, config->url, adapters, sizeof(adapters[0]), ret_message);

    TRY(row);
    TRY(adapters[row].open(ret_queue, config, ret_message));
    ASSERT((*ret_queue)->adapter->version == QUEUE_ADAPTER_VERSION);
    return 0;
}

void work_queue_free(struct work_queue *queue)
{
    if (queue)
        queue->adapter->free(queue);
}

int work_queue_enqueue(struct work_queue *queue, struct sql_tx *tx, struct str name, struct str body,
                       int64_t not_before_ms)
{
    TRY(check_name(name));
    if (body.len > QUEUE_BODY_BYTES_MAX)
        return ERR_TOO_LARGE;
    return queue->adapter->enqueue(queue, tx, name, body, not_before_ms);
}

int work_queue_claim(struct work_queue *queue, const struct work_queue_claim *claim, struct arena *arena,
                     struct work_queue_message **ret_messages, size_t *ret_count)
{
    TRY(check_name(claim->queue));
    if (claim->limit == 0 || claim->limit > QUEUE_CLAIM_MAX || claim->visibility_ms <= 0 || claim->attempts_max <= 0 ||
        claim->silent_max < 0)
        return ERR_INVALID;
    return queue->adapter->claim(queue, claim, arena, ret_messages, ret_count);
}

int work_queue_release(struct work_queue *queue, struct str name)
{
    TRY(check_name(name));
    return queue->adapter->release(queue, name);
}

int work_queue_ack(struct work_queue *queue, struct sql_tx *tx, const struct work_queue_message *message)
{
    return queue->adapter->ack(queue, tx, message);
}

int work_queue_fail(struct work_queue *queue, struct sql_tx *tx, const struct work_queue_message *message,
                    int64_t attempts_max, struct str error)
{
    return queue->adapter->fail(queue, tx, message, attempts_max, str_slice(error, 0, QUEUE_ERROR_BYTES_MAX));
}

int work_queue_list_dead(struct work_queue *queue, struct str name, struct str after, size_t limit, struct arena *arena,
                         struct work_queue_message **ret_messages, size_t *ret_count)
{
    TRY(check_name(name));
    if (limit > QUEUE_LIST_MAX)
        limit = QUEUE_LIST_MAX;
    return queue->adapter->list_dead(queue, name, after, limit, arena, ret_messages, ret_count);
}

int work_queue_replay(struct work_queue *queue, struct sql_tx *tx, struct str name, struct str id, int64_t *ret_count)
{
    TRY(check_name(name));
    return queue->adapter->replay(queue, tx, name, id, ret_count);
}

int work_queue_get_stats(struct work_queue *queue, struct str name, struct work_queue_stats *ret_stats)
{
    TRY(check_name(name));
    return queue->adapter->get_stats(queue, name, ret_stats);
}
