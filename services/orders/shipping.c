/* Shipping methods by country: three zones, prices in cents of EUR. */
#include "services/orders/orders.h"

#include <stdlib.h>

enum zone { ZONE_HOME, ZONE_EUROPE, ZONE_WORLD, ZONE_COUNT };

static const char *const home = "DE AT";
static const char *const europe =
    "BE BG CH CY CZ DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK";
/* Nobody delivers there: uninhabited, or without a postal service. */
static const char *const nowhere = "AQ BV HM";

static const struct {
    const char *id;
    const char *title;
    struct {
        int64_t amount; /* negative: not to this zone */
        int days_min, days_max;
    } zones[ZONE_COUNT];
} methods[] = {
    {"standard", "Standard delivery", {{490, 2, 4}, {990, 3, 7}, {1990, 7, 21}}},
    {"express", "Express delivery", {{1290, 1, 2}, {2490, 1, 3}, {4990, 2, 5}}},
    {"pickup", "Pick-up point", {{390, 2, 4}, {-1, 0, 0}, {-1, 0, 0}}},
};

static bool is_in(const char *countries, struct str country)
{
    return country.len == 2 && str_find(str_from_cstr(countries), country) >= 0;
}

static int compare_amounts(const void *a, const void *b)
{
    int64_t left = ((const struct shipping_price *)a)->amount;
    int64_t right = ((const struct shipping_price *)b)->amount;

    return (left > right) - (left < right);
}

size_t shipping_methods(struct str country, struct shipping_price ret_methods[SHIPPING_METHODS_MAX])
{
    enum zone zone = is_in(home, country) ? ZONE_HOME : is_in(europe, country) ? ZONE_EUROPE : ZONE_WORLD;
    size_t count = 0;

    if (is_in(nowhere, country))
        return 0;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (methods[i].zones[zone].amount < 0)
            continue;
        ret_methods[count++] =
            (struct shipping_price){methods[i].id, methods[i].title, methods[i].zones[zone].amount,
                                    methods[i].zones[zone].days_min, methods[i].zones[zone].days_max};
    }
    qsort(ret_methods, count, sizeof(ret_methods[0]), compare_amounts);
    return count;
}

int list_shipping_methods(struct call *call, const Orders__ListShippingMethodsRequest *in,
                          Orders__ListShippingMethodsReply *out)
{
    struct shipping_price prices[SHIPPING_METHODS_MAX];
    size_t count = shipping_methods(str_from_cstr(in->country), prices);

    out->shipping_methods = arena_alloc_array(call->arena, count, sizeof(out->shipping_methods[0]));
    if (count && !out->shipping_methods)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        Orders__ShippingMethod *method = arena_alloc(call->arena, sizeof(*method));

        if (!method)
            return ERR_NO_MEMORY;
        orders__shipping_method__init(method);
        method->id = arena_cstr(call->arena, str_from_cstr(prices[i].id));
        method->title = arena_cstr(call->arena, str_from_cstr(prices[i].title));
        method->price = money_new(call->arena, prices[i].amount, STR("EUR"));
        method->days_min = prices[i].days_min;
        method->days_max = prices[i].days_max;
        method->has_days_min = method->has_days_max = true;
        if (!method->id || !method->title || !method->price)
            return ERR_NO_MEMORY;
        out->shipping_methods[out->n_shipping_methods++] = method;
    }
    return 0;
}
