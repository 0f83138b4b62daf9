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

static const struct service *const services[] = {&identity_service, &catalog_service,         &orders_service,
                                                 &payments_service, &stripe_emulator_service, NULL};

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

static struct config *load_config(void)
{
    const struct config_row *tables[] = {port_settings,         shop_settings,           identity_service.config,
                                         orders_service.config, payments_service.config, NULL};
    char *environment[] = {
        (char[]){"SHOPSTREAM_ADMIN_EMAIL=admin@shop.example"},
        (char[]){"SHOPSTREAM_ADMIN_PASSWORD=the administrator's own"},
        (char[]){"SHOPSTREAM_STRIPE_TIMEOUT_MS=3000"},
        (char[]){"SHOPSTREAM_RECONCILE_AGE_MS=30000"},
        NULL,
    };
    char message[CONFIG_MESSAGE_BYTES];
    struct config *config;
    if (config_load(tables, NULL, environment, message, &config) < 0)
        violated("the configuration is taken", "%s", message);
    return config;
}

static void make_folder(struct shop *shop)
{
    snprintf(shop->folder, sizeof(shop->folder), "%.80s/shopstream-faults-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ASSERT(mkdtemp(shop->folder));
}

void shop_start(struct shop *shop)
{
    char message[512] = "";
    make_folder(shop);
    shop->arena = arena_new(ARENA_BYTES);
    shop->config = load_config();
    shop->faults = fault_plan_new();
    ASSERT(shop->arena && shop->faults);
    struct host_options options = {.services = services,
                                   .config = shop->config,
                                   .data_path = shop->folder,
                                   .sql_vfs = FAULTS_VFS,
                                   .faults = shop->faults,
                                   .worker_count = WORKERS};
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

struct answer shop_ask(struct shop *shop, const struct shop_request *request)
{
    struct http_header headers[4] = {0};
    struct str target = str_from_cstr(request->target);
    struct http_request http = {.method = request->method,
                                .target = target,
                                .path = target,
                                .host = STR("localhost"),
                                .scheme = STR("http"),
                                .body = str_from_cstr(request->body ? request->body : ""),
                                .peer = STR("127.0.0.1"),
                                .headers = headers,
                                .version = 11};
    struct http_response response = {0};
    struct answer answer = {0};
    sweep_mute();
    if (request->body)
        headers[http.header_count++] = (struct http_header){STR("content-type"), STR("application/json")};
    if (request->key)
        headers[http.header_count++] = (struct http_header){STR("idempotency-key"), str_from_cstr(request->key)};
    if (request->token)
        headers[http.header_count++] = (struct http_header){
            STR("authorization"), str_from_cstr(arena_printf(shop->arena, "Bearer %s", request->token))};
    struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    sweep_unmute();
    if (host_handle(shop->host, NULL, &http, arena, &response) == 0) {
        sweep_mute();
        struct str body = response.blob ? http_blob_bytes(response.blob) : response.body;
        answer = (struct answer){response.status, arena_copy(shop->arena, find_header(&response, "content-type")),
                                 arena_copy(shop->arena, body)};
        http_blob_unref(response.blob);
        http_blob_unref(response.head_blob);
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
