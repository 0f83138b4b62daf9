/* The server over real sockets: time-outs, numbers of connections, drain and end. */
#include "platform/base/buf.h"
#include "platform/net/server_internal.h"
#include "platform/net/test_support.h"

#include <sys/resource.h>
#include <poll.h>

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"

/* Short enough for a test; 0 leaves the default, which no test waits for. */
static struct http_server_config config_with(int64_t head_ms, int64_t body_ms, int64_t idle_ms, int64_t write_ms)
{
    struct http_server_config config = test_config();
    config.limits.head_timeout_ms = head_ms ? head_ms : config.limits.head_timeout_ms;
    config.limits.body_timeout_ms = body_ms ? body_ms : config.limits.body_timeout_ms;
    config.limits.idle_timeout_ms = idle_ms ? idle_ms : config.limits.idle_timeout_ms;
    config.limits.write_timeout_ms = write_ms ? write_ms : config.limits.write_timeout_ms;
    return config;
}

static void assert_timed_out(struct http_server_config config, const char *request, const char *expected)
{
    struct test_server *server = test_server_start(config);
    char *answer = test_exchange(server->port, request);
    assert_true(strncmp(answer, expected, strlen(expected)) == 0);
    assert_true(*expected == '\0' ? *answer == '\0' : strstr(answer, "Connection: close") != NULL);
    free(answer);
    test_server_stop(server);
}

/* A head that is not whole in time is answered 408, also behind a request that was answered. */
static void test_server_limits__slow_head(void **state)
{
    (void)state;
    assert_timed_out(config_with(60, 0, 0, 0), "GET / HTTP/1.1\r\nHost: ", "HTTP/1.1 408 Request Timeout\r\n");
    assert_timed_out(config_with(60, 0, 0, 0), "G", "HTTP/1.1 408 Request Timeout\r\n");
    struct test_server *server = test_server_start(config_with(60, 0, 0, 0));
    char *answer = test_exchange(server->port, GET "\r\nGET / HTTP/1.1\r\n");
    assert_contains(answer, "HTTP/1.1 200 OK\r\n");
    assert_contains(answer, "HTTP/1.1 408 Request Timeout\r\n");
    free(answer);
    test_server_stop(server);
}

/* The head's time is counted from its first byte: a byte now and then does not prolong it. */
static void test_server_limits__dripping_head(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(config_with(150, 0, 0, 0));
    int descriptor = test_connect(server->port);
    struct pollfd readable = {.fd = descriptor, .events = POLLIN};
    assert_true(test_send(descriptor, STR(GET "X: ")));
    int64_t start = clock_monotonic_ns();
    while (poll(&readable, 1, 10) == 0)
        test_send(descriptor, STR("a"));
    assert_in_range((clock_monotonic_ns() - start) / CLOCK_NS_PER_MS, 100, 3000);
    char *answer = test_read_all(descriptor, NULL);
    assert_contains(answer, "HTTP/1.1 408 ");
    free(answer);
    close(descriptor);
    test_server_stop(server);
}

static void test_server_limits__slow_body(void **state)
{
    (void)state;
    assert_timed_out(config_with(0, 60, 0, 0), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell",
                     "HTTP/1.1 408 Request Timeout\r\n");
    assert_timed_out(config_with(0, 60, 0, 0),
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                     "HTTP/1.1 408 Request Timeout\r\n");
}

/* A connection without a request, before the first or after one, is closed without a word. */
static void test_server_limits__idle(void **state)
{
    (void)state;
    assert_timed_out(config_with(0, 0, 60, 0), "", "");
    struct test_server *server = test_server_start(config_with(0, 0, 60, 0));
    char *answer = test_exchange(server->port, GET "\r\n");
    assert_lacks(answer, "Connection: close");
    assert_lacks(answer, "408");
    free(answer);
    test_server_stop(server);
}

/* A handler that takes its time is not an idle connection. */
static void test_server_limits__handler_is_not_idle(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(config_with(40, 40, 40, 40));
    int descriptor = test_connect(server->port);
    char text[1000];
    assert_true(test_send(descriptor, STR("GET /held HTTP/1.1\r\nHost: a\r\n\r\n")));
    test_server_await_held(server, 1);
    char *other = test_exchange(server->port, ""); /* idle: closed, so the time of the first one is over as well */
    free(other);
    test_server_release(server);
    test_read_until(descriptor, text, sizeof text, "GET /held? a ");
    close(descriptor);
    test_server_stop(server);
}

/* A peer that does not read is given up. */
static void test_server_limits__slow_reader(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(config_with(0, 0, 0, 100));
    int descriptor = test_connect(server->port);
    for (int i = 0; i < 8; i++)
        assert_true(test_send(descriptor, STR("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")));
    test_server_await_connections(server, 1);
    test_server_await_connections(server, 0);
    close(descriptor);
    test_server_stop(server);
}

static void assert_closed(int descriptor)
{
    char byte;
    assert_true(recv(descriptor, &byte, 1, 0) <= 0);
    close(descriptor);
}

static void assert_answered(int descriptor)
{
    char text[1000];
    assert_true(test_send(descriptor, STR(GET "\r\n")));
    test_read_until(descriptor, text, sizeof text, "GET /? a ");
}

static void assert_newcomer_is_answered(struct test_server *server)
{
    char *answer = test_exchange(server->port, GET "Connection: close\r\n\r\n");
    assert_contains(answer, "HTTP/1.1 200 OK\r\n");
    free(answer);
}

/* The connection beyond the limit takes the place of the one that has asked for nothing longest. */
static void test_server_limits__connections(void **state)
{
    (void)state;
    struct http_server_config config = test_config();
    config.limits.connections_max = 2;
    struct test_server *server = test_server_start(config);
    int first = test_connect(server->port);
    int second = test_connect(server->port);
    test_server_await_connections(server, 2);
    int64_t start = clock_monotonic_ns();
    while (clock_monotonic_ns() - start < 3 * CLOCK_NS_PER_MS) /* the loop's clock has milliseconds */
        assert_answered(first);
    assert_newcomer_is_answered(server);
    assert_closed(second);
    test_server_await_connections(server, 1);
    assert_newcomer_is_answered(server); /* there is room */
    assert_answered(first);
    close(first);
    test_server_stop(server);
}

#define IDLE_MS 900
#define REFRESHED_MS 100 /* more than the timer is late */
#define APART_MS 600     /* so far from each other two connections come */
#define TRIES_MAX 5

/* Whether the first of two is closed while the second must be open still. It cannot be told of a machine on which that
 * took too long. */
static bool is_closed_alone(int first, int second, int64_t second_since_ns)
{
    char byte;
    assert_closed(first);
    ssize_t len = recv(second, &byte, 1, MSG_DONTWAIT);
    bool is_open = len == -1 && errno == EAGAIN;
    bool is_in_time = clock_monotonic_ns() - second_since_ns < IDLE_MS * CLOCK_NS_PER_MS;
    assert_true(is_open || !is_in_time);
    close(second);
    return is_in_time;
}

/* One that was heard of again is closed when its own time is over, and not with one that came long after it. */
static void test_server_limits__idle_again(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(config_with(0, 0, IDLE_MS, 0));
    bool is_told = false;
    for (int i = 0; i < TRIES_MAX && !is_told; i++) {
        int refreshed = test_connect(server->port);
        int64_t start = clock_monotonic_ns();
        while (clock_monotonic_ns() - start < REFRESHED_MS * CLOCK_NS_PER_MS)
            assert_answered(refreshed);
        task_sleep_ms(APART_MS);
        int64_t later_since_ns = clock_monotonic_ns();
        int later = test_connect(server->port);
        is_told = is_closed_alone(refreshed, later, later_since_ns);
    }
    assert_true(is_told);
    test_server_stop(server);
}

/* One whose request is in a handler, which comes as the number'th of them. */
static int connect_held(struct test_server *server, unsigned number)
{
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, STR("GET /held HTTP/1.1\r\nHost: a\r\n\r\n")));
    test_server_await_held(server, number);
    return descriptor;
}

/* Lets the loop read what was sent and its clock, which has milliseconds, move on; so many are connected then. */
static void pass_a_tick(struct test_server *server, unsigned connections)
{
    int other = test_connect(server->port);
    int64_t start = clock_monotonic_ns();
    do
        assert_answered(other);
    while (clock_monotonic_ns() - start < 3 * CLOCK_NS_PER_MS);
    close(other);
    test_server_await_connections(server, connections);
}

/* Whoever has waited longest gives way, with half a head, half a body or idle; never who is being answered. */
static void test_server_limits__who_gives_way(void **state)
{
    (void)state;
    struct http_server_config config = test_config();
    config.limits.connections_max = 4;
    struct test_server *server = test_server_start(config);
    int held[4];
    char text[1000];
    int head = test_connect(server->port);
    assert_true(test_send(head, STR("GET / HT")));
    pass_a_tick(server, 1);
    int body = test_connect(server->port);
    assert_true(test_send(body, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")));
    pass_a_tick(server, 2);
    int idle = test_connect(server->port);
    pass_a_tick(server, 3);
    held[0] = connect_held(server, 1);
    held[1] = connect_held(server, 2);
    assert_closed(head);
    held[2] = connect_held(server, 3);
    assert_closed(body);
    held[3] = connect_held(server, 4);
    assert_closed(idle);
    assert_closed(test_connect(server->port));
    test_server_release(server);
    for (size_t i = 0; i < 4; i++) {
        test_read_until(held[i], text, sizeof text, "GET /held? a ");
        close(held[i]);
    }
    test_server_stop(server);
}

/* A server leaves files to the rest of the process, however many connections it was told to take: then there is room
 * for no more, and the first one gives way. */
static void test_server_limits__connections_leave_descriptors(void **state)
{
    (void)state;
    struct rlimit before, lower;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    lower = before;
    lower.rlim_cur = 100;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
    struct test_server *server = test_server_start(test_config());
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    int sockets[50];
    for (size_t i = 0; i < 50; i++)
        sockets[i] = test_connect(server->port);
    test_server_await_connections(server, 50);
    int newcomer = test_connect(server->port);
    assert_closed(sockets[0]);
    close(newcomer);
    for (size_t i = 1; i < 50; i++)
        close(sockets[i]);
    test_server_stop(server);
}

/* All bodies together have a limit, and what a body took is given back. */
static void test_server_limits__bodies(void **state)
{
    (void)state;
    struct http_server_config config = test_config();
    config.limits.bodies_bytes_max = 100000;
    struct test_server *server = test_server_start(config);
    static char request[50100] = "POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 40000\r\n\r\n";
    size_t head_len = strlen(request);
    memset(request + head_len, 'b', 40000);
    for (int round = 0; round < 3; round++) {
        int half = test_connect(server->port);
        assert_true(test_send(half, str_from(request, head_len + 39999)));
        char *answer = NULL;
        for (int i = 0; i < 1000 && (!answer || strncmp(answer, "HTTP/1.1 503", 12) != 0); i++) {
            free(answer); /* The loop may not have read the first body yet. */
            answer = test_exchange(server->port, request);
        }
        assert_contains(answer, "HTTP/1.1 503 Service Unavailable\r\n");
        free(answer);
        assert_true(test_send(half, STR("b")));
        answer = test_read_all(half, NULL);
        assert_contains(answer, "HTTP/1.1 200 OK\r\n");
        free(answer);
        close(half);
    }
    char *answer = test_exchange(server->port, request);
    assert_contains(answer, "HTTP/1.1 200 OK\r\n");
    free(answer);
    test_server_stop(server);
}

/* The answer to a body of so many bytes, chunked or with its length; the text is the answer's last part. */
static void assert_body(struct test_server *server, const char *path, size_t len, bool chunked, const char *status,
                        const char *text)
{
    CLEANUP(buf_free) struct buf request = BUF(2 * ROOMY_BYTES);
    buf_printf(&request, "POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", path);
    buf_printf(&request, chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: %zu\r\n\r\n", len);
    for (size_t sent = 0, piece; sent < len; sent += piece) {
        piece = len - sent < 50000 ? len - sent : 50000;
        if (chunked)
            buf_printf(&request, "%zx\r\n", piece);
        for (size_t i = 0; i < piece; i++)
            buf_append_char(&request, 'b');
        if (chunked)
            buf_append_cstr(&request, "\r\n");
    }
    if (chunked)
        buf_append_cstr(&request, "0\r\n\r\n");
    assert_int_equal(buf_error(&request), 0);
    int descriptor = test_connect(server->port);
    test_send(descriptor, buf_str(&request));
    char *answer = test_read_all(descriptor, NULL);
    assert_true(strncmp(answer, status, strlen(status)) == 0);
    assert_contains(answer, text);
    free(answer);
    close(descriptor);
}

/* A request may have a larger body than others have, up to a limit of its own. Whoever may not is told before more than
 * the usual limit is kept, and either limit is named. */
static void test_server_limits__large_body(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(test_config());
    for (int chunked = 0; chunked < 2; chunked++) {
        assert_body(server, "/roomy", 2097152, chunked, "HTTP/1.1 200 ", "\r\n\r\n2097152");
        assert_body(server, "/roomy", ROOMY_BYTES, chunked, "HTTP/1.1 200 ", "\r\n\r\n5000000");
        assert_int_equal(atomic_load(&server->requests), 2);
        assert_body(server, "/roomy", ROOMY_BYTES + 1, chunked, "HTTP/1.1 413 ", "at most 5000000 bytes");
        assert_body(server, "/x", 2097153, chunked, "HTTP/1.1 413 ", "at most 2097152 bytes");
        assert_body(server, "/closed", 2097153, chunked, "HTTP/1.1 401 ", "who are you?");
        assert_int_equal(atomic_load(&server->requests), 2);
        atomic_store(&server->requests, 0);
    }
    test_server_stop(server);
}

/* Who waits for 100 Continue hears whether the large body is wanted, and sends none that is not. */
static void test_server_limits__large_body_expected(void **state)
{
    (void)state;
    static const char *const rest =
        " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3000000\r\n\r\n";
    static const struct {
        const char *path, *expected;
    } cases[] = {{"POST /roomy", "HTTP/1.1 100 Continue\r\n\r\n"}, {"POST /closed", "HTTP/1.1 401 "}};
    struct test_server *server = test_server_start(test_config());
    for (size_t i = 0; i < 2; i++) {
        int descriptor = test_connect(server->port);
        char answer[100] = "";
        assert_true(test_send(descriptor, str_from_cstr(cases[i].path)) && test_send(descriptor, str_from_cstr(rest)));
        assert_true(recv(descriptor, answer, strlen(cases[i].expected), MSG_WAITALL) > 0);
        assert_string_equal(answer, cases[i].expected);
        close(descriptor);
    }
    test_server_stop(server);
}

/* -- Start, drain, end -------------------------------------------------------------------------------------------- */

static void never_called(void *context, struct http_exchange *exchange)
{
    (void)context;
    (void)exchange;
    fail();
}

/* A second server on the port is refused, although sockets may be shared within one. */
static void test_server_limits__address_taken(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(test_config());
    struct http_server_config config = test_config();
    struct http_server *second = NULL;
    char message[256] = "";
    config.on_request = never_called;
    config.port = server->port;
    assert_int_equal(http_server_start(&second, &config, message), ERR_UNAVAILABLE);
    assert_null(second);
    assert_contains(message, "in use");
    config.address = "not-an-address";
    assert_int_equal(http_server_start(&second, &config, message), ERR_UNAVAILABLE);
    assert_contains(message, "not-an-address");
    test_server_stop(server);
}

/* Several loops share one port; each can be spoken to. */
static void test_server_limits__loops_share_the_port(void **state)
{
    (void)state;
    struct http_server_config config = test_config();
    config.loop_count = 3;
    struct test_server *server = test_server_start(config);
    assert_int_equal(http_server_loop_count(server->server), 3);
    for (int i = 0; i < 30; i++) {
        char *answer = test_exchange(server->port, GET "Connection: close\r\n\r\n");
        assert_contains(answer, "GET /? a ");
        free(answer);
    }
    test_server_stop(server);
}

static void test_server_limits__ipv6(void **state)
{
    (void)state;
    struct http_server_config config = test_config();
    struct http_server *server = NULL;
    char message[256] = "";
    config.address = "::1";
    config.on_request = never_called;
    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool has_ipv6 = probe >= 0 && bind(probe, (const struct sockaddr *)&loopback, sizeof loopback) == 0;
    if (probe >= 0)
        close(probe);
    if (!has_ipv6)
        skip();
    assert_int_equal(http_server_start(&server, &config, message), 0);
    assert_true(http_server_port(server) > 0);
    http_server_free(server);
}

struct drain {
    struct test_server *server;
    int64_t deadline_ns;
    bool complete;
};

static void drain(void *argument)
{
    struct drain *drain = argument;
    drain->complete = http_server_drain(drain->server->server, drain->deadline_ns);
}

/* Waits until the listening socket is gone, which is what a drain does first. */
static void await_refused(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    for (int i = 0; i < READ_TIMEOUT_S * 1000; i++) {
        int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int result = connect(descriptor, (const struct sockaddr *)&address, sizeof address);
        close(descriptor);
        if (result != 0)
            return;
        task_sleep_ms(1);
    }
    fail();
}

/* A drain closes what is idle, and answers what is in flight with Connection: close. */
static void test_server_limits__drain(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(test_config());
    int idle = test_connect(server->port);
    int busy = test_connect(server->port);
    assert_true(test_send(busy, STR("GET /held HTTP/1.1\r\nHost: a\r\n\r\n")));
    test_server_await_held(server, 1);
    test_server_await_connections(server, 2);
    struct drain argument = {server, clock_monotonic_ns() + READ_TIMEOUT_S * CLOCK_NS_PER_S, false};
    struct task *task = NULL;
    assert_int_equal(task_start(&task, "drain", drain, &argument), 0);
    await_refused(server->port);
    char *nothing = test_read_all(idle, NULL);
    assert_string_equal(nothing, "");
    test_server_release(server);
    char *answer = test_read_all(busy, NULL);
    assert_contains(answer, "Connection: close\r\n");
    assert_contains(answer, "GET /held? a ");
    close(idle);
    close(busy);
    task_join(task);
    assert_true(argument.complete);
    free(nothing);
    free(answer);
    test_server_stop(server);
}

static void await_drain_wanted(struct http_server *server)
{
    for (int i = 0; i < READ_TIMEOUT_S * 1000 && !atomic_load(&server->drain_wanted); i++)
        task_sleep_ms(1);
    assert_true(atomic_load(&server->drain_wanted));
}

/* Who came before a drain is served by it, although the loop was busy and has neither accepted nor read: a whole
 * request, and one whose end comes later. */
static void test_server_limits__drain_serves_who_came_before(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(test_config());
    int halting = test_connect(server->port);
    assert_true(test_send(halting, STR("GET /halt HTTP/1.1\r\nHost: a\r\n\r\n")));
    test_server_await_halt(server);
    int whole = test_connect(server->port);
    assert_true(test_send(whole, STR("GET /whole HTTP/1.1\r\nHost: a\r\n\r\n")));
    int half = test_connect(server->port);
    assert_true(test_send(half, STR("POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbod")));
    struct drain argument = {server, clock_monotonic_ns() + READ_TIMEOUT_S * CLOCK_NS_PER_S, false};
    struct task *task = NULL;
    assert_int_equal(task_start(&task, "drain", drain, &argument), 0);
    await_drain_wanted(server->server);
    test_server_go_on(server);
    await_refused(server->port);
    assert_true(test_send(half, STR("y")));
    int descriptors[] = {halting, whole, half};
    const char *expected[] = {"GET /halt? a ", "GET /whole? a ", "POST /half? a body"};
    for (int i = 0; i < 3; i++) {
        char *answer = test_read_all(descriptors[i], NULL);
        assert_contains(answer, expected[i]);
        free(answer);
        close(descriptors[i]);
    }
    task_join(task);
    assert_true(argument.complete);
    test_server_stop(server);
}

/* What waits for peers that keep their connections open does not hold up the end: neither those that were answered
 * before, nor those that were told of a close already. */
static void test_server_limits__drain_does_not_wait_for_idle_peers(void **state)
{
    (void)state;
    static const char *const last_headers[] = {"\r\n", "Connection: close\r\n\r\n"};
    struct test_server *server = test_server_start(test_config());
    int peers[2];
    for (int i = 0; i < 2; i++) {
        peers[i] = test_connect(server->port);
        assert_true(test_send(peers[i], STR(GET)));
        assert_true(test_send(peers[i], str_from_cstr(last_headers[i])));
        char answer[512];
        test_read_until(peers[i], answer, sizeof answer, "GET /? a ");
    }
    assert_int_equal(http_server_connection_count(server->server), 2);
    assert_true(http_server_drain(server->server, clock_monotonic_ns() + HTTP_LINGER_MS / 2 * CLOCK_NS_PER_MS));
    for (int i = 0; i < 2; i++)
        close(peers[i]);
    test_server_stop(server);
}

/* A handler that does not come to an end is cut at the deadline, and may answer later. */
static void test_server_limits__drain_is_cut(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(test_config());
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, STR("GET /held HTTP/1.1\r\nHost: a\r\n\r\n")));
    test_server_await_held(server, 1);
    assert_false(http_server_drain(server->server, clock_monotonic_ns() + 50 * CLOCK_NS_PER_MS));
    assert_int_equal(http_server_connection_count(server->server), 0);
    assert_true(http_exchange_is_dead(server->held[0]));
    test_server_release(server);
    close(descriptor);
    test_server_stop(server);
}

struct freeing {
    struct test_server *server;
    bool is_freed; /* under the server's mutex */
};

static void free_server(void *argument)
{
    struct freeing *freeing = argument;
    http_server_free(freeing->server->server);
    TASK_LOCKED(&freeing->server->mutex);
    freeing->is_freed = true;
    task_cond_broadcast(&freeing->server->changed);
}

/* Whether it is freed, or will be in a moment. */
static bool is_soon_freed(struct freeing *freeing)
{
    int64_t deadline = clock_monotonic_ns() + 50 * CLOCK_NS_PER_MS;
    TASK_LOCKED(&freeing->server->mutex);
    while (!freeing->is_freed && task_cond_wait_until(&freeing->server->changed, &freeing->server->mutex, deadline))
        continue;
    return freeing->is_freed;
}

/* A server may be freed with open connections: they are cut, and it goes when its handlers have answered. */
static void test_server_limits__free_without_drain(void **state)
{
    (void)state;
    struct test_server *server = test_server_start(test_config());
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, STR("GET /held HTTP/1.1\r\nHost: a\r\n\r\n"
                                          "GET /held HTTP/1.1\r\nHost: a\r\n\r\nGET")));
    test_server_await_held(server, 2);
    struct freeing freeing = {server, false};
    struct task *task = NULL;
    assert_int_equal(task_start(&task, "free", free_server, &freeing), 0);
    assert_closed(descriptor);
    assert_false(is_soon_freed(&freeing));
    test_server_release(server);
    task_join(task);
    server->server = NULL;
    test_server_stop(server);
    http_server_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_limits__slow_head),
        cmocka_unit_test(test_server_limits__dripping_head),
        cmocka_unit_test(test_server_limits__slow_body),
        cmocka_unit_test(test_server_limits__idle),
        cmocka_unit_test(test_server_limits__idle_again),
        cmocka_unit_test(test_server_limits__handler_is_not_idle),
        cmocka_unit_test(test_server_limits__slow_reader),
        cmocka_unit_test(test_server_limits__connections),
        cmocka_unit_test(test_server_limits__who_gives_way),
        cmocka_unit_test(test_server_limits__connections_leave_descriptors),
        cmocka_unit_test(test_server_limits__bodies),
        cmocka_unit_test(test_server_limits__large_body),
        cmocka_unit_test(test_server_limits__large_body_expected),
        cmocka_unit_test(test_server_limits__address_taken),
        cmocka_unit_test(test_server_limits__loops_share_the_port),
        cmocka_unit_test(test_server_limits__ipv6),
        cmocka_unit_test(test_server_limits__drain),
        cmocka_unit_test(test_server_limits__drain_serves_who_came_before),
        cmocka_unit_test(test_server_limits__drain_does_not_wait_for_idle_peers),
        cmocka_unit_test(test_server_limits__drain_is_cut),
        cmocka_unit_test(test_server_limits__free_without_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
