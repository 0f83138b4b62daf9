/* Body, path and query into the input message; and what the headers ask for. */
#include "platform/service/host.h"
#include "platform/service/request_parts.h"
#include "platform/wire/wire.h"

#include <stdio.h>

#define WAIT_MAX_S 30

void request_reset_output(struct request *request)
{
    const ProtobufCMessageDescriptor *descriptor = request->match.route->rpc->output;

    /* A closure that runs again must not find what its first run left. */
    descriptor->message_init(request->reply.out);
    request->reply.status = request->match.route->status;
    request->reply.header_count = 0;
    request->reply.tag_count = 0;
    request->reply.has_version = false;
    request->reply.encoded = false;
}

static int decode_body(struct request *request)
{
    struct call *call = &request->call;
    struct str type = http_header_find(request->http, "content-type");
    ptrdiff_t parameters = str_find_char(type, ';');
    struct str essence = str_trim(parameters < 0 ? type : str_slice(type, 0, (size_t)parameters));

    if (request->http->body.len == 0)
        return 0;
    if (http_is_read(request->http))
        return problem_set(&call->problem, ERR_INVALID, "body_not_allowed", NULL, "A GET request has no body.");
    if (!str_equal_nocase(essence, STR("application/json")))
        return problem_set(&call->problem, ERR_MEDIA_TYPE, "media_type", NULL,
                           "The body must be JSON: send Content-Type: application/json.");
    return wire_from_json(call->arena, request->http->body, request->in, &call->problem);
}

static int decode_path(struct request *request)
{
    struct call *call = &request->call;

    for (size_t i = 0; i < request->match.parameter_count; i++) {
        struct str value;
        int result = http_path_decode(call->arena, request->match.parameters[i].value, &value);

        if (result == ERR_NO_MEMORY)
            return result;
        if (result < 0)
            return problem_set(&call->problem, ERR_INVALID, "invalid_path", NULL, "The path is not well-formed.");
        TRY(wire_set_field(call->arena, request->in, request->match.parameters[i].name, value, "/", &call->problem));
    }
    return 0;
}

static int decode_query(struct request *request)
{
    struct call *call = &request->call;
    struct str query = request->http->query;
    struct str name, value;
    int result;

    while ((result = http_query_next(call->arena, &query, &name, &value)) > 0) {
        if (!http_is_read(request->http))
            return problem_set(&call->problem, ERR_INVALID, "query_not_allowed", "?", "This request takes no query.");
        TRY(wire_set_field(call->arena, request->in, name, value, "?", &call->problem));
    }
    if (result == ERR_NO_MEMORY)
        return result;
    if (result < 0)
        return problem_set(&call->problem, ERR_INVALID, "invalid_query", "?", "The query is not well-formed.");
    return 0;
}

/* The rules speak of fields; a read has its fields from the query, unless the path names them. */
static int check_rules(struct request *request)
{
    struct problem *problem = &request->call.problem;
    int result = wire_check(request->in, problem);

    if (result >= 0 || request->http->method != HTTP_GET || problem->pointer[0] != '/')
        return result;
    for (size_t i = 0; i < request->match.parameter_count; i++) {
        if (str_equal_cstr(request->match.parameters[i].name, problem->pointer + 1))
            return result;
    }
    problem->pointer[0] = '?';
    return result;
}

int request_decode(struct request *request)
{
    const struct route *route = request->match.route;

    request->in = wire_message_new(request->arena, route->rpc->input);
    request->reply.out = wire_message_new(request->arena, route->rpc->output);
    if (!request->in || !request->reply.out)
        return ERR_NO_MEMORY;
    /* The body first: a field given both there and in the path is refused as given twice. */
    TRY(decode_body(request));
    TRY(decode_path(request));
    TRY(decode_query(request));
    return check_rules(request);
}

/* What cannot be kept is refused, never passed over: the sender counts on it. Reads are not changed by it. */
static int take_if_match(struct request *request)
{
    struct call *call = &request->call;
    const struct route *route = request->match.route;
    struct str header = http_header_find(request->http, "if-match");

    if (http_is_read(request->http) || request->instance->service->own_listener)
        return 0;
    if (!header.ptr)
        return route->if_match != IF_MATCH_REQUIRED
                   ? 0
                   : problem_set(&call->problem, ERR_NO_PRECONDITION, "if_match_required", NULL,
                                 "Send If-Match with the ETag of the version that you read.");
    if (route->if_match == IF_MATCH_REFUSED)
        return problem_set(&call->problem, ERR_INVALID, "if_match_not_supported", NULL,
                           "What this request changes has no version to compare: leave If-Match out.");
    if (if_match_parse(header, &call->if_match) < 0)
        return problem_set(&call->problem, ERR_INVALID, "invalid_if_match", NULL,
                           "If-Match must be the ETag of the version that you read, at most %d of them, or *.",
                           IF_MATCH_VERSIONS_MAX);
    return 0;
}

/* Prefer: wait=5 (RFC 7240); other preferences are ignored, as the RFC says. */
static void parse_prefer(struct call *call, struct str header)
{
    struct str preference;
    int64_t seconds;

    while (str_next_token(&header, ',', &preference)) {
        preference = str_trim(preference);
        if (str_starts_with(preference, STR("wait=")) && str_to_int64(str_skip(preference, 5), &seconds) == 0 &&
            seconds >= 0)
            call->wait_ms = (seconds < WAIT_MAX_S ? seconds : WAIT_MAX_S) * 1000;
    }
}

static int begin_idempotency(struct request *request)
{
    struct call *call = &request->call;
    struct str key = http_header_find(request->http, "idempotency-key");

    if (!request->match.route->idempotent)
        return 0;
    if (!key.ptr) {
        if (!request->match.route->key_required)
            return 0;
        return problem_set(&call->problem, ERR_INVALID, "idempotency_key_required", NULL,
                           "Send an Idempotency-Key header: a random UUID, the same when you try again.");
    }
    TRY(idempotency_begin(call, key, &request->idempotency));
    if (!in_flight_enter(request->host->in_flight, call, &request->idempotency))
        return problem_set(&call->problem, ERR_CONFLICT, "still_running", NULL,
                           "The first request with this Idempotency-Key is still running; ask again in a moment.");
    request->in_flight = true;
    call->idempotency_key = key;
    request->reply.idempotency = &request->idempotency;
    return 0;
}

int request_preconditions(struct request *request)
{
    TRY(take_if_match(request));
    parse_prefer(&request->call, http_header_find(request->http, "prefer"));
    return begin_idempotency(request);
}
