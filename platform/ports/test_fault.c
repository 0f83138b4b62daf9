/* Proves that a plan strikes where its rules say, and nowhere else. */
#include "platform/ports/test_fault.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int set_up(void **state)
{
    *state = fault_plan_new();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    fault_plan_free(*state);
    return 0;
}

/* A call whose effect can be counted; 1 when it succeeds. */
static int effects;

static int act(struct fault_plan *plan, enum fault_port port, const char *call)
{
    struct fault fault = fault_meet(plan, port, call);
    return FAULT_APPLY(fault, (effects++, 1));
}

static void assert_act(struct fault_plan *plan, int result, int made)
{
    effects = 0;
    assert_int_equal(act(plan, FAULT_KV, "put"), result);
    assert_int_equal(effects, made);
}

static void test_fault__of_each_kind(void **state)
{
    struct fault_plan *plan = *state;
    assert_act(NULL, 1, 1);
    assert_act(plan, 1, 1);
    test_fault_next(plan, FAULT_KV, "put", FAULT_FAIL);
    assert_act(plan, ERR_UNAVAILABLE, 0);
    assert_act(plan, 1, 1);
    test_fault_next(plan, FAULT_KV, "put", FAULT_FAIL_AFTER);
    assert_act(plan, ERR_DEADLINE, 1);
    test_fault_next(plan, FAULT_KV, "put", FAULT_REPEAT);
    assert_act(plan, 1, 2);
    test_fault_next(plan, FAULT_KV, "put", FAULT_DELAY);
    int64_t started_ns = clock_monotonic_ns();
    assert_act(plan, 1, 1);
    assert_true(test_fault_was_late(started_ns));
    assert_int_equal(fault_plan_faults(plan), 1);
}

static void test_fault__a_rule_speaks_of_its_calls_alone(void **state)
{
    struct fault_plan *plan = *state;
    const struct fault_rule rules[] = {
        {.port = FAULT_KV, .call = "put", .nth = 2, .error = ERR_STORAGE_FULL},
        {.port = FAULT_MAIL, .fault_max = 1},
        {.port = FAULT_ANY_PORT, .nth = 6, .error = ERR_NO_MEMORY},
    };
    assert_int_equal(fault_plan_set(plan, rules, 3), 0);
    assert_int_equal(act(plan, FAULT_KV, "get"), 1);
    assert_int_equal(act(plan, FAULT_KV, "put"), 1);
    assert_int_equal(act(plan, FAULT_KV, "put"), ERR_STORAGE_FULL);
    assert_int_equal(act(plan, FAULT_MAIL, "send"), ERR_UNAVAILABLE);
    assert_int_equal(act(plan, FAULT_MAIL, "send"), 1);
    assert_int_equal(act(plan, FAULT_KV, "put"), ERR_NO_MEMORY);
    assert_int_equal(act(plan, FAULT_KV, "put"), 1);
    assert_int_equal(fault_plan_faults(plan), 3);
    assert_int_equal(fault_plan_calls(plan, FAULT_KV), 5);
    assert_int_equal(fault_plan_calls(plan, FAULT_MAIL), 2);
    assert_int_equal(fault_plan_calls(plan, FAULT_ANY_PORT), 7);
}

static void test_fault__a_chance_is_about_kept(void **state)
{
    struct fault_plan *plan = *state;
    const struct fault_rule half = {.port = FAULT_KV, .permille = 500};
    int failed = 0;
    assert_int_equal(fault_plan_set(plan, &half, 1), 0);
    for (int i = 0; i < 10000; i++)
        failed += act(plan, FAULT_KV, "get") < 0;
    assert_in_range(failed, 4500, 5500); /* ten standard deviations either way */
    assert_int_equal(fault_plan_faults(plan), failed);
}

static bool choose_third(void *context, enum fault_port port, const char *call, struct fault_rule *ret_rule)
{
    assert_int_equal(port, FAULT_KV);
    assert_string_equal(call, "get");
    ret_rule->kind = FAULT_REPEAT;
    return ++*(int *)context == 3;
}

static void test_fault__a_chooser_decides_instead_of_the_rules(void **state)
{
    struct fault_plan *plan = *state;
    int asked = 0;
    const struct fault_rule always = {.port = FAULT_KV};
    assert_int_equal(fault_plan_set(plan, &always, 1), 0);
    fault_plan_choose(plan, choose_third, &asked);
    effects = 0;
    for (int i = 0; i < 4; i++)
        assert_int_equal(act(plan, FAULT_KV, "get"), 1);
    assert_int_equal(effects, 5);
    fault_plan_choose(plan, NULL, NULL);
    assert_int_equal(act(plan, FAULT_KV, "get"), ERR_UNAVAILABLE);
}

static void test_fault__rules_are_bounded(void **state)
{
    static const struct fault_rule many[FAULT_RULES_MAX + 1];
    assert_int_equal(fault_plan_set(*state, many, FAULT_RULES_MAX + 1), ERR_TOO_LARGE);
    assert_int_equal(fault_plan_set(*state, many, FAULT_RULES_MAX), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fault__of_each_kind),           TEST(test_fault__a_rule_speaks_of_its_calls_alone),
        TEST(test_fault__a_chance_is_about_kept), TEST(test_fault__a_chooser_decides_instead_of_the_rules),
        TEST(test_fault__rules_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
