/* The demo catalog: 500 products with some 6,000 SKUs in 12 categories of one shop, made from word tables and the same
 * on every machine, ids included. */
#pragma once

#include "services/catalog/catalog.h"

#define SEED_PRODUCTS 500

/* Fills the call's tenant with the demo catalog if it has no product yet, in one transaction; events are published as
 * for any product. For a call without a transaction of its own. 1 when it did, 0 when the shop has products, or an
 * error. */
int catalog_seed(struct call *call);

/* The product of that number, below SEED_PRODUCTS; pure. ERR_NO_MEMORY. */
int seed_product(struct arena *arena, size_t number, struct catalog_product *ret_product);
