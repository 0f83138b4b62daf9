/* shopstream backup: the shop's files as they are at one moment, which `shopstream restore` makes a shop of again. */
#include "cli/copy.h"
#include "cli/databases.h"
#include "cli/folder.h"
#include "cli/shop.h"
#include "cli/terminal.h"
#include "platform/service/folder_manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yyjson.h>

#define REQUEST_BYTES_MAX ((size_t)64 << 10)
#define PATH_BYTES 4400
#define MAIL_FOLDER "mail"

/* The databases' files are opened here and written by the shop, which may open none in this folder itself; those that
 * the process does not serve are copied here. */
struct backing {
    struct shop shop;
    struct copy copy;
    struct databases databases;
    struct folder_manifest manifest; /* the copy's */
    int files[FOLDER_MANIFEST_DATABASES_MAX];
    size_t file_count;
    bool is_done;
    char message[COPY_MESSAGE_BYTES];
};

/* A copy that did not come to its end is none, and would be in the way of the next one. */
static void backing_end(struct backing *backing)
{
    for (size_t i = 0; i < backing->file_count; i++)
        close(backing->files[i]);
    if (backing->copy.folder && !backing->is_done)
        folder_remove(backing->copy.folder);
    shop_close(&backing->shop);
}

static int make_folder(struct backing *backing, const char *path)
{
    if (mkdir(path, 0700) != 0)
        return say_failed("the folder %s cannot be made: %s; it must not exist yet, and its parent must", path,
                          strerror(errno));
    backing->copy.folder = path;
    const char *mail = arena_printf(backing->shop.arena, "%s/%s", path, MAIL_FOLDER);
    if (!mail || mkdir(mail, 0700) != 0)
        return say_failed("the folder %s/%s cannot be made: %s", path, MAIL_FOLDER, strerror(errno));
    return copy_sync_entry(path, backing->message) < 0 ? say_failed("%s", backing->message) : EXIT_DONE;
}

static int open_files(struct backing *backing)
{
    for (; backing->file_count < backing->databases.count; backing->file_count++) {
        const char *path = arena_printf(backing->shop.arena, "%s/%s.db", backing->copy.folder,
                                        backing->databases.names[backing->file_count]);
        int file = path ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;

        if (file < 0)
            return say_failed("a file in %s cannot be made: %s", backing->copy.folder, strerror(errno));
        backing->files[backing->file_count] = file;
    }
    return EXIT_DONE;
}

/* The shop refuses when it is not the one that listed its databases: between two starts nobody has the others. */
static int copy_served(struct backing *backing)
{
    CLEANUP(buf_free) struct buf json = BUF(REQUEST_BYTES_MAX);
    const struct databases *databases = &backing->databases;
    struct str reply;

    buf_append_cstr(&json, "{\"services\":[");
    for (size_t i = 0; i < databases->served_count; i++)
        buf_printf(&json, "%s\"%s\"", i > 0 ? "," : "", databases->names[i]);
    buf_append_cstr(&json, "]}");
    return shop_call_with_files(&backing->shop, "admin", "copy_databases", buf_str(&json), backing->files,
                                databases->served_count, &reply);
}

struct copying {
    int file;
    char *message;
};

static int copy_snapshot(struct sql_tx *tx, void *argument)
{
    const struct copying *copying = argument;

    return sql_backup_snapshot(tx, copying->file, copying->message);
}

/* Nobody writes these, so they are of the same moment as the others, whenever they are read. */
static int copy_unserved(struct backing *backing)
{
    const struct databases *databases = &backing->databases;

    for (size_t i = databases->served_count; i < databases->count; i++) {
        struct copying copying = {.file = backing->files[i], .message = backing->message};
        struct sql_db *db = NULL;

        if (databases_open(&backing->shop, databases, databases->names[i], &db, backing->message) < 0)
            return say_failed("%s", backing->message);
        int error = sql_read(db, copy_snapshot, &copying);
        sql_close(db);
        if (error < 0)
            return say_failed("%s", backing->message[0] ? backing->message : error_name(error));
    }
    return EXIT_DONE;
}

/* A backup is a shop of its own id: one file of it is none of the folder that it was made of. */
static int mark_databases(struct backing *backing)
{
    folder_manifest_init(&backing->manifest);
    backing->manifest.is_new = backing->databases.manifest.is_new;
    for (size_t i = 0; i < backing->databases.count; i++) {
        const char *database = backing->databases.names[i];
        const char *name = arena_printf(backing->shop.arena, "%s.db", database);

        if (folder_mark_database(backing->copy.folder, database, &backing->manifest) != EXIT_DONE)
            return EXIT_FAILED;
        if (!name || copy_add(&backing->copy, backing->shop.arena, name, backing->message) < 0)
            return say_failed("%s", name ? backing->message : "out of memory");
    }
    if (folder_manifest_write(backing->copy.folder, &backing->manifest, backing->message) < 0 ||
        copy_add(&backing->copy, backing->shop.arena, FOLDER_MANIFEST_FILE, backing->message) < 0)
        return say_failed("%s", backing->message);
    return EXIT_DONE;
}

/* What belongs to a running process alone, and what was copied as such: the databases, and their list. */
static bool is_wanted(const char *name)
{
    const char *end = strrchr(name, '.');

    if (strcmp(name, "lock") == 0 || strcmp(name, "admin.sock") == 0 || strcmp(name, FOLDER_MANIFEST_FILE) == 0)
        return false;
    return !end || (strncmp(end, ".db", 3) != 0 && strcmp(end, ".part") != 0);
}

/* Copies the files right below a folder of the shop; prefix is "" or "mail/". */
static int copy_files_below(struct backing *backing, const char *prefix)
{
    char path[PATH_BYTES];
    const struct dirent *entry;
    int result = 0;

    snprintf(path, sizeof(path), "%s/%s", backing->shop.data_path, prefix);
    DIR *folder = opendir(path);
    if (!folder)
        return EXIT_DONE;
    while (result >= 0 && (entry = readdir(folder))) {
        char *name = arena_printf(backing->shop.arena, "%s%s", prefix, entry->d_name);

        if (entry->d_type != DT_REG || !is_wanted(entry->d_name))
            continue;
        result =
            name ? copy_file(backing->shop.data_path, backing->copy.folder, name, backing->message) : ERR_NO_MEMORY;
        if (result >= 0)
            result = copy_add(&backing->copy, backing->shop.arena, name, backing->message);
        if (result == ERR_NOT_FOUND)
            result = 0; /* read and removed meanwhile */
    }
    closedir(folder);
    return result < 0 ? say_failed("%s", backing->message[0] ? backing->message : error_name(result)) : EXIT_DONE;
}

static int finish_copy(struct backing *backing)
{
    const char *mail = arena_printf(backing->shop.arena, "%s/%s", backing->copy.folder, MAIL_FOLDER);

    if (!mail || copy_sync_folder(mail, backing->message) < 0 ||
        copy_write_manifest(&backing->copy, backing->message) < 0)
        return say_failed("%s", mail ? backing->message : "out of memory");
    return EXIT_DONE;
}

static void tell_backup(const struct backing *backing)
{
    if (!backing->shop.options->json) {
        printf("Copied %zu files to %s.\n", backing->copy.count, backing->copy.folder);
        return;
    }
    printf("{\"files\":[");
    for (size_t i = 0; i < backing->copy.count; i++)
        printf("%s\"%s\"", i > 0 ? "," : "", backing->copy.files[i].name);
    printf("]}\n");
}

int command_backup(const struct command_options *options)
{
    CLEANUP(backing_end) struct backing backing = {.file_count = 0};
    int status = shop_open(&backing.shop, options, false);

    if (status == EXIT_DONE)
        status = databases_list(&backing.shop, &backing.databases);
    if (status == EXIT_DONE)
        status = make_folder(&backing, options->arguments[0]);
    if (status == EXIT_DONE)
        status = open_files(&backing);
    if (status == EXIT_DONE)
        status = copy_served(&backing);
    if (status == EXIT_DONE)
        status = copy_unserved(&backing);
    if (status == EXIT_DONE)
        status = mark_databases(&backing);
    if (status == EXIT_DONE)
        status = copy_files_below(&backing, "");
    if (status == EXIT_DONE)
        status = copy_files_below(&backing, MAIL_FOLDER "/");
    if (status == EXIT_DONE)
        status = finish_copy(&backing);
    backing.is_done = status == EXIT_DONE;
    if (status == EXIT_DONE)
        tell_backup(&backing);
    return status;
}
