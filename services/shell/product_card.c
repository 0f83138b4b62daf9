/* What lists show of products: a twentieth of the bytes of the products themselves, which are sent, hashed, parsed and
 * rendered for each page. */
#include "platform/wire/wire.h"
#include "services/shell/page.h"

static bool has_value(const Pages__Option *option, const char *value)
{
    for (size_t i = 0; i < option->n_values; i++) {
        if (strcmp(option->values[i], value) == 0)
            return true;
    }
    return false;
}

/* The option of that name, added where there is none; NULL without memory. Options have room for all attributes. */
static Pages__Option *find_option(struct page *page, Pages__ProductCard *card, char *name, size_t values_max)
{
    struct arena *arena = page->call->arena;

    for (size_t i = 0; i < card->n_options; i++) {
        if (strcmp(card->options[i]->name, name) == 0)
            return card->options[i];
    }
    Pages__Option *option = (void *)wire_message_new(arena, &pages__option__descriptor);
    char **values = arena_alloc_array(arena, values_max, sizeof(*values));
    if (!option || !values)
        return NULL;
    option->name = name;
    option->values = values;
    card->options[card->n_options++] = option;
    return option;
}

static int add_options(struct page *page, const Catalog__Product *product, Pages__ProductCard *card)
{
    size_t attributes = 0;

    for (size_t i = 0; i < product->n_skus; i++)
        attributes += product->skus[i]->n_attributes;
    card->options = arena_alloc_array(page->call->arena, attributes + 1, sizeof(*card->options));
    if (!card->options)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < product->n_skus; i++) {
        const Catalog__Sku *sku = product->skus[i];

        for (size_t j = 0; j < sku->n_attributes; j++) {
            Pages__Option *option = find_option(page, card, sku->attributes[j]->key, product->n_skus);

            if (!option)
                return ERR_NO_MEMORY;
            if (!has_value(option, sku->attributes[j]->value))
                option->values[option->n_values++] = sku->attributes[j]->value;
        }
    }
    return 0;
}

static bool varies_in_price(const Catalog__Product *product)
{
    for (size_t i = 0; i < product->n_skus; i++) {
        if (product->skus[i]->price && product->price && product->skus[i]->price->amount != product->price->amount)
            return true;
    }
    return false;
}

static bool is_sold_out(const Catalog__Product *product)
{
    for (size_t i = 0; i < product->n_skus; i++) {
        if (product->skus[i]->available != 0)
            return false;
    }
    return product->n_skus > 0;
}

int page_add_card(struct page *page, const Catalog__Product *product, Pages__ProductCard **ret_card)
{
    Pages__ProductCard *card = (void *)wire_message_new(page->call->arena, &pages__product_card__descriptor);

    if (!card)
        return ERR_NO_MEMORY;
    card->slug = product->slug;
    card->title = product->title;
    card->brand = product->brand;
    card->image_url = product->image_url;
    card->price = product->price;
    card->has_price_varies = card->price_varies = varies_in_price(product);
    card->has_sold_out = card->sold_out = is_sold_out(product);
    TRY(add_options(page, product, card));
    TRY(page_add_gallery(page, product->image_url, false));
    *ret_card = card;
    return 0;
}

int page_add_cards(struct page *page, Catalog__Product *const *products, size_t count, size_t *ret_count,
                   Pages__ProductCard ***ret_cards)
{
    Pages__ProductCard **cards = arena_alloc_array(page->call->arena, count + 1, sizeof(*cards));

    if (!cards)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        TRY(page_add_card(page, products[i], &cards[i]));
    *ret_count = count;
    *ret_cards = cards;
    return 0;
}
