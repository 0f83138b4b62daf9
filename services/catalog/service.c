/* The catalog: what is for sale, and how much of it is left. */
#include "services/catalog/migrations/migrations.h"
#include "services/catalog/handlers.h"
#include "services/catalog/transfer.h"

#define EXPIRY_INTERVAL_MS 1000
#define PURGE_INTERVAL_MS (INT64_C(10) * 60 * 1000)

static const struct route routes[] = {
    {"GET", "/v1/products", RPC(catalog, list_products), .auth = AUTH_ANYONE, .rate = RATE_BROWSE, .cached = true,
     .summary = "Lists products, by filters and in an order"},
    {"GET", "/v1/facets", RPC(catalog, list_facets), .auth = AUTH_ANYONE, .rate = RATE_BROWSE, .cached = true,
     .summary = "Counts the products of a list by category and brand, and shows what they cost"},
    {"GET", "/v1/products/{id}", RPC(catalog, get_product), .auth = AUTH_ANYONE, .rate = RATE_BROWSE, .cached = true,
     .summary = "Shows a product, by id or slug"},
    {"POST", "/v1/products", RPC(catalog, create_product), .auth = AUTH_MERCHANDISER, .rate = RATE_WRITE, .status = 201,
     .idempotent = true, .summary = "Adds a product with its SKUs"},
    {"PATCH", "/v1/products/{id}", RPC(catalog, update_product), .auth = AUTH_MERCHANDISER, .rate = RATE_WRITE,
     .idempotent = true, .if_match = IF_MATCH_REQUIRED, .summary = "Changes what is given of a product"},
    {"DELETE", "/v1/products/{id}", RPC(catalog, delete_product), .auth = AUTH_MERCHANDISER, .rate = RATE_WRITE,
     .idempotent = true, .if_match = IF_MATCH_REQUIRED, .summary = "Removes a product and its SKUs"},
    {"DELETE", "/v1/products/{id}/skus/{sku_id}", RPC(catalog, delete_sku), .auth = AUTH_MERCHANDISER,
     .rate = RATE_WRITE, .idempotent = true, .if_match = IF_MATCH_REQUIRED,
     .summary = "Removes a SKU; its product is answered as it is now"},
    {"GET", "/v1/categories", RPC(catalog, list_categories), .auth = AUTH_ANYONE, .rate = RATE_BROWSE, .cached = true,
     .summary = "Lists the categories that have products"},
    {"PUT", "/v1/skus/{id}/stock", RPC(catalog, set_stock), .auth = AUTH_MERCHANDISER, .rate = RATE_WRITE,
     .idempotent = true, .if_match = IF_MATCH_TAKEN, .summary = "Sets how many units are on hand"},
    {"GET", "/v1/skus/{id}/stock", RPC(catalog, get_stock), .auth = AUTH_ANYONE, .rate = RATE_BROWSE,
     .summary = "Shows how many units there are and how many are reserved"},
    {"POST", "/v1/import", RAW(import_csv), .auth = AUTH_MERCHANDISER, .rate = RATE_WRITE, .tx = TX_NONE,
     .idempotent = true, .body_bytes_max = IMPORT_BYTES_MAX, .takes = "text/csv",
     .gives_message = &catalog__import_products_reply__descriptor,
     .summary = "Imports products from CSV, one row a SKU: all of them or none"},
    {"GET", "/v1/export", RAW(export_csv), .auth = AUTH_MERCHANDISER, .rate = RATE_WRITE, .tx = TX_READ,
     .gives = "text/csv", .summary = "Exports every product as CSV, in the columns that the import takes"},

    {RPC(catalog, list_covers), .internal = true, .tx = TX_READ, .rate = RATE_NONE},
    {RPC(catalog, get_skus), .internal = true, .tx = TX_READ, .rate = RATE_NONE},
    {RPC(catalog, reserve_stock), .internal = true, .rate = RATE_NONE},
    {RPC(catalog, commit_stock), .internal = true, .rate = RATE_NONE},
    {RPC(catalog, release_stock), .internal = true, .rate = RATE_NONE},
    {RPC(catalog, import_products), .internal = true, .tx = TX_NONE, .rate = RATE_NONE},
    {RPC(catalog, export_products), .internal = true, .tx = TX_READ, .rate = RATE_NONE},
    {RPC(catalog, seed_products), .internal = true, .tx = TX_NONE, .rate = RATE_NONE},
    {0},
};

static const char *const publishes[] = {CATALOG_TOPIC, NULL};

static const struct job jobs[] = {
    {.name = "expire_reservations", .interval_ms = EXPIRY_INTERVAL_MS, .run = expire_reservations},
    {.name = "purge_reservations", .interval_ms = PURGE_INTERVAL_MS, .run = purge_reservations},
    {0},
};

const struct service catalog_service = {
    .name = "catalog",
    .port = 3002,
    .help = "products, prices, stock and its reservations",
    .routes = routes,
    .publishes = publishes,
    .jobs = jobs,
    .migrations = catalog_migrations,
    .migration_count = &catalog_migration_count,
};
