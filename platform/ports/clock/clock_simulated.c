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

/* The simulator lets it go on over a crash, and start anew at one that boots the machine; the mark is the file's. */
int clock_keep_steady(const char *folder)
{
    struct clock_mark mark;
    if (simulator_take_boot(&mark.steady_ms, &mark.wall_ms))
        simulator_set_steady_ms(clock_after_boot_ms(&mark, clock_wall_ms()));
    return clock_mark(folder);
}

int clock_mark(const char *folder)
{
    (void)folder;
    simulator_mark_clocks();
    return 0;
}

/* The simulated processor is infinitely fast, so what a program measures with this must not matter. */
int64_t clock_cpu_ns(void)
{
    return simulator_now_ns();
}
