#include "platform/base/scheduler.h"
#include "platform/base/err.h"
#include "platform/base/sanitizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* As in task_threads.c, so that what overflows there does so here. */
#ifdef __SANITIZE_ADDRESS__
#define STACK_BYTES ((size_t)2 << 20)
#else
#define STACK_BYTES ((size_t)256 << 10)
#endif
#define GUARD_BYTES ((size_t)4096)

#define START_NS INT64_C(1000000000)         /* not 0, which is the past of every clock */
#define LAST_STEPS 40                        /* that a report shows */
#define START_WALL_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

struct past_step {
    uint64_t number, task_id;
    int64_t now_ns;
    const char *task_name, *what;
};

static struct {
    struct simulator_options options;
    simulator_main_fn *main_fn;
    void *argument;

    uint64_t random;
    uint64_t world_random;
    uint64_t hash;
    uint64_t steps;
    uint64_t switches;
    uint64_t crash_at;
    int64_t now_ns;
    int64_t wall_change_ms;
    int64_t steady_change_ms;                 /* of the steady clock, since it was last booted */
    int64_t marked_steady_ms, marked_wall_ms; /* 0: never */
    bool is_booted;                           /* and nobody has asked since */

    struct coroutine root; /* the stack of simulator_run: runs nothing but crashes and the end */
    struct task *current;
    struct task *tasks[SCHEDULER_TASKS_MAX];
    size_t task_count; /* those that returned and were not joined yet included */
    struct task *runnable[SCHEDULER_TASKS_MAX];
    size_t runnable_count;
    size_t live_count; /* not returned */
    uint64_t last_id;
    struct task *to_reap;      /* a detached task that returned, until its stack is left */
    struct task *process_main; /* NULL when it returned */
    bool process_is_up;        /* its main function runs */
    struct task *thrown_away;  /* kept until the end, as the world may point into their stacks */
    void *free_stacks[SCHEDULER_TASKS_MAX];
    size_t free_stack_count;

    unsigned incarnation, boots;
    bool crash_requested;
    bool ended;
    enum simulator_end end;
    struct past_step past[LAST_STEPS]; /* a ring: step n is at n % LAST_STEPS */
} scheduler;

/* -- Chance and trace ---------------------------------------------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators"). */
static uint64_t draw(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = *state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ (mixed >> 31);
}

static uint64_t draw_below(uint64_t bound)
{
    return draw(&scheduler.random) % bound;
}

bool scheduler_chance_permille(unsigned permille)
{
    return permille > 0 && draw_below(1000) < permille;
}

uint64_t simulator_random_below(uint64_t bound)
{
    ASSERT(bound > 0);
    return draw(&scheduler.world_random) % bound;
}

static void fold(uint64_t value)
{
    scheduler.hash = (scheduler.hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    scheduler.hash ^= scheduler.hash >> 32;
}

void simulator_trace(const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    fold(size);
    for (size_t i = 0; i < size; i++)
        fold(from[i]);
}

static void fold_name(const char *name)
{
    uint64_t hash = 0;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001B3);
    fold(hash);
}

static void print_step(int descriptor, const struct past_step *step)
{
    if (step->number > 0)
        dprintf(descriptor, "%llu %lld.%09llds %s#%llu %s\n", (unsigned long long)step->number,
                (long long)(step->now_ns / START_NS), (long long)(step->now_ns % START_NS), step->task_name,
                (unsigned long long)step->task_id, step->what);
}

static void note_step(const char *what)
{
    struct past_step *step = &scheduler.past[scheduler.steps % LAST_STEPS];
    *step = (struct past_step){scheduler.steps, scheduler.current->id, scheduler.now_ns, scheduler.current->name, what};
    if (scheduler.options.trace_descriptor > 0)
        print_step(scheduler.options.trace_descriptor, step);
}

void simulator_print_last_steps(int descriptor)
{
    for (uint64_t i = 1; i <= LAST_STEPS; i++)
        print_step(descriptor, &scheduler.past[(scheduler.steps + i) % LAST_STEPS]);
}

/* -- Tasks --------------------------------------------------------------------------------------------------------- */

struct task *scheduler_current(void)
{
    return scheduler.current;
}

const struct simulator_options *scheduler_options(void)
{
    return &scheduler.options;
}

static void *take_stack(void)
{
    if (scheduler.free_stack_count > 0)
        return scheduler.free_stacks[--scheduler.free_stack_count];
    char *mapping = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (mapping == MAP_FAILED)
        return NULL;
    ASSERT(mprotect(mapping, GUARD_BYTES, PROT_NONE) == 0);
    return mapping + GUARD_BYTES;
}

static void unmap_stack(void *stack)
{
    ASSERT(munmap((char *)stack - GUARD_BYTES, GUARD_BYTES + STACK_BYTES) == 0);
}

static void make_runnable(struct task *task)
{
    task->wait = WAIT_NONE;
    task->runnable_index = scheduler.runnable_count;
    scheduler.runnable[scheduler.runnable_count++] = task;
}

static void make_unrunnable(struct task *task, enum scheduler_wait wait)
{
    struct task *last = scheduler.runnable[--scheduler.runnable_count];
    scheduler.runnable[task->runnable_index] = last;
    last->runnable_index = task->runnable_index;
    task->wait = wait;
}

static void forget(struct task *task)
{
    struct task *last = scheduler.tasks[--scheduler.task_count];
    scheduler.tasks[task->index] = last;
    last->index = task->index;
}

static void task_main(void *argument);

struct task *scheduler_add(const char *name, task_fn *fn, void *argument, enum simulator_domain domain)
{
    if (scheduler.task_count == SCHEDULER_TASKS_MAX)
        return NULL;
    struct task *task = calloc(1, sizeof(*task));
    void *stack = task ? take_stack() : NULL;
    if (!stack) {
        free(task);
        return NULL;
    }
    *task = (struct task){.id = ++scheduler.last_id,
                          .name = name,
                          .fn = fn,
                          .argument = argument,
                          .domain = domain,
                          .start_domain = domain,
                          .incarnation = scheduler.incarnation,
                          .wake_ns = TASK_FOREVER,
                          .index = scheduler.task_count};
    coroutine_init(&task->coroutine, stack, STACK_BYTES, task_main, task);
    scheduler.tasks[scheduler.task_count++] = task;
    scheduler.live_count++;
    make_runnable(task);
    return task;
}

void scheduler_free(struct task *task)
{
    ASSERT(task->wait == WAIT_RETURNED);
    forget(task);
    scheduler.free_stacks[scheduler.free_stack_count++] = task->coroutine.stack;
    free(task);
}

/* -- Switching ----------------------------------------------------------------------------------------------------- */

static void end_run(enum simulator_end end)
{
    scheduler.ended = true;
    scheduler.end = end;
}

/* Jumps to the next time at which some task goes on; false when there is none. */
static bool advance_time(void)
{
    int64_t next_ns = TASK_FOREVER;
    for (size_t i = 0; i < scheduler.task_count; i++) {
        if (scheduler.tasks[i]->wake_ns < next_ns)
            next_ns = scheduler.tasks[i]->wake_ns;
    }
    if (next_ns == TASK_FOREVER)
        return false;
    if (next_ns > scheduler.now_ns)
        scheduler.now_ns = next_ns;
    for (size_t i = 0; i < scheduler.task_count; i++) {
        struct task *task = scheduler.tasks[i];
        if (task->wake_ns <= scheduler.now_ns) {
            task->wake_ns = TASK_FOREVER;
            make_runnable(task);
        }
    }
    return true;
}

/* Draws who goes on; NULL when simulator_run itself has something to do. */
static struct task *pick(void)
{
    if (scheduler.ended || scheduler.crash_requested)
        return NULL;
    if (scheduler.runnable_count == 0 && !advance_time()) {
        end_run(scheduler.live_count == 0 ? SIMULATOR_FINISHED : SIMULATOR_DEADLOCK);
        return NULL;
    }
    size_t choice = scheduler.runnable_count == 1 ? 0 : draw_below(scheduler.runnable_count);
    fold(scheduler.runnable[choice]->id);
    return scheduler.runnable[choice];
}

static void reap(void)
{
    if (scheduler.to_reap)
        scheduler_free(scheduler.to_reap);
    scheduler.to_reap = NULL;
}

/* To a task, or to simulator_run for NULL. */
static void switch_to(struct task *next, bool current_is_done)
{
    struct task *current = scheduler.current;
    if (next == current)
        return;
    scheduler.current = next;
    scheduler.switches++;
    coroutine_switch(current ? &current->coroutine : &scheduler.root, next ? &next->coroutine : &scheduler.root,
                     current_is_done);
    reap();
}

static void task_returned(struct task *task)
{
    fold_name("return");
    make_unrunnable(task, WAIT_RETURNED);
    scheduler.live_count--;
    scheduler_wake_all(WAIT_JOIN, task);
    for (size_t i = 0; i < scheduler.task_count; i++) {
        struct task *caller = scheduler.tasks[i];
        if (caller->wait == WAIT_CALL && caller->waits_for_id == task->id) {
            caller->call_succeeded = true;
            scheduler_wake(caller);
        }
    }
    if (task == scheduler.process_main) {
        scheduler.process_main = NULL;
        scheduler.process_is_up = false;
    }
    if (task->detached)
        scheduler.to_reap = task;
}

static void task_main(void *argument)
{
    struct task *task = argument;
    reap();
    task->fn(task->argument);
    task_returned(task);
    switch_to(pick(), true);
}

/* -- Steps and waits ----------------------------------------------------------------------------------------------- */

static bool crash_is_due(void)
{
    const struct simulator_options *options = &scheduler.options;
    if (scheduler.crash_at == scheduler.steps)
        return true;
    return options->crash_per_million > 0 && scheduler.incarnation < options->crash_max &&
           draw_below(1000000) < options->crash_per_million;
}

void scheduler_step(const char *what)
{
    if (!scheduler.current)
        return;
    const struct simulator_options *options = &scheduler.options;
    scheduler.steps++;
    fold_name(what);
    fold((uint64_t)scheduler.now_ns);
    note_step(what);
    if (scheduler.steps > options->step_max) {
        end_run(SIMULATOR_STEP_LIMIT);
        switch_to(NULL, false);
    }
    if (crash_is_due())
        simulator_crash();
    if (options->delay_max_ns > 0 && scheduler_chance_permille(options->delay_permille))
        scheduler_block(WAIT_DELAY, NULL, scheduler.now_ns + 1 + (int64_t)draw_below((uint64_t)options->delay_max_ns));
    else if (!scheduler_chance_permille(options->stay_permille))
        switch_to(pick(), false);
}

bool scheduler_block(enum scheduler_wait wait, const void *object, int64_t wake_ns)
{
    struct task *current = scheduler.current;
    ASSERT(current);
    make_unrunnable(current, wait);
    current->object = object;
    current->wake_ns = wake_ns;
    current->woken_by_other = false;
    switch_to(pick(), false);
    return current->woken_by_other;
}

void scheduler_wake(struct task *task)
{
    task->wake_ns = TASK_FOREVER;
    task->woken_by_other = true;
    make_runnable(task);
}

void scheduler_wake_all(enum scheduler_wait wait, const void *object)
{
    for (size_t i = 0; i < scheduler.task_count; i++) {
        if (scheduler.tasks[i]->wait == wait && scheduler.tasks[i]->object == object)
            scheduler_wake(scheduler.tasks[i]);
    }
}

struct task *scheduler_pick_waiter(enum scheduler_wait wait, const void *object)
{
    struct task *picked = NULL;
    uint64_t seen = 0;
    for (size_t i = 0; i < scheduler.task_count; i++) {
        struct task *task = scheduler.tasks[i];
        /* Each of n waiters is kept with a chance of 1/n. */
        if (task->wait == wait && task->object == object && draw_below(++seen) == 0)
            picked = task;
    }
    return picked;
}

/* -- The process and its crashes ----------------------------------------------------------------------------------- */

static void process_main(void *argument)
{
    (void)argument;
    scheduler.process_is_up = true;
    scheduler.main_fn(scheduler.argument, scheduler.incarnation);
}

static void start_process(void)
{
    scheduler.process_main = scheduler_add("main", process_main, NULL, SIMULATOR_PROCESS);
    ASSERT(scheduler.process_main);
    scheduler.process_main->detached = true;
    if (scheduler.incarnation > 0 && scheduler.options.restart_delay_max_ns > 0) {
        make_unrunnable(scheduler.process_main, WAIT_SLEEP);
        scheduler.process_main->wake_ns =
            scheduler.now_ns + 1 + (int64_t)draw_below((uint64_t)scheduler.options.restart_delay_max_ns);
    }
}

static void throw_away(struct task *task)
{
    if (task->wait == WAIT_NONE)
        make_unrunnable(task, WAIT_DELAY);
    if (task->wait != WAIT_RETURNED)
        scheduler.live_count--;
    forget(task);
    task->next_thrown_away = scheduler.thrown_away;
    scheduler.thrown_away = task;
}

static void crash(void)
{
    scheduler.crash_requested = false;
    if (scheduler.options.crash_boots ||
        (scheduler.options.boot_permille > 0 && draw_below(1000) < scheduler.options.boot_permille)) {
        scheduler.steady_change_ms = scheduler.wall_change_ms;
        scheduler.is_booted = true;
        scheduler.boots++;
    }
    scheduler.incarnation++;
    fold_name("crash");
    for (size_t i = scheduler.task_count; i > 0; i--) {
        if (scheduler.tasks[i - 1]->domain == SIMULATOR_PROCESS)
            throw_away(scheduler.tasks[i - 1]);
    }
    /* What is left is the world; its calls are all into the process that is gone. */
    for (size_t i = 0; i < scheduler.task_count; i++) {
        if (scheduler.tasks[i]->wait == WAIT_CALL)
            scheduler_wake(scheduler.tasks[i]);
    }
    scheduler.process_is_up = false;
    if (scheduler.options.on_crash)
        scheduler.options.on_crash(scheduler.argument, scheduler.incarnation);
    start_process();
}

void simulator_crash_at(uint64_t step)
{
    scheduler.crash_at = step;
}

void simulator_crash(void)
{
    if (!scheduler.current || !scheduler.process_is_up)
        return;
    scheduler.crash_requested = true;
    switch_to(NULL, false);
}

/* -- Calls between the domains ------------------------------------------------------------------------------------- */

static bool call(const char *name, task_fn *fn, void *argument, enum simulator_domain domain)
{
    struct task *current = scheduler.current;
    ASSERT(current);
    if (current->domain == domain) {
        fn(argument);
        return true;
    }
    if (domain == SIMULATOR_PROCESS && !scheduler.process_is_up)
        return false;
    struct task *server = scheduler_add(name, fn, argument, domain);
    ASSERT(server);
    server->detached = true;
    current->waits_for_id = server->id;
    current->call_succeeded = false;
    scheduler_block(WAIT_CALL, NULL, TASK_FOREVER);
    return current->call_succeeded;
}

bool simulator_call_process(const char *name, task_fn *fn, void *argument)
{
    return call(name, fn, argument, SIMULATOR_PROCESS);
}

void simulator_call_world(const char *name, task_fn *fn, void *argument)
{
    call(name, fn, argument, SIMULATOR_WORLD);
}

enum simulator_domain simulator_enter_domain(enum simulator_domain domain)
{
    ASSERT(scheduler.current);
    enum simulator_domain before = scheduler.current->start_domain;
    scheduler.current->start_domain = domain;
    return before;
}

/* -- A run --------------------------------------------------------------------------------------------------------- */

static const char *task_name_of(uint64_t id)
{
    for (size_t i = 0; i < scheduler.task_count; i++) {
        if (scheduler.tasks[i]->id == id)
            return scheduler.tasks[i]->name;
    }
    return "nobody";
}

static int describe_wait(const struct task *task, char *to, size_t size)
{
    const char *name = task->name;
    switch (task->wait) {
    case WAIT_NONE:
        return snprintf(to, size, "%s is runnable\n", name);
    case WAIT_MUTEX:
        return snprintf(to, size, "%s waits for a mutex held by %s\n", name, task_name_of(task->holder_id));
    case WAIT_COND:
        return snprintf(to, size, "%s waits for the condition at %p\n", name, task->object);
    case WAIT_SLEEP:
    case WAIT_DELAY:
        return snprintf(to, size, "%s sleeps\n", name);
    case WAIT_JOIN:
        return snprintf(to, size, "%s waits for %s to return\n", name, ((const struct task *)task->object)->name);
    case WAIT_CALL:
        return snprintf(to, size, "%s waits for its call of %s\n", name, task_name_of(task->waits_for_id));
    case WAIT_RETURNED:
        break;
    }
    return 0;
}

static void report(struct simulator_result *result)
{
    size_t len = (size_t)snprintf(result->report, sizeof(result->report), "%s at step %llu, after %lld ms:\n",
                                  result->end == SIMULATOR_DEADLOCK ? "deadlock" : "still running",
                                  (unsigned long long)scheduler.steps, (long long)(result->virtual_ns / 1000000));
    for (size_t i = 0; i < scheduler.task_count && len < sizeof(result->report); i++)
        len += (size_t)describe_wait(scheduler.tasks[i], result->report + len, sizeof(result->report) - len);
}

static void free_everything(void)
{
    while (scheduler.task_count > 0)
        throw_away(scheduler.tasks[scheduler.task_count - 1]);
    for (struct task *task = scheduler.thrown_away, *next; task; task = next) {
        next = task->next_thrown_away;
        unmap_stack(task->coroutine.stack);
        free(task);
    }
    scheduler.thrown_away = NULL;
    while (scheduler.free_stack_count > 0)
        unmap_stack(scheduler.free_stacks[--scheduler.free_stack_count]);
}

static void set_up(uint64_t seed, const struct simulator_options *options, simulator_main_fn *main_fn, void *argument)
{
    ASSERT(!scheduler.current);
    memset(&scheduler, 0, sizeof(scheduler));
    scheduler.options = *options;
    if (scheduler.options.step_max == 0)
        scheduler.options.step_max = SIMULATOR_STEPS_DEFAULT;
    scheduler.main_fn = main_fn;
    scheduler.argument = argument;
    scheduler.random = seed;
    scheduler.world_random = ~seed;
    scheduler.crash_at = options->crash_at_step;
    scheduler.now_ns = START_NS;
    random_simulated_seed(seed);
}

void simulator_run(uint64_t seed, const struct simulator_options *options, simulator_main_fn *main_fn, void *argument,
                   struct simulator_result *ret_result)
{
    set_up(seed, options, main_fn, argument);
    start_process();
    if (options->world_fn) {
        struct task *world = scheduler_add("world", options->world_fn, argument, SIMULATOR_WORLD);
        ASSERT(world);
        world->detached = true;
    }
    while (!scheduler.ended) {
        if (scheduler.crash_requested)
            crash();
        switch_to(pick(), false);
    }
    *ret_result = (struct simulator_result){
        .end = scheduler.end,
        .steps = scheduler.steps,
        .switches = scheduler.switches,
        .trace_hash = scheduler.hash,
        .virtual_ns = scheduler.now_ns - START_NS,
        .crashes = scheduler.incarnation,
        .unjoined = (unsigned)(scheduler.task_count - scheduler.live_count),
    };
    if (scheduler.end == SIMULATOR_DEADLOCK || scheduler.end == SIMULATOR_STEP_LIMIT)
        report(ret_result);
    free_everything();
}

void simulator_stop(void)
{
    ASSERT(scheduler.current);
    end_run(SIMULATOR_STOPPED);
    switch_to(NULL, false);
    abort();
}

/* -- Time ---------------------------------------------------------------------------------------------------------- */

int64_t simulator_now_ns(void)
{
    return scheduler.now_ns;
}

static int64_t unchanged_wall_ms(void)
{
    int64_t start_ms = scheduler.options.start_wall_ms ? scheduler.options.start_wall_ms : START_WALL_MS;
    return start_ms + (scheduler.now_ns - START_NS) / 1000000;
}

static bool is_in_world(void)
{
    return scheduler.current && scheduler.current->domain == SIMULATOR_WORLD;
}

int64_t simulator_process_wall_ms(void)
{
    return unchanged_wall_ms() + scheduler.wall_change_ms;
}

int64_t simulator_wall_ms(void)
{
    return is_in_world() ? unchanged_wall_ms() : simulator_process_wall_ms();
}

int64_t simulator_process_steady_ms(void)
{
    return unchanged_wall_ms() + scheduler.steady_change_ms;
}

int64_t simulator_steady_ms(void)
{
    return is_in_world() ? unchanged_wall_ms() : simulator_process_steady_ms();
}

void simulator_mark_clocks(void)
{
    if (is_in_world())
        return;
    scheduler.marked_steady_ms = simulator_process_steady_ms();
    scheduler.marked_wall_ms = simulator_process_wall_ms();
}

bool simulator_take_boot(int64_t *ret_steady_ms, int64_t *ret_wall_ms)
{
    bool is_booted = !is_in_world() && scheduler.is_booted && scheduler.marked_wall_ms > 0;
    if (is_booted) {
        scheduler.is_booted = false;
        *ret_steady_ms = scheduler.marked_steady_ms;
        *ret_wall_ms = scheduler.marked_wall_ms;
    }
    return is_booted;
}

void simulator_set_steady_ms(int64_t steady_ms)
{
    scheduler.steady_change_ms = steady_ms - unchanged_wall_ms();
}

void simulator_skip_time(int64_t duration_ns)
{
    ASSERT(duration_ns >= 0);
    scheduler.now_ns += duration_ns;
}

void simulator_step_wall_clock(int64_t change_ms)
{
    scheduler.wall_change_ms += change_ms;
}

unsigned simulator_incarnation(void)
{
    return scheduler.incarnation;
}

unsigned simulator_boots(void)
{
    return scheduler.boots;
}

uint64_t simulator_steps(void)
{
    return scheduler.steps;
}
