/* Money goes back: the whole of it when the order falls, a part when the staff says so. */
#include "services/payments/handlers.h"

#include "platform/base/time_format.h"
#include "platform/ports/clock/clock.h"
#include "services/payments/sql/payments.sql.h"

#define STATE_CHANGES_MAX 4
#define STAFF_KEY_PREFIX "staff-"
#define RETURN_KEY_PREFIX "return-" /* also in count_returns */

/* -- Refunds ------------------------------------------------------------------------------------------------------- */

struct settlement {
    struct call *call;
    struct str refund_id;
    struct refund_row refund;
    struct payment_row payment;
    const struct psp_refund *told;
};

static int read_settlement(struct sql_tx *tx, void *argument)
{
    struct settlement *settlement = argument;
    struct arena *arena = settlement->call->arena;
    TRY(find_refund(tx, arena, &payments_sql_find_refund, SQL_ARGS(sql_text(settlement->refund_id)),
                    &settlement->refund));
    return find_payment(tx, arena, settlement->refund.tenant, settlement->refund.payment_id, &settlement->payment);
}

static int write_settlement(struct sql_tx *tx, void *argument)
{
    struct settlement *settlement = argument;
    TRY(read_settlement(tx, settlement));
    return apply_refund(settlement->call, &settlement->payment, &settlement->refund, settlement->told);
}

/* The provider's answer. A refusal for good is an answer too: the refund failed. */
static int ask_refund(struct call *call, const struct settlement *settlement, struct psp_refund *ret_told)
{
    const struct refund_row *refund = &settlement->refund;
    struct psp *psp = payments_psp(call);
    struct str key = provider_key(call, "refund", refund->tenant, refund->id);
    if (!psp)
        return provider_failed(call, ERR_UNAVAILABLE, &(struct psp_failure){"not_listening", "", ""});
    if (key.len == 0)
        return ERR_NO_MEMORY;
    const struct psp_new_refund asked = {
        .intent_id = settlement->payment.provider_id, .amount = refund->amount, .reference = refund->id};
    struct psp_failure failure = {0};
    int error = ERR_DEADLINE;
    for (int attempt = 0; attempt < PROVIDER_ATTEMPTS && (error == ERR_DEADLINE || error == ERR_UNAVAILABLE); attempt++)
        error = psp->refund(psp, PSP_ASKER(call), &asked, key, ret_told, &failure);
    if (error == 0 || error_is_retriable(error) || error == ERR_UNAUTHENTICATED || error == ERR_INTERNAL)
        return provider_failed(call, error, &failure);
    log_warning(&call->log, "the payment provider refused a refund", LOG_STR("refund_id", refund->id),
                LOG_CSTR("provider_code", failure.code));
    *ret_told = (struct psp_refund){.status = PSP_REFUND_FAILED, .amount = refund->amount};
    return 0;
}

int settle_refund(struct call *call, struct str refund_id, struct refund_row *ret_refund)
{
    struct settlement settlement = {.call = call, .refund_id = refund_id};
    TRY(call_read(call, read_settlement, &settlement));
    if (str_equal(settlement.refund.status, STR("pending")) && settlement.refund.provider_id.len == 0) {
        struct psp_refund told = {0};
        int found = ERR_NOT_FOUND;
        if (key_may_be_forgotten(call, settlement.refund.created_ms, settlement.refund.asked_ms))
            found = find_forgotten_refund(call, &settlement.payment, &settlement.refund, &told);
        if (found == ERR_NOT_FOUND)
            found = ask_refund(call, &settlement, &told);
        TRY(found);
        task_step("refunded, answer not written");
        settlement.told = &told;
        TRY(write_intention(call, write_settlement, &settlement));
    }
    *ret_refund = settlement.refund;
    return 0;
}

/* The intention outlives a crash that the record of the answer did not: it alone knows what the key was used for. */
static int check_same_refund(struct call *call, const struct refund_row *refund, int64_t amount)
{
    if (amount == 0 || amount == refund->amount)
        return 0;
    return call_fail(call, ERR_UNPROCESSABLE, "idempotency_key_reused", "/amount",
                     "This Idempotency-Key was used for a refund of %lld minor units; take a new one for a new refund.",
                     (long long)refund->amount);
}

/* The refund of that request key: the one that is there, or a new one of the amount (0: all that is left). */
static int open_refund(struct call *call, const struct payment_row *payment, struct str request_key, int64_t amount,
                       struct refund_row *ret_refund)
{
    int error = find_refund(call->tx, call->arena, &payments_sql_find_refund_by_key,
                            SQL_ARGS(sql_text(payment->id), sql_text(request_key)), ret_refund);
    if (error != ERR_NOT_FOUND)
        return error < 0 ? error : check_same_refund(call, ret_refund, amount);
    /* Only for a new one: the refund itself moves the version that its repetition still names. */
    TRY(call_check_version(call, payment->version));
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(call->tx, &payments_sql_sum_open_refunds, SQL_ARGS(sql_text(payment->id)), &rows));
    int64_t left = payment->captured_amount - payment->refunded_amount - sql_get_int(rows, 0);
    if (left <= 0 || amount > left)
        return call_fail(call, ERR_CONFLICT, "refund_too_large", "/amount",
                         "Only %lld minor units of this payment are left to refund.", (long long)(left > 0 ? left : 0));
    struct refund_row refund = {
        .id = str_from_cstr(call_new_id(call)),
        .tenant = payment->tenant,
        .payment_id = payment->id,
        .request_key = request_key,
        .amount = amount > 0 ? amount : left,
        .currency = payment->currency,
        .status = STR("pending"),
        .created_ms = call_now_ms(call),
        .asked_ms = clock_steady_ms(),
    };
    if (refund.id.len == 0)
        return ERR_NO_MEMORY;
    TRY(insert_refund(call->tx, &refund));
    *ret_refund = refund;
    return 0;
}

/* -- CreateRefund -------------------------------------------------------------------------------------------------- */

struct new_refund {
    struct call *call;
    const Payments__CreateRefundRequest *in;
    Payments__Refund *out;
    struct str request_key;
    struct refund_row refund;
};

static int write_refund_intention(struct sql_tx *tx, void *argument)
{
    struct new_refund *asked = argument;
    struct call *call = asked->call;
    struct payment_row payment;
    int error = find_payment(tx, call->arena, call->tenant, str_from_cstr(asked->in->id), &payment);
    if (error == ERR_NOT_FOUND)
        return call_fail(call, error, "payment_not_found", NULL, "There is no such payment.");
    TRY(error);
    if (payment.captured_amount == 0)
        return call_fail(call, ERR_CONFLICT, "payment_not_captured", NULL,
                         "Only captured payments can be refunded; this one is %.*s.", STR_FORMAT(payment.status));
    return open_refund(call, &payment, asked->request_key, asked->in->has_amount ? asked->in->amount : 0,
                       &asked->refund);
}

/* The first write of the call: records the answer with the request's key. */
static int write_refund_answer(struct sql_tx *tx, void *argument)
{
    struct new_refund *asked = argument;
    TRY(find_refund(tx, asked->call->arena, &payments_sql_find_refund, SQL_ARGS(sql_text(asked->refund.id)),
                    &asked->refund));
    return fill_refund(asked->call, &asked->refund, asked->out);
}

int create_refund(struct call *call, const Payments__CreateRefundRequest *in, Payments__Refund *out)
{
    struct str asked_key = call->idempotency_key.len > 0 ? call->idempotency_key : str_from_cstr(call_new_id(call));
    struct new_refund asked = {
        .call = call,
        .in = in,
        .out = out,
        .request_key = str_from_cstr(arena_printf(call->arena, STAFF_KEY_PREFIX "%.*s:%.*s",
                                                  STR_FORMAT(call->who.user_id), STR_FORMAT(asked_key))),
    };
    if (asked.request_key.len == 0)
        return ERR_NO_MEMORY;
    TRY(write_intention(call, write_refund_intention, &asked));
    task_step("refund written, provider not asked");
    int error = settle_refund(call, asked.refund.id, &asked.refund);
    /* An answer that is still to come is no failure: the refund is pending, and the job asks again. */
    if (error < 0 && !error_is_retriable(error))
        return error;
    call->problem = (struct problem){0};
    return call_write(call, write_refund_answer, &asked);
}

/* -- ReturnMoney --------------------------------------------------------------------------------------------------- */

struct giving_back {
    struct call *call;
    struct str tenant, order_id;
    struct payment_row payment;
    struct refund_row refund;
    const struct psp_intent *intent;
    bool had_ended; /* before we looked: what the provider holds now came late */
};

static bool has_ended(const struct payment_row *payment)
{
    return payment_is(payment, "voided") || payment_is(payment, "failed");
}

static bool is_settled(const struct payment_row *payment)
{
    return payment->check_due_ms == 0 && payment_is_back(payment);
}

/* An order whose payment was never made: a stone in its place, should the order to authorise still be under way. */
static int write_stone(struct giving_back *back)
{
    struct call *call = back->call;
    struct payment_row stone = {
        .id = str_from_cstr(call_new_id(call)),
        .tenant = back->tenant,
        .order_id = back->order_id,
        .status = STR("voided"),
        .currency = STR(""),
        .payment_method = STR(""),
        .return_requested = true,
        .created_ms = call_now_ms(call),
        .version = 1,
    };
    if (stone.id.len == 0)
        return ERR_NO_MEMORY;
    back->payment = stone;
    return insert_payment(call->tx, &stone);
}

/* The intention: from here on nothing of this payment is kept. */
static int write_return_request(struct sql_tx *tx, void *argument)
{
    struct giving_back *back = argument;
    struct call *call = back->call;
    int error = find_payment_by_order(tx, call->arena, back->tenant, back->order_id, &back->payment);
    if (error == ERR_NOT_FOUND)
        return write_stone(back);
    TRY(error);
    back->had_ended = has_ended(&back->payment);
    if (is_settled(&back->payment))
        TRY(move_findings(call, &back->payment, "returning", "returned"));
    if (back->payment.return_requested)
        return 0;
    back->payment.return_requested = true;
    if (!back->had_ended)
        back->payment.check_due_ms = clock_steady_ms() + CHECK_AGAIN_MS;
    return update_payment(tx, &back->payment, call_now_ms(call));
}

static int write_provider_state(struct sql_tx *tx, void *argument)
{
    struct giving_back *back = argument;
    struct call *call = back->call;
    TRY(find_payment_by_order(tx, call->arena, back->tenant, back->order_id, &back->payment));
    bool holds = back->intent->status == PSP_REQUIRES_CAPTURE || back->intent->status == PSP_SUCCEEDED;
    if (back->had_ended && holds)
        TRY(write_finding(call, back->tenant, "late_money", back->order_id, "returning"));
    return apply_intent(call, &back->payment, back->intent);
}

static int write_whole_refund(struct sql_tx *tx, void *argument)
{
    struct giving_back *back = argument;
    struct call *call = back->call;
    TRY(find_payment_by_order(tx, call->arena, back->tenant, back->order_id, &back->payment));
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &payments_sql_count_returns, SQL_ARGS(sql_text(back->payment.id)), &rows));
    long long refunded = back->payment.refunded_amount, decided = sql_get_int(rows, 0);
    /* One of the whole rest; another only when that is decided, or the rest is another one by a refund of somebody
     * else's. */
    char *key = decided > 0 ? arena_printf(call->arena, RETURN_KEY_PREFIX "%lld-%lld", refunded, decided)
                            : arena_printf(call->arena, RETURN_KEY_PREFIX "%lld", refunded);
    if (!key)
        return ERR_NO_MEMORY;
    return open_refund(call, &back->payment, str_from_cstr(key), 0, &back->refund);
}

static int read_given_back(struct sql_tx *tx, void *argument)
{
    struct giving_back *back = argument;
    return find_payment_by_order(tx, back->call->arena, back->tenant, back->order_id, &back->payment);
}

/* How long it is until a refund that failed may be asked for again; 0: it may be now. A time that is later than any can
 * be was written when the clock was ahead. */
static int64_t refund_wait_ms(const struct payment_row *payment)
{
    int64_t wait_ms = payment->refund_due_ms > 0 ? payment->refund_due_ms - clock_steady_ms() : 0;
    return wait_ms > 0 && wait_ms <= REFUND_RETRY_MAX_MS ? wait_ms : 0;
}

/* The money is back, or the error of the call that says what it waits for: whoever wants it back comes again. */
static int check_given_back(struct giving_back *back)
{
    struct call *call = back->call;
    char due_at[TIME_RFC3339_BYTES];
    TRY(call_read(call, read_given_back, back));
    if (payment_is_back(&back->payment))
        return 0;
    int64_t wait_ms = refund_wait_ms(&back->payment);
    if (wait_ms == 0)
        return call_fail(call, ERR_UNAVAILABLE, "refund_pending", NULL, "The refund is under way at the provider.");
    time_format_rfc3339(call_now_ms(call) + wait_ms, due_at);
    return call_fail(call, ERR_UNAVAILABLE, "refund_failed", NULL,
                     "The refund failed at the provider; it is asked for again at %s.", due_at);
}

/* All that is left of a captured payment. */
static int refund_rest(struct giving_back *back)
{
    struct call *call = back->call;
    if (!payment_is_back(&back->payment) && refund_wait_ms(&back->payment) == 0) {
        int error = write_intention(call, write_whole_refund, back);
        if (error == ERR_CONFLICT) /* Refunds that are under way cover it. */
            call->problem = (struct problem){0};
        else if (error)
            return error;
        else
            TRY(settle_refund(call, back->refund.id, &back->refund));
    }
    return check_given_back(back);
}

/* The provider's word on the intent, after an attempt to cancel it unless it is known to be captured. */
static int ask_cancellation(struct call *call, const struct payment_row *payment, struct psp_intent *ret_intent)
{
    struct psp *psp = payments_psp(call);
    if (!psp)
        return provider_failed(call, ERR_UNAVAILABLE, &(struct psp_failure){"not_listening", "", ""});
    struct psp_failure failure = {0};
    int error = ERR_CONFLICT;
    if (payment->captured_amount == 0) {
        /* Cancelling twice does no harm, and a refusal would be remembered under its key: each attempt has its own. */
        struct str key = provider_key(call, "cancel", payment->tenant, str_from_cstr(call_new_id(call)));
        if (key.len == 0)
            return ERR_NO_MEMORY;
        error = psp->cancel_intent(psp, PSP_ASKER(call), payment->provider_id, key, ret_intent, &failure);
    }
    if (error == ERR_CONFLICT || error == ERR_DEADLINE || error == ERR_UNAVAILABLE)
        error = psp->retrieve_intent(psp, PSP_ASKER(call), payment->provider_id, ret_intent, &failure);
    return provider_failed(call, error, &failure);
}

/* Asks for the intent of a payment whose first answer was lost: by the same request, which the provider remembers. */
static int find_lost_intent(struct giving_back *back, struct psp_intent *ret_intent)
{
    struct call *call = back->call;
    TRY(ask_authorisation(call, &back->payment, ret_intent));
    back->intent = ret_intent;
    return ret_intent->id.len > 0 ? call_write(call, write_provider_state, back) : 0;
}

/* Ends a payment of which the provider knows nothing. */
static int write_void(struct sql_tx *tx, void *argument)
{
    struct giving_back *back = argument;
    struct call *call = back->call;
    TRY(find_payment_by_order(tx, call->arena, back->tenant, back->order_id, &back->payment));
    back->payment.check_due_ms = 0;
    TRY(move_findings(call, &back->payment, "returning", "returned"));
    if (has_ended(&back->payment))
        return update_payment(tx, &back->payment, call_now_ms(call));
    back->payment.status = STR("voided");
    TRY(update_payment(tx, &back->payment, call_now_ms(call)));
    return publish_payment(call, &back->payment, "payment.voided");
}

static int work_it_off(struct giving_back *back)
{
    struct call *call = back->call;
    struct psp_intent intent = {0};
    if (back->payment.provider_id.len == 0) {
        TRY(find_lost_intent(back, &intent));
        if (back->payment.provider_id.len == 0)
            return call_write(call, write_void, back);
    }
    for (int change = 0; change < STATE_CHANGES_MAX; change++) {
        TRY(ask_cancellation(call, &back->payment, &intent));
        task_step("cancelled, answer not written");
        back->intent = &intent;
        TRY(call_write(call, write_provider_state, back));
        if (intent.status == PSP_CANCELLED)
            return call_write(call, write_void, back);
        if (intent.status == PSP_SUCCEEDED) {
            /* What went back without us is no longer there to be refunded. */
            TRY(learn_charge(call, &back->payment, &intent));
            TRY(call_read(call, read_given_back, back));
            return refund_rest(back);
        }
    }
    return call_fail(call, ERR_UNAVAILABLE, "payment_changing", NULL, "The payment is changing; try again.");
}

int give_back(struct call *call, struct str tenant, struct str order_id, struct payment_row *ret_payment)
{
    struct giving_back back = {.call = call, .tenant = tenant, .order_id = order_id};
    TRY(call_write(call, write_return_request, &back));
    if (!is_settled(&back.payment)) {
        TRY(refund_wait_ms(&back.payment) > 0 ? check_given_back(&back) : work_it_off(&back));
        TRY(call_read(call, read_given_back, &back));
    }
    *ret_payment = back.payment;
    return 0;
}

int return_money(struct call *call, const Payments__OrderPaymentRequest *in, Payments__Payment *out)
{
    struct payment_row payment;
    TRY(give_back(call, call->tenant, str_from_cstr(in->order_id), &payment));
    return fill_payment(call, &payment, out);
}
