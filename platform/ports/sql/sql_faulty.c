#include "platform/ports/sql/sql_faulty.h"

#include "platform/base/task.h"
#include "platform/ports/sql/sql_adapter.h"

#include <stdlib.h>

struct faulty_db {
    struct sql_db base;
    struct sql_db *inner;
    struct fault_plan *plan;
};

/* A closure sees the decorator's transaction, so that its statements can fail too. */
struct faulty_tx {
    struct sql_tx base;
    struct sql_tx *inner;
};

struct faulty_rows {
    struct sql_rows base;
    struct sql_rows *inner;
    struct fault_plan *plan;
};

struct faulty_write {
    struct sql_write_job inner_job;
    struct faulty_db *db;
    struct sql_write_job *outer_job;
    int late_error; /* told whatever became of it */
    bool is_undone; /* this run is thrown away, and there will be another */
};

struct faulty_read {
    struct faulty_db *db;
    sql_closure *closure;
    void *argument;
};

static struct faulty_db *faulty_of(struct sql_db *db)
{
    return (struct faulty_db *)(void *)db;
}

static struct sql_db *inner_of(struct sql_db *db)
{
    return faulty_of(db)->inner;
}

static struct sql_tx *inner_tx(struct sql_tx *tx)
{
    return ((struct faulty_tx *)(void *)tx)->inner;
}

static struct fault meet(struct sql_db *db, const char *call)
{
    return fault_meet(faulty_of(db)->plan, FAULT_SQL, call);
}

static int run_closure(struct faulty_db *db, struct sql_tx *inner, sql_closure *closure, void *argument)
{
    struct faulty_tx tx = {.base = {.db = &db->base, .arena = inner->arena, .hooks = inner->hooks}, .inner = inner};
    return closure(&tx.base, argument);
}

/* -- Transactions ------------------------------------------------------------------------------------------------- */

static int write_closure(struct sql_tx *tx, void *argument)
{
    struct faulty_write *write = argument;
    int result = run_closure(write->db, tx, write->outer_job->closure, write->outer_job->argument);
    return result >= 0 && write->is_undone ? ERR_UNAVAILABLE : result;
}

static void write_done(int result, void *argument)
{
    struct faulty_write *write = argument;
    struct sql_write_job *job = write->outer_job;
    if (write->is_undone) {
        write->is_undone = false;
        sql_write_async(write->db->inner, &write->inner_job);
        return;
    }
    int told = write->late_error ? write->late_error : result;
    free(write);
    job->done(told, job->argument);
}

static void faulty_write_async(struct sql_db *base, struct sql_write_job *job)
{
    struct fault fault = meet(base, "write");
    struct faulty_write *write = fault.error ? NULL : calloc(1, sizeof(*write));
    if (!write) {
        job->done(fault.error ? fault.error : ERR_NO_MEMORY, job->argument);
        return;
    }
    *write = (struct faulty_write){
        .db = faulty_of(base), .outer_job = job, .late_error = fault.late_error, .is_undone = fault.repeat};
    write->inner_job = (struct sql_write_job){.closure = write_closure, .argument = write, .done = write_done};
    sql_write_async(write->db->inner, &write->inner_job);
}

static int read_closure(struct sql_tx *tx, void *argument)
{
    struct faulty_read *read = argument;
    return run_closure(read->db, tx, read->closure, read->argument);
}

static int faulty_read(struct sql_db *base, sql_closure *closure, void *argument)
{
    struct faulty_read read = {.db = faulty_of(base), .closure = closure, .argument = argument};
    struct fault fault = meet(base, "read");
    return FAULT_APPLY(fault, sql_read(read.db->inner, read_closure, &read));
}

/* -- Statements and rows ------------------------------------------------------------------------------------------ */

static int faulty_exec(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
                       int64_t *ret_changed)
{
    struct fault fault = meet(tx->db, "exec");
    fault.repeat = false;
    return FAULT_APPLY(fault, sql_exec(inner_tx(tx), statement, args, ret_changed));
}

static const char *faulty_migration_text(struct sql_db *base, const struct sql_migration *migration)
{
    struct sql_db *inner = inner_of(base);
    return inner->adapter->migration_text(inner, migration);
}

static int faulty_lock_migrations(struct sql_db *base, char ret_message[SQL_MESSAGE_BYTES])
{
    struct sql_db *inner = inner_of(base);
    return inner->adapter->lock_migrations ? inner->adapter->lock_migrations(inner, ret_message) : 0;
}

static void faulty_unlock_migrations(struct sql_db *base)
{
    struct sql_db *inner = inner_of(base);
    if (inner->adapter->unlock_migrations)
        inner->adapter->unlock_migrations(inner);
}

static int faulty_script(struct sql_tx *tx, const char *text, char ret_message[SQL_MESSAGE_BYTES])
{
    struct sql_tx *inner = inner_tx(tx);
    struct fault fault = meet(tx->db, "script");
    if (fault.error || fault.late_error)
        sql_message(ret_message, "a fault of the plan");
    fault.repeat = false;
    return FAULT_APPLY(fault, inner->db->adapter->script(inner, text, ret_message));
}

static int faulty_query(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
                        struct sql_rows **ret_rows)
{
    struct fault fault = meet(tx->db, "query");
    struct faulty_rows *rows = arena_alloc(sql_tx_arena(tx), sizeof(*rows));
    if (!rows)
        return ERR_NO_MEMORY;
    TRY(fault.error);
    TRY(fault.late_error); /* a query that only starts has nothing to succeed at */
    *rows = (struct faulty_rows){.base = {.adapter = tx->db->adapter}, .plan = faulty_of(tx->db)->plan};
    TRY(sql_query(inner_tx(tx), statement, args, &rows->inner));
    *ret_rows = &rows->base;
    return 0;
}

static int faulty_has_table(struct sql_tx *tx, const char *name)
{
    struct sql_tx *inner = inner_tx(tx);
    return inner->db->adapter->has_table(inner, name);
}

static struct faulty_rows *rows_of(struct sql_rows *rows)
{
    return (struct faulty_rows *)(void *)rows;
}

static int faulty_next(struct sql_rows *rows)
{
    struct fault fault = fault_meet(rows_of(rows)->plan, FAULT_SQL, "next");
    fault.repeat = false;
    return FAULT_APPLY(fault, sql_next(rows_of(rows)->inner));
}

static struct sql_value faulty_column(struct sql_rows *rows, unsigned column)
{
    struct sql_rows *inner = rows_of(rows)->inner;
    return inner->adapter->column(inner, column);
}

static void faulty_finish(struct sql_rows *rows)
{
    sql_finish(rows_of(rows)->inner);
}

/* -- Life and care ------------------------------------------------------------------------------------------------ */

static void faulty_close(struct sql_db *base)
{
    sql_close(inner_of(base));
    free(base);
}

static int faulty_backup(struct sql_db *base, const char *path, char ret_message[SQL_MESSAGE_BYTES])
{
    return sql_backup(inner_of(base), path, ret_message);
}

static int faulty_check(struct sql_db *base, char ret_message[SQL_MESSAGE_BYTES])
{
    return sql_check(inner_of(base), ret_message);
}

static int faulty_backup_snapshot(struct sql_tx *tx, int file, char ret_message[SQL_MESSAGE_BYTES])
{
    return sql_backup_snapshot(inner_tx(tx), file, ret_message);
}

static int faulty_list_tables(struct sql_tx *tx, struct arena *arena, struct sql_table **ret_tables, size_t *ret_count)
{
    return sql_list_tables(inner_tx(tx), arena, ret_tables, ret_count);
}

static int faulty_dump_table(struct sql_tx *tx, const struct sql_table *table, sql_row_visitor *visitor, void *argument)
{
    return sql_dump_table(inner_tx(tx), table, visitor, argument);
}

static int faulty_load_table(struct sql_tx *tx, const struct sql_table *table, sql_row_source *source, void *argument,
                             int64_t *ret_count)
{
    return sql_load_table(inner_tx(tx), table, source, argument, ret_count);
}

static void faulty_get_stats(struct sql_db *base, struct sql_stats *ret_stats)
{
    sql_get_stats(inner_of(base), ret_stats);
}

static const struct sql_adapter faulty_adapter = {
    .version = SQL_ADAPTER_VERSION,
    .close = faulty_close,
    .write_async = faulty_write_async,
    .read = faulty_read,
    .migration_text = faulty_migration_text,
    .lock_migrations = faulty_lock_migrations,
    .unlock_migrations = faulty_unlock_migrations,
    .exec = faulty_exec,
    .script = faulty_script,
    .query = faulty_query,
    .has_table = faulty_has_table,
    .next = faulty_next,
    .column = faulty_column,
    .finish = faulty_finish,
    .backup = faulty_backup,
    .check = faulty_check,
    .backup_snapshot = faulty_backup_snapshot,
    .get_stats = faulty_get_stats,
    .list_tables = faulty_list_tables,
    .dump_table = faulty_dump_table,
    .load_table = faulty_load_table,
};

int sql_faulty_wrap(struct sql_db **db, struct fault_plan *plan)
{
    if (!plan)
        return 0;
    struct faulty_db *faulty = calloc(1, sizeof(*faulty));
    if (!faulty)
        return ERR_NO_MEMORY;
    *faulty = (struct faulty_db){.base = {&faulty_adapter}, .inner = *db, .plan = plan};
    *db = &faulty->base;
    return 0;
}
