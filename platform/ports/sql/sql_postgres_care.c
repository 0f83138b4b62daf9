/* Backups of a Postgres database are Postgres' own business (pg_basebackup, WAL archiving, snapshots of the volume):
 * what copies a file of SQLite says so. */
#include "platform/ports/sql/postgres.sql.h"
#include "platform/ports/sql/sql_postgres.h"

static int refuse_backup(char ret_message[SQL_MESSAGE_BYTES])
{
    sql_message(ret_message, "a Postgres database is backed up by Postgres: pg_dump, or pg_basebackup and its log");
    return ERR_UNPROCESSABLE;
}

int postgres_backup(struct sql_db *db, const char *destination_path, char ret_message[SQL_MESSAGE_BYTES])
{
    (void)db;
    (void)destination_path;
    return refuse_backup(ret_message);
}

int postgres_backup_snapshot(struct sql_tx *tx, int destination_file, char ret_message[SQL_MESSAGE_BYTES])
{
    (void)tx;
    (void)destination_file;
    return refuse_backup(ret_message);
}

static int list_all(struct sql_tx *tx, void *argument)
{
    (void)argument;
    struct sql_table *tables;
    size_t count;
    return sql_list_tables(tx, sql_tx_arena(tx), &tables, &count);
}

/* Counts the rows of every table, so that each page is read. */
int postgres_check(struct sql_db *db, char ret_message[SQL_MESSAGE_BYTES])
{
    int error = sql_read(db, list_all, NULL);
    if (error)
        sql_message(ret_message, "the tables of \"%s\" cannot be read: %s", postgres_db_of(db)->service,
                    error_name(error));
    return error;
}

int postgres_has_table(struct sql_tx *tx, const char *name)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    return sql_query_row(tx, &ports_sql_postgres_has_table, SQL_ARGS(sql_cstr(name)), &rows);
}
