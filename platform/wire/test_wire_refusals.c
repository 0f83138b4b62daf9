/* Proves that bad input is refused, and that the problem names the field and says what to do. */
#include "platform/wire/wire.h"

#include "shopstream/catalog/v1/catalog.pb-c.h"
#include "shopstream/identity/v1/identity.pb-c.h"
#include "shopstream/orders/v1/orders.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ARENA_BYTES ((size_t)4 << 20)

struct refusal {
    const ProtobufCMessageDescriptor *message;
    const char *json;
    const char *code;
    const char *pointer;
    const char *detail; /* a part of it */
};

#define ORDER &orders__create_order_request__descriptor
#define PRODUCT &catalog__create_product_request__descriptor
#define ITEM &orders__add_cart_item_request__descriptor
#define LIST &catalog__list_products_request__descriptor

static const struct refusal decoding[] = {
    {ITEM, "", "empty_body", "", "empty"},
    {ITEM, " \t", "empty_body", "", "empty"},
    {ITEM, "[]", "wrong_type", "", "must be a JSON object, not an array"},
    {ITEM, "null", "wrong_type", "", "must be a JSON object, not null"},
    {ITEM, "{", "malformed_json", "", "not valid JSON"},
    {ITEM, "{\"sku_id\":\"a\",}", "malformed_json", "", "not valid JSON"},
    {ITEM, "{\"sku_id\":\"a\"} x", "malformed_json", "", "not valid JSON"},
    {ITEM, "{\"sku_id\":\"a\"}{}", "malformed_json", "", "not valid JSON"},
    {ITEM, "{'sku_id':1}", "malformed_json", "", "not valid JSON"},
    {ITEM, "{\"sku_id\":/**/1}", "malformed_json", "", "not valid JSON"},
    {ITEM, "{\"quantity\":NaN}", "malformed_json", "", "not valid JSON"},
    {ITEM, "{\"quantity\":01}", "malformed_json", "", "not valid JSON"},
    {ITEM, "{\"sku_id\":\"\xff\"}", "malformed_json", "", "not valid JSON"},
    {ITEM, "{\"sku_id\":\"\xed\xa0\x80\"}", "malformed_json", "", "not valid JSON"},
    {ITEM, "{\"sku_id\":\"\\ud800\"}", "malformed_json", "", "not valid JSON"},
    {ITEM, "{\"sku_id\":\"a\\u0000b\"}", "invalid_text", "/sku_id", "U+0000"},
    {ITEM, "{\"quantty\":1}", "unknown_field", "/quantty",
     "is not a field of this request; did you mean \"quantity\"?"},
    {ITEM, "{\"skuId\":\"a\"}", "unknown_field", "/skuId", "did you mean \"sku_id\"?"},
    {ITEM, "{\"a/b~c\":1}", "unknown_field", "/a~1b~0c", "\"a/b~c\" is not a field of this request."},
    {ITEM, "{\"\":1}", "unknown_field", "/", "is not a field"},
    {ITEM, "{\"x\\u0000\":1}", "unknown_field", "/x", "is not a field"},
    {ITEM, "{\"quantity\":1,\"quantity\":1}", "duplicate_field", "/quantity", "more than once"},
    {ITEM, "{\"quantity\":1,\"qu\\u0061ntity\":1}", "duplicate_field", "/quantity", "more than once"},
    {ITEM, "{\"quantity\":\"1\"}", "wrong_type", "/quantity", "\"quantity\" must be an integer, not a string."},
    {ITEM, "{\"quantity\":1.0}", "wrong_type", "/quantity", "without fraction"},
    {ITEM, "{\"quantity\":1e3}", "wrong_type", "/quantity", "without fraction"},
    {ITEM, "{\"quantity\":true}", "wrong_type", "/quantity", "not a boolean"},
    {ITEM, "{\"quantity\":null}", "wrong_type", "/quantity", "must be an integer, not null"},
    {ITEM, "{\"quantity\":9223372036854775808}", "out_of_range", "/quantity", "to 9223372036854775807"},
    {ITEM, "{\"quantity\":-9223372036854775809}", "out_of_range", "/quantity", "from -9223372036854775808"},
    {ITEM, "{\"quantity\":99999999999999999999999999}", "out_of_range", "/quantity", "must be an integer"},
    {ITEM, "{\"quantity\":1e999}", "out_of_range", "/quantity", "must be an integer"},
    {LIST, "{\"limit\":2147483648}", "out_of_range", "/limit", "from -2147483648 to 2147483647"},
    {LIST, "{\"limit\":-2147483649}", "out_of_range", "/limit", "from -2147483648 to 2147483647"},
    {ITEM, "{\"sku_id\":5}", "wrong_type", "/sku_id", "must be a string, not a number"},
    {ORDER, "{\"items\":{}}", "wrong_type", "/items", "must be an array, not an object"},
    {ORDER, "{\"items\":[{\"sku_id\":\"a\"},7]}", "wrong_type", "/items/1",
     "\"items[1]\" must be an object, not a number"},
    {ORDER, "{\"items\":[{\"quantity\":\"x\"}]}", "wrong_type", "/items/0/quantity", "must be an integer"},
    {ORDER, "{\"items\":[{\"sku\":\"x\"}]}", "unknown_field", "/items/0/sku", "is not a field of this object"},
    {ORDER, "{\"payment\":[]}", "wrong_type", "/payment", "must be an object, not an array"},
    {PRODUCT, "{\"skus\":[{\"attributes\":[]}]}", "wrong_type", "/skus/0/attributes", "must be an object"},
    {PRODUCT, "{\"skus\":[{\"attributes\":{\"a/b\":1}}]}", "wrong_type", "/skus/0/attributes/a~1b", "must be a string"},
    {PRODUCT, "{\"skus\":[{\"attributes\":{\"a\":\"\",\"a\":\"\"}}]}", "duplicate_field", "/skus/0/attributes/a",
     "once"},
    {&catalog__import_products_request__descriptor, "{\"csv\":\"a\"}", "invalid_format", "/csv", "base64"},
    {&catalog__import_products_request__descriptor, "{\"csv\":\"ab=c\"}", "invalid_format", "/csv", "base64"},
    {&catalog__import_products_request__descriptor, "{\"csv\":\"Zh==\"}", "invalid_format", "/csv", "base64"},
    {&catalog__import_products_request__descriptor, "{\"csv\":1}", "wrong_type", "/csv", "must be a string of base64"},
};

static void assert_refused(const struct refusal *row, int error, const struct problem *problem)
{
    if (error != ERR_INVALID || strcmp(problem->code, row->code) != 0 || strcmp(problem->pointer, row->pointer) != 0 ||
        !strstr(problem->detail, row->detail))
        fail_msg("%s\n  gave %d %s at '%s': %s", row->json, error, error ? problem->code : "", problem->pointer,
                 problem->detail);
}

static int decode(struct arena *arena, const ProtobufCMessageDescriptor *descriptor, struct str json,
                  ProtobufCMessage **ret_message, struct problem *problem)
{
    *ret_message = wire_message_new(arena, descriptor);
    assert_non_null(*ret_message);
    return wire_from_json(arena, json, *ret_message, problem);
}

static void test_wire_refusals__the_decoder_names_the_field(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    for (size_t i = 0; i < sizeof(decoding) / sizeof(decoding[0]); i++) {
        struct problem problem = {0};
        ProtobufCMessage *message;
        int error = decode(arena, decoding[i].message, str_from_cstr(decoding[i].json), &message, &problem);
        assert_refused(&decoding[i], error, &problem);
    }
}

/* -- Limits -------------------------------------------------------------------------------------------------------- */

static void repeat(struct buf *buf, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        buf_append_cstr(buf, text);
}

static void test_wire_refusals__depth_and_number_of_values_are_bounded(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    CLEANUP(buf_free) struct buf json = BUF((size_t)1 << 20);
    struct problem problem = {0};
    ProtobufCMessage *message;
    repeat(&json, "[", 100000);
    assert_int_equal(decode(arena, ORDER, buf_str(&json), &message, &problem), ERR_INVALID);
    assert_string_equal(problem.code, "too_deep");
    buf_clear(&json);
    repeat(&json, "{\"items\":", WIRE_DEPTH_MAX + 1);
    assert_int_equal(decode(arena, ORDER, buf_str(&json), &message, &problem), ERR_INVALID);
    assert_string_equal(problem.code, "too_deep");
    buf_clear(&json);
    buf_append_cstr(&json, "{\"ids\":[0");
    repeat(&json, ",0", WIRE_VALUES_MAX);
    buf_append_cstr(&json, "]}");
    assert_int_equal(decode(arena, &catalog__get_skus_request__descriptor, buf_str(&json), &message, &problem),
                     ERR_INVALID);
    assert_string_equal(problem.code, "too_many_values");
    /* Brackets in strings do not count. */
    buf_clear(&json);
    buf_append_cstr(&json, "{\"sku_id\":\"\\\"");
    repeat(&json, "[", 100);
    buf_append_cstr(&json, "\"}");
    assert_int_equal(decode(arena, ITEM, buf_str(&json), &message, &problem), 0);
}

static void test_wire_refusals__the_largest_body_fits_the_arena(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    CLEANUP(buf_free) struct buf json = BUF((size_t)1 << 20);
    struct problem problem = {0};
    ProtobufCMessage *message;
    buf_append_cstr(&json, "{\"ids\":[\"\"");
    repeat(&json, ",\"\"", WIRE_VALUES_MAX - 10);
    buf_append_cstr(&json, "]}");
    assert_int_equal(decode(arena, &catalog__get_skus_request__descriptor, buf_str(&json), &message, &problem), 0);
    assert_int_equal(((Catalog__GetSkusRequest *)message)->n_ids, WIRE_VALUES_MAX - 9);
}

static void test_wire_refusals__entries_of_a_map_are_bounded(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    CLEANUP(buf_free) struct buf json = BUF((size_t)1 << 20);
    buf_append_cstr(&json, "{\"attributes\":{\"\":\"\"");
    for (int i = 0; i < WIRE_MAP_ENTRIES_MAX; i++)
        buf_printf(&json, ",\"%d\":\"\"", i);
    buf_append_cstr(&json, "}}");
    struct problem problem = {0};
    ProtobufCMessage *message;
    assert_int_equal(decode(arena, &catalog__new_sku__descriptor, buf_str(&json), &message, &problem), ERR_INVALID);
    assert_string_equal(problem.code, "too_many_items");
    assert_string_equal(problem.pointer, "/attributes");
}

static void test_wire_refusals__long_names_are_cut_at_a_character(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    for (size_t shift = 0; shift < 4; shift++) {
        CLEANUP(buf_free) struct buf json = BUF((size_t)1 << 20);
        buf_append_cstr(&json, "{\"");
        repeat(&json, "x", shift);
        repeat(&json, "😀", 2000);
        buf_append_cstr(&json, "\":1}");
        struct problem problem = {0};
        ProtobufCMessage *message;
        assert_int_equal(decode(arena, ITEM, buf_str(&json), &message, &problem), ERR_INVALID);
        assert_true(strlen(problem.pointer) > PROBLEM_POINTER_MAX - 10);
        assert_true(str_is_utf8(str_from_cstr(problem.pointer)));
        assert_true(str_is_utf8(str_from_cstr(problem.detail)));
        CLEANUP(buf_free) struct buf text = BUF(4096);
        wire_problem_to_json(&problem, STR_EMPTY, &text);
        assert_int_equal(buf_error(&text), 0);
    }
}

/* -- Rules --------------------------------------------------------------------------------------------------------- */

#define ADDRESS                                                                                                        \
    "\"shipping_address\":{\"name\":\"A\",\"line1\":\"B\",\"city\":\"C\",\"postal_code\":\"1\",\"country\":\"DE\"}"
#define PAYMENT "\"payment\":{\"payment_method\":\"pm_card_visa\"}"
#define SIGNUP &identity__signup_request__descriptor
#define SIGNUP_BUT(email) "{\"email\":\"" email "\",\"password\":\"12345678\",\"name\":\"N\"}"
#define PRICE "\"price\":{\"amount\":1,\"currency\":\"EUR\"}"

static const struct refusal checking[] = {
    {ITEM, "{\"sku_id\":\"a\"}", "required", "/quantity", "\"quantity\" is required."},
    {ITEM, "{\"quantity\":1}", "required", "/sku_id", "is required"},
    {ITEM, "{\"sku_id\":\"a\",\"quantity\":0}", "out_of_range", "/quantity", "must be at least 1."},
    {ITEM, "{\"sku_id\":\"a\",\"quantity\":10001}", "out_of_range", "/quantity", "must be at most 10000."},
    {LIST, "{\"limit\":0}", "out_of_range", "/limit", "at least 1"},
    {LIST, "{\"limit\":101}", "out_of_range", "/limit", "at most 100"},
    {LIST, "{\"sort\":\"oldest\"}", "invalid_value", "/sort", "must be one of: newest, price_asc, price_desc, title."},
    {LIST, "{\"currency\":\"eur\"}", "invalid_format", "/currency", "ISO 4217"},
    {LIST, "{\"region\":\"DEU\"}", "invalid_format", "/region", "ISO 3166-1"},
    {ORDER, "{\"email\":\"a@b.c\"," PAYMENT "}", "required", "/shipping_address", "is required"},
    {ORDER, "{\"email\":\"a@b.c\"," PAYMENT ",\"shipping_address\":{}}", "required", "/shipping_address/name",
     "is required"},
    {ORDER,
     "{\"items\":[{\"sku_id\":\"a\",\"quantity\":1},{\"sku_id\":\"a\",\"quantity\":-1}],\"email\":\"a@b.c\"," ADDRESS
     "," PAYMENT "}",
     "out_of_range", "/items/1/quantity", "at least 1"},
    {SIGNUP, SIGNUP_BUT("a"), "invalid_format", "/email", "must be an e-mail address"},
    {SIGNUP, SIGNUP_BUT("a@"), "invalid_format", "/email", "e-mail"},
    {SIGNUP, SIGNUP_BUT("@b.c"), "invalid_format", "/email", "e-mail"},
    {SIGNUP, SIGNUP_BUT("a b@b.c"), "invalid_format", "/email", "e-mail"},
    {SIGNUP, SIGNUP_BUT("a@b..c"), "invalid_format", "/email", "e-mail"},
    {SIGNUP, SIGNUP_BUT("a@b@c"), "invalid_format", "/email", "e-mail"},
    {SIGNUP, SIGNUP_BUT("a@-b.c"), "invalid_format", "/email", "e-mail"},
    {SIGNUP, "{\"email\":\"a@b.c\",\"password\":\"üüüüüüü\",\"name\":\"N\"}", "too_short", "/password",
     "at least 8 characters"},
    {SIGNUP, "{\"email\":\"a@b.c\",\"password\":\"12345678\",\"name\":\"\"}", "too_short", "/name",
     "must not be empty"},
    {PRODUCT, "{\"title\":\"T\",\"category\":\"c\"," PRICE "}", "required", "/skus", "must have at least 1 item."},
    {PRODUCT, "{\"title\":\"T\",\"category\":\"a--b\"," PRICE "}", "invalid_format", "/category", "lower-case"},
    {PRODUCT, "{\"title\":\"T\",\"category\":\"c\",\"price\":{\"amount\":-1,\"currency\":\"EUR\"}}", "out_of_range",
     "/price/amount", "at least 0"},
    {PRODUCT,
     "{\"title\":\"T\",\"category\":\"c\"," PRICE ",\"skus\":[{\"code\":\"x\",\"attributes\":{\"1\":\"\",\"2\":\"\","
     "\"3\":\"\",\"4\":\"\",\"5\":\"\",\"6\":\"\",\"7\":\"\",\"8\":\"\",\"9\":\"\",\"10\":\"\",\"11\":\"\"}}]}",
     "too_many_items", "/skus/0/attributes", "at most 10 items"},
    {&identity__put_user_roles_request__descriptor, "{\"id\":\"x\",\"roles\":[\"admin\",\"king\"]}", "invalid_value",
     "/roles/1", "customer, support, merchandiser, admin"},
};

static void test_wire_refusals__the_rules_name_the_field(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    for (size_t i = 0; i < sizeof(checking) / sizeof(checking[0]); i++) {
        struct problem problem = {0};
        ProtobufCMessage *message;
        if (decode(arena, checking[i].message, str_from_cstr(checking[i].json), &message, &problem))
            fail_msg("%s: %s", checking[i].json, problem.detail);
        assert_refused(&checking[i], wire_check(message, &problem), &problem);
    }
}

static void test_wire_refusals__good_input_passes(void **state)
{
    (void)state;
    static const struct {
        const ProtobufCMessageDescriptor *message;
        const char *json;
    } good[] = {
        {ITEM, " {\"quantity\" : 10000 ,\n\"sku_id\":\"a\"} "},
        {LIST, "{}"},
        {ORDER,
         "{\"items\":[],\"cart_id\":\"c\",\"email\":\"first.last+tag@sub.example.com\"," ADDRESS "," PAYMENT "}"},
        {SIGNUP, SIGNUP_BUT("a@localhost")},
        {SIGNUP, "{\"email\":\"a@b.c\",\"password\":\"üüüüüüüü\",\"name\":\"N\"}"},
        {PRODUCT,
         "{\"title\":\"T\",\"category\":\"a-b-1\"," PRICE ",\"skus\":[{\"code\":\"x\",\"attributes\":{\"a\":\"b\"}}]}"},
    };
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct problem problem = {0};
        ProtobufCMessage *message;
        int error = decode(arena, good[i].message, str_from_cstr(good[i].json), &message, &problem);
        error = error ? error : wire_check(message, &problem);
        if (error)
            fail_msg("%s: %s %s", good[i].json, problem.pointer, problem.detail);
    }
}

static void test_wire_refusals__the_ends_of_a_range_are_in_it(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct problem problem = {0};
    ProtobufCMessage *message;
    assert_int_equal(decode(arena, LIST, STR("{\"limit\":-2147483648}"), &message, &problem), 0);
    assert_int_equal(((Catalog__ListProductsRequest *)message)->limit, INT32_MIN);
    assert_int_equal(decode(arena, LIST, STR("{\"limit\":2147483647}"), &message, &problem), 0);
    assert_int_equal(((Catalog__ListProductsRequest *)message)->limit, INT32_MAX);
    assert_int_equal(decode(arena, ITEM, STR("{\"quantity\":-9223372036854775808}"), &message, &problem), 0);
    assert_true(((Orders__AddCartItemRequest *)message)->quantity == INT64_MIN);
    assert_int_equal(decode(arena, ITEM, STR("{\"quantity\":9223372036854775807}"), &message, &problem), 0);
    assert_true(((Orders__AddCartItemRequest *)message)->quantity == INT64_MAX);
}

/* Who published an event may be newer: what it has more is passed over, and the rest is held to as ever. */
static void test_wire_refusals__an_event_may_have_more_fields(void **state)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    Orders__AddCartItemRequest item = ORDERS__ADD_CART_ITEM_REQUEST__INIT;
    struct problem problem = {0};

    (void)state;
    assert_int_equal(
        wire_from_event(arena, STR("{\"new\":{\"a\":[1,null]},\"quantity\":2,\"newer\":null}"), &item.base, &problem),
        0);
    assert_int_equal(item.quantity, 2);
    assert_int_equal(wire_from_event(arena, STR("{\"new\":1,\"quantity\":\"2\"}"), &item.base, &problem), ERR_INVALID);
    assert_string_equal(problem.pointer, "/quantity");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_refusals__the_decoder_names_the_field),
        cmocka_unit_test(test_wire_refusals__depth_and_number_of_values_are_bounded),
        cmocka_unit_test(test_wire_refusals__the_largest_body_fits_the_arena),
        cmocka_unit_test(test_wire_refusals__entries_of_a_map_are_bounded),
        cmocka_unit_test(test_wire_refusals__long_names_are_cut_at_a_character),
        cmocka_unit_test(test_wire_refusals__the_rules_name_the_field),
        cmocka_unit_test(test_wire_refusals__good_input_passes),
        cmocka_unit_test(test_wire_refusals__the_ends_of_a_range_are_in_it),
        cmocka_unit_test(test_wire_refusals__an_event_may_have_more_fields),
    };
    return cmocka_run_group_tests_name("wire_refusals", tests, NULL, NULL);
}
