/* The make of task.h that the shop runs on: POSIX threads. */
#include "platform/base/err.h"
#include "platform/base/sanitizer.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Small, for there are many tasks; the red zones of ASan make frames several times as large. */
#ifdef __SANITIZE_ADDRESS__
#define TASK_STACK_BYTES ((size_t)2 << 20)
#else
#define TASK_STACK_BYTES ((size_t)256 << 10)
#endif

#define TASK_DEEP_STACK_BYTES ((size_t)8 << 20)

#define TASK_NAME_BYTES 16 /* the kernel's limit, with the NUL */

struct task {
    pthread_t thread;
    const char *name;
    task_fn *fn;
    void *argument;
};

static_assert(sizeof(pthread_mutex_t) <= sizeof(struct task_mutex), "a mutex fits its opaque storage");
static_assert(sizeof(pthread_cond_t) <= sizeof(struct task_cond), "a condition fits its opaque storage");

static pthread_mutex_t *mutex_of(struct task_mutex *mutex)
{
    return (pthread_mutex_t *)(void *)mutex;
}

static pthread_cond_t *cond_of(struct task_cond *cond)
{
    return (pthread_cond_t *)(void *)cond;
}

/* -- Tasks -------------------------------------------------------------------------------------------------------- */

static void *task_main(void *argument)
{
    struct task *task = argument;
    char name[TASK_NAME_BYTES];
    size_t len = strnlen(task->name, sizeof(name) - 1);
    memcpy(name, task->name, len);
    name[len] = '\0';
    pthread_setname_np(pthread_self(), name);
    task->fn(task->argument);
    return NULL;
}

/* Signals to the process are for the main thread alone: a task starts with all of them blocked but those that its own
 * faults raise. */
static int create_thread(struct task *task, size_t stack_bytes)
{
    sigset_t blocked, before;
    sigfillset(&blocked);
    sigdelset(&blocked, SIGSEGV);
    sigdelset(&blocked, SIGBUS);
    sigdelset(&blocked, SIGFPE);
    sigdelset(&blocked, SIGILL);
    sigdelset(&blocked, SIGABRT);
    sigdelset(&blocked, SIGPROF);
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return ERR_NO_MEMORY;
    ASSERT(pthread_attr_setstacksize(&attributes, stack_bytes) == 0);
    ASSERT(pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0);
    int error = pthread_create(&task->thread, &attributes, task_main, task);
    ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    pthread_attr_destroy(&attributes);
    return error == 0 ? 0 : ERR_NO_MEMORY;
}

static int start(struct task **ret_task, const char *name, task_fn *fn, void *argument, size_t stack_bytes)
{
    struct task *task = malloc(sizeof(*task));
    if (!task)
        return ERR_NO_MEMORY;
    *task = (struct task){.name = name, .fn = fn, .argument = argument};
    int error = create_thread(task, stack_bytes);
    if (error < 0) {
        free(task);
        return error;
    }
    *ret_task = task;
    return 0;
}

int task_start(struct task **ret_task, const char *name, task_fn *fn, void *argument)
{
    return start(ret_task, name, fn, argument, TASK_STACK_BYTES);
}

int task_start_deep(struct task **ret_task, const char *name, task_fn *fn, void *argument)
{
    return start(ret_task, name, fn, argument, TASK_DEEP_STACK_BYTES);
}

void task_join(struct task *task)
{
    if (!task)
        return;
    ASSERT(pthread_join(task->thread, NULL) == 0);
    free(task);
}

/* -- Locks -------------------------------------------------------------------------------------------------------- */

void task_mutex_init(struct task_mutex *mutex)
{
    ASSERT(pthread_mutex_init(mutex_of(mutex), NULL) == 0);
}

void task_mutex_destroy(struct task_mutex *mutex)
{
    ASSERT(pthread_mutex_destroy(mutex_of(mutex)) == 0);
}

void task_mutex_lock(struct task_mutex *mutex)
{
    ASSERT(pthread_mutex_lock(mutex_of(mutex)) == 0);
}

void task_mutex_unlock(struct task_mutex *mutex)
{
    ASSERT(pthread_mutex_unlock(mutex_of(mutex)) == 0);
}

/* -- Events ------------------------------------------------------------------------------------------------------- */

void task_event_init(struct task_event *event)
{
    atomic_init(&event->is_set, 0);
}

/* Once is_set is seen, the waiter's memory may be something else: a wake of that address is then one for no reason,
 * which every user of a futex must bear. */
void task_event_set(struct task_event *event)
{
    atomic_store_explicit(&event->is_set, 1, memory_order_release);
    syscall(SYS_futex, &event->is_set, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void task_event_wait(struct task_event *event)
{
    while (!atomic_load_explicit(&event->is_set, memory_order_acquire))
        syscall(SYS_futex, &event->is_set, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

/* -- Waits -------------------------------------------------------------------------------------------------------- */

void task_cond_init(struct task_cond *cond)
{
    pthread_condattr_t attributes;
    ASSERT(pthread_condattr_init(&attributes) == 0);
    ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    ASSERT(pthread_cond_init(cond_of(cond), &attributes) == 0);
    pthread_condattr_destroy(&attributes);
}

void task_cond_destroy(struct task_cond *cond)
{
    ASSERT(pthread_cond_destroy(cond_of(cond)) == 0);
}

void task_cond_signal(struct task_cond *cond)
{
    ASSERT(pthread_cond_signal(cond_of(cond)) == 0);
}

void task_cond_broadcast(struct task_cond *cond)
{
    ASSERT(pthread_cond_broadcast(cond_of(cond)) == 0);
}

void task_cond_wait(struct task_cond *cond, struct task_mutex *mutex)
{
    ASSERT(pthread_cond_wait(cond_of(cond), mutex_of(mutex)) == 0);
}

static struct timespec timespec_of(int64_t deadline_ns)
{
    if (deadline_ns < 0)
        deadline_ns = 0;
    return (struct timespec){.tv_sec = deadline_ns / CLOCK_NS_PER_S, .tv_nsec = deadline_ns % CLOCK_NS_PER_S};
}

bool task_cond_wait_until(struct task_cond *cond, struct task_mutex *mutex, int64_t deadline_ns)
{
    if (deadline_ns == TASK_FOREVER) {
        task_cond_wait(cond, mutex);
        return true;
    }
    struct timespec deadline = timespec_of(deadline_ns);
    int error = pthread_cond_timedwait(cond_of(cond), mutex_of(mutex), &deadline);
    ASSERT(error == 0 || error == ETIMEDOUT);
    return error == 0;
}

/* -- Sleep -------------------------------------------------------------------------------------------------------- */

void task_sleep_until(int64_t deadline_ns)
{
    struct timespec deadline = timespec_of(deadline_ns);
    int error;
    do {
        error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL);
    } while (error == EINTR);
    ASSERT(error == 0);
}

void task_sleep_ms(int64_t duration_ms)
{
    int64_t now_ns = clock_monotonic_ns();
    int64_t deadline_ns;
    if (__builtin_mul_overflow(duration_ms, CLOCK_NS_PER_MS, &deadline_ns) ||
        __builtin_add_overflow(deadline_ns, now_ns, &deadline_ns))
        deadline_ns = duration_ms < 0 ? 0 : TASK_FOREVER;
    task_sleep_until(deadline_ns);
}

void task_step(const char *what)
{
    (void)what;
}

unsigned task_processor_count(void)
{
    cpu_set_t processors;
    CPU_ZERO(&processors);
    int count = sched_getaffinity(0, sizeof(processors), &processors) == 0 ? CPU_COUNT(&processors) : 1;
    return count > 0 ? (unsigned)count : 1;
}
