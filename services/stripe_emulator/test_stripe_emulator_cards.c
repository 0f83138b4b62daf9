/* Proves what each test card does, by name and by number, and that a number is checked and forgotten. */
#include "services/stripe_emulator/emulator.h"
#include "services/stripe_emulator/test_stripe_emulator_fixture.h"

#define METHODS "/v1/payment_methods"
#define GOOD_DATE "&card[exp_month]=12&card[exp_year]=2034&card[cvc]=123"

/* -- Numbers ------------------------------------------------------------------------------------------------------- */

static void test_stripe_emulator_cards__a_number_has_luhns_digit(void **state)
{
    static const char *const good[] = {"4242424242424242", "378282246310005", "3056930009020004", "000000000000"};
    static const char *const bad[] = {"4242424242424241",    "4242424242424",    "42424242424242424242", "",
                                      "4242 4242 4242 4242", "424242424242424x", "-42424242424242"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(card_number_is_valid(str_from_cstr(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(card_number_is_valid(str_from_cstr(bad[i])));
}

static void test_stripe_emulator_cards__names_and_numbers_find_the_same_card(void **state)
{
    static const char *const names[] = {
        "visa", "mastercard", "amex", "chargeDeclined", "chargeDeclinedExpiredCard", "authenticationRequired"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct test_card *card = card_by_name(str_from_cstr(names[i]));
        assert_non_null(card);
        assert_true(card_number_is_valid(str_from_cstr(card->number)));
        const struct test_card *same = card_by_number(str_from_cstr(card->number));
        assert_string_equal(same->number, card->number);
        assert_int_equal(same->authenticate, card->authenticate);
    }
    assert_true(str_equal(card_last4(card_by_name(STR("amex"))), STR("0005")));
    assert_null(card_by_name(STR("Visa")));
    assert_null(card_by_number(STR("4111111111111111")));
}

/* -- What they do -------------------------------------------------------------------------------------------------- */

static void test_stripe_emulator_cards__each_does_what_its_name_says(void **state)
{
    static const struct {
        const char *card, *status; /* of the intent */
        const char *code, *decline_code;
    } cards[] = {
        {"pm_card_visa", "succeeded", "", ""},
        {"pm_card_mastercard", "succeeded", "", ""},
        {"pm_card_threeDSecureOptional", "succeeded", "", ""},
        {"pm_card_authenticationRequired", "requires_action", "", ""},
        {"pm_card_threeDSecure2Required", "requires_action", "", ""},
        {"pm_card_chargeDeclined", "requires_payment_method", "card_declined", "generic_decline"},
        {"pm_card_visa_chargeDeclined", "requires_payment_method", "card_declined", "generic_decline"},
        {"pm_card_chargeDeclinedInsufficientFunds", "requires_payment_method", "card_declined", "insufficient_funds"},
        {"pm_card_chargeDeclinedLostCard", "requires_payment_method", "card_declined", "lost_card"},
        {"pm_card_radarBlock", "requires_payment_method", "card_declined", "fraudulent"},
        {"pm_card_refundFail", "succeeded", "", ""},
        {"pm_card_pendingRefund", "succeeded", "", ""},
        {"pm_card_chargeDeclinedExpiredCard", "requires_payment_method", "expired_card", "expired_card"},
        {"pm_card_chargeDeclinedIncorrectCvc", "requires_payment_method", "incorrect_cvc", "incorrect_cvc"},
        {"pm_card_chargeDeclinedProcessingError", "requires_payment_method", "processing_error", "processing_error"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
        struct http_client_response answer = pay(cards[i].card, false);
        bool is_declined = cards[i].code[0] != '\0';
        assert_int_equal(answer.status, is_declined ? 402 : 200);
        const char *where = is_declined ? "/error/payment_intent" : "";
        assert_string_equal(text_of(answer, TEXT("%s/status", where)), cards[i].status);
        assert_string_equal(text_of(answer, "/error/code"), cards[i].code);
        assert_string_equal(text_of(answer, "/error/decline_code"), cards[i].decline_code);
    }
}

static void test_stripe_emulator_cards__numbers_of_stripes_page_are_known(void **state)
{
    static const char *const numbers[][2] = {
        {"4000000000005126", "refundFail"}, {"4000000000007726", "pendingRefund"}, {"4100000000000019", "radarBlock"}};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        assert_string_equal(card_by_number(str_from_cstr(numbers[i][0]))->name, numbers[i][1]);
}

/* The provider says no itself: no bank was asked. */
static void test_stripe_emulator_cards__a_blocked_charge_never_met_a_bank(void **state)
{
    const char *charge = text_of(pay("pm_card_radarBlock", false), "/error/payment_intent/latest_charge");
    struct http_client_response blocked = retrieve("charges", charge);

    (void)state;
    assert_string_equal(text_of(blocked, "/outcome/type"), "blocked");
    assert_string_equal(text_of(blocked, "/outcome/network_status"), "not_sent_to_network");
    assert_string_equal(text_of(blocked, "/outcome/risk_level"), "highest");
    charge = text_of(pay("pm_card_chargeDeclined", false), "/error/payment_intent/latest_charge");
    assert_string_equal(text_of(retrieve("charges", charge), "/outcome/type"), "issuer_declined");
}

/* A decline leaves a failed charge, and an intent that may be tried with another card. */
static void test_stripe_emulator_cards__after_a_decline_another_card_may_pay(void **state)
{
    struct http_client_response declined = pay("pm_card_chargeDeclined", false);
    const char *id = text_of(declined, "/error/payment_intent/id");

    (void)state;
    assert_string_equal(text_of(declined, "/error/type"), "card_error");
    struct http_client_response charge = retrieve("charges", text_of(declined, "/error/charge"));
    assert_string_equal(text_of(charge, "/status"), "failed");
    assert_string_equal(text_of(charge, "/paid"), "false");
    assert_string_equal(text_of(charge, "/outcome/type"), "issuer_declined");
    assert_string_equal(text_of(retrieve("payment_intents", id), "/last_payment_error/code"), "card_declined");
    assert_error(act(id, "confirm", ""), 400, "payment_intent_unexpected_state", "");
    struct http_client_response paid = act(id, "confirm", "payment_method=pm_card_visa");
    assert_string_equal(text_of(paid, "/status"), "succeeded");
    assert_string_equal(text_of(paid, "/last_payment_error"), "null");
}

static void test_stripe_emulator_cards__one_that_nobody_knows_is_missing(void **state)
{
    (void)state;
    assert_error(pay("pm_card_nobody", false), 404, "resource_missing", "payment_method");
    assert_error(pay("pm_1unknown", false), 404, "resource_missing", "payment_method");
}

/* -- Payment methods ----------------------------------------------------------------------------------------------- */

static void test_stripe_emulator_cards__a_number_becomes_a_method_without_it(void **state)
{
    struct http_client_response method =
        ask(HTTP_POST, METHODS, "type=card&card[number]=4000 0000-0000 9995" GOOD_DATE);

    (void)state;
    assert_int_equal(method.status, 200);
    assert_string_equal(text_of(method, "/card/last4"), "9995");
    assert_string_equal(text_of(method, "/card/brand"), "visa");
    assert_int_equal(int_of(method, "/card/exp_year"), 2034);
    assert_true(str_find(method.body, STR("4000")) < 0);
    const char *id = text_of(method, "/id");
    assert_string_equal(text_of(retrieve("payment_methods", id), "/card/last4"), "9995");
    struct http_client_response answer = pay(id, false);
    assert_string_equal(text_of(answer, "/error/decline_code"), "insufficient_funds");
    assert_error(retrieve("payment_methods", "pm_1unknown"), 404, "resource_missing", "payment_method");
}

static void test_stripe_emulator_cards__what_was_mistyped_is_named(void **state)
{
    static const struct {
        const char *card, *code, *param;
    } cases[] = {
        {"card[number]=4242424242424241" GOOD_DATE, "incorrect_number", "number"},
        {"card[number]=42" GOOD_DATE, "incorrect_number", "number"},
        {"card[number]=424242424242424242424242424242424242" GOOD_DATE, "incorrect_number", "number"},
        {"card[number]=4111111111111111" GOOD_DATE, "card_declined", "number"},
        {"card[number]=4242424242424242&card[exp_month]=13&card[exp_year]=2034", "invalid_expiry_month", "exp_month"},
        {"card[number]=4242424242424242&card[exp_year]=2034", "invalid_expiry_month", "exp_month"},
        {"card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=2019", "invalid_expiry_year", "exp_year"},
        {"card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=soon", "invalid_expiry_year", "exp_year"},
        {"card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=34&card[cvc]=12", "invalid_cvc", "cvc"},
        {"card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=34&card[cvc]=abc", "invalid_cvc", "cvc"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_client_response answer = ask(HTTP_POST, METHODS, TEXT("type=card&%s", cases[i].card));
        assert_error(answer, 402, cases[i].code, cases[i].param);
        assert_string_equal(text_of(answer, "/error/type"), "card_error");
        assert_true(str_find(answer.body, STR("42424")) < 0); /* the number is not repeated */
    }
    assert_error(ask(HTTP_POST, METHODS, "card[number]=4242424242424242" GOOD_DATE), 400, "parameter_missing", "type");
}

static const char *new_method(const char *number)
{
    return text_of(ask(HTTP_POST, METHODS, TEXT("type=card&card[number]=%s" GOOD_DATE, number)), "/id");
}

struct looking {
    struct str fingerprint;
};

static int read_fingerprint(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement statement = {
        "test_fingerprint", "SELECT fingerprint FROM request_keys WHERE request_key = 'key-card'"};
    struct looking *looking = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    assert_int_equal(sql_query_row(tx, &statement, SQL_NO_ARGS, &rows), 1);
    looking->fingerprint = arena_copy(fixture.arena, sql_get_text(rows, 0));
    return 0;
}

static const struct sql_statement forget_key = {"test_forget_key",
                                                "DELETE FROM request_keys WHERE request_key = 'key-card'"};

static int run_forget(struct sql_tx *tx, void *argument)
{
    (void)argument;
    return sql_exec(tx, &forget_key, SQL_NO_ARGS, NULL);
}

/* What the key of a request keeps of it, when a card is made of these. */
static struct str fingerprint_of_card(const char *number, const char *cvc, const char *year)
{
    struct sql_db *db = host_instance(fixture.host, "stripe_emulator")->db;
    struct looking looking;
    const char *body =
        TEXT("type=card&card[number]=%s&card[exp_month]=12&card[exp_year]=%s&card[cvc]=%s", number, year, cvc);
    struct http_client_response method = ask_with_key(METHODS, body, "key-card");
    assert_int_equal(method.status, 200);
    assert_true(str_find(method.body, STR("cvc\":")) < 0 && str_find(method.body, str_from_cstr(cvc)) < 0);
    assert_int_equal(sql_read(db, read_fingerprint, &looking), 0);
    assert_int_equal(sql_write(db, run_forget, NULL), 0);
    return looking.fingerprint;
}

/* Neither the number nor the code can be guessed from what is kept: it is the same for all of them. */
static void test_stripe_emulator_cards__no_code_is_kept_not_even_in_a_hash(void **state)
{
    (void)state;
    struct str kept = fingerprint_of_card("4242424242424242", "8173", "2034");
    assert_true(str_equal(kept, fingerprint_of_card("4242424242424242", "9264", "2034")));
    assert_true(str_equal(kept, fingerprint_of_card("4000056655665556", "8173", "2034")));
    assert_false(str_equal(kept, fingerprint_of_card("4242424242424242", "8173", "2035")));
}

/* One payment a method, as long as it belongs to nobody. */
static void test_stripe_emulator_cards__a_method_pays_once(void **state)
{
    const char *id = new_method("4242424242424242"), *asked = new_method("4000002760003184");
    struct http_client_response paid = pay(id, true);

    (void)state;
    assert_string_equal(text_of(paid, "/status"), "requires_capture");
    assert_error(pay(id, true), 400, "", "payment_method");
    assert_non_null(strstr(text_of(pay(id, true), "/error/message"), "It may not be used again."));
    assert_int_equal(act(text_of(paid, "/id"), "capture", "").status, 200);
    assert_error(ask(HTTP_POST, TEXT(METHODS "/%s/attach", id), "customer=cus_nobody"), 400, "", "payment_method");
    /* The one that waits for its owner is spoken for, and goes on with its own intent. */
    paid = pay(asked, true);
    assert_string_equal(text_of(paid, "/status"), "requires_action");
    assert_error(pay(asked, true), 400, "", "payment_method");
    assert_string_equal(text_of(act(text_of(paid, "/id"), "confirm", TEXT("payment_method=%s", asked)), "/status"),
                        "requires_action");
}

static void test_stripe_emulator_cards__a_declined_or_attached_method_pays_again(void **state)
{
    const char *declined = new_method("4000000000009995"), *id = new_method("4242424242424242");
    const char *customer = text_of(ask(HTTP_POST, "/v1/customers", "name=Ann"), "/id");

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_string_equal(text_of(pay(declined, true), "/error/decline_code"), "insufficient_funds");
    assert_int_equal(ask(HTTP_POST, TEXT(METHODS "/%s/attach", id), TEXT("customer=%s", customer)).status, 200);
    for (int i = 0; i < 2; i++)
        assert_string_equal(text_of(pay(id, false), "/status"), "succeeded");
}

static void test_stripe_emulator_cards__a_short_year_is_of_this_century(void **state)
{
    struct http_client_response method =
        ask(HTTP_POST, METHODS, "type=card&card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=34");

    (void)state;
    assert_int_equal(int_of(method, "/card/exp_year"), 2034);
}

static void test_stripe_emulator_cards__a_token_stands_for_its_card(void **state)
{
    struct http_client_response method = ask(HTTP_POST, METHODS, "type=card&card[token]=tok_amex");

    (void)state;
    assert_string_equal(text_of(method, "/card/brand"), "amex");
    assert_error(ask(HTTP_POST, METHODS, "type=card&card[token]=tok_nobody"), 404, "resource_missing", "card[token]");
}

/* -- Customers ----------------------------------------------------------------------------------------------------- */

static void test_stripe_emulator_cards__belong_to_a_customer(void **state)
{
    struct http_client_response customer =
        ask(HTTP_POST, "/v1/customers", "email=ann@example.com&name=Ann&metadata[tier]=gold");
    const char *id = text_of(customer, "/id");

    (void)state;
    assert_string_equal(text_of(retrieve("customers", id), "/email"), "ann@example.com");
    assert_string_equal(text_of(retrieve("customers", id), "/metadata/tier"), "gold");
    const char *attach = METHODS "/pm_card_visa/attach";
    struct http_client_response method = ask(HTTP_POST, attach, TEXT("customer=%s", id));
    assert_string_equal(text_of(method, "/customer"), id);
    assert_string_equal(text_of(retrieve("payment_methods", text_of(method, "/id")), "/customer"), id);
    assert_error(ask(HTTP_POST, attach, "customer=cus_nobody"), 404, "resource_missing", "customer");
    struct http_client_response gone = ask(HTTP_DELETE, TEXT("/v1/customers/%s", id), NULL);
    assert_string_equal(text_of(gone, "/deleted"), "true");
    assert_error(retrieve("customers", id), 404, "resource_missing", "id");
    assert_error(ask(HTTP_DELETE, TEXT("/v1/customers/%s", id), NULL), 404, "resource_missing", "id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stripe_emulator_cards__a_number_has_luhns_digit),
        cmocka_unit_test(test_stripe_emulator_cards__names_and_numbers_find_the_same_card),
        cmocka_unit_test(test_stripe_emulator_cards__each_does_what_its_name_says),
        cmocka_unit_test(test_stripe_emulator_cards__numbers_of_stripes_page_are_known),
        cmocka_unit_test(test_stripe_emulator_cards__a_blocked_charge_never_met_a_bank),
        cmocka_unit_test(test_stripe_emulator_cards__after_a_decline_another_card_may_pay),
        cmocka_unit_test(test_stripe_emulator_cards__one_that_nobody_knows_is_missing),
        cmocka_unit_test(test_stripe_emulator_cards__a_number_becomes_a_method_without_it),
        cmocka_unit_test(test_stripe_emulator_cards__what_was_mistyped_is_named),
        cmocka_unit_test(test_stripe_emulator_cards__no_code_is_kept_not_even_in_a_hash),
        cmocka_unit_test(test_stripe_emulator_cards__a_method_pays_once),
        cmocka_unit_test(test_stripe_emulator_cards__a_declined_or_attached_method_pays_again),
        cmocka_unit_test(test_stripe_emulator_cards__a_short_year_is_of_this_century),
        cmocka_unit_test(test_stripe_emulator_cards__a_token_stands_for_its_card),
        cmocka_unit_test(test_stripe_emulator_cards__belong_to_a_customer),
    };

    return cmocka_run_group_tests_name("stripe_emulator_cards", tests, fixture_start, fixture_end);
}
