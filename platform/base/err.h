/* Error codes.
 *
 * Every fallible function returns int: 0, or one negative code of this closed list. A function that fails leaves its
 * ret_ outputs untouched. What a person needs to know beyond the code (which field, what to do) travels in a
 * struct problem beside the call, never in a thread-local. */
#pragma once

#include <stdbool.h>

enum error {
    ERR_INVALID = -1,         /* The input is malformed or out of range: 400. */
    ERR_UNAUTHENTICATED = -2, /* Who is asking is not known: 401. */
    ERR_FORBIDDEN = -3,       /* Known, and not allowed: 403. */
    ERR_NOT_FOUND = -4,       /* 404. */
    ERR_METHOD = -5,          /* The path exists, the method does not: 405. */
    ERR_CONFLICT = -6,        /* The state forbids it (out of stock, already cancelled, still running): 409. */
    ERR_STALE = -7,           /* If-Match names an older version: 412. */
    ERR_NO_PRECONDITION = -8, /* If-Match is required and missing: 428. */
    ERR_UNPROCESSABLE = -9,   /* Well-formed and refused, as a key used again with another body: 422. */
    ERR_TOO_LARGE = -10,      /* Over a named limit: 413. */
    ERR_MEDIA_TYPE = -11,     /* 415. */
    ERR_RATE_LIMITED = -12,   /* 429. */
    ERR_UNAVAILABLE = -13,    /* A dependency or the disk does not answer; try again: 503. */
    ERR_DEADLINE = -14,       /* The request's time is up: 504. */
    ERR_NO_MEMORY = -15,      /* The request's arena is used up, or malloc failed: 503. */
    ERR_STORAGE_FULL = -16,   /* No room to write; reads go on: 503. */
    ERR_CORRUPT = -17,        /* Stored data is not what was written: 500. */
    ERR_CANCELLED = -18,      /* The process is shutting down, or who asked has given it up: 503. */
    ERR_INTERNAL = -19,       /* A bug, or an answer from a library that it never gives: 500. */
    ERR_DECLINED = -20,       /* The payment provider refused the payment for good: 402. */
};

/* "err_invalid" and so on, for logs; a static string for any value. */
const char *error_name(int error);

/* The HTTP status of an error, 500 for one that is not in the list. */
int error_http_status(int error);

/* Whether the same call may succeed later without a change by the caller. */
bool error_is_retriable(int error);

/* Returns early with the error of expr, if it has one. The only macro that hides control flow. */
#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        int try_error_ = (expr);                                                                                       \
        if (try_error_ < 0)                                                                                            \
            return try_error_;                                                                                         \
    } while (0)

/* Runs fn(&variable) when the variable goes out of scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* A programmer's error: prints the place to stderr and aborts, in production too. Never used on input. */
#define ASSERT(condition) ((condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__, __func__))
_Noreturn void assert_failed(const char *condition, const char *file, int line, const char *function);
