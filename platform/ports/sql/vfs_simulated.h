/* Disks of the simulation: each is a SQLite VFS whose files lie in memory and outlive the crashes of the process.
 *
 * A file has what was synced, and a list of what was not. A crash draws for each unsynced write whether it reached the
 * platter whole, in part (some sectors of 512 bytes), spoilt, or not at all, in any order, as SQLite's own crash tests
 * do; an unsynced file may vanish, a deleted one whose folder was not synced may come back. What a failed sync covered
 * is never safe again, whatever later syncs say (as with Linux since 4.13). Locks and the shared memory of the log's
 * index live in the incarnation, and go with it.
 *
 * Every call that changes something is a step (task.h): a place to switch, to delay, to crash.
 *
 * SQLite must be configured by simulated_disk_configure_sqlite first: tasks of one thread must not meet real mutexes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SIMULATED_DISK_FILES_MAX 64

struct simulated_disk;

/* What goes wrong from now on; all zero: nothing does. */
struct simulated_disk_faults {
    bool is_full;                 /* whatever makes a file longer gets SQLITE_FULL */
    unsigned read_error_permille; /* reads that get SQLITE_IOERR_READ */
    unsigned write_error_permille;
    unsigned sync_error_permille;
    unsigned slow_permille; /* writes and syncs that take up to slow_max_ns */
    int64_t slow_max_ns;
};

/* Disks that lie, for planted bugs. */
enum simulated_disk_lie {
    SIMULATED_DISK_HONEST,
    SIMULATED_DISK_IGNORES_SYNCS, /* says that it synced, and did not */
    SIMULATED_DISK_SYNCS_LATE,    /* a sync takes effect with the next one */
};

struct simulated_disk_counts {
    uint64_t writes, syncs, crashes;
    uint64_t faults; /* errors given and calls slowed */
    /* Unsynced writes of which a crash kept nothing, or some sectors alone, and of these one with a byte that nobody
     * wrote. */
    uint64_t dropped_writes, torn_writes, spoilt_writes;
};

/* Once, before anything else of SQLite's is called. */
void simulated_disk_configure_sqlite(void);

/* Registers the VFS of that name (which must outlive the program); the first disk becomes SQLite's default, so that no
 * randomness and no time of the machine gets in. Lives until the end of the program. NULL when out of memory. */
struct simulated_disk *simulated_disk_new(const char *vfs_name);

struct simulated_disk_faults *simulated_disk_faults(struct simulated_disk *disk);
/* About the file of that path (a constant); NULL: about all. */
void simulated_disk_set_lie(struct simulated_disk *disk, enum simulated_disk_lie lie, const char *path);
const struct simulated_disk_counts *simulated_disk_counts(const struct simulated_disk *disk);

/* The power goes: for simulator_options.on_crash. Every connection is gone; nobody may use one afterwards. */
void simulated_disk_crash(struct simulated_disk *disk);

/* Writes every file as programs see it into the folder (which exists), by its own name: to look at with SQLite's shell.
 */
void simulated_disk_save(const struct simulated_disk *disk, const char *folder);
