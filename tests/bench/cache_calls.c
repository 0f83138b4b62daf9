/* What a call of the cache port costs: CPU of this process and of the engine, in microseconds a call, and how long one
 * takes, by so many tasks at once. The more there are, the more calls share a write and a read.
 *
 *   cache_calls URL [SECONDS]        URL as in SHOPSTREAM_CACHE_URL: memory:, redis://127.0.0.1:16379
 */
#include "platform/base/arena.h"
#include "platform/base/task.h"
#include "platform/ports/cache/cache.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/redis/redis_client.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define TASKS_MAX 64
#define ARENA_BYTES ((size_t)64 << 10)
#define VALUE_BYTES 200
#define TTL_MS 60000

typedef int call_fn(struct cache *cache, struct arena *arena, struct str key);

struct caller {
    struct cache *cache;
    call_fn *call;
    unsigned number;
    atomic_bool *is_over;
    unsigned long calls, failures;
};

static int call_get(struct cache *cache, struct arena *arena, struct str key)
{
    struct str value;
    int found = cache_get(cache, key, arena, &value);
    return found == 1 ? 0 : ERR_NOT_FOUND;
}

static int call_put(struct cache *cache, struct arena *arena, struct str key)
{
    static const char value[VALUE_BYTES] = "x";
    (void)arena;
    return cache_put(cache, key, str_from(value, sizeof(value)), TTL_MS);
}

static int call_rate_limit(struct cache *cache, struct arena *arena, struct str key)
{
    const struct cache_rate rate = {.rate = 100000000, .period_ms = 1000, .burst = 100000000};
    (void)arena;
    return cache_rate_limit(cache, key, &rate, NULL);
}

static void call_until_over(void *argument)
{
    struct caller *caller = argument;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    char key[32];
    snprintf(key, sizeof(key), "bench-%u", caller->number);
    for (; !*caller->is_over; caller->calls++) {
        arena_reset(arena);
        caller->failures += caller->call(caller->cache, arena, str_from_cstr(key)) != 0;
    }
}

/* CPU seconds of the engine so far; 0 for one that has none. */
static double engine_cpu_s(struct redis_client *client)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    const struct str words[] = {STR("INFO"), STR("cpu")};
    struct redis_reply *reply;
    double seconds = 0;
    if (!client || redis_client_ask(client, arena, &(struct redis_command){.words = words, .word_count = 2}, &reply))
        return 0;
    for (const char *const *name = (const char *const[]){"used_cpu_sys:", "used_cpu_user:", NULL}; *name; name++) {
        ptrdiff_t at = str_find(reply->text, str_from_cstr(*name));
        seconds += at < 0 ? 0 : strtod(reply->text.ptr + at + strlen(*name), NULL);
    }
    return seconds;
}

static void measure(struct cache *cache, struct redis_client *client, const char *name, call_fn *call, unsigned tasks,
                    int64_t duration_ms)
{
    struct caller callers[TASKS_MAX];
    struct task *started[TASKS_MAX];
    atomic_bool is_over = false;
    unsigned long calls = 0, failures = 0;
    double engine_s = engine_cpu_s(client);
    int64_t cpu_ns = clock_cpu_ns(), begin_ns = clock_monotonic_ns();
    for (unsigned i = 0; i < tasks; i++) {
        callers[i] = (struct caller){cache, call, i, &is_over, 0, 0};
        ASSERT(task_start(&started[i], "bench", call_until_over, &callers[i]) == 0);
    }
    task_sleep_ms(duration_ms);
    is_over = true;
    for (unsigned i = 0; i < tasks; i++) {
        task_join(started[i]);
        calls += callers[i].calls;
        failures += callers[i].failures;
    }
    double own_us = (double)(clock_cpu_ns() - cpu_ns) / 1000,
           passed_us = (double)(clock_monotonic_ns() - begin_ns) / 1000;
    engine_s = engine_cpu_s(client) - engine_s;
    printf("%-11s %5u %12.0f %12.1f %12.1f %12.1f\n", name, tasks, (double)calls * 1e6 / passed_us,
           passed_us * tasks / (double)calls, own_us / (double)calls, engine_s * 1e6 / (double)calls);
    if (failures)
        printf("%lu of them failed\n", failures);
}

int main(int argc, char **argv)
{
    static const unsigned tasks[] = {1, 8, 64};
    char message[512] = "";
    struct cache *cache = NULL;
    struct redis_client *client = NULL;
    int64_t duration_ms = argc > 2 ? atoi(argv[2]) * CLOCK_MS_PER_S : 2 * CLOCK_MS_PER_S;
    const struct redis_client_config config = {.port = PORT_CACHE, .url = argv[1], .answer_ms = 1000};
    if (argc < 2 || cache_open(&cache, &(struct port_config){.url = argv[1]}, message) != 0 ||
        (redis_address_is_meant(argv[1]) && redis_client_open(&client, &config, message) != 0)) {
        fprintf(stderr, "cache_calls URL [SECONDS]: %s\n", message);
        return 1;
    }
    printf("%-11s %5s %12s %12s %12s %12s\n", "call", "tasks", "calls/s", "us a call", "CPU us here", "CPU us there");
    for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++) {
        measure(cache, client, "put", call_put, tasks[i], duration_ms);
        measure(cache, client, "get", call_get, tasks[i], duration_ms);
        measure(cache, client, "rate_limit", call_rate_limit, tasks[i], duration_ms);
    }
    redis_client_free(client);
    cache_free(cache);
    return 0;
}
