/* Proves creating, changing, showing and deleting products by HTTP: versions, slugs, codes, and that cached replies
 * follow every change. */
#include "platform/service/test_json.h"
#include "services/catalog/test_catalog_fixture.h"

#define PRODUCTS "/api/catalog/v1/products"

static const char *merchandiser(void)
{
    return fixture_bearer(ROLE_MERCHANDISER);
}

static struct test_answer send_as(const char *bearer, enum http_method method, const char *target, const char *if_match,
                                  const char *body)
{
    const char *headers[] = {"authorization", bearer, if_match ? "if-match" : NULL, if_match, NULL};

    return test_host_http(&fixture, method, target, headers, body);
}

static const char *path_of(const char *id)
{
    return arena_printf(fixture.arena, PRODUCTS "/%s", id);
}

static void test_catalog_products__creates_by_http(void **state)
{
    struct test_answer answer = send_as(
        merchandiser(), HTTP_POST, PRODUCTS, NULL,
        "{\"title\":\"Oak Table\",\"brand\":\"Granholm\",\"category\":\"furniture\",\"description\":\"A table.\","
        "\"price\":{\"amount\":9900,\"currency\":\"EUR\"},\"skus\":[{\"code\":\"OAK-1\",\"attributes\":{\"size\":\"M\"}"
        ","
        "\"available\":3},{\"code\":\"OAK-2\",\"attributes\":{\"size\":\"L\"},\"price\":{\"amount\":8900,"
        "\"currency\":\"EUR\"}}]}");

    (void)state;
    assert_int_equal(answer.status, 201);
    assert_true(fixture_has(answer.body, "\"slug\":\"oak-table\""));
    assert_true(fixture_has(answer.body, "\"price\":{\"amount\":8900,\"currency\":\"EUR\"},\"version\":1"));
    assert_true(fixture_has(answer.body,
                            "\"attributes\":{\"size\":\"M\"},\"price\":{\"amount\":9900,\"currency\":\"EUR\"},"
                            "\"available\":3"));
    assert_true(str_starts_with(str_from_cstr(fixture_header(&answer, "etag")), STR("\"1-")));
    struct test_answer shown = fixture_get(PRODUCTS "/oak-table");
    assert_int_equal(shown.status, 200);
    assert_true(str_equal(shown.body, answer.body));
}

static void test_catalog_products__only_merchandisers_may_write(void **state)
{
    const char *body = "{\"title\":\"X\",\"category\":\"x\",\"price\":{\"amount\":1,\"currency\":\"EUR\"},"
                       "\"skus\":[{\"code\":\"X\"}]}";

    (void)state;
    assert_int_equal(test_host_http(&fixture, HTTP_POST, PRODUCTS, NULL, body).status, 401);
    assert_int_equal(send_as(fixture_bearer(ROLE_CUSTOMER), HTTP_POST, PRODUCTS, NULL, body).status, 403);
    assert_int_equal(send_as(fixture_bearer(ROLE_SUPPORT), HTTP_POST, PRODUCTS, NULL, body).status, 403);
    assert_int_equal(send_as(fixture_bearer(ROLE_ADMIN), HTTP_POST, PRODUCTS, NULL, body).status, 201);
}

static void test_catalog_products__equal_titles_get_slugs_of_their_own(void **state)
{
    char code[16];

    (void)state;
    for (int i = 1; i <= 12; i++) {
        snprintf(code, sizeof(code), "TWIN-%d", i);
        Catalog__Product *p = fixture_create(&(struct test_product){.title = "Twin", .code = code, .amount = 1});

        assert_true(i > 1 || strcmp(p->slug, "twin") == 0);
        assert_true(i != 9 || strcmp(p->slug, "twin-9") == 0);
        assert_int_equal(fixture_get(path_of(p->slug)).status, 200);
    }
}

static void test_catalog_products__a_code_is_taken_once(void **state)
{
    (void)state;
    fixture_create(&(struct test_product){.title = "First", .code = "TAKEN", .amount = 1});
    struct test_answer answer = send_as(merchandiser(), HTTP_POST, PRODUCTS, NULL,
                                        "{\"title\":\"Second\",\"category\":\"x\",\"price\":{\"amount\":1,\"currency\":"
                                        "\"EUR\"},\"skus\":[{\"code\":\"NEW\"},{\"code\":\"TAKEN\"}]}");
    assert_int_equal(answer.status, 409);
    assert_true(fixture_has(answer.body, "sku_code_taken"));
    assert_true(fixture_has(answer.body, "/skus/1/code"));
    assert_int_equal(fixture_get(PRODUCTS "/second").status, 404);
    answer = send_as(merchandiser(), HTTP_POST, PRODUCTS, NULL,
                     "{\"title\":\"Third\",\"category\":\"x\",\"price\":{\"amount\":1,\"currency\":\"EUR\"},"
                     "\"skus\":[{\"code\":\"SAME\"},{\"code\":\"SAME\"}]}");
    assert_int_equal(answer.status, 400);
}

static void test_catalog_products__an_edit_names_the_version(void **state)
{
    Catalog__Product *p =
        fixture_create(&(struct test_product){.title = "Edited", .code = "EDIT", .amount = 500, .available = 4});
    const char *path = path_of(p->id), *bearer = merchandiser();
    const char *stock = arena_printf(fixture.arena, "/api/catalog/v1/skus/%s/stock", p->skus[0]->id);
    struct test_answer answer = send_as(bearer, HTTP_PATCH, path, NULL, "{\"title\":\"Changed\"}");

    (void)state;
    assert_int_equal(answer.status, 428);
    answer = fixture_get(path);
    const char *etag = fixture_header(&answer, "etag");
    /* A sale of stock never spoils an edit. */
    assert_int_equal(send_as(bearer, HTTP_PUT, stock, NULL, "{\"on_hand\":9}").status, 200);
    answer = send_as(bearer, HTTP_PATCH, path, etag,
                     "{\"title\":\"Changed\",\"price\":{\"amount\":700,\"currency\":"
                     "\"USD\"}}");
    assert_int_equal(answer.status, 200);
    assert_true(fixture_has(answer.body, "\"version\":2"));
    assert_true(fixture_has(answer.body, "\"slug\":\"edited\""));
    assert_true(fixture_has(answer.body, "\"price\":{\"amount\":700,\"currency\":\"USD\"}"));
    assert_true(fixture_has(answer.body, "\"available\":9"));
    assert_int_equal(send_as(bearer, HTTP_PATCH, path, etag, "{\"title\":\"Late\"}").status, 412);
    assert_int_equal(send_as(bearer, HTTP_DELETE, path, etag, NULL).status, 412);
    /* What changes nothing makes no new version. */
    answer = send_as(bearer, HTTP_PATCH, path, "\"2-0\"", "{\"title\":\"Changed\"}");
    assert_true(fixture_has(answer.body, "\"version\":2"));
    assert_int_equal(send_as(bearer, HTTP_DELETE, path, "\"2-0\"", NULL).status, 204);
    assert_int_equal(fixture_get(path).status, 404);
    assert_int_equal(fixture_get(stock).status, 404);
}

static void test_catalog_products__skus_are_changed_and_added_by_code(void **state)
{
    Catalog__Product *p =
        fixture_create(&(struct test_product){.title = "Grown", .code = "GROW-1", .amount = 500, .available = 4});
    struct test_answer answer = send_as(merchandiser(), HTTP_PATCH, path_of(p->id), "\"1-0\"",
                                        "{\"skus\":[{\"code\":\"GROW-1\",\"attributes\":{\"size\":\"S\"}},"
                                        "{\"code\":\"GROW-2\",\"available\":2,\"prices\":[{\"amount\":450,\"currency\":"
                                        "\"GBP\"}]}]}");

    (void)state;
    assert_int_equal(answer.status, 200);
    assert_true(fixture_has(answer.body, p->skus[0]->id));
    assert_true(fixture_has(answer.body,
                            "\"code\":\"GROW-1\",\"attributes\":{\"size\":\"S\"},\"price\":{\"amount\":500,"
                            "\"currency\":\"EUR\"},\"available\":4"));
    answer = fixture_get(arena_printf(fixture.arena, PRODUCTS "/%s?currency=GBP", p->id));
    assert_true(fixture_has(answer.body, "\"price\":{\"amount\":450,\"currency\":\"GBP\"}"));
    assert_false(fixture_has(answer.body, "GROW-1"));
    answer = send_as(merchandiser(), HTTP_PATCH, path_of(p->id), "\"2-0\"",
                     "{\"skus\":[{\"code\":\"GROW-3\",\"price\":{\"amount\":1,\"currency\":\"GBP\"}}]}");
    assert_int_equal(answer.status, 400);
    assert_true(fixture_has(answer.body, "currency_differs"));
}

/* Adds PREFIX-first to PREFIX-last to the product, for 100 EUR times their number, and 10 more in USD. */
static int add_priced_skus(const char *product, const char *if_match, const char *prefix, int first, int last)
{
    const char *skus = "";

    for (int i = first; i <= last; i++)
        skus = arena_printf(fixture.arena,
                            "%s%s{\"code\":\"%s-%d\",\"price\":{\"amount\":%d,\"currency\":\"EUR\"},"
                            "\"prices\":[{\"amount\":%d,\"currency\":\"USD\"}]}",
                            skus, skus[0] ? "," : "", prefix, i, 100 * i, 100 * i + 10);
    return send_as(merchandiser(), HTTP_PATCH, path_of(product), if_match,
                   arena_printf(fixture.arena, "{\"skus\":[%s]}", skus))
        .status;
}

/* Removes the product's SKU of that place. */
static struct test_answer remove_sku(const char *product, size_t index, const char *if_match)
{
    struct test_answer shown = fixture_get(path_of(product));
    const char *id = test_json_text(fixture.arena, shown.body, arena_printf(fixture.arena, "/skus/%zu/id", index));

    return send_as(merchandiser(), HTTP_DELETE, arena_printf(fixture.arena, "%s/skus/%s", path_of(product), id),
                   if_match, NULL);
}

static void test_catalog_products__a_sku_is_removed_alone(void **state)
{
    Catalog__Product *p = fixture_create(&(struct test_product){
        .title = "Shrunk", .code = "SHRINK-1", .category = "shrunk", .amount = 100, .available = 4});
    const char *stock = arena_printf(fixture.arena, "/api/catalog/v1/skus/%s/stock", p->skus[0]->id);

    (void)state;
    assert_int_equal(add_priced_skus(p->id, "\"1-0\"", "SHRINK", 2, 4), 200);
    assert_true(fixture_has(fixture_get(PRODUCTS "?category=shrunk").body, "SHRINK-1"));
    assert_int_equal(remove_sku(p->id, 0, NULL).status, 428);
    assert_int_equal(remove_sku(p->id, 0, "\"1-0\"").status, 412);
    struct test_answer answer = remove_sku("shrunk", 0, "\"2-0\"");
    assert_int_equal(answer.status, 200);
    assert_true(fixture_has(answer.body, "\"price\":{\"amount\":200,\"currency\":\"EUR\"},\"version\":3"));
    assert_true(str_starts_with(str_from_cstr(fixture_header(&answer, "etag")), STR("\"3-")));
    assert_int_equal(test_json_count(answer.body, "/skus"), 3);
    /* Lists and stock know of it no more, whatever was cached. */
    assert_false(fixture_has(fixture_get(PRODUCTS "?category=shrunk").body, "SHRINK-1"));
    assert_true(fixture_has(fixture_get(PRODUCTS "?category=shrunk&sort=price_asc").body, "\"amount\":200"));
    assert_int_equal(fixture_get(stock).status, 404);
}

/* The others keep their order and their prices, also beside one that is added; a code is free again. */
static void test_catalog_products__skus_beside_a_removed_one_stay_in_order(void **state)
{
    static const int left[] = {3, 4, 1};
    Catalog__Product *p = fixture_create(&(struct test_product){.title = "Row", .code = "ROW-1", .amount = 100});

    (void)state;
    assert_int_equal(add_priced_skus(p->id, "\"1-0\"", "ROW", 2, 4), 200);
    assert_int_equal(remove_sku(p->id, 0, "\"2-0\"").status, 200);
    assert_int_equal(remove_sku(p->id, 0, "\"3-0\"").status, 200);
    assert_int_equal(add_priced_skus(p->id, "\"4-0\"", "ROW", 1, 1), 200);
    struct test_answer answer = fixture_get(arena_printf(fixture.arena, "%s?currency=USD", path_of(p->id)));
    assert_int_equal(test_json_count(answer.body, "/skus"), 3);
    for (size_t i = 0; i < 3; i++) {
        const char *code = arena_printf(fixture.arena, "/skus/%zu/code", i);
        assert_string_equal(test_json_text(fixture.arena, answer.body, code),
                            arena_printf(fixture.arena, "ROW-%d", left[i]));
        assert_int_equal(test_json_int(answer.body, arena_printf(fixture.arena, "/skus/%zu/price/amount", i)),
                         100 * left[i] + 10);
    }
    assert_int_equal(remove_sku(p->id, 2, "\"5-0\"").status, 200);
}

static void test_catalog_products__what_is_no_sku_of_it_and_the_last_one_stay(void **state)
{
    Catalog__Product *p = fixture_create(&(struct test_product){.title = "Single", .code = "SINGLE", .amount = 100});
    Catalog__Product *q = fixture_create(&(struct test_product){.title = "Other", .code = "OTHER", .amount = 100});
    const char *path = arena_printf(fixture.arena, "%s/skus/%s", path_of(p->id), q->skus[0]->id);
    struct test_answer answer = send_as(merchandiser(), HTTP_DELETE, path, "\"1-0\"", NULL);

    (void)state;
    assert_int_equal(answer.status, 404);
    assert_true(fixture_has(answer.body, "sku_not_found"));
    answer = remove_sku(p->id, 0, "\"1-0\"");
    assert_int_equal(answer.status, 409);
    assert_true(fixture_has(answer.body, "last_sku"));
    assert_true(fixture_has(fixture_get(path_of(p->id)).body, "\"version\":1"));
    path = arena_printf(fixture.arena, "%s/skus/%s", path_of(p->id), p->skus[0]->id);
    assert_int_equal(send_as(fixture_bearer(ROLE_CUSTOMER), HTTP_DELETE, path, "\"1-0\"", NULL).status, 403);
}

static void test_catalog_products__cached_replies_follow_each_change(void **state)
{
    Catalog__Product *p = fixture_create(&(struct test_product){
        .title = "Cached", .code = "CACHE", .category = "cached", .amount = 500, .available = 4});
    const char *list = PRODUCTS "?category=cached", *bearer = merchandiser();
    const char *stock = arena_printf(fixture.arena, "/api/catalog/v1/skus/%s/stock", p->skus[0]->id);

    (void)state;
    assert_true(fixture_has(fixture_get(list).body, "\"available\":4"));
    assert_true(fixture_has(fixture_get(list).body, "\"available\":4"));
    assert_true(fixture_has(fixture_get(path_of(p->id)).body, "\"available\":4"));
    assert_int_equal(send_as(bearer, HTTP_PUT, stock, NULL, "{\"on_hand\":8}").status, 200);
    assert_true(fixture_has(fixture_get(list).body, "\"available\":8"));
    assert_true(fixture_has(fixture_get(path_of(p->id)).body, "\"available\":8"));
    assert_true(fixture_has(fixture_get("/api/catalog/v1/categories").body,
                            "{\"slug\":\"cached\",\"title\":\"Cached\",\"product_count\":1}"));
    Catalog__Product *q = fixture_create(
        &(struct test_product){.title = "Cached too", .code = "CACHE-2", .category = "cached", .amount = 5});
    assert_true(fixture_has(fixture_get(list).body, "Cached too"));
    assert_true(fixture_has(fixture_get("/api/catalog/v1/categories").body, "\"product_count\":2}"));
    assert_int_equal(send_as(bearer, HTTP_PATCH, path_of(q->id), "\"1-0\"", "{\"category\":\"elsewhere\"}").status,
                     200);
    assert_false(fixture_has(fixture_get(list).body, "Cached too"));
    assert_int_equal(send_as(bearer, HTTP_DELETE, path_of(p->id), "\"1-0\"", NULL).status, 204);
    assert_false(fixture_has(fixture_get(list).body, p->id));
    assert_false(fixture_has(fixture_get("/api/catalog/v1/categories").body, "\"slug\":\"cached\""));
}

static void test_catalog_products__get_skus_in_order_and_priced(void **state)
{
    Catalog__SkuPrice usd = CATALOG__SKU_PRICE__INIT, *prices[] = {&usd};
    Catalog__GetSkusRequest in = CATALOG__GET_SKUS_REQUEST__INIT;
    Catalog__GetSkusReply out = CATALOG__GET_SKUS_REPLY__INIT;

    (void)state;
    usd.has_amount = true;
    usd.amount = 1234;
    usd.currency = (char *)"USD";
    Catalog__Product *a = fixture_create(&(struct test_product){
        .title = "Priced", .code = "PRICED", .amount = 1000, .prices = prices, .price_count = 1, .available = 7});
    Catalog__Product *b = fixture_create(&(struct test_product){.title = "Plain", .code = "PLAIN", .amount = 900});
    char *ids[] = {b->skus[0]->id, (char *)"no-such", a->skus[0]->id, b->skus[0]->id};
    in.ids = ids;
    in.n_ids = 4;
    assert_int_equal(catalog_get_skus(fixture_call(), &in, &out), 0);
    assert_int_equal(out.n_skus, 2);
    assert_string_equal(out.skus[0]->code, "PLAIN");
    assert_int_equal(out.skus[0]->price->amount, 900);
    assert_string_equal(out.skus[1]->title, "Priced");
    assert_string_equal(out.skus[1]->product_slug, "priced");
    assert_int_equal(out.skus[1]->available, 7);
    in.currency = (char *)"USD";
    catalog__get_skus_reply__init(&out);
    assert_int_equal(catalog_get_skus(fixture_call(), &in, &out), 0);
    assert_int_equal(out.n_skus, 1);
    assert_int_equal(out.skus[0]->price->amount, 1234);
    assert_string_equal(out.skus[0]->price->currency, "USD");
}

static const char *cover_of(const char *category)
{
    Catalog__ListCoversRequest in = CATALOG__LIST_COVERS_REQUEST__INIT;
    Catalog__ListCoversReply out = CATALOG__LIST_COVERS_REPLY__INIT;

    in.currency = (char *)"EUR";
    in.region = (char *)"DE";
    in.has_limit = true;
    in.limit = 100;
    assert_int_equal(catalog_list_covers(fixture_call(), &in, &out), 0);
    for (size_t i = 0; i < out.n_covers; i++)
        if (strcmp(out.covers[i]->category, category) == 0)
            return out.covers[i]->image_url;
    return NULL;
}

static void test_catalog_products__a_cover_is_of_the_newest_that_can_be_bought(void **state)
{
    (void)state;
    assert_null(cover_of("covered"));
    fixture_create(&(struct test_product){
        .title = "Old", .code = "COVER-1", .category = "covered", .image_url = "/pictures/old", .amount = 1});
    assert_string_equal(cover_of("covered"), "/pictures/old");
    fixture_create(&(struct test_product){
        .title = "New", .code = "COVER-2", .category = "covered", .image_url = "/pictures/new", .amount = 1});
    fixture_create(&(struct test_product){.title = "Elsewhere",
                                          .code = "COVER-3",
                                          .category = "covered",
                                          .image_url = "/pictures/elsewhere",
                                          .currency = "USD",
                                          .amount = 1});
    assert_string_equal(cover_of("covered"), "/pictures/new");
}

static void test_catalog_products__refuses_what_cannot_be_sold(void **state)
{
    static const char *const bad[][2] = {
        {"{\"title\":\" "
         "\",\"category\":\"x\",\"price\":{\"amount\":1,\"currency\":\"EUR\"},\"skus\":[{\"code\":\"B\"}]}",
         "/title"},
        {"{\"title\":\"B\",\"category\":\"x\",\"price\":{\"amount\":1,\"currency\":\"EUR\"},\"skus\":[]}", "/skus"},
        {"{\"title\":\"B\",\"category\":\"x\",\"price\":{\"amount\":1,\"currency\":\"EUR\"}}", "/skus"},
        {"{\"title\":\"B\",\"category\":\"x\",\"price\":{\"amount\":-1,\"currency\":\"EUR\"},\"skus\":[{\"code\":\"B\"}"
         "]}",
         "/price/amount"},
        {"{\"title\":\"B\",\"category\":\"x\",\"price\":{\"amount\":1,\"currency\":\"EUR\"},\"skus\":[{\"code\":\"B\"}]"
         ","
         "\"image_url\":\"javascript:alert(1)\"}",
         "/image_url"},
        {"{\"title\":\"B\",\"category\":\"x\",\"price\":{\"amount\":1,\"currency\":\"EUR\"},\"skus\":[{\"code\":\"B\","
         "\"attributes\":{\"\":\"x\"}}]}",
         "/skus/0"},
        {"{\"title\":\"B\",\"category\":\"Not A Slug\",\"price\":{\"amount\":1,\"currency\":\"EUR\"},"
         "\"skus\":[{\"code\":\"B\"}]}",
         "/category"},
    };
    const char *bearer = merchandiser();

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct test_answer answer = send_as(bearer, HTTP_POST, PRODUCTS, NULL, bad[i][0]);

        assert_int_equal(answer.status, 400);
        assert_true(fixture_has(answer.body, bad[i][1]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog_products__creates_by_http),
        cmocka_unit_test(test_catalog_products__only_merchandisers_may_write),
        cmocka_unit_test(test_catalog_products__equal_titles_get_slugs_of_their_own),
        cmocka_unit_test(test_catalog_products__a_code_is_taken_once),
        cmocka_unit_test(test_catalog_products__an_edit_names_the_version),
        cmocka_unit_test(test_catalog_products__skus_are_changed_and_added_by_code),
        cmocka_unit_test(test_catalog_products__a_sku_is_removed_alone),
        cmocka_unit_test(test_catalog_products__skus_beside_a_removed_one_stay_in_order),
        cmocka_unit_test(test_catalog_products__what_is_no_sku_of_it_and_the_last_one_stay),
        cmocka_unit_test(test_catalog_products__cached_replies_follow_each_change),
        cmocka_unit_test(test_catalog_products__get_skus_in_order_and_priced),
        cmocka_unit_test(test_catalog_products__a_cover_is_of_the_newest_that_can_be_bought),
        cmocka_unit_test(test_catalog_products__refuses_what_cannot_be_sold),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_end);
}
