/* simulation --seed N | --seeds N | --seeds A-B | --list FILE: see README.md. Each seed runs in a child of its own,
 * since a crash leaks what it throws away. What is repeated runs in a program of its own (--verdict), which lies
 * elsewhere in memory: a fork has its parent's addresses, and would not notice that its hash depends on them. */
#include "platform/base/log.h"
#include "tests/simulation/runner.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CPU_SECONDS_MAX 300
#define FAILED_SHOWN_MAX 20
#define STEPS_MIN 500
#define MIXED_SEEDS 100 /* from so many on each kind of fault is to strike */
#define ARGUMENTS_MAX 32
#define NUMBER_BYTES 24
#define PROGRESS_SEEDS 100
#define PROGRESS_SEEDS_LOGGED 1000 /* where nobody looks at it */

struct child {
    pid_t pid; /* 0: none */
    uint64_t seed;
    int pipe;
};

static struct run run;
static char **given; /* the arguments */

static struct {
    struct child children[JOBS_MAX];
    struct verdict sum;
    uint64_t held, failed;
    uint64_t beside; /* of the failed: by something else than the planted bug breaks */
    uint64_t first_failed;
    uint64_t seed; /* the one before, and what it was like at first */
    struct verdict first;
    uint64_t elsewhere; /* repeats that lay elsewhere in memory than the first did */
} done;

/* -- A child ------------------------------------------------------------------------------------------------------- */

/* What ends by a signal shows what happened last, too. */
static void show_end(int signal_number)
{
    if (run.plant == PLANT_NONE) {
        dprintf(STDOUT_FILENO, "  what happened last:\n");
        print_last_notes(STDOUT_FILENO);
        dprintf(STDOUT_FILENO, "  the last steps:\n");
        simulator_print_last_steps(STDOUT_FILENO);
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void prepare_child(struct simulation *sim, uint64_t seed)
{
    enum log_level level = !run.is_verbose ? LOG_LEVEL_NONE : run.is_traced ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING;
    const struct rlimit limit = {CPU_SECONDS_MAX, CPU_SECONDS_MAX + 1};
    setrlimit(RLIMIT_CPU, &limit);
    signal(SIGXCPU, show_end);
    signal(SIGABRT, show_end);
    sim->seed = seed;
    sim->plant = run.plant;
    sim->is_verbose = run.is_verbose;
    sim->save_folder = run.save_folder;
    log_configure(STDERR_FILENO, level, LOG_FORMAT_SHORT);
}

static _Noreturn void run_child(uint64_t seed, int pipe_end)
{
    struct simulation *sim = &simulation;
    struct simulator_result result;
    prepare_child(sim, seed);
    sim->verdict_pipe = pipe_end;
    run_seed(sim, run.is_traced ? STDERR_FILENO : 0, &result);
    const struct faults_struck struck = faults_struck();
    const struct verdict verdict = {
        .held = true,
        .steps = result.steps,
        .hash = result.trace_hash,
        .faults = faults_sum(&struck),
        .struck = struck,
        .lost_writes = struck.kinds[STRUCK_DROPPED] + struck.kinds[STRUCK_TORN],
        .commits = sim->commits,
        .observations = sim->observations,
        .orders = sim->orders,
        .confirmed = sim->confirmed,
        .virtual_s = result.virtual_ns / CLOCK_NS_PER_S,
        .crashes = result.crashes,
        .place = (uintptr_t)&run,
    };
    if (verdict.steps < STEPS_MIN || verdict.faults < FAULTS_MIN)
        violated("enough happens in a seed", "%" PRIu64 " steps, %" PRIu64 " faults", verdict.steps, verdict.faults);
    bool written = write(pipe_end, &verdict, sizeof(verdict)) == (ssize_t)sizeof(verdict);
    fflush(NULL);
    _exit(written ? 0 : 1);
}

/* With the arguments that were given, and what is its own behind them. */
static _Noreturn void run_program(uint64_t seed, int pipe_end)
{
    char number[NUMBER_BYTES], descriptor[NUMBER_BYTES], *arguments[ARGUMENTS_MAX + 5];
    size_t count = 0;
    snprintf(number, sizeof(number), "%" PRIu64, seed);
    snprintf(descriptor, sizeof(descriptor), "%d", pipe_end);
    while (given[count]) {
        ASSERT(count < ARGUMENTS_MAX);
        arguments[count] = given[count];
        count++;
    }
    char *const own[] = {(char[]){"--seed"}, number, (char[]){"--verdict"}, descriptor, NULL};
    memcpy(&arguments[count], own, sizeof(own));
    execv("/proc/self/exe", arguments);
    perror("simulation: a repeat cannot be started");
    _exit(1);
}

static void start_child(struct child *child, uint64_t seed)
{
    int ends[2];
    ASSERT(pipe(ends) == 0);
    fflush(NULL);
    pid_t pid = fork();
    ASSERT(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        if (run.repeats > 1)
            run_program(seed, ends[1]);
        run_child(seed, ends[1]);
    }
    close(ends[1]);
    *child = (struct child){pid, seed, ends[0]};
}

/* -- Results ------------------------------------------------------------------------------------------------------- */

/* Of a seed that is repeated: whether this time it is another than at first. */
static bool is_other_history(uint64_t seed, const struct verdict *verdict)
{
    if (done.seed != seed) {
        done.seed = seed;
        done.first = *verdict;
    }
    done.elsewhere += verdict->place != done.first.place;
    bool is_other = verdict->hash != done.first.hash;
    if (is_other)
        printf("seed %" PRIu64 " is not the same history each time: %016" PRIx64 ", then %016" PRIx64 "\n", seed,
               done.first.hash, verdict->hash);
    return is_other;
}

static void add_verdict(uint64_t seed, const struct verdict *verdict)
{
    done.held++;
    done.sum.steps += verdict->steps;
    done.sum.faults += verdict->faults;
    faults_add(&done.sum.struck, &verdict->struck);
    done.sum.lost_writes += verdict->lost_writes;
    done.sum.commits += verdict->commits;
    done.sum.observations += verdict->observations;
    done.sum.orders += verdict->orders;
    done.sum.confirmed += verdict->confirmed;
    done.sum.virtual_s += verdict->virtual_s;
    done.sum.crashes += verdict->crashes;
    if (run.prints_hashes && (run.repeats == 1 || done.held == 1))
        printf("seed %" PRIu64 ": %" PRIu64 " steps, %u crashes, %" PRIu64 " faults, %" PRId64 " orders, %" PRId64
               " kept, trace %016" PRIx64 "\n",
               seed, verdict->steps, verdict->crashes, verdict->faults, verdict->orders, verdict->confirmed,
               verdict->hash);
}

/* What the planted bug breaks is what was to be found. Anything else that goes wrong proves nothing of it. */
static bool is_expected(const char *invariant)
{
    return run.broken ? strcmp(invariant, run.broken) == 0 : invariant[0] && plant_breaks(run.plant, invariant);
}

/* invariant: the one that did not hold; "" when it ended otherwise. */
static void add_failure(const struct child *child, int status, const char *invariant)
{
    if (run.expects_violation && !is_expected(invariant)) {
        printf("seed %" PRIu64 " does not find the planted %s, but: %s\n", child->seed, run.plant_name,
               invariant[0] ? invariant : "an end without a verdict");
        done.beside++;
    }
    if (WIFSIGNALED(status))
        printf("seed %" PRIu64 " ended by signal %d (%s)\n", child->seed, WTERMSIG(status),
               WTERMSIG(status) == SIGXCPU ? "too much time" : strsignal(WTERMSIG(status)));
    if (done.failed++ == 0 || child->seed < done.first_failed)
        done.first_failed = child->seed;
    if (!run.expects_violation && done.failed <= FAILED_SHOWN_MAX)
        printf("    again: build/simulation --seed %" PRIu64 "%s%s --verbose\n", child->seed,
               run.plant ? " --plant " : "", run.plant ? run.plant_name : "");
}

static void show_progress(uint64_t count)
{
    uint64_t ended = done.held + done.failed;
    bool is_seen = isatty(STDERR_FILENO);
    if (count <= PROGRESS_SEEDS || ended % (is_seen ? PROGRESS_SEEDS : PROGRESS_SEEDS_LOGGED) != 0)
        return;
    fprintf(stderr, "%s%" PRIu64 " of %" PRIu64 " seeds, %" PRIu64 " violated%s", is_seen ? "\r" : "", ended, count,
            done.failed, is_seen && ended < count ? "" : "\n");
}

static void end_child(struct child *child)
{
    struct verdict verdict;
    int status;
    bool has_verdict = read(child->pipe, &verdict, sizeof(verdict)) == (ssize_t)sizeof(verdict);
    close(child->pipe);
    ASSERT(waitpid(child->pid, &status, 0) == child->pid);
    bool has_held = has_verdict && verdict.held && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (has_held && is_other_history(child->seed, &verdict))
        add_failure(child, status, SAME_HISTORY);
    else if (has_held)
        add_verdict(child->seed, &verdict);
    else
        add_failure(child, status, has_verdict && !verdict.held ? verdict.violated : "");
    child->pid = 0;
}

static uint64_t seed_at(uint64_t index)
{
    index /= run.repeats;
    return run.listed_count ? run.listed[index] : run.first + index;
}

/* Children end in the order in which they started, so that what is printed is the same each time. */
static void run_all(void)
{
    uint64_t count = (run.listed_count ? run.listed_count : run.last - run.first + 1) * run.repeats, next = 0;
    int oldest = 0, running = 0;
    while (next < count || running > 0) {
        bool enough = run.expects_violation && done.failed > 0;
        if (enough)
            next = count;
        if (next < count && running < run.jobs) {
            start_child(&done.children[(oldest + running++) % run.jobs], seed_at(next++));
            continue;
        }
        if (running > 0) {
            end_child(&done.children[oldest]);
            oldest = (oldest + 1) % run.jobs;
            running--;
            show_progress(count);
        }
    }
}

static bool has_rare_faults(void)
{
    uint64_t seeds = done.held + done.failed;
    bool is_mixed = !run.listed_count && run.repeats == 1 && !run.plant && seeds >= MIXED_SEEDS;
    return is_mixed && faults_are_rare(&done.sum.struck, seeds);
}

/* Repeats that all lay at one place, as where the system does not choose another each time, would prove nothing. */
static bool judge_repeats(void)
{
    if (run.repeats == 1 || done.failed > 0)
        return true;
    printf("the same history %" PRIu64 " times of %" PRIu64 ", each in a process of its own, %" PRIu64
           " elsewhere in memory than the first\n",
           run.repeats, run.repeats, done.elsewhere);
    return done.elsewhere > 0;
}

static int summarise(void)
{
    struct rusage usage;
    bool is_poor = has_rare_faults();
    getrusage(RUSAGE_CHILDREN, &usage);
    faults_show(&done.sum.struck);
    printf("%" PRIu64 " seeds: %" PRIu64 " steps, %" PRIu64 " commits judged, %u crashes, %" PRIu64 " faults, %" PRIu64
           " lost writes, %" PRId64 " orders, %" PRId64 " kept, %" PRId64 " h of simulated time, at most %ld MB\n",
           done.held + done.failed, done.sum.steps, done.sum.commits, done.sum.crashes, done.sum.faults,
           done.sum.lost_writes, done.sum.orders, done.sum.confirmed, done.sum.virtual_s / 3600,
           usage.ru_maxrss / 1024);
    bool is_repeated = judge_repeats();
    if (run.expects_violation && done.beside > 0)
        printf("planted %s: %" PRIu64 " of %" PRIu64 " failed seeds failed by something else\n", run.plant_name,
               done.beside, done.failed);
    else if (run.expects_violation && done.failed > 0)
        printf("planted %s found by seed %" PRIu64 ", after %" PRIu64 " seeds\n", run.plant_name, done.first_failed,
               done.first_failed - run.first + 1);
    else if (run.expects_violation)
        printf("planted %s not found\n", run.plant_name);
    else
        printf("%" PRIu64 " held, %" PRIu64 " violated\n", done.held, done.failed);
    return (done.failed > 0) == run.expects_violation && done.beside == 0 && !is_poor && is_repeated ? 0 : 1;
}

int main(int count, char **arguments)
{
    given = arguments;
    arguments_parse(&run, count, arguments);
    if (run.verdict_pipe > 0)
        run_child(run.first, run.verdict_pipe);
    if (run.repeats == 1)
        doors_prepare();
    run_all();
    return summarise();
}
