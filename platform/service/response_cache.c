#include "platform/service/response_cache.h"

#include "platform/base/err.h"
#include "platform/base/hash.h"
#include "platform/base/task.h"

#include <stdlib.h>

#define BUCKETS 4096 /* of keys and of tags; a power of two */
#define ENTRY_OVERHEAD 256

struct entry;

/* One tag of one entry, in the list of its tag's bucket. */
struct tag_link {
    uint64_t tag;
    struct entry *entry;
    struct tag_link *next, *previous;
};

struct entry {
    struct entry *next_in_bucket;
    struct entry *newer, *older; /* by use */
    uint64_t key_hash;
    size_t bytes;
    struct cached_response response;
    struct str key;
    size_t tag_count;
    struct tag_link tags[];
};

struct response_cache {
    struct task_mutex mutex;
    struct hash_key hash_key;
    struct entry *buckets[BUCKETS];
    struct tag_link *tag_buckets[BUCKETS];
    uint64_t dropped_at[BUCKETS]; /* the epoch in which a tag of the bucket was last dropped */
    uint64_t epoch;
    struct entry *newest, *oldest;
    size_t bytes_max;
    struct response_cache_stats stats;
};

struct response_cache *response_cache_new(size_t bytes_max)
{
    struct response_cache *cache = calloc(1, sizeof(*cache));

    if (!cache)
        return NULL;
    cache->bytes_max = bytes_max;
    cache->hash_key = hash_key_random();
    task_mutex_init(&cache->mutex);
    return cache;
}

static void unlink_by_use(struct response_cache *cache, struct entry *entry)
{
    *(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void link_newest(struct response_cache *cache, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static void unlink_tag(struct response_cache *cache, struct tag_link *link)
{
    *(link->previous ? &link->previous->next : &cache->tag_buckets[link->tag % BUCKETS]) = link->next;
    if (link->next)
        link->next->previous = link->previous;
}

static void link_tag(struct response_cache *cache, struct tag_link *link, struct entry *entry, uint64_t tag)
{
    struct tag_link **bucket = &cache->tag_buckets[tag % BUCKETS];

    *link = (struct tag_link){.tag = tag, .entry = entry, .next = *bucket};
    if (*bucket)
        (*bucket)->previous = link;
    *bucket = link;
}

static void entry_remove(struct response_cache *cache, struct entry *entry)
{
    struct entry **place = &cache->buckets[entry->key_hash % BUCKETS];

    while (*place != entry)
        place = &(*place)->next_in_bucket;
    *place = entry->next_in_bucket;
    unlink_by_use(cache, entry);
    for (size_t i = 0; i < entry->tag_count; i++)
        unlink_tag(cache, &entry->tags[i]);
    cache->stats.entries--;
    cache->stats.bytes -= entry->bytes;
    http_blob_unref(entry->response.head);
    http_blob_unref(entry->response.body);
    free(entry);
}

void response_cache_free(struct response_cache *cache)
{
    if (!cache)
        return;
    while (cache->oldest)
        entry_remove(cache, cache->oldest);
    task_mutex_destroy(&cache->mutex);
    free(cache);
}

static struct entry *find(struct response_cache *cache, struct str key, uint64_t key_hash)
{
    struct entry *entry = cache->buckets[key_hash % BUCKETS];

    while (entry && !(entry->key_hash == key_hash && str_equal(entry->key, key)))
        entry = entry->next_in_bucket;
    return entry;
}

bool response_cache_get(struct response_cache *cache, struct str key, struct cached_response *ret_response)
{
    uint64_t key_hash = hash_keyed(&cache->hash_key, key);
    TASK_LOCKED(&cache->mutex);
    struct entry *entry = find(cache, key, key_hash);

    if (!entry) {
        cache->stats.misses++;
        return false;
    }
    cache->stats.hits++;
    if (cache->newest != entry) {
        unlink_by_use(cache, entry);
        link_newest(cache, entry);
    }
    *ret_response = entry->response;
    http_blob_ref(ret_response->head);
    http_blob_ref(ret_response->body);
    return true;
}

uint64_t response_cache_tag(const struct response_cache *cache, struct str tenant, struct str kind, struct str id)
{
    return hash_keyed(&cache->hash_key, tenant) * 31 + hash_keyed(&cache->hash_key, kind) * 17 +
           hash_keyed(&cache->hash_key, id);
}

uint64_t response_cache_epoch(struct response_cache *cache)
{
    TASK_LOCKED(&cache->mutex);
    return cache->epoch;
}

static bool is_stale(const struct response_cache *cache, uint64_t epoch, const uint64_t *tags, size_t tag_count)
{
    for (size_t i = 0; i < tag_count; i++) {
        if (cache->dropped_at[tags[i] % BUCKETS] > epoch)
            return true;
    }
    return false;
}

static struct entry *entry_new(const struct response_cache *cache, struct str key,
                               const struct cached_response *response, size_t tag_count)
{
    struct entry *entry = calloc(1, sizeof(*entry) + tag_count * sizeof(entry->tags[0]) + key.len);

    if (!entry)
        return NULL;
    char *key_copy = (char *)&entry->tags[tag_count];
    memcpy(key_copy, key.ptr, key.len);
    entry->key = str_from(key_copy, key.len);
    entry->key_hash = hash_keyed(&cache->hash_key, key);
    entry->tag_count = tag_count;
    entry->bytes = ENTRY_OVERHEAD + key.len + tag_count * sizeof(entry->tags[0]) + http_blob_bytes(response->head).len +
                   http_blob_bytes(response->body).len;
    return entry;
}

void response_cache_put(struct response_cache *cache, struct str key, uint64_t epoch, const uint64_t *tags,
                        size_t tag_count, const struct cached_response *response)
{
    ASSERT(tag_count <= CACHE_TAGS_MAX);
    struct entry *entry = entry_new(cache, key, response, tag_count);
    if (!entry)
        return;
    TASK_LOCKED(&cache->mutex);
    struct entry *present = find(cache, key, entry->key_hash);

    /* An answer as large as a quarter of the cache would push out everything else. */
    if (is_stale(cache, epoch, tags, tag_count) || entry->bytes > cache->bytes_max / 4) {
        cache->stats.refused++;
        free(entry);
        return;
    }
    if (present)
        entry_remove(cache, present);
    entry->response = *response;
    http_blob_ref(response->head);
    http_blob_ref(response->body);
    entry->next_in_bucket = cache->buckets[entry->key_hash % BUCKETS];
    cache->buckets[entry->key_hash % BUCKETS] = entry;
    link_newest(cache, entry);
    for (size_t i = 0; i < tag_count; i++)
        link_tag(cache, &entry->tags[i], entry, tags[i]);
    cache->stats.entries++;
    cache->stats.bytes += entry->bytes;
    while (cache->stats.bytes > cache->bytes_max)
        entry_remove(cache, cache->oldest);
}

void response_cache_drop(struct response_cache *cache, uint64_t tag)
{
    TASK_LOCKED(&cache->mutex);
    struct tag_link *link = cache->tag_buckets[tag % BUCKETS];

    cache->dropped_at[tag % BUCKETS] = ++cache->epoch;
    while (link) {
        if (link->tag != tag) {
            link = link->next;
            continue;
        }
        entry_remove(cache, link->entry);
        cache->stats.drops++;
        /* The removed entry's links may have been anywhere in this list: start over. */
        link = cache->tag_buckets[tag % BUCKETS];
    }
}

void response_cache_clear(struct response_cache *cache)
{
    TASK_LOCKED(&cache->mutex);

    cache->epoch++;
    for (size_t i = 0; i < BUCKETS; i++)
        cache->dropped_at[i] = cache->epoch;
    while (cache->oldest)
        entry_remove(cache, cache->oldest);
}

void response_cache_get_stats(struct response_cache *cache, struct response_cache_stats *ret_stats)
{
    TASK_LOCKED(&cache->mutex);
    *ret_stats = cache->stats;
}
