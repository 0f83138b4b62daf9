/* Statements: prepared once a connection, sent together with what has to stand before them, answered in binary.
 *
 * The first statement of a transaction takes its BEGIN along, and a guarded one its savepoint, in one round trip
 * (https://www.postgresql.org/docs/15/libpq-pipeline-mode.html). */
#include "platform/ports/sql/sql_postgres.h"

#include <inttypes.h>
#include <stdio.h>

/* Types of columns, as pg_type.dat numbers them. */
#define BOOL_OID 16
#define BYTEA_OID 17
#define INT8_OID 20
#define INT2_OID 21
#define INT4_OID 23
#define TEXT_OID 25
#define FLOAT8_OID 701
#define NUMERIC_OID 1700

#define NAME_BYTES 16
#define INTEGER_BYTES 24

/* Each is one command of a pipeline, with a result of its own. */
enum command { BEGIN, NAME_TRANSACTION, SAVEPOINT, PREPARE, RUN, RELEASE, ROLL_BACK_TO, COMMANDS_MAX };

struct pipeline {
    struct postgres_connection *connection;
    const struct sql_statement *statement;
    bool is_unnamed; /* for this one run */
    enum command commands[COMMANDS_MAX];
    unsigned count;
};

/* -- Prepared statements ------------------------------------------------------------------------------------------ */

static unsigned slot_of(const struct sql_statement *source)
{
    uint64_t mixed = (uint64_t)(uintptr_t)source * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(mixed >> 32) % POSTGRES_STATEMENT_SLOTS;
}

static unsigned find_slot(const struct postgres_connection *connection, const struct sql_statement *source)
{
    unsigned slot = slot_of(source);
    while (connection->prepared[slot] && connection->prepared[slot] != source)
        slot = (slot + 1) % POSTGRES_STATEMENT_SLOTS;
    return slot;
}

/* -- Sending ------------------------------------------------------------------------------------------------------ */

static bool send_plain(struct pipeline *pipeline, enum command command, const char *text)
{
    pipeline->commands[pipeline->count++] = command;
    return PQsendQueryParams(pipeline->connection->handle, text, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static bool send_begin(struct pipeline *pipeline)
{
    if (!pipeline->connection->is_write)
        return send_plain(pipeline, BEGIN, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    return send_plain(pipeline, BEGIN, "BEGIN ISOLATION LEVEL SERIALIZABLE") &&
           send_plain(pipeline, NAME_TRANSACTION, "SELECT pg_current_xact_id()::text");
}

static bool has_parameter(const char *text, size_t number)
{
    char name[NAME_BYTES];
    size_t length = (size_t)snprintf(name, sizeof(name), "$%zu", number);
    const char *found = strstr(text, name);
    while (found && found[length] >= '0' && found[length] <= '9')
        found = strstr(found + length, name);
    return found != NULL;
}

/* Statements that take the same parameters may leave some of them out, whose type the server cannot know. */
static bool send_prepare(struct pipeline *pipeline, const char *name, size_t parameter_count)
{
    Oid types[SQL_PARAMETERS_MAX] = {0}; /* 0: the server finds it out */
    const char *text = pipeline->statement->text;
    for (size_t i = 0; i < parameter_count; i++)
        types[i] = has_parameter(text, i + 1) ? 0 : TEXT_OID;
    pipeline->commands[pipeline->count++] = PREPARE;
    return PQsendPrepare(pipeline->connection->handle, name, text, (int)parameter_count, types) == 1;
}

/* Texts and blobs go as their bytes, which is the binary form of both of Postgres' types; integers as decimals, as it
 * is the server that knows how wide they are. */
static bool send_run(struct pipeline *pipeline, const char *name, struct sql_args args)
{
    const char *values[SQL_PARAMETERS_MAX];
    char integers[SQL_PARAMETERS_MAX][INTEGER_BYTES];
    int lengths[SQL_PARAMETERS_MAX], formats[SQL_PARAMETERS_MAX];
    for (size_t i = 0; i < args.count; i++) {
        const struct sql_value *value = &args.values[i];
        formats[i] = value->type == SQL_TYPE_TEXT || value->type == SQL_TYPE_BLOB;
        lengths[i] = (int)value->bytes.len;
        values[i] = value->type == SQL_TYPE_NULL ? NULL : value->bytes.ptr;
        if (value->type == SQL_TYPE_INTEGER) {
            snprintf(integers[i], sizeof(integers[i]), "%" PRId64, value->integer);
            values[i] = integers[i];
        }
    }
    pipeline->commands[pipeline->count++] = RUN;
    return PQsendQueryPrepared(pipeline->connection->handle, name, (int)args.count, values, lengths, formats, 1) == 1;
}

static bool send_all(struct pipeline *pipeline, struct sql_args args, bool is_guarded)
{
    struct postgres_connection *connection = pipeline->connection;
    unsigned slot = find_slot(connection, pipeline->statement);
    bool is_prepared = !pipeline->is_unnamed && connection->prepared[slot];
    char name[NAME_BYTES] = "";
    if (!pipeline->is_unnamed)
        snprintf(name, sizeof(name), "s%u", slot);
    return (connection->has_begun || send_begin(pipeline)) &&
           (!is_guarded || send_plain(pipeline, SAVEPOINT, "SAVEPOINT guard")) &&
           (is_prepared || send_prepare(pipeline, name, args.count)) && send_run(pipeline, name, args) &&
           (!is_guarded || send_plain(pipeline, RELEASE, "RELEASE SAVEPOINT guard")) &&
           PQpipelineSync(connection->handle) == 1;
}

/* -- Receiving ---------------------------------------------------------------------------------------------------- */

static void note_success(struct pipeline *pipeline, enum command command, PGresult **result, PGresult **ret_rows)
{
    struct postgres_connection *connection = pipeline->connection;
    unsigned slot;
    switch (command) {
    case BEGIN:
        connection->has_begun = true;
        break;
    case NAME_TRANSACTION:
        snprintf(connection->name.xid, sizeof(connection->name.xid), "%s", PQgetvalue(*result, 0, 0));
        break;
    case PREPARE:
        if (pipeline->is_unnamed)
            break;
        slot = find_slot(connection, pipeline->statement);
        connection->prepared[slot] = pipeline->statement;
        connection->prepared_count++;
        break;
    case RUN:
        *ret_rows = *result;
        *result = NULL;
        break;
    default:
        break;
    }
}

/* The result of one command, and the NULL behind it. */
static int receive_one(struct pipeline *pipeline, enum command command, PGresult **ret_rows)
{
    PGresult *result, *end;
    TRY(postgres_take_result(pipeline->connection, &result));
    int error = postgres_error(pipeline->connection, result, pipeline->statement->name);
    if (!error)
        note_success(pipeline, command, &result, ret_rows);
    PQclear(result);
    TRY(postgres_take_result(pipeline->connection, &end));
    PQclear(end);
    return error;
}

/* The first command's error, after all were received: behind it the server passes over what is left. */
static int receive_all(struct pipeline *pipeline, PGresult **ret_rows)
{
    int first_error = 0;
    PGresult *sync;
    for (unsigned i = 0; i < pipeline->count; i++) {
        int error = receive_one(pipeline, pipeline->commands[i], ret_rows);
        if (!pipeline->connection->handle)
            return ERR_UNAVAILABLE;
        if (!first_error)
            first_error = error;
    }
    TRY(postgres_take_result(pipeline->connection, &sync));
    PQclear(sync);
    return first_error;
}

/* What a guarded statement was refused for is taken back, and the transaction goes on. */
static int roll_back_to_guard(struct postgres_connection *connection, const struct sql_statement *statement)
{
    struct pipeline pipeline = {.connection = connection, .statement = statement};
    PGresult *none = NULL;
    if (!send_plain(&pipeline, ROLL_BACK_TO, "ROLLBACK TO SAVEPOINT guard") ||
        !send_plain(&pipeline, RELEASE, "RELEASE SAVEPOINT guard") || PQpipelineSync(connection->handle) != 1)
        return ERR_UNAVAILABLE;
    return receive_all(&pipeline, &none);
}

/* -- Running ------------------------------------------------------------------------------------------------------ */

int postgres_end_transaction(struct postgres_connection *connection, int error)
{
    connection->is_refused = error == ERR_CONFLICT;
    if (!connection->handle)
        connection->is_outrun = true; /* nothing of it is kept, so that it may run again */
    return connection->tx_error = error;
}

static int forget_prepared(struct postgres_connection *connection)
{
    connection->prepared_count = 0;
    memset(connection->prepared, 0, sizeof(connection->prepared));
    return postgres_run(connection, "DEALLOCATE ALL");
}

/* Runs the statement; *ret_result is the caller's. */
static int run_as(struct sql_tx *tx, const struct sql_statement *statement, bool is_unnamed, struct sql_args args,
                  PGresult **ret_result)
{
    struct postgres_connection *connection = postgres_connection_of(tx);
    struct pipeline pipeline = {.connection = connection, .statement = statement, .is_unnamed = is_unnamed};
    bool is_guarded = connection->is_write && connection->is_careful;
    *ret_result = NULL;
    TRY(connection->tx_error);
    if (args.count > SQL_PARAMETERS_MAX)
        return ERR_INTERNAL;
    if (connection->prepared_count >= POSTGRES_STATEMENTS_MAX && forget_prepared(connection) != 0)
        return postgres_end_transaction(connection, ERR_UNAVAILABLE);
    if (!connection->handle || !send_all(&pipeline, args, is_guarded)) {
        postgres_disconnect(connection);
        return postgres_end_transaction(connection, ERR_UNAVAILABLE);
    }
    int error = receive_all(&pipeline, ret_result);
    if (error == 0)
        return 0;
    PQclear(*ret_result);
    *ret_result = NULL;
    if (error == ERR_CONFLICT && is_guarded && roll_back_to_guard(connection, statement) == 0)
        return ERR_CONFLICT;
    return postgres_end_transaction(connection, error);
}

static int run(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args, PGresult **ret_result)
{
    return run_as(tx, statement, false, args, ret_result);
}

/* The command's tag ends in the number of rows, those that a SELECT has read too. */
static int64_t count_changed(PGresult *result)
{
    int64_t count = 0;
    if (strncmp(PQcmdStatus(result), "SELECT", strlen("SELECT")) == 0 ||
        str_to_int64(str_from_cstr(PQcmdTuples(result)), &count) != 0)
        return 0;
    return count;
}

int postgres_exec(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args, int64_t *ret_changed)
{
    PGresult *result;
    if (!sql_tx_is_write(tx))
        return ERR_INTERNAL;
    TRY(run(tx, statement, args, &result));
    if (ret_changed)
        *ret_changed = count_changed(result);
    PQclear(result);
    return 0;
}

/* -- Rows --------------------------------------------------------------------------------------------------------- */

/* Takes the result over. */
static int keep_rows(struct sql_tx *tx, PGresult *result, struct sql_rows **ret_rows)
{
    struct postgres_connection *connection = postgres_connection_of(tx);
    struct postgres_rows *rows = arena_alloc(connection->arena, sizeof(*rows));
    if (!rows) {
        PQclear(result);
        return ERR_NO_MEMORY;
    }
    *rows = (struct postgres_rows){.base.adapter = tx->db->adapter,
                                   .result = result,
                                   .row = -1,
                                   .next = connection->first_rows,
                                   .link = &connection->first_rows};
    if (rows->next)
        rows->next->link = &rows->next;
    connection->first_rows = rows;
    *ret_rows = &rows->base;
    return 0;
}

int postgres_query(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
                   struct sql_rows **ret_rows)
{
    PGresult *result;
    TRY(run(tx, statement, args, &result));
    return keep_rows(tx, result, ret_rows);
}

int postgres_query_text(struct sql_tx *tx, struct buf *text, struct sql_args args, struct sql_rows **ret_rows)
{
    PGresult *result;
    char *terminated = arena_cstr(tx->arena, buf_str(text));
    TRY(buf_error(text));
    if (!terminated)
        return ERR_NO_MEMORY;
    const struct sql_statement statement = {"of_a_table", terminated};
    TRY(run_as(tx, &statement, true, args, &result));
    return keep_rows(tx, result, ret_rows);
}

int postgres_next(struct sql_rows *base)
{
    struct postgres_rows *rows = (struct postgres_rows *)(void *)base;
    if (rows->row + 1 >= PQntuples(rows->result))
        return 0;
    rows->row++;
    return 1;
}

static int64_t big_endian(const char *bytes, int size)
{
    uint64_t value = bytes[0] < 0 ? UINT64_MAX : 0;
    for (int i = 0; i < size; i++)
        value = value << 8 | (unsigned char)bytes[i];
    return (int64_t)value;
}

/* The whole part of a numeric, which sums are: digits to the base of 10,000, the first of weight 10,000 ^ weight
 * (numeric_send in the server's numeric.c). What does not fit 64 bits is wrapped: no sum of ours comes near it. */
static int64_t read_numeric(const char *bytes)
{
    int count = (int)big_endian(bytes, 2), weight = (int)big_endian(bytes + 2, 2);
    bool is_negative = big_endian(bytes + 4, 2) == 0x4000;
    uint64_t value = 0;
    for (int i = 0; i <= weight; i++)
        value = value * 10000 + (i < count ? (uint64_t)big_endian(bytes + 8 + 2 * i, 2) : 0);
    return (int64_t)(is_negative ? 0 - value : value);
}

static double read_float8(const char *bytes)
{
    int64_t bits = big_endian(bytes, 8);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

struct sql_value postgres_value(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column))
        return sql_null();
    const char *bytes = PQgetvalue(result, row, column);
    int size = PQgetlength(result, row, column);
    switch (PQftype(result, column)) {
    case BOOL_OID:
    case INT2_OID:
    case INT4_OID:
    case INT8_OID:
        return sql_int(big_endian(bytes, size));
    case NUMERIC_OID:
        return sql_int(read_numeric(bytes));
    case FLOAT8_OID:
        return sql_int((int64_t)read_float8(bytes));
    case BYTEA_OID:
        return sql_blob(str_from(bytes, (size_t)size));
    default:
        return sql_text(str_from(bytes, (size_t)size));
    }
}

struct sql_value postgres_column(struct sql_rows *base, unsigned column)
{
    struct postgres_rows *rows = (struct postgres_rows *)(void *)base;
    return postgres_value(rows->result, rows->row, (int)column);
}

void postgres_finish(struct sql_rows *base)
{
    struct postgres_rows *rows = (struct postgres_rows *)(void *)base;
    if (!rows->result)
        return;
    *rows->link = rows->next;
    if (rows->next)
        rows->next->link = rows->link;
    PQclear(rows->result);
    rows->result = NULL;
}

void postgres_rows_stop(struct postgres_connection *connection)
{
    while (connection->first_rows)
        postgres_finish(&connection->first_rows->base);
}
