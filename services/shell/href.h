/* Addresses of the shop's own pages, put together so that whatever stands in a value comes back as it was. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/buf.h"

#define HREF_BYTES_MAX 8192

struct href_pair {
    const char *name;
    struct str value; /* empty: the pair is left out */
};

/* "/search?q=alder%20kettle&sort=title": the path stands as it is given. ERR_NO_MEMORY, ERR_TOO_LARGE. */
int href_make(struct arena *arena, const char *path, const struct href_pair *pairs, size_t count, char **ret_href);

/* "/products/alder-kettle". */
int href_below(struct arena *arena, const char *folder, struct str name, char **ret_href);

/* Whether a browser that is sent there stays in this shop: a path of it, with a query or fragment or none. No other
 * host ("//", "/\"), no other scheme, no control characters. */
bool href_is_own(struct str href);
