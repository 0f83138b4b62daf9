/* The walk over the orders: each that stands must have its charge at the provider.
 *
 * A payment that is captured here is so by the provider's own word, signed; where there is none, or no payment at all,
 * the provider is asked. What changes there later (a refund) is in its lists (provider_list.c).
 *
 * The walk goes on from where the last run left off (a cursor in the store), and begins anew once a day: so an order is
 * looked at soon after it was placed, and what was lost later is found a day later. An order that was placed
 * with the clock ahead of what it is now sends the cursor ahead with it; the next day's round meets what is behind. */
#include "services/payments/payments.h"

#include "platform/ports/clock/clock.h"
#include "services/payments/sql/payments.sql.h"
#include "shopstream/orders/v1/orders.rpc.h"

#define CURSOR_NAME "order_walk"
#define ROUND_NAME "order_round"
#define PAGE_ORDERS 100
#define RUN_BYTES_MAX ((size_t)2 << 20) /* of the run's arena: some thousand orders, then the next run goes on */
#define ROUND_MS (INT64_C(24) * 60 * 60 * 1000)

/* When an order's charge was made, as the provider's clock tells it. */
#define CHARGE_BEFORE_MS (INT64_C(60) * 60 * 1000)
#define CHARGE_AFTER_MS (INT64_C(3) * 60 * 60 * 1000)

/* -- One order ----------------------------------------------------------------------------------------------------- */

struct held_order {
    struct call *call;
    struct str tenant, id;
    int64_t created_ms;
    struct payment_row payment;
};

static int read_held(struct sql_tx *tx, void *argument)
{
    struct held_order *held = argument;
    return find_payment_by_order(tx, held->call->arena, held->tenant, held->id, &held->payment);
}

static int write_missing(struct sql_tx *tx, void *argument)
{
    const struct held_order *held = argument;
    (void)tx;
    return write_finding(held->call, held->tenant, "order_without_charge", held->id, "reported");
}

/* The payment's row is gone. If the provider has the charge, it is the order's again. */
static int find_charge(struct held_order *held)
{
    struct psp_intent intent;
    int64_t from_ms = held->created_ms - CHARGE_BEFORE_MS, to_ms = held->created_ms + CHARGE_AFTER_MS;
    int error = find_listed_intent(held->call, held->tenant, held->id, from_ms > 0 ? from_ms : 0, to_ms, &intent);
    if (error == 0 && intent.status == PSP_SUCCEEDED)
        return adopt_charge(held->call, &intent);
    if (error != 0 && error != ERR_NOT_FOUND)
        return error;
    return call_write(held->call, write_missing, held);
}

static int hold_order(struct held_order *held)
{
    struct call *call = held->call;
    struct psp_intent intent;
    int error = call_read(call, read_held, held);
    if (error == ERR_NOT_FOUND)
        return find_charge(held);
    TRY(error);
    if (held->payment.captured_amount > 0)
        return 0;
    if (held->payment.provider_id.len == 0)
        return call_write(call, write_missing, held);
    error = ask_charge(call, held->payment.provider_id, &intent);
    if (error == ERR_NOT_FOUND)
        return call_write(call, write_missing, held);
    TRY(error);
    if (intent.status != PSP_SUCCEEDED)
        return call_write(call, write_missing, held);
    return learn_charge(call, &held->payment, &intent);
}

/* -- The walk ------------------------------------------------------------------------------------------------------ */

struct walk {
    struct call *call;
    struct str cursor;
    int64_t round_ms; /* when this round began, by the steady clock */
};

static int read_walk(struct sql_tx *tx, void *argument)
{
    struct walk *walk = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *cursor = NULL;
    CLEANUP(sql_finish_cleanup) struct sql_rows *round = NULL;
    int found = sql_query_row(tx, &payments_sql_find_cursor, SQL_ARGS(sql_cstr(CURSOR_NAME)), &cursor);
    TRY(found);
    if (found == 1)
        walk->cursor = arena_copy(walk->call->arena, sql_get_text(cursor, 0));
    found = sql_query_row(tx, &payments_sql_find_mark, SQL_ARGS(sql_cstr(ROUND_NAME)), &round);
    TRY(found);
    walk->round_ms = found == 1 ? sql_get_int(round, 0) : clock_steady_ms();
    return 0;
}

static int write_walk(struct sql_tx *tx, void *argument)
{
    const struct walk *walk = argument;
    TRY(sql_exec(tx, &payments_sql_set_mark, SQL_ARGS(sql_cstr(ROUND_NAME), sql_int(walk->round_ms)), NULL));
    return sql_exec(tx, &payments_sql_set_cursor, SQL_ARGS(sql_cstr(CURSOR_NAME), sql_text(walk->cursor)), NULL);
}

/* Too young, its saga may be under way; one from the future was placed when the clock was wrong. */
static bool is_too_young(struct call *call, int64_t created_ms)
{
    int64_t age_ms = call_now_ms(call) - created_ms;
    return age_ms >= 0 && age_ms < payments_reconcile_age_ms(call);
}

static int walk_order(struct walk *walk, const Orders__WalkedOrder *order)
{
    struct held_order held = {
        .call = walk->call,
        .tenant = str_from_cstr(order->tenant),
        .id = str_from_cstr(order->id),
        .created_ms = order->created_ms,
    };
    bool stands = strcmp(order->status, "confirmed") == 0 || strcmp(order->status, "fulfilled") == 0;
    int error = stands ? hold_order(&held) : 0;
    walk->call->problem = (struct problem){0};
    if (error && error_is_retriable(error))
        return error;
    /* One that nobody can tell anything of does not keep the rest from being looked at. */
    if (error)
        log_warning(&walk->call->log, "an order could not be held against its charge", LOG_STR("order_id", held.id),
                    LOG_ERR(error));
    walk->cursor = held.id;
    return 0;
}

/* *ret_ended: there was nothing more to look at. */
static int walk_page(struct walk *walk, bool *ret_ended)
{
    Orders__WalkOrdersRequest request;
    Orders__WalkOrdersReply page;
    orders__walk_orders_request__init(&request);
    orders__walk_orders_reply__init(&page);
    request.has_limit = true;
    request.limit = PAGE_ORDERS;
    request.after = arena_cstr(walk->call->arena, walk->cursor);
    if (!request.after)
        return ERR_NO_MEMORY;
    TRY(orders_walk_orders(walk->call, &request, &page));
    *ret_ended = page.n_orders < PAGE_ORDERS;
    for (size_t i = 0; i < page.n_orders; i++) {
        if (is_too_young(walk->call, page.orders[i]->created_ms)) {
            *ret_ended = true;
            break;
        }
        TRY(walk_order(walk, page.orders[i]));
    }
    return 0;
}

int hold_orders(struct call *call)
{
    struct walk walk = {.call = call, .cursor = STR("")};
    bool ended = false;
    if (!payments_psp(call))
        return 0;
    TRY(call_read(call, read_walk, &walk));
    struct str from = walk.cursor;
    int64_t round_ms = walk.round_ms;
    int error = 0;
    while (!ended && !error && arena_used(call->arena) < RUN_BYTES_MAX)
        error = walk_page(&walk, &ended);
    int64_t since_ms = clock_steady_ms() - walk.round_ms;
    if (ended && !error && (since_ms >= ROUND_MS || since_ms < 0)) {
        walk.cursor = STR("");
        walk.round_ms = clock_steady_ms();
    }
    /* What was looked at before an error is not looked at again. */
    if (!str_equal(from, walk.cursor) || round_ms != walk.round_ms)
        TRY(call_write(call, write_walk, &walk));
    return error;
}
