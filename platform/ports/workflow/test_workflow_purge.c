/* Proves that what ended long ago goes with its history, in batches, and that everything else stays. */
#include "platform/ports/sql/test_database.h"
#include "platform/ports/workflow/migrations/migrations.h"
#include "platform/ports/workflow/workflow.h"
#include "platform/ports/workflow/workflow.sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1700000000000)

struct seeded {
    const char *status;
    int64_t ended_at_ms;
    int count;
};

/* Each with two steps and a signal that nobody took. */
static int insert_one(struct sql_tx *tx, const char *id, const struct seeded *seeded)
{
    TRY(sql_exec(tx, &workflow_sql_insert,
                 SQL_ARGS(sql_cstr(id), sql_cstr("test"), sql_cstr("default"), sql_cstr(""), sql_cstr("{}"),
                          sql_int(seeded->ended_at_ms)),
                 NULL));
    TRY(sql_exec(tx, &workflow_sql_insert_signal,
                 SQL_ARGS(sql_cstr(id), sql_cstr("hello"), sql_cstr("{}"), sql_int(seeded->ended_at_ms)), NULL));
    for (int seq = 1; seq <= 2; seq++)
        TRY(sql_exec(tx, &workflow_sql_insert_step,
                     SQL_ARGS(sql_cstr(id), sql_int(seq), sql_cstr("activity"), sql_cstr("step"), sql_cstr("done"),
                              sql_int(1), sql_int(0), sql_null(), sql_null(), sql_null(), sql_int(0), sql_null(),
                              sql_null(), sql_int(seeded->ended_at_ms), sql_int(seeded->ended_at_ms)),
                     NULL));
    if (strcmp(seeded->status, "running") == 0)
        return 0;
    return sql_exec(tx, &workflow_sql_set_status,
                    SQL_ARGS(sql_cstr(id), sql_cstr(seeded->status), sql_null(), sql_int(0), sql_null(), sql_null(),
                             sql_int(seeded->ended_at_ms)),
                    NULL);
}

static int insert_all(struct sql_tx *tx, void *argument)
{
    const struct seeded *seeded = argument;

    for (; seeded->status; seeded++) {
        for (int i = 0; i < seeded->count; i++) {
            char id[64];

            snprintf(id, sizeof(id), "%s-%lld-%d", seeded->status, (long long)seeded->ended_at_ms, i);
            TRY(insert_one(tx, id, seeded));
        }
    }
    return 0;
}

struct purge {
    struct workflow_engine *engine;
    int64_t deleted;
};

static int purge(struct sql_tx *tx, void *argument)
{
    struct purge *purge = argument;

    return workflow_purge(purge->engine, tx, NOW_MS, &purge->deleted);
}

static int64_t purged(struct workflow_engine *engine, struct sql_db *db)
{
    struct purge argument = {.engine = engine, .deleted = -1};

    assert_int_equal(sql_write(db, purge, &argument), 0);
    return argument.deleted;
}

static int count_rows(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement count = {
        "test_count", "SELECT (SELECT COUNT(*) FROM workflow), (SELECT COUNT(*) FROM workflow_history), "
                      "(SELECT COUNT(*) FROM workflow_signal)"};
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int64_t *counts = argument;

    assert_int_equal(sql_query_row(tx, &count, SQL_NO_ARGS, &rows), 1);
    for (unsigned i = 0; i < 3; i++)
        counts[i] = sql_get_int(rows, i);
    return 0;
}

static void test_workflow_purge__takes_what_ended_long_ago_in_batches(void **state)
{
    struct seeded seeded[] = {{"completed", NOW_MS - 2, WORKFLOW_PURGE_MAX},
                              {"failed", NOW_MS - 1, 3},
                              {"completed", NOW_MS, 1}, /* just now */
                              {"running", NOW_MS - 5, 1},
                              {"compensating", NOW_MS - 5, 1},
                              {"stuck", NOW_MS - 5, 1},
                              {0}};
    struct test_database database = {0};
    struct workflow_engine *engine;
    int64_t counts[3];

    (void)state;
    assert_int_equal(test_database_open(&database, "workflow", workflow_migrations, workflow_migration_count), 0);
    const struct workflow_engine_config config = {.url = "sql:", .db = database.db};
    assert_int_equal(workflow_engine_open(&engine, &config, database.message), 0);
    assert_int_equal(sql_write(database.db, insert_all, seeded), 0);
    assert_int_equal(purged(engine, database.db), WORKFLOW_PURGE_MAX); /* the oldest first */
    assert_int_equal(purged(engine, database.db), 3);
    assert_int_equal(purged(engine, database.db), 0);
    assert_int_equal(sql_read(database.db, count_rows, counts), 0);
    assert_int_equal(counts[0], 4);
    assert_int_equal(counts[1], 8);
    assert_int_equal(counts[2], 4);
    workflow_engine_free(engine);
    test_database_close(&database);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workflow_purge__takes_what_ended_long_ago_in_batches),
    };

    return cmocka_run_group_tests_name("workflow_purge", tests, NULL, NULL);
}
