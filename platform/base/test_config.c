#include "platform/base/config.h"
#include "platform/base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { PORT, DATA, SEED, DATABASE, KEY, NAME };
static const struct config_row rows[] = {
    [PORT] = {"SHOPSTREAM_PORT", CONFIG_INT, "3000", 0, 65535, "The port that the shop listens on."},
    [DATA] = {"SHOPSTREAM_DATA", CONFIG_PATH, "data", 1, 0, "The folder that holds all data."},
    [SEED] = {"SHOPSTREAM_SEED", CONFIG_BOOL, "on", 0, 0, "Whether an empty shop gets the demo catalog."},
    [DATABASE] = {"SHOPSTREAM_SQL_URL", CONFIG_URL, NULL, 0, 0, "Where the rows lie."},
    [KEY] = {"SHOPSTREAM_KEY", CONFIG_SECRET, NULL, 16, 64, "Signs cursors."},
    [NAME] = {"SHOPSTREAM_NAME", CONFIG_STRING, "shop", 0, 8, "What the shop is called."},
    {0},
};
static const struct config_row *const tables[] = {rows, NULL};

static char message[CONFIG_MESSAGE_BYTES];

/* Loads with the given text as the file (NULL: none) and one line of environment (NULL: none). */
static int load(const char *file_text, const char *environment_line, struct config **ret_config)
{
    char path[] = "/tmp/test_config_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    if (file_text)
        assert_int_equal(write(file, file_text, strlen(file_text)), strlen(file_text));
    close(file);
    char line[200];
    snprintf(line, sizeof(line), "%s", environment_line ? environment_line : "HOME=/");
    char *const environment[] = {line, NULL};
    int error = config_load(tables, file_text ? path : NULL, environment, message, ret_config);
    unlink(path);
    return error;
}

static void test_config__defaults_then_file_then_environment(void **state)
{
    (void)state;
    CLEANUP(config_cleanup) struct config *config = NULL;
    const char *file = "# A comment\n\n SHOPSTREAM_PORT = 4000 \r\nSHOPSTREAM_NAME=a b=c\nSHOPSTREAM_SEED=off\n"
                       "SHOPSTREAM_KEY=0123456789abcdef";
    assert_int_equal(load(file, "SHOPSTREAM_PORT=5000", &config), 0);
    assert_int_equal(config_get_int(config, &rows[PORT]), 5000);
    assert_string_equal(config_get_cstr(config, &rows[NAME]), "a b=c");
    assert_true(str_equal(config_get_str(config, &rows[DATA]), STR("data")));
    assert_false(config_get_bool(config, &rows[SEED]));
    assert_string_equal(config_get_cstr(config, &rows[DATABASE]), "");
    assert_true(str_equal(secret_bytes(config_get_secret(config, &rows[KEY])), STR("0123456789abcdef")));
    assert_true(config_is_given(config, &rows[PORT]) && config_is_given(config, &rows[SEED]));
    assert_false(config_is_given(config, &rows[DATA]));
    assert_string_equal(message, "");
}

static void assert_refused(const char *file, const char *environment, const char *expected)
{
    struct config *config = NULL;
    assert_int_equal(load(file, environment, &config), ERR_INVALID);
    assert_null(config);
    if (!strstr(message, expected))
        fail_msg("%s: not in: %s", expected, message);
}

/* Each message names the thing and the place, and says what to do. */
static void test_config__mistakes_are_named(void **state)
{
    (void)state;
    assert_refused("\nSHOPSTREAM_PROT=1\n", NULL,
                   ":2: SHOPSTREAM_PROT is not a setting; did you mean SHOPSTREAM_PORT?");
    assert_refused(NULL, "SHOPSTREAM_PORTT=1",
                   "environment: SHOPSTREAM_PORTT is not a setting; did you mean SHOPSTREAM_PORT?");
    assert_refused(NULL, "SHOPSTREAM_SOMETHING_ELSE=1", "--help-config");
    assert_refused("PORT=1\n", NULL, "PORT is not a setting");
    assert_refused("SHOPSTREAM_PORT\n", NULL, "A line must read NAME=value.");
    assert_refused("SHOPSTREAM_PORT=1\nSHOPSTREAM_PORT=2\n", NULL, ":2: SHOPSTREAM_PORT is set a second time");
    assert_refused("SHOPSTREAM_PORT=65536\n", NULL, "must be between 0 and 65535");
    assert_refused("SHOPSTREAM_PORT=0x10\n", NULL, "must be a whole number");
    assert_refused("SHOPSTREAM_SEED=yes\n", NULL, "must be on or off");
    assert_refused("SHOPSTREAM_SQL_URL=nowhere\n", NULL, "must be a URL");
    assert_refused("SHOPSTREAM_NAME=123456789\n", NULL, "must have between 0 and 8 bytes");
    assert_refused("SHOPSTREAM_DATA=\n", NULL, "must have between 1 and 4096 bytes");
}

static void test_config__secrets_are_never_shown(void **state)
{
    (void)state;
    assert_refused("SHOPSTREAM_KEY=tooshort\n", NULL, "SHOPSTREAM_KEY must have between 16 and 64 bytes");
    assert_null(strstr(message, "tooshort"));
}

static void test_config__a_missing_file_is_an_error(void **state)
{
    (void)state;
    struct config *config = NULL;
    assert_int_equal(config_load(tables, "/nonexistent/shop.conf", NULL, message, &config), ERR_NOT_FOUND);
    assert_non_null(strstr(message, "/nonexistent/shop.conf"));
    config_free(NULL);
}

static void test_config__help_lists_every_setting(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf help = BUF(4096);
    config_print_help(tables, &help);
    for (size_t i = 0; rows[i].name; i++) {
        assert_true(str_find(buf_str(&help), str_from_cstr(rows[i].name)) >= 0);
        assert_true(str_find(buf_str(&help), str_from_cstr(rows[i].help)) >= 0);
    }
    assert_true(str_find(buf_str(&help), STR("SHOPSTREAM_PORT (number, default 3000)\n")) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__defaults_then_file_then_environment),
        cmocka_unit_test(test_config__mistakes_are_named),
        cmocka_unit_test(test_config__secrets_are_never_shown),
        cmocka_unit_test(test_config__a_missing_file_is_an_error),
        cmocka_unit_test(test_config__help_lists_every_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
