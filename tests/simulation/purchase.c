/* One purchase: placed by insisting until it is known what became of it, then followed to its end. */
#include "tests/simulation/books.h"

#include <stdio.h>

#define TRIES_MAX 400
#define LOOKS_MAX 60
#define ARENA_BYTES ((size_t)2 << 20)
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

/* -- Drawing ------------------------------------------------------------------------------------------------------- */

static void draw_lines(struct purchase *purchase)
{
    purchase->line_count = random_permille(250) ? 2 : 1;
    for (int i = 0; i < purchase->line_count; i++) {
        purchase->sku[i] = (int)random_between(0, SKUS - 1);
        purchase->quantity[i] = (int)random_between(1, 3);
    }
}

static void copy_cart(struct purchase *purchase, const struct cart *cart)
{
    for (int i = 0; i < SKUS; i++) {
        if (cart->quantity[i] == 0)
            continue;
        purchase->sku[purchase->line_count] = i;
        purchase->quantity[purchase->line_count++] = (int)cart->quantity[i];
    }
}

struct purchase *purchase_new(int tenant, struct person *person, struct cart *cart)
{
    if (simulation.purchase_count == PURCHASES_MAX)
        return NULL;
    size_t number = simulation.purchase_count++;
    struct purchase *purchase = &simulation.purchases[number];
    *purchase = (struct purchase){.tenant = tenant, .person = person, .cart = cart};
    if (cart)
        copy_cart(purchase, cart);
    else
        draw_lines(purchase);
    if (cart && !person)
        snprintf(purchase->guest_token, sizeof(purchase->guest_token), "%s", cart->guest_token);
    purchase->card = cards[simulator_random_below(sizeof(cards) / sizeof(cards[0]))];
    snprintf(purchase->email, sizeof(purchase->email), "buyer%zu@example.com", number);
    random_key(purchase->key);
    return purchase;
}

/* -- Reading answers ----------------------------------------------------------------------------------------------- */

/* A status only goes on: nothing that was final becomes pending again. */
static void note_status(struct purchase *purchase, const char *status)
{
    if (status_is_final(purchase->status) && !status_is_final(status))
        violated("a final status stays", "order %s was %s and is %s", purchase->order_id, purchase->status, status);
    if (strcmp(purchase->status, status) != 0)
        note("%s sees order %s %s", purchase->email, purchase->order_id, status);
    snprintf(purchase->status, sizeof(purchase->status), "%s", status);
}

/* A repeated answer shows the order as it was. */
static void read_order(struct purchase *purchase, const struct shop_request *request, bool is_repeated)
{
    char id[ID_BYTES], status[ID_BYTES], token[2 * ID_BYTES], payment_id[ID_BYTES];
    answer_text(request, "id", id, sizeof(id));
    answer_text(request, "status", status, sizeof(status));
    answer_text(request, "guest_token", token, sizeof(token));
    answer_text(request, "payment/id", payment_id, sizeof(payment_id));
    if (!purchase->order_id[0])
        snprintf(purchase->order_id, sizeof(purchase->order_id), "%s", id);
    else if (strcmp(purchase->order_id, id) != 0)
        violated("one key makes one order", "%s and %s", purchase->order_id, id);
    if (token[0])
        snprintf(purchase->guest_token, sizeof(purchase->guest_token), "%s", token);
    if (payment_id[0]) /* a repeated first answer has none yet */
        snprintf(purchase->payment_id, sizeof(purchase->payment_id), "%s", payment_id);
    book_acknowledged(purchase, status);
    if (!is_repeated)
        note_status(purchase, status);
}

/* -- Placing ------------------------------------------------------------------------------------------------------- */

static struct str order_body(const struct purchase *purchase, struct arena *arena)
{
    char items[512] = "", what[640];
    size_t used = 0;
    for (int i = 0; i < purchase->line_count; i++)
        used +=
            (size_t)snprintf(items + used, sizeof(items) - used, "%s{\"sku_id\":\"%s\",\"quantity\":%d}", i ? "," : "",
                             simulation.goods[purchase->tenant].sku_ids[purchase->sku[i]], purchase->quantity[i]);
    if (purchase->cart)
        snprintf(what, sizeof(what), "\"cart_id\":\"%s\"", purchase->cart->id);
    else
        snprintf(what, sizeof(what), "\"items\":[%s]", items);
    const char *body = arena_printf(
        arena,
        "{%s,\"email\":\"%s\",\"shipping_address\":{\"name\":\"A Buyer\",\"line1\":\"1 Street\",\"city\":"
        "\"Berlin\",\"postal_code\":\"10115\",\"country\":\"DE\"},\"payment\":{\"payment_method\":\"%s\"}}",
        what, purchase->email, purchase->card);
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

/* Nobody asks by a key of yesterday, whatever the shop's wall clock says. */
static bool is_overdue(struct purchase *purchase)
{
    if (!purchase->is_tried)
        purchase->tried = key_age_begin();
    purchase->is_overdue = purchase->is_overdue || key_is_overdue(&purchase->tried);
    return purchase->is_overdue;
}

static bool is_refusal(const struct purchase *purchase, const struct shop_request *request)
{
    if (request->status == 409 && answer_has_code(request, "out_of_stock"))
        return true;
    return purchase->cart && (answer_has_code(request, "cart_changed") || answer_has_code(request, "no_such_cart"));
}

/* Asks; false when there is no answer for good. */
static bool ask(const struct purchase *purchase, struct shop_request *request)
{
    bool is_answered = shop_ask(request) && request->status < 500;
    if (is_answered && request->status == 401)
        person_refused(purchase->person);
    return is_answered && request->status != 401;
}

/* One try. True when the answer is for good. */
static bool try_to_place(struct purchase *purchase, bool waits)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    struct shop_request request = {
        .method = HTTP_POST,
        .target = ORDERS_PATH,
        .tenant = purchase->tenant,
        .token = purchase->person ? person_token(purchase->person) : NULL,
        .guest_token = purchase->cart ? purchase->guest_token : NULL,
        .key = purchase->key,
        .wait_s = waits ? 5 : 0,
        .body = order_body(purchase, arena),
        .arena = arena,
    };
    if (is_overdue(purchase))
        return true;
    purchase->is_tried = true;
    bool is_answered = ask(purchase, &request) && !answer_has_code(&request, "still_running");
    key_age_look(&purchase->tried);
    if (!is_answered)
        return false;
    /* The key may have ended on the way: then the answer need not be of the order that an earlier try made. */
    purchase->is_overdue = purchase->is_overdue || key_may_have_ended(&purchase->tried);
    if (purchase->is_overdue)
        return true;
    bool is_repeated = purchase->first_status;
    compare_answer(purchase, &request);
    if (request.status == 201)
        read_order(purchase, &request, is_repeated);
    else if (is_refusal(purchase, &request))
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
void purchase_place(struct purchase *purchase, bool waits)
{
    struct task *second = NULL;
    if (!waits && random_permille(200))
        ASSERT(task_start(&second, "shopper-twice", insist_too, purchase) == 0);
    insist(purchase, waits);
    task_join(second);
}

/* -- Afterwards ---------------------------------------------------------------------------------------------------- */

static struct shop_request about(const struct purchase *purchase, enum http_method method, const char *target,
                                 struct arena *arena)
{
    ASSERT(target);
    return (struct shop_request){.method = method,
                                 .target = target,
                                 .tenant = purchase->tenant,
                                 .token = purchase->person ? person_token(purchase->person) : NULL,
                                 .guest_token = purchase->guest_token,
                                 .arena = arena};
}

bool purchase_look(struct purchase *purchase, struct str *ret_action_url, struct arena *arena)
{
    char url[PATH_BYTES];
    struct shop_request request =
        about(purchase, HTTP_GET, arena_printf(arena, ORDERS_PATH "/%s", purchase->order_id), arena);
    if (!ask(purchase, &request))
        return false;
    if (request.status != 200)
        violated("an acknowledged order is there", "order %s: %d %.*s", purchase->order_id, request.status,
                 STR_FORMAT(request.answer));
    read_order(purchase, &request, false);
    answer_text(&request, "payment/next_action/redirect_to_url/url", url, sizeof(url));
    if (ret_action_url)
        *ret_action_url = arena_copy(arena, str_from_cstr(url));
    return true;
}

static void cancel(struct purchase *purchase)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    struct shop_request request =
        about(purchase, HTTP_POST, arena_printf(arena, ORDERS_PATH "/%s/cancel", purchase->order_id), arena);
    if (!ask(purchase, &request) || request.status == 409)
        return;
    if (request.status != 200)
        violated("an order can be cancelled or is over", "%d %.*s", request.status, STR_FORMAT(request.answer));
    read_order(purchase, &request, false);
}

/* Nobody else sees it: not the other shop, not a stranger. */
static void pry(const struct purchase *purchase)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    struct shop_request request =
        about(purchase, HTTP_GET, arena_printf(arena, ORDERS_PATH "/%s", purchase->order_id), arena);
    if (random_permille(500))
        request.tenant = 1 - purchase->tenant;
    else
        request.token = request.guest_token = NULL;
    if (shop_ask(&request) && request.status == 200)
        violated("nobody reads what is not theirs", "order %s of %s was shown to tenant %s", purchase->order_id,
                 tenant_name(purchase->tenant), tenant_name(request.tenant));
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
    if (random_permille(200))
        pry(purchase);
    if (cancels)
        cancel(purchase);
    if (random_permille(300))
        insist(purchase, false);
}

void purchase_go_through(struct purchase *purchase)
{
    purchase_place(purchase, random_permille(300));
    if (purchase->order_id[0])
        follow(purchase);
}
