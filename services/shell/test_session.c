/* Proves how a browser is signed in and out and stays signed in: which cookies it gets, what they open, and that none
 * of them comes in a body. */
#include "platform/base/task.h"
#include "platform/service/browser.h"
#include "platform/service/test_host.h"
#include "services/services.h"
#include "services/shell/session.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define CSRF "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define RIGHT "{\"email\":\"root@example.com\",\"password\":\"root-password\"}"
#define WRONG "{\"email\":\"root@example.com\",\"password\":\"wrong-password\"}"
#define ME "/api/identity/v1/me"

/* A page that is somebody's, as the shell's are, which says who looks at it. */
static int show_visitor(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)request;
    TRY(session_visitor(call));
    return call_answer(call, response, "text/plain; charset=utf-8", "no-store", call->who.email);
}

static const struct service pages_service = {
    .name = "pages",
    .calls = (const char *const[]){"identity", NULL},
    .no_prefix = true,
    .no_database = true,
    .routes = (const struct route[]){{"GET", "/mine", RAW(show_visitor), .auth = AUTH_ANYONE}, {0}},
};

static const struct service *const services[] = {&identity_service, &shell_service, &pages_service, NULL};
static char *const environment[] = {"SHOPSTREAM_ADMIN_EMAIL=root@example.com",
                                    "SHOPSTREAM_ADMIN_PASSWORD=root-password", NULL};
static struct test_host shop;

static int begin(void **state)
{
    (void)state;
    shop = (struct test_host){0};
    test_host_start(&shop, services, environment);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_host_end(&shop);
    return 0;
}

/* -- A browser ----------------------------------------------------------------------------------------------------- */

/* Its cookies by name; NULL: it has none. */
struct browser {
    const char *session, *refresh, *guest, *csrf;
};

static const char **jar_of(struct browser *browser, struct str name)
{
    if (str_equal_cstr(name, COOKIE_SESSION))
        return &browser->session;
    if (str_equal_cstr(name, COOKIE_REFRESH))
        return &browser->refresh;
    if (str_equal_cstr(name, COOKIE_GUEST))
        return &browser->guest;
    assert_true(str_equal_cstr(name, COOKIE_CSRF));
    return &browser->csrf;
}

static void take_cookie(struct browser *browser, struct str cookie)
{
    size_t equals = (size_t)str_find_char(cookie, '='), end = (size_t)str_find_char(cookie, ';');
    struct str value = str_slice(cookie, equals + 1, end - equals - 1), rest = str_skip(cookie, end);
    const char **jar = jar_of(browser, str_slice(cookie, 0, equals));
    bool is_over = str_find(rest, STR("; Max-Age=0;")) >= 0;

    assert_true(str_find(rest, STR("; Path=/;")) == 0 && str_find(rest, STR("; Secure; SameSite=Lax")) > 0);
    assert_true((str_find(rest, STR("; HttpOnly")) > 0) == (jar != &browser->csrf));
    assert_true(is_over == (value.len == 0));
    *jar = is_over ? NULL : arena_cstr(shop.arena, value);
}

static void take_cookies(struct browser *browser, const struct test_answer *answer)
{
    bool sets = false;

    for (size_t i = 0; i < answer->response.header_count; i++) {
        if (!str_equal_nocase(answer->response.headers[i].name, STR("Set-Cookie")))
            continue;
        take_cookie(browser, answer->response.headers[i].value);
        sets = true;
    }
    const char *control = test_host_header(&shop, answer, "Cache-Control");
    if (sets && !strstr(control ? control : "", "no-store"))
        fail_msg("what sets a cookie may be kept: %s", control ? control : "no Cache-Control");
}

static const char *cookies_of(const struct browser *browser)
{
    return arena_printf(shop.arena, "%s%s%s%s%s%s%s%s", browser->session ? COOKIE_SESSION "=" : "",
                        browser->session ? browser->session : "", browser->refresh ? "; " COOKIE_REFRESH "=" : "",
                        browser->refresh ? browser->refresh : "", browser->guest ? "; " COOKIE_GUEST "=" : "",
                        browser->guest ? browser->guest : "", browser->csrf ? "; " COOKIE_CSRF "=" : "",
                        browser->csrf ? browser->csrf : "");
}

static struct test_answer ask(struct browser *browser, enum http_method method, const char *path, const char *body)
{
    const char *headers[] = {"cookie",       cookies_of(browser), "user-agent", "A browser/1.0",
                             "x-csrf-token", browser->csrf,       NULL};

    if (!browser->csrf)
        headers[4] = NULL;
    struct test_answer answer = test_host_http(&shop, method, path, headers, body);
    take_cookies(browser, &answer);
    return answer;
}

static void expect(struct test_answer answer, int status, const char *part)
{
    if (answer.status != status || (part && str_find(answer.body, str_from_cstr(part)) < 0))
        fail_msg("expected %d with '%s', got %d: %.*s", status, part ? part : "", answer.status,
                 STR_FORMAT(answer.body));
}

static struct browser signed_in(void)
{
    struct browser browser = {.csrf = CSRF};

    expect(ask(&browser, HTTP_POST, "/session", RIGHT), 204, NULL);
    assert_true(browser.session && browser.refresh);
    return browser;
}

/* -- Signing in ---------------------------------------------------------------------------------------------------- */

static void test_session__signing_in_sets_cookies_and_says_nothing(void **state)
{
    (void)state;
    struct browser browser = {.csrf = CSRF, .guest = "0123456789abcdef0123456789abcdef"};
    struct test_answer answer = ask(&browser, HTTP_POST, "/session", RIGHT);
    expect(answer, 204, NULL);
    assert_int_equal(answer.body.len, 0);
    assert_string_equal(browser.guest, "0123456789abcdef0123456789abcdef"); /* its cart is not merged yet */
    assert_string_not_equal(browser.csrf, CSRF);
    assert_int_equal(strlen(browser.csrf), CSRF_TOKEN_LEN);
    expect(ask(&browser, HTTP_GET, ME, NULL), 200, "root@example.com");
    expect(ask(&browser, HTTP_GET, "/api/identity/v1/sessions", NULL), 200, "\"user_agent\":\"A browser/1.0\"");
    expect(ask(&browser, HTTP_GET, "/mine", NULL), 200, "root@example.com");
}

static void test_session__a_wrong_password_is_refused_in_the_apis_words(void **state)
{
    (void)state;
    struct browser browser = {.csrf = CSRF};
    struct test_answer ours = ask(&browser, HTTP_POST, "/session", WRONG);
    struct test_answer theirs = test_host_http(&shop, HTTP_POST, "/api/identity/v1/login", NULL, WRONG);
    expect(ours, 401, "invalid_credentials");
    assert_int_equal(theirs.status, 401);
    ptrdiff_t ours_end = str_find(ours.body, STR("\"trace_id\"")),
              theirs_end = str_find(theirs.body, STR("\"trace_id\""));
    assert_true(ours_end > 0);
    assert_true(str_equal(str_slice(ours.body, 0, (size_t)ours_end), str_slice(theirs.body, 0, (size_t)theirs_end)));
    assert_null(browser.session);
    assert_string_equal(browser.csrf, CSRF);
    expect(ask(&browser, HTTP_POST, "/session", "{\"email\":\"x\",\"password\":\"y\"}"), 400, "/email");
    expect(ask(&browser, HTTP_POST, "/session", "{\"email\":\"root@example.com\"}"), 400, "/password");
}

/* Else a page of another site could sign somebody in as the one who made it. */
static void test_session__every_change_needs_the_token(void **state)
{
    (void)state;
    struct browser stranger = {0}, browser = signed_in();
    const struct browser before = browser;

    expect(ask(&stranger, HTTP_POST, "/session", RIGHT), 403, "\"code\":\"csrf\"");
    assert_null(stranger.session);
    browser.csrf = NULL;
    expect(ask(&browser, HTTP_POST, "/session/refresh", NULL), 403, "\"code\":\"csrf\"");
    browser.csrf = NULL;
    expect(ask(&browser, HTTP_DELETE, "/session", NULL), 403, "\"code\":\"csrf\"");
    assert_true(browser.session == before.session && browser.refresh == before.refresh);
    const char *headers[] = {"authorization", test_host_bearer(&shop, "u1", ROLE_CUSTOMER), NULL};
    expect(test_host_http(&shop, HTTP_DELETE, "/session", headers, NULL), 403, "\"code\":\"csrf\"");
}

/* Whoever left a session in the browser has none in it afterwards, and theirs is over. */
static void test_session__signing_in_again_ends_the_session_before(void **state)
{
    (void)state;
    struct browser browser = signed_in();
    struct browser before = browser;
    expect(ask(&browser, HTTP_POST, "/session", RIGHT), 204, NULL);
    assert_string_not_equal(browser.refresh, before.refresh);
    assert_string_not_equal(browser.csrf, before.csrf);
    expect(ask(&before, HTTP_GET, ME, NULL), 401, "token_revoked");
    expect(ask(&before, HTTP_POST, "/session/refresh", NULL), 401, "invalid_refresh_token");
    expect(ask(&browser, HTTP_GET, ME, NULL), 200, NULL);
    /* A sign-in that failed ends nothing. */
    expect(ask(&browser, HTTP_POST, "/session", WRONG), 401, NULL);
    expect(ask(&browser, HTTP_GET, ME, NULL), 200, NULL);
}

/* -- Staying signed in --------------------------------------------------------------------------------------------- */

static void test_session__is_refreshed(void **state)
{
    (void)state;
    struct browser browser = signed_in();
    struct browser before = browser;
    browser.session = NULL; /* its time was up */
    expect(ask(&browser, HTTP_GET, ME, NULL), 401, "token_expired");
    expect(ask(&browser, HTTP_POST, "/session/refresh", NULL), 204, NULL);
    assert_string_not_equal(browser.refresh, before.refresh);
    expect(ask(&browser, HTTP_GET, ME, NULL), 200, NULL);
    /* The tab beside it, with the cookies of before. */
    expect(ask(&before, HTTP_POST, "/session/refresh", NULL), 204, NULL);
    assert_string_equal(browser.refresh, before.refresh);
    expect(ask(&browser, HTTP_GET, ME, NULL), 200, NULL);
}

static void test_session__what_cannot_be_refreshed_is_forgotten(void **state)
{
    (void)state;
    const char *bad[] = {"invented", "", arena_printf(shop.arena, "%0600d", 0)};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct browser browser = {.session = "x", .refresh = bad[i], .csrf = CSRF};
        expect(ask(&browser, HTTP_POST, "/session/refresh", NULL), 401, NULL);
        assert_true(!browser.session && !browser.refresh);
        assert_string_equal(browser.csrf, CSRF);
    }
    struct browser nobody = {.csrf = CSRF};
    expect(ask(&nobody, HTTP_POST, "/session/refresh", NULL), 401, "sign_in_required");
}

static void test_session__a_page_refreshes_by_itself(void **state)
{
    (void)state;
    struct browser browser = signed_in();
    struct browser tab = browser;
    browser.session = tab.session = NULL;
    expect(ask(&browser, HTTP_GET, "/mine", NULL), 200, "root@example.com");
    expect(ask(&tab, HTTP_GET, "/mine", NULL), 200, "root@example.com");
    assert_string_equal(browser.refresh, tab.refresh);
    expect(ask(&browser, HTTP_GET, ME, NULL), 200, NULL);
    /* An access token that is no good is as none. */
    browser.session = "nonsense";
    expect(ask(&browser, HTTP_GET, "/mine", NULL), 200, "root@example.com");
    assert_string_not_equal(browser.session, "nonsense");
}

static void test_session__a_page_of_a_visitor_whose_session_ended_is_a_guests(void **state)
{
    (void)state;
    struct browser browser = signed_in();
    expect(ask(&browser, HTTP_DELETE, "/api/identity/v1/sessions", NULL), 204, NULL);
    struct test_answer answer = ask(&browser, HTTP_GET, "/mine", NULL);
    expect(answer, 200, NULL);
    assert_int_equal(answer.body.len, 0);
    assert_true(!browser.session && !browser.refresh);
}

/* -- Signing out --------------------------------------------------------------------------------------------------- */

static void test_session__signing_out_leaves_nothing(void **state)
{
    (void)state;
    struct browser browser = signed_in();
    browser.guest = "0123456789abcdef0123456789abcdef";
    struct browser before = browser;
    expect(ask(&browser, HTTP_DELETE, "/session", NULL), 204, NULL);
    assert_true(!browser.session && !browser.refresh && !browser.guest);
    assert_string_not_equal(browser.csrf, before.csrf);
    expect(ask(&before, HTTP_GET, ME, NULL), 401, "token_revoked");
    expect(ask(&before, HTTP_POST, "/session/refresh", NULL), 401, NULL);
    expect(ask(&browser, HTTP_DELETE, "/session", NULL), 204, NULL); /* once more */
}

/* With either of the two cookies alone, and with what is left of them. */
static void test_session__signing_out_needs_one_of_the_cookies(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct browser browser = signed_in();
        struct browser before = browser;
        if (i == 0)
            browser.session = "nonsense";
        else
            browser.refresh = arena_printf(shop.arena, "%0600d", 0);
        expect(ask(&browser, HTTP_DELETE, "/session", NULL), 204, NULL);
        expect(ask(&before, HTTP_GET, ME, NULL), 401, "token_revoked");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_session__signing_in_sets_cookies_and_says_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_session__a_wrong_password_is_refused_in_the_apis_words, begin, end),
        cmocka_unit_test_setup_teardown(test_session__every_change_needs_the_token, begin, end),
        cmocka_unit_test_setup_teardown(test_session__signing_in_again_ends_the_session_before, begin, end),
        cmocka_unit_test_setup_teardown(test_session__is_refreshed, begin, end),
        cmocka_unit_test_setup_teardown(test_session__what_cannot_be_refreshed_is_forgotten, begin, end),
        cmocka_unit_test_setup_teardown(test_session__a_page_refreshes_by_itself, begin, end),
        cmocka_unit_test_setup_teardown(test_session__a_page_of_a_visitor_whose_session_ended_is_a_guests, begin, end),
        cmocka_unit_test_setup_teardown(test_session__signing_out_leaves_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_session__signing_out_needs_one_of_the_cookies, begin, end),
    };

    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
