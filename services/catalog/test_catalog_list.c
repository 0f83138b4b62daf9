/* Proves the product list against a plain model of it: every order with every filter, page by page, shows each product
 * that it should exactly once and in its place. */
#include "services/catalog/test_catalog_fixture.h"

#include <stdlib.h>

#define COUNT 90
#define NO_PRICE -1

static const char *const orders[] = {"newest", "title", "price_asc", "price_desc"};
static const char *const categories[] = {"lamps", "chairs", "tables"};
static const char *const brands[] = {"Ärla", "Bo", "Cie"};
static const char *const words[] = {"oak", "steel glass", "oak glass", "linen"};

/* What the model knows of a product. */
static struct item {
    char *id;
    char title[40], code[16];
    const char *category, *brand, *words;
    int64_t eur, usd, usd_ca; /* NO_PRICE: none */
} items[COUNT];

static int make_items(void **state)
{
    fixture_start(state);
    for (int i = 0; i < COUNT; i++) {
        struct item *item = &items[i];
        Catalog__SkuPrice usd = CATALOG__SKU_PRICE__INIT, ca = CATALOG__SKU_PRICE__INIT, *prices[2];
        size_t count = 0;

        *item = (struct item){.category = categories[i % 3],
                              .brand = brands[i / 3 % 3],
                              .words = words[i / 7 % 4],
                              .eur = 100 + i * 37 % 11 * 10,
                              .usd = NO_PRICE,
                              .usd_ca = NO_PRICE};
        snprintf(item->title, sizeof(item->title), "Thing %c%d", "QWERTY"[i * 5 % 6], i % 9);
        snprintf(item->code, sizeof(item->code), "LIST-%d", i);
        usd.currency = ca.currency = (char *)"USD";
        ca.region = (char *)"CA";
        usd.has_amount = ca.has_amount = true;
        if (i % 2)
            item->usd = usd.amount = 200 + i * 17 % 13 * 10;
        if (i % 5 == 0)
            item->usd_ca = ca.amount = 150 + i * 23 % 17 * 10;
        if (item->usd != NO_PRICE)
            prices[count++] = &usd;
        if (item->usd_ca != NO_PRICE)
            prices[count++] = &ca;
        item->id = fixture_create(&(struct test_product){.title = item->title,
                                                         .code = item->code,
                                                         .category = item->category,
                                                         .brand = item->brand,
                                                         .description = item->words,
                                                         .amount = item->eur,
                                                         .prices = prices,
                                                         .price_count = count})
                       ->id;
    }
    return 0;
}

/* -- The model ----------------------------------------------------------------------------------------------------- */

struct question {
    const char *order, *category, *brand, *q, *currency, *region;
};

static const struct question *asked;

static int64_t price_of(const struct item *item)
{
    if (!asked->currency)
        return item->eur;
    return asked->region && item->usd_ca != NO_PRICE ? item->usd_ca : item->usd;
}

static bool has_words(const struct item *item)
{
    struct str rest = str_from_cstr(asked->q), word;

    while (rest.ptr && str_next_token(&rest, ' ', &word))
        if (str_find(str_from_cstr(item->words), word) < 0)
            return false;
    return true;
}

static bool belongs(const struct item *item)
{
    if (asked->category && strcmp(item->category, asked->category) != 0)
        return false;
    if (asked->brand && strcmp(item->brand, asked->brand) != 0)
        return false;
    return has_words(item) && price_of(item) != NO_PRICE;
}

static int compare(const void *a, const void *b)
{
    const struct item *left = *(const struct item *const *)a, *right = *(const struct item *const *)b;
    int64_t by_price = price_of(left) - price_of(right);
    int by_id = strcmp(left->id, right->id), by_title = strcmp(left->title, right->title);

    if (strcmp(asked->order, "newest") == 0)
        return -by_id;
    if (strcmp(asked->order, "title") == 0)
        return by_title ? by_title : by_id;
    if (strcmp(asked->order, "price_asc") == 0)
        return by_price ? (by_price > 0 ? 1 : -1) : by_id;
    return by_price ? (by_price > 0 ? -1 : 1) : -by_id;
}

static size_t expected(const struct item *ret_items[COUNT])
{
    size_t count = 0;

    for (int i = 0; i < COUNT; i++)
        if (belongs(&items[i]))
            ret_items[count++] = &items[i];
    qsort(ret_items, count, sizeof(*ret_items), compare);
    return count;
}

/* -- The service --------------------------------------------------------------------------------------------------- */

static int ask(const struct question *question, int32_t limit, char *cursor, Catalog__ListProductsReply *out,
               struct call **ret_call)
{
    Catalog__ListProductsRequest in = CATALOG__LIST_PRODUCTS_REQUEST__INIT;

    in.has_limit = true;
    in.limit = limit;
    in.cursor = cursor;
    in.sort = (char *)question->order;
    in.category = (char *)question->category;
    in.brand = (char *)question->brand;
    in.q = (char *)question->q;
    in.currency = (char *)question->currency;
    in.region = (char *)question->region;
    *ret_call = fixture_call();
    *out = (Catalog__ListProductsReply)CATALOG__LIST_PRODUCTS_REPLY__INIT;
    return catalog_list_products(*ret_call, &in, out);
}

static void check(const struct question *question, int32_t limit)
{
    const struct item *wanted[COUNT];
    size_t count, at = 0;
    char *cursor = NULL;

    asked = question;
    count = expected(wanted);
    do {
        Catalog__ListProductsReply out;
        struct call *call;

        assert_int_equal(ask(question, limit, cursor, &out, &call), 0);
        assert_true(out.n_products == (size_t)limit || !out.next_cursor);
        for (size_t i = 0; i < out.n_products; i++, at++) {
            assert_true(at < count);
            assert_string_equal(out.products[i]->id, wanted[at]->id);
            assert_int_equal(out.products[i]->price->amount, price_of(wanted[at]));
            assert_int_equal(out.products[i]->n_skus, 1);
        }
        cursor = out.next_cursor;
    } while (cursor);
    assert_int_equal(at, count);
}

/* -- Tests --------------------------------------------------------------------------------------------------------- */

static void test_catalog_list__agrees_with_the_model(void **state)
{
    static const char *const categories_asked[] = {NULL, "chairs", "none"}, *const brands_asked[] = {NULL, "Bo"};
    static const char *const questions[] = {NULL, "oak", "oak glass", "linen steel"};
    static const char *const currencies[][2] = {{NULL, NULL}, {"USD", NULL}, {"USD", "CA"}};
    struct arena *kept = fixture.arena;

    (void)state;
    for (unsigned i = 0; i < 4 * 3 * 2 * 4 * 3; i++) {
        const struct question question = {
            .order = orders[i % 4],
            .category = categories_asked[i / 4 % 3],
            .brand = brands_asked[i / 12 % 2],
            .q = questions[i / 24 % 4],
            .currency = currencies[i / 96][0],
            .region = currencies[i / 96][1],
        };

        fixture.arena = arena_new(32 << 20);
        check(&question, 7);
        arena_free(fixture.arena);
        fixture.arena = kept;
    }
}

static void test_catalog_list__pages_of_any_size_agree(void **state)
{
    const struct question question = {.order = "price_asc"};

    (void)state;
    check(&question, 1);
    check(&question, 45);
    check(&question, 90);
    check(&question, 100);
}

static void test_catalog_list__finds_words_whatever_their_form(void **state)
{
    static const char *const same[] = {"LINEN", "linens", " linen, ", "línen", "linen linen"};
    const struct question question = {.order = "newest", .q = "linen"};
    const struct item *wanted[COUNT];
    size_t count;

    (void)state;
    asked = &question;
    count = expected(wanted);
    assert_true(count > 0);
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        const struct question other = {.order = "newest", .q = same[i]};
        Catalog__ListProductsReply out;
        struct call *call;

        assert_int_equal(ask(&other, 100, NULL, &out, &call), 0);
        assert_int_equal(out.n_products, count);
    }
}

static void test_catalog_list__finds_brands_whatever_their_form(void **state)
{
    const struct question question = {.order = "newest", .brand = "arla"};
    Catalog__ListProductsReply out;
    struct call *call;

    (void)state;
    assert_int_equal(ask(&question, 100, NULL, &out, &call), 0);
    assert_int_equal(out.n_products, COUNT / 3);
}

static void test_catalog_list__a_question_without_words_finds_nothing(void **state)
{
    const struct question nothing = {.order = "newest", .q = "!?"}, all = {.order = "newest", .q = " "};
    const struct question many = {.order = "newest", .q = "a b c d e f g h i"};
    Catalog__ListProductsReply out;
    struct call *call;

    (void)state;
    assert_int_equal(ask(&nothing, 10, NULL, &out, &call), 0);
    assert_int_equal(out.n_products, 0);
    assert_int_equal(ask(&all, 10, NULL, &out, &call), 0);
    assert_int_equal(out.n_products, 10);
    assert_int_equal(ask(&many, 10, NULL, &out, &call), ERR_INVALID);
    assert_string_equal(call->problem.pointer, "?q");
}

static void test_catalog_list__refuses_cursors_that_are_not_its_own(void **state)
{
    const struct question newest = {.order = "newest"}, cheapest = {.order = "price_asc"};
    Catalog__ListProductsReply out;
    struct call *call;
    char *cursor;

    (void)state;
    assert_int_equal(ask(&newest, 5, NULL, &out, &call), 0);
    cursor = out.next_cursor;
    assert_non_null(cursor);
    assert_int_equal(ask(&cheapest, 5, cursor, &out, &call), ERR_INVALID);
    assert_string_equal(call->problem.code, "invalid_cursor");
    cursor = arena_printf(fixture.arena, "%s", cursor);
    cursor[8] = cursor[8] == 'A' ? 'B' : 'A';
    assert_int_equal(ask(&newest, 5, cursor, &out, &call), ERR_INVALID);
    assert_int_equal(ask(&newest, 5, (char *)"invented", &out, &call), ERR_INVALID);
}

static void test_catalog_list__a_page_is_not_disturbed_by_new_products(void **state)
{
    const struct question question = {.order = "newest"};
    Catalog__ListProductsReply first, second;
    struct call *call;

    (void)state;
    assert_int_equal(ask(&question, 5, NULL, &first, &call), 0);
    fixture_create(&(struct test_product){.title = "Newer", .code = "NEWER", .amount = 1});
    assert_int_equal(ask(&question, 5, first.next_cursor, &second, &call), 0);
    assert_string_equal(second.products[0]->id, items[COUNT - 6].id);
}

/* A thousand products with one word: the order leads then, not the word. */
static void test_catalog_list__a_frequent_word_is_found_in_order(void **state)
{
    const struct question question = {.order = "price_desc", .q = "common"};
    CLEANUP(buf_free) struct buf csv = BUF(1 << 20);
    Catalog__ImportProductsRequest in = CATALOG__IMPORT_PRODUCTS_REQUEST__INIT;
    Catalog__ImportProductsReply imported = CATALOG__IMPORT_PRODUCTS_REPLY__INIT;
    Catalog__ListProductsReply out = CATALOG__LIST_PRODUCTS_REPLY__INIT;
    int64_t last = INT64_MAX;
    size_t count = 0;

    (void)state;
    buf_append_cstr(&csv, "title,category,code,price,currency\n");
    for (int i = 0; i < 1010; i++)
        buf_printf(&csv, "Common %d,common,COMMON-%d,%d,EUR\n", i, i, 1 + i * 7919 % 500);
    in.has_csv = true;
    in.csv.data = (uint8_t *)csv.ptr;
    in.csv.len = csv.len;
    assert_int_equal(catalog_import_products(fixture_call(), &in, &imported), 0);
    assert_int_equal(imported.n_errors, 0);
    do {
        struct call *call;

        assert_int_equal(ask(&question, 100, out.next_cursor, &out, &call), 0);
        for (size_t i = 0; i < out.n_products; i++, count++) {
            assert_true(out.products[i]->price->amount <= last);
            last = out.products[i]->price->amount;
        }
    } while (out.next_cursor);
    assert_int_equal(count, 1010);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog_list__agrees_with_the_model),
        cmocka_unit_test(test_catalog_list__pages_of_any_size_agree),
        cmocka_unit_test(test_catalog_list__finds_words_whatever_their_form),
        cmocka_unit_test(test_catalog_list__finds_brands_whatever_their_form),
        cmocka_unit_test(test_catalog_list__a_question_without_words_finds_nothing),
        cmocka_unit_test(test_catalog_list__refuses_cursors_that_are_not_its_own),
        cmocka_unit_test(test_catalog_list__a_page_is_not_disturbed_by_new_products),
        cmocka_unit_test(test_catalog_list__a_frequent_word_is_found_in_order),
    };
    return cmocka_run_group_tests(tests, make_items, fixture_end);
}
