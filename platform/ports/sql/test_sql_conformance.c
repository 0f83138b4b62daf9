/* The conformance suite of the sql port: what every adapter must do, written against sql.h alone, alone and behind the
 * decorator. test_database.h says which engine it runs on. */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/sql_faulty.h"
#include "platform/ports/sql/test_database.h"
#include "platform/ports/sql/test_sql_items.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct sql_db *db;
    struct fault_plan *faults; /* NULL without the decorator */
    char folder[TEST_FOLDER_BYTES];
    char url[SQL_URL_BYTES];
    char message[512];
};

static bool is_decorated; /* behind the decorator, with no fault planned */

static void open_database(struct fixture *f, size_t batch_max)
{
    struct sql_config config = {.url = f->url, .write_batch_max = batch_max};
    int error = sql_open(&f->db, &config, f->message);
    if (error)
        fail_msg("%s: %s", error_name(error), f->message);
    assert_int_equal(sql_faulty_wrap(&f->db, f->faults), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    test_folder_make(f->folder);
    test_database_url(f->folder, "test", f->url);
    f->faults = is_decorated ? fault_plan_new() : NULL;
    open_database(f, 0);
    *state = f;
    return sql_migrate(f->db, "test", test_item_migrations, 2, f->message);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sql_close(f->db);
    test_folder_remove(f->folder);
    fault_plan_free(f->faults);
    free(f);
    return 0;
}

/* -- Statements --------------------------------------------------------------------------------------------------- */

static int round_trip_values(struct sql_tx *tx, void *argument)
{
    (void)argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct str text = STR("caf\xc3\xa9 'quoted'");
    assert_int_equal(sql_query_row(tx, &ports_sql_test_insert_returning,
                                   SQL_ARGS(sql_int(INT64_MAX), sql_text(STR("a")), sql_text(text)), &rows),
                     1);
    assert_true(str_equal_cstr(sql_get_text(rows, 0), "a"));
    assert_true(sql_get_int(rows, 1) == INT64_MAX);
    assert_true(str_equal(sql_get_text(rows, 2), text));
    sql_finish(rows);
    rows = NULL;
    assert_int_equal(sql_exec(tx, &ports_sql_test_insert, SQL_ARGS(sql_text(STR_EMPTY), sql_int(0), sql_null()), NULL),
                     0);
    assert_int_equal(sql_query_row(tx, &ports_sql_test_get, SQL_ARGS(sql_text(STR_EMPTY)), &rows), 1);
    assert_true(sql_is_null(rows, 1));
    assert_null(sql_get_text(rows, 1).ptr);
    assert_false(sql_is_null(rows, 0));
    return 0;
}

/* Integers, text, NULL and the empty string come back as they went in; $N are matched by number. */
static void test_sql__values_round_trip(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sql_write(f->db, round_trip_values, NULL), 0);
    assert_int_equal(row_count(f->db), 2);
}

#define STATEMENTS_MAX 8

/* What the statements of a closure gave in its last run; an engine may run it more than once. */
struct outcome {
    int results[STATEMENTS_MAX];
    int64_t changed[STATEMENTS_MAX];
    size_t count;
};

static void note_exec(struct sql_tx *tx, struct outcome *outcome, const struct sql_statement *statement,
                      struct sql_args args)
{
    outcome->changed[outcome->count] = -1;
    outcome->results[outcome->count] = sql_exec(tx, statement, args, &outcome->changed[outcome->count]);
    outcome->count++;
}

static int break_constraints(struct sql_tx *tx, void *argument)
{
    struct outcome *outcome = argument;
    *outcome = (struct outcome){0};
    note_exec(tx, outcome, &ports_sql_test_insert, SQL_ARGS(sql_cstr("a"), sql_int(1), sql_cstr("x")));
    /* primary key, unique, check, not null, foreign key */
    note_exec(tx, outcome, &ports_sql_test_insert, SQL_ARGS(sql_cstr("a"), sql_int(1), sql_null()));
    note_exec(tx, outcome, &ports_sql_test_insert, SQL_ARGS(sql_cstr("b"), sql_int(1), sql_cstr("x")));
    note_exec(tx, outcome, &ports_sql_test_update, SQL_ARGS(sql_cstr("a"), sql_int(-2)));
    note_exec(tx, outcome, &ports_sql_test_insert, SQL_ARGS(sql_cstr("b"), sql_null(), sql_null()));
    note_exec(tx, outcome, &ports_sql_test_insert_child, SQL_ARGS(sql_cstr("c"), sql_cstr("none")));
    /* The transaction goes on. */
    note_exec(tx, outcome, &ports_sql_test_update, SQL_ARGS(sql_cstr("a"), sql_int(2)));
    note_exec(tx, outcome, &ports_sql_test_update, SQL_ARGS(sql_cstr("none"), sql_int(2)));
    return 0;
}

/* A refused statement leaves nothing behind and the transaction usable. */
static void test_sql__constraint_error_keeps_the_transaction_usable(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome;
    static const int expected[STATEMENTS_MAX] = {
        0, ERR_CONFLICT, ERR_CONFLICT, ERR_CONFLICT, ERR_CONFLICT, ERR_CONFLICT, 0, 0};
    assert_int_equal(sql_write(f->db, break_constraints, &outcome), 0);
    assert_memory_equal(outcome.results, expected, sizeof(expected));
    assert_int_equal(outcome.changed[0], 1);
    assert_int_equal(outcome.changed[6], 1);
    assert_int_equal(outcome.changed[7], 0);
    struct item item = {.id = "a"};
    assert_int_equal(sql_read(f->db, get_item, &item), 0);
    assert_int_equal(item.quantity, 3);
    assert_int_equal(row_count(f->db), 1);
}

static int finish_early(struct sql_tx *tx, void *argument)
{
    (void)argument;
    for (int i = 0; i < 2; i++) {
        CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
        assert_int_equal(sql_query(tx, &ports_sql_test_list, SQL_ARGS(sql_cstr(""), sql_int(10)), &rows), 0);
        assert_int_equal(sql_next(rows), 1);
        assert_true(str_equal_cstr(sql_get_text(rows, 0), "a"));
    }
    struct sql_rows *none = argument;
    assert_int_equal(sql_query_row(tx, &ports_sql_test_get, SQL_ARGS(sql_cstr("zz")), &none), 0);
    assert_null(none);
    /* Left open on purpose: the adapter stops what a closure forgets. */
    return sql_query(tx, &ports_sql_test_list, SQL_ARGS(sql_cstr(""), sql_int(10)), &none);
}

static void test_sql__rows_may_be_finished_early(void **state)
{
    struct fixture *f = *state;
    struct item a = {"a", 1, NULL, 0}, b = {"b", 1, NULL, 0};
    assert_int_equal(sql_write(f->db, insert_item, &a), 0);
    assert_int_equal(sql_write(f->db, insert_item, &b), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sql_read(f->db, finish_early, NULL), 0);
        assert_int_equal(sql_write(f->db, finish_early, NULL), 0);
    }
}

static int write_in_read(struct sql_tx *tx, void *argument)
{
    assert_false(sql_tx_is_write(tx));
    return insert_item(tx, argument);
}

static void test_sql__read_refuses_to_write(void **state)
{
    struct fixture *f = *state;
    struct item item = {"a", 1, NULL, 0};
    assert_int_not_equal(sql_read(f->db, write_in_read, &item), 0);
    assert_int_equal(row_count(f->db), 0);
}

/* -- Transactions ------------------------------------------------------------------------------------------------- */

#define WRITERS 16
#define WRITES_EACH 50

struct writer {
    struct fixture *f;
    unsigned number;
    unsigned kept;
};

static void write_many(void *argument)
{
    struct writer *writer = argument;
    for (unsigned i = 0; i < WRITES_EACH; i++) {
        char id[32];
        snprintf(id, sizeof(id), "%u-%u", writer->number, i);
        /* Every fifth fails after it has written. */
        struct item item = {id, 1, NULL, i % 5 == 4 ? ERR_DECLINED : 0};
        int result = sql_write(writer->f->db, insert_item, &item);
        assert_int_equal(result, item.result);
        writer->kept += result == 0;
    }
}

/* Writers at once: each keeps its own effects, and failures take nothing from others. */
static void test_sql__concurrent_writes_keep_their_own_effects(void **state)
{
    struct fixture *f = *state;
    struct writer writers[WRITERS];
    struct task *tasks[WRITERS];
    struct sql_stats before, after;
    sql_get_stats(f->db, &before);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){f, i, 0};
        assert_int_equal(task_start(&tasks[i], "test-writer", write_many, &writers[i]), 0);
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < WRITERS; i++) {
        task_join(tasks[i]);
        kept += writers[i].kept;
    }
    sql_get_stats(f->db, &after);
    assert_int_equal(kept, WRITERS * WRITES_EACH * 4 / 5);
    assert_int_equal(row_count(f->db), kept);
    assert_int_equal(after.writes - before.writes, kept);
}

struct hooked_insert {
    struct item item;
    char log[64]; /* a hook's calls: C for committed, - for taken back */
};

static void note_end(bool committed, void *argument)
{
    struct hooked_insert *insert = argument;
    strcat(insert->log, committed ? "C" : "-");
}

static int insert_with_hook(struct sql_tx *tx, void *argument)
{
    struct hooked_insert *insert = argument;
    TRY(sql_tx_on_commit(tx, note_end, insert));
    return insert_item(tx, &insert->item);
}

static int fail_alone(struct sql_tx *tx, void *argument)
{
    TRY(insert_with_hook(tx, argument));
    return ERR_STALE;
}

/* What fails is rolled back whole, and its hook is told; the hook of what does not runs before the writer learns of it.
 * A run that an engine takes back and repeats drops its hooks. */
static void test_sql__hooks_hear_of_the_end(void **state)
{
    struct fixture *f = *state;
    struct hooked_insert insert = {.item = {"a", 1, NULL, 0}};
    assert_int_equal(sql_write(f->db, fail_alone, &insert), ERR_STALE);
    assert_string_equal(insert.log, "-");
    assert_int_equal(row_count(f->db), 0);
    assert_int_equal(sql_write(f->db, insert_with_hook, &insert), 0);
    assert_string_equal(insert.log, "-C");
    assert_int_equal(sql_write(f->db, insert_with_hook, &insert), ERR_CONFLICT);
    assert_null(strchr(insert.log + 2, 'C'));
    assert_int_equal(insert.log[2], '-');
    assert_int_equal(row_count(f->db), 1);
}

struct snapshot {
    struct fixture *f;
    int64_t before[2];
    int64_t after[2];
};

static void insert_from_task(void *argument)
{
    struct fixture *f = argument;
    struct item item = {"new", 1, NULL, 0};
    assert_int_equal(sql_write(f->db, insert_item, &item), 0);
}

static int read_twice(struct sql_tx *tx, void *argument)
{
    struct snapshot *snapshot = argument;
    TRY(count_items(tx, snapshot->before));
    struct task *task;
    TRY(task_start(&task, "test-insert", insert_from_task, snapshot->f));
    task_join(task); /* committed, while this snapshot is open */
    return count_items(tx, snapshot->after);
}

/* A read sees one moment, whatever commits meanwhile; the writer does not wait for it. */
static void test_sql__read_is_a_snapshot(void **state)
{
    struct fixture *f = *state;
    struct snapshot snapshot = {.f = f};
    assert_int_equal(sql_read(f->db, read_twice, &snapshot), 0);
    assert_int_equal(snapshot.before[0], 0);
    assert_int_equal(snapshot.after[0], 0);
    assert_int_equal(row_count(f->db), 1);
}

static int use_arena(struct sql_tx *tx, void *argument)
{
    assert_ptr_equal(sql_tx_db(tx), argument);
    char *text = arena_cstr(sql_tx_arena(tx), STR("kept until the closure returns"));
    assert_non_null(text);
    assert_null(arena_alloc(sql_tx_arena(tx), (size_t)1 << 40));
    return 0;
}

static void test_sql__transaction_has_a_bounded_arena(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sql_write(f->db, use_arena, f->db), 0);
    assert_int_equal(sql_read(f->db, use_arena, f->db), 0);
}

/* -- Migrations --------------------------------------------------------------------------------------------------- */

static void reopen(struct fixture *f)
{
    sql_close(f->db);
    f->db = NULL;
    open_database(f, 0);
}

/* Applied once; kept over a restart; nothing to do the second time. */
static void test_sql__migrations_apply_once(void **state)
{
    struct fixture *f = *state;
    insert_from_task(f);
    reopen(f);
    assert_int_equal(sql_migrate(f->db, "test", test_item_migrations, 2, f->message), 0);
    assert_int_equal(row_count(f->db), 1);
    /* Another list has numbers of its own. */
    static const struct sql_migration other[] = {
        {.number = 1, .name = "other", .text = "CREATE TABLE other (id text PRIMARY KEY);"}};
    assert_int_equal(sql_migrate(f->db, "other", other, 1, f->message), 0);
}

static void test_sql__edited_migration_is_refused(void **state)
{
    struct fixture *f = *state;
    struct sql_migration edited[] = {test_item_migrations[0], test_item_migrations[1]};
    edited[1].text = "CREATE INDEX item_quantity ON item (quantity, id);";
    assert_int_equal(sql_migrate(f->db, "test", edited, 2, f->message), ERR_CORRUPT);
    assert_non_null(strstr(f->message, "migration 2 (index) of \"test\""));
}

static void test_sql__newer_database_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sql_migrate(f->db, "test", test_item_migrations, 1, f->message), ERR_CORRUPT);
    assert_non_null(strstr(f->message, "newer version"));
}

/* A migration that fails half-way leaves nothing, those before it stay, and it can be tried again. */
static void test_sql__failed_migration_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct sql_migration more[] = {
        test_item_migrations[0],
        test_item_migrations[1],
        {.number = 3, .name = "good", .text = "CREATE TABLE good (id text PRIMARY KEY);"},
        {.number = 4, .name = "bad", .text = "CREATE TABLE bad (id text PRIMARY KEY); SELECT nothing FROM nowhere;"}};
    assert_int_not_equal(sql_migrate(f->db, "test", more, 4, f->message), 0);
    assert_true(f->message[0] != '\0');
    more[3].text = "CREATE TABLE bad (id text PRIMARY KEY);";
    assert_int_equal(sql_migrate(f->db, "test", more, 4, f->message), 0);
    assert_int_equal(sql_migrate(f->db, "test", more, 4, f->message), 0);
}

/* -- Care --------------------------------------------------------------------------------------------------------- */

static void test_sql__check_of_a_sound_database(void **state)
{
    struct fixture *f = *state;
    insert_from_task(f);
    assert_int_equal(sql_check(f->db, f->message), 0);
    assert_string_equal(f->message, "");
}

static int read_mark(struct sql_tx *tx, void *argument)
{
    return sql_find_mark(tx, argument);
}

static int write_mark(struct sql_tx *tx, void *argument)
{
    return sql_put_mark(tx, argument);
}

static int read_tables(struct sql_tx *tx, void *argument)
{
    struct sql_table *tables;
    return sql_list_tables(tx, sql_tx_arena(tx), &tables, argument);
}

static void test_sql__a_mark_is_kept_and_is_no_table_of_the_service(void **state)
{
    struct fixture *f = *state;
    struct sql_mark mark = {.shop = "shop-a", .openings = 1}, found = {.openings = -1};
    size_t before, after;
    assert_int_equal(sql_read(f->db, read_mark, &found), 0);
    assert_int_equal(found.openings, -1);
    assert_int_equal(sql_read(f->db, read_tables, &before), 0);
    assert_int_equal(sql_write(f->db, write_mark, &mark), 0);
    mark.openings = INT64_C(5000000000);
    assert_int_equal(sql_write(f->db, write_mark, &mark), 0);
    assert_int_equal(sql_read(f->db, read_mark, &found), 1);
    assert_string_equal(found.shop, "shop-a");
    assert_int_equal(found.openings, mark.openings);
    assert_int_equal(sql_read(f->db, read_tables, &after), 0);
    assert_int_equal(after, before);
}

static void test_sql__a_place_has_a_database_or_none(void **state)
{
    struct fixture *f = *state;
    struct test_place there, other;
    test_place_make(f->folder, "test", &there);
    test_place_make(f->folder, "other", &other);
    assert_int_equal(sql_exists(&there.place, f->message), 1);
    assert_int_equal(sql_exists(&other.place, f->message), 0);
    other.place.url = "nosuch:";
    assert_int_equal(sql_exists(&other.place, f->message), ERR_INVALID);
}

static void test_sql__unknown_scheme_is_refused(void **state)
{
    struct fixture *f = *state;
    struct sql_db *db = NULL;
    struct sql_config config = {.url = "oracle://user:secret@host/db"};
    assert_int_equal(sql_open(&db, &config, f->message), ERR_INVALID);
    assert_null(db);
    assert_null(strstr(f->message, "secret"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sql__values_round_trip),
        TEST(test_sql__constraint_error_keeps_the_transaction_usable),
        TEST(test_sql__rows_may_be_finished_early),
        TEST(test_sql__read_refuses_to_write),
        TEST(test_sql__concurrent_writes_keep_their_own_effects),
        TEST(test_sql__hooks_hear_of_the_end),
        TEST(test_sql__read_is_a_snapshot),
        TEST(test_sql__transaction_has_a_bounded_arena),
        TEST(test_sql__migrations_apply_once),
        TEST(test_sql__edited_migration_is_refused),
        TEST(test_sql__newer_database_is_refused),
        TEST(test_sql__failed_migration_leaves_nothing),
        TEST(test_sql__check_of_a_sound_database),
        TEST(test_sql__a_mark_is_kept_and_is_no_table_of_the_service),
        TEST(test_sql__a_place_has_a_database_or_none),
        TEST(test_sql__unknown_scheme_is_refused),
    };
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    is_decorated = true;
    return failed + cmocka_run_group_tests_name("decorated, without faults", tests, NULL, NULL);
}
