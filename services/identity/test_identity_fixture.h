/* What the tests of the identity service share: a shop with an administrator, and short ways to say what people ask.
 * Requests enter behind the parser, mails are read on the mail page. */
#pragma once

#include "platform/service/test_host.h"

#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "services/identity/identity.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

extern const struct service identity_service;
extern const struct service mailbox_service;

static const struct service *const SERVICES[] = {&identity_service, &mailbox_service, NULL};
static char *const ENVIRONMENT[] = {"SHOPSTREAM_ADMIN_EMAIL=root@example.com",
                                    "SHOPSTREAM_ADMIN_PASSWORD=root-password", NULL};

#define MAIL_WAIT_MS 10000

/* A test that starts with a new shop. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static struct test_host shop;

static inline int setup(void **state)
{
    (void)state;
    shop = (struct test_host){0};
    test_host_start(&shop, SERVICES, ENVIRONMENT);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    test_host_end(&shop);
    return 0;
}

/* -- Asking -------------------------------------------------------------------------------------------------------- */

static inline struct test_answer ask_with(enum http_method method, const char *path, const char *token,
                                          const char *header, const char *value, const char *body)
{
    const char *bearer = token ? arena_printf(shop.arena, "Bearer %s", token) : NULL;
    const char *headers[5] = {NULL};
    size_t count = 0;
    if (bearer) {
        headers[count++] = "authorization";
        headers[count++] = bearer;
    }
    if (header) {
        headers[count++] = header;
        headers[count++] = value;
    }
    return test_host_http(&shop, method, arena_printf(shop.arena, "/api/identity%s", path), headers, body);
}

static inline struct test_answer ask(enum http_method method, const char *path, const char *token, const char *body)
{
    return ask_with(method, path, token, NULL, NULL, body);
}

static inline bool has(struct test_answer answer, const char *part)
{
    return str_find(answer.body, str_from_cstr(part)) >= 0;
}

static inline void expect(struct test_answer answer, int status, const char *part)
{
    if (answer.status != status || (part && !has(answer, part)))
        fail_msg("expected %d with '%s', got %d: %.*s", status, part ? part : "", answer.status,
                 STR_FORMAT(answer.body));
}

/* The value of the first "name":"value" in a body. */
static inline char *field(struct str body, const char *name)
{
    char *mark = arena_printf(shop.arena, "\"%s\":\"", name);
    ptrdiff_t start = str_find(body, str_from_cstr(mark));
    if (start < 0)
        fail_msg("no %s in %.*s", name, STR_FORMAT(body));
    struct str rest = str_skip(body, (size_t)start + strlen(mark));
    return arena_cstr(shop.arena, str_slice(rest, 0, (size_t)str_find_char(rest, '"')));
}

/* -- Mails --------------------------------------------------------------------------------------------------------- */

static inline struct str mail_page(void)
{
    struct test_answer answer = test_host_http(&shop, HTTP_GET, "/dev/mail", NULL, NULL);
    assert_int_equal(answer.status, 200);
    return answer.body;
}

static inline size_t count_of(struct str text, const char *part)
{
    size_t count = 0;
    ptrdiff_t at;
    while ((at = str_find(text, str_from_cstr(part))) >= 0) {
        text = str_skip(text, (size_t)at + 1);
        count++;
    }
    return count;
}

/* Waits until the page shows so many mails to the address, and returns the newest one, which stands first. */
static inline struct str wait_for_mail(const char *email, size_t count)
{
    const char *mark = arena_printf(shop.arena, "To: %s\n", email);
    int64_t deadline_ns = clock_monotonic_ns() + MAIL_WAIT_MS * CLOCK_NS_PER_MS;
    struct str page = mail_page();
    while (count_of(page, mark) < count && clock_monotonic_ns() < deadline_ns) {
        task_sleep_ms(2);
        page = mail_page();
    }
    if (count_of(page, mark) != count)
        fail_msg("expected %zu mails to %s: %.*s", count, email, STR_FORMAT(page));
    struct str mail = str_skip(page, (size_t)str_find(page, str_from_cstr(mark)));
    return str_slice(mail, 0, (size_t)str_find(mail, STR("--------")));
}

static inline char *wait_for_code(const char *email, size_t count)
{
    struct str mail = wait_for_mail(email, count);
    ptrdiff_t at = str_find(mail, STR("\nCode: "));
    assert_true(at >= 0);
    struct str code = str_slice(mail, (size_t)at + 7, 6);
    assert_int_equal(str_skip(mail, (size_t)at + 13).ptr[0], '\n');
    return arena_cstr(shop.arena, code);
}

/* -- People -------------------------------------------------------------------------------------------------------- */

static inline struct test_answer sign_up(const char *email, const char *password)
{
    return ask(HTTP_POST, "/v1/signup", NULL,
               arena_printf(shop.arena, "{\"email\":\"%s\",\"password\":\"%s\",\"name\":\"Ann\"}", email, password));
}

static inline struct test_answer verify_code(const char *email, const char *code)
{
    return ask(HTTP_POST, "/v1/verify", NULL,
               arena_printf(shop.arena, "{\"email\":\"%s\",\"code\":\"%s\"}", email, code));
}

static inline struct test_answer sign_in(const char *email, const char *password)
{
    return ask(HTTP_POST, "/v1/login", NULL,
               arena_printf(shop.arena, "{\"email\":\"%s\",\"password\":\"%s\"}", email, password));
}

struct tokens {
    char *access, *refresh;
};

static inline struct tokens tokens_of(struct test_answer answer)
{
    expect(answer, 200, "\"token_type\":\"Bearer\"");
    expect(answer, 200, "\"expires_in\":600");
    return (struct tokens){field(answer.body, "access_token"), field(answer.body, "refresh_token")};
}

static inline struct test_answer refresh_with(const char *token)
{
    return ask(HTTP_POST, "/v1/refresh", NULL, arena_printf(shop.arena, "{\"refresh_token\":\"%s\"}", token));
}

static inline void make_person(const char *email)
{
    expect(sign_up(email, "password-1"), 201, "verification_sent");
    expect(verify_code(email, wait_for_code(email, 1)), 204, NULL);
}

static inline struct tokens sign_in_root(void)
{
    return tokens_of(sign_in("root@example.com", "root-password"));
}

/* As the command line does it: 0, or why not. */
static inline int set_status_of(const char *email, const char *status)
{
    Identity__SetAccountStatusRequest request = IDENTITY__SET_ACCOUNT_STATUS_REQUEST__INIT;
    Identity__User user = IDENTITY__USER__INIT;
    request.email = arena_cstr(shop.arena, str_from_cstr(email));
    request.status = arena_cstr(shop.arena, str_from_cstr(status));
    int result = identity_set_account_status(test_host_call(&shop, "identity"), &request, &user);
    if (result == 0)
        assert_string_equal(user.status, status);
    return result;
}
