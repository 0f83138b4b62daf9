/* Proves each row of the table of statuses, and that everything else is refused: with the real catalog, the real
 * payments service and the provider's emulator behind it. */
#include "platform/ports/mail/mail.h"
#include "services/orders/test_orders_fixture.h"

#define ON_HAND 50
#define PRICE 1000

/* An order of two units of an article of its own. */
struct placed {
    const char *sku, *id, *payment_id;
    struct shopper customer;
};

static struct placed place_with(const char *card, int wait_s, const char *expected)
{
    struct placed placed = {.sku = fixture_sku(PRICE, ON_HAND, NULL), .customer = fixture_customer()};
    struct test_answer order =
        place(placed.customer, (struct wish){.items = item(placed.sku, 2), .card = card}, wait_s);

    assert_int_equal(order.status, 201);
    assert_string_equal(fixture_text(order, "/status"), expected);
    placed.id = fixture_text(order, "/id");
    placed.payment_id = fixture_text(order, "/payment/id");
    return placed;
}

static struct placed place_confirmed(void)
{
    return place_with("pm_card_visa", FIXTURE_WAIT_S, "confirmed");
}

static struct test_answer give_back(const struct placed *placed, int64_t amount)
{
    return fixture_ask((struct question){.method = HTTP_POST,
                                         .path = TEXT("/api/payments/v1/payments/%s/refunds", placed->payment_id),
                                         .who = fixture_staff(ROLE_SUPPORT),
                                         .key = new_key(),
                                         .body = amount ? TEXT("{\"amount\":%" PRId64 "}", amount) : "{}"});
}

static void assert_status(const struct placed *placed, const char *status)
{
    assert_string_equal(fixture_text(read_order(placed->customer, placed->id), "/status"), status);
}

/* -- The rows ------------------------------------------------------------------------------------------------------ */

static void test_orders_status__placed_is_pending_and_becomes_confirmed(void **state)
{
    struct placed placed = place_with("pm_card_visa", 0, "pending");

    (void)state;
    await_order(placed.id, "/status", "confirmed");
    struct test_answer order = read_order(placed.customer, placed.id);
    assert_string_equal(fixture_text(order, "/payment/status"), "captured");
    assert_string_equal(fixture_text(order, "/failure"), "");
    assert_stock(placed.sku, ON_HAND - 2, 0);
}

static void test_orders_status__declined_is_failed_and_gives_its_stock_back(void **state)
{
    struct placed placed = place_with("pm_card_chargeDeclinedInsufficientFunds", FIXTURE_WAIT_S, "failed");
    struct test_answer order = read_order(placed.customer, placed.id);

    (void)state;
    assert_string_equal(fixture_text(order, "/failure/code"), "insufficient_funds");
    assert_string_equal(fixture_text(order, "/failure/message"), "Your card has insufficient funds.");
    assert_stock(placed.sku, ON_HAND, 0);
}

/* The customer's decision on the bank's page. */
static void answer_challenge(struct placed placed, const char *decision)
{
    const char *url = fixture_text(read_order(placed.customer, placed.id), "/payment/next_action/redirect_to_url/url");
    const char *path = strstr(url, "/challenge/"), *secret = strchr(url, '?');

    assert_non_null(path);
    assert_non_null(secret);
    const char *form = TEXT("%s&decision=%s", secret + 1, decision);
    path = arena_cstr(fixture.arena, str_from(path, (size_t)(secret - path)));
    assert_int_equal(test_emulator_ask(&fixture, HTTP_POST, path, form, NULL).status, 303);
}

/* A refused challenge ends the payment, too: the order shows no payment that still waits for somebody. */
static void test_orders_status__a_refused_challenge_leaves_no_open_payment(void **state)
{
    struct placed placed = place_with("pm_card_authenticationRequired", 0, "pending");

    (void)state;
    await_order(placed.id, "/payment/status", "requires_action");
    answer_challenge(placed, "refuse");
    await_order(placed.id, "/status", "failed");
    assert_string_equal(fixture_text(read_order(placed.customer, placed.id), "/payment/status"), "failed");
    assert_string_equal(fixture_text(read_order(placed.customer, placed.id), "/payment/next_action"), "");
    assert_stock(placed.sku, ON_HAND, 0);
}

/* Waits with stock reserved until the customer has authenticated; then goes on by the provider's event. */
static void test_orders_status__pending_waits_for_the_customer(void **state)
{
    struct placed placed = place_with("pm_card_authenticationRequired", 0, "pending");

    (void)state;
    await_order(placed.id, "/payment/status", "requires_action");
    struct test_answer order = read_order(placed.customer, placed.id);
    assert_string_equal(fixture_text(order, "/status"), "pending");
    assert_string_equal(fixture_text(order, "/payment/next_action/type"), "redirect_to_url");
    assert_stock(placed.sku, ON_HAND, 2);
    answer_challenge(placed, "approve");
    await_order(placed.id, "/status", "confirmed");
    assert_string_equal(fixture_text(read_order(placed.customer, placed.id), "/payment/next_action"), "");
    assert_stock(placed.sku, ON_HAND - 2, 0);
}

/* An article that is removed while an order holds it is delivered with that order; a cart that has it is told. */
static void test_orders_status__an_order_outlives_the_removal_of_its_article(void **state)
{
    const char *code = TEXT("LEAVES-%d", fixture_number());
    const Catalog__Product *product = test_catalog_create(
        &fixture, &(struct test_product){.title = code, .code = code, .amount = PRICE, .available = ON_HAND});
    const char *sku = product->skus[0]->id, *path = TEXT("/api/catalog/v1/products/%s", product->id);
    struct shopper merchandiser = fixture_staff(ROLE_MERCHANDISER);
    struct placed placed = {.sku = sku, .customer = fixture_customer()};
    struct question to_cart = {.method = HTTP_POST, .path = CART_ITEMS, .who = placed.customer, .body = item(sku, 1)};

    (void)state;
    placed.id = fixture_text(
        place(placed.customer, (struct wish){.items = item(sku, 2), .card = "pm_card_authenticationRequired"}, 0),
        "/id");
    await_order(placed.id, "/payment/status", "requires_action");
    assert_stock(sku, ON_HAND, 2);
    const char *cart_id = fixture_text(fixture_ask(to_cart), "/id");
    struct question edit = {.method = HTTP_PATCH,
                            .path = path,
                            .who = merchandiser,
                            .if_match = "\"1\"",
                            .body = TEXT("{\"skus\":[{\"code\":\"%s-2\"}]}", code)};
    assert_int_equal(fixture_ask(edit).status, 200);
    edit = (struct question){
        .method = HTTP_DELETE, .path = TEXT("%s/skus/%s", path, sku), .who = merchandiser, .if_match = "\"2\""};
    assert_int_equal(fixture_ask(edit).status, 200);
    struct test_answer refused = place(placed.customer, (struct wish){.cart_id = cart_id}, 0);
    assert_refused(refused, 400, "no_such_sku", "/cart_id");
    assert_non_null(strstr(fixture_text(refused, "/detail"), sku));
    answer_challenge(placed, "approve");
    await_order(placed.id, "/status", "confirmed");
    struct test_answer order = act_on(placed.customer, placed.id, "cancel");
    assert_string_equal(fixture_text(order, "/status"), "cancelled");
    assert_string_equal(fixture_text(order, "/lines/0/title"), code);
}

static void test_orders_status__pending_is_cancelled_with_everything_back(void **state)
{
    struct placed placed = place_with("pm_card_authenticationRequired", 0, "pending");

    (void)state;
    await_order(placed.id, "/payment/status", "requires_action");
    struct test_answer answer = act_on(placed.customer, placed.id, "cancel");
    assert_int_equal(answer.status, 200);
    assert_string_equal(fixture_text(answer, "/status"), "cancelled");
    assert_string_equal(fixture_text(answer, "/payment/next_action"), "");
    assert_stock(placed.sku, ON_HAND, 0);
}

static void test_orders_status__confirmed_is_cancelled_with_everything_back_once(void **state)
{
    struct placed placed = place_confirmed();

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct test_answer answer = act_on(placed.customer, placed.id, "cancel");
        assert_int_equal(answer.status, 200);
        assert_string_equal(fixture_text(answer, "/status"), "cancelled");
        assert_string_equal(fixture_text(answer, "/payment/status"), "refunded");
        assert_stock(placed.sku, ON_HAND, 0);
    }
    struct test_answer payment = fixture_ask((struct question){
        .path = TEXT("/api/payments/v1/payments/%s", placed.payment_id), .who = fixture_staff(ROLE_ADMIN)});
    assert_int_equal(fixture_int(payment, "/refunded/amount"), 2 * PRICE + 390);
}

static void at_provider(const char *faults)
{
    assert_int_equal(test_emulator_ask(&fixture, HTTP_POST, "/test/faults", faults, NULL).status, 200);
}

/* Nobody sends what is being cancelled, and nobody is told that it is over before the money is back. */
static void test_orders_status__a_cancellation_lasts_until_the_money_is_back(void **state)
{
    struct placed placed = place_with("pm_card_pendingRefund", FIXTURE_WAIT_S, "confirmed");
    struct question cancel = {
        .method = HTTP_POST, .path = TEXT(ORDERS "/%s/cancel", placed.id), .who = placed.customer, .wait_s = 1};

    (void)state;
    at_provider("{\"refund_turn_ms\":3000}");
    struct test_answer answer = fixture_ask(cancel);
    assert_int_equal(answer.status, 200);
    assert_string_equal(fixture_text(answer, "/status"), "confirmed");
    assert_string_equal(fixture_text(answer, "/cancel_requested"), "true");
    assert_string_equal(fixture_text(answer, "/payment/status"), "captured");
    assert_stock(placed.sku, ON_HAND - 2, 0);
    answer = act_on(fixture_staff(ROLE_SUPPORT), placed.id, "fulfil");
    assert_refused(answer, 409, "not_fulfillable", NULL);
    assert_non_null(strstr(fixture_text(answer, "/detail"), "is being cancelled"));
    await_order(placed.id, "/status", "cancelled");
    answer = read_order(placed.customer, placed.id);
    assert_string_equal(fixture_text(answer, "/payment/status"), "refunded");
    assert_string_equal(fixture_text(answer, "/cancel_requested"), "");
    assert_stock(placed.sku, ON_HAND, 0);
    at_provider("{\"refund_turn_ms\":0}");
}

/* The bank sends a refund back: the order says so of its payment, and has ended as it has. */
static void test_orders_status__money_that_comes_back_is_shown(void **state)
{
    struct placed sent = place_with("pm_card_refundFail", FIXTURE_WAIT_S, "confirmed");
    struct placed cancelled = place_with("pm_card_refundFail", FIXTURE_WAIT_S, "confirmed");

    (void)state;
    assert_int_equal(act_on(fixture_staff(ROLE_SUPPORT), sent.id, "fulfil").status, 200);
    assert_int_equal(give_back(&sent, 0).status, 201);
    await_order(sent.id, "/status", "refunded");
    await_order(sent.id, "/payment/status", "captured");
    assert_status(&sent, "refunded");
    struct test_answer answer = act_on(cancelled.customer, cancelled.id, "cancel");
    assert_string_equal(fixture_text(answer, "/status"), "cancelled");
    await_order(cancelled.id, "/payment/status", "captured");
    assert_status(&cancelled, "cancelled");
    assert_stock(cancelled.sku, ON_HAND, 0);
}

static void test_orders_status__confirmed_is_fulfilled_by_staff_alone(void **state)
{
    struct placed placed = place_confirmed();

    (void)state;
    assert_int_equal(act_on(placed.customer, placed.id, "fulfil").status, 403);
    assert_int_equal(act_on((struct shopper){0}, placed.id, "fulfil").status, 401);
    struct test_answer answer = act_on(fixture_staff(ROLE_MERCHANDISER), placed.id, "fulfil");
    assert_int_equal(answer.status, 200);
    assert_string_equal(fixture_text(answer, "/status"), "fulfilled");
    assert_stock(placed.sku, ON_HAND - 2, 0);
}

static void test_orders_status__fulfilled_is_refunded_when_all_went_back(void **state)
{
    struct placed placed = place_confirmed();

    (void)state;
    assert_int_equal(act_on(fixture_staff(ROLE_SUPPORT), placed.id, "fulfil").status, 200);
    assert_int_equal(give_back(&placed, PRICE).status, 201);
    await_order(placed.id, "/payment/status", "partially_refunded");
    assert_status(&placed, "fulfilled");
    assert_int_equal(give_back(&placed, 0).status, 201);
    await_order(placed.id, "/status", "refunded");
    assert_stock(placed.sku, ON_HAND - 2, 0); /* what was sent does not come back by itself */
}

/* -- Everything else ----------------------------------------------------------------------------------------------- */

static struct placed place_in(const char *status)
{
    if (strcmp(status, "pending") == 0)
        return place_with("pm_card_authenticationRequired", 0, "pending");
    if (strcmp(status, "failed") == 0)
        return place_with("pm_card_chargeDeclined", FIXTURE_WAIT_S, "failed");
    struct placed placed = place_confirmed();
    if (strcmp(status, "cancelled") == 0)
        act_on(placed.customer, placed.id, "cancel");
    if (strcmp(status, "fulfilled") == 0 || strcmp(status, "refunded") == 0)
        act_on(fixture_staff(ROLE_SUPPORT), placed.id, "fulfil");
    if (strcmp(status, "refunded") == 0) {
        assert_int_equal(give_back(&placed, 0).status, 201);
        await_order(placed.id, "/status", "refunded");
    }
    assert_status(&placed, status);
    return placed;
}

static void test_orders_status__no_other_move_is_possible(void **state)
{
    static const struct {
        const char *from, *action, *code; /* NULL: nothing changes, and that is no error */
    } moves[] = {
        {"pending", "fulfil", "not_fulfillable"},
        {"failed", "fulfil", "not_fulfillable"},
        {"cancelled", "fulfil", "not_fulfillable"},
        {"fulfilled", "fulfil", "not_fulfillable"},
        {"refunded", "fulfil", "not_fulfillable"},
        {"failed", "cancel", "not_cancellable"},
        {"fulfilled", "cancel", "not_cancellable"},
        {"refunded", "cancel", "not_cancellable"},
        {"cancelled", "cancel", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        struct placed placed = place_in(moves[i].from);
        struct test_answer answer = act_on(fixture_staff(ROLE_SUPPORT), placed.id, moves[i].action);
        if (moves[i].code)
            assert_refused(answer, 409, moves[i].code, NULL);
        else
            assert_int_equal(answer.status, 200);
        assert_status(&placed, moves[i].from);
    }
}

/* Money that went back before the goods were sent: nobody sends them any more. */
static void test_orders_status__what_is_not_paid_is_not_fulfilled(void **state)
{
    struct placed placed = place_confirmed();

    (void)state;
    assert_int_equal(give_back(&placed, 0).status, 201);
    await_order(placed.id, "/payment/status", "refunded");
    assert_status(&placed, "confirmed");
    assert_refused(act_on(fixture_staff(ROLE_SUPPORT), placed.id, "fulfil"), 409, "not_fulfillable", NULL);
}

static void test_orders_status__a_stale_version_is_not_fulfilled(void **state)
{
    struct placed placed = place_confirmed();
    struct question question = {.method = HTTP_POST,
                                .path = TEXT(ORDERS "/%s/fulfil", placed.id),
                                .who = fixture_staff(ROLE_SUPPORT),
                                .if_match = "\"1\""};

    (void)state;
    assert_refused(fixture_ask(question), 412, "stale_version", NULL);
    struct test_answer order = read_order(question.who, placed.id);
    question.if_match = test_host_header(&fixture, &order, "ETag");
    assert_int_equal(fixture_ask(question).status, 200);
}

static void test_orders_status__nobody_moves_the_order_of_another(void **state)
{
    struct placed placed = place_confirmed();

    (void)state;
    assert_refused(act_on(fixture_customer(), placed.id, "cancel"), 404, "no_such_order", NULL);
    assert_refused(act_on(fixture_staff(ROLE_SUPPORT), "0190b7b2-0000-7000-8000-000000000000", "fulfil"), 404,
                   "no_such_order", NULL);
    assert_status(&placed, "confirmed");
}

/* -- What the customer is told ------------------------------------------------------------------------------------- */

struct expected_mail {
    const char *order_id, *subject, *sentence;
};

static bool mail_is_there(void *context)
{
    const struct expected_mail *expected = context;
    struct mail_stored *stored = NULL;
    struct str bytes;
    size_t count = 0;

    assert_int_equal(mail_list(fixture.host->mail, 100, fixture.arena, &stored, &count), 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(mail_read(fixture.host->mail, stored[i].id, fixture.arena, &bytes), 0);
        if (str_find(bytes, str_from_cstr(expected->order_id)) >= 0 &&
            str_find(bytes, str_from_cstr(expected->subject)) >= 0 &&
            str_find(bytes, str_from_cstr(expected->sentence)) >= 0)
            return true;
    }
    return false;
}

static void test_orders_status__the_customer_is_told_of_each_end(void **state)
{
    struct placed confirmed = place_confirmed();
    struct placed failed = place_with("pm_card_chargeDeclined", FIXTURE_WAIT_S, "failed");
    struct expected_mail mails[] = {
        {confirmed.id, "Subject: Your order is confirmed", "Total: 23.90 EUR"},
        {failed.id, "Subject: Your order could not be completed", "Your card was declined."},
        {confirmed.id, "Subject: Your order is cancelled", "on its way back"},
    };

    (void)state;
    assert_int_equal(act_on(confirmed.customer, confirmed.id, "cancel").status, 200);
    for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
        if (!test_host_await(mail_is_there, &mails[i]))
            fail_msg("no mail \"%s\"", mails[i].subject);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_status__placed_is_pending_and_becomes_confirmed),
        cmocka_unit_test(test_orders_status__declined_is_failed_and_gives_its_stock_back),
        cmocka_unit_test(test_orders_status__a_refused_challenge_leaves_no_open_payment),
        cmocka_unit_test(test_orders_status__pending_waits_for_the_customer),
        cmocka_unit_test(test_orders_status__an_order_outlives_the_removal_of_its_article),
        cmocka_unit_test(test_orders_status__pending_is_cancelled_with_everything_back),
        cmocka_unit_test(test_orders_status__confirmed_is_cancelled_with_everything_back_once),
        cmocka_unit_test(test_orders_status__a_cancellation_lasts_until_the_money_is_back),
        cmocka_unit_test(test_orders_status__money_that_comes_back_is_shown),
        cmocka_unit_test(test_orders_status__confirmed_is_fulfilled_by_staff_alone),
        cmocka_unit_test(test_orders_status__fulfilled_is_refunded_when_all_went_back),
        cmocka_unit_test(test_orders_status__no_other_move_is_possible),
        cmocka_unit_test(test_orders_status__what_is_not_paid_is_not_fulfilled),
        cmocka_unit_test(test_orders_status__a_stale_version_is_not_fulfilled),
        cmocka_unit_test(test_orders_status__nobody_moves_the_order_of_another),
        cmocka_unit_test(test_orders_status__the_customer_is_told_of_each_end),
    };

    return cmocka_run_group_tests_name("orders_status", tests, fixture_start, fixture_end);
}
