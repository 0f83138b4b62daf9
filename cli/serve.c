/* shopstream: serves the shop until it is told to stop. */
#include "cli/commands.h"

#include "cli/settings.h"
#include "platform/net/client.h"
#include "platform/net/server.h"
#include "platform/service/host.h"
#include "services/services.h"
#include "shopstream/identity/v1/identity.rpc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLIENT_CONNECTIONS_MAX 64
#define START_ARENA_BYTES (1u << 20)
#define START_TIMEOUT_MS 10000

struct serving {
    const struct service *services[HOST_SERVICES_MAX + 1];
    struct config *config;
    struct service_host *host;
    const char *data_path;
    const char *address;
    int port;
};

static int choose_services(struct serving *serving, const char *names)
{
    struct str rest = str_from_cstr(names), name;
    size_t count = 0;

    if (!names) {
        while (all_services[count] && count < HOST_SERVICES_MAX) {
            serving->services[count] = all_services[count];
            count++;
        }
        return 0;
    }
    while (str_next_token(&rest, ',', &name)) {
        const struct service *service = service_find(str_trim(name));

        if (!service || count == HOST_SERVICES_MAX) {
            fprintf(stderr, "shopstream: there is no service '%.*s'; `shopstream --help` lists them\n",
                    STR_FORMAT(name));
            return ERR_INVALID;
        }
        serving->services[count++] = service;
    }
    return 0;
}

static int make_folder(const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    fprintf(stderr, "shopstream: the data folder %s cannot be made: %s\n", path, strerror(errno));
    return ERR_UNAVAILABLE;
}

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 || strcmp(address, "localhost") == 0;
}

/* What is for one's own machine only must not be reached from others. */
static int refuse_unsafe(const struct serving *serving)
{
    if (is_loopback(serving->address))
        return 0;
    for (size_t i = 0; serving->services[i]; i++) {
        if (!serving->services[i]->loopback_only)
            continue;
        fprintf(stderr,
                "shopstream: %s is for tests on one machine and must not listen on %s; leave it out with --services\n",
                serving->services[i]->name, serving->address);
        return ERR_FORBIDDEN;
    }
    return 0;
}

static int open_host(struct serving *serving)
{
    bool rate_limits = !str_equal_cstr(config_get_str(serving->config, &settings[SETTING_RATE_LIMITS]), "off");
    struct http_client *client = NULL;
    char message[512] = "";

    /* Keys and personal data are in these files: they are this user's alone, also in a folder that is not. */
    umask(S_IRWXG | S_IRWXO);
    TRY(make_folder(serving->data_path));
    TRY(http_client_new(&client, CLIENT_CONNECTIONS_MAX));
    const struct host_options options = {
        .services = serving->services,
        .config = serving->config,
        .data_path = serving->data_path,
        .rate_limits = rate_limits,
        .http_client = client,
    };
    int result = host_new(&serving->host, &options, message);
    if (result >= 0)
        result = host_listen(serving->host, serving->address, serving->port, serving->port == 0, message);
    if (result < 0)
        fprintf(stderr, "shopstream: %s\n", message);
    else if (!rate_limits)
        fprintf(stderr, "shopstream: rate limits are off\n");
    return result;
}

static void wait_for_signal(void)
{
    sigset_t signals;
    int number = 0;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    while (sigwait(&signals, &number) != 0)
        ;
}

/* Before any task starts, so that all of them leave these signals to this one. */
static void block_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGPIPE);
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

static int configure(struct serving *serving, const struct command_options *options)
{
    enum log_level level;

    TRY(settings_load(options->config_path, &serving->config));
    if (log_level_parse(config_get_str(serving->config, &settings[SETTING_LOG_LEVEL]), &level) < 0) {
        fprintf(stderr, "shopstream: SHOPSTREAM_LOG_LEVEL must be debug, info, warning, error or none\n");
        return ERR_INVALID;
    }
    log_configure(STDERR_FILENO, level, LOG_FORMAT_AUTOMATIC);
    serving->data_path =
        options->data_path ? options->data_path : config_get_cstr(serving->config, &settings[SETTING_DATA]);
    serving->address = config_get_cstr(serving->config, &settings[SETTING_ADDRESS]);
    serving->port =
        options->port >= 0 ? options->port : (int)config_get_int(serving->config, &settings[SETTING_PORT]);
    TRY(choose_services(serving, options->services));
    return refuse_unsafe(serving);
}

/* The password that a first start makes where none is configured: shown this once, and in no log. */
static void show_first_administrator(struct service_host *host)
{
    struct service_instance *instance = host_instance(host, IDENTITY_SERVICE_NAME);
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(START_ARENA_BYTES);
    Identity__TakeFirstAdministratorRequest request = IDENTITY__TAKE_FIRST_ADMINISTRATOR_REQUEST__INIT;
    Identity__FirstAdministrator first = IDENTITY__FIRST_ADMINISTRATOR__INIT;
    struct call call;

    if (!instance || !arena ||
        host_call_begin(instance, arena, STR(TENANT_DEFAULT), STR_EMPTY, START_TIMEOUT_MS, &call) < 0 ||
        identity_take_first_administrator(&call, &request, &first) < 0 || !first.password)
        return;
    printf("Administrator: %s, password: %s (shown only now)\n", first.email, first.password);
}

int command_serve(const struct command_options *options)
{
    struct serving serving = {0};

    block_signals();
    int result = configure(&serving, options);
    if (result >= 0)
        result = open_host(&serving);
    if (result >= 0) {
        printf("Shopstream is open on http://%s:%d (data in %s)\n", serving.address,
               http_server_port(serving.host->listener), serving.data_path);
        show_first_administrator(serving.host);
        fflush(stdout);
        wait_for_signal();
        host_free(serving.host, config_get_int(serving.config, &settings[SETTING_DRAIN_MS]));
    }
    config_free(serving.config);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
