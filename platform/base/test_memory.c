#include "platform/base/arena.h"
#include "platform/base/buf.h"
#include "platform/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_arena__allocations_are_aligned_zeroed_and_apart(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new((size_t)1 << 20);
    char *before = NULL;
    for (size_t size = 0; size < 300; size++) {
        char *bytes = arena_alloc(arena, size);
        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
        assert_ptr_not_equal(bytes, before);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], 0);
        memset(bytes, 0xAA, size);
        before = bytes;
    }
}

/* The limit counts what was handed out, and a refusal leaves room for what still fits. */
static void test_arena__refuses_past_its_limit(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(100000);
    assert_non_null(arena_alloc(arena, 60000));
    assert_null(arena_alloc(arena, 60000));
    assert_non_null(arena_alloc(arena, 30000));
    assert_null(arena_alloc_array(arena, SIZE_MAX / 2, 4));
    assert_null(arena_alloc_array(arena, 1, SIZE_MAX));
    assert_in_range(arena_used(arena), 90000, 90100);
    arena_reset(arena);
    assert_int_equal(arena_used(arena), 0);
    assert_non_null(arena_alloc(arena, 100000));
}

/* Memory that comes back after a reset is zeroed again; the same chunk serves the next user. */
static void test_arena__reset_reuses_its_chunk(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new((size_t)1 << 20);
    char *first = arena_alloc(arena, 64);
    memset(first, 0xAA, 64);
    arena_reset(arena);
    char *second = arena_alloc(arena, 64);
    assert_ptr_equal(first, second);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(second[i], 0);
    arena_reset(arena);
    arena_reset(arena);
}

static void test_arena__copies_and_prints(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(4096);
    assert_true(str_equal(arena_copy(arena, STR("text")), STR("text")));
    assert_null(arena_copy(arena, STR_EMPTY).ptr);
    assert_string_equal(arena_cstr(arena, STR("door")), "door");
    assert_string_equal(arena_cstr(arena, STR_EMPTY), "");
    assert_string_equal(arena_printf(arena, "%d-%s", 5, "x"), "5-x");
    char *padded = arena_printf(arena, "%500d", 1);
    assert_int_equal(strlen(padded), 500);
    assert_null(arena_printf(arena, "%5000d", 1));
    arena_free(NULL);
}

static void test_buf__grows_up_to_its_maximum(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf buf = BUF(1000);
    for (int i = 0; i < 1000; i++)
        buf_append_char(&buf, 'x');
    assert_int_equal(buf_error(&buf), 0);
    assert_int_equal(buf.len, 1000);
    buf_append_char(&buf, 'y');
    assert_int_equal(buf_error(&buf), ERR_TOO_LARGE);
    assert_int_equal(buf.len, 1000);
    buf_clear(&buf);
    assert_int_equal(buf_error(&buf), 0);
    assert_int_equal(buf.len, 0);
}

/* Once bytes were dropped, nothing is appended behind the hole. */
static void test_buf__an_error_is_sticky(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf buf = BUF(10);
    buf_append(&buf, STR("01234"));
    buf_append(&buf, STR("too long for it"));
    buf_append(&buf, STR("5"));
    assert_true(str_equal(buf_str(&buf), STR("01234")));
    assert_int_equal(buf_error(&buf), ERR_TOO_LARGE);
    assert_null(buf_reserve(&buf, 1));
}

static void test_buf__formats(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf buf = BUF(400);
    buf_append_cstr(&buf, "a");
    buf_append_int(&buf, INT64_MIN);
    buf_append_int(&buf, 0);
    buf_printf(&buf, "%s|", "b");
    assert_true(str_equal(buf_str(&buf), STR("a-92233720368547758080b|")));
    buf_clear(&buf);
    buf_printf(&buf, "%400d", 1); /* Fills it to the last byte. */
    assert_int_equal(buf.len, 400);
    assert_int_equal(buf_error(&buf), 0);
    buf_clear(&buf);
    buf_printf(&buf, "%401d", 1);
    assert_int_equal(buf_error(&buf), ERR_TOO_LARGE);
}

static void test_buf__reserve_and_commit(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf buf = BUF(64);
    char *to = buf_reserve(&buf, 64);
    assert_non_null(to);
    memcpy(to, "abc", 3);
    buf_commit(&buf, 3);
    assert_true(str_equal(buf_str(&buf), STR("abc")));
    assert_null(buf_reserve(&buf, 62));
    assert_int_equal(buf_error(&buf), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena__allocations_are_aligned_zeroed_and_apart),
        cmocka_unit_test(test_arena__refuses_past_its_limit),
        cmocka_unit_test(test_arena__reset_reuses_its_chunk),
        cmocka_unit_test(test_arena__copies_and_prints),
        cmocka_unit_test(test_buf__grows_up_to_its_maximum),
        cmocka_unit_test(test_buf__an_error_is_sticky),
        cmocka_unit_test(test_buf__formats),
        cmocka_unit_test(test_buf__reserve_and_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
