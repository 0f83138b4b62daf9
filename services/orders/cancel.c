/* Cancelling and fulfilling, and what the provider's events do to an order. */
#include "platform/ports/events/events.h"
#include "platform/wire/wire.h"
#include "services/orders/orders.h"
#include "services/orders/sql/orders.sql.h"
#include "shopstream/payments/v1/payments.pb-c.h"

/* A cancellation gives money and stock back before it says so; that takes milliseconds, for which its request waits. */
#define CANCEL_WAIT_MS 10000

static int refresh(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    Orders__Order *order = (Orders__Order *)out;

    (void)in;
    TRY(order_load(call, call_waited_for(call), order, NULL));
    call_set_version(call, order->version);
    return 0;
}

static int start_for_order(struct call *call, const struct workflow_type *type, const char *prefix, char *order_id)
{
    Orders__PlaceOrder input = ORDERS__PLACE_ORDER__INIT;
    char *id = arena_printf(call->arena, "%s-%s", prefix, order_id);

    if (!id)
        return ERR_NO_MEMORY;
    input.order_id = order_id;
    return call_start_workflow(call, type, str_from_cstr(id), &input.base);
}

/* The saga of a pending order is told; what was confirmed already is undone by a workflow of its own. */
static int undo(struct call *call, Orders__Order *order, bool is_pending)
{
    Orders__CancelSignal signal = ORDERS__CANCEL_SIGNAL__INIT;

    if (!is_pending)
        return start_for_order(call, &cancel_order_workflow, "cancel", order->id);
    int result = call_signal_workflow(call, str_from_cstr(order->id), "cancel", &signal.base);
    /* A saga that has just ended has settled the order, or will find the mark when it confirms. */
    return result == ERR_NOT_FOUND ? 0 : result;
}

int cancel_order(struct call *call, const Orders__GetOrderRequest *in, Orders__Order *out)
{
    struct str id = str_from_cstr(in->id);
    int64_t changed = 0;

    TRY(order_load_for_caller(call, id, out, NULL));
    TRY(call_check_version(call, out->version));
    bool is_pending = str_equal_cstr(str_from_cstr(out->status), "pending");
    bool is_over = !is_pending && !str_equal_cstr(str_from_cstr(out->status), "confirmed");
    call_set_version(call, out->version);
    if (str_equal_cstr(str_from_cstr(out->status), "cancelled"))
        return 0;
    if (is_over)
        return call_fail(call, ERR_CONFLICT, "not_cancellable", NULL, "An order that is %s cannot be cancelled.",
                         out->status);
    TRY(sql_exec(call->tx, &orders_sql_request_cancel, SQL_ARGS(sql_text(call->tenant), sql_text(id)), &changed));
    if (changed > 0)
        TRY(undo(call, out, is_pending));
    TRY(order_load(call, id, out, NULL));
    call_set_version(call, out->version);
    if (call->wait_ms == 0)
        call->wait_ms = CANCEL_WAIT_MS;
    call_wait_for(call, str_from_cstr(out->id), refresh);
    return 0;
}

int fulfil_order(struct call *call, const Orders__GetOrderRequest *in, Orders__Order *out)
{
    struct str id = str_from_cstr(in->id);
    struct order_owner owner;
    int64_t changed = 0;

    TRY(order_load_for_caller(call, id, out, NULL));
    TRY(call_check_version(call, out->version));
    if (out->cancel_requested)
        return call_fail(call, ERR_CONFLICT, "not_fulfillable", NULL,
                         "This order is being cancelled: its money and its stock are on their way back.");
    TRY(sql_exec(call->tx, &orders_sql_fulfil, SQL_ARGS(sql_text(call->tenant), sql_text(id)), &changed));
    if (changed == 0)
        return call_fail(call, ERR_CONFLICT, "not_fulfillable", NULL,
                         "Only a confirmed order that is paid can be fulfilled; this one is %s, its payment %s.",
                         out->status, out->payment->status ? out->payment->status : "never made");
    TRY(order_load(call, id, out, &owner));
    TRY(order_publish_loaded(call, "order.fulfilled", out, &owner));
    call_set_version(call, out->version);
    return 0;
}

/* -- The provider's word ------------------------------------------------------------------------------------------- */

static int signal_saga(struct call *call, const Payments__PaymentEvent *payment, const char *status)
{
    Orders__PaymentSignal signal = ORDERS__PAYMENT_SIGNAL__INIT;

    signal.payment_id = payment->payment_id;
    signal.status = arena_cstr(call->arena, str_from_cstr(status));
    signal.failure = payment->failure;
    int result = call_signal_workflow(call, str_from_cstr(payment->order_id), "payment", &signal.base);
    return result == ERR_NOT_FOUND ? 0 : result;
}

/* Money that arrived when the order was over already goes back. */
static int return_late(struct call *call, char *order_id)
{
    int result = start_for_order(call, &return_money_workflow, "late", order_id);

    return result == ERR_CONFLICT ? 0 : result;
}

/* The order shows how its payment has ended, and asks nobody to pay any more. */
static int note_end(struct call *call, const Payments__PaymentEvent *payment)
{
    return sql_exec(call->tx, &orders_sql_set_payment,
                    SQL_ARGS(sql_text(call->tenant), sql_cstr(payment->order_id), sql_cstr(payment->payment_id),
                             sql_cstr(payment->status), sql_null(), sql_int(payment->version)),
                    NULL);
}

static int note_failure(struct call *call, const Payments__PaymentEvent *payment)
{
    TRY(note_end(call, payment));
    return signal_saga(call, payment, "failed");
}

/* Money went back, by a refund or because nothing was taken yet. */
static int note_money_back(struct call *call, const Payments__PaymentEvent *payment)
{
    struct str id = str_from_cstr(payment->order_id);
    int64_t changed = 0;

    TRY(note_end(call, payment));
    if (!payment->refunded || !payment->amount || payment->refunded->amount < payment->amount->amount)
        return 0;
    TRY(sql_exec(call->tx, &orders_sql_move_status,
                 SQL_ARGS(sql_text(call->tenant), sql_text(id), sql_cstr("refunded"), sql_cstr("fulfilled"),
                          sql_cstr("fulfilled")),
                 &changed));
    return changed > 0 ? order_publish(call, "order.refunded", id) : 0;
}

/* 1 when the order has ended without a sale, 0 when it has not; ERR_NOT_FOUND. */
static int is_over(struct call *call, struct str order_id)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int result =
        sql_query_row(call->tx, &orders_sql_find_status, SQL_ARGS(sql_text(call->tenant), sql_text(order_id)), &rows);

    TRY(result);
    if (result == 0)
        return ERR_NOT_FOUND;
    struct str status = sql_get_text(rows, 0);
    return str_equal(status, STR("failed")) || str_equal(status, STR("cancelled"));
}

int orders_on_payment_event(struct call *call, const struct event *event)
{
    Payments__PaymentEvent payment = PAYMENTS__PAYMENT_EVENT__INIT;

    TRY(wire_from_event(call->arena, event->payload, &payment.base, &call->problem));
    if (!payment.order_id)
        return 0;
    int over = is_over(call, str_from_cstr(payment.order_id));
    if (over == ERR_NOT_FOUND)
        return 0; /* a charge that is not ours: reconciliation's business */
    TRY(over);
    if (str_equal(event->type, STR("payment.authorised")))
        return over ? return_late(call, payment.order_id) : signal_saga(call, &payment, "authorised");
    if (str_equal(event->type, STR("payment.failed")))
        return note_failure(call, &payment);
    if (str_equal(event->type, STR("payment.refunded")) || str_equal(event->type, STR("payment.voided")))
        return note_money_back(call, &payment);
    if (str_equal(event->type, STR("payment.refund_failed")))
        return note_end(call, &payment); /* the bank sent it here again; the order's end stays */
    return 0;
}
