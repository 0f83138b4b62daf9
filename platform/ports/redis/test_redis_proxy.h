/* A wire between the adapter and its server that a test may make bad: slow, cut in the middle of an answer, or silent,
 * as a network is that drops everything. One task carries all connections. */
#pragma once

#include "platform/base/err.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/redis/redis_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEST_PROXY_PAIRS_MAX 64
#define TEST_PROXY_BYTES 4096

struct test_proxy_pair {
    int client, server; /* -1: none */
};

struct test_proxy {
    struct redis_address server;
    int listener;
    struct task *task;
    atomic_bool is_stopping;
    atomic_bool is_silent;     /* nothing is carried; connections are taken, and nothing comes of them */
    atomic_int delay_ms;       /* before each piece */
    atomic_llong answer_bytes; /* how many of the server's are carried yet; then all connections are cut, once */
    struct test_proxy_pair pairs[TEST_PROXY_PAIRS_MAX];
};

static inline void test_proxy_cut(struct test_proxy_pair *pair)
{
    if (pair->client >= 0)
        close(pair->client);
    if (pair->server >= 0)
        close(pair->server);
    *pair = (struct test_proxy_pair){-1, -1};
}

static inline void test_proxy_cut_all(struct test_proxy *proxy)
{
    for (size_t i = 0; i < TEST_PROXY_PAIRS_MAX; i++)
        test_proxy_cut(&proxy->pairs[i]);
}

static inline int test_proxy_dial(const struct test_proxy *proxy)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(proxy->server.port)};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, proxy->server.host, &address.sin_addr);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0)
        return descriptor;
    close(descriptor);
    return -1;
}

static inline void test_proxy_accept(struct test_proxy *proxy)
{
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = test_proxy_dial(proxy);
    size_t i = 0;
    while (i < TEST_PROXY_PAIRS_MAX && proxy->pairs[i].client >= 0)
        i++;
    ASSERT(i < TEST_PROXY_PAIRS_MAX);
    proxy->pairs[i] = (struct test_proxy_pair){client, server};
    if (server < 0)
        test_proxy_cut(&proxy->pairs[i]);
}

/* False when the connection is over. */
static inline bool test_proxy_carry(struct test_proxy *proxy, int from, int to, bool is_answer)
{
    char bytes[TEST_PROXY_BYTES];
    ssize_t got = recv(from, bytes, sizeof(bytes), 0);
    if (got <= 0)
        return false;
    if (proxy->delay_ms > 0)
        task_sleep_ms(proxy->delay_ms);
    if (is_answer && proxy->answer_bytes > 0) {
        long long left = atomic_fetch_sub(&proxy->answer_bytes, got) - got;
        if (left <= 0) {
            proxy->answer_bytes = 0;
            (void)!send(to, bytes, (size_t)(got + left), MSG_NOSIGNAL);
            return false;
        }
    }
    return send(to, bytes, (size_t)got, MSG_NOSIGNAL) == got;
}

static inline void test_proxy_serve(struct test_proxy *proxy)
{
    struct pollfd watched[1 + 2 * TEST_PROXY_PAIRS_MAX] = {{.fd = proxy->listener, .events = POLLIN}};
    for (size_t i = 0; i < TEST_PROXY_PAIRS_MAX; i++) {
        watched[1 + 2 * i] = (struct pollfd){.fd = proxy->pairs[i].client, .events = POLLIN};
        watched[2 + 2 * i] = (struct pollfd){.fd = proxy->pairs[i].server, .events = POLLIN};
    }
    poll(watched, proxy->is_silent ? 1 : 1 + 2 * TEST_PROXY_PAIRS_MAX, 5);
    for (size_t i = 0; i < TEST_PROXY_PAIRS_MAX && !proxy->is_silent; i++) {
        struct test_proxy_pair *pair = &proxy->pairs[i];
        bool is_good = true;
        if (watched[1 + 2 * i].revents)
            is_good = test_proxy_carry(proxy, pair->client, pair->server, false);
        if (is_good && watched[2 + 2 * i].revents)
            is_good = test_proxy_carry(proxy, pair->server, pair->client, true);
        if (!is_good)
            test_proxy_cut(pair);
    }
    if (watched[0].revents)
        test_proxy_accept(proxy);
}

static inline void test_proxy_main(void *argument)
{
    struct test_proxy *proxy = argument;
    while (!proxy->is_stopping)
        test_proxy_serve(proxy);
}

/* Before the server at the URL; ret_url is its own. */
static inline void test_proxy_start(struct test_proxy *proxy, const char *url, char *ret_url, size_t url_bytes)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    char message[REDIS_MESSAGE_BYTES];
    *proxy = (struct test_proxy){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ASSERT(redis_address_parse(PORT_CACHE, url, &proxy->server, message) == 0);
    for (size_t i = 0; i < TEST_PROXY_PAIRS_MAX; i++)
        proxy->pairs[i] = (struct test_proxy_pair){-1, -1};
    ASSERT(bind(proxy->listener, (struct sockaddr *)&address, size) == 0 && listen(proxy->listener, 64) == 0);
    ASSERT(getsockname(proxy->listener, (struct sockaddr *)&address, &size) == 0);
    struct str password = secret_bytes(proxy->server.password);
    snprintf(ret_url, url_bytes, "redis://:%.*s@127.0.0.1:%d", STR_FORMAT(password), ntohs(address.sin_port));
    ASSERT(task_start(&proxy->task, "test-proxy", test_proxy_main, proxy) == 0);
}

static inline void test_proxy_stop(struct test_proxy *proxy)
{
    proxy->is_stopping = true;
    task_join(proxy->task);
    test_proxy_cut_all(proxy);
    close(proxy->listener);
    redis_address_free(&proxy->server);
}
