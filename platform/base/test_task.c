#include "platform/base/err.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNTERS 4
#define ROUNDS 20000

struct counter {
    struct task_mutex mutex;
    struct task_cond reached;
    int value;
};

static void count(void *argument)
{
    struct counter *counter = argument;
    for (int i = 0; i < ROUNDS; i++) {
        TASK_LOCKED(&counter->mutex);
        counter->value++;
    }
    TASK_LOCKED(&counter->mutex);
    task_cond_signal(&counter->reached);
}

/* Without the lock the increments of several threads are lost; with it none is, and the waiter is woken. */
static void test_task__mutex_excludes_and_cond_wakes(void **state)
{
    (void)state;
    struct counter counter = {.value = 0};
    task_mutex_init(&counter.mutex);
    task_cond_init(&counter.reached);
    struct task *tasks[COUNTERS];
    for (int i = 0; i < COUNTERS; i++)
        assert_int_equal(task_start(&tasks[i], "a name longer than the kernel keeps", count, &counter), 0);
    task_mutex_lock(&counter.mutex);
    while (counter.value < COUNTERS * ROUNDS)
        task_cond_wait(&counter.reached, &counter.mutex);
    task_mutex_unlock(&counter.mutex);
    for (int i = 0; i < COUNTERS; i++)
        task_join(tasks[i]);
    task_join(NULL);
    assert_int_equal(counter.value, COUNTERS * ROUNDS);
    task_cond_destroy(&counter.reached);
    task_mutex_destroy(&counter.mutex);
}

/* A wait that nobody ends lasts until its deadline on the monotonic clock, not shorter. */
static void test_task__wait_until_ends_at_the_deadline(void **state)
{
    (void)state;
    struct task_mutex mutex;
    struct task_cond cond;
    task_mutex_init(&mutex);
    task_cond_init(&cond);
    task_mutex_lock(&mutex);
    int64_t deadline_ns = clock_monotonic_ns() + 5 * CLOCK_NS_PER_MS;
    while (task_cond_wait_until(&cond, &mutex, deadline_ns))
        ;
    assert_true(clock_monotonic_ns() >= deadline_ns);
    assert_false(task_cond_wait_until(&cond, &mutex, -1));
    task_mutex_unlock(&mutex);
    task_cond_destroy(&cond);
    task_mutex_destroy(&mutex);
}

static void test_task__sleep_lasts_at_least_its_time(void **state)
{
    (void)state;
    int64_t start_ns = clock_monotonic_ns();
    task_sleep_ms(3);
    assert_true(clock_monotonic_ns() - start_ns >= 3 * CLOCK_NS_PER_MS);
    task_sleep_ms(-1);
    task_sleep_until(0);
    assert_true(task_processor_count() >= 1);
    assert_true(clock_wall_ms() > INT64_C(1700000000000));
    int64_t ahead_ms = clock_steady_ms() - clock_wall_ms();
    assert_true(ahead_ms > -60000 && ahead_ms < 60000);
    assert_true(clock_cpu_ns() > 0);
}

static void write_clock_file(const char *folder, const char *boot_id, int64_t boot_ms)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/clock", folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fprintf(file, "%s %" PRId64 "\n", boot_id, boot_ms) > 0);
    assert_int_equal(fclose(file), 0);
}

static void test_clock__the_steady_one_goes_on_within_a_boot(void **state)
{
    (void)state;
    char folder[] = "/tmp/shopstream-clock-XXXXXX", path[64], boot_id[40] = "";
    int64_t boot_ms;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/clock", folder);
    int64_t before_ms = clock_steady_ms();
    assert_int_equal(clock_keep_steady(folder), 0);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%39s %" SCNd64, boot_id, &boot_ms), 2);
    fclose(file);
    int64_t first_boot_ms = boot_ms;

    write_clock_file(folder, boot_id, boot_ms - 3600000); /* the wall clock was an hour behind at the first start */
    assert_int_equal(clock_keep_steady(folder), 0);
    assert_in_range(before_ms - clock_steady_ms(), 3500000, 3600000);
    write_clock_file(folder, boot_id, boot_ms);
    assert_int_equal(clock_keep_steady(folder), 0);
    assert_true(clock_steady_ms() >= before_ms);

    write_clock_file(folder, "00000000-0000-0000-0000-000000000000", boot_ms - 3600000); /* of another boot */
    assert_int_equal(clock_keep_steady(folder), 0);
    assert_true(clock_steady_ms() >= before_ms);
    write_clock_file(folder, boot_id, -7);
    assert_int_equal(clock_keep_steady(folder), 0);
    assert_true(clock_steady_ms() >= before_ms);
    write_clock_file(folder, boot_id, first_boot_ms);
    assert_int_equal(clock_keep_steady(folder), 0);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(clock_keep_steady(folder), -1);
    assert_int_equal(errno, ENOENT);
}

static void test_clock__a_boot_goes_on_from_the_mark(void **state)
{
    (void)state;
    const int64_t hour_ms = 3600000, day_ms = 24 * hour_ms, year_ms = 365 * day_ms, at_ms = INT64_C(1767225600000);
    const struct clock_mark right = {at_ms, at_ms}, /* a wall clock that was wrong when the mark was made: */
        ahead = {at_ms, at_ms + year_ms}, behind = {at_ms, at_ms - year_ms};
    const struct {
        const struct clock_mark *mark;
        int64_t wall_ms, expected_ms;
    } boots[] = {
        {&right, at_ms + hour_ms, at_ms + hour_ms}, /* it was off for an hour, or the clock is an hour ahead */
        {&right, at_ms - hour_ms, at_ms - hour_ms},
        {&right, at_ms + year_ms, at_ms + day_ms}, /* off for a year, or a year ahead: a day is believed */
        {&right, at_ms - year_ms, at_ms},          /* no time is taken back by a year */
        {&ahead, at_ms + year_ms + hour_ms, at_ms + hour_ms},
        {&ahead, at_ms + hour_ms, at_ms + hour_ms}, /* set right while it was off */
        {&ahead, at_ms - year_ms, at_ms},
        {&behind, at_ms - year_ms + hour_ms, at_ms + hour_ms},
        {&behind, at_ms + hour_ms, at_ms + hour_ms},
        {&behind, at_ms + year_ms, at_ms + day_ms},
    };
    for (size_t i = 0; i < sizeof(boots) / sizeof(boots[0]); i++)
        assert_int_equal(clock_after_boot_ms(boots[i].mark, boots[i].wall_ms), boots[i].expected_ms);
}

/* A machine that comes back with a clock that was set back by a year, and with one that is a year ahead. */
static void test_clock__the_steady_one_goes_on_over_a_boot(void **state)
{
    (void)state;
    char folder[] = "/tmp/shopstream-clock-XXXXXX", path[64];
    const int64_t year_ms = INT64_C(365) * 24 * 3600000, slack_ms = 60000;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/clock", folder);
    for (int sign = -1; sign <= 1; sign += 2) {
        int64_t marked_ms = clock_wall_ms() + sign * year_ms;
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fprintf(file, "00000000-0000-0000-0000-000000000000 7 %" PRId64 " %" PRId64 "\n", marked_ms,
                            marked_ms) > 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(clock_keep_steady(folder), 0);
        int64_t passed_ms = clock_steady_ms() - marked_ms;
        assert_in_range(passed_ms, sign > 0 ? 0 : CLOCK_BELIEVED_MS, (sign > 0 ? 0 : CLOCK_BELIEVED_MS) + slack_ms);
        int64_t before_ms = clock_steady_ms();
        assert_int_equal(clock_mark(folder), 0);
        assert_int_equal(clock_keep_steady(folder), 0); /* another process of this boot */
        assert_in_range(clock_steady_ms() - before_ms, 0, slack_ms);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(clock_mark(folder), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(clock_mark(folder), -1);
}

static void test_random__draws_stay_below_and_reach_every_value(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t draw = random_below(6);
        assert_in_range(draw, 0, 5);
        seen |= 1u << draw;
    }
    assert_int_equal(seen, 0x3F);
    assert_int_equal(random_below(1), 0);
    unsigned char a[32], b[32];
    random_bytes(a, sizeof(a));
    random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

struct meeting {
    struct task_event event;
    int said;
};

static void say(void *argument)
{
    struct meeting *meeting = argument;
    meeting->said = 42;
    task_event_set(&meeting->event);
}

/* What was written before the event is seen behind it; the memory is the waiter's own again at once. */
static void test_task__an_event_is_waited_for_once(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct meeting meeting = {.said = 0};
        struct task *task;
        task_event_init(&meeting.event);
        assert_int_equal(task_start(&task, "say", say, &meeting), 0);
        task_event_wait(&meeting.event);
        assert_int_equal(meeting.said, 42);
        task_join(task);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_task__mutex_excludes_and_cond_wakes),
        cmocka_unit_test(test_task__an_event_is_waited_for_once),
        cmocka_unit_test(test_task__wait_until_ends_at_the_deadline),
        cmocka_unit_test(test_task__sleep_lasts_at_least_its_time),
        cmocka_unit_test(test_clock__a_boot_goes_on_from_the_mark),
        cmocka_unit_test(test_clock__the_steady_one_goes_on_over_a_boot),
        cmocka_unit_test(test_clock__the_steady_one_goes_on_within_a_boot),
        cmocka_unit_test(test_random__draws_stay_below_and_reach_every_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
