/* The queue under the seeded scheduler: all interleavings that 100 seeds find. */
#define ITEMS 20 /* of each producer */

#include "platform/base/test_queue_traffic.h"
#include "platform/base/simulator.h"

#include <string.h>

static void traffic_main(void *argument, unsigned incarnation)
{
    (void)incarnation;
    run_traffic(argument);
}

static void test_queue_simulated__every_item_comes_out_once_in_every_seed(void **state)
{
    (void)state;
    const struct simulator_options options = {.spurious_wake_permille = 50, .delay_permille = 10, .delay_max_ns = 1000};
    for (uint64_t seed = 1; seed <= 100; seed++) {
        static struct traffic traffic;
        memset(&traffic, 0, sizeof(traffic));
        struct simulator_result result;
        simulator_run(seed, &options, traffic_main, &traffic, &result);
        if (result.end != SIMULATOR_FINISHED)
            fail_msg("seed %d: %s", (int)seed, result.report);
        assert_each_once(&traffic);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_simulated__every_item_comes_out_once_in_every_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
