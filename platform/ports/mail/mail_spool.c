/* The mail port as a folder of mbox files, to which messages are only appended: those that are sent together cost one
 * write and one sync, where a file for each would cost each an inode, a name and two.
 *
 * A file is written by one process, until it is large. What could not be written is cut off again; what a crash left
 * behind is not shown, and nothing is written behind it. */
#include "platform/base/descriptor.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/mail/mail_adapter.h"
#include "platform/ports/mail/mail_mbox.h"
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

/* A file's name: milliseconds, so that names sort by time, and 16 hexadecimal digits. A message's id is the name of its
 * file without the suffix, and in which byte of it the message begins. */
#define STEM_FORMAT "%013lld-%016llx"
#define STEM_LENGTH ((size_t)13 + 1 + 16)
#define SUFFIX STR(".mbox")
#define NAME_SIZE 64
#define ID_FORMAT "%.*s-%010zu"

/* A file that has become as large is left for a new one. */
#define FILE_BYTES_MAX ((size_t)1 << 20)

/* Messages of one call, each at most twice as long where each of its lines had to be quoted; and a file with them. */
#define BATCH_BYTES_MAX (MAIL_SEND_MAX * 2 * MAIL_ENCODED_BYTES_MAX)
#define READ_BYTES_MAX (FILE_BYTES_MAX + BATCH_BYTES_MAX)
#define READ_CHUNK_BYTES ((size_t)16 << 10)

/* Names that a list looks through. */
#define SCAN_MAX 100000

struct mail_spool {
    struct mail base;
    int folder; /* a descriptor: files are opened below it by name */
    struct task_mutex mutex;
    char name[NAME_SIZE]; /* of the file that is written; empty: the next message begins one */
};

static struct mail_spool *spool_of(struct mail *mail)
{
    return (struct mail_spool *)(void *)mail;
}

/* -- send --------------------------------------------------------------------------------------------------------- */

static int encode(const struct mail_message *message, struct buf *batch)
{
    uint64_t random[2];
    char boundary[40];
    int64_t now_ms = clock_wall_ms();
    random_bytes(random, sizeof(random));
    snprintf(boundary, sizeof(boundary), "%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
    CLEANUP(buf_free) struct buf encoded = BUF(MAIL_ENCODED_BYTES_MAX);
    mail_encode(message, boundary, now_ms, &encoded);
    TRY(buf_error(&encoded));
    mail_mbox_append(batch, message->from, now_ms, buf_str(&encoded));
    return 0;
}

static void name_file(struct mail_spool *spool)
{
    uint64_t random;
    random_bytes(&random, sizeof(random));
    snprintf(spool->name, sizeof(spool->name), STEM_FORMAT "%.*s", (long long)clock_wall_ms() % 10000000000000LL,
             (unsigned long long)random, STR_FORMAT(SUFFIX));
}

/* A file that is new is on disk with its name, or it would be lost with what is in it. */
static bool write_durably(int folder, int file, bool is_new, struct str batch)
{
    return descriptor_write(file, batch) && fdatasync(file) == 0 && (!is_new || fsync(folder) == 0);
}

/* Either all of the batch is in the file and durable, or what of it is there is cut off. */
static int append(struct mail_spool *spool, struct str batch)
{
    if (!spool->name[0])
        name_file(spool);
    CLEANUP(descriptor_close)
    int file = openat(spool->folder, spool->name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    off_t end = file < 0 ? -1 : lseek(file, 0, SEEK_END);
    if (end < 0)
        return descriptor_error(errno);
    if (write_durably(spool->folder, file, end == 0, batch)) {
        if ((size_t)end + batch.len >= FILE_BYTES_MAX)
            spool->name[0] = '\0';
        return 0;
    }
    int error = descriptor_error(errno);
    if (ftruncate(file, end) != 0)
        spool->name[0] = '\0'; /* nothing goes behind a message that is not whole */
    return error;
}

static void spool_send_all(struct mail *mail, const struct mail_message *messages, size_t count, int *results)
{
    struct mail_spool *spool = spool_of(mail);
    CLEANUP(buf_free) struct buf batch = BUF(BATCH_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (results[i] == 0)
            results[i] = encode(&messages[i], &batch);
    }
    int error = buf_error(&batch);
    if (!error && batch.len > 0) {
        TASK_LOCKED(&spool->mutex);
        error = append(spool, buf_str(&batch));
    }
    for (size_t i = 0; i < count; i++) {
        if (results[i] == 0)
            results[i] = error;
    }
}

/* -- read --------------------------------------------------------------------------------------------------------- */

static int open_file(const struct mail_spool *spool, struct str stem)
{
    char name[PATH_MAX];
    snprintf(name, sizeof(name), "%.*s%.*s", STR_FORMAT(stem), STR_FORMAT(SUFFIX));
    int file = openat(spool->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE;
    return file;
}

/* Reads on where the bytes end: 1, or 0 at the end of the file. */
static int read_chunk(int file, size_t offset, struct buf *bytes)
{
    char *chunk = buf_reserve(bytes, READ_CHUNK_BYTES);
    if (!chunk)
        return buf_error(bytes);
    ssize_t length = pread(file, chunk, READ_CHUNK_BYTES, (off_t)(offset + bytes->len));
    if (length < 0)
        return ERR_UNAVAILABLE;
    buf_commit(bytes, (size_t)length);
    return length > 0;
}

static int copy_message(struct str quoted, struct arena *arena, struct str *ret_message)
{
    CLEANUP(buf_free) struct buf encoded = BUF(MAIL_ENCODED_BYTES_MAX);
    mail_mbox_unquote(&encoded, quoted);
    TRY(buf_error(&encoded));
    *ret_message = arena_copy(arena, buf_str(&encoded));
    return ret_message->ptr ? 0 : ERR_NO_MEMORY;
}

static int read_message(int file, size_t offset, struct arena *arena, struct str *ret_message)
{
    CLEANUP(buf_free) struct buf bytes = BUF(2 * MAIL_ENCODED_BYTES_MAX);
    struct mail_mbox_entry entry;
    int more;
    while ((more = read_chunk(file, offset, &bytes)) == 1) {
        if (mail_mbox_read(buf_str(&bytes), &entry))
            return copy_message(entry.quoted, arena, ret_message);
    }
    return more < 0 ? more : ERR_NOT_FOUND;
}

static int spool_read(struct mail *mail, struct str id, struct arena *arena, struct str *ret_message)
{
    int64_t offset;
    if (id.len <= STEM_LENGTH + 1 || str_to_int64(str_skip(id, STEM_LENGTH + 1), &offset) != 0 || offset < 0)
        return ERR_NOT_FOUND;
    CLEANUP(descriptor_close) int file = open_file(spool_of(mail), str_slice(id, 0, STEM_LENGTH));
    TRY(file);
    return read_message(file, (size_t)offset, arena, ret_message);
}

/* -- list --------------------------------------------------------------------------------------------------------- */

static bool is_mbox(struct str name)
{
    return name.len == STEM_LENGTH + SUFFIX.len && str_equal(str_skip(name, STEM_LENGTH), SUFFIX);
}

/* The newest files, sorted from new to old. */
struct newest {
    struct str *stems;
    size_t count, limit;
};

static int insert_newest(struct newest *newest, struct str stem, struct arena *arena)
{
    size_t position = newest->count;
    while (position > 0 && str_compare(newest->stems[position - 1], stem) < 0)
        position--;
    if (position >= newest->limit)
        return 0;
    struct str copy = arena_copy(arena, stem);
    if (!copy.ptr)
        return ERR_NO_MEMORY;
    size_t kept = newest->count < newest->limit ? newest->count : newest->limit - 1;
    memmove(&newest->stems[position + 1], &newest->stems[position], (kept - position) * sizeof(*newest->stems));
    newest->stems[position] = copy;
    newest->count = kept + 1;
    return 0;
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

static int find_newest(const struct mail_spool *spool, struct newest *newest, struct arena *arena)
{
    CLEANUP(close_folder) DIR *folder = open_names(spool->folder);
    if (!folder)
        return ERR_UNAVAILABLE;
    newest->stems = arena_alloc_array(arena, newest->limit + 1, sizeof(*newest->stems));
    if (!newest->stems)
        return ERR_NO_MEMORY;
    const struct dirent *entry;
    for (size_t seen = 0; seen < SCAN_MAX && (entry = readdir(folder)); seen++) {
        struct str name = str_from_cstr(entry->d_name);
        if (is_mbox(name))
            TRY(insert_newest(newest, str_slice(name, 0, STEM_LENGTH), arena));
    }
    return 0;
}

static int describe(struct str stem, size_t offset, const struct mail_mbox_entry *entry, struct arena *arena,
                    struct mail_stored *ret_stored)
{
    char *id = arena_printf(arena, ID_FORMAT, STR_FORMAT(stem), offset);
    if (!id)
        return ERR_NO_MEMORY;
    *ret_stored = (struct mail_stored){.id = str_from_cstr(id), .sent_at_ms = entry->sent_at_ms};
    TRY(mail_decode_header(entry->quoted, "To", arena, &ret_stored->to));
    if (str_starts_with(ret_stored->to, STR("<")) && ret_stored->to.len >= 2)
        ret_stored->to = str_slice(ret_stored->to, 1, ret_stored->to.len - 2);
    return mail_decode_header(entry->quoted, "Subject", arena, &ret_stored->subject);
}

static size_t count_messages(struct str bytes)
{
    struct mail_mbox_entry entry;
    size_t count = 0;
    for (; mail_mbox_read(bytes, &entry); bytes = str_skip(bytes, entry.size))
        count++;
    return count;
}

static int read_file(const struct mail_spool *spool, struct str stem, struct buf *bytes)
{
    CLEANUP(descriptor_close) int file = open_file(spool, stem);
    TRY(file);
    int more;
    while ((more = read_chunk(file, 0, bytes)) == 1)
        ;
    return more;
}

/* The last messages of one file, behind those of newer files, as many as there is room for. */
static int list_file(struct str stem, struct str bytes, size_t room, struct arena *arena, struct mail_stored *stored,
                     size_t *count)
{
    struct mail_mbox_entry entry;
    size_t offset = 0, present = count_messages(bytes);
    size_t taken = present < room ? present : room;
    for (size_t i = 0; i < present; i++) {
        mail_mbox_read(str_skip(bytes, offset), &entry);
        if (i >= present - taken)
            TRY(describe(stem, offset, &entry, arena, &stored[*count + present - 1 - i]));
        offset += entry.size;
    }
    *count += taken;
    return 0;
}

static int spool_list(struct mail *mail, size_t limit, struct arena *arena, struct mail_stored **ret_stored,
                      size_t *ret_count)
{
    struct newest newest = {.limit = limit};
    TRY(find_newest(spool_of(mail), &newest, arena));
    struct mail_stored *stored = arena_alloc_array(arena, limit + 1, sizeof(*stored));
    if (!stored)
        return ERR_NO_MEMORY;
    size_t count = 0;
    for (size_t i = 0; i < newest.count && count < limit; i++) {
        CLEANUP(buf_free) struct buf bytes = BUF(READ_BYTES_MAX);
        int error = read_file(spool_of(mail), newest.stems[i], &bytes);
        if (error == ERR_NOT_FOUND) /* moved away meanwhile */
            continue;
        TRY(error);
        TRY(list_file(newest.stems[i], buf_str(&bytes), limit - count, arena, stored, &count));
    }
    *ret_stored = stored;
    *ret_count = count;
    return 0;
}

/* -- Life --------------------------------------------------------------------------------------------------------- */

static void spool_free(struct mail *mail)
{
    struct mail_spool *spool = spool_of(mail);
    close(spool->folder);
    task_mutex_destroy(&spool->mutex);
    free(spool);
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
    task_mutex_init(&spool->mutex);
    *ret_mail = &spool->base;
    return 0;
}
