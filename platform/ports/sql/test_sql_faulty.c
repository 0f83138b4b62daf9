/* The faulty decorator does what it is told, and hands everything else on. */
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/sql_faulty.h"
#include "platform/ports/sql/test_database.h"
#include "platform/ports/sql/test_sql_conformance.sql.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct sql_migration items = {
    1, "items", "CREATE TABLE item (id text PRIMARY KEY, quantity bigint NOT NULL, note text);"};

static int set_up(void **state)
{
    struct test_database *t = calloc(1, sizeof(*t));
    *state = t;
    return test_database_open(t, "test", &items, 1);
}

static int tear_down(void **state)
{
    test_database_close(*state);
    free(*state);
    return 0;
}

static void wrap(struct test_database *t, struct sql_fault fault)
{
    assert_int_equal(sql_faulty_new(&t->db, t->db, &fault, 1), 0);
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
    struct test_database *t = *state;
    wrap(t, (struct sql_fault){SQL_FAULT_ON_WRITE, SQL_FAULT_FAIL, 2, ERR_UNAVAILABLE, 0});
    assert_int_equal(sql_write(t->db, insert, "a"), 0);
    assert_int_equal(hook_result, 1);
    assert_int_equal(sql_write(t->db, insert, "b"), ERR_UNAVAILABLE);
    assert_int_equal(sql_write(t->db, insert, "c"), 0);
    assert_int_equal(row_count(t->db), 2);
    assert_int_equal(sql_faulty_calls(t->db, SQL_FAULT_ON_WRITE), 3);
}

/* The lost answer: the caller is told that it failed, and the row is there. */
static void test_sql_faulty__write_fails_after_success(void **state)
{
    struct test_database *t = *state;
    wrap(t, (struct sql_fault){SQL_FAULT_ON_WRITE, SQL_FAULT_FAIL_AFTER, 1, ERR_STORAGE_FULL, 0});
    assert_int_equal(sql_write(t->db, insert, "a"), ERR_STORAGE_FULL);
    assert_int_equal(row_count(t->db), 1);
    assert_int_equal(sql_write(t->db, insert, "a"), ERR_CONFLICT);
}

static void test_sql_faulty__statement_fails_in_a_closure(void **state)
{
    struct test_database *t = *state;
    wrap(t, (struct sql_fault){SQL_FAULT_ON_STATEMENT, SQL_FAULT_FAIL_AFTER, 1, ERR_UNAVAILABLE, 0});
    assert_int_equal(sql_write(t->db, insert, "a"), ERR_UNAVAILABLE);
    assert_int_equal(hook_result, -1);
    assert_int_equal(row_count(t->db), 0);
}

static void test_sql_faulty__reads_fail_and_wait(void **state)
{
    struct test_database *t = *state;
    int64_t rows = 0;
    wrap(t, (struct sql_fault){SQL_FAULT_ON_READ, SQL_FAULT_DELAY, 2, 0, 20});
    wrap(t, (struct sql_fault){SQL_FAULT_ON_READ, SQL_FAULT_FAIL, 1, ERR_UNAVAILABLE, 0});
    assert_int_equal(sql_read(t->db, count, &rows), ERR_UNAVAILABLE);
    assert_int_equal(sql_read(t->db, count, &rows), 0);
    int64_t started_ns = clock_monotonic_ns();
    assert_int_equal(sql_read(t->db, count, &rows), 0);
    assert_true(clock_monotonic_ns() - started_ns >= 20 * CLOCK_NS_PER_MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sql_faulty__nth_write_fails),
        TEST(test_sql_faulty__write_fails_after_success),
        TEST(test_sql_faulty__statement_fails_in_a_closure),
        TEST(test_sql_faulty__reads_fail_and_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
