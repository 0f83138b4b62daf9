/* The conformance suite of the sql port's moving part: the order of tables, rows out, rows in, copies of a moment. */
#include "platform/base/buf.h"
#include "platform/base/task.h"
#include "platform/ports/sql/test_database.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#define ARENA_BYTES ((size_t)1 << 20)
#define ROWS_MAX 8

/* Names that need quotes, a child that sorts before its parent, a counter, every type, a row made by a migration. */
static const struct sql_migration migrations[] = {
    {.number = 1, .name = "tables", .text =
     "CREATE TABLE zoo (id bigint PRIMARY KEY, name text);"
     "CREATE TABLE animal (zoo_id bigint NOT NULL REFERENCES zoo (id), \"order\" text, \"a \"\"quoted\"\" name\" blob,"
     " PRIMARY KEY (zoo_id, \"order\"));"
     "CREATE TABLE log (seq INTEGER PRIMARY KEY AUTOINCREMENT, line text NOT NULL CHECK (line <> 'refused'));"
     "INSERT INTO zoo (id, name) VALUES (7, 'made by the migration');"},
};

struct fixture {
    struct test_database from, to;
    struct arena *arena;
    struct sql_table *tables;
    size_t table_count;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->arena = arena_new(ARENA_BYTES);
    *state = f;
    TRY(test_database_open(&f->from, "test", migrations, 1));
    return test_database_open(&f->to, "test", migrations, 1);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char path[256];
    snprintf(path, sizeof(path), "%s/copy.db", f->from.folder);
    unlink(path);
    test_database_close(&f->from);
    test_database_close(&f->to);
    arena_free(f->arena);
    free(f);
    return 0;
}

static int list_tables(struct sql_tx *tx, void *argument)
{
    struct fixture *f = argument;
    return sql_list_tables(tx, f->arena, &f->tables, &f->table_count);
}

static const struct sql_table *table_named(struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->table_count; i++)
        if (strcmp(f->tables[i].name, name) == 0)
            return &f->tables[i];
    fail_msg("there is no table %s", name);
    return NULL;
}

/* -- Loading what a test says ------------------------------------------------------------------------------------ */

struct rows {
    const struct sql_table *table;
    struct sql_value values[ROWS_MAX][3];
    size_t count, next;
    int64_t written;
    int end; /* what the source returns at its end */
};

static int next_row(const struct sql_table *table, struct sql_value *ret_values, void *argument)
{
    struct rows *rows = argument;
    if (rows->next == rows->count)
        return rows->end;
    for (size_t i = 0; i < table->column_count; i++)
        ret_values[i] = rows->values[rows->next][i];
    rows->next++;
    return 1;
}

static int load(struct sql_tx *tx, void *argument)
{
    struct rows *rows = argument;
    rows->next = 0;
    return sql_load_table(tx, rows->table, next_row, rows, &rows->written);
}

/* -- Reading back ------------------------------------------------------------------------------------------------ */

struct seen {
    const struct sql_table *table;
    struct buf text;
};

static int see_row(const struct sql_table *table, const struct sql_value *values, void *argument)
{
    static const char kinds[] = "-itb";
    struct seen *seen = argument;
    for (size_t i = 0; i < table->column_count; i++) {
        buf_append_char(&seen->text, kinds[values[i].type]);
        if (values[i].type == SQL_TYPE_INTEGER)
            buf_append_int(&seen->text, values[i].integer);
        else
            buf_append(&seen->text, values[i].bytes);
        buf_append_char(&seen->text, i + 1 < table->column_count ? ',' : ';');
    }
    return 0;
}

static int see_table(struct sql_tx *tx, void *argument)
{
    struct seen *seen = argument;
    return sql_dump_table(tx, seen->table, see_row, seen);
}

static void assert_rows(struct sql_db *db, const struct sql_table *table, const char *expected)
{
    struct seen seen = {.table = table, .text = BUF(ARENA_BYTES)};
    assert_int_equal(sql_read(db, see_table, &seen), 0);
    buf_append_char(&seen.text, '\0');
    assert_string_equal(seen.text.ptr, expected);
    buf_free(&seen.text);
}

/* -- Tests ------------------------------------------------------------------------------------------------------- */

static void test_sql_moving__parents_come_first_and_the_migrations_not_at_all(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sql_read(f->from.db, list_tables, f), 0);
    assert_int_equal(f->table_count, 3);
    assert_true(table_named(f, "zoo") < table_named(f, "animal"));
    assert_int_equal(table_named(f, "zoo")->row_count, 1);
    assert_int_equal(table_named(f, "log")->sequence, SQL_NO_SEQUENCE);
    assert_string_equal(table_named(f, "animal")->columns[2], "a \"quoted\" name");
}

/* Every type comes back as it was; what a migration put there is gone; rows stand in the order of their key. */
static void test_sql_moving__rows_round_trip(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sql_read(f->to.db, list_tables, f), 0);
    struct rows zoos = {.table = table_named(f, "zoo"),
                        .values = {{sql_int(2), sql_null()}, {sql_int(INT64_MIN), sql_text(STR("it's"))}},
                        .count = 2};
    struct rows animals = {.table = table_named(f, "animal"),
                           .values = {{sql_int(2), sql_text(STR("b")), sql_blob(STR("x\377"))},
                                      {sql_int(2), sql_text(STR("")), sql_null()}},
                           .count = 2};
    assert_int_equal(sql_write(f->to.db, load, &zoos), 0);
    assert_int_equal(zoos.written, 2);
    assert_int_equal(sql_write(f->to.db, load, &animals), 0);
    assert_rows(f->to.db, zoos.table, "i-9223372036854775808,tit's;i2,-;");
    assert_rows(f->to.db, animals.table, "i2,t,-;i2,tb,bx\377;");
}

/* A counter goes on behind what it gave out, also where those rows are gone. */
static void test_sql_moving__counters_go_on(void **state)
{
    static const struct sql_statement insert = {"insert", "INSERT INTO log (line) VALUES ('next')"};
    struct fixture *f = *state;
    assert_int_equal(sql_read(f->to.db, list_tables, f), 0);
    struct sql_table table = *table_named(f, "log");
    table.sequence = 41;
    struct rows rows = {.table = &table, .values = {{sql_int(3), sql_text(STR("old"))}}, .count = 1};
    assert_int_equal(sql_write(f->to.db, load, &rows), 0);
    struct sql_migration more[] = {migrations[0], {.number = 2, .name = insert.name, .text = insert.text}};
    assert_int_equal(sql_migrate(f->to.db, "test", more, 2, f->to.message), 0);
    assert_rows(f->to.db, &table, "i3,told;i42,tnext;");
    assert_int_equal(sql_read(f->to.db, list_tables, f), 0);
    assert_int_equal(table_named(f, "log")->sequence, 42);
}

/* A row that a constraint refuses, a parent that never comes and a source that fails each leave the table as it was. */
static void test_sql_moving__a_failed_load_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sql_read(f->to.db, list_tables, f), 0);
    struct rows refused = {.table = table_named(f, "log"),
                           .values = {{sql_int(1), sql_text(STR("good"))}, {sql_int(2), sql_text(STR("refused"))}},
                           .count = 2};
    assert_int_equal(sql_write(f->to.db, load, &refused), ERR_CONFLICT);
    assert_rows(f->to.db, refused.table, "");
    struct rows orphan = {
        .table = table_named(f, "animal"), .values = {{sql_int(99), sql_text(STR("lost")), sql_null()}}, .count = 1};
    assert_int_equal(sql_write(f->to.db, load, &orphan), ERR_CONFLICT);
    assert_rows(f->to.db, orphan.table, "");
    struct rows broken = {
        .table = table_named(f, "zoo"), .values = {{sql_int(1), sql_null()}}, .count = 1, .end = ERR_INVALID};
    assert_int_equal(sql_write(f->to.db, load, &broken), ERR_INVALID);
    assert_rows(f->to.db, broken.table, "i7,tmade by the migration;");
    assert_int_equal(sql_read(f->to.db, load, &refused), ERR_INTERNAL);
}

/* -- Copies of a moment ------------------------------------------------------------------------------------------ */

struct moment {
    struct fixture *f;
    char path[256];
    struct rows *later;
};

static void write_later(void *argument)
{
    struct moment *moment = argument;
    assert_int_equal(sql_write(moment->f->from.db, load, moment->later), 0);
}

static int copy_past(struct sql_tx *tx, void *argument)
{
    struct moment *moment = argument;
    struct task *task;
    TRY(sql_list_tables(tx, moment->f->arena, &moment->f->tables, &moment->f->table_count));
    TRY(task_start(&task, "test-later", write_later, moment));
    task_join(task); /* committed before the copy is made, and after this transaction began to read */
    int file = open(moment->path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(file >= 0);
    int error = sql_backup_snapshot(tx, file, moment->f->from.message);
    assert_int_equal(close(file), 0);
    return error;
}

static void test_sql_moving__a_copy_is_of_its_transactions_moment(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sql_read(f->from.db, list_tables, f), 0);
    const struct sql_table *zoo = table_named(f, "zoo");
    struct rows later = {.table = zoo, .values = {{sql_int(8), sql_null()}}, .count = 1};
    struct moment moment = {.f = f, .later = &later};
    snprintf(moment.path, sizeof(moment.path), "%s/copy.db", f->from.folder);
    assert_int_equal(sql_read(f->from.db, copy_past, &moment), 0);
    assert_rows(f->from.db, zoo, "i8,-;");

    char url[300];
    struct sql_db *copy = NULL;
    snprintf(url, sizeof(url), "sqlite:%s", moment.path);
    assert_int_equal(sql_open(&copy, &(struct sql_config){.url = url}, f->from.message), 0);
    assert_rows(copy, zoo, "i7,tmade by the migration;");
    sql_close(copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sql_moving__parents_come_first_and_the_migrations_not_at_all),
        TEST(test_sql_moving__rows_round_trip),
        TEST(test_sql_moving__counters_go_on),
        TEST(test_sql_moving__a_failed_load_leaves_nothing),
        TEST(test_sql_moving__a_copy_is_of_its_transactions_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
