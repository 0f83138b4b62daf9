/* Copies of a shop: as files (backup, restore), or as lines of JSON (dump). */
#include "cli/file.h"
#include "cli/folder.h"
#include "cli/settings.h"
#include "cli/shop.h"
#include "cli/terminal.h"
#include "services/admin/copies.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <yyjson.h>

#define REQUEST_BYTES_MAX ((size_t)64 << 10)
#define RESTORE_ARENA_BYTES ((size_t)512 << 20)
#define PATH_BYTES 4400

/* Has the shop write to a place that the person named. */
static int ask_to_write(struct shop *shop, const char *method, const char *path, struct str *ret_reply,
                        bool *ret_printed)
{
    CLEANUP(buf_free) struct buf json = BUF(REQUEST_BYTES_MAX);
    const char *absolute = file_absolute(shop->arena, path);

    if (!absolute)
        return EXIT_FAILED;
    buf_append_char(&json, '{');
    json_add(&json, "destination", absolute);
    buf_append_char(&json, '}');
    return shop_ask(shop, "admin", method, buf_str(&json), ret_reply, ret_printed);
}

int command_backup(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    struct str reply;
    bool is_printed = false;
    int status = shop_open(&shop, options, false);

    if (status == EXIT_DONE)
        status = ask_to_write(&shop, "backup", options->arguments[0], &reply, &is_printed);
    if (status != EXIT_DONE || is_printed)
        return status;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    printf("Copied %zu files to %s.\n", yyjson_arr_size(yyjson_obj_get(yyjson_doc_get_root(document), "files")),
           options->arguments[0]);
    return EXIT_DONE;
}

int command_dump(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    struct str reply;
    bool is_printed = false;
    int status = shop_open(&shop, options, false);

    if (status == EXIT_DONE)
        status = ask_to_write(&shop, "dump", options->arguments[0], &reply, &is_printed);
    if (status != EXIT_DONE || is_printed)
        return status;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    yyjson_val *root = yyjson_doc_get_root(document);
    printf("Wrote %s rows of %s tables to %s.\n", json_text(shop.arena, root, "rows"),
           json_text(shop.arena, root, "tables"), options->arguments[0]);
    return EXIT_DONE;
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
