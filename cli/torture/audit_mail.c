/* The audit of what follows an order: its event goes through the outbox to a consumer, from there through a stream and
 * a queue to a mail. One mail of each order's end is what an event that nobody lost, and nobody took twice, looks like.
 *
 * A mail whose sending a kill cut may be in the spool twice, under one Message-ID, by which its receiver drops the
 * second: such two are one. */
#include "cli/torture/torture.h"
#include "platform/base/map.h"
#include "platform/ports/clock/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define HEAD_BYTES 2048
#define RESCAN_MS 200
#define MEMORY_BYTES ((size_t)1 << 30)

struct mails {
    struct torture *torture;
    struct map *seen; /* Message-ID → anything; the ids lie in `memory` */
    struct arena *memory;
    int folder;
    int error;
};

/* The value of a header of one line. */
static struct str header(struct str head, struct str name)
{
    ptrdiff_t at = str_find(head, name);

    if (at < 0)
        return STR_EMPTY;
    struct str rest = str_skip(head, (size_t)at + name.len), line;
    return str_next_token(&rest, '\n', &line) ? str_trim(line) : STR_EMPTY;
}

static bool is_new(struct mails *mails, struct str message_id)
{
    if (map_get(mails->seen, message_id))
        return false;
    struct str kept = arena_copy(mails->memory, message_id);
    if (!kept.ptr || map_put(mails->seen, kept, mails, NULL) < 0)
        mails->error = ERR_NO_MEMORY;
    return true;
}

static struct torture_attempt *receiver_of(const struct mails *mails, struct str head)
{
    char to[64];
    size_t round, index;
    ptrdiff_t at = str_find(head, STR("\nTo: "));
    ptrdiff_t name = at < 0 ? -1 : str_find(str_skip(head, (size_t)at), STR("buyer."));

    if (name < 0)
        return NULL;
    struct str address = str_slice(head, (size_t)at + (size_t)name, sizeof(to) - 1);
    memcpy(to, address.ptr, address.len);
    to[address.len] = '\0';
    if (sscanf(to, "buyer.%zu.%zu@torture.example", &round, &index) != 2 || round >= mails->torture->round_count ||
        index >= mails->torture->rounds[round]->attempt_count)
        return NULL;
    return &mails->torture->rounds[round]->attempts[index];
}

static void take_mail(struct mails *mails, const char *name)
{
    char bytes[HEAD_BYTES];
    int file = openat(mails->folder, name, O_RDONLY | O_CLOEXEC);
    ssize_t length = file >= 0 ? read(file, bytes, sizeof(bytes)) : -1;

    if (file >= 0)
        close(file);
    if (length <= 0)
        return;
    struct str head = str_from(bytes, (size_t)length);
    struct torture_attempt *attempt = receiver_of(mails, head);
    struct str subject = header(head, STR("\nSubject: "));
    bool tells_end = str_find(subject, STR("confirmed")) >= 0 || str_find(subject, STR("could not")) >= 0;
    if (attempt && tells_end && is_new(mails, header(head, STR("\nMessage-ID: "))))
        attempt->mails++;
}

static int read_mails(struct torture *torture)
{
    char path[TORTURE_PATH_BYTES + 8];
    const struct dirent *entry;

    snprintf(path, sizeof(path), "%s/mail", torture->data);
    DIR *folder = opendir(path);
    struct mails mails = {.torture = torture, .seen = map_new((size_t)1 << 22), .memory = arena_new(MEMORY_BYTES)};
    mails.error = folder && mails.seen && mails.memory ? 0 : ERR_UNAVAILABLE;
    mails.folder = folder ? dirfd(folder) : -1;
    while (!mails.error && (entry = readdir(folder))) {
        if (str_find(str_from_cstr(entry->d_name), STR(".eml")) > 0)
            take_mail(&mails, entry->d_name);
    }
    if (folder)
        closedir(folder);
    map_free(mails.seen);
    arena_free(mails.memory);
    return mails.error;
}

static void count_mails(struct torture *torture, size_t *ret_none, size_t *ret_many)
{
    *ret_none = *ret_many = 0;
    for (size_t i = 0; i < torture->round_count; i++) {
        for (size_t j = 0; j < torture->rounds[i]->attempt_count; j++) {
            struct torture_attempt *attempt = &torture->rounds[i]->attempts[j];

            *ret_none += attempt->status == 201 && attempt->mails == 0;
            *ret_many += attempt->mails > 1 || (attempt->mails == 1 && attempt->status != 201);
            attempt->mails = 0;
        }
    }
}

void torture_audit_mails(struct torture *torture)
{
    int64_t deadline_ns = clock_monotonic_ns() + TORTURE_PATIENCE_MS * CLOCK_NS_PER_MS;
    size_t none = 0, many = 0;
    int error;

    while (!(error = read_mails(torture))) {
        count_mails(torture, &none, &many);
        if (none == 0 || clock_monotonic_ns() > deadline_ns)
            break;
        task_sleep_ms(RESCAN_MS);
    }
    torture_report_check(torture, "no event is lost, none takes effect twice", !error && none == 0 && many == 0,
                         "%zu orders' ends were to be told: %zu were not, %zu were told again%s",
                         torture_count_orders(torture), none, many, error ? "; the mails cannot be read" : "");
}
