/* What the files of this service share. */
#pragma once

#include "platform/ports/workflow/workflow.h"
#include "platform/service/call.h"
#include "shopstream/orders/v1/orders.rpc.h"

#define ORDERS_TOPIC "order.lifecycle"
#define ORDER_LINES_MAX 100
#define ORDER_QUANTITY_MAX 10000
#define GUEST_TOKEN_BYTES 32

/* A reservation outlives the time to pay (3-D Secure included) by so much. */
#define RESERVATION_MARGIN_MS (30 * 60 * 1000)

struct orders_state {
    int64_t payment_timeout_ms;
    struct str currency; /* of orders that name none */
};

extern const struct workflow_type place_order_workflow;
extern const struct workflow_type cancel_order_workflow;
extern const struct workflow_type return_money_workflow;

/* -- store.c ------------------------------------------------------------------------------------------------------- */

/* What the order's row says beyond the message. */
struct order_owner {
    struct str customer_id;
    struct str guest_hash;
    bool cancel_requested;
};

/* Reads an order with its lines in the call's transaction. ERR_NOT_FOUND without setting a problem. ret_owner may be
 * NULL. */
int order_load(struct call *call, struct str id, Orders__Order *ret_order, struct order_owner *ret_owner);

/* Reads the order of the row that the rows stand on, without its lines. */
int order_from_row(struct call *call, struct sql_rows *rows, Orders__Order *ret_order, struct order_owner *ret_owner);
int order_load_lines(struct call *call, Orders__Order *order);

/* The order if the caller may see it: staff, its customer, or the guest with its token. Otherwise ERR_NOT_FOUND with
 * the call's problem: whether it exists is nobody else's business. */
int order_load_for_caller(struct call *call, struct str id, Orders__Order *ret_order, struct order_owner *ret_owner);

/* Publishes the order as it now stands, and answers whoever waits for it. */
int order_publish(struct call *call, const char *type, struct str id);

/* The same for an order that was just read. */
int order_publish_loaded(struct call *call, const char *type, const Orders__Order *order,
                         const struct order_owner *owner);

/* Greater than every id, for the first page of a list. */
#define ORDER_AFTER_EVERY_ID STR("~")

/* -- notify.c ------------------------------------------------------------------------------------------------------ */

#define NOTIFICATIONS_STREAM "notifications"

/* Has the customer told, in the running write transaction. */
int order_notify(struct call *call, const char *type, struct str id);

/* The stream's worker: writes the mail. */
int orders_send_notification(struct call *call, const ProtobufCMessage *message);

/* -- guest.c ------------------------------------------------------------------------------------------------------- */

/* SHA-256 of a guest's token in hex: what the store keeps of it. NULL when there is no room. */
char *guest_token_hash(struct call *call, struct str token);

/* A new token in the arena. */
char *guest_token_new(struct call *call);

/* -- money.c ------------------------------------------------------------------------------------------------------- */

/* A Money message in the arena; NULL when there is no room. */
Common__Money *money_new(struct arena *arena, int64_t amount, struct str currency);

/* price × quantity + *total into *total; ERR_TOO_LARGE beyond AMOUNT_MAX. */
#define AMOUNT_MAX INT64_C(99999999999)
int money_add(int64_t price, int64_t quantity, int64_t *total);

/* -- shipping.c ---------------------------------------------------------------------------------------------------- */

struct shipping_price {
    const char *id;
    const char *title;
    int64_t amount;
    int days_min, days_max;
};

#define SHIPPING_METHODS_MAX 4

/* The methods that go to a country (ISO 3166-1 alpha-2), the cheapest first; 0 when none does. ERR_INVALID with the
 * call's problem, at the pointer, when shipping has no price in the currency. */
int shipping_methods(struct call *call, struct str country, struct str currency, const char *pointer,
                     struct shipping_price ret_methods[SHIPPING_METHODS_MAX], size_t *ret_count);

/* -- Handlers ------------------------------------------------------------------------------------------------------ */

orders_get_cart_fn get_cart;
orders_add_cart_item_fn add_cart_item;
orders_update_cart_item_fn update_cart_item;
orders_remove_cart_item_fn remove_cart_item;
orders_list_shipping_methods_fn list_shipping_methods;
orders_list_shipping_countries_fn list_shipping_countries;
orders_create_order_fn create_order;
orders_get_order_fn get_order;
orders_list_orders_fn list_orders;
orders_cancel_order_fn cancel_order;
orders_fulfil_order_fn fulfil_order;
orders_check_order_access_fn check_order_access;
orders_walk_orders_fn walk_orders;

int orders_on_payment_event(struct call *call, const struct event *event);

/* A cart as it was when an order was made of it. */
struct ordered_cart {
    Orders__NewOrderItem **items;
    size_t count;
    const char *currency; /* NULL: none was named */
    struct str owner;     /* the key of the store's row */
    int64_t version;
};

/* The caller's cart of that id: the customer's, or that of the guest's token that came along, as the order of a
 * customer who has just signed in. Only what is in that one is ordered. ERR_NOT_FOUND with the call's problem when the
 * caller has none of that id, or an empty one. */
int cart_lines(struct call *call, struct str cart_id, struct ordered_cart *ret_cart);

/* Removes it in the transaction that places the order. ERR_CONFLICT with the call's problem when it is another version
 * by now, or gone: one cart becomes one order, and nothing that was put in meanwhile is lost. */
int cart_remove(struct call *call, const struct ordered_cart *cart);
