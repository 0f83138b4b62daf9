/* shopstream serve: serves the shop until it is told to stop. */
#include "cli/commands.h"
#include "cli/network.h"
#include "cli/settings.h"
#include "cli/shop.h"
#include "cli/terminal.h"
#include "platform/base/log.h"
#include "platform/net/loopback.h"
#include "platform/net/server.h"
#include "platform/ports/psp/psp_config.h"
#include "platform/render/render.h"
#include "platform/sandbox/sandbox.h"
#include "platform/service/host.h"
#include "platform/service/host_rpc.h"
#include "platform/service/invoke.h"
#include "services/services.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <yyjson.h>

#define START_ARENA_BYTES ((size_t)1 << 20)

struct serving {
    const struct service *services[HOST_SERVICES_MAX + 1];
    const struct command_options *options;
    struct config *config;
    struct network network;
    struct service_host *host;
    const char *data_path;
    const char *address;
    int port;
    bool has_sandbox, needs_sandbox;
    char sandbox_gap[SANDBOX_MESSAGE_BYTES]; /* what of it cannot be had; empty: all of it is there */
    char render_gap[RENDER_MESSAGE_BYTES];   /* why no page can be rendered; empty: they can */
    bool is_seeded;                          /* now, by this start */
};

/* -- What is asked for --------------------------------------------------------------------------------------------- */

static bool is_loopback(const char *address)
{
    return is_loopback_host(str_from_cstr(address));
}

/* What is for one's own machine only must not be reached from others. */
static int refuse_unsafe(const struct serving *serving)
{
    if (is_loopback(serving->address))
        return EXIT_DONE;
    for (size_t i = 0; serving->services[i]; i++) {
        if (serving->services[i]->loopback_only)
            return say_failed("%s is for tests on one machine and must not listen on %s; leave it out with --services",
                              serving->services[i]->name, serving->address);
    }
    return EXIT_DONE;
}

/* Orders that nobody can charge are never confirmed: the emulator, which stands in for a provider, stays behind. */
static int refuse_unpaid(const struct serving *serving)
{
    bool takes_orders = false;

    for (size_t i = 0; serving->services[i]; i++)
        takes_orders |= serving->services[i] == &orders_service || serving->services[i] == &payments_service;
    if (!takes_orders || is_loopback(serving->address) || *config_get_cstr(serving->config, psp_config_url))
        return EXIT_DONE;
    return say_failed("SHOPSTREAM_STRIPE_URL must be set, with the provider's secrets: on %s there is nobody who would "
                      "charge what is ordered",
                      serving->address);
}

static int choose_sandbox(struct serving *serving)
{
    struct str mode = config_get_str(serving->config, &settings[SETTING_SANDBOX]);

    serving->needs_sandbox = str_equal_cstr(mode, "require");
    serving->has_sandbox = serving->needs_sandbox || str_equal_cstr(mode, "on");
    if (!serving->has_sandbox && !str_equal_cstr(mode, "off"))
        return say_failed("SHOPSTREAM_SANDBOX must be on, off or require");
    return EXIT_DONE;
}

static int configure(struct serving *serving)
{
    const struct command_options *options = serving->options;
    char message[512];
    enum log_level level;

    if (settings_load(options->config_path, &serving->config) < 0)
        return EXIT_FAILED;
    if (log_level_parse(config_get_str(serving->config, &settings[SETTING_LOG_LEVEL]), &level) < 0)
        return say_failed("SHOPSTREAM_LOG_LEVEL must be debug, info, warning, error or none");
    log_configure(STDERR_FILENO, level, LOG_FORMAT_AUTOMATIC);
    serving->data_path =
        options->data_path ? options->data_path : config_get_cstr(serving->config, &settings[SETTING_DATA]);
    serving->address = config_get_cstr(serving->config, &settings[SETTING_ADDRESS]);
    int status = choose_sandbox(serving);
    if (status == EXIT_DONE)
        status = choose_services(options->services, serving->services);
    if (status != EXIT_DONE)
        return status;
    serving->port = options->port >= 0 ? options->port : settings_port(serving->config, serving->services);
    if (settings_check(serving->config, serving->services, message) < 0)
        return say_failed("%s", message);
    status = refuse_unsafe(serving);
    if (status == EXIT_DONE)
        status = refuse_unpaid(serving);
    return status == EXIT_DONE ? network_open(serving->config, serving->services, &serving->network) : status;
}

/* -- The sandbox --------------------------------------------------------------------------------------------------- */

#define FOLDERS_MAX 4
#define READABLE_MAX (FOLDERS_MAX + SQL_FILES_MAX + NETWORK_REDIS_MAX * REDIS_FILES_MAX + 1)

/* What the services read that is not in the data folder, and what their databases, Redis and Kafka are reached by. */
static size_t find_readable(const struct serving *serving, char paths[FOLDERS_MAX][SERVICE_PATH_BYTES],
                            const char *ret_readable[READABLE_MAX])
{
    size_t count = 0;

    for (size_t i = 0; serving->services[i]; i++) {
        if (!serving->services[i]->find_folder)
            continue;
        ASSERT(count < FOLDERS_MAX);
        serving->services[i]->find_folder(serving->config, paths[count]);
        ret_readable[count] = paths[count];
        count++;
    }
    for (size_t i = 0; i < serving->network.sql.file_count; i++)
        ret_readable[count++] = serving->network.sql.files[i];
    for (size_t i = 0; i < NETWORK_REDIS_MAX; i++)
        for (size_t j = 0; j < serving->network.redis[i].file_count; j++)
            ret_readable[count++] = serving->network.redis[i].files[j];
    if (serving->network.events.file[0])
        ret_readable[count++] = serving->network.events.file;
    return count;
}

/* Pages are the shell's. Outside of the sandbox, in which nothing can be started. Without it the shop still sells. */
static void start_render(struct serving *serving)
{
    bool has_pages = false;

    for (size_t i = 0; serving->services[i]; i++)
        has_pages |= serving->services[i] == &shell_service;
    if (has_pages)
        (void)render_start(serving->has_sandbox, serving->render_gap);
}

/* What is read from elsewhere (arguments, settings) was read; no task has started. */
static int enter_sandbox(struct serving *serving)
{
    static char paths[FOLDERS_MAX][SERVICE_PATH_BYTES];
    const char *readable[READABLE_MAX];
    char *gap = serving->sandbox_gap;

    if (!serving->has_sandbox)
        return EXIT_DONE;
    const struct sandbox_limits limits = {
        .data_path = serving->data_path,
        .readable = readable,
        .readable_count = find_readable(serving, paths, readable),
        .limits_connections = serving->network.is_limited,
        .ports = serving->network.ports,
        .port_count = serving->network.port_count,
    };
    int error = sandbox_enter(&limits, gap);
    if (error < 0 && (error != ERR_UNAVAILABLE || serving->needs_sandbox))
        return say_failed("the sandbox cannot be had: %s; SHOPSTREAM_SANDBOX=on does with what there is",
                          gap[0] ? gap : error_name(error));
    return EXIT_DONE;
}

/* A shop that does not come to serving says why, and nothing of its sandbox. */
static int seal_sandbox(const struct serving *serving)
{
    const struct log_context log = {.service = "shopstream"};
    int error = serving->has_sandbox ? sandbox_seal() : 0;

    if (serving->sandbox_gap[0])
        log_info(&log, "the sandbox is not whole", LOG_CSTR("detail", serving->sandbox_gap));
    if (serving->render_gap[0])
        log_warning(&log, "pages cannot be rendered", LOG_CSTR("detail", serving->render_gap));
    return error < 0 ? say_failed("the sandbox cannot be sealed: %s", error_name(error)) : EXIT_DONE;
}

/* -- Opening ------------------------------------------------------------------------------------------------------- */

/* One of this process's own services; NULL when it does not run here or refuses. */
static struct yyjson_doc *ask(struct serving *serving, struct arena *arena, const char *service, const char *method)
{
    struct problem problem = {0};
    struct str reply;

    if (!host_instance(serving->host, service))
        return NULL;
    const struct json_call call = {.service = str_from_cstr(service),
                                   .method = str_from_cstr(method),
                                   .tenant = STR(TENANT_DEFAULT),
                                   .json = STR("{}")};
    int error = host_invoke_json(serving->host, arena, &call, &reply, &problem);
    if (error < 0) {
        say_failed("%s", problem.detail[0] ? problem.detail : error_name(error));
        return NULL;
    }
    return json_read(reply);
}

/* Before anybody can look: no visitor sees the empty shop. Only into one that nobody has used: beside orders an empty
 * catalog is somebody's doing. */
static void seed(struct serving *serving)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(START_ARENA_BYTES);

    if (serving->options->no_seed || !host_is_new(serving->host) || !arena)
        return;
    CLEANUP(json_free) struct yyjson_doc *document = ask(serving, arena, "catalog", "seed_products");
    serving->is_seeded = yyjson_get_bool(yyjson_obj_get(yyjson_doc_get_root(document), "seeded"));
}

/* Services that speak plain text to each other do so on one machine: nobody else would know who calls. */
static int listen_rpc(struct serving *serving)
{
    const char *address = config_get_cstr(serving->config, &settings[SETTING_RPC_ADDRESS]);
    char message[512] = "";

    if (!*address)
        return EXIT_DONE;
    if (!is_loopback(address) && !serving->network.rpc_identity)
        return say_failed("SHOPSTREAM_RPC_ADDRESS must be of this machine, as 127.0.0.1 or ::1, not %s, without a "
                          "certificate (SHOPSTREAM_RPC_CERTIFICATE)",
                          address);
    const struct rpc_door door = {.address = address,
                                  .port = settings_rpc_port(serving->config, serving->port),
                                  .security = &serving->network.rpc_security};
    if (host_listen_rpc(serving->host, &door, message) < 0)
        return say_failed("%s; choose another port by SHOPSTREAM_RPC_PORT, or stop what uses this one", message);
    return EXIT_DONE;
}

static int listen_all(struct serving *serving)
{
    char message[512] = "";

    /* First: who is told that the shop is ready may call it. */
    if (listen_rpc(serving) != EXIT_DONE)
        return EXIT_FAILED;
    if (host_listen(serving->host, serving->address, serving->port, serving->port == 0, message) < 0)
        return say_failed("%s; choose another port with --port, or stop what uses this one", message);
    return EXIT_DONE;
}

static int open_host(struct serving *serving)
{
    bool rate_limits = config_get_bool(serving->config, &settings[SETTING_RATE_LIMITS]);
    char message[512] = "";

    if (shop_make_folder(serving->data_path) != EXIT_DONE)
        return EXIT_FAILED;
    start_render(serving);
    if (enter_sandbox(serving) != EXIT_DONE)
        return EXIT_FAILED;
    const struct host_options options = {
        .services = serving->services,
        .config = serving->config,
        .data_path = serving->data_path,
        .rate_limits = rate_limits,
        .http_client = serving->network.client,
        .mail_from = config_get_cstr(serving->config, &settings[SETTING_MAIL_FROM]),
        .public_url = config_get_cstr(serving->config, &settings[SETTING_PUBLIC_URL]),
        .proxies = serving->network.proxies,
        .tls = serving->network.tls,
        .rpc_client = serving->network.rpc_client,
        .all_services = all_services,
    };
    serving->network.client = NULL; /* the host's, also where it fails */
    serving->network.rpc_client = NULL;
    if (host_new(&serving->host, &options, message) < 0) {
        serving->host = NULL;
        return say_failed("%s", message);
    }
    if (!rate_limits)
        fprintf(stderr, "shopstream: rate limits are off\n");
    seed(serving);
    int status = listen_all(serving);
    return status == EXIT_DONE ? seal_sandbox(serving) : status;
}

/* -- Saying what is open ------------------------------------------------------------------------------------------- */

/* The password that a first start makes where none is configured: shown this once, and in no log. */
static void show_first_administrator(struct serving *serving)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(START_ARENA_BYTES);
    CLEANUP(json_free)
    struct yyjson_doc *document = arena ? ask(serving, arena, "identity", "take_first_administrator") : NULL;
    yyjson_val *first = yyjson_doc_get_root(document);
    const char *password = json_text(arena, first, "password");

    if (password)
        printf("Administrator: %s, password: %s (shown only now)\n", json_text(arena, first, "email"), password);
}

static bool has_page(const struct serving *serving, const char *path)
{
    for (size_t i = 0; serving->services[i]; i++) {
        const struct route *route = serving->services[i]->routes;

        for (; serving->services[i]->no_prefix && (route->rpc || route->raw); route++) {
            if (route->path && strcmp(route->path, path) == 0)
                return true;
        }
    }
    return false;
}

/* "http://127.0.0.1:3000" and the path; an IPv6 address stands in brackets (RFC 3986, 3.2.2). */
static void print_url(const struct serving *serving, const char *path)
{
    bool is_ipv6 = strchr(serving->address, ':') != NULL;

    printf("%s://%s%s%s:%d%s", serving->network.tls ? "https" : "http", is_ipv6 ? "[" : "", serving->address,
           is_ipv6 ? "]" : "", http_server_port(serving->host->listener), path);
}

static void show_page(const struct serving *serving, const char *label, const char *path)
{
    if (!has_page(serving, path))
        return;
    printf("%s: ", label);
    print_url(serving, path);
    putchar('\n');
}

static void show_what_is_open(struct serving *serving)
{
    printf("%sShopstream is open on ", colour_start(stdout, COLOUR_BOLD));
    print_url(serving, "");
    printf("%s (data in %s)\n", colour_end(stdout), serving->data_path);
    if (serving->is_seeded)
        puts("The shop was empty: it has the demo catalog now (--no-seed leaves it empty)");
    show_first_administrator(serving);
    show_page(serving, "Mail", "/dev/mail");
    show_page(serving, "API", "/api/docs");
    if (serving->host->rpc)
        printf("Services of other processes are answered on port %d\n", host_rpc_port(serving->host->rpc));
    fflush(stdout);
}

/* -- Signals ------------------------------------------------------------------------------------------------------- */

static void fill_signals(sigset_t *ret_signals)
{
    sigemptyset(ret_signals);
    sigaddset(ret_signals, SIGTERM);
    sigaddset(ret_signals, SIGINT);
}

/* Before any task starts, so that all of them leave these signals to this one. */
static void block_signals(void)
{
    sigset_t signals;

    fill_signals(&signals);
    sigaddset(&signals, SIGPIPE);
    sigaddset(&signals, SIGXFSZ); /* a limit on the size of files is a full disk, and is answered as one */
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

/* The first one ends the wait, and the shop with good manners; from then on they do what they do to any program. */
static void wait_for_signal(void)
{
    sigset_t signals;
    int number = 0;

    fill_signals(&signals);
    while (sigwait(&signals, &number) != 0)
        ;
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

/* Each connection is an open file, and the usual soft limit of 1,024 is for programs that use select(2). */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int command_serve(const struct command_options *options)
{
    struct serving serving = {.options = options};

    raise_descriptor_limit();

    block_signals();
    int status = configure(&serving);
    if (status == EXIT_DONE)
        status = open_host(&serving);
    if (status == EXIT_DONE) {
        show_what_is_open(&serving);
        wait_for_signal();
    } else if (serving.host) {
        /* The shop was made, though its port was not to be had: there is no later time to tell this. */
        show_first_administrator(&serving);
    }
    host_free(serving.host, serving.config ? config_get_int(serving.config, &settings[SETTING_DRAIN_MS]) : 0);
    network_close(&serving.network);
    config_free(serving.config);
    return status;
}
