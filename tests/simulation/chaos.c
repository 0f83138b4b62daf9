/* What goes wrong: crashes at any step, a disk that is full, fails or is slow, a network that loses, repeats and
 * delays, a clock that is moved. */
#include "tests/simulation/simulation.h"

#define HOUR_MS (INT64_C(3600) * 1000)
#define CRASH_STEPS_MAX 3000

static int64_t clock_moved_ms;

static void move_clock(int64_t change_ms)
{
    note("the clock is moved by %lld ms", (long long)change_ms);
    clock_moved_ms += change_ms;
    simulator_step_wall_clock(change_ms);
}

static void crash_soon(struct simulation *sim)
{
    sim->crashes_asked++;
    simulator_crash_at(simulator_steps() + 1 + simulator_random_below(CRASH_STEPS_MAX));
}

static void fill_disk(struct simulation *sim)
{
    simulated_disk_faults(sim->shop_disk)->is_full = true;
    sleep_between_ms(100, 6000);
    simulated_disk_faults(sim->shop_disk)->is_full = false;
}

static void break_disk(struct simulation *sim)
{
    struct simulated_disk_faults *faults = simulated_disk_faults(sim->shop_disk);
    faults->write_error_permille = (unsigned)random_between(0, 60);
    faults->sync_error_permille = (unsigned)random_between(0, 100);
    faults->read_error_permille = (unsigned)random_between(0, 10);
    sleep_between_ms(100, 4000);
    *faults = (struct simulated_disk_faults){0};
}

static void slow_disk(struct simulation *sim)
{
    struct simulated_disk_faults *faults = simulated_disk_faults(sim->shop_disk);
    faults->slow_permille = (unsigned)random_between(10, 300);
    faults->slow_max_ns = random_between(1, 200) * CLOCK_NS_PER_MS;
    sleep_between_ms(100, 4000);
    *faults = (struct simulated_disk_faults){0};
}

static void shake_network(void)
{
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

static void step_clock(void)
{
    static const int64_t sizes_ms[] = {1000, 1000, 60000, HOUR_MS};
    int64_t size_ms = sizes_ms[simulator_random_below(sizeof(sizes_ms) / sizeof(sizes_ms[0]))];
    move_clock(random_permille(500) ? size_ms : -size_ms);
}

static void wreak(void *argument)
{
    struct simulation *sim = argument;
    shake_network();
    while (sim->shoppers_left > 0) {
        sim->faults_asked++;
        switch (simulator_random_below(10)) {
        case 0:
            fill_disk(sim);
            break;
        case 1:
            break_disk(sim);
            break;
        case 2:
            slow_disk(sim);
            break;
        case 3:
            shake_network();
            break;
        case 4:
            step_clock();
            break;
        case 5:
        case 6:
        case 7:
            crash_soon(sim);
            break;
        default:
            break;
        }
        sleep_between_ms(10, 8000);
    }
    sim->is_chaotic = false;
}

void chaos_start(struct simulation *sim)
{
    struct task *task;
    sim->is_faulty = sim->is_chaotic = true;
    ASSERT(task_start(&task, "chaos", wreak, sim) == 0);
}

/* Everything is whole again, and the clock right. */
void chaos_end(struct simulation *sim)
{
    simulator_crash_at(0);
    *simulated_disk_faults(sim->shop_disk) = (struct simulated_disk_faults){0};
    *simulated_network_faults() = (struct simulated_network_faults){0};
    move_clock(-clock_moved_ms);
    sim->is_faulty = false;
}
