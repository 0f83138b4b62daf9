/* Proves what each format of the rules lets through, and the bytes of a problem and of JSON written by hand. */
#include "platform/wire/json_writer.h"
#include "platform/wire/wire.h"
#include "platform/wire/wire_format.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_format(const char *name, bool wanted, const char *const *texts)
{
    const struct wire_format *format = wire_format_find(name);
    assert_non_null(format);
    for (; *texts; texts++) {
        if (format->is_valid(str_from_cstr(*texts)) != wanted)
            fail_msg("%s: '%s'", name, *texts);
    }
}

#define GOOD(name, ...) assert_format(name, true, (const char *const[]){__VA_ARGS__, NULL})
#define BAD(name, ...) assert_format(name, false, (const char *const[]){__VA_ARGS__, NULL})

#define LABEL_59 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghi"
#define LABEL_63 LABEL_59 "jabc"

static void test_wire_format__lets_through_what_its_standard_says(void **state)
{
    (void)state;
    GOOD("email", "a@b", "first.last+tag@sub.example.com", "o'hara@x-y.ie");
    BAD("email", "", "a", "@b", "a@", "a@b.", "a@.b", "a b@c", "a@b c", "a@b@c", "ü@b.c", "a@-b", "a@b-");
    GOOD("uuid", "0190c7a0-7b3e-7c5e-9d1c-1c6f6a2b3c4d", "0190C7A0-7B3E-7C5E-9D1C-1C6F6A2B3C4D");
    BAD("uuid", "", "0190c7a07b3e7c5e9d1c1c6f6a2b3c4d", "0190c7a0-7b3e-7c5e-9d1c-1c6f6a2b3c4g",
        "0190c7a0-7b3e-7c5e-9d1c-1c6f6a2b3c4d0");
    GOOD("slug", "a", "a1-b2", "2026");
    BAD("slug", "", "-", "a-", "-a", "a--b", "A", "a_b", "ü");
    GOOD("currency", "EUR");
    GOOD("currency", "EUR", "JPY", "KWD");
    BAD("currency", "", "EU", "eur", "EURO", "E1R", "XTS", "ABC", "XAU", "HRK");
    GOOD("country", "DE", "AX");
    BAD("country", "", "D", "de", "DEU", "XX", "EU", "UK");
    GOOD("date-time", "2026-01-31T12:00:00Z", "2024-02-29t23:59:60.123+02:00", "2000-02-29T00:00:00-23:59");
    BAD("date-time", "", "2026-01-31", "2026-01-31T12:00:00", "2026-02-29T12:00:00Z", "1900-02-29T12:00:00Z",
        "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00ZZ",
        "2026-01-01 00:00:00Z", "2026-01-01T00:00:00+0200");
    GOOD("hostname", "a", "localhost", "shop.example", "Shop.EXAMPLE", "1.example", "xn--bcher-kva.example", "a-b.c",
         LABEL_63 "." LABEL_63 "." LABEL_63 "."
                  "ab" LABEL_59);
    BAD("hostname", "", ".", "a.", ".a", "a..b", "-a.b", "a-.b", "a_b", "a b", "bücher.example", "a:80", "a/b", "*.a",
        "127.0.0.1", "[::1]", "::1", "a.1", "https://a", LABEL_63 "a.b",
        LABEL_63 "." LABEL_63 "." LABEL_63 "."
                 "abc" LABEL_59);
    GOOD("token", "abc", "a-._~+/9==");
    BAD("token", "", "=", "a b", "a=b", "ü");
    assert_null(wire_format_find("telephone"));
}

static void test_wire_format__a_problem_is_problem_json(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf json = BUF(4096);
    struct problem problem;
    problem_set(&problem, ERR_INVALID, "out_of_range", "/items/0/quantity", "\"quantity\" must be at least %d.", 1);
    wire_problem_to_json(&problem, STR("4bf92f35"), &json);
    assert_true(
        str_equal(buf_str(&json),
                  STR("{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
                      "\"detail\":\"\\\"quantity\\\" must be at least 1.\",\"code\":\"out_of_range\",\"errors\":[{"
                      "\"pointer\":\"/items/0/quantity\",\"detail\":\"\\\"quantity\\\" must be at least 1.\"}],"
                      "\"trace_id\":\"4bf92f35\"}")));
    buf_clear(&json);
    wire_problem_to_json(&(struct problem){.error = ERR_NOT_FOUND}, STR_EMPTY, &json);
    assert_true(str_equal(buf_str(&json), STR("{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                                              "\"code\":\"not_found\"}")));
}

static void test_wire_format__json_by_hand_keeps_its_commas(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf json = BUF(4096);
    struct json_writer w = {.buf = &json};
    json_begin_object(&w);
    json_member_string(&w, "a\"", "b\n");
    json_member_string(&w, "left out", NULL);
    json_member_array(&w, "list");
    json_int(&w, -1);
    json_bool(&w, false);
    json_begin_object(&w);
    json_end_object(&w);
    json_raw(&w, STR("[1,2]"));
    json_end_array(&w);
    json_member_object(&w, "empty");
    json_end_object(&w);
    json_member_bool(&w, "yes", true);
    json_member_int(&w, "n", INT64_MAX);
    json_end_object(&w);
    assert_true(
        str_equal(buf_str(&json), STR("{\"a\\\"\":\"b\\n\",\"list\":[-1,false,{},[1,2]],\"empty\":{},\"yes\":true,"
                                      "\"n\":9223372036854775807}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_format__lets_through_what_its_standard_says),
        cmocka_unit_test(test_wire_format__a_problem_is_problem_json),
        cmocka_unit_test(test_wire_format__json_by_hand_keeps_its_commas),
    };
    return cmocka_run_group_tests_name("wire_format", tests, NULL, NULL);
}
