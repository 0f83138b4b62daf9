#include "platform/rpc/rpc_frame.h"

#include "platform/base/err.h"

void rpc_frame_reader_init(struct rpc_frame_reader *reader, size_t message_bytes_max)
{
    *reader = (struct rpc_frame_reader){.message_bytes_max = message_bytes_max, .pieces = BUF(message_bytes_max)};
}

void rpc_frame_reader_free(struct rpc_frame_reader *reader)
{
    buf_free(&reader->pieces);
}

static int read_head(struct rpc_frame_reader *reader, struct str *bytes)
{
    while (reader->head_len < RPC_FRAME_HEAD_BYTES && bytes->len > 0) {
        reader->head[reader->head_len++] = (unsigned char)bytes->ptr[0];
        *bytes = str_skip(*bytes, 1);
    }
    if (reader->head_len > 0 && reader->head[0] > 1)
        return ERR_INVALID;
    if (reader->head_len < RPC_FRAME_HEAD_BYTES)
        return 0;
    if (reader->head[0] == 1)
        return ERR_MEDIA_TYPE;
    reader->message_len = (size_t)reader->head[1] << 24 | (size_t)reader->head[2] << 16 | (size_t)reader->head[3] << 8 |
                          (size_t)reader->head[4];
    return reader->message_len > reader->message_bytes_max ? ERR_TOO_LARGE : 1;
}

static int take(struct rpc_frame_reader *reader, struct str message, struct str *ret_message)
{
    reader->head_len = 0;
    *ret_message = message;
    return 1;
}

int rpc_frame_read(struct rpc_frame_reader *reader, struct str *bytes, struct str *ret_message)
{
    if (reader->head_len < RPC_FRAME_HEAD_BYTES) {
        buf_clear(&reader->pieces);
        int result = read_head(reader, bytes);
        if (result <= 0)
            return result;
    }
    struct str piece = str_slice(*bytes, 0, reader->message_len - reader->pieces.len);
    if (reader->pieces.len == 0 && piece.len == reader->message_len) {
        *bytes = str_skip(*bytes, piece.len);
        return take(reader, piece, ret_message);
    }
    buf_append(&reader->pieces, piece);
    TRY(buf_error(&reader->pieces));
    *bytes = str_skip(*bytes, piece.len);
    return reader->pieces.len == reader->message_len ? take(reader, buf_str(&reader->pieces), ret_message) : 0;
}

bool rpc_frame_is_between(const struct rpc_frame_reader *reader)
{
    return reader->head_len == 0;
}

void rpc_frame_write_head(unsigned char ret_head[RPC_FRAME_HEAD_BYTES], size_t message_len)
{
    ASSERT(message_len <= UINT32_MAX);
    ret_head[0] = 0;
    for (unsigned i = 0; i < 4; i++)
        ret_head[1 + i] = (unsigned char)(message_len >> (24 - 8 * i));
}
