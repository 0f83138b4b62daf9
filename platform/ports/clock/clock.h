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

/* The wall clock of this process' start, moved on by the monotonic clock: for stored times that end a span of time, as
 * the minutes for which goods are reserved. A step of the wall clock neither cuts such a span short nor draws it out;
 * the next start takes the wall clock as it is then. */
int64_t clock_steady_ms(void);

/* The later of the two: from here on, what must not end too early is kept, also when the next start takes over a wall
 * clock that was moved ahead meanwhile. */
static inline int64_t clock_latest_ms(void)
{
    int64_t steady_ms = clock_steady_ms(), wall_ms = clock_wall_ms();
    return steady_ms > wall_ms ? steady_ms : wall_ms;
}

/* CPU time that this process has used, in nanoseconds. */
int64_t clock_cpu_ns(void);
