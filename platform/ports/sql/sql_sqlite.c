/* The SQLite adapter: opening and closing, and its table of functions. */
#include "platform/ports/sql/sql_sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *sqlite_migration_text(struct sql_db *db, const struct sql_migration *migration);
static void sqlite_close(struct sql_db *base);
static void sqlite_get_stats(struct sql_db *base, struct sql_stats *ret_stats);

const struct sql_adapter sqlite_adapter = {
    .version = SQL_ADAPTER_VERSION,
    .close = sqlite_close,
    .write_async = sqlite_write_async,
    .read = sqlite_read,
    .migration_text = sqlite_migration_text,
    .exec = sqlite_exec,
    .script = sqlite_script,
    .query = sqlite_query,
    .has_table = sqlite_has_table,
    .next = sqlite_next,
    .column = sqlite_column,
    .finish = sqlite_finish,
    .backup = sqlite_backup,
    .check = sqlite_check,
    .backup_snapshot = sqlite_backup_snapshot,
    .get_stats = sqlite_get_stats,
    .list_tables = sqlite_list_tables,
    .dump_table = sqlite_dump_table,
    .load_table = sqlite_load_table,
};

static const char *sqlite_migration_text(struct sql_db *db, const struct sql_migration *migration)
{
    (void)db;
    return migration->text;
}

/* -- The URL ------------------------------------------------------------------------------------------------------ */

static int copy_bounded(char *ret_target, size_t size, struct str s)
{
    if (s.len == 0 || s.len >= size || memchr(s.ptr, '\0', s.len))
        return ERR_INVALID;
    memcpy(ret_target, s.ptr, s.len);
    ret_target[s.len] = '\0';
    return 0;
}

/* sqlite:PATH or sqlite:PATH?vfs=NAME */
static int parse_url(struct sqlite_db *db, const char *url, char ret_message[SQL_MESSAGE_BYTES])
{
    struct str address = str_skip(str_from_cstr(url), sizeof("sqlite:") - 1);
    ptrdiff_t question = str_find_char(address, '?');
    struct str path = question < 0 ? address : str_slice(address, 0, (size_t)question);
    struct str option = question < 0 ? STR_EMPTY : str_skip(address, (size_t)question + 1);
    struct str prefix = STR("vfs=");
    int error = copy_bounded(db->path, sizeof(db->path), path);
    if (!error && question >= 0 && !str_starts_with(option, prefix))
        error = ERR_INVALID;
    if (!error && question >= 0)
        error = copy_bounded(db->vfs, sizeof(db->vfs), str_skip(option, prefix.len));
    if (error)
        sql_message(ret_message, "the database address \"%s\" is not of the form sqlite:/path/to/file.db[?vfs=name]",
                    url);
    return error;
}

/* -- Life --------------------------------------------------------------------------------------------------------- */

/* SQLite's own accounting of memory takes a process-wide lock at each allocation. Only the first call, before SQLite is
 * in use, has an effect. */
static void configure_sqlite_once(void)
{
    static atomic_flag is_configured = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&is_configured))
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static void destroy(struct sqlite_db *db)
{
    for (unsigned i = 0; i < db->reader_count; i++)
        sqlite_connection_close(&db->readers[i]);
    free(db->readers);
    sqlite_connection_close(&db->writer); /* the last one: it checkpoints and removes the log */
    task_cond_destroy(&db->reader_freed);
    task_mutex_destroy(&db->readers_mutex);
    task_cond_destroy(&db->queue_filled);
    task_mutex_destroy(&db->queue_mutex);
    free(db);
}

static int make_readers(struct sqlite_db *db, unsigned count)
{
    if (count == 0)
        count = SQL_READERS_DEFAULT;
    if (count > SQL_READERS_MAX)
        return ERR_INVALID;
    db->readers = calloc(count, sizeof(*db->readers));
    if (!db->readers)
        return ERR_NO_MEMORY;
    db->reader_count = count;
    for (unsigned i = count; i-- > 0;) {
        db->readers[i].next_free = db->free_readers;
        db->free_readers = &db->readers[i];
    }
    return 0;
}

/* The writer's task is called as its file is, for whoever looks at the threads of the process. */
static void name_writer(struct sqlite_db *db)
{
    const char *slash = strrchr(db->path, '/');
    const char *file = slash ? slash + 1 : db->path;
    size_t length = strcspn(file, ".");
    size_t length_max = sizeof(db->writer_name) - sizeof("sql:");
    snprintf(db->writer_name, sizeof(db->writer_name), "sql:%.*s", (int)(length < length_max ? length : length_max),
             file);
}

static int open_all(struct sqlite_db *db, const struct sql_config *config, char ret_message[SQL_MESSAGE_BYTES])
{
    TRY(parse_url(db, config->url, ret_message));
    TRY(make_readers(db, config->reader_count));
    db->batch_max = config->write_batch_max ? config->write_batch_max : SQL_WRITE_BATCH_DEFAULT;
    if (db->batch_max > SQLITE_WRITE_BATCH_MAX)
        return ERR_INVALID;
    db->is_marked = config->is_marked;
    TRY(sqlite_connection_open(db, &db->writer, true, ret_message));
    name_writer(db);
    return task_start(&db->writer_task, db->writer_name, sqlite_writer_main, db);
}

static int sqlite_open(struct sql_db **ret_db, const struct sql_config *config, char ret_message[SQL_MESSAGE_BYTES])
{
    configure_sqlite_once();
    struct sqlite_db *db = calloc(1, sizeof(*db));
    if (!db)
        return ERR_NO_MEMORY;
    db->base.adapter = &sqlite_adapter;
    task_mutex_init(&db->queue_mutex);
    task_cond_init(&db->queue_filled);
    task_mutex_init(&db->readers_mutex);
    task_cond_init(&db->reader_freed);
    int error = open_all(db, config, ret_message);
    if (error) {
        if (!ret_message[0])
            sql_message(ret_message, "the database %s could not be opened: %s", db->path, error_name(error));
        destroy(db);
        return error;
    }
    *ret_db = &db->base;
    return 0;
}

/* The files are in the data folder, which one process has to itself (folder_lock.h). */
static int sqlite_locate(const struct sql_place *place, char ret_url[SQL_URL_BYTES],
                         char ret_message[SQL_MESSAGE_BYTES])
{
    TRY(port_expect_bare(PORT_SQL, place->url, ret_message));
    int length = snprintf(ret_url, SQL_URL_BYTES, "sqlite:%s/%s.db%s%s", place->data_path, place->service,
                          place->vfs ? "?vfs=" : "", place->vfs ? place->vfs : "");
    if (length < SQL_URL_BYTES)
        return 0;
    sql_message(ret_message, "The path of the data folder is too long.");
    return ERR_INVALID;
}

static int sqlite_exists(const struct sql_place *place, char ret_message[SQL_MESSAGE_BYTES])
{
    char path[SQL_URL_BYTES];
    struct stat status;
    const struct sql_place plain = {.url = place->url, .service = place->service, .data_path = place->data_path};
    TRY(sqlite_locate(&plain, path, ret_message));
    const char *file = path + sizeof("sqlite:") - 1;
    int is_there = 0;
    sqlite3_vfs *vfs = place->vfs ? sqlite3_vfs_find(place->vfs) : NULL;
    if (vfs)
        return vfs->xAccess(vfs, file, SQLITE_ACCESS_EXISTS, &is_there) == SQLITE_OK ? is_there : ERR_UNAVAILABLE;
    if (stat(file, &status) == 0)
        return status.st_size > 0;
    if (errno == ENOENT)
        return 0;
    sql_message(ret_message, "the database %s cannot be looked at: %s", file, strerror(errno));
    return ERR_UNAVAILABLE;
}

const struct sql_driver sql_sqlite_driver = {.locate = sqlite_locate, .exists = sqlite_exists, .open = sqlite_open};

static void sqlite_close(struct sql_db *base)
{
    struct sqlite_db *db = sqlite_db_of(base);
    task_mutex_lock(&db->queue_mutex);
    db->is_closing = true;
    task_cond_signal(&db->queue_filled);
    task_mutex_unlock(&db->queue_mutex);
    task_join(db->writer_task);
    destroy(db);
}

static void sqlite_get_stats(struct sql_db *base, struct sql_stats *ret_stats)
{
    struct sqlite_db *db = sqlite_db_of(base);
    *ret_stats = (struct sql_stats){
        .commits = atomic_load_explicit(&db->commits, memory_order_relaxed),
        .writes = atomic_load_explicit(&db->writes, memory_order_relaxed),
        .failed_commits = atomic_load_explicit(&db->failed_commits, memory_order_relaxed),
        .reads = atomic_load_explicit(&db->reads, memory_order_relaxed),
        .refuses_writes = atomic_load_explicit(&db->refuses_writes, memory_order_relaxed),
    };
}
