/* The product list: filters, orders and sealed cursors.
 *
 * A page takes few statements whatever its size: one for the ids in order (keyset, no offset), then one for products
 * and one for SKUs for each VIEW_BATCH of them. The way in is chosen by the filters: the rarest word, the brand, the
 * category, or all. Where even the rarest word is frequent, a page by price or title is sooner found on the way through
 * the products in that order than by sorting all those that have the word. */
#include "services/catalog/handlers.h"
#include "services/catalog/sql/list.sql.h"
#include "services/catalog/text.h"
#include "services/catalog/view.h"

#define LIST_LIMIT_MAX 100
#define LIST_WORDS_MAX 8
#define WORD_FREQUENT 1000 /* products; counted no further */

/* Greater than any id (hexadecimal digits and hyphens) in every collation. */
#define ID_BEYOND "g"

enum list_order { ORDER_NEWEST, ORDER_TITLE, ORDER_CHEAPEST, ORDER_DEAREST, ORDER_COUNT };
enum list_way { WAY_ALL, WAY_CATEGORY, WAY_BRAND, WAY_WORD, WAY_COUNT };

static const char *const order_names[ORDER_COUNT] = {"newest", "title", "price_asc", "price_desc"};

static const struct sql_statement *const statements[ORDER_COUNT][WAY_COUNT] = {
    [ORDER_NEWEST] = {&catalog_sql_list_newest, &catalog_sql_list_newest_in_category, &catalog_sql_list_newest_of_brand,
                      &catalog_sql_list_newest_with_word},
    [ORDER_TITLE] = {&catalog_sql_list_by_title, &catalog_sql_list_by_title_in_category,
                     &catalog_sql_list_by_title_of_brand, &catalog_sql_list_by_title_with_word},
    [ORDER_CHEAPEST] = {&catalog_sql_list_cheapest, &catalog_sql_list_cheapest_in_category,
                        &catalog_sql_list_cheapest_of_brand, &catalog_sql_list_cheapest_with_word},
    [ORDER_DEAREST] = {&catalog_sql_list_dearest, &catalog_sql_list_dearest_in_category,
                       &catalog_sql_list_dearest_of_brand, &catalog_sql_list_dearest_with_word},
};

struct list_query {
    enum list_order order;
    enum list_way way;
    struct str category, brand, currency, region;
    struct str words[LIST_WORDS_MAX];
    size_t word_count;
    bool nothing;           /* no product can match */
    struct sql_value after; /* the sort value and the id behind which the page starts */
    struct str after_id;
    size_t limit;
};

/* -- Reading the request ------------------------------------------------------------------------------------------- */

static enum list_order order_from(const char *name)
{
    for (enum list_order order = 0; order < ORDER_COUNT; order++)
        if (name && str_equal_cstr(str_from_cstr(name), order_names[order]))
            return order;
    return ORDER_NEWEST;
}

static int read_words(struct call *call, struct str q, struct list_query *query)
{
    struct str folded, *words;
    size_t count;

    TRY(catalog_text_fold(call->arena, q, &folded));
    TRY(catalog_text_words(call->arena, &folded, 1, LIST_WORDS_MAX + 1, &words, &count));
    if (count > LIST_WORDS_MAX)
        return call_fail(call, ERR_INVALID, "too_many_words", "?q", "At most %d words are looked for.", LIST_WORDS_MAX);
    for (size_t i = 0; i < count; i++)
        query->words[i] = words[i];
    query->word_count = count;
    query->nothing = count == 0 && str_trim(q).len > 0;
    return 0;
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

static void start_at_first(struct list_query *query)
{
    bool is_falling = query->order == ORDER_NEWEST || query->order == ORDER_DEAREST;

    query->after_id = is_falling ? STR(ID_BEYOND) : STR("");
    query->after = query->order == ORDER_TITLE ? sql_text(STR("")) : sql_int(is_falling ? INT64_MAX : -1);
}

static int read_query(struct call *call, const Catalog__ListProductsRequest *in, struct list_query *query)
{
    *query = (struct list_query){
        .order = order_from(in->sort),
        .category = str_from_cstr(in->category),
        .currency = str_from_cstr(in->currency),
        .region = str_from_cstr(in->region),
        .limit = in->limit > 0 && in->limit <= LIST_LIMIT_MAX ? (size_t)in->limit : LIST_LIMIT_MAX,
    };
    TRY(catalog_text_fold(call->arena, str_from_cstr(in->brand), &query->brand));
    if (in->q)
        TRY(read_words(call, str_from_cstr(in->q), query));
    start_at_first(query);
    return in->cursor && in->cursor[0] ? read_cursor(call, in, query) : 0;
}

/* -- Choosing the way in ------------------------------------------------------------------------------------------- */

static int word_frequency(struct call *call, struct str word, int64_t *ret_count)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;

    TRY(sql_query_row(call->tx, &catalog_sql_word_frequency,
                      SQL_ARGS(sql_text(call->tenant), sql_text(word), sql_int(WORD_FREQUENT)), &rows));
    *ret_count = sql_get_int(rows, 0);
    return 0;
}

/* Puts the rarest word first and says how many products have it. */
static int find_rarest(struct call *call, struct list_query *query, int64_t *ret_count)
{
    int64_t rarest = INT64_MAX;

    for (size_t i = 0; i < query->word_count; i++) {
        int64_t count;
        struct str word = query->words[i];

        TRY(word_frequency(call, word, &count));
        if (count < rarest) {
            rarest = count;
            query->words[i] = query->words[0];
            query->words[0] = word;
        }
    }
    *ret_count = rarest;
    return 0;
}

static int choose_way(struct call *call, struct list_query *query)
{
    query->way = query->brand.len ? WAY_BRAND : query->category.len ? WAY_CATEGORY : WAY_ALL;
    if (query->word_count > 0) {
        int64_t rarest;

        TRY(find_rarest(call, query, &rarest));
        query->nothing = rarest == 0;
        if (rarest < WORD_FREQUENT || query->order == ORDER_NEWEST)
            query->way = WAY_WORD;
    }
    return 0;
}

/* -- The page ------------------------------------------------------------------------------------------------------ */

struct list_page {
    struct str ids[LIST_LIMIT_MAX + 1];
    size_t count;
    struct sql_value last; /* the sort value of the last product that is shown */
    bool has_more;
};

static int keep_row(struct call *call, const struct list_query *query, struct sql_rows *rows, struct list_page *page)
{
    if (page->count == query->limit) {
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
    return catalog_copy(call, sql_get_text(rows, 0), &page->ids[page->count++]);
}

static int read_page(struct call *call, const struct list_query *query, struct list_page *page)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct sql_value values[9 + LIST_WORDS_MAX] = {
        sql_text(call->tenant),
        sql_text(query->category),
        sql_text(query->brand),
        sql_text(query->currency),
        sql_text(query->region),
        sql_text(query->after_id),
        sql_int((int64_t)query->limit + 1),
        sql_int((int64_t)query->word_count),
    };
    size_t count = 8;
    int more;

    for (size_t i = 0; i < LIST_WORDS_MAX; i++)
        values[count++] = sql_text(i < query->word_count ? query->words[i] : STR(""));
    if (query->order != ORDER_NEWEST)
        values[count++] = query->after;
    TRY(sql_query(call->tx, statements[query->order][query->way], (struct sql_args){values, count}, &rows));
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
    struct list_page page = {.count = 0};
    Catalog__Product **views;

    TRY(read_query(call, in, &query));
    TRY(catalog_view_tag_lists(call));
    if (!query.nothing)
        TRY(choose_way(call, &query));
    if (!query.nothing)
        TRY(read_page(call, &query, &page));
    TRY(catalog_view_products(call, page.ids, page.count, query.currency, query.region, &views));
    out->products = views;
    for (size_t i = 0; i < page.count; i++) {
        if (views[i])
            out->products[out->n_products++] = views[i];
        TRY(call_cache_tag(call, CATALOG_TOPIC, page.ids[i]));
    }
    return page.has_more ? write_cursor(call, in, &page, &out->next_cursor) : 0;
}
