#include "platform/ports/redis/redis_reply.h"

/* Stands for what there was no room for. Never written to, never given out. */
static struct redis_reply no_room;

/* Puts the new object where its array wants it. */
static void *place(const redisReadTask *task, struct redis_reply *reply)
{
    struct redis_decoder *decoder = task->privdata;
    struct redis_reply *parent = task->parent ? task->parent->obj : NULL;
    if (!reply) {
        decoder->error = ERR_NO_MEMORY;
        return &no_room;
    }
    if (parent && parent != &no_room)
        parent->elements[task->idx] = reply;
    return reply;
}

static struct redis_reply *make(const redisReadTask *task, enum redis_kind kind)
{
    struct redis_decoder *decoder = task->privdata;
    struct redis_reply *reply = arena_alloc(decoder->arena, sizeof(*reply));
    if (reply) {
        reply->kind = kind;
        reply->text = STR("");
    }
    return reply;
}

static void *create_text(const redisReadTask *task, char *bytes, size_t size)
{
    struct redis_decoder *decoder = task->privdata;
    struct redis_reply *reply = make(task, task->type == REDIS_REPLY_STATUS  ? REDIS_STATUS
                                           : task->type == REDIS_REPLY_ERROR ? REDIS_ERROR
                                                                             : REDIS_TEXT);
    if (reply && size) {
        reply->text = arena_copy(decoder->arena, str_from(bytes, size));
        if (!reply->text.ptr)
            reply = NULL;
    }
    return place(task, reply);
}

/* NULL: as out of memory, which ends the connection. */
static void *create_array(const redisReadTask *task, int count)
{
    struct redis_decoder *decoder = task->privdata;
    if (count < 0 || count > REDIS_REPLY_ELEMENTS_MAX)
        return NULL;
    struct redis_reply *reply = make(task, REDIS_ARRAY);
    if (reply && count) {
        reply->count = (size_t)count;
        reply->elements = arena_alloc_array(decoder->arena, reply->count, sizeof(struct redis_reply *));
        if (!reply->elements)
            reply = NULL;
    }
    return place(task, reply);
}

static void *create_integer(const redisReadTask *task, long long integer)
{
    struct redis_reply *reply = make(task, REDIS_INTEGER);
    if (reply)
        reply->integer = integer;
    return place(task, reply);
}

static void *create_nil(const redisReadTask *task)
{
    return place(task, make(task, REDIS_NIL));
}

/* The arena's. */
static void free_object(void *object)
{
    (void)object;
}

static redisReplyObjectFunctions functions = {.createString = create_text,
                                              .createArray = create_array,
                                              .createInteger = create_integer,
                                              .createNil = create_nil,
                                              .freeObject = free_object};

int redis_decoder_init(struct redis_decoder *decoder)
{
    *decoder = (struct redis_decoder){.reader = redisReaderCreateWithFunctions(&functions)};
    return decoder->reader ? 0 : ERR_NO_MEMORY;
}

void redis_decoder_free(struct redis_decoder *decoder)
{
    if (decoder->reader)
        redisReaderFree(decoder->reader);
    decoder->reader = NULL;
}

int redis_decoder_feed(struct redis_decoder *decoder, struct str bytes)
{
    decoder->reply_bytes += bytes.len;
    if (decoder->reply_bytes > REDIS_REPLY_BYTES_MAX)
        return ERR_TOO_LARGE;
    return redisReaderFeed(decoder->reader, bytes.ptr, bytes.len) == REDIS_OK ? 0 : ERR_NO_MEMORY;
}

int redis_decoder_next(struct redis_decoder *decoder, struct arena *arena, struct redis_reply **ret_reply)
{
    void *reply = NULL;
    decoder->arena = arena;
    decoder->reader->privdata = decoder; /* which may have moved since the last reply */
    if (redisReaderGetReply(decoder->reader, &reply) != REDIS_OK)
        return ERR_CORRUPT;
    if (!reply)
        return 0;
    *ret_reply = decoder->error ? NULL : reply;
    decoder->error = 0;
    decoder->reply_bytes = decoder->reader->len - decoder->reader->pos;
    return 1;
}

int redis_reply_to_int64(const struct redis_reply *reply, int64_t *ret_value)
{
    if (reply->kind == REDIS_TEXT)
        return str_to_int64(reply->text, ret_value) == 0 ? 0 : ERR_CORRUPT;
    if (reply->kind != REDIS_INTEGER)
        return ERR_CORRUPT;
    *ret_value = reply->integer;
    return 0;
}
