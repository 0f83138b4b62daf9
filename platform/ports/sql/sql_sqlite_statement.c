/* Statements of one connection: prepared once, kept in an open-addressing table by the address of their source. */
#include "platform/ports/sql/sql_sqlite.h"

#include <stdlib.h>

extern const struct sql_adapter sqlite_adapter;

/* -- The table ---------------------------------------------------------------------------------------------------- */

/* Fibonacci hashing (Knuth, TAOCP 3, 6.4): the addresses differ in their middle bits. */
static unsigned slot_of(const struct sql_statement *source)
{
    uint64_t mixed = (uint64_t)(uintptr_t)source * UINT64_C(11400714819323198485);
    return (unsigned)(mixed >> 32) % SQLITE_STATEMENT_SLOTS;
}

static struct sqlite_statement **find_slot(struct sqlite_connection *connection, const struct sql_statement *source)
{
    unsigned slot = slot_of(source);
    while (connection->statements[slot] && connection->statements[slot]->source != source)
        slot = (slot + 1) % SQLITE_STATEMENT_SLOTS;
    return &connection->statements[slot];
}

static void free_statement(struct sqlite_statement *statement)
{
    sqlite3_finalize(statement->handle);
    free(statement);
}

/* Rebuilds the table with the running statements alone. Rare: a service has fewer statements than fit. */
static void drop_idle_statements(struct sqlite_connection *connection)
{
    struct sqlite_statement *running[SQLITE_STATEMENT_SLOTS];
    unsigned running_count = 0;
    for (unsigned i = 0; i < SQLITE_STATEMENT_SLOTS; i++) {
        struct sqlite_statement *statement = connection->statements[i];
        connection->statements[i] = NULL;
        if (statement && statement->is_running)
            running[running_count++] = statement;
        else if (statement)
            free_statement(statement);
    }
    connection->statement_count = running_count;
    for (unsigned i = 0; i < running_count; i++)
        *find_slot(connection, running[i]->source) = running[i];
}

void sqlite_statements_free(struct sqlite_connection *connection)
{
    sqlite_statements_stop(connection);
    drop_idle_statements(connection);
}

void sqlite_statements_stop(struct sqlite_connection *connection)
{
    for (unsigned i = 0; i < SQLITE_STATEMENT_SLOTS && connection->running_count > 0; i++)
        if (connection->statements[i] && connection->statements[i]->is_running)
            sqlite_finish(&connection->statements[i]->base);
}

/* -- Preparing ---------------------------------------------------------------------------------------------------- */

/* "$12" is argument 12. SQLite numbers its parameters by first appearance, so each is looked up by its name. */
static int map_parameters(struct sqlite_statement *statement)
{
    int count = sqlite3_bind_parameter_count(statement->handle);
    if (count > SQL_PARAMETERS_MAX)
        return ERR_INTERNAL;
    for (int i = 0; i < count; i++) {
        const char *name = sqlite3_bind_parameter_name(statement->handle, i + 1);
        int64_t number = 0;
        if (!name || name[0] != '$' || str_to_int64(str_from_cstr(name + 1), &number) != 0 || number < 1 ||
            number > SQL_PARAMETERS_MAX)
            return ERR_INTERNAL;
        statement->argument_of[i] = (uint8_t)(number - 1);
        if (number > statement->argument_count)
            statement->argument_count = (unsigned)number;
    }
    statement->parameter_count = (unsigned)count;
    return 0;
}

static int prepare(struct sqlite_connection *connection, const struct sql_statement *source,
                   struct sqlite_statement **ret_statement)
{
    if (connection->statement_count >= SQLITE_STATEMENTS_MAX)
        drop_idle_statements(connection);
    if (connection->statement_count >= SQLITE_STATEMENTS_MAX)
        return ERR_TOO_LARGE;
    struct sqlite_statement *statement = calloc(1, sizeof(*statement));
    if (!statement)
        return ERR_NO_MEMORY;
    statement->base.adapter = &sqlite_adapter;
    statement->connection = connection;
    statement->source = source;
    int result =
        sqlite3_prepare_v3(connection->handle, source->text, -1, SQLITE_PREPARE_PERSISTENT, &statement->handle, NULL);
    int error = sqlite_error(connection->handle, result);
    if (!error && !statement->handle)
        error = ERR_INTERNAL;
    if (!error)
        error = map_parameters(statement);
    if (error) {
        if (error == ERR_INTERNAL)
            sqlite_report(connection->handle, source->name);
        free_statement(statement);
        return error;
    }
    *find_slot(connection, source) = statement;
    connection->statement_count++;
    *ret_statement = statement;
    return 0;
}

static int find_or_prepare(struct sqlite_connection *connection, const struct sql_statement *source,
                           struct sqlite_statement **ret_statement)
{
    struct sqlite_statement *found = *find_slot(connection, source);
    if (!found)
        return prepare(connection, source, ret_statement);
    if (found->is_running) {
        sqlite_report(connection->handle, source->name);
        return ERR_INTERNAL;
    }
    *ret_statement = found;
    return 0;
}

/* -- Running ------------------------------------------------------------------------------------------------------ */

int sqlite_bind(sqlite3_stmt *handle, int parameter, struct sql_value value, sqlite3_destructor_type lifetime)
{
    switch (value.type) {
    case SQL_TYPE_INTEGER:
        return sqlite3_bind_int64(handle, parameter, value.integer);
    case SQL_TYPE_TEXT:
        return sqlite3_bind_text64(handle, parameter, value.bytes.ptr, value.bytes.len, lifetime, SQLITE_UTF8);
    case SQL_TYPE_BLOB:
        return sqlite3_bind_blob64(handle, parameter, value.bytes.ptr, value.bytes.len, lifetime);
    case SQL_TYPE_NULL:
        break;
    }
    return sqlite3_bind_null(handle, parameter);
}

/* SQLITE_STATIC where the arguments outlive the run, SQLITE_TRANSIENT where the rows may outlive the caller's frame. */
static int bind_all(struct sqlite_statement *statement, struct sql_args args, sqlite3_destructor_type lifetime)
{
    if (args.count != statement->argument_count)
        return ERR_INTERNAL;
    for (unsigned i = 0; i < statement->parameter_count; i++) {
        int result = sqlite_bind(statement->handle, (int)i + 1, args.values[statement->argument_of[i]], lifetime);
        TRY(sqlite_error(statement->connection->handle, result));
    }
    return 0;
}

/* Notes when an error made SQLite roll the whole transaction back: what follows must not run outside of one. */
static int note_error(struct sqlite_statement *statement, int result)
{
    struct sqlite_connection *connection = statement->connection;
    int error = sqlite_error(connection->handle, result);
    if (error == ERR_INTERNAL)
        sqlite_report(connection->handle, statement->source->name);
    if (sqlite3_get_autocommit(connection->handle))
        connection->tx_error = error;
    return error;
}

static int start(struct sql_tx *tx, const struct sql_statement *source, struct sql_args args,
                 sqlite3_destructor_type lifetime, struct sqlite_statement **ret_statement)
{
    struct sqlite_connection *connection = ((struct sqlite_tx *)(void *)tx)->connection;
    TRY(connection->tx_error);
    struct sqlite_statement *statement;
    TRY(find_or_prepare(connection, source, &statement));
    TRY(bind_all(statement, args, lifetime));
    *ret_statement = statement;
    return 0;
}

int sqlite_exec(struct sql_tx *tx, const struct sql_statement *source, struct sql_args args, int64_t *ret_changed)
{
    if (!sql_tx_is_write(tx))
        return ERR_INTERNAL;
    struct sqlite_statement *statement;
    TRY(start(tx, source, args, SQLITE_STATIC, &statement));
    int result = sqlite3_step(statement->handle);
    /* Rows that nobody asked for: the rest of the statement still has to run. */
    while (result == SQLITE_ROW)
        result = sqlite3_step(statement->handle);
    int error = result == SQLITE_DONE ? 0 : note_error(statement, result);
    sqlite3_reset(statement->handle);
    if (!error && ret_changed)
        *ret_changed = sqlite3_stmt_readonly(statement->handle) ? 0 : sqlite3_changes64(statement->connection->handle);
    return error;
}

int sqlite_script(struct sql_tx *tx, const char *text, char ret_message[SQL_MESSAGE_BYTES])
{
    struct sqlite_connection *connection = ((struct sqlite_tx *)(void *)tx)->connection;
    TRY(connection->tx_error);
    connection->has_run_script = true;
    int error = sqlite_error(connection->handle, sqlite3_exec(connection->handle, text, NULL, NULL, NULL));
    if (error)
        sql_message(ret_message, "the script failed: %s", sqlite3_errmsg(connection->handle));
    if (sqlite3_get_autocommit(connection->handle))
        connection->tx_error = error ? error : ERR_INTERNAL;
    return error ? error : connection->tx_error;
}

int sqlite_query(struct sql_tx *tx, const struct sql_statement *source, struct sql_args args,
                 struct sql_rows **ret_rows)
{
    struct sqlite_statement *statement;
    TRY(start(tx, source, args, SQLITE_TRANSIENT, &statement));
    if (!sql_tx_is_write(tx) && !sqlite3_stmt_readonly(statement->handle))
        return ERR_INTERNAL;
    statement->is_running = true;
    statement->connection->running_count++;
    *ret_rows = &statement->base;
    return 0;
}

int sqlite_next(struct sql_rows *rows)
{
    struct sqlite_statement *statement = (struct sqlite_statement *)(void *)rows;
    TRY(statement->connection->tx_error);
    int result = sqlite3_step(statement->handle);
    if (result == SQLITE_ROW)
        return 1;
    return result == SQLITE_DONE ? 0 : note_error(statement, result);
}

struct sql_value sqlite_column(struct sql_rows *rows, unsigned column)
{
    sqlite3_stmt *handle = ((struct sqlite_statement *)(void *)rows)->handle;
    switch (sqlite3_column_type(handle, (int)column)) {
    case SQLITE_INTEGER:
    case SQLITE_FLOAT: /* no column of ours is one, an aggregate may be */
        return sql_int(sqlite3_column_int64(handle, (int)column));
    case SQLITE_TEXT:
    case SQLITE_BLOB: {
        const void *bytes = sqlite3_column_blob(handle, (int)column);
        return sql_text(str_from(bytes, (size_t)sqlite3_column_bytes(handle, (int)column)));
    }
    default:
        return sql_null();
    }
}

void sqlite_finish(struct sql_rows *rows)
{
    struct sqlite_statement *statement = (struct sqlite_statement *)(void *)rows;
    if (!statement->is_running)
        return;
    sqlite3_reset(statement->handle);
    sqlite3_clear_bindings(statement->handle); /* frees the copies of large values */
    statement->is_running = false;
    statement->connection->running_count--;
}

int sqlite_run(struct sqlite_connection *connection, const struct sql_statement *source)
{
    struct sqlite_statement *statement;
    TRY(find_or_prepare(connection, source, &statement));
    int result = sqlite3_step(statement->handle);
    while (result == SQLITE_ROW)
        result = sqlite3_step(statement->handle);
    int error = result == SQLITE_DONE ? 0 : sqlite_error(connection->handle, result);
    sqlite3_reset(statement->handle);
    return error;
}
