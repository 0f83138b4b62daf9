/* Migrations on Postgres: in its own words, one process at a time, and without the time limit of other statements. */
#include "platform/ports/sql/postgres.sql.h"
#include "platform/ports/sql/sql_postgres.h"

const char *postgres_migration_text(struct sql_db *db, const struct sql_migration *migration)
{
    (void)db;
    return migration->postgres_text ? migration->postgres_text : migration->text;
}

/* The lock is the session's: it ends with the connection, however that ends. 7462 is its name, the shop's own. */
int postgres_lock_migrations(struct sql_db *base, char ret_message[SQL_MESSAGE_BYTES])
{
    struct postgres_db *db = postgres_db_of(base);
    TRY(postgres_connect(db, &db->migrator, ret_message));
    db->migrator.answer_ms = POSTGRES_MIGRATION_MS;
    int error = postgres_run(&db->migrator, "SET statement_timeout = 0;"
                                            "SELECT pg_advisory_lock(7462, hashtext(current_schema()))");
    if (!error)
        return 0;
    sql_message(ret_message, "the lock of who migrates \"%s\" cannot be had: %s", db->service, error_name(error));
    postgres_disconnect(&db->migrator);
    return error;
}

void postgres_unlock_migrations(struct sql_db *base)
{
    postgres_disconnect(&postgres_db_of(base)->migrator);
}

static int run_unlimited(struct postgres_connection *connection, const char *text)
{
    connection->answer_ms = POSTGRES_MIGRATION_MS;
    int error = postgres_run(connection, text);
    connection->answer_ms = POSTGRES_ANSWER_MS;
    return error;
}

int postgres_script(struct sql_tx *tx, const char *text, char ret_message[SQL_MESSAGE_BYTES])
{
    struct postgres_connection *connection = postgres_connection_of(tx);
    TRY(sql_exec(tx, &ports_sql_postgres_lift_time_limit, SQL_NO_ARGS, NULL));
    int error = run_unlimited(connection, text);
    if (!error)
        return 0;
    postgres_say_why(connection->handle, "the script failed", ret_message);
    return postgres_end_transaction(connection, error);
}
