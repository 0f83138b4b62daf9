/* How long a call waits for a provider that does not answer: its patience is a setting, and the call's deadline where
 * that is nearer. On a simulated clock and network. */
#include "platform/net/client_simulated.h"
#include "platform/service/test_host.h"
#include "platform/service/test_simulated.h"
#include "shopstream/payments/v1/payments.rpc.h"

extern const struct service payments_service;

#define PROVIDER "127.0.0.1:3999"
#define PATIENCE_MS INT64_C(8000)
#define ATTEMPTS 2

static int never_reached(void *context, const struct http_request *request, struct arena *arena,
                         struct http_response *ret_response)
{
    (void)context;
    (void)request;
    (void)arena;
    (void)ret_response;
    return ERR_INTERNAL;
}

/* Asks for an authorisation with so much time; returns how long that took. */
static int64_t authorise_within(struct test_host *test, int64_t time_ms, int expected)
{
    Payments__AuthorisePaymentRequest request = PAYMENTS__AUTHORISE_PAYMENT_REQUEST__INIT;
    Payments__Payment payment = PAYMENTS__PAYMENT__INIT;
    Common__Money money = COMMON__MONEY__INIT;
    struct call *call = test_host_call(test, "payments");
    char currency[] = "EUR", order[] = "order-1", method[] = "pm_card_visa", url[] = "http://localhost:3000/";
    int64_t start_ns = clock_monotonic_ns();
    money.has_amount = true;
    money.amount = 100;
    money.currency = currency;
    request.order_id = order;
    request.amount = &money;
    request.payment_method = method;
    request.return_url = url;
    call->deadline_ns = start_ns + time_ms * CLOCK_NS_PER_MS;
    ASSERT(payments_authorise_payment(call, &request, &payment) == expected);
    ASSERT(error_http_status(call->problem.error) == 504);
    return (clock_monotonic_ns() - start_ns) / CLOCK_NS_PER_MS;
}

static void ask_a_silent_provider(void *argument, unsigned incarnation)
{
    static const struct service *const services[] = {&payments_service, NULL};
    static char *environment[] = {"SHOPSTREAM_STRIPE_URL=http://" PROVIDER, "SHOPSTREAM_STRIPE_SECRET_KEY=sk_test_1",
                                  "SHOPSTREAM_STRIPE_WEBHOOK_SECRET=whsec_1", NULL};
    struct test_host test = {.sql_vfs = "payments_disk"};
    (void)argument;
    (void)incarnation;
    test_host_start(&test, services, environment);
    simulated_network_add_peer(PROVIDER, SIMULATOR_WORLD, never_reached, NULL);
    simulated_network_faults()->request_lost_permille = 1000;
    ASSERT(authorise_within(&test, 60000, ERR_DEADLINE) == ATTEMPTS * PATIENCE_MS);
    ASSERT(authorise_within(&test, 3000, ERR_DEADLINE) == 3000);
    ASSERT(authorise_within(&test, PATIENCE_MS + 1000, ERR_DEADLINE) == PATIENCE_MS + 1000);
    /* Whoever has no time left asks nobody. */
    uint64_t exchanges = simulated_network_counts()->exchanges;
    ASSERT(authorise_within(&test, 0, ERR_DEADLINE) == 0 && simulated_network_counts()->exchanges == exchanges);
    simulator_stop();
}

static void test_payments_deadline__nobody_waits_longer_than_the_call_has_time(void **state)
{
    (void)state;
    test_simulate("payments_disk", ask_a_silent_provider, SIMULATOR_STOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payments_deadline__nobody_waits_longer_than_the_call_has_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
