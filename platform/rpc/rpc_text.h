/* The values of header fields: time-outs, messages, bytes.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/buf.h"

/* The value of grpc-timeout: one to eight digits and a unit of H, M, S, m, u, n. What is beyond int64_t is INT64_MAX.
 * ERR_INVALID for anything else. */
int rpc_timeout_parse(struct str text, int64_t *ret_ns);

#define RPC_TIMEOUT_BYTES 10

/* In the finest unit in which it has eight digits, rounded down: the called one never has more time than the caller.
 * What is over is "0n". */
void rpc_timeout_format(int64_t timeout_ns, char ret_text[RPC_TIMEOUT_BYTES]);

/* The value of grpc-message: UTF-8 of which all but visible ASCII and the space is percent-encoded, and the percent
 * sign itself. */
void rpc_message_encode(struct buf *to, struct str message);

/* What is no escape stays as it is; what is not UTF-8 without NUL afterwards is the text as it came, with a question
 * mark for each byte that is not visible ASCII. So whatever a peer sends can be shown. The result's ptr is NULL when
 * there was no room, or the text is empty. */
struct str rpc_message_decode(struct arena *arena, struct str text);

/* The value of a field whose name ends with -bin: base64, padded or not. ERR_INVALID, ERR_NO_MEMORY. */
int rpc_bytes_decode(struct arena *arena, struct str text, struct str *ret_bytes);

/* Without padding; ptr NULL when there was no room. */
struct str rpc_bytes_encode(struct arena *arena, struct str bytes);
