/* The process under test. */
#include "tests/simulation/simulation.h"

#include <stdio.h>
#include <stdlib.h>

#define WORKERS 6
#define CONNECTIONS_MAX 8
#define START_AGAIN_MS 1000
#define DRAIN_MS 10000
#define STAFF_TIMEOUT_MS 20000
#define STAFF_ARENA_BYTES ((size_t)4 << 20)
#define STOP_WAIT_MS 100

/* -- Life ---------------------------------------------------------------------------------------------------------- */

static struct service_host *start(struct simulation *sim)
{
    bool was_faulty = sim->is_faulty;
    char message[512] = "";
    struct service_host *host;
    struct host_options options = {
        .services = plant_services(sim->plant),
        .config = sim->config,
        .data_path = sim->folder,
        .sql_vfs = SHOP_VFS,
        .worker_count = WORKERS,
    };
    ASSERT(http_client_new(&options.http_client, CONNECTIONS_MAX) == 0);
    int error = host_new(&host, &options, message);
    if (error == 0 && sim->plant == PLANT_LOST_EVENT)
        error = plant_lost_event(host);
    if (error == 0)
        return host;
    if (!was_faulty)
        violated("the shop starts on whatever a crash left", "%s (%s)", message, error_name(error));
    note("the shop did not start: %s (%s)", message, error_name(error));
    return NULL;
}

void shop_main(void *argument, unsigned incarnation)
{
    struct simulation *sim = argument;
    note("incarnation %u starts", incarnation);
    task_mutex_init(&sim->stop_mutex);
    task_cond_init(&sim->stop_changed);
    struct service_host *host = start(sim);
    if (!host) {
        task_sleep_ms(START_AGAIN_MS);
        simulator_crash(); /* whoever watches over the process starts it again */
        return;
    }
    sim->shop = host;
    task_mutex_lock(&sim->stop_mutex);
    while (!sim->is_stopping)
        task_cond_wait(&sim->stop_changed, &sim->stop_mutex);
    task_mutex_unlock(&sim->stop_mutex);
    sim->shop = NULL;
    host_free(host, DRAIN_MS);
    sim->is_stopped = true;
}

static void stop(void *argument)
{
    struct simulation *sim = argument;
    TASK_LOCKED(&sim->stop_mutex);
    sim->is_stopping = true;
    task_cond_broadcast(&sim->stop_changed);
}

void shop_stop(void)
{
    while (!simulation.is_stopped) {
        if (simulation.shop && !simulation.is_stopping)
            simulator_call_process("stop", stop, &simulation);
        task_sleep_ms(STOP_WAIT_MS);
    }
}

/* -- Requests ------------------------------------------------------------------------------------------------------ */

static void handle(void *argument)
{
    struct shop_request *request = argument;
    struct service_host *shop = simulation.shop;
    if (!shop)
        return;
    struct str target = str_from_cstr(request->target);
    ptrdiff_t question = str_find_char(target, '?');
    const struct http_request http = {
        .method = request->method,
        .target = target,
        .path = question < 0 ? target : str_slice(target, 0, (size_t)question),
        .query = question < 0 ? STR_EMPTY : str_skip(target, (size_t)question + 1),
        .host = STR("localhost"),
        .scheme = STR("http"),
        .body = request->body,
        .peer = STR("127.0.0.1"),
        .headers = request->headers,
        .header_count = request->header_count,
        .version = 11,
    };
    struct http_response response = {0};
    if (host_handle(shop, NULL, &http, request->arena, &response) < 0)
        return;
    request->answer = response.blob ? arena_copy(request->arena, http_blob_bytes(response.blob)) : response.body;
    http_blob_unref(response.blob);
    http_blob_unref(response.head_blob);
    request->status = response.status;
}

bool shop_ask(struct shop_request *request)
{
    request->status = 0;
    if (!simulator_call_process("request", handle, request))
        request->status = 0;
    /* Some answers get lost on their way, though everything was done. */
    if (simulation.is_faulty && random_permille(20))
        request->status = 0;
    return request->status != 0;
}

struct staff_call {
    const char *service;
    shop_call_fn *fn;
    void *argument;
    int result;
};

static void run_staff_call(void *argument)
{
    struct staff_call *staff = argument;
    struct service_instance *instance = simulation.shop ? host_instance(simulation.shop, staff->service) : NULL;
    if (!instance)
        return;
    struct arena *arena = arena_new(STAFF_ARENA_BYTES);
    struct call *call = arena ? arena_alloc(arena, sizeof(*call)) : NULL;
    ASSERT(call && host_call_begin(instance, arena, STR(TENANT_DEFAULT), STR_EMPTY, STAFF_TIMEOUT_MS, call) == 0);
    int result = staff->fn(call, staff->argument);
    if (result < 0)
        note("staff: %s", call->problem.detail);
    staff->result = result;
    arena_free(arena);
}

int shop_call(const char *service, shop_call_fn *fn, void *argument)
{
    struct staff_call staff = {service, fn, argument, ERR_UNAVAILABLE};
    return simulator_call_process("staff", run_staff_call, &staff) ? staff.result : ERR_UNAVAILABLE;
}
