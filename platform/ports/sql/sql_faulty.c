#include "platform/ports/sql/sql_faulty.h"

#include "platform/base/task.h"
#include "platform/ports/sql/sql_adapter.h"

#include <stdatomic.h>
#include <stdlib.h>

struct faulty_db {
    struct sql_db base;
    struct sql_db *inner;
    struct sql_fault faults[SQL_FAULTS_MAX];
    size_t fault_count;
    atomic_uint_fast64_t calls[SQL_FAULT_CALLS];
};

/* A closure sees the decorator's transaction, so that its statements can fail too. */
struct faulty_tx {
    struct sql_tx base;
    struct sql_tx *inner;
};

struct faulty_write {
    struct sql_write_job inner_job;
    struct faulty_db *db;
    struct sql_write_job *outer_job;
    int late_error; /* told instead of success */
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

/* Counts the call. A fault that fails before is returned; one that fails after goes to *ret_late_error. */
static int meet_fault(struct faulty_db *db, enum sql_fault_call call, int *ret_late_error)
{
    uint64_t number = atomic_fetch_add(&db->calls[call], 1) + 1;
    *ret_late_error = 0;
    for (size_t i = 0; i < db->fault_count; i++) {
        const struct sql_fault *fault = &db->faults[i];
        if (fault->call != call || (fault->nth != 0 && fault->nth != number))
            continue;
        if (fault->kind == SQL_FAULT_FAIL)
            return fault->error;
        if (fault->kind == SQL_FAULT_DELAY)
            task_sleep_ms(fault->delay_ms);
        else
            *ret_late_error = fault->error;
    }
    return 0;
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
    return run_closure(write->db, tx, write->outer_job->closure, write->outer_job->argument);
}

static void write_done(int result, void *argument)
{
    struct faulty_write *write = argument;
    struct sql_write_job *job = write->outer_job;
    int told = result == 0 && write->late_error ? write->late_error : result;
    free(write);
    job->done(told, job->argument);
}

static void faulty_write_async(struct sql_db *base, struct sql_write_job *job)
{
    struct faulty_db *db = faulty_of(base);
    int late_error;
    int error = meet_fault(db, SQL_FAULT_ON_WRITE, &late_error);
    struct faulty_write *write = error ? NULL : calloc(1, sizeof(*write));
    if (!write) {
        job->done(error ? error : ERR_NO_MEMORY, job->argument);
        return;
    }
    *write = (struct faulty_write){.db = db, .outer_job = job, .late_error = late_error};
    write->inner_job = (struct sql_write_job){.closure = write_closure, .argument = write, .done = write_done};
    sql_write_async(db->inner, &write->inner_job);
}

static int read_closure(struct sql_tx *tx, void *argument)
{
    struct faulty_read *read = argument;
    return run_closure(read->db, tx, read->closure, read->argument);
}

static int faulty_read(struct sql_db *base, sql_closure *closure, void *argument)
{
    struct faulty_read read = {.db = faulty_of(base), .closure = closure, .argument = argument};
    int late_error;
    TRY(meet_fault(read.db, SQL_FAULT_ON_READ, &late_error));
    int result = sql_read(read.db->inner, read_closure, &read);
    return result == 0 && late_error ? late_error : result;
}

/* -- Statements --------------------------------------------------------------------------------------------------- */

static struct sql_tx *inner_tx(struct sql_tx *tx)
{
    return ((struct faulty_tx *)(void *)tx)->inner;
}

static int faulty_exec(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
                       int64_t *ret_changed)
{
    int late_error;
    TRY(meet_fault(faulty_of(tx->db), SQL_FAULT_ON_STATEMENT, &late_error));
    TRY(sql_exec(inner_tx(tx), statement, args, ret_changed));
    return late_error;
}

static int faulty_script(struct sql_tx *tx, const char *text, char ret_message[SQL_MESSAGE_BYTES])
{
    struct sql_tx *inner = inner_tx(tx);
    return inner->db->adapter->script(inner, text, ret_message);
}

/* The rows are the inner adapter's own: next, column and finish go straight to it. */
static int faulty_query(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
                        struct sql_rows **ret_rows)
{
    int late_error;
    TRY(meet_fault(faulty_of(tx->db), SQL_FAULT_ON_STATEMENT, &late_error));
    TRY(late_error); /* a query that only starts has nothing to succeed at */
    return sql_query(inner_tx(tx), statement, args, ret_rows);
}

/* -- Life and care ------------------------------------------------------------------------------------------------ */

static void faulty_close(struct sql_db *base)
{
    sql_close(faulty_of(base)->inner);
    free(base);
}

static int faulty_backup(struct sql_db *base, const char *path, char ret_message[SQL_MESSAGE_BYTES])
{
    return sql_backup(faulty_of(base)->inner, path, ret_message);
}

static int faulty_check(struct sql_db *base, char ret_message[SQL_MESSAGE_BYTES])
{
    return sql_check(faulty_of(base)->inner, ret_message);
}

static int faulty_backup_snapshot(struct sql_tx *tx, const char *path, char ret_message[SQL_MESSAGE_BYTES])
{
    return sql_backup_snapshot(inner_tx(tx), path, ret_message);
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
    sql_get_stats(faulty_of(base)->inner, ret_stats);
}

static const struct sql_adapter faulty_adapter = {
    .version = SQL_ADAPTER_VERSION,
    .close = faulty_close,
    .write_async = faulty_write_async,
    .read = faulty_read,
    .exec = faulty_exec,
    .script = faulty_script,
    .query = faulty_query,
    .backup = faulty_backup,
    .check = faulty_check,
    .backup_snapshot = faulty_backup_snapshot,
    .get_stats = faulty_get_stats,
    .list_tables = faulty_list_tables,
    .dump_table = faulty_dump_table,
    .load_table = faulty_load_table,
};

int sql_faulty_new(struct sql_db **ret_db, struct sql_db *inner, const struct sql_fault *faults, size_t count)
{
    if (count > SQL_FAULTS_MAX)
        return ERR_TOO_LARGE;
    struct faulty_db *db = calloc(1, sizeof(*db));
    if (!db)
        return ERR_NO_MEMORY;
    db->base.adapter = &faulty_adapter;
    db->inner = inner;
    db->fault_count = count;
    for (size_t i = 0; i < count; i++)
        db->faults[i] = faults[i];
    *ret_db = &db->base;
    return 0;
}

uint64_t sql_faulty_calls(struct sql_db *db, enum sql_fault_call call)
{
    ASSERT(db->adapter == &faulty_adapter);
    return atomic_load(&faulty_of(db)->calls[call]);
}
