/* Proves that the card field stands in a page of this shop alone, that its key makes payment methods and nothing else,
 * and that the challenge works without a script and leads back to pages of this shop alone. */
#include "services/stripe_emulator/test_stripe_emulator_fixture.h"

#define SHOP "http://localhost:3000"
#define SHOP_ENCODED "http%3A%2F%2Flocalhost%3A3000"
#define GOOD_CARD "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2034&card[cvc]=123"

static bool shows(struct http_client_response answer, const char *text)
{
    return str_find(answer.body, str_from_cstr(text)) >= 0;
}

/* -- The card field ------------------------------------------------------------------------------------------------ */

#define FIELD "/card-field?origin="

static const char *publishable_key(void)
{
    static struct psp_secrets secrets;
    char message[512];

    if (!secrets.secret_key)
        assert_int_equal(psp_secrets_open(fixture.host->options.config, NULL, &secrets, message), 0);
    return secrets.publishable_key;
}

/* A request as a page of the shop makes it: with the key that everybody may read. */
static struct http_client_response ask_publicly(enum http_method method, const char *path, const char *body)
{
    const struct http_header headers[] = {
        {STR("Authorization"), str_from_cstr(TEXT("Bearer %s", publishable_key()))},
        {STR("Content-Type"), STR("application/x-www-form-urlencoded")},
    };
    const struct http_client_request request = {
        .method = method,
        .url = str_from_cstr(TEXT("%s%s", test_emulator_url(&fixture), path)),
        .headers = headers,
        .header_count = 2,
        .body = str_from_cstr(body),
        .timeout_ms = 20000,
        .body_bytes_max = 1 << 20,
    };
    struct http_client_response response = {0};

    assert_int_equal(http_client_fetch(fixture.host->http_client, fixture.arena, &request, &response), 0);
    return response;
}

/* It stands in a frame of that one origin, runs its own files alone, and says what its fields are for. */
static void test_stripe_emulator_pages__the_card_field_is_for_one_origin(void **state)
{
    static const char *const origins[][2] = {
        {SHOP_ENCODED, SHOP},
        {"https%3A%2F%2Flocalhost", "https://localhost"},
        {"http%3A%2F%2F127.0.0.1%3A8080", "http://127.0.0.1:8080"},
        {"http%3A%2F%2F%5B%3A%3A1%5D%3A3000", "http://[::1]:3000"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        struct http_client_response page = ask(HTTP_GET, TEXT(FIELD "%s", origins[i][0]), NULL);
        assert_int_equal(page.status, 200);
        assert_true(shows(page, TEXT("data-origin=\"%s\"", origins[i][1])));
        assert_string_equal(
            header_of(page, "content-security-policy"),
            TEXT("default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri "
                 "'none'; form-action 'self' ; frame-ancestors %s",
                 origins[i][1]));
        assert_string_equal(header_of(page, "referrer-policy"), "no-referrer");
        assert_string_equal(header_of(page, "cache-control"), "no-store");
        assert_true(shows(page, "autocomplete=\"cc-number\"") && shows(page, "autocomplete=\"cc-exp\""));
        assert_true(shows(page, "autocomplete=\"cc-csc\"") && shows(page, "aria-describedby=\"number-error\""));
        assert_false(shows(page, "<style") || shows(page, "style=") || shows(page, "onclick"));
        assert_true(shows(page, TEXT("data-key=\"%s\"", publishable_key())));
        assert_false(shows(page, TEST_SECRET_KEY));
    }
    assert_string_equal(header_of(ask(HTTP_GET, "/card_field.js", NULL), "content-type"),
                        "text/javascript; charset=utf-8");
    assert_string_equal(header_of(ask(HTTP_GET, "/pages.css", NULL), "content-type"), "text/css; charset=utf-8");
}

static void test_stripe_emulator_pages__no_other_origin_gets_a_card_field(void **state)
{
    static const char *const origins[] = {
        "",
        "https%3A%2F%2Fevil.example",
        "http%3A%2F%2Flocalhost.evil.example",
        "http%3A%2F%2Flocalhost%3A3000.evil.example",
        "http%3A%2F%2Flocalhost%40evil.example",
        "http%3A%2F%2Flocalhost%3A3000%2F",
        "http%3A%2F%2Flocalhost%3A3000%20https%3A%2F%2Fevil.example",
        "http%3A%2F%2Flocalhost%3A3000%3Bscript-src%20*",
        "http%3A%2F%2Flocalhost%3A3000%0D%0ASet-Cookie%3Aa",
        "https%3A%2F%2Fshop.example",
        "null",
        "%zz",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        struct http_client_response page = ask(HTTP_GET, TEXT(FIELD "%s", origins[i]), NULL);
        assert_int_equal(page.status, 400);
        assert_false(shows(page, "cc-number"));
        assert_non_null(strstr(header_of(page, "content-security-policy"), "frame-ancestors 'none'"));
    }
    assert_int_equal(ask(HTTP_GET, TEXT(FIELD "%s%%2F%0500d", SHOP_ENCODED, 1), NULL).status, 400);
}

/* The shop's own public address is one that it may be shown at, and nothing that begins like it is. */
static void test_stripe_emulator_pages__the_public_address_is_the_shops(void **state)
{
    static const char *const refused[] = {"https%3A%2F%2Fshop.example%3A8443", "http%3A%2F%2Fshop.example",
                                          "https%3A%2F%2Fshop.example.evil.example", "https%3A%2F%2Fshop.exampl"};
    const char *before = fixture.host->options.public_url;

    (void)state;
    fixture.host->options.public_url = "https://shop.example/";
    struct http_client_response page = ask(HTTP_GET, FIELD "https%3A%2F%2Fshop.example", NULL);
    bool is_shown = page.status == 200 &&
                    strstr(header_of(page, "content-security-policy"), "frame-ancestors https://shop.example");
    int shown = 0;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        shown += ask(HTTP_GET, TEXT(FIELD "%s", refused[i]), NULL).status == 200;
    fixture.host->options.public_url = before;
    assert_true(is_shown);
    assert_int_equal(shown, 0);
}

/* With the publishable key a page makes a payment method, from wherever it is, and does nothing else. */
static void test_stripe_emulator_pages__the_publishable_key_makes_methods_alone(void **state)
{
    struct http_client_response method = ask_publicly(HTTP_POST, "/v1/payment_methods", "type=card&" GOOD_CARD);
    const char *id = text_of(method, "/id");

    (void)state;
    assert_int_equal(strncmp(publishable_key(), "pk_test_", 8), 0);
    assert_int_equal(method.status, 200);
    assert_string_equal(header_of(method, "access-control-allow-origin"), "*");
    assert_string_equal(text_of(method, "/card/last4"), "4242");
    assert_error(ask_publicly(HTTP_GET, TEXT("/v1/payment_methods/%s", id), NULL), 401, "secret_key_required", "");
    assert_error(ask_publicly(HTTP_POST, INTENTS, EUR_20), 401, "secret_key_required", "");
    assert_error(ask_publicly(HTTP_GET, "/v1/events", NULL), 401, "secret_key_required", "");
    struct http_client_response allowed = ask(HTTP_OPTIONS, "/v1/payment_methods", NULL);
    assert_int_equal(allowed.status, 200);
    assert_non_null(strstr(header_of(allowed, "access-control-allow-headers"), "Authorization"));
    assert_string_equal(text_of(pay(id, false), "/status"), "succeeded");
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
    assert_true(shows(page, "Visa ending in 3184"));
    assert_non_null(strstr(header_of(page, "content-security-policy"), "form-action 'self' " SHOP));
    assert_non_null(strstr(header_of(page, "content-security-policy"), "frame-ancestors 'none'"));
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
        cmocka_unit_test(test_stripe_emulator_pages__the_card_field_is_for_one_origin),
        cmocka_unit_test(test_stripe_emulator_pages__no_other_origin_gets_a_card_field),
        cmocka_unit_test(test_stripe_emulator_pages__the_public_address_is_the_shops),
        cmocka_unit_test(test_stripe_emulator_pages__the_publishable_key_makes_methods_alone),
        cmocka_unit_test(test_stripe_emulator_pages__approved_the_money_is_held),
        cmocka_unit_test(test_stripe_emulator_pages__refused_nothing_is_held),
        cmocka_unit_test(test_stripe_emulator_pages__approved_and_declined),
        cmocka_unit_test(test_stripe_emulator_pages__a_foreign_return_address_is_not_followed),
        cmocka_unit_test(test_stripe_emulator_pages__the_secret_opens_a_challenge),
    };

    return cmocka_run_group_tests_name("stripe_emulator_pages", tests, fixture_start, fixture_end);
}
