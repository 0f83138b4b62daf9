#include "platform/ports/queue/queue_faulty.h"

#include "platform/ports/queue/queue_adapter.h"

#include <stdlib.h>

struct queue_faulty {
    struct work_queue base;
    struct work_queue *inner;
    struct fault_plan *plan;
};

static struct work_queue *inner_of(struct work_queue *queue)
{
    return ((struct queue_faulty *)(void *)queue)->inner;
}

static struct fault meet(struct work_queue *queue, const char *call)
{
    return fault_meet(((struct queue_faulty *)(void *)queue)->plan, FAULT_QUEUE, call);
}

static int faulty_enqueue(struct work_queue *queue, struct sql_tx *tx, struct str name, struct str body,
                          int64_t not_before_ms)
{
    struct fault fault = meet(queue, "enqueue");
    return FAULT_APPLY(fault, work_queue_enqueue(inner_of(queue), tx, name, body, not_before_ms));
}

static int faulty_claim(struct work_queue *queue, const struct work_queue_claim *claim, struct arena *arena,
                        struct work_queue_message **ret_messages, size_t *ret_count)
{
    struct fault fault = meet(queue, "claim");
    return FAULT_APPLY(fault, work_queue_claim(inner_of(queue), claim, arena, ret_messages, ret_count));
}

static int faulty_release(struct work_queue *queue, struct str name)
{
    struct fault fault = meet(queue, "release");
    return FAULT_APPLY(fault, work_queue_release(inner_of(queue), name));
}

static int faulty_ack(struct work_queue *queue, struct sql_tx *tx, const struct work_queue_message *message)
{
    struct fault fault = meet(queue, "ack");
    return FAULT_APPLY(fault, work_queue_ack(inner_of(queue), tx, message));
}

static int faulty_fail(struct work_queue *queue, struct sql_tx *tx, const struct work_queue_message *message,
                       int64_t attempts_max, struct str error)
{
    struct fault fault = meet(queue, "fail");
    return FAULT_APPLY(fault, work_queue_fail(inner_of(queue), tx, message, attempts_max, error));
}

static int faulty_list_dead(struct work_queue *queue, struct str name, struct str after, size_t limit,
                            struct arena *arena, struct work_queue_message **ret_messages, size_t *ret_count)
{
    struct fault fault = meet(queue, "list_dead");
    return FAULT_APPLY(fault,
                       work_queue_list_dead(inner_of(queue), name, after, limit, arena, ret_messages, ret_count));
}

static int faulty_replay(struct work_queue *queue, struct sql_tx *tx, struct str name, struct str id,
                         int64_t *ret_count)
{
    struct fault fault = meet(queue, "replay");
    return FAULT_APPLY(fault, work_queue_replay(inner_of(queue), tx, name, id, ret_count));
}

static int faulty_get_stats(struct work_queue *queue, struct str name, struct work_queue_stats *ret_stats)
{
    struct fault fault = meet(queue, "get_stats");
    return FAULT_APPLY(fault, work_queue_get_stats(inner_of(queue), name, ret_stats));
}

static void faulty_free(struct work_queue *queue)
{
    work_queue_free(inner_of(queue));
    free(queue);
}

static const struct work_queue_adapter faulty_adapter = {
    .version = QUEUE_ADAPTER_VERSION,
    .free = faulty_free,
    .enqueue = faulty_enqueue,
    .claim = faulty_claim,
    .release = faulty_release,
    .ack = faulty_ack,
    .fail = faulty_fail,
    .list_dead = faulty_list_dead,
    .replay = faulty_replay,
    .get_stats = faulty_get_stats,
};

int work_queue_faulty_wrap(struct work_queue **queue, struct fault_plan *plan)
{
    if (!plan)
        return 0;
    struct queue_faulty *faulty = calloc(1, sizeof(*faulty));
    if (!faulty)
        return ERR_NO_MEMORY;
    *faulty = (struct queue_faulty){.base = {&faulty_adapter}, .inner = *queue, .plan = plan};
    *queue = &faulty->base;
    return 0;
}
