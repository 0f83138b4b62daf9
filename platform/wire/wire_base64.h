/* Base64 with the standard alphabet and padding (RFC 4648, section 4); private to platform/wire. */
#pragma once

#include "platform/base/arena.h"

#include <protobuf-c/protobuf-c.h>

/* Bytes of text that len bytes become. */
static inline size_t wire_base64_len(size_t len)
{
    return (len + 2) / 3 * 4;
}

/* Writes wire_base64_len(len) characters, no NUL. */
void wire_base64_encode(const uint8_t *bytes, size_t len, char *ret_text);

/* Strict: the padding must be there and the unused bits zero, so that a value has one text. ERR_INVALID, ERR_NO_MEMORY.
 */
int wire_base64_decode(struct arena *arena, struct str text, ProtobufCBinaryData *ret_bytes);
