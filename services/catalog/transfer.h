/* What import and export agree on: the columns of the catalog's CSV, one row a SKU. README.md says what is in them. */
#pragma once

#include "services/catalog/catalog.h"

#define IMPORT_BYTES_MAX ((size_t)16 << 20)
#define IMPORT_ROWS_MAX 50000
#define IMPORT_ERRORS_MAX 50
#define IMPORT_ARENA_BYTES ((size_t)192 << 20)
#define IMPORT_PRODUCT_ARENA_BYTES ((size_t)4 << 20) /* for one product at a time */
#define EXPORT_BYTES_MAX ((size_t)256 << 20)

enum transfer_column {
    COLUMN_SLUG,
    COLUMN_TITLE,
    COLUMN_BRAND,
    COLUMN_CATEGORY,
    COLUMN_DESCRIPTION,
    COLUMN_IMAGE_URL,
    COLUMN_CODE,
    COLUMN_ATTRIBUTES,
    COLUMN_PRICE,
    COLUMN_CURRENCY,
    COLUMN_OTHER_PRICES,
    COLUMN_ON_HAND,
    COLUMN_COUNT,
};

extern const char *const transfer_column_names[COLUMN_COUNT];

/* One row of a file, read and checked by itself. */
struct import_row {
    size_t line;
    struct str fields[COLUMN_COUNT]; /* ptr NULL where the file has no such column */
    struct str slug;                 /* of the product: the field, or made from the title */
    struct str attributes;           /* packed */
    int64_t amount;
    struct catalog_price *prices;
    size_t price_count;
    int64_t on_hand; /* -1: not said */
    size_t next;     /* the next row of the same product, or IMPORT_NO_ROW */
    bool is_first;   /* of its product */
};

#define IMPORT_NO_ROW SIZE_MAX

/* A file on its way in. */
struct import {
    struct call *call;
    struct arena *arena; /* of the file: rows and what they point to */
    struct import_row *rows;
    size_t row_count;
    size_t product_count;
    Catalog__ImportProductsReply *reply; /* collects the errors, in reply_arena */
    struct arena *reply_arena;
    struct http_response *response; /* by HTTP; NULL otherwise */
};

/* Notes what is wrong with a line, up to IMPORT_ERRORS_MAX; ERR_NO_MEMORY. */
int import_error(struct import *import, size_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* import_rows.c: reads the text into rows and checks what can be checked without the database. What is wrong goes to
 * the errors; the result is only that of the machinery. */
int import_read(struct import *import, struct str text);
