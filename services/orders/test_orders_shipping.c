/* Proves where orders can be sent to, how, and what it costs. */
#include "platform/base/iso_code.h"
#include "services/orders/test_orders_fixture.h"

static void assert_methods(const char *country, const char *const *ids, const int64_t *amounts)
{
    struct shipping_price methods[SHIPPING_METHODS_MAX];
    size_t count = 0, expected = 0;

    assert_int_equal(
        shipping_methods(test_host_call(&fixture, "orders"), str_from_cstr(country), STR("EUR"), NULL, methods, &count),
        0);
    while (ids[expected])
        expected++;
    assert_int_equal(count, expected);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(methods[i].id, ids[i]);
        assert_int_equal(methods[i].amount, amounts[i]);
        assert_true(methods[i].days_min >= 1 && methods[i].days_min <= methods[i].days_max);
    }
}

static void test_orders_shipping__has_prices_of_its_own_in_each_currency(void **state)
{
    struct test_answer answer =
        fixture_ask((struct question){.path = "/api/orders/v1/shipping-methods?country=FR&currency=JPY"});

    (void)state;
    assert_int_equal(fixture_int(answer, "/shipping_methods/0/price/amount"), 1600);
    assert_string_equal(fixture_text(answer, "/shipping_methods/0/price/currency"), "JPY");
    answer = fixture_ask((struct question){.path = "/api/orders/v1/shipping-methods?country=FR&currency=XAU"});
    assert_int_equal(answer.status, 400);
}

static void test_orders_shipping__each_zone_has_its_methods_the_cheapest_first(void **state)
{
    (void)state;
    assert_methods("DE", (const char *const[]){"pickup", "standard", "express", NULL},
                   (const int64_t[]){390, 490, 1290});
    assert_methods("AT", (const char *const[]){"pickup", "standard", "express", NULL},
                   (const int64_t[]){390, 490, 1290});
    assert_methods("FR", (const char *const[]){"standard", "express", NULL}, (const int64_t[]){990, 2490});
    assert_methods("SK", (const char *const[]){"standard", "express", NULL}, (const int64_t[]){990, 2490});
    assert_methods("JP", (const char *const[]){"standard", "express", NULL}, (const int64_t[]){1990, 4990});
}

static void test_orders_shipping__nothing_goes_where_nobody_delivers(void **state)
{
    (void)state;
    assert_methods("AQ", (const char *const[]){NULL}, NULL);
    assert_methods("HM", (const char *const[]){NULL}, NULL);
}

/* The lists of countries are text: what is no code of two letters must not be found in them. */
static void test_orders_shipping__only_a_whole_code_is_of_a_zone(void **state)
{
    (void)state;
    assert_methods("D", (const char *const[]){"standard", "express", NULL}, (const int64_t[]){1990, 4990});
    assert_methods("DE AT", (const char *const[]){"standard", "express", NULL}, (const int64_t[]){1990, 4990});
    assert_methods("", (const char *const[]){"standard", "express", NULL}, (const int64_t[]){1990, 4990});
}

static void test_orders_shipping__is_listed_for_anybody(void **state)
{
    struct test_answer answer = fixture_ask((struct question){.path = "/api/orders/v1/shipping-methods?country=DE"});

    (void)state;
    assert_int_equal(answer.status, 200);
    assert_int_equal(test_json_count(answer.body, "/shipping_methods"), 3);
    assert_string_equal(fixture_text(answer, "/shipping_methods/0/id"), "pickup");
    assert_int_equal(fixture_int(answer, "/shipping_methods/0/price/amount"), 390);
    assert_string_equal(fixture_text(answer, "/shipping_methods/0/price/currency"), "EUR");
    assert_int_equal(fixture_int(answer, "/shipping_methods/2/days_max"), 2);
    assert_refused(fixture_ask((struct question){.path = "/api/orders/v1/shipping-methods"}), 400, "required",
                   "?country");
    answer = fixture_ask((struct question){.path = "/api/orders/v1/shipping-methods?country=AQ"});
    assert_int_equal(answer.status, 200);
    assert_int_equal(test_json_count(answer.body, "/shipping_methods"), 0);
}

/* Whatever is listed can be shipped to, by name, and nothing else of the world. */
static void test_orders_shipping__lists_the_countries_by_name(void **state)
{
    struct test_answer answer = fixture_ask((struct question){.path = "/api/orders/v1/shipping-countries"});
    size_t world, count = test_json_count(answer.body, "/countries");
    struct shipping_price methods[SHIPPING_METHODS_MAX];

    (void)state;
    iso_countries(&world);
    assert_int_equal(answer.status, 200);
    assert_int_equal(count, world - 3); /* AQ, BV, HM */
    assert_string_equal(fixture_text(answer, "/countries/0/name"), "Afghanistan");
    assert_string_equal(fixture_text(answer, "/countries/1/name"), "Åland Islands");
    assert_string_equal(fixture_text(answer, TEXT("/countries/%zu/code", count - 1)), "ZW");
    for (size_t i = 0; i < count; i++) {
        size_t found = 0;

        assert_int_equal(shipping_methods(test_host_call(&fixture, "orders"),
                                          str_from_cstr(fixture_text(answer, TEXT("/countries/%zu/code", i))),
                                          STR("EUR"), NULL, methods, &found),
                         0);
        assert_true(found > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_shipping__each_zone_has_its_methods_the_cheapest_first),
        cmocka_unit_test(test_orders_shipping__nothing_goes_where_nobody_delivers),
        cmocka_unit_test(test_orders_shipping__only_a_whole_code_is_of_a_zone),
        cmocka_unit_test(test_orders_shipping__is_listed_for_anybody),
        cmocka_unit_test(test_orders_shipping__lists_the_countries_by_name),
        cmocka_unit_test(test_orders_shipping__has_prices_of_its_own_in_each_currency),
    };

    return cmocka_run_group_tests_name("orders_shipping", tests, fixture_start, fixture_end);
}
