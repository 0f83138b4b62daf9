/* The whole shop in one process, as `make run` has it, behind the parser. */
#include "platform/net/client_simulated.h"
#include "platform/ports/mail/mail.h"
#include "platform/service/shop_settings.h"
#include "services/services.h"
#include "tests/faults/faults.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOP_AUTHORITY "127.0.0.1:3000"
#define PROVIDER_AUTHORITY "127.0.0.1:3011"
#define WORKERS 4
#define CONNECTIONS_MAX 8
#define DRAIN_MS 10000
#define ARENA_BYTES ((size_t)256 << 20)
#define MAILS_MAX 16
#define PATH_BYTES 192
#define DESCRIPTORS_MAX 64
#define CODE_DIGITS 6
#define HEADERS_MAX 8

/* -- The network: who is asked at an address is a service of the same host ----------------------------------------- */

static int answer_as_shop(void *context, const struct http_request *request, struct arena *arena,
                          struct http_response *ret_response)
{
    return host_handle(((struct shop *)context)->host, NULL, request, arena, ret_response);
}

static int answer_as_provider(void *context, const struct http_request *request, struct arena *arena,
                              struct http_response *ret_response)
{
    struct service_host *host = ((struct shop *)context)->host;
    return host_handle(host, host_instance(host, "stripe_emulator"), request, arena, ret_response);
}

/* -- Life ---------------------------------------------------------------------------------------------------------- */

/* Whether this kind of fault is another than those that were tried: a statement's belongs to its transaction, which is
 * late or run again as a whole, and a query that only starts has no effect to lose the answer of. */
static bool is_worth_trying(enum fault_port port, const char *call, enum fault_kind kind)
{
    bool is_whole = port != FAULT_SQL || strcmp(call, "read") == 0 || strcmp(call, "write") == 0;
    switch (kind) {
    case FAULT_FAIL_AFTER:
        return is_whole || strcmp(call, "exec") == 0;
    case FAULT_DELAY:
    case FAULT_REPEAT:
        return is_whole;
    default:
        return true;
    }
}

static bool choose(void *context, enum fault_port port, const char *call, struct fault_rule *ret_rule)
{
    char what[64];
    (void)context;
    snprintf(what, sizeof(what), "%s.%s", fault_port_name(port), call);
    for (int kind = 0; kind < FAULT_KINDS; kind++) {
        ret_rule->kind = (enum fault_kind)kind;
        if (is_worth_trying(port, call, ret_rule->kind) &&
            sweep_strikes(SWEEP_PORTS, what, fault_kind_name(ret_rule->kind)))
            return true;
    }
    return false;
}

static void make_folder(struct shop *shop)
{
    snprintf(shop->folder, sizeof(shop->folder), "%.80s/shopstream-faults-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ASSERT(mkdtemp(shop->folder));
}

/* There are no built files for browsers in the shop's own folder. */
static struct config *load_config(const struct shop *shop)
{
    const struct config_row *tables[HOST_SERVICES_MAX + 3] = {port_settings, shop_settings};
    char web[PATH_BYTES];
    char *environment[] = {
        (char[]){"SHOPSTREAM_ADMIN_EMAIL=admin@shop.example"},
        (char[]){"SHOPSTREAM_ADMIN_PASSWORD=the administrator's own"},
        (char[]){"SHOPSTREAM_STRIPE_TIMEOUT_MS=3000"},
        (char[]){"SHOPSTREAM_RECONCILE_AGE_MS=30000"},
        web,
        NULL,
    };
    char message[CONFIG_MESSAGE_BYTES];
    struct config *config;
    size_t count = 2;
    snprintf(web, sizeof(web), "SHOPSTREAM_WEB=%s", shop->folder);
    for (size_t i = 0; all_services[i]; i++) {
        if (all_services[i]->config)
            tables[count++] = all_services[i]->config;
    }
    if (config_load(tables, NULL, environment, message, &config) < 0)
        violated("the configuration is taken", "%s", message);
    return config;
}

void shop_start(struct shop *shop)
{
    char message[512] = "";
    make_folder(shop);
    shop->arena = arena_new(ARENA_BYTES);
    shop->config = load_config(shop);
    shop->faults = fault_plan_new();
    ASSERT(shop->arena && shop->faults);
    struct host_options options = {.services = all_services,
                                   .config = shop->config,
                                   .data_path = shop->folder,
                                   .sql_vfs = FAULTS_VFS,
                                   .faults = shop->faults,
                                   .worker_count = WORKERS,
                                   .rate_limits = true};
    ASSERT(http_client_new(&options.http_client, CONNECTIONS_MAX) == 0);
    simulated_network_add_peer(SHOP_AUTHORITY, SIMULATOR_PROCESS, answer_as_shop, shop);
    simulated_network_add_peer(PROVIDER_AUTHORITY, SIMULATOR_PROCESS, answer_as_provider, shop);
    if (host_new(&shop->host, &options, message) < 0)
        violated("the shop starts", "%s", message);
    fault_plan_choose(shop->faults, choose, shop);
}

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        closedir(folder);
    rmdir(path);
}

void shop_stop(struct shop *shop)
{
    char mails[PATH_BYTES];
    host_free(shop->host, DRAIN_MS);
    fault_plan_free(shop->faults);
    config_free(shop->config);
    arena_free(shop->arena);
    snprintf(mails, sizeof(mails), "%s/mail", shop->folder);
    remove_folder(mails);
    remove_folder(shop->folder);
}

/* -- Requests ------------------------------------------------------------------------------------------------------ */

static struct str find_header(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (str_equal_nocase(response->headers[i].name, str_from_cstr(name)))
            return response->headers[i].value;
    }
    return STR_EMPTY;
}

static void add_header(struct http_request *http, struct http_header *headers, const char *name, const char *value)
{
    if (value)
        headers[http->header_count++] = (struct http_header){str_from_cstr(name), str_from_cstr(value)};
}

static void add_headers(struct shop *shop, const struct shop_request *request, struct http_request *http,
                        struct http_header *headers)
{
    add_header(http, headers, "content-type", request->body ? "application/json" : NULL);
    add_header(http, headers, "content-type", request->form ? "application/x-www-form-urlencoded" : NULL);
    add_header(http, headers, "idempotency-key", request->key);
    add_header(http, headers, "x-guest-token", request->guest);
    add_header(http, headers, "last-event-id", request->event);
    if (request->token)
        add_header(http, headers, "authorization", arena_printf(shop->arena, "Bearer %s", request->token));
}

/* What lies in the arena of the request goes into the shop's. */
static struct answer keep_answer(struct shop *shop, const struct http_response *response)
{
    struct str body = response->blob ? http_blob_bytes(response->blob) : response->body;
    struct answer answer = {response->status, arena_copy(shop->arena, find_header(response, "content-type")),
                            arena_copy(shop->arena, body), response->stream};
    http_blob_unref(response->blob);
    http_blob_unref(response->head_blob);
    return answer;
}

struct answer shop_ask(struct shop *shop, const struct shop_request *request)
{
    struct http_header headers[HEADERS_MAX];
    const char *body = request->form ? request->form : request->body;
    struct str target = str_from_cstr(request->target);
    ptrdiff_t question = str_find_char(target, '?');
    struct http_request http = {.method = request->method,
                                .target = target,
                                .path = question < 0 ? target : str_slice(target, 0, (size_t)question),
                                .query = question < 0 ? STR_EMPTY : str_skip(target, (size_t)question + 1),
                                .host = STR("localhost"),
                                .scheme = STR("http"),
                                .body = str_from_cstr(body ? body : ""),
                                .peer = STR("127.0.0.1"),
                                .headers = headers,
                                .version = 11};
    struct http_response response = {0};
    struct answer answer = {0};
    sweep_mute();
    add_headers(shop, request, &http, headers);
    struct service_instance *provider = request->form ? host_instance(shop->host, "stripe_emulator") : NULL;
    struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    sweep_unmute();
    if (host_handle(shop->host, provider, &http, arena, &response) == 0) {
        sweep_mute();
        answer = keep_answer(shop, &response);
        sweep_unmute();
    }
    arena_free(arena);
    return answer;
}

/* -- Mails --------------------------------------------------------------------------------------------------------- */

static const char *find_code(struct shop *shop, struct str message)
{
    struct str mark = STR("Code: ");
    ptrdiff_t at = str_find(message, mark);
    return at < 0 ? NULL : arena_cstr(shop->arena, str_slice(message, (size_t)at + mark.len, CODE_DIGITS));
}

const char *shop_mailed_code(struct shop *shop, const char *address)
{
    struct mail_stored *stored;
    size_t count = 0;
    const char *code = NULL;
    sweep_mute();
    ASSERT(mail_list(shop->host->mail, MAILS_MAX, shop->arena, &stored, &count) == 0);
    for (size_t i = 0; i < count && !code; i++) {
        struct str message;
        if (str_find(stored[i].to, str_from_cstr(address)) < 0)
            continue;
        ASSERT(mail_read(shop->host->mail, stored[i].id, shop->arena, &message) == 0);
        code = find_code(shop, message);
    }
    sweep_unmute();
    return code;
}

static void copy_file(int from_folder, int to_folder, const char *name)
{
    char bytes[16384];
    int from = openat(from_folder, name, O_RDONLY | O_CLOEXEC);
    int to = openat(to_folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ASSERT(from >= 0 && to >= 0);
    ssize_t got = read(from, bytes, sizeof(bytes));
    ASSERT(got >= 0 && got < (ssize_t)sizeof(bytes) && write(to, bytes, (size_t)got) == got);
    close(from);
    close(to);
}

/* The descriptor that the spool has opened its folder by. */
static int find_folder(const char *path)
{
    struct stat wanted, status;
    ASSERT(stat(path, &wanted) == 0);
    for (int descriptor = 3; descriptor < DESCRIPTORS_MAX; descriptor++) {
        if (fstat(descriptor, &status) == 0 && status.st_dev == wanted.st_dev && status.st_ino == wanted.st_ino)
            return descriptor;
    }
    violated("the spool has its folder open", "%s", path);
}

/* The spool goes on with a folder of the child's own, in place of the one that it shares with its parent. */
void shop_part_mails(struct shop *shop)
{
    char old_path[PATH_BYTES], new_path[PATH_BYTES];
    snprintf(old_path, sizeof(old_path), "%s/mail", shop->folder);
    make_folder(shop);
    snprintf(new_path, sizeof(new_path), "%s/mail", shop->folder);
    ASSERT(mkdir(new_path, 0700) == 0);
    int spool = find_folder(old_path), own = open(new_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT(own >= 0);
    DIR *folder = opendir(old_path);
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] != '.')
            copy_file(dirfd(folder), own, entry->d_name);
    }
    closedir(folder);
    ASSERT(dup3(own, spool, O_CLOEXEC) == spool);
    close(own);
}
