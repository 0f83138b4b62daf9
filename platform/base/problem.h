/* What went wrong, in words for the person and codes for the program that asked: RFC 9457's problem details before
 * they are encoded. It travels beside the call (struct call) or as a function's last output; the int error code says
 * the class, this says the rest. */
#pragma once

#include "platform/base/err.h"
#include "platform/base/str.h"

#define PROBLEM_DETAIL_MAX 400
#define PROBLEM_POINTER_MAX 200

struct problem {
    int error;                         /* of err.h; 0: nothing went wrong */
    const char *code;                  /* a stable word for programs, as "out_of_stock"; static */
    char pointer[PROBLEM_POINTER_MAX]; /* the field, as a JSON pointer into the body ("/items/0/quantity"), or
                                        * "?name" for a query parameter; empty when no field is to blame */
    char detail[PROBLEM_DETAIL_MAX];   /* a sentence that says what is wrong and what to do; no personal data */
    int64_t retry_after_ms;            /* > 0 where the caller should wait that long */
};

/* Fills the problem and returns its error, so that a function can end with "return problem_set(…)". Text that does not
 * fit is cut. pointer may be NULL. Values of the client's go into the detail only when they are short and harmless. */
int problem_set(struct problem *problem, int error, const char *code, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
