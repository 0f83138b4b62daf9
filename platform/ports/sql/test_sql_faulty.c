/* The faulty decorator does what it is told, and hands everything else on. */
#include "platform/ports/sql/sql_faulty.h"
#include "platform/ports/sql/test_database.h"
#include "platform/ports/sql/test_sql_conformance.sql.h"
#include "platform/ports/test_fault.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct sql_migration items = {
    .number = 1,
    .name = "items",
    .text = "CREATE TABLE item (id text PRIMARY KEY, quantity bigint NOT NULL, note text);"};

struct fixture {
    struct test_database database;
    struct fault_plan *faults;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    TRY(test_database_open(&f->database, "test", &items, 1));
    f->faults = fault_plan_new();
    return sql_faulty_wrap(&f->database.db, f->faults);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    test_database_close(&f->database);
    fault_plan_free(f->faults);
    free(f);
    return 0;
}

static void hook(bool committed, void *argument)
{
    *(int *)argument = committed ? 1 : -1;
}

static int hook_result;

static int insert(struct sql_tx *tx, void *argument)
{
    assert_true(sql_tx_is_write(tx));
    TRY(sql_tx_on_commit(tx, hook, &hook_result));
    return sql_exec(tx, &ports_sql_test_insert, SQL_ARGS(sql_cstr(argument), sql_int(1), sql_null()), NULL);
}

static int count(struct sql_tx *tx, void *argument)
{
    assert_false(sql_tx_is_write(tx));
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &ports_sql_test_count, SQL_NO_ARGS, &rows));
    *(int64_t *)argument = sql_get_int(rows, 0);
    return 0;
}

static int64_t row_count(struct sql_db *db)
{
    int64_t rows = -1;
    assert_int_equal(sql_read(db, count, &rows), 0);
    return rows;
}

static void test_sql_faulty__nth_write_fails(void **state)
{
    struct fixture *f = *state;
    struct sql_db *db = f->database.db;
    const struct fault_rule second = {.port = FAULT_SQL, .call = "write", .nth = 2};
    assert_int_equal(fault_plan_set(f->faults, &second, 1), 0);
    assert_int_equal(sql_write(db, insert, "a"), 0);
    assert_int_equal(hook_result, 1);
    assert_int_equal(sql_write(db, insert, "b"), ERR_UNAVAILABLE);
    assert_int_equal(sql_write(db, insert, "c"), 0);
    assert_int_equal(row_count(db), 2);
}

/* The lost answer: the caller is told that it failed, and the row is there. */
static void test_sql_faulty__write_fails_after_success(void **state)
{
    struct fixture *f = *state;
    struct sql_db *db = f->database.db;
    test_fault_next(f->faults, FAULT_SQL, "write", FAULT_FAIL_AFTER);
    assert_int_equal(sql_write(db, insert, "a"), ERR_DEADLINE);
    assert_int_equal(row_count(db), 1);
    assert_int_equal(sql_write(db, insert, "a"), ERR_CONFLICT);
}

struct insert_counted {
    const char *id;
    int runs;
};

static int insert_counted(struct sql_tx *tx, void *argument)
{
    struct insert_counted *counted = argument;
    counted->runs++;
    return insert(tx, (void *)(size_t)counted->id);
}

/* The closure runs twice, and once for good. */
static void test_sql_faulty__write_is_undone_and_run_again(void **state)
{
    struct fixture *f = *state;
    struct sql_db *db = f->database.db;
    struct insert_counted counted = {.id = "a"};
    test_fault_next(f->faults, FAULT_SQL, "write", FAULT_REPEAT);
    assert_int_equal(sql_write(db, insert_counted, &counted), 0);
    assert_int_equal(counted.runs, 2);
    assert_int_equal(row_count(db), 1);
    assert_int_equal(hook_result, 1);
}

static void test_sql_faulty__statements_and_rows_fail_in_a_closure(void **state)
{
    static const struct {
        const char *call;
        enum fault_kind kind;
        int error;
    } rows[] = {
        {"query", FAULT_FAIL, ERR_UNAVAILABLE},
        {"query", FAULT_FAIL_AFTER, ERR_DEADLINE},
        {"next", FAULT_FAIL, ERR_UNAVAILABLE},
    };
    struct fixture *f = *state;
    struct sql_db *db = f->database.db;
    test_fault_next(f->faults, FAULT_SQL, "exec", FAULT_FAIL_AFTER);
    assert_int_equal(sql_write(db, insert, "a"), ERR_DEADLINE);
    assert_int_equal(hook_result, -1);
    assert_int_equal(row_count(db), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t counted = -1;
        test_fault_next(f->faults, FAULT_SQL, rows[i].call, rows[i].kind);
        assert_int_equal(sql_read(db, count, &counted), rows[i].error);
        assert_int_equal(counted, -1);
        assert_int_equal(row_count(db), 0);
    }
}

static void test_sql_faulty__reads_fail_and_wait(void **state)
{
    struct fixture *f = *state;
    struct sql_db *db = f->database.db;
    int64_t rows = 0;
    test_fault_next(f->faults, FAULT_SQL, "read", FAULT_FAIL);
    assert_int_equal(sql_read(db, count, &rows), ERR_UNAVAILABLE);
    int64_t started_ns = clock_monotonic_ns();
    test_fault_next(f->faults, FAULT_SQL, "read", FAULT_DELAY);
    assert_int_equal(sql_read(db, count, &rows), 0);
    assert_true(test_fault_was_late(started_ns));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sql_faulty__nth_write_fails),
        TEST(test_sql_faulty__write_fails_after_success),
        TEST(test_sql_faulty__write_is_undone_and_run_again),
        TEST(test_sql_faulty__statements_and_rows_fail_in_a_closure),
        TEST(test_sql_faulty__reads_fail_and_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
