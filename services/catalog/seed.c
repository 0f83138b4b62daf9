#include "services/catalog/seed.h"

#include "services/catalog/attributes.h"
#include "services/catalog/seed_words.h"
#include "services/catalog/text.h"

/* The demo's first product was made on 2025-01-01, and one each hour after it. */
#define SEED_EPOCH_MS INT64_C(1735689600000)
#define SEED_STEP_MS INT64_C(3600000)

#define USD_PER_100_EUR 109
#define GBP_PER_100_EUR 86

/* -- Numbers that look random and are the same everywhere ---------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t next_number(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t pick_below(uint64_t *state, size_t bound)
{
    return (size_t)(next_number(state) % bound);
}

/* A UUIDv7 (RFC 9562, 5.7) of that time with bits from the state. */
static int make_id(struct arena *arena, int64_t time_ms, uint64_t *state, struct str *ret_id)
{
    uint64_t a = next_number(state), b = next_number(state);
    char *id = arena_printf(arena, "%08llx-%04llx-7%03llx-%04llx-%012llx", (unsigned long long)(time_ms >> 16),
                            (unsigned long long)(time_ms & 0xffff), (unsigned long long)(a & 0xfff),
                            (unsigned long long)(0x8000 | (a >> 12 & 0x3fff)),
                            (unsigned long long)(b & UINT64_C(0xffffffffffff)));

    *ret_id = str_from_cstr(id);
    return id ? 0 : ERR_NO_MEMORY;
}

/* -- Words --------------------------------------------------------------------------------------------------------- */

static size_t count_words(const char *list)
{
    size_t count = 1;

    for (; *list; list++)
        count += *list == '|';
    return count;
}

static struct str word_at(const char *list, size_t index)
{
    struct str rest = str_from_cstr(list), word = STR("");

    while (str_next_token(&rest, '|', &word) && index-- > 0)
        ;
    return word;
}

static const char *material_sentence(struct str material)
{
    const struct seed_material *known = seed_materials;

    while (known->name && !str_equal_cstr(material, known->name))
        known++;
    return known->name ? known->sentence : "";
}

/* -- Prices and stock ---------------------------------------------------------------------------------------------- */

/* 12.34 becomes 11.90, 123.40 becomes 122.90: down to what a price tag would say. */
static int64_t as_tag(int64_t amount, int64_t ending)
{
    int64_t whole = amount / 100 * 100;

    return whole > 100 ? whole - 100 + ending : ending;
}

static int64_t variant_price(const struct seed_type *type, int64_t base, size_t second)
{
    struct str value = word_at(type->second_values, second);
    int64_t pieces;

    if (str_equal_cstr(str_from_cstr(type->second_name), "pack") && str_to_int64(value, &pieces) == 0 && pieces > 1)
        return as_tag(base * pieces * 9 / 10, 90);
    return as_tag(base * (100 + type->rise * (int64_t)second) / 100, 90);
}

/* One in twelve is sold out, as many nearly so. */
static int64_t pick_stock(uint64_t *state)
{
    size_t kind = pick_below(state, 12);

    if (kind == 0)
        return 0;
    return kind == 1 ? 1 + (int64_t)pick_below(state, 3) : 8 + (int64_t)pick_below(state, 190);
}

static int add_prices(struct arena *arena, struct catalog_sku *sku)
{
    sku->prices = arena_alloc_array(arena, 2, sizeof(*sku->prices));
    if (!sku->prices)
        return ERR_NO_MEMORY;
    sku->prices[0] = (struct catalog_price){STR("GBP"), STR(""), as_tag(sku->amount * GBP_PER_100_EUR / 100 + 100, 50)};
    sku->prices[1] = (struct catalog_price){STR("USD"), STR(""), as_tag(sku->amount * USD_PER_100_EUR / 100 + 100, 99)};
    sku->price_count = 2;
    return 0;
}

/* -- One product --------------------------------------------------------------------------------------------------- */

/* Where a product is being made. */
struct making {
    struct arena *arena;
    size_t number;
    uint64_t state;
    const struct seed_type *type;
    const struct seed_category *category;
    struct catalog_product *product;
};

static int add_sku(struct making *making, size_t first, size_t second, int64_t base)
{
    const struct seed_type *type = making->type;
    size_t index = making->product->sku_count++;
    struct catalog_sku *sku = &making->product->skus[index];
    int64_t time_ms = SEED_EPOCH_MS + (int64_t)making->number * SEED_STEP_MS + 1 + (int64_t)index;
    struct attribute attributes[2] = {
        {str_from_cstr(type->first_name), word_at(type->first_values, first)},
        {str_from_cstr(type->second_name), word_at(type->second_values, second)},
    };
    char *code = arena_printf(making->arena, "%c%c%c-%03zu-%02zu", making->category->slug[0] - 'a' + 'A',
                              making->category->slug[1] - 'a' + 'A', making->category->slug[2] - 'a' + 'A',
                              making->number + 1, index + 1);

    if (!code)
        return ERR_NO_MEMORY;
    sku->code = str_from_cstr(code);
    sku->currency = STR("EUR");
    sku->amount = variant_price(type, base, second);
    sku->on_hand = pick_stock(&making->state);
    TRY(make_id(making->arena, time_ms, &making->state, &sku->id));
    TRY(sku_attributes_pack(making->arena, attributes, 2, &sku->attributes));
    return add_prices(making->arena, sku);
}

static int add_skus(struct making *making)
{
    const struct seed_type *type = making->type;
    size_t first_count = count_words(type->first_values), second_count = count_words(type->second_values);
    size_t start = pick_below(&making->state, first_count);
    int64_t span = type->price_max - type->price_min;
    int64_t base = type->price_min + span * (int64_t)pick_below(&making->state, 1001) / 1000;

    making->product->skus = arena_alloc_array(making->arena, CATALOG_SKUS_MAX, sizeof(*making->product->skus));
    if (!making->product->skus)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < type->first_count; i++)
        for (size_t j = 0; j < second_count; j++)
            TRY(add_sku(making, (start + i) % first_count, j, base));
    return 0;
}

static int describe(struct making *making, struct str material)
{
    struct catalog_product *product = making->product;
    const char *closing = making->category->closing[pick_below(&making->state, 3)];
    /* 61 is prime, so that the products of one type have different series. */
    const char *series = seed_series[(making->number % SEED_TYPES * 5 + making->number / SEED_TYPES * 7) % SEED_SERIES];

    product->title =
        str_from_cstr(arena_printf(making->arena, "%s %.*s %s", series, STR_FORMAT(material), making->type->noun));
    product->description = str_from_cstr(
        arena_printf(making->arena, "%s %s %s", making->type->about, material_sentence(material), closing));
    if (!product->title.ptr || !product->description.ptr)
        return ERR_NO_MEMORY;
    TRY(catalog_text_slug(making->arena, product->title, &product->slug));
    product->image_url = str_from_cstr(arena_printf(making->arena, "/pictures/%.*s", STR_FORMAT(product->slug)));
    return product->image_url.ptr ? 0 : ERR_NO_MEMORY;
}

int seed_product(struct arena *arena, size_t number, struct catalog_product *ret_product)
{
    const struct seed_type *type = &seed_types[number % SEED_TYPES];
    const struct seed_category *category = &seed_categories[type->category];
    struct catalog_product product = {.category = str_from_cstr(category->slug)};
    struct making making = {
        .arena = arena, .number = number, .state = number, .type = type, .category = category, .product = &product};
    struct str material = word_at(type->materials, pick_below(&making.state, count_words(type->materials)));

    product.brand = word_at(category->brands, pick_below(&making.state, count_words(category->brands)));
    TRY(make_id(arena, SEED_EPOCH_MS + (int64_t)number * SEED_STEP_MS, &making.state, &product.id));
    TRY(describe(&making, material));
    TRY(add_skus(&making));
    *ret_product = product;
    return 0;
}
