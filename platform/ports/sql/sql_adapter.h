/* What an adapter of the sql port implements, and what sql.c keeps for all of them.
 *
 * An adapter has one struct of functions. It embeds struct sql_db, struct sql_tx and struct sql_rows as the first
 * members of its own structs; sql.c dispatches through them, so that a new engine is a new file and one row in sql.c.
 * The functions mean what sql.h says of their namesakes. */
#pragma once

#include "platform/ports/sql/sql.h"

/* Raised when a member changes its meaning; sql_open refuses an adapter of another version. */
#define SQL_ADAPTER_VERSION 1

/* Bytes of a message that sql_open and others give back. */
#define SQL_MESSAGE_BYTES 512

/* The highest $N that a statement may use. */
#define SQL_PARAMETERS_MAX 64

/* What a closure may take from sql_tx_arena. */
#define SQL_TX_ARENA_BYTES ((size_t)16 << 20)

/* Where sql_put_mark keeps the mark. */
#define SQL_MARK_TABLE "shopstream_mark"

/* Hooks that one transaction may collect. */
#define SQL_COMMIT_HOOKS_MAX 4096

struct sql_adapter {
    unsigned version;

    /* Life: opening is struct sql_driver's. */
    void (*close)(struct sql_db *db);

    /* Transactions. A blocking write is sql.c's, on top of this one. */
    void (*write_async)(struct sql_db *db, struct sql_write_job *job);
    int (*read)(struct sql_db *db, sql_closure *closure, void *argument);

    /* Migrations. text: of one, in this engine's words. lock keeps other processes from migrating the same database
     * until unlock, and waits for one that does; both NULL where there can be none. */
    const char *(*migration_text)(struct sql_db *db, const struct sql_migration *migration);
    int (*lock_migrations)(struct sql_db *db, char ret_message[SQL_MESSAGE_BYTES]);
    void (*unlock_migrations)(struct sql_db *db);

    /* Statements. script runs several statements without parameters, for migrations. */
    int (*exec)(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args, int64_t *ret_changed);
    int (*script)(struct sql_tx *tx, const char *text, char ret_message[SQL_MESSAGE_BYTES]);
    int (*query)(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
                 struct sql_rows **ret_rows);
    int (*has_table)(struct sql_tx *tx, const char *name); /* 1 or 0 */

    /* Rows. column gives the value as a view that lives until the next row. */
    int (*next)(struct sql_rows *rows);
    struct sql_value (*column)(struct sql_rows *rows, unsigned column);
    void (*finish)(struct sql_rows *rows);

    /* Care. */
    int (*backup)(struct sql_db *db, const char *destination_path, char ret_message[SQL_MESSAGE_BYTES]);
    int (*check)(struct sql_db *db, char ret_message[SQL_MESSAGE_BYTES]);
    int (*backup_snapshot)(struct sql_tx *tx, int destination_file, char ret_message[SQL_MESSAGE_BYTES]);
    void (*get_stats)(struct sql_db *db, struct sql_stats *ret_stats);

    /* Moving. */
    int (*list_tables)(struct sql_tx *tx, struct arena *arena, struct sql_table **ret_tables, size_t *ret_count);
    int (*dump_table)(struct sql_tx *tx, const struct sql_table *table, sql_row_visitor *visitor, void *argument);
    int (*load_table)(struct sql_tx *tx, const struct sql_table *table, sql_row_source *source, void *argument,
                      int64_t *ret_count);
};

/* Life's beginning: sql_locate, sql_exists, sql_open and sql_get_reach (NULL: nothing but the data folder). */
struct sql_driver {
    int (*locate)(const struct sql_place *place, char ret_url[SQL_URL_BYTES], char ret_message[SQL_MESSAGE_BYTES]);
    int (*exists)(const struct sql_place *place, char ret_message[SQL_MESSAGE_BYTES]);
    int (*open)(struct sql_db **ret_db, const struct sql_config *config, char ret_message[SQL_MESSAGE_BYTES]);
    int (*get_reach)(const char *url, struct sql_reach *ret_reach, char ret_message[SQL_MESSAGE_BYTES]);
};
extern const struct sql_driver sql_sqlite_driver, sql_postgres_driver;

struct sql_db {
    const struct sql_adapter *adapter;
};

struct sql_commit_entry;

/* The hooks of one transaction, in the order in which they were added. */
struct sql_commit_hooks {
    struct sql_commit_entry *first;
    struct sql_commit_entry *last;
    size_t count;
};

struct sql_tx {
    struct sql_db *db;
    struct arena *arena;
    struct sql_commit_hooks *hooks; /* NULL in a read */
};

struct sql_rows {
    const struct sql_adapter *adapter;
};

/* Calls every hook once and empties the list. */
void sql_commit_hooks_run(struct sql_commit_hooks *hooks, bool committed);

/* Moves all hooks of from to the end of to. */
void sql_commit_hooks_move(struct sql_commit_hooks *to, struct sql_commit_hooks *from);

/* Formats into a message buffer; cuts what does not fit. */
void sql_message(char ret_message[SQL_MESSAGE_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));
