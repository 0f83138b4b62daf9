/* How an article looks in a cart and in an order: what the catalog says of it beside its price.
 *
 * A cart shows the article as it is now. An order's line keeps how it looked when it was ordered, as JSON in the line's
 * row, so that a page of an old order needs nothing of the catalog. */
#pragma once

#include "services/orders/orders.h"
#include "shopstream/catalog/v1/catalog.rpc.h"

/* Fills in title, slug, attributes, picture and, of a cart's item, what is available. Strings stay the detail's.
 * ERR_NO_MEMORY. */
int article_show_in_cart(struct call *call, const Catalog__SkuDetail *detail, Orders__CartItem *item);
int article_show_in_line(struct call *call, const Catalog__SkuDetail *detail, Orders__OrderLine *line);

/* What the line's row keeps of slug, attributes and picture, in the arena; and back into a line. */
int article_pack(struct call *call, const Orders__OrderLine *line, struct str *ret_shown);
int article_unpack(struct call *call, struct str shown, Orders__OrderLine *line);
