/* Proves that sums of money never wrap around and never pass the named limit. */
#include "services/orders/orders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_orders_money__adds_what_a_line_costs(void **state)
{
    int64_t total = 250;

    (void)state;
    assert_int_equal(money_add(199, 3, &total), 0);
    assert_int_equal(total, 250 + 597);
    assert_int_equal(money_add(0, 10000, &total), 0);
    assert_int_equal(money_add(199, 0, &total), 0);
    assert_int_equal(total, 250 + 597);
}

static void test_orders_money__reaches_the_limit_and_not_one_cent_more(void **state)
{
    int64_t total = AMOUNT_MAX - 10;

    (void)state;
    assert_int_equal(money_add(5, 2, &total), 0);
    assert_int_equal(total, AMOUNT_MAX);
    assert_int_equal(money_add(1, 1, &total), ERR_TOO_LARGE);
    assert_int_equal(total, AMOUNT_MAX);
    total = 0;
    assert_int_equal(money_add(AMOUNT_MAX, 1, &total), 0);
    total = 0;
    assert_int_equal(money_add(AMOUNT_MAX / 2 + 1, 2, &total), ERR_TOO_LARGE);
    assert_int_equal(total, 0);
}

static void test_orders_money__refuses_what_would_overflow_or_is_negative(void **state)
{
    int64_t total = 7;

    (void)state;
    assert_int_equal(money_add(INT64_MAX, 2, &total), ERR_TOO_LARGE);
    assert_int_equal(money_add(INT64_MAX, INT64_MAX, &total), ERR_TOO_LARGE);
    assert_int_equal(money_add(-1, 1, &total), ERR_TOO_LARGE);
    assert_int_equal(money_add(1, -1, &total), ERR_TOO_LARGE);
    assert_int_equal(money_add(-1, -1, &total), ERR_TOO_LARGE);
    assert_int_equal(total, 7);
}

static void test_orders_money__has_a_currency_or_there_is_no_room(void **state)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(4096);
    CLEANUP(arena_cleanup) struct arena *full = arena_new(64);
    Common__Money *money = money_new(arena, 1250, STR("EUR"));

    (void)state;
    assert_non_null(money);
    assert_true(money->has_amount);
    assert_int_equal(money->amount, 1250);
    assert_string_equal(money->currency, "EUR");
    while (arena_alloc(full, 1))
        continue;
    assert_null(money_new(full, 1, STR("EUR")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_money__adds_what_a_line_costs),
        cmocka_unit_test(test_orders_money__reaches_the_limit_and_not_one_cent_more),
        cmocka_unit_test(test_orders_money__refuses_what_would_overflow_or_is_negative),
        cmocka_unit_test(test_orders_money__has_a_currency_or_there_is_no_room),
    };

    return cmocka_run_group_tests_name("orders_money", tests, NULL, NULL);
}
