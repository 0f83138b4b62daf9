#include "services/catalog/stock.h"

#include "services/catalog/cards.h"
#include "services/catalog/handlers.h"
#include "services/catalog/sql/stock.sql.h"

#include <stdlib.h>

/* -- Events -------------------------------------------------------------------------------------------------------- */

static int compare_changes(const void *a, const void *b)
{
    const struct stock_change *left = a, *right = b;
    int by_product = str_compare(left->product_id, right->product_id);

    return by_product ? by_product : str_compare(left->sku_id, right->sku_id);
}

/* The first changes that are of one product; their number. */
static size_t same_product(const struct stock_change *changes, size_t count)
{
    size_t same = 1;

    while (same < count && str_equal(changes[same].product_id, changes[0].product_id))
        same++;
    return same;
}

static int publish_product(struct call *call, const struct stock_change *changes, size_t count)
{
    Catalog__ProductEvent event = CATALOG__PRODUCT_EVENT__INIT;
    Catalog__SkuStock *stock = arena_alloc_array(call->arena, count, sizeof(*stock));

    event.stock = arena_alloc_array(call->arena, count, sizeof(*event.stock));
    if (!stock || !event.stock)
        return ERR_NO_MEMORY;
    TRY(catalog_cstr(call, changes[0].product_id, &event.product_id));
    for (size_t i = 0; i < count; i++) {
        catalog__sku_stock__init(&stock[i]);
        TRY(catalog_cstr(call, changes[i].sku_id, &stock[i].sku_id));
        stock[i].has_available = true;
        stock[i].available = changes[i].available;
        event.stock[event.n_stock++] = &stock[i];
    }
    return call_publish(call, CATALOG_TOPIC, CATALOG_STOCK_CHANGED, changes[0].product_id, &event.base);
}

int stock_publish(struct call *call, struct stock_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(card_set_available(call, &changes[i]));
    qsort(changes, count, sizeof(*changes), compare_changes);
    for (size_t start = 0; start < count;) {
        size_t same = same_product(changes + start, count - start);

        TRY(publish_product(call, changes + start, same));
        start += same;
    }
    return 0;
}

/* -- Routes -------------------------------------------------------------------------------------------------------- */

static int no_such_sku(struct call *call)
{
    return call_fail(call, ERR_NOT_FOUND, "sku_not_found", NULL, "There is no such SKU.");
}

/* The first columns of both statements. */
static void show_stock(struct call *call, struct sql_rows *rows, Catalog__Stock *out)
{
    out->has_on_hand = out->has_reserved = out->has_available = out->has_version = true;
    out->on_hand = sql_get_int(rows, 0);
    out->reserved = sql_get_int(rows, 1);
    out->available = out->on_hand - out->reserved;
    out->version = sql_get_int(rows, 2);
    call_set_version(call, out->version);
}

static int read_stock(struct call *call, struct str sku_id, Catalog__Stock *out)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found =
        sql_query_row(call->tx, &catalog_sql_find_stock, SQL_ARGS(sql_text(call->tenant), sql_text(sku_id)), &rows);

    TRY(found);
    if (!found)
        return no_such_sku(call);
    show_stock(call, rows, out);
    return 0;
}

int get_stock(struct call *call, const Catalog__GetStockRequest *in, Catalog__Stock *out)
{
    return read_stock(call, str_from_cstr(in->id), out);
}

/* Stock does not touch the product's version, and sales not the stock's: a sale never spoils an edit. */
int set_stock(struct call *call, const Catalog__SetStockRequest *in, Catalog__Stock *out)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct stock_change change = {.sku_id = str_from_cstr(in->id)};

    TRY(read_stock(call, change.sku_id, out));
    TRY(call_check_version(call, out->version));
    int found = sql_query_row(call->tx, &catalog_sql_set_stock,
                              SQL_ARGS(sql_text(call->tenant), sql_text(change.sku_id), sql_int(in->on_hand)), &rows);
    TRY(found);
    if (!found)
        return call_fail(call, ERR_CONFLICT, "stock_reserved", "/on_hand",
                         "%lld units are reserved; there cannot be fewer on hand.", (long long)out->reserved);
    show_stock(call, rows, out);
    change.available = out->available;
    TRY(catalog_copy(call, sql_get_text(rows, 3), &change.product_id));
    return stock_publish(call, &change, 1);
}
