/* Puts the demo catalog into a shop. */
#include "services/catalog/seed.h"

#include "services/catalog/cards.h"
#include "services/catalog/handlers.h"
#include "services/catalog/listing.h"
#include "services/catalog/seed_words.h"
#include "services/catalog/sql/products.sql.h"
#include "services/catalog/store.h"
#include "services/catalog/view.h"

#define SEED_PRODUCT_ARENA_BYTES ((size_t)4 << 20)

struct seeding {
    struct call *call;
    bool seeded;
};

static int is_empty(struct call *call)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(call->tx, &catalog_sql_find_any_product, SQL_ARGS(sql_text(call->tenant)), &rows);

    return found < 0 ? found : !found;
}

static int put_product(struct call *call, size_t number)
{
    struct catalog_product product;

    TRY(seed_product(call->arena, number, &product));
    TRY(product_insert(call, &product, NULL));
    return catalog_view_publish(call, CATALOG_CREATED, product.place, NULL);
}

static int put_products(struct call *call, struct arena *scratch)
{
    struct arena *own_arena = call->arena;
    int64_t first_place, end_place;
    int error = 0;

    TRY(card_find_room(call, &first_place));
    call->arena = scratch;
    for (size_t number = 0; number < SEED_PRODUCTS && !error; number++) {
        error = put_product(call, number);
        arena_reset(scratch);
    }
    call->arena = own_arena;
    TRY(error);
    TRY(card_find_room(call, &end_place));
    return listing_insert_titles(call, first_place, end_place);
}

static int fill(struct sql_tx *tx, void *argument)
{
    CLEANUP(arena_cleanup) struct arena *scratch = arena_new(SEED_PRODUCT_ARENA_BYTES);
    struct seeding *seeding = argument;
    int empty;

    (void)tx;
    if (!scratch)
        return ERR_NO_MEMORY;
    empty = is_empty(seeding->call);
    seeding->seeded = empty > 0;
    if (empty <= 0)
        return empty;
    for (size_t i = 0; i < SEED_CATEGORIES; i++)
        TRY(listing_make_category(seeding->call, str_from_cstr(seed_categories[i].slug),
                                  str_from_cstr(seed_categories[i].title)));
    return put_products(seeding->call, scratch);
}

static int check_empty(struct sql_tx *tx, void *argument)
{
    struct seeding *seeding = argument;
    int empty = is_empty(seeding->call);

    (void)tx;
    seeding->seeded = empty > 0;
    return empty < 0 ? empty : 0;
}

/* A shop with products, which is every later start, is only read. */
int catalog_seed(struct call *call)
{
    struct seeding seeding = {.call = call};

    TRY(call_read(call, check_empty, &seeding));
    if (seeding.seeded)
        TRY(call_write(call, fill, &seeding));
    return seeding.seeded;
}

int seed_products(struct call *call, const Catalog__SeedProductsRequest *in, Catalog__SeedProductsReply *out)
{
    int seeded = catalog_seed(call);

    (void)in;
    TRY(seeded);
    out->has_seeded = true;
    out->seeded = seeded;
    return 0;
}
