/* Proves what pages promise: they show what the services say, change with it at once, are kept for nobody else where
 * they are a person's, let no text out of its place, and say politely why there is none. */
#include "platform/ports/fault.h"
#include "platform/service/response_cache.h"
#include "platform/service/test_host.h"
#include "services/catalog/test_catalog.h"
#include "services/services.h"
#include "services/shell/test_shell_web.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PRODUCTS_BEYOND_A_PAGE 30

static struct test_host fixture;
static char web[TEST_FOLDER_BYTES];

static int begin(void **state)
{
    static const struct service *const services[] = {&catalog_service, &shell_service, NULL};
    static char setting[TEST_FOLDER_BYTES + 20];
    static char *environment[] = {setting, NULL};

    (void)state;
    fixture.faults = fault_plan_new();
    assert_non_null(fixture.faults);
    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    test_folder_make(web);
    test_web_fill(web);
    snprintf(setting, sizeof(setting), "SHOPSTREAM_WEB=%s", web);
    test_host_start(&fixture, services, environment);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_host_end(&fixture);
    fault_plan_free(fixture.faults);
    test_folder_remove(web);
    return 0;
}

/* -- Words --------------------------------------------------------------------------------------------------------- */

static struct test_answer get_with(const char *path, const char *name, const char *value)
{
    const char *headers[] = {"accept", "text/html,*/*;q=0.8", name, value, NULL};

    return test_host_http(&fixture, HTTP_GET, path, headers, NULL);
}

static struct test_answer get(const char *path)
{
    return get_with(path, NULL, NULL);
}

static bool has(struct test_answer answer, const char *part)
{
    return str_find(answer.body, str_from_cstr(part)) >= 0;
}

static const char *header(struct test_answer answer, const char *name)
{
    return test_host_header(&fixture, &answer, name);
}

static Catalog__Product *add_product(const char *title, const char *category, const char *brand)
{
    static int number;

    return test_catalog_create(&fixture, &(struct test_product){
                                             .title = title,
                                             .category = category,
                                             .brand = brand,
                                             .description = "A thing for the house.",
                                             .code = arena_printf(fixture.arena, "SKU-%d", ++number),
                                             .amount = 1999,
                                             .available = 3,
                                         });
}

static void rename_product(Catalog__Product *product, const char *title)
{
    Catalog__UpdateProductRequest in = CATALOG__UPDATE_PRODUCT_REQUEST__INIT;
    Catalog__Product out = CATALOG__PRODUCT__INIT;
    struct call *call = test_host_call(&fixture, "catalog");

    in.id = product->id;
    in.title = (char *)(uintptr_t)title;
    assert_int_equal(catalog_update_product(call, &in, &out), 0);
}

static const char *path_of(const Catalog__Product *product)
{
    return arena_printf(fixture.arena, "/products/%s", product->slug);
}

static uint64_t count_hits(void)
{
    struct response_cache_stats stats;

    response_cache_get_stats(fixture.host->responses, &stats);
    return stats.hits;
}

/* -- A page -------------------------------------------------------------------------------------------------------- */

static void test_page__shows_a_product(void **state)
{
    (void)state;
    Catalog__Product *product = add_product("Copper kettle", "kettles", "Alder");
    struct test_answer page = get(path_of(product));

    add_product("Iron kettle", "kettles", "Birk");
    assert_int_equal(page.status, 200);
    assert_string_equal(header(page, "Content-Type"), "text/html; charset=utf-8");
    assert_string_equal(header(page, "Cache-Control"), "public, no-cache");
    assert_true(has(page, "<html lang=\"en\" data-kind=\"product\">"));
    assert_true(has(page, "<title>Copper kettle – Shopstream</title>"));
    assert_true(has(page, "<link rel=\"canonical\" href=\"http://localhost:3000/products/copper-kettle\">"));
    assert_true(has(page, "<meta property=\"og:title\" content=\"Copper kettle – Shopstream\">"));
    assert_true(has(page, "<script defer src=\"/assets/shell/main.1a2b3c.js\"></script>"));
    assert_true(has(page, "\"@type\":\"Offer\",\"price\":\"19.99\",\"priceCurrency\":\"EUR\","
                          "\"availability\":\"https://schema.org/InStock\""));
    assert_true(has(page, "{\"@type\":\"ListItem\",\"position\":2,\"name\":\"Kettles\","
                          "\"item\":\"http://localhost:3000/c/kettles\"}"));
    assert_true(has(page, "<script id=\"page\" type=\"application/json\">{\"kind\":\"product\","));
    assert_true(has(page, "\"category\":{\"label\":\"Kettles\",\"href\":\"/c/kettles\"}"));
    assert_non_null(strstr(header(page, "Link"), "</assets/shell/main.4d5e6f.css>; rel=preload; as=style"));
    assert_true(has(get(path_of(product)), "Iron kettle")); /* related, as it came */
}

/* A second variant, which is dearer. */
static void add_variant(Catalog__Product *product, const char *colour, int64_t available)
{
    Catalog__UpdateProductRequest in = CATALOG__UPDATE_PRODUCT_REQUEST__INIT;
    Catalog__Product out = CATALOG__PRODUCT__INIT;
    Catalog__NewSku sku = CATALOG__NEW_SKU__INIT, *skus[] = {&sku};
    Catalog__NewSku__AttributesEntry attribute = CATALOG__NEW_SKU__ATTRIBUTES_ENTRY__INIT, *attributes[] = {&attribute};
    Common__Money price = COMMON__MONEY__INIT;

    price.has_amount = true;
    price.amount = 2999;
    price.currency = (char *)"EUR";
    attribute.key = (char *)"colour";
    attribute.value = (char *)(uintptr_t)colour;
    sku.code = arena_printf(fixture.arena, "%s-%s", product->slug, colour);
    sku.attributes = attributes;
    sku.n_attributes = 1;
    sku.price = &price;
    sku.has_available = true;
    sku.available = available;
    in.id = product->id;
    in.skus = skus;
    in.n_skus = 1;
    assert_int_equal(catalog_update_product(test_host_call(&fixture, "catalog"), &in, &out), 0);
}

/* A list says of a product what a card shows: from which price, in which colours, whether any is left. */
static void test_page__lists_show_cards(void **state)
{
    (void)state;
    Catalog__Product *plain = test_catalog_create(
        &fixture, &(struct test_product){
                      .title = "Tin jug", .category = "jugs", .code = "JUG-1", .colour = "moss", .amount = 1999});
    struct test_answer page = get("/api/shell/v1/pages?path=/c/jugs");

    assert_true(has(page, "\"products\":[{\"slug\":\"tin-jug\",\"title\":\"Tin jug\","));
    assert_true(has(page, "\"price\":{\"amount\":1999,\"currency\":\"EUR\"},\"sold_out\":true,"
                          "\"options\":[{\"name\":\"colour\",\"values\":[\"moss\"]}]}]"));
    add_variant(plain, "rust", 2);
    page = get("/api/shell/v1/pages?path=/c/jugs");
    assert_true(has(page, "\"price\":{\"amount\":1999,\"currency\":\"EUR\"},\"price_varies\":true,"
                          "\"options\":[{\"name\":\"colour\",\"values\":[\"moss\",\"rust\"]}]}]"));
    assert_false(has(page, "\"skus\""));
}

static void test_page__has_the_policies_of_a_page(void **state)
{
    (void)state;
    static const char *const paths[] = {"/", "/search?q=x", "/login", "/nothing"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct test_answer page = get(paths[i]);
        const char *policy = header(page, "Content-Security-Policy");

        assert_non_null(strstr(policy, "default-src 'self'; script-src 'self'; style-src 'self';"));
        assert_non_null(
            strstr(policy, "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"));
        assert_null(strstr(policy, "unsafe"));
        assert_string_equal(header(page, "X-Content-Type-Options"), "nosniff");
        assert_string_equal(header(page, "Referrer-Policy"), "strict-origin-when-cross-origin");
        assert_non_null(header(page, "Permissions-Policy"));
        assert_non_null(header(page, "Cross-Origin-Opener-Policy"));
    }
}

/* What could end a script, a tag or an attribute, or begin a comment. */
static void test_page__lets_no_text_out_of_its_place(void **state)
{
    (void)state;
    Catalog__Product *product =
        add_product("</script><script>alert('1')</script>\"><!--\xe2\x80\xa8", "hostile", "</title>\"'<b>");
    struct test_answer pages[] = {get(path_of(product)), get("/c/hostile"),
                                  get("/search?q=%3C/script%3E%3Cscript%3Ealert(1)%3C/script%3E")};

    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        assert_int_equal(pages[i].status, 200);
        assert_false(has(pages[i], "<script>alert"));
        assert_false(has(pages[i], "<!--"));
        assert_false(has(pages[i], "\xe2\x80\xa8"
                                   "\""));
        assert_false(has(pages[i], "</title>\"'"));
    }
    assert_true(
        has(pages[0], "<title>&lt;/script&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&gt;&lt;!--"));
    assert_true(has(pages[0], "\"name\":\"\\u003c/script>\\u003cscript>alert('1')"));
}

static void test_page__is_json_by_its_schema_too(void **state)
{
    (void)state;
    Catalog__Product *product = add_product("Oak stool", "stools", NULL);
    struct test_answer page =
        get(arena_printf(fixture.arena, "/api/shell/v1/pages?path=/products/%s%%3Fx=y", product->slug));

    assert_int_equal(page.status, 200);
    assert_string_equal(header(page, "Content-Type"), "application/json");
    assert_true(has(page, "{\"kind\":\"product\",\"path\":\"/products/oak-stool?x=y\","));
    assert_int_equal(get("/api/shell/v1/pages?path=/products/none").status, 404);
    assert_int_equal(get("/api/shell/v1/pages?path=nonsense").status, 404);
    assert_int_equal(get("/api/shell/v1/pages?path=/orders").status, 401);
}

/* -- Kept ---------------------------------------------------------------------------------------------------------- */

static void test_page__is_kept_until_what_it_shows_changes(void **state)
{
    (void)state;
    Catalog__Product *product = add_product("Linen apron", "aprons", "Fenn");
    const char *paths[] = {path_of(product), "/c/aprons", "/search?q=apron"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct test_answer first = get(paths[i]);
        uint64_t hits = count_hits();
        struct test_answer again = get_with(paths[i], "if-none-match", header(first, "ETag"));

        assert_true(has(first, "Linen apron"));
        assert_int_equal(again.status, 304);
        assert_int_equal(again.body.len, 0);
        assert_int_equal(count_hits(), hits + 1);
        rename_product(product, "Cotton apron");
        struct test_answer changed = get_with(paths[i], "if-none-match", header(first, "ETag"));
        assert_int_equal(changed.status, 200);
        assert_true(has(changed, "Cotton apron"));
        assert_false(has(changed, "Linen apron"));
        rename_product(product, "Linen apron");
    }
}

static void test_page__that_is_not_there_is_not_kept(void **state)
{
    (void)state;
    assert_int_equal(get("/products/late-lamp").status, 404);
    assert_int_equal(get("/c/late-lamps").status, 404);
    add_product("Late lamp", "late-lamps", NULL);
    assert_int_equal(get("/products/late-lamp").status, 200);
    assert_int_equal(get("/c/late-lamps").status, 200);
}

static void test_page__of_a_person_is_kept_by_nobody(void **state)
{
    (void)state;
    static const char *const paths[] = {"/cart", "/login?return_to=/cart", "/signup", "/verify", "/forgot"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct test_answer page = get(paths[i]);
        uint64_t hits = count_hits();

        assert_int_equal(page.status, 200);
        assert_string_equal(header(page, "Cache-Control"), "private, no-store");
        assert_null(header(page, "ETag"));
        assert_true(has(page, "<meta name=\"robots\" content=\"noindex\">"));
        get(paths[i]);
        assert_int_equal(count_hits(), hits);
    }
}

/* -- Lists --------------------------------------------------------------------------------------------------------- */

static const char *find_next(struct test_answer page)
{
    ptrdiff_t at = str_find(page.body, STR("\"next_href\":\""));
    struct str rest = str_skip(page.body, (size_t)at + sizeof("\"next_href\":\"") - 1);

    return at < 0 ? NULL : arena_cstr(fixture.arena, str_slice(rest, 0, (size_t)str_find_char(rest, '"')));
}

static void test_listing__goes_by_plain_links(void **state)
{
    (void)state;
    for (int i = 0; i < PRODUCTS_BEYOND_A_PAGE; i++)
        add_product(arena_printf(fixture.arena, "Paged %02d", i), "paged", i % 2 ? "Odd & Sons" : "Even");
    struct test_answer first = get("/c/paged?sort=title");
    const char *next = find_next(first);

    assert_true(has(first, "\"title\":\"Paged 00\""));
    assert_false(has(first, "\"title\":\"Paged 29\""));
    assert_false(has(first, "\"first_href\""));
    assert_true(has(first, "<link rel=\"canonical\" href=\"http://localhost:3000/c/paged\">"));
    assert_true(has(first, "{\"label\":\"A to Z\",\"href\":\"/c/paged?sort=title\",\"selected\":true}"));
    assert_true(has(first, "{\"label\":\"Newest\",\"href\":\"/c/paged\"}"));
    assert_true(has(first, "\"href\":\"/c/paged?brand=Odd%20%26%20Sons&sort=title\""));
    assert_non_null(next);
    struct test_answer second = get(next);
    assert_true(has(second, "\"title\":\"Paged 29\""));
    assert_true(has(second, "\"first_href\":\"/c/paged?sort=title\""));
    assert_null(find_next(second));
    assert_true(has(second, "<link rel=\"canonical\" href=\"http://localhost:3000/c/paged\">"));
}

static void test_listing__a_choice_links_to_its_end(void **state)
{
    (void)state;
    add_product("Blue cup", "cups", "Odd & Sons");
    add_product("Red cup", "cups", "Even");
    struct test_answer page = get("/c/cups?brand=Odd+%26+Sons&unknown=1&sort=nonsense");

    assert_true(has(page, "\"title\":\"Blue cup\""));
    assert_false(has(page, "\"title\":\"Red cup\""));
    assert_true(has(page, "\"label\":\"Odd & Sons\",\"href\":\"/c/cups\""));
    assert_true(has(get("/c/cups?brand=ODD+%26+sons"), "\"label\":\"Odd & Sons\",\"href\":\"/c/cups\""));
    assert_true(has(page, "\"clear_href\":\"/c/cups\""));
    assert_int_equal(get("/c/cups?cursor=invented").status, 400);
    assert_int_equal(get("/c/cups?brand=%ff").status, 400);
    assert_int_equal(get("/products/%zz").status, 400);
}

/* -- Whose --------------------------------------------------------------------------------------------------------- */

static void test_page__sends_to_sign_in_and_back(void **state)
{
    (void)state;
    struct test_answer answer = get("/orders?cursor=a%26b");

    assert_int_equal(answer.status, 303);
    assert_string_equal(header(answer, "Location"), "/login?return_to=%2Forders%3Fcursor%3Da%2526b");
    assert_string_equal(header(get("/account"), "Location"), "/login?return_to=%2Faccount");
    assert_true(has(get("/login?return_to=%2Forders%3Fcursor%3Da%2526b"), "\"return_to\":\"/orders?cursor=a%26b\""));
    assert_false(has(get("/login?return_to=//evil.example"), "\"return_to\""));
    assert_false(has(get("/login?return_to=https://evil.example"), "\"return_to\""));
}

/* -- None ---------------------------------------------------------------------------------------------------------- */

static void test_problem__is_a_page_for_who_takes_html(void **state)
{
    (void)state;
    static const char *const paths[] = {"/nothing", "/products/nothing", "/c/nothing", "/products/a/b"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct test_answer page = get(paths[i]);
        struct test_answer problem = test_host_http(&fixture, HTTP_GET, paths[i], NULL, NULL);

        assert_int_equal(page.status, 404);
        assert_string_equal(header(page, "Content-Type"), "text/html; charset=utf-8");
        assert_string_equal(header(page, "Cache-Control"), "private, no-store");
        assert_true(has(page, "data-kind=\"error\""));
        assert_true(has(page, "\"error\":{\"status\":404,\"title\":\"There is nothing here\""));
        assert_true(has(page, "\"trace_id\":\""));
        assert_int_equal(problem.status, 404);
        assert_string_equal(header(problem, "Content-Type"), "application/problem+json");
    }
    assert_string_equal(header(get("/api/nothing"), "Content-Type"), "application/problem+json");
    assert_string_equal(header(get("/api/catalog/v1/products/nothing"), "Content-Type"), "application/problem+json");
}

/* The orders service does not run here. */
static void test_problem__of_a_service_that_is_down_says_so(void **state)
{
    (void)state;
    struct test_answer page = get_with("/cart", "x-guest-token", "0123456789abcdef0123456789abcdef");

    assert_int_equal(page.status, 503);
    assert_true(has(page, "\"status\":503,\"title\":\"The shop needs a moment\""));
    assert_non_null(header(page, "Retry-After"));
    assert_int_equal(get("/").status, 200);
}

/* The page says so while it lasts, is kept by nobody, and is there again afterwards. */
static void test_problem__of_a_database_that_fails_says_so(void **state)
{
    (void)state;
    static const struct {
        struct fault_rule rule;
        int status;
        const char *words;
    } cases[] = {
        {{.port = FAULT_SQL, .call = "read"}, 503, "The shop needs a moment"},
        {{.port = FAULT_SQL, .call = "read", .error = ERR_DEADLINE}, 504, "That took too long"},
        {{.port = FAULT_SQL, .call = "read", .error = ERR_NO_MEMORY}, 503, "The shop needs a moment"},
        {{.port = FAULT_SQL, .call = "read", .error = ERR_CORRUPT}, 500, "Something went wrong"},
    };
    const char *path = path_of(add_product("Frail jug", "jugs", NULL));
    const char *const paths[] = {"/", "/c/jugs", "/search?q=frail", path};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        add_product("Another jug", "jugs", NULL); /* so that none of the pages is kept */
        for (size_t j = 0; j < sizeof(paths) / sizeof(paths[0]); j++) {
            assert_int_equal(fault_plan_set(fixture.faults, &cases[i].rule, 1), 0);
            struct test_answer page = get(paths[j]);

            assert_true(fault_plan_faults(fixture.faults) > 0);
            assert_int_equal(fault_plan_set(fixture.faults, NULL, 0), 0);
            assert_int_equal(page.status, cases[i].status);
            assert_true(has(page, cases[i].words));
            assert_string_equal(header(page, "Content-Type"), "text/html; charset=utf-8");
            assert_string_equal(header(page, "Cache-Control"), "private, no-store");
            assert_true((header(page, "Retry-After") != NULL) == (cases[i].status == 503));
            assert_int_equal(get(paths[j]).status, 200);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page__shows_a_product),
        cmocka_unit_test(test_page__lists_show_cards),
        cmocka_unit_test(test_page__has_the_policies_of_a_page),
        cmocka_unit_test(test_page__lets_no_text_out_of_its_place),
        cmocka_unit_test(test_page__is_json_by_its_schema_too),
        cmocka_unit_test(test_page__is_kept_until_what_it_shows_changes),
        cmocka_unit_test(test_page__that_is_not_there_is_not_kept),
        cmocka_unit_test(test_page__of_a_person_is_kept_by_nobody),
        cmocka_unit_test(test_listing__goes_by_plain_links),
        cmocka_unit_test(test_listing__a_choice_links_to_its_end),
        cmocka_unit_test(test_page__sends_to_sign_in_and_back),
        cmocka_unit_test(test_problem__is_a_page_for_who_takes_html),
        cmocka_unit_test(test_problem__of_a_service_that_is_down_says_so),
        cmocka_unit_test(test_problem__of_a_database_that_fails_says_so),
    };

    return cmocka_run_group_tests_name("shell pages", tests, begin, end);
}
