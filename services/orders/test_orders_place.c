/* Proves that an order is what the shop says it is: summed, priced and limited by the shop, written whole or not at
 * all, and once. */
#include "services/orders/test_orders_fixture.h"

/* -- Lines --------------------------------------------------------------------------------------------------------- */

static void test_orders_place__lines_of_one_article_are_summed(void **state)
{
    const char *a = fixture_sku(100, 50, NULL), *b = fixture_sku(30, 50, NULL);
    struct shopper customer = fixture_customer();
    struct test_answer order =
        place(customer, (struct wish){.items = TEXT("%s,%s,%s", item(a, 1), item(b, 1), item(a, 2))}, 0);

    (void)state;
    assert_int_equal(order.status, 201);
    assert_int_equal(test_json_count(order.body, "/lines"), 2);
    assert_string_equal(fixture_text(order, "/lines/0/sku_id"), a);
    assert_int_equal(fixture_int(order, "/lines/0/quantity"), 3);
    assert_int_equal(fixture_int(order, "/lines/0/line_total/amount"), 300);
    assert_int_equal(fixture_int(order, "/lines/1/line_total/amount"), 30);
    assert_int_equal(fixture_int(order, "/shipping/price/amount"), 390);
    assert_int_equal(fixture_int(order, "/total/amount"), 300 + 30 + 390);
    assert_string_equal(fixture_text(order, "/total/currency"), "EUR");
}

static void test_orders_place__the_sum_of_its_lines_must_be_in_stock(void **state)
{
    const char *few = fixture_sku(100, 5, NULL), *plenty = fixture_sku(100, 50, NULL);
    struct shopper customer = fixture_customer();
    const char *items = TEXT("%s,%s,%s", item(plenty, 1), item(few, 3), item(few, 3));
    struct test_answer answer = place(customer, (struct wish){.items = items}, 0);

    (void)state;
    /* It points at where the client asked for the article first. */
    assert_refused(answer, 409, "out_of_stock", "/items/1");
    assert_non_null(strstr(fixture_text(answer, "/detail"), "Only 5 of"));
    answer = fixture_ask((struct question){.path = ORDERS, .who = customer});
    assert_int_equal(test_json_count(answer.body, "/orders"), 0);
    assert_stock(few, 5, 0);
    assert_stock(plenty, 50, 0);
    assert_int_equal(place(customer, (struct wish){.items = TEXT("%s,%s", item(few, 3), item(few, 2))}, 0).status, 201);
}

/* One order is in one currency: the one that is asked for, or the shop's; nothing is converted. */
static void test_orders_place__mixed_currencies_are_refused(void **state)
{
    const char *euros = fixture_sku(100, 5, NULL), *dollars = fixture_sku(100, 5, "USD");
    struct shopper customer = fixture_customer();
    struct test_answer answer =
        place(customer, (struct wish){.items = TEXT("%s,%s", item(euros, 1), item(dollars, 1))}, 0);

    (void)state;
    assert_int_equal(answer.status, 400);
    assert_string_equal(fixture_text(answer, "/code"), "no_price_in_currency");
    /* Alone it is ordered in its own. */
    answer = place(customer, (struct wish){.items = item(dollars, 1)}, 0);
    assert_int_equal(answer.status, 201);
    assert_string_equal(fixture_text(answer, "/total/currency"), "USD");
    assert_int_equal(fixture_int(answer, "/total/amount"), 100 + 429);
}

static void test_orders_place__what_nobody_sells_is_refused(void **state)
{
    const char *sku = fixture_sku(100, 5, NULL);

    (void)state;
    assert_refused(place(fixture_customer(), (struct wish){.items = TEXT("%s,%s", item(sku, 1), item("none", 1))}, 0),
                   400, "no_such_sku", "/items/1");
}

static void test_orders_place__takes_items_or_a_cart(void **state)
{
    const char *sku = fixture_sku(100, 5, NULL);
    struct question question = {.method = HTTP_POST, .path = ORDERS, .who = fixture_customer(), .key = new_key()};
    const char *body = order_body((struct wish){.items = item(sku, 1)});

    (void)state;
    question.body = TEXT("{\"cart_id\":\"c\",%s", body + 1);
    assert_refused(fixture_ask(question), 400, "items_or_cart", "/items");
    question.key = new_key();
    question.body = TEXT("{%s", strstr(body, "\"email\""));
    assert_refused(fixture_ask(question), 400, "items_or_cart", "/items");
}

/* -- What it shows ------------------------------------------------------------------------------------------------- */

static void test_orders_place__a_line_shows_the_article_as_it_was(void **state)
{
    const Catalog__Product *kettle = fixture_pictured("Kettle of today");
    struct shopper customer = fixture_customer();
    struct test_answer order = place(customer, (struct wish){.items = item(kettle->skus[0]->id, 1)}, 0);
    struct question change = {.method = HTTP_PATCH,
                              .path = TEXT("/api/catalog/v1/products/%s", kettle->id),
                              .who = fixture_staff(ROLE_MERCHANDISER),
                              .body = "{\"title\":\"Another kettle\",\"image_url\":\"/pictures/other\"}",
                              .if_match = "\"1\""};

    (void)state;
    assert_pictured(order, "/lines/0", kettle);
    assert_int_equal(fixture_ask(change).status, 200);
    assert_pictured(read_order(customer, fixture_text(order, "/id")), "/lines/0", kettle);
}

static int forget_shown(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement forget = {"test_forget_shown",
                                                "UPDATE order_line SET shown = NULL WHERE order_id = $1"};

    return sql_exec(tx, &forget, SQL_ARGS(sql_cstr(argument)), NULL);
}

/* A line of before has no more than its title and price. */
static void test_orders_place__a_line_of_before_is_shown_without(void **state)
{
    const Catalog__Product *kettle = fixture_pictured("Kettle of old");
    struct shopper customer = fixture_customer();
    struct test_answer order = place(customer, (struct wish){.items = item(kettle->skus[0]->id, 1)}, 0);
    char *id = arena_cstr(fixture.arena, str_from_cstr(fixture_text(order, "/id")));

    (void)state;
    assert_int_equal(sql_write(host_instance(fixture.host, "orders")->db, forget_shown, id), 0);
    order = read_order(customer, id);
    assert_int_equal(order.status, 200);
    assert_string_equal(fixture_text(order, "/lines/0/title"), "Kettle of old");
    assert_string_equal(fixture_text(order, "/lines/0/product_slug"), "");
    assert_string_equal(fixture_text(order, "/lines/0/attributes/colour"), "");
}

/* -- Limits -------------------------------------------------------------------------------------------------------- */

static void test_orders_place__has_a_limit_of_one_article(void **state)
{
    const char *sku = fixture_sku(1, 50000, NULL);
    struct shopper customer = fixture_customer();

    (void)state;
    assert_refused(place(customer, (struct wish){.items = TEXT("%s,%s", item(sku, 9999), item(sku, 2))}, 0), 400,
                   "quantity_too_large", "/items");
    assert_refused(place(customer, (struct wish){.items = item(sku, 10001)}, 0), 400, "out_of_range",
                   "/items/0/quantity");
    assert_int_equal(place(customer, (struct wish){.items = TEXT("%s,%s", item(sku, 9999), item(sku, 1))}, 0).status,
                     201);
}

static void test_orders_place__has_a_limit_of_lines(void **state)
{
    const char *sku = fixture_sku(1, 500, NULL), *items = item(sku, 1);

    (void)state;
    for (int i = 1; i < ORDER_LINES_MAX; i++)
        items = TEXT("%s,%s", items, item(sku, 1));
    struct test_answer order = place(fixture_customer(), (struct wish){.items = items}, 0);
    assert_int_equal(order.status, 201);
    assert_int_equal(fixture_int(order, "/lines/0/quantity"), ORDER_LINES_MAX);
    assert_refused(place(fixture_customer(), (struct wish){.items = TEXT("%s,%s", items, item(sku, 1))}, 0), 400,
                   "too_many_items", "/items");
}

/* The limit is of lines and shipping together. */
static void test_orders_place__has_a_limit_of_money(void **state)
{
    const char *dear = fixture_sku(AMOUNT_MAX, 5, NULL), *most = fixture_sku(AMOUNT_MAX - 390, 5, NULL);
    struct shopper customer = fixture_customer();

    (void)state;
    assert_refused(place(customer, (struct wish){.items = item(dear, 2)}, 0), 400, "total_too_large", "/items/0");
    assert_refused(place(customer, (struct wish){.items = item(dear, 1)}, 0), 400, "total_too_large", "/items");
    struct test_answer order = place(customer, (struct wish){.items = item(most, 1)}, 0);
    assert_int_equal(order.status, 201);
    assert_int_equal(fixture_int(order, "/total/amount"), AMOUNT_MAX);
}

/* -- Card numbers -------------------------------------------------------------------------------------------------- */

static void test_orders_place__a_card_number_is_refused_and_not_repeated(void **state)
{
    const char *sku = fixture_sku(100, 50, NULL);
    const char *const numbers[] = {"4242424242424242", "4242 4242 4242 4242", "4242-4242-4242", "card 378282246310005"};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct test_answer answer =
            place(fixture_customer(), (struct wish){.items = item(sku, 1), .card = numbers[i]}, 0);
        assert_refused(answer, 400, "card_number", "/payment/payment_method");
        assert_true(str_find(answer.body, STR("4242")) < 0 && str_find(answer.body, STR("378")) < 0);
    }
    /* Names with digits in them are none. */
    assert_int_equal(
        place(fixture_customer(), (struct wish){.items = item(sku, 1), .card = "pm_1Nabc23456789"}, 0).status, 201);
}

/* -- Shipping ------------------------------------------------------------------------------------------------------ */

static void test_orders_place__is_sent_as_asked_or_the_cheapest_way(void **state)
{
    const char *sku = fixture_sku(100, 50, NULL), *items = item(sku, 1);
    struct shopper customer = fixture_customer();
    struct test_answer order = place(customer, (struct wish){.items = items, .country = "FR"}, 0);

    (void)state;
    assert_string_equal(fixture_text(order, "/shipping/method"), "standard");
    assert_int_equal(fixture_int(order, "/total/amount"), 100 + 990);
    order = place(customer, (struct wish){.items = items, .country = "FR", .shipping_method = "express"}, 0);
    assert_string_equal(fixture_text(order, "/shipping/title"), "Express delivery");
    assert_int_equal(fixture_int(order, "/total/amount"), 100 + 2490);
    assert_string_equal(fixture_text(order, "/shipping/address/country"), "FR");
    assert_refused(place(customer, (struct wish){.items = items, .country = "FR", .shipping_method = "pickup"}, 0), 400,
                   "no_such_shipping_method", "/shipping_method");
    assert_refused(place(customer, (struct wish){.items = items, .country = "AQ"}, 0), 400, "no_shipping",
                   "/shipping_address/country");
}

/* -- Once, and for whom -------------------------------------------------------------------------------------------- */

static void test_orders_place__the_same_key_places_one(void **state)
{
    const char *sku = fixture_sku(100, 50, NULL);
    struct question question = {.method = HTTP_POST,
                                .path = ORDERS,
                                .who = fixture_customer(),
                                .key = new_key(),
                                .body = order_body((struct wish){.items = item(sku, 1)})};
    struct test_answer first = fixture_ask(question), again = fixture_ask(question);

    (void)state;
    assert_int_equal(first.status, 201);
    assert_int_equal(again.status, 201);
    assert_true(str_equal(first.body, again.body));
    question.body = order_body((struct wish){.items = item(sku, 2)});
    assert_int_equal(fixture_ask(question).status, 422);
    question.key = NULL;
    assert_refused(fixture_ask(question), 400, "idempotency_key_required", NULL);
    await_order(fixture_text(first, "/id"), "/status", "confirmed");
    assert_stock(sku, 49, 0);
}

static void test_orders_place__a_guest_reaches_its_order_by_its_token_alone(void **state)
{
    const char *sku = fixture_sku(100, 50, NULL);
    struct test_answer order = place((struct shopper){0}, (struct wish){.items = item(sku, 1)}, 0);
    const char *id = fixture_text(order, "/id");
    struct shopper guest = {.guest = fixture_text(order, "/guest_token")};

    (void)state;
    assert_int_equal(strlen(guest.guest), 2 * GUEST_TOKEN_BYTES);
    assert_int_equal(read_order(guest, id).status, 200);
    assert_string_equal(fixture_text(read_order(guest, id), "/guest_token"), "");
    assert_refused(read_order((struct shopper){0}, id), 404, "no_such_order", NULL);
    assert_refused(read_order(fixture_customer(), id), 404, "no_such_order", NULL);
    assert_refused(read_order((struct shopper){.guest = TEXT("%064d", 0)}, id), 404, "no_such_order", NULL);
    assert_int_equal(read_order(fixture_staff(ROLE_SUPPORT), id).status, 200);
    /* Its next order is of the same guest, and no other token is given out. */
    order = place(guest, (struct wish){.items = item(sku, 1)}, 0);
    assert_string_equal(fixture_text(order, "/guest_token"), "");
    struct test_answer list = fixture_ask((struct question){.path = ORDERS, .who = guest});
    assert_int_equal(test_json_count(list.body, "/orders"), 2);
    assert_string_equal(fixture_text(list, "/orders/0/id"), fixture_text(order, "/id"));
    assert_refused(fixture_ask((struct question){.path = ORDERS}), 401, "sign_in_required", NULL);
}

/* The token of a guest whose order is waited for is in the answer that the wait ends with. */
static void test_orders_place__a_wait_keeps_the_guests_token(void **state)
{
    const char *sku = fixture_sku(100, 50, NULL);
    struct test_answer order = place((struct shopper){0}, (struct wish){.items = item(sku, 1)}, FIXTURE_WAIT_S);

    (void)state;
    assert_string_equal(fixture_text(order, "/status"), "confirmed");
    assert_int_equal(strlen(fixture_text(order, "/guest_token")), 2 * GUEST_TOKEN_BYTES);
}

/* -- Lists --------------------------------------------------------------------------------------------------------- */

static void test_orders_place__lists_page_from_the_newest_and_filter_by_status(void **state)
{
    const char *sku = fixture_sku(100, 50, NULL);
    struct shopper customer = fixture_customer();
    const char *ids[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        const char *card = i == 1 ? "pm_card_chargeDeclined" : "pm_card_visa";
        ids[i] =
            fixture_text(place(customer, (struct wish){.items = item(sku, 1), .card = card}, FIXTURE_WAIT_S), "/id");
    }
    struct test_answer page = fixture_ask((struct question){.path = ORDERS "?limit=2", .who = customer});
    assert_string_equal(fixture_text(page, "/orders/0/id"), ids[2]);
    assert_string_equal(fixture_text(page, "/orders/1/id"), ids[1]);
    assert_int_equal(test_json_count(page.body, "/orders/0/lines"), 1);
    const char *path = TEXT(ORDERS "?limit=2&cursor=%s", fixture_text(page, "/next_cursor"));
    page = fixture_ask((struct question){.path = path, .who = customer});
    assert_int_equal(test_json_count(page.body, "/orders"), 1);
    assert_string_equal(fixture_text(page, "/orders/0/id"), ids[0]);
    assert_string_equal(fixture_text(page, "/next_cursor"), "");
    page = fixture_ask((struct question){.path = ORDERS "?status=failed", .who = customer});
    assert_int_equal(test_json_count(page.body, "/orders"), 1);
    assert_string_equal(fixture_text(page, "/orders/0/id"), ids[1]);
    page = fixture_ask((struct question){.path = ORDERS "?status=failed&limit=1", .who = fixture_staff(ROLE_SUPPORT)});
    assert_string_equal(fixture_text(page, "/orders/0/id"), ids[1]);
    assert_int_equal(fixture_ask((struct question){.path = ORDERS "?status=lost", .who = customer}).status, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_place__lines_of_one_article_are_summed),
        cmocka_unit_test(test_orders_place__the_sum_of_its_lines_must_be_in_stock),
        cmocka_unit_test(test_orders_place__mixed_currencies_are_refused),
        cmocka_unit_test(test_orders_place__what_nobody_sells_is_refused),
        cmocka_unit_test(test_orders_place__takes_items_or_a_cart),
        cmocka_unit_test(test_orders_place__a_line_shows_the_article_as_it_was),
        cmocka_unit_test(test_orders_place__a_line_of_before_is_shown_without),
        cmocka_unit_test(test_orders_place__has_a_limit_of_one_article),
        cmocka_unit_test(test_orders_place__has_a_limit_of_lines),
        cmocka_unit_test(test_orders_place__has_a_limit_of_money),
        cmocka_unit_test(test_orders_place__a_card_number_is_refused_and_not_repeated),
        cmocka_unit_test(test_orders_place__is_sent_as_asked_or_the_cheapest_way),
        cmocka_unit_test(test_orders_place__the_same_key_places_one),
        cmocka_unit_test(test_orders_place__a_guest_reaches_its_order_by_its_token_alone),
        cmocka_unit_test(test_orders_place__a_wait_keeps_the_guests_token),
        cmocka_unit_test(test_orders_place__lists_page_from_the_newest_and_filter_by_status),
    };

    return cmocka_run_group_tests_name("orders_place", tests, fixture_start, fixture_end);
}
