/* shopstream doctor: looks at everything that a shop stands on, a line each, and says what to do about what is wrong.
 */
#include "cli/databases.h"
#include "cli/settings.h"
#include "cli/shop.h"
#include "cli/terminal.h"
#include "platform/base/log.h"
#include "platform/base/time_format.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/redis/redis_examine.h"
#include "platform/ports/sql/folder_lock.h"
#include "platform/service/folder_manifest.h"
#include "services/services.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <yyjson.h>

#define PATH_BYTES 4400
#define FREE_BYTES_MIN ((uint64_t)256 << 20)
#define CLOCK_EARLIEST_MS INT64_C(1767225600000) /* 2026-01-01: nobody has this program from before */
#define CLOCK_SLACK_MS INT64_C(60000)
#define LINE_BYTES 700

struct examination {
    struct shop shop;
    bool has_folder, has_shop, is_running;
    bool cannot_open; /* the start would refuse the folder, as was said */
    unsigned problems;
};

static void good(const char *subject, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void bad(struct examination *examination, const char *subject, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void show(const char *subject, enum colour colour, const char *verdict, const char *text)
{
    printf("%-14s%s%-9s%s%s\n", subject, colour_start(stdout, colour), verdict, colour_end(stdout), text);
}

static void good(const char *subject, const char *format, ...)
{
    char text[LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    show(subject, COLOUR_GOOD, "ok", text);
}

static void bad(struct examination *examination, const char *subject, const char *format, ...)
{
    char text[LINE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    show(subject, COLOUR_BAD, "problem", text);
    examination->problems++;
}

/* -- Configuration and folder ------------------------------------------------------------------------------------ */

static int examine_config(struct examination *examination, const struct command_options *options)
{
    char message[CONFIG_MESSAGE_BYTES];
    struct config *config = NULL;
    enum log_level level;

    if (config_load(settings_tables(), options->config_path, environ, message, &config) < 0) {
        bad(examination, "config", "%s; correct it, then ask again", message);
        return EXIT_FAILED;
    }
    if (log_level_parse(config_get_str(config, &settings[SETTING_LOG_LEVEL]), &level) < 0)
        bad(examination, "config", "SHOPSTREAM_LOG_LEVEL must be debug, info, warning, error or none");
    else if (settings_check(config, all_services, message) < 0)
        bad(examination, "config", "%s", message);
    else
        good("config", "%s", options->config_path ? options->config_path : "defaults and environment");
    config_free(config);
    return shop_open(&examination->shop, options, true);
}

/* The first start makes the folder itself, and none above it. */
static void examine_parent(struct examination *examination, const char *path)
{
    char copy[PATH_BYTES];

    snprintf(copy, sizeof(copy), "%s", path);
    const char *parent = dirname(copy);
    if (access(parent, W_OK | X_OK) == 0)
        good("folder", "%s does not exist yet; the first start makes it", path);
    else if (errno == ENOENT)
        bad(examination, "folder",
            "%s cannot be made, for %s does not exist; make that first, or name another by --data", path, parent);
    else
        bad(examination, "folder", "%s cannot be made in %s: %s; name another by --data", path, parent,
            strerror(errno));
}

static void examine_folder(struct examination *examination)
{
    const char *path = examination->shop.data_path;
    struct stat status;
    int error = stat(path, &status) != 0 ? errno : S_ISDIR(status.st_mode) ? 0 : ENOTDIR;

    examination->has_folder = error == 0;
    examination->has_shop = examination->has_folder && shop_exists(path);
    if (error == ENOENT)
        examine_parent(examination, path);
    else if (error)
        bad(examination, "folder", "%s is no folder that can be read: %s; name another by --data", path,
            strerror(error));
    else if (access(path, R_OK | W_OK | X_OK) != 0)
        bad(examination, "folder", "%s: %s; give it to the user who runs the shop", path, strerror(errno));
    else
        good("folder", "%s%s", path, examination->has_shop ? "" : " (no shop in it yet)");
}

static void examine_disk(struct examination *examination)
{
    const char *path = examination->has_folder ? examination->shop.data_path : ".";
    struct statvfs status;

    if (statvfs(path, &status) != 0) {
        bad(examination, "disk", "%s: %s", path, strerror(errno));
        return;
    }
    uint64_t free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    if (free_bytes < FREE_BYTES_MIN)
        bad(examination, "disk", "only %llu MiB are free; writes fail when it is full: make room",
            (unsigned long long)(free_bytes >> 20));
    else
        good("disk", "%llu MiB are free", (unsigned long long)(free_bytes >> 20));
}

static void examine_lock(struct examination *examination)
{
    struct folder_lock *lock = NULL;
    char message[FOLDER_LOCK_MESSAGE_BYTES];

    if (!examination->has_shop)
        return;
    examination->is_running = shop_is_running(&examination->shop);
    if (examination->is_running) {
        good("lock", "held by the running shop, which answers");
        return;
    }
    int error = data_folder_lock(&lock, examination->shop.data_path, message);
    data_folder_unlock(lock);
    examination->cannot_open = error < 0;
    if (error < 0)
        bad(examination, "lock", "%s", message);
    else
        good("lock", "free: no shop runs on this folder");
}

/* -- Databases --------------------------------------------------------------------------------------------------- */

/* Looked at from outside, also while the shop runs: it would not notice that a file was taken from under it. */
static void examine_manifest(struct examination *examination)
{
    const struct shop *shop = &examination->shop;
    struct folder_manifest manifest;
    char message[FOLDER_MANIFEST_MESSAGE_BYTES];
    unsigned missing = 0;

    if (!examination->has_shop)
        return;
    int found = folder_manifest_read(shop->data_path, &manifest, message);
    if (found <= 0) {
        examination->cannot_open |= found < 0;
        if (found < 0)
            bad(examination, "manifest", "%s", message);
        return;
    }
    for (size_t i = 0; i < manifest.count; i++) {
        const struct sql_place place = databases_place(shop, manifest.databases[i].name);
        if (folder_manifest_check(&place, message) >= 0)
            continue;
        bad(examination, "database", "%s", message);
        missing++;
    }
    examination->cannot_open |= missing > 0;
    if (!missing)
        good("manifest", "the shop's %zu databases are in the folder", manifest.count);
}

/* By the running shop, or by opening the stopped one, which also shows that it can be: those that it serves. */
static void examine_served(struct examination *examination, const struct databases *databases, bool *is_examined)
{
    struct shop *shop = &examination->shop;
    struct str reply;
    size_t index, count;
    yyjson_val *result;

    if (shop_call(shop, "admin", "check", STR("{}"), &reply) != EXIT_DONE) {
        bad(examination, "databases", "they could not all be opened, as stderr says");
        return;
    }
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(document), "results"), index, count, result)
    {
        const char *name = json_text(shop->arena, result, "name"), *detail = json_text(shop->arena, result, "detail");

        for (size_t i = 0; name && i < databases->count; i++) {
            size_t length = strlen(databases->names[i]);
            is_examined[i] |= strncmp(name, databases->names[i], length) == 0 && strcmp(name + length, ".db") == 0;
        }
        if (name && yyjson_get_bool(yyjson_obj_get(result, "ok")))
            good("database", "%s", name);
        else if (name)
            bad(examination, "database", "%s: %s", name, detail ? detail : "damaged; restore it from a backup");
    }
}

static void examine_from_outside(struct examination *examination, const struct databases *databases, const char *name)
{
    char message[FOLDER_MANIFEST_MESSAGE_BYTES] = "";
    struct sql_db *db = NULL;
    int error = databases_open(&examination->shop, databases, name, &db, message);

    if (error >= 0) {
        message[0] = '\0';
        error = sql_check(db, message);
        sql_close(db);
    }
    if (error >= 0)
        good("database", "%s.db", name);
    else if (error != ERR_NOT_FOUND) /* that was said with the manifest */
        bad(examination, "database", "%s.db: %s", name, message[0] ? message : error_name(error));
}

/* Each of them, whatever else was found. */
static void examine_databases(struct examination *examination)
{
    bool is_examined[FOLDER_MANIFEST_DATABASES_MAX] = {false};
    struct databases databases;

    if (!examination->has_shop)
        return;
    if (databases_list_folder(&examination->shop, &databases) != EXIT_DONE) {
        bad(examination, "databases", "they could not be looked at, as stderr says");
        return;
    }
    if (!examination->cannot_open)
        examine_served(examination, &databases, is_examined);
    for (size_t i = 0; i < databases.count; i++) {
        if (!is_examined[i])
            examine_from_outside(examination, &databases, databases.names[i]);
    }
}

/* -- Around it --------------------------------------------------------------------------------------------------- */

/* Only whether it could be bound: nothing listens, and nobody is asked. */
static int try_port(const char *address, int port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1, error = 0;

    if (inet_pton(AF_INET, address, &name.sin_addr) != 1)
        return 0; /* a host name, or IPv6: the start will tell */
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&name, sizeof(name)) != 0)
        error = errno;
    if (descriptor >= 0)
        close(descriptor);
    return error;
}

static void examine_port(struct examination *examination)
{
    const char *address = config_get_cstr(examination->shop.config, &settings[SETTING_ADDRESS]);
    int port = (int)config_get_int(examination->shop.config, &settings[SETTING_PORT]);

    if (examination->is_running)
        return;
    int error = try_port(address, port);
    if (error)
        bad(examination, "port", "%s:%d: %s; stop what uses it, or set SHOPSTREAM_PORT", address, port,
            strerror(error));
    else
        good("port", "%s:%d is free", address, port);
}

/* Of the ports that may stand on Redis. */
static void examine_redis(struct examination *examination, const char *subject, enum port port)
{
    const char *url = port_url(examination->shop.config, port);
    char message[REDIS_MESSAGE_BYTES] = "out of memory";

    if (!redis_address_is_meant(url))
        return;
    if (redis_examine(port, url, message) < 0)
        bad(examination, subject, "%s", message);
    else
        good(subject, "%s", message);
}

/* When the newest database was written: a clock that is behind it has jumped. */
static int64_t last_write_ms(const char *data_path)
{
    char path[PATH_BYTES];
    struct stat status;
    int64_t newest = 0;

    for (size_t i = 0; all_services[i]; i++) {
        snprintf(path, sizeof(path), "%s/%s.db", data_path, all_services[i]->name);
        if (stat(path, &status) == 0 && status.st_mtim.tv_sec * CLOCK_MS_PER_S > newest)
            newest = status.st_mtim.tv_sec * CLOCK_MS_PER_S;
    }
    return newest;
}

static void examine_clock(struct examination *examination)
{
    int64_t now_ms = clock_wall_ms();
    char now[TIME_RFC3339_BYTES];

    time_format_rfc3339(now_ms, now);
    if (now_ms < CLOCK_EARLIEST_MS)
        bad(examination, "clock", "it shows %s; set it, or tokens and reservations expire at the wrong time", now);
    else if (last_write_ms(examination->shop.data_path) > now_ms + CLOCK_SLACK_MS)
        bad(examination, "clock", "it shows %s, which is before the last write of the shop; set it", now);
    else
        good("clock", "%s", now);
}

static void examine_libraries(struct examination *examination)
{
    if (OPENSSL_version_major() != OPENSSL_VERSION_MAJOR)
        bad(examination, "libraries", "built for OpenSSL %d, runs with %s; install the right one",
            OPENSSL_VERSION_MAJOR, OpenSSL_version(OPENSSL_VERSION_STRING));
    else if (sqlite3_libversion_number() < SQLITE_VERSION_NUMBER)
        bad(examination, "libraries", "built for SQLite %s, runs with %s; install that one or a newer", SQLITE_VERSION,
            sqlite3_libversion());
    else
        good("libraries", "OpenSSL %s, SQLite %s", OpenSSL_version(OPENSSL_VERSION_STRING), sqlite3_libversion());
}

int command_doctor(const struct command_options *options)
{
    struct examination examination = {0};
    int status = examine_config(&examination, options);

    if (status == EXIT_DONE) {
        examine_folder(&examination);
        examine_disk(&examination);
        examine_lock(&examination);
        examine_port(&examination);
        examine_redis(&examination, "cache", PORT_CACHE);
        examine_redis(&examination, "stream", PORT_STREAM);
        examine_clock(&examination);
        examine_libraries(&examination);
        examine_manifest(&examination);
        examine_databases(&examination);
    }
    shop_close(&examination.shop);
    if (status != EXIT_DONE)
        return status;
    return examination.problems ? EXIT_FAILED : EXIT_DONE;
}
