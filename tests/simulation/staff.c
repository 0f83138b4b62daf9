/* Staff: fulfils some of what is confirmed. */
#include "shopstream/orders/v1/orders.rpc.h"
#include "tests/simulation/simulation.h"

static int fulfil(struct call *call, void *argument)
{
    Orders__GetOrderRequest in = ORDERS__GET_ORDER_REQUEST__INIT;
    Orders__Order out = ORDERS__ORDER__INIT;
    in.id = argument;
    return orders_fulfil_order(call, &in, &out);
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
    }
}

void staff_start(struct simulation *sim)
{
    struct task *task;
    ASSERT(task_start(&task, "staff", work, sim) == 0);
}
