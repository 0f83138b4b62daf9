#include "services/orders/orders.h"

Common__Money *money_new(struct arena *arena, int64_t amount, struct str currency)
{
    Common__Money *money = arena_alloc(arena, sizeof(*money));

    if (!money)
        return NULL;
    common__money__init(money);
    money->has_amount = true;
    money->amount = amount;
    money->currency = arena_cstr(arena, currency);
    return money->currency ? money : NULL;
}

int money_add(int64_t price, int64_t quantity, int64_t *total)
{
    int64_t product;

    if (price < 0 || quantity < 0 || __builtin_mul_overflow(price, quantity, &product) || product > AMOUNT_MAX ||
        *total > AMOUNT_MAX - product)
        return ERR_TOO_LARGE;
    *total += product;
    return 0;
}
