/* shell: what stands at the root of the shop's address: health, metrics, the API's description. Pages come here. */
#include "platform/base/buf.h"
#include "platform/net/http.h"
#include "platform/ports/metrics/metrics.h"
#include "platform/service/host.h"
#include "platform/service/host_metrics.h"
#include "platform/wire/api_page.h"
#include "platform/wire/openapi.h"

#include <stdlib.h>

#define METRICS_BYTES_MAX (1u << 20)
#define OPENAPI_BYTES_MAX (4u << 20)

struct shell_state {
    struct http_blob *openapi;
};

static int answer(struct http_response *response, const char *content_type, struct str body)
{
    response->status = 200;
    response->body = body;
    http_response_header(response, STR("Content-Type"), str_from_cstr(content_type));
    http_response_header(response, STR("Cache-Control"), STR("no-cache"));
    return 0;
}

/* The process runs and answers; what it stands on is readiness' business. */
static int show_live(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)call;
    (void)request;
    return answer(response, "application/json", STR("{\"status\":\"live\"}"));
}

static int read_nothing(struct sql_tx *tx, void *argument)
{
    (void)tx;
    (void)argument;
    return 0;
}

/* Ready when every database answers. */
static int show_ready(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)request;
    for (size_t i = 0; i < call->host->instance_count; i++) {
        const struct service_instance *instance = &call->host->instances[i];

        if (instance->db && sql_read(instance->db, read_nothing, NULL) < 0)
            return call_fail(call, ERR_UNAVAILABLE, "not_ready", NULL, "The database of %s does not answer.",
                             instance->service->name);
    }
    return answer(response, "application/json", STR("{\"status\":\"ready\"}"));
}

static int show_metrics(struct call *call, const struct http_request *request, struct http_response *response)
{
    CLEANUP(buf_free) struct buf buf = BUF(METRICS_BYTES_MAX);

    (void)request;
    host_metrics_update(call->host);
    metrics_write(&buf);
    TRY(buf_error(&buf));
    struct str text = arena_copy(call->arena, buf_str(&buf));
    return text.ptr ? answer(response, "text/plain; version=0.0.4; charset=utf-8", text) : ERR_NO_MEMORY;
}

static int show_openapi(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct shell_state *state = call->state;

    (void)request;
    TRY(answer(response, "application/json", STR_EMPTY));
    response->blob = http_blob_ref(state->openapi);
    return 0;
}

static int show_api_page(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct api_page_file file;

    if (!api_page_find(str_skip(request->path, sizeof("/api/docs") - 1), &file))
        return call_fail(call, ERR_NOT_FOUND, "no_such_path", NULL, "There is nothing at this address.");
    http_response_header(response, STR("Content-Security-Policy"), STR(API_PAGE_CSP));
    return answer(response, file.content_type, file.bytes);
}

static void stop(void *argument)
{
    struct shell_state *state = argument;

    http_blob_unref(state->openapi);
    free(state);
}

static int start(struct call *call, void **ret_state)
{
    CLEANUP(buf_free) struct buf buf = BUF(OPENAPI_BYTES_MAX);
    const struct service *services[HOST_SERVICES_MAX + 1] = {0};
    struct shell_state *state = calloc(1, sizeof(*state));

    if (!state)
        return ERR_NO_MEMORY;
    metrics_register_process();
    for (size_t i = 0; i < call->host->instance_count; i++)
        services[i] = call->host->instances[i].service;
    int result = openapi_write(services, &buf);
    if (result >= 0)
        state->openapi = http_blob_new(buf_str(&buf));
    if (!state->openapi) {
        free(state);
        return result < 0 ? result : ERR_NO_MEMORY;
    }
    *ret_state = state;
    return 0;
}

const struct service shell_service = {
    .name = "shell",
    .port = 3000,
    .help = "Health, metrics and the API's description",
    .no_prefix = true,
    .no_database = true,
    .routes =
        (const struct route[]){
            {"GET", "/health/live", RAW(show_live), .auth = AUTH_ANYONE, .rate = RATE_NONE, .inline_ok = true,
             .internal = true},
            {"GET", "/health/ready", RAW(show_ready), .auth = AUTH_ANYONE, .rate = RATE_NONE, .internal = true},
            {"GET", "/metrics", RAW(show_metrics), .auth = AUTH_ANYONE, .rate = RATE_NONE, .internal = true},
            {"GET", "/api/openapi.json", RAW(show_openapi), .auth = AUTH_ANYONE, .inline_ok = true, .internal = true},
            {"GET", "/api/docs", RAW(show_api_page), .auth = AUTH_ANYONE, .inline_ok = true, .internal = true},
            {"GET", "/api/docs/{file}", RAW(show_api_page), .auth = AUTH_ANYONE, .inline_ok = true, .internal = true},
            {0},
        },
    .start = start,
    .stop = stop,
};
