/* The Postgres adapter: opening and closing, and its table of functions. */
#include "platform/ports/sql/sql_postgres.h"

#include <stdlib.h>

static void postgres_close(struct sql_db *base);
static void postgres_get_stats(struct sql_db *base, struct sql_stats *ret_stats);

static const struct sql_adapter postgres_adapter = {
    .version = SQL_ADAPTER_VERSION,
    .close = postgres_close,
    .write_async = postgres_write_async,
    .read = postgres_read,
    .migration_text = postgres_migration_text,
    .lock_migrations = postgres_lock_migrations,
    .unlock_migrations = postgres_unlock_migrations,
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

/* -- Life --------------------------------------------------------------------------------------------------------- */

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
    postgres_connection_free(&db->migrator);
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
    TRY(postgres_parse_url(db, config->url, ret_message));
    TRY(postgres_look_at_server(db, !config->is_marked, ret_message));
    TRY(make_readers(db, config->reader_count));
    TRY(postgres_connection_make(&db->migrator));
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

const struct sql_driver sql_postgres_driver = {
    .locate = postgres_locate, .exists = postgres_exists, .open = postgres_open, .get_reach = postgres_get_reach};

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
