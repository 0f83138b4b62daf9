#include "platform/ports/cache/cache_faulty.h"

#include "platform/ports/cache/cache_adapter.h"

#include <stdlib.h>

struct cache_faulty {
    struct cache base;
    struct cache *inner;
    struct fault_plan *plan;
};

static struct cache *inner_of(struct cache *cache)
{
    return ((struct cache_faulty *)(void *)cache)->inner;
}

static struct fault meet(struct cache *cache, const char *call)
{
    return fault_meet(((struct cache_faulty *)(void *)cache)->plan, FAULT_CACHE, call);
}

static int faulty_get(struct cache *cache, struct str key, struct arena *arena, struct str *ret_value)
{
    struct fault fault = meet(cache, "get");
    return FAULT_APPLY(fault, cache_get(inner_of(cache), key, arena, ret_value));
}

static int faulty_put(struct cache *cache, struct str key, struct str value, int64_t ttl_ms)
{
    struct fault fault = meet(cache, "put");
    return FAULT_APPLY(fault, cache_put(inner_of(cache), key, value, ttl_ms));
}

static int faulty_delete(struct cache *cache, struct str key)
{
    struct fault fault = meet(cache, "delete");
    return FAULT_APPLY(fault, cache_delete(inner_of(cache), key));
}

static int faulty_increment(struct cache *cache, struct str key, int64_t delta, int64_t ttl_ms, int64_t *ret_value)
{
    struct fault fault = meet(cache, "increment");
    return FAULT_APPLY(fault, cache_increment(inner_of(cache), key, delta, ttl_ms, ret_value));
}

static int faulty_rate_limit(struct cache *cache, struct str key, const struct cache_rate *rate,
                             int64_t *ret_retry_after_ms)
{
    struct fault fault = meet(cache, "rate_limit");
    return FAULT_APPLY(fault, cache_rate_limit(inner_of(cache), key, rate, ret_retry_after_ms));
}

static int faulty_lock(struct cache *cache, struct str key, int64_t ttl_ms, int64_t *ret_token)
{
    struct fault fault = meet(cache, "lock");
    return FAULT_APPLY(fault, cache_lock(inner_of(cache), key, ttl_ms, ret_token));
}

static int faulty_unlock(struct cache *cache, struct str key, int64_t token)
{
    struct fault fault = meet(cache, "unlock");
    return FAULT_APPLY(fault, cache_unlock(inner_of(cache), key, token));
}

static int faulty_publish(struct cache *cache, struct str channel, struct str message)
{
    struct fault fault = meet(cache, "publish");
    return FAULT_APPLY(fault, cache_publish(inner_of(cache), channel, message));
}

static int faulty_subscribe(struct cache *cache, const char *channel, cache_subscriber *subscriber, void *argument,
                            struct cache_subscription **ret_subscription)
{
    TRY(meet(cache, "subscribe").error);
    return cache_subscribe(inner_of(cache), channel, subscriber, argument, ret_subscription);
}

static void faulty_unsubscribe(struct cache *cache, struct cache_subscription *subscription)
{
    cache_unsubscribe(inner_of(cache), subscription);
}

static void faulty_get_stats(struct cache *cache, struct cache_stats *ret_stats)
{
    cache_get_stats(inner_of(cache), ret_stats);
}

static void faulty_free(struct cache *cache)
{
    cache_free(inner_of(cache));
    free(cache);
}

static const struct cache_adapter faulty_adapter = {
    .version = CACHE_ADAPTER_VERSION,
    .free = faulty_free,
    .get = faulty_get,
    .put = faulty_put,
    .delete = faulty_delete,
    .increment = faulty_increment,
    .rate_limit = faulty_rate_limit,
    .lock = faulty_lock,
    .unlock = faulty_unlock,
    .publish = faulty_publish,
    .subscribe = faulty_subscribe,
    .unsubscribe = faulty_unsubscribe,
    .get_stats = faulty_get_stats,
};

int cache_faulty_wrap(struct cache **cache, struct fault_plan *plan)
{
    if (!plan)
        return 0;
    struct cache_faulty *faulty = calloc(1, sizeof(*faulty));
    if (!faulty)
        return ERR_NO_MEMORY;
    *faulty = (struct cache_faulty){.base = {&faulty_adapter}, .inner = *cache, .plan = plan};
    *cache = &faulty->base;
    return 0;
}
