/* The server behind an address: whether it is there and fit, and the role and schema of a service on it.
 *
 * SHOPSTREAM_SQL_URL is a URI as libpq takes it (postgres://user:password@host:5432/shopstream?sslmode=verify-full);
 * what sql_locate adds behind '#' is the service, whose role and schema everything of it is in. */
#include "platform/base/backoff.h"
#include "platform/base/log.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/postgres.sql.h"
#include "platform/ports/sql/sql_postgres.h"

#include <stdio.h>
#include <stdlib.h>

#define SCRIPT_BYTES 2048
#define NUMBER_BYTES 16

/* -- The URL ------------------------------------------------------------------------------------------------------ */

/* It becomes a name in SQL. */
static bool is_service_name(struct str name)
{
    if (name.len == 0 || name.len >= POSTGRES_NAME_BYTES || name.ptr[0] < 'a' || name.ptr[0] > 'z')
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!(name.ptr[i] >= 'a' && name.ptr[i] <= 'z') && !(name.ptr[i] >= '0' && name.ptr[i] <= '9') &&
            name.ptr[i] != '_')
            return false;
    return true;
}

int postgres_parse_url(struct postgres_db *db, const char *url, char ret_message[SQL_MESSAGE_BYTES])
{
    const char *mark = strrchr(url, '#');
    struct str service = str_from_cstr(mark ? mark + 1 : "");
    if (!is_service_name(service)) {
        sql_message(ret_message, "the Postgres address names no service behind a '#'");
        return ERR_INVALID;
    }
    memcpy(db->service, service.ptr, service.len);
    db->conninfo = strndup(url, (size_t)(mark - url));
    if (!db->conninfo)
        return ERR_NO_MEMORY;
    return postgres_check_address(db->conninfo, ret_message);
}

int postgres_locate(const struct sql_place *place, char ret_url[SQL_URL_BYTES], char ret_message[SQL_MESSAGE_BYTES])
{
    if (strchr(place->url, '#') || !is_service_name(str_from_cstr(place->service))) {
        sql_message(ret_message, "SHOPSTREAM_SQL_URL has a '#', which a Postgres address may not");
        return ERR_INVALID;
    }
    if (snprintf(ret_url, SQL_URL_BYTES, "%s#%s", place->url, place->service) < SQL_URL_BYTES)
        return 0;
    sql_message(ret_message, "SHOPSTREAM_SQL_URL is too long");
    return ERR_INVALID;
}

/* -- Connecting --------------------------------------------------------------------------------------------------- */

static void finish(PGconn **handle)
{
    PQfinish(*handle);
}

struct address {
    const char *names[3], *values[3];
    char seconds[NUMBER_BYTES];
};

static void address_make(const struct postgres_db *db, struct address *ret_address)
{
    snprintf(ret_address->seconds, sizeof(ret_address->seconds), "%d", POSTGRES_CONNECT_S);
    ret_address->names[0] = "dbname"; /* which may be a whole address */
    ret_address->values[0] = db->conninfo;
    ret_address->names[1] = "connect_timeout";
    ret_address->values[1] = ret_address->seconds;
    ret_address->names[2] = ret_address->values[2] = NULL;
}

/* Whether it is one that comes up, or may; not one that is there and refuses. */
static bool may_come_up(const struct address *address)
{
    PGPing answer = PQpingParams(address->names, address->values, 1);
    return answer == PQPING_REJECT || answer == PQPING_NO_RESPONSE;
}

/* Waits for a server that is not up yet; one that was up before it refused us will do so again. NULL and a message:
 * there is none, or it does not want us. */
static PGconn *connect_patiently(const struct postgres_db *db, char ret_message[SQL_MESSAGE_BYTES])
{
    struct address address;
    int64_t deadline_ns = clock_monotonic_ns() + POSTGRES_START_MS * CLOCK_NS_PER_MS;
    bool was_up = false;
    address_make(db, &address);
    for (int64_t tries = 1;; tries++) {
        PGconn *handle = PQconnectdbParams(address.names, address.values, 1);
        if (PQstatus(handle) == CONNECTION_OK)
            return handle;
        postgres_say_why(handle, POSTGRES_NO_CONNECTION, ret_message);
        PQfinish(handle);
        bool is_up = !may_come_up(&address);
        if (clock_monotonic_ns() >= deadline_ns || (is_up && was_up))
            return NULL;
        was_up = is_up;
        if (tries == 1 && !is_up)
            log_warning(NULL, "waiting for Postgres", LOG_CSTR("service", db->service),
                        LOG_CSTR("detail", ret_message));
        task_sleep_ms(backoff_ms(POSTGRES_RETRY_FIRST_MS, POSTGRES_RETRY_MAX_MS, tries));
    }
}

/* -- What a service needs there ------------------------------------------------------------------------------------ */

/* As the URL's user, who becomes a member of the service's role. Whoever deploys the shop may have made both before,
 * for a user who may not make any. One process at a time: 7461 is the lock's name, the shop's own. */
static int make_schema(const struct postgres_db *db, PGconn *handle, char ret_message[SQL_MESSAGE_BYTES])
{
    char script[SCRIPT_BYTES];
    const char *name = db->service;
    snprintf(script, sizeof(script),
             "SET client_min_messages = warning; BEGIN; SELECT pg_advisory_xact_lock(7461);"
             "DO $do$ BEGIN"
             " IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '%s') THEN CREATE ROLE %s NOLOGIN; END IF;"
             " IF NOT pg_has_role(current_user, '%s', 'MEMBER') THEN GRANT %s TO current_user; END IF;"
             " IF NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = '%s') THEN"
             " CREATE SCHEMA %s AUTHORIZATION %s; CREATE DOMAIN %s.blob AS bytea; END IF;"
             " IF NOT EXISTS (SELECT 1 FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace"
             " WHERE n.nspname = '%s' AND t.typname = 'blob') THEN CREATE DOMAIN %s.blob AS bytea; END IF;"
             " END $do$; COMMIT;",
             name, name, name, name, name, name, name, name, name, name);
    PGresult *result = PQexec(handle, script);
    bool is_done = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    if (is_done)
        return 0;
    postgres_say_why(handle, "the service's role and schema cannot be made", ret_message);
    return ERR_UNAVAILABLE;
}

/* Texts are compared by their bytes, as the cursors of lists expect. */
static int check_settings(PGconn *handle, char ret_message[SQL_MESSAGE_BYTES])
{
    PGresult *result = PQexec(handle, "SELECT datcollate, pg_encoding_to_char(encoding), "
                                      "current_setting('server_version_num')::int >= 150000 "
                                      "FROM pg_database WHERE datname = current_database()");
    bool is_known = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    bool is_fit = is_known && strcmp(PQgetvalue(result, 0, 0), "C") == 0 &&
                  strcmp(PQgetvalue(result, 0, 1), "UTF8") == 0 && strcmp(PQgetvalue(result, 0, 2), "t") == 0;
    PQclear(result);
    if (is_fit)
        return 0;
    sql_message(ret_message, "the Postgres database has to be of version 15 or later, encoding UTF8 and collation C: "
                             "CREATE DATABASE shopstream TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
    return ERR_UNAVAILABLE;
}

int postgres_look_at_server(const struct postgres_db *db, bool has_to_make, char ret_message[SQL_MESSAGE_BYTES])
{
    CLEANUP(finish) PGconn *handle = connect_patiently(db, ret_message);
    if (!handle)
        return ERR_UNAVAILABLE;
    ret_message[0] = '\0'; /* of a try that failed */
    TRY(check_settings(handle, ret_message));
    return has_to_make ? make_schema(db, handle, ret_message) : 0;
}

static int count_tables(const struct postgres_db *db, char ret_message[SQL_MESSAGE_BYTES])
{
    const char *const arguments[] = {db->service};
    CLEANUP(finish) PGconn *handle = connect_patiently(db, ret_message);
    if (!handle)
        return ERR_UNAVAILABLE;
    PGresult *result = PQexecParams(handle, ports_sql_postgres_has_any_table.text, 1, NULL, arguments, NULL, NULL, 0);
    bool is_known = PQresultStatus(result) == PGRES_TUPLES_OK;
    int count = PQntuples(result);
    PQclear(result);
    if (is_known)
        return count;
    postgres_say_why(handle, "the Postgres server does not answer", ret_message);
    return ERR_UNAVAILABLE;
}

int postgres_exists(const struct sql_place *place, char ret_message[SQL_MESSAGE_BYTES])
{
    char url[SQL_URL_BYTES];
    struct postgres_db db = {.conninfo = NULL};
    TRY(postgres_locate(place, url, ret_message));
    int found = postgres_parse_url(&db, url, ret_message);
    if (found == 0)
        found = count_tables(&db, ret_message);
    free(db.conninfo);
    return found;
}
