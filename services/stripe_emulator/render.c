#include "services/stripe_emulator/emulator.h"

#include "platform/ports/clock/clock.h"
#include "platform/wire/wire.h"

/* -- The writer ---------------------------------------------------------------------------------------------------- */

static void separate(struct buf *json)
{
    if (json->len > 0 && !memchr("{[:,", json->ptr[json->len - 1], 4))
        buf_append_char(json, ',');
}

static void write_name(struct buf *json, const char *name)
{
    separate(json);
    if (!name)
        return;
    buf_append_char(json, '"');
    buf_append_cstr(json, name);
    buf_append(json, STR("\":"));
}

void member_open(struct buf *json, const char *name, char bracket)
{
    write_name(json, name);
    buf_append_char(json, bracket);
}

void member_close(struct buf *json, char bracket)
{
    buf_append_char(json, bracket);
}

void member_null(struct buf *json, const char *name)
{
    member_raw(json, name, STR("null"));
}

void member_text(struct buf *json, const char *name, struct str value)
{
    write_name(json, name);
    if (value.len == 0)
        buf_append(json, STR("null"));
    else
        wire_json_string(json, value);
}

void member_int(struct buf *json, const char *name, int64_t value)
{
    write_name(json, name);
    buf_append_int(json, value);
}

void member_bool(struct buf *json, const char *name, bool value)
{
    member_raw(json, name, value ? STR("true") : STR("false"));
}

void member_raw(struct buf *json, const char *name, struct str value)
{
    write_name(json, name);
    buf_append(json, value.len > 0 ? value : STR("null"));
}

/* -- Stripe's objects ---------------------------------------------------------------------------------------------- */

static void open_object(struct buf *json, const char *object, struct str id, int64_t created_ms)
{
    member_open(json, NULL, '{');
    member_text(json, "id", id);
    member_text(json, "object", str_from_cstr(object));
    member_int(json, "created", created_ms / CLOCK_MS_PER_S);
    member_bool(json, "livemode", false);
}

/* Where the customer authenticates, while that is asked for. */
static void render_next_action(struct buf *json, const struct intent_row *intent, struct str base_url)
{
    if (!str_equal(intent->status, STR("requires_action"))) {
        member_null(json, "next_action");
        return;
    }
    member_open(json, "next_action", '{');
    if (intent->return_url.len == 0) {
        /* Without an address to come back to, Stripe leaves it to its script. */
        member_text(json, "type", STR("use_stripe_sdk"));
        member_open(json, "use_stripe_sdk", '{');
        member_text(json, "type", STR("three_d_secure_redirect"));
        buf_printf(json, ",\"stripe_js\":\"%.*s/challenge/%.*s?payment_intent_client_secret=%.*s\"",
                   STR_FORMAT(base_url), STR_FORMAT(intent->id), STR_FORMAT(intent->client_secret));
    } else {
        member_text(json, "type", STR("redirect_to_url"));
        member_open(json, "redirect_to_url", '{');
        member_text(json, "return_url", intent->return_url);
        buf_printf(json, ",\"url\":\"%.*s/challenge/%.*s?payment_intent_client_secret=%.*s\"", STR_FORMAT(base_url),
                   STR_FORMAT(intent->id), STR_FORMAT(intent->client_secret));
    }
    member_close(json, '}');
    member_close(json, '}');
}

static void render_amounts(struct buf *json, const struct intent_row *intent)
{
    bool is_held = str_equal(intent->status, STR("requires_capture"));
    member_int(json, "amount", intent->amount);
    member_int(json, "amount_capturable", is_held ? intent->amount : 0);
    member_raw(json, "amount_details", STR("{\"tip\":{}}"));
    member_int(json, "amount_received", intent->amount_received);
    member_text(json, "currency", intent->currency);
}

void render_intent(struct buf *json, const struct intent_row *intent, const struct charge_row *expanded,
                   struct str base_url)
{
    open_object(json, "payment_intent", intent->id, intent->created_ms);
    render_amounts(json, intent);
    member_text(json, "status", intent->status);
    member_text(json, "client_secret", intent->client_secret);
    member_text(json, "capture_method", intent->capture_method);
    member_text(json, "confirmation_method", STR("automatic"));
    member_text(json, "payment_method", intent->payment_method);
    member_raw(json, "payment_method_types", STR("[\"card\"]"));
    member_raw(json, "payment_method_options", STR("{\"card\":{\"request_three_d_secure\":\"automatic\"}}"));
    member_text(json, "customer", intent->customer);
    member_text(json, "description", intent->description);
    member_raw(json, "metadata", intent->metadata);
    if (expanded) {
        write_name(json, "latest_charge");
        render_charge(json, expanded);
    } else {
        member_text(json, "latest_charge", intent->latest_charge);
    }
    member_raw(json, "last_payment_error", intent->last_payment_error);
    render_next_action(json, intent, base_url);
    member_text(json, "cancellation_reason", intent->cancellation_reason);
    if (intent->canceled_at_ms > 0)
        member_int(json, "canceled_at", intent->canceled_at_ms / CLOCK_MS_PER_S);
    else
        member_null(json, "canceled_at");
    static const char *const absent[] = {"application",
                                         "application_fee_amount",
                                         "automatic_payment_methods",
                                         "invoice",
                                         "on_behalf_of",
                                         "processing",
                                         "receipt_email",
                                         "review",
                                         "setup_future_usage",
                                         "shipping",
                                         "source",
                                         "statement_descriptor",
                                         "transfer_data",
                                         "transfer_group"};
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        member_null(json, absent[i]);
    member_close(json, '}');
}

static void render_card_details(struct buf *json, const struct test_card *card, int64_t exp_month, int64_t exp_year)
{
    member_open(json, "card", '{');
    member_text(json, "brand", str_from_cstr(card ? card->brand : "unknown"));
    member_text(json, "country", STR("US"));
    if (exp_month > 0) {
        member_int(json, "exp_month", exp_month);
        member_int(json, "exp_year", exp_year);
    }
    member_text(json, "funding", STR("credit"));
    member_text(json, "last4", card ? card_last4(card) : STR_EMPTY);
    member_close(json, '}');
}

static void render_outcome(struct buf *json, const struct charge_row *charge)
{
    const struct test_card *card = card_by_name(charge->card);
    bool approved = str_equal(charge->status, STR("succeeded")), blocked = card && card_is_blocked(card);
    member_open(json, "outcome", '{');
    member_text(json, "network_status",
                approved  ? STR("approved_by_network")
                : blocked ? STR("not_sent_to_network")
                          : STR("declined_by_network"));
    member_text(json, "reason", blocked ? STR("highest_risk_level") : charge->decline_code);
    member_text(json, "risk_level", blocked ? STR("highest") : STR("normal"));
    member_text(json, "seller_message",
                approved  ? STR("Payment complete.")
                : blocked ? STR("Stripe blocked this payment as too risky.")
                          : STR("The bank declined the payment."));
    member_text(json, "type", approved ? STR("authorized") : blocked ? STR("blocked") : STR("issuer_declined"));
    member_close(json, '}');
}

void render_charge(struct buf *json, const struct charge_row *charge)
{
    open_object(json, "charge", charge->id, charge->created_ms);
    member_int(json, "amount", charge->amount);
    member_int(json, "amount_captured", charge->amount_captured);
    member_int(json, "amount_refunded", charge->amount_refunded);
    member_text(json, "currency", charge->currency);
    member_bool(json, "captured", charge->captured);
    member_bool(json, "paid", str_equal(charge->status, STR("succeeded")));
    member_bool(json, "refunded", charge->amount_refunded == charge->amount);
    member_bool(json, "disputed", false);
    member_text(json, "status", charge->status);
    member_text(json, "payment_intent", charge->payment_intent);
    member_text(json, "payment_method", charge->payment_method);
    member_text(json, "failure_code", charge->failure_code);
    member_text(json, "failure_message", charge->failure_message);
    member_null(json, "balance_transaction");
    member_null(json, "customer");
    member_raw(json, "metadata", STR("{}"));
    member_raw(json, "billing_details", STR("{\"address\":null,\"email\":null,\"name\":null,\"phone\":null}"));
    render_outcome(json, charge);
    member_open(json, "payment_method_details", '{');
    render_card_details(json, card_by_name(charge->card), 0, 0);
    member_text(json, "type", STR("card"));
    member_close(json, '}');
    member_close(json, '}');
}

void render_refund(struct buf *json, const struct refund_row *refund)
{
    open_object(json, "refund", refund->id, refund->created_ms);
    member_int(json, "amount", refund->amount);
    member_text(json, "currency", refund->currency);
    member_text(json, "charge", refund->charge);
    member_text(json, "payment_intent", refund->payment_intent);
    member_text(json, "status", refund->status);
    member_text(json, "reason", refund->reason);
    if (refund->failure_reason.len > 0)
        member_text(json, "failure_reason", refund->failure_reason);
    member_raw(json, "metadata", refund->metadata);
    member_null(json, "balance_transaction");
    member_null(json, "receipt_number");
    member_close(json, '}');
}

void render_method(struct buf *json, const struct method_row *method)
{
    open_object(json, "payment_method", method->id, method->created_ms);
    member_text(json, "type", STR("card"));
    member_text(json, "customer", method->customer);
    member_raw(json, "billing_details", STR("{\"address\":null,\"email\":null,\"name\":null,\"phone\":null}"));
    member_raw(json, "metadata", STR("{}"));
    render_card_details(json, card_by_name(method->card), method->exp_month, method->exp_year);
    member_close(json, '}');
}

void render_customer(struct buf *json, const struct customer_row *customer)
{
    open_object(json, "customer", customer->id, customer->created_ms);
    member_text(json, "email", customer->email);
    member_text(json, "name", customer->name);
    member_text(json, "description", customer->description);
    member_raw(json, "metadata", customer->metadata);
    member_int(json, "balance", 0);
    member_bool(json, "delinquent", false);
    member_close(json, '}');
}

void render_endpoint(struct buf *json, const struct endpoint_row *endpoint, bool with_secret)
{
    open_object(json, "webhook_endpoint", endpoint->id, endpoint->created_ms);
    member_text(json, "url", endpoint->url);
    member_text(json, "status", STR("enabled"));
    member_open(json, "enabled_events", '[');
    struct str rest = endpoint->enabled_events, type;
    while (str_next_token(&rest, ',', &type))
        member_text(json, NULL, type);
    member_close(json, ']');
    member_raw(json, "metadata", STR("{}"));
    /* Stripe too shows the secret once, when the endpoint is made. */
    if (with_secret)
        member_text(json, "secret", endpoint->secret);
    member_close(json, '}');
}
