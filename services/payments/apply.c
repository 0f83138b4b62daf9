/* The one place where a payment's status moves: by the provider's object, and never backwards, so that events may come
 * in any order, twice, or after the answer that they tell of. */
#include "services/payments/payments.h"

#include "platform/base/backoff.h"
#include "platform/ports/clock/clock.h"
#include "services/payments/sql/payments.sql.h"

/* How far a status is; what is reached is not left for a lower one. Failed and voided are ends beside the way. */
static int rank_of(struct str status)
{
    static const char *const way[] = {"created",  "requires_action",    "authorised",
                                      "captured", "partially_refunded", "refunded"};
    for (int i = 0; i < (int)(sizeof(way) / sizeof(way[0])); i++) {
        if (str_equal_cstr(status, way[i]))
            return i;
    }
    return -1;
}

static const char *status_of(const struct psp_intent *intent)
{
    switch (intent->status) {
    case PSP_REQUIRES_ACTION:
        return "requires_action";
    case PSP_REQUIRES_CAPTURE:
        return "authorised";
    case PSP_SUCCEEDED:
        return "captured";
    case PSP_CANCELLED:
        return "voided";
    case PSP_REQUIRES_PAYMENT_METHOD:
        return intent->failure.code[0] ? "failed" : "created";
    case PSP_REQUIRES_CONFIRMATION:
    case PSP_PROCESSING:
        break;
    }
    return "created";
}

/* Whether a payment at "from" goes to "to". */
static bool moves(struct str from, const char *to)
{
    int here = rank_of(from), there = rank_of(str_from_cstr(to));
    if (here < 0) /* It has ended: only money that was taken all the same is more than that. */
        return there >= rank_of(STR("captured"));
    if (there < 0) /* It ends, unless the money was taken already. */
        return here < rank_of(STR("captured"));
    return there > here;
}

static int copy_into(struct call *call, struct str text, struct str *ret_copy)
{
    *ret_copy = arena_copy(call->arena, text);
    return text.len > 0 && !ret_copy->ptr ? ERR_NO_MEMORY : 0;
}

/* What the status changes besides itself: books, failure, next action. */
static int take_over(struct call *call, struct payment_row *payment, const struct psp_intent *intent)
{
    payment->action_url = STR_EMPTY;
    if (payment_is(payment, "requires_action"))
        TRY(copy_into(call, intent->action_url, &payment->action_url));
    if (payment_is(payment, "failed")) {
        const struct psp_failure *failure = &intent->failure;
        /* The decline's code says more than "card_declined", unless it says nothing. */
        bool is_plain = !failure->decline_code[0] || strcmp(failure->decline_code, "generic_decline") == 0;
        const char *code = is_plain ? failure->code : failure->decline_code;
        TRY(copy_into(call, str_from_cstr(code), &payment->failure_code));
        TRY(copy_into(call, str_from_cstr(failure->message), &payment->failure_message));
    }
    if (payment_is(payment, "captured")) {
        payment->captured_amount = intent->amount_captured;
        if (payment->captured_amount > 0)
            TRY(ledger_book(call, payment, "capture", payment->id, "provider_receivable", "sales",
                            payment->captured_amount));
    }
    return 0;
}

static const char *event_type_of(const struct payment_row *payment)
{
    static const char *const types[][2] = {
        {"requires_action", "payment.requires_action"},
        {"authorised", "payment.authorised"},
        {"captured", "payment.captured"},
        {"failed", "payment.failed"},
        {"voided", "payment.voided"},
        {"refunded", "payment.refunded"},
        {"partially_refunded", "payment.refunded"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (payment_is(payment, types[i][0]))
            return types[i][1];
    }
    return NULL;
}

/* Whether money is held or taken that should not be. */
static bool is_unwanted(const struct payment_row *payment, const struct psp_intent *intent)
{
    bool ended = rank_of(payment->status) < 0 || payment->return_requested;
    bool holds = intent->status == PSP_REQUIRES_CAPTURE || intent->status == PSP_REQUIRES_ACTION ||
                 (intent->status == PSP_SUCCEEDED && payment->refunded_amount < intent->amount_captured);
    return ended && holds;
}

bool intent_is_news(const struct payment_row *payment, const struct psp_intent *intent)
{
    return !str_equal(payment->provider_id, intent->id) || is_unwanted(payment, intent) ||
           moves(payment->status, status_of(intent));
}

int apply_intent(struct call *call, struct payment_row *payment, const struct psp_intent *intent)
{
    const char *status = status_of(intent);
    int64_t now_ms = call_now_ms(call), due_ms = clock_steady_ms();
    bool is_new_id = payment->provider_id.len == 0;
    bool is_late = is_unwanted(payment, intent);
    bool is_moving = moves(payment->status, status);
    /* An order that wants its money back is not told that it was authorised. */
    if (is_late && !str_equal_cstr(str_from_cstr(status), "captured"))
        is_moving = false;
    if (!is_new_id && !str_equal(payment->provider_id, intent->id))
        return take_second_charge(call, payment, intent);
    if (!intent_is_news(payment, intent))
        return 0;
    if (is_new_id)
        TRY(copy_into(call, intent->id, &payment->provider_id));
    if (is_moving) {
        payment->status = str_from_cstr(status);
        TRY(take_over(call, payment, intent));
    }
    /* What is decided needs no look; what is held does, should nobody capture or return it. */
    bool is_open = is_late || payment_is(payment, "created") || payment_is(payment, "requires_action") ||
                   payment_is(payment, "authorised") || (payment_is(payment, "captured") && !payment->order_confirmed);
    payment->check_due_ms = is_late ? due_ms : is_open ? due_ms + payments_reconcile_age_ms(call) : 0;
    TRY(update_payment(call->tx, payment, now_ms));
    if (payment_is(payment, "voided"))
        TRY(move_findings(call, payment, "returning", "returned"));
    const char *type = is_moving ? event_type_of(payment) : NULL;
    return type ? publish_payment(call, payment, type) : 0;
}

/* -- Refunds ------------------------------------------------------------------------------------------------------- */

bool payment_is_back(const struct payment_row *payment)
{
    return payment_is(payment, "refunded") || rank_of(payment->status) < 0;
}

static int book_refund(struct call *call, struct payment_row *payment, const struct refund_row *refund)
{
    payment->refunded_amount += refund->amount;
    payment->status =
        payment->refunded_amount == payment->captured_amount ? STR("refunded") : STR("partially_refunded");
    TRY(ledger_book(call, payment, "refund", refund->id, "refunds", "provider_receivable", refund->amount));
    if (payment_is(payment, "refunded")) {
        payment->check_due_ms = payment->refund_due_ms = 0;
        TRY(move_findings(call, payment, "returning", "returned"));
    }
    TRY(update_payment(call->tx, payment, call_now_ms(call)));
    return publish_payment(call, payment, "payment.refunded");
}

/* How long a payment of which so many refunds failed is left alone. */
static int64_t retry_delay_ms(struct call *call, int64_t failures)
{
    int64_t age_ms = payments_reconcile_age_ms(call);
    return backoff_ms(age_ms > REFUND_RETRY_MIN_MS ? age_ms : REFUND_RETRY_MIN_MS, REFUND_RETRY_MAX_MS, failures);
}

/* What is owed did not go back: that is said once, and finish_open asks again, later each time. */
static int plan_return(struct call *call, struct payment_row *payment)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(call->tx, &payments_sql_count_returns, SQL_ARGS(sql_text(payment->id)), &rows));
    payment->refund_due_ms = clock_steady_ms() + retry_delay_ms(call, sql_get_int(rows, 1));
    payment->check_due_ms = payment->refund_due_ms;
    TRY(move_findings(call, payment, "returned", "returning"));
    return write_finding(call, payment->tenant, "refund_failed", payment->order_id, "returning");
}

/* A refund that was booked, and that the bank sent back. */
static int unbook_refund(struct call *call, struct payment_row *payment, const struct refund_row *refund)
{
    payment->refunded_amount -= refund->amount;
    payment->status = payment->refunded_amount == 0 ? STR("captured") : STR("partially_refunded");
    TRY(ledger_book(call, payment, "refund_failed", refund->id, "provider_receivable", "refunds", refund->amount));
    if (!payment->return_requested)
        TRY(write_finding(call, payment->tenant, "refund_failed", refund->id, "reported"));
    return 0;
}

static int fail_refund(struct call *call, struct payment_row *payment, const struct refund_row *refund, bool was_booked)
{
    if (was_booked)
        TRY(unbook_refund(call, payment, refund));
    /* It may be back by another refund, where this one was refused first. */
    if (payment->return_requested && !payment_is_back(payment))
        TRY(plan_return(call, payment));
    TRY(update_payment(call->tx, payment, call_now_ms(call)));
    return was_booked ? publish_payment(call, payment, "payment.refund_failed") : 0;
}

int apply_refund(struct call *call, struct payment_row *payment, struct refund_row *refund,
                 const struct psp_refund *told)
{
    static const char *const statuses[] = {
        [PSP_REFUND_PENDING] = "pending", [PSP_REFUND_SUCCEEDED] = "succeeded", [PSP_REFUND_FAILED] = "failed"};
    struct str status = str_from_cstr(statuses[told->status]);
    bool is_new_id = refund->provider_id.len == 0;
    /* It was refused, and is there all the same: the same request has come to the provider once more, late. */
    bool was_refused = str_equal(refund->status, STR("failed")) && is_new_id && told->id.len > 0;
    bool was_pending = str_equal(refund->status, STR("pending")) || was_refused;
    bool was_booked = str_equal(refund->status, STR("succeeded"));
    /* A refusal, which has no refund behind it, says nothing of one that is there: two asked at a time. */
    if (told->id.len == 0 && !is_new_id)
        return 0;
    /* The same again, or an older word. */
    if (!was_pending && !(was_booked && told->status == PSP_REFUND_FAILED))
        return 0;
    if (was_pending && told->status == PSP_REFUND_PENDING && !is_new_id)
        return 0;
    TRY(copy_into(call, told->id, &refund->provider_id));
    refund->status = status;
    TRY(update_refund(call->tx, refund, call_now_ms(call)));
    if (was_refused)
        TRY(write_finding(call, payment->tenant, "foreign_refund", told->id, "booked"));
    if (told->status == PSP_REFUND_FAILED)
        return fail_refund(call, payment, refund, was_booked);
    return told->status == PSP_REFUND_SUCCEEDED ? book_refund(call, payment, refund) : 0;
}
