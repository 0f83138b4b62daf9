/* One run: the provider, the shop and its goods first; then shoppers, staff and chaos; then calm, in which everything
 * must come to its end; then the audit. */
#include "services/services.h"
#include "shopstream/catalog/v1/catalog.rpc.h"
#include "tests/simulation/simulation.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define VIOLATION_EXIT_CODE 3
#define MESSAGE_BYTES 8192
#define WAIT_MS 20
#define UP_TRIES_MAX 5000
#define SETTLE_LOOK_MS 5000
#define SETTLE_LOOKS_MAX 240
#define AFTERMATH_MS (INT64_C(150) * 1000) /* reconciliation and the provider's last retries */
#define ARENA_BYTES ((size_t)1 << 20)

struct simulation simulation;

/* -- Words --------------------------------------------------------------------------------------------------------- */

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
    if (simulation.save_folder) {
        simulated_disk_save(simulation.shop_disk, simulation.save_folder);
        simulated_disk_save(simulation.provider_disk, simulation.save_folder);
    }
    _exit(VIOLATION_EXIT_CODE);
}

void note(const char *format, ...)
{
    if (!simulation.is_verbose)
        return;
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%8" PRIu64 " %10.3f s: ", simulator_steps(), (double)simulator_now_ns() / (double)CLOCK_NS_PER_S);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
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

/* -- Before -------------------------------------------------------------------------------------------------------- */

static void wait_for_shop(struct simulation *sim)
{
    for (int i = 0; !sim->shop; i++) {
        if (i == UP_TRIES_MAX)
            violated("the shop starts", "not up after %d ms", UP_TRIES_MAX * WAIT_MS);
        task_sleep_ms(WAIT_MS);
    }
}

static int create_product(struct call *call, void *argument)
{
    struct simulation *sim = argument;
    Catalog__CreateProductRequest in = CATALOG__CREATE_PRODUCT_REQUEST__INIT;
    Catalog__Product out = CATALOG__PRODUCT__INIT;
    Common__Money price = COMMON__MONEY__INIT;
    Catalog__NewSku skus[SKUS], *list[SKUS];
    char codes[SKUS][ID_BYTES];
    price.has_amount = true;
    price.amount = 1000;
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
        skus[i].available = sim->units[i];
        list[i] = &skus[i];
    }
    TRY(catalog_create_product(call, &in, &out));
    for (int i = 0; i < SKUS; i++)
        snprintf(sim->sku_ids[i], sizeof(sim->sku_ids[i]), "%s", out.skus[i]->id);
    return 0;
}

/* Few units against many buyers. */
static void stock_shelves(struct simulation *sim)
{
    wait_for_shop(sim);
    for (int i = 0; i < SKUS; i++)
        sim->units[i] = random_between(1, 12);
    int result = shop_call("catalog", create_product, sim);
    if (result < 0)
        violated("a product can be made", "%s", error_name(result));
}

/* -- After --------------------------------------------------------------------------------------------------------- */

static bool is_settled(struct purchase *purchase)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    return !purchase->order_id[0] || (purchase_look(purchase, NULL, arena) && status_is_final(purchase->status));
}

/* Once faults are over, every order ends by itself: money, stock and time-outs included. */
static void settle(struct simulation *sim)
{
    wait_for_shop(sim);
    for (size_t i = 0, looks = 0; i < PURCHASES_MAX;) {
        if (is_settled(&sim->purchases[i])) {
            i++;
            continue;
        }
        if (++looks > SETTLE_LOOKS_MAX)
            violated("every order ends", "order %s is %s after %d s of calm", sim->purchases[i].order_id,
                     sim->purchases[i].status, SETTLE_LOOKS_MAX * SETTLE_LOOK_MS / 1000);
        task_sleep_ms(SETTLE_LOOK_MS);
    }
    while (simulated_network_counts()->under_way > 0)
        task_sleep_ms(SETTLE_LOOK_MS);
    task_sleep_ms(AFTERMATH_MS);
}

static void run_world(void *argument)
{
    struct simulation *sim = argument;
    provider_start(sim);
    stock_shelves(sim);
    note("the shop is open");
    shoppers_start(sim);
    staff_start(sim);
    chaos_start(sim);
    while (sim->shoppers_left > 0 || sim->is_chaotic)
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
    simulated_disk_crash(sim->shop_disk);
}

static struct config *load_config(void)
{
    const struct config_row *tables[] = {orders_service.config, payments_service.config, NULL};
    char *environment[] = {
        (char[]){"SHOPSTREAM_PAYMENT_TIMEOUT_MS=60000"},
        (char[]){"SHOPSTREAM_STRIPE_URL=http://" PROVIDER_AUTHORITY},
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
        .trace_descriptor = trace_descriptor,
        .on_crash = on_crash,
    };
    simulated_disk_configure_sqlite();
    sim->shop_disk = simulated_disk_new(SHOP_VFS);
    sim->provider_disk = simulated_disk_new(PROVIDER_VFS);
    ASSERT(sim->shop_disk && sim->provider_disk);
    plant_disk(sim);
    sim->config = load_config();
    simulator_run(sim->seed, &options, shop_main, sim, ret_result);
    check_end(ret_result);
}
