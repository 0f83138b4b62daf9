/* A VFS over SQLite's default that counts syncs and fails on demand: a full disk, an fsync that fails, a power cut
 * whose file is what was synced or written. For tests on threads. */
#pragma once

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

struct test_vfs_state {
    atomic_bool is_full;    /* writes beyond a file's end get SQLITE_FULL */
    atomic_bool fails_sync; /* syncs get SQLITE_IOERR_FSYNC, after the bytes were written */
    atomic_ullong syncs;
    atomic_ullong log_writes; /* to write-ahead logs */
    atomic_int log_write_error;
    atomic_ullong failing_log_writes; /* so many of the next ones get that error ... */
    atomic_ullong good_log_writes;    /* ... after so many that do not */
};
static struct test_vfs_state test_vfs_state;

struct test_vfs_file {
    sqlite3_file base;
    sqlite3_file *real; /* lies behind this struct */
    bool is_log;
};

static inline sqlite3_file *test_vfs_real(sqlite3_file *file)
{
    return ((struct test_vfs_file *)(void *)file)->real;
}

static int test_vfs_close(sqlite3_file *file)
{
    return test_vfs_real(file)->pMethods->xClose(test_vfs_real(file));
}

static int test_vfs_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset)
{
    return test_vfs_real(file)->pMethods->xRead(test_vfs_real(file), bytes, size, offset);
}

static bool test_vfs_log_write_fails(void)
{
    atomic_fetch_add(&test_vfs_state.log_writes, 1);
    if (atomic_load(&test_vfs_state.failing_log_writes) == 0)
        return false;
    if (atomic_load(&test_vfs_state.good_log_writes) > 0) {
        atomic_fetch_sub(&test_vfs_state.good_log_writes, 1);
        return false;
    }
    atomic_fetch_sub(&test_vfs_state.failing_log_writes, 1);
    return true;
}

static int test_vfs_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    sqlite3_file *real = test_vfs_real(file);
    sqlite3_int64 length = 0;
    real->pMethods->xFileSize(real, &length);
    if (atomic_load(&test_vfs_state.is_full) && offset + size > length)
        return SQLITE_FULL;
    if (((struct test_vfs_file *)(void *)file)->is_log && test_vfs_log_write_fails())
        return atomic_load(&test_vfs_state.log_write_error);
    return real->pMethods->xWrite(real, bytes, size, offset);
}

static int test_vfs_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return test_vfs_real(file)->pMethods->xTruncate(test_vfs_real(file), size);
}

static int test_vfs_sync(sqlite3_file *file, int flags)
{
    atomic_fetch_add(&test_vfs_state.syncs, 1);
    if (atomic_load(&test_vfs_state.fails_sync))
        return SQLITE_IOERR_FSYNC;
    return test_vfs_real(file)->pMethods->xSync(test_vfs_real(file), flags);
}

static int test_vfs_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return test_vfs_real(file)->pMethods->xFileSize(test_vfs_real(file), size);
}

static int test_vfs_lock(sqlite3_file *file, int lock)
{
    return test_vfs_real(file)->pMethods->xLock(test_vfs_real(file), lock);
}

static int test_vfs_unlock(sqlite3_file *file, int lock)
{
    return test_vfs_real(file)->pMethods->xUnlock(test_vfs_real(file), lock);
}

static int test_vfs_check_lock(sqlite3_file *file, int *result)
{
    return test_vfs_real(file)->pMethods->xCheckReservedLock(test_vfs_real(file), result);
}

static int test_vfs_control(sqlite3_file *file, int operation, void *argument)
{
    return test_vfs_real(file)->pMethods->xFileControl(test_vfs_real(file), operation, argument);
}

static int test_vfs_sector_size(sqlite3_file *file)
{
    return test_vfs_real(file)->pMethods->xSectorSize(test_vfs_real(file));
}

static int test_vfs_traits(sqlite3_file *file)
{
    return test_vfs_real(file)->pMethods->xDeviceCharacteristics(test_vfs_real(file));
}

static int test_vfs_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
    return test_vfs_real(file)->pMethods->xShmMap(test_vfs_real(file), page, size, extend, memory);
}

static int test_vfs_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return test_vfs_real(file)->pMethods->xShmLock(test_vfs_real(file), offset, count, flags);
}

static void test_vfs_shm_barrier(sqlite3_file *file)
{
    test_vfs_real(file)->pMethods->xShmBarrier(test_vfs_real(file));
}

static int test_vfs_shm_unmap(sqlite3_file *file, int must_delete)
{
    return test_vfs_real(file)->pMethods->xShmUnmap(test_vfs_real(file), must_delete);
}

static const sqlite3_io_methods test_vfs_methods = {
    .iVersion = 2,
    .xClose = test_vfs_close,
    .xRead = test_vfs_read,
    .xWrite = test_vfs_write,
    .xTruncate = test_vfs_truncate,
    .xSync = test_vfs_sync,
    .xFileSize = test_vfs_file_size,
    .xLock = test_vfs_lock,
    .xUnlock = test_vfs_unlock,
    .xCheckReservedLock = test_vfs_check_lock,
    .xFileControl = test_vfs_control,
    .xSectorSize = test_vfs_sector_size,
    .xDeviceCharacteristics = test_vfs_traits,
    .xShmMap = test_vfs_shm_map,
    .xShmLock = test_vfs_shm_lock,
    .xShmBarrier = test_vfs_shm_barrier,
    .xShmUnmap = test_vfs_shm_unmap,
};

static int test_vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    sqlite3_vfs *real_vfs = vfs->pAppData;
    struct test_vfs_file *wrapper = (struct test_vfs_file *)(void *)file;
    wrapper->real = (sqlite3_file *)(void *)(wrapper + 1);
    wrapper->base.pMethods = NULL;
    wrapper->is_log = flags & SQLITE_OPEN_WAL;
    int result = real_vfs->xOpen(real_vfs, name, wrapper->real, flags, out_flags);
    if (result == SQLITE_OK)
        wrapper->base.pMethods = &test_vfs_methods;
    return result;
}

/* Registers it under the name "test". */
static inline void test_vfs_register(void)
{
    static sqlite3_vfs vfs;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    vfs = *real;
    vfs.pNext = NULL;
    vfs.zName = "test";
    vfs.pAppData = real;
    vfs.szOsFile = (int)sizeof(struct test_vfs_file) + real->szOsFile;
    vfs.xOpen = test_vfs_open;
    sqlite3_vfs_register(&vfs, 0);
}
