/* shopstream-render SANDBOX: makes the processes in which pages are rendered, for the shop that started it. Not for
 * people: it speaks over the socket that it finds as RENDER_CONTROL_DESCRIPTOR (platform/render/render_frame.h).
 *
 * A fork server: it runs no JavaScript itself and has one thread, so that what it forks starts clean. The shop cannot
 * fork, in its sandbox, and should not, with its threads and secrets. It ends when the shop does, and its children end
 * with it. */
#include "platform/render/render_frame.h"
#include "platform/sandbox/sandbox.h"
#include "renderer/renderer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONTEXTS_MAX 64 /* at one time, of all renderers of a shop */
/* The kernel ends what pages took memory for, before the shop. */
#define OUT_OF_MEMORY_SCORE "500"

static bool has_sandbox;
static int children;

/* Ctrl-C and SIGTERM may go to the whole group: the shop still answers what it has in hand, and ends this by its end of
 * the socket. */
static void ignore_signals(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
}

static void volunteer_when_memory_ends(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (file < 0)
        return;
    /* Where it cannot be written, the kernel chooses by size alone. */
    ssize_t written = write(file, OUT_OF_MEMORY_SCORE, sizeof(OUT_OF_MEMORY_SCORE) - 1);
    (void)written;
    close(file);
}

static _Noreturn void run_child(int socket, const struct render_command *command, pid_t parent)
{
    close(RENDER_CONTROL_DESCRIPTOR);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(0);
    renderer_run(socket, command, has_sandbox);
}

static int make(const struct render_command *command, pid_t *ret_process, int *ret_socket)
{
    pid_t parent = getpid();
    int ends[2];

    if (children >= CONTEXTS_MAX || command->render_time_ms <= 0)
        return ERR_UNAVAILABLE;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return ERR_UNAVAILABLE;
    pid_t process = fork();
    if (process == 0) {
        close(ends[0]);
        run_child(ends[1], command, parent);
    }
    close(ends[1]);
    if (process < 0) {
        close(ends[0]);
        return ERR_UNAVAILABLE;
    }
    children++;
    *ret_process = process;
    *ret_socket = ends[0];
    return 0;
}

/* A child that has ended keeps its number until it is waited for here, so no other process is ever meant. */
static int end(pid_t process)
{
    pid_t found = process > 0 ? waitpid(process, NULL, WNOHANG) : -1;

    if (found < 0)
        return ERR_NOT_FOUND;
    if (found == 0) {
        kill(process, SIGKILL);
        while (waitpid(process, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    children--;
    return 0;
}

static bool answer(const struct render_started *started, int socket)
{
    union {
        struct cmsghdr align_;
        char bytes[CMSG_SPACE(sizeof(int))];
    } space = {0};
    struct iovec vector = {.iov_base = (void *)(uintptr_t)started, .iov_len = sizeof(*started)};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

    if (socket >= 0) {
        message.msg_control = space.bytes;
        message.msg_controllen = sizeof(space.bytes);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &socket, sizeof(int));
    }
    return sendmsg(RENDER_CONTROL_DESCRIPTOR, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(*started);
}

/* False when the shop is gone, or says what it never says. */
static bool serve_one(void)
{
    struct render_command command;
    struct render_started started = {0};
    int socket = -1;
    ssize_t got;

    do {
        got = recv(RENDER_CONTROL_DESCRIPTOR, &command, sizeof(command), 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(command))
        return false;
    if (command.end)
        started.error = end(command.end);
    else
        started.error = make(&command, &started.process, &socket);
    bool is_answered = answer(&started, socket);
    if (socket >= 0)
        close(socket);
    return is_answered;
}

int main(int argument_count, char **arguments)
{
    char message[SANDBOX_MESSAGE_BYTES];

    /* Files of whoever started this that do not close by themselves. */
    if (close_range(RENDER_CONTROL_DESCRIPTOR + 1, ~0U, 0) != 0 || argument_count != 2) {
        fprintf(stderr, "shopstream-render is started by shopstream\n");
        return 1;
    }
    ignore_signals();
    volunteer_when_memory_ends();
    /* What the kernel lacks of it, the shop says of its own. */
    if (strcmp(arguments[1], "sandbox") == 0)
        has_sandbox = sandbox_enter(&(struct sandbox_limits){.role = SANDBOX_FORK_SERVER}, message) == 0;
    while (serve_one())
        ;
    _exit(0);
}
