/* The server over real sockets: HTTP/1. */
#include "platform/net/test_support.h"

static struct test_server *server;

static int set_up(void **state)
{
    (void)state;
    server = test_server_start(test_config());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_server_stop(server);
    return 0;
}

/* -- Requests ----------------------------------------------------------------------------------------------------- */

static void assert_answer(const char *request, const char *part)
{
    char *answer = test_exchange(server->port, request);
    assert_contains(answer, part);
    free(answer);
}

#define CLOSE "Connection: close\r\n"

/* The parts of a request reach the handler, in every form of target and body. */
static void test_server__request_parts(void **state)
{
    (void)state;
    assert_answer("GET /a%20b?c=d HTTP/1.1\r\nHost: shop:3000\r\n" CLOSE "\r\n", "\r\n\r\nGET /a%20b?c=d shop ");
    assert_answer("GET / HTTP/1.1\r\nhOsT: [::1]:3000\r\n" CLOSE "\r\n", "\r\n\r\nGET /? [::1] ");
    assert_answer("GET http://other:80/x?y HTTP/1.1\r\nHost: shop\r\n" CLOSE "\r\n", "\r\n\r\nGET /x?y other ");
    assert_answer("GET http://other HTTP/1.1\r\nHost: shop\r\n" CLOSE "\r\n", "\r\n\r\nGET /? other ");
    assert_answer("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n" CLOSE "\r\nhello", "\r\n\r\nPUT /x? a hello");
    assert_answer("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" CLOSE
                  "\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n",
                  "\r\n\r\nPOST /x? a hello");
    assert_answer("PROPFIND /x HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n", "\r\n\r\nUNKNOWN /x? a ");
    assert_answer("\r\nGET / HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n", "\r\n\r\nGET /? a ");
    assert_answer("OPTIONS * HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n", "HTTP/1.1 204 No Content\r\n");
    assert_answer("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade, close\r\n\r\n",
                  "\r\n\r\nGET /? a ");
}

/* However the bytes are cut into reads, the request is the same. */
static void test_server__request_byte_by_byte(void **state)
{
    (void)state;
    const char request[] = "POST /a?b HTTP/1.1\r\nHost: shop\r\nX-Long: ........................................\r\n"
                           "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
    int descriptor = test_connect(server->port);
    for (size_t i = 0; i < sizeof request - 1; i++)
        assert_true(test_send(descriptor, str_from(request + i, 1)));
    char *answer = test_read_all(descriptor, NULL);
    assert_contains(answer, "\r\n\r\nPOST /a?b shop body");
    free(answer);
    close(descriptor);
}

/* A head beyond the exchange's own storage, cut in the middle, and a body that grows. */
static void test_server__large_request(void **state)
{
    (void)state;
    static char request[600000];
    int len = snprintf(request, sizeof request,
                       "POST /x HTTP/1.1\r\nHost: a\r\nX-Test: %08000d\r\nContent-Length: 500000\r\n"
                       "Connection: close\r\n\r\n",
                       7);
    memset(request + len, 'b', 500000);
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, str_from(request, 3000)));
    test_server_await_connections(server, 1);
    assert_true(test_send(descriptor, str_from(request + 3000, (size_t)len + 500000 - 3000)));
    size_t answer_len = 0;
    char *answer = test_read_all(descriptor, &answer_len);
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(answer_len - (size_t)(body + 4 - answer), strlen("POST /x? a ") + 500000);
    free(answer);
    close(descriptor);
}

/* -- Answers ------------------------------------------------------------------------------------------------------ */

/* Header lines of a handler and of a blob are sent; a line end in a value never makes a header. */
static void test_server__answer_headers(void **state)
{
    (void)state;
    char *answer = test_exchange(server->port, "GET /headers HTTP/1.1\r\nHost: a\r\nX-Test:  v \t\r\n" CLOSE "\r\n");
    assert_contains(answer, "HTTP/1.1 200 OK\r\nDate: ");
    assert_contains(answer, " GMT\r\nContent-Length: 2\r\nConnection: close\r\nX-Handler: here\r\n");
    assert_contains(answer, "\r\nETag: \"1\"\r\nX-Cached: yes\r\n\r\nv|");
    assert_lacks(answer, "Injected");
    free(answer);
}

/* HEAD, 204 and 304 have no body; the last two have no length either (RFC 9110, 8.6). */
static void test_server__answers_without_body(void **state)
{
    (void)state;
    char *answer = test_exchange(server->port, "HEAD /status/200 HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n");
    assert_contains(answer, "Content-Length: 7\r\n");
    assert_lacks(answer, "offered");
    free(answer);
    for (int status = 204; status <= 304; status += 100) {
        char request[100];
        snprintf(request, sizeof request, "GET /status/%d HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n", status);
        answer = test_exchange(server->port, request);
        assert_contains(answer, status == 204 ? "HTTP/1.1 204 No Content\r\n" : "HTTP/1.1 304 Not Modified\r\n");
        assert_lacks(answer, "Content-Length");
        assert_lacks(answer, "offered");
        free(answer);
    }
}

/* Bodies that the socket does not take at once arrive whole, from a blob and from an arena. */
static void test_server__large_answers(void **state)
{
    (void)state;
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, STR("GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET /arena HTTP/1.1\r\nHost: a\r\n\r\n"
                                          "GET /large HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n")));
    size_t len = 0;
    char *answer = test_read_all(descriptor, &len);
    size_t large = 0;
    size_t arena = 0;
    for (size_t i = 0; i + 4 < len; i++) {
        large += memcmp(answer + i, "llll", 4) == 0;
        arena += memcmp(answer + i, "aaaa", 4) == 0;
    }
    assert_in_range(large, 2 * LARGE_BYTES - 8, 2 * LARGE_BYTES);
    assert_in_range(arena, ARENA_BYTES - 8, ARENA_BYTES);
    free(answer);
    close(descriptor);
}

/* HTTP/1.0 ends with its answer, unless it asks to go on. */
static void test_server__http_1_0(void **state)
{
    (void)state;
    assert_answer("GET /x HTTP/1.0\r\n\r\n", "\r\nConnection: close\r\n\r\nGET /x? ");
    char text[2000];
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, STR("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")));
    test_read_until(descriptor, text, sizeof text, "\r\n\r\nGET /1?  ");
    assert_contains(text, "\r\nConnection: keep-alive\r\n");
    assert_true(test_send(descriptor, STR("GET /2 HTTP/1.0\r\n\r\n")));
    test_read_until(descriptor, text, sizeof text, "GET /2?  ");
    close(descriptor);
}

/* A client that waits for it is told to go on, once, and before the answer. */
static void test_server__expect_continue(void **state)
{
    (void)state;
    char text[2000];
    int descriptor = test_connect(server->port);
    assert_true(
        test_send(descriptor, STR("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")));
    test_read_until(descriptor, text, sizeof text, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_true(test_send(descriptor, STR("body")));
    test_read_until(descriptor, text, sizeof text, "POST /x? a body");
    assert_lacks(text, "100 Continue");
    close(descriptor);
}

/* -- Pipelining, and answers from other tasks --------------------------------------------------------------------- */

/* Answers come in the order of the requests, whoever gives them and when; nothing is lost at the limit. */
static void test_server__pipelining(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    char requests[COUNT * 64];
    size_t len = 0;
    for (int i = 0; i < COUNT; i++)
        len += (size_t)snprintf(requests + len, sizeof requests - len, "GET %s?%d HTTP/1.1\r\nHost: a\r\n%s\r\n",
                                i % 3 == 0 ? "/later" : "/inline", i, i == COUNT - 1 ? CLOSE : "");
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, str_from(requests, len)));
    char *answer = test_read_all(descriptor, NULL);
    const char *at = answer;
    for (int i = 0; i < COUNT; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "GET %s?%d a ", i % 3 == 0 ? "/later" : "/inline", i);
        at = strstr(at, expected);
        assert_non_null(at);
    }
    assert_true(atomic_load(&server->batches) > 0);
    free(answer);
    close(descriptor);
}

/* No more than the limit is given to handlers at a time. */
static void test_server__pipelining_is_bounded(void **state)
{
    (void)state;
    int descriptor = test_connect(server->port);
    for (unsigned i = 0; i < http_limits_default.pipelined_max + 4; i++)
        assert_true(test_send(descriptor, STR("GET /held HTTP/1.1\r\nHost: a\r\n\r\n")));
    test_server_await_held(server, http_limits_default.pipelined_max);
    /* Another connection's request shows that the loop has gone on, and did not take the rest meanwhile. */
    assert_answer("GET / HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n", "GET /? a");
    assert_int_equal(server->held_count, http_limits_default.pipelined_max);
    test_server_release(server);
    test_server_await_held(server, 4);
    test_server_release(server);
    close(descriptor);
}

/* A client that ends its side still gets what it asked for. */
static void test_server__half_closed_client(void **state)
{
    (void)state;
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, STR("GET /held HTTP/1.1\r\nHost: a\r\n\r\n")));
    test_server_await_held(server, 1);
    assert_int_equal(shutdown(descriptor, SHUT_WR), 0);
    assert_answer("GET / HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n", "GET /? a"); /* the loop has seen the end */
    test_server_release(server);
    char *answer = test_read_all(descriptor, NULL);
    assert_contains(answer, "GET /held? a ");
    free(answer);
    close(descriptor);
}

/* The exchange of a peer that is gone stays valid until it was answered. */
static void test_server__dead_peer(void **state)
{
    (void)state;
    int descriptor = test_connect(server->port);
    struct linger reset = {.l_onoff = 1};
    assert_true(test_send(descriptor, STR("GET /held HTTP/1.1\r\nHost: shop\r\n\r\n")));
    test_server_await_held(server, 1);
    assert_false(http_exchange_is_dead(server->held[0]));
    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    close(descriptor);
    test_server_await_connections(server, 0);
    assert_true(http_exchange_is_dead(server->held[0]));
    assert_true(str_equal(http_exchange_request(server->held[0])->host, STR("shop")));
    test_server_release(server);
    assert_answer("GET / HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n", "GET /? a");
}

/* -- Refusals ----------------------------------------------------------------------------------------------------- */

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static const struct refusal {
    struct str request;
    int status;
} REFUSALS[] = {
    /* Two framings of one body (RFC 9112, 6.3). */
    {STR(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
    {STR(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"), 400},
    {STR(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), 400},
    {STR(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), 400},
    {STR(POST "Content-Length: 5, 5\r\n\r\nhello"), 400},
    {STR(POST "Content-Length: +5\r\n\r\nhello"), 400},
    {STR(POST "Content-Length: -5\r\n\r\nhello"), 400},
    {STR(POST "Content-Length: 0x5\r\n\r\nhello"), 400},
    {STR(POST "Content-Length: \r\n\r\nhello"), 400},
    {STR(POST "Content-Length: 99999999999999999999\r\n\r\nhello"), 400},
    /* Transfer codings. */
    {STR(POST "Transfer-Encoding: gzip\r\n\r\n"), 501},
    {STR(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501},
    {STR(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 501},
    {STR(POST "Transfer-Encoding: identity\r\n\r\n"), 501},
    {STR(POST "Transfer-Encoding: chunked, gzip\r\n\r\n"), 400},
    {STR(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
    {STR("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
    {STR(CHUNKED "5\nhello\r\n0\r\n\r\n"), 400},
    {STR(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n"), 400},
    {STR(CHUNKED "-5\r\nhello\r\n0\r\n\r\n"), 400},
    {STR(CHUNKED "5\r\nhelloo\r\n0\r\n\r\n"), 400},
    {STR(CHUNKED "fffffffffffffffff\r\nhello"), 400},
    {STR(CHUNKED "ffffffff\r\nhello"), 413},
    {STR(POST "Content-Length: 2097153\r\n\r\n"), 413},
    /* Lines. */
    {STR("GET / HTTP/1.1\nHost: a\n\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: a\n\r\n"), 400},
    {STR(GET "X: a\nY: b\r\n\r\n"), 400},
    {STR(GET "\n"), 400},
    {STR(GET "X: a\rY: b\r\n\r\n"), 400},
    {STR(GET "\rX: a\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\rX\r\nHost: a\r\n\r\n"), 400},
    {STR(GET "X: a\r\n b\r\n\r\n"), 400},
    {STR(GET "X: a\r\n\tb\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n"), 400},
    {STR(GET "X : a\r\n\r\n"), 400},
    {STR(GET "X\r\n\r\n"), 400},
    {STR(GET ": a\r\n\r\n"), 400},
    {STR(GET "X: a\0b\r\n\r\n"), 400},
    {STR(GET "X\0Y: a\r\n\r\n"), 400},
    {STR(GET "X: a\x01\r\n\r\n"), 400},
    {STR("\r\n\r\n\r\n\r\n"
         "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"
         "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"),
     400},
    /* Hosts and targets. */
    {STR("GET / HTTP/1.1\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400},
    {STR(GET "Host: a\r\n\r\n"), 400},
    {STR("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: a:80x\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), 400},
    {STR("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), 400},
    {STR("GET x HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    /* Methods, versions, expectations. */
    {STR("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"), 400}, /* two, joined by somebody */
    {STR("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), 501},
    {STR("FOO / HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("FOO\r\n\r\n"), 400},
    {STR("FOO a HTTP/1.1\r\nHost: a\r\n\r\n"), 400},
    {STR("FOO / bar\r\nHost: a\r\n\r\n"), 400},
    {STR("GET /\r\n\r\n"), 505},
    {STR("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505},
    {STR("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), 505},
    {STR("GET / HTTP/9.9\r\nHost: a\r\n\r\n"), 505},
    {STR("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"), 400},
    {STR(POST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n"), 417},
    {STR("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400},
};

static void assert_refused(struct str request, int status)
{
    unsigned before = atomic_load(&server->requests);
    int descriptor = test_connect(server->port);
    test_send(descriptor, request);
    char *answer = test_read_all(descriptor, NULL);
    char expected[64];
    snprintf(expected, sizeof expected, "HTTP/1.1 %d ", status);
    if (strncmp(answer, expected, strlen(expected)) != 0)
        fail_msg("\"%.*s\" was answered \"%s\", not %d", STR_FORMAT(str_slice(request, 0, 200)), answer, status);
    assert_contains(answer, "\r\nConnection: close\r\n");
    snprintf(expected, sizeof expected, "{\"status\":%d,\"detail\":\"", status);
    assert_contains(answer, expected);
    assert_int_equal(atomic_load(&server->requests), before); /* No handler saw it. */
    free(answer);
    close(descriptor);
}

/* What is not clearly one request is refused with the right status, and nothing behind it is read. */
static void test_server__refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REFUSALS / sizeof REFUSALS[0]; i++)
        assert_refused(REFUSALS[i].request, REFUSALS[i].status);
}

/* A preface of HTTP/2 that went wrong is no request: whoever sent it could not read an answer of HTTP/1. */
static void test_server__neither_protocol_is_closed(void **state)
{
    static const char *const lines[] = {"INVALID CONNECTION PREFACE\r\n\r\n", "a b c\n"};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        int descriptor = test_connect(server->port);
        test_send(descriptor, str_from_cstr(lines[i]));
        char *answer = test_read_all(descriptor, NULL);
        assert_string_equal(answer, "");
        free(answer);
        close(descriptor);
    }
}

static void assert_refused_padded(const char *before, char pad, int count, const char *after, int status)
{
    static char request[200000];
    size_t len = strlen(before);
    memcpy(request, before, len);
    memset(request + len, pad, (size_t)count);
    memcpy(request + len + count, after, strlen(after));
    assert_refused(str_from(request, len + (size_t)count + strlen(after)), status);
}

/* Every part of a request has a limit. */
static void test_server__limits(void **state)
{
    (void)state;
    assert_refused_padded("GET /", 'a', 8192, " HTTP/1.1\r\nHost: a\r\n\r\n", 414);
    assert_refused_padded("GET /", 'a', 100000, "", 414);
    assert_refused_padded(GET "X: ", 'a', 17000, "\r\n\r\n", 431);
    assert_refused_padded(GET "X:", ' ', 100000, "\r\n\r\n", 431);
    assert_refused_padded(GET, 'a', 20000, "", 431);
    assert_refused_padded(CHUNKED "5;", 'a', 2000, "\r\nhello\r\n0\r\n\r\n", 400);
    assert_refused_padded(CHUNKED "0\r\nX: ", 'a', 5000, "\r\n\r\n", 431);
    static char many[8000] = GET;
    for (int i = 0; i < HTTP_HEADERS_MAX; i++)
        strncat(many, "X: y\r\n", sizeof many - strlen(many) - 1);
    assert_refused(str_from_cstr(many), 431);
}

/* A body that grows past the limit in chunks is refused although its sender goes on, who can read the answer. */
static void test_server__chunks_too_large(void **state)
{
    (void)state;
    static char chunk[65536 + 9] = "10000\r\n";
    memset(chunk + 7, 'c', 65536);
    memcpy(chunk + 7 + 65536, "\r\n", 2);
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, STR(CHUNKED)));
    for (int i = 0; i < 40; i++)
        test_send(descriptor, str_from(chunk, sizeof chunk));
    char *answer = test_read_all(descriptor, NULL);
    assert_contains(answer, "HTTP/1.1 413 Content Too Large\r\n");
    free(answer);
    close(descriptor);
}

/* A refusal waits for the answers before it. */
static void test_server__refusal_behind_answers(void **state)
{
    (void)state;
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, STR("GET /held HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n")));
    test_server_await_held(server, 1);
    test_server_release(server);
    char *answer = test_read_all(descriptor, NULL);
    const char *first = strstr(answer, "GET /held? a ");
    assert_non_null(first);
    assert_contains(first, "HTTP/1.1 400 Bad Request\r\n");
    free(answer);
    close(descriptor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server__request_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__request_byte_by_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__large_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__answer_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__answers_without_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__large_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__http_1_0, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__expect_continue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__pipelining, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__pipelining_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__half_closed_client, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__dead_peer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__neither_protocol_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__chunks_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server__refusal_behind_answers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
