/* An entry that was claimed by a wall clock that was ahead, by somebody who is gone: it is given out again when the
 * clock is right. */
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
    simulator_step_wall_clock(HOUR_MS);
    assert_int_equal(read_as("gone"), 1);
    assert_int_equal(read_as("other"), 0);
    simulator_step_wall_clock(-HOUR_MS);
    assert_int_equal(read_as("other"), 1);
    /* A clock that went back a little changes nothing for who works. */
    simulator_step_wall_clock(-1000);
    assert_int_equal(read_as("third"), 0);
    stream_free(stream);
    sql_close(db);
}

static void test_stream_clock__a_claim_by_a_clock_that_was_ahead_ends(void **state)
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
        cmocka_unit_test(test_stream_clock__a_claim_by_a_clock_that_was_ahead_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
