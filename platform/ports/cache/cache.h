/* The cache port: what may be lost. Hot values, rate limits, locks and messages, of the tasks of a process, or with an
 * engine of all processes that share it.
 *
 * Everything here expires, by the monotonic clock or the engine's own, and is gone after a restart (with an engine:
 * when that loses it); so nothing that must hold is decided by it. A lock's token grows with each holder: whatever the
 * lock protects must refuse a token smaller than one that it has seen, for a holder may be slow and its time up.
 *
 * An engine that does not answer makes slower, not wrong: nothing is found, no lock is given, and rates are limited by
 * each process alone. What else is asked of it is ERR_UNAVAILABLE, soon, and may have been done. So after a put or a
 * delete that failed an older value may be found until its time is up; who cannot have that does not cache it.
 *
 * Values, counters and locks are names of their own: "a" the value and "a" the lock are two things. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/err.h"
#include "platform/base/str.h"
#include "platform/ports/port.h"

#define CACHE_KEY_BYTES_MAX 512
#define CACHE_VALUE_BYTES_MAX ((size_t)4 << 20)
#define CACHE_SUBSCRIBERS_MAX 1024

struct cache;
struct cache_subscription;

/* Hits and misses are this process's; the rest is the engine's, of all that is on it, and 0 while that is not there. */
struct cache_stats {
    uint64_t hits;
    uint64_t misses;
    uint64_t evictions; /* dropped for room before their time */
    uint64_t bytes;
};

/* Opens the adapter that the URL's scheme names. ERR_INVALID with a ret_message: there is none, or the URL is not as it
 * wants it; ERR_NO_MEMORY. */
int cache_open(struct cache **ret_cache, const struct port_config *config, char ret_message[512]);
void cache_free(struct cache *cache);

/* Whether calls wait for another process, and so are none for an event loop. */
bool cache_blocks(const struct cache *cache);

/* 1 and a copy in the arena, or 0. */
int cache_get(struct cache *cache, struct str key, struct arena *arena, struct str *ret_value);

/* Replaces. A value over the limits is not kept, which is no error: it is a cache. */
int cache_put(struct cache *cache, struct str key, struct str value, int64_t ttl_ms);
int cache_delete(struct cache *cache, struct str key);

/* Adds to a counter, which starts at 0 and lives for ttl_ms from its first increment. ret_value may be NULL. */
int cache_increment(struct cache *cache, struct str key, int64_t delta, int64_t ttl_ms, int64_t *ret_value);

/* Whether one more request under this key is within `rate` a period of `period_ms`, with bursts of at most `burst`. 0,
 * or ERR_RATE_LIMITED and *ret_retry_after_ms (may be NULL) until it would be. The generic cell rate algorithm (ITU-T
 * I.371): one number a key, the theoretical arrival time. A refused request costs nothing. */
struct cache_rate {
    int64_t rate;
    int64_t period_ms;
    int64_t burst;
};
int cache_rate_limit(struct cache *cache, struct str key, const struct cache_rate *rate, int64_t *ret_retry_after_ms);

/* ERR_CONFLICT: somebody holds it. ERR_UNAVAILABLE: nobody can tell, or there is no room. The token grows with each
 * lock taken, also when an engine has lost the last one. */
int cache_lock(struct cache *cache, struct str key, int64_t ttl_ms, int64_t *ret_token);

/* ERR_STALE: the time was up, or another holds it. */
int cache_unlock(struct cache *cache, struct str key, int64_t token);

/* A subscriber is called on the publisher's task (with an engine: on one of its own), must not block, and neither
 * subscribes nor unsubscribes in the call. When cache_unsubscribe has returned, it is not called any more. Messages
 * that are published while the engine is not there are lost. */
typedef void cache_subscriber(struct str channel, struct str message, void *argument);
int cache_subscribe(struct cache *cache, const char *channel, cache_subscriber *subscriber, void *argument,
                    struct cache_subscription **ret_subscription);
void cache_unsubscribe(struct cache *cache, struct cache_subscription *subscription);
int cache_publish(struct cache *cache, struct str channel, struct str message);

void cache_get_stats(struct cache *cache, struct cache_stats *ret_stats);
