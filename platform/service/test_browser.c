/* Proves who a browser is taken for by its cookies, and that nothing is changed for a page of another site. */
#include "platform/service/browser.h"
#include "platform/service/test_host.h"
#include "platform/wire/openapi.h"
#include "shopstream/catalog/v1/catalog.rpc.h"
#include "shopstream/orders/v1/orders.rpc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

extern const struct service catalog_service;
extern const struct service orders_service;

#define CSRF "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define OTHER "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define GUEST "0123456789abcdef0123456789abcdef"
#define CART "/api/orders/v1/cart"
#define PRODUCTS "/api/catalog/v1/products"
#define SHIPPING "/api/orders/v1/shipping-methods?country=DE"
#define ITEM "{\"sku_id\":\"none\",\"quantity\":1}"

/* -- A service that shows what a handler sees ---------------------------------------------------------------------- */

/* The product's title is who asks; the one that "sets" sets a cookie. */
static int get_product(struct call *call, const Catalog__GetProductRequest *in, Catalog__Product *out)
{
    struct str who = call->who.user_id.len ? call->who.user_id : call->who.guest_token;

    out->title = arena_cstr(call->arena, who);
    return strcmp(in->id, "sets") == 0 ? browser_set_csrf(call, true) : 0;
}

/* Asks orders for the caller's cart, which is theirs, and for all orders, which are for services alone. */
static int ask_on_behalf(struct call *call, const struct http_request *request, struct http_response *response)
{
    Orders__GetCartRequest get = ORDERS__GET_CART_REQUEST__INIT;
    Orders__WalkOrdersRequest walk = ORDERS__WALK_ORDERS_REQUEST__INIT;
    Orders__WalkOrdersReply walked = ORDERS__WALK_ORDERS_REPLY__INIT;
    Orders__Cart cart = ORDERS__CART__INIT;

    (void)request;
    walk.has_limit = true;
    walk.limit = 1;
    TRY(orders_walk_orders(call, &walk, &walked));
    call->on_behalf = true;
    TRY(orders_get_cart(call, &get, &cart));
    int refused = orders_walk_orders(call, &walk, &walked);
    return call_answer(call, response, "text/plain", "no-store",
                       str_from_cstr(arena_printf(call->arena, "%s %d %s", cart.id, refused, call->problem.code)));
}

static const struct service mirror_service = {
    .name = "mirror",
    .calls = (const char *const[]){"orders", NULL},
    .no_database = true,
    .routes =
        (const struct route[]){
            {"GET", "/v1/who/{id}", RPC(catalog, get_product), .auth = AUTH_ANYONE, .tx = TX_NONE},
            {"GET", "/v1/anybody/{id}", RPC(catalog, get_product), .auth = AUTH_ANYONE, .tx = TX_NONE, .cached = true},
            {"GET", "/v1/behalf", RAW(ask_on_behalf), .auth = AUTH_ANYONE},
            {0}},
};

static const struct service *const services[] = {&catalog_service, &orders_service, &mirror_service, NULL};
static struct test_host shop;

static int begin(void **state)
{
    (void)state;
    test_host_start(&shop, services, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_host_end(&shop);
    return 0;
}

static bool has(struct test_answer answer, const char *part)
{
    return str_find(answer.body, str_from_cstr(part)) >= 0;
}

static void expect(struct test_answer answer, int status, const char *part)
{
    if (answer.status != status || (part && !has(answer, part)))
        fail_msg("expected %d with '%s', got %d: %.*s", status, part ? part : "", answer.status,
                 STR_FORMAT(answer.body));
}

static const char *token_of(const char *user_id)
{
    return test_host_bearer(&shop, user_id, ROLE_CUSTOMER) + strlen("Bearer ");
}

static struct test_answer get(const char *path, const char *cookies)
{
    return test_host_http(&shop, HTTP_GET, path, (const char *[]){"cookie", cookies, NULL}, NULL);
}

/* Puts an article into the cart that there is not: 400 for whoever is let in. csrf, name and value may be NULL. */
static struct test_answer add_with(const char *cookies, const char *csrf, const char *name, const char *value)
{
    const char *headers[7] = {"cookie", cookies};
    size_t count = 2;

    if (csrf) {
        headers[count++] = "x-csrf-token";
        headers[count++] = csrf;
    }
    if (name) {
        headers[count++] = name;
        headers[count++] = value;
    }
    return test_host_http(&shop, HTTP_POST, CART "/items", headers, ITEM);
}

static struct test_answer add(const char *cookies, const char *csrf)
{
    return add_with(cookies, csrf, NULL, NULL);
}

/* -- CSRF ---------------------------------------------------------------------------------------------------------- */

static void test_browser__a_change_by_cookie_needs_the_token(void **state)
{
    (void)state;
    const char *identities[] = {("__Host-guest=" GUEST), "__Host-session=x", "__Host-refresh=x", "__Host-guest=short",
                                "__Host-session=a; __Host-session=b"};

    for (size_t i = 0; i < sizeof(identities) / sizeof(identities[0]); i++) {
        const char *with_csrf = arena_printf(shop.arena, "%s; csrf=" CSRF, identities[i]);
        expect(add(identities[i], NULL), 403, "\"code\":\"csrf\"");
        expect(add(identities[i], CSRF), 403, "\"code\":\"csrf\"");
        expect(add(identities[i], ""), 403, "\"code\":\"csrf\"");
        expect(add(with_csrf, NULL), 403, "\"code\":\"csrf\"");
        expect(add(with_csrf, OTHER), 403, "\"code\":\"csrf\"");
        expect(add(with_csrf, CSRF "A"), 403, "\"code\":\"csrf\"");
        expect(add(arena_printf(shop.arena, "%s; csrf=", identities[i]), ""), 403, "\"code\":\"csrf\"");
        expect(add(arena_printf(shop.arena, "%s; csrf=short", identities[i]), "short"), 403, "\"code\":\"csrf\"");
        expect(add(arena_printf(shop.arena, "%s; csrf=" OTHER, with_csrf), CSRF), 403, "\"code\":\"csrf\"");
        assert_int_not_equal(add(with_csrf, CSRF).status, 403);
    }
    expect(add("__Host-guest=" GUEST "; csrf=" CSRF, CSRF), 400, "no_such_sku");
}

static void test_browser__a_refusal_brings_the_token_that_was_missing(void **state)
{
    (void)state;
    struct test_answer answer = add("__Host-guest=" GUEST, NULL);
    const char *cookie = test_host_header(&shop, &answer, "Set-Cookie");
    assert_non_null(cookie);
    struct str value = str_slice(str_skip(str_from_cstr(cookie), strlen("csrf=")), 0, CSRF_TOKEN_LEN);
    assert_string_equal(cookie + strlen("csrf=") + CSRF_TOKEN_LEN, "; Path=/; Max-Age=31536000; Secure; SameSite=Lax");
    assert_string_equal(test_host_header(&shop, &answer, "Cache-Control"), "no-store");
    const char *token = arena_cstr(shop.arena, value);
    expect(add(arena_printf(shop.arena, "__Host-guest=" GUEST "; csrf=%s", token), token), 400, "no_such_sku");
    answer = add("__Host-guest=" GUEST "; csrf=" CSRF, NULL);
    assert_null(test_host_header(&shop, &answer, "Set-Cookie"));
}

/* The cookie jar of a browser is not asked: a program, or a first visit. */
static void test_browser__without_a_cookie_of_ours_nothing_is_asked(void **state)
{
    (void)state;
    expect(add("theme=dark; session=x; __Host-sessions=y", NULL), 400, "no_such_sku");
    expect(add("csrf=" CSRF, NULL), 400, "no_such_sku");
    expect(add("csrf=" CSRF, OTHER), 403, "\"code\":\"csrf\""); /* who sends one must have the right one */
    expect(get(CART, "__Host-guest=" GUEST), 200, NULL);        /* nothing changes */
}

static void test_browser__a_bearer_needs_no_token(void **state)
{
    (void)state;
    const char *bearer = test_host_bearer(&shop, "ann", ROLE_CUSTOMER);
    expect(add_with("__Host-session=x; __Host-guest=" GUEST, NULL, "authorization", bearer), 400, "no_such_sku");
    expect(add_with("__Host-session=x; csrf=" CSRF, OTHER, "authorization", bearer), 400, "no_such_sku");
    const char *cookies = arena_printf(shop.arena, "__Host-session=%s; csrf=" CSRF, token_of("ann"));
    expect(add_with(cookies, CSRF, "authorization", "Bearer x"), 401, "token_invalid");
}

static void test_browser__what_another_site_sends_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        bool is_ours;
    } cases[] = {
        {"sec-fetch-site", "same-origin", true},
        {"sec-fetch-site", "none", true},
        {"sec-fetch-site", "same-site", false},
        {"sec-fetch-site", "cross-site", false},
        {"sec-fetch-site", "", false},
        {"origin", "http://localhost", true},
        {"origin", "https://LOCALHOST:3000", true},
        {"origin", "null", false},
        {"origin", "", false},
        {"origin", "localhost", false},
        {"origin", "http://", false},
        {"origin", "http://localhost.evil.example", false},
        {"origin", "http://localhost:123456", false},
        {"origin", "http://evil.example/http://localhost", false},
        {"origin", "http://evil.example:80", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_answer answer = add_with("__Host-guest=" GUEST "; csrf=" CSRF, CSRF, cases[i].name, cases[i].value);
        if ((answer.status == 400) != cases[i].is_ours || (answer.status == 403) == cases[i].is_ours)
            fail_msg("%s: %s gives %d", cases[i].name, cases[i].value, answer.status);
    }
}

/* -- Who it is ----------------------------------------------------------------------------------------------------- */

static void test_browser__the_session_cookie_is_an_access_token(void **state)
{
    (void)state;
    struct test_answer mine =
        test_host_http(&shop, HTTP_GET, CART,
                       (const char *[]){"authorization", test_host_bearer(&shop, "ann", ROLE_CUSTOMER), NULL}, NULL);
    struct test_answer answer = get(CART, arena_printf(shop.arena, "__Host-session=%s", token_of("ann")));
    expect(answer, 200, NULL);
    assert_true(str_equal(answer.body, mine.body));
    answer = get(CART, arena_printf(shop.arena, "__Host-session=%s", token_of("bob")));
    assert_false(str_equal(answer.body, mine.body));
    assert_null(test_host_header(&shop, &answer, "Set-Cookie"));
}

/* On a row for anybody it is nobody's; on one that is somebody's, nobody's cart takes the place of theirs. */
static void test_browser__a_bad_session_cookie_is_nobody_or_refused(void **state)
{
    (void)state;
    const char *token = token_of("ann");
    const char *oversized = arena_printf(shop.arena, "__Host-session=%04000d", 0);
    const char *twice = arena_printf(shop.arena, "__Host-session=%s; __Host-session=%s", token, token);
    const char *cases[] = {
        "__Host-session=nonsense", "__Host-session=",        oversized, twice, "__Host-refresh=whatever",
        "__Host-session=\"x\"",    "__Host-session=a=b.c=.d"};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect(get(SHIPPING, cases[i]), 200, "shipping_methods");
        expect(get(PRODUCTS, cases[i]), 200, "products");
        expect(get(CART, cases[i]), 401, "\"code\":\"token_");
    }
    expect(get(CART, "__Host-refresh=whatever"), 401, "\"code\":\"token_expired\"");
    expect(get(CART, "__host-session=x; __Host-Session=y"), 200, "guest_token"); /* other names */
}

static void test_browser__a_guest_cookie_is_a_guests_token(void **state)
{
    (void)state;
    struct test_answer mine =
        test_host_http(&shop, HTTP_GET, CART, (const char *[]){"x-guest-token", GUEST, NULL}, NULL);
    struct test_answer answer = get(CART, "a=b; __Host-guest=" GUEST ";c=d");
    assert_true(str_equal(answer.body, mine.body));
    /* What the shop did not give out is none, and the header goes before the cookie. */
    expect(get(CART, "__Host-guest=short"), 200, "guest_token");
    expect(get(CART, "__Host-guest=" GUEST "; __Host-guest=" GUEST), 200, "guest_token");
    answer = test_host_http(&shop, HTTP_GET, CART,
                            (const char *[]){"x-guest-token", GUEST, "cookie", "__Host-guest=" GUEST "9", NULL}, NULL);
    assert_true(str_equal(answer.body, mine.body));
}

static void test_browser__a_cookie_header_comes_once(void **state)
{
    (void)state;
    const char *headers[] = {"cookie", "__Host-guest=" GUEST, "cookie", "csrf=" CSRF, NULL};
    expect(test_host_http(&shop, HTTP_GET, CART, headers, NULL), 400, "repeated_header");
}

/* -- A new guest --------------------------------------------------------------------------------------------------- */

static void test_browser__a_new_guests_token_goes_into_the_cookie_alone(void **state)
{
    (void)state;
    const char *headers[] = {"cookie", "csrf=" CSRF, "x-csrf-token", CSRF, NULL};
    struct test_answer answer = test_host_http(&shop, HTTP_GET, CART, headers, NULL);
    expect(answer, 200, "\"total\"");
    assert_false(has(answer, "guest_token"));
    const char *cookie = test_host_header(&shop, &answer, "Set-Cookie");
    assert_non_null(cookie);
    assert_true(str_starts_with(str_from_cstr(cookie), STR("__Host-guest=")));
    assert_non_null(strstr(cookie, "; Path=/; Max-Age=31536000; Secure; SameSite=Lax; HttpOnly"));
    assert_string_equal(test_host_header(&shop, &answer, "Cache-Control"), "private, no-store");
    const char *again =
        arena_cstr(shop.arena, str_slice(str_from_cstr(cookie), 0, (size_t)(strchr(cookie, ';') - cookie)));
    struct test_answer second = get(CART, again);
    assert_true(str_equal(second.body, answer.body));
    assert_string_equal(test_host_header(&shop, &second, "ETag"), test_host_header(&shop, &answer, "ETag"));
    /* A wrong token is no browser's of ours: it is answered as a program. */
    headers[3] = OTHER;
    answer = test_host_http(&shop, HTTP_GET, CART, headers, NULL);
    expect(answer, 200, "guest_token");
    assert_null(test_host_header(&shop, &answer, "Set-Cookie"));
}

/* -- What is the same for everybody -------------------------------------------------------------------------------- */

static void test_browser__a_cached_row_looks_at_no_cookie(void **state)
{
    (void)state;
    const char *path = "/api/mirror/v1/anybody/shown";
    const char *who =
        arena_printf(shop.arena, "__Host-session=%s; __Host-guest=" GUEST "; csrf=" CSRF, token_of("ann"));
    struct test_answer first = get(path, who), second = get(path, who), bare = get(path, "a=b");
    expect(first, 200, NULL);
    assert_false(has(first, "ann") || has(first, GUEST));
    assert_null(first.response.head_blob);
    assert_non_null(second.response.head_blob); /* it was kept, and is anybody's */
    assert_non_null(bare.response.head_blob);
    assert_true(str_equal(first.body, bare.body) && str_equal(second.body, bare.body));
    assert_string_equal(test_host_header(&shop, &first, "Cache-Control"), "public, no-cache");
    expect(get("/api/mirror/v1/who/shown", who), 200, "\"title\":\"ann\"");
}

static void test_browser__what_sets_a_cookie_is_kept_by_nobody(void **state)
{
    (void)state;
    struct test_answer first = get("/api/mirror/v1/anybody/sets", "a=b");
    struct test_answer second = get("/api/mirror/v1/anybody/sets", "a=b");
    assert_null(second.response.head_blob);
    assert_string_equal(test_host_header(&shop, &first, "Cache-Control"), "private, no-store");
    assert_string_not_equal(test_host_header(&shop, &first, "Set-Cookie"),
                            test_host_header(&shop, &second, "Set-Cookie"));
}

/* -- Calls for who asks -------------------------------------------------------------------------------------------- */

static void test_browser__a_service_is_asked_on_behalf_of_the_visitor(void **state)
{
    (void)state;
    const char *ann = arena_printf(shop.arena, "__Host-session=%s", token_of("ann"));
    struct test_answer cart = get(CART, ann), behalf = get("/api/mirror/v1/behalf", ann);
    struct str id = str_slice(behalf.body, 0, 64);
    expect(behalf, 200, arena_printf(shop.arena, " %d role_required", ERR_FORBIDDEN));
    assert_true(str_find(cart.body, id) > 0);
    expect(get("/api/mirror/v1/behalf", "__Host-guest=" GUEST), 200,
           arena_printf(shop.arena, " %d sign_in_required", ERR_UNAUTHENTICATED));
}

static void test_browser__the_description_names_the_cookie(void **state)
{
    (void)state;
    assert_string_equal(OPENAPI_SESSION_COOKIE, COOKIE_SESSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_browser__a_change_by_cookie_needs_the_token),
        cmocka_unit_test(test_browser__a_refusal_brings_the_token_that_was_missing),
        cmocka_unit_test(test_browser__without_a_cookie_of_ours_nothing_is_asked),
        cmocka_unit_test(test_browser__a_bearer_needs_no_token),
        cmocka_unit_test(test_browser__what_another_site_sends_is_refused),
        cmocka_unit_test(test_browser__the_session_cookie_is_an_access_token),
        cmocka_unit_test(test_browser__a_bad_session_cookie_is_nobody_or_refused),
        cmocka_unit_test(test_browser__a_guest_cookie_is_a_guests_token),
        cmocka_unit_test(test_browser__a_cookie_header_comes_once),
        cmocka_unit_test(test_browser__a_new_guests_token_goes_into_the_cookie_alone),
        cmocka_unit_test(test_browser__a_cached_row_looks_at_no_cookie),
        cmocka_unit_test(test_browser__what_sets_a_cookie_is_kept_by_nobody),
        cmocka_unit_test(test_browser__a_service_is_asked_on_behalf_of_the_visitor),
        cmocka_unit_test(test_browser__the_description_names_the_cookie),
    };

    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    return cmocka_run_group_tests_name("browser", tests, begin, end);
}
