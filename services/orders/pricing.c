#include "services/orders/pricing.h"

static const Catalog__SkuDetail *find(const Catalog__GetSkusReply *reply, const char *sku_id)
{
    for (size_t i = 0; i < reply->n_skus; i++) {
        if (str_equal_cstr(str_from_cstr(sku_id), reply->skus[i]->id))
            return reply->skus[i];
    }
    return NULL;
}

static int ask_catalog(struct call *call, char **sku_ids, size_t count, const char *currency, const char *country,
                       Catalog__GetSkusReply *ret_reply)
{
    Catalog__GetSkusRequest request = CATALOG__GET_SKUS_REQUEST__INIT;

    request.ids = sku_ids;
    request.n_ids = count;
    request.currency = (char *)(uintptr_t)currency;
    request.region = (char *)(uintptr_t)country;
    catalog__get_skus_reply__init(ret_reply);
    return catalog_get_skus(call, &request, ret_reply);
}

static bool has_all(const Catalog__GetSkusReply *reply, char **sku_ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!find(reply, sku_ids[i]))
            return false;
    }
    return true;
}

static bool share_a_currency(const Catalog__GetSkusReply *reply)
{
    for (size_t i = 1; i < reply->n_skus; i++) {
        if (!str_equal_cstr(str_from_cstr(reply->skus[0]->price->currency), reply->skus[i]->price->currency))
            return false;
    }
    return reply->n_skus > 0;
}

int pricing_load(struct call *call, char **sku_ids, size_t count, const char *currency, const char *country,
                 struct pricing *ret_pricing)
{
    const struct orders_state *state = call->state;
    struct pricing *pricing = ret_pricing;

    *pricing = (struct pricing){.currency = currency ? currency : arena_cstr(call->arena, state->currency)};
    catalog__get_skus_reply__init(&pricing->priced);
    catalog__get_skus_reply__init(&pricing->known);
    if (!pricing->currency)
        return ERR_NO_MEMORY;
    if (count == 0)
        return 0;
    TRY(ask_catalog(call, sku_ids, count, pricing->currency, country, &pricing->priced));
    if (has_all(&pricing->priced, sku_ids, count))
        return 0;
    TRY(ask_catalog(call, sku_ids, count, NULL, country, &pricing->known));
    if (!currency && share_a_currency(&pricing->known)) {
        pricing->priced = pricing->known;
        pricing->currency = pricing->known.skus[0]->price->currency;
    }
    return 0;
}

const Catalog__SkuDetail *pricing_find(const struct pricing *pricing, const char *sku_id)
{
    return find(&pricing->priced, sku_id);
}

const Catalog__SkuDetail *pricing_find_unpriced(const struct pricing *pricing, const char *sku_id)
{
    return pricing_find(pricing, sku_id) ? NULL : find(&pricing->known, sku_id);
}

int pricing_refuse_unpriced(struct call *call, const struct pricing *pricing, const Catalog__SkuDetail *unpriced,
                            const char *pointer)
{
    return call_fail(call, ERR_INVALID, "no_price_in_currency", pointer, "\"%s\" has no price in %s.", unpriced->title,
                     pricing->currency);
}
