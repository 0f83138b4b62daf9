/* Whose word on the client is believed: lists, and what proxies and impostors write. */
#include "platform/net/proxies.h"
#include "platform/net/test_support.h"

#define HEADERS(...) ((const struct http_header[]){__VA_ARGS__})
#define FOR(value)                                                                                                     \
    {                                                                                                                  \
        STR("x-forwarded-for"), STR(value)                                                                             \
    }
#define PROTO(value)                                                                                                   \
    {                                                                                                                  \
        STR("x-forwarded-proto"), STR(value)                                                                           \
    }

static struct proxies *list_of(const char *text)
{
    struct proxies *proxies = NULL;
    char message[PROXIES_MESSAGE_BYTES] = "";
    if (proxies_new(&proxies, str_from_cstr(text), message) < 0)
        fail_msg("%s: %s", text, message);
    return proxies;
}

static void assert_have(const char *list, const char *address, bool expected)
{
    struct proxies *proxies = list_of(list);
    if (proxies_have(proxies, str_from_cstr(address)) != expected)
        fail_msg("%s %s %s", list, expected ? "lacks" : "has", address);
    proxies_free(proxies);
}

static void test_proxies__networks(void **state)
{
    (void)state;
    assert_false(proxies_have(NULL, STR("127.0.0.1")));
    assert_have("", "127.0.0.1", false);
    assert_have("  ", "::1", false);
    assert_have("192.0.2.7", "192.0.2.7", true);
    assert_have("192.0.2.7", "192.0.2.8", false);
    assert_have("10.0.0.0/8", "10.255.255.255", true);
    assert_have("10.0.0.0/8", "11.0.0.0", false);
    assert_have("10.16.0.0/12", "10.31.0.1", true);
    assert_have("10.16.0.0/12", "10.32.0.1", false);
    assert_have("192.0.2.128/25", "192.0.2.127", false);
    assert_have("0.0.0.0/0", "203.0.113.9", true);
    assert_have("0.0.0.0/0", "2001:db8::1", false);
    assert_have("::/0", "2001:db8::1", true);
    assert_have("2001:db8::/33", "2001:db8:7fff::1", true);
    assert_have("2001:db8::/33", "2001:db8:8000::1", false);
    assert_have("10.0.0.1,::1 , 192.0.2.0/24", "192.0.2.9", true);
    assert_have("10.0.0.1", "::ffff:10.0.0.1", true);
    assert_have("::ffff:10.0.0.0/104", "10.2.3.4", true);
    assert_have("0.0.0.0/0", "not an address", false);
    assert_have("::/0", "", false);
}

static void test_proxies__lists_that_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "10.0.0.0/33",    "10.0.0.0/-1", "10.0.0.0/",    "10.0.0.1/8", "2001:db8::/129",
        "2001:db8::1/32", "10.0.0",      "localhost",    "10.0.0.1,",  ",",
        "10.0.0.1:80",    "[::1]",       "10.0.0.0/8/8", "*",          "10.0.0.1 10.0.0.2"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct proxies *proxies = NULL;
        char message[PROXIES_MESSAGE_BYTES] = "";
        if (proxies_new(&proxies, str_from_cstr(wrong[i]), message) != ERR_INVALID || !message[0])
            fail_msg("'%s' is taken", wrong[i]);
        assert_null(proxies);
    }
}

static void test_proxies__a_list_has_an_end(void **state)
{
    (void)state;
    char text[(PROXIES_MAX + 1) * 9 + 1] = "", message[PROXIES_MESSAGE_BYTES] = "";
    struct proxies *proxies = NULL;
    for (size_t i = 0; i < PROXIES_MAX + 1; i++)
        strcat(text, i ? ",10.0.0.1" : "10.0.0.1");
    assert_int_equal(proxies_new(&proxies, str_from_cstr(text), message), ERR_INVALID);
    assert_contains(message, "64");
}

/* What a request from a peer comes to, behind proxies of 10.0.0.0/8 and 2001:db8::/32. */
static void assert_client(const char *peer, const struct http_header *headers, size_t count, const char *scheme,
                          const char *client)
{
    struct proxies *proxies = list_of("10.0.0.0/8, 2001:db8::/32");
    struct http_request request = {
        .peer = str_from_cstr(peer), .scheme = STR("http"), .headers = headers, .header_count = count};
    char buffer[CLIENT_ADDRESS_BYTES];
    proxies_apply(proxies, &request, buffer);
    if (!str_equal_cstr(request.peer, client) || !str_equal_cstr(request.scheme, scheme))
        fail_msg("%s over %s, not %.*s over %.*s", client, scheme, STR_FORMAT(request.peer),
                 STR_FORMAT(request.scheme));
    proxies_free(proxies);
}

#define ASSERT_CLIENT(peer, scheme, client, ...)                                                                       \
    assert_client(peer, HEADERS(__VA_ARGS__), sizeof(HEADERS(__VA_ARGS__)) / sizeof(struct http_header), scheme, client)

/* What a client invents of itself counts for nothing. */
static void test_proxies__a_stranger_is_not_believed(void **state)
{
    (void)state;
    ASSERT_CLIENT("203.0.113.9", "http", "203.0.113.9", FOR("198.51.100.1"), PROTO("https"));
    ASSERT_CLIENT("203.0.113.9", "http", "203.0.113.9", FOR("10.0.0.1"));
    ASSERT_CLIENT("", "http", "", FOR("198.51.100.1"), PROTO("https"));
}

static void test_proxies__a_proxy_is_believed(void **state)
{
    (void)state;
    ASSERT_CLIENT("10.0.0.1", "https", "198.51.100.1", FOR("198.51.100.1"), PROTO("https"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", {STR("x-other"), STR("198.51.100.1")});
    ASSERT_CLIENT("2001:db8::9", "http", "2a00::1", FOR("2A00:0:0::1"));
    /* As proxies write ports and IPv6. */
    ASSERT_CLIENT("10.0.0.1", "http", "198.51.100.1", FOR("198.51.100.1:55000"));
    ASSERT_CLIENT("10.0.0.1", "http", "2a00::1", FOR("[2a00::1]:443"));
    ASSERT_CLIENT("10.0.0.1", "http", "2a00::1", FOR("[2a00::1]"));
    ASSERT_CLIENT("10.0.0.1", "http", "198.51.100.1", FOR("::ffff:198.51.100.1"));
}

/* The rightmost that is no proxy: what stands left of it is the client's own. */
static void test_proxies__the_last_stranger_counts(void **state)
{
    (void)state;
    ASSERT_CLIENT("10.0.0.1", "http", "198.51.100.1", FOR("1.1.1.1, 198.51.100.1"));
    ASSERT_CLIENT("10.0.0.1", "http", "198.51.100.1", FOR("10.0.0.7,198.51.100.1 , 10.0.0.3,\t2001:db8::4"));
    ASSERT_CLIENT("10.0.0.1", "http", "198.51.100.1", FOR("1.1.1.1"), FOR("198.51.100.1"), FOR("10.0.0.3"));
    ASSERT_CLIENT("10.0.0.1", "http", "198.51.100.1", FOR("1.1.1.1"), {STR("cookie"), STR("a")},
                  FOR("198.51.100.1,10.0.0.9"));
    /* Nobody but proxies: the farthest. */
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.3", FOR("10.0.0.3, 10.0.0.2"));
    /* The scheme that the nearest proxy says. */
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", PROTO("https"), PROTO("http"));
    ASSERT_CLIENT("10.0.0.1", "https", "10.0.0.1", PROTO("http, HTTPS"));
}

/* What is no address ends the search: the hop that is known stays. */
static void test_proxies__garbage_is_no_client(void **state)
{
    (void)state;
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("unknown"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR(""));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("198.51.100.1,"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.2", FOR("198.51.100.1, _hidden, 10.0.0.2"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("198.51.100.1:"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("198.51.100.1:123456"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("198.51.100.1:8o"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("[2a00::1"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("[]"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("["));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("[198.51.100.1]"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("[2a00::1]443"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("198.51.100.1\0.example"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("198.51.100.256"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("fe80::1%eth0"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", FOR("'198.51.100.1'"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", PROTO("ftp"));
    ASSERT_CLIENT("10.0.0.1", "http", "10.0.0.1", PROTO(""));
}

/* A client may send a header as long as a head can be: no more of it is looked at than a chain of proxies is long. */
static void test_proxies__hops_are_bounded(void **state)
{
    (void)state;
    char chain[PROXY_HOPS_MAX * 10 + 32] = "198.51.100.1";
    for (size_t i = 0; i < PROXY_HOPS_MAX; i++)
        strcat(chain, ",10.0.0.2");
    const struct http_header headers[] = {{STR("x-forwarded-for"), str_from_cstr(chain)}};
    assert_client("10.0.0.1", headers, 1, "http", "10.0.0.2");
}

/* The server asks with the list that it was given. */
static void test_proxies__the_server_goes_by_its_list(void **state)
{
    (void)state;
    static const char REQUEST[] = "GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                  "X-Forwarded-For: 1.1.1.1, 198.51.100.1\r\nX-Forwarded-Proto: https\r\n\r\n";
    for (unsigned i = 0; i < 3; i++) {
        struct proxies *proxies = i == 0 ? NULL : list_of(i == 1 ? "10.0.0.0/8" : "127.0.0.0/8");
        struct http_server_config config = test_config();
        config.proxies = proxies;
        struct test_server *server = test_server_start(config);
        char *answer = test_exchange(server->port, REQUEST);
        assert_contains(answer, i < 2 ? "\r\n\r\nhttp 127.0.0.1" : "\r\n\r\nhttps 198.51.100.1");
        (i < 2 ? assert_lacks : assert_contains)(answer, "Strict-Transport-Security: max-age=31536000;");
        free(answer);
        test_server_stop(server);
        proxies_free(proxies);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proxies__networks),
        cmocka_unit_test(test_proxies__lists_that_are_refused),
        cmocka_unit_test(test_proxies__a_list_has_an_end),
        cmocka_unit_test(test_proxies__a_stranger_is_not_believed),
        cmocka_unit_test(test_proxies__a_proxy_is_believed),
        cmocka_unit_test(test_proxies__the_last_stranger_counts),
        cmocka_unit_test(test_proxies__garbage_is_no_client),
        cmocka_unit_test(test_proxies__hops_are_bounded),
        cmocka_unit_test(test_proxies__the_server_goes_by_its_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
