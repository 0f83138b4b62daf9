/* PaymentIntents, https://docs.stripe.com/api/payment_intents. */
#include "services/stripe_emulator/emulator.h"

#include "platform/base/iso_code.h"
#include "services/stripe_emulator/sql/objects.sql.h"

#define AMOUNT_MAX INT64_C(99999999999)
#define REFERENCE_BYTES_MAX 1000

static bool is_one_of(struct str status, const char *first, const char *second, const char *third)
{
    return str_equal_cstr(status, first) || (second && str_equal_cstr(status, second)) ||
           (third && str_equal_cstr(status, third));
}

static int find_intent(struct api *api, struct sql_tx *tx, struct intent_row *ret_intent)
{
    int error = load_intent(tx, api->arena, api->id, ret_intent);
    return error == ERR_NOT_FOUND ? api_refuse_missing(api, "payment_intent", api->id, "intent") : error;
}

static int answer_intent(struct api *api, struct sql_tx *tx, const struct intent_row *intent, const char *expand_path)
{
    struct charge_row charge;
    bool expand = intent->latest_charge.len > 0 && form_expands(&api->form, expand_path);
    if (expand)
        TRY(load_charge(tx, api->arena, intent->latest_charge, &charge));
    render_intent(&api->body, intent, expand ? &charge : NULL, api->base_url);
    return 0;
}

static int forbid_unexpected(struct api *api, const struct intent_row *intent, const char *what)
{
    return api_forbid(api, "payment_intent_unexpected_state", intent,
                      "This PaymentIntent could not be %s because it has a status of %.*s.", what,
                      STR_FORMAT(intent->status));
}

/* ISO 4217 in either case; kept in lower case. */
static int take_currency(struct api *api, struct str *ret_currency)
{
    struct str text = form_find(&api->form, "currency");
    if (!text.ptr)
        return ERR_NOT_FOUND;
    char upper[4] = "", *copy = arena_cstr(api->arena, text);
    if (!copy)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < 3 && i < text.len; i++) {
        upper[i] = (char)(copy[i] & ~0x20);
        copy[i] |= 0x20;
    }
    if (text.len != 3 || iso_currency_digits(str_from_cstr(upper)) < 0)
        return api_refuse(api, 400, "invalid_request_error", "parameter_invalid_string_blank", "currency",
                          "Invalid currency.");
    *ret_currency = str_from(copy, 3);
    return 0;
}

static int require(struct api *api, int error, const char *name)
{
    return error == ERR_NOT_FOUND ? api_refuse(api, 400, "invalid_request_error", "parameter_missing", name,
                                               "Missing required param: %s.", name)
                                  : error;
}

/* Takes over the parameters that create, update and confirm share. */
static int take_common(struct api *api, struct sql_tx *tx, struct intent_row *intent)
{
    static const struct {
        const char *name;
        size_t offset;
    } texts[] = {
        {"description", offsetof(struct intent_row, description)},
        {"return_url", offsetof(struct intent_row, return_url)},
        {"customer", offsetof(struct intent_row, customer)},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct str value = form_find(&api->form, texts[i].name);
        if (value.len > REFERENCE_BYTES_MAX)
            return api_refuse(api, 400, "invalid_request_error", NULL, texts[i].name, "The value is too long.");
        if (value.ptr)
            *(struct str *)((char *)intent + texts[i].offset) = value;
    }
    struct str capture_method = form_find(&api->form, "capture_method");
    if (capture_method.ptr) {
        if (!is_one_of(capture_method, "automatic", "manual", "automatic_async"))
            return api_refuse(api, 400, "invalid_request_error", NULL, "capture_method", "Invalid capture_method.");
        intent->capture_method = capture_method;
    }
    TRY(api_metadata(api, intent->metadata, &intent->metadata));
    struct str name = form_find(&api->form, "payment_method");
    if (!name.ptr)
        return 0;
    struct method_row method;
    TRY(use_method(api, tx, name, intent->id, "payment_method", &method));
    intent->payment_method = method.id;
    intent->status = STR("requires_confirmation");
    return 0;
}

static int create_intent(struct api *api, struct sql_tx *tx)
{
    struct intent_row intent = {
        .id = api_new_id(api, "pi_3"),
        .status = STR("requires_payment_method"),
        .capture_method = STR("automatic"),
        .metadata = STR("{}"),
        .traceparent = api->traceparent,
        .created_ms = api->now_ms,
    };
    struct str suffix = api_new_secret(api, "_secret_");
    intent.client_secret =
        str_from_cstr(arena_printf(api->arena, "%.*s%.*s", STR_FORMAT(intent.id), STR_FORMAT(suffix)));
    TRY(require(api, api_int(api, "amount", 1, AMOUNT_MAX, &intent.amount), "amount"));
    TRY(require(api, take_currency(api, &intent.currency), "currency"));
    TRY(take_common(api, tx, &intent));
    bool confirm = str_equal(form_find(&api->form, "confirm"), STR("true"));
    if (confirm && intent.payment_method.len == 0)
        return api_refuse(api, 400, "invalid_request_error", "payment_intent_unexpected_state", "payment_method",
                          "You cannot confirm this PaymentIntent because it's missing a payment method.");
    TRY(store_intent(tx, &intent));
    return confirm ? charge_intent(api, tx, &intent, false) : answer_intent(api, tx, &intent, "latest_charge");
}
API_WRITE(create_intent)

static int retrieve_intent(struct api *api, struct sql_tx *tx)
{
    struct intent_row intent;
    TRY(find_intent(api, tx, &intent));
    return answer_intent(api, tx, &intent, "latest_charge");
}
API_READ(retrieve_intent)

static int list_intents(struct api *api, struct sql_tx *tx)
{
    struct list_range range;
    TRY(api_list_range(api, tx, &stripe_emulator_sql_find_intent_position, &range));
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &stripe_emulator_sql_list_intents,
                  SQL_ARGS(sql_int(range.from_ms), sql_int(range.to_ms), sql_int(range.before_ms),
                           sql_text(range.before_id), sql_int(range.limit + 1)),
                  &rows));
    api_list_open(api);
    int64_t count = 0;
    int more;
    while ((more = sql_next(rows)) == 1 && count++ < range.limit) {
        struct intent_row intent;
        TRY(read_intent_row(rows, api->arena, &intent));
        if (count > 1)
            buf_append_char(&api->body, ',');
        TRY(answer_intent(api, tx, &intent, "data.latest_charge"));
    }
    if (more < 0)
        return more;
    api_list_close(api, more == 1);
    return 0;
}
API_READ(list_intents)

static int update_intent_parameters(struct api *api, struct sql_tx *tx)
{
    struct intent_row intent;
    TRY(find_intent(api, tx, &intent));
    bool is_open = is_one_of(intent.status, "requires_payment_method", "requires_confirmation", "requires_action");
    int error = api_int(api, "amount", 1, AMOUNT_MAX, &intent.amount);
    bool changes_money =
        error == 0 || form_find(&api->form, "currency").ptr || form_find(&api->form, "payment_method").ptr;
    if (error < 0 && error != ERR_NOT_FOUND)
        return error;
    if (!is_open && changes_money)
        return forbid_unexpected(api, &intent, "updated");
    error = take_currency(api, &intent.currency);
    if (error < 0 && error != ERR_NOT_FOUND)
        return error;
    TRY(take_common(api, tx, &intent));
    TRY(update_intent(tx, &intent));
    return answer_intent(api, tx, &intent, "latest_charge");
}

int update_intent_route(struct call *call, const struct http_request *request, struct http_response *response)
{
    return api_answer(call, request, response, update_intent_parameters, true);
}

static int confirm_intent(struct api *api, struct sql_tx *tx)
{
    struct intent_row intent;
    TRY(find_intent(api, tx, &intent));
    if (!is_one_of(intent.status, "requires_payment_method", "requires_confirmation", "requires_action"))
        return forbid_unexpected(api, &intent, "confirmed");
    TRY(take_common(api, tx, &intent));
    if (intent.payment_method.len == 0)
        return api_forbid(api, "payment_intent_unexpected_state", &intent,
                          "You cannot confirm this PaymentIntent because it's missing a payment method.");
    return charge_intent(api, tx, &intent, false);
}
API_WRITE(confirm_intent)

static int capture_intent(struct api *api, struct sql_tx *tx)
{
    struct intent_row intent;
    TRY(find_intent(api, tx, &intent));
    if (!str_equal(intent.status, STR("requires_capture")))
        return forbid_unexpected(api, &intent, "captured");
    int64_t amount = intent.amount;
    int error = api_int(api, "amount_to_capture", 1, intent.amount, &amount);
    if (error < 0 && error != ERR_NOT_FOUND)
        return error;
    struct charge_row charge;
    TRY(load_charge(tx, api->arena, intent.latest_charge, &charge));
    charge.captured = true;
    charge.amount_captured = amount;
    TRY(update_charge(tx, &charge));
    intent.status = STR("succeeded");
    intent.amount_received = amount;
    TRY(update_intent(tx, &intent));
    TRY(tell_intent(api, tx, "payment_intent.succeeded", &intent));
    return answer_intent(api, tx, &intent, "latest_charge");
}
API_WRITE(capture_intent)

/* What was held is given back whole. */
static int release_charge(struct api *api, struct sql_tx *tx, const struct intent_row *intent)
{
    struct charge_row charge;
    TRY(load_charge(tx, api->arena, intent->latest_charge, &charge));
    charge.amount_refunded = charge.amount;
    TRY(update_charge(tx, &charge));
    CLEANUP(buf_free) struct buf json = BUF(EMULATOR_BODY_BYTES_MAX);
    render_charge(&json, &charge);
    TRY(buf_error(&json));
    return tell(api, tx, "charge.refunded", buf_str(&json), intent->traceparent);
}

static int cancel_intent(struct api *api, struct sql_tx *tx)
{
    struct intent_row intent;
    TRY(find_intent(api, tx, &intent));
    if (is_one_of(intent.status, "succeeded", "canceled", "processing"))
        return api_forbid(api, "payment_intent_unexpected_state", &intent,
                          "You cannot cancel this PaymentIntent because it has a status of %.*s. Only a PaymentIntent "
                          "with one of the following statuses may be canceled: requires_payment_method, "
                          "requires_capture, requires_confirmation, requires_action.",
                          STR_FORMAT(intent.status));
    struct str reason = form_find(&api->form, "cancellation_reason");
    if (reason.ptr && !is_one_of(reason, "duplicate", "fraudulent", "requested_by_customer") &&
        !str_equal(reason, STR("abandoned")))
        return api_refuse(api, 400, "invalid_request_error", NULL, "cancellation_reason",
                          "Invalid cancellation_reason.");
    if (str_equal(intent.status, STR("requires_capture")))
        TRY(release_charge(api, tx, &intent));
    intent.status = STR("canceled");
    intent.cancellation_reason = reason;
    intent.canceled_at_ms = api->now_ms;
    TRY(update_intent(tx, &intent));
    TRY(tell_intent(api, tx, "payment_intent.canceled", &intent));
    return answer_intent(api, tx, &intent, "latest_charge");
}
API_WRITE(cancel_intent)
