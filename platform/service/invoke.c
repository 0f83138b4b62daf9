/* Calls between services. In one process the callee's handler runs on the caller's task, in a call of its own with the
 * caller's arena, trace, tenant and deadline. */
#include "platform/service/invoke.h"

#include "platform/ports/clock/clock.h"
#include "platform/rpc/rpc_client.h"
#include "platform/service/host.h"
#include "platform/service/request_parts.h"
#include "platform/wire/wire.h"

struct invocation {
    struct call *call;
    const struct route *route;
    const ProtobufCMessage *in;
    ProtobufCMessage *out;
};

static const struct route *find_route(const struct service *service, const struct rpc_method *method)
{
    for (const struct route *route = service->routes; route->rpc || route->raw; route++) {
        if (route->rpc == method)
            return route;
    }
    return NULL;
}

/* -- The callee's side --------------------------------------------------------------------------------------------- */

static int run_in_transaction(struct sql_tx *tx, void *argument)
{
    struct invocation *invocation = argument;

    /* A write may have waited for the writer. */
    TRY(call_check_deadline(invocation->call));
    invocation->out->descriptor->message_init(invocation->out);
    invocation->call->tx = tx;
    int result = invocation->route->handler(invocation->call, invocation->in, invocation->out);
    invocation->call->tx = NULL;
    return result;
}

int call_answer_rpc(struct call *call, const struct route *route, bool is_on_behalf, const ProtobufCMessage *in,
                    ProtobufCMessage *out)
{
    struct invocation invocation = {.call = call, .route = route, .in = in, .out = out};

    if (is_on_behalf)
        TRY(access_check(call, route));
    TRY(wire_check(in, &call->problem));
    switch (route_transaction(route)) {
    case TX_READ:
        return sql_read(call->db, run_in_transaction, &invocation);
    case TX_WRITE:
        return sql_write(call->db, run_in_transaction, &invocation);
    default:
        return route->handler(call, in, out);
    }
}

/* -- The caller's side --------------------------------------------------------------------------------------------- */

bool service_may_call(const struct service *service, const char *name)
{
    const char *const *called = service->calls;

    while (called && *called && strcmp(*called, name) != 0)
        called++;
    return strcmp(service->name, name) == 0 || (called && *called);
}

static int call_here(struct call *caller, struct service_instance *instance, const struct route *route,
                     const ProtobufCMessage *in, ProtobufCMessage *out)
{
    struct call *call = arena_alloc(caller->arena, sizeof(*call));

    if (!call)
        return ERR_NO_MEMORY;
    *call = *caller;
    call->service = instance->service;
    call->instance = instance;
    call->state = instance->state;
    call->db = instance->db;
    call->tx = NULL;
    call->must_finish = false;
    if (!caller->on_behalf)
        call->who = (struct principal){.roles = ROLE_SERVICE};
    call->on_behalf = false;
    call->log.service = instance->service->name;
    call->http = NULL;
    call->reply = NULL;
    call->if_match = (struct if_match){0};
    call->problem = (struct problem){0};
    int result = call_answer_rpc(call, route, caller->on_behalf, in, out);
    if (result < 0)
        caller->problem = call->problem;
    return result;
}

int rpc_call(struct call *caller, const struct rpc_method *method, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    struct service_instance *instance = host_instance(caller->host, method->service);
    const struct route *route = instance ? find_route(instance->service, method) : NULL;

    ASSERT(!(caller->tx && sql_tx_is_write(caller->tx)));
    if (!service_may_call(caller->service, method->service))
        return call_fail(caller, ERR_FORBIDDEN, "caller_not_allowed", NULL, "The %s service may not call %s.",
                         caller->service->name, method->service);
    if (!instance && rpc_client_has(caller->host->rpc_client, method->service))
        return call_elsewhere(caller, method, in, out);
    if (!route)
        return call_fail(caller, ERR_UNAVAILABLE, "service_unavailable", NULL, "The %s service does not run here.",
                         method->service);
    if (caller->deadline_ns <= clock_monotonic_ns())
        return call_fail(caller, ERR_DEADLINE, "deadline", NULL, "The time for this request is up.");
    return call_here(caller, instance, route, in, out);
}

/* -- By name ------------------------------------------------------------------------------------------------------- */

#define INVOKE_TIMEOUT_MS (10 * 60 * 1000)
#define INVOKE_JSON_BYTES_MAX ((size_t)400 << 20)

static const struct rpc_method *find_method(const struct service *service, struct str name)
{
    for (const struct route *route = service->routes; route->rpc || route->raw; route++) {
        if (route->rpc && str_equal_cstr(name, route->rpc->name))
            return route->rpc;
    }
    return NULL;
}

static int encode_output(struct arena *arena, const ProtobufCMessage *out, struct str *ret_json)
{
    CLEANUP(buf_free) struct buf buf = BUF(INVOKE_JSON_BYTES_MAX);

    wire_to_json(out, &buf);
    TRY(buf_error(&buf));
    *ret_json = arena_copy(arena, buf_str(&buf));
    return ret_json->ptr ? 0 : ERR_NO_MEMORY;
}

int host_invoke_json(struct service_host *host, struct arena *arena, const struct json_call *json, struct str *ret_json,
                     struct problem *ret_problem)
{
    char *name = arena_cstr(arena, json->service);
    struct service_instance *instance = name ? host_instance(host, name) : NULL;
    const struct rpc_method *rpc = instance ? find_method(instance->service, json->method) : NULL;
    struct call *call = arena_alloc(arena, sizeof(*call));

    if (!rpc)
        return problem_set(ret_problem, ERR_NOT_FOUND, "no_such_method", NULL, "There is no %.*s.%.*s in this process.",
                           STR_FORMAT(json->service), STR_FORMAT(json->method));
    ProtobufCMessage *in = wire_message_new(arena, rpc->input);
    ProtobufCMessage *out = wire_message_new(arena, rpc->output);
    if (!call || !in || !out)
        return ERR_NO_MEMORY;
    TRY(wire_from_json(arena, json->json, in, ret_problem));
    TRY(host_call_begin(instance, arena, json->tenant, STR_EMPTY, INVOKE_TIMEOUT_MS, call));
    call->files = json->files;
    call->file_count = json->file_count;
    int result = rpc_call(call, rpc, in, out);
    if (result < 0) {
        *ret_problem = call->problem;
        return result;
    }
    return encode_output(arena, out, ret_json);
}
