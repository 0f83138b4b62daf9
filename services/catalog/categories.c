#include "services/catalog/handlers.h"
#include "services/catalog/sql/products.sql.h"
#include "services/catalog/view.h"

static int read_category(struct call *call, struct sql_rows *rows, Catalog__Category **ret_category)
{
    Catalog__Category *category = arena_alloc(call->arena, sizeof(*category));

    if (!category)
        return ERR_NO_MEMORY;
    catalog__category__init(category);
    TRY(catalog_cstr(call, sql_get_text(rows, 0), &category->slug));
    TRY(catalog_cstr(call, sql_get_text(rows, 1), &category->title));
    category->has_product_count = true;
    category->product_count = sql_get_int(rows, 2);
    *ret_category = category;
    return 0;
}

static int read_cover(struct call *call, struct sql_rows *rows, Catalog__Cover **ret_cover)
{
    Catalog__Cover *cover = arena_alloc(call->arena, sizeof(*cover));

    if (!cover)
        return ERR_NO_MEMORY;
    catalog__cover__init(cover);
    TRY(catalog_cstr(call, sql_get_text(rows, 0), &cover->category));
    if (!sql_is_null(rows, 1))
        TRY(catalog_cstr(call, sql_get_text(rows, 1), &cover->image_url));
    *ret_cover = cover;
    return 0;
}

int list_covers(struct call *call, const Catalog__ListCoversRequest *in, Catalog__ListCoversReply *out)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int more;

    TRY(catalog_view_tag_lists(call));
    out->covers = arena_alloc_array(call->arena, (size_t)in->limit, sizeof(*out->covers));
    if (!out->covers)
        return ERR_NO_MEMORY;
    TRY(sql_query(call->tx, &catalog_sql_list_covers,
                  SQL_ARGS(sql_text(call->tenant), sql_cstr(in->currency), sql_cstr(in->region), sql_int(in->limit)),
                  &rows));
    while ((more = sql_next(rows)) == 1)
        TRY(read_cover(call, rows, &out->covers[out->n_covers++]));
    return more;
}

/* Categories with something in them; a category comes to be with its first product. */
int list_categories(struct call *call, const Catalog__ListCategoriesRequest *in, Catalog__ListCategoriesReply *out)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int more;

    (void)in;
    TRY(catalog_view_tag_lists(call));
    out->categories = arena_alloc_array(call->arena, CATALOG_CATEGORIES_MAX, sizeof(*out->categories));
    if (!out->categories)
        return ERR_NO_MEMORY;
    TRY(sql_query(call->tx, &catalog_sql_list_categories,
                  SQL_ARGS(sql_text(call->tenant), sql_int(CATALOG_CATEGORIES_MAX)), &rows));
    while ((more = sql_next(rows)) == 1)
        TRY(read_category(call, rows, &out->categories[out->n_categories++]));
    return more;
}
