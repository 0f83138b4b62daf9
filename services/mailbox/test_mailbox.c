/* Proves that the page of mails shows what was sent and runs none of it, and is for visitors of this machine alone. */
#include "platform/ports/mail/mail.h"
#include "platform/service/mail_worker.h"
#include "platform/service/test_host.h"
#include "services/services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct test_host fixture;

static int start(void **state)
{
    static const struct service *const services[] = {&orders_service, &mailbox_service, NULL};

    (void)state;
    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    test_host_start(&fixture, services, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_host_end(&fixture);
    return 0;
}

/* Sends a mail and gives its id. */
static const char *send_mail(const char *id, const char *subject, const char *text)
{
    Mail__Message message = MAIL__MESSAGE__INIT;
    struct mail_stored *stored = NULL;
    size_t count = 0;
    int result = -1;

    message.id = (char *)(uintptr_t)id;
    message.to = (char *)"ann@example.com";
    message.subject = (char *)(uintptr_t)subject;
    message.text = (char *)(uintptr_t)text;
    mail_worker_send(test_host_call(&fixture, "orders"), (const ProtobufCMessage *[]){&message.base}, 1, &result);
    assert_int_equal(result, 0);
    assert_int_equal(mail_list(fixture.host->mail, 1, fixture.arena, &stored, &count), 0);
    assert_int_equal(count, 1);
    return arena_cstr(fixture.arena, stored[0].id);
}

static struct test_answer page(const char *accept)
{
    const char *const headers[] = {"accept", accept, NULL};

    return test_host_http(&fixture, HTTP_GET, "/dev/mail", headers, NULL);
}

static bool has(struct test_answer answer, const char *part)
{
    return str_find(answer.body, str_from_cstr(part)) >= 0;
}

static void test_mailbox__is_empty_and_says_so(void **state)
{
    (void)state;
    assert_true(has(page("text/html"), "<p>No mail yet."));
    assert_true(has(page("*/*"), "No mail yet."));
}

/* What a stranger wrote into a name or a subject is text on the page. */
static void test_mailbox__nothing_of_a_mail_is_run(void **state)
{
    send_mail("mail-1", "<script>alert(1)</script>", "Hello \"Ann\" & <b>all</b>");
    struct test_answer answer = page("text/html,application/xhtml+xml");

    (void)state;
    assert_int_equal(answer.status, 200);
    assert_string_equal(test_host_header(&fixture, &answer, "Content-Type"), "text/html; charset=utf-8");
    assert_true(has(answer, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_true(has(answer, "Hello &quot;Ann&quot; &amp; &lt;b&gt;all&lt;/b&gt;"));
    assert_false(has(answer, "<script"));
    assert_false(has(answer, "<b>all"));
    assert_non_null(strstr(test_host_header(&fixture, &answer, "Content-Security-Policy"), "sandbox"));
    assert_string_equal(test_host_header(&fixture, &answer, "Cache-Control"), "no-store");
}

static void test_mailbox__a_program_reads_plain_text(void **state)
{
    const char *id = send_mail("mail-2", "Your code", "Code: 123456");
    struct test_answer answer = page("*/*");

    (void)state;
    assert_string_equal(test_host_header(&fixture, &answer, "Content-Type"), "text/plain; charset=utf-8");
    assert_true(has(answer, "\nCode: 123456\n"));
    assert_true(has(answer, arena_printf(fixture.arena, "Link: /dev/mail/%s", id)));
    answer = test_host_http(&fixture, HTTP_GET, arena_printf(fixture.arena, "/dev/mail/%s", id), NULL, NULL);
    assert_true(has(answer, "Subject: Your code"));
    assert_true(has(answer, "<ann@example.com>"));
}

static void test_mailbox__only_mails_are_shown(void **state)
{
    static const char *const paths[] = {"/dev/mail/none", "/dev/mail/..", "/dev/mail/..%2Forders.db", "/dev/mail/.%2F",
                                        "/dev/mail/%2Fetc%2Fpasswd"};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_int_equal(test_host_http(&fixture, HTTP_GET, paths[i], NULL, NULL).status, 404);
}

/* Asked by another name than this machine's (a page elsewhere whose name leads here), there is nothing. */
static void test_mailbox__is_for_this_machine_alone(void **state)
{
    struct http_request request = {.method = HTTP_GET,
                                   .target = STR("/dev/mail"),
                                   .path = STR("/dev/mail"),
                                   .host = STR("shop.example"),
                                   .scheme = STR("http"),
                                   .peer = STR("127.0.0.1"),
                                   .version = 11};
    struct http_response response;

    (void)state;
    assert_int_equal(host_handle(fixture.host, NULL, &request, fixture.arena, &response), 0);
    assert_int_equal(response.status, 404);
    request.host = STR("localhost");
    assert_int_equal(host_handle(fixture.host, NULL, &request, fixture.arena, &response), 0);
    assert_int_equal(response.status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mailbox__is_empty_and_says_so),
        cmocka_unit_test(test_mailbox__nothing_of_a_mail_is_run),
        cmocka_unit_test(test_mailbox__a_program_reads_plain_text),
        cmocka_unit_test(test_mailbox__only_mails_are_shown),
        cmocka_unit_test(test_mailbox__is_for_this_machine_alone),
    };

    return cmocka_run_group_tests_name("mailbox", tests, start, end);
}
