/* A growing byte buffer with a maximum.
 *
 * Appending past the maximum, or when malloc fails, sets the buffer's error and drops the bytes; so a builder appends
 * freely and checks buf_error once at the end. */
#pragma once

#include "platform/base/str.h"

struct buf {
    char *ptr;
    size_t len;
    size_t capacity;
    size_t max;
    int error; /* 0, ERR_TOO_LARGE or ERR_NO_MEMORY */
};

#define BUF(max_bytes) ((struct buf){.max = (max_bytes)})

void buf_free(struct buf *buf); /* also for CLEANUP(); leaves an empty buffer with the same maximum */
void buf_clear(struct buf *buf);

void buf_append(struct buf *buf, struct str s);
void buf_append_cstr(struct buf *buf, const char *cstr);
void buf_append_int(struct buf *buf, int64_t value);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for size more bytes and returns where they go, or NULL; buf_commit then counts those written. */
char *buf_reserve(struct buf *buf, size_t size);
void buf_commit(struct buf *buf, size_t size);

/* Here, as texts are built of hundreds of them. */
static inline void buf_append_char(struct buf *buf, char c)
{
    char *to = buf->len < buf->capacity && !buf->error ? buf->ptr + buf->len : buf_reserve(buf, 1);
    if (!to)
        return;
    *to = c;
    buf->len++;
}

static inline struct str buf_str(const struct buf *buf)
{
    return str_from(buf->ptr, buf->len);
}

static inline int buf_error(const struct buf *buf)
{
    return buf->error;
}
