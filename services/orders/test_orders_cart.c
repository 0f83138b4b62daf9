/* Proves that a cart is its owner's alone, and that a guest's becomes the customer's: sums, capped by stock, once. */
#include "platform/base/encode.h"
#include "platform/base/hash.h"
#include "platform/ports/kv/kv.h"
#include "services/orders/test_orders_fixture.h"

#define FULL_CART (ORDER_LINES_MAX - 1)

static struct test_answer show_cart(struct shopper who)
{
    return fixture_ask((struct question){.path = CART, .who = who});
}

static struct test_answer add_to_cart(struct shopper who, const char *sku, int64_t quantity)
{
    return fixture_ask(
        (struct question){.method = HTTP_POST, .path = CART_ITEMS, .who = who, .body = item(sku, quantity)});
}

/* A guest with a token and nothing in its cart. */
static struct shopper new_guest(void)
{
    const char *token = fixture_text(show_cart((struct shopper){0}), "/guest_token");

    assert_int_equal(strlen(token), 2 * GUEST_TOKEN_BYTES);
    return (struct shopper){.guest = token};
}

static struct shopper both(struct shopper customer, struct shopper guest)
{
    return (struct shopper){.bearer = customer.bearer, .guest = guest.guest};
}

/* How many of the article are in the cart; 0: it is not in it. */
static int64_t quantity_of(struct test_answer cart, const char *sku)
{
    assert_int_equal(cart.status / 100, 2);
    for (size_t i = 0; i < test_json_count(cart.body, "/items"); i++) {
        if (strcmp(fixture_text(cart, TEXT("/items/%zu/sku_id", i)), sku) == 0)
            return fixture_int(cart, TEXT("/items/%zu/quantity", i));
    }
    return 0;
}

/* -- Whose it is --------------------------------------------------------------------------------------------------- */

static void test_orders_cart__a_guest_token_is_told_once_and_opens_the_cart(void **state)
{
    const char *sku = fixture_sku(250, 10, NULL);
    struct test_answer first = add_to_cart((struct shopper){0}, sku, 3);
    struct shopper guest = {.guest = fixture_text(first, "/guest_token")};

    (void)state;
    assert_int_equal(first.status, 201);
    struct test_answer again = show_cart(guest);
    assert_string_equal(fixture_text(again, "/guest_token"), "");
    assert_string_equal(fixture_text(again, "/id"), fixture_text(first, "/id"));
    assert_int_equal(quantity_of(again, sku), 3);
    assert_int_equal(fixture_int(again, "/total/amount"), 750);
    assert_int_equal(quantity_of(show_cart(new_guest()), sku), 0);
    assert_int_equal(quantity_of(show_cart(fixture_customer()), sku), 0);
}

static void test_orders_cart__two_guests_never_get_one_token(void **state)
{
    struct shopper a = new_guest(), b = new_guest();

    (void)state;
    assert_string_not_equal(a.guest, b.guest);
    for (const char *c = a.guest; *c; c++)
        assert_non_null(strchr("0123456789abcdef", *c));
}

static void test_orders_cart__a_token_that_nobody_gave_out_is_refused(void **state)
{
    (void)state;
    assert_refused(show_cart((struct shopper){.guest = "short"}), 400, "invalid_guest_token", NULL);
}

/* What is stored of a token is its hash. */
static void test_orders_cart__the_store_keeps_the_hash_of_a_token_alone(void **state)
{
    struct call *call = test_host_call(&fixture, "orders");
    unsigned char digest[32];
    char hex[65];

    (void)state;
    hash_sha256(STR("a token"), digest);
    encode_hex_into(hex, str_from(digest, sizeof(digest)));
    assert_string_equal(guest_token_hash(call, STR("a token")), hex);
}

/* -- Items --------------------------------------------------------------------------------------------------------- */

static void test_orders_cart__items_are_summed_set_and_taken_out(void **state)
{
    const char *a = fixture_sku(100, 50, NULL), *b = fixture_sku(30, 50, NULL);
    struct shopper guest = new_guest();

    (void)state;
    add_to_cart(guest, a, 1);
    add_to_cart(guest, b, 2);
    struct test_answer cart = add_to_cart(guest, a, 4);
    assert_int_equal(quantity_of(cart, a), 5);
    assert_int_equal(fixture_int(cart, "/total/amount"), 560);
    const char *path = TEXT(CART_ITEMS "/%s", fixture_text(cart, "/items/0/id"));
    struct question change = {.method = HTTP_PATCH, .path = path, .who = guest, .body = "{\"quantity\":2}"};
    assert_int_equal(quantity_of(fixture_ask(change), a), 2);
    change = (struct question){.method = HTTP_DELETE, .path = path, .who = guest};
    cart = fixture_ask(change);
    assert_int_equal(quantity_of(cart, a), 0);
    assert_int_equal(quantity_of(cart, b), 2);
    assert_refused(fixture_ask(change), 404, "no_such_item", NULL);
    change = (struct question){.method = HTTP_PATCH, .path = path, .who = guest, .body = "{\"quantity\":1}"};
    assert_refused(fixture_ask(change), 404, "no_such_item", NULL);
}

static void test_orders_cart__what_is_not_for_sale_is_refused(void **state)
{
    (void)state;
    assert_refused(add_to_cart(new_guest(), "no-such-sku", 1), 400, "no_such_sku", "/sku_id");
}

static void test_orders_cart__has_limits_of_number_and_of_money(void **state)
{
    const char *many = fixture_sku(1, 20000, NULL), *dear = fixture_sku(AMOUNT_MAX, 10, NULL);
    struct shopper guest = new_guest();

    (void)state;
    assert_int_equal(add_to_cart(guest, many, ORDER_QUANTITY_MAX).status, 201);
    assert_refused(add_to_cart(guest, many, 1), 400, "quantity_too_large", "/quantity");
    assert_refused(add_to_cart(guest, dear, 1), 400, "total_too_large", "/quantity");
    assert_int_equal(quantity_of(show_cart(guest), many), ORDER_QUANTITY_MAX);
    assert_int_equal(quantity_of(show_cart(guest), dear), 0);
}

/* What is deleted from the catalog stays visible, without a price, and does not count. */
static void test_orders_cart__an_article_that_is_gone_stays_without_a_price(void **state)
{
    const char *kept = fixture_sku(100, 5, NULL), *code = TEXT("GONE-%d", fixture_number());
    struct shopper guest = new_guest();
    const Catalog__Product *product = test_catalog_create(
        &fixture, &(struct test_product){.title = code, .code = code, .amount = 900, .available = 5});

    (void)state;
    add_to_cart(guest, product->skus[0]->id, 2);
    add_to_cart(guest, kept, 1);
    struct question removal = {.method = HTTP_DELETE,
                               .path = TEXT("/api/catalog/v1/products/%s", product->id),
                               .who = fixture_staff(ROLE_MERCHANDISER),
                               .if_match = "\"1\""};
    assert_int_equal(fixture_ask(removal).status, 204);
    struct test_answer cart = show_cart(guest);
    assert_int_equal(quantity_of(cart, product->skus[0]->id), 2);
    assert_string_equal(fixture_text(cart, "/items/0/price"), "");
    assert_int_equal(fixture_int(cart, "/total/amount"), 100);
}

static void test_orders_cart__an_item_shows_what_a_page_needs(void **state)
{
    const Catalog__Product *kettle = fixture_pictured("Kettle");
    struct shopper guest = new_guest();

    (void)state;
    assert_string_equal(fixture_text(show_cart(guest), "/currency"), "EUR");
    struct test_answer cart = add_to_cart(guest, kettle->skus[0]->id, 2);
    assert_pictured(cart, "/items/0", kettle);
    assert_int_equal(fixture_int(cart, "/items/0/available"), 7);
    assert_string_equal(fixture_text(cart, "/currency"), "EUR");
    /* It is as it is now, not as it was when it was put in. */
    assert_int_equal(
        place(fixture_customer(), (struct wish){.items = item(kettle->skus[0]->id, 3)}, FIXTURE_WAIT_S).status, 201);
    assert_int_equal(fixture_int(show_cart(guest), "/items/0/available"), 4);
}

/* What lost its price in the cart's currency is still known, and not counted. */
static void test_orders_cart__an_article_without_a_price_is_still_shown(void **state)
{
    const Catalog__Product *kettle = fixture_pictured("Unpriced kettle");
    struct shopper guest = new_guest();
    struct question change = {.method = HTTP_PATCH,
                              .path = TEXT("/api/catalog/v1/products/%s", kettle->id),
                              .who = fixture_staff(ROLE_MERCHANDISER),
                              .body = "{\"price\":{\"amount\":700,\"currency\":\"USD\"}}",
                              .if_match = "\"1\""};

    (void)state;
    add_to_cart(guest, fixture_sku(100, 5, NULL), 1);
    add_to_cart(guest, kettle->skus[0]->id, 2);
    assert_int_equal(fixture_ask(change).status, 200);
    struct test_answer cart = show_cart(guest);
    assert_pictured(cart, "/items/1", kettle);
    assert_string_equal(fixture_text(cart, "/items/1/price"), "");
    assert_int_equal(fixture_int(cart, "/total/amount"), 100);
}

/* -- Merging ------------------------------------------------------------------------------------------------------- */

static void test_orders_cart__merges_sums_capped_by_stock_once(void **state)
{
    const char *shared = fixture_sku(100, 100, NULL), *scarce = fixture_sku(100, 5, NULL);
    const char *sold_out = fixture_sku(100, 0, NULL), *own = fixture_sku(100, 100, NULL);
    struct shopper customer = fixture_customer(), guest = new_guest();

    (void)state;
    add_to_cart(guest, shared, 2);
    add_to_cart(guest, scarce, 4);
    add_to_cart(guest, sold_out, 3);
    add_to_cart(customer, shared, 3);
    add_to_cart(customer, scarce, 4);
    add_to_cart(customer, own, 1);
    for (int i = 0; i < 3; i++) {
        struct test_answer cart = show_cart(both(customer, guest));
        assert_int_equal(quantity_of(cart, shared), 5);
        assert_int_equal(quantity_of(cart, scarce), 5);
        assert_int_equal(quantity_of(cart, sold_out), 1); /* it stays visible */
        assert_int_equal(quantity_of(cart, own), 1);
    }
    assert_int_equal(test_json_count(show_cart(guest).body, "/items"), 0);
    assert_int_equal(test_json_count(show_cart(customer).body, "/items"), 4);
}

/* The first call that has both may be a change as well: the change is of the merged cart. */
static void test_orders_cart__merges_before_it_adds(void **state)
{
    const char *sku = fixture_sku(100, 100, NULL), *other = fixture_sku(100, 100, NULL);
    struct shopper customer = fixture_customer(), guest = new_guest();

    (void)state;
    add_to_cart(guest, sku, 2);
    add_to_cart(guest, other, 1);
    struct test_answer cart = add_to_cart(both(customer, guest), sku, 1);
    assert_int_equal(quantity_of(cart, sku), 3);
    assert_int_equal(quantity_of(cart, other), 1);
}

struct full_carts {
    const char *skus[2 * ORDER_LINES_MAX];
    struct shopper customer, guest;
};

static void fill(struct shopper who, const char *const *skus, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(add_to_cart(who, skus[i], 1).status, 201);
}

static void make_skus(struct full_carts *carts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        carts->skus[i] = fixture_sku(100, 50, NULL);
    carts->customer = fixture_customer();
    carts->guest = new_guest();
}

/* Many articles in both carts: what they share takes no room twice. */
static void test_orders_cart__large_carts_that_share_articles_merge(void **state)
{
    struct full_carts carts;

    (void)state;
    make_skus(&carts, 70);
    fill(carts.customer, carts.skus, 60);
    fill(carts.guest, carts.skus + 10, 60);
    struct test_answer cart = show_cart(both(carts.customer, carts.guest));
    assert_int_equal(cart.status, 200);
    assert_int_equal(test_json_count(cart.body, "/items"), 70);
    assert_int_equal(quantity_of(cart, carts.skus[0]), 1);
    assert_int_equal(quantity_of(cart, carts.skus[10]), 2);
    assert_int_equal(quantity_of(cart, carts.skus[69]), 1);
}

/* A cart has room for so many articles: the customer's stay, the guest's come as far as they fit, and what both have is
 * summed even when nothing new fits. */
static void test_orders_cart__a_full_cart_takes_what_fits(void **state)
{
    struct full_carts carts;

    (void)state;
    make_skus(&carts, FULL_CART + 2);
    fill(carts.customer, carts.skus, FULL_CART);
    assert_refused(add_to_cart(carts.customer, carts.skus[FULL_CART], 1), 409, "cart_full", NULL);
    add_to_cart(carts.guest, carts.skus[FULL_CART], 1);
    add_to_cart(carts.guest, carts.skus[3], 4);
    struct test_answer cart = show_cart(both(carts.customer, carts.guest));
    assert_int_equal(test_json_count(cart.body, "/items"), FULL_CART);
    assert_int_equal(quantity_of(cart, carts.skus[FULL_CART]), 0);
    assert_int_equal(quantity_of(cart, carts.skus[3]), 5);
}

/* -- Ordering it --------------------------------------------------------------------------------------------------- */

static void test_orders_cart__becomes_one_order(void **state)
{
    const char *sku = fixture_sku(100, 50, NULL);
    struct shopper guest = new_guest();
    const char *cart_id = fixture_text(add_to_cart(guest, sku, 2), "/id");

    (void)state;
    assert_refused(place(new_guest(), (struct wish){.cart_id = cart_id}, 0), 404, "no_such_cart", NULL);
    struct test_answer order = place(guest, (struct wish){.cart_id = cart_id}, FIXTURE_WAIT_S);
    assert_int_equal(order.status, 201);
    assert_string_equal(fixture_text(order, "/status"), "confirmed");
    assert_int_equal(fixture_int(order, "/lines/0/quantity"), 2);
    assert_int_equal(test_json_count(show_cart(guest).body, "/items"), 0);
    assert_refused(place(guest, (struct wish){.cart_id = cart_id}, 0), 404, "no_such_cart", NULL);
    assert_stock(sku, 48, 0);
}

/* Who signs in at the last step orders what was seen as a guest, and nothing that lies in the own cart besides. */
static void test_orders_cart__a_guests_is_ordered_by_who_just_signed_in(void **state)
{
    const char *seen = fixture_sku(100, 50, NULL), *older = fixture_sku(100, 50, NULL);
    struct shopper customer = fixture_customer(), guest = new_guest();

    (void)state;
    add_to_cart(customer, older, 1);
    const char *cart_id = fixture_text(add_to_cart(guest, seen, 2), "/id");
    assert_refused(place(customer, (struct wish){.cart_id = cart_id}, 0), 404, "no_such_cart", NULL);
    assert_refused(place(both(customer, new_guest()), (struct wish){.cart_id = cart_id}, 0), 404, "no_such_cart", NULL);
    struct test_answer order = place(both(customer, guest), (struct wish){.cart_id = cart_id}, FIXTURE_WAIT_S);
    assert_int_equal(order.status, 201);
    assert_string_equal(fixture_text(order, "/status"), "confirmed");
    assert_int_equal(test_json_count(order.body, "/lines"), 1);
    assert_string_equal(fixture_text(order, "/lines/0/sku_id"), seen);
    /* It is the customer's, and the guest's cart is gone with it: nothing is left to be ordered or merged. */
    assert_int_equal(read_order(customer, fixture_text(order, "/id")).status, 200);
    assert_int_equal(read_order(guest, fixture_text(order, "/id")).status, 404);
    assert_refused(place(both(customer, guest), (struct wish){.cart_id = cart_id}, 0), 404, "no_such_cart", NULL);
    struct test_answer cart = show_cart(both(customer, guest));
    assert_int_equal(quantity_of(cart, seen), 0);
    assert_int_equal(quantity_of(cart, older), 1);
    /* The own one is ordered by its own id, with a guest's token as without. */
    add_to_cart(guest, seen, 1);
    order = place(both(customer, guest), (struct wish){.cart_id = fixture_text(cart, "/id")}, 0);
    assert_string_equal(fixture_text(order, "/lines/0/sku_id"), older);
    assert_int_equal(quantity_of(show_cart(guest), seen), 1);
}

static void test_orders_cart__a_line_of_it_that_cannot_be_is_refused_by_the_cart(void **state)
{
    const char *sku = fixture_sku(100, 1, NULL);
    struct shopper guest = new_guest();
    const char *cart_id = fixture_text(add_to_cart(guest, sku, 2), "/id");

    (void)state;
    assert_refused(place(guest, (struct wish){.cart_id = cart_id}, 0), 409, "out_of_stock", "/cart_id");
    assert_int_equal(quantity_of(show_cart(guest), sku), 2);
}

struct removal {
    struct call *call;
    struct ordered_cart cart;
};

static int remove_version(struct sql_tx *tx, void *argument)
{
    struct removal *removal = argument;

    (void)tx;
    return cart_remove(removal->call, &removal->cart);
}

/* A cart that was changed while it was being ordered is not thrown away with the change in it. */
static void test_orders_cart__a_change_while_it_is_ordered_is_not_lost(void **state)
{
    const char *sku = fixture_sku(100, 50, NULL);
    struct shopper guest = new_guest();
    struct removal removal = {.call = test_host_call(&fixture, "orders")};

    (void)state;
    removal.call->who.guest_token = str_from_cstr(guest.guest);
    const char *cart_id = fixture_text(add_to_cart(guest, sku, 2), "/id");
    assert_int_equal(cart_lines(removal.call, str_from_cstr(cart_id), &removal.cart), 0);
    add_to_cart(guest, sku, 1);
    assert_int_equal(call_write(removal.call, remove_version, &removal), ERR_CONFLICT);
    assert_string_equal(removal.call->problem.code, "cart_changed");
    assert_int_equal(quantity_of(show_cart(guest), sku), 3);
    assert_int_equal(cart_lines(removal.call, str_from_cstr(cart_id), &removal.cart), 0);
    assert_int_equal(removal.cart.items[0]->quantity, 3);
    assert_int_equal(call_write(removal.call, remove_version, &removal), 0);
    assert_int_equal(call_write(removal.call, remove_version, &removal), ERR_CONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_cart__a_guest_token_is_told_once_and_opens_the_cart),
        cmocka_unit_test(test_orders_cart__two_guests_never_get_one_token),
        cmocka_unit_test(test_orders_cart__a_token_that_nobody_gave_out_is_refused),
        cmocka_unit_test(test_orders_cart__the_store_keeps_the_hash_of_a_token_alone),
        cmocka_unit_test(test_orders_cart__items_are_summed_set_and_taken_out),
        cmocka_unit_test(test_orders_cart__what_is_not_for_sale_is_refused),
        cmocka_unit_test(test_orders_cart__has_limits_of_number_and_of_money),
        cmocka_unit_test(test_orders_cart__an_article_that_is_gone_stays_without_a_price),
        cmocka_unit_test(test_orders_cart__an_item_shows_what_a_page_needs),
        cmocka_unit_test(test_orders_cart__an_article_without_a_price_is_still_shown),
        cmocka_unit_test(test_orders_cart__merges_sums_capped_by_stock_once),
        cmocka_unit_test(test_orders_cart__merges_before_it_adds),
        cmocka_unit_test(test_orders_cart__large_carts_that_share_articles_merge),
        cmocka_unit_test(test_orders_cart__a_full_cart_takes_what_fits),
        cmocka_unit_test(test_orders_cart__becomes_one_order),
        cmocka_unit_test(test_orders_cart__a_guests_is_ordered_by_who_just_signed_in),
        cmocka_unit_test(test_orders_cart__a_line_of_it_that_cannot_be_is_refused_by_the_cart),
        cmocka_unit_test(test_orders_cart__a_change_while_it_is_ordered_is_not_lost),
    };

    return cmocka_run_group_tests_name("orders_cart", tests, fixture_start, fixture_end);
}
