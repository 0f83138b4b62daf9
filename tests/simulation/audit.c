/* The judgement: what the stores say after everything has come to its end, held against what shoppers wanted and were
 * told, and against the provider's own records. */
#include "tests/simulation/audit.sql.h"
#include "tests/simulation/simulation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PRICE 1000
#define URL_BYTES (PATH_BYTES + 100)

struct ledger_order {
    char id[ID_BYTES];
    char email[ID_BYTES];
    char status[ID_BYTES];
    int64_t total, shipping;
    struct purchase *purchase;
    int charges;
    int64_t captured, refunded;
    bool has_hold;
};

struct judgement {
    struct simulation *sim;
    struct ledger_order orders[PURCHASES_MAX];
    size_t order_count;
    int64_t sold[SKUS];
    int64_t sum;
};

/* -- Reading ------------------------------------------------------------------------------------------------------- */

typedef void row_fn(struct judgement *judgement, struct sql_rows *row);

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

static void each(struct judgement *judgement, struct sql_db *db, const struct sql_statement *statement,
                 struct sql_args args, row_fn *fn)
{
    struct reading reading = {statement, args, fn, judgement};
    int result = sql_read(db, read_rows, &reading);
    if (result < 0)
        violated("the stores can be read", "%s: %s", statement->name, error_name(result));
}

static struct sql_db *open_store(const char *folder, const char *name, const char *vfs)
{
    char url[URL_BYTES], message[512] = "";
    struct sql_db *db;
    snprintf(url, sizeof(url), "sqlite:%s/%s.db?vfs=%s", folder, name, vfs);
    if (sql_open(&db, &(struct sql_config){.url = url, .reader_count = 1}, message) < 0 || sql_check(db, message) < 0)
        violated("the stores are whole", "%s: %s", name, message);
    return db;
}

static void copy_text(char to[ID_BYTES], struct sql_rows *row, unsigned column)
{
    snprintf(to, ID_BYTES, "%.*s", STR_FORMAT(sql_get_text(row, column)));
}

/* -- Orders -------------------------------------------------------------------------------------------------------- */

static struct purchase *find_purchase(struct simulation *sim, const char *email)
{
    for (size_t i = 0; i < PURCHASES_MAX; i++) {
        if (sim->purchases[i].is_tried && strcmp(sim->purchases[i].email, email) == 0)
            return &sim->purchases[i];
    }
    return NULL;
}

static void take_order(struct judgement *judgement, struct sql_rows *row)
{
    if (judgement->order_count == PURCHASES_MAX)
        violated("one purchase makes at most one order", "more orders than purchases");
    struct ledger_order *order = &judgement->orders[judgement->order_count++];
    copy_text(order->id, row, 0);
    copy_text(order->email, row, 1);
    copy_text(order->status, row, 2);
    order->total = sql_get_int(row, 3);
    order->shipping = sql_get_int(row, 4);
    order->purchase = find_purchase(judgement->sim, order->email);
    if (!order->purchase || order->purchase->is_refused)
        violated("an order is one that somebody placed", "%s of %s", order->id, order->email);
    for (size_t i = 0; i + 1 < judgement->order_count; i++) {
        if (judgement->orders[i].purchase == order->purchase)
            violated("one purchase makes at most one order", "%s and %s", judgement->orders[i].id, order->id);
    }
}

static bool keeps_goods(const struct ledger_order *order)
{
    return strcmp(order->status, "confirmed") == 0 || strcmp(order->status, "fulfilled") == 0;
}

static bool is_refunded(const struct ledger_order *order)
{
    return strcmp(order->status, "refunded") == 0;
}

static void judge_order(struct judgement *judgement, struct ledger_order *order)
{
    const struct purchase *purchase = order->purchase;
    int64_t total = order->shipping;
    for (int i = 0; i < purchase->line_count; i++) {
        total += (int64_t)purchase->quantity[i] * PRICE;
        if (keeps_goods(order) || is_refunded(order)) /* what was sent does not come back by a refund */
            judgement->sold[purchase->sku[i]] += purchase->quantity[i];
    }
    if (total != order->total)
        violated("an order costs what its goods cost", "%s: %" PRId64 " instead of %" PRId64, order->id, order->total,
                 total);
    if (purchase->order_id[0] && strcmp(purchase->order_id, order->id) != 0)
        violated("the order is the one that was acknowledged", "%s, told %s", order->id, purchase->order_id);
    if (strcmp(order->status, "pending") == 0)
        violated("every order ends", "%s is pending", order->id);
}

static void judge_acknowledged(struct judgement *judgement, const struct purchase *purchase)
{
    for (size_t i = 0; i < judgement->order_count; i++) {
        if (judgement->orders[i].purchase == purchase)
            return;
    }
    if (purchase->order_id[0])
        violated("an acknowledged order is there", "%s", purchase->order_id);
}

/* -- Stock --------------------------------------------------------------------------------------------------------- */

static void judge_stock(struct judgement *judgement, struct sql_rows *row)
{
    int64_t on_hand = sql_get_int(row, 1), reserved = sql_get_int(row, 2);
    for (int i = 0; i < SKUS; i++) {
        if (!str_equal_cstr(sql_get_text(row, 0), judgement->sim->sku_ids[i]))
            continue;
        int64_t units = judgement->sim->units[i];
        if (judgement->sold[i] > units)
            violated("no more is sold than there is", "SKU %d: %" PRId64 " of %" PRId64, i, judgement->sold[i], units);
        if (on_hand != units - judgement->sold[i] || reserved != 0)
            violated("what is not sold is back in stock",
                     "SKU %d: on hand %" PRId64 ", reserved %" PRId64 ", of %" PRId64 " sold %" PRId64, i, on_hand,
                     reserved, units, judgement->sold[i]);
    }
}

static void judge_held(struct judgement *judgement, struct sql_rows *row)
{
    (void)judgement;
    violated("no reservation stays", "%.*s", STR_FORMAT(sql_get_text(row, 0)));
}

/* -- Money --------------------------------------------------------------------------------------------------------- */

static void take_charge(struct judgement *judgement, struct sql_rows *row)
{
    struct str order_id = sql_get_text(row, 0), charge_id = sql_get_text(row, 4);
    int64_t captured = sql_get_int(row, 2), refunded = sql_get_int(row, 3);
    bool has_hold = str_equal(sql_get_text(row, 1), STR("requires_capture"));
    for (size_t i = 0; i < judgement->order_count; i++) {
        struct ledger_order *order = &judgement->orders[i];
        if (!str_equal_cstr(order_id, order->id))
            continue;
        order->charges++;
        order->captured += captured;
        order->refunded += refunded;
        order->has_hold = order->has_hold || has_hold;
        return;
    }
    if (has_hold || captured != refunded)
        violated("every charge has an order or is refunded", "%.*s of %.*s", STR_FORMAT(charge_id),
                 STR_FORMAT(order_id));
}

static void judge_money(const struct ledger_order *order)
{
    if (order->charges > 1)
        violated("nobody is charged twice", "order %s has %d charges", order->id, order->charges);
    if (order->has_hold)
        violated("no money stays held", "order %s, %s", order->id, order->status);
    if (keeps_goods(order) && (order->charges != 1 || order->captured != order->total || order->refunded != 0))
        violated("a confirmed order is paid, once and in full",
                 "order %s: %d charges, captured %" PRId64 ", refunded %" PRId64 " of %" PRId64, order->id,
                 order->charges, order->captured, order->refunded, order->total);
    if (!keeps_goods(order) && order->captured != order->refunded)
        violated("an order that is over keeps no money", "order %s, %s: captured %" PRId64 ", refunded %" PRId64,
                 order->id, order->status, order->captured, order->refunded);
}

static void judge_balance(struct judgement *judgement, struct sql_rows *row)
{
    (void)judgement;
    violated("debits are credits in each transaction", "%.*s %.*s", STR_FORMAT(sql_get_text(row, 1)),
             STR_FORMAT(sql_get_text(row, 0)));
}

static void take_sum(struct judgement *judgement, struct sql_rows *row)
{
    judgement->sum = sql_get_int(row, 0);
}

/* -- Events -------------------------------------------------------------------------------------------------------- */

static void take_count(struct judgement *judgement, struct sql_rows *row)
{
    judgement->sum = sql_get_int(row, 0);
}

static void judge_events(struct judgement *judgement, struct sql_db *recorder, const struct ledger_order *order)
{
    static const char *const types[] = {"placed", "confirmed", "fulfilled", "failed", "cancelled", "refunded"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        char type[ID_BYTES];
        snprintf(type, sizeof(type), "order.%s", types[i]);
        each(judgement, recorder, &simulation_sql_recorded, SQL_ARGS(sql_cstr(order->id), sql_cstr(type)), take_count);
        bool was_fulfilled = is_refunded(order) || strcmp(order->status, "fulfilled") == 0;
        bool must =
            i == 0 || strcmp(types[i], order->status) == 0 || (i == 1 && was_fulfilled) || (i == 2 && was_fulfilled);
        bool may = must || (strcmp(types[i], "confirmed") == 0 && strcmp(order->status, "cancelled") == 0);
        if (judgement->sum > may || (must && judgement->sum != 1))
            violated("each event takes effect once", "order %s, %s: %s %" PRId64 " times", order->id, order->status,
                     type, judgement->sum);
    }
}

static void judge_quarantine(struct judgement *judgement, struct sql_rows *row)
{
    (void)judgement;
    violated("no event is quarantined", "%.*s: %.*s of %.*s: %.*s", STR_FORMAT(sql_get_text(row, 0)),
             STR_FORMAT(sql_get_text(row, 1)), STR_FORMAT(sql_get_text(row, 2)), STR_FORMAT(sql_get_text(row, 3)));
}

/* -- All of it ----------------------------------------------------------------------------------------------------- */

static void judge_orders_store(struct judgement *judgement)
{
    struct sql_db *orders = open_store(judgement->sim->folder, "orders", SHOP_VFS);
    each(judgement, orders, &simulation_sql_orders, SQL_NO_ARGS, take_order);
    each(judgement, orders, &simulation_sql_quarantined, SQL_NO_ARGS, judge_quarantine);
    sql_close(orders);
    for (size_t i = 0; i < judgement->order_count; i++)
        judge_order(judgement, &judgement->orders[i]);
    for (size_t i = 0; i < PURCHASES_MAX; i++)
        judge_acknowledged(judgement, &judgement->sim->purchases[i]);
}

static void judge_catalog_store(struct judgement *judgement)
{
    struct sql_db *catalog = open_store(judgement->sim->folder, "catalog", SHOP_VFS);
    each(judgement, catalog, &simulation_sql_stock, SQL_NO_ARGS, judge_stock);
    each(judgement, catalog, &simulation_sql_held, SQL_NO_ARGS, judge_held);
    sql_close(catalog);
}

static void judge_payments_store(struct judgement *judgement)
{
    struct sql_db *provider = open_store(judgement->sim->folder, "stripe_emulator", PROVIDER_VFS);
    each(judgement, provider, &simulation_sql_charges, SQL_NO_ARGS, take_charge);
    for (size_t i = 0; i < judgement->order_count; i++)
        judge_money(&judgement->orders[i]);
    each(judgement, provider, &simulation_sql_provider_total, SQL_NO_ARGS, take_sum);
    sql_close(provider);
    int64_t at_provider = judgement->sum;
    struct sql_db *payments = open_store(judgement->sim->folder, "payments", SHOP_VFS);
    each(judgement, payments, &simulation_sql_unbalanced, SQL_NO_ARGS, judge_balance);
    each(judgement, payments, &simulation_sql_quarantined, SQL_NO_ARGS, judge_quarantine);
    each(judgement, payments, &simulation_sql_receivable, SQL_NO_ARGS, take_sum);
    sql_close(payments);
    if (judgement->sum != at_provider)
        violated("the books say what the provider says", "%" PRId64 " instead of %" PRId64, judgement->sum,
                 at_provider);
}

static void judge_recorder_store(struct judgement *judgement)
{
    struct sql_db *recorder = open_store(judgement->sim->folder, "recorder", SHOP_VFS);
    for (size_t i = 0; i < judgement->order_count; i++)
        judge_events(judgement, recorder, &judgement->orders[i]);
    each(judgement, recorder, &simulation_sql_quarantined, SQL_NO_ARGS, judge_quarantine);
    sql_close(recorder);
}

void audit(struct simulation *sim)
{
    struct judgement *judgement = calloc(1, sizeof(*judgement));
    ASSERT(judgement);
    judgement->sim = sim;
    judge_orders_store(judgement);
    judge_catalog_store(judgement);
    judge_payments_store(judgement);
    judge_recorder_store(judgement);
    sim->orders = (int64_t)judgement->order_count;
    for (size_t i = 0; i < judgement->order_count; i++)
        sim->confirmed += keeps_goods(&judgement->orders[i]);
    free(judgement);
}
