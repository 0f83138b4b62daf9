/* Proves that money is taken once, given back when it must be, and booked; in front of the emulator, over HTTP. */
#include "services/payments/sql/payments.sql.h"
#include "services/payments/test_payments.h"

/* -- Authorise, capture -------------------------------------------------------------------------------------------- */

static void test_payments__authorising_twice_charges_once(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment first, second;
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &first), 0);
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &second), 0);
    assert_string_equal(first.status, "authorised");
    assert_string_equal(first.id, second.id);
    assert_string_equal(first.provider_id, second.provider_id);
    assert_intents(fixture, 1);
    assert_ledger(fixture, 0); /* Held money is not booked. */
}

static void test_payments__capture_books_once(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment = captured(fixture, "order-1");
    assert_string_equal(payment.status, "captured");
    assert_string_equal(provider_status(fixture, payment.provider_id), "succeeded");
    assert_int_equal(capture(fixture, "order-1", &payment), 0);
    assert_ledger(fixture, 2);
}

static void test_payments__a_declined_card_is_an_answer_with_its_reason(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    assert_int_equal(authorise(fixture, "order-1", "pm_card_chargeDeclinedInsufficientFunds", &payment), 0);
    assert_string_equal(payment.status, "failed");
    assert_string_equal(payment.failure->code, "insufficient_funds");
    assert_int_equal(capture(fixture, "order-1", &payment), ERR_CONFLICT);
    assert_int_equal(authorise(fixture, "order-2", "pm_card_of_nobody", &payment), 0);
    assert_string_equal(payment.status, "failed");
    assert_string_equal(payment.failure->code, "resource_missing");
}

static void test_payments__another_amount_for_the_order_is_refused(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &payment), 0);
    Payments__AuthorisePaymentRequest request;
    Common__Money money;
    payments__authorise_payment_request__init(&request);
    common__money__init(&money);
    char order_id[] = "order-1", method[] = "pm_card_visa", currency[] = "EUR";
    money.has_amount = true;
    money.amount = 1;
    money.currency = currency;
    request.order_id = order_id;
    request.amount = &money;
    request.payment_method = method;
    assert_int_equal(payments_authorise_payment(test_host_call(&fixture->host, "orders"), &request, &payment),
                     ERR_UNPROCESSABLE);
}

/* -- Giving back --------------------------------------------------------------------------------------------------- */

static void test_payments__what_is_held_is_voided(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &payment), 0);
    assert_int_equal(return_all(fixture, "order-1", &payment), 0);
    assert_string_equal(payment.status, "voided");
    assert_string_equal(provider_status(fixture, payment.provider_id), "canceled");
    assert_int_equal(return_all(fixture, "order-1", &payment), 0);
    assert_int_equal(capture(fixture, "order-1", &payment), ERR_CONFLICT);
    assert_ledger(fixture, 0);
}

static void test_payments__what_was_captured_is_refunded_once(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment = captured(fixture, "order-1");
    assert_int_equal(return_all(fixture, "order-1", &payment), 0);
    assert_string_equal(payment.status, "refunded");
    assert_int_equal(payment.refunded->amount, 4200);
    assert_int_equal(return_all(fixture, "order-1", &payment), 0);
    assert_int_equal(payment.refunded->amount, 4200);
    assert_ledger(fixture, 4);
}

static void test_payments__after_the_return_nothing_is_charged_any_more(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    assert_int_equal(return_all(fixture, "order-1", &payment), 0);
    assert_string_equal(payment.status, "voided");
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &payment), 0);
    assert_string_equal(payment.status, "voided");
    assert_intents(fixture, 0);
}

static void test_payments__refunds_in_parts_up_to_what_was_captured(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment = captured(fixture, "order-1");
    Payments__Refund first, again, rest;
    assert_int_equal(refund_part(fixture, payment.id, 1200, "key-1", &first), 0);
    assert_string_equal(first.status, "succeeded");
    assert_int_equal(refund_part(fixture, payment.id, 1200, "key-1", &again), 0);
    assert_string_equal(first.id, again.id);
    assert_true(has_status(fixture, "order-1", "partially_refunded"));
    assert_int_equal(refund_part(fixture, payment.id, 3001, "key-2", &rest), ERR_CONFLICT);
    assert_int_equal(refund_part(fixture, payment.id, 0, "key-3", &rest), 0);
    assert_int_equal(rest.amount->amount, 3000);
    assert_int_equal(refund_part(fixture, payment.id, 1, "key-4", &rest), ERR_CONFLICT);
    assert_true(has_status(fixture, "order-1", "refunded"));
    assert_ledger(fixture, 6);
}

static void test_payments__a_refund_without_an_answer_is_pending_and_then_settled(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment = captured(fixture, "order-1");
    Payments__Refund refund;
    set_fault(fixture, FAULT_FAIL, 0);
    assert_int_equal(refund_part(fixture, payment.id, 1000, "key-1", &refund), 0);
    assert_string_equal(refund.status, "pending");
    /* The job asks again, with the same key. */
    clear_faults(fixture);
    await_status(fixture, "order-1", "partially_refunded");
    assert_int_equal(stored_payment(fixture, "order-1").refunded_amount, 1000);
    assert_int_equal(refund_part(fixture, payment.id, 1000, "key-1", &refund), 0);
    assert_string_equal(refund.status, "succeeded");
    assert_ledger(fixture, 4);
}

/* -- Webhooks ------------------------------------------------------------------------------------------------------ */

static int post_event(struct fixture *fixture, const char *event_id, const char *intent_id, const char *status,
                      const char *order_id, const char *secret)
{
    bool is_captured = strcmp(status, "succeeded") == 0;
    const char *body = arena_printf(fixture->host.arena,
                                    "{\"id\":\"%s\",\"type\":\"payment_intent.%s\",\"data\":{\"object\":{\"object\":"
                                    "\"payment_intent\",\"id\":\"%s\","
                                    "\"status\":\"%s\",\"amount\":4200,\"amount_received\":%d,\"currency\":\"eur\","
                                    "\"metadata\":{\"order_id\":\"%s\","
                                    "\"tenant\":\"default\"}}}}",
                                    event_id, status, intent_id, status, is_captured ? 4200 : 0, order_id);
    char signature[PSP_SIGNATURE_HEADER_MAX];
    assert_int_equal(psp_signature_write(str_from_cstr(secret), clock_wall_ms() / 1000, str_from_cstr(body), signature),
                     0);
    const char *const headers[] = {"stripe-signature", signature, NULL};
    return test_host_http(&fixture->host, HTTP_POST, "/api/payments/v1/webhooks/stripe", headers, body).status;
}

static void test_payments__events_come_in_any_order_and_twice(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment = captured(fixture, "order-1");
    const char *id = payment.provider_id;
    assert_int_equal(post_event(fixture, "evt_1", id, "succeeded", "order-1", TEST_WEBHOOK_SECRET), 200);
    assert_int_equal(post_event(fixture, "evt_2", id, "requires_capture", "order-1", TEST_WEBHOOK_SECRET), 200);
    assert_int_equal(post_event(fixture, "evt_1", id, "succeeded", "order-1", TEST_WEBHOOK_SECRET), 200);
    assert_int_equal(post_event(fixture, "evt_3", id, "canceled", "order-1", TEST_WEBHOOK_SECRET), 200);
    assert_true(has_status(fixture, "order-1", "captured"));
    assert_ledger(fixture, 2);
}

struct kept_event {
    const char *id;
    bool is_kept;
};

static int find_kept_event(struct sql_tx *tx, void *argument)
{
    struct kept_event *event = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    event->is_kept = sql_query_row(tx, &payments_sql_find_provider_event, SQL_ARGS(sql_cstr(event->id)), &rows) == 1;
    return 0;
}

static bool is_kept(struct fixture *fixture, const char *event_id)
{
    struct kept_event event = {.id = event_id};
    assert_int_equal(sql_read(host_instance(fixture->host.host, "payments")->db, find_kept_event, &event), 0);
    return event.is_kept;
}

/* Mostly our own request's answer came first: what is known already costs no commit. */
static void test_payments__an_event_that_says_nothing_new_writes_nothing(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &payment), 0);
    const char *id = payment.provider_id;
    assert_int_equal(post_event(fixture, "evt_known", id, "requires_capture", "order-1", TEST_WEBHOOK_SECRET), 200);
    assert_false(is_kept(fixture, "evt_known"));
    assert_int_equal(post_event(fixture, "evt_news", id, "succeeded", "order-1", TEST_WEBHOOK_SECRET), 200);
    assert_true(is_kept(fixture, "evt_news"));
    assert_true(has_status(fixture, "order-1", "captured"));
    assert_int_equal(post_event(fixture, "evt_late", id, "requires_capture", "order-1", TEST_WEBHOOK_SECRET), 200);
    assert_false(is_kept(fixture, "evt_late"));
    /* Of an intent that the order does not have: a second charge, which is booked to be given back. */
    assert_int_equal(post_event(fixture, "evt_other", "pi_other", "succeeded", "order-1", TEST_WEBHOOK_SECRET), 200);
    assert_true(is_kept(fixture, "evt_other"));
    assert_ledger(fixture, 4);
}

static void test_payments__only_the_provider_is_believed(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &payment), 0);
    assert_int_equal(post_event(fixture, "evt_1", payment.provider_id, "succeeded", "order-1", "whsec_other"), 400);
    assert_true(has_status(fixture, "order-1", "authorised"));
    struct test_answer unsigned_body =
        test_host_http(&fixture->host, HTTP_POST, "/api/payments/v1/webhooks/stripe", NULL, "{}");
    assert_int_equal(unsigned_body.status, 400);
}

static void test_payments__events_of_unknown_kinds_and_intents_are_acknowledged(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(post_event(fixture, "evt_1", "pi_foreign", "succeeded", "order-of-nobody", TEST_WEBHOOK_SECRET),
                     200);
    const char *body = "{\"id\":\"evt_2\",\"type\":\"radar.warning\",\"data\":{\"object\":{\"object\":\"radar\"}}}";
    char signature[PSP_SIGNATURE_HEADER_MAX];
    assert_int_equal(
        psp_signature_write(STR(TEST_WEBHOOK_SECRET), clock_wall_ms() / 1000, str_from_cstr(body), signature), 0);
    const char *const headers[] = {"stripe-signature", signature, NULL};
    assert_int_equal(
        test_host_http(&fixture->host, HTTP_POST, "/api/payments/v1/webhooks/stripe", headers, body).status, 200);
}

/* -- Refunds that the provider tells of ---------------------------------------------------------------------------- */

static int post_refund_event(struct fixture *fixture, const char *event_id, const char *refund_id,
                             const char *intent_id, const char *our_id, int64_t amount)
{
    const char *body = arena_printf(
        fixture->host.arena,
        "{\"id\":\"%s\",\"type\":\"refund.created\",\"data\":{\"object\":{\"object\":\"refund\",\"id\":\"%s\","
        "\"payment_intent\":\"%s\",\"status\":\"succeeded\",\"amount\":%" PRId64 ",\"currency\":\"eur\","
        "\"metadata\":{\"refund_id\":\"%s\"}}}}",
        event_id, refund_id, intent_id, amount, our_id);
    char signature[PSP_SIGNATURE_HEADER_MAX];
    assert_int_equal(
        psp_signature_write(STR(TEST_WEBHOOK_SECRET), clock_wall_ms() / 1000, str_from_cstr(body), signature), 0);
    const char *const headers[] = {"stripe-signature", signature, NULL};
    return test_host_http(&fixture->host, HTTP_POST, "/api/payments/v1/webhooks/stripe", headers, body).status;
}

static int count_findings(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement count = {"test_count_findings", "SELECT COUNT(*) FROM reconciliation_findings"};
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    assert_int_equal(sql_query_row(tx, &count, SQL_NO_ARGS, &rows), 1);
    *(int64_t *)argument = sql_get_int(rows, 0);
    return 0;
}

static void assert_findings(struct fixture *fixture, int64_t expected)
{
    int64_t count = -1;
    assert_int_equal(sql_read(host_instance(fixture->host.host, "payments")->db, count_findings, &count), 0);
    assert_int_equal(count, expected);
}

/* Made by hand on the provider's own page: the money is gone, so it is booked, once, and somebody is told. */
static void test_payments__a_refund_made_at_the_provider_is_booked(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment = captured(fixture, "order-1");
    const char *form = arena_printf(fixture->host.arena, "payment_intent=%s&amount=1200", payment.provider_id);
    struct str refund = test_emulator_ask(&fixture->host, HTTP_POST, "/v1/refunds", form, NULL).body;
    await_status(fixture, "order-1", "partially_refunded");
    assert_int_equal(stored_payment(fixture, "order-1").refunded_amount, 1200);
    assert_ledger(fixture, 4);
    assert_findings(fixture, 1);
    const char *id = test_emulator_member(&fixture->host, refund, "id");
    assert_int_equal(post_refund_event(fixture, "evt_again", id, payment.provider_id, "", 1200), 200);
    assert_ledger(fixture, 4);
    assert_findings(fixture, 1);
}

/* Before the capture is known the provider is asked to come again; of no payment of ours it is not our business. */
static void test_payments__a_refund_is_told_too_early_or_to_nobody(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    assert_int_equal(authorise(fixture, "order-1", "pm_card_visa", &payment), 0);
    assert_int_equal(post_refund_event(fixture, "evt_1", "re_1", payment.provider_id, "", 100), 503);
    assert_int_equal(post_refund_event(fixture, "evt_2", "re_2", "pi_of_nobody", "", 100), 200);
    assert_findings(fixture, 0);
    assert_int_equal(capture(fixture, "order-1", &payment), 0);
    assert_int_equal(post_refund_event(fixture, "evt_1", "re_1", payment.provider_id, "", 100), 200);
    assert_int_equal(stored_payment(fixture, "order-1").refunded_amount, 100);
    assert_ledger(fixture, 4);
}

/* Our id of one payment's refund in an event of another payment: reported, and no money moves. */
static void test_payments__a_refund_of_another_payment_is_reported(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment first = captured(fixture, "order-1"), second = captured(fixture, "order-2");
    Payments__Refund refund;
    assert_int_equal(refund_part(fixture, first.id, 500, "key-1", &refund), 0);
    assert_int_equal(post_refund_event(fixture, "evt_1", "re_1", second.provider_id, refund.id, 700), 200);
    assert_int_equal(stored_payment(fixture, "order-2").refunded_amount, 0);
    assert_int_equal(stored_payment(fixture, "order-1").refunded_amount, 500);
    assert_findings(fixture, 1);
    assert_ledger(fixture, 6);
}

static struct http_client_response decide(struct fixture *fixture, const char *intent_id, const char *decision)
{
    const char *path = arena_printf(fixture->host.arena, "/v1/payment_intents/%s", intent_id);
    struct str intent = test_emulator_ask(&fixture->host, HTTP_GET, path, NULL, NULL).body;
    const char *body = arena_printf(fixture->host.arena, "payment_intent_client_secret=%s&decision=%s",
                                    test_emulator_member(&fixture->host, intent, "client_secret"), decision);
    return test_emulator_ask(&fixture->host, HTTP_POST, arena_printf(fixture->host.arena, "/challenge/%s", intent_id),
                             body, NULL);
}

static void test_payments__the_challenge_decides_by_webhook(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    assert_int_equal(authorise(fixture, "order-1", "pm_card_authenticationRequired", &payment), 0);
    assert_string_equal(payment.status, "requires_action");
    assert_string_equal(payment.next_action->type, "redirect_to_url");
    assert_int_equal(decide(fixture, payment.provider_id, "approve").status, 303);
    await_status(fixture, "order-1", "authorised");
    assert_int_equal(authorise(fixture, "order-2", "pm_card_authenticationRequired", &payment), 0);
    assert_int_equal(decide(fixture, payment.provider_id, "refuse").status, 303);
    await_status(fixture, "order-2", "failed");
}

static void test_payments__unanswered_challenges_are_cancelled_at_the_provider(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    assert_int_equal(authorise(fixture, "order-1", "pm_card_authenticationRequired", &payment), 0);
    assert_int_equal(return_all(fixture, "order-1", &payment), 0);
    assert_string_equal(payment.status, "voided");
    decide(fixture, payment.provider_id, "approve");
    assert_string_equal(provider_status(fixture, payment.provider_id), "canceled");
}

/* -- Reconciliation ------------------------------------------------------------------------------------------------ */

static void await_provider_status(struct fixture *fixture, const char *intent_id, const char *status)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MS * CLOCK_NS_PER_MS;
    while (strcmp(provider_status(fixture, intent_id), status) != 0) {
        if (clock_monotonic_ns() > deadline_ns)
            fail_msg("%s is still %s, not %s", intent_id, provider_status(fixture, intent_id), status);
        task_sleep_ms(POLL_MS);
    }
}

static void test_payments__a_charge_whose_order_is_gone_is_returned(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    assert_int_equal(authorise(fixture, "order-that-never-was", "pm_card_visa", &payment), 0);
    await_status(fixture, "order-that-never-was", "voided");
    assert_string_equal(provider_status(fixture, payment.provider_id), "canceled");
}

static void test_payments__charges_that_no_payment_knows_are_returned(void **state)
{
    struct fixture *fixture = *state;
    struct str held = test_emulator_ask(&fixture->host, HTTP_POST, "/v1/payment_intents",
                                        "amount=700&currency=eur&payment_method=pm_card_visa&confirm=true&"
                                        "capture_method=manual",
                                        NULL)
                          .body;
    struct str taken = test_emulator_ask(&fixture->host, HTTP_POST, "/v1/payment_intents",
                                         "amount=800&currency=eur&payment_method=pm_card_visa&confirm=true", NULL)
                           .body;
    const char *held_id = test_emulator_member(&fixture->host, held, "id");
    struct call *call = test_host_call(&fixture->host, "payments");
    assert_int_equal(reconcile(call), 0);
    await_provider_status(fixture, held_id, "canceled");
    struct str charges = test_emulator_ask(&fixture->host, HTTP_GET,
                                           arena_printf(fixture->host.arena, "/v1/charges?payment_intent=%s",
                                                        test_emulator_member(&fixture->host, taken, "id")),
                                           NULL, NULL)
                             .body;
    assert_string_equal(test_emulator_member(&fixture->host, charges, "amount_refunded"), "800");
}

static void test_payments__late_money_is_returned(void **state)
{
    struct fixture *fixture = *state;
    Payments__Payment payment;
    /* The order fell while the card was being asked; our void is lost, then the provider tells of the money. */
    assert_int_equal(authorise(fixture, "order-1", "pm_card_authenticationRequired", &payment), 0);
    const char *id = payment.provider_id;
    set_fault(fixture, FAULT_FAIL, 0);
    assert_int_equal(return_all(fixture, "order-1", &payment), ERR_UNAVAILABLE);
    decide(fixture, id, "approve");
    assert_string_equal(provider_status(fixture, id), "requires_capture");
    clear_faults(fixture);
    await_provider_status(fixture, id, "canceled");
    await_status(fixture, "order-1", "voided");
    assert_ledger(fixture, 0);
}

/* -- Books --------------------------------------------------------------------------------------------------------- */

static void test_payments__the_ledger_cannot_be_changed(void **state)
{
    struct fixture *fixture = *state;
    struct sql_db *db = host_instance(fixture->host.host, "payments")->db;
    captured(fixture, "order-1");
    static const struct sql_statement statements[] = {
        {"test_change_entries", "UPDATE ledger_entries SET amount = 1"},
        {"test_remove_entries", "DELETE FROM ledger_entries"},
        {"test_change_transactions", "UPDATE ledger_transactions SET kind = 'x'"},
        {"test_remove_transactions", "DELETE FROM ledger_transactions"},
    };
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        struct statement change = {&statements[i], SQL_NO_ARGS};
        assert_true(sql_write(db, execute, &change) < 0);
    }
    assert_ledger(fixture, 2);
}

/* -- The card field ------------------------------------------------------------------------------------------------ */

static int ask_card_field(struct test_host *host, const char *origin, Payments__CardField *ret_field)
{
    Payments__GetCardFieldRequest request = PAYMENTS__GET_CARD_FIELD_REQUEST__INIT;
    request.origin = (char *)(uintptr_t)origin;
    payments__card_field__init(ret_field);
    return payments_get_card_field(test_host_call(host, "orders"), &request, ret_field);
}

static void test_payments__the_emulators_field_is_where_it_listens(void **state)
{
    struct fixture *fixture = *state;
    Payments__CardField field;
    char url[300];
    assert_int_equal(ask_card_field(&fixture->host, "https://[::1]:8443", &field), 0);
    snprintf(url, sizeof(url), "%s/card-field?origin=https%%3A%%2F%%2F%%5B%%3A%%3A1%%5D%%3A8443",
             test_emulator_url(&fixture->host));
    assert_string_equal(field.kind, "emulator");
    assert_string_equal(field.url, url);
    assert_null(field.publishable_key);
    assert_int_equal(ask_card_field(&fixture->host, NULL, &field), 0);
    assert_non_null(strstr(field.url, "origin=http%3A%2F%2Flocalhost%3A"));
    fixture->host.host->options.public_url = "https://shop.example/";
    assert_int_equal(ask_card_field(&fixture->host, NULL, &field), 0);
    assert_non_null(strstr(field.url, "origin=https%3A%2F%2Fshop.example"));
    fixture->host.host->options.public_url = NULL;
}

static void test_payments__stripes_field_has_its_publishable_key(void **state)
{
    static const struct service *const services[] = {&payments_service, &orders_service, &catalog_service, NULL};
    char url[] = "SHOPSTREAM_STRIPE_URL=https://stripe.example",
         secret[] = "SHOPSTREAM_STRIPE_SECRET_KEY=sk_test_of_tests";
    char webhook[] = "SHOPSTREAM_STRIPE_WEBHOOK_SECRET=whsec_of_tests";
    char key[] = "SHOPSTREAM_STRIPE_PUBLISHABLE_KEY=pk_test_of_tests";
    char *const environments[][5] = {{url, secret, webhook, key, NULL}, {url, secret, webhook, NULL}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct test_host host = {0};
        Payments__CardField field;
        test_host_start(&host, services, environments[i]);
        assert_int_equal(ask_card_field(&host, NULL, &field), 0);
        assert_string_equal(field.kind, "stripe");
        assert_null(field.url);
        if (i == 0)
            assert_string_equal(field.publishable_key, "pk_test_of_tests");
        else
            assert_null(field.publishable_key);
        test_host_end(&host);
    }
}

int main(void)
{
    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    const struct CMUnitTest tests[] = {
        PATIENT(test_payments__authorising_twice_charges_once),
        PATIENT(test_payments__the_emulators_field_is_where_it_listens),
        cmocka_unit_test(test_payments__stripes_field_has_its_publishable_key),
        PATIENT(test_payments__capture_books_once),
        PATIENT(test_payments__a_declined_card_is_an_answer_with_its_reason),
        PATIENT(test_payments__another_amount_for_the_order_is_refused),
        PATIENT(test_payments__what_is_held_is_voided),
        PATIENT(test_payments__what_was_captured_is_refunded_once),
        PATIENT(test_payments__after_the_return_nothing_is_charged_any_more),
        PATIENT(test_payments__refunds_in_parts_up_to_what_was_captured),
        PATIENT(test_payments__a_refund_without_an_answer_is_pending_and_then_settled),
        PATIENT(test_payments__events_come_in_any_order_and_twice),
        PATIENT(test_payments__an_event_that_says_nothing_new_writes_nothing),
        PATIENT(test_payments__only_the_provider_is_believed),
        PATIENT(test_payments__events_of_unknown_kinds_and_intents_are_acknowledged),
        PATIENT(test_payments__a_refund_made_at_the_provider_is_booked),
        PATIENT(test_payments__a_refund_is_told_too_early_or_to_nobody),
        PATIENT(test_payments__a_refund_of_another_payment_is_reported),
        PATIENT(test_payments__the_challenge_decides_by_webhook),
        PATIENT(test_payments__unanswered_challenges_are_cancelled_at_the_provider),
        HASTY(test_payments__a_charge_whose_order_is_gone_is_returned),
        HASTY(test_payments__charges_that_no_payment_knows_are_returned),
        PATIENT(test_payments__late_money_is_returned),
        PATIENT(test_payments__the_ledger_cannot_be_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
