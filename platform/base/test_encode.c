#include "platform/base/encode.h"
#include "platform/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The same into memory of the caller's. */
static void assert_into(const char *bytes, const char *base64)
{
    char text[64], decoded[48];
    size_t len = 0;
    encode_base64_into(text, str_from_cstr(bytes));
    assert_int_equal(ENCODE_BASE64_SIZE(strlen(bytes)), strlen(base64));
    assert_memory_equal(text, base64, strlen(base64));
    assert_int_equal(decode_base64_into(str_from_cstr(base64), decoded, &len), 0);
    assert_true(str_equal_cstr(str_from(decoded, len), bytes));
}

/* RFC 4648, section 10. */
static void test_encode__base64_of_the_rfc(void **state)
{
    (void)state;
    const char *const rows[][3] = {{"", "", ""},
                                   {"f", "Zg==", "Zg"},
                                   {"fo", "Zm8=", "Zm8"},
                                   {"foo", "Zm9v", "Zm9v"},
                                   {"foob", "Zm9vYg==", "Zm9vYg"},
                                   {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
                                   {"\xfb\xff\xfe", "+//+", "-__-"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_free) struct buf text = BUF(64);
        CLEANUP(buf_free) struct buf bytes = BUF(64);
        encode_base64(&text, str_from_cstr(rows[i][0]));
        assert_true(str_equal_cstr(buf_str(&text), rows[i][1]));
        assert_int_equal(decode_base64(buf_str(&text), &bytes), 0);
        assert_true(str_equal_cstr(buf_str(&bytes), rows[i][0]));
        buf_clear(&text);
        buf_clear(&bytes);
        encode_base64url(&text, str_from_cstr(rows[i][0]));
        assert_true(str_equal_cstr(buf_str(&text), rows[i][2]));
        assert_int_equal(decode_base64url(buf_str(&text), &bytes), 0);
        assert_true(str_equal_cstr(buf_str(&bytes), rows[i][0]));
        assert_into(rows[i][0], rows[i][1]);
    }
}

/* What no encoder writes is refused, and appends nothing. */
static void test_encode__decoders_are_strict(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf bytes = BUF(64);
    const char *const base64[] = {
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Z===", "====", "Zm 9", "-__-", "Zm9v\n"};
    for (size_t i = 0; i < sizeof(base64) / sizeof(base64[0]); i++)
        assert_int_equal(decode_base64(str_from_cstr(base64[i]), &bytes), ERR_INVALID);
    const char *const base64url[] = {"Z", "Zg==", "Zh", "Zm9", "+//+", "Zm9v="};
    for (size_t i = 0; i < sizeof(base64url) / sizeof(base64url[0]); i++)
        assert_int_equal(decode_base64url(str_from_cstr(base64url[i]), &bytes), ERR_INVALID);
    assert_int_equal(bytes.len, 0);
    assert_int_equal(buf_error(&bytes), 0);
}

static void test_encode__hex_is_bounded(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf text = BUF(8);
    encode_hex(&text, STR("\x00\xff\x1a"));
    assert_true(str_equal(buf_str(&text), STR("00ff1a")));
    encode_hex(&text, STR("\x01\x02"));
    assert_int_equal(buf_error(&text), ERR_TOO_LARGE);
}

static void test_encode__text_stays_in_its_place(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf buf = BUF(256);
    encode_percent(&buf, STR("a-Z_0.9~ /?&=%\xc3\xa9"));
    assert_true(str_equal(buf_str(&buf), STR("a-Z_0.9~%20%2F%3F%26%3D%25%C3%A9")));
    CLEANUP(buf_free) struct buf html = BUF(256);
    encode_html(&html, STR("a<b>\"c\" & 'd'"));
    assert_true(str_equal(buf_str(&html), STR("a&lt;b&gt;&quot;c&quot; &amp; &#39;d&#39;")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode__base64_of_the_rfc),
        cmocka_unit_test(test_encode__decoders_are_strict),
        cmocka_unit_test(test_encode__hex_is_bounded),
        cmocka_unit_test(test_encode__text_stays_in_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
