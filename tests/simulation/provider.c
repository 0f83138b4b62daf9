/* The payment provider: the emulator in a host and on a disk of its own, in the world, where nothing crashes. */
#include "services/services.h"
#include "tests/simulation/simulation.h"

#include <stdio.h>

#define WORKERS 4
#define CONNECTIONS_MAX 16
#define DRAIN_MS 1000
#define DECIDE_TIMEOUT_MS 3000
#define DECIDE_ARENA_BYTES ((size_t)1 << 20)
#define ANSWER_BYTES_MAX ((size_t)64 << 10)

#define KEY_BYTES 512

static char shop_key[KEY_BYTES]; /* "Bearer …", as the shop sent it */

static const struct service *const services[] = {&stripe_emulator_service, NULL};

/* What the shop asks the provider. */
static int answer_shop(void *context, const struct http_request *request, struct arena *arena,
                       struct http_response *ret_response)
{
    struct simulation *sim = context;
    struct http_request asked = *request;
    struct http_header headers[HTTP_HEADERS_MAX];
    for (size_t i = 0; i < request->header_count; i++) {
        headers[i] = request->headers[i];
        if (str_equal(headers[i].name, STR("authorization")))
            snprintf(shop_key, sizeof(shop_key), "%.*s", STR_FORMAT(headers[i].value));
        bool is_refund = str_starts_with(request->path, STR("/v1/refunds"));
        bool is_planted = sim->plant == (is_refund ? PLANT_DOUBLE_REFUND : PLANT_DOUBLE_CHARGE);
        if (is_planted && str_equal(headers[i].name, STR("idempotency-key")))
            headers[i].value = plant_provider_key(arena, headers[i].value);
    }
    asked.headers = headers;
    return host_handle(sim->provider, host_instance(sim->provider, "stripe_emulator"), &asked, arena, ret_response);
}

/* What the provider tells the shop. */
static int answer_provider(void *context, const struct http_request *request, struct arena *arena,
                           struct http_response *ret_response)
{
    struct simulation *sim = context;
    return sim->shop ? host_handle(sim->shop, NULL, request, arena, ret_response) : ERR_UNAVAILABLE;
}

void provider_start(struct simulation *sim)
{
    char message[512] = "";
    struct host_options options = {
        .services = services,
        .config = sim->config,
        .data_path = sim->folder,
        .sql_vfs = PROVIDER_VFS,
        .worker_count = WORKERS,
    };
    ASSERT(http_client_new(&options.http_client, CONNECTIONS_MAX) == 0);
    if (host_new(&sim->provider, &options, message) < 0)
        violated("the provider starts", "%s", message);
    simulated_network_add_peer(PROVIDER_AUTHORITY, SIMULATOR_WORLD, answer_shop, sim);
    simulated_network_add_peer(SHOP_AUTHORITY, SIMULATOR_PROCESS, answer_provider, sim);
}

void provider_stop(struct simulation *sim)
{
    host_free(sim->provider, DRAIN_MS);
    sim->provider = NULL;
}

int provider_ask(const char *path, const char *content_type, const char *body)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(DECIDE_ARENA_BYTES);
    const struct http_header headers[] = {{STR("authorization"), str_from_cstr(shop_key)},
                                          {STR("content-type"), str_from_cstr(content_type)}};
    struct http_request request = {
        .method = HTTP_POST,
        .target = str_from_cstr(path),
        .path = str_from_cstr(path),
        .host = STR("127.0.0.1"),
        .scheme = STR("http"),
        .body = str_from_cstr(body),
        .peer = STR("127.0.0.1"),
        .headers = headers,
        .header_count = 2,
        .version = 11,
    };
    struct http_response response = {0};
    ASSERT(arena);
    if (!shop_key[0])
        return 0;
    struct service_instance *emulator = host_instance(simulation.provider, "stripe_emulator");
    return host_handle(simulation.provider, emulator, &request, arena, &response) < 0 ? 0 : response.status;
}

bool provider_decide(struct str url, bool approve)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(DECIDE_ARENA_BYTES);
    const struct http_header headers[] = {{STR("Content-Type"), STR("application/x-www-form-urlencoded")}};
    const struct http_client_request request = {
        .method = HTTP_POST,
        .url = url,
        .headers = headers,
        .header_count = 1,
        .body = approve ? STR("decision=approve") : STR("decision=refuse"),
        .timeout_ms = DECIDE_TIMEOUT_MS,
        .body_bytes_max = ANSWER_BYTES_MAX,
    };
    struct http_client_response response;
    ASSERT(arena);
    return http_client_fetch(NULL, arena, &request, &response) == 0 && response.status < 500;
}
