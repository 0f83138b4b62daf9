/* Workflows and the events that their activities publish, on the seeded scheduler: in each seed the process is crashed
 * a few times between any two steps, and started again on what was on disk. Whatever the interleaving, every workflow
 * ends as it should, each transactional effect is there once, and each event took effect once at its consumer. */
#include "platform/base/simulator.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events.h"
#include "platform/ports/events/migrations/migrations.h"
#include "platform/ports/workflow/migrations/migrations.h"
#include "platform/ports/workflow/test_workflow_conformance.sql.h"
#include "platform/ports/workflow/workflow.h"
#include "shopstream/orders/v1/orders.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SEEDS_DEFAULT 40
#define WORKFLOWS 12
#define CRASHES_MAX 4
#define PATH_BYTES 256
#define WAIT_NS (600 * CLOCK_NS_PER_S) /* of virtual time */

/* -- The workflow -------------------------------------------------------------------------------------------------- */

#define TEST_ACTIVITY(activity_name, ...)                                                                              \
    static const struct activity activity_name = {.name = #activity_name,                                              \
                                                  .input = &orders__place_order__descriptor,                           \
                                                  .output = &orders__order_outcome__descriptor,                        \
                                                  __VA_ARGS__}
TEST_ACTIVITY(reserve);
TEST_ACTIVITY(record, .transactional = true);
TEST_ACTIVITY(finalise, .transactional = true);
TEST_ACTIVITY(release);
TEST_ACTIVITY(erase, .transactional = true);

/* Even ones get their signal; odd ones time out, and are undone. */
static int run_ship(struct workflow *w, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    (void)out;
    TRY(workflow_run(w, &reserve, in, NULL));
    TRY(workflow_compensate(w, &release, in));
    TRY(workflow_run(w, &record, in, NULL));
    TRY(workflow_compensate(w, &erase, in));
    TRY(workflow_sleep(w, 20));
    TRY(workflow_await(w, "go", ((const Orders__PlaceOrder *)in)->payment_timeout_ms, NULL));
    return workflow_run(w, &finalise, in, NULL);
}

static const struct workflow_type ship = {.name = "ship",
                                          .run = run_ship,
                                          .input = &orders__place_order__descriptor,
                                          .output = &orders__order_outcome__descriptor};
static const struct workflow_type *const types[] = {&ship, NULL};

/* -- The process --------------------------------------------------------------------------------------------------- */

struct world {
    char folder[PATH_BYTES]; /* each incarnation has a folder of its own in it: the disk as the crash left it */
};

struct process {
    struct sql_db *shop, *follower;
    struct workflow_engine *engine;
    struct event_bus *bus;
};

static int insert_effect(struct sql_tx *tx, struct str token, const char *name)
{
    return sql_exec(tx, &workflow_sql_test_insert_effect, SQL_ARGS(sql_text(token), sql_cstr(name)), NULL);
}

static int run_activity(void *context, const struct activity_attempt *attempt, struct problem *ret_problem)
{
    struct process *p = context;
    if (!attempt->tx)
        task_sleep_ms((int64_t)simulator_random_below(5));
    else
        TRY(insert_effect(attempt->tx, attempt->token, attempt->activity->name));
    if (simulator_random_below(10) == 0)
        return problem_set(ret_problem, ERR_UNAVAILABLE, "planted", NULL, "Planted.");
    if (!attempt->tx)
        return 0;
    struct event event = {.topic = STR("ship.events"),
                          .type = str_from_cstr(attempt->activity->name),
                          .key = attempt->token,
                          .tenant = attempt->tenant,
                          .payload = STR("{}")};
    return event_append(p->bus, attempt->tx, &event);
}

static int follow(void *context, struct sql_tx *tx, const struct event *event, struct problem *ret_problem)
{
    (void)context;
    (void)ret_problem;
    TRY(insert_effect(tx, event->key, "followed"));
    /* The disk's fault, so that it never counts as an attempt. */
    return simulator_random_below(10) == 0 ? ERR_STORAGE_FULL : 0;
}

static struct sql_db *open_db(const struct world *world, unsigned incarnation, const char *name)
{
    static const struct sql_migration test_migrations[] = {
        {.number = 1, .name = "effect", .text = "CREATE TABLE effect (token TEXT PRIMARY KEY, name TEXT NOT NULL);"}};
    char url[2 * PATH_BYTES];
    char message[512];
    snprintf(url, sizeof(url), "sqlite:%s/%u/%s.db", world->folder, incarnation, name);
    struct sql_config config = {.url = url, .reader_count = 2};
    struct sql_db *db;
    if (sql_open(&db, &config, message) < 0) {
        fprintf(stderr, "%s\n", message);
        abort();
    }
    ASSERT(sql_migrate(db, "events", events_migrations, events_migration_count, message) == 0);
    ASSERT(sql_migrate(db, "workflow", workflow_migrations, workflow_migration_count, message) == 0);
    ASSERT(sql_migrate(db, "test", test_migrations, 1, message) == 0);
    return db;
}

static void open_process(struct process *p, const struct world *world, unsigned incarnation)
{
    char message[512];

    p->shop = open_db(world, incarnation, "shop");
    p->follower = open_db(world, incarnation, "follower");
    ASSERT(event_bus_open(&p->bus, &(struct port_config){.url = "sql:"}, message) == 0);
    ASSERT(event_bus_add_source(p->bus, "shop", p->shop) == 0);
    struct event_consumer consumer = {
        .group = "follow", .source = "shop", .topic = "ship.events", .db = p->follower, .run = follow, .context = p};
    ASSERT(event_bus_add_consumer(p->bus, &consumer) == 0);
    struct workflow_engine_config config = {
        .url = "sql:", .db = p->shop, .types = types, .run_activity = run_activity, .context = p, .worker_count = 3};
    ASSERT(workflow_engine_open(&p->engine, &config, message) == 0);
    ASSERT(event_bus_start(p->bus) == 0);
    ASSERT(workflow_engine_start(p->engine) == 0);
}

static void close_process(struct process *p)
{
    workflow_engine_stop(p->engine);
    event_bus_stop(p->bus);
    sql_close(p->shop);
    sql_close(p->follower);
    workflow_engine_free(p->engine);
    event_bus_free(p->bus);
}

/* -- What it does -------------------------------------------------------------------------------------------------- */

struct order {
    struct process *p;
    int number;
    char id[16];
};

static int start_closure(struct sql_tx *tx, void *argument)
{
    struct order *order = argument;
    Orders__PlaceOrder input = ORDERS__PLACE_ORDER__INIT;
    input.has_payment_timeout_ms = true;
    input.payment_timeout_ms = order->number % 2 == 0 ? WAIT_NS / CLOCK_NS_PER_MS : 100;
    struct workflow_start start = {
        .type = &ship, .id = str_from_cstr(order->id), .tenant = STR("default"), .input = &input.base};
    return workflow_start(order->p->engine, tx, &start);
}

static int signal_closure(struct sql_tx *tx, void *argument)
{
    struct order *order = argument;
    return workflow_signal(order->p->engine, tx, str_from_cstr(order->id), "go", NULL);
}

static void run_order(void *argument)
{
    struct order *order = argument;
    int error = sql_write(order->p->shop, start_closure, order);
    ASSERT(error == 0 || error == ERR_CONFLICT);
    if (order->number % 2 == 0) {
        error = sql_write(order->p->shop, signal_closure, order);
        ASSERT(error == 0 || error == ERR_NOT_FOUND);
    }
    enum workflow_status status;
    ASSERT(workflow_wait(order->p->engine, str_from_cstr(order->id), clock_monotonic_ns() + WAIT_NS, &status) == 0);
    ASSERT(status == (order->number % 2 == 0 ? WORKFLOW_COMPLETED : WORKFLOW_FAILED));
}

struct count_query {
    const char *name;
    int64_t count;
};

static int count_closure(struct sql_tx *tx, void *argument)
{
    struct count_query *query = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &workflow_sql_test_count_effects, SQL_ARGS(sql_cstr(query->name)), &rows));
    query->count = sql_get_int(rows, 0);
    return 0;
}

static int64_t count(struct sql_db *db, const char *name)
{
    struct count_query query = {.name = name};
    ASSERT(sql_read(db, count_closure, &query) == 0);
    return query.count;
}

static void process_main(void *argument, unsigned incarnation)
{
    struct process p = {0};
    open_process(&p, argument, incarnation);
    struct order orders[WORKFLOWS];
    struct task *tasks[WORKFLOWS];
    for (int i = 0; i < WORKFLOWS; i++) {
        orders[i] = (struct order){.p = &p, .number = i};
        snprintf(orders[i].id, sizeof(orders[i].id), "w%d", i);
        ASSERT(task_start(&tasks[i], "order", run_order, &orders[i]) == 0);
    }
    for (int i = 0; i < WORKFLOWS; i++)
        task_join(tasks[i]);
    ASSERT(event_bus_settle(p.bus, clock_monotonic_ns() + WAIT_NS));
    ASSERT(count(p.shop, "record") == WORKFLOWS);
    ASSERT(count(p.shop, "finalise") == WORKFLOWS / 2);
    ASSERT(count(p.shop, "erase") == WORKFLOWS / 2);
    ASSERT(count(p.follower, "followed") == 2 * WORKFLOWS);
    close_process(&p);
}

/* -- Seeds --------------------------------------------------------------------------------------------------------- */

/* The disk for the next incarnation as kill -9 leaves it: the files, without what lived in memory alone. The
 * thrown-away incarnation's locks are on its own files. */
static void copy_file(const struct world *world, unsigned incarnation, const char *name)
{
    char from[2 * PATH_BYTES], to[2 * PATH_BYTES];
    snprintf(from, sizeof(from), "%s/%u/%s", world->folder, incarnation - 1, name);
    snprintf(to, sizeof(to), "%s/%u/%s", world->folder, incarnation, name);
    FILE *source = fopen(from, "rb");
    if (!source)
        return;
    FILE *target = fopen(to, "wb");
    ASSERT(target != NULL);
    char block[8192];
    size_t size;
    while ((size = fread(block, 1, sizeof(block), source)) > 0)
        ASSERT(fwrite(block, 1, size, target) == size);
    ASSERT(fclose(target) == 0);
    fclose(source);
}

static void make_folder(const struct world *world, unsigned incarnation)
{
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%u", world->folder, incarnation);
    ASSERT(mkdir(path, 0700) == 0);
}

static const char *const file_names[] = {"shop.db", "shop.db-wal", "follower.db", "follower.db-wal"};

static void on_crash(void *argument, unsigned incarnation)
{
    const struct world *world = argument;
    make_folder(world, incarnation);
    for (size_t i = 0; i < sizeof(file_names) / sizeof(file_names[0]); i++)
        copy_file(world, incarnation, file_names[i]);
}

static void remove_folders(const struct world *world)
{
    char path[2 * PATH_BYTES];
    for (unsigned incarnation = 0; incarnation <= CRASHES_MAX; incarnation++) {
        static const char *const others[] = {"shop.db-shm", "follower.db-shm"};
        for (size_t i = 0; i < 6; i++) {
            snprintf(path, sizeof(path), "%s/%u/%s", world->folder, incarnation, i < 4 ? file_names[i] : others[i - 4]);
            unlink(path);
        }
        snprintf(path, sizeof(path), "%s/%u", world->folder, incarnation);
        rmdir(path);
    }
    rmdir(world->folder);
}

/* 0 when the seed's history held. */
static int run_seed(uint64_t seed)
{
    struct world world;
    /* Nothing here depends on a real disk, whose fsync is the slowest part of a seed. */
    snprintf(world.folder, sizeof(world.folder), "%s/workflow-sim-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ASSERT(mkdtemp(world.folder) != NULL);
    pid_t child = fork();
    ASSERT(child >= 0);
    if (child == 0) {
        make_folder(&world, 0);
        struct simulator_options options = {.stay_permille = 500,
                                            .delay_permille = 5,
                                            .delay_max_ns = 5 * CLOCK_NS_PER_MS,
                                            .spurious_wake_permille = 10,
                                            .crash_per_million = seed % 4 == 0 ? 0 : 1000,
                                            .crash_max = CRASHES_MAX,
                                            .on_crash = on_crash};
        struct simulator_result result;
        simulator_run(seed, &options, process_main, &world, &result);
        if (result.end != SIMULATOR_FINISHED)
            fprintf(stderr, "seed %d: end %d after %d crashes\n%s\n", (int)seed, (int)result.end, (int)result.crashes,
                    result.report);
        if (getenv("SHOPSTREAM_TEST_VERBOSE"))
            fprintf(stderr, "seed %d: %d steps, %d crashes, trace %016llx\n", (int)seed, (int)result.steps,
                    (int)result.crashes, (unsigned long long)result.trace_hash);
        _exit(result.end == SIMULATOR_FINISHED ? 0 : 1);
    }
    int status;
    ASSERT(waitpid(child, &status, 0) == child);
    remove_folders(&world);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

static void test_workflow_simulated__every_seed_ends_with_each_effect_once(void **state)
{
    (void)state;
    const char *only = getenv("SHOPSTREAM_TEST_SEED");
    uint64_t first = only ? strtoull(only, NULL, 10) : 1;
    uint64_t last = only ? first : SEEDS_DEFAULT;
    for (uint64_t seed = first; seed <= last; seed++) {
        if (run_seed(seed) != 0)
            fail_msg("seed %d", (int)seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workflow_simulated__every_seed_ends_with_each_effect_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
