/* Proves that messages come off a stream as they were put on it, however it is cut, and that what is announced is
 * bounded before it costs anything. */
#include "platform/base/err.h"
#include "platform/rpc/rpc_frame.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define STREAM_BYTES 4096

static void append(struct buf *to, struct str message)
{
    unsigned char head[RPC_FRAME_HEAD_BYTES];
    rpc_frame_write_head(head, message.len);
    buf_append(to, str_from(head, sizeof(head)));
    buf_append(to, message);
}

/* Gives the stream in pieces of that size, and appends what comes off it, each behind a bar. */
static void read_in_pieces(struct str stream, size_t piece_size, struct buf *ret_read)
{
    CLEANUP(rpc_frame_reader_free) struct rpc_frame_reader reader;
    rpc_frame_reader_init(&reader, 100);
    while (stream.len > 0) {
        struct str piece = str_slice(stream, 0, piece_size), message;
        stream = str_skip(stream, piece_size);
        while (rpc_frame_read(&reader, &piece, &message) == 1) {
            buf_append_char(ret_read, '|');
            buf_append(ret_read, message);
        }
        assert_int_equal(piece.len, 0);
    }
    assert_true(rpc_frame_is_between(&reader));
}

static void test_rpc_frame__messages_come_off_as_they_were_put_on(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf stream = BUF(STREAM_BYTES);
    append(&stream, STR("one"));
    append(&stream, STR_EMPTY);
    append(&stream, STR("a message of a few more bytes"));
    append(&stream, STR_EMPTY);
    for (size_t size = 1; size <= stream.len; size++) {
        CLEANUP(buf_free) struct buf read = BUF(STREAM_BYTES);
        read_in_pieces(buf_str(&stream), size, &read);
        assert_true(str_equal_cstr(buf_str(&read), "|one||a message of a few more bytes|"));
    }
}

/* One that lies in the bytes whole is not copied. */
static void test_rpc_frame__a_whole_message_is_a_view(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf stream = BUF(STREAM_BYTES);
    CLEANUP(rpc_frame_reader_free) struct rpc_frame_reader reader;
    struct str message;
    append(&stream, STR("view"));
    struct str bytes = buf_str(&stream);
    rpc_frame_reader_init(&reader, 4);
    assert_int_equal(rpc_frame_read(&reader, &bytes, &message), 1);
    assert_ptr_equal(message.ptr, stream.ptr + RPC_FRAME_HEAD_BYTES);
}

static int read_once(struct str bytes, size_t message_bytes_max, size_t *ret_capacity)
{
    CLEANUP(rpc_frame_reader_free) struct rpc_frame_reader reader;
    struct str message;
    rpc_frame_reader_init(&reader, message_bytes_max);
    int result = rpc_frame_read(&reader, &bytes, &message);
    *ret_capacity = reader.pieces.capacity;
    return result;
}

static void test_rpc_frame__what_is_too_large_is_refused_by_its_head(void **state)
{
    (void)state;
    size_t capacity;
    assert_int_equal(read_once(STR("\0\0\0\0\5"), 4, &capacity), ERR_TOO_LARGE);
    assert_int_equal(read_once(STR("\0\xff\xff\xff\xff"), 1 << 20, &capacity), ERR_TOO_LARGE);
    assert_int_equal(capacity, 0);
    assert_int_equal(read_once(STR("\0\0\x10\0\0x"), 1 << 20, &capacity), 0);
    assert_in_range(capacity, 1, 4096); /* a promise costs nothing */
}

static void test_rpc_frame__flags_that_are_not_known_are_refused_at_once(void **state)
{
    (void)state;
    size_t capacity;
    assert_int_equal(read_once(STR("\1\0\0\0\1x"), 4, &capacity), ERR_MEDIA_TYPE);
    assert_int_equal(read_once(STR("\2"), 4, &capacity), ERR_INVALID);
    assert_int_equal(read_once(STR("POST / HTTP/1.1"), 4, &capacity), ERR_INVALID);
}

static void test_rpc_frame__half_a_message_is_not_between(void **state)
{
    (void)state;
    CLEANUP(rpc_frame_reader_free) struct rpc_frame_reader reader;
    struct str bytes = STR("\0\0\0"), message;
    rpc_frame_reader_init(&reader, 4);
    assert_int_equal(rpc_frame_read(&reader, &bytes, &message), 0);
    assert_false(rpc_frame_is_between(&reader));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rpc_frame__messages_come_off_as_they_were_put_on),
        cmocka_unit_test(test_rpc_frame__a_whole_message_is_a_view),
        cmocka_unit_test(test_rpc_frame__what_is_too_large_is_refused_by_its_head),
        cmocka_unit_test(test_rpc_frame__flags_that_are_not_known_are_refused_at_once),
        cmocka_unit_test(test_rpc_frame__half_a_message_is_not_between),
    };
    return cmocka_run_group_tests_name("rpc_frame", tests, NULL, NULL);
}
