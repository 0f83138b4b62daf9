/* The service table: all that a service is, in one readable constant.
 *
 * REST, RPC, OpenAPI, the authorisation matrix, migrations, consumers and jobs come from it. To read the system, read
 * the tables. A handler (rpc_handler) does one thing; decoding, authentication, authorisation, rate limits,
 * idempotency, transactions, tracing and encoding happen around it, in platform/service. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/problem.h"
#include "platform/net/http.h"
#include "platform/ports/sql/sql.h"
#include "platform/rpc/rpc.h"

struct service;
struct service_host;
struct config;
struct config_row;
struct call;
struct workflow_type;
struct event;

#define SERVICE_PATH_BYTES 4096

/* -- Who may call ------------------------------------------------------------------------------------------------- */

enum role {
    ROLE_CUSTOMER = 1 << 0,
    ROLE_SUPPORT = 1 << 1,
    ROLE_MERCHANDISER = 1 << 2,
    ROLE_ADMIN = 1 << 3,
    ROLE_SERVICE = 1 << 4, /* another service of the shop, or its command line */
    ROLE_GUEST = 1 << 5,   /* nobody signed in; may carry a guest token */
};

/* Who a row lets in. An admin may do whatever some member of the staff may. */
enum auth {
    AUTH_SERVICE = 0, /* services only: what a row forgets to say is closed */
    AUTH_ANYONE,
    AUTH_SHOPPER, /* a signed-in person, or a guest by token; the handler checks whose it is */
    AUTH_SIGNED_IN,
    AUTH_SUPPORT,      /* support or admin */
    AUTH_MERCHANDISER, /* merchandiser or admin */
    AUTH_STAFF,        /* support, merchandiser or admin */
    AUTH_ADMIN,
};

/* What a row counts requests by; limits in platform/service/rate.c. */
enum rate { RATE_BROWSE = 0, RATE_WRITE, RATE_CHECKOUT, RATE_SIGN_IN, RATE_ACCOUNT, RATE_NONE };

/* How the handler meets the database. */
enum transaction {
    TX_DEFAULT = 0, /* GET: TX_READ; others: TX_WRITE */
    TX_READ,        /* the handler runs in a snapshot (call->tx) */
    TX_WRITE,       /* the handler runs in a write transaction, on the writer: it must not block or call services.
                     * The idempotency key, the effect, events and the reply commit together. */
    TX_NONE,        /* the handler runs outside, may block and call services, and writes by call_write() */
};

/* What a row that changes something does with If-Match (if_match.h). */
enum precondition {
    IF_MATCH_REFUSED = 0, /* what it changes has no version: 400 with one, so that nobody takes it for kept */
    IF_MATCH_TAKEN,       /* the handler compares: 412 when it is stale */
    IF_MATCH_REQUIRED,    /* and 428 without one */
};

/* -- Rows --------------------------------------------------------------------------------------------------------- */

/* A raw handler sees the HTTP request and fills the response; for webhooks, pages and foreign APIs. */
typedef int raw_handler(struct call *call, const struct http_request *request, struct http_response *response);

struct route {
    const char *method;           /* "GET" */
    const char *path;             /* "/v1/products/{id}": {name} fills the input's field of that name */
    const struct rpc_method *rpc; /* by RPC(…) */
    rpc_handler *handler;
    raw_handler *raw; /* by RAW(…), instead of rpc and handler */
    enum auth auth;
    enum rate rate;
    enum transaction tx;
    int status;        /* of success; 0: 200, or 204 where the output is common.v1.Empty */
    bool idempotent;   /* takes Idempotency-Key. A raw handler's recorded answer is JSON, filled in before
                        * its closure of call_write returns */
    bool key_required; /* 400 without one */
    enum precondition if_match;
    size_t
        body_bytes_max; /* larger than every row's limit (http_limits_default), for who may call the row; 0: that one */
    /* The API's description of a raw row: the media types of what it takes and answers, and the message that it answers
     * as JSON. */
    const char *takes; /* "text/csv" */
    const char *gives;
    const ProtobufCMessageDescriptor *gives_message;
    bool cached;         /* what anybody may see: kept whole in the response cache until an event of a tag
                          * that the handler named (call_cache_tag) drops it. A raw handler's 200 gets an ETag */
    bool browser;        /* for browsers alone, what it changes needs X-CSRF-Token, whoever asks (browser.h) */
    bool inline_ok;      /* cannot block: may run on the event loop */
    bool internal;       /* not in the API's description: what services alone call (method and path are NULL),
                          * and pages */
    const char *summary; /* one line for the OpenAPI page */
};

/* Binds a handler to a method and has the compiler check that its types are the method's:
 * { "GET", "/v1/products", RPC(catalog, list_products), .auth = AUTH_ANYONE } names the function list_products.
 * The cast is between pointers to functions whose arguments are all pointers. */
#define RPC(service_name, function)                                                                                    \
    .rpc = &service_name##_##function##_rpc, .handler = _Generic(&(function), service_name##_##function##_fn *         \
                                                                 : (rpc_handler *)(void (*)(void))(function))
#define RAW(function) .raw = (function)

/* Consumes a topic. The handler runs in the consumer's write transaction, in which its offset is committed too; so its
 * effects happen once. An error makes it run again with back-off; after EVENT_ATTEMPTS_MAX the event is quarantined. */
typedef int event_handler(struct call *call, const struct event *event);

struct consumer {
    const char *topic;
    const char *group;        /* unique in the service; names the offset */
    const char *const *types; /* NULL-terminated list of event types, or NULL for all */
    event_handler *handler;
    /* Sees the events in every process, as they come, from the last live_replay_max on: outside a transaction
     * (call->tx is NULL), and nothing is kept of how far it came. The handler may see an event twice, and what it fails
     * on for EVENT_ATTEMPTS_MAX times is passed over. For what is told to who is there now. */
    bool is_live;
    int64_t live_replay_max;
};

/* Runs every interval_ms, one at a time over all processes of the service; TX_NONE. */
struct job {
    const char *name;
    int64_t interval_ms;
    int (*run)(struct call *call);
};

#define WORKER_BATCH_MAX 16

/* Handles messages of a queue, at least once; TX_NONE. A row has one of two functions: run takes one message, several
 * of them at a time in tasks of their own; run_all takes those that wait together, at most WORKER_BATCH_MAX, for work
 * that is cheaper so, and gives for each what run would give. */
struct worker {
    const char *queue;
    const ProtobufCMessageDescriptor *message;
    int (*run)(struct call *call, const ProtobufCMessage *message);
    void (*run_all)(struct call *call, const ProtobufCMessage *const *messages, size_t count, int *ret_results);
};

/* Handles an entry of a stream of the service's own database, for one group, in the write transaction that acknowledges
 * it: fast local tasks. It must not block. */
struct stream_worker {
    const char *stream;
    const char *group;
    const ProtobufCMessageDescriptor *message;
    int (*run)(struct call *call, const ProtobufCMessage *message);
};

/* Columns that hold personal data, named once. services/test_services.c holds them against the tables; no export or
 * erasure reads them yet. */
struct personal_data {
    const char *table;
    const char *columns;        /* "email, name" */
    const char *subject_column; /* the user's id */
};

struct service {
    const char *name;             /* "catalog" */
    int port;                     /* when it runs alone */
    const char *help;             /* one line: what it is for */
    const struct route *routes;   /* ends with an empty row, as do all arrays here */
    const char *const *calls;     /* the names of the services that it calls; nobody else's call comes through */
    const char *const *publishes; /* topics */
    const struct consumer *consumes;
    const struct job *jobs;
    const struct worker *workers;
    const struct stream_worker *streams;
    const struct workflow_type *const *workflows; /* NULL-terminated */
    const struct sql_migration *migrations;
    const size_t *migration_count;
    const struct personal_data *personal_data;
    const struct config_row *config;
    /* Refuses, before anything is opened, settings that are each fine and together must not run; may be NULL.
     * ret_message names the setting and what to do, and never its value. */
    int (*check)(const struct config *config, char ret_message[512]);
    bool own_listener;  /* speaks on a loopback port of its own, not under /api/<name> */
    bool loopback_only; /* for tests on one machine: refuses to be reached from others */
    bool no_prefix;     /* its paths stand at the root ("/dev/mail") */
    bool any_host;      /* the same for every tenant: it answers whatever the host, where others say 404 */
    bool no_database;   /* stores nothing: no file, no writer, no readers. Its rows are TX_NONE or raw, and
                         * it has jobs at the most */

    /* The folder outside of the data folder that it reads while it runs, by the settings: the sandbox leaves it open.
     * NULL: there is none. */
    void (*find_folder)(const struct config *config, char ret_path[SERVICE_PATH_BYTES]);

    /* How a person is told why there is no page: fills the response for the call's problem, whose status it gets. Asked
     * for reads of the service's rows, and of addresses that nobody has, by who takes HTML; never on an event loop. On
     * an error the problem itself is the answer. NULL: it always is. */
    raw_handler *show_problem;

    /* The service's own state, made after migrations and before the first call; NULL where it has none. */
    int (*start)(struct call *call, void **ret_state);
    void (*stop)(void *state);
};

/* Whether events of the topic come from the service (host_flow.c). */
bool service_publishes(const struct service *service, const char *topic);
