/* The formats that a rule may name (options.proto): how OpenAPI says them, and a check. */
#pragma once

#include "platform/base/str.h"

struct wire_format {
    const char *name;        /* as in the rule */
    const char *standard;    /* JSON Schema's "format" of the same meaning, or NULL */
    const char *pattern;     /* a regular expression (ECMA-262) that the check agrees with, or NULL */
    const char *description; /* what is wanted: "must be <description>" */
    bool (*is_valid)(struct str text);
};

/* NULL for a name that is not in the list; tools/generate.py refuses it in the schema. */
const struct wire_format *wire_format_find(const char *name);
