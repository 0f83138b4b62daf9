/* Who may call what: the rows of the service tables, as they are compiled in. */
#include "cli/settings.h"
#include "cli/shop.h"
#include "cli/terminal.h"
#include "platform/service/host.h"
#include "platform/wire/json_writer.h"
#include "platform/wire/openapi.h"
#include "services/services.h"

#define ROUTES_BYTES_MAX ((size_t)1 << 20)
#define CALL_NAME_MAX 96
#define PATH_BYTES_MAX 256

struct row {
    const struct service *service;
    const struct route *route;
    char path[PATH_BYTES_MAX];    /* whole; empty where there is none */
    char function[CALL_NAME_MAX]; /* "catalog.list_products"; empty for a raw handler */
};

typedef int row_fn(const struct row *row, void *argument);

static void fill_row(struct row *row, const struct service *service, const struct route *route)
{
    bool has_prefix = !service->no_prefix && !service->own_listener;

    *row = (struct row){.service = service, .route = route};
    if (route->path)
        snprintf(row->path, sizeof(row->path), "%s%s%s", has_prefix ? "/api/" : "", has_prefix ? service->name : "",
                 route->path);
    if (route->rpc)
        snprintf(row->function, sizeof(row->function), "%s.%s", service->name, route->rpc->name);
}

static int for_each_row(const struct service *const *services, row_fn *fn, void *argument)
{
    for (; *services; services++) {
        for (const struct route *route = (*services)->routes; route && (route->rpc || route->raw); route++) {
            struct row row;

            fill_row(&row, *services, route);
            TRY(fn(&row, argument));
        }
    }
    return 0;
}

/* -- JSON ---------------------------------------------------------------------------------------------------------- */

static int write_row(const struct row *row, void *argument)
{
    struct json_writer *w = argument;

    json_begin_object(w);
    json_member_string(w, "service", row->service->name);
    json_member_string(w, "method", row->route->method);
    json_member_string(w, "path", row->path[0] ? row->path : NULL);
    json_member_string(w, "rpc", row->function[0] ? row->function : NULL);
    json_member_string(w, "auth", openapi_auth_name(row->route->auth));
    json_member_bool(w, "own_listener", row->service->own_listener);
    json_member_bool(w, "in_openapi", row->route->method && !row->route->internal && !row->service->own_listener);
    json_member_bool(w, "browser", row->route->browser);
    json_member_bool(w, "key_required", row->route->key_required);
    json_member_bool(w, "idempotent", row->route->idempotent);
    json_member_bool(w, "if_match", row->route->if_match != IF_MATCH_REFUSED);
    json_member_bool(w, "if_match_required", row->route->if_match == IF_MATCH_REQUIRED);
    json_end_object(w);
    return buf_error(w->buf);
}

static int print_json(const struct service *const *services)
{
    CLEANUP(buf_free) struct buf buf = BUF(ROUTES_BYTES_MAX);
    struct json_writer w = {.buf = &buf};

    json_begin_object(&w);
    json_member_array(&w, "routes");
    if (for_each_row(services, write_row, &w) < 0)
        return say_failed("there are too many rows");
    json_end_array(&w);
    json_end_object(&w);
    if (buf_error(&buf) < 0)
        return say_failed("there are too many rows");
    printf("%.*s\n", STR_FORMAT(buf_str(&buf)));
    return EXIT_DONE;
}

/* -- The table ----------------------------------------------------------------------------------------------------- */

struct listing {
    struct table table;
    struct arena *arena;
};

static int list_row(const struct row *row, void *argument)
{
    struct listing *listing = argument;
    const struct route *route = row->route;
    const char *cells[TABLE_COLUMNS_MAX] = {
        openapi_auth_name(route->auth), route->method ? route->method : "-",
        arena_printf(listing->arena, "%s", row->path[0] ? row->path : row->function),
        row->service->own_listener ? "own port"
        : route->method            ? "shop"
                                   : "no address"};

    return cells[2] ? table_add(&listing->table, listing->arena, cells) : ERR_NO_MEMORY;
}

int command_routes(const struct command_options *options)
{
    const struct service *services[HOST_SERVICES_MAX + 1] = {0};
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ROUTES_BYTES_MAX);
    struct listing listing = {.table.headings = {"WHO", "METHOD", "WHAT", "WHERE"}, .arena = arena};
    int status = choose_services(options->services, services);

    if (status != EXIT_DONE)
        return status;
    if (options->json)
        return print_json(services);
    if (!arena || for_each_row(services, list_row, &listing) < 0)
        return say_failed("there are too many rows for a table; use --json");
    table_print(&listing.table);
    return EXIT_DONE;
}
