#include "services/catalog/list_query.h"

#include "services/catalog/sql/list.sql.h"
#include "services/catalog/text.h"

/* Greater than any id (hexadecimal digits and hyphens) in every collation. */
#define ID_BEYOND "g"

/* Greater than any character: what begins with a word comes before the word and this. */
#define CHARACTER_BEYOND "\xf4\x8f\xbf\xbf"

static const struct sql_statement *const statements[ORDER_COUNT][WAY_COUNT] = {
    [ORDER_NEWEST] = {&catalog_sql_list_newest, &catalog_sql_list_newest_in_category, &catalog_sql_list_newest_of_brand,
                      &catalog_sql_list_newest_with_word, &catalog_sql_list_newest_with_beginning},
    [ORDER_TITLE] = {&catalog_sql_list_by_title, &catalog_sql_list_by_title_in_category,
                     &catalog_sql_list_by_title_of_brand, &catalog_sql_list_by_title_with_word,
                     &catalog_sql_list_by_title_with_beginning},
    [ORDER_CHEAPEST] = {&catalog_sql_list_cheapest, &catalog_sql_list_cheapest_in_category,
                        &catalog_sql_list_cheapest_of_brand, &catalog_sql_list_cheapest_with_word,
                        &catalog_sql_list_cheapest_with_beginning},
    [ORDER_DEAREST] = {&catalog_sql_list_dearest, &catalog_sql_list_dearest_in_category,
                       &catalog_sql_list_dearest_of_brand, &catalog_sql_list_dearest_with_word,
                       &catalog_sql_list_dearest_with_beginning},
};

/* -- Words --------------------------------------------------------------------------------------------------------- */

static int find_word(struct call *call, const struct sql_statement *statement, struct str from, struct str end,
                     struct str *ret_word)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found =
        sql_query_row(call->tx, statement, SQL_ARGS(sql_text(call->tenant), sql_text(from), sql_text(end)), &rows);

    TRY(found);
    *ret_word = STR_EMPTY;
    return found ? catalog_copy(call, sql_get_text(rows, 0), ret_word) : 0;
}

/* Whoever types has not come to the end of the last word: it stands for the words of the shop that begin so. */
static int take_beginning(struct call *call, struct str word, struct list_query *query)
{
    struct str begun;

    query->beginning = word;
    query->beginning_end = str_from_cstr(arena_printf(call->arena, "%.*s" CHARACTER_BEYOND, STR_FORMAT(word)));
    if (!query->beginning_end.ptr)
        return ERR_NO_MEMORY;
    TRY(find_word(call, &catalog_sql_first_word, word, query->beginning_end, &begun));
    query->nothing = begun.len == 0;
    while (begun.len > 0 && query->begun_count < LIST_BEGUN_MAX) {
        query->begun[query->begun_count++] = begun;
        TRY(find_word(call, &catalog_sql_next_word, begun, query->beginning_end, &begun));
    }
    if (begun.len > 0)
        query->begun_count = 0;
    return 0;
}

static int read_words(struct call *call, struct str q, struct list_query *query)
{
    struct str folded, *words;
    size_t count;

    TRY(catalog_text_fold(call->arena, q, &folded));
    TRY(catalog_text_words(call->arena, &folded, 1, LIST_WORDS_MAX + 1, &words, &count));
    if (count > LIST_WORDS_MAX)
        return call_fail(call, ERR_INVALID, "too_many_words", "?q", "At most %d words are looked for.", LIST_WORDS_MAX);
    query->nothing = count == 0 && str_trim(q).len > 0;
    if (count == 0)
        return 0;
    query->word_count = count - 1;
    for (size_t i = 0; i < query->word_count; i++)
        query->words[i] = words[i];
    return take_beginning(call, words[count - 1], query);
}

int list_query_read(struct call *call, const char *category, const char *brand, const char *q, const char *currency,
                    const char *region, struct list_query *ret_query)
{
    *ret_query = (struct list_query){.category = str_from_cstr(category),
                                     .currency = str_from_cstr(currency),
                                     .region = str_from_cstr(region),
                                     .beginning = STR(""),
                                     .beginning_end = STR(""),
                                     .rarest = INT64_MAX,
                                     .begun_products = INT64_MAX};
    TRY(catalog_text_fold(call->arena, str_from_cstr(brand), &ret_query->brand));
    return q ? read_words(call, str_from_cstr(q), ret_query) : 0;
}

/* -- Choosing the way in ------------------------------------------------------------------------------------------- */

static int count(struct call *call, const struct sql_statement *statement, struct sql_args args, int64_t *ret_count)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;

    TRY(sql_query_row(call->tx, statement, args, &rows));
    *ret_count = sql_get_int(rows, 0);
    return 0;
}

/* Puts the rarest word first. */
static int find_rarest(struct call *call, struct list_query *query)
{
    query->rarest = INT64_MAX;
    for (size_t i = 0; i < query->word_count; i++) {
        int64_t frequency;
        struct str word = query->words[i];

        TRY(count(call, &catalog_sql_word_frequency,
                  SQL_ARGS(sql_text(call->tenant), sql_text(word), sql_int(LIST_FREQUENT)), &frequency));
        if (frequency < query->rarest) {
            query->rarest = frequency;
            query->words[i] = query->words[0];
            query->words[0] = word;
        }
    }
    return 0;
}

static void start_at_first(struct list_query *query)
{
    bool is_falling = query->order == ORDER_NEWEST || query->order == ORDER_DEAREST;

    query->after_id = is_falling ? STR(ID_BEYOND) : STR("");
    query->after = query->order == ORDER_TITLE ? sql_text(STR("")) : sql_int(is_falling ? INT64_MAX : -1);
}

int list_query_count(struct call *call, struct list_query *query)
{
    TRY(find_rarest(call, query));
    query->nothing = query->nothing || query->rarest == 0;
    if (query->nothing || query->beginning.len == 0)
        return 0;
    return count(call, &catalog_sql_beginning_frequency,
                 SQL_ARGS(sql_text(call->tenant), sql_text(query->beginning), sql_text(query->beginning_end),
                          sql_int(LIST_FREQUENT)),
                 &query->begun_products);
}

/* A word leads to its products, newest first or by title, as they are; by price they have to be sorted, and so have
 * those of too many words that begin alike. */
static bool is_kept(enum list_order order)
{
    return order == ORDER_NEWEST || order == ORDER_TITLE;
}

static bool leads(const struct list_query *query, int64_t products, bool is_merged)
{
    return products < LIST_FREQUENT || (is_kept(query->order) && is_merged);
}

static void choose_word(struct list_query *query)
{
    bool is_begun = query->begun_products < query->rarest;

    if (is_begun && leads(query, query->begun_products, query->begun_count > 0)) {
        query->way = query->begun_count > 0 ? WAY_WORD : WAY_BEGINNING;
        query->lead = query->begun;
        query->lead_count = query->begun_count;
    } else if (query->word_count > 0 && leads(query, query->rarest, true)) {
        query->way = WAY_WORD;
        query->lead = query->words;
        query->lead_count = 1;
    }
}

int list_query_choose(struct call *call, enum list_order order, struct list_query *query)
{
    bool is_one = query->word_count == 0 && query->begun_count > 0;

    query->order = order;
    start_at_first(query);
    query->way = query->brand.len ? WAY_BRAND : query->category.len ? WAY_CATEGORY : WAY_ALL;
    if (is_one && is_kept(order))
        query->begun_products = 0; /* it leads, whatever their number */
    else
        TRY(list_query_count(call, query));
    choose_word(query);
    return 0;
}

/* -- Asking -------------------------------------------------------------------------------------------------------- */

static bool is_among(struct str word, const struct str *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(word, words[i]))
            return true;
    return false;
}

size_t list_query_values(struct call *call, const struct list_query *query, struct str lead, size_t rows,
                         struct sql_value ret_values[LIST_VALUES_MAX])
{
    bool is_begun = lead.len > 0 && is_among(lead, query->begun, query->begun_count);
    size_t skipped = lead.len > 0 && !is_begun; /* the rarest word */
    const struct sql_value first[] = {
        sql_text(call->tenant),  sql_text(query->category),
        sql_text(query->brand),  sql_text(query->currency),
        sql_text(query->region), sql_text(query->after_id),
        sql_int((int64_t)rows),  sql_int((int64_t)(query->word_count - skipped)),
        sql_text(lead),
    };
    size_t n = sizeof(first) / sizeof(first[0]);

    memcpy(ret_values, first, sizeof(first));
    for (size_t i = 0; i < LIST_WORDS_MAX - 1; i++)
        ret_values[n++] = sql_text(i + skipped < query->word_count ? query->words[i + skipped] : STR(""));
    ret_values[n++] = sql_text(is_begun ? STR("") : query->beginning);
    ret_values[n++] = sql_text(query->beginning_end);
    return n;
}

/* -- Merging ------------------------------------------------------------------------------------------------------- */

/* The rows that were found, in order, each product once, no more than asked for. */
struct merge {
    const struct list_query *query;
    struct list_row *rows;
    size_t count, max;
};

/* Below zero: a comes before b in the list. */
static int compare_rows(enum list_order order, const struct list_row *a, const struct list_row *b)
{
    int by_sort = order == ORDER_TITLE                 ? str_compare(a->sort.bytes, b->sort.bytes)
                  : a->sort.integer == b->sort.integer ? 0
                  : a->sort.integer < b->sort.integer  ? -1
                                                       : 1;
    int rising = by_sort ? by_sort : str_compare(a->id, b->id);

    return order == ORDER_NEWEST || order == ORDER_DEAREST ? -rising : rising;
}

static int read_row(struct call *call, enum list_order order, struct sql_rows *rows, struct list_row *ret_row)
{
    TRY(catalog_copy(call, sql_get_text(rows, 0), &ret_row->id));
    ret_row->place = sql_get_int(rows, 2);
    if (order != ORDER_TITLE) {
        ret_row->sort = sql_int(sql_get_int(rows, 1));
        return 0;
    }
    struct str title;
    TRY(catalog_copy(call, sql_get_text(rows, 1), &title));
    ret_row->sort = sql_text(title);
    return 0;
}

/* False: there is no room for it, nor for any that comes after it. */
static bool put_row(struct merge *merge, const struct list_row *row)
{
    size_t at = merge->count;
    int difference = 1;

    while (at > 0 && (difference = compare_rows(merge->query->order, &merge->rows[at - 1], row)) > 0)
        at--;
    if (at > 0 && difference == 0)
        return true; /* it has two of the words */
    if (at == merge->max)
        return false;
    merge->count += merge->count < merge->max;
    memmove(&merge->rows[at + 1], &merge->rows[at], (merge->count - at - 1) * sizeof(*merge->rows));
    merge->rows[at] = *row;
    return true;
}

static int run_lead(struct call *call, struct str lead, struct merge *merge)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    const struct list_query *query = merge->query;
    struct sql_value values[LIST_VALUES_MAX];
    size_t n = list_query_values(call, query, lead, merge->max, values);
    struct list_row row;
    int more;

    if (query->order != ORDER_NEWEST)
        values[n++] = query->after;
    TRY(sql_query(call->tx, statements[query->order][query->way], (struct sql_args){values, n}, &rows));
    while ((more = sql_next(rows)) == 1) {
        TRY(read_row(call, query->order, rows, &row));
        if (!put_row(merge, &row))
            return 0;
    }
    return more;
}

int list_query_run(struct call *call, const struct list_query *query, size_t rows, struct list_row *ret_rows,
                   size_t *ret_count)
{
    struct merge merge = {query, ret_rows, 0, rows};

    if (query->way != WAY_WORD)
        TRY(run_lead(call, STR(""), &merge));
    for (size_t i = 0; query->way == WAY_WORD && i < query->lead_count; i++)
        TRY(run_lead(call, query->lead[i], &merge));
    *ret_count = merge.count;
    return 0;
}
