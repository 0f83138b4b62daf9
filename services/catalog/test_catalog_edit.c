/* Proves that edits and imports meet reservations: stock is set around what is reserved and never below it; and that
 * prices beside a SKU's own are one a currency and region. */
#include "platform/service/test_json.h"
#include "services/catalog/test_catalog_fixture.h"

#define HEADER "slug,title,brand,category,description,image_url,code,attributes,price,currency,other_prices,on_hand\r\n"

static const Catalog__Product *new_product(const char *code, int64_t available)
{
    return fixture_create(&(struct test_product){.title = code, .code = code, .amount = 100, .available = available});
}

static void reserve(const char *sku_id, const char *id, int64_t quantity)
{
    Catalog__ReserveStockRequest in = CATALOG__RESERVE_STOCK_REQUEST__INIT;
    Catalog__StockLine line = CATALOG__STOCK_LINE__INIT, *lines[] = {&line};
    Catalog__Reservation out = CATALOG__RESERVATION__INIT;

    line.sku_id = (char *)(uintptr_t)sku_id;
    line.has_quantity = true;
    line.quantity = quantity;
    in.reservation_id = (char *)(uintptr_t)id;
    in.lines = lines;
    in.n_lines = 1;
    in.has_ttl_ms = true;
    in.ttl_ms = 3600000;
    assert_int_equal(catalog_reserve_stock(fixture_call(), &in, &out), 0);
}

static void assert_stock(const char *sku_id, int64_t on_hand, int64_t reserved)
{
    Catalog__Stock stock = test_catalog_stock(&fixture, sku_id);

    assert_int_equal(stock.on_hand, on_hand);
    assert_int_equal(stock.reserved, reserved);
}

static struct test_answer patch(const Catalog__Product *product, int64_t version, const char *body)
{
    const char *headers[] = {"authorization", fixture_bearer(ROLE_MERCHANDISER), "if-match",
                             arena_printf(fixture.arena, "\"%" PRId64 "\"", version), NULL};

    return test_host_http(&fixture, HTTP_PATCH, arena_printf(fixture.arena, "/api/catalog/v1/products/%s", product->id),
                          headers, body);
}

static int import(const char *csv, struct str *ret_body)
{
    struct http_header headers[] = {{STR("content-type"), STR("text/csv")},
                                    {STR("authorization"), str_from_cstr(fixture_bearer(ROLE_MERCHANDISER))}};
    struct http_request request = {.method = HTTP_POST,
                                   .target = STR("/api/catalog/v1/import"),
                                   .path = STR("/api/catalog/v1/import"),
                                   .host = STR("localhost"),
                                   .scheme = STR("http"),
                                   .body = str_from_cstr(csv),
                                   .peer = STR("127.0.0.1"),
                                   .headers = headers,
                                   .header_count = 2,
                                   .version = 11};
    struct http_response response;

    assert_int_equal(host_handle(fixture.host, NULL, &request, fixture.arena, &response), 0);
    *ret_body = response.body;
    return response.status;
}

/* "available" is what can be bought: what is reserved stays on hand beside it. */
static void test_catalog_edit__available_is_set_around_what_is_reserved(void **state)
{
    const Catalog__Product *product = new_product("EDIT-1", 10);
    const char *sku = product->skus[0]->id;

    (void)state;
    reserve(sku, "edit-1", 4);
    struct test_answer answer = patch(product, 1, "{\"skus\":[{\"code\":\"EDIT-1\",\"available\":2}]}");
    assert_int_equal(answer.status, 200);
    assert_int_equal(test_json_int(answer.body, "/skus/0/available"), 2);
    assert_stock(sku, 6, 4);
    answer = patch(product, 2, "{\"skus\":[{\"code\":\"EDIT-1\",\"available\":0}]}");
    assert_int_equal(answer.status, 200);
    assert_stock(sku, 4, 4);
}

/* on_hand of a file is counted in the store; units that are promised to somebody are among them. */
static void test_catalog_edit__an_import_does_not_take_what_is_reserved(void **state)
{
    const Catalog__Product *product = new_product("EDIT-2", 10);
    const char *sku = product->skus[0]->id;
    struct str body;

    (void)state;
    reserve(sku, "edit-2", 4);
    const char *line = arena_printf(fixture.arena, HEADER "%s,EDIT-2,,things,,,EDIT-2,,100,EUR,,", product->slug);
    assert_int_equal(import(arena_printf(fixture.arena, "%s3\r\n", line), &body), 422);
    assert_true(fixture_has(body, "{\"line\":2,"));
    assert_true(fixture_has(body, "less than the 4 units that are reserved"));
    assert_stock(sku, 10, 4);
    assert_int_equal(import(arena_printf(fixture.arena, "%s4\r\n", line), &body), 200);
    assert_stock(sku, 4, 4);
}

static void test_catalog_edit__prices_are_one_a_currency_and_region(void **state)
{
    const Catalog__Product *product = new_product("EDIT-3", 10);
    static const char twice[] = "{\"skus\":[{\"code\":\"EDIT-3\",\"prices\":["
                                "{\"currency\":\"USD\",\"amount\":1},{\"currency\":\"USD\",\"amount\":2}]}]}";
    static const char fine[] = "{\"skus\":[{\"code\":\"EDIT-3\",\"prices\":[{\"currency\":\"USD\",\"amount\":120},"
                               "{\"currency\":\"USD\",\"amount\":110,\"region\":\"CA\"}]}]}";

    (void)state;
    struct test_answer answer = patch(product, 1, twice);
    assert_int_equal(answer.status, 400);
    assert_string_equal(test_json_text(fixture.arena, answer.body, "/errors/0/pointer"), "/skus/0");
    assert_int_equal(patch(product, 1, fine).status, 200);
    const char *path = arena_printf(fixture.arena, "/api/catalog/v1/products/%s?currency=USD", product->id);
    assert_int_equal(test_json_int(fixture_get(path).body, "/skus/0/price/amount"), 120);
    path = arena_printf(fixture.arena, "%s&region=CA", path);
    assert_int_equal(test_json_int(fixture_get(path).body, "/skus/0/price/amount"), 110);
}

/* A price that was one of the others and becomes its own is not there twice. */
static void test_catalog_edit__another_own_currency_replaces_the_price_beside_it(void **state)
{
    const Catalog__Product *product = new_product("EDIT-4", 10);
    static const char beside[] =
        "{\"skus\":[{\"code\":\"EDIT-4\",\"prices\":[{\"currency\":\"USD\",\"amount\":120}]}]}";
    static const char own[] = "{\"skus\":[{\"code\":\"EDIT-4\",\"price\":{\"currency\":\"USD\",\"amount\":130}}]}";

    (void)state;
    assert_int_equal(patch(product, 1, beside).status, 200);
    assert_int_equal(patch(product, 2, own).status, 200);
    const char *path = arena_printf(fixture.arena, "/api/catalog/v1/products/%s", product->id);
    struct test_answer answer = fixture_get(arena_printf(fixture.arena, "%s?currency=USD", path));
    assert_int_equal(test_json_int(answer.body, "/skus/0/price/amount"), 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog_edit__available_is_set_around_what_is_reserved),
        cmocka_unit_test(test_catalog_edit__an_import_does_not_take_what_is_reserved),
        cmocka_unit_test(test_catalog_edit__prices_are_one_a_currency_and_region),
        cmocka_unit_test(test_catalog_edit__another_own_currency_replaces_the_price_beside_it),
    };

    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    return cmocka_run_group_tests_name("catalog_edit", tests, fixture_start, fixture_end);
}
