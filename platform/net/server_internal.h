/* What the files of the server share: loops, connections, exchanges, output. Not for anybody else.
 *
 * Everything here belongs to one loop's thread, except what is marked atomic. A connection that fails is closed by
 * http_connection_close and freed in a later turn of its loop, so that a pointer to it stays valid throughout a
 * callback. Every callback that the server is called in ends with http_loop_flush, which writes what was answered. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/task.h"
#include "platform/net/http_stream.h"
#include "platform/net/server.h"

/* llhttp and http.h give the same names to their methods; llhttp's are renamed as they come in. */
#define HTTP_GET LLHTTP_GET
#define HTTP_HEAD LLHTTP_HEAD
#define HTTP_POST LLHTTP_POST
#define HTTP_PUT LLHTTP_PUT
#define HTTP_PATCH LLHTTP_PATCH
#define HTTP_DELETE LLHTTP_DELETE
#define HTTP_OPTIONS LLHTTP_OPTIONS
#include <llhttp.h>
#undef HTTP_GET
#undef HTTP_HEAD
#undef HTTP_POST
#undef HTTP_PUT
#undef HTTP_PATCH
#undef HTTP_DELETE
#undef HTTP_OPTIONS

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <uv.h>

#define HTTP_READ_BYTES 65536u          /* the read buffer, one a loop */
#define HTTP_CHUNK_BYTES 16000u         /* of output; what is larger gets a chunk of its own */
#define HTTP_CHUNKS_KEPT 64u            /* unused chunks that a loop keeps */
#define HTTP_BODY_COPY_MAX 4096u        /* a body up to here is copied behind its head: one buffer to write */
#define HTTP_OUTPUT_BYTES_MAX 262144u   /* waiting on a connection: no request is parsed beyond, no more is encoded */
#define HTTP_WRITE_BUFFERS_MAX 32u      /* in one writev */
#define HTTP_EXCHANGES_KEPT 128u        /* unused exchanges that a loop keeps */
#define HTTP_EXCHANGE_BYTES 2048u       /* of a head, and of a body that fits behind it, without an allocation */
#define HTTP_STREAM_OUTPUT_BYTES 16000u /* of a stream that are written ahead of its peer; the rest waits in it */
#define HTTP_EMPTY_BYTES_MAX 64u        /* of empty lines before a request line */
#define HTTP_CHUNK_EXTENSION_BYTES_MAX 1024u /* over a whole chunked body */
#define HTTP_TRAILER_BYTES_MAX 4096u
#define HTTP_LINGER_MS 2000            /* for the peer to read a last answer, after our FIN */
#define HTTP_DRAIN_LINGER_MS 200       /* the same once the server is to end: it waits for this */
#define HTTP_ROUNDS_BEFORE_DRAIN 2u    /* of a loop, whole ones */
#define HTTP_LINGER_BYTES_MAX 1048576u /* of a refused request that are read and forgotten meanwhile */
#define HTTP_TICK_MS 20                /* time-outs are this late at most */
#define HTTP_LISTEN_BACKLOG 1024
#define HTTP_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" /* RFC 9113, 3.4 */

/* -- Output: chunks of bytes, each followed by bytes that somebody else holds ------------------------------------- */

struct http_chunk {
    struct http_chunk *next;
    size_t begin;
    size_t end;
    size_t capacity;
    struct str tail;                /* sent behind bytes[begin..end) */
    struct http_blob *blob;         /* holds the tail */
    struct http_exchange *exchange; /* holds the tail; is recycled after it */
    char bytes[];
};

struct http_output {
    struct http_chunk *first;
    struct http_chunk *last;
    size_t bytes;
};

struct http_loop;

/* Room for size bytes at the end, in one piece; http_output_commit then counts those written. NULL: out of memory. */
char *http_output_reserve(struct http_loop *loop, struct http_output *output, size_t size);
void http_output_commit(struct http_output *output, size_t size);
bool http_output_append(struct http_loop *loop, struct http_output *output, struct str bytes);

/* Appends bytes that lie elsewhere, held by a blob's reference or by an exchange; both may be NULL for static bytes. */
bool http_output_append_held(struct http_loop *loop, struct http_output *output, struct str bytes,
                             struct http_blob *blob, struct http_exchange *exchange);
unsigned http_output_buffers(const struct http_output *output, uv_buf_t buffers[HTTP_WRITE_BUFFERS_MAX]);
void http_output_consume(struct http_loop *loop, struct http_output *output, size_t size);
void http_output_clear(struct http_loop *loop, struct http_output *output);

/* -- Exchanges ---------------------------------------------------------------------------------------------------- */

struct http_exchange {
    struct http_request request;
    struct http_response response; /* kept when it cannot be written at once */
    struct http_loop *loop;
    struct http_connection *connection; /* NULL once it is gone */
    struct http_exchange *previous;     /* in the connection's list, or the loop's orphans */
    struct http_exchange *next;
    struct http_exchange *next_answered; /* in the loop's queue of answers from other tasks */
    struct arena *arena;
    void *slot;
    atomic_bool dead;

    bool responded; /* http_exchange_respond was called; belongs to who holds the exchange */
    bool answered;  /* its answer is in response, and waits for those before it */
    bool keep_alive;
    bool head_only; /* HEAD: the answer has no body */
    bool expects_continue;

    uint64_t started_ms; /* HTTP/2: when its head came */
    int32_t stream_id;   /* HTTP/2 */
    size_t body_sent;    /* HTTP/2 */
    bool head_done;      /* HTTP/2: its head is whole */
    bool remote_done;    /* HTTP/2: the request is whole */
    size_t header_bytes; /* HTTP/2: of the header list, as RFC 9113, 6.5.2 counts */
    int refusal_status;  /* HTTP/2: it is not taken; what follows of it is ignored */
    const char *refusal_detail;
    size_t ignored_bytes; /* HTTP/2: of the body that came behind the refusal */

    char *head; /* storage, or head_heap */
    size_t head_len;
    char *head_heap;
    char *body;
    size_t body_len;
    size_t body_capacity;
    char *body_heap;
    size_t body_heap_bytes;
    size_t body_bytes_max;             /* of this request */
    bool is_limit_asked;               /* on_large_body was: what it said stands */
    char client[CLIENT_ADDRESS_BYTES]; /* what a proxy says of it */
    struct http_header headers[HTTP_HEADERS_MAX];
    char storage[HTTP_EXCHANGE_BYTES];
};

/* Whether the loop holds its share of the limit on exchanges, as by many streams whose answers nobody takes. */
bool http_loop_is_full(const struct http_loop *loop);

/* NULL when out of memory. It is the last of the connection's list. */
struct http_exchange *http_exchange_open(struct http_connection *connection);

/* Recycles it, now or when its handler has returned. Not in a list any more. */
void http_exchange_recycle(struct http_exchange *exchange);
void http_exchange_unlink(struct http_exchange *exchange);
void http_exchange_free(struct http_exchange *exchange);
void http_exchange_dispatch(struct http_exchange *exchange);

/* Asks on_head; true when it is answered, and gone. */
bool http_exchange_dispatch_head(struct http_exchange *exchange);

/* Its peer is gone while it is with its handler. */
void http_exchange_give_up(struct http_exchange *exchange);

/* The answer, on the loop's thread; takes the blobs. */
void http_exchange_answer(struct http_exchange *exchange, const struct http_response *response);

/* Room for a head of size bytes; ERR_NO_MEMORY. What was stored stays. */
int http_exchange_head_reserve(struct http_exchange *exchange, size_t size);
/* Whether the body may have so many bytes in all: ERR_TOO_LARGE over its limit, and where on_large_body refused it. */
int http_exchange_body_admit(struct http_exchange *exchange, uint64_t bytes);
/* ERR_TOO_LARGE as above, ERR_NO_MEMORY without memory, or over the limit of all bodies. */
int http_exchange_body_append(struct http_exchange *exchange, struct str bytes);
/* The status, and the detail, with which one of these errors is told. */
int http_exchange_body_refusal(struct http_exchange *exchange, int error, const char **ret_detail);

/* Splits a target in origin or absolute form into target, path, query, host; ERR_INVALID. */
int http_exchange_set_target(struct http_exchange *exchange, struct str target);

/* Checks a Host or :authority and stores it without the port; ERR_INVALID. */
int http_exchange_set_host(struct http_exchange *exchange, struct str host);

/* The header fields are whole: what a proxy that is believed says of the client counts from here on. */
void http_exchange_take_headers(struct http_exchange *exchange);

/* Fills the exchange's response with the refusal's answer, unless on_large_body did. */
void http_exchange_fill_refusal(struct http_exchange *exchange, int status, const char *detail);

/* There is no room for the stream of the answer, which is released: 503 instead, in the exchange's response. */
void http_exchange_refuse_stream(struct http_exchange *exchange, struct http_response *response);

/* Whether the client speaks TLS, to this server or to a proxy that is believed. Every answer to it then asks to stay
 * with TLS (RFC 6797): for a year, for all names below the shop's. A browser that comes by an address, or without TLS,
 * does not listen to it. */
#define HTTP_STRICT_TRANSPORT "max-age=31536000; includeSubDomains"
static inline bool http_exchange_is_secure(const struct http_exchange *exchange)
{
    return exchange->request.scheme.len == sizeof "https" - 1;
}

/* Whether a name or value has no control character: a line end would begin a header of the sender's choice. */
bool http_text_is_clean(struct str s);

void http_response_release(struct http_response *response); /* its blobs, and its stream, whose peer is gone */
void http_response_copy(struct http_response *target, const struct http_response *source);

/* -- Connections -------------------------------------------------------------------------------------------------- */

enum http_wait {
    HTTP_WAIT_IDLE,
    HTTP_WAIT_HEAD,
    HTTP_WAIT_BODY,
    HTTP_WAIT_WRITE,
    HTTP_WAIT_LINGER,
    HTTP_WAIT_DRAIN_LINGER,
    HTTP_WAIT_NONE, /* nothing is waited for; not in a list */
};
#define HTTP_WAIT_COUNT HTTP_WAIT_NONE

enum http_protocol { HTTP_PROTOCOL_UNKNOWN, HTTP_PROTOCOL_1, HTTP_PROTOCOL_2 };

/* The parser's state for HTTP/1. */
struct http1 {
    llhttp_t parser;
    struct http_exchange *receiving; /* the message that is being parsed; in the list once its head is whole */
    const char *span;                /* what is parsed now: the head's byte number receiving->head_len lies here */
    size_t head_end;                 /* the offset in the head behind the last byte that a callback reported */
    size_t target_offset;
    size_t target_len;
    size_t extra_bytes; /* empty lines, chunk extensions and trailers of this message */
    const char *refusal_detail;
    int refusal_status;
    bool in_name;
    bool in_body;
    char *stash; /* bytes read and not yet parsed, because too much is in flight */
    size_t stash_len;
};

struct http_connection {
    uv_tcp_t tcp;
    uv_write_t write;
    struct http_loop *loop;
    struct http_connection *previous; /* in the loop's list */
    struct http_connection *next;
    struct http_connection *next_dirty;

    struct http_connection *wait_previous; /* in the loop's list of its kind of wait */
    struct http_connection *wait_next;
    uint64_t wait_deadline_ms;
    enum http_wait wait;
    unsigned wait_phase; /* the phase that the deadline was set for */
    unsigned phase;      /* counts heads begun and bodies begun */

    enum http_protocol protocol;
    unsigned preface_len; /* bytes of HTTP_PREFACE seen so far */
    struct http1 http1;
    nghttp2_session *http2;
    struct http_tls *tls; /* NULL for plain text */

    struct http_exchange *first_exchange;
    struct http_exchange *last_exchange;
    unsigned exchange_count;
    unsigned receiving_count; /* HTTP/2: requests that are not whole */
    int32_t last_stream_id;   /* HTTP/2: the highest that the peer has opened */
    int32_t skipped_from;     /* HTTP/2: the last of those that it left out, and can open no more */
    int32_t skipped_to;
    struct http_sender *first_sender; /* of its streams; HTTP/1 has one at the most, and behind its last answer */
    unsigned unanswered_count;        /* dispatched, without an answer; HTTP/2: also those whose stream is gone */

    struct http_output output; /* as the protocol wrote it */
    struct http_output wire;   /* as TLS made it; unused without */
    size_t linger_bytes;

    size_t writing_bytes; /* of the uv_write under way */
    bool dirty;
    bool writing;  /* a uv_write is under way */
    bool progress; /* the peer took something of an answer since the write time-out was set */
    bool reading;
    bool peer_done;         /* it sent its FIN */
    bool last_request_seen; /* what comes now is not parsed */
    bool close_after_write;
    bool lingering;
    bool closing;
    bool is_from_proxy; /* whose word on the client counts */
    char peer[INET6_ADDRSTRLEN];
};

void http_connection_accept(uv_stream_t *listener, int status);
void http_connection_close(struct http_connection *connection);

/* Puts it on the list of those that http_loop_flush works off. */
void http_connection_mark_dirty(struct http_connection *connection);
void http_connection_flush(struct http_connection *connection);
void http_connection_wait_ended(struct http_connection *connection, enum http_wait wait);
void http_connection_drain(struct http_connection *connection);

void http_connection_choose(struct http_connection *connection, enum http_protocol protocol);

/* Plain-text bytes from the peer, whichever protocol they are in. */
void http_connection_receive(struct http_connection *connection, struct str bytes);

/* -- Streams: server_stream.c -------------------------------------------------------------------------------------- */

/* The server's end of a stream. In its connection's list until that forgets it; freed then, or when the loop has taken
 * it off the list of those that were woken. */
struct http_sender {
    struct http_stream *stream; /* NULL once it has ended */
    struct http_loop *loop;
    struct http_connection *connection; /* NULL once it is gone */
    struct http_sender *previous;       /* in the connection's list */
    struct http_sender *next;
    struct http_sender *next_woken; /* in the loop's list, which any task adds to */
    atomic_bool woken;              /* it is in that list */
    int32_t stream_id;              /* HTTP/2 */
    bool is_last;                   /* HTTP/2: its end is to be sent */
    bool is_chunked;                /* HTTP/1.1 */
    struct http_blob *blob;         /* HTTP/2: a piece of which some was sent */
    size_t blob_sent;
    const struct http_header *trailers; /* HTTP/2, as are those below */
    size_t trailer_count;
    void (*on_input)(void *context, struct str bytes, bool is_last);
    void *input_context;
};

/* Whether the server may have one more; what it holds is counted by http_sender_open. */
bool http_stream_has_room(const struct http_server *server);

/* Takes the reference to the stream, whose head was written. NULL when out of memory: the stream has ended then. */
struct http_sender *http_sender_open(struct http_connection *connection, struct http_stream *stream, int32_t stream_id);

/* Ends the stream towards who writes it; the sender stays. */
void http_sender_end(struct http_sender *sender, enum http_stream_end end);

/* Ends the stream, and takes the sender off its connection. */
void http_sender_close(struct http_sender *sender, enum http_stream_end end);
void http_senders_close(struct http_connection *connection, enum http_stream_end end);

/* What was woken is sent: marks their connections dirty. On the loop's thread. */
void http_loop_take_woken(struct http_loop *loop);

/* -- Protocols ---------------------------------------------------------------------------------------------------- */

void http1_open(struct http_connection *connection);
void http1_close(struct http_connection *connection);
void http1_receive(struct http_connection *connection, struct str bytes);
void http1_resume(struct http_connection *connection); /* parses what was stashed, where it may */
void http1_encode(struct http_connection *connection); /* moves what its stream has to say to the output */
void http1_drain(struct http_connection *connection);  /* ends its stream */

/* The last chunk of a stream; the connection goes with what it still has to say. */
void http1_finish(struct http_sender *sender, enum http_stream_end end);
void http1_answer(struct http_exchange *exchange, const struct http_response *response);
void http1_refuse(struct http_connection *connection, int status, const char *detail);
enum http_wait http1_wait(const struct http_connection *connection);

/* Writes head and body; false when out of memory. Takes the blobs in any case. *ret_held tells that the exchange is
 * recycled by the output, after its body was sent. */
bool http1_write_response(struct http_exchange *exchange, struct http_response *response, bool keep_alive,
                          bool *ret_held);

#define HTTP2_CONTINUATIONS_MAX 8u
#define HTTP2_RESETS_BURST 100u /* streams that a peer may reset at once, and a second: CVE-2023-44487 */
#define HTTP2_RESETS_PER_SECOND 20u
#define HTTP2_ACKS_MAX 100u        /* of settings and pings that the peer does not read */
#define HTTP2_WINDOW_BYTES 1048576 /* of a connection; a stream has the protocol's 65,535 */

int http2_open(struct http_connection *connection);
void http2_close(struct http_connection *connection);
void http2_receive(struct http_connection *connection, struct str bytes);
void http2_encode(struct http_connection *connection); /* moves what the session has to say to the output */
void http2_answer(struct http_exchange *exchange, const struct http_response *response);
void http2_resume(struct http_sender *sender); /* its stream has something to say */
void http2_drain(struct http_connection *connection);
void http2_time_out(struct http_connection *connection);
bool http2_is_done(const struct http_connection *connection);
enum http_wait http2_wait(const struct http_connection *connection);

int http_tls_open_context(struct http_server *server);
void http_tls_close_context(struct http_server *server);
int http_tls_open(struct http_connection *connection);
struct str http_tls_names(const struct http_connection *connection); /* of the peer's certificate */
void http_tls_close(struct http_connection *connection);
void http_tls_receive(struct http_connection *connection, struct str bytes);
void http_tls_encode(struct http_connection *connection); /* moves output to wire */
void http_tls_end(struct http_connection *connection);    /* appends close_notify to wire */

/* -- Loops -------------------------------------------------------------------------------------------------------- */

struct http_wait_list {
    struct http_connection *first;
    struct http_connection *last;
};

struct http_loop {
    struct http_server *server;
    unsigned index;
    struct task *task;
    uv_loop_t uv;
    uv_tcp_t listener;
    uv_async_t async;
    uv_check_t check;
    uv_timer_t timer;
    uint64_t timer_due_ms; /* 0: not running */
    bool listening;
    bool accept_waits;            /* for memory, until the timer runs out; nothing is accepted meanwhile */
    unsigned rounds_before_drain; /* that have begun */
    bool draining;

    struct http_connection *first_connection;
    struct http_connection *dirty;
    struct http_wait_list waits[HTTP_WAIT_COUNT];

    struct http_exchange *free_exchanges; /* linked by next */
    unsigned free_exchange_count;
    unsigned exchange_count;       /* in use */
    struct http_exchange *orphans; /* unanswered, their connections are gone */
    struct http_chunk *free_chunks;
    unsigned free_chunk_count;
    struct http_exchange *dispatching; /* its handler runs */
    bool dispatching_is_over;          /* and it was answered: recycle it behind the handler */
    bool batch_open;                   /* on_request was called since the last on_batch_end */

    _Atomic(struct http_exchange *) answers; /* from other tasks, newest first */
    atomic_uint answering;                   /* tasks that are about to add to them, or to wake the loop for it */
    _Atomic(struct http_sender *) woken;     /* the same, of streams that were written to */

    uint64_t date_until_ms; /* of uv_now: until then date_line holds */
    char date_line[40];     /* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" */
    size_t date_len;
    char read_buffer[HTTP_READ_BYTES];
    char plain_buffer[16384]; /* what TLS decrypted, one record */
};

struct http_server {
    struct http_server_config config;
    struct http_loop **loops;
    unsigned loop_count;
    int port;
    SSL_CTX *tls_context;
    BIO_METHOD *tls_bio;
    uint64_t wait_ms[HTTP_WAIT_COUNT];

    atomic_uint connection_count;
    atomic_uint stream_count;
    atomic_llong full_said_ns; /* when it was last logged that there is no room for another connection */
    atomic_size_t bodies_bytes;
    atomic_uint draining_count; /* loops that listen no more */
    atomic_bool drain_wanted;
    atomic_bool cut_wanted;  /* close every connection */
    atomic_bool stop_wanted; /* end the loops */
    struct task_mutex mutex; /* for the condition */
    struct task_cond gone;   /* the last connection went, or a loop began to drain */
};

/* The loop whose thread this is, or NULL. */
struct http_loop *http_loop_current(void);

int http_loop_new(struct http_loop **ret_loop, struct http_server *server, unsigned index, int socket);
void http_loop_run(void *loop);              /* a task */
void http_loop_free(struct http_loop *loop); /* after its task was joined */
void http_loop_flush(struct http_loop *loop);
void http_loop_wake(struct http_loop *loop);                 /* any task */
void http_loop_queue_answer(struct http_exchange *exchange); /* any task */
struct str http_loop_date_line(struct http_loop *loop);      /* "Date: …\r\n" */

/* There was no memory for a connection, which libuv keeps: it is accepted in a while. Nothing else would ask for it,
 * where no connection is open. */
void http_loop_accept_later(struct http_loop *loop);

/* Sets or refreshes the connection's deadline of that kind; HTTP_WAIT_NONE takes it away. */
void http_loop_wait(struct http_connection *connection, enum http_wait wait);

/* Closes the connection that has waited longest for its peer to ask for something, be it idle, with half a head or with
 * half a body. Not those that are idle first: who comes is so, too, until their head is read. False: the loop has none,
 * all of its peers are being answered. */
bool http_loop_make_room(struct http_loop *loop);
