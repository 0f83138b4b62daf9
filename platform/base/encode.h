/* Bytes as text: hex, base64 and base64url (RFC 4648); text in an address and in HTML. Encoders append to a buffer and
 * leave its error to be checked there. Decoders are strict: no white space, no foreign letters, no bits that an encoder
 * would not have written; and they append nothing when they fail. */
#pragma once

#include "platform/base/buf.h"

void encode_hex(struct buf *to, struct str bytes);       /* small letters */
void encode_hex_into(char *ret_text, struct str bytes);  /* 2 × bytes.len characters, no NUL */
void encode_base64(struct buf *to, struct str bytes);    /* padded */
void encode_base64url(struct buf *to, struct str bytes); /* not padded */

/* Padded, into (bytes.len + 2) / 3 * 4 characters, no NUL. */
#define ENCODE_BASE64_SIZE(bytes_len) (((bytes_len) + 2) / 3 * 4)
void encode_base64_into(char *ret_text, struct str bytes);

/* Percent-encodes all but the unreserved characters (RFC 3986, 2.3): for a part of an address, and for a form. */
void encode_percent(struct buf *to, struct str text);

/* For the text of an element, and for the value of an attribute in quotation marks of either kind. */
void encode_html(struct buf *to, struct str text);

/* ERR_INVALID for anything else than such a text; the buffer's error when it has one. */
int decode_base64(struct str text, struct buf *to);
int decode_base64url(struct str text, struct buf *to);

/* decode_base64 into text.len / 4 * 3 bytes at the most, which may be scribbled on when it fails. */
int decode_base64_into(struct str text, char *ret_bytes, size_t *ret_len);

/* 0 to 15, or -1 for what is no hex digit. */
int decode_hex_digit(char c);
