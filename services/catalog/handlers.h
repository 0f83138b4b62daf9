/* What the catalog's table names, by file. Handlers are typed by the schema: catalog_<method>_fn. */
#pragma once

#include "services/catalog/catalog.h"

/* list.c, facets.c, products.c */
catalog_list_products_fn list_products;
catalog_list_facets_fn list_facets;
catalog_get_product_fn get_product;
catalog_create_product_fn create_product;
catalog_update_product_fn update_product;
catalog_delete_product_fn delete_product;
catalog_delete_sku_fn delete_sku;

/* categories.c, skus.c */
catalog_list_categories_fn list_categories;
catalog_list_covers_fn list_covers;
catalog_get_skus_fn get_skus;

/* stock.c */
catalog_set_stock_fn set_stock;
catalog_get_stock_fn get_stock;

/* reservations.c: the three RPCs, and the job that releases what has expired. */
catalog_reserve_stock_fn reserve_stock;
catalog_commit_stock_fn commit_stock;
catalog_release_stock_fn release_stock;
int expire_reservations(struct call *call);
int purge_reservations(struct call *call);

/* import.c, export.c */
catalog_import_products_fn import_products;
catalog_export_products_fn export_products;
catalog_seed_products_fn seed_products;
raw_handler import_csv;
raw_handler export_csv;
