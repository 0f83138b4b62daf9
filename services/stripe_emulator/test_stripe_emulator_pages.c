/* Proves that the hosted card field and the challenge work without a script, send people to this machine's pages alone,
 * and repeat nothing that was typed. */
#include "services/stripe_emulator/test_stripe_emulator_fixture.h"

#define SHOP "http://localhost:3000"
#define SHOP_ENCODED "http%3A%2F%2Flocalhost%3A3000"
#define GOOD_CARD "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2034&card[cvc]=123"

static bool shows(struct http_client_response answer, const char *text)
{
    return str_find(answer.body, str_from_cstr(text)) >= 0;
}

/* -- The card field ------------------------------------------------------------------------------------------------ */

static void test_stripe_emulator_pages__the_card_field_is_a_form(void **state)
{
    struct http_client_response page = ask(HTTP_GET, "/card?return_url=" SHOP_ENCODED "%2Fcheckout%3Fa%3D%22b", NULL);

    (void)state;
    assert_int_equal(page.status, 400); /* a quotation mark does not belong into an address */
    page = ask(HTTP_GET, "/card?return_url=" SHOP_ENCODED "%2Fcheckout%3Fa%3D1%26b%3D2", NULL);
    assert_int_equal(page.status, 200);
    assert_true(shows(page, "value=\"" SHOP "/checkout?a=1&amp;b=2\""));
    assert_true(shows(page, "name=\"card[number]\""));
    const char *policy = header_of(page, "content-security-policy");
    assert_non_null(strstr(policy, "default-src 'none'"));
    assert_non_null(strstr(policy, "form-action 'self' " SHOP));
    assert_non_null(strstr(policy, "frame-ancestors 'self' " SHOP));
    assert_string_equal(header_of(page, "referrer-policy"), "no-referrer");
    assert_string_equal(header_of(page, "cache-control"), "no-store");
}

/* Cards are told to a page of this machine only. */
static void test_stripe_emulator_pages__no_other_machine_gets_a_card(void **state)
{
    static const char *const places[] = {
        "",
        "?origin=https%3A%2F%2Fevil.example",
        "?origin=http%3A%2F%2Flocalhost.evil.example",
        "?origin=http%3A%2F%2Flocalhost%3A3000.evil.example",
        "?origin=http%3A%2F%2Flocalhost%40evil.example",
        "?return_url=javascript%3Aalert(1)",
        "?origin=" SHOP_ENCODED "&return_url=https%3A%2F%2Fevil.example",
        "?return_url=" SHOP_ENCODED "%2F%0D%0ASet-Cookie%3Aa",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        assert_int_equal(ask(HTTP_GET, TEXT("/card%s", places[i]), NULL).status, 400);
        const char *form = TEXT(GOOD_CARD "&%s", places[i][0] ? places[i] + 1 : "");
        struct http_client_response answer = ask(HTTP_POST, "/card", form);
        assert_int_equal(answer.status, 400);
        assert_null(header_of(answer, "location"));
    }
    assert_int_equal(ask(HTTP_GET, TEXT("/card?return_url=%s/%0500d", SHOP, 1), NULL).status, 400);
}

static void test_stripe_emulator_pages__a_card_comes_back_as_a_name(void **state)
{
    struct http_client_response answer =
        ask(HTTP_POST, "/card", GOOD_CARD "&return_url=" SHOP_ENCODED "%2Fcheckout%3Fstep%3D2");
    const char *location = header_of(answer, "location");

    (void)state;
    assert_int_equal(answer.status, 303);
    assert_int_equal(strncmp(location, SHOP "/checkout?step=2&payment_method=pm_1", 36), 0);
    const char *id = strstr(location, "payment_method=") + strlen("payment_method=");
    assert_string_equal(text_of(retrieve("payment_methods", id), "/card/last4"), "4242");
    assert_string_equal(text_of(pay(id, false), "/status"), "succeeded");
    answer = ask(HTTP_POST, "/card", GOOD_CARD "&origin=" SHOP_ENCODED);
    assert_int_equal(answer.status, 200); /* nowhere to go: it says that the page may be closed */
    assert_true(shows(answer, "Card accepted"));
}

static void test_stripe_emulator_pages__a_wrong_card_is_asked_for_again(void **state)
{
    struct http_client_response answer =
        ask(HTTP_POST, "/card",
            "card[number]=4242424242424241&card[exp_month]=12&card[exp_year]=2034&return_url=" SHOP_ENCODED "%2F");

    (void)state;
    assert_int_equal(answer.status, 402);
    assert_true(shows(answer, "This card was not accepted."));
    assert_true(shows(answer, "aria-invalid=\"true\""));
    assert_true(shows(answer, "value=\"" SHOP "/\"")); /* the way back is not lost */
    assert_false(shows(answer, "42424242"));
}

static void test_stripe_emulator_pages__the_script_is_answered_in_json(void **state)
{
    static const char *const headers[] = {"Accept", "application/json", NULL};
    struct http_client_response answer =
        test_emulator_ask(&fixture, HTTP_POST, "/card", GOOD_CARD "&origin=" SHOP_ENCODED, headers);

    (void)state;
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_of(answer, "/object"), "payment_method");
    assert_string_equal(text_of(answer, "/card/last4"), "4242");
    answer = test_emulator_ask(&fixture, HTTP_POST, "/card",
                               "card[number]=4242424242424242&card[exp_month]=0&origin=" SHOP_ENCODED, headers);
    assert_error(answer, 402, "invalid_expiry_month", "exp_month");
    assert_string_equal(header_of(ask(HTTP_GET, "/card.js", NULL), "content-type"), "text/javascript; charset=utf-8");
    assert_string_equal(header_of(ask(HTTP_GET, "/pages.css", NULL), "content-type"), "text/css; charset=utf-8");
}

/* -- The challenge ------------------------------------------------------------------------------------------------- */

struct challenge {
    const char *id, *path, *secret;
};

/* An intent that waits for the customer; return_url is encoded already, "" for none. */
static struct challenge new_challenge(const char *card, const char *return_url)
{
    struct http_client_response intent = ask(HTTP_POST, INTENTS,
                                             TEXT(EUR_20 "&confirm=true&capture_method=manual&payment_method=%s%s%s",
                                                  card, return_url[0] ? "&return_url=" : "", return_url));

    assert_string_equal(text_of(intent, "/status"), "requires_action");
    const char *id = text_of(intent, "/id");
    return (struct challenge){id, TEXT("/challenge/%s", id),
                              TEXT("payment_intent_client_secret=%s", text_of(intent, "/client_secret"))};
}

static struct http_client_response decide(struct challenge challenge, const char *decision)
{
    return ask(HTTP_POST, challenge.path, TEXT("%s&decision=%s", challenge.secret, decision));
}

static void test_stripe_emulator_pages__approved_the_money_is_held(void **state)
{
    struct challenge challenge = new_challenge("pm_card_authenticationRequired", SHOP_ENCODED "%2Forders%2F1");
    struct http_client_response page = ask(HTTP_GET, TEXT("%s?%s", challenge.path, challenge.secret), NULL);

    (void)state;
    assert_int_equal(page.status, 200);
    assert_true(shows(page, "20.00 EUR"));
    assert_true(shows(page, "value=\"approve\""));
    struct http_client_response answer = decide(challenge, "approve");
    assert_int_equal(answer.status, 303);
    const char *location = header_of(answer, "location");
    assert_int_equal(strncmp(location, SHOP "/orders/1?payment_intent=pi_", 41), 0);
    assert_non_null(strstr(location, "redirect_status=succeeded"));
    assert_string_equal(text_of(retrieve("payment_intents", challenge.id), "/status"), "requires_capture");
    /* Decided once: the link again, or another decision, leads back and changes nothing. */
    assert_int_equal(ask(HTTP_GET, TEXT("%s?%s", challenge.path, challenge.secret), NULL).status, 303);
    assert_int_equal(decide(challenge, "refuse").status, 303);
    assert_string_equal(text_of(retrieve("payment_intents", challenge.id), "/status"), "requires_capture");
}

static void test_stripe_emulator_pages__refused_nothing_is_held(void **state)
{
    struct challenge challenge = new_challenge("pm_card_threeDSecure2Required", SHOP_ENCODED "%2Forders%3Fid%3D1");
    struct http_client_response answer = decide(challenge, "refuse");

    (void)state;
    assert_non_null(strstr(header_of(answer, "location"), "/orders?id=1&payment_intent="));
    assert_non_null(strstr(header_of(answer, "location"), "redirect_status=failed"));
    struct http_client_response intent = retrieve("payment_intents", challenge.id);
    assert_string_equal(text_of(intent, "/status"), "requires_payment_method");
    assert_string_equal(text_of(intent, "/last_payment_error/code"), "payment_intent_authentication_failure");
    assert_string_equal(text_of(intent, "/latest_charge"), "null");
}

/* Some cards are declined after their owner has approved. */
static void test_stripe_emulator_pages__approved_and_declined(void **state)
{
    struct challenge challenge = new_challenge("pm_card_threeDSecureRequiredChargeDeclined", "");
    struct http_client_response answer = decide(challenge, "approve");

    (void)state;
    assert_int_equal(answer.status, 200); /* nowhere to go back to */
    assert_true(shows(answer, "Payment not approved"));
    assert_string_equal(text_of(retrieve("payment_intents", challenge.id), "/last_payment_error/code"),
                        "card_declined");
}

static void test_stripe_emulator_pages__a_foreign_return_address_is_not_followed(void **state)
{
    struct challenge challenge = new_challenge("pm_card_authenticationRequired", "https%3A%2F%2Fevil.example%2F");
    struct http_client_response answer = decide(challenge, "approve");

    (void)state;
    assert_int_equal(answer.status, 200);
    assert_null(header_of(answer, "location"));
    assert_true(shows(answer, "Payment approved"));
}

/* Whoever does not know the intent's secret learns nothing and decides nothing. */
static void test_stripe_emulator_pages__the_secret_opens_a_challenge(void **state)
{
    struct challenge challenge = new_challenge("pm_card_authenticationRequired", "");

    (void)state;
    assert_int_equal(ask(HTTP_GET, challenge.path, NULL).status, 404);
    assert_int_equal(ask(HTTP_GET, TEXT("%s?payment_intent_client_secret=wrong", challenge.path), NULL).status, 404);
    assert_int_equal(ask(HTTP_GET, TEXT("/challenge/pi_unknown?%s", challenge.secret), NULL).status, 404);
    assert_int_equal(ask(HTTP_POST, challenge.path, "decision=approve").status, 404);
    assert_int_equal(decide(challenge, "perhaps").status, 400);
    assert_string_equal(text_of(retrieve("payment_intents", challenge.id), "/status"), "requires_action");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stripe_emulator_pages__the_card_field_is_a_form),
        cmocka_unit_test(test_stripe_emulator_pages__no_other_machine_gets_a_card),
        cmocka_unit_test(test_stripe_emulator_pages__a_card_comes_back_as_a_name),
        cmocka_unit_test(test_stripe_emulator_pages__a_wrong_card_is_asked_for_again),
        cmocka_unit_test(test_stripe_emulator_pages__the_script_is_answered_in_json),
        cmocka_unit_test(test_stripe_emulator_pages__approved_the_money_is_held),
        cmocka_unit_test(test_stripe_emulator_pages__refused_nothing_is_held),
        cmocka_unit_test(test_stripe_emulator_pages__approved_and_declined),
        cmocka_unit_test(test_stripe_emulator_pages__a_foreign_return_address_is_not_followed),
        cmocka_unit_test(test_stripe_emulator_pages__the_secret_opens_a_challenge),
    };

    return cmocka_run_group_tests_name("stripe_emulator_pages", tests, fixture_start, fixture_end);
}
