/* What the provider knows of a payment, applied to it: as it is told by a webhook, or learned by asking. */
#include "services/payments/payments.h"

#include "services/payments/sql/payments.sql.h"

#include <stdio.h>

#define PAGE_ARENA_BYTES ((size_t)4 << 20)

int find_told_payment(struct sql_tx *tx, struct arena *arena, const struct psp_intent *intent,
                      struct payment_row *ret_payment)
{
    int error = find_payment_by_provider(tx, arena, intent->id, ret_payment);
    if (error != ERR_NOT_FOUND || intent->reference.len == 0)
        return error;
    return find_payment_by_order(tx, arena, intent->tenant, intent->reference, ret_payment);
}

/* -- The provider's lists ------------------------------------------------------------------------------------------ */

/* False when it does not fit; the provider's ids are far shorter. */
static bool keep_id(struct str id, char ret_id[PROVIDER_ID_BYTES])
{
    return snprintf(ret_id, PROVIDER_ID_BYTES, "%.*s", STR_FORMAT(id)) < PROVIDER_ID_BYTES;
}

int walk_span(struct call *call, struct provider_span *span, provider_page_fn *read_page, void *context)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(PAGE_ARENA_BYTES);
    struct arena *callers = call->arena;
    struct provider_page page = {0};
    int error = 0;
    if (!payments_psp(call))
        return provider_failed(call, ERR_UNAVAILABLE, &(struct psp_failure){"not_listening", "", ""});
    if (!arena)
        return ERR_NO_MEMORY;
    call->arena = arena;
    for (int i = 0; i < PROVIDER_PAGES_MAX && !span->is_complete && !error; i++) {
        error = read_page(call, context, span, &page);
        if (error)
            break;
        if (i == 0 && page.count > 0)
            span->newest_ms = page.newest_ms;
        span->is_complete = page.count < PSP_LIST_MAX;
        if (!span->is_complete && !keep_id(page.last_id, page.after))
            error = ERR_INTERNAL;
        arena_reset(arena);
    }
    call->arena = callers;
    return error;
}

/* -- Charges ------------------------------------------------------------------------------------------------------- */

struct lesson {
    struct call *call;
    struct payment_row *payment;
    const struct psp_intent *intent;
};

static int write_lesson(struct sql_tx *tx, void *argument)
{
    struct lesson *lesson = argument;
    struct payment_row *payment = lesson->payment;
    TRY(find_payment(tx, lesson->call->arena, payment->tenant, payment->id, payment));
    return apply_intent(lesson->call, payment, lesson->intent);
}

int ask_charge(struct call *call, struct str intent_id, struct psp_intent *ret_intent)
{
    struct psp *psp = payments_psp(call);
    struct psp_failure failure = {0};
    if (!psp)
        return provider_failed(call, ERR_UNAVAILABLE, &(struct psp_failure){"not_listening", "", ""});
    int error = psp->retrieve_intent(psp, PSP_ASKER(call), intent_id, ret_intent, &failure);
    return error == ERR_NOT_FOUND ? error : provider_failed(call, error, &failure);
}

int learn_charge(struct call *call, struct payment_row *payment, const struct psp_intent *intent)
{
    struct lesson lesson = {call, payment, intent};
    TRY(call_write(call, write_lesson, &lesson));
    /* Provider and books differ: what went back without us, or came back unheard, is listed, one by one. */
    if (intent->status != PSP_SUCCEEDED || intent->amount_refunded == payment->refunded_amount)
        return 0;
    return learn_refunds(call, intent->id, &(struct provider_span){.to_ms = EVER_MS});
}

/* -- Refunds ------------------------------------------------------------------------------------------------------- */

/* The refund's row: ours, by our id in it or by the provider's; or a new one, for a refund made at the provider. */
static int find_told_refund(struct call *call, const struct payment_row *payment, const struct psp_refund *told,
                            struct refund_row *ret_refund)
{
    struct sql_tx *tx = call->tx;
    int error =
        find_refund(tx, call->arena, &payments_sql_find_refund_by_provider, SQL_ARGS(sql_text(told->id)), ret_refund);
    if (error == ERR_NOT_FOUND && told->reference.len > 0)
        error =
            find_refund(tx, call->arena, &payments_sql_find_refund, SQL_ARGS(sql_text(told->reference)), ret_refund);
    if (error == 0 && !str_equal(ret_refund->payment_id, payment->id))
        return ERR_NOT_FOUND;
    /* Ours is another by now: this one failed unheard, and it was asked for anew when its key was forgotten. */
    bool is_older = error == 0 && ret_refund->provider_id.len > 0 && !str_equal(ret_refund->provider_id, told->id);
    if (error != ERR_NOT_FOUND && !is_older)
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
    if (told->status != PSP_REFUND_FAILED)
        TRY(write_finding(call, payment->tenant, "foreign_refund", told->id, "booked"));
    *ret_refund = refund;
    return 0;
}

int take_refund(struct call *call, const struct psp_refund *told)
{
    struct payment_row payment;
    struct refund_row refund;
    int error = find_payment_by_provider(call->tx, call->arena, told->intent_id, &payment);
    if (error == ERR_NOT_FOUND)
        return 0;
    TRY(error);
    /* The capture's own event may still be on its way: let the provider come again. */
    if (payment.captured_amount == 0)
        return call_fail(call, ERR_UNAVAILABLE, "too_early", NULL, "The capture is not known yet; tell again later.");
    error = find_told_refund(call, &payment, told, &refund);
    if (error == ERR_NOT_FOUND)
        return write_finding(call, payment.tenant, "refund_of_another", told->id, "reported");
    TRY(error);
    return apply_refund(call, &payment, &refund, told);
}

struct told_refund {
    struct call *call;
    const struct psp_refund *told;
    struct payment_row payment;
    bool is_known;
};

static int write_told_refund(struct sql_tx *tx, void *argument)
{
    struct told_refund *told = argument;
    (void)tx;
    return take_refund(told->call, told->told);
}

static int read_refunded(struct sql_tx *tx, void *argument)
{
    struct told_refund *told = argument;
    struct arena *arena = told->call->arena;
    struct refund_row refund;
    int error =
        find_refund(tx, arena, &payments_sql_find_refund_by_provider, SQL_ARGS(sql_text(told->told->id)), &refund);
    if (error < 0 && error != ERR_NOT_FOUND)
        return error;
    /* What failed has ended; what succeeded may still fail. */
    told->is_known =
        error == 0 && (str_equal_cstr(refund.status, "failed") ||
                       (told->told->status == PSP_REFUND_SUCCEEDED && str_equal_cstr(refund.status, "succeeded")));
    return find_payment_by_provider(tx, arena, told->told->intent_id, &told->payment);
}

struct sought_refunds {
    struct str intent_id; /* empty: of all intents */
    bool only_failed;
};

static provider_page_fn learn_page;

/* A refund that is not ours to know, or is booked already, costs no write. */
static int learn_refund(struct call *call, const struct psp_refund *refund)
{
    struct told_refund told = {.call = call, .told = refund};
    int error = call_read(call, read_refunded, &told);
    if (error == ERR_NOT_FOUND)
        return 0;
    TRY(error);
    if (told.is_known)
        return 0;
    if (told.payment.captured_amount == 0) {
        struct psp_intent intent;
        struct lesson lesson = {call, &told.payment, &intent};
        TRY(ask_charge(call, refund->intent_id, &intent));
        TRY(call_write(call, write_lesson, &lesson));
    }
    error = call_write(call, write_told_refund, &told);
    if (error != ERR_CONFLICT || refund->status == PSP_REFUND_FAILED)
        return error;
    /* More than was captured: one of those that are booked has failed since, and nobody has told of that. */
    struct sought_refunds failed = {refund->intent_id, true};
    TRY(walk_span(call, &(struct provider_span){.to_ms = EVER_MS}, learn_page, &failed));
    return call_write(call, write_told_refund, &told);
}

static int learn_page(struct call *call, void *context, const struct provider_span *span, struct provider_page *page)
{
    const struct sought_refunds *sought = context;
    struct psp *psp = payments_psp(call);
    struct psp_refund *refunds = arena_alloc_array(call->arena, PSP_LIST_MAX, sizeof(*refunds));
    struct psp_failure failure = {0};
    if (!refunds)
        return ERR_NO_MEMORY;
    int error = psp->list_refunds(psp, PSP_ASKER(call), sought->intent_id, span->from_ms, span->to_ms,
                                  str_from_cstr(page->after), refunds, PSP_LIST_MAX, &page->count, &failure);
    TRY(provider_failed(call, error, &failure));
    for (size_t i = 0; i < page->count; i++)
        if (!sought->only_failed || refunds[i].status == PSP_REFUND_FAILED)
            TRY(learn_refund(call, &refunds[i]));
    if (page->count > 0) {
        page->newest_ms = refunds[0].created_ms;
        page->last_id = refunds[page->count - 1].id;
    }
    return 0;
}

int learn_refunds(struct call *call, struct str intent_id, struct provider_span *span)
{
    struct sought_refunds sought = {.intent_id = intent_id};
    return walk_span(call, span, learn_page, &sought);
}
