/* One connection to the file: opening it and setting it up. */
#include "platform/ports/sql/sql_sqlite.h"
#include "platform/ports/sql/sqlite.sql.h"
#include "platform/ports/sql/vfs_log.h"

#define BUSY_WAIT_MS 1

/* Waits for a lock through the task port, so that the simulation sees the wait. */
static int wait_for_lock(void *argument, int tries)
{
    struct sqlite_connection *connection = argument;
    if (tries >= connection->busy_retries_max)
        return 0;
    task_sleep_ms(BUSY_WAIT_MS);
    return 1;
}

static int run_all(struct sqlite_connection *connection, const struct sql_statement *const *statements, size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(sqlite_run(connection, statements[i]));
    return 0;
}

static int set_up(struct sqlite_db *db, struct sqlite_connection *connection, bool is_writer)
{
    static const struct sql_statement *const common[] = {
        &ports_sql_sqlite_sync_full,      &ports_sql_sqlite_foreign_keys,   &ports_sql_sqlite_no_autocheckpoint,
        &ports_sql_sqlite_wal_size_limit, &ports_sql_sqlite_temp_in_memory, &ports_sql_sqlite_no_mmap,
        &ports_sql_sqlite_probe,
    };
    static const struct sql_statement *const writer[] = {
        &ports_sql_sqlite_writer_cache, &ports_sql_sqlite_secure_delete_fast, &ports_sql_sqlite_use_wal};
    static const struct sql_statement *const reader[] = {&ports_sql_sqlite_reader_cache, &ports_sql_sqlite_reader_only};
    TRY(run_all(connection, common, sizeof(common) / sizeof(common[0])));
    /* Before the journal's mode is set, which writes to a file that is not ours. */
    if (db->is_marked && sqlite3_table_column_metadata(connection->handle, "main", SQL_MARK_TABLE, NULL, NULL, NULL,
                                                       NULL, NULL, NULL) != SQLITE_OK)
        return ERR_NOT_FOUND;
    return is_writer ? run_all(connection, writer, sizeof(writer) / sizeof(writer[0]))
                     : run_all(connection, reader, sizeof(reader) / sizeof(reader[0]));
}

int sqlite_connection_open(struct sqlite_db *db, struct sqlite_connection *connection, bool is_writer,
                           char ret_message[SQL_MESSAGE_BYTES])
{
    *connection = (struct sqlite_connection){.busy_retries_max = SQLITE_BUSY_RETRIES_MAX};
    connection->arena = arena_new(SQL_TX_ARENA_BYTES);
    if (!connection->arena)
        return sqlite_open_message(db, NULL, ERR_NO_MEMORY, ret_message);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const char *real_vfs = db->vfs[0] ? db->vfs : NULL, *vfs = vfs_log_over(real_vfs);
    int result =
        sqlite3_open_v2(db->path, &connection->handle, is_writer && !db->is_marked ? flags | SQLITE_OPEN_CREATE : flags,
                        vfs ? vfs : real_vfs);
    int error = sqlite_error(connection->handle, result);
    if (!error) {
        sqlite3_busy_handler(connection->handle, wait_for_lock, connection);
        error = set_up(db, connection, is_writer);
    }
    if (error) {
        sqlite_open_message(db, connection->handle, error, ret_message);
        sqlite_connection_close(connection);
    }
    return error;
}

void sqlite_connection_close(struct sqlite_connection *connection)
{
    sqlite_statements_free(connection);
    sqlite3_close(connection->handle);
    arena_free(connection->arena);
    *connection = (struct sqlite_connection){0};
}
