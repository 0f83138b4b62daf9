#include "platform/base/encode.h"
#include "platform/base/err.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* -- Hex ----------------------------------------------------------------------------------------------------------- */

void encode_hex_into(char *ret_text, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        ret_text[2 * i] = hex_digits[byte >> 4];
        ret_text[2 * i + 1] = hex_digits[byte & 0xF];
    }
}

void encode_hex(struct buf *to, struct str bytes)
{
    char *out = bytes.len <= SIZE_MAX / 2 ? buf_reserve(to, bytes.len * 2) : NULL;
    if (!out)
        return;
    encode_hex_into(out, bytes);
    buf_commit(to, bytes.len * 2);
}

int decode_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* -- Base64 -------------------------------------------------------------------------------------------------------- */

static size_t encoded_64_size(size_t len, bool padded)
{
    size_t left = len % 3;
    return len / 3 * 4 + (left == 0 ? 0 : padded ? 4 : left + 1);
}

static void encode_64_into(char *out, struct str bytes, const char *letters, bool padded)
{
    size_t left = bytes.len % 3;
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    for (size_t i = 0; i < bytes.len / 3; i++, in += 3) {
        *out++ = letters[in[0] >> 2];
        *out++ = letters[(in[0] & 3) << 4 | in[1] >> 4];
        *out++ = letters[(in[1] & 15) << 2 | in[2] >> 6];
        *out++ = letters[in[2] & 63];
    }
    if (left > 0) {
        unsigned second = left == 2 ? in[1] : 0;
        *out++ = letters[in[0] >> 2];
        *out++ = letters[(in[0] & 3u) << 4 | second >> 4];
        if (left == 2)
            *out++ = letters[(second & 15) << 2];
        for (size_t i = left; padded && i < 3; i++)
            *out++ = '=';
    }
}

static void encode_64(struct buf *to, struct str bytes, const char *letters, bool padded)
{
    size_t size = encoded_64_size(bytes.len, padded);
    char *out = bytes.len <= SIZE_MAX / 2 ? buf_reserve(to, size) : NULL;
    if (!out)
        return;
    encode_64_into(out, bytes, letters, padded);
    buf_commit(to, size);
}

void encode_base64_into(char *ret_text, struct str bytes)
{
    encode_64_into(ret_text, bytes, base64_letters, true);
}

void encode_base64(struct buf *to, struct str bytes)
{
    encode_64(to, bytes, base64_letters, true);
}

void encode_base64url(struct buf *to, struct str bytes)
{
    encode_64(to, bytes, base64url_letters, false);
}

static int letter_value(char c, char letter_62, char letter_63)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == letter_62 ? 62 : c == letter_63 ? 63 : -1;
}

static size_t decoded_64_size(size_t len)
{
    return len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1);
}

/* text is without padding. */
static int decode_64_into(struct str text, const char *letters, char *out)
{
    uint32_t bits = 0;
    unsigned bit_count = 0;
    if (text.len % 4 == 1)
        return ERR_INVALID;
    for (size_t i = 0; i < text.len; i++) {
        int value = letter_value(text.ptr[i], letters[62], letters[63]);
        if (value < 0)
            return ERR_INVALID;
        bits = bits << 6 | (uint32_t)value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            *out++ = (char)(unsigned char)(bits >> bit_count);
        }
    }
    /* Bits of the last letter that no byte took must be zero, or two texts would mean the same bytes. */
    return (bits & ((1u << bit_count) - 1)) != 0 ? ERR_INVALID : 0;
}

static int decode_64(struct str text, const char *letters, struct buf *to)
{
    char *out = buf_reserve(to, decoded_64_size(text.len));
    if (!out)
        return buf_error(to);
    TRY(decode_64_into(text, letters, out));
    buf_commit(to, decoded_64_size(text.len));
    return 0;
}

/* Cuts the padding off; ERR_INVALID where it does not fill the last group. */
static int cut_padding(struct str *text)
{
    if (text->len % 4 != 0)
        return ERR_INVALID;
    for (int i = 0; i < 2 && text->len > 0 && text->ptr[text->len - 1] == '='; i++)
        text->len--;
    return 0;
}

int decode_base64(struct str text, struct buf *to)
{
    TRY(cut_padding(&text));
    return decode_64(text, base64_letters, to);
}

int decode_base64_into(struct str text, char *ret_bytes, size_t *ret_len)
{
    TRY(cut_padding(&text));
    TRY(decode_64_into(text, base64_letters, ret_bytes));
    *ret_len = decoded_64_size(text.len);
    return 0;
}

int decode_base64url(struct str text, struct buf *to)
{
    return decode_64(text, base64url_letters, to);
}

/* -- In an address, in HTML ---------------------------------------------------------------------------------------- */

static bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void encode_percent(struct buf *to, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (is_unreserved(text.ptr[i])) {
            buf_append_char(to, text.ptr[i]);
            continue;
        }
        buf_append_char(to, '%');
        buf_append_char(to, digits[byte >> 4]);
        buf_append_char(to, digits[byte & 0xF]);
    }
}

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void encode_html(struct buf *to, struct str text)
{
    size_t start = 0;

    for (size_t i = 0; i < text.len; i++) {
        const char *name = entity(text.ptr[i]);

        if (!name)
            continue;
        buf_append(to, str_slice(text, start, i - start));
        buf_append_cstr(to, name);
        start = i + 1;
    }
    buf_append(to, str_skip(text, start));
}
