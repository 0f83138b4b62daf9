/* Configuration: tables of settings, read once at the start from a file and the environment.
 *
 * A setting is a row. Its value is the environment's, or else the file's, or else the default. Names begin with
 * SHOPSTREAM_; one that no table knows is an error, wherever it stands, since a misspelt setting that is silently left
 * out is worse. Values are checked against their rows here, so those that read them need not. */
#pragma once

#include "platform/base/buf.h"
#include "platform/base/secret.h"

#define CONFIG_PREFIX "SHOPSTREAM_"
#define CONFIG_VALUE_BYTES_MAX 4096
#define CONFIG_FILE_BYTES_MAX ((size_t)1 << 20)
#define CONFIG_MESSAGE_BYTES 512

enum config_kind {
    CONFIG_STRING,
    CONFIG_INT,    /* decimal */
    CONFIG_BOOL,   /* on or off */
    CONFIG_URL,    /* scheme:rest */
    CONFIG_SECRET, /* never shown, neither in messages nor in help */
    CONFIG_PATH,
};

struct config_row {
    const char *name; /* "SHOPSTREAM_PORT" */
    enum config_kind kind;
    const char *default_value; /* as one would write it; NULL: empty, 0, off */
    int64_t min;               /* of an int's value; of the bytes of the others */
    int64_t max;               /* likewise; 0: INT64_MAX, or CONFIG_VALUE_BYTES_MAX */
    const char *help;          /* one line */
};

struct config;

/* tables is a NULL-terminated list of tables, each of which ends with an empty row; they must outlive the
 * configuration. file_path may be NULL. environment is environ, or NULL for none.
 *
 * The file has lines NAME=value; spaces around both are cut; lines that begin with # and empty ones say nothing.
 * ERR_INVALID when something is wrong with a name or value, ERR_NOT_FOUND when the file cannot be read, ERR_NO_MEMORY;
 * ret_message says what, where and what to do. */
int config_load(const struct config_row *const *tables, const char *file_path, char *const *environment,
                char ret_message[CONFIG_MESSAGE_BYTES], struct config **ret_config);
void config_free(struct config *config); /* NULL is fine */
void config_cleanup(struct config **config);

/* Whether the file or the environment has the row, be it with its default's value. */
bool config_is_given(const struct config *config, const struct config_row *row);

/* The value of a row of the tables; the kind must be the row's (secrets have a reader of their own). What is returned
 * lives as long as the configuration. */
struct str config_get_str(const struct config *config, const struct config_row *row);
const char *config_get_cstr(const struct config *config, const struct config_row *row);
int64_t config_get_int(const struct config *config, const struct config_row *row);
bool config_get_bool(const struct config *config, const struct config_row *row);
const struct secret *config_get_secret(const struct config *config, const struct config_row *row);

/* All settings with their kinds, defaults and help, for --help-config. */
void config_print_help(const struct config_row *const *tables, struct buf *to);
