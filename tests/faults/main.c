/* faults nothing|ports|allocations|arenas [--flow customer|guest] [--first N] [--last N] [--every N] [--only N]
 * [--jobs N] [--plant leak|lock|answer] */
#include "platform/base/log.h"
#include "platform/ports/sql/vfs_simulated.h"
#include "tests/faults/faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AFTERMATH_MS 3000
#define STEPS_MAX 1000000 /* a hundred times what a flow takes: whoever has not ended by then waits for ever */

static const struct {
    const char *name;
    void (*run)(struct shop *shop, const struct article *article);
} flows[FLOWS] = {[FLOW_CUSTOMER] = {"customer", customer_run}, [FLOW_GUEST] = {"guest", guest_run}};

/* What there is to fail: half of what was counted. Less would mean that it is not met any more, and that nothing of it
 * fails. */
static const struct {
    enum sweep_of of;
    const char *name;
    uint64_t least[FLOWS];
} kinds[] = {
    {SWEEP_PORTS, "fail", {317, 512}},
    {SWEEP_PORTS, "fail after", {146, 235}},
    {SWEEP_PORTS, "delay", {102, 154}},
    {SWEEP_PORTS, "repeat", {102, 154}},
    {SWEEP_PORTS, "sql.", {471, 769}},
    {SWEEP_PORTS, "events.", {56, 104}},
    {SWEEP_PORTS, "kv.", {38, 42}},
    {SWEEP_PORTS, "cache.", {32, 32}},
    {SWEEP_PORTS, "stream.", {6, 18}},
    {SWEEP_PORTS, "queue.", {34, 36}},
    {SWEEP_PORTS, "mail.", {4, 6}},
    {SWEEP_PORTS, "workflow.", {14, 36}},
    {SWEEP_PORTS, "idp.", {4, 0}},
    {SWEEP_PORTS, "psp.", {6, 10}},
    {SWEEP_ALLOCATIONS, "malloc", {82, 128}},
    {SWEEP_ALLOCATIONS, "calloc", {110, 152}},
    {SWEEP_ALLOCATIONS, "realloc", {62, 112}},
    {SWEEP_ALLOCATIONS, "strndup", {1, 1}},
    {SWEEP_ARENAS, "arena_alloc", {393, 725}},
    {SWEEP_ARENAS, "arena_alloc_array", {39, 79}},
    {SWEEP_ARENAS, "arena_copy", {178, 330}},
    {SWEEP_ARENAS, "arena_cstr", {175, 378}},
    {SWEEP_ARENAS, "arena_printf", {36, 54}},
    {SWEEP_ARENAS, "arena_vprintf", {1, 3}},
};

static struct shop shop;
static enum flow flow;

static void run(void *argument, unsigned incarnation)
{
    (void)argument;
    (void)incarnation;
    struct article article;
    shop_start(&shop);
    customer_prepare(&shop, &article);
    sweep_arm(true);
    flows[flow].run(&shop, &article);
    sweep_at("the aftermath");
    task_sleep_ms(AFTERMATH_MS);
    sweep_arm(false);
    audit(&shop, flow);
    sweep_at("the stop");
    shop_stop(&shop);
}

static void part(void)
{
    shop_part_mails(&shop);
}

static void check_end(const struct simulator_result *result)
{
    static const char *const ends[] = {"finished", "stopped", "deadlock", "step limit"};
    if (result->end != SIMULATOR_FINISHED || result->unjoined > 0)
        violated("every task comes to its end", "%s, %u not joined\n%s", ends[result->end], result->unjoined,
                 result->report);
    if (allocations_live() > 0) {
        allocations_report();
        violated("what was allocated is freed", "%zu blocks are not", allocations_live());
    }
}

static _Noreturn void usage(void)
{
    fprintf(stderr, "usage: faults nothing|ports|allocations|arenas [--flow customer|guest] [--first N] [--last N] "
                    "[--every N] [--only N] [--jobs N] [--plant leak|lock|answer]\n");
    exit(2);
}

static bool take_flow(const char *name)
{
    for (int i = 0; i < FLOWS; i++) {
        if (name && strcmp(name, flows[i].name) == 0) {
            flow = (enum flow)i;
            return true;
        }
    }
    return false;
}

static struct sweep_options parse(int argc, char **argv)
{
    struct sweep_options options = {
        .part = part, .first = 1, .every = 1, .last = UINT64_MAX, .jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};
    static const struct {
        const char *name;
        enum sweep_of of;
    } sweeps[] = {{"nothing", SWEEP_NOTHING},
                  {"ports", SWEEP_PORTS},
                  {"allocations", SWEEP_ALLOCATIONS},
                  {"arenas", SWEEP_ARENAS}};
    bool is_known = false;
    for (size_t i = 0; argc > 1 && i < sizeof(sweeps) / sizeof(sweeps[0]); i++) {
        if (strcmp(argv[1], sweeps[i].name) == 0) {
            options.of = sweeps[i].of;
            is_known = true;
        }
    }
    for (int i = 2; i < argc; i += 2) {
        uint64_t number = i + 1 < argc ? strtoull(argv[i + 1], NULL, 10) : 0;
        if (number > 0 && strcmp(argv[i], "--every") == 0)
            options.every = number;
        else if (number > 0 && strcmp(argv[i], "--first") == 0)
            options.first = number;
        else if (number > 0 && strcmp(argv[i], "--last") == 0)
            options.last = number;
        else if (number > 0 && strcmp(argv[i], "--only") == 0)
            options.only = number;
        else if (number > 0 && strcmp(argv[i], "--jobs") == 0)
            options.jobs = (unsigned)number;
        else if (strcmp(argv[i], "--flow") == 0 ? !take_flow(argv[i + 1])
                                                : strcmp(argv[i], "--plant") != 0 || !plant_set(argv[i + 1]))
            usage();
    }
    if (!is_known)
        usage();
    return options;
}

/* Nothing that failed is no proof: whether of a kind there was too little, or of all of them nothing was chosen. */
static bool is_poor(enum sweep_of of, uint64_t children)
{
    bool is_any = of != SWEEP_NOTHING && children == 0;
    if (is_any)
        printf("nothing was failed\n");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].of != of)
            continue;
        uint64_t count = sweep_count(kinds[i].name), least = kinds[i].least[flow];
        if (count >= least)
            continue;
        printf("too little to fail: %s, %" PRIu64 ", which is to be %" PRIu64 " at least\n", kinds[i].name, count,
               least);
        is_any = true;
    }
    return is_any;
}

int main(int argc, char **argv)
{
    const struct sweep_options options = parse(argc, argv);
    const struct simulator_options simulation = {.stay_permille = 1000, .step_max = STEPS_MAX};
    struct simulator_result result;
    uint64_t things, children, failed;
    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    sweep_set(&options);
    simulated_disk_configure_sqlite();
    ASSERT(simulated_disk_new(FAULTS_VFS));
    simulator_run(1, &simulation, run, NULL, &result);
    check_end(&result);
    if (sweep_is_child())
        _exit(0);
    sweep_end(&things, &children, &failed);
    bool was_poor = is_poor(options.of, children);
    printf("%s of the %s: %" PRIu64 " of %" PRIu64 " failed once each, %" PRIu64 " violations; %" PRIu64
           " steps without a fault\n",
           argv[1], flows[flow].name, children, things, failed, result.steps);
    return failed > 0 || was_poor;
}
