#include "platform/service/host_metrics.h"

#include "platform/ports/sql/sql.h"
#include "platform/service/host.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Upper bounds of the duration's buckets in microseconds; the last one is without bound. */
static const int64_t bounds_us[] = {100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000};
#define BOUND_COUNT (sizeof(bounds_us) / sizeof(bounds_us[0]))
#define STATUS_CLASSES 6 /* by the status' first digit */

struct instance_metrics {
    _Atomic uint64_t by_class[STATUS_CLASSES];
    _Atomic uint64_t buckets[BOUND_COUNT + 1];
    _Atomic uint64_t duration_us;
};

struct instance_metrics *instance_metrics_new(void)
{
    return calloc(1, sizeof(struct instance_metrics));
}

void host_metrics_request(struct service_instance *instance, int status, int64_t duration_us)
{
    size_t bucket = 0;

    if (!instance || !instance->metrics)
        return;
    while (bucket < BOUND_COUNT && duration_us > bounds_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&instance->metrics->by_class[status / 100 % STATUS_CLASSES], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&instance->metrics->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&instance->metrics->duration_us, (uint64_t)duration_us, memory_order_relaxed);
}

static void write_requests(const struct service_instance *instance, struct buf *buf)
{
    for (int class = 1; class < STATUS_CLASSES; class ++)
        buf_printf(buf, "shopstream_requests_total{service=\"%s\",status=\"%dxx\"} %llu\n", instance->service->name,
                   class, (unsigned long long)instance->metrics->by_class[class]);
}

static void write_durations(const struct service_instance *instance, struct buf *buf)
{
    const char *name = instance->service->name;
    uint64_t count = 0;

    for (size_t i = 0; i < BOUND_COUNT; i++) {
        count += instance->metrics->buckets[i];
        buf_printf(buf, "shopstream_request_duration_seconds_bucket{service=\"%s\",le=\"%g\"} %llu\n", name,
                   (double)bounds_us[i] / 1e6, (unsigned long long)count);
    }
    count += instance->metrics->buckets[BOUND_COUNT];
    buf_printf(buf, "shopstream_request_duration_seconds_bucket{service=\"%s\",le=\"+Inf\"} %llu\n", name,
               (unsigned long long)count);
    buf_printf(buf, "shopstream_request_duration_seconds_sum{service=\"%s\"} %g\n", name,
               (double)instance->metrics->duration_us / 1e6);
    buf_printf(buf, "shopstream_request_duration_seconds_count{service=\"%s\"} %llu\n", name,
               (unsigned long long)count);
}

static void write_database(const struct service_instance *instance, struct buf *buf)
{
    struct sql_stats stats;

    sql_get_stats(instance->db, &stats);
    buf_printf(buf, "shopstream_sql_commits_total{service=\"%s\"} %llu\n", instance->service->name,
               (unsigned long long)stats.commits);
    buf_printf(buf, "shopstream_sql_writes_total{service=\"%s\"} %llu\n", instance->service->name,
               (unsigned long long)stats.writes);
    buf_printf(buf, "shopstream_sql_failed_commits_total{service=\"%s\"} %llu\n", instance->service->name,
               (unsigned long long)stats.failed_commits);
}

static void write_cache(struct service_host *host, struct buf *buf)
{
    struct response_cache_stats stats;

    response_cache_get_stats(host->responses, &stats);
    buf_append_cstr(buf, "# TYPE shopstream_response_cache_hits_total counter\n");
    buf_printf(buf, "shopstream_response_cache_hits_total %llu\n", (unsigned long long)stats.hits);
    buf_append_cstr(buf, "# TYPE shopstream_response_cache_misses_total counter\n");
    buf_printf(buf, "shopstream_response_cache_misses_total %llu\n", (unsigned long long)stats.misses);
    buf_append_cstr(buf, "# TYPE shopstream_response_cache_bytes gauge\n");
    buf_printf(buf, "shopstream_response_cache_bytes %llu\n", (unsigned long long)stats.bytes);
}

void host_metrics_write(struct service_host *host, struct buf *buf)
{
    static const struct {
        const char *type;
        void (*write)(const struct service_instance *instance, struct buf *buf);
    } families[] = {
        {"# TYPE shopstream_requests_total counter\n", write_requests},
        {"# TYPE shopstream_request_duration_seconds histogram\n", write_durations},
        {"", write_database},
    };

    for (size_t family = 0; family < sizeof(families) / sizeof(families[0]); family++) {
        buf_append_cstr(buf, families[family].type);
        for (size_t i = 0; i < host->instance_count; i++)
            families[family].write(&host->instances[i], buf);
    }
    write_cache(host, buf);
}
