/* The writer task: takes all writes that wait, runs them in one transaction, and makes them durable by one commit.
 *
 * Nobody learns of a write before the COMMIT returned. When it fails, nothing of the batch is kept and everybody gets
 * the error; the next batch starts from a clean transaction, so a full disk needs nothing but room. */
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/sql_sqlite.h"
#include "platform/ports/sql/sqlite.sql.h"

/* -- The queue ---------------------------------------------------------------------------------------------------- */

void sqlite_write_async(struct sql_db *base, struct sql_write_job *job)
{
    struct sqlite_db *db = sqlite_db_of(base);
    job->next_ = NULL;
    bool was_empty = false;
    int refused = 0;
    task_mutex_lock(&db->queue_mutex);
    if (db->is_closing)
        refused = ERR_CANCELLED;
    else if (db->queue_count >= SQLITE_WRITE_QUEUE_MAX)
        refused = ERR_UNAVAILABLE;
    if (!refused) {
        was_empty = db->queue_first == NULL;
        if (was_empty)
            db->queue_first = job;
        else
            db->queue_last->next_ = job;
        db->queue_last = job;
        db->queue_count++;
    }
    task_mutex_unlock(&db->queue_mutex);
    /* After the lock, on which the writer would otherwise wait as soon as it is awake. The database outlives this: it
     * closes only when nobody writes any more. */
    if (was_empty)
        task_cond_signal(&db->queue_filled);
    if (refused)
        job->done(refused, job->argument);
}

/* Detaches up to batch_max waiting jobs; NULL when none waits. The queue's lock is held. */
static struct sql_write_job *take_jobs(struct sqlite_db *db)
{
    struct sql_write_job *first = db->queue_first;
    if (!first)
        return NULL;
    struct sql_write_job *last = first;
    size_t taken = 1;
    while (taken < db->batch_max && last->next_) {
        last = last->next_;
        taken++;
    }
    db->queue_first = last->next_;
    if (!db->queue_first)
        db->queue_last = NULL;
    db->queue_count -= taken;
    last->next_ = NULL;
    return first;
}

/* -- Checkpoints -------------------------------------------------------------------------------------------------- */

static int remember_wal_pages(void *argument, sqlite3 *handle, const char *schema, int pages)
{
    (void)handle;
    (void)schema;
    ((struct sqlite_db *)argument)->wal_pages = pages;
    return SQLITE_OK;
}

/* Copies the log into the file. PASSIVE never waits for a reader and never makes one wait; only a log that readers have
 * kept from starting again for long is worth a bounded wait of the writer for them. */
static void checkpoint(struct sqlite_db *db)
{
    int mode = db->wal_pages >= SQLITE_CHECKPOINT_RESTART_PAGES ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
    int log_pages = 0;
    int copied_pages = 0;
    db->writer.busy_retries_max = SQLITE_RESTART_RETRIES_MAX;
    int result = sqlite3_wal_checkpoint_v2(db->writer.handle, NULL, mode, &log_pages, &copied_pages);
    db->writer.busy_retries_max = SQLITE_BUSY_RETRIES_MAX;
    /* A whole copy lets the next commit start the log again; a failed or partial one is tried again when the log has
     * grown by as much as before. */
    db->wal_pages_at_checkpoint = result == SQLITE_OK && copied_pages == log_pages ? 0 : db->wal_pages;
    if (result == SQLITE_OK && copied_pages == log_pages)
        db->wal_pages = 0;
}

static bool checkpoint_is_due(const struct sqlite_db *db, int pages)
{
    return db->wal_pages - db->wal_pages_at_checkpoint >= pages;
}

/* -- One batch ---------------------------------------------------------------------------------------------------- */

/* Ends the transaction whatever state an error left it in. */
static void roll_back(struct sqlite_connection *writer)
{
    if (!sqlite3_get_autocommit(writer->handle))
        sqlite_run(writer, &ports_sql_sqlite_rollback);
}

/* A deferred foreign key that a closure left broken would fail the whole commit: it is that closure's error alone. */
static bool has_broken_foreign_key(struct sqlite_connection *writer)
{
    int broken = 0;
    int highest = 0;
    sqlite3_db_status(writer->handle, SQLITE_DBSTATUS_DEFERRED_FKS, &broken, &highest, 0);
    return broken != 0;
}

/* Runs one closure; its hooks go to *batch_hooks, or are dropped with its effects. A failure that ended the whole
 * transaction is left in writer->tx_error. */
static int run_closure(struct sqlite_db *db, struct sql_write_job *job, struct sql_commit_hooks *batch_hooks)
{
    struct sqlite_connection *writer = &db->writer;
    struct sqlite_tx tx = {.base = {.db = &db->base, .arena = writer->arena}, .connection = writer};
    tx.base.hooks = &tx.hooks;
    int result = job->closure(&tx.base, job->argument);
    if (writer->running_count > 0)
        sqlite_statements_stop(writer);
    arena_reset(writer->arena);
    if (result >= 0 && !writer->tx_error && has_broken_foreign_key(writer))
        result = ERR_CONFLICT;
    if (result >= 0 && !writer->tx_error)
        sql_commit_hooks_move(batch_hooks, &tx.hooks);
    else
        sql_commit_hooks_run(&tx.hooks, false);
    return result;
}

/* Runs one closure among others: a savepoint keeps its failure from them. */
static void run_in_savepoint(struct sqlite_db *db, struct sql_write_job *job, struct sql_commit_hooks *batch_hooks)
{
    struct sqlite_connection *writer = &db->writer;
    int error = sqlite_run(writer, &ports_sql_sqlite_savepoint);
    if (!error) {
        job->result_ = run_closure(db, job, batch_hooks);
        if (writer->tx_error)
            return;
        if (job->result_ < 0)
            error = sqlite_run(writer, &ports_sql_sqlite_rollback_to);
        if (!error)
            error = sqlite_run(writer, &ports_sql_sqlite_release);
    }
    writer->tx_error = error;
}

static void run_in_savepoints(struct sqlite_db *db, struct sql_write_job *first, struct sql_commit_hooks *hooks)
{
    for (struct sql_write_job *job = first; job && !db->writer.tx_error; job = job->next_)
        run_in_savepoint(db, job, hooks);
}

/* Runs the closures of a batch without anything between them; a savepoint costs each two statements and a copy of every
 * page that it touches. True when all that failed had changed nothing; false when one left something behind, and the
 * transaction is of no use any more. */
static bool run_together(struct sqlite_db *db, struct sql_write_job *first, struct sql_commit_hooks *hooks)
{
    struct sqlite_connection *writer = &db->writer;
    for (struct sql_write_job *job = first; job && !writer->tx_error; job = job->next_) {
        sqlite3_int64 changes = sqlite3_total_changes64(writer->handle);
        writer->has_run_script = false;
        job->result_ = run_closure(db, job, hooks);
        bool has_changed = writer->has_run_script || sqlite3_total_changes64(writer->handle) != changes;
        if (job->result_ < 0 && has_changed && !writer->tx_error)
            return false;
    }
    return true;
}

/* Failures are rare, and those that come from a look at the rows change none: so a batch is run as one, and only where
 * that leaves a failed closure's traces it is taken back whole and run again, each closure in a savepoint. */
static int run_closures(struct sqlite_db *db, struct sql_write_job *first, struct sql_commit_hooks *hooks)
{
    struct sqlite_connection *writer = &db->writer;
    if (!first->next_) /* alone: the transaction itself is the savepoint */
        first->result_ = run_closure(db, first, hooks);
    else if (!run_together(db, first, hooks)) {
        sql_commit_hooks_run(hooks, false);
        TRY(sqlite_run(writer, &ports_sql_sqlite_rollback));
        TRY(sqlite_run(writer, &ports_sql_sqlite_begin_write));
        run_in_savepoints(db, first, hooks);
    }
    return writer->tx_error;
}

/* 0, or the error that the whole batch gets. */
static int run_transaction(struct sqlite_db *db, struct sql_write_job *first, struct sql_commit_hooks *hooks)
{
    struct sqlite_connection *writer = &db->writer;
    TRY(sqlite_run(writer, &ports_sql_sqlite_begin_write));
    writer->tx_error = 0;
    TRY(run_closures(db, first, hooks));
    if (!first->next_ && first->result_ < 0)
        return 0; /* its own failure; the caller rolls back */
    int error = sqlite_run(writer, &ports_sql_sqlite_commit);
    if (error)
        db->has_failed_commit = true;
    return error;
}

/* A COMMIT that failed in its fsync has left its frames whole in the log: a crash now could bring back what nobody was
 * promised and everybody was told is lost. The next commit overwrites them; this one is made for that alone, and to see
 * whether there is room again. */
static bool overwrite_failed_commit(struct sqlite_db *db)
{
    struct sqlite_connection *writer = &db->writer;
    bool is_written = sqlite_run(writer, &ports_sql_sqlite_begin_write) == 0 &&
                      sqlite_run(writer, &ports_sql_sqlite_touch) == 0 &&
                      sqlite_run(writer, &ports_sql_sqlite_commit) == 0;
    if (is_written)
        db->has_failed_commit = false;
    roll_back(writer);
    return is_written;
}

/* One page may find room where a batch found none: so it takes a batch, or the small commit some time later, to say
 * that writes are taken again. */
static void note_refusal(struct sqlite_db *db, const struct sql_write_job *first, int batch_error)
{
    bool has_written = !batch_error && (first->next_ || first->result_ >= 0);
    if (batch_error && (batch_error == ERR_STORAGE_FULL || db->has_failed_commit))
        atomic_store_explicit(&db->refuses_writes, true, memory_order_relaxed);
    else if (has_written)
        atomic_store_explicit(&db->refuses_writes, false, memory_order_relaxed);
}

/* Tells everybody. A job may be gone as soon as its done was called. */
static void finish_jobs(struct sqlite_db *db, struct sql_write_job *first, int batch_error)
{
    uint64_t kept = 0;
    for (struct sql_write_job *job = first; job; job = job->next_)
        if (!batch_error && job->result_ >= 0)
            kept++;
    atomic_fetch_add_explicit(&db->writes, kept, memory_order_relaxed);
    if (kept > 0)
        atomic_fetch_add_explicit(&db->commits, 1, memory_order_relaxed);
    while (first) {
        struct sql_write_job *next = first->next_;
        first->done(batch_error ? batch_error : first->result_, first->argument);
        first = next;
    }
}

static void run_batch(struct sqlite_db *db, struct sql_write_job *first)
{
    struct sql_commit_hooks hooks = {0};
    int error = run_transaction(db, first, &hooks);
    roll_back(&db->writer);
    note_refusal(db, first, error);
    if (db->has_failed_commit)
        (void)overwrite_failed_commit(db);
    task_step("sql: between the commit and its acknowledgement");
    sql_commit_hooks_run(&hooks, error == 0);
    if (error)
        atomic_fetch_add_explicit(&db->failed_commits, 1, memory_order_relaxed);
    finish_jobs(db, first, error);
    /* Full: what the log holds may have room in the file, and the log can then start again. */
    if (error == ERR_STORAGE_FULL || checkpoint_is_due(db, SQLITE_CHECKPOINT_BUSY_PAGES))
        checkpoint(db);
}

/* -- The task ----------------------------------------------------------------------------------------------------- */

/* Waits for writes; checkpoints when there are none. NULL when the database is closing and all are done. */
static struct sql_write_job *wait_for_jobs(struct sqlite_db *db)
{
    TASK_LOCKED(&db->queue_mutex);
    while (!db->queue_first && !db->is_closing) {
        if (checkpoint_is_due(db, SQLITE_CHECKPOINT_IDLE_PAGES)) {
            task_mutex_unlock(&db->queue_mutex);
            checkpoint(db);
            task_mutex_lock(&db->queue_mutex);
            continue;
        }
        if (!db->has_failed_commit && !atomic_load_explicit(&db->refuses_writes, memory_order_relaxed)) {
            task_cond_wait(&db->queue_filled, &db->queue_mutex);
        } else if (!task_cond_wait_until(&db->queue_filled, &db->queue_mutex,
                                         clock_monotonic_ns() + SQLITE_REPAIR_INTERVAL_NS)) {
            task_mutex_unlock(&db->queue_mutex);
            if (overwrite_failed_commit(db))
                atomic_store_explicit(&db->refuses_writes, false, memory_order_relaxed);
            task_mutex_lock(&db->queue_mutex);
        }
    }
    return take_jobs(db);
}

void sqlite_writer_main(void *argument)
{
    struct sqlite_db *db = argument;
    sqlite3_wal_hook(db->writer.handle, remember_wal_pages, db);
    struct sql_write_job *jobs;
    while ((jobs = wait_for_jobs(db)))
        run_batch(db, jobs);
}
