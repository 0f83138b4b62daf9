/* Whether services are there, for callers that ask before they call: grpc.health.v1.Health.
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
#pragma once

#include "platform/net/http_stream.h"
#include "platform/net/server.h"
#include "platform/rpc/rpc_problem.h"

struct rpc_health;

/* is_known: whether a service of that full name runs here; any task. NULL without memory. */
struct rpc_health *rpc_health_new(bool (*is_known)(void *context, struct str name), void *context);

/* No stream may be open. NULL is fine. */
void rpc_health_free(struct rpc_health *health);

/* Answers a Check: the message to send lies in the arena. ERR_NOT_FOUND for a service that does not run here. */
int rpc_health_check(struct rpc_health *health, struct arena *arena, struct str request, struct str *ret_message,
                     struct problem *ret_problem);

/* Begins a Watch, which ends when the peer goes or the process does: fills the response's stream and trailers. */
int rpc_health_watch(struct rpc_health *health, struct arena *arena, struct str request,
                     struct http_response *ret_response, struct problem *ret_problem);

/* From now on nothing is there: tells all who watch, and waits a moment for them to hear it. */
void rpc_health_end(struct rpc_health *health);
