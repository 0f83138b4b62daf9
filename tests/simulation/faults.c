/* What the shop's ports meet: calls that fail, are late, are made twice, or whose answer is lost. Each seed draws how
 * often, port by port; whether a call is struck is drawn when it is made, in whatever incarnation. And how many faults
 * of every kind struck, which is less than was drawn or asked for. */
#include "tests/simulation/simulation.h"

#include <stdio.h>

#define MILLION 1000000
#define QUIET_PERMILLE 250 /* of the ports a seed leaves alone */
#define DELAY_MAX_MS 2000

/* What a port's own promise allows (fault.h). A write of sql.h that was kept is never said to have failed; a statement
 * that failed fails its transaction, whatever it did; and what is written in the caller's transaction, as a message to
 * a queue, is not written twice by a client that heard no answer. */
static const struct fault_rule faults[] = {
    {.port = FAULT_SQL, .call = "write", .kind = FAULT_FAIL},
    {.port = FAULT_SQL, .call = "write", .kind = FAULT_DELAY},
    {.port = FAULT_SQL, .call = "write", .kind = FAULT_REPEAT}, /* as an engine does whose transactions collide */
    {.port = FAULT_SQL, .call = "read", .kind = FAULT_FAIL},
    {.port = FAULT_SQL, .call = "read", .kind = FAULT_FAIL_AFTER},
    {.port = FAULT_SQL, .call = "read", .kind = FAULT_DELAY},
    {.port = FAULT_SQL, .call = "read", .kind = FAULT_REPEAT},
    {.port = FAULT_SQL, .call = "exec", .kind = FAULT_FAIL},
    {.port = FAULT_SQL, .call = "exec", .kind = FAULT_FAIL_AFTER},
    {.port = FAULT_SQL, .call = "query", .kind = FAULT_FAIL},
    {.port = FAULT_SQL, .call = "next", .kind = FAULT_FAIL},
    {.port = FAULT_EVENTS, .call = "append", .kind = FAULT_FAIL},
    {.port = FAULT_EVENTS, .call = "append", .kind = FAULT_FAIL_AFTER},
    {.port = FAULT_EVENTS, .call = "handle", .kind = FAULT_FAIL},
    {.port = FAULT_EVENTS, .call = "handle", .kind = FAULT_FAIL_AFTER},
    {.port = FAULT_EVENTS, .call = "handle", .kind = FAULT_DELAY},
    {.port = FAULT_EVENTS, .call = "wake", .kind = FAULT_FAIL},
    {.port = FAULT_EVENTS, .call = "wake", .kind = FAULT_DELAY},
    {.port = FAULT_EVENTS, .call = "trim", .kind = FAULT_FAIL},
    {.port = FAULT_KV, .kind = FAULT_FAIL},
    {.port = FAULT_KV, .kind = FAULT_FAIL_AFTER},
    {.port = FAULT_KV, .kind = FAULT_DELAY},
    {.port = FAULT_KV, .call = "get", .kind = FAULT_REPEAT},
    {.port = FAULT_CACHE, .kind = FAULT_FAIL},
    {.port = FAULT_CACHE, .kind = FAULT_FAIL_AFTER},
    {.port = FAULT_CACHE, .kind = FAULT_DELAY},
    {.port = FAULT_CACHE, .kind = FAULT_REPEAT},
    {.port = FAULT_STREAM, .kind = FAULT_FAIL},
    {.port = FAULT_STREAM, .kind = FAULT_FAIL_AFTER},
    {.port = FAULT_STREAM, .kind = FAULT_DELAY},
    {.port = FAULT_STREAM, .call = "read", .kind = FAULT_REPEAT},
    {.port = FAULT_QUEUE, .kind = FAULT_FAIL},
    {.port = FAULT_QUEUE, .kind = FAULT_FAIL_AFTER},
    {.port = FAULT_QUEUE, .kind = FAULT_DELAY},
    {.port = FAULT_QUEUE, .call = "claim", .kind = FAULT_REPEAT},
    {.port = FAULT_MAIL, .kind = FAULT_FAIL},
    {.port = FAULT_MAIL, .kind = FAULT_FAIL, .error = ERR_STORAGE_FULL},
    {.port = FAULT_MAIL, .kind = FAULT_FAIL_AFTER},
    {.port = FAULT_MAIL, .kind = FAULT_DELAY},
    {.port = FAULT_MAIL, .kind = FAULT_REPEAT},
    {.port = FAULT_WORKFLOW, .kind = FAULT_FAIL},
    {.port = FAULT_WORKFLOW, .kind = FAULT_FAIL_AFTER},
    {.port = FAULT_WORKFLOW, .kind = FAULT_DELAY},
    {.port = FAULT_WORKFLOW, .kind = FAULT_REPEAT},
    {.port = FAULT_IDP, .kind = FAULT_FAIL},
    {.port = FAULT_IDP, .kind = FAULT_FAIL_AFTER},
    {.port = FAULT_IDP, .kind = FAULT_DELAY},
    {.port = FAULT_IDP, .kind = FAULT_REPEAT},
    {.port = FAULT_PSP, .kind = FAULT_FAIL},
    {.port = FAULT_PSP, .kind = FAULT_FAIL_AFTER},
    {.port = FAULT_PSP, .kind = FAULT_DELAY},
    {.port = FAULT_PSP, .kind = FAULT_REPEAT},
};

#define FAULTS (sizeof(faults) / sizeof(faults[0]))

/* Of a million calls, at the most: a port that is called often has so few that what asks again comes through. */
static const int64_t rate_max[FAULT_PORTS] = {
    [FAULT_SQL] = 1500,     [FAULT_EVENTS] = 20000, [FAULT_KV] = 50000,    [FAULT_CACHE] = 50000,
    [FAULT_STREAM] = 50000, [FAULT_QUEUE] = 30000,  [FAULT_MAIL] = 200000, [FAULT_WORKFLOW] = 50000,
    [FAULT_IDP] = 100000,   [FAULT_PSP] = 50000,
};

static int64_t rates[FAULT_PORTS]; /* of this seed */

void faults_draw(void)
{
    for (int port = 0; port < FAULT_PORTS; port++)
        rates[port] = random_permille(QUIET_PERMILLE) || !rate_max[port] ? 0 : random_between(1, rate_max[port]);
}

static bool is_of(const struct fault_rule *fault, enum fault_port port, const char *call)
{
    return fault->port == port && (!fault->call || strcmp(fault->call, call) == 0);
}

static bool choose(void *context, enum fault_port port, const char *call, struct fault_rule *ret_rule)
{
    struct simulation *sim = context;
    uint64_t count = 0;
    if (!sim->is_faulty || !rates[port] || random_between(0, MILLION - 1) >= rates[port])
        return false;
    for (size_t i = 0; i < FAULTS; i++)
        count += is_of(&faults[i], port, call);
    if (count == 0)
        return false;
    uint64_t drawn = simulator_random_below(count);
    size_t i = 0;
    while (!is_of(&faults[i], port, call) || drawn-- > 0)
        i++;
    *ret_rule = faults[i];
    ret_rule->delay_ms = random_between(1, DELAY_MAX_MS);
    sim->struck.ports[port]++;
    note("%s %s: %s", fault_port_name(port), call, fault_kind_name(ret_rule->kind));
    return true;
}

/* It is never freed: a crash leaves nobody who could, and a seed is a process. */
struct fault_plan *faults_plan(struct simulation *sim)
{
    struct fault_plan *plan = fault_plan_new();
    ASSERT(plan);
    fault_plan_choose(plan, choose, sim);
    return plan;
}

/* -- What struck --------------------------------------------------------------------------------------------------- */

struct faults_struck faults_struck(void)
{
    struct faults_struck struck = simulation.struck;
    struck.network = simulated_network_counts()->faults;
    struck.clock = simulation.clock_steps;
    return struck;
}

uint64_t faults_sum(const struct faults_struck *struck)
{
    uint64_t sum = struck->network + struck->answers + struck->crashes + struck->losses + struck->clock + struck->disk;
    for (int port = 0; port < FAULT_PORTS; port++)
        sum += struck->ports[port];
    return sum;
}
