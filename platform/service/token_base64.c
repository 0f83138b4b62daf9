#include "platform/service/token_internal.h"

static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of a letter, or 64. */
static unsigned letter_value(char letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return (unsigned)(letter - 'A');
    if (letter >= 'a' && letter <= 'z')
        return (unsigned)(letter - 'a') + 26;
    if (letter >= '0' && letter <= '9')
        return (unsigned)(letter - '0') + 52;
    return letter == '-' ? 62 : letter == '_' ? 63 : 64;
}

int token_base64_decode(struct str text, unsigned char *ret_bytes, size_t *ret_len)
{
    if (text.len % 4 == 1)
        return ERR_INVALID;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned value = letter_value(text.ptr[i]);
        if (value > 63)
            return ERR_INVALID;
        bits = bits << 6 | value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            ret_bytes[len++] = (unsigned char)(bits >> bit_count);
            bits &= (1u << bit_count) - 1;
        }
    }
    if (bits != 0) /* A second spelling of the same bytes. */
        return ERR_INVALID;
    *ret_len = len;
    return 0;
}

void token_base64_append(struct buf *buf, struct str bytes)
{
    const unsigned char *from = (const unsigned char *)bytes.ptr;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        bits = (bits << 8 | from[i]) & 0xFFFFu;
        bit_count += 8;
        while (bit_count >= 6) {
            bit_count -= 6;
            buf_append_char(buf, LETTERS[bits >> bit_count & 63]);
        }
    }
    if (bit_count > 0)
        buf_append_char(buf, LETTERS[bits << (6 - bit_count) & 63]);
}
