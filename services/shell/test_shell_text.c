/* Proves that no text of a shop ends the HTML that it stands in, and that links come back as they were put together and
 * lead nowhere else. */
#include "platform/base/encode.h"
#include "services/shell/href.h"
#include "services/shell/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *text, *html, *json;
} hostile[] = {
    {"</script><script>alert(1)</script>", "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
     "\\u003c/script>\\u003cscript>alert(1)\\u003c/script>"},
    {"<!--", "&lt;!--", "\\u003c!--"},
    {"\"><img src=x onerror=alert(1)>", "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;",
     "\">\\u003cimg src=x onerror=alert(1)>"},
    {"it's & more", "it&#39;s &amp; more", "it's & more"},
    {"a\xe2\x80\xa8"
     "b\xe2\x80\xa9",
     "a\xe2\x80\xa8"
     "b\xe2\x80\xa9",
     "a\\u2028b\\u2029"},
    {"\xe2\x80\xa7\xe2\x80", "\xe2\x80\xa7\xe2\x80", "\xe2\x80\xa7\xe2\x80"},
    {"", "", ""},
};

static void assert_text(const struct buf *buf, const char *expected)
{
    assert_int_equal(buf_error(buf), 0);
    assert_int_equal(buf->len, strlen(expected));
    assert_true(str_equal_cstr(buf_str(buf), expected));
}

static void test_html__no_text_ends_what_it_stands_in(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        struct buf html = BUF(1000), json = BUF(1000);

        encode_html(&html, str_from_cstr(hostile[i].text));
        html_json(&json, str_from_cstr(hostile[i].text));
        assert_text(&html, hostile[i].html);
        assert_text(&json, hostile[i].json);
        buf_free(&html);
        buf_free(&json);
    }
}

static void test_href__a_value_comes_back_as_it_was(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    const struct href_pair pairs[] = {
        {"q", STR("a&b=c #/?+%\"'<\xc3\xa9")}, {"brand", STR_EMPTY}, {"sort", STR("title")}};
    char *href;

    assert_int_equal(href_make(arena, "/search", pairs, 3, &href), 0);
    assert_string_equal(href, "/search?q=a%26b%3Dc%20%23%2F%3F%2B%25%22%27%3C%C3%A9&sort=title");
    assert_int_equal(href_make(arena, "/search", pairs + 1, 1, &href), 0);
    assert_string_equal(href, "/search");
    assert_int_equal(href_below(arena, "/c/", STR("../x y"), &href), 0);
    assert_string_equal(href, "/c/..%2Fx%20y");
    arena_free(arena);
}

static void test_href__only_paths_of_this_shop_are_its_own(void **state)
{
    (void)state;
    static const char *const own[] = {"/", "/cart", "/search?q=a%20b", "/orders/1#top", "/a//b"};
    static const char *const foreign[] = {"",
                                          "cart",
                                          "//evil.example",
                                          "/\\evil.example",
                                          "https://evil.example",
                                          "/\t/evil",
                                          "/a\r\nSet-Cookie: x",
                                          "javascript:x",
                                          "\\\\evil",
                                          "/a\\b"};

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        assert_true(href_is_own(str_from_cstr(own[i])));
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        assert_false(href_is_own(str_from_cstr(foreign[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html__no_text_ends_what_it_stands_in),
        cmocka_unit_test(test_href__a_value_comes_back_as_it_was),
        cmocka_unit_test(test_href__only_paths_of_this_shop_are_its_own),
    };

    return cmocka_run_group_tests_name("shell text", tests, NULL, NULL);
}
