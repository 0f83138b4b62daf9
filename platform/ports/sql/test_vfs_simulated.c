/* The simulated disk itself: what was synced stays, what was not may go, and SQLite on it keeps what it acknowledged.
 */
#include "platform/base/err.h"
#include "platform/base/simulator.h"
#include "platform/ports/sql/vfs_simulated.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SEEDS 200
#define BYTES 2000
#define HALF (BYTES / 2)

struct trial {
    struct simulated_disk *disk;
    uint64_t seed;
    char seen[BYTES]; /* after the crash */
};

static sqlite3_file *open_file(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find("trial_disk");
    sqlite3_file *file = calloc(1, (size_t)vfs->szOsFile);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB;
    ASSERT(file && vfs->xOpen(vfs, "file", file, flags, &flags) == SQLITE_OK);
    return file;
}

/* The first half is synced, the second is not. */
static void write_and_crash(void *argument, unsigned incarnation)
{
    struct trial *trial = argument;
    char bytes[BYTES];
    sqlite3_file *file = open_file();
    if (incarnation > 0) {
        file->pMethods->xRead(file, trial->seen, BYTES, 0);
        file->pMethods->xClose(file);
        return;
    }
    memset(bytes, 'x', BYTES);
    ASSERT(file->pMethods->xTruncate(file, 0) == SQLITE_OK); /* of the trial before */
    ASSERT(file->pMethods->xWrite(file, bytes, HALF, 0) == SQLITE_OK);
    ASSERT(file->pMethods->xSync(file, SQLITE_SYNC_FULL) == SQLITE_OK);
    ASSERT(file->pMethods->xWrite(file, bytes, HALF, HALF) == SQLITE_OK);
    simulator_crash();
}

static void on_crash(void *argument, unsigned incarnation)
{
    (void)incarnation;
    simulated_disk_crash(((struct trial *)argument)->disk);
}

static void run_trial(struct trial *trial, enum simulated_disk_lie lie)
{
    const struct simulator_options options = {.on_crash = on_crash};
    struct simulator_result result;
    memset(trial->seen, 0, BYTES);
    simulated_disk_set_lie(trial->disk, lie, NULL);
    simulator_run(trial->seed, &options, write_and_crash, trial, &result);
    ASSERT(result.end == SIMULATOR_FINISHED && result.crashes == 1);
}

static int count(const char *bytes, size_t size)
{
    int found = 0;
    for (size_t i = 0; i < size; i++)
        found += bytes[i] == 'x';
    return found;
}

/* In a child: SQLite's configuration and the simulation's leaks end with it. */
static void in_child(void (*check)(struct trial *trial))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct trial trial = {0};
        simulated_disk_configure_sqlite();
        trial.disk = simulated_disk_new("trial_disk");
        check(&trial);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void keeps_what_was_synced(struct trial *trial)
{
    int kept = 0, lost = 0, torn = 0;
    for (trial->seed = 1; trial->seed <= SEEDS; trial->seed++) {
        run_trial(trial, SIMULATED_DISK_HONEST);
        ASSERT(count(trial->seen, HALF) == HALF);
        int rest = count(trial->seen + HALF, HALF);
        kept += rest == HALF;
        lost += rest == 0;
        torn += rest > 0 && rest < HALF;
    }
    ASSERT(kept > 0 && lost > 0 && torn > 0);
}

static void test_vfs_simulated__keeps_what_was_synced_and_little_else(void **state)
{
    (void)state;
    in_child(keeps_what_was_synced);
}

static void loses_what_it_lied_about(struct trial *trial)
{
    int lost = 0;
    for (trial->seed = 1; trial->seed <= SEEDS; trial->seed++) {
        run_trial(trial, SIMULATED_DISK_IGNORES_SYNCS);
        lost += count(trial->seen, HALF) < HALF;
    }
    ASSERT(lost > 0);
}

static void test_vfs_simulated__a_lying_disk_loses_what_was_synced(void **state)
{
    (void)state;
    in_child(loses_what_it_lied_about);
}

static void refuses_when_full(struct trial *trial)
{
    char byte = 'x';
    sqlite3_file *file = open_file();
    ASSERT(file->pMethods->xWrite(file, &byte, 1, 0) == SQLITE_OK);
    simulated_disk_faults(trial->disk)->is_full = true;
    ASSERT(file->pMethods->xWrite(file, &byte, 1, 1) == SQLITE_FULL);
    ASSERT(file->pMethods->xWrite(file, &byte, 1, 0) == SQLITE_OK); /* what is there already can be overwritten */
    simulated_disk_faults(trial->disk)->is_full = false;
    ASSERT(file->pMethods->xWrite(file, &byte, 1, 1) == SQLITE_OK);
}

static void test_vfs_simulated__a_full_disk_takes_no_more(void **state)
{
    (void)state;
    in_child(refuses_when_full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vfs_simulated__keeps_what_was_synced_and_little_else),
        cmocka_unit_test(test_vfs_simulated__a_lying_disk_loses_what_was_synced),
        cmocka_unit_test(test_vfs_simulated__a_full_disk_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
