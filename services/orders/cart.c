/* Carts: what a shopper wants, by article and number. Titles and prices are the catalog's, looked up each time.
 *
 * A cart is one row of the kv port, under its owner: the customer, or the hash of a guest's token. Each change is one
 * write transaction, so two changes of one cart cannot race. A cart has one currency: the one that its shopper named
 * when adding to it; the shop's otherwise. The first call of a signed-in customer that still carries a guest's token
 * moves the guest's cart into the customer's: sums, capped by the stock, once, since the guest's is gone with the same
 * transaction. */
#include "platform/ports/clock/clock.h"
#include "platform/ports/kv/kv.h"
#include "platform/service/browser.h"
#include "platform/service/host.h"
#include "platform/wire/wire.h"
#include "services/orders/article.h"
#include "services/orders/pricing.h"
#include "services/orders/sql/orders.sql.h"

#define SPACE STR("cart")
#define CART_TTL_MS (INT64_C(180) * 24 * 3600 * 1000)
#define CART_BYTES_MAX (64u << 10)
/* The catalog is asked about ORDER_LINES_MAX articles at a time: the cart, and one more to be added. Two full carts
 * that are merged keep the customer's and what fits of the guest's. */
#define CART_ITEMS_MAX (ORDER_LINES_MAX - 1)
/* A change needs the catalog's word on every article of the cart; another request may add one meanwhile. */
#define CHANGE_ATTEMPTS_MAX 5

enum change { CHANGE_NONE, CHANGE_ADD, CHANGE_SET, CHANGE_REMOVE };

struct changing {
    struct call *call;
    enum change change;
    const char *id;     /* the item: for set and remove */
    const char *sku_id; /* for add */
    int64_t quantity;
    const char *currency;         /* asked for; NULL: as the cart has it */
    const char *currency_pointer; /* where */
    const char *country;          /* whose prices are shown; NULL: those that hold everywhere */
    struct str owner;             /* the key of the cart that is changed */
    struct str guest;             /* the key of a guest's cart to be merged; empty without */
    char *guest_token;            /* a new guest's, to be told */
    Orders__StoredCart cart;
    int64_t version;           /* of the stored cart; 0: there is none */
    Orders__StoredCart merged; /* the guest's */
    int64_t merged_version;    /* as version */
    bool guest_has_orders;
    char *asked[ORDER_LINES_MAX]; /* the articles that the catalog was asked about */
    size_t asked_count;
    const char *asked_currency; /* and in which currency; NULL: none was named */
    struct pricing pricing;
    bool is_outdated; /* the cart is another by now, and the catalog has to be asked again */
    Orders__Cart *out;
};

/* -- The store ----------------------------------------------------------------------------------------------------- */

static struct kv_key cart_key(const struct call *call, struct str owner)
{
    return (struct kv_key){call->tenant, SPACE, owner};
}

/* An owner without a cart has an empty one. Its id comes from the owner, so that looking at it stores nothing. */
static int load_cart(struct call *call, struct str owner, Orders__StoredCart *ret_cart, int64_t *ret_version)
{
    struct kv_row row;

    orders__stored_cart__init(ret_cart);
    *ret_version = 0;
    int result =
        owner.len ? kv_get(call->instance->kv, call->tx, cart_key(call, owner), call->arena, &row) : ERR_NOT_FOUND;
    if (result == ERR_NOT_FOUND) {
        ret_cart->id = guest_token_hash(call, owner);
        return ret_cart->id ? 0 : ERR_NO_MEMORY;
    }
    TRY(result);
    *ret_version = row.version;
    return wire_from_json(call->arena, row.value, &ret_cart->base, &call->problem);
}

static int save_cart(struct call *call, struct str owner, const Orders__StoredCart *cart, int64_t *ret_version)
{
    CLEANUP(buf_free) struct buf json = BUF(CART_BYTES_MAX);

    wire_to_json(&cart->base, &json);
    TRY(buf_error(&json));
    const struct kv_put put = {
        .key = cart_key(call, owner), .value = buf_str(&json), .expires_at_ms = clock_steady_ms() + CART_TTL_MS};
    return kv_put(call->instance->kv, call->tx, &put, ret_version);
}

/* -- Whose it is --------------------------------------------------------------------------------------------------- */

static struct str guest_key(struct call *call, struct str token)
{
    char *hash = guest_token_hash(call, token);

    return str_from_cstr(hash ? arena_printf(call->arena, "guest:%s", hash) : NULL);
}

static int name_owner(struct changing *changing)
{
    struct call *call = changing->call;
    struct str token = call->who.guest_token;

    if (call->who.user_id.len) {
        changing->owner = str_from_cstr(arena_printf(call->arena, "user:%.*s", STR_FORMAT(call->who.user_id)));
        if (token.len)
            changing->guest = guest_key(call, token);
        return changing->owner.ptr ? 0 : ERR_NO_MEMORY;
    }
    if (!token.len) {
        changing->guest_token = guest_token_new(call);
        token = str_from_cstr(changing->guest_token);
    }
    changing->owner = guest_key(call, token);
    return token.ptr && changing->owner.ptr ? 0 : ERR_NO_MEMORY;
}

/* -- Changes ------------------------------------------------------------------------------------------------------- */

/* The most that can be ordered of an article now; 1 at least, so that what is sold out stays visible in the cart. */
static int64_t cap(const Catalog__SkuDetail *detail, int64_t quantity)
{
    int64_t most = detail && detail->available > 0 ? detail->available : 1;

    if (most > ORDER_QUANTITY_MAX)
        most = ORDER_QUANTITY_MAX;
    return quantity < most ? quantity : most;
}

static int append_item(struct changing *changing, const char *sku_id, int64_t quantity)
{
    struct call *call = changing->call;
    Orders__StoredCart *cart = &changing->cart;
    Orders__StoredCartItem *item = arena_alloc(call->arena, sizeof(*item));
    Orders__StoredCartItem **items = arena_alloc_array(call->arena, cart->n_items + 1, sizeof(items[0]));

    if (cart->n_items >= CART_ITEMS_MAX)
        return call_fail(call, ERR_CONFLICT, "cart_full", NULL, "A cart holds at most %d articles.", CART_ITEMS_MAX);
    if (!item || !items)
        return ERR_NO_MEMORY;
    orders__stored_cart_item__init(item);
    item->id = call_new_id(call);
    item->sku_id = arena_cstr(call->arena, str_from_cstr(sku_id));
    item->has_quantity = true;
    item->quantity = quantity;
    if (cart->n_items)
        memcpy(items, cart->items, cart->n_items * sizeof(items[0]));
    items[cart->n_items++] = item;
    cart->items = items;
    return item->id && item->sku_id ? 0 : ERR_NO_MEMORY;
}

static Orders__StoredCartItem *find_article(const Orders__StoredCart *cart, const char *sku_id)
{
    for (size_t i = 0; i < cart->n_items; i++) {
        if (str_equal_cstr(str_from_cstr(sku_id), cart->items[i]->sku_id))
            return cart->items[i];
    }
    return NULL;
}

/* Adds to what is there of the article; never more than the stock when limit is set. */
static int add(struct changing *changing, const char *sku_id, int64_t quantity, bool limit)
{
    Orders__StoredCartItem *item = find_article(&changing->cart, sku_id);
    const Catalog__SkuDetail *detail = pricing_find(&changing->pricing, sku_id);
    int64_t sum = (item ? item->quantity : 0) + quantity;

    if (limit)
        sum = cap(detail, sum);
    else if (sum > ORDER_QUANTITY_MAX)
        return call_fail(changing->call, ERR_INVALID, "quantity_too_large", "/quantity", "At most %d of one article.",
                         ORDER_QUANTITY_MAX);
    if (!item)
        return append_item(changing, sku_id, sum);
    item->quantity = sum;
    return 0;
}

static int find_item(struct changing *changing, size_t *ret_index)
{
    for (size_t i = 0; i < changing->cart.n_items; i++) {
        if (str_equal_cstr(str_from_cstr(changing->id), changing->cart.items[i]->id)) {
            *ret_index = i;
            return 0;
        }
    }
    return call_fail(changing->call, ERR_NOT_FOUND, "no_such_item", NULL, "There is no such item in your cart.");
}

static int apply(struct changing *changing)
{
    Orders__StoredCart *cart = &changing->cart;
    size_t index;

    switch (changing->change) {
    case CHANGE_NONE:
        return 0;
    case CHANGE_ADD:
        return add(changing, changing->sku_id, changing->quantity, false);
    case CHANGE_SET:
        TRY(find_item(changing, &index));
        cart->items[index]->quantity = changing->quantity;
        return 0;
    case CHANGE_REMOVE:
        TRY(find_item(changing, &index));
        memmove(&cart->items[index], &cart->items[index + 1], (cart->n_items - index - 1) * sizeof(cart->items[0]));
        cart->n_items--;
        return 0;
    }
    return ERR_INTERNAL;
}

/* -- Showing ------------------------------------------------------------------------------------------------------- */

static int show_item(struct changing *changing, const Orders__StoredCartItem *stored, Orders__CartItem **ret_item,
                     int64_t *total)
{
    struct call *call = changing->call;
    const Catalog__SkuDetail *detail = pricing_find(&changing->pricing, stored->sku_id);
    const Catalog__SkuDetail *known = detail ? detail : pricing_find_unpriced(&changing->pricing, stored->sku_id);
    Orders__CartItem *item = arena_alloc(call->arena, sizeof(*item));
    int64_t line_total = 0;

    if (!item)
        return ERR_NO_MEMORY;
    orders__cart_item__init(item);
    item->id = stored->id;
    item->sku_id = stored->sku_id;
    item->has_quantity = true;
    item->quantity = stored->quantity;
    *ret_item = item;
    if (known)
        TRY(article_show_in_cart(call, known, item));
    if (!detail)
        return 0; /* no longer for sale in this currency: shown without a price, and not counted */
    if (money_add(detail->price->amount, stored->quantity, &line_total) < 0 || money_add(line_total, 1, total) < 0)
        return call_fail(call, ERR_INVALID, "total_too_large", "/quantity", "The cart's total is too large.");
    item->price = detail->price;
    item->line_total = money_new(call->arena, line_total, str_from_cstr(changing->pricing.currency));
    return item->line_total ? 0 : ERR_NO_MEMORY;
}

static int show(struct changing *changing)
{
    struct call *call = changing->call;
    Orders__Cart *out = changing->out;
    int64_t total = 0;

    orders__cart__init(out);
    out->id = changing->cart.id;
    out->has_version = true;
    out->version = changing->version;
    call_set_version(call, out->version);
    out->items = arena_alloc_array(call->arena, changing->cart.n_items + 1, sizeof(out->items[0]));
    if (!out->items)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < changing->cart.n_items; i++) {
        TRY(show_item(changing, changing->cart.items[i], &out->items[i], &total));
        out->n_items++;
    }
    out->total = money_new(call->arena, total, str_from_cstr(changing->pricing.currency));
    out->currency = out->total ? out->total->currency : NULL;
    out->guest_token = changing->guest_token;
    return out->total ? 0 : ERR_NO_MEMORY;
}

/* -- The way through ----------------------------------------------------------------------------------------------- */

static int load_both(struct sql_tx *tx, void *argument)
{
    struct changing *changing = argument;

    (void)tx;
    TRY(load_cart(changing->call, changing->owner, &changing->cart, &changing->version));
    return load_cart(changing->call, changing->guest, &changing->merged, &changing->merged_version);
}

/* The currency that the cart will have when it is changed; NULL: none was ever named. */
static const char *currency_of(const struct changing *changing)
{
    if (changing->currency)
        return changing->currency;
    return changing->cart.currency || changing->cart.n_items > 0 ? changing->cart.currency : changing->merged.currency;
}

/* What is asked for in a currency must have a price in it; what was put in before is shown without one. */
static int refuse_unpriced(struct changing *changing)
{
    for (size_t i = 0; i < changing->asked_count; i++) {
        const Catalog__SkuDetail *unpriced = pricing_find_unpriced(&changing->pricing, changing->asked[i]);

        if (unpriced && (changing->currency || changing->change == CHANGE_ADD))
            return pricing_refuse_unpriced(changing->call, &changing->pricing, unpriced, changing->currency_pointer);
    }
    return 0;
}

static bool is_asked(const struct changing *changing, const char *sku_id)
{
    for (size_t i = 0; i < changing->asked_count; i++) {
        if (str_equal_cstr(str_from_cstr(sku_id), changing->asked[i]))
            return true;
    }
    return false;
}

/* Each article once, so that what two carts share takes no room twice. */
static void ask_about(struct changing *changing, const Orders__StoredCart *cart)
{
    for (size_t i = 0; i < cart->n_items && changing->asked_count < ORDER_LINES_MAX; i++) {
        if (!is_asked(changing, cart->items[i]->sku_id))
            changing->asked[changing->asked_count++] = cart->items[i]->sku_id;
    }
}

/* Asks the catalog about every article of both carts and the one to be added. */
static int fetch_details(struct changing *changing)
{
    struct call *call = changing->call;

    changing->asked_count = 0;
    if (changing->change == CHANGE_ADD)
        changing->asked[changing->asked_count++] = (char *)(uintptr_t)changing->sku_id;
    ask_about(changing, &changing->cart);
    ask_about(changing, &changing->merged);
    changing->asked_currency = currency_of(changing);
    TRY(pricing_load(call, changing->asked, changing->asked_count, changing->asked_currency, changing->country,
                     &changing->pricing));
    TRY(refuse_unpriced(changing));
    if (changing->change == CHANGE_ADD && !pricing_find(&changing->pricing, changing->sku_id))
        return call_fail(call, ERR_INVALID, "no_such_sku", "/sku_id", "There is no such article for sale.");
    return 0;
}

static int merge_guest_cart(struct changing *changing)
{
    struct call *call = changing->call;

    if (changing->merged.n_items == 0)
        return 0;
    for (size_t i = 0; i < changing->merged.n_items; i++) {
        const Orders__StoredCartItem *item = changing->merged.items[i];

        if (changing->cart.n_items < CART_ITEMS_MAX || find_article(&changing->cart, item->sku_id))
            TRY(add(changing, item->sku_id, item->quantity, true));
    }
    return kv_delete(call->instance->kv, call->tx, cart_key(call, changing->guest), 0);
}

/* Whether the catalog was asked about every article that is in the cart now, in its currency. */
static bool was_asked(const struct changing *changing)
{
    if (!str_equal(str_from_cstr(changing->asked_currency), str_from_cstr(changing->cart.currency)))
        return false;
    for (size_t i = 0; i < changing->cart.n_items; i++) {
        if (!is_asked(changing, changing->cart.items[i]->sku_id))
            return false;
    }
    return true;
}

static int change_in_transaction(struct sql_tx *tx, void *argument)
{
    struct changing *changing = argument;

    TRY(load_both(tx, changing));
    changing->cart.currency = (char *)(uintptr_t)currency_of(changing);
    TRY(merge_guest_cart(changing));
    TRY(apply(changing));
    /* What cannot be done at all is told before that it may not. */
    TRY(call_check_version(changing->call, changing->version));
    changing->is_outdated = !was_asked(changing);
    if (changing->is_outdated)
        return ERR_CONFLICT;
    TRY(save_cart(changing->call, changing->owner, &changing->cart, &changing->version));
    return show(changing);
}

static int find_guest_order(struct sql_tx *tx, void *argument)
{
    struct changing *changing = argument;
    struct call *call = changing->call;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    const char *guest = guest_token_hash(call, call->who.guest_token);

    if (!guest)
        return ERR_NO_MEMORY;
    int found = sql_query_row(tx, &orders_sql_list_by_guest,
                              SQL_ARGS(sql_text(call->tenant), sql_cstr(guest), sql_text(ORDER_AFTER_EVERY_ID),
                                       sql_text(STR("")), sql_int(1)),
                              &rows);
    changing->guest_has_orders = found > 0;
    return found < 0 ? found : 0;
}

/* A guest's token that a customer's browser still has was for the cart, which is the customer's now; unless it opens
 * orders, which they may look at until they sign out. */
static int put_away_guest(struct changing *changing)
{
    if (!changing->guest.len || !changing->call->who.is_guest_by_cookie)
        return 0;
    TRY(call_read(changing->call, find_guest_order, changing));
    return changing->guest_has_orders ? 0 : browser_forget_guest(changing->call);
}

static int merge_and_change(struct changing *changing)
{
    TRY(name_owner(changing));
    for (int attempt = 0; attempt < CHANGE_ATTEMPTS_MAX; attempt++) {
        TRY(call_read(changing->call, load_both, changing));
        TRY(fetch_details(changing));
        if (changing->change == CHANGE_NONE && changing->merged.n_items == 0)
            return show(changing);
        changing->is_outdated = false;
        int result = call_write(changing->call, change_in_transaction, changing);
        if (!changing->is_outdated)
            return result;
    }
    return ERR_UNAVAILABLE;
}

static int change_cart(struct changing *changing)
{
    TRY(merge_and_change(changing));
    return put_away_guest(changing);
}

/* A look at it in another currency is no change of it. */
static int look_at_cart(struct changing *changing, const Orders__GetCartRequest *in)
{
    TRY(call_read(changing->call, load_both, changing));
    changing->currency = in->currency;
    changing->country = in->country;
    changing->currency_pointer = "?currency";
    TRY(fetch_details(changing));
    return show(changing);
}

int get_cart(struct call *call, const Orders__GetCartRequest *in, Orders__Cart *out)
{
    struct changing changing = {.call = call, .change = CHANGE_NONE, .out = out};

    /* A guest's cart is merged on the way. */
    TRY(change_cart(&changing));
    return in->currency || in->country ? look_at_cart(&changing, in) : 0;
}

int add_cart_item(struct call *call, const Orders__AddCartItemRequest *in, Orders__Cart *out)
{
    struct changing changing = {.call = call,
                                .change = CHANGE_ADD,
                                .sku_id = in->sku_id,
                                .quantity = in->quantity,
                                .currency = in->currency,
                                .currency_pointer = "/currency",
                                .out = out};

    return change_cart(&changing);
}

int update_cart_item(struct call *call, const Orders__UpdateCartItemRequest *in, Orders__Cart *out)
{
    struct changing changing = {.call = call, .change = CHANGE_SET, .id = in->id, .quantity = in->quantity, .out = out};

    return change_cart(&changing);
}

int remove_cart_item(struct call *call, const Orders__RemoveCartItemRequest *in, Orders__Cart *out)
{
    struct changing changing = {.call = call, .change = CHANGE_REMOVE, .id = in->id, .out = out};

    return change_cart(&changing);
}

/* -- For placing an order ------------------------------------------------------------------------------------------ */

static int copy_items(struct call *call, const Orders__StoredCart *cart, struct ordered_cart *ordered)
{
    ordered->items = arena_alloc_array(call->arena, cart->n_items, sizeof(ordered->items[0]));
    if (!ordered->items)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < cart->n_items; i++) {
        Orders__NewOrderItem *item = arena_alloc(call->arena, sizeof(*item));

        if (!item)
            return ERR_NO_MEMORY;
        orders__new_order_item__init(item);
        item->sku_id = cart->items[i]->sku_id;
        item->quantity = cart->items[i]->quantity;
        item->has_quantity = true;
        ordered->items[ordered->count++] = item;
    }
    return 0;
}

int cart_lines(struct call *call, struct str cart_id, struct ordered_cart *ret_cart)
{
    struct changing changing = {.call = call};
    const Orders__StoredCart *cart = &changing.cart;

    TRY(name_owner(&changing));
    TRY(call_read(call, load_both, &changing));
    *ret_cart = (struct ordered_cart){.owner = changing.owner, .version = changing.version};
    if (changing.guest.len && str_equal_cstr(cart_id, changing.merged.id)) {
        cart = &changing.merged;
        ret_cart->owner = changing.guest;
        ret_cart->version = changing.merged_version;
    }
    if (!str_equal_cstr(cart_id, cart->id) || cart->n_items == 0)
        return call_fail(call, ERR_NOT_FOUND, "no_such_cart", "/cart_id",
                         "You have no cart of that id, or there is nothing in it.");
    ret_cart->currency = cart->currency;
    return copy_items(call, cart, ret_cart);
}

static int refuse_changed(struct call *call)
{
    return call_fail(call, ERR_CONFLICT, "cart_changed", "/cart_id",
                     "The cart was changed or ordered while this order was being placed; look at it again.");
}

int cart_remove(struct call *call, const struct ordered_cart *cart)
{
    struct kv_row row;

    /* One cart becomes one order: whoever comes second finds it gone, or another. */
    int result = kv_get(call->instance->kv, call->tx, cart_key(call, cart->owner), call->arena, &row);
    if (result == ERR_NOT_FOUND || (result >= 0 && row.version != cart->version))
        return refuse_changed(call);
    TRY(result);
    return kv_delete(call->instance->kv, call->tx, cart_key(call, cart->owner), 0);
}
