/* The cache port inside one process: shards with a lock each, chosen by a keyed hash, for keys come from outside. */
#include "platform/base/task.h"
#include "platform/ports/cache/cache_adapter.h"
#include "platform/ports/cache/cache_table.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"

#include <stdatomic.h>
#include <stdlib.h>

#define SHARDS 16
#define VALUE_BYTES_DEFAULT ((size_t)8 << 20)
#define COUNTER_BYTES_DEFAULT ((size_t)4 << 20)
#define LOCK_BYTES_DEFAULT ((size_t)1 << 20)

/* The longest time to live: a hundred years, so that sums of times stay in range. */
#define TTL_MAX_MS (INT64_C(100) * 366 * 86400 * 1000)

struct shard {
    struct task_mutex mutex;
    struct cache_table values;
    struct cache_table counters;
    struct cache_table locks;
    uint64_t hits;
    uint64_t misses;
};

struct cache_subscription {
    struct cache_subscription *next;
    cache_subscriber *subscriber;
    void *argument;
    size_t channel_len;
    char channel[];
};

struct cache_memory {
    struct cache base;
    struct shard shards[SHARDS];
    uint64_t hash_key[2];
    atomic_int_fast64_t last_token;
    struct task_mutex subscriptions_mutex;
    struct cache_subscription *subscriptions;
    size_t subscription_count;
};

static struct cache_memory *memory_of(struct cache *cache)
{
    return (struct cache_memory *)(void *)cache;
}

/* -- Hashing ------------------------------------------------------------------------------------------------------ */

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[1] = rotate(v[1], 13), v[1] ^= v[0], v[0] = rotate(v[0], 32);
    v[2] += v[3], v[3] = rotate(v[3], 16), v[3] ^= v[2];
    v[0] += v[3], v[3] = rotate(v[3], 21), v[3] ^= v[0];
    v[2] += v[1], v[1] = rotate(v[1], 17), v[1] ^= v[2], v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"): nobody who does not know the key can make
 * keys that fall into one bucket. */
static uint64_t hash_of(const struct cache_memory *cache, struct str s)
{
    uint64_t k0 = cache->hash_key[0];
    uint64_t k1 = cache->hash_key[1];
    uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                     k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    size_t offset = 0;
    uint64_t word;
    for (; offset + 8 <= s.len; offset += 8) {
        memcpy(&word, s.ptr + offset, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    memcpy(&word, s.ptr + offset, s.len - offset);
    word |= (uint64_t)s.len << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The upper bits choose the shard, the lower ones the bucket. */
static struct shard *shard_of(struct cache_memory *cache, uint64_t hash)
{
    return &cache->shards[(hash >> 60) % SHARDS];
}

static int64_t expiry_of(int64_t now_ns, int64_t ttl_ms)
{
    return now_ns + (ttl_ms > TTL_MAX_MS ? TTL_MAX_MS : ttl_ms) * CLOCK_NS_PER_MS;
}

/* -- Values ------------------------------------------------------------------------------------------------------- */

static int memory_get(struct cache *base, struct str key, struct arena *arena, struct str *ret_value)
{
    struct cache_memory *cache = memory_of(base);
    uint64_t hash = hash_of(cache, key);
    int64_t now_ns = clock_monotonic_ns();
    struct shard *shard = shard_of(cache, hash);
    TASK_LOCKED(&shard->mutex);
    struct cache_entry *entry = cache_table_find(&shard->values, hash, key, now_ns);
    if (!entry) {
        shard->misses++;
        return 0;
    }
    struct str value = cache_entry_value(entry);
    struct str copy = value.len ? arena_copy(arena, value) : STR("");
    if (!copy.ptr)
        return ERR_NO_MEMORY;
    shard->hits++;
    *ret_value = copy;
    return 1;
}

static int memory_put(struct cache *base, struct str key, struct str value, int64_t ttl_ms)
{
    struct cache_memory *cache = memory_of(base);
    uint64_t hash = hash_of(cache, key);
    int64_t now_ns = clock_monotonic_ns();
    struct shard *shard = shard_of(cache, hash);
    TASK_LOCKED(&shard->mutex);
    struct cache_entry *old = cache_table_find(&shard->values, hash, key, now_ns);
    if (old)
        cache_table_remove(&shard->values, old);
    cache_table_add(&shard->values, hash, key, value, expiry_of(now_ns, ttl_ms), now_ns);
    return 0;
}

static int memory_delete(struct cache *base, struct str key)
{
    struct cache_memory *cache = memory_of(base);
    uint64_t hash = hash_of(cache, key);
    struct shard *shard = shard_of(cache, hash);
    TASK_LOCKED(&shard->mutex);
    struct cache_entry *entry = cache_table_find(&shard->values, hash, key, clock_monotonic_ns());
    if (entry)
        cache_table_remove(&shard->values, entry);
    return 0;
}

/* -- Counters and rates ------------------------------------------------------------------------------------------- */

static int memory_increment(struct cache *base, struct str key, int64_t delta, int64_t ttl_ms, int64_t *ret_value)
{
    struct cache_memory *cache = memory_of(base);
    uint64_t hash = hash_of(cache, key);
    int64_t now_ns = clock_monotonic_ns();
    struct shard *shard = shard_of(cache, hash);
    TASK_LOCKED(&shard->mutex);
    struct cache_entry *entry = cache_table_find(&shard->counters, hash, key, now_ns);
    if (!entry)
        entry = cache_table_add(&shard->counters, hash, key, STR_EMPTY, expiry_of(now_ns, ttl_ms), now_ns);
    if (!entry)
        return ERR_NO_MEMORY;
    if (__builtin_add_overflow(entry->number, delta, &entry->number))
        entry->number = delta > 0 ? INT64_MAX : INT64_MIN;
    if (ret_value)
        *ret_value = entry->number;
    return 0;
}

/* A key's number is the time at which its bucket is empty again. A request is allowed when that is at most burst - 1
 * intervals away, and moves it by one interval. */
static int memory_rate_limit(struct cache *base, struct str key, const struct cache_rate *rate,
                             int64_t *ret_retry_after_ms)
{
    struct cache_memory *cache = memory_of(base);
    uint64_t hash = hash_of(cache, key);
    int64_t now_ns = clock_monotonic_ns();
    int64_t interval_ns = rate->period_ms * CLOCK_NS_PER_MS / rate->rate;
    struct shard *shard = shard_of(cache, hash);
    TASK_LOCKED(&shard->mutex);
    struct cache_entry *entry = cache_table_find(&shard->counters, hash, key, now_ns);
    int64_t arrival_ns = entry ? entry->number : now_ns;
    int64_t early_ns = arrival_ns - now_ns - interval_ns * (rate->burst - 1);
    if (early_ns > 0) {
        if (ret_retry_after_ms)
            *ret_retry_after_ms = (early_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
        return ERR_RATE_LIMITED;
    }
    arrival_ns = (arrival_ns > now_ns ? arrival_ns : now_ns) + interval_ns;
    if (!entry)
        entry = cache_table_add(&shard->counters, hash, key, STR_EMPTY, arrival_ns, now_ns);
    if (!entry)
        return ERR_NO_MEMORY;
    entry->number = arrival_ns;
    entry->expires_ns = arrival_ns;
    return 0;
}

/* -- Locks -------------------------------------------------------------------------------------------------------- */

static int memory_lock(struct cache *base, struct str key, int64_t ttl_ms, int64_t *ret_token)
{
    struct cache_memory *cache = memory_of(base);
    uint64_t hash = hash_of(cache, key);
    int64_t now_ns = clock_monotonic_ns();
    struct shard *shard = shard_of(cache, hash);
    TASK_LOCKED(&shard->mutex);
    if (cache_table_find(&shard->locks, hash, key, now_ns))
        return ERR_CONFLICT;
    struct cache_entry *entry = cache_table_add(&shard->locks, hash, key, STR_EMPTY, expiry_of(now_ns, ttl_ms), now_ns);
    if (!entry)
        return ERR_UNAVAILABLE;
    entry->number = atomic_fetch_add(&cache->last_token, 1) + 1;
    *ret_token = entry->number;
    return 0;
}

static int memory_unlock(struct cache *base, struct str key, int64_t token)
{
    struct cache_memory *cache = memory_of(base);
    uint64_t hash = hash_of(cache, key);
    struct shard *shard = shard_of(cache, hash);
    TASK_LOCKED(&shard->mutex);
    struct cache_entry *entry = cache_table_find(&shard->locks, hash, key, clock_monotonic_ns());
    if (!entry || entry->number != token)
        return ERR_STALE;
    cache_table_remove(&shard->locks, entry);
    return 0;
}

/* -- Messages ----------------------------------------------------------------------------------------------------- */

static int memory_subscribe(struct cache *base, const char *channel, cache_subscriber *subscriber, void *argument,
                            struct cache_subscription **ret_subscription)
{
    struct cache_memory *cache = memory_of(base);
    size_t length = strlen(channel);
    struct cache_subscription *subscription = malloc(sizeof(*subscription) + length);
    if (!subscription)
        return ERR_NO_MEMORY;
    *subscription = (struct cache_subscription){.subscriber = subscriber, .argument = argument, .channel_len = length};
    memcpy(subscription->channel, channel, length);
    TASK_LOCKED(&cache->subscriptions_mutex);
    if (cache->subscription_count >= CACHE_SUBSCRIBERS_MAX) {
        free(subscription);
        return ERR_TOO_LARGE;
    }
    subscription->next = cache->subscriptions;
    cache->subscriptions = subscription;
    cache->subscription_count++;
    *ret_subscription = subscription;
    return 0;
}

static void memory_unsubscribe(struct cache *base, struct cache_subscription *subscription)
{
    struct cache_memory *cache = memory_of(base);
    TASK_LOCKED(&cache->subscriptions_mutex);
    struct cache_subscription **link = &cache->subscriptions;
    while (*link != subscription)
        link = &(*link)->next;
    *link = subscription->next;
    cache->subscription_count--;
    free(subscription);
}

static int memory_publish(struct cache *base, struct str channel, struct str message)
{
    struct cache_memory *cache = memory_of(base);
    TASK_LOCKED(&cache->subscriptions_mutex);
    for (struct cache_subscription *s = cache->subscriptions; s; s = s->next)
        if (str_equal(channel, str_from(s->channel, s->channel_len)))
            s->subscriber(channel, message, s->argument);
    return 0;
}

/* -- Life --------------------------------------------------------------------------------------------------------- */

static void memory_get_stats(struct cache *base, struct cache_stats *ret_stats)
{
    struct cache_memory *cache = memory_of(base);
    struct cache_stats stats = {0};
    for (unsigned i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shards[i];
        TASK_LOCKED(&shard->mutex);
        stats.hits += shard->hits;
        stats.misses += shard->misses;
        stats.evictions += shard->values.evictions + shard->counters.evictions;
        stats.bytes += shard->values.bytes + shard->counters.bytes + shard->locks.bytes;
    }
    *ret_stats = stats;
}

static void memory_free(struct cache *base)
{
    struct cache_memory *cache = memory_of(base);
    while (cache->subscriptions)
        memory_unsubscribe(base, cache->subscriptions);
    task_mutex_destroy(&cache->subscriptions_mutex);
    for (unsigned i = 0; i < SHARDS; i++) {
        cache_table_free(&cache->shards[i].values);
        cache_table_free(&cache->shards[i].counters);
        cache_table_free(&cache->shards[i].locks);
        task_mutex_destroy(&cache->shards[i].mutex);
    }
    free(cache);
}

static const struct cache_adapter memory_adapter = {
    .version = CACHE_ADAPTER_VERSION,
    .free = memory_free,
    .get = memory_get,
    .put = memory_put,
    .delete = memory_delete,
    .increment = memory_increment,
    .rate_limit = memory_rate_limit,
    .lock = memory_lock,
    .unlock = memory_unlock,
    .subscribe = memory_subscribe,
    .unsubscribe = memory_unsubscribe,
    .publish = memory_publish,
    .get_stats = memory_get_stats,
};

static int init_shard(struct shard *shard, const struct cache_memory_config *config)
{
    size_t value_bytes = config->value_bytes_max ? config->value_bytes_max : VALUE_BYTES_DEFAULT;
    size_t counter_bytes = config->counter_bytes_max ? config->counter_bytes_max : COUNTER_BYTES_DEFAULT;
    size_t lock_bytes = config->lock_bytes_max ? config->lock_bytes_max : LOCK_BYTES_DEFAULT;
    TRY(cache_table_init(&shard->values, value_bytes / SHARDS, true));
    TRY(cache_table_init(&shard->counters, counter_bytes / SHARDS, true));
    return cache_table_init(&shard->locks, lock_bytes / SHARDS, false);
}

int cache_memory_new(struct cache **ret_cache, const struct cache_memory_config *config)
{
    struct cache_memory *cache = calloc(1, sizeof(*cache));
    if (!cache)
        return ERR_NO_MEMORY;
    cache->base.adapter = &memory_adapter;
    random_bytes(cache->hash_key, sizeof(cache->hash_key));
    task_mutex_init(&cache->subscriptions_mutex);
    int error = 0;
    for (unsigned i = 0; i < SHARDS; i++) {
        task_mutex_init(&cache->shards[i].mutex);
        if (!error)
            error = init_shard(&cache->shards[i], config);
    }
    if (error) {
        memory_free(&cache->base);
        return error;
    }
    *ret_cache = &cache->base;
    return 0;
}

int cache_memory_open(struct cache **ret_cache, const struct port_config *config, char ret_message[512])
{
    TRY(port_expect_bare(PORT_CACHE, config->url, ret_message));
    return cache_memory_new(ret_cache, &(struct cache_memory_config){0});
}
