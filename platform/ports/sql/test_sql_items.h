/* The rows that the suites of the sql port write, and what they do with them. */
#pragma once

#include "platform/ports/sql/sql.h"
#include "platform/ports/sql/test_database.h"
#include "platform/ports/sql/test_sql_conformance.sql.h"

static const struct sql_migration test_item_migrations[] = {
    {.number = 1,
     .name = "items",
     .text =
         "CREATE TABLE item (id text PRIMARY KEY, quantity bigint NOT NULL CHECK (quantity >= 0), note text UNIQUE);"
         "CREATE TABLE item_child (id text PRIMARY KEY, item_id text NOT NULL REFERENCES item (id));"},
    {.number = 2, .name = "index", .text = "CREATE INDEX item_quantity ON item (quantity);"},
};

/* A test's set-up and tear-down: a database with no row in it, a struct test_database. */
static inline int test_items_set_up(void **state)
{
    struct test_database *t = calloc(1, sizeof(*t));
    *state = t;
    return test_database_open(t, "test", test_item_migrations, 2);
}

static inline int test_items_tear_down(void **state)
{
    struct test_database *t = *state;
    test_database_close(t);
    free(t);
    return 0;
}

struct item {
    const char *id;
    int64_t quantity;
    const char *note;
    int result; /* what the closure returns after it has written */
};

static inline int insert_item(struct sql_tx *tx, void *argument)
{
    struct item *item = argument;
    TRY(sql_exec(tx, &ports_sql_test_insert,
                 SQL_ARGS(sql_cstr(item->id), sql_int(item->quantity), sql_cstr(item->note)), NULL));
    return item->result;
}

static inline int get_item(struct sql_tx *tx, void *argument)
{
    struct item *item = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &ports_sql_test_get, SQL_ARGS(sql_cstr(item->id)), &rows);
    if (found <= 0)
        return found < 0 ? found : ERR_NOT_FOUND;
    item->quantity = sql_get_int(rows, 0);
    return 0;
}

static inline int count_items(struct sql_tx *tx, void *argument)
{
    int64_t *counts = argument; /* rows, sum of quantities */
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &ports_sql_test_count, SQL_NO_ARGS, &rows));
    counts[0] = sql_get_int(rows, 0);
    counts[1] = sql_get_int(rows, 1);
    return 0;
}

/* -1 when they cannot be read. */
static inline int64_t row_count(struct sql_db *db)
{
    int64_t counts[2] = {-1, -1};
    return sql_read(db, count_items, counts) == 0 ? counts[0] : -1;
}
