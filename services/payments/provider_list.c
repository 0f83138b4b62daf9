/* What the provider lists, held against our payments: every charge, and every refund.
 *
 * Charges are read once, refunds once more at some later ages, in the order of time; a mark says how far: the newest
 * that was read, by the provider's own clock, so that a shop's clock that is ahead for a while passes nothing over.
 * What cannot be decided (the provider or the orders service does not answer) leaves the mark where it is, and the next
 * run comes again. */
#include "services/payments/payments.h"

#include "platform/ports/clock/clock.h"
#include "services/payments/sql/payments.sql.h"

#define MARK_OVERLAP_MS (INT64_C(60) * 1000)
#define PURGE_ROWS_MAX 1000
#define EVENT_MEMORY_MS (INT64_C(90) * 24 * 60 * 60 * 1000) /* longer than the provider repeats an event */

/* -- Charges ------------------------------------------------------------------------------------------------------- */

struct found_intent {
    struct call *call;
    const struct psp_intent *intent;
    struct payment_row payment;
};

static int read_found(struct sql_tx *tx, void *argument)
{
    struct found_intent *found = argument;
    return find_told_payment(tx, found->call->arena, found->intent, &found->payment);
}

static int write_found(struct sql_tx *tx, void *argument)
{
    struct found_intent *found = argument;
    TRY(read_found(tx, found));
    return apply_intent(found->call, &found->payment, found->intent);
}

/* Or may come to hold it, when the list has passed it by. */
static bool holds_money(const struct psp_intent *intent)
{
    if (intent->status == PSP_SUCCEEDED)
        return intent->amount_refunded < intent->amount_captured;
    return intent->status != PSP_CANCELLED;
}

/* Whether the payment may still learn something from the intent. */
static bool is_behind(const struct payment_row *payment, const struct psp_intent *intent)
{
    if (payment->provider_id.len == 0 || !str_equal(payment->provider_id, intent->id))
        return true;
    if (intent->status == PSP_SUCCEEDED)
        return payment->captured_amount == 0;
    if (intent->status == PSP_CANCELLED)
        return !payment_is(payment, "voided") && payment->captured_amount == 0;
    return intent->status == PSP_REQUIRES_CAPTURE && !payment_is(payment, "authorised");
}

static int compare_intent(struct call *call, const struct psp_intent *intent)
{
    struct found_intent found = {.call = call, .intent = intent};
    int error = call_read(call, read_found, &found);
    if (error == ERR_NOT_FOUND)
        return holds_money(intent) ? adopt_charge(call, intent) : 0;
    TRY(error);
    return is_behind(&found.payment, intent) ? call_write(call, write_found, &found) : 0;
}

static int compare_page(struct call *call, void *context, const struct provider_span *span, struct provider_page *page)
{
    struct psp *psp = payments_psp(call);
    struct psp_intent *intents = arena_alloc_array(call->arena, PSP_LIST_MAX, sizeof(*intents));
    struct psp_failure failure = {0};
    (void)context;
    if (!intents)
        return ERR_NO_MEMORY;
    int error = psp->list_intents(psp, PSP_ASKER(call), span->from_ms, span->to_ms, str_from_cstr(page->after), intents,
                                  PSP_LIST_MAX, &page->count, &failure);
    TRY(provider_failed(call, error, &failure));
    for (size_t i = 0; i < page->count; i++)
        TRY(compare_intent(call, &intents[i]));
    if (page->count > 0) {
        page->newest_ms = intents[0].created_ms;
        page->last_id = intents[page->count - 1].id;
    }
    return 0;
}

static int compare_charges(struct call *call, struct provider_span *span)
{
    return walk_span(call, span, compare_page, NULL);
}

/* -- Refunds ------------------------------------------------------------------------------------------------------- */

static int compare_refunds(struct call *call, struct provider_span *span)
{
    return learn_refunds(call, STR_EMPTY, span);
}

/* -- Both ---------------------------------------------------------------------------------------------------------- */

#define HOUR_MS (INT64_C(60) * 60 * 1000)
#define DAY_MS (24 * HOUR_MS)

/* A refund that succeeded may still fail, for up to thirty days: it is looked at again, should nobody tell of that. */
static const struct provider_list {
    const char *mark;
    int (*compare)(struct call *call, struct provider_span *span);
    int64_t age_ms; /* of what is looked at, where that is more than the reconciliation's */
} lists[] = {{"provider_list", compare_charges, 0},
             {"provider_refunds", compare_refunds, 0},
             {"provider_refunds_hour", compare_refunds, HOUR_MS},
             {"provider_refunds_day", compare_refunds, DAY_MS},
             {"provider_refunds_week", compare_refunds, 7 * DAY_MS},
             {"provider_refunds_month", compare_refunds, 31 * DAY_MS}};

struct mark {
    struct call *call;
    const char *name;
    int64_t value;
};

static int read_mark(struct sql_tx *tx, void *argument)
{
    struct mark *mark = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &payments_sql_find_mark, SQL_ARGS(sql_cstr(mark->name)), &rows);
    if (found == 1)
        mark->value = sql_get_int(rows, 0);
    return found < 0 ? found : 0;
}

static int write_mark(struct sql_tx *tx, void *argument)
{
    struct mark *mark = argument;
    return sql_exec(tx, &payments_sql_set_mark, SQL_ARGS(sql_cstr(mark->name), sql_int(mark->value)), NULL);
}

/* The first look goes by the clock that is ahead: one that is behind the provider's would not see its last charges, and
 * a look that comes early costs nothing, as what is found has a payment from then on. The others must not come early,
 * for each is the only one at its age. */
static int64_t span_end_ms(struct call *call, const struct provider_list *list)
{
    int64_t age_ms = payments_reconcile_age_ms(call);
    if (list->age_ms == 0)
        return clock_latest_ms() - age_ms;
    return clock_steady_ms() - (age_ms > list->age_ms ? age_ms : list->age_ms);
}

static int compare_list(struct call *call, const struct provider_list *list)
{
    struct mark mark = {.call = call, .name = list->mark};
    TRY(call_read(call, read_mark, &mark));
    int64_t begun_ms = mark.value;
    struct provider_span span = {
        .from_ms = mark.value > MARK_OVERLAP_MS ? mark.value - MARK_OVERLAP_MS : 0,
        .to_ms = span_end_ms(call, list),
    };
    /* A span with more than a run may read is halved until it fits; the next run goes on behind it. */
    bool is_halved = false;
    while (!span.is_complete && span.to_ms > span.from_ms) {
        TRY(list->compare(call, &span));
        if (!span.is_complete && span.to_ms - span.from_ms < 2 * CLOCK_MS_PER_S)
            break; /* One second with that many: they were read, as far as the pages went. */
        if (span.is_complete)
            break;
        span.to_ms = span.from_ms + (span.to_ms - span.from_ms) / 2;
        is_halved = true;
    }
    /* What was seen behind a halved span makes its end a time of the provider's, too. */
    mark.value = is_halved ? span.to_ms : span.newest_ms;
    return mark.value > begun_ms ? call_write(call, write_mark, &mark) : 0;
}

struct purge {
    int64_t deleted;
};

static int purge_events(struct sql_tx *tx, void *argument)
{
    struct purge *purge = argument;
    int64_t before_ms = clock_steady_ms() - EVENT_MEMORY_MS;
    return sql_exec(tx, &payments_sql_delete_old_provider_events, SQL_ARGS(sql_int(before_ms), sql_int(PURGE_ROWS_MAX)),
                    &purge->deleted);
}

int reconcile(struct call *call)
{
    if (!payments_psp(call))
        return 0;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        TRY(compare_list(call, &lists[i]));
    /* What is new is behind us before what is old goes; in writes small enough to let others in between. */
    struct purge purge = {.deleted = PURGE_ROWS_MAX};
    while (purge.deleted == PURGE_ROWS_MAX)
        TRY(call_write(call, purge_events, &purge));
    return 0;
}
