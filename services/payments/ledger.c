#include "services/payments/payments.h"

#include "services/payments/sql/ledger.sql.h"

#define ENTRIES_PER_TRANSACTION 2

static int write_entry(struct call *call, const struct payment_row *payment, const char *transaction_id,
                       const char *account, const char *direction, int64_t amount)
{
    char *id = call_new_id(call);
    if (!id)
        return ERR_NO_MEMORY;
    return sql_exec(call->tx, &payments_sql_insert_entry,
                    SQL_ARGS(sql_cstr(id), sql_text(payment->tenant), sql_cstr(transaction_id), sql_cstr(account),
                             sql_cstr(direction), sql_int(amount), sql_text(payment->currency),
                             sql_int(call_now_ms(call))),
                    NULL);
}

/* What was written is what is checked, in the same write: a transaction that does not balance never commits. */
static int check_balance(struct call *call, const char *transaction_id)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(call->tx, &payments_sql_check_transaction, SQL_ARGS(sql_cstr(transaction_id)), &rows);
    if (found < 0)
        return found;
    bool balanced = found == 1 && sql_get_int(rows, 0) == 0 && sql_get_int(rows, 1) == 0 &&
                    sql_get_int(rows, 2) == ENTRIES_PER_TRANSACTION;
    return balanced ? 0 : ERR_CORRUPT;
}

int ledger_book(struct call *call, const struct payment_row *payment, const char *kind, struct str reference,
                const char *debit_account, const char *credit_account, int64_t amount)
{
    char *id = call_new_id(call);
    if (!id)
        return ERR_NO_MEMORY;
    int64_t changed = 0;
    TRY(sql_exec(call->tx, &payments_sql_insert_transaction,
                 SQL_ARGS(sql_cstr(id), sql_text(payment->tenant), sql_cstr(kind), sql_text(payment->id),
                          sql_text(reference), sql_int(call_now_ms(call))),
                 &changed));
    if (changed == 0) /* Booked already. */
        return 0;
    TRY(write_entry(call, payment, id, debit_account, "debit", amount));
    TRY(write_entry(call, payment, id, credit_account, "credit", amount));
    return check_balance(call, id);
}
