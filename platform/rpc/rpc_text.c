#include "platform/rpc/rpc_text.h"

#include "platform/base/encode.h"
#include "platform/base/err.h"

#include <inttypes.h>
#include <stdio.h>

#define TIMEOUT_DIGITS_MAX 8
#define TIMEOUT_VALUE_MAX 99999999

static const struct unit {
    char letter;
    int64_t ns;
} units[] = {{'n', 1},
             {'u', 1000},
             {'m', 1000000},
             {'S', 1000000000},
             {'M', INT64_C(60000000000)},
             {'H', INT64_C(3600000000000)}};

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

int rpc_timeout_parse(struct str text, int64_t *ret_ns)
{
    int64_t value = 0;

    if (text.len < 2 || text.len > TIMEOUT_DIGITS_MAX + 1)
        return ERR_INVALID;
    for (size_t i = 0; i < text.len - 1; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return ERR_INVALID;
        value = value * 10 + (text.ptr[i] - '0');
    }
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (units[i].letter == text.ptr[text.len - 1]) {
            *ret_ns = value > INT64_MAX / units[i].ns ? INT64_MAX : value * units[i].ns;
            return 0;
        }
    }
    return ERR_INVALID;
}

void rpc_timeout_format(int64_t timeout_ns, char ret_text[RPC_TIMEOUT_BYTES])
{
    size_t unit = 0;

    if (timeout_ns < 0)
        timeout_ns = 0;
    while (unit + 1 < UNIT_COUNT && timeout_ns / units[unit].ns > TIMEOUT_VALUE_MAX)
        unit++;
    unsigned value = (unsigned)(timeout_ns / units[unit].ns); /* at most 2,562,047 hours */
    snprintf(ret_text, RPC_TIMEOUT_BYTES, "%u%c", value % (TIMEOUT_VALUE_MAX + 1u), units[unit].letter);
}

void rpc_message_encode(struct buf *to, struct str message)
{
    for (size_t i = 0; i < message.len; i++) {
        char c = message.ptr[i];

        if (c >= ' ' && c <= '~' && c != '%')
            buf_append_char(to, c);
        else
            buf_printf(to, "%%%02X", (unsigned char)c);
    }
}

struct str rpc_message_decode(struct arena *arena, struct str text)
{
    struct str copy = arena_copy(arena, text);
    char *to = (char *)(uintptr_t)copy.ptr;
    size_t len = 0;

    for (size_t i = 0; to && i < text.len; i++) {
        int high = text.ptr[i] == '%' && i + 2 < text.len ? decode_hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? decode_hex_digit(text.ptr[i + 2]) : -1;

        to[len++] = low >= 0 ? (char)(high << 4 | low) : text.ptr[i];
        i += low >= 0 ? 2 : 0;
    }
    if (str_is_utf8(str_from(to, len)))
        return str_from(to, len);
    for (len = 0; to && len < text.len; len++)
        to[len] = text.ptr[len] >= ' ' && text.ptr[len] <= '~' ? text.ptr[len] : '?';
    return str_from(to, len);
}

int rpc_bytes_decode(struct arena *arena, struct str text, struct str *ret_bytes)
{
    size_t padded_len = (text.len + 3) / 4 * 4, len = 0;
    char *padded = arena_alloc(arena, padded_len + 1);
    char *bytes = arena_alloc(arena, padded_len / 4 * 3 + 1);

    if (!padded || !bytes)
        return ERR_NO_MEMORY;
    memset(padded, '=', padded_len);
    if (text.len > 0)
        memcpy(padded, text.ptr, text.len);
    TRY(decode_base64_into(str_from(padded, padded_len), bytes, &len));
    *ret_bytes = str_from(bytes, len);
    return 0;
}

struct str rpc_bytes_encode(struct arena *arena, struct str bytes)
{
    size_t len = ENCODE_BASE64_SIZE(bytes.len);
    char *text = arena_alloc(arena, len + 1);

    if (!text)
        return STR_EMPTY;
    encode_base64_into(text, bytes);
    while (len > 0 && text[len - 1] == '=')
        len--;
    return str_from(text, len);
}
