/* The end of a host over real sockets: nothing that a request needs goes while it is worked on. */
#include "platform/net/server.h"
#include "platform/net/test_support.h"
#include "platform/service/host_instance.h"
#include "platform/service/test_host.h"
#include "shopstream/catalog/v1/catalog.rpc.h"

static struct {
    struct task_mutex mutex;
    struct task_cond changed;
    bool is_held, may_end, has_ended, ended_too_late;
} seen;

/* Runs on the database's writer, and stays there until the test lets it go. */
static int get_product(struct call *call, const Catalog__GetProductRequest *in, Catalog__Product *out)
{
    TASK_LOCKED(&seen.mutex);
    (void)call;
    out->title = in->id;
    seen.is_held = true;
    task_cond_broadcast(&seen.changed);
    while (!seen.may_end)
        task_cond_wait(&seen.changed, &seen.mutex);
    seen.has_ended = true;
    return 0;
}

static int start(struct call *call, void **ret_state)
{
    (void)call;
    *ret_state = &seen;
    return 0;
}

static void stop(void *state)
{
    (void)state;
    TASK_LOCKED(&seen.mutex);
    seen.ended_too_late = !seen.has_ended;
}

static const struct service written = {
    .name = "written",
    .start = start,
    .stop = stop,
    .routes =
        (const struct route[]){
            {"GET", "/v1/products/{id}", RPC(catalog, get_product), .auth = AUTH_ANYONE, .tx = TX_WRITE},
            {0},
        },
};
static int show_open(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)request;
    return call_answer(call, response, "text/plain", "no-store", STR("open"));
}

static const struct service door = {
    .name = "door",
    .own_listener = true,
    .no_database = true,
    .routes = (const struct route[]){{"GET", "/open", RAW(show_open), .auth = AUTH_ANYONE, .tx = TX_NONE}, {0}},
};
static const struct service *const services[] = {&written, &door, NULL};

static void await_held(void)
{
    TASK_LOCKED(&seen.mutex);
    while (!seen.is_held)
        assert_true(task_cond_wait_until(&seen.changed, &seen.mutex,
                                         clock_monotonic_ns() + TEST_HOST_WAIT_MS * CLOCK_NS_PER_MS));
}

static void let_end(void)
{
    TASK_LOCKED(&seen.mutex);
    seen.may_end = true;
    task_cond_broadcast(&seen.changed);
}

static void end(void *argument)
{
    test_host_end(argument);
}

/* Asks at the door until its host has no worker any more, which it says with 503. */
static void assert_asked_until_unavailable(int port)
{
    int64_t deadline_ns = clock_monotonic_ns() + TEST_HOST_WAIT_MS * CLOCK_NS_PER_MS;
    bool is_unavailable = false;

    while (!is_unavailable && clock_monotonic_ns() < deadline_ns) {
        char *answer = test_exchange(port, "GET /open HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

        is_unavailable = strncmp(answer, "HTTP/1.1 503 ", 13) == 0;
        free(answer);
    }
    assert_true(is_unavailable);
}

/* A write that waits at the writer when the drain is cut off is answered to nobody, but before the service ends; and a
 * listener of a service's own answers for as long as it is there. */
static void test_host_end__waits_for_writes(void **state)
{
    static const char request[] = "GET /api/written/v1/products/a HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct test_host test = {0};
    struct task *task = NULL;
    char message[512] = "";

    (void)state;
    task_mutex_init(&seen.mutex);
    task_cond_init(&seen.changed);
    test_host_start(&test, (const struct service *const *)services, NULL);
    if (host_listen(test.host, "127.0.0.1", 0, true, message) < 0)
        fail_msg("%s", message);
    int door_port = host_instance(test.host, "door")->listener_port;
    int client = test_connect(http_server_port(test.host->listener));
    assert_true(test_send(client, STR(request)));
    await_held();
    assert_int_equal(task_start(&task, "end", end, &test), 0);
    char *nothing = test_read_all(client, NULL); /* cut off */
    assert_string_equal(nothing, "");
    free(nothing);
    close(client);
    assert_asked_until_unavailable(door_port);
    let_end();
    task_join(task);
    assert_false(seen.ended_too_late);
    task_cond_destroy(&seen.changed);
    task_mutex_destroy(&seen.mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_end__waits_for_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
