#include "services/catalog/cards.h"
#include "services/catalog/edit.h"
#include "services/catalog/handlers.h"
#include "services/catalog/listing.h"
#include "services/catalog/store.h"
#include "services/catalog/view.h"

#include <stdio.h>

/* The reply's fields are the view's; both lie in the call's arena. */
static void answer(struct call *call, const Catalog__Product *view, Catalog__Product *out)
{
    *out = *view;
    call_set_version(call, view->version);
}

/* Says which SKU of the request a store's refusal is about. */
static int blame_sku(struct call *call, int error, const char *code, Catalog__NewSku **skus, size_t count)
{
    for (size_t i = 0; error == ERR_CONFLICT && code && i < count; i++)
        if (str_equal_cstr(str_from_cstr(skus[i]->code), code))
            snprintf(call->problem.pointer, sizeof(call->problem.pointer), "/skus/%zu/code", i);
    return error;
}

int get_product(struct call *call, const Catalog__GetProductRequest *in, Catalog__Product *out)
{
    Catalog__Product *view;
    struct product_key key;

    TRY(product_find(call, str_from_cstr(in->id), &key));
    TRY(call_cache_tag(call, CATALOG_TOPIC, key.id));
    TRY(catalog_view_product(call, key.place, str_from_cstr(in->currency), str_from_cstr(in->region), &view));
    if (view->n_skus == 0) /* not sold in that currency: shown in its own */
        TRY(catalog_view_product(call, key.place, STR(""), str_from_cstr(in->region), &view));
    answer(call, view, out);
    return 0;
}

int create_product(struct call *call, const Catalog__CreateProductRequest *in, Catalog__Product *out)
{
    struct catalog_product product;
    Catalog__Product *view;
    char *code = NULL;
    size_t sku = SIZE_MAX;
    int error;

    TRY(product_edit_new(call, in, &product));
    error = product_insert(call, &product, &sku);
    if (sku != SIZE_MAX)
        TRY(catalog_cstr(call, product.skus[sku].code, &code));
    TRY(blame_sku(call, error, code, in->skus, in->n_skus));
    TRY(listing_insert_titles(call, product.place, product.place + CARD_LINES_MAX));
    TRY(catalog_view_publish(call, CATALOG_CREATED, product.place, &view));
    answer(call, view, out);
    return 0;
}

/* The SKUs are edited in a copy, so that the store can tell what differs. */
static int copy_skus(struct call *call, const struct catalog_product *from, struct catalog_product *to)
{
    *to = *from;
    to->skus = arena_alloc_array(call->arena, CATALOG_SKUS_MAX, sizeof(*to->skus));
    if (!to->skus)
        return ERR_NO_MEMORY;
    memcpy(to->skus, from->skus, from->sku_count * sizeof(*to->skus));
    return 0;
}

int update_product(struct call *call, const Catalog__UpdateProductRequest *in, Catalog__Product *out)
{
    struct catalog_product before, after;
    Catalog__Product *view;
    struct product_key key;
    char *code = NULL;
    bool changed;
    size_t sku = SIZE_MAX;
    int error;

    TRY(product_find(call, str_from_cstr(in->id), &key));
    TRY(product_load(call, key.id, &before));
    TRY(call_check_version(call, before.version));
    TRY(copy_skus(call, &before, &after));
    TRY(product_edit_apply(call, in, &after, &changed));
    if (!changed) {
        TRY(catalog_view_product(call, before.place, STR(""), STR(""), &view));
    } else {
        error = product_update(call, &before, &after, &sku);
        if (sku != SIZE_MAX)
            TRY(catalog_cstr(call, after.skus[sku].code, &code));
        TRY(blame_sku(call, error, code, in->skus, in->n_skus));
        TRY(catalog_view_publish(call, CATALOG_UPDATED, before.place, &view));
    }
    answer(call, view, out);
    return 0;
}

static int find_sku(struct call *call, const struct catalog_product *product, struct str sku_id, size_t *ret_index)
{
    for (size_t i = 0; i < product->sku_count; i++)
        if (str_equal(product->skus[i].id, sku_id)) {
            *ret_index = i;
            return 0;
        }
    return call_fail(call, ERR_NOT_FOUND, "sku_not_found", NULL, "The product has no such SKU.");
}

/* Orders keep their own copy of what they bought, and reservations their lines: an order that holds units of it goes
 * its way, without stock to count. A cart that has it is refused when it is ordered. */
int delete_sku(struct call *call, const Catalog__DeleteSkuRequest *in, Catalog__Product *out)
{
    struct catalog_product product;
    Catalog__Product *view;
    struct product_key key;
    size_t index;

    TRY(product_find(call, str_from_cstr(in->id), &key));
    TRY(product_load(call, key.id, &product));
    TRY(find_sku(call, &product, str_from_cstr(in->sku_id), &index));
    TRY(call_check_version(call, product.version));
    if (product.sku_count == 1)
        return call_fail(call, ERR_CONFLICT, "last_sku", NULL,
                         "It is the product's only SKU: add another one first, or remove the product.");
    TRY(product_remove_sku(call, &product, index));
    TRY(catalog_view_publish(call, CATALOG_UPDATED, product.place, &view));
    answer(call, view, out);
    return 0;
}

int delete_product(struct call *call, const Catalog__DeleteProductRequest *in, Common__Empty *out)
{
    Catalog__ProductEvent event = CATALOG__PRODUCT_EVENT__INIT;
    struct catalog_product product;
    struct product_key key;

    (void)out;
    TRY(product_find(call, str_from_cstr(in->id), &key));
    TRY(product_load(call, key.id, &product));
    TRY(call_check_version(call, product.version));
    TRY(product_delete(call, &product));
    TRY(catalog_cstr(call, product.id, &event.product_id));
    TRY(catalog_cstr(call, product.slug, &event.slug));
    event.has_version = true;
    event.version = product.version + 1;
    return call_publish(call, CATALOG_TOPIC, CATALOG_DELETED, product.id, &event.base);
}
