/* What lists work from, beside the products themselves: the words they are found by, their lowest prices, and the
 * categories with their counts. All functions run in the call's write transaction. */
#pragma once

#include "services/catalog/catalog.h"

/* The words of the title, brand and description. Deleting needs the product as it was when they were inserted. */
int listing_insert_words(struct call *call, const struct catalog_product *product);
int listing_delete_words(struct call *call, const struct catalog_product *product);

/* The same words by the titles of their products, once these and their cards are stored: of all products whose places
 * lie from the first on and before the end, together, for one by one they cost four times as much. Deleted with the
 * words. */
int listing_insert_titles(struct call *call, int64_t first_place, int64_t end_place);

/* For each currency and region that the product has prices in, the lowest of its SKUs', and its place in the counts of
 * its category and brand. ERR_INVALID with the call's problem set when those are too many. */
int listing_insert_prices(struct call *call, const struct catalog_product *product);
int listing_delete_prices(struct call *call, struct str product_id);

/* Makes the category unless it exists; title may be empty: one is made from the slug. */
int listing_make_category(struct call *call, struct str slug, struct str title);

/* Adds to the number of its products. */
int listing_count_category(struct call *call, struct str slug, int64_t difference);
