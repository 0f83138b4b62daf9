/* Who acts in the simulation. A service that joins brings a file of its own and a line here. */
#include "tests/simulation/simulation.h"

actor_fn *const actors[] = {guests_start,    customers_start, carts_start, keys_start, staff_start,
                            dashboard_start, followers_start, chaos_start, NULL};

struct acting {
    task_fn *fn;
    void *argument;
};

static void act(void *argument)
{
    struct acting *acting = argument;
    acting->fn(acting->argument);
    simulation.busy_actors--;
}

void actor_start(const char *name, task_fn *fn, void *argument)
{
    static struct acting all[PEOPLE_MAX * 4];
    static size_t count;
    struct task *task;
    ASSERT(count < sizeof(all) / sizeof(all[0]));
    all[count] = (struct acting){fn, argument};
    simulation.busy_actors++;
    ASSERT(task_start(&task, name, act, &all[count++]) == 0);
}
