/* For the tests of the server and the client: a server on a port of its own whose paths say what to do, and plain
 * sockets with a time-out on every read.
 *
 *   /held       kept until test_server_release
 *   /halt       its handler holds the loop until test_server_go_on
 *   /later      answered by another task, through a queue
 *   /large      LARGE_BYTES bytes, in a blob
 *   /arena      ARENA_BYTES bytes in the exchange's arena
 *   /status/N   that status, with a body offered
 *   /headers    a header from the handler and two from a head_blob, and the request's x-test and cookie as body
 *   /peer       "SCHEME PEER"
 *   /roomy      takes a body of ROOMY_BYTES
 *   /closed     answers a body over the usual limit by 401, before it is there
 *   /stream     an answer that goes on: test_server_stream gives it
 *   /talk       says back what comes of the body, as it comes
 *   /trailers   a body, and two trailers; /trailers/empty without the body
 *   others      "METHOD PATH?QUERY HOST BODY" inline */
#pragma once

#include "platform/base/err.h"
#include "platform/base/task.h"
#include "platform/net/http_stream.h"
#include "platform/net/server.h"
#include "platform/ports/clock/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define LARGE_BYTES (4u << 20)
#define ARENA_BYTES 100000u
#define ROOMY_BYTES 5000000u
#define HELD_MAX 256u
#define TEST_STREAMS_MAX 1024u
#define STREAM_BYTES_MAX 65536u
#define READ_TIMEOUT_S 5

struct test_server;

struct test_stream {
    struct test_server *server;
    struct http_stream *stream;
    bool is_ended;
    enum http_stream_end end;
};

struct test_server {
    struct http_server *server;
    struct http_blob *large;
    struct task_mutex mutex;
    struct task_cond changed;
    struct http_exchange *held[HELD_MAX];
    unsigned held_count;
    struct http_exchange *later[HELD_MAX];
    unsigned later_count;
    struct test_stream streams[TEST_STREAMS_MAX];
    unsigned stream_count;
    unsigned ended_count;
    bool is_halted, may_go_on;
    bool stopping;
    struct task *worker;
    atomic_uint requests;
    atomic_uint batches;
    atomic_uint gone;
    int port;
};

static const struct http_header test_trailers[] = {{{"x-ending", 8}, {"good", 4}}, {{"x-split", 7}, {"a\r\nb", 4}}};

static inline void test_answer(struct http_exchange *exchange, int status, struct str body)
{
    struct http_response response = {.status = status, .body = body};
    http_exchange_respond(exchange, &response);
}

static inline void test_describe(struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    const char *text = arena_printf(http_exchange_arena(exchange), "%s %.*s?%.*s %.*s %.*s",
                                    http_method_name(request->method), STR_FORMAT(request->path),
                                    STR_FORMAT(request->query), STR_FORMAT(request->host), STR_FORMAT(request->body));
    test_answer(exchange, text ? 200 : 503, str_from_cstr(text));
}

static inline void test_answer_headers(struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct http_response response = {.status = 200};
    const char *text =
        arena_printf(http_exchange_arena(exchange), "%.*s|%.*s", STR_FORMAT(http_header_find(request, "x-test")),
                     STR_FORMAT(http_header_find(request, "cookie")));
    response.body = str_from_cstr(text);
    response.head_blob = http_blob_new(STR("ETag: \"1\"\r\nX-Cached: yes\r\n"));
    http_response_header(&response, STR("X-Handler"), STR("here"));
    http_response_header(&response, STR("X-Split"), STR("a\r\nX-Injected: b"));
    http_exchange_respond(exchange, &response);
}

static inline void test_answer_arena(struct http_exchange *exchange)
{
    char *bytes = arena_alloc(http_exchange_arena(exchange), ARENA_BYTES);
    if (bytes)
        memset(bytes, 'a', ARENA_BYTES);
    test_answer(exchange, bytes ? 200 : 503, str_from(bytes, bytes ? ARENA_BYTES : 0));
}

static inline void test_on_stream_end(void *context, enum http_stream_end end)
{
    struct test_stream *stream = context;
    TASK_LOCKED(&stream->server->mutex);
    ASSERT(!stream->is_ended);
    stream->is_ended = true;
    stream->end = end;
    stream->server->ended_count++;
    task_cond_broadcast(&stream->server->changed);
}

static inline void test_answer_stream(struct test_server *server, struct http_exchange *exchange)
{
    struct http_response response = {.status = 200};
    task_mutex_lock(&server->mutex);
    ASSERT(server->stream_count < TEST_STREAMS_MAX);
    struct test_stream *stream = &server->streams[server->stream_count];
    *stream = (struct test_stream){.server = server};
    stream->stream = http_stream_new(STREAM_BYTES_MAX, test_on_stream_end, stream);
    ASSERT(stream->stream);
    response.stream = http_stream_ref(stream->stream);
    response.trailers = test_trailers;
    response.trailer_count = 1;
    task_mutex_unlock(&server->mutex);
    http_response_header(&response, STR("Content-Type"), STR("text/event-stream"));
    http_exchange_respond(exchange, &response);
    TASK_LOCKED(&server->mutex);
    server->stream_count++;
    task_cond_broadcast(&server->changed);
}

static inline void test_halt(struct test_server *server)
{
    TASK_LOCKED(&server->mutex);
    server->is_halted = true;
    task_cond_broadcast(&server->changed);
    while (!server->may_go_on)
        task_cond_wait(&server->changed, &server->mutex);
}

static inline void test_answer_trailers(struct http_exchange *exchange, struct str body)
{
    struct http_response response = {.status = 200, .body = body, .trailers = test_trailers, .trailer_count = 2};
    http_exchange_respond(exchange, &response);
}

/* What a conversation was told comes back, piece by piece, and ends as it does. */
static inline void test_on_input(void *context, struct str bytes, bool is_last)
{
    struct test_stream *stream = context;
    struct http_blob *blob = bytes.len > 0 ? http_blob_new(bytes) : NULL;
    if (blob)
        http_stream_write(stream->stream, blob);
    http_blob_unref(blob);
    if (is_last)
        http_stream_close(stream->stream);
}

static inline bool test_on_head(void *context, struct http_exchange *exchange)
{
    struct test_server *server = context;
    struct http_response response = {.status = 200, .trailers = test_trailers, .trailer_count = 1};
    if (!str_equal(http_exchange_request(exchange)->path, STR("/talk")))
        return false;
    task_mutex_lock(&server->mutex);
    struct test_stream *stream = &server->streams[server->stream_count++];
    *stream = (struct test_stream){.server = server};
    stream->stream = http_stream_new(STREAM_BYTES_MAX, test_on_stream_end, stream);
    ASSERT(stream->stream);
    response.stream = http_stream_ref(stream->stream);
    task_mutex_unlock(&server->mutex);
    response.on_input = test_on_input;
    response.input_context = stream;
    http_exchange_respond(exchange, &response);
    return true;
}

static inline void test_on_gone(void *context, struct http_exchange *exchange)
{
    ASSERT(http_exchange_is_dead(exchange));
    atomic_fetch_add(&((struct test_server *)context)->gone, 1);
}

static inline void test_on_request(void *context, struct http_exchange *exchange)
{
    struct test_server *server = context;
    struct str path = http_exchange_request(exchange)->path;
    atomic_fetch_add(&server->requests, 1);
    if (str_equal(path, STR("/held")) || str_equal(path, STR("/later"))) {
        TASK_LOCKED(&server->mutex);
        bool held = str_equal(path, STR("/held"));
        unsigned *count = held ? &server->held_count : &server->later_count;
        ASSERT(*count < HELD_MAX);
        (held ? server->held : server->later)[(*count)++] = exchange;
        task_cond_broadcast(&server->changed);
    } else if (str_equal(path, STR("/halt"))) {
        test_halt(server);
        test_describe(exchange);
    } else if (str_equal(path, STR("/large"))) {
        struct http_response response = {.status = 200, .blob = http_blob_ref(server->large)};
        http_exchange_respond(exchange, &response);
    } else if (str_equal(path, STR("/stream"))) {
        test_answer_stream(server, exchange);
    } else if (str_starts_with(path, STR("/trailers"))) {
        test_answer_trailers(exchange, path.len > 9 ? STR_EMPTY : STR("behind the body"));
    } else if (str_equal(path, STR("/arena"))) {
        test_answer_arena(exchange);
    } else if (str_starts_with(path, STR("/status/"))) {
        int64_t status = 500;
        str_to_int64(str_skip(path, 8), &status);
        test_answer(exchange, (int)status, STR("offered"));
    } else if (str_equal(path, STR("/peer"))) {
        const struct http_request *request = http_exchange_request(exchange);
        const char *text = arena_printf(http_exchange_arena(exchange), "%.*s %.*s", STR_FORMAT(request->scheme),
                                        STR_FORMAT(request->peer));
        test_answer(exchange, 200, str_from_cstr(text));
    } else if (str_equal(path, STR("/headers"))) {
        test_answer_headers(exchange);
    } else if (str_equal(path, STR("/roomy"))) {
        const char *text =
            arena_printf(http_exchange_arena(exchange), "%zu", http_exchange_request(exchange)->body.len);
        test_answer(exchange, 200, str_from_cstr(text));
    } else {
        test_describe(exchange);
    }
}

static inline void test_on_batch_end(void *context, unsigned loop_index)
{
    (void)loop_index;
    atomic_fetch_add(&((struct test_server *)context)->batches, 1);
}

static inline size_t test_on_large_body(void *context, const struct http_request *request, struct arena *arena,
                                        struct http_response *ret_response)
{
    (void)context;
    (void)arena;
    if (str_equal(request->path, STR("/closed"))) {
        ret_response->status = 401;
        ret_response->body = STR("who are you?");
    }
    return str_equal(request->path, STR("/roomy")) ? ROOMY_BYTES : 0;
}

static inline void test_on_refusal(void *context, int status, const char *detail, struct arena *arena,
                                   struct http_response *ret_response)
{
    (void)context;
    const char *text = arena_printf(arena, "{\"status\":%d,\"detail\":\"%s\"}", status, detail);
    ret_response->body = str_from_cstr(text);
    http_response_header(ret_response, STR("Content-Type"), STR("application/problem+json"));
}

static inline void test_worker(void *context)
{
    struct test_server *server = context;
    task_mutex_lock(&server->mutex);
    while (!server->stopping || server->later_count > 0) {
        if (server->later_count == 0) {
            task_cond_wait(&server->changed, &server->mutex);
            continue;
        }
        struct http_exchange *exchange = server->later[--server->later_count]; /* the newest first */
        task_mutex_unlock(&server->mutex);
        test_describe(exchange);
        task_mutex_lock(&server->mutex);
    }
    task_mutex_unlock(&server->mutex);
}

static inline struct http_server_config test_config(void)
{
    struct http_server_config config = {.address = "127.0.0.1", .loop_count = 1, .limits = http_limits_default};
    return config;
}

static inline struct test_server *test_server_start(struct http_server_config config)
{
    struct test_server *server = calloc(1, sizeof *server);
    char message[256] = "";
    assert_non_null(server);
    char *bytes = malloc(LARGE_BYTES);
    assert_non_null(bytes);
    memset(bytes, 'l', LARGE_BYTES);
    server->large = http_blob_new(str_from(bytes, LARGE_BYTES));
    free(bytes);
    task_mutex_init(&server->mutex);
    task_cond_init(&server->changed);
    config.context = server;
    config.on_request = test_on_request;
    config.on_batch_end = test_on_batch_end;
    config.on_large_body = test_on_large_body;
    config.on_refusal = test_on_refusal;
    config.on_gone = test_on_gone;
    config.on_head = test_on_head;
    if (http_server_start(&server->server, &config, message) < 0)
        fail_msg("%s", message);
    server->port = http_server_port(server->server);
    assert_int_equal(task_start(&server->worker, "worker", test_worker, server), 0);
    return server;
}

/* Waits until count exchanges are held. */
static inline void test_server_await_held(struct test_server *server, unsigned count)
{
    int64_t deadline = clock_monotonic_ns() + READ_TIMEOUT_S * CLOCK_NS_PER_S;
    TASK_LOCKED(&server->mutex);
    while (server->held_count < count)
        assert_true(task_cond_wait_until(&server->changed, &server->mutex, deadline));
}

/* Waits until the loop does nothing but to handle /halt. */
static inline void test_server_await_halt(struct test_server *server)
{
    int64_t deadline = clock_monotonic_ns() + READ_TIMEOUT_S * CLOCK_NS_PER_S;
    TASK_LOCKED(&server->mutex);
    while (!server->is_halted)
        assert_true(task_cond_wait_until(&server->changed, &server->mutex, deadline));
}

static inline void test_server_go_on(struct test_server *server)
{
    TASK_LOCKED(&server->mutex);
    server->may_go_on = true;
    task_cond_broadcast(&server->changed);
}

/* Answers what is held, the first one last. */
static inline void test_server_release(struct test_server *server)
{
    TASK_LOCKED(&server->mutex);
    while (server->held_count > 0)
        test_describe(server->held[--server->held_count]);
}

/* The stream of that number, once it was asked for. */
static inline struct test_stream *test_server_stream(struct test_server *server, unsigned number)
{
    int64_t deadline = clock_monotonic_ns() + READ_TIMEOUT_S * CLOCK_NS_PER_S;
    TASK_LOCKED(&server->mutex);
    while (server->stream_count <= number)
        assert_true(task_cond_wait_until(&server->changed, &server->mutex, deadline));
    return &server->streams[number];
}

/* How that stream ended, once it has. */
static inline enum http_stream_end test_stream_end(struct test_stream *stream)
{
    int64_t deadline = clock_monotonic_ns() + READ_TIMEOUT_S * CLOCK_NS_PER_S;
    TASK_LOCKED(&stream->server->mutex);
    while (!stream->is_ended)
        assert_true(task_cond_wait_until(&stream->server->changed, &stream->server->mutex, deadline));
    return stream->end;
}

static inline int test_stream_write(struct test_stream *stream, struct str bytes)
{
    struct http_blob *blob = http_blob_new(bytes);
    assert_non_null(blob);
    int result = http_stream_write(stream->stream, blob);
    http_blob_unref(blob);
    return result;
}

static inline void test_server_stop(struct test_server *server)
{
    test_server_release(server);
    task_mutex_lock(&server->mutex);
    server->stopping = true;
    task_cond_broadcast(&server->changed);
    task_mutex_unlock(&server->mutex);
    task_join(server->worker);
    http_server_free(server->server);
    assert_int_equal(server->ended_count, server->stream_count);
    for (unsigned i = 0; i < server->stream_count; i++)
        http_stream_unref(server->streams[i].stream);
    http_blob_unref(server->large);
    task_cond_destroy(&server->changed);
    task_mutex_destroy(&server->mutex);
    free(server);
}

/* Waits until the server has that many connections. */
static inline void test_server_await_connections(struct test_server *server, unsigned count)
{
    for (int i = 0; i < READ_TIMEOUT_S * 1000 && http_server_connection_count(server->server) != count; i++)
        task_sleep_ms(1);
    assert_int_equal(http_server_connection_count(server->server), count);
}

/* -- Sockets ------------------------------------------------------------------------------------------------------ */

static inline int test_connect(int port)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval timeout = {.tv_sec = READ_TIMEOUT_S};
    int on = 1;
    assert_true(descriptor >= 0);
    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    assert_int_equal(setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    assert_int_equal(connect(descriptor, (const struct sockaddr *)&address, sizeof address), 0);
    return descriptor;
}

/* False when the peer does not take it any more. */
static inline bool test_send(int descriptor, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(descriptor, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes = str_skip(bytes, (size_t)sent);
    }
    return true;
}

/* Everything until the peer's FIN, NUL-terminated; fails on a reset or when nothing comes. Free it. */
static inline char *test_read_all(int descriptor, size_t *ret_len)
{
    size_t capacity = 65536;
    size_t len = 0;
    char *bytes = malloc(capacity);
    assert_non_null(bytes);
    for (;;) {
        if (capacity - len < 2) {
            capacity *= 2;
            bytes = realloc(bytes, capacity);
            assert_non_null(bytes);
        }
        ssize_t count = recv(descriptor, bytes + len, capacity - len - 1, 0);
        if (count < 0)
            fail_msg("reading: %s after %zu bytes", strerrorname_np(errno), len);
        if (count <= 0)
            break;
        len += (size_t)count;
    }
    bytes[len] = '\0';
    if (ret_len)
        *ret_len = len;
    return bytes;
}

/* Reads until the text ends in the suffix; for answers on connections that stay open. */
static inline void test_read_until(int descriptor, char *text, size_t capacity, const char *suffix)
{
    size_t len = 0;
    size_t suffix_len = strlen(suffix);
    text[0] = '\0';
    while (len < suffix_len || strcmp(text + len - suffix_len, suffix) != 0) {
        ssize_t count = len + 1 < capacity ? recv(descriptor, text + len, capacity - len - 1, 0) : -1;
        if (count <= 0)
            fail_msg("no \"%s\" at the end of \"%s\"", suffix, text);
        len += (size_t)(count > 0 ? count : 0);
        text[len] = '\0';
    }
}

/* One request on a connection of its own, read to its end. */
static inline char *test_exchange(int port, const char *request)
{
    int descriptor = test_connect(port);
    test_send(descriptor, str_from_cstr(request));
    char *answer = test_read_all(descriptor, NULL);
    close(descriptor);
    return answer;
}

static inline void assert_contains(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("\"%s\" is not in \"%.2000s\"", part, text ? text : "");
}

static inline void assert_lacks(const char *text, const char *part)
{
    if (!text || strstr(text, part))
        fail_msg("\"%s\" is in \"%.2000s\"", part, text ? text : "");
}
