/* Backup and check of a running database, each on a connection of its own. */
#include "platform/ports/sql/sql_sqlite.h"
#include "platform/ports/sql/sqlite.sql.h"

static bool file_exists(sqlite3_vfs *vfs, const char *path)
{
    int exists = 0;
    return vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &exists) == SQLITE_OK && exists;
}

/* Copies all pages of one snapshot; the destination is synced by its commit in sqlite3_backup_finish. */
static int copy_pages(sqlite3 *source, sqlite3 *destination)
{
    sqlite3_backup *backup = sqlite3_backup_init(destination, "main", source, "main");
    if (!backup)
        return sqlite_error(destination, sqlite3_errcode(destination));
    int result = sqlite3_backup_step(backup, -1);
    int finished = sqlite3_backup_finish(backup);
    if (result == SQLITE_DONE)
        result = finished;
    return sqlite_error(destination, result);
}

static int back_up_to(struct sqlite_db *db, sqlite3 *source, const char *path, char ret_message[SQL_MESSAGE_BYTES])
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(db->vfs[0] ? db->vfs : NULL);
    if (file_exists(vfs, path)) {
        sql_message(ret_message, "the backup %s exists already; name a file that does not", path);
        return ERR_CONFLICT;
    }
    sqlite3 *destination = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int error = sqlite_error(NULL, sqlite3_open_v2(path, &destination, flags, db->vfs[0] ? db->vfs : NULL));
    if (!error)
        error = copy_pages(source, destination);
    if (error)
        sql_message(ret_message, "the backup %s could not be written: %s", path, sqlite3_errmsg(destination));
    sqlite3_close(destination);
    if (error)
        vfs->xDelete(vfs, path, 0);
    return error;
}

int sqlite_backup(struct sql_db *base, const char *destination_path, char ret_message[SQL_MESSAGE_BYTES])
{
    struct sqlite_db *db = sqlite_db_of(base);
    struct sqlite_connection source;
    TRY(sqlite_connection_open(db, &source, false, ret_message));
    int error = back_up_to(db, source.handle, destination_path, ret_message);
    sqlite_connection_close(&source);
    return error;
}

/* A connection that is in a read transaction already is copied as that transaction sees it. */
int sqlite_backup_snapshot(struct sql_tx *tx, int destination_file, char ret_message[SQL_MESSAGE_BYTES])
{
    struct sqlite_connection *connection = ((struct sqlite_tx *)(void *)tx)->connection;
    sqlite3 *destination = NULL;
    int error = sqlite_error(NULL, sqlite_open_descriptor(destination_file, &destination));
    if (!error)
        error = copy_pages(connection->handle, destination);
    if (error)
        sql_message(ret_message, "the copy of %s could not be written: %s", sqlite_db_of(tx->db)->path,
                    sqlite3_errmsg(destination));
    sqlite3_close(destination);
    return error;
}

/* The first row of a check: SQLite's words ("ok"), or none. */
static int first_finding(struct sql_tx *tx, const struct sql_statement *statement, const char *path, bool row_is_good,
                         char ret_message[SQL_MESSAGE_BYTES])
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, statement, SQL_NO_ARGS, &rows);
    if (found < 0)
        return found;
    struct str finding = found ? sql_get_text(rows, 0) : STR_EMPTY;
    if (found == 0 || (row_is_good && str_equal_cstr(finding, "ok")))
        return 0;
    sql_message(ret_message, "the database %s is damaged: %s%.*s; restore it from a backup (%s)", path,
                row_is_good ? "" : "a row without its parent in table ", STR_FORMAT(finding), SQL_DAMAGE_RUNBOOK);
    return ERR_CORRUPT;
}

struct check_run {
    const char *path;
    char *message;
};

static int check_closure(struct sql_tx *tx, void *argument)
{
    struct check_run *run = argument;
    TRY(first_finding(tx, &ports_sql_sqlite_integrity_check, run->path, true, run->message));
    return first_finding(tx, &ports_sql_sqlite_foreign_key_check, run->path, false, run->message);
}

int sqlite_check(struct sql_db *base, char ret_message[SQL_MESSAGE_BYTES])
{
    struct check_run run = {.path = sqlite_db_of(base)->path, .message = ret_message};
    ret_message[0] = '\0';
    int error = sqlite_read(base, check_closure, &run);
    if (error == ERR_CORRUPT && !ret_message[0])
        sql_message(ret_message, "the database %s is damaged; restore it from a backup (%s)", run.path,
                    SQL_DAMAGE_RUNBOOK);
    else if (error && !ret_message[0])
        sql_message(ret_message, "the database %s could not be read: %s", run.path, error_name(error));
    return error;
}

int sqlite_has_table(struct sql_tx *tx, const char *name)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    return sql_query_row(tx, &ports_sql_sqlite_has_table, SQL_ARGS(sql_cstr(name)), &rows);
}
