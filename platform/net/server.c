#include "platform/net/server.h"

#include "platform/base/err.h"
#include "platform/net/server_internal.h"
#include "platform/ports/clock/clock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPS_MAX 64u
#define CUT_WAIT_MS 1000 /* for connections to go once they are cut */

const struct http_limits http_limits_default = {
    .head_bytes_max = 16384,
    .target_bytes_max = 8192,
    .body_bytes_max = 2097152,
    .bodies_bytes_max = 268435456,
    .arena_bytes_max = 16777216,
    .connections_max = 20000,
    .pipelined_max = 16,
    .streams_max = 100,
    .exchanges_max = 20000,
    .head_timeout_ms = 10000,
    .body_timeout_ms = 30000,
    .idle_timeout_ms = 75000,
    .write_timeout_ms = 30000,
};

/* -- Sockets ------------------------------------------------------------------------------------------------------ */

static int resolve(const char *address, int port, struct sockaddr_storage *ret_address, socklen_t *ret_len)
{
    char service[8];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *info = NULL;
    if (port < 0 || port > 65535 || getaddrinfo(address, service, &hints, &info) != 0)
        return ERR_INVALID;
    memcpy(ret_address, info->ai_addr, info->ai_addrlen);
    *ret_len = info->ai_addrlen;
    freeaddrinfo(info);
    return 0;
}

/* A bound socket; its descriptor, or ERR_UNAVAILABLE with errno set. */
static int bind_socket(const struct sockaddr_storage *address, socklen_t len, bool share)
{
    int descriptor = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return ERR_UNAVAILABLE;
    int on = 1;
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (share && setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
        bind(descriptor, (const struct sockaddr *)address, len) != 0) {
        int reason = errno;
        close(descriptor);
        errno = reason;
        return ERR_UNAVAILABLE;
    }
    return descriptor;
}

static int bound_port(int descriptor)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof bound;
    if (getsockname(descriptor, (struct sockaddr *)&bound, &len) != 0)
        return 0;
    if (bound.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&bound)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&bound)->sin_port);
}

static int refuse_address(const struct http_server_config *config, char ret_message[256])
{
    char reason[100];
    const char *text = strerror_r(errno, reason, sizeof reason);
    snprintf(ret_message, 256, "cannot listen on %s port %d: %s", config->address, config->port, text);
    return ERR_UNAVAILABLE;
}

static int start_loops(struct http_server *server, char ret_message[256])
{
    const struct http_server_config *config = &server->config;
    struct sockaddr_storage address = {0};
    socklen_t len = 0;
    if (resolve(config->address, config->port, &address, &len) < 0) {
        snprintf(ret_message, 256, "cannot listen on %s port %d: not an address", config->address, config->port);
        return ERR_UNAVAILABLE;
    }
    /* SO_REUSEPORT would also share the port with another process of the same user; a socket without it finds that
     * somebody listens already. It also chooses the port where any will do. */
    int probe = bind_socket(&address, len, false);
    if (probe < 0)
        return refuse_address(config, ret_message);
    server->port = bound_port(probe);
    close(probe);
    TRY(resolve(config->address, server->port, &address, &len));
    for (unsigned i = 0; i < server->loop_count; i++) {
        int descriptor = bind_socket(&address, len, true);
        if (descriptor < 0)
            return refuse_address(config, ret_message);
        if (http_loop_new(&server->loops[i], server, i, descriptor) < 0) {
            if (!server->loops[i])
                close(descriptor);
            return refuse_address(config, ret_message);
        }
    }
    for (unsigned i = 0; i < server->loop_count; i++) {
        if (task_start(&server->loops[i]->task, "http-loop", http_loop_run, server->loops[i]) < 0) {
            snprintf(ret_message, 256, "cannot start a thread");
            return ERR_NO_MEMORY;
        }
    }
    return 0;
}

/* A crowd that took the last descriptor would keep the databases from opening their files, and nobody could say why. */
unsigned http_connections_allowed(unsigned wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return wanted;
    rlim_t room =
        limit.rlim_cur > 2 * HTTP_SPARE_DESCRIPTORS ? limit.rlim_cur - HTTP_SPARE_DESCRIPTORS : limit.rlim_cur / 2;
    return room < wanted ? (unsigned)room : wanted;
}

int http_server_start(struct http_server **ret_server, const struct http_server_config *config, char ret_message[256])
{
    ASSERT(config->on_request && config->address);
    struct http_server *server = calloc(1, sizeof *server);
    unsigned count = config->loop_count ? config->loop_count : task_processor_count();
    if (count > LOOPS_MAX)
        count = LOOPS_MAX;
    struct http_loop **loops = calloc(count, sizeof *loops);
    if (!server || !loops) {
        free(server);
        free(loops);
        snprintf(ret_message, 256, "out of memory");
        return ERR_NO_MEMORY;
    }
    server->config = *config;
    server->config.limits.connections_max = http_connections_allowed(config->limits.connections_max);
    server->loops = loops;
    server->loop_count = count;
    server->wait_ms[HTTP_WAIT_IDLE] = (uint64_t)config->limits.idle_timeout_ms;
    server->wait_ms[HTTP_WAIT_HEAD] = (uint64_t)config->limits.head_timeout_ms;
    server->wait_ms[HTTP_WAIT_BODY] = (uint64_t)config->limits.body_timeout_ms;
    server->wait_ms[HTTP_WAIT_WRITE] = (uint64_t)config->limits.write_timeout_ms;
    server->wait_ms[HTTP_WAIT_LINGER] = HTTP_LINGER_MS;
    server->wait_ms[HTTP_WAIT_DRAIN_LINGER] = HTTP_DRAIN_LINGER_MS;
    task_mutex_init(&server->mutex);
    task_cond_init(&server->gone);
    int error = config->tls ? http_tls_open_context(server) : 0;
    if (error < 0)
        snprintf(ret_message, 256, "out of memory");
    else
        error = start_loops(server, ret_message);
    if (error < 0) {
        http_server_free(server);
        return error;
    }
    *ret_server = server;
    return 0;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

unsigned http_server_loop_count(const struct http_server *server)
{
    return server->loop_count;
}

unsigned http_server_connection_count(struct http_server *server)
{
    return atomic_load(&server->connection_count);
}

/* -- Drain and end ------------------------------------------------------------------------------------------------ */

static void wake_all(struct http_server *server)
{
    for (unsigned i = 0; i < server->loop_count; i++)
        http_loop_wake(server->loops[i]);
}

static bool is_gone(struct http_server *server)
{
    return atomic_load(&server->draining_count) == server->loop_count && atomic_load(&server->connection_count) == 0;
}

static bool wait_until_gone(struct http_server *server, int64_t deadline_ns)
{
    TASK_LOCKED(&server->mutex);
    while (!is_gone(server)) {
        if (!task_cond_wait_until(&server->gone, &server->mutex, deadline_ns))
            return is_gone(server);
    }
    return true;
}

bool http_server_drain(struct http_server *server, int64_t deadline_ns)
{
    atomic_store(&server->drain_wanted, true);
    wake_all(server);
    if (wait_until_gone(server, deadline_ns))
        return true;
    atomic_store(&server->cut_wanted, true);
    wake_all(server);
    wait_until_gone(server, clock_monotonic_ns() + CUT_WAIT_MS * CLOCK_NS_PER_MS);
    return false;
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    atomic_store(&server->stop_wanted, true);
    for (unsigned i = 0; i < server->loop_count; i++) {
        if (server->loops[i] && server->loops[i]->task) {
            http_loop_wake(server->loops[i]);
            task_join(server->loops[i]->task);
        }
    }
    for (unsigned i = 0; i < server->loop_count; i++)
        http_loop_free(server->loops[i]);
    http_tls_close_context(server);
    task_cond_destroy(&server->gone);
    task_mutex_destroy(&server->mutex);
    free(server->loops);
    free(server);
}
