#include "platform/service/host_rpc.h"

#include "platform/base/map.h"
#include "platform/net/server.h"
#include "platform/ports/clock/clock.h"
#include "platform/rpc/rpc_client.h"
#include "platform/rpc/rpc_frame.h"
#include "platform/rpc/rpc_identity.h"
#include "platform/rpc/rpc_metadata.h"
#include "platform/rpc/rpc_problem.h"
#include "platform/rpc/rpc_text.h"
#include "platform/service/host.h"
#include "platform/service/host_metrics.h"
#include "platform/service/invoke.h"
#include "platform/service/loop_batches.h"
#include "platform/service/rpc_health.h"
#include "platform/service/rpc_reflection.h"
#include "platform/wire/wire.h"
#include "shopstream/rpc/v1/rpc.pb-c.h"

#include <stdlib.h>

#define METHODS_MAX 1024
#define SERVICES_MAX (HOST_SERVICES_MAX + 3)
#define TIMEOUT_NS_MAX (600 * CLOCK_NS_PER_S)
#define IDLE_TIMEOUT_MS (10 * 60 * 1000) /* a caller keeps its connection */

struct method {
    const struct route *route;
    struct service_instance *instance;
};

struct host_rpc {
    struct service_host *host;
    struct rpc_security security;
    struct http_server *server;
    struct map *methods;                 /* of struct method, by the path that calls them */
    const char *names[SERVICES_MAX + 1]; /* in full, of the services here; the shop's own are this one's to free */
    size_t own_name_count;
    struct rpc_health *health;
    struct task_mutex cancelling;
    struct loop_batches batches;
};

/* A call that came. In the arena of its exchange. */
struct rpc_work {
    struct work work;
    struct host_rpc *rpc;
    struct http_exchange *exchange;
    const struct method *method;
    int64_t started_ns;
    int64_t timeout_ns;
    struct rpc_cancel cancel;
    struct call call;
    bool is_on_behalf;
};

/* -- Answers ------------------------------------------------------------------------------------------------------- */

static void add_field(struct http_response *response, const char *name, struct str value)
{
    if (value.len > 0)
        http_response_header(response, str_from_cstr(name), value);
}

/* All that there is to say is in the head ("trailers-only"). */
static void fill_ending(struct arena *arena, const struct rpc_ending *ending, struct http_response *ret_response)
{
    char *status = arena_printf(arena, "%d", ending->status);

    ret_response->status = 200;
    add_field(ret_response, "content-type", STR(RPC_CONTENT_TYPE));
    add_field(ret_response, RPC_STATUS_FIELD, status ? str_from_cstr(status) : STR("8"));
    add_field(ret_response, RPC_MESSAGE_FIELD, ending->message);
    add_field(ret_response, RPC_DETAILS_FIELD, ending->details);
}

static void answer_problem(struct http_exchange *exchange, const struct problem *problem)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct http_response response = {0};
    struct rpc_ending ending;

    rpc_problem_encode(arena, problem, &ending);
    fill_ending(arena, &ending, &response);
    http_exchange_respond(exchange, &response);
}

static void answer_message(struct http_exchange *exchange, struct str framed)
{
    static const struct http_header ok[] = {{{RPC_STATUS_FIELD, sizeof(RPC_STATUS_FIELD) - 1}, {"0", 1}}};
    struct http_response response = {.status = 200, .body = framed, .trailers = ok, .trailer_count = 1};

    add_field(&response, "content-type", STR(RPC_CONTENT_TYPE));
    http_exchange_respond(exchange, &response);
}

/* Calls that went well are steps of what is logged elsewhere. */
static void log_call(const struct rpc_work *work, int result)
{
    int64_t duration_ns = clock_monotonic_ns() - work->started_ns;
    int status = error_http_status(result);
    bool is_ours = status >= 500 && result != ERR_CANCELLED;
    enum log_level level = result >= 0 ? LOG_LEVEL_DEBUG : is_ours ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO;

    host_metrics_request(work->method->instance, status, duration_ns);
    if (!log_is_enabled(level))
        return;
    const struct log_field fields[] = {
        LOG_CSTR("method", work->method->route->rpc->name),
        LOG_CSTR("status", rpc_status_name(rpc_status_of_error(result))),
        LOG_INT("duration_us", duration_ns / 1000),
        LOG_CSTR("code", result < 0 ? work->call.problem.code : NULL),
        LOG_CSTR("detail", status >= 500 ? work->call.problem.detail : NULL),
        {.kind = LOG_FIELD_END},
    };
    log_write(&work->call.log, level, "call", fields);
}

/* A problem of another error is of a run that did not count, as in a request. */
static void fail(struct rpc_work *work, int error)
{
    struct problem *problem = &work->call.problem;

    if (problem->error != error)
        problem_set(problem, error, error_name(error), NULL, "%s",
                    error_is_retriable(error) ? "The shop cannot do this right now; try again."
                                              : "The shop could not do this.");
    log_call(work, error);
    answer_problem(work->exchange, problem);
}

static int frame(struct call *call, const ProtobufCMessage *out, struct str *ret_framed)
{
    size_t size = protobuf_c_message_get_packed_size(out);

    if (size > RPC_MESSAGE_BYTES_MAX)
        return call_fail(call, ERR_TOO_LARGE, "reply_too_large", NULL, "The reply has %zu bytes; it may have %zu.",
                         size, RPC_MESSAGE_BYTES_MAX);
    uint8_t *bytes = arena_alloc(call->arena, RPC_FRAME_HEAD_BYTES + size);
    if (!bytes)
        return ERR_NO_MEMORY;
    rpc_frame_write_head(bytes, size);
    protobuf_c_message_pack(out, bytes + RPC_FRAME_HEAD_BYTES);
    *ret_framed = str_from(bytes, RPC_FRAME_HEAD_BYTES + size);
    return 0;
}

/* -- The call ------------------------------------------------------------------------------------------------------ */

/* The one message of the request. */
static int take_message(const struct http_request *http, struct str *ret_message, struct problem *ret_problem)
{
    CLEANUP(rpc_frame_reader_free) struct rpc_frame_reader reader;
    struct str body = http->body, more;

    rpc_frame_reader_init(&reader, RPC_MESSAGE_BYTES_MAX);
    int result = rpc_frame_read(&reader, &body, ret_message);
    if (result == ERR_TOO_LARGE)
        return problem_set(ret_problem, result, "request_too_large", NULL, "A message may have at most %zu bytes.",
                           RPC_MESSAGE_BYTES_MAX);
    if (result == ERR_MEDIA_TYPE)
        return problem_set(ret_problem, ERR_METHOD, "compressed", NULL, "Messages that are compressed are not taken.");
    if (result != 1 || rpc_frame_read(&reader, &body, &more) != 0 || !rpc_frame_is_between(&reader))
        return problem_set(ret_problem, ERR_INVALID, "malformed_body", NULL,
                           "The body must be one message behind its length.");
    return 0;
}

static struct str view(const char *text)
{
    return str_from_cstr(text);
}

/* Who asks through the service that calls. */
static int take_caller(struct rpc_work *work, struct str field)
{
    struct call *call = &work->call;
    Rpc__Caller caller = RPC__CALLER__INIT;
    struct problem ignored;
    struct str bytes;

    if (!field.ptr)
        return 0;
    if (rpc_bytes_decode(call->arena, field, &bytes) < 0 ||
        wire_from_binary(call->arena, bytes, &caller.base, &ignored) < 0)
        return call_fail(call, ERR_INVALID, "malformed_caller", NULL, "%s is malformed.", RPC_CALLER_FIELD);
    work->is_on_behalf = caller.on_behalf;
    if (caller.on_behalf)
        call->who = (struct principal){.roles = caller.roles,
                                       .user_id = view(caller.user_id),
                                       .session_id = view(caller.session_id),
                                       .guest_token = view(caller.guest_token),
                                       .is_guest_by_cookie = caller.guest_by_cookie,
                                       .email = view(caller.email)};
    call->idempotency_key = view(caller.idempotency_key);
    call->client_address = view(caller.client_address);
    call->user_agent = view(caller.user_agent);
    call->from_browser = caller.from_browser;
    return 0;
}

/* Whose call it is, and whether the tables let them. */
static int admit(struct rpc_work *work)
{
    const struct http_request *http = http_exchange_request(work->exchange);
    struct str name = http_header_find(http, RPC_SERVICE_FIELD);
    const struct service *service = host_find_service(work->rpc->host, name);
    const char *called = work->method->instance->service->name;

    if (name.len == 0)
        return call_fail(&work->call, ERR_UNAUTHENTICATED, "caller_required", NULL,
                         "Who calls must be said by " RPC_SERVICE_FIELD ".");
    bool is_shown =
        !work->rpc->security.identity || rpc_identity_allows(http->peer_names, work->rpc->security.trust_domain, name);
    if (!service || !is_shown || !service_may_call(service, called))
        return call_fail(&work->call, ERR_FORBIDDEN, "caller_not_allowed", NULL, "This caller may not call %s.",
                         called);
    return take_caller(work, http_header_find(http, RPC_CALLER_FIELD));
}

static int answer_call(struct rpc_work *work)
{
    const struct rpc_method *rpc = work->method->route->rpc;
    struct call *call = &work->call;
    struct str message, framed;

    TRY(call_check_deadline(call));
    TRY(admit(work));
    TRY(take_message(http_exchange_request(work->exchange), &message, &call->problem));
    ProtobufCMessage *in = wire_message_new(call->arena, rpc->input);
    ProtobufCMessage *out = wire_message_new(call->arena, rpc->output);
    if (!in || !out)
        return ERR_NO_MEMORY;
    TRY(wire_from_binary(call->arena, message, in, &call->problem));
    TRY(call_answer_rpc(call, work->method->route, work->is_on_behalf, in, out));
    TRY(frame(call, out, &framed));
    log_call(work, 0);
    answer_message(work->exchange, framed);
    return 0;
}

static void run(struct work *item)
{
    struct rpc_work *work = (struct rpc_work *)item;
    int result = answer_call(work);

    if (result < 0)
        fail(work, result);
}

static void refuse(struct work *item)
{
    struct rpc_work *work = (struct rpc_work *)item;

    problem_set(&work->call.problem, ERR_UNAVAILABLE, "overloaded", NULL, "The shop is busy; try again.");
    fail(work, ERR_UNAVAILABLE);
}

/* -- The way in ---------------------------------------------------------------------------------------------------- */

/* "application/grpc", "application/grpc+proto", either with parameters. */
static bool is_grpc(struct str type)
{
    struct str rest = str_skip(type, sizeof(RPC_CONTENT_TYPE) - 1);

    if (!str_equal_nocase(str_slice(type, 0, sizeof(RPC_CONTENT_TYPE) - 1), STR(RPC_CONTENT_TYPE)))
        return false;
    if (str_starts_with(rest, STR("+proto")))
        rest = str_skip(rest, 6);
    return rest.len == 0 || rest.ptr[0] == ';';
}

/* The HTTP status of what is no call at all, or 0. */
static int http_refusal(const struct http_request *http)
{
    if (http->version < 20)
        return 505;
    if (http->method != HTTP_POST)
        return 405;
    return is_grpc(http_header_find(http, "content-type")) ? 0 : 415;
}

static int take_timeout(const struct http_request *http, int64_t *ret_ns)
{
    struct str field = http_header_find(http, RPC_TIMEOUT_FIELD);

    *ret_ns = REQUEST_DEADLINE_MS * CLOCK_NS_PER_MS;
    if (!field.ptr)
        return 0;
    TRY(rpc_timeout_parse(field, ret_ns));
    if (*ret_ns > TIMEOUT_NS_MAX)
        *ret_ns = TIMEOUT_NS_MAX;
    return 0;
}

static void fill_call(struct rpc_work *work, const struct http_request *http)
{
    struct service_instance *instance = work->method->instance;
    struct str tenant = http_header_find(http, RPC_TENANT_FIELD);

    work->call = (struct call){
        .arena = http_exchange_arena(work->exchange),
        .host = work->rpc->host,
        .service = instance->service,
        .instance = instance,
        .state = instance->state,
        .db = instance->db,
        .who = {.roles = ROLE_SERVICE},
        .tenant = tenant.len > 0 && tenant.len <= TENANT_ID_MAX ? tenant : STR(TENANT_DEFAULT),
        .deadline_ns = work->started_ns + work->timeout_ns,
        .cancel = &work->cancel,
        .log = {.service = instance->service->name},
    };
}

static int open_work(struct host_rpc *rpc, struct http_exchange *exchange, struct rpc_work **ret_work,
                     struct problem *ret_problem)
{
    const struct http_request *http = http_exchange_request(exchange);
    const struct method *method = map_get(rpc->methods, http->path);
    struct rpc_work *work = arena_alloc(http_exchange_arena(exchange), sizeof(*work));

    if (!method)
        return problem_set(ret_problem, ERR_METHOD, "no_such_method", NULL, "There is no such method in this process.");
    if (!work)
        return problem_set(ret_problem, ERR_NO_MEMORY, "no_memory", NULL, "The call leaves no memory to work on it.");
    work->work.run = run;
    work->rpc = rpc;
    work->exchange = exchange;
    work->method = method;
    work->started_ns = clock_monotonic_ns();
    rpc_cancel_init(&work->cancel, &rpc->cancelling);
    if (take_timeout(http, &work->timeout_ns) < 0)
        return problem_set(ret_problem, ERR_INVALID, "malformed_timeout", NULL, RPC_TIMEOUT_FIELD " is malformed.");
    fill_call(work, http);
    if (call_start_trace(&work->call, http_header_find(http, "traceparent")) < 0)
        return problem_set(ret_problem, ERR_NO_MEMORY, "no_memory", NULL, "The call leaves no memory to work on it.");
    *ret_work = work;
    return 0;
}

/* -- What every process answers ------------------------------------------------------------------------------------ */

/* "/shopstream.catalog.v1.Catalog/GetProduct" is of the service between the slashes. */
static bool is_of(struct str path, struct str name)
{
    return path.len > name.len + 1 && path.ptr[name.len + 1] == '/' && str_equal(str_slice(path, 1, name.len), name);
}

static bool is_known(void *context, struct str name)
{
    const struct host_rpc *rpc = context;
    struct str path;
    size_t cursor = 0;
    void *method;

    while (map_next(rpc->methods, &cursor, &path, &method)) {
        if (is_of(path, name))
            return true;
    }
    return false;
}

/* On the loop: it does not block. */
static int check_health(struct host_rpc *rpc, struct http_exchange *exchange, struct problem *ret_problem)
{
    struct arena *arena = http_exchange_arena(exchange);
    struct str request, reply;

    TRY(take_message(http_exchange_request(exchange), &request, ret_problem));
    TRY(rpc_health_check(rpc->health, arena, request, &reply, ret_problem));
    uint8_t *framed = arena_alloc(arena, RPC_FRAME_HEAD_BYTES + reply.len);
    if (!framed)
        return ERR_NO_MEMORY;
    rpc_frame_write_head(framed, reply.len);
    memcpy(framed + RPC_FRAME_HEAD_BYTES, reply.ptr, reply.len);
    answer_message(exchange, str_from(framed, RPC_FRAME_HEAD_BYTES + reply.len));
    return 0;
}

static int watch_health(struct host_rpc *rpc, struct http_exchange *exchange, struct problem *ret_problem)
{
    struct http_response response = {.status = 200};
    struct str request;

    TRY(take_message(http_exchange_request(exchange), &request, ret_problem));
    TRY(rpc_health_watch(rpc->health, http_exchange_arena(exchange), request, &response, ret_problem));
    add_field(&response, "content-type", STR(RPC_CONTENT_TYPE));
    http_exchange_respond(exchange, &response);
    return 0;
}

/* A conversation without a question. */
static int show_nothing(struct host_rpc *rpc, struct http_exchange *exchange, struct problem *ret_problem)
{
    (void)rpc;
    (void)ret_problem;
    answer_message(exchange, STR_EMPTY);
    return 0;
}

#define REFLECTION "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
#define REFLECTION_ALPHA "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

static const struct common {
    const char *path;
    int (*answer)(struct host_rpc *rpc, struct http_exchange *exchange, struct problem *ret_problem);
} commons[] = {{"/grpc.health.v1.Health/Check", check_health},
               {"/grpc.health.v1.Health/Watch", watch_health},
               {REFLECTION, show_nothing},
               {REFLECTION_ALPHA, show_nothing}};

#define COMMON_COUNT (sizeof(commons) / sizeof(commons[0]))
static const char *const common_names[] = {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                                           "grpc.reflection.v1alpha.ServerReflection"};

/* False when it is no such path; else it is answered. */
static bool answer_common(struct host_rpc *rpc, struct http_exchange *exchange)
{
    struct str path = http_exchange_request(exchange)->path;
    struct problem problem = {0};

    for (size_t i = 0; str_starts_with(path, STR("/grpc.")) && i < COMMON_COUNT; i++) {
        if (!str_equal_cstr(path, commons[i].path))
            continue;
        int result = commons[i].answer(rpc, exchange, &problem);
        if (result < 0 && problem.error != result)
            problem_set(&problem, result, error_name(result), NULL, "The shop cannot do this right now; try again.");
        if (result < 0)
            answer_problem(exchange, &problem);
        return true;
    }
    return false;
}

/* A conversation begins before its first question is whole. */
static bool on_head(void *context, struct http_exchange *exchange)
{
    const struct host_rpc *rpc = context;
    const struct http_request *http = http_exchange_request(exchange);
    struct http_response response = {.status = 200};
    bool is_reflection = str_equal(http->path, STR(REFLECTION)) || str_equal(http->path, STR(REFLECTION_ALPHA));

    if (!is_reflection || http_refusal(http) || rpc_reflection_open(rpc->names, &response) < 0)
        return false;
    add_field(&response, "content-type", STR(RPC_CONTENT_TYPE));
    http_exchange_respond(exchange, &response);
    return true;
}

/* -- The listener's callbacks -------------------------------------------------------------------------------------- */

static void on_request(void *context, struct http_exchange *exchange)
{
    struct host_rpc *rpc = context;
    struct http_response refusal = {.status = http_refusal(http_exchange_request(exchange))};
    struct problem problem = {0};
    struct rpc_work *work = NULL;

    if (refusal.status) {
        http_exchange_respond(exchange, &refusal);
        return;
    }
    if (answer_common(rpc, exchange))
        return;
    if (open_work(rpc, exchange, &work, &problem) < 0) {
        answer_problem(exchange, &problem);
        return;
    }
    *http_exchange_slot(exchange) = work;
    if (work->method->route->inline_ok)
        run(&work->work);
    else
        loop_batches_add(&rpc->batches, http_exchange_loop(exchange), &work->work);
}

static void on_batch_end(void *context, unsigned loop_index)
{
    struct host_rpc *rpc = context;

    loop_batches_push(&rpc->batches, loop_index, rpc->host->workers, refuse);
}

static void on_gone(void *context, struct http_exchange *exchange)
{
    struct rpc_work *work = *http_exchange_slot(exchange);

    (void)context;
    if (work)
        rpc_cancel_set(&work->cancel);
}

/* What was no request yet. */
static void on_refusal(void *context, int status, const char *detail, struct arena *arena,
                       struct http_response *ret_response)
{
    const bool is_large = status == 413 || status == 431;
    struct problem problem = {0};
    struct rpc_ending ending;

    (void)context;
    host_metrics_refusal(status);
    problem_set(&problem, is_large ? ERR_TOO_LARGE : rpc_status_to_error(rpc_status_of_http(status)),
                is_large ? "request_too_large" : "refused", NULL, "%s", detail);
    rpc_problem_encode(arena, &problem, &ending);
    fill_ending(arena, &ending, ret_response);
}

/* -- The listener -------------------------------------------------------------------------------------------------- */

static int add_methods(struct host_rpc *rpc, struct service_instance *instance)
{
    for (const struct route *route = instance->service->routes; route->rpc || route->raw; route++) {
        struct method *method = route->rpc ? calloc(1, sizeof(*method)) : NULL;
        void *replaced = NULL;

        if (!route->rpc)
            continue;
        if (!method)
            return ERR_NO_MEMORY;
        *method = (struct method){.route = route, .instance = instance};
        int result = map_put(rpc->methods, str_from_cstr(route->rpc->full_name), method, &replaced);
        free(result < 0 ? method : replaced);
        TRY(result);
    }
    return 0;
}

/* For who asks what there is. */
static int add_name(struct host_rpc *rpc, const struct service *service)
{
    const struct route *route = service->routes;

    while (route->raw && !route->rpc)
        route++;
    if (!route->rpc)
        return 0;
    struct str name = str_skip(str_from_cstr(route->rpc->full_name), 1);
    name.len = (size_t)str_find_char(name, '/');
    rpc->names[rpc->own_name_count] = strndup(name.ptr, name.len);
    return rpc->names[rpc->own_name_count++] ? 0 : ERR_NO_MEMORY;
}

static int add_services(struct host_rpc *rpc)
{
    for (size_t i = 0; i < rpc->host->instance_count; i++) {
        TRY(add_methods(rpc, &rpc->host->instances[i]));
        TRY(add_name(rpc, rpc->host->instances[i].service));
    }
    memcpy(rpc->names + rpc->own_name_count, common_names, sizeof(common_names));
    return 0;
}

static int start(struct host_rpc *rpc, const struct rpc_door *door, char ret_message[256])
{
    struct http_server_config config = {
        .address = door->address,
        .port = door->port,
        .tls = rpc->security.identity,
        .loop_count = task_processor_count() > LOOPS_MAX ? LOOPS_MAX : 0,
        .limits = http_limits_default,
        .context = rpc,
        .on_head = on_head,
        .on_request = on_request,
        .on_batch_end = on_batch_end,
        .on_gone = on_gone,
        .on_refusal = on_refusal,
    };

    config.limits.body_bytes_max = RPC_MESSAGE_BYTES_MAX + RPC_FRAME_HEAD_BYTES;
    config.limits.idle_timeout_ms = IDLE_TIMEOUT_MS;
    TRY(add_services(rpc));
    return http_server_start(&rpc->server, &config, ret_message);
}

int host_rpc_start(struct service_host *host, const struct rpc_door *door, struct host_rpc **ret_rpc,
                   char ret_message[256])
{
    struct host_rpc *rpc = calloc(1, sizeof(*rpc));

    if (!rpc)
        return ERR_NO_MEMORY;
    rpc->host = host;
    rpc->security = door->security ? *door->security : (struct rpc_security){0};
    task_mutex_init(&rpc->cancelling);
    rpc->methods = map_new(METHODS_MAX);
    rpc->health = rpc_health_new(is_known, rpc);
    int result = rpc->methods && rpc->health ? start(rpc, door, ret_message) : ERR_NO_MEMORY;
    if (result < 0) {
        host_rpc_free(rpc);
        return result;
    }
    *ret_rpc = rpc;
    return 0;
}

int host_rpc_port(const struct host_rpc *rpc)
{
    return http_server_port(rpc->server);
}

void host_rpc_drain(struct host_rpc *rpc, int64_t deadline_ns)
{
    if (!rpc)
        return;
    rpc_health_end(rpc->health);
    http_server_drain(rpc->server, deadline_ns);
}

void host_rpc_free(struct host_rpc *rpc)
{
    struct str path;
    size_t cursor = 0;
    void *method;

    if (!rpc)
        return;
    http_server_free(rpc->server);
    while (rpc->methods && map_next(rpc->methods, &cursor, &path, &method))
        free(method);
    map_free(rpc->methods);
    for (size_t i = 0; i < rpc->own_name_count; i++)
        free((char *)(uintptr_t)rpc->names[i]);
    rpc_health_free(rpc->health);
    task_mutex_destroy(&rpc->cancelling);
    free(rpc);
}
