/* The product list: filters, orders and sealed cursors.
 *
 * A page takes few statements whatever its size: one for the ids in order (keyset, no offset), then one for the cards
 * of each VIEW_BATCH of them. */
#include "services/catalog/handlers.h"
#include "services/catalog/list_query.h"
#include "services/catalog/view.h"

#define LIST_LIMIT_MAX 100

static const char *const order_names[ORDER_COUNT] = {"newest", "title", "price_asc", "price_desc"};

struct list_page {
    struct str ids[LIST_LIMIT_MAX + 1];
    int64_t places[LIST_LIMIT_MAX + 1];
    size_t count, limit;
    struct sql_value last; /* the sort value of the last product that is shown */
    bool has_more;
};

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

static int keep_row(struct call *call, const struct list_query *query, struct sql_rows *rows, struct list_page *page)
{
    if (page->count == page->limit) {
        page->has_more = true;
        return 0;
    }
    if (query->order == ORDER_TITLE) {
        struct str title;

        TRY(catalog_copy(call, sql_get_text(rows, 1), &title));
        page->last = sql_text(title);
    } else {
        page->last = sql_int(sql_get_int(rows, 1));
    }
    page->places[page->count] = sql_get_int(rows, 2);
    return catalog_copy(call, sql_get_text(rows, 0), &page->ids[page->count++]);
}

static int read_page(struct call *call, const struct list_query *query, struct list_page *page)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int more;

    TRY(list_query_run(call, query, page->limit + 1, &rows));
    while ((more = sql_next(rows)) == 1)
        TRY(keep_row(call, query, rows, page));
    return more;
}

static int write_cursor(struct call *call, const Catalog__ListProductsRequest *in, const struct list_page *page,
                        char **ret_cursor)
{
    struct sql_value values[2] = {page->last, sql_text(page->ids[page->count - 1])};
    struct str cursor;

    TRY(call_cursor_encode(call, &in->base, values, 2, &cursor));
    return catalog_cstr(call, cursor, ret_cursor);
}

int list_products(struct call *call, const Catalog__ListProductsRequest *in, Catalog__ListProductsReply *out)
{
    struct list_query query;
    struct list_page page = {.limit =
                                 in->limit > 0 && in->limit <= LIST_LIMIT_MAX ? (size_t)in->limit : LIST_LIMIT_MAX};

    TRY(read_query(call, in, &query));
    TRY(catalog_view_tag_lists(call));
    if (!query.nothing)
        TRY(read_page(call, &query, &page));
    TRY(catalog_view_products(call, page.places, page.count, query.currency, query.region, &out->products));
    out->n_products = page.count;
    for (size_t i = 0; i < page.count; i++)
        TRY(call_cache_tag(call, CATALOG_TOPIC, page.ids[i]));
    return page.has_more ? write_cursor(call, in, &page, &out->next_cursor) : 0;
}
