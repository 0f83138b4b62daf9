/* Threads, locks, waits and sleeps: the only door to concurrency.
 *
 * There are two makes of this header, chosen when a program is linked:
 *   task_threads.c   POSIX threads; what the shop runs on.
 *   task_simulated.c a seeded scheduler that runs all tasks in one thread on a simulated clock, and may switch, delay
 *                    or crash between any two steps. A step ends at each call below.
 *
 * Nothing else in the tree calls pthread, sleep, time or random functions (platform/base/banned.h refuses to compile
 * them), or it could not be simulated.
 *
 * Deadlines are in nanoseconds of clock_monotonic_ns(); TASK_FOREVER never comes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TASK_FOREVER INT64_MAX

struct task;
typedef void task_fn(void *argument);

/* Opaque storage, so that locks can be embedded; each make asserts that its own type fits. */
struct task_mutex {
    union {
        long long align_;
        unsigned char bytes_[64];
    };
};
struct task_cond {
    union {
        long long align_;
        unsigned char bytes_[64];
    };
};

/* Starts fn(argument) as a task with a small stack (TASK_STACK_BYTES). The name (at most 15 bytes are kept) must
 * outlive it. ERR_NO_MEMORY when there are no more threads to be had. Each started task must be joined. */
int task_start(struct task **ret_task, const char *name, task_fn *fn, void *argument);

/* The same with a stack of TASK_DEEP_STACK_BYTES, for a library that recurses as deep as its input does. */
int task_start_deep(struct task **ret_task, const char *name, task_fn *fn, void *argument);

/* Waits until the task's function has returned, and frees the task. NULL is fine. */
void task_join(struct task *task);

void task_mutex_init(struct task_mutex *mutex);
void task_mutex_destroy(struct task_mutex *mutex);
void task_mutex_lock(struct task_mutex *mutex);
void task_mutex_unlock(struct task_mutex *mutex);

void task_cond_init(struct task_cond *cond);
void task_cond_destroy(struct task_cond *cond);
void task_cond_signal(struct task_cond *cond);
void task_cond_broadcast(struct task_cond *cond);

/* Unlocks, waits, locks again. May wake for no reason: wait in a loop on the condition itself. */
void task_cond_wait(struct task_cond *cond, struct task_mutex *mutex);

/* As above, at most until the deadline; false when the deadline has passed. */
bool task_cond_wait_until(struct task_cond *cond, struct task_mutex *mutex, int64_t deadline_ns);

/* Something that happens once, and one task that waits for it: cheaper than a lock and a condition. The waiter owns the
 * memory and may give it up as soon as task_event_wait has returned, even while the setter is still on its way out. */
struct task_event {
    _Atomic uint32_t is_set;
    struct task_mutex mutex_; /* of the simulated make */
    struct task_cond cond_;
};

void task_event_init(struct task_event *event);
void task_event_set(struct task_event *event);
void task_event_wait(struct task_event *event);

void task_sleep_until(int64_t deadline_ns);
void task_sleep_ms(int64_t duration_ms);

/* Says that the code stands between two steps that a crash may part. Free with threads; in the simulation a place to
 * switch, delay or crash. what is a static string for the trace. */
void task_step(const char *what);

/* Processors that this process may use, at least 1. */
unsigned task_processor_count(void);

/* For CLEANUP(): unlocks a mutex held by the scope, see TASK_LOCKED. */
static inline void task_mutex_cleanup(struct task_mutex **mutex)
{
    if (*mutex)
        task_mutex_unlock(*mutex);
}

static inline struct task_mutex *task_mutex_locked(struct task_mutex *mutex)
{
    task_mutex_lock(mutex);
    return mutex;
}

/* Holds the mutex until the end of the enclosing scope. */
#define TASK_LOCKED(mutex) TASK_LOCKED_(mutex, __LINE__)
#define TASK_LOCKED_(mutex, line) TASK_LOCKED__(mutex, line)
#define TASK_LOCKED__(mutex, line)                                                                                     \
    __attribute__((cleanup(task_mutex_cleanup), unused)) struct task_mutex *task_lock_##line = task_mutex_locked(mutex)
