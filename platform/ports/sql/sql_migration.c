/* Migrations, for every adapter: each in one write, together with the row that says that it was applied. */
#include "platform/base/encode.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/migration.sql.h"
#include "platform/ports/sql/sql_adapter.h"

#include <openssl/evp.h>

/* A list that is longer than this is squashed into a new first migration. */
#define MIGRATIONS_MAX 10000

#define CHECKSUM_BYTES 32
#define CHECKSUM_HEX_SIZE (2 * CHECKSUM_BYTES + 1)

struct migration_run {
    struct sql_db *db;
    const char *list_name;
    const struct sql_migration *migrations;
    size_t count;
    size_t applied; /* the first so many are in the database */
    char *message;
};

/* SHA-256 of the text, in hexadecimal. */
static int compute_checksum(const char *text, char ret_hex[CHECKSUM_HEX_SIZE])
{
    unsigned char digest[CHECKSUM_BYTES];
    unsigned size = 0;
    if (EVP_Digest(text, strlen(text), digest, &size, EVP_sha256(), NULL) != 1)
        return ERR_INTERNAL;
    encode_hex_into(ret_hex, str_from(digest, sizeof(digest)));
    ret_hex[CHECKSUM_HEX_SIZE - 1] = '\0';
    return 0;
}

static const char *text_of(const struct migration_run *run, const struct sql_migration *migration)
{
    return run->db->adapter->migration_text(run->db, migration);
}

static int create_table(struct sql_tx *tx, void *argument)
{
    (void)argument;
    return sql_exec(tx, &ports_sql_create_migrations, SQL_NO_ARGS, NULL);
}

/* Compares one applied migration with ours. */
static int compare_applied(struct migration_run *run, struct sql_rows *rows)
{
    int64_t number = sql_get_int(rows, 0);
    if (run->applied >= run->count) {
        sql_message(
            run->message,
            "the database has migration %lld of \"%s\" and this program knows only %zu: it was written by a newer "
            "version; start that version, or restore a backup",
            (long long)number, run->list_name, run->count);
        return ERR_CORRUPT;
    }
    const struct sql_migration *ours = &run->migrations[run->applied];
    char checksum[CHECKSUM_HEX_SIZE];
    TRY(compute_checksum(text_of(run, ours), checksum));
    if (number != ours->number || !str_equal_cstr(sql_get_text(rows, 2), checksum)) {
        sql_message(run->message,
                    "migration %lld (%.*s) of \"%s\" was applied with another text than this program's %u (%s): "
                    "migrations are never edited; start the version that wrote the database, or restore a backup",
                    (long long)number, STR_FORMAT(sql_get_text(rows, 1)), run->list_name, ours->number, ours->name);
        return ERR_CORRUPT;
    }
    run->applied++;
    return 0;
}

static int read_applied(struct sql_tx *tx, void *argument)
{
    struct migration_run *run = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &ports_sql_list_migrations, SQL_ARGS(sql_cstr(run->list_name)), &rows));
    run->applied = 0;
    int more = 0;
    while ((more = sql_next(rows)) == 1)
        TRY(compare_applied(run, rows));
    return more;
}

static int apply_next(struct sql_tx *tx, void *argument)
{
    struct migration_run *run = argument;
    const struct sql_migration *migration = &run->migrations[run->applied];
    const char *text = text_of(run, migration);
    char checksum[CHECKSUM_HEX_SIZE];
    TRY(compute_checksum(text, checksum));
    TRY(tx->db->adapter->script(tx, text, run->message));
    return sql_exec(tx, &ports_sql_insert_migration,
                    SQL_ARGS(sql_cstr(run->list_name), sql_int(migration->number), sql_cstr(migration->name),
                             sql_cstr(checksum), sql_int(clock_wall_ms())),
                    NULL);
}

int sql_count_migrations(struct sql_tx *tx, int64_t *ret_count)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &ports_sql_count_migrations, SQL_NO_ARGS, &rows));
    *ret_count = sql_get_int(rows, 0);
    return 0;
}

static int apply_all(struct migration_run *run)
{
    TRY(sql_write(run->db, create_table, NULL));
    TRY(sql_read(run->db, read_applied, run));
    for (; run->applied < run->count; run->applied++)
        TRY(sql_write(run->db, apply_next, run));
    return 0;
}

static int apply_alone(struct migration_run *run)
{
    const struct sql_adapter *adapter = run->db->adapter;
    if (!adapter->lock_migrations)
        return apply_all(run);
    TRY(adapter->lock_migrations(run->db, run->message));
    int error = apply_all(run);
    adapter->unlock_migrations(run->db);
    return error;
}

int sql_migrate(struct sql_db *db, const char *list_name, const struct sql_migration *migrations, size_t count,
                char ret_message[512])
{
    ret_message[0] = '\0';
    ASSERT(count <= MIGRATIONS_MAX);
    struct migration_run run = {
        .db = db, .list_name = list_name, .migrations = migrations, .count = count, .message = ret_message};
    int error = apply_alone(&run);
    if (error == ERR_CORRUPT && !ret_message[0] && sql_check(db, ret_message) >= 0)
        ret_message[0] = '\0'; /* no damage to be named */
    if (error && !ret_message[0] && run.applied < count)
        sql_message(ret_message, "migration %u (%s) of \"%s\" failed: %s", migrations[run.applied].number,
                    migrations[run.applied].name, list_name, error_name(error));
    else if (error && !ret_message[0])
        sql_message(ret_message, "the migrations of \"%s\" could not be read: %s", list_name, error_name(error));
    return error;
}
