/* The process under test. */
#include "tests/simulation/simulation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#define WORKERS 6
#define TOO_OFTEN 429
#define CONNECTIONS_MAX 8
#define START_AGAIN_MS 1000
#define DRAIN_MS 10000
#define STAFF_TIMEOUT_MS 20000
#define STAFF_ARENA_BYTES ((size_t)4 << 20)
#define STOP_WAIT_MS 100
#define INSIST_MAX 400
#define HEADER_BYTES (TOKEN_BYTES + 16)

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
        .rate_limits = true,
        .faults = faults_plan(sim),
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

int64_t shop_latest_ms(void)
{
    int64_t wall_ms = simulator_process_wall_ms(), steady_ms = simulator_process_steady_ms();
    return wall_ms > steady_ms ? wall_ms : steady_ms;
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

static void add_header(struct http_request *http, struct http_header headers[SHOP_HEADERS_MAX], const char *name,
                       const char *value)
{
    if (!value || !value[0])
        return;
    ASSERT(http->header_count < SHOP_HEADERS_MAX);
    headers[http->header_count++] = (struct http_header){str_from_cstr(name), str_from_cstr(value)};
}

static void add_headers(struct http_request *http, const struct shop_request *request,
                        struct http_header headers[SHOP_HEADERS_MAX], char text[3][HEADER_BYTES])
{
    if (request->token && request->token[0])
        snprintf(text[0], HEADER_BYTES, "Bearer %s", request->token);
    if (request->if_match)
        snprintf(text[1], HEADER_BYTES, "\"%" PRId64 "\"", request->if_match);
    if (request->wait_s)
        snprintf(text[2], HEADER_BYTES, "wait=%d", request->wait_s);
    add_header(http, headers, "x-tenant", tenant_name(request->tenant));
    add_header(http, headers, "content-type", request->body.len ? "application/json" : "");
    add_header(http, headers, "authorization", text[0]);
    add_header(http, headers, "x-guest-token", request->guest_token);
    add_header(http, headers, "idempotency-key", request->key);
    add_header(http, headers, "if-match", text[1]);
    add_header(http, headers, "prefer", text[2]);
    http->headers = headers;
}

static void handle(void *argument)
{
    struct shop_request *request = argument;
    struct service_host *shop = simulation.shop;
    struct http_header headers[SHOP_HEADERS_MAX];
    char text[3][HEADER_BYTES] = {"", "", ""};
    if (!shop)
        return;
    struct str target = str_from_cstr(request->target);
    ptrdiff_t question = str_find_char(target, '?');
    struct http_request http = {
        .method = request->method,
        .target = target,
        .path = question < 0 ? target : str_slice(target, 0, (size_t)question),
        .query = question < 0 ? STR_EMPTY : str_skip(target, (size_t)question + 1),
        .host = STR("localhost"),
        .scheme = STR("http"),
        .body = request->body,
        .peer = STR("127.0.0.1"),
        .version = 11,
    };
    struct http_response response = {0};
    add_headers(&http, request, headers, text);
    if (host_handle(shop, NULL, &http, request->arena, &response) < 0)
        return;
    request->answer = response.blob ? arena_copy(request->arena, http_blob_bytes(response.blob)) : response.body;
    http_blob_unref(response.blob);
    http_blob_unref(response.head_blob);
    request->status = response.status;
    request->stream = response.stream;
}

/* Somebody who does two things at once may be given another token, or none, while this request is on its way. */
static const char *keep(const struct shop_request *request, const char *token)
{
    const char *kept = token ? arena_printf(request->arena, "%s", token) : NULL;
    ASSERT(!token || kept);
    return kept;
}

bool shop_ask(struct shop_request *request)
{
    request->token = keep(request, request->token);
    request->guest_token = keep(request, request->guest_token);
    request->status = 0;
    request->answer = STR_EMPTY;
    request->stream = NULL;
    plant_late_request(request);
    if (simulation.is_offline || !simulator_call_process("request", handle, request))
        request->status = 0;
    /* Whoever asks too often asks again: nothing was done. */
    if (request->status == TOO_OFTEN)
        request->status = 0;
    /* Some answers get lost on their way, though everything was done. */
    if (request->status && simulation.is_faulty && random_permille(20)) {
        simulation.struck.kinds[STRUCK_SHOP_ANSWER_LOST]++;
        request->status = 0;
    }
    return request->status != 0;
}

/* -- Answers ------------------------------------------------------------------------------------------------------- */

bool answer_has_code(const struct shop_request *request, const char *code)
{
    char needle[ID_BYTES];
    snprintf(needle, sizeof(needle), "\"code\":\"%s\"", code);
    return str_find(request->answer, str_from_cstr(needle)) >= 0;
}

static yyjson_val *find_member(yyjson_doc *doc, const char *path)
{
    yyjson_val *value = yyjson_doc_get_root(doc);
    while (value && *path) {
        size_t length = strcspn(path, "/");
        value = yyjson_obj_getn(value, path, length);
        path += length + (path[length] == '/');
    }
    return value;
}

void answer_text(const struct shop_request *request, const char *path, char *to, size_t size)
{
    yyjson_doc *doc = request->answer.len ? yyjson_read(request->answer.ptr, request->answer.len, 0) : NULL;
    const char *text = yyjson_get_str(find_member(doc, path));
    if (request->answer.len && !doc)
        violated("answers are JSON", "%.*s", STR_FORMAT(request->answer));
    if (text && strlen(text) >= size)
        violated("answers are of the size that they should be", "%s: %s", path, text);
    snprintf(to, size, "%s", text ? text : "");
    yyjson_doc_free(doc);
}

int64_t answer_number(const struct shop_request *request, const char *path)
{
    yyjson_doc *doc = request->answer.len ? yyjson_read(request->answer.ptr, request->answer.len, 0) : NULL;
    int64_t number = yyjson_get_sint(find_member(doc, path));
    yyjson_doc_free(doc);
    return number;
}

/* -- What the command line asks ------------------------------------------------------------------------------------ */

struct inside_call {
    const char *service, *tenant;
    shop_call_fn *fn;
    void *argument;
    int result;
};

static void run_inside(void *argument)
{
    struct inside_call *inside = argument;
    struct service_instance *instance = simulation.shop ? host_instance(simulation.shop, inside->service) : NULL;
    if (!instance)
        return;
    struct arena *arena = arena_new(STAFF_ARENA_BYTES);
    struct call *call = arena ? arena_alloc(arena, sizeof(*call)) : NULL;
    ASSERT(call &&
           host_call_begin(instance, arena, str_from_cstr(inside->tenant), STR_EMPTY, STAFF_TIMEOUT_MS, call) == 0);
    int result = inside->fn(call, inside->argument);
    if (result < 0)
        note("inside: %s", call->problem.detail);
    inside->result = result;
    arena_free(arena);
}

int shop_call(const char *service, int tenant, shop_call_fn *fn, void *argument)
{
    struct inside_call inside = {service, tenant_name(tenant), fn, argument, ERR_UNAVAILABLE};
    return simulator_call_process("inside", run_inside, &inside) ? inside.result : ERR_UNAVAILABLE;
}
