/* HTTP/2 (RFC 9113) by nghttp2, which frames, compresses, controls the flow and checks the order and the names of
 * fields. Here its streams become exchanges, and our limits are kept. */
#include "platform/base/err.h"
#include "platform/net/server_internal.h"

/* The exchange of a stream; NULL once it is closed, or when it was refused before it had one. */
static struct http_exchange *exchange_of(nghttp2_session *session, int32_t stream_id)
{
    return nghttp2_session_get_stream_user_data(session, stream_id);
}

static const struct http_limits *limits_of(const struct http_exchange *exchange)
{
    return &exchange->loop->server->config.limits;
}

/* -- Heads -------------------------------------------------------------------------------------------------------- */

/* Copies into the exchange's own storage, and into its arena when that is full. */
static int keep(struct http_exchange *exchange, const uint8_t *bytes, size_t len, struct str *ret_kept)
{
    if (exchange->head_len + len <= HTTP_EXCHANGE_BYTES) {
        memcpy(exchange->storage + exchange->head_len, bytes, len);
        *ret_kept = str_from(exchange->storage + exchange->head_len, len);
        exchange->head_len += len;
        return 0;
    }
    *ret_kept = arena_copy(exchange->arena, str_from(bytes, len));
    return ret_kept->ptr || len == 0 ? 0 : ERR_NO_MEMORY;
}

static void mark_refused(struct http_exchange *exchange, int status, const char *detail)
{
    if (exchange->refusal_status)
        return;
    exchange->refusal_status = status;
    exchange->refusal_detail = detail;
}

/* A stream that the peer left out was closed by the next one (RFC 9113, 5.1.1). nghttp2 cannot tell it from one that
 * was there and is forgotten, and lets its headers pass unseen. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *user_data)
{
    struct http_connection *connection = user_data;
    if (head->type != NGHTTP2_HEADERS || head->stream_id % 2 == 0)
        return 0;
    if (head->stream_id > connection->last_stream_id) {
        int32_t next = connection->last_stream_id > 0 ? connection->last_stream_id + 2 : 1;
        if (head->stream_id > next) {
            connection->skipped_from = next;
            connection->skipped_to = head->stream_id - 2;
        }
        connection->last_stream_id = head->stream_id;
    } else if (head->stream_id >= connection->skipped_from && head->stream_id <= connection->skipped_to) {
        nghttp2_session_terminate_session(session, NGHTTP2_PROTOCOL_ERROR);
    }
    return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct http_connection *connection = user_data;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    /* A request that was reset still occupies its handler, and counts until that has answered: or a peer could have any
     * number of them worked on, whatever the limit on open streams (CVE-2023-44487). */
    bool full = connection->unanswered_count >= connection->loop->server->config.limits.streams_max;
    full = full || http_loop_is_full(connection->loop);
    struct http_exchange *exchange = full ? NULL : http_exchange_open(connection);
    if (!exchange) {
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
        return 0;
    }
    exchange->stream_id = frame->hd.stream_id;
    exchange->request.version = 20;
    exchange->request.method = HTTP_METHOD_COUNT;
    exchange->keep_alive = true;
    if (connection->receiving_count++ == 0)
        connection->phase++;
    nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, exchange);
    return 0;
}

static void take_pseudo_header(struct http_exchange *exchange, struct str name, struct str value)
{
    struct http_request *request = &exchange->request;
    if (str_equal(name, STR(":method"))) {
        request->method = http_method_from(value);
        request->method_text = value;
        exchange->head_only = request->method == HTTP_HEAD;
        if (str_equal(value, STR("CONNECT")))
            mark_refused(exchange, 501, "CONNECT is not implemented.");
    } else if (str_equal(name, STR(":path"))) {
        request->target = value;
        if (value.len > limits_of(exchange)->target_bytes_max)
            mark_refused(exchange, 414, "The request's target is too long.");
    } else if (str_equal(name, STR(":authority"))) {
        request->host = value;
    }
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *user_data)
{
    (void)flags;
    (void)user_data;
    struct http_exchange *exchange = exchange_of(session, frame->hd.stream_id);
    if (!exchange || exchange->refusal_status)
        return 0;
    exchange->header_bytes += name_len + value_len + 32;
    if (exchange->header_bytes > limits_of(exchange)->head_bytes_max) {
        mark_refused(exchange, 431, "The request's header fields are too large.");
        return 0;
    }
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0; /* Trailer fields are counted and forgotten. */
    struct http_header header;
    if (keep(exchange, name, name_len, &header.name) < 0 || keep(exchange, value, value_len, &header.value) < 0) {
        mark_refused(exchange, 503, "The server is out of memory.");
    } else if (name[0] == ':') {
        take_pseudo_header(exchange, header.name, header.value);
    } else if (exchange->request.header_count == HTTP_HEADERS_MAX) {
        mark_refused(exchange, 431, "The request has too many header fields.");
    } else {
        exchange->headers[exchange->request.header_count++] = header;
    }
    return 0;
}

/* A client may send a Cookie in several fields, to compress them better; they are one (RFC 9113, 8.2.3).
 * Joining costs the square of their number, which the limits on the header list bound. */
static int join_cookies(struct http_exchange *exchange)
{
    struct http_header *first = NULL;
    size_t kept = 0;
    for (size_t i = 0; i < exchange->request.header_count; i++) {
        struct http_header *header = &exchange->headers[i];
        if (!str_equal(header->name, STR("cookie")) || !first) {
            exchange->headers[kept] = *header;
            if (str_equal(header->name, STR("cookie")))
                first = &exchange->headers[kept];
            kept++;
            continue;
        }
        char *joined = arena_printf(exchange->arena, "%.*s; %.*s", STR_FORMAT(first->value), STR_FORMAT(header->value));
        if (!joined)
            return ERR_NO_MEMORY;
        first->value = str_from_cstr(joined);
    }
    exchange->request.header_count = kept;
    return 0;
}

static void mark_body_refused(struct http_exchange *exchange, int error)
{
    const char *detail = NULL;
    int status = http_exchange_body_refusal(exchange, error, &detail);
    mark_refused(exchange, status, detail);
}

static void check_length(struct http_exchange *exchange)
{
    struct str length = http_header_find(&exchange->request, "content-length");
    int64_t bytes = 0;
    if (length.len == 0)
        return;
    uint64_t announced = str_to_int64(length, &bytes) < 0 || bytes < 0 ? UINT64_MAX : (uint64_t)bytes;
    if (http_exchange_body_admit(exchange, announced) < 0)
        mark_body_refused(exchange, ERR_TOO_LARGE);
}

static void check_head(struct http_exchange *exchange)
{
    struct http_request *request = &exchange->request;
    struct str host = http_header_find(request, "host");
    struct str authority = request->host.ptr ? request->host : host;
    http_exchange_take_headers(exchange);
    if (join_cookies(exchange) < 0)
        mark_refused(exchange, 503, "The server is out of memory.");
    else if (host.ptr && !str_equal_nocase(host, authority)) /* RFC 9113, 8.3.1: who comes behind may go by the other */
        mark_refused(exchange, 400, "The Host is another one than the :authority.");
    else if (authority.len == 0 || http_exchange_set_host(exchange, authority) < 0)
        mark_refused(exchange, 400, "The :authority is missing or malformed.");
    else if (http_exchange_set_target(exchange, request->target) < 0)
        mark_refused(exchange, 400, "The request's target is malformed.");
    if (!exchange->refusal_status)
        check_length(exchange);
}

static void send_continue(nghttp2_session *session, struct http_exchange *exchange)
{
    if (!str_equal_nocase(http_header_find(&exchange->request, "expect"), STR("100-continue")))
        return;
    nghttp2_nv status = {(uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t) "100", 7, 3, NGHTTP2_NV_FLAG_NONE};
    nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, exchange->stream_id, NULL, &status, 1, NULL);
}

/* -- Bodies, and the ends of requests and streams ----------------------------------------------------------------- */

static void submit_response(struct http_exchange *exchange);

static void refuse(struct http_exchange *exchange, int status, const char *detail)
{
    mark_refused(exchange, status, detail);
    if (exchange->answered)
        return;
    http_exchange_fill_refusal(exchange, exchange->refusal_status, exchange->refusal_detail);
    exchange->answered = true;
    submit_response(exchange);
}

static void end_receiving(struct http_exchange *exchange)
{
    if (exchange->remote_done)
        return;
    exchange->remote_done = true;
    exchange->connection->receiving_count--;
}

/* OPTIONS * asks about the server itself, as in HTTP/1. */
static void answer_options(struct http_exchange *exchange)
{
    exchange->response.status = 204;
    http_response_header(&exchange->response, STR("allow"), STR("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    exchange->answered = true;
    submit_response(exchange);
}

/* The stream of an answer that goes on has no exchange any more. */
static struct http_sender *sender_of(struct http_connection *connection, int32_t stream_id)
{
    struct http_sender *sender = connection->first_sender;
    while (sender && sender->stream_id != stream_id)
        sender = sender->next;
    return sender;
}

static void give_input(struct http_connection *connection, int32_t stream_id, struct str bytes, bool is_last)
{
    struct http_sender *sender = sender_of(connection, stream_id);
    if (sender && sender->stream && sender->on_input)
        sender->on_input(sender->input_context, bytes, is_last);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    struct http_exchange *exchange = exchange_of(session, frame->hd.stream_id);
    bool whole = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (!exchange && whole)
        give_input(user_data, frame->hd.stream_id, STR_EMPTY, true);
    if (!exchange || exchange->answered)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        exchange->head_done = true;
        check_head(exchange);
        if (!whole && !exchange->refusal_status && http_exchange_dispatch_head(exchange))
            return 0;
        if (!whole && !exchange->refusal_status)
            send_continue(session, exchange);
    }
    if (whole)
        end_receiving(exchange);
    if (exchange->refusal_status)
        refuse(exchange, exchange->refusal_status, exchange->refusal_detail);
    else if (whole && exchange->request.path.ptr[0] == '*')
        answer_options(exchange);
    else if (whole)
        http_exchange_dispatch(exchange);
    return 0;
}

static int on_data_chunk_recv(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data,
                              size_t len, void *user_data)
{
    (void)flags;
    struct http_exchange *exchange = exchange_of(session, stream_id);
    if (!exchange) {
        give_input(user_data, stream_id, str_from(data, len), false);
        return 0;
    }
    if (exchange->refusal_status) {
        /* A reset at once would be in its right (RFC 9113, 8.1), but clients then drop the answer unread. */
        exchange->ignored_bytes += len;
        if (exchange->ignored_bytes > HTTP_LINGER_BYTES_MAX)
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_NO_ERROR);
        return 0;
    }
    int error = http_exchange_body_append(exchange, str_from(data, len));
    if (error < 0) {
        mark_body_refused(exchange, error);
        refuse(exchange, exchange->refusal_status, exchange->refusal_detail);
    }
    return 0;
}

static void forget_sender(struct http_connection *connection, int32_t stream_id)
{
    struct http_sender *sender = sender_of(connection, stream_id);
    if (sender)
        http_sender_close(sender, HTTP_STREAM_GONE);
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *user_data)
{
    (void)error_code;
    struct http_exchange *exchange = exchange_of(session, stream_id);
    if (!exchange) {
        forget_sender(user_data, stream_id);
        return 0;
    }
    nghttp2_session_set_stream_user_data(session, stream_id, NULL);
    bool with_handler = exchange->remote_done && !exchange->answered;
    end_receiving(exchange);
    exchange->stream_id = 0;
    if (with_handler) { /* It stays in the list, and counts, until it is answered. */
        http_exchange_give_up(exchange);
        return 0;
    }
    http_exchange_unlink(exchange);
    exchange->connection = NULL;
    http_exchange_recycle(exchange);
    return 0;
}

/* -- Answers ------------------------------------------------------------------------------------------------------ */

#define FIELDS_MAX 64u

struct fields {
    nghttp2_nv items[FIELDS_MAX];
    size_t count;
};

static struct str body_of(const struct http_response *response)
{
    return response->blob ? http_blob_bytes(response->blob) : response->body;
}

static void add_field(struct fields *fields, struct str name, struct str value)
{
    if (fields->count == FIELDS_MAX || !http_text_is_clean(name) || !http_text_is_clean(value))
        return;
    fields->items[fields->count++] = (nghttp2_nv){(uint8_t *)(uintptr_t)name.ptr, (uint8_t *)(uintptr_t)value.ptr,
                                                  name.len, value.len, NGHTTP2_NV_FLAG_NONE};
}

/* Names are in lower case here; those about the connection do not exist (RFC 9113, 8.2.2). */
static int add_response_field(struct http_exchange *exchange, struct fields *fields, struct str name, struct str value)
{
    char *lower = arena_cstr(exchange->arena, name);
    if (!lower)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < name.len; i++) {
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] | 0x20);
    }
    name = str_from(lower, name.len);
    if (str_equal(name, STR("connection")) || str_equal(name, STR("keep-alive")) ||
        str_equal(name, STR("transfer-encoding")) || str_equal(name, STR("upgrade")))
        return 0;
    add_field(fields, name, value);
    return 0;
}

static int add_head_blob(struct http_exchange *exchange, struct fields *fields)
{
    struct str rest = exchange->response.head_blob ? http_blob_bytes(exchange->response.head_blob) : STR_EMPTY;
    struct str line = STR_EMPTY;
    while (rest.ptr && str_next_token(&rest, '\n', &line)) {
        ptrdiff_t colon = str_find_char(line, ':');
        if (colon <= 0)
            continue;
        if (line.ptr[line.len - 1] == '\r')
            line.len--;
        TRY(add_response_field(exchange, fields, str_slice(line, 0, (size_t)colon),
                               str_trim(str_skip(line, (size_t)colon + 1))));
    }
    return 0;
}

/* All of them or ERR_NO_MEMORY: an answer that lacks a field is another answer. */
static int add_fields(struct http_exchange *exchange, int status, bool with_length, struct fields *fields)
{
    const struct http_response *response = &exchange->response;
    struct str date = http_loop_date_line(exchange->loop);
    char *status_text = arena_printf(exchange->arena, "%d", status);
    char *length_text = arena_printf(exchange->arena, "%zu", body_of(response).len);
    if (!status_text || !length_text)
        return ERR_NO_MEMORY;
    add_field(fields, STR(":status"), str_from_cstr(status_text));
    add_field(fields, STR("date"), str_slice(date, 6, date.len - 8)); /* without "Date: " and the line's end */
    if (with_length)
        add_field(fields, STR("content-length"), str_from_cstr(length_text));
    if (http_exchange_is_secure(exchange))
        add_field(fields, STR("strict-transport-security"), STR(HTTP_STRICT_TRANSPORT));
    for (size_t i = 0; i < response->header_count; i++)
        TRY(add_response_field(exchange, fields, response->headers[i].name, response->headers[i].value));
    return add_head_blob(exchange, fields);
}

/* The body has ended: so does the stream, or it does behind the trailers. */
static void end_body(nghttp2_session *session, int32_t stream_id, const struct http_header *trailers, size_t count,
                     uint32_t *data_flags)
{
    struct fields fields = {.count = 0};
    *data_flags |= NGHTTP2_DATA_FLAG_EOF;
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        add_field(&fields, trailers[i].name, trailers[i].value);
    *data_flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    if (nghttp2_submit_trailer(session, stream_id, fields.items, fields.count) != 0)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_INTERNAL_ERROR);
}

static ssize_t on_body_wanted(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t capacity,
                              uint32_t *data_flags, nghttp2_data_source *source, void *user_data)
{
    struct http_connection *connection = user_data;
    struct http_exchange *exchange = source->ptr;
    struct str rest = str_skip(body_of(&exchange->response), exchange->body_sent);
    size_t len = rest.len < capacity ? rest.len : capacity;
    if (len > 0)
        memcpy(buffer, rest.ptr, len);
    exchange->body_sent += len;
    connection->progress = true;
    if (len == rest.len)
        end_body(session, stream_id, exchange->response.trailers, exchange->response.trailer_count, data_flags);
    return (ssize_t)len;
}

/* As much as fits of the pieces that wait. */
static enum http_stream_taken take_pieces(struct http_sender *sender, uint8_t *buffer, size_t capacity, size_t *ret_len)
{
    enum http_stream_taken taken = HTTP_STREAM_PIECE;
    size_t len = 0;
    while (len < capacity) {
        if (!sender->blob) {
            taken = http_stream_take(sender->stream, &sender->blob);
            sender->blob_sent = 0;
        }
        if (!sender->blob)
            break;
        struct str rest = str_skip(http_blob_bytes(sender->blob), sender->blob_sent);
        size_t part = rest.len < capacity - len ? rest.len : capacity - len;
        memcpy(buffer + len, rest.ptr, part);
        len += part;
        sender->blob_sent += part;
        if (part == rest.len) {
            http_blob_unref(sender->blob);
            sender->blob = NULL;
        }
    }
    *ret_len = len;
    return taken;
}

static ssize_t on_piece_wanted(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t capacity,
                               uint32_t *data_flags, nghttp2_data_source *source, void *user_data)
{
    struct http_connection *connection = user_data;
    struct http_sender *sender = source->ptr;
    size_t len = 0;
    if (!sender->stream && !sender->is_last)
        return NGHTTP2_ERR_DEFERRED; /* It was reset. */
    enum http_stream_taken taken = sender->stream ? take_pieces(sender, buffer, capacity, &len) : HTTP_STREAM_LAST;
    if (taken == HTTP_STREAM_CUT) {
        http_sender_end(sender, HTTP_STREAM_SLOW);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* resets the stream */
    }
    if (taken == HTTP_STREAM_LAST) {
        end_body(session, stream_id, sender->trailers, sender->trailer_count, data_flags);
        http_sender_end(sender, HTTP_STREAM_ENDED);
    }
    connection->progress |= len > 0;
    return len > 0 || taken == HTTP_STREAM_LAST ? (ssize_t)len : NGHTTP2_ERR_DEFERRED;
}

/* The stream's, or that of its connection, which another stream may have used up. */
static bool is_window_shut(const struct http_sender *sender)
{
    nghttp2_session *session = sender->connection->http2;
    return nghttp2_session_get_stream_remote_window_size(session, sender->stream_id) <= 0 ||
           nghttp2_session_get_remote_window_size(session) <= 0;
}

/* Who waits for the peer's window would not get the end through it, and the server waits for nobody. */
static void drain_sender(struct http_sender *sender)
{
    nghttp2_session *session = sender->connection->http2;
    bool waits = sender->blob || !sender->stream || http_stream_has_pieces(sender->stream) || is_window_shut(sender);
    waits = waits || sender->trailer_count > 0; /* which say that its writer closed it */
    http_sender_end(sender, HTTP_STREAM_DRAINED);
    sender->is_last = !waits;
    if (waits)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, sender->stream_id, NGHTTP2_NO_ERROR);
    else
        nghttp2_session_resume_data(session, sender->stream_id);
}

/* sender: what the body comes from, piece by piece; NULL: it is in the response. */
static void submit(struct http_exchange *exchange, struct http_sender *sender)
{
    struct http_response *response = &exchange->response;
    int status = response->status >= 200 && response->status <= 599 ? response->status : 500;
    bool bodiless = status == 204 || status == 304;
    struct str body = body_of(response);
    struct fields fields = {.count = 0};
    nghttp2_session *session = exchange->connection->http2;
    bool with_trailers = response->trailer_count > 0 && !exchange->head_only;
    if (add_fields(exchange, status, !bodiless && !sender && !with_trailers, &fields) < 0) {
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, exchange->stream_id, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    nghttp2_data_provider provider = {.source.ptr = exchange, .read_callback = on_body_wanted};
    bool with_body = !bodiless && !exchange->head_only && (body.len > 0 || with_trailers);
    if (sender) {
        provider = (nghttp2_data_provider){.source.ptr = sender, .read_callback = on_piece_wanted};
        with_body = !exchange->head_only;
    }
    if (nghttp2_submit_response(session, exchange->stream_id, fields.items, fields.count,
                                with_body ? &provider : NULL) != 0)
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, exchange->stream_id, NGHTTP2_INTERNAL_ERROR);
}

static void submit_response(struct http_exchange *exchange)
{
    submit(exchange, NULL);
}

/* -- Answers that go on -------------------------------------------------------------------------------------------- */

/* The exchange is of no more use: its head is with the session, and its body comes from the stream. */
static void begin_stream(struct http_exchange *exchange)
{
    struct http_connection *connection = exchange->connection;
    struct http_sender *sender = NULL;
    int32_t stream_id = exchange->stream_id;
    if (http_stream_has_room(connection->loop->server)) {
        sender = http_sender_open(connection, exchange->response.stream, stream_id);
        exchange->response.stream = NULL;
    }
    if (!sender) {
        exchange->response.trailer_count = 0;
        http_exchange_refuse_stream(exchange, &exchange->response);
        submit_response(exchange);
        return;
    }
    sender->trailers = exchange->response.trailers;
    sender->trailer_count = exchange->response.trailer_count;
    sender->on_input = exchange->response.on_input;
    sender->input_context = exchange->response.input_context;
    submit(exchange, sender);
    end_receiving(exchange); /* what follows is the stream's */
    nghttp2_session_set_stream_user_data(connection->http2, stream_id, NULL);
    http_exchange_unlink(exchange);
    exchange->connection = NULL;
    http_exchange_recycle(exchange);
    if (connection->loop->draining)
        drain_sender(sender);
}

void http2_resume(struct http_sender *sender)
{
    nghttp2_session_resume_data(sender->connection->http2, sender->stream_id);
    if (sender->stream && http_stream_is_cut(sender->stream)) { /* however little of it the peer's window lets pass */
        http_sender_end(sender, HTTP_STREAM_SLOW);
        nghttp2_submit_rst_stream(sender->connection->http2, NGHTTP2_FLAG_NONE, sender->stream_id, NGHTTP2_CANCEL);
    }
}

void http2_answer(struct http_exchange *exchange, const struct http_response *response)
{
    http_response_copy(&exchange->response, response);
    if (exchange->stream_id == 0) { /* The peer reset it meanwhile. */
        http_exchange_unlink(exchange);
        exchange->connection = NULL;
        http_exchange_recycle(exchange);
        return;
    }
    exchange->answered = true;
    if (response->stream)
        begin_stream(exchange);
    else
        submit_response(exchange);
}

/* -- The session -------------------------------------------------------------------------------------------------- */

static int make_session(nghttp2_session **ret_session, struct http_connection *connection)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int error = nghttp2_session_callbacks_new(&callbacks);
    if (error == 0)
        error = nghttp2_option_new(&option);
    if (error == 0) {
        nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk_recv);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
        nghttp2_option_set_max_continuations(option, HTTP2_CONTINUATIONS_MAX);
        nghttp2_option_set_stream_reset_rate_limit(option, HTTP2_RESETS_BURST, HTTP2_RESETS_PER_SECOND);
        nghttp2_option_set_max_outbound_ack(option, HTTP2_ACKS_MAX);
        error = nghttp2_session_server_new2(ret_session, callbacks, connection, option);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return error == 0 ? 0 : ERR_NO_MEMORY;
}

int http2_open(struct http_connection *connection)
{
    const struct http_limits *limits = &connection->loop->server->config.limits;
    TRY(make_session(&connection->http2, connection));
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->streams_max},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)limits->head_bytes_max},
    };
    if (nghttp2_submit_settings(connection->http2, NGHTTP2_FLAG_NONE, settings, 2) != 0 ||
        nghttp2_session_set_local_window_size(connection->http2, NGHTTP2_FLAG_NONE, 0, HTTP2_WINDOW_BYTES) != 0)
        return ERR_NO_MEMORY;
    return 0;
}

void http2_close(struct http_connection *connection)
{
    nghttp2_session_del(connection->http2); /* without callbacks */
    connection->http2 = NULL;
}

void http2_receive(struct http_connection *connection, struct str bytes)
{
    /* A broken frame makes the session say GOAWAY and want no more; an error here is out of memory, or a flood. */
    if (nghttp2_session_mem_recv(connection->http2, (const uint8_t *)bytes.ptr, bytes.len) < 0)
        http_connection_close(connection);
}

void http2_encode(struct http_connection *connection)
{
    if (connection->loop->draining && connection->exchange_count == 0 && !connection->first_sender)
        nghttp2_session_terminate_session(connection->http2, NGHTTP2_NO_ERROR);
    while (connection->output.bytes < HTTP_OUTPUT_BYTES_MAX) {
        const uint8_t *bytes = NULL;
        ssize_t len = nghttp2_session_mem_send(connection->http2, &bytes);
        if (len == 0)
            return;
        if (len < 0 || !http_output_append(connection->loop, &connection->output, str_from(bytes, (size_t)len))) {
            http_connection_close(connection);
            return;
        }
    }
}

bool http2_is_done(const struct http_connection *connection)
{
    return !nghttp2_session_want_read(connection->http2) && !nghttp2_session_want_write(connection->http2);
}

/* First the notice that no stream will be taken, so that none that is on its way is lost; the last word follows in
 * http2_encode when everything is answered. */
void http2_drain(struct http_connection *connection)
{
    nghttp2_submit_shutdown_notice(connection->http2);
    for (struct http_sender *sender = connection->first_sender; sender; sender = sender->next)
        drain_sender(sender);
}

void http2_time_out(struct http_connection *connection)
{
    if (connection->receiving_count == 0) {
        nghttp2_session_terminate_session(connection->http2, NGHTTP2_NO_ERROR);
        return;
    }
    uint64_t now = uv_now(&connection->loop->uv);
    uint64_t allowed = connection->loop->server->wait_ms[HTTP_WAIT_BODY];
    for (struct http_exchange *exchange = connection->first_exchange; exchange; exchange = exchange->next) {
        if (exchange->remote_done || exchange->started_ms + allowed > now)
            continue;
        if (!exchange->head_done) { /* Half a header block: nothing else can come on this connection. */
            nghttp2_session_terminate_session(connection->http2, NGHTTP2_NO_ERROR);
            return;
        }
        if (exchange->answered) /* refused before */
            nghttp2_submit_rst_stream(connection->http2, NGHTTP2_FLAG_NONE, exchange->stream_id, NGHTTP2_NO_ERROR);
        else
            refuse(exchange, 408, "The request's body did not arrive in time.");
    }
    connection->phase++;
}

enum http_wait http2_wait(const struct http_connection *connection)
{
    if (connection->receiving_count > 0)
        return HTTP_WAIT_BODY;
    if (connection->exchange_count > connection->unanswered_count)
        return HTTP_WAIT_WRITE; /* for the peer to open its window */
    for (const struct http_sender *sender = connection->first_sender; sender; sender = sender->next) {
        if (sender->blob || (sender->stream && http_stream_has_pieces(sender->stream)))
            return HTTP_WAIT_WRITE;
    }
    return connection->exchange_count > 0 || connection->first_sender ? HTTP_WAIT_NONE : HTTP_WAIT_IDLE;
}
