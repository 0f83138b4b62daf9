#include "services/catalog/cards.h"

#include "services/catalog/sql/cards.sql.h"

static_assert(CATALOG_SKUS_MAX < CARD_LINES_MAX, "a card has room for the product and its SKUs");

int card_find_room(struct call *call, int64_t *ret_place)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;

    TRY(sql_query_row(call->tx, &catalog_sql_last_line, SQL_NO_ARGS, &rows));
    *ret_place = (sql_get_int(rows, 0) / CARD_LINES_MAX + 1) * CARD_LINES_MAX;
    return 0;
}

static int insert_product_line(struct call *call, const struct catalog_product *product)
{
    return sql_exec(call->tx, &catalog_sql_insert_product_line,
                    SQL_ARGS(sql_int(product->place), sql_text(call->tenant), sql_text(product->id),
                             sql_text(product->slug), sql_text(product->title), sql_text(product->brand),
                             sql_text(product->category), sql_text(product->description), sql_text(product->image_url),
                             sql_int(product->version)),
                    NULL);
}

static int insert_sku_line(struct call *call, int64_t place, const struct catalog_sku *sku)
{
    return sql_exec(call->tx, &catalog_sql_insert_sku_line,
                    SQL_ARGS(sql_int(place), sql_text(call->tenant), sql_text(sku->id), sql_text(sku->code),
                             sql_text(sku->attributes), sql_text(sku->currency), sql_int(sku->amount),
                             sql_int(sku->on_hand - sku->reserved)),
                    NULL);
}

int card_insert(struct call *call, const struct catalog_product *product)
{
    TRY(insert_product_line(call, product));
    for (size_t i = 0; i < product->sku_count; i++)
        TRY(insert_sku_line(call, product->place + 1 + (int64_t)i, &product->skus[i]));
    return 0;
}

int card_delete(struct call *call, const struct catalog_product *product)
{
    return sql_exec(call->tx, &catalog_sql_delete_lines, SQL_ARGS(sql_text(call->tenant), sql_int(product->place)),
                    NULL);
}

int card_set_available(struct call *call, const struct stock_change *change)
{
    int64_t changed;

    TRY(sql_exec(call->tx, &catalog_sql_set_available,
                 SQL_ARGS(sql_text(call->tenant), sql_text(change->product_id), sql_text(change->sku_id),
                          sql_int(change->available)),
                 &changed));
    return changed == 1 ? 0 : ERR_CORRUPT;
}
