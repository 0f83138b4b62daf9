/* What merchandisers send, checked and put into a product in memory. The rules that the schema states at its fields
 * have been enforced before; these are the ones that take more than one field, or the shop's state. */
#pragma once

#include "services/catalog/catalog.h"

/* A product from a request, not stored yet. ERR_INVALID with the call's problem set. */
int product_edit_new(struct call *call, const Catalog__CreateProductRequest *in, struct catalog_product *ret_product);

/* Changes the product as the request says, and marks the SKUs that differ. *ret_changed: whether anything does. */
int product_edit_apply(struct call *call, const Catalog__UpdateProductRequest *in, struct catalog_product *product,
                       bool *ret_changed);

/* The product's SKU with the code, or NULL. */
struct catalog_sku *product_edit_find_sku(struct catalog_product *product, struct str code);

/* ERR_INVALID when two of the prices are for one currency and region, or one repeats the SKU's own; *ret_reason says
 * which, as a static sentence. */
int product_edit_check_prices(const struct catalog_sku *sku, const char **ret_reason);

/* Whether the address may be a product's picture: none, one by https or http, or a path of the shop. Anything else
 * could run in a page. */
bool product_edit_is_image(struct str address);

bool product_edit_same_prices(const struct catalog_sku *sku, const struct catalog_price *prices, size_t count);
