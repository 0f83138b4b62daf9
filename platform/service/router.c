#include "platform/service/router.h"

#include <stdlib.h>

struct segment {
    struct str text; /* of a fixed segment, or the parameter's name */
    bool is_parameter;
};

struct compiled_route {
    const struct route *route;
    enum http_method method;
    size_t segment_count;
    size_t parameter_count;
    struct segment segments[ROUTE_SEGMENTS_MAX];
};

struct router {
    size_t count;
    struct compiled_route routes[];
};

/* "/v1/products" gives "v1" and "products"; "/" gives one empty segment. */
static size_t split_path(struct str path, struct str ret_segments[ROUTE_SEGMENTS_MAX])
{
    struct str rest = str_skip(path, 1);
    struct str token;
    size_t count = 0;

    if (path.len == 1) {
        ret_segments[0] = STR("");
        return 1;
    }
    while (str_next_token(&rest, '/', &token)) {
        if (count == ROUTE_SEGMENTS_MAX)
            return ROUTE_SEGMENTS_MAX + 1;
        ret_segments[count++] = token;
    }
    return count;
}

static void compile_route(struct compiled_route *compiled, const struct route *route)
{
    struct str segments[ROUTE_SEGMENTS_MAX];

    compiled->route = route;
    compiled->method = http_method_from(str_from_cstr(route->method));
    compiled->segment_count = split_path(str_from_cstr(route->path), segments);
    ASSERT(compiled->method != HTTP_METHOD_COUNT && compiled->segment_count <= ROUTE_SEGMENTS_MAX);
    for (size_t i = 0; i < compiled->segment_count; i++) {
        struct str text = segments[i];
        bool is_parameter = text.len > 2 && text.ptr[0] == '{';

        if (is_parameter) {
            ASSERT(text.ptr[text.len - 1] == '}');
            compiled->parameter_count++;
            text = str_slice(text, 1, text.len - 2);
        }
        compiled->segments[i] = (struct segment){text, is_parameter};
    }
    ASSERT(compiled->parameter_count <= ROUTE_PARAMETERS_MAX);
}

struct router *router_new(const struct service *service)
{
    size_t count = 0;

    for (const struct route *route = service->routes; route->rpc || route->raw; route++)
        count += route->method != NULL;
    struct router *router = calloc(1, sizeof(*router) + count * sizeof(router->routes[0]));
    if (!router)
        return NULL;
    for (const struct route *route = service->routes; route->rpc || route->raw; route++) {
        ASSERT((route->rpc != NULL) == (route->handler != NULL) && (route->method != NULL) == (route->path != NULL));
        if (route->method)
            compile_route(&router->routes[router->count++], route);
    }
    return router;
}

void router_free(struct router *router)
{
    free(router);
}

static bool segments_match(const struct compiled_route *compiled, const struct str *segments, size_t count)
{
    if (compiled->segment_count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct segment *segment = &compiled->segments[i];

        if (segment->is_parameter ? segments[i].len == 0 : !str_equal(segment->text, segments[i]))
            return false;
    }
    return true;
}

static void take_parameters(const struct compiled_route *compiled, const struct str *segments,
                            struct route_match *ret_match)
{
    ret_match->route = compiled->route;
    ret_match->parameter_count = 0;
    for (size_t i = 0; i < compiled->segment_count; i++) {
        if (!compiled->segments[i].is_parameter)
            continue;
        ret_match->parameters[ret_match->parameter_count].name = compiled->segments[i].text;
        ret_match->parameters[ret_match->parameter_count++].value = segments[i];
    }
}

bool router_match(const struct router *router, enum http_method method, struct str path, struct route_match *ret_match)
{
    struct str segments[ROUTE_SEGMENTS_MAX];
    const struct compiled_route *best = NULL;
    unsigned methods = 0;

    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    size_t count = split_path(path, segments);
    if (count > ROUTE_SEGMENTS_MAX)
        return false;
    if (method == HTTP_HEAD)
        method = HTTP_GET;
    for (size_t i = 0; i < router->count; i++) {
        const struct compiled_route *compiled = &router->routes[i];

        if (!segments_match(compiled, segments, count))
            continue;
        methods |= 1u << compiled->method;
        if (compiled->method == method && (!best || compiled->parameter_count < best->parameter_count))
            best = compiled;
    }
    if (!methods)
        return false;
    *ret_match = (struct route_match){.methods = methods};
    if (best)
        take_parameters(best, segments, ret_match);
    return true;
}
