/* Cards: what lists show of a product, written together with every change of it, so that a page of a list reads one
 * place of the file for each product.
 *
 * A card repeats what the tables of products, SKUs and stock say, in the transaction that changes them, and is read by
 * catalog_view_products() alone. Prices beside a SKU's own are read from their table. All functions run in the call's
 * write transaction. */
#pragma once

#include "services/catalog/catalog.h"
#include "services/catalog/stock.h"

#define CARD_LINES_MAX 128 /* places from one card to the next: room for the product and CATALOG_SKUS_MAX SKUs */

/* Where the card of a new product begins. */
int card_find_room(struct call *call, int64_t *ret_place);

/* The card of the product at its place, whose SKUs are all stored and all there. */
int card_insert(struct call *call, const struct catalog_product *product);
int card_delete(struct call *call, const struct catalog_product *product);

/* What can be bought of a SKU. ERR_CORRUPT when its product's card does not have it. */
int card_set_available(struct call *call, const struct stock_change *change);
