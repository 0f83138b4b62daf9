/* What articles cost: the catalog's prices, in one currency and for one country. A client's prices are never looked at.
 */
#pragma once

#include "services/orders/orders.h"
#include "shopstream/catalog/v1/catalog.rpc.h"

struct pricing {
    const char *currency;         /* of every price in it */
    Catalog__GetSkusReply priced; /* what has a price in it */
    Catalog__GetSkusReply known;  /* only where something has none: what is for sale at all */
};

/* Asks the catalog about at most ORDER_LINES_MAX articles. currency: the one that was asked for; NULL: the shop's, or
 * the articles' own where they share one and some have no price in the shop's. country may be NULL: its prices come
 * before those that hold everywhere. Called outside of transactions. */
int pricing_load(struct call *call, char **sku_ids, size_t count, const char *currency, const char *country,
                 struct pricing *ret_pricing);

/* NULL when the article is not for sale, or has no price in the currency. */
const Catalog__SkuDetail *pricing_find(const struct pricing *pricing, const char *sku_id);

/* An article that is for sale and has no price in the currency; NULL when that is not so. */
const Catalog__SkuDetail *pricing_find_unpriced(const struct pricing *pricing, const char *sku_id);

/* Refuses such an article: ERR_INVALID. pointer: where the client gives the currency. */
int pricing_refuse_unpriced(struct call *call, const struct pricing *pricing, const Catalog__SkuDetail *unpriced,
                            const char *pointer);
