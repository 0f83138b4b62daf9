/* Proves that the API's description is of the services that run, and that the page that shows it comes whole, with the
 * policy that lets no foreign script in. */
#include "platform/service/test_host.h"
#include "platform/wire/api_page.h"
#include "services/services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct service *const services[] = {&health_service, &catalog_service, &shell_service, NULL};

static struct test_host fixture;

static int begin(void **state)
{
    (void)state;
    test_host_start(&fixture, services, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_host_end(&fixture);
    return 0;
}

static struct test_answer get(const char *path)
{
    return test_host_http(&fixture, HTTP_GET, path, NULL, NULL);
}

static bool has(struct test_answer answer, const char *part)
{
    return str_find(answer.body, str_from_cstr(part)) >= 0;
}

static void test_shell__describes_the_services_that_run(void **state)
{
    (void)state;
    struct test_answer answer = get("/api/openapi.json");
    assert_int_equal(answer.status, 200);
    assert_true(has(answer, "\"openapi\":\"3.1"));
    assert_true(has(answer, "\"/api/catalog/v1/products\""));
    assert_false(has(answer, "\"/api/orders/v1/orders\"")); /* which does not run here */
    assert_false(has(answer, "\"/health/live\""));          /* nor is a page of the API */
}

static void test_shell__has_a_page_that_shows_it(void **state)
{
    (void)state;
    struct test_answer page = get("/api/docs"), script = get("/api/docs/api.js");
    assert_int_equal(page.status, 200);
    assert_true(has(page, "<html"));
    assert_string_equal(test_host_header(&fixture, &page, "Content-Security-Policy"), API_PAGE_CSP);
    assert_int_equal(script.status, 200);
    assert_int_equal(get("/api/docs/nothing.js").status, 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shell__describes_the_services_that_run),
        cmocka_unit_test(test_shell__has_a_page_that_shows_it),
    };

    return cmocka_run_group_tests_name("shell", tests, begin, end);
}
