/* What administrators and the command line say of others: their roles. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identity__administrators_say_who_may_what),
        TEST(test_identity__the_last_administrator_stays),
        TEST(test_identity__the_command_line_grants_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
