/* Export: every SKU as a row of the columns that the import takes, so that one reads what the other wrote. */
#include "services/catalog/csv.h"
#include "services/catalog/handlers.h"
#include "services/catalog/sql/transfer.sql.h"
#include "services/catalog/transfer.h"

#define PRICES_BYTES_MAX 2048

static void append_header(struct buf *csv)
{
    for (enum transfer_column i = 0; i < COLUMN_COUNT; i++)
        csv_append(csv, str_from_cstr(transfer_column_names[i]), i == 0);
    csv_end_row(csv);
}

/* The further prices of the SKU, as "USD 1399;EUR/DE 1250". The stream stands at the first row that is not taken yet;
 * *more says whether there is one. */
static int append_prices(struct sql_rows *prices, int *more, struct str sku_id, struct buf *csv)
{
    CLEANUP(buf_free) struct buf text = BUF(PRICES_BYTES_MAX);

    while (*more == 1 && str_equal(sql_get_text(prices, 0), sku_id)) {
        if (text.len > 0)
            buf_append_char(&text, ';');
        buf_append(&text, sql_get_text(prices, 1));
        if (sql_get_text(prices, 2).len > 0) {
            buf_append_char(&text, '/');
            buf_append(&text, sql_get_text(prices, 2));
        }
        buf_append_char(&text, ' ');
        buf_append_int(&text, sql_get_int(prices, 3));
        *more = sql_next(prices);
    }
    TRY(*more);
    TRY(buf_error(&text));
    csv_append(csv, buf_str(&text), false);
    return 0;
}

static void append_number(struct buf *csv, int64_t value)
{
    buf_append_char(csv, ',');
    buf_append_int(csv, value);
}

static int append_rows(struct sql_rows *skus, struct sql_rows *prices, struct buf *csv)
{
    int more_prices = sql_next(prices), more;

    while ((more = sql_next(skus)) == 1) {
        for (unsigned column = 1; column <= 8; column++) /* slug to attributes */
            csv_append(csv, sql_get_text(skus, column), column == 1);
        append_number(csv, sql_get_int(skus, 9));
        csv_append(csv, sql_get_text(skus, 10), false);
        TRY(append_prices(prices, &more_prices, sql_get_text(skus, 0), csv));
        append_number(csv, sql_get_int(skus, 11));
        csv_end_row(csv);
    }
    return more;
}

static int write_csv(struct call *call, struct buf *csv)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *skus = NULL;
    CLEANUP(sql_finish_cleanup) struct sql_rows *prices = NULL;

    append_header(csv);
    TRY(sql_query(call->tx, &catalog_sql_export_skus, SQL_ARGS(sql_text(call->tenant)), &skus));
    TRY(sql_query(call->tx, &catalog_sql_export_prices, SQL_ARGS(sql_text(call->tenant)), &prices));
    TRY(append_rows(skus, prices, csv));
    return buf_error(csv);
}

/* The reply lies in the call's arena; a shop that does not fit there is exported by HTTP. */
int export_products(struct call *call, const Catalog__ExportProductsRequest *in, Catalog__ExportProductsReply *out)
{
    CLEANUP(buf_free) struct buf csv = BUF(EXPORT_BYTES_MAX);
    struct str copy;

    (void)in;
    TRY(write_csv(call, &csv));
    TRY(catalog_copy(call, buf_str(&csv), &copy));
    out->has_csv = true;
    out->csv.data = (uint8_t *)copy.ptr;
    out->csv.len = copy.len;
    return 0;
}

int export_csv(struct call *call, const struct http_request *request, struct http_response *response)
{
    CLEANUP(buf_free) struct buf csv = BUF(EXPORT_BYTES_MAX);

    (void)request;
    TRY(write_csv(call, &csv));
    response->blob = http_blob_new(buf_str(&csv));
    if (!response->blob)
        return ERR_NO_MEMORY;
    http_response_header(response, STR("Content-Disposition"), STR("attachment; filename=\"products.csv\""));
    return call_answer(call, response, "text/csv; charset=utf-8", "no-store", STR_EMPTY);
}
