/* A stream on the server: its keys, and making it again where the server has lost it.
 *
 * A server that comes back without its data must not give out an id twice, as the database remembers which were
 * acknowledged. So each time a stream is made its ids begin in a range of their own, whose number, the epoch, is
 * counted in the database: the first one begins at 1. */
#include "platform/base/log.h"
#include "platform/ports/stream/stream_redis.h"
#include "platform/ports/stream/stream_redis.sql.h"

#include <stdio.h>
#include <stdlib.h>

#define EPOCH_BITS 40
#define EPOCH_MAX ((INT64_C(1) << (53 - EPOCH_BITS)) - 1)
#define RECOVERY_ARENA_BYTES ((size_t)64 << 10)

static struct str write_key(const struct stream_redis *stream, char kind, struct str name,
                            char bytes[STREAM_REDIS_KEY_BYTES])
{
    int length =
        snprintf(bytes, STREAM_REDIS_KEY_BYTES, "shopstream:%c:%s:%.*s", kind, stream->service, STR_FORMAT(name));
    return str_from(bytes, (size_t)length);
}

void stream_redis_name(const struct stream_redis *stream, struct str name, struct stream_redis_keys *ret_keys)
{
    ret_keys->entries = write_key(stream, 's', name, ret_keys->bytes[0]);
    ret_keys->last = write_key(stream, 'n', name, ret_keys->bytes[1]);
    ret_keys->tokens = write_key(stream, 't', name, ret_keys->bytes[2]);
}

struct str stream_redis_number(int64_t value, char bytes[STREAM_REDIS_NUMBER_BYTES])
{
    int length = snprintf(bytes, STREAM_REDIS_NUMBER_BYTES, "%lld", (long long)value);
    return str_from(bytes, (size_t)length);
}

/* -- Groups that this process wants ------------------------------------------------------------------------------- */

static bool is_group(const struct stream_redis_group *group, struct str name, struct str group_name)
{
    return str_equal(str_from(group->stream, group->stream_len), name) &&
           str_equal(str_from(group->name, group->name_len), group_name);
}

int stream_redis_remember_group(struct stream_redis *stream, struct str name, struct str group_name)
{
    TASK_LOCKED(&stream->groups_mutex);
    for (const struct stream_redis_group *each = stream->groups; each; each = each->next)
        if (is_group(each, name, group_name))
            return 0;
    struct stream_redis_group *group = calloc(1, sizeof(*group));
    if (!group)
        return ERR_NO_MEMORY;
    memcpy(group->stream, name.ptr, name.len);
    memcpy(group->name, group_name.ptr, group_name.len);
    group->stream_len = name.len;
    group->name_len = group_name.len;
    group->next = stream->groups;
    stream->groups = group;
    return 0;
}

void stream_redis_forget_groups(struct stream_redis *stream)
{
    for (struct stream_redis_group *each = stream->groups, *next; each; each = next) {
        next = each->next;
        free(each);
    }
}

/* -- Making a stream anew ----------------------------------------------------------------------------------------- */

struct epoch {
    struct str name;
    int64_t number;
};

static int begin_epoch(struct sql_tx *tx, void *argument)
{
    struct epoch *epoch = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_exec(tx, &stream_sql_begin_epoch, SQL_ARGS(sql_text(epoch->name)), NULL));
    int found = sql_query_row(tx, &stream_sql_get_epoch, SQL_ARGS(sql_text(epoch->name)), &rows);
    TRY(found);
    epoch->number = found ? sql_get_int(rows, 0) : 0;
    return found && epoch->number <= EPOCH_MAX ? 0 : ERR_INTERNAL;
}

/* 1, or 0. */
static int is_there(struct stream_redis *stream, struct arena *arena, const struct stream_redis_keys *keys)
{
    const struct str words[] = {STR("EXISTS"), keys->entries, keys->last};
    const struct redis_command command = {.words = words, .word_count = 3};
    struct redis_reply *reply;
    int64_t count = 0;
    TRY(redis_client_ask(stream->client, arena, &command, &reply));
    TRY(redis_reply_to_int64(reply, &count));
    return count == 2;
}

static int make_stream(struct stream_redis *stream, struct str name, struct arena *arena,
                       const struct stream_redis_keys *keys)
{
    char number[STREAM_REDIS_NUMBER_BYTES];
    struct epoch epoch = {.name = name};
    struct redis_reply *reply;
    int found = is_there(stream, arena, keys);
    if (found != 0)
        return found < 0 ? found : 0;
    TRY(sql_write(stream->db, begin_epoch, &epoch));
    if (epoch.number > 0)
        log_error(NULL, "Redis has lost a stream", LOG_STR("stream", name), LOG_CSTR("service", stream->service));
    const struct str words[] = {keys->entries, keys->last, stream_redis_number(epoch.number << EPOCH_BITS, number)};
    return redis_client_ask(stream->client, arena,
                            &(struct redis_command){.script = &stream_redis_make, .words = words, .word_count = 3},
                            &reply);
}

static int make_groups(struct stream_redis *stream, struct str name, struct arena *arena,
                       const struct stream_redis_keys *keys)
{
    TASK_LOCKED(&stream->groups_mutex);
    for (const struct stream_redis_group *each = stream->groups; each; each = each->next) {
        const struct str words[] = {keys->entries, keys->last, str_from(each->name, each->name_len)};
        const struct redis_command command = {.script = &stream_redis_create_group, .words = words, .word_count = 3};
        struct redis_reply *reply;
        if (str_equal(str_from(each->stream, each->stream_len), name))
            TRY(redis_client_ask(stream->client, arena, &command, &reply));
    }
    return 0;
}

int stream_redis_recover(struct stream_redis *stream, struct str name)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(RECOVERY_ARENA_BYTES);
    struct stream_redis_keys keys;
    if (!arena)
        return ERR_NO_MEMORY;
    stream_redis_name(stream, name, &keys);
    TRY(make_stream(stream, name, arena, &keys));
    return make_groups(stream, name, arena, &keys);
}

/* -- Asking ------------------------------------------------------------------------------------------------------- */

/* 0; ERR_NOT_FOUND: no such stream or group there; ERR_RATE_LIMITED: it is full. */
static int ask_once(struct stream_redis *stream, struct arena *arena, const struct redis_command *command,
                    struct redis_reply **ret_reply)
{
    TRY(redis_client_run(stream->client, arena, command, 1, ret_reply));
    const struct redis_reply *reply = *ret_reply;
    if (reply->kind == REDIS_STATUS && str_equal_cstr(reply->text, STREAM_REDIS_FULL))
        return ERR_RATE_LIMITED;
    if ((reply->kind == REDIS_STATUS && str_equal_cstr(reply->text, STREAM_REDIS_GONE)) ||
        (reply->kind == REDIS_ERROR && str_find(reply->text, STR("NOGROUP")) >= 0))
        return ERR_NOT_FOUND;
    return reply->kind == REDIS_ERROR ? redis_client_error(reply) : 0;
}

int stream_redis_ask(struct stream_redis *stream, struct str name, struct arena *arena,
                     const struct redis_command *command, struct redis_reply **ret_reply)
{
    int result = ask_once(stream, arena, command, ret_reply);
    if (result != ERR_NOT_FOUND)
        return result;
    TRY(stream_redis_recover(stream, name));
    return ask_once(stream, arena, command, ret_reply);
}
