/* The VFS that gathers the frames of a commit: vfs_log.h says what holds. */
#include "platform/ports/sql/vfs_log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NAME_PREFIX "shopstream-log:"
#define FRAME_HEADER_BYTES 24
#define WRITE_LOCK 0 /* the lock of the log's index that a transaction which writes holds */

struct log_vfs {
    sqlite3_vfs base; /* a copy of the real one, but for its name, the size of its files, and how it opens them */
    sqlite3_vfs *real;
    struct log_vfs *next; /* of all that were made */
    char name[VFS_LOG_NAME_BYTES_MAX];
};

/* They live until the end of the program, also when SQLite is shut down and forgets them. */
static struct log_vfs *all;

/* A database's file or its log; of others SQLite has the real one. One connection's, so one task's at a time. */
struct log_file {
    sqlite3_file base;
    sqlite3_file *real;      /* lies behind this struct */
    struct log_file *other;  /* a database's log, a log's database; NULL while that is not open */
    unsigned char *gathered; /* of a log: NULL until there is something */
    int gathered_bytes;
    sqlite3_int64 next_offset; /* of a log: behind what was written last, gathered or not; -1 at first */
    bool is_committing;        /* of a log: the last header was that of a frame which commits */
};

static struct log_file *log_file_of(sqlite3_file *file)
{
    return (struct log_file *)(void *)file;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return log_file_of(file)->real;
}

/* -- What is gathered ---------------------------------------------------------------------------------------------- */

/* Keeps it when it cannot be written. */
static int write_gathered(struct log_file *log)
{
    if (log->gathered_bytes == 0)
        return SQLITE_OK;
    sqlite3_int64 offset = log->next_offset - log->gathered_bytes;
    int result = log->real->pMethods->xWrite(log->real, log->gathered, log->gathered_bytes, offset);
    if (result == SQLITE_OK)
        log->gathered_bytes = 0;
    return result;
}

/* Whether there is room, now that what was there may have been written. */
static int make_room(struct log_file *log, int size, bool *ret_has_room)
{
    if (!log->gathered)
        log->gathered = sqlite3_malloc(VFS_LOG_GATHERED_BYTES_MAX);
    if (log->gathered_bytes > VFS_LOG_GATHERED_BYTES_MAX - size) {
        int result = write_gathered(log);
        if (result != SQLITE_OK)
            return result;
    }
    *ret_has_room = log->gathered && size <= VFS_LOG_GATHERED_BYTES_MAX;
    return SQLITE_OK;
}

/* A header says whether its frame is the last one of a commit: the database's size in pages is then not zero. */
static void look_for_commit(struct log_file *log, const unsigned char *bytes, int size)
{
    if (size == FRAME_HEADER_BYTES)
        log->is_committing = bytes[4] || bytes[5] || bytes[6] || bytes[7];
}

static int gather(struct log_file *log, const void *bytes, int size)
{
    bool has_room = false;
    int result = make_room(log, size, &has_room);
    if (result != SQLITE_OK)
        return result;
    bool ends_commit = log->is_committing && size != FRAME_HEADER_BYTES;
    if (!has_room)
        result = log->real->pMethods->xWrite(log->real, bytes, size, log->next_offset);
    else
        memcpy(log->gathered + log->gathered_bytes, bytes, (size_t)size);
    if (result != SQLITE_OK)
        return result;
    log->gathered_bytes += has_room ? size : 0;
    log->next_offset += size;
    look_for_commit(log, bytes, size);
    return ends_commit ? write_gathered(log) : SQLITE_OK;
}

/* Only what follows the write before is gathered: the header of a log, a frame that replaces one of the same
 * transaction and a first one after a rollback are written at once. */
static int log_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    struct log_file *log = log_file_of(file);
    if (offset == log->next_offset)
        return gather(log, bytes, size);
    int result = write_gathered(log);
    if (result == SQLITE_OK)
        result = log->real->pMethods->xWrite(log->real, bytes, size, offset);
    if (result != SQLITE_OK)
        return result;
    log->next_offset = offset + size;
    look_for_commit(log, bytes, size);
    return SQLITE_OK;
}

/* -- A log's other methods: after what was gathered ---------------------------------------------------------------- */

/* Only where they meet: a rollback reads again what the file has, and must do so on a full disk too. */
static int log_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset)
{
    struct log_file *log = log_file_of(file);
    bool meets = offset < log->next_offset && offset + size > log->next_offset - log->gathered_bytes;
    int result = meets ? write_gathered(log) : SQLITE_OK;
    return result != SQLITE_OK ? result : real_of(file)->pMethods->xRead(real_of(file), bytes, size, offset);
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int result = write_gathered(log_file_of(file));
    return result != SQLITE_OK ? result : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int log_sync(sqlite3_file *file, int flags)
{
    int result = write_gathered(log_file_of(file));
    return result != SQLITE_OK ? result : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int log_file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    int result = write_gathered(log_file_of(file));
    return result != SQLITE_OK ? result : real_of(file)->pMethods->xFileSize(real_of(file), ret_size);
}

static int log_control(sqlite3_file *file, int operation, void *argument)
{
    int result = write_gathered(log_file_of(file));
    return result != SQLITE_OK ? result : real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

/* What is gathered now is of no commit. */
static int log_close(sqlite3_file *file)
{
    struct log_file *log = log_file_of(file);
    if (log->other)
        log->other->other = NULL;
    sqlite3_free(log->gathered);
    return log->real->pMethods->xClose(log->real);
}

/* -- A database's methods: the real ones, and an eye on the lock --------------------------------------------------- */

static int database_close(sqlite3_file *file)
{
    if (log_file_of(file)->other)
        log_file_of(file)->other->other = NULL;
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int database_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), bytes, size, offset);
}

static int database_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xWrite(real_of(file), bytes, size, offset);
}

static int database_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int database_sync(sqlite3_file *file, int flags)
{
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int database_file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), ret_size);
}

static int file_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_reserved_lock(sqlite3_file *file, int *ret_is_held)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret_is_held);
}

static int database_control(sqlite3_file *file, int operation, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int file_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_traits(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int database_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret_memory)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, ret_memory);
}

static int database_shm_lock(sqlite3_file *file, int first, int count, int flags)
{
    struct log_file *log = log_file_of(file)->other;
    bool ends_writing = (flags & SQLITE_SHM_UNLOCK) && (flags & SQLITE_SHM_EXCLUSIVE) && first == WRITE_LOCK;
    if (ends_writing && log && log->gathered_bytes > 0) {
        log->gathered_bytes = 0;
        log->next_offset = -1;
    }
    return real_of(file)->pMethods->xShmLock(real_of(file), first, count, flags);
}

static void database_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int database_shm_unmap(sqlite3_file *file, int must_delete)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), must_delete);
}

/* Version 1: a log has neither an index in shared memory nor pages that are mapped. */
static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved_lock,
    .xFileControl = log_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_traits,
};

/* Version 2: no pages are mapped here (PRAGMA mmap_size = 0). */
static const sqlite3_io_methods database_methods = {
    .iVersion = 2,
    .xClose = database_close,
    .xRead = database_read,
    .xWrite = database_write,
    .xTruncate = database_truncate,
    .xSync = database_sync,
    .xFileSize = database_file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved_lock,
    .xFileControl = database_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = database_shm_map,
    .xShmLock = database_shm_lock,
    .xShmBarrier = database_shm_barrier,
    .xShmUnmap = database_shm_unmap,
};

/* -- The VFS ------------------------------------------------------------------------------------------------------- */

/* SQLite opens a log by the name that it keeps beside the database's file object. */
static void pair(struct log_file *log, const char *path)
{
    struct log_file *database = log_file_of(sqlite3_database_file_object(path));
    if (database->base.pMethods != &database_methods)
        return;
    log->other = database;
    database->other = log;
}

static int open_file(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *ret_flags)
{
    sqlite3_vfs *real = ((struct log_vfs *)(void *)vfs)->real;
    bool is_log = flags & SQLITE_OPEN_WAL;
    if (!is_log && !(flags & SQLITE_OPEN_MAIN_DB))
        return real->xOpen(real, path, file, flags, ret_flags);
    struct log_file *opened = log_file_of(file);
    *opened = (struct log_file){.real = (sqlite3_file *)(void *)(opened + 1), .next_offset = -1};
    int result = real->xOpen(real, path, opened->real, flags, ret_flags);
    if (result != SQLITE_OK)
        return result;
    opened->base.pMethods = is_log ? &log_methods : &database_methods;
    if (is_log)
        pair(opened, path);
    return SQLITE_OK;
}

static const char *add_vfs(sqlite3_vfs *real, const char *name)
{
    struct log_vfs *vfs = sqlite3_malloc(sizeof(*vfs));
    if (!vfs)
        return NULL;
    *vfs = (struct log_vfs){.base = *real, .real = real, .next = all};
    snprintf(vfs->name, sizeof(vfs->name), "%s", name);
    vfs->base.pNext = NULL;
    vfs->base.zName = vfs->name;
    vfs->base.szOsFile = (int)sizeof(struct log_file) + real->szOsFile;
    vfs->base.xOpen = open_file;
    if (sqlite3_vfs_register(&vfs->base, 0) != SQLITE_OK) {
        sqlite3_free(vfs);
        return NULL;
    }
    all = vfs;
    return vfs->name;
}

const char *vfs_log_over(const char *name)
{
    sqlite3_vfs *real = sqlite3_vfs_find(name && name[0] ? name : NULL);
    if (!real)
        return NULL;
    char own_name[VFS_LOG_NAME_BYTES_MAX];
    int length = snprintf(own_name, sizeof(own_name), NAME_PREFIX "%s", real->zName);
    if (length < 0 || (size_t)length >= sizeof(own_name))
        return NULL;
    /* SQLite's own mutex for whoever adds a VFS; none where it was configured for one thread. */
    sqlite3_mutex *mutex = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_VFS1);
    sqlite3_mutex_enter(mutex);
    const sqlite3_vfs *known = sqlite3_vfs_find(own_name);
    const char *found = known ? known->zName : add_vfs(real, own_name);
    sqlite3_mutex_leave(mutex);
    return found;
}
