/* The sandbox that a shop enters, entered by children of this program: what must go on working does, and what is no
 * part of a shop is refused. Each child answers by its exit status, as nothing leads out of the sandbox. */
#include "platform/sandbox/sandbox.h"

#include "platform/base/err.h"
#include "platform/base/task.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <net/ethernet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifndef SHOPSTREAM_INSTRUMENTED

#define STATUS_GOOD 0
#define STATUS_NOT_ENTERED 99

struct fixture {
    char folder[64];
    char data[80];
    char outside[80]; /* a file beside the data folder */
    struct sandbox_limits limits;
    int open_port, closed_port; /* somebody listens on both; the first is on the list */
    struct attempts *attempts;  /* shared with the children */
};

static void write_file(const char *path)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("text", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    snprintf(f->folder, sizeof(f->folder), "/tmp/shopstream-sandbox-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->data, sizeof(f->data), "%s/data", f->folder);
    snprintf(f->outside, sizeof(f->outside), "%s/outside", f->folder);
    assert_int_equal(mkdir(f->data, 0700), 0);
    write_file(f->outside);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char path[120];

    snprintf(path, sizeof(path), "%s/kept", f->data);
    unlink(path);
    unlink(f->outside);
    rmdir(f->data);
    rmdir(f->folder);
    free(f);
    return 0;
}

/* Runs the function in a child; it returns STATUS_GOOD, or the number of what went wrong. */
static void in_child(struct fixture *f, int (*function)(struct fixture *), bool has_sandbox)
{
    char message[SANDBOX_MESSAGE_BYTES];
    int status;

    fflush(NULL);
    f->limits.data_path = f->data;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(!has_sandbox || sandbox_enter(&f->limits, message) == 0 ? function(f) : STATUS_NOT_ENTERED);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), STATUS_GOOD);
}

static void in_sandbox(struct fixture *f, int (*function)(struct fixture *))
{
    in_child(f, function, true);
}

/* -- What is refused ----------------------------------------------------------------------------------------------- */

/* The number of the first attempt that was not refused; 0: all were. */
struct attempt {
    long result;
    int error;
};

static struct attempt attempt_of(long result)
{
    return (struct attempt){.result = result, .error = errno};
}

#define ATTEMPT(expression) attempt_of((long)(expression))

static int first_allowed(const struct attempt *attempts, size_t count, int error)
{
    for (size_t i = 0; i < count; i++) {
        if (attempts[i].result != -1 || attempts[i].error != error)
            return (int)i + 1;
    }
    return STATUS_GOOD;
}

/* Where Landlock would say EPERM as well, a process or a place that is not there shows whose word it was. */
#define NOBODY INT_MAX

static int run_programs(struct fixture *f)
{
    char *const arguments[] = {(char[]){"true"}, NULL};
    char *const environment[] = {NULL};
    (void)f;
    const struct attempt attempts[] = {
        ATTEMPT(execve("/bin/true", arguments, environment)),
        ATTEMPT(syscall(SYS_execveat, AT_FDCWD, "/bin/true", arguments, environment, 0)),
        ATTEMPT(fork()),
#ifdef SYS_fork /* not on arm64 */
        ATTEMPT(syscall(SYS_fork)),
        ATTEMPT(syscall(SYS_vfork)),
#endif
        ATTEMPT(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL)),
        ATTEMPT(syscall(SYS_memfd_create, "code", 0)),
        ATTEMPT(mprotect(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096, PROT_READ | PROT_EXEC)),
    };
    return first_allowed(attempts, sizeof(attempts) / sizeof(attempts[0]), EPERM);
}

/* -- What is refused, and what would be anyway --------------------------------------------------------------------- */

/* Whoever is not root is refused much with EPERM, and so is root in a container: such an attempt shows nothing of the
 * sandbox. So each is made twice, without it and in it, and those that EPERM meets outside as well are named and not
 * counted. Most are such that the kernel looks at an argument, and finds it wrong, before it looks at rights. */
#define ATTEMPTS_MAX 16

struct named_attempt {
    const char *name;
    struct attempt attempt;
};

#define NAMED(expression) ((struct named_attempt){#expression, ATTEMPT(expression)})

struct attempts {
    size_t count;
    struct named_attempt all[ATTEMPTS_MAX];
};

static void add_attempts(struct attempts *attempts, const struct named_attempt *added, size_t count)
{
    assert_true(count <= ATTEMPTS_MAX);
    memcpy(attempts->all, added, count * sizeof(*added));
    attempts->count = count;
}

static struct attempts *attempts_of_a_child(struct fixture *f, int (*make)(struct fixture *), bool has_sandbox)
{
    f->attempts = mmap(NULL, sizeof(*f->attempts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(f->attempts != MAP_FAILED);
    in_child(f, make, has_sandbox);
    return f->attempts;
}

static bool is_refused(const struct attempt *attempt)
{
    return attempt->result == -1 && attempt->error == EPERM;
}

/* counted_min: of those that nobody's rights decide. */
static void assert_refused_by_the_sandbox(struct fixture *f, int (*make)(struct fixture *), size_t counted_min)
{
    struct attempts *without = attempts_of_a_child(f, make, false), *within = attempts_of_a_child(f, make, true);
    size_t counted = 0;

    for (size_t i = 0; i < within->count; i++) {
        const char *name = within->all[i].name;
        if (!is_refused(&within->all[i].attempt))
            fail_msg("%s: %ld, errno %d", name, within->all[i].attempt.result, within->all[i].attempt.error);
        if (is_refused(&without->all[i].attempt))
            print_message("not counted, as this user is refused it without a sandbox: %s\n", name);
        else
            counted++;
    }
    if (counted < counted_min)
        fail_msg("only %zu of %zu attempts show anything", counted, within->count);
    munmap(without, sizeof(*without));
    munmap(within, sizeof(*within));
}

#define ADD_ATTEMPTS(f, ...)                                                                                           \
    do {                                                                                                               \
        const struct named_attempt added_[] = {__VA_ARGS__};                                                           \
        add_attempts((f)->attempts, added_, sizeof(added_) / sizeof(added_[0]));                                       \
    } while (0)

static int reach_others(struct fixture *f)
{
    union bpf_attr program = {.map_type = BPF_MAP_TYPE_ARRAY};
    struct iovec here = {0}, there = {0};

    ADD_ATTEMPTS(f, NAMED(ptrace(PTRACE_DETACH, NOBODY, NULL, NULL)),
                 NAMED(syscall(SYS_process_vm_readv, NOBODY, &here, 1, &there, 1, 0)),
                 NAMED(syscall(SYS_pidfd_open, NOBODY, 0)), NAMED(kill(getpid(), 0)),
                 NAMED(syscall(SYS_tgkill, NOBODY, NOBODY, 0)),
                 NAMED(syscall(SYS_bpf, BPF_MAP_CREATE, &program, sizeof(program))),
                 NAMED(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0)), NAMED(syscall(SYS_keyctl, 0, 0, 0, 0, 0)),
                 NAMED(syscall(SYS_userfaultfd, -1)), NAMED(syscall(SYS_io_uring_setup, 1, NULL)));
    return STATUS_GOOD;
}

#define NO_USER ((uid_t)-1)

static int change_the_machine(struct fixture *f)
{
    const struct rlimit limit = {.rlim_cur = 64, .rlim_max = 64};

    ADD_ATTEMPTS(f, NAMED(mount("none", "/nowhere", "tmpfs", 0, NULL)), NAMED(syscall(SYS_unshare, 0)),
                 NAMED(chroot("/nowhere")), NAMED(syscall(SYS_init_module, NULL, 0, "")),
                 NAMED(syscall(SYS_reboot, 0, 0, 0, NULL)), NAMED(setuid(NO_USER)),
                 NAMED(setrlimit(RLIMIT_NOFILE, &limit)), NAMED(prctl(PR_SET_DUMPABLE, 0)),
                 NAMED(mknod("/nowhere/device", S_IFCHR, 0)), NAMED(symlink("/etc/passwd", f->outside)));
    return STATUS_GOOD;
}

/* Their protocols are none that there are, which the kernel finds before it asks for rights; but for packets. */
static int make_odd_sockets(struct fixture *f)
{
    ADD_ATTEMPTS(f, NAMED(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))), NAMED(socket(AF_INET, SOCK_RAW, IPPROTO_MAX)),
                 NAMED(socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_MAX)),
                 NAMED(socket(AF_NETLINK, SOCK_RAW, 12)) /* netfilter */, NAMED(socket(AF_ALG, SOCK_SEQPACKET, 0)),
                 NAMED(socket(AF_VSOCK, SOCK_STREAM, 0)));
    return STATUS_GOOD;
}

static int open_what_is_outside(struct fixture *f)
{
    char beside[100];
    snprintf(beside, sizeof(beside), "%s/../outside", f->data);
    const struct attempt attempts[] = {
        ATTEMPT(open(f->outside, O_RDONLY)),
        ATTEMPT(open(f->outside, O_WRONLY)),
        ATTEMPT(open(beside, O_RDONLY)),
        ATTEMPT(open(f->folder, O_RDONLY | O_DIRECTORY)),
        ATTEMPT(open("/bin/true", O_RDONLY)),
        ATTEMPT(open("/proc/1/environ", O_RDONLY)),
        ATTEMPT(open("/proc/self/mem", O_RDWR)),
        ATTEMPT(open("/etc/hosts", O_WRONLY)),
        ATTEMPT(open("/dev/null", O_RDWR)),
        ATTEMPT(unlink(f->outside)),
        ATTEMPT(mkdir("/tmp/shopstream-sandbox-new", 0700)),
    };
    return first_allowed(attempts, sizeof(attempts) / sizeof(attempts[0]), EACCES);
}

static void test_sandbox__no_other_program_runs(void **state)
{
    in_sandbox(*state, run_programs);
}

static void test_sandbox__no_other_process_is_reached(void **state)
{
    assert_refused_by_the_sandbox(*state, reach_others, 5);
}

static void test_sandbox__the_machine_is_not_changed(void **state)
{
    assert_refused_by_the_sandbox(*state, change_the_machine, 6);
}

static void test_sandbox__sockets_are_for_tcp_and_udp(void **state)
{
    assert_refused_by_the_sandbox(*state, make_odd_sockets, 3);
}

static void test_sandbox__files_outside_are_closed(void **state)
{
    in_sandbox(*state, open_what_is_outside);
}

/* -- What goes on -------------------------------------------------------------------------------------------------- */

static int use_the_data_folder(struct fixture *f)
{
    char path[120], to[120];
    snprintf(path, sizeof(path), "%s/made", f->data);
    snprintf(to, sizeof(to), "%s/kept", f->data);
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 || write(file, "text", 4) != 4 || ftruncate(file, 2) != 0 || fsync(file) != 0 || close(file) != 0)
        return 1;
    if (rename(path, to) != 0 || link(to, path) != 0 || unlink(path) != 0)
        return 2;
    return STATUS_GOOD;
}

static bool can_read(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0)
        close(file);
    return file >= 0 || errno == ENOENT;
}

static int read_what_libraries_read(struct fixture *f)
{
    static const char *const paths[] = {"/etc/ssl/certs",     "/etc/resolv.conf",    "/etc/hosts",
                                        "/etc/nsswitch.conf", "/usr/share/zoneinfo", "/dev/urandom",
                                        "/proc/self/statm",   "/proc/self/fd"};
    (void)f;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (!can_read(paths[i]))
            return (int)i + 1;
    }
    return STATUS_GOOD;
}

static int resolve_a_name(struct fixture *f)
{
    struct addrinfo *found = NULL;
    (void)f;
    if (getaddrinfo("localhost", "80", &(struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG},
                    &found) != 0)
        return 1;
    freeaddrinfo(found);
    return STATUS_GOOD;
}

static void listen_in_a_task(void *argument)
{
    int *ret_error = argument;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *ret_error = listen(listener, 1) == 0 ? 0 : errno;
}

static int run_tasks(struct fixture *f)
{
    struct task *task;
    int error = -1;
    (void)f;
    if (task_start(&task, "test-sandbox", listen_in_a_task, &error) < 0)
        return 1;
    task_join(task);
    return error == 0 ? STATUS_GOOD : 2;
}

/* A task that runs when the seal is set is under it as well. */
struct sealed {
    struct task_event is_sealed;
    int error;
};

static void listen_when_sealed(void *argument)
{
    struct sealed *sealed = argument;

    task_event_wait(&sealed->is_sealed);
    listen_in_a_task(&sealed->error);
}

static int seal(struct fixture *f)
{
    struct sealed sealed = {.error = 0};
    struct task *task;
    (void)f;
    task_event_init(&sealed.is_sealed);
    if (task_start(&task, "test-sandbox", listen_when_sealed, &sealed) < 0)
        return 11;
    if (sandbox_seal() != 0)
        return 12;
    task_event_set(&sealed.is_sealed);
    task_join(task);
    if (sealed.error != EPERM)
        return 13;
    const struct attempt attempts[] = {
        ATTEMPT(listen(socket(AF_INET, SOCK_STREAM, 0), 1)),
        ATTEMPT(socket(AF_UNIX, SOCK_STREAM, 0)),
        ATTEMPT(syscall(SYS_seccomp, 0, 0, NULL)),
    };
    return first_allowed(attempts, sizeof(attempts) / sizeof(attempts[0]), EPERM);
}

/* -- Where pages are rendered -------------------------------------------------------------------------------------- */

static int open_nothing(void)
{
    const struct attempt files[] = {
        ATTEMPT(open("/etc/hosts", O_RDONLY)),
        ATTEMPT(open("/", O_RDONLY | O_DIRECTORY)),
        ATTEMPT(open("/proc/self/environ", O_RDONLY)),
        ATTEMPT(open("/proc/self/mem", O_RDWR)),
        ATTEMPT(open("/dev/urandom", O_WRONLY)),
        ATTEMPT(open("/tmp/shopstream-sandbox-new", O_RDWR | O_CREAT, 0600)),
    };
    char *const none[] = {NULL};
    const struct attempt calls[] = {
        ATTEMPT(socket(AF_INET, SOCK_STREAM, 0)),
        ATTEMPT(socket(AF_UNIX, SOCK_STREAM, 0)),
        ATTEMPT(execve("/bin/true", none, none)),
        ATTEMPT(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL)),
        ATTEMPT(ptrace(PTRACE_TRACEME, 0, NULL, NULL)),
        ATTEMPT(unlink("/tmp/shopstream-sandbox-new")),
        ATTEMPT(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)),
        ATTEMPT(syscall(SYS_memfd_create, "code", 0)),
    };
    int status = first_allowed(files, sizeof(files) / sizeof(files[0]), EACCES);

    return status ? status : 20 * (first_allowed(calls, sizeof(calls) / sizeof(calls[0]), EPERM) != STATUS_GOOD);
}

/* What JavaScriptCore needs. */
static int seed_and_compile(void)
{
    int seed = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return seed >= 0 && code != MAP_FAILED ? STATUS_GOOD : 21;
}

static int render_a_page(void)
{
    char message[SANDBOX_MESSAGE_BYTES];
    int ends[2];

    if (sandbox_enter(&(struct sandbox_limits){.role = SANDBOX_RENDERER}, message) != 0)
        return 30;
    const struct attempt attempts[] = {
        ATTEMPT(fork()),
        ATTEMPT(kill(getppid(), 0)),
        ATTEMPT(kill(NOBODY, SIGTERM)),
        ATTEMPT(syscall(SYS_tgkill, NOBODY, NOBODY, SIGTERM)),
        ATTEMPT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends)),
        ATTEMPT(syscall(SYS_seccomp, 0, 0, NULL)),
    };
    int status = first_allowed(attempts, sizeof(attempts) / sizeof(attempts[0]), EPERM);
    if (status == STATUS_GOOD)
        status = open_nothing();
    return status == STATUS_GOOD ? seed_and_compile() : status + 40;
}

static int serve_forks(void)
{
    char message[SANDBOX_MESSAGE_BYTES];
    int ends[2], status;

    if (sandbox_enter(&(struct sandbox_limits){.role = SANDBOX_FORK_SERVER}, message) != 0)
        return STATUS_NOT_ENTERED;
    status = open_nothing();
    if (status != STATUS_GOOD || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return status ? status : 22;
    pid_t child = fork();
    if (child == 0)
        _exit(render_a_page());
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return 23;
    return WEXITSTATUS(status);
}

static void test_sandbox__where_pages_are_rendered_there_is_nothing_else(void **state)
{
    int status;

    (void)state;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(serve_forks());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), STATUS_GOOD);
}

/* -- Connections --------------------------------------------------------------------------------------------------- */

static int listen_somewhere(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    *ret_port = ntohs(address.sin_port);
    return listener;
}

/* 0 when somebody answered, or errno. */
static int connect_to(int port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;

    close(descriptor);
    return error;
}

static int connect_to_the_open_one_alone(struct fixture *f)
{
    if (connect_to(f->open_port) != 0)
        return 1;
    return connect_to(f->closed_port) == EACCES ? STATUS_GOOD : 2;
}

static int connect_to_both(struct fixture *f)
{
    return connect_to(f->open_port) == 0 && connect_to(f->closed_port) == 0 ? STATUS_GOOD : 1;
}

static int connect_to_none(struct fixture *f)
{
    return connect_to(f->open_port) == EACCES && connect_to(f->closed_port) == EACCES ? STATUS_GOOD : 1;
}

/* A shop without a provider still listens, and is connected to. */
static int listen_and_accept_nothing(struct fixture *f)
{
    int port;

    (void)f;
    close(listen_somewhere(&port));
    return STATUS_GOOD;
}

static void test_sandbox__connections_go_to_the_ports_on_the_list(void **state)
{
    struct fixture *f = *state;
    int listeners[2] = {listen_somewhere(&f->open_port), listen_somewhere(&f->closed_port)};
    const unsigned short ports[] = {(unsigned short)f->open_port};
    bool is_able = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 4;

    in_sandbox(f, connect_to_both);
    f->limits = (struct sandbox_limits){.limits_connections = true, .ports = ports, .port_count = 1};
    in_sandbox(f, is_able ? connect_to_the_open_one_alone : connect_to_both);
    f->limits.port_count = 0;
    in_sandbox(f, is_able ? connect_to_none : connect_to_both);
    in_sandbox(f, listen_and_accept_nothing);
    close(listeners[0]);
    close(listeners[1]);
}

static int look_at_walls(struct fixture *f)
{
    char line[256];
    int walls = 0;
    FILE *file = fopen("/proc/self/status", "re");
    (void)f;
    if (!file)
        return 1;
    while (fgets(line, sizeof(line), file))
        walls += strcmp(line, "NoNewPrivs:\t1\n") == 0 || strcmp(line, "Seccomp:\t2\n") == 0;
    fclose(file);
    return walls == 2 ? STATUS_GOOD : 2;
}

static void test_sandbox__the_data_folder_is_written(void **state)
{
    struct fixture *f = *state;
    struct stat status;
    char path[120];

    in_sandbox(f, use_the_data_folder);
    snprintf(path, sizeof(path), "%s/kept", f->data);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 2);
}

static void test_sandbox__libraries_find_their_files(void **state)
{
    in_sandbox(*state, read_what_libraries_read);
    in_sandbox(*state, resolve_a_name);
}

static void test_sandbox__tasks_start_and_listen(void **state)
{
    in_sandbox(*state, run_tasks);
}

static void test_sandbox__a_seal_ends_listening_in_every_task(void **state)
{
    in_sandbox(*state, seal);
}

static void test_sandbox__the_kernel_says_that_it_stands(void **state)
{
    in_sandbox(*state, look_at_walls);
}

static void test_sandbox__a_folder_that_is_not_there(void **state)
{
    struct fixture *f = *state;
    char message[SANDBOX_MESSAGE_BYTES], path[120];
    int status;

    snprintf(path, sizeof(path), "%s/none", f->data);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(sandbox_enter(&(struct sandbox_limits){.data_path = path}, message) == ERR_NOT_FOUND ? STATUS_GOOD : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sandbox__no_other_program_runs),
        TEST(test_sandbox__no_other_process_is_reached),
        TEST(test_sandbox__the_machine_is_not_changed),
        TEST(test_sandbox__sockets_are_for_tcp_and_udp),
        TEST(test_sandbox__files_outside_are_closed),
        TEST(test_sandbox__the_data_folder_is_written),
        TEST(test_sandbox__libraries_find_their_files),
        TEST(test_sandbox__tasks_start_and_listen),
        TEST(test_sandbox__a_seal_ends_listening_in_every_task),
        TEST(test_sandbox__where_pages_are_rendered_there_is_nothing_else),
        TEST(test_sandbox__connections_go_to_the_ports_on_the_list),
        TEST(test_sandbox__the_kernel_says_that_it_stands),
        TEST(test_sandbox__a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void test_sandbox__an_instrumented_build_says_that_it_has_none(void **state)
{
    char message[SANDBOX_MESSAGE_BYTES] = "";

    (void)state;
    assert_int_equal(sandbox_enter(&(struct sandbox_limits){.data_path = "/"}, message), ERR_UNAVAILABLE);
    assert_non_null(strstr(message, "instrumented"));
    assert_int_equal(sandbox_seal(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sandbox__an_instrumented_build_says_that_it_has_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
