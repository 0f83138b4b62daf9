/* Products in the database: read whole, written whole. All functions run in the call's transaction. */
#pragma once

#include "services/catalog/catalog.h"

/* By what the rest of a product is found. */
struct product_key {
    struct str id;
    int64_t place; /* of its card (cards.h) */
};

/* The product that a path names by id or slug. ERR_NOT_FOUND with the call's problem set. */
int product_find(struct call *call, struct str id_or_slug, struct product_key *ret_key);

/* The product that has the slug. ERR_NOT_FOUND without a problem. */
int product_find_slug(struct call *call, struct str slug, struct product_key *ret_key);

/* The product with SKUs, prices and stock, in the call's arena. ERR_NOT_FOUND with the call's problem set. */
int product_load(struct call *call, struct str id, struct catalog_product *ret_product);

/* Stores a new product: gives it and its SKUs ids where they have none, a free slug where it has none, version 1. A SKU
 * code that is taken is ERR_CONFLICT with the problem set; *ret_sku (may be NULL) says which. Who inserts lists it by
 * its title thereafter: listing_insert_titles. */
int product_insert(struct call *call, struct catalog_product *product, size_t *ret_sku);

/* Stores what differs between before (as loaded) and after, by the marks on its SKUs; new SKUs are those without an id.
 * The version is raised by one. ERR_STALE when the stored version is not before's; ERR_CONFLICT as above, and when
 * stock is set below what is reserved. */
int product_update(struct call *call, const struct catalog_product *before, struct catalog_product *after,
                   size_t *ret_sku);

/* Removes the SKU of that place; there must be another. The version is raised by one. ERR_STALE as above. */
int product_remove_sku(struct call *call, const struct catalog_product *product, size_t index);

/* Removes it with all that belongs to it. */
int product_delete(struct call *call, const struct catalog_product *product);
