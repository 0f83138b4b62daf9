/* Calls by name, with JSON in and out: for the command line, which knows the schema only by its words. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/problem.h"

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
