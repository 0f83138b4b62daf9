/* A plan of faults for the ports of a process: what goes wrong, in which call.
 *
 * Each port has a decorator, NAME_faulty.h, that stands between a caller and an adapter and follows such a plan. All
 * decorators of a process share one, so that a test can say "the third write of the disk" and count what there was to
 * fail. A fault is one of four: the call fails and had no effect; it had its effect and the answer is lost; it is late;
 * it is made twice, as a client or a proxy does that heard no answer. What a port's own promise rules out is left out
 * by its decorator, which says so.
 *
 * The clock and random ports are chosen when a program is linked: the simulation's makes are their faulty ones. Metrics
 * never fail. Thread-safe. */
#pragma once

#include "platform/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define FAULT_RULES_MAX 64
#define FAULT_DELAY_DEFAULT_MS 1000

enum fault_port {
    FAULT_ANY_PORT,
    FAULT_SQL,
    FAULT_EVENTS,
    FAULT_KV,
    FAULT_CACHE,
    FAULT_STREAM,
    FAULT_QUEUE,
    FAULT_MAIL,
    FAULT_WORKFLOW,
    FAULT_IDP,
    FAULT_PSP,
    FAULT_PORTS,
};

enum fault_kind {
    FAULT_FAIL,       /* nothing was done */
    FAULT_FAIL_AFTER, /* it was done, and the caller is told that it was not */
    FAULT_DELAY,      /* it is done late */
    FAULT_REPEAT,     /* it is done twice; the caller hears the second answer */
    FAULT_KINDS,
};

/* Of the calls of a port, or of one function of it, those that go wrong. */
struct fault_rule {
    enum fault_port port;
    const char *call; /* "put": the port's function without its prefix, or the activity's name; NULL: every one */
    enum fault_kind kind;
    uint64_t nth;       /* of the calls that the rule speaks of, since it was set; 1 is the first. 0: see permille */
    unsigned permille;  /* the chance of each, by the random port; 0: every one */
    uint64_t fault_max; /* after so many faults the rule is used up; 0: never */
    int error;          /* of the failures; 0: ERR_UNAVAILABLE, and ERR_DEADLINE for the lost answer */
    int64_t delay_ms;   /* 0: FAULT_DELAY_DEFAULT_MS */
};

struct fault_plan;

/* A plan without rules: nothing goes wrong, calls are counted. NULL without memory. */
struct fault_plan *fault_plan_new(void);
void fault_plan_free(struct fault_plan *plan); /* after the decorators that follow it; NULL is fine */

/* Copies the rules in place of the former ones; what they name must live as long as the plan. The first that speaks of
 * a call and strikes is the one that counts. ERR_TOO_LARGE past FAULT_RULES_MAX. */
int fault_plan_set(struct fault_plan *plan, const struct fault_rule *rules, size_t count);

/* Calls of a port so far (FAULT_ANY_PORT: of all), and faults that happened since the rules were set. */
uint64_t fault_plan_calls(struct fault_plan *plan, enum fault_port port);
uint64_t fault_plan_faults(struct fault_plan *plan);

/* For harnesses that decide call by call, as by forking there: asked instead of the rules. Fills *ret_rule (kind,
 * error, delay_ms) and returns true where the call is to go wrong. */
typedef bool fault_chooser(void *context, enum fault_port port, const char *call, struct fault_rule *ret_rule);
void fault_plan_choose(struct fault_plan *plan, fault_chooser *chooser, void *context);

/* "sql"; a static string. */
const char *fault_port_name(enum fault_port port);
const char *fault_kind_name(enum fault_kind kind);

/* -- For decorators ------------------------------------------------------------------------------------------------ */

/* What is to become of one call. */
struct fault {
    int error;      /* to be returned without a call */
    int late_error; /* to be returned whatever the call said */
    bool repeat;
};

/* Counts the call and says what the plan has for it; a delay has passed already. plan may be NULL. */
struct fault fault_meet(struct fault_plan *plan, enum fault_port port, const char *call);

/* The value of the expression, an int, as the fault has it: evaluated once, twice, or not at all. */
#define FAULT_APPLY(fault, expression)                                                                                 \
    ({                                                                                                                 \
        int fault_result_ = (fault).error;                                                                             \
        if (fault_result_ == 0)                                                                                        \
            fault_result_ = (expression);                                                                              \
        if ((fault).repeat)                                                                                            \
            fault_result_ = (expression);                                                                              \
        (fault).late_error ? (fault).late_error : fault_result_;                                                       \
    })
