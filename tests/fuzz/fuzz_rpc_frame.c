/* The body of a call between services. Input: a byte for the size of the pieces in which it comes, and the bytes.
 * However it is cut, the same messages come off it and the same error ends it; none is longer than it may be. */
#include "platform/rpc/rpc_frame.h"
#include "tests/fuzz/fuzz.h"

#define MESSAGE_BYTES_MAX 4096u

/* Appends what came off, each behind its length; returns the error, or whether it ended between messages. */
static int read_all(struct str bytes, size_t piece_size, struct buf *ret_read)
{
    CLEANUP(rpc_frame_reader_free) struct rpc_frame_reader reader;
    struct str message;
    int result = 0;

    rpc_frame_reader_init(&reader, MESSAGE_BYTES_MAX);
    while (bytes.len > 0) {
        struct str piece = str_slice(bytes, 0, piece_size);

        bytes = str_skip(bytes, piece_size);
        while ((result = rpc_frame_read(&reader, &piece, &message)) == 1) {
            ASSERT(message.len <= MESSAGE_BYTES_MAX);
            buf_printf(ret_read, "%zu:", message.len);
            buf_append(ret_read, message);
        }
        ASSERT(reader.pieces.capacity <= MESSAGE_BYTES_MAX);
        if (result < 0)
            return result;
        ASSERT(piece.len == 0);
    }
    return rpc_frame_is_between(&reader) ? 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_free) struct buf whole = BUF(FUZZ_ARENA_BYTES), pieces = BUF(FUZZ_ARENA_BYTES);

    if (size < 1)
        return 0;
    struct str bytes = str_from(data + 1, size - 1);
    int first = read_all(bytes, bytes.len + 1, &whole);
    int second = read_all(bytes, (size_t)data[0] + 1, &pieces);
    ASSERT(first == second && str_equal(buf_str(&whole), buf_str(&pieces)));
    ASSERT(first >= 0 || first == ERR_TOO_LARGE || first == ERR_MEDIA_TYPE || first == ERR_INVALID);
    return 0;
}
