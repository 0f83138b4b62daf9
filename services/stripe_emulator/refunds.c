/* Refunds, charges and the balance, https://docs.stripe.com/api/refunds. */
#include "services/stripe_emulator/emulator.h"

#include "platform/ports/clock/clock.h"
#include "services/stripe_emulator/sql/objects.sql.h"

#include <inttypes.h>

#define TURNS_MAX 100 /* in a run of the job */

static int tell_new_refund(struct api *api, struct sql_tx *tx, const struct refund_row *refund,
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

/* The test card decides what becomes of it, or a test that asks for it to fail. */
static void set_course(struct api *api, const struct charge_row *charge, struct refund_row *refund)
{
    const struct test_card *card = card_by_name(charge->card);
    struct faults faults = faults_get(api->emulator);
    enum refund_course course = card ? card_refund_course(card) : REFUND_STANDS;
    if (course == REFUND_STANDS && faults_take_refund_failure(api->emulator))
        course = REFUND_FAILS_LATER;
    if (course == REFUND_STANDS)
        return;
    if (course == REFUND_PENDS_FIRST)
        refund->status = STR("pending");
    refund->next_status = course == REFUND_PENDS_FIRST ? STR("succeeded") : STR("failed");
    refund->turn_due_ms =
        clock_steady_ms() + (faults.refund_turn_ms > 0 ? faults.refund_turn_ms : EMULATOR_REFUND_TURN_MS);
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
    set_course(api, &charge, &refund);
    charge.amount_refunded += refund.amount;
    TRY(store_refund(tx, &refund));
    TRY(update_charge(tx, &charge));
    TRY(tell_new_refund(api, tx, &refund, &charge));
    render_refund(&api->body, &refund);
    return 0;
}
API_WRITE(create_refund)

/* -- What becomes of a refund later -------------------------------------------------------------------------------- */

struct turn {
    struct api api;
    bool found;
};

static int tell_turn(struct api *api, struct sql_tx *tx, const struct refund_row *refund, bool has_failed)
{
    CLEANUP(buf_free) struct buf json = BUF(EMULATOR_BODY_BYTES_MAX);
    render_refund(&json, refund);
    TRY(buf_error(&json));
    TRY(tell(api, tx, has_failed ? "refund.failed" : "refund.updated", buf_str(&json), STR_EMPTY));
    return tell(api, tx, "charge.refund.updated", buf_str(&json), STR_EMPTY);
}

/* One that fails gives its money back to the account: it can be refunded again. */
static int write_turn(struct sql_tx *tx, void *argument)
{
    struct turn *turn = argument;
    struct api *api = &turn->api;
    struct refund_row refund;
    struct charge_row charge;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &stripe_emulator_sql_find_due_refund, SQL_ARGS(sql_int(clock_steady_ms())), &rows);
    turn->found = found == 1;
    if (found <= 0)
        return found;
    TRY(read_refund_row(rows, api->arena, &refund));
    TRY(load_charge(tx, api->arena, refund.charge, &charge));
    bool has_failed = str_equal(refund.next_status, STR("failed"));
    refund.status = refund.next_status;
    refund.next_status = STR_EMPTY;
    if (has_failed) {
        refund.failure_reason = STR("expired_or_canceled_card");
        charge.amount_refunded -= refund.amount;
        TRY(update_charge(tx, &charge));
    }
    TRY(store_turn(tx, &refund));
    TRY(tell_turn(api, tx, &refund, has_failed));
    return api->lacks_id ? ERR_NO_MEMORY : 0;
}

int turn_refunds(struct call *call)
{
    struct emulator *emulator = emulator_of(call);
    struct turn turn = {.found = true};
    for (int i = 0; i < TURNS_MAX && turn.found; i++) {
        turn.api = (struct api){.emulator = emulator, .arena = call->arena, .now_ms = clock_steady_ms()};
        TRY(sql_write(call->db, write_turn, &turn));
        if (turn.api.told)
            deliverer_wake(emulator->deliverer);
    }
    return 0;
}

/* -- Reading ------------------------------------------------------------------------------------------------------- */

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
