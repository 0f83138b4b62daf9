#include "platform/service/rate.h"

#include "platform/ports/cache/cache.h"
#include "platform/service/host.h"

/* Sustained uses a minute, and how many may come at once. */
static const struct {
    const char *name;
    int64_t per_minute;
    int64_t burst;
} limits[] = {
    [RATE_BROWSE] = {"browse", 6000, 2000},
    [RATE_WRITE] = {"write", 1200, 600},
    [RATE_CHECKOUT] = {"checkout", 600, 300},
    /* By address: a household or an office stands behind one. */
    [RATE_SIGN_IN] = {"sign_in", 60, 100},
    /* By account, wherever the tries come from: what makes guessing a password or a code hopeless. */
    [RATE_ACCOUNT] = {"account", 15, 30},
};

int rate_check(struct call *call, enum rate rate, struct str subject)
{
    int64_t retry_after_ms = 0;
    char key[256];

    if (!call->host->rate_limits || rate == RATE_NONE)
        return 0;
    int length =
        snprintf(key, sizeof(key), "%s\n%.*s\n%.*s", limits[rate].name, STR_FORMAT(call->tenant), STR_FORMAT(subject));
    size_t used = (size_t)length < sizeof(key) ? (size_t)length : sizeof(key) - 1;
    const struct cache_rate allowed = {limits[rate].per_minute, 60 * 1000, limits[rate].burst};
    int result = cache_rate_limit(call->host->cache, str_from(key, used), &allowed, &retry_after_ms);
    if (result != ERR_RATE_LIMITED)
        return result;
    result = problem_set(&call->problem, ERR_RATE_LIMITED, "rate_limited", NULL,
                         "Too many requests; try again in %lld s.", (long long)(retry_after_ms / 1000 + 1));
    call->problem.retry_after_ms = retry_after_ms;
    return result;
}
