/* Calls by name, with JSON in and out: for the command line, which knows the schema only by its words. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/problem.h"

struct service_host;

/* Calls a method ("identity", "grant_role") on behalf of the process itself. ret_json lies in the arena. ERR_NOT_FOUND
 * when there is no such service or method here; otherwise the method's own errors, with the problem set. */
int host_invoke_json(struct service_host *host, struct arena *arena, struct str service, struct str method,
                     struct str tenant, struct str json, struct str *ret_json, struct problem *ret_problem);
