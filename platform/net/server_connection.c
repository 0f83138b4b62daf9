/* A connection: accepted, read, written, timed out, ended with a FIN that lets the peer read its last answer. */
#include "platform/base/err.h"
#include "platform/base/log.h"
#include "platform/net/server_internal.h"
#include "platform/ports/clock/clock.h"

#include <stdlib.h>
#include <sys/socket.h>

#define FULL_SAID_EVERY_NS (60 * CLOCK_NS_PER_S)
#define REQUEST_LINE_WORDS 3u /* method, target, version */

static void on_read_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    (void)suggested;
    struct http_connection *connection = handle->data;
    *ret_buffer = uv_buf_init(connection->loop->read_buffer, HTTP_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);

static void set_reading(struct http_connection *connection, bool wanted)
{
    if (wanted == connection->reading || connection->closing)
        return;
    connection->reading = wanted;
    if (!wanted)
        uv_read_stop((uv_stream_t *)&connection->tcp);
    else if (uv_read_start((uv_stream_t *)&connection->tcp, on_read_buffer, on_read) != 0)
        http_connection_close(connection);
}

/* -- Open and close ----------------------------------------------------------------------------------------------- */

static void remember_peer(struct http_connection *connection)
{
    struct sockaddr_storage address = {0};
    int len = sizeof address;
    char *peer = connection->peer;
    if (uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&address, &len) != 0)
        return;
    if (address.ss_family == AF_INET6) {
        uv_ip6_name((const struct sockaddr_in6 *)&address, peer, sizeof connection->peer);
        static const char MAPPED[] = "::ffff:"; /* an IPv4 client of a socket for both */
        if (strncmp(peer, MAPPED, sizeof MAPPED - 1) == 0 && strchr(peer, '.'))
            memmove(peer, peer + sizeof MAPPED - 1, strlen(peer) - sizeof MAPPED + 2);
    } else {
        uv_ip4_name((const struct sockaddr_in *)&address, peer, sizeof connection->peer);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct http_connection *connection = handle->data;
    struct http_loop *loop = connection->loop;
    struct http_server *server = loop->server;
    http_output_clear(loop, &connection->output);
    http_output_clear(loop, &connection->wire);
    free(connection);
    if (atomic_fetch_sub(&server->connection_count, 1) == 1 && atomic_load(&server->drain_wanted)) {
        TASK_LOCKED(&server->mutex);
        task_cond_broadcast(&server->gone);
    }
}

/* Once in a while, however many are closed. */
static void say_full(struct http_server *server)
{
    long long now_ns = clock_monotonic_ns(), said_ns = atomic_load(&server->full_said_ns);
    if ((said_ns && now_ns - said_ns < FULL_SAID_EVERY_NS) ||
        !atomic_compare_exchange_strong(&server->full_said_ns, &said_ns, now_ns))
        return;
    log_error(
        &(struct log_context){.service = "net"},
        "there is no room for more connections: for each new one another is closed; raise the limit of open files "
        "(ulimit -n, LimitNOFILE)",
        LOG_INT("connections", server->config.limits.connections_max));
}

void http_connection_accept(uv_stream_t *listener, int status)
{
    struct http_loop *loop = listener->data;
    struct http_server *server = loop->server;
    if (status < 0)
        return; /* It was not to be accepted; libuv has dealt with being out of descriptors. */
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        http_loop_accept_later(loop);
        return;
    }
    connection->loop = loop;
    connection->tcp.data = connection->write.data = connection;
    connection->wait = HTTP_WAIT_NONE;
    uv_tcp_init(&loop->uv, &connection->tcp);
    bool has_room = atomic_fetch_add(&server->connection_count, 1) < server->config.limits.connections_max;
    if (!has_room) {
        say_full(server);
        has_room = http_loop_make_room(loop);
    }
    connection->next = loop->first_connection;
    if (connection->next)
        connection->next->previous = connection;
    loop->first_connection = connection;
    if (uv_accept(listener, (uv_stream_t *)&connection->tcp) != 0 || !has_room ||
        (server->tls_context && http_tls_open(connection) < 0)) {
        http_connection_close(connection);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    remember_peer(connection);
    connection->is_from_proxy = proxies_have(server->config.proxies, str_from_cstr(connection->peer));
    set_reading(connection, true);
    http_loop_wait(connection, connection->tls ? HTTP_WAIT_HEAD : HTTP_WAIT_IDLE);
}

/* Its unanswered exchanges live on until their handlers answer. */
static void abandon_exchanges(struct http_connection *connection)
{
    struct http_loop *loop = connection->loop;
    struct http_exchange *exchange;
    while ((exchange = connection->first_exchange)) {
        bool with_handler = exchange != connection->http1.receiving && !exchange->answered &&
                            (connection->protocol != HTTP_PROTOCOL_2 || exchange->remote_done);
        http_exchange_unlink(exchange);
        exchange->connection = NULL;
        if (!with_handler) {
            http_exchange_recycle(exchange);
            continue;
        }
        http_exchange_give_up(exchange);
        exchange->next = loop->orphans;
        if (exchange->next)
            exchange->next->previous = exchange;
        loop->orphans = exchange;
    }
}

void http_connection_close(struct http_connection *connection)
{
    struct http_loop *loop = connection->loop;
    if (connection->closing)
        return;
    connection->closing = true;
    http_loop_wait(connection, HTTP_WAIT_NONE);
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        loop->first_connection = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    abandon_exchanges(connection);
    http_senders_close(connection, HTTP_STREAM_GONE);
    if (connection->protocol == HTTP_PROTOCOL_1)
        http1_close(connection);
    http2_close(connection);
    http_tls_close(connection);
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

/* -- Reading ------------------------------------------------------------------------------------------------------ */

void http_connection_choose(struct http_connection *connection, enum http_protocol protocol)
{
    connection->protocol = protocol;
    if (protocol == HTTP_PROTOCOL_1)
        http1_open(connection);
    else if (http2_open(connection) < 0)
        http_connection_close(connection);
}

/* Whether the first line is whole, and has the words of a request line, but neither a target nor a version of HTTP/1:
 * no slash. */
static bool is_neither(struct str bytes)
{
    ptrdiff_t end = str_find_char(bytes, '\n');
    struct str line = str_slice(bytes, 0, end < 0 ? 0 : (size_t)end), rest = line, word;
    unsigned words = 0;
    while (rest.len > 0 && str_next_token(&rest, ' ', &word))
        words++;
    return words == REQUEST_LINE_WORDS && str_find_char(line, '/') < 0;
}

/* HTTP/2 by prior knowledge begins with a preface that no HTTP/1 request can begin with. What is neither is an HTTP/2
 * preface gone wrong, and closed as such, without an answer that its sender could not read (RFC 9113, 3.4). */
static void receive_first(struct http_connection *connection, struct str bytes)
{
    size_t seen = connection->preface_len;
    size_t wanted = sizeof HTTP_PREFACE - 1 - seen;
    size_t compared = bytes.len < wanted ? bytes.len : wanted;
    bool matches = memcmp(&HTTP_PREFACE[seen], bytes.ptr, compared) == 0;
    if (matches && compared < wanted) {
        connection->preface_len += (unsigned)compared;
        return;
    }
    if (seen == 0 && is_neither(bytes)) {
        http_connection_close(connection);
        return;
    }
    http_connection_choose(connection, matches ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1);
    if (connection->closing)
        return;
    if (seen > 0)
        http_connection_receive(connection, str_slice(STR(HTTP_PREFACE), 0, seen));
    http_connection_receive(connection, bytes);
}

void http_connection_receive(struct http_connection *connection, struct str bytes)
{
    if (connection->closing || connection->lingering || bytes.len == 0)
        return;
    if (connection->protocol == HTTP_PROTOCOL_1)
        http1_receive(connection, bytes);
    else if (connection->protocol == HTTP_PROTOCOL_2)
        http2_receive(connection, bytes);
    else
        receive_first(connection, bytes);
}

static void on_read_error(struct http_connection *connection, ssize_t error)
{
    bool waits_for_answers = connection->first_exchange && connection->first_exchange != connection->http1.receiving;
    bool owes = waits_for_answers || connection->output.bytes > 0 || connection->wire.bytes > 0;
    bool can_answer = connection->protocol == HTTP_PROTOCOL_1 && !connection->tls && !connection->lingering;
    if (error != UV_EOF || !can_answer || !owes || connection->first_sender) {
        http_connection_close(connection);
        return;
    }
    /* The peer said all it will and may still read: it gets its answers. */
    connection->peer_done = true;
    connection->last_request_seen = true;
    connection->reading = false;
    uv_read_stop((uv_stream_t *)&connection->tcp);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct http_connection *connection = stream->data;
    struct http_loop *loop = connection->loop;
    if (count == 0)
        return;
    if (count < 0) {
        on_read_error(connection, count);
    } else if (connection->lingering) {
        connection->linger_bytes += (size_t)count;
        if (connection->linger_bytes > HTTP_LINGER_BYTES_MAX)
            http_connection_close(connection);
    } else if (connection->tls) {
        http_tls_receive(connection, str_from(buffer->base, (size_t)count));
    } else {
        http_connection_receive(connection, str_from(buffer->base, (size_t)count));
    }
    http_connection_mark_dirty(connection);
    http_loop_flush(loop);
}

/* -- Writing ------------------------------------------------------------------------------------------------------ */

void http_connection_mark_dirty(struct http_connection *connection)
{
    if (connection->dirty || connection->closing)
        return;
    connection->dirty = true;
    connection->next_dirty = connection->loop->dirty;
    connection->loop->dirty = connection;
}

static struct http_output *wire_of(struct http_connection *connection)
{
    return connection->tls ? &connection->wire : &connection->output;
}

static void on_written(uv_write_t *request, int status);

/* Tries at once; what the socket does not take is left to a write request. */
static void write_some(struct http_connection *connection)
{
    struct http_output *wire = wire_of(connection);
    uv_buf_t buffers[HTTP_WRITE_BUFFERS_MAX];
    while (!connection->writing && !connection->closing && wire->bytes > 0) {
        unsigned count = http_output_buffers(wire, buffers);
        int written = uv_try_write((uv_stream_t *)&connection->tcp, buffers, count);
        if (written > 0) {
            /* An HTTP/2 peer could keep a stalled answer alive with pings; there a sent piece of an answer counts. */
            if (connection->protocol != HTTP_PROTOCOL_2)
                connection->progress = true;
            http_output_consume(connection->loop, wire, (size_t)written);
            continue;
        }
        if (written != UV_EAGAIN ||
            uv_write(&connection->write, (uv_stream_t *)&connection->tcp, buffers, count, on_written) != 0) {
            http_connection_close(connection);
            return;
        }
        size_t size = 0;
        for (unsigned i = 0; i < count; i++)
            size += buffers[i].len;
        connection->writing = true;
        connection->writing_bytes = size;
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct http_connection *connection = request->data;
    connection->writing = false;
    if (connection->closing)
        return;
    if (status < 0) {
        http_connection_close(connection);
        return;
    }
    connection->progress = true;
    http_output_consume(connection->loop, wire_of(connection), connection->writing_bytes);
    http_connection_mark_dirty(connection);
    http_loop_flush(connection->loop);
}

/* A client that keeps its connections for later looks at them when it needs one, and so lets every linger last as long
 * as it may. */
static void wait_for_peer(struct http_connection *connection)
{
    http_loop_wait(connection, connection->loop->draining ? HTTP_WAIT_DRAIN_LINGER : HTTP_WAIT_LINGER);
}

/* Everything was written: a FIN, then a while for the peer to read it all before the descriptor goes. A close at once
 * would answer what is still unread on our side with a reset, and the reset may overtake the answer. */
static void begin_linger(struct http_connection *connection)
{
    int descriptor = -1;
    if (connection->peer_done || uv_fileno((uv_handle_t *)&connection->tcp, &descriptor) != 0 ||
        shutdown(descriptor, SHUT_WR) != 0) {
        http_connection_close(connection);
        return;
    }
    connection->lingering = true;
    set_reading(connection, true);
    wait_for_peer(connection);
}

static void update_wait(struct http_connection *connection)
{
    enum http_wait wait = HTTP_WAIT_HEAD; /* a TLS handshake or half a preface */
    if (wire_of(connection)->bytes > 0)
        wait = HTTP_WAIT_WRITE;
    else if (connection->protocol == HTTP_PROTOCOL_1)
        wait = http1_wait(connection);
    else if (connection->protocol == HTTP_PROTOCOL_2)
        wait = http2_wait(connection);
    else if (!connection->tls && connection->preface_len == 0)
        wait = HTTP_WAIT_IDLE;
    bool refresh = wait == HTTP_WAIT_IDLE || (wait == HTTP_WAIT_WRITE && connection->progress) ||
                   connection->wait != wait || connection->wait_phase != connection->phase;
    connection->progress = false;
    connection->wait_phase = connection->phase;
    if (refresh)
        http_loop_wait(connection, wait);
}

static void encode(struct http_connection *connection)
{
    if (connection->protocol == HTTP_PROTOCOL_2)
        http2_encode(connection);
    else if (connection->first_sender)
        http1_encode(connection);
    if (connection->tls && !connection->closing)
        http_tls_encode(connection);
}

void http_connection_flush(struct http_connection *connection)
{
    if (connection->closing || connection->lingering)
        return;
    size_t before;
    do { /* As long as the socket takes what is there, there may be more to encode or to parse. */
        encode(connection);
        if (connection->closing)
            return;
        before = connection->output.bytes + connection->wire.bytes;
        write_some(connection);
        if (connection->closing)
            return;
        if (connection->protocol == HTTP_PROTOCOL_1)
            http1_resume(connection);
        if (connection->closing)
            return;
    } while (!connection->writing && (before > 0 || connection->output.bytes > 0));

    bool idle = connection->output.bytes + connection->wire.bytes == 0 && !connection->writing;
    if (connection->protocol == HTTP_PROTOCOL_2 && idle && http2_is_done(connection))
        connection->close_after_write = true;
    if (idle && connection->close_after_write) {
        http_senders_close(connection, HTTP_STREAM_GONE); /* whose peer has said that it is done */
        if (connection->tls) {
            http_tls_end(connection);
            write_some(connection);
            if (connection->closing)
                return;
        }
        begin_linger(connection);
        return;
    }
    if (connection->peer_done && idle && (!connection->first_exchange || connection->first_sender)) {
        http_connection_close(connection);
        return;
    }
    bool full = connection->http1.stash_len > 0 || connection->output.bytes > HTTP_OUTPUT_BYTES_MAX ||
                connection->wire.bytes > HTTP_OUTPUT_BYTES_MAX;
    set_reading(connection, !full && !connection->peer_done);
    if (!connection->closing)
        update_wait(connection);
}

/* -- Time-outs and drain ------------------------------------------------------------------------------------------ */

void http_connection_wait_ended(struct http_connection *connection, enum http_wait wait)
{
    bool refusable = wait == HTTP_WAIT_HEAD || wait == HTTP_WAIT_BODY;
    if (refusable && connection->protocol == HTTP_PROTOCOL_1) {
        http1_refuse(connection, 408,
                     wait == HTTP_WAIT_HEAD ? "The request's head did not arrive in time."
                                            : "The request's body did not arrive in time.");
        http_connection_mark_dirty(connection);
    } else if (connection->protocol == HTTP_PROTOCOL_2 && (refusable || wait == HTTP_WAIT_IDLE)) {
        http2_time_out(connection);
        http_connection_mark_dirty(connection);
    } else {
        if (wait == HTTP_WAIT_WRITE)
            http_senders_close(connection, HTTP_STREAM_SLOW);
        http_connection_close(connection);
    }
}

void http_connection_drain(struct http_connection *connection)
{
    if (connection->closing)
        return;
    if (connection->lingering) {
        wait_for_peer(connection);
        return;
    }
    if (connection->protocol == HTTP_PROTOCOL_2)
        http2_drain(connection);
    else if (connection->first_sender)
        http1_drain(connection);
    else if (connection->protocol == HTTP_PROTOCOL_1 && (connection->first_exchange || connection->output.bytes > 0))
        connection->close_after_write = connection->first_exchange == NULL;
    else
        connection->close_after_write = true; /* idle */
    http_connection_mark_dirty(connection);
}
