#include "platform/ports/stream/stream_faulty.h"

#include "platform/ports/stream/stream_adapter.h"

#include <stdlib.h>

struct stream_faulty {
    struct stream base;
    struct stream *inner;
    struct fault_plan *plan;
};

static struct stream *inner_of(struct stream *stream)
{
    return ((struct stream_faulty *)(void *)stream)->inner;
}

static struct fault meet(struct stream *stream, const char *call)
{
    return fault_meet(((struct stream_faulty *)(void *)stream)->plan, FAULT_STREAM, call);
}

static int faulty_append(struct stream *stream, struct sql_tx *tx, struct str name, struct str payload, int64_t *ret_id)
{
    struct fault fault = meet(stream, "append");
    return FAULT_APPLY(fault, stream_append(inner_of(stream), tx, name, payload, ret_id));
}

static int faulty_create_group(struct stream *stream, struct sql_tx *tx, struct str name, struct str group)
{
    struct fault fault = meet(stream, "create_group");
    return FAULT_APPLY(fault, stream_create_group(inner_of(stream), tx, name, group));
}

static int faulty_read(struct stream *stream, const struct stream_read *read, struct arena *arena,
                       struct stream_entry **ret_entries, size_t *ret_count)
{
    struct fault fault = meet(stream, "read");
    return FAULT_APPLY(fault, stream_read(inner_of(stream), read, arena, ret_entries, ret_count));
}

static int faulty_ack(struct stream *stream, struct sql_tx *tx, const struct stream_read *reader, int64_t id)
{
    struct fault fault = meet(stream, "ack");
    return FAULT_APPLY(fault, stream_ack(inner_of(stream), tx, reader, id));
}

static int faulty_trim(struct stream *stream, struct sql_tx *tx, struct str name, size_t limit, size_t *ret_count)
{
    struct fault fault = meet(stream, "trim");
    return FAULT_APPLY(fault, stream_trim(inner_of(stream), tx, name, limit, ret_count));
}

static int faulty_get_stats(struct stream *stream, struct str name, struct str group, struct stream_stats *ret_stats)
{
    struct fault fault = meet(stream, "get_stats");
    return FAULT_APPLY(fault, stream_get_stats(inner_of(stream), name, group, ret_stats));
}

static void faulty_free(struct stream *stream)
{
    stream_free(inner_of(stream));
    free(stream);
}

static const struct stream_adapter faulty_adapter = {
    .version = STREAM_ADAPTER_VERSION,
    .free = faulty_free,
    .append = faulty_append,
    .create_group = faulty_create_group,
    .read = faulty_read,
    .ack = faulty_ack,
    .trim = faulty_trim,
    .get_stats = faulty_get_stats,
};

int stream_faulty_wrap(struct stream **stream, struct fault_plan *plan)
{
    if (!plan)
        return 0;
    struct stream_faulty *faulty = calloc(1, sizeof(*faulty));
    if (!faulty)
        return ERR_NO_MEMORY;
    *faulty = (struct stream_faulty){.base = {&faulty_adapter}, .inner = *stream, .plan = plan};
    *stream = &faulty->base;
    return 0;
}
