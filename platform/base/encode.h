/* Bytes as text: hex, base64 and base64url (RFC 4648). Encoders append to a buffer and leave its error to be checked
 * there. Decoders are strict: no white space, no foreign letters, no bits that an encoder would not have written; and
 * they append nothing when they fail. */
#pragma once

#include "platform/base/buf.h"

void encode_hex(struct buf *to, struct str bytes);       /* small letters */
void encode_hex_into(char *ret_text, struct str bytes);   /* 2 × bytes.len characters, no NUL */
void encode_base64(struct buf *to, struct str bytes);    /* padded */
void encode_base64url(struct buf *to, struct str bytes); /* not padded */

/* ERR_INVALID for anything else than such a text; the buffer's error when it has one. Hex in either case. */
int decode_hex(struct str text, struct buf *to);
int decode_base64(struct str text, struct buf *to);
int decode_base64url(struct str text, struct buf *to);
