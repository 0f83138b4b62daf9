/* The clock port. Chosen when a program is linked: clock_system.c, or the simulation's clock.
 *
 * Everything that waits, expires within one process or measures a duration uses the monotonic clock, which no
 * administrator and no NTP step moves. A time by which something that is stored has to happen uses the steady clock,
 * which does not jump either. Only what is shown, or ends by the date, uses wall time. */
#pragma once

#include <stdint.h>

#define CLOCK_NS_PER_MS INT64_C(1000000)
#define CLOCK_NS_PER_S INT64_C(1000000000)
#define CLOCK_MS_PER_S INT64_C(1000)

/* Nanoseconds since an arbitrary start; never goes back. */
int64_t clock_monotonic_ns(void);

/* Milliseconds since 1970-01-01T00:00:00Z; may jump either way. */
int64_t clock_wall_ms(void);

/* A clock for stored times that end a span of time, as the minutes for which goods are reserved: what the wall clock
 * said once, moved on by the time since, that of a suspended machine included. A step of the wall clock neither cuts
 * such a span short nor draws it out. */
int64_t clock_steady_ms(void);

/* Lets the steady clock go on over a restart: the file `clock` in the folder says what it read when the machine was
 * booted, and holds until the next boot, which takes the wall clock as it is then. Called before the first look at
 * what is stored. A file that cannot be read or written leaves the clock as it is: -1 with errno, to be logged. */
int clock_keep_steady(const char *folder);

/* The later of the two: what must not end too early is kept from here on, also where the next boot takes over a wall
 * clock that was moved ahead meanwhile. */
static inline int64_t clock_latest_ms(void)
{
    int64_t steady_ms = clock_steady_ms(), wall_ms = clock_wall_ms();
    return steady_ms > wall_ms ? steady_ms : wall_ms;
}

/* CPU time that this process has used, in nanoseconds. */
int64_t clock_cpu_ns(void);
