/* List cursors. The input is taken once as a cursor, which must be refused unless it is one that the shop would give,
 * and once as what stands inside one, behind a right seal. */
#include "platform/base/encode.h"
#include "platform/base/hash.h"
#include "platform/service/host.h"
#include "platform/wire/wire.h"
#include "shopstream/catalog/v1/catalog.pb-c.h"
#include "tests/fuzz/fuzz.h"

#define SEAL_BYTES 16
#define VALUES_MAX 4

static const struct service listing = {.name = "catalog"};
static struct service_instance instance = {.service = &listing, .seal_key = "a key that the test alone knows"};

static const Catalog__ListProductsRequest list = CATALOG__LIST_PRODUCTS_REQUEST__INIT;

/* What was taken is what the same values give. */
static void check_decode(struct call *call, struct str cursor)
{
    for (size_t count = 1; count <= VALUES_MAX; count++) {
        struct sql_value values[VALUES_MAX];
        struct str again;

        if (call_cursor_decode(call, &list.base, cursor, values, count) < 0)
            continue;
        if (call_cursor_encode(call, &list.base, values, count, &again) == 0)
            ASSERT(str_equal(again, cursor));
    }
}

/* Seals as cursor.c does. */
static void check_sealed(struct call *call, struct str packed)
{
    CLEANUP(buf_free) struct buf message = BUF(1 << 20);
    CLEANUP(buf_free) struct buf cursor = BUF(1 << 21);
    unsigned char mac[HASH_SHA256_BYTES];

    buf_printf(&message, "%s\n%s\n%s\n", "default", listing.name, list.base.descriptor->name);
    wire_to_json(&list.base, &message);
    buf_append_char(&message, '\n');
    size_t head = message.len;
    buf_append(&message, packed);
    hash_hmac_sha256(str_from(instance.seal_key, sizeof(instance.seal_key)), buf_str(&message), mac);
    buf_append(&message, str_from(mac, SEAL_BYTES));
    encode_base64url(&cursor, str_skip(buf_str(&message), head));
    if (buf_error(&message) == 0 && buf_error(&cursor) == 0)
        check_decode(call, buf_str(&cursor));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FUZZ_ARENA_BYTES);
    struct call call = {.arena = arena, .instance = &instance, .service = &listing, .tenant = STR("default")};

    check_decode(&call, str_from(data, size));
    check_sealed(&call, str_from(data, size));
    return 0;
}
