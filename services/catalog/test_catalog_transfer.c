/* Proves import and export: the round trip is exact, a file goes in whole or not at all, and what is wrong is said by
 * line; with the demo catalog as the big file. */
#include "services/catalog/handlers.h"
#include "services/catalog/seed.h"
#include "services/catalog/test_catalog_fixture.h"

#define HEADER "slug,title,brand,category,description,image_url,code,attributes,price,currency,other_prices,on_hand\r\n"
#define IMPORT "/api/catalog/v1/import"
#define EXPORT "/api/catalog/v1/export"

static struct test_answer import(const char *csv)
{
    struct http_header headers[] = {
        {STR("content-type"), STR("text/csv; charset=utf-8")},
        {STR("authorization"), str_from_cstr(fixture_bearer(ROLE_MERCHANDISER))},
    };
    struct http_request request = {.method = HTTP_POST,
                                   .target = STR(IMPORT),
                                   .path = STR(IMPORT),
                                   .host = STR("localhost"),
                                   .scheme = STR("http"),
                                   .body = str_from_cstr(csv),
                                   .peer = STR("127.0.0.1"),
                                   .headers = headers,
                                   .header_count = 2,
                                   .version = 11};
    struct test_answer answer = {0};

    assert_int_equal(host_handle(fixture.host, NULL, &request, fixture.arena, &answer.response), 0);
    answer.status = answer.response.status;
    answer.body = answer.response.body;
    return answer;
}

static const char *export(void)
{
    const char *headers[] = {"authorization", fixture_bearer(ROLE_MERCHANDISER), NULL};
    struct test_answer answer = test_host_http(&fixture, HTTP_GET, EXPORT, headers, NULL);

    assert_int_equal(answer.status, 200);
    return arena_cstr(fixture.arena, answer.body);
}

static void assert_refused(const char *csv, size_t line, const char *part)
{
    const char *before = export();
    struct test_answer answer = import(csv);

    assert_int_equal(answer.status, 422);
    assert_true(fixture_has(answer.body, arena_printf(fixture.arena, "{\"line\":%zu,", line)));
    if (!fixture_has(answer.body, part))
        print_error("%.*s\n", STR_FORMAT(answer.body));
    assert_true(fixture_has(answer.body, part));
    assert_string_equal(export(), before);
}

static void test_catalog_transfer__a_small_file_becomes_products(void **state)
{
    struct test_answer answer =
        import(HEADER ",\"Tea, green\",Kiran,tea,\"Two\r\nlines\",,TEA-1,size=50 g,450,EUR,USD 490;EUR/AT 430,7\r\n"
                      ",\"Tea, green\",Kiran,tea,\"Two\r\nlines\",,TEA-2,size=100 g,800,EUR,,\r\n"
                      "oak,Oak,,wood,,,OAK,,1,EUR,,0\r\n");

    (void)state;
    assert_int_equal(answer.status, 200);
    assert_true(fixture_has(answer.body, "\"products\":2,\"skus\":3"));
    answer = fixture_get("/api/catalog/v1/products/tea-green");
    assert_true(fixture_has(answer.body, "\"title\":\"Tea, green\""));
    assert_true(fixture_has(answer.body, "\"description\":\"Two\\r\\nlines\""));
    assert_true(fixture_has(answer.body,
                            "\"code\":\"TEA-1\",\"attributes\":{\"size\":\"50 g\"},\"price\":{\"amount\":450,"
                            "\"currency\":\"EUR\"},\"available\":7"));
    answer = fixture_get("/api/catalog/v1/products/tea-green?currency=EUR&region=AT");
    assert_true(fixture_has(answer.body, "\"price\":{\"amount\":430,\"currency\":\"EUR\"}"));
}

static void test_catalog_transfer__the_same_file_again_changes_nothing(void **state)
{
    const char *before = export();

    (void)state;
    assert_int_equal(import(before).status, 200);
    assert_string_equal(export(), before);
    assert_true(fixture_has(fixture_get("/api/catalog/v1/products/oak").body, "\"version\":1"));
}

static void test_catalog_transfer__a_file_changes_what_differs(void **state)
{
    struct test_answer answer =
        import("title,category,code,price,currency\nOak,trees,OAK,2,EUR\nOak,trees,OAK-2,3,EUR\n");

    (void)state;
    assert_int_equal(answer.status, 200);
    answer = fixture_get("/api/catalog/v1/products/oak");
    assert_true(fixture_has(answer.body, "\"category\":\"trees\""));
    assert_true(fixture_has(answer.body, "\"version\":2"));
    assert_true(fixture_has(answer.body, "OAK-2"));
}

static void test_catalog_transfer__what_is_wrong_is_said_by_line(void **state)
{
    (void)state;
    assert_refused("", 1, "empty");
    assert_refused("title,code\n", 1, "category is missing");
    assert_refused("title,category,code,price,currency,colour\n", 1, "colour");
    assert_refused(HEADER "a,A,,x,,,A1,,1,EUR,,0\r\nb,B,,x,,,B1,,12.50,EUR,,0\r\n", 3, "minor units");
    assert_refused(HEADER "a,A,,x,,,A1,,1,euro,,0\r\n", 2, "ISO 4217");
    assert_refused(HEADER "a,A,,x,,,A1,,1,EUR,,-1\r\n", 2, "on_hand");
    assert_refused(HEADER "a,A,,x,,,A1,,1,EUR,USD,0\r\n", 2, "other_prices");
    assert_refused(HEADER "a,A,,x,,,A1,,1,EUR,EUR 5,0\r\n", 2, "own price");
    assert_refused(HEADER "a,A,,x,,,A1,size,1,EUR,,0\r\n", 2, "attributes");
    assert_refused(HEADER "a,A,,x,,,A1,,1,EUR,,0\r\na,A,,x,,,A1,,1,EUR,,0\r\n", 3, "on line 2 already");
    assert_refused(HEADER "a,A,,x,,,A1,,1,EUR,,0\r\na,B,,x,,,A2,,1,EUR,,0\r\n", 3, "title differs from line 2");
    assert_refused(HEADER "a,A,,x,,,A1,,1,EUR,,0,9\r\n", 2, "13 fields");
    assert_refused(HEADER "a,\"A,,x,,,A1,,1,EUR,,0\r\n", 2, "not closed");
    assert_refused(HEADER "a,A,,X Y,,,A1,,1,EUR,,0\r\n", 2, "category");
    assert_refused(HEADER "a,A,,x,,javascript:x,A1,,1,EUR,,0\r\n", 2, "image_url");
    /* The code of another product: found in the shop, after the first product went in. */
    assert_refused(HEADER "a,A,,x,,,A1,,1,EUR,,0\r\nb,B,,x,,,OAK,,1,EUR,,0\r\n", 3, "already taken");
}

static void test_catalog_transfer__several_errors_come_at_once(void **state)
{
    struct test_answer answer = import(HEADER "a,,,x,,,A1,,x,EUR,,0\r\nb,B,,x,,,,,1,EUR,,0\r\n");

    (void)state;
    assert_int_equal(answer.status, 422);
    assert_true(fixture_has(answer.body, "{\"line\":2,\"detail\":\"title is empty.\"}"));
    assert_true(fixture_has(answer.body, "{\"line\":2,\"detail\":\"price must be"));
    assert_true(fixture_has(answer.body, "{\"line\":3,\"detail\":\"code is empty.\"}"));
}

static void test_catalog_transfer__takes_only_csv(void **state)
{
    const char *headers[] = {"authorization", fixture_bearer(ROLE_MERCHANDISER), NULL};

    (void)state;
    assert_int_equal(test_host_http(&fixture, HTTP_POST, IMPORT, headers, "{}").status, 415);
    assert_int_equal(test_host_http(&fixture, HTTP_POST, IMPORT, NULL, "{}").status, 401);
    assert_int_equal(test_host_http(&fixture, HTTP_GET, EXPORT, NULL, NULL).status, 401);
}

static void test_catalog_transfer__a_formula_does_not_run_and_comes_back(void **state)
{
    (void)state;
    assert_int_equal(import(HEADER "evil,'=1+1,'@brand,x,\"'-danger\",,EVIL,,1,EUR,,0\r\n").status, 200);
    assert_true(fixture_has(fixture_get("/api/catalog/v1/products/evil").body, "\"title\":\"=1+1\""));
    assert_true(fixture_has(str_from_cstr(export()), "evil,'=1+1,'@brand,x,'-danger,"));
}

static void start_over(void **state)
{
    test_host_end(&fixture);
    fixture_start(state);
}

static void test_catalog_transfer__the_demo_catalog_goes_round(void **state)
{
    CLEANUP(arena_cleanup) struct arena *kept = arena_new(16 << 20);
    const char *first;

    start_over(state);
    assert_int_equal(catalog_seed(fixture_call()), 1);
    assert_int_equal(catalog_seed(fixture_call()), 0);
    first = arena_cstr(kept, str_from_cstr(export()));
    assert_true(strlen(first) > 1000000);

    start_over(state);
    assert_int_equal(import(first).status, 200);
    assert_string_equal(export(), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog_transfer__a_small_file_becomes_products),
        cmocka_unit_test(test_catalog_transfer__the_same_file_again_changes_nothing),
        cmocka_unit_test(test_catalog_transfer__a_file_changes_what_differs),
        cmocka_unit_test(test_catalog_transfer__what_is_wrong_is_said_by_line),
        cmocka_unit_test(test_catalog_transfer__several_errors_come_at_once),
        cmocka_unit_test(test_catalog_transfer__takes_only_csv),
        cmocka_unit_test(test_catalog_transfer__a_formula_does_not_run_and_comes_back),
        cmocka_unit_test(test_catalog_transfer__the_demo_catalog_goes_round),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_end);
}
