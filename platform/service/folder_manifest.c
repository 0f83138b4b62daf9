#include "platform/service/folder_manifest.h"

#include "platform/base/buf.h"
#include "platform/base/descriptor.h"
#include "platform/base/id.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEAD "shopstream-folder 1"
#define FILE_BYTES_MAX 16384
#define TEMPORARY FOLDER_MANIFEST_FILE ".part"
#define OPENINGS_MAX INT64_C(1000000000000000)

/* -- The list ------------------------------------------------------------------------------------------------------ */

void folder_manifest_init(struct folder_manifest *ret_manifest)
{
    *ret_manifest = (struct folder_manifest){0};
    _Static_assert(SQL_SHOP_BYTES >= ID_BYTES, "an id fits");
    id_new(ret_manifest->shop);
}

int64_t folder_manifest_openings(const struct folder_manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->count; i++) {
        if (strcmp(manifest->databases[i].name, name) == 0)
            return manifest->databases[i].openings;
    }
    return 0;
}

int folder_manifest_put(struct folder_manifest *manifest, const char *name, int64_t openings)
{
    size_t i = 0;

    while (i < manifest->count && strcmp(manifest->databases[i].name, name) != 0)
        i++;
    if (i == FOLDER_MANIFEST_DATABASES_MAX || strlen(name) >= sizeof(manifest->databases[i].name))
        return ERR_TOO_LARGE;
    if (i == manifest->count)
        snprintf(manifest->databases[manifest->count++].name, sizeof(manifest->databases[i].name), "%s", name);
    manifest->databases[i].openings = openings;
    return 0;
}

/* -- Reading ------------------------------------------------------------------------------------------------------- */

static int take_database(struct folder_manifest *manifest, struct str rest)
{
    struct str name, number;
    char copy[sizeof(manifest->databases[0].name)];
    int64_t openings;

    if (!str_next_token(&rest, ' ', &name) || !str_next_token(&rest, ' ', &number) || rest.ptr)
        return ERR_CORRUPT;
    if (name.len == 0 || name.len >= sizeof(copy) || str_find_char(name, '/') >= 0 ||
        str_to_int64(number, &openings) < 0 || openings < 1 || openings > OPENINGS_MAX)
        return ERR_CORRUPT;
    memcpy(copy, name.ptr, name.len);
    copy[name.len] = '\0';
    return folder_manifest_openings(manifest, copy) ? ERR_CORRUPT : folder_manifest_put(manifest, copy, openings);
}

static int take_line(struct folder_manifest *manifest, struct str line)
{
    const struct str shop = STR("shop "), database = STR("database ");

    if (str_starts_with(line, shop) && !manifest->shop[0]) {
        struct str id = str_skip(line, shop.len);

        if (id.len == 0 || id.len >= sizeof(manifest->shop))
            return ERR_CORRUPT;
        memcpy(manifest->shop, id.ptr, id.len);
        return 0;
    }
    if (str_starts_with(line, database))
        return take_database(manifest, str_skip(line, database.len));
    if (!str_equal_cstr(line, "new") || manifest->is_new)
        return ERR_CORRUPT;
    manifest->is_new = true;
    return 0;
}

/* A text that was cut has no "end". */
static int parse(struct str text, struct folder_manifest *ret_manifest)
{
    struct folder_manifest manifest = {0};
    struct str line;

    if (!str_is_utf8(text) || !str_next_token(&text, '\n', &line) || !str_equal_cstr(line, HEAD))
        return ERR_CORRUPT;
    for (;;) {
        if (!str_next_token(&text, '\n', &line))
            return ERR_CORRUPT;
        if (str_equal_cstr(line, "end"))
            break;
        TRY(take_line(&manifest, line));
    }
    if (text.len > 0 || !manifest.shop[0])
        return ERR_CORRUPT;
    *ret_manifest = manifest;
    return 0;
}

static ssize_t read_file(int file, char bytes[FILE_BYTES_MAX])
{
    size_t length = 0;
    ssize_t got;

    while ((got = read(file, bytes + length, FILE_BYTES_MAX - length)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

int folder_manifest_read(const char *data_path, struct folder_manifest *ret_manifest,
                         char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES])
{
    char path[PATH_MAX], bytes[FILE_BYTES_MAX];

    snprintf(path, sizeof(path), "%s/" FOLDER_MANIFEST_FILE, data_path);
    CLEANUP(descriptor_close) int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT)
        return 0;
    ssize_t length = file < 0 ? -1 : read_file(file, bytes);
    if (length < 0) {
        snprintf(ret_message, FOLDER_MANIFEST_MESSAGE_BYTES, "%.300s cannot be read: %s", path, strerror(errno));
        return ERR_UNAVAILABLE;
    }
    if (length == FILE_BYTES_MAX || parse(str_from(bytes, (size_t)length), ret_manifest) < 0) {
        snprintf(ret_message, FOLDER_MANIFEST_MESSAGE_BYTES,
                 "%.300s, the list of the shop's databases, is damaged; take it away and write it anew (%s)", path,
                 FOLDER_MANIFEST_RUNBOOK);
        return ERR_CORRUPT;
    }
    return 1;
}

/* -- Writing ------------------------------------------------------------------------------------------------------- */

/* The folder is synced first: what the list names has its entry on disk before the list has. */
static bool replace(int folder, struct str text)
{
    CLEANUP(descriptor_close) int file = openat(folder, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    return file >= 0 && descriptor_write(file, text) && fsync(file) == 0 && fsync(folder) == 0 &&
           renameat(folder, TEMPORARY, folder, FOLDER_MANIFEST_FILE) == 0 && fsync(folder) == 0;
}

int folder_manifest_write(const char *data_path, const struct folder_manifest *manifest,
                          char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES])
{
    CLEANUP(buf_free) struct buf text = BUF(FILE_BYTES_MAX - 1);

    buf_printf(&text, HEAD "\nshop %s\n%s", manifest->shop, manifest->is_new ? "new\n" : "");
    for (size_t i = 0; i < manifest->count; i++)
        buf_printf(&text, "database %s %lld\n", manifest->databases[i].name,
                   (long long)manifest->databases[i].openings);
    buf_append_cstr(&text, "end\n");
    TRY(buf_error(&text));
    CLEANUP(descriptor_close) int folder = open(data_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0 && replace(folder, buf_str(&text)))
        return 0;
    int error = errno;
    if (folder >= 0)
        unlinkat(folder, TEMPORARY, 0);
    snprintf(ret_message, FOLDER_MANIFEST_MESSAGE_BYTES, "%.300s/%s cannot be written: %s", data_path,
             FOLDER_MANIFEST_FILE, strerror(error));
    return descriptor_error(error);
}

/* -- Databases ----------------------------------------------------------------------------------------------------- */

int folder_manifest_check(const struct sql_place *place, char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES])
{
    int is_there = sql_exists(place, ret_message);

    if (is_there != 0)
        return is_there < 0 ? is_there : 0;
    snprintf(ret_message, FOLDER_MANIFEST_MESSAGE_BYTES,
             "the database %s of the shop in %.250s is missing or empty; no row was changed: restore a backup (%s)",
             place->service, place->data_path, FOLDER_MANIFEST_RUNBOOK);
    return ERR_NOT_FOUND;
}

struct marking {
    struct sql_mark mark;
    int found;
};

static int find_mark(struct sql_tx *tx, void *argument)
{
    struct marking *marking = argument;

    marking->found = sql_find_mark(tx, &marking->mark);
    return marking->found < 0 ? marking->found : 0;
}

int folder_manifest_refuse(const struct sql_place *place, const char *what,
                           char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES])
{
    snprintf(ret_message, FOLDER_MANIFEST_MESSAGE_BYTES,
             "the database %s in %.200s %s; no row was changed: restore a backup (%s)", place->service,
             place->data_path, what, FOLDER_MANIFEST_RUNBOOK);
    return ERR_CORRUPT;
}

int folder_manifest_unusable(const struct sql_place *place, const char *what, int error,
                             char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES])
{
    if (error == ERR_CORRUPT)
        snprintf(ret_message, FOLDER_MANIFEST_MESSAGE_BYTES,
                 "the database %.250s/%s.db is damaged or is not a database; restore it from a backup (%s)",
                 place->data_path, place->service, SQL_DAMAGE_RUNBOOK);
    else
        snprintf(ret_message, FOLDER_MANIFEST_MESSAGE_BYTES, "the database %.250s/%s.db cannot be %s: %s",
                 place->data_path, place->service, what, error_name(error));
    return error;
}

int folder_manifest_compare(const struct folder_manifest *manifest, const struct sql_place *place, struct sql_db *db,
                            char ret_message[FOLDER_MANIFEST_MESSAGE_BYTES])
{
    int64_t openings = manifest ? folder_manifest_openings(manifest, place->service) : 0;
    struct marking marking = {.found = 0};
    int error = sql_read(db, find_mark, &marking);

    if (error < 0)
        return folder_manifest_unusable(place, "read", error, ret_message);
    if (!marking.found)
        return openings ? folder_manifest_refuse(place, FOLDER_MANIFEST_NOTHING_OF_IT, ret_message) : 0;
    if (!manifest) {
        snprintf(ret_message, FOLDER_MANIFEST_MESSAGE_BYTES,
                 "%.200s/%s, the list of the shop's databases, is missing, and by the database %s this is the shop %s; "
                 "write it anew (%s)",
                 place->data_path, FOLDER_MANIFEST_FILE, place->service, marking.mark.shop, FOLDER_MANIFEST_RUNBOOK);
        return ERR_CORRUPT;
    }
    if (strcmp(marking.mark.shop, manifest->shop) != 0)
        return folder_manifest_refuse(place, "belongs to another shop, or is one file of a backup", ret_message);
    if (marking.mark.openings < openings)
        return folder_manifest_refuse(place, "is older than the folder: a copy of before, or its log (.db-wal) is gone",
                                      ret_message);
    return 0;
}

struct joining {
    const char *shop;
    int64_t openings; /* that the manifest has; becomes the database's */
};

/* The greater of the two, so that neither ever goes back. */
static int count_opening(struct sql_tx *tx, void *argument)
{
    struct joining *joining = argument;
    struct sql_mark mark = {.openings = 0};

    TRY(sql_find_mark(tx, &mark));
    if (mark.openings > joining->openings)
        joining->openings = mark.openings;
    mark.openings = joining->openings + 1;
    snprintf(mark.shop, sizeof(mark.shop), "%s", joining->shop);
    return sql_put_mark(tx, &mark);
}

int folder_manifest_join(struct folder_manifest *manifest, const char *name, struct sql_db *db)
{
    struct joining joining = {.shop = manifest->shop, .openings = folder_manifest_openings(manifest, name)};

    TRY(sql_write(db, count_opening, &joining));
    return folder_manifest_put(manifest, name, joining.openings + 1);
}
