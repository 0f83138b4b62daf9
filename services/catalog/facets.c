/* Facets: how many products of a list are in each category and of each brand, and what they cost.
 *
 * A facet leaves its own filter out of its counts, so that it shows what else could be chosen. Without words the counts
 * are kept with each change (product_count) and exact at any size of the shop. With words the products are gone through
 * by the smallest way in; where that has more than FACET_ROWS_MAX, so many are, and the counts say that they are the
 * least there can be. */
#include "services/catalog/handlers.h"
#include "services/catalog/list_query.h"
#include "services/catalog/sql/facets.sql.h"
#include "services/catalog/view.h"

#include <stdlib.h>

#define FACET_ROWS_MAX LIST_FREQUENT /* products gone through for one facet */
#define FACET_VALUES_MAX 100         /* shown of a facet: the largest */

/* The values of a facet while they are counted. */
struct facet {
    const struct sql_statement *title; /* of a value */
    Catalog__FacetValue **values;      /* room for FACET_ROWS_MAX */
    size_t count;
};

enum { COUNT_TOTAL = 1, COUNT_CATEGORIES = 2, COUNT_BRANDS = 4 };

/* What is counted: the list with these two filters, whatever the client's are. */
struct match {
    struct str category, brand;
    unsigned what; /* of COUNT_…; nothing else is looked at */
    struct facet categories, brands;
    int64_t total;
    bool at_least;
    int64_t lowest, highest; /* prices of those that were gone through; none of them: lowest is above highest */
};

static int new_facet(struct call *call, const struct sql_statement *title, struct facet *ret_facet)
{
    *ret_facet =
        (struct facet){title, arena_alloc_array(call->arena, FACET_ROWS_MAX, sizeof(Catalog__FacetValue *)), 0};
    return ret_facet->values ? 0 : ERR_NO_MEMORY;
}

static int add_value(struct call *call, struct facet *facet, struct str value, int64_t count)
{
    Catalog__FacetValue *added;

    for (size_t i = 0; i < facet->count; i++)
        if (str_equal_cstr(value, facet->values[i]->value)) {
            facet->values[i]->count += count;
            return 0;
        }
    if (facet->count == FACET_ROWS_MAX)
        return ERR_CORRUPT;
    added = arena_alloc(call->arena, sizeof(*added));
    if (!added)
        return ERR_NO_MEMORY;
    catalog__facet_value__init(added);
    TRY(catalog_cstr(call, value, &added->value));
    added->has_count = true;
    added->count = count;
    facet->values[facet->count++] = added;
    return 0;
}

/* -- Without words: counts that are kept --------------------------------------------------------------------------- */

static struct sql_args count_args(struct call *call, const struct list_query *query, const struct match *match,
                                  struct sql_value values[6])
{
    values[0] = sql_text(call->tenant);
    values[1] = sql_text(match->category);
    values[2] = sql_text(match->brand);
    values[3] = sql_text(query->currency);
    values[4] = sql_text(query->region);
    values[5] = sql_int(FACET_VALUES_MAX);
    return (struct sql_args){values, 6};
}

static int read_counts(struct call *call, const struct sql_statement *statement, struct sql_args args,
                       struct facet *facet)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int more;

    TRY(sql_query(call->tx, statement, args, &rows));
    while ((more = sql_next(rows)) == 1)
        TRY(add_value(call, facet, sql_get_text(rows, 0), sql_get_int(rows, 1)));
    return more;
}

static int read_kept(struct call *call, const struct list_query *query, struct match *match)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct sql_value values[6];
    struct sql_args args = count_args(call, query, match, values);

    if (match->what & COUNT_CATEGORIES)
        TRY(read_counts(call, &catalog_sql_count_by_category, args, &match->categories));
    if (match->what & COUNT_BRANDS)
        TRY(read_counts(call, &catalog_sql_count_by_brand, args, &match->brands));
    if (!(match->what & COUNT_TOTAL))
        return 0;
    args.count--;
    TRY(sql_query_row(call->tx, &catalog_sql_count_products, args, &rows));
    match->total = sql_get_int(rows, 0);
    return 0;
}

/* -- With words: the products are gone through --------------------------------------------------------------------- */

/* All products of the category, or of the brand: whatever they are priced in. */
static int count_way(struct call *call, struct str category, struct str brand, int64_t *ret_count)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;

    *ret_count = INT64_MAX;
    if (!category.len && !brand.len)
        return 0;
    TRY(sql_query_row(
        call->tx, &catalog_sql_count_products,
        SQL_ARGS(sql_text(call->tenant), sql_text(category), sql_text(brand), sql_text(STR("")), sql_text(STR(""))),
        &rows));
    *ret_count = sql_get_int(rows, 0);
    return 0;
}

static int choose_way(struct call *call, const struct list_query *query, struct match *match,
                      const struct sql_statement **ret_statement, struct str *ret_lead)
{
    int64_t smallest = query->rarest, of_brand, in_category;

    *ret_statement = &catalog_sql_match_with_word;
    *ret_lead = query->words[0];
    if (query->begun_products < smallest) {
        smallest = query->begun_products;
        *ret_statement = &catalog_sql_match_with_beginning;
        *ret_lead = STR("");
    }
    TRY(count_way(call, STR(""), match->brand, &of_brand));
    TRY(count_way(call, match->category, STR(""), &in_category));
    if (of_brand < smallest && of_brand < FACET_ROWS_MAX) {
        smallest = of_brand;
        *ret_statement = &catalog_sql_match_of_brand;
        *ret_lead = STR("");
    }
    if (in_category < smallest && in_category < FACET_ROWS_MAX) {
        smallest = in_category;
        *ret_statement = &catalog_sql_match_in_category;
        *ret_lead = STR("");
    }
    match->at_least = smallest >= FACET_ROWS_MAX;
    return 0;
}

static int read_matches(struct call *call, const struct list_query *query, struct match *match)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct list_query asked = *query;
    struct sql_value values[LIST_VALUES_MAX];
    const struct sql_statement *statement;
    struct str lead;
    int more;

    if (query->nothing)
        return 0;
    asked.category = match->category;
    asked.brand = match->brand;
    TRY(choose_way(call, query, match, &statement, &lead));
    size_t count = list_query_values(call, &asked, lead, FACET_ROWS_MAX, values);
    TRY(sql_query(call->tx, statement, (struct sql_args){values, count}, &rows));
    while ((more = sql_next(rows)) == 1) {
        int64_t amount = sql_get_int(rows, 2);

        if (sql_is_null(rows, 2))
            continue;
        match->total++;
        match->lowest = amount < match->lowest ? amount : match->lowest;
        match->highest = amount > match->highest ? amount : match->highest;
        if (match->what & COUNT_CATEGORIES)
            TRY(add_value(call, &match->categories, sql_get_text(rows, 0), 1));
        if (match->what & COUNT_BRANDS && sql_get_text(rows, 1).len > 0)
            TRY(add_value(call, &match->brands, sql_get_text(rows, 1), 1));
    }
    return more;
}

/* -- The reply ----------------------------------------------------------------------------------------------------- */

static int by_count(const void *a, const void *b)
{
    const Catalog__FacetValue *left = *(Catalog__FacetValue *const *)a, *right = *(Catalog__FacetValue *const *)b;

    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return strcmp(left->value, right->value);
}

static int find_title(struct call *call, const struct sql_statement *statement, Catalog__FacetValue *value)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(call->tx, statement, SQL_ARGS(sql_text(call->tenant), sql_cstr(value->value)), &rows);

    TRY(found);
    return catalog_cstr(call, found ? sql_get_text(rows, 0) : str_from_cstr(value->value), &value->title);
}

static int show_facet(struct call *call, const struct match *match, const struct facet *facet, size_t *ret_count,
                      Catalog__FacetValue ***ret_values)
{
    qsort(facet->values, facet->count, sizeof(*facet->values), by_count);
    *ret_count = facet->count < FACET_VALUES_MAX ? facet->count : FACET_VALUES_MAX;
    *ret_values = facet->values;
    for (size_t i = 0; i < *ret_count; i++) {
        facet->values[i]->has_at_least = facet->values[i]->at_least = match->at_least;
        TRY(find_title(call, facet->title, facet->values[i]));
    }
    return 0;
}

static bool has_words(const struct list_query *query)
{
    return query->nothing || query->word_count > 0 || query->beginning.len > 0;
}

static int read_list(struct call *call, const struct list_query *query, struct str category, struct str brand,
                     unsigned what, struct match *ret_match)
{
    *ret_match = (struct match){.category = category, .brand = brand, .what = what, .lowest = INT64_MAX, .highest = -1};
    TRY(new_facet(call, &catalog_sql_category_title, &ret_match->categories));
    TRY(new_facet(call, &catalog_sql_brand_title, &ret_match->brands));
    return has_words(query) ? read_matches(call, query, ret_match) : read_kept(call, query, ret_match);
}

/* The first price of the list in that order; none when nothing is in it. */
static int find_price(struct call *call, struct list_query query, enum list_order order, Common__Money **ret_price)
{
    struct list_row row;
    size_t count = 0;

    TRY(list_query_choose(call, order, &query));
    TRY(list_query_run(call, &query, 1, &row, &count));
    return count > 0 ? catalog_view_money(call, row.sort.integer, query.currency, ret_price) : 0;
}

static int show_prices(struct call *call, const struct list_query *query, const struct match *all,
                       Catalog__ListFacetsReply *out)
{
    if (query->currency.len == 0)
        return 0; /* prices of several currencies have no order */
    if (!has_words(query)) {
        TRY(find_price(call, *query, ORDER_CHEAPEST, &out->lowest_price));
        return find_price(call, *query, ORDER_DEAREST, &out->highest_price);
    }
    if (all->lowest > all->highest)
        return 0;
    TRY(catalog_view_money(call, all->lowest, query->currency, &out->lowest_price));
    return catalog_view_money(call, all->highest, query->currency, &out->highest_price);
}

/* A facet is counted with the list, but for one whose filter is set. */
static unsigned counted_with_list(const struct list_query *query, bool has_categories, bool has_brands)
{
    return COUNT_TOTAL | (has_categories && query->category.len == 0 ? COUNT_CATEGORIES : 0) |
           (has_brands && query->brand.len == 0 ? COUNT_BRANDS : 0);
}

int list_facets(struct call *call, const Catalog__ListFacetsRequest *in, Catalog__ListFacetsReply *out)
{
    struct list_query query;
    struct match all, categories, brands;
    bool has_categories = !in->facet || strcmp(in->facet, "category") == 0;
    bool has_brands = !in->facet || strcmp(in->facet, "brand") == 0;

    TRY(list_query_read(call, in->category, in->brand, in->q, in->currency, in->region, &query));
    TRY(list_query_count(call, &query));
    TRY(catalog_view_tag_lists(call));
    TRY(read_list(call, &query, query.category, query.brand, counted_with_list(&query, has_categories, has_brands),
                  &all));
    categories = brands = all;
    if (has_categories && query.category.len > 0)
        TRY(read_list(call, &query, STR(""), query.brand, COUNT_CATEGORIES, &categories));
    if (has_brands && query.brand.len > 0)
        TRY(read_list(call, &query, query.category, STR(""), COUNT_BRANDS, &brands));
    out->has_total = true;
    out->total = all.total;
    out->has_at_least = out->at_least = all.at_least;
    TRY(show_facet(call, &categories, &categories.categories, &out->n_categories, &out->categories));
    TRY(show_facet(call, &brands, &brands.brands, &out->n_brands, &out->brands));
    return in->facet ? 0 : show_prices(call, &query, &all, out);
}
