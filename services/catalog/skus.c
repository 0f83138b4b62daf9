#include "services/catalog/handlers.h"
#include "services/catalog/sql/products.sql.h"
#include "services/catalog/view.h"

#define SKU_IDS_MAX 100

static int read_detail(struct call *call, struct sql_rows *rows, Catalog__SkuDetail **ret_sku)
{
    Catalog__SkuDetail *sku = arena_alloc(call->arena, sizeof(*sku));

    if (!sku)
        return ERR_NO_MEMORY;
    catalog__sku_detail__init(sku);
    TRY(catalog_cstr(call, sql_get_text(rows, 0), &sku->id));
    TRY(catalog_cstr(call, sql_get_text(rows, 1), &sku->product_id));
    TRY(catalog_cstr(call, sql_get_text(rows, 2), &sku->product_slug));
    TRY(catalog_cstr(call, sql_get_text(rows, 3), &sku->title));
    TRY(catalog_cstr(call, sql_get_text(rows, 4), &sku->image_url));
    TRY(catalog_cstr(call, sql_get_text(rows, 5), &sku->code));
    TRY(catalog_view_attributes(call, sql_get_text(rows, 6), &catalog__sku_detail__attributes_entry__descriptor,
                                &sku->n_attributes, (void ***)&sku->attributes));
    TRY(catalog_view_money(call, sql_get_int(rows, 8), sql_get_text(rows, 7), &sku->price));
    sku->has_available = true;
    sku->available = sql_get_int(rows, 9);
    *ret_sku = sku;
    return 0;
}

/* Each found SKU goes to the place of its first id. */
static int read_batch(struct call *call, const Catalog__GetSkusRequest *in, size_t start, Catalog__SkuDetail **places)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct sql_value values[VIEW_BATCH + 3] = {sql_text(call->tenant), sql_text(str_from_cstr(in->currency)),
                                               sql_text(str_from_cstr(in->region))};
    int more;

    for (size_t i = 0; i < VIEW_BATCH; i++)
        values[3 + i] = sql_text(start + i < in->n_ids ? str_from_cstr(in->ids[start + i]) : STR(""));
    TRY(sql_query(call->tx, &catalog_sql_show_sku_details, (struct sql_args){values, VIEW_BATCH + 3}, &rows));
    while ((more = sql_next(rows)) == 1)
        for (size_t i = 0; i < in->n_ids; i++)
            if (str_equal_cstr(sql_get_text(rows, 0), in->ids[i])) {
                if (!places[i])
                    TRY(read_detail(call, rows, &places[i]));
                break;
            }
    return more;
}

int get_skus(struct call *call, const Catalog__GetSkusRequest *in, Catalog__GetSkusReply *out)
{
    Catalog__SkuDetail **places;

    if (in->n_ids > SKU_IDS_MAX)
        return call_fail(call, ERR_INVALID, "too_many_ids", "/ids", "At most %d SKUs at a time.", SKU_IDS_MAX);
    places = arena_alloc_array(call->arena, in->n_ids + 1, sizeof(*places));
    if (!places)
        return ERR_NO_MEMORY;
    for (size_t start = 0; start < in->n_ids; start += VIEW_BATCH)
        TRY(read_batch(call, in, start, places));
    out->skus = places;
    for (size_t i = 0; i < in->n_ids; i++)
        if (places[i])
            out->skus[out->n_skus++] = places[i];
    return 0;
}
