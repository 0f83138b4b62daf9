/* Telling customers how their order stands: a note on the stream "notifications" with the change itself, turned into a
 * mail a moment later, so that the change does not wait for its words. */
#include "platform/base/buf.h"
#include "platform/base/iso_code.h"
#include "platform/service/mail_worker.h"
#include "services/orders/orders.h"

#define LIST_BYTES_MAX (16u << 10)

int order_notify(struct call *call, const char *type, struct str id)
{
    Orders__Notification notification = ORDERS__NOTIFICATION__INIT;

    notification.order_id = arena_cstr(call->arena, id);
    notification.tenant = arena_cstr(call->arena, call->tenant);
    notification.type = arena_cstr(call->arena, str_from_cstr(type));
    if (!notification.order_id || !notification.tenant || !notification.type)
        return ERR_NO_MEMORY;
    return call_append(call, NOTIFICATIONS_STREAM, &notification.base);
}

static void append_money(struct buf *text, const Common__Money *money)
{
    char formatted[ISO_MONEY_BYTES];

    iso_money_format(money->amount, str_from_cstr(money->currency), formatted);
    buf_append_cstr(text, formatted);
}

static void append_lines(struct buf *text, const Orders__Order *order)
{
    for (size_t i = 0; i < order->n_lines; i++) {
        buf_printf(text, "  %lld x %s: ", (long long)order->lines[i]->quantity, order->lines[i]->title);
        append_money(text, order->lines[i]->line_total);
        buf_append_char(text, '\n');
    }
    buf_printf(text, "  %s: ", order->shipping->title);
    append_money(text, order->shipping->price);
    buf_append_cstr(text, "\n  Total: ");
    append_money(text, order->total);
    buf_append_char(text, '\n');
}

int orders_send_notification(struct call *call, const ProtobufCMessage *message)
{
    const Orders__Notification *notification = (const Orders__Notification *)message;
    CLEANUP(buf_free) struct buf list = BUF(LIST_BYTES_MAX);
    struct str type = str_from_cstr(notification->type);
    Orders__Order order;

    call->tenant = str_from_cstr(notification->tenant);
    TRY(order_load(call, str_from_cstr(notification->order_id), &order, NULL));
    append_lines(&list, &order);
    TRY(buf_error(&list));
    if (str_equal(type, STR("order.confirmed")))
        return mail_enqueue(call, "receipt", str_from_cstr(order.email), "Your order is confirmed",
                            "Thank you for your order %s.\n\n%.*s\nWe will write again when it is on its way.\n",
                            order.id, STR_FORMAT(buf_str(&list)));
    if (str_equal(type, STR("order.cancelled")))
        return mail_enqueue(call, "cancellation", str_from_cstr(order.email), "Your order is cancelled",
                            "Your order %s is cancelled. What you paid is on its way back to you.\n\n%.*s", order.id,
                            STR_FORMAT(buf_str(&list)));
    return mail_enqueue(call, "failure", str_from_cstr(order.email), "Your order could not be completed",
                        "Your order %s could not be completed: %s\n"
                        "You do not pay for it: what was taken goes back to you.\n\n%.*s",
                        order.id, order.failure ? order.failure->message : "", STR_FORMAT(buf_str(&list)));
}
