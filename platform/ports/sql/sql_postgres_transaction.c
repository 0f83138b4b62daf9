/* Transactions: the tasks that run closures that write, the readers' pool, and what is done where a transaction is
 * refused for what ran beside it, or its commit's answer is lost. */
#include "platform/base/backoff.h"
#include "platform/base/log.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"
#include "platform/ports/sql/postgres.sql.h"
#include "platform/ports/sql/sql_postgres.h"

#include <stdio.h>

/* -- The queue ---------------------------------------------------------------------------------------------------- */

void postgres_write_async(struct sql_db *base, struct sql_write_job *job)
{
    struct postgres_db *db = postgres_db_of(base);
    int refused = 0;
    job->next_ = NULL;
    task_mutex_lock(&db->queue_mutex);
    if (db->is_closing)
        refused = ERR_CANCELLED;
    else if (db->queue_count >= POSTGRES_WRITE_QUEUE_MAX)
        refused = ERR_UNAVAILABLE;
    if (!refused) {
        if (db->queue_first)
            db->queue_last->next_ = job;
        else
            db->queue_first = job;
        db->queue_last = job;
        db->queue_count++;
        task_cond_signal(&db->queue_filled);
    }
    task_mutex_unlock(&db->queue_mutex);
    if (refused)
        job->done(refused, job->argument);
}

/* NULL when the database is closing and all are done. */
static struct sql_write_job *wait_for_job(struct postgres_db *db)
{
    TASK_LOCKED(&db->queue_mutex);
    while (!db->queue_first && !db->is_closing)
        task_cond_wait(&db->queue_filled, &db->queue_mutex);
    struct sql_write_job *job = db->queue_first;
    if (job) {
        db->queue_first = job->next_;
        db->queue_count--;
    }
    return job;
}

/* -- The transaction's two ends ----------------------------------------------------------------------------------- */

static void start(struct postgres_connection *connection, bool is_write, bool is_careful)
{
    connection->has_begun = false;
    connection->is_write = is_write;
    connection->is_careful = is_careful;
    connection->tx_error = 0;
    connection->is_refused = connection->is_outrun = false;
    connection->name.xid[0] = '\0';
}

static void roll_back(struct postgres_connection *connection)
{
    if (connection->handle && connection->has_begun && postgres_run(connection, "ROLLBACK") != 0)
        postgres_disconnect(connection);
    connection->has_begun = false;
}

/* Not all of those who stood in each other's way at the same moment again. */
static void wait_before_rerun(int64_t reruns)
{
    int64_t longest_ms = backoff_ms(POSTGRES_RETRY_FIRST_MS, POSTGRES_RETRY_MAX_MS, reruns);
    task_sleep_ms((int64_t)random_below((uint64_t)longest_ms + 1));
}

enum fate { FATE_COMMITTED, FATE_ABORTED, FATE_UNKNOWN };

/* By what the server says of the transaction's number. One that crashed may have lost the number with the transaction
 * and given it to another one: then only what was not committed is sure, as a commit that was written keeps its number.
 */
static enum fate judge(struct str status, bool has_crashed)
{
    if (str_equal_cstr(status, "committed"))
        return has_crashed ? FATE_UNKNOWN : FATE_COMMITTED;
    if (str_equal_cstr(status, "in progress"))
        return has_crashed ? FATE_ABORTED : FATE_UNKNOWN;
    return str_equal_cstr(status, "aborted") ? FATE_ABORTED : FATE_UNKNOWN;
}

/* What became of a transaction whose COMMIT nobody answered. ERR_UNAVAILABLE: nobody says yet. */
static int ask_fate_once(struct postgres_db *db, struct postgres_connection *connection,
                         const struct postgres_name *before, enum fate *ret_fate)
{
    struct postgres_tx tx = {.base = {.db = &db->base, .arena = connection->arena}, .connection = connection};
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(postgres_connect(db, connection, NULL));
    start(connection, false, false);
    bool has_crashed = strcmp(connection->name.incarnation, before->incarnation) != 0;
    int found = sql_query_row(&tx.base, &ports_sql_postgres_transaction_status,
                              SQL_ARGS(sql_cstr(before->xid), sql_int(has_crashed)), &rows);
    if (found == 1)
        *ret_fate = judge(sql_get_text(rows, 0), has_crashed);
    roll_back(connection);
    return found < 0 ? found : *ret_fate == FATE_UNKNOWN && !has_crashed ? ERR_UNAVAILABLE : 0;
}

/* 0: it is committed. ERR_UNAVAILABLE with is_outrun: it is not, and may run again; alone: nobody knows. */
static int ask_fate(struct postgres_db *db, struct postgres_connection *connection)
{
    const struct postgres_name before = connection->name;
    int64_t deadline_ns = clock_monotonic_ns() + POSTGRES_FATE_MS * CLOCK_NS_PER_MS;
    enum fate fate = FATE_UNKNOWN;
    for (int64_t tries = 1; ask_fate_once(db, connection, &before, &fate) != 0; tries++) {
        if (clock_monotonic_ns() >= deadline_ns)
            break;
        task_sleep_ms(backoff_ms(POSTGRES_RETRY_FIRST_MS, POSTGRES_RETRY_MAX_MS, tries));
    }
    connection->is_outrun = fate == FATE_ABORTED;
    if (fate == FATE_UNKNOWN)
        log_error(NULL, "whether a transaction was committed is not known", LOG_CSTR("service", db->service),
                  LOG_CSTR("xid", before.xid));
    return fate == FATE_COMMITTED ? 0 : ERR_UNAVAILABLE;
}

static int commit(struct postgres_db *db, struct postgres_connection *connection)
{
    if (!connection->has_begun)
        return 0; /* it ran no statement */
    int error = postgres_run(connection, "COMMIT");
    connection->has_begun = false; /* a COMMIT that is refused has ended it too */
    if (connection->handle)
        return error;
    return ask_fate(db, connection);
}

/* -- Writing ------------------------------------------------------------------------------------------------------ */

/* One run of the closure; its hooks are left in *hooks. */
static int run_closure(struct postgres_db *db, struct postgres_connection *connection, const struct sql_write_job *job,
                       struct sql_commit_hooks *hooks)
{
    struct postgres_tx tx = {.base = {.db = &db->base, .arena = connection->arena}, .connection = connection};
    tx.base.hooks = &tx.hooks;
    int result = job->closure(&tx.base, job->argument);
    *hooks = tx.hooks;
    postgres_rows_stop(connection);
    arena_reset(connection->arena);
    if (connection->tx_error)
        result = connection->tx_error;
    int committed = result < 0 ? result : commit(db, connection);
    roll_back(connection);
    return committed < 0 ? committed : result;
}

static int attempt(struct postgres_db *db, struct postgres_connection *connection, const struct sql_write_job *job,
                   bool is_careful, struct sql_commit_hooks *hooks)
{
    start(connection, true, is_careful);
    int error = postgres_connect(db, connection, NULL);
    if (error) {
        connection->is_outrun = true; /* a server that starts again is back soon */
        return error;
    }
    return run_closure(db, connection, job, hooks);
}

static int run_until_decided(struct postgres_db *db, struct postgres_connection *connection,
                             const struct sql_write_job *job, struct sql_commit_hooks *hooks)
{
    bool is_careful = false;
    for (int64_t reruns = 0;;) {
        int result = attempt(db, connection, job, is_careful, hooks);
        bool is_first_refusal = connection->is_refused && !is_careful;
        if (!is_first_refusal && !(result < 0 && connection->is_outrun && reruns < POSTGRES_RETRIES_MAX))
            return result;
        sql_commit_hooks_run(hooks, false);
        atomic_fetch_add_explicit(&db->reruns, 1, memory_order_relaxed);
        is_careful |= is_first_refusal;
        if (!is_first_refusal)
            wait_before_rerun(++reruns);
    }
}

static void run_job(struct postgres_db *db, struct postgres_connection *connection, struct sql_write_job *job)
{
    struct sql_commit_hooks hooks = {0};
    int result = run_until_decided(db, connection, job, &hooks);
    bool is_refused = result == ERR_STORAGE_FULL || result == ERR_UNAVAILABLE;
    atomic_store_explicit(&db->refuses_writes, is_refused, memory_order_relaxed);
    atomic_fetch_add_explicit(result >= 0 ? &db->commits : &db->failed_commits, 1, memory_order_relaxed);
    sql_commit_hooks_run(&hooks, result >= 0);
    job->done(result, job->argument);
}

void postgres_writer_main(void *argument)
{
    struct postgres_writer *writer = argument;
    struct sql_write_job *job;
    while ((job = wait_for_job(writer->db)))
        run_job(writer->db, &writer->connection, job);
}

/* -- Reading ------------------------------------------------------------------------------------------------------ */

static struct postgres_connection *take_reader(struct postgres_db *db)
{
    TASK_LOCKED(&db->readers_mutex);
    while (!db->free_readers)
        task_cond_wait(&db->reader_freed, &db->readers_mutex);
    struct postgres_connection *reader = db->free_readers;
    db->free_readers = reader->next_free;
    return reader;
}

static void give_reader_back(struct postgres_db *db, struct postgres_connection *reader)
{
    TASK_LOCKED(&db->readers_mutex);
    reader->next_free = db->free_readers;
    db->free_readers = reader;
    task_cond_signal(&db->reader_freed);
}

static int read_snapshot(struct postgres_db *db, struct postgres_connection *reader, sql_closure *closure,
                         void *argument)
{
    struct postgres_tx tx = {.base = {.db = &db->base, .arena = reader->arena}, .connection = reader};
    start(reader, false, false);
    TRY(postgres_connect(db, reader, NULL));
    int result = closure(&tx.base, argument);
    postgres_rows_stop(reader);
    arena_reset(reader->arena);
    roll_back(reader);
    return reader->tx_error ? reader->tx_error : result;
}

/* A connection that broke while it lay in the pool shows at its first statement: then once more, by a new one. */
int postgres_read(struct sql_db *base, sql_closure *closure, void *argument)
{
    struct postgres_db *db = postgres_db_of(base);
    struct postgres_connection *reader = take_reader(db);
    bool was_connected = reader->handle != NULL;
    int result = read_snapshot(db, reader, closure, argument);
    if (was_connected && !reader->handle)
        result = read_snapshot(db, reader, closure, argument);
    give_reader_back(db, reader);
    atomic_fetch_add_explicit(&db->reads, 1, memory_order_relaxed);
    return result;
}
