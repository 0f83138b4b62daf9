/* The conformance suite of the cache port, on the adapter in memory or where the variable has its address (the suite
 * tests/engines/redis sets it) on a Redis server, alone and behind the decorator. */
#include "platform/base/task.h"
#include "platform/ports/cache/cache_adapter.h"
#include "platform/ports/cache/cache_faulty.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/redis/test_redis.h"
#include "platform/ports/test_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LONG_MS 3600000
#define WAIT_MAX_NS (20 * CLOCK_NS_PER_S)

static bool is_decorated; /* the suite runs once without the decorator, and once behind it */

struct fixture {
    struct fault_plan *faults; /* NULL without the decorator */
    struct cache *cache;
    struct arena *arena;
};

static int open_cache(struct cache **ret_cache)
{
    const struct cache_memory_config config = {
        .value_bytes_max = 64 << 10, .counter_bytes_max = 64 << 10, .lock_bytes_max = 16 << 10};
    const struct port_config redis = {.url = test_redis_url()};
    char message[512];
    if (!redis.url)
        return cache_memory_new(ret_cache, &config);
    test_redis_forget();
    return cache_redis_new(ret_cache, &redis, WAIT_MAX_NS / CLOCK_NS_PER_MS, message);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    f->arena = arena_new(4 << 20);
    f->faults = is_decorated ? fault_plan_new() : NULL;
    TRY(open_cache(&f->cache));
    return cache_faulty_wrap(&f->cache, f->faults);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    cache_free(f->cache);
    fault_plan_free(f->faults);
    arena_free(f->arena);
    free(f);
    return 0;
}

static void test_cache__put_get_delete(void **state)
{
    struct fixture *f = *state;
    struct str value;
    assert_int_equal(cache_get(f->cache, STR("a"), f->arena, &value), 0);
    assert_int_equal(cache_put(f->cache, STR("a"), STR("one"), LONG_MS), 0);
    assert_int_equal(cache_put(f->cache, STR("a"), STR("two"), LONG_MS), 0);
    assert_int_equal(cache_put(f->cache, STR("empty"), STR_EMPTY, LONG_MS), 0);
    assert_int_equal(cache_get(f->cache, STR("a"), f->arena, &value), 1);
    assert_true(str_equal_cstr(value, "two"));
    assert_int_equal(cache_get(f->cache, STR("empty"), f->arena, &value), 1);
    assert_int_equal(value.len, 0);
    assert_int_equal(cache_delete(f->cache, STR("a")), 0);
    assert_int_equal(cache_get(f->cache, STR("a"), f->arena, &value), 0);
}

#define MANY_KEYS 5000

/* Its tables grow with what is in them: each key is found, and none twice. */
static void test_cache__many_keys_are_all_found(void **state)
{
    struct fixture *f = *state;
    struct cache *cache = NULL;
    char key[16];
    struct str value;
    assert_int_equal(cache_memory_new(&cache, &(struct cache_memory_config){0}), 0);
    for (int i = 0; i < MANY_KEYS; i++) {
        snprintf(key, sizeof(key), "key-%hd", (short)i);
        assert_int_equal(cache_put(cache, str_from_cstr(key), str_from_cstr(key), LONG_MS), 0);
    }
    for (int i = 0; i < MANY_KEYS; i++) {
        snprintf(key, sizeof(key), "key-%hd", (short)i);
        arena_reset(f->arena);
        assert_int_equal(cache_get(cache, str_from_cstr(key), f->arena, &value), 1);
        assert_true(str_equal_cstr(value, key));
        assert_int_equal(cache_delete(cache, str_from_cstr(key)), 0);
        assert_int_equal(cache_get(cache, str_from_cstr(key), f->arena, &value), 0);
    }
    struct cache_stats stats;
    cache_get_stats(cache, &stats);
    assert_int_equal(stats.evictions, 0);
    assert_int_equal(stats.bytes, 0);
    cache_free(cache);
}

static void test_cache__values_expire(void **state)
{
    struct fixture *f = *state;
    struct str value;
    assert_int_equal(cache_put(f->cache, STR("a"), STR("one"), 1), 0);
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    while (cache_get(f->cache, STR("a"), f->arena, &value) == 1)
        assert_true(clock_monotonic_ns() < deadline_ns);
    assert_int_equal(cache_put(f->cache, STR("a"), STR("one"), LONG_MS), 0);
    assert_int_equal(cache_put(f->cache, STR("a"), STR("one"), 0), 0); /* no time: not kept */
    assert_int_equal(cache_get(f->cache, STR("a"), f->arena, &value), 0);
}

/* The bound holds, and what was used lately stays. */
static void test_cache__least_recently_used_goes_first(void **state)
{
    struct fixture *f = *state;
    struct str value;
    struct cache_stats stats;
    char bytes[200] = {0};
    assert_int_equal(cache_put(f->cache, STR("hot"), STR("x"), LONG_MS), 0);
    for (int i = 0; i < 2000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "cold-%d", i);
        assert_int_equal(cache_put(f->cache, str_from_cstr(key), str_from(bytes, sizeof(bytes)), LONG_MS), 0);
        assert_int_equal(cache_get(f->cache, STR("hot"), f->arena, &value), 1);
    }
    cache_get_stats(f->cache, &stats);
    assert_true(stats.bytes <= 64 << 10);
    assert_true(stats.evictions > 1000);
    assert_int_equal(cache_get(f->cache, STR("cold-0"), f->arena, &value), 0);
}

static void add_many(void *argument)
{
    for (int i = 0; i < 1000; i++)
        assert_int_equal(cache_increment(argument, STR("n"), 1, LONG_MS, NULL), 0);
}

static void test_cache__counters_are_atomic(void **state)
{
    struct fixture *f = *state;
    struct task *tasks[4];
    int64_t value = 0;
    for (int i = 0; i < 4; i++)
        assert_int_equal(task_start(&tasks[i], "test-add", add_many, f->cache), 0);
    for (int i = 0; i < 4; i++)
        task_join(tasks[i]);
    assert_int_equal(cache_increment(f->cache, STR("n"), -1, LONG_MS, &value), 0);
    assert_int_equal(value, 3999);
    assert_int_equal(cache_increment(f->cache, STR("n"), INT64_MIN, LONG_MS, &value), 0);
    assert_int_equal(cache_increment(f->cache, STR("n"), INT64_MIN, LONG_MS, &value), 0);
    assert_true(value == INT64_MIN);
}

/* A burst passes, the next is refused with the time to wait, and that much later it passes; other keys are apart. */
static void test_cache__rate_limit(void **state)
{
    struct fixture *f = *state;
    struct cache_rate rate = {.rate = 1, .period_ms = 60000, .burst = 3};
    int64_t retry_ms = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(cache_rate_limit(f->cache, STR("ip"), &rate, &retry_ms), 0);
    assert_int_equal(cache_rate_limit(f->cache, STR("ip"), &rate, &retry_ms), ERR_RATE_LIMITED);
    assert_true(retry_ms > 50000 && retry_ms <= 60000);
    assert_int_equal(cache_rate_limit(f->cache, STR("other"), &rate, NULL), 0);
    struct cache_rate fast = {.rate = 1000, .period_ms = 1000, .burst = 1};
    assert_int_equal(cache_rate_limit(f->cache, STR("fast"), &fast, NULL), 0);
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    while (cache_rate_limit(f->cache, STR("fast"), &fast, NULL) != 0)
        assert_true(clock_monotonic_ns() < deadline_ns);
}

static void test_cache__locks_have_growing_tokens(void **state)
{
    struct fixture *f = *state;
    int64_t first = 0, second = 0, third = 0;
    assert_int_equal(cache_lock(f->cache, STR("a"), LONG_MS, &first), 0);
    assert_int_equal(cache_lock(f->cache, STR("a"), LONG_MS, &second), ERR_CONFLICT);
    assert_int_equal(cache_unlock(f->cache, STR("a"), first + 1), ERR_STALE);
    assert_int_equal(cache_unlock(f->cache, STR("a"), first), 0);
    assert_int_equal(cache_lock(f->cache, STR("a"), 1, &second), 0);
    assert_true(second > first);
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    while (cache_lock(f->cache, STR("a"), LONG_MS, &third) != 0)
        assert_true(clock_monotonic_ns() < deadline_ns);
    assert_true(third > second);
    assert_int_equal(cache_unlock(f->cache, STR("a"), second), ERR_STALE);
}

/* Locks are refused when there is no room for more, never dropped. */
static void test_cache__locks_are_not_evicted(void **state)
{
    struct fixture *f = *state;
    int64_t token = 0;
    int error = 0;
    assert_int_equal(cache_lock(f->cache, STR("first"), LONG_MS, &token), 0);
    for (int i = 0; i < 10000 && !error; i++) {
        char key[16];
        snprintf(key, sizeof(key), "lock-%d", i);
        error = cache_lock(f->cache, str_from_cstr(key), LONG_MS, &token);
    }
    assert_int_equal(error, ERR_UNAVAILABLE);
    assert_int_equal(cache_lock(f->cache, STR("first"), LONG_MS, &token), ERR_CONFLICT);
}

static void collect(struct str channel, struct str message, void *argument)
{
    (void)channel;
    char *text = argument;
    size_t length = strlen(text);
    snprintf(text + length, 32 - length, "%.*s", STR_FORMAT(message));
}

/* An engine tells of it a moment later. */
static void wait_for_text(const volatile char *text, const char *expected)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    while (strcmp((const char *)text, expected) != 0)
        assert_true(clock_monotonic_ns() < deadline_ns);
}

static void test_cache__messages_reach_subscribers(void **state)
{
    struct fixture *f = *state;
    char a[32] = "", b[32] = "";
    struct cache_subscription *first, *second;
    assert_int_equal(cache_publish(f->cache, STR("c"), STR("0")), 0);
    assert_int_equal(cache_subscribe(f->cache, "c", collect, a, &first), 0);
    assert_int_equal(cache_subscribe(f->cache, "d", collect, b, &second), 0);
    assert_int_equal(cache_publish(f->cache, STR("c"), STR("1")), 0);
    assert_int_equal(cache_publish(f->cache, STR("d"), STR("2")), 0);
    wait_for_text(b, "2");
    cache_unsubscribe(f->cache, first);
    assert_int_equal(cache_publish(f->cache, STR("c"), STR("3")), 0);
    assert_int_equal(cache_publish(f->cache, STR("d"), STR("4")), 0);
    wait_for_text(b, "24");
    assert_string_equal(a, "1");
    cache_unsubscribe(f->cache, second);
}

static void hear(struct str channel, struct str message, void *argument)
{
    (void)channel;
    (void)message;
    ++*(atomic_int *)argument;
}

static void test_cache_faulty__does_what_the_plan_says(void **state)
{
    struct fixture *f = *state;
    struct cache_subscription *subscription = NULL;
    struct str value;
    int64_t number = 0;
    atomic_int heard = 0;
    test_fault_next(f->faults, FAULT_CACHE, "put", FAULT_FAIL);
    assert_int_equal(cache_put(f->cache, STR("a"), STR("1"), LONG_MS), ERR_UNAVAILABLE);
    assert_int_equal(cache_get(f->cache, STR("a"), f->arena, &value), 0);
    test_fault_next(f->faults, FAULT_CACHE, "lock", FAULT_FAIL_AFTER);
    assert_int_equal(cache_lock(f->cache, STR("a"), LONG_MS, &number), ERR_DEADLINE);
    assert_int_equal(cache_lock(f->cache, STR("a"), LONG_MS, &number), ERR_CONFLICT); /* nobody knows the token */
    test_fault_next(f->faults, FAULT_CACHE, "increment", FAULT_REPEAT);
    assert_int_equal(cache_increment(f->cache, STR("n"), 1, LONG_MS, &number), 0);
    assert_int_equal(number, 2);
    test_fault_next(f->faults, FAULT_CACHE, "get", FAULT_DELAY);
    int64_t started_ns = clock_monotonic_ns();
    assert_int_equal(cache_get(f->cache, STR("a"), f->arena, &value), 0);
    assert_true(test_fault_was_late(started_ns));
    test_fault_next(f->faults, FAULT_CACHE, "subscribe", FAULT_FAIL);
    assert_int_equal(cache_subscribe(f->cache, "c", hear, &heard, &subscription), ERR_UNAVAILABLE);
    assert_null(subscription);
    assert_int_equal(cache_subscribe(f->cache, "c", hear, &heard, &subscription), 0);
    test_fault_next(f->faults, FAULT_CACHE, "publish", FAULT_REPEAT);
    assert_int_equal(cache_publish(f->cache, STR("c"), STR("m")), 0);
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    while (heard < 2)
        assert_true(clock_monotonic_ns() < deadline_ns);
    assert_int_equal(heard, 2);
    cache_unsubscribe(f->cache, subscription);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cache__put_get_delete),
        TEST(test_cache__values_expire),
        TEST(test_cache__counters_are_atomic),
        TEST(test_cache__rate_limit),
        TEST(test_cache__locks_have_growing_tokens),
        TEST(test_cache__messages_reach_subscribers),
    };
    /* What the adapter in memory does with its own memory. */
    const struct CMUnitTest memory_tests[] = {
        TEST(test_cache__many_keys_are_all_found),
        TEST(test_cache__least_recently_used_goes_first),
        TEST(test_cache__locks_are_not_evicted),
    };
    const struct CMUnitTest faulty_tests[] = {TEST(test_cache_faulty__does_what_the_plan_says)};
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    if (!test_redis_url())
        failed += cmocka_run_group_tests_name("memory", memory_tests, NULL, NULL);
    is_decorated = true;
    failed += cmocka_run_group_tests_name("decorated, without faults", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("faulty", faulty_tests, NULL, NULL);
}
