/* A hash map from strings to pointers with a maximum of entries: open addressing, a hash keyed anew for each map. Not
 * for two tasks at a time. Neither keys nor values are copied or freed: the key's bytes must live as long as its entry,
 * so let them lie in the value. */
#pragma once

#include "platform/base/str.h"

struct map;

/* NULL without memory. It grows with its entries. */
struct map *map_new(size_t max_entries);
void map_free(struct map *map); /* NULL is fine */

/* NULL when absent. */
void *map_get(const struct map *map, struct str key);

/* Adds or replaces; value must not be NULL. *ret_replaced (may be NULL) is the value before, or NULL; the key is then
 * the new one too. ERR_TOO_LARGE at the maximum, ERR_NO_MEMORY. */
int map_put(struct map *map, struct str key, void *value, void **ret_replaced);

size_t map_count(const struct map *map);

/* Goes through the entries in no particular order: start with *cursor = 0; false at the end. The map must not change
 * meanwhile. */
bool map_next(const struct map *map, size_t *cursor, struct str *ret_key, void **ret_value);
