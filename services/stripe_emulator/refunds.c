/* Refunds, charges and the balance, https://docs.stripe.com/api/refunds. */
#include "services/stripe_emulator/emulator.h"

#include "services/stripe_emulator/sql/objects.sql.h"

#include <inttypes.h>

static int tell_refund(struct api *api, struct sql_tx *tx, const struct refund_row *refund,
                       const struct charge_row *charge)
{
    CLEANUP(buf_free) struct buf json = BUF(EMULATOR_BODY_BYTES_MAX);
    render_refund(&json, refund);
    TRY(buf_error(&json));
    TRY(tell(api, tx, "refund.created", buf_str(&json), api->traceparent));
    buf_clear(&json);
    render_charge(&json, charge);
    TRY(buf_error(&json));
    return tell(api, tx, "charge.refunded", buf_str(&json), api->traceparent);
}

/* The charge that the request names, by its own id or its intent's. */
static int find_refunded_charge(struct api *api, struct sql_tx *tx, struct charge_row *ret_charge)
{
    struct str charge_id = form_find(&api->form, "charge");
    struct str intent_id = form_find(&api->form, "payment_intent");
    if (charge_id.len == 0 && intent_id.len == 0)
        return api_refuse(api, 400, "invalid_request_error", "parameter_missing", "payment_intent",
                          "One of the following params should be provided for this request: payment_intent or charge.");
    if (charge_id.len == 0) {
        struct intent_row intent;
        int error = load_intent(tx, api->arena, intent_id, &intent);
        if (error == ERR_NOT_FOUND)
            return api_refuse_missing(api, "payment_intent", intent_id, "payment_intent");
        TRY(error);
        if (intent.latest_charge.len == 0)
            return api_refuse(api, 400, "invalid_request_error", "payment_intent_unexpected_state", "payment_intent",
                              "This PaymentIntent (%.*s) does not have a successful charge to refund.",
                              STR_FORMAT(intent.id));
        charge_id = intent.latest_charge;
    }
    int error = load_charge(tx, api->arena, charge_id, ret_charge);
    return error == ERR_NOT_FOUND ? api_refuse_missing(api, "charge", charge_id, "charge") : error;
}

static int check_refundable(struct api *api, const struct charge_row *charge, int64_t *ret_amount)
{
    if (!str_equal(charge->status, STR("succeeded")) || !charge->captured)
        return api_refuse(api, 400, "invalid_request_error", "payment_intent_unexpected_state", "payment_intent",
                          "This PaymentIntent (%.*s) does not have a successful charge to refund.",
                          STR_FORMAT(charge->payment_intent));
    int64_t left = charge->amount_captured - charge->amount_refunded;
    if (left == 0)
        return api_refuse(api, 400, "invalid_request_error", "charge_already_refunded", NULL,
                          "Charge %.*s has already been refunded.", STR_FORMAT(charge->id));
    *ret_amount = left;
    int error = api_int(api, "amount", 1, INT64_MAX, ret_amount);
    if (error < 0 && error != ERR_NOT_FOUND)
        return error;
    if (*ret_amount > left)
        return api_refuse(api, 400, "invalid_request_error", NULL, "amount",
                          "Refund amount (%" PRId64 ") is greater than unrefunded amount on charge (%" PRId64 ").",
                          *ret_amount, left);
    return 0;
}

static int create_refund(struct api *api, struct sql_tx *tx)
{
    struct charge_row charge;
    TRY(find_refunded_charge(api, tx, &charge));
    struct refund_row refund = {
        .id = api_new_id(api, "re_3"),
        .charge = charge.id,
        .payment_intent = charge.payment_intent,
        .status = STR("succeeded"),
        .currency = charge.currency,
        .reason = form_find(&api->form, "reason"),
        .created_ms = api->now_ms,
    };
    TRY(check_refundable(api, &charge, &refund.amount));
    TRY(api_metadata(api, STR("{}"), &refund.metadata));
    charge.amount_refunded += refund.amount;
    TRY(store_refund(tx, &refund));
    TRY(update_charge(tx, &charge));
    TRY(tell_refund(api, tx, &refund, &charge));
    render_refund(&api->body, &refund);
    return 0;
}
API_WRITE(create_refund)

static int retrieve_refund(struct api *api, struct sql_tx *tx)
{
    struct refund_row refund;
    int error = load_refund(tx, api->arena, api->id, &refund);
    if (error == ERR_NOT_FOUND)
        return api_refuse_missing(api, "refund", api->id, "refund");
    TRY(error);
    render_refund(&api->body, &refund);
    return 0;
}
API_READ(retrieve_refund)

static int retrieve_charge(struct api *api, struct sql_tx *tx)
{
    struct charge_row charge;
    int error = load_charge(tx, api->arena, api->id, &charge);
    if (error == ERR_NOT_FOUND)
        return api_refuse_missing(api, "charge", api->id, "id");
    TRY(error);
    render_charge(&api->body, &charge);
    return 0;
}
API_READ(retrieve_charge)

/* Opens the list of a statement whose sixth parameter is an intent's id. */
static int open_list(struct api *api, struct sql_tx *tx, const struct sql_statement *list,
                     const struct sql_statement *position, int64_t *ret_limit, struct sql_rows **ret_rows)
{
    struct list_range range;
    TRY(api_list_range(api, tx, position, &range));
    TRY(sql_query(tx, list,
                  SQL_ARGS(sql_int(range.from_ms), sql_int(range.to_ms), sql_int(range.before_ms),
                           sql_text(range.before_id), sql_int(range.limit + 1),
                           sql_text(form_find(&api->form, "payment_intent"))),
                  ret_rows));
    *ret_limit = range.limit;
    api_list_open(api);
    return 0;
}

static int list_refunds(struct api *api, struct sql_tx *tx)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int64_t limit, count = 0;
    TRY(open_list(api, tx, &stripe_emulator_sql_list_refunds, &stripe_emulator_sql_find_refund_position, &limit,
                  &rows));
    int more;
    while ((more = sql_next(rows)) == 1 && count++ < limit) {
        struct refund_row refund;
        TRY(read_refund_row(rows, api->arena, &refund));
        if (count > 1)
            buf_append_char(&api->body, ',');
        render_refund(&api->body, &refund);
    }
    if (more < 0)
        return more;
    api_list_close(api, more == 1);
    return 0;
}
API_READ(list_refunds)

static int list_charges(struct api *api, struct sql_tx *tx)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int64_t limit, count = 0;
    TRY(open_list(api, tx, &stripe_emulator_sql_list_charges, &stripe_emulator_sql_find_charge_position, &limit,
                  &rows));
    int more;
    while ((more = sql_next(rows)) == 1 && count++ < limit) {
        struct charge_row charge;
        TRY(read_charge_row(rows, api->arena, &charge));
        if (count > 1)
            buf_append_char(&api->body, ',');
        render_charge(&api->body, &charge);
    }
    if (more < 0)
        return more;
    api_list_close(api, more == 1);
    return 0;
}
API_READ(list_charges)

static int retrieve_balance(struct api *api, struct sql_tx *tx)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &stripe_emulator_sql_sum_balance, SQL_NO_ARGS, &rows));
    member_open(&api->body, NULL, '{');
    member_text(&api->body, "object", STR("balance"));
    member_bool(&api->body, "livemode", false);
    member_raw(&api->body, "pending", STR("[]"));
    member_open(&api->body, "available", '[');
    int more;
    while ((more = sql_next(rows)) == 1) {
        member_open(&api->body, NULL, '{');
        member_text(&api->body, "currency", sql_get_text(rows, 0));
        member_int(&api->body, "amount", sql_get_int(rows, 1));
        member_close(&api->body, '}');
    }
    member_close(&api->body, ']');
    member_close(&api->body, '}');
    return more;
}
API_READ(retrieve_balance)
