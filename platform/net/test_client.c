/* The client against our own server, and against sockets that misbehave. */
#include "platform/net/client.h"
#include "platform/net/test_certificate.h"
#include "platform/net/test_support.h"

static struct test_server *server;
static struct http_client *client;
static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    server = test_server_start(test_config());
    arena = arena_new(16u << 20);
    return arena ? http_client_new(&client, 2) : -1;
}

static int tear_down(void **state)
{
    (void)state;
    http_client_free(client);
    arena_free(arena);
    test_server_stop(server);
    return 0;
}

static struct http_client_request request_to(enum http_method method, const char *path)
{
    struct http_client_request request = {.method = method, .timeout_ms = 5000, .body_bytes_max = 8u << 20};
    request.url = str_from_cstr(arena_printf(arena, "http://127.0.0.1:%d%s", server->port, path));
    return request;
}

static int fetch(struct http_client_request request, struct http_client_response *ret_response)
{
    return http_client_fetch(client, arena, &request, ret_response);
}

static struct str header_of(const struct http_client_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (str_equal_cstr(response->headers[i].name, name))
            return response->headers[i].value;
    }
    return STR_EMPTY;
}

static void assert_str(struct str actual, const char *expected)
{
    if (!str_equal_cstr(actual, expected))
        fail_msg("\"%.*s\" is not \"%s\"", STR_FORMAT(actual), expected);
}

/* Each method arrives as itself, with its body. */
static void test_client__methods(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++) {
        struct http_client_request request = request_to((enum http_method)i, "/x?y=%20");
        bool bodiless = i == HTTP_GET || i == HTTP_HEAD || i == HTTP_OPTIONS;
        request.body = bodiless ? STR_EMPTY : STR("a&b");
        struct http_client_response response;
        assert_int_equal(fetch(request, &response), 0);
        assert_int_equal(response.status, 200);
        char expected[100];
        int len = snprintf(expected, sizeof expected, "%s /x?y=%%20 127.0.0.1 ", http_method_name((enum http_method)i));
        if (i == HTTP_HEAD) {
            assert_int_equal(response.body.len, 0);
            continue;
        }
        assert_true(str_starts_with(response.body, str_from_cstr(expected)));
        assert_true(str_equal(str_skip(response.body, (size_t)len), request.body));
    }
}

/* Headers go both ways; those of the answer come with names in lower case. */
static void test_client__headers(void **state)
{
    (void)state;
    struct http_header headers[] = {
        {STR("X-Test"), STR("value")}, {STR("Cookie"), STR("a=b")}, {STR("X-Empty"), STR("")}};
    struct http_client_request request = request_to(HTTP_GET, "/headers");
    request.headers = headers;
    request.header_count = 3;
    struct http_client_response response;
    assert_int_equal(fetch(request, &response), 0);
    assert_str(response.body, "value|a=b");
    assert_str(header_of(&response, "etag"), "\"1\"");
    assert_str(header_of(&response, "x-handler"), "here");
    assert_str(header_of(&response, "content-length"), "9");
}

/* Any status is an answer, and a redirect is not followed. */
static void test_client__statuses(void **state)
{
    (void)state;
    struct http_client_response response;
    assert_int_equal(fetch(request_to(HTTP_GET, "/status/500"), &response), 0);
    assert_int_equal(response.status, 500);
    assert_str(response.body, "offered");
    assert_int_equal(fetch(request_to(HTTP_GET, "/status/302"), &response), 0);
    assert_int_equal(response.status, 302);
    assert_int_equal(fetch(request_to(HTTP_DELETE, "/status/204"), &response), 0);
    assert_int_equal(response.status, 204);
    assert_int_equal(response.body.len, 0);
}

/* Fetches one after the other share one connection. */
static void test_client__keeps_alive(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct http_client_response response;
        assert_int_equal(fetch(request_to(HTTP_POST, "/x"), &response), 0);
        assert_int_equal(http_server_connection_count(server->server), 1);
    }
}

/* A kept connection that the server has closed meanwhile is replaced without an error. */
static void test_client__replaces_closed_connections(void **state)
{
    (void)state;
    test_server_stop(server);
    struct http_server_config config = test_config();
    config.limits.idle_timeout_ms = 30;
    server = test_server_start(config);
    for (int i = 0; i < 3; i++) {
        struct http_client_response response;
        assert_int_equal(fetch(request_to(HTTP_GET, "/x"), &response), 0);
        assert_int_equal(response.status, 200);
        test_server_await_connections(server, 0);
    }
}

static void test_client__large_answer(void **state)
{
    (void)state;
    struct http_client_response response;
    assert_int_equal(fetch(request_to(HTTP_GET, "/large"), &response), 0);
    assert_int_equal(response.body.len, LARGE_BYTES);
    assert_int_equal(response.body.ptr[LARGE_BYTES - 1], 'l');
}

/* An answer over the limit is an error, whether the server announced its length (it does) or a limit of 0 is met. */
static void test_client__answer_too_large(void **state)
{
    (void)state;
    struct http_client_response response = {.status = -1};
    struct http_client_request request = request_to(HTTP_GET, "/large");
    request.body_bytes_max = LARGE_BYTES - 1;
    assert_int_equal(fetch(request, &response), ERR_TOO_LARGE);
    request = request_to(HTTP_GET, "/x");
    request.body_bytes_max = 0;
    assert_int_equal(fetch(request, &response), ERR_TOO_LARGE);
    assert_int_equal(response.status, -1); /* untouched */
}

/* An arena without room is an error of this fetch alone. */
static void test_client__arena_too_small(void **state)
{
    (void)state;
    struct arena *small = arena_new(20000);
    struct http_client_request request = request_to(HTTP_GET, "/large");
    struct http_client_response response;
    assert_int_equal(http_client_fetch(client, small, &request, &response), ERR_NO_MEMORY);
    arena_free(small);
    assert_int_equal(fetch(request_to(HTTP_GET, "/x"), &response), 0);
}

/* A server that does not answer in time. */
static void test_client__deadline(void **state)
{
    (void)state;
    struct http_client_response response;
    struct http_client_request request = request_to(HTTP_POST, "/held");
    request.timeout_ms = 60;
    int64_t start = clock_monotonic_ns();
    assert_int_equal(fetch(request, &response), ERR_DEADLINE);
    assert_in_range((clock_monotonic_ns() - start) / CLOCK_NS_PER_MS, 50, 3000);
}

struct held_fetch {
    struct task *task;
    struct arena *arena;
    struct http_client_request request;
    int error;
};

static void run_held_fetch(void *argument)
{
    struct held_fetch *held = argument;
    struct http_client_response response;
    held->error = http_client_fetch(client, held->arena, &held->request, &response);
}

/* With all connections in use a fetch waits for one, at most for its own time. */
static void test_client__pool_is_bounded(void **state)
{
    (void)state;
    struct held_fetch held[2];
    for (int i = 0; i < 2; i++) {
        held[i] = (struct held_fetch){.arena = arena_new(1u << 20), .request = request_to(HTTP_GET, "/held")};
        assert_int_equal(task_start(&held[i].task, "fetch", run_held_fetch, &held[i]), 0);
    }
    test_server_await_held(server, 2);
    struct http_client_response response;
    struct http_client_request request = request_to(HTTP_GET, "/x");
    request.timeout_ms = 50;
    assert_int_equal(fetch(request, &response), ERR_DEADLINE);
    assert_int_equal(http_server_connection_count(server->server), 2);
    test_server_release(server);
    assert_int_equal(fetch(request_to(HTTP_GET, "/x"), &response), 0);
    for (int i = 0; i < 2; i++) {
        task_join(held[i].task);
        assert_int_equal(held[i].error, 0);
        arena_free(held[i].arena);
    }
}

/* Nobody listens. */
static void test_client__connection_refused(void **state)
{
    (void)state;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    assert_int_equal(bind(descriptor, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &len), 0);
    struct http_client_request request = request_to(HTTP_GET, "/");
    request.url = str_from_cstr(arena_printf(arena, "http://127.0.0.1:%d/", ntohs(address.sin_port)));
    struct http_client_response response;
    assert_int_equal(fetch(request, &response), ERR_UNAVAILABLE);
    close(descriptor);
}

struct liar {
    int listener;
    const char *answer;
};

static void run_liar(void *argument)
{
    struct liar *liar = argument;
    char bytes[4096];
    int descriptor = accept(liar->listener, NULL, NULL);
    if (descriptor >= 0 && recv(descriptor, bytes, sizeof bytes, 0) > 0)
        test_send(descriptor, str_from_cstr(liar->answer));
    close(descriptor);
}

/* What a server gets that answers so. */
static int fetch_from_liar(const char *answer, size_t body_bytes_max)
{
    struct liar liar = {.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .answer = answer};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    assert_int_equal(bind(liar.listener, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(liar.listener, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(listen(liar.listener, 1), 0);
    struct task *task = NULL;
    assert_int_equal(task_start(&task, "liar", run_liar, &liar), 0);
    struct http_client_request request = request_to(HTTP_GET, "/");
    request.url = str_from_cstr(arena_printf(arena, "http://127.0.0.1:%d/", ntohs(address.sin_port)));
    request.body_bytes_max = body_bytes_max;
    struct http_client_response response;
    int error = fetch(request, &response);
    task_join(task);
    close(liar.listener);
    return error;
}

/* An answer cut short is none; one without a length ends with its connection, and has its limit too. */
static void test_client__broken_answers(void **state)
{
    (void)state;
    assert_int_equal(fetch_from_liar("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", 100), ERR_UNAVAILABLE);
    assert_int_equal(fetch_from_liar("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", 100),
                     ERR_UNAVAILABLE);
    assert_int_equal(fetch_from_liar("SMTP?\r\n", 100), ERR_UNAVAILABLE);
    assert_int_equal(fetch_from_liar("HTTP/1.1 200 OK\r\n\r\nwhole", 100), 0);
    assert_int_equal(fetch_from_liar("HTTP/1.1 200 OK\r\n\r\nwhole", 4), ERR_TOO_LARGE);
}

/* What is not a URL of HTTP, and header values that would begin another header. */
static void test_client__invalid_requests(void **state)
{
    (void)state;
    const char *urls[] = {"",
                          "ftp://127.0.0.1/",
                          "file:///etc/passwd",
                          "http://",
                          "http://127.0.0.1:99999/",
                          "http://user@127.0.0.1/",
                          "http://127.0.0.1/\r\nX: y"};
    struct http_client_response response;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct http_client_request request = request_to(HTTP_GET, "/");
        request.url = str_from_cstr(urls[i]);
        if (fetch(request, &response) != ERR_INVALID)
            fail_msg("\"%s\" was taken for a URL", urls[i]);
    }
    struct http_header header = {STR("X"), STR("a\r\nY: b")};
    struct http_client_request request = request_to(HTTP_GET, "/");
    request.headers = &header;
    request.header_count = 1;
    assert_int_equal(fetch(request, &response), ERR_INVALID);
    assert_int_equal(atomic_load(&server->requests), 0);
}

/* What a new client makes of our server over TLS, by that name, when it trusts those authorities (NULL: the system's).
 */
static int fetch_over_tls(const char *host, const char *authorities_path, const struct test_certificate *of_server)
{
    struct http_server_config config = test_config();
    config.tls = of_server->identity;
    struct test_server *secure = test_server_start(config);
    struct http_client *own = NULL;
    struct http_client_response response;
    char pem[8192];
    assert_int_equal(http_client_new(&own, 1), 0);
    if (authorities_path) {
        FILE *file = fopen(authorities_path, "re");
        assert_non_null(file);
        assert_int_equal(http_client_trust(own, str_from(pem, fread(pem, 1, sizeof pem, file))), 0);
        fclose(file);
    }
    struct http_client_request request = {.method = HTTP_GET, .timeout_ms = 5000, .body_bytes_max = 1000};
    request.url = str_from_cstr(arena_printf(arena, "https://%s:%d/", host, secure->port));
    int result = http_client_fetch(own, arena, &request, &response);
    assert_int_equal(atomic_load(&secure->requests), result == 0 ? 1 : 0); /* nothing was said to a stranger */
    http_client_free(own);
    test_server_stop(secure);
    return result;
}

/* A certificate must be by an authority that is known, and for the name that was asked. */
static void test_client__checks_certificates(void **state)
{
    (void)state;
    struct test_certificate first, second;
    test_certificate_make(&first);
    test_certificate_make(&second);
    assert_int_equal(fetch_over_tls("localhost", first.certificate_path, &first), 0);
    assert_int_equal(fetch_over_tls("localhost", NULL, &first), ERR_UNAVAILABLE);
    assert_int_equal(fetch_over_tls("localhost", second.certificate_path, &first), ERR_UNAVAILABLE);
    assert_int_equal(fetch_over_tls("127.0.0.1", first.certificate_path, &first), ERR_UNAVAILABLE);
    test_certificate_remove(&first);
    test_certificate_remove(&second);
}

static void assert_ports(const char *url, unsigned short first, unsigned short second)
{
    unsigned short ports[HTTP_CLIENT_PORTS_MAX] = {0};
    size_t count = 0;
    assert_int_equal(http_client_ports(url, ports, &count), 0);
    assert_int_equal(count, second ? 2 : 1);
    assert_int_equal(ports[0], first);
    if (second)
        assert_int_equal(ports[1], second);
}

/* Where fetches connect to, with and without a proxy that the environment names. */
static void test_client__names_its_ports(void **state)
{
    (void)state;
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"};
    unsigned short ports[HTTP_CLIENT_PORTS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
    assert_ports("https://api.stripe.com", 443, 0);
    assert_ports("http://127.0.0.1/v1", 80, 0);
    assert_ports("https://[::1]:8443/", 8443, 0);
    assert_int_equal(http_client_ports("https://host:99999", ports, &count), ERR_INVALID);
    assert_int_equal(http_client_ports("", ports, &count), ERR_INVALID);
    setenv("https_proxy", "http://proxy.example:3128", 1);
    assert_ports("https://api.stripe.com", 443, 3128);
    assert_ports("http://127.0.0.1", 80, 0);
    setenv("https_proxy", "proxy.example:8080/", 1);
    assert_ports("https://api.stripe.com", 443, 8080);
    setenv("https_proxy", "http://user:word@proxy.example:8081", 1);
    assert_ports("https://api.stripe.com", 443, 8081);
    setenv("https_proxy", "http://user:word@proxy.example", 1);
    assert_ports("https://api.stripe.com", 443, 1080);
    setenv("https_proxy", "http://[::1]:3129", 1);
    assert_ports("https://api.stripe.com", 443, 3129);
    setenv("https_proxy", "[::1]", 1);
    assert_ports("https://api.stripe.com", 443, 1080);
    setenv("https_proxy", "proxy.example", 1);
    assert_ports("https://api.stripe.com", 443, 1080);
    setenv("https_proxy", "https://proxy.example", 1);
    assert_ports("https://api.stripe.com", 443, 443);
    unsetenv("https_proxy");
    setenv("all_proxy", "socks5://proxy.example:1081", 1);
    assert_ports("https://api.stripe.com", 443, 1081);
    unsetenv("all_proxy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_client__methods, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client__headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client__statuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client__keeps_alive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client__replaces_closed_connections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client__large_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client__answer_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client__arena_too_small, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client__deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client__pool_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client__connection_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client__broken_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client__invalid_requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client__checks_certificates, set_up, tear_down),
        cmocka_unit_test(test_client__names_its_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
