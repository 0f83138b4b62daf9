/* What a list of products asks for, and the way in by which it is found: for the list's pages and for its facets.
 *
 * The way in is chosen by the filters: the rarest word, the beginning of one, the brand, the category, or all. Where
 * even the rarest is frequent, a page by price or title is sooner found on the way through the products in that order
 * than by sorting all those that have the word. */
#pragma once

#include "services/catalog/catalog.h"

#define LIST_WORDS_MAX 8
#define LIST_FREQUENT 1000 /* products; counted no further */

enum list_order { ORDER_NEWEST, ORDER_TITLE, ORDER_CHEAPEST, ORDER_DEAREST, ORDER_COUNT };
enum list_way { WAY_ALL, WAY_CATEGORY, WAY_BRAND, WAY_WORD, WAY_BEGINNING, WAY_COUNT };

struct list_query {
    enum list_order order;
    enum list_way way;
    struct str category, brand /* folded */, currency, region;
    struct str words[LIST_WORDS_MAX];
    size_t word_count;
    struct str beginning;     /* of a further word; empty: none is asked for */
    struct str beginning_end; /* what no such word reaches */
    int64_t rarest, begun;    /* how many products have the rarest word; how many words begin so */
    bool nothing;             /* no product can match */
    struct sql_value after;   /* the sort value and the id behind which the page starts */
    struct str after_id;
};

/* The filters as a client gives them; any may be NULL. Reads the words in the call's snapshot. ERR_INVALID with the
 * call's problem when they are too many. */
int list_query_read(struct call *call, const char *category, const char *brand, const char *q, const char *currency,
                    const char *region, struct list_query *ret_query);

/* Starts at the first product of the order, and chooses the way. */
int list_query_choose(struct call *call, enum list_order order, struct list_query *query);

/* The parameters of list.sql without the last, which newest lists do not have: returns how many. */
#define LIST_VALUES_MAX 19
size_t list_query_values(struct call *call, const struct list_query *query, size_t rows,
                         struct sql_value ret_values[LIST_VALUES_MAX]);

/* At most so many rows of id, sort value and the card's place, in order. Release with sql_finish. */
int list_query_run(struct call *call, const struct list_query *query, size_t rows, struct sql_rows **ret_rows);
