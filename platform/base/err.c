#include "platform/base/err.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct error_row {
    const char *name;
    int http_status;
    bool retriable;
};

/* Indexed by the negated code; row 0 is success. */
static const struct error_row error_rows[] = {
    [0] = {"ok", 200, false},
    [-ERR_INVALID] = {"err_invalid", 400, false},
    [-ERR_UNAUTHENTICATED] = {"err_unauthenticated", 401, false},
    [-ERR_FORBIDDEN] = {"err_forbidden", 403, false},
    [-ERR_NOT_FOUND] = {"err_not_found", 404, false},
    [-ERR_METHOD] = {"err_method", 405, false},
    [-ERR_CONFLICT] = {"err_conflict", 409, false},
    [-ERR_STALE] = {"err_stale", 412, false},
    [-ERR_NO_PRECONDITION] = {"err_no_precondition", 428, false},
    [-ERR_UNPROCESSABLE] = {"err_unprocessable", 422, false},
    [-ERR_TOO_LARGE] = {"err_too_large", 413, false},
    [-ERR_MEDIA_TYPE] = {"err_media_type", 415, false},
    [-ERR_RATE_LIMITED] = {"err_rate_limited", 429, true},
    [-ERR_UNAVAILABLE] = {"err_unavailable", 503, true},
    [-ERR_DEADLINE] = {"err_deadline", 504, true},
    [-ERR_NO_MEMORY] = {"err_no_memory", 503, true},
    [-ERR_STORAGE_FULL] = {"err_storage_full", 503, true},
    [-ERR_CORRUPT] = {"err_corrupt", 500, false},
    [-ERR_CANCELLED] = {"err_cancelled", 503, true},
    [-ERR_INTERNAL] = {"err_internal", 500, false},
    [-ERR_DECLINED] = {"err_declined", 402, false},
};

#define ERROR_ROW_COUNT ((int)(sizeof(error_rows) / sizeof(error_rows[0])))

static const struct error_row error_unknown = {"err_unknown", 500, false};

static const struct error_row *error_find(int error)
{
    if (error > 0 || error <= -ERROR_ROW_COUNT)
        return &error_unknown;
    return &error_rows[-error];
}

const char *error_name(int error)
{
    return error_find(error)->name;
}

int error_http_status(int error)
{
    return error_find(error)->http_status;
}

bool error_is_retriable(int error)
{
    return error_find(error)->retriable;
}

void assert_failed(const char *condition, const char *file, int line, const char *function)
{
    fprintf(stderr, "%s:%d: %s: assertion failed: %s\n", file, line, function, condition);
    abort();
}
