/* Messages of a service's queue: each is run, together with others where there are many, and none pays for another. */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/queue/queue.h"
#include "platform/service/test_host.h"
#include "shopstream/mail/v1/mail.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define QUEUE "work"
#define MESSAGES 100
#define WAIT_MAX_NS (60 * CLOCK_NS_PER_S)

static struct {
    struct task_mutex mutex;
    struct task_cond changed;
    int runs[MESSAGES];
    int failing;               /* the message that cannot be done; -1: none */
    struct fault_plan *faults; /* the disk fails for a while when the first message is done; NULL: it does not */
    int calls;                 /* of run_all */
    size_t done;               /* different messages that ended well */
} seen;

static int see(struct call *call, const ProtobufCMessage *base)
{
    int index = atoi(((const Mail__Message *)base)->id);

    static const struct fault_rule writes = {.port = FAULT_SQL, .call = "write", .fault_max = 4};

    seen.runs[index]++;
    if (seen.faults && seen.done == 0)
        fault_plan_set(seen.faults, &writes, 1);
    if (index == seen.failing)
        return call_fail(call, ERR_UNAVAILABLE, "not_today", NULL, "It cannot be done today.");
    seen.done += seen.runs[index] == 1;
    task_cond_broadcast(&seen.changed);
    return 0;
}

static int run_message(struct call *call, const ProtobufCMessage *message)
{
    TASK_LOCKED(&seen.mutex);
    return see(call, message);
}

static void run_messages(struct call *call, const ProtobufCMessage *const *messages, size_t count, int *ret_results)
{
    TASK_LOCKED(&seen.mutex);
    seen.calls++;
    for (size_t i = 0; i < count; i++)
        ret_results[i] = see(call, messages[i]);
}

/* The tests run with a worker for one message and with one for all that wait. */
static const struct service single = {
    .name = "worked",
    .routes = (const struct route[]){{0}},
    .workers = (const struct worker[]){{QUEUE, &mail__message__descriptor, .run = run_message}, {0}},
};
static const struct service together = {
    .name = "worked",
    .routes = (const struct route[]){{0}},
    .workers = (const struct worker[]){{QUEUE, &mail__message__descriptor, .run_all = run_messages}, {0}},
};
static const struct service *services[] = {&single, NULL};

static void begin(struct test_host *test, int failing)
{
    memset(&seen, 0, sizeof(seen));
    task_mutex_init(&seen.mutex);
    task_cond_init(&seen.changed);
    seen.failing = failing;
    *test = (struct test_host){0};
    test_host_start(test, services, NULL);
}

static int enqueue_all(struct sql_tx *tx, void *argument)
{
    struct call *call = argument;

    call->tx = tx;
    for (int i = 0; i < MESSAGES; i++) {
        Mail__Message message = MAIL__MESSAGE__INIT;

        message.id = arena_printf(sql_tx_arena(tx), "%d", i);
        if (!message.id)
            return ERR_NO_MEMORY;
        TRY(call_enqueue(call, QUEUE, &message.base));
    }
    return 0;
}

static void wait_until_done(size_t count)
{
    TASK_LOCKED(&seen.mutex);
    while (seen.done < count)
        assert_true(task_cond_wait_until(&seen.changed, &seen.mutex, clock_monotonic_ns() + WAIT_MAX_NS));
}

static struct work_queue_stats stats(struct test_host *test)
{
    struct work_queue_stats counts;
    assert_int_equal(work_queue_get_stats(host_instance(test->host, "worked")->queue, STR(QUEUE), &counts), 0);
    return counts;
}

/* Many messages cost few commits, and each is run once. */
static void test_host_workers__many_messages_are_done_in_batches(void **state)
{
    struct sql_stats before, after;
    struct test_host test;

    (void)state;
    begin(&test, -1);
    struct sql_db *db = host_instance(test.host, "worked")->db;
    sql_get_stats(db, &before);
    assert_int_equal(sql_write(db, enqueue_all, test_host_call(&test, "worked")), 0);
    wait_until_done(MESSAGES);
    sql_get_stats(db, &after);
    assert_true(after.writes - before.writes < MESSAGES); /* one by one it is two a message */
    test_host_stop(&test);                                /* waits for the acknowledgements */
    test_host_start(&test, services, NULL);
    assert_int_equal(stats(&test).ready + stats(&test).waiting, 0);
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(seen.runs[i], 1);
    assert_true(services[0] == &single ? seen.calls == 0 : seen.calls < MESSAGES / 2);
    test_host_end(&test);
}

/* One that fails waits for its next attempt; those beside it in its batch are done, and not again. */
static void test_host_workers__a_failure_is_tried_again_alone(void **state)
{
    struct test_host test;

    (void)state;
    begin(&test, MESSAGES / 2);
    assert_int_equal(sql_write(host_instance(test.host, "worked")->db, enqueue_all, test_host_call(&test, "worked")),
                     0);
    wait_until_done(MESSAGES - 1);
    test_host_stop(&test);
    test_host_start(&test, services, NULL);
    assert_int_equal(stats(&test).ready + stats(&test).waiting, 1);
    for (int i = 0; i < MESSAGES; i++)
        assert_true(i == MESSAGES / 2 ? seen.runs[i] >= 1 : seen.runs[i] == 1);
    task_mutex_lock(&seen.mutex);
    seen.failing = -1;
    seen.runs[MESSAGES / 2] = 0;
    task_mutex_unlock(&seen.mutex);
    wait_until_done(MESSAGES);
    test_host_end(&test);
}

/* What was done is recorded as soon as the disk writes again, and not done again when the claim has run out. */
static void test_host_workers__outcomes_are_recorded_when_the_disk_writes_again(void **state)
{
    struct test_host test = {0};

    (void)state;
    begin(&test, -1);
    test_host_stop(&test);
    seen.faults = test.faults = fault_plan_new();
    assert_non_null(test.faults);
    test_host_start(&test, services, NULL);
    assert_int_equal(sql_write(host_instance(test.host, "worked")->db, enqueue_all, test_host_call(&test, "worked")),
                     0);
    wait_until_done(MESSAGES);
    int64_t end_ns = clock_monotonic_ns() + WAIT_MAX_NS / 2;
    while (stats(&test).ready + stats(&test).waiting > 0 && clock_monotonic_ns() < end_ns)
        task_sleep_ms(TEST_HOST_POLL_MS);
    assert_int_equal(stats(&test).ready + stats(&test).waiting, 0);
    assert_true(fault_plan_faults(test.faults) > 0);
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(seen.runs[i], 1);
    test_host_end(&test);
    fault_plan_free(seen.faults);
    seen.faults = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_workers__many_messages_are_done_in_batches),
        cmocka_unit_test(test_host_workers__a_failure_is_tried_again_alone),
        cmocka_unit_test(test_host_workers__outcomes_are_recorded_when_the_disk_writes_again),
    };

    int failed = cmocka_run_group_tests_name("one message", tests, NULL, NULL);
    services[0] = &together;
    return failed + cmocka_run_group_tests_name("all that wait", tests, NULL, NULL);
}
