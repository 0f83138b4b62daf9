#include "platform/base/err.h"
#include "platform/base/log.h"
#include "platform/base/secret.h"
#include "platform/base/task.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <yyjson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char captured[1 << 20];

/* What fn logs, through a pipe; at most what a pipe holds. */
static struct str capture(void (*fn)(void), enum log_level least, enum log_format format)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    log_configure(ends[1], least, format);
    fn();
    log_configure(STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_AUTOMATIC);
    close(ends[1]);
    size_t len = 0;
    ssize_t got;
    while ((got = read(ends[0], captured + len, sizeof(captured) - len)) > 0)
        len += (size_t)got;
    close(ends[0]);
    return str_from(captured, len);
}

static void log_some(void)
{
    struct log_context context = {"orders", STR("4bf92f3577b34da6a3ce929d0e0e4736")};
    log_debug(&context, "not shown");
    log_info(&context, "order placed", LOG_STR("order_id", STR("0190")), LOG_INT("total", INT64_MIN),
             LOG_BOOL("guest", true), LOG_ERR(ERR_STALE));
}

static void test_log__a_line_is_a_json_object(void **state)
{
    (void)state;
    struct str line = capture(log_some, LOG_LEVEL_INFO, LOG_FORMAT_AUTOMATIC);
    assert_int_equal(str_find_char(line, '\n'), line.len - 1);
    yyjson_doc *doc = yyjson_read(line.ptr, line.len, 0);
    assert_non_null(doc);
    yyjson_val *root = yyjson_doc_get_root(doc);
    assert_int_equal(yyjson_obj_size(root), 9);
    assert_string_equal(yyjson_get_str(yyjson_obj_get(root, "level")), "info");
    assert_string_equal(yyjson_get_str(yyjson_obj_get(root, "service")), "orders");
    assert_string_equal(yyjson_get_str(yyjson_obj_get(root, "trace_id")), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_string_equal(yyjson_get_str(yyjson_obj_get(root, "message")), "order placed");
    assert_true(yyjson_get_sint(yyjson_obj_get(root, "total")) == INT64_MIN);
    assert_true(yyjson_get_bool(yyjson_obj_get(root, "guest")));
    assert_string_equal(yyjson_get_str(yyjson_obj_get(root, "error")), "err_stale");
    assert_int_equal(yyjson_get_len(yyjson_obj_get(root, "time")), 24);
    yyjson_doc_free(doc);
}

static void log_hostile(void)
{
    log_error(NULL, "bad", LOG_STR("value", STR("\"\\\n\r\x1b[2J\0\x7f\xff\xc3\xc2\x9b\xe2\x82\xac")));
}

/* Whatever a value is, the line is one line of valid JSON; nothing in it moves a cursor. */
static void test_log__hostile_values_are_escaped(void **state)
{
    (void)state;
    struct str line = capture(log_hostile, LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    yyjson_doc *doc = yyjson_read(line.ptr, line.len, 0);
    assert_non_null(doc);
    yyjson_doc_free(doc);
    assert_true(str_find(line, STR("\"value\":\"\\\"\\\\\\n\\u000d\\u001b[2J"
                                   "\\u0000\\u007f\\ufffd\\ufffd\\ufffd\\ufffd€")) >= 0);
    struct str text = capture(log_hostile, LOG_LEVEL_INFO, LOG_FORMAT_SHORT);
    for (size_t i = 0; i + 1 < text.len; i++)
        assert_true((unsigned char)text.ptr[i] >= 0x20 && text.ptr[i] != 0x7f);
}

static char long_value[10000];

static void log_long(void)
{
    memset(long_value, '"', sizeof(long_value)); /* each one doubles when escaped */
    struct str value = str_from(long_value, sizeof(long_value));
    log_info(NULL, "long", LOG_STR("a", value), LOG_STR("b", value), LOG_STR("c", value), LOG_STR("d", value),
             LOG_STR("e", value), LOG_INT("last", 1));
}

static void test_log__long_lines_are_cut_and_stay_valid(void **state)
{
    (void)state;
    struct str line = capture(log_long, LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    assert_in_range(line.len, LOG_VALUE_BYTES, LOG_LINE_BYTES);
    yyjson_doc *doc = yyjson_read(line.ptr, line.len, 0);
    assert_non_null(doc);
    yyjson_val *root = yyjson_doc_get_root(doc);
    assert_true(yyjson_get_bool(yyjson_obj_get(root, "truncated")));
    assert_int_equal(yyjson_get_int(yyjson_obj_get(root, "last")), 1);
    assert_null(yyjson_obj_get(root, "e"));
    yyjson_doc_free(doc);
}

#define WRITERS 4
#define LINES 50

static void write_lines(void *argument)
{
    (void)argument;
    for (int i = 0; i < LINES; i++)
        log_info(NULL, "line", LOG_INT("number", i), LOG_STR("padding", str_from(long_value, 100)));
}

static void log_from_tasks(void)
{
    memset(long_value, 'x', sizeof(long_value));
    struct task *tasks[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(task_start(&tasks[i], "writer", write_lines, NULL), 0);
    for (int i = 0; i < WRITERS; i++)
        task_join(tasks[i]);
}

static void test_log__lines_of_several_tasks_do_not_mix(void **state)
{
    (void)state;
    struct str rest = capture(log_from_tasks, LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    struct str line;
    int count = 0;
    while (str_next_token(&rest, '\n', &line) && line.len > 0) {
        yyjson_doc *doc = yyjson_read(line.ptr, line.len, 0);
        assert_non_null(doc);
        yyjson_doc_free(doc);
        count++;
    }
    assert_int_equal(count, WRITERS * LINES);
}

static void test_log__levels(void **state)
{
    (void)state;
    assert_int_equal(capture(log_some, LOG_LEVEL_WARNING, LOG_FORMAT_JSON).len, 0);
    struct str both = capture(log_some, LOG_LEVEL_DEBUG, LOG_FORMAT_SHORT);
    assert_true(str_find(both, STR(" debug orders: not shown\n")) >= 0);
    assert_true(str_find(both, STR(" orders: order placed order_id=0190 total=-9223372036854775808 guest=true")) >= 0);
    enum log_level level;
    assert_int_equal(log_level_parse(STR("warning"), &level), 0);
    assert_int_equal(level, LOG_LEVEL_WARNING);
    assert_int_equal(log_level_parse(STR("loud"), &level), ERR_INVALID);
}

static void test_secret__keeps_its_bytes_and_compares(void **state)
{
    (void)state;
    struct secret *secret = NULL;
    assert_int_equal(secret_new(STR("open sesame"), &secret), 0);
    assert_true(str_equal(secret_bytes(secret), STR("open sesame")));
    assert_true(secret_equal(secret, STR("open sesame")));
    assert_false(secret_equal(secret, STR("open sesamE")));
    secret_free(secret);
    assert_int_equal(secret_new_random(32, &secret), 0);
    assert_int_equal(secret_bytes(secret).len, 32);
    secret_free(secret);
    assert_int_equal(secret_new_random(SECRET_BYTES_MAX + 1, &secret), ERR_TOO_LARGE);
    assert_int_equal(secret_bytes(NULL).len, 0);
    secret_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log__a_line_is_a_json_object),
        cmocka_unit_test(test_log__hostile_values_are_escaped),
        cmocka_unit_test(test_log__long_lines_are_cut_and_stay_valid),
        cmocka_unit_test(test_log__lines_of_several_tasks_do_not_mix),
        cmocka_unit_test(test_log__levels),
        cmocka_unit_test(test_secret__keeps_its_bytes_and_compares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
