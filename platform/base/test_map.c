#include "platform/base/err.h"
#include "platform/base/map.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KEYS 2000

/* Against the plain truth of an array: thousands of puts and looks in mixed order leave exactly what they should. */
static void test_map__agrees_with_an_array(void **state)
{
    (void)state;
    static char keys[KEYS][8];
    static void *truth[KEYS];
    struct map *map = map_new(KEYS);
    uint32_t random = 1;
    size_t count = 0;
    for (int i = 0; i < KEYS; i++)
        snprintf(keys[i], sizeof(keys[i]), "k%d", i);
    for (int i = 0; i < 50000; i++) {
        random = random * 1664525 + 1013904223;
        size_t at = (random >> 8) % KEYS;
        struct str key = str_from_cstr(keys[at]);
        if ((random >> 4) % 3 == 0) {
            assert_ptr_equal(map_get(map, key), truth[at]);
        } else {
            void *replaced;
            assert_int_equal(map_put(map, key, &keys[random % KEYS], &replaced), 0);
            assert_ptr_equal(replaced, truth[at]);
            count += truth[at] == NULL;
            truth[at] = &keys[random % KEYS];
        }
        assert_int_equal(map_count(map), count);
    }
    for (int i = 0; i < KEYS; i++)
        assert_ptr_equal(map_get(map, str_from_cstr(keys[i])), truth[i]);
    size_t cursor = 0, seen = 0;
    struct str key;
    void *value;
    while (map_next(map, &cursor, &key, &value)) {
        assert_ptr_equal(map_get(map, key), value);
        seen++;
    }
    assert_int_equal(seen, count);
    map_free(map);
}

static void test_map__is_bounded(void **state)
{
    (void)state;
    int a = 1, b = 2;
    struct map *map = map_new(2);
    assert_null(map_get(map, STR("a")));
    assert_int_equal(map_put(map, STR("a"), &a, NULL), 0);
    assert_int_equal(map_put(map, STR_EMPTY, &a, NULL), 0);
    assert_int_equal(map_put(map, STR("c"), &a, NULL), ERR_TOO_LARGE);
    assert_int_equal(map_put(map, STR("a"), &b, NULL), 0);
    assert_ptr_equal(map_get(map, STR("a")), &b);
    assert_int_equal(map_put(map, STR("c"), &a, NULL), ERR_TOO_LARGE);
    assert_int_equal(map_count(map), 2);
    map_free(map);
    map_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map__agrees_with_an_array),
        cmocka_unit_test(test_map__is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
