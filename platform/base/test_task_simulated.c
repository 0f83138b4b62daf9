/* What the simulation promises: that it finds interleavings, repeats itself exactly, sees deadlocks, crashes the
 * process and not the world, and skips idle time. */
#include "platform/base/err.h"
#include "platform/base/simulator.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct simulator_options plain_options;
static const struct simulator_options rough_options = {
    .delay_permille = 20, .delay_max_ns = 5 * CLOCK_NS_PER_MS, .spurious_wake_permille = 50, .stay_permille = 300};

/* -- Interleavings ------------------------------------------------------------------------------------------------- */

#define INCREMENTS 5

struct race {
    struct task_mutex mutex;
    bool locks;
    int counter;
};

static void increment(void *argument)
{
    struct race *race = argument;
    for (int i = 0; i < INCREMENTS; i++) {
        if (race->locks)
            task_mutex_lock(&race->mutex);
        int before = race->counter;
        task_step("between read and write");
        race->counter = before + 1;
        if (race->locks)
            task_mutex_unlock(&race->mutex);
    }
}

static void race_main(void *argument, unsigned incarnation)
{
    (void)incarnation;
    struct race *race = argument;
    task_mutex_init(&race->mutex);
    struct task *tasks[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(task_start(&tasks[i], "increment", increment, race), 0);
    for (int i = 0; i < 2; i++)
        task_join(tasks[i]);
    task_mutex_destroy(&race->mutex);
}

static int count_broken_seeds(bool locks)
{
    int broken = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct race race = {.locks = locks};
        struct simulator_result result;
        simulator_run(seed, seed % 2 ? &plain_options : &rough_options, race_main, &race, &result);
        assert_int_equal(result.end, SIMULATOR_FINISHED);
        assert_int_equal(result.unjoined, 0);
        broken += race.counter != 2 * INCREMENTS;
    }
    return broken;
}

static void test_task_simulated__finds_a_race_and_none_with_a_lock(void **state)
{
    (void)state;
    assert_true(count_broken_seeds(false) > 0);
    assert_int_equal(count_broken_seeds(true), 0);
}

/* -- Determinism --------------------------------------------------------------------------------------------------- */

struct belt {
    struct task_mutex mutex;
    struct task_cond filled;
    int items;
    int taken;
};

static void produce(void *argument)
{
    struct belt *belt = argument;
    for (int i = 0; i < 10; i++) {
        task_sleep_ms((int64_t)random_below(5));
        TASK_LOCKED(&belt->mutex);
        belt->items++;
        task_cond_signal(&belt->filled);
    }
}

static void consume(void *argument)
{
    struct belt *belt = argument;
    TASK_LOCKED(&belt->mutex);
    while (belt->taken < 20) {
        while (belt->items == 0 && belt->taken < 20)
            task_cond_wait_until(&belt->filled, &belt->mutex, clock_monotonic_ns() + 3 * CLOCK_NS_PER_MS);
        belt->taken += belt->items;
        simulator_trace(&belt->items, sizeof(belt->items));
        belt->items = 0;
    }
    task_cond_broadcast(&belt->filled);
}

static void belt_main(void *argument, unsigned incarnation)
{
    (void)incarnation;
    struct belt *belt = argument;
    task_mutex_init(&belt->mutex);
    task_cond_init(&belt->filled);
    struct task *tasks[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(task_start(&tasks[i], i < 2 ? "produce" : "consume", i < 2 ? produce : consume, belt), 0);
    for (int i = 0; i < 4; i++)
        task_join(tasks[i]);
    assert_int_equal(belt->taken, 20);
}

static uint64_t belt_hash(uint64_t seed)
{
    struct belt belt = {.items = 0};
    struct simulator_result result;
    simulator_run(seed, &rough_options, belt_main, &belt, &result);
    assert_int_equal(result.end, SIMULATOR_FINISHED);
    return result.trace_hash;
}

static void test_task_simulated__a_seed_repeats_itself_1000_times(void **state)
{
    (void)state;
    uint64_t expected = belt_hash(7);
    for (int i = 0; i < 1000; i++)
        assert_true(belt_hash(7) == expected);
    int same = 0;
    for (uint64_t seed = 1000; seed < 1100; seed++)
        same += belt_hash(seed) == expected;
    assert_int_equal(same, 0);
}

/* -- Time ---------------------------------------------------------------------------------------------------------- */

static void sleep_main(void *argument, unsigned incarnation)
{
    (void)argument;
    (void)incarnation;
    int64_t start_ns = clock_monotonic_ns();
    int64_t start_wall_ms = clock_wall_ms();
    task_sleep_ms(24 * 3600 * CLOCK_MS_PER_S);
    assert_int_equal(clock_monotonic_ns() - start_ns, 24 * 3600 * CLOCK_NS_PER_S);
    assert_int_equal(clock_wall_ms() - start_wall_ms, 24 * 3600 * CLOCK_MS_PER_S);
    int64_t steady_ms = clock_steady_ms();
    assert_int_equal(steady_ms, clock_wall_ms());
    simulator_step_wall_clock(-5000);
    assert_int_equal(clock_steady_ms(), steady_ms);
    assert_int_equal(clock_wall_ms() - start_wall_ms, 24 * 3600 * CLOCK_MS_PER_S - 5000);
    assert_int_equal(clock_monotonic_ns() - start_ns, 24 * 3600 * CLOCK_NS_PER_S);
    struct task_mutex mutex;
    struct task_cond cond;
    task_mutex_init(&mutex);
    task_cond_init(&cond);
    task_mutex_lock(&mutex);
    assert_false(task_cond_wait_until(&cond, &mutex, clock_monotonic_ns() + 10));
    assert_false(task_cond_wait_until(&cond, &mutex, 0));
    task_mutex_unlock(&mutex);
}

static void test_task_simulated__idle_time_is_skipped(void **state)
{
    (void)state;
    struct simulator_result result;
    simulator_run(1, &plain_options, sleep_main, NULL, &result);
    assert_int_equal(result.end, SIMULATOR_FINISHED);
    assert_int_equal(result.virtual_ns, 24 * 3600 * CLOCK_NS_PER_S + 10);
    assert_true(result.steps < 20);
}

/* -- Deadlocks and livelocks --------------------------------------------------------------------------------------- */

struct forks {
    struct task_mutex left, right;
};

static void take_right_first(void *argument)
{
    struct forks *forks = argument;
    TASK_LOCKED(&forks->right);
    TASK_LOCKED(&forks->left);
}

static void forks_main(void *argument, unsigned incarnation)
{
    (void)incarnation;
    struct forks *forks = argument;
    task_mutex_init(&forks->left);
    task_mutex_init(&forks->right);
    struct task *other;
    assert_int_equal(task_start(&other, "philosopher", take_right_first, forks), 0);
    {
        TASK_LOCKED(&forks->left);
        TASK_LOCKED(&forks->right);
    }
    task_join(other);
}

static void test_task_simulated__deadlock_is_found_and_reported(void **state)
{
    (void)state;
    int deadlocks = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct forks forks;
        struct simulator_result result;
        simulator_run(seed, &plain_options, forks_main, &forks, &result);
        if (result.end != SIMULATOR_DEADLOCK)
            continue;
        deadlocks++;
        assert_non_null(strstr(result.report, "main waits for a mutex held by philosopher"));
        assert_non_null(strstr(result.report, "philosopher waits for a mutex held by main"));
    }
    assert_in_range(deadlocks, 1, 99);
}

static void spin_main(void *argument, unsigned incarnation)
{
    (void)argument;
    (void)incarnation;
    for (;;)
        task_step("spin");
}

static void test_task_simulated__a_livelock_ends_at_the_step_limit(void **state)
{
    (void)state;
    struct simulator_result result;
    struct simulator_options options = {.step_max = 1000};
    simulator_run(1, &options, spin_main, NULL, &result);
    assert_int_equal(result.end, SIMULATOR_STEP_LIMIT);
    assert_non_null(strstr(result.report, "main is runnable"));
}

/* -- Crashes ------------------------------------------------------------------------------------------------------- */

struct bank {
    struct task_mutex process_mutex; /* stands for a static variable: it outlives a crash */
    int disk_written;                /* the outside world */
    int disk_synced;
    int provider_charges;
    int acknowledged;
    int calls_failed;
    unsigned incarnations;
    bool stop;
};

static void charge(void *argument)
{
    struct bank *bank = argument;
    task_step("inside the provider");
    bank->provider_charges++;
}

static void deposit(void *argument)
{
    struct bank *bank = argument;
    TASK_LOCKED(&bank->process_mutex);
    simulator_call_world("provider", charge, bank);
    bank->disk_written++;
    task_step("written");
    bank->disk_synced = bank->disk_written;
    task_step("synced");
}

static void bank_main(void *argument, unsigned incarnation)
{
    struct bank *bank = argument;
    assert_int_equal(incarnation, bank->incarnations);
    assert_int_equal(incarnation, simulator_incarnation());
    bank->incarnations++;
    while (!bank->stop)
        task_sleep_ms(10);
}

static void client(void *argument)
{
    struct bank *bank = argument;
    for (int i = 0; i < 5; i++) {
        while (!simulator_call_process("deposit", deposit, bank)) {
            bank->calls_failed++;
            task_sleep_ms(1);
        }
        bank->acknowledged++;
    }
}

static void bank_world(void *argument)
{
    struct bank *bank = argument;
    struct task *clients[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(task_start(&clients[i], "client", client, bank), 0);
    for (int i = 0; i < 3; i++)
        task_join(clients[i]);
    bank->stop = true;
}

static void lose_unsynced(void *argument, unsigned incarnation)
{
    (void)incarnation;
    struct bank *bank = argument;
    bank->disk_written = bank->disk_synced;
}

static const struct simulator_options crashing_options = {.world_fn = bank_world,
                                                          .on_crash = lose_unsynced,
                                                          .crash_per_million = 30000,
                                                          .crash_max = 4,
                                                          .restart_delay_max_ns = 20 * CLOCK_NS_PER_MS,
                                                          .delay_permille = 20,
                                                          .delay_max_ns = CLOCK_NS_PER_MS};

/* Whatever crashes come, clients go on, what was acknowledged was synced, calls cut by a crash fail, and the locks of
 * the dead are free. */
static void test_task_simulated__crashes_take_the_process_and_leave_the_world(void **state)
{
    (void)state;
    unsigned crashes = 0;
    int calls_failed = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct bank bank = {.incarnations = 0};
        struct simulator_result result;
        simulator_run(seed, &crashing_options, bank_main, &bank, &result);
        if (result.end != SIMULATOR_FINISHED)
            fail_msg("seed %d: %s", (int)seed, result.report);
        assert_int_equal(bank.acknowledged, 15);
        assert_true(bank.disk_synced >= bank.acknowledged);
        assert_true(bank.provider_charges >= bank.disk_synced);
        assert_int_equal(bank.incarnations, result.crashes + 1);
        assert_int_equal(result.unjoined, 0);
        crashes += result.crashes;
        calls_failed += bank.calls_failed;
    }
    assert_true(crashes > 100);
    assert_true(calls_failed > 100);
}

/* A crash at each step of one history in turn: none is skipped, and each is the same again. */
static void test_task_simulated__crash_at_every_step(void **state)
{
    (void)state;
    struct simulator_options options = {.world_fn = bank_world, .on_crash = lose_unsynced};
    struct bank bank = {.incarnations = 0};
    struct simulator_result whole;
    simulator_run(3, &options, bank_main, &bank, &whole);
    assert_int_equal(whole.crashes, 0);
    assert_int_equal(bank.disk_synced, 15);
    for (uint64_t step = 1; step < whole.steps; step++) {
        struct simulator_result first, second;
        options.crash_at_step = step;
        bank = (struct bank){.incarnations = 0};
        simulator_run(3, &options, bank_main, &bank, &first);
        assert_int_equal(first.end, SIMULATOR_FINISHED);
        assert_true(bank.disk_synced >= bank.acknowledged);
        bank = (struct bank){.incarnations = 0};
        simulator_run(3, &options, bank_main, &bank, &second);
        assert_true(first.trace_hash == second.trace_hash);
        assert_in_range(first.crashes, 0, 1);
    }
}

static void tick(void *argument)
{
    int *ticks = argument;
    for (int i = 0; i < 10; i++) {
        task_sleep_ms(1);
        ++*ticks;
    }
}

static void start_both_main(void *argument, unsigned incarnation)
{
    int *ticks = argument; /* of the process's task, of the world's */
    struct task *task;
    if (incarnation > 0)
        return;
    assert_int_equal(task_start(&task, "process", tick, &ticks[0]), 0);
    assert_int_equal(simulator_enter_domain(SIMULATOR_WORLD), SIMULATOR_PROCESS);
    assert_int_equal(task_start(&task, "world", tick, &ticks[1]), 0);
    task_sleep_ms(5);
    simulator_crash();
}

/* Of two tasks that the same main function started, the one of the world lives on. */
static void test_task_simulated__a_task_started_for_the_world_survives(void **state)
{
    (void)state;
    int ticks[2] = {0};
    struct simulator_result result;
    simulator_run(1, &plain_options, start_both_main, ticks, &result);
    assert_int_equal(result.end, SIMULATOR_FINISHED);
    assert_int_equal(result.unjoined, 1);
    assert_in_range(ticks[0], 1, 6);
    assert_int_equal(ticks[1], 10);
}

static void stopping_main(void *argument, unsigned incarnation)
{
    (void)argument;
    if (incarnation == 0)
        simulator_crash();
    assert_int_equal(incarnation, 1);
    simulator_stop();
}

static void test_task_simulated__crash_and_stop_do_not_return(void **state)
{
    (void)state;
    struct simulator_result result;
    simulator_run(1, &plain_options, stopping_main, NULL, &result);
    assert_int_equal(result.end, SIMULATOR_STOPPED);
    assert_int_equal(result.crashes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_task_simulated__finds_a_race_and_none_with_a_lock),
        cmocka_unit_test(test_task_simulated__a_seed_repeats_itself_1000_times),
        cmocka_unit_test(test_task_simulated__idle_time_is_skipped),
        cmocka_unit_test(test_task_simulated__deadlock_is_found_and_reported),
        cmocka_unit_test(test_task_simulated__a_livelock_ends_at_the_step_limit),
        cmocka_unit_test(test_task_simulated__crashes_take_the_process_and_leave_the_world),
        cmocka_unit_test(test_task_simulated__crash_at_every_step),
        cmocka_unit_test(test_task_simulated__a_task_started_for_the_world_survives),
        cmocka_unit_test(test_task_simulated__crash_and_stop_do_not_return),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
