/* Products for tests, by the catalog's client: on a host that runs the catalog, for the tests of any service. */
#pragma once

#include "platform/service/test_host.h"
#include "shopstream/catalog/v1/catalog.rpc.h"

struct test_product {
    const char *title, *brand, *category, *code, *description, *image_url;
    const char *colour;   /* the SKU's only attribute; NULL: it has none */
    const char *currency; /* NULL: EUR */
    int64_t amount;
    int64_t available;
    Catalog__SkuPrice **prices;
    size_t price_count;
};

/* Creates a product of one SKU; the reply lies in the host's arena. Says why and ends the program when it cannot. */
static inline Catalog__Product *test_catalog_create(struct test_host *test, const struct test_product *product)
{
    Catalog__CreateProductRequest in = CATALOG__CREATE_PRODUCT_REQUEST__INIT;
    Catalog__NewSku sku = CATALOG__NEW_SKU__INIT, *skus[] = {&sku};
    Catalog__NewSku__AttributesEntry colour = CATALOG__NEW_SKU__ATTRIBUTES_ENTRY__INIT, *attributes[] = {&colour};
    Common__Money price = COMMON__MONEY__INIT;
    Catalog__Product *out = arena_alloc(test->arena, sizeof(*out));
    struct call *call = test_host_call(test, "catalog");

    price.has_amount = true;
    price.amount = product->amount;
    price.currency = (char *)(product->currency ? product->currency : "EUR");
    colour.key = (char *)"colour";
    colour.value = (char *)product->colour;
    sku.attributes = attributes;
    sku.n_attributes = product->colour ? 1 : 0;
    sku.code = (char *)product->code;
    sku.has_available = true;
    sku.available = product->available;
    sku.prices = product->prices;
    sku.n_prices = product->price_count;
    in.title = (char *)product->title;
    in.brand = (char *)product->brand;
    in.category = (char *)(product->category ? product->category : "things");
    in.description = (char *)product->description;
    in.image_url = (char *)product->image_url;
    in.price = &price;
    in.skus = skus;
    in.n_skus = 1;
    catalog__product__init(out);
    if (catalog_create_product(call, &in, out) < 0) {
        fprintf(stderr, "test catalog: %s\n", call->problem.detail);
        exit(1);
    }
    return out;
}

/* On hand and reserved of a SKU. */
static inline Catalog__Stock test_catalog_stock(struct test_host *test, const char *sku_id)
{
    Catalog__GetStockRequest in = CATALOG__GET_STOCK_REQUEST__INIT;
    Catalog__Stock out = CATALOG__STOCK__INIT;

    in.id = (char *)sku_id;
    if (catalog_get_stock(test_host_call(test, "catalog"), &in, &out) < 0)
        abort();
    return out;
}
