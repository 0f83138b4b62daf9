#include "cli/settings.h"

#include "platform/service/host.h"
#include "services/services.h"

#include <stdio.h>
#include <unistd.h>

const struct config_row settings[] = {
    [SETTING_ADDRESS] = {"SHOPSTREAM_ADDRESS", CONFIG_STRING, "127.0.0.1", 1, 64, "The address to listen on"},
    [SETTING_PORT] = {"SHOPSTREAM_PORT", CONFIG_INT, "3000", 0, 65535, "The port to listen on; 0: any"},
    [SETTING_DATA] = {"SHOPSTREAM_DATA", CONFIG_PATH, "data", 1, 4000, "The folder of all data"},
    [SETTING_LOG_LEVEL] = {"SHOPSTREAM_LOG_LEVEL", CONFIG_STRING, "info", 1, 16,
                           "debug, info, warning, error or none"},
    [SETTING_RATE_LIMITS] = {"SHOPSTREAM_RATE_LIMITS", CONFIG_STRING, "on", 2, 3, "on, or off for load tests"},
    [SETTING_DRAIN_MS] = {"SHOPSTREAM_DRAIN_MS", CONFIG_INT, "10000", 0, 600000,
                          "How long requests in flight may take when the shop is told to stop, in milliseconds"},
    {0},
};

const struct config_row *const *settings_tables(void)
{
    static const struct config_row *tables[HOST_SERVICES_MAX + 2];
    size_t count = 0;

    tables[count++] = settings;
    for (size_t i = 0; all_services[i]; i++) {
        if (all_services[i]->config)
            tables[count++] = all_services[i]->config;
    }
    return tables;
}

int settings_load(const char *file_path, struct config **ret_config)
{
    char message[CONFIG_MESSAGE_BYTES];
    int result = config_load(settings_tables(), file_path, environ, message, ret_config);

    if (result < 0)
        fprintf(stderr, "shopstream: %s\n", message);
    return result;
}
