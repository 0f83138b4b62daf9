/* What the files of the client share: calls, connections, addresses, the loop. Not for anybody else.
 *
 * Everything belongs to the loop's thread, but for what is under the client's lock. A call lies on the stack of the
 * task that waits for it: the loop's last touch is task_event_set. */
#pragma once

#include "platform/base/task.h"
#include "platform/rpc/rpc_client.h"
#include "platform/rpc/rpc_frame.h"
#include "platform/rpc/rpc_problem.h"

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <uv.h>

#define RPC_NAME_BYTES 64
#define RPC_HOST_BYTES 256
#define RPC_ADDRESSES_MAX 64  /* of all services */
#define RPC_CONNECTIONS_MAX 4 /* to one address */
#define RPC_STREAMS_MAX 100   /* on a connection, until the peer says how many */
#define RPC_WAITING_MAX 4096  /* calls that wait for a connection of a service */
#define RPC_READ_BYTES 65536
#define RPC_OUTPUT_BYTES_MAX ((size_t)8 << 20)
#define RPC_OUTPUT_ROUND_BYTES 262144u /* encoded before what there is is written */
#define RPC_TRAILER_BYTES_MAX 8192
#define RPC_WINDOW_BYTES (8 << 20)
#define RPC_CONNECT_TIMEOUT_MS 3000
#define RPC_RETRY_DELAY_MS 100 /* after a failed connection, doubled each time up to */
#define RPC_RETRY_DELAY_MAX_MS 5000
#define RPC_KEEPALIVE_MS 10000 /* a connection with calls under way that is quiet for so long is asked */
#define RPC_KEEPALIVE_PATIENCE_MS 5000
#define RPC_IDLE_MS 300000     /* a connection without calls is closed */
#define RPC_BREAKER_FAILURES 5 /* in a row, and the address is left alone */

enum rpc_outcome {
    RPC_OUTCOME_NONE,
    RPC_OUTCOME_ENDED,       /* the peer said how: ending, and the reply */
    RPC_OUTCOME_UNPROCESSED, /* the peer cannot have seen it */
    RPC_OUTCOME_LOST,        /* it is not known what became of it */
    RPC_OUTCOME_DEADLINE,
    RPC_OUTCOME_CANCELLED,
    RPC_OUTCOME_TOO_LARGE,
    RPC_OUTCOME_NO_MEMORY,
};

/* One try of a call. */
struct rpc_try {
    struct rpc_try *next; /* in the client's queue, the service's, or the connection's */
    struct rpc_try *previous;
    const struct rpc_client_call *call;
    struct rpc_client *client;
    struct rpc_service *service;
    struct rpc_connection *connection; /* NULL while it waits for one */
    int32_t stream_id;
    bool is_cancelled; /* under the lock */

    unsigned char head[RPC_FRAME_HEAD_BYTES];
    size_t sent; /* of the head and the message */

    struct rpc_frame_reader reader;
    struct buf *reply;
    bool has_reply;
    int http_status;
    bool has_status;
    struct rpc_ending ending;
    struct buf texts; /* of the ending */
    size_t message_offset, message_len, details_offset, details_len;

    enum rpc_outcome outcome;
    const char *reason; /* static: why there is no answer */
    struct task_event done;
};

struct rpc_try_list {
    struct rpc_try *first, *last;
    size_t count;
};

void rpc_try_list_add(struct rpc_try_list *list, struct rpc_try *item);
void rpc_try_list_remove(struct rpc_try_list *list, struct rpc_try *item);

/* Ends it, wherever it is; the memory is the caller's again. */
void rpc_try_end(struct rpc_try *item, enum rpc_outcome outcome, const char *reason);

enum rpc_connection_state { RPC_CONNECTING, RPC_READY, RPC_DRAINING, RPC_CLOSED };

struct rpc_connection {
    struct rpc_connection *next; /* of the address */
    struct rpc_address *address;
    enum rpc_connection_state state;
    struct rpc_tls *tls; /* NULL: plain text */
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_getaddrinfo_t resolve;
    uv_write_t write;
    bool is_open;      /* tcp is a handle of the loop */
    bool is_resolving; /* libuv has resolve */
    bool is_connected;
    bool is_writing;
    nghttp2_session *session;
    struct buf output; /* encoded */
    struct buf wire;   /* being written */
    struct rpc_try_list tries;
    uint64_t since_ms;  /* of its state, or the last call's end */
    uint64_t heard_ms;  /* when the peer last sent something */
    uint64_t pinged_ms; /* 0: no ping is under way */
    char read_buffer[RPC_READ_BYTES];
};

/* Where a service may be had. */
struct rpc_address {
    struct rpc_address *next; /* of the service */
    struct rpc_service *service;
    char host[RPC_HOST_BYTES];
    int port;
    bool is_secure;
    struct rpc_connection *connections;
    unsigned connection_count;
    size_t active;            /* calls under way */
    unsigned failures;        /* in a row */
    uint64_t closed_until_ms; /* left alone until then */
    uint64_t delay_ms;        /* for how long the next time */
};

struct rpc_service {
    struct rpc_service *next;
    char name[RPC_NAME_BYTES];
    struct rpc_address *addresses;
    struct rpc_try_list waiting;
    int64_t budget; /* of retries, in tenths; under the client's lock */
};

struct rpc_client {
    struct rpc_service *services;
    SSL_CTX *tls_context; /* NULL: plain text alone */
    const char *trust_domain;
    struct task *task;
    bool is_started;
    uv_loop_t loop;
    uv_async_t async;
    uv_timer_t timer;
    uint64_t timer_due_ms; /* 0: not running */

    struct task_mutex lock;
    struct rpc_try_list queue; /* of tries to begin */
    bool has_cancels;
    bool is_ending;
};

/* -- rpc_peers.c: what the setting says ---------------------------------------------------------------------------- */

int rpc_peers_parse(struct str peers, struct rpc_service **ret_services, char ret_message[RPC_CLIENT_MESSAGE_BYTES]);
void rpc_peers_free(struct rpc_service *services);
bool rpc_peers_have_secure(const struct rpc_service *services);
struct rpc_service *rpc_peers_find(struct rpc_service *services, const char *name);

/* -- rpc_balance.c: which connection a call goes to ---------------------------------------------------------------- */

/* Gives what waits to connections, makes some where there are too few, and ends what nobody can take. */
void rpc_service_dispatch(struct rpc_client *client, struct rpc_service *service);

/* What became of a connection, or of a call on one. */
void rpc_address_succeeded(struct rpc_address *address);
void rpc_address_failed(struct rpc_client *client, struct rpc_address *address);
void rpc_address_connected(struct rpc_address *address);
void rpc_address_connection_failed(struct rpc_client *client, struct rpc_address *address);

/* -- rpc_connection.c ---------------------------------------------------------------------------------------------- */

/* NULL without memory. */
struct rpc_connection *rpc_connection_open(struct rpc_client *client, struct rpc_address *address);

/* How many more calls it takes. */
size_t rpc_connection_room(const struct rpc_connection *connection);
void rpc_connection_begin(struct rpc_connection *connection, struct rpc_try *item);

/* Nobody waits for it any more. */
void rpc_connection_forget(struct rpc_connection *connection, struct rpc_try *item);
void rpc_connection_flush(struct rpc_connection *connection);

/* Ends its calls, by the outcome of a loss. */
void rpc_connection_close(struct rpc_connection *connection, const char *reason);

/* Its time-outs; returns when to look again, in ms of the loop. */
uint64_t rpc_connection_tick(struct rpc_connection *connection, uint64_t now_ms);

/* -- rpc_tls.c: what lies between the two, where an address is secure ---------------------------------------------- */

/* ERR_NO_MEMORY. */
int rpc_tls_open(struct rpc_connection *connection, SSL_CTX *context);
void rpc_tls_close(struct rpc_connection *connection);

/* Takes what the peer sent; false when it is not to be believed, or broken. */
bool rpc_tls_take(struct rpc_connection *connection, struct str bytes);
/* The next decrypted bytes, in the connection's read buffer: 0 when there are none yet, -1 at the end. */
ssize_t rpc_tls_read(struct rpc_connection *connection);
/* Whether the peer has shown who it is, and is who was asked for. */
bool rpc_tls_is_ready(const struct rpc_connection *connection);
/* Moves the output, and what TLS itself has to say, to the wire; false without memory. */
bool rpc_tls_encode(struct rpc_connection *connection);

/* -- rpc_stream.c: a call as a stream of HTTP/2 -------------------------------------------------------------------- */

int rpc_session_new(struct rpc_connection *connection);
/* ERR_NO_MEMORY, ERR_UNAVAILABLE where the session takes no more. */
int rpc_stream_submit(struct rpc_connection *connection, struct rpc_try *item);

/* Of the clock that deadlines are in. */
uint64_t rpc_now_ms(void);

/* -- rpc_client.c -------------------------------------------------------------------------------------------------- */

/* The timer runs out then at the latest. */
void rpc_client_wake_at(struct rpc_client *client, uint64_t due_ms);
