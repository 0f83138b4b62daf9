/* Answers to what was refused before it became a request: by the parser, or for want of memory. As every other answer
 * that is no success it is a problem+json with a trace id, counted (of the service "none") and logged; nothing of what
 * was sent is in it. Needs no arena, as there may be none with room. */
#pragma once

#include "platform/net/http.h"

struct service_host;

/* detail is a constant sentence. ret_response gets a blob. */
void host_refusal_fill(struct service_host *host, int status, const char *detail, struct http_response *ret_response);
