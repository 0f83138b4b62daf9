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
}

static void test_time_format__rfc3339_in_order(void **state)
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
    char before[TIME_RFC3339_BYTES] = "";
    for (int64_t wall_ms = INT64_C(-62167219200000); wall_ms < INT64_C(253402300799999);
         wall_ms += INT64_C(86399999999)) {
        time_format_rfc3339(wall_ms, text);
        assert_true(strcmp(before, text) < 0);
        memcpy(before, text, sizeof(text));
    }
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
        cmocka_unit_test(test_time_format__rfc3339_in_order),
        cmocka_unit_test(test_time_format__http_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
