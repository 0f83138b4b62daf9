/* Import: a file of SKUs becomes products, all of it in one transaction or nothing. What exists is found by the
 * product's slug and the SKU's code and changed where it differs; what is not in the file stays. */
#include "services/catalog/cards.h"
#include "services/catalog/edit.h"
#include "services/catalog/handlers.h"
#include "services/catalog/listing.h"
#include "services/catalog/store.h"
#include "services/catalog/transfer.h"
#include "services/catalog/view.h"

#include "platform/wire/wire.h"

#define REPLY_BYTES_MAX (64u << 10)

/* -- One product --------------------------------------------------------------------------------------------------- */

/* The fields that the file has; a column that it lacks leaves what is there. */
static bool put_field(struct str *field, struct str value)
{
    if (!value.ptr || str_equal(*field, value))
        return false;
    *field = value;
    return true;
}

static bool put_fields(struct catalog_product *product, const struct import_row *row)
{
    bool changed = put_field(&product->title, str_trim(row->fields[COLUMN_TITLE]));

    changed |= put_field(&product->brand, row->fields[COLUMN_BRAND]);
    changed |= put_field(&product->category, row->fields[COLUMN_CATEGORY]);
    changed |= put_field(&product->description, row->fields[COLUMN_DESCRIPTION]);
    changed |= put_field(&product->image_url, row->fields[COLUMN_IMAGE_URL]);
    return changed;
}

static void put_sku(struct catalog_sku *sku, const struct import_row *row)
{
    struct str currency = row->fields[COLUMN_CURRENCY];

    sku->changed = sku->changed || sku->amount != row->amount || !str_equal(sku->currency, currency);
    sku->amount = row->amount;
    sku->currency = currency;
    if (row->fields[COLUMN_ATTRIBUTES].ptr && !str_equal(sku->attributes, row->attributes)) {
        sku->attributes = row->attributes;
        sku->changed = true;
    }
    if (row->fields[COLUMN_OTHER_PRICES].ptr && !product_edit_same_prices(sku, row->prices, row->price_count)) {
        sku->prices = row->prices;
        sku->price_count = row->price_count;
        sku->prices_changed = true;
    }
    if (row->on_hand >= 0 && sku->on_hand != row->on_hand) {
        sku->on_hand = row->on_hand;
        sku->stock_changed = true;
    }
}

static int put_row(struct import *import, struct catalog_product *product, const struct import_row *row)
{
    struct catalog_sku *sku = product_edit_find_sku(product, row->fields[COLUMN_CODE]);
    const char *reason;

    if (!sku) {
        if (product->sku_count == CATALOG_SKUS_MAX)
            return import_error(import, row->line, "A product has at most %d SKUs.", CATALOG_SKUS_MAX);
        sku = &product->skus[product->sku_count++];
        *sku = (struct catalog_sku){.code = row->fields[COLUMN_CODE], .attributes = STR(""), .changed = true};
    }
    put_sku(sku, row);
    if (sku->on_hand < sku->reserved)
        return import_error(import, row->line, "on_hand is less than the %lld units that are reserved.",
                            (long long)sku->reserved);
    if (product_edit_check_prices(sku, &reason))
        return import_error(import, row->line, "%s", reason);
    return 0;
}

static int put_rows(struct import *import, struct catalog_product *product, const struct import_row *first)
{
    for (const struct import_row *row = first;; row = &import->rows[row->next]) {
        TRY(put_row(import, product, row));
        if (row->next == IMPORT_NO_ROW)
            break;
    }
    for (size_t i = 1; i < product->sku_count; i++)
        if (!str_equal(product->skus[i].currency, product->skus[0].currency))
            return import_error(import, first->line,
                                "The product has SKUs in another currency, which are not in the file.");
    return 0;
}

/* The line of the row that has the SKU's code; the first row's when none has. */
static size_t line_of(const struct import *import, const struct import_row *first, struct str code)
{
    for (const struct import_row *row = first; row->next != IMPORT_NO_ROW; row = &import->rows[row->next])
        if (str_equal(import->rows[row->next].fields[COLUMN_CODE], code))
            return import->rows[row->next].line;
    return first->line;
}

static int create(struct import *import, const struct import_row *first)
{
    struct call *call = import->call;
    struct catalog_product product = {
        .slug = first->slug,
        .skus = arena_alloc_array(call->arena, CATALOG_SKUS_MAX, sizeof(*product.skus)),
    };
    size_t sku = 0, errors = import->reply->n_errors;
    int error;

    if (!product.skus)
        return ERR_NO_MEMORY;
    put_fields(&product, first);
    TRY(put_rows(import, &product, first));
    if (import->reply->n_errors > errors)
        return 0;
    error = product_insert(call, &product, &sku);
    if (error == ERR_CONFLICT || error == ERR_INVALID)
        return import_error(import, line_of(import, first, product.skus[sku].code), "%s", call->problem.detail);
    TRY(error);
    return catalog_view_publish(call, CATALOG_CREATED, product.place, NULL);
}

static bool has_changes(const struct catalog_product *product)
{
    for (size_t i = 0; i < product->sku_count; i++)
        if (product->skus[i].changed || product->skus[i].prices_changed || product->skus[i].stock_changed)
            return true;
    return false;
}

static int update(struct import *import, const struct import_row *first, struct str id)
{
    struct call *call = import->call;
    struct catalog_product before, after;
    size_t sku = 0, errors = import->reply->n_errors;
    bool changed;
    int error;

    TRY(product_load(call, id, &before));
    after = before;
    after.skus = arena_alloc_array(call->arena, CATALOG_SKUS_MAX, sizeof(*after.skus));
    if (!after.skus)
        return ERR_NO_MEMORY;
    memcpy(after.skus, before.skus, before.sku_count * sizeof(*after.skus));
    changed = put_fields(&after, first);
    TRY(put_rows(import, &after, first));
    if (import->reply->n_errors > errors || !(changed || has_changes(&after)))
        return 0;
    error = product_update(call, &before, &after, &sku);
    if (error == ERR_CONFLICT || error == ERR_INVALID)
        return import_error(import, line_of(import, first, after.skus[sku].code), "%s", call->problem.detail);
    TRY(error);
    return catalog_view_publish(call, CATALOG_UPDATED, before.place, NULL);
}

/* -- The file ------------------------------------------------------------------------------------------------------ */

static int put_product(struct import *import, const struct import_row *first)
{
    struct product_key key;
    int error = product_find_slug(import->call, first->slug, &key);

    if (error == ERR_NOT_FOUND)
        return create(import, first);
    TRY(error);
    return update(import, first, key.id);
}

/* Products are worked on one after the other, in an arena that is emptied in between. */
static int put_products(struct import *import, struct arena *scratch)
{
    struct call *call = import->call;
    int error = 0;

    call->arena = scratch;
    for (size_t i = 0; i < import->row_count && !error && import->reply->n_errors < IMPORT_ERRORS_MAX; i++) {
        if (!import->rows[i].is_first)
            continue;
        error = put_product(import, &import->rows[i]);
        arena_reset(scratch);
    }
    call->arena = import->reply_arena;
    return error;
}

/* By HTTP, the answer is filled in where it is recorded with the request's key. */
static int fill_response(const struct import *import)
{
    CLEANUP(buf_free) struct buf body = BUF(REPLY_BYTES_MAX);

    if (!import->response)
        return 0;
    wire_to_json(&import->reply->base, &body);
    TRY(buf_error(&body));
    import->response->body = arena_copy(import->reply_arena, buf_str(&body));
    return import->response->body.ptr ? 0 : ERR_NO_MEMORY;
}

/* A file with errors ends as a refusal, so that the transaction leaves nothing behind. */
static int write_file(struct sql_tx *tx, void *argument)
{
    CLEANUP(arena_cleanup) struct arena *scratch = arena_new(IMPORT_PRODUCT_ARENA_BYTES);
    struct import *import = argument;
    int64_t first_place, end_place;

    (void)tx;
    if (!scratch)
        return ERR_NO_MEMORY;
    import->reply->n_errors = 0;
    TRY(card_find_room(import->call, &first_place));
    TRY(put_products(import, scratch));
    if (import->reply->n_errors > 0)
        return ERR_UNPROCESSABLE;
    TRY(card_find_room(import->call, &end_place));
    TRY(listing_insert_titles(import->call, first_place, end_place));
    return fill_response(import);
}

/* 0 also for a file with errors: they are in the reply. response: by HTTP; NULL otherwise. */
static int import_text(struct call *call, struct str text, Catalog__ImportProductsReply *reply,
                       struct http_response *response)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(IMPORT_ARENA_BYTES);
    struct import import = {
        .call = call, .arena = arena, .reply = reply, .reply_arena = call->arena, .response = response};
    int error;

    if (!arena)
        return ERR_NO_MEMORY;
    TRY(import_read(&import, text));
    reply->has_products = reply->has_skus = true;
    reply->products = (int64_t)import.product_count;
    reply->skus = (int64_t)import.row_count;
    if (reply->n_errors > 0)
        return 0;
    error = call_write(call, write_file, &import);
    return reply->n_errors > 0 ? 0 : error;
}

int import_products(struct call *call, const Catalog__ImportProductsRequest *in, Catalog__ImportProductsReply *out)
{
    return import_text(call, str_from(in->csv.data, in->csv.len), out, NULL);
}

/* -- By HTTP ------------------------------------------------------------------------------------------------------- */

static void append_error(struct buf *body, const Catalog__LineError *error)
{
    buf_printf(body, "{\"line\":%lld,\"detail\":", (long long)error->line);
    wire_json_string(body, str_from_cstr(error->message));
    buf_append_char(body, '}');
}

/* RFC 9457, with an error for each line that is wrong. */
static void append_problem(struct call *call, const Catalog__ImportProductsReply *reply, struct buf *body)
{
    buf_append_cstr(body, "{\"type\":\"about:blank\",\"title\":\"Unprocessable Content\",\"status\":422,"
                          "\"code\":\"import_refused\",\"detail\":\"Nothing was imported: the file has errors.\",");
    if (call->log.trace_id.len > 0) {
        buf_append_cstr(body, "\"trace_id\":");
        wire_json_string(body, call->log.trace_id);
        buf_append_char(body, ',');
    }
    buf_append_cstr(body, "\"errors\":[");
    for (size_t i = 0; i < reply->n_errors; i++) {
        if (i > 0)
            buf_append_char(body, ',');
        append_error(body, reply->errors[i]);
    }
    buf_append_cstr(body, "]}");
}

static bool is_csv(const struct http_request *request)
{
    struct str type = http_header_find(request, "content-type"), media;

    return type.ptr && str_next_token(&type, ';', &media) && str_equal_nocase(str_trim(media), STR("text/csv"));
}

static int refuse_file(struct call *call, const Catalog__ImportProductsReply *reply, struct http_response *response)
{
    CLEANUP(buf_free) struct buf body = BUF(REPLY_BYTES_MAX);

    append_problem(call, reply, &body);
    TRY(buf_error(&body));
    response->status = 422;
    response->body = arena_copy(call->arena, buf_str(&body));
    return response->body.ptr ? 0 : ERR_NO_MEMORY;
}

int import_csv(struct call *call, const struct http_request *request, struct http_response *response)
{
    Catalog__ImportProductsReply reply = CATALOG__IMPORT_PRODUCTS_REPLY__INIT;

    if (!is_csv(request))
        return call_fail(call, ERR_MEDIA_TYPE, "media_type", NULL, "The body must be text/csv.");
    TRY(import_text(call, request->body, &reply, response));
    bool is_refused = reply.n_errors > 0;
    if (is_refused)
        TRY(refuse_file(call, &reply, response));
    http_response_header(response, STR("Content-Type"),
                         is_refused ? STR("application/problem+json") : STR("application/json"));
    http_response_header(response, STR("Cache-Control"), STR("no-store"));
    return 0;
}
