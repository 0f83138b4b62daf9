/* Stripe in test mode, for a shop that runs by itself: what README.md says. */
#include "services/stripe_emulator/emulator.h"

#include "platform/net/server.h"
#include "platform/ports/clock/clock.h"
#include "platform/service/host.h"
#include "services/stripe_emulator/migrations/migrations.h"
#include "services/stripe_emulator/sql/delivery.sql.h"

#include <stdio.h>
#include <stdlib.h>

#define EMULATOR_PORT 3011
#define SHOP_ENDPOINT_ID "we_shop"
#define SHOP_ENDPOINT_EVENTS                                                                                           \
    "payment_intent.amount_capturable_updated,payment_intent.succeeded,payment_intent.payment_failed,"                 \
    "payment_intent.requires_action,payment_intent.canceled,refund.created,refund.updated,refund.failed"
#define PURGE_ROWS_MAX 1000
#define PURGE_INTERVAL_MS (INT64_C(60) * 1000)
#define TURN_REFUNDS_MS 500

/* The endpoint that is always there: the payments service of this shop. Its address is known when the shop listens; the
 * deliverer then fills it in for EMULATOR_SHOP_URL. */
static int write_shop_endpoint(struct sql_tx *tx, void *argument)
{
    const struct psp_secrets *secrets = argument;
    return sql_exec(tx, &stripe_emulator_sql_insert_endpoint,
                    SQL_ARGS(sql_cstr(SHOP_ENDPOINT_ID), sql_cstr(EMULATOR_SHOP_URL),
                             sql_text(secret_bytes(secrets->webhook_secret)), sql_cstr(SHOP_ENDPOINT_EVENTS),
                             sql_int(clock_wall_ms())),
                    NULL);
}

static void stop(void *state)
{
    struct emulator *emulator = state;
    if (!emulator)
        return;
    deliverer_stop(emulator->deliverer);
    secret_free(emulator->secret_key);
    task_mutex_destroy(&emulator->mutex);
    free(emulator);
}

static int start(struct call *call, void **ret_state)
{
    struct service_host *host = call->host;
    struct emulator *emulator = calloc(1, sizeof(*emulator));
    if (!emulator)
        return ERR_NO_MEMORY;
    emulator->db = call->db;
    emulator->host = host;
    task_mutex_init(&emulator->mutex);
    snprintf(emulator->base_url, sizeof(emulator->base_url), "http://127.0.0.1:%d", EMULATOR_PORT);
    struct psp_secrets secrets = {0};
    char message[512];
    int error = psp_secrets_open(host->options.config, host->options.sql_vfs ? NULL : host->options.data_path, &secrets,
                                 message);
    if (error)
        call_fail(call, error, "secrets", NULL, "%s", message);
    else
        error = sql_write(call->db, write_shop_endpoint, &secrets);
    emulator->secret_key = secrets.secret_key;
    secrets.secret_key = NULL;
    memcpy(emulator->publishable_key, secrets.publishable_key, sizeof(emulator->publishable_key));
    psp_secrets_free(&secrets);
    if (!error && host->http_client)
        error = deliverer_start(emulator, host->http_client, &emulator->deliverer);
    if (error) {
        stop(emulator);
        return error;
    }
    *ret_state = emulator;
    return 0;
}

static int purge_rows(struct sql_tx *tx, void *argument)
{
    int64_t now_ms = *(const int64_t *)argument;
    TRY(sql_exec(tx, &stripe_emulator_sql_delete_old_request_keys,
                 SQL_ARGS(sql_int(now_ms - EMULATOR_KEY_LIFETIME_MS), sql_int(PURGE_ROWS_MAX)), NULL));
    return sql_exec(tx, &stripe_emulator_sql_delete_old_events,
                    SQL_ARGS(sql_int(now_ms - EMULATOR_EVENT_LIFETIME_MS), sql_int(PURGE_ROWS_MAX)), NULL);
}

/* Forgets keys after a day and events after thirty, as Stripe does. */
static int purge(struct call *call)
{
    int64_t now_ms = clock_steady_ms();
    return sql_write(call->db, purge_rows, &now_ms);
}

#define API(method_name, path_text, function)                                                                          \
    {                                                                                                                  \
        method_name, path_text, RAW(function##_route), .auth = AUTH_ANYONE, .rate = RATE_NONE, .tx = TX_NONE           \
    }

const struct service stripe_emulator_service = {
    .name = "stripe_emulator",
    .port = EMULATOR_PORT,
    .help = "stands in for Stripe's test mode, on a loopback port of its own",
    .own_listener = true,
    .loopback_only = true,
    .no_prefix = true,
    .routes =
        (const struct route[]){
            API("POST", "/v1/payment_intents", create_intent),
            API("GET", "/v1/payment_intents", list_intents),
            API("GET", "/v1/payment_intents/{id}", retrieve_intent),
            API("POST", "/v1/payment_intents/{id}", update_intent),
            API("POST", "/v1/payment_intents/{id}/confirm", confirm_intent),
            API("POST", "/v1/payment_intents/{id}/capture", capture_intent),
            API("POST", "/v1/payment_intents/{id}/cancel", cancel_intent),
            API("POST", "/v1/refunds", create_refund),
            API("GET", "/v1/refunds", list_refunds),
            API("GET", "/v1/refunds/{id}", retrieve_refund),
            API("GET", "/v1/charges", list_charges),
            API("GET", "/v1/charges/{id}", retrieve_charge),
            API("GET", "/v1/balance", retrieve_balance),
            API("POST", "/v1/payment_methods", create_method),
            API("OPTIONS", "/v1/payment_methods", allow_origins),
            API("GET", "/v1/payment_methods/{id}", retrieve_method),
            API("POST", "/v1/payment_methods/{id}/attach", attach_method),
            API("POST", "/v1/customers", create_customer),
            API("GET", "/v1/customers/{id}", retrieve_customer),
            API("DELETE", "/v1/customers/{id}", delete_customer),
            API("GET", "/v1/events", list_events),
            API("GET", "/v1/events/{id}", retrieve_event),
            API("POST", "/v1/webhook_endpoints", create_endpoint),
            API("GET", "/v1/webhook_endpoints", list_endpoints),
            API("DELETE", "/v1/webhook_endpoints/{id}", delete_endpoint),

            API("GET", "/card-field", card_field),
            API("GET", "/card_field.js", card_field_script),
            API("GET", "/pages.css", style),
            API("GET", "/challenge/{id}", challenge_page),
            API("POST", "/challenge/{id}", challenge_submit),

            API("GET", "/test/faults", get_faults),
            API("POST", "/test/faults", set_faults),
            API("DELETE", "/test/faults", clear_faults),
            {0},
        },
    .jobs =
        (const struct job[]){
            {"purge", PURGE_INTERVAL_MS, purge},
            {"turn_refunds", TURN_REFUNDS_MS, turn_refunds},
            {0},
        },
    .migrations = stripe_emulator_migrations,
    .migration_count = &stripe_emulator_migration_count,
    .personal_data =
        (const struct personal_data[]){
            {"customers", "email, name, description, metadata", "id"},
            {0},
        },
    .start = start,
    .stop = stop,
};
