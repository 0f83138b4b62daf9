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

static inline int run_statement(struct sql_tx *tx, void *argument)
{
    return sql_exec(tx, *(const struct sql_statement **)argument, SQL_NO_ARGS, NULL);
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

#define PATIENT(test) cmocka_unit_test_setup_teardown(test, start_patient, end)
#define HASTY(test) cmocka_unit_test_setup_teardown(test, start_hasty, end)
