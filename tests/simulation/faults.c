/* What the shop's ports meet: calls that fail, are late, are made twice, or whose answer is lost. Each seed draws how
 * often, port by port; whether a call is struck is drawn when it is made, in whatever incarnation. And how often each
 * kind of fault struck, which is less than was drawn or asked for. */
#include "tests/simulation/simulation.h"

#include <inttypes.h>
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
    sim->struck.ports[port][ret_rule->kind]++;
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

/* What strikes less often than this in 1000 seeds is missed: a tenth of what was measured. */
static const struct {
    const char *name;
    uint64_t least;
    bool is_fault; /* and not counted as another already */
} kinds[STRUCK_KINDS] = {
    [STRUCK_CRASH] = {"crashes", 186, true},
    [STRUCK_BOOT] = {"boots", 48, false},
    [STRUCK_LOSS] = {"crashes that took writes", 22, true},
    [STRUCK_DROPPED] = {"writes dropped", 232, false},
    [STRUCK_TORN] = {"writes torn", 81, false},
    [STRUCK_SPOILT] = {"writes spoilt", 44, false},
    [STRUCK_DISK_FULL] = {"disk full", 82, true},
    [STRUCK_DISK_FAILED] = {"disk failing", 61, true},
    [STRUCK_DISK_SLOW] = {"disk slow", 83, true},
    [STRUCK_CLOCK_SECOND] = {"clock by a second", 46, true},
    [STRUCK_CLOCK_MINUTE] = {"clock by a minute", 27, true},
    [STRUCK_CLOCK_HOUR] = {"clock by an hour", 41, true},
    [STRUCK_CLOCK_YEAR] = {"clock by a year", 83, true},
    [STRUCK_CLOCK_RIGHT] = {"clock set right", 98, true},
    [STRUCK_REFUSED] = {"network: refused", 6145, true},
    [STRUCK_REQUEST_LOST] = {"network: request lost", 641, true},
    [STRUCK_REQUEST_LATE] = {"network: request late", 609, true},
    [STRUCK_ANSWER_LOST] = {"network: answer lost", 1217, true},
    [STRUCK_REPEATED] = {"network: repeated", 1262, true},
    [STRUCK_DELAYED] = {"network: delayed", 4259, true},
    [STRUCK_SHOP_ANSWER_LOST] = {"answer to a customer lost", 744, true},
    [SLEPT_20_S] = {"slept 20 s", 33, false},
    [SLEPT_20_MIN] = {"slept 20 min", 36, false},
    [SLEPT_2_H] = {"slept 2 h", 34, false},
    [SLEPT_25_H] = {"slept 25 h", 22, false},
    [SLEPT_8_D] = {"slept 8 days", 28, false},
    [SLEPT_31_D] = {"slept 31 days", 26, false},
    [ENDED_RESERVATION] = {"reservations that ended", 122, false},
    [ENDED_KEY] = {"keys that ended", 275, false},
    [ENDED_TOKEN] = {"tokens that ended", 172, false},
    [ENDED_REFUND_KEY] = {"refunds' keys that ended", 15, false},
    [ENDED_REFRESH_TOKEN] = {"refresh tokens that ended", 182, false},
};

/* The same of the ports: of calls that fail, fail after, are late, are made twice. 0: its promise rules that out. */
static const uint64_t port_least[FAULT_PORTS][FAULT_KINDS] = {
    [FAULT_SQL] = {740, 83, 53, 51},      [FAULT_EVENTS] = {168, 132, 111, 0}, [FAULT_KV] = {206, 209, 223, 122},
    [FAULT_CACHE] = {167, 167, 178, 161}, [FAULT_STREAM] = {56, 58, 58, 35},   [FAULT_QUEUE] = {203, 186, 198, 166},
    [FAULT_MAIL] = {62, 26, 28, 28},      [FAULT_WORKFLOW] = {45, 55, 41, 52}, [FAULT_IDP] = {15, 21, 19, 17},
    [FAULT_PSP] = {60, 67, 68, 76},
};

struct faults_struck faults_struck(void)
{
    struct faults_struck struck = simulation.struck;
    const struct simulated_network_counts *network = simulated_network_counts();
    const struct simulated_disk_counts *disk = simulated_disk_counts(simulation.shop_disk);
    struck.kinds[STRUCK_CRASH] = simulator_incarnation();
    struck.kinds[STRUCK_BOOT] = simulator_boots();
    struck.kinds[STRUCK_DROPPED] = disk->dropped_writes;
    struck.kinds[STRUCK_TORN] = disk->torn_writes;
    struck.kinds[STRUCK_SPOILT] = disk->spoilt_writes;
    struck.kinds[STRUCK_REFUSED] = network->refused;
    struck.kinds[STRUCK_REQUEST_LOST] = network->request_lost;
    struck.kinds[STRUCK_REQUEST_LATE] = network->request_late;
    struck.kinds[STRUCK_ANSWER_LOST] = network->answer_lost;
    struck.kinds[STRUCK_REPEATED] = network->repeated;
    struck.kinds[STRUCK_DELAYED] = network->delayed;
    return struck;
}

void faults_add(struct faults_struck *sum, const struct faults_struck *struck)
{
    for (int port = 0; port < FAULT_PORTS; port++) {
        for (int kind = 0; kind < FAULT_KINDS; kind++)
            sum->ports[port][kind] += struck->ports[port][kind];
    }
    for (int kind = 0; kind < STRUCK_KINDS; kind++)
        sum->kinds[kind] += struck->kinds[kind];
}

uint64_t faults_sum(const struct faults_struck *struck)
{
    uint64_t sum = 0;
    for (int kind = 0; kind < STRUCK_KINDS; kind++)
        sum += kinds[kind].is_fault ? struck->kinds[kind] : 0;
    for (int port = 0; port < FAULT_PORTS; port++) {
        for (int kind = 0; kind < FAULT_KINDS; kind++)
            sum += struck->ports[port][kind];
    }
    return sum;
}

void faults_show(const struct faults_struck *struck)
{
    printf("what struck: ");
    for (int kind = 0; kind < STRUCK_KINDS; kind++)
        printf("%s%s %" PRIu64, kind > 0 ? ", " : "", kinds[kind].name, struck->kinds[kind]);
    printf("\ncalls that fail, fail after, are late, repeated:");
    for (int port = FAULT_ANY_PORT + 1; port < FAULT_PORTS; port++) {
        const uint64_t *of = struck->ports[port];
        printf("%s %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, port > FAULT_ANY_PORT + 1 ? "," : "",
               fault_port_name((enum fault_port)port), of[FAULT_FAIL], of[FAULT_FAIL_AFTER], of[FAULT_DELAY],
               of[FAULT_REPEAT]);
    }
    printf("\n");
}

static bool is_rare(const char *name, const char *how, uint64_t struck, uint64_t least, uint64_t seeds)
{
    bool is_rare = struck < least * seeds / 1000;
    if (is_rare)
        printf("too little struck: %s%s, %" PRIu64 " times, which is to be %" PRIu64 " at least\n", name, how, struck,
               least * seeds / 1000);
    return is_rare;
}

bool faults_are_rare(const struct faults_struck *struck, uint64_t seeds)
{
    bool is_any = false;
    for (int kind = 0; kind < STRUCK_KINDS; kind++)
        is_any |= is_rare(kinds[kind].name, "", struck->kinds[kind], kinds[kind].least, seeds);
    for (int port = FAULT_ANY_PORT + 1; port < FAULT_PORTS; port++) {
        for (int kind = 0; kind < FAULT_KINDS; kind++) {
            char how[16];
            snprintf(how, sizeof(how), ": %s", fault_kind_name((enum fault_kind)kind));
            is_any |= is_rare(fault_port_name((enum fault_port)port), how, struck->ports[port][kind],
                              port_least[port][kind], seeds);
        }
    }
    return is_any;
}
