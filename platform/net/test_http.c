#include "platform/base/err.h"
#include "platform/net/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(65536);
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void assert_str(struct str actual, const char *expected)
{
    assert_int_equal(actual.len, strlen(expected));
    assert_memory_equal(actual.len ? actual.ptr : "", expected, actual.len);
}

/* Every method's name is read back as itself, and what is not a method of ours as none. */
static void test_http__methods(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++)
        assert_int_equal(http_method_from(str_from_cstr(http_method_name((enum http_method)i))), i);
    assert_int_equal(http_method_from(STR("get")), HTTP_METHOD_COUNT);
    assert_int_equal(http_method_from(STR("PROPFIND")), HTTP_METHOD_COUNT);
    assert_int_equal(http_method_from(STR("")), HTTP_METHOD_COUNT);
    assert_string_equal(http_method_name(HTTP_METHOD_COUNT), "UNKNOWN");
}

/* A missing header has no pointer; an empty one has. */
static void test_http__header_find(void **state)
{
    (void)state;
    struct http_header headers[] = {{STR("accept"), STR("a")}, {STR("empty"), STR_EMPTY}, {STR("accept"), STR("b")}};
    struct http_request request = {.headers = headers, .header_count = 3};
    assert_str(http_header_find(&request, "accept"), "a");
    assert_non_null(http_header_find(&request, "empty").ptr);
    assert_int_equal(http_header_find(&request, "empty").len, 0);
    assert_null(http_header_find(&request, "accep").ptr);
}

static void assert_decodes(struct str encoded, const char *path, const char *query)
{
    struct str decoded;
    assert_int_equal(http_path_decode(arena, encoded, &decoded), 0);
    assert_str(decoded, path);
    assert_int_equal(http_query_decode(arena, encoded, &decoded), 0);
    assert_str(decoded, query);
}

/* Escapes become bytes once; a plus is a blank in a query alone. */
static void test_http__decode(void **state)
{
    (void)state;
    assert_decodes(STR("a%20b+c"), "a b+c", "a b c");
    assert_decodes(STR("%C3%a4%25%32%30"), "\xc3\xa4%20", "\xc3\xa4%20");
    assert_decodes(STR("%2F..%2f"), "/../", "/../");
    assert_decodes(STR(""), "", "");
}

/* A broken escape, a NUL and what is not UTF-8 are refused, and the output is left alone. */
static void test_http__decode_refuses(void **state)
{
    (void)state;
    const char *broken[] = {"%", "%2", "a%2", "%zz", "%0g", "%g0", "%00", "a%00b", "%ff", "%c0%80", "%ed%a0%80", "%c3"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct str decoded = STR("untouched");
        assert_int_equal(http_path_decode(arena, str_from_cstr(broken[i]), &decoded), ERR_INVALID);
        assert_int_equal(http_query_decode(arena, str_from_cstr(broken[i]), &decoded), ERR_INVALID);
        assert_str(decoded, "untouched");
    }
}

static void test_http__decode_without_memory(void **state)
{
    (void)state;
    struct arena *small = arena_new(4);
    struct str decoded;
    assert_int_equal(http_path_decode(small, STR("0123456789abcdef0123456789abcdef"), &decoded), ERR_NO_MEMORY);
    arena_free(small);
}

/* Pairs come one after the other, decoded; empty ones are skipped, a value may be missing or hold '='. */
static void test_http__query_next(void **state)
{
    (void)state;
    struct str query = STR("a=1&&b=x%20y+z&c&d=&e=f=g&=h&");
    const char *expected[][2] = {{"a", "1"}, {"b", "x y z"}, {"c", ""}, {"d", ""}, {"e", "f=g"}, {"", "h"}};
    struct str name;
    struct str value;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(http_query_next(arena, &query, &name, &value), 1);
        assert_str(name, expected[i][0]);
        assert_str(value, expected[i][1]);
    }
    assert_int_equal(http_query_next(arena, &query, &name, &value), 0);
    assert_int_equal(http_query_next(arena, &query, &name, &value), 0);

    query = STR("ok=1&bad=%zz");
    assert_int_equal(http_query_next(arena, &query, &name, &value), 1);
    assert_int_equal(http_query_next(arena, &query, &name, &value), ERR_INVALID);
    query = STR_EMPTY;
    assert_int_equal(http_query_next(arena, &query, &name, &value), 0);
}

static void assert_cookie(const char *header, const char *name, size_t count, const char *value)
{
    struct str found;
    assert_int_equal(http_cookie_find(str_from_cstr(header), str_from_cstr(name), &found), count);
    assert_true(value ? found.ptr && str_equal_cstr(found, value) : !found.ptr);
}

/* A cookie is found by its whole name, wherever it stands; one that comes again is counted. */
static void test_http__cookie_find(void **state)
{
    (void)state;
    const char *header = "xsession=1; session=abc=; empty=;flag; last=z; Last=y; session=; =nameless";
    assert_cookie(header, "session", 2, "abc=");
    assert_cookie(header, "xsession", 1, "1");
    assert_cookie(header, "last", 1, "z");
    assert_cookie(header, "empty", 1, "");
    assert_cookie(header, "flag", 0, NULL);
    assert_cookie(header, "sess", 0, NULL);
    assert_cookie(NULL, "a", 0, NULL);
}

static void test_http__status_phrase(void **state)
{
    (void)state;
    assert_string_equal(http_status_phrase(200), "OK");
    assert_string_equal(http_status_phrase(422), "Unprocessable Content");
    assert_string_equal(http_status_phrase(599), "Unknown");
    assert_string_equal(http_status_phrase(-1), "Unknown");
}

/* A blob copies its bytes, and lives until its last reference goes. */
static void test_http__blob(void **state)
{
    (void)state;
    char bytes[] = "abc";
    struct http_blob *blob = http_blob_new(str_from(bytes, 3));
    bytes[0] = 'x';
    assert_ptr_equal(http_blob_ref(blob), blob);
    http_blob_unref(blob);
    assert_str(http_blob_bytes(blob), "abc");
    http_blob_unref(blob);
    http_blob_unref(NULL);
    blob = http_blob_new(STR_EMPTY);
    assert_int_equal(http_blob_bytes(blob).len, 0);
    http_blob_unref(blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http__methods),
        cmocka_unit_test(test_http__header_find),
        cmocka_unit_test(test_http__decode),
        cmocka_unit_test(test_http__decode_refuses),
        cmocka_unit_test(test_http__decode_without_memory),
        cmocka_unit_test(test_http__query_next),
        cmocka_unit_test(test_http__cookie_find),
        cmocka_unit_test(test_http__status_phrase),
        cmocka_unit_test(test_http__blob),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
