/* Proves that the demo catalog is the same on every machine, and believable in its numbers. */
#include "services/catalog/attributes.h"
#include "services/catalog/seed.h"
#include "services/catalog/text.h"

#include "platform/base/buf.h"
#include "platform/base/hash.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

/* Of everything below: changes only when the words or the making of the catalog do, and then on purpose. */
#define SEED_SHA256 "76f4b9edfbd48793afc70cdcdb276fa81f719af2c4c2c58389f3415a3892110b"

static struct catalog_product products[SEED_PRODUCTS];
static struct arena *arena;

static int make_products(void **state)
{
    (void)state;
    arena = arena_new(64 << 20);
    for (size_t i = 0; i < SEED_PRODUCTS; i++)
        if (seed_product(arena, i, &products[i]))
            return -1;
    return 0;
}

static int free_products(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void append_product(struct buf *buf, const struct catalog_product *p)
{
    const struct str texts[] = {p->id, p->slug, p->title, p->brand, p->category, p->description, p->image_url};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        buf_append(buf, texts[i]);
        buf_append_char(buf, '\n');
    }
    for (size_t i = 0; i < p->sku_count; i++) {
        const struct catalog_sku *sku = &p->skus[i];

        buf_printf(buf, "%.*s %.*s %.*s %lld %lld\n", STR_FORMAT(sku->id), STR_FORMAT(sku->code),
                   STR_FORMAT(sku->attributes), (long long)sku->amount, (long long)sku->on_hand);
        for (size_t j = 0; j < sku->price_count; j++)
            buf_printf(buf, "%.*s %lld\n", STR_FORMAT(sku->prices[j].currency), (long long)sku->prices[j].amount);
    }
}

static void test_catalog_seed__is_the_same_everywhere(void **state)
{
    CLEANUP(buf_free) struct buf buf = BUF(16 << 20);
    unsigned char hash[HASH_SHA256_BYTES];
    char text[2 * HASH_SHA256_BYTES + 1];

    (void)state;
    for (size_t i = 0; i < SEED_PRODUCTS; i++)
        append_product(&buf, &products[i]);
    assert_int_equal(buf_error(&buf), 0);
    hash_sha256(buf_str(&buf), hash);
    for (size_t i = 0; i < sizeof(hash); i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    assert_string_equal(text, SEED_SHA256);
}

static void test_catalog_seed__has_about_6000_skus_each_once(void **state)
{
    size_t skus = 0;

    (void)state;
    for (size_t i = 0; i < SEED_PRODUCTS; i++) {
        skus += products[i].sku_count;
        assert_in_range(products[i].sku_count, 1, CATALOG_SKUS_MAX);
        for (size_t j = 0; j < i; j++) {
            assert_false(str_equal(products[i].slug, products[j].slug));
            assert_false(str_equal(products[i].id, products[j].id));
        }
        for (size_t j = 0; j < products[i].sku_count; j++)
            for (size_t k = 0; k < j; k++)
                assert_false(str_equal(products[i].skus[j].attributes, products[i].skus[k].attributes));
    }
    assert_in_range(skus, 5500, 6500);
}

static void test_catalog_seed__passes_the_rules_of_the_catalog(void **state)
{
    (void)state;
    for (size_t i = 0; i < SEED_PRODUCTS; i++) {
        const struct catalog_product *p = &products[i];

        assert_true(catalog_text_is_uuid(p->id));
        assert_true(catalog_text_is_line(p->title));
        assert_true(catalog_text_is_line(p->brand));
        assert_in_range(p->description.len, 60, 400);
        for (size_t j = 0; j < p->sku_count; j++) {
            assert_in_range(p->skus[j].amount, 100, 500000);
            assert_in_range(p->skus[j].on_hand, 0, 1000);
            assert_int_equal(p->skus[j].price_count, 2);
            assert_true(p->skus[j].prices[0].amount > 0 && p->skus[j].prices[1].amount > 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog_seed__is_the_same_everywhere),
        cmocka_unit_test(test_catalog_seed__has_about_6000_skus_each_once),
        cmocka_unit_test(test_catalog_seed__passes_the_rules_of_the_catalog),
    };
    return cmocka_run_group_tests(tests, make_products, free_products);
}
