/* The conformance suite of the stream port, on the sql adapter or where the variable has its address (the suite
 * tests/engines/redis sets it) on a Redis server, alone and behind the decorator. */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/redis/test_redis.h"
#include "platform/ports/sql/test_database.h"
#include "platform/ports/stream/migrations/migrations.h"
#include "platform/ports/stream/stream_adapter.h"
#include "platform/ports/stream/stream_faulty.h"
#include "platform/ports/test_fault.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LONG_MS 3600000
#define LENGTH_MAX 5
#define WAIT_MAX_NS (20 * CLOCK_NS_PER_S)

static bool is_decorated; /* the suite runs once without the decorator, and once behind it */

struct fixture {
    struct fault_plan *faults; /* NULL without the decorator */
    struct test_database database;
    struct stream *stream;
    struct arena *arena;
    struct stream_entry *entries;
    size_t count;
};

static int open_stream(struct fixture *f)
{
    const struct port_config redis = {.url = test_redis_url(), .db = f->database.db, .service = "test"};
    if (!redis.url)
        return stream_sql_new(&f->stream, f->database.db, LENGTH_MAX);
    test_redis_forget();
    return stream_redis_new(&f->stream, &redis, LENGTH_MAX, f->database.message);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    TRY(test_database_open(&f->database, "stream", stream_migrations, stream_migration_count));
    f->arena = arena_new(1 << 20);
    f->faults = is_decorated ? fault_plan_new() : NULL;
    TRY(open_stream(f));
    TRY(stream_faulty_wrap(&f->stream, f->faults));
    return stream_create_group(f->stream, NULL, STR("s"), STR("g"));
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    stream_free(f->stream);
    fault_plan_free(f->faults);
    arena_free(f->arena);
    test_database_close(&f->database);
    free(f);
    return 0;
}

static int append(struct fixture *f, const char *payload)
{
    return stream_append(f->stream, NULL, STR("s"), str_from_cstr(payload), NULL);
}

static struct stream_read reader_of(const char *group, const char *consumer, size_t limit, int64_t idle_ms)
{
    return (struct stream_read){STR("s"), str_from_cstr(group), str_from_cstr(consumer), limit, idle_ms};
}

static size_t read_as(struct fixture *f, struct stream_read reader)
{
    assert_int_equal(stream_read(f->stream, &reader, f->arena, &f->entries, &f->count), 0);
    return f->count;
}

static void wait_for_claim(struct fixture *f, struct stream_read reader)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    while (read_as(f, reader) == 0)
        assert_true(clock_monotonic_ns() < deadline_ns);
}

/* Entries come in order, once a group, to one consumer of it; other groups see them too. */
static void test_stream__groups_share_and_repeat(void **state)
{
    struct fixture *f = *state;
    struct stream_read a = reader_of("g", "a", 2, LONG_MS), b = reader_of("g", "b", 10, LONG_MS);
    assert_int_equal(append(f, "one"), 0);
    assert_int_equal(append(f, "two"), 0);
    assert_int_equal(append(f, "three"), 0);
    assert_int_equal(read_as(f, a), 2);
    assert_true(str_equal_cstr(f->entries[0].payload, "one"));
    assert_int_equal(f->entries[1].id, 2);
    assert_int_equal(f->entries[1].deliveries, 1);
    assert_int_equal(read_as(f, b), 1);
    assert_true(str_equal_cstr(f->entries[0].payload, "three"));
    assert_int_equal(read_as(f, b), 0);
    assert_int_equal(stream_create_group(f->stream, NULL, STR("s"), STR("h")), 0);
    assert_int_equal(read_as(f, reader_of("h", "a", 10, LONG_MS)), 3);
    struct stream_stats stats;
    assert_int_equal(stream_get_stats(f->stream, STR("s"), STR("g"), &stats), 0);
    assert_int_equal(stats.pending, 3);
    assert_int_equal(stats.lag, 0);
    assert_int_equal(stats.length, 3);
}

static void test_stream__unknown_group_is_refused(void **state)
{
    struct fixture *f = *state;
    struct stream_read reader = reader_of("none", "a", 1, LONG_MS);
    assert_int_equal(stream_read(f->stream, &reader, f->arena, &f->entries, &f->count), ERR_NOT_FOUND);
}

/* What a dead consumer holds goes to the next reader; the dead one cannot acknowledge it any more. */
static void test_stream__idle_entries_are_claimed(void **state)
{
    struct fixture *f = *state;
    struct stream_read dead = reader_of("g", "dead", 1, LONG_MS), next = reader_of("g", "next", 10, 1);
    assert_int_equal(append(f, "one"), 0);
    assert_int_equal(read_as(f, dead), 1);
    wait_for_claim(f, next);
    assert_int_equal(f->entries[0].id, 1);
    assert_int_equal(f->entries[0].deliveries, 2);
    assert_true(str_equal_cstr(f->entries[0].payload, "one"));
    assert_int_equal(stream_ack(f->stream, NULL, &dead, 1), ERR_STALE);
    assert_int_equal(stream_ack(f->stream, NULL, &next, 1), 0);
    assert_int_equal(stream_ack(f->stream, NULL, &next, 1), ERR_STALE);
}

/* Full is refused until what is full of was acknowledged by all groups; then appending makes room by itself. */
static void test_stream__full_stream_pushes_back(void **state)
{
    struct fixture *f = *state;
    struct stream_read reader = reader_of("g", "a", 10, LONG_MS);
    for (int i = 0; i < LENGTH_MAX; i++)
        assert_int_equal(append(f, "x"), 0);
    assert_int_equal(append(f, "x"), ERR_RATE_LIMITED);
    assert_int_equal(read_as(f, reader), LENGTH_MAX);
    assert_int_equal(append(f, "x"), ERR_RATE_LIMITED); /* delivered is not done */
    assert_int_equal(stream_ack(f->stream, NULL, &reader, 2), 0);
    assert_int_equal(append(f, "x"), ERR_RATE_LIMITED); /* 1 is still pending */
    assert_int_equal(stream_ack(f->stream, NULL, &reader, 1), 0);
    assert_int_equal(append(f, "y"), 0);
    assert_int_equal(append(f, "y"), 0);
    assert_int_equal(append(f, "y"), ERR_RATE_LIMITED);
    assert_int_equal(read_as(f, reader), 2);
    assert_int_equal(f->entries[0].id, LENGTH_MAX + 1);
}

static void test_stream__trim_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct stream_read reader = reader_of("g", "a", 10, LONG_MS);
    size_t count = 9;
    for (int i = 0; i < 4; i++)
        assert_int_equal(append(f, "x"), 0);
    assert_int_equal(stream_trim(f->stream, NULL, STR("s"), 10, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(read_as(f, reader), 4);
    for (int64_t id = 1; id <= 4; id++)
        assert_int_equal(stream_ack(f->stream, NULL, &reader, id), 0);
    assert_int_equal(stream_trim(f->stream, NULL, STR("s"), 3, &count), 0);
    assert_int_equal(count, 3);
    assert_int_equal(stream_trim(f->stream, NULL, STR("s"), 3, &count), 0);
    assert_int_equal(count, 1);
    struct stream_stats stats;
    assert_int_equal(stream_get_stats(f->stream, STR("s"), STR("g"), &stats), 0);
    assert_int_equal(stats.length, 0);
    assert_int_equal(stats.last_id, 4);
}

static int append_and_fail(struct sql_tx *tx, void *argument)
{
    struct fixture *f = argument;
    assert_int_equal(stream_append(f->stream, tx, STR("s"), STR("x"), NULL), 0);
    return ERR_DECLINED;
}

static void test_stream__append_joins_the_transaction(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sql_write(f->database.db, append_and_fail, f), ERR_DECLINED);
    assert_int_equal(read_as(f, reader_of("g", "a", 1, LONG_MS)), 0);
    int64_t id = 0;
    assert_int_equal(stream_append(f->stream, NULL, STR("s"), STR("x"), &id), 0);
    assert_int_equal(id, 1);
}

static int append_in(struct sql_tx *tx, void *argument)
{
    struct fixture *f = argument;
    return stream_append(f->stream, tx, STR("s"), STR("x"), NULL);
}

struct acknowledging {
    struct stream *stream;
    const struct stream_read *reader;
    int64_t id;
    int result; /* of the closure, after it has acknowledged */
};

static int ack_in(struct sql_tx *tx, void *argument)
{
    const struct acknowledging *acknowledging = argument;
    TRY(stream_ack(acknowledging->stream, tx, acknowledging->reader, acknowledging->id));
    return acknowledging->result;
}

/* An acknowledgement that is rolled back is none; one that commits is the only one, whoever has the entry besides. */
static void test_stream__ack_joins_the_transaction(void **state)
{
    struct fixture *f = *state;
    struct stream_read slow = reader_of("g", "slow", 10, LONG_MS), next = reader_of("g", "next", 10, 1);
    struct acknowledging by_slow = {f->stream, &slow, 1, ERR_DECLINED}, by_next = {f->stream, &next, 1, 0};
    assert_int_equal(sql_write(f->database.db, append_in, f), 0);
    assert_int_equal(read_as(f, slow), 1);
    assert_int_equal(f->entries[0].id, 1);
    assert_int_equal(sql_write(f->database.db, ack_in, &by_slow), ERR_DECLINED);
    wait_for_claim(f, next);
    assert_int_equal(f->entries[0].id, 1);
    by_slow.result = 0;
    assert_int_equal(sql_write(f->database.db, ack_in, &by_slow), ERR_STALE);
    assert_int_equal(sql_write(f->database.db, ack_in, &by_next), 0);
    assert_int_equal(sql_write(f->database.db, ack_in, &by_next), ERR_STALE);
    assert_int_equal(read_as(f, next), 0);
    struct stream_stats stats;
    assert_int_equal(stream_get_stats(f->stream, STR("s"), STR("g"), &stats), 0);
    assert_int_equal(stats.pending, 0);
    assert_int_equal(sql_write(f->database.db, ack_in, &by_next), ERR_STALE);
}

static int append_faulty(struct fixture *f, enum fault_kind kind)
{
    test_fault_next(f->faults, FAULT_STREAM, "append", kind);
    return append(f, "a");
}

static int64_t length(struct fixture *f)
{
    struct stream_stats stats;
    assert_int_equal(stream_get_stats(f->stream, STR("s"), STR("g"), &stats), 0);
    return stats.length;
}

static void test_stream_faulty__does_what_the_plan_says(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(append_faulty(f, FAULT_FAIL), ERR_UNAVAILABLE);
    assert_int_equal(length(f), 0);
    assert_int_equal(append_faulty(f, FAULT_FAIL_AFTER), ERR_DEADLINE);
    assert_int_equal(length(f), 1);
    assert_int_equal(append_faulty(f, FAULT_REPEAT), 0);
    assert_int_equal(length(f), 3);
    int64_t started_ns = clock_monotonic_ns();
    assert_int_equal(append_faulty(f, FAULT_DELAY), 0);
    assert_true(test_fault_was_late(started_ns));
    /* What was given out and not heard of is claimed when it was idle long enough. */
    const struct stream_read read = reader_of("g", "a", 10, 1);
    test_fault_next(f->faults, FAULT_STREAM, "read", FAULT_FAIL_AFTER);
    assert_int_equal(stream_read(f->stream, &read, f->arena, &f->entries, &f->count), ERR_DEADLINE);
    int64_t until_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    while (read_as(f, read) == 0 && clock_monotonic_ns() < until_ns)
        ;
    assert_int_equal(f->count, 4);
    assert_int_equal(f->entries[0].deliveries, 2);
    test_fault_next(f->faults, FAULT_STREAM, "ack", FAULT_REPEAT);
    assert_int_equal(stream_ack(f->stream, NULL, &read, f->entries[0].id), ERR_STALE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stream__groups_share_and_repeat),   TEST(test_stream__unknown_group_is_refused),
        TEST(test_stream__idle_entries_are_claimed),  TEST(test_stream__full_stream_pushes_back),
        TEST(test_stream__trim_is_bounded),           TEST(test_stream__append_joins_the_transaction),
        TEST(test_stream__ack_joins_the_transaction),
    };
    const struct CMUnitTest faulty_tests[] = {TEST(test_stream_faulty__does_what_the_plan_says)};
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    is_decorated = true;
    failed += cmocka_run_group_tests_name("decorated, without faults", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("faulty", faulty_tests, NULL, NULL);
}
