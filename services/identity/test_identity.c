/* Identity from outside: signing up and in, sessions, passwords, tenants, keys. */
#include "platform/service/token.h"
#include "services/identity/test_identity_fixture.h"

/* -- Signing up --------------------------------------------------------------------------------------------------- */

static void test_identity__a_person_signs_up_verifies_and_signs_in(void **state)
{
    (void)state;
    struct test_answer answer = sign_up("Ann@Example.com", "password-1");
    expect(answer, 201, "\"email\":\"ann@example.com\"");
    expect(sign_in("ann@example.com", "password-1"), 403, "\"code\":\"email_not_verified\"");
    expect(sign_in("ann@example.com", "password-2"), 401, "\"code\":\"invalid_credentials\"");
    char *code = wait_for_code("ann@example.com", 1);
    expect(verify_code("ANN@example.com", code), 204, NULL);
    expect(verify_code("ann@example.com", code), 400, "\"code\":\"invalid_code\"");
    struct tokens tokens = tokens_of(sign_in("ANN@EXAMPLE.COM", "password-1"));
    answer = ask(HTTP_GET, "/v1/me", tokens.access, NULL);
    expect(answer, 200, "\"email\":\"ann@example.com\"");
    expect(answer, 200, "\"roles\":[\"customer\"]");
    expect(answer, 200, "\"email_verified\":true");
    expect(answer, 200, "\"tenant\":\"default\"");
    expect(answer, 200, "\"name\":\"Ann\"");
    expect(ask(HTTP_GET, "/v1/me", NULL, NULL), 401, NULL);
    expect(ask(HTTP_GET, "/v1/me", "nonsense", NULL), 401, "token_invalid");
}

/* What differs is in the mail alone. */
static void test_identity__a_known_address_gets_the_same_answer(void **state)
{
    (void)state;
    make_person("ann@example.com");
    struct test_answer known = sign_up("ann@example.com", "password-9");
    struct test_answer unknown = sign_up("bob@example.com", "password-9");
    assert_int_equal(known.status, unknown.status);
    assert_int_equal(known.body.len, unknown.body.len);
    struct str mail = wait_for_mail("ann@example.com", 2);
    assert_true(str_find(mail, STR("tried to sign up")) >= 0);
    assert_true(str_find(mail, STR("Code:")) < 0);
    expect(sign_in("ann@example.com", "password-9"), 401, NULL);
    (void)tokens_of(sign_in("ann@example.com", "password-1"));
    known = ask(HTTP_POST, "/v1/password/forgot", NULL, "{\"email\":\"ann@example.com\"}");
    unknown = ask(HTTP_POST, "/v1/password/forgot", NULL, "{\"email\":\"nobody@example.com\"}");
    assert_int_equal(known.status, 204);
    assert_int_equal(unknown.status, 204);
    known = sign_in("ann@example.com", "wrong-password");
    unknown = sign_in("nobody@example.com", "wrong-password");
    assert_int_equal(known.status, unknown.status);
    assert_string_equal(field(known.body, "detail"), field(unknown.body, "detail"));
    known = verify_code("ann@example.com", "000000");
    unknown = verify_code("nobody@example.com", "000000");
    assert_int_equal(known.status, unknown.status);
    assert_string_equal(field(known.body, "detail"), field(unknown.body, "detail"));
}

static const char *wrong_code(const char *code, int number)
{
    char *wrong = arena_printf(shop.arena, "%06d", (atoi(code) + 1 + number) % 1000000);
    return wrong;
}

static void test_identity__a_code_takes_few_attempts(void **state)
{
    (void)state;
    expect(sign_up("ann@example.com", "password-1"), 201, NULL);
    char *code = wait_for_code("ann@example.com", 1);
    for (int i = 0; i < 5; i++)
        expect(verify_code("ann@example.com", wrong_code(code, i)), 400, "\"pointer\":\"/code\"");
    expect(verify_code("ann@example.com", code), 400, "invalid_code");
    expect(sign_up("ann@example.com", "password-1"), 201, NULL); /* A new one. */
    expect(verify_code("ann@example.com", wait_for_code("ann@example.com", 2)), 204, NULL);
}

static int age_codes(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement age = {"test_code_age",
                                             "UPDATE one_time_code SET expires_at_ms = expires_at_ms - $1"};
    return sql_exec(tx, &age, SQL_ARGS(sql_int(*(const int64_t *)argument)), NULL);
}

/* As if so much time had passed since they were sent. */
static void pass(int64_t minutes)
{
    int64_t passed_ms = minutes * 60 * CLOCK_MS_PER_S;
    assert_int_equal(sql_write(host_instance(shop.host, "identity")->db, age_codes, &passed_ms), 0);
}

static void test_identity__a_code_lives_ten_minutes(void **state)
{
    (void)state;
    expect(sign_up("ann@example.com", "password-1"), 201, NULL);
    char *code = wait_for_code("ann@example.com", 1);
    pass(10);
    expect(verify_code("ann@example.com", code), 400, "invalid_code");
    expect(sign_up("ann@example.com", "password-1"), 201, NULL);
    code = wait_for_code("ann@example.com", 2);
    pass(9);
    expect(verify_code("ann@example.com", code), 204, NULL);
    expect(ask(HTTP_POST, "/v1/password/forgot", NULL, "{\"email\":\"ann@example.com\"}"), 204, NULL);
    code = wait_for_code("ann@example.com", 3);
    pass(10);
    expect(ask(HTTP_POST, "/v1/password/reset", NULL,
               arena_printf(shop.arena, "{\"email\":\"ann@example.com\",\"code\":\"%s\",\"password\":\"password-2\"}",
                            code)),
           400, "invalid_code");
}

/* Somebody else signs up with Ann's address before she confirmed it: her code still confirms her own password. */
static void test_identity__each_code_confirms_its_own_password(void **state)
{
    (void)state;
    expect(sign_up("ann@example.com", "anns-password"), 201, NULL);
    char *anns_code = wait_for_code("ann@example.com", 1);
    expect(sign_up("ann@example.com", "evil-password"), 201, NULL);
    char *evil_code = wait_for_code("ann@example.com", 2);
    expect(verify_code("ann@example.com", anns_code), 204, NULL);
    expect(verify_code("ann@example.com", evil_code), 400, NULL);
    expect(sign_in("ann@example.com", "evil-password"), 401, NULL);
    (void)tokens_of(sign_in("ann@example.com", "anns-password"));
}

static void test_identity__bad_input_names_its_field(void **state)
{
    (void)state;
    const char *bodies[][2] = {
        {"{\"password\":\"password-1\",\"name\":\"Ann\"}", "/email"},
        {"{\"email\":\"ann\",\"password\":\"password-1\",\"name\":\"Ann\"}", "/email"},
        {"{\"email\":\"ann@example.com\",\"password\":\"short\",\"name\":\"Ann\"}", "/password"},
        {"{\"email\":\"ann@example.com\",\"password\":\"password-1\"}", "/name"},
        {"{\"email\":\"ann@example.com\",\"password\":\"password-1\",\"name\":\" \"}", "/name"},
        {"{\"email\":\"ann@example.com\",\"password\":\"password-1\",\"name\":\"Ann\",\"admin\":true}", "/admin"},
        {"{\"email\":\"ann@example.com\",\"password\":7,\"name\":\"Ann\"}", "/password"},
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        expect(ask(HTTP_POST, "/v1/signup", NULL, bodies[i][0]), 400, bodies[i][1]);
    expect(ask(HTTP_POST, "/v1/signup", NULL, "{"), 400, NULL);
    expect(ask(HTTP_POST, "/v1/login", NULL, NULL), 400, "/email");
}

/* -- Sessions ------------------------------------------------------------------------------------------------------ */

static void test_identity__a_refresh_token_is_good_once(void **state)
{
    (void)state;
    struct tokens first = sign_in_root();
    struct tokens other = sign_in_root();
    struct tokens second = tokens_of(refresh_with(first.refresh));
    assert_string_not_equal(first.refresh, second.refresh);
    struct tokens third = tokens_of(refresh_with(second.refresh));
    expect(ask(HTTP_GET, "/v1/me", third.access, NULL), 200, NULL);
    /* A thief uses the old one: the whole family ends, at once. */
    expect(refresh_with(first.refresh), 401, "\"code\":\"refresh_token_reused\"");
    expect(refresh_with(third.refresh), 401, "\"code\":\"invalid_refresh_token\"");
    expect(ask(HTTP_GET, "/v1/me", first.access, NULL), 401, "token_revoked");
    expect(ask(HTTP_GET, "/v1/me", third.access, NULL), 401, "token_revoked");
    expect(ask(HTTP_GET, "/v1/me", other.access, NULL), 200, NULL);
    (void)tokens_of(refresh_with(other.refresh));
    expect(refresh_with("invented"), 401, "invalid_refresh_token");
}

/* PATCH takes the version that was read, and says the name that is shown from now on. */
static void test_identity__a_person_changes_their_name(void **state)
{
    (void)state;
    make_person("ann@example.com");
    struct tokens ann = tokens_of(sign_in("ann@example.com", "password-1"));
    struct test_answer me = ask(HTTP_GET, "/v1/me", ann.access, NULL);
    const char *etag = test_host_header(&shop, &me, "ETag");
    struct test_answer answer =
        ask_with(HTTP_PATCH, "/v1/me", ann.access, "if-match", etag, "{\"name\":\"Anne Smith\"}");
    expect(answer, 200, "\"name\":\"Anne Smith\"");
    expect(ask(HTTP_GET, "/v1/me", ann.access, NULL), 200, "\"name\":\"Anne Smith\"");
    expect(ask_with(HTTP_PATCH, "/v1/me", ann.access, "if-match", etag, "{\"name\":\"Ann\"}"), 412, NULL);
    etag = test_host_header(&shop, &answer, "ETag");
    answer = ask(HTTP_PATCH, "/v1/me", ann.access, "{\"name\":\"Anne Smith\"}"); /* no change: the same version */
    assert_string_equal(test_host_header(&shop, &answer, "ETag"), etag);
    expect(ask(HTTP_PATCH, "/v1/me", ann.access, "{\"name\":\"\"}"), 400, "/name");
    expect(ask(HTTP_PATCH, "/v1/me", ann.access, "{}"), 400, "/name");
    expect(ask(HTTP_PATCH, "/v1/me", ann.access, "{\"name\":\"x\",\"roles\":[\"admin\"]}"), 400, "/roles");
    expect(ask(HTTP_PATCH, "/v1/me", NULL, "{\"name\":\"x\"}"), 401, NULL);
}

static void test_identity__logout_ends_the_session_at_once_and_for_good(void **state)
{
    (void)state;
    struct tokens tokens = sign_in_root();
    struct tokens other = sign_in_root();
    struct tokens third = sign_in_root();
    expect(ask(HTTP_POST, "/v1/logout", tokens.access, NULL), 204, NULL);
    expect(ask(HTTP_GET, "/v1/me", tokens.access, NULL), 401, "token_revoked");
    expect(refresh_with(tokens.refresh), 401, NULL);
    expect(ask(HTTP_POST, "/v1/logout", NULL, arena_printf(shop.arena, "{\"refresh_token\":\"%s\"}", third.refresh)),
           204, NULL);
    expect(ask(HTTP_GET, "/v1/me", third.access, NULL), 401, "token_revoked");
    expect(ask(HTTP_POST, "/v1/logout", NULL, NULL), 401, NULL);
    expect(ask(HTTP_GET, "/v1/me", other.access, NULL), 200, NULL);
    /* The keys and the blocks are there after a restart. */
    char blocked[2048], good[2048];
    snprintf(blocked, sizeof(blocked), "%s", tokens.access);
    snprintf(good, sizeof(good), "%s", other.access);
    test_host_stop(&shop);
    test_host_start(&shop, SERVICES, ENVIRONMENT);
    expect(ask(HTTP_GET, "/v1/me", blocked, NULL), 401, "token_revoked");
    expect(ask(HTTP_GET, "/v1/me", good, NULL), 200, NULL);
}

static void test_identity__sessions_are_listed_and_revoked(void **state)
{
    (void)state;
    make_person("ann@example.com");
    struct test_answer answer = ask_with(HTTP_POST, "/v1/login", NULL, "user-agent", "Ann's browser",
                                         "{\"email\":\"ann@example.com\",\"password\":\"password-1\"}");
    struct tokens phone = tokens_of(answer);
    struct tokens desk = tokens_of(sign_in("ann@example.com", "password-1"));
    struct tokens root = sign_in_root();
    answer = ask(HTTP_GET, "/v1/sessions", phone.access, NULL);
    expect(answer, 200, "\"user_agent\":\"Ann's browser\"");
    expect(answer, 200, "\"address\":\"127.0.0.1\"");
    assert_int_equal(count_of(answer.body, "\"id\":"), 2);
    assert_int_equal(count_of(answer.body, "\"current\":true"), 1);
    char *desk_session = field(answer.body, "id"); /* the newest first */
    char *path = arena_printf(shop.arena, "/v1/sessions/%s", desk_session);
    expect(ask(HTTP_DELETE, path, root.access, NULL), 404, NULL); /* Nobody else's. */
    expect(ask(HTTP_DELETE, path, phone.access, NULL), 204, NULL);
    expect(ask(HTTP_DELETE, path, phone.access, NULL), 404, NULL);
    expect(ask(HTTP_GET, "/v1/me", desk.access, NULL), 401, "token_revoked");
    expect(refresh_with(desk.refresh), 401, NULL);
    expect(ask(HTTP_GET, "/v1/me", phone.access, NULL), 200, NULL);
    expect(ask(HTTP_DELETE, "/v1/sessions", phone.access, NULL), 204, NULL);
    expect(ask(HTTP_GET, "/v1/me", phone.access, NULL), 401, "token_revoked");
    expect(ask(HTTP_GET, "/v1/me", root.access, NULL), 200, NULL);
}

/* What is stolen with the database opens nothing: no token and no code is in it as it was sent. */
/* The one after the last takes the place of the oldest, whose tokens are refused at once. */
static void test_identity__a_person_has_fifty_sessions(void **state)
{
    (void)state;
    struct tokens oldest = sign_in_root(), second = sign_in_root();
    struct tokens newest = second;
    for (int i = 2; i < SESSIONS_OF_USER_MAX; i++)
        newest = sign_in_root();
    expect(ask(HTTP_GET, "/v1/me", oldest.access, NULL), 200, NULL);
    newest = sign_in_root();
    expect(ask(HTTP_GET, "/v1/me", oldest.access, NULL), 401, "token_revoked");
    expect(refresh_with(oldest.refresh), 401, "invalid_refresh_token");
    expect(ask(HTTP_GET, "/v1/me", second.access, NULL), 200, NULL);
    struct test_answer answer = ask(HTTP_GET, "/v1/sessions", newest.access, NULL);
    assert_int_equal(count_of(answer.body, "\"created_at\""), SESSIONS_OF_USER_MAX);
}

static int multiply_sessions(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement multiply = {
        "test_multiply_sessions",
        "INSERT INTO session (tenant, id, user_id, created_at_ms, last_used_at_ms, expires_at_ms, address, user_agent,"
        " tokens_until_ms) SELECT tenant, id || $1, user_id, created_at_ms, last_used_at_ms, expires_at_ms, address,"
        " user_agent, tokens_until_ms FROM session"};
    (void)argument;
    for (int i = 0; i < 6; i++)
        TRY(sql_exec(tx, &multiply, SQL_ARGS(sql_text(str_slice(STR("abcdef"), (size_t)i, 1))), NULL));
    return 0;
}

static int count_sessions(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement count = {"test_count_sessions", "SELECT count(*) FROM session"};
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &count, SQL_NO_ARGS, &rows));
    *(int64_t *)argument = sql_get_int(rows, 0);
    return 0;
}

/* However many there are. */
static void test_identity__ending_all_sessions_leaves_none(void **state)
{
    (void)state;
    struct sql_db *db = host_instance(shop.host, "identity")->db;
    int64_t count = 0;
    struct tokens tokens = sign_in_root();
    assert_int_equal(sql_write(db, multiply_sessions, NULL), 0);
    assert_int_equal(sql_read(db, count_sessions, &count), 0);
    assert_true(count > SESSIONS_OF_USER_MAX + 1);
    expect(ask(HTTP_DELETE, "/v1/sessions", tokens.access, NULL), 204, NULL);
    assert_int_equal(sql_read(db, count_sessions, &count), 0);
    assert_int_equal(count, 0);
    expect(ask(HTTP_GET, "/v1/me", tokens.access, NULL), 401, "token_revoked");
}

static void test_identity__tokens_and_codes_are_stored_hashed(void **state)
{
    (void)state;
    struct tokens tokens = sign_in_root();
    const char *files[] = {"identity.db", "identity.db-wal"};
    size_t seen = 0;
    for (size_t i = 0; i < 2; i++) {
        char *path = arena_printf(shop.arena, "%s/%s", shop.folder, files[i]);
        FILE *file = fopen(path, "rb");
        if (!file)
            continue;
        const size_t size = 8u << 20;
        char *bytes = malloc(size);
        struct str content = str_from(bytes, fread(bytes, 1, size, file));
        fclose(file);
        seen += str_find(content, STR("root@example.com")) >= 0; /* The test looks where the data are. */
        assert_true(str_find(content, str_from_cstr(tokens.refresh)) < 0);
        assert_true(str_find(content, str_from_cstr(tokens.access)) < 0);
        assert_true(str_find(content, STR("root-password")) < 0);
        free(bytes);
    }
    assert_true(seen > 0);
}

/* -- Passwords ----------------------------------------------------------------------------------------------------- */

static void test_identity__a_forgotten_password_is_reset_by_mail(void **state)
{
    (void)state;
    make_person("ann@example.com");
    struct tokens before = tokens_of(sign_in("ann@example.com", "password-1"));
    expect(ask(HTTP_POST, "/v1/password/forgot", NULL, "{\"email\":\"Ann@example.com\"}"), 204, NULL);
    char *code = wait_for_code("ann@example.com", 2);
    char *wrong = arena_printf(
        shop.arena, "{\"email\":\"ann@example.com\",\"code\":\"%s\",\"password\":\"password-2\"}", wrong_code(code, 0));
    char *right =
        arena_printf(shop.arena, "{\"email\":\"ann@example.com\",\"code\":\"%s\",\"password\":\"password-2\"}", code);
    expect(ask(HTTP_POST, "/v1/password/reset", NULL, wrong), 400, "invalid_code");
    expect(ask(HTTP_POST, "/v1/password/reset", NULL, right), 204, NULL);
    expect(ask(HTTP_POST, "/v1/password/reset", NULL, right), 400, "invalid_code");
    expect(ask(HTTP_GET, "/v1/me", before.access, NULL), 401, "token_revoked");
    expect(sign_in("ann@example.com", "password-1"), 401, NULL);
    (void)tokens_of(sign_in("ann@example.com", "password-2"));
}

static int put_tokens_ahead(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement ahead = {"test_tokens_ahead", "UPDATE session SET tokens_until_ms = $1"};
    return sql_exec(tx, &ahead, SQL_ARGS(sql_int(*(const int64_t *)argument)), NULL);
}

static int read_block(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement block = {"test_last_block", "SELECT MAX(until_ms) FROM token_block"};
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &block, SQL_NO_ARGS, &rows));
    *(int64_t *)argument = sql_get_int(rows, 0);
    return 0;
}

/* A token was issued when the clock was an hour ahead: its session's block outlives it. */
static void test_identity__a_block_lasts_as_long_as_the_tokens_that_it_is_for(void **state)
{
    (void)state;
    struct tokens tokens = sign_in_root();
    struct sql_db *db = host_instance(shop.host, "identity")->db;
    int64_t ahead_ms = clock_wall_ms() + 3600 * CLOCK_MS_PER_S, blocked_until_ms = 0;
    assert_int_equal(sql_write(db, put_tokens_ahead, &ahead_ms), 0);
    tokens = tokens_of(refresh_with(tokens.refresh));
    expect(ask(HTTP_POST, "/v1/logout", tokens.access, NULL), 204, NULL);
    assert_int_equal(sql_read(db, read_block, &blocked_until_ms), 0);
    assert_int_equal(blocked_until_ms, ahead_ms);
}

static void test_identity__a_changed_password_ends_the_other_sessions(void **state)
{
    (void)state;
    struct tokens here = sign_in_root();
    struct tokens there = sign_in_root();
    expect(ask(HTTP_POST, "/v1/password/change", here.access,
               "{\"current_password\":\"wrong\",\"new_password\":\"password-2\"}"),
           400, "/current_password");
    expect(ask(HTTP_POST, "/v1/password/change", NULL,
               "{\"current_password\":\"root-password\",\"new_password\":\"password-2\"}"),
           401, NULL);
    expect(ask(HTTP_POST, "/v1/password/change", here.access,
               "{\"current_password\":\"root-password\",\"new_password\":\"password-2\"}"),
           204, NULL);
    expect(ask(HTTP_GET, "/v1/me", here.access, NULL), 200, NULL);
    expect(ask(HTTP_GET, "/v1/me", there.access, NULL), 401, "token_revoked");
    expect(sign_in("root@example.com", "root-password"), 401, NULL);
    (void)tokens_of(sign_in("root@example.com", "password-2"));
}

/* -- Tenants ------------------------------------------------------------------------------------------------------- */

static void test_identity__tenants_are_apart(void **state)
{
    (void)state;
    Identity__AddTenantRequest request = IDENTITY__ADD_TENANT_REQUEST__INIT;
    Identity__Tenant tenant = IDENTITY__TENANT__INIT;
    const char *login = "{\"email\":\"root@example.com\",\"password\":\"root-password\"}";
    expect(ask_with(HTTP_POST, "/v1/login", NULL, "x-tenant", "second", login), 404, NULL);
    request.id = "second";
    request.host = "Second.example.com";
    assert_int_equal(identity_add_tenant(test_host_call(&shop, "identity"), &request, &tenant), 0);
    assert_string_equal(tenant.host, "second.example.com");
    expect(ask_with(HTTP_POST, "/v1/login", NULL, "x-tenant", "second", login), 401, NULL); /* Nobody there. */
    struct tokens root = sign_in_root();
    expect(ask_with(HTTP_GET, "/v1/me", root.access, "x-tenant", "second", NULL), 403, "other_tenant");
    expect(ask_with(HTTP_GET, "/v1/me", root.access, "x-tenant", "default", NULL), 200, NULL);
    /* The same address is another person there. */
    const char *signup = "{\"email\":\"root@example.com\",\"password\":\"other-password\",\"name\":\"Other\"}";
    expect(ask_with(HTTP_POST, "/v1/signup", NULL, "x-tenant", "second", signup), 201, NULL);
    char *verify = arena_printf(shop.arena, "{\"email\":\"root@example.com\",\"code\":\"%s\"}",
                                wait_for_code("root@example.com", 1));
    expect(ask(HTTP_POST, "/v1/verify", NULL, verify), 400, NULL);
    expect(ask_with(HTTP_POST, "/v1/verify", NULL, "x-tenant", "second", verify), 204, NULL);
    expect(ask_with(HTTP_POST, "/v1/login", NULL, "x-tenant", "second", login), 401, NULL);
    test_host_stop(&shop);
    test_host_start(&shop, SERVICES, ENVIRONMENT);
    expect(ask_with(HTTP_POST, "/v1/login", NULL, "x-tenant", "second",
                    "{\"email\":\"root@example.com\",\"password\":\"other-password\"}"),
           200, NULL);
    Identity__ListTenantsRequest list = IDENTITY__LIST_TENANTS_REQUEST__INIT;
    Identity__ListTenantsReply reply = IDENTITY__LIST_TENANTS_REPLY__INIT;
    assert_int_equal(identity_list_tenants(test_host_call(&shop, "identity"), &list, &reply), 0);
    assert_int_equal(reply.n_tenants, 2);
    assert_string_equal(reply.tenants[0]->id, "default");
    assert_string_equal(reply.tenants[1]->host, "second.example.com");
}

static void test_identity__a_host_name_is_one_tenants(void **state)
{
    (void)state;
    Identity__AddTenantRequest request = IDENTITY__ADD_TENANT_REQUEST__INIT;
    Identity__Tenant tenant = IDENTITY__TENANT__INIT;
    request.id = "second";
    request.host = "shop.example.com";
    assert_int_equal(identity_add_tenant(test_host_call(&shop, "identity"), &request, &tenant), 0);
    request.id = "third";
    assert_int_equal(identity_add_tenant(test_host_call(&shop, "identity"), &request, &tenant), ERR_CONFLICT);
}

static void test_identity__a_tenant_keeps_its_host_until_another_is_given(void **state)
{
    (void)state;
    static const struct {
        const char *given, *kept;
    } steps[] = {{"a.example.com", "a.example.com"},
                 {NULL, "a.example.com"},
                 {"b.example.com", "b.example.com"},
                 {NULL, "b.example.com"},
                 {"", ""},
                 {NULL, ""}};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        Identity__AddTenantRequest request = IDENTITY__ADD_TENANT_REQUEST__INIT;
        Identity__Tenant tenant = IDENTITY__TENANT__INIT;
        request.id = "second";
        request.host = (char *)(uintptr_t)steps[i].given;
        assert_int_equal(identity_add_tenant(test_host_call(&shop, "identity"), &request, &tenant), 0);
        assert_string_equal(tenant.host, steps[i].kept);
        /* Where the host leads a request that names no tenant. */
        struct str host = str_from_cstr(steps[i].kept[0] ? steps[i].kept : "b.example.com"), id;
        assert_int_equal(tenants_find(shop.host->tenants, STR_EMPTY, host, &id), steps[i].kept[0] ? 0 : ERR_NOT_FOUND);
    }
}

/* -- Keys and the first start -------------------------------------------------------------------------------------- */

static Identity__SigningKey rotate(void)
{
    Identity__RotateKeysRequest request = IDENTITY__ROTATE_KEYS_REQUEST__INIT;
    Identity__SigningKey key = IDENTITY__SIGNING_KEY__INIT;
    assert_int_equal(identity_rotate_keys(test_host_call(&shop, "identity"), &request, &key), 0);
    return key;
}

static int move_keys(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement move = {"test_move_keys",
                                              "UPDATE signing_key SET signs_from_ms = signs_from_ms - $1"};
    return sql_exec(tx, &move, SQL_ARGS(sql_int(*(int64_t *)argument)), NULL);
}

/* As if so much time had gone by since they were made; then the job. */
static void let_time_pass(int64_t passed_ms)
{
    assert_int_equal(sql_write(host_instance(shop.host, "identity")->db, move_keys, &passed_ms), 0);
    assert_int_equal(identity_refresh_keys(test_host_call(&shop, "identity")), 0);
}

/* Its last token was signed when the next one took over, and lives TOKEN_LIFETIME_S and the leeway of the clocks. */
static void test_identity__a_rotated_key_stays_until_its_last_token_has_expired(void **state)
{
    (void)state;
    Identity__ListKeysRequest request = IDENTITY__LIST_KEYS_REQUEST__INIT;
    Identity__ListKeysReply list = IDENTITY__LIST_KEYS_REPLY__INIT;
    rotate();
    let_time_pass((TOKEN_LIFETIME_S + TOKEN_LEEWAY_S) * 1000);
    assert_int_equal(count_of(ask(HTTP_GET, "/.well-known/jwks.json", NULL, NULL).body, "\"kid\""), 2);
    assert_int_equal(identity_list_keys(test_host_call(&shop, "identity"), &request, &list), 0);
    assert_int_equal(list.n_keys, 2);
    assert_string_equal(list.keys[0]->state, "verifying");
    assert_non_null(list.keys[0]->until);
    assert_string_equal(list.keys[1]->state, "signing");
    let_time_pass((TOKEN_LIFETIME_S + TOKEN_LEEWAY_S) * 1000);
    assert_int_equal(count_of(ask(HTTP_GET, "/.well-known/jwks.json", NULL, NULL).body, "\"kid\""), 1);
    /* A month later the next one is published, and signs after an hour. */
    let_time_pass(INT64_C(30) * 24 * 3600 * 1000);
    assert_int_equal(identity_list_keys(test_host_call(&shop, "identity"), &request, &list), 0);
    assert_int_equal(list.n_keys, 2);
    assert_string_equal(list.keys[0]->state, "signing");
    assert_null(list.keys[0]->until);
    assert_string_equal(list.keys[1]->state, "published");
    assert_non_null(list.keys[1]->until);
    let_time_pass(INT64_C(3600) * 1000);
    assert_int_equal(identity_list_keys(test_host_call(&shop, "identity"), &request, &list), 0);
    assert_string_equal(list.keys[0]->state, "verifying");
    assert_string_equal(list.keys[1]->state, "signing");
}

static void test_identity__keys_rotate_without_ending_tokens(void **state)
{
    (void)state;
    struct tokens before = sign_in_root();
    struct test_answer jwks = ask(HTTP_GET, "/.well-known/jwks.json", NULL, NULL);
    expect(jwks, 200, "\"kty\":\"RSA\"");
    assert_int_equal(count_of(jwks.body, "\"kid\""), 1);
    Identity__SigningKey key = rotate();
    assert_string_equal(key.state, "signing");
    struct test_answer rotated = ask(HTTP_GET, "/.well-known/jwks.json", NULL, NULL);
    assert_int_equal(count_of(rotated.body, "\"kid\""), 2);
    assert_string_equal(key.kid, field(rotated.body, "kid")); /* The signing one stands first. */
    struct tokens after = sign_in_root();
    expect(ask(HTTP_GET, "/v1/me", before.access, NULL), 200, NULL);
    expect(ask(HTTP_GET, "/v1/me", after.access, NULL), 200, NULL);
    char kept[2048];
    snprintf(kept, sizeof(kept), "%s", after.access);
    test_host_stop(&shop);
    test_host_start(&shop, SERVICES, ENVIRONMENT);
    expect(ask(HTTP_GET, "/v1/me", kept, NULL), 200, NULL);
    assert_int_equal(count_of(ask(HTTP_GET, "/.well-known/jwks.json", NULL, NULL).body, "\"kid\""), 2);
}

static Identity__FirstAdministrator take_first(void)
{
    Identity__TakeFirstAdministratorRequest request = IDENTITY__TAKE_FIRST_ADMINISTRATOR_REQUEST__INIT;
    Identity__FirstAdministrator first = IDENTITY__FIRST_ADMINISTRATOR__INIT;
    assert_int_equal(identity_take_first_administrator(test_host_call(&shop, "identity"), &request, &first), 0);
    return first;
}

static void test_identity__the_first_start_makes_an_administrator_once(void **state)
{
    (void)state;
    assert_null(take_first().password); /* It was configured. */
    test_host_end(&shop);
    shop = (struct test_host){0};
    test_host_start(&shop, SERVICES, NULL);
    Identity__FirstAdministrator first = take_first();
    assert_string_equal(first.email, "admin@shopstream.local");
    assert_true(strlen(first.password) >= 20);
    struct tokens tokens = tokens_of(sign_in(first.email, first.password));
    expect(ask(HTTP_GET, "/v1/me", tokens.access, NULL), 200, "\"admin\"");
    assert_null(take_first().password);
    test_host_stop(&shop);
    test_host_start(&shop, SERVICES, NULL);
    assert_null(take_first().password);
}

#define TIMED_TRIES 4

/* CPU time of the whole shop for some sign-ins or sign-ups. */
static int64_t cost_ns(struct test_answer (*try)(const char *, const char *), const char *email)
{
    int64_t start_ns = clock_cpu_ns();
    for (int i = 0; i < TIMED_TRIES; i++)
        (void)try(email, "wrong-password");
    return clock_cpu_ns() - start_ns;
}

/* A short cut for addresses without an account, or with a disabled one, would save the hash, which is nearly all of the
 * time. */
static void test_identity__a_known_address_takes_the_same_time(void **state)
{
    (void)state;
    const char *known[] = {"ann@example.com", "disabled@example.com"};
    struct test_answer (*const tries[])(const char *, const char *) = {sign_in, sign_up};
    make_person(known[0]);
    make_person(known[1]);
    assert_int_equal(set_status_of(known[1], "disabled"), 0);
    for (size_t i = 0; i < 2; i++) {
        int64_t unknown_ns = cost_ns(tries[i], "nobody@example.com");
        for (size_t j = 0; j < 2; j++) {
            int64_t known_ns = cost_ns(tries[i], known[j]);
            print_message("%s %lld us, unknown %lld us\n", known[j], (long long)known_ns / 1000 / TIMED_TRIES,
                          (long long)unknown_ns / 1000 / TIMED_TRIES);
            assert_true(known_ns < unknown_ns * 2 && unknown_ns < known_ns * 2);
        }
    }
}

/* -- Limits, and the mail page ------------------------------------------------------------------------------------- */

static void test_identity__guessing_is_slowed_by_account_and_address(void **state)
{
    (void)state;
    shop.host->rate_limits = true;
    struct test_answer answer = {0};
    int tries = 0;
    do {
        answer = sign_in("nobody@example.com", "guess");
    } while (answer.status == 401 && ++tries < 100);
    expect(answer, 429, "rate_limited");
    assert_in_range(tries, 5, 60);
    expect(sign_in("root@example.com", "root-password"), 200, NULL); /* Another account is not concerned, */
    do {                                                             /* until the address has tried too many. */
        answer = ask(HTTP_POST, "/v1/password/forgot", NULL,
                     arena_printf(shop.arena, "{\"email\":\"p%d@example.com\"}", tries));
    } while (answer.status == 204 && ++tries < 300);
    expect(answer, 429, "rate_limited");
    expect(sign_in("root@example.com", "root-password"), 429, "rate_limited");
    shop.host->rate_limits = false;
    expect(sign_in("nobody@example.com", "guess"), 401, NULL);
}

static void test_mailbox__is_for_this_machine_alone(void **state)
{
    (void)state;
    make_person("ann@example.com");
    const char *browser[] = {"accept", "text/html,*/*", NULL};
    struct test_answer answer = test_host_http(&shop, HTTP_GET, "/dev/mail", browser, NULL);
    expect(answer, 200, "<h1>Mail</h1>");
    expect(answer, 200, "Code: ");
    bool has_policy = false;
    for (size_t i = 0; i < answer.response.header_count; i++)
        if (str_equal(answer.response.headers[i].name, STR("Content-Security-Policy")))
            has_policy = str_find(answer.response.headers[i].value, STR("default-src 'none'")) >= 0;
    assert_true(has_policy);
    ptrdiff_t link = str_find(answer.body, STR("/dev/mail/"));
    struct str rest = str_skip(answer.body, (size_t)link);
    char *path = arena_cstr(shop.arena, str_slice(rest, 0, (size_t)str_find_char(rest, '"')));
    expect(test_host_http(&shop, HTTP_GET, path, NULL, NULL), 200, "Subject: ");
    expect(test_host_http(&shop, HTTP_GET, "/dev/mail/..%2f..%2fidentity.db", NULL, NULL), 404, NULL);
    expect(test_host_http(&shop, HTTP_GET, "/dev/mail/nothing", NULL, NULL), 404, NULL);
    shop.host->address = "0.0.0.0";
    expect(test_host_http(&shop, HTTP_GET, "/dev/mail", NULL, NULL), 404, NULL);
    expect(test_host_http(&shop, HTTP_GET, path, NULL, NULL), 404, NULL);
    shop.host->address = "127.0.0.1";
    expect(test_host_http(&shop, HTTP_GET, path, NULL, NULL), 200, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identity__a_person_signs_up_verifies_and_signs_in),
        TEST(test_identity__a_known_address_gets_the_same_answer),
        TEST(test_identity__a_known_address_takes_the_same_time),
        TEST(test_identity__a_code_takes_few_attempts),
        TEST(test_identity__a_code_lives_ten_minutes),
        TEST(test_identity__each_code_confirms_its_own_password),
        TEST(test_identity__bad_input_names_its_field),
        TEST(test_identity__a_refresh_token_is_good_once),
        TEST(test_identity__a_person_changes_their_name),
        TEST(test_identity__logout_ends_the_session_at_once_and_for_good),
        TEST(test_identity__a_block_lasts_as_long_as_the_tokens_that_it_is_for),
        TEST(test_identity__sessions_are_listed_and_revoked),
        TEST(test_identity__a_person_has_fifty_sessions),
        TEST(test_identity__ending_all_sessions_leaves_none),
        TEST(test_identity__tokens_and_codes_are_stored_hashed),
        TEST(test_identity__a_forgotten_password_is_reset_by_mail),
        TEST(test_identity__a_changed_password_ends_the_other_sessions),
        TEST(test_identity__tenants_are_apart),
        TEST(test_identity__a_host_name_is_one_tenants),
        TEST(test_identity__a_tenant_keeps_its_host_until_another_is_given),
        TEST(test_identity__a_rotated_key_stays_until_its_last_token_has_expired),
        TEST(test_identity__keys_rotate_without_ending_tokens),
        TEST(test_identity__the_first_start_makes_an_administrator_once),
        TEST(test_identity__guessing_is_slowed_by_account_and_address),
        TEST(test_mailbox__is_for_this_machine_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
