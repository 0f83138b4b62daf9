/* How far the reconciliation looks when the machine was booted under a clock that was behind, which is right again: the
 * steady clock stays behind. On a simulated clock and network. */
#include "platform/net/client_simulated.h"
#include "platform/ports/clock/clock.h"
#include "platform/service/test_host.h"
#include "platform/service/test_simulated.h"
#include "services/payments/payments.h"

extern const struct service payments_service;

#define PROVIDER "127.0.0.1:3999"
#define AGE_MS INT64_C(30000)
#define BEHIND_MS (INT64_C(3) * 3600 * 1000)
#define ASKED_MAX 16

/* What the provider was asked for: the lists in turn, and until when (of its clock). */
static struct {
    bool is_charges;
    int64_t until_s;
} asked[ASKED_MAX];
static size_t asked_count;

static int answer_nothing(void *context, const struct http_request *request, struct arena *arena,
                          struct http_response *ret_response)
{
    struct str query = request->query, name, value;
    (void)context;
    ASSERT(asked_count < ASKED_MAX);
    while (http_query_next(arena, &query, &name, &value) == 1) {
        if (str_equal(name, STR("created[lte]")))
            ASSERT(str_to_int64(value, &asked[asked_count].until_s) == 0);
    }
    asked[asked_count++].is_charges = str_equal(request->path, STR("/v1/payment_intents"));
    ret_response->status = 200;
    http_response_header(ret_response, STR("Content-Type"), STR("application/json"));
    ret_response->body = STR("{\"object\":\"list\",\"data\":[],\"has_more\":false}");
    return 0;
}

static void reconcile_behind(void *argument, unsigned incarnation)
{
    static const struct service *const services[] = {&payments_service, NULL};
    static char *environment[] = {"SHOPSTREAM_STRIPE_URL=http://" PROVIDER, "SHOPSTREAM_STRIPE_SECRET_KEY=sk_test_1",
                                  "SHOPSTREAM_STRIPE_WEBHOOK_SECRET=whsec_1", "SHOPSTREAM_RECONCILE_AGE_MS=30000",
                                  NULL};
    struct test_host test = {.sql_vfs = "payments_disk"};
    (void)argument;
    (void)incarnation;
    test_host_start(&test, services, environment);
    simulated_network_add_peer(PROVIDER, SIMULATOR_WORLD, answer_nothing, NULL);
    simulator_set_steady_ms(clock_wall_ms() - BEHIND_MS);
    int64_t from_s = (clock_wall_ms() - AGE_MS) / CLOCK_MS_PER_S;
    asked_count = 0;
    ASSERT(reconcile(test_host_call(&test, "payments")) == 0);
    int64_t to_s = (clock_wall_ms() - AGE_MS) / CLOCK_MS_PER_S, steady_s = clock_steady_ms() / CLOCK_MS_PER_S;
    ASSERT(asked_count == 6 && asked[0].is_charges && !asked[1].is_charges);
    /* The first look at charges and refunds: to the present. The later ones wait until their time has passed. */
    for (size_t i = 0; i < 2; i++)
        ASSERT(asked[i].until_s >= from_s && asked[i].until_s <= to_s);
    for (size_t i = 2; i < asked_count; i++)
        ASSERT(!asked[i].is_charges && asked[i].until_s <= steady_s - 3600);
    simulator_stop();
}

static void test_payments_clock__a_clock_that_was_behind_delays_no_look_at_charges(void **state)
{
    (void)state;
    test_simulate("payments_disk", reconcile_behind, SIMULATOR_STOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payments_clock__a_clock_that_was_behind_delays_no_look_at_charges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
