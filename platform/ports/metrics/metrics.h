/* The metrics port: counters, gauges and histograms, shown in Prometheus' text format (version 0.0.4,
 * https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * A metric is a static struct; it registers itself when it is first used, or by metric_register where it shall be shown
 * from the start. Counting takes no lock: a series is found by the hash of its label values in a table of fixed size
 * and changed by relaxed atomics. The number of series is bounded: label values past METRIC_SERIES_MAX are counted
 * together in one series whose labels all say "other", so a client that invents paths cannot fill the memory.
 *
 *     static struct metric requests = METRIC_COUNTER("http_requests_total", "Requests answered.", "route", "status");
 *     metric_count(&requests, METRIC_LABELS(route, STR("200")), 1); */
#pragma once

#include "platform/base/buf.h"
#include "platform/base/str.h"

#include <stdatomic.h>

#define METRICS_MAX 512 /* registered ones; others are counted and not shown */
#define METRIC_LABELS_MAX 4
#define METRIC_SERIES_MAX 192 /* of one metric */
#define METRIC_SLOTS 256      /* of its table; a power of two */
#define METRIC_BUCKETS_MAX 20
#define METRIC_LABEL_BYTES_MAX 120 /* of one value; longer ones are cut */

enum metric_kind { METRIC_KIND_COUNTER, METRIC_KIND_GAUGE, METRIC_KIND_HISTOGRAM };

struct metric_series;

/* Made by the macros below. Members that end with an underscore are the port's own. */
struct metric {
    enum metric_kind kind;
    const char *name; /* by Prometheus' conventions: base units, _total for counters */
    const char *help;
    const char *labels[METRIC_LABELS_MAX]; /* names; NULL from the last on */
    const int64_t *bounds;                 /* of a histogram: upper bounds, growing */
    size_t bound_count;
    double unit;           /* what is shown is the value times this; 0: 1 */
    int64_t (*read)(void); /* of a gauge or counter without labels: asked when shown */
    _Atomic int registered_;
    _Atomic unsigned series_count_;
    _Atomic(struct metric_series *) series_[METRIC_SLOTS];
    _Atomic(struct metric_series *) other_;
};

/* The label names follow, at most METRIC_LABELS_MAX. */
#define METRIC_COUNTER(metric_name, metric_help, ...)                                                                  \
    {                                                                                                                  \
        .kind = METRIC_KIND_COUNTER, .name = (metric_name), .help = (metric_help), .labels = { __VA_ARGS__ }           \
    }
#define METRIC_GAUGE(metric_name, metric_help, ...)                                                                    \
    {                                                                                                                  \
        .kind = METRIC_KIND_GAUGE, .name = (metric_name), .help = (metric_help), .labels = { __VA_ARGS__ }             \
    }

/* Of durations: observed in nanoseconds, shown in seconds, from 100 µs to 10 s. */
extern const int64_t metric_duration_bounds[];
#define METRIC_DURATION_BOUNDS 16
#define METRIC_DURATION(metric_name, metric_help, ...)                                                                 \
    {                                                                                                                  \
        .kind = METRIC_KIND_HISTOGRAM, .name = (metric_name), .help = (metric_help), .labels = {__VA_ARGS__},          \
        .bounds = metric_duration_bounds, .bound_count = METRIC_DURATION_BOUNDS, .unit = 1e-9                          \
    }

/* The values, one struct str for each of the metric's names, in their order. */
#define METRIC_LABELS(...) ((const struct str[]){__VA_ARGS__})
#define METRIC_NO_LABELS ((const struct str *)NULL)

void metric_register(struct metric *metric);

/* Without memory for a new series the change is lost. */
void metric_count(struct metric *counter, const struct str *labels, uint64_t increment);
void metric_set(struct metric *gauge, const struct str *labels, int64_t value);
void metric_observe(struct metric *histogram, const struct str *labels, int64_t value);

/* The value of a counter or gauge, the count of a histogram; 0 for a series that is not there. */
int64_t metric_value(struct metric *metric, const struct str *labels);

/* Appends all registered metrics, sorted by name; series of one metric in an order that does not change while they
 * live. The content type is "text/plain; version=0.0.4; charset=utf-8". */
void metrics_write(struct buf *buf);

/* Registers what Prometheus' clients say of the process: process_cpu_seconds_total, process_resident_memory_bytes,
 * process_open_fds. */
void metrics_register_process(void);
