#include "platform/ports/sql/vfs_simulated.h"

#include "platform/base/err.h"
#include "platform/base/simulator.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 512
#define SECTOR_BYTES 512
#define SHM_REGIONS_MAX 64
#define SHM_LOCKS 8
#define CHANGES_FIRST 16
#define MS_PER_JULIAN_DAY 86400000.0
#define JULIAN_DAY_OF_1970_MS INT64_C(210866760000000)

struct bytes {
    unsigned char *ptr;
    int64_t size;
    int64_t capacity;
};

/* A write, or without bytes a truncation to the offset. */
struct change {
    int64_t offset;
    int64_t size;
    unsigned char *bytes;
    bool sync_failed; /* a sync that covered it failed */
    bool is_late;     /* SIMULATED_DISK_SYNCS_LATE: a sync has covered it */
};

struct handle;

struct disk_file {
    char path[PATH_BYTES];
    bool exists, durable_exists;
    struct bytes current; /* what programs see */
    struct bytes durable; /* what was synced */
    struct change *changes;
    size_t change_count, change_capacity;

    /* Of the incarnation. */
    unsigned shared_count;
    const struct handle *reserved, *exclusive; /* exclusive: pending too */
    void *regions[SHM_REGIONS_MAX];
    unsigned shm_shared[SHM_LOCKS];
    const struct handle *shm_exclusive[SHM_LOCKS];
};

struct handle {
    sqlite3_file base;
    struct simulated_disk *disk;
    struct disk_file *file;
    int lock;
    bool is_temporary;
    unsigned shm_shared_mask, shm_exclusive_mask;
};

struct simulated_disk {
    sqlite3_vfs vfs;
    struct simulated_disk_faults faults;
    enum simulated_disk_lie lie;
    const char *lie_path; /* the file that it lies about; NULL: all */
    struct simulated_disk_counts counts;
    struct disk_file *files[SIMULATED_DISK_FILES_MAX];
    size_t file_count;
};

/* -- Bytes --------------------------------------------------------------------------------------------------------- */

static void resize(struct bytes *bytes, int64_t size)
{
    if (size > bytes->capacity) {
        int64_t capacity = bytes->capacity ? bytes->capacity : 4096;
        while (capacity < size)
            capacity *= 2;
        bytes->ptr = realloc(bytes->ptr, (size_t)capacity);
        ASSERT(bytes->ptr);
        bytes->capacity = capacity;
    }
    if (size > bytes->size)
        memset(bytes->ptr + bytes->size, 0, (size_t)(size - bytes->size));
    bytes->size = size;
}

static void put(struct bytes *bytes, int64_t offset, const void *from, int64_t size)
{
    if (offset + size > bytes->size)
        resize(bytes, offset + size);
    memcpy(bytes->ptr + offset, from, (size_t)size);
}

static void copy_bytes(struct bytes *to, const struct bytes *from)
{
    to->size = 0;
    resize(to, from->size);
    if (from->size > 0)
        memcpy(to->ptr, from->ptr, (size_t)from->size);
}

/* -- What is not synced yet ---------------------------------------------------------------------------------------- */

static void add_change(struct disk_file *file, int64_t offset, const void *bytes, int64_t size)
{
    if (file->change_count == file->change_capacity) {
        file->change_capacity = file->change_capacity ? 2 * file->change_capacity : CHANGES_FIRST;
        file->changes = realloc(file->changes, file->change_capacity * sizeof(file->changes[0]));
        ASSERT(file->changes);
    }
    struct change change = {.offset = offset, .size = size};
    if (bytes) {
        change.bytes = malloc((size_t)size);
        ASSERT(change.bytes);
        memcpy(change.bytes, bytes, (size_t)size);
    }
    file->changes[file->change_count++] = change;
}

static void apply_change(struct disk_file *file, const struct change *change)
{
    if (change->bytes)
        put(&file->durable, change->offset, change->bytes, change->size);
    else if (change->offset < file->durable.size)
        resize(&file->durable, change->offset);
}

static void drop_changes(struct disk_file *file)
{
    for (size_t i = 0; i < file->change_count; i++)
        free(file->changes[i].bytes);
    file->change_count = 0;
}

static void sync_late(struct disk_file *file)
{
    size_t kept = 0;
    for (size_t i = 0; i < file->change_count; i++) {
        struct change change = file->changes[i];
        if (change.is_late) {
            apply_change(file, &change);
            free(change.bytes);
            continue;
        }
        change.is_late = true;
        file->changes[kept++] = change;
    }
    file->change_count = kept;
}

/* What is deleted does not come back. */
static void sync_folder(struct simulated_disk *disk)
{
    for (size_t i = 0; i < disk->file_count; i++) {
        if (disk->files[i]->exists)
            continue;
        disk->files[i]->durable_exists = false;
        resize(&disk->files[i]->durable, 0);
    }
}

static enum simulated_disk_lie lie_about(const struct simulated_disk *disk, const char *path)
{
    return !disk->lie_path || strcmp(path, disk->lie_path) == 0 ? disk->lie : SIMULATED_DISK_HONEST;
}

/* The first sync of a new file syncs its folder too, as that of SQLite's own VFS does. */
static void sync_file(struct simulated_disk *disk, struct disk_file *file)
{
    if (!file->durable_exists)
        sync_folder(disk);
    file->durable_exists = true;
    enum simulated_disk_lie lie = lie_about(disk, file->path);
    if (lie == SIMULATED_DISK_IGNORES_SYNCS)
        return;
    if (lie == SIMULATED_DISK_SYNCS_LATE) {
        sync_late(file);
        return;
    }
    for (size_t i = 0; i < file->change_count; i++) {
        const struct change *change = &file->changes[i];
        if (!change->sync_failed || simulator_random_below(2) == 0)
            apply_change(file, change);
    }
    drop_changes(file);
}

/* -- The power goes ------------------------------------------------------------------------------------------------ */

/* Some sectors of the write reach the platter; one of them may be spoilt. */
static void tear(struct simulated_disk *disk, struct disk_file *file, const struct change *change)
{
    disk->counts.torn_writes++;
    for (int64_t done = 0; done < change->size;) {
        int64_t part = SECTOR_BYTES - (change->offset + done) % SECTOR_BYTES;
        if (part > change->size - done)
            part = change->size - done;
        if (simulator_random_below(2) == 0)
            put(&file->durable, change->offset + done, change->bytes + done, part);
        done += part;
    }
    if (simulator_random_below(2) == 0)
        return;
    int64_t at = change->offset + (int64_t)simulator_random_below((uint64_t)change->size);
    unsigned char spoilt = (unsigned char)simulator_random_below(256);
    put(&file->durable, at, &spoilt, 1);
    disk->counts.spoilt_writes++;
}

/* All of the file's unsynced writes may have got there, or none, or each by its own luck. */
static void lose_changes(struct simulated_disk *disk, struct disk_file *file)
{
    enum { ALL, NONE, EACH, WAYS };
    uint64_t way = file->change_count > 0 ? simulator_random_below(WAYS) : ALL;
    for (size_t i = 0; i < file->change_count; i++) {
        const struct change *change = &file->changes[i];
        uint64_t luck = way == EACH ? simulator_random_below(3) : way;
        if (luck == ALL)
            apply_change(file, change);
        else if (luck == EACH && change->bytes)
            tear(disk, file, change);
        else
            disk->counts.dropped_writes++;
    }
    drop_changes(file);
}

static void crash_file(struct simulated_disk *disk, struct disk_file *file)
{
    lose_changes(disk, file);
    if (file->exists != file->durable_exists && simulator_random_below(2) == 0)
        file->exists = file->durable_exists;
    file->durable_exists = file->exists;
    if (!file->exists)
        resize(&file->durable, 0);
    copy_bytes(&file->current, &file->durable);
    file->shared_count = 0;
    file->reserved = file->exclusive = NULL;
    memset(file->regions, 0, sizeof(file->regions)); /* the thrown-away tasks' memory */
    memset(file->shm_shared, 0, sizeof(file->shm_shared));
    memset(file->shm_exclusive, 0, sizeof(file->shm_exclusive));
}

void simulated_disk_crash(struct simulated_disk *disk)
{
    disk->counts.crashes++;
    for (size_t i = 0; i < disk->file_count; i++)
        crash_file(disk, disk->files[i]);
}

/* -- Faults -------------------------------------------------------------------------------------------------------- */

static bool strikes(struct simulated_disk *disk, unsigned permille)
{
    bool does = permille > 0 && simulator_random_below(1000) < permille;
    disk->counts.faults += does;
    return does;
}

static void step(struct simulated_disk *disk, const char *what)
{
    task_step(what);
    if (strikes(disk, disk->faults.slow_permille))
        task_sleep_until(clock_monotonic_ns() + 1 +
                         (int64_t)simulator_random_below((uint64_t)disk->faults.slow_max_ns + 1));
}

/* -- A file's methods ---------------------------------------------------------------------------------------------- */

static struct handle *handle_of(sqlite3_file *file)
{
    return (struct handle *)(void *)file;
}

static int vfs_read(sqlite3_file *base, void *to, int size, sqlite3_int64 offset)
{
    struct handle *handle = handle_of(base);
    const struct bytes *bytes = &handle->file->current;
    if (strikes(handle->disk, handle->disk->faults.read_error_permille))
        return SQLITE_IOERR_READ;
    int64_t there = offset >= bytes->size ? 0 : bytes->size - offset < size ? bytes->size - offset : size;
    if (there > 0)
        memcpy(to, bytes->ptr + offset, (size_t)there);
    if (there == size)
        return SQLITE_OK;
    memset((char *)to + there, 0, (size_t)(size - there));
    return SQLITE_IOERR_SHORT_READ;
}

static int vfs_write(sqlite3_file *base, const void *from, int size, sqlite3_int64 offset)
{
    struct handle *handle = handle_of(base);
    struct simulated_disk *disk = handle->disk;
    step(disk, "disk_write");
    disk->counts.writes++;
    if (disk->faults.is_full && offset + size > handle->file->current.size) {
        disk->counts.faults++;
        return SQLITE_FULL;
    }
    if (strikes(disk, disk->faults.write_error_permille))
        return SQLITE_IOERR_WRITE;
    put(&handle->file->current, offset, from, size);
    if (!handle->is_temporary)
        add_change(handle->file, offset, from, size);
    return SQLITE_OK;
}

static int vfs_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct handle *handle = handle_of(base);
    step(handle->disk, "disk_truncate");
    if (strikes(handle->disk, handle->disk->faults.write_error_permille))
        return SQLITE_IOERR_TRUNCATE;
    if (size >= handle->file->current.size)
        return SQLITE_OK;
    resize(&handle->file->current, size);
    if (!handle->is_temporary)
        add_change(handle->file, size, NULL, 0);
    return SQLITE_OK;
}

static int vfs_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    struct handle *handle = handle_of(base);
    struct disk_file *file = handle->file;
    step(handle->disk, "disk_sync");
    handle->disk->counts.syncs++;
    if (strikes(handle->disk, handle->disk->faults.sync_error_permille)) {
        for (size_t i = 0; i < file->change_count; i++)
            file->changes[i].sync_failed = true;
        return SQLITE_IOERR_FSYNC;
    }
    if (!handle->is_temporary)
        sync_file(handle->disk, file);
    task_step("disk_synced");
    return SQLITE_OK;
}

static int vfs_file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    *ret_size = handle_of(base)->file->current.size;
    return SQLITE_OK;
}

/* Levels and rules: https://www.sqlite.org/lockingv3.html, section 3. */
static int vfs_lock(sqlite3_file *base, int level)
{
    struct handle *handle = handle_of(base);
    struct disk_file *file = handle->file;
    task_step("disk_lock");
    if (handle->lock >= level)
        return SQLITE_OK;
    if (file->exclusive && file->exclusive != handle)
        return SQLITE_BUSY;
    if (handle->lock < SQLITE_LOCK_SHARED) {
        file->shared_count++;
        handle->lock = SQLITE_LOCK_SHARED;
    }
    if (level >= SQLITE_LOCK_RESERVED) {
        if (file->reserved && file->reserved != handle)
            return SQLITE_BUSY;
        file->reserved = handle;
        handle->lock = SQLITE_LOCK_RESERVED;
    }
    if (level >= SQLITE_LOCK_PENDING) {
        file->exclusive = handle;
        handle->lock = SQLITE_LOCK_PENDING;
        if (level == SQLITE_LOCK_EXCLUSIVE && file->shared_count > 1)
            return SQLITE_BUSY;
        handle->lock = level;
    }
    return SQLITE_OK;
}

static int vfs_unlock(sqlite3_file *base, int level)
{
    struct handle *handle = handle_of(base);
    struct disk_file *file = handle->file;
    if (handle->lock > SQLITE_LOCK_SHARED && level <= SQLITE_LOCK_SHARED) {
        if (file->reserved == handle)
            file->reserved = NULL;
        if (file->exclusive == handle)
            file->exclusive = NULL;
    }
    if (handle->lock >= SQLITE_LOCK_SHARED && level == SQLITE_LOCK_NONE)
        file->shared_count--;
    if (level < handle->lock)
        handle->lock = level;
    return SQLITE_OK;
}

static int vfs_check_reserved_lock(sqlite3_file *base, int *ret_is_held)
{
    *ret_is_held = handle_of(base)->file->reserved != NULL;
    return SQLITE_OK;
}

static int vfs_control(sqlite3_file *base, int operation, void *argument)
{
    (void)base, (void)operation, (void)argument;
    return SQLITE_NOTFOUND;
}

static int vfs_sector_size(sqlite3_file *base)
{
    (void)base;
    return SECTOR_BYTES;
}

static int vfs_traits(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* -- The shared memory of the log's index -------------------------------------------------------------------------- */

static int vfs_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret_memory)
{
    struct disk_file *file = handle_of(base)->file;
    task_step("disk_shm_map");
    ASSERT(region < SHM_REGIONS_MAX);
    if (!file->regions[region] && extend)
        file->regions[region] = calloc(1, (size_t)size);
    *ret_memory = file->regions[region];
    return file->regions[region] || !extend ? SQLITE_OK : SQLITE_NOMEM;
}

static bool shm_is_free(const struct handle *handle, int slot, bool is_exclusive)
{
    const struct disk_file *file = handle->file;
    bool is_mine = handle->shm_shared_mask & (1u << slot);
    if (file->shm_exclusive[slot] && file->shm_exclusive[slot] != handle)
        return false;
    return !is_exclusive || file->shm_shared[slot] == (is_mine ? 1u : 0u);
}

static void shm_set(struct handle *handle, int slot, int flags)
{
    struct disk_file *file = handle->file;
    unsigned bit = 1u << slot;
    if (flags & SQLITE_SHM_UNLOCK) {
        if (handle->shm_shared_mask & bit)
            file->shm_shared[slot]--;
        if (handle->shm_exclusive_mask & bit)
            file->shm_exclusive[slot] = NULL;
        handle->shm_shared_mask &= ~bit;
        handle->shm_exclusive_mask &= ~bit;
    } else if (flags & SQLITE_SHM_EXCLUSIVE) {
        file->shm_exclusive[slot] = handle;
        handle->shm_exclusive_mask |= bit;
    } else if (!(handle->shm_shared_mask & bit)) {
        file->shm_shared[slot]++;
        handle->shm_shared_mask |= bit;
    }
}

static int vfs_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
    struct handle *handle = handle_of(base);
    task_step(flags & SQLITE_SHM_LOCK ? "disk_shm_lock" : "disk_shm_unlock");
    for (int i = offset; i < offset + count; i++) {
        if ((flags & SQLITE_SHM_LOCK) && !shm_is_free(handle, i, flags & SQLITE_SHM_EXCLUSIVE))
            return SQLITE_BUSY;
    }
    for (int i = offset; i < offset + count; i++)
        shm_set(handle, i, flags);
    return SQLITE_OK;
}

static void vfs_shm_barrier(sqlite3_file *base)
{
    (void)base;
}

static int vfs_shm_unmap(sqlite3_file *base, int must_delete)
{
    struct disk_file *file = handle_of(base)->file;
    for (int i = 0; must_delete && i < SHM_REGIONS_MAX; i++) {
        free(file->regions[i]);
        file->regions[i] = NULL;
    }
    return SQLITE_OK;
}

static int vfs_close(sqlite3_file *base)
{
    struct handle *handle = handle_of(base);
    vfs_unlock(base, SQLITE_LOCK_NONE);
    if (handle->is_temporary) {
        free(handle->file->current.ptr);
        free(handle->file);
    }
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_file_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_unlock,
    .xCheckReservedLock = vfs_check_reserved_lock,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector_size,
    .xDeviceCharacteristics = vfs_traits,
    .xShmMap = vfs_shm_map,
    .xShmLock = vfs_shm_lock,
    .xShmBarrier = vfs_shm_barrier,
    .xShmUnmap = vfs_shm_unmap,
};

/* -- The disk's methods -------------------------------------------------------------------------------------------- */

static struct simulated_disk *disk_of(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static struct disk_file *find_file(struct simulated_disk *disk, const char *path)
{
    for (size_t i = 0; i < disk->file_count; i++) {
        if (strcmp(disk->files[i]->path, path) == 0)
            return disk->files[i];
    }
    return NULL;
}

static struct disk_file *add_file(struct simulated_disk *disk, const char *path)
{
    struct disk_file *file = calloc(1, sizeof(*file));
    ASSERT(file && disk->file_count < SIMULATED_DISK_FILES_MAX && strlen(path) < sizeof(file->path));
    snprintf(file->path, sizeof(file->path), "%s", path);
    disk->files[disk->file_count++] = file;
    return file;
}

static int open_named(struct simulated_disk *disk, const char *path, int flags, struct disk_file **ret_file)
{
    struct disk_file *file = find_file(disk, path);
    if (!(file && file->exists)) {
        if (!(flags & SQLITE_OPEN_CREATE))
            return SQLITE_CANTOPEN;
        if (disk->faults.is_full)
            return SQLITE_FULL;
        if (!file)
            file = add_file(disk, path);
        file->exists = true;
        file->durable_exists = false;
        drop_changes(file);
        resize(&file->current, 0);
        resize(&file->durable, 0);
    }
    *ret_file = file;
    return SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *ret_flags)
{
    struct handle *handle = handle_of(base);
    struct simulated_disk *disk = disk_of(vfs);
    *handle = (struct handle){.disk = disk};
    step(disk, "disk_open");
    if (path) {
        int result = open_named(disk, path, flags, &handle->file);
        if (result != SQLITE_OK)
            return result;
    } else {
        handle->is_temporary = true;
        handle->file = calloc(1, sizeof(*handle->file));
        ASSERT(handle->file);
    }
    handle->base.pMethods = &methods;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int must_sync)
{
    struct simulated_disk *disk = disk_of(vfs);
    step(disk, "disk_delete");
    struct disk_file *file = find_file(disk, path);
    if (!file || !file->exists)
        return SQLITE_IOERR_DELETE_NOENT;
    file->exists = false;
    drop_changes(file);
    resize(&file->current, 0);
    if (must_sync && lie_about(disk, path) == SIMULATED_DISK_HONEST)
        sync_folder(disk);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret_result)
{
    const struct disk_file *file = find_file(disk_of(vfs), path);
    *ret_result = file && file->exists && (flags != SQLITE_ACCESS_EXISTS || file->current.size > 0);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int size, char *ret_path)
{
    (void)vfs;
    snprintf(ret_path, (size_t)size, "%s", path);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *ret_bytes)
{
    (void)vfs;
    random_bytes(ret_bytes, (size_t)size);
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    task_sleep_until(clock_monotonic_ns() + (int64_t)microseconds * 1000);
    return microseconds;
}

static int vfs_current_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *ret_julian_ms)
{
    (void)vfs;
    *ret_julian_ms = JULIAN_DAY_OF_1970_MS + clock_wall_ms();
    return SQLITE_OK;
}

static int vfs_current_time(sqlite3_vfs *vfs, double *ret_julian_day)
{
    sqlite3_int64 julian_ms;
    vfs_current_time_ms(vfs, &julian_ms);
    *ret_julian_day = (double)julian_ms / MS_PER_JULIAN_DAY;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *ret_text)
{
    (void)vfs, (void)size, (void)ret_text;
    return 0;
}

/* -- Life ---------------------------------------------------------------------------------------------------------- */

void simulated_disk_configure_sqlite(void)
{
    ASSERT(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK);
    ASSERT(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
}

struct simulated_disk *simulated_disk_new(const char *vfs_name)
{
    static bool has_default;
    struct simulated_disk *disk = calloc(1, sizeof(*disk));
    if (!disk)
        return NULL;
    disk->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct handle),
        .mxPathname = PATH_BYTES - 1,
        .zName = vfs_name,
        .pAppData = disk,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_current_time,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_current_time_ms,
    };
    ASSERT(sqlite3_vfs_register(&disk->vfs, !has_default) == SQLITE_OK);
    has_default = true;
    return disk;
}

struct simulated_disk_faults *simulated_disk_faults(struct simulated_disk *disk)
{
    return &disk->faults;
}

void simulated_disk_set_lie(struct simulated_disk *disk, enum simulated_disk_lie lie, const char *path)
{
    disk->lie = lie;
    disk->lie_path = path;
}

const struct simulated_disk_counts *simulated_disk_counts(const struct simulated_disk *disk)
{
    return &disk->counts;
}

void simulated_disk_save(const struct simulated_disk *disk, const char *folder)
{
    for (size_t i = 0; i < disk->file_count; i++) {
        const struct disk_file *file = disk->files[i];
        const char *slash = strrchr(file->path, '/');
        char path[2 * PATH_BYTES];
        snprintf(path, sizeof(path), "%s/%s", folder, slash ? slash + 1 : file->path);
        FILE *out = file->exists ? fopen(path, "wb") : NULL;
        if (!out)
            continue;
        fwrite(file->current.ptr, 1, (size_t)file->current.size, out);
        fclose(out);
    }
}
