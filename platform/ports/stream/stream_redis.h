/* Between the files of the Redis adapter of the stream port. */
#pragma once

#include "platform/base/task.h"
#include "platform/ports/redis/redis_client.h"
#include "platform/ports/stream/stream_adapter.h"

#define STREAM_REDIS_KEY_BYTES 200
#define STREAM_REDIS_NUMBER_BYTES 24
#define STREAM_REDIS_INSTANCE_BYTES 40
#define STREAM_REDIS_CONSUMER_BYTES (STREAM_NAME_BYTES_MAX + STREAM_REDIS_INSTANCE_BYTES)
#define STREAM_REDIS_SERVICE_BYTES 64

/* A group that this process wants, so that it can be made again on a server that has lost it. */
struct stream_redis_group {
    struct stream_redis_group *next;
    char stream[STREAM_NAME_BYTES_MAX];
    char name[STREAM_NAME_BYTES_MAX];
    size_t stream_len, name_len;
};

struct stream_redis {
    struct stream base;
    struct redis_client *client;
    struct sql_db *db;
    int64_t length_max;
    char service[STREAM_REDIS_SERVICE_BYTES];
    char instance[STREAM_REDIS_INSTANCE_BYTES]; /* of this adapter: makes its consumers nobody else's */
    _Atomic int64_t waiting;                    /* entries of this process that are not handed on, about */
    struct task_mutex hand_over_mutex;          /* one hand-over at a time */
    struct task_mutex groups_mutex;
    struct stream_redis_group *groups;
};

static inline struct stream_redis *stream_redis_of(struct stream *stream)
{
    return (struct stream_redis *)(void *)stream;
}

/* The keys of one stream on the server. */
struct stream_redis_keys {
    char bytes[3][STREAM_REDIS_KEY_BYTES];
    struct str entries, last, tokens;
};
void stream_redis_name(const struct stream_redis *stream, struct str name, struct stream_redis_keys *ret_keys);

/* -- stream_redis_scripts.c: what runs on the server as one step --------------------------------------------------- */

/* Returns the id, 0 for a token that was there before, or one of the words below. */
extern const struct redis_script stream_redis_append, stream_redis_settle, stream_redis_create_group, stream_redis_make,
    stream_redis_read, stream_redis_ack, stream_redis_trim, stream_redis_stats;
#define STREAM_REDIS_GONE "GONE" /* no such stream, as the server is new or has lost it */
#define STREAM_REDIS_FULL "FULL"

/* -- stream_redis_server.c ----------------------------------------------------------------------------------------- */

/* As redis_client_ask; where the server has lost the stream or the group, and we know them, they are made again and it
 * is asked once more. ERR_NOT_FOUND: it has no such group, and neither have we. ERR_RATE_LIMITED: the stream is full.
 */
int stream_redis_ask(struct stream_redis *stream, struct str name, struct arena *arena,
                     const struct redis_command *command, struct redis_reply **ret_reply);

/* Makes the stream where the server has none, and the groups of it that we want. */
int stream_redis_recover(struct stream_redis *stream, struct str name);

int stream_redis_remember_group(struct stream_redis *stream, struct str name, struct str group);
void stream_redis_forget_groups(struct stream_redis *stream);

/* -- stream_redis_transaction.c: where a transaction of the database ends ------------------------------------------ */

int stream_redis_append_in(struct stream_redis *stream, struct sql_tx *tx, struct str name, struct str payload);
int stream_redis_ack_in(struct stream_redis *stream, struct sql_tx *tx, const struct stream_read *reader, int64_t id);

/* Hands what committed to the server. */
int stream_redis_hand_over(struct stream_redis *stream, struct str name);

/* Who reads, as the server knows them. */
struct str stream_redis_consumer(const struct stream_redis *stream, struct str consumer,
                                 char bytes[STREAM_REDIS_CONSUMER_BYTES]);

/* Decimal, in the buffer. */
struct str stream_redis_number(int64_t value, char bytes[STREAM_REDIS_NUMBER_BYTES]);
