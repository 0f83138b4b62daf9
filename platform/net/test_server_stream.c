/* Answers that go on, over real sockets: what is written arrives, both sides can end it, and nobody is waited for. */
#include "platform/net/server_internal.h"
#include "platform/net/test_support.h"

#include <malloc.h>

#define GET_STREAM "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"
#define MANY 300
#define PIECES_MAX 100000
#define STREAM_MEMORY_MAX 8192u
#define HTTP2_WINDOW 65535u

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

/* A connection whose stream has begun. */
static int open_stream(unsigned number, struct test_stream **ret_stream)
{
    char head[2000];
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, STR(GET_STREAM)));
    *ret_stream = test_server_stream(server, number);
    test_read_until(descriptor, head, sizeof head, "\r\n\r\n");
    assert_contains(head, "HTTP/1.1 200 OK\r\n");
    return descriptor;
}

/* -- HTTP/1 -------------------------------------------------------------------------------------------------------- */

/* Each piece arrives by itself, as a chunk; the end is told to both sides, and the connection goes with it. */
static void test_server_stream__pieces(void **state)
{
    (void)state;
    struct test_stream *stream = NULL;
    char text[1000];
    int descriptor = open_stream(0, &stream);
    assert_int_equal(test_stream_write(stream, STR("data: 1\n\n")), 0);
    test_read_until(descriptor, text, sizeof text, "9\r\ndata: 1\n\n\r\n");
    assert_int_equal(atomic_load(&server->server->stream_count), 1);
    assert_int_equal(test_stream_write(stream, STR("a")), 0);
    assert_int_equal(test_stream_write(stream, STR("b")), 0);
    http_stream_close(stream->stream);
    char *rest = test_read_all(descriptor, NULL);
    assert_string_equal(rest, "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    assert_int_equal(test_stream_end(stream), HTTP_STREAM_ENDED);
    assert_int_equal(test_stream_write(stream, STR("late")), ERR_CANCELLED);
    assert_int_equal(atomic_load(&server->server->stream_count), 0);
    free(rest);
    close(descriptor);
}

static void assert_whole_answer(const char *request, const char *head, const char *lacks, const char *body)
{
    unsigned number = server->stream_count;
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, str_from_cstr(request)));
    struct test_stream *stream = test_server_stream(server, number);
    (void)test_stream_write(stream, STR("data: 1\n\n"));
    http_stream_close(stream->stream);
    char *answer = test_read_all(descriptor, NULL);
    const char *end = strstr(answer, "\r\n\r\n");
    assert_contains(answer, head);
    assert_lacks(answer, lacks);
    assert_non_null(end);
    assert_string_equal(end + 4, body);
    (void)test_stream_end(stream);
    free(answer);
    close(descriptor);
}

/* HTTP/1.0 has no chunks, HEAD no body; the first of two pipelined requests is the last that is answered. */
static void test_server_stream__framing(void **state)
{
    (void)state;
    assert_whole_answer(GET_STREAM, "Transfer-Encoding: chunked\r\n", "Content-Length",
                        "9\r\ndata: 1\n\n\r\n0\r\n\r\n");
    assert_whole_answer("GET /stream HTTP/1.0\r\n\r\n", "Connection: close\r\n", "chunked", "data: 1\n\n");
    assert_whole_answer("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n", "Connection: close\r\n", "chunked", "");
    assert_whole_answer(GET_STREAM "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "Connection: close\r\n", "GET /? a",
                        "9\r\ndata: 1\n\n\r\n0\r\n\r\n");
}

/* What is written before the head can be sent, behind an earlier answer, is kept. */
static void test_server_stream__waits_for_earlier_answers(void **state)
{
    (void)state;
    char text[2000];
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, STR("GET /held HTTP/1.1\r\nHost: a\r\n\r\n" GET_STREAM)));
    struct test_stream *stream = test_server_stream(server, 0);
    assert_int_equal(test_stream_write(stream, STR("early")), 0);
    test_server_await_held(server, 1);
    test_server_release(server);
    test_read_until(descriptor, text, sizeof text, "5\r\nearly\r\n");
    assert_contains(text, "GET /held? a ");
    close(descriptor);
    assert_int_equal(test_stream_end(stream), HTTP_STREAM_GONE);
}

/* A peer that goes, with a FIN or with a reset, and one that goes before its answer begins. */
static void test_server_stream__peer_goes(void **state)
{
    (void)state;
    struct linger reset = {.l_onoff = 1};
    struct test_stream *stream = NULL;
    for (unsigned i = 0; i < 2; i++) {
        int descriptor = open_stream(i, &stream);
        if (i == 1)
            assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
        close(descriptor);
        assert_int_equal(test_stream_end(stream), HTTP_STREAM_GONE);
    }
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, STR("GET /held HTTP/1.1\r\nHost: a\r\n\r\n" GET_STREAM)));
    stream = test_server_stream(server, 2);
    test_server_await_held(server, 1);
    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    close(descriptor);
    assert_int_equal(test_stream_end(stream), HTTP_STREAM_GONE);
    test_server_release(server);
    test_server_await_connections(server, 0);
}

/* Writes until the stream is cut; how many pieces it took. */
static int write_until_cut(struct test_stream *stream, struct str piece)
{
    int count = 0, result = 0;
    while (result == 0 && count < PIECES_MAX) {
        result = test_stream_write(stream, piece);
        count++;
    }
    assert_int_equal(result, ERR_TOO_LARGE);
    return count;
}

/* A peer that does not read is cut, in a way that it does not take for the end, and holds no more than its limit. */
static void test_server_stream__slow_reader(void **state)
{
    (void)state;
    struct test_stream *stream = NULL;
    char piece[1000];
    memset(piece, 'p', sizeof piece);
    int descriptor = open_stream(0, &stream);
    write_until_cut(stream, str_from(piece, sizeof piece));
    assert_int_equal(test_stream_end(stream), HTTP_STREAM_SLOW);
    assert_int_equal(test_stream_write(stream, STR("more")), ERR_CANCELLED);
    test_server_await_connections(server, 0);
    size_t len = 0;
    char bytes[65536];
    ssize_t count;
    while ((count = recv(descriptor, bytes, sizeof bytes, 0)) > 0)
        len = (size_t)count;
    assert_true(len < 5 || memcmp(bytes + len - 5, "0\r\n\r\n", 5) != 0);
    close(descriptor);
}

/* What a peer takes too late is cut by the clock as well, however little it is. */
static void test_server_stream__stalled_reader(void **state)
{
    (void)state;
    struct http_server_config config = test_config();
    struct test_stream *stream = NULL;
    config.limits.write_timeout_ms = 100;
    test_server_stop(server);
    server = test_server_start(config);
    char piece[40000];
    memset(piece, 'p', sizeof piece);
    int descriptor = open_stream(0, &stream);
    /* Up to the brim, by what the stream has room for; then nothing more is written. */
    for (int i = 0; i < 2000 && !stream->is_ended; i++) {
        if (!http_stream_has_pieces(stream->stream))
            (void)test_stream_write(stream, str_from(piece, sizeof piece));
        else
            task_sleep_ms(1);
    }
    assert_int_equal(test_stream_end(stream), HTTP_STREAM_SLOW);
    close(descriptor);
}

/* One blob goes to all, from another task than the loops', and is freed with the last that had it. */
static void test_server_stream__many(void **state)
{
    (void)state;
    static int descriptors[MANY];
    struct test_stream *stream = NULL;
    char text[2000];
    struct mallinfo2 half = {0};
    for (unsigned i = 0; i < MANY; i++) {
        descriptors[i] = open_stream(i, &stream);
        if (i + 1 == MANY / 2)
            half = mallinfo2();
    }
    struct mallinfo2 whole = mallinfo2();
    size_t grown = whole.uordblks > half.uordblks ? whole.uordblks - half.uordblks : 0;
    assert_in_range(grown / (MANY / 2), 0, STREAM_MEMORY_MAX);
    assert_int_equal(atomic_load(&server->server->stream_count), MANY);
    struct http_blob *blob = http_blob_new(STR("to all"));
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(http_stream_write(server->streams[i].stream, blob), 0);
    http_blob_unref(blob);
    for (unsigned i = 0; i < MANY; i++)
        test_read_until(descriptors[i], text, sizeof text, "6\r\nto all\r\n");
    for (unsigned i = 0; i < MANY; i++)
        close(descriptors[i]);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(test_stream_end(&server->streams[i]), HTTP_STREAM_GONE);
}

/* A drain ends streams at once, with a last chunk where the peer reads, and never waits for one that does not. */
static void test_server_stream__drain(void **state)
{
    (void)state;
    struct test_stream *reads = NULL, *stalls = NULL;
    char piece[40000];
    memset(piece, 'p', sizeof piece);
    int reader = open_stream(0, &reads);
    int staller = open_stream(1, &stalls);
    for (int i = 0; i < 500; i++) {
        if (!http_stream_has_pieces(stalls->stream))
            assert_int_equal(test_stream_write(stalls, str_from(piece, sizeof piece)), 0);
        else
            task_sleep_ms(1);
    }
    int64_t start_ns = clock_monotonic_ns();
    assert_true(http_server_drain(server->server, start_ns + READ_TIMEOUT_S * CLOCK_NS_PER_S));
    assert_in_range((clock_monotonic_ns() - start_ns) / CLOCK_NS_PER_MS, 0, 2000);
    assert_int_equal(test_stream_end(reads), HTTP_STREAM_DRAINED);
    assert_int_equal(test_stream_end(stalls), HTTP_STREAM_DRAINED);
    char *rest = test_read_all(reader, NULL);
    assert_string_equal(rest, "0\r\n\r\n");
    free(rest);
    close(reader);
    close(staller);
}

/* -- HTTP/2 -------------------------------------------------------------------------------------------------------- */

struct client {
    nghttp2_session *session;
    int descriptor;
    char body[2][4000]; /* by half the stream's id */
    size_t body_len[2];
    unsigned closed_count;
    uint32_t error_code;
    int status;
};

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data, size_t len,
                   void *context)
{
    (void)session;
    (void)flags;
    struct client *client = context;
    size_t index = (size_t)stream_id / 2;
    if (client->body_len[index] + len < sizeof client->body[index])
        memcpy(client->body[index] + client->body_len[index], data, len);
    client->body_len[index] += len;
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *context)
{
    (void)session;
    (void)frame;
    (void)value_len;
    (void)flags;
    struct client *client = context;
    if (name_len == 7)
        client->status = atoi((const char *)value);
    assert_false(client->status == 200 && name_len == 14 && memcmp(name, "content-length", 14) == 0);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *context)
{
    (void)session;
    (void)stream_id;
    struct client *client = context;
    client->closed_count++;
    client->error_code = error_code;
    return 0;
}

static void client_flush(struct client *client)
{
    const uint8_t *bytes = NULL;
    ssize_t len;
    while ((len = nghttp2_session_mem_send(client->session, &bytes)) > 0)
        test_send(client->descriptor, str_from(bytes, (size_t)len));
}

static void client_read(struct client *client)
{
    uint8_t bytes[65536];
    client_flush(client);
    ssize_t len = recv(client->descriptor, bytes, sizeof bytes, 0);
    assert_true(len > 0);
    assert_int_equal(nghttp2_session_mem_recv(client->session, bytes, (size_t)len), len);
    client_flush(client);
}

/* A session with count streams open; one that does not open windows holds all that comes back. */
static void client_open(struct client *client, unsigned count, bool opens_windows)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    memset(client, 0, sizeof *client);
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    assert_int_equal(nghttp2_option_new(&option), 0);
    nghttp2_option_set_no_auto_window_update(option, !opens_windows);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    assert_int_equal(nghttp2_session_client_new2(&client->session, callbacks, client, option), 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    assert_int_equal(nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, NULL, 0), 0);
    client->descriptor = test_connect(server->port);
    static const char *const fields[4][2] = {
        {":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/stream"}};
    nghttp2_nv head[4];
    for (int i = 0; i < 4; i++)
        head[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)fields[i][0], (uint8_t *)(uintptr_t)fields[i][1],
                               strlen(fields[i][0]), strlen(fields[i][1]), NGHTTP2_NV_FLAG_NONE};
    for (unsigned i = 0; i < count; i++) {
        assert_true(nghttp2_submit_request(client->session, NULL, head, 4, NULL, NULL) > 0);
        client_flush(client);
        (void)test_server_stream(server, i);
    }
}

static void client_close(struct client *client)
{
    nghttp2_session_del(client->session);
    close(client->descriptor);
}

/* Two streams on one connection: each has its own pieces, and its own end. */
static void test_server_stream__http2(void **state)
{
    (void)state;
    struct client client;
    client_open(&client, 2, true);
    assert_int_equal(test_stream_write(&server->streams[0], STR("first")), 0);
    assert_int_equal(test_stream_write(&server->streams[1], STR("second")), 0);
    while (client.body_len[0] < 5 || client.body_len[1] < 6)
        client_read(&client);
    assert_memory_equal(client.body[0], "first", 5);
    assert_memory_equal(client.body[1], "second", 6);
    assert_int_equal(client.status, 200);
    http_stream_close(server->streams[0].stream);
    while (client.closed_count < 1)
        client_read(&client);
    assert_int_equal(client.error_code, NGHTTP2_NO_ERROR);
    assert_int_equal(test_stream_end(&server->streams[0]), HTTP_STREAM_ENDED);
    assert_int_equal(nghttp2_submit_rst_stream(client.session, NGHTTP2_FLAG_NONE, 3, NGHTTP2_CANCEL), 0);
    client_flush(&client);
    assert_int_equal(test_stream_end(&server->streams[1]), HTTP_STREAM_GONE);
    test_server_await_connections(server, 1);
    client_close(&client);
}

/* A peer that opens no window gets what the window lets pass; then its stream is cut, and the connection goes on. */
static void test_server_stream__http2_flow_control(void **state)
{
    (void)state;
    struct client client;
    char piece[1000];
    memset(piece, 'p', sizeof piece);
    client_open(&client, 2, false);
    for (size_t written = 0; written < HTTP2_WINDOW + STREAM_BYTES_MAX / 2; written += sizeof piece) {
        while (http_stream_has_pieces(server->streams[0].stream) && client.body_len[0] < HTTP2_WINDOW)
            client_read(&client);
        assert_int_equal(test_stream_write(&server->streams[0], str_from(piece, sizeof piece)), 0);
    }
    while (client.body_len[0] < HTTP2_WINDOW)
        client_read(&client);
    assert_int_equal(client.body_len[0], HTTP2_WINDOW);
    write_until_cut(&server->streams[0], str_from(piece, sizeof piece));
    assert_int_equal(test_stream_end(&server->streams[0]), HTTP_STREAM_SLOW);
    while (client.closed_count < 1)
        client_read(&client);
    assert_int_not_equal(client.error_code, NGHTTP2_NO_ERROR);
    assert_int_equal(atomic_load(&server->server->stream_count), 1);
    client_close(&client);
    assert_int_equal(test_stream_end(&server->streams[1]), HTTP_STREAM_GONE);
}

/* A drain ends both kinds: the one that is stuck in its peer's window, and the one that has nothing to say, whose own
 * window is open but not that of the connection. */
static void test_server_stream__http2_drain(void **state)
{
    (void)state;
    struct client client;
    char piece[1000];
    memset(piece, 'p', sizeof piece);
    client_open(&client, 2, false);
    while (client.body_len[0] < HTTP2_WINDOW - sizeof piece) {
        assert_int_equal(test_stream_write(&server->streams[0], str_from(piece, sizeof piece)), 0);
        client_read(&client);
    }
    for (int i = 0; i < 10; i++)
        assert_int_equal(test_stream_write(&server->streams[0], str_from(piece, sizeof piece)), 0);
    while (client.body_len[0] < HTTP2_WINDOW)
        client_read(&client);
    int64_t start_ns = clock_monotonic_ns();
    assert_true(http_server_drain(server->server, start_ns + READ_TIMEOUT_S * CLOCK_NS_PER_S));
    assert_in_range((clock_monotonic_ns() - start_ns) / CLOCK_NS_PER_MS, 0, 2000);
    assert_int_equal(test_stream_end(&server->streams[0]), HTTP_STREAM_DRAINED);
    assert_int_equal(test_stream_end(&server->streams[1]), HTTP_STREAM_DRAINED);
    client_close(&client);
}

/* Followers leave a quarter of the connections to others: the next one is refused, told so, and may ask for more. */
static void test_server_stream__share(void **state)
{
    (void)state;
    struct http_server_config config = test_config();
    struct test_stream *stream;
    int descriptors[3];
    char text[2000];
    config.limits.connections_max = 4;
    test_server_stop(server);
    server = test_server_start(config);
    for (unsigned i = 0; i < 3; i++)
        descriptors[i] = open_stream(i, &stream);
    int refused = test_connect(server->port);
    assert_true(test_send(refused, STR(GET_STREAM)));
    assert_int_equal(test_stream_end(test_server_stream(server, 3)), HTTP_STREAM_GONE);
    test_read_until(refused, text, sizeof text, "try again.\"}");
    assert_contains(text, "HTTP/1.1 503 Service Unavailable\r\n");
    assert_true(test_send(refused, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n")));
    test_read_until(refused, text, sizeof text, "GET /? a ");
    close(refused);
    for (unsigned i = 0; i < 3; i++)
        close(descriptors[i]);
}

/* Streams of one connection count as those of several do. */
static void test_server_stream__limit(void **state)
{
    (void)state;
    struct http_server_config config = test_config();
    struct client client;
    config.limits.connections_max = 1;
    test_server_stop(server);
    server = test_server_start(config);
    client_open(&client, 2, true);
    while (client.closed_count < 1)
        client_read(&client);
    assert_int_equal(client.status, 503);
    assert_int_equal(test_stream_end(&server->streams[1]), HTTP_STREAM_GONE);
    assert_int_equal(atomic_load(&server->server->stream_count), 1);
    client_close(&client);
    assert_int_equal(test_stream_end(&server->streams[0]), HTTP_STREAM_GONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server_stream__pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_stream__framing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_stream__waits_for_earlier_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_stream__peer_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_stream__slow_reader, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_stream__stalled_reader, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_stream__many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_stream__drain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_stream__http2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_stream__http2_flow_control, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_stream__http2_drain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_stream__share, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_stream__limit, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
