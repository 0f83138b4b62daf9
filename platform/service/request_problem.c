/* What a person who asked for a page sees in place of a problem: the page of the service that shows them. */
#include "platform/service/host.h"
#include "platform/service/request_parts.h"

static bool takes_html(const struct http_request *http)
{
    return str_find(http_header_find(http, "accept"), STR("text/html")) >= 0;
}

static struct service_instance *find_shower(const struct request *request)
{
    struct service_host *host = request->host;

    if (request->instance)
        return request->instance->service->show_problem ? request->instance : NULL;
    for (size_t i = 0; i < host->instance_count; i++) {
        if (host->instances[i].service->show_problem)
            return &host->instances[i];
    }
    return NULL;
}

bool request_wants_page(const struct request *request)
{
    const struct route *route = request->match.route;

    if (request->own || !http_is_read(request->http) || str_starts_with(request->http->path, STR("/api/")) ||
        (route && route->inline_ok))
        return false;
    return takes_html(request->http) && find_shower(request) != NULL;
}

/* The request may belong to no service: then it is the shower's. */
static void lend_service(struct request *request, struct service_instance *shower)
{
    struct call *call = &request->call;

    call->service = shower->service;
    call->instance = shower;
    call->state = shower->state;
    call->db = shower->db;
    call->log.service = shower->service->name;
    if (!call->tenant.len && tenants_find(request->host->tenants, http_header_find(request->http, "x-tenant"),
                                          request->http->host, &call->tenant) < 0)
        call->tenant = STR_EMPTY;
}

void response_from_problem_page(struct request *request, struct http_response *response)
{
    struct service_instance *shower = find_shower(request);
    struct http_response page = {.status = response->status};

    lend_service(request, shower);
    /* What the page reads must not speak in place of what it is about, in the log neither. */
    const struct problem problem = request->call.problem;
    int result = shower->service->show_problem(&request->call, request->http, &page);
    request->call.problem = problem;
    if (result < 0)
        return;
    for (size_t i = 0; i < response->header_count; i++) {
        if (str_equal_nocase(response->headers[i].name, STR("Retry-After")))
            http_response_header(&page, response->headers[i].name, response->headers[i].value);
    }
    page.status = response->status;
    reply_headers_add(request, &page);
    http_blob_unref(response->blob);
    *response = page;
}
