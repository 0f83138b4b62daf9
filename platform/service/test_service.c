/* The way of a request through a host, with the orders and catalog services as its subjects. */
#include "platform/ports/mail/mail.h"
#include "platform/service/mail_worker.h"
#include "platform/service/test_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

extern const struct service catalog_service;
extern const struct service health_service;
extern const struct service orders_service;

static const struct service *const services[] = {&catalog_service, &orders_service, NULL};

static bool contains(struct str text, const char *part)
{
    return str_find(text, str_from_cstr(part)) >= 0;
}

static void test_service__an_unknown_path_is_a_problem(void **state)
{
    struct test_host test = {0};

    (void)state;
    test_host_start(&test, services, NULL);
    struct test_answer answer = test_host_http(&test, HTTP_GET, "/api/catalog/v2/nothing", NULL, NULL);
    assert_int_equal(answer.status, 404);
    assert_true(contains(answer.body, "\"code\":\"no_such_path\""));
    answer = test_host_http(&test, HTTP_DELETE, "/api/catalog/v1/products", NULL, NULL);
    assert_int_equal(answer.status, 405);
    test_host_end(&test);
}

static void test_service__bad_input_names_its_field(void **state)
{
    struct test_host test = {0};

    (void)state;
    test_host_start(&test, services, NULL);
    struct test_answer answer = test_host_http(&test, HTTP_GET, "/api/catalog/v1/products?limit=101", NULL, NULL);
    assert_int_equal(answer.status, 400);
    assert_true(contains(answer.body, "?limit"));
    answer = test_host_http(&test, HTTP_GET, "/api/catalog/v1/products?nonsense=1", NULL, NULL);
    assert_int_equal(answer.status, 400);
    assert_true(contains(answer.body, "?nonsense"));
    answer = test_host_http(&test, HTTP_GET, "/api/catalog/v1/products?cursor=invented", NULL, NULL);
    assert_int_equal(answer.status, 400);
    test_host_end(&test);
}

static void test_service__a_closed_row_asks_to_sign_in(void **state)
{
    struct test_host test = {0};

    (void)state;
    test_host_start(&test, services, NULL);
    struct test_answer answer = test_host_http(&test, HTTP_POST, "/api/catalog/v1/products", NULL, "{}");
    assert_int_equal(answer.status, 401);
    test_host_end(&test);
}

static void test_service__a_cart_is_kept_for_a_guest(void **state)
{
    struct test_host test = {0};

    (void)state;
    test_host_start(&test, services, NULL);
    struct test_answer answer = test_host_http(&test, HTTP_GET, "/api/orders/v1/cart", NULL, NULL);
    assert_int_equal(answer.status, 200);
    assert_true(contains(answer.body, "\"guest_token\":\""));
    test_host_end(&test);
}

/* A service that stores nothing has no file, and whoever goes through all databases passes it over. */
static void test_service__a_service_may_have_no_database(void **state)
{
    static const struct service *const with_health[] = {&catalog_service, &health_service, NULL};
    struct test_host test = {0};
    char path[2 * TEST_FOLDER_BYTES];

    (void)state;
    test_host_start(&test, with_health, NULL);
    assert_null(host_instance(test.host, "health")->db);
    assert_int_equal(test_host_http(&test, HTTP_GET, "/health/ready", NULL, NULL).status, 200);
    assert_int_equal(test_host_http(&test, HTTP_GET, "/metrics", NULL, NULL).status, 200);
    snprintf(path, sizeof(path), "%s/health.db", test.folder);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof(path), "%s/catalog.db", test.folder);
    assert_int_equal(access(path, F_OK), 0);
    test_host_end(&test);
}

static void test_service__mails_come_from_the_configured_address(void **state)
{
    struct test_host test = {.mail_from = "hello@nord.example"};
    Mail__Message message = MAIL__MESSAGE__INIT;
    struct mail_stored *stored = NULL;
    struct str bytes = STR_EMPTY;
    size_t count = 0;
    int result = -1;

    (void)state;
    test_host_start(&test, services, NULL);
    message.id = "mail-1";
    message.to = "ann@example.com";
    message.subject = message.text = "Hello";
    mail_worker_send(test_host_call(&test, "orders"), (const ProtobufCMessage *[]){&message.base}, 1, &result);
    assert_int_equal(result, 0);
    assert_int_equal(mail_list(test.host->mail, 1, test.arena, &stored, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(mail_read(test.host->mail, stored[0].id, test.arena, &bytes), 0);
    assert_true(contains(bytes, "<hello@nord.example>"));
    test_host_end(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service__an_unknown_path_is_a_problem),
        cmocka_unit_test(test_service__bad_input_names_its_field),
        cmocka_unit_test(test_service__a_closed_row_asks_to_sign_in),
        cmocka_unit_test(test_service__a_cart_is_kept_for_a_guest),
        cmocka_unit_test(test_service__a_service_may_have_no_database),
        cmocka_unit_test(test_service__mails_come_from_the_configured_address),
    };

    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
