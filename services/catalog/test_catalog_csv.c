/* Proves that the CSV reader takes RFC 4180 and nothing else, and that what is written reads back exactly. */
#include "services/catalog/csv.h"

#include "platform/base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static struct arena *arena;

static int make_arena(void **state)
{
    (void)state;
    arena = arena_new(8 << 20);
    return arena ? 0 : -1;
}

static int free_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* Reads the whole text; the rows as "a|b\n", or the reason and line of the error. */
static int read_all(struct str text, struct buf *ret_rows, const char **ret_reason, size_t *ret_line)
{
    struct csv_reader reader;
    struct csv_row row;
    int more;

    TRY(csv_reader_init(&reader, arena, text));
    while ((more = csv_next(&reader, &row, ret_reason)) == 1) {
        for (size_t i = 0; i < row.count; i++) {
            if (i > 0)
                buf_append_char(ret_rows, '|');
            buf_append(ret_rows, row.fields[i]);
        }
        buf_append_char(ret_rows, '\n');
    }
    *ret_line = row.line;
    return more;
}

static void assert_rows(const char *text, const char *expected)
{
    CLEANUP(buf_free) struct buf rows = BUF(1 << 20);
    const char *reason = NULL;
    size_t line;

    assert_int_equal(read_all(str_from_cstr(text), &rows, &reason, &line), 0);
    assert_int_equal(rows.len, strlen(expected));
    assert_memory_equal(rows.ptr, expected, rows.len);
}

static void assert_refused(struct str text, size_t expected_line)
{
    CLEANUP(buf_free) struct buf rows = BUF(1 << 20);
    const char *reason = NULL;
    size_t line = 0;

    assert_int_equal(read_all(text, &rows, &reason, &line), ERR_INVALID);
    assert_non_null(reason);
    assert_int_equal(line, expected_line);
}

static void test_catalog_csv__reads_rfc_4180(void **state)
{
    (void)state;
    assert_rows("a,b\r\nc,d\r\n", "a|b\nc|d\n");
    assert_rows("a,b\nc,d", "a|b\nc|d\n");
    assert_rows("\xef\xbb\xbf"
                "a,b\n",
                "a|b\n");
    assert_rows("\"a \"\"quoted\"\" word\",\"x,\r\ny\"\r\n", "a \"quoted\" word|x,\r\ny\n");
    assert_rows("a,,\r\n\"\",b,", "a||\n|b|\n");
    assert_rows("\r\na\n\n\nb\n", "a\nb\n");
    assert_rows(" a , b\n", " a | b\n");
}

static void test_catalog_csv__refuses_what_is_not_csv(void **state)
{
    (void)state;
    assert_refused(STR("a,b\nc\"d,e\n"), 2);
    assert_refused(STR("a\n\"b\nc\n"), 2);
    assert_refused(STR("a\n\"b\" c\n"), 2);
    assert_refused(STR("\"a\nb\"\nc\rd\n"), 3);
    assert_refused(STR(",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"), 1);
}

static void test_catalog_csv__refuses_other_encodings(void **state)
{
    struct csv_reader reader;

    (void)state;
    assert_int_equal(csv_reader_init(&reader, arena, STR("caf\xe9\n")), ERR_INVALID);
    assert_int_equal(csv_reader_init(&reader, arena, STR("a\0b\n")), ERR_INVALID);
}

static void test_catalog_csv__bounds_a_field(void **state)
{
    size_t size = CSV_FIELD_BYTES_MAX + 1;
    char *text = arena_alloc(arena, size);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', size);
    assert_refused(str_from(text, size), 1);
}

static void test_catalog_csv__round_trip_is_exact(void **state)
{
    static const char *const fields[] = {
        "",         "plain",    " spaces ", "a,b", "say \"hi\"", "two\nlines", "two\r\nlines",
        "lone\rcr", "=SUM(A1)", "+1",       "-1",  "@cmd",       "\ttab",      "'quoted",
        "''twice",  "'=x",      "\r",       "'",   "\"",         "日本",
    };
    size_t count = sizeof(fields) / sizeof(fields[0]);
    CLEANUP(buf_free) struct buf text = BUF(1 << 16);
    struct csv_reader reader;
    struct csv_row row;
    const char *reason = NULL;

    (void)state;
    for (size_t i = 0; i < count; i++)
        csv_append(&text, str_from_cstr(fields[i]), i == 0);
    csv_end_row(&text);
    assert_int_equal(csv_reader_init(&reader, arena, buf_str(&text)), 0);
    assert_int_equal(csv_next(&reader, &row, &reason), 1);
    assert_int_equal(row.count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(str_equal_cstr(row.fields[i], fields[i]));
    assert_int_equal(csv_next(&reader, &row, &reason), 0);
}

/* An empty line is no row, so a row of one empty field must not be written as one. */
static void test_catalog_csv__round_trip_keeps_an_empty_row(void **state)
{
    CLEANUP(buf_free) struct buf text = BUF(100);

    (void)state;
    csv_append(&text, STR_EMPTY, true);
    csv_end_row(&text);
    buf_append_char(&text, '\0');
    assert_rows(text.ptr, "\n");
}

/* Nor is a mark at the start of the first field the file's. */
static void test_catalog_csv__round_trip_keeps_a_byte_order_mark(void **state)
{
    CLEANUP(buf_free) struct buf text = BUF(100);

    (void)state;
    csv_append(&text, STR("\xef\xbb\xbf@x"), true);
    csv_end_row(&text);
    buf_append_char(&text, '\0');
    assert_rows(text.ptr, "\xef\xbb\xbf@x\n");
}

static void test_catalog_csv__writes_no_formula(void **state)
{
    static const char *const formulas[] = {"=1+1", "+1", "-1", "@x", "\tx", "\rx"};

    (void)state;
    for (size_t i = 0; i < sizeof(formulas) / sizeof(formulas[0]); i++) {
        CLEANUP(buf_free) struct buf text = BUF(100);

        csv_append(&text, str_from_cstr(formulas[i]), true);
        assert_true(text.ptr[0] == '\'' || (text.ptr[0] == '"' && text.ptr[1] == '\''));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog_csv__reads_rfc_4180),
        cmocka_unit_test(test_catalog_csv__refuses_what_is_not_csv),
        cmocka_unit_test(test_catalog_csv__refuses_other_encodings),
        cmocka_unit_test(test_catalog_csv__bounds_a_field),
        cmocka_unit_test(test_catalog_csv__round_trip_is_exact),
        cmocka_unit_test(test_catalog_csv__round_trip_keeps_an_empty_row),
        cmocka_unit_test(test_catalog_csv__round_trip_keeps_a_byte_order_mark),
        cmocka_unit_test(test_catalog_csv__writes_no_formula),
    };
    return cmocka_run_group_tests(tests, make_arena, free_arena);
}
