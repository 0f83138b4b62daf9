/* What becomes of an order after it was placed: stock is reserved, money authorised and captured, the order confirmed;
 * or all of it is given back, in reverse, and the order says why. */
#include "platform/service/host.h"
#include "services/orders/orders.h"
#include "services/orders/sql/orders.sql.h"
#include "shopstream/catalog/v1/catalog.rpc.h"
#include "shopstream/payments/v1/payments.rpc.h"

#define FIRST_RETRY_MS 50

/* -- Activities that call other services; each may run twice ------------------------------------------------------- */

static int reserve_stock(struct call *call, const Orders__PlaceOrder *in, Catalog__Reservation *out)
{
    Catalog__ReserveStockRequest request = CATALOG__RESERVE_STOCK_REQUEST__INIT;

    request.reservation_id = in->order_id;
    request.has_ttl_ms = true;
    request.ttl_ms = in->payment_timeout_ms + RESERVATION_MARGIN_MS;
    request.n_lines = in->n_lines;
    request.lines = arena_alloc_array(call->arena, in->n_lines, sizeof(request.lines[0]));
    if (!request.lines)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < in->n_lines; i++) {
        Catalog__StockLine *line = arena_alloc(call->arena, sizeof(*line));

        if (!line)
            return ERR_NO_MEMORY;
        catalog__stock_line__init(line);
        line->sku_id = in->lines[i]->sku_id;
        line->quantity = in->lines[i]->quantity;
        line->has_quantity = true;
        request.lines[i] = line;
    }
    return catalog_reserve_stock(call, &request, out);
}

static int release_stock(struct call *call, const Orders__PlaceOrder *in, Catalog__Reservation *out)
{
    Catalog__ReservationRequest request = CATALOG__RESERVATION_REQUEST__INIT;

    request.reservation_id = in->order_id;
    return catalog_release_stock(call, &request, out);
}

static int commit_stock(struct call *call, const Orders__PlaceOrder *in, Catalog__Reservation *out)
{
    Catalog__ReservationRequest request = CATALOG__RESERVATION_REQUEST__INIT;

    request.reservation_id = in->order_id;
    return catalog_commit_stock(call, &request, out);
}

/* Where the provider sends the customer after a challenge: the order's page. */
static char *order_url(struct call *call, const char *order_id)
{
    return arena_printf(call->arena, "%.*s/orders/%s", STR_FORMAT(host_public_url(call->host)), order_id);
}

static int authorise_payment(struct call *call, const Orders__PlaceOrder *in, Payments__Payment *out)
{
    Payments__AuthorisePaymentRequest request = PAYMENTS__AUTHORISE_PAYMENT_REQUEST__INIT;

    request.order_id = in->order_id;
    request.amount = in->total;
    request.payment_method = in->payment_method;
    request.return_url = order_url(call, in->order_id);
    if (!request.return_url)
        return ERR_NO_MEMORY;
    return payments_authorise_payment(call, &request, out);
}

static int capture_payment(struct call *call, const Orders__PlaceOrder *in, Payments__Payment *out)
{
    Payments__OrderPaymentRequest request = PAYMENTS__ORDER_PAYMENT_REQUEST__INIT;

    request.order_id = in->order_id;
    return payments_capture_payment(call, &request, out);
}

static int return_money(struct call *call, const Orders__PlaceOrder *in, Payments__Payment *out)
{
    Payments__OrderPaymentRequest request = PAYMENTS__ORDER_PAYMENT_REQUEST__INIT;

    request.order_id = in->order_id;
    return payments_return_money(call, &request, out);
}

/* -- Activities in the orders' own transaction: effect and record are one ------------------------------------------ */

struct payment_note {
    const char *id, *status, *action_url;
    int64_t version;
};

static int set_payment(struct call *call, const char *order_id, struct payment_note note)
{
    return sql_exec(call->tx, &orders_sql_set_payment,
                    SQL_ARGS(sql_text(call->tenant), sql_cstr(order_id), sql_cstr(note.id), sql_cstr(note.status),
                             sql_cstr(note.action_url), sql_int(note.version)),
                    NULL);
}

/* Shows on the order how its payment stands, and where the customer goes on. */
static int note_payment(struct call *call, const Payments__Payment *in, Common__Empty *out)
{
    bool has_action = in->next_action && in->next_action->redirect_to_url;
    struct payment_note note = {in->id, in->status, has_action ? in->next_action->redirect_to_url->url : NULL,
                                in->version};

    (void)out;
    TRY(set_payment(call, in->order_id, note));
    return has_action ? order_publish(call, "order.action_required", str_from_cstr(in->order_id)) : 0;
}

/* The order stays pending until stock and money are back; then settle_order names what it has become. */
static int note_failure(struct call *call, const Orders__OrderOutcome *in, Common__Empty *out)
{
    (void)out;
    return sql_exec(call->tx, &orders_sql_set_failure,
                    SQL_ARGS(sql_text(call->tenant), sql_cstr(in->order_id), sql_cstr(in->failure->code),
                             sql_cstr(in->failure->message)),
                    NULL);
}

static int confirm_order(struct call *call, const Orders__PlaceOrder *in, Orders__OrderOutcome *out)
{
    int64_t changed = 0;

    (void)out;
    TRY(sql_exec(call->tx, &orders_sql_confirm, SQL_ARGS(sql_text(call->tenant), sql_cstr(in->order_id)), &changed));
    if (changed == 0)
        return call_fail(call, ERR_CONFLICT, "cancelled", NULL, "The order was cancelled.");
    TRY(order_notify(call, "order.confirmed", str_from_cstr(in->order_id)));
    return order_publish(call, "order.confirmed", str_from_cstr(in->order_id));
}

/* The end of every way back: cancelled when somebody asked for it, failed otherwise. */
static int settle_order(struct call *call, const Orders__PlaceOrder *in, Common__Empty *out)
{
    struct str id = str_from_cstr(in->order_id);
    struct order_owner owner;
    Orders__Order order;
    int64_t changed = 0;

    (void)out;
    TRY(order_load(call, id, &order, &owner));
    TRY(sql_exec(call->tx, &orders_sql_move_status,
                 SQL_ARGS(sql_text(call->tenant), sql_text(id),
                          sql_cstr(owner.cancel_requested ? "cancelled" : "failed"), sql_cstr("pending"),
                          sql_cstr(owner.cancel_requested ? "confirmed" : "pending")),
                 &changed));
    if (changed == 0)
        return 0;
    const char *type = owner.cancel_requested ? "order.cancelled" : "order.failed";
    TRY(order_notify(call, type, id));
    return order_publish(call, type, id);
}

static const struct activity reserve_stock_activity =
    ACTIVITY(reserve_stock, Orders__PlaceOrder, orders__place_order, Catalog__Reservation, catalog__reservation,
             .first_retry_ms = FIRST_RETRY_MS);
static const struct activity release_stock_activity =
    ACTIVITY(release_stock, Orders__PlaceOrder, orders__place_order, Catalog__Reservation, catalog__reservation,
             .first_retry_ms = FIRST_RETRY_MS);
static const struct activity commit_stock_activity =
    ACTIVITY(commit_stock, Orders__PlaceOrder, orders__place_order, Catalog__Reservation, catalog__reservation,
             .first_retry_ms = FIRST_RETRY_MS);
static const struct activity authorise_payment_activity =
    ACTIVITY(authorise_payment, Orders__PlaceOrder, orders__place_order, Payments__Payment, payments__payment,
             .first_retry_ms = FIRST_RETRY_MS);
static const struct activity capture_payment_activity =
    ACTIVITY(capture_payment, Orders__PlaceOrder, orders__place_order, Payments__Payment, payments__payment,
             .first_retry_ms = FIRST_RETRY_MS);
static const struct activity return_money_activity =
    ACTIVITY(return_money, Orders__PlaceOrder, orders__place_order, Payments__Payment, payments__payment,
             .first_retry_ms = FIRST_RETRY_MS);
static const struct activity note_payment_activity =
    ACTIVITY(note_payment, Payments__Payment, payments__payment, Common__Empty, common__empty, .transactional = true);
static const struct activity note_failure_activity = ACTIVITY(note_failure, Orders__OrderOutcome, orders__order_outcome,
                                                              Common__Empty, common__empty, .transactional = true);
static const struct activity confirm_order_activity =
    ACTIVITY(confirm_order, Orders__PlaceOrder, orders__place_order, Orders__OrderOutcome, orders__order_outcome,
             .transactional = true);
static const struct activity settle_order_activity = ACTIVITY(settle_order, Orders__PlaceOrder, orders__place_order,
                                                              Common__Empty, common__empty, .transactional = true);

/* -- Placing ------------------------------------------------------------------------------------------------------- */

/* Waits until the provider has decided, somebody cancels, or the customer's time is up. */
static int await_decision(struct workflow *w, const Orders__PlaceOrder *order)
{
    static const char *const signals[] = {"payment", "cancel", NULL};
    Orders__PaymentSignal payment = ORDERS__PAYMENT_SIGNAL__INIT;
    Orders__CancelSignal cancel = ORDERS__CANCEL_SIGNAL__INIT;
    ProtobufCMessage *const payloads[] = {&payment.base, &cancel.base};
    size_t index = 0;
    int result = workflow_await_any(w, signals, order->payment_timeout_ms, &index, payloads);

    if (result == ERR_DEADLINE)
        return workflow_fail(w, ERR_DECLINED, "payment_timeout", "The payment was not completed in time.");
    TRY(result);
    if (index == 1)
        return workflow_fail(w, ERR_CONFLICT, "cancelled", "The order was cancelled.");
    if (str_equal_cstr(str_from_cstr(payment.status), "failed"))
        return workflow_fail(w, ERR_DECLINED, payment.failure ? payment.failure->code : "payment_failed", "%s",
                             payment.failure ? payment.failure->message : "The payment failed.");
    return 0;
}

static int pay(struct workflow *w, const Orders__PlaceOrder *order)
{
    Payments__Payment payment = PAYMENTS__PAYMENT__INIT;
    Payments__Payment capture = PAYMENTS__PAYMENT__INIT;
    Common__Empty nothing = COMMON__EMPTY__INIT;

    TRY(workflow_run(w, &authorise_payment_activity, &order->base, &payment.base));
    TRY(workflow_run(w, &note_payment_activity, &payment.base, &nothing.base));
    if (str_equal_cstr(str_from_cstr(payment.status), "failed"))
        return workflow_fail(w, ERR_DECLINED, payment.failure ? payment.failure->code : "payment_failed", "%s",
                             payment.failure ? payment.failure->message : "The payment failed.");
    if (!str_equal_cstr(str_from_cstr(payment.status), "authorised"))
        TRY(await_decision(w, order));
    TRY(workflow_run(w, &capture_payment_activity, &order->base, &capture.base));
    return workflow_run(w, &note_payment_activity, &capture.base, &nothing.base);
}

static int fulfil_promises(struct workflow *w, const Orders__PlaceOrder *order, Orders__OrderOutcome *out)
{
    Catalog__Reservation reservation = CATALOG__RESERVATION__INIT;

    TRY(workflow_run(w, &reserve_stock_activity, &order->base, &reservation.base));
    TRY(workflow_compensate(w, &release_stock_activity, &order->base));
    /* Before the first try: an authorisation whose answer was lost is returned, too. */
    TRY(workflow_compensate(w, &return_money_activity, &order->base));
    TRY(pay(w, order));
    TRY(workflow_run(w, &commit_stock_activity, &order->base, &reservation.base));
    return workflow_run(w, &confirm_order_activity, &order->base, &out->base);
}

/* Nothing here may fail but the step: the function's other errors are the workflow's own, which would be undone without
 * the order knowing why. */
static int record_failure(struct workflow *w, const Orders__PlaceOrder *order)
{
    struct problem problem = *workflow_problem(w); /* the step has one of its own */
    Orders__OrderOutcome outcome = ORDERS__ORDER_OUTCOME__INIT;
    Common__Failure failure = COMMON__FAILURE__INIT;
    Common__Empty nothing = COMMON__EMPTY__INIT;

    failure.code = (char *)(uintptr_t)(problem.code ? problem.code : "internal");
    failure.message = problem.detail;
    outcome.order_id = order->order_id;
    outcome.failure = &failure;
    return workflow_run(w, &note_failure_activity, &outcome.base, &nothing.base);
}

/* Places an order exactly once; whatever fails, nothing stays reserved or charged. */
static int place_order(struct workflow *w, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    const Orders__PlaceOrder *order = (const Orders__PlaceOrder *)in;

    TRY(workflow_compensate(w, &settle_order_activity, in));
    int result = fulfil_promises(w, order, (Orders__OrderOutcome *)out);
    if (result < 0 && result != WORKFLOW_BLOCKED)
        TRY(record_failure(w, order));
    return result;
}

const struct workflow_type place_order_workflow = {
    .name = "place_order",
    .run = place_order,
    .input = &orders__place_order__descriptor,
    .output = &orders__order_outcome__descriptor,
    .activities =
        (const struct activity *const[]){&reserve_stock_activity, &release_stock_activity, &commit_stock_activity,
                                         &authorise_payment_activity, &capture_payment_activity, &return_money_activity,
                                         &note_payment_activity, &note_failure_activity, &confirm_order_activity,
                                         &settle_order_activity, NULL},
};

/* -- Cancelling what was confirmed; returning what came late ------------------------------------------------------- */

static int cancel_confirmed(struct workflow *w, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    Payments__Payment payment = PAYMENTS__PAYMENT__INIT;
    Catalog__Reservation reservation = CATALOG__RESERVATION__INIT;
    Common__Empty nothing = COMMON__EMPTY__INIT;

    (void)out;
    TRY(workflow_run(w, &return_money_activity, in, &payment.base));
    TRY(workflow_run(w, &note_payment_activity, &payment.base, &nothing.base));
    TRY(workflow_run(w, &release_stock_activity, in, &reservation.base));
    return workflow_run(w, &settle_order_activity, in, &nothing.base);
}

const struct workflow_type cancel_order_workflow = {
    .name = "cancel_order",
    .run = cancel_confirmed,
    .input = &orders__place_order__descriptor,
    .output = &orders__order_outcome__descriptor,
    .activities = (const struct activity *const[]){&return_money_activity, &note_payment_activity,
                                                   &release_stock_activity, &settle_order_activity, NULL},
};

static int return_late_money(struct workflow *w, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    Payments__Payment payment = PAYMENTS__PAYMENT__INIT;

    (void)out;
    return workflow_run(w, &return_money_activity, in, &payment.base);
}

const struct workflow_type return_money_workflow = {
    .name = "return_money",
    .run = return_late_money,
    .input = &orders__place_order__descriptor,
    .output = &orders__order_outcome__descriptor,
    .activities = (const struct activity *const[]){&return_money_activity, NULL},
};
