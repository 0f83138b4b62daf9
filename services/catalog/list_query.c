#include "services/catalog/list_query.h"

#include "services/catalog/sql/list.sql.h"
#include "services/catalog/text.h"

/* The newest of so many words' products are found by sorting them; of more, on the way through all products. */
#define BEGINNING_SORTED_MAX 10000

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

/* The first word with the beginning that comes after another; empty: there is none. */
static int first_word(struct call *call, const struct list_query *query, struct str after, struct str *ret_word)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(
        call->tx, &catalog_sql_first_word,
        SQL_ARGS(sql_text(call->tenant), sql_text(query->beginning), sql_text(query->beginning_end), sql_text(after)),
        &rows);

    *ret_word = STR_EMPTY;
    return found == 1 ? catalog_copy(call, sql_get_text(rows, 0), ret_word) : found;
}

/* Whoever types has not come to the end of the last word. Where but one word of the shop begins so, it is that one. */
static int take_beginning(struct call *call, struct str word, struct list_query *query)
{
    struct str first, second;

    query->beginning = word;
    query->beginning_end = str_from_cstr(arena_printf(call->arena, "%.*s" CHARACTER_BEYOND, STR_FORMAT(word)));
    if (!query->beginning_end.ptr)
        return ERR_NO_MEMORY;
    TRY(first_word(call, query, STR(""), &first));
    query->nothing = first.len == 0;
    if (query->nothing)
        return 0;
    TRY(first_word(call, query, first, &second));
    if (second.len > 0)
        return 0;
    query->words[query->word_count++] = first;
    query->beginning = query->beginning_end = STR("");
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
                                     .begun = INT64_MAX};
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

/* A word leads to its newest products as they are; those of a beginning have to be sorted, and there may be many. */
static bool leads(const struct list_query *query, enum list_way way)
{
    bool is_newest = query->order == ORDER_NEWEST;

    if (way == WAY_WORD)
        return query->word_count > 0 && (is_newest || query->rarest < LIST_FREQUENT);
    return query->begun < (is_newest && query->word_count == 0 ? BEGINNING_SORTED_MAX : LIST_FREQUENT) &&
           query->begun < query->rarest;
}

static void start_at_first(struct list_query *query)
{
    bool is_falling = query->order == ORDER_NEWEST || query->order == ORDER_DEAREST;

    query->after_id = is_falling ? STR(ID_BEYOND) : STR("");
    query->after = query->order == ORDER_TITLE ? sql_text(STR("")) : sql_int(is_falling ? INT64_MAX : -1);
}

int list_query_choose(struct call *call, enum list_order order, struct list_query *query)
{
    query->order = order;
    start_at_first(query);
    query->way = query->brand.len ? WAY_BRAND : query->category.len ? WAY_CATEGORY : WAY_ALL;
    if (query->nothing)
        return 0;
    TRY(find_rarest(call, query));
    if (query->beginning.len > 0)
        TRY(count(call, &catalog_sql_beginning_frequency,
                  SQL_ARGS(sql_text(call->tenant), sql_text(query->beginning), sql_text(query->beginning_end),
                           sql_int(BEGINNING_SORTED_MAX)),
                  &query->begun));
    query->nothing = query->rarest == 0;
    if (leads(query, WAY_BEGINNING))
        query->way = WAY_BEGINNING;
    else if (leads(query, WAY_WORD))
        query->way = WAY_WORD;
    return 0;
}

/* -- Asking -------------------------------------------------------------------------------------------------------- */

size_t list_query_values(struct call *call, const struct list_query *query, size_t rows,
                         struct sql_value ret_values[LIST_VALUES_MAX])
{
    const struct sql_value first[] = {
        sql_text(call->tenant),  sql_text(query->category), sql_text(query->brand), sql_text(query->currency),
        sql_text(query->region), sql_text(query->after_id), sql_int((int64_t)rows), sql_int((int64_t)query->word_count),
    };
    size_t n = sizeof(first) / sizeof(first[0]);

    memcpy(ret_values, first, sizeof(first));
    for (size_t i = 0; i < LIST_WORDS_MAX; i++)
        ret_values[n++] = sql_text(i < query->word_count ? query->words[i] : STR(""));
    ret_values[n++] = sql_text(query->beginning);
    ret_values[n++] = sql_text(query->beginning_end);
    return n;
}

int list_query_run(struct call *call, const struct list_query *query, size_t rows, struct sql_rows **ret_rows)
{
    struct sql_value values[LIST_VALUES_MAX];
    size_t n = list_query_values(call, query, rows, values);

    if (query->order != ORDER_NEWEST)
        values[n++] = query->after;
    return sql_query(call->tx, statements[query->order][query->way], (struct sql_args){values, n}, ret_rows);
}
