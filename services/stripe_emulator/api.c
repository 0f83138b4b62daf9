#include "services/stripe_emulator/emulator.h"

#include "platform/base/encode.h"
#include "platform/base/hash.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"
#include "services/stripe_emulator/sql/delivery.sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <yyjson.h>

#define KEY_BYTES_MAX 255 /* Stripe's own limit */
#define METADATA_KEYS_MAX 50
#define METADATA_BYTES_MAX ((size_t)40 << 10)
#define ID_CHARACTERS 24
#define ID_TIME_CHARACTERS 8 /* milliseconds since 1970 in base 62, until the year 8893 */

/* -- Answers ------------------------------------------------------------------------------------------------------- */

static void open_error(struct api *api, int status, const char *type, const char *code, const char *param)
{
    buf_clear(&api->body);
    api->status = status;
    member_open(&api->body, NULL, '{');
    member_open(&api->body, "error", '{');
    member_text(&api->body, "type", str_from_cstr(type));
    if (code)
        member_text(&api->body, "code", str_from_cstr(code));
    if (param)
        member_text(&api->body, "param", str_from_cstr(param));
}

__attribute__((format(printf, 2, 0))) static void close_error(struct api *api, const char *format, va_list arguments)
{
    const char *message = arena_vprintf(api->arena, format, arguments);
    member_text(&api->body, "message", str_from_cstr(message));
    member_close(&api->body, '}');
    member_close(&api->body, '}');
}

int api_refuse(struct api *api, int status, const char *type, const char *code, const char *param, const char *format,
               ...)
{
    va_list arguments;
    va_start(arguments, format);
    open_error(api, status, type, code, param);
    close_error(api, format, arguments);
    va_end(arguments);
    return ERR_INVALID;
}

int api_refuse_missing(struct api *api, const char *object, struct str id, const char *param)
{
    return api_refuse(api, 404, "invalid_request_error", "resource_missing", param, "No such %s: '%.*s'", object,
                      STR_FORMAT(str_slice(id, 0, EMULATOR_ID_BYTES)));
}

int api_forbid(struct api *api, const char *code, const struct intent_row *intent, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    open_error(api, 400, "invalid_request_error", code, NULL);
    if (intent) {
        buf_append(&api->body, STR(",\"payment_intent\":"));
        render_intent(&api->body, intent, NULL, api->base_url);
    }
    close_error(api, format, arguments);
    va_end(arguments);
    return 0;
}

/* -- Parameters ---------------------------------------------------------------------------------------------------- */

static struct str new_name(struct api *api, const char *prefix, size_t time_characters)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"; /* in its order */
    const unsigned base = sizeof(alphabet) - 1;
    unsigned char bytes[ID_CHARACTERS];
    char text[ID_CHARACTERS + 1];
    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < ID_CHARACTERS; i++)
        text[i] = alphabet[bytes[i] % base];
    uint64_t time_ms = api->now_ms > 0 ? (uint64_t)api->now_ms : 0;
    for (size_t i = time_characters; i-- > 0; time_ms /= base)
        text[i] = alphabet[time_ms % base];
    text[ID_CHARACTERS] = '\0';
    char *name = arena_printf(api->arena, "%s%s", prefix, text);
    api->lacks_id = api->lacks_id || !name;
    return str_from_cstr(name);
}

struct str api_new_id(struct api *api, const char *prefix)
{
    return new_name(api, prefix, ID_TIME_CHARACTERS);
}

struct str api_new_secret(struct api *api, const char *prefix)
{
    return new_name(api, prefix, 0);
}

int api_int(struct api *api, const char *name, int64_t min, int64_t max, int64_t *ret_value)
{
    struct str text = form_find(&api->form, name);
    if (!text.ptr)
        return ERR_NOT_FOUND;
    int64_t value;
    if (str_to_int64(text, &value) != 0)
        return api_refuse(api, 400, "invalid_request_error", "parameter_invalid_integer", name, "Invalid integer: %.*s",
                          STR_FORMAT(str_slice(text, 0, 40)));
    if (value < min || value > max)
        return api_refuse(api, 400, "invalid_request_error",
                          value < min ? "parameter_invalid_integer" : "amount_too_large", name,
                          "%s must be between %" PRId64 " and %" PRId64 ".", name, min, max);
    *ret_value = value;
    return 0;
}

static void doc_cleanup(yyjson_doc **doc)
{
    yyjson_doc_free(*doc);
}

/* Appends the members of old that the request does not name. */
static void keep_old_metadata(struct api *api, struct str old, struct buf *json)
{
    CLEANUP(doc_cleanup) yyjson_doc *doc = yyjson_read(old.ptr, old.len, 0);
    size_t index, size;
    yyjson_val *name, *value;
    yyjson_obj_foreach(yyjson_doc_get_root(doc), index, size, name, value)
    {
        const char *parameter = arena_printf(api->arena, "metadata[%s]", yyjson_get_str(name));
        if (parameter && !form_find(&api->form, parameter).ptr) {
            member_text(json, NULL, str_from(yyjson_get_str(name), yyjson_get_len(name)));
            buf_append_char(json, ':');
            member_text(json, NULL, str_from(yyjson_get_str(value), yyjson_get_len(value)));
        }
    }
}

int api_metadata(struct api *api, struct str old, struct str *ret_json)
{
    CLEANUP(buf_free) struct buf json = BUF(METADATA_BYTES_MAX);
    member_open(&json, NULL, '{');
    keep_old_metadata(api, old, &json);
    size_t position = 0, count = 0;
    struct str key, value;
    while (form_next_key(&api->form, "metadata", &position, &key, &value)) {
        if (key.len == 0)
            return api_refuse(api, 400, "invalid_request_error", "parameter_invalid_empty", "metadata",
                              "Metadata has names.");
        if (++count > METADATA_KEYS_MAX)
            return api_refuse(api, 400, "invalid_request_error", NULL, "metadata", "At most %d metadata keys.",
                              METADATA_KEYS_MAX);
        if (value.len == 0) /* An empty value takes the key away. */
            continue;
        member_text(&json, NULL, key);
        buf_append_char(&json, ':');
        member_text(&json, NULL, value);
    }
    member_close(&json, '}');
    if (buf_error(&json) == ERR_NO_MEMORY)
        return ERR_NO_MEMORY;
    if (buf_error(&json))
        return api_refuse(api, 400, "invalid_request_error", NULL, "metadata", "The metadata is too large.");
    *ret_json = arena_copy(api->arena, buf_str(&json));
    return ret_json->ptr ? 0 : ERR_NO_MEMORY;
}

/* The position of the object that the list starts behind. */
static int find_position(struct api *api, struct sql_tx *tx, const struct sql_statement *position, struct str id,
                         int64_t *ret_created_ms)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, position, SQL_ARGS(sql_text(id)), &rows);
    if (found < 0)
        return found;
    if (found == 0)
        return api_refuse_missing(api, "object", id, "starting_after");
    *ret_created_ms = sql_get_int(rows, 0);
    return 0;
}

/* A bound of "created" in seconds; bounds are inclusive milliseconds. */
static int take_bound(struct api *api, const char *name, int64_t shift_ms, int64_t *ret_ms)
{
    int64_t seconds;
    int error = api_int(api, name, 0, INT32_MAX, &seconds);
    if (error == ERR_NOT_FOUND)
        return 0;
    if (error == 0)
        *ret_ms = seconds * CLOCK_MS_PER_S + shift_ms;
    return error;
}

int api_list_range(struct api *api, struct sql_tx *tx, const struct sql_statement *position,
                   struct list_range *ret_range)
{
    struct list_range range = {.to_ms = INT64_MAX, .before_ms = INT64_MAX, .limit = EMULATOR_LIST_DEFAULT};
    int error = api_int(api, "limit", 1, EMULATOR_LIST_MAX, &range.limit);
    if (error < 0 && error != ERR_NOT_FOUND)
        return error;
    TRY(take_bound(api, "created[gte]", 0, &range.from_ms));
    TRY(take_bound(api, "created[gt]", CLOCK_MS_PER_S, &range.from_ms));
    TRY(take_bound(api, "created[lte]", CLOCK_MS_PER_S - 1, &range.to_ms));
    TRY(take_bound(api, "created[lt]", -1, &range.to_ms));
    range.before_id = form_find(&api->form, "starting_after");
    if (range.before_id.len > 0)
        TRY(find_position(api, tx, position, range.before_id, &range.before_ms));
    else
        range.before_id = STR("");
    *ret_range = range;
    return 0;
}

void api_list_open(struct api *api)
{
    member_open(&api->body, NULL, '{');
    member_text(&api->body, "object", STR("list"));
    member_text(&api->body, "url", api->http->path);
    member_open(&api->body, "data", '[');
}

void api_list_close(struct api *api, bool has_more)
{
    member_close(&api->body, ']');
    member_bool(&api->body, "has_more", has_more);
    member_close(&api->body, '}');
}

/* -- A request's way ----------------------------------------------------------------------------------------------- */

enum key_kind { KEY_WRONG, KEY_PUBLISHABLE, KEY_SECRET };

static enum key_kind kind_of(const struct emulator *emulator, struct str key)
{
    if (secret_equal(emulator->secret_key, key))
        return KEY_SECRET;
    return str_equal_cstr(key, emulator->publishable_key) ? KEY_PUBLISHABLE : KEY_WRONG;
}

/* "Bearer sk_…", or Basic with the key as user, as curl -u sends it. */
static enum key_kind find_key(struct api *api)
{
    struct str header = http_header_find(api->http, "authorization");
    if (str_equal_nocase(str_slice(header, 0, 7), STR("Bearer ")))
        return kind_of(api->emulator, str_trim(str_skip(header, 7)));
    if (!str_equal_nocase(str_slice(header, 0, 6), STR("Basic ")))
        return KEY_WRONG;
    CLEANUP(buf_free) struct buf decoded = BUF(KEY_BYTES_MAX);
    if (decode_base64(str_trim(str_skip(header, 6)), &decoded) != 0)
        return KEY_WRONG;
    ptrdiff_t colon = str_find_char(buf_str(&decoded), ':');
    return colon > 0 ? kind_of(api->emulator, str_slice(buf_str(&decoded), 0, (size_t)colon)) : KEY_WRONG;
}

/* What a page may ask for with the key that everybody can read: to make a payment method of a card, and no more. */
static int check_key(struct api *api)
{
    enum key_kind kind = find_key(api);
    bool is_public = api->http->method == HTTP_POST && str_equal(api->http->path, STR("/v1/payment_methods"));
    if (kind == KEY_SECRET || (kind == KEY_PUBLISHABLE && is_public))
        return 0;
    if (kind == KEY_PUBLISHABLE)
        return api_refuse(api, 401, "invalid_request_error", "secret_key_required", NULL,
                          "This API call cannot be made with a publishable API key. Please use a secret API key.");
    return api_refuse(api, 401, "invalid_request_error", NULL, NULL,
                      "Invalid API Key provided. Send it as 'Authorization: Bearer sk_test_...'.");
}

/* The third segment of "/v1/payment_intents/pi_1/confirm". */
static struct str path_id(struct str path)
{
    struct str segment = STR_EMPTY;
    for (int i = 0; i < 4; i++) {
        if (!str_next_token(&path, '/', &segment))
            return STR_EMPTY;
    }
    return segment;
}

/* The address under which the client reached us, where it looks like one. */
static struct str base_url_of(struct api *api)
{
    struct str host = http_header_find(api->http, "host");
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || memchr(".-:[]", c, 5)))
            host.len = 0;
    }
    const char *url = host.len > 0 ? arena_printf(api->arena, "http://%.*s", STR_FORMAT(host)) : NULL;
    return str_from_cstr(url ? url : api->emulator->base_url);
}

/* What nobody may keep, not even as a hash: there are too few card numbers and codes to hide one in it. */
static bool is_secret(struct str name)
{
    static const char *const endings[] = {"[number]", "[cvc]"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t length = strlen(endings[i]);
        if (name.len >= length && str_equal_cstr(str_skip(name, name.len - length), endings[i]))
            return true;
    }
    return false;
}

/* The hash of what a key must not be used again with another of. */
static int fingerprint_of(struct api *api, struct str *ret_hex)
{
    struct str path = api->http->path;
    unsigned char hash[HASH_SHA256_BYTES];
    CLEANUP(buf_free) struct buf text = BUF(path.len + api->http->body.len + 2 * FORM_FIELDS_MAX + 2);
    buf_append(&text, path);
    for (size_t i = 0; i < api->form.count; i++) {
        const struct form_field *field = &api->form.fields[i];
        buf_append_char(&text, '\n');
        buf_append(&text, field->name);
        buf_append_char(&text, '=');
        buf_append(&text, is_secret(field->name) ? STR_EMPTY : field->value);
    }
    TRY(buf_error(&text));
    hash_sha256(buf_str(&text), hash);
    CLEANUP(buf_free) struct buf hex = BUF(2 * sizeof(hash));
    encode_hex(&hex, str_from(hash, sizeof(hash)));
    TRY(buf_error(&hex));
    *ret_hex = arena_copy(api->arena, buf_str(&hex));
    return ret_hex->ptr ? 0 : ERR_NO_MEMORY;
}

struct answering {
    struct api *api;
    api_operation *operation;
    struct str fingerprint; /* of path and parameters */
};

/* 1 when the key is known and the answer stands. */
static int replay(struct answering *answering, struct sql_tx *tx)
{
    struct api *api = answering->api;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found =
        sql_query_row(tx, &stripe_emulator_sql_find_request_key,
                      SQL_ARGS(sql_text(api->key), sql_int(clock_steady_ms() - EMULATOR_KEY_LIFETIME_MS)), &rows);
    if (found <= 0)
        return found;
    if (!str_equal(sql_get_text(rows, 0), answering->fingerprint))
        return api_refuse(api, 400, "idempotency_error", NULL, NULL,
                          "Keys for idempotent requests can only be used with the same parameters they were first used "
                          "with. Try using a key other than '%.*s' if you meant to execute a different request.",
                          STR_FORMAT(api->key));
    api->status = (int)sql_get_int(rows, 1);
    buf_append(&api->body, sql_get_text(rows, 2));
    api->replayed = true;
    return 1;
}

static int answer_in_transaction(struct sql_tx *tx, void *argument)
{
    struct answering *answering = argument;
    struct api *api = answering->api;
    /* The closure may run again. */
    buf_clear(&api->body);
    api->status = 200;
    api->told = api->replayed = api->lacks_id = false;
    bool has_request_key = api->key.len > 0 && sql_tx_is_write(tx);
    if (has_request_key) {
        int known = replay(answering, tx);
        if (known != 0)
            return known < 0 ? known : 0;
    }
    int error = answering->operation(api, tx);
    if (api->lacks_id) /* also where that made it refuse */
        return ERR_NO_MEMORY;
    TRY(error);
    TRY(buf_error(&api->body));
    if (!has_request_key)
        return 0;
    return sql_exec(tx, &stripe_emulator_sql_insert_request_key,
                    SQL_ARGS(sql_text(api->key), sql_text(answering->fingerprint), sql_int(api->status),
                             sql_text(buf_str(&api->body)), sql_int(clock_steady_ms())),
                    NULL);
}

/* Runs the operation with the faults that the request is to suffer. */
static int run(struct api *api, api_operation *operation, bool is_write)
{
    struct answering answering = {.api = api, .operation = operation};
    if (!is_write)
        return sql_read(api->emulator->db, answer_in_transaction, &answering);
    TRY(fingerprint_of(api, &answering.fingerprint));
    struct faults faults;
    enum request_fault fault = faults_choose(api->emulator, api->http->path, &faults);
    if (fault == REQUEST_ERROR)
        return api_refuse(api, (int)faults.error_status, "api_error", NULL, NULL, "An error, as the test asked for.");
    if (fault == REQUEST_LOST) {
        task_sleep_ms(faults.hold_ms);
        return api_refuse(api, 503, "api_error", NULL, NULL, "Lost, as the test asked for.");
    }
    int error = sql_write(api->emulator->db, answer_in_transaction, &answering);
    if (error == 0 && api->told)
        deliverer_wake(api->emulator->deliverer);
    if (fault == REQUEST_TIMED_OUT) {
        task_sleep_ms(faults.hold_ms);
        return api_refuse(api, 504, "api_error", NULL, NULL, "Done, and the answer lost, as the test asked for.");
    }
    return error;
}

/* Reads what the operation needs of the request; refuses what is not Stripe's. */
static int prepare(struct api *api)
{
    TRY(check_key(api));
    if (api->key.len > KEY_BYTES_MAX)
        return api_refuse(api, 400, "invalid_request_error", NULL, NULL, "Idempotency keys have at most %d characters.",
                          KEY_BYTES_MAX);
    struct str parameters = api->http->method == HTTP_GET ? api->http->query : api->http->body;
    int error = form_parse(api->arena, parameters, &api->form);
    if (error == ERR_NO_MEMORY)
        return error;
    return error ? api_refuse(api, 400, "invalid_request_error", NULL, NULL, "The parameters are not form-encoded.")
                 : 0;
}

/* Pages of any origin may ask, as Stripe's do: what they may do, their key says. */
static void allow_origins(struct http_response *response)
{
    http_response_header(response, STR("Access-Control-Allow-Origin"), STR("*"));
    http_response_header(response, STR("Access-Control-Expose-Headers"), STR("Request-Id, Stripe-Should-Retry"));
}

int allow_origins_route(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)call;
    (void)request;
    response->status = 200;
    allow_origins(response);
    http_response_header(response, STR("Access-Control-Allow-Methods"), STR("GET, HEAD, PUT, PATCH, POST, DELETE"));
    http_response_header(response, STR("Access-Control-Allow-Headers"),
                         STR("Authorization, Content-Type, Idempotency-Key, Stripe-Version"));
    http_response_header(response, STR("Access-Control-Max-Age"), STR("300"));
    return 0;
}

static int fill_response(struct api *api, struct http_response *response)
{
    struct str body = arena_copy(api->arena, buf_str(&api->body));
    if (!body.ptr)
        return ERR_NO_MEMORY;
    response->status = api->status;
    response->body = body;
    http_response_header(response, STR("Content-Type"), STR("application/json"));
    http_response_header(response, STR("Request-Id"), api->request_id);
    http_response_header(response, STR("Stripe-Version"), STR(EMULATOR_API_VERSION));
    allow_origins(response);
    if (api->key.len > 0)
        http_response_header(response, STR("Idempotency-Key"), api->key);
    if (api->replayed)
        http_response_header(response, STR("Idempotent-Replayed"), STR("true"));
    return 0;
}

int api_answer(struct call *call, const struct http_request *request, struct http_response *response,
               api_operation *operation, bool is_write)
{
    struct api api = {
        .emulator = emulator_of(call),
        .arena = call->arena,
        .http = request,
        .id = path_id(request->path),
        .key = is_write ? http_header_find(request, "idempotency-key") : STR_EMPTY,
        .traceparent = call->traceparent,
        .now_ms = clock_steady_ms(),
        .status = 200,
        .body = BUF(EMULATOR_BODY_BYTES_MAX),
    };
    api.request_id = api_new_id(&api, "req_");
    api.base_url = base_url_of(&api);
    int error = prepare(&api);
    if (error == 0)
        error = run(&api, operation, is_write);
    /* A refusal has its answer; what else went wrong is ours. */
    if (error != 0 && (error != ERR_INVALID || api.body.len == 0)) {
        log_error(&call->log, "request to the payment emulator failed", LOG_STR("path", request->path), LOG_ERR(error));
        api_refuse(&api, 500, "api_error", NULL, NULL, "The emulator failed (%s). Try again.", error_name(error));
    }
    error = fill_response(&api, response);
    buf_free(&api.body);
    return error;
}
