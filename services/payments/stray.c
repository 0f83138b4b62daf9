/* Charges that no payment stands for: an order's whose row is gone, an order's that has another one, or nobody's.
 *
 * Each gets a payment of its own, so that it is booked, given back and found again as any other: the order's, where the
 * order stands; else one under the name of the charge itself, whose money is wanted back from the start. */
#include "services/payments/payments.h"

#include "platform/ports/clock/clock.h"
#include "shopstream/orders/v1/orders.rpc.h"

/* -- The order's word ---------------------------------------------------------------------------------------------- */

static enum order_state state_of(const char *status)
{
    static const struct {
        const char *status;
        enum order_state state;
    } states[] = {
        {"pending", ORDER_UNDECIDED}, {"confirmed", ORDER_STANDS}, {"fulfilled", ORDER_STANDS},
        {"refunded", ORDER_STANDS},   {"failed", ORDER_FALLEN},    {"cancelled", ORDER_FALLEN},
    };
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(status, states[i].status) == 0)
            return states[i].state;
    }
    return ORDER_UNDECIDED;
}

int ask_order(struct call *call, struct str tenant, struct str order_id, struct order_word *ret_word)
{
    Orders__GetOrderRequest request;
    Orders__Order order;
    orders__get_order_request__init(&request);
    orders__order__init(&order);
    request.id = arena_cstr(call->arena, order_id);
    if (!request.id)
        return ERR_NO_MEMORY;
    struct str caller = call->tenant;
    call->tenant = tenant;
    int error = orders_get_order(call, &request, &order);
    call->tenant = caller;
    call->problem = (struct problem){0};
    *ret_word = (struct order_word){.state = ORDER_GONE};
    if (error != 0)
        return error == ERR_NOT_FOUND ? 0 : error;
    if (!order.status || !order.total || !order.total->currency)
        return ERR_INTERNAL;
    ret_word->state = state_of(order.status);
    ret_word->total = order.total->amount;
    ret_word->currency = str_from_cstr(order.total->currency);
    if (order.payment)
        ret_word->payment_id = str_from_cstr(order.payment->id);
    return 0;
}

/* -- Adoption ------------------------------------------------------------------------------------------------------ */

/* Writes the payment of a charge, and what the charge says of it. */
static int insert_charge(struct call *call, const struct psp_intent *intent, struct payment_row *payment)
{
    int64_t now_ms = call_now_ms(call);
    payment->status = STR("created");
    payment->amount = intent->amount;
    payment->currency = str_from_cstr(intent->currency);
    payment->payment_method = STR("");
    payment->created_ms = now_ms;
    payment->version = 1;
    if (payment->id.len == 0)
        payment->id = str_from_cstr(call_new_id(call));
    if (payment->id.len == 0)
        return ERR_NO_MEMORY;
    TRY(insert_payment(call->tx, payment));
    TRY(apply_intent(call, payment, intent));
    payment->check_due_ms = clock_steady_ms();
    return update_payment(call->tx, payment, now_ms);
}

int take_second_charge(struct call *call, const struct payment_row *first, const struct psp_intent *intent)
{
    struct payment_row second;
    if (intent->id.len == 0 || intent->status == PSP_CANCELLED) /* It takes nothing from anybody. */
        return 0;
    int error = find_payment_by_provider(call->tx, call->arena, intent->id, &second);
    if (error == 0)
        return apply_intent(call, &second, intent);
    if (error != ERR_NOT_FOUND)
        return error;
    TRY(write_finding(call, first->tenant, "second_charge", intent->id, "returning"));
    second = (struct payment_row){.tenant = first->tenant, .order_id = intent->id, .return_requested = true};
    return insert_charge(call, intent, &second);
}

struct adoption {
    struct call *call;
    const struct psp_intent *intent;
    struct order_word order;
    struct payment_row payment;
};

/* Whether the charge is the one that the order asked for. */
static bool is_orders_own(const struct adoption *adoption)
{
    const struct psp_intent *intent = adoption->intent;
    const struct order_word *order = &adoption->order;
    return (order->state == ORDER_STANDS || order->state == ORDER_UNDECIDED) && intent->amount == order->total &&
           str_equal_cstr(order->currency, intent->currency);
}

static int write_adoption(struct sql_tx *tx, void *argument)
{
    struct adoption *adoption = argument;
    struct call *call = adoption->call;
    const struct psp_intent *intent = adoption->intent;
    int error = find_told_payment(tx, call->arena, intent, &adoption->payment);
    if (error == 0) /* Written meanwhile. */
        return apply_intent(call, &adoption->payment, intent);
    if (error != ERR_NOT_FOUND)
        return error;
    bool is_own = is_orders_own(adoption);
    struct payment_row payment = {
        .tenant = intent->tenant.len > 0 ? intent->tenant : call->tenant,
        .order_id = is_own ? intent->reference : intent->id,
        .return_requested = !is_own,
    };
    /* The order goes on naming its payment as it did. */
    struct payment_row taken;
    if (is_own && find_payment(tx, call->arena, payment.tenant, adoption->order.payment_id, &taken) == ERR_NOT_FOUND)
        payment.id = adoption->order.payment_id;
    const char *kind = is_own ? "charge_without_payment" : "charge_without_order";
    TRY(write_finding(call, payment.tenant, kind, intent->id, is_own ? "adopted" : "returning"));
    TRY(insert_charge(call, intent, &payment));
    adoption->payment = payment;
    return 0;
}

int adopt_charge(struct call *call, const struct psp_intent *intent)
{
    struct adoption adoption = {.call = call, .intent = intent};
    if (intent->reference.len > 0 && intent->tenant.len > 0)
        TRY(ask_order(call, intent->tenant, intent->reference, &adoption.order));
    TRY(call_write(call, write_adoption, &adoption));
    if (intent->amount_refunded > 0)
        TRY(learn_charge(call, &adoption.payment, intent));
    if (!adoption.payment.return_requested)
        return 0;
    int error = give_back(call, adoption.payment.tenant, adoption.payment.order_id, &adoption.payment);
    if (error)
        log_warning(&call->log, "a charge could not be returned yet", LOG_STR("charge", intent->id), LOG_ERR(error));
    call->problem = (struct problem){0};
    return 0; /* finish_open sees to it. */
}
