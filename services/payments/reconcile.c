/* Payments held against their orders.
 *
 *   finish_open        each payment that stays open too long is held against its order: gone or failed, the money goes
 *                      back; refunds without an answer are asked for again
 *   on_order_event     an order that ends without its money, or keeps money that it should not */
#include "services/payments/payments.h"

#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events.h"
#include "services/payments/sql/payments.sql.h"

#define OPEN_BATCH 50
#define REFUND_PATIENCE_MS (INT64_C(5) * 1000)
#define ORDER_EVENT_PATIENCE_MS (INT64_C(5) * 1000)

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
    int64_t now_ms = call_now_ms(batch->call), due_ms = clock_steady_ms();
    batch->payment_count = batch->refund_count = 0;
    CLEANUP(sql_finish_cleanup) struct sql_rows *payments = NULL;
    int64_t age_ms = payments_reconcile_age_ms(batch->call);
    int64_t latest_ms = due_ms + (age_ms > CHECK_AGAIN_MS ? age_ms : CHECK_AGAIN_MS);
    TRY(sql_query(
        tx, &payments_sql_list_payments_due,
        SQL_ARGS(sql_int(due_ms), sql_int(latest_ms), sql_int(OPEN_BATCH), sql_int(due_ms + REFUND_RETRY_MAX_MS)),
        &payments));
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
    check->payment.check_due_ms = is_done ? 0 : clock_steady_ms() + CHECK_AGAIN_MS;
    return update_payment(tx, &check->payment, call_now_ms(call));
}

/* Looks after it later: the order is not decided, or cannot be asked. */
static int postpone(struct sql_tx *tx, void *argument)
{
    struct check *check = argument;
    return sql_exec(tx, &payments_sql_postpone_check,
                    SQL_ARGS(sql_text(check->due->tenant), sql_text(check->due->order_id),
                             sql_int(clock_steady_ms() + CHECK_AGAIN_MS)),
                    NULL);
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
    struct order_word order;
    TRY(ask_order(call, check->due->tenant, check->due->order_id, &order));
    if (order.state == ORDER_GONE) {
        check->finding = "charge_without_order";
        check->action = "returning";
        TRY(call_write(call, write_check, check));
        return give_back(call, check->due->tenant, check->due->order_id, &given_back);
    }
    if (order.state == ORDER_FALLEN)
        return give_back(call, check->due->tenant, check->due->order_id, &given_back);
    if (order.state == ORDER_UNDECIDED)
        return call_write(call, postpone, check);
    check->confirmed = true;
    /* Before an order is said to be without its charge, the provider is asked. */
    if (check->payment.captured_amount == 0 && check->payment.provider_id.len > 0) {
        struct psp_intent intent;
        TRY(ask_charge(call, check->payment.provider_id, &intent));
        TRY(learn_charge(call, &check->payment, &intent));
    }
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

/* -- Orders -------------------------------------------------------------------------------------------------------- */

static int order_confirmed(struct call *call, const struct event *event)
{
    struct payment_row payment;
    int error = find_payment_by_order(call->tx, call->arena, event->tenant, event->key, &payment);
    if (error == ERR_NOT_FOUND) /* A lost row: the walk over the orders asks the provider before it says so. */
        return 0;
    TRY(error);
    if (payment.order_confirmed)
        return 0;
    payment.order_confirmed = true;
    if (!payment.return_requested)
        payment.check_due_ms = payment.captured_amount > 0 ? 0 : clock_steady_ms();
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
    payment.check_due_ms = clock_steady_ms() + ORDER_EVENT_PATIENCE_MS;
    return update_payment(call->tx, &payment, call_now_ms(call));
}

int on_order_event(struct call *call, const struct event *event)
{
    return str_equal(event->type, STR("order.confirmed")) ? order_confirmed(call, event) : order_ended(call, event);
}
