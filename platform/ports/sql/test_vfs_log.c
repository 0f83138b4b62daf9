/* The VFS that gathers a commit's frames: one write a commit, and nothing else that SQLite or another connection could
 * tell from a log without it. */
#include "platform/base/err.h"
#include "platform/ports/sql/test_vfs.h"
#include "platform/ports/sql/vfs_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_BYTES 256
#define ROWS 300
#define ROUNDS 60
#define FAILURES_MAX 400

struct fixture {
    char path[PATH_BYTES];
    sqlite3 *writer; /* over this VFS, with a cache so small that it spills */
    sqlite3 *reader; /* over SQLite's own */
    uint64_t random;
    int passes; /* of changing every row, in a transaction that meets errors */
};

static void run(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
}

static sqlite3 *open_database(const char *path, const char *vfs)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs), SQLITE_OK);
    run(db, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 8;"
            "PRAGMA temp_store = MEMORY");
    return db;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    test_vfs_register();
    atomic_store(&test_vfs_state.failing_log_writes, 0);
    snprintf(f->path, sizeof(f->path), "%.100s/log-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    close(mkstemp(f->path));
    f->random = 1;
    f->writer = open_database(f->path, vfs_log_over("test"));
    f->reader = open_database(f->path, NULL);
    run(f->writer, "PRAGMA synchronous = FULL; CREATE TABLE item (id INTEGER PRIMARY KEY, note BLOB NOT NULL)");
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sqlite3_close(f->writer);
    sqlite3_close(f->reader);
    unlink(f->path);
    free(f);
    return 0;
}

static unsigned draw(struct fixture *f, unsigned bound)
{
    f->random = f->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(f->random >> 33) % bound;
}

static int64_t value_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    return value;
}

static void assert_sound(sqlite3 *db)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(statement, 0), "ok");
    sqlite3_finalize(statement);
}

/* Replaces a row's bytes; SQLite's result. */
static int put(sqlite3 *db, int id, int version, int size)
{
    sqlite3_stmt *statement;
    char *bytes = malloc((size_t)size);
    assert_non_null(bytes);
    memset(bytes, 'a' + version % 26, (size_t)size);
    assert_int_equal(sqlite3_prepare_v2(db, "REPLACE INTO item VALUES (?, ?)", -1, &statement, NULL), SQLITE_OK);
    sqlite3_bind_int(statement, 1, id);
    sqlite3_bind_blob(statement, 2, bytes, size, SQLITE_STATIC);
    sqlite3_step(statement);
    int result = sqlite3_finalize(statement);
    free(bytes);
    return result;
}

static unsigned long long log_writes(void)
{
    return atomic_load(&test_vfs_state.log_writes);
}

/* -- Writes -------------------------------------------------------------------------------------------------------- */

static void test_vfs_log__a_commit_is_one_write(void **state)
{
    struct fixture *f = *state;
    run(f->writer, "PRAGMA cache_size = 1000");
    assert_int_equal(put(f->writer, 0, 0, 100), SQLITE_OK);
    for (int pages = 1; pages < 25; pages++) {
        unsigned long long before = log_writes();
        assert_int_equal(put(f->writer, pages, 0, pages * 4000), SQLITE_OK);
        assert_int_equal(log_writes() - before, 1);
        assert_int_equal(value_of(f->reader, "SELECT count(*) FROM item"), pages + 1);
    }
    unsigned long long before = log_writes();
    assert_int_equal(put(f->writer, 25, 0, 4 * VFS_LOG_GATHERED_BYTES_MAX), SQLITE_OK);
    assert_int_equal(log_writes() - before, 5);
    assert_int_equal(value_of(f->reader, "SELECT length(note) FROM item WHERE id = 25"),
                     4 * VFS_LOG_GATHERED_BYTES_MAX);
}

/* Whatever is synced, what readers are told of is in the file. */
static void test_vfs_log__readers_see_each_commit(void **state)
{
    static const char *const levels[] = {"PRAGMA synchronous = OFF", "PRAGMA synchronous = NORMAL",
                                         "PRAGMA synchronous = FULL"};
    struct fixture *f = *state;
    for (size_t level = 0; level < sizeof(levels) / sizeof(levels[0]); level++) {
        run(f->writer, levels[level]);
        for (int i = 0; i < 100; i++) {
            assert_int_equal(put(f->writer, i, i, 5000), SQLITE_OK);
            assert_int_equal(value_of(f->reader, "SELECT sum(id) FROM item") >= i, 1);
            assert_int_equal(value_of(f->reader, "SELECT unicode(substr(note, 1, 1)) FROM item ORDER BY id DESC"),
                             value_of(f->writer, "SELECT unicode(substr(note, 1, 1)) FROM item ORDER BY id DESC"));
        }
        assert_sound(f->reader);
    }
}

static void change_some(struct fixture *f, sqlite3 *model, int version)
{
    for (unsigned left = 1 + draw(f, 60); left > 0; left--) {
        int id = (int)draw(f, ROWS);
        int size = 1 + (int)draw(f, 6000);
        assert_int_equal(put(f->writer, id, version, size), SQLITE_OK);
        assert_int_equal(put(model, id, version, size), SQLITE_OK);
    }
}

static void both(struct fixture *f, sqlite3 *model, const char *sql)
{
    run(f->writer, sql);
    run(model, sql);
}

static void assert_same(sqlite3 *one, sqlite3 *other)
{
    static const char sum[] = "SELECT coalesce(sum(id * 7919 + length(note) * 31 + unicode(substr(note, 1, 1))), 0)"
                              " FROM item";
    assert_int_equal(value_of(one, sum), value_of(other, sum));
}

static void run_transaction(struct fixture *f, sqlite3 *model, int round)
{
    both(f, model, "BEGIN IMMEDIATE");
    change_some(f, model, round);
    both(f, model, "SAVEPOINT one");
    change_some(f, model, round + 1);
    if (draw(f, 2))
        both(f, model, "ROLLBACK TO one");
    assert_same(f->writer, model);
    change_some(f, model, round + 2);
    both(f, model, draw(f, 3) ? "COMMIT" : "ROLLBACK");
}

/* Transactions that spill, go back to a savepoint, end in a rollback, and meet a checkpoint: as in memory. */
static void test_vfs_log__is_a_log_like_any_other(void **state)
{
    struct fixture *f = *state;
    sqlite3 *model;
    assert_int_equal(sqlite3_open(":memory:", &model), SQLITE_OK);
    run(model, "CREATE TABLE item (id INTEGER PRIMARY KEY, note BLOB NOT NULL)");
    for (int round = 0; round < ROUNDS; round++) {
        run_transaction(f, model, round);
        assert_same(f->writer, model);
        assert_same(f->reader, model);
        if (draw(f, 5) == 0)
            run(f->writer, "PRAGMA wal_checkpoint(RESTART)");
    }
    assert_sound(f->reader);
    sqlite3_close(model);
}

/* -- Rollback ------------------------------------------------------------------------------------------------------ */

/* What a rolled-back transaction had spilled is never written behind what another connection commits. */
static void test_vfs_log__rollback_drops_what_was_gathered(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 20; i++) {
        run(f->writer, "BEGIN IMMEDIATE");
        for (int id = 0; id < 10 + i; id++)
            assert_int_equal(put(f->writer, id, 1, 3000), SQLITE_OK);
        run(f->writer, "ROLLBACK");
        unsigned long long before = log_writes();
        for (int id = 0; id < 30; id++)
            assert_int_equal(put(f->reader, id, 2, 3000), SQLITE_OK);
        assert_int_equal(put(f->writer, 50, 3, 100), SQLITE_OK);
        assert_true(log_writes() - before <= 2); /* a header that does not follow, and the rest */
        assert_int_equal(value_of(f->reader, "SELECT count(*) FROM item"), 31);
        assert_sound(f->reader);
    }
}

/* -- Errors -------------------------------------------------------------------------------------------------------- */

/* The next transaction of the writer, whose log takes so many writes and then refuses so many. */
static void fail_log_writes(int error, unsigned long long good, unsigned long long failing)
{
    atomic_store(&test_vfs_state.log_write_error, error);
    atomic_store(&test_vfs_state.good_log_writes, good);
    atomic_store(&test_vfs_state.failing_log_writes, failing);
}

/* Back to pages that were spilled. With a NOT NULL column this statement can be taken back alone. */
static int change_all(sqlite3 *db, int version)
{
    static const char *const statements[] = {"UPDATE item SET note = CAST(note AS TEXT) || 'b'",
                                             "UPDATE item SET note = CAST(note AS TEXT) || 'c'"};
    return sqlite3_exec(db, statements[version % 2], NULL, NULL, NULL);
}

/* True when SQLite says that it is committed. A statement that failed and left its transaction open is left out. */
static bool try_to_commit(struct fixture *f, int version, bool *ret_is_whole)
{
    *ret_is_whole = true;
    int result = sqlite3_exec(f->writer, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (int id = 0; id < 60 && result == SQLITE_OK; id++)
        result = put(f->writer, id, version, 3500);
    for (int i = 0; i < f->passes && !sqlite3_get_autocommit(f->writer); i++) {
        result = change_all(f->writer, version);
        *ret_is_whole = *ret_is_whole && result == SQLITE_OK;
    }
    if (!sqlite3_get_autocommit(f->writer))
        result = sqlite3_exec(f->writer, "COMMIT", NULL, NULL, NULL);
    if (!sqlite3_get_autocommit(f->writer))
        run(f->writer, "ROLLBACK");
    return result == SQLITE_OK;
}

static int64_t digest(sqlite3 *db)
{
    return value_of(db,
                    "SELECT count(DISTINCT note) * 1000000 + max(length(note)) * 1000 + max(unicode(note)) FROM item");
}

/* Whether the failure met the transaction. */
static bool fail_one_transaction(struct fixture *f, unsigned long long good, unsigned long long failing, int error)
{
    int version = 1 + (int)(good % 20);
    int64_t before = digest(f->reader);
    bool is_whole;
    fail_log_writes(error, good, failing);
    bool is_committed = try_to_commit(f, version, &is_whole);
    bool has_failed = atomic_load(&test_vfs_state.failing_log_writes) < failing;
    atomic_store(&test_vfs_state.failing_log_writes, 0);
    if (failing > 1)
        assert_false(has_failed && is_committed);
    if (!is_committed)
        assert_int_equal(digest(f->reader), before);
    else if (is_whole)
        assert_int_equal(digest(f->reader), 1000000 + (3500 + f->passes) * 1000 + 'a' + version);
    else
        assert_int_equal(value_of(f->reader, "SELECT max(unicode(note)) FROM item"), 'a' + version);
    assert_sound(f->reader);
    assert_sound(f->writer);
    return has_failed;
}

static void fail_each_write(struct fixture *f, int error, unsigned long long failures_min)
{
    bool is_whole;
    assert_true(try_to_commit(f, 0, &is_whole) && is_whole);
    unsigned long long good = 0;
    while (good < FAILURES_MAX && fail_one_transaction(f, good, 1, error)) {
        fail_one_transaction(f, good, UINT32_MAX, error);
        assert_true(try_to_commit(f, 25, &is_whole) && is_whole);
        good++;
    }
    assert_in_range(good, failures_min, FAILURES_MAX - 1);
}

/* Whichever write to the log fails, once or for good, however much is synced: the transaction is there whole when
 * SQLite said so, and not at all when it did not. */
static void test_vfs_log__each_write_fails_once(void **state)
{
    static const int errors[] = {SQLITE_IOERR_WRITE, SQLITE_FULL};
    static const char *const levels[] = {"PRAGMA synchronous = OFF", "PRAGMA synchronous = FULL"};
    struct fixture *f = *state;
    for (size_t i = 0; i < 4; i++) {
        run(f->writer, levels[i / 2]);
        run(f->writer, "PRAGMA cache_size = 1000"); /* all is written at the commit */
        f->passes = 0;
        fail_each_write(f, errors[i % 2], 2);
        run(f->writer, "PRAGMA cache_size = 30"); /* some is written before it, and read again */
        fail_each_write(f, errors[i % 2], 2);
        f->passes = 2;
        fail_each_write(f, errors[i % 2], 10);
    }
}

/* -- The name ------------------------------------------------------------------------------------------------------ */

static void test_vfs_log__is_registered_once_over_each(void **state)
{
    (void)state;
    assert_non_null(vfs_log_over(NULL));
    assert_ptr_equal(vfs_log_over(NULL), vfs_log_over(""));
    assert_ptr_equal(vfs_log_over("test"), vfs_log_over("test"));
    assert_string_not_equal(vfs_log_over("test"), vfs_log_over(NULL));
    assert_null(vfs_log_over("none"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_vfs_log__a_commit_is_one_write),   TEST(test_vfs_log__readers_see_each_commit),
        TEST(test_vfs_log__is_a_log_like_any_other), TEST(test_vfs_log__rollback_drops_what_was_gathered),
        TEST(test_vfs_log__each_write_fails_once),   TEST(test_vfs_log__is_registered_once_over_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
