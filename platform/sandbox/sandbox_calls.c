/* The system calls that a running shop makes, by libseccomp: it knows their numbers on each processor, refuses those of
 * another ABI (x32, i386) and compiles the filter. What is not here fails with EPERM; no library that we use takes that
 * worse than by doing without. Calls that are allowed whatever their arguments cost nothing, as the kernel remembers
 * them; those with a rule for an argument run the filter. */
#include "platform/base/err.h"
#include "platform/sandbox/sandbox.h"
#include "platform/sandbox/sandbox_walls.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_TYPE_MASK 0xf      /* the rest of the argument are SOCK_CLOEXEC and SOCK_NONBLOCK */
#define IOCTL_MASK UINT32_MAX     /* the kernel looks at these bits alone */
#define OPTIMIZE_AS_BINARY_TREE 2 /* of SCMP_FLTATR_CTL_OPTIMIZE */

/* Whatever their arguments. Names that this processor does not have are left out (open, poll, stat on arm64). */
static const char *const calls[] = {
    /* Files: which ones is Landlock's to say. */
    "access", "chmod", "close", "close_range", "copy_file_range", "dup", "dup2", "dup3", "faccessat", "faccessat2",
    "fadvise64", "fallocate", "fchmod", "fchmodat", "fchown", "fcntl", "fdatasync", "flock", "fstat", "fstatfs",
    "fsync", "ftruncate", "getcwd", "getdents64", "link", "linkat", "lseek", "lstat", "mkdir", "mkdirat", "newfstatat",
    "open", "openat", "pread64", "preadv", "pwrite64", "pwritev", "read", "readlink", "readlinkat", "readv", "rename",
    "renameat", "renameat2", "rmdir", "sendfile", "stat", "statfs", "statx", "umask", "unlink", "unlinkat", "utimensat",
    "write", "writev",
    /* Waiting. */
    "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2", "pipe2", "poll", "ppoll",
    "pselect6", "select",
    /* Sockets; which ones is said below. */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom",
    "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    /* Memory; mmap and mprotect are below. */
    "brk", "madvise", "mremap", "munmap",
    /* Threads and signals; clone is below. */
    "exit", "exit_group", "futex", "get_robust_list", "restart_syscall", "rseq", "rt_sigaction", "rt_sigprocmask",
    "rt_sigreturn", "rt_sigtimedwait", "sched_getaffinity", "sched_yield", "set_robust_list", "sigaltstack",
    /* Time, chance, and what the process is. */
    "clock_getres", "clock_gettime", "clock_nanosleep", "getegid", "geteuid", "getgid", "getpid", "getppid",
    "getrandom", "getrlimit", "getrusage", "gettid", "gettimeofday", "getuid", "nanosleep", "sysinfo", "time", "times",
    "uname",
    /* sandbox_seal() takes this one away. */
    "seccomp"};

/* Of a process in which pages are rendered: what is open is read and written, threads and memory are had. */
static const char *const calls_of_renderer[] = {"brk",
                                                "clock_getres",
                                                "clock_gettime",
                                                "clock_nanosleep",
                                                "close",
                                                "eventfd2",
                                                "exit",
                                                "exit_group",
                                                "fstat",
                                                "futex",
                                                "get_robust_list",
                                                "getpid",
                                                "getrandom",
                                                "getrlimit",
                                                "getrusage",
                                                "gettid",
                                                "gettimeofday",
                                                "madvise",
                                                "membarrier",
                                                "mremap",
                                                "munmap",
                                                "nanosleep",
                                                "newfstatat",
                                                "openat",
                                                "poll",
                                                "ppoll",
                                                "read",
                                                "restart_syscall",
                                                "rseq",
                                                "rt_sigaction",
                                                "rt_sigprocmask",
                                                "rt_sigreturn",
                                                "rt_sigsuspend",
                                                "sched_getaffinity",
                                                "sched_yield",
                                                "set_robust_list",
                                                "setitimer",
                                                "sigaltstack",
                                                "sysinfo",
                                                "time",
                                                "uname",
                                                "write"};

/* And of what makes such processes; tgkill is theirs, and is held to each by its own filter. */
static const char *const calls_of_fork_server[] = {"getppid", "kill",   "recvfrom", "recvmsg", "seccomp",
                                                   "sendmsg", "sendto", "tgkill",   "wait4"};

static int allow(scmp_filter_ctx filter, const char *name, unsigned count, const struct scmp_arg_cmp *arguments)
{
    int number = seccomp_syscall_resolve_name(name);

    return number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count, arguments);
}

static int allow_when(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp first)
{
    return allow(filter, name, 1, &first);
}

static struct scmp_arg_cmp argument_is(unsigned number, uint64_t value)
{
    return (struct scmp_arg_cmp){.arg = number, .op = SCMP_CMP_EQ, .datum_a = value};
}

static struct scmp_arg_cmp argument_masked_is(unsigned number, uint64_t mask, uint64_t value)
{
    return (struct scmp_arg_cmp){.arg = number, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

/* TCP and UDP, no raw packets; Unix sockets for admin.sock and name services; netlink for what getaddrinfo asks about
 * the machine's addresses. */
static int allow_sockets(scmp_filter_ctx filter)
{
    static const uint64_t families[] = {AF_INET, AF_INET6}, types[] = {SOCK_STREAM, SOCK_DGRAM};

    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < 2; j++) {
            const struct scmp_arg_cmp both[] = {argument_is(0, families[i]),
                                                argument_masked_is(1, SOCKET_TYPE_MASK, types[j])};
            if (allow(filter, "socket", 2, both) != 0)
                return -1;
        }
    }
    const struct scmp_arg_cmp route[] = {argument_is(0, AF_NETLINK), argument_is(2, 0)};
    return allow(filter, "socket", 2, route) == 0 && allow_when(filter, "socket", argument_is(0, AF_UNIX)) == 0 &&
                   allow_when(filter, "socketpair", argument_is(0, AF_UNIX)) == 0
               ? 0
               : -1;
}

/* Memory that can be run is what the program came with; and where pages are rendered, what JavaScriptCore compiles
 * into: it is mapped for that once and for all. */
static int allow_memory(scmp_filter_ctx filter, enum sandbox_role role)
{
    int result = role == SANDBOX_SHOP ? allow_when(filter, "mmap", argument_masked_is(2, PROT_EXEC, 0))
                                      : allow(filter, "mmap", 0, NULL);

    return result == 0 ? allow_when(filter, "mprotect", argument_masked_is(2, PROT_EXEC, 0)) : -1;
}

/* Threads but no processes. clone3 has its flags in memory, where no filter sees them: told that it does not exist,
 * glibc takes clone. */
static int allow_threads(scmp_filter_ctx filter)
{
    int clone3 = seccomp_syscall_resolve_name("clone3");

    if (clone3 != __NR_SCMP_ERROR && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), clone3, 0) != 0)
        return -1;
    return allow_when(filter, "clone", argument_masked_is(0, CLONE_THREAD, CLONE_THREAD)) == 0 &&
                   allow_when(filter, "tgkill", argument_is(0, (uint64_t)getpid())) == 0 &&
                   allow_when(filter, "prctl", argument_is(0, PR_SET_NAME)) == 0
               ? 0
               : -1;
}

static int allow_looks(scmp_filter_ctx filter)
{
    static const uint64_t requests[] = {FIONBIO, FIONREAD, FIOCLEX, TCGETS, TIOCGWINSZ};
    /* A limit may be read, not set. */
    const struct scmp_arg_cmp own[] = {argument_is(0, 0), argument_is(2, 0)};

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        if (allow_when(filter, "ioctl", argument_masked_is(1, IOCTL_MASK, requests[i])) != 0)
            return -1;
    }
    return allow(filter, "prlimit64", 2, own);
}

static int allow_all(scmp_filter_ctx filter, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (allow(filter, names[i], 0, NULL) != 0)
            return -1;
    }
    return 0;
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A fork as glibc makes it, with no flag that opens a namespace. */
static int allow_forks(scmp_filter_ctx filter)
{
    const uint64_t flags = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;

    return allow_all(filter, calls_of_fork_server, COUNT_OF(calls_of_fork_server)) == 0 &&
                   allow_when(filter, "clone", argument_is(0, flags)) == 0 &&
                   allow_when(filter, "prctl", argument_is(0, PR_SET_PDEATHSIG)) == 0 &&
                   allow_when(filter, "socketpair", argument_is(0, AF_UNIX)) == 0
               ? 0
               : -1;
}

static int add_rules(scmp_filter_ctx filter, enum sandbox_role role)
{
    bool is_shop = role == SANDBOX_SHOP;
    int result = is_shop ? allow_all(filter, calls, COUNT_OF(calls))
                         : allow_all(filter, calls_of_renderer, COUNT_OF(calls_of_renderer));

    if (result == 0 && is_shop)
        result = allow_sockets(filter) == 0 && allow_looks(filter) == 0 ? 0 : -1;
    if (result == 0 && role == SANDBOX_FORK_SERVER)
        result = allow_forks(filter);
    return result == 0 && allow_memory(filter, role) == 0 && allow_threads(filter) == 0 ? 0 : ERR_NO_MEMORY;
}

/* Of the process, as the filter is. */
static bool is_limited;

int sandbox_limit_calls(enum sandbox_role role)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return ERR_NO_MEMORY;
    /* A tracer that lets a call fail makes it number -1, which is no call: it need not be refused. */
    seccomp_attr_set(filter, SCMP_FLTATR_API_TSKIP, 1);
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_AS_BINARY_TREE);
    if (role == SANDBOX_RENDERER) /* no_new_privs stands, and prctl is not to be had */
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
    int error = add_rules(filter, role);
    if (!error && seccomp_rule_add(filter, SCMP_ACT_ALLOW, -1, 0) != 0)
        error = ERR_NO_MEMORY;
    if (!error && seccomp_load(filter) != 0)
        error = ERR_UNAVAILABLE;
    is_limited = error == 0;
    seccomp_release(filter);
    return error;
}

/* -- The seal ------------------------------------------------------------------------------------------------------ */

static int add_refusals(scmp_filter_ctx filter)
{
    static const char *const refused[] = {"listen", "seccomp"};

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        int number = seccomp_syscall_resolve_name(refused[i]);
        if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0) != 0)
            return ERR_NO_MEMORY;
    }
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, argument_is(0, AF_UNIX)) == 0
               ? 0
               : ERR_NO_MEMORY;
}

/* Another filter over the first, in every thread at once: the kernel takes the stricter answer. */
int sandbox_seal(void)
{
    if (!is_limited)
        return 0;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return ERR_NO_MEMORY;
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
    int error = add_refusals(filter);
    if (!error && seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) != 0)
        error = ERR_UNAVAILABLE;
    if (!error && seccomp_load(filter) != 0)
        error = ERR_UNAVAILABLE;
    seccomp_release(filter);
    return error;
}
