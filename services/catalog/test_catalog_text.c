/* Proves the pure parts of how titles are compared: folding, words, slugs, packed attributes. */
#include "services/catalog/attributes.h"
#include "services/catalog/text.h"

#include "platform/base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static struct arena *arena;

static int make_arena(void **state)
{
    (void)state;
    arena = arena_new(1 << 20);
    return arena ? 0 : -1;
}

static int free_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void assert_str(struct str actual, const char *expected)
{
    assert_int_equal(actual.len, strlen(expected));
    assert_memory_equal(actual.ptr, expected, actual.len);
}

static struct str slug_of(const char *title)
{
    struct str slug;

    assert_int_equal(catalog_text_slug(arena, str_from_cstr(title), &slug), 0);
    return slug;
}

static void test_catalog_text__folds_case_and_accents(void **state)
{
    struct str folded;

    (void)state;
    assert_int_equal(catalog_text_fold(arena, STR("GRÖSSE Größe Žluťoučký Œuvre 日本"), &folded), 0);
    assert_str(folded, "grosse grosse zlutoucky oeuvre 日本");
    assert_int_equal(catalog_text_fold(arena, STR("a × b ÷ c"), &folded), 0);
    assert_str(folded, "a × b ÷ c");
    /* Half a character at the end is left alone, not read past. */
    assert_int_equal(catalog_text_fold(arena, STR("x\xc3"), &folded), 0);
    assert_str(folded, "x\xc3");
}

static void test_catalog_text__makes_readable_slugs(void **state)
{
    struct str slug;

    (void)state;
    assert_str(slug_of("Café au lait, 2 cups!"), "cafe-au-lait-2-cups");
    assert_str(slug_of("  --  "), "product");
    assert_str(slug_of("日本"), "product");
    slug = slug_of("0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 012 456 89");
    assert_true(slug.len <= TEXT_SLUG_BYTES_MAX);
    assert_true(slug.ptr[slug.len - 1] != '-');
}

static void test_catalog_text__finds_each_word_once(void **state)
{
    struct str texts[] = {STR("two lamps, one lamp"), STR("glass; two")}, *words;
    size_t count;

    (void)state;
    assert_int_equal(catalog_text_words(arena, texts, 2, 10, &words, &count), 0);
    assert_int_equal(count, 4);
    assert_str(words[0], "two");
    assert_str(words[1], "lamp");
    assert_str(words[2], "one");
    assert_str(words[3], "glass");
    assert_int_equal(catalog_text_words(arena, texts, 2, 2, &words, &count), 0);
    assert_int_equal(count, 2);
}

static void test_catalog_text__cuts_long_words_at_a_character(void **state)
{
    struct str rest = STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaéé"), word; /* the 40th byte is half an é */

    (void)state;
    assert_true(catalog_text_next_word(&rest, &word));
    assert_int_equal(word.len, 39);
    assert_false(catalog_text_next_word(&rest, &word));
}

static void test_catalog_text__sort_keys_fit_a_cursor(void **state)
{
    char title[400];
    struct str key;

    (void)state;
    memset(title, 'Z', sizeof(title));
    assert_int_equal(catalog_text_sort_key(arena, str_from(title, sizeof(title)), &key), 0);
    assert_int_equal(key.len, TEXT_KEY_BYTES_MAX);
    assert_int_equal(key.ptr[0], 'z');
}

static void test_catalog_text__tells_lines_and_ids(void **state)
{
    (void)state;
    assert_true(catalog_text_is_line(STR("Tea pot")));
    assert_false(catalog_text_is_line(STR("  ")));
    assert_false(catalog_text_is_line(STR("two\nlines")));
    assert_true(catalog_text_is_uuid(STR("0190163d-8694-739b-aea5-966c26f8ad91")));
    assert_false(catalog_text_is_uuid(STR("0190163d-8694-739b-aea5-966c26f8ad9")));
    assert_false(catalog_text_is_uuid(STR("0190163d_8694_739b_aea5_966c26f8ad91")));
}

static void test_catalog_text__packs_attributes_and_back(void **state)
{
    struct attribute given[] = {{STR("colour"), STR("Black; or = white")}, {STR("back\\slash"), STR("")}};
    struct attribute read[ATTRIBUTES_MAX];
    const char *reason = NULL;
    struct str packed;
    size_t count;

    (void)state;
    assert_int_equal(sku_attributes_pack(arena, given, 2, &packed), 0);
    assert_str(packed, "colour=Black\\; or \\= white;back\\\\slash=");
    assert_int_equal(sku_attributes_unpack(arena, packed, read, &count, &reason), 0);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(str_equal(read[i].name, given[i].name));
        assert_true(str_equal(read[i].value, given[i].value));
    }
}

static void test_catalog_text__refuses_bad_attributes(void **state)
{
    static const char *const bad[] = {
        "colour", "=x", "a=1;a=2", "a=1;;b=2", "a=1;b=1;c=1;d=1;e=1;f=1;g=1;h=1;i=1;j=1;k=1", "a=\x01"};
    struct attribute read[ATTRIBUTES_MAX];
    const char *reason = NULL;
    size_t count;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        reason = NULL;
        assert_int_equal(sku_attributes_unpack(arena, str_from_cstr(bad[i]), read, &count, &reason), ERR_INVALID);
        assert_non_null(reason);
    }
    assert_int_equal(sku_attributes_unpack(arena, STR("  a = 1 ; b=2;"), read, &count, &reason), 0);
    assert_int_equal(count, 2);
    assert_str(read[0].value, "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog_text__folds_case_and_accents),
        cmocka_unit_test(test_catalog_text__makes_readable_slugs),
        cmocka_unit_test(test_catalog_text__finds_each_word_once),
        cmocka_unit_test(test_catalog_text__cuts_long_words_at_a_character),
        cmocka_unit_test(test_catalog_text__sort_keys_fit_a_cursor),
        cmocka_unit_test(test_catalog_text__tells_lines_and_ids),
        cmocka_unit_test(test_catalog_text__packs_attributes_and_back),
        cmocka_unit_test(test_catalog_text__refuses_bad_attributes),
    };
    return cmocka_run_group_tests(tests, make_arena, free_arena);
}
