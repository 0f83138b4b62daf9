/* What the provider tells by itself. An event takes effect once, whatever its order: it says what an object was, and
 * apply.c lets a status only go on. */
#include "services/payments/handlers.h"

#include "platform/ports/clock/clock.h"
#include "services/payments/sql/payments.sql.h"

struct receipt {
    struct call *call;
    const struct psp_event *event;
    bool is_news;
};

static int receive_intent(struct sql_tx *tx, struct call *call, const struct psp_intent *intent)
{
    struct payment_row payment;
    int error = find_told_payment(tx, call->arena, intent, &payment);
    if (error == ERR_NOT_FOUND) /* Not of this shop, or of a lost order: the reconciliation finds it at the provider. */
        return 0;
    TRY(error);
    return apply_intent(call, &payment, intent);
}

static int write_receipt(struct sql_tx *tx, void *argument)
{
    struct receipt *receipt = argument;
    struct call *call = receipt->call;
    const struct psp_event *event = receipt->event;
    int error = sql_exec(tx, &payments_sql_insert_provider_event,
                         SQL_ARGS(sql_text(event->id), sql_text(event->type), sql_int(clock_latest_ms())), NULL);
    if (error == ERR_CONFLICT) /* It took effect already. */
        return 0;
    TRY(error);
    switch (event->kind) {
    case PSP_EVENT_INTENT:
        return receive_intent(tx, call, &event->intent);
    case PSP_EVENT_REFUND:
        return take_refund(call, &event->refund);
    case PSP_EVENT_OTHER:
        break;
    }
    return 0;
}

/* Mostly the answer to our own request has come first, and the event says what is known: it takes no effect, and so
 * needs no write to be acknowledged. */
static int look_for_news(struct sql_tx *tx, void *argument)
{
    struct receipt *receipt = argument;
    const struct psp_event *event = receipt->event;
    struct payment_row payment;
    int error = event->kind == PSP_EVENT_INTENT ? find_told_payment(tx, receipt->call->arena, &event->intent, &payment)
                                                : ERR_NOT_FOUND;
    receipt->is_news = error == ERR_NOT_FOUND || (error == 0 && intent_is_news(&payment, &event->intent));
    return error == ERR_NOT_FOUND ? 0 : error;
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
        struct receipt receipt = {call, &event, true};
        TRY(call_read(call, look_for_news, &receipt));
        if (receipt.is_news)
            TRY(call_write(call, write_receipt, &receipt));
    }
    return call_answer(call, response, "application/json", "no-store", STR("{\"received\":true}"));
}
