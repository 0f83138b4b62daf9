/* The server over real sockets: HTTP/2 by prior knowledge, spoken to by a session of nghttp2's client side and, where a
 * peer breaks the rules, by bytes. */
#include "platform/net/test_http2_client.h"

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

static struct client *client_open(void)
{
    return client_open_with(test_connect(server->port), 65535);
}

/* -- Requests and answers ----------------------------------------------------------------------------------------- */

/* The same request and answer as in HTTP/1, with names in lower case. */
static void test_server_http2__requests(void **state)
{
    (void)state;
    struct client *client = client_open();
    nghttp2_nv extra[] = {FIELD("x-test", "v"), FIELD("cookie", "a=b"), FIELD("cookie", "c=d")};
    struct stream *get = client_get(client, "/a%20b?c=d");
    struct stream *post = client_request(client, "POST", "/x", "body", NULL, 0);
    struct stream *headers = client_request(client, "GET", "/headers", NULL, extra, 3);
    struct stream *head = client_request(client, "HEAD", "/status/200", NULL, NULL, 0);
    struct stream *empty = client_get(client, "/status/204");
    struct stream *options = client_request(client, "OPTIONS", "*", NULL, NULL, 0);
    client_run(client, 6);
    assert_string_equal(get->body, "GET /a%20b?c=d shop ");
    assert_string_equal(post->body, "POST /x? shop body");
    assert_string_equal(headers->body, "v|a=b; c=d");
    assert_contains(headers->headers, "\nx-handler: here\n");
    assert_contains(headers->headers, "\netag: \"1\"\nx-cached: yes\n");
    assert_contains(headers->headers, "\ncontent-length: 10\n");
    assert_contains(headers->headers, " GMT\n");
    assert_lacks(headers->headers, "injected");
    assert_int_equal(head->body_len, 0);
    assert_contains(head->headers, "content-length: 7\n");
    assert_int_equal(empty->status, 204);
    assert_lacks(empty->headers, "content-length");
    assert_int_equal(options->status, 204);
    client_close(client);
}

/* The preface is recognised however it is cut. */
static void test_server_http2__preface_in_pieces(void **state)
{
    (void)state;
    struct client *client = client_open();
    struct stream *get = client_get(client, "/x");
    const uint8_t *bytes = NULL;
    ssize_t len;
    while ((len = nghttp2_session_mem_send(client->session, &bytes)) > 0) {
        for (ssize_t i = 0; i < len; i++)
            assert_true(test_send(client->descriptor, str_from(bytes + i, 1)));
    }
    client_run(client, 1);
    assert_int_equal(get->status, 200);
    client_close(client);
}

/* Bodies beyond every window, both ways at once, arrive whole. */
static void test_server_http2__flow_control(void **state)
{
    (void)state;
    struct client *client = client_open_with(test_connect(server->port), 20000);
    static char body[1000001];
    memset(body, 'u', sizeof body - 1);
    struct stream *large = client_get(client, "/large");
    struct stream *arena = client_get(client, "/arena");
    struct stream *post = client_request(client, "POST", "/x", body, NULL, 0);
    client_run(client, 3);
    assert_int_equal(large->body_len, LARGE_BYTES);
    assert_int_equal(arena->body_len, ARENA_BYTES);
    assert_int_equal(post->body_len, strlen("POST /x? shop ") + sizeof body - 1);
    client_close(client);
}

/* Whose answers are cut into frames in turns: each has its own. */
static void test_server_http2__connections_in_turns(void **state)
{
    (void)state;
    struct client *clients[] = {client_open_with(test_connect(server->port), 20000),
                                client_open_with(test_connect(server->port), 30000)};
    struct stream *large = client_get(clients[0], "/large");
    struct stream *arena[40];
    for (size_t i = 0; i < 40; i++)
        arena[i] = client_get(clients[1], "/arena");
    client_send(clients[0]);
    client_send(clients[1]);
    while (clients[0]->closed_count < 1 || clients[1]->closed_count < 40) {
        if (clients[0]->closed_count < 1)
            client_step(clients[0]);
        if (clients[1]->closed_count < 40)
            client_step(clients[1]);
    }
    assert_int_equal(large->body_len, LARGE_BYTES);
    assert_int_equal(large->body_sum, (uint64_t)LARGE_BYTES * 'l');
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(arena[i]->body_sum, (uint64_t)ARENA_BYTES * 'a');
    client_close(clients[0]);
    client_close(clients[1]);
}

/* Answers by other tasks, out of order, on many streams. */
static void test_server_http2__many_streams(void **state)
{
    (void)state;
    struct client *client = client_open();
    for (int i = 0; i < 90; i++)
        client_get(client, i % 2 ? "/later" : "/x");
    client_run(client, 90);
    for (int i = 0; i < 90; i++)
        assert_string_equal(client->streams[i].body, i % 2 ? "GET /later? shop " : "GET /x? shop ");
    client_close(client);
}

static void test_server_http2__expect_continue(void **state)
{
    (void)state;
    struct client *client = client_open();
    nghttp2_nv extra[] = {FIELD("expect", "100-continue")};
    struct stream *post = client_request(client, "POST", "/x", "body", extra, 1);
    client_run(client, 1);
    assert_int_equal(post->interim_count, 1);
    assert_int_equal(post->status, 200);
    client_close(client);
}

/* -- Refusals ----------------------------------------------------------------------------------------------------- */

static void assert_refused(const char *method, const char *path, const nghttp2_nv *extra, size_t count, int status)
{
    unsigned before = atomic_load(&server->requests);
    struct client *client = client_open();
    struct stream *stream = client_request(client, method, path, NULL, extra, count);
    struct stream *other = client_get(client, "/x");
    client_run(client, 2);
    if (stream->status != status)
        fail_msg("%s %.100s: %d, not %d", method, path, stream->status, status);
    assert_contains(stream->body, "{\"status\":");
    assert_int_equal(other->status, 200); /* The connection goes on. */
    assert_int_equal(atomic_load(&server->requests), before + 1);
    client_close(client);
}

/* Over a limit of ours: that stream alone is refused, with a status. */
static void test_server_http2__refusals(void **state)
{
    (void)state;
    static char path[9000];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    assert_refused("GET", path, NULL, 0, 414);
    nghttp2_nv large[] = {FIELD("x-large", path), FIELD("x-large", path)};
    assert_refused("GET", "/", large, 2, 431);
    nghttp2_nv many[HTTP_HEADERS_MAX + 1];
    for (int i = 0; i <= HTTP_HEADERS_MAX; i++)
        many[i] = (nghttp2_nv)FIELD("x", "y");
    assert_refused("GET", "/", many, HTTP_HEADERS_MAX + 1, 431);
    assert_refused("GET", "/a#b", NULL, 0, 400);
    nghttp2_nv host[] = {FIELD("host", "another.example")};
    assert_refused("GET", "/", host, 1, 400);
}

/* Requests whose answers nobody takes count until they are gone: more than the server may hold are refused, over either
 * protocol, and there is room again when the connection is closed. */
static void test_server_http2__exchanges_are_bounded(void **state)
{
    (void)state;
    test_server_stop(server);
    struct http_server_config config = test_config();
    config.limits.exchanges_max = 8;
    config.loop_count = 1;
    server = test_server_start(config);
    struct client *client = client_open();
    for (int i = 0; i < 8; i++)
        client_request(client, "POST", "/x", "b", NULL, 0)->holds_upload_open = true;
    struct stream *get = client_get(client, "/x");
    client_run(client, 1);
    assert_int_equal(get->error_code, NGHTTP2_REFUSED_STREAM);
    char *answer = test_exchange(server->port, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_contains(answer, "HTTP/1.1 503 Service Unavailable\r\n");
    client_close(client);
    for (int i = 0; i < 1000 && strncmp(answer, "HTTP/1.1 503", 12) == 0; i++) {
        free(answer); /* The loop may not have seen the close yet. */
        answer = test_exchange(server->port, "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }
    assert_contains(answer, "HTTP/1.1 200 OK\r\n");
    free(answer);
}

/* A body over the limit is refused whether it was announced or not, and the client can read why. */
static void test_server_http2__body_too_large(void **state)
{
    (void)state;
    static char body[3000001];
    memset(body, 'u', sizeof body - 1);
    nghttp2_nv length[] = {FIELD("content-length", "3000000")};
    for (size_t announced = 0; announced < 2; announced++) {
        struct client *client = client_open();
        struct stream *post = client_request(client, "POST", "/x", body, length, announced);
        client_run(client, 1);
        assert_int_equal(post->status, 413);
        assert_contains(post->body, "{\"status\":413");
        client_close(client);
    }
    assert_int_equal(atomic_load(&server->requests), 0);
}

/* A request may have a larger body than others have; whoever may not is told before it is there. */
static void test_server_http2__large_body(void **state)
{
    (void)state;
    static char body[ROOMY_BYTES + 2];
    memset(body, 'u', 3000000);
    nghttp2_nv length[] = {FIELD("content-length", "3000000")};
    for (size_t announced = 0; announced < 2; announced++) {
        struct client *client = client_open();
        struct stream *roomy = client_request(client, "POST", "/roomy", body, length, announced);
        client_run(client, 1);
        assert_int_equal(roomy->status, 200);
        assert_string_equal(roomy->body, "3000000");
        struct stream *closed = client_request(client, "POST", "/closed", body, length, announced);
        client_run(client, 2);
        assert_int_equal(closed->status, 401);
        assert_string_equal(closed->body, "who are you?");
        client_close(client);
    }
    memset(body, 'u', sizeof body - 1);
    struct client *client = client_open();
    struct stream *larger = client_request(client, "POST", "/roomy", body, NULL, 0);
    client_run(client, 1);
    assert_int_equal(larger->status, 413);
    assert_contains(larger->body, "at most 5000000 bytes");
    client_close(client);
    assert_int_equal(atomic_load(&server->requests), 2);
}

/* A body that does not come in time is refused, and the connection serves on. */
static void test_server_http2__slow_body(void **state)
{
    (void)state;
    test_server_stop(server);
    struct http_server_config config = test_config();
    config.limits.body_timeout_ms = 60;
    server = test_server_start(config);
    struct client *client = client_open();
    struct stream *post = client_request(client, "POST", "/x", "half", NULL, 0);
    post->holds_upload_open = true;
    client_run(client, 1);
    assert_int_equal(post->status, 408);
    struct stream *get = client_get(client, "/x");
    client_run(client, 2);
    assert_int_equal(get->status, 200);
    client_close(client);
}

/* -- Resets, floods ----------------------------------------------------------------------------------------------- */

/* A stream that was reset leaves its exchange with the handler, which answers nobody. */
static void test_server_http2__reset(void **state)
{
    (void)state;
    struct client *client = client_open();
    client_get(client, "/held");
    client_send(client);
    test_server_await_held(server, 1);
    nghttp2_submit_rst_stream(client->session, NGHTTP2_FLAG_NONE, 1, NGHTTP2_CANCEL);
    struct stream *get = client_get(client, "/x");
    client_run(client, 2);
    assert_int_equal(get->status, 200);
    assert_true(http_exchange_is_dead(server->held[0]));
    assert_int_equal(atomic_load(&server->gone), 1);
    test_server_release(server);
    get = client_get(client, "/x");
    client_run(client, 3);
    assert_int_equal(get->status, 200);
    client_close(client);
}

/* Requests that were reset count against the limit until their handlers have answered; more are refused. */
static void test_server_http2__reset_requests_count(void **state)
{
    (void)state;
    test_server_stop(server);
    struct http_server_config config = test_config();
    config.limits.streams_max = 4;
    server = test_server_start(config);
    struct client *client = client_open();
    client_run(client, 0);
    for (int i = 0; i < 4; i++) {
        client_get(client, "/held");
        client_send(client);
        test_server_await_held(server, (unsigned)i + 1);
        nghttp2_submit_rst_stream(client->session, NGHTTP2_FLAG_NONE, 2 * i + 1, NGHTTP2_CANCEL);
    }
    struct stream *refused = client_get(client, "/x");
    client_run(client, 5);
    assert_int_equal(refused->error_code, NGHTTP2_REFUSED_STREAM);
    assert_int_equal(atomic_load(&server->requests), 4);
    test_server_release(server);
    /* What was refused so may be sent again (RFC 9113, 8.7), and is taken once the loop has seen the answers. */
    struct stream *get = refused;
    for (unsigned i = 0; i < 200 && get->error_code == NGHTTP2_REFUSED_STREAM; i++) {
        get = client_get(client, "/x");
        client_run(client, 6 + i);
    }
    assert_int_equal(get->status, 200);
    client_close(client);
}

/* A peer that opens and resets streams as fast as it can is sent away (CVE-2023-44487). */
static void test_server_http2__rapid_reset(void **state)
{
    (void)state;
    struct client *client = client_open();
    for (int i = 0; i < 400 && !client->ended; i++) {
        client_get(client, "/held");
        client_send(client);
        nghttp2_submit_rst_stream(client->session, NGHTTP2_FLAG_NONE, 2 * i + 1, NGHTTP2_CANCEL);
        client_send(client);
    }
    while (!client->ended)
        client_run(client, STREAMS_MAX);
    assert_true(atomic_load(&server->requests) <= http_limits_default.streams_max);
    client_close(client);
    test_server_await_connections(server, 0);
}

static void send_frame(int descriptor, uint8_t type, uint8_t flags, uint32_t stream_id, struct str payload)
{
    uint8_t head[9] = {(uint8_t)(payload.len >> 16),
                       (uint8_t)(payload.len >> 8),
                       (uint8_t)payload.len,
                       type,
                       flags,
                       (uint8_t)(stream_id >> 24),
                       (uint8_t)(stream_id >> 16),
                       (uint8_t)(stream_id >> 8),
                       (uint8_t)stream_id};
    if (test_send(descriptor, str_from(head, sizeof head)))
        test_send(descriptor, payload);
}

static int connect_raw(void)
{
    int descriptor = test_connect(server->port);
    assert_true(test_send(descriptor, STR(NGHTTP2_CLIENT_MAGIC)));
    send_frame(descriptor, NGHTTP2_SETTINGS, 0, 0, STR_EMPTY);
    return descriptor;
}

/* Whether the server ends the connection, rather than waiting for more. */
static void assert_ended(int descriptor)
{
    char bytes[4096];
    ssize_t len;
    while ((len = recv(descriptor, bytes, sizeof bytes, 0)) > 0)
        continue;
    assert_true(len == 0 || errno != EAGAIN);
    close(descriptor);
    test_server_await_connections(server, 0);
}

/* Half a header block lets nothing else come: the connection ends when the time of a request is up. */
static void test_server_http2__slow_head(void **state)
{
    (void)state;
    test_server_stop(server);
    struct http_server_config config = test_config();
    config.limits.body_timeout_ms = 60;
    server = test_server_start(config);
    int descriptor = connect_raw();
    send_frame(descriptor, NGHTTP2_HEADERS, 0, 1, STR("\x82\x86\x84"));
    assert_ended(descriptor);
}

/* A head that goes on for ever in CONTINUATION frames ends the connection. */
static void test_server_http2__continuation_flood(void **state)
{
    (void)state;
    int descriptor = connect_raw();
    send_frame(descriptor, NGHTTP2_HEADERS, 0, 1, STR("\x82\x86\x84"));
    for (int i = 0; i < 100; i++)
        send_frame(descriptor, NGHTTP2_CONTINUATION, 0, 1, STR("\x0f\x2b\x01y"));
    assert_ended(descriptor);
}

/* Pings whose answers are not read do not pile up without end. */
static void test_server_http2__ping_flood(void **state)
{
    (void)state;
    int descriptor = connect_raw();
    struct timeval timeout = {.tv_sec = READ_TIMEOUT_S};
    assert_int_equal(setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout), 0);
    static char pings[17 * 2000];
    for (size_t i = 0; i < sizeof pings; i += 17)
        memcpy(pings + i, "\0\0\x08\x06\0\0\0\0\0pingping", 17);
    for (int i = 0; i < 2000 && test_send(descriptor, str_from(pings, sizeof pings)); i++)
        continue;
    assert_ended(descriptor);
}

/* What breaks the framing, or sends a request that HTTP/2 forbids, is answered by GOAWAY or a reset. */
static void test_server_http2__broken_frames(void **state)
{
    (void)state;
    int descriptor = connect_raw();
    send_frame(descriptor, NGHTTP2_DATA, 0, 1, STR("x")); /* of no stream */
    assert_ended(descriptor);
    descriptor = connect_raw();
    send_frame(descriptor, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 2, STR("\x82\x86\x84")); /* an even stream */
    assert_ended(descriptor);
    descriptor = connect_raw();
    send_frame(descriptor, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, STR("\xff\xff\xff\xff\xff")); /* no HPACK */
    assert_ended(descriptor);
    descriptor = connect_raw();
    send_frame(descriptor, NGHTTP2_WINDOW_UPDATE, 0, 0, STR("\0\0\0\0"));
    assert_ended(descriptor);
    struct client *client = client_open();
    nghttp2_nv upgrade[] = {FIELD("connection", "upgrade")};
    struct stream *stream = client_request(client, "GET", "/", NULL, upgrade, 1);
    client_run(client, 1);
    assert_int_equal(stream->error_code, NGHTTP2_PROTOCOL_ERROR);
    client_close(client);
    assert_int_equal(atomic_load(&server->requests), 0);
}

/* What comes on a stream that is over, or that was left out, ends the connection (RFC 9113, 5.1 and 5.1.1). */
static void test_server_http2__closed_streams(void **state)
{
    (void)state;
    const uint8_t whole = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
    const struct str head = STR("\x82\x86\x84\x41\x01x");
    int descriptor = connect_raw();
    send_frame(descriptor, NGHTTP2_HEADERS, whole, 5, head);
    send_frame(descriptor, NGHTTP2_HEADERS, whole, 3, head);
    assert_ended(descriptor);
    descriptor = connect_raw();
    send_frame(descriptor, NGHTTP2_HEADERS, whole, 1, head);
    send_frame(descriptor, NGHTTP2_HEADERS, whole, 1, head);
    assert_ended(descriptor);
    descriptor = connect_raw();
    send_frame(descriptor, NGHTTP2_HEADERS, whole, 1, head);
    send_frame(descriptor, NGHTTP2_RST_STREAM, 0, 1, STR("\0\0\0\x8"));
    send_frame(descriptor, NGHTTP2_DATA, 0, 1, STR("x"));
    assert_ended(descriptor);
}

/* -- Time-outs and drain ------------------------------------------------------------------------------------------ */

/* An idle connection is told that it ends. */
static void test_server_http2__idle(void **state)
{
    (void)state;
    test_server_stop(server);
    struct http_server_config config = test_config();
    config.limits.idle_timeout_ms = 60;
    server = test_server_start(config);
    struct client *client = client_open();
    client_get(client, "/x");
    client_run(client, STREAMS_MAX);
    assert_int_equal(client->closed_count, 1);
    assert_int_equal(client->goaway_count, 1);
    assert_int_equal(client->goaway_error, NGHTTP2_NO_ERROR);
    client_close(client);
}

/* A peer that opens no window for its answer is given up, pings or not. */
static void test_server_http2__stalled_reader(void **state)
{
    (void)state;
    test_server_stop(server);
    struct http_server_config config = test_config();
    config.limits.write_timeout_ms = 80;
    server = test_server_start(config);
    struct client *client = client_open_with(test_connect(server->port), 0);
    client_get(client, "/x");
    client_run(client, STREAMS_MAX);
    assert_int_equal(client->closed_count, 0);
    assert_true(client->ended);
    client_close(client);
}

struct drain {
    bool complete;
};

static void drain(void *argument)
{
    struct drain *drain = argument;
    drain->complete = http_server_drain(server->server, clock_monotonic_ns() + READ_TIMEOUT_S * CLOCK_NS_PER_S);
}

/* A drain announces itself, answers what is in flight, and ends. */
static void test_server_http2__drain(void **state)
{
    (void)state;
    struct client *client = client_open();
    struct client *idle = client_open();
    client_run(idle, 0);
    struct stream *held = client_get(client, "/held");
    client_send(client);
    test_server_await_held(server, 1);
    test_server_await_connections(server, 2);
    struct drain argument = {false};
    struct task *task = NULL;
    assert_int_equal(task_start(&task, "drain", drain, &argument), 0);
    client_run(idle, 1); /* until it was ended */
    assert_true(idle->goaway_count > 0);
    test_server_release(server);
    client_run(client, STREAMS_MAX);
    assert_int_equal(held->status, 200);
    assert_string_equal(held->body, "GET /held? shop ");
    assert_true(client->goaway_count > 0);
    assert_int_equal(client->goaway_error, NGHTTP2_NO_ERROR);
    client_close(idle);
    client_close(client);
    task_join(task);
    assert_true(argument.complete);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server_http2__requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__preface_in_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__flow_control, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__connections_in_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__many_streams, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__expect_continue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__exchanges_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__body_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__large_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__slow_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__reset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__reset_requests_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__rapid_reset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__slow_head, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__continuation_flood, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__ping_flood, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__broken_frames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__closed_streams, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__idle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__stalled_reader, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2__drain, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
