/* Each commit of each store, as SQLite itself tells of it: its hooks are set on every connection that is opened, so
 * that nothing of the shop is asked, and nothing can be forgotten. */
#include "tests/simulation/books.h"
#include "tests/simulation/sqlite.sql.h"

#include <stdlib.h>

#define CHANGES_MAX 512

struct noted {
    int table;
    sqlite3_int64 rowid;
    bool is_insert;
};

/* The shop's own hook, which ours takes the place of, and calls. */
typedef int wal_hook(void *argument, sqlite3 *db, const char *name, int pages);

struct watcher {
    struct watcher *next;
    sqlite3 *db;
    wal_hook *shops;
    void *shops_argument;
    const struct watched_store *store;
    bool must_scan; /* the books do not know how the store stands */
    struct noted noted[CHANGES_MAX];
    size_t count;
    int64_t began_at_ms;
    sqlite3_stmt *one[WATCHED_TABLES_MAX], *all[WATCHED_TABLES_MAX];
    sqlite3_stmt *begin, *commit;
};

static uint64_t commits, gaps;
static struct watcher *watchers;            /* of the connections that are open, and of those that a crash took */
static bool is_current[WATCHED_TABLES_MAX]; /* by the store's index: the books stand where it does */

uint64_t watch_commits(void)
{
    return commits;
}

static size_t store_index(const char *store)
{
    size_t index = 0;
    while (strcmp(watched_stores[index].store, store) != 0)
        index++;
    return index;
}

bool watch_is_current(const char *store)
{
    return is_current[store_index(store)];
}

uint64_t watch_gaps(void)
{
    return gaps;
}

void watch_crashed(void)
{
    gaps++;
    for (size_t i = 0; watched_stores[i].store; i++)
        is_current[i] = is_current[i] && watched_stores[i].is_world;
}

const char *row_text(const struct change *change, int column)
{
    const unsigned char *text = sqlite3_column_text(change->row, column);
    return text ? (const char *)text : "";
}

/* -- Showing ------------------------------------------------------------------------------------------------------- */

static bool prepare(struct watcher *watcher, const char *text, sqlite3_stmt **statement)
{
    return *statement || sqlite3_prepare_v2(watcher->db, text, -1, statement, NULL) == SQLITE_OK;
}

/* False when the store could not be read: a fault of the disk. */
static bool show_one(struct watcher *watcher, const struct noted *noted)
{
    const struct watched_table *table = &watched_tables[noted->table];
    sqlite3_stmt **statement = &watcher->one[noted->table];
    if (!prepare(watcher, table->one->text, statement))
        return false;
    sqlite3_bind_int64(*statement, 1, noted->rowid);
    int result = sqlite3_step(*statement);
    /* A row that was inserted and is not there was never committed: its savepoint was rolled back. */
    if (result == SQLITE_ROW || (result == SQLITE_DONE && !noted->is_insert))
        table->judge(&(struct change){.table = table,
                                      .row = result == SQLITE_ROW ? *statement : NULL,
                                      .rowid = noted->rowid,
                                      .is_insert = noted->is_insert,
                                      .began_at_ms = watcher->began_at_ms});
    sqlite3_reset(*statement);
    return result == SQLITE_ROW || result == SQLITE_DONE;
}

static bool show_all(struct watcher *watcher, int index)
{
    const struct watched_table *table = &watched_tables[index];
    sqlite3_stmt **statement = &watcher->all[index];
    int result;
    if (!prepare(watcher, table->all->text, statement))
        return sqlite3_errcode(watcher->db) == SQLITE_ERROR; /* not migrated yet: there is no such table */
    while ((result = sqlite3_step(*statement)) == SQLITE_ROW)
        table->judge(&(struct change){.table = table, .row = *statement, .is_scan = true});
    sqlite3_reset(*statement);
    return result == SQLITE_DONE;
}

/* In the order of the tables: an order before its event. Some of what was noted was rolled back since. */
static bool show_noted(struct watcher *watcher)
{
    for (int table = 0; watched_tables[table].store; table++) {
        for (size_t i = 0; i < watcher->count; i++) {
            if (watcher->noted[i].table == table && !show_one(watcher, &watcher->noted[i]))
                return false;
        }
    }
    return true;
}

static bool show(struct watcher *watcher)
{
    bool is_scan = watcher->must_scan, is_whole = true;
    if (watcher->store->begin)
        watcher->store->begin(is_scan);
    for (int i = 0; is_scan && is_whole && watched_tables[i].store; i++)
        is_whole = strcmp(watched_tables[i].store, watcher->store->store) != 0 || show_all(watcher, i);
    is_whole = is_whole && (is_scan || show_noted(watcher));
    is_current[watcher->store - watched_stores] = is_whole;
    if (is_whole && watcher->store->end)
        watcher->store->end(is_scan);
    return is_whole;
}

/* -- Hooks --------------------------------------------------------------------------------------------------------- */

static void look(struct watcher *watcher)
{
    bool is_whole = prepare(watcher, simulation_sql_begin_look.text, &watcher->begin) &&
                    prepare(watcher, simulation_sql_end_look.text, &watcher->commit) &&
                    sqlite3_step(watcher->begin) == SQLITE_DONE && show(watcher);
    sqlite3_reset(watcher->begin);
    if (!sqlite3_get_autocommit(watcher->db))
        sqlite3_step(watcher->commit);
    sqlite3_reset(watcher->commit);
    watcher->must_scan = !is_whole;
    gaps += !is_whole;
    watcher->count = 0;
}

static int committed(void *argument, sqlite3 *db, const char *name, int pages)
{
    struct watcher *watcher = argument;
    int64_t steady_ms = simulator_process_steady_ms();
    commits++;
    if (steady_ms > simulation.latest_steady_ms)
        simulation.latest_steady_ms = steady_ms;
    if (watcher->count > 0 || watcher->must_scan)
        look(watcher);
    return watcher->shops ? watcher->shops(watcher->shops_argument, db, name, pages) : SQLITE_OK;
}

static struct watcher *find_watcher(const sqlite3 *db)
{
    struct watcher *watcher = watchers;
    while (watcher && watcher->db != db)
        watcher = watcher->next;
    return watcher;
}

void watch_began(const sqlite3 *db)
{
    struct watcher *watcher = find_watcher(db);
    if (watcher)
        watcher->began_at_ms = simulator_process_steady_ms();
}

void *__real_sqlite3_wal_hook(sqlite3 *db, wal_hook *hook, void *argument);
void *__wrap_sqlite3_wal_hook(sqlite3 *db, wal_hook *hook, void *argument);

void *__wrap_sqlite3_wal_hook(sqlite3 *db, wal_hook *hook, void *argument)
{
    struct watcher *watcher = find_watcher(db);
    if (!watcher)
        return __real_sqlite3_wal_hook(db, hook, argument);
    void *before = watcher->shops_argument;
    watcher->shops = hook;
    watcher->shops_argument = argument;
    return before;
}

static void changed(void *argument, int operation, const char *name, const char *table, sqlite3_int64 rowid)
{
    struct watcher *watcher = argument;
    (void)name;
    __real_sqlite3_wal_hook(watcher->db, committed, watcher); /* again: PRAGMA wal_autocheckpoint takes it away */
    for (int i = 0; watched_tables[i].store; i++) {
        if (strcmp(watched_tables[i].table, table) != 0 || strcmp(watched_tables[i].store, watcher->store->store) != 0)
            continue;
        for (size_t j = 0; j < watcher->count; j++) {
            if (watcher->noted[j].table == i && watcher->noted[j].rowid == rowid)
                return;
        }
        if (watcher->count == CHANGES_MAX)
            watcher->must_scan = true;
        else
            watcher->noted[watcher->count++] = (struct noted){i, rowid, operation == SQLITE_INSERT};
    }
}

static int closing(unsigned what, void *argument, void *db, void *nothing)
{
    struct watcher *watcher = argument;
    (void)what, (void)db, (void)nothing;
    for (int i = 0; i < WATCHED_TABLES_MAX; i++) {
        sqlite3_finalize(watcher->one[i]);
        sqlite3_finalize(watcher->all[i]);
    }
    sqlite3_finalize(watcher->begin);
    sqlite3_finalize(watcher->commit);
    struct watcher **place = &watchers;
    while (*place != watcher)
        place = &(*place)->next;
    *place = watcher->next;
    free(watcher);
    return 0;
}

static const struct watched_store *find_store(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    const char *name = slash ? slash + 1 : path;
    for (int i = 0; name && watched_stores[i].store; i++) {
        size_t length = strlen(watched_stores[i].store);
        if (strncmp(name, watched_stores[i].store, length) == 0 && strcmp(name + length, ".db") == 0)
            return &watched_stores[i];
    }
    return NULL;
}

static int opened(sqlite3 *db, const char **message, const struct sqlite3_api_routines *api)
{
    (void)message, (void)api;
    const struct watched_store *store = find_store(sqlite3_db_filename(db, "main"));
    struct watcher *watcher = store ? calloc(1, sizeof(*watcher)) : NULL;
    if (!watcher)
        return SQLITE_OK;
    watcher->db = db;
    watcher->store = store;
    watcher->must_scan = true;
    watcher->next = watchers;
    watchers = watcher;
    sqlite3_update_hook(db, changed, watcher);
    sqlite3_trace_v2(db, SQLITE_TRACE_CLOSE, closing, watcher);
    return SQLITE_OK;
}

void watch_scan(const char *path, const char *vfs)
{
    sqlite3 *db;
    ASSERT(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, vfs) == SQLITE_OK);
    if (!show(watchers))
        violated("the stores can be read", "%s: %s", path, sqlite3_errmsg(db));
    sqlite3_close(db);
}

void watch_start(void)
{
    ASSERT(sqlite3_auto_extension((void (*)(void))(void *)opened) == SQLITE_OK);
}
