/* faults nothing|ports|allocations|arenas [--flow customer|guest] [--first N] [--last N] [--every N] [--only N] [--jobs
 * N] */
#include "platform/base/log.h"
#include "platform/ports/sql/vfs_simulated.h"
#include "tests/faults/faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AFTERMATH_MS 3000

static const struct {
    const char *name;
    void (*run)(struct shop *shop, const struct article *article);
} flows[FLOWS] = {[FLOW_CUSTOMER] = {"customer", customer_run}, [FLOW_GUEST] = {"guest", guest_run}};

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
                    "[--every N] [--only N] [--jobs N]\n");
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
        else if (strcmp(argv[i], "--flow") != 0 || !take_flow(argv[i + 1]))
            usage();
    }
    if (!is_known)
        usage();
    return options;
}

int main(int argc, char **argv)
{
    const struct sweep_options options = parse(argc, argv);
    const struct simulator_options simulation = {.stay_permille = 1000};
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
    printf("%s of the %s: %" PRIu64 " of %" PRIu64 " failed once each, %" PRIu64 " violations; %" PRIu64
           " steps without a fault\n",
           argv[1], flows[flow].name, children, things, failed, result.steps);
    return failed > 0;
}
