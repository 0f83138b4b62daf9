/* The make of clock.h that the shop runs on: the kernel's clocks. */
#include "platform/base/err.h"
#include "platform/ports/clock/clock.h"

#include <stdatomic.h>
#include <time.h>

static int64_t read_clock_ns(clockid_t clock)
{
    struct timespec now;
    ASSERT(clock_gettime(clock, &now) == 0);
    return now.tv_sec * CLOCK_NS_PER_S + now.tv_nsec;
}

int64_t clock_monotonic_ns(void)
{
    return read_clock_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return read_clock_ns(CLOCK_REALTIME) / CLOCK_NS_PER_MS;
}

int64_t clock_steady_ms(void)
{
    static _Atomic int64_t start_ms; /* what the wall clock said when the monotonic clock was at its start */
    int64_t monotonic_ms = clock_monotonic_ns() / CLOCK_NS_PER_MS;
    int64_t known_ms = atomic_load_explicit(&start_ms, memory_order_relaxed);
    if (known_ms == 0) {
        int64_t now_ms = clock_wall_ms() - monotonic_ms;
        if (atomic_compare_exchange_strong(&start_ms, &known_ms, now_ms))
            known_ms = now_ms;
    }
    return known_ms + monotonic_ms;
}

int64_t clock_cpu_ns(void)
{
    return read_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}
