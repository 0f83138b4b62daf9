/* simulation --seed N | --seeds N | --seeds A-B: see README.md. Each seed runs in a child of its own, since a crash
 * leaks what it throws away. */
#include "platform/base/log.h"
#include "tests/simulation/simulation.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_DEFAULT 2
#define JOBS_MAX 16
#define CPU_SECONDS_MAX 300
#define FAILED_SHOWN_MAX 20
#define FOLDERS_OPEN_MAX 8

/* What a child says of a seed that held. */
struct report {
    uint64_t steps, hash, faults, lost_writes, observations;
    int64_t orders, confirmed, virtual_ns;
    unsigned crashes;
};

struct child {
    pid_t pid; /* 0: none */
    uint64_t seed;
    int pipe;
};

static struct {
    uint64_t first, last;
    enum plant plant;
    const char *plant_name;
    const char *save_folder;
    bool expects_violation, is_verbose, is_traced, prints_hashes;
    int jobs;

    struct child children[JOBS_MAX];
    struct report sum;
    uint64_t held, failed;
    uint64_t first_failed;
} run;

/* -- A child ------------------------------------------------------------------------------------------------------- */

/* Each child's own: a shop that starts clears its folder of what a crash left, and must not meet what another seed
 * writes. */
static void name_folder(pid_t pid, char ret_path[PATH_BYTES])
{
    const char *base = getenv("TMPDIR");
    snprintf(ret_path, PATH_BYTES, "%s/shopstream-simulation-%d", base ? base : "/tmp", (int)pid);
}

static void make_folder(struct simulation *sim)
{
    name_folder(getpid(), sim->folder);
    if (mkdir(sim->folder, 0700) != 0 && errno != EEXIST)
        violated("there is a temporary folder", "%s", sim->folder);
}

static _Noreturn void run_child(uint64_t seed, int pipe_end)
{
    struct simulation *sim = &simulation;
    struct simulator_result result;
    const struct rlimit limit = {CPU_SECONDS_MAX, CPU_SECONDS_MAX};
    setrlimit(RLIMIT_CPU, &limit);
    sim->seed = seed;
    sim->plant = run.plant;
    sim->is_verbose = run.is_verbose;
    sim->save_folder = run.save_folder;
    log_configure(STDERR_FILENO, run.is_verbose ? LOG_LEVEL_INFO : LOG_LEVEL_NONE, LOG_FORMAT_SHORT);
    make_folder(sim);
    run_seed(sim, run.is_traced ? STDERR_FILENO : 0, &result);
    const struct simulated_disk_counts *disk = simulated_disk_counts(sim->shop_disk);
    const struct report report = {
        .steps = result.steps,
        .hash = result.trace_hash,
        .faults = disk->faults + simulated_network_counts()->faults + sim->faults_asked + result.crashes,
        .lost_writes = disk->lost_writes,
        .observations = sim->observations,
        .orders = sim->orders,
        .confirmed = sim->confirmed,
        .virtual_ns = result.virtual_ns,
        .crashes = result.crashes,
    };
    bool written = write(pipe_end, &report, sizeof(report)) == (ssize_t)sizeof(report);
    fflush(NULL);
    _exit(written ? 0 : 1);
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
        run_child(seed, ends[1]);
    }
    close(ends[1]);
    *child = (struct child){pid, seed, ends[0]};
}

/* -- Results ------------------------------------------------------------------------------------------------------- */

static void add_report(uint64_t seed, const struct report *report)
{
    run.held++;
    run.sum.steps += report->steps;
    run.sum.faults += report->faults;
    run.sum.lost_writes += report->lost_writes;
    run.sum.observations += report->observations;
    run.sum.orders += report->orders;
    run.sum.confirmed += report->confirmed;
    run.sum.virtual_ns += report->virtual_ns;
    run.sum.crashes += report->crashes;
    if (run.prints_hashes)
        printf("seed %" PRIu64 ": %" PRIu64 " steps, %u crashes, %" PRIu64 " faults, %" PRId64 " orders, %" PRId64
               " kept, trace %016" PRIx64 "\n",
               seed, report->steps, report->crashes, report->faults, report->orders, report->confirmed, report->hash);
}

static void add_failure(const struct child *child, int status)
{
    if (WIFSIGNALED(status))
        printf("seed %" PRIu64 " ended by signal %d (%s)\n", child->seed, WTERMSIG(status),
               WTERMSIG(status) == SIGXCPU ? "too much time" : strsignal(WTERMSIG(status)));
    if (run.failed++ == 0 || child->seed < run.first_failed)
        run.first_failed = child->seed;
    if (!run.expects_violation && run.failed <= FAILED_SHOWN_MAX)
        printf("    again: build/simulation --seed %" PRIu64 "%s%s --verbose\n", child->seed,
               run.plant ? " --plant " : "", run.plant ? run.plant_name : "");
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void end_child(struct child *child)
{
    char folder[PATH_BYTES];
    struct report report;
    int status;
    bool has_report = read(child->pipe, &report, sizeof(report)) == (ssize_t)sizeof(report);
    close(child->pipe);
    ASSERT(waitpid(child->pid, &status, 0) == child->pid);
    if (has_report && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        add_report(child->seed, &report);
    else
        add_failure(child, status);
    name_folder(child->pid, folder);
    nftw(folder, remove_entry, FOLDERS_OPEN_MAX, FTW_DEPTH | FTW_PHYS);
    child->pid = 0;
}

/* Children end in the order in which they started, so that what is printed is the same each time. */
static void run_all(void)
{
    uint64_t next = run.first;
    int oldest = 0, running = 0;
    while (next <= run.last || running > 0) {
        bool enough = run.expects_violation && run.failed > 0;
        if (enough)
            next = run.last + 1;
        if (next <= run.last && running < run.jobs) {
            start_child(&run.children[(oldest + running++) % run.jobs], next++);
            continue;
        }
        if (running > 0) {
            end_child(&run.children[oldest]);
            oldest = (oldest + 1) % run.jobs;
            running--;
        }
    }
}

static int summarise(void)
{
    printf("%" PRIu64 " seeds: %" PRIu64 " steps, %u crashes, %" PRIu64 " faults, %" PRIu64 " lost writes, %" PRId64
           " orders, %" PRId64 " kept, %" PRId64 " h of simulated time\n",
           run.held + run.failed, run.sum.steps, run.sum.crashes, run.sum.faults, run.sum.lost_writes, run.sum.orders,
           run.sum.confirmed, run.sum.virtual_ns / CLOCK_NS_PER_S / 3600);
    if (run.expects_violation && run.failed > 0)
        printf("planted %s found by seed %" PRIu64 ", after %" PRIu64 " seeds\n", run.plant_name, run.first_failed,
               run.first_failed - run.first + 1);
    else if (run.expects_violation)
        printf("planted %s not found\n", run.plant_name);
    else
        printf("%" PRIu64 " held, %" PRIu64 " violated\n", run.held, run.failed);
    return (run.failed > 0) == run.expects_violation ? 0 : 1;
}

/* -- Arguments ----------------------------------------------------------------------------------------------------- */

static _Noreturn void usage(const char *wrong)
{
    if (wrong)
        fprintf(stderr, "simulation: %s\n", wrong);
    fprintf(stderr,
            "simulation --seed N [--verbose] [--trace]   one seed; verbose: what happens, trace: each step, on stderr\n"
            "simulation --seeds N | --seeds A-B          many, each in a process of its own\n"
            "  --jobs N              at a time (%d)\n"
            "  --save FOLDER         where a violation leaves its databases, for SQLite's shell\n"
            "  --hashes              a line for each seed, with the hash of its trace\n"
            "  --plant BUG           %s\n"
            "  --expect-violation    stop at the first seed that finds it; fail when none does\n",
            JOBS_DEFAULT, plant_names);
    exit(2);
}

static void parse_seeds(const char *text)
{
    char *end;
    run.first = 1;
    run.last = strtoull(text, &end, 10);
    if (*end == '-') {
        run.first = run.last;
        run.last = strtoull(end + 1, &end, 10);
    }
    if (end == text || *end || run.last < run.first)
        usage("--seeds takes a number or a range");
}

static void parse_value(const char *name, const char *value)
{
    if (strcmp(name, "--seed") == 0) {
        parse_seeds(value);
        run.first = run.last;
        run.prints_hashes = true;
    } else if (strcmp(name, "--seeds") == 0) {
        parse_seeds(value);
    } else if (strcmp(name, "--jobs") == 0) {
        run.jobs = atoi(value);
        if (run.jobs < 1 || run.jobs > JOBS_MAX)
            usage("--jobs is 1 to 16");
    } else if (strcmp(name, "--save") == 0) {
        run.save_folder = value;
    } else if (strcmp(name, "--plant") == 0) {
        run.plant_name = value;
        if (!plant_parse(value, &run.plant))
            usage("there is no such bug to plant");
    } else {
        usage(name);
    }
}

static void parse(int count, char **arguments)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--verbose", &run.is_verbose},
                 {"--trace", &run.is_traced},
                 {"--hashes", &run.prints_hashes},
                 {"--expect-violation", &run.expects_violation}};
    run.jobs = JOBS_DEFAULT;
    for (int i = 1; i < count; i++) {
        bool is_flag = false;
        for (size_t j = 0; j < sizeof(flags) / sizeof(flags[0]); j++) {
            if (strcmp(arguments[i], flags[j].name) == 0)
                is_flag = *flags[j].flag = true;
        }
        if (is_flag)
            continue;
        if (i + 1 == count)
            usage(arguments[i]);
        parse_value(arguments[i], arguments[i + 1]);
        i++;
    }
    if (!run.last)
        usage("which seeds?");
}

int main(int count, char **arguments)
{
    parse(count, arguments);
    run_all();
    return summarise();
}
