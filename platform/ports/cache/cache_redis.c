/* The cache port on a Redis server, shared by all processes that have its address.
 *
 * A server that is gone makes the shop slower and never wrong: a get finds nothing, a lock is not given, a counter and
 * a put are told as ERR_UNAVAILABLE, and rates are limited by this process alone until it is back, so that nobody gets
 * past a limit by bringing the server down. Nothing waits longer than ANSWER_MS.
 *
 * What takes more than one command is a script. Times are the server's: those that end something are its expiry's, and
 * the rates' are read from its clock, of which a step back costs no more than a burst. */
#include "platform/ports/cache/cache_redis.h"

#include "platform/ports/clock/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define ANSWER_MS 250
#define SMALL_ARENA_BYTES ((size_t)64 << 10)
#define KEY_BYTES (CACHE_KEY_BYTES_MAX + 32)
#define NUMBER_BYTES 24
#define US_PER_MS 1000
#define TTL_MAX_MS (INT64_C(100) * 366 * 86400 * 1000)

/* KEYS: the counter. ARGV: what is added, for how long it lives. Lua's numbers are no 64-bit integers, so the value is
 * read as text; one that would overflow stays at its end. */
static const struct redis_script increment_script = {
    .key_count = 1,
    .text = "redis.call('SET', KEYS[1], 0, 'PX', ARGV[2], 'NX')\n"
            "local result = redis.pcall('INCRBY', KEYS[1], ARGV[1])\n"
            "if type(result) == 'table' and result.err then\n"
            "  if not string.find(result.err, 'overflow') then return result end\n"
            "  local last = string.sub(ARGV[1], 1, 1) == '-' and '-9223372036854775808' or '9223372036854775807'\n"
            "  redis.call('SET', KEYS[1], last, 'KEEPTTL')\n"
            "end\n"
            "return redis.call('GET', KEYS[1])\n",
};

/* KEYS: the rate. ARGV: interval in microseconds, burst. Returns 0, or how many microseconds are to be waited. A time
 * of arrival that no burst could have made is of a clock that was ahead, and counts for nothing. */
static const struct redis_script rate_script = {
    .key_count = 1,
    .text = "local time = redis.call('TIME')\n"
            "local now = time[1] * 1000000 + time[2]\n"
            "local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])\n"
            "local arrival = tonumber(redis.call('GET', KEYS[1]) or now)\n"
            "if arrival < now or arrival > now + interval * (burst + 1) then arrival = now end\n"
            "local early = arrival - now - interval * (burst - 1)\n"
            "if early > 0 then return math.ceil(early) end\n"
            "arrival = arrival + interval\n"
            "redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000))\n"
            "return 0\n",
};

/* KEYS: the lock, the last token. ARGV: for how long, a number below the token. The last token may be lost with all
 * else: so a token is at least the server's clock, in microseconds, and the caller's, and more than the greatest that
 * the caller has seen. It could only go back where the data is lost and both clocks stepped back meanwhile. */
static const struct redis_script lock_script = {
    .key_count = 2,
    .text = "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end\n"
            "local time = redis.call('TIME')\n"
            "local last = tonumber(redis.call('GET', KEYS[2]) or 0)\n"
            "local token = math.max(last, time[1] * 1000000 + time[2], tonumber(ARGV[2])) + 1\n"
            "local text = string.format('%.0f', token)\n"
            "redis.call('SET', KEYS[2], text)\n"
            "redis.call('SET', KEYS[1], text, 'PX', ARGV[1])\n"
            "return text\n",
};

/* KEYS: the lock. ARGV: the token. */
static const struct redis_script unlock_script = {
    .key_count = 1,
    .text = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\n"
            "return redis.call('DEL', KEYS[1])\n",
};

struct cache_redis {
    struct cache base;
    struct redis_client *client;
    struct cache *local; /* for rates while the server is gone */
    struct cache_channels *channels;
    atomic_uint_fast64_t hits, misses;
    atomic_int_fast64_t greatest_token; /* that this process has seen */
};

static struct cache_redis *redis_of(struct cache *cache)
{
    return (struct cache_redis *)(void *)cache;
}

/* -- Words -------------------------------------------------------------------------------------------------------- */

struct key {
    char bytes[KEY_BYTES];
};

/* What kind of thing has the key is in front of it. */
static struct str key_of(const char *kind, struct str name, struct key *key)
{
    int length = snprintf(key->bytes, sizeof(key->bytes), CACHE_REDIS_PREFIX "%s:", kind);
    memcpy(key->bytes + length, name.ptr, name.len);
    return str_from(key->bytes, (size_t)length + name.len);
}

struct number {
    char text[NUMBER_BYTES];
};

static struct str number_of(int64_t value, struct number *number)
{
    int length = snprintf(number->text, sizeof(number->text), "%lld", (long long)value);
    return str_from(number->text, (size_t)length);
}

static struct str ttl_of(int64_t ttl_ms, struct number *number)
{
    return number_of(ttl_ms < TTL_MAX_MS ? ttl_ms : TTL_MAX_MS, number);
}

/* Full is what a cache may be. */
static int as_gone(int error)
{
    return error == ERR_STORAGE_FULL ? ERR_UNAVAILABLE : error;
}

/* The answer's number. */
static int ask_number(struct cache_redis *cache, const struct redis_command *command, int64_t *ret_value)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(SMALL_ARENA_BYTES);
    struct redis_reply *reply = NULL;
    if (!arena)
        return ERR_NO_MEMORY;
    TRY(as_gone(redis_client_ask(cache->client, arena, command, &reply)));
    return redis_reply_to_int64(reply, ret_value);
}

/* -- Values ------------------------------------------------------------------------------------------------------- */

static int redis_get(struct cache *base, struct str name, struct arena *arena, struct str *ret_value)
{
    struct cache_redis *cache = redis_of(base);
    struct key key;
    struct redis_reply *reply = NULL;
    const struct str words[] = {STR("GET"), key_of("v", name, &key)};
    const struct redis_command command = {.words = words, .word_count = 2};
    int result = redis_client_ask(cache->client, arena, &command, &reply);
    if (result == ERR_NO_MEMORY)
        return result;
    bool is_found = result == 0 && reply->kind == REDIS_TEXT;
    atomic_fetch_add_explicit(is_found ? &cache->hits : &cache->misses, 1, memory_order_relaxed);
    if (is_found)
        *ret_value = reply->text;
    return is_found;
}

static int run_plain(struct cache_redis *cache, const struct str *words, size_t count)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(SMALL_ARENA_BYTES);
    const struct redis_command command = {.words = words, .word_count = count};
    struct redis_reply *reply = NULL;
    return arena ? as_gone(redis_client_ask(cache->client, arena, &command, &reply)) : ERR_NO_MEMORY;
}

static int redis_put(struct cache *base, struct str name, struct str value, int64_t ttl_ms)
{
    struct key key;
    struct number ttl;
    const struct str words[] = {STR("SET"), key_of("v", name, &key), value, STR("PX"), ttl_of(ttl_ms, &ttl)};
    return run_plain(redis_of(base), words, 5);
}

static int redis_delete(struct cache *base, struct str name)
{
    struct key key;
    const struct str words[] = {STR("UNLINK"), key_of("v", name, &key)};
    return run_plain(redis_of(base), words, 2);
}

/* -- Counters and rates ------------------------------------------------------------------------------------------- */

static int redis_increment(struct cache *base, struct str name, int64_t delta, int64_t ttl_ms, int64_t *ret_value)
{
    struct key key;
    struct number added, ttl;
    const struct str words[] = {key_of("c", name, &key), number_of(delta, &added), ttl_of(ttl_ms, &ttl)};
    const struct redis_command command = {.script = &increment_script, .words = words, .word_count = 3};
    int64_t value = 0;
    TRY(ask_number(redis_of(base), &command, &value));
    if (ret_value)
        *ret_value = value;
    return 0;
}

static int redis_rate_limit(struct cache *base, struct str name, const struct cache_rate *rate,
                            int64_t *ret_retry_after_ms)
{
    struct cache_redis *cache = redis_of(base);
    struct key key;
    struct number interval, burst;
    int64_t interval_us = rate->period_ms * US_PER_MS / rate->rate, early_us = 0;
    const struct str words[] = {key_of("r", name, &key), number_of(interval_us > 0 ? interval_us : 1, &interval),
                                number_of(rate->burst, &burst)};
    const struct redis_command command = {.script = &rate_script, .words = words, .word_count = 3};
    int result = ask_number(cache, &command, &early_us);
    if (result == ERR_UNAVAILABLE)
        return cache_rate_limit(cache->local, name, rate, ret_retry_after_ms);
    if (result < 0 || early_us == 0)
        return result;
    if (ret_retry_after_ms)
        *ret_retry_after_ms = (early_us + US_PER_MS - 1) / US_PER_MS;
    return ERR_RATE_LIMITED;
}

/* -- Locks -------------------------------------------------------------------------------------------------------- */

static int64_t token_floor(const struct cache_redis *cache)
{
    int64_t seen = atomic_load(&cache->greatest_token), now_us = clock_latest_ms() * US_PER_MS;
    return seen > now_us ? seen : now_us;
}

static void note_token(struct cache_redis *cache, int64_t token)
{
    int_fast64_t seen = atomic_load(&cache->greatest_token);
    while (token > seen && !atomic_compare_exchange_weak(&cache->greatest_token, &seen, token))
        ;
}

static int redis_lock(struct cache *base, struct str name, int64_t ttl_ms, int64_t *ret_token)
{
    struct cache_redis *cache = redis_of(base);
    struct key key;
    struct number ttl, floor;
    int64_t token = 0;
    const struct str words[] = {key_of("l", name, &key), STR(CACHE_REDIS_PREFIX "token"), ttl_of(ttl_ms, &ttl),
                                number_of(token_floor(cache), &floor)};
    const struct redis_command command = {.script = &lock_script, .words = words, .word_count = 4};
    TRY(ask_number(cache, &command, &token));
    if (token == 0)
        return ERR_CONFLICT;
    note_token(cache, token);
    *ret_token = token;
    return 0;
}

static int redis_unlock(struct cache *base, struct str name, int64_t token)
{
    struct key key;
    struct number text;
    int64_t is_deleted = 0;
    const struct str words[] = {key_of("l", name, &key), number_of(token, &text)};
    const struct redis_command command = {.script = &unlock_script, .words = words, .word_count = 2};
    TRY(ask_number(redis_of(base), &command, &is_deleted));
    return is_deleted ? 0 : ERR_STALE;
}

/* -- Messages ----------------------------------------------------------------------------------------------------- */

static int redis_subscribe(struct cache *base, const char *channel, cache_subscriber *subscriber, void *argument,
                           struct cache_subscription **ret_subscription)
{
    return cache_channels_subscribe(redis_of(base)->channels, channel, subscriber, argument, ret_subscription);
}

static void redis_unsubscribe(struct cache *base, struct cache_subscription *subscription)
{
    cache_channels_unsubscribe(redis_of(base)->channels, subscription);
}

static int redis_publish(struct cache *base, struct str channel, struct str message)
{
    struct cache_redis *cache = redis_of(base);
    char name[CACHE_CHANNEL_BYTES];
    if (channel.len > CACHE_KEY_BYTES_MAX)
        return ERR_TOO_LARGE;
    const struct str words[] = {STR("PUBLISH"), cache_channels_name(cache->channels, channel, name), message};
    return run_plain(cache, words, 3);
}

/* -- Life --------------------------------------------------------------------------------------------------------- */

/* "name:123" of what INFO says, each of whose lines has an end. */
static uint64_t find_number(struct str info, struct str name)
{
    ptrdiff_t start = str_find(info, name);
    return start < 0 ? 0 : strtoull(info.ptr + start + name.len, NULL, 10);
}

/* What is told of the server is of all that is on it. */
static void redis_get_stats(struct cache *base, struct cache_stats *ret_stats)
{
    struct cache_redis *cache = redis_of(base);
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(SMALL_ARENA_BYTES);
    const struct str words[] = {STR("INFO")};
    const struct redis_command command = {.words = words, .word_count = 1};
    struct redis_reply *reply = NULL;
    *ret_stats = (struct cache_stats){.hits = cache->hits, .misses = cache->misses};
    if (!arena || redis_client_ask(cache->client, arena, &command, &reply) < 0 || reply->kind != REDIS_TEXT)
        return;
    ret_stats->evictions = find_number(reply->text, STR("\nevicted_keys:"));
    ret_stats->bytes = find_number(reply->text, STR("\nused_memory:"));
}

static void redis_free(struct cache *base)
{
    struct cache_redis *cache = redis_of(base);
    cache_channels_free(cache->channels);
    redis_client_free(cache->client);
    cache_free(cache->local);
    free(cache);
}

static const struct cache_adapter redis_adapter = {
    .version = CACHE_ADAPTER_VERSION,
    .blocks = true,
    .free = redis_free,
    .get = redis_get,
    .put = redis_put,
    .delete = redis_delete,
    .increment = redis_increment,
    .rate_limit = redis_rate_limit,
    .lock = redis_lock,
    .unlock = redis_unlock,
    .subscribe = redis_subscribe,
    .unsubscribe = redis_unsubscribe,
    .publish = redis_publish,
    .get_stats = redis_get_stats,
};

static int open_all(struct cache_redis *cache, const struct port_config *config, int64_t answer_ms,
                    char ret_message[512])
{
    static const struct redis_script *const scripts[] = {&increment_script, &rate_script, &lock_script, &unlock_script,
                                                         NULL};
    const struct redis_client_config client = {
        .port = PORT_CACHE, .url = config->url, .answer_ms = answer_ms, .scripts = scripts};
    TRY(cache_memory_new(&cache->local, &(struct cache_memory_config){0}));
    TRY(redis_client_open(&cache->client, &client, ret_message));
    return cache_channels_new(&cache->channels, cache->client);
}

int cache_redis_new(struct cache **ret_cache, const struct port_config *config, int64_t answer_ms,
                    char ret_message[512])
{
    struct cache_redis *cache = calloc(1, sizeof(*cache));
    if (!cache)
        return ERR_NO_MEMORY;
    cache->base.adapter = &redis_adapter;
    int result = open_all(cache, config, answer_ms, ret_message);
    if (result < 0) {
        redis_free(&cache->base);
        return result;
    }
    *ret_cache = &cache->base;
    return 0;
}

int cache_redis_open(struct cache **ret_cache, const struct port_config *config, char ret_message[512])
{
    return cache_redis_new(ret_cache, config, ANSWER_MS, ret_message);
}
