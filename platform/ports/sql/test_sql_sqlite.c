/* What only the SQLite adapter has: files that are missing, damaged or full, its log, and its fsyncs. */
#include "platform/base/task.h"
#include "platform/base/test_folder.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/folder_lock.h"
#include "platform/ports/sql/sql.h"
#include "platform/ports/sql/test_sql_conformance.sql.h"
#include "platform/ports/sql/test_vfs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_BYTES 256
#define WAIT_MAX_NS (30 * CLOCK_NS_PER_S)

struct fixture {
    struct sql_db *db;
    char folder[TEST_FOLDER_BYTES];
    char message[512];
};

static const struct sql_migration item_migration = {
    .number = 1,
    .name = "items",
    .text = "CREATE TABLE item (id text PRIMARY KEY, quantity bigint NOT NULL, note text);"};

static void path_of(struct fixture *f, const char *name, char ret_path[PATH_BYTES])
{
    snprintf(ret_path, PATH_BYTES, "%.200s/%.40s", f->folder, name);
}

static int open_file(struct fixture *f, struct sql_db **ret_db, const char *name)
{
    char url[PATH_BYTES];
    snprintf(url, sizeof(url), "sqlite:%.180s/%.30s?vfs=test", f->folder, name);
    struct sql_config config = {.url = url};
    return sql_open(ret_db, &config, f->message);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    test_vfs_register();
    atomic_store(&test_vfs_state.is_full, false);
    atomic_store(&test_vfs_state.fails_sync, false);
    test_folder_make(f->folder);
    TRY(open_file(f, &f->db, "test.db"));
    return sql_migrate(f->db, "test", &item_migration, 1, f->message);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sql_close(f->db);
    test_folder_remove(f->folder);
    free(f);
    return 0;
}

struct item {
    char id[32];
    char *note;
};

static int insert_item(struct sql_tx *tx, void *argument)
{
    struct item *item = argument;
    return sql_exec(tx, &ports_sql_test_insert, SQL_ARGS(sql_cstr(item->id), sql_int(1), sql_cstr(item->note)), NULL);
}

static int insert(struct sql_db *db, int number, char *note)
{
    struct item item = {.note = note};
    snprintf(item.id, sizeof(item.id), "%d", number);
    return sql_write(db, insert_item, &item);
}

static int count_closure(struct sql_tx *tx, void *argument)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &ports_sql_test_count, SQL_NO_ARGS, &rows));
    *(int64_t *)argument = sql_get_int(rows, 0);
    return 0;
}

static int64_t row_count(struct sql_db *db)
{
    int64_t count = -1;
    assert_int_equal(sql_read(db, count_closure, &count), 0);
    return count;
}

static off_t file_size(struct fixture *f, const char *name)
{
    char path[PATH_BYTES];
    struct stat status;
    path_of(f, name, path);
    return stat(path, &status) == 0 ? status.st_size : -1;
}

/* -- Full disk, failed fsync -------------------------------------------------------------------------------------- */

static bool refuses_writes(struct fixture *f)
{
    struct sql_stats stats;
    sql_get_stats(f->db, &stats);
    return stats.refuses_writes;
}

/* Whoever asks whether the database takes writes need not write: it says so itself, and finds out when that is over. */
static void test_sqlite__says_that_it_refuses_writes_until_there_is_room(void **state)
{
    struct fixture *f = *state;
    char note[8001];
    memset(note, 'x', sizeof(note) - 1);
    note[sizeof(note) - 1] = '\0';
    int kept = 0;
    assert_int_equal(insert(f->db, kept++, note), 0);
    assert_false(refuses_writes(f));
    atomic_store(&test_vfs_state.is_full, true);
    int result = 0;
    for (int i = 0; i < 50000 && result == 0; i++) {
        result = insert(f->db, kept, note);
        kept += result == 0;
    }
    assert_int_equal(result, ERR_STORAGE_FULL);
    assert_true(refuses_writes(f));
    atomic_store(&test_vfs_state.is_full, false);
    int64_t deadline_ns = clock_monotonic_ns() + 20 * CLOCK_NS_PER_S;
    while (refuses_writes(f) && clock_monotonic_ns() < deadline_ns)
        task_sleep_ms(5);
    assert_false(refuses_writes(f));
    assert_int_equal(row_count(f->db), kept);
    atomic_store(&test_vfs_state.is_full, true);
    while (insert(f->db, kept, note) == 0)
        kept++;
    assert_true(refuses_writes(f));
    atomic_store(&test_vfs_state.is_full, false);
    assert_int_equal(insert(f->db, kept++, note), 0);
    assert_false(refuses_writes(f));
}

/* A full disk refuses writes with the right error, reads go on, and with room again writes do too, without a restart.
 */
static void test_sqlite__full_disk_refuses_and_recovers(void **state)
{
    struct fixture *f = *state;
    char note[8001];
    memset(note, 'x', sizeof(note) - 1);
    note[sizeof(note) - 1] = '\0';
    int kept = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++)
            assert_int_equal(insert(f->db, kept++, note), 0);
        atomic_store(&test_vfs_state.is_full, true);
        int refused = 0;
        /* What room the files have inside may take some writes more; each that is acknowledged must be there. */
        for (int i = 0; i < 50000 && refused < 5; i++) {
            int result = insert(f->db, kept, note);
            assert_true(result == 0 || result == ERR_STORAGE_FULL);
            kept += result == 0;
            refused += result != 0;
        }
        assert_int_equal(refused, 5);
        assert_int_equal(row_count(f->db), kept);
        atomic_store(&test_vfs_state.is_full, false);
        assert_int_equal(insert(f->db, kept++, note), 0);
        assert_int_equal(row_count(f->db), kept);
    }
    assert_int_equal(sql_check(f->db, f->message), 0);
    struct sql_stats stats;
    sql_get_stats(f->db, &stats);
    assert_int_equal(stats.failed_commits, 15);
}

static void copy_file(struct fixture *f, const char *from, const char *to)
{
    char paths[2][PATH_BYTES];
    char bytes[4096];
    path_of(f, from, paths[0]);
    path_of(f, to, paths[1]);
    FILE *in = fopen(paths[0], "rb");
    FILE *out = fopen(paths[1], "wb");
    assert_non_null(out);
    size_t size;
    while (in && (size = fread(bytes, 1, sizeof(bytes), in)) > 0)
        assert_int_equal(fwrite(bytes, 1, size, out), size);
    if (in)
        fclose(in);
    fclose(out);
}

/* A write whose fsync failed is refused, and is not there after a crash either, once the disk is well again. */
static void test_sqlite__failed_fsync_is_not_acknowledged_and_not_resurrected(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(insert(f->db, 1, NULL), 0);
    atomic_store(&test_vfs_state.fails_sync, true);
    assert_int_equal(insert(f->db, 2, NULL), ERR_UNAVAILABLE);
    assert_int_equal(row_count(f->db), 1);
    atomic_store(&test_vfs_state.fails_sync, false);
    /* No write follows; the idle writer overwrites the frames by itself. */
    unsigned long long syncs = atomic_load(&test_vfs_state.syncs);
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    while (atomic_load(&test_vfs_state.syncs) == syncs) {
        assert_true(clock_monotonic_ns() < deadline_ns);
        task_sleep_ms(5);
    }
    copy_file(f, "test.db", "copy.db");
    copy_file(f, "test.db-wal", "copy.db-wal");
    struct sql_db *copy;
    assert_int_equal(open_file(f, &copy, "copy.db"), 0);
    assert_int_equal(row_count(copy), 1);
    sql_close(copy);
    assert_int_equal(insert(f->db, 3, NULL), 0);
}

/* -- Opening ------------------------------------------------------------------------------------------------------ */

static void write_file(struct fixture *f, const char *name, const void *bytes, size_t size)
{
    char path[PATH_BYTES];
    path_of(f, name, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void test_sqlite__corrupt_file_is_named(void **state)
{
    struct fixture *f = *state;
    struct sql_db *db = NULL;
    char bytes[8192];
    memset(bytes, 'Z', sizeof(bytes));
    write_file(f, "bad.db", bytes, sizeof(bytes));
    assert_int_equal(open_file(f, &db, "bad.db"), ERR_CORRUPT);
    assert_null(db);
    assert_non_null(strstr(f->message, "bad.db is damaged"));
    assert_non_null(strstr(f->message, "backup"));
}

/* Damage inside is found by the check. */
static void test_sqlite__check_finds_damage(void **state)
{
    struct fixture *f = *state;
    struct sql_db *db;
    char note[3000];
    memset(note, 'x', sizeof(note) - 1);
    note[sizeof(note) - 1] = '\0';
    for (int i = 0; i < 50; i++)
        assert_int_equal(insert(f->db, i, note), 0);
    char path[PATH_BYTES];
    path_of(f, "bad.db", path);
    assert_int_equal(sql_backup(f->db, path, f->message), 0);
    int file = open(path, O_WRONLY);
    memset(note, 0x55, sizeof(note));
    for (int page = 4; page < 8; page++)
        assert_int_equal(pwrite(file, note, sizeof(note), page * 4096L), sizeof(note));
    close(file);
    assert_int_equal(open_file(f, &db, "bad.db"), 0);
    assert_int_equal(sql_check(db, f->message), ERR_CORRUPT);
    assert_non_null(strstr(f->message, "bad.db is damaged"));
    sql_close(db);
}

static void test_sqlite__unusable_places_are_explained(void **state)
{
    struct fixture *f = *state;
    struct sql_db *db = NULL;
    struct sql_config config = {.url = "sqlite:/nowhere/at/all/test.db"};
    assert_int_equal(sql_open(&db, &config, f->message), ERR_UNAVAILABLE);
    assert_non_null(strstr(f->message, "/nowhere/at/all"));
    assert_non_null(strstr(f->message, "does not exist"));
    config.url = "sqlite:/sys/test.db"; /* read-only, even for root */
    assert_int_equal(sql_open(&db, &config, f->message), ERR_UNAVAILABLE);
    assert_non_null(strstr(f->message, "/sys"));
    config.url = "sqlite:";
    assert_int_equal(sql_open(&db, &config, f->message), ERR_INVALID);
    config.url = "sqlite:/tmp/x.db?mode=memory";
    assert_int_equal(sql_open(&db, &config, f->message), ERR_INVALID);
    config.url = "sqlite:/tmp/x.db?vfs=none";
    assert_int_not_equal(sql_open(&db, &config, f->message), 0);
    assert_null(db);
}

static void test_sqlite__full_disk_at_opening(void **state)
{
    struct fixture *f = *state;
    struct sql_db *db = NULL;
    atomic_store(&test_vfs_state.is_full, true);
    assert_int_equal(open_file(f, &db, "copy.db"), ERR_STORAGE_FULL);
    assert_non_null(strstr(f->message, "no room"));
}

/* -- The log and fsyncs ------------------------------------------------------------------------------------------- */

/* The log stays bounded however much is written, and an idle database has it copied. */
static void test_sqlite__log_is_bounded(void **state)
{
    struct fixture *f = *state;
    char note[100001];
    memset(note, 'x', sizeof(note) - 1);
    note[sizeof(note) - 1] = '\0';
    for (int i = 0; i < 600; i++) /* 60 MB */
        assert_int_equal(insert(f->db, i, note), 0);
    assert_true(file_size(f, "test.db-wal") < (off_t)32 << 20);
    assert_int_equal(row_count(f->db), 600);
}

#define WRITERS 16
#define WRITES_EACH 20

static void write_many(void *argument)
{
    struct fixture *f = argument;
    static atomic_int next_number;
    for (int i = 0; i < WRITES_EACH; i++)
        assert_int_equal(insert(f->db, atomic_fetch_add(&next_number, 1) + 1000000, NULL), 0);
}

/* One fsync a commit, and one commit for many writers. */
static void test_sqlite__one_fsync_a_commit(void **state)
{
    struct fixture *f = *state;
    struct task *tasks[WRITERS];
    struct sql_stats before, after;
    assert_int_equal(insert(f->db, 0, NULL), 0); /* the log exists now */
    sql_get_stats(f->db, &before);
    unsigned long long syncs = atomic_load(&test_vfs_state.syncs);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(task_start(&tasks[i], "test-writer", write_many, f), 0);
    for (int i = 0; i < WRITERS; i++)
        task_join(tasks[i]);
    sql_get_stats(f->db, &after);
    syncs = atomic_load(&test_vfs_state.syncs) - syncs;
    assert_int_equal(after.writes - before.writes, WRITERS * WRITES_EACH);
    assert_int_equal(syncs, after.commits - before.commits);
    assert_true(syncs < WRITERS * WRITES_EACH / 2);
}

/* -- Copies and places --------------------------------------------------------------------------------------------- */

/* A backup of a running database is a whole one, and is never written over an existing file. */
static void test_sqlite__backup_is_a_database(void **state)
{
    struct fixture *f = *state;
    struct sql_db *copy;
    char path[PATH_BYTES];
    assert_int_equal(insert(f->db, 0, NULL), 0);
    path_of(f, "backup.db", path);
    assert_int_equal(sql_backup(f->db, path, f->message), 0);
    assert_int_equal(sql_backup(f->db, path, f->message), ERR_CONFLICT);
    assert_int_equal(open_file(f, &copy, "backup.db"), 0);
    assert_int_equal(row_count(copy), 1);
    assert_int_equal(sql_check(copy, f->message), 0);
    sql_close(copy);
}

static void test_sqlite__an_empty_file_is_no_database(void **state)
{
    struct fixture *f = *state;
    struct sql_place place = {.url = "sqlite:", .service = "other", .data_path = f->folder};
    char path[PATH_BYTES];
    path_of(f, "other.db", path);
    FILE *empty = fopen(path, "we");
    assert_non_null(empty);
    fclose(empty);
    assert_int_equal(sql_exists(&place, f->message), 0);
}

/* -- The folder's lock -------------------------------------------------------------------------------------------- */

/* A second process is refused and told whose the folder is; when the first has ended, however, it is free. */
static void test_folder_lock__second_process_is_refused(void **state)
{
    struct fixture *f = *state;
    struct folder_lock *lock;
    char pid[32];
    assert_int_equal(data_folder_lock(&lock, f->folder, f->message), 0);
    pid_t child = fork();
    if (child == 0) {
        struct folder_lock *second;
        snprintf(pid, sizeof(pid), "(pid %ld)", (long)getppid());
        bool is_refused = data_folder_lock(&second, f->folder, f->message) == ERR_CONFLICT;
        _exit(is_refused && strstr(f->message, pid) ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    data_folder_unlock(lock);
    assert_int_equal(data_folder_lock(&lock, f->folder, f->message), 0);
    data_folder_unlock(lock);
    assert_int_equal(data_folder_lock(&lock, "/nowhere/at/all", f->message), ERR_UNAVAILABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sqlite__full_disk_refuses_and_recovers),
        TEST(test_sqlite__says_that_it_refuses_writes_until_there_is_room),
        TEST(test_sqlite__failed_fsync_is_not_acknowledged_and_not_resurrected),
        TEST(test_sqlite__corrupt_file_is_named),
        TEST(test_sqlite__check_finds_damage),
        TEST(test_sqlite__unusable_places_are_explained),
        TEST(test_sqlite__full_disk_at_opening),
        TEST(test_sqlite__log_is_bounded),
        TEST(test_sqlite__one_fsync_a_commit),
        TEST(test_sqlite__backup_is_a_database),
        TEST(test_sqlite__an_empty_file_is_no_database),
        TEST(test_folder_lock__second_process_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
