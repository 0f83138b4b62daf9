#include "platform/ports/psp/psp_stripe.h"

#include "platform/base/buf.h"
#include "platform/base/encode.h"
#include "platform/base/secret.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/psp/psp_signature.h"
#include "platform/ports/psp/psp_stripe_json.h"

#include <inttypes.h>
#include <stdlib.h>

#define FORM_BYTES_MAX (8 * 1024)
#define URL_BYTES_MAX 1024
#define ANSWER_BYTES_MAX (1024 * 1024)
#define EVENT_BYTES_MAX (256 * 1024)
#define HEADERS_MAX 5
#define AUTHORIZATION_BYTES_MAX 512

struct psp_stripe {
    struct psp psp;
    struct http_client *client;
    char *base_url;
    struct secret *authorization; /* "Bearer sk_…" */
    struct secret *webhook_secret;
    int64_t timeout_ms;
};

static struct psp_stripe *stripe_of(struct psp *psp)
{
    return (struct psp_stripe *)psp;
}

/* -- Requests ------------------------------------------------------------------------------------------------------ */

static void form_add(struct buf *form, const char *name, struct str value)
{
    if (form->len > 0)
        buf_append_char(form, '&');
    encode_percent(form, str_from_cstr(name));
    buf_append_char(form, '=');
    encode_percent(form, value);
}

static void form_add_int(struct buf *form, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, value);
    form_add(form, name, str_from_cstr(text));
}

/* What an answer that is not 200 means to the port's callers. */
static int error_of_status(int status, struct str type, struct str code)
{
    if (str_equal(type, STR("idempotency_error")))
        return status == 409 ? ERR_UNAVAILABLE : ERR_UNPROCESSABLE; /* 409: the first request still runs. */
    if (str_equal(code, STR("payment_intent_unexpected_state")) || str_equal(code, STR("charge_already_refunded")) ||
        str_equal(code, STR("charge_already_captured")) || str_equal(code, STR("amount_too_large")))
        return ERR_CONFLICT;
    switch (status) {
    case 400:
        return ERR_INVALID;
    case 401:
    case 403:
        return ERR_UNAUTHENTICATED;
    case 402:
        return ERR_DECLINED;
    case 404:
        return ERR_NOT_FOUND;
    case 409: /* Stripe could not get its lock. */
        return ERR_UNAVAILABLE;
    case 429:
        return ERR_RATE_LIMITED;
    default:
        return status >= 500 ? ERR_UNAVAILABLE : ERR_INTERNAL;
    }
}

struct exchange {
    enum http_method method;
    const char *path;       /* formatted, below the base URL */
    const struct buf *form; /* the body, or with GET the query; may be NULL */
    struct str key;         /* Idempotency-Key; empty without */
};

/* The adapter's patience, or what is left of the asker's; 0: nothing. */
static int64_t time_left_ms(const struct psp_stripe *stripe, const struct psp_asker *asker)
{
    int64_t left_ms = (asker->deadline_ns - clock_monotonic_ns()) / CLOCK_NS_PER_MS;

    if (left_ms <= 0)
        return 0;
    return left_ms < stripe->timeout_ms ? left_ms : stripe->timeout_ms;
}

static int send_exchange(struct psp_stripe *stripe, const struct psp_asker *asker, const struct exchange *exchange,
                         struct http_client_response *ret_response)
{
    struct str form = exchange->form ? buf_str(exchange->form) : STR_EMPTY;
    bool is_get = exchange->method == HTTP_GET;
    int64_t timeout_ms = time_left_ms(stripe, asker);
    if (timeout_ms == 0)
        return ERR_DEADLINE;
    if (exchange->form && buf_error(exchange->form))
        return buf_error(exchange->form) == ERR_TOO_LARGE ? ERR_INVALID : buf_error(exchange->form);
    const char *url = arena_printf(asker->arena, "%s%s%s%.*s", stripe->base_url, exchange->path,
                                   is_get && form.len ? "?" : "", STR_FORMAT(is_get ? form : STR_EMPTY));
    if (!url)
        return ERR_NO_MEMORY;
    struct http_header headers[HEADERS_MAX] = {
        {STR("Authorization"), secret_bytes(stripe->authorization)},
        {STR("Stripe-Version"), STR(PSP_STRIPE_VERSION)},
    };
    size_t header_count = 2;
    if (!is_get)
        headers[header_count++] = (struct http_header){STR("Content-Type"), STR("application/x-www-form-urlencoded")};
    if (asker->traceparent.len > 0)
        headers[header_count++] = (struct http_header){STR("traceparent"), asker->traceparent};
    if (exchange->key.len > 0)
        headers[header_count++] = (struct http_header){STR("Idempotency-Key"), exchange->key};
    return http_client_fetch(stripe->client, asker->arena,
                             &(struct http_client_request){
                                 .method = exchange->method,
                                 .url = str_from_cstr(url),
                                 .headers = headers,
                                 .header_count = header_count,
                                 .body = is_get ? STR_EMPTY : form,
                                 .timeout_ms = timeout_ms,
                                 .body_bytes_max = ANSWER_BYTES_MAX,
                             },
                             ret_response);
}

/* ERR_INTERNAL for what is no JSON; ERR_NO_MEMORY, after which the same answer may be had again. */
static int read_json(struct str json, yyjson_doc **ret_doc)
{
    yyjson_read_err error;
    *ret_doc = yyjson_read_opts((char *)(uintptr_t)json.ptr, json.len, 0, NULL, &error);
    if (*ret_doc)
        return 0;
    return error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? ERR_NO_MEMORY : ERR_INTERNAL;
}

/* Sends, and reads the answer as JSON. 0 when it is 200; then the caller frees *ret_doc. On an error of Stripe's the
 * failure is filled, and with ret_error_doc (may be NULL) the answer is handed over to look closer. */
static int fetch_json(struct psp_stripe *stripe, const struct psp_asker *asker, const struct exchange *exchange,
                      yyjson_doc **ret_doc, yyjson_doc **ret_error_doc, struct psp_failure *ret_failure)
{
    struct http_client_response response;
    int error = send_exchange(stripe, asker, exchange, &response);
    if (error) {
        psp_failure_set(ret_failure, str_from_cstr(error_name(error)), STR_EMPTY,
                        STR("The payment provider did not answer."));
        return error;
    }
    CLEANUP(psp_stripe_doc_cleanup) yyjson_doc *doc = NULL;
    int result = read_json(response.body, &doc);
    if (result == ERR_NO_MEMORY)
        return result;
    if (response.status == 200) {
        TRY(result);
        *ret_doc = doc;
        doc = NULL;
        return 0;
    }
    yyjson_val *reason = yyjson_obj_get(yyjson_doc_get_root(doc), "error");
    psp_stripe_read_failure(reason, ret_failure);
    error = error_of_status(response.status, psp_stripe_text(reason, "type"), psp_stripe_text(reason, "code"));
    if (ret_error_doc && doc) {
        *ret_error_doc = doc;
        doc = NULL;
    }
    return error;
}

static int fetch_intent(struct psp_stripe *stripe, const struct psp_asker *asker, const struct exchange *exchange,
                        struct psp_intent *ret_intent, struct psp_failure *ret_failure)
{
    CLEANUP(psp_stripe_doc_cleanup) yyjson_doc *doc = NULL;
    TRY(fetch_json(stripe, asker, exchange, &doc, NULL, ret_failure));
    return psp_stripe_read_intent(asker->arena, yyjson_doc_get_root(doc), ret_intent);
}

/* Ids and keys go into paths and headers: only what Stripe's own look like. */
static bool is_plain_token(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || memchr("_-.:", c, 4)))
            return false;
    }
    return text.len > 0 && text.len <= 255;
}

static int intent_path(struct arena *arena, struct str id, const char *action, const char **ret_path)
{
    if (!is_plain_token(id))
        return ERR_NOT_FOUND;
    const char *path = arena_printf(arena, "/v1/payment_intents/%.*s%s", STR_FORMAT(id), action);
    if (!path)
        return ERR_NO_MEMORY;
    *ret_path = path;
    return 0;
}

/* -- The port ------------------------------------------------------------------------------------------------------ */

static int stripe_create_intent(struct psp *psp, const struct psp_asker *asker, const struct psp_new_intent *intent,
                                struct str key, struct psp_intent *ret_intent, struct psp_failure *ret_failure)
{
    if (!is_plain_token(key) || strlen(intent->currency) != 3)
        return ERR_INVALID;
    char currency[4] = {0};
    for (size_t i = 0; i < 3; i++)
        currency[i] = (char)(intent->currency[i] | 0x20);
    CLEANUP(buf_free) struct buf form = BUF(FORM_BYTES_MAX);
    form_add_int(&form, "amount", intent->amount);
    form_add(&form, "currency", str_from_cstr(currency));
    form_add(&form, "payment_method", intent->payment_method);
    form_add(&form, "payment_method_types[0]", STR("card"));
    form_add(&form, "capture_method", STR("manual"));
    form_add(&form, "confirm", STR("true"));
    form_add(&form, "metadata[order_id]", intent->reference);
    form_add(&form, "metadata[tenant]", intent->tenant);
    if (intent->return_url.len > 0)
        form_add(&form, "return_url", intent->return_url);
    const struct exchange exchange = {HTTP_POST, "/v1/payment_intents", &form, key};
    CLEANUP(psp_stripe_doc_cleanup) yyjson_doc *doc = NULL;
    CLEANUP(psp_stripe_doc_cleanup) yyjson_doc *error_doc = NULL;
    struct psp_failure failure = {0};
    int error = fetch_json(stripe_of(psp), asker, &exchange, &doc, &error_doc, &failure);
    if (error == 0)
        return psp_stripe_read_intent(asker->arena, yyjson_doc_get_root(doc), ret_intent);
    if (ret_failure)
        *ret_failure = failure;
    /* A card that is refused comes as an error that carries the intent: it exists, and holds nothing. */
    yyjson_val *reason = yyjson_obj_get(yyjson_doc_get_root(error_doc), "error");
    yyjson_val *refused = yyjson_obj_get(reason, "payment_intent");
    if (error != ERR_DECLINED || !refused)
        return error;
    TRY(psp_stripe_read_intent(asker->arena, refused, ret_intent));
    ret_intent->failure = failure;
    return 0;
}

static int stripe_retrieve_intent(struct psp *psp, const struct psp_asker *asker, struct str id,
                                  struct psp_intent *ret_intent, struct psp_failure *ret_failure)
{
    struct exchange exchange = {.method = HTTP_GET};
    TRY(intent_path(asker->arena, id, "?expand%5B0%5D=latest_charge", &exchange.path));
    return fetch_intent(stripe_of(psp), asker, &exchange, ret_intent, ret_failure);
}

static int stripe_capture_intent(struct psp *psp, const struct psp_asker *asker, struct str id, struct str key,
                                 struct psp_intent *ret_intent, struct psp_failure *ret_failure)
{
    struct exchange exchange = {.method = HTTP_POST, .key = key};
    TRY(intent_path(asker->arena, id, "/capture", &exchange.path));
    return is_plain_token(key) ? fetch_intent(stripe_of(psp), asker, &exchange, ret_intent, ret_failure) : ERR_INVALID;
}

static int stripe_cancel_intent(struct psp *psp, const struct psp_asker *asker, struct str id, struct str key,
                                struct psp_intent *ret_intent, struct psp_failure *ret_failure)
{
    struct exchange exchange = {.method = HTTP_POST, .key = key};
    TRY(intent_path(asker->arena, id, "/cancel", &exchange.path));
    return is_plain_token(key) ? fetch_intent(stripe_of(psp), asker, &exchange, ret_intent, ret_failure) : ERR_INVALID;
}

static int stripe_refund(struct psp *psp, const struct psp_asker *asker, const struct psp_new_refund *refund,
                         struct str key, struct psp_refund *ret_refund, struct psp_failure *ret_failure)
{
    if (!is_plain_token(key) || !is_plain_token(refund->intent_id))
        return ERR_INVALID;
    CLEANUP(buf_free) struct buf form = BUF(FORM_BYTES_MAX);
    form_add(&form, "payment_intent", refund->intent_id);
    form_add_int(&form, "amount", refund->amount);
    form_add(&form, "metadata[refund_id]", refund->reference);
    const struct exchange exchange = {HTTP_POST, "/v1/refunds", &form, key};
    CLEANUP(psp_stripe_doc_cleanup) yyjson_doc *doc = NULL;
    struct psp_failure failure = {0};
    int error = fetch_json(stripe_of(psp), asker, &exchange, &doc, NULL, &failure);
    if (error == 0)
        return psp_stripe_read_refund(asker->arena, yyjson_doc_get_root(doc), ret_refund);
    if (ret_failure)
        *ret_failure = failure;
    /* Stripe has no code of its own for an amount that is too large: it names the parameter. */
    return error == ERR_INVALID && strstr(failure.message, "greater than") ? ERR_CONFLICT : error;
}

/* A page of one of the provider's lists: its "data", which lives as long as the document. */
static int fetch_page(struct psp_stripe *stripe, const struct psp_asker *asker, const struct exchange *exchange,
                      size_t count, yyjson_doc **ret_doc, struct psp_failure *ret_failure)
{
    TRY(fetch_json(stripe, asker, exchange, ret_doc, NULL, ret_failure));
    yyjson_val *data = yyjson_obj_get(yyjson_doc_get_root(*ret_doc), "data");
    return yyjson_is_arr(data) && yyjson_arr_size(data) <= count ? 0 : ERR_INTERNAL;
}

static void form_add_span(struct buf *query, size_t count, int64_t from_ms, int64_t to_ms, struct str after)
{
    form_add_int(query, "limit", (int64_t)count);
    form_add_int(query, "created[gte]", from_ms / CLOCK_MS_PER_S);
    form_add_int(query, "created[lte]", to_ms / CLOCK_MS_PER_S);
    if (after.len > 0)
        form_add(query, "starting_after", after);
}

static int stripe_list_intents(struct psp *psp, const struct psp_asker *asker, int64_t from_ms, int64_t to_ms,
                               struct str after, struct psp_intent *ret_intents, size_t count, size_t *ret_count,
                               struct psp_failure *ret_failure)
{
    ASSERT(count > 0 && count <= PSP_LIST_MAX);
    CLEANUP(buf_free) struct buf query = BUF(URL_BYTES_MAX);
    form_add_span(&query, count, from_ms, to_ms, after);
    form_add(&query, "expand[0]", STR("data.latest_charge"));
    const struct exchange exchange = {HTTP_GET, "/v1/payment_intents", &query, STR_EMPTY};
    CLEANUP(psp_stripe_doc_cleanup) yyjson_doc *doc = NULL;
    TRY(fetch_page(stripe_of(psp), asker, &exchange, count, &doc, ret_failure));
    size_t index, size;
    yyjson_val *item;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "data"), index, size, item)
        TRY(psp_stripe_read_intent(asker->arena, item, &ret_intents[index]));
    *ret_count = size;
    return 0;
}

static int stripe_list_refunds(struct psp *psp, const struct psp_asker *asker, struct str intent_id, int64_t from_ms,
                               int64_t to_ms, struct str after, struct psp_refund *ret_refunds, size_t count,
                               size_t *ret_count, struct psp_failure *ret_failure)
{
    ASSERT(count > 0 && count <= PSP_LIST_MAX);
    CLEANUP(buf_free) struct buf query = BUF(URL_BYTES_MAX);
    form_add_span(&query, count, from_ms, to_ms, after);
    if (intent_id.len > 0)
        form_add(&query, "payment_intent", intent_id);
    const struct exchange exchange = {HTTP_GET, "/v1/refunds", &query, STR_EMPTY};
    CLEANUP(psp_stripe_doc_cleanup) yyjson_doc *doc = NULL;
    TRY(fetch_page(stripe_of(psp), asker, &exchange, count, &doc, ret_failure));
    size_t index, size;
    yyjson_val *item;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(doc), "data"), index, size, item)
        TRY(psp_stripe_read_refund(asker->arena, item, &ret_refunds[index]));
    *ret_count = size;
    return 0;
}

static int stripe_verify_event(struct psp *psp, struct arena *arena, struct str signature, struct str body,
                               int64_t now_ms, struct psp_event *ret_event)
{
    if (body.len > EVENT_BYTES_MAX)
        return ERR_INVALID;
    TRY(psp_signature_check(secret_bytes(stripe_of(psp)->webhook_secret), signature, body, now_ms / CLOCK_MS_PER_S,
                            PSP_STRIPE_TOLERANCE_MS / CLOCK_MS_PER_S));
    CLEANUP(psp_stripe_doc_cleanup) yyjson_doc *doc = NULL;
    if (read_json(body, &doc) == ERR_NO_MEMORY)
        return ERR_NO_MEMORY;
    yyjson_val *root = yyjson_doc_get_root(doc);
    struct psp_event event = {
        .id = arena_copy(arena, psp_stripe_text(root, "id")),
        .type = arena_copy(arena, psp_stripe_text(root, "type")),
    };
    if (psp_stripe_text(root, "id").len == 0 || psp_stripe_text(root, "type").len == 0)
        return ERR_INVALID;
    if (!event.id.ptr || !event.type.ptr)
        return ERR_NO_MEMORY;
    yyjson_val *object = yyjson_obj_get(yyjson_obj_get(root, "data"), "object");
    struct str kind = psp_stripe_text(object, "object");
    if (str_equal(kind, STR("payment_intent"))) {
        TRY(psp_stripe_read_intent(arena, object, &event.intent));
        event.kind = PSP_EVENT_INTENT;
    } else if (str_equal(kind, STR("refund"))) {
        TRY(psp_stripe_read_refund(arena, object, &event.refund));
        event.kind = PSP_EVENT_REFUND;
    }
    *ret_event = event;
    return 0;
}

static void stripe_free(struct psp *psp)
{
    if (!psp)
        return;
    struct psp_stripe *stripe = stripe_of(psp);
    free(stripe->base_url);
    secret_free(stripe->authorization);
    secret_free(stripe->webhook_secret);
    free(stripe);
}

static int authorization_new(struct str key, struct secret **ret_secret)
{
    CLEANUP(buf_free) struct buf value = BUF(AUTHORIZATION_BYTES_MAX);
    buf_append(&value, STR("Bearer "));
    buf_append(&value, key);
    TRY(buf_error(&value));
    int error = secret_new(buf_str(&value), ret_secret);
    explicit_bzero(value.ptr, value.len);
    return error;
}

int psp_stripe_new(struct psp **ret_psp, const struct psp_stripe_config *config)
{
    if (config->base_url.len == 0 || config->secret_key.len == 0 || config->webhook_secret.len == 0)
        return ERR_INVALID;
    struct psp_stripe *stripe = calloc(1, sizeof(*stripe));
    if (!stripe)
        return ERR_NO_MEMORY;
    *stripe = (struct psp_stripe){
        .psp =
            {
                .create_intent = stripe_create_intent,
                .retrieve_intent = stripe_retrieve_intent,
                .capture_intent = stripe_capture_intent,
                .cancel_intent = stripe_cancel_intent,
                .refund = stripe_refund,
                .list_intents = stripe_list_intents,
                .list_refunds = stripe_list_refunds,
                .verify_event = stripe_verify_event,
                .free = stripe_free,
            },
        .client = config->client,
        .base_url = strndup(config->base_url.ptr, config->base_url.len),
        .timeout_ms = config->timeout_ms,
    };
    int error = stripe->base_url ? 0 : ERR_NO_MEMORY;
    if (!error)
        error = authorization_new(config->secret_key, &stripe->authorization);
    if (!error)
        error = secret_new(config->webhook_secret, &stripe->webhook_secret);
    if (error) {
        stripe_free(&stripe->psp);
        return error;
    }
    *ret_psp = &stripe->psp;
    return 0;
}
