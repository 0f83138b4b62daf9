/* Reading orders: one by its id, lists from the newest on, and all of them for services. */
#include "services/orders/orders.h"
#include "services/orders/sql/orders.sql.h"

int get_order(struct call *call, const Orders__GetOrderRequest *in, Orders__Order *out)
{
    TRY(order_load_for_caller(call, str_from_cstr(in->id), out, NULL));
    call_set_version(call, out->version);
    return 0;
}

/* Staff see every order of their tenant; customers and guests their own. */
static int query_orders(struct call *call, struct str before, struct str status, int64_t limit,
                        struct sql_rows **ret_rows)
{
    if (call_is_staff(call) && status.len)
        return sql_query(call->tx, &orders_sql_list_all_by_status,
                         SQL_ARGS(sql_text(call->tenant), sql_text(status), sql_text(before), sql_int(limit)),
                         ret_rows);
    if (call_is_staff(call))
        return sql_query(call->tx, &orders_sql_list_all,
                         SQL_ARGS(sql_text(call->tenant), sql_text(before), sql_int(limit)), ret_rows);
    if (call->who.user_id.len)
        return sql_query(call->tx, &orders_sql_list_by_customer,
                         SQL_ARGS(sql_text(call->tenant), sql_text(call->who.user_id), sql_text(before),
                                  sql_text(status), sql_int(limit)),
                         ret_rows);
    const char *guest = guest_token_hash(call, call->who.guest_token);
    if (!guest)
        return ERR_NO_MEMORY;
    return sql_query(
        call->tx, &orders_sql_list_by_guest,
        SQL_ARGS(sql_text(call->tenant), sql_cstr(guest), sql_text(before), sql_text(status), sql_int(limit)),
        ret_rows);
}

/* One row more than asked for says that there is a next page. */
static int read_page(struct call *call, const Orders__ListOrdersRequest *in, struct sql_rows *rows,
                     Orders__ListOrdersReply *out)
{
    size_t limit = (size_t)in->limit;
    int result;

    out->orders = arena_alloc_array(call->arena, limit, sizeof(out->orders[0]));
    if (!out->orders)
        return ERR_NO_MEMORY;
    while ((result = sql_next(rows)) > 0) {
        if (out->n_orders == limit) {
            struct sql_value last = sql_cstr(out->orders[limit - 1]->id);
            struct str cursor;

            TRY(call_cursor_encode(call, &in->base, &last, 1, &cursor));
            out->next_cursor = arena_cstr(call->arena, cursor);
            return out->next_cursor ? 0 : ERR_NO_MEMORY;
        }
        Orders__Order *order = arena_alloc(call->arena, sizeof(*order));
        if (!order)
            return ERR_NO_MEMORY;
        TRY(order_from_row(call, rows, order, NULL));
        out->orders[out->n_orders++] = order;
    }
    return result;
}

int list_orders(struct call *call, const Orders__ListOrdersRequest *in, Orders__ListOrdersReply *out)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct sql_value before = sql_text(ORDER_AFTER_EVERY_ID);

    if (!call->who.user_id.len && !call->who.guest_token.len && !call_is_staff(call))
        return call_fail(call, ERR_UNAUTHENTICATED, "sign_in_required", NULL,
                         "Sign in, or send the X-Guest-Token that came with your order.");
    if (in->cursor)
        TRY(call_cursor_decode(call, &in->base, str_from_cstr(in->cursor), &before, 1));
    TRY(query_orders(call, before.bytes, str_from_cstr(in->status), (int64_t)in->limit + 1, &rows));
    TRY(read_page(call, in, rows, out));
    for (size_t i = 0; i < out->n_orders; i++)
        TRY(order_load_lines(call, out->orders[i]));
    return 0;
}

/* -- For services -------------------------------------------------------------------------------------------------- */

/* As GET /v1/orders/{id} would let them in; the asker is another service, on their behalf. */
int check_order_access(struct call *call, const Orders__CheckOrderAccessRequest *in, Common__Empty *out)
{
    Orders__Order order;

    (void)out;
    call->who = (struct principal){
        .roles = in->is_staff ? ROLE_SUPPORT : ROLE_GUEST,
        .user_id = str_from_cstr(in->user_id),
        .guest_token = str_from_cstr(in->guest_token),
    };
    return order_load_for_caller(call, str_from_cstr(in->order_id), &order, NULL);
}

static int read_walked(struct call *call, struct sql_rows *rows, Orders__WalkedOrder **ret_order)
{
    Orders__WalkedOrder *order = arena_alloc(call->arena, sizeof(*order));

    if (!order)
        return ERR_NO_MEMORY;
    orders__walked_order__init(order);
    order->tenant = arena_cstr(call->arena, sql_get_text(rows, 0));
    order->id = arena_cstr(call->arena, sql_get_text(rows, 1));
    order->status = arena_cstr(call->arena, sql_get_text(rows, 2));
    order->has_created_ms = true;
    order->created_ms = sql_get_int(rows, 3);
    *ret_order = order;
    return order->tenant && order->id && order->status ? 0 : ERR_NO_MEMORY;
}

int walk_orders(struct call *call, const Orders__WalkOrdersRequest *in, Orders__WalkOrdersReply *out)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int result;

    out->orders = arena_alloc_array(call->arena, (size_t)in->limit, sizeof(out->orders[0]));
    if (!out->orders)
        return ERR_NO_MEMORY;
    TRY(sql_query(call->tx, &orders_sql_walk_orders, SQL_ARGS(sql_cstr(in->after ? in->after : ""), sql_int(in->limit)),
                  &rows));
    while ((result = sql_next(rows)) > 0 && out->n_orders < (size_t)in->limit)
        TRY(read_walked(call, rows, &out->orders[out->n_orders++]));
    return result;
}
