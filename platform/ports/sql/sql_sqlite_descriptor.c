/* SQLite on a file that somebody else opened: a VFS whose files are descriptors, named by their number. It is for one
 * connection that writes a copy without a journal: so there is nothing to lock, and no second file to open. What SQLite
 * asks a VFS beyond files (time, randomness, extensions) it does not need for that. */
#include "platform/ports/sql/sql_sqlite.h"
#include "platform/ports/sql/sqlite.sql.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define VFS_NAME "shopstream-descriptor"
#define NAME_BYTES_MAX 16
#define SECTOR_BYTES 4096

struct descriptor_file {
    sqlite3_file base;
    int descriptor;
};

static int descriptor_of(sqlite3_file *file)
{
    return ((struct descriptor_file *)(void *)file)->descriptor;
}

/* The file is its opener's. */
static int close_file(sqlite3_file *file)
{
    (void)file;
    return SQLITE_OK;
}

static int read_file(sqlite3_file *file, void *to, int size, sqlite3_int64 offset)
{
    char *bytes = to;
    size_t left = (size_t)size;

    while (left) {
        ssize_t got = pread(descriptor_of(file), bytes, left, offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return SQLITE_IOERR_READ;
        if (got == 0) {
            memset(bytes, 0, left);
            return SQLITE_IOERR_SHORT_READ;
        }
        bytes += got;
        offset += got;
        left -= (size_t)got;
    }
    return SQLITE_OK;
}

static int write_file(sqlite3_file *file, const void *from, int size, sqlite3_int64 offset)
{
    const char *bytes = from;
    size_t left = (size_t)size;

    while (left) {
        ssize_t written = pwrite(descriptor_of(file), bytes, left, offset);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_IOERR_WRITE;
        bytes += written;
        offset += written;
        left -= (size_t)written;
    }
    return SQLITE_OK;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
    return ftruncate(descriptor_of(file), size) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int sync_file(sqlite3_file *file, int flags)
{
    (void)flags;
    return fsync(descriptor_of(file)) == 0 ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int get_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    struct stat status;

    if (fstat(descriptor_of(file), &status) != 0)
        return SQLITE_IOERR_FSTAT;
    *ret_size = status.st_size;
    return SQLITE_OK;
}

static int lock_file(sqlite3_file *file, int level)
{
    (void)file;
    (void)level;
    return SQLITE_OK;
}

static int is_reserved(sqlite3_file *file, int *ret_is_reserved)
{
    (void)file;
    *ret_is_reserved = 0;
    return SQLITE_OK;
}

static int control_file(sqlite3_file *file, int operation, void *argument)
{
    (void)file;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int get_sector_size(sqlite3_file *file)
{
    (void)file;
    return SECTOR_BYTES;
}

static int get_characteristics(sqlite3_file *file)
{
    (void)file;
    return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = get_size,
    .xLock = lock_file,
    .xUnlock = lock_file,
    .xCheckReservedLock = is_reserved,
    .xFileControl = control_file,
    .xSectorSize = get_sector_size,
    .xDeviceCharacteristics = get_characteristics,
};

/* The database alone: a journal has no descriptor. */
static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    struct descriptor_file *opened = (struct descriptor_file *)(void *)file;
    int64_t descriptor;

    (void)vfs;
    opened->base.pMethods = NULL;
    if (!name || !(flags & SQLITE_OPEN_MAIN_DB) || str_to_int64(str_from_cstr(name), &descriptor) < 0)
        return SQLITE_CANTOPEN;
    opened->descriptor = (int)descriptor;
    opened->base.pMethods = &methods;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    (void)name;
    (void)sync_folder;
    return SQLITE_IOERR_DELETE;
}

/* Nothing is beside the file. */
static int has_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_has_access)
{
    (void)vfs;
    (void)name;
    (void)flags;
    *ret_has_access = 0;
    return SQLITE_OK;
}

static int get_full_name(sqlite3_vfs *vfs, const char *name, int size, char *ret_name)
{
    (void)vfs;
    return snprintf(ret_name, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static sqlite3_vfs descriptor_vfs = {
    .iVersion = 1,
    .szOsFile = sizeof(struct descriptor_file),
    .mxPathname = NAME_BYTES_MAX,
    .zName = VFS_NAME,
    .xOpen = open_file,
    .xDelete = delete_file,
    .xAccess = has_access,
    .xFullPathname = get_full_name,
};

int sqlite_open_descriptor(int file, sqlite3 **ret_handle)
{
    char name[NAME_BYTES_MAX];
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

    snprintf(name, sizeof(name), "%d", file);
    int result = sqlite3_vfs_register(&descriptor_vfs, 0); /* again is fine */
    if (result == SQLITE_OK)
        result = sqlite3_open_v2(name, ret_handle, flags, VFS_NAME);
    if (result == SQLITE_OK)
        result = sqlite3_exec(*ret_handle, ports_sql_sqlite_no_journal.text, NULL, NULL, NULL);
    return result;
}
