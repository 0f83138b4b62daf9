/* Messages on a stream: each has a head of five bytes, a flag for "compressed" and its length (big-endian).
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Length-Prefixed-Message. Nothing here compresses. */
#pragma once

#include "platform/base/buf.h"

#define RPC_FRAME_HEAD_BYTES 5

/* Takes messages off bytes that come in pieces of any size. */
struct rpc_frame_reader {
    size_t message_bytes_max;
    unsigned char head[RPC_FRAME_HEAD_BYTES];
    size_t head_len;
    size_t message_len; /* once the head is whole */
    struct buf pieces;  /* of a message that did not come in one */
};

void rpc_frame_reader_init(struct rpc_frame_reader *reader, size_t message_bytes_max);
void rpc_frame_reader_free(struct rpc_frame_reader *reader); /* also for CLEANUP() */

/* Moves *bytes behind what it took. 1: *ret_message is the next message, and good until the next call and for as long
 * as the bytes are; 0: all is taken, and more is wanted. ERR_TOO_LARGE, ERR_MEDIA_TYPE for a compressed one,
 * ERR_INVALID for a flag that is not defined, ERR_NO_MEMORY; after an error the reader is of no more use. What is
 * announced and did not come costs no memory. */
int rpc_frame_read(struct rpc_frame_reader *reader, struct str *bytes, struct str *ret_message);

/* Whether the bytes so far end with a message, or before the first one. */
bool rpc_frame_is_between(const struct rpc_frame_reader *reader);

void rpc_frame_write_head(unsigned char ret_head[RPC_FRAME_HEAD_BYTES], size_t message_len);
