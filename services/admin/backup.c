/* Backup: the databases of one moment, and the files beside them. */
#include "platform/service/host.h"
#include "services/admin/admin.h"
#include "services/admin/copies.h"
#include "services/admin/snapshots.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define PATH_BYTES 4200
#define MAIL_FOLDER "mail"

struct backing {
    struct copy copy;
    char message[COPY_MESSAGE_BYTES];
};

static int copy_databases(struct call *call, const struct snapshot *snapshots, size_t count, void *argument)
{
    struct backing *backing = argument;

    for (size_t i = 0; i < count; i++) {
        char *name = arena_printf(call->arena, "%s.db", snapshots[i].instance->service->name);
        char *path = name ? arena_printf(call->arena, "%s/%s", backing->copy.folder, name) : NULL;

        if (!path)
            return ERR_NO_MEMORY;
        TRY(sql_backup_snapshot(snapshots[i].tx, path, backing->message));
        TRY(copy_add(&backing->copy, call->arena, name, backing->message));
    }
    return 0;
}

/* What belongs to a running process alone, and the databases, which were copied as such. */
static bool is_wanted(const char *name)
{
    const char *end = strrchr(name, '.');

    if (strcmp(name, "lock") == 0 || strcmp(name, "admin.sock") == 0)
        return false;
    return !end || (strncmp(end, ".db", 3) != 0 && strcmp(end, ".part") != 0);
}

/* Copies the files right below a folder of the shop; prefix is "" or "mail/". */
static int copy_files(struct call *call, struct backing *backing, const char *prefix)
{
    const char *data_path = call->host->options.data_path;
    char path[PATH_BYTES];
    const struct dirent *entry;
    int result = 0;

    snprintf(path, sizeof(path), "%s/%s", data_path, prefix);
    DIR *folder = opendir(path);
    if (!folder)
        return 0;
    while (result >= 0 && (entry = readdir(folder))) {
        char *name = arena_printf(call->arena, "%s%s", prefix, entry->d_name);

        if (entry->d_type != DT_REG || !is_wanted(entry->d_name))
            continue;
        result = name ? copy_file(data_path, backing->copy.folder, name, backing->message) : ERR_NO_MEMORY;
        if (result >= 0)
            result = copy_add(&backing->copy, call->arena, name, backing->message);
        if (result == ERR_NOT_FOUND)
            result = 0; /* read and removed meanwhile */
    }
    closedir(folder);
    return result;
}

static int make_copy(struct call *call, struct backing *backing)
{
    char mail[PATH_BYTES];

    snprintf(mail, sizeof(mail), "%s/%s", backing->copy.folder, MAIL_FOLDER);
    if (mkdir(mail, 0700) != 0)
        return ERR_UNAVAILABLE;
    TRY(with_snapshots(call, copy_databases, backing));
    TRY(copy_files(call, backing, ""));
    TRY(copy_files(call, backing, MAIL_FOLDER "/"));
    TRY(copy_sync_folder(mail, backing->message));
    return copy_write_manifest(&backing->copy, backing->message);
}

int backup(struct call *call, const Admin__BackupRequest *in, Admin__BackupReply *out)
{
    struct backing backing = {.copy.folder = in->destination};

    if (in->destination[0] != '/')
        return call_fail(call, ERR_INVALID, "relative_path", "/destination",
                         "The destination must be an absolute path.");
    if (mkdir(in->destination, 0700) != 0)
        return call_fail(call, errno == EEXIST ? ERR_CONFLICT : ERR_UNAVAILABLE, "destination", "/destination",
                         "The folder %.300s cannot be made: it must not exist yet, and its parent must.",
                         in->destination);
    int result = make_copy(call, &backing);
    if (result < 0)
        return call_fail(call, result, "backup_failed", NULL, "The backup failed: %s.",
                         backing.message[0] ? backing.message : error_name(result));
    out->files = arena_alloc_array(call->arena, backing.copy.count, sizeof(out->files[0]));
    if (!out->files)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < backing.copy.count; i++)
        out->files[out->n_files++] = backing.copy.files[i].name;
    return 0;
}
