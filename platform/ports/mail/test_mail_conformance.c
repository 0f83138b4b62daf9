/* The conformance suite of the mail port, on the spool, alone and behind the decorator. */
#include "platform/base/test_folder.h"
#include "platform/ports/mail/mail_faulty.h"
#include "platform/ports/test_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_decorated; /* the suite runs once without the decorator, and once behind it */

struct fixture {
    struct fault_plan *faults; /* NULL without the decorator */
    struct mail *mail;
    struct arena *arena;
    char data[TEST_FOLDER_BYTES];
    char folder[210]; /* of the spool, in it */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    char message[512];
    test_folder_make(f->data);
    snprintf(f->folder, sizeof(f->folder), "%s/mail", f->data);
    f->arena = arena_new(8 << 20);
    f->faults = is_decorated ? fault_plan_new() : NULL;
    TRY(mail_open(&f->mail, &(struct port_config){.url = "spool:", .data_path = f->data}, message));
    return mail_faulty_wrap(&f->mail, f->faults);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    test_folder_remove(f->data);
    mail_free(f->mail);
    fault_plan_free(f->faults);
    arena_free(f->arena);
    free(f);
    return 0;
}

static struct mail_message message_of(const char *subject)
{
    return (struct mail_message){.from = STR("shop@example.com"),
                                 .to = STR("ann+x@example.org"),
                                 .subject = str_from_cstr(subject),
                                 .text = STR("Hello,\nCode: 123456\n")};
}

static struct str read_newest(struct fixture *f, struct mail_stored *ret_stored)
{
    struct mail_stored *stored;
    struct str bytes = STR_EMPTY;
    size_t count = 0;
    assert_int_equal(mail_list(f->mail, 1, f->arena, &stored, &count), 0);
    assert_int_equal(count, 1);
    *ret_stored = stored[0];
    assert_int_equal(mail_read(f->mail, stored[0].id, f->arena, &bytes), 0);
    return bytes;
}

static void test_mail__text_is_readable_in_the_spool(void **state)
{
    struct fixture *f = *state;
    struct mail_message message = message_of("Your code");
    struct mail_stored stored;
    message.message_id = STR("queue-1");
    assert_int_equal(mail_send(f->mail, &message), 0);
    struct str bytes = read_newest(f, &stored);
    assert_true(str_find(bytes, STR("\r\nCode: 123456\r\n")) > 0);
    assert_true(str_find(bytes, STR("Message-ID: <queue-1@example.com>\r\n")) > 0);
    assert_true(str_equal_cstr(stored.subject, "Your code"));
    assert_true(str_equal_cstr(stored.to, "ann+x@example.org"));
    assert_true(stored.sent_at_ms > 0);
}

/* Words beyond ASCII are encoded within the line limit and come back whole. */
static void test_mail__headers_round_trip(void **state)
{
    struct fixture *f = *state;
    const char *subject = "Ihre Bestellung f\xc3\xbcr 12 \xe2\x82\xac: \xe2\x9c\x93 gr\xc3\xb6\xc3\x9f"
                          "er als eine Zeile, "
                          "damit sie in zwei W\xc3\xb6rter geteilt werden muss =?UTF-8?B?eHg=?=";
    struct mail_message message = message_of(subject);
    struct mail_stored stored;
    message.from_name = STR("Shop \"quoted\" <x>");
    assert_int_equal(mail_send(f->mail, &message), 0);
    struct str bytes = read_newest(f, &stored);
    assert_true(str_equal_cstr(stored.subject, subject));
    assert_true(str_find(bytes, STR("quoted")) < 0);
    struct str line, rest = bytes;
    while (str_next_token(&rest, '\n', &line) && line.len > 1)
        assert_true(line.len <= 78 + 1);
}

/* Nothing that comes from outside can add a header or a recipient. */
static void test_mail__injection_is_refused(void **state)
{
    struct fixture *f = *state;
    struct mail_message message = message_of("a\r\nBcc: all@example.org");
    assert_int_equal(mail_send(f->mail, &message), ERR_INVALID);
    static const char *const addresses[] = {
        "a@b\r\nBcc: c@d", "a@b,c@d", "a b@c", "<a@b>", "a@b>", "@b", "a@", "a", "", "a@b@c", "\xc3\xa9@b"};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        message = message_of("ok");
        message.to = str_from_cstr(addresses[i]);
        assert_int_equal(mail_send(f->mail, &message), ERR_INVALID);
    }
    message = message_of("ok");
    message.from_name = STR("x\nBcc: y");
    assert_int_equal(mail_send(f->mail, &message), ERR_INVALID);
    message = message_of("ok");
    message.message_id = STR("../../etc/passwd");
    assert_int_equal(mail_send(f->mail, &message), ERR_INVALID);
    struct str bytes;
    assert_int_equal(mail_read(f->mail, STR("../secret"), f->arena, &bytes), ERR_INVALID);
    assert_int_equal(mail_read(f->mail, STR("none"), f->arena, &bytes), ERR_NOT_FOUND);
}

static void test_mail__html_is_an_alternative(void **state)
{
    struct fixture *f = *state;
    struct mail_message message = message_of("Both");
    struct mail_stored stored;
    char long_line[2001];
    memset(long_line, '=', sizeof(long_line) - 1);
    long_line[sizeof(long_line) - 1] = '\0';
    message.html = str_from_cstr(long_line);
    assert_int_equal(mail_send(f->mail, &message), 0);
    struct str bytes = read_newest(f, &stored);
    assert_true(str_find(bytes, STR("multipart/alternative; boundary=")) > 0);
    assert_true(str_find(bytes, STR("text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable")) > 0);
    struct str line, rest = bytes;
    while (str_next_token(&rest, '\n', &line))
        assert_true(line.len <= 998);
}

static void test_mail__list_is_newest_first_and_bounded(void **state)
{
    struct fixture *f = *state;
    struct mail_stored *stored;
    size_t count = 0;
    for (int i = 0; i < 5; i++) {
        struct mail_message message = message_of("x");
        assert_int_equal(mail_send(f->mail, &message), 0);
    }
    assert_int_equal(mail_list(f->mail, 3, f->arena, &stored, &count), 0);
    assert_int_equal(count, 3);
    assert_true(str_compare(stored[0].id, stored[1].id) > 0);
    assert_true(str_compare(stored[1].id, stored[2].id) > 0);
    assert_int_equal(mail_list(f->mail, 100, f->arena, &stored, &count), 0);
    assert_int_equal(count, 5);
}

/* One that is refused takes none of its neighbours with it. */
static void test_mail__several_are_sent_together(void **state)
{
    struct fixture *f = *state;
    struct mail_message messages[MAIL_SEND_MAX];
    struct mail_stored *stored;
    int results[MAIL_SEND_MAX];
    size_t count = 0;
    for (size_t i = 0; i < MAIL_SEND_MAX; i++) {
        messages[i] = message_of("one of many");
        messages[i].to = i % 5 == 1 ? STR("nobody") : messages[i].to;
        results[i] = 1;
    }
    mail_send_all(f->mail, messages, MAIL_SEND_MAX, results);
    for (size_t i = 0; i < MAIL_SEND_MAX; i++)
        assert_int_equal(results[i], i % 5 == 1 ? ERR_INVALID : 0);
    assert_int_equal(mail_list(f->mail, 100, f->arena, &stored, &count), 0);
    assert_int_equal(count, MAIL_SEND_MAX - 3);
    for (size_t i = 0; i < count; i++)
        assert_true(str_equal_cstr(stored[i].to, "ann+x@example.org"));
}

/* A crash in the middle of a message leaves a part, which the next start takes away; what is whole stays. */
static void test_mail__what_a_crash_left_is_gone_after_a_start(void **state)
{
    struct fixture *f = *state;
    struct mail_stored *stored;
    struct mail *again;
    char message[512], part[300];
    size_t count = 0;
    struct mail_message whole = message_of("whole");
    assert_int_equal(mail_send(f->mail, &whole), 0);
    snprintf(part, sizeof(part), "%s/1700000000000-0123456789abcdef.part", f->folder);
    FILE *file = fopen(part, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(mail_open(&again, &(struct port_config){.url = "spool:", .data_path = f->data}, message), 0);
    assert_int_equal(access(part, F_OK), -1);
    assert_int_equal(mail_list(again, 10, f->arena, &stored, &count), 0);
    assert_int_equal(count, 1);
    mail_free(again);
}

static int send_faulty(struct fixture *f, enum fault_kind kind)
{
    struct mail_message message = message_of("a");
    test_fault_next(f->faults, FAULT_MAIL, "send", kind);
    return mail_send(f->mail, &message);
}

static size_t sent(struct fixture *f)
{
    struct mail_stored *stored;
    size_t count = 0;
    assert_int_equal(mail_list(f->mail, 10, f->arena, &stored, &count), 0);
    return count;
}

static void test_mail_faulty__does_what_the_plan_says(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(send_faulty(f, FAULT_FAIL), ERR_UNAVAILABLE);
    assert_int_equal(sent(f), 0);
    assert_int_equal(send_faulty(f, FAULT_FAIL_AFTER), ERR_DEADLINE);
    assert_int_equal(sent(f), 1);
    assert_int_equal(send_faulty(f, FAULT_REPEAT), 0);
    assert_int_equal(sent(f), 3);
    int64_t started_ns = clock_monotonic_ns();
    assert_int_equal(send_faulty(f, FAULT_DELAY), 0);
    assert_true(test_fault_was_late(started_ns));
    struct mail_message pair[] = {message_of("fails"), message_of("does not")};
    int results[2];
    test_fault_next(f->faults, FAULT_MAIL, "send", FAULT_FAIL);
    mail_send_all(f->mail, pair, 2, results);
    assert_int_equal(results[0], ERR_UNAVAILABLE);
    assert_int_equal(results[1], 0);
    struct str bytes;
    test_fault_next(f->faults, FAULT_MAIL, "read", FAULT_FAIL);
    assert_int_equal(mail_read(f->mail, STR("x"), f->arena, &bytes), ERR_UNAVAILABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mail__text_is_readable_in_the_spool),
        TEST(test_mail__headers_round_trip),
        TEST(test_mail__injection_is_refused),
        TEST(test_mail__html_is_an_alternative),
        TEST(test_mail__list_is_newest_first_and_bounded),
        TEST(test_mail__several_are_sent_together),
        TEST(test_mail__what_a_crash_left_is_gone_after_a_start),
    };
    const struct CMUnitTest faulty_tests[] = {TEST(test_mail_faulty__does_what_the_plan_says)};
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    is_decorated = true;
    failed += cmocka_run_group_tests_name("decorated, without faults", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("faulty", faulty_tests, NULL, NULL);
}
