/* shell: what stands at the root of the shop's address: its pages, their files, the sessions of browsers, and the API's
 * description. */
#include "platform/base/buf.h"
#include "platform/base/config.h"
#include "platform/net/http.h"
#include "platform/service/host.h"
#include "platform/service/shop_settings.h"
#include "platform/wire/api_page.h"
#include "platform/wire/openapi.h"
#include "services/shell/session.h"
#include "services/shell/shell.h"
#include "services/shell/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OPENAPI_BYTES_MAX (4u << 20)

enum { CONFIG_WEB };

static const struct config_row config[] = {
    [CONFIG_WEB] = {"SHOPSTREAM_WEB", CONFIG_PATH, "", 0, SERVICE_PATH_BYTES - 1,
                    "The folder of what the build made for browsers (frontend, pictures); empty: beside the program"},
    {0},
};

/* -- The API's description ----------------------------------------------------------------------------------------- */

static int show_api_page(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct api_page_file file;

    if (!api_page_find(str_skip(request->path, sizeof("/api/docs") - 1), &file))
        return call_fail(call, ERR_NOT_FOUND, "no_such_path", NULL, "There is nothing at this address.");
    http_response_header(response, STR("Content-Security-Policy"), STR(API_PAGE_CSP));
    return call_answer(call, response, file.content_type, "no-cache", file.bytes);
}

/* Of the services that run here. */
static struct http_blob *describe_api(const struct service_host *host)
{
    CLEANUP(buf_free) struct buf buf = BUF(OPENAPI_BYTES_MAX);
    const struct service *services[HOST_SERVICES_MAX + 1] = {0};

    for (size_t i = 0; i < host->instance_count; i++)
        services[i] = host->instances[i].service;
    return openapi_write(services, &buf) < 0 ? NULL : http_blob_new(buf_str(&buf));
}

static int show_openapi(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct shell_state *state = call->state;

    (void)request;
    TASK_LOCKED(&state->mutex);
    if (!state->openapi)
        state->openapi = describe_api(call->host);
    if (!state->openapi)
        return ERR_NO_MEMORY;
    TRY(call_answer(call, response, "application/json", "no-cache", STR_EMPTY));
    response->blob = http_blob_ref(state->openapi);
    return 0;
}

/* -- Start and stop ------------------------------------------------------------------------------------------------ */

static void find_folder(const struct config *settings, char ret_path[SERVICE_PATH_BYTES])
{
    struct str given = config_get_str(settings, &config[CONFIG_WEB]);
    char program[SERVICE_PATH_BYTES];

    if (!given.len) {
        ssize_t length = readlink("/proc/self/exe", program, sizeof(program));
        while (length > 0 && program[length - 1] != '/')
            length--;
        given = str_from(program, length > 0 ? (size_t)length - 1 : 0);
    }
    snprintf(ret_path, SERVICE_PATH_BYTES, "%.*s", STR_FORMAT(given));
}

static void stop(void *argument)
{
    struct shell_state *state = argument;

    http_blob_unref(state->openapi);
    shell_stop_renderer(state);
    web_free(state->web);
    task_mutex_destroy(&state->mutex);
    free(state);
}

static int fill(struct call *call, struct shell_state *state)
{
    const struct config *settings = call->host->options.config;
    char folder[SERVICE_PATH_BYTES];

    state->name = config_get_str(settings, &shop_settings[SHOP_NAME]);
    state->locale = config_get_str(settings, &shop_settings[SHOP_LOCALE]);
    state->country = config_get_str(settings, &shop_settings[SHOP_COUNTRY]);
    state->currency = config_get_str(settings, &shop_settings[SHOP_CURRENCY]);
    find_folder(settings, folder);
    TRY(web_new(&state->web, folder, &call->log));
    return shell_start_renderer(state);
}

static int start(struct call *call, void **ret_state)
{
    struct shell_state *state = calloc(1, sizeof(*state));

    if (!state)
        return ERR_NO_MEMORY;
    task_mutex_init(&state->mutex);
    int result = fill(call, state);
    if (result < 0)
        stop(state);
    else
        *ret_state = state;
    return result;
}

/* -- The table ----------------------------------------------------------------------------------------------------- */

/* A page that is the same for everybody is kept until something that it shows changes; others are filled for who asks.
 */
#define PAGE .raw = show_page, .auth = AUTH_ANYONE, .internal = true
#define FILE_ROW .auth = AUTH_ANYONE, .rate = RATE_NONE, .internal = true

static const struct route routes[] = {
    {"GET", "/", PAGE, .cached = true},
    {"GET", "/c/{category}", PAGE, .cached = true},
    {"GET", "/search", PAGE, .cached = true},
    {"GET", "/products/{slug}", PAGE, .cached = true},
    {"GET", "/cart", PAGE},
    {"GET", "/checkout", PAGE},
    {"GET", "/orders", PAGE},
    {"GET", "/orders/{id}", PAGE},
    {"GET", "/login", PAGE},
    {"GET", "/signup", PAGE},
    {"GET", "/verify", PAGE},
    {"GET", "/forgot", PAGE},
    {"GET", "/account", PAGE},

    {"GET", "/api/shell/v1/pages", RPC(shell, get_page), .auth = AUTH_ANYONE, .rate = RATE_BROWSE, .tx = TX_NONE,
     .summary = "The document of a page of the shop: all that it shows"},
    {"GET", "/visitor", RPC(shell, get_visitor), .auth = AUTH_ANYONE, .rate = RATE_BROWSE, .tx = TX_NONE,
     .summary = "Who looks at the shop, and how much is in the cart"},

    {"GET", "/assets/{app}/{file}", RAW(show_asset), FILE_ROW, .inline_ok = true},
    {"GET", "/pictures/{file}", RAW(show_picture), FILE_ROW},
    {"GET", "/favicon.ico", RAW(show_favicon), FILE_ROW, .inline_ok = true},
    {"GET", "/robots.txt", RAW(show_robots), FILE_ROW, .inline_ok = true},
    {"GET", "/sitemap.xml", RAW(show_sitemap), .auth = AUTH_ANYONE, .internal = true, .cached = true},
    {"GET", "/sitemap/{file}", RAW(show_sitemap_part), .auth = AUTH_ANYONE, .internal = true, .cached = true},

    {"GET", "/api/openapi.json", RAW(show_openapi), .auth = AUTH_ANYONE, .inline_ok = true, .internal = true},
    {"GET", "/api/docs", RAW(show_api_page), .auth = AUTH_ANYONE, .inline_ok = true, .internal = true},
    {"GET", "/api/docs/{file}", RAW(show_api_page), .auth = AUTH_ANYONE, .inline_ok = true, .internal = true},
    {"POST", "/session", RPC(shell, create_session), .auth = AUTH_ANYONE, .rate = RATE_SIGN_IN, .tx = TX_NONE,
     .browser = true, .summary = "Sign a browser in: the tokens go into cookies"},
    {"POST", "/session/refresh", RPC(shell, refresh_session), .auth = AUTH_ANYONE, .rate = RATE_WRITE, .tx = TX_NONE,
     .browser = true, .summary = "New tokens for the browser's cookies"},
    {"DELETE", "/session", RPC(shell, delete_session), .auth = AUTH_ANYONE, .rate = RATE_WRITE, .tx = TX_NONE,
     .browser = true, .summary = "Sign the browser out"},
    {0},
};

const struct service shell_service = {
    .name = "shell",
    .port = 3000,
    .help = "The shop's pages, and the API's description",
    .no_prefix = true,
    .no_database = true,
    .calls = (const char *const[]){"catalog", "identity", "orders", "payments", NULL},
    .routes = routes,
    .config = config,
    .find_folder = find_folder,
    .show_problem = show_problem_page,
    .start = start,
    .stop = stop,
};
