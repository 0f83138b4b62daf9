/* How a method is called, whoever asks: the service of the same process, another process, or the command line, which
 * knows the schema only by its words. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/problem.h"

#include <protobuf-c/protobuf-c.h>

struct call;
struct route;
struct rpc_method;
struct service;
struct service_host;

/* What is called. */
struct json_call {
    struct str service, method; /* "identity", "grant_role" */
    struct str tenant;
    struct str json;
    const int *files; /* open descriptors for the handler (call->files); they stay the caller's */
    size_t file_count;
};

/* Calls a method on behalf of the process itself. ret_json lies in the arena. ERR_NOT_FOUND
 * when there is no such service or method here; otherwise the method's own errors, with the problem set. */
int host_invoke_json(struct service_host *host, struct arena *arena, const struct json_call *json, struct str *ret_json,
                     struct problem *ret_problem);

/* Runs the row's handler in its transaction, on behalf of a person where they ask through another service: then the row
 * lets them in or not. call is the callee's, out is initialised. */
int call_answer_rpc(struct call *call, const struct route *route, bool is_on_behalf, const ProtobufCMessage *in,
                    ProtobufCMessage *out);

/* The same as rpc_call, where the service runs in another process whose address the host's client knows: what the call
 * carries goes along, but for open files. */
int call_elsewhere(struct call *caller, const struct rpc_method *method, const ProtobufCMessage *in,
                   ProtobufCMessage *out);

/* Whether the table says so. A service may call itself. */
bool service_may_call(const struct service *service, const char *name);
