/* A call as a stream of HTTP/2: its head and message out, the reply and how it ended in. */
#include "platform/base/err.h"
#include "platform/rpc/rpc_client_internal.h"
#include "platform/rpc/rpc_metadata.h"
#include "platform/rpc/rpc_text.h"
#include "platform/ports/clock/clock.h"

#define FIELDS_MAX 24
#define FIELDS_OWN 8

static struct rpc_try *try_of(nghttp2_session *session, int32_t stream_id)
{
    return nghttp2_session_get_stream_user_data(session, stream_id);
}

/* -- What comes ---------------------------------------------------------------------------------------------------- */

/* Kept for the caller; what is beyond the limit is left out, as the status stands without. */
static void keep_text(struct rpc_try *item, struct str value, size_t *ret_offset, size_t *ret_len)
{
    *ret_offset = item->texts.len;
    buf_append(&item->texts, value);
    *ret_len = buf_error(&item->texts) ? 0 : value.len;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name_bytes, size_t name_len,
                     const uint8_t *value_bytes, size_t value_len, uint8_t flags, void *user_data)
{
    struct rpc_try *item = try_of(session, frame->hd.stream_id);
    struct str name = str_from(name_bytes, name_len), value = str_from(value_bytes, value_len);
    int64_t number;

    (void)flags;
    (void)user_data;
    if (!item)
        return 0;
    if (str_equal(name, STR(":status")))
        item->http_status = str_to_int64(value, &number) == 0 ? (int)number : 0;
    else if (str_equal(name, STR(RPC_STATUS_FIELD)))
        item->has_status = rpc_status_parse(value, &item->ending.status) == 0;
    else if (str_equal(name, STR(RPC_MESSAGE_FIELD)))
        keep_text(item, value, &item->message_offset, &item->message_len);
    else if (str_equal(name, STR(RPC_DETAILS_FIELD)))
        keep_text(item, value, &item->details_offset, &item->details_len);
    return 0;
}

static void give_up(struct rpc_connection *connection, struct rpc_try *item, enum rpc_outcome outcome,
                    const char *reason)
{
    rpc_connection_forget(connection, item);
    rpc_try_end(item, outcome, reason);
}

/* A second message is one too many. */
static int take_message(struct rpc_try *item, struct str bytes)
{
    struct str message;
    int result;

    while ((result = rpc_frame_read(&item->reader, &bytes, &message)) == 1) {
        if (item->has_reply)
            return ERR_INVALID;
        item->has_reply = true;
        buf_append(item->reply, message);
        TRY(buf_error(item->reply));
    }
    return result;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data, size_t len,
                   void *user_data)
{
    struct rpc_connection *connection = user_data;
    struct rpc_try *item = try_of(session, stream_id);

    (void)flags;
    if (!item || item->http_status != 200)
        return 0;
    int result = take_message(item, str_from(data, len));
    if (result == ERR_TOO_LARGE)
        give_up(connection, item, RPC_OUTCOME_TOO_LARGE, "The reply is too large.");
    else if (result == ERR_NO_MEMORY)
        give_up(connection, item, RPC_OUTCOME_NO_MEMORY, "There is no memory for the reply.");
    else if (result < 0)
        give_up(connection, item, RPC_OUTCOME_LOST, "The reply is malformed.");
    return 0;
}

/* The end of a stream without a grpc-status: of a proxy, or of a peer that broke off. */
static void end_without_status(struct rpc_try *item, uint32_t error_code)
{
    if (error_code == NGHTTP2_REFUSED_STREAM) {
        rpc_try_end(item, RPC_OUTCOME_UNPROCESSED, "It takes no more calls.");
        return;
    }
    if (error_code == NGHTTP2_NO_ERROR && item->http_status != 200)
        item->ending.status = rpc_status_of_http(item->http_status);
    else
        item->ending.status = rpc_status_of_reset(error_code);
    rpc_try_end(item, RPC_OUTCOME_ENDED, NULL);
}

static void end_with_status(struct rpc_try *item)
{
    if (item->ending.status == RPC_OK && (!item->has_reply || !rpc_frame_is_between(&item->reader))) {
        rpc_try_end(item, RPC_OUTCOME_LOST, "The reply is malformed.");
        return;
    }
    const char *texts = item->texts.ptr;
    item->ending.message = texts ? str_from(texts + item->message_offset, item->message_len) : STR_EMPTY;
    item->ending.details = texts ? str_from(texts + item->details_offset, item->details_len) : STR_EMPTY;
    rpc_try_end(item, RPC_OUTCOME_ENDED, NULL);
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *user_data)
{
    struct rpc_try *item = try_of(session, stream_id);

    (void)user_data;
    if (!item)
        return 0;
    nghttp2_session_set_stream_user_data(session, stream_id, NULL);
    item->stream_id = 0;
    if (item->has_status)
        end_with_status(item);
    else
        end_without_status(item, error_code);
    return 0;
}

/* The peer said GOAWAY before the head was sent. */
static int on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user_data)
{
    struct rpc_try *item = frame->hd.type == NGHTTP2_HEADERS ? try_of(session, frame->hd.stream_id) : NULL;

    (void)error;
    (void)user_data;
    if (!item)
        return 0;
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, NULL);
    item->stream_id = 0;
    rpc_try_end(item, RPC_OUTCOME_UNPROCESSED, "It takes no more calls.");
    return 0;
}

/* A GOAWAY: nghttp2 closes the streams that the peer will not look at, as refused ones. */
static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct rpc_connection *connection = user_data;

    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY && connection->state == RPC_READY)
        connection->state = RPC_DRAINING;
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK))
        connection->pinged_ms = 0;
    return 0;
}

/* -- What goes ----------------------------------------------------------------------------------------------------- */

static ssize_t on_body_wanted(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t capacity,
                              uint32_t *data_flags, nghttp2_data_source *source, void *user_data)
{
    struct rpc_try *item = try_of(session, stream_id);
    size_t len = 0;

    (void)source;
    (void)user_data;
    if (!item)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* given up meanwhile */
    while (item->sent < sizeof(item->head) && len < capacity)
        buffer[len++] = item->head[item->sent++];
    size_t offset = item->sent - (item->sent < sizeof(item->head) ? item->sent : sizeof(item->head));
    struct str rest = str_skip(item->call->message, offset);
    size_t part = rest.len < capacity - len ? rest.len : capacity - len;
    if (part > 0 && item->sent >= sizeof(item->head)) {
        memcpy(buffer + len, rest.ptr, part);
        item->sent += part;
        len += part;
    }
    if (item->sent == sizeof(item->head) + item->call->message.len)
        *data_flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

static nghttp2_nv field(struct str name, struct str value)
{
    /* Who asks is nothing for a table that others' requests are compressed by. */
    bool is_secret = str_equal(name, STR(RPC_CALLER_FIELD));

    return (nghttp2_nv){(uint8_t *)(uintptr_t)name.ptr, (uint8_t *)(uintptr_t)value.ptr, name.len, value.len,
                        is_secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE};
}

int rpc_stream_submit(struct rpc_connection *connection, struct rpc_try *item)
{
    const struct rpc_client_call *call = item->call;
    char timeout[RPC_TIMEOUT_BYTES], authority[RPC_HOST_BYTES + 16];
    nghttp2_nv fields[FIELDS_MAX];
    nghttp2_data_provider provider = {.read_callback = on_body_wanted};
    size_t count = 0;

    rpc_timeout_format(call->deadline_ns - clock_monotonic_ns(), timeout);
    snprintf(authority, sizeof(authority), strchr(connection->address->host, ':') ? "[%s]:%d" : "%s:%d",
             connection->address->host, connection->address->port);
    fields[count++] = field(STR(":method"), STR("POST"));
    fields[count++] = field(STR(":scheme"), connection->tls ? STR("https") : STR("http"));
    fields[count++] = field(STR(":path"), str_from_cstr(call->path));
    fields[count++] = field(STR(":authority"), str_from_cstr(authority));
    fields[count++] = field(STR("te"), STR("trailers"));
    fields[count++] = field(STR("content-type"), STR(RPC_CONTENT_TYPE));
    fields[count++] = field(STR(RPC_TIMEOUT_FIELD), str_from_cstr(timeout));
    ASSERT(call->field_count <= FIELDS_MAX - FIELDS_OWN);
    for (size_t i = 0; i < call->field_count; i++)
        fields[count++] = field(call->fields[i].name, call->fields[i].value);
    rpc_frame_write_head(item->head, call->message.len);
    int32_t stream_id = nghttp2_submit_request(connection->session, NULL, fields, count, &provider, item);
    if (stream_id < 0)
        return stream_id == NGHTTP2_ERR_NOMEM ? ERR_NO_MEMORY : ERR_UNAVAILABLE;
    item->stream_id = stream_id;
    return 0;
}

/* -- The session --------------------------------------------------------------------------------------------------- */

int rpc_session_new(struct rpc_connection *connection)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, RPC_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 2 * RPC_TRAILER_BYTES_MAX},
    };
    nghttp2_session_callbacks *callbacks = NULL;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return ERR_NO_MEMORY;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_not_sent);
    int error = nghttp2_session_client_new(&connection->session, callbacks, connection);
    nghttp2_session_callbacks_del(callbacks);
    if (error == 0)
        error = nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings, 3);
    if (error == 0)
        error = nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0, RPC_WINDOW_BYTES);
    return error == 0 ? 0 : ERR_NO_MEMORY;
}
