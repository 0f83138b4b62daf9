/* Stripe's form encoding: "amount=1999&metadata[order_id]=7&expand[]=latest_charge", flat, with the brackets kept in
 * the names. */
#pragma once

#include "platform/base/arena.h"

#define FORM_FIELDS_MAX 200

struct form_field {
    struct str name;
    struct str value;
};

struct form {
    struct form_field *fields;
    size_t count;
};

/* ERR_INVALID for broken escapes, ERR_TOO_LARGE above FORM_FIELDS_MAX, ERR_NO_MEMORY. */
int form_parse(struct arena *arena, struct str encoded, struct form *ret_form);

/* The value of the first field of that name; its ptr is NULL when there is none, and not when it is empty. */
struct str form_find(const struct form *form, const char *name);

/* Walks the fields "prefix[key]": the next one behind *position; false at the end. The key is empty in "prefix[]", as
 * arrays may be written. */
bool form_next_key(const struct form *form, const char *prefix, size_t *position, struct str *ret_key,
                   struct str *ret_value);

/* Whether "expand[…]" names the path. */
bool form_expands(const struct form *form, const char *path);
