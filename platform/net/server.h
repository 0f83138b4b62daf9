/* The HTTP server: libuv loops (one a core, SO_REUSEPORT), llhttp, nghttp2 (h2c by prior knowledge and upgrade-free,
 * TLS with ALPN h2 and http/1.1), OpenSSL.
 *
 * A request whose head and body arrived whole is given to on_request on the loop's thread. The handler either answers
 * at once (http_exchange_respond before it returns) or keeps the exchange and answers later from any task. Each
 * exchange is answered exactly once. Its memory (request, arena) stays valid until the response was sent or the
 * connection died, whichever is later than http_exchange_respond.
 *
 * A response with a stream (http_stream.h) frees its exchange like any other: what the connection keeps for it is
 * small, so that many can be open. HTTP/1.1 sends it in chunks, HTTP/1.0 until the end of the connection, and neither
 * takes another request behind it; HTTP/2 has up to streams_max of them on one connection. They have a
 * limit of their own (connections_max), whatever speaks. A drain ends them at once.
 *
 * Batches: on_batch_end is called on the loop's thread after each round of on_request calls, so that a handler can
 * collect the round's requests and hand them to workers with one lock and one wake. */
#pragma once

#include "platform/net/http.h"
#include "platform/net/proxies.h"
#include "platform/net/tls.h"

struct http_server;
struct http_exchange;

#define HTTP_SPARE_DESCRIPTORS 256
#define HTTP_SHARE_WITHOUT_STREAMS 4 /* of connections_max: one of so many */

struct http_limits {
    size_t head_bytes_max;    /* request line and headers: 431 beyond */
    size_t target_bytes_max;  /* 414 beyond */
    size_t body_bytes_max;    /* 413 beyond, unless on_large_body lets the request have more */
    size_t bodies_bytes_max;  /* of all requests' bodies that a server holds at a time: 503 beyond */
    size_t arena_bytes_max;   /* of each exchange's arena */
    unsigned connections_max; /* a server: the next one takes the place of one whose peer asks for nothing, or is
                               * closed where there is none. As many streams, less a quarter: 503 beyond. Never more
                               * than http_connections_allowed, which a process of several servers shares out */
    unsigned pipelined_max;   /* requests in flight on one HTTP/1.1 connection; then it is not read */
    unsigned streams_max;     /* concurrent streams on one HTTP/2 connection */
    unsigned exchanges_max;   /* held until answered and sent; a loop has its share: 503, or a refused stream, beyond */
    int64_t head_timeout_ms;  /* from the first byte to the end of the head: 408 and closed */
    int64_t body_timeout_ms;  /* from the end of the head to the end of the body: 408 and closed */
    int64_t idle_timeout_ms;  /* between requests: closed */
    int64_t write_timeout_ms; /* a peer that does not read: closed */
};

extern const struct http_limits http_limits_default;

/* Of so many connections, those that all servers of the process together may have: as many as it may open files, less
 * HTTP_SPARE_DESCRIPTORS for what else it has to open; half of them where it may open few. */
unsigned http_connections_allowed(unsigned wanted);

struct http_server_config {
    const char *address;            /* "127.0.0.1", "::1", "0.0.0.0" */
    int port;                       /* 0: any; ask with http_server_port */
    unsigned loop_count;            /* 0: one a processor */
    const struct tls_identity *tls; /* NULL for plain text */
    const struct proxies *proxies; /* believed about the client's address and scheme; NULL: none. Outlives the server */
    struct http_limits limits;

    void *context;
    /* Both are called on a loop's thread, at the same time on different loops; they must not block. */
    void (*on_request)(void *context, struct http_exchange *exchange);
    void (*on_batch_end)(void *context, unsigned loop_index);

    /* HTTP/2: the head of a request is there, and a body follows. True when it was answered, by a stream with on_input:
     * the body goes there as it comes, and on_request is not called. False when it was not: the handler wants it whole.
     * On a loop's thread; NULL: all are wanted whole. */
    bool (*on_head)(void *context, struct http_exchange *exchange);

    /* The peer of a request that is not answered yet has given it up (HTTP/2: the stream was reset, or the connection
     * is gone); it must be answered all the same, maybe was on another task just now. On a loop's thread; NULL: nobody
     * wants to know. */
    void (*on_gone)(void *context, struct http_exchange *exchange);

    /* A body is announced to be larger than limits.body_bytes_max, or grows beyond it: how many bytes it may have.
     * Asked once a request, whose head is whole, before the first byte beyond the limit is kept. When ret_response has
     * a status afterwards, the request is refused with it, and no more of its body is kept. On a loop's thread, as
     * the others; NULL: no request may have more. */
    size_t (*on_large_body)(void *context, const struct http_request *request, struct arena *arena,
                            struct http_response *ret_response);

    /* Answers refused before they became a request (bad framing, too large, timed out); fills the response's body
     * and headers as problem+json, and may choose another status. NULL: a body-less answer. */
    void (*on_refusal)(void *context, int status, const char *detail, struct arena *arena,
                       struct http_response *ret_response);
};

/* Binds, listens and starts the loops. ERR_UNAVAILABLE when the address is taken or not to be had; the reason is
 * written to ret_message (a static or thread-safe string of at most 255 bytes). */
int http_server_start(struct http_server **ret_server, const struct http_server_config *config, char ret_message[256]);

int http_server_port(const struct http_server *server);
unsigned http_server_loop_count(const struct http_server *server);
unsigned http_server_connection_count(struct http_server *server);

/* Drains: stops listening, answers what is in flight (Connection: close, GOAWAY), and closes idle connections. What has
 * reached the machine before the call is in flight, be it accepted and read or not. Returns true when every connection
 * is gone before the deadline; those left are then cut. Callable once. */
bool http_server_drain(struct http_server *server, int64_t deadline_ns);

/* After the drain (or instead): cuts every connection, waits until each request that a handler has is answered, and
 * frees everything. NULL is fine. */
void http_server_free(struct http_server *server);

/* -- The exchange ------------------------------------------------------------------------------------------------- */

const struct http_request *http_exchange_request(const struct http_exchange *exchange);
struct arena *http_exchange_arena(struct http_exchange *exchange);
unsigned http_exchange_loop(const struct http_exchange *exchange);

/* A pointer of the handler's own, NULL at first: a link for its queues. */
void **http_exchange_slot(struct http_exchange *exchange);

/* Whether the peer is gone; the answer must be given all the same. Any task. */
bool http_exchange_is_dead(const struct http_exchange *exchange);

/* Answers; takes the response's blobs and its stream. Any task, once. On the loop's own thread it is written at once;
 * from another one it is queued, and the loop is woken once for all that are queued. */
void http_exchange_respond(struct http_exchange *exchange, const struct http_response *response);
