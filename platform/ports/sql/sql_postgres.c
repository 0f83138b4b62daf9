/* The Postgres adapter: opening and closing, and its table of functions.
 *
 * SHOPSTREAM_SQL_URL is a URI as libpq takes it (postgres://user:password@host:5432/shopstream?sslmode=verify-full); what
 * sql_locate adds behind '#' is the service, whose role and schema everything of it is in. */
#include "platform/ports/sql/sql_postgres.h"

#include <stdio.h>
#include <stdlib.h>

#define SCRIPT_BYTES 2048

static const char *postgres_migration_text(const struct sql_migration *migration);
static void postgres_close(struct sql_db *base);
static void postgres_get_stats(struct sql_db *base, struct sql_stats *ret_stats);

static const struct sql_adapter postgres_adapter = {
    .version = SQL_ADAPTER_VERSION,
    .close = postgres_close,
    .write_async = postgres_write_async,
    .read = postgres_read,
    .migration_text = postgres_migration_text,
    .exec = postgres_exec,
    .script = postgres_script,
    .query = postgres_query,
    .has_table = postgres_has_table,
    .next = postgres_next,
    .column = postgres_column,
    .finish = postgres_finish,
    .backup = postgres_backup,
    .check = postgres_check,
    .backup_snapshot = postgres_backup_snapshot,
    .get_stats = postgres_get_stats,
    .list_tables = postgres_list_tables,
    .dump_table = postgres_dump_table,
    .load_table = postgres_load_table,
};

static const char *postgres_migration_text(const struct sql_migration *migration)
{
    return migration->postgres_text ? migration->postgres_text : migration->text;
}

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

static int parse_url(struct postgres_db *db, const char *url, char ret_message[SQL_MESSAGE_BYTES])
{
    const char *mark = strrchr(url, '#');
    struct str service = str_from_cstr(mark ? mark + 1 : "");
    if (!is_service_name(service)) {
        sql_message(ret_message, "the Postgres address names no service behind a '#'");
        return ERR_INVALID;
    }
    memcpy(db->service, service.ptr, service.len);
    db->conninfo = strndup(url, (size_t)(mark - url));
    return db->conninfo ? 0 : ERR_NO_MEMORY;
}

static int postgres_locate(const struct sql_place *place, char ret_url[SQL_URL_BYTES],
                           char ret_message[SQL_MESSAGE_BYTES])
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

/* -- Life --------------------------------------------------------------------------------------------------------- */

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
    sql_message(ret_message, "the role and schema \"%s\" could not be made: %s", name, PQerrorMessage(handle));
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

static void finish(PGconn **handle)
{
    PQfinish(*handle);
}

static int look_at_server(const struct postgres_db *db, bool has_to_make, char ret_message[SQL_MESSAGE_BYTES])
{
    const char *const names[] = {"dbname", "connect_timeout", NULL};
    const char *const values[] = {db->conninfo, "5", NULL};
    CLEANUP(finish) PGconn *handle = PQconnectdbParams(names, values, 1);
    if (PQstatus(handle) != CONNECTION_OK) {
        sql_message(ret_message, "the Postgres server does not take the connection: %s", PQerrorMessage(handle));
        return ERR_UNAVAILABLE;
    }
    TRY(check_settings(handle, ret_message));
    return has_to_make ? make_schema(db, handle, ret_message) : 0;
}

static int make_readers(struct postgres_db *db, unsigned count)
{
    if (count == 0)
        count = SQL_READERS_DEFAULT;
    if (count > SQL_READERS_MAX)
        return ERR_INVALID;
    db->readers = calloc(count, sizeof(*db->readers));
    if (!db->readers)
        return ERR_NO_MEMORY;
    for (; db->reader_count < count; db->reader_count++) {
        struct postgres_connection *reader = &db->readers[db->reader_count];
        TRY(postgres_connection_make(reader));
        reader->next_free = db->free_readers;
        db->free_readers = reader;
    }
    return 0;
}

static int start_writers(struct postgres_db *db)
{
    for (; db->writer_count < POSTGRES_WRITERS; db->writer_count++) {
        struct postgres_writer *writer = &db->writers[db->writer_count];
        writer->db = db;
        TRY(postgres_connection_make(&writer->connection));
        TRY(task_start(&writer->task, "sql-writer", postgres_writer_main, writer));
    }
    return 0;
}

static void stop_writers(struct postgres_db *db)
{
    task_mutex_lock(&db->queue_mutex);
    db->is_closing = true;
    task_cond_broadcast(&db->queue_filled);
    task_mutex_unlock(&db->queue_mutex);
    for (unsigned i = 0; i < db->writer_count; i++)
        task_join(db->writers[i].task);
}

static void destroy(struct postgres_db *db)
{
    stop_writers(db);
    for (unsigned i = 0; i < POSTGRES_WRITERS; i++)
        postgres_connection_free(&db->writers[i].connection);
    for (unsigned i = 0; i < db->reader_count; i++)
        postgres_connection_free(&db->readers[i]);
    free(db->readers);
    task_cond_destroy(&db->reader_freed);
    task_mutex_destroy(&db->readers_mutex);
    task_cond_destroy(&db->queue_filled);
    task_mutex_destroy(&db->queue_mutex);
    free(db->conninfo);
    free(db);
}

/* A database that was marked is not made anew where it is gone. */
static int check_mark(struct postgres_db *db, char ret_message[SQL_MESSAGE_BYTES])
{
    struct postgres_connection *reader = db->free_readers;
    struct postgres_tx tx = {.base = {.db = &db->base, .arena = reader->arena}, .connection = reader};
    TRY(postgres_connect(db, reader, ret_message));
    int has_mark = postgres_has_table(&tx.base, SQL_MARK_TABLE);
    if (postgres_run(reader, "ROLLBACK") != 0)
        postgres_disconnect(reader);
    reader->has_begun = false;
    if (has_mark != 0)
        return has_mark < 0 ? has_mark : 0;
    sql_message(ret_message, "the schema \"%s\" holds nothing of this program; restore it from a backup", db->service);
    return ERR_NOT_FOUND;
}

static int open_all(struct postgres_db *db, const struct sql_config *config, char ret_message[SQL_MESSAGE_BYTES])
{
    TRY(parse_url(db, config->url, ret_message));
    TRY(look_at_server(db, !config->is_marked, ret_message));
    TRY(make_readers(db, config->reader_count));
    if (config->is_marked)
        TRY(check_mark(db, ret_message));
    return start_writers(db);
}

static int postgres_open(struct sql_db **ret_db, const struct sql_config *config, char ret_message[SQL_MESSAGE_BYTES])
{
    struct postgres_db *db = calloc(1, sizeof(*db));
    if (!db)
        return ERR_NO_MEMORY;
    db->base.adapter = &postgres_adapter;
    task_mutex_init(&db->queue_mutex);
    task_cond_init(&db->queue_filled);
    task_mutex_init(&db->readers_mutex);
    task_cond_init(&db->reader_freed);
    int error = open_all(db, config, ret_message);
    if (error) {
        if (!ret_message[0])
            sql_message(ret_message, "the Postgres database of \"%s\" could not be opened: %s", db->service,
                        error_name(error));
        destroy(db);
        return error;
    }
    *ret_db = &db->base;
    return 0;
}

static void postgres_close(struct sql_db *base)
{
    destroy(postgres_db_of(base));
}

/* -- Being there --------------------------------------------------------------------------------------------------- */

static int count_tables(const struct postgres_db *db, char ret_message[SQL_MESSAGE_BYTES])
{
    const char *const names[] = {"dbname", "connect_timeout", NULL};
    const char *const values[] = {db->conninfo, "5", NULL};
    const char *const arguments[] = {db->service};
    CLEANUP(finish) PGconn *handle = PQconnectdbParams(names, values, 1);
    PGresult *result = PQexecParams(handle, "SELECT 1 FROM pg_tables WHERE schemaname = $1 LIMIT 1", 1, NULL, arguments,
                                    NULL, NULL, 0);
    bool is_known = PQresultStatus(result) == PGRES_TUPLES_OK;
    int count = PQntuples(result);
    PQclear(result);
    if (is_known)
        return count;
    sql_message(ret_message, "the Postgres server does not answer: %s", PQerrorMessage(handle));
    return ERR_UNAVAILABLE;
}

static int postgres_exists(const struct sql_place *place, char ret_message[SQL_MESSAGE_BYTES])
{
    char url[SQL_URL_BYTES];
    struct postgres_db db = {.conninfo = NULL};
    TRY(postgres_locate(place, url, ret_message));
    TRY(parse_url(&db, url, ret_message));
    int found = count_tables(&db, ret_message);
    free(db.conninfo);
    return found;
}

const struct sql_driver sql_postgres_driver = {
    .locate = postgres_locate, .exists = postgres_exists, .open = postgres_open};

static void postgres_get_stats(struct sql_db *base, struct sql_stats *ret_stats)
{
    struct postgres_db *db = postgres_db_of(base);
    uint64_t commits = atomic_load_explicit(&db->commits, memory_order_relaxed);
    *ret_stats = (struct sql_stats){
        .commits = commits,
        .writes = commits,
        .failed_commits = atomic_load_explicit(&db->failed_commits, memory_order_relaxed),
        .reads = atomic_load_explicit(&db->reads, memory_order_relaxed),
        .refuses_writes = atomic_load_explicit(&db->refuses_writes, memory_order_relaxed),
    };
}
