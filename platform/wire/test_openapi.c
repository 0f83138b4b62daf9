/* Proves what the OpenAPI document says of a row, that each reference in it leads somewhere, and that it is repeatable.
 * With the environment variable OPENAPI_OUT the document is written there, for other validators. */
#include "platform/wire/openapi.h"

#include "platform/base/buf.h"
#include "shopstream/catalog/v1/catalog.rpc.h"
#include "shopstream/identity/v1/identity.rpc.h"
#include "shopstream/orders/v1/orders.rpc.h"
#include "shopstream/payments/v1/payments.rpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include <cmocka.h>

#define DOCUMENT_BYTES_MAX ((size_t)1 << 20)

static int raw(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)call;
    (void)request;
    (void)response;
    return 0;
}

/* Rows like those of the real tables; only their shape matters here. */
#define ROW(rpc_name) .rpc = &rpc_name##_rpc

static const struct service catalog = {
    .name = "catalog",
    .help = "What is for sale.",
    .routes =
        (const struct route[]){
            {"GET", "/v1/products", ROW(catalog_list_products), .auth = AUTH_ANYONE, .cached = true,
             .summary = "List products"},
            {"GET", "/v1/products/{id}", ROW(catalog_get_product), .auth = AUTH_ANYONE, .summary = "Read a product"},
            {"POST", "/v1/products", ROW(catalog_create_product), .auth = AUTH_MERCHANDISER, .rate = RATE_WRITE,
             .status = 201, .idempotent = true},
            {"PATCH", "/v1/products/{id}", ROW(catalog_update_product), .auth = AUTH_MERCHANDISER, .rate = RATE_WRITE,
             .idempotent = true, .if_match = IF_MATCH_REQUIRED},
            {"DELETE", "/v1/products/{id}", ROW(catalog_delete_product), .auth = AUTH_MERCHANDISER, .rate = RATE_WRITE,
             .idempotent = true, .if_match = IF_MATCH_REQUIRED},
            {"POST", "/v1/import", RAW(raw), .auth = AUTH_MERCHANDISER, .body_bytes_max = 1000, .takes = "text/csv",
             .gives_message = &catalog__import_products_reply__descriptor},
            {"GET", "/v1/export", RAW(raw), .auth = AUTH_MERCHANDISER, .gives = "text/csv"},
            {ROW(catalog_get_skus), .internal = true},
            {"POST", "/v1/secret", ROW(catalog_reserve_stock), .internal = true},
            {},
        },
};

static const struct service orders = {
    .name = "orders",
    .help = "Carts and orders.",
    .routes =
        (const struct route[]){
            {"POST", "/v1/orders", ROW(orders_create_order), .auth = AUTH_SHOPPER, .rate = RATE_CHECKOUT, .status = 201,
             .idempotent = true, .key_required = true},
            {"GET", "/v1/orders/{id}", ROW(orders_get_order), .auth = AUTH_SHOPPER},
            {"POST", "/v1/orders/{id}/cancel", ROW(orders_get_order), .auth = AUTH_SHOPPER, .rate = RATE_WRITE},
            {"GET", "/v1/cart", ROW(orders_get_cart), .auth = AUTH_SHOPPER},
            {},
        },
};

static const struct service identity = {
    .name = "identity",
    .help = "Who people are.",
    .routes =
        (const struct route[]){
            {"POST", "/v1/login", ROW(identity_login), .auth = AUTH_ANYONE, .rate = RATE_SIGN_IN},
            {"PUT", "/v1/users/{id}/roles", ROW(identity_put_user_roles), .auth = AUTH_ADMIN},
            {},
        },
};

static const struct service payments = {
    .name = "payments",
    .help = "Money.",
    .routes =
        (const struct route[]){
            {"POST", "/v1/webhooks/stripe", RAW(raw), .auth = AUTH_ANYONE, .rate = RATE_NONE},
            {"GET", "/v1/ledger", ROW(payments_list_ledger), .auth = AUTH_ADMIN},
            {},
        },
};

static const struct service emulator = {
    .name = "stripe",
    .own_listener = true,
    .routes =
        (const struct route[]){
            {"GET", "/v1/hidden", RAW(raw), .auth = AUTH_ANYONE},
            {},
        },
};

static const struct service mail = {
    .name = "mail",
    .help = "The spool.",
    .no_prefix = true,
    .routes =
        (const struct route[]){
            {"GET", "/dev/mail/{id}", RAW(raw), .auth = AUTH_ANYONE},
            {},
        },
};

static const struct service *const services[] = {&catalog, &orders, &identity, &payments, &emulator, &mail, NULL};

struct document {
    struct buf text;
    yyjson_doc *parsed;
};

static int set_up(void **state)
{
    struct document *document = calloc(1, sizeof(*document));
    document->text = BUF(DOCUMENT_BYTES_MAX);
    assert_int_equal(openapi_write(services, &document->text), 0);
    document->parsed = yyjson_read(document->text.ptr, document->text.len, 0);
    assert_non_null(document->parsed);
    *state = document;
    const char *out = getenv("OPENAPI_OUT");
    FILE *file = out ? fopen(out, "w") : NULL;
    if (file) {
        fwrite(document->text.ptr, 1, document->text.len, file);
        fclose(file);
    }
    return 0;
}

static int tear_down(void **state)
{
    struct document *document = *state;
    yyjson_doc_free(document->parsed);
    buf_free(&document->text);
    free(document);
    return 0;
}

static yyjson_val *at(void **state, const char *pointer)
{
    return yyjson_doc_ptr_get(((struct document *)*state)->parsed, pointer);
}

static void assert_text(void **state, const char *pointer, const char *wanted)
{
    yyjson_val *value = at(state, pointer);
    if (!value)
        fail_msg("there is no %s", pointer);
    CLEANUP(buf_free) struct buf text = BUF(4096);
    char *written = yyjson_val_write(value, 0, NULL);
    bool same = strcmp(written, wanted) == 0;
    buf_append_cstr(&text, written);
    free(written);
    if (!same)
        fail_msg("%s is %.*s", pointer, STR_FORMAT(buf_str(&text)));
}

#define PRODUCT "/paths/~1api~1catalog~1v1~1products~1{id}"
#define PRODUCTS "/paths/~1api~1catalog~1v1~1products"
#define IMPORT "/paths/~1api~1catalog~1v1~1import/post"
#define EXPORT "/paths/~1api~1catalog~1v1~1export/get"
#define ORDERS "/paths/~1api~1orders~1v1~1orders"
#define SCHEMAS "/components/schemas/"

static void test_openapi__has_the_public_rows_alone(void **state)
{
    yyjson_val *paths = at(state, "/paths");
    assert_int_equal(yyjson_obj_size(paths), 13);
    assert_non_null(yyjson_obj_get(paths, "/dev/mail/{id}"));
    assert_null(yyjson_obj_get(paths, "/api/catalog/v1/secret"));
    assert_int_equal(yyjson_obj_size(at(state, PRODUCT)), 3);
    assert_int_equal(yyjson_arr_size(at(state, "/tags")), 5);
}

static void test_openapi__describes_parameters(void **state)
{
    assert_text(
        state, PRODUCTS "/get/parameters/0",
        "{\"name\":\"limit\",\"in\":\"query\",\"schema\":{\"type\":\"integer\",\"format\":\"int32\",\"minimum\":1,"
        "\"maximum\":100,\"default\":20}}");
    assert_text(state, PRODUCTS "/get/parameters/6/schema/enum", "[\"newest\",\"price_asc\",\"price_desc\",\"title\"]");
    assert_text(
        state, PRODUCT "/get/parameters/0",
        "{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"description\":\"The product's id or slug.\",\"schema\":"
        "{\"type\":\"string\",\"maxLength\":200,\"description\":\"The product's id or slug.\"}}");
    assert_text(state, PRODUCT "/patch/parameters/1/$ref", "\"#/components/parameters/IdempotencyKey\"");
    assert_text(state, PRODUCT "/patch/parameters/2/$ref", "\"#/components/parameters/IfMatchRequired\"");
    assert_text(state, ORDERS "/post/parameters/0/$ref", "\"#/components/parameters/IdempotencyKeyRequired\"");
    assert_text(state, ORDERS "/post/parameters/1/$ref", "\"#/components/parameters/Prefer\"");
    assert_text(state, "/paths/~1dev~1mail~1{id}/get/parameters/0/name", "\"id\"");
}

static void test_openapi__requests_are_closed_and_replies_are_open(void **state)
{
    assert_text(state, SCHEMAS "CatalogCreateProductRequest/additionalProperties", "false");
    assert_text(state, SCHEMAS "CatalogCreateProductRequest/required", "[\"title\",\"category\",\"price\",\"skus\"]");
    assert_text(state, SCHEMAS "CatalogCreateProductRequest/properties/price/$ref",
                "\"#/components/schemas/MoneyInput\"");
    assert_text(state, SCHEMAS "CatalogNewSkuInput/properties/attributes",
                "{\"type\":\"object\",\"maxProperties\":10,\"additionalProperties\":{\"type\":\"string\"}}");
    assert_text(state, SCHEMAS "MoneyInput/properties/currency",
                "{\"type\":\"string\",\"pattern\":\"^[A-Z]{3}$\",\"examples\":[\"EUR\"]}");
    assert_null(at(state, SCHEMAS "CatalogProduct/additionalProperties"));
    assert_text(state, SCHEMAS "CatalogProduct/required", "[\"skus\"]");
    assert_text(state, PRODUCTS "/post/requestBody/required", "true");
}

static void test_openapi__a_body_lacks_what_the_path_has(void **state)
{
    assert_text(state, PRODUCT "/patch/requestBody/content/application~1json/schema/$ref",
                "\"#/components/schemas/catalog_update_product_body\"");
    assert_null(at(state, SCHEMAS "catalog_update_product_body/properties/id"));
    assert_non_null(at(state, SCHEMAS "catalog_update_product_body/properties/title"));
    assert_text(state, PRODUCT "/patch/requestBody/required", "false");
    assert_null(at(state, ORDERS "~1{id}~1cancel/post/requestBody"));
}

static void test_openapi__responses_and_security_follow_the_row(void **state)
{
    assert_non_null(at(state, PRODUCT "/delete/responses/204"));
    assert_non_null(at(state, PRODUCT "/delete/responses/412"));
    assert_non_null(at(state, PRODUCT "/delete/responses/428"));
    assert_non_null(at(state, ORDERS "/post/responses/201"));
    assert_non_null(at(state, ORDERS "/post/responses/422"));
    assert_null(at(state, ORDERS "/post/responses/412"));
    assert_null(at(state, PRODUCTS "/get/responses/409"));
    assert_non_null(at(state, PRODUCTS "/get/responses/401"));
    assert_non_null(at(state, PRODUCTS "/get/responses/403"));
    assert_non_null(at(state, PRODUCTS "/get/responses/200/headers/ETag"));
    assert_non_null(at(state, PRODUCTS "/get/responses/304"));
    assert_null(at(state, PRODUCT "/patch/responses/304"));
    assert_text(state, PRODUCTS "/get/security", "[]");
    assert_text(state, PRODUCT "/patch/security", "[{\"bearer\":[]},{\"session\":[]}]");
    assert_text(state, ORDERS "/post/security", "[{\"bearer\":[]},{\"session\":[]},{\"guest\":[]},{}]");
    assert_non_null(at(state, "/paths/~1api~1identity~1v1~1login/post/responses/401"));
    assert_null(at(state, "/paths/~1api~1payments~1v1~1webhooks~1stripe/post/responses/429"));
}

/* A raw row says what it takes and gives; one that does not has no body in the description. */
static void test_openapi__raw_rows_say_their_media_types(void **state)
{
    assert_text(state, IMPORT "/requestBody",
                "{\"description\":\"At most 1000 bytes.\",\"required\":true,"
                "\"content\":{\"text/csv\":{\"schema\":{\"type\":\"string\"}}}}");
    assert_text(state, IMPORT "/responses/200/content/application~1json/schema/$ref",
                "\"#/components/schemas/CatalogImportProductsReply\"");
    assert_text(state, EXPORT "/responses/200/content", "{\"text/csv\":{\"schema\":{\"type\":\"string\"}}}");
    assert_null(at(state, EXPORT "/requestBody"));
    assert_null(at(state, "/paths/~1api~1payments~1v1~1webhooks~1stripe/post/requestBody"));
}

static void test_openapi__operations_have_names_of_their_own(void **state)
{
    assert_text(state, PRODUCTS "/get/operationId", "\"catalog_list_products\"");
    assert_text(state, ORDERS "~1{id}/get/operationId", "\"orders_get_order\"");
    assert_text(state, ORDERS "~1{id}~1cancel/post/operationId", "\"orders_get_order_2\"");
    assert_text(state, "/paths/~1api~1payments~1v1~1webhooks~1stripe/post/operationId",
                "\"payments_post_v1_webhooks_stripe\"");
}

static void assert_references_lead_somewhere(void **state, yyjson_val *value)
{
    size_t index, end;
    yyjson_val *key, *element;
    if (yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, index, end, element) assert_references_lead_somewhere(state, element);
        return;
    }
    yyjson_obj_foreach(value, index, end, key, element)
    {
        if (strcmp(yyjson_get_str(key), "$ref") == 0 && !at(state, yyjson_get_str(element) + 1))
            fail_msg("%s leads nowhere", yyjson_get_str(element));
        assert_references_lead_somewhere(state, element);
    }
}

static void test_openapi__every_reference_leads_somewhere(void **state)
{
    assert_references_lead_somewhere(state, at(state, ""));
}

static void test_openapi__the_same_tables_give_the_same_bytes(void **state)
{
    CLEANUP(buf_free) struct buf again = BUF(DOCUMENT_BYTES_MAX);
    assert_int_equal(openapi_write(services, &again), 0);
    assert_true(str_equal(buf_str(&again), buf_str(&((struct document *)*state)->text)));
    CLEANUP(buf_free) struct buf small = BUF(1000);
    assert_int_equal(openapi_write(services, &small), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openapi__has_the_public_rows_alone),
        cmocka_unit_test(test_openapi__describes_parameters),
        cmocka_unit_test(test_openapi__requests_are_closed_and_replies_are_open),
        cmocka_unit_test(test_openapi__a_body_lacks_what_the_path_has),
        cmocka_unit_test(test_openapi__responses_and_security_follow_the_row),
        cmocka_unit_test(test_openapi__raw_rows_say_their_media_types),
        cmocka_unit_test(test_openapi__operations_have_names_of_their_own),
        cmocka_unit_test(test_openapi__every_reference_leads_somewhere),
        cmocka_unit_test(test_openapi__the_same_tables_give_the_same_bytes),
    };
    return cmocka_run_group_tests_name("openapi", tests, set_up, tear_down);
}
