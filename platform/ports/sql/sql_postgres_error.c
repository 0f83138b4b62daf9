/* Postgres' results as our errors: by SQLSTATE (appendix A of its manual). */
#include "platform/base/log.h"
#include "platform/ports/sql/sql_postgres.h"

static bool is_class(const char *state, const char *class)
{
    return strncmp(state, class, strlen(class)) == 0;
}

/* The first row that begins as the state does. */
static const struct {
    const char *state;
    int error;
} errors[] = {
    {"23", ERR_CONFLICT},                                 /* a constraint */
    {"40001", ERR_UNAVAILABLE},                           /* serialisation failure */
    {"40P01", ERR_UNAVAILABLE},                           /* deadlock */
    {"53100", ERR_STORAGE_FULL},                          /* disk full */
    {"53200", ERR_NO_MEMORY},    {"53", ERR_UNAVAILABLE}, /* other resources: connections */
    {"54", ERR_TOO_LARGE},                                /* a limit of the program */
    {"57", ERR_UNAVAILABLE},                              /* operator intervention: shutdown, a time-out of ours */
    {"58030", ERR_STORAGE_FULL},                          /* I/O */
    {"08", ERR_UNAVAILABLE},                              /* the connection */
    {"28", ERR_UNAVAILABLE},                              /* authorisation */
    {"25P02", ERR_UNAVAILABLE},                           /* in a transaction that has failed */
    {"25P03", ERR_UNAVAILABLE},                           /* idle in it for too long */
    {"22021", ERR_INVALID},                               /* bytes that are no text */
    {"22P05", ERR_INVALID},      {"XX001", ERR_CORRUPT},  /* data corrupted */
    {"XX002", ERR_CORRUPT},                               /* index corrupted */
};

static int error_of_state(const char *state)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (is_class(state, errors[i].state))
            return errors[i].error;
    return ERR_INTERNAL;
}

int postgres_error(struct postgres_connection *connection, const PGresult *result, const char *statement_name)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_SYNC)
        return 0;
    if (status == PGRES_PIPELINE_ABORTED)
        return ERR_UNAVAILABLE;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    int error = state ? error_of_state(state) : ERR_UNAVAILABLE;
    if (error == ERR_INTERNAL)
        log_error(NULL, "statement failed", LOG_CSTR("statement", statement_name), LOG_CSTR("sqlstate", state),
                  LOG_CSTR("detail", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
    if (state && (is_class(state, "40001") || is_class(state, "40P01")))
        connection->is_outrun = true;
    return error;
}
