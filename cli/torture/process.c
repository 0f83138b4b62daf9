/* The shop as a child process: started, killed, started again. */
#include "cli/commands.h"
#include "cli/terminal.h"
#include "cli/torture/torture.h"
#include "platform/ports/clock/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Nothing of the caller's: a real shop's settings must not reach this one. */
static char *const child_environment[] = {
    "PATH=/usr/bin:/bin",
    "SHOPSTREAM_RATE_LIMITS=off",
    "SHOPSTREAM_LOG_LEVEL=error",
    "SHOPSTREAM_RECONCILE_AGE_MS=1000",
    "SHOPSTREAM_STRIPE_SECRET_KEY=sk_test_torture",
    NULL,
};

/* Between fork and exec: only what is safe there. */
static void become(const struct torture *torture, char *const *words, pid_t parent)
{
    sigset_t none;
    int log = open(torture->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* It must not outlive the one who tortures it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        _exit(127);
    execve(torture->binary, words, child_environment);
    _exit(127);
}

static pid_t spawn(const struct torture *torture, char *const *words)
{
    pid_t parent = getpid();
    pid_t process = fork();

    if (process == 0)
        become(torture, words, parent);
    return process;
}

bool torture_run_self(struct torture *torture, const char *const *words)
{
    int status = 0;
    pid_t process = spawn(torture, (char *const *)words);

    return process > 0 && waitpid(process, &status, 0) == process && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool has_ended(struct torture *torture)
{
    if (waitpid(torture->process, NULL, WNOHANG) != torture->process)
        return false;
    torture->process = 0;
    return true;
}

static int wait_until_ready(struct torture *torture)
{
    const struct torture_request request = {.method = HTTP_GET, .path = "/health/ready"};
    int64_t deadline_ns = clock_monotonic_ns() + TORTURE_PATIENCE_MS * CLOCK_NS_PER_MS;

    while (clock_monotonic_ns() < deadline_ns) {
        struct str body;
        int status = 0;

        arena_reset(torture->arena);
        if (torture_ask(torture, torture->arena, &request, &status, &body) == 0 && status == 200)
            return EXIT_DONE;
        if (has_ended(torture))
            return say_failed("the shop ended while it started; %s says why", torture->log_path);
        task_sleep_ms(1);
    }
    return say_failed("the shop is not ready after %lld s; see %s", (long long)(TORTURE_PATIENCE_MS / CLOCK_MS_PER_S),
                      torture->log_path);
}

int torture_start(struct torture *torture, int64_t *ret_ms)
{
    int64_t started_ns = clock_monotonic_ns();
    char port[8];
    const char *words[] = {"shopstream", "serve", "--no-seed", "--data", torture->data, "--port", port, NULL};

    snprintf(port, sizeof(port), "%d", torture->port);
    torture->process = spawn(torture, (char *const *)words);
    if (torture->process < 0) {
        torture->process = 0;
        return say_failed("the shop cannot be started: %s", strerror(errno));
    }
    int status = wait_until_ready(torture);
    if (status == EXIT_DONE) {
        *ret_ms = (clock_monotonic_ns() - started_ns) / CLOCK_NS_PER_MS;
        atomic_store(&torture->is_up, true);
    }
    return status;
}

void torture_end(struct torture *torture)
{
    atomic_store(&torture->is_up, false);
    if (torture->process > 0) {
        kill(torture->process, SIGKILL);
        waitpid(torture->process, NULL, 0);
    }
    torture->process = 0;
    torture->commits += atomic_exchange(&torture->life_commits, 0);
}

int torture_kill_and_recover(struct torture *torture)
{
    int64_t ms = 0;

    torture_end(torture);
    torture->kills++;
    int status = torture_start(torture, &ms);
    if (status == EXIT_DONE)
        torture->recovery_ms[torture->recovery_count++] = ms;
    return status;
}

bool torture_stop(struct torture *torture)
{
    int64_t deadline_ns = clock_monotonic_ns() + TORTURE_PATIENCE_MS * CLOCK_NS_PER_MS;
    int status = 0;

    atomic_store(&torture->is_up, false);
    if (torture->process <= 0)
        return false;
    kill(torture->process, SIGTERM);
    while (clock_monotonic_ns() < deadline_ns) {
        if (waitpid(torture->process, &status, WNOHANG) == torture->process) {
            torture->process = 0;
            torture->commits += atomic_exchange(&torture->life_commits, 0);
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
        task_sleep_ms(TORTURE_POLL_MS);
    }
    return false;
}
