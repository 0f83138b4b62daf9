/* Buyers: each places a few orders, one after the other, and insists until it knows what became of them. */
#include "tests/simulation/simulation.h"

#include <stdio.h>
#include <yyjson.h>

#define TRIES_MAX 400
#define LOOKS_MAX 60
#define ARENA_BYTES ((size_t)2 << 20)
#define SHOPPERS_MIN 4
#define ORDERS_PATH "/api/orders/v1/orders"

static const char *const cards[] = {
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_visa",
    "pm_card_mastercard",
    "pm_card_chargeDeclined",
    "pm_card_authenticationRequired",
    "pm_card_authenticationRequired",
};

bool status_is_final(const char *status)
{
    return status[0] && strcmp(status, "pending") != 0;
}

/* -- Reading answers ----------------------------------------------------------------------------------------------- */

static const char *text_of(yyjson_val *object, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));
    return text ? text : "";
}

/* A status only goes on: nothing that was final becomes pending again. */
static void note_status(struct purchase *purchase, const char *status)
{
    if (status_is_final(purchase->status) && !status_is_final(status))
        violated("a final status stays", "order %s was %s and is %s", purchase->order_id, purchase->status, status);
    snprintf(purchase->status, sizeof(purchase->status), "%s", status);
}

/* A repeated answer shows the order as it was. */
static void read_order(struct purchase *purchase, struct str body, bool is_repeated, struct str *ret_action_url,
                       struct arena *arena)
{
    yyjson_doc *doc = yyjson_read(body.ptr, body.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (!root)
        violated("answers are JSON", "%.*s", STR_FORMAT(body));
    if (!purchase->order_id[0])
        snprintf(purchase->order_id, sizeof(purchase->order_id), "%s", text_of(root, "id"));
    else if (strcmp(purchase->order_id, text_of(root, "id")) != 0)
        violated("one key makes one order", "%s and %s", purchase->order_id, text_of(root, "id"));
    if (yyjson_obj_get(root, "guest_token"))
        snprintf(purchase->guest_token, sizeof(purchase->guest_token), "%s", text_of(root, "guest_token"));
    yyjson_val *payment = yyjson_obj_get(root, "payment");
    yyjson_val *action = yyjson_obj_get(payment, "next_action");
    if (text_of(payment, "id")[0]) /* a repeated first answer has none yet */
        snprintf(purchase->payment_id, sizeof(purchase->payment_id), "%s", text_of(payment, "id"));
    if (ret_action_url)
        *ret_action_url = arena_copy(arena, str_from_cstr(text_of(yyjson_obj_get(action, "redirect_to_url"), "url")));
    if (!is_repeated)
        note_status(purchase, text_of(root, "status"));
    yyjson_doc_free(doc);
}

static bool has_code(struct str body, const char *code)
{
    char needle[ID_BYTES];
    snprintf(needle, sizeof(needle), "\"code\":\"%s\"", code);
    return str_find(body, str_from_cstr(needle)) >= 0;
}

/* -- Placing ------------------------------------------------------------------------------------------------------- */

static void draw_purchase(struct purchase *purchase, size_t number)
{
    *purchase = (struct purchase){.line_count = random_permille(250) ? 2 : 1};
    for (int i = 0; i < purchase->line_count; i++) {
        purchase->sku[i] = (int)random_between(0, SKUS - 1);
        purchase->quantity[i] = (int)random_between(1, 3);
    }
    purchase->card = cards[simulator_random_below(sizeof(cards) / sizeof(cards[0]))];
    snprintf(purchase->email, sizeof(purchase->email), "buyer%zu@example.com", number);
    snprintf(purchase->key, sizeof(purchase->key), "%016llx%016llx",
             (unsigned long long)simulator_random_below(UINT64_MAX),
             (unsigned long long)simulator_random_below(UINT64_MAX));
}

static struct str order_body(const struct purchase *purchase, struct arena *arena)
{
    char items[512] = "";
    size_t used = 0;
    for (int i = 0; i < purchase->line_count; i++)
        used += (size_t)snprintf(items + used, sizeof(items) - used, "%s{\"sku_id\":\"%s\",\"quantity\":%d}",
                                 i ? "," : "", simulation.sku_ids[purchase->sku[i]], purchase->quantity[i]);
    const char *body = arena_printf(
        arena,
        "{\"items\":[%s],\"email\":\"%s\",\"shipping_address\":{\"name\":\"A Buyer\",\"line1\":\"1 Street\",\"city\":"
        "\"Berlin\",\"postal_code\":\"10115\",\"country\":\"DE\"},\"payment\":{\"payment_method\":\"%s\"}}",
        items, purchase->email, purchase->card);
    ASSERT(body);
    return str_from_cstr(body);
}

/* The first answer that came through is what every later one must be. */
static void compare_answer(struct purchase *purchase, const struct shop_request *request)
{
    if (!purchase->first_status) {
        ASSERT(request->answer.len < sizeof(purchase->first_body));
        purchase->first_status = request->status;
        memcpy(purchase->first_body, request->answer.ptr, request->answer.len);
        purchase->first_body[request->answer.len] = '\0';
    } else if (purchase->first_status != request->status || !str_equal_cstr(request->answer, purchase->first_body)) {
        violated("a repeated request gets the first answer", "key %s: %d %s\nthen %d %.*s", purchase->key,
                 purchase->first_status, purchase->first_body, request->status, STR_FORMAT(request->answer));
    }
}

/* One try. True when the answer is for good. */
static bool try_to_place(struct purchase *purchase, bool waits)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    struct shop_request request = {
        .method = HTTP_POST,
        .target = ORDERS_PATH,
        .headers = {{STR("content-type"), STR("application/json")},
                    {STR("idempotency-key"), str_from_cstr(purchase->key)},
                    {STR("prefer"), STR("wait=5")}},
        .header_count = waits ? 3 : 2,
        .body = order_body(purchase, arena),
        .arena = arena,
    };
    purchase->is_tried = true;
    if (!shop_ask(&request) || request.status >= 500 || has_code(request.answer, "still_running"))
        return false;
    bool is_repeated = purchase->status[0];
    compare_answer(purchase, &request);
    if (request.status == 201)
        read_order(purchase, request.answer, is_repeated, NULL, arena);
    else if (request.status == 409 && has_code(request.answer, "out_of_stock"))
        purchase->is_refused = true;
    else
        violated("a good order is taken or out of stock", "%d %.*s", request.status, STR_FORMAT(request.answer));
    return true;
}

static void insist(struct purchase *purchase, bool waits)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        if (try_to_place(purchase, waits))
            return;
        sleep_between_ms(10, 2000);
    }
    violated("an order gets an answer in the end", "key %s after %d tries", purchase->key, TRIES_MAX);
}

static void insist_too(void *argument)
{
    insist(argument, false);
}

/* Impatient people press the button twice. */
static void place(struct purchase *purchase)
{
    struct task *second = NULL;
    bool waits = random_permille(300);
    if (!waits && random_permille(200))
        ASSERT(task_start(&second, "shopper-twice", insist_too, purchase) == 0);
    insist(purchase, waits);
    task_join(second);
}

/* -- Afterwards ---------------------------------------------------------------------------------------------------- */

static struct shop_request about(const struct purchase *purchase, enum http_method method, const char *target,
                                 struct arena *arena)
{
    return (struct shop_request){.method = method,
                                 .target = target,
                                 .arena = arena,
                                 .headers = {{STR("x-guest-token"), str_from_cstr(purchase->guest_token)}},
                                 .header_count = 1};
}

bool purchase_look(struct purchase *purchase, struct str *ret_action_url, struct arena *arena)
{
    struct shop_request request =
        about(purchase, HTTP_GET, arena_printf(arena, ORDERS_PATH "/%s", purchase->order_id), arena);
    if (!shop_ask(&request) || request.status >= 500)
        return false;
    if (request.status != 200)
        violated("an acknowledged order is there", "order %s: %d %.*s", purchase->order_id, request.status,
                 STR_FORMAT(request.answer));
    read_order(purchase, request.answer, false, ret_action_url, arena);
    return true;
}

static void cancel(struct purchase *purchase)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    struct shop_request request =
        about(purchase, HTTP_POST, arena_printf(arena, ORDERS_PATH "/%s/cancel", purchase->order_id), arena);
    if (!shop_ask(&request) || request.status >= 500 || request.status == 409)
        return;
    if (request.status != 200)
        violated("an order can be cancelled or is over", "%d %.*s", request.status, STR_FORMAT(request.answer));
    read_order(purchase, request.answer, false, NULL, arena);
}

/* Whatever is seen of the stock, nobody has more of it than there is. */
static void look_at_stock(int sku)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    struct shop_request request = {
        .method = HTTP_GET,
        .target = arena_printf(arena, "/api/catalog/v1/skus/%s/stock", simulation.sku_ids[sku]),
        .arena = arena,
    };
    if (!shop_ask(&request) || request.status != 200)
        return;
    yyjson_doc *doc = yyjson_read(request.answer.ptr, request.answer.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    int64_t on_hand = yyjson_get_sint(yyjson_obj_get(root, "on_hand"));
    int64_t reserved = yyjson_get_sint(yyjson_obj_get(root, "reserved"));
    if (reserved < 0 || on_hand < reserved || on_hand > simulation.units[sku])
        violated("0 <= reserved <= on hand <= all units", "SKU %d: %.*s", sku, STR_FORMAT(request.answer));
    yyjson_doc_free(doc);
    simulation.observations++;
}

/* The bank asks some; they say yes, no, or nothing at all. */
static void follow(struct purchase *purchase)
{
    enum { APPROVE, REFUSE, IGNORE, MOODS };
    uint64_t mood = simulator_random_below(MOODS + 2);
    bool cancels = random_permille(150);
    for (int i = 0; i < LOOKS_MAX && !status_is_final(purchase->status); i++) {
        CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
        struct str url = STR_EMPTY;
        ASSERT(arena);
        if (cancels && random_permille(300)) {
            cancel(purchase);
            cancels = false;
        }
        if (purchase_look(purchase, &url, arena) && url.len && mood != IGNORE)
            provider_decide(url, mood != REFUSE);
        sleep_between_ms(50, 3000);
    }
    if (cancels)
        cancel(purchase);
    if (random_permille(300))
        insist(purchase, false);
}

static void shop(void *argument)
{
    size_t first = (size_t)((struct purchase *)argument - simulation.purchases);
    size_t count = (size_t)random_between(1, PURCHASES_EACH_MAX);
    for (size_t i = 0; i < count; i++) {
        struct purchase *purchase = &simulation.purchases[first + i];
        sleep_between_ms(0, 8000);
        look_at_stock((int)random_between(0, SKUS - 1));
        draw_purchase(purchase, first + i);
        place(purchase);
        if (purchase->order_id[0])
            follow(purchase);
    }
    simulation.shoppers_left--;
}

void shoppers_start(struct simulation *sim)
{
    sim->shoppers_left = (size_t)random_between(SHOPPERS_MIN, SHOPPERS_MAX);
    sim->purchase_count = PURCHASES_MAX;
    for (size_t i = 0, count = sim->shoppers_left; i < count; i++) {
        struct task *task;
        ASSERT(task_start(&task, "shopper", shop, &sim->purchases[i * PURCHASES_EACH_MAX]) == 0);
    }
}
