#include "platform/base/str.h"
#include "platform/base/err.h"

static unsigned char ascii_lower(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte | 0x20) : byte;
}

bool str_equal_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
            return false;
    }
    return true;
}

int str_compare(struct str a, struct str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    if (order != 0)
        return order;
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

bool str_equal_constant_time(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    /* Volatile keeps the compiler from stopping at the first difference. */
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < a.len; i++)
        difference = (unsigned char)(difference | (unsigned char)(a.ptr[i] ^ b.ptr[i]));
    return difference == 0;
}

ptrdiff_t str_find_char(struct str s, char needle)
{
    const char *found = s.len == 0 ? NULL : memchr(s.ptr, needle, s.len);
    return found ? found - s.ptr : -1;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
    if (needle.len == 0)
        return 0;
    const char *found = s.len < needle.len ? NULL : memmem(s.ptr, s.len, needle.ptr, needle.len);
    return found ? found - s.ptr : -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool str_next_token(struct str *rest, char separator, struct str *ret_token)
{
    if (!rest->ptr)
        return false;
    ptrdiff_t end = str_find_char(*rest, separator);
    if (end < 0) {
        *ret_token = *rest;
        *rest = STR_EMPTY;
        return true;
    }
    size_t len = (size_t)end;
    *ret_token = str_from(rest->ptr, len);
    /* Not str_skip: what stands behind a last separator is an empty token, so its ptr must not become NULL. */
    *rest = str_from(rest->ptr + len + 1, rest->len - len - 1);
    return true;
}

int str_to_int64(struct str s, int64_t *ret_value)
{
    bool negative = s.len > 0 && s.ptr[0] == '-';
    if (negative)
        s = str_skip(s, 1);
    if (s.len == 0)
        return ERR_INVALID;
    /* Counted downwards, as the negative range is the wider one. */
    int64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return ERR_INVALID;
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, s.ptr[i] - '0', &value))
            return ERR_INVALID;
    }
    if (!negative && value == INT64_MIN)
        return ERR_INVALID;
    *ret_value = negative ? value : -value;
    return 0;
}

/* The length of the well-formed sequence at p, or 0. The ranges of the second byte are those of RFC 3629, section 4:
 * they exclude overlong forms, surrogates and what lies beyond U+10FFFF. */
static size_t utf8_sequence(const unsigned char *p, size_t available)
{
    unsigned char lead = p[0];
    size_t len = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (len == 0 || len > available)
        return 0;
    if (len == 1)
        return lead == 0 ? 0 : 1;
    unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    return len;
}

#define HIGH_BITS UINT64_C(0x8080808080808080)
#define LOW_BITS UINT64_C(0x0101010101010101)

/* Eight bytes of ASCII without a NUL: no byte has its high bit, and none gets it when one is taken from it. */
static bool is_ascii_word(const unsigned char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return ((word | (word - LOW_BITS)) & HIGH_BITS) == 0;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *bytes = (const unsigned char *)s.ptr;
    for (size_t i = 0; i < s.len;) {
        while (s.len - i >= sizeof(uint64_t) && is_ascii_word(bytes + i))
            i += sizeof(uint64_t);
        if (i == s.len)
            break;
        size_t len = utf8_sequence(bytes + i, s.len - i);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

size_t str_count_characters(struct str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return count;
}
