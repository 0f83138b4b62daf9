/* Cart, checkout and orders: what the orders service tells the person whose they are. */
#include "services/shell/href.h"
#include "services/shell/page.h"

#include "platform/base/iso_code.h"
#include "platform/wire/wire.h"

#define ORDERS_PER_PAGE 20

/* Who carries neither a sign-in nor a guest's token has an empty cart; asking for it would make a token for nobody. */
static bool has_cart(const struct page *page)
{
    return page->call->who.user_id.len || page->call->who.guest_token.len;
}

static int read_cart(struct page *page, Orders__Cart **ret_cart)
{
    Orders__GetCartRequest in = ORDERS__GET_CART_REQUEST__INIT;
    Orders__Cart *cart = (void *)wire_message_new(page->call->arena, &orders__cart__descriptor);

    if (!cart)
        return ERR_NO_MEMORY;
    if (has_cart(page))
        TRY(orders_get_cart(page->call, &in, cart));
    cart->guest_token = NULL;
    for (size_t i = 0; i < cart->n_items; i++)
        TRY(page_add_gallery(page, cart->items[i]->image_url, false));
    *ret_cart = cart;
    return 0;
}

int fill_cart(struct page *page)
{
    Pages__CartPage *shown = (void *)wire_message_new(page->call->arena, &pages__cart_page__descriptor);

    if (!shown)
        return ERR_NO_MEMORY;
    page->document->cart = shown;
    TRY(read_cart(page, &shown->cart));
    return page_describe(page, "Your cart", "What you have chosen, and what it costs.", "/cart");
}

/* -- Checkout ------------------------------------------------------------------------------------------------------ */

static int add_shipping(struct page *page, Pages__CheckoutPage *shown)
{
    Orders__ListShippingMethodsRequest in = ORDERS__LIST_SHIPPING_METHODS_REQUEST__INIT;
    Orders__ListShippingMethodsReply out = ORDERS__LIST_SHIPPING_METHODS_REPLY__INIT;

    TRY(page_text(page, page->shell->country, &in.country));
    if (shown->cart->total)
        in.currency = shown->cart->total->currency;
    TRY(orders_list_shipping_methods(page->call, &in, &out));
    shown->shipping_methods = out.shipping_methods;
    shown->n_shipping_methods = out.n_shipping_methods;
    return 0;
}

static int add_countries(struct page *page, Pages__CheckoutPage *shown)
{
    Orders__ListShippingCountriesRequest in = ORDERS__LIST_SHIPPING_COUNTRIES_REQUEST__INIT;
    Orders__ListShippingCountriesReply out = ORDERS__LIST_SHIPPING_COUNTRIES_REPLY__INIT;
    struct arena *arena = page->call->arena;

    TRY(orders_list_shipping_countries(page->call, &in, &out));
    shown->countries = arena_alloc_array(arena, out.n_countries + 1, sizeof(shown->countries[0]));
    if (!shown->countries)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < out.n_countries; i++) {
        Pages__Link *link = (void *)wire_message_new(arena, &pages__link__descriptor);

        if (!link)
            return ERR_NO_MEMORY;
        link->label = out.countries[i]->name;
        link->href = out.countries[i]->code;
        shown->countries[shown->n_countries++] = link;
    }
    return 0;
}

int fill_checkout(struct page *page)
{
    Pages__CheckoutPage *shown = (void *)wire_message_new(page->call->arena, &pages__checkout_page__descriptor);

    if (!shown)
        return ERR_NO_MEMORY;
    page->document->checkout = shown;
    TRY(read_cart(page, &shown->cart));
    TRY(add_shipping(page, shown));
    TRY(add_countries(page, shown));
    TRY(page_add_card_field(page, shown));
    return page_describe(page, "Checkout", "Where your order goes to, how, and how it is paid.", "/checkout");
}

/* -- Orders -------------------------------------------------------------------------------------------------------- */

static int add_pictures(struct page *page, const Orders__Order *order)
{
    for (size_t i = 0; i < order->n_lines; i++)
        TRY(page_add_gallery(page, order->lines[i]->image_url, false));
    return 0;
}

/* Where an address has a country it is one of the list, from which the checkout's customers chose its name. */
static int name_country(struct page *page, Pages__OrderPage *shown)
{
    const Orders__Address *address = shown->order->shipping ? shown->order->shipping->address : NULL;
    const char *name = address && address->country ? iso_country_name(str_from_cstr(address->country)) : NULL;

    return name ? page_text(page, str_from_cstr(name), &shown->country) : 0;
}

int fill_order(struct page *page)
{
    Orders__GetOrderRequest in = ORDERS__GET_ORDER_REQUEST__INIT;
    Pages__OrderPage *shown = (void *)wire_message_new(page->call->arena, &pages__order_page__descriptor);
    Orders__Order *order = (void *)wire_message_new(page->call->arena, &orders__order__descriptor);
    char *path;

    if (!shown || !order)
        return ERR_NO_MEMORY;
    if (!has_cart(page))
        return call_fail(page->call, ERR_UNAUTHENTICATED, "sign_in_required", NULL, "Sign in to see your order.");
    page->document->order = shown;
    TRY(page_text(page, page->parameter, &in.id));
    TRY(orders_get_order(page->call, &in, order));
    order->guest_token = NULL;
    TRY(add_pictures(page, order));
    shown->order = order;
    TRY(name_country(page, shown));
    shown->has_placed_now = shown->placed_now = page->query.placed;
    TRY(href_below(page->call->arena, "/orders/", page->parameter, &path));
    return page_describe(page, page->query.placed ? "Thank you" : "Your order",
                         "What you have ordered, where it goes to, and how far it is.", path);
}

int fill_orders(struct page *page)
{
    Orders__ListOrdersRequest in = ORDERS__LIST_ORDERS_REQUEST__INIT;
    Orders__ListOrdersReply out = ORDERS__LIST_ORDERS_REPLY__INIT;
    Pages__OrdersPage *shown = (void *)wire_message_new(page->call->arena, &pages__orders_page__descriptor);

    if (!shown)
        return ERR_NO_MEMORY;
    page->document->orders = shown;
    in.has_limit = true;
    in.limit = ORDERS_PER_PAGE;
    if (page->query.cursor.len)
        TRY(page_text(page, page->query.cursor, &in.cursor));
    TRY(orders_list_orders(page->call, &in, &out));
    shown->orders = out.orders;
    shown->n_orders = out.n_orders;
    for (size_t i = 0; i < out.n_orders; i++)
        TRY(add_pictures(page, out.orders[i]));
    if (out.next_cursor) {
        const struct href_pair pairs[] = {{"cursor", str_from_cstr(out.next_cursor)}};

        TRY(href_make(page->call->arena, "/orders", pairs, 1, &shown->next_href));
    }
    return page_describe(page, "Your orders", "What you have ordered so far, and how far each order is.", "/orders");
}
