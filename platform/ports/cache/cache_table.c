#include "platform/ports/cache/cache_table.h"

#include "platform/base/err.h"

#include <stdlib.h>

#define BUCKETS_FIRST 64

/* Entries looked at for expired ones, from the oldest on, where nothing may be evicted. */
#define EXPIRED_SCAN_MAX 64

/* What malloc keeps beside an allocation. */
#define ALLOCATION_OVERHEAD 16

static size_t size_of(const struct cache_entry *entry)
{
    return sizeof(*entry) + entry->key_len + entry->value_len + ALLOCATION_OVERHEAD + sizeof(void *);
}

int cache_table_init(struct cache_table *table, size_t bytes_max, bool may_evict)
{
    *table = (struct cache_table){.bytes_max = bytes_max, .may_evict = may_evict, .bucket_count = BUCKETS_FIRST};
    table->buckets = calloc(BUCKETS_FIRST, sizeof(*table->buckets));
    return table->buckets ? 0 : ERR_NO_MEMORY;
}

void cache_table_free(struct cache_table *table)
{
    while (table->oldest)
        cache_table_remove(table, table->oldest);
    free(table->buckets);
    *table = (struct cache_table){0};
}

static struct cache_entry **bucket_of(struct cache_table *table, uint64_t hash)
{
    return &table->buckets[hash & (table->bucket_count - 1)];
}

static void unlink_use(struct cache_table *table, struct cache_entry *entry)
{
    *(entry->newer ? &entry->newer->older : &table->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &table->oldest) = entry->newer;
}

static void link_newest(struct cache_table *table, struct cache_entry *entry)
{
    entry->newer = NULL;
    entry->older = table->newest;
    *(table->newest ? &table->newest->newer : &table->oldest) = entry;
    table->newest = entry;
}

void cache_table_remove(struct cache_table *table, struct cache_entry *entry)
{
    struct cache_entry **link = bucket_of(table, entry->hash);
    while (*link != entry)
        link = &(*link)->next_in_bucket;
    *link = entry->next_in_bucket;
    unlink_use(table, entry);
    table->bytes -= size_of(entry);
    table->entry_count--;
    free(entry);
}

struct cache_entry *cache_table_find(struct cache_table *table, uint64_t hash, struct str key, int64_t now_ns)
{
    struct cache_entry *entry = *bucket_of(table, hash);
    while (entry && (entry->hash != hash || entry->key_len != key.len || memcmp(entry->bytes, key.ptr, key.len) != 0))
        entry = entry->next_in_bucket;
    if (!entry)
        return NULL;
    if (entry->expires_ns <= now_ns) {
        cache_table_remove(table, entry);
        return NULL;
    }
    if (entry != table->newest) {
        unlink_use(table, entry);
        link_newest(table, entry);
    }
    return entry;
}

/* Doubles the buckets; when there is no memory for it the chains grow longer, which is slower and right. */
static void grow(struct cache_table *table)
{
    size_t count = table->bucket_count * 2;
    struct cache_entry **buckets = calloc(count, sizeof(*buckets));
    if (!buckets)
        return;
    free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
    for (struct cache_entry *entry = table->newest; entry; entry = entry->older) {
        struct cache_entry **bucket = bucket_of(table, entry->hash);
        entry->next_in_bucket = *bucket;
        *bucket = entry;
    }
}

static void remove_expired(struct cache_table *table, int64_t now_ns)
{
    struct cache_entry *entry = table->oldest;
    for (unsigned i = 0; entry && i < EXPIRED_SCAN_MAX; i++) {
        struct cache_entry *newer = entry->newer;
        if (entry->expires_ns <= now_ns)
            cache_table_remove(table, entry);
        entry = newer;
    }
}

static bool make_room(struct cache_table *table, size_t size, int64_t now_ns)
{
    if (size > table->bytes_max)
        return false;
    if (table->bytes + size > table->bytes_max)
        remove_expired(table, now_ns);
    while (table->may_evict && table->oldest && table->bytes + size > table->bytes_max) {
        cache_table_remove(table, table->oldest);
        table->evictions++;
    }
    return table->bytes + size <= table->bytes_max;
}

struct cache_entry *cache_table_add(struct cache_table *table, uint64_t hash, struct str key, struct str value,
                                    int64_t expires_ns, int64_t now_ns)
{
    struct cache_entry shape = {.key_len = (uint32_t)key.len, .value_len = (uint32_t)value.len};
    if (!make_room(table, size_of(&shape), now_ns))
        return NULL;
    struct cache_entry *entry = malloc(sizeof(*entry) + key.len + value.len);
    if (!entry)
        return NULL;
    *entry = shape;
    entry->hash = hash;
    entry->expires_ns = expires_ns;
    memcpy(entry->bytes, key.ptr, key.len);
    if (value.len)
        memcpy(entry->bytes + key.len, value.ptr, value.len);
    if (table->entry_count >= table->bucket_count)
        grow(table);
    struct cache_entry **bucket = bucket_of(table, hash);
    entry->next_in_bucket = *bucket;
    *bucket = entry;
    link_newest(table, entry);
    table->bytes += size_of(entry);
    table->entry_count++;
    return entry;
}
