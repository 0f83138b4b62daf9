/* Proves that every message of the schema survives encoding and decoding, and that the text is what clients
 * are promised. */
#include "platform/wire/wire.h"
#include "platform/wire/wire_field.h"

#include "message_index.h"
#include "shopstream/catalog/v1/catalog.pb-c.h"
#include "shopstream/orders/v1/orders.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ARENA_BYTES ((size_t)8 << 20)
#define ROUNDS 200
#define DEPTH 4

/* -- Messages at random, the same for the same seed (splitmix64) ----------------------------------------------------
 */

struct generator {
    uint64_t state;
    struct arena *arena;
};

static uint64_t next(struct generator *g)
{
    uint64_t z = g->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static char *some_text(struct generator *g)
{
    static const char *const pieces[] = {"a",    "Z",    " ",    "\"", "\\", "/", "\n",           "\t",
                                         "\x01", "\x1f", "\x7f", "ü",  "€",  "😀", "plain words ", "</script>"};
    char text[400] = "";
    size_t len = 0;
    for (uint64_t i = next(g) % 12; i > 0; i--) {
        const char *piece = pieces[next(g) % (sizeof(pieces) / sizeof(pieces[0]))];
        memcpy(text + len, piece, strlen(piece));
        len += strlen(piece);
    }
    return arena_cstr(g->arena, str_from(text, len));
}

static ProtobufCMessage *some_message(struct generator *g, const ProtobufCMessageDescriptor *descriptor, int depth);

static void fill_slot(struct generator *g, const ProtobufCFieldDescriptor *field, void *slot, int depth)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        *(char **)slot = some_text(g);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)slot = some_message(g, field->descriptor, depth - 1);
        break;
    case PROTOBUF_C_TYPE_BYTES: {
        char *text = some_text(g);
        *(ProtobufCBinaryData *)slot = (ProtobufCBinaryData){.len = strlen(text), .data = (uint8_t *)text};
        break;
    }
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)slot = next(g) & 1;
        break;
    default: {
        /* Shifted, so that short numbers are as usual as long ones. */
        uint64_t bits = next(g) >> (next(g) % 64);
        if (next(g) & 1)
            bits = 0 - bits;
        memcpy(slot, &bits, wire_element_size(field->type));
        break;
    }
    }
}

static void fill_elements(struct generator *g, const ProtobufCFieldDescriptor *field, ProtobufCMessage *message,
                          int depth)
{
    size_t count = next(g) % 4;
    size_t size = wire_element_size(field->type);
    char *elements = arena_alloc_array(g->arena, count + 1, size);
    for (size_t i = 0; i < count; i++) {
        fill_slot(g, field, elements + i * size, depth);
        if (wire_is_map(field)) /* Keys must differ, and both are always there. */
            ((char **)(*(ProtobufCMessage **)(elements + i * size) + 1))[0] = arena_printf(g->arena, "key/%zu\"", i);
    }
    *(char **)wire_member(message, field) = elements;
    *wire_count(message, field) = count;
}

static ProtobufCMessage *some_message(struct generator *g, const ProtobufCMessageDescriptor *descriptor, int depth)
{
    ProtobufCMessage *message = wire_message_new(g->arena, descriptor);
    bool is_entry = strstr(descriptor->short_name, "Entry") && descriptor->n_fields == 2;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (depth == 0 && field->type == PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (wire_is_repeated(field)) {
            fill_elements(g, field, message, depth);
        } else if (is_entry || next(g) % 4 > 0) {
            fill_slot(g, field, wire_member(message, field), depth);
            if (!wire_is_pointer(field))
                *wire_has(message, field) = 1;
        }
    }
    return message;
}

/* The binary form, by protobuf-c itself: equal bytes mean equal messages, whatever platform/wire thinks. */
static struct str packed(struct arena *arena, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(arena, size);
    assert_non_null(bytes);
    protobuf_c_message_pack(message, bytes);
    return str_from(bytes, size);
}

static void test_wire_json__every_message_survives_the_round_trip(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    CLEANUP(buf_free) struct buf json = BUF((size_t)1 << 20);
    struct generator g = {.state = 1, .arena = arena};
    size_t messages = 0;
    for (const ProtobufCMessageDescriptor *const *d = message_index; *d; d++, messages++) {
        for (int round = 0; round < ROUNDS; round++) {
            arena_reset(arena);
            buf_clear(&json);
            ProtobufCMessage *message = some_message(&g, *d, DEPTH);
            wire_to_json(message, &json);
            assert_int_equal(buf_error(&json), 0);
            ProtobufCMessage *back = wire_message_new(arena, *d);
            struct problem problem = {0};
            if (wire_from_json(arena, buf_str(&json), back, &problem))
                fail_msg("%s: %s %s\n%.*s", (*d)->name, problem.pointer, problem.detail, STR_FORMAT(buf_str(&json)));
            assert_true(str_equal(packed(arena, message), packed(arena, back)));
            ProtobufCMessage *copy = wire_copy(arena, message);
            assert_non_null(copy);
            assert_true(str_equal(packed(arena, message), packed(arena, copy)));
            ProtobufCMessage *unpacked = wire_message_new(arena, *d);
            if (wire_from_binary(arena, packed(arena, message), unpacked, &problem))
                fail_msg("%s: %s %s", (*d)->name, problem.pointer, problem.detail);
            assert_true(str_equal(packed(arena, message), packed(arena, unpacked)));
        }
    }
    assert_true(messages > 50);
}

static void test_wire_json__a_copy_shares_nothing_with_its_source(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *kept = arena_new(ARENA_BYTES);
    CLEANUP(arena_cleanup) struct arena *source = arena_new(ARENA_BYTES);
    struct generator g = {.state = 7, .arena = source};
    ProtobufCMessage *message = some_message(&g, &catalog__list_products_reply__descriptor, DEPTH);
    struct str before = packed(kept, message);
    ProtobufCMessage *copy = wire_copy(kept, message);
    arena_reset(source); /* ASan poisons what the copy must not look at. */
    assert_true(str_equal(packed(kept, copy), before));
}

/* -- The text ------------------------------------------------------------------------------------------------------ */

static void test_wire_json__the_text_is_what_clients_are_promised(void **state)
{
    (void)state;
    Common__Money price = COMMON__MONEY__INIT;
    price.has_amount = 1;
    price.amount = 1999;
    price.currency = "EUR";
    Catalog__Sku__AttributesEntry colour = CATALOG__SKU__ATTRIBUTES_ENTRY__INIT;
    colour.key = "colour \"1\"";
    colour.value = "tab\there, é, \x01";
    Catalog__Sku sku = CATALOG__SKU__INIT;
    sku.code = "";
    sku.n_attributes = 1;
    sku.attributes = (Catalog__Sku__AttributesEntry *[]){&colour};
    sku.price = &price;
    sku.has_available = 1;
    sku.available = INT64_MIN;
    CLEANUP(buf_free) struct buf json = BUF(4096);
    wire_to_json(&sku.base, &json);
    assert_true(str_equal(buf_str(&json),
                          STR("{\"code\":\"\",\"attributes\":{\"colour \\\"1\\\"\":\"tab\\there, é, \\u0001\"},"
                              "\"price\":{\"amount\":1999,\"currency\":\"EUR\"},\"available\":-9223372036854775808}")));
}

static void test_wire_json__empty_lists_and_maps_are_there_and_absent_fields_are_not(void **state)
{
    (void)state;
    CLEANUP(buf_free) struct buf json = BUF(4096);
    Catalog__Product product = CATALOG__PRODUCT__INIT;
    wire_to_json(&product.base, &json);
    assert_true(str_equal(buf_str(&json), STR("{\"skus\":[]}")));
    buf_clear(&json);
    Catalog__Sku sku = CATALOG__SKU__INIT;
    wire_to_json(&sku.base, &json);
    assert_true(str_equal(buf_str(&json), STR("{\"attributes\":{}}")));
    buf_clear(&json);
    Catalog__ListProductsRequest request = CATALOG__LIST_PRODUCTS_REQUEST__INIT; /* defaults are not presence */
    wire_to_json(&request.base, &json);
    assert_true(str_equal(buf_str(&json), STR("{}")));
}

static void test_wire_json__bytes_are_base64(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"}; /* RFC 4648 */
    for (size_t len = 0; len < sizeof(texts) / sizeof(texts[0]); len++) {
        CLEANUP(buf_free) struct buf json = BUF(4096);
        Catalog__ExportProductsReply reply = CATALOG__EXPORT_PRODUCTS_REPLY__INIT;
        reply.has_csv = 1;
        reply.csv = (ProtobufCBinaryData){.len = len, .data = (uint8_t *)"foobar"};
        wire_to_json(&reply.base, &json);
        char wanted[64];
        snprintf(wanted, sizeof(wanted), "{\"csv\":\"%s\"}", texts[len]);
        assert_true(str_equal_cstr(buf_str(&json), wanted));
    }
}

static void test_wire_json__a_full_buffer_is_an_error_and_never_overrun(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct generator g = {.state = 5, .arena = arena};
    ProtobufCMessage *message = some_message(&g, &catalog__list_products_reply__descriptor, DEPTH);
    CLEANUP(buf_free) struct buf whole = BUF((size_t)1 << 20);
    wire_to_json(message, &whole);
    assert_true(whole.len > 400);
    for (size_t max = 0; max < whole.len; max++) {
        CLEANUP(buf_free) struct buf small = BUF(max);
        wire_to_json(message, &small);
        assert_int_equal(buf_error(&small), ERR_TOO_LARGE);
        assert_true(small.len <= max);
    }
}

static void test_wire_json__a_full_arena_is_an_error(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *source = arena_new(ARENA_BYTES);
    struct generator g = {.state = 5, .arena = source};
    ProtobufCMessage *message = some_message(&g, &catalog__list_products_reply__descriptor, DEPTH);
    CLEANUP(buf_free) struct buf json = BUF((size_t)1 << 20);
    wire_to_json(message, &json);
    bool done = false;
    for (size_t limit = 64; !done; limit += 256) {
        CLEANUP(arena_cleanup) struct arena *arena = arena_new(limit);
        ProtobufCMessage *back = wire_message_new(arena, message->descriptor);
        struct problem problem = {0};
        int error = back ? wire_from_json(arena, buf_str(&json), back, &problem) : ERR_NO_MEMORY;
        assert_true(error == 0 || error == ERR_NO_MEMORY);
        done = error == 0;
        assert_true(limit < ARENA_BYTES);
    }
    CLEANUP(arena_cleanup) struct arena *tiny = arena_new(1024);
    assert_null(wire_copy(tiny, message));
}

/* Texts that are almost right: whatever happens, it is an answer, and what is accepted says the same when sent back. */
static void test_wire_json__broken_texts_are_answered(void **state)
{
    (void)state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct generator g = {.state = 11, .arena = arena};
    size_t accepted = 0;
    size_t refused = 0;
    for (int round = 0; round < 5000; round++) {
        arena_reset(arena);
        CLEANUP(buf_free) struct buf json = BUF((size_t)1 << 20);
        wire_to_json(some_message(&g, &orders__create_order_request__descriptor, DEPTH), &json);
        static const char bytes[] = "{}[]\",:\\0e-.\x00\x7f\x80\xff u";
        for (uint64_t i = next(&g) % 3; i > 0; i--)
            json.ptr[next(&g) % json.len] = bytes[next(&g) % sizeof(bytes)];
        json.len -= next(&g) % 8 == 0 ? next(&g) % json.len : 0;
        /* A copy of the exact size, so that ASan sees a read behind it. */
        struct str text = arena_copy(arena, buf_str(&json));
        ProtobufCMessage *message = wire_message_new(arena, &orders__create_order_request__descriptor);
        struct problem problem = {0};
        int error = wire_from_json(arena, text, message, &problem);
        assert_true(error == 0 || (error == ERR_INVALID && problem.code && problem.detail[0]));
        assert_true(str_is_utf8(str_from_cstr(problem.detail)) && str_is_utf8(str_from_cstr(problem.pointer)));
        *(error ? &refused : &accepted) += 1;
        if (error)
            continue;
        buf_clear(&json);
        wire_to_json(message, &json);
        ProtobufCMessage *again = wire_message_new(arena, &orders__create_order_request__descriptor);
        assert_int_equal(wire_from_json(arena, buf_str(&json), again, &problem), 0);
        assert_true(str_equal(packed(arena, message), packed(arena, again)));
    }
    assert_true(accepted > 500 && refused > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_json__every_message_survives_the_round_trip),
        cmocka_unit_test(test_wire_json__a_copy_shares_nothing_with_its_source),
        cmocka_unit_test(test_wire_json__the_text_is_what_clients_are_promised),
        cmocka_unit_test(test_wire_json__empty_lists_and_maps_are_there_and_absent_fields_are_not),
        cmocka_unit_test(test_wire_json__bytes_are_base64),
        cmocka_unit_test(test_wire_json__a_full_buffer_is_an_error_and_never_overrun),
        cmocka_unit_test(test_wire_json__a_full_arena_is_an_error),
        cmocka_unit_test(test_wire_json__broken_texts_are_answered),
    };
    return cmocka_run_group_tests_name("wire_json", tests, NULL, NULL);
}
