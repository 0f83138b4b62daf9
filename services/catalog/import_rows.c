/* From the text of a CSV file to rows that are right by themselves and among each other. */
#include "platform/wire/wire_format.h"
#include "services/catalog/attributes.h"
#include "services/catalog/csv.h"
#include "services/catalog/edit.h"
#include "services/catalog/text.h"
#include "services/catalog/transfer.h"

#include <stdarg.h>
#include <stdlib.h>

#define CHARACTERS_PER_TITLE 200
#define CHARACTERS_PER_NAME 100
#define CHARACTERS_PER_CODE 64
#define CHARACTERS_PER_DESCRIPTION 10000
#define CHARACTERS_PER_ADDRESS 2000

const char *const transfer_column_names[COLUMN_COUNT] = {
    "slug", "title",      "brand", "category", "description",  "image_url",
    "code", "attributes", "price", "currency", "other_prices", "on_hand",
};

/* What the columns hold at most, in characters; 0: checked otherwise. */
static const size_t lengths_max[COLUMN_COUNT] = {
    [COLUMN_SLUG] = CHARACTERS_PER_NAME,
    [COLUMN_TITLE] = CHARACTERS_PER_TITLE,
    [COLUMN_BRAND] = CHARACTERS_PER_NAME,
    [COLUMN_CATEGORY] = CHARACTERS_PER_NAME,
    [COLUMN_DESCRIPTION] = CHARACTERS_PER_DESCRIPTION,
    [COLUMN_IMAGE_URL] = CHARACTERS_PER_ADDRESS,
    [COLUMN_CODE] = CHARACTERS_PER_CODE,
};

static const bool is_required[COLUMN_COUNT] = {
    [COLUMN_TITLE] = true, [COLUMN_CATEGORY] = true, [COLUMN_CODE] = true,
    [COLUMN_PRICE] = true, [COLUMN_CURRENCY] = true,
};

int import_error(struct import *import, size_t line, const char *format, ...)
{
    Catalog__ImportProductsReply *reply = import->reply;
    Catalog__LineError *error;
    va_list arguments;

    if (reply->n_errors >= IMPORT_ERRORS_MAX)
        return 0;
    if (!reply->errors)
        reply->errors = arena_alloc_array(import->reply_arena, IMPORT_ERRORS_MAX, sizeof(*reply->errors));
    error = arena_alloc(import->reply_arena, sizeof(*error));
    if (!reply->errors || !error)
        return ERR_NO_MEMORY;
    catalog__line_error__init(error);
    error->has_line = true;
    error->line = (int64_t)line;
    va_start(arguments, format);
    error->message = arena_vprintf(import->reply_arena, format, arguments);
    va_end(arguments);
    if (!error->message)
        return ERR_NO_MEMORY;
    reply->errors[reply->n_errors++] = error;
    return 0;
}

/* -- The header ---------------------------------------------------------------------------------------------------- */

struct header {
    size_t place[COLUMN_COUNT]; /* of each column in the rows; SIZE_MAX: not in the file */
    size_t count;
};

static enum transfer_column column_from(struct str name)
{
    enum transfer_column column = 0;

    while (column < COLUMN_COUNT && !str_equal_cstr(str_trim(name), transfer_column_names[column]))
        column++;
    return column;
}

static int read_header(struct import *import, const struct csv_row *row, struct header *ret_header)
{
    ret_header->count = row->count;
    for (enum transfer_column i = 0; i < COLUMN_COUNT; i++)
        ret_header->place[i] = SIZE_MAX;
    for (size_t i = 0; i < row->count; i++) {
        enum transfer_column column = column_from(row->fields[i]);

        if (column == COLUMN_COUNT)
            TRY(import_error(import, row->line, "There is no column \"%.*s\".",
                             STR_FORMAT(str_slice(row->fields[i], 0, 40))));
        else if (ret_header->place[column] != SIZE_MAX)
            TRY(import_error(import, row->line, "The column %s is there twice.", transfer_column_names[column]));
        else
            ret_header->place[column] = i;
    }
    for (enum transfer_column i = 0; i < COLUMN_COUNT; i++)
        if (is_required[i] && ret_header->place[i] == SIZE_MAX)
            TRY(import_error(import, row->line, "The column %s is missing.", transfer_column_names[i]));
    return 0;
}

/* -- One row ------------------------------------------------------------------------------------------------------- */

static bool has_format(const char *format, struct str text)
{
    return wire_format_find(format)->is_valid(text);
}

static int check_lengths(struct import *import, const struct import_row *row)
{
    for (enum transfer_column i = 0; i < COLUMN_COUNT; i++) {
        struct str field = row->fields[i];

        if (is_required[i] && field.len == 0)
            TRY(import_error(import, row->line, "%s is empty.", transfer_column_names[i]));
        if (lengths_max[i] && str_count_characters(field) > lengths_max[i])
            TRY(import_error(import, row->line, "%s is longer than %zu characters.", transfer_column_names[i],
                             lengths_max[i]));
        if (i != COLUMN_DESCRIPTION && field.len > 0 && !catalog_text_is_line(field))
            TRY(import_error(import, row->line, "%s must be one line of text.", transfer_column_names[i]));
    }
    return 0;
}

/* Slugs of products and categories, and the address of the picture. */
static int check_names(struct import *import, struct import_row *row)
{
    struct str category = row->fields[COLUMN_CATEGORY];

    if (category.len > 0 && !has_format("slug", category))
        TRY(import_error(import, row->line, "category must be a slug, as \"garden-tools\"."));
    row->slug = row->fields[COLUMN_SLUG];
    if (row->slug.len == 0)
        TRY(catalog_text_slug(import->arena, row->fields[COLUMN_TITLE], &row->slug));
    else if (!has_format("slug", row->slug))
        TRY(import_error(import, row->line, "slug must be lower-case letters, digits and hyphens, as \"oak-table\"."));
    if (!product_edit_is_image(row->fields[COLUMN_IMAGE_URL]))
        TRY(import_error(import, row->line, "image_url must be an https address or a path of the shop."));
    return 0;
}

static int read_attributes(struct import *import, struct import_row *row)
{
    struct attribute attributes[ATTRIBUTES_MAX];
    const char *reason = NULL;
    size_t count;
    int error = sku_attributes_unpack(import->arena, row->fields[COLUMN_ATTRIBUTES], attributes, &count, &reason);

    row->attributes = STR("");
    if (error == ERR_INVALID)
        return import_error(import, row->line, "attributes: %s", reason);
    TRY(error);
    return sku_attributes_pack(import->arena, attributes, count, &row->attributes);
}

static bool read_amount(struct str text, int64_t max, int64_t *ret_amount)
{
    return str_to_int64(text, ret_amount) == 0 && *ret_amount >= 0 && *ret_amount <= max;
}

/* "USD 1399" or "EUR/DE 1250". */
static bool read_price(struct str text, struct catalog_price *ret_price)
{
    struct str list, amount, rest = str_trim(text);

    if (!str_next_token(&rest, ' ', &list) || !rest.ptr)
        return false;
    amount = str_trim(rest);
    ret_price->currency = str_slice(list, 0, 3);
    ret_price->region = STR("");
    if (list.len > 3) {
        if (list.ptr[3] != '/')
            return false;
        ret_price->region = str_skip(list, 4);
        if (!has_format("country", ret_price->region))
            return false;
    }
    return has_format("currency", ret_price->currency) && read_amount(amount, CATALOG_AMOUNT_MAX, &ret_price->amount);
}

static int read_prices(struct import *import, struct import_row *row)
{
    struct str rest = str_trim(row->fields[COLUMN_OTHER_PRICES]), part;

    row->prices = arena_alloc_array(import->arena, rest.len / 5 + 1, sizeof(*row->prices));
    if (!row->prices)
        return ERR_NO_MEMORY;
    while (rest.len > 0 && str_next_token(&rest, ';', &part)) {
        if (row->price_count == CATALOG_PRICES_MAX)
            return import_error(import, row->line, "other_prices: a SKU has at most %d.", CATALOG_PRICES_MAX);
        if (!read_price(part, &row->prices[row->price_count++]))
            return import_error(import, row->line,
                                "other_prices are written \"USD 1399;EUR/DE 1250\", in minor units.");
    }
    return 0;
}

static int read_numbers(struct import *import, struct import_row *row)
{
    struct str price = row->fields[COLUMN_PRICE], currency = row->fields[COLUMN_CURRENCY];
    struct str on_hand = row->fields[COLUMN_ON_HAND];
    struct catalog_sku sku = {.currency = currency};
    const char *reason;

    if (price.len > 0 && !read_amount(price, CATALOG_AMOUNT_MAX, &row->amount))
        TRY(import_error(import, row->line, "price must be a whole number of minor units (cents), as 1299."));
    if (currency.len > 0 && !has_format("currency", currency))
        TRY(import_error(import, row->line, "currency must be an ISO 4217 code, as EUR."));
    row->on_hand = -1;
    if (on_hand.len > 0 && !read_amount(on_hand, CATALOG_STOCK_MAX, &row->on_hand))
        TRY(import_error(import, row->line, "on_hand must be a whole number from 0 to 1000000000."));
    TRY(read_prices(import, row));
    sku.prices = row->prices;
    sku.price_count = row->price_count;
    if (product_edit_check_prices(&sku, &reason))
        TRY(import_error(import, row->line, "%s", reason));
    return 0;
}

static int read_row(struct import *import, const struct header *header, const struct csv_row *csv)
{
    struct import_row *row = &import->rows[import->row_count++];

    *row = (struct import_row){.line = csv->line, .next = IMPORT_NO_ROW};
    if (csv->count != header->count) {
        import->row_count--;
        return import_error(import, csv->line, "The row has %zu fields, the header %zu.", csv->count, header->count);
    }
    for (enum transfer_column i = 0; i < COLUMN_COUNT; i++)
        if (header->place[i] != SIZE_MAX)
            row->fields[i] = csv->fields[header->place[i]];
    TRY(check_lengths(import, row));
    TRY(check_names(import, row));
    TRY(read_attributes(import, row));
    return read_numbers(import, row);
}

/* -- Rows among each other ----------------------------------------------------------------------------------------- */

struct sorted_row {
    struct str key;
    size_t index;
};

static int compare_rows(const void *a, const void *b)
{
    const struct sorted_row *left = a, *right = b;
    int by_key = str_compare(left->key, right->key);

    return by_key ? by_key : (left->index > right->index) - (left->index < right->index);
}

static struct str row_key(const struct import_row *row, bool by_code)
{
    return by_code ? row->fields[COLUMN_CODE] : row->slug;
}

/* Equal keys stand together, in the order of the file. */
static int sort_rows(struct import *import, bool by_code, struct sorted_row **ret_sorted)
{
    struct sorted_row *sorted = arena_alloc_array(import->arena, import->row_count + 1, sizeof(*sorted));

    if (!sorted)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < import->row_count; i++)
        sorted[i] = (struct sorted_row){row_key(&import->rows[i], by_code), i};
    qsort(sorted, import->row_count, sizeof(*sorted), compare_rows);
    *ret_sorted = sorted;
    return 0;
}

static int check_codes(struct import *import)
{
    struct sorted_row *sorted;

    TRY(sort_rows(import, true, &sorted));
    for (size_t i = 1; i < import->row_count; i++)
        if (sorted[i].key.len > 0 && str_equal(sorted[i].key, sorted[i - 1].key))
            TRY(import_error(import, import->rows[sorted[i].index].line, "The code \"%.*s\" is on line %zu already.",
                             STR_FORMAT(sorted[i].key), import->rows[sorted[i - 1].index].line));
    return 0;
}

/* What is the product's must be the same on all of its rows. */
static int check_same_product(struct import *import, const struct import_row *row, const struct import_row *first)
{
    static const enum transfer_column shared[] = {COLUMN_TITLE,       COLUMN_BRAND,     COLUMN_CATEGORY,
                                                  COLUMN_DESCRIPTION, COLUMN_IMAGE_URL, COLUMN_CURRENCY};

    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
        if (!str_equal(row->fields[shared[i]], first->fields[shared[i]]))
            TRY(import_error(import, row->line, "%s differs from line %zu, which is of the same product (%.*s).",
                             transfer_column_names[shared[i]], first->line, STR_FORMAT(row->slug)));
    return 0;
}

static int link_products(struct import *import)
{
    struct sorted_row *sorted;
    size_t first = 0;

    TRY(sort_rows(import, false, &sorted));
    for (size_t i = 0; i < import->row_count; i++) {
        struct import_row *row = &import->rows[sorted[i].index];

        if (i > 0 && str_equal(sorted[i].key, sorted[i - 1].key)) {
            import->rows[sorted[i - 1].index].next = sorted[i].index;
            TRY(check_same_product(import, row, &import->rows[sorted[first].index]));
            if (i - first == CATALOG_SKUS_MAX)
                TRY(import_error(import, row->line, "A product has at most %d SKUs.", CATALOG_SKUS_MAX));
        } else {
            row->is_first = true;
            import->product_count++;
            first = i;
        }
    }
    return 0;
}

/* -- The file ------------------------------------------------------------------------------------------------------ */

static int read_rows(struct import *import, struct csv_reader *reader)
{
    struct csv_row csv;
    struct header header;
    const char *reason = NULL;
    int more = csv_next(reader, &csv, &reason);

    if (more == 0)
        return import_error(import, 1, "The file is empty.");
    if (more == 1)
        TRY(read_header(import, &csv, &header));
    while (more == 1 && import->reply->n_errors < IMPORT_ERRORS_MAX && (more = csv_next(reader, &csv, &reason)) == 1) {
        if (import->row_count == IMPORT_ROWS_MAX)
            return import_error(import, csv.line, "The file has more than %d rows.", IMPORT_ROWS_MAX);
        TRY(read_row(import, &header, &csv));
    }
    if (more == ERR_INVALID)
        return import_error(import, csv.line, "%s", reason);
    return more < 0 ? more : 0;
}

/* An upper bound of the rows: the line ends of the text. */
static size_t count_lines(struct str text)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count < IMPORT_ROWS_MAX ? count : IMPORT_ROWS_MAX;
}

int import_read(struct import *import, struct str text)
{
    struct csv_reader reader;

    if (text.len > IMPORT_BYTES_MAX)
        return import_error(import, 1, "The file is larger than %zu bytes.", IMPORT_BYTES_MAX);
    if (csv_reader_init(&reader, import->arena, text))
        return import_error(import, 1, "The file is not UTF-8.");
    import->rows = arena_alloc_array(import->arena, count_lines(text), sizeof(*import->rows));
    if (!import->rows)
        return ERR_NO_MEMORY;
    TRY(read_rows(import, &reader));
    if (import->reply->n_errors > 0)
        return 0;
    TRY(check_codes(import));
    return link_products(import);
}
