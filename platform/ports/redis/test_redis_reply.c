/* Replies of servers that mean well, in pieces of every size, and of those that do not. */
#include "platform/ports/redis/redis_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ARENA_BYTES ((size_t)1 << 20)

struct fixture {
    struct redis_decoder decoder;
    struct arena *arena;
    struct redis_reply *reply;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    f->arena = arena_new(ARENA_BYTES);
    return redis_decoder_init(&f->decoder);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    redis_decoder_free(&f->decoder);
    arena_free(f->arena);
    free(f);
    return 0;
}

static int next(struct fixture *f)
{
    return redis_decoder_next(&f->decoder, f->arena, &f->reply);
}

/* All of it is there, and nothing behind. */
static int decode(struct fixture *f, struct str bytes)
{
    assert_int_equal(redis_decoder_feed(&f->decoder, bytes), 0);
    return next(f);
}

#define BYTES(text)                                                                                                    \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

static const struct str mixed = BYTES("*5\r\n:-7\r\n$3\r\na\0b\r\n$-1\r\n*2\r\n+OK\r\n-ERR no\r\n$0\r\n\r\n");

static void check_mixed(const struct redis_reply *reply)
{
    assert_int_equal(reply->kind, REDIS_ARRAY);
    assert_int_equal(reply->count, 5);
    assert_int_equal(reply->elements[0]->integer, -7);
    assert_true(str_equal(reply->elements[1]->text, STR("a\0b")));
    assert_int_equal(reply->elements[2]->kind, REDIS_NIL);
    assert_int_equal(reply->elements[3]->count, 2);
    assert_int_equal(reply->elements[3]->elements[0]->kind, REDIS_STATUS);
    assert_int_equal(reply->elements[3]->elements[1]->kind, REDIS_ERROR);
    assert_true(str_equal_cstr(reply->elements[3]->elements[1]->text, "ERR no"));
    assert_int_equal(reply->elements[4]->kind, REDIS_TEXT);
    assert_int_equal(reply->elements[4]->text.len, 0);
}

/* Cut at each byte, and several in one piece. */
static void test_redis_reply__comes_in_any_pieces(void **state)
{
    struct fixture *f = *state;
    for (size_t cut = 1; cut < mixed.len; cut++) {
        arena_reset(f->arena);
        assert_int_equal(decode(f, str_slice(mixed, 0, cut)), 0);
        assert_int_equal(decode(f, str_skip(mixed, cut)), 1);
        check_mixed(f->reply);
    }
    arena_reset(f->arena);
    assert_int_equal(redis_decoder_feed(&f->decoder, mixed), 0);
    assert_int_equal(redis_decoder_feed(&f->decoder, STR("+OK\r\n:1\r\n")), 0);
    assert_int_equal(next(f), 1);
    check_mixed(f->reply);
    assert_int_equal(next(f), 1);
    assert_int_equal(f->reply->kind, REDIS_STATUS);
    assert_int_equal(next(f), 1);
    assert_int_equal(f->reply->integer, 1);
    assert_int_equal(next(f), 0);
}

static void test_redis_reply__bytes_that_are_none_end_it(void **state)
{
    (void)state;
    static const struct str hostile[] = {
        BYTES("HTTP/1.1 400 Bad Request\r\n"), /* another kind of server */
        BYTES("\0\0\0\0"),
        BYTES(":12x\r\n"),
        BYTES("$-2\r\n"),
        BYTES("$99999999999999999999\r\n"),
        BYTES("*-2\r\n"),
        BYTES("*8193\r\n"), /* over our limit */
        BYTES("*2147483647\r\n"),
        BYTES("*4294967297\r\n"),
        BYTES("*99999999999999999999\r\n"),
        BYTES("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"), /* deeper than any answer */
        BYTES("*2\r\n:1\r\n!\r\n"),
    };
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        struct fixture *f;
        assert_int_equal(set_up((void **)&f), 0);
        if (decode(f, hostile[i]) != ERR_CORRUPT)
            fail_msg("%.*s is taken", (int)hostile[i].len - 2, hostile[i].ptr);
        assert_null(f->reply);
        tear_down((void **)&f);
    }
}

/* A text of which more comes, and more. */
static void test_redis_reply__what_never_ends_is_cut_off(void **state)
{
    struct fixture *f = *state;
    static const char bytes[1 << 20] = {'x'};
    size_t fed = 0;
    int result;
    assert_int_equal(decode(f, STR("$2000000000\r\n")), 0);
    while ((result = redis_decoder_feed(&f->decoder, str_from(bytes, sizeof(bytes)))) == 0) {
        assert_int_equal(next(f), 0);
        fed += sizeof(bytes);
        assert_true(fed <= REDIS_REPLY_BYTES_MAX);
    }
    assert_int_equal(result, ERR_TOO_LARGE);
}

/* What the caller has no room for is this caller's misfortune; the next one gets its own answer. */
static void test_redis_reply__no_room_is_that_replys_alone(void **state)
{
    struct fixture *f = *state;
    CLEANUP(arena_cleanup) struct arena *small = arena_new(256);
    static char bytes[5000];
    memset(bytes, 'x', sizeof(bytes));
    assert_int_equal(redis_decoder_feed(&f->decoder, STR("*3\r\n:1\r\n*2\r\n$5000\r\n")), 0);
    assert_int_equal(redis_decoder_feed(&f->decoder, str_from(bytes, sizeof(bytes))), 0);
    assert_int_equal(redis_decoder_feed(&f->decoder, STR("\r\n:2\r\n:3\r\n+OK\r\n")), 0);
    f->reply = (void *)f;
    assert_int_equal(redis_decoder_next(&f->decoder, small, &f->reply), 1);
    assert_null(f->reply);
    assert_int_equal(next(f), 1);
    assert_int_equal(f->reply->kind, REDIS_STATUS);
    assert_true(str_equal_cstr(f->reply->text, "OK"));
}

static void test_redis_reply__numbers_are_exact(void **state)
{
    struct fixture *f = *state;
    int64_t value = 0;
    assert_int_equal(decode(f, STR("$20\r\n-9223372036854775808\r\n")), 1);
    assert_int_equal(redis_reply_to_int64(f->reply, &value), 0);
    assert_true(value == INT64_MIN);
    assert_int_equal(decode(f, STR("$19\r\n9223372036854775808\r\n")), 1);
    assert_int_equal(redis_reply_to_int64(f->reply, &value), ERR_CORRUPT);
    assert_int_equal(decode(f, STR("+1\r\n")), 1);
    assert_int_equal(redis_reply_to_int64(f->reply, &value), ERR_CORRUPT);
    assert_int_equal(decode(f, STR(":42\r\n")), 1);
    assert_int_equal(redis_reply_to_int64(f->reply, &value), 0);
    assert_int_equal(value, 42);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_redis_reply__comes_in_any_pieces),        TEST(test_redis_reply__bytes_that_are_none_end_it),
        TEST(test_redis_reply__what_never_ends_is_cut_off), TEST(test_redis_reply__no_room_is_that_replys_alone),
        TEST(test_redis_reply__numbers_are_exact),
    };
    return cmocka_run_group_tests_name("redis reply", tests, NULL, NULL);
}
