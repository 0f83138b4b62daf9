/* Replies of a Redis server, read by hiredis' reader into a caller's arena, within limits: what a server sends is
 * nobody's to believe before it was looked at. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/err.h"
#include "platform/base/str.h"

#include <hiredis/read.h>

#define REDIS_REPLY_BYTES_MAX ((size_t)32 << 20)
#define REDIS_REPLY_ELEMENTS_MAX 8192 /* of one array */

enum redis_kind { REDIS_NIL, REDIS_INTEGER, REDIS_TEXT, REDIS_STATUS, REDIS_ERROR, REDIS_ARRAY };

struct redis_reply {
    enum redis_kind kind;
    int64_t integer;
    struct str text; /* also of a status and of an error; never NULL */
    size_t count;
    struct redis_reply **elements; /* of an array; none is NULL */
};

/* One connection's replies, as they come. */
struct redis_decoder {
    redisReader *reader;
    struct arena *arena; /* where the reply goes that is being read */
    size_t reply_bytes;  /* of it, so far */
    int error;           /* ERR_NO_MEMORY: the arena had no room for all of it */
};

int redis_decoder_init(struct redis_decoder *decoder);
void redis_decoder_free(struct redis_decoder *decoder);

/* Bytes of the server. ERR_TOO_LARGE: more than a reply may have; ERR_NO_MEMORY. */
int redis_decoder_feed(struct redis_decoder *decoder, struct str bytes);

/* The next reply into the arena: 1, or 0 while it is not whole, with the same arena then. ERR_CORRUPT: the bytes are
 * no reply, and none behind them can be read. *ret_reply NULL: the arena had no room, which is that reply's alone. */
int redis_decoder_next(struct redis_decoder *decoder, struct arena *arena, struct redis_reply **ret_reply);

/* The reply's number, be it sent as one or as decimal text. ERR_CORRUPT for anything else. */
int redis_reply_to_int64(const struct redis_reply *reply, int64_t *ret_value);
