#include "cli/copy.h"

#include "platform/base/buf.h"
#include "platform/base/descriptor.h"
#include "platform/base/encode.h"
#include "platform/base/err.h"
#include "platform/base/time_format.h"
#include "platform/ports/clock/clock.h"
#include "platform/wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yyjson.h>

#define PATH_BYTES 4200
#define COPY_CHUNK_BYTES ((size_t)1 << 20)
#define MANIFEST_BYTES_MAX ((size_t)64 << 20)
#define FIRST_FILES 64

static int say(char *message, const char *folder, const char *name, const char *what)
{
    int error = errno;

    snprintf(message, COPY_MESSAGE_BYTES, "%.300s/%.100s %s: %.60s", folder, name, what, strerror(error));
    if (error == ENOENT)
        return ERR_NOT_FOUND;
    return error == ENOSPC || error == EDQUOT ? ERR_STORAGE_FULL : ERR_UNAVAILABLE;
}

static int open_in(const char *folder, const char *name, int flags, char *message)
{
    char path[PATH_BYTES];

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        errno = ENAMETOOLONG;
    else {
        int file = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (file >= 0)
            return file;
    }
    return say(message, folder, name, flags & O_CREAT ? "cannot be made" : "cannot be read");
}

/* -- Hashes ------------------------------------------------------------------------------------------------------ */

static int hash_open_file(int file, struct copy_file *ret_file)
{
    unsigned char hash[HASH_SHA256_BYTES];
    struct stat status;

    if (fstat(file, &status) != 0)
        return ERR_UNAVAILABLE;
    void *bytes = status.st_size ? mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0) : NULL;
    if (bytes == MAP_FAILED)
        return ERR_UNAVAILABLE;
    hash_sha256(str_from(bytes, (size_t)status.st_size), hash);
    if (bytes)
        munmap(bytes, (size_t)status.st_size);
    ret_file->size = status.st_size;
    encode_hex_into(ret_file->sha256, str_from(hash, sizeof(hash)));
    ret_file->sha256[2 * HASH_SHA256_BYTES] = '\0';
    return 0;
}

static int append(struct copy *copy, struct arena *arena, const struct copy_file *file)
{
    if (copy->count == copy->capacity) {
        size_t capacity = copy->capacity ? 2 * copy->capacity : FIRST_FILES;
        struct copy_file *files = arena_alloc_array(arena, capacity, sizeof(files[0]));

        if (capacity > COPY_FILES_MAX)
            return ERR_TOO_LARGE;
        if (!files)
            return ERR_NO_MEMORY;
        if (copy->count)
            memcpy(files, copy->files, copy->count * sizeof(files[0]));
        copy->files = files;
        copy->capacity = capacity;
    }
    copy->files[copy->count++] = *file;
    return 0;
}

int copy_add(struct copy *copy, struct arena *arena, const char *name, char ret_message[COPY_MESSAGE_BYTES])
{
    struct copy_file added = {.name = arena_cstr(arena, str_from_cstr(name))};
    CLEANUP(descriptor_close) int file = open_in(copy->folder, name, O_RDONLY, ret_message);

    TRY(file);
    if (!added.name)
        return ERR_NO_MEMORY;
    if (fsync(file) != 0 || hash_open_file(file, &added) < 0)
        return say(ret_message, copy->folder, name, "cannot be synced and read");
    snprintf(ret_message, COPY_MESSAGE_BYTES, "%.400s has too many files", copy->folder);
    return append(copy, arena, &added);
}

/* -- Bytes ------------------------------------------------------------------------------------------------------- */

/* The kernel copies what it can without us; ENOSPC and the like come from here. */
static bool copy_bytes(int from, int to)
{
    ssize_t copied;

    do {
        copied = copy_file_range(from, NULL, to, NULL, COPY_CHUNK_BYTES, 0);
    } while (copied > 0 || (copied < 0 && errno == EINTR));
    if (copied == 0)
        return true;
    if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return false;
    char chunk[1 << 14];
    while ((copied = read(from, chunk, sizeof(chunk))) > 0) {
        if (!descriptor_write(to, str_from(chunk, (size_t)copied)))
            return false;
    }
    return copied == 0;
}

int copy_file(const char *source_folder, const char *folder, const char *name, char ret_message[COPY_MESSAGE_BYTES])
{
    CLEANUP(descriptor_close) int from = open_in(source_folder, name, O_RDONLY, ret_message);
    TRY(from);
    CLEANUP(descriptor_close) int to = open_in(folder, name, O_WRONLY | O_CREAT | O_EXCL, ret_message);
    TRY(to);

    if (!copy_bytes(from, to) || fsync(to) != 0)
        return say(ret_message, folder, name, "cannot be written");
    return 0;
}

int copy_sync_folder(const char *path, char ret_message[COPY_MESSAGE_BYTES])
{
    CLEANUP(descriptor_close) int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return folder >= 0 && fsync(folder) == 0 ? 0 : say(ret_message, path, "", "cannot be synced");
}

int copy_sync_entry(const char *path, char ret_message[COPY_MESSAGE_BYTES])
{
    char copy[PATH_MAX];

    if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
        return say(ret_message, path, "", "has too long a path");
    return copy_sync_folder(dirname(copy), ret_message);
}

/* -- The manifest ------------------------------------------------------------------------------------------------ */

static void append_manifest(const struct copy *copy, struct buf *json)
{
    char made_at[TIME_RFC3339_BYTES];

    time_format_rfc3339(clock_wall_ms(), made_at);
    buf_printf(json, "{\"shopstream_backup\":1,\"made_at\":\"%s\",\"files\":[", made_at);
    for (size_t i = 0; i < copy->count; i++) {
        buf_append_cstr(json, i > 0 ? ",\n{\"name\":" : "\n{\"name\":");
        wire_json_string(json, str_from_cstr(copy->files[i].name));
        buf_printf(json, ",\"size\":%lld,\"sha256\":\"%s\"}", (long long)copy->files[i].size, copy->files[i].sha256);
    }
    buf_append_cstr(json, "\n]}\n");
}

int copy_write_manifest(const struct copy *copy, char ret_message[COPY_MESSAGE_BYTES])
{
    CLEANUP(buf_free) struct buf json = BUF(MANIFEST_BYTES_MAX);

    append_manifest(copy, &json);
    TRY(buf_error(&json));
    TRY(copy_sync_folder(copy->folder, ret_message));
    CLEANUP(descriptor_close) int file = open_in(copy->folder, COPY_MANIFEST, O_WRONLY | O_CREAT | O_EXCL, ret_message);
    TRY(file);
    if (!descriptor_write(file, buf_str(&json)) || fsync(file) != 0)
        return say(ret_message, copy->folder, COPY_MANIFEST, "cannot be written");
    return copy_sync_folder(copy->folder, ret_message);
}

static int corrupt(char *message, const char *folder, const char *name, const char *what)
{
    snprintf(message, COPY_MESSAGE_BYTES, "the backup %.250s is not whole: %.100s %s; use another one", folder, name,
             what);
    return ERR_CORRUPT;
}

/* A name that leads out of the folder is not one of ours. */
static bool is_inside(const char *name)
{
    return name && name[0] && name[0] != '/' && !strstr(name, "..");
}

static int verify_file(struct copy *copy, struct arena *arena, yyjson_val *entry, char *message)
{
    const char *name = yyjson_get_str(yyjson_obj_get(entry, "name"));
    const char *sha256 = yyjson_get_str(yyjson_obj_get(entry, "sha256"));
    struct copy_file found = {0};

    if (!is_inside(name) || !sha256)
        return corrupt(message, copy->folder, COPY_MANIFEST, "names a file that cannot be");
    CLEANUP(descriptor_close) int file = open_in(copy->folder, name, O_RDONLY, message);
    if (file < 0 || hash_open_file(file, &found) < 0)
        return corrupt(message, copy->folder, name, "is missing or cannot be read");
    if (found.size != yyjson_get_sint(yyjson_obj_get(entry, "size")) || strcmp(found.sha256, sha256) != 0)
        return corrupt(message, copy->folder, name, "is not what the manifest says");
    found.name = arena_cstr(arena, str_from_cstr(name));
    return found.name ? append(copy, arena, &found) : ERR_NO_MEMORY;
}

int copy_verify(struct copy *copy, struct arena *arena, const char *folder, char ret_message[COPY_MESSAGE_BYTES])
{
    char path[PATH_BYTES];
    size_t index, count;
    yyjson_val *entry;
    int result = 0;

    copy->folder = folder;
    snprintf(path, sizeof(path), "%s/%s", folder, COPY_MANIFEST);
    yyjson_doc *document = yyjson_read_file(path, 0, NULL, NULL);
    yyjson_val *root = yyjson_doc_get_root(document);
    if (yyjson_get_sint(yyjson_obj_get(root, "shopstream_backup")) != 1)
        result = corrupt(ret_message, folder, COPY_MANIFEST, "is missing or cannot be read");
    yyjson_arr_foreach(yyjson_obj_get(root, "files"), index, count, entry)
    {
        if (result >= 0)
            result = verify_file(copy, arena, entry, ret_message);
    }
    yyjson_doc_free(document);
    return result;
}
