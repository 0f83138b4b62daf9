/* memory [--flow NAME] [--only N] [--verbose] [--plant leak|wait|answer]: fails each allocation of each flow, or of
 * that flow, or that one. --verbose tells of those that did no harm, too; addresses are for `addr2line -fpie
 * build/memory`. With a bug planted it stops at the first failure that shows it, and fails where none does. */
#include "tests/memory/memory.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define VIOLATION_EXIT_CODE 3
#define CHILD_SECONDS_MAX 60 /* of real time; each wait in it is bounded by less */

_Noreturn void violated(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("    ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _exit(VIOLATION_EXIT_CODE);
}

static bool is_verbose;
static enum plant plant;

/* What there is to fail, over all flows: half of what was counted. Less would mean that it is not met any more. */
static struct {
    const char *function;
    uint64_t least, count;
} functions[] = {
    {"malloc", 146, 0},    {"calloc", 45, 0},     {"realloc", 20, 0},      {"arena_alloc_array", 3, 0},
    {"arena_copy", 22, 0}, {"arena_cstr", 34, 0}, {"arena_printf", 26, 0},
};

#define FUNCTIONS (sizeof functions / sizeof functions[0])

static void count_strike(const struct strike *strike)
{
    for (size_t i = 0; i < FUNCTIONS; i++)
        functions[i].count += strike->is_done && strcmp(functions[i].function, strike->function) == 0;
}

static bool is_poor(void)
{
    bool is_any = false;
    for (size_t i = 0; i < FUNCTIONS; i++) {
        if (functions[i].count >= functions[i].least)
            continue;
        printf("too little to fail: %s, %" PRIu64 " times, which is to be %" PRIu64 " at least\n",
               functions[i].function, functions[i].count, functions[i].least);
        is_any = true;
    }
    return is_any;
}

static const char *how_it_ended(int status, char text[64])
{
    if (status == 0)
        snprintf(text, 64, "ended well");
    else if (WIFSIGNALED(status))
        snprintf(text, 64, "ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, 64, "ended with %d", WEXITSTATUS(status));
    return text;
}

/* Whether all held with that allocation failing. */
static bool run_child(const struct flow *flow, uint64_t number, struct strike *strike,
                      const struct test_certificate *certificate)
{
    *strike = (struct strike){0};
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(CHILD_SECONDS_MAX);
        allocations_plant(plant);
        flow_run(flow, number, strike, certificate);
        exit(0); /* LeakSanitizer looks at what is left */
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        violated("no child: %s", strerror(errno));
    char text[64];
    if (status != 0 || (is_verbose && strike->is_done))
        printf("    %s: allocation %" PRIu64 " (%s at %#zx): %s\n", flow->name, number,
               strike->is_done ? strike->function : "none", strike->address, how_it_ended(status, text));
    return status == 0;
}

static bool run_flow(const struct flow *flow, uint64_t only, const struct test_certificate *certificate)
{
    struct strike *strike = mmap(NULL, sizeof *strike, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (strike == MAP_FAILED)
        violated("no shared memory: %s", strerror(errno));
    uint64_t number = only ? only : 1, failed = 0, struck = 0;
    bool is_good;
    do {
        is_good = run_child(flow, number, strike, certificate);
        failed += is_good ? 0 : 1;
        struck += strike->is_done;
        count_strike(strike);
        number++;
    } while (!only && strike->is_done && (!plant || failed == 0));
    printf("%s: %" PRIu64 " allocations failed once each, %" PRIu64 " of them badly\n", flow->name, struck, failed);
    munmap(strike, sizeof *strike);
    return plant ? failed > 0 : failed == 0 && struck > 0;
}

static bool take_plant(const char *name)
{
    static const char *const names[] = {[PLANT_LEAK] = "leak", [PLANT_WAIT] = "wait", [PLANT_ANSWER] = "answer"};
    for (int i = PLANT_LEAK; i <= PLANT_ANSWER; i++) {
        if (strcmp(name, names[i]) == 0)
            plant = (enum plant)i;
    }
    return plant != PLANT_NONE;
}

int main(int count, char **arguments)
{
    static const struct option OPTIONS[] = {{"flow", required_argument, NULL, 'f'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"plant", required_argument, NULL, 'p'},
                                            {0}};
    const char *name = NULL;
    uint64_t only = 0;
    for (int option; (option = getopt_long(count, arguments, "", OPTIONS, NULL)) != -1;) {
        if (option == 'f')
            name = optarg;
        else if (option == 'o')
            only = strtoull(optarg, NULL, 10);
        else if (option == 'v')
            is_verbose = true;
        else if (option != 'p' || !take_plant(optarg))
            return 2;
    }
    struct test_certificate certificate;
    unsigned passed = 0, failed = 0;
    allocations_spare(true);
    signal(SIGPIPE, SIG_IGN);
    test_certificate_make(&certificate);
    for (size_t i = 0; i < flow_count; i++) {
        if (name && strcmp(name, flows[i].name) != 0)
            continue;
        if (run_flow(&flows[i], only, &certificate))
            passed++;
        else
            failed++;
    }
    test_certificate_remove(&certificate);
    if (!name && !only && !plant && is_poor())
        failed++;
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
