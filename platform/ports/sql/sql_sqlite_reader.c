/* The pool of read connections. A reader takes one, opened on first use, and reads a snapshot in it. */
#include "platform/ports/sql/sql_sqlite.h"
#include "platform/ports/sql/sqlite.sql.h"

static struct sqlite_connection *take_reader(struct sqlite_db *db)
{
    TASK_LOCKED(&db->readers_mutex);
    while (!db->free_readers)
        task_cond_wait(&db->reader_freed, &db->readers_mutex);
    struct sqlite_connection *reader = db->free_readers;
    db->free_readers = reader->next_free;
    return reader;
}

/* Last in, first out: its pages are the warmest, and connections beyond the need are never opened. */
static void give_reader_back(struct sqlite_db *db, struct sqlite_connection *reader)
{
    TASK_LOCKED(&db->readers_mutex);
    reader->next_free = db->free_readers;
    db->free_readers = reader;
    task_cond_signal(&db->reader_freed);
}

static int read_snapshot(struct sqlite_db *db, struct sqlite_connection *reader, sql_closure *closure, void *argument)
{
    if (!reader->handle)
        TRY(sqlite_connection_open(db, reader, false, NULL));
    /* BEGIN takes no lock by itself: the first query does, and what it saw stays until COMMIT. */
    TRY(sqlite_run(reader, &ports_sql_sqlite_begin_read));
    reader->tx_error = 0;
    struct sqlite_tx tx = {.base = {.db = &db->base, .arena = reader->arena}, .connection = reader};
    int result = closure(&tx.base, argument);
    sqlite_statements_stop(reader);
    if (!sqlite3_get_autocommit(reader->handle))
        sqlite_run(reader, &ports_sql_sqlite_commit);
    arena_reset(reader->arena);
    return result;
}

int sqlite_read(struct sql_db *base, sql_closure *closure, void *argument)
{
    struct sqlite_db *db = sqlite_db_of(base);
    struct sqlite_connection *reader = take_reader(db);
    int result = read_snapshot(db, reader, closure, argument);
    give_reader_back(db, reader);
    atomic_fetch_add_explicit(&db->reads, 1, memory_order_relaxed);
    return result;
}
