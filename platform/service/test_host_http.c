/* The listeners of a host share the files that the process may open. */
#include "platform/net/server.h"
#include "platform/net/test_support.h"
#include "platform/service/host_instance.h"
#include "platform/service/test_host.h"

#include <poll.h>
#include <sys/resource.h>

#define FILES_MAX 300
#define ROOM (FILES_MAX / 2) /* of few files half are for connections */
#define OWN_ROOM (ROOM / 8)

static const struct service door = {
    .name = "door",
    .own_listener = true,
    .no_database = true,
    .routes = (const struct route[]){{0}},
};
static const struct service *const services[] = {&door, NULL};

static void listen_with_few_files(struct test_host *test)
{
    struct rlimit before, lower;
    char message[512] = "";

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    lower = before;
    lower.rlim_cur = FILES_MAX;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
    if (host_listen(test->host, "127.0.0.1", 0, true, message) < 0)
        fail_msg("%s", message);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* Comes to the listener until it is full, and once more: somebody is closed for the last one, and nobody before. */
static void assert_room(struct http_server *server, unsigned room)
{
    struct pollfd sockets[ROOM + 1];

    for (unsigned i = 0; i < room; i++)
        sockets[i] = (struct pollfd){.fd = test_connect(http_server_port(server)), .events = POLLIN};
    for (int i = 0; i < READ_TIMEOUT_S * 1000 && http_server_connection_count(server) < room; i++)
        task_sleep_ms(1);
    assert_int_equal(http_server_connection_count(server), room);
    assert_int_equal(poll(sockets, room, 0), 0);
    sockets[room] = (struct pollfd){.fd = test_connect(http_server_port(server)), .events = POLLIN};
    assert_int_equal(poll(sockets, room + 1, READ_TIMEOUT_S * 1000), 1);
    for (unsigned i = 0; i <= room; i++)
        close(sockets[i].fd);
}

/* What the listeners have together is what there is, and each has some of it. */
static void test_host_http__listeners_share_the_files(void **state)
{
    struct test_host test = {0};

    (void)state;
    test_host_start(&test, (const struct service *const *)services, NULL);
    listen_with_few_files(&test);
    assert_room(test.host->listener, ROOM - OWN_ROOM);
    assert_room(host_instance(test.host, "door")->listener, OWN_ROOM);
    test_host_end(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_http__listeners_share_the_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
