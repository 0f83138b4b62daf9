/* Exchanges: a request, its memory and its answer. Recycled through a free list a loop. */
#include "platform/base/err.h"
#include "platform/net/server_internal.h"

#include <stdlib.h>

static struct http_exchange *exchange_take(struct http_loop *loop)
{
    struct http_exchange *exchange = loop->free_exchanges;
    if (exchange) {
        loop->free_exchanges = exchange->next;
        loop->free_exchange_count--;
        return exchange;
    }
    exchange = malloc(sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->arena = arena_new(loop->server->config.limits.arena_bytes_max);
    if (!exchange->arena) {
        free(exchange);
        return NULL;
    }
    exchange->loop = loop;
    return exchange;
}

bool http_loop_is_full(const struct http_loop *loop)
{
    const struct http_server *server = loop->server;
    return loop->exchange_count >= server->config.limits.exchanges_max / server->loop_count;
}

struct http_exchange *http_exchange_open(struct http_connection *connection)
{
    struct http_exchange *exchange = exchange_take(connection->loop);
    if (!exchange)
        return NULL;
    connection->loop->exchange_count++;
    /* The large arrays at the end, and what the header table holds beyond its count, are not touched. */
    exchange->request = (struct http_request){.headers = exchange->headers, .peer = str_from_cstr(connection->peer)};
    exchange->request.scheme = connection->tls ? STR("https") : STR("http");
    exchange->request.peer_names = arena_copy(exchange->arena, http_tls_names(connection));
    exchange->response.status = 0;
    exchange->response.header_count = 0;
    exchange->response.body = STR_EMPTY;
    exchange->response.blob = NULL;
    exchange->response.head_blob = NULL;
    exchange->response.stream = NULL;
    exchange->response.trailer_count = 0;
    exchange->response.on_input = NULL;
    exchange->slot = NULL;
    atomic_store_explicit(&exchange->dead, false, memory_order_relaxed);
    exchange->responded = exchange->answered = false;
    exchange->keep_alive = exchange->head_only = exchange->expects_continue = false;
    exchange->head_done = exchange->remote_done = false;
    exchange->header_bytes = 0;
    exchange->refusal_status = 0;
    exchange->refusal_detail = NULL;
    exchange->ignored_bytes = 0;
    exchange->started_ms = uv_now(&connection->loop->uv);
    exchange->stream_id = 0;
    exchange->body_sent = 0;
    exchange->head = exchange->storage;
    exchange->head_len = 0;
    exchange->head_heap = NULL;
    exchange->body = NULL;
    exchange->body_len = exchange->body_capacity = 0;
    exchange->body_heap = NULL;
    exchange->body_heap_bytes = 0;
    exchange->body_bytes_max = connection->loop->server->config.limits.body_bytes_max;
    exchange->is_limit_asked = false;

    exchange->connection = connection;
    exchange->next = NULL;
    exchange->previous = connection->last_exchange;
    if (exchange->previous)
        exchange->previous->next = exchange;
    else
        connection->first_exchange = exchange;
    connection->last_exchange = exchange;
    connection->exchange_count++;
    return exchange;
}

void http_exchange_unlink(struct http_exchange *exchange)
{
    struct http_connection *connection = exchange->connection;
    struct http_exchange **first = connection ? &connection->first_exchange : &exchange->loop->orphans;
    if (exchange->previous)
        exchange->previous->next = exchange->next;
    else
        *first = exchange->next;
    if (exchange->next)
        exchange->next->previous = exchange->previous;
    else if (connection)
        connection->last_exchange = exchange->previous;
    if (connection)
        connection->exchange_count--;
    exchange->previous = exchange->next = NULL;
}

static void release_heap(struct http_exchange *exchange)
{
    http_response_release(&exchange->response);
    free(exchange->head_heap);
    free(exchange->body_heap);
    if (exchange->body_heap_bytes > 0)
        atomic_fetch_sub(&exchange->loop->server->bodies_bytes, exchange->body_heap_bytes);
    exchange->head_heap = exchange->body_heap = NULL;
    exchange->body_heap_bytes = 0;
}

void http_exchange_free(struct http_exchange *exchange)
{
    release_heap(exchange);
    arena_free(exchange->arena);
    free(exchange);
}

void http_exchange_recycle(struct http_exchange *exchange)
{
    struct http_loop *loop = exchange->loop;
    if (exchange == loop->dispatching) {
        loop->dispatching_is_over = true;
        return;
    }
    loop->exchange_count--;
    if (loop->free_exchange_count >= HTTP_EXCHANGES_KEPT) {
        http_exchange_free(exchange);
        return;
    }
    release_heap(exchange);
    arena_reset(exchange->arena);
    exchange->next = loop->free_exchanges;
    loop->free_exchanges = exchange;
    loop->free_exchange_count++;
}

bool http_exchange_dispatch_head(struct http_exchange *exchange)
{
    struct http_connection *connection = exchange->connection;
    const struct http_server_config *config = &exchange->loop->server->config;
    if (!config->on_head)
        return false;
    connection->unanswered_count++;
    bool answered = config->on_head(config->context, exchange);
    if (!answered)
        connection->unanswered_count--;
    return answered;
}

void http_exchange_dispatch(struct http_exchange *exchange)
{
    struct http_loop *loop = exchange->loop;
    struct http_server *server = loop->server;
    exchange->request.body = str_from(exchange->body_len ? exchange->body : NULL, exchange->body_len);
    exchange->connection->unanswered_count++;
    loop->batch_open = true;
    loop->dispatching = exchange;
    loop->dispatching_is_over = false;
    server->config.on_request(server->config.context, exchange);
    /* Another task may own the exchange by now, so nothing of it is read unless it was answered in here. */
    loop->dispatching = NULL;
    if (loop->dispatching_is_over)
        http_exchange_recycle(exchange);
}

void http_exchange_give_up(struct http_exchange *exchange)
{
    const struct http_server_config *config = &exchange->loop->server->config;
    atomic_store_explicit(&exchange->dead, true, memory_order_relaxed);
    if (config->on_gone)
        config->on_gone(config->context, exchange);
}

void http_exchange_answer(struct http_exchange *exchange, const struct http_response *response)
{
    struct http_connection *connection = exchange->connection;
    if (!connection) { /* The peer is gone; nobody reads it. */
        http_exchange_unlink(exchange);
        http_response_copy(&exchange->response, response);
        http_exchange_recycle(exchange);
        return;
    }
    connection->unanswered_count--;
    if (connection->protocol == HTTP_PROTOCOL_2)
        http2_answer(exchange, response);
    else
        http1_answer(exchange, response);
    http_connection_mark_dirty(connection);
}

int http_exchange_head_reserve(struct http_exchange *exchange, size_t size)
{
    if (size <= HTTP_EXCHANGE_BYTES || exchange->head_heap)
        return 0;
    size_t limit = exchange->loop->server->config.limits.head_bytes_max;
    exchange->head_heap = malloc(size > limit ? size : limit);
    if (!exchange->head_heap)
        return ERR_NO_MEMORY;
    memcpy(exchange->head_heap, exchange->storage, exchange->head_len);
    exchange->head = exchange->head_heap;
    return 0;
}

/* Counts the memory of a body against the limit of all; what is counted is given back by release_heap. */
static bool reserve_heap(struct http_exchange *exchange, size_t capacity)
{
    struct http_server *server = exchange->loop->server;
    size_t more = capacity - exchange->body_heap_bytes;
    if (atomic_fetch_add(&server->bodies_bytes, more) + more > server->config.limits.bodies_bytes_max) {
        atomic_fetch_sub(&server->bodies_bytes, more);
        return false;
    }
    exchange->body_heap_bytes = capacity;
    return true;
}

int http_exchange_body_admit(struct http_exchange *exchange, uint64_t bytes)
{
    const struct http_server_config *config = &exchange->loop->server->config;
    if (bytes <= exchange->body_bytes_max)
        return 0;
    if (config->on_large_body && !exchange->is_limit_asked) {
        exchange->is_limit_asked = true;
        size_t allowed =
            config->on_large_body(config->context, &exchange->request, exchange->arena, &exchange->response);
        if (allowed > exchange->body_bytes_max)
            exchange->body_bytes_max = allowed;
    }
    return exchange->response.status == 0 && bytes <= exchange->body_bytes_max ? 0 : ERR_TOO_LARGE;
}

int http_exchange_body_refusal(struct http_exchange *exchange, int error, const char **ret_detail)
{
    *ret_detail = "The server holds too many requests' bodies; try again.";
    if (error != ERR_TOO_LARGE)
        return 503;
    char *detail = arena_printf(exchange->arena, "The request's body is too large: it may have at most %zu bytes.",
                                exchange->body_bytes_max);
    *ret_detail = detail ? detail : "The request's body is too large.";
    return exchange->response.status ? exchange->response.status : 413;
}

int http_exchange_body_append(struct http_exchange *exchange, struct str bytes)
{
    if (!exchange->body) {
        /* A small body lies behind its head. */
        size_t used = exchange->head == exchange->storage ? exchange->head_len : 0;
        exchange->body = exchange->storage + used;
        exchange->body_capacity = HTTP_EXCHANGE_BYTES - used;
    }
    size_t needed = exchange->body_len + bytes.len;
    TRY(http_exchange_body_admit(exchange, needed));
    size_t limit = exchange->body_bytes_max;
    if (needed > exchange->body_capacity) {
        /* It grows with what came, not with what was announced: a promise costs the peer nothing. */
        size_t capacity = needed > limit / 2 ? limit : needed * 2;
        if (!reserve_heap(exchange, capacity))
            return ERR_NO_MEMORY;
        char *heap = realloc(exchange->body_heap, capacity);
        if (!heap)
            return ERR_NO_MEMORY;
        if (!exchange->body_heap)
            memcpy(heap, exchange->body, exchange->body_len);
        exchange->body = exchange->body_heap = heap;
        exchange->body_capacity = capacity;
    }
    memcpy(exchange->body + exchange->body_len, bytes.ptr, bytes.len);
    exchange->body_len = needed;
    return 0;
}

/* RFC 3986, 3.2.2, less the comma: no name has one, but two Host fields that somebody has joined do. */
static bool is_host_char(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || strchr("-._~!$&'()*+;=%", c) != NULL;
}

static bool is_port(struct str port)
{
    for (size_t i = 0; i < port.len; i++) {
        if (port.ptr[i] < '0' || port.ptr[i] > '9')
            return false;
    }
    return port.len <= 5;
}

int http_exchange_set_host(struct http_exchange *exchange, struct str host)
{
    size_t len = 0;
    if (host.len > 0 && host.ptr[0] == '[') { /* RFC 3986, 3.2.2: an IPv6 address in brackets */
        ptrdiff_t end = str_find_char(host, ']');
        if (end < 2)
            return ERR_INVALID;
        for (ptrdiff_t i = 1; i < end; i++) {
            if (!strchr("0123456789abcdefABCDEF:.", host.ptr[i]) || host.ptr[i] == '\0')
                return ERR_INVALID;
        }
        len = (size_t)end + 1;
    } else {
        while (len < host.len && host.ptr[len] != '\0' && is_host_char(host.ptr[len]))
            len++;
    }
    struct str rest = str_skip(host, len);
    if (rest.len > 0 && (rest.ptr[0] != ':' || !is_port(str_skip(rest, 1))))
        return ERR_INVALID;
    if (len == 0 && host.len > 0)
        return ERR_INVALID;
    exchange->request.host = str_from(host.ptr, len);
    return 0;
}

static bool is_scheme(struct str target, struct str scheme)
{
    return target.len >= scheme.len && str_equal_nocase(str_slice(target, 0, scheme.len), scheme);
}

int http_exchange_set_target(struct http_exchange *exchange, struct str target)
{
    struct http_request *request = &exchange->request;
    if (target.len == 0)
        return ERR_INVALID;
    if (target.ptr[0] != '/' && !(target.len == 1 && target.ptr[0] == '*' && request->method == HTTP_OPTIONS)) {
        /* RFC 9112, 3.2.2: an absolute target stands over the Host field. */
        size_t prefix = is_scheme(target, STR("http://")) ? 7 : is_scheme(target, STR("https://")) ? 8 : 0;
        if (prefix == 0)
            return ERR_INVALID;
        size_t end = prefix;
        while (end < target.len && target.ptr[end] != '/' && target.ptr[end] != '?')
            end++;
        struct str authority = str_slice(target, prefix, end - prefix);
        if (authority.len == 0)
            return ERR_INVALID;
        TRY(http_exchange_set_host(exchange, authority));
        target = str_skip(target, end);
        if (target.len == 0)
            target = STR("/");
    }
    if (str_find_char(target, '#') >= 0)
        return ERR_INVALID; /* A fragment is never sent (RFC 9110, 7.1). */
    ptrdiff_t question = str_find_char(target, '?');
    request->target = target;
    request->path = question < 0 ? target : str_slice(target, 0, (size_t)question);
    if (request->path.len == 0)
        request->path = STR("/");
    request->query = question < 0 ? STR_EMPTY : str_skip(target, (size_t)question + 1);
    return 0;
}

void http_exchange_take_headers(struct http_exchange *exchange)
{
    if (exchange->connection->is_from_proxy)
        proxies_apply(exchange->loop->server->config.proxies, &exchange->request, exchange->client);
}

void http_exchange_fill_refusal(struct http_exchange *exchange, int status, const char *detail)
{
    struct http_server *server = exchange->loop->server;
    struct http_response *response = &exchange->response;
    if (response->status)
        return;
    response->status = status;
    response->header_count = 0;
    if (server->config.on_refusal)
        server->config.on_refusal(server->config.context, status, detail, exchange->arena, response);
}

void http_exchange_refuse_stream(struct http_exchange *exchange, struct http_response *response)
{
    http_response_release(response);
    exchange->response.status = 0;
    http_exchange_fill_refusal(exchange, 503, "The server holds too many streams; try again.");
}

bool http_text_is_clean(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

void http_response_release(struct http_response *response)
{
    http_blob_unref(response->blob);
    http_blob_unref(response->head_blob);
    response->blob = response->head_blob = NULL;
    if (response->stream) {
        http_stream_end(response->stream, HTTP_STREAM_GONE);
        http_stream_unref(response->stream);
    }
    response->stream = NULL;
}

void http_response_copy(struct http_response *target, const struct http_response *source)
{
    if (target == source)
        return;
    target->status = source->status;
    target->header_count = source->header_count;
    memcpy(target->headers, source->headers, source->header_count * sizeof source->headers[0]);
    target->body = source->body;
    target->blob = source->blob;
    target->head_blob = source->head_blob;
    target->stream = source->stream;
    target->trailers = source->trailers;
    target->trailer_count = source->trailer_count;
    target->on_input = source->on_input;
    target->input_context = source->input_context;
}

/* -- The public side ---------------------------------------------------------------------------------------------- */

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

struct arena *http_exchange_arena(struct http_exchange *exchange)
{
    return exchange->arena;
}

unsigned http_exchange_loop(const struct http_exchange *exchange)
{
    return exchange->loop->index;
}

void **http_exchange_slot(struct http_exchange *exchange)
{
    return &exchange->slot;
}

bool http_exchange_is_dead(const struct http_exchange *exchange)
{
    return atomic_load_explicit(&exchange->dead, memory_order_relaxed);
}

void http_exchange_respond(struct http_exchange *exchange, const struct http_response *response)
{
    ASSERT(!exchange->responded);
    exchange->responded = true;
    if (http_loop_current() != exchange->loop) {
        http_response_copy(&exchange->response, response);
        http_loop_queue_answer(exchange);
        return;
    }
    http_exchange_answer(exchange, response);
}
