/* Two hosts in one process, as two processes would be: orders calls a catalog of the other, which does what the test
 * tells it, over a socket with the real listener and client between them. */
#include "platform/rpc/rpc_client.h"
#include "platform/rpc/rpc_metadata.h"
#include "platform/service/host_rpc.h"
#include "platform/service/invoke.h"
#include "platform/service/test_host.h"
#include "shopstream/catalog/v1/catalog.rpc.h"
#include "shopstream/identity/v1/identity.rpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_NS (20 * CLOCK_NS_PER_S)
#define REPLY_BYTES_MAX ((size_t)1 << 20)

extern const struct service orders_service;
extern const struct service payments_service;

/* -- The catalog of the other process ------------------------------------------------------------------------------ */

static atomic_int begun, seen_result; /* of calls that hold */
static atomic_llong seen_left_ns;

static int hold(struct call *call)
{
    atomic_store(&seen_left_ns, call->deadline_ns - clock_monotonic_ns());
    atomic_fetch_add(&begun, 1);
    int result = 0;
    while ((result = call_check_deadline(call)) == 0)
        task_sleep_ms(1);
    atomic_store(&seen_result, result);
    return result;
}

/* What the call carried, by name. */
static int describe(struct call *call, Catalog__Reservation *out)
{
    out->reservation_id = arena_printf(call->arena, "%.*s %.*s %.*s %.*s %.*s %.*s %u %d", STR_FORMAT(call->tenant),
                                       STR_FORMAT(call->log.trace_id), STR_FORMAT(call->idempotency_key),
                                       STR_FORMAT(call->client_address), STR_FORMAT(call->user_agent),
                                       STR_FORMAT(call->who.user_id), call->who.roles, call->from_browser);
    return out->reservation_id ? 0 : ERR_NO_MEMORY;
}

static int reserve_stock(struct call *call, const Catalog__ReserveStockRequest *in, Catalog__Reservation *out)
{
    struct str what = str_from_cstr(in->reservation_id);

    if (str_equal(what, STR("fail"))) {
        call_fail(call, ERR_CONFLICT, "out_of_stock", "/lines/0/quantity", "Only %d of “%s” are left.", 2, "Tasse");
        call->problem.retry_after_ms = 1500;
        return ERR_CONFLICT;
    }
    if (str_equal(what, STR("fail without a word")))
        return ERR_STORAGE_FULL;
    if (str_equal(what, STR("hold")))
        return hold(call);
    if (str_equal(what, STR("describe")))
        return describe(call, out);
    if (str_equal(what, STR("large"))) {
        out->reservation_id = arena_alloc(call->arena, RPC_MESSAGE_BYTES_MAX + 1);
        return out->reservation_id ? (memset(out->reservation_id, 'x', RPC_MESSAGE_BYTES_MAX), 0) : ERR_NO_MEMORY;
    }
    out->reservation_id = in->reservation_id;
    return 0;
}

static int list_categories(struct call *call, const Catalog__ListCategoriesRequest *in,
                           Catalog__ListCategoriesReply *out)
{
    (void)call;
    (void)in;
    (void)out;
    return 0;
}

static int set_stock(struct call *call, const Catalog__SetStockRequest *in, Catalog__Stock *out)
{
    (void)call;
    out->has_on_hand = true;
    out->on_hand = in->on_hand;
    return 0;
}

static const struct service catalog = {
    .name = "catalog",
    .no_database = true,
    .routes =
        (const struct route[]){
            {RPC(catalog, reserve_stock), .internal = true, .tx = TX_NONE},
            {RPC(catalog, list_categories), .internal = true, .tx = TX_NONE, .inline_ok = true},
            {RPC(catalog, set_stock), .internal = true, .auth = AUTH_MERCHANDISER, .tx = TX_NONE},
            {0},
        },
};

static const struct service *const there[] = {&catalog, NULL};
static const struct service *const here[] = {&orders_service, NULL};
static const struct service *const all[] = {&catalog, &orders_service, &payments_service, NULL};

struct pair {
    struct test_host callee, caller;
    int port;
};

static void listen_at(struct pair *pair, int port)
{
    char message[512] = "";

    pair->callee.host->options.all_services = all;
    const struct rpc_door door = {.address = "127.0.0.1", .port = port};
    if (host_listen_rpc(pair->callee.host, &door, message) < 0)
        fail_msg("%s", message);
    pair->port = host_rpc_port(pair->callee.host->rpc);
}

static int set_up(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    char message[RPC_CLIENT_MESSAGE_BYTES] = "";

    assert_non_null(pair);
    test_host_start(&pair->callee, there, NULL);
    listen_at(pair, 0);
    test_host_start(&pair->caller, here, NULL);
    char *peers = arena_printf(pair->caller.arena, "catalog=grpc://127.0.0.1:%d", pair->port);
    assert_int_equal(rpc_client_new(&pair->caller.host->rpc_client, str_from_cstr(peers), NULL, message), 0);
    assert_int_equal(rpc_client_start(pair->caller.host->rpc_client), 0);
    atomic_store(&begun, 0);
    atomic_store(&seen_result, 0);
    *state = pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;

    test_host_end(&pair->caller);
    test_host_end(&pair->callee);
    free(pair);
    return 0;
}

static int reserve(struct call *call, const char *what, Catalog__Reservation *ret_held)
{
    Catalog__ReserveStockRequest request = CATALOG__RESERVE_STOCK_REQUEST__INIT;
    Catalog__StockLine line = CATALOG__STOCK_LINE__INIT;
    Catalog__StockLine *lines[] = {&line};

    line.has_quantity = true;
    line.quantity = str_equal_cstr(str_from_cstr(what), "bad line") ? 0 : 1;
    request.reservation_id = (char *)(uintptr_t)what;
    request.lines = lines;
    request.n_lines = 1;
    request.has_ttl_ms = true;
    request.ttl_ms = 60000;
    catalog__reservation__init(ret_held);
    return catalog_reserve_stock(call, &request, ret_held);
}

/* -- Calls --------------------------------------------------------------------------------------------------------- */

static void test_host_rpc__a_call_is_answered_by_the_other_process(void **state)
{
    struct pair *pair = *state;
    struct call *call = test_host_call(&pair->caller, "orders");
    Catalog__Reservation held;

    assert_int_equal(reserve(call, "r1", &held), 0);
    assert_string_equal(held.reservation_id, "r1");
    assert_null(held.status);
}

/* What the handler said is what the caller hears. */
static void test_host_rpc__a_problem_crosses_unchanged(void **state)
{
    struct pair *pair = *state;
    struct call *call = test_host_call(&pair->caller, "orders");
    Catalog__Reservation held;

    assert_int_equal(reserve(call, "fail", &held), ERR_CONFLICT);
    assert_int_equal(call->problem.error, ERR_CONFLICT);
    assert_string_equal(call->problem.code, "out_of_stock");
    assert_string_equal(call->problem.pointer, "/lines/0/quantity");
    assert_string_equal(call->problem.detail, "Only 2 of “Tasse” are left.");
    assert_int_equal(call->problem.retry_after_ms, 1500);
    assert_int_equal(reserve(call, "fail without a word", &held), ERR_STORAGE_FULL);
    /* Rules are the callee's to keep. */
    assert_int_equal(reserve(call, "bad line", &held), ERR_INVALID);
    assert_string_equal(call->problem.pointer, "/lines/0/quantity");
}

static void test_host_rpc__a_call_carries_what_it_knows(void **state)
{
    struct pair *pair = *state;
    struct call *call = test_host_call(&pair->caller, "orders");
    Catalog__Reservation held;

    call->tenant = STR("nord");
    call->idempotency_key = STR("key ü");
    call->client_address = STR("192.0.2.1");
    call->user_agent = STR("test/1");
    call->from_browser = true;
    call->who = (struct principal){.roles = ROLE_CUSTOMER, .user_id = STR("u1")};
    assert_int_equal(reserve(call, "describe", &held), 0);
    char *expected = arena_printf(call->arena, "nord %.*s key ü 192.0.2.1 test/1  %u 1", STR_FORMAT(call->log.trace_id),
                                  ROLE_SERVICE);
    assert_string_equal(held.reservation_id, expected);
    call->on_behalf = true; /* which is of nobody whom a row for services lets in */
    assert_int_equal(reserve(call, "describe", &held), ERR_FORBIDDEN);
}

static void test_host_rpc__a_table_says_who_may_call_whom(void **state)
{
    struct pair *pair = *state;
    struct call *call = test_host_call(&pair->caller, "orders");
    Identity__ListKeysRequest request = IDENTITY__LIST_KEYS_REQUEST__INIT;
    Identity__ListKeysReply reply = IDENTITY__LIST_KEYS_REPLY__INIT;

    assert_int_equal(identity_list_keys(call, &request, &reply), ERR_FORBIDDEN);
    assert_string_equal(call->problem.code, "caller_not_allowed");
    assert_true(service_may_call(&orders_service, "catalog"));
    assert_true(service_may_call(&orders_service, "orders"));
    assert_false(service_may_call(&catalog, "orders"));
}

/* Whoever asks through a service is let in by the other side's row. */
static void test_host_rpc__a_person_is_judged_there(void **state)
{
    struct pair *pair = *state;
    struct call *call = test_host_call(&pair->caller, "orders");
    Catalog__SetStockRequest request = CATALOG__SET_STOCK_REQUEST__INIT;
    Catalog__Stock stock = CATALOG__STOCK__INIT;

    request.id = (char *)(uintptr_t) "s1";
    request.has_on_hand = true;
    request.on_hand = 7;
    call->who = (struct principal){.roles = ROLE_CUSTOMER, .user_id = STR("u1")};
    call->on_behalf = true;
    assert_int_equal(catalog_set_stock(call, &request, &stock), ERR_FORBIDDEN);
    assert_string_equal(call->problem.code, "role_required");
    call->who = (struct principal){.roles = ROLE_GUEST};
    assert_int_equal(catalog_set_stock(call, &request, &stock), ERR_UNAUTHENTICATED);
    call->who = (struct principal){.roles = ROLE_MERCHANDISER, .user_id = STR("u2")};
    assert_int_equal(catalog_set_stock(call, &request, &stock), 0);
    assert_int_equal(stock.on_hand, 7);
    call->on_behalf = false;
    call->who = (struct principal){.roles = ROLE_CUSTOMER};
    assert_int_equal(catalog_set_stock(call, &request, &stock), 0);
}

/* No event of the other process would drop it. */
static void test_host_rpc__what_is_read_there_is_not_kept(void **state)
{
    struct pair *pair = *state;
    struct call *call = test_host_call(&pair->caller, "orders");
    struct call_reply shown = {0};
    Catalog__Reservation held;

    call->showing = &shown;
    assert_int_equal(reserve(call, "r1", &held), 0);
    assert_true(shown.uncacheable);
}

static void test_host_rpc__a_reply_that_is_too_large_is_an_error(void **state)
{
    struct pair *pair = *state;
    struct call *call = test_host_call(&pair->caller, "orders");
    Catalog__Reservation held;

    assert_int_equal(reserve(call, "large", &held), ERR_TOO_LARGE);
    assert_string_equal(call->problem.code, "reply_too_large");
}

/* -- Time, and giving up ------------------------------------------------------------------------------------------- */

static void test_host_rpc__a_deadline_holds_on_both_sides(void **state)
{
    struct pair *pair = *state;
    struct call *call = test_host_call(&pair->caller, "orders");
    Catalog__Reservation held;

    call->deadline_ns = clock_monotonic_ns();
    assert_int_equal(reserve(call, "r1", &held), ERR_DEADLINE);
    int64_t begin_ns = clock_monotonic_ns();
    call->deadline_ns = begin_ns + 200 * CLOCK_NS_PER_MS;
    assert_int_equal(reserve(call, "hold", &held), ERR_DEADLINE);
    assert_string_equal(call->problem.code, "deadline");
    assert_true(clock_monotonic_ns() - begin_ns >= 200 * CLOCK_NS_PER_MS);
    /* It may never have come to its handler on a busy machine. */
    assert_true(atomic_load(&begun) == 0 || atomic_load(&seen_left_ns) <= 200 * CLOCK_NS_PER_MS);
    call->deadline_ns = clock_monotonic_ns() + PATIENCE_NS;
    assert_int_equal(reserve(call, "r2", &held), 0);
}

struct giving_up {
    struct pair *pair;
    struct rpc_cancel cancel;
    int result;
};

static void reserve_and_hold(void *argument)
{
    struct giving_up *giving_up = argument;
    struct call *call = test_host_call(&giving_up->pair->caller, "orders");
    Catalog__Reservation held;

    call->cancel = &giving_up->cancel;
    giving_up->result = reserve(call, "hold", &held);
}

static bool is_begun(void *context)
{
    (void)context;
    return atomic_load(&begun) > 0;
}

static bool has_ended_there(void *context)
{
    (void)context;
    return atomic_load(&seen_result) < 0;
}

static void test_host_rpc__a_call_that_is_given_up_ends_there_too(void **state)
{
    struct giving_up giving_up = {.pair = *state};
    struct task_mutex lock;
    struct task *task = NULL;

    task_mutex_init(&lock);
    rpc_cancel_init(&giving_up.cancel, &lock);
    assert_int_equal(task_start(&task, "caller", reserve_and_hold, &giving_up), 0);
    assert_true(test_host_await(is_begun, NULL));
    rpc_cancel_set(&giving_up.cancel);
    task_join(task);
    assert_int_equal(giving_up.result, ERR_CANCELLED);
    assert_true(test_host_await(has_ended_there, NULL));
    assert_int_equal(atomic_load(&seen_result), ERR_CANCELLED);
    task_mutex_destroy(&lock);
}

/* -- Processes that come and go ------------------------------------------------------------------------------------ */

static bool is_answered(void *context)
{
    struct pair *pair = context;
    Catalog__Reservation held;
    int result = reserve(test_host_call(&pair->caller, "orders"), "r1", &held);

    assert_true(result == 0 || result == ERR_UNAVAILABLE);
    return result == 0;
}

static void test_host_rpc__a_process_that_was_away_is_found_again(void **state)
{
    struct pair *pair = *state;

    assert_true(is_answered(pair));
    test_host_stop(&pair->callee);
    assert_false(is_answered(pair));
    test_host_start(&pair->callee, there, NULL);
    listen_at(pair, pair->port);
    assert_true(test_host_await(is_answered, pair));
}

/* -- What is no call ----------------------------------------------------------------------------------------------- */

static int call_with(struct pair *pair, const char *path, const struct http_header *fields, size_t count,
                     struct str message, struct problem *ret_problem)
{
    CLEANUP(buf_free) struct buf reply = BUF(REPLY_BYTES_MAX);
    const struct rpc_client_call call = {.service = "catalog",
                                         .path = path,
                                         .fields = fields,
                                         .field_count = count,
                                         .message = message,
                                         .deadline_ns = clock_monotonic_ns() + PATIENCE_NS};

    return rpc_client_call(pair->caller.host->rpc_client, pair->caller.arena, &call, &reply, ret_problem);
}

static void test_host_rpc__what_is_wrong_is_said(void **state)
{
    struct pair *pair = *state;
    const char *path = catalog_list_categories_rpc.full_name;
    const struct http_header orders[] = {{STR(RPC_SERVICE_FIELD), STR("orders")}, {STR(RPC_CALLER_FIELD), STR("!")}};
    const struct http_header payments[] = {{STR(RPC_SERVICE_FIELD), STR("payments")}};
    const struct http_header nobody[] = {{STR(RPC_SERVICE_FIELD), STR("nobody")}};
    struct problem problem = {0};

    assert_int_equal(call_with(pair, path, orders, 1, STR_EMPTY, &problem), 0);
    assert_int_equal(call_with(pair, path, NULL, 0, STR_EMPTY, &problem), ERR_UNAUTHENTICATED);
    assert_string_equal(problem.code, "caller_required");
    assert_int_equal(call_with(pair, path, nobody, 1, STR_EMPTY, &problem), ERR_FORBIDDEN);
    assert_int_equal(call_with(pair, path, payments, 1, STR_EMPTY, &problem), ERR_FORBIDDEN);
    assert_string_equal(problem.code, "caller_not_allowed");
    assert_int_equal(call_with(pair, path, orders, 2, STR_EMPTY, &problem), ERR_INVALID);
    assert_string_equal(problem.code, "malformed_caller");
    assert_int_equal(call_with(pair, path, orders, 1, STR("\x0a\x05x"), &problem), ERR_INVALID);
    assert_string_equal(problem.code, "malformed_message");
    assert_int_equal(call_with(pair, "/shopstream.catalog.v1.Catalog/None", orders, 1, STR_EMPTY, &problem),
                     ERR_METHOD);
    assert_int_equal(call_with(pair, identity_list_keys_rpc.full_name, orders, 1, STR_EMPTY, &problem), ERR_METHOD);
    assert_string_equal(problem.code, "no_such_method");
}

/* Over the limit of a message, before it is all there. */
static void test_host_rpc__a_request_that_is_too_large_is_refused(void **state)
{
    struct pair *pair = *state;
    const struct http_header orders[] = {{STR(RPC_SERVICE_FIELD), STR("orders")}};
    struct problem problem = {0};
    char *bytes = calloc(1, RPC_MESSAGE_BYTES_MAX + 1);

    assert_non_null(bytes);
    int result = call_with(pair, catalog_list_categories_rpc.full_name, orders, 1,
                           str_from(bytes, RPC_MESSAGE_BYTES_MAX + 1), &problem);
    free(bytes);
    assert_int_equal(result, ERR_TOO_LARGE);
    assert_string_equal(problem.code, "request_too_large");
}

static void test_host_rpc__http1_is_not_spoken(void **state)
{
    struct pair *pair = *state;
    const char request[] = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n";
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)pair->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char answer[256] = "";

    assert_int_equal(connect(descriptor, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(descriptor, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
    assert_true(recv(descriptor, answer, sizeof(answer) - 1, 0) > 12);
    close(descriptor);
    assert_memory_equal(answer, "HTTP/1.1 505", 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_host_rpc__a_call_is_answered_by_the_other_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_host_rpc__a_problem_crosses_unchanged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_host_rpc__a_call_carries_what_it_knows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_host_rpc__a_table_says_who_may_call_whom, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_host_rpc__a_person_is_judged_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_host_rpc__what_is_read_there_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_host_rpc__a_reply_that_is_too_large_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_host_rpc__a_deadline_holds_on_both_sides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_host_rpc__a_call_that_is_given_up_ends_there_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_host_rpc__a_process_that_was_away_is_found_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_host_rpc__what_is_wrong_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_host_rpc__a_request_that_is_too_large_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_host_rpc__http1_is_not_spoken, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("host_rpc", tests, NULL, NULL);
}
