#include "cli/databases.h"

#include "cli/shop.h"
#include "cli/terminal.h"
#include "services/services.h"

#include <string.h>
#include <yyjson.h>

struct sql_place databases_place(const struct shop *shop, const char *name)
{
    return (struct sql_place){.url = port_url(shop->config, PORT_SQL), .service = name, .data_path = shop->data_path};
}

static bool is_listed(const struct databases *databases, const char *name)
{
    for (size_t i = 0; i < databases->count; i++) {
        if (strcmp(databases->names[i], name) == 0)
            return true;
    }
    return false;
}

static int add(struct shop *shop, struct databases *databases, struct str name)
{
    const char *text = arena_cstr(shop->arena, name);

    if (!text)
        return say_failed("out of memory");
    if (is_listed(databases, text))
        return EXIT_DONE;
    if (databases->count == FOLDER_MANIFEST_DATABASES_MAX)
        return say_failed("there are too many databases in %s", shop->data_path);
    databases->names[databases->count++] = text;
    return EXIT_DONE;
}

static int add_served(struct shop *shop, struct databases *databases)
{
    struct str reply;
    size_t index, count;
    yyjson_val *name;
    int status = EXIT_DONE;

    if (shop_call(shop, "admin", "list_databases", STR("{}"), &reply) != EXIT_DONE)
        return EXIT_FAILED;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(document), "services"), index, count, name)
    {
        if (status == EXIT_DONE)
            status = add(shop, databases, str_from(yyjson_get_str(name), yyjson_get_len(name)));
    }
    databases->served_count = databases->count;
    return status;
}

/* A version before the manifest made databases that no manifest names until they are opened. */
static int add_in_folder(struct shop *shop, struct databases *databases)
{
    char message[FOLDER_MANIFEST_MESSAGE_BYTES];

    if (folder_manifest_read(shop->data_path, &databases->manifest, message) < 0)
        return say_failed("%s", message);
    for (size_t i = 0; i < databases->manifest.count; i++) {
        if (add(shop, databases, str_from_cstr(databases->manifest.databases[i].name)) != EXIT_DONE)
            return EXIT_FAILED;
    }
    for (size_t i = 0; all_services[i]; i++) {
        const struct sql_place place = databases_place(shop, all_services[i]->name);
        int is_there = all_services[i]->no_database ? 0 : sql_exists(&place, message);

        if (is_there < 0)
            return say_failed("%s", message);
        if (is_there && add(shop, databases, str_from_cstr(place.service)) != EXIT_DONE)
            return EXIT_FAILED;
    }
    return EXIT_DONE;
}

int databases_list(struct shop *shop, struct databases *ret_databases)
{
    *ret_databases = (struct databases){0};
    int status = add_served(shop, ret_databases);

    return status == EXIT_DONE ? add_in_folder(shop, ret_databases) : status;
}

int databases_list_folder(struct shop *shop, struct databases *ret_databases)
{
    *ret_databases = (struct databases){0};
    return add_in_folder(shop, ret_databases);
}

int databases_open(const struct shop *shop, const struct databases *databases, const char *name, struct sql_db **ret_db,
                   char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES])
{
    const struct sql_place place = databases_place(shop, name);
    const struct folder_manifest *manifest = &databases->manifest;
    char url[SQL_URL_BYTES];

    TRY(folder_manifest_check(&place, ret_message));
    TRY(sql_locate(&place, url, ret_message));
    const struct sql_config config = {
        .url = url, .reader_count = 1, .is_marked = folder_manifest_openings(manifest, name) > 0};
    int error = sql_open(ret_db, &config, ret_message);
    if (error == ERR_NOT_FOUND)
        return folder_manifest_refuse(&place, FOLDER_MANIFEST_NOTHING_OF_IT, ret_message);
    TRY(error);
    error = folder_manifest_compare(manifest->shop[0] ? manifest : NULL, &place, *ret_db, ret_message);
    if (error < 0) {
        sql_close(*ret_db);
        *ret_db = NULL;
    }
    return error;
}
