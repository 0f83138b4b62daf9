/* The server's end of streams (http_stream.h): woken from any task, sent by the loop that owns the connection. Pieces
 * stay in the stream until the peer takes them, so that a slow one costs references and not copies. */
#include "platform/base/err.h"
#include "platform/net/server_internal.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CHUNK_HEAD_BYTES_MAX 20u /* a size in hex and a line's end */
#define VANISHED_SPARE_MS                                                                                              \
    10000u /* beyond the write time-out: who is there and does not read is told from who is not                        \
            */

/* -- Waking -------------------------------------------------------------------------------------------------------- */

static void wake(void *context)
{
    struct http_sender *sender = context;
    struct http_loop *loop = sender->loop;
    if (atomic_exchange(&sender->woken, true))
        return;
    struct http_sender *newest = atomic_load_explicit(&loop->woken, memory_order_relaxed);
    do {
        sender->next_woken = newest;
    } while (!atomic_compare_exchange_weak_explicit(&loop->woken, &newest, sender, memory_order_release,
                                                    memory_order_relaxed));
    if (!newest) /* Whoever finds the list empty wakes the loop, for all that follow. */
        http_loop_wake(loop);
}

static void sender_free(struct http_sender *sender)
{
    http_blob_unref(sender->blob);
    free(sender);
}

void http_loop_take_woken(struct http_loop *loop)
{
    struct http_sender *sender = atomic_exchange_explicit(&loop->woken, NULL, memory_order_acquire);
    while (sender) {
        struct http_sender *next = sender->next_woken;
        atomic_store(&sender->woken, false); /* What is written from here on wakes again. */
        if (!sender->connection) {
            sender_free(sender);
        } else {
            if (sender->connection->protocol == HTTP_PROTOCOL_2)
                http2_resume(sender);
            http_connection_mark_dirty(sender->connection);
        }
        sender = next;
    }
}

/* -- Begin and end ------------------------------------------------------------------------------------------------- */

/* A follower stays for as long as they like: but for a share that is closed to them, they would keep everybody out. */
bool http_stream_has_room(const struct http_server *server)
{
    unsigned max = server->config.limits.connections_max;

    return atomic_load(&server->stream_count) < max - max / HTTP_SHARE_WITHOUT_STREAMS;
}

/* A peer that vanished without a word acknowledges nothing: what is written from time to time finds it out, and not the
 * quarter of an hour that TCP would take. */
static void expect_acknowledgement(struct http_connection *connection)
{
    unsigned timeout_ms = (unsigned)connection->loop->server->config.limits.write_timeout_ms + VANISHED_SPARE_MS;
    int descriptor = -1;
    if (uv_fileno((uv_handle_t *)&connection->tcp, &descriptor) == 0)
        (void)setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
}

struct http_sender *http_sender_open(struct http_connection *connection, struct http_stream *stream, int32_t stream_id)
{
    struct http_sender *sender = calloc(1, sizeof *sender);
    if (!sender) {
        http_stream_end(stream, HTTP_STREAM_GONE);
        http_stream_unref(stream);
        return NULL;
    }
    sender->stream = stream;
    sender->loop = connection->loop;
    sender->connection = connection;
    sender->stream_id = stream_id;
    sender->next = connection->first_sender;
    if (sender->next)
        sender->next->previous = sender;
    connection->first_sender = sender;
    atomic_fetch_add(&connection->loop->server->stream_count, 1);
    expect_acknowledgement(connection);
    http_stream_attach(stream, wake, sender);
    return sender;
}

void http_sender_end(struct http_sender *sender, enum http_stream_end end)
{
    struct http_stream *stream = sender->stream;
    if (!stream)
        return;
    sender->stream = NULL;
    atomic_fetch_sub(&sender->loop->server->stream_count, 1);
    http_stream_end(stream, end);
    http_stream_unref(stream);
}

void http_sender_close(struct http_sender *sender, enum http_stream_end end)
{
    http_sender_end(sender, end);
    if (sender->previous)
        sender->previous->next = sender->next;
    else
        sender->connection->first_sender = sender->next;
    if (sender->next)
        sender->next->previous = sender->previous;
    sender->connection = NULL;
    if (!atomic_load(&sender->woken)) /* Nobody wakes it any more; who did already is seen. */
        sender_free(sender);
}

void http_senders_close(struct http_connection *connection, enum http_stream_end end)
{
    while (connection->first_sender)
        http_sender_close(connection->first_sender, end);
}

/* -- HTTP/1 -------------------------------------------------------------------------------------------------------- */

static bool append_piece(struct http_sender *sender, struct http_blob *blob)
{
    struct http_loop *loop = sender->loop;
    struct http_output *output = &sender->connection->output;
    struct str bytes = http_blob_bytes(blob);
    char head[CHUNK_HEAD_BYTES_MAX];
    int head_len = sender->is_chunked ? snprintf(head, sizeof head, "%zx\r\n", bytes.len) : 0;
    if (!http_output_append(loop, output, str_from(head, (size_t)head_len)))
        return false;
    bool is_small = bytes.len <= HTTP_BODY_COPY_MAX;
    if (is_small && !http_output_append(loop, output, bytes))
        return false;
    if (!is_small && !http_output_append_held(loop, output, bytes, blob, NULL))
        return false;
    if (!is_small)
        http_blob_ref(blob);
    return !sender->is_chunked || http_output_append(loop, output, STR("\r\n"));
}

void http1_finish(struct http_sender *sender, enum http_stream_end end)
{
    struct http_connection *connection = sender->connection;
    bool written = !sender->is_chunked || http_output_append(connection->loop, &connection->output, STR("0\r\n\r\n"));
    http_sender_close(sender, end);
    connection->close_after_write = true;
    if (!written)
        http_connection_close(connection);
}

static void give_up(struct http_sender *sender, enum http_stream_end end)
{
    http_sender_end(sender, end);
    http_connection_close(sender->connection);
}

void http1_encode(struct http_connection *connection)
{
    struct http_sender *sender = connection->first_sender;
    while (sender && connection->output.bytes + connection->wire.bytes < HTTP_STREAM_OUTPUT_BYTES) {
        struct http_blob *blob = NULL;
        switch (http_stream_take(sender->stream, &blob)) {
        case HTTP_STREAM_EMPTY:
            return;
        case HTTP_STREAM_CUT:
            give_up(sender, HTTP_STREAM_SLOW);
            return;
        case HTTP_STREAM_LAST:
            http1_finish(sender, HTTP_STREAM_ENDED);
            return;
        case HTTP_STREAM_PIECE:
            break;
        }
        bool written = append_piece(sender, blob);
        http_blob_unref(blob);
        if (!written) {
            give_up(sender, HTTP_STREAM_GONE);
            return;
        }
    }
    if (sender && http_stream_is_cut(sender->stream))
        give_up(sender, HTTP_STREAM_SLOW);
}

void http1_drain(struct http_connection *connection)
{
    struct http_sender *sender = connection->first_sender;
    /* Who does not read what is there would not read the end of it, and the server waits for nobody. */
    if (connection->output.bytes + connection->wire.bytes > 0)
        give_up(sender, HTTP_STREAM_DRAINED);
    else
        http1_finish(sender, HTTP_STREAM_DRAINED);
}
