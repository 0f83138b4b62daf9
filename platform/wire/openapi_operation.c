#include "platform/wire/openapi_operation.h"

#include "platform/wire/wire.h"
#include "platform/wire/wire_field.h"

#include <stdio.h>

#define OPERATION_NAME_MAX 96
#define METHOD_NAME_MAX 16

static bool is_get(const struct route *route)
{
    return strcmp(route->method, "GET") == 0;
}

/* GET and DELETE take everything from path and query. */
static bool takes_body(const struct route *route)
{
    return !is_get(route) && strcmp(route->method, "DELETE") != 0 && strcmp(route->method, "HEAD") != 0;
}

static int find_field(const ProtobufCMessageDescriptor *message, struct str name)
{
    for (unsigned i = 0; message && i < message->n_fields; i++) {
        if (str_equal_cstr(name, message->fields[i].name))
            return (int)i;
    }
    return -1;
}

/* A reply of the schema that is read; or that has a version, by which it can be changed. */
static bool has_etag(const struct route *route)
{
    return route->rpc && route->rpc->output->n_fields > 0 &&
           (is_get(route) || find_field(route->rpc->output, STR("version")) >= 0);
}

/* -- Names --------------------------------------------------------------------------------------------------------- */

/* "catalog_list_products"; "…_2" where an earlier row of the table has the same RPC. Rows with a raw handler are named
 * after method and path: "payments_post_v1_webhooks_stripe". */
static void name_operation(const struct service *service, const struct route *route, char ret_name[OPERATION_NAME_MAX])
{
    if (!route->rpc) {
        int len = snprintf(ret_name, OPERATION_NAME_MAX, "%s_%s%s", service->name, route->method, route->path);
        for (int i = 0; i < len && i < OPERATION_NAME_MAX - 1; i++) {
            char c = ret_name[i];
            bool keep = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
            ret_name[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : keep ? c : '_';
        }
        return;
    }
    int earlier = 0;
    for (const struct route *row = service->routes; row < route; row++)
        earlier += row->rpc == route->rpc && row->method && !row->internal;
    snprintf(ret_name, OPERATION_NAME_MAX, earlier ? "%s_%s_%d" : "%s_%s", service->name, route->rpc->name,
             earlier + 1);
}

/* -- Who may call -------------------------------------------------------------------------------------------------- */

const char *openapi_auth_name(enum auth auth)
{
    switch (auth) {
    case AUTH_ANYONE:
        return "anyone";
    case AUTH_SHOPPER:
        return "shopper";
    case AUTH_SIGNED_IN:
        return "signed_in";
    case AUTH_SUPPORT:
        return "support";
    case AUTH_MERCHANDISER:
        return "merchandiser";
    case AUTH_STAFF:
        return "staff";
    case AUTH_ADMIN:
        return "admin";
    case AUTH_SERVICE:
        break;
    }
    return "service";
}

static void write_scheme(struct json_writer *w, const char *name)
{
    json_begin_object(w);
    if (name) {
        json_member_array(w, name);
        json_end_array(w);
    }
    json_end_object(w);
}

/* Any of the listed schemes will do; {} is nobody at all, as a guest's first call. */
static void write_security(struct json_writer *w, enum auth auth)
{
    json_member_array(w, "security");
    if (auth != AUTH_ANYONE)
        write_scheme(w, "bearer");
    if (auth != AUTH_ANYONE && auth != AUTH_SERVICE)
        write_scheme(w, "session");
    if (auth == AUTH_SHOPPER) {
        write_scheme(w, "guest");
        write_scheme(w, NULL);
    }
    json_end_array(w);
    json_member_string(w, "x-auth", openapi_auth_name(auth));
}

/* -- Parameters ---------------------------------------------------------------------------------------------------- */

static void write_field_parameter(struct json_writer *w, struct schema_list *list,
                                  const ProtobufCMessageDescriptor *message, unsigned field_index, const char *place)
{
    const struct wire_rule *rule = wire_rule_find(message, field_index);
    bool in_path = strcmp(place, "path") == 0;
    json_begin_object(w);
    json_member_string(w, "name", message->fields[field_index].name);
    json_member_string(w, "in", place);
    if (in_path || openapi_is_required(message, field_index))
        json_member_bool(w, "required", true);
    if (rule)
        json_member_string(w, "description", rule->help);
    json_key(w, "schema");
    openapi_write_field(w, list, message, field_index, SCHEMA_REQUEST);
    json_end_object(w);
}

/* A path parameter that no field describes: the row's handler is raw. */
static void write_plain_parameter(struct json_writer *w, struct str name)
{
    json_begin_object(w);
    json_key(w, "name");
    json_string(w, name);
    json_member_string(w, "in", "path");
    json_member_bool(w, "required", true);
    json_member_object(w, "schema");
    json_member_string(w, "type", "string");
    json_end_object(w);
    json_end_object(w);
}

/* In the order of the path. */
static void write_path_parameters(struct json_writer *w, struct schema_list *list, const struct route *route)
{
    const ProtobufCMessageDescriptor *message = route->rpc ? route->rpc->input : NULL;
    struct str rest = str_from_cstr(route->path);
    struct str before;
    while (str_next_token(&rest, '{', &before) && rest.ptr) {
        struct str name = str_slice(rest, 0, (size_t)(str_find_char(rest, '}') < 0 ? 0 : str_find_char(rest, '}')));
        int field = find_field(message, name);
        if (field >= 0)
            write_field_parameter(w, list, message, (unsigned)field, "path");
        else if (name.len > 0)
            write_plain_parameter(w, name);
    }
}

static void write_query_parameters(struct json_writer *w, struct schema_list *list, const struct route *route)
{
    const ProtobufCMessageDescriptor *message = route->rpc ? route->rpc->input : NULL;
    for (unsigned i = 0; message && i < message->n_fields; i++) {
        /* wire_set_field takes neither messages nor maps nor bytes from a query. */
        bool is_scalar =
            message->fields[i].type != PROTOBUF_C_TYPE_MESSAGE && message->fields[i].type != PROTOBUF_C_TYPE_BYTES;
        if (is_scalar && openapi_is_sent(message, i, route->path))
            write_field_parameter(w, list, message, i, "query");
    }
}

static void write_parameters(struct json_writer *w, struct schema_list *list, const struct route *route)
{
    json_member_array(w, "parameters");
    write_path_parameters(w, list, route);
    if (!takes_body(route))
        write_query_parameters(w, list, route);
    if (route->key_required)
        openapi_write_shared_reference(w, "parameters", "IdempotencyKeyRequired");
    else if (route->idempotent)
        openapi_write_shared_reference(w, "parameters", "IdempotencyKey");
    if (route->if_match == IF_MATCH_REQUIRED)
        openapi_write_shared_reference(w, "parameters", "IfMatchRequired");
    else if (route->if_match == IF_MATCH_TAKEN)
        openapi_write_shared_reference(w, "parameters", "IfMatch");
    /* What requires a key starts something that goes on behind the reply. */
    if (route->key_required)
        openapi_write_shared_reference(w, "parameters", "Prefer");
    if (has_etag(route) && is_get(route))
        openapi_write_shared_reference(w, "parameters", "IfNoneMatch");
    openapi_write_shared_reference(w, "parameters", "Tenant");
    json_end_array(w);
}

/* -- Bodies and responses ------------------------------------------------------------------------------------------ */

static bool has_body(const struct route *route, bool *ret_required)
{
    const ProtobufCMessageDescriptor *message = route->rpc ? route->rpc->input : NULL;
    bool any = false;
    *ret_required = false;
    for (unsigned i = 0; takes_body(route) && message && i < message->n_fields; i++) {
        if (!openapi_is_sent(message, i, route->path))
            continue;
        any = true;
        *ret_required = *ret_required || openapi_is_required(message, i);
    }
    return any;
}

/* Of a raw row: text of a media type. */
static void write_text(struct json_writer *w, const char *media_type)
{
    json_member_object(w, "content");
    json_member_object(w, media_type);
    json_member_object(w, "schema");
    json_member_string(w, "type", "string");
    json_end_object(w);
    json_end_object(w);
    json_end_object(w);
}

static void write_raw_body(struct json_writer *w, const struct route *route)
{
    char limit[64];
    json_member_object(w, "requestBody");
    if (route->body_bytes_max > 0) {
        snprintf(limit, sizeof(limit), "At most %zu bytes.", route->body_bytes_max);
        json_member_string(w, "description", limit);
    }
    json_member_bool(w, "required", true);
    write_text(w, route->takes);
    json_end_object(w);
}

static void write_body(struct json_writer *w, struct schema_list *list, const struct route *route,
                       const char *operation)
{
    bool required;
    if (route->takes)
        write_raw_body(w, route);
    if (!has_body(route, &required))
        return;
    json_member_object(w, "requestBody");
    json_member_bool(w, "required", required);
    json_member_object(w, "content");
    json_member_object(w, "application/json");
    json_key(w, "schema");
    openapi_write_body_reference(w, list, operation, route->rpc->input, route->path);
    json_end_object(w);
    json_end_object(w);
    json_end_object(w);
}

static void write_success(struct json_writer *w, struct schema_list *list, const struct route *route)
{
    const ProtobufCMessageDescriptor *message = route->rpc ? route->rpc->output : route->gives_message;
    bool is_empty = message && message->n_fields == 0;
    char status[16];
    snprintf(status, sizeof(status), "%d", route->status ? route->status : is_empty ? 204 : 200);
    json_member_object(w, status);
    json_member_string(w, "description", is_empty ? "Done; there is nothing to say." : "Success.");
    if (has_etag(route)) {
        json_member_object(w, "headers");
        json_key(w, "ETag");
        openapi_write_shared_reference(w, "headers", "ETag");
        json_end_object(w);
    }
    if (message && !is_empty) {
        json_member_object(w, "content");
        json_member_object(w, "application/json");
        json_key(w, "schema");
        openapi_write_reference(w, list, message, SCHEMA_REPLY);
        json_end_object(w);
        json_end_object(w);
    } else if (route->gives) {
        write_text(w, route->gives);
    }
    json_end_object(w);
}

/* What the row implies. Every row may meet a bad parameter, an unknown tenant or a busy shop; and a token that is no
 * longer good (401) or another tenant's (403), for one that is sent is checked, whether the row wants it or not. */
static bool may_answer(const struct route *route, int status)
{
    bool changes = !is_get(route);
    bool required;
    switch (status) {
    case 409:
        return changes;
    case 412:
        return route->if_match != IF_MATCH_REFUSED;
    case 428:
        return route->if_match == IF_MATCH_REQUIRED;
    case 413:
    case 415:
        return route->raw ? takes_body(route) : has_body(route, &required);
    case 422:
        return route->idempotent || route->key_required;
    case 429:
        return route->rate != RATE_NONE;
    default:
        return true;
    }
}

static void write_responses(struct json_writer *w, struct schema_list *list, const struct route *route)
{
    json_member_object(w, "responses");
    write_success(w, list, route);
    if (has_etag(route) && is_get(route)) {
        json_key(w, "304");
        openapi_write_shared_reference(w, "responses", OPENAPI_NOT_MODIFIED);
    }
    for (const struct openapi_failure *failure = openapi_failures; failure->name; failure++) {
        if (!may_answer(route, failure->status))
            continue;
        char status[16];
        snprintf(status, sizeof(status), "%d", failure->status);
        json_key(w, status);
        openapi_write_shared_reference(w, "responses", failure->name);
    }
    json_key(w, "default");
    openapi_write_shared_reference(w, "responses", "Problem");
    json_end_object(w);
}

void openapi_write_operation(struct json_writer *w, struct schema_list *list, const struct service *service,
                             const struct route *route)
{
    char method[METHOD_NAME_MAX] = "";
    for (size_t i = 0; route->method[i] && i < sizeof(method) - 1; i++)
        method[i] = (char)(route->method[i] | 0x20);
    char operation[OPERATION_NAME_MAX];
    name_operation(service, route, operation);
    json_member_object(w, method);
    json_member_string(w, "operationId", operation);
    json_member_array(w, "tags");
    json_cstring(w, service->name);
    json_end_array(w);
    json_member_string(w, "summary", route->summary);
    write_security(w, route->auth);
    write_parameters(w, list, route);
    write_body(w, list, route, operation);
    write_responses(w, list, route);
    json_end_object(w);
}
