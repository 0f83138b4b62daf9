/* The conformance suite of the sql port: what every adapter must do, written against sql.h alone. An adapter is a line
 * in the table of engines; it makes the address of an empty database. Each runs alone and behind the decorator. */
#include "platform/base/task.h"
#include "platform/base/test_folder.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/sql_faulty.h"
#include "platform/ports/sql/test_sql_conformance.sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_BYTES 256
#define WAIT_MAX_NS (60 * CLOCK_NS_PER_S)

/* -- Engines ------------------------------------------------------------------------------------------------------ */

struct fixture {
    struct sql_db *db;
    struct fault_plan *faults; /* NULL without the decorator */
    char folder[TEST_FOLDER_BYTES];
    char url[PATH_BYTES];
    char message[512];
};

static void make_sqlite_url(struct fixture *f)
{
    snprintf(f->url, sizeof(f->url), "sqlite:%.200s/test.db", f->folder);
}

/* A schema of its own for each test, in the database that make test-engines has started. */
static void make_postgres_url(struct fixture *f)
{
    static unsigned made;
    snprintf(f->url, sizeof(f->url), "%.160s#conformance_%d_%u", getenv("SHOPSTREAM_TEST_POSTGRES"), (int)getpid(),
             made++);
}

/* One line an engine; one that has to be started elsewhere runs where the variable says where it is. */
static const struct engine {
    const char *name, *variable;
    void (*make_url)(struct fixture *f);
} engines[] = {
    {"sqlite", NULL, make_sqlite_url},
    {"postgres", "SHOPSTREAM_TEST_POSTGRES", make_postgres_url},
};
static const struct engine *engine; /* the one under test */
static bool is_decorated; /* behind the decorator, with no fault planned */

static const struct sql_migration test_migrations[] = {
    {.number = 1, .name = "items", .text =
     "CREATE TABLE item (id text PRIMARY KEY, quantity bigint NOT NULL CHECK (quantity >= 0), note text UNIQUE);"
     "CREATE TABLE item_child (id text PRIMARY KEY, item_id text NOT NULL REFERENCES item (id));"},
    {.number = 2, .name = "index", .text = "CREATE INDEX item_quantity ON item (quantity);"},
};

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
    engine->make_url(f);
    f->faults = is_decorated ? fault_plan_new() : NULL;
    open_database(f, 0);
    *state = f;
    return sql_migrate(f->db, "test", test_migrations, 2, f->message);
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

/* -- Closures ----------------------------------------------------------------------------------------------------- */

struct item {
    const char *id;
    int64_t quantity;
    const char *note;
    int result; /* what the closure returns after it has written */
};

static int insert_item(struct sql_tx *tx, void *argument)
{
    struct item *item = argument;
    TRY(sql_exec(tx, &ports_sql_test_insert,
                 SQL_ARGS(sql_cstr(item->id), sql_int(item->quantity), sql_cstr(item->note)), NULL));
    return item->result;
}

static int get_item(struct sql_tx *tx, void *argument)
{
    struct item *item = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &ports_sql_test_get, SQL_ARGS(sql_cstr(item->id)), &rows);
    if (found <= 0)
        return found < 0 ? found : ERR_NOT_FOUND;
    item->quantity = sql_get_int(rows, 0);
    return 0;
}

static int count_items(struct sql_tx *tx, void *argument)
{
    int64_t *counts = argument; /* rows, sum of quantities */
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &ports_sql_test_count, SQL_NO_ARGS, &rows));
    counts[0] = sql_get_int(rows, 0);
    counts[1] = sql_get_int(rows, 1);
    return 0;
}

static int64_t row_count(struct fixture *f)
{
    int64_t counts[2] = {-1, -1};
    assert_int_equal(sql_read(f->db, count_items, counts), 0);
    return counts[0];
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
    assert_int_equal(row_count(f), 2);
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
    static const int expected[STATEMENTS_MAX] = {0, ERR_CONFLICT, ERR_CONFLICT, ERR_CONFLICT,
                                                 ERR_CONFLICT, ERR_CONFLICT, 0, 0};
    assert_int_equal(sql_write(f->db, break_constraints, &outcome), 0);
    assert_memory_equal(outcome.results, expected, sizeof(expected));
    assert_int_equal(outcome.changed[0], 1);
    assert_int_equal(outcome.changed[6], 1);
    assert_int_equal(outcome.changed[7], 0);
    struct item item = {.id = "a"};
    assert_int_equal(sql_read(f->db, get_item, &item), 0);
    assert_int_equal(item.quantity, 3);
    assert_int_equal(row_count(f), 1);
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
    assert_int_equal(row_count(f), 0);
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

/* Writers at once: each keeps its own effects, failures take nothing from others, and commits are shared. */
static void test_sql__concurrent_writes_share_commits(void **state)
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
    assert_int_equal(row_count(f), kept);
    assert_int_equal(after.writes - before.writes, kept);
    assert_true(after.commits - before.commits < kept);
}

/* Holds the writer in a closure until the batch behind it is complete. */
struct gate {
    struct task_mutex mutex;
    struct task_cond changed;
    bool is_entered;
    bool is_open;
    int finished;
    int results[8];
    char log[64]; /* the order of hooks and completions */
};

static int wait_at_gate(struct sql_tx *tx, void *argument)
{
    (void)tx;
    struct gate *gate = argument;
    TASK_LOCKED(&gate->mutex);
    gate->is_entered = true;
    task_cond_broadcast(&gate->changed);
    while (!gate->is_open)
        task_cond_wait(&gate->changed, &gate->mutex);
    return 0;
}

struct async_write {
    struct sql_write_job job;
    struct gate *gate;
    struct item item;
    int index;
};

static void note(struct gate *gate, char what)
{
    TASK_LOCKED(&gate->mutex);
    size_t length = strlen(gate->log);
    gate->log[length] = what;
    gate->log[length + 1] = '\0';
}

static void hook_committed(bool committed, void *argument)
{
    struct async_write *write = argument;
    note(write->gate, (char)((committed ? 'A' : 'a') + write->index));
}

static int insert_with_hook(struct sql_tx *tx, void *argument)
{
    struct async_write *write = argument;
    TRY(sql_tx_on_commit(tx, hook_committed, write));
    return insert_item(tx, &write->item);
}

static void note_done(int result, void *argument)
{
    struct async_write *write = argument;
    note(write->gate, (char)('0' + write->index));
    TASK_LOCKED(&write->gate->mutex);
    write->gate->results[write->index] = result;
    write->gate->finished++;
    task_cond_broadcast(&write->gate->changed);
}

static void init_gate(struct gate *gate)
{
    *gate = (struct gate){0};
    task_mutex_init(&gate->mutex);
    task_cond_init(&gate->changed);
}

static void wait_until_entered(struct gate *gate)
{
    TASK_LOCKED(&gate->mutex);
    while (!gate->is_entered)
        assert_true(task_cond_wait_until(&gate->changed, &gate->mutex, clock_monotonic_ns() + WAIT_MAX_NS));
}

static void open_gate_and_wait(struct gate *gate, int count)
{
    TASK_LOCKED(&gate->mutex);
    gate->is_open = true;
    task_cond_broadcast(&gate->changed);
    while (gate->finished < count)
        assert_true(task_cond_wait_until(&gate->changed, &gate->mutex, clock_monotonic_ns() + WAIT_MAX_NS));
}

static void start_async(struct fixture *f, struct async_write *write, struct gate *gate, int index, struct item item)
{
    *write = (struct async_write){.gate = gate, .item = item, .index = index};
    write->job = (struct sql_write_job){.closure = insert_with_hook, .argument = write, .done = note_done};
    sql_write_async(f->db, &write->job);
}

struct held_writer {
    struct fixture *f;
    struct gate *gate;
};

static void hold_writer(void *argument)
{
    struct held_writer *held = argument;
    assert_int_equal(sql_write(held->f->db, wait_at_gate, held->gate), 0);
}

/* Writes that wait together behind one that is held: they are one batch. */
static void run_batch_of(struct fixture *f, struct gate *gate, const struct item *items, int count)
{
    struct async_write writes[4];
    struct held_writer held = {f, gate};
    struct task *task;
    init_gate(gate);
    assert_int_equal(task_start(&task, "test-gate", hold_writer, &held), 0);
    wait_until_entered(gate);
    for (int i = 0; i < count; i++)
        start_async(f, &writes[i], gate, i, items[i]);
    open_gate_and_wait(gate, count);
    task_join(task);
}

/* One batch of four: what fails goes alone, its hook told so; hooks run before anybody is told; one commit carries the
 * others. */
static void test_sql__batch_isolates_failures_and_orders_hooks(void **state)
{
    struct fixture *f = *state;
    struct gate gate;
    struct sql_stats before, after;
    const struct item items[] = {
        {"a", 1, NULL, 0}, {"b", 1, NULL, ERR_DECLINED}, {"c", -1, NULL, 0}, {"d", 1, NULL, 0}};
    sql_get_stats(f->db, &before);
    run_batch_of(f, &gate, items, 4);
    sql_get_stats(f->db, &after);
    /* A run that is taken back drops its hooks, and may come before the one that counts. */
    const char *end = gate.log + strspn(gate.log, "abcd");
    assert_non_null(memchr(gate.log, 'b', (size_t)(end - gate.log)));
    assert_non_null(memchr(gate.log, 'c', (size_t)(end - gate.log)));
    assert_string_equal(end, "AD0123");
    assert_int_equal(gate.results[0], 0);
    assert_int_equal(gate.results[1], ERR_DECLINED);
    assert_int_equal(gate.results[2], ERR_CONFLICT);
    assert_int_equal(gate.results[3], 0);
    assert_int_equal(row_count(f), 2);
    assert_int_equal(after.commits - before.commits, 2); /* the gate's own, and one for both */
    assert_int_equal(after.writes - before.writes, 3);
}

/* What fails without having changed anything leaves the others as they are: none of them is run again. */
static void test_sql__batch_goes_on_behind_a_refusal(void **state)
{
    struct fixture *f = *state;
    struct gate gate;
    const struct item items[] = {{"a", 1, NULL, 0}, {"b", -1, NULL, 0}, {"c", 1, NULL, 0}};
    run_batch_of(f, &gate, items, 3);
    assert_string_equal(gate.log, "bAC012");
    assert_int_equal(gate.results[0], 0);
    assert_int_equal(gate.results[1], ERR_CONFLICT);
    assert_int_equal(gate.results[2], 0);
    assert_int_equal(row_count(f), 2);
}

static int fail_alone(struct sql_tx *tx, void *argument)
{
    struct async_write *write = argument;
    TRY(insert_with_hook(tx, write));
    return ERR_STALE;
}

/* A batch of one is rolled back whole, and its hook is told. */
static void test_sql__single_failure_rolls_back(void **state)
{
    struct fixture *f = *state;
    struct gate gate;
    init_gate(&gate);
    struct async_write write = {.gate = &gate, .item = {"a", 1, NULL, 0}};
    assert_int_equal(sql_write(f->db, fail_alone, &write), ERR_STALE);
    assert_string_equal(gate.log, "a");
    assert_int_equal(row_count(f), 0);
    assert_int_equal(sql_write(f->db, insert_with_hook, &write), 0);
    assert_string_equal(gate.log, "aA");
    assert_int_equal(row_count(f), 1);
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
    assert_int_equal(row_count(f), 1);
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
    assert_int_equal(sql_migrate(f->db, "test", test_migrations, 2, f->message), 0);
    assert_int_equal(row_count(f), 1);
    /* Another list has numbers of its own. */
    static const struct sql_migration other[] = {{.number = 1, .name = "other", .text = "CREATE TABLE other (id text PRIMARY KEY);"}};
    assert_int_equal(sql_migrate(f->db, "other", other, 1, f->message), 0);
}

static void test_sql__edited_migration_is_refused(void **state)
{
    struct fixture *f = *state;
    struct sql_migration edited[] = {test_migrations[0], test_migrations[1]};
    edited[1].text = "CREATE INDEX item_quantity ON item (quantity, id);";
    assert_int_equal(sql_migrate(f->db, "test", edited, 2, f->message), ERR_CORRUPT);
    assert_non_null(strstr(f->message, "migration 2 (index) of \"test\""));
}

static void test_sql__newer_database_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sql_migrate(f->db, "test", test_migrations, 1, f->message), ERR_CORRUPT);
    assert_non_null(strstr(f->message, "newer version"));
}

/* A migration that fails half-way leaves nothing, those before it stay, and it can be tried again. */
static void test_sql__failed_migration_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct sql_migration more[] = {test_migrations[0],
                                   test_migrations[1],
                                   {.number = 3, .name = "good", .text = "CREATE TABLE good (id text PRIMARY KEY);"},
                                   {.number = 4, .name = "bad", .text = "CREATE TABLE bad (id text PRIMARY KEY); SELECT nothing FROM nowhere;"}};
    assert_int_not_equal(sql_migrate(f->db, "test", more, 4, f->message), 0);
    assert_true(f->message[0] != '\0');
    more[3].text = "CREATE TABLE bad (id text PRIMARY KEY);";
    assert_int_equal(sql_migrate(f->db, "test", more, 4, f->message), 0);
    assert_int_equal(sql_migrate(f->db, "test", more, 4, f->message), 0);
}

/* -- Care --------------------------------------------------------------------------------------------------------- */

/* A backup of a running database is a whole one, and is never written over an existing file. */
static void test_sql__backup_is_a_database(void **state)
{
    struct fixture *f = *state;
    insert_from_task(f);
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof(path), "%s/backup.db", f->folder);
    assert_int_equal(sql_backup(f->db, path, f->message), 0);
    assert_int_equal(sql_backup(f->db, path, f->message), ERR_CONFLICT);
    char url[3 * PATH_BYTES];
    snprintf(url, sizeof(url), "sqlite:%s", path);
    struct sql_config config = {.url = url};
    struct fixture copy = {0};
    assert_int_equal(sql_open(&copy.db, &config, f->message), 0);
    assert_int_equal(row_count(&copy), 1);
    assert_int_equal(sql_check(copy.db, f->message), 0);
    sql_close(copy.db);
}

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
    struct sql_place place = {.url = "sqlite:", .service = "test", .data_path = f->folder};
    char path[2 * PATH_BYTES];
    assert_int_equal(sql_exists(&place, f->message), 1);
    place.service = "other";
    assert_int_equal(sql_exists(&place, f->message), 0);
    snprintf(path, sizeof(path), "%s/other.db", f->folder);
    FILE *empty = fopen(path, "we");
    assert_non_null(empty);
    fclose(empty);
    assert_int_equal(sql_exists(&place, f->message), 0);
    unlink(path);
    place.url = "nosuch:";
    assert_int_equal(sql_exists(&place, f->message), ERR_INVALID);
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
        TEST(test_sql__concurrent_writes_share_commits),
        TEST(test_sql__batch_isolates_failures_and_orders_hooks),
        TEST(test_sql__batch_goes_on_behind_a_refusal),
        TEST(test_sql__single_failure_rolls_back),
        TEST(test_sql__read_is_a_snapshot),
        TEST(test_sql__transaction_has_a_bounded_arena),
        TEST(test_sql__migrations_apply_once),
        TEST(test_sql__edited_migration_is_refused),
        TEST(test_sql__newer_database_is_refused),
        TEST(test_sql__failed_migration_leaves_nothing),
        TEST(test_sql__backup_is_a_database),
        TEST(test_sql__check_of_a_sound_database),
        TEST(test_sql__a_mark_is_kept_and_is_no_table_of_the_service),
        TEST(test_sql__a_place_has_a_database_or_none),
        TEST(test_sql__unknown_scheme_is_refused),
    };
    int failed = 0;
    for (engine = engines; engine < engines + sizeof(engines) / sizeof(engines[0]); engine++) {
        if (engine->variable && !getenv(engine->variable))
            continue;
        is_decorated = false;
        failed += cmocka_run_group_tests_name("plain", tests, NULL, NULL);
        is_decorated = true;
        failed += cmocka_run_group_tests_name("decorated, without faults", tests, NULL, NULL);
    }
    return failed;
}
