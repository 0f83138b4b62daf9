/* Proves that the page and what it refers to are in the program, whole, and that nothing in it needs an unsafe CSP. */
#include "platform/wire/api_page.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct str file_of(struct str name, const char *content_type)
{
    struct api_page_file file = {0};
    assert_true(api_page_find(name, &file));
    assert_non_null(strstr(file.content_type, content_type));
    assert_true(str_is_utf8(file.bytes));
    assert_int_equal(file.bytes.ptr[file.bytes.len - 1], '\n');
    return file.bytes;
}

static void test_api_page__its_files_are_embedded(void **state)
{
    (void)state;
    assert_true(str_starts_with(file_of(STR(""), "text/html"), STR("<!doctype html>")));
    assert_true(str_equal(file_of(STR("/"), "text/html"), file_of(STR(""), "text/html")));
    assert_true(str_find(file_of(STR("/api.css"), "text/css"), STR(":root")) >= 0);
    assert_true(str_find(file_of(STR("/api.js"), "text/javascript"), STR("/api/openapi.json")) >= 0);
    struct api_page_file file;
    assert_false(api_page_find(STR("/other"), &file));
}

static void test_api_page__refers_to_its_own_files_and_has_nothing_inline(void **state)
{
    (void)state;
    struct str page = file_of(STR(""), "text/html");
    assert_true(str_find(page, STR("src=\"/api/docs/api.js\"")) > 0);
    assert_true(str_find(page, STR("href=\"/api/docs/api.css\"")) > 0);
    assert_true(str_find(page, STR("<style")) < 0);
    assert_true(str_find(page, STR(" style=")) < 0);
    assert_true(str_find(page, STR(" onclick=")) < 0);
    assert_true(str_find(page, STR("http:")) < 0 && str_find(page, STR("https:")) < 0);
    assert_true(str_find(file_of(STR("/api.js"), "javascript"), STR("innerHTML")) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_page__its_files_are_embedded),
        cmocka_unit_test(test_api_page__refers_to_its_own_files_and_has_nothing_inline),
    };
    return cmocka_run_group_tests_name("api_page", tests, NULL, NULL);
}
