/* Money: authorised, captured, given back, and booked. */
#include "platform/ports/psp/psp_config.h"
#include "services/payments/handlers.h"
#include "services/payments/migrations/migrations.h"

#define FINISH_OPEN_MS 1000
#define RECONCILE_MS (INT64_C(15) * 1000)
#define HOLD_ORDERS_MS (INT64_C(10) * 1000)

const struct service payments_service = {
    .name = "payments",
    .port = 3004,
    .help = "authorises, captures and returns money, and keeps the ledger",
    .calls = (const char *const[]){"orders", NULL},
    .routes =
        (const struct route[]){
            /* The steps of the order's saga: the provider is asked outside of transactions. */
            {RPC(payments, authorise_payment), .internal = true, .auth = AUTH_SERVICE, .tx = TX_NONE},
            {RPC(payments, capture_payment), .internal = true, .auth = AUTH_SERVICE, .tx = TX_NONE},
            {RPC(payments, return_money), .internal = true, .auth = AUTH_SERVICE, .tx = TX_NONE},
            /* For pages. */
            {RPC(payments, get_card_field), .internal = true, .auth = AUTH_SERVICE, .tx = TX_NONE},

            {"GET", "/v1/payments/{id}", RPC(payments, get_payment), .auth = AUTH_STAFF, .summary = "One payment"},
            {"POST", "/v1/payments/{id}/refunds", RPC(payments, create_refund), .auth = AUTH_SUPPORT,
             .rate = RATE_WRITE, .tx = TX_NONE, .status = 201, .idempotent = true, .if_match = IF_MATCH_TAKEN,
             .summary = "Give back a part of a payment, or all that is left of it"},
            {"GET", "/v1/ledger", RPC(payments, list_ledger), .auth = AUTH_ADMIN,
             .summary = "The books, oldest entry first"},
            {"GET", "/v1/findings", RPC(payments, list_findings), .auth = AUTH_ADMIN,
             .summary = "What the reconciliation found, newest first"},
            {"POST", "/v1/webhooks/stripe", RAW(receive_webhook), .auth = AUTH_ANYONE, .rate = RATE_NONE, .tx = TX_NONE,
             .summary = "Events of the payment provider, signed by it"},
            {0},
        },
    .publishes = (const char *const[]){PAYMENTS_TOPIC, NULL},
    .consumes =
        (const struct consumer[]){
            {.topic = "order.lifecycle",
             .group = "payments.orders",
             .types = (const char *const[]){"order.confirmed", "order.failed", "order.cancelled", NULL},
             .handler = on_order_event},
            {0},
        },
    .jobs =
        (const struct job[]){
            {"finish_open", FINISH_OPEN_MS, finish_open},
            {"reconcile", RECONCILE_MS, reconcile},
            {"hold_orders", HOLD_ORDERS_MS, hold_orders},
            {0},
        },
    .migrations = payments_migrations,
    .migration_count = &payments_migration_count,
    .config = psp_config,
    .check = psp_config_check,
    /* Orders and amounts are the shop's books, kept as the law asks; who the customer is, the orders service knows. */
    .personal_data = (const struct personal_data[]){{0}},
    .start = payments_start,
    .stop = payments_stop,
};
