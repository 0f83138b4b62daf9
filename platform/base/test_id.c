#include "platform/base/id.h"
#include "platform/ports/clock/clock.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Of version 7, in small letters (RFC 9562, section 5.7). */
static bool is_uuid_7(struct str text)
{
    if (text.len != ID_BYTES - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (dash ? c != '-' : !hex)
            return false;
    }
    char variant = text.ptr[19];
    return text.ptr[14] == '7' && (variant == '8' || variant == '9' || variant == 'a' || variant == 'b');
}

static void test_id__ids_are_valid_and_sort_by_time(void **state)
{
    (void)state;
    char before[ID_BYTES];
    char id[ID_BYTES];
    id_new(before);
    for (int i = 0; i < 20000; i++) {
        id_new(id);
        assert_true(is_uuid_7(str_from_cstr(id)));
        assert_true(strcmp(before, id) < 0);
        memcpy(before, id, sizeof(id));
    }
}

/* The first 48 bits are the wall clock in ms; ids made in a rush may be ahead of it by a little. */
static void test_id__begins_with_the_time(void **state)
{
    (void)state;
    char id[ID_BYTES];
    int64_t from_ms = clock_wall_ms();
    id_new(id);
    char digits[13] = {0};
    memcpy(digits, id, 8);
    memcpy(digits + 8, id + 9, 4);
    int64_t id_ms = strtoll(digits, NULL, 16);
    assert_true(id_ms >= from_ms && id_ms <= clock_wall_ms() + 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id__ids_are_valid_and_sort_by_time),
        cmocka_unit_test(test_id__begins_with_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
