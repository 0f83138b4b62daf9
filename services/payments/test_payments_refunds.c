/* Proves that money that is to go back goes back: once, whatever refuses its refund, sends it back later or says
 * nothing of it; that it is asked for again later and later; and that a client's own refund stays what it was answered.
 */
#include "services/payments/sql/payments.sql.h"
#include "services/payments/test_payments.h"

#define HOUR_MS (INT64_C(60) * 60 * 1000)

/* -- What goes wrong, and what is seen ----------------------------------------------------------------------------- */

static void at_provider(struct fixture *fixture, const char *faults)
{
    assert_int_equal(test_emulator_ask(&fixture->host, HTTP_POST, "/test/faults", faults, NULL).status, 200);
}

static void refuse_refunds(struct fixture *fixture, int count)
{
    at_provider(fixture,
                arena_printf(fixture->host.arena, "{\"errors\":%d,\"error_status\":400,\"path\":\"/refunds\"}", count));
}

struct count {
    const struct sql_statement *statement;
    int64_t value;
};

static int read_count(struct sql_tx *tx, void *argument)
{
    struct count *count = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    assert_int_equal(sql_query_row(tx, count->statement, SQL_NO_ARGS, &rows), 1);
    count->value = sql_get_int(rows, 0);
    return 0;
}

static int64_t count(struct fixture *fixture, const char *service, const struct sql_statement *statement)
{
    struct count count = {.statement = statement};
    assert_int_equal(sql_read(host_instance(fixture->host.host, service)->db, read_count, &count), 0);
    return count.value;
}

static const struct sql_statement refund_rows = {"test_count_refunds", "SELECT COUNT(*) FROM refunds"};
static const struct sql_statement alive_rows = {"test_count_alive",
                                                "SELECT COUNT(*) FROM refunds WHERE status <> 'failed'"};
static const struct sql_statement due_now = {"test_due_now", "UPDATE payments SET refund_due_ms = 1"};
static const struct sql_statement finding_rows = {"test_count_findings",
                                                  "SELECT COUNT(*) FROM reconciliation_findings"};

/* Tries to give the order's money back: the problem's code, or "" when it is back. */
static const char *try_return(struct fixture *fixture, const char *order_id)
{
    Payments__OrderPaymentRequest request = order_request(fixture, order_id);
    Payments__Payment payment;
    struct call *call = test_host_call(&fixture->host, "payments");
    payments_return_money_fn return_money;
    payments__payment__init(&payment);
    int error = return_money(call, &request, &payment);
    assert_true(error == 0 || error == ERR_UNAVAILABLE);
    return error == 0 ? "" : arena_cstr(fixture->host.arena, str_from_cstr(call->problem.code));
}

static const char *next_refund_at(struct fixture *fixture, const char *order_id)
{
    Payments__Payment payment;
    struct payment_row row = stored_payment(fixture, order_id);
    payments__payment__init(&payment);
    assert_int_equal(fill_payment(test_host_call(&fixture->host, "payments"), &row, &payment), 0);
    return payment.next_refund_at ? payment.next_refund_at : "";
}

/* -- Refused ------------------------------------------------------------------------------------------------------- */

static void test_payments_refunds__a_refused_return_is_asked_for_again(void **state)
{
    struct fixture *fixture = *state;
    place(fixture, "order-1", "cancelled");
    refuse_refunds(fixture, 2);
    Payments__Payment payment = captured(fixture, "order-1");
    await_status(fixture, "order-1", "refunded"); /* The job alone: the order is over. */
    assert_int_equal(refunded_at_provider(fixture, payment.provider_id), 4200);
    assert_string_equal(finding(fixture, "refund_failed", "order-1"), "returned");
    assert_string_equal(try_return(fixture, "order-1"), "");
    assert_string_equal(next_refund_at(fixture, "order-1"), "");
    assert_int_equal(count(fixture, "payments", &refund_rows), 3);
    assert_int_equal(count(fixture, "stripe_emulator", &refund_rows), 1);
    assert_ledger(fixture, 4);
}

/* Nobody asks before its time: not who wants the money back, and not the job. */
static void test_payments_refunds__a_refused_return_is_left_alone_for_a_while(void **state)
{
    struct fixture *fixture = *state;
    refuse_refunds(fixture, 1000);
    captured(fixture, "order-1");
    for (int i = 0; i < 3; i++)
        assert_string_equal(try_return(fixture, "order-1"), "refund_failed");
    for (int i = 0; i < 3; i++)
        assert_int_equal(finish_open(test_host_call(&fixture->host, "payments")), 0);
    assert_int_equal(count(fixture, "payments", &refund_rows), 1);
    assert_true(has_status(fixture, "order-1", "captured"));
    assert_string_equal(finding(fixture, "refund_failed", "order-1"), "returning");
    assert_int_equal(strlen(next_refund_at(fixture, "order-1")), strlen("2026-01-01T00:00:00.000Z"));
    assert_ledger(fixture, 2);
}

/* Twice as late each time, at most so late; the finding is one. */
static void test_payments_refunds__a_refused_return_is_asked_for_later_each_time(void **state)
{
    struct fixture *fixture = *state;
    static const int64_t hours[] = {1, 2, 4, 8, 12, 12};
    refuse_refunds(fixture, 1000);
    captured(fixture, "order-1");
    for (size_t i = 0; i < sizeof(hours) / sizeof(hours[0]); i++) {
        int64_t before_ms = clock_steady_ms();
        assert_string_equal(try_return(fixture, "order-1"), "refund_failed");
        int64_t due_ms = stored_payment(fixture, "order-1").refund_due_ms;
        assert_in_range(due_ms, before_ms + hours[i] * HOUR_MS, clock_steady_ms() + hours[i] * HOUR_MS);
        assert_int_equal(count(fixture, "payments", &refund_rows), i + 1);
        assert_int_equal(count(fixture, "payments", &alive_rows), 0);
        run(fixture, "payments", &due_now, SQL_NO_ARGS);
    }
    assert_int_equal(count(fixture, "payments", &finding_rows), 1);
    refuse_refunds(fixture, 0);
    assert_string_equal(try_return(fixture, "order-1"), "");
    assert_string_equal(finding(fixture, "refund_failed", "order-1"), "returned");
    assert_ledger(fixture, 4);
}

/* A time that no refund can wait for was written with the clock ahead. */
static void test_payments_refunds__a_time_from_a_wrong_clock_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    static const struct sql_statement ahead = {"test_far_ahead",
                                               "UPDATE payments SET refund_due_ms = refund_due_ms + 31536000000, "
                                               "check_due_ms = check_due_ms + 31536000000"};
    refuse_refunds(fixture, 1);
    captured(fixture, "order-1");
    assert_string_equal(try_return(fixture, "order-1"), "refund_failed");
    run(fixture, "payments", &ahead, SQL_NO_ARGS);
    await_status(fixture, "order-1", "refunded");
}

/* What is found is said to be returned when it is. */
static void test_payments_refunds__a_stray_charge_is_returned_when_it_is_back(void **state)
{
    struct fixture *fixture = *state;
    drop_webhooks(fixture);
    place(fixture, "order-1", "failed");
    refuse_refunds(fixture, 1000);
    const char *stray = charge(fixture, "order-1", 4200);
    assert_int_equal(run_reconcile(fixture), 0);
    assert_string_equal(finding(fixture, "charge_without_order", stray), "returning");
    assert_string_equal(finding(fixture, "refund_failed", stray), "returning");
    refuse_refunds(fixture, 0);
    await_status(fixture, stray, "refunded");
    assert_string_equal(finding(fixture, "charge_without_order", stray), "returned");
    assert_string_equal(finding(fixture, "refund_failed", stray), "returned");
    assert_int_equal(refunded_at_provider(fixture, stray), 4200);
    assert_ledger(fixture, 4);
}

/* -- Failed later -------------------------------------------------------------------------------------------------- */

/* An hour passes before it is asked for again: nothing moves between the steps. */
static void make_again(struct fixture *fixture, const Payments__Payment *payment)
{
    assert_true(has_status(fixture, "order-1", "captured"));
    assert_string_equal(finding(fixture, "refund_failed", "order-1"), "returning");
    assert_ledger(fixture, 6);
    run(fixture, "payments", &due_now, SQL_NO_ARGS);
    assert_string_equal(try_return(fixture, "order-1"), "");
    assert_true(has_status(fixture, "order-1", "refunded"));
    assert_string_equal(finding(fixture, "refund_failed", "order-1"), "returned");
    assert_int_equal(refunded_at_provider(fixture, payment->provider_id), 4200);
    assert_int_equal(count(fixture, "stripe_emulator", &alive_rows), 1);
    assert_ledger(fixture, 8);
}

static void test_payments_refunds__a_return_that_fails_later_is_made_again(void **state)
{
    struct fixture *fixture = *state;
    at_provider(fixture, "{\"refund_failures\":1,\"refund_turn_ms\":1}");
    Payments__Payment payment = captured(fixture, "order-1");
    try_return(fixture, "order-1"); /* By its end the bank may have sent it back. */
    await_refund(fixture, payment.provider_id, 0);
    await_status(fixture, "order-1", "captured");
    make_again(fixture, &payment);
}

/* Nobody tells of it: the provider's list is looked at again, an hour after the refund was made. */
static void test_payments_refunds__a_return_that_fails_unheard_is_learned(void **state)
{
    struct fixture *fixture = *state;
    static const struct sql_statement older = {"test_older_refunds",
                                               "UPDATE refunds SET created_ms = created_ms - 3660000"};
    drop_webhooks(fixture);
    at_provider(fixture, "{\"refund_failures\":1,\"refund_turn_ms\":1}");
    Payments__Payment payment = captured(fixture, "order-1");
    assert_string_equal(try_return(fixture, "order-1"), "");
    await_refund(fixture, payment.provider_id, 0);
    assert_int_equal(run_reconcile(fixture), 0);
    assert_true(has_status(fixture, "order-1", "refunded"));
    run(fixture, "stripe_emulator", &older, SQL_NO_ARGS);
    assert_int_equal(run_reconcile(fixture), 0);
    make_again(fixture, &payment);
}

/* One that was sent back unheard, and then all by hand at the provider: more than was captured, as long as the first is
 * booked. What the list says of the second makes the first be asked about. */
static void test_payments_refunds__one_that_failed_unheard_makes_room(void **state)
{
    struct fixture *fixture = *state;
    Payments__Refund refund;
    drop_webhooks(fixture);
    at_provider(fixture, "{\"refund_failures\":1,\"refund_turn_ms\":1}");
    place(fixture, "order-1", "confirmed");
    Payments__Payment payment = captured(fixture, "order-1");
    assert_int_equal(refund_part(fixture, payment.id, 1000, "key-1", &refund), 0);
    await_refund(fixture, payment.provider_id, 0);
    assert_int_equal(stored_payment(fixture, "order-1").refunded_amount, 1000);
    const char *all = arena_printf(fixture->host.arena, "payment_intent=%s", payment.provider_id);
    assert_int_equal(test_emulator_ask(&fixture->host, HTTP_POST, "/v1/refunds", all, NULL).status, 200);
    assert_int_equal(run_reconcile(fixture), 0);
    assert_int_equal(stored_payment(fixture, "order-1").refunded_amount, 4200);
    assert_true(has_status(fixture, "order-1", "refunded"));
    assert_ledger(fixture, 8);
}

/* -- Pending ------------------------------------------------------------------------------------------------------- */

/* The money is not back before the bank says so, and is asked for once. */
static void test_payments_refunds__a_pending_return_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    assert_int_equal(authorise(fixture, "order-1", "pm_card_pendingRefund", &payment), 0);
    assert_int_equal(capture(fixture, "order-1", &payment), 0);
    for (int i = 0; i < 3; i++)
        assert_string_equal(try_return(fixture, "order-1"), "refund_pending");
    assert_true(has_status(fixture, "order-1", "captured"));
    assert_ledger(fixture, 2);
    await_status(fixture, "order-1", "refunded");
    assert_string_equal(try_return(fixture, "order-1"), "");
    assert_int_equal(count(fixture, "stripe_emulator", &refund_rows), 1);
    assert_int_equal(count(fixture, "payments", &finding_rows), 0);
    assert_ledger(fixture, 4);
}

/* -- A client's own ------------------------------------------------------------------------------------------------ */

static void test_payments_refunds__a_clients_own_refund_is_not_asked_for_again(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment = captured(fixture, "order-1");
    Payments__Refund refund;
    refuse_refunds(fixture, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(refund_part(fixture, payment.id, 1000, "key-1", &refund), 0);
        assert_string_equal(refund.status, "failed");
    }
    assert_int_equal(count(fixture, "payments", &finding_rows), 0);
    at_provider(fixture, "{\"refund_failures\":1,\"refund_turn_ms\":1}");
    assert_int_equal(refund_part(fixture, payment.id, 1000, "key-2", &refund), 0);
    await_status(fixture, "order-1", "captured");
    assert_string_equal(finding(fixture, "refund_failed", refund.id), "reported");
    assert_int_equal(finish_open(test_host_call(&fixture->host, "payments")), 0);
    assert_int_equal(count(fixture, "payments", &alive_rows), 0);
    assert_int_equal(stored_payment(fixture, "order-1").refund_due_ms, 0);
    assert_ledger(fixture, 6);
}

/* A client's refund was under way when the order fell, and fails: what it would have given back is owed now. */
static void test_payments_refunds__what_a_clients_failed_refund_leaves_is_returned(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment = captured(fixture, "order-1");
    Payments__Refund refund;
    struct refund_row settled;
    set_fault(fixture, FAULT_FAIL, 0);
    assert_int_equal(refund_part(fixture, payment.id, 1200, "key-1", &refund), 0);
    assert_string_equal(refund.status, "pending");
    clear_faults(fixture);
    assert_string_equal(try_return(fixture, "order-1"), "refund_pending");
    assert_int_equal(stored_payment(fixture, "order-1").refunded_amount, 3000);
    refuse_refunds(fixture, 1);
    assert_int_equal(settle_refund(test_host_call(&fixture->host, "payments"), str_from_cstr(refund.id), &settled), 0);
    assert_true(str_equal_cstr(settled.status, "failed"));
    assert_string_equal(finding(fixture, "refund_failed", "order-1"), "returning");
    run(fixture, "payments", &due_now, SQL_NO_ARGS);
    assert_string_equal(try_return(fixture, "order-1"), "");
    assert_int_equal(refunded_at_provider(fixture, payment.provider_id), 4200);
    assert_ledger(fixture, 6);
}

/* An event of a refund of 1000 that was asked for under our id. */
static void tell_refund(struct fixture *fixture, const char *id, const char *intent_id, const char *our_id,
                        const char *status)
{
    const char *body = arena_printf(
        fixture->host.arena,
        "{\"id\":\"evt_%s\",\"type\":\"refund.updated\",\"data\":{\"object\":{\"object\":\"refund\",\"id\":\"%s\","
        "\"payment_intent\":\"%s\",\"status\":\"%s\",\"amount\":1000,\"currency\":\"eur\","
        "\"metadata\":{\"refund_id\":\"%s\"}}}}",
        id, id, intent_id, status, our_id);
    char signature[PSP_SIGNATURE_HEADER_MAX];
    assert_int_equal(
        psp_signature_write(STR(TEST_WEBHOOK_SECRET), clock_wall_ms() / 1000, str_from_cstr(body), signature), 0);
    const char *const headers[] = {"stripe-signature", signature, NULL};
    assert_int_equal(
        test_host_http(&fixture->host, HTTP_POST, "/api/payments/v1/webhooks/stripe", headers, body).status, 200);
}

/* The request was repeated on its way: refused at first, and done later. The provider has the money's last word. */
static void test_payments_refunds__one_that_was_refused_and_is_there_is_booked(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment = captured(fixture, "order-1");
    Payments__Refund refund;
    refuse_refunds(fixture, 1);
    assert_int_equal(refund_part(fixture, payment.id, 1000, "key-1", &refund), 0);
    assert_string_equal(refund.status, "failed");
    tell_refund(fixture, "re_late", payment.provider_id, refund.id, "succeeded");
    assert_int_equal(stored_payment(fixture, "order-1").refunded_amount, 1000);
    assert_string_equal(finding(fixture, "foreign_refund", "re_late"), "booked");
    assert_ledger(fixture, 4);
}

/* What was owed is back by another one, when it is heard that the refused one was made and sent back. */
static void test_payments_refunds__one_that_fails_late_opens_nothing(void **state)
{
    static const struct sql_statement named = {"test_name_refund", "UPDATE refunds SET id = 'refund-1'"};
    struct fixture *fixture = *state;
    Payments__Payment payment = captured(fixture, "order-1");
    refuse_refunds(fixture, 1);
    assert_string_equal(try_return(fixture, "order-1"), "refund_failed");
    run(fixture, "payments", &named, SQL_NO_ARGS);
    run(fixture, "payments", &due_now, SQL_NO_ARGS);
    assert_string_equal(try_return(fixture, "order-1"), "");
    tell_refund(fixture, "re_late", payment.provider_id, "refund-1", "failed");
    assert_string_equal(finding(fixture, "refund_failed", "order-1"), "returned");
    assert_int_equal(stored_payment(fixture, "order-1").refund_due_ms, 0);
    assert_ledger(fixture, 4);
}

struct refusal {
    struct call *call;
    const char *refund_id;
};

static int apply_refusal(struct sql_tx *tx, void *argument)
{
    static const struct psp_refund refusal = {.status = PSP_REFUND_FAILED, .amount = 1000};
    struct refusal *refused = argument;
    struct payment_row payment;
    struct refund_row refund;
    refused->call->tx = tx;
    TRY(find_refund(tx, refused->call->arena, &payments_sql_find_refund,
                    SQL_ARGS(sql_text(str_from_cstr(refused->refund_id))), &refund));
    TRY(find_payment(tx, refused->call->arena, refund.tenant, refund.payment_id, &payment));
    return apply_refund(refused->call, &payment, &refund, &refusal);
}

/* Two asked for it at a time: one was refused, and says so last. */
static void test_payments_refunds__one_that_is_there_is_not_refused_afterwards(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment = captured(fixture, "order-1");
    Payments__Refund refund;
    assert_int_equal(refund_part(fixture, payment.id, 1000, "key-1", &refund), 0);
    struct refusal refused = {test_host_call(&fixture->host, "payments"), refund.id};
    assert_int_equal(sql_write(host_instance(fixture->host.host, "payments")->db, apply_refusal, &refused), 0);
    assert_int_equal(stored_payment(fixture, "order-1").refunded_amount, 1000);
    assert_int_equal(count(fixture, "payments", &finding_rows), 0);
    assert_ledger(fixture, 4);
}

/* A refund was asked for anew when its key was forgotten; that the one before it failed takes nothing from it. */
static void test_payments_refunds__an_older_one_of_the_same_name_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment = captured(fixture, "order-1");
    Payments__Refund refund;
    assert_int_equal(refund_part(fixture, payment.id, 1000, "key-1", &refund), 0);
    tell_refund(fixture, "re_old", payment.provider_id, refund.id, "failed");
    assert_int_equal(stored_payment(fixture, "order-1").refunded_amount, 1000);
    assert_int_equal(count(fixture, "payments", &finding_rows), 0);
    assert_ledger(fixture, 4);
}

int main(void)
{
    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    const struct CMUnitTest tests[] = {
        HASTY(test_payments_refunds__a_refused_return_is_asked_for_again),
        PATIENT(test_payments_refunds__a_refused_return_is_left_alone_for_a_while),
        PATIENT(test_payments_refunds__a_refused_return_is_asked_for_later_each_time),
        PATIENT(test_payments_refunds__a_time_from_a_wrong_clock_is_not_waited_for),
        HASTY(test_payments_refunds__a_stray_charge_is_returned_when_it_is_back),
        PATIENT(test_payments_refunds__a_return_that_fails_later_is_made_again),
        PATIENT(test_payments_refunds__a_return_that_fails_unheard_is_learned),
        HASTY(test_payments_refunds__one_that_failed_unheard_makes_room),
        PATIENT(test_payments_refunds__a_pending_return_is_waited_for),
        PATIENT(test_payments_refunds__a_clients_own_refund_is_not_asked_for_again),
        PATIENT(test_payments_refunds__what_a_clients_failed_refund_leaves_is_returned),
        PATIENT(test_payments_refunds__one_that_was_refused_and_is_there_is_booked),
        PATIENT(test_payments_refunds__one_that_fails_late_opens_nothing),
        PATIENT(test_payments_refunds__one_that_is_there_is_not_refused_afterwards),
        PATIENT(test_payments_refunds__an_older_one_of_the_same_name_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
