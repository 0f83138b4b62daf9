/* What a list of products asks for, and the way in by which it is found: for the list's pages and for its facets.
 *
 * The way in is chosen by the filters: the rarest word, the words that begin as the last one does, the brand, the
 * category, or all. A word has its products newest first and by title, so a page costs by its size and by how many
 * words begin so, whose products are merged. By price they are sorted; where even the rarest is frequent, a page is
 * sooner found on the way through the products in that order. */
#pragma once

#include "services/catalog/catalog.h"

#define LIST_WORDS_MAX 8
#define LIST_FREQUENT 1000 /* products; counted no further */
#define LIST_BEGUN_MAX 32  /* words that begin alike and are merged; of more, the order or a sort leads */

enum list_order { ORDER_NEWEST, ORDER_TITLE, ORDER_CHEAPEST, ORDER_DEAREST, ORDER_COUNT };
enum list_way { WAY_ALL, WAY_CATEGORY, WAY_BRAND, WAY_WORD, WAY_BEGINNING, WAY_COUNT };

struct list_query {
    enum list_order order;
    enum list_way way;
    struct str category, brand /* folded */, currency, region;
    struct str words[LIST_WORDS_MAX]; /* whole ones */
    size_t word_count;
    struct str beginning;     /* of a further word; empty: none is asked for */
    struct str beginning_end; /* what no such word reaches */
    struct str begun[LIST_BEGUN_MAX];
    size_t begun_count;             /* words that begin so; 0: more than there is room for */
    int64_t rarest, begun_products; /* how many products have the rarest word; how often a word begins so */
    const struct str *lead;         /* WAY_WORD: the words whose products are merged, of this very query */
    size_t lead_count;
    bool nothing;           /* no product can match */
    struct sql_value after; /* the sort value and the id behind which the page starts */
    struct str after_id;
};

struct list_row {
    struct str id;
    struct sql_value sort; /* text by title, else an integer */
    int64_t place;         /* of its card */
};

/* The filters as a client gives them; any may be NULL. Reads the words in the call's snapshot. ERR_INVALID with the
 * call's problem when they are too many. */
int list_query_read(struct call *call, const char *category, const char *brand, const char *q, const char *currency,
                    const char *region, struct list_query *ret_query);

/* Starts at the first product of the order, and chooses the way. The query stays where it is from here on. */
int list_query_choose(struct call *call, enum list_order order, struct list_query *query);

/* Counts rarest, whose word then is the first, and begun_products: no further than LIST_FREQUENT. */
int list_query_count(struct call *call, struct list_query *query);

/* The parameters of list.sql without the last, which newest lists do not have: returns how many. lead: the word by
 * which the products are found, the rarest or one of those begun; empty: none. */
#define LIST_VALUES_MAX 19
size_t list_query_values(struct call *call, const struct list_query *query, struct str lead, size_t rows,
                         struct sql_value ret_values[LIST_VALUES_MAX]);

/* The next rows, at most so many, in order. */
int list_query_run(struct call *call, const struct list_query *query, size_t rows, struct list_row *ret_rows,
                   size_t *ret_count);
