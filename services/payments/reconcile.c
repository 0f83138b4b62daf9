/* What does not fit together, and what is done about it.
 *
 *   finish_open        each payment that stays open too long is held against its order: gone or failed, the money goes
 *                      back; refunds without an answer are asked for again
 *   reconcile          each charge at the provider is held against our payments: what no payment knows goes back
 *   on_order_event     an order that ends without its money, or keeps money that it should not */
#include "services/payments/payments.h"

#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events.h"
#include "services/payments/sql/payments.sql.h"
#include "shopstream/orders/v1/orders.rpc.h"

#define OPEN_BATCH 50
#define REFUND_PATIENCE_MS (INT64_C(5) * 1000)
#define ORDER_EVENT_PATIENCE_MS (INT64_C(5) * 1000)
#define LIST_PAGES_MAX 50
#define MARK_NAME "provider_list"
#define MARK_OVERLAP_MS (INT64_C(60) * 1000)
#define PURGE_ROWS_MAX 1000
#define EVENT_MEMORY_MS (INT64_C(90) * 24 * 60 * 60 * 1000) /* longer than the provider repeats an event */

/* -- Open payments ------------------------------------------------------------------------------------------------- */

struct due_payment {
    struct str tenant, order_id;
};

struct due_batch {
    struct call *call;
    struct due_payment payments[OPEN_BATCH];
    struct str refunds[OPEN_BATCH];
    size_t payment_count, refund_count;
};

static int read_due(struct sql_tx *tx, void *argument)
{
    struct due_batch *batch = argument;
    struct arena *arena = batch->call->arena;
    int64_t now_ms = call_now_ms(batch->call);
    batch->payment_count = batch->refund_count = 0;
    CLEANUP(sql_finish_cleanup) struct sql_rows *payments = NULL;
    int64_t age_ms = payments_reconcile_age_ms(batch->call);
    int64_t latest_ms = now_ms + (age_ms > CHECK_AGAIN_MS ? age_ms : CHECK_AGAIN_MS);
    TRY(sql_query(tx, &payments_sql_list_payments_due,
                  SQL_ARGS(sql_int(now_ms), sql_int(latest_ms), sql_int(OPEN_BATCH)), &payments));
    int more;
    while ((more = sql_next(payments)) == 1) {
        struct due_payment *due = &batch->payments[batch->payment_count++];
        *due = (struct due_payment){arena_copy(arena, sql_get_text(payments, 0)),
                                    arena_copy(arena, sql_get_text(payments, 1))};
        if (!due->tenant.ptr || !due->order_id.ptr)
            return ERR_NO_MEMORY;
    }
    TRY(more);
    CLEANUP(sql_finish_cleanup) struct sql_rows *refunds = NULL;
    TRY(sql_query(tx, &payments_sql_list_pending_refunds,
                  SQL_ARGS(sql_int(now_ms - REFUND_PATIENCE_MS), sql_int(now_ms), sql_int(OPEN_BATCH)), &refunds));
    while ((more = sql_next(refunds)) == 1) {
        struct str *id = &batch->refunds[batch->refund_count++];
        *id = arena_copy(arena, sql_get_text(refunds, 0));
        if (!id->ptr)
            return ERR_NO_MEMORY;
    }
    return more;
}

struct check {
    struct call *call;
    const struct due_payment *due;
    struct payment_row payment;
    const char *finding; /* NULL: none */
    const char *action;
    bool confirmed; /* the order stands */
};

static int read_check(struct sql_tx *tx, void *argument)
{
    struct check *check = argument;
    return find_payment_by_order(tx, check->call->arena, check->due->tenant, check->due->order_id, &check->payment);
}

static int write_check(struct sql_tx *tx, void *argument)
{
    struct check *check = argument;
    struct call *call = check->call;
    TRY(read_check(tx, check));
    if (check->finding)
        TRY(write_finding(call, check->due->tenant, check->finding, check->due->order_id, check->action));
    bool is_done = check->confirmed && check->payment.captured_amount > 0 && !check->payment.return_requested;
    if (check->confirmed)
        check->payment.order_confirmed = true;
    check->payment.check_due_ms = is_done ? 0 : call_now_ms(call) + CHECK_AGAIN_MS;
    return update_payment(tx, &check->payment, call_now_ms(call));
}

/* Looks after it later: the order is not decided, or cannot be asked. */
static int postpone(struct sql_tx *tx, void *argument)
{
    struct check *check = argument;
    return sql_exec(tx, &payments_sql_postpone_check,
                    SQL_ARGS(sql_text(check->due->tenant), sql_text(check->due->order_id),
                             sql_int(call_now_ms(check->call) + CHECK_AGAIN_MS)),
                    NULL);
}

/* The order's status; empty when there is no such order. */
static int ask_order(struct check *check, const char **ret_status)
{
    struct call *call = check->call;
    Orders__GetOrderRequest request;
    Orders__Order order;
    orders__get_order_request__init(&request);
    orders__order__init(&order);
    request.id = arena_cstr(call->arena, check->due->order_id);
    if (!request.id)
        return ERR_NO_MEMORY;
    struct str tenant = call->tenant;
    call->tenant = check->due->tenant;
    int error = orders_get_order(call, &request, &order);
    call->tenant = tenant;
    call->problem = (struct problem){0};
    if (error != 0 && error != ERR_NOT_FOUND)
        return error;
    *ret_status = error == ERR_NOT_FOUND || !order.status ? "" : order.status;
    return 0;
}

static bool is_any(const char *status, const char *first, const char *second, const char *third)
{
    return strcmp(status, first) == 0 || strcmp(status, second) == 0 || (third && strcmp(status, third) == 0);
}

/* Holds one payment against its order. */
static int check_payment(struct check *check)
{
    struct call *call = check->call;
    struct payment_row given_back;
    TRY(call_read(call, read_check, check));
    if (check->payment.return_requested || payment_is(&check->payment, "voided") ||
        payment_is(&check->payment, "failed"))
        return give_back(call, check->due->tenant, check->due->order_id, &given_back);
    const char *status = NULL;
    TRY(ask_order(check, &status));
    if (status[0] == '\0') {
        check->finding = "charge_without_order";
        check->action = "returned";
        TRY(call_write(call, write_check, check));
        return give_back(call, check->due->tenant, check->due->order_id, &given_back);
    }
    if (is_any(status, "failed", "cancelled", NULL))
        return give_back(call, check->due->tenant, check->due->order_id, &given_back);
    if (!is_any(status, "confirmed", "fulfilled", "refunded"))
        return call_write(call, postpone, check);
    check->confirmed = true;
    if (check->payment.captured_amount == 0) {
        check->finding = "order_without_charge";
        check->action = "reported";
    }
    return call_write(call, write_check, check);
}

static void check_due_payment(struct call *call, const struct due_payment *due)
{
    struct check check = {.call = call, .due = due};
    int error = check_payment(&check);
    call->problem = (struct problem){0};
    if (error == 0)
        return;
    log_warning(&call->log, "an open payment could not be settled yet", LOG_STR("order_id", due->order_id),
                LOG_ERR(error));
    error = call_write(call, postpone, &check);
    if (error)
        log_error(&call->log, "an open payment could not be postponed", LOG_ERR(error));
}

int finish_open(struct call *call)
{
    struct due_batch *batch = arena_alloc(call->arena, sizeof(*batch));
    if (!batch)
        return ERR_NO_MEMORY;
    batch->call = call;
    if (!payments_psp(call)) /* The provider's address is not known yet. */
        return 0;
    TRY(call_read(call, read_due, batch));
    for (size_t i = 0; i < batch->payment_count; i++)
        check_due_payment(call, &batch->payments[i]);
    for (size_t i = 0; i < batch->refund_count; i++) {
        struct refund_row refund;
        int error = settle_refund(call, batch->refunds[i], &refund);
        call->problem = (struct problem){0};
        if (error)
            log_warning(&call->log, "a refund could not be settled yet", LOG_STR("refund_id", batch->refunds[i]),
                        LOG_ERR(error));
    }
    return 0;
}

/* -- The provider's list ------------------------------------------------------------------------------------------- */

struct found_intent {
    struct call *call;
    const struct psp_intent *intent;
    struct payment_row payment;
};

static int read_found(struct sql_tx *tx, void *argument)
{
    struct found_intent *found = argument;
    struct arena *arena = found->call->arena;
    const struct psp_intent *intent = found->intent;
    int error = find_payment_by_provider(tx, arena, intent->id, &found->payment);
    if (error != ERR_NOT_FOUND || intent->reference.len == 0)
        return error;
    return find_payment_by_order(tx, arena, intent->tenant, intent->reference, &found->payment);
}

static int write_found(struct sql_tx *tx, void *argument)
{
    struct found_intent *found = argument;
    TRY(read_found(tx, found));
    return apply_intent(found->call, &found->payment, found->intent);
}

static int write_orphan(struct sql_tx *tx, void *argument)
{
    (void)tx;
    struct found_intent *found = argument;
    const struct psp_intent *intent = found->intent;
    struct str tenant = intent->tenant.len > 0 ? intent->tenant : found->call->tenant;
    return write_finding(found->call, tenant, "charge_without_order", intent->id, "returned");
}

static bool holds_money(const struct psp_intent *intent)
{
    return intent->status == PSP_REQUIRES_CAPTURE ||
           (intent->status == PSP_SUCCEEDED && intent->amount_refunded < intent->amount_captured);
}

/* A charge that nobody here knows: an order's that was lost, or one that was never ours to make. */
static int return_orphan(struct found_intent *found)
{
    struct call *call = found->call;
    const struct psp_intent *intent = found->intent;
    struct psp *psp = payments_psp(call);
    TRY(call_write(call, write_orphan, found));
    struct psp_failure failure = {0};
    struct str key = provider_key(call, "orphan", STR("any"), intent->id);
    if (key.len == 0)
        return ERR_NO_MEMORY;
    if (intent->status == PSP_REQUIRES_CAPTURE) {
        struct psp_intent cancelled;
        return provider_failed(call, psp->cancel_intent(psp, PSP_ASKER(call), intent->id, key, &cancelled, &failure),
                               &failure);
    }
    struct psp_refund refund;
    const struct psp_new_refund asked = {
        .intent_id = intent->id, .amount = intent->amount_captured - intent->amount_refunded, .reference = intent->id};
    return provider_failed(call, psp->refund(psp, PSP_ASKER(call), &asked, key, &refund, &failure), &failure);
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
        return holds_money(intent) ? return_orphan(&found) : 0;
    TRY(error);
    return is_behind(&found.payment, intent) ? call_write(call, write_found, &found) : 0;
}

/* Compares all intents of the time span; the newest first. *ret_complete is false when there were too many of them. */
static int compare_span(struct call *call, int64_t from_ms, int64_t to_ms, bool *ret_complete)
{
    struct psp *psp = payments_psp(call);
    struct psp_intent *intents = arena_alloc_array(call->arena, PSP_LIST_MAX, sizeof(*intents));
    if (!intents)
        return ERR_NO_MEMORY;
    struct str after = STR_EMPTY;
    for (int page = 0; page < LIST_PAGES_MAX; page++) {
        size_t count = 0;
        struct psp_failure failure = {0};
        int error =
            psp->list_intents(psp, PSP_ASKER(call), from_ms, to_ms, after, intents, PSP_LIST_MAX, &count, &failure);
        TRY(provider_failed(call, error, &failure));
        for (size_t i = 0; i < count; i++)
            TRY(compare_intent(call, &intents[i]));
        *ret_complete = count < PSP_LIST_MAX;
        if (*ret_complete)
            return 0;
        after = intents[count - 1].id;
    }
    return 0;
}

struct mark {
    struct call *call;
    int64_t value;
};

static int read_mark(struct sql_tx *tx, void *argument)
{
    struct mark *mark = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &payments_sql_find_mark, SQL_ARGS(sql_cstr(MARK_NAME)), &rows);
    if (found == 1)
        mark->value = sql_get_int(rows, 0);
    return found < 0 ? found : 0;
}

static int write_mark(struct sql_tx *tx, void *argument)
{
    struct mark *mark = argument;
    TRY(sql_exec(tx, &payments_sql_delete_old_provider_events,
                 SQL_ARGS(sql_int(call_now_ms(mark->call) - EVENT_MEMORY_MS), sql_int(PURGE_ROWS_MAX)), NULL));
    return sql_exec(tx, &payments_sql_set_mark, SQL_ARGS(sql_cstr(MARK_NAME), sql_int(mark->value)), NULL);
}

int reconcile(struct call *call)
{
    if (!payments_psp(call))
        return 0;
    struct mark mark = {.call = call};
    TRY(call_read(call, read_mark, &mark));
    int64_t to_ms = call_now_ms(call) - payments_reconcile_age_ms(call);
    int64_t from_ms = mark.value > MARK_OVERLAP_MS ? mark.value - MARK_OVERLAP_MS : 0;
    /* A span with more charges than a run may read is halved until it fits; the next run goes on behind it. */
    bool complete = false;
    while (!complete && to_ms > from_ms) {
        TRY(compare_span(call, from_ms, to_ms, &complete));
        if (!complete && to_ms - from_ms < 2 * CLOCK_MS_PER_S)
            break; /* One second with that many: they were read, as far as the pages went. */
        if (!complete)
            to_ms = from_ms + (to_ms - from_ms) / 2;
    }
    if (to_ms <= mark.value)
        return 0;
    mark.value = to_ms;
    return call_write(call, write_mark, &mark);
}

/* -- Orders -------------------------------------------------------------------------------------------------------- */

static int order_confirmed(struct call *call, const struct event *event)
{
    struct payment_row payment;
    int error = find_payment_by_order(call->tx, call->arena, event->tenant, event->key, &payment);
    if (error < 0 && error != ERR_NOT_FOUND)
        return error;
    if (error == ERR_NOT_FOUND || payment.captured_amount == 0)
        return write_finding(call, event->tenant, "order_without_charge", event->key, "reported");
    if (payment.order_confirmed)
        return 0;
    payment.order_confirmed = true;
    if (!payment.return_requested)
        payment.check_due_ms = 0;
    return update_payment(call->tx, &payment, call_now_ms(call));
}

/* The saga returns the money itself; this is for the one that could not. */
static int order_ended(struct call *call, const struct event *event)
{
    struct payment_row payment;
    int error = find_payment_by_order(call->tx, call->arena, event->tenant, event->key, &payment);
    if (error == ERR_NOT_FOUND)
        return 0;
    TRY(error);
    if (payment.return_requested || payment_is(&payment, "voided") || payment_is(&payment, "failed") ||
        payment_is(&payment, "refunded"))
        return 0;
    payment.return_requested = true;
    payment.check_due_ms = call_now_ms(call) + ORDER_EVENT_PATIENCE_MS;
    return update_payment(call->tx, &payment, call_now_ms(call));
}

int on_order_event(struct call *call, const struct event *event)
{
    return str_equal(event->type, STR("order.confirmed")) ? order_confirmed(call, event) : order_ended(call, event);
}
