#include "platform/ports/workflow/workflow.h"
#include "platform/ports/workflow/workflow.sql.h"

int workflow_purge(struct sql_tx *tx, int64_t ended_before_ms, int64_t *ret_deleted)
{
    const struct sql_args args = SQL_ARGS(sql_int(ended_before_ms), sql_int(WORKFLOW_PURGE_MAX));

    TRY(sql_exec(tx, &workflow_sql_purge_history, args, NULL));
    TRY(sql_exec(tx, &workflow_sql_purge_signals, args, NULL));
    return sql_exec(tx, &workflow_sql_purge, args, ret_deleted);
}
