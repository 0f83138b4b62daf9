#include "services/catalog/listing.h"

#include "services/catalog/cards.h"
#include "services/catalog/sql/facets.sql.h"
#include "services/catalog/sql/products.sql.h"
#include "services/catalog/text.h"

/* -- Categories ---------------------------------------------------------------------------------------------------- */

/* "garden-tools" gives "Garden tools". */
static int category_title(struct call *call, struct str slug, struct str *ret_title)
{
    char *title = arena_alloc(call->arena, slug.len + 1);

    if (!title)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < slug.len; i++)
        title[i] = slug.ptr[i] == '-' ? ' ' : slug.ptr[i];
    if (slug.len > 0 && title[0] >= 'a' && title[0] <= 'z')
        title[0] = (char)(title[0] - 'a' + 'A');
    *ret_title = str_from(title, slug.len);
    return 0;
}

int listing_make_category(struct call *call, struct str slug, struct str title)
{
    if (title.len == 0)
        TRY(category_title(call, slug, &title));
    return sql_exec(call->tx, &catalog_sql_insert_category,
                    SQL_ARGS(sql_text(call->tenant), sql_text(slug), sql_text(title)), NULL);
}

int listing_count_category(struct call *call, struct str slug, int64_t difference)
{
    return sql_exec(call->tx, &catalog_sql_count_category,
                    SQL_ARGS(sql_text(call->tenant), sql_text(slug), sql_int(difference)), NULL);
}

/* -- What lists work from: words and lowest prices ----------------------------------------------------------------- */

static int write_words(struct call *call, const struct sql_statement *statement, const struct catalog_product *product)
{
    struct str texts[3], *words;
    size_t count;

    TRY(catalog_text_fold(call->arena, product->title, &texts[0]));
    TRY(catalog_text_fold(call->arena, product->brand, &texts[1]));
    TRY(catalog_text_fold(call->arena, product->description, &texts[2]));
    TRY(catalog_text_words(call->arena, texts, 3, CATALOG_WORDS_MAX, &words, &count));
    for (size_t i = 0; i < count; i++)
        TRY(sql_exec(call->tx, statement, SQL_ARGS(sql_text(call->tenant), sql_text(words[i]), sql_text(product->id)),
                     NULL));
    return 0;
}

/* The SKU's price in the currency for everywhere; false when it has none. */
static bool base_price(const struct catalog_sku *sku, struct str currency, int64_t *ret_amount)
{
    if (str_equal(currency, sku->currency)) {
        *ret_amount = sku->amount;
        return true;
    }
    for (size_t i = 0; i < sku->price_count; i++)
        if (sku->prices[i].region.len == 0 && str_equal(sku->prices[i].currency, currency)) {
            *ret_amount = sku->prices[i].amount;
            return true;
        }
    return false;
}

/* The region's own, else the one of everywhere: what show_skus says in SQL. */
static bool price_in(const struct catalog_sku *sku, struct str currency, struct str region, int64_t *ret_amount)
{
    for (size_t i = 0; i < sku->price_count; i++)
        if (region.len > 0 && str_equal(sku->prices[i].region, region) &&
            str_equal(sku->prices[i].currency, currency)) {
            *ret_amount = sku->prices[i].amount;
            return true;
        }
    return base_price(sku, currency, ret_amount);
}

static int add_price_list(struct call *call, struct catalog_price *lists, size_t *count, struct str currency,
                          struct str region)
{
    for (size_t i = 0; i < *count; i++)
        if (str_equal(lists[i].currency, currency) && str_equal(lists[i].region, region))
            return 0;
    if (*count == CATALOG_PRICE_LISTS_MAX)
        return call_fail(call, ERR_INVALID, "too_many_prices", "/skus",
                         "A product has prices in at most %d pairs of currency and region.", CATALOG_PRICE_LISTS_MAX);
    lists[(*count)++] = (struct catalog_price){.currency = currency, .region = region};
    return 0;
}

/* A row of lowest_price, as it is counted: a product once in each currency, for everywhere if it has such a price. */
struct counted {
    struct str currency, region, category, brand_key;
};

#define COUNTED_MAX ((size_t)2 * CATALOG_PRICE_LISTS_MAX) /* the product's own currency has a second row */

static bool is_counted(const struct counted *rows, size_t count, size_t index)
{
    for (size_t i = 0; rows[index].region.len > 0 && i < count; i++)
        if (rows[i].region.len == 0 && str_equal(rows[i].currency, rows[index].currency))
            return false;
    return true;
}

static int change_count(struct call *call, const struct sql_statement *statement, const struct counted *row)
{
    return sql_exec(call->tx, statement,
                    SQL_ARGS(sql_text(call->tenant), sql_text(row->currency), sql_text(row->region),
                             sql_text(row->category), sql_text(row->brand_key)),
                    NULL);
}

static int write_lowest(struct call *call, const struct catalog_product *product, int64_t amount, struct counted row,
                        struct counted *rows, size_t *count)
{
    TRY(sql_exec(call->tx, &catalog_sql_insert_lowest_price,
                 SQL_ARGS(sql_text(call->tenant), sql_text(product->id), sql_text(row.currency), sql_text(row.region),
                          sql_int(amount), sql_text(row.category), sql_text(row.brand_key), sql_int(product->place)),
                 NULL));
    rows[(*count)++] = row;
    return 0;
}

static int take_lowest_prices(struct call *call, struct str product_id, struct counted *rows, size_t *ret_count)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *found = NULL;
    int more;

    *ret_count = 0;
    TRY(sql_query(call->tx, &catalog_sql_delete_lowest_prices, SQL_ARGS(sql_text(call->tenant), sql_text(product_id)),
                  &found));
    while ((more = sql_next(found)) == 1) {
        struct counted *row = &rows[*ret_count];

        if (*ret_count == COUNTED_MAX)
            return ERR_CORRUPT;
        TRY(catalog_copy(call, sql_get_text(found, 0), &row->currency));
        TRY(catalog_copy(call, sql_get_text(found, 1), &row->region));
        TRY(catalog_copy(call, sql_get_text(found, 2), &row->category));
        TRY(catalog_copy(call, sql_get_text(found, 3), &row->brand_key));
        (*ret_count)++;
    }
    return more;
}

/* The pairs of currency and region that the product has prices in. */
static int list_prices(struct call *call, const struct catalog_product *product, struct catalog_price *lists,
                       size_t *ret_count)
{
    *ret_count = 0;
    for (size_t i = 0; i < product->sku_count; i++) {
        const struct catalog_sku *sku = &product->skus[i];

        TRY(add_price_list(call, lists, ret_count, sku->currency, STR("")));
        for (size_t j = 0; j < sku->price_count; j++)
            TRY(add_price_list(call, lists, ret_count, sku->prices[j].currency, sku->prices[j].region));
    }
    return 0;
}

/* False when no SKU has a price there. */
static bool find_lowest(const struct catalog_product *product, struct catalog_price *list)
{
    bool is_priced = false;

    for (size_t j = 0; j < product->sku_count; j++) {
        int64_t amount;

        if (price_in(&product->skus[j], list->currency, list->region, &amount) &&
            (!is_priced || amount < list->amount)) {
            list->amount = amount;
            is_priced = true;
        }
    }
    return is_priced;
}

static int write_lowest_prices(struct call *call, const struct catalog_product *product, struct str brand_key)
{
    struct catalog_price lists[CATALOG_PRICE_LISTS_MAX];
    struct counted rows[COUNTED_MAX], row = {.category = product->category, .brand_key = brand_key};
    size_t count, written = 0;

    TRY(list_prices(call, product, lists, &count));
    for (size_t i = 0; i < count; i++) {
        if (!find_lowest(product, &lists[i]))
            continue;
        row.currency = lists[i].currency;
        row.region = lists[i].region;
        TRY(write_lowest(call, product, lists[i].amount, row, rows, &written));
        if (!str_equal(lists[i].currency, product->skus[0].currency))
            continue;
        row.currency = STR("");
        TRY(write_lowest(call, product, lists[i].amount, row, rows, &written));
    }
    for (size_t i = 0; i < written; i++)
        if (is_counted(rows, written, i))
            TRY(change_count(call, &catalog_sql_count_in, &rows[i]));
    return 0;
}

int listing_insert_words(struct call *call, const struct catalog_product *product)
{
    return write_words(call, &catalog_sql_insert_word, product);
}

int listing_insert_titles(struct call *call, int64_t first_place, int64_t end_place)
{
    return sql_exec(call->tx, &catalog_sql_insert_titles,
                    SQL_ARGS(sql_text(call->tenant), sql_int(first_place), sql_int(end_place),
                             sql_int((end_place - first_place) / CARD_LINES_MAX)),
                    NULL);
}

int listing_delete_words(struct call *call, const struct catalog_product *product)
{
    struct str title_key;

    TRY(catalog_text_sort_key(call->arena, product->title, &title_key));
    TRY(sql_exec(call->tx, &catalog_sql_delete_titles,
                 SQL_ARGS(sql_text(call->tenant), sql_text(product->id), sql_text(title_key)), NULL));
    return write_words(call, &catalog_sql_delete_word, product);
}

int listing_insert_prices(struct call *call, const struct catalog_product *product)
{
    struct str brand_key;

    TRY(catalog_text_fold(call->arena, product->brand, &brand_key));
    return write_lowest_prices(call, product, brand_key);
}

int listing_delete_prices(struct call *call, struct str product_id)
{
    struct counted rows[COUNTED_MAX];
    size_t count;

    TRY(take_lowest_prices(call, product_id, rows, &count));
    for (size_t i = 0; i < count; i++)
        if (is_counted(rows, count, i))
            TRY(change_count(call, &catalog_sql_count_out, &rows[i]));
    return 0;
}
