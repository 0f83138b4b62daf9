/* What people do. Each step is repeated with the same key until it succeeds: a failure must say that it is one, and be
 * one that is worth a repetition. */
#include "tests/faults/faults.h"

#include "platform/ports/clock/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define TRIES_MAX 12
#define TRY_AGAIN_MS 1000
#define STATUS_LOOKS_MAX 240
#define LOOK_MS 500
#define AFTERMATH_MS 3000
#define IDENTITY "/api/identity/v1"
#define ORDERS "/api/orders/v1"
#define CUSTOMER "ann@example.com"

static const char *admin_token, *customer_token, *sku_id;

/* -- Words --------------------------------------------------------------------------------------------------------- */

const char *json_member(struct shop *shop, struct str json, const char *name)
{
    sweep_mute();
    char *mark = arena_printf(shop->arena, "\"%s\":", name);
    ptrdiff_t at = str_find(json, str_from_cstr(mark));
    const char *value = NULL;
    if (at >= 0) {
        struct str rest = str_skip(json, (size_t)at + strlen(mark));
        bool is_text = rest.len > 0 && rest.ptr[0] == '"';
        rest = str_skip(rest, is_text);
        size_t length = 0;
        while (length < rest.len && !strchr(is_text ? "\"" : ",]}", rest.ptr[length]))
            length++;
        value = arena_cstr(shop->arena, str_slice(rest, 0, length));
    }
    sweep_unmute();
    return value;
}

/* An answer that says honestly that nothing can be said: it can be asked again. */
static bool is_clean_failure(struct shop *shop, const struct answer *answer)
{
    if (answer->status == 0)
        return true; /* the connection broke */
    const char *code = json_member(shop, answer->body, "code");
    if (!str_equal_cstr(answer->content_type, "application/problem+json") || !code)
        return false;
    return answer->status == 503 || answer->status == 504 ||
           (answer->status == 409 && strcmp(code, "still_running") == 0);
}

static _Noreturn void refuse(const char *step, const char *what, const struct answer *answer)
{
    violated(what, "%s: %d %.*s %.*s", step, answer->status, STR_FORMAT(answer->content_type),
             STR_FORMAT(answer->body));
}

/* Asks until the answer is the one that is wanted. */
static struct str must(struct shop *shop, const char *step, int status, struct shop_request request)
{
    struct answer answer;
    sweep_at(step);
    for (int i = 0; i < TRIES_MAX; i++) {
        answer = shop_ask(shop, &request);
        if (answer.status == status)
            return answer.body;
        if (!is_clean_failure(shop, &answer))
            refuse(step, "a failure is a clean one", &answer);
        task_sleep_ms(TRY_AGAIN_MS);
    }
    refuse(step, "a repetition with the same key ends well", &answer);
}

static const char *sign_in(struct shop *shop, const char *body)
{
    struct shop_request request = {HTTP_POST, IDENTITY "/login", NULL, NULL, body};
    const char *token = json_member(shop, must(shop, "login", 200, request), "access_token");
    if (!token)
        violated("a login gives a token", "none");
    return token;
}

/* -- Before -------------------------------------------------------------------------------------------------------- */

void flow_prepare(struct shop *shop)
{
    char body[512], target[128];
    admin_token = sign_in(shop, "{\"email\":\"admin@shop.example\",\"password\":\"the administrator's own\"}");
    snprintf(body, sizeof(body),
             "{\"title\":\"A thing\",\"brand\":\"Acme\",\"category\":\"things\",\"description\":\"A thing.\","
             "\"price\":{\"amount\":%d,\"currency\":\"EUR\"},\"skus\":[{\"code\":\"THING-1\"}]}",
             FAULTS_AMOUNT);
    struct str product = must(shop, "product", 201,
                              (struct shop_request){HTTP_POST, "/api/catalog/v1/products", admin_token,
                                                    "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a01", body});
    ptrdiff_t skus = str_find(product, STR("\"skus\":["));
    sku_id = skus < 0 ? NULL : json_member(shop, str_skip(product, (size_t)skus), "id");
    if (!sku_id)
        violated("a product has a SKU", "%.*s", STR_FORMAT(product));
    snprintf(target, sizeof(target), "/api/catalog/v1/skus/%s/stock", sku_id);
    snprintf(body, sizeof(body), "{\"on_hand\":%d}", FAULTS_UNITS);
    must(shop, "stock", 200, (struct shop_request){HTTP_PUT, target, admin_token, NULL, body});
}

/* -- The customer -------------------------------------------------------------------------------------------------- */

static void sign_up(struct shop *shop)
{
    must(shop, "sign-up", 201,
         (struct shop_request){HTTP_POST, IDENTITY "/signup", NULL, NULL,
                               "{\"email\":\"" CUSTOMER
                               "\",\"password\":\"a long password of mine\",\"name\":\"Ann\"}"});
}

/* With the newest code that has come. Where an answer was lost, the address may be verified already, and the code is
 * used; so a refusal counts only when no try has failed before. */
static void verify(struct shop *shop)
{
    char body[128];
    bool may_be_done = false;
    sweep_at("verify");
    for (int i = 0; i < STATUS_LOOKS_MAX; i++) {
        const char *code = shop_mailed_code(shop, CUSTOMER);
        if (code) {
            snprintf(body, sizeof(body), "{\"email\":\"%s\",\"code\":\"%s\"}", CUSTOMER, code);
            struct answer answer =
                shop_ask(shop, &(struct shop_request){HTTP_POST, IDENTITY "/verify", NULL, NULL, body});
            if (answer.status == 200 || answer.status == 204 || (answer.status == 400 && may_be_done))
                return;
            if (!is_clean_failure(shop, &answer))
                refuse("verify", "a failure is a clean one", &answer);
            may_be_done = true;
        }
        task_sleep_ms(LOOK_MS);
    }
    violated("a mailed code verifies the address", "not in %d s", STATUS_LOOKS_MAX * LOOK_MS / 1000);
}

/* What was put into the cart is there, once. */
static const char *fill_cart(struct shop *shop)
{
    char body[128];
    snprintf(body, sizeof(body), "{\"sku_id\":\"%s\",\"quantity\":%d}", sku_id, FAULTS_QUANTITY);
    must(shop, "add to cart", 201,
         (struct shop_request){HTTP_POST, ORDERS "/cart/items", customer_token, "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a02",
                               body});
    struct str cart =
        must(shop, "cart", 200, (struct shop_request){HTTP_GET, ORDERS "/cart", customer_token, NULL, NULL});
    const char *quantity = json_member(shop, cart, "quantity"), *id = json_member(shop, cart, "id");
    if (!id || !quantity || atoi(quantity) != FAULTS_QUANTITY)
        violated("what was put into the cart is there, once", "%.*s", STR_FORMAT(cart));
    return id;
}

static const char *place_order(struct shop *shop, const char *cart_id, const char **ret_payment_id)
{
    char body[512];
    snprintf(body, sizeof(body),
             "{\"cart_id\":\"%s\",\"email\":\"%s\",\"shipping_address\":{\"name\":\"Ann\",\"line1\":\"1 Main Street\","
             "\"city\":\"Vienna\",\"postal_code\":\"1010\",\"country\":\"AT\"},"
             "\"payment\":{\"payment_method\":\"pm_card_visa\"}}",
             cart_id, CUSTOMER);
    struct shop_request request = {HTTP_POST, ORDERS "/orders", customer_token, "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a03",
                                   body};
    struct str first = must(shop, "order", 201, request);
    struct str again = must(shop, "the same order", 201, request);
    if (!str_equal(first, again))
        violated("a repeated order gets the first answer", "%.*s\n    %.*s", STR_FORMAT(first), STR_FORMAT(again));
    (void)ret_payment_id;
    return json_member(shop, first, "id");
}

/* Looks until the order has that status, passing through none that it cannot come from. */
static struct str await_status(struct shop *shop, const char *order_id, const char *from, const char *wanted)
{
    char target[128];
    struct str order = STR_EMPTY;
    snprintf(target, sizeof(target), ORDERS "/orders/%s", order_id);
    for (int i = 0; i < STATUS_LOOKS_MAX; i++) {
        order = must(shop, wanted, 200, (struct shop_request){HTTP_GET, target, customer_token, NULL, NULL});
        const char *status = json_member(shop, order, "status");
        if (status && strcmp(status, wanted) == 0)
            return order;
        if (!status || strcmp(status, from) != 0)
            break;
        task_sleep_ms(LOOK_MS);
    }
    violated("the order goes its way", "%s is not %s: %.*s", order_id, wanted, STR_FORMAT(order));
}

/* -- The staff ----------------------------------------------------------------------------------------------------- */

static void fulfil(struct shop *shop, const char *order_id)
{
    char target[128];
    snprintf(target, sizeof(target), ORDERS "/orders/%s/fulfil", order_id);
    must(shop, "fulfil", 200,
         (struct shop_request){HTTP_POST, target, admin_token, "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a04", NULL});
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
         (struct shop_request){HTTP_POST, target, admin_token, "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a05", "{}"});
}

void flow_run(struct shop *shop)
{
    sign_up(shop);
    verify(shop);
    customer_token = sign_in(shop, "{\"email\":\"" CUSTOMER "\",\"password\":\"a long password of mine\"}");
    const char *order_id = place_order(shop, fill_cart(shop), NULL);
    struct str order = await_status(shop, order_id, "pending", "confirmed");
    fulfil(shop, order_id);
    refund(shop, order);
    await_status(shop, order_id, "fulfilled", "refunded");
    sweep_at("the aftermath");
    task_sleep_ms(AFTERMATH_MS);
}
