/* The product list: filters, orders and sealed cursors.
 *
 * A page takes few statements whatever its size: one for the ids in order (keyset, no offset), then one for the cards
 * of each VIEW_BATCH of them. */
#include "services/catalog/handlers.h"
#include "services/catalog/list_query.h"
#include "services/catalog/view.h"

#define LIST_LIMIT_MAX 100

static const char *const order_names[ORDER_COUNT] = {"newest", "title", "price_asc", "price_desc"};

static enum list_order order_from(const char *name)
{
    for (enum list_order order = 0; order < ORDER_COUNT; order++)
        if (name && str_equal_cstr(str_from_cstr(name), order_names[order]))
            return order;
    return ORDER_NEWEST;
}

/* The cursor's seal says that its values are of this very order. */
static int read_cursor(struct call *call, const Catalog__ListProductsRequest *in, struct list_query *query)
{
    struct sql_value values[2]; /* sort value, id */

    TRY(call_cursor_decode(call, &in->base, str_from_cstr(in->cursor), values, 2));
    query->after = values[0];
    query->after_id = values[1].bytes;
    return 0;
}

static int read_query(struct call *call, const Catalog__ListProductsRequest *in, struct list_query *query)
{
    TRY(list_query_read(call, in->category, in->brand, in->q, in->currency, in->region, query));
    TRY(list_query_choose(call, order_from(in->sort), query));
    return in->cursor && in->cursor[0] ? read_cursor(call, in, query) : 0;
}

static int write_cursor(struct call *call, const Catalog__ListProductsRequest *in, const struct list_row *last,
                        char **ret_cursor)
{
    struct sql_value values[2] = {last->sort, sql_text(last->id)};
    struct str cursor;

    TRY(call_cursor_encode(call, &in->base, values, 2, &cursor));
    return catalog_cstr(call, cursor, ret_cursor);
}

int list_products(struct call *call, const Catalog__ListProductsRequest *in, Catalog__ListProductsReply *out)
{
    size_t limit = in->limit > 0 && in->limit <= LIST_LIMIT_MAX ? (size_t)in->limit : LIST_LIMIT_MAX, found = 0, shown;
    struct list_row rows[LIST_LIMIT_MAX + 1];
    int64_t places[LIST_LIMIT_MAX];
    struct list_query query;

    TRY(read_query(call, in, &query));
    TRY(catalog_view_tag_lists(call));
    if (!query.nothing) /* one more than is shown tells whether there is more */
        TRY(list_query_run(call, &query, limit + 1, rows, &found));
    shown = found < limit ? found : limit;
    for (size_t i = 0; i < shown; i++) {
        places[i] = rows[i].place;
        TRY(call_cache_tag(call, CATALOG_TOPIC, rows[i].id));
    }
    TRY(catalog_view_products(call, places, shown, query.currency, query.region, &out->products));
    out->n_products = shown;
    return found > limit ? write_cursor(call, in, &rows[limit - 1], &out->next_cursor) : 0;
}
