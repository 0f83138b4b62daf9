/* Messages over a step of the wall clock: what is due stays due, what waits waits as long as it was meant to. And for
 * how long one is tried. */
#include "platform/base/simulator.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/queue/migrations/migrations.h"
#include "platform/ports/queue/queue.h"
#include "platform/ports/sql/vfs_simulated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HOUR_MS (INT64_C(3600) * 1000)
#define MINUTE_MS 60000
#define VISIBILITY_MS 60000
#define ARENA_BYTES ((size_t)1 << 20)

static size_t claim(struct work_queue *queue, struct arena *arena)
{
    const struct work_queue_claim wanted = {STR("mail"), 10, VISIBILITY_MS, .attempts_max = 3};
    struct work_queue_message *messages;
    size_t count;
    ASSERT(work_queue_claim(queue, &wanted, arena, &messages, &count) == 0);
    return count;
}

static struct work_queue *open_queue(struct sql_db **ret_db)
{
    char message[512];
    struct work_queue *queue;
    ASSERT(sql_open(ret_db, &(struct sql_config){.url = "sqlite:shop.db?vfs=clock_disk", .reader_count = 1}, message) ==
           0);
    ASSERT(sql_migrate(*ret_db, "queue", queue_migrations, queue_migration_count, message) == 0);
    ASSERT(work_queue_open(&queue, &(struct port_config){.url = "sql:", .db = *ret_db}, message) == 0);
    return queue;
}

static void step_and_claim(void *step_ms, unsigned incarnation)
{
    struct sql_db *db;
    struct work_queue *queue = open_queue(&db);
    struct arena *arena = arena_new(ARENA_BYTES);
    (void)incarnation;
    ASSERT(arena != NULL);
    ASSERT(work_queue_enqueue(queue, NULL, STR("mail"), STR("one"), 0) == 0);
    simulator_step_wall_clock(*(int64_t *)step_ms);
    ASSERT(claim(queue, arena) == 1); /* not hidden by a step back */
    simulator_step_wall_clock(-*(int64_t *)step_ms);
    ASSERT(claim(queue, arena) == 0); /* not given out again by a step ahead */
    task_sleep_ms(VISIBILITY_MS);
    ASSERT(claim(queue, arena) == 1);
    _exit(0);
}

static int write_ahead(struct sql_tx *tx, void *statement)
{
    return sql_exec(tx, statement, SQL_NO_ARGS, NULL);
}

/* Two messages as a process left them whose clock was a year ahead: one that nobody has had, one that was claimed. */
static void claim_from_the_future(void *argument, unsigned incarnation)
{
    static struct sql_statement ahead = {"test_write_ahead",
                                         "UPDATE queue_message SET visible_at_ms = visible_at_ms + 31536000000,"
                                         " enqueued_at_ms = enqueued_at_ms + 31536000000"};
    struct sql_db *db;
    struct work_queue *queue = open_queue(&db);
    struct arena *arena = arena_new(ARENA_BYTES);
    char message[512];
    (void)argument, (void)incarnation;
    ASSERT(arena != NULL);
    ASSERT(work_queue_enqueue(queue, NULL, STR("mail"), STR("one"), 0) == 0);
    ASSERT(claim(queue, arena) == 1);
    ASSERT(work_queue_enqueue(queue, NULL, STR("mail"), STR("two"), 0) == 0);
    ASSERT(sql_write(db, write_ahead, &ahead) == 0);
    work_queue_free(queue);
    /* The next start. */
    ASSERT(work_queue_open(&queue, &(struct port_config){.url = "sql:", .db = db}, message) == 0);
    ASSERT(claim(queue, arena) == 2);
    _exit(0);
}

static int64_t hours_until_dead(struct work_queue *queue, struct arena *arena)
{
    const struct work_queue_claim wanted = {STR("mail"), 1, VISIBILITY_MS, .attempts_max = QUEUE_ATTEMPTS_MAX};
    struct work_queue_message *messages;
    size_t count = 0;
    for (int64_t minute = 0; count == 0 && minute < 100 * 60; minute++) {
        arena_reset(arena);
        ASSERT(work_queue_claim(queue, &wanted, arena, &messages, &count) == 0);
        if (count)
            ASSERT(work_queue_fail(queue, NULL, messages, QUEUE_ATTEMPTS_MAX, STR("away")) == 0);
        task_sleep_ms(MINUTE_MS);
        ASSERT(work_queue_list_dead(queue, STR("mail"), STR_EMPTY, 1, arena, &messages, &count) == 0);
    }
    ASSERT(count == 1);
    return (messages->dead_at_ms - messages->enqueued_at_ms) / HOUR_MS;
}

static void fail_until_dead(void *argument, unsigned incarnation)
{
    struct sql_db *db;
    struct work_queue *queue = open_queue(&db);
    struct arena *arena = arena_new(ARENA_BYTES);
    (void)argument, (void)incarnation;
    ASSERT(arena != NULL);
    ASSERT(work_queue_enqueue(queue, NULL, STR("mail"), STR("one"), 0) == 0);
    int64_t hours = hours_until_dead(queue, arena);
    ASSERT(hours >= 24 && hours <= 33);
    _exit(0);
}

static void check(simulator_main_fn *process, int64_t step_ms)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        simulated_disk_configure_sqlite();
        simulated_disk_new("clock_disk");
        const struct simulator_options options = {0};
        struct simulator_result result;
        simulator_run(1, &options, process, &step_ms, &result);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_queue_clock__a_step_back_hides_nothing(void **state)
{
    (void)state;
    check(step_and_claim, -HOUR_MS);
}

static void test_queue_clock__a_step_ahead_gives_nothing_out_twice(void **state)
{
    (void)state;
    check(step_and_claim, HOUR_MS);
}

static void test_queue_clock__a_clock_that_was_ahead_puts_nothing_off(void **state)
{
    (void)state;
    check(claim_from_the_future, 0);
}

static void test_queue_clock__a_message_is_tried_for_a_day(void **state)
{
    (void)state;
    check(fail_until_dead, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_clock__a_step_back_hides_nothing),
        cmocka_unit_test(test_queue_clock__a_step_ahead_gives_nothing_out_twice),
        cmocka_unit_test(test_queue_clock__a_clock_that_was_ahead_puts_nothing_off),
        cmocka_unit_test(test_queue_clock__a_message_is_tried_for_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
