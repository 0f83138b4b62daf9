/* Staff: fulfils some of what is confirmed, and gives the money of some of that back. */
#include "shopstream/orders/v1/orders.rpc.h"
#include "shopstream/payments/v1/payments.rpc.h"
#include "tests/simulation/simulation.h"

#define REFUND_TRIES_MAX 20

static int fulfil(struct call *call, void *argument)
{
    Orders__GetOrderRequest in = ORDERS__GET_ORDER_REQUEST__INIT;
    Orders__Order out = ORDERS__ORDER__INIT;
    in.id = argument;
    return orders_fulfil_order(call, &in, &out);
}

/* The same key for each try: one refund, however often it is asked for. */
static int refund(struct call *call, void *argument)
{
    Payments__CreateRefundRequest in = PAYMENTS__CREATE_REFUND_REQUEST__INIT;
    Payments__Refund out = PAYMENTS__REFUND__INIT;
    struct purchase *purchase = argument;
    in.id = purchase->payment_id;
    call->idempotency_key = str_from_cstr(purchase->key);
    return payments_create_refund(call, &in, &out);
}

static void insist_on_refund(struct purchase *purchase)
{
    for (int i = 0; i < REFUND_TRIES_MAX; i++) {
        int result = shop_call("payments", refund, purchase);
        note("staff refunds order %s: %s", purchase->order_id, error_name(result));
        if (result >= 0)
            return;
        if (!error_is_retriable(result))
            violated("a fulfilled order can be refunded", "order %s, payment %s: %s", purchase->order_id,
                     purchase->payment_id, error_name(result));
        sleep_between_ms(100, 2000);
    }
}

static void work(void *argument)
{
    struct simulation *sim = argument;
    while (sim->shoppers_left > 0) {
        sleep_between_ms(500, 5000);
        struct purchase *purchase = &sim->purchases[simulator_random_below(PURCHASES_MAX)];
        if (strcmp(purchase->status, "confirmed") != 0)
            continue;
        int result = shop_call("orders", fulfil, purchase->order_id);
        if (result < 0 && result != ERR_CONFLICT && !error_is_retriable(result))
            violated("a confirmed order can be fulfilled", "order %s: %s", purchase->order_id, error_name(result));
        if (result >= 0 && purchase->payment_id[0] && random_permille(400))
            insist_on_refund(purchase);
    }
}

void staff_start(struct simulation *sim)
{
    struct task *task;
    ASSERT(task_start(&task, "staff", work, sim) == 0);
}
