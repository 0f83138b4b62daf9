/* The make of clock.h for simulations: virtual time. */
#include "platform/base/simulator.h"
#include "platform/ports/clock/clock.h"

int64_t clock_monotonic_ns(void)
{
    return simulator_now_ns();
}

int64_t clock_wall_ms(void)
{
    return simulator_wall_ms();
}

int64_t clock_steady_ms(void)
{
    return simulator_steady_ms();
}

/* The simulator keeps it: over each crash that does not boot the machine. */
int clock_keep_steady(const char *folder)
{
    (void)folder;
    return 0;
}

/* The simulated processor is infinitely fast, so what a program measures with this must not matter. */
int64_t clock_cpu_ns(void)
{
    return simulator_now_ns();
}
