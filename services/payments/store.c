#include "services/payments/payments.h"

#include "platform/ports/sql/sql_columns.h"
#include "services/payments/sql/payments.sql.h"

static struct sql_value optional_time(int64_t time_ms)
{
    return time_ms > 0 ? sql_int(time_ms) : sql_null();
}

static int read_payment(struct sql_rows *rows, struct arena *arena, struct payment_row *ret_row)
{
    struct sql_columns columns = {.rows = rows, .arena = arena};
    struct payment_row row = {0};
    row.id = sql_take_text(&columns);
    row.tenant = sql_take_text(&columns);
    row.order_id = sql_take_text(&columns);
    row.status = sql_take_text(&columns);
    row.amount = sql_take_int(&columns);
    row.captured_amount = sql_take_int(&columns);
    row.refunded_amount = sql_take_int(&columns);
    row.currency = sql_take_text(&columns);
    row.payment_method = sql_take_text(&columns);
    row.return_url = sql_take_text(&columns);
    row.provider_id = sql_take_text(&columns);
    row.action_url = sql_take_text(&columns);
    row.failure_code = sql_take_text(&columns);
    row.failure_message = sql_take_text(&columns);
    row.return_requested = sql_take_int(&columns) != 0;
    row.check_due_ms = sql_take_int(&columns);
    row.refund_due_ms = sql_take_int(&columns);
    row.order_confirmed = sql_take_int(&columns) != 0;
    row.asked_ms = sql_take_int(&columns);
    row.created_ms = sql_take_int(&columns);
    row.updated_ms = sql_take_int(&columns);
    row.version = sql_take_int(&columns);
    TRY(columns.error);
    *ret_row = row;
    return 0;
}

static int find_one_payment(struct sql_tx *tx, struct arena *arena, const struct sql_statement *statement,
                            struct sql_args args, struct payment_row *ret_row)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, statement, args, &rows);
    if (found <= 0)
        return found < 0 ? found : ERR_NOT_FOUND;
    return read_payment(rows, arena, ret_row);
}

int find_payment(struct sql_tx *tx, struct arena *arena, struct str tenant, struct str id, struct payment_row *ret_row)
{
    return find_one_payment(tx, arena, &payments_sql_find_payment, SQL_ARGS(sql_text(tenant), sql_text(id)), ret_row);
}

int find_payment_by_order(struct sql_tx *tx, struct arena *arena, struct str tenant, struct str order_id,
                          struct payment_row *ret_row)
{
    return find_one_payment(tx, arena, &payments_sql_find_payment_by_order,
                            SQL_ARGS(sql_text(tenant), sql_text(order_id)), ret_row);
}

int find_payment_by_provider(struct sql_tx *tx, struct arena *arena, struct str provider_id,
                             struct payment_row *ret_row)
{
    return find_one_payment(tx, arena, &payments_sql_find_payment_by_provider, SQL_ARGS(sql_text(provider_id)),
                            ret_row);
}

int insert_payment(struct sql_tx *tx, const struct payment_row *row)
{
    return sql_exec(tx, &payments_sql_insert_payment,
                    SQL_ARGS(sql_text(row->id), sql_text(row->tenant), sql_text(row->order_id), sql_text(row->status),
                             sql_int(row->amount), sql_text(row->currency), sql_text(row->payment_method),
                             sql_text_or_null(row->return_url), sql_int(row->return_requested),
                             optional_time(row->check_due_ms), sql_int(row->created_ms), optional_time(row->asked_ms)),
                    NULL);
}

int update_payment(struct sql_tx *tx, struct payment_row *row, int64_t now_ms)
{
    TRY(sql_exec(tx, &payments_sql_update_payment,
                 SQL_ARGS(sql_text(row->id), sql_text(row->status), sql_int(row->captured_amount),
                          sql_int(row->refunded_amount), sql_text_or_null(row->provider_id),
                          sql_text_or_null(row->action_url), sql_text_or_null(row->failure_code),
                          sql_text_or_null(row->failure_message), sql_int(row->return_requested),
                          optional_time(row->check_due_ms), sql_int(row->order_confirmed), sql_int(now_ms),
                          optional_time(row->refund_due_ms)),
                 NULL));
    row->version++;
    row->updated_ms = now_ms;
    return 0;
}

int find_refund(struct sql_tx *tx, struct arena *arena, const struct sql_statement *statement, struct sql_args args,
                struct refund_row *ret_row)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, statement, args, &rows);
    if (found <= 0)
        return found < 0 ? found : ERR_NOT_FOUND;
    struct sql_columns columns = {.rows = rows, .arena = arena};
    struct refund_row row = {0};
    row.id = sql_take_text(&columns);
    row.tenant = sql_take_text(&columns);
    row.payment_id = sql_take_text(&columns);
    row.request_key = sql_take_text(&columns);
    row.amount = sql_take_int(&columns);
    row.currency = sql_take_text(&columns);
    row.status = sql_take_text(&columns);
    row.provider_id = sql_take_text(&columns);
    row.asked_ms = sql_take_int(&columns);
    row.created_ms = sql_take_int(&columns);
    TRY(columns.error);
    *ret_row = row;
    return 0;
}

int insert_refund(struct sql_tx *tx, const struct refund_row *row)
{
    return sql_exec(tx, &payments_sql_insert_refund,
                    SQL_ARGS(sql_text(row->id), sql_text(row->tenant), sql_text(row->payment_id),
                             sql_text(row->request_key), sql_int(row->amount), sql_text(row->currency),
                             sql_text(row->status), sql_text_or_null(row->provider_id), sql_int(row->created_ms),
                             optional_time(row->asked_ms)),
                    NULL);
}

int update_refund(struct sql_tx *tx, const struct refund_row *row, int64_t now_ms)
{
    return sql_exec(
        tx, &payments_sql_update_refund,
        SQL_ARGS(sql_text(row->id), sql_text(row->status), sql_text_or_null(row->provider_id), sql_int(now_ms)), NULL);
}

int write_finding(struct call *call, struct str tenant, const char *kind, struct str reference, const char *action)
{
    char *id = call_new_id(call);
    if (!id)
        return ERR_NO_MEMORY;
    log_warning(&call->log, "orders and charges do not fit together", LOG_CSTR("kind", kind),
                LOG_STR("reference", reference), LOG_CSTR("action", action));
    return sql_exec(call->tx, &payments_sql_insert_finding,
                    SQL_ARGS(sql_cstr(id), sql_text(tenant), sql_cstr(kind), sql_text(reference), sql_cstr(action),
                             sql_int(call_now_ms(call))),
                    NULL);
}

int move_findings(struct call *call, const struct payment_row *payment, const char *from, const char *to)
{
    return sql_exec(call->tx, &payments_sql_move_findings,
                    SQL_ARGS(sql_text(payment->tenant), sql_text(payment->order_id), sql_cstr(from), sql_cstr(to)),
                    NULL);
}
