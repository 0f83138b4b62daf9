/* HTTP/1 requests (RFC 9112): llhttp in its strict mode, and what it leaves to its user.
 *
 * The parser runs over the loop's read buffer and reports where names and values lie; they are noted as offsets from
 * the head's first byte. When the head is whole it is copied, in one piece, into the exchange, because a handler may
 * give the request to another task while the loop reads on. */
#include "platform/base/err.h"
#include "platform/net/server_internal.h"

#include <stdlib.h>

/* Notes a refusal; parse_some carries it out once the parser has returned. */
static int refuse_later(struct http1 *http1, int status, const char *detail)
{
    http1->refusal_status = status;
    http1->refusal_detail = detail;
    return -1;
}

static const struct http_limits *limits_of(const struct http_connection *connection)
{
    return &connection->loop->server->config.limits;
}

/* The offset of a span in its head; checks the head's size. */
static int note_span(struct http_connection *connection, const char *at, size_t len, size_t *ret_offset)
{
    struct http1 *http1 = &connection->http1;
    size_t offset = http1->receiving->head_len + (size_t)(at - http1->span);
    http1->head_end = offset + len;
    if (http1->head_end > limits_of(connection)->head_bytes_max)
        return refuse_later(http1, 431, "The request's header fields are too large.");
    *ret_offset = offset;
    return 0;
}

/* Spans of an incomplete head: the pointer holds the offset. */
static const char *offset_as_ptr(size_t offset)
{
    return (const char *)(uintptr_t)offset; // NOLINT(performance-no-int-to-ptr): put right by place_head
}

/* -- What the parser reports -------------------------------------------------------------------------------------- */

static int on_method(llhttp_t *parser, const char *at, size_t len)
{
    struct http_connection *connection = parser->data;
    struct http1 *http1 = &connection->http1;
    if (!http1->receiving) {
        if (http_loop_is_full(connection->loop))
            return refuse_later(http1, 503, "The server holds too many requests; try again.");
        http1->receiving = http_exchange_open(connection);
        if (!http1->receiving)
            return refuse_later(http1, 503, "The server is out of memory.");
        http1->span = at;
        http1->target_len = 0;
        http1->extra_bytes = 0;
        http1->in_name = false;
        http1->in_body = false;
        connection->phase++;
    }
    size_t offset;
    return note_span(connection, at, len, &offset);
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct http_connection *connection = parser->data;
    struct http1 *http1 = &connection->http1;
    if (http1->target_len + len > limits_of(connection)->target_bytes_max)
        return refuse_later(http1, 414, "The request's target is too long.");
    size_t offset = 0;
    TRY(note_span(connection, at, len, &offset));
    if (http1->target_len == 0)
        http1->target_offset = offset;
    http1->target_len += len;
    return 0;
}

static int count_trailer(struct http1 *http1, size_t len)
{
    http1->extra_bytes += len;
    if (http1->extra_bytes > HTTP_TRAILER_BYTES_MAX)
        return refuse_later(http1, 431, "The request's trailer fields are too large.");
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    struct http_connection *connection = parser->data;
    struct http1 *http1 = &connection->http1;
    if (http1->in_body)
        return count_trailer(http1, len + 2);
    size_t offset = 0;
    TRY(note_span(connection, at, len, &offset));
    struct http_exchange *exchange = http1->receiving;
    if (!http1->in_name) {
        if (exchange->request.header_count == HTTP_HEADERS_MAX)
            return refuse_later(http1, 431, "The request has too many header fields.");
        http1->in_name = true;
        struct str name = {offset_as_ptr(offset), 0};
        exchange->headers[exchange->request.header_count++] = (struct http_header){name, STR_EMPTY};
    }
    exchange->headers[exchange->request.header_count - 1].name.len += len;
    return 0;
}

static int on_header_field_complete(llhttp_t *parser)
{
    struct http_connection *connection = parser->data;
    connection->http1.in_name = false;
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http_connection *connection = parser->data;
    struct http1 *http1 = &connection->http1;
    if (http1->in_body)
        return count_trailer(http1, len + 2);
    size_t offset = 0;
    TRY(note_span(connection, at, len, &offset));
    struct http_header *header = &http1->receiving->headers[http1->receiving->request.header_count - 1];
    if (header->value.len == 0)
        header->value.ptr = offset_as_ptr(offset);
    header->value.len += len;
    return 0;
}

static int refuse_body(struct http1 *http1, int error)
{
    const char *detail = NULL;
    int status = http_exchange_body_refusal(http1->receiving, error, &detail);
    return refuse_later(http1, status, detail);
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http_connection *connection = parser->data;
    struct http1 *http1 = &connection->http1;
    int error = http_exchange_body_append(http1->receiving, str_from(at, len));
    return error < 0 ? refuse_body(http1, error) : 0;
}

/* A chunk that announces too much is refused before it comes. */
static int on_chunk_header(llhttp_t *parser)
{
    struct http_connection *connection = parser->data;
    struct http1 *http1 = &connection->http1;
    uint64_t body_len = http1->receiving->body_len;
    uint64_t announced =
        parser->content_length > UINT64_MAX - body_len ? UINT64_MAX : parser->content_length + body_len;
    int error = http_exchange_body_admit(http1->receiving, announced);
    return error < 0 ? refuse_body(http1, error) : 0;
}

static int on_chunk_extension(llhttp_t *parser, const char *at, size_t len)
{
    (void)at;
    struct http_connection *connection = parser->data;
    struct http1 *http1 = &connection->http1;
    http1->extra_bytes += len + 1;
    if (http1->extra_bytes > HTTP_CHUNK_EXTENSION_BYTES_MAX)
        return refuse_later(http1, 400, "The chunk extensions are too long.");
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED; /* The handler is called outside the parser. */
}

/* -- A whole head ------------------------------------------------------------------------------------------------- */

static int save_head(struct http_exchange *exchange, struct str bytes)
{
    TRY(http_exchange_head_reserve(exchange, exchange->head_len + bytes.len));
    memcpy(exchange->head + exchange->head_len, bytes.ptr, bytes.len);
    exchange->head_len += bytes.len;
    return 0;
}

/* Copies what this read brought of the head, and turns offsets into pointers and names into lower case. */
static int place_head(struct http1 *http1)
{
    struct http_exchange *exchange = http1->receiving;
    if (http1->head_end > exchange->head_len)
        TRY(save_head(exchange, str_from(http1->span, http1->head_end - exchange->head_len)));
    for (size_t i = 0; i < exchange->request.header_count; i++) {
        struct http_header *header = &exchange->headers[i];
        char *name = exchange->head + (uintptr_t)header->name.ptr;
        for (size_t j = 0; j < header->name.len; j++) {
            if (name[j] >= 'A' && name[j] <= 'Z')
                name[j] = (char)(name[j] | 0x20);
        }
        header->name.ptr = name;
        header->value = str_trim(str_from(exchange->head + (uintptr_t)header->value.ptr, header->value.len));
    }
    return 0;
}

/* By llhttp's number, one more than ours, so that 0 stands for what is none of ours. */
static const unsigned char METHODS[] = {
    [LLHTTP_GET] = HTTP_GET + 1,         [LLHTTP_HEAD] = HTTP_HEAD + 1,   [LLHTTP_POST] = HTTP_POST + 1,
    [LLHTTP_PUT] = HTTP_PUT + 1,         [LLHTTP_PATCH] = HTTP_PATCH + 1, [LLHTTP_DELETE] = HTTP_DELETE + 1,
    [LLHTTP_OPTIONS] = HTTP_OPTIONS + 1,
};

static enum http_method method_of(const llhttp_t *parser)
{
    unsigned number = parser->method < sizeof METHODS ? METHODS[parser->method] : 0;
    return number == 0 ? HTTP_METHOD_COUNT : (enum http_method)(number - 1);
}

static int check_transfer_encoding(struct http1 *http1, struct str value)
{
    if (http1->receiving->request.version == 10)
        return refuse_later(http1, 400, "HTTP/1.0 has no Transfer-Encoding.");
    if (!str_equal_nocase(value, STR("chunked")))
        return refuse_later(http1, 501, "The transfer coding is not known; only chunked is.");
    return 0;
}

static int check_expect(struct http1 *http1, struct str value)
{
    if (!str_equal_nocase(value, STR("100-continue")))
        return refuse_later(http1, 417, "The expectation is not known; only 100-continue is.");
    http1->receiving->expects_continue = http1->receiving->request.version >= 11;
    return 0;
}

static int check_headers(struct http1 *http1, struct str *ret_host)
{
    const struct http_request *request = &http1->receiving->request;
    unsigned hosts = 0;
    unsigned transfer_encodings = 0;
    struct str host = STR_EMPTY;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (header->name.len == 4 && str_equal(header->name, STR("host"))) {
            host = header->value;
            hosts++;
        } else if (header->name.len == 6 && str_equal(header->name, STR("expect"))) {
            TRY(check_expect(http1, header->value));
        } else if (header->name.len == 17 && str_equal(header->name, STR("transfer-encoding"))) {
            transfer_encodings++;
            TRY(check_transfer_encoding(http1, header->value));
        }
    }
    if (transfer_encodings > 1)
        return refuse_later(http1, 400, "The request has more than one Transfer-Encoding.");
    if (hosts > 1 || (request->version >= 11 && (hosts == 0 || host.len == 0)))
        return refuse_later(http1, 400, "An HTTP/1.1 request needs exactly one Host.");
    *ret_host = host;
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_connection *connection = parser->data;
    struct http1 *http1 = &connection->http1;
    struct http_exchange *exchange = http1->receiving;
    struct http_request *request = &exchange->request;
    exchange->head_only = parser->method == LLHTTP_HEAD;
    if (parser->http_major != 1 || parser->http_minor > 1)
        return refuse_later(http1, 505, "Only HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here.");
    request->version = 10u + parser->http_minor;
    if (parser->method == HTTP_CONNECT)
        return refuse_later(http1, 501, "CONNECT is not implemented.");
    request->method = method_of(parser);
    request->method_text = str_from_cstr(llhttp_method_name(parser->method));
    if (place_head(http1) < 0)
        return refuse_later(http1, 503, "The server is out of memory.");
    http_exchange_take_headers(exchange);
    struct str host = STR_EMPTY;
    TRY(check_headers(http1, &host));
    if (http_exchange_set_host(exchange, host) < 0)
        return refuse_later(http1, 400, "The Host is malformed.");
    if (http_exchange_set_target(exchange, str_from(exchange->head + http1->target_offset, http1->target_len)) < 0)
        return refuse_later(http1, 400, "The request's target is malformed.");
    bool chunked = (parser->flags & F_CHUNKED) != 0;
    if (!chunked && http_exchange_body_admit(exchange, parser->content_length) < 0)
        return refuse_body(http1, ERR_TOO_LARGE);
    if (!chunked && parser->content_length == 0)
        exchange->expects_continue = false;
    exchange->keep_alive = llhttp_should_keep_alive(parser) != 0;
    parser->upgrade = 0; /* An offer to upgrade may be ignored (RFC 9110, 7.8). */
    http1->in_body = true;
    connection->phase++;
    return 0;
}

static const llhttp_settings_t SETTINGS = {
    .on_method = on_method,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_message_complete = on_message_complete,
};

/* -- Requests ----------------------------------------------------------------------------------------------------- */

/* OPTIONS * asks about the server itself (RFC 9110, 9.3.7), not about a resource of the handler's. */
static void answer_options(struct http_exchange *exchange)
{
    exchange->response.status = 204;
    http_response_header(&exchange->response, STR("Allow"), STR("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    http1_answer(exchange, &exchange->response);
}

static void take_message(struct http_connection *connection)
{
    struct http_exchange *exchange = connection->http1.receiving;
    connection->http1.receiving = NULL;
    connection->http1.in_body = false;
    if (!exchange->keep_alive || connection->loop->draining)
        connection->last_request_seen = true;
    if (exchange->request.path.ptr[0] == '*')
        answer_options(exchange);
    else
        http_exchange_dispatch(exchange);
}

static int status_of(llhttp_errno_t error, const char *reason)
{
    /* The parser has the same code for a version that it does not know and for what comes behind a good one. */
    return error == HPE_INVALID_VERSION && strstr(reason, "Invalid") ? 505 : 400;
}

static void save_partial(struct http_connection *connection, struct str bytes)
{
    struct http1 *http1 = &connection->http1;
    struct http_exchange *exchange = http1->receiving;
    if (!exchange) {
        http1->extra_bytes += bytes.len;
        if (http1->extra_bytes > HTTP_EMPTY_BYTES_MAX)
            http1_refuse(connection, 400, "The request line is missing.");
        return;
    }
    if (http1->in_body)
        return;
    struct str rest = str_from(http1->span, (size_t)(bytes.ptr + bytes.len - http1->span));
    if (exchange->head_len + rest.len > limits_of(connection)->head_bytes_max)
        http1_refuse(connection, 431, "The request's header fields are too large.");
    else if (save_head(exchange, rest) < 0)
        http1_refuse(connection, 503, "The server is out of memory.");
}

/* Parses one message at most; returns how many bytes it used. */
static size_t parse_some(struct http_connection *connection, struct str bytes)
{
    struct http1 *http1 = &connection->http1;
    http1->span = bytes.ptr;
    llhttp_errno_t error = llhttp_execute(&http1->parser, bytes.ptr, bytes.len);
    if (error == HPE_OK) {
        save_partial(connection, bytes);
        return bytes.len;
    }
    if (error == HPE_PAUSED) {
        size_t used = (size_t)(llhttp_get_error_pos(&http1->parser) - bytes.ptr);
        llhttp_resume(&http1->parser);
        http1->extra_bytes = 0;
        take_message(connection);
        return used;
    }
    if (http1->refusal_status) {
        http1_refuse(connection, http1->refusal_status, http1->refusal_detail);
    } else {
        const char *reason = llhttp_get_error_reason(&http1->parser);
        http1_refuse(connection, status_of(error, reason), reason);
    }
    return bytes.len;
}

static unsigned in_flight(const struct http_connection *connection)
{
    return connection->exchange_count - (connection->http1.receiving ? 1 : 0);
}

static bool may_parse(const struct http_connection *connection)
{
    return in_flight(connection) < limits_of(connection)->pipelined_max &&
           connection->output.bytes <= HTTP_OUTPUT_BYTES_MAX;
}

/* An interim answer may only follow the answers to earlier requests. */
static void send_continue(struct http_connection *connection)
{
    struct http_exchange *receiving = connection->http1.receiving;
    if (!receiving || !receiving->expects_continue || receiving != connection->first_exchange)
        return;
    receiving->expects_continue = false;
    if (receiving->body_len == 0 &&
        !http_output_append(connection->loop, &connection->output, STR("HTTP/1.1 100 Continue\r\n\r\n")))
        http_connection_close(connection);
}

static void stash(struct http_connection *connection, struct str bytes)
{
    struct http1 *http1 = &connection->http1;
    char *copy = malloc(bytes.len);
    if (!copy) {
        http_connection_close(connection);
        return;
    }
    memcpy(copy, bytes.ptr, bytes.len);
    http1->stash = copy;
    http1->stash_len = bytes.len;
}

void http1_receive(struct http_connection *connection, struct str bytes)
{
    struct http1 *http1 = &connection->http1;
    if (connection->first_sender) {
        connection->linger_bytes += bytes.len;
        if (connection->linger_bytes > HTTP_LINGER_BYTES_MAX)
            http_connection_close(connection);
        return;
    }
    if (http1->stash_len > 0) { /* Reading stops with a stash, but a TLS record may bring a last piece. */
        char *grown = realloc(http1->stash, http1->stash_len + bytes.len);
        if (!grown) {
            http_connection_close(connection);
            return;
        }
        memcpy(grown + http1->stash_len, bytes.ptr, bytes.len);
        http1->stash = grown;
        http1->stash_len += bytes.len;
        return;
    }
    while (bytes.len > 0 && !connection->closing && !connection->last_request_seen) {
        if (!may_parse(connection)) {
            stash(connection, bytes);
            return;
        }
        bytes = str_skip(bytes, parse_some(connection, bytes));
    }
    if (!connection->closing)
        send_continue(connection);
}

void http1_resume(struct http_connection *connection)
{
    struct http1 *http1 = &connection->http1;
    if (http1->stash_len == 0 || (!may_parse(connection) && !connection->last_request_seen))
        return;
    char *bytes = http1->stash;
    size_t len = http1->stash_len;
    http1->stash = NULL;
    http1->stash_len = 0;
    http1_receive(connection, str_from(bytes, len));
    free(bytes);
}

void http1_open(struct http_connection *connection)
{
    llhttp_init(&connection->http1.parser, HTTP_REQUEST, &SETTINGS);
    connection->http1.parser.data = connection;
}

void http1_close(struct http_connection *connection)
{
    free(connection->http1.stash);
    connection->http1.stash = NULL;
    connection->http1.stash_len = 0;
}

enum http_wait http1_wait(const struct http_connection *connection)
{
    if (connection->http1.receiving)
        return connection->http1.in_body ? HTTP_WAIT_BODY : HTTP_WAIT_HEAD;
    return connection->exchange_count > 0 || connection->first_sender ? HTTP_WAIT_NONE : HTTP_WAIT_IDLE;
}

/* -- Answers, in the order of their requests ---------------------------------------------------------------------- */

/* Behind the head of an answer that goes on: nothing else is read or said on this connection. */
static void begin_stream(struct http_connection *connection, struct http_stream *stream, bool is_chunked,
                         bool is_head_only)
{
    struct http_sender *sender = http_sender_open(connection, stream, 0);
    connection->last_request_seen = true;
    if (!sender) {
        http_connection_close(connection);
        return;
    }
    sender->is_chunked = is_chunked && !is_head_only;
    if (is_head_only || connection->loop->draining)
        http1_finish(sender, is_head_only ? HTTP_STREAM_GONE : HTTP_STREAM_DRAINED);
}

/* The first exchange leaves the list with its answer written. */
static void write_first(struct http_connection *connection, struct http_response *response)
{
    struct http_exchange *exchange = connection->first_exchange;
    if (response->stream && !http_stream_has_room(connection->loop->server)) {
        http_exchange_refuse_stream(exchange, response);
        response = &exchange->response;
    }
    struct http_stream *stream = response->stream;
    bool is_chunked = exchange->request.version >= 11, is_head_only = exchange->head_only;
    bool keep_alive = exchange->keep_alive && !stream && !(connection->loop->draining && !exchange->next);
    bool held = false;
    bool written = http1_write_response(exchange, response, keep_alive, &held);
    response->stream = NULL;
    http_exchange_unlink(exchange);
    exchange->connection = NULL;
    if (!held)
        http_exchange_recycle(exchange);
    if (stream) {
        begin_stream(connection, stream, is_chunked, is_head_only);
    } else if (!keep_alive) {
        connection->close_after_write = true;
        connection->last_request_seen = true;
    }
    if (!written)
        http_connection_close(connection);
}

static void write_ready(struct http_connection *connection)
{
    while (!connection->closing && !connection->first_sender && connection->first_exchange &&
           connection->first_exchange->answered)
        write_first(connection, &connection->first_exchange->response);
    if (!connection->closing)
        send_continue(connection);
}

void http1_answer(struct http_exchange *exchange, const struct http_response *response)
{
    struct http_connection *connection = exchange->connection;
    if (exchange == connection->first_exchange && !connection->first_sender) {
        struct http_response *taken = (struct http_response *)(uintptr_t)response; /* its blobs are ours to take */
        write_first(connection, taken);
        write_ready(connection);
        return;
    }
    http_response_copy(&exchange->response, response);
    exchange->answered = true;
}

void http1_refuse(struct http_connection *connection, int status, const char *detail)
{
    struct http_exchange *exchange = connection->http1.receiving;
    connection->http1.receiving = NULL;
    connection->last_request_seen = true;
    if (!exchange)
        exchange = http_exchange_open(connection);
    if (!exchange) {
        http_connection_close(connection);
        return;
    }
    exchange->keep_alive = false;
    http_exchange_fill_refusal(exchange, status, detail);
    exchange->answered = true;
    write_ready(connection);
}
