/* The stream port's front: the limits that hold for every engine, and dispatch. */
#include "platform/ports/stream/stream_adapter.h"

/* One row an adapter. */
static const struct {
    struct port_scheme scheme;
    int (*open)(struct stream **ret_stream, const struct port_config *config, char ret_message[512]);
} adapters[] = {
    {{"sql"}, stream_sql_open},
    {{"redis"}, stream_redis_open},
    {{"rediss"}, stream_redis_open},
    {{NULL}, NULL},
};

static int check_name(struct str name)
{
    return name.len == 0 || name.len > STREAM_NAME_BYTES_MAX ? ERR_INVALID : 0;
}

int stream_open(struct stream **ret_stream, const struct port_config *config, char ret_message[512])
{
    int row = port_find(PORT_STREAM, config->url, adapters, sizeof(adapters[0]), ret_message);

    TRY(row);
    TRY(adapters[row].open(ret_stream, config, ret_message));
    ASSERT((*ret_stream)->adapter->version == STREAM_ADAPTER_VERSION);
    return 0;
}

void stream_free(struct stream *stream)
{
    if (stream)
        stream->adapter->free(stream);
}

int stream_append(struct stream *stream, struct sql_tx *tx, struct str name, struct str payload, int64_t *ret_id)
{
    TRY(check_name(name));
    if (payload.len > STREAM_PAYLOAD_BYTES_MAX)
        return ERR_TOO_LARGE;
    return stream->adapter->append(stream, tx, name, payload, ret_id);
}

int stream_create_group(struct stream *stream, struct sql_tx *tx, struct str name, struct str group)
{
    TRY(check_name(name));
    TRY(check_name(group));
    return stream->adapter->create_group(stream, tx, name, group);
}

int stream_read(struct stream *stream, const struct stream_read *read, struct arena *arena,
                struct stream_entry **ret_entries, size_t *ret_count)
{
    TRY(check_name(read->stream));
    TRY(check_name(read->group));
    TRY(check_name(read->consumer));
    if (read->limit == 0 || read->limit > STREAM_READ_MAX || read->idle_ms <= 0)
        return ERR_INVALID;
    return stream->adapter->read(stream, read, arena, ret_entries, ret_count);
}

int stream_ack(struct stream *stream, struct sql_tx *tx, const struct stream_read *reader, int64_t id)
{
    return stream->adapter->ack(stream, tx, reader, id);
}

int stream_trim(struct stream *stream, struct sql_tx *tx, struct str name, size_t limit, size_t *ret_count)
{
    TRY(check_name(name));
    return stream->adapter->trim(stream, tx, name, limit > STREAM_TRIM_MAX ? STREAM_TRIM_MAX : limit, ret_count);
}

int stream_get_stats(struct stream *stream, struct str name, struct str group, struct stream_stats *ret_stats)
{
    TRY(check_name(name));
    TRY(check_name(group));
    return stream->adapter->get_stats(stream, name, group, ret_stats);
}
