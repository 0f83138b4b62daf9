/* What goes wrong: crashes at any step, a disk that is full, fails or is slow, a network that loses, repeats and
 * delays, mails that are refused, a clock that is moved, a machine that sleeps. Each seed draws which of these it has,
 * and how much of each: a history with few kinds of faults goes deeper into them than one with a bit of all. */
#include "tests/simulation/simulation.h"

#include <inttypes.h>
#include <stdio.h>

#define SECOND_MS INT64_C(1000)
#define HOUR_MS (INT64_C(3600) * SECOND_MS)
#define DAY_MS (24 * HOUR_MS)
#define YEAR_MS (365 * DAY_MS)
#define FAR_MS (100 * DAY_MS) /* off by a year, more or less */
#define CRASH_STEPS_MAX 3000
#define WEIGHT_MAX 6
#define LATE_TURNS_MAX 500 /* of the chaos, for what a seed still lacks when everybody has done */
#define REFUND_FAULTS_MAX 5
#define BODY_BYTES 200
#define LATEST_MS (40 * SECOND_MS) /* by then every request has come to its end */

struct span {
    int64_t size_ms;
    enum struck kind; /* that it is counted as */
};

static void move_clock(int64_t change_ms, enum struck kind)
{
    simulation.clock_off_ms += change_ms;
    simulation.clock_moves++;
    simulation.struck.kinds[kind]++;
    simulator_step_wall_clock(change_ms);
    note("the clock is moved by %lld s", (long long)(change_ms / SECOND_MS));
}

/* The disk is as it is for a while, which counts where somebody met it, and is whole again. */
static void keep_disk_so(struct simulation *sim, int64_t most_ms, enum struck kind)
{
    uint64_t before = simulated_disk_counts(sim->shop_disk)->faults;
    sleep_between_ms(100, most_ms);
    sim->struck.kinds[kind] += simulated_disk_counts(sim->shop_disk)->faults > before;
    *simulated_disk_faults(sim->shop_disk) = (struct simulated_disk_faults){0};
}

static void fill_disk(struct simulation *sim)
{
    note("the disk is full");
    simulated_disk_faults(sim->shop_disk)->is_full = true;
    keep_disk_so(sim, 6000, STRUCK_DISK_FULL);
}

static void break_disk(struct simulation *sim)
{
    struct simulated_disk_faults *faults = simulated_disk_faults(sim->shop_disk);
    note("the disk fails");
    faults->write_error_permille = (unsigned)random_between(0, 60);
    faults->sync_error_permille = (unsigned)random_between(0, 100);
    faults->read_error_permille = (unsigned)random_between(0, 10);
    keep_disk_so(sim, 4000, STRUCK_DISK_FAILED);
}

static void slow_disk(struct simulation *sim)
{
    struct simulated_disk_faults *faults = simulated_disk_faults(sim->shop_disk);
    note("the disk is slow");
    faults->slow_permille = (unsigned)random_between(10, 300);
    faults->slow_max_ns = random_between(1, 200) * CLOCK_NS_PER_MS;
    keep_disk_so(sim, 4000, STRUCK_DISK_SLOW);
}

static void shake_network(struct simulation *sim)
{
    (void)sim;
    *simulated_network_faults() = (struct simulated_network_faults){
        .refused_permille = (unsigned)random_between(0, 100),
        .request_lost_permille = (unsigned)random_between(0, 60),
        .request_late_permille = (unsigned)random_between(0, 60),
        .answer_lost_permille = (unsigned)random_between(0, 120),
        .repeated_permille = (unsigned)random_between(0, 120),
        .delayed_permille = (unsigned)random_between(0, 400),
        .delay_max_ns = random_between(1, 3000) * CLOCK_NS_PER_MS,
    };
}

static void crash_soon(struct simulation *sim)
{
    (void)sim;
    simulator_crash_at(simulator_steps() + 1 + simulator_random_below(CRASH_STEPS_MAX));
}

/* The machine sleeps at any moment. Reservations, tokens and codes end meanwhile. */
static void sleep_a_while(struct simulation *sim)
{
    static const struct span spans[] = {
        {20 * SECOND_MS, SLEPT_20_S}, {20 * 60 * SECOND_MS, SLEPT_20_MIN}, {2 * HOUR_MS, SLEPT_2_H}};
    struct span span = spans[simulator_random_below(sizeof(spans) / sizeof(spans[0]))];
    note("everything sleeps for %lld s", (long long)(span.size_ms / SECOND_MS));
    sim->struck.kinds[span.kind]++;
    simulator_skip_time(span.size_ms * CLOCK_NS_PER_MS);
}

/* The network comes back whole, a little later. */
void skip_in_quiet(struct simulation *sim, int64_t size_ms)
{
    *simulated_network_faults() = (struct simulated_network_faults){.refused_permille = 1000};
    sim->is_offline = true;
    task_sleep_ms(LATEST_MS);
    note("nothing happens for %lld hours", (long long)(size_ms / HOUR_MS));
    simulator_skip_time(size_ms * CLOCK_NS_PER_MS);
    task_sleep_ms(2 * SECOND_MS);
    sim->is_offline = false;
    *simulated_network_faults() = (struct simulated_network_faults){0};
}

/* For so long that keys end, too. */
static void skip_days(struct simulation *sim)
{
    static const struct span spans[] = {{25 * HOUR_MS, SLEPT_25_H}, {8 * DAY_MS, SLEPT_8_D}, {31 * DAY_MS, SLEPT_31_D}};
    struct span span = spans[simulator_random_below(sizeof(spans) / sizeof(spans[0]))];
    sim->struck.kinds[span.kind]++;
    skip_in_quiet(sim, span.size_ms);
    shake_network(sim);
}

/* The provider gives money back, and nobody hears of it before the provider has forgotten the keys it was asked by. */
static void mute_refunds(struct simulation *sim)
{
    note("nobody hears of refunds");
    provider_ask("/test/faults", "application/json",
                 "{\"path\":\"/v1/refunds\",\"timeout_after_success\":100,\"webhook_drop\":4,\"hold_ms\":100}");
    sleep_between_ms(2000, 20000);
    skip_days(sim);
    provider_ask("/test/faults", "application/json", "{\"timeout_after_success\":0,\"webhook_drop\":0}");
}

static void step_clock(struct simulation *sim)
{
    static const struct span spans[] = {{SECOND_MS, STRUCK_CLOCK_SECOND},
                                        {SECOND_MS, STRUCK_CLOCK_SECOND},
                                        {60 * SECOND_MS, STRUCK_CLOCK_MINUTE},
                                        {HOUR_MS, STRUCK_CLOCK_HOUR}};
    struct span span = spans[simulator_random_below(sizeof(spans) / sizeof(spans[0]))];
    (void)sim;
    move_clock(random_permille(500) ? span.size_ms : -span.size_ms, span.kind);
}

/* By a year, whatever is under way, and back again: after a moment or some minutes, or at the end. */
static void step_year(struct simulation *sim)
{
    bool is_back = sim->clock_off_ms > FAR_MS || (sim->clock_off_ms > -FAR_MS && random_permille(500));
    move_clock(is_back ? -YEAR_MS : YEAR_MS, STRUCK_CLOCK_YEAR);
    if (random_permille(300))
        return;
    sleep_between_ms(10, random_permille(500) ? 20 * SECOND_MS : 20 * 60 * SECOND_MS);
    move_clock(-sim->clock_off_ms, STRUCK_CLOCK_RIGHT);
}

/* The provider refuses refunds, or makes them and sends the money back later. So few that what is owed is not left
 * alone for longer than the calm lasts. */
static void fail_refunds(struct simulation *sim)
{
    char body[BODY_BYTES];
    int64_t refused = random_between(0, 2), sent_back = random_between(0, 2), later_ms = random_between(1, LATEST_MS);
    if (sim->refund_faults + refused + sent_back > REFUND_FAULTS_MAX)
        return;
    snprintf(body, sizeof(body),
             "{\"errors\":%" PRId64 ",\"error_status\":400,\"path\":\"/v1/refunds\",\"refund_failures\":%" PRId64
             ",\"refund_turn_ms\":%" PRId64 "}",
             refused, sent_back, later_ms);
    sim->refund_faults += refused + sent_back;
    note("the provider refuses %" PRId64 " refunds, and sends back %" PRId64, refused, sent_back);
    provider_ask("/test/faults", "application/json", body);
}

static void rest(struct simulation *sim)
{
    (void)sim;
}

/* -- The seed's mixture -------------------------------------------------------------------------------------------- */

static const struct {
    void (*fn)(struct simulation *sim);
    int64_t least; /* of its weight */
} kinds[] = {
    {fill_disk, 0},  {break_disk, 0},    {slow_disk, 0}, {shake_network, 0}, {step_clock, 0},   {step_year, 0},
    {crash_soon, 1}, {sleep_a_while, 0}, {skip_days, 0}, {fail_refunds, 0},  {mute_refunds, 0}, {rest, 1},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool has_too_few(void)
{
    const struct faults_struck struck = faults_struck();
    return faults_sum(&struck) < FAULTS_MIN;
}

static void wreak(void *argument)
{
    struct simulation *sim = argument;
    int64_t weights[KINDS], sum = 0;
    for (size_t i = 0; i < KINDS; i++) {
        weights[i] = random_permille(300) ? kinds[i].least : random_between(kinds[i].least, WEIGHT_MAX);
        sum += weights[i];
    }
    shake_network(sim);
    for (int late = 0; sim->busy_actors > 0 || (has_too_few() && late < LATE_TURNS_MAX);
         late += sim->busy_actors == 0) {
        int64_t drawn = random_between(0, sum - 1);
        size_t kind = 0;
        while (drawn >= weights[kind])
            drawn -= weights[kind++];
        kinds[kind].fn(sim);
        sleep_between_ms(10, 8000);
    }
    sim->is_chaotic = false;
    sim->working--;
}

void chaos_start(struct simulation *sim)
{
    struct task *task;
    faults_draw();
    sim->is_faulty = sim->is_chaotic = true;
    sim->working++;
    ASSERT(task_start(&task, "chaos", wreak, sim) == 0);
}

/* Everything is whole again, and the clock right. */
void chaos_end(struct simulation *sim)
{
    simulator_crash_at(0);
    *simulated_disk_faults(sim->shop_disk) = (struct simulated_disk_faults){0};
    *simulated_network_faults() = (struct simulated_network_faults){0};
    provider_ask("/test/faults", "application/json", "{\"errors\":0,\"refund_failures\":0}");
    if (sim->clock_off_ms)
        move_clock(-sim->clock_off_ms, STRUCK_CLOCK_RIGHT);
    sim->is_faulty = false;
}
