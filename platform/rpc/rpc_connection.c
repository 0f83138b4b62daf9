/* A connection to another process: its socket, what is read and written, its time-outs. */
#include "platform/rpc/rpc_client_internal.h"

#include "platform/base/err.h"
#include "platform/ports/clock/clock.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t rpc_now_ms(void)
{
    return (uint64_t)(clock_monotonic_ns() / CLOCK_NS_PER_MS);
}

/* -- The end ------------------------------------------------------------------------------------------------------- */

static void unlink_connection(struct rpc_connection *connection)
{
    struct rpc_address *address = connection->address;
    struct rpc_connection **link = &address->connections;

    while (*link && *link != connection)
        link = &(*link)->next;
    if (!*link)
        return;
    *link = connection->next;
    address->connection_count--;
}

/* When libuv has nothing of it any more. */
static void free_when_done(struct rpc_connection *connection)
{
    if (connection->state != RPC_CLOSED || connection->is_open || connection->is_resolving)
        return;
    nghttp2_session_del(connection->session);
    rpc_tls_close(connection);
    buf_free(&connection->output);
    buf_free(&connection->wire);
    free(connection);
}

static void on_closed(uv_handle_t *handle)
{
    struct rpc_connection *connection = handle->data;

    connection->is_open = false;
    free_when_done(connection);
}

void rpc_connection_close(struct rpc_connection *connection, const char *reason)
{
    enum rpc_outcome outcome = connection->state == RPC_CONNECTING ? RPC_OUTCOME_UNPROCESSED : RPC_OUTCOME_LOST;

    if (connection->state == RPC_CLOSED)
        return;
    connection->state = RPC_CLOSED;
    unlink_connection(connection);
    while (connection->tries.first)
        rpc_try_end(connection->tries.first, outcome, reason);
    if (connection->is_resolving)
        uv_cancel((uv_req_t *)&connection->resolve);
    if (connection->is_open && !uv_is_closing((uv_handle_t *)&connection->tcp))
        uv_close((uv_handle_t *)&connection->tcp, on_closed);
    free_when_done(connection);
}

static struct rpc_client *client_of(const struct rpc_connection *connection)
{
    return connection->tcp.loop->data;
}

/* It was to be had no more, or never; what waits goes elsewhere, or hears so. */
static void lose(struct rpc_connection *connection, const char *reason)
{
    struct rpc_client *client = client_of(connection);
    struct rpc_address *address = connection->address;
    bool was_draining = connection->state == RPC_DRAINING;

    if (connection->state == RPC_CLOSED)
        return;
    rpc_connection_close(connection, reason);
    if (!was_draining)
        rpc_address_connection_failed(client, address);
    rpc_service_dispatch(client, address->service);
}

/* -- Writing ------------------------------------------------------------------------------------------------------- */

static void on_written(uv_write_t *write, int status)
{
    struct rpc_connection *connection = write->data;

    connection->is_writing = false;
    buf_clear(&connection->wire);
    if (status < 0)
        lose(connection, "The connection broke.");
    else
        rpc_connection_flush(connection);
}

/* False when the session is broken, or without memory. */
static bool encode(struct rpc_connection *connection)
{
    while (connection->output.len < RPC_OUTPUT_ROUND_BYTES) {
        const uint8_t *bytes = NULL;
        ssize_t len = nghttp2_session_mem_send(connection->session, &bytes);

        if (len == 0)
            return true;
        if (len < 0)
            return false;
        buf_append(&connection->output, str_from(bytes, (size_t)len));
        if (buf_error(&connection->output) < 0)
            return false;
    }
    return true;
}

static bool is_done(const struct rpc_connection *connection)
{
    bool is_mute = !nghttp2_session_want_read(connection->session) && !nghttp2_session_want_write(connection->session);

    return is_mute || (connection->state == RPC_DRAINING && connection->tries.count == 0);
}

/* What is to be written to the wire. False when it is broken, or without memory. */
static bool encode_all(struct rpc_connection *connection)
{
    if (connection->state != RPC_CONNECTING && !encode(connection))
        return false;
    if (connection->tls)
        return rpc_tls_encode(connection);
    struct buf empty = connection->wire;
    connection->wire = connection->output;
    connection->output = empty;
    return true;
}

void rpc_connection_flush(struct rpc_connection *connection)
{
    if (connection->state == RPC_CLOSED || connection->is_writing || !connection->is_connected)
        return;
    if (!encode_all(connection)) {
        lose(connection, "The connection broke.");
        return;
    }
    if (connection->wire.len == 0) {
        if (connection->state != RPC_CONNECTING && is_done(connection))
            lose(connection, "The connection was ended.");
        return;
    }
    uv_buf_t bytes = uv_buf_init(connection->wire.ptr, (unsigned)connection->wire.len);
    connection->write.data = connection;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &bytes, 1, on_written) < 0)
        lose(connection, "The connection broke.");
    else
        connection->is_writing = true;
}

/* -- Reading ------------------------------------------------------------------------------------------------------- */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_room)
{
    struct rpc_connection *connection = handle->data;

    (void)suggested;
    *ret_room = uv_buf_init(connection->read_buffer, sizeof(connection->read_buffer));
}

static void become_ready(struct rpc_connection *connection)
{
    connection->state = RPC_READY;
    connection->since_ms = connection->heard_ms = rpc_now_ms();
    rpc_address_connected(connection->address);
    rpc_client_wake_at(client_of(connection), connection->since_ms + RPC_IDLE_MS);
}

static bool receive(struct rpc_connection *connection, const char *bytes, size_t len)
{
    return nghttp2_session_mem_recv(connection->session, (const uint8_t *)bytes, len) >= 0;
}

static bool receive_secure(struct rpc_connection *connection, struct str bytes)
{
    ssize_t len = 0;

    if (!rpc_tls_take(connection, bytes))
        return false;
    if (connection->state == RPC_CONNECTING && rpc_tls_is_ready(connection))
        become_ready(connection);
    while (connection->state != RPC_CONNECTING && (len = rpc_tls_read(connection)) > 0) {
        if (!receive(connection, connection->read_buffer, (size_t)len))
            return false;
    }
    return len >= 0;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct rpc_connection *connection = stream->data;

    if (count == 0 || connection->state == RPC_CLOSED)
        return;
    if (count < 0) {
        lose(connection, "The connection broke.");
        return;
    }
    connection->heard_ms = rpc_now_ms();
    bool is_good = connection->tls ? receive_secure(connection, str_from(bytes->base, (size_t)count))
                                   : receive(connection, bytes->base, (size_t)count);
    if (!is_good) {
        lose(connection, connection->state == RPC_CONNECTING ? "It is not who was asked for."
                                                             : "The connection was refused, or broke.");
        return;
    }
    rpc_service_dispatch(client_of(connection), connection->address->service); /* Calls that ended left room. */
    rpc_connection_flush(connection);
}

/* -- Opening ------------------------------------------------------------------------------------------------------- */

static void on_connected(uv_connect_t *connect, int status)
{
    struct rpc_connection *connection = connect->data;

    if (connection->state != RPC_CONNECTING)
        return;
    if (status < 0 || uv_read_start((uv_stream_t *)&connection->tcp, on_room, on_read) < 0) {
        lose(connection, "It cannot be reached.");
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    connection->is_connected = true;
    if (!connection->tls)
        become_ready(connection);
    rpc_service_dispatch(client_of(connection), connection->address->service);
    rpc_connection_flush(connection);
}

static void connect_to(struct rpc_connection *connection, const struct sockaddr *address)
{
    connection->connect.data = connection;
    if (uv_tcp_connect(&connection->connect, &connection->tcp, address, on_connected) < 0)
        lose(connection, "It cannot be reached.");
}

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *found)
{
    struct rpc_connection *connection = resolve->data;

    connection->is_resolving = false;
    if (connection->state == RPC_CLOSED)
        free_when_done(connection);
    else if (status < 0 || !found)
        lose(connection, "Its name has no address.");
    else
        connect_to(connection, found->ai_addr);
    uv_freeaddrinfo(found);
}

static void start(struct rpc_connection *connection)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const struct rpc_address *address = connection->address;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    char port[8];

    if (uv_ip4_addr(address->host, address->port, &v4) == 0) {
        connect_to(connection, (const struct sockaddr *)&v4);
        return;
    }
    if (uv_ip6_addr(address->host, address->port, &v6) == 0) {
        connect_to(connection, (const struct sockaddr *)&v6);
        return;
    }
    snprintf(port, sizeof(port), "%d", address->port);
    connection->resolve.data = connection;
    connection->is_resolving =
        uv_getaddrinfo(connection->tcp.loop, &connection->resolve, on_resolved, address->host, port, &hints) == 0;
    if (!connection->is_resolving)
        lose(connection, "Its name has no address.");
}

struct rpc_connection *rpc_connection_open(struct rpc_client *client, struct rpc_address *address)
{
    struct rpc_connection *connection = calloc(1, sizeof(*connection));

    if (!connection)
        return NULL;
    connection->address = address;
    connection->output = connection->wire = BUF(RPC_OUTPUT_BYTES_MAX);
    connection->since_ms = rpc_now_ms();
    if (rpc_session_new(connection) < 0 || (address->is_secure && rpc_tls_open(connection, client->tls_context) < 0) ||
        uv_tcp_init(&client->loop, &connection->tcp) < 0) {
        rpc_tls_close(connection);
        nghttp2_session_del(connection->session);
        free(connection);
        return NULL;
    }
    connection->is_open = true;
    connection->tcp.data = connection;
    connection->next = address->connections;
    address->connections = connection;
    address->connection_count++;
    rpc_client_wake_at(client, connection->since_ms + RPC_CONNECT_TIMEOUT_MS);
    start(connection);
    return connection;
}

/* -- Calls on it --------------------------------------------------------------------------------------------------- */

size_t rpc_connection_room(const struct rpc_connection *connection)
{
    size_t max = connection->state == RPC_READY
                     ? nghttp2_session_get_remote_settings(connection->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
                     : 0;

    if (max > RPC_STREAMS_MAX)
        max = RPC_STREAMS_MAX;
    /* Its stream numbers are used up some day. */
    if (!nghttp2_session_check_request_allowed(connection->session))
        max = 0;
    return max > connection->tries.count ? max - connection->tries.count : 0;
}

void rpc_connection_begin(struct rpc_connection *connection, struct rpc_try *item)
{
    rpc_try_list_remove(&item->service->waiting, item);
    rpc_try_list_add(&connection->tries, item);
    item->connection = connection;
    connection->address->active++;
    if (connection->tries.count == 1) {
        connection->heard_ms = rpc_now_ms();
        rpc_client_wake_at(item->client, connection->heard_ms + RPC_KEEPALIVE_MS);
    }
    int result = rpc_stream_submit(connection, item);
    if (result < 0)
        rpc_try_end(item, result == ERR_NO_MEMORY ? RPC_OUTCOME_NO_MEMORY : RPC_OUTCOME_UNPROCESSED,
                    "It takes no more calls.");
}

void rpc_connection_forget(struct rpc_connection *connection, struct rpc_try *item)
{
    if (item->stream_id == 0)
        return;
    nghttp2_session_set_stream_user_data(connection->session, item->stream_id, NULL);
    nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, item->stream_id, NGHTTP2_CANCEL);
    item->stream_id = 0;
}

/* -- Time-outs ----------------------------------------------------------------------------------------------------- */

static void ping(struct rpc_connection *connection, uint64_t now_ms)
{
    if (nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, NULL) != 0)
        return;
    connection->pinged_ms = now_ms;
    rpc_connection_flush(connection);
}

/* Of a connection with calls under way, whose peer is quiet. */
static uint64_t keep_alive(struct rpc_connection *connection, uint64_t now_ms)
{
    uint64_t quiet_until_ms = connection->heard_ms + RPC_KEEPALIVE_MS;

    if (connection->pinged_ms && connection->heard_ms > connection->pinged_ms)
        connection->pinged_ms = 0;
    if (connection->pinged_ms && connection->pinged_ms + RPC_KEEPALIVE_PATIENCE_MS <= now_ms) {
        lose(connection, "It does not answer.");
        return UINT64_MAX;
    }
    if (!connection->pinged_ms && quiet_until_ms <= now_ms)
        ping(connection, now_ms);
    if (connection->state == RPC_CLOSED)
        return UINT64_MAX;
    return connection->pinged_ms ? connection->pinged_ms + RPC_KEEPALIVE_PATIENCE_MS : quiet_until_ms;
}

uint64_t rpc_connection_tick(struct rpc_connection *connection, uint64_t now_ms)
{
    bool is_connecting = connection->state == RPC_CONNECTING;
    uint64_t due_ms = connection->since_ms + (is_connecting ? RPC_CONNECT_TIMEOUT_MS : RPC_IDLE_MS);

    if (!is_connecting && connection->tries.count > 0)
        return keep_alive(connection, now_ms);
    if (due_ms > now_ms)
        return due_ms;
    if (is_connecting) {
        lose(connection, "It cannot be reached.");
    } else {
        connection->state = RPC_DRAINING;
        nghttp2_session_terminate_session(connection->session, NGHTTP2_NO_ERROR);
        rpc_connection_flush(connection);
    }
    return UINT64_MAX;
}
