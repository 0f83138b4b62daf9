/* What the operations of the OpenAPI document share: security schemes, headers, problem responses. */
#include "platform/wire/openapi_operation.h"

#include <stdio.h>

#define REFERENCE_MAX 96

const struct openapi_failure openapi_failures[] = {
    {400, "BadRequest", "The request is malformed or breaks a rule; the problem names the field."},
    {401, "Unauthenticated", "Who is asking is not known: sign in, or refresh the token."},
    {403, "Forbidden", "Known, and not allowed; also a token of another tenant, or a missing CSRF token."},
    {404, "NotFound", "There is no such thing, or no such tenant."},
    {409, "Conflict", "The state forbids it, or a request with the same key is still running."},
    {412, "Stale", "If-Match names an older version: read it again."},
    {413, "TooLarge", "The body is over the limit."},
    {415, "MediaType", "The body is not of the type that the row takes."},
    {422, "Unprocessable", "The Idempotency-Key was used with another body; or a file has errors, by line."},
    {428, "NoPrecondition", "If-Match is missing."},
    {429, "RateLimited", "Too many requests: wait as long as Retry-After says."},
    {503, "Unavailable", "Not possible right now; the same request may be sent again."},
    {0, NULL, NULL},
};

void openapi_write_shared_reference(struct json_writer *w, const char *kind, const char *name)
{
    char reference[REFERENCE_MAX];
    snprintf(reference, sizeof(reference), "#/components/%s/%s", kind, name);
    json_begin_object(w);
    json_member_string(w, "$ref", reference);
    json_end_object(w);
}

static void write_scheme_component(struct json_writer *w, const char *name, const char *place, const char *key,
                                   const char *description)
{
    json_member_object(w, name);
    json_member_string(w, "type", place ? "apiKey" : "http");
    json_member_string(w, "in", place);
    json_member_string(w, place ? "name" : "scheme", key);
    if (!place)
        json_member_string(w, "bearerFormat", "JWT");
    json_member_string(w, "description", description);
    json_end_object(w);
}

struct header_parameter {
    const char *component;
    const char *name;
    bool required;
    const char *description;
    const char *schema;
};

static const struct header_parameter header_parameters[] = {
    {"IdempotencyKey", "Idempotency-Key", false,
     "The same key and body get the first answer again, for at least 24 hours; at least 128 random bits, as a UUID.",
     "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}"},
    {"IdempotencyKeyRequired", "Idempotency-Key", true,
     "The same key and body get the first answer again, for at least 24 hours; at least 128 random bits, as a UUID.",
     "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}"},
    {"IfMatch", "If-Match", false, "The ETag of what is changed; its version is compared: 412 when it has another.",
     "{\"type\":\"string\",\"examples\":[\"\\\"3-5d41402a\\\"\"]}"},
    {"IfMatchRequired", "If-Match", true,
     "The ETag of what is changed; its version is compared: 412 when it has another.",
     "{\"type\":\"string\",\"examples\":[\"\\\"3-5d41402a\\\"\"]}"},
    {"IfNoneMatch", "If-None-Match", false, "The ETag of what the client has: 304 when it is still the same.",
     "{\"type\":\"string\"}"},
    {"Prefer", "Prefer", false, "wait=N waits up to N seconds for the final status (RFC 7240).",
     "{\"type\":\"string\",\"examples\":[\"wait=10\"]}"},
    {"Tenant", "X-Tenant", false, "The tenant, where the host name does not say.",
     "{\"type\":\"string\",\"maxLength\":63}"},
};

static void write_header_parameters(struct json_writer *w)
{
    json_member_object(w, "parameters");
    for (size_t i = 0; i < sizeof(header_parameters) / sizeof(header_parameters[0]); i++) {
        const struct header_parameter *parameter = &header_parameters[i];
        json_member_object(w, parameter->component);
        json_member_string(w, "name", parameter->name);
        json_member_string(w, "in", "header");
        json_member_bool(w, "required", parameter->required);
        json_member_string(w, "description", parameter->description);
        json_key(w, "schema");
        json_raw(w, str_from_cstr(parameter->schema));
        json_end_object(w);
    }
    json_end_object(w);
}

static void write_problem_response(struct json_writer *w, const struct openapi_failure *failure)
{
    json_member_object(w, failure->name);
    json_member_string(w, "description", failure->description);
    if (failure->status == 429 || failure->status == 503)
        json_member_object(w, "headers");
    if (failure->status == 429 || failure->status == 503) {
        json_key(w, "Retry-After");
        openapi_write_shared_reference(w, "headers", "RetryAfter");
        json_end_object(w);
    }
    json_member_object(w, "content");
    json_member_object(w, "application/problem+json");
    json_key(w, "schema");
    openapi_write_shared_reference(w, "schemas", "Problem");
    json_end_object(w);
    json_end_object(w);
    json_end_object(w);
}

void openapi_write_shared_components(struct json_writer *w)
{
    json_member_object(w, "securitySchemes");
    write_scheme_component(w, "bearer", NULL, "bearer", "An access token of POST /api/identity/v1/login.");
    write_scheme_component(
        w, "session", "cookie", OPENAPI_SESSION_COOKIE,
        "A browser's session, by POST /session; what changes something also needs X-CSRF-Token equal to the csrf "
        "cookie.");
    write_scheme_component(
        w, "guest", "header", "X-Guest-Token",
        "The guest_token of a guest's first cart or order. To a page that sends X-CSRF-Token it is the cookie "
        "__Host-guest.");
    json_end_object(w);
    write_header_parameters(w);
    json_key(w, "headers");
    json_raw(w, STR("{\"ETag\":{\"description\":\"The version and a hash of the bytes; for If-Match.\","
                    "\"schema\":{\"type\":\"string\"}},"
                    "\"RetryAfter\":{\"description\":\"Seconds to wait.\",\"schema\":{\"type\":\"integer\"}}}"));
    json_member_object(w, "responses");
    json_member_object(w, OPENAPI_NOT_MODIFIED);
    json_member_string(w, "description", "What the client has is still the same.");
    json_end_object(w);
    for (const struct openapi_failure *failure = openapi_failures; failure->name; failure++)
        write_problem_response(w, failure);
    write_problem_response(w, &(struct openapi_failure){0, "Problem", "Anything else that went wrong."});
    json_end_object(w);
}

void openapi_write_problem_schema(struct json_writer *w)
{
    json_key(w, "Problem");
    json_raw(w,
             STR("{\"type\":\"object\",\"description\":\"Problem details (RFC 9457).\",\"properties\":{"
                 "\"type\":{\"type\":\"string\",\"format\":\"uri-reference\"},"
                 "\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
                 "\"code\":{\"type\":\"string\",\"description\":\"A stable word for programs.\"},"
                 "\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
                 "\"pointer\":{\"type\":\"string\",\"description\":\"Where in the body, the path or the query.\"},"
                 "\"line\":{\"type\":\"integer\",\"description\":\"Where in a file, from 1.\"},"
                 "\"detail\":{\"type\":\"string\"}},\"required\":[\"detail\"]}},"
                 "\"trace_id\":{\"type\":\"string\"}},"
                 "\"required\":[\"type\",\"title\",\"status\",\"code\"]}"));
}
