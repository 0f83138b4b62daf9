/* A payments service in front of the emulator, over HTTP, for its tests; and what they ask of both. */
#pragma once

#include "platform/ports/clock/clock.h"
#include "platform/ports/fault.h"
#include "platform/ports/psp/psp_signature.h"
#include "services/payments/payments.h"
#include "services/payments/sql/ledger.sql.h"
#include "services/stripe_emulator/test_emulator.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define WAIT_MS 20000
#define POLL_MS 10

struct fixture {
    struct test_host host;
};

static char *patient_environment[] = {"SHOPSTREAM_STRIPE_SECRET_KEY=" TEST_SECRET_KEY,
                                      "SHOPSTREAM_STRIPE_WEBHOOK_SECRET=" TEST_WEBHOOK_SECRET,
                                      "SHOPSTREAM_RECONCILE_AGE_MS=3600000", NULL};
static char *hasty_environment[] = {"SHOPSTREAM_STRIPE_SECRET_KEY=" TEST_SECRET_KEY,
                                    "SHOPSTREAM_STRIPE_WEBHOOK_SECRET=" TEST_WEBHOOK_SECRET,
                                    "SHOPSTREAM_RECONCILE_AGE_MS=0", NULL};

static inline int start(void **state, char *const *environment)
{
    static const struct service *const services[] = {&catalog_service, &stripe_emulator_service, &payments_service,
                                                     &orders_service, NULL};
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->host.faults = fault_plan_new();
    test_emulator_start(&fixture->host, services, environment);
    *state = fixture;
    return 0;
}

static inline int start_patient(void **state)
{
    return start(state, patient_environment);
}

static inline int start_hasty(void **state)
{
    return start(state, hasty_environment);
}

static inline int end(void **state)
{
    struct fixture *fixture = *state;
    test_host_end(&fixture->host);
    fault_plan_free(fixture->host.faults);
    free(fixture);
    return 0;
}

/* What goes wrong from now on between the service and the provider, in at most fault_max calls (0: in all). */
static inline void set_fault(struct fixture *fixture, enum fault_kind kind, uint64_t fault_max)
{
    const struct fault_rule rule = {.port = FAULT_PSP, .kind = kind, .fault_max = fault_max};
    assert_int_equal(fault_plan_set(fixture->host.faults, &rule, 1), 0);
}

static inline void clear_faults(struct fixture *fixture)
{
    assert_int_equal(fault_plan_set(fixture->host.faults, NULL, 0), 0);
}

static inline int authorise(struct fixture *fixture, const char *order_id, const char *method,
                            Payments__Payment *ret_payment)
{
    Payments__AuthorisePaymentRequest request;
    Common__Money money;
    payments__authorise_payment_request__init(&request);
    payments__payment__init(ret_payment);
    common__money__init(&money);
    money.has_amount = true;
    money.amount = 4200;
    char currency[] = "EUR", url[] = "http://localhost:3000/orders/1";
    money.currency = currency;
    request.order_id = arena_cstr(fixture->host.arena, str_from_cstr(order_id));
    request.amount = &money;
    request.payment_method = arena_cstr(fixture->host.arena, str_from_cstr(method));
    request.return_url = url;
    return payments_authorise_payment(test_host_call(&fixture->host, "orders"), &request, ret_payment);
}

static inline Payments__OrderPaymentRequest order_request(struct fixture *fixture, const char *order_id)
{
    Payments__OrderPaymentRequest request;
    payments__order_payment_request__init(&request);
    request.order_id = arena_cstr(fixture->host.arena, str_from_cstr(order_id));
    return request;
}

static inline int capture(struct fixture *fixture, const char *order_id, Payments__Payment *ret_payment)
{
    Payments__OrderPaymentRequest request = order_request(fixture, order_id);
    payments__payment__init(ret_payment);
    return payments_capture_payment(test_host_call(&fixture->host, "orders"), &request, ret_payment);
}

static inline int return_all(struct fixture *fixture, const char *order_id, Payments__Payment *ret_payment)
{
    Payments__OrderPaymentRequest request = order_request(fixture, order_id);
    payments__payment__init(ret_payment);
    return payments_return_money(test_host_call(&fixture->host, "orders"), &request, ret_payment);
}

static inline Payments__Payment captured(struct fixture *fixture, const char *order_id)
{
    Payments__Payment payment;
    assert_int_equal(authorise(fixture, order_id, "pm_card_visa", &payment), 0);
    assert_int_equal(capture(fixture, order_id, &payment), 0);
    return payment;
}

/* -- What the database and the provider say ------------------------------------------------------------------------ */

struct ledger_sum {
    int64_t difference, entries;
};

static inline int read_ledger(struct sql_tx *tx, void *argument)
{
    struct ledger_sum *sum = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *difference = NULL;
    assert_int_equal(sql_query_row(tx, &payments_sql_sum_ledger, SQL_NO_ARGS, &difference), 1);
    sum->difference = sql_get_int(difference, 0);
    static const struct sql_statement count = {"test_count_entries", "SELECT COUNT(*) FROM ledger_entries"};
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    assert_int_equal(sql_query_row(tx, &count, SQL_NO_ARGS, &rows), 1);
    sum->entries = sql_get_int(rows, 0);
    return 0;
}

static inline void assert_ledger(struct fixture *fixture, int64_t entries)
{
    struct ledger_sum sum = {0};
    assert_int_equal(sql_read(host_instance(fixture->host.host, "payments")->db, read_ledger, &sum), 0);
    assert_int_equal(sum.difference, 0);
    assert_int_equal(sum.entries, entries);
}

static inline int count_intents(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement count = {"test_count_intents", "SELECT COUNT(*) FROM payment_intents"};
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    assert_int_equal(sql_query_row(tx, &count, SQL_NO_ARGS, &rows), 1);
    *(int64_t *)argument = sql_get_int(rows, 0);
    return 0;
}

static inline void assert_intents(struct fixture *fixture, int64_t expected)
{
    int64_t count = -1;
    assert_int_equal(sql_read(host_instance(fixture->host.host, "stripe_emulator")->db, count_intents, &count), 0);
    assert_int_equal(count, expected);
}

static inline const char *provider_status(struct fixture *fixture, const char *intent_id)
{
    const char *path = arena_printf(fixture->host.arena, "/v1/payment_intents/%s", intent_id);
    return test_emulator_member(&fixture->host, test_emulator_ask(&fixture->host, HTTP_GET, path, NULL, NULL).body,
                                "status");
}

struct stored {
    struct fixture *fixture;
    const char *order_id;
    struct payment_row row;
};

static inline int read_stored(struct sql_tx *tx, void *argument)
{
    struct stored *stored = argument;
    return find_payment_by_order(tx, stored->fixture->host.arena, STR(TENANT_DEFAULT), str_from_cstr(stored->order_id),
                                 &stored->row);
}

static inline struct payment_row stored_payment(struct fixture *fixture, const char *order_id)
{
    struct stored stored = {.fixture = fixture, .order_id = order_id};
    assert_int_equal(sql_read(host_instance(fixture->host.host, "payments")->db, read_stored, &stored), 0);
    return stored.row;
}

static inline bool has_status(struct fixture *fixture, const char *order_id, const char *status)
{
    return payment_is(&(struct payment_row){.status = stored_payment(fixture, order_id).status}, status);
}

/* Waits until the payment has the status. */
static inline void await_status(struct fixture *fixture, const char *order_id, const char *status)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MS * CLOCK_NS_PER_MS;
    while (!has_status(fixture, order_id, status)) {
        if (clock_monotonic_ns() > deadline_ns)
            fail_msg("order %s is still %.*s, not %s", order_id, STR_FORMAT(stored_payment(fixture, order_id).status),
                     status);
        task_sleep_ms(POLL_MS);
    }
}

static inline int refund_part(struct fixture *fixture, const char *payment_id, int64_t amount, const char *key,
                              Payments__Refund *ret_refund)
{
    Payments__CreateRefundRequest request;
    payments__create_refund_request__init(&request);
    payments__refund__init(ret_refund);
    request.id = arena_cstr(fixture->host.arena, str_from_cstr(payment_id));
    request.has_amount = amount > 0;
    request.amount = amount;
    /* The handler itself: what is around it is platform/service's to test. */
    struct call *call = test_host_call(&fixture->host, "payments");
    call->idempotency_key = str_from_cstr(key);
    payments_create_refund_fn create_refund;
    return create_refund(call, &request, ret_refund);
}

/* Nothing is heard from the provider but what it is asked. */
static inline void drop_webhooks(struct fixture *fixture)
{
    assert_int_equal(
        test_emulator_ask(&fixture->host, HTTP_POST, "/test/faults", "{\"webhook_drop\":1000}", NULL).status, 200);
}

struct statement {
    const struct sql_statement *statement;
    struct sql_args args;
};

static inline int execute(struct sql_tx *tx, void *argument)
{
    struct statement *statement = argument;
    return sql_exec(tx, statement->statement, statement->args, NULL);
}

static inline void run(struct fixture *fixture, const char *service, const struct sql_statement *statement,
                       struct sql_args args)
{
    assert_int_equal(
        sql_write(host_instance(fixture->host.host, service)->db, execute, &(struct statement){statement, args}), 0);
}

/* An order as the orders service keeps it, without the saga that leads there. It names its payment "payment-of-ID". */
static inline void place(struct fixture *fixture, const char *order_id, const char *status)
{
    static const struct sql_statement insert = {
        "test_insert_order",
        "INSERT INTO orders (tenant, id, email, status, currency, total, shipping_method, shipping_title, "
        "shipping_price, address_name, address_line1, address_city, address_postal_code, address_country, payment_id, "
        "created_at_ms) VALUES ($1, $2, 'a@example.com', $3, 'EUR', 4200, 'standard', 'Standard', 0, 'Ann', 'Street', "
        "'City', '1010', 'AT', $4, $5)"};
    run(fixture, "orders", &insert,
        SQL_ARGS(sql_cstr(TENANT_DEFAULT), sql_cstr(order_id), sql_cstr(status),
                 sql_cstr(arena_printf(fixture->host.arena, "payment-of-%s", order_id)),
                 sql_int(clock_wall_ms() - 60000)));
}

/* A charge that the provider took for the order, of which no payment was written. */
static inline const char *charge(struct fixture *fixture, const char *order_id, int64_t amount)
{
    const char *form = arena_printf(fixture->host.arena,
                                    "amount=%" PRId64 "&currency=eur&payment_method=pm_card_visa&confirm=true&"
                                    "metadata[order_id]=%s&metadata[tenant]=default",
                                    amount, order_id);
    struct str intent = test_emulator_ask(&fixture->host, HTTP_POST, "/v1/payment_intents", form, NULL).body;
    return test_emulator_member(&fixture->host, intent, "id");
}

static inline int64_t refunded_at_provider(struct fixture *fixture, const char *intent_id)
{
    const char *path = arena_printf(fixture->host.arena, "/v1/charges?payment_intent=%s", intent_id);
    struct str charges = test_emulator_ask(&fixture->host, HTTP_GET, path, NULL, NULL).body;
    return atoll(test_emulator_member(&fixture->host, charges, "amount_refunded"));
}

static inline void await_refund(struct fixture *fixture, const char *intent_id, int64_t amount)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MS * CLOCK_NS_PER_MS;
    while (refunded_at_provider(fixture, intent_id) != amount) {
        if (clock_monotonic_ns() > deadline_ns)
            fail_msg("of %s is %" PRId64 " refunded", intent_id, refunded_at_provider(fixture, intent_id));
        task_sleep_ms(POLL_MS);
    }
}

struct sought {
    const char *kind, *reference;
    char action[32];
    int64_t count;
};

static inline int seek(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement find = {"test_find_finding",
                                              "SELECT action FROM reconciliation_findings WHERE kind = $1 AND "
                                              "reference = $2"};
    struct sought *sought = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    sought->count = sql_query_row(tx, &find, SQL_ARGS(sql_cstr(sought->kind), sql_cstr(sought->reference)), &rows);
    if (sought->count == 1)
        snprintf(sought->action, sizeof(sought->action), "%.*s", STR_FORMAT(sql_get_text(rows, 0)));
    return sought->count < 0 ? -1 : 0;
}

/* What was done about it; empty when it was not found. */
static inline const char *finding(struct fixture *fixture, const char *kind, const char *reference)
{
    struct sought sought = {.kind = kind, .reference = reference};
    assert_int_equal(sql_read(host_instance(fixture->host.host, "payments")->db, seek, &sought), 0);
    return arena_cstr(fixture->host.arena, str_from_cstr(sought.action));
}

static inline int run_reconcile(struct fixture *fixture)
{
    return reconcile(test_host_call(&fixture->host, "payments"));
}

#define PATIENT(test) cmocka_unit_test_setup_teardown(test, start_patient, end)
#define HASTY(test) cmocka_unit_test_setup_teardown(test, start_hasty, end)
