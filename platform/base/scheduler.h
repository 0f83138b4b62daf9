/* The seeded scheduler below the simulated task.h: inside of the simulation only. */
#pragma once

#include "platform/base/coroutine.h"
#include "platform/base/simulator.h"

#define SCHEDULER_TASKS_MAX 4096

enum scheduler_wait {
    WAIT_NONE = 0, /* runnable */
    WAIT_MUTEX,
    WAIT_COND,
    WAIT_SLEEP,
    WAIT_DELAY, /* held up by the scheduler itself */
    WAIT_JOIN,
    WAIT_CALL, /* for a call into the other domain */
    WAIT_RETURNED,
};

struct task {
    uint64_t id; /* from 1, never used twice */
    const char *name;
    task_fn *fn;
    void *argument;
    enum simulator_domain domain;
    enum simulator_domain start_domain; /* of the tasks that it starts */
    unsigned incarnation;
    bool detached; /* freed as it returns; nobody joins it */

    enum scheduler_wait wait;
    const void *object;    /* the mutex, the cond or the task that it waits for */
    uint64_t holder_id;    /* of the mutex, for the report */
    int64_t wake_ns;       /* when it goes on by itself; TASK_FOREVER */
    bool woken_by_other;   /* not by the time */
    uint64_t waits_for_id; /* WAIT_CALL: the task that serves the call */
    bool call_succeeded;

    size_t index;          /* in the scheduler's tasks */
    size_t runnable_index; /* in its runnable ones, while WAIT_NONE */
    struct task *next_thrown_away;
    struct coroutine coroutine;
};

/* The task that runs; NULL outside of a run. */
struct task *scheduler_current(void);

/* A new runnable task. NULL when there is no memory, or there are too many. */
struct task *scheduler_add(const char *name, task_fn *fn, void *argument, enum simulator_domain domain);
void scheduler_free(struct task *task); /* one that has returned */

/* A place to switch, to delay, to crash. Nothing outside of a run. */
void scheduler_step(const char *what);

/* Takes the running task off until scheduler_wake or wake_ns. True when it was woken by another. */
bool scheduler_block(enum scheduler_wait wait, const void *object, int64_t wake_ns);
void scheduler_wake(struct task *task);

/* Wakes all that wait for the object in that way. */
void scheduler_wake_all(enum scheduler_wait wait, const void *object);

/* A task that waits for the object in that way, drawn among them; NULL without. */
struct task *scheduler_pick_waiter(enum scheduler_wait wait, const void *object);

/* The scheduler's own draws. */
bool scheduler_chance_permille(unsigned permille);
const struct simulator_options *scheduler_options(void);
