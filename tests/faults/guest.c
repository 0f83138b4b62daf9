/* A guest, who sees pages, has a card declined, and is asked by the bank about the next one. */
#include "tests/faults/faults.h"

#include <stdio.h>
#include <stdlib.h>

#define ORDERS "/api/orders/v1"
#define PAGES "/api/shell/v1/pages?path="
#define DECLINED_QUANTITY 1

static const char *guest_token;

static struct shop_request as_guest(struct shop_request request)
{
    request.guest = guest_token;
    return request;
}

/* -- Pages --------------------------------------------------------------------------------------------------------- */

static struct str look_at(struct shop *shop, const char *step, const char *target)
{
    return must(shop, step, 200, as_guest((struct shop_request){.method = HTTP_GET, .target = target}));
}

static void look_at_product(struct shop *shop)
{
    struct str page = look_at(shop, "product page", PAGES "/products/a-thing");
    const char *kind = json_member(shop, page, "kind");
    if (!kind || strcmp(kind, "product") != 0 || str_find(page, STR("\"title\":\"A thing\"")) < 0)
        violated("a product has a page", "%.*s", STR_FORMAT(page));
}

static void look_at_cart(struct shop *shop)
{
    struct str page = look_at(shop, "cart page", PAGES "/cart");
    const char *quantity = json_member(shop, page, "quantity");
    if (!quantity || atoi(quantity) != FAULTS_QUANTITY)
        violated("the cart's page shows what is in it", "%.*s", STR_FORMAT(page));
}

/* -- The cart and the cards ---------------------------------------------------------------------------------------- */

static const char *fill_cart(struct shop *shop, const struct article *article)
{
    char body[128];
    snprintf(body, sizeof(body), "{\"sku_id\":\"%s\",\"quantity\":%d}", article->sku_id, FAULTS_QUANTITY);
    struct str cart = must(shop, "a guest adds to cart", 201,
                           (struct shop_request){.method = HTTP_POST,
                                                 .target = ORDERS "/cart/items",
                                                 .key = "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a06",
                                                 .body = body});
    guest_token = json_member(shop, cart, "guest_token");
    if (!guest_token)
        violated("a guest gets a token", "%.*s", STR_FORMAT(cart));
    return json_member(shop, cart, "id");
}

static void be_declined(struct shop *shop, const struct article *article)
{
    char body[512];
    snprintf(body, sizeof(body), "{\"items\":[{\"sku_id\":\"%s\",\"quantity\":%d}]," FAULTS_ORDER_BODY, article->sku_id,
             DECLINED_QUANTITY, "pm_card_chargeDeclined");
    struct str order = must_twice(shop, "an order by a declined card", 201,
                                  as_guest((struct shop_request){.method = HTTP_POST,
                                                                 .target = ORDERS "/orders",
                                                                 .key = "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a07",
                                                                 .body = body}));
    await_status(shop, json_member(shop, order, "id"), as_guest((struct shop_request){0}), "pending", "failed");
}

static const char *place_order(struct shop *shop, const char *cart_id)
{
    char body[512];
    snprintf(body, sizeof(body), "{\"cart_id\":\"%s\"," FAULTS_ORDER_BODY, cart_id, "pm_card_authenticationRequired");
    struct str order = must_twice(shop, "a guest's order", 201,
                                  as_guest((struct shop_request){.method = HTTP_POST,
                                                                 .target = ORDERS "/orders",
                                                                 .key = "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a08",
                                                                 .body = body}));
    return json_member(shop, order, "id");
}

/* -- The bank ------------------------------------------------------------------------------------------------------ */

/* Where the bank asks. */
static struct str await_challenge(struct shop *shop, const char *order_id)
{
    char target[128];
    struct str order = STR_EMPTY;
    snprintf(target, sizeof(target), ORDERS "/orders/%s", order_id);
    for (int i = 0; i < LOOKS_MAX; i++) {
        order = look_at(shop, "awaiting the bank", target);
        ptrdiff_t action = str_find(order, STR("\"redirect_to_url\""));
        if (action >= 0)
            return str_from_cstr(json_member(shop, str_skip(order, (size_t)action), "url"));
        task_sleep_ms(LOOK_MS);
    }
    violated("the bank asks", "%.*s", STR_FORMAT(order));
}

/* The emulator's pages are for people: what is no success is asked again, as long as it does not say that the payment
 * is unknown. */
static void approve(struct shop *shop, struct str url)
{
    ptrdiff_t path = str_find(url, STR("/challenge/")), secret = str_find_char(url, '?');
    if (path < 0 || secret < path)
        violated("the bank has an address", "%.*s", STR_FORMAT(url));
    sweep_mute();
    const char *target = arena_cstr(shop->arena, str_slice(url, (size_t)path, (size_t)(secret - path)));
    const char *form =
        arena_printf(shop->arena, "%.*s&decision=approve", STR_FORMAT(str_skip(url, (size_t)secret + 1)));
    sweep_unmute();
    sweep_at("the bank's question");
    for (int i = 0; i < LOOKS_MAX; i++) {
        struct answer answer =
            shop_ask(shop, &(struct shop_request){.method = HTTP_POST, .target = target, .form = form});
        if (answer.status == 200 || answer.status == 303)
            return;
        if (answer.status != 0 && answer.status < 500 && answer.status != 429 && answer.status != 409)
            refuse("the bank's question", "an answer to the bank is taken", &answer);
        task_sleep_ms(LOOK_MS);
    }
    violated("an answer to the bank is taken", "never");
}

static void cancel(struct shop *shop, const char *order_id)
{
    char target[128];
    snprintf(target, sizeof(target), ORDERS "/orders/%s/cancel", order_id);
    must(shop, "cancel", 200,
         as_guest((struct shop_request){
             .method = HTTP_POST, .target = target, .key = "5b0e7c1a-3d3f-4a53-9a55-6d0c9c1f1a09"}));
}

void guest_run(struct shop *shop, const struct article *article)
{
    struct follower follower = {.article = article, .available = -1};
    look_at_product(shop);
    follower_start(shop, &follower);
    const char *cart_id = fill_cart(shop, article);
    look_at_cart(shop);
    be_declined(shop, article);
    const char *order_id = place_order(shop, cart_id);
    approve(shop, await_challenge(shop, order_id));
    await_status(shop, order_id, as_guest((struct shop_request){0}), "pending", "confirmed");
    follower_await(shop, &follower, FAULTS_UNITS - FAULTS_QUANTITY);
    cancel(shop, order_id);
    await_status(shop, order_id, as_guest((struct shop_request){0}), "confirmed", "cancelled");
    follower_await(shop, &follower, FAULTS_UNITS);
    follower_leave(&follower);
}
