#include "platform/base/map.h"
#include "platform/base/err.h"
#include "platform/base/hash.h"

#include <stdlib.h>

#define MAP_SLOTS_FIRST ((size_t)16)

struct map_slot {
    uint64_t hash;
    struct str key;
    void *value; /* NULL: free */
};

struct map {
    struct hash_key hash_key;
    size_t max_entries;
    size_t count;
    size_t slot_count; /* a power of two, or 0 before the first entry */
    struct map_slot *slots;
};

struct map *map_new(size_t max_entries)
{
    struct map *map = calloc(1, sizeof(*map));
    if (!map)
        return NULL;
    map->hash_key = hash_key_random();
    map->max_entries = max_entries;
    return map;
}

void map_free(struct map *map)
{
    if (!map)
        return;
    free(map->slots);
    free(map);
}

/* The slot of the key, or the free one where it belongs. There is always a free one. */
static struct map_slot *find_slot(const struct map *map, struct str key, uint64_t hash)
{
    size_t at = hash & (map->slot_count - 1);
    while (map->slots[at].value && !(map->slots[at].hash == hash && str_equal(map->slots[at].key, key)))
        at = (at + 1) & (map->slot_count - 1);
    return &map->slots[at];
}

static struct map_slot *find(const struct map *map, struct str key)
{
    if (map->count == 0)
        return NULL;
    struct map_slot *slot = find_slot(map, key, hash_keyed(&map->hash_key, key));
    return slot->value ? slot : NULL;
}

void *map_get(const struct map *map, struct str key)
{
    struct map_slot *slot = find(map, key);
    return slot ? slot->value : NULL;
}

static int grow(struct map *map)
{
    struct map larger = *map;
    larger.slot_count = map->slot_count ? map->slot_count * 2 : MAP_SLOTS_FIRST;
    larger.slots = calloc(larger.slot_count, sizeof(*larger.slots));
    if (!larger.slots)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < map->slot_count; i++) {
        if (map->slots[i].value)
            *find_slot(&larger, map->slots[i].key, map->slots[i].hash) = map->slots[i];
    }
    free(map->slots);
    *map = larger;
    return 0;
}

int map_put(struct map *map, struct str key, void *value, void **ret_replaced)
{
    ASSERT(value);
    struct map_slot *slot = find(map, key);
    void *replaced = slot ? slot->value : NULL;
    uint64_t hash = slot ? slot->hash : hash_keyed(&map->hash_key, key);
    if (!slot && map->count >= map->max_entries)
        return ERR_TOO_LARGE;
    if (!slot && (map->count + 1) * 4 > map->slot_count * 3)
        TRY(grow(map));
    if (!slot) {
        slot = find_slot(map, key, hash);
        map->count++;
    }
    *slot = (struct map_slot){.hash = hash, .key = key, .value = value};
    if (ret_replaced)
        *ret_replaced = replaced;
    return 0;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

bool map_next(const struct map *map, size_t *cursor, struct str *ret_key, void **ret_value)
{
    while (*cursor < map->slot_count) {
        const struct map_slot *slot = &map->slots[(*cursor)++];
        if (slot->value) {
            *ret_key = slot->key;
            *ret_value = slot->value;
            return true;
        }
    }
    return false;
}
