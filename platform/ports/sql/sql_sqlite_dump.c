/* Rows of any table of SQLite, out and in. Values are always bound; its statements are its own and end with each call,
 * as their texts do. */
#include "platform/ports/sql/sql_sqlite.h"
#include "platform/ports/sql/sql_tables.h"
#include "platform/ports/sql/sqlite.sql.h"

static struct sqlite_connection *connection_of(struct sql_tx *tx)
{
    return ((struct sqlite_tx *)(void *)tx)->connection;
}

/* -- The schema --------------------------------------------------------------------------------------------------- */

static int prepare_text(struct sqlite_connection *connection, struct buf *text, sqlite3_stmt **ret_handle)
{
    TRY(connection->tx_error);
    TRY(buf_error(text));
    int result = sqlite3_prepare_v2(connection->handle, text->ptr, (int)text->len, ret_handle, NULL);
    return sqlite_error(connection->handle, result);
}

static void finalize(sqlite3_stmt **handle)
{
    sqlite3_finalize(*handle);
}

/* As in sql_sqlite_statement.c: what made SQLite roll everything back must be known to what follows. */
static int step(struct sqlite_connection *connection, sqlite3_stmt *handle)
{
    int result = sqlite3_step(handle);
    if (result == SQLITE_ROW)
        return 1;
    if (result == SQLITE_DONE)
        return 0;
    int error = sqlite_error(connection->handle, result);
    if (sqlite3_get_autocommit(connection->handle))
        connection->tx_error = error;
    return error;
}

static int count_rows(struct sql_tx *tx, struct sql_table *table)
{
    CLEANUP(buf_free) struct buf text = BUF(SQL_TEXT_BYTES_MAX);
    CLEANUP(finalize) sqlite3_stmt *handle = NULL;
    sql_tables_count_text(table, &text);
    TRY(prepare_text(connection_of(tx), &text, &handle));
    TRY(step(connection_of(tx), handle));
    table->row_count = sqlite3_column_int64(handle, 0);
    return 0;
}

/* SQLite has the table of counters only where a table has one. */
static int has_sequences(struct sql_tx *tx)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    return sql_query_row(tx, &ports_sql_sqlite_has_sequences, SQL_NO_ARGS, &rows);
}

static int read_sequence(struct sql_tx *tx, struct sql_table *table)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    table->sequence = SQL_NO_SEQUENCE;
    int found = has_sequences(tx);
    if (found > 0)
        found = sql_query_row(tx, &ports_sql_sqlite_get_sequence, SQL_ARGS(sql_cstr(table->name)), &rows);
    if (found > 0)
        table->sequence = sql_get_int(rows, 0);
    return found < 0 ? found : 0;
}

static int describe(struct sql_tx *tx, struct sql_table *table)
{
    TRY(count_rows(tx, table));
    return read_sequence(tx, table);
}

static const struct sql_schema schema = {
    .list_tables = &ports_sql_sqlite_list_tables,
    .list_columns = &ports_sql_sqlite_list_columns,
    .list_key_columns = &ports_sql_sqlite_list_key_columns,
    .list_parents = &ports_sql_sqlite_list_parents,
    .describe = describe,
};

int sqlite_list_tables(struct sql_tx *tx, struct arena *arena, struct sql_table **ret_tables, size_t *ret_count)
{
    return sql_tables_list(tx, &schema, arena, ret_tables, ret_count);
}

/* -- Out ---------------------------------------------------------------------------------------------------------- */

static int read_value(sqlite3_stmt *handle, int column, struct sql_value *ret_value)
{
    int type = sqlite3_column_type(handle, column);
    const void *bytes = type == SQLITE_TEXT || type == SQLITE_BLOB ? sqlite3_column_blob(handle, column) : NULL;
    struct str view = str_from(bytes, (size_t)sqlite3_column_bytes(handle, column));
    switch (type) {
    case SQLITE_INTEGER:
        *ret_value = sql_int(sqlite3_column_int64(handle, column));
        return 0;
    case SQLITE_TEXT:
        *ret_value = sql_text(view);
        return 0;
    case SQLITE_BLOB:
        *ret_value = sql_blob(view);
        return 0;
    case SQLITE_NULL:
        *ret_value = sql_null();
        return 0;
    default:
        return ERR_UNPROCESSABLE;
    }
}

static int prepare_dump(struct sql_tx *tx, const struct sql_table *table, sqlite3_stmt **ret_handle)
{
    CLEANUP(buf_free) struct buf text = BUF(SQL_TEXT_BYTES_MAX);
    TRY(sql_tables_dump_text(tx, &schema, table, &text));
    return prepare_text(connection_of(tx), &text, ret_handle);
}

int sqlite_dump_table(struct sql_tx *tx, const struct sql_table *table, sql_row_visitor *visitor, void *argument)
{
    CLEANUP(finalize) sqlite3_stmt *handle = NULL;
    struct sql_value values[SQL_COLUMNS_MAX];
    int more;
    TRY(prepare_dump(tx, table, &handle));
    while ((more = step(connection_of(tx), handle)) == 1) {
        for (size_t i = 0; i < table->column_count; i++)
            TRY(read_value(handle, (int)i, &values[i]));
        TRY(visitor(table, values, argument));
    }
    return more;
}

/* -- In ----------------------------------------------------------------------------------------------------------- */

static int prepare_load(struct sqlite_connection *connection, const struct sql_table *table, sqlite3_stmt **ret_handle)
{
    CLEANUP(buf_free) struct buf text = BUF(SQL_TEXT_BYTES_MAX);
    sql_tables_insert_text(table, &text);
    return prepare_text(connection, &text, ret_handle);
}

/* A migration may have put rows there; a table without rows is not touched, so that append-only ones do not mind. */
static int clear(struct sqlite_connection *connection, const struct sql_table *table)
{
    CLEANUP(buf_free) struct buf text = BUF(SQL_TEXT_BYTES_MAX);
    CLEANUP(finalize) sqlite3_stmt *handle = NULL;
    sql_tables_clear_text(table, &text);
    TRY(prepare_text(connection, &text, &handle));
    return step(connection, handle);
}

static int put_sequence(struct sql_tx *tx, const struct sql_table *table)
{
    int found = has_sequences(tx);
    if (found <= 0)
        return found;
    TRY(sql_exec(tx, &ports_sql_sqlite_delete_sequence, SQL_ARGS(sql_cstr(table->name)), NULL));
    if (table->sequence == SQL_NO_SEQUENCE)
        return 0;
    return sql_exec(tx, &ports_sql_sqlite_insert_sequence, SQL_ARGS(sql_cstr(table->name), sql_int(table->sequence)),
                    NULL);
}

int sqlite_load_table(struct sql_tx *tx, const struct sql_table *table, sql_row_source *source, void *argument,
                      int64_t *ret_count)
{
    struct sqlite_connection *connection = connection_of(tx);
    CLEANUP(finalize) sqlite3_stmt *handle = NULL;
    struct sql_value values[SQL_COLUMNS_MAX];
    int64_t count = 0;
    int more;
    TRY(sql_exec(tx, &ports_sql_sqlite_defer_foreign_keys, SQL_NO_ARGS, NULL));
    TRY(clear(connection, table));
    TRY(prepare_load(connection, table, &handle));
    while ((more = source(table, values, argument)) == 1) {
        for (size_t i = 0; i < table->column_count; i++)
            TRY(sqlite_error(connection->handle, sqlite_bind(handle, (int)i + 1, values[i], SQLITE_STATIC)));
        TRY(step(connection, handle));
        sqlite3_reset(handle);
        count++;
    }
    TRY(more);
    TRY(put_sequence(tx, table));
    *ret_count = count;
    return 0;
}
