/* Stock and the events of its changes. */
#pragma once

#include "services/catalog/catalog.h"

/* SKUs whose stock changed in this transaction. */
struct stock_change {
    struct str product_id;
    struct str sku_id;
    int64_t available;
};

/* Tells of them: on the cards of lists, and by product.stock_changed, once for each product. Sorts them. */
int stock_publish(struct call *call, struct stock_change *changes, size_t count);
