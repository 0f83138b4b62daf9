/* The statuses with which calls between processes end, and what they are here.
 *
 * https://github.com/grpc/grpc/blob/master/doc/statuscodes.md and http-grpc-status-mapping.md. Several errors of ours
 * share a status; which one it was goes beside it (rpc_problem.h). */
#pragma once

#include "platform/base/str.h"

enum rpc_status {
    RPC_OK = 0,
    RPC_CANCELLED = 1,
    RPC_UNKNOWN = 2,
    RPC_INVALID_ARGUMENT = 3,
    RPC_DEADLINE_EXCEEDED = 4,
    RPC_NOT_FOUND = 5,
    RPC_ALREADY_EXISTS = 6,
    RPC_PERMISSION_DENIED = 7,
    RPC_RESOURCE_EXHAUSTED = 8,
    RPC_FAILED_PRECONDITION = 9,
    RPC_ABORTED = 10,
    RPC_OUT_OF_RANGE = 11,
    RPC_UNIMPLEMENTED = 12,
    RPC_INTERNAL = 13,
    RPC_UNAVAILABLE = 14,
    RPC_DATA_LOSS = 15,
    RPC_UNAUTHENTICATED = 16,
};
#define RPC_STATUS_MAX RPC_UNAUTHENTICATED

/* Of 0 or an error of err.h; RPC_UNKNOWN for one that is not in the list. */
enum rpc_status rpc_status_of_error(int error);

/* What a peer means that says no more than the status: 0 or an error of err.h. */
int rpc_status_to_error(enum rpc_status status);

/* "UNAVAILABLE"; a static string. */
const char *rpc_status_name(enum rpc_status status);

/* The value of grpc-status; ERR_INVALID for what is none. A number beyond the list is RPC_UNKNOWN. */
int rpc_status_parse(struct str text, enum rpc_status *ret_status);

/* Of an answer that has no grpc-status, from somebody who does not speak it. */
enum rpc_status rpc_status_of_http(int http_status);

/* Of a stream that was reset, by the code of RFC 9113, 7. */
enum rpc_status rpc_status_of_reset(uint32_t http2_code);
