/* Events of the logs, as they are told: to whom, and without what is nobody's business. */
#include "platform/wire/wire.h"
#include "services/realtime/realtime.h"
#include "shopstream/catalog/v1/catalog.rpc.h"
#include "shopstream/orders/v1/orders.rpc.h"
#include "shopstream/payments/v1/payments.rpc.h"

#define DATA_BYTES_MAX EVENT_PAYLOAD_BYTES_MAX

static int publish(struct call *call, enum realtime_source source, const struct event *event, struct hub_event *told)
{
    told->source = source;
    told->offset = event->offset;
    told->is_past = event->is_past;
    told->type = event->type;
    for (size_t i = 0; i < told->channel_count; i++)
        if (!told->channels[i].ptr || told->channels[i].len > CHANNEL_BYTES_MAX)
            return ERR_NO_MEMORY;
    return hub_publish(hub_of(call), told);
}

static int encode(struct call *call, const ProtobufCMessage *message, struct str *ret_data)
{
    CLEANUP(buf_free) struct buf data = BUF(DATA_BYTES_MAX);

    wire_to_json(message, &data);
    TRY(buf_error(&data));
    *ret_data = arena_copy(call->arena, buf_str(&data));
    return ret_data->ptr ? 0 : ERR_NO_MEMORY;
}

/* -- product.events ------------------------------------------------------------------------------------------------ */

/* What two changes of stock have in common when the later one says all that the earlier did. */
static struct str pace_key_of(struct call *call, const Catalog__ProductEvent *product)
{
    struct str key = STR("stock");

    for (size_t i = 0; i < product->n_stock; i++)
        key = str_from_cstr(arena_printf(call->arena, "%.*s %s", STR_FORMAT(key), product->stock[i]->sku_id));
    return key;
}

int tell_product_event(struct call *call, const struct event *event)
{
    struct hub_event told = {.data = event->payload, .channel_count = 1};

    told.channels[0] = channel_name(call, "product", event->key);
    if (str_equal(event->type, STR("product.stock_changed"))) {
        Catalog__ProductEvent product = CATALOG__PRODUCT_EVENT__INIT;

        TRY(wire_from_event(call->arena, event->payload, &product.base, &call->problem));
        told.pace_key = pace_key_of(call, &product);
    }
    return publish(call, SOURCE_CATALOG, event, &told);
}

/* -- order.lifecycle ----------------------------------------------------------------------------------------------- */

/* How the order stands; not whose it is, nor what is in it. */
int tell_order_event(struct call *call, const struct event *event)
{
    Orders__OrderEvent order = ORDERS__ORDER_EVENT__INIT;
    Realtime__OrderStatus shown = REALTIME__ORDER_STATUS__INIT;
    struct hub_event told = {.channel_count = 1};

    TRY(wire_from_event(call->arena, event->payload, &order.base, &call->problem));
    shown.order_id = order.order_id;
    shown.status = order.status;
    shown.has_version = order.has_version;
    shown.version = order.version;
    shown.failure = order.failure;
    TRY(encode(call, &shown.base, &told.data));
    told.channels[0] = channel_name(call, "order", event->key);
    if (order.customer_id)
        told.channels[told.channel_count++] = channel_name(call, "user", str_from_cstr(order.customer_id));
    return publish(call, SOURCE_ORDERS, event, &told);
}

/* -- payment.events ------------------------------------------------------------------------------------------------ */

int tell_payment_event(struct call *call, const struct event *event)
{
    Payments__PaymentEvent payment = PAYMENTS__PAYMENT_EVENT__INIT;
    Realtime__OrderStatus shown = REALTIME__ORDER_STATUS__INIT;
    struct hub_event told = {.channel_count = 1};

    TRY(wire_from_event(call->arena, event->payload, &payment.base, &call->problem));
    shown.order_id = payment.order_id;
    shown.status = payment.status;
    shown.failure = payment.failure;
    TRY(encode(call, &shown.base, &told.data));
    told.channels[0] = channel_name(call, "order", event->key);
    return publish(call, SOURCE_PAYMENTS, event, &told);
}
