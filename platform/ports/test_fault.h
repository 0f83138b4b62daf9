/* For the tests of the decorators: one fault, in the next call of a function. */
#pragma once

#include "platform/ports/clock/clock.h"
#include "platform/ports/fault.h"

#define TEST_FAULT_DELAY_MS 20

static inline void test_fault_next(struct fault_plan *plan, enum fault_port port, const char *call,
                                   enum fault_kind kind)
{
    const struct fault_rule rule = {
        .port = port, .call = call, .kind = kind, .nth = 1, .delay_ms = TEST_FAULT_DELAY_MS};
    ASSERT(fault_plan_set(plan, &rule, 1) == 0);
}

/* Whether the delay has passed since then. */
static inline bool test_fault_was_late(int64_t started_ns)
{
    return clock_monotonic_ns() - started_ns >= TEST_FAULT_DELAY_MS * CLOCK_NS_PER_MS;
}
