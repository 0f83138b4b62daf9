#include "platform/render/render_process.h"

#include "platform/base/descriptor.h"
#include "platform/base/task.h"
#include "platform/render/render.h"
#include "platform/render/render_frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROGRAM "shopstream-render"
#define PATH_BYTES 4200
#define START_TIME_MS                                                                                                  \
    10000 /* until a command is answered; a fork takes less than one of them, on a machine at rest                     \
           */

/* Of the process: there is one program for all renderers. */
static struct task_mutex mutex;
static int control = -1;

bool render_process_is_started(void)
{
    return control >= 0;
}

/* -- Starting the program ------------------------------------------------------------------------------------------ */

static int find_program(char path[PATH_BYTES])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_BYTES - sizeof(PROGRAM));

    if (length <= 0)
        return ERR_NOT_FOUND;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return ERR_NOT_FOUND;
    memcpy(slash + 1, PROGRAM, sizeof(PROGRAM));
    return access(path, X_OK) == 0 ? 0 : ERR_NOT_FOUND;
}

/* None of this process's settings, which hold secrets: the environment is empty. Instrumented programs are told by it
 * how to report. Nothing that a library prints comes between the lines of the log. */
static int spawn(const char *path, int their_end, bool has_sandbox)
{
    char *const arguments[] = {(char[]){PROGRAM}, (char *)(has_sandbox ? "sandbox" : "bare"), NULL};
    char *const bare[] = {(char[]){"TZ=UTC"}, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    pid_t process;

#ifdef SHOPSTREAM_INSTRUMENTED
    char *const *environment = environ;
    (void)bare;
#else
    char *const *environment = bare;
#endif
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ERR_NO_MEMORY;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ERR_NO_MEMORY;
    }
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    bool is_ready = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0) == 0 &&
                    posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO) == 0 &&
                    posix_spawn_file_actions_adddup2(&actions, their_end, RENDER_CONTROL_DESCRIPTOR) == 0;
#ifndef SHOPSTREAM_INSTRUMENTED
    is_ready = is_ready && posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO) == 0;
#endif
    int error = is_ready ? posix_spawn(&process, path, &actions, &attributes, arguments, environment) : ENOMEM;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? 0 : ERR_UNAVAILABLE;
}

int render_start(bool has_sandbox, char ret_message[RENDER_MESSAGE_BYTES])
{
    char path[PATH_BYTES];
    int ends[2];

    if (render_process_is_started())
        return 0;
    if (find_program(path) < 0) {
        snprintf(ret_message, RENDER_MESSAGE_BYTES, "the program " PROGRAM " is not beside this one");
        return ERR_NOT_FOUND;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        snprintf(ret_message, RENDER_MESSAGE_BYTES, "no socket: %s", strerror(errno));
        return ERR_UNAVAILABLE;
    }
    int error = spawn(path, ends[1], has_sandbox);
    close(ends[1]);
    if (error < 0) {
        close(ends[0]);
        snprintf(ret_message, RENDER_MESSAGE_BYTES, "the program " PROGRAM " cannot be started");
        return error;
    }
    task_mutex_init(&mutex);
    control = ends[0];
    return 0;
}

/* -- Commands ------------------------------------------------------------------------------------------------------ */

/* Takes the one descriptor that may come along. */
static int receive_started(struct render_started *ret_started, int *ret_socket)
{
    union {
        struct cmsghdr align_;
        char bytes[CMSG_SPACE(sizeof(int))];
    } space;
    struct iovec vector = {.iov_base = ret_started, .iov_len = sizeof(*ret_started)};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = space.bytes, .msg_controllen = sizeof(space.bytes)};
    struct pollfd readable = {.fd = control, .events = POLLIN};
    int ready;

    do {
        ready = poll(&readable, 1, START_TIME_MS);
    } while (ready < 0 && errno == EINTR);
    if (ready != 1 || recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != sizeof(*ret_started))
        return ERR_UNAVAILABLE;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(ret_socket, CMSG_DATA(header), sizeof(int));
    return 0;
}

/* An answer that does not come, or is none, would be taken for the next command's: so the program is given up. */
static int command(const struct render_command *command, struct render_started *ret_started, int *ret_socket)
{
    TASK_LOCKED(&mutex);

    if (control < 0)
        return ERR_UNAVAILABLE;
    if (send(control, command, sizeof(*command), MSG_NOSIGNAL) == sizeof(*command) &&
        receive_started(ret_started, ret_socket) == 0)
        return 0;
    close(control);
    control = -1;
    return ERR_UNAVAILABLE;
}

int render_process_make(int64_t render_time_ms, size_t memory_bytes_max, struct render_context *ret_context)
{
    const struct render_command make = {.render_time_ms = render_time_ms, .memory_bytes_max = memory_bytes_max};
    struct render_started started = {0};
    int socket = -1;

    TRY(command(&make, &started, &socket));
    if (started.error < 0 || socket < 0) {
        descriptor_close(&socket);
        return ERR_UNAVAILABLE;
    }
    *ret_context = (struct render_context){.socket = socket, .process = started.process};
    return 0;
}

void render_process_end(struct render_context *context)
{
    const struct render_command end = {.end = context->process};
    struct render_started ended;
    int socket = -1;

    if (context->socket < 0)
        return;
    close(context->socket);
    /* Where the program is gone, its contexts are, too. */
    (void)command(&end, &ended, &socket);
    descriptor_close(&socket);
    *context = RENDER_NO_CONTEXT;
}
