/* The process: which services it runs, and what they share. */
#pragma once

#include "platform/base/config.h"
#include "platform/ports/port.h"
#include "platform/ports/workflow/workflow_faulty.h"
#include "platform/service/call.h"
#include "platform/service/request.h"
#include "platform/service/tenants.h"

#define HOST_SERVICES_MAX 24
#define HOST_WORKERS 64
#define HOST_QUEUE_MAX 8192
#define HOST_RESPONSE_CACHE_BYTES (16u << 20)
#define REQUEST_DEADLINE_MS 30000
#define HOST_INCOMING_FOLDER ".incoming" /* of a data folder that is being filled: no shop starts there */
#define HOST_MAIL_FROM "shop@shopstream.local"

struct event_bus;
struct http_client;
struct http_server;
struct proxies;
struct rpc_client;
struct rpc_security;
struct tls_identity;
struct admin_socket;
struct cache;
struct folder_lock;
struct folder_manifest;
struct host_flow;
struct host_jobs;
struct host_rpc;
struct host_streams;
struct host_workers;
struct stream;
struct kv;
struct work_queue;
struct token_ring;
struct mail;
struct waiters;

struct service_instance {
    const struct service *service;
    struct service_host *host;
    struct router *router;
    struct sql_db *db; /* NULL with no_database, as are kv, queue and stream */
    void *state;
    struct kv *kv; /* tables in the same database, as are all that follow */
    struct work_queue *queue;
    struct stream *stream;
    struct workflow_engine *engine;    /* NULL where the service has no workflows */
    struct workflow_faulty activities; /* what the engine runs them by */
    struct http_server *listener;      /* of its own, or NULL */
    int listener_port;                 /* of that one; 0 before host_listen. Read by __atomic_load_n */
    unsigned char seal_key[32];        /* seals its cursors; kept in its database */
};

/* What a process is started with. */
struct host_options {
    const struct service *const *services; /* NULL-terminated: those that run here */
    struct config *config;
    const char *data_path;     /* an existing folder */
    const char *sql_vfs;       /* NULL: the operating system's; the simulation has its own, and no folder lock */
    struct fault_plan *faults; /* followed by a decorator around each port; NULL: none. Outlives the host. For tests */
    bool rate_limits;
    bool is_at_rest;                 /* only answers calls: no event, workflow, message or job is worked on */
    unsigned worker_count;           /* 0: HOST_WORKERS */
    const char *mail_from;           /* the address that mails come from; NULL: HOST_MAIL_FROM */
    const char *public_url;          /* how customers reach the shop: "https://shop.example"; NULL or empty: own_url */
    struct http_client *http_client; /* given to the host */
    struct rpc_client *rpc_client;   /* given to the host; NULL: what is called runs here */
    const struct proxies *proxies;   /* before the shop, believed about its clients; NULL: none. Outlives the host */
    const struct tls_identity *tls;  /* NULL: plain HTTP. The services' own listeners, for this machine, never TLS */
    const struct service *const *all_services; /* NULL-terminated: those that there are, whoever runs them, as their
                                                * tables say who may call whom; NULL: those of services */
};

struct service_host {
    struct host_options options;
    struct log_context log;
    bool rate_limits;
    struct folder_lock *lock;
    struct folder_manifest *manifest; /* of the data folder; NULL with another VFS */
    struct task *counting;            /* of its openings; the manifest is this task's while it runs */
    int64_t clocks_apart_ms;          /* by how much the wall clock was ahead of the steady one, at the last look */
    struct service_instance instances[HOST_SERVICES_MAX];
    size_t instance_count;
    struct worker_pool *workers;
    struct response_cache *responses;
    struct in_flight *in_flight;
    struct tenants *tenants;
    struct event_bus *bus;
    struct host_flow *flow;
    struct cache *cache;
    struct http_client *http_client;
    struct rpc_client *rpc_client;
    struct token_ring *tokens;
    struct mail *mail;
    struct waiters *waiters;
    struct host_jobs *jobs;
    struct host_workers *queue_workers;
    struct host_streams *streams;
    struct http_server *listener;
    struct http_server *plain_listener; /* with TLS, for services that speak to the shop as others do; or NULL */
    int plain_port;                     /* where this machine reaches the shop without TLS; 0 before host_listen, and
                                         * where nobody does. Read by __atomic_load_n, also while the host ends */
    struct admin_socket *admin;         /* while it listens */
    void *entrances[HOST_SERVICES_MAX + 2]; /* what the listeners' callbacks are given */
    size_t entrance_count;
    struct host_rpc *rpc; /* answers the services of other processes; NULL where it does not listen */
    char own_url[300];    /* "http://localhost:3000": how a browser on this machine reaches it */
    const char *address;  /* that the listener was given; NULL before host_listen */
};

/* Opens the data folder, which must have all that its manifest names, migrates and starts the services, their
 * consumers, workflows and jobs; listens to nothing yet. On failure ret_message says what is wrong with what, and what
 * to do. */
int host_new(struct service_host **ret_host, const struct host_options *options, char ret_message[512]);

/* Applies the migrations of the platform's tables and the service's to a database, without starting anything: for what
 * fills one from elsewhere. On failure ret_message says what is wrong. */
int host_migrate(const struct service *service, struct sql_db *db, char ret_message[512]);

/* Listens on the address and port (0: any), and on the own ports of the services that have one (port_own_any: any port
 * for those too). */
int host_listen(struct service_host *host, const char *address, int port, bool port_own_any, char ret_message[512]);

/* Where, and as whom, a process answers the services of others. */
struct rpc_door {
    const char *address;
    int port;                            /* 0: any */
    const struct rpc_security *security; /* NULL, or without an identity: plain text, and callers say who they are */
};

/* Listens for calls of other processes' services. Once, after host_listen. */
int host_listen_rpc(struct service_host *host, const struct rpc_door *door, char ret_message[512]);

/* Whether the shop was made by this start, or by one that did not come to host_listen: nobody has used it yet. */
bool host_is_new(const struct service_host *host);

/* Answers what is in flight for at most the time given, stops everything in the reverse order, closes. NULL is fine. */
void host_free(struct service_host *host, int64_t drain_ms);

/* What an adapter of the port is opened with; db: the database that it may stand on, or NULL. */
struct port_config host_port_config(const struct service_host *host, enum port port, struct sql_db *db);

/* Whether the events of the service come to this process. */
bool host_hears(struct service_host *host, const char *service);

/* How customers reach the shop, without a slash at the end: "https://shop.example". Lives as long as the host. */
struct str host_public_url(const struct service_host *host);

/* The table of a service, wherever it runs; NULL when there is none of that name. */
const struct service *host_find_service(const struct service_host *host, struct str name);

/* The service of that name, or NULL when it does not run here. */
struct service_instance *host_instance(struct service_host *host, const char *name);

/* A call on behalf of the process itself (jobs, events, the command line), with ROLE_SERVICE. The arena is the
 * caller's. */
int host_call_begin(struct service_instance *instance, struct arena *arena, struct str tenant, struct str traceparent,
                    int64_t timeout_ms, struct call *ret_call);

/* Answers one request from behind the parser and waits for it: for tests, the simulation and the command line. The
 * answer lies in the arena; its blobs are the caller's to unref. own: the service whose own listener is asked, or NULL.
 */
int host_handle(struct service_host *host, struct service_instance *own, const struct http_request *http,
                struct arena *arena, struct http_response *ret_response);
