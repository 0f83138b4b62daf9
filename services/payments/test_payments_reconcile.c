/* Proves that orders, payments and the provider's charges are brought together again, whichever of them was lost. */
#include "services/payments/test_payments.h"

/* -- What is set up ------------------------------------------------------------------------------------------------ */

/* The orders service answers nobody, or does again. */
static void set_orders_away(struct fixture *fixture, bool is_away)
{
    static const struct sql_statement leave = {"test_leave", "ALTER TABLE orders RENAME TO orders_away"};
    static const struct sql_statement come = {"test_come", "ALTER TABLE orders_away RENAME TO orders"};
    run(fixture, "orders", is_away ? &leave : &come, SQL_NO_ARGS);
}

static void refund_at_provider(struct fixture *fixture, const char *intent_id, int64_t amount)
{
    const char *form = arena_printf(fixture->host.arena, "payment_intent=%s&amount=%" PRId64, intent_id, amount);
    assert_int_equal(test_emulator_ask(&fixture->host, HTTP_POST, "/v1/refunds", form, NULL).status, 200);
}

/* -- A charge whose payment is gone -------------------------------------------------------------------------------- */

/* The payments store was restored from a backup, or lost the row: the order stands, so its charge does. */
static void test_payments_reconcile__the_charge_of_a_standing_order_is_adopted(void **state)
{
    struct fixture *fixture = *state;
    drop_webhooks(fixture);
    place(fixture, "order-1", "confirmed");
    const char *intent_id = charge(fixture, "order-1", 4200);
    assert_int_equal(run_reconcile(fixture), 0);
    struct payment_row payment = stored_payment(fixture, "order-1");
    assert_true(str_equal_cstr(payment.id, "payment-of-order-1"));
    assert_true(str_equal_cstr(payment.provider_id, intent_id));
    assert_true(payment_is(&payment, "captured"));
    assert_int_equal(payment.captured_amount, 4200);
    assert_ledger(fixture, 2);
    assert_string_equal(finding(fixture, "charge_without_payment", intent_id), "adopted");
    assert_string_equal(finding(fixture, "charge_without_order", intent_id), "");
    assert_int_equal(refunded_at_provider(fixture, intent_id), 0);
    /* It is a payment as any other: the staff gives a part of it back. */
    Payments__Refund refund;
    assert_int_equal(refund_part(fixture, "payment-of-order-1", 1000, "key-1", &refund), 0);
    assert_string_equal(refund.status, "succeeded");
    assert_ledger(fixture, 4);
}

static void test_payments_reconcile__an_adopted_charge_brings_its_refunds(void **state)
{
    struct fixture *fixture = *state;
    drop_webhooks(fixture);
    place(fixture, "order-1", "fulfilled");
    const char *intent_id = charge(fixture, "order-1", 4200);
    refund_at_provider(fixture, intent_id, 1200);
    assert_int_equal(run_reconcile(fixture), 0);
    struct payment_row payment = stored_payment(fixture, "order-1");
    assert_true(payment_is(&payment, "partially_refunded"));
    assert_int_equal(payment.refunded_amount, 1200);
    assert_ledger(fixture, 4);
}

/* Neither kept nor given back before the orders service has said which. */
static void test_payments_reconcile__a_charge_waits_until_orders_can_be_asked(void **state)
{
    struct fixture *fixture = *state;
    drop_webhooks(fixture);
    place(fixture, "order-1", "confirmed");
    const char *intent_id = charge(fixture, "order-1", 4200);
    set_orders_away(fixture, true);
    assert_true(run_reconcile(fixture) < 0);
    assert_int_equal(refunded_at_provider(fixture, intent_id), 0);
    assert_ledger(fixture, 0);
    set_orders_away(fixture, false);
    assert_int_equal(run_reconcile(fixture), 0);
    assert_true(has_status(fixture, "order-1", "captured"));
    assert_int_equal(refunded_at_provider(fixture, intent_id), 0);
    assert_ledger(fixture, 2);
}

/* The order fell, or costs another amount than was charged: the money goes back, and is booked both ways. */
static void test_payments_reconcile__a_charge_that_is_not_its_orders_is_returned(void **state)
{
    struct fixture *fixture = *state;
    drop_webhooks(fixture);
    place(fixture, "order-1", "failed");
    place(fixture, "order-2", "confirmed");
    const char *fallen = charge(fixture, "order-1", 4200), *other = charge(fixture, "order-2", 4199);
    assert_int_equal(run_reconcile(fixture), 0);
    await_refund(fixture, fallen, 4200);
    await_refund(fixture, other, 4199);
    await_status(fixture, fallen, "refunded");
    await_status(fixture, other, "refunded");
    assert_string_equal(finding(fixture, "charge_without_order", fallen), "returned");
    assert_string_equal(finding(fixture, "charge_without_order", other), "returned");
    assert_ledger(fixture, 8);
}

/* -- A second charge ----------------------------------------------------------------------------------------------- */

/* Told by a webhook, or found in the list when that is lost: the customer gets the second one back, once, and keeps
 * what the first one paid for. */
static void check_second_charge(struct fixture *fixture)
{
    place(fixture, "order-1", "confirmed");
    Payments__Payment first = captured(fixture, "order-1");
    const char *second = charge(fixture, "order-1", 4200);
    await_refund(fixture, second, 4200);
    await_status(fixture, second, "refunded");
    assert_string_equal(finding(fixture, "second_charge", second), "returned");
    assert_true(has_status(fixture, "order-1", "captured"));
    assert_int_equal(refunded_at_provider(fixture, first.provider_id), 0);
    assert_int_equal(run_reconcile(fixture), 0);
    assert_ledger(fixture, 6);
}

static void test_payments_reconcile__a_second_charge_that_is_told_of_is_returned(void **state)
{
    check_second_charge(*state);
}

static void test_payments_reconcile__a_second_charge_that_is_found_is_returned(void **state)
{
    drop_webhooks(*state);
    check_second_charge(*state);
}

/* The refund's answer is lost, and asked for again by the same key: the money goes back once. */
static void test_payments_reconcile__a_second_charge_is_returned_once(void **state)
{
    struct fixture *fixture = *state;
    drop_webhooks(fixture);
    place(fixture, "order-1", "confirmed");
    captured(fixture, "order-1");
    const char *second = charge(fixture, "order-1", 4200);
    const struct fault_rule lost = {.port = FAULT_PSP, .call = "refund", .kind = FAULT_FAIL_AFTER, .fault_max = 3};
    assert_int_equal(fault_plan_set(fixture->host.faults, &lost, 1), 0);
    assert_int_equal(run_reconcile(fixture), 0);
    await_status(fixture, second, "refunded");
    assert_int_equal(refunded_at_provider(fixture, second), 4200);
    assert_ledger(fixture, 6);
}

/* -- Refunds made at the provider ---------------------------------------------------------------------------------- */

/* Made by hand on the provider's own page, and its webhook lost: learned from the provider's list, and booked. */
static void test_payments_reconcile__a_refund_that_nobody_told_of_is_learned(void **state)
{
    struct fixture *fixture = *state;
    drop_webhooks(fixture);
    place(fixture, "order-1", "confirmed");
    Payments__Payment payment = captured(fixture, "order-1");
    assert_int_equal(run_reconcile(fixture), 0); /* The charge is read, and behind the mark. */
    refund_at_provider(fixture, payment.provider_id, 1200);
    assert_int_equal(run_reconcile(fixture), 0);
    assert_int_equal(stored_payment(fixture, "order-1").refunded_amount, 1200);
    assert_true(has_status(fixture, "order-1", "partially_refunded"));
    assert_ledger(fixture, 4);
    refund_at_provider(fixture, payment.provider_id, 3000);
    assert_int_equal(run_reconcile(fixture), 0);
    assert_int_equal(run_reconcile(fixture), 0);
    assert_true(has_status(fixture, "order-1", "refunded"));
    assert_ledger(fixture, 6);
}

/* The order falls before anybody has heard of that refund: what is left goes back, and no more. */
static void test_payments_reconcile__what_went_back_unheard_is_not_returned_again(void **state)
{
    struct fixture *fixture = *state;
    drop_webhooks(fixture);
    Payments__Payment payment = captured(fixture, "order-1");
    refund_at_provider(fixture, payment.provider_id, 1200);
    assert_int_equal(return_all(fixture, "order-1", &payment), 0);
    assert_string_equal(payment.status, "refunded");
    assert_int_equal(payment.refunded->amount, 4200);
    assert_int_equal(refunded_at_provider(fixture, payment.provider_id), 4200);
    assert_ledger(fixture, 6);
}

/* More than a page of charges takes a run no more memory than a page does: a job has only so much. */
static void test_payments_reconcile__a_long_list_takes_the_memory_of_a_page(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    drop_webhooks(fixture);
    for (int i = 0; i <= PSP_LIST_MAX; i++)
        assert_int_equal(
            authorise(fixture, arena_printf(fixture->host.arena, "order-%03d", i), "pm_card_visa", &payment), 0);
    struct call *call = test_host_call(&fixture->host, "payments");
    size_t before = arena_used(call->arena);
    assert_int_equal(reconcile(call), 0);
    assert_in_range(arena_used(call->arena) - before, 0, 4096);
    assert_string_equal(finding(fixture, "charge_without_order", payment.provider_id), "");
}

/* -- Orders without a charge --------------------------------------------------------------------------------------- */

static int run_walk(struct fixture *fixture)
{
    return hold_orders(test_host_call(&fixture->host, "payments"));
}

/* Nothing at the provider, nothing taken there, or one that it does not know: each is found, once; what is paid, is
 * over or is not decided is not. */
static void test_payments_reconcile__an_order_without_a_charge_is_found(void **state)
{
    struct fixture *fixture = *state;
    static const struct sql_statement rename = {"test_rename_intent",
                                                "UPDATE payments SET provider_id = 'pi_of_nobody' WHERE order_id = $1"};
    drop_webhooks(fixture);
    static const char *const orders[][2] = {{"order-1", "confirmed"}, {"order-2", "fulfilled"},
                                            {"order-3", "confirmed"}, {"order-4", "confirmed"},
                                            {"order-5", "pending"},   {"order-6", "failed"}};
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
        place(fixture, orders[i][0], orders[i][1]);
    Payments__Payment payment;
    captured(fixture, "order-1");
    assert_int_equal(authorise(fixture, "order-3", "pm_card_visa", &payment), 0);
    run(fixture, "payments", &rename, SQL_ARGS(sql_cstr("order-3")));
    assert_int_equal(authorise(fixture, "order-4", "pm_card_visa", &payment), 0);
    for (int round = 0; round < 2; round++)
        assert_int_equal(run_walk(fixture), 0);
    assert_string_equal(finding(fixture, "order_without_charge", "order-1"), "");
    assert_string_equal(finding(fixture, "order_without_charge", "order-2"), "reported");
    assert_string_equal(finding(fixture, "order_without_charge", "order-3"), "reported");
    assert_string_equal(finding(fixture, "order_without_charge", "order-4"), "reported");
    assert_string_equal(finding(fixture, "order_without_charge", "order-5"), "");
    assert_string_equal(finding(fixture, "order_without_charge", "order-6"), "");
}

/* The provider has the charge, behind the mark of its list: it is the order's again, and no finding says otherwise. */
static void test_payments_reconcile__the_walk_adopts_the_charge_of_a_lost_row(void **state)
{
    struct fixture *fixture = *state;
    static const struct sql_statement read = {
        "test_all_read", "INSERT INTO reconciliation_marks (name, value) VALUES ('provider_list', 9000000000000)"};
    drop_webhooks(fixture);
    run(fixture, "payments", &read, SQL_NO_ARGS);
    place(fixture, "order-1", "confirmed");
    const char *intent_id = charge(fixture, "order-1", 4200);
    assert_int_equal(run_walk(fixture), 0);
    assert_true(has_status(fixture, "order-1", "captured"));
    assert_string_equal(finding(fixture, "charge_without_payment", intent_id), "adopted");
    assert_string_equal(finding(fixture, "order_without_charge", "order-1"), "");
    assert_ledger(fixture, 2);
}

/* More than a page in one run; the next goes on where it left off, past a provider that did not answer for a while, and
 * a new round begins a day later. */
static void test_payments_reconcile__the_walk_goes_on_where_it_was(void **state)
{
    struct fixture *fixture = *state;
    static const struct sql_statement yesterday = {
        "test_yesterday", "UPDATE reconciliation_marks SET value = value - 86400000 WHERE name = 'order_round'"};
    drop_webhooks(fixture);
    for (int i = 0; i < 101; i++)
        place(fixture, arena_printf(fixture->host.arena, "order-%03d", i), i == 100 ? "confirmed" : "failed");
    set_fault(fixture, FAULT_FAIL, 0);
    assert_true(run_walk(fixture) < 0);
    assert_string_equal(finding(fixture, "order_without_charge", "order-100"), "");
    clear_faults(fixture);
    assert_int_equal(run_walk(fixture), 0);
    assert_string_equal(finding(fixture, "order_without_charge", "order-100"), "reported");
    place(fixture, "order-000-late", "confirmed"); /* behind the cursor */
    assert_int_equal(run_walk(fixture), 0);
    assert_string_equal(finding(fixture, "order_without_charge", "order-000-late"), "");
    run(fixture, "payments", &yesterday, SQL_NO_ARGS);
    for (int round = 0; round < 2; round++)
        assert_int_equal(run_walk(fixture), 0);
    assert_string_equal(finding(fixture, "order_without_charge", "order-000-late"), "reported");
}

/* An order whose saga may be under way yet is left alone, and looked at when it is old enough. */
static void test_payments_reconcile__a_young_order_is_not_judged(void **state)
{
    struct fixture *fixture = *state;
    static const struct sql_statement older = {"test_older",
                                               "UPDATE orders SET created_at_ms = created_at_ms - 3600000"};
    drop_webhooks(fixture);
    place(fixture, "order-1", "confirmed");
    assert_int_equal(run_walk(fixture), 0);
    assert_string_equal(finding(fixture, "order_without_charge", "order-1"), "");
    run(fixture, "orders", &older, SQL_NO_ARGS);
    assert_int_equal(run_walk(fixture), 0);
    assert_string_equal(finding(fixture, "order_without_charge", "order-1"), "reported");
}

int main(void)
{
    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    const struct CMUnitTest tests[] = {
        HASTY(test_payments_reconcile__the_charge_of_a_standing_order_is_adopted),
        HASTY(test_payments_reconcile__an_adopted_charge_brings_its_refunds),
        HASTY(test_payments_reconcile__a_long_list_takes_the_memory_of_a_page),
        HASTY(test_payments_reconcile__a_charge_waits_until_orders_can_be_asked),
        HASTY(test_payments_reconcile__a_charge_that_is_not_its_orders_is_returned),
        HASTY(test_payments_reconcile__a_second_charge_that_is_told_of_is_returned),
        HASTY(test_payments_reconcile__a_second_charge_that_is_found_is_returned),
        HASTY(test_payments_reconcile__a_second_charge_is_returned_once),
        HASTY(test_payments_reconcile__a_refund_that_nobody_told_of_is_learned),
        PATIENT(test_payments_reconcile__what_went_back_unheard_is_not_returned_again),
        PATIENT(test_payments_reconcile__a_young_order_is_not_judged),
        HASTY(test_payments_reconcile__an_order_without_a_charge_is_found),
        HASTY(test_payments_reconcile__the_walk_adopts_the_charge_of_a_lost_row),
        HASTY(test_payments_reconcile__the_walk_goes_on_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
