/* Orders between their rows and their messages. */
#include "platform/base/time_format.h"
#include "services/orders/article.h"
#include "services/orders/orders.h"
#include "services/orders/sql/orders.sql.h"

/* Columns of find_order and of the lists. */
enum column {
    COLUMN_ID,
    COLUMN_STATUS,
    COLUMN_CURRENCY,
    COLUMN_TOTAL,
    COLUMN_SHIPPING_METHOD,
    COLUMN_SHIPPING_TITLE,
    COLUMN_SHIPPING_PRICE,
    COLUMN_ADDRESS_NAME,
    COLUMN_ADDRESS_LINE1,
    COLUMN_ADDRESS_LINE2,
    COLUMN_ADDRESS_CITY,
    COLUMN_ADDRESS_POSTAL_CODE,
    COLUMN_ADDRESS_COUNTRY,
    COLUMN_PAYMENT_ID,
    COLUMN_PAYMENT_STATUS,
    COLUMN_PAYMENT_ACTION_URL,
    COLUMN_FAILURE_CODE,
    COLUMN_FAILURE_MESSAGE,
    COLUMN_VERSION,
    COLUMN_CREATED_AT_MS,
    COLUMN_EMAIL,
    COLUMN_CUSTOMER_ID,
    COLUMN_GUEST_HASH,
    COLUMN_CANCEL_REQUESTED,
};

/* A column's text in the arena; NULL for SQL's NULL. *result becomes ERR_NO_MEMORY without room, so that a row is read
 * without a check a column. */
static char *text(struct call *call, struct sql_rows *rows, enum column column, int *result)
{
    if (sql_is_null(rows, column))
        return NULL;
    char *copy = arena_cstr(call->arena, sql_get_text(rows, column));
    if (!copy)
        *result = ERR_NO_MEMORY;
    return copy;
}

static Common__Money *money(struct call *call, struct sql_rows *rows, enum column column, int *result)
{
    Common__Money *amount = money_new(call->arena, sql_get_int(rows, column), sql_get_text(rows, COLUMN_CURRENCY));

    if (!amount)
        *result = ERR_NO_MEMORY;
    return amount;
}

static int read_shipping(struct call *call, struct sql_rows *rows, Orders__Order *order)
{
    Orders__OrderShipping *shipping = arena_alloc(call->arena, sizeof(*shipping));
    Orders__Address *address = arena_alloc(call->arena, sizeof(*address));
    int result = 0;

    if (!shipping || !address)
        return ERR_NO_MEMORY;
    orders__order_shipping__init(shipping);
    orders__address__init(address);
    address->name = text(call, rows, COLUMN_ADDRESS_NAME, &result);
    address->line1 = text(call, rows, COLUMN_ADDRESS_LINE1, &result);
    address->line2 = text(call, rows, COLUMN_ADDRESS_LINE2, &result);
    address->city = text(call, rows, COLUMN_ADDRESS_CITY, &result);
    address->postal_code = text(call, rows, COLUMN_ADDRESS_POSTAL_CODE, &result);
    address->country = text(call, rows, COLUMN_ADDRESS_COUNTRY, &result);
    shipping->method = text(call, rows, COLUMN_SHIPPING_METHOD, &result);
    shipping->title = text(call, rows, COLUMN_SHIPPING_TITLE, &result);
    shipping->price = money(call, rows, COLUMN_SHIPPING_PRICE, &result);
    shipping->address = address;
    order->shipping = shipping;
    return result;
}

static int read_payment(struct call *call, struct sql_rows *rows, Orders__Order *order)
{
    Orders__OrderPayment *payment = arena_alloc(call->arena, sizeof(*payment));
    Orders__NextAction *action = arena_alloc(call->arena, sizeof(*action));
    Orders__RedirectToUrl *redirect = arena_alloc(call->arena, sizeof(*redirect));
    int result = 0;

    if (!payment || !action || !redirect)
        return ERR_NO_MEMORY;
    orders__order_payment__init(payment);
    payment->id = text(call, rows, COLUMN_PAYMENT_ID, &result);
    payment->status = text(call, rows, COLUMN_PAYMENT_STATUS, &result);
    /* One that is still to come; an order that ended before has none. */
    if (!payment->status && strcmp(order->status, "pending") == 0)
        payment->status = arena_cstr(call->arena, STR("created"));
    if (!sql_is_null(rows, COLUMN_PAYMENT_ACTION_URL)) {
        orders__next_action__init(action);
        orders__redirect_to_url__init(redirect);
        redirect->url = text(call, rows, COLUMN_PAYMENT_ACTION_URL, &result);
        action->type = arena_cstr(call->arena, STR("redirect_to_url"));
        action->redirect_to_url = redirect;
        payment->next_action = action;
    }
    order->payment = payment;
    return result;
}

static int read_failure(struct call *call, struct sql_rows *rows, Orders__Order *order)
{
    int result = 0;

    if (sql_is_null(rows, COLUMN_FAILURE_CODE))
        return 0;
    order->failure = arena_alloc(call->arena, sizeof(*order->failure));
    if (!order->failure)
        return ERR_NO_MEMORY;
    common__failure__init(order->failure);
    order->failure->code = text(call, rows, COLUMN_FAILURE_CODE, &result);
    order->failure->message = text(call, rows, COLUMN_FAILURE_MESSAGE, &result);
    return result;
}

static int read_owner(struct call *call, struct sql_rows *rows, struct order_owner *ret_owner)
{
    int result = 0;

    if (!ret_owner)
        return 0;
    ret_owner->customer_id = str_from_cstr(text(call, rows, COLUMN_CUSTOMER_ID, &result));
    ret_owner->guest_hash = str_from_cstr(text(call, rows, COLUMN_GUEST_HASH, &result));
    ret_owner->cancel_requested = sql_get_int(rows, COLUMN_CANCEL_REQUESTED) != 0;
    return result;
}

/* A status from which a cancellation leads on. */
static bool is_open(const char *status)
{
    return status && (strcmp(status, "pending") == 0 || strcmp(status, "confirmed") == 0);
}

int order_from_row(struct call *call, struct sql_rows *rows, Orders__Order *ret_order, struct order_owner *ret_owner)
{
    char created_at[TIME_RFC3339_BYTES];
    int result = 0;

    orders__order__init(ret_order);
    ret_order->id = text(call, rows, COLUMN_ID, &result);
    ret_order->status = text(call, rows, COLUMN_STATUS, &result);
    ret_order->email = text(call, rows, COLUMN_EMAIL, &result);
    ret_order->total = money(call, rows, COLUMN_TOTAL, &result);
    ret_order->has_version = true;
    ret_order->version = sql_get_int(rows, COLUMN_VERSION);
    time_format_rfc3339(sql_get_int(rows, COLUMN_CREATED_AT_MS), created_at);
    ret_order->created_at = arena_cstr(call->arena, str_from_cstr(created_at));
    ret_order->has_cancel_requested = ret_order->cancel_requested =
        sql_get_int(rows, COLUMN_CANCEL_REQUESTED) != 0 && is_open(ret_order->status);
    TRY(result);
    TRY(read_shipping(call, rows, ret_order));
    TRY(read_payment(call, rows, ret_order));
    TRY(read_failure(call, rows, ret_order));
    return read_owner(call, rows, ret_owner);
}

static int read_line(struct call *call, struct sql_rows *rows, struct str currency, Orders__OrderLine **ret_line)
{
    Orders__OrderLine *line = arena_alloc(call->arena, sizeof(*line));

    if (!line)
        return ERR_NO_MEMORY;
    orders__order_line__init(line);
    line->sku_id = arena_cstr(call->arena, sql_get_text(rows, 0));
    line->title = arena_cstr(call->arena, sql_get_text(rows, 1));
    line->quantity = sql_get_int(rows, 2);
    line->has_quantity = true;
    line->price = money_new(call->arena, sql_get_int(rows, 3), currency);
    line->line_total = money_new(call->arena, sql_get_int(rows, 4), currency);
    *ret_line = line;
    if (!line->sku_id || !line->title || !line->price || !line->line_total)
        return ERR_NO_MEMORY;
    return sql_is_null(rows, 5) ? 0 : article_unpack(call, sql_get_text(rows, 5), line);
}

int order_load_lines(struct call *call, Orders__Order *order)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int result;

    order->lines = arena_alloc_array(call->arena, ORDER_LINES_MAX, sizeof(order->lines[0]));
    if (!order->lines)
        return ERR_NO_MEMORY;
    TRY(sql_query(call->tx, &orders_sql_list_lines, SQL_ARGS(sql_text(call->tenant), sql_cstr(order->id)), &rows));
    while ((result = sql_next(rows)) > 0) {
        if (order->n_lines == ORDER_LINES_MAX)
            return ERR_CORRUPT;
        TRY(read_line(call, rows, str_from_cstr(order->total->currency), &order->lines[order->n_lines]));
        order->n_lines++;
    }
    return result;
}

int order_load(struct call *call, struct str id, Orders__Order *ret_order, struct order_owner *ret_owner)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int result = sql_query_row(call->tx, &orders_sql_find_order, SQL_ARGS(sql_text(call->tenant), sql_text(id)), &rows);

    TRY(result);
    if (result == 0)
        return ERR_NOT_FOUND;
    TRY(order_from_row(call, rows, ret_order, ret_owner));
    return order_load_lines(call, ret_order);
}

/* ERR_NOT_FOUND for whom it is not of. */
static int check_owner(struct call *call, const struct order_owner *owner)
{
    if (call_is_staff(call))
        return 0;
    if (owner->customer_id.len && str_equal(owner->customer_id, call->who.user_id))
        return 0;
    if (!owner->guest_hash.len || !call->who.guest_token.len)
        return ERR_NOT_FOUND;
    const char *hash = guest_token_hash(call, call->who.guest_token);
    if (!hash)
        return ERR_NO_MEMORY;
    return str_equal_constant_time(owner->guest_hash, str_from_cstr(hash)) ? 0 : ERR_NOT_FOUND;
}

int order_load_for_caller(struct call *call, struct str id, Orders__Order *ret_order, struct order_owner *ret_owner)
{
    struct order_owner owner;
    int result = order_load(call, id, ret_order, &owner);

    if (result >= 0)
        result = check_owner(call, &owner);
    if (result == ERR_NOT_FOUND)
        return call_fail(call, ERR_NOT_FOUND, "no_such_order", NULL, "There is no such order of yours.");
    if (result >= 0 && ret_owner)
        *ret_owner = owner;
    return result;
}

int order_publish_loaded(struct call *call, const char *type, const Orders__Order *order,
                         const struct order_owner *owner)
{
    Orders__OrderEvent event = ORDERS__ORDER_EVENT__INIT;
    struct str id = str_from_cstr(order->id);

    event.order_id = order->id;
    event.status = order->status;
    event.customer_id = owner->customer_id.len ? arena_cstr(call->arena, owner->customer_id) : NULL;
    event.total = order->total;
    event.has_version = true;
    event.version = order->version;
    event.failure = order->failure;
    event.n_lines = order->n_lines;
    event.lines = order->lines;
    TRY(call_publish(call, ORDERS_TOPIC, type, id, &event.base));
    /* Whoever placed it waits for what comes of it, not for its placing. */
    return strcmp(type, "order.placed") == 0 ? 0 : call_wait_notify(call, id);
}

int order_publish(struct call *call, const char *type, struct str id)
{
    struct order_owner owner;
    Orders__Order order;

    TRY(order_load(call, id, &order, &owner));
    return order_publish_loaded(call, type, &order, &owner);
}
