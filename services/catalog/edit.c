#include "services/catalog/edit.h"

#include "services/catalog/attributes.h"
#include "services/catalog/text.h"

#include <stdio.h>

#define POINTER_BYTES 48

/* -- Checks -------------------------------------------------------------------------------------------------------- */

static int check_line(struct call *call, const char *text, const char *pointer)
{
    if (text && text[0] && !catalog_text_is_line(str_from_cstr(text)))
        return call_fail(call, ERR_INVALID, "invalid", pointer, "It must be one line of text.");
    return 0;
}

bool product_edit_is_image(struct str address)
{
    bool is_path = str_starts_with(address, STR("/")) && !str_starts_with(address, STR("//"));

    return address.len == 0 || is_path || str_starts_with(address, STR("https://")) ||
           str_starts_with(address, STR("http://"));
}

static int check_image(struct call *call, const char *url)
{
    if (product_edit_is_image(str_from_cstr(url)))
        return check_line(call, url, "/image_url");
    return call_fail(call, ERR_INVALID, "invalid", "/image_url", "It must be an https address or a path of the shop.");
}

static int check_title(struct call *call, const char *title)
{
    if (title && !catalog_text_is_line(str_from_cstr(title)))
        return call_fail(call, ERR_INVALID, "invalid", "/title", "The title must be one line of text, and not empty.");
    return 0;
}

static bool same_list(struct catalog_price a, struct catalog_price b)
{
    return str_equal(a.currency, b.currency) && str_equal(a.region, b.region);
}

int product_edit_check_prices(const struct catalog_sku *sku, const char **ret_reason)
{
    for (size_t i = 0; i < sku->price_count; i++) {
        if (sku->prices[i].region.len == 0 && str_equal(sku->prices[i].currency, sku->currency)) {
            *ret_reason = "The SKU's own price is given again among the others.";
            return ERR_INVALID;
        }
        for (size_t j = 0; j < i; j++)
            if (same_list(sku->prices[i], sku->prices[j])) {
                *ret_reason = "Two prices are given for one currency and region.";
                return ERR_INVALID;
            }
    }
    return 0;
}

/* -- SKUs ---------------------------------------------------------------------------------------------------------- */

struct catalog_sku *product_edit_find_sku(struct catalog_product *product, struct str code)
{
    for (size_t i = 0; i < product->sku_count; i++)
        if (str_equal(product->skus[i].code, code))
            return &product->skus[i];
    return NULL;
}

static int pack_attributes(struct call *call, const Catalog__NewSku *in, const char *pointer, struct str *ret_packed)
{
    struct attribute attributes[ATTRIBUTES_MAX];
    const char *reason;

    for (size_t i = 0; i < in->n_attributes && i < ATTRIBUTES_MAX; i++)
        attributes[i] = (struct attribute){str_trim(str_from_cstr(in->attributes[i]->key)),
                                           str_trim(str_from_cstr(in->attributes[i]->value))};
    if (sku_attributes_check(attributes, in->n_attributes, &reason))
        return call_fail(call, ERR_INVALID, "invalid", pointer, "%s", reason);
    return sku_attributes_pack(call->arena, attributes, in->n_attributes, ret_packed);
}

static int read_prices(struct call *call, const Catalog__NewSku *in, struct catalog_price **ret_prices)
{
    struct catalog_price *prices = arena_alloc_array(call->arena, in->n_prices + 1, sizeof(*prices));

    if (!prices)
        return ERR_NO_MEMORY;
    if (in->n_prices > CATALOG_PRICES_MAX)
        return call_fail(call, ERR_INVALID, "too_many_prices", "/skus", "A SKU has at most %d further prices.",
                         CATALOG_PRICES_MAX);
    for (size_t i = 0; i < in->n_prices; i++)
        prices[i] = (struct catalog_price){
            .currency = str_from_cstr(in->prices[i]->currency),
            .region = in->prices[i]->region ? str_from_cstr(in->prices[i]->region) : STR(""),
            .amount = in->prices[i]->amount,
        };
    *ret_prices = prices;
    return 0;
}

bool product_edit_same_prices(const struct catalog_sku *sku, const struct catalog_price *prices, size_t count)
{
    if (sku->price_count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t j = 0;

        while (j < count && !(same_list(sku->prices[j], prices[i]) && sku->prices[j].amount == prices[i].amount))
            j++;
        if (j == count)
            return false;
    }
    return true;
}

static void set_attributes(struct catalog_sku *sku, struct str packed)
{
    sku->changed = sku->changed || !str_equal(sku->attributes, packed);
    sku->attributes = packed;
}

static void set_price(struct catalog_sku *sku, const Common__Money *price)
{
    struct str currency = str_from_cstr(price->currency);

    sku->changed = sku->changed || sku->amount != price->amount || !str_equal(sku->currency, currency);
    sku->amount = price->amount;
    sku->currency = currency;
    /* A price that was one of the others is its own now. */
    for (size_t i = 0; i < sku->price_count; i++)
        if (sku->prices[i].region.len == 0 && str_equal(sku->prices[i].currency, currency)) {
            sku->prices[i--] = sku->prices[--sku->price_count];
            sku->prices_changed = true;
        }
}

static int set_prices(struct call *call, struct catalog_sku *sku, const Catalog__NewSku *in, const char *pointer)
{
    struct catalog_price *prices;
    const char *reason;

    TRY(read_prices(call, in, &prices));
    if (in->n_prices > 0 && !product_edit_same_prices(sku, prices, in->n_prices)) {
        sku->prices = prices;
        sku->price_count = in->n_prices;
        sku->prices_changed = true;
    }
    if (product_edit_check_prices(sku, &reason))
        return call_fail(call, ERR_INVALID, "invalid", pointer, "%s", reason);
    return 0;
}

static void set_available(struct catalog_sku *sku, const Catalog__NewSku *in)
{
    int64_t on_hand = sku->reserved + in->available;

    if (!in->has_available || on_hand == sku->on_hand)
        return;
    sku->on_hand = on_hand;
    sku->stock_changed = true;
}

/* Adds the SKU or changes the one of its code. */
static int put_sku(struct call *call, struct catalog_product *product, const Catalog__NewSku *in, size_t index,
                   const Common__Money *price)
{
    struct str code = str_from_cstr(in->code), packed;
    struct catalog_sku *sku = product_edit_find_sku(product, code);
    char pointer[POINTER_BYTES];

    snprintf(pointer, sizeof(pointer), "/skus/%zu", index);
    if (!catalog_text_is_line(code))
        return call_fail(call, ERR_INVALID, "invalid", pointer, "The code must be one line of text.");
    if (!sku) {
        if (product->sku_count == CATALOG_SKUS_MAX)
            return call_fail(call, ERR_INVALID, "too_many_skus", "/skus", "A product has at most %d SKUs.",
                             CATALOG_SKUS_MAX);
        sku = &product->skus[product->sku_count++];
        *sku = (struct catalog_sku){.code = code, .attributes = STR(""), .changed = true};
        if (!in->price && price)
            set_price(sku, price);
    }
    if (in->n_attributes > 0) {
        TRY(pack_attributes(call, in, pointer, &packed));
        set_attributes(sku, packed);
    }
    if (in->price)
        set_price(sku, in->price);
    if (sku->currency.len == 0) { /* a new SKU of an old product: priced as the first one */
        sku->currency = product->skus[0].currency;
        sku->amount = product->skus[0].amount;
    }
    if (!str_equal(sku->currency, product->skus[0].currency))
        return call_fail(call, ERR_INVALID, "currency_differs", pointer,
                         "All SKUs of a product have their own price in one currency; give others in prices.");
    set_available(sku, in);
    return set_prices(call, sku, in, pointer);
}

static int check_codes(struct call *call, Catalog__NewSku **skus, size_t count)
{
    char pointer[POINTER_BYTES];

    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (str_equal(str_from_cstr(skus[i]->code), str_from_cstr(skus[j]->code))) {
                snprintf(pointer, sizeof(pointer), "/skus/%zu/code", i);
                return call_fail(call, ERR_INVALID, "code_repeated", pointer, "The code is given twice.");
            }
    return 0;
}

/* -- Products ------------------------------------------------------------------------------------------------------ */

int product_edit_new(struct call *call, const Catalog__CreateProductRequest *in, struct catalog_product *ret_product)
{
    struct catalog_product product = {
        .title = str_trim(str_from_cstr(in->title)),
        .brand = str_trim(str_from_cstr(in->brand)),
        .category = str_from_cstr(in->category),
        .description = str_from_cstr(in->description),
        .image_url = str_from_cstr(in->image_url),
        .skus = arena_alloc_array(call->arena, CATALOG_SKUS_MAX, sizeof(*product.skus)),
    };

    if (!product.skus)
        return ERR_NO_MEMORY;
    TRY(check_title(call, in->title));
    TRY(check_line(call, in->brand, "/brand"));
    TRY(check_image(call, in->image_url));
    if (in->n_skus == 0)
        return call_fail(call, ERR_INVALID, "required", "/skus", "A product has at least one SKU.");
    TRY(check_codes(call, in->skus, in->n_skus));
    for (size_t i = 0; i < in->n_skus; i++)
        TRY(put_sku(call, &product, in->skus[i], i, in->price));
    if (!str_equal(product.skus[0].currency, str_from_cstr(in->price->currency)))
        return call_fail(call, ERR_INVALID, "currency_differs", "/price/currency",
                         "The SKUs' own prices are in another currency than the product's.");
    *ret_product = product;
    return 0;
}

static void set_text(struct str *field, const char *text, bool *changed)
{
    struct str value = str_from_cstr(text);

    if (!text || str_equal(*field, value))
        return;
    *field = value;
    *changed = true;
}

static void set_all_prices(struct catalog_product *product, const Common__Money *price)
{
    for (size_t i = 0; i < product->sku_count; i++)
        set_price(&product->skus[i], price);
}

int product_edit_apply(struct call *call, const Catalog__UpdateProductRequest *in, struct catalog_product *product,
                       bool *ret_changed)
{
    bool changed = false;

    TRY(check_title(call, in->title));
    TRY(check_line(call, in->brand, "/brand"));
    TRY(check_image(call, in->image_url));
    set_text(&product->title, in->title, &changed);
    set_text(&product->brand, in->brand, &changed);
    set_text(&product->category, in->category, &changed);
    set_text(&product->description, in->description, &changed);
    set_text(&product->image_url, in->image_url, &changed);
    if (in->price)
        set_all_prices(product, in->price);
    TRY(check_codes(call, in->skus, in->n_skus));
    for (size_t i = 0; i < in->n_skus; i++)
        TRY(put_sku(call, product, in->skus[i], i, in->price));
    for (size_t i = 0; i < product->sku_count; i++) {
        const struct catalog_sku *sku = &product->skus[i];

        changed = changed || sku->changed || sku->prices_changed || sku->stock_changed;
    }
    *ret_changed = changed;
    return 0;
}
