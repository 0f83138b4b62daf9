/* A problem on its way between processes: the trailers grpc-status, grpc-message and grpc-status-details-bin. The last
 * is a google.rpc.Status with the problem whole (shopstream.rpc.v1.Problem), so that it is on the other side what it
 * was; a peer that is not ours has the status and the message. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/problem.h"
#include "platform/rpc/rpc_status.h"

#define RPC_CODE_BYTES_MAX 64 /* of a problem's code */

struct rpc_ending {
    enum rpc_status status;
    struct str message; /* as it goes over the wire; empty without */
    struct str details; /* likewise */
};

/* The problem must have an error. Text that there is no room for is left out: the status stands. */
void rpc_problem_encode(struct arena *arena, const struct problem *problem, struct rpc_ending *ret_ending);

/* Returns the problem's error, or 0 for RPC_OK; *ret_problem is set for an error. Details that do not fit the status
 * are not believed. */
int rpc_problem_decode(struct arena *arena, const struct rpc_ending *ending, struct problem *ret_problem);

/* A text for as long as the process runs, so that a problem outlives the call that it came by: one of ours, or the
 * fallback where the code is no code or there have been too many. Any task. */
const char *rpc_code_keep(struct str code, const char *fallback);
