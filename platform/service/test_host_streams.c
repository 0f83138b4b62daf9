/* Entries of a service's stream: each has its effect once, and a disk that fails for a moment costs it no more than
 * that moment. */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/stream/stream.h"
#include "platform/service/test_host.h"
#include "shopstream/mail/v1/mail.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define STREAM "news"
#define GROUP "readers"
#define ENTRIES 20
#define FAILING 7 /* the entry at whose first delivery the disk fails */
#define FAILED_WRITES 4

static struct {
    struct task_mutex mutex;
    struct fault_plan *faults;
    int runs[ENTRIES];
} seen;

static int see(struct call *call, const ProtobufCMessage *base)
{
    static const struct fault_rule writes = {.port = FAULT_SQL, .call = "write", .fault_max = FAILED_WRITES};
    int index = atoi(((const Mail__Message *)base)->id);
    TASK_LOCKED(&seen.mutex);

    seen.runs[index]++;
    if (index != FAILING || seen.runs[index] > 1)
        return 0;
    fault_plan_set(seen.faults, &writes, 1);
    return call_fail(call, ERR_UNAVAILABLE, "disk", NULL, "It cannot be written.");
}

static const struct service service = {
    .name = "followed",
    .routes = (const struct route[]){{0}},
    .streams = (const struct stream_worker[]){{STREAM, GROUP, &mail__message__descriptor, see}, {0}},
};
static const struct service *const services[] = {&service, NULL};

static int append_all(struct sql_tx *tx, void *argument)
{
    struct call *call = argument;

    call->tx = tx;
    for (int i = 0; i < ENTRIES; i++) {
        Mail__Message message = MAIL__MESSAGE__INIT;
        char id[16];

        snprintf(id, sizeof(id), "%d", i);
        message.id = id;
        TRY(call_append(call, STREAM, &message.base));
    }
    return 0;
}

static bool is_worked_off(void *context)
{
    struct test_host *test = context;
    struct stream_stats stats;

    assert_int_equal(stream_get_stats(host_instance(test->host, "followed")->stream, STR(STREAM), STR(GROUP), &stats),
                     0);
    return stats.lag + stats.pending == 0;
}

static void test_host_streams__a_disk_that_fails_for_a_moment_costs_that_moment(void **state)
{
    struct test_host test = {.faults = fault_plan_new()};

    (void)state;
    assert_non_null(test.faults);
    seen.faults = test.faults;
    task_mutex_init(&seen.mutex);
    test_host_start(&test, services, NULL);
    assert_int_equal(sql_write(host_instance(test.host, "followed")->db, append_all, test_host_call(&test, "followed")),
                     0);
    assert_true(test_host_await(is_worked_off, &test)); /* what is pending is claimed after longer than that */
    assert_true(fault_plan_faults(test.faults) > 0);
    /* The batch that it voided was void with those before it, and each was then tried by itself. */
    for (int i = 0; i < ENTRIES; i++)
        assert_int_equal(seen.runs[i], i <= FAILING ? 2 : 1);
    test_host_end(&test);
    fault_plan_free(test.faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_streams__a_disk_that_fails_for_a_moment_costs_that_moment),
    };

    return cmocka_run_group_tests_name("host_streams", tests, NULL, NULL);
}
