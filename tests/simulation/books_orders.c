/* The books of orders: what was asked for, where each stands, and what was told of it. */
#include "tests/simulation/books.h"

#include <inttypes.h>
#include <stdio.h>

#define PRICES_MAX 64
#define CATCH_UP_LOOKS 100
#define CATCH_UP_MS 50

const char *const order_event_types[] = {"order.placed", "order.confirmed", "order.fulfilled",
                                         "order.failed", "order.cancelled", "order.refunded"};

static struct {
    struct book_order orders[BOOK_ORDERS_MAX];
    size_t order_count;
    int64_t prices[TENANTS][PRICES_MAX];
    size_t price_count[TENANTS];
    uint64_t scan;
} books;

/* -- Finding ------------------------------------------------------------------------------------------------------- */

struct book_order *book_find(const char *id)
{
    for (size_t i = 0; i < books.order_count; i++) {
        if (strcmp(books.orders[i].id, id) == 0)
            return &books.orders[i];
    }
    return NULL;
}

size_t book_count(void)
{
    return books.order_count;
}

struct book_order *book_at(size_t index)
{
    return &books.orders[index];
}

static void copy(char to[ID_BYTES], const char *from)
{
    snprintf(to, ID_BYTES, "%s", from);
}

/* -- Orders: the status table -------------------------------------------------------------------------------------- */

static bool follows(const char *from, const char *to)
{
    static const char *const table[][2] = {
        {"", "pending"},           {"pending", "confirmed"},   {"pending", "failed"},
        {"pending", "cancelled"},  {"confirmed", "cancelled"}, {"confirmed", "fulfilled"},
        {"fulfilled", "refunded"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(from, table[i][0]) == 0 && strcmp(to, table[i][1]) == 0)
            return true;
    }
    return false;
}

/* By how few rows of the table one status leads to the other; -1: by none. */
static int moves_between(const char *from, const char *to)
{
    static const char *const statuses[] = {"pending", "confirmed", "failed", "cancelled", "fulfilled", "refunded"};
    int fewest = -1;
    if (strcmp(from, to) == 0)
        return 0;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        int rest = follows(from, statuses[i]) ? moves_between(statuses[i], to) : -1;
        if (rest >= 0 && (fewest < 0 || rest + 1 < fewest))
            fewest = rest + 1;
    }
    return fewest;
}

static bool is_status(const struct book_order *order, const char *a, const char *b)
{
    return strcmp(order->status, a) == 0 || strcmp(order->status, b) == 0;
}

/* -- Orders: a new one --------------------------------------------------------------------------------------------- */

static bool price_was_asked(int tenant, int64_t price)
{
    bool is_known = price == SKU_PRICE;
    for (size_t i = 0; i < books.price_count[tenant] && !is_known; i++)
        is_known = books.prices[tenant][i] == price;
    return is_known;
}

static int64_t wanted(const struct purchase *purchase, const char *sku_id)
{
    int64_t quantity = 0;
    for (int i = 0; i < purchase->line_count; i++) {
        if (strcmp(simulation.goods[purchase->tenant].sku_ids[purchase->sku[i]], sku_id) == 0)
            quantity += purchase->quantity[i];
    }
    return quantity;
}

static void judge_lines(const struct book_order *order, const char *text)
{
    const struct purchase *purchase = order->purchase;
    struct book_line lines[LINES_MAX];
    int count = book_read_lines(text, lines);
    int64_t total = order->shipping, units = 0;
    for (int i = 0; i < count; i++) {
        if (lines[i].quantity != wanted(purchase, lines[i].sku_id))
            violated("an order is what was asked for", "%s: %s", order->id, text);
        if (!price_was_asked(purchase->tenant, lines[i].price))
            violated("prices are the shop's", "%s: %s", order->id, text);
        total += lines[i].quantity * lines[i].price;
        units += lines[i].quantity;
    }
    for (int i = 0; i < purchase->line_count; i++)
        units -= purchase->quantity[i];
    if (units != 0 || total != order->total)
        violated("an order costs what its goods cost", "%s: %" PRId64 " of %s", order->id, order->total, text);
}

static struct purchase *find_purchase(const char *email)
{
    for (size_t i = 0; i < simulation.purchase_count; i++) {
        if (simulation.purchases[i].is_tried && strcmp(simulation.purchases[i].email, email) == 0)
            return &simulation.purchases[i];
    }
    return NULL;
}

static struct book_order *add_order(const struct change *change)
{
    ASSERT(books.order_count < BOOK_ORDERS_MAX);
    struct book_order *order = &books.orders[books.order_count++];
    *order = (struct book_order){.total = sqlite3_column_int64(change->row, 4),
                                 .shipping = sqlite3_column_int64(change->row, 5)};
    copy(order->tenant, row_text(change, 0));
    copy(order->id, row_text(change, 1));
    copy(order->email, row_text(change, 2));
    order->purchase = find_purchase(order->email);
    bool may_be_new = order->purchase && key_may_have_ended(&order->purchase->tried);
    if (!order->purchase || (order->purchase->is_refused && !may_be_new))
        violated("an order is one that somebody placed", "%s of %s", order->id, order->email);
    if (strcmp(order->tenant, tenant_name(order->purchase->tenant)) != 0)
        violated("an order is in its shopper's shop", "%s is in %s", order->id, order->tenant);
    for (size_t i = 0; i + 1 < books.order_count; i++) {
        if (books.orders[i].purchase == order->purchase && !may_be_new)
            violated("one purchase makes at most one order", "%s and %s", books.orders[i].id, order->id);
    }
    if (order->purchase->cart && ++order->purchase->cart->orders > 1)
        violated("one cart becomes one order", "%s is another of cart %s", order->id, order->purchase->cart->id);
    judge_lines(order, row_text(change, 8));
    return order;
}

/* -- Orders: what changes ------------------------------------------------------------------------------------------ */

/* What holds between the stores; for a status that was just reached. */
static void judge_status(const struct book_order *order)
{
    enum book_reservation_status stock = book_reservation(order->id);
    if (is_status(order, "confirmed", "fulfilled") && !order->cancel_requested) {
        if (stock != BOOK_COMMITTED)
            violated("a confirmed order has its stock", "%s", order->id);
        if (order->captured != order->total)
            violated("a confirmed order is paid, once and in full", "%s: %" PRId64 " of %" PRId64, order->id,
                     order->captured, order->total);
    }
    if (is_status(order, "failed", "cancelled") && (stock == BOOK_HELD || stock == BOOK_COMMITTED))
        violated("an order that is over holds no stock", "%s is %s", order->id, order->status);
}

void judge_between(bool is_scan)
{
    (void)is_scan;
    if (!watch_is_current("orders"))
        return;
    for (size_t i = 0; i < books.order_count; i++) {
        struct book_order *order = &books.orders[i];
        if (order->is_unjudged && watch_is_current("catalog")) {
            order->is_unjudged = false;
            judge_status(order);
        }
    }
}

void judge_order(const struct change *change)
{
    if (!change->row)
        violated("orders stay", "row %lld is gone", (long long)change->rowid);
    struct book_order *order = book_find(row_text(change, 1));
    if (!order)
        order = add_order(change);
    const char *status = row_text(change, 3);
    int64_t version = sqlite3_column_int64(change->row, 6);
    int moves = moves_between(order->status, status);
    /* One commit may hold several writes, each of which raises the version. */
    bool may = moves >= 0 && moves <= version - order->version;
    if (!may || version < order->version)
        violated("what was committed stays, and a status moves as the table says",
                 "order %s was %s (version %" PRId64 ") and is %s (version %" PRId64 ")", order->id, order->status,
                 order->version, status, version);
    if (order->total != sqlite3_column_int64(change->row, 4) || strcmp(order->tenant, row_text(change, 0)) != 0 ||
        strcmp(order->email, row_text(change, 2)) != 0)
        violated("an order stays what it is", "%s", order->id);
    if (strcmp(order->status, status) != 0) {
        note("order %s of %s is %s", order->id, order->email, status);
        order->is_unjudged = true;
    }
    copy(order->status, status);
    order->version = version;
    order->cancel_requested = sqlite3_column_int64(change->row, 7) != 0;
    order->seen = books.scan;
}

static int event_type(const char *type)
{
    for (int i = 0; i < ORDER_EVENT_TYPES; i++) {
        if (strcmp(type, order_event_types[i]) == 0)
            return i;
    }
    return -1;
}

void judge_order_told(const struct change *change)
{
    bool is_new = book_told(change);
    int type = is_new ? event_type(row_text(change, 1)) : -1;
    if (type < 0)
        return;
    struct book_order *order = book_find(row_text(change, 2));
    if (!order || strcmp(order->tenant, row_text(change, 3)) != 0)
        violated("an event is of an order", "%s of %s", row_text(change, 1), row_text(change, 2));
    if (order->told & 1u << type)
        violated("each event is told once", "%s of %s", row_text(change, 1), order->id);
    order->told |= 1u << type;
}

void orders_begin(bool is_scan)
{
    books.scan += is_scan;
}

void orders_end(bool is_scan)
{
    for (size_t i = 0; i < books.order_count; i++) {
        const struct book_order *order = &books.orders[i];
        char type[ID_BYTES];
        if (is_scan && order->seen != books.scan)
            violated("what was committed stays", "order %s, %s, is gone", order->id, order->status);
        snprintf(type, sizeof(type), "order.%s", strcmp(order->status, "pending") == 0 ? "placed" : order->status);
        if (!(order->told & 1u << event_type(type)))
            violated("a change and its event are one", "order %s is %s without an event", order->id, order->status);
    }
    judge_between(is_scan);
}

static const char *find_fault(const struct book_order *order, const struct purchase *purchase, const char *status)
{
    if (!order)
        return "what is acknowledged was committed";
    if (order->purchase != purchase)
        return "an order is its shopper's";
    return moves_between(status, order->status) >= 0 ? NULL : "what is shown was committed";
}

/* A reader may see a commit a moment before the books do: they are given that moment. */
void book_acknowledged(const struct purchase *purchase, const char *status)
{
    const struct book_order *order = NULL;
    const char *fault = "";
    for (int i = 0; fault; i++) {
        order = book_find(purchase->order_id);
        fault = find_fault(order, purchase, status);
        if (fault && i == CATCH_UP_LOOKS && watch_is_current("orders"))
            violated(fault, "order %s is %s and was shown to %s as %s", purchase->order_id,
                     order ? order->status : "not there", purchase->email, status);
        if (i == CATCH_UP_LOOKS)
            return; /* nothing was committed since the last start */
        if (fault)
            task_sleep_ms(CATCH_UP_MS);
    }
}

void book_asked_price(int tenant, int64_t amount)
{
    ASSERT(books.price_count[tenant] < PRICES_MAX);
    books.prices[tenant][books.price_count[tenant]++] = amount;
}

const struct book_order *book_await(const char *id)
{
    const struct book_order *order = book_find(id);
    for (int i = 0; !order && i < CATCH_UP_LOOKS; i++) {
        task_sleep_ms(CATCH_UP_MS);
        order = book_find(id);
    }
    return order;
}
