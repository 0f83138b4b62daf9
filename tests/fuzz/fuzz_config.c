/* The configuration's file, against one row of each kind: a value that is taken keeps to its row. */
#include "platform/base/config.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct config_row rows[] = {
    {.name = "SHOPSTREAM_PORT", .kind = CONFIG_INT, .default_value = "3000", .min = 1, .max = 65535, .help = "Port."},
    {.name = "SHOPSTREAM_NAME", .kind = CONFIG_STRING, .default_value = "shop", .min = 1, .max = 40, .help = "Name."},
    {.name = "SHOPSTREAM_QUIET", .kind = CONFIG_BOOL, .help = "Quiet."},
    {.name = "SHOPSTREAM_SQL", .kind = CONFIG_URL, .default_value = "sqlite:data", .min = 1, .help = "Database."},
    {.name = "SHOPSTREAM_KEY", .kind = CONFIG_SECRET, .min = 8, .help = "Key."},
    {.name = "SHOPSTREAM_DATA", .kind = CONFIG_PATH, .default_value = "data", .help = "Folder."},
    {0},
};
static const struct config_row *const tables[] = {rows, NULL};

/* A row that nobody gave a value has its default, which for the key is none. */
static void expect_within(const struct config *config, const struct config_row *row, struct str value)
{
    int64_t max = row->max ? row->max : CONFIG_VALUE_BYTES_MAX;

    ASSERT(!config_is_given(config, row) || ((int64_t)value.len >= row->min && (int64_t)value.len <= max));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(config_cleanup) struct config *config = NULL;
    char message[CONFIG_MESSAGE_BYTES] = "";
    char path[64];
    int file = memfd_create("settings", MFD_CLOEXEC);

    ASSERT(file >= 0 && write(file, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    int result = config_load(tables, path, NULL, message, &config);
    close(file);
    if (result < 0) {
        ASSERT(!config && message[0] && memchr(message, '\0', sizeof(message)));
        return 0;
    }
    ASSERT(config_get_int(config, &rows[0]) >= 1 && config_get_int(config, &rows[0]) <= 65535);
    const struct config_row *texts[] = {&rows[1], &rows[3], &rows[5]};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect_within(config, texts[i], config_get_str(config, texts[i]));
    expect_within(config, &rows[4], secret_bytes(config_get_secret(config, &rows[4])));
    if (config_is_given(config, &rows[2]))
        ASSERT(str_find(str_from(data, size), config_get_bool(config, &rows[2]) ? STR("on") : STR("off")) >= 0);
    ASSERT(str_find_char(config_get_str(config, &rows[3]), ':') > 0);
    return 0;
}
