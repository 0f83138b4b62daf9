#include "platform/base/err.h"
#include "platform/base/task.h"
#include "platform/ports/metrics/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define TASKS 4
#define ROUNDS 20000

static void assert_shown(const char *expected)
{
    CLEANUP(buf_free) struct buf buf = BUF((size_t)1 << 20);
    metrics_write(&buf);
    assert_int_equal(buf_error(&buf), 0);
    if (str_find(buf_str(&buf), str_from_cstr(expected)) < 0)
        fail_msg("'%s' is not in:\n%.*s", expected, STR_FORMAT(buf_str(&buf)));
}

static struct metric requests = METRIC_COUNTER("test_requests_total", "Requests \\ answered.", "route", "status");

static void test_metrics__counters_are_shown_with_their_labels(void **state)
{
    (void)state;
    metric_count(&requests, METRIC_LABELS(STR("/v1/\"a\"\n\\"), STR("200")), 2);
    metric_count(&requests, METRIC_LABELS(STR("/v1/\"a\"\n\\"), STR("200")), 1);
    metric_count(&requests, METRIC_LABELS(STR("/v1/b"), STR("404")), 1);
    /* Values that read the same when put together are two series all the same. */
    metric_count(&requests, METRIC_LABELS(STR("/v1/b4"), STR("04")), 5);
    assert_int_equal(metric_value(&requests, METRIC_LABELS(STR("/v1/b"), STR("404"))), 1);
    assert_int_equal(metric_value(&requests, METRIC_LABELS(STR("/v1/c"), STR("404"))), 0);
    assert_shown("# HELP test_requests_total Requests \\\\ answered.\n# TYPE test_requests_total counter\n");
    assert_shown("test_requests_total{route=\"/v1/\\\"a\\\"\\n\\\\\",status=\"200\"} 3\n");
    assert_shown("test_requests_total{route=\"/v1/b4\",status=\"04\"} 5\n");
}

static struct metric depth = METRIC_GAUGE("test_depth", "How deep.");

static void test_metrics__gauges_go_both_ways(void **state)
{
    (void)state;
    metric_set(&depth, METRIC_NO_LABELS, 7);
    metric_set(&depth, METRIC_NO_LABELS, -2);
    assert_shown("\ntest_depth -2\n");
}

static struct metric latency = METRIC_DURATION("test_seconds", "How long.", "route");

/* Buckets are cumulative, bounds belong to their bucket, and nanoseconds are shown as seconds. */
static void test_metrics__histograms_are_cumulative(void **state)
{
    (void)state;
    const struct str *labels = METRIC_LABELS(STR("/"));
    metric_observe(&latency, labels, 100000);
    metric_observe(&latency, labels, 100001);
    metric_observe(&latency, labels, 60000000000);
    assert_int_equal(metric_value(&latency, labels), 3);
    assert_shown("test_seconds_bucket{route=\"/\",le=\"0.0001\"} 1\n"
                 "test_seconds_bucket{route=\"/\",le=\"0.00025\"} 2\n");
    assert_shown("test_seconds_bucket{route=\"/\",le=\"10\"} 2\n"
                 "test_seconds_bucket{route=\"/\",le=\"+Inf\"} 3\n"
                 "test_seconds_sum{route=\"/\"} 60.000200001\n"
                 "test_seconds_count{route=\"/\"} 3\n");
}

static struct metric invented = METRIC_COUNTER("test_invented_total", "Of paths that a client invents.", "path");

static void test_metrics__series_are_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/%d", i);
        metric_count(&invented, METRIC_LABELS(str_from_cstr(path)), 1);
    }
    assert_int_equal(metric_value(&invented, METRIC_LABELS(STR("/0"))), 1);
    char expected[64];
    snprintf(expected, sizeof(expected), "test_invented_total{path=\"other\"} %d\n", 1000 - METRIC_SERIES_MAX);
    assert_shown(expected);
}

static struct metric shared = METRIC_COUNTER("test_shared_total", "Counted by several tasks.", "n");

static void count(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        char n[8];
        snprintf(n, sizeof(n), "%d", i % 10);
        metric_count(&shared, METRIC_LABELS(str_from_cstr(n)), 1);
    }
}

/* No count is lost and no series is made twice, though all tasks make the same ones at once. */
static void test_metrics__tasks_count_together(void **state)
{
    (void)state;
    struct task *tasks[TASKS];
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(task_start(&tasks[i], "count", count, NULL), 0);
    for (int i = 0; i < TASKS; i++)
        task_join(tasks[i]);
    for (int i = 0; i < 10; i++) {
        char n[8];
        snprintf(n, sizeof(n), "%d", i);
        assert_int_equal(metric_value(&shared, METRIC_LABELS(str_from_cstr(n))), TASKS * ROUNDS / 10);
    }
}

static void test_metrics__the_process_is_shown_sorted(void **state)
{
    (void)state;
    metrics_register_process();
    metrics_register_process();
    assert_shown("# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes ");
    CLEANUP(buf_free) struct buf buf = BUF((size_t)1 << 20);
    metrics_write(&buf);
    ptrdiff_t cpu = str_find(buf_str(&buf), STR("# HELP process_cpu_seconds_total"));
    ptrdiff_t files = str_find(buf_str(&buf), STR("# HELP process_open_fds"));
    ptrdiff_t last = str_find(buf_str(&buf), STR("# HELP test_shared_total"));
    assert_true(cpu >= 0 && cpu < files && files < last);
    assert_true(str_find(str_skip(buf_str(&buf), (size_t)cpu + 1), STR("# HELP process_cpu_seconds_total")) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics__counters_are_shown_with_their_labels),
        cmocka_unit_test(test_metrics__gauges_go_both_ways),
        cmocka_unit_test(test_metrics__histograms_are_cumulative),
        cmocka_unit_test(test_metrics__series_are_bounded),
        cmocka_unit_test(test_metrics__tasks_count_together),
        cmocka_unit_test(test_metrics__the_process_is_shown_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
