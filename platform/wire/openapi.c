#include "platform/wire/openapi.h"

#include "platform/wire/openapi_operation.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH_MAX_BYTES 256

/* An RPC without a path, or the empty row at the end, has no method. */
static bool is_end(const struct route *route)
{
    return !route->method && !route->rpc && !route->raw;
}

static bool is_shown(const struct route *route)
{
    return route->method && route->path && !route->internal;
}

static bool has_shown_routes(const struct service *service)
{
    for (const struct route *route = service->own_listener ? NULL : service->routes; route && !is_end(route); route++) {
        if (is_shown(route))
            return true;
    }
    return false;
}

/* -- Paths --------------------------------------------------------------------------------------------------------- */

static bool is_first_of_its_path(const struct service *service, const struct route *route)
{
    for (const struct route *earlier = service->routes; earlier < route; earlier++) {
        if (is_shown(earlier) && strcmp(earlier->path, route->path) == 0)
            return false;
    }
    return true;
}

static void write_path(struct json_writer *w, struct schema_list *list, const struct service *service,
                       const struct route *first)
{
    char path[PATH_MAX_BYTES];
    if (service->no_prefix)
        snprintf(path, sizeof(path), "%s", first->path);
    else
        snprintf(path, sizeof(path), "/api/%s%s", service->name, first->path);
    json_member_object(w, path);
    for (const struct route *route = first; !is_end(route); route++) {
        if (is_shown(route) && strcmp(route->path, first->path) == 0)
            openapi_write_operation(w, list, service, route);
    }
    json_end_object(w);
}

static void write_paths(struct json_writer *w, struct schema_list *list, const struct service *const *services)
{
    json_member_object(w, "paths");
    for (; *services; services++) {
        if (!has_shown_routes(*services))
            continue;
        for (const struct route *route = (*services)->routes; !is_end(route); route++) {
            if (is_shown(route) && is_first_of_its_path(*services, route))
                write_path(w, list, *services, route);
        }
    }
    json_end_object(w);
}

/* -- The rest ------------------------------------------------------------------------------------------------------ */

static void write_info(struct json_writer *w)
{
    json_member_string(w, "openapi", "3.1.0");
    json_member_object(w, "info");
    json_member_string(w, "title", "Shopstream");
    json_member_string(w, "version", "1");
    json_member_string(w, "description",
                       "JSON is snake_case; money is an integer of minor units with its currency. Lists go by "
                       "cursor. Every error is application/problem+json (RFC 9457) and names the field to blame by "
                       "JSON pointer, or by ?name for a query parameter. Replies may gain fields; requests with "
                       "unknown fields are refused.");
    json_member_object(w, "license");
    json_member_string(w, "name", "Apache-2.0");
    json_member_string(w, "identifier", "Apache-2.0");
    json_end_object(w);
    json_end_object(w);
    json_member_array(w, "servers");
    json_begin_object(w);
    json_member_string(w, "url", "/");
    json_end_object(w);
    json_end_array(w);
}

static void write_tags(struct json_writer *w, const struct service *const *services)
{
    json_member_array(w, "tags");
    for (; *services; services++) {
        if (!has_shown_routes(*services))
            continue;
        json_begin_object(w);
        json_member_string(w, "name", (*services)->name);
        json_member_string(w, "description", (*services)->help);
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_document(struct json_writer *w, struct schema_list *list, const struct service *const *services)
{
    json_begin_object(w);
    write_info(w);
    write_tags(w, services);
    write_paths(w, list, services);
    json_member_object(w, "components");
    openapi_write_shared_components(w);
    json_member_object(w, "schemas");
    openapi_write_schemas(w, list);
    openapi_write_problem_schema(w);
    json_end_object(w);
    json_end_object(w);
    json_end_object(w);
}

int openapi_write(const struct service *const *services, struct buf *buf)
{
    struct schema_list list = {.entries = calloc(OPENAPI_SCHEMAS_MAX, sizeof(*list.entries))};
    if (!list.entries)
        return ERR_NO_MEMORY;
    struct json_writer w = {.buf = buf};
    write_document(&w, &list, services);
    free(list.entries);
    return list.error ? list.error : buf_error(buf);
}
