/* Finds the service, the row and the tenant of a request, and fills in its call. */
#include "platform/base/hash.h"
#include "platform/base/encode.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"
#include "platform/service/host.h"
#include "platform/service/request_parts.h"

#define TRACEPARENT_LEN 55 /* "00-" 32 "-" 16 "-" 2, https://www.w3.org/TR/trace-context/ */
#define HOST_SHOWN_MAX 100
#define METHOD_SHOWN_MAX 32

enum transaction route_transaction(const struct route *route)
{
    if (route->tx != TX_DEFAULT)
        return route->tx;
    return route->method && str_equal_cstr(STR("GET"), route->method) ? TX_READ : TX_WRITE;
}

static bool is_hex(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f')))
            return false;
    }
    return true;
}

static bool is_zero(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '0')
            return false;
    }
    return true;
}

/* "00-" trace id "-" parent id "-" flags. A later version begins with the same fields, and may have more behind another
 * dash (https://www.w3.org/TR/trace-context/, 4.3); there is no version ff. */
static bool is_traceparent(struct str s)
{
    if (s.len < TRACEPARENT_LEN || s.ptr[2] != '-' || s.ptr[35] != '-' || s.ptr[52] != '-')
        return false;
    struct str version = str_slice(s, 0, 2), trace_id = str_slice(s, 3, 32), parent_id = str_slice(s, 36, 16);
    bool has_more = s.len > TRACEPARENT_LEN;

    if (!is_hex(version) || str_equal(version, STR("ff")) ||
        (has_more && (str_equal(version, STR("00")) || s.ptr[TRACEPARENT_LEN] != '-')))
        return false;
    return is_hex(trace_id) && !is_zero(trace_id) && is_hex(parent_id) && !is_zero(parent_id) &&
           is_hex(str_slice(s, 53, 2));
}

/* Goes on with the caller's trace, or starts one; this request gets a span of its own. What is sent on is of version
 * 00, and of the caller's flags the one that it knows: whether the trace is sampled (the last bit). */
int call_start_trace(struct call *call, struct str sent)
{
    bool goes_on = is_traceparent(sent);
    unsigned char bytes[24];
    char *text = arena_alloc(call->arena, TRACEPARENT_LEN + 1);

    if (!text)
        return ERR_NO_MEMORY;
    random_bytes(bytes, sizeof(bytes));
    memcpy(text, "00-", 3);
    if (goes_on)
        memcpy(text + 3, sent.ptr + 3, 32);
    else
        encode_hex_into(text + 3, str_from(bytes, 16));
    text[35] = '-';
    encode_hex_into(text + 36, str_from(bytes + 16, 8));
    memcpy(text + 52, goes_on && strchr("02468ace", sent.ptr[54]) ? "-00" : "-01", 3);
    call->traceparent = str_from(text, TRACEPARENT_LEN);
    call->log.trace_id = str_from(text + 3, 32);
    return 0;
}

static bool match_in(struct request *request, struct service_instance *instance, struct str path)
{
    if (!instance->router || !router_match(instance->router, request->http->method, path, &request->match))
        return false;
    request->instance = instance;
    return true;
}

/* "/api/catalog/v1/products" belongs to catalog; a service with no_prefix is asked for the whole path. */
static bool find_row(struct request *request)
{
    struct str path = request->http->path;
    struct service_host *host = request->host;

    if (request->own)
        return match_in(request, request->own, path);
    for (size_t i = 0; i < host->instance_count; i++) {
        struct service_instance *instance = &host->instances[i];
        struct str rest = str_skip(path, 5);
        struct str name = str_from_cstr(instance->service->name);

        if (instance->service->own_listener)
            continue;
        if (instance->service->no_prefix) {
            if (match_in(request, instance, path))
                return true;
        } else if (str_starts_with(path, STR("/api/")) && str_starts_with(rest, name) && rest.len > name.len &&
                   rest.ptr[name.len] == '/') {
            if (match_in(request, instance, str_skip(rest, name.len)))
                return true;
        }
    }
    return false;
}

static void fill_call(struct request *request)
{
    struct call *call = &request->call;

    call->arena = request->arena;
    call->host = request->host;
    call->http = request->http;
    call->client_address = request->http->peer;
    call->user_agent = http_header_find(request->http, "user-agent");
    call->reply = &request->reply;
    call->showing = &request->reply;
    call->deadline_ns = request->started_ns + REQUEST_DEADLINE_MS * CLOCK_NS_PER_MS;
    if (request->instance) {
        call->service = request->instance->service;
        call->instance = request->instance;
        call->state = request->instance->state;
        call->db = request->instance->db;
        call->log.service = request->instance->service->name;
    }
}

/* The host of a service that is the same for everybody (health), or that speaks a foreign API on a listener of its own,
 * says nothing of a tenant. */
static int find_tenant(struct request *request)
{
    const struct service *service = request->instance->service;
    struct str header = http_header_find(request->http, "x-tenant"), host = request->http->host;
    struct call *call = &request->call;

    if (service->any_host || service->own_listener)
        host = STR_EMPTY;
    if (tenants_find(request->host->tenants, header, host, &call->tenant) == 0)
        return 0;
    call->tenant = STR(TENANT_DEFAULT);
    if (header.ptr)
        return problem_set(&call->problem, ERR_NOT_FOUND, "no_such_tenant", NULL,
                           "There is no tenant of the name in X-Tenant.");
    if (host.len > HOST_SHOWN_MAX)
        host.len = HOST_SHOWN_MAX;
    return problem_set(&call->problem, ERR_NOT_FOUND, "no_such_host", NULL,
                       "There is no shop at the host \"%.*s\". A tenant's is made known by `shopstream tenant add ID "
                       "%.*s`, the shop's own by SHOPSTREAM_PUBLIC_URL.",
                       STR_FORMAT(host), STR_FORMAT(host));
}

int request_route(struct request *request)
{
    struct call *call = &request->call;
    bool found = find_row(request);

    fill_call(request);
    if (!found)
        return problem_set(&call->problem, ERR_NOT_FOUND, "no_such_path", NULL, "There is nothing at this address.");
    return find_tenant(request);
}

int refuse_method(struct request *request)
{
    char allow[64] = "";
    size_t used = 0;

    for (unsigned method = 0; method < HTTP_METHOD_COUNT; method++) {
        /* Whatever has GET has HEAD. */
        unsigned found_by = method == HTTP_HEAD ? 1u << HTTP_HEAD | 1u << HTTP_GET : 1u << method;

        if (!(request->match.methods & found_by))
            continue;
        int written = snprintf(allow + used, sizeof(allow) - used, "%s%s", used ? ", " : "",
                               http_method_name((enum http_method)method));
        used += (size_t)written;
    }
    call_set_header(&request->call, "Allow", str_from_cstr(arena_printf(request->arena, "%s", allow)));
    struct str method = request->http->method_text;
    if (method.len == 0)
        method = str_from_cstr(http_method_name(request->http->method));
    if (method.len > METHOD_SHOWN_MAX)
        method.len = METHOD_SHOWN_MAX;
    return problem_set(&request->call.problem, ERR_METHOD, "method_not_allowed", NULL,
                       "This address takes %s, not %.*s.", allow, STR_FORMAT(method));
}
