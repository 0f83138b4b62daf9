/* Proves that path and query parameters fill fields by their types, once. */
#include "platform/wire/wire.h"

#include "shopstream/catalog/v1/catalog.pb-c.h"
#include "shopstream/identity/v1/identity.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ARENA_BYTES ((size_t)1 << 20)

static void assert_refused(const ProtobufCMessageDescriptor *descriptor, struct str name, struct str text,
                           const char *pointer, const char *detail)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct problem problem = {0};
    int error = wire_set_field(arena, wire_message_new(arena, descriptor), name, text, "?", &problem);
    if (error != ERR_INVALID || strcmp(problem.pointer, pointer) != 0 || !strstr(problem.detail, detail))
        fail_msg("%d at %s: %s", error, problem.pointer, problem.detail);
}

static void test_wire_parameter__fills_strings_integers_booleans_and_lists(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct problem problem = {0};
    Catalog__ListProductsRequest list = CATALOG__LIST_PRODUCTS_REQUEST__INIT;
    assert_int_equal(wire_set_field(arena, &list.base, STR("limit"), STR("7"), "?", &problem), 0);
    assert_int_equal(wire_set_field(arena, &list.base, STR("q"), STR("größe"), "?", &problem), 0);
    assert_int_equal(wire_set_field(arena, &list.base, STR("sort"), STR("newest"), "?", &problem), 0);
    assert_true(list.has_limit);
    assert_int_equal(list.limit, 7);
    assert_string_equal(list.q, "größe");
    Catalog__GetSkusRequest skus = CATALOG__GET_SKUS_REQUEST__INIT;
    for (int i = 0; i < WIRE_PARAMETER_REPEATS_MAX; i++)
        assert_int_equal(
            wire_set_field(arena, &skus.base, STR("ids"), str_from_cstr(arena_printf(arena, "%d", i)), "?", &problem),
            0);
    assert_int_equal(skus.n_ids, WIRE_PARAMETER_REPEATS_MAX);
    assert_string_equal(skus.ids[0], "0");
    assert_string_equal(skus.ids[99], "99");
    assert_int_equal(wire_set_field(arena, &skus.base, STR("ids"), STR("x"), "?", &problem), ERR_INVALID);
    Identity__Session session = IDENTITY__SESSION__INIT;
    assert_int_equal(wire_set_field(arena, &session.base, STR("current"), STR("true"), "?", &problem), 0);
    assert_true(session.has_current && session.current);
}

static void test_wire_parameter__refuses_what_does_not_fit(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *list = &catalog__list_products_request__descriptor;
    assert_refused(list, STR("limit"), STR(""), "?limit", "must be an integer");
    assert_refused(list, STR("limit"), STR("1x"), "?limit", "must be an integer");
    assert_refused(list, STR("limit"), STR("-"), "?limit", "must be an integer");
    assert_refused(list, STR("limit"), STR("+1"), "?limit", "must be an integer");
    assert_refused(list, STR("limit"), STR("2147483648"), "?limit", "to 2147483647");
    assert_refused(list, STR("limit"), STR("99999999999999999999"), "?limit", "must be an integer");
    assert_refused(list, STR("limt"), STR("1"), "?limt", "did you mean \"limit\"?");
    assert_refused(list, STR("zzz"), STR("1"), "?zzz", "is not a parameter of this request.");
    assert_refused(list, STR("q"), STR("\xff"), "?q", "must be UTF-8");
    assert_refused(list, STR("q"), STR("a\0b"), "?q", "must be UTF-8");
    assert_refused(&catalog__create_product_request__descriptor, STR("price"), STR("1"), "?price", "cannot be given");
    assert_refused(&catalog__create_product_request__descriptor, STR("skus"), STR("1"), "?skus", "cannot be given");
    assert_refused(&identity__session__descriptor, STR("current"), STR("1"), "?current", "must be true or false");
}

static void test_wire_parameter__is_given_once_and_not_by_body_and_path(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct problem problem = {0};
    Catalog__UpdateProductRequest update = CATALOG__UPDATE_PRODUCT_REQUEST__INIT;
    assert_int_equal(wire_from_json(arena, STR("{\"id\":\"other\"}"), &update.base, &problem), 0);
    assert_int_equal(wire_set_field(arena, &update.base, STR("id"), STR("x"), "/", &problem), ERR_INVALID);
    assert_string_equal(problem.pointer, "/id");
    assert_string_equal(problem.detail, "\"id\" is given by the path; leave it out of the body.");
    Catalog__ListProductsRequest list = CATALOG__LIST_PRODUCTS_REQUEST__INIT;
    assert_int_equal(wire_set_field(arena, &list.base, STR("limit"), STR("1"), "?", &problem), 0);
    assert_int_equal(wire_set_field(arena, &list.base, STR("limit"), STR("1"), "?", &problem), ERR_INVALID);
    assert_string_equal(problem.detail, "\"limit\" is given more than once.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_parameter__fills_strings_integers_booleans_and_lists),
        cmocka_unit_test(test_wire_parameter__refuses_what_does_not_fit),
        cmocka_unit_test(test_wire_parameter__is_given_once_and_not_by_body_and_path),
    };
    return cmocka_run_group_tests_name("wire_parameter", tests, NULL, NULL);
}
