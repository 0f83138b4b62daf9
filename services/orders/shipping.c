/* Shipping methods by country: three zones, each priced in some currencies. */
#include "services/orders/orders.h"

#include "platform/base/iso_code.h"

#include <stdlib.h>

enum zone { ZONE_HOME, ZONE_EUROPE, ZONE_WORLD, ZONE_COUNT };

static const char *const home = "DE AT";
static const char *const europe =
    "BE BG CH CY CZ DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK";
/* Nobody delivers there: uninhabited, or without a postal service. */
static const char *const nowhere = "AQ BV HM";

#define METHOD_COUNT 3
#define NOT_THERE (-1) /* the method does not go to the zone */

static const struct {
    const char *id;
    const char *title;
    struct {
        int days_min, days_max;
    } zones[ZONE_COUNT];
} methods[METHOD_COUNT] = {
    {"standard", "Standard delivery", {{2, 4}, {3, 7}, {7, 21}}},
    {"express", "Express delivery", {{1, 2}, {1, 3}, {2, 5}}},
    {"pickup", "Pick-up point", {{2, 4}, {0, 0}, {0, 0}}},
};

/* In minor units, by method and zone. */
static const struct {
    const char *currency;
    int64_t amounts[METHOD_COUNT][ZONE_COUNT];
} prices[] = {
    {"EUR", {{490, 990, 1990}, {1290, 2490, 4990}, {390, NOT_THERE, NOT_THERE}}},
    {"AUD", {{890, 1790, 3590}, {2290, 4490, 8990}, {690, NOT_THERE, NOT_THERE}}},
    {"CAD", {{790, 1590, 3190}, {2090, 3990, 7990}, {590, NOT_THERE, NOT_THERE}}},
    {"CHF", {{490, 950, 1890}, {1250, 2390, 4750}, {390, NOT_THERE, NOT_THERE}}},
    {"CZK", {{12500, 24900, 49900}, {31900, 61900, 124900}, {9900, NOT_THERE, NOT_THERE}}},
    {"DKK", {{3700, 7400, 14900}, {9700, 18700, 37300}, {2900, NOT_THERE, NOT_THERE}}},
    {"GBP", {{429, 849, 1699}, {1099, 2149, 4299}, {329, NOT_THERE, NOT_THERE}}},
    {"JPY", {{800, 1600, 3200}, {2100, 4000, 8000}, {600, NOT_THERE, NOT_THERE}}},
    {"NOK", {{5900, 11900, 23900}, {15500, 29900, 59900}, {4700, NOT_THERE, NOT_THERE}}},
    {"PLN", {{2100, 4300, 8500}, {5500, 10700, 21500}, {1700, NOT_THERE, NOT_THERE}}},
    {"SEK", {{5500, 11500, 22900}, {14900, 28500, 56900}, {4500, NOT_THERE, NOT_THERE}}},
    {"USD", {{549, 1099, 2199}, {1399, 2699, 5399}, {429, NOT_THERE, NOT_THERE}}},
};

#define PRICE_LISTS (sizeof(prices) / sizeof(prices[0]))

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

static int find_prices(struct call *call, struct str currency, const char *pointer, size_t *ret_list)
{
    for (size_t i = 0; i < PRICE_LISTS; i++) {
        if (str_equal_cstr(currency, prices[i].currency)) {
            *ret_list = i;
            return 0;
        }
    }
    return call_fail(call, ERR_INVALID, "no_shipping_price", pointer, "Shipping has no price in %.*s.",
                     STR_FORMAT(currency));
}

int shipping_methods(struct call *call, struct str country, struct str currency, const char *pointer,
                     struct shipping_price ret_methods[SHIPPING_METHODS_MAX], size_t *ret_count)
{
    enum zone zone = is_in(home, country) ? ZONE_HOME : is_in(europe, country) ? ZONE_EUROPE : ZONE_WORLD;
    size_t count = 0, list;

    TRY(find_prices(call, currency, pointer, &list));
    for (size_t i = 0; i < METHOD_COUNT && !is_in(nowhere, country); i++) {
        int64_t amount = prices[list].amounts[i][zone];

        if (amount != NOT_THERE)
            ret_methods[count++] =
                (struct shipping_price){methods[i].id, methods[i].title, amount, methods[i].zones[zone].days_min,
                                        methods[i].zones[zone].days_max};
    }
    qsort(ret_methods, count, sizeof(ret_methods[0]), compare_amounts);
    *ret_count = count;
    return 0;
}

int list_shipping_methods(struct call *call, const Orders__ListShippingMethodsRequest *in,
                          Orders__ListShippingMethodsReply *out)
{
    const struct orders_state *state = call->state;
    struct str currency = in->currency ? str_from_cstr(in->currency) : state->currency;
    struct shipping_price found[SHIPPING_METHODS_MAX];
    size_t count;

    TRY(shipping_methods(call, str_from_cstr(in->country), currency, "?currency", found, &count));
    out->shipping_methods = arena_alloc_array(call->arena, count, sizeof(out->shipping_methods[0]));
    if (count && !out->shipping_methods)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        Orders__ShippingMethod *method = arena_alloc(call->arena, sizeof(*method));

        if (!method)
            return ERR_NO_MEMORY;
        orders__shipping_method__init(method);
        method->id = arena_cstr(call->arena, str_from_cstr(found[i].id));
        method->title = arena_cstr(call->arena, str_from_cstr(found[i].title));
        method->price = money_new(call->arena, found[i].amount, currency);
        method->days_min = found[i].days_min;
        method->days_max = found[i].days_max;
        method->has_days_min = method->has_days_max = true;
        if (!method->id || !method->title || !method->price)
            return ERR_NO_MEMORY;
        out->shipping_methods[out->n_shipping_methods++] = method;
    }
    return 0;
}

int list_shipping_countries(struct call *call, const Orders__ListShippingCountriesRequest *in,
                            Orders__ListShippingCountriesReply *out)
{
    size_t count;
    const struct iso_country *countries = iso_countries(&count);

    (void)in;
    out->countries = arena_alloc_array(call->arena, count, sizeof(out->countries[0]));
    if (!out->countries)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (is_in(nowhere, str_from_cstr(countries[i].code)))
            continue;
        Orders__ShippingCountry *country = arena_alloc(call->arena, sizeof(*country));

        if (!country)
            return ERR_NO_MEMORY;
        orders__shipping_country__init(country);
        country->code = (char *)(uintptr_t)countries[i].code;
        country->name = (char *)(uintptr_t)countries[i].name;
        out->countries[out->n_countries++] = country;
    }
    return 0;
}
