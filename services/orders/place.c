/* Placing an order: priced by the shop, checked against the stock, then written with its key, its workflow and its
 * event in one transaction. Money and stock move afterwards, in the workflow (saga.c). */
#include "services/orders/article.h"
#include "services/orders/orders.h"
#include "services/orders/pricing.h"
#include "services/orders/sql/orders.sql.h"

#define CARD_DIGITS_MIN 12

struct placing {
    struct call *call;
    const Orders__CreateOrderRequest *in;
    Orders__Order *out;
    struct shipping_price shipping;
    Orders__OrderLine **lines;
    size_t *asked_at; /* for each line, where the client asked for it first */
    size_t line_count;
    int64_t total;
    const char *currency;    /* asked for, by the order or its cart; NULL: not. Once the lines are priced, theirs */
    const char *guest_token; /* given out with this order; NULL when the guest had one, or is signed in */
    const char *guest_hash;
    struct ordered_cart cart; /* when one is ordered */
};

/* -- Lines --------------------------------------------------------------------------------------------------------- */

/* One line a SKU: what is asked for twice is summed. */
static int sum_items(struct placing *placing, Orders__NewOrderItem *const *items, size_t count)
{
    struct call *call = placing->call;

    placing->lines = arena_alloc_array(call->arena, count, sizeof(placing->lines[0]));
    placing->asked_at = arena_alloc_array(call->arena, count, sizeof(placing->asked_at[0]));
    if (!placing->lines || !placing->asked_at)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        Orders__OrderLine *line = NULL;

        for (size_t j = 0; j < placing->line_count && !line; j++) {
            if (str_equal_cstr(str_from_cstr(items[i]->sku_id), placing->lines[j]->sku_id))
                line = placing->lines[j];
        }
        if (!line) {
            line = arena_alloc(call->arena, sizeof(*line));
            if (!line)
                return ERR_NO_MEMORY;
            orders__order_line__init(line);
            line->sku_id = items[i]->sku_id;
            line->has_quantity = true;
            placing->asked_at[placing->line_count] = i;
            placing->lines[placing->line_count++] = line;
        }
        line->quantity += items[i]->quantity;
        if (line->quantity > ORDER_QUANTITY_MAX)
            return call_fail(call, ERR_INVALID, "quantity_too_large", "/items",
                             "At most %d of one article in one order.", ORDER_QUANTITY_MAX);
    }
    return 0;
}

static int take_items(struct placing *placing)
{
    const Orders__CreateOrderRequest *in = placing->in;
    struct call *call = placing->call;
    Orders__NewOrderItem **items = in->items;
    size_t count = in->n_items;

    if ((count > 0) == (in->cart_id != NULL))
        return call_fail(call, ERR_INVALID, "items_or_cart", "/items", "Give either items or cart_id.");
    if (in->cart_id) {
        TRY(cart_lines(call, str_from_cstr(in->cart_id), &placing->cart));
        items = placing->cart.items;
        count = placing->cart.count;
        placing->currency = placing->cart.currency;
    }
    if (in->currency)
        placing->currency = in->currency;
    return sum_items(placing, items, count);
}

/* The shop's own price and title; the client's are never looked at. */
static int price_line(struct placing *placing, size_t index, const struct pricing *pricing)
{
    Orders__OrderLine *line = placing->lines[index];
    const Catalog__SkuDetail *detail = pricing_find(pricing, line->sku_id);
    const Catalog__SkuDetail *unpriced = pricing_find_unpriced(pricing, line->sku_id);
    struct call *call = placing->call;
    int64_t line_total = 0;
    char pointer[40];

    if (placing->in->cart_id)
        snprintf(pointer, sizeof(pointer), "/cart_id");
    else
        snprintf(pointer, sizeof(pointer), "/items/%zu", placing->asked_at[index]);
    if (unpriced)
        return pricing_refuse_unpriced(call, pricing, unpriced, "/currency");
    if (!detail)
        return call_fail(call, ERR_INVALID, "no_such_sku", pointer,
                         "The article %s is not for sale, or no longer: leave it out.", line->sku_id);
    if (detail->available < line->quantity)
        return call_fail(call, ERR_CONFLICT, "out_of_stock", pointer, "Only %lld of \"%s\" are left.",
                         (long long)(detail->available > 0 ? detail->available : 0), detail->title);
    if (money_add(detail->price->amount, line->quantity, &line_total) < 0 ||
        money_add(line_total, 1, &placing->total) < 0)
        return call_fail(call, ERR_INVALID, "total_too_large", pointer, "The order's total is too large.");
    line->price = detail->price;
    line->line_total = money_new(call->arena, line_total, str_from_cstr(pricing->currency));
    return line->line_total ? article_show_in_line(call, detail, line) : ERR_NO_MEMORY;
}

static int price_lines(struct placing *placing)
{
    char **ids = arena_alloc_array(placing->call->arena, placing->line_count, sizeof(ids[0]));
    struct pricing pricing;

    if (!ids)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < placing->line_count; i++)
        ids[i] = placing->lines[i]->sku_id;
    TRY(pricing_load(placing->call, ids, placing->line_count, placing->currency, placing->in->shipping_address->country,
                     &pricing));
    for (size_t i = 0; i < placing->line_count; i++)
        TRY(price_line(placing, i, &pricing));
    placing->currency = pricing.currency;
    return 0;
}

static int choose_shipping(struct placing *placing)
{
    const Orders__CreateOrderRequest *in = placing->in;
    struct shipping_price methods[SHIPPING_METHODS_MAX];
    size_t chosen = 0, count;

    TRY(shipping_methods(placing->call, str_from_cstr(in->shipping_address->country), str_from_cstr(placing->currency),
                         "/currency", methods, &count));
    if (count == 0)
        return call_fail(placing->call, ERR_INVALID, "no_shipping", "/shipping_address/country",
                         "Nothing is delivered to that country.");
    while (in->shipping_method && chosen < count &&
           !str_equal_cstr(str_from_cstr(in->shipping_method), methods[chosen].id))
        chosen++;
    if (chosen == count)
        return call_fail(placing->call, ERR_INVALID, "no_such_shipping_method", "/shipping_method",
                         "That shipping method does not go to the country; see /v1/shipping-methods.");
    placing->shipping = methods[chosen];
    if (money_add(placing->shipping.amount, 1, &placing->total) < 0)
        return call_fail(placing->call, ERR_INVALID, "total_too_large", "/items", "The order's total is too large.");
    return 0;
}

/* -- The transaction ----------------------------------------------------------------------------------------------- */

/* A guest without a token gets one with this order; only its hash is stored. */
static int name_guest(struct placing *placing)
{
    struct call *call = placing->call;
    struct str token = call->who.guest_token;

    if (call->who.user_id.len)
        return 0;
    if (!token.len) {
        placing->guest_token = guest_token_new(call);
        token = str_from_cstr(placing->guest_token);
    }
    placing->guest_hash = guest_token_hash(call, token);
    return token.ptr && placing->guest_hash ? 0 : ERR_NO_MEMORY;
}

static int insert_order(struct sql_tx *tx, struct placing *placing, const char *id)
{
    const Orders__CreateOrderRequest *in = placing->in;
    const Orders__Address *address = in->shipping_address;
    struct call *call = placing->call;

    TRY(sql_exec(tx, &orders_sql_insert_order,
                 SQL_ARGS(sql_text(call->tenant), sql_cstr(id),
                          call->who.user_id.len ? sql_text(call->who.user_id) : sql_null(),
                          sql_cstr(placing->guest_hash), sql_cstr(in->email), sql_cstr(placing->currency),
                          sql_int(placing->total), sql_cstr(placing->shipping.id), sql_cstr(placing->shipping.title),
                          sql_int(placing->shipping.amount), sql_cstr(address->name), sql_cstr(address->line1),
                          sql_cstr(address->line2), sql_cstr(address->city), sql_cstr(address->postal_code),
                          sql_cstr(address->country), sql_int(call_now_ms(call))),
                 NULL));
    for (size_t i = 0; i < placing->line_count; i++) {
        const Orders__OrderLine *line = placing->lines[i];
        struct str shown;

        TRY(article_pack(call, line, &shown));
        TRY(sql_exec(tx, &orders_sql_insert_line,
                     SQL_ARGS(sql_text(call->tenant), sql_cstr(id), sql_int((int64_t)i), sql_cstr(line->sku_id),
                              sql_cstr(line->title), sql_int(line->quantity), sql_int(line->price->amount),
                              sql_int(line->line_total->amount), sql_text(shown)),
                     NULL));
    }
    return 0;
}

static int start_saga(struct placing *placing, char *id)
{
    struct call *call = placing->call;
    const struct orders_state *state = call->state;
    Orders__PlaceOrder order = ORDERS__PLACE_ORDER__INIT;
    Orders__NewOrderItem **lines = arena_alloc_array(call->arena, placing->line_count, sizeof(lines[0]));

    if (!lines)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < placing->line_count; i++) {
        lines[i] = arena_alloc(call->arena, sizeof(*lines[i]));
        if (!lines[i])
            return ERR_NO_MEMORY;
        orders__new_order_item__init(lines[i]);
        lines[i]->sku_id = placing->lines[i]->sku_id;
        lines[i]->quantity = placing->lines[i]->quantity;
        lines[i]->has_quantity = true;
    }
    order.order_id = id;
    order.n_lines = placing->line_count;
    order.lines = lines;
    order.total = money_new(call->arena, placing->total, str_from_cstr(placing->currency));
    order.payment_method = placing->in->payment->payment_method;
    order.has_payment_timeout_ms = true;
    order.payment_timeout_ms = state->payment_timeout_ms;
    if (!order.total)
        return ERR_NO_MEMORY;
    return call_start_workflow(call, &place_order_workflow, str_from_cstr(id), &order.base);
}

static int place(struct sql_tx *tx, void *argument)
{
    struct placing *placing = argument;
    struct call *call = placing->call;
    struct order_owner owner;
    char *id = call_new_id(call);

    if (!id)
        return ERR_NO_MEMORY;
    TRY(insert_order(tx, placing, id));
    if (placing->in->cart_id)
        TRY(cart_remove(call, &placing->cart));
    TRY(start_saga(placing, id));
    TRY(order_load(call, str_from_cstr(id), placing->out, &owner));
    TRY(order_publish_loaded(call, "order.placed", placing->out, &owner));
    placing->out->guest_token = (char *)(uintptr_t)placing->guest_token;
    call_set_version(call, placing->out->version);
    return 0;
}

/* Shows the order again once it is decided (Prefer: wait). */
static int refresh(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    Orders__Order *order = (Orders__Order *)out;
    struct str id = call_waited_for(call);
    char *guest_token = arena_cstr(call->arena, str_from_cstr(order->guest_token));

    (void)in;
    TRY(order_load(call, id, order, NULL));
    order->guest_token = guest_token && guest_token[0] ? guest_token : NULL;
    call_set_version(call, order->version);
    return 0;
}

/* A card number has no business here: it goes to the provider's own field, and the shop gets a name for it. */
static int refuse_card_number(struct call *call, const char *payment_method)
{
    size_t digits = 0;

    for (const char *c = payment_method; *c; c++) {
        if (*c >= '0' && *c <= '9')
            digits++;
        else if (*c != ' ' && *c != '-')
            digits = 0;
        if (digits >= CARD_DIGITS_MIN)
            return call_fail(
                call, ERR_INVALID, "card_number", "/payment/payment_method",
                "This looks like a card number. Send the name that the payment provider's card field gave.");
    }
    return 0;
}

int create_order(struct call *call, const Orders__CreateOrderRequest *in, Orders__Order *out)
{
    struct placing placing = {.call = call, .in = in, .out = out};

    TRY(refuse_card_number(call, in->payment->payment_method));
    TRY(take_items(&placing));
    TRY(price_lines(&placing));
    TRY(choose_shipping(&placing));
    TRY(name_guest(&placing));
    TRY(call_write(call, place, &placing));
    call_wait_for(call, str_from_cstr(out->id), refresh);
    return 0;
}
