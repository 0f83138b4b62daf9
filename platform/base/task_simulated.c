/* The make of task.h for simulations: each call is a step of the seeded scheduler. */
#include "platform/base/err.h"
#include "platform/base/scheduler.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"

#include <assert.h>

/* Zeroes are an open mutex. It knows its holder by number, not by address, since that may be thrown away at a crash; a
 * mutex that is held by a task of an earlier incarnation is free. */
struct simulated_mutex {
    uint64_t holder_id;
    bool held_by_process;
    unsigned holder_incarnation;
    unsigned waiters; /* may be too high after a crash, which costs a search in vain */
};

struct simulated_cond {
    unsigned waiters;
};

#define HOLDER_OUTSIDE UINT64_MAX /* code that runs before or after the simulation */

static_assert(sizeof(struct simulated_mutex) <= sizeof(struct task_mutex), "a mutex fits its opaque storage");
static_assert(sizeof(struct simulated_cond) <= sizeof(struct task_cond), "a condition fits its opaque storage");

static struct simulated_mutex *mutex_of(struct task_mutex *mutex)
{
    return (struct simulated_mutex *)(void *)mutex;
}

static struct simulated_cond *cond_of(struct task_cond *cond)
{
    return (struct simulated_cond *)(void *)cond;
}

/* -- Tasks -------------------------------------------------------------------------------------------------------- */

int task_start(struct task **ret_task, const char *name, task_fn *fn, void *argument)
{
    struct task *current = scheduler_current();
    ASSERT(current);
    struct task *task = scheduler_add(name, fn, argument, current->start_domain);
    if (!task)
        return ERR_NO_MEMORY;
    *ret_task = task;
    scheduler_step("task_start");
    return 0;
}

/* Libraries that would need it are not part of a simulation. */
int task_start_deep(struct task **ret_task, const char *name, task_fn *fn, void *argument)
{
    return task_start(ret_task, name, fn, argument);
}

void task_join(struct task *task)
{
    if (!task)
        return;
    scheduler_step("task_join");
    struct task *current = scheduler_current();
    ASSERT(current && (current->domain == SIMULATOR_PROCESS || task->domain == SIMULATOR_WORLD)); /* See simulator.h. */
    while (task->wait != WAIT_RETURNED)
        scheduler_block(WAIT_JOIN, task, TASK_FOREVER);
    scheduler_free(task);
}

/* -- Locks -------------------------------------------------------------------------------------------------------- */

static bool is_held(const struct simulated_mutex *mutex)
{
    bool gone = mutex->held_by_process && mutex->holder_incarnation != simulator_incarnation();
    return mutex->holder_id != 0 && !gone;
}

static uint64_t current_id(void)
{
    struct task *current = scheduler_current();
    return current ? current->id : HOLDER_OUTSIDE;
}

static void acquire(struct simulated_mutex *mutex)
{
    struct task *current = scheduler_current();
    ASSERT(!is_held(mutex) || mutex->holder_id != current_id()); /* Locked twice by the same task. */
    while (is_held(mutex)) {
        ASSERT(current);
        current->holder_id = mutex->holder_id;
        mutex->waiters++;
        scheduler_block(WAIT_MUTEX, mutex, TASK_FOREVER);
        mutex->waiters--;
    }
    mutex->holder_id = current_id();
    mutex->held_by_process = current && current->domain == SIMULATOR_PROCESS;
    mutex->holder_incarnation = simulator_incarnation();
}

static void release(struct simulated_mutex *mutex)
{
    ASSERT(is_held(mutex) && mutex->holder_id == current_id());
    mutex->holder_id = 0;
    if (mutex->waiters > 0)
        scheduler_wake_all(WAIT_MUTEX, mutex);
}

void task_mutex_init(struct task_mutex *mutex)
{
    *mutex_of(mutex) = (struct simulated_mutex){0};
}

void task_mutex_destroy(struct task_mutex *mutex)
{
    ASSERT(!is_held(mutex_of(mutex)));
}

void task_mutex_lock(struct task_mutex *mutex)
{
    scheduler_step("mutex_lock");
    acquire(mutex_of(mutex));
}

void task_mutex_unlock(struct task_mutex *mutex)
{
    release(mutex_of(mutex));
    scheduler_step("mutex_unlock");
}

/* -- Waits -------------------------------------------------------------------------------------------------------- */

void task_cond_init(struct task_cond *cond)
{
    *cond_of(cond) = (struct simulated_cond){0};
}

void task_cond_destroy(struct task_cond *cond)
{
    (void)cond;
}

void task_cond_signal(struct task_cond *cond)
{
    scheduler_step("cond_signal");
    struct task *waiter = cond_of(cond)->waiters > 0 ? scheduler_pick_waiter(WAIT_COND, cond) : NULL;
    if (waiter)
        scheduler_wake(waiter);
}

void task_cond_broadcast(struct task_cond *cond)
{
    scheduler_step("cond_broadcast");
    if (cond_of(cond)->waiters > 0)
        scheduler_wake_all(WAIT_COND, cond);
}

static bool wait_for(struct task_cond *cond, struct task_mutex *mutex, int64_t deadline_ns)
{
    ASSERT(scheduler_current());
    release(mutex_of(mutex));
    bool woken = deadline_ns > simulator_now_ns();
    if (woken && scheduler_chance_permille(scheduler_options()->spurious_wake_permille)) {
        scheduler_step("cond_wait_spurious");
    } else if (woken) {
        cond_of(cond)->waiters++;
        woken = scheduler_block(WAIT_COND, cond, deadline_ns);
        cond_of(cond)->waiters--;
    }
    scheduler_step("cond_wake");
    acquire(mutex_of(mutex));
    return woken;
}

void task_cond_wait(struct task_cond *cond, struct task_mutex *mutex)
{
    wait_for(cond, mutex, TASK_FOREVER);
}

bool task_cond_wait_until(struct task_cond *cond, struct task_mutex *mutex, int64_t deadline_ns)
{
    return wait_for(cond, mutex, deadline_ns);
}

/* -- Events ------------------------------------------------------------------------------------------------------- */

void task_event_init(struct task_event *event)
{
    event->is_set = 0;
    task_mutex_init(&event->mutex_);
    task_cond_init(&event->cond_);
}

void task_event_set(struct task_event *event)
{
    task_mutex_lock(&event->mutex_);
    event->is_set = 1;
    task_cond_signal(&event->cond_);
    task_mutex_unlock(&event->mutex_);
}

void task_event_wait(struct task_event *event)
{
    task_mutex_lock(&event->mutex_);
    while (!event->is_set)
        task_cond_wait(&event->cond_, &event->mutex_);
    task_mutex_unlock(&event->mutex_);
}

/* -- Sleep -------------------------------------------------------------------------------------------------------- */

void task_sleep_until(int64_t deadline_ns)
{
    scheduler_step("sleep");
    if (deadline_ns > simulator_now_ns())
        scheduler_block(WAIT_SLEEP, NULL, deadline_ns);
}

void task_sleep_ms(int64_t duration_ms)
{
    int64_t deadline_ns;
    if (__builtin_mul_overflow(duration_ms, CLOCK_NS_PER_MS, &deadline_ns) ||
        __builtin_add_overflow(deadline_ns, simulator_now_ns(), &deadline_ns))
        deadline_ns = duration_ms < 0 ? 0 : TASK_FOREVER;
    task_sleep_until(deadline_ns);
}

void task_step(const char *what)
{
    scheduler_step(what);
}

unsigned task_processor_count(void)
{
    unsigned count = scheduler_options()->processor_count;
    return count > 0 ? count : 2;
}
