/* The conformance suite of the kv port, on the sql adapter, alone and behind the decorator. */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/kv/kv_faulty.h"
#include "platform/ports/kv/migrations/migrations.h"
#include "platform/ports/sql/test_database.h"
#include "platform/ports/test_fault.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool is_decorated; /* the suite runs once without the decorator, and once behind it */

struct fixture {
    struct fault_plan *faults; /* NULL without the decorator */
    struct test_database database;
    struct kv *kv;
    struct arena *arena;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    TRY(test_database_open(&f->database, "kv", kv_migrations, kv_migration_count));
    f->arena = arena_new(1 << 20);
    f->faults = is_decorated ? fault_plan_new() : NULL;
    TRY(kv_open(&f->kv, &(struct port_config){.url = "sql:", .db = f->database.db}, f->database.message));
    return kv_faulty_wrap(&f->kv, f->faults);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    kv_free(f->kv);
    fault_plan_free(f->faults);
    arena_free(f->arena);
    test_database_close(&f->database);
    free(f);
    return 0;
}

static struct kv_key key_of(const char *key)
{
    return (struct kv_key){STR("default"), STR("session"), str_from_cstr(key)};
}

static int put(struct fixture *f, const char *key, const char *value, enum kv_condition condition, int64_t *version)
{
    struct kv_put row = {
        .key = key_of(key), .value = str_from_cstr(value), .condition = condition, .version = *version};
    return kv_put(f->kv, NULL, &row, version);
}

static int get(struct fixture *f, const char *key, struct kv_row *row)
{
    return kv_get(f->kv, NULL, key_of(key), f->arena, row);
}

/* A put is read back, bytes and all; the version grows. */
static void test_kv__put_and_get(void **state)
{
    struct fixture *f = *state;
    struct kv_row row;
    int64_t first = 0, second = 0;
    assert_int_equal(get(f, "a", &row), ERR_NOT_FOUND);
    struct kv_put bytes = {.key = key_of("a"), .value = STR("\0\xff'"), .index = STR("user-1")};
    assert_int_equal(kv_put(f->kv, NULL, &bytes, &first), 0);
    assert_int_equal(get(f, "a", &row), 0);
    assert_true(str_equal(row.value, bytes.value));
    assert_true(str_equal_cstr(row.index, "user-1"));
    assert_true(row.version == first);
    assert_int_equal(row.expires_at_ms, 0);
    assert_int_equal(put(f, "a", "", KV_ALWAYS, &second), 0);
    assert_true(second > first);
    assert_int_equal(get(f, "a", &row), 0);
    assert_int_equal(row.value.len, 0);
    assert_int_equal(row.index.len, 0);
}

static void test_kv__conditions(void **state)
{
    struct fixture *f = *state;
    struct kv_row row;
    int64_t version = 0;
    assert_int_equal(put(f, "a", "1", KV_IF_VERSION, &version), ERR_STALE);
    assert_int_equal(put(f, "a", "1", KV_IF_ABSENT, &version), 0);
    int64_t first = version;
    assert_int_equal(put(f, "a", "2", KV_IF_ABSENT, &version), ERR_CONFLICT);
    assert_int_equal(put(f, "a", "3", KV_IF_VERSION, &version), 0);
    assert_true(version > first);
    int64_t stale = first;
    assert_int_equal(put(f, "a", "4", KV_IF_VERSION, &stale), ERR_STALE);
    assert_int_equal(get(f, "a", &row), 0);
    assert_true(str_equal_cstr(row.value, "3"));
    assert_int_equal(kv_delete(f->kv, NULL, key_of("a"), first), ERR_STALE);
    assert_int_equal(kv_delete(f->kv, NULL, key_of("a"), version), 0);
    assert_int_equal(kv_delete(f->kv, NULL, key_of("a"), version), 0);
    assert_int_equal(get(f, "a", &row), ERR_NOT_FOUND);
}

/* The same key in another tenant or space is another row. */
static void test_kv__tenants_and_spaces_are_apart(void **state)
{
    struct fixture *f = *state;
    struct kv_row row;
    int64_t version = 0;
    assert_int_equal(put(f, "a", "1", KV_ALWAYS, &version), 0);
    struct kv_key other = {STR("other"), STR("session"), STR("a")};
    assert_int_equal(kv_get(f->kv, NULL, other, f->arena, &row), ERR_NOT_FOUND);
    other = (struct kv_key){STR("default"), STR("cart"), STR("a")};
    assert_int_equal(kv_get(f->kv, NULL, other, f->arena, &row), ERR_NOT_FOUND);
}

/* A row whose time is up is gone for get, list, conditions and deletes, before any sweep. */
static void test_kv__expired_rows_are_invisible(void **state)
{
    struct fixture *f = *state;
    struct kv_row row, *rows;
    size_t count = 9;
    struct kv_put old = {
        .key = key_of("a"), .value = STR("old"), .index = STR("u"), .expires_at_ms = clock_wall_ms() - 1};
    int64_t version = 0;
    assert_int_equal(kv_put(f->kv, NULL, &old, &version), 0);
    assert_int_equal(get(f, "a", &row), ERR_NOT_FOUND);
    struct kv_list list = {STR("default"), STR("session"), STR("u"), STR_EMPTY, 10};
    assert_int_equal(kv_list(f->kv, NULL, &list, f->arena, &rows, &count), 0);
    assert_int_equal(count, 0);
    int64_t stale = version;
    assert_int_equal(put(f, "a", "new", KV_IF_VERSION, &stale), ERR_STALE);
    int64_t renewed = 0;
    assert_int_equal(put(f, "a", "new", KV_IF_ABSENT, &renewed), 0);
    assert_true(renewed > version);
    assert_int_equal(get(f, "a", &row), 0);
}

static void test_kv__sweep_is_bounded_and_keeps_the_living(void **state)
{
    struct fixture *f = *state;
    struct kv_row row;
    int64_t version = 0;
    for (int i = 0; i < 5; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%d", i);
        struct kv_put old = {.key = key_of(key), .value = STR("x"), .expires_at_ms = 1 + i};
        assert_int_equal(kv_put(f->kv, NULL, &old, NULL), 0);
    }
    struct kv_put later = {.key = key_of("later"), .value = STR("x"), .expires_at_ms = clock_wall_ms() + 3600000};
    assert_int_equal(kv_put(f->kv, NULL, &later, NULL), 0);
    assert_int_equal(put(f, "never", "x", KV_ALWAYS, &version), 0);
    size_t count = 0;
    assert_int_equal(kv_sweep(f->kv, 3, &count), 0);
    assert_int_equal(count, 3);
    assert_int_equal(kv_sweep(f->kv, 3, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(kv_sweep(f->kv, 3, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(get(f, "later", &row), 0);
    assert_int_equal(get(f, "never", &row), 0);
}

static void test_kv__list_pages_by_index(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 7; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%d", i);
        struct kv_put row = {.key = key_of(key), .value = STR("x"), .index = i % 7 == 3 ? STR("other") : STR("u")};
        assert_int_equal(kv_put(f->kv, NULL, &row, NULL), 0);
    }
    struct kv_list list = {STR("default"), STR("session"), STR("u"), STR_EMPTY, 4};
    struct kv_row *rows;
    size_t count = 0;
    assert_int_equal(kv_list(f->kv, NULL, &list, f->arena, &rows, &count), 0);
    assert_int_equal(count, 4);
    assert_true(str_equal_cstr(rows[3].key, "k4"));
    list.after = rows[3].key;
    assert_int_equal(kv_list(f->kv, NULL, &list, f->arena, &rows, &count), 0);
    assert_int_equal(count, 2);
    assert_true(str_equal_cstr(rows[1].key, "k6"));
}

static int put_and_fail(struct sql_tx *tx, void *argument)
{
    struct fixture *f = argument;
    struct kv_put row = {.key = key_of("a"), .value = STR("x")};
    struct kv_row seen;
    assert_int_equal(kv_put(f->kv, tx, &row, NULL), 0);
    assert_int_equal(kv_get(f->kv, tx, row.key, f->arena, &seen), 0);
    return ERR_DECLINED;
}

/* A put in a transaction goes with it. */
static void test_kv__put_joins_the_transaction(void **state)
{
    struct fixture *f = *state;
    struct kv_row row;
    assert_int_equal(sql_write(f->database.db, put_and_fail, f), ERR_DECLINED);
    assert_int_equal(get(f, "a", &row), ERR_NOT_FOUND);
}

#define RACERS 8
struct racer {
    struct fixture *f;
    int result;
};

static void race(void *argument)
{
    struct racer *racer = argument;
    int64_t version = 0;
    racer->result = put(racer->f, "only", "x", KV_IF_ABSENT, &version);
}

/* Of many who put the same absent key, one wins. */
static void test_kv__one_of_many_claims_an_absent_key(void **state)
{
    struct fixture *f = *state;
    struct racer racers[RACERS];
    struct task *tasks[RACERS];
    unsigned winners = 0;
    for (unsigned i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){f, 0};
        assert_int_equal(task_start(&tasks[i], "test-racer", race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < RACERS; i++) {
        task_join(tasks[i]);
        winners += racers[i].result == 0;
        assert_true(racers[i].result == 0 || racers[i].result == ERR_CONFLICT);
    }
    assert_int_equal(winners, 1);
}

static void test_kv__limits_are_enforced(void **state)
{
    struct fixture *f = *state;
    char *large = calloc(1, KV_VALUE_BYTES_MAX + 1);
    struct kv_put row = {.key = key_of("a"), .value = str_from(large, KV_VALUE_BYTES_MAX + 1)};
    assert_int_equal(kv_put(f->kv, NULL, &row, NULL), ERR_TOO_LARGE);
    row.value.len--;
    assert_int_equal(kv_put(f->kv, NULL, &row, NULL), 0);
    row.key.key = STR_EMPTY;
    assert_int_equal(kv_put(f->kv, NULL, &row, NULL), ERR_INVALID);
    row.key.key = str_from(large, KV_KEY_BYTES_MAX);
    assert_int_equal(kv_put(f->kv, NULL, &row, NULL), ERR_TOO_LARGE);
    free(large);
}

/* Each fault does what it says to a put: not there, there in spite of the answer, once more, late. */
static void test_kv_faulty__does_what_the_plan_says(void **state)
{
    struct fixture *f = *state;
    struct kv_row row;
    int64_t version = 0, again = 0;
    test_fault_next(f->faults, FAULT_KV, "put", FAULT_FAIL);
    assert_int_equal(put(f, "a", "1", KV_ALWAYS, &version), ERR_UNAVAILABLE);
    assert_int_equal(get(f, "a", &row), ERR_NOT_FOUND);
    test_fault_next(f->faults, FAULT_KV, "put", FAULT_FAIL_AFTER);
    assert_int_equal(put(f, "a", "1", KV_ALWAYS, &version), ERR_DEADLINE);
    assert_int_equal(get(f, "a", &row), 0);
    test_fault_next(f->faults, FAULT_KV, "put", FAULT_REPEAT);
    assert_int_equal(put(f, "b", "1", KV_IF_ABSENT, &again), ERR_CONFLICT); /* with what the first one put */
    test_fault_next(f->faults, FAULT_KV, "get", FAULT_DELAY);
    int64_t started_ns = clock_monotonic_ns();
    assert_int_equal(get(f, "b", &row), 0);
    assert_true(test_fault_was_late(started_ns));
    test_fault_next(f->faults, FAULT_KV, "list", FAULT_FAIL);
    struct kv_list list = {STR("default"), STR("session"), STR("x"), STR_EMPTY, 1};
    struct kv_row *rows;
    size_t count;
    assert_int_equal(kv_list(f->kv, NULL, &list, f->arena, &rows, &count), ERR_UNAVAILABLE);
    test_fault_next(f->faults, FAULT_KV, "delete", FAULT_FAIL_AFTER);
    assert_int_equal(kv_delete(f->kv, NULL, key_of("a"), 0), ERR_DEADLINE);
    assert_int_equal(get(f, "a", &row), ERR_NOT_FOUND);
    test_fault_next(f->faults, FAULT_KV, "sweep", FAULT_FAIL);
    assert_int_equal(kv_sweep(f->kv, 1, &count), ERR_UNAVAILABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kv__put_and_get),
        TEST(test_kv__conditions),
        TEST(test_kv__tenants_and_spaces_are_apart),
        TEST(test_kv__expired_rows_are_invisible),
        TEST(test_kv__sweep_is_bounded_and_keeps_the_living),
        TEST(test_kv__list_pages_by_index),
        TEST(test_kv__put_joins_the_transaction),
        TEST(test_kv__one_of_many_claims_an_absent_key),
        TEST(test_kv__limits_are_enforced),
    };
    const struct CMUnitTest faulty_tests[] = {TEST(test_kv_faulty__does_what_the_plan_says)};
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    is_decorated = true;
    failed += cmocka_run_group_tests_name("decorated, without faults", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("faulty", faulty_tests, NULL, NULL);
}
