/* Proves which hosts count as this machine, and which only look like it. */
#include "platform/net/loopback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void test_loopback__hosts_of_this_machine(void **state)
{
    static const char *const here[] = {"127.0.0.1", "127.255.0.9", "::1", "localhost"};
    static const char *const elsewhere[] = {"",
                                            "127.example.com",
                                            "127.0.0.1.example.com",
                                            "127.1",
                                            "localhost.example",
                                            "10.0.0.1",
                                            "128.0.0.1",
                                            "::2",
                                            "[::1]",
                                            "0.0.0.0",
                                            "::",
                                            "0000:0000:0000:0000:0000:0000:0000:00011"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(here); i++)
        assert_true(is_loopback_host(str_from_cstr(here[i])));
    for (size_t i = 0; i < COUNT_OF(elsewhere); i++)
        assert_false(is_loopback_host(str_from_cstr(elsewhere[i])));
}

static void test_loopback__addresses_are_told_from_names(void **state)
{
    (void)state;
    assert_true(is_numeric_host(STR("10.0.0.1")));
    assert_true(is_numeric_host(STR("2001:db8::1")));
    assert_false(is_numeric_host(STR("localhost")));
    assert_false(is_numeric_host(STR("127.example.com")));
    assert_false(is_numeric_host(STR_EMPTY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback__hosts_of_this_machine),
        cmocka_unit_test(test_loopback__addresses_are_told_from_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
