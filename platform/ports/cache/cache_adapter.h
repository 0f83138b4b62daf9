/* What an adapter of the cache port implements: cache.h's functions in the same words. cache.c has checked the limits.
 */
#pragma once

#include "platform/ports/cache/cache.h"

#define CACHE_ADAPTER_VERSION 1

struct cache_adapter {
    unsigned version;
    bool blocks; /* see cache_blocks */
    void (*free)(struct cache *cache);

    int (*get)(struct cache *cache, struct str key, struct arena *arena, struct str *ret_value);
    int (*put)(struct cache *cache, struct str key, struct str value, int64_t ttl_ms);
    int (*delete)(struct cache *cache, struct str key);

    int (*increment)(struct cache *cache, struct str key, int64_t delta, int64_t ttl_ms, int64_t *ret_value);
    int (*rate_limit)(struct cache *cache, struct str key, const struct cache_rate *rate, int64_t *ret_retry_after_ms);

    int (*lock)(struct cache *cache, struct str key, int64_t ttl_ms, int64_t *ret_token);
    int (*unlock)(struct cache *cache, struct str key, int64_t token);

    int (*subscribe)(struct cache *cache, const char *channel, cache_subscriber *subscriber, void *argument,
                     struct cache_subscription **ret_subscription);
    void (*unsubscribe)(struct cache *cache, struct cache_subscription *subscription);
    int (*publish)(struct cache *cache, struct str channel, struct str message);

    void (*get_stats)(struct cache *cache, struct cache_stats *ret_stats);
};

/* The first member of each adapter's own struct. */
struct cache {
    const struct cache_adapter *adapter;
};

/* Inside this process. */
int cache_memory_open(struct cache **ret_cache, const struct port_config *config, char ret_message[512]);

/* On a Redis server. */
int cache_redis_open(struct cache **ret_cache, const struct port_config *config, char ret_message[512]);

/* The same with another time after which a server that has not answered is gone. */
int cache_redis_new(struct cache **ret_cache, const struct port_config *config, int64_t answer_ms,
                    char ret_message[512]);

/* The memory adapter with other sizes. */
struct cache_memory_config {
    size_t value_bytes_max;   /* of values with their keys; the least recently used go first. 0: 8 MiB */
    size_t counter_bytes_max; /* of counters and rate limits. 0: 4 MiB */
    size_t lock_bytes_max; /* of locks; they are never dropped before their time, past it ERR_UNAVAILABLE. 0: 1 MiB */
};
int cache_memory_new(struct cache **ret_cache, const struct cache_memory_config *config);
