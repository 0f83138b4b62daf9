/* Stripe's form encoding: names and values are UTF-8, and each key of a map is a part of a field's name. */
#include "services/stripe_emulator/form.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FUZZ_ARENA_BYTES);
    struct form form;
    struct str key, value;
    size_t position = 0, keys = 0;

    if (form_parse(arena, str_from(data, size), &form) < 0)
        return 0;
    ASSERT(form.count <= FORM_FIELDS_MAX);
    for (size_t i = 0; i < form.count; i++) {
        ASSERT(form.fields[i].value.ptr);
        ASSERT(str_is_utf8(form.fields[i].name) && str_is_utf8(form.fields[i].value));
    }
    while (form_next_key(&form, "metadata", &position, &key, &value)) {
        /* Empty only where the name is "metadata[]", as arrays are written. */
        ASSERT(++keys <= form.count && str_is_utf8(key) && value.ptr);
        ASSERT(key.len > 0 || str_equal_cstr(form.fields[position - 1].name, "metadata[]"));
        ASSERT(position <= form.count);
    }
    form_find(&form, "amount");
    form_expands(&form, "latest_charge");
    return 0;
}
