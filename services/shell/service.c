/* shell: what stands at the root of the shop's address: the API's description. Pages come here. */
#include "platform/base/buf.h"
#include "platform/net/http.h"
#include "platform/service/host.h"
#include "platform/wire/api_page.h"
#include "platform/wire/openapi.h"

#include <stdlib.h>

#define OPENAPI_BYTES_MAX (4u << 20)

struct shell_state {
    struct http_blob *openapi;
};

static int show_openapi(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct shell_state *state = call->state;

    (void)request;
    TRY(call_answer(call, response, "application/json", "no-cache", STR_EMPTY));
    response->blob = http_blob_ref(state->openapi);
    return 0;
}

static int show_api_page(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct api_page_file file;

    if (!api_page_find(str_skip(request->path, sizeof("/api/docs") - 1), &file))
        return call_fail(call, ERR_NOT_FOUND, "no_such_path", NULL, "There is nothing at this address.");
    http_response_header(response, STR("Content-Security-Policy"), STR(API_PAGE_CSP));
    return call_answer(call, response, file.content_type, "no-cache", file.bytes);
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
    .help = "The API's description",
    .no_prefix = true,
    .no_database = true,
    .routes =
        (const struct route[]){
            {"GET", "/api/openapi.json", RAW(show_openapi), .auth = AUTH_ANYONE, .inline_ok = true, .internal = true},
            {"GET", "/api/docs", RAW(show_api_page), .auth = AUTH_ANYONE, .inline_ok = true, .internal = true},
            {"GET", "/api/docs/{file}", RAW(show_api_page), .auth = AUTH_ANYONE, .inline_ok = true, .internal = true},
            {0},
        },
    .start = start,
    .stop = stop,
};
