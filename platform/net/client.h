/* The HTTP client: for the payment provider, later for S3, DynamoDB, OpenSearch. Blocks the calling task; called from
 * workers and jobs, never on a loop. Connections are pooled and kept alive.
 *
 * Two makes, chosen when a program is linked: client_curl.c (libcurl), and the simulation's, which answers in process
 * and injects faults. */
#pragma once

#include "platform/net/http.h"

struct http_client;

struct http_client_request {
    enum http_method method;
    struct str url; /* absolute; http or https */
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    int64_t timeout_ms;    /* the whole exchange; > 0 */
    size_t body_bytes_max; /* of the answer: ERR_TOO_LARGE beyond */
};

struct http_client_response {
    int status;
    const struct http_header *headers; /* names in lower case; in the arena */
    size_t header_count;
    struct str body;
};

/* connections_max: kept open per host. */
int http_client_new(struct http_client **ret_client, unsigned connections_max);
void http_client_free(struct http_client *client);

/* Before the first fetch: the authorities whose certificates are believed of servers, as PEM, in place of those that
 * the system knows. The text is copied. Whatever they are, a server must have a certificate for its name. */
int http_client_trust(struct http_client *client, struct str authorities_pem);

#define HTTP_CLIENT_PORTS_MAX 2

/* The TCP ports that fetches of a URL connect to: the server's, and that of the proxy which the environment names for
 * it. ERR_INVALID where either is no address. For the make by libcurl. */
int http_client_ports(const char *url, unsigned short ret_ports[HTTP_CLIENT_PORTS_MAX], size_t *ret_count);

/* 0 for any HTTP answer, whatever its status. ERR_DEADLINE when the time is up (whether the peer acted is not known),
 * ERR_UNAVAILABLE when no answer came, ERR_INVALID for a URL that is not one, ERR_TOO_LARGE, ERR_NO_MEMORY.
 * Redirects are not followed. */
int http_client_fetch(struct http_client *client, struct arena *arena, const struct http_client_request *request,
                      struct http_client_response *ret_response);
