#include "platform/base/id.h"
#include "platform/ports/clock/clock.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_id__ids_are_valid_and_sort_by_time(void **state)
{
    (void)state;
    char before[ID_BYTES];
    char id[ID_BYTES];
    id_new(before);
    for (int i = 0; i < 20000; i++) {
        id_new(id);
        assert_true(id_is_valid(str_from_cstr(id)));
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

static void test_id__other_texts_are_not_valid(void **state)
{
    (void)state;
    assert_true(id_is_valid(STR("0190163d-8694-739b-aea5-966c26f8ad91")));
    const char *const refused[] = {"",
                                   "0190163d-8694-439b-aea5-966c26f8ad91",
                                   "0190163d-8694-739b-cea5-966c26f8ad91",
                                   "0190163D-8694-739b-aea5-966c26f8ad91",
                                   "0190163d08694-739b-aea5-966c26f8ad91",
                                   "0190163d-8694-739b-aea5-966c26f8ad9",
                                   "0190163d-8694-739b-aea5-966c26f8ad911",
                                   "0190163d-8694-739b-aea5-966c26f8ad9g"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_false(id_is_valid(str_from_cstr(refused[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id__ids_are_valid_and_sort_by_time),
        cmocka_unit_test(test_id__begins_with_the_time),
        cmocka_unit_test(test_id__other_texts_are_not_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
