/* A SKU's attributes as one text: "colour=Black;size=M", as stored and as in CSV files. A backslash stands before ';',
 * '=' and '\' inside a name or value. The order is kept. Pure functions. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/str.h"

#define ATTRIBUTES_MAX 10
#define ATTRIBUTE_NAME_BYTES_MAX 60
#define ATTRIBUTE_VALUE_BYTES_MAX 200

struct attribute {
    struct str name;
    struct str value;
};

/* ERR_INVALID with a static sentence in *ret_reason: too many, a repeated, empty or too long name, a too long value, a
 * control character. */
int sku_attributes_check(const struct attribute *attributes, size_t count, const char **ret_reason);

int sku_attributes_pack(struct arena *arena, const struct attribute *attributes, size_t count, struct str *ret_packed);

/* The other way; also for what a person wrote, so spaces around names and values are cut and it fails as
 * sku_attributes_check does. Room for ATTRIBUTES_MAX. */
int sku_attributes_unpack(struct arena *arena, struct str packed, struct attribute ret_attributes[ATTRIBUTES_MAX],
                          size_t *ret_count, const char **ret_reason);
