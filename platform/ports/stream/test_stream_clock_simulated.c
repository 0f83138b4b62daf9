/* Steps of the wall clock end no claim and keep none. One that was made by a steady clock that was ahead, before a boot
 * set it back, by somebody who is gone, is given out again. */
#include "platform/base/simulator.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/vfs_simulated.h"
#include "platform/ports/stream/migrations/migrations.h"
#include "platform/ports/stream/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HOUR_MS (INT64_C(3600) * 1000)
#define IDLE_MS 30000
#define ARENA_BYTES ((size_t)1 << 20)

static struct stream *stream;
static struct arena *arena;

static size_t read_as(const char *consumer)
{
    const struct stream_read read = {.stream = STR("work"),
                                     .group = STR("group"),
                                     .consumer = str_from_cstr(consumer),
                                     .limit = 10,
                                     .idle_ms = IDLE_MS};
    struct stream_entry *entries;
    size_t count = 0;
    assert_int_equal(stream_read(stream, &read, arena, &entries, &count), 0);
    return count;
}

static void run_process(void *argument, unsigned incarnation)
{
    char message[512];
    struct sql_db *db;
    int64_t id;
    (void)argument, (void)incarnation;
    assert_int_equal(
        sql_open(&db, &(struct sql_config){.url = "sqlite:stream.db?vfs=stream_disk", .reader_count = 1}, message), 0);
    assert_int_equal(sql_migrate(db, "stream", stream_migrations, stream_migration_count, message), 0);
    assert_int_equal(stream_open(&stream, &(struct port_config){.url = "sql:", .db = db}, message), 0);
    assert_int_equal(stream_create_group(stream, NULL, STR("work"), STR("group")), 0);
    assert_int_equal(stream_append(stream, NULL, STR("work"), STR("payload"), &id), 0);
    simulator_set_steady_ms(clock_steady_ms() + HOUR_MS);
    assert_int_equal(read_as("gone"), 1);
    assert_int_equal(read_as("other"), 0);
    simulator_step_wall_clock(HOUR_MS);
    assert_int_equal(read_as("other"), 0);
    simulator_step_wall_clock(-2 * HOUR_MS);
    assert_int_equal(read_as("other"), 0);
    simulator_set_steady_ms(clock_steady_ms() - HOUR_MS);
    assert_int_equal(read_as("other"), 1);
    /* One that went back a little changes nothing for who works. */
    simulator_set_steady_ms(clock_steady_ms() - 1000);
    assert_int_equal(read_as("third"), 0);
    simulator_skip_time(IDLE_MS * 2 * CLOCK_NS_PER_MS);
    assert_int_equal(read_as("third"), 1);
    stream_free(stream);
    sql_close(db);
}

static void test_stream_clock__a_claim_ends_by_the_time_that_passed(void **state)
{
    struct simulator_result result;
    (void)state;
    arena = arena_new(ARENA_BYTES);
    simulated_disk_configure_sqlite();
    assert_non_null(simulated_disk_new("stream_disk"));
    simulator_run(1, &(struct simulator_options){0}, run_process, NULL, &result);
    assert_int_equal(result.end, SIMULATOR_FINISHED);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_clock__a_claim_ends_by_the_time_that_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
