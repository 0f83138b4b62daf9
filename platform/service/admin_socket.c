#include "platform/service/admin_socket.h"

#include "platform/base/err.h"
#include "platform/base/log.h"
#include "platform/base/task.h"
#include "platform/service/host.h"
#include "platform/service/invoke.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD_BYTES_MAX 512
#define BODY_BYTES_MAX ((size_t)400 << 20)
#define ARENA_BYTES_MAX ((size_t)2 << 30)
#define BACKLOG 8
#define IO_TIMEOUT_S 600

struct admin_socket {
    struct service_host *host;
    struct task *task;
    int descriptor;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

/* -- Bytes on a stream --------------------------------------------------------------------------------------------- */

static int write_all(int descriptor, struct str bytes)
{
    while (bytes.len) {
        ssize_t written = send(descriptor, bytes.ptr, bytes.len, MSG_NOSIGNAL);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return ERR_UNAVAILABLE;
        bytes = str_skip(bytes, (size_t)written);
    }
    return 0;
}

static int read_all(int descriptor, char *ret_bytes, size_t size)
{
    while (size) {
        ssize_t got = recv(descriptor, ret_bytes, size, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ERR_UNAVAILABLE;
        ret_bytes += got;
        size -= (size_t)got;
    }
    return 0;
}

/* A line of at most HEAD_BYTES_MAX bytes, byte by byte: it is short, and what follows must stay unread. The first so
 * many bytes were read already. */
static int read_line(int descriptor, char line[HEAD_BYTES_MAX], size_t already, struct str *ret_line)
{
    for (size_t length = 0; length < HEAD_BYTES_MAX; length++) {
        if (length >= already)
            TRY(read_all(descriptor, &line[length], 1));
        if (line[length] == '\n') {
            *ret_line = str_from(line, length);
            return 0;
        }
    }
    return ERR_TOO_LARGE;
}

static int read_body(int descriptor, struct arena *arena, struct str length_text, struct str *ret_body)
{
    int64_t length;

    TRY(str_to_int64(length_text, &length));
    if (length < 0 || (uint64_t)length > BODY_BYTES_MAX)
        return ERR_TOO_LARGE;
    char *bytes = arena_alloc(arena, (size_t)length + 1);
    if (!bytes)
        return ERR_NO_MEMORY;
    TRY(read_all(descriptor, bytes, (size_t)length));
    *ret_body = str_from(bytes, (size_t)length);
    return 0;
}

/* -- Open files ---------------------------------------------------------------------------------------------------- */

struct files {
    int descriptors[ADMIN_FILES_MAX];
    size_t count;
};

/* Where the kernel puts them: aligned as it wants. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * ADMIN_FILES_MAX)];
};

static void close_files(const struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        close(files->descriptors[i]);
}

static int send_first(int descriptor, char byte, const int *files, size_t count)
{
    union control control = {0};
    struct iovec vector = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    ssize_t sent;

    if (count > ADMIN_FILES_MAX)
        return ERR_TOO_LARGE;
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(header), files, sizeof(int) * count);
    }
    do {
        sent = sendmsg(descriptor, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == 1 ? 0 : ERR_UNAVAILABLE;
}

/* One byte, and the files that came with it; more than the maximum are closed by the kernel, and an error.
 * ERR_NOT_FOUND: whoever connected had nothing to ask. */
static int receive_first(int descriptor, char *ret_byte, struct files *ret_files)
{
    union control control;
    struct iovec vector = {.iov_base = ret_byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    ssize_t got;

    do {
        got = recvmsg(descriptor, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got == 0)
        return ERR_NOT_FOUND;
    if (got != 1)
        return ERR_UNAVAILABLE;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        ret_files->count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(ret_files->descriptors, CMSG_DATA(header), ret_files->count * sizeof(int));
    }
    return message.msg_flags & MSG_CTRUNC ? ERR_TOO_LARGE : 0;
}

/* -- The server ---------------------------------------------------------------------------------------------------- */

static bool is_owner(int descriptor)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static int answer(int descriptor, int error, struct str text)
{
    char head[64];
    int length = snprintf(head, sizeof(head), "%d %zu\n", error, text.len);

    TRY(write_all(descriptor, str_from(head, (size_t)length)));
    return write_all(descriptor, text);
}

static int serve_one(struct admin_socket *socket, int descriptor)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES_MAX);
    CLEANUP(close_files) struct files files = {.count = 0};
    struct str line, length, reply = STR_EMPTY;
    struct json_call call = {.files = files.descriptors};
    struct problem problem = {0};
    char head[HEAD_BYTES_MAX];

    if (!arena)
        return ERR_NO_MEMORY;
    if (!is_owner(descriptor))
        return ERR_FORBIDDEN;
    int result = receive_first(descriptor, &head[0], &files);
    if (result == ERR_NOT_FOUND)
        return 0; /* it only looked whether a shop runs here */
    TRY(result);
    TRY(read_line(descriptor, head, 1, &line));
    if (!str_next_token(&line, ' ', &call.service) || !str_next_token(&line, ' ', &call.method) ||
        !str_next_token(&line, ' ', &call.tenant) || !str_next_token(&line, ' ', &length))
        return ERR_INVALID;
    TRY(read_body(descriptor, arena, length, &call.json));
    call.file_count = files.count;
    result = host_invoke_json(socket->host, arena, &call, &reply, &problem);
    if (result < 0)
        reply = str_from_cstr(problem.detail[0] ? problem.detail : error_name(result));
    return answer(descriptor, result, reply);
}

static void serve(void *argument)
{
    struct admin_socket *socket = argument;
    const struct timeval timeout = {.tv_sec = IO_TIMEOUT_S};
    int descriptor;

    /* One at a time: a person types. The listener is shut down to end this. */
    while ((descriptor = accept4(socket->descriptor, NULL, NULL, SOCK_CLOEXEC)) >= 0 || errno == EINTR ||
           errno == ECONNABORTED) {
        if (descriptor < 0)
            continue;
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        int result = serve_one(socket, descriptor);
        if (result < 0)
            log_warning(&socket->host->log, "admin request failed", LOG_ERR(result));
        close(descriptor);
    }
}

static int fill_address(const char *path, struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "%s", path);

    return length < (int)sizeof(ret_address->sun_path) ? 0 : ERR_TOO_LARGE;
}

int admin_socket_start(struct service_host *host, const char *path, struct admin_socket **ret_socket)
{
    struct admin_socket *admin = calloc(1, sizeof(*admin));
    struct sockaddr_un address;

    if (!admin || fill_address(path, &address) < 0) {
        free(admin);
        return admin ? ERR_TOO_LARGE : ERR_NO_MEMORY;
    }
    admin->host = host;
    snprintf(admin->path, sizeof(admin->path), "%s", address.sun_path);
    admin->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(path);
    mode_t mask = umask(0177);
    bool is_bound =
        admin->descriptor >= 0 && bind(admin->descriptor, (struct sockaddr *)&address, sizeof(address)) == 0;
    umask(mask);
    if (!is_bound || listen(admin->descriptor, BACKLOG) != 0 || task_start(&admin->task, "admin", serve, admin) < 0) {
        admin_socket_stop(admin);
        return ERR_UNAVAILABLE;
    }
    *ret_socket = admin;
    return 0;
}

void admin_socket_stop(struct admin_socket *admin)
{
    if (!admin)
        return;
    if (admin->descriptor >= 0)
        shutdown(admin->descriptor, SHUT_RDWR);
    task_join(admin->task);
    if (admin->descriptor >= 0)
        close(admin->descriptor);
    unlink(admin->path);
    free(admin);
}

/* -- The client ---------------------------------------------------------------------------------------------------- */

static int exchange(int descriptor, struct arena *arena, const char *head, const struct json_call *call, int *ret_error,
                    struct str *ret_text)
{
    struct str line, error_text, length;
    char buffer[HEAD_BYTES_MAX];
    int64_t error;

    TRY(send_first(descriptor, head[0], call->files, call->file_count));
    TRY(write_all(descriptor, str_from_cstr(head + 1)));
    TRY(write_all(descriptor, call->json));
    TRY(read_line(descriptor, buffer, 0, &line));
    if (!str_next_token(&line, ' ', &error_text) || !str_next_token(&line, ' ', &length))
        return ERR_INTERNAL;
    TRY(str_to_int64(error_text, &error));
    TRY(read_body(descriptor, arena, length, ret_text));
    *ret_error = (int)error;
    return 0;
}

int admin_socket_call(const char *path, struct arena *arena, const struct json_call *call, int *ret_error,
                      struct str *ret_text)
{
    char *head = arena_printf(arena, "%.*s %.*s %.*s %zu\n", STR_FORMAT(call->service), STR_FORMAT(call->method),
                              STR_FORMAT(call->tenant), call->json.len);
    struct sockaddr_un address;

    if (!head)
        return ERR_NO_MEMORY;
    TRY(fill_address(path, &address));
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return ERR_UNAVAILABLE;
    int result = connect(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0
                     ? exchange(descriptor, arena, head, call, ret_error, ret_text)
                     : ERR_UNAVAILABLE;
    close(descriptor);
    return result;
}
