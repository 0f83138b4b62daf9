#include "platform/wire/wire_base64.h"

#include "platform/base/err.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void wire_base64_encode(const uint8_t *bytes, size_t len, char *ret_text)
{
    for (; len >= 3; len -= 3, bytes += 3) {
        uint32_t group = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
        *ret_text++ = alphabet[group >> 18];
        *ret_text++ = alphabet[group >> 12 & 63];
        *ret_text++ = alphabet[group >> 6 & 63];
        *ret_text++ = alphabet[group & 63];
    }
    if (len == 0)
        return;
    uint32_t group = (uint32_t)bytes[0] << 16 | (len == 2 ? (uint32_t)bytes[1] << 8 : 0);
    *ret_text++ = alphabet[group >> 18];
    *ret_text++ = alphabet[group >> 12 & 63];
    *ret_text++ = len == 2 ? alphabet[group >> 6 & 63] : '=';
    *ret_text++ = '=';
}

/* 0 to 63, or -1. */
static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int wire_base64_decode(struct arena *arena, struct str text, ProtobufCBinaryData *ret_bytes)
{
    if (text.len % 4 != 0)
        return ERR_INVALID;
    size_t padding = 0;
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=')
        padding++;
    size_t len = text.len / 4 * 3 - padding;
    uint8_t *bytes = arena_alloc(arena, len);
    if (!bytes)
        return ERR_NO_MEMORY;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t written = 0;
    for (size_t i = 0; i < text.len - padding; i++) {
        int value = value_of(text.ptr[i]);
        if (value < 0)
            return ERR_INVALID;
        bits = bits << 6 | (uint32_t)value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes[written++] = (uint8_t)(bits >> bit_count);
            bits &= (1u << bit_count) - 1;
        }
    }
    if (bits != 0)
        return ERR_INVALID;
    *ret_bytes = (ProtobufCBinaryData){.len = len, .data = bytes};
    return 0;
}
