/* The judgement in the end, when everything has come to its end: what the stores say, held against the model's books,
 * what people were told, and the provider's own records. */
#include "tests/simulation/audit.sql.h"
#include "tests/simulation/books.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define URL_BYTES (PATH_BYTES + 100)

struct judgement {
    struct simulation *sim;
    size_t orders;
    int64_t sold[TENANTS][SKUS];
    int64_t sum;
};

/* -- Reading ------------------------------------------------------------------------------------------------------- */

typedef void row_fn(struct judgement *judgement, struct sql_rows *rows);

struct reading {
    const struct sql_statement *statement;
    struct sql_args args;
    row_fn *fn;
    struct judgement *judgement;
};

static int read_rows(struct sql_tx *tx, void *argument)
{
    struct reading *reading = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, reading->statement, reading->args, &rows));
    int more;
    while ((more = sql_next(rows)) == 1)
        reading->fn(reading->judgement, rows);
    return more;
}

static void each(struct judgement *judgement, struct sql_db *db, const struct sql_statement *statement, row_fn *fn)
{
    struct reading reading = {statement, SQL_NO_ARGS, fn, judgement};
    int result = sql_read(db, read_rows, &reading);
    if (result < 0)
        violated("the stores can be read", "%s: %s", statement->name, error_name(result));
}

static struct sql_db *open_store(const char *folder, const char *name, const char *vfs)
{
    char path[URL_BYTES], url[2 * URL_BYTES], message[512] = "";
    struct sql_db *db;
    snprintf(path, sizeof(path), "%s/%s.db", folder, name);
    snprintf(url, sizeof(url), "sqlite:%s?vfs=%s", path, vfs);
    if (sql_open(&db, &(struct sql_config){.url = url, .reader_count = 1}, message) < 0 || sql_check(db, message) < 0)
        violated("the stores are whole", "%s: %s", name, message);
    return db;
}

static void copy_text(char to[ID_BYTES], struct sql_rows *row, unsigned column)
{
    snprintf(to, ID_BYTES, "%.*s", STR_FORMAT(sql_get_text(row, column)));
}

static bool is_any(const char *status, const char *a, const char *b, const char *c)
{
    return strcmp(status, a) == 0 || (b && strcmp(status, b) == 0) || (c && strcmp(status, c) == 0);
}

static bool is_told(const struct book_order *order, const char *type)
{
    for (unsigned i = 0; i < ORDER_EVENT_TYPES; i++) {
        if (strcmp(order_event_types[i], type) == 0)
            return order->told & 1u << i;
    }
    return false;
}

/* -- Orders -------------------------------------------------------------------------------------------------------- */

/* The store and the books say the same. */
static void take_order(struct judgement *judgement, struct sql_rows *row)
{
    char id[ID_BYTES], status[ID_BYTES];
    copy_text(id, row, 0);
    copy_text(status, row, 1);
    const struct book_order *order = book_find(id);
    judgement->orders++;
    if (!order || strcmp(order->status, status) != 0 || order->total != sql_get_int(row, 2))
        violated("the model has seen every order", "%s is %s, by the model %s", id, status,
                 order ? order->status : "unknown");
}

/* Of how many orders; each is of one purchase but where that was asked for by a key that had ended. */
static size_t count_told(const struct purchase *purchase, const char *type)
{
    size_t count = 0;
    for (size_t i = 0; i < book_count(); i++)
        count += book_at(i)->purchase == purchase && is_told(book_at(i), type);
    return count;
}

static void weigh_mails(const struct book_order *order)
{
    static const char *const mails[][2] = {{"order.confirmed", "is confirmed"},
                                           {"order.cancelled", "is cancelled"},
                                           {"order.failed", "could not be completed"}};
    for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
        size_t expected = count_told(order->purchase, mails[i][0]), sent = mailbox_count(order->email, mails[i][1]);
        if (sent != expected)
            violated("a customer is told once", "order %s, %s: %zu mails that it %s", order->id, order->status, sent,
                     mails[i][1]);
    }
}

static void weigh_order(struct judgement *judgement, const struct book_order *order)
{
    const struct purchase *purchase = order->purchase;
    for (int i = 0; i < purchase->line_count; i++) {
        if (is_any(order->status, "confirmed", "fulfilled",
                   "refunded")) /* what was sent does not come back by a refund */
            judgement->sold[purchase->tenant][purchase->sku[i]] += purchase->quantity[i];
    }
    const struct book_order *told = purchase->order_id[0] ? book_find(purchase->order_id) : order;
    if (!told || told->purchase != purchase)
        violated("the order is the one that was acknowledged", "%s, told %s", order->id, purchase->order_id);
    if (strcmp(order->status, "pending") == 0)
        violated("every order ends", "%s is pending", order->id);
    weigh_mails(order);
}

/* -- Stock --------------------------------------------------------------------------------------------------------- */

static void weigh_stock(struct judgement *judgement, struct sql_rows *row)
{
    int64_t on_hand = sql_get_int(row, 1), reserved = sql_get_int(row, 2);
    for (int i = 0; i < TENANTS * SKUS; i++) {
        int tenant = i / SKUS, sku = i % SKUS;
        if (!str_equal_cstr(sql_get_text(row, 0), judgement->sim->goods[tenant].sku_ids[sku]))
            continue;
        int64_t units = book_units(tenant, sku), sold = judgement->sold[tenant][sku];
        if (sold > units)
            violated("no more is sold than there is", "SKU %d: %" PRId64 " of %" PRId64, i, sold, units);
        if (on_hand != units - sold || reserved != 0)
            violated("what is not sold is back in stock",
                     "SKU %d: on hand %" PRId64 ", reserved %" PRId64 ", of %" PRId64 " sold %" PRId64, i, on_hand,
                     reserved, units, sold);
    }
}

static void weigh_held(struct judgement *judgement, struct sql_rows *row)
{
    (void)judgement;
    violated("no reservation stays", "%.*s", STR_FORMAT(sql_get_text(row, 0)));
}

/* -- Money --------------------------------------------------------------------------------------------------------- */

static void weigh_charge(struct judgement *judgement, struct sql_rows *row)
{
    char order_id[ID_BYTES], charge[ID_BYTES];
    int64_t captured = sql_get_int(row, 2), refunded = sql_get_int(row, 3);
    (void)judgement;
    copy_text(order_id, row, 0);
    copy_text(charge, row, 4);
    const struct book_order *order = book_find(order_id);
    bool stands = order && is_any(order->status, "confirmed", "fulfilled", "refunded");
    if (str_equal(sql_get_text(row, 1), STR("requires_capture")))
        violated("no money stays held", "%s of order %s, %s", charge, order_id, order ? order->status : "unknown");
    if (!stands && captured != refunded)
        violated("every charge has an order or is refunded",
                 "%s of order %s, %s: captured %" PRId64 ", refunded %" PRId64, charge, order_id,
                 order ? order->status : "unknown", captured, refunded);
    if (order && (order->captured != captured || order->refunded != refunded || strcmp(order->charge, charge) != 0))
        violated("the model has seen every charge", "%s of order %s", charge, order_id);
}

/* What must have gone back of an order, and what may have, where the shop itself said that it does not know. */
static void sum_refunds(const struct book_order *order, int64_t *ret_least, int64_t *ret_most)
{
    int64_t least = 0, most = 0;
    for (int i = 0; i < order->purchase->refund_count; i++) {
        const struct refund *refund = &order->purchase->refunds[i];
        int64_t amount = refund->amount ? refund->amount : order->total;
        if (strcmp(refund->order_id, order->id) != 0)
            continue;
        /* Promised before it was known that somebody had taken it back by hand, or that the provider refuses it. */
        bool is_open = refund->is_pending && (order->purchase->is_refunded_by_hand || simulation.refund_faults > 0);
        least += refund->is_refused || is_open ? 0 : amount;
        most += refund->is_refused && !refund->is_unknown ? 0 : amount;
    }
    least = (least < order->total ? least : order->total) - order->sent_back;
    *ret_least = least > 0 ? least : 0;
    *ret_most = most < order->total ? most : order->total;
}

static void weigh_money(const struct book_order *order)
{
    if (!is_any(order->status, "confirmed", "fulfilled", "refunded"))
        return;
    if (order->captured != order->total)
        violated("a confirmed order is paid, once and in full", "order %s: %" PRId64 " of %" PRId64, order->id,
                 order->captured, order->total);
    int64_t least, most;
    sum_refunds(order, &least, &most);
    if (order->refunded < least || order->refunded > most)
        violated("what staff gave back is given back, once", "order %s: %" PRId64 " instead of %" PRId64, order->id,
                 order->refunded, least);
    bool is_all_back = order->refunded == order->total, is_refunded = strcmp(order->status, "refunded") == 0;
    /* Refunded is an end, also of an order whose money the bank sent back afterwards. */
    bool was_all_back = is_all_back || (is_refunded && order->sent_back > 0);
    if (strcmp(order->status, "confirmed") != 0 && was_all_back != is_refunded)
        violated("a sent order is refunded when all of it went back", "order %s, %s: %" PRId64 " of %" PRId64,
                 order->id, order->status, order->refunded, order->total);
}

static void weigh_balance(struct judgement *judgement, struct sql_rows *row)
{
    (void)judgement;
    violated("debits are credits in each transaction", "%.*s %.*s", STR_FORMAT(sql_get_text(row, 1)),
             STR_FORMAT(sql_get_text(row, 0)));
}

static void weigh_finding(struct judgement *judgement, struct sql_rows *row)
{
    (void)judgement;
    violated("what the reconciliation finds is true", "%.*s of %.*s", STR_FORMAT(sql_get_text(row, 0)),
             STR_FORMAT(sql_get_text(row, 1)));
}

static void weigh_return(struct judgement *judgement, struct sql_rows *row)
{
    (void)judgement;
    violated("money that is owed goes back, and is said to be back when it is", "%.*s of %.*s",
             STR_FORMAT(sql_get_text(row, 0)), STR_FORMAT(sql_get_text(row, 1)));
}

static void take_sum(struct judgement *judgement, struct sql_rows *row)
{
    judgement->sum = sql_get_int(row, 0);
}

/* -- What is left over --------------------------------------------------------------------------------------------- */

static void weigh_quarantine(struct judgement *judgement, struct sql_rows *row)
{
    (void)judgement;
    violated("no event is quarantined", "%.*s: %.*s of %.*s: %.*s", STR_FORMAT(sql_get_text(row, 0)),
             STR_FORMAT(sql_get_text(row, 1)), STR_FORMAT(sql_get_text(row, 2)), STR_FORMAT(sql_get_text(row, 3)));
}

static void weigh_message(struct judgement *judgement, struct sql_rows *row)
{
    (void)judgement;
    violated("every message is worked off", "%.*s after %" PRId64 " attempts: %.*s", STR_FORMAT(sql_get_text(row, 0)),
             sql_get_int(row, 1), STR_FORMAT(sql_get_text(row, 2)));
}

static void weigh_workflow(struct judgement *judgement, struct sql_rows *row)
{
    (void)judgement;
    violated("every workflow ends", "%.*s %.*s is %.*s", STR_FORMAT(sql_get_text(row, 0)),
             STR_FORMAT(sql_get_text(row, 1)), STR_FORMAT(sql_get_text(row, 2)));
}

/* -- All of it ----------------------------------------------------------------------------------------------------- */

/* Every store of the shop has the platform's tables. */
static struct sql_db *open_judged(struct judgement *judgement, const char *name)
{
    struct sql_db *db = open_store(judgement->sim->folder, name, SHOP_VFS);
    each(judgement, db, &simulation_sql_quarantined, weigh_quarantine);
    each(judgement, db, &simulation_sql_messages, weigh_message);
    each(judgement, db, &simulation_sql_unfinished_workflows, weigh_workflow);
    return db;
}

static void weigh_orders_store(struct judgement *judgement)
{
    struct sql_db *orders = open_judged(judgement, "orders");
    each(judgement, orders, &simulation_sql_orders, take_order);
    sql_close(orders);
    if (judgement->orders != book_count())
        violated("what was committed stays", "%zu orders of %zu", judgement->orders, book_count());
    for (size_t i = 0; i < book_count(); i++)
        weigh_order(judgement, book_at(i));
    for (size_t i = 0; i < judgement->sim->purchase_count; i++) {
        const struct purchase *purchase = &judgement->sim->purchases[i];
        if (purchase->order_id[0] && !book_find(purchase->order_id))
            violated("an acknowledged order is there", "%s", purchase->order_id);
    }
}

static void weigh_catalog_store(struct judgement *judgement)
{
    struct sql_db *catalog = open_judged(judgement, "catalog");
    each(judgement, catalog, &simulation_sql_stock, weigh_stock);
    each(judgement, catalog, &simulation_sql_held, weigh_held);
    sql_close(catalog);
}

static void weigh_payments_store(struct judgement *judgement)
{
    struct sql_db *provider = open_store(judgement->sim->folder, "stripe_emulator", PROVIDER_VFS);
    each(judgement, provider, &simulation_sql_charges, weigh_charge);
    each(judgement, provider, &simulation_sql_provider_total, take_sum);
    sql_close(provider);
    for (size_t i = 0; i < book_count(); i++)
        weigh_money(book_at(i));
    int64_t at_provider = judgement->sum;
    struct sql_db *payments = open_judged(judgement, "payments");
    each(judgement, payments, &simulation_sql_unbalanced, weigh_balance);
    each(judgement, payments, &simulation_sql_untrue_findings, weigh_finding);
    each(judgement, payments, &simulation_sql_unfinished_returns, weigh_return);
    each(judgement, payments, &simulation_sql_receivable, take_sum);
    sql_close(payments);
    if (judgement->sum != at_provider)
        violated("the books say what the provider says", "%" PRId64 " instead of %" PRId64, judgement->sum,
                 at_provider);
}

/* What was committed just before a crash, and nothing after it, the books have not seen yet. */
static void look_once_more(const struct simulation *sim)
{
    for (int i = 0; watched_stores[i].store; i++) {
        char path[URL_BYTES];
        snprintf(path, sizeof(path), "%s/%s.db", sim->folder, watched_stores[i].store);
        watch_scan(path, watched_stores[i].is_world ? PROVIDER_VFS : SHOP_VFS);
    }
}

void audit(struct simulation *sim)
{
    struct judgement *judgement = calloc(1, sizeof(*judgement));
    ASSERT(judgement);
    judgement->sim = sim;
    look_once_more(sim);
    weigh_orders_store(judgement);
    weigh_catalog_store(judgement);
    weigh_payments_store(judgement);
    book_weigh_events();
    sql_close(open_judged(judgement, "identity"));
    sql_close(open_judged(judgement, "recorder"));
    sim->commits = watch_commits();
    sim->orders = (int64_t)book_count();
    for (size_t i = 0; i < book_count(); i++)
        sim->confirmed += is_any(book_at(i)->status, "confirmed", "fulfilled", NULL);
    free(judgement);
}
