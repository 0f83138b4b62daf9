#include "platform/service/host_metrics.h"

#include "platform/ports/metrics/metrics.h"
#include "platform/ports/queue/queue.h"
#include "platform/ports/workflow/workflow.h"
#include "platform/service/host.h"

static struct metric requests = METRIC_COUNTER("shopstream_requests_total", "Requests answered.", "service", "status");
static struct metric durations =
    METRIC_DURATION("shopstream_request_duration_seconds", "From the request's arrival to its answer.", "service");
static struct metric commits =
    METRIC_GAUGE("shopstream_sql_commits", "Transactions made durable since the start.", "service");
static struct metric writes =
    METRIC_GAUGE("shopstream_sql_writes", "Closures that these transactions held.", "service");
static struct metric failed_commits =
    METRIC_GAUGE("shopstream_sql_failed_commits", "Commits that the disk refused since the start.", "service");
static struct metric workflows_running =
    METRIC_GAUGE("shopstream_workflows_running", "Workflows that have not ended.", "service");
static struct metric workflows_stuck =
    METRIC_GAUGE("shopstream_workflows_stuck", "Workflows parked for a person to look at, since the start.", "service");
static struct metric queue_messages = METRIC_GAUGE(
    "shopstream_queue_messages",
    "Messages of a queue, counted up to 10000: ready, waiting for their time or for the end of an attempt, or dead.",
    "service", "queue", "state");
static struct metric cache_hits =
    METRIC_GAUGE("shopstream_response_cache_hits", "Answers taken from the response cache since the start.");
static struct metric cache_misses =
    METRIC_GAUGE("shopstream_response_cache_misses", "Requests for cacheable answers that were not there.");
static struct metric cache_bytes = METRIC_GAUGE("shopstream_response_cache_bytes", "Bytes of answers kept.");

static void count_request(struct str service, int status)
{
    static const char *const classes[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    struct str class = str_from_cstr(classes[status >= 100 && status < 600 ? status / 100 : 0]);

    metric_count(&requests, METRIC_LABELS(service, class), 1);
}

void host_metrics_request(const struct service_instance *instance, int status, int64_t duration_ns)
{
    struct str service = instance ? str_from_cstr(instance->service->name) : STR("none");

    count_request(service, status);
    metric_observe(&durations, METRIC_LABELS(service), duration_ns);
}

void host_metrics_refusal(int status)
{
    count_request(STR("none"), status);
}

/* What cannot be read keeps its last value: the readiness of the service says the rest. */
static void update_queue(const struct service_instance *instance, const char *name)
{
    struct str service = str_from_cstr(instance->service->name);
    struct str queue = str_from_cstr(name);
    struct work_queue_stats stats;
    int result = work_queue_get_stats(instance->queue, queue, &stats);

    if (result < 0) {
        log_warning(&instance->host->log, "queue not counted", LOG_STR("service", service), LOG_STR("queue", queue),
                    LOG_ERR(result));
        return;
    }
    metric_set(&queue_messages, METRIC_LABELS(service, queue, STR("ready")), stats.ready);
    metric_set(&queue_messages, METRIC_LABELS(service, queue, STR("waiting")), stats.waiting);
    metric_set(&queue_messages, METRIC_LABELS(service, queue, STR("dead")), stats.dead);
}

static void update_instance(const struct service_instance *instance)
{
    const struct str *labels = METRIC_LABELS(str_from_cstr(instance->service->name));
    struct workflow_stats flow;
    struct sql_stats sql;

    if (!instance->db)
        return;
    sql_get_stats(instance->db, &sql);
    metric_set(&commits, labels, (int64_t)sql.commits);
    metric_set(&writes, labels, (int64_t)sql.writes);
    metric_set(&failed_commits, labels, (int64_t)sql.failed_commits);
    for (const struct worker *row = instance->service->workers; row && row->queue; row++)
        update_queue(instance, row->queue);
    if (!instance->engine)
        return;
    workflow_get_stats(instance->engine, &flow);
    metric_set(&workflows_running, labels, (int64_t)flow.running);
    metric_set(&workflows_stuck, labels, (int64_t)flow.stuck);
}

void host_metrics_update(struct service_host *host)
{
    struct response_cache_stats cache;

    for (size_t i = 0; i < host->instance_count; i++)
        update_instance(&host->instances[i]);
    response_cache_get_stats(host->responses, &cache);
    metric_set(&cache_hits, METRIC_NO_LABELS, (int64_t)cache.hits);
    metric_set(&cache_misses, METRIC_NO_LABELS, (int64_t)cache.misses);
    metric_set(&cache_bytes, METRIC_NO_LABELS, (int64_t)cache.bytes);
}
