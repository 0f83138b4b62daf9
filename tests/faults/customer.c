/* A customer and the staff. */
#include "tests/faults/faults.h"

#include <stdio.h>
#include <stdlib.h>

#define IDENTITY "/api/identity/v1"
#define ORDERS "/api/orders/v1"
#define CUSTOMER "ann@example.com"

static const char *admin_token, *customer_token;

/* -- Before -------------------------------------------------------------------------------------------------------- */

void customer_prepare(struct shop *shop, struct article *ret_article)
{
    char body[512], target[128];
    admin_token = sign_in(shop, "{\"email\":\"admin@shop.example\",\"password\":\"the administrator's own\"}");
    snprintf(body, sizeof(body),
             "{\"title\":\"A thing\",\"brand\":\"Acme\",\"category\":\"things\",\"description\":\"A thing.\","
             "\"price\":{\"amount\":%d,\"currency\":\"EUR\"},\"skus\":[{\"code\":\"THING-1\"}]}",
             FAULTS_AMOUNT);
    struct str product = must(shop, "product", 201,
                              (struct shop_request){.method = HTTP_POST,
                                                    .target = "/api/catalog/v1/products",
                                                    .token = admin_token,
                                                    .key = "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a01",
                                                    .body = body});
    ptrdiff_t skus = str_find(product, STR("\"skus\":["));
    ret_article->product_id = json_member(shop, product, "id");
    ret_article->sku_id = skus < 0 ? NULL : json_member(shop, str_skip(product, (size_t)skus), "id");
    if (!ret_article->sku_id)
        violated("a product has a SKU", "%.*s", STR_FORMAT(product));
    snprintf(target, sizeof(target), "/api/catalog/v1/skus/%s/stock", ret_article->sku_id);
    snprintf(body, sizeof(body), "{\"on_hand\":%d}", FAULTS_UNITS);
    must(shop, "stock", 200,
         (struct shop_request){.method = HTTP_PUT, .target = target, .token = admin_token, .body = body});
}

/* -- The customer -------------------------------------------------------------------------------------------------- */

static void sign_up(struct shop *shop)
{
    must(shop, "sign-up", 201,
         (struct shop_request){.method = HTTP_POST,
                               .target = IDENTITY "/signup",
                               .body = "{\"email\":\"" CUSTOMER
                                       "\",\"password\":\"a long password of mine\",\"name\":\"Ann\"}"});
}

/* With the newest code that has come. Where an answer was lost, the address may be verified already, and the code is
 * used; so a refusal counts only when no try has failed before. */
static void verify(struct shop *shop)
{
    char body[128];
    bool may_be_done = false;
    sweep_at("verify");
    for (int i = 0; i < LOOKS_MAX; i++) {
        const char *code = shop_mailed_code(shop, CUSTOMER);
        if (code) {
            snprintf(body, sizeof(body), "{\"email\":\"%s\",\"code\":\"%s\"}", CUSTOMER, code);
            struct answer answer =
                shop_ask(shop, &(struct shop_request){.method = HTTP_POST, .target = IDENTITY "/verify", .body = body});
            if (answer.status == 200 || answer.status == 204 || (answer.status == 400 && may_be_done))
                return;
            if (!is_clean_failure(shop, &answer))
                refuse("verify", "a failure is a clean one", &answer);
            may_be_done = true;
        }
        task_sleep_ms(LOOK_MS);
    }
    violated("a mailed code verifies the address", "not in %d s", LOOKS_MAX * LOOK_MS / 1000);
}

/* What was put into the cart is there, once. */
static const char *fill_cart(struct shop *shop, const struct article *article)
{
    char body[128];
    snprintf(body, sizeof(body), "{\"sku_id\":\"%s\",\"quantity\":%d}", article->sku_id, FAULTS_QUANTITY);
    must(shop, "add to cart", 201,
         (struct shop_request){.method = HTTP_POST,
                               .target = ORDERS "/cart/items",
                               .token = customer_token,
                               .key = "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a02",
                               .body = body});
    struct str cart =
        must(shop, "cart", 200,
             (struct shop_request){.method = HTTP_GET, .target = ORDERS "/cart", .token = customer_token});
    const char *quantity = json_member(shop, cart, "quantity"), *id = json_member(shop, cart, "id");
    if (!id || !quantity || atoi(quantity) != FAULTS_QUANTITY)
        violated("what was put into the cart is there, once", "%.*s", STR_FORMAT(cart));
    return id;
}

static const char *place_order(struct shop *shop, const char *cart_id)
{
    char body[512];
    snprintf(body, sizeof(body), "{\"cart_id\":\"%s\"," FAULTS_ORDER_BODY, cart_id, "pm_card_visa");
    struct str order = must_twice(shop, "order", 201,
                                  (struct shop_request){.method = HTTP_POST,
                                                        .target = ORDERS "/orders",
                                                        .token = customer_token,
                                                        .key = "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a03",
                                                        .body = body});
    return json_member(shop, order, "id");
}

/* -- The staff ----------------------------------------------------------------------------------------------------- */

static void fulfil(struct shop *shop, const char *order_id)
{
    char target[128];
    snprintf(target, sizeof(target), ORDERS "/orders/%s/fulfil", order_id);
    must(shop, "fulfil", 200,
         (struct shop_request){.method = HTTP_POST,
                               .target = target,
                               .token = admin_token,
                               .key = "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a04"});
}

static void refund(struct shop *shop, struct str order)
{
    char target[128];
    ptrdiff_t payment = str_find(order, STR("\"payment\":{"));
    const char *payment_id = payment < 0 ? NULL : json_member(shop, str_skip(order, (size_t)payment), "id");
    if (!payment_id)
        violated("an order that is paid names its payment", "%.*s", STR_FORMAT(order));
    snprintf(target, sizeof(target), "/api/payments/v1/payments/%s/refunds", payment_id);
    must(shop, "refund", 201,
         (struct shop_request){.method = HTTP_POST,
                               .target = target,
                               .token = admin_token,
                               .key = "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a05",
                               .body = "{}"});
}

void customer_run(struct shop *shop, const struct article *article)
{
    sign_up(shop);
    verify(shop);
    customer_token = sign_in(shop, "{\"email\":\"" CUSTOMER "\",\"password\":\"a long password of mine\"}");
    const struct shop_request who = {.token = customer_token};
    const char *order_id = place_order(shop, fill_cart(shop, article));
    struct str order = await_status(shop, order_id, who, "pending", "confirmed");
    fulfil(shop, order_id);
    refund(shop, order);
    await_status(shop, order_id, who, "fulfilled", "refunded");
}
