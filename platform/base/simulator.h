/* The simulation's side of task.h: for harnesses, linked with the simulated makes of task, clock and random.
 *
 * All tasks run in one thread. Every call of task.h is a step, at which the scheduler may go on with any other runnable
 * task, hold the task up for a short time, or crash the process; all of it is drawn from the seed, so a seed is a
 * history that can be run again. Virtual time stands still while any task is runnable and then jumps to the next
 * deadline.
 *
 * Tasks belong to a domain. The process is what is being tested: a crash throws all of its tasks away where they stand,
 * without unwinding, and starts its main function again (a new incarnation). The world is everything else: clients, the
 * payment provider, the disk's contents; it lives on. What the thrown-away tasks had allocated is leaked on purpose,
 * and their stacks are not used again; so run each seed in a forked child, and leave that by _exit. Static variables of
 * the process's code survive a crash, unlike those of a real process: on_crash is the place to reset them. A mutex that
 * a thrown-away task held is free again.
 *
 * The world must not wait for the process by locks of the process, nor the process hold up a lock of the world's: each
 * goes through simulator_call_process and simulator_call_world. */
#pragma once

#include "platform/base/task.h"

enum simulator_domain { SIMULATOR_PROCESS, SIMULATOR_WORLD };

#define SIMULATOR_STEPS_DEFAULT UINT64_C(10000000)
#define SIMULATOR_REPORT_BYTES 4096

typedef void simulator_main_fn(void *argument, unsigned incarnation);

/* Zeroes are fine, but for a simulation without crashes and without delays. */
struct simulator_options {
    task_fn *world_fn;       /* the world's main task; NULL without */
    uint64_t step_max;       /* 0: SIMULATOR_STEPS_DEFAULT */
    unsigned stay_permille;  /* chance that a step goes on with the same task without a draw */
    unsigned delay_permille; /* chance that a step holds its task up, by up to delay_max_ns */
    int64_t delay_max_ns;
    unsigned spurious_wake_permille; /* chance that a wait for a condition ends for no reason */
    uint64_t crash_at_step;          /* 0: none; see also simulator_crash_at */
    unsigned crash_per_million;      /* chance of a crash at each step, while crash_max is not reached */
    unsigned crash_max;
    int64_t restart_delay_max_ns; /* the next incarnation starts after up to this time */
    int64_t start_wall_ms;        /* 0: 2026-01-01T00:00:00Z */
    unsigned processor_count;     /* what task_processor_count answers; 0: 2 */
    bool crash_boots; /* a crash takes the machine along: the steady clock starts anew, from the wall clock alone if
                       * nobody asks for the mark */
    unsigned boot_permille; /* of the crashes take it along */
    int trace_descriptor;   /* > 0: each step is printed there, for looking at one seed */

    /* Called at a crash, outside of any task, when the process's tasks are gone and before the next incarnation starts:
     * the harness drops what was not synced, and resets static state. Must not call task.h. */
    void (*on_crash)(void *argument, unsigned incarnation);
};

enum simulator_end {
    SIMULATOR_FINISHED,   /* every task has returned */
    SIMULATOR_STOPPED,    /* simulator_stop was called */
    SIMULATOR_DEADLOCK,   /* no task is runnable and none waits for a time */
    SIMULATOR_STEP_LIMIT, /* a livelock, or too small a limit */
};

struct simulator_result {
    enum simulator_end end;
    uint64_t steps;
    uint64_t switches;
    uint64_t trace_hash;
    int64_t virtual_ns; /* how long it seemed to take */
    unsigned crashes;
    unsigned unjoined;                   /* tasks that returned and that nobody joined, when finished */
    char report[SIMULATOR_REPORT_BYTES]; /* for a deadlock or a step limit: each task and what it waits for */
};

/* Runs main_fn(argument, incarnation) as the process's first task, and options->world_fn(argument) as the world's,
 * until the end. One run at a time; may be called again. */
void simulator_run(uint64_t seed, const struct simulator_options *options, simulator_main_fn *main_fn, void *argument,
                   struct simulator_result *ret_result);

/* Ends the run at once; the calling task does not go on. */
_Noreturn void simulator_stop(void);

/* -- Crashes ------------------------------------------------------------------------------------------------------- */

/* At the step of that number (counted over the whole run), or now. A task of the process does not return from
 * simulator_crash; one of the world does. Nothing happens while the process's main function is not running. */
void simulator_crash_at(uint64_t step);
void simulator_crash(void);

/* 0 for the first one. */
unsigned simulator_incarnation(void);

/* How many of the crashes took the machine along. */
unsigned simulator_boots(void);
uint64_t simulator_steps(void);

/* -- Domains ------------------------------------------------------------------------------------------------------- */

/* Which domain the tasks that the calling task starts from now on belong to; returns the one before. At first a task's
 * own. */
enum simulator_domain simulator_enter_domain(enum simulator_domain domain);

/* Called by a task of the world: runs fn(argument) as a task of the process and waits for its return. False when the
 * process crashed before that (what fn did by then is done), or its main function is not running. */
bool simulator_call_process(const char *name, task_fn *fn, void *argument);

/* Called by a task of the process: runs fn(argument) as a task of the world and waits for its return. When the process
 * crashes meanwhile, fn goes on to its end all the same, as a request does that was already sent. The argument must
 * then still be valid: the caller's stack is, and what it allocated. */
void simulator_call_world(const char *name, task_fn *fn, void *argument);

/* -- Time, chance, trace ------------------------------------------------------------------------------------------- */

/* Moves the process's wall clock, either way; the world's stays right. The monotonic clock never goes back, and the
 * steady one does not move, unless the next crash boots the machine. */
void simulator_step_wall_clock(int64_t change_ms);

/* What the process's wall clock says, for the world. */
int64_t simulator_process_wall_ms(void);

/* All clocks go on by that much at once, and nothing happened meanwhile: the machine slept. */
void simulator_skip_time(int64_t duration_ns);

/* A draw in [0, bound) for the harness; a stream of its own, apart from the scheduler's and the program's. */
uint64_t simulator_random_below(uint64_t bound);

/* The newest steps, a line each, for a report of what went wrong. */
void simulator_print_last_steps(int descriptor);

/* Adds to the hash of every decision, step name and time that the result has. */
void simulator_trace(const void *bytes, size_t size);

/* -- For clock_simulated.c and random_simulated.c ------------------------------------------------------------------ */

int64_t simulator_now_ns(void);
int64_t simulator_wall_ms(void);

/* The wall clock without the steps since the machine was booted. */
int64_t simulator_steady_ms(void);

/* What the process's steady clock says, for the world. */
int64_t simulator_process_steady_ms(void);

/* Marks what the process's clocks say, as by a file that outlives each crash. Nothing for the world. */
void simulator_mark_clocks(void);

/* Whether the machine was booted since this was last asked, by the process, and there was a mark before that. */
bool simulator_take_boot(int64_t *ret_steady_ms, int64_t *ret_wall_ms);
void simulator_set_steady_ms(int64_t steady_ms);
void random_simulated_seed(uint64_t seed);
