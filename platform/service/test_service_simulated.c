/* Requests on a disk that is full. */
#include "platform/service/test_host.h"
#include "platform/service/test_simulated.h"

extern const struct service catalog_service;
extern const struct service orders_service;

#define ORDER                                                                                                          \
    "{\"items\":[{\"sku_id\":\"none\",\"quantity\":1}],\"email\":\"a@example.com\",\"shipping_address\":{\"name\":"    \
    "\"A\",\"line1\":\"1\",\"city\":\"Berlin\",\"postal_code\":\"10115\",\"country\":\"DE\"},\"payment\":{"            \
    "\"payment_method\":\"pm_card_visa\"}}"

static struct test_answer place(struct test_host *test)
{
    static const char *const headers[] = {"idempotency-key", "00112233445566778899aabbccddeeff", NULL};
    return test_host_http(test, HTTP_POST, "/api/orders/v1/orders", headers, ORDER);
}

/* Refused for good is refused again by the same key, so a refusal that could not be kept is none. */
static void refuse_on_a_full_disk(void *argument, unsigned incarnation)
{
    static const struct service *const services[] = {&catalog_service, &orders_service, NULL};
    struct simulated_disk *disk = argument;
    struct test_host test = {0};
    (void)incarnation;
    test.sql_vfs = "service_disk";
    test_host_start(&test, services, NULL);
    simulated_disk_faults(disk)->is_full = true;
    ASSERT(place(&test).status == 503);
    simulated_disk_faults(disk)->is_full = false;
    struct test_answer first = place(&test);
    ASSERT(first.status == 400);
    struct test_answer again = place(&test);
    ASSERT(again.status == 400 && str_equal(again.body, first.body));
    test_host_end(&test);
}

static void test_service__a_refusal_that_cannot_be_kept_is_no_answer(void **state)
{
    (void)state;
    test_simulate("service_disk", refuse_on_a_full_disk, SIMULATOR_FINISHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service__a_refusal_that_cannot_be_kept_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
