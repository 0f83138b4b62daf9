#include "platform/base/err.h"
#include "platform/base/time_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_time(int64_t wall_ms, const char *expected)
{
    char text[TIME_RFC3339_BYTES];
    time_format_rfc3339(wall_ms, text);
    assert_string_equal(text, expected);
    int64_t parsed;
    assert_int_equal(time_parse_rfc3339(str_from_cstr(text), &parsed), 0);
    assert_true(parsed == wall_ms);
}

static void test_time_format__rfc3339_both_ways(void **state)
{
    (void)state;
    assert_time(0, "1970-01-01T00:00:00.000Z");
    assert_time(-1, "1969-12-31T23:59:59.999Z");
    assert_time(INT64_C(951782400000), "2000-02-29T00:00:00.000Z");
    assert_time(INT64_C(1763912052123), "2025-11-23T15:34:12.123Z");
    assert_time(INT64_C(253402300799999), "9999-12-31T23:59:59.999Z");
    assert_time(INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z");
    char text[TIME_RFC3339_BYTES];
    time_format_rfc3339(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    time_format_rfc3339(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
    for (int64_t wall_ms = INT64_C(-62167219200000); wall_ms < INT64_C(253402300799999);
         wall_ms += INT64_C(86399999999)) {
        int64_t parsed;
        time_format_rfc3339(wall_ms, text);
        assert_int_equal(time_parse_rfc3339(str_from_cstr(text), &parsed), 0);
        assert_true(parsed == wall_ms);
    }
}

static void test_time_format__offsets_and_fractions_are_read(void **state)
{
    (void)state;
    int64_t wall_ms;
    assert_int_equal(time_parse_rfc3339(STR("1970-01-01t01:00:00.1239+01:00"), &wall_ms), 0);
    assert_int_equal(wall_ms, 123);
    assert_int_equal(time_parse_rfc3339(STR("1969-12-31T18:30:00.5-05:30"), &wall_ms), 0);
    assert_int_equal(wall_ms, 500);
    assert_int_equal(time_parse_rfc3339(STR("1990-12-31T23:59:60Z"), &wall_ms), 0);
    assert_true(wall_ms == INT64_C(662688000000));
}

static void test_time_format__anything_else_is_refused(void **state)
{
    (void)state;
    const char *const refused[] = {"",
                                   "1970-01-01",
                                   "1970-01-01T00:00:00",
                                   "1970-01-01 00:00:00Z",
                                   "1970-13-01T00:00:00Z",
                                   "1970-02-29T00:00:00Z",
                                   "1900-02-29T00:00:00Z",
                                   "1970-00-01T00:00:00Z",
                                   "1970-01-00T00:00:00Z",
                                   "1970-01-01T24:00:00Z",
                                   "1970-01-01T00:60:00Z",
                                   "1970-01-01T00:00:61Z",
                                   "1970-01-01T00:00:00.Z",
                                   "1970-01-01T00:00:00+0100",
                                   "1970-01-01T00:00:00+24:00",
                                   "1970-01-01T00:00:00Zx",
                                   "1970-1-01T00:00:00Z",
                                   "-970-01-01T00:00:00Z"};
    int64_t wall_ms = 7;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(time_parse_rfc3339(str_from_cstr(refused[i]), &wall_ms), ERR_INVALID);
    assert_int_equal(wall_ms, 7);
}

/* The example of RFC 9110, section 5.6.7. */
static void test_time_format__http_date(void **state)
{
    (void)state;
    char text[TIME_HTTP_BYTES];
    time_format_http(INT64_C(784111777000), text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    time_format_http(-1, text);
    assert_string_equal(text, "Wed, 31 Dec 1969 23:59:59 GMT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_format__rfc3339_both_ways),
        cmocka_unit_test(test_time_format__offsets_and_fractions_are_read),
        cmocka_unit_test(test_time_format__anything_else_is_refused),
        cmocka_unit_test(test_time_format__http_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
