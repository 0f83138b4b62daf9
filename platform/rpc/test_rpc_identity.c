/* Proves that a certificate lets a process speak as the services that it names, and as no other. */
#include "platform/base/str.h"
#include "platform/net/tls.h"
#include "platform/rpc/rpc_identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_rpc_identity__a_name_is_a_whole_line(void **state)
{
    (void)state;
    struct str names = STR("spiffe://shop/service/catalog\nspiffe://shop/service/orders\n");
    assert_true(rpc_identity_allows(names, "shop", STR("catalog")));
    assert_true(rpc_identity_allows(names, "shop", STR("orders")));
    const char *const others[] = {"", "order", "orders2", "payments", "catalog\n", "/service/orders"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(rpc_identity_allows(names, "shop", str_from_cstr(others[i])));
    assert_false(rpc_identity_allows(names, "shop2", STR("orders")));
    assert_false(rpc_identity_allows(names, "", STR("orders")));
    assert_false(rpc_identity_allows(STR_EMPTY, "shop", STR("orders")));
}

static void test_rpc_identity__what_is_too_long_is_nobody(void **state)
{
    (void)state;
    char domain[600];
    memset(domain, 'd', sizeof(domain));
    domain[sizeof(domain) - 1] = '\0';
    assert_false(rpc_identity_allows(STR("spiffe://d/service/orders\n"), domain, STR("orders")));
    assert_false(tls_has_name(STR("\n\n"), STR_EMPTY));
    assert_true(tls_has_name(STR("a"), STR("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rpc_identity__a_name_is_a_whole_line),
        cmocka_unit_test(test_rpc_identity__what_is_too_long_is_nobody),
    };
    return cmocka_run_group_tests_name("rpc_identity", tests, NULL, NULL);
}
