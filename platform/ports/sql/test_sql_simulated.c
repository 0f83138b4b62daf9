/* The sql port under the seeded scheduler: writers, readers and the writer task in the orders that many seeds find.
 * Crashes need a VFS of the simulation's, for SQLite's own holds locks that a thrown-away task never gives back. */
#include "platform/base/simulator.h"
#include "platform/ports/sql/test_database.h"
#include "platform/ports/sql/test_sql_conformance.sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SEEDS 40
#define WRITERS 4
#define WRITES_EACH 6

static const struct sql_migration items = {
    .number = 1,
    .name = "items",
    .text = "CREATE TABLE item (id text PRIMARY KEY, quantity bigint NOT NULL, note text);"};

struct writer {
    struct sql_db *db;
    int number;
};

struct insert {
    char id[32];
    int result;
    int hook; /* 1 committed, -1 rolled back */
};

static void hook(bool committed, void *argument)
{
    ((struct insert *)argument)->hook = committed ? 1 : -1;
}

static int insert_closure(struct sql_tx *tx, void *argument)
{
    struct insert *insert = argument;
    TRY(sql_tx_on_commit(tx, hook, insert));
    TRY(sql_exec(tx, &ports_sql_test_insert, SQL_ARGS(sql_cstr(insert->id), sql_int(1), sql_null()), NULL));
    return insert->result;
}

static int count_closure(struct sql_tx *tx, void *argument)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &ports_sql_test_count, SQL_NO_ARGS, &rows));
    *(int64_t *)argument = sql_get_int(rows, 0);
    return 0;
}

static void write_some(void *argument)
{
    struct writer *writer = argument;
    int64_t before = 0, after = 0;
    for (int i = 0; i < WRITES_EACH; i++) {
        struct insert insert = {.result = i % 3 == 2 ? ERR_DECLINED : 0};
        snprintf(insert.id, sizeof(insert.id), "%d-%d", writer->number, i);
        ASSERT(sql_read(writer->db, count_closure, &before) == 0);
        ASSERT(sql_write(writer->db, insert_closure, &insert) == insert.result);
        ASSERT(insert.hook == (insert.result ? -1 : 1)); /* ran before we were told */
        ASSERT(sql_read(writer->db, count_closure, &after) == 0);
        ASSERT(after >= before + (insert.result == 0)); /* what was acknowledged is seen */
    }
}

static void run_writers(void *argument, unsigned incarnation)
{
    (void)incarnation;
    struct test_database *t = argument;
    struct task *tasks[WRITERS];
    struct writer writers[WRITERS];
    int64_t count = 0;
    ASSERT(test_database_open(t, "test", &items, 1) == 0);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){t->db, i};
        ASSERT(task_start(&tasks[i], "test-writer", write_some, &writers[i]) == 0);
    }
    for (int i = 0; i < WRITERS; i++)
        task_join(tasks[i]);
    ASSERT(sql_read(t->db, count_closure, &count) == 0);
    ASSERT(count == WRITERS * WRITES_EACH * 2 / 3);
    test_database_close(t);
}

/* No order of steps loses a write, tells of it too early, or leaves anybody waiting. */
static void test_sql__every_order_of_steps_is_sound(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct test_database t = {0};
        struct simulator_options options = {
            .delay_permille = 100, .delay_max_ns = 1000000, .spurious_wake_permille = 50};
        struct simulator_result result;
        simulator_run(seed, &options, run_writers, &t, &result);
        if (result.end != SIMULATOR_FINISHED)
            print_error("seed %llu: %s\n", (unsigned long long)seed, result.report);
        assert_int_equal(result.end, SIMULATOR_FINISHED);
        assert_int_equal(result.unjoined, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sql__every_order_of_steps_is_sound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
