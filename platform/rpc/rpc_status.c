#include "platform/rpc/rpc_status.h"

#include "platform/base/err.h"

#include <nghttp2/nghttp2.h>

struct status_row {
    const char *name;
    int error;
};

static const struct status_row status_rows[] = {
    [RPC_OK] = {"OK", 0},
    [RPC_CANCELLED] = {"CANCELLED", ERR_CANCELLED},
    [RPC_UNKNOWN] = {"UNKNOWN", ERR_INTERNAL},
    [RPC_INVALID_ARGUMENT] = {"INVALID_ARGUMENT", ERR_INVALID},
    [RPC_DEADLINE_EXCEEDED] = {"DEADLINE_EXCEEDED", ERR_DEADLINE},
    [RPC_NOT_FOUND] = {"NOT_FOUND", ERR_NOT_FOUND},
    [RPC_ALREADY_EXISTS] = {"ALREADY_EXISTS", ERR_CONFLICT},
    [RPC_PERMISSION_DENIED] = {"PERMISSION_DENIED", ERR_FORBIDDEN},
    [RPC_RESOURCE_EXHAUSTED] = {"RESOURCE_EXHAUSTED", ERR_RATE_LIMITED},
    [RPC_FAILED_PRECONDITION] = {"FAILED_PRECONDITION", ERR_CONFLICT},
    [RPC_ABORTED] = {"ABORTED", ERR_STALE},
    [RPC_OUT_OF_RANGE] = {"OUT_OF_RANGE", ERR_INVALID},
    [RPC_UNIMPLEMENTED] = {"UNIMPLEMENTED", ERR_METHOD},
    [RPC_INTERNAL] = {"INTERNAL", ERR_INTERNAL},
    [RPC_UNAVAILABLE] = {"UNAVAILABLE", ERR_UNAVAILABLE},
    [RPC_DATA_LOSS] = {"DATA_LOSS", ERR_CORRUPT},
    [RPC_UNAUTHENTICATED] = {"UNAUTHENTICATED", ERR_UNAUTHENTICATED},
};

/* Indexed by the negated error. */
static const unsigned char error_rows[] = {
    [0] = RPC_OK,
    [-ERR_INVALID] = RPC_INVALID_ARGUMENT,
    [-ERR_UNAUTHENTICATED] = RPC_UNAUTHENTICATED,
    [-ERR_FORBIDDEN] = RPC_PERMISSION_DENIED,
    [-ERR_NOT_FOUND] = RPC_NOT_FOUND,
    [-ERR_METHOD] = RPC_UNIMPLEMENTED,
    [-ERR_CONFLICT] = RPC_FAILED_PRECONDITION,
    [-ERR_STALE] = RPC_ABORTED,
    [-ERR_NO_PRECONDITION] = RPC_FAILED_PRECONDITION,
    [-ERR_UNPROCESSABLE] = RPC_INVALID_ARGUMENT,
    [-ERR_TOO_LARGE] = RPC_RESOURCE_EXHAUSTED,
    [-ERR_MEDIA_TYPE] = RPC_INVALID_ARGUMENT,
    [-ERR_RATE_LIMITED] = RPC_RESOURCE_EXHAUSTED,
    [-ERR_UNAVAILABLE] = RPC_UNAVAILABLE,
    [-ERR_DEADLINE] = RPC_DEADLINE_EXCEEDED,
    [-ERR_NO_MEMORY] = RPC_RESOURCE_EXHAUSTED,
    [-ERR_STORAGE_FULL] = RPC_RESOURCE_EXHAUSTED,
    [-ERR_CORRUPT] = RPC_DATA_LOSS,
    [-ERR_CANCELLED] = RPC_CANCELLED,
    [-ERR_INTERNAL] = RPC_INTERNAL,
    [-ERR_DECLINED] = RPC_FAILED_PRECONDITION,
};

#define ERROR_ROWS ((int)(sizeof(error_rows) / sizeof(error_rows[0])))

enum rpc_status rpc_status_of_error(int error)
{
    if (error > 0 || error <= -ERROR_ROWS)
        return RPC_UNKNOWN;
    return (enum rpc_status)error_rows[-error];
}

int rpc_status_to_error(enum rpc_status status)
{
    return (unsigned)status <= RPC_STATUS_MAX ? status_rows[status].error : ERR_INTERNAL;
}

const char *rpc_status_name(enum rpc_status status)
{
    return (unsigned)status <= RPC_STATUS_MAX ? status_rows[status].name : status_rows[RPC_UNKNOWN].name;
}

int rpc_status_parse(struct str text, enum rpc_status *ret_status)
{
    int64_t number;

    TRY(str_to_int64(text, &number));
    if (number < 0)
        return ERR_INVALID;
    *ret_status = number <= RPC_STATUS_MAX ? (enum rpc_status)number : RPC_UNKNOWN;
    return 0;
}

enum rpc_status rpc_status_of_http(int http_status)
{
    switch (http_status) {
    case 400:
        return RPC_INTERNAL;
    case 401:
        return RPC_UNAUTHENTICATED;
    case 403:
        return RPC_PERMISSION_DENIED;
    case 404:
        return RPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return RPC_UNAVAILABLE;
    default:
        return RPC_UNKNOWN;
    }
}

enum rpc_status rpc_status_of_reset(uint32_t http2_code)
{
    switch (http2_code) {
    case NGHTTP2_REFUSED_STREAM:
        return RPC_UNAVAILABLE;
    case NGHTTP2_CANCEL:
        return RPC_CANCELLED;
    case NGHTTP2_ENHANCE_YOUR_CALM:
        return RPC_RESOURCE_EXHAUSTED;
    case NGHTTP2_INADEQUATE_SECURITY:
        return RPC_PERMISSION_DENIED;
    default:
        return RPC_INTERNAL;
    }
}
