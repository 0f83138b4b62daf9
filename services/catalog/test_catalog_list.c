/* Proves the product list against a plain model of it: every order with every filter, page by page, shows each product
 * that it should exactly once and in its place; and its facets count what the list would show. */
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
    const char *facet; /* that is counted alone */
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

/* -- Facets -------------------------------------------------------------------------------------------------------- */

static int ask_facets(const struct question *question, Catalog__ListFacetsReply *out)
{
    Catalog__ListFacetsRequest in = CATALOG__LIST_FACETS_REQUEST__INIT;

    in.category = (char *)question->category;
    in.brand = (char *)question->brand;
    in.q = (char *)question->q;
    in.currency = (char *)question->currency;
    in.region = (char *)question->region;
    in.facet = (char *)question->facet;
    *out = (Catalog__ListFacetsReply)CATALOG__LIST_FACETS_REPLY__INIT;
    return catalog_list_facets(fixture_call(), &in, out);
}

/* How many products the model's list has. */
static int64_t model_count(struct question question)
{
    const struct item *found[COUNT];

    asked = &question;
    return (int64_t)expected(found);
}

/* The value's count; 0 when it is not shown. Those that are shown fall. */
static int64_t count_of(Catalog__FacetValue *const *values, size_t count, const char *title)
{
    int64_t found = 0;

    for (size_t i = 0; i < count; i++) {
        assert_true(values[i]->count > 0 && (i == 0 || values[i]->count <= values[i - 1]->count));
        assert_false(values[i]->at_least);
        if (strcmp(values[i]->title, title) == 0)
            found = values[i]->count;
    }
    return found;
}

static void check_prices(const struct question *question, const Catalog__ListFacetsReply *out)
{
    const struct item *found[COUNT];
    struct question cheapest = *question;
    size_t count;

    cheapest.order = "price_asc";
    asked = &cheapest;
    count = expected(found);
    if (!question->currency || count == 0) {
        assert_null(out->lowest_price);
        assert_null(out->highest_price);
        return;
    }
    assert_int_equal(out->lowest_price->amount, price_of(found[0]));
    assert_int_equal(out->highest_price->amount, price_of(found[count - 1]));
    assert_string_equal(out->lowest_price->currency, question->currency);
}

/* A facet's counts are those of the list that its value would give. */
static void check_facets(const struct question *question)
{
    static const char *const titles[] = {"Lamps", "Chairs", "Tables"};
    Catalog__ListFacetsReply out;

    assert_int_equal(ask_facets(question, &out), 0);
    assert_int_equal(out.total, model_count(*question));
    assert_false(out.at_least);
    for (int i = 0; i < 3; i++) {
        struct question other = *question;

        other.category = categories[i];
        assert_int_equal(count_of(out.categories, out.n_categories, titles[i]), model_count(other));
        other = *question;
        other.brand = brands[i];
        assert_int_equal(count_of(out.brands, out.n_brands, brands[i]), model_count(other));
    }
    check_prices(question, &out);
}

static void assert_same_values(Catalog__FacetValue *const *left, size_t left_count, Catalog__FacetValue *const *right,
                               size_t right_count)
{
    assert_int_equal(left_count, right_count);
    for (size_t i = 0; i < left_count; i++) {
        assert_string_equal(left[i]->title, right[i]->title);
        assert_int_equal(left[i]->count, right[i]->count);
    }
}

/* A facet that is asked for alone is the same, and nothing else is there. */
static void check_facet_alone(const struct question *question)
{
    struct question categories_alone = *question, brands_alone = *question;
    Catalog__ListFacetsReply all, out;

    categories_alone.facet = "category";
    brands_alone.facet = "brand";
    assert_int_equal(ask_facets(question, &all), 0);
    assert_int_equal(ask_facets(&categories_alone, &out), 0);
    assert_same_values(out.categories, out.n_categories, all.categories, all.n_categories);
    assert_int_equal(out.total, all.total);
    assert_int_equal(out.n_brands, 0);
    assert_null(out.lowest_price);
    assert_int_equal(ask_facets(&brands_alone, &out), 0);
    assert_same_values(out.brands, out.n_brands, all.brands, all.n_brands);
    assert_int_equal(out.total, all.total);
    assert_int_equal(out.n_categories, 0);
    assert_null(out.highest_price);
}

/* -- Tests --------------------------------------------------------------------------------------------------------- */

static void test_catalog_list__agrees_with_the_model(void **state)
{
    static const char *const categories_asked[] = {NULL, "chairs", "none"}, *const brands_asked[] = {NULL, "Bo"};
    static const char *const questions[] = {NULL, "oak", "oak glass", "linen steel", "gla", "glass o"};
    static const char *const currencies[][2] = {{NULL, NULL}, {"USD", NULL}, {"USD", "CA"}};
    struct arena *kept = fixture.arena;

    (void)state;
    for (unsigned i = 0; i < 4 * 3 * 2 * 6 * 3; i++) {
        const struct question question = {
            .order = orders[i % 4],
            .category = categories_asked[i / 4 % 3],
            .brand = brands_asked[i / 12 % 2],
            .q = questions[i / 24 % 6],
            .currency = currencies[i / 144][0],
            .region = currencies[i / 144][1],
        };

        fixture.arena = arena_new(32 << 20);
        check(&question, 7);
        check_facets(&question);
        check_facet_alone(&question);
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

/* Of the last word its beginning is enough; of the others it is not, and no word's middle is. */
static void test_catalog_list__finds_the_last_word_while_it_is_typed(void **state)
{
    static const struct {
        const char *q;
        bool found;
    } cases[] = {{"l", true},          {"li", true},    {"linens", true},  {"línE", true},        {"thing linen", true},
                 {"thin line", false}, {"inen", false}, {"linene", false}, {"line thing", false}, {"oak zz", false}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct question question = {.order = "newest", .q = cases[i].q};
        Catalog__ListProductsReply out;
        struct call *call;

        assert_int_equal(ask(&question, 100, NULL, &out, &call), 0);
        assert_int_equal(out.n_products > 0, cases[i].found);
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

/* Of a thousand products and more with a word, a thousand are counted, and the counts say so; where another filter has
 * fewer, all of those are. */
static void test_catalog_list__facets_of_a_frequent_word_say_at_least(void **state)
{
    const struct question common = {.q = "common"}, beginning = {.q = "com"},
                          none = {.q = "common", .category = "lamps"};
    const struct question counted = {.category = "common"};
    Catalog__ListFacetsReply out;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask_facets(i ? &beginning : &common, &out), 0);
        assert_int_equal(out.total, 1000);
        assert_true(out.at_least);
        assert_string_equal(out.categories[0]->title, "Common");
        assert_int_equal(out.categories[0]->count, 1000);
        assert_true(out.categories[0]->at_least);
    }
    assert_int_equal(ask_facets(&none, &out), 0);
    assert_int_equal(out.total, 0);
    assert_false(out.at_least);
    assert_int_equal(ask_facets(&counted, &out), 0);
    assert_int_equal(out.total, 1010);
    assert_false(out.at_least);
}

/* What changes takes its counts along, and what goes does too. */
static void test_catalog_list__facets_follow_each_change(void **state)
{
    const struct question kettles = {.category = "kettles", .currency = "EUR"};
    const struct question pots = {.category = "pots", .currency = "USD"};
    Catalog__Product *product = fixture_create(&(struct test_product){
        .title = "Ket", .code = "FACET-1", .category = "kettles", .brand = "Emil", .amount = 500});
    Catalog__UpdateProductRequest in = CATALOG__UPDATE_PRODUCT_REQUEST__INIT;
    Catalog__DeleteProductRequest removal = CATALOG__DELETE_PRODUCT_REQUEST__INIT;
    Common__Money price = COMMON__MONEY__INIT;
    Common__Empty nothing = COMMON__EMPTY__INIT;
    Catalog__ListFacetsReply out;

    (void)state;
    assert_int_equal(ask_facets(&kettles, &out), 0);
    assert_int_equal(out.total, 1);
    assert_string_equal(out.brands[0]->value, "emil");
    price.has_amount = true;
    price.amount = 700;
    price.currency = (char *)"USD";
    in.id = removal.id = product->id;
    in.category = (char *)"pots";
    in.price = &price;
    assert_int_equal(catalog_update_product(fixture_call(), &in, product), 0);
    assert_int_equal(ask_facets(&kettles, &out), 0);
    assert_int_equal(out.total, 0);
    assert_int_equal(ask_facets(&pots, &out), 0);
    assert_int_equal(out.total, 1);
    assert_int_equal(out.highest_price->amount, 700);
    assert_int_equal(catalog_delete_product(fixture_call(), &removal, &nothing), 0);
    assert_int_equal(ask_facets(&pots, &out), 0);
    assert_int_equal(out.total, 0);
    assert_int_equal(out.n_brands, 0);
}

/* A product that gets another title between two pages moves to its new place, and its old words are gone. */
static void test_catalog_list__a_word_follows_a_title_that_changes(void **state)
{
    const struct question moved = {.order = "title", .q = "moved"}, still = {.order = "title", .q = "still"};
    Catalog__UpdateProductRequest in = CATALOG__UPDATE_PRODUCT_REQUEST__INIT;
    Catalog__ListProductsReply out;
    Catalog__Product *products[3];
    struct call *call;

    (void)state;
    for (int i = 0; i < 3; i++)
        products[i] =
            fixture_create(&(struct test_product){.title = arena_printf(fixture.arena, "%c moved still", "bdf"[i]),
                                                  .code = arena_printf(fixture.arena, "MOVED-%d", i),
                                                  .amount = 1});
    assert_int_equal(ask(&moved, 1, NULL, &out, &call), 0);
    assert_string_equal(out.products[0]->title, "b moved still");
    in.id = products[1]->id;
    in.title = (char *)"g moved";
    assert_int_equal(catalog_update_product(fixture_call(), &in, products[1]), 0);
    assert_int_equal(ask(&moved, 5, out.next_cursor, &out, &call), 0);
    assert_int_equal(out.n_products, 2);
    assert_string_equal(out.products[0]->title, "f moved still");
    assert_string_equal(out.products[1]->title, "g moved");
    assert_int_equal(ask(&still, 5, NULL, &out, &call), 0);
    assert_int_equal(out.n_products, 2);
}

/* -- Random words -------------------------------------------------------------------------------------------------- */

#define RANDOM_COUNT 400
#define RANDOM_WORDS 60 /* "zaa" to "zdo": more than are merged begin with z, fewer with za, zb, zc or zd */
#define RANDOM_QUESTIONS 300

static struct random_item {
    int words[3], price, category, brand;
    char title[48];
} random_items[RANDOM_COUNT];

static uint64_t random_state = 7;

/* xorshift64 (Marsaglia): the same numbers in each run. */
static int random_below(int end)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (int)(random_state % (unsigned)end);
}

static const char *random_word(int number, char word[4])
{
    snprintf(word, 4, "z%c%c", 'a' + number / 15, 'a' + number % 15);
    return word;
}

static void import_random_items(void)
{
    CLEANUP(buf_free) struct buf csv = BUF(1 << 20);
    Catalog__ImportProductsRequest in = CATALOG__IMPORT_PRODUCTS_REQUEST__INIT;
    Catalog__ImportProductsReply imported = CATALOG__IMPORT_PRODUCTS_REPLY__INIT;

    buf_append_cstr(&csv, "title,category,brand,description,code,price,currency\n");
    for (int i = 0; i < RANDOM_COUNT; i++) {
        struct random_item *item = &random_items[i];
        char own[3][4];

        for (int j = 0; j < 3; j++)
            random_word(item->words[j] = random_below(1 + random_below(RANDOM_WORDS)), own[j]);
        item->price = 1 + random_below(20);
        item->category = random_below(4);
        item->brand = random_below(3);
        snprintf(item->title, sizeof(item->title), "%s %s x%d", own[0], own[1], i);
        buf_printf(&csv, "%s,random-%d,Random %d,%s,RANDOM-%d,%d,EUR\n", item->title, item->category, item->brand,
                   own[2], i, item->price);
    }
    in.has_csv = true;
    in.csv.data = (uint8_t *)csv.ptr;
    in.csv.len = csv.len;
    assert_int_equal(catalog_import_products(fixture_call(), &in, &imported), 0);
    assert_int_equal(imported.n_errors, 0);
}

static bool has_random_word(const struct random_item *item, struct str wanted, bool whole)
{
    char word[4];

    for (int j = 0; j < 3; j++) {
        struct str own = str_from_cstr(random_word(item->words[j], word));

        if (whole ? str_equal(own, wanted) : str_starts_with(own, wanted))
            return true;
    }
    return false;
}

static const char *random_order;

static int compare_random(const void *a, const void *b)
{
    const struct random_item *left = *(const struct random_item *const *)a;
    const struct random_item *right = *(const struct random_item *const *)b;
    int by_age = left < right ? -1 : 1;

    if (strcmp(random_order, "newest") == 0)
        return -by_age;
    if (strcmp(random_order, "title") == 0)
        return strcmp(left->title, right->title);
    if (strcmp(random_order, "price_asc") == 0)
        return left->price != right->price ? left->price - right->price : by_age;
    return left->price != right->price ? right->price - left->price : -by_age;
}

static void check_random(const struct question *question, struct str whole, struct str beginning, int category,
                         int brand)
{
    const struct random_item *wanted[RANDOM_COUNT];
    size_t count = 0, at = 0;
    char *cursor = NULL;
    int limit = 1 + random_below(40);

    for (int i = 0; i < RANDOM_COUNT; i++) {
        const struct random_item *item = &random_items[i];

        if ((whole.len == 0 || has_random_word(item, whole, true)) && has_random_word(item, beginning, false) &&
            (category < 0 || item->category == category) && (brand < 0 || item->brand == brand))
            wanted[count++] = item;
    }
    random_order = question->order;
    qsort(wanted, count, sizeof(*wanted), compare_random);
    do {
        Catalog__ListProductsReply out;
        struct call *call;

        assert_int_equal(ask(question, limit, cursor, &out, &call), 0);
        for (size_t i = 0; i < out.n_products; i++, at++) {
            assert_true(at < count);
            assert_string_equal(out.products[i]->title, wanted[at]->title);
        }
        cursor = out.next_cursor;
    } while (cursor);
    assert_int_equal(at, count);
}

/* Whole words and beginnings, alone and together, with the other filters, in every order, to the last page. */
static void test_catalog_list__agrees_on_random_words_and_beginnings(void **state)
{
    static const char *const categories_asked[] = {"random-0", "random-1", "random-2", "random-3"};
    static const char *const brands_asked[] = {"random 0", "random 1", "random 2"};
    struct arena *kept = fixture.arena;

    (void)state;
    import_random_items();
    for (int i = 0; i < RANDOM_QUESTIONS; i++) {
        int category = random_below(8) - 4, brand = random_below(6) - 3;
        char whole[4], beginning[4], q[16];

        random_word(random_below(RANDOM_WORDS), whole);
        random_word(random_below(RANDOM_WORDS), beginning);
        beginning[1 + random_below(3)] = '\0';
        if (random_below(2))
            whole[0] = '\0';
        snprintf(q, sizeof(q), "%s %s", whole, beginning);
        fixture.arena = arena_new(32 << 20);
        check_random(&(struct question){.order = orders[i % 4],
                                        .q = q,
                                        .category = category < 0 ? NULL : categories_asked[category],
                                        .brand = brand < 0 ? NULL : brands_asked[brand]},
                     str_from_cstr(whole), str_from_cstr(beginning), category, brand);
        arena_free(fixture.arena);
        fixture.arena = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog_list__agrees_with_the_model),
        cmocka_unit_test(test_catalog_list__pages_of_any_size_agree),
        cmocka_unit_test(test_catalog_list__finds_words_whatever_their_form),
        cmocka_unit_test(test_catalog_list__finds_the_last_word_while_it_is_typed),
        cmocka_unit_test(test_catalog_list__finds_brands_whatever_their_form),
        cmocka_unit_test(test_catalog_list__a_question_without_words_finds_nothing),
        cmocka_unit_test(test_catalog_list__refuses_cursors_that_are_not_its_own),
        cmocka_unit_test(test_catalog_list__a_page_is_not_disturbed_by_new_products),
        cmocka_unit_test(test_catalog_list__a_frequent_word_is_found_in_order),
        cmocka_unit_test(test_catalog_list__facets_of_a_frequent_word_say_at_least),
        cmocka_unit_test(test_catalog_list__facets_follow_each_change),
        cmocka_unit_test(test_catalog_list__a_word_follows_a_title_that_changes),
        cmocka_unit_test(test_catalog_list__agrees_on_random_words_and_beginnings),
    };
    return cmocka_run_group_tests(tests, make_items, fixture_end);
}
