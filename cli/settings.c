#include "cli/settings.h"

#include "cli/commands.h"
#include "cli/terminal.h"
#include "platform/base/err.h"
#include "platform/service/host.h"
#include "services/services.h"

#include <unistd.h>

const struct config_row settings[] = {
    [SETTING_ADDRESS] = {"SHOPSTREAM_ADDRESS", CONFIG_STRING, "127.0.0.1", 1, 64, "The address to listen on"},
    [SETTING_PORT] = {"SHOPSTREAM_PORT", CONFIG_INT, "3000", 0, 65535,
                      "The port to listen on; 0: any. One service alone listens on its own where nothing is set"},
    [SETTING_DATA] = {"SHOPSTREAM_DATA", CONFIG_PATH, "data", 1, 4000, "The folder of all data"},
    [SETTING_LOG_LEVEL] = {"SHOPSTREAM_LOG_LEVEL", CONFIG_STRING, "info", 1, 16, "debug, info, warning, error or none"},
    [SETTING_RATE_LIMITS] = {"SHOPSTREAM_RATE_LIMITS", CONFIG_BOOL, "on", 0, 0, "on, or off for load tests"},
    [SETTING_SANDBOX] = {"SHOPSTREAM_SANDBOX", CONFIG_STRING, "on", 2, 7,
                         "Whether the shop gives up what it does not need of the system: on, off, or require to refuse "
                         "to start where the kernel cannot do all of it"},
    [SETTING_DRAIN_MS] = {"SHOPSTREAM_DRAIN_MS", CONFIG_INT, "10000", 0, 600000,
                          "How long requests in flight may take when the shop is told to stop, in milliseconds"},
    [SETTING_MAIL_FROM] = {"SHOPSTREAM_MAIL_FROM", CONFIG_STRING, HOST_MAIL_FROM, 3, 320,
                           "The address that the shop's mails come from"},
    [SETTING_PUBLIC_URL] = {"SHOPSTREAM_PUBLIC_URL", CONFIG_STRING, "", 0, 250,
                            "How customers reach the shop, as https://shop.example; empty: by this machine's address"},
    [SETTING_TRUSTED_PROXIES] = {"SHOPSTREAM_TRUSTED_PROXIES", CONFIG_STRING, "", 0, 0,
                                 "The proxies before the shop, as 10.0.0.0/8,2001:db8::1: from them alone are "
                                 "X-Forwarded-For and X-Forwarded-Proto believed"},
    [SETTING_TLS_CERTIFICATE] = {"SHOPSTREAM_TLS_CERTIFICATE", CONFIG_PATH, "", 0, 0,
                                 "The certificate of the shop and those behind it, as PEM: then it speaks TLS alone. "
                                 "Read at the start"},
    [SETTING_TLS_KEY] = {"SHOPSTREAM_TLS_KEY", CONFIG_PATH, "", 0, 0, "The private key of that certificate, as PEM"},
    [SETTING_TLS_AUTHORITIES] = {"SHOPSTREAM_TLS_AUTHORITIES", CONFIG_PATH, "", 0, 0,
                                 "Whose certificates the shop believes of others, as PEM; empty: those that the system "
                                 "knows"},
    {0},
};

const struct config_row *const *settings_tables(void)
{
    static const struct config_row *tables[HOST_SERVICES_MAX + 3];
    size_t count = 0;

    tables[count++] = settings;
    tables[count++] = port_settings;
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
        say_failed("%s", message);
    return result;
}

/* The one that runs here, beside health; NULL where there are more. */
static const struct service *only_service(const struct service *const *services)
{
    const struct service *only = NULL;

    for (; *services; services++) {
        if (*services == &health_service)
            continue;
        if (only)
            return NULL;
        only = *services;
    }
    return only ? only : &health_service;
}

int settings_port(const struct config *config, const struct service *const *services)
{
    const struct service *only = only_service(services);

    /* Who has a listener of its own speaks there; the other one, for its health, is the process's. */
    if (config_is_given(config, &settings[SETTING_PORT]) || !only || only->own_listener)
        return (int)config_get_int(config, &settings[SETTING_PORT]);
    return only->port;
}

int settings_check(const struct config *config, const struct service *const *services, char ret_message[512])
{
    for (; *services; services++) {
        if ((*services)->check)
            TRY((*services)->check(config, ret_message));
    }
    return 0;
}

static bool is_named(const char *names, const char *wanted)
{
    struct str rest = str_from_cstr(names), name;

    while (str_next_token(&rest, ',', &name)) {
        if (str_equal_cstr(str_trim(name), wanted))
            return true;
    }
    return false;
}

int choose_services(const char *names, const struct service **ret_services)
{
    struct str rest = str_from_cstr(names), name;
    size_t count = 0;

    while (names && str_next_token(&rest, ',', &name)) {
        if (!service_find(str_trim(name)))
            return say_usage("there is no service '%.*s'; `shopstream serve --help` lists them", STR_FORMAT(name));
    }
    for (size_t i = 0; all_services[i] && count < HOST_SERVICES_MAX; i++) {
        if (!names || all_services[i] == &health_service || is_named(names, all_services[i]->name))
            ret_services[count++] = all_services[i];
    }
    ret_services[count] = NULL;
    return EXIT_DONE;
}
