/* memory [--flow NAME] [--only N] [--verbose]: fails each allocation of each flow, or of that flow, or that one.
 * --verbose tells of those that did no harm, too; addresses are for `addr2line -fpie build/memory`. */
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
    uint64_t number = only ? only : 1, failed = 0;
    bool is_good;
    do {
        is_good = run_child(flow, number, strike, certificate);
        failed += is_good ? 0 : 1;
        number++;
    } while (!only && strike->is_done);
    printf("%s: %" PRIu64 " allocations failed once each, %" PRIu64 " of them badly\n", flow->name, number - 2, failed);
    munmap(strike, sizeof *strike);
    return failed == 0 && (only || number > 2);
}

int main(int count, char **arguments)
{
    static const struct option OPTIONS[] = {{"flow", required_argument, NULL, 'f'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"verbose", no_argument, NULL, 'v'},
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
        else
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
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
