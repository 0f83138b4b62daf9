/* The mail port as a folder: one .eml file a message, whole and synced before it has its name. */
#include "platform/base/descriptor.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/mail/mail_adapter.h"
#include "platform/ports/random/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_BYTES_MAX 4200

/* "0000000000000-" (milliseconds, so that names sort by time) and 16 hexadecimal digits. */
#define ID_SIZE 32
#define ID_TIME_DIGITS 13

/* Names that a list looks through. */
#define SCAN_MAX 100000

/* How much of a message is read for its headers. */
#define HEAD_BYTES_MAX 4096

struct mail_spool {
    struct mail base;
    int folder; /* a descriptor: files are opened below it by name */
};

static int spool_of(struct mail *mail)
{
    return ((struct mail_spool *)(void *)mail)->folder;
}

/* -- send --------------------------------------------------------------------------------------------------------- */

/* A message on its way: whole in a file ID.part, which gets its name ID.eml once it is synced. So a name appears with
 * the whole content or not at all, and stays after a power cut. */
struct outgoing {
    char part[ID_SIZE + 8], name[ID_SIZE + 8];
    int file;
};

static int write_part(int folder, const struct mail_message *message, struct outgoing *outgoing)
{
    uint64_t random[3];
    random_bytes(random, sizeof(random));
    int64_t now_ms = clock_wall_ms();
    char id[ID_SIZE];
    char boundary[40];
    snprintf(id, sizeof(id), "%013lld-%016llx", (long long)now_ms % 10000000000000LL, (unsigned long long)random[0]);
    snprintf(outgoing->part, sizeof(outgoing->part), "%s.part", id);
    snprintf(outgoing->name, sizeof(outgoing->name), "%s.eml", id);
    snprintf(boundary, sizeof(boundary), "%016llx%016llx", (unsigned long long)random[1],
             (unsigned long long)random[2]);
    CLEANUP(buf_free) struct buf encoded = BUF(MAIL_ENCODED_BYTES_MAX);
    mail_encode(message, boundary, now_ms, &encoded);
    TRY(buf_error(&encoded));
    outgoing->file = openat(folder, outgoing->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (outgoing->file < 0 || !descriptor_write(outgoing->file, buf_str(&encoded)))
        return descriptor_error(errno);
    return 0;
}

static int sync_and_name(int folder, const struct outgoing *outgoing)
{
    if (fsync(outgoing->file) != 0 || renameat(folder, outgoing->part, folder, outgoing->name) != 0)
        return descriptor_error(errno);
    return 0;
}

/* All are written before the first is synced, so that the file system syncs them together, and the folder is synced
 * once. */
static void spool_send_all(struct mail *mail, const struct mail_message *messages, size_t count, int *results)
{
    int folder = spool_of(mail);
    struct outgoing outgoing[MAIL_SEND_MAX];
    for (size_t i = 0; i < count; i++) {
        outgoing[i].file = -1;
        if (results[i] == 0)
            results[i] = write_part(folder, &messages[i], &outgoing[i]);
    }
    for (size_t i = 0; i < count; i++)
        if (results[i] == 0)
            results[i] = sync_and_name(folder, &outgoing[i]);
    int synced = fsync(folder) == 0 ? 0 : descriptor_error(errno);
    for (size_t i = 0; i < count; i++) {
        if (results[i] == 0)
            results[i] = synced;
        if (results[i] != 0 && outgoing[i].file >= 0)
            unlinkat(folder, outgoing[i].part, 0); /* or it has its name, and comes once more */
        descriptor_close(&outgoing[i].file);
    }
}

/* -- list and read ------------------------------------------------------------------------------------------------ */

static int read_file(int folder, const char *name, size_t limit, struct arena *arena, struct str *ret_bytes)
{
    CLEANUP(descriptor_close) int file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE;
    struct stat status;
    if (fstat(file, &status) != 0)
        return ERR_UNAVAILABLE;
    size_t size = (size_t)status.st_size < limit ? (size_t)status.st_size : limit;
    char *bytes = arena_alloc(arena, size + 1);
    if (!bytes)
        return ERR_NO_MEMORY;
    ssize_t length = pread(file, bytes, size, 0);
    if (length < 0)
        return ERR_UNAVAILABLE;
    *ret_bytes = str_from(bytes, (size_t)length);
    return 0;
}

static int spool_read(struct mail *mail, struct str id, struct arena *arena, struct str *ret_message)
{
    char name[PATH_MAX];
    snprintf(name, sizeof(name), "%.*s.eml", STR_FORMAT(id));
    return read_file(spool_of(mail), name, MAIL_ENCODED_BYTES_MAX, arena, ret_message);
}

static bool is_message(struct str name)
{
    return name.len > strlen(".eml") && name.len < ID_SIZE + strlen(".eml") &&
           str_equal_cstr(str_skip(name, name.len - strlen(".eml")), ".eml");
}

/* Puts the id into the list, which is kept sorted from new to old and at most limit long. */
static int insert_newest(struct mail_stored *stored, size_t *count, size_t limit, struct str id, struct arena *arena)
{
    size_t position = *count;
    while (position > 0 && str_compare(stored[position - 1].id, id) < 0)
        position--;
    if (position >= limit)
        return 0;
    struct str copy = arena_copy(arena, id);
    if (!copy.ptr)
        return ERR_NO_MEMORY;
    size_t kept = *count < limit ? *count : limit - 1;
    memmove(&stored[position + 1], &stored[position], (kept - position) * sizeof(*stored));
    stored[position] = (struct mail_stored){.id = copy};
    *count = kept + 1;
    return 0;
}

static int describe(struct mail *mail, struct mail_stored *stored, struct arena *arena)
{
    struct str head;
    char name[PATH_MAX];
    snprintf(name, sizeof(name), "%.*s.eml", STR_FORMAT(stored->id));
    TRY(read_file(spool_of(mail), name, HEAD_BYTES_MAX, arena, &head));
    if (str_to_int64(str_slice(stored->id, 0, ID_TIME_DIGITS), &stored->sent_at_ms) != 0)
        stored->sent_at_ms = 0;
    TRY(mail_decode_header(head, "To", arena, &stored->to));
    if (str_starts_with(stored->to, STR("<")) && stored->to.len >= 2)
        stored->to = str_slice(stored->to, 1, stored->to.len - 2);
    return mail_decode_header(head, "Subject", arena, &stored->subject);
}

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

/* Its names, from the first; NULL when it cannot be read. */
static DIR *open_names(int folder)
{
    int file = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = file < 0 ? NULL : fdopendir(file);
    if (!names)
        descriptor_close(&file);
    return names;
}

static int spool_list(struct mail *mail, size_t limit, struct arena *arena, struct mail_stored **ret_stored,
                      size_t *ret_count)
{
    CLEANUP(close_folder) DIR *folder = open_names(spool_of(mail));
    if (!folder)
        return ERR_UNAVAILABLE;
    struct mail_stored *stored = arena_alloc_array(arena, limit + 1, sizeof(*stored));
    if (!stored)
        return ERR_NO_MEMORY;
    size_t count = 0;
    const struct dirent *entry;
    for (size_t seen = 0; seen < SCAN_MAX && (entry = readdir(folder)); seen++) {
        struct str name = str_from_cstr(entry->d_name);
        if (is_message(name))
            TRY(insert_newest(stored, &count, limit, str_slice(name, 0, name.len - strlen(".eml")), arena));
    }
    for (size_t i = 0; i < count; i++)
        TRY(describe(mail, &stored[i], arena));
    *ret_stored = stored;
    *ret_count = count;
    return 0;
}

/* -- Life --------------------------------------------------------------------------------------------------------- */

/* What a crash left half written; its message is still in the queue, and comes under another name. */
static void remove_unfinished(int folder)
{
    CLEANUP(close_folder) DIR *names = open_names(folder);
    const struct dirent *entry;
    for (size_t seen = 0; names && seen < SCAN_MAX && (entry = readdir(names)); seen++) {
        struct str name = str_from_cstr(entry->d_name);
        if (name.len > strlen(".part") && str_equal_cstr(str_skip(name, name.len - strlen(".part")), ".part"))
            unlinkat(folder, entry->d_name, 0);
    }
}

static void spool_free(struct mail *mail)
{
    close(spool_of(mail));
    free(mail);
}

static const struct mail_adapter spool_adapter = {
    .version = MAIL_ADAPTER_VERSION,
    .free = spool_free,
    .send_all = spool_send_all,
    .list = spool_list,
    .read = spool_read,
};

int mail_spool_open(struct mail **ret_mail, const struct port_config *config, char ret_message[512])
{
    char folder[FOLDER_BYTES_MAX];

    TRY(port_expect_bare(PORT_MAIL, config->url, ret_message));
    snprintf(folder, sizeof(folder), "%s/mail", config->data_path);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        snprintf(ret_message, 512, "the mail folder %.300s cannot be made: %s", folder, strerror(errno));
        return descriptor_error(errno);
    }
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct mail_spool *spool = file < 0 ? NULL : calloc(1, sizeof(*spool));
    if (!spool) {
        snprintf(ret_message, 512, "the mail folder %.300s cannot be opened: %s", folder, strerror(errno));
        descriptor_close(&file);
        return file < 0 ? ERR_UNAVAILABLE : ERR_NO_MEMORY;
    }
    spool->base.adapter = &spool_adapter;
    spool->folder = file;
    remove_unfinished(file);
    *ret_mail = &spool->base;
    return 0;
}
