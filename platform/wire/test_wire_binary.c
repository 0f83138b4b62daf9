/* Proves that what is taken from protobuf's binary form is what JSON may be, too. (That every message survives the
 * round trip: test_wire_json.c.) */
#include "platform/wire/wire.h"

#include "shopstream/catalog/v1/catalog.pb-c.h"
#include "shopstream/shell/v1/pages.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ARENA_BYTES ((size_t)1 << 20)

static void assert_refused(struct str bytes, ProtobufCMessage *message, const char *code, const char *pointer)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct problem problem = {0};
    assert_int_equal(wire_from_binary(arena, bytes, message, &problem), ERR_INVALID);
    assert_int_equal(problem.error, ERR_INVALID);
    assert_string_equal(problem.code, code);
    assert_string_equal(problem.pointer, pointer);
}

/* reservation_id is field 1. */
static void test_wire_binary__a_string_is_utf8_without_nul(void **state)
{
    (void)state;
    Catalog__ReservationRequest request = CATALOG__RESERVATION_REQUEST__INIT;
    assert_refused(STR("\x0a\x02\xff\xfe"), &request.base, "invalid_utf8", "/reservation_id");
    assert_refused(STR("\x0a\x03"
                       "a\0b"),
                   &request.base, "invalid_utf8", "/reservation_id");
    assert_null(request.reservation_id);
}

static void test_wire_binary__what_is_cut_is_refused(void **state)
{
    (void)state;
    Catalog__ReservationRequest request = CATALOG__RESERVATION_REQUEST__INIT;
    const struct str rows[] = {STR("\x0a"),
                               STR("\x0a\x05"
                                   "abc"),
                               STR("\x80"),
                               STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
                               STR("\x00\x01"),
                               STR("\x0b\x0c"),
                               STR("\x0e\x01"),
                               STR("\x11\x01")};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_refused(rows[i], &request.base, "malformed_message", "");
    /* A known field of another type. */
    assert_refused(STR("\x08\x01"), &request.base, "malformed_message", "");
}

/* A newer peer may know more. */
static void test_wire_binary__unknown_fields_are_passed_over(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    Catalog__ReservationRequest request = CATALOG__RESERVATION_REQUEST__INIT;
    struct problem problem = {0};
    struct str bytes = STR("\xf8\x07\x2a\x0a\x01r\xfa\x07\x02\xff\xff\xf5\x07zzzz\xf1\x07zzzzzzzz");
    assert_int_equal(wire_from_binary(arena, bytes, &request.base, &problem), 0);
    assert_string_equal(request.reservation_id, "r");
    assert_int_equal(request.base.n_unknown_fields, 0);
}

static void test_wire_binary__an_empty_message_is_empty(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    CLEANUP(buf_free) struct buf packed = BUF(16);
    Catalog__ReservationRequest request = CATALOG__RESERVATION_REQUEST__INIT;
    struct problem problem = {0};
    assert_int_equal(wire_from_binary(arena, STR_EMPTY, &request.base, &problem), 0);
    assert_null(request.reservation_id);
    wire_to_binary(&request.base, &packed);
    assert_int_equal(packed.len, 0);
    assert_int_equal(buf_error(&packed), 0);
}

/* attributes of a Sku, field 3: a key twice, a key and a value that were left out. */
static void test_wire_binary__maps_have_each_key_once_and_whole_entries(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    Catalog__Sku sku = CATALOG__SKU__INIT;
    struct problem problem = {0};
    assert_refused(STR("\x1a\x06\x0a\x01k\x12\x01v\x1a\x06\x0a\x01k\x12\x01w"), &sku.base, "duplicate_key",
                   "/attributes");
    assert_int_equal(wire_from_binary(arena, STR("\x1a\x00\x1a\x03\x0a\x01k"), &sku.base, &problem), 0);
    assert_int_equal(sku.n_attributes, 2);
    assert_string_equal(sku.attributes[0]->key, "");
    assert_string_equal(sku.attributes[0]->value, "");
    assert_string_equal(sku.attributes[1]->value, "");
    /* galleries of a Page, field 6, whose values are messages. */
    Pages__Page page = PAGES__PAGE__INIT;
    assert_int_equal(wire_from_binary(arena, STR("\x32\x00"), &page.base, &problem), 0);
    assert_string_equal(page.galleries[0]->key, "");
    assert_non_null(page.galleries[0]->value);
    CLEANUP(buf_free) struct buf many = BUF(8192);
    for (int i = 0; i <= WIRE_MAP_ENTRIES_MAX; i++)
        buf_printf(&many, "\x1a\x05\x0a\x03%03d", i);
    assert_refused(buf_str(&many), &sku.base, "too_many", "/attributes");
}

/* Empty messages of a list cost more than their two bytes; the arena bounds them. */
static void test_wire_binary__a_full_arena_is_an_error(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf many = BUF((size_t)1 << 20);
    for (int i = 0; i < 20000; i++)
        buf_append(&many, STR("\x0a\x00")); /* products of a ListProductsReply, field 1 */
    bool is_done = false;
    for (size_t limit = 1024; !is_done; limit *= 2) {
        CLEANUP(arena_cleanup) struct arena *arena = arena_new(limit);
        Catalog__ListProductsReply reply = CATALOG__LIST_PRODUCTS_REPLY__INIT;
        struct problem problem = {0};
        int result = wire_from_binary(arena, buf_str(&many), &reply.base, &problem);
        assert_true(result == 0 || result == ERR_NO_MEMORY);
        assert_true(limit > 4096 || result == ERR_NO_MEMORY);
        is_done = result == 0;
        assert_int_equal(reply.n_products, is_done ? 20000 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_binary__a_string_is_utf8_without_nul),
        cmocka_unit_test(test_wire_binary__what_is_cut_is_refused),
        cmocka_unit_test(test_wire_binary__unknown_fields_are_passed_over),
        cmocka_unit_test(test_wire_binary__an_empty_message_is_empty),
        cmocka_unit_test(test_wire_binary__maps_have_each_key_once_and_whole_entries),
        cmocka_unit_test(test_wire_binary__a_full_arena_is_an_error),
    };
    return cmocka_run_group_tests_name("wire_binary", tests, NULL, NULL);
}
