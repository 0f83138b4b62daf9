/* What time has ended is taken away, a little at a time; by the steady clock, whatever the date says (clock.h). */
#include "services/identity/identity.h"

#define SWEEP_ROWS_MAX 500
#define UNVERIFIED_KEPT_MS (INT64_C(7) * 24 * 3600 * 1000) /* accounts whose address nobody confirmed */

static int sweep_rows(struct sql_tx *tx, void *argument)
{
    (void)argument;
    int64_t now_ms = clock_steady_ms();
    TRY(sql_exec(tx, &identity_sql_sweep_sessions, SQL_ARGS(sql_int(now_ms), sql_int(SWEEP_ROWS_MAX)), NULL));
    TRY(sql_exec(tx, &identity_sql_sweep_codes, SQL_ARGS(sql_int(now_ms), sql_int(SWEEP_ROWS_MAX)), NULL));
    TRY(sql_exec(tx, &identity_sql_sweep_token_blocks,
                 SQL_ARGS(sql_int(now_ms - TOKEN_BLOCK_KEPT_MS), sql_int(SWEEP_ROWS_MAX)), NULL));
    return sql_exec(tx, &identity_sql_sweep_unverified_accounts,
                    SQL_ARGS(sql_int(now_ms - UNVERIFIED_KEPT_MS), sql_int(SWEEP_ROWS_MAX)), NULL);
}

int identity_sweep(struct call *call)
{
    return call_write(call, sweep_rows, NULL);
}
