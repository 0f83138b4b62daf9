/* What the provider tells by itself. An event takes effect once, whatever its order: it says what an object was, and
 * apply.c lets a status only go on. */
#include "services/payments/handlers.h"

#include "platform/ports/clock/clock.h"
#include "services/payments/sql/payments.sql.h"

struct receipt {
    struct call *call;
    const struct psp_event *event;
};

/* The payment of an intent: by the provider's id, or by the order that the intent names, when our own answer is still
 * on its way. */
static int find_told_payment(struct sql_tx *tx, struct call *call, const struct psp_intent *intent,
                             struct payment_row *ret_payment)
{
    int error = find_payment_by_provider(tx, call->arena, intent->id, ret_payment);
    if (error != ERR_NOT_FOUND || intent->reference.len == 0)
        return error;
    return find_payment_by_order(tx, call->arena, intent->tenant, intent->reference, ret_payment);
}

static int receive_intent(struct sql_tx *tx, struct call *call, const struct psp_intent *intent)
{
    struct payment_row payment;
    int error = find_told_payment(tx, call, intent, &payment);
    if (error == ERR_NOT_FOUND) /* Not of this shop, or of a lost order: the reconciliation finds it at the provider. */
        return 0;
    TRY(error);
    return apply_intent(call, &payment, intent);
}

/* The refund's row: ours, by our id in it or by the provider's; or a new one, for a refund made at the provider. */
static int find_told_refund(struct sql_tx *tx, struct call *call, const struct payment_row *payment,
                            const struct psp_refund *told, struct refund_row *ret_refund)
{
    int error =
        find_refund(tx, call->arena, &payments_sql_find_refund_by_provider, SQL_ARGS(sql_text(told->id)), ret_refund);
    if (error == ERR_NOT_FOUND && told->reference.len > 0)
        error =
            find_refund(tx, call->arena, &payments_sql_find_refund, SQL_ARGS(sql_text(told->reference)), ret_refund);
    if (error == 0 && !str_equal(ret_refund->payment_id, payment->id))
        return ERR_NOT_FOUND;
    if (error != ERR_NOT_FOUND)
        return error;
    struct refund_row refund = {
        .id = str_from_cstr(call_new_id(call)),
        .tenant = payment->tenant,
        .payment_id = payment->id,
        .request_key = told->id,
        .amount = told->amount,
        .currency = payment->currency,
        .status = STR("pending"),
        .created_ms = call_now_ms(call),
    };
    if (refund.id.len == 0)
        return ERR_NO_MEMORY;
    TRY(insert_refund(tx, &refund));
    TRY(write_finding(call, payment->tenant, "foreign_refund", told->id, "booked"));
    *ret_refund = refund;
    return 0;
}

static int receive_refund(struct sql_tx *tx, struct call *call, const struct psp_refund *told)
{
    struct payment_row payment;
    struct refund_row refund;
    int error = find_payment_by_provider(tx, call->arena, told->intent_id, &payment);
    if (error == ERR_NOT_FOUND)
        return 0;
    TRY(error);
    /* The capture's own event may still be on its way: let the provider come again. */
    if (payment.captured_amount == 0)
        return call_fail(call, ERR_UNAVAILABLE, "too_early", NULL, "The capture is not known yet; tell again later.");
    error = find_told_refund(tx, call, &payment, told, &refund);
    if (error == ERR_NOT_FOUND)
        return write_finding(call, payment.tenant, "refund_of_another", told->id, "reported");
    TRY(error);
    return apply_refund(call, &payment, &refund, told);
}

static int write_receipt(struct sql_tx *tx, void *argument)
{
    struct receipt *receipt = argument;
    struct call *call = receipt->call;
    const struct psp_event *event = receipt->event;
    int error = sql_exec(tx, &payments_sql_insert_provider_event,
                         SQL_ARGS(sql_text(event->id), sql_text(event->type), sql_int(call_now_ms(call))), NULL);
    if (error == ERR_CONFLICT) /* It took effect already. */
        return 0;
    TRY(error);
    switch (event->kind) {
    case PSP_EVENT_INTENT:
        return receive_intent(tx, call, &event->intent);
    case PSP_EVENT_REFUND:
        return receive_refund(tx, call, &event->refund);
    case PSP_EVENT_OTHER:
        break;
    }
    return 0;
}

int receive_webhook(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct psp *psp = payments_psp(call);
    if (!psp)
        return call_fail(call, ERR_UNAVAILABLE, "provider_unavailable", NULL, "The provider is not known yet.");
    struct psp_event event = {0};
    int error = psp->verify_event(psp, call->arena, http_header_find(request, "stripe-signature"), request->body,
                                  clock_wall_ms(), &event);
    if (error == ERR_INTERNAL) /* Signed, and yet not as the provider writes. */
        error = ERR_INVALID;
    if (error == ERR_UNAUTHENTICATED || error == ERR_INVALID)
        return call_fail(call, ERR_INVALID, error == ERR_INVALID ? "not_an_event" : "bad_signature", NULL,
                         "The body is not an event that the payment provider signed within the last five minutes.");
    TRY(error);
    /* Events that nobody here asks for are acknowledged, and not kept. */
    if (event.kind != PSP_EVENT_OTHER) {
        struct receipt receipt = {call, &event};
        TRY(call_write(call, write_receipt, &receipt));
    }
    return call_answer(call, response, "application/json", "no-store", STR("{\"received\":true}"));
}
