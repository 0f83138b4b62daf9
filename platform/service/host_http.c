/* Requests from the event loops to the pipeline: a round of an event loop is one batch for the workers. */
#include "platform/base/err.h"
#include "platform/base/task.h"
#include "platform/net/server.h"
#include "platform/ports/clock/clock.h"
#include "platform/service/host.h"
#include "platform/service/host_http.h"
#include "platform/service/host_refusal.h"
#include "platform/service/loop_batches.h"

#include <stdlib.h>

#define INNER_CONNECTIONS_MAX 512 /* of a listener for this machine */
#define INNER_SHARE 8             /* at most one of so many connections is such a listener's */

struct entrance {
    struct service_host *host;
    struct service_instance *own; /* of an own listener, or NULL */
    struct loop_batches batches;
};

static void respond_to_exchange(struct request *request, const struct http_response *response)
{
    http_exchange_respond(request->respond_context, response);
}

static struct request *make_request(struct entrance *entrance, const struct http_request *http, struct arena *arena)
{
    struct request *request = arena_alloc(arena, sizeof(*request));

    if (!request)
        return NULL;
    request->host = entrance->host;
    request->own = entrance->own;
    request->arena = arena;
    request->http = http;
    return request;
}

static void on_request(void *context, struct http_exchange *exchange)
{
    struct entrance *entrance = context;
    struct request *request = make_request(entrance, http_exchange_request(exchange), http_exchange_arena(exchange));

    if (!request) {
        struct http_response response = {0};

        host_refusal_fill(entrance->host, 503, "The request leaves no memory to work on it.", &response);
        http_exchange_respond(exchange, &response);
        return;
    }
    request->respond = respond_to_exchange;
    request->respond_context = exchange;
    if (request_begin(request))
        return;
    loop_batches_add(&entrance->batches, http_exchange_loop(exchange), &request->work);
}

static void refuse(struct work *work)
{
    request_refuse((struct request *)work);
}

static void on_batch_end(void *context, unsigned loop_index)
{
    struct entrance *entrance = context;

    loop_batches_push(&entrance->batches, loop_index, entrance->host->workers, refuse);
}

/* Nobody whom the row does not let in has more than every row's limit kept for them. */
static size_t on_large_body(void *context, const struct http_request *http, struct arena *arena,
                            struct http_response *ret_response)
{
    struct request *request = make_request(context, http, arena);

    return request ? request_body_max(request, ret_response) : 0;
}

static void on_refusal(void *context, int status, const char *detail, struct arena *arena,
                       struct http_response *ret_response)
{
    struct entrance *entrance = context;

    (void)arena;
    host_refusal_fill(entrance->host, status, detail, ret_response);
}

/* Listeners beside the shop's own: for this machine. */
static unsigned count_inner(const struct service_host *host)
{
    unsigned count = 0;

    for (size_t i = 0; i < host->instance_count; i++)
        count += host->instances[i].service->own_listener;
    return count > 0 && host->options.tls ? count + 1 : count;
}

/* The shop's listener has what the others leave of the files that the process may open. Where these are few, the others
 * have a small share of them: a crowd comes to the shop. */
static unsigned share_connections(const struct service_host *host, bool is_inner)
{
    unsigned inner_count = count_inner(host), most = http_limits_default.connections_max;
    unsigned room = http_connections_allowed(most + inner_count * INNER_CONNECTIONS_MAX);
    unsigned inner = room / INNER_SHARE < INNER_CONNECTIONS_MAX ? room / INNER_SHARE : INNER_CONNECTIONS_MAX;
    unsigned left = room - inner_count * inner;

    ASSERT(inner_count < INNER_SHARE);
    if (is_inner)
        return inner;
    return left < most ? left : most;
}

int host_http_start(struct service_host *host, struct service_instance *own, const struct tls_identity *tls,
                    const char *address, int port, struct http_server **ret_server, char ret_message[256])
{
    struct entrance *entrance = calloc(1, sizeof(*entrance));
    struct http_server_config config = {
        .address = address,
        .port = port,
        .loop_count = own ? 1 : 0,
        .tls = tls,
        .proxies = own ? NULL : host->options.proxies,
        .limits = http_limits_default,
        .context = entrance,
        .on_request = on_request,
        .on_batch_end = on_batch_end,
        .on_large_body = on_large_body,
        .on_refusal = on_refusal,
    };

    if (!entrance)
        return ERR_NO_MEMORY;
    config.limits.connections_max = share_connections(host, own || tls != host->options.tls);
    if (!own && task_processor_count() > LOOPS_MAX)
        config.loop_count = LOOPS_MAX;
    entrance->host = host;
    entrance->own = own;
    int result = http_server_start(ret_server, &config, ret_message);
    if (result < 0)
        free(entrance);
    else
        host->entrances[host->entrance_count++] = entrance;
    return result;
}

/* -- Without a socket ---------------------------------------------------------------------------------------------- */

struct waiting_caller {
    struct task_event answered;
    struct http_response *response;
};

static void respond_to_caller(struct request *request, const struct http_response *response)
{
    struct waiting_caller *caller = request->respond_context;

    *caller->response = *response;
    task_event_set(&caller->answered);
}

int host_handle(struct service_host *host, struct service_instance *own, const struct http_request *http,
                struct arena *arena, struct http_response *ret_response)
{
    struct request *request = arena_alloc(arena, sizeof(*request));
    struct waiting_caller *caller = arena_alloc(arena, sizeof(*caller));

    if (!request || !caller)
        return ERR_NO_MEMORY;
    task_event_init(&caller->answered);
    caller->response = ret_response;
    request->host = host;
    request->own = own;
    request->arena = arena;
    request->http = http;
    request->respond = respond_to_caller;
    request->respond_context = caller;
    if (!request_begin(request) && !worker_pool_push(host->workers, &request->work, &request->work, 1))
        request_refuse(request);
    task_event_wait(&caller->answered);
    return 0;
}
