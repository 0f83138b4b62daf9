/* The sql port's front: picks the adapter by the URL's scheme and dispatches to it. */
#include "platform/ports/sql/sql.h"

#include "platform/base/task.h"
#include "platform/ports/sql/sql_adapter.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* One row an adapter. */
static const struct {
    struct port_scheme scheme;
    const struct sql_driver *driver;
} adapters[] = {
    {{"sqlite"}, &sql_sqlite_driver},
    {{"postgres"}, &sql_postgres_driver},
    {{"postgresql"}, &sql_postgres_driver},
    {{NULL}, NULL},
};

struct sql_commit_entry {
    struct sql_commit_entry *next;
    sql_commit_hook *hook;
    void *argument;
};

void sql_message(char ret_message[SQL_MESSAGE_BYTES], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ret_message, SQL_MESSAGE_BYTES, format, arguments);
    va_end(arguments);
}

/* -- Opening ------------------------------------------------------------------------------------------------------ */

static int find_driver(const char *url, const struct sql_driver **ret_driver, char ret_message[512])
{
    int row = port_find(PORT_SQL, url, adapters, sizeof(adapters[0]), ret_message);
    TRY(row);
    *ret_driver = adapters[row].driver;
    return 0;
}

int sql_locate(const struct sql_place *place, char ret_url[SQL_URL_BYTES], char ret_message[512])
{
    const struct sql_driver *driver;
    TRY(find_driver(place->url, &driver, ret_message));
    return driver->locate(place, ret_url, ret_message);
}

int sql_get_reach(const char *url, struct sql_reach *ret_reach, char ret_message[512])
{
    const struct sql_driver *driver;
    TRY(find_driver(url, &driver, ret_message));
    *ret_reach = (struct sql_reach){0};
    return driver->get_reach ? driver->get_reach(url, ret_reach, ret_message) : 0;
}

int sql_exists(const struct sql_place *place, char ret_message[512])
{
    const struct sql_driver *driver;
    TRY(find_driver(place->url, &driver, ret_message));
    return driver->exists(place, ret_message);
}

int sql_open(struct sql_db **ret_db, const struct sql_config *config, char ret_message[512])
{
    const struct sql_driver *driver;
    struct sql_db *db;
    ret_message[0] = '\0';
    TRY(find_driver(config->url, &driver, ret_message));
    TRY(driver->open(&db, config, ret_message));
    ASSERT(db->adapter->version == SQL_ADAPTER_VERSION);
    *ret_db = db;
    return 0;
}

void sql_close(struct sql_db *db)
{
    if (db)
        db->adapter->close(db);
}

/* -- Transactions ------------------------------------------------------------------------------------------------- */

struct blocking_write {
    struct sql_write_job job;
    sql_closure *closure;
    void *argument;
    struct task_event finished;
    int result;
};

static int run_blocking_closure(struct sql_tx *tx, void *argument)
{
    struct blocking_write *write = argument;
    return write->closure(tx, write->argument);
}

static void wake_blocked_writer(int result, void *argument)
{
    struct blocking_write *write = argument;
    write->result = result;
    task_event_set(&write->finished);
}

int sql_write(struct sql_db *db, sql_closure *closure, void *argument)
{
    struct blocking_write write = {.closure = closure, .argument = argument};
    write.job =
        (struct sql_write_job){.closure = run_blocking_closure, .argument = &write, .done = wake_blocked_writer};
    task_event_init(&write.finished);
    db->adapter->write_async(db, &write.job);
    task_event_wait(&write.finished);
    return write.result;
}

void sql_write_async(struct sql_db *db, struct sql_write_job *job)
{
    db->adapter->write_async(db, job);
}

int sql_read(struct sql_db *db, sql_closure *closure, void *argument)
{
    return db->adapter->read(db, closure, argument);
}

int sql_tx_on_commit(struct sql_tx *tx, sql_commit_hook *hook, void *argument)
{
    ASSERT(tx->hooks != NULL);
    if (tx->hooks->count >= SQL_COMMIT_HOOKS_MAX)
        return ERR_TOO_LARGE;
    struct sql_commit_entry *entry = malloc(sizeof(*entry));
    if (!entry)
        return ERR_NO_MEMORY;
    *entry = (struct sql_commit_entry){.hook = hook, .argument = argument};
    if (tx->hooks->last)
        tx->hooks->last->next = entry;
    else
        tx->hooks->first = entry;
    tx->hooks->last = entry;
    tx->hooks->count++;
    return 0;
}

void sql_commit_hooks_run(struct sql_commit_hooks *hooks, bool committed)
{
    struct sql_commit_entry *entry = hooks->first;
    *hooks = (struct sql_commit_hooks){0};
    while (entry) {
        struct sql_commit_entry *next = entry->next;
        entry->hook(committed, entry->argument);
        free(entry);
        entry = next;
    }
}

void sql_commit_hooks_move(struct sql_commit_hooks *to, struct sql_commit_hooks *from)
{
    if (!from->first)
        return;
    if (to->last)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    to->count += from->count;
    *from = (struct sql_commit_hooks){0};
}

struct arena *sql_tx_arena(struct sql_tx *tx)
{
    return tx->arena;
}

struct sql_db *sql_tx_db(struct sql_tx *tx)
{
    return tx->db;
}

bool sql_tx_is_write(const struct sql_tx *tx)
{
    return tx->hooks != NULL;
}

/* -- Statements --------------------------------------------------------------------------------------------------- */

int sql_exec(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args, int64_t *ret_changed)
{
    return tx->db->adapter->exec(tx, statement, args, ret_changed);
}

int sql_query(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
              struct sql_rows **ret_rows)
{
    return tx->db->adapter->query(tx, statement, args, ret_rows);
}

int sql_next(struct sql_rows *rows)
{
    return rows->adapter->next(rows);
}

void sql_finish(struct sql_rows *rows)
{
    rows->adapter->finish(rows);
}

int sql_query_row(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
                  struct sql_rows **ret_rows)
{
    struct sql_rows *rows;
    TRY(sql_query(tx, statement, args, &rows));
    int found = sql_next(rows);
    if (found == 1) {
        *ret_rows = rows;
        return 1;
    }
    sql_finish(rows);
    if (found == 0)
        *ret_rows = NULL;
    return found;
}

bool sql_is_null(struct sql_rows *rows, unsigned column)
{
    return rows->adapter->column(rows, column).type == SQL_TYPE_NULL;
}

int64_t sql_get_int(struct sql_rows *rows, unsigned column)
{
    return rows->adapter->column(rows, column).integer;
}

struct str sql_get_text(struct sql_rows *rows, unsigned column)
{
    return rows->adapter->column(rows, column).bytes;
}

/* -- Care --------------------------------------------------------------------------------------------------------- */

int sql_backup(struct sql_db *db, const char *destination_path, char ret_message[512])
{
    ret_message[0] = '\0';
    return db->adapter->backup(db, destination_path, ret_message);
}

int sql_check(struct sql_db *db, char ret_message[512])
{
    ret_message[0] = '\0';
    return db->adapter->check(db, ret_message);
}

int sql_backup_snapshot(struct sql_tx *tx, int destination_file, char ret_message[512])
{
    ret_message[0] = '\0';
    return tx->db->adapter->backup_snapshot(tx, destination_file, ret_message);
}

/* -- Moving ------------------------------------------------------------------------------------------------------- */

int sql_list_tables(struct sql_tx *tx, struct arena *arena, struct sql_table **ret_tables, size_t *ret_count)
{
    return tx->db->adapter->list_tables(tx, arena, ret_tables, ret_count);
}

int sql_dump_table(struct sql_tx *tx, const struct sql_table *table, sql_row_visitor *visitor, void *argument)
{
    return tx->db->adapter->dump_table(tx, table, visitor, argument);
}

int sql_load_table(struct sql_tx *tx, const struct sql_table *table, sql_row_source *source, void *argument,
                   int64_t *ret_count)
{
    if (!sql_tx_is_write(tx))
        return ERR_INTERNAL;
    return tx->db->adapter->load_table(tx, table, source, argument, ret_count);
}

void sql_get_stats(struct sql_db *db, struct sql_stats *ret_stats)
{
    db->adapter->get_stats(db, ret_stats);
}
