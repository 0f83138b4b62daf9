#include "services/catalog/store.h"

#include "services/catalog/cards.h"
#include "services/catalog/listing.h"
#include "services/catalog/sql/products.sql.h"
#include "services/catalog/sql/stock.sql.h"
#include "services/catalog/text.h"

#define SLUG_NUMBERS_MAX 9 /* "lamp-2" to "lamp-9" are tried before a part of the id is taken */
#define SLUG_ID_BYTES 12

int catalog_copy(struct call *call, struct str text, struct str *ret_copy)
{
    struct str copy = text.len ? arena_copy(call->arena, text) : STR("");

    if (!copy.ptr)
        return ERR_NO_MEMORY;
    *ret_copy = copy;
    return 0;
}

int catalog_cstr(struct call *call, struct str text, char **ret_copy)
{
    char *copy = arena_cstr(call->arena, text);

    if (!copy)
        return ERR_NO_MEMORY;
    *ret_copy = copy;
    return 0;
}

/* -- Finding and loading ------------------------------------------------------------------------------------------- */

static int find_key(struct call *call, const struct sql_statement *statement, struct str name,
                    struct product_key *ret_key)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(call->tx, statement, SQL_ARGS(sql_text(call->tenant), sql_text(name)), &rows);

    TRY(found);
    if (!found)
        return ERR_NOT_FOUND;
    ret_key->place = sql_get_int(rows, 1);
    return catalog_copy(call, sql_get_text(rows, 0), &ret_key->id);
}

static int no_such_product(struct call *call)
{
    return call_fail(call, ERR_NOT_FOUND, "product_not_found", NULL, "There is no such product.");
}

int product_find_slug(struct call *call, struct str slug, struct product_key *ret_key)
{
    return find_key(call, &catalog_sql_find_product_key_by_slug, slug, ret_key);
}

int product_find(struct call *call, struct str id_or_slug, struct product_key *ret_key)
{
    int error = ERR_NOT_FOUND;

    if (catalog_text_is_uuid(id_or_slug))
        error = find_key(call, &catalog_sql_find_product_key, id_or_slug, ret_key);
    if (error == ERR_NOT_FOUND)
        error = product_find_slug(call, id_or_slug, ret_key);
    return error == ERR_NOT_FOUND ? no_such_product(call) : error;
}

static int load_fields(struct call *call, struct str id, struct catalog_product *product)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found =
        sql_query_row(call->tx, &catalog_sql_find_product, SQL_ARGS(sql_text(call->tenant), sql_text(id)), &rows);

    TRY(found);
    if (!found)
        return no_such_product(call);
    TRY(catalog_copy(call, sql_get_text(rows, 0), &product->id));
    TRY(catalog_copy(call, sql_get_text(rows, 1), &product->slug));
    TRY(catalog_copy(call, sql_get_text(rows, 2), &product->title));
    TRY(catalog_copy(call, sql_get_text(rows, 3), &product->brand));
    TRY(catalog_copy(call, sql_get_text(rows, 4), &product->category));
    TRY(catalog_copy(call, sql_get_text(rows, 5), &product->description));
    TRY(catalog_copy(call, sql_get_text(rows, 6), &product->image_url));
    product->version = sql_get_int(rows, 7);
    product->place = sql_get_int(rows, 8);
    return 0;
}

static int load_skus(struct call *call, struct catalog_product *product)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int more;

    TRY(sql_query(call->tx, &catalog_sql_list_skus_of_product, SQL_ARGS(sql_text(call->tenant), sql_text(product->id)),
                  &rows));
    while ((more = sql_next(rows)) == 1) {
        struct catalog_sku *sku = &product->skus[product->sku_count];

        if (product->sku_count == CATALOG_SKUS_MAX)
            return ERR_CORRUPT;
        TRY(catalog_copy(call, sql_get_text(rows, 0), &sku->id));
        TRY(catalog_copy(call, sql_get_text(rows, 1), &sku->code));
        TRY(catalog_copy(call, sql_get_text(rows, 2), &sku->attributes));
        TRY(catalog_copy(call, sql_get_text(rows, 3), &sku->currency));
        sku->amount = sql_get_int(rows, 4);
        sku->on_hand = sql_get_int(rows, 5);
        sku->reserved = sql_get_int(rows, 6);
        product->sku_count++;
    }
    return more;
}

static int add_price(struct call *call, struct catalog_sku *sku, struct sql_rows *rows)
{
    struct catalog_price *price;

    if (!sku->prices)
        sku->prices = arena_alloc_array(call->arena, CATALOG_PRICES_MAX, sizeof(*sku->prices));
    if (!sku->prices)
        return ERR_NO_MEMORY;
    if (sku->price_count == CATALOG_PRICES_MAX)
        return ERR_CORRUPT;
    price = &sku->prices[sku->price_count++];
    TRY(catalog_copy(call, sql_get_text(rows, 1), &price->currency));
    TRY(catalog_copy(call, sql_get_text(rows, 2), &price->region));
    price->amount = sql_get_int(rows, 3);
    return 0;
}

static int load_prices(struct call *call, struct catalog_product *product)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    size_t at = 0;
    int more;

    TRY(sql_query(call->tx, &catalog_sql_list_prices_of_product,
                  SQL_ARGS(sql_text(call->tenant), sql_text(product->id)), &rows));
    while ((more = sql_next(rows)) == 1) {
        while (at < product->sku_count && !str_equal(product->skus[at].id, sql_get_text(rows, 0)))
            at++;
        if (at == product->sku_count)
            return ERR_CORRUPT;
        TRY(add_price(call, &product->skus[at], rows));
    }
    return more;
}

int product_load(struct call *call, struct str id, struct catalog_product *ret_product)
{
    struct catalog_product product = {.skus = arena_alloc_array(call->arena, CATALOG_SKUS_MAX, sizeof(*product.skus))};

    if (!product.skus)
        return ERR_NO_MEMORY;
    TRY(load_fields(call, id, &product));
    TRY(load_skus(call, &product));
    TRY(load_prices(call, &product));
    *ret_product = product;
    return 0;
}

/* -- SKUs ---------------------------------------------------------------------------------------------------------- */

static int write_prices(struct call *call, const struct catalog_sku *sku)
{
    for (size_t i = 0; i < sku->price_count; i++)
        TRY(sql_exec(call->tx, &catalog_sql_insert_price,
                     SQL_ARGS(sql_text(call->tenant), sql_text(sku->id), sql_text(sku->prices[i].currency),
                              sql_text(sku->prices[i].region), sql_int(sku->prices[i].amount)),
                     NULL));
    return 0;
}

static int insert_sku(struct call *call, const struct catalog_product *product, struct catalog_sku *sku)
{
    int64_t position = sku - product->skus;
    int error;

    if (sku->id.len == 0)
        sku->id = str_from_cstr(call_new_id(call));
    if (sku->id.len == 0)
        return ERR_NO_MEMORY;
    error =
        sql_exec(call->tx, &catalog_sql_insert_sku,
                 SQL_ARGS(sql_text(call->tenant), sql_text(sku->id), sql_text(product->id), sql_text(sku->code),
                          sql_text(sku->attributes), sql_int(position), sql_text(sku->currency), sql_int(sku->amount)),
                 NULL);
    if (error == ERR_CONFLICT)
        return call_fail(call, ERR_CONFLICT, "sku_code_taken", NULL, "The SKU code \"%.*s\" is already taken.",
                         STR_FORMAT(sku->code));
    TRY(error);
    TRY(sql_exec(call->tx, &catalog_sql_insert_stock,
                 SQL_ARGS(sql_text(call->tenant), sql_text(sku->id), sql_text(product->id), sql_int(sku->on_hand)),
                 NULL));
    return write_prices(call, sku);
}

static int set_stock(struct call *call, const struct catalog_sku *sku)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(call->tx, &catalog_sql_set_stock,
                              SQL_ARGS(sql_text(call->tenant), sql_text(sku->id), sql_int(sku->on_hand)), &rows);

    TRY(found);
    if (!found)
        return call_fail(call, ERR_CONFLICT, "stock_reserved", NULL,
                         "%lld units of \"%.*s\" are reserved; there cannot be fewer on hand.",
                         (long long)sku->reserved, STR_FORMAT(sku->code));
    return 0;
}

static int update_sku(struct call *call, const struct catalog_sku *sku)
{
    if (sku->changed)
        TRY(sql_exec(call->tx, &catalog_sql_update_sku,
                     SQL_ARGS(sql_text(call->tenant), sql_text(sku->id), sql_text(sku->attributes),
                              sql_text(sku->currency), sql_int(sku->amount)),
                     NULL));
    if (sku->prices_changed) {
        TRY(sql_exec(call->tx, &catalog_sql_delete_prices, SQL_ARGS(sql_text(call->tenant), sql_text(sku->id)), NULL));
        TRY(write_prices(call, sku));
    }
    return sku->stock_changed ? set_stock(call, sku) : 0;
}

static int write_skus(struct call *call, struct catalog_product *product, size_t *ret_sku)
{
    for (size_t i = 0; i < product->sku_count; i++) {
        struct catalog_sku *sku = &product->skus[i];
        int error = sku->changed && sku->id.len == 0 ? insert_sku(call, product, sku) : update_sku(call, sku);

        if (error && ret_sku)
            *ret_sku = i;
        TRY(error);
    }
    return 0;
}

/* -- Products ------------------------------------------------------------------------------------------------------ */

static int slug_is_free(struct call *call, struct str slug, bool *ret_is_free)
{
    struct product_key key;
    int error = product_find_slug(call, slug, &key);

    if (error && error != ERR_NOT_FOUND)
        return error;
    *ret_is_free = error == ERR_NOT_FOUND;
    return 0;
}

/* The title's slug; with a number where that is taken; with a part of the product's id where all of those are. */
static int choose_slug(struct call *call, struct catalog_product *product)
{
    struct str base;
    bool is_free = false;

    TRY(catalog_text_slug(call->arena, product->title, &base));
    product->slug = base;
    TRY(slug_is_free(call, base, &is_free));
    for (int number = 2; !is_free && number <= SLUG_NUMBERS_MAX; number++) {
        product->slug = str_from_cstr(arena_printf(call->arena, "%.*s-%d", STR_FORMAT(base), number));
        if (product->slug.len == 0)
            return ERR_NO_MEMORY;
        TRY(slug_is_free(call, product->slug, &is_free));
    }
    if (!is_free)
        product->slug = str_from_cstr(arena_printf(call->arena, "%.*s-%.*s", STR_FORMAT(base), SLUG_ID_BYTES,
                                                   product->id.ptr + product->id.len - SLUG_ID_BYTES));
    return product->slug.len == 0 ? ERR_NO_MEMORY : 0;
}

int product_insert(struct call *call, struct catalog_product *product, size_t *ret_sku)
{
    struct str title_key, brand_key;

    ASSERT(product->sku_count > 0);
    if (product->id.len == 0)
        product->id = str_from_cstr(call_new_id(call));
    if (product->id.len == 0)
        return ERR_NO_MEMORY;
    if (product->slug.len == 0)
        TRY(choose_slug(call, product));
    TRY(card_find_room(call, &product->place));
    TRY(catalog_text_sort_key(call->arena, product->title, &title_key));
    TRY(catalog_text_fold(call->arena, product->brand, &brand_key));
    TRY(listing_make_category(call, product->category, STR_EMPTY));
    TRY(listing_count_category(call, product->category, 1));
    TRY(sql_exec(call->tx, &catalog_sql_insert_product,
                 SQL_ARGS(sql_text(call->tenant), sql_text(product->id), sql_text(product->slug),
                          sql_text(product->title), sql_text(title_key), sql_text(product->brand), sql_text(brand_key),
                          sql_text(product->category), sql_text(product->description), sql_text(product->image_url),
                          sql_int(call_now_ms(call)), sql_int(product->place)),
                 NULL));
    product->version = 1;
    TRY(listing_insert_words(call, product));
    for (size_t i = 0; i < product->sku_count; i++) {
        int error = insert_sku(call, product, &product->skus[i]);

        if (error && ret_sku)
            *ret_sku = i;
        TRY(error);
    }
    TRY(listing_insert_prices(call, product));
    return card_insert(call, product);
}

static int update_fields(struct call *call, const struct catalog_product *before, struct catalog_product *after)
{
    struct str title_key, brand_key;
    int64_t changed;

    TRY(catalog_text_sort_key(call->arena, after->title, &title_key));
    TRY(catalog_text_fold(call->arena, after->brand, &brand_key));
    TRY(sql_exec(call->tx, &catalog_sql_update_product,
                 SQL_ARGS(sql_text(call->tenant), sql_text(after->id), sql_int(before->version), sql_text(after->title),
                          sql_text(title_key), sql_text(after->brand), sql_text(brand_key), sql_text(after->category),
                          sql_text(after->description), sql_text(after->image_url), sql_int(call_now_ms(call))),
                 &changed));
    if (changed == 0)
        return call_fail(call, ERR_STALE, "stale", NULL, "The product was changed meanwhile; read it again.");
    after->version = before->version + 1;
    return 0;
}

static int move_category(struct call *call, struct str from, struct str to)
{
    if (str_equal(from, to))
        return 0;
    TRY(listing_make_category(call, to, STR_EMPTY));
    TRY(listing_count_category(call, from, -1));
    return listing_count_category(call, to, 1);
}

/* What lists show of it and are sorted by. */
static int list_anew(struct call *call, const struct catalog_product *after)
{
    TRY(listing_delete_prices(call, after->id));
    TRY(listing_insert_prices(call, after));
    TRY(card_delete(call, after));
    return card_insert(call, after);
}

int product_update(struct call *call, const struct catalog_product *before, struct catalog_product *after,
                   size_t *ret_sku)
{
    bool has_other_words = !str_equal(before->title, after->title) || !str_equal(before->brand, after->brand) ||
                           !str_equal(before->description, after->description);

    TRY(update_fields(call, before, after));
    TRY(move_category(call, before->category, after->category));
    if (has_other_words) {
        TRY(listing_delete_words(call, before));
        TRY(listing_insert_words(call, after));
        TRY(listing_insert_titles(call, after->place, after->place + CARD_LINES_MAX));
    }
    TRY(write_skus(call, after, ret_sku));
    return list_anew(call, after);
}

int product_remove_sku(struct call *call, const struct catalog_product *product, size_t index)
{
    struct catalog_product after = *product;

    ASSERT(product->sku_count > 1 && index < product->sku_count);
    TRY(update_fields(call, product, &after));
    TRY(sql_exec(call->tx, &catalog_sql_delete_sku, SQL_ARGS(sql_text(call->tenant), sql_text(product->skus[index].id)),
                 NULL));
    TRY(sql_exec(call->tx, &catalog_sql_close_sku_gap,
                 SQL_ARGS(sql_text(call->tenant), sql_text(product->id), sql_int((int64_t)index)), NULL));
    after.sku_count--;
    memmove(&after.skus[index], &after.skus[index + 1], (after.sku_count - index) * sizeof(*after.skus));
    return list_anew(call, &after);
}

int product_delete(struct call *call, const struct catalog_product *product)
{
    int64_t changed;

    TRY(listing_delete_words(call, product));
    TRY(listing_delete_prices(call, product->id));
    TRY(card_delete(call, product));
    TRY(sql_exec(call->tx, &catalog_sql_delete_product,
                 SQL_ARGS(sql_text(call->tenant), sql_text(product->id), sql_int(product->version)), &changed));
    if (changed == 0)
        return call_fail(call, ERR_STALE, "stale", NULL, "The product was changed meanwhile; read it again.");
    return listing_count_category(call, product->category, -1);
}
