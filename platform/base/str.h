/* A view of bytes: pointer and length, by value, owned by somebody else, not NUL-terminated.
 *
 * NUL-terminated strings exist only at a library's door: str_from_cstr on the way in, arena_cstr on the way out.
 * Printing: printf("%.*s", STR_FORMAT(s)). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_EMPTY ((struct str){NULL, 0})
#define STR_FORMAT(s) (int)(s).len, (s).len ? (s).ptr : ""

static inline struct str str_from(const void *ptr, size_t len)
{
    return (struct str){(const char *)ptr, len};
}

/* NULL gives the empty view. */
static inline struct str str_from_cstr(const char *cstr)
{
    return (struct str){cstr, cstr ? strlen(cstr) : 0};
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_equal_cstr(struct str a, const char *b)
{
    return str_equal(a, str_from_cstr(b));
}

static inline bool str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

/* The part of s from offset on; empty when offset is past its end. */
static inline struct str str_skip(struct str s, size_t offset)
{
    return offset >= s.len ? STR_EMPTY : (struct str){s.ptr + offset, s.len - offset};
}

static inline struct str str_slice(struct str s, size_t offset, size_t len)
{
    s = str_skip(s, offset);
    if (s.len > len)
        s.len = len;
    return s;
}

/* ASCII only. */
bool str_equal_nocase(struct str a, struct str b);

/* <0, 0, >0 by bytes, a shorter prefix first. */
int str_compare(struct str a, struct str b);

/* Compares in a time that depends on the lengths alone; for secrets. */
bool str_equal_constant_time(struct str a, struct str b);

/* The offset of the first needle, or -1. */
ptrdiff_t str_find_char(struct str s, char needle);
ptrdiff_t str_find(struct str s, struct str needle);

/* Cuts spaces and tabs from both ends. */
struct str str_trim(struct str s);

/* Splits off what stands before the separator and moves *rest behind it; false when *rest was used up (its ptr is
 * then NULL). "a,,b" gives "a", "", "b". */
bool str_next_token(struct str *rest, char separator, struct str *ret_token);

/* Decimal integer, the whole of s, with an optional minus sign; ERR_INVALID for anything else or out of range. */
int str_to_int64(struct str s, int64_t *ret_value);

/* Well-formed UTF-8 (RFC 3629) without NUL. */
bool str_is_utf8(struct str s);

/* Code points of well-formed UTF-8: bytes that do not continue another. */
size_t str_count_characters(struct str s);
