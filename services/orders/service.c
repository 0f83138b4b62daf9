/* orders: carts, and orders from their placing to their end. */
#include "platform/base/config.h"
#include "platform/service/mail_worker.h"
#include "platform/service/host.h"
#include "platform/service/shop_settings.h"
#include "services/orders/migrations/migrations.h"
#include "services/orders/orders.h"

#include <stdlib.h>

enum { CONFIG_PAYMENT_TIMEOUT };

static const struct config_row config[] = {
    [CONFIG_PAYMENT_TIMEOUT] = {"SHOPSTREAM_PAYMENT_TIMEOUT_MS", CONFIG_INT, "900000", 100, 86400000,
                                "How long a customer may take to pay before the order fails, in milliseconds"},
    {0},
};

static int start(struct call *call, void **ret_state)
{
    struct orders_state *state = calloc(1, sizeof(*state));
    if (!state)
        return ERR_NO_MEMORY;
    state->currency = config_get_str(call->host->options.config, &shop_settings[SHOP_CURRENCY]);
    state->payment_timeout_ms = config_get_int(call->host->options.config, &config[CONFIG_PAYMENT_TIMEOUT]);
    *ret_state = state;
    return 0;
}

const struct service orders_service = {
    .name = "orders",
    .port = 3003,
    .help = "Carts and orders",
    .calls = (const char *const[]){"catalog", "payments", NULL},
    .routes =
        (const struct route[]){
            {"GET", "/v1/cart", RPC(orders, get_cart), .auth = AUTH_SHOPPER, .tx = TX_NONE,
             .summary = "The shopper's cart"},
            {"POST", "/v1/cart/items", RPC(orders, add_cart_item), .auth = AUTH_SHOPPER, .rate = RATE_WRITE,
             .tx = TX_NONE, .status = 201, .idempotent = true, .if_match = IF_MATCH_TAKEN,
             .summary = "Put an article into the cart"},
            {"PATCH", "/v1/cart/items/{id}", RPC(orders, update_cart_item), .auth = AUTH_SHOPPER, .rate = RATE_WRITE,
             .tx = TX_NONE, .idempotent = true, .if_match = IF_MATCH_TAKEN, .summary = "Change how many"},
            {"DELETE", "/v1/cart/items/{id}", RPC(orders, remove_cart_item), .auth = AUTH_SHOPPER, .rate = RATE_WRITE,
             .tx = TX_NONE, .idempotent = true, .if_match = IF_MATCH_TAKEN, .summary = "Take an article out"},
            {"GET", "/v1/shipping-methods", RPC(orders, list_shipping_methods), .auth = AUTH_ANYONE,
             .summary = "How an order can be sent to a country"},
            {"GET", "/v1/shipping-countries", RPC(orders, list_shipping_countries), .auth = AUTH_ANYONE, .tx = TX_NONE,
             .summary = "The countries that are delivered to"},
            {"POST", "/v1/orders", RPC(orders, create_order), .auth = AUTH_SHOPPER, .rate = RATE_CHECKOUT,
             .tx = TX_NONE, .status = 201, .idempotent = true, .key_required = true, .summary = "Place an order"},
            {"GET", "/v1/orders", RPC(orders, list_orders), .auth = AUTH_SHOPPER, .summary = "Orders, newest first"},
            {"GET", "/v1/orders/{id}", RPC(orders, get_order), .auth = AUTH_SHOPPER, .summary = "One order"},
            {"POST", "/v1/orders/{id}/cancel", RPC(orders, cancel_order), .auth = AUTH_SHOPPER, .rate = RATE_WRITE,
             .idempotent = true, .if_match = IF_MATCH_TAKEN,
             .summary = "Cancel before it is fulfilled; money and stock go back"},
            {"POST", "/v1/orders/{id}/fulfil", RPC(orders, fulfil_order), .auth = AUTH_STAFF, .rate = RATE_WRITE,
             .idempotent = true, .if_match = IF_MATCH_TAKEN, .summary = "It was sent"},
            {RPC(orders, check_order_access), .internal = true, .auth = AUTH_SERVICE, .tx = TX_READ},
            {RPC(orders, walk_orders), .internal = true, .auth = AUTH_SERVICE, .tx = TX_READ},
            {0},
        },
    .publishes = (const char *const[]){ORDERS_TOPIC, NULL},
    .consumes =
        (const struct consumer[]){
            {.topic = "payment.events",
             .group = "saga",
             .handler = orders_on_payment_event,
             .types = (const char *const[]){"payment.authorised", "payment.failed", "payment.refunded",
                                            "payment.refund_failed", "payment.voided", NULL}},
            {0},
        },
    .workflows = (const struct workflow_type *const[]){&place_order_workflow, &cancel_order_workflow,
                                                       &return_money_workflow, NULL},
    .workers = (const struct worker[]){MAIL_WORKER, {0}},
    .streams =
        (const struct stream_worker[]){
            {NOTIFICATIONS_STREAM, "mail", &orders__notification__descriptor, orders_send_notification},
            {0},
        },
    .migrations = orders_migrations,
    .migration_count = &orders_migration_count,
    .personal_data =
        (const struct personal_data[]){
            {"orders", "email, address_name, address_line1, address_line2, address_city, address_postal_code",
             "customer_id"},
            {0},
        },
    .config = config,
    .start = start,
    .stop = free,
};
