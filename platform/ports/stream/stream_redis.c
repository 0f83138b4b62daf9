/* The stream port on Redis Streams. What an entry's effect and its end are in is a transaction of the service's
 * database, in which Redis has no part: stream_redis_transaction.c says how the two agree.
 *
 * Redis keeps what it was given as long as its own configuration says. Nothing that was acknowledged is lost, and no
 * effect happens twice, with appendfsync always and maxmemory-policy noeviction; without, an entry may be lost, or
 * given out again, by a machine that dies. While it is gone, what a transaction appends waits in the database. */
#include "platform/ports/stream/stream_redis.h"

#include "platform/base/id.h"

#include <stdio.h>
#include <stdlib.h>

#define ANSWER_MS 1000 /* of a server that syncs what it answers for */
#define SMALL_ARENA_BYTES ((size_t)64 << 10)

struct str stream_redis_consumer(const struct stream_redis *stream, struct str consumer,
                                 char bytes[STREAM_REDIS_CONSUMER_BYTES])
{
    int length = snprintf(bytes, STREAM_REDIS_CONSUMER_BYTES, "%.*s:%s", STR_FORMAT(consumer), stream->instance);
    return str_from(bytes, (size_t)length);
}

/* The answer's number, or its own error. */
static int ask_number(struct stream_redis *stream, struct str name, const struct redis_command *command,
                      int64_t *ret_number)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(SMALL_ARENA_BYTES);
    struct redis_reply *reply;
    if (!arena)
        return ERR_NO_MEMORY;
    TRY(stream_redis_ask(stream, name, arena, command, &reply));
    return redis_reply_to_int64(reply, ret_number);
}

/* -- Appending and groups ----------------------------------------------------------------------------------------- */

static int redis_append(struct stream *base, struct sql_tx *tx, struct str name, struct str payload, int64_t *ret_id)
{
    struct stream_redis *stream = stream_redis_of(base);
    char length_max[STREAM_REDIS_NUMBER_BYTES], trim_max[STREAM_REDIS_NUMBER_BYTES];
    struct stream_redis_keys keys;
    int64_t id = 0;
    stream_redis_name(stream, name, &keys);
    const struct str words[] = {keys.entries,
                                keys.last,
                                keys.tokens,
                                stream_redis_number(stream->length_max, length_max),
                                stream_redis_number(STREAM_TRIM_MAX, trim_max),
                                payload,
                                STR_EMPTY,
                                STR_EMPTY};
    const struct redis_command command = {.script = &stream_redis_append, .words = words, .word_count = 8};
    TRY(tx ? stream_redis_append_in(stream, tx, name, payload) : ask_number(stream, name, &command, &id));
    if (ret_id)
        *ret_id = id;
    return 0;
}

/* Where the server is not there, whatever comes first makes it. */
static int redis_create_group(struct stream *base, struct sql_tx *tx, struct str name, struct str group)
{
    struct stream_redis *stream = stream_redis_of(base);
    struct stream_redis_keys keys;
    int64_t nothing = 0;
    (void)tx;
    stream_redis_name(stream, name, &keys);
    const struct str words[] = {keys.entries, keys.last, group};
    const struct redis_command command = {.script = &stream_redis_create_group, .words = words, .word_count = 3};
    TRY(stream_redis_remember_group(stream, name, group));
    int result = ask_number(stream, name, &command, &nothing);
    return result == ERR_UNAVAILABLE || result == ERR_STORAGE_FULL ? 0 : result;
}

/* -- Reading ------------------------------------------------------------------------------------------------------ */

/* {id, deliveries, payload} */
static int take_entry(const struct redis_reply *row, struct stream_entry *entry)
{
    if (row->kind != REDIS_ARRAY || row->count != 3 || row->elements[0]->kind != REDIS_TEXT ||
        row->elements[2]->kind != REDIS_TEXT)
        return ERR_CORRUPT;
    struct str id = row->elements[0]->text;
    ptrdiff_t end = str_find_char(id, '-');
    if (str_to_int64(str_slice(id, 0, end < 0 ? 0 : (size_t)end), &entry->id) < 0)
        return ERR_CORRUPT;
    entry->payload = row->elements[2]->text;
    return redis_reply_to_int64(row->elements[1], &entry->deliveries);
}

static int take_entries(const struct redis_reply *reply, size_t limit, struct arena *arena,
                        struct stream_entry **ret_entries, size_t *ret_count)
{
    struct stream_entry *entries = arena_alloc_array(arena, limit, sizeof(*entries));
    if (!entries)
        return ERR_NO_MEMORY;
    if (reply->kind != REDIS_ARRAY || reply->count > limit)
        return ERR_CORRUPT;
    for (size_t i = 0; i < reply->count; i++)
        TRY(take_entry(reply->elements[i], &entries[i]));
    *ret_entries = entries;
    *ret_count = reply->count;
    return 0;
}

static int redis_read(struct stream *base, const struct stream_read *read, struct arena *arena,
                      struct stream_entry **ret_entries, size_t *ret_count)
{
    struct stream_redis *stream = stream_redis_of(base);
    char limit[STREAM_REDIS_NUMBER_BYTES], idle[STREAM_REDIS_NUMBER_BYTES], consumer[STREAM_REDIS_CONSUMER_BYTES];
    struct stream_redis_keys keys;
    struct redis_reply *reply;
    TRY(stream_redis_hand_over(stream, read->stream));
    stream_redis_name(stream, read->stream, &keys);
    const struct str words[] = {keys.entries, read->group, stream_redis_consumer(stream, read->consumer, consumer),
                                stream_redis_number((int64_t)read->limit, limit),
                                stream_redis_number(read->idle_ms, idle)};
    const struct redis_command command = {.script = &stream_redis_read, .words = words, .word_count = 5};
    TRY(stream_redis_ask(stream, read->stream, arena, &command, &reply));
    return take_entries(reply, read->limit, arena, ret_entries, ret_count);
}

static int redis_ack(struct stream *base, struct sql_tx *tx, const struct stream_read *reader, int64_t id)
{
    struct stream_redis *stream = stream_redis_of(base);
    char number[STREAM_REDIS_NUMBER_BYTES], consumer[STREAM_REDIS_CONSUMER_BYTES];
    struct stream_redis_keys keys;
    int64_t count = 0;
    if (tx)
        return stream_redis_ack_in(stream, tx, reader, id);
    stream_redis_name(stream, reader->stream, &keys);
    const struct str words[] = {keys.entries, reader->group, stream_redis_consumer(stream, reader->consumer, consumer),
                                stream_redis_number(id, number)};
    const struct redis_command command = {.script = &stream_redis_ack, .words = words, .word_count = 4};
    int result = ask_number(stream, reader->stream, &command, &count);
    TRY(result == ERR_NOT_FOUND ? ERR_STALE : result);
    return count ? 0 : ERR_STALE;
}

/* -- Care --------------------------------------------------------------------------------------------------------- */

static int redis_trim(struct stream *base, struct sql_tx *tx, struct str name, size_t limit, size_t *ret_count)
{
    struct stream_redis *stream = stream_redis_of(base);
    char number[STREAM_REDIS_NUMBER_BYTES];
    struct stream_redis_keys keys;
    int64_t count = 0;
    (void)tx; /* what is taken away is done with, whether it commits or not */
    stream_redis_name(stream, name, &keys);
    const struct str words[] = {keys.entries, stream_redis_number((int64_t)limit, number)};
    const struct redis_command command = {.script = &stream_redis_trim, .words = words, .word_count = 2};
    TRY(ask_number(stream, name, &command, &count));
    *ret_count = (size_t)count;
    return 0;
}

static int redis_get_stats(struct stream *base, struct str name, struct str group, struct stream_stats *ret_stats)
{
    struct stream_redis *stream = stream_redis_of(base);
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(SMALL_ARENA_BYTES);
    struct stream_redis_keys keys;
    struct stream_stats stats;
    struct redis_reply *reply;
    if (!arena)
        return ERR_NO_MEMORY;
    TRY(stream_redis_hand_over(stream, name));
    stream_redis_name(stream, name, &keys);
    const struct str words[] = {keys.entries, keys.last, group};
    const struct redis_command command = {.script = &stream_redis_stats, .words = words, .word_count = 3};
    TRY(stream_redis_ask(stream, name, arena, &command, &reply));
    if (reply->kind != REDIS_ARRAY || reply->count != 4)
        return ERR_CORRUPT;
    TRY(redis_reply_to_int64(reply->elements[0], &stats.length));
    TRY(redis_reply_to_int64(reply->elements[1], &stats.last_id));
    TRY(redis_reply_to_int64(reply->elements[2], &stats.lag));
    TRY(redis_reply_to_int64(reply->elements[3], &stats.pending));
    *ret_stats = stats;
    return 0;
}

/* -- Life --------------------------------------------------------------------------------------------------------- */

static void redis_free(struct stream *base)
{
    struct stream_redis *stream = stream_redis_of(base);
    redis_client_free(stream->client);
    stream_redis_forget_groups(stream);
    task_mutex_destroy(&stream->groups_mutex);
    task_mutex_destroy(&stream->hand_over_mutex);
    free(stream);
}

static const struct stream_adapter redis_adapter = {
    .version = STREAM_ADAPTER_VERSION,
    .free = redis_free,
    .append = redis_append,
    .create_group = redis_create_group,
    .read = redis_read,
    .ack = redis_ack,
    .trim = redis_trim,
    .get_stats = redis_get_stats,
};

int stream_redis_new(struct stream **ret_stream, const struct port_config *config, int64_t length_max,
                     char ret_message[512])
{
    static const struct redis_script *const scripts[] = {
        &stream_redis_append, &stream_redis_settle, &stream_redis_create_group,
        &stream_redis_make,   &stream_redis_read,   &stream_redis_ack,
        &stream_redis_trim,   &stream_redis_stats,  NULL};
    const struct redis_client_config client = {
        .port = PORT_STREAM, .url = config->url, .answer_ms = ANSWER_MS, .connection_count = 1, .scripts = scripts};
    struct stream_redis *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return ERR_NO_MEMORY;
    stream->base.adapter = &redis_adapter;
    stream->db = config->db;
    stream->length_max = length_max;
    snprintf(stream->service, sizeof(stream->service), "%s", config->service);
    id_new(stream->instance);
    task_mutex_init(&stream->groups_mutex);
    task_mutex_init(&stream->hand_over_mutex);
    int result = redis_client_open(&stream->client, &client, ret_message);
    if (result < 0) {
        redis_free(&stream->base);
        return result;
    }
    *ret_stream = &stream->base;
    return 0;
}

int stream_redis_open(struct stream **ret_stream, const struct port_config *config, char ret_message[512])
{
    return stream_redis_new(ret_stream, config, STREAM_LENGTH_DEFAULT, ret_message);
}
