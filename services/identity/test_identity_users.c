/* What administrators and the command line say of others: their roles, whether they may sign in, where they are signed
 * in. */
#include "services/identity/test_identity_fixture.h"

/* -- Roles --------------------------------------------------------------------------------------------------------- */

static struct test_answer put_roles(const char *token, const char *id, const char *roles, const char *if_match)
{
    return ask_with(HTTP_PUT, arena_printf(shop.arena, "/v1/users/%s/roles", id), token, if_match ? "if-match" : NULL,
                    if_match, arena_printf(shop.arena, "{\"roles\":[%s]}", roles));
}

static void test_identity__administrators_say_who_may_what(void **state)
{
    (void)state;
    make_person("ann@example.com");
    struct tokens root = sign_in_root();
    struct tokens ann = tokens_of(sign_in("ann@example.com", "password-1"));
    char *id = field(ask(HTTP_GET, "/v1/me", ann.access, NULL).body, "id");
    expect(put_roles(ann.access, id, "\"admin\"", NULL), 403, NULL);
    expect(put_roles(NULL, id, "\"admin\"", NULL), 401, NULL);
    expect(put_roles(root.access, id, "\"emperor\"", NULL), 400, "/roles");
    expect(put_roles(root.access, id, "", NULL), 400, "/roles");
    expect(put_roles(root.access, "nobody", "\"customer\"", NULL), 404, NULL);
    expect(put_roles(root.access, id, "\"customer\",\"support\"", "\"99-x\""), 412, NULL);
    expect(put_roles(root.access, id, "\"customer\",\"support\"", NULL), 200, "\"roles\":[\"customer\",\"support\"]");
    /* More rights: the old token goes on, a new one says more. Less: the old one ends, a new one is good at once. */
    expect(ask(HTTP_GET, "/v1/me", ann.access, NULL), 200, NULL);
    ann = tokens_of(refresh_with(ann.refresh));
    expect(put_roles(root.access, id, "\"customer\"", NULL), 200, "\"roles\":[\"customer\"]");
    expect(ask(HTTP_GET, "/v1/me", ann.access, NULL), 401, "token_revoked");
    ann = tokens_of(refresh_with(ann.refresh));
    expect(ask(HTTP_GET, "/v1/me", ann.access, NULL), 200, NULL);
}

/* What a sign-in under way gets: it read the roles, and signs when they were taken away, in whatever second. */
static const char *sign_late(const char *user_id, const char *session_id)
{
    struct token_claims claims = {.token_id = "late",
                                  .tenant = TENANT_DEFAULT,
                                  .roles = ROLE_CUSTOMER | ROLE_SUPPORT,
                                  .issued_at_s = clock_wall_ms() / CLOCK_MS_PER_S + TOKEN_LEEWAY_S - 1};
    struct str token;
    claims.expires_at_s = claims.issued_at_s + TOKEN_LIFETIME_S;
    snprintf(claims.user_id, sizeof(claims.user_id), "%s", user_id);
    snprintf(claims.session_id, sizeof(claims.session_id), "%s", session_id);
    assert_int_equal(token_sign(shop.host->tokens, shop.arena, &claims, &token), 0);
    return arena_cstr(shop.arena, token);
}

/* The sessions go on, each under a new id, as old as it was, and a refresh token of before is still good once. */
static void test_identity__no_token_outlives_a_role_that_it_names(void **state)
{
    (void)state;
    make_person("ann@example.com");
    struct tokens root = sign_in_root();
    struct tokens desk = tokens_of(sign_in("ann@example.com", "password-1"));
    struct tokens phone = tokens_of(sign_in("ann@example.com", "password-1"));
    char *id = field(ask(HTTP_GET, "/v1/me", desk.access, NULL).body, "id");
    expect(put_roles(root.access, id, "\"customer\",\"support\"", NULL), 200, NULL);
    struct str before = ask(HTTP_GET, "/v1/sessions", phone.access, NULL).body;
    char *phone_session = field(before, "id"), *phone_created = field(before, "created_at"); /* the newest first */
    expect(ask(HTTP_GET, "/v1/me", sign_late(id, phone_session), NULL), 200, NULL);
    expect(put_roles(root.access, id, "\"customer\"", NULL), 200, NULL);
    expect(ask(HTTP_GET, "/v1/me", sign_late(id, phone_session), NULL), 401, "token_revoked");
    expect(ask(HTTP_GET, "/v1/me", desk.access, NULL), 401, "token_revoked");
    struct tokens again = tokens_of(refresh_with(phone.refresh));
    struct str after = ask(HTTP_GET, "/v1/sessions", again.access, NULL).body;
    assert_int_equal(count_of(after, "\"id\":"), 2);
    assert_string_not_equal(field(after, "id"), phone_session);
    assert_string_equal(field(after, "created_at"), phone_created);
    expect(refresh_with(phone.refresh), 401, "refresh_token_reused");
    expect(ask(HTTP_GET, "/v1/me", again.access, NULL), 401, "token_revoked");
    expect(ask(HTTP_GET, "/v1/me", tokens_of(refresh_with(desk.refresh)).access, NULL), 200, NULL);
}

static void test_identity__the_last_administrator_stays(void **state)
{
    (void)state;
    struct tokens root = sign_in_root();
    char *id = field(ask(HTTP_GET, "/v1/me", root.access, NULL).body, "id");
    expect(put_roles(root.access, id, "\"customer\"", NULL), 409, "last_administrator");
    expect(ask(HTTP_GET, "/v1/me", root.access, NULL), 200, "\"admin\"");
}

static void test_identity__the_command_line_grants_roles(void **state)
{
    (void)state;
    make_person("ann@example.com");
    Identity__GrantRoleRequest request = IDENTITY__GRANT_ROLE_REQUEST__INIT;
    Identity__User user = IDENTITY__USER__INIT;
    request.email = "Ann@example.com";
    request.role = "merchandiser";
    assert_int_equal(identity_grant_role(test_host_call(&shop, "identity"), &request, &user), 0);
    assert_int_equal(user.n_roles, 2);
    assert_string_equal(user.roles[1], "merchandiser");
    request.email = "nobody@example.com";
    assert_int_equal(identity_grant_role(test_host_call(&shop, "identity"), &request, &user), ERR_NOT_FOUND);
}

/* -- Disabled accounts --------------------------------------------------------------------------------------------- */

static struct test_answer put_status(const char *token, const char *id, const char *status, const char *if_match)
{
    return ask_with(HTTP_PUT, arena_printf(shop.arena, "/v1/users/%s/status", id), token, if_match ? "if-match" : NULL,
                    if_match, arena_printf(shop.arena, "{\"status\":\"%s\"}", status));
}

static char *id_of(struct tokens tokens)
{
    return field(ask(HTTP_GET, "/v1/me", tokens.access, NULL).body, "id");
}

static void expect_ended(struct tokens tokens)
{
    expect(ask(HTTP_GET, "/v1/me", tokens.access, NULL), 401, "token_revoked");
    expect(refresh_with(tokens.refresh), 401, "invalid_refresh_token");
}

static void expect_going_on(struct tokens tokens)
{
    expect(ask(HTTP_GET, "/v1/me", tokens.access, NULL), 200, NULL);
    (void)tokens_of(refresh_with(tokens.refresh));
}

/* The same words, whether there is such an account or not. */
static void expect_unknown(struct test_answer answer, struct test_answer unknown)
{
    assert_int_equal(answer.status, unknown.status);
    assert_int_equal(answer.body.len, unknown.body.len);
    assert_string_equal(field(answer.body, "code"), field(unknown.body, "code"));
    assert_string_equal(field(answer.body, "detail"), field(unknown.body, "detail"));
}

static void test_identity__a_disabled_account_has_no_sessions(void **state)
{
    (void)state;
    make_person("ann@example.com");
    struct tokens phone = tokens_of(sign_in("ann@example.com", "password-1"));
    struct tokens desk = tokens_of(sign_in("ann@example.com", "password-1"));
    struct tokens root = sign_in_root();
    char *id = id_of(phone);
    expect(put_status(root.access, id, "disabled", NULL), 200, "\"status\":\"disabled\"");
    expect_ended(phone);
    expect_ended(desk);
    expect(sign_in("ann@example.com", "password-1"), 403, "\"code\":\"account_disabled\"");
    expect_unknown(sign_in("ann@example.com", "password-2"), sign_in("nobody@example.com", "password-2"));
    expect(ask(HTTP_GET, "/v1/me", root.access, NULL), 200, NULL);
    /* The tokens stay refused when the account is enabled, and after a restart. */
    expect(put_status(root.access, id, "active", NULL), 200, "\"status\":\"active\"");
    expect_ended(phone);
    struct tokens again = tokens_of(sign_in("ann@example.com", "password-1"));
    assert_int_equal(count_of(ask(HTTP_GET, "/v1/sessions", again.access, NULL).body, "\"id\":"), 1);
    char kept[2048];
    snprintf(kept, sizeof(kept), "%s", desk.access);
    test_host_stop(&shop);
    test_host_start(&shop, SERVICES, ENVIRONMENT);
    expect(ask(HTTP_GET, "/v1/me", kept, NULL), 401, "token_revoked");
}

static void test_identity__an_account_is_disabled_by_who_may_and_saw_it(void **state)
{
    (void)state;
    make_person("ann@example.com");
    struct tokens root = sign_in_root(), ann = tokens_of(sign_in("ann@example.com", "password-1"));
    char *id = id_of(ann);
    expect(put_status(ann.access, id, "disabled", NULL), 403, "role_required");
    expect(put_status(NULL, id, "disabled", NULL), 401, NULL);
    expect(put_status(root.access, id, "asleep", NULL), 400, "\"pointer\":\"/status\"");
    expect(put_status(root.access, "nobody", "disabled", NULL), 404, "no_account");
    expect(put_status(root.access, id, "disabled", "\"99-x\""), 412, "stale_version");
    expect(ask(HTTP_GET, "/v1/me", ann.access, NULL), 200, "\"version\":2");
    expect(put_status(root.access, id, "active", NULL), 200, "\"version\":2"); /* As it is already. */
    expect(put_status(root.access, id, "disabled", "\"2-x\""), 200, "\"version\":3");
    expect(put_status(root.access, id, "disabled", NULL), 200, "\"version\":3");
    expect(put_status(root.access, id, "active", "\"2-x\""), 412, "stale_version");
}

static struct test_answer reset_password_of(const char *email, const char *code)
{
    return ask(HTTP_POST, "/v1/password/reset", NULL,
               arena_printf(shop.arena, "{\"email\":\"%s\",\"code\":\"%s\",\"password\":\"password-2\"}", email, code));
}

/* Whoever has the mailbox gets no way in either: no code, and none that was sent before. */
static void test_identity__a_disabled_account_gets_no_new_password(void **state)
{
    (void)state;
    const char *forgot = "{\"email\":\"ann@example.com\"}";
    make_person("ann@example.com");
    struct tokens ann = tokens_of(sign_in("ann@example.com", "password-1"));
    expect(ask(HTTP_POST, "/v1/password/forgot", NULL, forgot), 204, NULL);
    char *code = wait_for_code("ann@example.com", 2);
    assert_int_equal(set_status_of("ann@example.com", "disabled"), 0);
    expect(ask(HTTP_POST, "/v1/password/change", ann.access,
               "{\"current_password\":\"password-1\",\"new_password\":\"password-2\"}"),
           401, "token_revoked");
    expect_unknown(reset_password_of("ann@example.com", code), reset_password_of("nobody@example.com", code));
    expect(ask(HTTP_POST, "/v1/password/forgot", NULL, forgot), 204, NULL);
    expect(ask(HTTP_POST, "/v1/password/forgot", NULL, "{\"email\":\"root@example.com\"}"), 204, NULL);
    (void)wait_for_mail("root@example.com", 1); /* Mails leave in the order in which they were asked for. */
    (void)wait_for_mail("ann@example.com", 2);
    assert_int_equal(set_status_of("Ann@example.com", "active"), 0);
    expect(sign_in("ann@example.com", "password-2"), 401, NULL);
    (void)tokens_of(sign_in("ann@example.com", "password-1"));
}

static void grant(const char *email, const char *role)
{
    Identity__GrantRoleRequest request = IDENTITY__GRANT_ROLE_REQUEST__INIT;
    Identity__User user = IDENTITY__USER__INIT;
    request.email = arena_cstr(shop.arena, str_from_cstr(email));
    request.role = arena_cstr(shop.arena, str_from_cstr(role));
    assert_int_equal(identity_grant_role(test_host_call(&shop, "identity"), &request, &user), 0);
}

/* By route and by the command line; and one who is disabled is no administrator who could make another. */
static void test_identity__the_last_administrator_is_not_disabled(void **state)
{
    (void)state;
    struct tokens root = sign_in_root();
    char *root_id = id_of(root);
    expect(put_status(root.access, root_id, "disabled", NULL), 409, "last_administrator");
    assert_int_equal(set_status_of("root@example.com", "disabled"), ERR_CONFLICT);
    make_person("ann@example.com");
    grant("ann@example.com", "admin");
    struct tokens ann = tokens_of(sign_in("ann@example.com", "password-1"));
    char *ann_id = id_of(ann);
    expect(put_status(root.access, root_id, "disabled", NULL), 409, "own_account");
    expect_going_on(root);
    expect(put_status(ann.access, root_id, "disabled", NULL), 200, NULL);
    expect(put_status(ann.access, ann_id, "disabled", NULL), 409, "last_administrator");
    expect(put_roles(ann.access, ann_id, "\"customer\"", NULL), 409, "last_administrator");
    assert_int_equal(set_status_of("ann@example.com", "disabled"), ERR_CONFLICT);
    expect(put_roles(ann.access, root_id, "\"customer\"", NULL), 200, "\"roles\":[\"customer\"]");
    expect(put_status(ann.access, root_id, "active", NULL), 200, NULL);
    expect(put_status(ann.access, ann_id, "disabled", NULL), 409, "last_administrator");
    expect_going_on(ann);
    assert_int_equal(set_status_of("nobody@example.com", "disabled"), ERR_NOT_FOUND);
}

static int disable_everybody(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement disable = {"test_disable", "UPDATE account SET disabled = 1"};
    (void)argument;
    return sql_exec(tx, &disable, SQL_NO_ARGS, NULL);
}

/* However that came about: a start makes the configured one, who must be able to sign in. */
static void test_identity__a_shop_whose_administrators_are_all_disabled_has_one_again(void **state)
{
    (void)state;
    struct tokens root = sign_in_root();
    assert_int_equal(sql_write(host_instance(shop.host, "identity")->db, disable_everybody, NULL), 0);
    expect(refresh_with(root.refresh), 401, "invalid_refresh_token"); /* Though its session is there. */
    expect(sign_in("root@example.com", "root-password"), 403, "account_disabled");
    test_host_stop(&shop);
    test_host_start(&shop, SERVICES, ENVIRONMENT);
    expect(ask(HTTP_GET, "/v1/me", sign_in_root().access, NULL), 200, "\"admin\"");
}

/* -- The sessions of others, and who they are ---------------------------------------------------------------------- */

static void test_identity__an_administrator_ends_the_sessions_of_others(void **state)
{
    (void)state;
    make_person("ann@example.com");
    make_person("bob@example.com");
    struct tokens phone = tokens_of(sign_in("ann@example.com", "password-1"));
    struct tokens desk = tokens_of(sign_in("ann@example.com", "password-1"));
    struct tokens bob = tokens_of(sign_in("bob@example.com", "password-1"));
    struct tokens root = sign_in_root();
    char *path = arena_printf(shop.arena, "/v1/users/%s/sessions", id_of(phone));
    expect(ask(HTTP_DELETE, path, bob.access, NULL), 403, "role_required");
    expect(ask(HTTP_DELETE, path, NULL, NULL), 401, NULL);
    expect(ask(HTTP_DELETE, "/v1/users/nobody/sessions", root.access, NULL), 404, "no_account");
    expect(ask(HTTP_GET, "/v1/me", phone.access, NULL), 200, NULL);
    expect(ask(HTTP_DELETE, path, root.access, NULL), 204, NULL);
    expect_ended(phone);
    expect_ended(desk);
    expect_going_on(bob);
    expect_going_on(root);
    (void)tokens_of(sign_in("ann@example.com", "password-1"));
}

/* An administrator of one tenant, by the id of somebody in another. */
static void test_identity__the_users_of_another_tenant_are_nobody(void **state)
{
    (void)state;
    Identity__AddTenantRequest request = IDENTITY__ADD_TENANT_REQUEST__INIT;
    Identity__Tenant tenant = IDENTITY__TENANT__INIT;
    const char *person = "{\"email\":\"eve@example.com\",\"password\":\"password-1\",\"name\":\"Eve\"}";
    request.id = "second";
    assert_int_equal(identity_add_tenant(test_host_call(&shop, "identity"), &request, &tenant), 0);
    expect(ask_with(HTTP_POST, "/v1/signup", NULL, "x-tenant", "second", person), 201, NULL);
    char *code = wait_for_code("eve@example.com", 1);
    expect(ask_with(HTTP_POST, "/v1/verify", NULL, "x-tenant", "second",
                    arena_printf(shop.arena, "{\"email\":\"eve@example.com\",\"code\":\"%s\"}", code)),
           204, NULL);
    struct tokens eve = tokens_of(ask_with(HTTP_POST, "/v1/login", NULL, "x-tenant", "second",
                                           "{\"email\":\"eve@example.com\",\"password\":\"password-1\"}"));
    struct test_answer me = ask_with(HTTP_GET, "/v1/me", eve.access, "x-tenant", "second", NULL);
    struct tokens root = sign_in_root();
    char *path = arena_printf(shop.arena, "/v1/users/%s", field(me.body, "id"));
    expect(ask(HTTP_GET, path, root.access, NULL), 404, "no_account");
    expect(put_status(root.access, field(me.body, "id"), "disabled", NULL), 404, "no_account");
    expect(ask(HTTP_DELETE, arena_printf(shop.arena, "%s/sessions", path), root.access, NULL), 404, "no_account");
    assert_int_equal(set_status_of("eve@example.com", "disabled"), ERR_NOT_FOUND);
    expect(ask_with(HTTP_GET, "/v1/me", eve.access, "x-tenant", "second", NULL), 200, "\"status\":\"active\"");
}

static void test_identity__support_sees_who_somebody_is(void **state)
{
    (void)state;
    make_person("ann@example.com");
    make_person("help@example.com");
    grant("help@example.com", "support");
    struct tokens ann = tokens_of(sign_in("ann@example.com", "password-1"));
    struct tokens help = tokens_of(sign_in("help@example.com", "password-1"));
    char *path = arena_printf(shop.arena, "/v1/users/%s", id_of(ann));
    expect(ask(HTTP_GET, path, ann.access, NULL), 403, "role_required");
    expect(ask(HTTP_GET, path, NULL, NULL), 401, NULL);
    expect(ask(HTTP_GET, "/v1/users/nobody", help.access, NULL), 404, "no_account");
    struct test_answer answer = ask(HTTP_GET, path, help.access, NULL);
    expect(answer, 200, "\"email\":\"ann@example.com\"");
    expect(answer, 200, "\"status\":\"active\"");
    expect(answer, 200, "\"version\":2");
    expect(answer, 200, "\"email_verified\":true");
    assert_false(has(answer, "credential"));
    assert_int_equal(set_status_of("ann@example.com", "disabled"), 0);
    expect(ask(HTTP_GET, path, help.access, NULL), 200, "\"status\":\"disabled\"");
    expect(put_status(help.access, id_of(help), "active", NULL), 403, "role_required");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identity__administrators_say_who_may_what),
        TEST(test_identity__no_token_outlives_a_role_that_it_names),
        TEST(test_identity__the_last_administrator_stays),
        TEST(test_identity__the_command_line_grants_roles),
        TEST(test_identity__a_disabled_account_has_no_sessions),
        TEST(test_identity__an_account_is_disabled_by_who_may_and_saw_it),
        TEST(test_identity__a_disabled_account_gets_no_new_password),
        TEST(test_identity__the_last_administrator_is_not_disabled),
        TEST(test_identity__a_shop_whose_administrators_are_all_disabled_has_one_again),
        TEST(test_identity__an_administrator_ends_the_sessions_of_others),
        TEST(test_identity__the_users_of_another_tenant_are_nobody),
        TEST(test_identity__support_sees_who_somebody_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
