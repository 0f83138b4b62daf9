/* Copies of a shop: as files (backup, restore), or as lines of JSON (dump). */
#include "cli/copy.h"
#include "cli/file.h"
#include "cli/folder.h"
#include "cli/settings.h"
#include "cli/shop.h"
#include "cli/terminal.h"
#include "platform/service/admin_socket.h"
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
#define RESTORE_ARENA_BYTES ((size_t)512 << 20)
#define PATH_BYTES 4400
#define MAIL_FOLDER "mail"

/* -- backup ------------------------------------------------------------------------------------------------------ */

/* The databases' files are opened here and written by the shop, which may open none in this folder itself. */
struct backing {
    struct shop shop;
    struct copy copy;
    const char *services[ADMIN_FILES_MAX];
    int files[ADMIN_FILES_MAX];
    size_t count;
    char message[COPY_MESSAGE_BYTES];
};

static void backing_end(struct backing *backing)
{
    for (size_t i = 0; i < backing->count; i++)
        close(backing->files[i]);
    shop_close(&backing->shop);
}

static int list_databases(struct backing *backing)
{
    struct str reply;
    size_t index, count;
    yyjson_val *name;

    if (shop_call(&backing->shop, "admin", "list_databases", STR("{}"), &reply) != EXIT_DONE)
        return EXIT_FAILED;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(document), "services"), index, count, name)
    {
        const char *text = arena_cstr(backing->shop.arena, str_from(yyjson_get_str(name), yyjson_get_len(name)));

        if (!text || index >= ADMIN_FILES_MAX)
            return say_failed("out of memory");
        backing->services[index] = text;
    }
    return EXIT_DONE;
}

static int make_folder(struct backing *backing, const char *path)
{
    backing->copy.folder = path;
    if (mkdir(path, 0700) != 0)
        return say_failed("the folder %s cannot be made: %s; it must not exist yet, and its parent must", path,
                          strerror(errno));
    const char *mail = arena_printf(backing->shop.arena, "%s/%s", path, MAIL_FOLDER);
    if (!mail || mkdir(mail, 0700) != 0)
        return say_failed("the folder %s/%s cannot be made: %s", path, MAIL_FOLDER, strerror(errno));
    return copy_sync_entry(path, backing->message) < 0 ? say_failed("%s", backing->message) : EXIT_DONE;
}

static int open_files(struct backing *backing)
{
    for (; backing->services[backing->count]; backing->count++) {
        const char *path =
            arena_printf(backing->shop.arena, "%s/%s.db", backing->copy.folder, backing->services[backing->count]);
        int file = path ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;

        if (file < 0)
            return say_failed("a file in %s cannot be made: %s", backing->copy.folder, strerror(errno));
        backing->files[backing->count] = file;
    }
    return EXIT_DONE;
}

static bool is_copied(const struct backing *backing, const char *service)
{
    for (size_t i = 0; i < backing->count; i++) {
        if (strcmp(backing->services[i], service) == 0)
            return true;
    }
    return false;
}

/* Before the databases: an opening between the two counts in them, and a list that is behind them is a good one. A
 * process that runs a part of the services copies a part of the shop, which nobody could open again. */
static int copy_manifest(struct backing *backing)
{
    struct folder_manifest manifest;
    int found = folder_manifest_read(backing->shop.data_path, &manifest, backing->message);

    if (found <= 0)
        return found < 0 ? say_failed("%s", backing->message) : EXIT_DONE;
    for (size_t i = 0; i < manifest.count; i++) {
        if (!is_copied(backing, manifest.databases[i].name))
            return say_failed("the process that serves %s runs without %s; stop it, and make the backup then",
                              backing->shop.data_path, manifest.databases[i].name);
    }
    if (folder_manifest_write(backing->copy.folder, &manifest, backing->message) < 0 ||
        copy_add(&backing->copy, backing->shop.arena, FOLDER_MANIFEST_FILE, backing->message) < 0)
        return say_failed("%s", backing->message);
    return EXIT_DONE;
}

static int copy_databases(struct backing *backing)
{
    CLEANUP(buf_free) struct buf json = BUF(REQUEST_BYTES_MAX);
    struct str reply;

    buf_append_cstr(&json, "{\"services\":[");
    for (size_t i = 0; i < backing->count; i++)
        buf_printf(&json, "%s\"%s\"", i > 0 ? "," : "", backing->services[i]);
    buf_append_cstr(&json, "]}");
    if (shop_call_with_files(&backing->shop, "admin", "copy_databases", buf_str(&json), backing->files, backing->count,
                             &reply) != EXIT_DONE)
        return EXIT_FAILED;
    for (size_t i = 0; i < backing->count; i++) {
        const char *name = arena_printf(backing->shop.arena, "%s.db", backing->services[i]);

        if (!name || copy_add(&backing->copy, backing->shop.arena, name, backing->message) < 0)
            return say_failed("%s", name ? backing->message : "out of memory");
    }
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
    CLEANUP(backing_end) struct backing backing = {.count = 0};
    int status = shop_open(&backing.shop, options, false);

    if (status == EXIT_DONE)
        status = list_databases(&backing);
    if (status == EXIT_DONE)
        status = make_folder(&backing, options->arguments[0]);
    if (status == EXIT_DONE)
        status = open_files(&backing);
    if (status == EXIT_DONE)
        status = copy_manifest(&backing);
    if (status == EXIT_DONE)
        status = copy_databases(&backing);
    if (status == EXIT_DONE)
        status = copy_files_below(&backing, "");
    if (status == EXIT_DONE)
        status = copy_files_below(&backing, MAIL_FOLDER "/");
    if (status == EXIT_DONE)
        status = finish_copy(&backing);
    if (status == EXIT_DONE)
        tell_backup(&backing);
    return status;
}

/* -- dump -------------------------------------------------------------------------------------------------------- */

static int write_dump(struct shop *shop, const char *path)
{
    char message[COPY_MESSAGE_BYTES];
    struct str reply;
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (file < 0)
        return say_failed("the file %s cannot be made: %s", path, strerror(errno));
    int status = shop_call_with_files(shop, "admin", "dump", STR("{}"), &file, 1, &reply);
    close(file);
    if (status == EXIT_DONE && copy_sync_entry(path, message) < 0)
        status = say_failed("%s", message);
    if (status != EXIT_DONE) {
        unlink(path);
        return status;
    }
    if (shop->options->json) {
        printf("%.*s\n", STR_FORMAT(reply));
        return EXIT_DONE;
    }
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    yyjson_val *root = yyjson_doc_get_root(document);
    printf("Wrote %s rows of %s tables to %s.\n", json_text(shop->arena, root, "rows"),
           json_text(shop->arena, root, "tables"), path);
    return EXIT_DONE;
}

int command_dump(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    int status = shop_open(&shop, options, false);

    return status == EXIT_DONE ? write_dump(&shop, options->arguments[0]) : status;
}

/* -- restore ----------------------------------------------------------------------------------------------------- */

static int copy_files(const struct copy *copy, const struct incoming *incoming)
{
    char path[PATH_BYTES], message[COPY_MESSAGE_BYTES];

    snprintf(path, sizeof(path), "%s/mail", incoming->path);
    if (mkdir(path, 0700) != 0)
        return say_failed("the folder %s cannot be made: %s", path, strerror(errno));
    for (size_t i = 0; i < copy->count; i++) {
        if (copy_file(copy->folder, incoming->path, copy->files[i].name, message) < 0)
            return say_failed("%s", message);
    }
    return copy_sync_folder(path, message) < 0 ? say_failed("%s", message) : EXIT_DONE;
}

static int check_database(const struct incoming *incoming, const char *name)
{
    char service[64], message[512];
    struct sql_db *db = NULL;

    snprintf(service, sizeof(service), "%.*s", (int)(strlen(name) - strlen(".db")), name);
    if (incoming_open(incoming, service, &db) != EXIT_DONE)
        return EXIT_FAILED;
    int error = sql_check(db, message);
    sql_close(db);
    return error < 0 ? say_failed("%s", message) : EXIT_DONE;
}

static int check_databases(const struct copy *copy, const struct incoming *incoming)
{
    int status = EXIT_DONE;

    for (size_t i = 0; i < copy->count && status == EXIT_DONE; i++) {
        const char *end = strrchr(copy->files[i].name, '.');

        if (end && strcmp(end, ".db") == 0)
            status = check_database(incoming, copy->files[i].name);
    }
    return status;
}

static int restore_into(struct arena *arena, const char *source, const char *data_path)
{
    CLEANUP(incoming_end) struct incoming incoming = {0};
    struct copy copy = {0};
    char message[COPY_MESSAGE_BYTES];

    if (copy_verify(&copy, arena, source, message) < 0)
        return say_failed("%s", message);
    int status = incoming_begin(&incoming, arena, data_path);
    if (status == EXIT_DONE)
        status = copy_files(&copy, &incoming);
    if (status == EXIT_DONE)
        status = check_databases(&copy, &incoming);
    if (status == EXIT_DONE)
        status = incoming_finish(&incoming);
    if (status == EXIT_DONE)
        printf("Restored %zu files into %s; `shopstream serve --data %s` opens the shop.\n", copy.count, data_path,
               data_path);
    return status;
}

int command_restore(const struct command_options *options)
{
    CLEANUP(config_cleanup) struct config *config = NULL;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(RESTORE_ARENA_BYTES);

    if (settings_load(options->config_path, &config) < 0)
        return EXIT_FAILED;
    if (!arena)
        return say_failed("out of memory");
    return restore_into(arena, options->arguments[0],
                        options->data_path ? options->data_path : config_get_cstr(config, &settings[SETTING_DATA]));
}
