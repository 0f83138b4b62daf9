/* The conformance suite of the mail port, on the spool, alone and behind the decorator. */
#include "platform/base/test_folder.h"
#include "platform/ports/mail/mail_faulty.h"
#include "platform/ports/test_fault.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

/* A line that looks like the beginning of the next message in the file comes back as it was sent. */
static void test_mail__lines_like_separators_come_back(void **state)
{
    struct fixture *f = *state;
    struct mail_message message = message_of("first"), last = message_of("last");
    struct mail_stored *stored, *again;
    struct str bytes = STR_EMPTY;
    size_t count = 0, recount = 0;
    message.text = STR("\n\nFrom ann@example.org Thu Jan 01 00:00:00 1970\n>From me\n>> From you\nFrom: them\n\n");
    assert_int_equal(mail_send(f->mail, &message), 0);
    assert_int_equal(mail_send(f->mail, &last), 0);
    assert_int_equal(mail_list(f->mail, 10, f->arena, &stored, &count), 0);
    assert_int_equal(count, 2);
    assert_true(str_equal_cstr(stored[0].subject, "last"));
    assert_int_equal(mail_read(f->mail, stored[1].id, f->arena, &bytes), 0);
    assert_true(str_find(bytes, STR("\r\n\r\nFrom ann@example.org Thu Jan 01 00:00:00 1970\r\n>From me\r\n>> From "
                                    "you\r\nFrom: them\r\n\r\n")) > 0);
    assert_int_equal(mail_list(f->mail, 1, f->arena, &again, &recount), 0);
    assert_int_equal(recount, 1);
    assert_true(str_equal(again[0].id, stored[0].id));
}

/* How many files the spool has, and the path of one. */
static size_t find_files(const struct fixture *f, char ret_path[300])
{
    DIR *folder = opendir(f->folder);
    const struct dirent *entry;
    size_t found = 0;
    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(ret_path, 300, "%s/%.80s", f->folder, entry->d_name);
        found++;
    }
    closedir(folder);
    return found;
}

/* Wherever a crash cuts a message off, it is not shown, what is before it is, and the next process writes elsewhere. */
static void test_mail__what_a_crash_cut_off_is_not_shown(void **state)
{
    struct fixture *f = *state;
    struct mail_message whole = message_of("whole"), torn = message_of("torn"), next = message_of("next");
    struct mail_stored *stored;
    struct stat before, after;
    struct mail *again;
    struct str bytes;
    char message[512], path[300];
    size_t count = 0;
    assert_int_equal(mail_send(f->mail, &whole), 0);
    assert_int_equal(find_files(f, path), 1);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(mail_send(f->mail, &torn), 0);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(mail_list(f->mail, 1, f->arena, &stored, &count), 0);
    struct str torn_id = stored[0].id;
    for (off_t size = after.st_size - 1; size >= before.st_size; size--) {
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(mail_list(f->mail, 10, f->arena, &stored, &count), 0);
        assert_int_equal(count, 1);
        assert_true(str_equal_cstr(stored[0].subject, "whole"));
        assert_int_equal(mail_read(f->mail, torn_id, f->arena, &bytes), ERR_NOT_FOUND);
    }
    assert_int_equal(truncate(path, after.st_size - 1), 0);
    assert_int_equal(mail_open(&again, &(struct port_config){.url = "spool:", .data_path = f->data}, message), 0);
    assert_int_equal(mail_send(again, &next), 0);
    assert_int_equal(mail_list(again, 10, f->arena, &stored, &count), 0);
    assert_int_equal(count, 2);
    assert_true(str_equal_cstr(stored[0].subject, "next") && str_equal_cstr(stored[1].subject, "whole"));
    mail_free(again);
}

/* A message that there is no room for leaves nothing of itself, and the next one is behind the last that is whole. */
static void test_mail__what_could_not_be_written_is_cut_off(void **state)
{
    struct fixture *f = *state;
    struct mail_message small = message_of("small"), large = message_of("large");
    struct mail_stored *stored;
    struct rlimit whole, full;
    char text[8001];
    size_t count = 0;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    large.text = str_from_cstr(text);
    assert_int_equal(mail_send(f->mail, &small), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &whole), 0);
    full = (struct rlimit){4000, whole.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    assert_int_equal(mail_send(f->mail, &large), ERR_STORAGE_FULL);
    assert_int_equal(mail_send(f->mail, &small), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &whole), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(mail_send(f->mail, &large), 0);
    assert_int_equal(mail_list(f->mail, 10, f->arena, &stored, &count), 0);
    assert_int_equal(count, 3);
    assert_true(str_equal_cstr(stored[0].subject, "large") && str_equal_cstr(stored[1].subject, "small"));
}

/* Past a megabyte messages go into another file, and the list goes through both. */
static void test_mail__a_large_file_is_left_for_another(void **state)
{
    struct fixture *f = *state;
    struct mail_message large = message_of("large"), small = message_of("small");
    struct mail_stored *stored;
    struct str bytes = STR_EMPTY;
    char text[200001], path[300];
    size_t count = 0;
    memset(text, 'x', sizeof(text) - 1);
    for (size_t i = 70; i < sizeof(text); i += 70)
        text[i] = '\n';
    text[sizeof(text) - 1] = '\0';
    large.text = str_from_cstr(text);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(mail_send(f->mail, &large), 0);
        assert_int_equal(find_files(f, path), 1);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(mail_send(f->mail, &small), 0);
    assert_int_equal(find_files(f, path), 2);
    assert_int_equal(mail_list(f->mail, 10, f->arena, &stored, &count), 0);
    assert_int_equal(count, 8);
    for (size_t i = 0; i < count; i++) {
        assert_true(str_equal_cstr(stored[i].subject, i < 2 ? "small" : "large"));
        assert_true(i == 0 || str_compare(stored[i - 1].id, stored[i].id) > 0);
        assert_int_equal(mail_read(f->mail, stored[i].id, f->arena, &bytes), 0);
        assert_true((bytes.len > 200000) == (i >= 2));
    }
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
        TEST(test_mail__lines_like_separators_come_back),
        TEST(test_mail__what_a_crash_cut_off_is_not_shown),
        TEST(test_mail__what_could_not_be_written_is_cut_off),
        TEST(test_mail__a_large_file_is_left_for_another),
    };
    const struct CMUnitTest faulty_tests[] = {TEST(test_mail_faulty__does_what_the_plan_says)};
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    is_decorated = true;
    failed += cmocka_run_group_tests_name("decorated, without faults", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("faulty", faulty_tests, NULL, NULL);
}
