#include "platform/base/config.h"
#include "platform/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NAME_BYTES_MAX ((size_t)64)

struct setting {
    const struct config_row *row;
    char *text; /* NUL-terminated; NULL for a secret */
    int64_t integer;
    struct secret *secret;
    bool in_file;
    bool is_given;
};

struct config {
    size_t count;
    struct setting settings[];
};

/* Where a name or a value stands, for messages; line 0 is the environment. */
struct place {
    const char *file_path;
    unsigned line;
};

static struct setting *setting_named(struct config *config, struct str name)
{
    for (size_t i = 0; i < config->count; i++) {
        if (str_equal_cstr(name, config->settings[i].row->name))
            return &config->settings[i];
    }
    return NULL;
}

/* -- Messages ------------------------------------------------------------------------------------------------------ */

/* "shop.conf:3: <name> <what>" */
static int complain(char *ret_message, struct place place, struct str name, const char *what)
{
    char where[256] = "environment";
    if (place.line > 0)
        snprintf(where, sizeof(where), "%s:%u", place.file_path, place.line);
    name = str_slice(name, 0, NAME_BYTES_MAX);
    snprintf(ret_message, CONFIG_MESSAGE_BYTES, "%s: %.*s %s", where, STR_FORMAT(name), what);
    return ERR_INVALID;
}

/* How many letters to insert, delete or replace (Wagner and Fischer). */
static size_t edit_distance(struct str a, struct str b)
{
    size_t row[NAME_BYTES_MAX + 1];
    if (a.len > NAME_BYTES_MAX || b.len > NAME_BYTES_MAX)
        return NAME_BYTES_MAX;
    for (size_t k = 0; k <= b.len; k++)
        row[k] = k;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            size_t best = diagonal + (a.ptr[i - 1] != b.ptr[k - 1]);
            diagonal = row[k];
            if (row[k] + 1 < best)
                best = row[k] + 1;
            if (row[k - 1] + 1 < best)
                best = row[k - 1] + 1;
            row[k] = best;
        }
    }
    return row[b.len];
}

static int complain_unknown(struct config *config, char *ret_message, struct place place, struct str name)
{
    const char *nearest = NULL;
    size_t nearest_distance = name.len / 3; /* farther away is another word, not a slip */
    for (size_t i = 0; i < config->count; i++) {
        size_t distance = edit_distance(name, str_from_cstr(config->settings[i].row->name));
        if (distance <= nearest_distance) {
            nearest_distance = distance;
            nearest = config->settings[i].row->name;
        }
    }
    char what[160];
    snprintf(what, sizeof(what), "is not a setting; %s%s%s", nearest ? "did you mean " : "--help-config lists them",
             nearest ? nearest : "", nearest ? "?" : ".");
    return complain(ret_message, place, name, what);
}

/* -- Values -------------------------------------------------------------------------------------------------------- */

static bool is_url(struct str value)
{
    ptrdiff_t colon = str_find_char(value, ':');
    if (colon < 1)
        return false;
    for (ptrdiff_t i = 0; i < colon; i++) {
        char c = value.ptr[i];
        bool letter = c >= 'a' && c <= 'z';
        bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!letter && (i == 0 || !other))
            return false;
    }
    return true;
}

static int parse_value(struct setting *setting, struct str value, char what[160])
{
    const struct config_row *row = setting->row;
    int64_t max = row->max != 0 ? row->max : row->kind == CONFIG_INT ? INT64_MAX : CONFIG_VALUE_BYTES_MAX;
    int64_t measure = (int64_t)value.len;
    if (row->kind == CONFIG_INT) {
        if (str_to_int64(value, &measure) < 0) {
            snprintf(what, 160, "must be a whole number.");
            return ERR_INVALID;
        }
        setting->integer = measure;
    } else if (row->kind == CONFIG_BOOL) {
        if (!str_equal_cstr(value, "on") && !str_equal_cstr(value, "off")) {
            snprintf(what, 160, "must be on or off.");
            return ERR_INVALID;
        }
        setting->integer = str_equal_cstr(value, "on");
        return 0;
    } else if (row->kind == CONFIG_URL && value.len > 0 && !is_url(value)) {
        snprintf(what, 160, "must be a URL, as in scheme:rest.");
        return ERR_INVALID;
    }
    if (measure < row->min || measure > max) {
        snprintf(what, 160, "must %s %" PRId64 " and %" PRId64 "%s.",
                 row->kind == CONFIG_INT ? "be between" : "have between", row->min, max,
                 row->kind == CONFIG_INT ? "" : " bytes");
        return ERR_INVALID;
    }
    return 0;
}

static int set_value(struct setting *setting, struct str value, char what[160])
{
    TRY(parse_value(setting, value, what));
    if (setting->row->kind == CONFIG_SECRET) {
        struct secret *secret;
        TRY(secret_new(value, &secret));
        secret_free(setting->secret);
        setting->secret = secret;
        return 0;
    }
    char *text = strndup(value.len ? value.ptr : "", value.len);
    if (!text)
        return ERR_NO_MEMORY;
    free(setting->text);
    setting->text = text;
    return 0;
}

/* A wrong default is the program's error, but for one that is empty: it has to be given where it is used. */
static int set_defaults(struct config *config)
{
    for (size_t i = 0; i < config->count; i++) {
        struct setting *setting = &config->settings[i];
        char what[160];
        const char *value = setting->row->default_value;
        if (!value)
            value = setting->row->kind == CONFIG_INT ? "0" : setting->row->kind == CONFIG_BOOL ? "off" : "";
        int error = set_value(setting, str_from_cstr(value), what);
        ASSERT(error != ERR_INVALID || !setting->row->default_value);
        if (error == ERR_INVALID && setting->row->kind != CONFIG_SECRET) {
            setting->text = strdup("");
            error = setting->text ? 0 : ERR_NO_MEMORY;
        }
        if (error < 0 && error != ERR_INVALID)
            return error;
    }
    return 0;
}

static int set_by_name(struct config *config, struct str name, struct str value, struct place place, char *ret_message)
{
    struct setting *setting = setting_named(config, name);
    if (!setting)
        return complain_unknown(config, ret_message, place, name);
    if (place.line > 0 && setting->in_file)
        return complain(ret_message, place, name, "is set a second time; keep one of the lines.");
    char what[160] = "could not be kept: out of memory.";
    int error = set_value(setting, value, what);
    if (error < 0) {
        complain(ret_message, place, name, what);
        return error;
    }
    setting->in_file = place.line > 0;
    setting->is_given = true;
    return 0;
}

/* -- Sources ------------------------------------------------------------------------------------------------------- */

static int read_file(const char *path, struct buf *to, char *ret_message)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        snprintf(ret_message, CONFIG_MESSAGE_BYTES, "%s: cannot be read: %s.", path, strerror(errno));
        return ERR_NOT_FOUND;
    }
    ssize_t got;
    do {
        char *chunk = buf_reserve(to, 4096);
        got = chunk ? read(file, chunk, 4096) : 0;
        if (got > 0)
            buf_commit(to, (size_t)got);
    } while (got > 0 || (got < 0 && errno == EINTR));
    int read_error = errno;
    close(file);
    if (got < 0 || buf_error(to) < 0) {
        snprintf(ret_message, CONFIG_MESSAGE_BYTES, "%s: cannot be read: %s.", path,
                 got < 0 ? strerror(read_error) : "it is too large");
        return got < 0 ? ERR_NOT_FOUND : ERR_INVALID;
    }
    return 0;
}

static int load_file(struct config *config, const char *path, char *ret_message)
{
    CLEANUP(buf_free) struct buf text = BUF(CONFIG_FILE_BYTES_MAX);
    TRY(read_file(path, &text, ret_message));
    struct str rest = buf_str(&text);
    struct str line;
    struct place place = {path, 0};
    while (str_next_token(&rest, '\n', &line)) {
        place.line++;
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        line = str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        ptrdiff_t equals = str_find_char(line, '=');
        if (equals < 0)
            return complain(ret_message, place, STR_EMPTY, "A line must read NAME=value.");
        struct str name = str_trim(str_slice(line, 0, (size_t)equals));
        struct str value = str_trim(str_skip(line, (size_t)equals + 1));
        if (str_find_char(value, '\0') >= 0)
            return complain(ret_message, place, name, "contains a NUL byte.");
        TRY(set_by_name(config, name, value, place, ret_message));
    }
    return 0;
}

static int load_environment(struct config *config, char *const *environment, char *ret_message)
{
    for (; *environment; environment++) {
        struct str entry = str_from_cstr(*environment);
        ptrdiff_t equals = str_find_char(entry, '=');
        if (!str_starts_with(entry, STR(CONFIG_PREFIX)) || equals < 0)
            continue;
        TRY(set_by_name(config, str_slice(entry, 0, (size_t)equals), str_skip(entry, (size_t)equals + 1),
                        (struct place){NULL, 0}, ret_message));
    }
    return 0;
}

int config_load(const struct config_row *const *tables, const char *file_path, char *const *environment,
                char ret_message[CONFIG_MESSAGE_BYTES], struct config **ret_config)
{
    size_t count = 0;
    for (const struct config_row *const *table = tables; *table; table++) {
        for (const struct config_row *row = *table; row->name; row++)
            count++;
    }
    snprintf(ret_message, CONFIG_MESSAGE_BYTES, "Out of memory.");
    CLEANUP(config_cleanup) struct config *config = calloc(1, sizeof(*config) + count * sizeof(struct setting));
    if (!config)
        return ERR_NO_MEMORY;
    for (const struct config_row *const *table = tables; *table; table++) {
        for (const struct config_row *row = *table; row->name; row++) {
            ASSERT(str_starts_with(str_from_cstr(row->name), STR(CONFIG_PREFIX)));
            ASSERT(!setting_named(config, str_from_cstr(row->name)));
            config->settings[config->count++].row = row;
        }
    }
    TRY(set_defaults(config));
    if (file_path)
        TRY(load_file(config, file_path, ret_message));
    if (environment)
        TRY(load_environment(config, environment, ret_message));
    ret_message[0] = '\0';
    *ret_config = config;
    config = NULL;
    return 0;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->count; i++) {
        free(config->settings[i].text);
        secret_free(config->settings[i].secret);
    }
    free(config);
}

void config_cleanup(struct config **config)
{
    config_free(*config);
}

/* -- Reading ------------------------------------------------------------------------------------------------------- */

static const struct setting *setting_of(const struct config *config, const struct config_row *row)
{
    for (size_t i = 0; i < config->count; i++) {
        if (config->settings[i].row == row)
            return &config->settings[i];
    }
    assert_failed("the row is in one of the tables", __FILE__, __LINE__, row->name);
}

bool config_is_given(const struct config *config, const struct config_row *row)
{
    return setting_of(config, row)->is_given;
}

const char *config_get_cstr(const struct config *config, const struct config_row *row)
{
    ASSERT(row->kind != CONFIG_SECRET);
    return setting_of(config, row)->text;
}

struct str config_get_str(const struct config *config, const struct config_row *row)
{
    return str_from_cstr(config_get_cstr(config, row));
}

int64_t config_get_int(const struct config *config, const struct config_row *row)
{
    ASSERT(row->kind == CONFIG_INT);
    return setting_of(config, row)->integer;
}

bool config_get_bool(const struct config *config, const struct config_row *row)
{
    ASSERT(row->kind == CONFIG_BOOL);
    return setting_of(config, row)->integer != 0;
}

const struct secret *config_get_secret(const struct config *config, const struct config_row *row)
{
    ASSERT(row->kind == CONFIG_SECRET);
    return setting_of(config, row)->secret;
}

void config_print_help(const struct config_row *const *tables, struct buf *to)
{
    static const char *const kinds[] = {"text", "number", "on or off", "URL", "secret", "path"};
    for (const struct config_row *const *table = tables; *table; table++) {
        for (const struct config_row *row = *table; row->name; row++) {
            buf_printf(to, "%s (%s", row->name, kinds[row->kind]);
            if (row->default_value && row->kind != CONFIG_SECRET)
                buf_printf(to, ", default %s", row->default_value[0] ? row->default_value : "empty");
            buf_printf(to, ")\n    %s\n", row->help);
        }
    }
}
