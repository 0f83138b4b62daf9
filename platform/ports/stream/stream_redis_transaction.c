/* Where a transaction of the service's database ends and Redis begins.
 *
 * What is appended in a transaction is a row of it until it was handed over, which happens before the next read, and
 * again after a crash: by its token the server knows what it has. What is acknowledged in a transaction is a row too,
 * which keeps whoever else was given the entry from having its effect; once the server has heard of it, it is not
 * pending any more, so the row may go. An acknowledgement first takes the row and then asks the server whether the
 * entry is pending: whichever of the two a former one has left behind is met. */
#include "platform/base/id.h"
#include "platform/ports/stream/stream_redis.h"
#include "platform/ports/stream/stream_redis.sql.h"

#include <stdio.h>

#define APPENDS_MAX 128
#define ACKS_MAX 256
#define HAND_OVER_ARENA_BYTES (APPENDS_MAX * STREAM_PAYLOAD_BYTES_MAX + ((size_t)1 << 20))
#define ASK_ARENA_BYTES ((size_t)64 << 10)

/* -- In the transaction ------------------------------------------------------------------------------------------- */

static void count_waiting(bool committed, void *argument)
{
    struct stream_redis *stream = argument;
    if (committed)
        stream->waiting++;
}

int stream_redis_append_in(struct stream_redis *stream, struct sql_tx *tx, struct str name, struct str payload)
{
    char id[ID_BYTES];
    if (stream->waiting >= stream->length_max)
        return ERR_RATE_LIMITED;
    id_new(id);
    TRY(sql_exec(tx, &stream_sql_put_outgoing, SQL_ARGS(sql_text(name), sql_cstr(id), sql_blob(payload)), NULL));
    return sql_tx_on_commit(tx, count_waiting, stream);
}

/* 1, or 0. */
static int is_pending(struct stream_redis *stream, const struct stream_read *reader, int64_t id)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ASK_ARENA_BYTES);
    char number[STREAM_REDIS_NUMBER_BYTES], consumer[STREAM_REDIS_CONSUMER_BYTES];
    struct stream_redis_keys keys;
    struct redis_reply *reply;
    if (!arena)
        return ERR_NO_MEMORY;
    stream_redis_name(stream, reader->stream, &keys);
    struct str entry = stream_redis_number(id, number);
    const struct str words[] = {STR("XPENDING"),
                                keys.entries,
                                reader->group,
                                entry,
                                entry,
                                STR("1"),
                                stream_redis_consumer(stream, reader->consumer, consumer)};
    const struct redis_command command = {.words = words, .word_count = 7};
    int result = stream_redis_ask(stream, reader->stream, arena, &command, &reply);
    TRY(result == ERR_NOT_FOUND ? ERR_STALE : result);
    return reply->kind == REDIS_ARRAY && reply->count > 0;
}

int stream_redis_ack_in(struct stream_redis *stream, struct sql_tx *tx, const struct stream_read *reader, int64_t id)
{
    int64_t taken = 0;
    TRY(sql_exec(tx, &stream_sql_put_acknowledged,
                 SQL_ARGS(sql_text(reader->stream), sql_text(reader->group), sql_int(id)), &taken));
    int pending = taken ? is_pending(stream, reader, id) : 0;
    return pending > 0 ? 0 : pending < 0 ? pending : ERR_STALE;
}

/* -- Handing over ------------------------------------------------------------------------------------------------- */

struct outgoing {
    struct str id, payload;
    struct str append_words[8];
    bool is_there;
};

struct acknowledged {
    struct str group;
    int64_t id;
    char number[STREAM_REDIS_NUMBER_BYTES];
    struct str words[4];
    bool is_there;
};

struct hand_over {
    struct str name;
    struct arena *arena;
    struct stream_redis_keys keys;
    char length_max[STREAM_REDIS_NUMBER_BYTES];
    struct str read_at; /* the server's seconds, before the rows were read */
    struct outgoing outgoing[APPENDS_MAX];
    size_t outgoing_count, added_count;
    bool is_gone; /* the server has no such stream */
    struct acknowledged acknowledged[ACKS_MAX];
    size_t acknowledged_count;
};

static int copy_text(struct arena *arena, struct str text, struct str *ret_copy)
{
    *ret_copy = arena_copy(arena, text);
    return text.len && !ret_copy->ptr ? ERR_NO_MEMORY : 0;
}

static int list_outgoing(struct sql_tx *tx, struct hand_over *over)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int more = 0;
    TRY(sql_query(tx, &stream_sql_list_outgoing, SQL_ARGS(sql_text(over->name), sql_int(APPENDS_MAX)), &rows));
    while (over->outgoing_count < APPENDS_MAX && (more = sql_next(rows)) == 1) {
        struct outgoing *each = &over->outgoing[over->outgoing_count++];
        TRY(copy_text(over->arena, sql_get_text(rows, 0), &each->id));
        TRY(copy_text(over->arena, sql_get_text(rows, 1), &each->payload));
    }
    return more < 0 ? more : 0;
}

static int list_acknowledged(struct sql_tx *tx, struct hand_over *over)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int more = 0;
    TRY(sql_query(tx, &stream_sql_list_acknowledged, SQL_ARGS(sql_text(over->name), sql_int(ACKS_MAX)), &rows));
    while (over->acknowledged_count < ACKS_MAX && (more = sql_next(rows)) == 1) {
        struct acknowledged *each = &over->acknowledged[over->acknowledged_count++];
        TRY(copy_text(over->arena, sql_get_text(rows, 0), &each->group));
        each->id = sql_get_int(rows, 1);
    }
    return more < 0 ? more : 0;
}

static int list_all(struct sql_tx *tx, void *argument)
{
    struct hand_over *over = argument;
    over->outgoing_count = over->acknowledged_count = 0;
    TRY(list_outgoing(tx, over));
    return list_acknowledged(tx, over);
}

static struct redis_command make_append(struct hand_over *over, struct outgoing *each)
{
    const struct str words[8] = {
        over->keys.entries, over->keys.last, over->keys.tokens, str_from_cstr(over->length_max),
        STR("1000"),        each->payload,   each->id,          over->read_at};
    memcpy(each->append_words, words, sizeof(words));
    return (struct redis_command){.script = &stream_redis_append, .words = each->append_words, .word_count = 8};
}

static struct redis_command make_ack(struct hand_over *over, struct acknowledged *each)
{
    each->words[0] = STR("XACK");
    each->words[1] = over->keys.entries;
    each->words[2] = each->group;
    each->words[3] = stream_redis_number(each->id, each->number);
    return (struct redis_command){.words = each->words, .word_count = 4};
}

/* What the stream has no room for, or could not take, stays; a refusal that nothing explains is logged. */
static void note_appended(struct hand_over *over, struct outgoing *each, const struct redis_reply *reply)
{
    each->is_there = reply->kind == REDIS_TEXT;
    over->added_count += each->is_there;
    over->is_gone |= reply->kind == REDIS_STATUS && str_equal_cstr(reply->text, STREAM_REDIS_GONE);
    if (reply->kind == REDIS_ERROR)
        (void)redis_client_error(reply);
}

/* In one round trip. */
static int send_all(struct stream_redis *stream, struct hand_over *over)
{
    struct redis_command commands[APPENDS_MAX + ACKS_MAX];
    struct redis_reply *replies[APPENDS_MAX + ACKS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < over->acknowledged_count; i++)
        commands[count++] = make_ack(over, &over->acknowledged[i]);
    for (size_t i = 0; i < over->outgoing_count; i++)
        commands[count++] = make_append(over, &over->outgoing[i]);
    TRY(redis_client_run(stream->client, over->arena, commands, count, replies));
    for (size_t i = 0; i < over->acknowledged_count; i++)
        over->acknowledged[i].is_there = replies[i]->kind == REDIS_INTEGER;
    for (size_t i = 0; i < over->outgoing_count; i++)
        note_appended(over, &over->outgoing[i], replies[over->acknowledged_count + i]);
    return 0;
}

static int remove_all(struct sql_tx *tx, void *argument)
{
    const struct hand_over *over = argument;
    for (size_t i = 0; i < over->outgoing_count; i++)
        if (over->outgoing[i].is_there)
            TRY(sql_exec(tx, &stream_sql_delete_outgoing,
                         SQL_ARGS(sql_text(over->name), sql_text(over->outgoing[i].id)), NULL));
    for (size_t i = 0; i < over->acknowledged_count; i++)
        if (over->acknowledged[i].is_there)
            TRY(sql_exec(tx, &stream_sql_delete_acknowledged,
                         SQL_ARGS(sql_text(over->name), sql_text(over->acknowledged[i].group),
                                  sql_int(over->acknowledged[i].id)),
                         NULL));
    return 0;
}

/* Their rows are gone, so that soon nobody sends them any more. Where this is not heard, they are kept for longer. */
static void settle_tokens(struct stream_redis *stream, struct hand_over *over)
{
    struct str words[1 + APPENDS_MAX] = {over->keys.tokens};
    size_t count = 1;
    struct redis_reply *reply;
    for (size_t i = 0; i < over->outgoing_count; i++)
        if (over->outgoing[i].is_there)
            words[count++] = over->outgoing[i].id;
    const struct redis_command command = {.script = &stream_redis_settle, .words = words, .word_count = count};
    if (count > 1)
        (void)redis_client_ask(stream->client, over->arena, &command, &reply);
}

/* {seconds, microseconds} */
static int ask_time(struct stream_redis *stream, struct hand_over *over)
{
    const struct str words[] = {STR("TIME")};
    struct redis_reply *reply;
    TRY(redis_client_ask(stream->client, over->arena, &(struct redis_command){.words = words, .word_count = 1},
                         &reply));
    if (reply->kind != REDIS_ARRAY || reply->count != 2 || reply->elements[0]->kind != REDIS_TEXT)
        return ERR_CORRUPT;
    over->read_at = reply->elements[0]->text;
    return 0;
}

/* What other processes have left is handed over too, and was not counted here. */
static void count_handed_over(struct stream_redis *stream, const struct hand_over *over)
{
    int64_t left = stream->waiting - (int64_t)over->added_count;
    bool is_all = over->outgoing_count < APPENDS_MAX && over->added_count == over->outgoing_count;
    stream->waiting = is_all || left < 0 ? 0 : left;
}

static int hand_over_page(struct stream_redis *stream, struct hand_over *over)
{
    TRY(ask_time(stream, over));
    TRY(sql_read(stream->db, list_all, over));
    if (over->outgoing_count + over->acknowledged_count == 0)
        return 0;
    TRY(send_all(stream, over));
    if (over->is_gone) {
        TRY(stream_redis_recover(stream, over->name));
        over->added_count = 0;
        TRY(send_all(stream, over));
    }
    TRY(sql_write(stream->db, remove_all, over));
    settle_tokens(stream, over);
    count_handed_over(stream, over);
    return 0;
}

int stream_redis_hand_over(struct stream_redis *stream, struct str name)
{
    TASK_LOCKED(&stream->hand_over_mutex);
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(HAND_OVER_ARENA_BYTES);
    struct hand_over *over = arena ? arena_alloc(arena, sizeof(*over)) : NULL;
    if (!over)
        return ERR_NO_MEMORY;
    over->name = name;
    over->arena = arena;
    stream_redis_name(stream, name, &over->keys);
    (void)stream_redis_number(stream->length_max, over->length_max);
    return hand_over_page(stream, over);
}
