/* Rows of any table, out and in. This is the one place where SQL text is made by the program: the names of tables and
 * columns are those that the database's own schema gives (sql_list_tables), and stand in it quoted as identifiers;
 * values are always bound. Its statements are its own and end with each call, as their texts do. */
#include "platform/base/buf.h"
#include "platform/ports/sql/sql_sqlite.h"
#include "platform/ports/sql/sqlite.sql.h"

#define TEXT_BYTES_MAX ((size_t)64 << 10)

static struct sqlite_connection *connection_of(struct sql_tx *tx)
{
    return ((struct sqlite_tx *)(void *)tx)->connection;
}

/* -- The schema --------------------------------------------------------------------------------------------------- */

/* The first column of a query's rows, in the arena. */
static int read_names(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
                      struct arena *arena, size_t max, const char ***ret_names, size_t *ret_count)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    const char **names = arena_alloc_array(arena, max, sizeof(names[0]));
    size_t count = 0;
    int more;
    if (!names)
        return ERR_NO_MEMORY;
    TRY(sql_query(tx, statement, args, &rows));
    while ((more = sql_next(rows)) == 1) {
        if (count == max)
            return ERR_TOO_LARGE;
        names[count] = arena_cstr(arena, sql_get_text(rows, 0));
        if (!names[count++])
            return ERR_NO_MEMORY;
    }
    *ret_names = names;
    *ret_count = count;
    return more;
}

/* SQLite quotes an identifier by '"', and a '"' in it by a second one. */
static void append_name(struct buf *text, const char *name)
{
    buf_append_char(text, '"');
    for (; *name; name++) {
        if (*name == '"')
            buf_append_char(text, '"');
        buf_append_char(text, *name);
    }
    buf_append_char(text, '"');
}

static void append_names(struct buf *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_char(text, ',');
        append_name(text, names[i]);
    }
}

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
    CLEANUP(buf_free) struct buf text = BUF(TEXT_BYTES_MAX);
    CLEANUP(finalize) sqlite3_stmt *handle = NULL;
    buf_append_cstr(&text, "SELECT count(*) FROM ");
    append_name(&text, table->name);
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

static int describe(struct sql_tx *tx, struct arena *arena, const char *name, struct sql_table *ret_table)
{
    ret_table->name = name;
    TRY(read_names(tx, &ports_sql_sqlite_list_columns, SQL_ARGS(sql_cstr(name)), arena, SQL_COLUMNS_MAX,
                   &ret_table->columns, &ret_table->column_count));
    TRY(count_rows(tx, ret_table));
    return read_sequence(tx, ret_table);
}

/* -- The order ---------------------------------------------------------------------------------------------------- */

static bool is_placed(const struct sql_table *tables, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(tables[i].name, name) == 0)
            return true;
    return false;
}

/* Whether everything that the table refers to, but itself, is placed. */
static int is_ready(struct sql_tx *tx, struct arena *arena, const char *name, const struct sql_table *placed,
                    size_t placed_count)
{
    const char **parents;
    size_t parent_count;
    TRY(read_names(tx, &ports_sql_sqlite_list_parents, SQL_ARGS(sql_cstr(name)), arena, SQL_TABLES_MAX, &parents,
                   &parent_count));
    for (size_t i = 0; i < parent_count; i++)
        if (strcmp(parents[i], name) != 0 && !is_placed(placed, placed_count, parents[i]))
            return 0;
    return 1;
}

/* Repeated passes, each of which places what became ready; tables that refer to each other in a circle end it and are
 * placed as they come, since a load checks foreign keys at its end. */
static int place_all(struct sql_tx *tx, struct arena *arena, const char **names, size_t count, struct sql_table *tables)
{
    size_t placed = 0;
    bool is_stuck = false;
    while (placed < count) {
        size_t before = placed;
        for (size_t i = 0; i < count; i++) {
            if (is_placed(tables, placed, names[i]))
                continue;
            int ready = is_ready(tx, arena, names[i], tables, placed);
            TRY(ready);
            if (ready || is_stuck)
                TRY(describe(tx, arena, names[i], &tables[placed++]));
        }
        is_stuck = placed == before;
    }
    return 0;
}

int sqlite_list_tables(struct sql_tx *tx, struct arena *arena, struct sql_table **ret_tables, size_t *ret_count)
{
    const char **names;
    size_t count;
    TRY(read_names(tx, &ports_sql_sqlite_list_tables, SQL_NO_ARGS, arena, SQL_TABLES_MAX, &names, &count));
    struct sql_table *tables = arena_alloc_array(arena, count + 1, sizeof(tables[0]));
    if (!tables)
        return ERR_NO_MEMORY;
    TRY(place_all(tx, arena, names, count, tables));
    *ret_tables = tables;
    *ret_count = count;
    return 0;
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
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(TEXT_BYTES_MAX);
    CLEANUP(buf_free) struct buf text = BUF(TEXT_BYTES_MAX);
    const char **keys;
    size_t key_count;
    if (!arena)
        return ERR_NO_MEMORY;
    TRY(read_names(tx, &ports_sql_sqlite_list_key_columns, SQL_ARGS(sql_cstr(table->name)), arena, SQL_COLUMNS_MAX,
                   &keys, &key_count));
    buf_append_cstr(&text, "SELECT ");
    append_names(&text, table->columns, table->column_count);
    buf_append_cstr(&text, " FROM ");
    append_name(&text, table->name);
    buf_append_cstr(&text, " ORDER BY ");
    if (key_count > 0)
        append_names(&text, keys, key_count);
    else
        append_names(&text, table->columns, table->column_count);
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
    CLEANUP(buf_free) struct buf text = BUF(TEXT_BYTES_MAX);
    buf_append_cstr(&text, "INSERT INTO ");
    append_name(&text, table->name);
    buf_append_cstr(&text, " (");
    append_names(&text, table->columns, table->column_count);
    buf_append_cstr(&text, ") VALUES (");
    for (size_t i = 0; i < table->column_count; i++)
        buf_append_cstr(&text, i > 0 ? ",?" : "?");
    buf_append_char(&text, ')');
    return prepare_text(connection, &text, ret_handle);
}

/* A migration may have put rows there; a table without rows is not touched, so that append-only ones do not mind. */
static int clear(struct sqlite_connection *connection, const struct sql_table *table)
{
    CLEANUP(buf_free) struct buf text = BUF(TEXT_BYTES_MAX);
    CLEANUP(finalize) sqlite3_stmt *handle = NULL;
    buf_append_cstr(&text, "DELETE FROM ");
    append_name(&text, table->name);
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
