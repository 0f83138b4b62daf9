/* How long to wait before something that failed is tried again. */
#pragma once

#include <stdint.h>

/* The first delay after one failure, twice as long after each further one, at most the longest. */
static inline int64_t backoff_ms(int64_t first_ms, int64_t max_ms, int64_t failures)
{
    int64_t delay_ms = first_ms;

    for (int64_t i = 1; i < failures && delay_ms < max_ms; i++)
        delay_ms *= 2;
    return delay_ms < max_ms ? delay_ms : max_ms;
}
