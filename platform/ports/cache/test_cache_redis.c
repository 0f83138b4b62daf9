/* What only the Redis adapter of the cache port has: a server that is killed, stopped, behind a bad wire, full, without
 * its data, or not ours. It may make the shop slower, never wrong.
 *
 * Run by the suite tests/engines/redis, which starts the server again, empty, whenever this kills it. */
#include "platform/base/task.h"
#include "platform/ports/cache/cache_adapter.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"
#include "platform/ports/redis/test_redis.h"
#include "platform/ports/redis/test_redis_proxy.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include <cmocka.h>

#define LONG_MS 3600000
#define WAIT_MAX_NS (60 * CLOCK_NS_PER_S)
#define ARENA_BYTES ((size_t)8 << 20)
/* More than the adapter gives a server by itself, and the rest, for a machine with much to do. */
#define ANSWER_MS 800
#define TOLD_MAX_MS 5000
#define URL_BYTES 300

static const struct cache_rate three_an_hour = {.rate = 3, .period_ms = LONG_MS, .burst = 3};

struct fixture {
    struct cache *cache;
    struct arena *arena;
    struct test_proxy proxy;
    bool has_proxy;
    char message[512];
};

static void open_cache(const char *url, struct cache **ret_cache)
{
    char message[512] = "";
    if (cache_redis_new(ret_cache, &(struct port_config){.url = url}, ANSWER_MS, message) != 0)
        fail_msg("%s", message);
}

static struct fixture *make_fixture(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->arena = arena_new(ARENA_BYTES);
    test_redis_forget();
    return f;
}

static int set_up(void **state)
{
    struct fixture *f = make_fixture();
    *state = f;
    open_cache(test_redis_url(), &f->cache);
    return 0;
}

static int set_up_behind_proxy(void **state)
{
    struct fixture *f = make_fixture();
    char url[URL_BYTES];
    *state = f;
    f->has_proxy = true;
    test_proxy_start(&f->proxy, test_redis_url(), url, sizeof(url));
    open_cache(url, &f->cache);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    cache_free(f->cache);
    if (f->has_proxy)
        test_proxy_stop(&f->proxy);
    arena_free(f->arena);
    free(f);
    return 0;
}

static int put(struct fixture *f, const char *key, const char *value)
{
    return cache_put(f->cache, str_from_cstr(key), str_from_cstr(value), LONG_MS);
}

/* 1 and the right value, or 0. */
static int get(struct fixture *f, const char *key, const char *expected)
{
    struct str value;
    arena_reset(f->arena);
    int found = cache_get(f->cache, str_from_cstr(key), f->arena, &value);
    assert_true(found >= 0);
    if (found)
        assert_true(str_equal_cstr(value, expected));
    return found;
}

static void wait_until_put(struct fixture *f)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    while (put(f, "back", "again") != 0)
        assert_true(clock_monotonic_ns() < deadline_ns);
}

/* -- Gone, slow, silent ------------------------------------------------------------------------------------------- */

static pid_t server_pid(void)
{
    char info[16384];
    test_redis_ask((struct str[]){STR("INFO"), STR("server")}, 2, info, sizeof(info));
    return (pid_t)atol(strstr(info, "process_id:") + strlen("process_id:"));
}

/* Whatever is wrong with the server: each call says so, soon, and the many behind it at once. */
static void expect_gone(struct fixture *f)
{
    int64_t token = 0, value = 0, started_ns = clock_monotonic_ns();
    assert_int_equal(get(f, "kept", "one"), 0);
    assert_int_equal(put(f, "kept", "two"), ERR_UNAVAILABLE);
    assert_int_equal(cache_delete(f->cache, STR("kept")), ERR_UNAVAILABLE);
    assert_int_equal(cache_lock(f->cache, STR("free"), LONG_MS, &token), ERR_UNAVAILABLE);
    assert_int_equal(cache_increment(f->cache, STR("n"), 1, LONG_MS, &value), ERR_UNAVAILABLE);
    for (int i = 0; i < 1000; i++)
        (void)get(f, "kept", "one");
    assert_true(clock_monotonic_ns() - started_ns < TOLD_MAX_MS * CLOCK_NS_PER_MS);
}

static void test_cache_redis__a_stopped_server_is_a_miss(void **state)
{
    struct fixture *f = *state;
    pid_t pid = server_pid();
    assert_int_equal(put(f, "kept", "one"), 0);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    expect_gone(f);
    assert_int_equal(kill(pid, SIGCONT), 0);
    wait_until_put(f);
}

static void test_cache_redis__a_silent_network_is_a_miss(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f, "kept", "one"), 0);
    f->proxy.is_silent = true;
    expect_gone(f);
    f->proxy.is_silent = false;
    wait_until_put(f);
}

static void test_cache_redis__a_slow_network_is_slow(void **state)
{
    struct fixture *f = *state;
    f->proxy.delay_ms = 40;
    assert_int_equal(put(f, "kept", "one"), 0);
    assert_int_equal(get(f, "kept", "one"), 1);
}

/* Killed and empty: what is not there any more is a miss, scripts are sent whole again, counters begin anew. Nobody
 * gets past a limit meanwhile, and no token is given twice, nor a smaller one. */
static void test_cache_redis__a_killed_server_comes_back(void **state)
{
    struct fixture *f = *state;
    int64_t before = 0, after = 0, value = 0;
    assert_int_equal(put(f, "kept", "one"), 0);
    assert_int_equal(cache_increment(f->cache, STR("n"), 5, LONG_MS, NULL), 0);
    assert_int_equal(cache_lock(f->cache, STR("a"), LONG_MS, &before), 0);
    assert_int_equal(kill(server_pid(), SIGKILL), 0);
    wait_until_put(f);
    assert_int_equal(get(f, "kept", "one"), 0);
    assert_int_equal(cache_increment(f->cache, STR("n"), 1, LONG_MS, &value), 0);
    assert_int_equal(value, 1);
    assert_int_equal(cache_lock(f->cache, STR("a"), LONG_MS, &after), 0);
    assert_true(after > before);
    assert_int_equal(cache_unlock(f->cache, STR("a"), before), ERR_STALE);
}

static void test_cache_redis__limits_hold_without_the_server(void **state)
{
    struct fixture *f = *state;
    int64_t retry_ms = 0;
    int passed = 0;
    f->proxy.is_silent = true;
    for (int i = 0; i < 10; i++)
        passed += cache_rate_limit(f->cache, STR("guess"), &three_an_hour, &retry_ms) == 0;
    assert_int_equal(passed, 3);
    assert_true(retry_ms > 0);
}

/* -- No answer is another's --------------------------------------------------------------------------------------- */

#define ASKERS 8
#define CUTS 12
#define LARGE_DIGITS 70000 /* more than is gathered for one write */
#define LATE_MS 300        /* more than the adapter waits */
#define FOUND_EACH 200     /* between two cuts */

struct asker {
    struct cache *cache;
    int number;
    atomic_bool *is_over;
    atomic_long *found;
};

/* Its values say whose they are, and are of every length. */
static void ask_for_own(void *argument)
{
    struct asker *asker = argument;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    char key[32], expected[LARGE_DIGITS + 100];
    snprintf(key, sizeof(key), "own-%d", asker->number);
    for (size_t turn = 0; !*asker->is_over; turn++) {
        int length =
            snprintf(expected, sizeof(expected), "%d-%zu-%0*d", asker->number, turn, 1 + (int)(turn * 37 % 1500), 0);
        struct str value, whole = str_from(expected, (size_t)length);
        arena_reset(arena);
        if (cache_put(asker->cache, str_from_cstr(key), whole, LONG_MS) != 0)
            continue;
        if (cache_get(asker->cache, str_from_cstr(key), arena, &value) != 1)
            continue;
        assert_true(str_equal(value, whole));
        ++*asker->found;
    }
}

/* In the middle of an answer; or answers come when nobody waits for them any more. */
static void break_wire(struct test_proxy *proxy, bool is_cut)
{
    if (is_cut) {
        proxy->answer_bytes = 1 + (long long)random_below(20000);
        return;
    }
    proxy->is_silent = true;
    task_sleep_ms(LATE_MS);
    proxy->is_silent = false;
}

/* The wire breaks, again and again, under tasks that share the connections. */
static void test_cache_redis__no_answer_is_anothers(void **state)
{
    struct fixture *f = *state;
    atomic_bool is_over = false;
    struct asker askers[ASKERS];
    struct task *tasks[ASKERS];
    atomic_long found = 0;
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.cache = f->cache, .number = i, .is_over = &is_over, .found = &found};
        assert_int_equal(task_start(&tasks[i], "test-asker", ask_for_own, &askers[i]), 0);
    }
    for (int i = 0; i < CUTS; i++) {
        long before = found;
        while (found < before + FOUND_EACH) {
            task_sleep_ms(1);
            assert_true(clock_monotonic_ns() < deadline_ns);
        }
        break_wire(&f->proxy, i % 2 == 0);
    }
    is_over = true;
    for (int i = 0; i < ASKERS; i++)
        task_join(tasks[i]);
}

/* -- Full, forgetful ---------------------------------------------------------------------------------------------- */

static void set_memory(const char *bytes)
{
    test_redis_ask((struct str[]){STR("CONFIG"), STR("SET"), STR("maxmemory-policy"), STR("noeviction"),
                                  STR("maxmemory"), str_from_cstr(bytes)},
                   6, NULL, 0);
}

/* Full and not allowed to drop anything: what is there is found, the rest is as if it were gone. */
static void test_cache_redis__a_full_server_keeps_what_it_has(void **state)
{
    struct fixture *f = *state;
    int64_t token = 0;
    int passed = 0;
    assert_int_equal(put(f, "kept", "one"), 0);
    assert_int_equal(cache_lock(f->cache, STR("held"), LONG_MS, &token), 0);
    set_memory("1mb");
    assert_int_equal(put(f, "more", "two"), ERR_UNAVAILABLE);
    assert_int_equal(get(f, "kept", "one"), 1);
    assert_int_equal(cache_lock(f->cache, STR("free"), LONG_MS, &token), ERR_UNAVAILABLE);
    for (int i = 0; i < 10; i++)
        passed += cache_rate_limit(f->cache, STR("guess"), &three_an_hour, NULL) == 0;
    assert_int_equal(passed, 3);
    assert_int_equal(cache_unlock(f->cache, STR("held"), token), 0); /* what makes room goes on */
    assert_int_equal(cache_delete(f->cache, STR("kept")), 0);
    set_memory("0");
    assert_int_equal(put(f, "more", "two"), 0);
}

/* Data and scripts are gone, connections are not: so without the keeper's help. A process that has seen no token of the
 * others gets a greater one all the same. */
static void test_cache_redis__tokens_grow_over_a_loss(void **state)
{
    struct fixture *f = *state;
    struct cache *other;
    int64_t token, last = 0;
    open_cache(test_redis_url(), &other);
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 3; j++) {
            assert_int_equal(cache_lock(j % 2 ? other : f->cache, STR("a"), LONG_MS, &token), 0);
            assert_true(token > last);
            last = token;
            assert_int_equal(cache_unlock(f->cache, STR("a"), token), 0);
        }
        test_redis_forget();
        test_redis_ask((struct str[]){STR("SCRIPT"), STR("FLUSH")}, 2, NULL, 0);
    }
    cache_free(other);
}

/* A server whose clock was ahead when it wrote a rate limits nobody by that. */
static void test_cache_redis__a_clock_that_was_ahead_limits_nobody(void **state)
{
    struct fixture *f = *state;
    test_redis_ask((struct str[]){STR("SET"), STR("shopstream:r:guess"), STR("9000000000000000")}, 3, NULL, 0);
    assert_int_equal(cache_rate_limit(f->cache, STR("guess"), &three_an_hour, NULL), 0);
}

/* -- Several processes -------------------------------------------------------------------------------------------- */

static void test_cache_redis__processes_share_it(void **state)
{
    struct fixture *f = *state;
    struct cache *other;
    int64_t token = 0, value = 0;
    int passed = 0;
    open_cache(test_redis_url(), &other);
    assert_int_equal(put(f, "a", "one"), 0);
    assert_int_equal(cache_delete(other, STR("a")), 0);
    assert_int_equal(get(f, "a", ""), 0);
    assert_int_equal(cache_increment(other, STR("n"), 2, LONG_MS, NULL), 0);
    assert_int_equal(cache_increment(f->cache, STR("n"), 2, LONG_MS, &value), 0);
    assert_int_equal(value, 4);
    assert_int_equal(cache_lock(other, STR("l"), LONG_MS, &token), 0);
    assert_int_equal(cache_lock(f->cache, STR("l"), LONG_MS, &token), ERR_CONFLICT);
    for (int i = 0; i < 10; i++)
        passed += cache_rate_limit(i % 2 ? other : f->cache, STR("guess"), &three_an_hour, NULL) == 0;
    assert_int_equal(passed, 3);
    cache_free(other);
}

static void count_message(struct str channel, struct str message, void *argument)
{
    (void)channel, (void)message;
    ++*(atomic_int *)argument;
}

static void publish_until_heard(struct cache *from, const atomic_int *heard, int more_than)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    while (*heard <= more_than) {
        (void)cache_publish(from, STR("news"), STR("x"));
        task_sleep_ms(5);
        assert_true(clock_monotonic_ns() < deadline_ns);
    }
}

/* Who subscribed hears other processes, also after the server was killed and after the wire was cut. */
static void test_cache_redis__messages_come_through_again(void **state)
{
    struct fixture *f = *state;
    struct cache *other;
    struct cache_subscription *subscription;
    atomic_int heard = 0;
    open_cache(test_redis_url(), &other);
    assert_int_equal(cache_subscribe(f->cache, "news", count_message, &heard, &subscription), 0);
    assert_int_equal(cache_publish(other, STR("news"), STR("first")), 0);
    publish_until_heard(other, &heard, 1);
    assert_int_equal(kill(server_pid(), SIGKILL), 0);
    wait_until_put(f);
    publish_until_heard(other, &heard, heard);
    f->proxy.answer_bytes = 1;
    publish_until_heard(other, &heard, heard + 3);
    cache_unsubscribe(f->cache, subscription);
    cache_free(other);
}

/* -- Who we are, and who they are --------------------------------------------------------------------------------- */

static int try_open(const char *url, char ret_message[512])
{
    struct cache *cache = NULL;
    int result = cache_open(&cache, &(struct port_config){.url = url}, ret_message);
    if (result == 0)
        assert_int_equal(cache_put(cache, STR("opened"), STR("x"), LONG_MS), 0);
    cache_free(cache);
    return result;
}

static void test_cache_redis__a_wrong_password_is_not_told(void **state)
{
    struct fixture *f = *state;
    char url[URL_BYTES];
    snprintf(url, sizeof(url), "redis://:s3cret-guess@%s", strchr(test_redis_url(), '@') + 1);
    assert_int_equal(try_open(url, f->message), ERR_INVALID);
    assert_non_null(strstr(f->message, "SHOPSTREAM_CACHE_URL"));
    assert_non_null(strstr(f->message, "password is wrong"));
    assert_null(strstr(f->message, "s3cret"));
    snprintf(url, sizeof(url), "redis://%s", strchr(test_redis_url(), '@') + 1);
    assert_int_equal(try_open(url, f->message), ERR_INVALID);
    assert_non_null(strstr(f->message, "wants a password"));
}

/* It may come: what stands on it must not keep the shop from starting. */
static void test_cache_redis__a_server_that_is_not_there_is_no_error(void **state)
{
    struct fixture *f = *state;
    cache_free(f->cache);
    open_cache("redis://:s3cret@127.0.0.1:1", &f->cache);
    expect_gone(f);
}

static void test_cache_redis__tls_is_verified(void **state)
{
    struct fixture *f = *state;
    const char *folder = getenv("SHOPSTREAM_TEST_REDIS_CERTIFICATES"), *tls_url = getenv("SHOPSTREAM_TEST_REDIS_TLS");
    char url[2 * URL_BYTES];
    assert_true(folder && tls_url);
    snprintf(url, sizeof(url), "%s?ca_file=%s/ca.pem", tls_url, folder);
    if (try_open(url, f->message) != 0)
        fail_msg("%s", f->message);
    snprintf(url, sizeof(url), "%s?ca_file=%s/other.pem", tls_url, folder);
    assert_int_equal(try_open(url, f->message), ERR_INVALID);
    assert_non_null(strstr(f->message, "certificate"));
    /* The same server by another name than the certificate's. */
    snprintf(url, sizeof(url), "rediss://:x@localhost%s?ca_file=%s/ca.pem", strrchr(tls_url, ':'), folder);
    assert_int_equal(try_open(url, f->message), ERR_INVALID);
    assert_non_null(strstr(f->message, "mismatch"));
}

static int set_up_tls(void **state)
{
    struct fixture *f = make_fixture();
    char url[2 * URL_BYTES];
    *state = f;
    snprintf(url, sizeof(url), "%s?ca_file=%s/ca.pem", getenv("SHOPSTREAM_TEST_REDIS_TLS"),
             getenv("SHOPSTREAM_TEST_REDIS_CERTIFICATES"));
    open_cache(url, &f->cache);
    return 0;
}

/* Over TLS as without: values of many records, and two tasks on one connection of the messages. */
static void test_cache_redis__tls_carries_everything(void **state)
{
    struct fixture *f = *state;
    static char big[1 << 20];
    struct str value;
    struct cache_subscription *subscription, *more;
    atomic_int heard = 0;
    memset(big, 'x', sizeof(big));
    assert_int_equal(cache_put(f->cache, STR("big"), str_from(big, sizeof(big)), LONG_MS), 0);
    assert_int_equal(cache_get(f->cache, STR("big"), f->arena, &value), 1);
    assert_true(str_equal(value, str_from(big, sizeof(big))));
    assert_int_equal(cache_subscribe(f->cache, "news", count_message, &heard, &subscription), 0);
    for (int i = 0; i < 50; i++) {
        char channel[16];
        snprintf(channel, sizeof(channel), "other-%d", i);
        assert_int_equal(cache_publish(f->cache, STR("news"), STR("x")), 0);
        assert_int_equal(cache_subscribe(f->cache, channel, count_message, &heard, &more), 0);
        cache_unsubscribe(f->cache, more);
    }
    publish_until_heard(f->cache, &heard, 50);
    cache_unsubscribe(f->cache, subscription);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_BEHIND_PROXY(name) cmocka_unit_test_setup_teardown(name, set_up_behind_proxy, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_cache_redis__a_stopped_server_is_a_miss),
        TEST_BEHIND_PROXY(test_cache_redis__a_silent_network_is_a_miss),
        TEST_BEHIND_PROXY(test_cache_redis__a_slow_network_is_slow),
        TEST(test_cache_redis__a_killed_server_comes_back),
        TEST_BEHIND_PROXY(test_cache_redis__limits_hold_without_the_server),
        TEST_BEHIND_PROXY(test_cache_redis__no_answer_is_anothers),
        TEST(test_cache_redis__a_full_server_keeps_what_it_has),
        TEST(test_cache_redis__tokens_grow_over_a_loss),
        TEST(test_cache_redis__a_clock_that_was_ahead_limits_nobody),
        TEST(test_cache_redis__processes_share_it),
        TEST_BEHIND_PROXY(test_cache_redis__messages_come_through_again),
        TEST(test_cache_redis__a_wrong_password_is_not_told),
        TEST(test_cache_redis__a_server_that_is_not_there_is_no_error),
        TEST(test_cache_redis__tls_is_verified),
        cmocka_unit_test_setup_teardown(test_cache_redis__tls_carries_everything, set_up_tls, tear_down),
    };
    return cmocka_run_group_tests_name("cache on Redis", tests, NULL, NULL);
}
