/* The Postgres adapter's own header: one database for the whole shop, a role and a schema of the same name for each
 * service, a pool of connections for writes and one for reads.
 *
 * Every write is a SERIALIZABLE transaction, so that closures see the database as if they ran one after the other, as
 * they do on SQLite; where Postgres cannot give them that it refuses one (40001, 40P01), and its closure runs again. A
 * read is REPEATABLE READ, READ ONLY: one snapshot.
 *
 * A statement that a constraint refuses would end a transaction of Postgres. A closure's first run takes no
 * precautions; where a constraint refuses something, the transaction is taken back and the closure runs again, this
 * time with a savepoint before each statement that writes. Refusals are rare, and a savepoint a statement costs a round
 * trip's worth of work each time. */
#pragma once

#include "platform/base/buf.h"
#include "platform/base/task.h"
#include "platform/ports/sql/sql_adapter.h"

#include <libpq-fe.h>
#include <stdatomic.h>

/* Connections that write, one task each, and what waits for them; past that, writes are refused. */
#define POSTGRES_WRITERS 8
#define POSTGRES_WRITE_QUEUE_MAX 65536

/* How often a closure is run again for what ran beside it, and how long is waited in between, at first and at most. */
#define POSTGRES_RETRIES_MAX 50
#define POSTGRES_RETRY_FIRST_MS 1
#define POSTGRES_RETRY_MAX_MS 200

/* What a server has to answer in. A statement of ours that takes longer is one that hangs. */
#define POSTGRES_CONNECT_S 5
#define POSTGRES_START_MS 10000 /* for one that is not up yet */
#define POSTGRES_STATEMENT_MS 30000
#define POSTGRES_ANSWER_MS 35000

/* ... but a migration may go through a whole table, and another process waits for it. */
#define POSTGRES_MIGRATION_MS 3600000

/* How long the fate of a commit whose answer was lost is asked for. */
#define POSTGRES_FATE_MS 10000

/* Prepared statements of a connection: a power of two, twice what is kept. */
#define POSTGRES_STATEMENTS_MAX 512
#define POSTGRES_STATEMENT_SLOTS 1024

#define POSTGRES_NAME_BYTES 64
#define POSTGRES_XID_BYTES 24
#define POSTGRES_INCARNATION_BYTES 96

/* Where an address names none. */
#define POSTGRES_PORT 5432

struct postgres_rows;

/* By which the fate of a transaction's commit can be asked for. A server that crashed may give a number out again. */
struct postgres_name {
    char xid[POSTGRES_XID_BYTES];
    char incarnation[POSTGRES_INCARNATION_BYTES];
};

/* One connection, used by one task at a time. */
struct postgres_connection {
    PGconn *handle;    /* NULL until it is needed, and after it broke */
    int64_t answer_ms; /* how long an answer may take */
    struct arena *arena;
    const struct sql_statement *prepared[POSTGRES_STATEMENT_SLOTS]; /* the name of each is its slot */
    unsigned prepared_count;

    /* The transaction that runs. */
    bool has_begun; /* the server knows of it */
    bool is_write;
    bool is_careful;                  /* a savepoint before each statement that may be refused */
    int tx_error;                     /* the transaction is over: every statement until its end gets this */
    bool is_refused;                  /* ... because a constraint refused a statement without a savepoint */
    bool is_outrun;                   /* ... because of what ran beside it */
    struct postgres_name name;        /* of a write */
    struct postgres_rows *first_rows; /* what the closure has not finished */

    struct postgres_connection *next_free;
};

struct postgres_db {
    struct sql_db base;
    char *conninfo;                    /* what libpq is told; may hold a password: never shown */
    char service[POSTGRES_NAME_BYTES]; /* role and schema */

    struct task_mutex queue_mutex;
    struct task_cond queue_filled;
    struct sql_write_job *queue_first, *queue_last;
    size_t queue_count;
    bool is_closing;
    struct postgres_writer {
        struct postgres_db *db;
        struct postgres_connection connection;
        struct task *task;
    } writers[POSTGRES_WRITERS];
    unsigned writer_count; /* whose tasks run */

    struct task_mutex readers_mutex;
    struct task_cond reader_freed;
    struct postgres_connection *readers, *free_readers;
    unsigned reader_count;

    struct postgres_connection migrator; /* holds the lock of who migrates */

    atomic_uint_fast64_t commits, failed_commits, reads, reruns;
    atomic_bool refuses_writes;
};

struct postgres_tx {
    struct sql_tx base;
    struct postgres_connection *connection;
    struct sql_commit_hooks hooks;
};

/* A query's answer, whole; one row of it is the current one. In the connection's arena. */
struct postgres_rows {
    struct sql_rows base;
    PGresult *result; /* NULL once it is finished */
    int row;          /* -1 before the first */
    struct postgres_rows *next, **link;
};

static inline struct postgres_db *postgres_db_of(struct sql_db *db)
{
    return (struct postgres_db *)(void *)db;
}

static inline struct postgres_connection *postgres_connection_of(struct sql_tx *tx)
{
    return ((struct postgres_tx *)(void *)tx)->connection;
}

/* -- sql_postgres_error.c ----------------------------------------------------------------------------------------- */

/* Our code for a result of Postgres; notes in the connection what it means for the transaction. 0 for success.
 * statement_name is logged where it cannot be right; never values. */
int postgres_error(struct postgres_connection *connection, const PGresult *result, const char *statement_name);

/* -- sql_postgres_connection.c ------------------------------------------------------------------------------------ */

/* Connects where it is not connected. ERR_UNAVAILABLE; ret_message may be NULL. */
int postgres_connect(struct postgres_db *db, struct postgres_connection *connection,
                     char ret_message[SQL_MESSAGE_BYTES]);
#define POSTGRES_NO_CONNECTION "the Postgres server does not take the connection"

/* What libpq says, in one line; handle may be NULL. Never a password: it is libpq that says it. */
void postgres_say_why(const PGconn *handle, const char *what, char ret_message[SQL_MESSAGE_BYTES]);

void postgres_disconnect(struct postgres_connection *connection);
int postgres_connection_make(struct postgres_connection *connection);
void postgres_connection_free(struct postgres_connection *connection);

/* The next result of what was sent, or NULL where a command has no more; never longer than POSTGRES_ANSWER_MS.
 * ERR_UNAVAILABLE: there is none, and the connection is closed. */
int postgres_take_result(struct postgres_connection *connection, PGresult **ret_result);

/* Runs a text of the adapter's own, which may hold several statements, to its end. */
int postgres_run(struct postgres_connection *connection, const char *text);

/* -- sql_postgres_address.c --------------------------------------------------------------------------------------- */

/* conninfo: what libpq is told. ERR_INVALID and why, without a word of it: it is no address, it names no host that is
 * reached by TCP, or one beyond this machine whose certificate would not be verified. */
int postgres_check_address(const char *conninfo, char ret_message[SQL_MESSAGE_BYTES]);
int postgres_get_reach(const char *url, struct sql_reach *ret_reach, char ret_message[SQL_MESSAGE_BYTES]);

/* -- sql_postgres_server.c ---------------------------------------------------------------------------------------- */

int postgres_locate(const struct sql_place *place, char ret_url[SQL_URL_BYTES], char ret_message[SQL_MESSAGE_BYTES]);
int postgres_exists(const struct sql_place *place, char ret_message[SQL_MESSAGE_BYTES]);

/* Sets what libpq is told, and the service. ERR_INVALID. */
int postgres_parse_url(struct postgres_db *db, const char *url, char ret_message[SQL_MESSAGE_BYTES]);

/* Waits for the server up to POSTGRES_START_MS, and looks whether it is fit for us; makes the service's role and schema
 * where it has to. ERR_UNAVAILABLE. */
int postgres_look_at_server(const struct postgres_db *db, bool has_to_make, char ret_message[SQL_MESSAGE_BYTES]);

/* -- sql_postgres_statement.c ------------------------------------------------------------------------------------- */

int postgres_exec(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args, int64_t *ret_changed);
int postgres_query(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
                   struct sql_rows **ret_rows);
/* As postgres_query, of a text that is made for this one run. */
int postgres_query_text(struct sql_tx *tx, struct buf *text, struct sql_args args, struct sql_rows **ret_rows);

int postgres_next(struct sql_rows *rows);
struct sql_value postgres_column(struct sql_rows *rows, unsigned column);
void postgres_finish(struct sql_rows *rows);

/* One value of a result, in binary, as a view of it. */
struct sql_value postgres_value(const PGresult *result, int row, int column);

/* No statement runs any more in this transaction: each gets the error, which is returned. */
int postgres_end_transaction(struct postgres_connection *connection, int error);

/* Finishes what a closure left open. */
void postgres_rows_stop(struct postgres_connection *connection);

/* -- sql_postgres_transaction.c ----------------------------------------------------------------------------------- */

void postgres_write_async(struct sql_db *db, struct sql_write_job *job);
void postgres_writer_main(void *writer);
int postgres_read(struct sql_db *db, sql_closure *closure, void *argument);

/* -- sql_postgres_migration.c ------------------------------------------------------------------------------------- */

int postgres_script(struct sql_tx *tx, const char *text, char ret_message[SQL_MESSAGE_BYTES]);
const char *postgres_migration_text(struct sql_db *db, const struct sql_migration *migration);
int postgres_lock_migrations(struct sql_db *db, char ret_message[SQL_MESSAGE_BYTES]);
void postgres_unlock_migrations(struct sql_db *db);

/* -- sql_postgres_care.c, sql_postgres_dump.c ---------------------------------------------------------------------- */

int postgres_backup(struct sql_db *db, const char *destination_path, char ret_message[SQL_MESSAGE_BYTES]);
int postgres_check(struct sql_db *db, char ret_message[SQL_MESSAGE_BYTES]);
int postgres_has_table(struct sql_tx *tx, const char *name);
int postgres_backup_snapshot(struct sql_tx *tx, int destination_file, char ret_message[SQL_MESSAGE_BYTES]);
int postgres_list_tables(struct sql_tx *tx, struct arena *arena, struct sql_table **ret_tables, size_t *ret_count);
int postgres_dump_table(struct sql_tx *tx, const struct sql_table *table, sql_row_visitor *visitor, void *argument);
int postgres_load_table(struct sql_tx *tx, const struct sql_table *table, sql_row_source *source, void *argument,
                        int64_t *ret_count);
