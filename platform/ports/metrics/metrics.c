/* Counting and showing; see metrics.h. */
#include "platform/ports/metrics/metrics.h"

#include "platform/base/err.h"

#include <inttypes.h>
#include <stdlib.h>

/* One set of label values. Written once, then only its numbers change. */
struct metric_series {
    uint64_t hash;
    struct str labels[METRIC_LABELS_MAX];
    _Atomic int64_t value;      /* a histogram's sum */
    _Atomic uint64_t buckets[]; /* of a histogram: one a bound, and one past the last; not cumulative */
};

const int64_t metric_duration_bounds[METRIC_DURATION_BOUNDS] = {
    100000,   250000,    500000,    1000000,   2500000,    5000000,    10000000,   25000000,
    50000000, 100000000, 250000000, 500000000, 1000000000, 2500000000, 5000000000, 10000000000,
};

static _Atomic(struct metric *) registered[METRICS_MAX];
static _Atomic unsigned registered_count;

void metric_register(struct metric *metric)
{
    if (atomic_load_explicit(&metric->registered_, memory_order_relaxed) ||
        atomic_exchange_explicit(&metric->registered_, 1, memory_order_relaxed))
        return;
    ASSERT(metric->bound_count <= METRIC_BUCKETS_MAX);
    unsigned place = atomic_fetch_add_explicit(&registered_count, 1, memory_order_relaxed);
    if (place < METRICS_MAX)
        atomic_store_explicit(&registered[place], metric, memory_order_release);
}

/* -- Series -------------------------------------------------------------------------------------------------------- */

static size_t label_count(const struct metric *metric)
{
    size_t count = 0;
    while (count < METRIC_LABELS_MAX && metric->labels[count])
        count++;
    return count;
}

/* FNV-1a over the values, with a byte between them that UTF-8 does not have. */
static uint64_t hash_labels(const struct str *labels, size_t count)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < labels[i].len; k++)
            hash = (hash ^ (unsigned char)labels[i].ptr[k]) * UINT64_C(1099511628211);
        hash = (hash ^ 0xFF) * UINT64_C(1099511628211);
    }
    return hash;
}

static struct metric_series *series_new(const struct metric *metric, const struct str *labels, size_t count,
                                        uint64_t hash)
{
    size_t buckets = metric->kind == METRIC_KIND_HISTOGRAM ? metric->bound_count + 1 : 0;
    size_t text_bytes = 0;
    for (size_t i = 0; i < count; i++)
        text_bytes += labels[i].len;
    struct metric_series *series = calloc(1, sizeof(*series) + buckets * sizeof(series->buckets[0]) + text_bytes);
    if (!series)
        return NULL;
    series->hash = hash;
    char *text = (char *)&series->buckets[buckets];
    for (size_t i = 0; i < count; i++) {
        if (labels[i].len > 0)
            memcpy(text, labels[i].ptr, labels[i].len);
        series->labels[i] = str_from(text, labels[i].len);
        text += labels[i].len;
    }
    return series;
}

/* Two tasks may make the same one at once: the first to put it there wins, the other's is freed. */
static struct metric_series *put(_Atomic(struct metric_series *) *slot, struct metric_series *series)
{
    struct metric_series *there = NULL;
    if (atomic_compare_exchange_strong_explicit(slot, &there, series, memory_order_acq_rel, memory_order_acquire))
        return series;
    free(series);
    return there;
}

static struct metric_series *other_series(struct metric *metric, size_t count)
{
    struct metric_series *series = atomic_load_explicit(&metric->other_, memory_order_acquire);
    if (series)
        return series;
    struct str labels[METRIC_LABELS_MAX];
    for (size_t i = 0; i < count; i++)
        labels[i] = STR("other");
    series = series_new(metric, labels, count, 0);
    return series ? put(&metric->other_, series) : NULL;
}

static bool has_labels(const struct metric_series *series, uint64_t hash, const struct str *labels, size_t count)
{
    if (series->hash != hash)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!str_equal(series->labels[i], labels[i]))
            return false;
    }
    return true;
}

/* The series of those values; made where create is set. NULL when there is none. */
static struct metric_series *find(struct metric *metric, const struct str *values, bool create)
{
    size_t count = label_count(metric);
    struct str labels[METRIC_LABELS_MAX];
    for (size_t i = 0; i < count; i++)
        labels[i] = str_slice(values[i], 0, METRIC_LABEL_BYTES_MAX);
    uint64_t hash = hash_labels(labels, count);
    for (size_t probe = 0; probe < METRIC_SLOTS; probe++) {
        _Atomic(struct metric_series *) *slot = &metric->series_[(hash + probe) % METRIC_SLOTS];
        struct metric_series *series = atomic_load_explicit(slot, memory_order_acquire);
        if (!series && !create)
            return NULL;
        if (!series) {
            if (atomic_fetch_add_explicit(&metric->series_count_, 1, memory_order_relaxed) >= METRIC_SERIES_MAX) {
                atomic_fetch_sub_explicit(&metric->series_count_, 1, memory_order_relaxed);
                return other_series(metric, count);
            }
            struct metric_series *made = series_new(metric, labels, count, hash);
            series = made ? put(slot, made) : NULL;
            if (series != made || !made)
                atomic_fetch_sub_explicit(&metric->series_count_, 1, memory_order_relaxed);
            if (!series)
                return NULL;
        }
        if (has_labels(series, hash, labels, count))
            return series;
    }
    return create ? other_series(metric, count) : NULL;
}

static struct metric_series *use(struct metric *metric, const struct str *labels)
{
    metric_register(metric);
    return find(metric, labels, true);
}

/* -- Counting ------------------------------------------------------------------------------------------------------ */

void metric_count(struct metric *counter, const struct str *labels, uint64_t increment)
{
    ASSERT(counter->kind == METRIC_KIND_COUNTER);
    struct metric_series *series = use(counter, labels);
    if (series)
        atomic_fetch_add_explicit(&series->value, (int64_t)increment, memory_order_relaxed);
}

void metric_set(struct metric *gauge, const struct str *labels, int64_t value)
{
    ASSERT(gauge->kind == METRIC_KIND_GAUGE);
    struct metric_series *series = use(gauge, labels);
    if (series)
        atomic_store_explicit(&series->value, value, memory_order_relaxed);
}

void metric_observe(struct metric *histogram, const struct str *labels, int64_t value)
{
    ASSERT(histogram->kind == METRIC_KIND_HISTOGRAM);
    struct metric_series *series = use(histogram, labels);
    if (!series)
        return;
    size_t bucket = 0;
    while (bucket < histogram->bound_count && value > histogram->bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&series->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&series->value, value, memory_order_relaxed);
}

int64_t metric_value(struct metric *metric, const struct str *labels)
{
    struct metric_series *series = find(metric, labels, false);
    if (!series)
        return 0;
    if (metric->kind != METRIC_KIND_HISTOGRAM)
        return atomic_load_explicit(&series->value, memory_order_relaxed);
    uint64_t count = 0;
    for (size_t i = 0; i <= metric->bound_count; i++)
        count += atomic_load_explicit(&series->buckets[i], memory_order_relaxed);
    return (int64_t)count;
}

/* -- Showing ------------------------------------------------------------------------------------------------------- */

static void write_escaped(struct buf *buf, struct str s, bool quotes)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\n')
            buf_append(buf, STR("\\n"));
        else if (s.ptr[i] == '\\')
            buf_append(buf, STR("\\\\"));
        else if (quotes && s.ptr[i] == '"')
            buf_append(buf, STR("\\\""));
        else
            buf_append_char(buf, s.ptr[i]);
    }
}

static void write_number(struct buf *buf, const struct metric *metric, int64_t value)
{
    if (metric->unit == 0)
        buf_append_int(buf, value);
    else
        buf_printf(buf, "%.15g", (double)value * metric->unit);
}

/* name_suffix{labels,le="bound"} without the value; le is NULL where there is none. */
static void write_head(struct buf *buf, const struct metric *metric, const struct metric_series *series,
                       const char *suffix, const char *le)
{
    buf_append_cstr(buf, metric->name);
    buf_append_cstr(buf, suffix);
    char separator = '{';
    for (size_t i = 0; i < METRIC_LABELS_MAX && metric->labels[i]; i++) {
        buf_append_char(buf, separator);
        buf_append_cstr(buf, metric->labels[i]);
        buf_append(buf, STR("=\""));
        write_escaped(buf, series->labels[i], true);
        buf_append_char(buf, '"');
        separator = ',';
    }
    if (le) {
        buf_printf(buf, "%cle=\"%s\"", separator, le);
        separator = ',';
    }
    if (separator == ',')
        buf_append_char(buf, '}');
    buf_append_char(buf, ' ');
}

static void write_histogram(struct buf *buf, const struct metric *metric, const struct metric_series *series)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= metric->bound_count; i++) {
        char le[32] = "+Inf";
        if (i < metric->bound_count)
            snprintf(le, sizeof(le), "%.10g", (double)metric->bounds[i] * (metric->unit == 0 ? 1.0 : metric->unit));
        count += atomic_load_explicit(&series->buckets[i], memory_order_relaxed);
        write_head(buf, metric, series, "_bucket", le);
        buf_printf(buf, "%" PRIu64 "\n", count);
    }
    write_head(buf, metric, series, "_sum", NULL);
    write_number(buf, metric, atomic_load_explicit(&series->value, memory_order_relaxed));
    buf_append_char(buf, '\n');
    write_head(buf, metric, series, "_count", NULL);
    buf_printf(buf, "%" PRIu64 "\n", count);
}

static void write_series(struct buf *buf, const struct metric *metric, const struct metric_series *series)
{
    if (!series)
        return;
    if (metric->kind == METRIC_KIND_HISTOGRAM) {
        write_histogram(buf, metric, series);
        return;
    }
    write_head(buf, metric, series, "", NULL);
    write_number(buf, metric, atomic_load_explicit(&series->value, memory_order_relaxed));
    buf_append_char(buf, '\n');
}

static void write_metric(struct buf *buf, struct metric *metric)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    buf_printf(buf, "# HELP %s ", metric->name);
    write_escaped(buf, str_from_cstr(metric->help), false);
    buf_printf(buf, "\n# TYPE %s %s\n", metric->name, kinds[metric->kind]);
    if (metric->read) {
        buf_printf(buf, "%s ", metric->name);
        write_number(buf, metric, metric->read());
        buf_append_char(buf, '\n');
        return;
    }
    for (size_t i = 0; i < METRIC_SLOTS; i++)
        write_series(buf, metric, atomic_load_explicit(&metric->series_[i], memory_order_acquire));
    write_series(buf, metric, atomic_load_explicit(&metric->other_, memory_order_acquire));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(struct metric *const *)a)->name, (*(struct metric *const *)b)->name);
}

void metrics_write(struct buf *buf)
{
    struct metric *sorted[METRICS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < METRICS_MAX; i++) {
        struct metric *metric = atomic_load_explicit(&registered[i], memory_order_acquire);
        if (metric)
            sorted[count++] = metric;
    }
    qsort(sorted, count, sizeof(sorted[0]), compare_names);
    for (size_t i = 0; i < count; i++)
        write_metric(buf, sorted[i]);
}
