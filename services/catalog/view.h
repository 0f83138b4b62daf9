/* Products as the schema shows them: read from the database in the call's transaction, a page at a time and with few
 * statements; and the events that carry them. */
#pragma once

#include "services/catalog/attributes.h"
#include "services/catalog/catalog.h"

#define VIEW_BATCH 25 /* products that one statement reads */

/* Reads the products whose cards (cards.h) begin at the places, with their SKUs, priced in the currency ("": each
 * product's own) and the region ("": none). A SKU without such a price is left out. */
int catalog_view_products(struct call *call, const int64_t *places, size_t count, struct str currency,
                          struct str region, Catalog__Product ***ret_views);

/* The same of one product. */
int catalog_view_product(struct call *call, int64_t place, struct str currency, struct str region,
                         Catalog__Product **ret_view);

/* The fields of a row's packed attributes, as entries of the map whose entry type starts like these. */
int catalog_view_attributes(struct call *call, struct str packed, const ProtobufCMessageDescriptor *entry,
                            size_t *ret_count, void ***ret_entries);

int catalog_view_money(struct call *call, int64_t amount, struct str currency, Common__Money **ret_money);

/* Publishes product.created or product.updated with the product as its card at the place shows it now; *ret_view (may
 * be NULL) is what was sent. */
int catalog_view_publish(struct call *call, const char *type, int64_t place, Catalog__Product **ret_view);

/* Files the reply under the products' events that may change a list of them, or counts of them. */
int catalog_view_tag_lists(struct call *call);
