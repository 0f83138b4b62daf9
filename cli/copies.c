/* Copies of a shop: as lines of JSON (dump), and from files (restore). */
#include "cli/copy.h"
#include "cli/databases.h"
#include "cli/file.h"
#include "cli/folder.h"
#include "cli/settings.h"
#include "cli/shop.h"
#include "cli/terminal.h"
#include "platform/service/folder_manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yyjson.h>

#define RESTORE_ARENA_BYTES ((size_t)512 << 20)
#define PATH_BYTES 4400

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

/* A dump is whole or none: with rows of a part nobody could make the shop again. */
static int check_served(struct shop *shop)
{
    struct databases databases;

    if (databases_list(shop, &databases) != EXIT_DONE)
        return EXIT_FAILED;
    if (databases.served_count == databases.count)
        return EXIT_DONE;
    const char *name = databases.names[databases.served_count];
    return shop->host ? say_failed("this program has no service %s, which the shop in %s has", name, shop->data_path)
                      : say_failed("the process that serves %s runs without %s; stop it, and make the dump then",
                                   shop->data_path, name);
}

int command_dump(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    int status = shop_open(&shop, options, false);

    if (status == EXIT_DONE)
        status = check_served(&shop);
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

static int check_database(const struct incoming *incoming, struct folder_manifest *manifest, const char *name)
{
    char service[64], message[512];
    struct sql_db *db = NULL;

    snprintf(service, sizeof(service), "%.*s", (int)(strlen(name) - strlen(".db")), name);
    if (folder_open_database(incoming->path, service, &db) != EXIT_DONE)
        return EXIT_FAILED;
    int error = sql_check(db, message);
    sql_close(db);
    return error < 0 ? say_failed("%s", message) : folder_mark_database(incoming->path, service, manifest);
}

/* What is restored is a shop of its own id as well: its files are not those of the backup, nor of what else was made of
 * it. */
static int check_databases(const struct copy *copy, const struct incoming *incoming)
{
    struct folder_manifest manifest, found;
    char message[FOLDER_MANIFEST_MESSAGE_BYTES];
    int status = EXIT_DONE;

    int has_manifest = folder_manifest_read(incoming->path, &found, message);
    if (has_manifest < 0)
        return say_failed("%s", message);
    folder_manifest_init(&manifest);
    manifest.is_new = has_manifest && found.is_new;

    for (size_t i = 0; i < copy->count && status == EXIT_DONE; i++) {
        const char *end = strrchr(copy->files[i].name, '.');

        if (end && strcmp(end, ".db") == 0)
            status = check_database(incoming, &manifest, copy->files[i].name);
    }
    if (status == EXIT_DONE && folder_manifest_write(incoming->path, &manifest, message) < 0)
        status = say_failed("%s", message);
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
