/* What the tests of the orders service share: a host with catalog, payments and orders (the provider's emulator behind
 * them, or doubles), one for all tests of a program, and short ways to say what a shopper asks. */
#pragma once

#include "platform/service/test_host.h"
#include "platform/service/test_json.h"
#include "services/catalog/test_catalog.h"
#include "services/orders/orders.h"
#include "services/stripe_emulator/test_emulator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define FIXTURE_WAIT_S 20
#define CART "/api/orders/v1/cart"
#define CART_ITEMS CART "/items"
#define ORDERS "/api/orders/v1/orders"

static struct test_host fixture;

static inline int fixture_start(void **state)
{
    static const struct service *const services[] = {&catalog_service, &stripe_emulator_service, &payments_service,
                                                     &orders_service, NULL};
    static char *environment[] = {"SHOPSTREAM_STRIPE_SECRET_KEY=" TEST_SECRET_KEY,
                                  "SHOPSTREAM_STRIPE_WEBHOOK_SECRET=" TEST_WEBHOOK_SECRET, NULL};

    (void)state;
    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    test_emulator_start(&fixture, services, environment);
    return 0;
}

static inline int fixture_end(void **state)
{
    (void)state;
    test_host_end(&fixture);
    return 0;
}

/* Text in the host's arena. */
#define TEXT(...) arena_printf(fixture.arena, __VA_ARGS__)

/* A number that no earlier call gave, for codes, keys and names. */
static inline int fixture_number(void)
{
    static int number;

    return ++number;
}

/* -- People -------------------------------------------------------------------------------------------------------- */

/* Whoever asks: all empty is a stranger. */
struct shopper {
    const char *bearer; /* of a signed-in person */
    const char *guest;  /* a guest's token */
};

static inline struct shopper fixture_customer(void)
{
    return (struct shopper){.bearer = test_host_bearer(&fixture, TEXT("customer-%d", fixture_number()), ROLE_CUSTOMER)};
}

static inline struct shopper fixture_staff(unsigned role)
{
    return (struct shopper){.bearer = test_host_bearer(&fixture, "staff", role)};
}

struct question {
    enum http_method method;
    const char *path, *body;
    struct shopper who;
    const char *key;      /* Idempotency-Key */
    const char *if_match; /* the version that was read */
    int wait_s;           /* Prefer: wait */
};

static inline struct test_answer fixture_ask(struct question question)
{
    const char *headers[16] = {0};
    size_t count = 0;
    const char *const pairs[][2] = {
        {"authorization", question.who.bearer},
        {"x-guest-token", question.who.guest},
        {"idempotency-key", question.key},
        {"if-match", question.if_match},
        {"prefer", question.wait_s ? TEXT("wait=%d", question.wait_s) : NULL},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (!pairs[i][1])
            continue;
        headers[count++] = pairs[i][0];
        headers[count++] = pairs[i][1];
    }
    return test_host_http(&fixture, question.method, question.path, headers, question.body);
}

/* The text, or the number, at a JSON pointer of an answer. */
static inline const char *fixture_text(struct test_answer answer, const char *pointer)
{
    const char *text = test_json_text(fixture.arena, answer.body, pointer);

    return text ? text : "";
}

static inline int64_t fixture_int(struct test_answer answer, const char *pointer)
{
    return test_json_int(answer.body, pointer);
}

static inline void assert_refused(struct test_answer answer, int status, const char *code, const char *pointer)
{
    if (answer.status != status)
        print_error("%.*s\n", STR_FORMAT(answer.body));
    assert_int_equal(answer.status, status);
    assert_string_equal(fixture_text(answer, "/code"), code);
    if (pointer)
        assert_string_equal(fixture_text(answer, "/errors/0/pointer"), pointer);
}

/* -- Things -------------------------------------------------------------------------------------------------------- */

/* A new SKU of that price and stock; currency NULL is EUR. */
static inline const char *fixture_sku(int64_t amount, int64_t on_hand, const char *currency)
{
    const char *code = TEXT("SKU-%d", fixture_number());

    return test_catalog_create(
               &fixture,
               &(struct test_product){
                   .title = code, .code = code, .currency = currency, .amount = amount, .available = on_hand})
        ->skus[0]
        ->id;
}

/* A new article with a picture and an attribute, of 5 EUR, and 7 of it. */
static inline const Catalog__Product *fixture_pictured(const char *title)
{
    return test_catalog_create(&fixture, &(struct test_product){.title = title,
                                                                .code = TEXT("SKU-%d", fixture_number()),
                                                                .image_url = "/pictures/kettle",
                                                                .colour = "moss \"green\"",
                                                                .amount = 500,
                                                                .available = 7});
}

/* The article's look, at the pointer of a cart's item or an order's line. */
static inline void assert_pictured(struct test_answer answer, const char *pointer, const Catalog__Product *product)
{
    assert_string_equal(fixture_text(answer, TEXT("%s/product_slug", pointer)), product->slug);
    assert_string_equal(fixture_text(answer, TEXT("%s/title", pointer)), product->title);
    assert_string_equal(fixture_text(answer, TEXT("%s/image_url", pointer)), "/pictures/kettle");
    assert_string_equal(fixture_text(answer, TEXT("%s/attributes/colour", pointer)), "moss \"green\"");
}

static inline void assert_stock(const char *sku, int64_t on_hand, int64_t reserved)
{
    Catalog__Stock stock = test_catalog_stock(&fixture, sku);

    assert_int_equal(stock.on_hand, on_hand);
    assert_int_equal(stock.reserved, reserved);
}

static inline const char *item(const char *sku, int64_t quantity)
{
    return TEXT("{\"sku_id\":\"%s\",\"quantity\":%" PRId64 "}", sku, quantity);
}

struct wish {
    const char *items;   /* what stands in the brackets of "items" */
    const char *cart_id; /* instead of items */
    const char *card;    /* NULL: pm_card_visa */
    const char *country; /* NULL: DE */
    const char *shipping_method;
};

static inline const char *order_body(struct wish wish)
{
    const char *lines =
        wish.cart_id ? TEXT("\"cart_id\":\"%s\"", wish.cart_id) : TEXT("\"items\":[%s]", wish.items ? wish.items : "");
    const char *method = wish.shipping_method ? TEXT("\"shipping_method\":\"%s\",", wish.shipping_method) : "";

    return TEXT("{%s,%s\"email\":\"ann@example.com\",\"shipping_address\":{\"name\":\"Ann\",\"line1\":\"1 Main "
                "Street\",\"city\":\"Vienna\",\"postal_code\":\"1010\",\"country\":\"%s\"},"
                "\"payment\":{\"payment_method\":\"%s\"}}",
                lines, method, wish.country ? wish.country : "DE", wish.card ? wish.card : "pm_card_visa");
}

static inline const char *new_key(void)
{
    return TEXT("0190b7b2-0000-7000-8000-%012d", fixture_number());
}

/* Places an order; wait_s as in struct question. */
static inline struct test_answer place(struct shopper who, struct wish wish, int wait_s)
{
    return fixture_ask((struct question){
        .method = HTTP_POST, .path = ORDERS, .body = order_body(wish), .who = who, .key = new_key(), .wait_s = wait_s});
}

static inline struct test_answer read_order(struct shopper who, const char *id)
{
    return fixture_ask((struct question){.method = HTTP_GET, .path = TEXT(ORDERS "/%s", id), .who = who});
}

/* "cancel" or "fulfil". */
static inline struct test_answer act_on(struct shopper who, const char *id, const char *action)
{
    return fixture_ask((struct question){.method = HTTP_POST, .path = TEXT(ORDERS "/%s/%s", id, action), .who = who});
}

struct awaited {
    const char *id, *pointer, *value;
};

static inline bool order_shows(void *context)
{
    const struct awaited *awaited = context;
    struct test_answer answer = read_order(fixture_staff(ROLE_SUPPORT), awaited->id);

    return strcmp(fixture_text(answer, awaited->pointer), awaited->value) == 0;
}

/* Waits until the order shows the value at the pointer. */
static inline void await_order(const char *id, const char *pointer, const char *value)
{
    struct awaited awaited = {id, pointer, value};

    if (!test_host_await(order_shows, &awaited))
        fail_msg("order %s has at %s not %s but %s", id, pointer, value,
                 fixture_text(read_order(fixture_staff(ROLE_SUPPORT), id), pointer));
}
