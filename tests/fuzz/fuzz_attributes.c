/* A SKU's attributes, as people write them into a cell of a CSV file. What is read is within the limits, is written as
 * one text, and that text is read as the same attributes. */
#include "services/catalog/attributes.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FUZZ_ARENA_BYTES);
    struct attribute read[ATTRIBUTES_MAX], again[ATTRIBUTES_MAX];
    size_t count = 0, again_count = 0;
    const char *reason = NULL;
    struct str packed;
    int result = sku_attributes_unpack(arena, str_from(data, size), read, &count, &reason);

    ASSERT(result == 0 || result == ERR_NO_MEMORY || (result == ERR_INVALID && reason));
    if (result < 0)
        return 0;
    ASSERT(count <= ATTRIBUTES_MAX);
    for (size_t i = 0; i < count; i++) {
        ASSERT(read[i].name.len > 0 && read[i].name.len <= ATTRIBUTE_NAME_BYTES_MAX);
        ASSERT(read[i].value.len <= ATTRIBUTE_VALUE_BYTES_MAX);
    }
    ASSERT(sku_attributes_pack(arena, read, count, &packed) == 0);
    ASSERT(sku_attributes_unpack(arena, packed, again, &again_count, &reason) == 0 && again_count == count);
    for (size_t i = 0; i < count; i++)
        ASSERT(str_equal(read[i].name, again[i].name) && str_equal(read[i].value, again[i].value));
    return 0;
}
