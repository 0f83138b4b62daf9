/* The client against a server that misbehaves in each way that one can. */
#include "platform/net/server.h"
#include "platform/ports/clock/clock.h"
#include "platform/rpc/rpc_client_internal.h"
#include "platform/rpc/rpc_metadata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include <cmocka.h>

#define ARENA_BYTES ((size_t)1 << 20)
#define REPLY_BYTES_MAX 1000
#define PATIENCE_NS (20 * CLOCK_NS_PER_S)
#define HELD_MAX 64

/* -- The server: the path says what it does ------------------------------------------------------------------------ */

struct peer {
    struct http_server *server;
    atomic_int requests, gone;
    struct task_mutex lock;
    struct http_exchange *held[HELD_MAX];
    unsigned held_count;
    int port;
};

static const struct http_header ok[] = {{{RPC_STATUS_FIELD, 11}, {"0", 1}}};
static const struct http_header ninth[] = {{{RPC_STATUS_FIELD, 11}, {"9", 1}},
                                           {{RPC_MESSAGE_FIELD, 12}, {"not%20now", 9}}};

static void give(struct http_exchange *exchange, int status, struct str body, const struct http_header *trailers,
                 size_t trailer_count)
{
    struct http_response response = {
        .status = status, .body = body, .trailers = trailers, .trailer_count = trailer_count};

    http_response_header(&response, STR("content-type"), STR(RPC_CONTENT_TYPE));
    http_exchange_respond(exchange, &response);
}

static void echo(struct http_exchange *exchange)
{
    give(exchange, 200, http_exchange_request(exchange)->body, ok, 1);
}

static void end_with(struct http_exchange *exchange, const char *status)
{
    struct http_response response = {.status = 200};

    http_response_header(&response, STR(RPC_STATUS_FIELD), str_from_cstr(status));
    http_exchange_respond(exchange, &response);
}

static void on_request(void *context, struct http_exchange *exchange)
{
    struct peer *peer = context;
    struct str path = http_exchange_request(exchange)->path;
    int number = atomic_fetch_add(&peer->requests, 1);

    if (str_equal(path, STR("/held"))) {
        TASK_LOCKED(&peer->lock);
        ASSERT(peer->held_count < HELD_MAX);
        peer->held[peer->held_count++] = exchange;
    } else if (str_equal(path, STR("/ended"))) {
        end_with(exchange, "5");
    } else if (str_equal(path, STR("/down"))) {
        end_with(exchange, "14");
    } else if (str_equal(path, STR("/down_twice"))) {
        if (number < 2)
            end_with(exchange, "14");
        else
            echo(exchange);
    } else if (str_equal(path, STR("/trailers"))) {
        give(exchange, 200, STR("\0\0\0\0\1x"), ninth, 2);
    } else if (str_equal(path, STR("/no_status"))) {
        give(exchange, 200, STR("\0\0\0\0\1x"), NULL, 0);
    } else if (str_equal(path, STR("/no_message"))) {
        give(exchange, 200, STR_EMPTY, ok, 1);
    } else if (str_equal(path, STR("/half"))) {
        give(exchange, 200, STR("\0\0\0\0\5x"), ok, 1);
    } else if (str_equal(path, STR("/two"))) {
        give(exchange, 200, STR("\0\0\0\0\1x\0\0\0\0\1y"), ok, 1);
    } else if (str_equal(path, STR("/compressed"))) {
        give(exchange, 200, STR("\1\0\0\0\1x"), ok, 1);
    } else if (str_equal(path, STR("/large"))) {
        give(exchange, 200, STR("\0\0\xff\xff\xffx"), ok, 1);
    } else if (str_equal(path, STR("/proxy"))) {
        give(exchange, 503, STR("<html>"), NULL, 0);
    } else if (str_equal(path, STR("/not_found"))) {
        give(exchange, 404, STR("<html>"), NULL, 0);
    } else {
        echo(exchange);
    }
}

static void on_gone(void *context, struct http_exchange *exchange)
{
    (void)exchange;
    atomic_fetch_add(&((struct peer *)context)->gone, 1);
}

static void peer_start(struct peer *peer, int port)
{
    const struct http_server_config config = {.address = "127.0.0.1",
                                              .port = port,
                                              .loop_count = 1,
                                              .limits = http_limits_default,
                                              .context = peer,
                                              .on_request = on_request,
                                              .on_gone = on_gone};
    char message[256] = "";

    if (http_server_start(&peer->server, &config, message) < 0)
        fail_msg("%s", message);
    peer->port = http_server_port(peer->server);
}

static void peer_release(struct peer *peer)
{
    TASK_LOCKED(&peer->lock);
    while (peer->held_count > 0)
        echo(peer->held[--peer->held_count]);
}

static void peer_stop(struct peer *peer)
{
    peer_release(peer);
    http_server_free(peer->server);
    peer->server = NULL;
}

/* -- The client ---------------------------------------------------------------------------------------------------- */

struct fixture {
    struct peer peers[2];
    struct rpc_client *client; /* of the service "one", which is the first peer; of "both" */
    struct arena *arena;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char message[RPC_CLIENT_MESSAGE_BYTES] = "";

    assert_non_null(f);
    f->arena = arena_new(ARENA_BYTES);
    for (size_t i = 0; i < 2; i++) {
        task_mutex_init(&f->peers[i].lock);
        peer_start(&f->peers[i], 0);
    }
    char *text = arena_printf(f->arena, "one=grpc://127.0.0.1:%d,both=grpc://127.0.0.1:%d,both=grpc://127.0.0.1:%d",
                              f->peers[0].port, f->peers[0].port, f->peers[1].port);
    assert_int_equal(rpc_client_new(&f->client, str_from_cstr(text), NULL, message), 0);
    assert_int_equal(rpc_client_start(f->client), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    rpc_client_free(f->client);
    for (size_t i = 0; i < 2; i++) {
        if (f->peers[i].server)
            peer_stop(&f->peers[i]);
        task_mutex_destroy(&f->peers[i].lock);
    }
    arena_free(f->arena);
    free(f);
    return 0;
}

static struct rpc_client_call call_of(const char *service, const char *path)
{
    return (struct rpc_client_call){
        .service = service, .path = path, .message = STR("hello"), .deadline_ns = clock_monotonic_ns() + PATIENCE_NS};
}

static int run(struct fixture *f, const struct rpc_client_call *call, struct problem *ret_problem)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    CLEANUP(buf_free) struct buf reply = BUF((size_t)REPLY_BYTES_MAX);
    int result = rpc_client_call(f->client, arena, call, &reply, ret_problem);

    if (result == 0)
        assert_true(str_equal(buf_str(&reply), call->message));
    return result;
}

static int call_path(struct fixture *f, const char *path, struct problem *ret_problem)
{
    const struct rpc_client_call call = call_of("one", path);

    return run(f, &call, ret_problem);
}

/* -- Answers ------------------------------------------------------------------------------------------------------- */

static void test_rpc_client__each_way_in_which_a_peer_ends_a_call(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *path;
        int error;
        const char *code;
    } rows[] = {
        {"/echo", 0, NULL},
        {"/ended", ERR_NOT_FOUND, "err_not_found"},
        {"/trailers", ERR_CONFLICT, "err_conflict"},
        {"/no_status", ERR_INTERNAL, "err_internal"},
        {"/not_found", ERR_METHOD, "err_method"},
        {"/echo", 0, NULL},
        {"/no_message", ERR_UNAVAILABLE, "service_unavailable"},
        {"/half", ERR_UNAVAILABLE, "service_unavailable"},
        {"/echo", 0, NULL},
        {"/two", ERR_UNAVAILABLE, "service_unavailable"},
        {"/compressed", ERR_UNAVAILABLE, "service_unavailable"},
        {"/large", ERR_TOO_LARGE, "reply_too_large"},
        {"/proxy", ERR_UNAVAILABLE, "err_unavailable"},
        {"/echo", 0, NULL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct problem problem = {0};

        if (call_path(f, rows[i].path, &problem) != rows[i].error)
            fail_msg("%s: %s %s", rows[i].path, problem.code, problem.detail);
        if (rows[i].error < 0)
            assert_string_equal(problem.code, rows[i].code);
    }
}

/* Of a message beyond every window, the bytes come through whole. */
static void test_rpc_client__a_large_message_goes_through(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_free) struct buf message = BUF((size_t)2 << 20), reply = BUF((size_t)2 << 20);
    struct problem problem = {0};

    for (int i = 0; message.len + 64 < 2000000; i++)
        buf_printf(&message, "%d ", i);
    struct rpc_client_call call = call_of("one", "/echo");
    call.message = buf_str(&message);
    assert_int_equal(rpc_client_call(f->client, f->arena, &call, &reply, &problem), 0);
    assert_true(str_equal(buf_str(&reply), buf_str(&message)));
}

/* -- Trying again -------------------------------------------------------------------------------------------------- */

static void test_rpc_client__only_what_is_idempotent_is_tried_again(void **state)
{
    struct fixture *f = *state;
    struct problem problem = {0};
    struct rpc_client_call call = call_of("one", "/down_twice");

    assert_int_equal(run(f, &call, &problem), ERR_UNAVAILABLE);
    assert_int_equal(atomic_load(&f->peers[0].requests), 1);
    atomic_store(&f->peers[0].requests, 0);
    call.is_idempotent = true;
    assert_int_equal(run(f, &call, &problem), 0);
    assert_int_equal(atomic_load(&f->peers[0].requests), 3);
}

/* A peer that is down is not asked four times as often for it. */
static void test_rpc_client__tries_again_have_a_budget(void **state)
{
    struct fixture *f = *state;
    struct problem problem = {0};
    int calls = 0;

    for (; calls < 100; calls++) {
        struct rpc_client_call call = call_of("one", "/down");

        call.is_idempotent = true;
        call.deadline_ns = clock_monotonic_ns() + 50 * CLOCK_NS_PER_MS;
        assert_true(run(f, &call, &problem) < 0);
    }
    assert_in_range(atomic_load(&f->peers[0].requests), 1, calls + 50);
}

/* -- Addresses that come and go ------------------------------------------------------------------------------------ */

static void test_rpc_client__an_address_that_is_not_there_is_said_at_once(void **state)
{
    struct fixture *f = *state;
    struct problem problem = {0};

    peer_stop(&f->peers[0]);
    int64_t begin_ns = clock_monotonic_ns();
    assert_int_equal(call_path(f, "/echo", &problem), ERR_UNAVAILABLE);
    assert_string_equal(problem.code, "service_unavailable");
    assert_true(clock_monotonic_ns() - begin_ns < PATIENCE_NS / 2);
}

static void test_rpc_client__an_address_that_is_back_is_found(void **state)
{
    struct fixture *f = *state;
    struct problem problem = {0};
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_NS;

    assert_int_equal(call_path(f, "/echo", &problem), 0);
    peer_stop(&f->peers[0]);
    assert_int_equal(call_path(f, "/echo", &problem), ERR_UNAVAILABLE);
    peer_start(&f->peers[0], f->peers[0].port);
    while (call_path(f, "/echo", &problem) < 0) {
        assert_true(clock_monotonic_ns() < end_ns);
        task_sleep_ms(10);
    }
}

/* With one of two addresses gone, nobody hears of it. */
static void test_rpc_client__another_address_takes_over(void **state)
{
    struct fixture *f = *state;
    struct problem problem = {0};

    peer_stop(&f->peers[0]);
    for (int i = 0; i < 20; i++) {
        struct rpc_client_call call = call_of("both", "/echo");

        assert_int_equal(run(f, &call, &problem), 0);
    }
    assert_int_equal(atomic_load(&f->peers[1].requests), 20);
}

struct caller {
    struct fixture *fixture;
    const char *service, *path;
    struct rpc_cancel *cancel;
    int64_t deadline_ns;
    int result;
    struct task *task;
};

static void call_on_task(void *argument)
{
    struct caller *caller = argument;
    struct rpc_client_call call = call_of(caller->service, caller->path);
    struct problem problem = {0};

    call.cancel = caller->cancel;
    if (caller->deadline_ns)
        call.deadline_ns = caller->deadline_ns;
    caller->result = run(caller->fixture, &call, &problem);
}

static unsigned held_by(struct peer *peer)
{
    TASK_LOCKED(&peer->lock);
    return peer->held_count;
}

static void await_held(struct peer *peer, unsigned count)
{
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_NS;

    while (held_by(peer) < count) {
        assert_true(clock_monotonic_ns() < end_ns);
        task_sleep_ms(1);
    }
}

/* Holds so many calls at a time, and returns how many of them the first peer had. */
static unsigned hold_calls(struct fixture *f, size_t count)
{
    struct caller callers[20];
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_NS;

    assert_true(count <= sizeof(callers) / sizeof(callers[0]));
    for (size_t i = 0; i < count; i++) {
        callers[i] = (struct caller){.fixture = f, .service = "both", .path = "/held"};
        assert_int_equal(task_start(&callers[i].task, "caller", call_on_task, &callers[i]), 0);
    }
    while (held_by(&f->peers[0]) + held_by(&f->peers[1]) < count) {
        assert_true(clock_monotonic_ns() < end_ns);
        task_sleep_ms(1);
    }
    unsigned first = held_by(&f->peers[0]);
    peer_release(&f->peers[0]);
    peer_release(&f->peers[1]);
    for (size_t i = 0; i < count; i++) {
        task_join(callers[i].task);
        assert_int_equal(callers[i].result, 0);
    }
    return first;
}

/* The one with the fewest calls under way has the next, once both are connected. */
static void test_rpc_client__calls_are_spread(void **state)
{
    struct fixture *f = *state;
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_NS;

    while (hold_calls(f, 2) != 1)
        assert_true(clock_monotonic_ns() < end_ns);
    assert_int_equal(hold_calls(f, 20), 10);
}

static void drain(void *argument)
{
    http_server_drain(((struct peer *)argument)->server, clock_monotonic_ns() + PATIENCE_NS);
}

/* A peer that ends answers what it has, and what comes meanwhile goes elsewhere. */
static void test_rpc_client__a_peer_that_drains_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct caller caller = {.fixture = f, .service = "one", .path = "/held"};
    struct task *draining = NULL;
    struct problem problem = {0};

    assert_int_equal(task_start(&caller.task, "caller", call_on_task, &caller), 0);
    await_held(&f->peers[0], 1);
    assert_int_equal(task_start(&draining, "drain", drain, &f->peers[0]), 0);
    for (int i = 0; i < 20; i++) {
        struct rpc_client_call call = call_of("both", "/echo");

        assert_int_equal(run(f, &call, &problem), 0);
    }
    peer_release(&f->peers[0]);
    task_join(caller.task);
    assert_int_equal(caller.result, 0);
    task_join(draining);
}

/* -- Time, and giving up ------------------------------------------------------------------------------------------- */

static void test_rpc_client__a_deadline_resets_the_stream(void **state)
{
    struct fixture *f = *state;
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_NS;
    struct problem problem = {0};
    struct rpc_client_call call = call_of("one", "/held");

    call.deadline_ns = clock_monotonic_ns() + 50 * CLOCK_NS_PER_MS;
    assert_int_equal(run(f, &call, &problem), ERR_DEADLINE);
    assert_true(clock_monotonic_ns() >= call.deadline_ns);
    while (atomic_load(&f->peers[0].gone) < atomic_load(&f->peers[0].requests)) {
        assert_true(clock_monotonic_ns() < end_ns);
        task_sleep_ms(1);
    }
    assert_int_equal(call_path(f, "/echo", &problem), 0);
}

static void test_rpc_client__who_gives_up_is_back_at_once(void **state)
{
    struct fixture *f = *state;
    struct task_mutex lock;
    struct rpc_cancel cancel;
    struct caller caller = {.fixture = f, .service = "one", .path = "/held", .cancel = &cancel};

    task_mutex_init(&lock);
    rpc_cancel_init(&cancel, &lock);
    assert_int_equal(task_start(&caller.task, "caller", call_on_task, &caller), 0);
    await_held(&f->peers[0], 1);
    rpc_cancel_set(&cancel);
    rpc_cancel_set(&cancel);
    task_join(caller.task);
    assert_int_equal(caller.result, ERR_CANCELLED);
    call_on_task(&caller); /* what is given up is not begun */
    assert_int_equal(caller.result, ERR_CANCELLED);
    assert_int_equal(atomic_load(&f->peers[0].requests), 1);
    task_mutex_destroy(&lock);
}

/* A peer that hangs is asked by fewer and fewer: the circuit is broken. */
static void test_rpc_client__a_peer_that_hangs_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct problem problem = {0};
    int result = 0;

    for (int i = 0; i < RPC_BREAKER_FAILURES; i++) {
        struct rpc_client_call call = call_of("one", "/held");

        call.deadline_ns = clock_monotonic_ns() + 30 * CLOCK_NS_PER_MS;
        assert_int_equal(run(f, &call, &problem), ERR_DEADLINE);
    }
    struct rpc_client_call call = call_of("one", "/held");
    call.deadline_ns = clock_monotonic_ns() + 20 * CLOCK_NS_PER_MS;
    result = run(f, &call, &problem);
    assert_true(result == ERR_UNAVAILABLE || result == ERR_DEADLINE);
    assert_in_range(atomic_load(&f->peers[0].requests), 1, RPC_BREAKER_FAILURES + 1);
    peer_release(&f->peers[0]);
    int64_t end_ns = clock_monotonic_ns() + PATIENCE_NS;
    while (call_path(f, "/echo", &problem) < 0) {
        assert_true(clock_monotonic_ns() < end_ns);
        task_sleep_ms(10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rpc_client__each_way_in_which_a_peer_ends_a_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rpc_client__a_large_message_goes_through, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rpc_client__only_what_is_idempotent_is_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rpc_client__tries_again_have_a_budget, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rpc_client__an_address_that_is_not_there_is_said_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_rpc_client__an_address_that_is_back_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rpc_client__another_address_takes_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rpc_client__calls_are_spread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rpc_client__a_peer_that_drains_loses_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rpc_client__a_deadline_resets_the_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rpc_client__who_gives_up_is_back_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rpc_client__a_peer_that_hangs_is_left_alone, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("rpc_client", tests, NULL, NULL);
}
