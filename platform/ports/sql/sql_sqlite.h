/* The SQLite adapter's own header: one file, WAL, synchronous=FULL, one writer task and a pool of read connections.
 *
 * A connection belongs to one task at a time, so SQLite's own mutex on it is off (SQLITE_OPEN_NOMUTEX): the writer's to
 * the writer task, a reader's to whoever took it from the pool. */
#pragma once

#include "platform/base/task.h"
#include "platform/ports/sql/sql_adapter.h"

#include <sqlite3.h>
#include <stdatomic.h>

/* Bytes of the file's path and of the VFS's name, with the NUL. */
#define SQLITE_PATH_BYTES 1024
#define SQLITE_VFS_BYTES 64

/* Prepared statements that a connection keeps; past it, those that do not run are dropped. A power of two for the
 * table's size, twice the number of statements, so that probing stays short. */
#define SQLITE_STATEMENTS_MAX 256
#define SQLITE_STATEMENT_SLOTS 512

/* Writes that may wait; past it they are refused with ERR_UNAVAILABLE. */
#define SQLITE_WRITE_QUEUE_MAX 65536

/* Closures in one commit, whatever the configuration says. */
#define SQLITE_WRITE_BATCH_MAX 4096

/* Pages of the log at which the writer checkpoints when it is idle (4 MiB), at which it does so between two batches
 * (16 MiB), and at which it waits for readers to leave the log so that it can start again (64 MiB). */
#define SQLITE_CHECKPOINT_IDLE_PAGES 1000
#define SQLITE_CHECKPOINT_BUSY_PAGES 4000
#define SQLITE_CHECKPOINT_RESTART_PAGES 16000

/* How often, a millisecond apart, a connection tries again for a lock that another process or a recovery holds. */
#define SQLITE_BUSY_RETRIES_MAX 5000
#define SQLITE_RESTART_RETRIES_MAX 100

/* How often an idle writer tries to overwrite a commit that failed. */
#define SQLITE_REPAIR_INTERVAL_NS INT64_C(1000000000)

struct sqlite_connection;

/* A prepared statement of one connection, and its rows while it runs. */
struct sqlite_statement {
    struct sql_rows base;
    struct sqlite_connection *connection;
    const struct sql_statement *source;
    sqlite3_stmt *handle;
    unsigned parameter_count;                /* parameters that SQLite sees */
    unsigned argument_count;                 /* the highest $N */
    uint8_t argument_of[SQL_PARAMETERS_MAX]; /* SQLite's parameter i+1 is argument argument_of[i] */
    bool is_running;
};

struct sqlite_connection {
    sqlite3 *handle; /* NULL until it is opened */
    struct sqlite_statement *statements[SQLITE_STATEMENT_SLOTS];
    unsigned statement_count;
    unsigned running_count;
    int busy_retries_max;
    int tx_error;        /* SQLite rolled the whole transaction back: every statement until its end gets this */
    bool has_run_script; /* it may have changed the schema, which SQLite does not count as a change */
    struct arena *arena;
    struct sqlite_connection *next_free;
};

struct sqlite_db {
    struct sql_db base;
    char path[SQLITE_PATH_BYTES];
    char vfs[SQLITE_VFS_BYTES]; /* "" for SQLite's default */
    bool is_marked;             /* must be, before it is opened */

    /* The writer; its connection is touched by its task alone once that runs. */
    struct sqlite_connection writer;
    struct task *writer_task;
    char writer_name[16]; /* of its task: as much as the kernel keeps */
    size_t batch_max;
    int wal_pages;
    int wal_pages_at_checkpoint;
    bool has_failed_commit; /* the log may end in frames that were not acknowledged */

    struct task_mutex queue_mutex;
    struct task_cond queue_filled;
    struct sql_write_job *queue_first;
    struct sql_write_job *queue_last;
    size_t queue_count;
    bool is_closing;

    struct task_mutex readers_mutex;
    struct task_cond reader_freed;
    struct sqlite_connection *readers;
    struct sqlite_connection *free_readers;
    unsigned reader_count;

    atomic_uint_fast64_t commits;
    atomic_uint_fast64_t writes;
    atomic_uint_fast64_t failed_commits;
    atomic_uint_fast64_t reads;
    atomic_bool refuses_writes; /* set and cleared by the writer's task */
};

struct sqlite_tx {
    struct sql_tx base;
    struct sqlite_connection *connection;
    struct sql_commit_hooks hooks;
};

static inline struct sqlite_db *sqlite_db_of(struct sql_db *db)
{
    return (struct sqlite_db *)(void *)db;
}

/* -- sql_sqlite_error.c ------------------------------------------------------------------------------------------- */

/* Our code for SQLite's result; handle may be NULL. */
int sqlite_error(sqlite3 *handle, int result);

/* Logs what SQLite says of a statement that cannot be right (never values). */
void sqlite_report(sqlite3 *handle, const char *statement_name);

/* What is wrong with opening the file, and what to do. Returns error. */
int sqlite_open_message(const struct sqlite_db *db, sqlite3 *handle, int error, char ret_message[SQL_MESSAGE_BYTES]);

/* -- sql_sqlite_connection.c -------------------------------------------------------------------------------------- */

/* Opens and sets up a connection; ret_message may be NULL. */
int sqlite_connection_open(struct sqlite_db *db, struct sqlite_connection *connection, bool is_writer,
                           char ret_message[SQL_MESSAGE_BYTES]);
void sqlite_connection_close(struct sqlite_connection *connection);

/* -- sql_sqlite_statement.c --------------------------------------------------------------------------------------- */

/* Binds one value; SQLite's own result. lifetime: SQLITE_STATIC where the bytes outlive the run. */
int sqlite_bind(sqlite3_stmt *handle, int parameter, struct sql_value value, sqlite3_destructor_type lifetime);

/* Runs one of the adapter's own statements to its end. */
int sqlite_run(struct sqlite_connection *connection, const struct sql_statement *statement);

/* Resets whatever a closure left running. */
void sqlite_statements_stop(struct sqlite_connection *connection);
void sqlite_statements_free(struct sqlite_connection *connection);

int sqlite_exec(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args, int64_t *ret_changed);
int sqlite_script(struct sql_tx *tx, const char *text, char ret_message[SQL_MESSAGE_BYTES]);
int sqlite_query(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
                 struct sql_rows **ret_rows);
int sqlite_next(struct sql_rows *rows);
struct sql_value sqlite_column(struct sql_rows *rows, unsigned column);
void sqlite_finish(struct sql_rows *rows);

/* -- sql_sqlite_writer.c, sql_sqlite_reader.c --------------------------------------------------------------------- */

void sqlite_write_async(struct sql_db *db, struct sql_write_job *job);
void sqlite_writer_main(void *argument);

int sqlite_read(struct sql_db *db, sql_closure *closure, void *argument);

/* -- sql_sqlite_care.c -------------------------------------------------------------------------------------------- */

int sqlite_backup(struct sql_db *db, const char *destination_path, char ret_message[SQL_MESSAGE_BYTES]);
int sqlite_check(struct sql_db *db, char ret_message[SQL_MESSAGE_BYTES]);
int sqlite_has_table(struct sql_tx *tx, const char *name);
int sqlite_backup_snapshot(struct sql_tx *tx, int destination_file, char ret_message[SQL_MESSAGE_BYTES]);

/* -- sql_sqlite_descriptor.c -------------------------------------------------------------------------------------- */

/* Opens a database in an open file, without a journal beside it. To be closed by sqlite3_close, also on an error; the
 * file stays open. A result code of SQLite. */
int sqlite_open_descriptor(int file, sqlite3 **ret_handle);

/* -- sql_sqlite_dump.c -------------------------------------------------------------------------------------------- */

int sqlite_list_tables(struct sql_tx *tx, struct arena *arena, struct sql_table **ret_tables, size_t *ret_count);
int sqlite_dump_table(struct sql_tx *tx, const struct sql_table *table, sql_row_visitor *visitor, void *argument);
int sqlite_load_table(struct sql_tx *tx, const struct sql_table *table, sql_row_source *source, void *argument,
                      int64_t *ret_count);
