/* Guests: each buys a few times, one after the other. */
#include "tests/simulation/books.h"

#include <inttypes.h>

#define GUESTS_MIN 2
#define GUESTS_MAX 8
#define PURCHASES_EACH_MAX 4
#define ARENA_BYTES ((size_t)1 << 20)

/* Whatever is seen of the stock, nobody has more of it than there is. */
static void look_at_stock(int tenant, int sku)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    struct shop_request request = {
        .method = HTTP_GET,
        .target = arena_printf(arena, "/api/catalog/v1/skus/%s/stock", simulation.goods[tenant].sku_ids[sku]),
        .tenant = tenant,
        .arena = arena,
    };
    if (!shop_ask(&request) || request.status != 200)
        return;
    int64_t on_hand = answer_number(&request, "on_hand"), reserved = answer_number(&request, "reserved");
    if (reserved < 0 || on_hand < reserved)
        violated("0 <= reserved <= on hand", "SKU %d: %.*s", sku, STR_FORMAT(request.answer));
    simulation.observations++;
}

/* Another shop's goods are not for sale here. */
static void look_at_other_goods(int tenant)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    struct shop_request request = {
        .method = HTTP_GET,
        .target = arena_printf(arena, "/api/catalog/v1/products/%s", simulation.goods[1 - tenant].product_id),
        .tenant = tenant,
        .arena = arena,
    };
    if (shop_ask(&request) && request.status == 200)
        violated("nobody reads what is not theirs", "the other shop's product: %.*s", STR_FORMAT(request.answer));
    simulation.observations++;
}

static void shop(void *argument)
{
    (void)argument;
    int tenant = (int)random_between(0, TENANTS - 1);
    int64_t count = random_between(1, PURCHASES_EACH_MAX);
    for (int64_t i = 0; i < count; i++) {
        sleep_between_ms(0, 8000);
        look_at_stock(tenant, (int)random_between(0, SKUS - 1));
        if (random_permille(150))
            look_at_other_goods(tenant);
        struct purchase *purchase = purchase_new(tenant, NULL, NULL);
        if (purchase)
            purchase_go_through(purchase);
    }
}

void guests_start(struct simulation *sim)
{
    (void)sim;
    for (int64_t i = random_between(GUESTS_MIN, GUESTS_MAX); i > 0; i--)
        actor_start("guest", shop, NULL);
}
