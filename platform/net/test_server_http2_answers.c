/* What answers over HTTP/2 have beyond those of HTTP/1: trailers, and conversations. */
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

/* Behind a body or without one; one that would begin another field is left out, and there is no length to hold them to.
 */
static void test_server_http2_answers__trailers(void **state)
{
    (void)state;
    struct client *client = client_open();
    struct stream *with_body = client_get(client, "/trailers");
    struct stream *empty = client_get(client, "/trailers/empty");
    struct stream *head = client_request(client, "HEAD", "/trailers", NULL, NULL, 0);
    client_run(client, 3);
    assert_string_equal(with_body->body, "behind the body");
    assert_contains(with_body->headers, "\nx-ending: good\n");
    assert_lacks(with_body->headers, "x-split");
    assert_lacks(with_body->headers, "content-length");
    assert_int_equal(empty->body_len, 0);
    assert_contains(empty->headers, "\nx-ending: good\n");
    assert_lacks(head->headers, "x-ending");
    assert_int_equal(with_body->error_code + empty->error_code + head->error_code, NGHTTP2_NO_ERROR);
    client_close(client);
}

static void client_run_until(struct client *client, const struct stream *stream, const char *body)
{
    uint8_t bytes[4096];
    client_send(client);
    while (strncmp(stream->body, body, sizeof stream->body) != 0) {
        ssize_t len = recv(client->descriptor, bytes, sizeof bytes, 0);
        assert_true(len > 0);
        assert_int_equal(nghttp2_session_mem_recv(client->session, bytes, (size_t)len), len);
        client_send(client);
    }
}

/* An answer that begins before the request is whole: both go on. Another request beside it is answered as ever, and one
 * whose peer goes ends. */
static void test_server_http2_answers__a_conversation(void **state)
{
    (void)state;
    struct client *client = client_open();
    struct stream *talk = client_request(client, "POST", "/talk", "", NULL, 0);
    talk->holds_upload_open = true;
    client_send(client);
    talk->upload = STR("one ");
    nghttp2_session_resume_data(client->session, 1);
    client_run_until(client, talk, "one ");
    struct stream *post = client_request(client, "POST", "/x", "body", NULL, 0);
    client_run(client, 1);
    assert_string_equal(post->body, "POST /x? shop body");
    talk->upload = STR("two");
    talk->holds_upload_open = false;
    nghttp2_session_resume_data(client->session, 1);
    client_run(client, 2);
    assert_string_equal(talk->body, "one two");
    assert_contains(talk->headers, "\nx-ending: good\n");
    assert_int_equal(test_stream_end(test_server_stream(server, 0)), HTTP_STREAM_ENDED);
    talk = client_request(client, "POST", "/talk", "gone", NULL, 0);
    talk->holds_upload_open = true;
    client_run_until(client, talk, "gone");
    client_close(client);
    assert_int_equal(test_stream_end(test_server_stream(server, 1)), HTTP_STREAM_GONE);
}

/* HTTP/1 leaves them out. */
static void test_server_http2_answers__trailers_are_its_own(void **state)
{
    (void)state;
    char *answer = test_exchange(server->port, "GET /trailers HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
    assert_contains(answer, "\r\n\r\nbehind the body");
    assert_contains(answer, "Content-Length: 15\r\n");
    assert_lacks(answer, "x-ending");
    free(answer);
}

/* What goes on has them where it was closed by who writes it. */
static void test_server_http2_answers__trailers_of_a_stream(void **state)
{
    (void)state;
    struct client *client = client_open();
    struct stream *get = client_get(client, "/stream");
    client_send(client);
    struct test_stream *stream = test_server_stream(server, 0);
    assert_int_equal(test_stream_write(stream, STR("piece")), 0);
    http_stream_close(stream->stream);
    client_run(client, 1);
    assert_string_equal(get->body, "piece");
    assert_contains(get->headers, "\nx-ending: good\n");
    assert_int_equal(test_stream_end(stream), HTTP_STREAM_ENDED);
    client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server_http2_answers__trailers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2_answers__a_conversation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2_answers__trailers_are_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_http2_answers__trailers_of_a_stream, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
