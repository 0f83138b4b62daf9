#include "platform/base/err.h"
#include "platform/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_str__compares_by_bytes_and_by_ascii_case(void **state)
{
    (void)state;
    assert_true(str_equal(STR_EMPTY, STR("")));
    assert_false(str_equal(STR("a"), STR("ab")));
    assert_true(str_equal_nocase(STR("Content-TYPE"), STR("content-type")));
    assert_false(str_equal_nocase(STR("@"), STR("`"))); /* They differ in the case bit and are no letters. */
    assert_true(str_compare(STR("a"), STR("ab")) < 0);
    assert_true(str_compare(STR("b"), STR("ab")) > 0);
    assert_true(str_compare(STR("\xFF"), STR("a")) > 0);
    assert_int_equal(str_compare(STR_EMPTY, STR("")), 0);
}

static void test_str__constant_time_comparison_sees_every_byte(void **state)
{
    (void)state;
    assert_true(str_equal_constant_time(STR("secret"), STR("secret")));
    assert_false(str_equal_constant_time(STR("secret"), STR("secreT")));
    assert_false(str_equal_constant_time(STR("Secret"), STR("secret")));
    assert_false(str_equal_constant_time(STR("secret"), STR("secrets")));
}

static void test_str__finds(void **state)
{
    (void)state;
    assert_int_equal(str_find_char(STR("a=b"), '='), 1);
    assert_int_equal(str_find_char(STR_EMPTY, '='), -1);
    assert_int_equal(str_find(STR("hello"), STR("lo")), 3);
    assert_int_equal(str_find(STR("lo"), STR("hello")), -1);
    assert_int_equal(str_find(STR_EMPTY, STR("")), 0);
}

static void test_str__slices_stay_inside(void **state)
{
    (void)state;
    assert_true(str_equal(str_skip(STR("abc"), 2), STR("c")));
    assert_true(str_equal(str_skip(STR("abc"), 9), STR("")));
    assert_true(str_equal(str_slice(STR("abc"), 1, 99), STR("bc")));
    assert_true(str_equal(str_slice(STR("abc"), 1, 1), STR("b")));
    assert_true(str_equal(str_trim(STR(" \t a b\t")), STR("a b")));
    assert_true(str_equal(str_trim(STR(" \t")), STR("")));
}

static void test_str__characters_are_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(str_count_characters(STR_EMPTY), 0);
    assert_int_equal(str_count_characters(STR("a\xc3\xa5\xe2\x82\xac\xf0\x9f\x98\x80")), 4);
}

static void test_str__tokens_include_the_empty_ones(void **state)
{
    (void)state;
    const struct str expected[] = {STR("a"), STR(""), STR("b"), STR("")};
    struct str rest = STR("a,,b,");
    struct str token;
    for (size_t i = 0; i < 4; i++) {
        assert_true(str_next_token(&rest, ',', &token));
        assert_true(str_equal(token, expected[i]));
    }
    assert_false(str_next_token(&rest, ',', &token));
    assert_null(rest.ptr);
}

static void test_str__integers_are_whole_and_in_range(void **state)
{
    (void)state;
    int64_t value = 7;
    assert_int_equal(str_to_int64(STR("9223372036854775807"), &value), 0);
    assert_true(value == INT64_MAX);
    assert_int_equal(str_to_int64(STR("-9223372036854775808"), &value), 0);
    assert_true(value == INT64_MIN);
    assert_int_equal(str_to_int64(STR("-0"), &value), 0);
    assert_true(value == 0);
    const struct str refused[] = {STR(""),
                                  STR("-"),
                                  STR("+1"),
                                  STR(" 1"),
                                  STR("1 "),
                                  STR("1.0"),
                                  STR("0x1"),
                                  STR("--1"),
                                  STR("9223372036854775808"),
                                  STR("-9223372036854775809"),
                                  STR("99999999999999999999999")};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(str_to_int64(refused[i], &value), ERR_INVALID);
    assert_true(value == 0);
}

static void test_str__utf8_is_that_of_rfc_3629(void **state)
{
    (void)state;
    assert_true(str_is_utf8(STR_EMPTY));
    assert_true(str_is_utf8(STR("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x9B\x92 \xF4\x8F\xBF\xBF")));
    const struct str refused[] = {
        str_from("a\0b", 3), STR("\xC0\x80"),         STR("\xC1\xBF"),         STR("\xE0\x9F\xBF"),
        STR("\xED\xA0\x80"), STR("\xF0\x8F\xBF\xBF"), STR("\xF4\x90\x80\x80"), STR("\xF5\x80\x80\x80"),
        STR("\x80"),         STR("\xE2\x82"),         STR("\xE2\x82x"),        STR("\xFF"),
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_false(str_is_utf8(refused[i]));
    /* Wherever it is: what is ASCII is looked at in words. */
    for (size_t i = 0; i < 40; i++) {
        char text[40];

        memset(text, 'a' + (int)(i % 26), sizeof(text));
        assert_true(str_is_utf8(str_from(text, i)));
        for (int byte = 0; byte < 256; byte++) {
            text[i] = (char)byte;
            assert_int_equal(str_is_utf8(str_from(text, sizeof(text))), byte > 0 && byte < 0x80);
            assert_true(str_is_utf8(str_from(text, i)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str__compares_by_bytes_and_by_ascii_case),
        cmocka_unit_test(test_str__constant_time_comparison_sees_every_byte),
        cmocka_unit_test(test_str__finds),
        cmocka_unit_test(test_str__slices_stay_inside),
        cmocka_unit_test(test_str__tokens_include_the_empty_ones),
        cmocka_unit_test(test_str__integers_are_whole_and_in_range),
        cmocka_unit_test(test_str__utf8_is_that_of_rfc_3629),
        cmocka_unit_test(test_str__characters_are_not_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
