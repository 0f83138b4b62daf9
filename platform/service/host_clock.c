#include "platform/service/host_clock.h"

#include "platform/ports/clock/clock.h"
#include "platform/service/call.h"
#include "platform/service/host.h"

#include <errno.h>
#include <string.h>

#define MARK_INTERVAL_MS (60 * 1000)
#define TOLD_MS (INT64_C(3600) * 1000) /* by which the clocks are apart, or the wall clock was moved */

static int64_t clocks_apart_ms(void)
{
    return clock_wall_ms() - clock_steady_ms();
}

static bool is_far(int64_t change_ms)
{
    return change_ms >= TOLD_MS || change_ms <= -TOLD_MS;
}

void host_clock_keep(struct service_host *host)
{
    if (clock_keep_steady(host->options.data_path) < 0)
        log_warning(
            &host->log,
            "the data folder's file clock cannot be used: when the wall clock is moved, what is kept for a while "
            "ends at another time",
            LOG_CSTR("error", strerror(errno)));
    host->clocks_apart_ms = clocks_apart_ms();
    if (is_far(host->clocks_apart_ms))
        log_warning(&host->log,
                    "the wall clock is not where the shop left it: what is kept for a while goes by the time that "
                    "has passed. Is the clock of this machine right?",
                    LOG_INT("apart_s", host->clocks_apart_ms / CLOCK_MS_PER_S));
}

static int mark_clock(struct call *call)
{
    struct service_host *host = call->host;
    int64_t apart_ms = clocks_apart_ms(), moved_ms = apart_ms - host->clocks_apart_ms;
    host->clocks_apart_ms = apart_ms;
    if (is_far(moved_ms))
        log_warning(&host->log, "the wall clock was moved: nothing that is kept for a while is taken away for it",
                    LOG_INT("moved_s", moved_ms / CLOCK_MS_PER_S));
    if (clock_mark(host->options.data_path) < 0)
        return call_fail(call, ERR_UNAVAILABLE, "clock_mark", NULL, "The file clock could not be written: %s.",
                         strerror(errno));
    return 0;
}

const struct job host_clock_jobs[] = {
    {.name = "mark_clock", .interval_ms = MARK_INTERVAL_MS, .run = mark_clock},
    {0},
};
