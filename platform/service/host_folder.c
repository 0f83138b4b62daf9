#include "platform/service/host_folder.h"

#include "platform/base/task.h"
#include "platform/service/folder_manifest.h"
#include "platform/service/host.h"
#include "platform/service/host_instance.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES 4400

/* What `shopstream restore` and `load` leave when they are killed; some databases may have their places already. */
static int refuse_unfinished(const struct service_host *host, char ret_message[512])
{
    char path[PATH_BYTES];
    struct stat status;

    snprintf(path, sizeof(path), "%s/" HOST_INCOMING_FOLDER, host->options.data_path);
    if (lstat(path, &status) != 0)
        return 0;
    snprintf(ret_message, 512,
             "a restore or load into %.300s did not come to its end; remove what it left there and do it again",
             host->options.data_path);
    return ERR_CONFLICT;
}

/* Whether a version without a manifest kept a shop here: a file of no bytes is what a start that was killed left. */
static bool has_databases(const char *data_path)
{
    char path[PATH_BYTES];
    const struct dirent *entry;
    struct stat status;
    bool found = false;
    DIR *folder = opendir(data_path);

    while (folder && !found && (entry = readdir(folder))) {
        const char *end = strrchr(entry->d_name, '.');

        if (!end || strcmp(end, ".db") != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", data_path, entry->d_name);
        found = stat(path, &status) == 0 && status.st_size > 0;
    }
    if (folder)
        closedir(folder);
    return found;
}

/* Also those of services that do not run in this process. */
static int check_named(const struct service_host *host, char ret_message[512])
{
    for (size_t i = 0; i < host->manifest->count; i++) {
        const struct sql_place place = host_place(host, host->manifest->databases[i].name);
        TRY(folder_manifest_check(&place, ret_message));
    }
    return 0;
}

static bool has_manifest(const struct service_host *host)
{
    return host->manifest->shop[0] != '\0';
}

static int open_and_compare(struct service_host *host, char ret_message[512])
{
    for (size_t i = 0; i < host->instance_count; i++) {
        struct service_instance *instance = &host->instances[i];
        const struct sql_place place = host_place(host, instance->service->name);

        if (instance->service->no_database)
            continue;
        int is_there = sql_exists(&place, ret_message);
        TRY(is_there);
        if (is_there == 0)
            continue;
        int error = host_instance_open_database(instance, ret_message);
        if (error == ERR_NOT_FOUND)
            return folder_manifest_refuse(&place, FOLDER_MANIFEST_NOTHING_OF_IT, ret_message);
        TRY(error);
        TRY(folder_manifest_compare(has_manifest(host) ? host->manifest : NULL, &place, instance->db, ret_message));
    }
    return 0;
}

int host_folder_begin(struct service_host *host, char ret_message[512])
{
    if (!host->manifest || has_manifest(host))
        return 0;
    folder_manifest_init(host->manifest);
    host->manifest->is_new = !has_databases(host->options.data_path);
    if (!host->manifest->is_new)
        log_info(&host->log, "the data folder has no list of its databases yet; those that are there are taken over",
                 LOG_CSTR("shop", host->manifest->shop));
    return folder_manifest_write(host->options.data_path, host->manifest, ret_message);
}

int host_folder_open(struct service_host *host, char ret_message[512])
{
    if (host->options.sql_vfs)
        return 0;
    host->manifest = calloc(1, sizeof(*host->manifest));
    if (!host->manifest)
        return ERR_NO_MEMORY;
    TRY(refuse_unfinished(host, ret_message));
    int found = folder_manifest_read(host->options.data_path, host->manifest, ret_message);
    TRY(found);
    TRY(check_named(host, ret_message));
    return open_and_compare(host, ret_message);
}

bool host_folder_names(const struct service_host *host, const char *service)
{
    return host->manifest && folder_manifest_openings(host->manifest, service) > 0;
}

static int join(struct service_host *host, struct service_instance *instance, char ret_message[512])
{
    const char *name = instance->service->name;
    int error = folder_manifest_join(host->manifest, name, instance->db);

    if (error >= 0 || host_folder_names(host, name))
        return 0; /* it stays as it was counted last */
    const struct sql_place place = host_place(host, name);
    return folder_manifest_unusable(&place, "written", error, ret_message);
}

static int count_openings(struct service_host *host, char ret_message[512])
{
    size_t named = host->manifest->count;

    for (size_t i = 0; i < host->instance_count; i++) {
        if (host->instances[i].db)
            TRY(join(host, &host->instances[i], ret_message));
    }
    bool has_more = host->manifest->count > named;
    if (named > 0 && has_more)
        host->manifest->is_new = false; /* what is made beside others is not the beginning of a shop */
    int error = folder_manifest_write(host->options.data_path, host->manifest, ret_message);
    if (error >= 0 || has_more)
        return error;
    log_warning(&host->log, "the list of the databases could not be renewed; the one of before stays",
                LOG_CSTR("detail", ret_message));
    return 0;
}

static void count_openings_later(void *argument)
{
    struct service_host *host = argument;
    char message[512];

    if (count_openings(host, message) < 0)
        log_warning(&host->log, "the opening of the databases was not counted", LOG_CSTR("detail", message));
}

static bool names_all(const struct service_host *host)
{
    for (size_t i = 0; i < host->instance_count; i++) {
        if (host->instances[i].db && !host_folder_names(host, host->instances[i].service->name))
            return false;
    }
    return true;
}

int host_folder_join(struct service_host *host, char ret_message[512])
{
    if (!host->manifest)
        return 0;
    if (names_all(host) && !host_is_new(host))
        return task_start(&host->counting, "folder", count_openings_later, host);
    return count_openings(host, ret_message);
}

void host_folder_close(struct service_host *host)
{
    if (host->counting)
        task_join(host->counting);
    free(host->manifest);
}

void host_folder_settle(struct service_host *host)
{
    char message[512];

    if (!host_is_new(host))
        return;
    host->manifest->is_new = false;
    if (folder_manifest_write(host->options.data_path, host->manifest, message) < 0)
        log_warning(&host->log, "the shop counts as new for one more start", LOG_CSTR("detail", message));
}

bool host_is_new(const struct service_host *host)
{
    return host->manifest && host->manifest->is_new;
}
