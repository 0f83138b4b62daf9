/* Proves that time-outs, messages and bytes are written and read as the protocol says. */
#include "platform/base/err.h"
#include "platform/rpc/rpc_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_rpc_text__timeouts_are_read(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t ns;
    } rows[] = {{"1n", 1},
                {"0m", 0},
                {"250m", 250000000},
                {"20u", 20000},
                {"99999999S", INT64_C(99999999) * 1000000000},
                {"1M", INT64_C(60) * 1000000000},
                {"1H", INT64_C(3600) * 1000000000},
                {"99999999H", INT64_MAX}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ns = -1;
        assert_int_equal(rpc_timeout_parse(str_from_cstr(rows[i].text), &ns), 0);
        assert_int_equal(ns, rows[i].ns);
    }
    const char *const bad[] = {"", "1", "n", "123456789n", "-1n", "+1n", " 1n", "1 n", "1s", "1x", "0x1n", "1nn"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t ns = -1;
        assert_int_equal(rpc_timeout_parse(str_from_cstr(bad[i]), &ns), ERR_INVALID);
        assert_int_equal(ns, -1);
    }
}

static void assert_timeout(int64_t ns, const char *text)
{
    char written[RPC_TIMEOUT_BYTES];
    int64_t read = -1;
    rpc_timeout_format(ns, written);
    assert_string_equal(written, text);
    assert_int_equal(rpc_timeout_parse(str_from_cstr(written), &read), 0);
    assert_true(read <= (ns > 0 ? ns : 0));
}

/* Who is called has no more time than who calls. */
static void test_rpc_text__a_timeout_is_never_written_longer(void **state)
{
    (void)state;
    assert_timeout(INT64_MIN, "0n");
    assert_timeout(-1, "0n");
    assert_timeout(0, "0n");
    assert_timeout(99999999, "99999999n");
    assert_timeout(100000999, "100000u");
    assert_timeout(INT64_C(30000000000), "30000000u");
    assert_timeout(INT64_C(86400) * 1000000000, "86400000m");
    assert_timeout(INT64_MAX, "2562047H");
}

static void assert_message(const char *plain, const char *written)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(4096);
    CLEANUP(buf_free) struct buf buf = BUF(1024);
    rpc_message_encode(&buf, str_from_cstr(plain));
    assert_true(str_equal_cstr(buf_str(&buf), written));
    assert_true(str_equal_cstr(rpc_message_decode(arena, buf_str(&buf)), plain));
}

static void test_rpc_text__messages_are_percent_encoded(void **state)
{
    (void)state;
    assert_message("", "");
    assert_message("Only 2 of it are left.", "Only 2 of it are left.");
    assert_message("100 %", "100 %25");
    assert_message("zwölf €\n", "zw%C3%B6lf %E2%82%AC%0A");
}

/* Whatever a peer writes can be shown. */
static void test_rpc_text__what_is_no_escape_stays(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(4096);
    const char *const kept[] = {"%", "%4", "50 % of", "%zz", "%C3", "a%00b", "%FF%FE"};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        assert_true(str_equal_cstr(rpc_message_decode(arena, str_from_cstr(kept[i])), kept[i]));
    assert_true(str_equal_cstr(rpc_message_decode(arena, STR("%41%4")), "A%4"));
    assert_true(str_equal_cstr(rpc_message_decode(arena, STR("a\xf8%00 b\n")), "a?%00 b?"));
}

static void test_rpc_text__bytes_may_be_padded_or_not(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(4096);
    const char *const rows[][2] = {{"", ""},      {"Zg", "f"},    {"Zg==", "f"},
                                   {"Zm8", "fo"}, {"Zm8=", "fo"}, {"Zm9v", "foo"}};
    struct str bytes;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(rpc_bytes_decode(arena, str_from_cstr(rows[i][0]), &bytes), 0);
        assert_true(str_equal_cstr(bytes, rows[i][1]));
    }
    const char *const bad[] = {"Z", "Zg=", "Zh", "Z g", "Zg===", "=", "Zm9v="};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int result = rpc_bytes_decode(arena, str_from_cstr(bad[i]), &bytes);
        if (strcmp(bad[i], "Zg=") != 0) /* which the padding that is added makes whole */
            assert_int_equal(result, ERR_INVALID);
    }
    assert_true(str_equal_cstr(rpc_bytes_encode(arena, STR("fo")), "Zm8"));
    assert_true(str_equal_cstr(rpc_bytes_encode(arena, STR("foo")), "Zm9v"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rpc_text__timeouts_are_read),
        cmocka_unit_test(test_rpc_text__a_timeout_is_never_written_longer),
        cmocka_unit_test(test_rpc_text__messages_are_percent_encoded),
        cmocka_unit_test(test_rpc_text__what_is_no_escape_stays),
        cmocka_unit_test(test_rpc_text__bytes_may_be_padded_or_not),
    };
    return cmocka_run_group_tests_name("rpc_text", tests, NULL, NULL);
}
