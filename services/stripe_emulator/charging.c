/* What happens when money is asked of a card. */
#include "services/stripe_emulator/emulator.h"

#include "services/stripe_emulator/sql/objects.sql.h"

#define CARD_PREFIX "pm_card_"
#define TEST_EXPIRY_MONTH 12
#define TEST_EXPIRY_YEAR 2034

/* One that belongs to no customer pays once. */
static int refuse_used(struct api *api, const char *param)
{
    return api_refuse(
        api, 400, "invalid_request_error", NULL, param,
        "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, "
        "shared with a connected account without Customer attachment, or was detached from a Customer. It "
        "may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer "
        "first.");
}

static int load_unused(struct api *api, struct sql_tx *tx, struct str id, struct str intent, const char *param,
                       struct method_row *ret_method)
{
    int error = load_method(tx, api->arena, id, ret_method);
    if (error == ERR_NOT_FOUND)
        return api_refuse_missing(api, "PaymentMethod", id, param);
    TRY(error);
    if (ret_method->used_by.len == 0 || ret_method->customer.len > 0 || str_equal(ret_method->used_by, intent))
        return 0;
    /* A customer may still get the one whose owner has not been asked to the end. */
    struct intent_row user;
    TRY(load_intent(tx, api->arena, ret_method->used_by, &user));
    bool is_open = intent.len == 0 && str_equal(user.status, STR("requires_action"));
    return is_open ? 0 : refuse_used(api, param);
}

int use_method(struct api *api, struct sql_tx *tx, struct str text, struct str intent, const char *param,
               struct method_row *ret_method)
{
    if (!str_starts_with(text, STR(CARD_PREFIX)))
        return load_unused(api, tx, text, intent, param, ret_method);
    const struct test_card *card = card_by_name(str_skip(text, sizeof(CARD_PREFIX) - 1));
    if (!card)
        return api_refuse_missing(api, "PaymentMethod", text, param);
    struct method_row method = {
        .id = api_new_id(api, "pm_1"),
        .card = str_from_cstr(card->name),
        .exp_month = TEST_EXPIRY_MONTH,
        .exp_year = TEST_EXPIRY_YEAR,
        .created_ms = api->now_ms,
        .used_by = intent,
    };
    TRY(store_method(tx, &method));
    *ret_method = method;
    return 0;
}

int tell_intent(struct api *api, struct sql_tx *tx, const char *type, const struct intent_row *intent)
{
    CLEANUP(buf_free) struct buf json = BUF(EMULATOR_BODY_BYTES_MAX);
    render_intent(&json, intent, NULL, api->base_url);
    TRY(buf_error(&json));
    return tell(api, tx, type, buf_str(&json), intent->traceparent);
}

static int answer_intent(struct api *api, const struct intent_row *intent)
{
    render_intent(&api->body, intent, NULL, api->base_url);
    return 0;
}

static int write_charge(struct api *api, struct sql_tx *tx, struct intent_row *intent, const struct test_card *card,
                        bool approved)
{
    bool captured = approved && !str_equal(intent->capture_method, STR("manual"));
    struct charge_row charge = {
        .id = api_new_id(api, "ch_3"),
        .payment_intent = intent->id,
        .status = approved ? STR("succeeded") : STR("failed"),
        .amount = intent->amount,
        .amount_captured = captured ? intent->amount : 0,
        .currency = intent->currency,
        .captured = captured,
        .payment_method = intent->payment_method,
        .card = str_from_cstr(card->name),
        .created_ms = api->now_ms,
    };
    if (!approved) {
        charge.failure_code = str_from_cstr(card->failure_code);
        charge.decline_code = str_from_cstr(card->decline_code);
        charge.failure_message = str_from_cstr(card->message);
    }
    intent->latest_charge = charge.id;
    return store_charge(tx, &charge);
}

/* The error object, without the intent in it: what last_payment_error keeps. */
static int render_failure(struct api *api, const struct intent_row *intent, const struct method_row *method,
                          const char *code, const char *decline_code, const char *message, struct str *ret_json)
{
    CLEANUP(buf_free) struct buf json = BUF(EMULATOR_BODY_BYTES_MAX);
    member_open(&json, NULL, '{');
    member_text(&json, "type", decline_code ? STR("card_error") : STR("invalid_request_error"));
    member_text(&json, "code", str_from_cstr(code));
    if (decline_code)
        member_text(&json, "decline_code", str_from_cstr(decline_code));
    if (decline_code && intent->latest_charge.len > 0)
        member_text(&json, "charge", intent->latest_charge);
    member_text(&json, "message", str_from_cstr(message));
    buf_append(&json, STR(",\"payment_method\":"));
    render_method(&json, method);
    member_close(&json, '}');
    TRY(buf_error(&json));
    *ret_json = arena_copy(api->arena, buf_str(&json));
    return ret_json->ptr ? 0 : ERR_NO_MEMORY;
}

/* 402 with the reason and the intent in it. */
static void answer_declined(struct api *api, const struct intent_row *intent)
{
    buf_clear(&api->body);
    api->status = 402;
    struct str reason = intent->last_payment_error;
    buf_append(&api->body, STR("{\"error\":"));
    buf_append(&api->body, str_slice(reason, 0, reason.len - 1)); /* Without its last bracket. */
    buf_append(&api->body, STR(",\"payment_intent\":"));
    render_intent(&api->body, intent, NULL, api->base_url);
    buf_append(&api->body, STR("}}"));
}

static int decline(struct api *api, struct sql_tx *tx, struct intent_row *intent, const struct method_row *method,
                   const struct test_card *card)
{
    TRY(write_charge(api, tx, intent, card, false));
    TRY(render_failure(api, intent, method, card->failure_code, card->decline_code, card->message,
                       &intent->last_payment_error));
    intent->status = STR("requires_payment_method");
    intent->payment_method = STR_EMPTY;
    TRY(update_intent(tx, intent));
    TRY(tell_intent(api, tx, "payment_intent.payment_failed", intent));
    answer_declined(api, intent);
    return 0;
}

static int approve(struct api *api, struct sql_tx *tx, struct intent_row *intent, const struct test_card *card)
{
    bool is_manual = str_equal(intent->capture_method, STR("manual"));
    TRY(write_charge(api, tx, intent, card, true));
    intent->status = is_manual ? STR("requires_capture") : STR("succeeded");
    intent->amount_received = is_manual ? 0 : intent->amount;
    intent->last_payment_error = STR_EMPTY;
    TRY(update_intent(tx, intent));
    TRY(tell_intent(api, tx, is_manual ? "payment_intent.amount_capturable_updated" : "payment_intent.succeeded",
                    intent));
    return answer_intent(api, intent);
}

/* It is used up as soon as a bank has not said no: a card that was declined may be tried again. */
static int use_up(struct sql_tx *tx, const struct method_row *method, const struct intent_row *intent)
{
    if (str_equal(method->used_by, intent->id))
        return 0;
    return sql_exec(tx, &stripe_emulator_sql_use_payment_method, SQL_ARGS(sql_text(method->id), sql_text(intent->id)),
                    NULL);
}

int charge_intent(struct api *api, struct sql_tx *tx, struct intent_row *intent, bool authenticated)
{
    struct method_row method;
    TRY(load_method(tx, api->arena, intent->payment_method, &method));
    const struct test_card *card = card_by_name(method.card);
    if (!card)
        return ERR_CORRUPT;
    bool is_asked = card->authenticate && !authenticated;
    if (is_asked || !card->failure_code)
        TRY(use_up(tx, &method, intent));
    if (is_asked) {
        intent->status = STR("requires_action");
        intent->last_payment_error = STR_EMPTY;
        TRY(update_intent(tx, intent));
        TRY(tell_intent(api, tx, "payment_intent.requires_action", intent));
        return answer_intent(api, intent);
    }
    return card->failure_code ? decline(api, tx, intent, &method, card) : approve(api, tx, intent, card);
}

int fail_authentication(struct api *api, struct sql_tx *tx, struct intent_row *intent)
{
    struct method_row method;
    TRY(load_method(tx, api->arena, intent->payment_method, &method));
    TRY(render_failure(api, intent, &method, "payment_intent_authentication_failure", NULL,
                       "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a "
                       "new PaymentMethod to attempt to fulfill this PaymentIntent again.",
                       &intent->last_payment_error));
    intent->status = STR("requires_payment_method");
    intent->payment_method = STR_EMPTY;
    TRY(update_intent(tx, intent));
    return tell_intent(api, tx, "payment_intent.payment_failed", intent);
}
