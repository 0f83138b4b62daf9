/* Proves that what was taken is given back in parts, and never more of it than was taken. */
#include "services/stripe_emulator/emulator.h"
#include "services/stripe_emulator/test_stripe_emulator_fixture.h"

#define REFUNDS "/v1/refunds"

static struct http_client_response give_back(const char *body)
{
    return ask(HTTP_POST, REFUNDS, body);
}

static void test_stripe_emulator_refunds__in_parts_up_to_all(void **state)
{
    struct http_client_response intent = pay("pm_card_visa", false);
    const char *id = text_of(intent, "/id"), *charge = text_of(intent, "/latest_charge");
    struct http_client_response part =
        give_back(TEXT("payment_intent=%s&amount=500&reason=requested_by_customer&metadata[why]=late", id));

    (void)state;
    assert_string_equal(text_of(part, "/status"), "succeeded");
    assert_string_equal(text_of(part, "/charge"), charge);
    assert_string_equal(text_of(retrieve("refunds", text_of(part, "/id")), "/metadata/why"), "late");
    assert_string_equal(text_of(retrieve("charges", charge), "/refunded"), "false");
    assert_error(give_back(TEXT("payment_intent=%s&amount=1501", id)), 400, "", "amount");
    assert_error(give_back(TEXT("payment_intent=%s&amount=0", id)), 400, "parameter_invalid_integer", "amount");
    struct http_client_response rest = give_back(TEXT("charge=%s", charge));
    assert_int_equal(int_of(rest, "/amount"), 1500);
    assert_int_equal(int_of(retrieve("charges", charge), "/amount_refunded"), 2000);
    assert_string_equal(text_of(retrieve("charges", charge), "/refunded"), "true");
    assert_error(give_back(TEXT("payment_intent=%s", id)), 400, "charge_already_refunded", "");
    struct http_client_response list = ask(HTTP_GET, TEXT(REFUNDS "?payment_intent=%s", id), NULL);
    assert_int_equal(test_json_count(list.body, "/data"), 2);
    assert_string_equal(text_of(list, "/has_more"), "false");
    list = ask(HTTP_GET, TEXT(REFUNDS "?payment_intent=%s&limit=1", id), NULL);
    assert_string_equal(text_of(list, "/has_more"), "true");
}

/* Of a partial capture only what was captured can go back. */
static void test_stripe_emulator_refunds__never_more_than_was_captured(void **state)
{
    const char *id = text_of(pay("pm_card_visa", true), "/id");

    (void)state;
    assert_error(give_back(TEXT("payment_intent=%s", id)), 400, "payment_intent_unexpected_state", "payment_intent");
    assert_int_equal(act(id, "capture", "amount_to_capture=700").status, 200);
    assert_error(give_back(TEXT("payment_intent=%s&amount=701", id)), 400, "", "amount");
    assert_int_equal(int_of(give_back(TEXT("payment_intent=%s", id)), "/amount"), 700);
}

static void test_stripe_emulator_refunds__only_of_a_charge_that_succeeded(void **state)
{
    const char *open = text_of(ask(HTTP_POST, INTENTS, EUR_20), "/id");
    const char *declined = text_of(pay("pm_card_chargeDeclined", false), "/error/payment_intent/id");

    (void)state;
    assert_error(give_back(TEXT("payment_intent=%s", open)), 400, "payment_intent_unexpected_state", "payment_intent");
    assert_error(give_back(TEXT("payment_intent=%s", declined)), 400, "payment_intent_unexpected_state",
                 "payment_intent");
    assert_error(give_back(""), 400, "parameter_missing", "payment_intent");
    assert_error(give_back("payment_intent=pi_unknown"), 404, "resource_missing", "payment_intent");
    assert_error(give_back("charge=ch_unknown"), 404, "resource_missing", "charge");
    assert_error(retrieve("refunds", "re_unknown"), 404, "resource_missing", "refund");
    assert_error(retrieve("charges", "ch_unknown"), 404, "resource_missing", "id");
}

static void test_stripe_emulator_refunds__a_key_gives_back_once(void **state)
{
    const char *id = text_of(pay("pm_card_visa", false), "/id");
    const char *body = TEXT("payment_intent=%s&amount=500", id);
    struct http_client_response first = ask_with_key(REFUNDS, body, "refund-key");
    struct http_client_response again = ask_with_key(REFUNDS, body, "refund-key");

    (void)state;
    assert_string_equal(text_of(first, "/id"), text_of(again, "/id"));
    struct http_client_response intent = ask(HTTP_GET, TEXT(INTENTS "/%s?expand[]=latest_charge", id), NULL);
    assert_int_equal(int_of(intent, "/latest_charge/amount_refunded"), 500);
}

static int64_t balance_of(const char *currency)
{
    struct http_client_response balance = ask(HTTP_GET, "/v1/balance", NULL);

    for (size_t i = 0; i < test_json_count(balance.body, "/available"); i++) {
        if (strcmp(text_of(balance, TEXT("/available/%zu/currency", i)), currency) == 0)
            return int_of(balance, TEXT("/available/%zu/amount", i));
    }
    return 0;
}

/* The balance is what was taken less what went back, by currency; what is only held is not in it. */
static void test_stripe_emulator_refunds__the_balance_adds_up(void **state)
{
    int64_t before = balance_of("eur");
    const char *id = text_of(pay("pm_card_visa", false), "/id");

    (void)state;
    pay("pm_card_visa", true);
    pay("pm_card_chargeDeclined", false);
    assert_int_equal(balance_of("eur"), before + 2000);
    give_back(TEXT("payment_intent=%s&amount=300", id));
    assert_int_equal(balance_of("eur"), before + 1700);
    ask(HTTP_POST, INTENTS, "amount=50&currency=jpy&confirm=true&payment_method=pm_card_visa");
    assert_int_equal(balance_of("jpy"), 50);
    assert_int_equal(balance_of("eur"), before + 1700);
}

/* -- What becomes of a refund later -------------------------------------------------------------------------------- */

struct expected_status {
    const char *refund_id, *status;
};

static bool has_status(void *context)
{
    const struct expected_status *expected = context;
    return strcmp(text_of(retrieve("refunds", expected->refund_id), "/status"), expected->status) == 0;
}

static void await_status(const char *refund_id, const char *status)
{
    struct expected_status expected = {refund_id, status};
    if (!test_host_await(has_status, &expected))
        fail_msg("the refund is %s, not %s", text_of(retrieve("refunds", refund_id), "/status"), status);
}

static size_t times_told(const char *type)
{
    size_t count = 0;
    TASK_LOCKED(&shop.mutex);
    for (size_t i = 0; i < shop.count; i++)
        count += strcmp(shop.deliveries[i].type, type) == 0 && shop.deliveries[i].is_signed;
    return count;
}

static bool is_told(void *context)
{
    return times_told(context) > 0;
}

static const char *newest_event(const char *type)
{
    return text_of(ask(HTTP_GET, TEXT("/v1/events?limit=1&type=%s", type), NULL), "/data/0/data/object/id");
}

/* The money is with the account again, and may be given back again. */
static void test_stripe_emulator_refunds__one_that_succeeded_fails_later(void **state)
{
    struct http_client_response paid = pay("pm_card_refundFail", false);
    const char *id = text_of(paid, "/id"), *charge = text_of(paid, "/latest_charge");

    (void)state;
    assert_int_equal(ask(HTTP_POST, "/test/faults", "{\"refund_turn_ms\":1}").status, 200);
    for (int i = 0; i < 2; i++) {
        struct http_client_response refund = give_back(TEXT("payment_intent=%s", id));
        const char *refund_id = text_of(refund, "/id");
        assert_string_equal(text_of(refund, "/status"), "succeeded");
        await_status(refund_id, "failed");
        assert_string_equal(text_of(retrieve("refunds", refund_id), "/failure_reason"), "expired_or_canceled_card");
        assert_int_equal(int_of(retrieve("charges", charge), "/amount_refunded"), 0);
        assert_string_equal(newest_event("refund.failed"), refund_id);
        assert_string_equal(newest_event("charge.refund.updated"), refund_id);
    }
    assert_true(test_host_await(is_told, (void *)(uintptr_t) "refund.failed"));
}

static void test_stripe_emulator_refunds__one_is_pending_and_then_succeeds(void **state)
{
    struct http_client_response paid = pay("pm_card_pendingRefund", false);
    struct http_client_response refund = give_back(TEXT("payment_intent=%s", text_of(paid, "/id")));

    (void)state;
    assert_string_equal(text_of(refund, "/status"), "pending");
    assert_int_equal(int_of(retrieve("charges", text_of(paid, "/latest_charge")), "/amount_refunded"), 2000);
    await_status(text_of(refund, "/id"), "succeeded");
    assert_string_equal(newest_event("refund.updated"), text_of(refund, "/id"));
    assert_true(test_host_await(is_told, (void *)(uintptr_t) "refund.updated"));
}

/* Whatever the card, so many times. */
static void test_stripe_emulator_refunds__fail_later_when_a_test_asks_for_it(void **state)
{
    const char *id = text_of(pay("pm_card_visa", false), "/id");

    (void)state;
    assert_int_equal(ask(HTTP_POST, "/test/faults", "{\"refund_failures\":1,\"refund_turn_ms\":1}").status, 200);
    const char *first = text_of(give_back(TEXT("payment_intent=%s", id)), "/id");
    await_status(first, "failed");
    const char *second = text_of(give_back(TEXT("payment_intent=%s", id)), "/id");
    assert_int_equal(int_of(ask(HTTP_GET, "/test/faults", NULL), "/refund_failures"), 0);
    assert_int_equal(turn_refunds(test_host_call(&fixture, "stripe_emulator")), 0);
    assert_string_equal(text_of(retrieve("refunds", second), "/status"), "succeeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stripe_emulator_refunds__in_parts_up_to_all),
        cmocka_unit_test(test_stripe_emulator_refunds__never_more_than_was_captured),
        cmocka_unit_test(test_stripe_emulator_refunds__only_of_a_charge_that_succeeded),
        cmocka_unit_test(test_stripe_emulator_refunds__a_key_gives_back_once),
        cmocka_unit_test(test_stripe_emulator_refunds__the_balance_adds_up),
        cmocka_unit_test(test_stripe_emulator_refunds__one_that_succeeded_fails_later),
        cmocka_unit_test(test_stripe_emulator_refunds__one_is_pending_and_then_succeeds),
        cmocka_unit_test(test_stripe_emulator_refunds__fail_later_when_a_test_asks_for_it),
    };

    return cmocka_run_group_tests_name("stripe_emulator_refunds", tests, fixture_start, fixture_end);
}
