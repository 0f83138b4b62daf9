/* health: what every process says of itself, whichever services run in it: whether it lives, whether it is ready, and
 * what it counts. */
#include "platform/base/buf.h"
#include "platform/net/http.h"
#include "platform/ports/metrics/metrics.h"
#include "platform/service/host.h"
#include "platform/service/host_metrics.h"

#define METRICS_BYTES_MAX (1u << 20)

/* The process runs and answers; what it stands on is readiness' business. */
static int show_live(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)request;
    return call_answer(call, response, "application/json", "no-cache", STR("{\"status\":\"live\"}"));
}

static int refuse_ready(struct call *call, const struct service_instance *instance, const char *reason)
{
    return call_fail(call, ERR_UNAVAILABLE, "not_ready", NULL, "The database of %s %s", instance->service->name,
                     reason);
}

static int read_nothing(struct sql_tx *tx, void *argument)
{
    (void)tx;
    (void)argument;
    return 0;
}

/* Ready when every database answers, and takes writes: it knows of itself that it does not, so that nothing is written
 * to find out. */
static int show_ready(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)request;
    for (size_t i = 0; i < call->host->instance_count; i++) {
        const struct service_instance *instance = &call->host->instances[i];

        struct sql_stats stats;

        if (!instance->db)
            continue;
        if (sql_read(instance->db, read_nothing, NULL) < 0)
            return refuse_ready(call, instance, "does not answer.");
        sql_get_stats(instance->db, &stats);
        if (stats.refuses_writes)
            return refuse_ready(call, instance, "takes no writes: is its disk full?");
    }
    return call_answer(call, response, "application/json", "no-cache", STR("{\"status\":\"ready\"}"));
}

static int show_metrics(struct call *call, const struct http_request *request, struct http_response *response)
{
    CLEANUP(buf_free) struct buf buf = BUF(METRICS_BYTES_MAX);

    (void)request;
    host_metrics_update(call->host);
    metrics_write(&buf);
    TRY(buf_error(&buf));
    return call_answer(call, response, "text/plain; version=0.0.4; charset=utf-8", "no-cache", buf_str(&buf));
}

static int start(struct call *call, void **ret_state)
{
    (void)call;
    (void)ret_state;
    metrics_register_process();
    return 0;
}

const struct service health_service = {
    .name = "health",
    .port = 3014,
    .help = "Liveness, readiness and metrics; runs in every process",
    .no_prefix = true,
    .any_host = true,
    .no_database = true,
    .routes =
        (const struct route[]){
            {"GET", "/health/live", RAW(show_live), .auth = AUTH_ANYONE, .rate = RATE_NONE, .inline_ok = true,
             .internal = true},
            {"GET", "/health/ready", RAW(show_ready), .auth = AUTH_ANYONE, .rate = RATE_NONE, .internal = true},
            {"GET", "/metrics", RAW(show_metrics), .auth = AUTH_ANYONE, .rate = RATE_NONE, .internal = true},
            {0},
        },
    .start = start,
};
