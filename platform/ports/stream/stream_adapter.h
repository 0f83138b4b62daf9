/* What an adapter of the stream port implements: stream.h's functions in the same words. stream.c has checked the
 * limits. */
#pragma once

#include "platform/ports/stream/stream.h"

#define STREAM_ADAPTER_VERSION 1

struct stream_adapter {
    unsigned version;
    void (*free)(struct stream *stream);
    int (*append)(struct stream *stream, struct sql_tx *tx, struct str name, struct str payload, int64_t *ret_id);
    int (*create_group)(struct stream *stream, struct sql_tx *tx, struct str name, struct str group);
    int (*read)(struct stream *stream, const struct stream_read *read, struct arena *arena,
                struct stream_entry **ret_entries, size_t *ret_count);
    int (*ack)(struct stream *stream, struct sql_tx *tx, const struct stream_read *reader, int64_t id);
    int (*trim)(struct stream *stream, struct sql_tx *tx, struct str name, size_t limit, size_t *ret_count);
    int (*get_stats)(struct stream *stream, struct str name, struct str group, struct stream_stats *ret_stats);
};

/* The first member of each adapter's own struct. */
struct stream {
    const struct stream_adapter *adapter;
};

/* Tables in the service's database, whose migrations are the list "stream" (stream_migrations). */
int stream_sql_open(struct stream **ret_stream, const struct port_config *config, char ret_message[512]);

/* The same with another length than STREAM_LENGTH_DEFAULT, at which a stream is full. */
int stream_sql_new(struct stream **ret_stream, struct sql_db *db, int64_t length_max);

/* Redis Streams, with tables of the same migrations for what is part of a transaction. */
int stream_redis_open(struct stream **ret_stream, const struct port_config *config, char ret_message[512]);
int stream_redis_new(struct stream **ret_stream, const struct port_config *config, int64_t length_max,
                     char ret_message[512]);
