/* Where in a message a value stands: a list on the C stack, innermost first; rendered as a JSON pointer (RFC 6901) only
 * when there is something to complain of. Private to platform/wire. */
#pragma once

#include "platform/base/problem.h"

struct wire_path {
    const struct wire_path *parent; /* NULL at the top */
    struct str name;                /* of the field or map key; its ptr is NULL for an element of an array */
    size_t index;                   /* of the element */
    char prefix;                    /* '?' for a query parameter; 0 is '/' */
};

/* Sets the problem: its pointer is the path, its detail the quoted name and the formatted rest, as in
 * "\"quantity\" must be an integer." path may be NULL: the detail is then the formatted text alone. ERR_INVALID. */
int wire_refuse(struct problem *ret_problem, const struct wire_path *path, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
