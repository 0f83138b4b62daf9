/* What a handler's write leaves, when its transaction does not commit the first time. */
#include "platform/service/request_parts.h"
#include "platform/service/test_host.h"
#include "shopstream/orders/v1/orders.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

extern const struct service catalog_service;
extern const struct service orders_service;

struct attempt {
    struct call *call;
    Orders__Order *order;
    char *id;
    bool fails; /* afterwards, as when another write of its batch does */
};

static int name_order(struct sql_tx *tx, void *argument)
{
    struct attempt *attempt = argument;
    (void)tx;
    attempt->order->id = attempt->id;
    return 0;
}

static int run_attempt(struct sql_tx *tx, void *argument)
{
    struct attempt *attempt = argument;
    TRY(call_run_write(attempt->call, tx, name_order, attempt));
    return attempt->fails ? ERR_UNAVAILABLE : 0;
}

static void test_call__the_answer_is_of_the_run_that_committed(void **state)
{
    static const struct service *const services[] = {&catalog_service, &orders_service, NULL};
    struct test_host test = {0};
    struct idempotency idempotency = {.scope = STR("guest"), .key = STR("00112233445566778899aabbccddeeff")};
    Orders__Order order = ORDERS__ORDER__INIT;
    struct call_reply reply = {.out = &order.base, .idempotency = &idempotency};
    char rolled_back[] = "rolled-back", committed[] = "committed";
    struct call call;
    (void)state;
    test_host_start(&test, services, NULL);
    struct service_instance *instance = host_instance(test.host, "orders");
    assert_int_equal(host_call_begin(instance, test.arena, STR(TENANT_DEFAULT), STR_EMPTY, 1000, &call), 0);
    call.reply = &reply;
    struct attempt first = {&call, &order, rolled_back, true}, second = {&call, &order, committed, false};
    assert_int_equal(sql_write(instance->db, run_attempt, &first), ERR_UNAVAILABLE);
    assert_int_equal(sql_write(instance->db, run_attempt, &second), 0);
    assert_true(str_find(reply.body, STR("committed")) >= 0);
    assert_true(str_equal(reply.body, idempotency.body));
    test_host_end(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call__the_answer_is_of_the_run_that_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
