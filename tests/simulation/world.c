/* One run: the provider, the shop, its staff and goods first; then the actors; then calm, in which everything must come
 * to its end; then the audit. */
#include "platform/service/shop_settings.h"
#include "services/services.h"
#include "shopstream/catalog/v1/catalog.rpc.h"
#include "shopstream/identity/v1/identity.rpc.h"
#include "tests/simulation/books.h"
#include "tests/simulation/people.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define VIOLATION_EXIT_CODE 3
#define MESSAGE_BYTES 8192
#define NOTE_BYTES 256
#define NOTES_MAX 40 /* that a violation shows */
#define WAIT_MS 20
#define UP_TRIES_MAX 5000
#define SETTLE_LOOK_MS 5000
#define SETTLE_LOOKS_MAX 240
#define AFTERMATH_MS (INT64_C(60) * 1000)            /* reconciliation and the provider's last retries */
#define LAST_LOOK_MS (INT64_C(7200) * 1000)          /* a refund that failed unheard is learned */
#define LAST_RETRY_MS (INT64_C(1200) * 1000)         /* what waits for its turn, waits less */
#define LONGEST_RETRY_MS (INT64_C(12) * 3600 * 1000) /* REFUND_RETRY_MAX_MS: of money that cannot be given back */
#define ARENA_BYTES ((size_t)1 << 20)
#define ADMIN_EMAIL "admin@example.com"
#define ADMIN_PASSWORD "password of the administrator"
#define CONFIG_TABLES_MAX 32

struct simulation simulation;

/* -- Words --------------------------------------------------------------------------------------------------------- */

static struct {
    char lines[NOTES_MAX][NOTE_BYTES];
    uint64_t count;
} notes;

void print_last_notes(int descriptor)
{
    uint64_t first = notes.count > NOTES_MAX ? notes.count - NOTES_MAX : 0;
    for (uint64_t i = first; i < notes.count; i++)
        dprintf(descriptor, "    %s\n", notes.lines[i % NOTES_MAX]);
}

void note(const char *format, ...)
{
    char *line = notes.lines[notes.count++ % NOTES_MAX];
    int length = snprintf(line, NOTE_BYTES, "%8" PRIu64 " %12.3f s  ", simulator_steps(),
                          (double)simulator_now_ns() / (double)CLOCK_NS_PER_S);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + length, NOTE_BYTES - (size_t)length, format, arguments);
    va_end(arguments);
    if (simulation.is_verbose)
        fprintf(stderr, "%s\n", line);
}

void violated(const char *invariant, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    printf("seed %" PRIu64 " violates: %s\n    %s\n    (step %" PRIu64 ", incarnation %u)\n", simulation.seed,
           invariant, message, simulator_steps(), simulator_incarnation());
    fflush(stdout);
    struct verdict verdict = {.held = false};
    snprintf(verdict.violated, sizeof(verdict.violated), "%s", invariant);
    ASSERT(write(simulation.verdict_pipe, &verdict, sizeof(verdict)) == (ssize_t)sizeof(verdict));
    if (simulation.plant == PLANT_NONE) {
        dprintf(STDOUT_FILENO, "  what happened last:\n");
        print_last_notes(STDOUT_FILENO);
        dprintf(STDOUT_FILENO, "  the last steps:\n");
        simulator_print_last_steps(STDOUT_FILENO);
    }
    if (simulation.save_folder) {
        simulated_disk_save(simulation.shop_disk, simulation.save_folder);
        simulated_disk_save(simulation.provider_disk, simulation.save_folder);
    }
    _exit(VIOLATION_EXIT_CODE);
}

int64_t random_between(int64_t least, int64_t most)
{
    return least + (int64_t)simulator_random_below((uint64_t)(most - least + 1));
}

bool random_permille(unsigned permille)
{
    return simulator_random_below(1000) < permille;
}

void sleep_between_ms(int64_t least_ms, int64_t most_ms)
{
    task_sleep_ms(random_between(least_ms, most_ms));
}

const char *tenant_name(int tenant)
{
    static const char *const names[TENANTS] = {TENANT_DEFAULT, "other"};
    return names[tenant];
}

void random_key(char ret_key[ID_BYTES])
{
    snprintf(ret_key, ID_BYTES, "%016llx%016llx", (unsigned long long)simulator_random_below(UINT64_MAX),
             (unsigned long long)simulator_random_below(UINT64_MAX));
}

/* -- Before -------------------------------------------------------------------------------------------------------- */

static void wait_for_shop(struct simulation *sim)
{
    for (int i = 0; !sim->shop; i++) {
        if (i == UP_TRIES_MAX)
            violated("the shop starts", "not up after %d ms", UP_TRIES_MAX * WAIT_MS);
        task_sleep_ms(WAIT_MS);
    }
}

static int add_tenant(struct call *call, void *argument)
{
    Identity__AddTenantRequest in = IDENTITY__ADD_TENANT_REQUEST__INIT;
    Identity__Tenant out = IDENTITY__TENANT__INIT;
    in.id = argument;
    return identity_add_tenant(call, &in, &out);
}

static int grant_admin(struct call *call, void *argument)
{
    const struct person *person = argument;
    Identity__GrantRoleRequest in = IDENTITY__GRANT_ROLE_REQUEST__INIT;
    Identity__User out = IDENTITY__USER__INIT;
    in.email = (char *)(uintptr_t)person->email;
    in.role = (char *)(uintptr_t) "admin";
    return identity_grant_role(call, &in, &out);
}

static void expect_done(const char *what, int result)
{
    if (result < 0)
        violated("a shop can be set up", "%s: %s", what, error_name(result));
}

/* The first shop's administrator was made by its first start; the second's signs up like anybody. */
static void hire_staff(struct simulation *sim)
{
    char other[ID_BYTES];
    snprintf(other, sizeof(other), "%s", tenant_name(1));
    expect_done("a tenant", shop_call("identity", 0, add_tenant, other));
    for (int tenant = 0; tenant < TENANTS; tenant++) {
        struct person *person = &sim->staff[tenant];
        *person = (struct person){.tenant = tenant, .email = ADMIN_EMAIL, .password = ADMIN_PASSWORD};
        if (tenant > 0) {
            person_sign_up(person);
            expect_done("an administrator", shop_call("identity", tenant, grant_admin, person));
        }
        person_sign_in(person);
    }
}

static int create_product(struct call *call, void *argument)
{
    struct goods *goods = argument;
    Catalog__CreateProductRequest in = CATALOG__CREATE_PRODUCT_REQUEST__INIT;
    Catalog__Product out = CATALOG__PRODUCT__INIT;
    Common__Money price = COMMON__MONEY__INIT;
    Catalog__NewSku skus[SKUS], *list[SKUS];
    char codes[SKUS][ID_BYTES];
    price.has_amount = true;
    price.amount = SKU_PRICE;
    price.currency = "EUR";
    in.title = "A thing";
    in.category = "things";
    in.price = &price;
    in.n_skus = SKUS;
    in.skus = list;
    for (int i = 0; i < SKUS; i++) {
        catalog__new_sku__init(&skus[i]);
        snprintf(codes[i], sizeof(codes[i]), "THING-%d", i);
        skus[i].code = codes[i];
        skus[i].has_available = true;
        skus[i].available = random_between(1, 12); /* few units against many buyers */
        list[i] = &skus[i];
    }
    TRY(catalog_create_product(call, &in, &out));
    snprintf(goods->product_id, sizeof(goods->product_id), "%s", out.id);
    for (int i = 0; i < SKUS; i++)
        snprintf(goods->sku_ids[i], sizeof(goods->sku_ids[i]), "%s", out.skus[i]->id);
    return 0;
}

static void open_shops(struct simulation *sim)
{
    wait_for_shop(sim);
    hire_staff(sim);
    for (int tenant = 0; tenant < TENANTS; tenant++)
        expect_done("a product", shop_call("catalog", tenant, create_product, &sim->goods[tenant]));
}

/* -- After --------------------------------------------------------------------------------------------------------- */

static bool is_settled(struct purchase *purchase)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    return !purchase->order_id[0] || (purchase_look(purchase, NULL, arena) && status_is_final(purchase->status));
}

/* A boot under a clock that was behind has set the steady clock back, and what had a time waits for as much longer
 * (ADR 0018): until the clock is where it was. */
static void catch_up(struct simulation *sim)
{
    int64_t behind_ms = sim->latest_steady_ms - simulator_process_steady_ms();
    if (behind_ms > 0)
        skip_in_quiet(sim, behind_ms);
}

/* Once faults are over, every order ends by itself: money, stock and time-outs included. */
static void settle(struct simulation *sim)
{
    bool has_waited = false;
    wait_for_shop(sim);
    catch_up(sim);
    for (size_t i = 0, looks = 0; i < sim->purchase_count;) {
        if (is_settled(&sim->purchases[i])) {
            i++;
            continue;
        }
        if (++looks > SETTLE_LOOKS_MAX && !has_waited) {
            simulator_skip_time(LONGEST_RETRY_MS * CLOCK_NS_PER_MS);
            has_waited = true;
            looks = 0;
        }
        if (looks > SETTLE_LOOKS_MAX)
            violated("every order ends", "order %s is %s after %d s of calm", sim->purchases[i].order_id,
                     sim->purchases[i].status, SETTLE_LOOKS_MAX * SETTLE_LOOK_MS / 1000);
        task_sleep_ms(SETTLE_LOOK_MS);
    }
    while (simulated_network_counts()->under_way > 0)
        task_sleep_ms(SETTLE_LOOK_MS);
    task_sleep_ms(AFTERMATH_MS);
    simulator_skip_time(LAST_LOOK_MS * CLOCK_NS_PER_MS);
    task_sleep_ms(AFTERMATH_MS);
    simulator_skip_time(LAST_RETRY_MS * CLOCK_NS_PER_MS);
    task_sleep_ms(AFTERMATH_MS);
    keys_end(sim);
}

static void run_world(void *argument)
{
    struct simulation *sim = argument;
    plant_address();
    provider_start(sim);
    open_shops(sim);
    note("the shops are open");
    for (size_t i = 0; actors[i]; i++)
        actors[i](sim);
    while (sim->busy_actors > 0 || sim->working > 0)
        task_sleep_ms(SETTLE_LOOK_MS);
    chaos_end(sim);
    note("calm");
    settle(sim);
    note("settled");
    shop_stop();
    provider_stop(sim);
    audit(sim);
}

/* -- The run ------------------------------------------------------------------------------------------------------- */

static void on_crash(void *argument, unsigned incarnation)
{
    struct simulation *sim = argument;
    note("crash: incarnation %u is gone", incarnation - 1);
    sim->shop = NULL;
    watch_crashed();
    const struct simulated_disk_counts before = *simulated_disk_counts(sim->shop_disk);
    simulated_disk_crash(sim->shop_disk);
    const struct simulated_disk_counts *after = simulated_disk_counts(sim->shop_disk);
    sim->struck.kinds[STRUCK_LOSS] +=
        after->dropped_writes > before.dropped_writes || after->torn_writes > before.torn_writes;
}

static bool is_listed(const struct config_row *const *tables, const struct config_row *table)
{
    while (*tables && *tables != table)
        tables++;
    return *tables;
}

static struct config *load_config(void)
{
    const struct config_row *tables[CONFIG_TABLES_MAX] = {NULL};
    size_t count = 0;
    tables[count++] = port_settings;
    tables[count++] = shop_settings;
    for (size_t i = 0; all_services[i]; i++) {
        ASSERT(count + 1 < CONFIG_TABLES_MAX);
        if (all_services[i]->config && !is_listed(tables, all_services[i]->config))
            tables[count++] = all_services[i]->config;
    }
    char payment_timeout[ID_BYTES];
    snprintf(payment_timeout, sizeof(payment_timeout), "SHOPSTREAM_PAYMENT_TIMEOUT_MS=%d", PAYMENT_TIMEOUT_MS);
    char *environment[] = {
        payment_timeout,
        (char[]){"SHOPSTREAM_STRIPE_URL=http://" PROVIDER_AUTHORITY},
        (char[]){"SHOPSTREAM_STRIPE_TIMEOUT_MS=3000"},
        (char[]){"SHOPSTREAM_RECONCILE_AGE_MS=30000"},
        (char[]){"SHOPSTREAM_WEB=/nonexistent"}, /* pages' files, which are no part of a seed */
        (char[]){"SHOPSTREAM_ADMIN_EMAIL=" ADMIN_EMAIL},
        (char[]){"SHOPSTREAM_ADMIN_PASSWORD=" ADMIN_PASSWORD},
        NULL,
    };
    char message[CONFIG_MESSAGE_BYTES];
    struct config *config;
    if (config_load(tables, NULL, environment, message, &config) < 0)
        violated("the configuration is taken", "%s", message);
    return config;
}

static void check_end(const struct simulator_result *result)
{
    static const char *const ends[] = {"finished", "stopped", "deadlock", "step limit"};
    if (result->end != SIMULATOR_FINISHED)
        violated("every task comes to its end", "%s\n%s", ends[result->end], result->report);
}

void run_seed(struct simulation *sim, int trace_descriptor, struct simulator_result *ret_result)
{
    const struct simulator_options options = {
        .world_fn = run_world,
        .stay_permille = 700,
        .delay_permille = 2,
        .delay_max_ns = 20 * CLOCK_NS_PER_MS,
        .spurious_wake_permille = 5,
        .restart_delay_max_ns = 3 * CLOCK_NS_PER_S,
        .boot_permille = 300,
        .trace_descriptor = trace_descriptor,
        .on_crash = on_crash,
    };
    snprintf(sim->folder, sizeof(sim->folder), FOLDER);
    simulated_disk_configure_sqlite();
    sim->shop_disk = simulated_disk_new(SHOP_VFS);
    sim->provider_disk = simulated_disk_new(PROVIDER_VFS);
    ASSERT(sim->shop_disk && sim->provider_disk);
    watch_start();
    plant_disk(sim);
    sim->config = load_config();
    simulator_run(sim->seed, &options, shop_main, sim, ret_result);
    check_end(ret_result);
}
