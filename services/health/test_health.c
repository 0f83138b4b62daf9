/* Proves that a process with a database is ready while that answers and takes writes, says which one does not, and
 * lives all the same; and that its metrics are there without anybody else. */
#include "platform/service/test_host.h"
#include "platform/ports/fault.h"
#include "services/services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct service *const services[] = {&health_service, &catalog_service, NULL};

static struct test_host fixture;

static int begin(void **state)
{
    (void)state;
    fixture.faults = fault_plan_new();
    test_host_start(&fixture, services, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_host_end(&fixture);
    fault_plan_free(fixture.faults);
    fixture.faults = NULL;
    return 0;
}

static struct test_answer get(const char *path)
{
    return test_host_http(&fixture, HTTP_GET, path, NULL, NULL);
}

static bool has(struct test_answer answer, const char *part)
{
    return str_find(answer.body, str_from_cstr(part)) >= 0;
}

static void test_health__is_live_and_ready(void **state)
{
    (void)state;
    struct test_answer live = get("/health/live"), ready = get("/health/ready");
    assert_int_equal(live.status, 200);
    assert_true(str_equal(live.body, STR("{\"status\":\"live\"}")));
    assert_int_equal(ready.status, 200);
    assert_true(str_equal(ready.body, STR("{\"status\":\"ready\"}")));
}

static void test_health__a_database_that_does_not_answer_is_named(void **state)
{
    const struct fault_rule broken = {.port = FAULT_SQL, .call = "read", .kind = FAULT_FAIL};

    (void)state;
    assert_int_equal(fault_plan_set(fixture.faults, &broken, 1), 0);
    struct test_answer ready = get("/health/ready");
    assert_int_equal(ready.status, 503);
    assert_true(has(ready, "\"code\":\"not_ready\""));
    assert_true(has(ready, "The database of catalog does not answer."));
    assert_int_equal(get("/health/live").status, 200);
    assert_int_equal(fault_plan_set(fixture.faults, NULL, 0), 0);
    assert_int_equal(get("/health/ready").status, 200);
}

static void test_health__metrics_are_of_the_process_and_its_services(void **state)
{
    (void)state;
    struct test_answer metrics = get("/metrics");
    assert_int_equal(metrics.status, 200);
    assert_true(has(metrics, "\nprocess_resident_memory_bytes "));
    assert_true(has(metrics, "{service=\"catalog\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_health__is_live_and_ready, begin, end),
        cmocka_unit_test_setup_teardown(test_health__a_database_that_does_not_answer_is_named, begin, end),
        cmocka_unit_test_setup_teardown(test_health__metrics_are_of_the_process_and_its_services, begin, end),
    };

    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
