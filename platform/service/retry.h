/* The wait of a background task before what it could not write is tried again: short, since a disk that fails for a
 * moment must not cost more than that moment, and over at once when the shop stops. */
#pragma once

#include "platform/base/backoff.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"

#include <stdbool.h>

#define RETRY_FIRST_MS INT64_C(50)
#define RETRY_MAX_MS INT64_C(2000)

/* failures: so far, from 1. stopping is read under the mutex; who sets it signals the condition, and other wakes are
 * waited through. False when the shop stops. */
static inline bool retry_wait(struct task_mutex *mutex, struct task_cond *wake, const bool *stopping, int64_t failures)
{
    int64_t delay_ms = backoff_ms(RETRY_FIRST_MS, RETRY_MAX_MS, failures);
    int64_t until_ns = clock_monotonic_ns() + delay_ms * CLOCK_NS_PER_MS;
    TASK_LOCKED(mutex);

    while (!*stopping && task_cond_wait_until(wake, mutex, until_ns))
        ;
    return !*stopping;
}
