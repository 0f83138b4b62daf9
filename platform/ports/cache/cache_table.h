/* A bounded hash table with expiry and least-recently-used eviction; one shard of one kind. Not thread-safe. */
#pragma once

#include "platform/base/str.h"

struct cache_entry {
    struct cache_entry *next_in_bucket;
    struct cache_entry *newer; /* in order of use */
    struct cache_entry *older;
    uint64_t hash;
    int64_t expires_ns;
    int64_t number; /* a counter, a theoretical arrival time or a lock's token */
    uint32_t key_len;
    uint32_t value_len;
    char bytes[]; /* the key, then the value */
};

struct cache_table {
    struct cache_entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t entry_count;
    struct cache_entry *newest;
    struct cache_entry *oldest;
    size_t bytes;
    size_t bytes_max;
    bool may_evict; /* false: only what has expired makes room */
    uint64_t evictions;
};

/* ERR_NO_MEMORY. */
int cache_table_init(struct cache_table *table, size_t bytes_max, bool may_evict);
void cache_table_free(struct cache_table *table);

/* NULL when there is none or its time is up. A found entry becomes the newest. */
struct cache_entry *cache_table_find(struct cache_table *table, uint64_t hash, struct str key, int64_t now_ns);

/* Adds an entry for a key that is not there; NULL when there is no room. */
struct cache_entry *cache_table_add(struct cache_table *table, uint64_t hash, struct str key, struct str value,
                                    int64_t expires_ns, int64_t now_ns);
void cache_table_remove(struct cache_table *table, struct cache_entry *entry);

static inline struct str cache_entry_value(const struct cache_entry *entry)
{
    return str_from(entry->bytes + entry->key_len, entry->value_len);
}
