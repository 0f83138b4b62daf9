#include "platform/base/buf.h"
#include "platform/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_CAPACITY_FIRST ((size_t)1024) /* most texts of a request fit, and malloc has such blocks at hand */

void buf_free(struct buf *buf)
{
    free(buf->ptr);
    *buf = BUF(buf->max);
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->error = 0;
}

/* Doubles the capacity until size more bytes fit, never past the maximum. */
static bool grow(struct buf *buf, size_t size)
{
    if (size > buf->max - buf->len) {
        buf->error = ERR_TOO_LARGE;
        return false;
    }
    size_t needed = buf->len + size;
    size_t capacity = buf->capacity ? buf->capacity : BUF_CAPACITY_FIRST;
    while (capacity < needed && capacity <= buf->max / 2)
        capacity *= 2;
    if (capacity < needed || capacity > buf->max)
        capacity = buf->max;
    char *ptr = realloc(buf->ptr, capacity);
    if (!ptr) {
        buf->error = ERR_NO_MEMORY;
        return false;
    }
    buf->ptr = ptr;
    buf->capacity = capacity;
    return true;
}

char *buf_reserve(struct buf *buf, size_t size)
{
    if (buf->error)
        return NULL;
    /* The second test makes sure that even a reservation of nothing has a place to go to. */
    if ((size > buf->capacity - buf->len || !buf->ptr) && !grow(buf, size ? size : 1))
        return NULL;
    return buf->ptr + buf->len;
}

void buf_commit(struct buf *buf, size_t size)
{
    ASSERT(size <= buf->capacity - buf->len);
    buf->len += size;
}

void buf_append(struct buf *buf, struct str s)
{
    if (s.len == 0)
        return;
    char *to = buf_reserve(buf, s.len);
    if (!to)
        return;
    memcpy(to, s.ptr, s.len);
    buf->len += s.len;
}

void buf_append_cstr(struct buf *buf, const char *cstr)
{
    buf_append(buf, str_from_cstr(cstr));
}

void buf_append_int(struct buf *buf, int64_t value)
{
    char digits[20]; /* -9223372036854775808 */
    char *from = digits + sizeof(digits);
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--from = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    if (value < 0)
        *--from = '-';
    buf_append(buf, str_from(from, (size_t)(digits + sizeof(digits) - from)));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    int printed = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    size_t len = printed < 0 ? 0 : (size_t)printed;
    if (len < sizeof(text)) {
        buf_append(buf, str_from(text, len));
        return;
    }
    /* vsnprintf writes a NUL behind the text, which a buffer at its maximum has no room for: so a copy. */
    char *whole = buf->error || len > buf->max - buf->len ? NULL : malloc(len + 1);
    if (!whole) {
        if (!buf->error)
            buf->error = len > buf->max - buf->len ? ERR_TOO_LARGE : ERR_NO_MEMORY;
        return;
    }
    va_start(arguments, format);
    vsnprintf(whole, len + 1, format, arguments);
    va_end(arguments);
    buf_append(buf, str_from(whole, len));
    free(whole);
}
