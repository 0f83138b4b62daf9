/* Bugs on purpose, around the shop's code and never in it: each is what a failure may leave behind that somebody took
 * badly, and comes once, in a child, after the thing that failed there. run.sh checks that they are found. */
#include "tests/faults/faults.h"

static const char *const names[] = {
    [PLANT_NONE] = "none", [PLANT_LEAK] = "leak", [PLANT_LOCK] = "lock", [PLANT_ANSWER] = "answer"};

static enum plant planted;

bool plant_set(const char *name)
{
    for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            planted = (enum plant)i;
            return true;
        }
    }
    return false;
}

bool plant_comes(enum plant plant)
{
    bool comes = planted == plant && sweep_is_child();
    if (comes)
        planted = PLANT_NONE;
    return comes;
}

void __wrap_task_mutex_unlock(struct task_mutex *mutex);

void __wrap_task_mutex_unlock(struct task_mutex *mutex)
{
    if (!plant_comes(PLANT_LOCK))
        task_mutex_unlock(mutex);
}
