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

/* NULL when there is no such SKU, or no price of it. */
static int show_detail(struct call *call, const Catalog__GetSkusRequest *in, const char *id,
                       Catalog__SkuDetail **ret_sku)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(call->tx, &catalog_sql_show_sku_detail,
                              SQL_ARGS(sql_text(call->tenant), sql_text(str_from_cstr(in->currency)),
                                       sql_text(str_from_cstr(in->region)), sql_cstr(id)),
                              &rows);
    return found == 1 ? read_detail(call, rows, ret_sku) : found;
}

static bool is_repeated(const Catalog__GetSkusRequest *in, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(in->ids[i], in->ids[index]) == 0)
            return true;
    return false;
}

int get_skus(struct call *call, const Catalog__GetSkusRequest *in, Catalog__GetSkusReply *out)
{
    if (in->n_ids > SKU_IDS_MAX)
        return call_fail(call, ERR_INVALID, "too_many_ids", "/ids", "At most %d SKUs at a time.", SKU_IDS_MAX);
    out->skus = arena_alloc_array(call->arena, in->n_ids + 1, sizeof(*out->skus));
    if (!out->skus)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < in->n_ids; i++) {
        if (!is_repeated(in, i))
            TRY(show_detail(call, in, in->ids[i], &out->skus[out->n_skus]));
        out->n_skus += out->skus[out->n_skus] != NULL;
    }
    return 0;
}
