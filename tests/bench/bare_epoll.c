/* The yardstick: the least that a server on epoll can do. Answers whatever ends in an empty line with the same bytes,
 * without parsing; one thread a loop, SO_REUSEPORT. Loopback only; for `make bench`.
 *
 *   bare_epoll PORT THREADS ANSWER-FILE     the file holds the whole answer, head and body
 *
 * Requests without a body only. It prints "listening on PORT" and runs until it is killed. */
#include "platform/base/task.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX 1048576
#define READ_BYTES 65536
#define EVENTS_MAX 256
#define DESCRIPTORS_MAX 65536
#define THREADS_MAX 64

static char answer[ANSWER_BYTES_MAX];
static size_t answer_len;
static int port;

/* The last three bytes that a connection sent, by descriptor: an empty line may span reads. */
static unsigned char tails[DESCRIPTORS_MAX][3];

static int listen_shared(void)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1024) != 0) {
        perror("bare_epoll: listen");
        exit(1);
    }
    return listener;
}

static void accept_all(int epoll, int listener)
{
    int descriptor;
    while ((descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int on = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
        if (descriptor >= DESCRIPTORS_MAX || epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0)
            close(descriptor);
        else
            memset(tails[descriptor], 0, sizeof tails[descriptor]);
    }
}

static unsigned count_requests(const char *bytes, size_t len, unsigned char tail[3])
{
    unsigned count = 0;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n' && tail[0] == '\r' && tail[1] == '\n' && tail[2] == '\r')
            count++;
        tail[0] = tail[1];
        tail[1] = tail[2];
        tail[2] = (unsigned char)bytes[i];
    }
    return count;
}

/* A bench's client reads all it asked for, so waiting for room here ends. */
static bool send_answer(int descriptor)
{
    size_t sent = 0;
    while (sent < answer_len) {
        ssize_t count = send(descriptor, answer + sent, answer_len - sent, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (count > 0)
            sent += (size_t)count;
    }
    return true;
}

static void serve(int descriptor, char *buffer)
{
    ssize_t count = read(descriptor, buffer, READ_BYTES);
    if (count < 0 && errno == EAGAIN)
        return;
    bool open = count > 0;
    unsigned requests = open ? count_requests(buffer, (size_t)count, tails[descriptor]) : 0;
    for (unsigned i = 0; i < requests && open; i++)
        open = send_answer(descriptor);
    if (!open)
        close(descriptor);
}

static void run(void *argument)
{
    (void)argument;
    static _Thread_local char buffer[READ_BYTES];
    int listener = listen_shared();
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_all(epoll, listener);
            else
                serve(events[i].data.fd, buffer);
        }
    }
}

int main(int argc, char **argv)
{
    FILE *file = argc == 4 ? fopen(argv[3], "rb") : NULL;
    if (!file) {
        fprintf(stderr, "usage: bare_epoll PORT THREADS ANSWER-FILE\n");
        return 2;
    }
    port = atoi(argv[1]);
    int threads = atoi(argv[2]);
    answer_len = fread(answer, 1, sizeof answer, file);
    fclose(file);
    if (port <= 0 || threads < 1 || threads > THREADS_MAX || answer_len == 0) {
        fprintf(stderr, "bare_epoll: a port, 1 to %d threads and an answer that is not empty\n", THREADS_MAX);
        return 2;
    }
    struct task *tasks[THREADS_MAX];
    for (int i = 0; i < threads; i++) {
        if (task_start(&tasks[i], "bare", run, NULL) < 0)
            return 1;
    }
    printf("listening on %d\n", port);
    fflush(stdout);
    for (int i = 0; i < threads; i++)
        task_join(tasks[i]);
    return 0;
}
