#include "services/stripe_emulator/emulator.h"

#include "services/stripe_emulator/sql/objects.sql.h"

/* Takes columns from the current row one after the other into the arena; the first failure stays. */
struct reader {
    struct sql_rows *rows;
    struct arena *arena;
    unsigned column;
    int error;
};

static struct str take_text(struct reader *reader)
{
    struct str text = sql_get_text(reader->rows, reader->column++);
    struct str copy = arena_copy(reader->arena, text);
    if (text.len > 0 && !copy.ptr)
        reader->error = ERR_NO_MEMORY;
    return copy;
}

static int64_t take_int(struct reader *reader)
{
    return sql_get_int(reader->rows, reader->column++);
}

/* An empty view is stored as NULL. */
static struct sql_value optional(struct str text)
{
    return text.len > 0 ? sql_text(text) : sql_null();
}

int read_intent_row(struct sql_rows *rows, struct arena *arena, struct intent_row *ret_row)
{
    struct reader reader = {.rows = rows, .arena = arena};
    struct intent_row row = {0};
    row.id = take_text(&reader);
    row.client_secret = take_text(&reader);
    row.status = take_text(&reader);
    row.amount = take_int(&reader);
    row.amount_received = take_int(&reader);
    row.currency = take_text(&reader);
    row.capture_method = take_text(&reader);
    row.payment_method = take_text(&reader);
    row.customer = take_text(&reader);
    row.description = take_text(&reader);
    row.metadata = take_text(&reader);
    row.return_url = take_text(&reader);
    row.latest_charge = take_text(&reader);
    row.last_payment_error = take_text(&reader);
    row.cancellation_reason = take_text(&reader);
    row.canceled_at_ms = take_int(&reader);
    row.created_ms = take_int(&reader);
    TRY(reader.error);
    *ret_row = row;
    return 0;
}

int read_charge_row(struct sql_rows *rows, struct arena *arena, struct charge_row *ret_row)
{
    struct reader reader = {.rows = rows, .arena = arena};
    struct charge_row row = {0};
    row.id = take_text(&reader);
    row.payment_intent = take_text(&reader);
    row.status = take_text(&reader);
    row.amount = take_int(&reader);
    row.amount_captured = take_int(&reader);
    row.amount_refunded = take_int(&reader);
    row.currency = take_text(&reader);
    row.captured = take_int(&reader) != 0;
    row.failure_code = take_text(&reader);
    row.decline_code = take_text(&reader);
    row.failure_message = take_text(&reader);
    row.payment_method = take_text(&reader);
    row.card = take_text(&reader);
    row.created_ms = take_int(&reader);
    TRY(reader.error);
    *ret_row = row;
    return 0;
}

int read_refund_row(struct sql_rows *rows, struct arena *arena, struct refund_row *ret_row)
{
    struct reader reader = {.rows = rows, .arena = arena};
    struct refund_row row = {0};
    row.id = take_text(&reader);
    row.charge = take_text(&reader);
    row.payment_intent = take_text(&reader);
    row.status = take_text(&reader);
    row.amount = take_int(&reader);
    row.currency = take_text(&reader);
    row.reason = take_text(&reader);
    row.metadata = take_text(&reader);
    row.created_ms = take_int(&reader);
    TRY(reader.error);
    *ret_row = row;
    return 0;
}

int read_endpoint_row(struct sql_rows *rows, struct arena *arena, struct endpoint_row *ret_row)
{
    struct reader reader = {.rows = rows, .arena = arena};
    struct endpoint_row row = {0};
    row.id = take_text(&reader);
    row.url = take_text(&reader);
    row.secret = take_text(&reader);
    row.enabled_events = take_text(&reader);
    row.created_ms = take_int(&reader);
    TRY(reader.error);
    *ret_row = row;
    return 0;
}

static int read_method_row(struct sql_rows *rows, struct arena *arena, struct method_row *ret_row)
{
    struct reader reader = {.rows = rows, .arena = arena};
    struct method_row row = {0};
    row.id = take_text(&reader);
    row.card = take_text(&reader);
    row.exp_month = take_int(&reader);
    row.exp_year = take_int(&reader);
    row.customer = take_text(&reader);
    row.created_ms = take_int(&reader);
    TRY(reader.error);
    *ret_row = row;
    return 0;
}

static int read_customer_row(struct sql_rows *rows, struct arena *arena, struct customer_row *ret_row)
{
    struct reader reader = {.rows = rows, .arena = arena};
    struct customer_row row = {0};
    row.id = take_text(&reader);
    row.email = take_text(&reader);
    row.name = take_text(&reader);
    row.description = take_text(&reader);
    row.metadata = take_text(&reader);
    row.created_ms = take_int(&reader);
    TRY(reader.error);
    *ret_row = row;
    return 0;
}

/* Defines a function that loads the one row of an id. */
#define DEFINE_LOAD(kind)                                                                                              \
    int load_##kind(struct sql_tx *tx, struct arena *arena, struct str id, struct kind##_row *ret_row)                 \
    {                                                                                                                  \
        CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;                                                      \
        int found = sql_query_row(tx, &stripe_emulator_sql_find_##kind, SQL_ARGS(sql_text(id)), &rows);                \
        if (found <= 0)                                                                                                \
            return found < 0 ? found : ERR_NOT_FOUND;                                                                  \
        return read_##kind##_row(rows, arena, ret_row);                                                                \
    }

#define stripe_emulator_sql_find_method stripe_emulator_sql_find_payment_method
DEFINE_LOAD(method)
DEFINE_LOAD(customer)
DEFINE_LOAD(intent)
DEFINE_LOAD(charge)
DEFINE_LOAD(refund)

int store_method(struct sql_tx *tx, const struct method_row *row)
{
    return sql_exec(tx, &stripe_emulator_sql_insert_payment_method,
                    SQL_ARGS(sql_text(row->id), sql_text(row->card), sql_int(row->exp_month), sql_int(row->exp_year),
                             optional(row->customer), sql_int(row->created_ms)),
                    NULL);
}

int store_customer(struct sql_tx *tx, const struct customer_row *row)
{
    return sql_exec(tx, &stripe_emulator_sql_insert_customer,
                    SQL_ARGS(sql_text(row->id), optional(row->email), optional(row->name), optional(row->description),
                             sql_text(row->metadata), sql_int(row->created_ms)),
                    NULL);
}

int store_intent(struct sql_tx *tx, const struct intent_row *row)
{
    return sql_exec(tx, &stripe_emulator_sql_insert_intent,
                    SQL_ARGS(sql_text(row->id), sql_text(row->client_secret), sql_text(row->status),
                             sql_int(row->amount), sql_int(row->amount_received), sql_text(row->currency),
                             sql_text(row->capture_method), optional(row->payment_method), optional(row->customer),
                             optional(row->description), sql_text(row->metadata), optional(row->return_url),
                             optional(row->latest_charge), optional(row->last_payment_error),
                             optional(row->cancellation_reason), sql_int(row->canceled_at_ms),
                             sql_int(row->created_ms)),
                    NULL);
}

int update_intent(struct sql_tx *tx, const struct intent_row *row)
{
    return sql_exec(tx, &stripe_emulator_sql_update_intent,
                    SQL_ARGS(sql_text(row->id), sql_text(row->status), sql_int(row->amount),
                             sql_int(row->amount_received), sql_text(row->currency), sql_text(row->capture_method),
                             optional(row->payment_method), optional(row->customer), optional(row->description),
                             sql_text(row->metadata), optional(row->return_url), optional(row->latest_charge),
                             optional(row->last_payment_error), optional(row->cancellation_reason),
                             sql_int(row->canceled_at_ms)),
                    NULL);
}

int store_charge(struct sql_tx *tx, const struct charge_row *row)
{
    return sql_exec(tx, &stripe_emulator_sql_insert_charge,
                    SQL_ARGS(sql_text(row->id), sql_text(row->payment_intent), sql_text(row->status),
                             sql_int(row->amount), sql_int(row->amount_captured), sql_int(row->amount_refunded),
                             sql_text(row->currency), sql_int(row->captured), optional(row->failure_code),
                             optional(row->decline_code), optional(row->failure_message),
                             sql_text(row->payment_method), sql_text(row->card), sql_int(row->created_ms)),
                    NULL);
}

int update_charge(struct sql_tx *tx, const struct charge_row *row)
{
    return sql_exec(tx, &stripe_emulator_sql_update_charge,
                    SQL_ARGS(sql_text(row->id), sql_int(row->amount_captured), sql_int(row->amount_refunded),
                             sql_int(row->captured)),
                    NULL);
}

int store_refund(struct sql_tx *tx, const struct refund_row *row)
{
    return sql_exec(tx, &stripe_emulator_sql_insert_refund,
                    SQL_ARGS(sql_text(row->id), sql_text(row->charge), sql_text(row->payment_intent),
                             sql_text(row->status), sql_int(row->amount), sql_text(row->currency),
                             optional(row->reason), sql_text(row->metadata), sql_int(row->created_ms)),
                    NULL);
}
