/* What the files of the catalog share: its limits and the product as it is worked on in memory.
 *
 * Which cached replies a change drops. A reply is filed under tags; publishing an event drops the tags
 * ("product.events", product id) and (event type, nothing).
 *   - A product page carries its product's id: any event of that product drops it.
 *   - A list page carries the ids of the products on it, so that a sale of stock drops the pages that show it and no
 *     other; and the types product.created, product.updated and product.deleted, for such a change of any product can
 *     move what belongs on any page.
 *   - The categories and facets carry the same three types: they show counts and prices, which stock does not touch.
 * Stock changes are published as product.stock_changed and leave the product's version alone. */
#pragma once

#include "platform/service/call.h"
#include "shopstream/catalog/v1/catalog.rpc.h"

extern const struct service catalog_service;

#define CATALOG_TOPIC "product.events"
#define CATALOG_CREATED "product.created"
#define CATALOG_UPDATED "product.updated"
#define CATALOG_DELETED "product.deleted"
#define CATALOG_STOCK_CHANGED "product.stock_changed"

#define CATALOG_SKUS_MAX 100        /* of a product */
#define CATALOG_PRICES_MAX 32       /* of a SKU, beside its own */
#define CATALOG_PRICE_LISTS_MAX 64  /* different pairs of currency and region in one product */
#define CATALOG_WORDS_MAX 256       /* of a product that lists find it by */
#define CATALOG_CATEGORIES_MAX 1000 /* shown in one reply */
#define CATALOG_STOCK_MAX INT64_C(1000000000)
#define CATALOG_AMOUNT_MAX INT64_C(99999999999)

/* A price beside a SKU's own; an empty region is everywhere. */
struct catalog_price {
    struct str currency;
    struct str region;
    int64_t amount;
};

struct catalog_sku {
    struct str id; /* empty before it is stored */
    struct str code;
    struct str attributes; /* packed, see attributes.h */
    struct str currency;
    int64_t amount; /* its own price */
    struct catalog_price *prices;
    size_t price_count;
    int64_t on_hand;
    int64_t reserved;
    bool changed; /* attributes or own price differ from what is stored */
    bool prices_changed;
    bool stock_changed;
};

struct catalog_product {
    struct str id;   /* empty before it is stored */
    struct str slug; /* empty: one is made from the title */
    struct str title;
    struct str brand;
    struct str category;
    struct str description;
    struct str image_url;
    int64_t version;
    int64_t place;            /* of its card, see cards.h; 0 before it is stored */
    struct catalog_sku *skus; /* room for CATALOG_SKUS_MAX */
    size_t sku_count;
};

/* A copy in the call's arena; ERR_NO_MEMORY. The empty text gives "". */
int catalog_copy(struct call *call, struct str text, struct str *ret_copy);
int catalog_cstr(struct call *call, struct str text, char **ret_copy);
