#include "services/stripe_emulator/emulator.h"

#include "platform/ports/sql/sql_columns.h"
#include "services/stripe_emulator/sql/objects.sql.h"

int read_intent_row(struct sql_rows *rows, struct arena *arena, struct intent_row *ret_row)
{
    struct sql_columns columns = {.rows = rows, .arena = arena};
    struct intent_row row = {0};
    row.id = sql_take_text(&columns);
    row.client_secret = sql_take_text(&columns);
    row.status = sql_take_text(&columns);
    row.amount = sql_take_int(&columns);
    row.amount_received = sql_take_int(&columns);
    row.currency = sql_take_text(&columns);
    row.capture_method = sql_take_text(&columns);
    row.payment_method = sql_take_text(&columns);
    row.customer = sql_take_text(&columns);
    row.description = sql_take_text(&columns);
    row.metadata = sql_take_text(&columns);
    row.return_url = sql_take_text(&columns);
    row.latest_charge = sql_take_text(&columns);
    row.last_payment_error = sql_take_text(&columns);
    row.cancellation_reason = sql_take_text(&columns);
    row.canceled_at_ms = sql_take_int(&columns);
    row.created_ms = sql_take_int(&columns);
    row.traceparent = sql_take_text(&columns);
    TRY(columns.error);
    *ret_row = row;
    return 0;
}

int read_charge_row(struct sql_rows *rows, struct arena *arena, struct charge_row *ret_row)
{
    struct sql_columns columns = {.rows = rows, .arena = arena};
    struct charge_row row = {0};
    row.id = sql_take_text(&columns);
    row.payment_intent = sql_take_text(&columns);
    row.status = sql_take_text(&columns);
    row.amount = sql_take_int(&columns);
    row.amount_captured = sql_take_int(&columns);
    row.amount_refunded = sql_take_int(&columns);
    row.currency = sql_take_text(&columns);
    row.captured = sql_take_int(&columns) != 0;
    row.failure_code = sql_take_text(&columns);
    row.decline_code = sql_take_text(&columns);
    row.failure_message = sql_take_text(&columns);
    row.payment_method = sql_take_text(&columns);
    row.card = sql_take_text(&columns);
    row.created_ms = sql_take_int(&columns);
    TRY(columns.error);
    *ret_row = row;
    return 0;
}

int read_refund_row(struct sql_rows *rows, struct arena *arena, struct refund_row *ret_row)
{
    struct sql_columns columns = {.rows = rows, .arena = arena};
    struct refund_row row = {0};
    row.id = sql_take_text(&columns);
    row.charge = sql_take_text(&columns);
    row.payment_intent = sql_take_text(&columns);
    row.status = sql_take_text(&columns);
    row.amount = sql_take_int(&columns);
    row.currency = sql_take_text(&columns);
    row.reason = sql_take_text(&columns);
    row.metadata = sql_take_text(&columns);
    row.created_ms = sql_take_int(&columns);
    row.next_status = sql_take_text(&columns);
    row.turn_due_ms = sql_take_int(&columns);
    row.failure_reason = sql_take_text(&columns);
    TRY(columns.error);
    *ret_row = row;
    return 0;
}

int read_endpoint_row(struct sql_rows *rows, struct arena *arena, struct endpoint_row *ret_row)
{
    struct sql_columns columns = {.rows = rows, .arena = arena};
    struct endpoint_row row = {0};
    row.id = sql_take_text(&columns);
    row.url = sql_take_text(&columns);
    row.secret = sql_take_text(&columns);
    row.enabled_events = sql_take_text(&columns);
    row.created_ms = sql_take_int(&columns);
    TRY(columns.error);
    *ret_row = row;
    return 0;
}

static int read_method_row(struct sql_rows *rows, struct arena *arena, struct method_row *ret_row)
{
    struct sql_columns columns = {.rows = rows, .arena = arena};
    struct method_row row = {0};
    row.id = sql_take_text(&columns);
    row.card = sql_take_text(&columns);
    row.exp_month = sql_take_int(&columns);
    row.exp_year = sql_take_int(&columns);
    row.customer = sql_take_text(&columns);
    row.created_ms = sql_take_int(&columns);
    row.used_by = sql_take_text(&columns);
    TRY(columns.error);
    *ret_row = row;
    return 0;
}

static int read_customer_row(struct sql_rows *rows, struct arena *arena, struct customer_row *ret_row)
{
    struct sql_columns columns = {.rows = rows, .arena = arena};
    struct customer_row row = {0};
    row.id = sql_take_text(&columns);
    row.email = sql_take_text(&columns);
    row.name = sql_take_text(&columns);
    row.description = sql_take_text(&columns);
    row.metadata = sql_take_text(&columns);
    row.created_ms = sql_take_int(&columns);
    TRY(columns.error);
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
                             sql_text_or_null(row->customer), sql_int(row->created_ms), sql_text_or_null(row->used_by)),
                    NULL);
}

int store_customer(struct sql_tx *tx, const struct customer_row *row)
{
    return sql_exec(tx, &stripe_emulator_sql_insert_customer,
                    SQL_ARGS(sql_text(row->id), sql_text_or_null(row->email), sql_text_or_null(row->name),
                             sql_text_or_null(row->description), sql_text(row->metadata), sql_int(row->created_ms)),
                    NULL);
}

int store_intent(struct sql_tx *tx, const struct intent_row *row)
{
    return sql_exec(tx, &stripe_emulator_sql_insert_intent,
                    SQL_ARGS(sql_text(row->id), sql_text(row->client_secret), sql_text(row->status),
                             sql_int(row->amount), sql_int(row->amount_received), sql_text(row->currency),
                             sql_text(row->capture_method), sql_text_or_null(row->payment_method),
                             sql_text_or_null(row->customer), sql_text_or_null(row->description),
                             sql_text(row->metadata), sql_text_or_null(row->return_url),
                             sql_text_or_null(row->latest_charge), sql_text_or_null(row->last_payment_error),
                             sql_text_or_null(row->cancellation_reason), sql_int(row->canceled_at_ms),
                             sql_int(row->created_ms), sql_text(row->traceparent)),
                    NULL);
}

int update_intent(struct sql_tx *tx, const struct intent_row *row)
{
    return sql_exec(tx, &stripe_emulator_sql_update_intent,
                    SQL_ARGS(sql_text(row->id), sql_text(row->status), sql_int(row->amount),
                             sql_int(row->amount_received), sql_text(row->currency), sql_text(row->capture_method),
                             sql_text_or_null(row->payment_method), sql_text_or_null(row->customer),
                             sql_text_or_null(row->description), sql_text(row->metadata),
                             sql_text_or_null(row->return_url), sql_text_or_null(row->latest_charge),
                             sql_text_or_null(row->last_payment_error), sql_text_or_null(row->cancellation_reason),
                             sql_int(row->canceled_at_ms)),
                    NULL);
}

int store_charge(struct sql_tx *tx, const struct charge_row *row)
{
    return sql_exec(tx, &stripe_emulator_sql_insert_charge,
                    SQL_ARGS(sql_text(row->id), sql_text(row->payment_intent), sql_text(row->status),
                             sql_int(row->amount), sql_int(row->amount_captured), sql_int(row->amount_refunded),
                             sql_text(row->currency), sql_int(row->captured), sql_text_or_null(row->failure_code),
                             sql_text_or_null(row->decline_code), sql_text_or_null(row->failure_message),
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

static struct sql_value turn_due(const struct refund_row *row)
{
    return row->next_status.len > 0 ? sql_int(row->turn_due_ms) : sql_null();
}

int store_refund(struct sql_tx *tx, const struct refund_row *row)
{
    return sql_exec(tx, &stripe_emulator_sql_insert_refund,
                    SQL_ARGS(sql_text(row->id), sql_text(row->charge), sql_text(row->payment_intent),
                             sql_text(row->status), sql_int(row->amount), sql_text(row->currency),
                             sql_text_or_null(row->reason), sql_text(row->metadata), sql_int(row->created_ms),
                             sql_text_or_null(row->next_status), turn_due(row)),
                    NULL);
}

int store_turn(struct sql_tx *tx, const struct refund_row *row)
{
    return sql_exec(tx, &stripe_emulator_sql_update_refund,
                    SQL_ARGS(sql_text(row->id), sql_text(row->status), sql_text_or_null(row->next_status),
                             turn_due(row), sql_text_or_null(row->failure_reason)),
                    NULL);
}
