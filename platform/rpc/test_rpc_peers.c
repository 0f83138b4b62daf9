/* Proves what addresses of services are taken, and that what is wrong is said. */
#include "platform/base/err.h"
#include "platform/rpc/rpc_client_internal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_rpc_peers__addresses_are_read(void **state)
{
    (void)state;
    char message[RPC_CLIENT_MESSAGE_BYTES];
    struct rpc_client *client = NULL;
    unsigned short ports[RPC_CLIENT_PORTS_MAX];
    struct str peers = STR("catalog=grpc://127.0.0.1:4002, orders=grpc://[::1]:4003,catalog = grpc://127.0.0.2:4012,");
    assert_int_equal(rpc_client_new(&client, peers, NULL, message), 0);
    assert_true(rpc_client_has(client, "catalog"));
    assert_true(rpc_client_has(client, "orders"));
    assert_false(rpc_client_has(client, "order"));
    assert_false(rpc_client_has(NULL, "orders"));
    struct rpc_service *orders = rpc_peers_find(client->services, "orders");
    assert_string_equal(orders->addresses->host, "::1");
    assert_int_equal(orders->addresses->port, 4003);
    assert_non_null(rpc_peers_find(client->services, "catalog")->addresses->next);
    assert_int_equal(rpc_client_ports(client, ports), 3);
    assert_int_equal(rpc_client_ports(NULL, ports), 0);
    rpc_client_free(client);
    /* Where there is a name, there is somebody to ask for its address. */
    assert_int_equal(rpc_client_new(&client, STR("catalog=grpc://localhost:4002"), NULL, message), 0);
    assert_int_equal(rpc_client_ports(client, ports), 2);
    rpc_client_free(client);
}

static void test_rpc_peers__what_is_wrong_is_said(void **state)
{
    (void)state;
    const char *const bad[] = {"catalog",
                               "=grpc://127.0.0.1:1",
                               "Catalog=grpc://127.0.0.1:1",
                               "catalog=http://127.0.0.1:1",
                               "catalog=grpc://127.0.0.1",
                               "catalog=grpc://127.0.0.1:",
                               "catalog=grpc://127.0.0.1:0",
                               "catalog=grpc://127.0.0.1:65536",
                               "catalog=grpc://:4002",
                               "catalog=grpc://[::1:4002",
                               "catalog=grpc://[]:4002",
                               "catalog=grpc://a/b:4002",
                               "catalog=grpc://user@host:4002",
                               "catalog=grpc://192.0.2.1:4002",
                               "catalog=grpc://catalog.internal:4002",
                               "catalog=grpc://127.example.com:4002",
                               "orders=grpc://127.0.0.1:1,catalog=grpc://"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char message[RPC_CLIENT_MESSAGE_BYTES] = "";
        struct rpc_client *client = NULL;
        assert_int_equal(rpc_client_new(&client, str_from_cstr(bad[i]), NULL, message), ERR_INVALID);
        assert_non_null(strstr(message, "NAME=grpc://HOST:PORT, or grpcs: by TLS"));
        assert_null(client);
    }
    CLEANUP(buf_free) struct buf many = BUF((size_t)1 << 16);
    char message[RPC_CLIENT_MESSAGE_BYTES] = "";
    struct rpc_client *client = NULL;
    for (int i = 0; i <= RPC_ADDRESSES_MAX; i++)
        buf_printf(&many, "catalog=grpc://127.0.0.1:%d,", 4000 + i);
    assert_int_equal(rpc_client_new(&client, buf_str(&many), NULL, message), ERR_INVALID);
    assert_non_null(strstr(message, "one address too many"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rpc_peers__addresses_are_read),
        cmocka_unit_test(test_rpc_peers__what_is_wrong_is_said),
    };
    return cmocka_run_group_tests_name("rpc_peers", tests, NULL, NULL);
}
