/* One row of a service table → one operation of the OpenAPI document, and what operations share; private to
 * platform/wire. */
#pragma once

#include "platform/wire/openapi_schema.h"

/* Writes the operation as the member named after its method of a path item that is open. */
void openapi_write_operation(struct json_writer *w, struct schema_list *list, const struct service *service,
                             const struct route *route);

/* The problem responses that rows imply; ends with a NULL name. */
struct openapi_failure {
    int status;
    const char *name; /* of the component */
    const char *description;
};
extern const struct openapi_failure openapi_failures[];

/* The component of the answer to an If-None-Match that fits. */
#define OPENAPI_NOT_MODIFIED "NotModified"

/* Writes {"$ref": "#/components/<kind>/<name>"}. */
void openapi_write_shared_reference(struct json_writer *w, const char *kind, const char *name);

/* Writes the members securitySchemes, parameters, headers and responses of components. */
void openapi_write_shared_components(struct json_writer *w);

/* Writes the component schema of problem+json as a member of schemas. */
void openapi_write_problem_schema(struct json_writer *w);
