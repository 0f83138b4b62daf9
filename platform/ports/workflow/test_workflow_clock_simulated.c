/* Time-outs of workflows over a restart, when the wall clock was wrong before it or during it: known by that clock
 * alone, they must still come within a moment of their time. */
#include "platform/base/simulator.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/vfs_simulated.h"
#include "platform/ports/workflow/migrations/migrations.h"
#include "platform/ports/workflow/workflow.h"
#include "shopstream/orders/v1/orders.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HOUR_MS (INT64_C(3600) * 1000)
#define TIMEOUT_MS (INT64_C(60) * 1000)
#define WRONG_FOR_MS 5000
#define LATE_MAX_NS (120 * CLOCK_NS_PER_S)
#define WORKFLOW_ID STR("waits")

static int wait_for_nobody(struct workflow *w, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    (void)in, (void)out;
    return workflow_await(w, "never", TIMEOUT_MS, NULL);
}

static const struct workflow_type waits = {.name = "waits",
                                           .run = wait_for_nobody,
                                           .input = &orders__place_order__descriptor,
                                           .output = &orders__order_outcome__descriptor};
static const struct workflow_type *const types[] = {&waits, NULL};

/* How far the clock is off while the workflow starts, and while the process starts again. */
struct history {
    struct simulated_disk *disk;
    int64_t off_before_ms, off_during_ms;
};

static int start_closure(struct sql_tx *tx, void *engine)
{
    Orders__PlaceOrder input = ORDERS__PLACE_ORDER__INIT;
    const struct workflow_start start = {
        .type = &waits, .id = WORKFLOW_ID, .tenant = STR("default"), .input = &input.base};
    return workflow_start(engine, tx, &start);
}

static void run_process(void *argument, unsigned incarnation)
{
    struct history *history = argument;
    char message[512];
    struct sql_db *db;
    struct workflow_engine *engine;
    ASSERT(sql_open(&db, &(struct sql_config){.url = "sqlite:shop.db?vfs=clock_disk", .reader_count = 1}, message) ==
           0);
    ASSERT(sql_migrate(db, "workflow", workflow_migrations, workflow_migration_count, message) == 0);
    const struct workflow_engine_config config = {.url = "sql:", .db = db, .types = types, .worker_count = 1};
    ASSERT(workflow_engine_open(&engine, &config, message) == 0 && workflow_engine_start(engine) == 0);
    if (incarnation == 0) {
        simulator_step_wall_clock(history->off_before_ms);
        ASSERT(sql_write(db, start_closure, engine) == 0);
        ASSERT(workflow_engine_settle(engine, clock_monotonic_ns() + CLOCK_NS_PER_S));
        simulator_step_wall_clock(history->off_during_ms - history->off_before_ms);
        simulator_crash();
    }
    task_sleep_ms(WRONG_FOR_MS);
    simulator_step_wall_clock(-history->off_during_ms);
    enum workflow_status status;
    ASSERT(workflow_wait(engine, WORKFLOW_ID, clock_monotonic_ns() + LATE_MAX_NS, &status) == 0);
    ASSERT(status == WORKFLOW_FAILED);
    _exit(0);
}

static void on_crash(void *argument, unsigned incarnation)
{
    (void)incarnation;
    simulated_disk_crash(((struct history *)argument)->disk);
}

static void check(int64_t off_before_ms, int64_t off_during_ms)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        simulated_disk_configure_sqlite();
        struct history history = {simulated_disk_new("clock_disk"), off_before_ms, off_during_ms};
        const struct simulator_options options = {.crash_boots = true, .on_crash = on_crash};
        struct simulator_result result;
        simulator_run(1, &options, run_process, &history, &result);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_workflow_clock__times_out_when_the_clock_was_right(void **state)
{
    (void)state;
    check(0, 0);
}

static void test_workflow_clock__times_out_when_the_clock_is_behind_at_the_restart(void **state)
{
    (void)state;
    check(0, -HOUR_MS);
}

static void test_workflow_clock__times_out_when_the_clock_was_ahead_before_the_restart(void **state)
{
    (void)state;
    check(HOUR_MS, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workflow_clock__times_out_when_the_clock_was_right),
        cmocka_unit_test(test_workflow_clock__times_out_when_the_clock_is_behind_at_the_restart),
        cmocka_unit_test(test_workflow_clock__times_out_when_the_clock_was_ahead_before_the_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
