/* The children, and when they are made. */
#include "tests/faults/faults.h"

#include <execinfo.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX 16
#define VIOLATION_EXIT_CODE 3
#define CHILD_SECONDS_MAX 120 /* of real time; a loop without a step never ends by itself */
#define WHAT_BYTES 160
#define REPORTS_MAX 40
#define FRAMES_MAX 40
#define NAMES_MAX 64
#define NAME_BYTES 32

struct child {
    pid_t pid;
    uint64_t number;
    char what[WHAT_BYTES];
};

static struct {
    struct sweep_options options;
    bool is_armed, is_child;
    unsigned muted;
    const char *step;
    uint64_t number;       /* of the last thing that could fail */
    char what[WHAT_BYTES]; /* in a child: what failed */
    struct child children[JOBS_MAX];
    unsigned running;
    uint64_t started, failed;
    struct {
        char name[NAME_BYTES];
        uint64_t count;
    } names[NAMES_MAX]; /* of the things that could fail */
    size_t name_count;
} sweep = {.step = "the start"};

void sweep_set(const struct sweep_options *options)
{
    sweep.options = *options;
    if (sweep.options.jobs == 0 || sweep.options.jobs > JOBS_MAX)
        sweep.options.jobs = 1;
}

void sweep_mute(void)
{
    sweep.muted++;
}

void sweep_unmute(void)
{
    sweep.muted--;
}

bool sweep_is_child(void)
{
    return sweep.is_child;
}

void sweep_at(const char *step)
{
    sweep.step = step;
}

void violated(const char *invariant, const char *format, ...)
{
    char message[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    fprintf(stderr, "violated at %s%s%s: %s\n    %s\n", sweep.step, sweep.what[0] ? " after " : "", sweep.what,
            invariant, message);
    _exit(VIOLATION_EXIT_CODE);
}

static void judge(const struct child *child, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    if (++sweep.failed > REPORTS_MAX)
        return;
    if (WIFSIGNALED(status))
        fprintf(stderr, "FAILED %s: signal %d\n", child->what, WTERMSIG(status));
    else
        fprintf(stderr, "FAILED %s: exit code %d\n", child->what, WEXITSTATUS(status));
}

static void wait_for_child(void)
{
    int status;
    pid_t pid = waitpid(-1, &status, 0);
    ASSERT(pid > 0);
    for (unsigned i = 0; i < sweep.running; i++) {
        if (sweep.children[i].pid != pid)
            continue;
        judge(&sweep.children[i], status);
        sweep.children[i] = sweep.children[--sweep.running];
        return;
    }
}

void sweep_arm(bool is_armed)
{
    sweep.is_armed = is_armed && !sweep.is_child;
    /* What the parent goes on to take away, its youngest child may still be copying. */
    while (!is_armed && sweep.running > 0)
        wait_for_child();
}

static bool is_chosen(uint64_t number)
{
    if (sweep.options.only)
        return number == sweep.options.only;
    return number >= sweep.options.first && number <= sweep.options.last &&
           (number - sweep.options.first) % sweep.options.every == 0;
}

static void count_name(const char *name)
{
    size_t i = 0;
    while (i < sweep.name_count && strcmp(sweep.names[i].name, name) != 0)
        i++;
    ASSERT(i < NAMES_MAX);
    if (i == sweep.name_count)
        snprintf(sweep.names[sweep.name_count++].name, NAME_BYTES, "%s", name);
    sweep.names[i].count++;
}

uint64_t sweep_count(const char *name)
{
    uint64_t count = 0;
    size_t length = strlen(name);
    bool is_port = length > 0 && name[length - 1] == '.';
    for (size_t i = 0; i < sweep.name_count; i++) {
        const char *counted = sweep.names[i].name;
        count += (is_port ? strncmp(counted, name, length) : strcmp(counted, name)) == 0 ? sweep.names[i].count : 0;
    }
    return count;
}

/* Where one thing that was asked for fails, for addr2line. */
static void print_frames(void)
{
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    fprintf(stderr, "%s fails here:\n", sweep.what);
    for (int i = 0; i < count; i++)
        fprintf(stderr, "    %#zx\n", (size_t)((const char *)frames[i] - __executable_start) - 1);
}

static void become_child(const struct child *made)
{
    memcpy(sweep.what, made->what, sizeof(sweep.what));
    sweep.is_child = true;
    sweep.is_armed = false;
    sweep.running = 0;
    alarm(CHILD_SECONDS_MAX);
    sweep.options.part();
    if (sweep.options.only)
        print_frames();
}

bool sweep_strikes(enum sweep_of of, const char *what, const char *detail)
{
    if (of != sweep.options.of || !sweep.is_armed || sweep.muted > 0)
        return false;
    count_name(what);
    if (of == SWEEP_PORTS) /* the kind of fault; of the others it is an address */
        count_name(detail);
    if (!is_chosen(++sweep.number))
        return false;
    while (sweep.running == sweep.options.jobs)
        wait_for_child();
    struct child made = {.number = sweep.number};
    snprintf(made.what, sizeof(made.what), "%" PRIu64 " (%s %s, during %s)", sweep.number, what, detail, sweep.step);
    int ends[2];
    char nothing;
    ASSERT(pipe(ends) == 0);
    fflush(NULL);
    made.pid = fork();
    ASSERT(made.pid >= 0);
    if (made.pid == 0) {
        become_child(&made);
        close(ends[0]);
        close(ends[1]);
        return true;
    }
    /* What the two share stands still until the child has its own: then it closes its end. */
    close(ends[1]);
    ASSERT(read(ends[0], &nothing, 1) == 0);
    close(ends[0]);
    sweep.children[sweep.running++] = made;
    sweep.started++;
    return false;
}

void sweep_end(uint64_t *ret_things, uint64_t *ret_children, uint64_t *ret_failed)
{
    while (sweep.running > 0)
        wait_for_child();
    *ret_things = sweep.number;
    *ret_children = sweep.started;
    *ret_failed = sweep.failed;
}
