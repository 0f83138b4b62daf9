/* The sql port: one relational database of one service.
 *
 * Statements come from .sql files as named constants (written by tools/generate.py): each is a struct sql_statement, in
 * the subset that SQLite and Postgres share, parameters as $1, $2, … . No SQL is built from strings.
 *
 * Writes run as closures. On SQLite they run on the database's one writer task: one commit (and one fsync) for all that
 * were waiting, and what fails is taken back alone. On Postgres the same closure runs in a pooled connection and is run
 * again on a serialisation failure; so a closure has no effect but on its transaction and its own argument, and may run
 * twice. A closure does not block on anything else: no RPC, no HTTP.
 *
 * When sql_write returns 0, or done is called with 0, the transaction is on disk (fsync). */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/err.h"
#include "platform/base/str.h"
#include "platform/ports/port.h"

struct sql_tx;
struct sql_rows;

/* A constant: the statement is known by its address, so it must stay there and be the same as long as the database is
 * open. */
struct sql_statement {
    const char *name; /* "insert_product", for errors and metrics */
    const char *text;
};

/* One file NNNN_name.sql; applied in order, once, each in one transaction, its checksum kept. What Postgres has other
 * words for (triggers, counters) stands once more in NNNN_name.postgres.sql. */
struct sql_migration {
    unsigned number;
    const char *name;
    const char *text;
    const char *postgres_text; /* NULL: the same */
};

enum sql_type { SQL_TYPE_NULL, SQL_TYPE_INTEGER, SQL_TYPE_TEXT, SQL_TYPE_BLOB };

struct sql_value {
    enum sql_type type;
    int64_t integer;
    struct str bytes;
};

static inline struct sql_value sql_null(void)
{
    return (struct sql_value){SQL_TYPE_NULL, 0, STR_EMPTY};
}
static inline struct sql_value sql_int(int64_t value)
{
    return (struct sql_value){SQL_TYPE_INTEGER, value, STR_EMPTY};
}
static inline struct sql_value sql_text(struct str value)
{
    return (struct sql_value){SQL_TYPE_TEXT, 0, value.ptr ? value : STR("")};
}
static inline struct sql_value sql_text_or_null(struct str value) /* NULL for the empty text */
{
    return value.len > 0 ? sql_text(value) : sql_null();
}
static inline struct sql_value sql_cstr(const char *value) /* NULL gives SQL's NULL */
{
    return value ? sql_text(str_from_cstr(value)) : sql_null();
}
static inline struct sql_value sql_blob(struct str value)
{
    return (struct sql_value){SQL_TYPE_BLOB, 0, value.ptr ? value : STR("")};
}

/* -- Opening ------------------------------------------------------------------------------------------------------ */

#define SQL_READERS_DEFAULT 4
#define SQL_READERS_MAX 64
#define SQL_WRITE_BATCH_DEFAULT 256

struct sql_config {
    const char *url;        /* "sqlite:/path/to/catalog.db", with "?vfs=name" to put another VFS under SQLite */
    unsigned reader_count;  /* connections for reads; 0: SQL_READERS_DEFAULT */
    size_t write_batch_max; /* closures in one commit; 0: SQL_WRITE_BATCH_DEFAULT */
    bool is_marked;         /* it had a mark (sql_put_mark) before: only such a one is opened, and none is made */
};

/* Where the database of a service is, by the URL that all of the shop is configured with (SHOPSTREAM_SQL_URL). */
#define SQL_URL_BYTES 4200
struct sql_place {
    const char *url;       /* "sqlite:": a file each in the data folder */
    const char *service;   /* "catalog" */
    const char *data_path; /* the data folder */
    const char *vfs;       /* of SQLite; NULL: the operating system's */
};

/* Writes the URL for sql_open. ERR_INVALID with a ret_message: no adapter knows the scheme, or the URL is not as the
 * adapter wants it. */
int sql_locate(const struct sql_place *place, char ret_url[SQL_URL_BYTES], char ret_message[512]);

/* What databases by such a URL need beside the data folder, as long as they are open: TCP ports, and files to read.
 * What a process in its sandbox is left with. */
#define SQL_PORTS_MAX 17
#define SQL_FILES_MAX 5
#define SQL_FILE_BYTES 1001
struct sql_reach {
    unsigned short ports[SQL_PORTS_MAX];
    size_t port_count;
    char files[SQL_FILES_MAX][SQL_FILE_BYTES];
    size_t file_count;
};

/* ERR_INVALID as sql_locate. */
int sql_get_reach(const char *url, struct sql_reach *ret_reach, char ret_message[512]);

/* 1 when a database is at the place, 0 when none is, or nothing is in it; it is not opened. ERR_INVALID as sql_locate,
 * ERR_UNAVAILABLE: that cannot be seen. */
int sql_exists(const struct sql_place *place, char ret_message[512]);

/* Opens or creates the database; its tables are sql_migrate's, one list after the other. On failure says in ret_message
 * what is wrong with which path, and what to do: ERR_CORRUPT, ERR_STORAGE_FULL, ERR_UNAVAILABLE (unwritable, locked),
 * ERR_NOT_FOUND: without the mark that it must have; it is as it was. */
int sql_open(struct sql_db **ret_db, const struct sql_config *config, char ret_message[512]);

/* Finishes queued writes, checkpoints and closes. NULL is fine. */
void sql_close(struct sql_db *db);

/* Applies a named list ("platform", "catalog") of migrations that this database has not seen. ERR_CORRUPT when an
 * applied one's checksum differs from ours, or the database is newer than this program; ret_message says which. */
int sql_migrate(struct sql_db *db, const char *list_name, const struct sql_migration *migrations, size_t count,
                char ret_message[512]);

/* -- Transactions ------------------------------------------------------------------------------------------------- */

/* Returns 0 to commit, or an error to roll back the closure's effects (and its alone). */
typedef int sql_closure(struct sql_tx *tx, void *argument);

/* Blocks until the write is durable, or failed. The closure's own error is returned as it is; ERR_STORAGE_FULL and
 * ERR_UNAVAILABLE mean that nothing was kept; they can also come after the closure returned 0. */
int sql_write(struct sql_db *db, sql_closure *closure, void *argument);

/* As sql_write, without blocking: done(result, argument) is called on another task when the write is durable or
 * failed. Embed struct sql_write_job in the argument; it must stay valid until done is called. */
struct sql_write_job {
    sql_closure *closure;
    void *argument;
    void (*done)(int result, void *argument);
    struct sql_write_job *next_; /* the adapter's */
    int result_;
};
void sql_write_async(struct sql_db *db, struct sql_write_job *job);

/* Runs the closure in a snapshot that does not change while it runs. Only sql_query in it. */
int sql_read(struct sql_db *db, sql_closure *closure, void *argument);

/* Called by the adapter after a commit and before anybody learns of it, with what sql_tx_on_commit collected. Also
 * drops the argument when the transaction is rolled back (committed == false). ERR_TOO_LARGE and ERR_NO_MEMORY: the
 * hook was not taken and will not be called. A hook does not block and does not write to this database. */
typedef void sql_commit_hook(bool committed, void *argument);
int sql_tx_on_commit(struct sql_tx *tx, sql_commit_hook *hook, void *argument);

/* Memory that lives until the closure returns. */
struct arena *sql_tx_arena(struct sql_tx *tx);
struct sql_db *sql_tx_db(struct sql_tx *tx);
bool sql_tx_is_write(const struct sql_tx *tx);

/* -- Statements --------------------------------------------------------------------------------------------------- */

/* The parameters of a statement: SQL_ARGS(sql_text(id), sql_int(5)). */
struct sql_args {
    const struct sql_value *values;
    size_t count;
};
#define SQL_ARGS(...)                                                                                                  \
    ((struct sql_args){(const struct sql_value[]){__VA_ARGS__},                                                        \
                       sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value)})
#define SQL_NO_ARGS ((struct sql_args){NULL, 0})

/* Runs a statement that returns no rows. *ret_changed (may be NULL) is the number of rows it touched.
 * ERR_CONFLICT: a unique, check or foreign-key constraint refused it; nothing of the statement remains, and the
 * transaction can go on. */
int sql_exec(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args, int64_t *ret_changed);

/* Starts a query (also INSERT/UPDATE … RETURNING). sql_next: 1 for a row, 0 at the end, or an error. Finish with
 * sql_finish, or CLEANUP(sql_finish_cleanup); finishing early is fine. One statement may run once at a time a
 * transaction. */
int sql_query(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
              struct sql_rows **ret_rows);
int sql_next(struct sql_rows *rows);
void sql_finish(struct sql_rows *rows);
static inline void sql_finish_cleanup(struct sql_rows **rows)
{
    if (*rows)
        sql_finish(*rows);
}

/* Columns of the current row, from 0. Views live until the next sql_next or sql_finish: copy what must stay. */
bool sql_is_null(struct sql_rows *rows, unsigned column);
int64_t sql_get_int(struct sql_rows *rows, unsigned column);
struct str sql_get_text(struct sql_rows *rows, unsigned column); /* text and blobs; ptr NULL for NULL */

/* The query's only row, by one call: 1 and the row (to be finished), or 0 and *ret_rows NULL, or an error. */
int sql_query_row(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
                  struct sql_rows **ret_rows);

/* -- Belonging ---------------------------------------------------------------------------------------------------- */

/* Which shop the database belongs to, and how often it was opened for it: by that a copy from before the last opening,
 * or of another shop, is told from the one that was here. In a table of its own, which no dump has. */
#define SQL_SHOP_BYTES 64
struct sql_mark {
    char shop[SQL_SHOP_BYTES];
    int64_t openings;
};

/* 1 and the mark, or 0 where the database has none yet. ERR_CORRUPT: what is there is no mark. */
int sql_find_mark(struct sql_tx *tx, struct sql_mark *ret_mark);

/* Sets the mark, in a write. */
int sql_put_mark(struct sql_tx *tx, const struct sql_mark *mark);

#define SQL_DAMAGE_RUNBOOK "docs/runbooks/corrupt-database.md"

/* -- Care --------------------------------------------------------------------------------------------------------- */

/* A consistent copy of the running database in a file that does not exist yet. */
int sql_backup(struct sql_db *db, const char *destination_path, char ret_message[512]);

/* Reads every page and checks the structure. ERR_CORRUPT with what is wrong. */
int sql_check(struct sql_db *db, char ret_message[512]);

struct sql_stats {
    uint64_t commits; /* transactions made durable, of one or more closures */
    uint64_t writes;  /* closures that committed */
    uint64_t failed_commits;
    uint64_t reads;
    bool refuses_writes; /* the last one found no room or no disk; the adapter tries by itself until that is over */
};
void sql_get_stats(struct sql_db *db, struct sql_stats *ret_stats);

/* A copy of what a transaction sees: for copies of several databases at one moment, each in a read of its own. Into an
 * empty file that is open for reading and writing, and stays open: a process in a sandbox can open none elsewhere. */
int sql_backup_snapshot(struct sql_tx *tx, int destination_file, char ret_message[512]);

/* -- Moving ------------------------------------------------------------------------------------------------------- */

/* Rows as they are, whatever the tables are called: what `shopstream dump` and `load` move from one engine to another.
 * Names come from the database's own schema; no other code makes SQL from names. */

#define SQL_TABLES_MAX 256
#define SQL_COLUMNS_MAX 128
#define SQL_NO_SEQUENCE (-1)

struct sql_table {
    const char *name;
    const char **columns;
    size_t column_count;
    int64_t row_count;
    int64_t sequence; /* the last number that the table's counter gave out, which no row may have any more;
                       * SQL_NO_SEQUENCE where it has no counter, or has not given one */
};

/* The tables of the database, in the arena: parents before those that refer to them, else by name. Without those of the
 * engine and the list of migrations. ERR_TOO_LARGE past SQL_TABLES_MAX or SQL_COLUMNS_MAX. */
int sql_list_tables(struct sql_tx *tx, struct arena *arena, struct sql_table **ret_tables, size_t *ret_count);

/* The number of migrations that made the database what it is, over all lists. */
int sql_count_migrations(struct sql_tx *tx, int64_t *ret_count);

/* Visits every row in the order of the primary key, with a value a column; views live until the visitor returns. An
 * error of the visitor ends it and is returned. ERR_UNPROCESSABLE for a value that is none of enum sql_type. */
typedef int sql_row_visitor(const struct sql_table *table, const struct sql_value *values, void *argument);
int sql_dump_table(struct sql_tx *tx, const struct sql_table *table, sql_row_visitor *visitor, void *argument);

/* Fills the table anew: what it held is gone, and its counter goes on behind table->sequence. The source gives the next
 * row's values, 1, or 0 at the end, or an error; views live until it is called again. Foreign keys are checked when the
 * transaction ends. Only in a write; ERR_CONFLICT when a constraint refuses a row. *ret_count: rows written. */
typedef int sql_row_source(const struct sql_table *table, struct sql_value *ret_values, void *argument);
int sql_load_table(struct sql_tx *tx, const struct sql_table *table, sql_row_source *source, void *argument,
                   int64_t *ret_count);

/* -- For adapters ------------------------------------------------------------------------------------------------- */

/* What an adapter implements: the functions above, in the same words. See sql_adapter.h. */
struct sql_adapter;
