#include "cli/shop.h"

#include "cli/copy.h"
#include "cli/settings.h"
#include "cli/terminal.h"
#include "platform/base/log.h"
#include "platform/net/client.h"
#include "platform/service/admin_socket.h"
#include "platform/service/folder_manifest.h"
#include "platform/service/host.h"
#include "platform/service/invoke.h"
#include "platform/wire/wire.h"
#include "services/services.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <yyjson.h>

#define ARENA_BYTES_MAX ((size_t)2 << 30)
#define CLIENT_CONNECTIONS_MAX 4
#define PATH_BYTES 4200

/* -- The folder ---------------------------------------------------------------------------------------------------- */

bool shop_exists(const char *data_path)
{
    char path[PATH_BYTES], message[FOLDER_MANIFEST_MESSAGE_BYTES];
    struct folder_manifest manifest;

    int found = folder_manifest_read(data_path, &manifest, message);
    if (found < 0 || (found > 0 && manifest.count > 0))
        return true;
    for (size_t i = 0; all_services[i]; i++) {
        snprintf(path, sizeof(path), "%s/%s.db", data_path, all_services[i]->name);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

int shop_make_folder(const char *data_path)
{
    char message[COPY_MESSAGE_BYTES];
    struct stat status;

    if (mkdir(data_path, 0700) == 0)
        return copy_sync_entry(data_path, message) < 0 ? say_failed("%s", message) : EXIT_DONE;
    if (errno == EEXIST && stat(data_path, &status) == 0 && S_ISDIR(status.st_mode))
        return EXIT_DONE;
    return say_failed("the data folder %s cannot be made: %s; name another by --data", data_path,
                      strerror(errno == EEXIST ? ENOTDIR : errno));
}

bool shop_is_running(const struct shop *shop)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s", shop->socket_path);
    int descriptor = length < (int)sizeof(address.sun_path) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;

    if (descriptor < 0)
        return false;
    bool is_running = connect(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(descriptor);
    return is_running;
}

/* -- Opening and closing ------------------------------------------------------------------------------------------- */

int shop_open(struct shop *shop, const struct command_options *options, bool may_make)
{
    *shop = (struct shop){.options = options, .tenant = options->tenant ? options->tenant : TENANT_DEFAULT};
    if (settings_load(options->config_path, &shop->config) < 0)
        return EXIT_FAILED;
    /* What a command has to say it says itself; the log is for what it stumbles over. */
    log_configure(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_AUTOMATIC);
    shop->data_path = options->data_path ? options->data_path : config_get_cstr(shop->config, &settings[SETTING_DATA]);
    shop->arena = arena_new(ARENA_BYTES_MAX);
    shop->socket_path = shop->arena ? arena_printf(shop->arena, "%s/admin.sock", shop->data_path) : NULL;
    if (!shop->socket_path)
        return say_failed("out of memory");
    if (!may_make && !shop_exists(shop->data_path))
        return say_failed("there is no shop in the folder %s; name its folder by --data, or make one with "
                          "`shopstream migrate`",
                          shop->data_path);
    return EXIT_DONE;
}

void shop_close(struct shop *shop)
{
    host_free(shop->host, 0);
    arena_free(shop->arena);
    config_free(shop->config);
    *shop = (struct shop){0};
}

/* The administrator that opening a new shop made would else never be known. */
static void tell_first_administrator(struct shop *shop)
{
    struct problem problem = {0};
    struct str reply;

    const struct json_call call = {.service = STR("identity"),
                                   .method = STR("take_first_administrator"),
                                   .tenant = STR(TENANT_DEFAULT),
                                   .json = STR("{}")};

    if (!host_instance(shop->host, "identity") ||
        host_invoke_json(shop->host, shop->arena, &call, &reply, &problem) < 0)
        return;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    yyjson_val *root = yyjson_doc_get_root(document);
    const char *password = json_text(shop->arena, root, "password");
    if (password)
        fprintf(stderr, "The administrator of the new shop is %s, password %s (shown this once).\n",
                json_text(shop->arena, root, "email"), password);
}

static int open_host(struct shop *shop)
{
    struct http_client *client = NULL;
    char message[512] = "";

    if (settings_check(shop->config, all_services, message) < 0)
        return say_failed("%s", message);
    if (shop_make_folder(shop->data_path) != EXIT_DONE)
        return EXIT_FAILED;
    if (http_client_new(&client, CLIENT_CONNECTIONS_MAX) < 0)
        return say_failed("out of memory");
    const struct host_options options = {
        .services = all_services,
        .config = shop->config,
        .data_path = shop->data_path,
        .http_client = client,
        .is_at_rest = true,
        .mail_from = config_get_cstr(shop->config, &settings[SETTING_MAIL_FROM]),
        .public_url = config_get_cstr(shop->config, &settings[SETTING_PUBLIC_URL]),
    };
    if (host_new(&shop->host, &options, message) < 0) {
        shop->host = NULL;
        return say_failed("%s", message);
    }
    tell_first_administrator(shop);
    return EXIT_DONE;
}

/* -- Calling ------------------------------------------------------------------------------------------------------- */

static int call_opened(struct shop *shop, const struct json_call *call, struct str *ret_reply)
{
    struct problem problem = {0};
    int error = host_invoke_json(shop->host, shop->arena, call, ret_reply, &problem);

    if (error < 0)
        return say_failed("%s", problem.detail[0] ? problem.detail : error_name(error));
    return EXIT_DONE;
}

static int call_shop(struct shop *shop, const struct json_call *call, struct str *ret_reply)
{
    int error = 0;

    if (!shop->host) {
        int result = admin_socket_call(shop->socket_path, shop->arena, call, &error, ret_reply);
        if (result == 0)
            return error < 0 ? say_failed("%.*s", STR_FORMAT(*ret_reply)) : EXIT_DONE;
        /* A path too long for a socket's address: then only a stopped shop can be asked; a running one has the lock. */
        if (result != ERR_UNAVAILABLE && result != ERR_TOO_LARGE)
            return say_failed("the running shop's answer could not be read: %s", error_name(result));
        if (open_host(shop) != EXIT_DONE)
            return EXIT_FAILED;
    }
    return call_opened(shop, call, ret_reply);
}

/* A mistyped tenant would silently become one that nobody can reach. */
static int check_tenant(struct shop *shop)
{
    struct str reply;
    size_t index, count;
    yyjson_val *tenant;

    if (!shop->options->tenant || strcmp(shop->tenant, TENANT_DEFAULT) == 0)
        return EXIT_DONE;
    const struct json_call call = {
        .service = STR("identity"), .method = STR("list_tenants"), .tenant = STR(TENANT_DEFAULT), .json = STR("{}")};
    if (call_shop(shop, &call, &reply) != EXIT_DONE)
        return EXIT_FAILED;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(document), "tenants"), index, count, tenant)
    {
        const char *id = json_text(shop->arena, tenant, "id");

        if (id && strcmp(id, shop->tenant) == 0)
            return EXIT_DONE;
    }
    return say_failed("there is no tenant %s; `shopstream tenant list` shows those there are", shop->tenant);
}

int shop_call_with_files(struct shop *shop, const char *service, const char *method, struct str json, const int *files,
                         size_t file_count, struct str *ret_reply)
{
    const struct json_call call = {.service = str_from_cstr(service),
                                   .method = str_from_cstr(method),
                                   .tenant = str_from_cstr(shop->tenant),
                                   .json = json,
                                   .files = files,
                                   .file_count = file_count};
    int status = check_tenant(shop);

    return status == EXIT_DONE ? call_shop(shop, &call, ret_reply) : status;
}

int shop_call(struct shop *shop, const char *service, const char *method, struct str json, struct str *ret_reply)
{
    return shop_call_with_files(shop, service, method, json, NULL, 0, ret_reply);
}

int shop_ask(struct shop *shop, const char *service, const char *method, struct str json, struct str *ret_reply,
             bool *ret_printed)
{
    int status = shop_call(shop, service, method, json, ret_reply);

    *ret_printed = status == EXIT_DONE && shop->options->json;
    if (*ret_printed)
        printf("%.*s\n", STR_FORMAT(*ret_reply));
    return status;
}

/* -- JSON ---------------------------------------------------------------------------------------------------------- */

void json_add(struct buf *json, const char *name, const char *value)
{
    if (json->len > 1)
        buf_append_char(json, ',');
    wire_json_string(json, str_from_cstr(name));
    buf_append_char(json, ':');
    wire_json_string(json, str_from_cstr(value));
}

struct yyjson_doc *json_read(struct str text)
{
    return yyjson_read(text.ptr, text.len, 0);
}

void json_free(struct yyjson_doc **document)
{
    yyjson_doc_free(*document);
}

const char *json_text(struct arena *arena, struct yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);

    if (yyjson_is_str(value))
        return arena_cstr(arena, str_from(yyjson_get_str(value), yyjson_get_len(value)));
    if (yyjson_is_int(value))
        return arena_printf(arena, "%" PRId64, yyjson_get_sint(value));
    return NULL;
}

int shop_show_list(struct shop *shop, yyjson_val *list, const char *const *headings, const char *const *members,
                   const char *when_empty)
{
    struct table table = {0};
    size_t index, count, column_count = 0;
    yyjson_val *object;

    for (; members[column_count]; column_count++)
        table.headings[column_count] = headings[column_count];
    yyjson_arr_foreach(list, index, count, object)
    {
        const char *cells[TABLE_COLUMNS_MAX];

        for (size_t i = 0; i < column_count; i++)
            cells[i] = json_text(shop->arena, object, members[i]);
        if (table_add(&table, shop->arena, cells) < 0)
            return say_failed("there are too many rows for a table; use --json");
    }
    if (table.row_count)
        table_print(&table);
    else
        puts(when_empty);
    return EXIT_DONE;
}
