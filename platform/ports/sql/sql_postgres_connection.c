/* One connection to the server: opening it, and waiting for its answers no longer than they may take. */
#include "platform/base/log.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/postgres.sql.h"
#include "platform/ports/sql/sql_postgres.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define OPTIONS_BYTES 512
#define NUMBER_BYTES 16

int postgres_connection_make(struct postgres_connection *connection)
{
    *connection = (struct postgres_connection){.arena = arena_new(SQL_TX_ARENA_BYTES), .answer_ms = POSTGRES_ANSWER_MS};
    return connection->arena ? 0 : ERR_NO_MEMORY;
}

void postgres_connection_free(struct postgres_connection *connection)
{
    postgres_disconnect(connection);
    arena_free(connection->arena);
    *connection = (struct postgres_connection){0};
}

/* What libpq says ends in a line break, and may go over several lines. */
void postgres_say_why(const PGconn *handle, const char *what, char ret_message[SQL_MESSAGE_BYTES])
{
    struct str why = str_trim(str_from_cstr(handle ? PQerrorMessage(handle) : "no memory"));
    ptrdiff_t end = str_find_char(why, '\n');
    if (end >= 0)
        why.len = (size_t)end;
    sql_message(ret_message, "%s: %.*s", what, STR_FORMAT(why));
}

/* Of what the server only remarks; errors have results. */
static void log_notice(void *context, const char *text)
{
    (void)context;
    log_warning(NULL, "Postgres remarks", LOG_STR("detail", str_trim(str_from_cstr(text))));
}

static PGconn *open_connection(const struct postgres_db *db)
{
    char options[OPTIONS_BYTES], seconds[NUMBER_BYTES], unanswered_ms[NUMBER_BYTES];
    snprintf(options, sizeof(options),
             "-c role=%s -c search_path=%s -c statement_timeout=%d -c idle_in_transaction_session_timeout=%d"
             " -c default_transaction_isolation=serializable -c client_min_messages=warning",
             db->service, db->service, POSTGRES_STATEMENT_MS, 2 * POSTGRES_STATEMENT_MS);
    snprintf(seconds, sizeof(seconds), "%d", POSTGRES_CONNECT_S);
    snprintf(unanswered_ms, sizeof(unanswered_ms), "%d", POSTGRES_ANSWER_MS);
    const char *const names[] = {
        "dbname", "options", "application_name", "client_encoding", "connect_timeout", "tcp_user_timeout", NULL};
    const char *const values[] = {db->conninfo, options, db->service, "UTF8", seconds, unanswered_ms, NULL};
    return PQconnectdbParams(names, values, 1 /* dbname may be a URI */);
}

static bool read_incarnation(struct postgres_connection *connection, PGconn *handle)
{
    PGresult *result = PQexec(handle, ports_sql_postgres_incarnation.text);
    bool is_known = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    if (is_known)
        snprintf(connection->name.incarnation, sizeof(connection->name.incarnation), "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return is_known;
}

int postgres_connect(struct postgres_db *db, struct postgres_connection *connection,
                     char ret_message[SQL_MESSAGE_BYTES])
{
    if (connection->handle && PQstatus(connection->handle) == CONNECTION_OK)
        return 0;
    postgres_disconnect(connection);
    PGconn *handle = open_connection(db);
    if (!handle || PQstatus(handle) != CONNECTION_OK || !read_incarnation(connection, handle) ||
        PQenterPipelineMode(handle) != 1) {
        if (ret_message)
            postgres_say_why(handle, POSTGRES_NO_CONNECTION, ret_message);
        PQfinish(handle);
        return ERR_UNAVAILABLE;
    }
    PQsetNoticeProcessor(handle, log_notice, NULL);
    connection->handle = handle;
    return 0;
}

void postgres_disconnect(struct postgres_connection *connection)
{
    PQfinish(connection->handle);
    connection->handle = NULL;
    connection->prepared_count = 0;
    memset(connection->prepared, 0, sizeof(connection->prepared));
}

/* True when there is something to read before the time. */
static bool wait_for_bytes(PGconn *handle, int64_t deadline_ns)
{
    struct pollfd watched = {.fd = PQsocket(handle), .events = POLLIN};
    for (;;) {
        int64_t left_ms = (deadline_ns - clock_monotonic_ns()) / CLOCK_NS_PER_MS;
        int ready = left_ms > 0 ? poll(&watched, 1, (int)left_ms) : 0;
        if (ready >= 0 || errno != EINTR)
            return ready > 0;
    }
}

int postgres_take_result(struct postgres_connection *connection, PGresult **ret_result)
{
    int64_t deadline_ns = clock_monotonic_ns() + connection->answer_ms * CLOCK_NS_PER_MS;
    *ret_result = NULL;
    if (!connection->handle)
        return ERR_UNAVAILABLE;
    while (PQisBusy(connection->handle)) {
        if (!wait_for_bytes(connection->handle, deadline_ns) || !PQconsumeInput(connection->handle)) {
            postgres_disconnect(connection);
            return ERR_UNAVAILABLE;
        }
    }
    *ret_result = PQgetResult(connection->handle);
    if (PQstatus(connection->handle) == CONNECTION_OK)
        return 0;
    PQclear(*ret_result);
    *ret_result = NULL;
    postgres_disconnect(connection);
    return ERR_UNAVAILABLE;
}

/* Every result up to the end; the first error is the result. */
static int take_all(struct postgres_connection *connection)
{
    PGresult *result;
    int first_error = 0;
    for (;;) {
        TRY(postgres_take_result(connection, &result));
        if (!result)
            return first_error;
        int error = postgres_error(connection, result, "script");
        if (!first_error)
            first_error = error;
        PQclear(result);
    }
}

/* Several statements in one text need the simple protocol, which a pipeline does not have. */
int postgres_run(struct postgres_connection *connection, const char *text)
{
    if (!connection->handle || PQexitPipelineMode(connection->handle) != 1)
        return ERR_UNAVAILABLE;
    int error = PQsendQuery(connection->handle, text) == 1 ? take_all(connection) : ERR_UNAVAILABLE;
    if (connection->handle && PQenterPipelineMode(connection->handle) != 1)
        return ERR_UNAVAILABLE;
    return error;
}
