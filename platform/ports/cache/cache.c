/* The cache port's front: the limits that hold for every engine, and dispatch. */
#include "platform/ports/cache/cache_adapter.h"

/* One row an adapter. */
static const struct {
    struct port_scheme scheme;
    int (*open)(struct cache **ret_cache, const struct port_config *config, char ret_message[512]);
} adapters[] = {
    {{"memory"}, cache_memory_open},
    {{"redis"}, cache_redis_open},
    {{"rediss"}, cache_redis_open},
    {{NULL}, NULL},
};

static int check_key(struct str key)
{
    if (key.len == 0)
        return ERR_INVALID;
    return key.len > CACHE_KEY_BYTES_MAX ? ERR_TOO_LARGE : 0;
}

int cache_open(struct cache **ret_cache, const struct port_config *config, char ret_message[512])
{
    int row = port_find(PORT_CACHE, config->url, adapters, sizeof(adapters[0]), ret_message);

    TRY(row);
    TRY(adapters[row].open(ret_cache, config, ret_message));
    ASSERT((*ret_cache)->adapter->version == CACHE_ADAPTER_VERSION);
    return 0;
}

void cache_free(struct cache *cache)
{
    if (cache)
        cache->adapter->free(cache);
}

bool cache_blocks(const struct cache *cache)
{
    return cache->adapter->blocks;
}

int cache_get(struct cache *cache, struct str key, struct arena *arena, struct str *ret_value)
{
    TRY(check_key(key));
    return cache->adapter->get(cache, key, arena, ret_value);
}

int cache_put(struct cache *cache, struct str key, struct str value, int64_t ttl_ms)
{
    TRY(check_key(key));
    if (ttl_ms <= 0 || value.len > CACHE_VALUE_BYTES_MAX)
        return cache->adapter->delete (cache, key);
    return cache->adapter->put(cache, key, value, ttl_ms);
}

int cache_delete(struct cache *cache, struct str key)
{
    TRY(check_key(key));
    return cache->adapter->delete (cache, key);
}

int cache_increment(struct cache *cache, struct str key, int64_t delta, int64_t ttl_ms, int64_t *ret_value)
{
    TRY(check_key(key));
    return ttl_ms <= 0 ? ERR_INVALID : cache->adapter->increment(cache, key, delta, ttl_ms, ret_value);
}

int cache_rate_limit(struct cache *cache, struct str key, const struct cache_rate *rate, int64_t *ret_retry_after_ms)
{
    TRY(check_key(key));
    if (rate->rate <= 0 || rate->period_ms <= 0 || rate->burst <= 0)
        return ERR_INVALID;
    return cache->adapter->rate_limit(cache, key, rate, ret_retry_after_ms);
}

int cache_lock(struct cache *cache, struct str key, int64_t ttl_ms, int64_t *ret_token)
{
    TRY(check_key(key));
    return ttl_ms <= 0 ? ERR_INVALID : cache->adapter->lock(cache, key, ttl_ms, ret_token);
}

int cache_unlock(struct cache *cache, struct str key, int64_t token)
{
    TRY(check_key(key));
    return cache->adapter->unlock(cache, key, token);
}

int cache_subscribe(struct cache *cache, const char *channel, cache_subscriber *subscriber, void *argument,
                    struct cache_subscription **ret_subscription)
{
    TRY(check_key(str_from_cstr(channel)));
    return cache->adapter->subscribe(cache, channel, subscriber, argument, ret_subscription);
}

void cache_unsubscribe(struct cache *cache, struct cache_subscription *subscription)
{
    if (subscription)
        cache->adapter->unsubscribe(cache, subscription);
}

int cache_publish(struct cache *cache, struct str channel, struct str message)
{
    return cache->adapter->publish(cache, channel, message);
}

void cache_get_stats(struct cache *cache, struct cache_stats *ret_stats)
{
    cache->adapter->get_stats(cache, ret_stats);
}
