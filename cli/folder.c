#include "cli/folder.h"

#include "cli/commands.h"
#include "cli/copy.h"
#include "cli/shop.h"
#include "cli/terminal.h"
#include "platform/ports/sql/folder_lock.h"
#include "platform/service/folder_manifest.h"
#include "platform/service/host.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4400
#define DEPTH_MAX 4

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The lock file is no content: it stays where a start failed. */
static int check_empty(const char *path)
{
    const struct dirent *entry;
    bool is_empty = true;
    DIR *folder = opendir(path);

    if (!folder)
        return say_failed("the folder %s cannot be read: %s", path, strerror(errno));
    while ((entry = readdir(folder)))
        is_empty = is_empty && (is_dot(entry->d_name) || strcmp(entry->d_name, "lock") == 0);
    closedir(folder);
    return is_empty
               ? EXIT_DONE
               : say_failed("the folder %s is not empty; name a new one by --data, or move what is in it away", path);
}

int incoming_begin(struct incoming *incoming, struct arena *arena, const char *data_path)
{
    char message[512];

    *incoming = (struct incoming){.data_path = data_path};
    if (shop_make_folder(data_path) != EXIT_DONE || check_empty(data_path) != EXIT_DONE)
        return EXIT_FAILED;
    if (data_folder_lock(&incoming->lock, data_path, message) < 0)
        return say_failed("%s", message);
    incoming->path = arena_printf(arena, "%s/" HOST_INCOMING_FOLDER, data_path);
    if (!incoming->path)
        return say_failed("out of memory");
    if (mkdir(incoming->path, 0700) != 0)
        return say_failed("the folder %s cannot be made: %s", incoming->path, strerror(errno));
    return EXIT_DONE;
}

/* The files last, for a folder with databases is a shop; each gets its place in one step. */
static int move_all(const struct incoming *incoming, bool databases)
{
    const struct dirent *entry;
    char from[PATH_BYTES], to[PATH_BYTES];
    int status = EXIT_DONE;
    DIR *folder = opendir(incoming->path);

    if (!folder)
        return say_failed("the folder %s cannot be read: %s", incoming->path, strerror(errno));
    while (status == EXIT_DONE && (entry = readdir(folder))) {
        const char *end = strrchr(entry->d_name, '.');

        if (is_dot(entry->d_name) || databases != (end && strcmp(end, ".db") == 0))
            continue;
        snprintf(from, sizeof(from), "%s/%s", incoming->path, entry->d_name);
        snprintf(to, sizeof(to), "%s/%s", incoming->data_path, entry->d_name);
        if (rename(from, to) != 0)
            status = say_failed("%s cannot be put in place: %s", to, strerror(errno));
    }
    closedir(folder);
    return status;
}

int incoming_finish(struct incoming *incoming)
{
    char message[COPY_MESSAGE_BYTES];

    if (copy_sync_folder(incoming->path, message) < 0)
        return say_failed("%s", message);
    if (move_all(incoming, false) != EXIT_DONE || move_all(incoming, true) != EXIT_DONE)
        return EXIT_FAILED;
    rmdir(incoming->path);
    incoming->path = NULL;
    return copy_sync_folder(incoming->data_path, message) < 0 ? say_failed("%s", message) : EXIT_DONE;
}

/* Folders in each other are few and ours: databases, and mail. */
static void remove_all(const char *path, unsigned depth)
{
    const struct dirent *entry;
    char inner[PATH_BYTES];
    DIR *folder = depth < DEPTH_MAX ? opendir(path) : NULL;

    while (folder && (entry = readdir(folder))) {
        if (is_dot(entry->d_name))
            continue;
        if (snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name) >= (int)sizeof(inner))
            continue;
        if (entry->d_type == DT_DIR)
            remove_all(inner, depth + 1);
        else
            unlink(inner);
    }
    if (folder)
        closedir(folder);
    rmdir(path);
}

void folder_remove(const char *path)
{
    remove_all(path, 0);
}

void incoming_end(struct incoming *incoming)
{
    if (incoming->path && incoming->lock)
        remove_all(incoming->path, 0);
    data_folder_unlock(incoming->lock);
    *incoming = (struct incoming){0};
}

int folder_open_database(const char *path, const char *database, struct sql_db **ret_db)
{
    char url[PATH_BYTES], message[512];

    snprintf(url, sizeof(url), "sqlite:%s/%s.db", path, database);
    const struct sql_config config = {.url = url, .reader_count = 1};
    return sql_open(ret_db, &config, message) < 0 ? say_failed("%s", message) : EXIT_DONE;
}

int folder_mark_database(const char *path, const char *database, struct folder_manifest *manifest)
{
    char log[PATH_BYTES];
    struct sql_db *db = NULL;

    if (folder_open_database(path, database, &db) != EXIT_DONE)
        return EXIT_FAILED;
    int error = folder_manifest_join(manifest, database, db);
    sql_close(db);
    if (error < 0)
        return say_failed("the database %s in %s cannot be marked: %s", database, path, error_name(error));
    snprintf(log, sizeof(log), "%s/%s.db-wal", path, database);
    return access(log, F_OK) == 0 ? say_failed("%s could not be moved into its database", log) : EXIT_DONE;
}
