/* Finds the row of a service's table that a request asks for. */
#pragma once

#include "platform/service/service.h"

#define ROUTE_SEGMENTS_MAX 12
#define ROUTE_PARAMETERS_MAX 4

struct router;

/* Compiles the REST rows of a table. ASSERTs that each row is well formed: a programmer writes them. */
struct router *router_new(const struct service *service);
void router_free(struct router *router);

struct route_match {
    const struct route *route; /* NULL when the path exists without the method */
    unsigned methods;          /* bit (1 << enum http_method) for each method that the path has */
    size_t parameter_count;
    struct {
        struct str name;
        struct str value; /* still percent-encoded */
    } parameters[ROUTE_PARAMETERS_MAX];
};

/* Matches a path below the service's prefix ("/v1/products/x"). A fixed segment wins over a parameter; HEAD matches
 * GET. False when no row has the path. */
bool router_match(const struct router *router, enum http_method method, struct str path, struct route_match *ret_match);
