/* Carts: guests' and customers', filled, changed, merged, and ordered, sometimes by two requests at once. What is in
 * one is known exactly, as each change is asked for until it is acknowledged. */
#include "tests/simulation/people.h"

#include <inttypes.h>
#include <stdio.h>
#include <yyjson.h>

#define CART_ACTORS_MAX 3
#define CARTS_MAX 64
#define TRIES_MAX 200
#define ARENA_BYTES ((size_t)1 << 20)
#define CART_PATH "/api/orders/v1/cart"

struct cart_answer {
    int status;
    int64_t quantity[SKUS];
    char item_ids[SKUS][ID_BYTES];
};

static struct cart *cart_new(int tenant, struct person *person)
{
    static struct cart carts[CARTS_MAX];
    static size_t count;
    ASSERT(count < CARTS_MAX);
    struct cart *cart = &carts[count++];
    *cart = (struct cart){.tenant = tenant, .person = person};
    return cart;
}

/* -- Asking -------------------------------------------------------------------------------------------------------- */

static int find_sku(int tenant, const char *sku_id)
{
    for (int i = 0; i < SKUS; i++) {
        if (strcmp(simulation.goods[tenant].sku_ids[i], sku_id) == 0)
            return i;
    }
    violated("a cart has what was put in", "%s", sku_id);
}

static void read_cart(struct cart *cart, const struct shop_request *request, struct cart_answer *answer)
{
    yyjson_doc *doc = yyjson_read(request->answer.ptr, request->answer.len, 0);
    yyjson_val *items = yyjson_obj_get(yyjson_doc_get_root(doc), "items"), *item;
    char token[2 * ID_BYTES];
    size_t index, count;
    yyjson_arr_foreach(items, index, count, item)
    {
        int sku = find_sku(cart->tenant, yyjson_get_str(yyjson_obj_get(item, "sku_id")));
        answer->quantity[sku] += yyjson_get_sint(yyjson_obj_get(item, "quantity"));
        snprintf(answer->item_ids[sku], ID_BYTES, "%s", yyjson_get_str(yyjson_obj_get(item, "id")));
    }
    yyjson_doc_free(doc);
    answer_text(request, "guest_token", token, sizeof(token));
    if (token[0])
        snprintf(cart->guest_token, sizeof(cart->guest_token), "%s", token);
    answer_text(request, "id", cart->id, sizeof(cart->id));
}

/* Until there is an answer for good. guest_token: of a guest's cart to be merged; NULL: the cart's own. */
static struct cart_answer ask(struct cart *cart, enum http_method method, const char *target, const char *body,
                              const char *guest_token)
{
    struct cart_answer answer = {0};
    char key[ID_BYTES];
    struct key_age first = key_age_begin();
    random_key(key);
    for (int i = 0; i < TRIES_MAX; i++) {
        CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
        ASSERT(arena);
        struct shop_request request = {
            .method = method,
            .target = target,
            .tenant = cart->tenant,
            .token = cart->person ? person_token(cart->person) : NULL,
            .guest_token = guest_token    ? guest_token
                           : cart->person ? NULL
                                          : cart->guest_token,
            .key = method == HTTP_GET ? NULL : key,
            .body = str_from_cstr(body),
            .arena = arena,
        };
        bool is_answered = shop_ask(&request) && request.status < 500;
        key_age_look(&first);
        if (is_answered && request.status == 401)
            person_refused(cart->person);
        if (is_answered && request.status != 401 && !answer_has_code(&request, "still_running")) {
            answer.status = request.status;
            /* The key may have ended on the way: what an earlier try changed is then changed once more. */
            if (i > 0 && request.key && key_may_have_ended(&first))
                cart->is_unknown = true;
            if (request.status < 300)
                read_cart(cart, &request, &answer);
            return answer;
        }
        sleep_between_ms(20, 2000);
        if (key_is_overdue(&first)) {
            cart->is_unknown = true; /* the key's day is over: nobody can tell whether it was changed */
            return answer;
        }
    }
    violated("a cart is answered in the end", "%s after %d tries", target, TRIES_MAX);
}

static void expect(const struct cart *cart, const struct cart_answer *answer, const char *after)
{
    if (cart->is_unknown)
        return;
    for (int i = 0; i < SKUS && answer->status < 300; i++) {
        if (answer->quantity[i] != cart->quantity[i])
            violated("a cart holds what was put in", "SKU %d: %" PRId64 " instead of %" PRId64 " after %s", i,
                     answer->quantity[i], cart->quantity[i], after);
    }
    if (answer->status >= 300)
        violated("a cart can be changed", "%d after %s", answer->status, after);
    simulation.observations++;
}

/* -- Changes ------------------------------------------------------------------------------------------------------- */

static void add(struct cart *cart)
{
    char body[2 * ID_BYTES + 64];
    int sku = (int)random_between(0, SKUS - 1);
    int64_t quantity = random_between(1, 2);
    snprintf(body, sizeof(body), "{\"sku_id\":\"%s\",\"quantity\":%" PRId64 "}",
             simulation.goods[cart->tenant].sku_ids[sku], quantity);
    cart->quantity[sku] += quantity;
    struct cart_answer answer = ask(cart, HTTP_POST, CART_PATH "/items", body, NULL);
    expect(cart, &answer, "adding");
}

static void change(struct cart *cart)
{
    struct cart_answer answer = ask(cart, HTTP_GET, CART_PATH, "", NULL);
    int sku = (int)random_between(0, SKUS - 1);
    char target[PATH_BYTES], body[64];
    bool removes = random_permille(300);
    expect(cart, &answer, "looking");
    if (!answer.item_ids[sku][0])
        return;
    snprintf(target, sizeof(target), CART_PATH "/items/%s", answer.item_ids[sku]);
    cart->quantity[sku] = removes ? 0 : random_between(1, 3);
    snprintf(body, sizeof(body), "{\"quantity\":%" PRId64 "}", cart->quantity[sku]);
    answer = ask(cart, removes ? HTTP_DELETE : HTTP_PATCH, target, removes ? "" : body, NULL);
    expect(cart, &answer, removes ? "removing" : "changing");
}

static void fill(struct cart *cart)
{
    for (int64_t i = random_between(1, 3); i > 0; i--) {
        add(cart);
        if (random_permille(300))
            change(cart);
    }
}

/* The guest's cart goes into the customer's: sums, as far as there is stock, once. */
static void merge(struct cart *cart, const struct cart *guest)
{
    struct cart_answer answer = ask(cart, HTTP_GET, CART_PATH, "", guest->guest_token);
    bool is_known = !cart->is_unknown && !guest->is_unknown;
    for (int i = 0; i < SKUS; i++) {
        int64_t sum = cart->quantity[i] + guest->quantity[i];
        if (is_known && (answer.quantity[i] > sum || (sum > 0 && answer.quantity[i] < 1)))
            violated("carts merge once", "SKU %d: %" PRId64 " of %" PRId64 " and %" PRId64, i, answer.quantity[i],
                     cart->quantity[i], guest->quantity[i]);
        cart->quantity[i] = answer.quantity[i];
    }
    answer = ask(cart, HTTP_GET, CART_PATH, "", guest->guest_token);
    expect(cart, &answer, "merging");
}

/* -- Ordering ------------------------------------------------------------------------------------------------------ */

static void place(void *argument)
{
    purchase_place(argument, false);
}

/* By one request, by two at once, or by two one after the other: one order at most. */
static bool order(struct cart *cart)
{
    struct task *task = NULL;
    struct purchase *first = purchase_new(cart->tenant, cart->person, cart);
    struct purchase *second = random_permille(500) ? purchase_new(cart->tenant, cart->person, cart) : NULL;
    bool at_once = random_permille(500);
    if (!first)
        return false;
    if (second && at_once)
        ASSERT(task_start(&task, "cart-twice", place, second) == 0);
    purchase_go_through(first);
    task_join(task);
    if (second && !at_once)
        purchase_place(second, false);
    if (second && second->order_id[0] && first->order_id[0])
        violated("one cart becomes one order", "%s and %s", first->order_id, second->order_id);
    return first->order_id[0] || (second && second->order_id[0]);
}

static void expect_gone(struct cart *cart)
{
    memset(cart->quantity, 0, sizeof(cart->quantity));
    struct cart_answer answer = ask(cart, HTTP_GET, CART_PATH, "", NULL);
    expect(cart, &answer, "ordering");
}

static void use_carts(void *argument)
{
    struct person *person = argument;
    int tenant = person ? person->tenant : (int)random_between(0, TENANTS - 1);
    if (person)
        person_sign_up(person);
    for (int64_t i = random_between(1, 3); i > 0; i--) {
        struct cart *cart = cart_new(tenant, person), *guest = person ? cart_new(tenant, NULL) : NULL;
        fill(cart);
        if (guest && random_permille(600)) {
            fill(guest);
            merge(cart, guest);
        }
        bool is_empty = true;
        for (int sku = 0; sku < SKUS; sku++)
            is_empty = is_empty && cart->quantity[sku] == 0;
        if (cart->is_unknown)
            return;
        if (is_empty)
            continue;
        if (order(cart))
            expect_gone(cart);
        else if (person)
            return; /* what is left in it would be in the next */
    }
}

void carts_start(struct simulation *sim)
{
    (void)sim;
    for (int64_t i = random_between(0, CART_ACTORS_MAX); i > 0; i--) {
        struct person *person = random_permille(500) ? person_new((int)random_between(0, TENANTS - 1)) : NULL;
        actor_start("cart", use_carts, person);
    }
}
