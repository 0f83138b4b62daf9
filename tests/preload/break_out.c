/* Tries, from inside of a shop that runs, what its sandbox has to refuse. Each task that gets a signal makes each
 * attempt once: SIGPROF, which tasks do not block, or, where pages are rendered, SIGUSR2, as SIGPROF is in use there.
 * What came of it is written to a file that is mapped before there is a sandbox, as `struct results`.
 *
 * BREAK_OUT: that file. BREAK_OUT_FOLDER: a folder with a file `outside` and, beside it, the data folder `data`.
 * BREAK_OUT_PORTS: two ports that somebody listens on: one that the shop may connect to, and one that it may not. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_BYTES 500
#define ENVIRONMENT_MAX 200

enum attempt {
    WRITE_DATA, /* which must go on */
    READ_OUTSIDE,
    WRITE_OUTSIDE,
    MAKE_OUTSIDE,
    EXECUTE,
    TRACE,
    FORK,
    CONNECT_ALLOWED,
    CONNECT_OTHER,
    SEND_UDP, /* which no wall of the kernel holds: names are found by it */
    LISTEN,
    ATTEMPTS
};

struct tried {
    int32_t task;
    int32_t errors[ATTEMPTS]; /* 0: it was let through */
};

static struct {
    char inside[PATH_BYTES], outside[PATH_BYTES], new[PATH_BYTES];
    uint16_t allowed_port, other_port;
    struct results {
        _Atomic int32_t begun, done;
        struct tried tried[];
    } * results;
    size_t room;
} self;

/* -- The attempts: async-signal-safe, and each undone -------------------------------------------------------------- */

static int outcome(long result)
{
    return result < 0 ? errno : 0;
}

static int try_open(const char *path, int flags)
{
    int file = open(path, flags | O_CLOEXEC, 0600);
    int error = outcome(file);

    if (file >= 0)
        close(file);
    return error;
}

static int try_make(const char *path)
{
    int error = try_open(path, O_WRONLY | O_CREAT);

    if (!error)
        unlink(path);
    return error;
}

/* Of a program and a process that are not there: ENOENT and ESRCH come from behind the sandbox. */
static int try_execute(void)
{
    char *const none[] = {NULL};

    return outcome(execve("/nowhere/program", none, none));
}

static int try_trace(void)
{
    return outcome(ptrace(PTRACE_DETACH, INT32_MAX, NULL, NULL));
}

static int try_fork(void)
{
    pid_t child = _Fork();

    if (child == 0)
        _exit(0);
    int error = outcome(child);
    if (child > 0)
        waitpid(child, NULL, 0);
    return error;
}

static int try_connect(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = outcome(descriptor);

    if (!error)
        error = outcome(connect(descriptor, (const struct sockaddr *)&address, sizeof(address)));
    if (descriptor >= 0)
        close(descriptor);
    return error;
}

static int try_send(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int error = outcome(descriptor);

    if (!error)
        error = outcome(sendto(descriptor, "", 1, 0, (const struct sockaddr *)&address, sizeof(address)));
    if (descriptor >= 0)
        close(descriptor);
    return error;
}

static int try_listen(void)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = descriptor < 0 ? outcome(descriptor) : outcome(listen(descriptor, 1));

    if (descriptor >= 0)
        close(descriptor);
    return error;
}

static void try_all(int number)
{
    int before = errno;
    int32_t index = atomic_fetch_add(&self.results->begun, 1);

    (void)number;
    if ((size_t)index < self.room) {
        struct tried *tried = &self.results->tried[index];
        tried->errors[WRITE_DATA] = try_open(self.inside, O_WRONLY | O_CREAT);
        tried->errors[READ_OUTSIDE] = try_open(self.outside, O_RDONLY);
        tried->errors[WRITE_OUTSIDE] = try_open(self.outside, O_WRONLY);
        tried->errors[MAKE_OUTSIDE] = try_make(self.new);
        tried->errors[EXECUTE] = try_execute();
        tried->errors[TRACE] = try_trace();
        tried->errors[FORK] = try_fork();
        tried->errors[CONNECT_ALLOWED] = try_connect(self.allowed_port);
        tried->errors[CONNECT_OTHER] = try_connect(self.other_port);
        tried->errors[SEND_UDP] = try_send(self.other_port);
        tried->errors[LISTEN] = try_listen();
        tried->task = (int32_t)gettid();
        atomic_fetch_add(&self.results->done, 1);
    }
    errno = before;
}

/* -- Getting in ---------------------------------------------------------------------------------------------------- */

static void open_results(const char *path)
{
    struct stat status;
    int file = open(path, O_RDWR | O_CLOEXEC);

    if (file < 0 || fstat(file, &status) != 0)
        abort();
    self.results = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (self.results == MAP_FAILED)
        abort();
    self.room = ((size_t)status.st_size - sizeof(struct results)) / sizeof(struct tried);
    close(file);
}

__attribute__((constructor)) static void start(void)
{
    const struct sigaction action = {.sa_handler = try_all, .sa_flags = SA_RESTART};
    const char *path = getenv("BREAK_OUT"), *folder = getenv("BREAK_OUT_FOLDER"), *ports = getenv("BREAK_OUT_PORTS");
    char *rest = NULL;

    if (!path || !folder || !ports)
        return;
    open_results(path);
    snprintf(self.inside, PATH_BYTES, "%s/data/inside", folder);
    snprintf(self.outside, PATH_BYTES, "%s/outside", folder);
    snprintf(self.new, PATH_BYTES, "%s/new", folder);
    self.allowed_port = (uint16_t)strtoul(ports, &rest, 10);
    self.other_port = (uint16_t)strtoul(rest, NULL, 10);
    sigaction(SIGPROF, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
}

/* What renders pages is started with an empty environment: it is told of this library all the same. */
int posix_spawn(pid_t *restrict ret_process, const char *restrict path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *restrict attributes, char *const arguments[restrict],
                char *const environment[restrict])
{
    int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
                char *const[]);
    static const char *const names[] = {"LD_PRELOAD", "BREAK_OUT", "BREAK_OUT_FOLDER", "BREAK_OUT_PORTS"};
    static char told[sizeof(names) / sizeof(names[0])][PATH_BYTES + 50];
    char *all[ENVIRONMENT_MAX + sizeof(names) / sizeof(names[0]) + 1];
    size_t count = 0;

    *(void **)&real = dlsym(RTLD_NEXT, "posix_spawn");
    if (!real)
        abort();
    for (; environment[count] && count < ENVIRONMENT_MAX; count++)
        all[count] = environment[count];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        snprintf(told[i], sizeof(told[i]), "%s=%s", names[i], value ? value : "");
        all[count++] = told[i];
    }
    all[count] = NULL;
    return real(ret_process, path, actions, attributes, arguments, all);
}
