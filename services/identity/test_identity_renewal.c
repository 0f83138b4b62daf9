/* Proves that a browser's session goes on when two of its tabs renew it at once or an answer is lost, that it stays one
 * line of tokens, and that a thief is noticed all the same. */
#include "services/identity/test_identity_fixture.h"

#define GRACE_MS INT64_C(10000)
#define TABS 6

static int renew(const char *token, struct tokens *ret_tokens)
{
    Identity__RefreshRequest request = IDENTITY__REFRESH_REQUEST__INIT;
    Identity__Tokens reply = IDENTITY__TOKENS__INIT;

    request.refresh_token = arena_cstr(shop.arena, str_from_cstr(token));
    int result = identity_renew_session(test_host_call(&shop, "identity"), &request, &reply);
    if (result == 0)
        *ret_tokens = (struct tokens){reply.access_token, reply.refresh_token};
    return result;
}

static struct tokens renewed(const char *token)
{
    struct tokens tokens = {NULL, NULL};

    assert_int_equal(renew(token, &tokens), 0);
    expect(ask(HTTP_GET, "/v1/me", tokens.access, NULL), 200, NULL);
    return tokens;
}

static int move_uses(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement move = {
        "test_move_uses", "UPDATE refresh_token SET used_at_ms = used_at_ms + $1 WHERE used_at_ms > 0"};

    return sql_exec(tx, &move, SQL_ARGS(sql_int(*(const int64_t *)argument)), NULL);
}

/* As if the tokens that were used had been used at another time. */
static void move_all_uses(int64_t by_ms)
{
    assert_int_equal(sql_write(host_instance(shop.host, "identity")->db, move_uses, &by_ms), 0);
}

static void test_identity_renewal__a_token_that_was_just_used_leads_to_the_one_behind_it(void **state)
{
    (void)state;
    struct tokens first = sign_in_root();
    struct tokens second = renewed(first.refresh);
    assert_string_not_equal(first.refresh, second.refresh);
    assert_string_equal(renewed(first.refresh).refresh, second.refresh);
    move_all_uses(-GRACE_MS + 5000);
    assert_string_equal(renewed(first.refresh).refresh, second.refresh);
    /* Another tab was quicker still: the end of the line, not what was used meanwhile. */
    struct tokens third = renewed(second.refresh);
    assert_string_equal(renewed(first.refresh).refresh, third.refresh);
    assert_string_equal(renewed(second.refresh).refresh, third.refresh);
    assert_string_not_equal(renewed(third.refresh).refresh, third.refresh);
}

static void test_identity_renewal__a_late_use_ends_the_session(void **state)
{
    (void)state;
    struct tokens first = sign_in_root(), tokens;
    struct tokens second = renewed(first.refresh);
    move_all_uses(-GRACE_MS - 1);
    assert_int_equal(renew(first.refresh, &tokens), ERR_UNAUTHENTICATED);
    assert_int_equal(renew(second.refresh, &tokens), ERR_UNAUTHENTICATED);
    expect(ask(HTTP_GET, "/v1/me", second.access, NULL), 401, "token_revoked");
}

/* The clock went back: what was used in the future was not used a moment ago. */
static void test_identity_renewal__a_use_in_the_future_is_no_grace(void **state)
{
    (void)state;
    struct tokens first = sign_in_root(), tokens;
    (void)renewed(first.refresh);
    move_all_uses(GRACE_MS);
    assert_int_equal(renew(first.refresh, &tokens), ERR_UNAUTHENTICATED);
}

/* A thief who was quick has the same token as the owner: whoever comes second with that one comes late. */
static void test_identity_renewal__a_quick_thief_is_noticed_at_the_next_use(void **state)
{
    (void)state;
    struct tokens stolen = sign_in_root(), tokens;
    struct tokens owner = renewed(stolen.refresh), thief = renewed(stolen.refresh);
    thief = renewed(thief.refresh);
    move_all_uses(-GRACE_MS - 1);
    assert_int_equal(renew(owner.refresh, &tokens), ERR_UNAUTHENTICATED);
    assert_int_equal(renew(thief.refresh, &tokens), ERR_UNAUTHENTICATED);
    expect(ask(HTTP_GET, "/v1/me", thief.access, NULL), 401, "token_revoked");
}

/* What a program may not, the shell may; and the API's own refresh stays as strict as it was. */
static void test_identity_renewal__programs_have_no_grace(void **state)
{
    (void)state;
    struct tokens first = sign_in_root();
    struct tokens second = renewed(first.refresh);
    expect(refresh_with(first.refresh), 401, "refresh_token_reused");
    expect(refresh_with(second.refresh), 401, "invalid_refresh_token");
}

static void test_identity_renewal__an_ended_session_is_not_renewed(void **state)
{
    (void)state;
    struct tokens first = sign_in_root(), tokens;
    struct tokens second = renewed(first.refresh);
    expect(ask(HTTP_DELETE, "/v1/sessions", second.access, NULL), 204, NULL);
    assert_int_equal(renew(first.refresh, &tokens), ERR_UNAUTHENTICATED);
    assert_int_equal(renew(second.refresh, &tokens), ERR_UNAUTHENTICATED);
    assert_int_equal(renew("invented", &tokens), ERR_UNAUTHENTICATED);
}

struct tab {
    const char *token;
    struct task *task;
    struct tokens tokens;
    int result;
};

static void run_tab(void *argument)
{
    struct tab *tab = argument;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(1 << 20);
    Identity__RefreshRequest request = IDENTITY__REFRESH_REQUEST__INIT;
    Identity__Tokens reply = IDENTITY__TOKENS__INIT;
    struct call call;

    request.refresh_token = (char *)(uintptr_t)tab->token;
    tab->result =
        host_call_begin(host_instance(shop.host, "identity"), arena, STR(TENANT_DEFAULT), STR_EMPTY, 60000, &call);
    if (tab->result == 0)
        tab->result = identity_renew_session(&call, &request, &reply);
    if (tab->result == 0)
        tab->tokens = (struct tokens){strdup(reply.access_token), strdup(reply.refresh_token)};
}

static void test_identity_renewal__tabs_that_renew_at_once_stay_signed_in(void **state)
{
    (void)state;
    struct tokens first = sign_in_root();
    struct tab tabs[TABS] = {0};

    for (size_t i = 0; i < TABS; i++) {
        tabs[i].token = first.refresh;
        assert_int_equal(task_start(&tabs[i].task, "tab", run_tab, &tabs[i]), 0);
    }
    for (size_t i = 0; i < TABS; i++)
        task_join(tabs[i].task);
    for (size_t i = 0; i < TABS; i++) {
        assert_int_equal(tabs[i].result, 0);
        assert_string_equal(tabs[i].tokens.refresh, tabs[0].tokens.refresh);
        expect(ask(HTTP_GET, "/v1/me", tabs[i].tokens.access, NULL), 200, NULL);
    }
    (void)renewed(tabs[0].tokens.refresh);
    for (size_t i = 0; i < TABS; i++) {
        free(tabs[i].tokens.access);
        free(tabs[i].tokens.refresh);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identity_renewal__a_token_that_was_just_used_leads_to_the_one_behind_it),
        TEST(test_identity_renewal__a_late_use_ends_the_session),
        TEST(test_identity_renewal__a_use_in_the_future_is_no_grace),
        TEST(test_identity_renewal__a_quick_thief_is_noticed_at_the_next_use),
        TEST(test_identity_renewal__programs_have_no_grace),
        TEST(test_identity_renewal__an_ended_session_is_not_renewed),
        TEST(test_identity_renewal__tabs_that_renew_at_once_stay_signed_in),
    };

    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    return cmocka_run_group_tests_name("identity_renewal", tests, NULL, NULL);
}
