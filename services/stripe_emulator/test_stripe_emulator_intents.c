/* Proves a PaymentIntent's life, and that a key makes a request happen once: as Stripe's documentation says. */
#include "services/stripe_emulator/emulator.h"
#include "services/stripe_emulator/test_stripe_emulator_fixture.h"

static const char *id_of(struct http_client_response answer)
{
    assert_int_equal(answer.status, 200);
    return text_of(answer, "/id");
}

/* An intent with a life of its own, not confirmed yet. */
static const char *new_intent(const char *more)
{
    return id_of(ask(HTTP_POST, INTENTS, TEXT(EUR_20 "%s", more)));
}

static void assert_status(const char *id, const char *status)
{
    assert_string_equal(text_of(retrieve("payment_intents", id), "/status"), status);
}

/* -- Who asks ------------------------------------------------------------------------------------------------------ */

static int status_with(const char *authorization)
{
    struct http_header header = {STR("Authorization"), str_from_cstr(authorization)};
    const struct http_client_request request = {.url =
                                                    str_from_cstr(TEXT("%s/v1/balance", test_emulator_url(&fixture))),
                                                .headers = &header,
                                                .header_count = authorization ? 1 : 0,
                                                .timeout_ms = 20000,
                                                .body_bytes_max = 1 << 16};
    struct http_client_response response;

    assert_int_equal(http_client_fetch(fixture.host->http_client, fixture.arena, &request, &response), 0);
    return response.status;
}

static void test_stripe_emulator_intents__the_secret_key_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(status_with("Bearer " TEST_SECRET_KEY), 200);
    assert_int_equal(status_with("bearer  " TEST_SECRET_KEY " "), 200);
    assert_int_equal(status_with("Basic c2tfdGVzdF9vZl90ZXN0czo="), 200); /* "sk_test_of_tests:", as curl -u sends */
    assert_int_equal(status_with("Basic c2tfdGVzdF9vZl90ZXN0cw=="), 401); /* without the colon */
    assert_int_equal(status_with("Basic %%%"), 401);
    assert_int_equal(status_with("Bearer sk_test_of_another"), 401);
    assert_int_equal(status_with("Digest " TEST_SECRET_KEY), 401);
    assert_int_equal(status_with(NULL), 401);
}

/* -- Life ---------------------------------------------------------------------------------------------------------- */

static void test_stripe_emulator_intents__made_confirmed_taken(void **state)
{
    const char *id = new_intent("&metadata[order_id]=7&description=An+order");

    (void)state;
    assert_status(id, "requires_payment_method");
    assert_error(act(id, "confirm", ""), 400, "payment_intent_unexpected_state", "");
    assert_string_equal(text_of(act(id, "confirm", "payment_method=pm_card_visa"), "/status"), "succeeded");
    struct http_client_response intent = ask(HTTP_GET, TEXT(INTENTS "/%s?expand[]=latest_charge", id), NULL);
    assert_int_equal(int_of(intent, "/amount_received"), 2000);
    assert_string_equal(text_of(intent, "/currency"), "eur");
    assert_string_equal(text_of(intent, "/metadata/order_id"), "7");
    assert_string_equal(text_of(intent, "/latest_charge/payment_method_details/card/last4"), "4242");
    assert_int_equal(int_of(intent, "/latest_charge/amount_captured"), 2000);
    assert_error(act(id, "confirm", "payment_method=pm_card_visa"), 400, "payment_intent_unexpected_state", "");
    assert_error(act(id, "capture", ""), 400, "payment_intent_unexpected_state", "");
}

static void test_stripe_emulator_intents__held_and_captured(void **state)
{
    struct http_client_response held = pay("pm_card_visa", true);
    const char *id = id_of(held);

    (void)state;
    assert_string_equal(text_of(held, "/status"), "requires_capture");
    assert_int_equal(int_of(held, "/amount_capturable"), 2000);
    assert_int_equal(int_of(held, "/amount_received"), 0);
    struct http_client_response taken = act(id, "capture", "");
    assert_string_equal(text_of(taken, "/status"), "succeeded");
    assert_int_equal(int_of(taken, "/amount_received"), 2000);
    assert_int_equal(int_of(taken, "/amount_capturable"), 0);
    assert_error(act(id, "capture", ""), 400, "payment_intent_unexpected_state", "");
    assert_error(act("pi_unknown", "capture", ""), 404, "resource_missing", "intent");
}

static void test_stripe_emulator_intents__a_part_is_captured_and_no_more_than_all(void **state)
{
    const char *id = id_of(pay("pm_card_visa", true));

    (void)state;
    assert_error(act(id, "capture", "amount_to_capture=2001"), 400, "amount_too_large", "amount_to_capture");
    assert_error(act(id, "capture", "amount_to_capture=0"), 400, "parameter_invalid_integer", "amount_to_capture");
    assert_error(act(id, "capture", "amount_to_capture=x"), 400, "parameter_invalid_integer", "amount_to_capture");
    assert_status(id, "requires_capture");
    struct http_client_response taken = act(id, "capture", "amount_to_capture=1500");
    assert_int_equal(int_of(taken, "/amount_received"), 1500);
    assert_int_equal(int_of(retrieve("charges", text_of(taken, "/latest_charge")), "/amount_captured"), 1500);
}

static void test_stripe_emulator_intents__cancelled_before_it_is_taken(void **state)
{
    const char *id = new_intent(""), *held = id_of(pay("pm_card_visa", true)),
               *taken = id_of(pay("pm_card_visa", false));

    (void)state;
    assert_error(act(id, "cancel", "cancellation_reason=weather"), 400, "", "cancellation_reason");
    struct http_client_response answer = act(id, "cancel", "cancellation_reason=abandoned");
    assert_string_equal(text_of(answer, "/status"), "canceled");
    assert_string_equal(text_of(answer, "/cancellation_reason"), "abandoned");
    assert_true(int_of(answer, "/canceled_at") > 0);
    answer = act(held, "cancel", "");
    assert_string_equal(text_of(answer, "/status"), "canceled");
    assert_int_equal(int_of(retrieve("charges", text_of(answer, "/latest_charge")), "/amount_refunded"), 2000);
    assert_error(act(held, "capture", ""), 400, "payment_intent_unexpected_state", "");
    answer = act(taken, "cancel", "");
    assert_error(answer, 400, "payment_intent_unexpected_state", "");
    assert_string_equal(text_of(answer, "/error/payment_intent/status"), "succeeded");
    assert_error(act(id, "cancel", ""), 400, "payment_intent_unexpected_state", "");
}

static void test_stripe_emulator_intents__asks_to_authenticate(void **state)
{
    struct http_client_response answer = ask(HTTP_POST, INTENTS,
                                             EUR_20 "&confirm=true&payment_method=pm_card_authenticationRequired"
                                                    "&return_url=http://localhost:3000/orders/1");

    (void)state;
    assert_string_equal(text_of(answer, "/status"), "requires_action");
    assert_string_equal(text_of(answer, "/next_action/type"), "redirect_to_url");
    assert_string_equal(text_of(answer, "/next_action/redirect_to_url/return_url"), "http://localhost:3000/orders/1");
    const char *page = TEXT("%s/challenge/%s?payment_intent_client_secret=%s", test_emulator_url(&fixture),
                            text_of(answer, "/id"), text_of(answer, "/client_secret"));
    assert_string_equal(text_of(answer, "/next_action/redirect_to_url/url"), page);
    /* Without an address to come back to, it is the script's. */
    answer = pay("pm_card_authenticationRequired", false);
    assert_string_equal(text_of(answer, "/next_action/type"), "use_stripe_sdk");
    assert_string_equal(text_of(act(text_of(answer, "/id"), "cancel", ""), "/next_action"), "null");
}

static void test_stripe_emulator_intents__are_changed_while_they_are_open(void **state)
{
    const char *id = new_intent("&metadata[a]=1&metadata[b]=2");
    const char *path = TEXT(INTENTS "/%s", id);
    struct http_client_response answer = ask(HTTP_POST, path, "amount=3000&currency=USD&metadata[b]=&metadata[c]=3");

    (void)state;
    assert_int_equal(int_of(answer, "/amount"), 3000);
    assert_string_equal(text_of(answer, "/currency"), "usd");
    assert_string_equal(text_of(answer, "/metadata"), "{\"a\":\"1\",\"c\":\"3\"}");
    assert_string_equal(text_of(ask(HTTP_POST, path, "payment_method=pm_card_visa"), "/status"),
                        "requires_confirmation");
    act(id, "confirm", "");
    assert_error(ask(HTTP_POST, path, "amount=1"), 400, "payment_intent_unexpected_state", "");
    assert_string_equal(text_of(ask(HTTP_POST, path, "description=Paid"), "/description"), "Paid");
    assert_int_equal(int_of(retrieve("payment_intents", id), "/amount"), 3000);
}

/* -- Parameters ---------------------------------------------------------------------------------------------------- */

static void test_stripe_emulator_intents__bad_parameters_are_named(void **state)
{
    static const struct {
        const char *body, *code, *param;
    } cases[] = {
        {"currency=eur", "parameter_missing", "amount"},
        {"amount=1", "parameter_missing", "currency"},
        {"amount=0&currency=eur", "parameter_invalid_integer", "amount"},
        {"amount=-5&currency=eur", "parameter_invalid_integer", "amount"},
        {"amount=1.5&currency=eur", "parameter_invalid_integer", "amount"},
        {"amount=100000000000&currency=eur", "amount_too_large", "amount"},
        {"amount=1&currency=euro", "parameter_invalid_string_blank", "currency"},
        {"amount=1&currency=e1r", "parameter_invalid_string_blank", "currency"},
        {EUR_20 "&confirm=true", "payment_intent_unexpected_state", "payment_method"},
        {EUR_20 "&capture_method=later", "", "capture_method"},
        {"amount=%zz", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_error(ask(HTTP_POST, INTENTS, cases[i].body), 400, cases[i].code, cases[i].param);
    assert_error(ask(HTTP_POST, INTENTS, TEXT(EUR_20 "&description=%01001d", 1)), 400, "", "description");
}

static void test_stripe_emulator_intents__metadata_has_limits(void **state)
{
    const char *many = EUR_20, *large = EUR_20;

    (void)state;
    for (int i = 0; i < 50; i++)
        many = TEXT("%s&metadata[k%d]=v", many, i);
    assert_int_equal(ask(HTTP_POST, INTENTS, many).status, 200);
    assert_error(ask(HTTP_POST, INTENTS, TEXT("%s&metadata[k50]=v", many)), 400, "", "metadata");
    for (int i = 0; i < 45; i++)
        large = TEXT("%s&metadata[k%d]=%01000d", large, i, 0);
    assert_error(ask(HTTP_POST, INTENTS, large), 400, "", "metadata");
    assert_error(ask(HTTP_POST, INTENTS, EUR_20 "&metadata[]=v"), 400, "parameter_invalid_empty", "metadata");
}

/* -- Lists --------------------------------------------------------------------------------------------------------- */

static void test_stripe_emulator_intents__lists_page_from_the_newest(void **state)
{
    const char *ids[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        ids[i] = id_of(pay("pm_card_visa", false));
    struct http_client_response page = ask(HTTP_GET, INTENTS "?limit=2&expand[]=data.latest_charge", NULL);
    assert_string_equal(text_of(page, "/object"), "list");
    assert_string_equal(text_of(page, "/has_more"), "true");
    assert_int_equal(test_json_count(page.body, "/data"), 2);
    assert_string_equal(text_of(page, "/data/0/latest_charge/object"), "charge");
    const char *last = text_of(page, "/data/1/id");
    page = ask(HTTP_GET, TEXT(INTENTS "?limit=1&starting_after=%s", last), NULL);
    assert_string_not_equal(text_of(page, "/data/0/id"), last);
    assert_string_not_equal(text_of(page, "/data/0/id"), "");
    page = ask(HTTP_GET, INTENTS "?created[lt]=1000000", NULL);
    assert_int_equal(test_json_count(page.body, "/data"), 0);
    assert_string_equal(text_of(page, "/has_more"), "false");
    page = ask(HTTP_GET, INTENTS "?created[gte]=1000000&created[lte]=2000000000&created[gt]=5&limit=100", NULL);
    assert_true(test_json_count(page.body, "/data") >= 3);
    assert_true(str_find(page.body, str_from_cstr(ids[0])) >= 0);
    assert_error(ask(HTTP_GET, INTENTS "?limit=0", NULL), 400, "parameter_invalid_integer", "limit");
    assert_int_equal(ask(HTTP_GET, INTENTS "?limit=101", NULL).status, 400);
    assert_error(ask(HTTP_GET, INTENTS "?starting_after=pi_unknown", NULL), 404, "resource_missing", "starting_after");
}

/* -- Idempotency keys ---------------------------------------------------------------------------------------------- */

static void test_stripe_emulator_intents__a_key_makes_one(void **state)
{
    const char *body = EUR_20 "&confirm=true&payment_method=pm_card_visa";
    struct http_client_response first = ask_with_key(INTENTS, body, "key-one");
    struct http_client_response again = ask_with_key(INTENTS, body, "key-one");

    (void)state;
    assert_true(str_equal(first.body, again.body));
    assert_null(header_of(first, "idempotent-replayed"));
    assert_string_equal(header_of(again, "idempotent-replayed"), "true");
    assert_string_equal(header_of(again, "idempotency-key"), "key-one");
    assert_string_not_equal(text_of(ask_with_key(INTENTS, body, "key-two"), "/id"), text_of(first, "/id"));
    struct http_client_response charges =
        ask(HTTP_GET, TEXT("/v1/charges?payment_intent=%s", text_of(first, "/id")), NULL);
    assert_int_equal(test_json_count(charges.body, "/data"), 1);
}

static void test_stripe_emulator_intents__a_key_belongs_to_its_parameters(void **state)
{
    struct http_client_response first = ask_with_key(INTENTS, EUR_20, "key-params");
    struct http_client_response other = ask_with_key(INTENTS, "amount=2001&currency=eur", "key-params");

    (void)state;
    assert_int_equal(other.status, 400);
    assert_string_equal(text_of(other, "/error/type"), "idempotency_error");
    const char *path = TEXT(INTENTS "/%s/cancel", text_of(first, "/id"));
    assert_string_equal(text_of(ask_with_key(path, EUR_20, "key-params"), "/error/type"), "idempotency_error");
    assert_status(text_of(first, "/id"), "requires_payment_method");
}

/* What was refused for its parameters may be tried again under its key; what the card or the state forbade is an answer
 * that stands. */
static void test_stripe_emulator_intents__which_answers_a_key_keeps(void **state)
{
    const char *decline = EUR_20 "&confirm=true&payment_method=pm_card_chargeDeclined";
    const char *taken = id_of(pay("pm_card_visa", false));
    const char *cancel = TEXT(INTENTS "/%s/cancel", taken);

    (void)state;
    assert_int_equal(ask_with_key(INTENTS, "amount=0&currency=eur", "key-refused").status, 400);
    assert_int_equal(ask_with_key(INTENTS, EUR_20, "key-refused").status, 200);
    struct http_client_response first = ask_with_key(INTENTS, decline, "key-declined");
    struct http_client_response again = ask_with_key(INTENTS, decline, "key-declined");
    assert_int_equal(again.status, 402);
    assert_true(str_equal(first.body, again.body));
    assert_int_equal(ask_with_key(cancel, "", "key-forbidden").status, 400);
    assert_string_equal(header_of(ask_with_key(cancel, "", "key-forbidden"), "idempotent-replayed"), "true");
}

static void test_stripe_emulator_intents__a_key_has_a_limit(void **state)
{
    (void)state;
    assert_int_equal(ask_with_key(INTENTS, EUR_20, TEXT("%0255d", 1)).status, 200);
    assert_int_equal(ask_with_key(INTENTS, EUR_20, TEXT("%0256d", 1)).status, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stripe_emulator_intents__the_secret_key_is_asked_for),
        cmocka_unit_test(test_stripe_emulator_intents__made_confirmed_taken),
        cmocka_unit_test(test_stripe_emulator_intents__held_and_captured),
        cmocka_unit_test(test_stripe_emulator_intents__a_part_is_captured_and_no_more_than_all),
        cmocka_unit_test(test_stripe_emulator_intents__cancelled_before_it_is_taken),
        cmocka_unit_test(test_stripe_emulator_intents__asks_to_authenticate),
        cmocka_unit_test(test_stripe_emulator_intents__are_changed_while_they_are_open),
        cmocka_unit_test(test_stripe_emulator_intents__bad_parameters_are_named),
        cmocka_unit_test(test_stripe_emulator_intents__metadata_has_limits),
        cmocka_unit_test(test_stripe_emulator_intents__lists_page_from_the_newest),
        cmocka_unit_test(test_stripe_emulator_intents__a_key_makes_one),
        cmocka_unit_test(test_stripe_emulator_intents__a_key_belongs_to_its_parameters),
        cmocka_unit_test(test_stripe_emulator_intents__which_answers_a_key_keeps),
        cmocka_unit_test(test_stripe_emulator_intents__a_key_has_a_limit),
    };

    return cmocka_run_group_tests_name("stripe_emulator_intents", tests, fixture_start, fixture_end);
}
