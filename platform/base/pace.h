/* For a task that is woken for each piece of work and takes all there is: while pieces come fast it takes them by the
 * round, and one that comes alone is taken at once. */
#pragma once

#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"

#define PACE_MS 20 /* from the beginning of a round to that of the next */

struct pace {
    int64_t next_ns; /* when the next round may begin; 0: at once */
};

/* Waits until the next round may begin, and begins it. The lock is held. The condition is the task's own, told when
 * *is_stopping is set; nobody tells it of more work while it is known that there is some. */
static inline void pace_wait(struct pace *pace, struct task_cond *told, struct task_mutex *mutex,
                             const bool *is_stopping)
{
    while (!*is_stopping && clock_monotonic_ns() < pace->next_ns)
        task_cond_wait_until(told, mutex, pace->next_ns);
    pace->next_ns = clock_monotonic_ns() + PACE_MS * CLOCK_NS_PER_MS;
}
