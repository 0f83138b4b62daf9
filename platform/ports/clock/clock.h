/* The clock port. Chosen when a program is linked: clock_system.c, or the simulation's clock.
 *
 * Everything that waits, expires within one process or measures a duration uses the monotonic clock, which no
 * administrator and no NTP step moves. A time by which something that is stored has to happen uses the steady clock,
 * which does not jump either. Only what is shown, or told to others, uses wall time alone. docs/adr/0018 says why. */
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

/* Lets the steady clock go on over a restart, and over a boot as clock_after_boot_ms says, by the file `clock` in the
 * folder. Called before the first look at what is stored. A file that cannot be read or written leaves the clock as it
 * is: -1 with errno, to be logged. */
int clock_keep_steady(const char *folder);

/* Writes both clocks into that file, synced. The next boot goes on from there, so it is called every minute. -1 with
 * errno. */
int clock_mark(const char *folder);

/* What both clocks said at one time. */
struct clock_mark {
    int64_t steady_ms, wall_ms;
};

/* What may be believed of a wall clock that nobody has watched: half of what an idempotency key is kept for. */
#define CLOCK_BELIEVED_MS (INT64_C(24) * 3600 * 1000)

/* What the steady clock says after a boot, by the last mark before it and the wall clock of now. A wall clock within a
 * day of the mark is right. One that is further off has been set wrong, or right again, or the machine was off for
 * long, and nobody can tell which: then a day has passed at most, and no less than nothing. So a boot under a clock
 * that is a year ahead ends nothing that is kept for two days, and one under a clock that is a year behind keeps
 * nothing for a year. What is kept too long because the machine was off does no harm. */
static inline int64_t clock_after_boot_ms(const struct clock_mark *mark, int64_t wall_ms)
{
    int64_t off_ms = wall_ms - mark->steady_ms, passed_ms = wall_ms - mark->wall_ms;
    if (off_ms >= -CLOCK_BELIEVED_MS && off_ms <= CLOCK_BELIEVED_MS)
        return wall_ms;
    if (passed_ms < 0)
        passed_ms = 0;
    return mark->steady_ms + (passed_ms < CLOCK_BELIEVED_MS ? passed_ms : CLOCK_BELIEVED_MS);
}

/* The later of the two. By it credentials end, so that they end when either clock says so, and what a purge will take
 * away some day is stamped: it is never less than the steady clock, by which purges judge, so nothing that is younger
 * than its time is ever taken, whatever the wall clock said when it was written or says now. */
static inline int64_t clock_latest_ms(void)
{
    int64_t steady_ms = clock_steady_ms(), wall_ms = clock_wall_ms();
    return steady_ms > wall_ms ? steady_ms : wall_ms;
}

/* CPU time that this process has used, in nanoseconds. */
int64_t clock_cpu_ns(void);
