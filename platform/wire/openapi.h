/* The REST surface as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.0), from the service tables and the
 * schema: what /api/openapi.json answers and `shopstream openapi` prints.
 *
 * Paths are /api/<service><path>; a service with no_prefix stands at the root. Left out: services with a listener of
 * their own, rows marked internal, and RPCs without a path. The same tables always give the same bytes. */
#pragma once

#include "platform/service/service.h"

struct buf;

#define OPENAPI_SCHEMAS_MAX 512 /* component schemas; more is ERR_TOO_LARGE */
#define OPENAPI_SESSION_COOKIE "__Host-session"

/* Appends the document; services ends with NULL. ERR_TOO_LARGE or ERR_NO_MEMORY, from the limit or the buffer. */
int openapi_write(const struct service *const *services, struct buf *buf);

/* Whom a row lets in, as the document's x-auth says it: "anyone", "staff", … */
const char *openapi_auth_name(enum auth auth);
