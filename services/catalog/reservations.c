/* Reservations: stock that is spoken for until it is committed, released, or its time is up.
 *
 *   none      reserve -> held        release -> released (so that a late reserve fails)
 *   held      commit  -> committed   release -> released    time -> expired
 *   committed release -> released (put back on hand)
 *
 * Every other request repeats the answer or is refused, so each step takes effect once. A row's status is changed under
 * the condition that it is what was seen, and stock only under its own condition, so no lock is needed. */
#include "platform/ports/clock/clock.h"
#include "services/catalog/handlers.h"
#include "services/catalog/sql/stock.sql.h"
#include "services/catalog/stock.h"

#include <stdio.h>
#include <stdlib.h>

#define LINES_MAX 100
#define QUANTITY_MAX 1000000
#define TTL_MAX_MS (INT64_C(30) * 24 * 3600 * 1000)
#define EXPIRE_BATCH 100
#define EXPIRE_BATCHES_MAX 5 /* of one run of the job */
#define PURGE_BATCH 500
#define PURGE_BATCHES_MAX 1000 /* of one run of the job, for each status: more than a busy shop ends between two */

/* Counted from the reservation's end. Longer than any order is still being placed. */
#define ENDED_RETENTION_MS (INT64_C(30) * 24 * 3600 * 1000)
/* Counted from where it would have expired. What was sold goes back by its reservation when the order is cancelled,
 * which may be any time before it is fulfilled.
 */
#define SOLD_RETENTION_MS (INT64_C(400) * 24 * 3600 * 1000)

#define HELD "held"
#define COMMITTED "committed"
#define RELEASED "released"
#define EXPIRED "expired"

struct line {
    struct str sku_id;
    int64_t quantity;
    size_t index; /* in the request, of the first line of this SKU */
};

struct reservation {
    struct str id;
    struct str status; /* empty: none */
    int64_t expires_at_ms;
};

/* -- Reading and writing ------------------------------------------------------------------------------------------- */

static int find_reservation(struct call *call, const char *id, struct reservation *ret_reservation)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct reservation reservation = {.id = str_from_cstr(id), .status = STR("")};
    int found = sql_query_row(call->tx, &catalog_sql_find_reservation,
                              SQL_ARGS(sql_text(call->tenant), sql_text(reservation.id)), &rows);

    TRY(found);
    if (found) {
        TRY(catalog_copy(call, sql_get_text(rows, 0), &reservation.status));
        reservation.expires_at_ms = sql_get_int(rows, 1);
    }
    *ret_reservation = reservation;
    return 0;
}

static int insert_reservation(struct call *call, struct str id, const char *status, int64_t expires_at_ms)
{
    return sql_exec(call->tx, &catalog_sql_insert_reservation,
                    SQL_ARGS(sql_text(call->tenant), sql_text(id), sql_cstr(status), sql_int(expires_at_ms)), NULL);
}

/* 0, or ERR_UNAVAILABLE when it was changed meanwhile: to be tried again. */
static int check_changed(int result, int64_t changed)
{
    return result < 0 ? result : changed == 1 ? 0 : ERR_UNAVAILABLE;
}

static int set_status(struct call *call, const struct reservation *reservation, const char *status)
{
    int64_t changed = 0;
    int result = sql_exec(
        call->tx, &catalog_sql_set_reservation_status,
        SQL_ARGS(sql_text(call->tenant), sql_text(reservation->id), sql_text(reservation->status), sql_cstr(status)),
        &changed);

    return check_changed(result, changed);
}

static int end_reservation(struct call *call, const struct reservation *reservation, const char *status)
{
    int64_t changed = 0;
    int result = sql_exec(call->tx, &catalog_sql_end_reservation,
                          SQL_ARGS(sql_text(call->tenant), sql_text(reservation->id), sql_text(reservation->status),
                                   sql_cstr(status), sql_int(clock_steady_ms())),
                          &changed);

    return check_changed(result, changed);
}

static int read_lines(struct call *call, struct str reservation_id, struct line lines[LINES_MAX], size_t *ret_count)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    size_t count = 0;
    int more;

    TRY(sql_query(call->tx, &catalog_sql_list_reservation_lines,
                  SQL_ARGS(sql_text(call->tenant), sql_text(reservation_id)), &rows));
    while ((more = sql_next(rows)) == 1) {
        if (count == LINES_MAX)
            return ERR_CORRUPT;
        TRY(catalog_copy(call, sql_get_text(rows, 0), &lines[count].sku_id));
        lines[count++].quantity = sql_get_int(rows, 1);
    }
    *ret_count = count;
    return more;
}

static int show(struct call *call, struct str id, struct str status, int64_t expires_at_ms, Catalog__Reservation *out)
{
    TRY(catalog_cstr(call, id, &out->reservation_id));
    TRY(catalog_cstr(call, str_equal_cstr(status, EXPIRED) ? STR(RELEASED) : status, &out->status));
    out->has_expires_at_ms = true;
    out->expires_at_ms = expires_at_ms;
    return 0;
}

static int refuse_ended(struct call *call, bool is_expired)
{
    if (is_expired)
        return call_fail(call, ERR_CONFLICT, "reservation_expired", "/reservation_id",
                         "The reservation's time is up; its stock can be bought by others.");
    return call_fail(call, ERR_CONFLICT, "reservation_released", "/reservation_id", "The reservation was released.");
}

/* Whether it can no longer be used, though the job may not have been there yet. */
static bool is_past(const struct reservation *reservation)
{
    return str_equal_cstr(reservation->status, EXPIRED) ||
           (str_equal_cstr(reservation->status, HELD) && reservation->expires_at_ms <= clock_steady_ms());
}

/* -- Reserve ------------------------------------------------------------------------------------------------------- */

static int compare_lines(const void *a, const void *b)
{
    const struct line *left = a, *right = b;
    int by_sku = str_compare(left->sku_id, right->sku_id);

    return by_sku ? by_sku : (left->index > right->index) - (left->index < right->index);
}

/* Sorted, so that two reservations lock rows in one order; lines of one SKU summed. */
static int sum_lines(struct call *call, const Catalog__ReserveStockRequest *in, struct line lines[LINES_MAX],
                     size_t *ret_count)
{
    size_t count = 0;

    if (in->n_lines == 0 || in->n_lines > LINES_MAX)
        return call_fail(call, ERR_INVALID, "invalid_lines", "/lines", "There are 1 to %d lines.", LINES_MAX);
    for (size_t i = 0; i < in->n_lines; i++) {
        const Catalog__StockLine *line = in->lines[i];

        if (!line->sku_id || line->quantity < 1 || line->quantity > QUANTITY_MAX)
            return call_fail(call, ERR_INVALID, "invalid_lines", "/lines",
                             "Line %zu needs a SKU and a quantity from 1 to %d.", i, QUANTITY_MAX);
        lines[i] = (struct line){str_from_cstr(line->sku_id), line->quantity, i};
    }
    qsort(lines, in->n_lines, sizeof(lines[0]), compare_lines);
    for (size_t i = 0; i < in->n_lines; i++) {
        if (count > 0 && str_equal(lines[count - 1].sku_id, lines[i].sku_id))
            lines[count - 1].quantity += lines[i].quantity;
        else
            lines[count++] = lines[i];
    }
    *ret_count = count;
    return 0;
}

static int refuse_line(struct call *call, const struct line *line)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    char pointer[32];
    int found = sql_query_row(call->tx, &catalog_sql_find_stock,
                              SQL_ARGS(sql_text(call->tenant), sql_text(line->sku_id)), &rows);

    TRY(found);
    snprintf(pointer, sizeof(pointer), "/lines/%zu", line->index);
    if (!found)
        return call_fail(call, ERR_NOT_FOUND, "sku_not_found", pointer, "There is no such SKU.");
    return call_fail(call, ERR_CONFLICT, "out_of_stock", pointer, "%lld were asked for, %lld are left.",
                     (long long)line->quantity, (long long)(sql_get_int(rows, 0) - sql_get_int(rows, 1)));
}

/* Runs a statement that moves a line's units: 1 and what is available then, or 0 where it changed nothing. */
static int move_units(struct call *call, const struct sql_statement *statement, const struct line *line,
                      struct stock_change *ret_change)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct sql_value tenant = sql_text(call->tenant), sku_id = sql_text(line->sku_id);
    int64_t changed = 0;

    TRY(sql_exec(call->tx, statement, SQL_ARGS(tenant, sku_id, sql_int(line->quantity)), &changed));
    if (changed == 0)
        return 0;
    int found = sql_query_row(call->tx, &catalog_sql_find_available, SQL_ARGS(tenant, sku_id), &rows);
    if (found != 1)
        return found < 0 ? found : ERR_CORRUPT;
    TRY(catalog_copy(call, sql_get_text(rows, 0), &ret_change->product_id));
    ret_change->sku_id = line->sku_id;
    ret_change->available = sql_get_int(rows, 1);
    return 1;
}

static int take_line(struct call *call, struct str reservation_id, const struct line *line,
                     struct stock_change *ret_change)
{
    int taken = move_units(call, &catalog_sql_take_stock, line, ret_change);

    TRY(taken);
    if (!taken)
        return refuse_line(call, line);
    return sql_exec(
        call->tx, &catalog_sql_insert_reservation_line,
        SQL_ARGS(sql_text(call->tenant), sql_text(reservation_id), sql_text(line->sku_id), sql_int(line->quantity)),
        NULL);
}

/* The same id again: the same answer, if it is the same request and still stands. */
static int repeat_reserve(struct call *call, const struct reservation *reservation, const struct line *lines,
                          size_t count, Catalog__Reservation *out)
{
    struct line stored[LINES_MAX];
    size_t stored_count;
    bool is_same;

    if (is_past(reservation) || str_equal_cstr(reservation->status, RELEASED))
        return refuse_ended(call, is_past(reservation));
    TRY(read_lines(call, reservation->id, stored, &stored_count));
    is_same = stored_count == count;
    for (size_t i = 0; is_same && i < count; i++)
        is_same = str_equal(stored[i].sku_id, lines[i].sku_id) && stored[i].quantity == lines[i].quantity;
    if (!is_same)
        return call_fail(call, ERR_UNPROCESSABLE, "reservation_differs", "/lines",
                         "The reservation was made with other lines.");
    return show(call, reservation->id, reservation->status, reservation->expires_at_ms, out);
}

int reserve_stock(struct call *call, const Catalog__ReserveStockRequest *in, Catalog__Reservation *out)
{
    struct line lines[LINES_MAX];
    struct stock_change changes[LINES_MAX];
    struct reservation reservation;
    int64_t expires_at_ms;
    size_t count;

    TRY(sum_lines(call, in, lines, &count));
    if (in->ttl_ms < 1 || in->ttl_ms > TTL_MAX_MS)
        return call_fail(call, ERR_INVALID, "invalid_ttl", "/ttl_ms", "A reservation lasts at most 30 days.");
    TRY(find_reservation(call, in->reservation_id, &reservation));
    if (reservation.status.len)
        return repeat_reserve(call, &reservation, lines, count, out);
    expires_at_ms = clock_steady_ms() + in->ttl_ms;
    TRY(insert_reservation(call, reservation.id, HELD, expires_at_ms));
    for (size_t i = 0; i < count; i++)
        TRY(take_line(call, reservation.id, &lines[i], &changes[i]));
    TRY(stock_publish(call, changes, count));
    return show(call, reservation.id, STR(HELD), expires_at_ms, out);
}

/* -- Commit and release -------------------------------------------------------------------------------------------- */

/* A SKU that was deleted meanwhile has no stock to change: the statements then touch no row. */
static int commit_lines(struct call *call, struct str reservation_id)
{
    struct line lines[LINES_MAX];
    size_t count;

    TRY(read_lines(call, reservation_id, lines, &count));
    for (size_t i = 0; i < count; i++)
        TRY(sql_exec(call->tx, &catalog_sql_commit_stock,
                     SQL_ARGS(sql_text(call->tenant), sql_text(lines[i].sku_id), sql_int(lines[i].quantity)), NULL));
    return 0;
}

/* What can be bought does not change by a commit, so it has no event. */
int commit_stock(struct call *call, const Catalog__ReservationRequest *in, Catalog__Reservation *out)
{
    struct reservation reservation;

    TRY(find_reservation(call, in->reservation_id, &reservation));
    if (reservation.status.len == 0)
        return call_fail(call, ERR_NOT_FOUND, "reservation_not_found", "/reservation_id",
                         "There is no such reservation.");
    if (is_past(&reservation) || str_equal_cstr(reservation.status, RELEASED))
        return refuse_ended(call, is_past(&reservation));
    if (str_equal_cstr(reservation.status, HELD)) {
        TRY(set_status(call, &reservation, COMMITTED));
        TRY(commit_lines(call, reservation.id));
    }
    return show(call, reservation.id, STR(COMMITTED), reservation.expires_at_ms, out);
}

static int give_back(struct call *call, const struct reservation *reservation, const char *status)
{
    const struct sql_statement *statement =
        str_equal_cstr(reservation->status, HELD) ? &catalog_sql_give_back_held : &catalog_sql_give_back_sold;
    struct stock_change changes[LINES_MAX];
    struct line lines[LINES_MAX];
    size_t count, changed = 0;

    TRY(end_reservation(call, reservation, status));
    TRY(read_lines(call, reservation->id, lines, &count));
    for (size_t i = 0; i < count; i++) {
        int moved = move_units(call, statement, &lines[i], &changes[changed]);

        TRY(moved);
        changed += moved > 0;
    }
    return stock_publish(call, changes, changed);
}

int release_stock(struct call *call, const Catalog__ReservationRequest *in, Catalog__Reservation *out)
{
    struct reservation reservation;

    TRY(find_reservation(call, in->reservation_id, &reservation));
    if (reservation.status.len == 0)
        TRY(insert_reservation(call, reservation.id, RELEASED, clock_steady_ms())); /* to be purged in its time */
    else if (str_equal_cstr(reservation.status, HELD) || str_equal_cstr(reservation.status, COMMITTED))
        TRY(give_back(call, &reservation, RELEASED));
    return show(call, reservation.id, STR(RELEASED), reservation.expires_at_ms, out);
}

/* -- Expiry -------------------------------------------------------------------------------------------------------- */

struct expired {
    struct call *call;
    struct str tenants[EXPIRE_BATCH];
    struct str ids[EXPIRE_BATCH];
    size_t count;
};

static int find_expired(struct sql_tx *tx, void *argument)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct expired *expired = argument;
    int more;

    expired->count = 0;
    TRY(sql_query(tx, &catalog_sql_list_expired_reservations,
                  SQL_ARGS(sql_int(clock_steady_ms()), sql_int(EXPIRE_BATCH)), &rows));
    while ((more = sql_next(rows)) == 1) {
        TRY(catalog_copy(expired->call, sql_get_text(rows, 0), &expired->tenants[expired->count]));
        TRY(catalog_copy(expired->call, sql_get_text(rows, 1), &expired->ids[expired->count]));
        expired->count++;
    }
    return more;
}

/* Each in its own tenant, if it is still held. */
static int expire_one(struct call *call, struct str id)
{
    struct reservation reservation;
    char *id_cstr;

    TRY(catalog_cstr(call, id, &id_cstr));
    TRY(find_reservation(call, id_cstr, &reservation));
    return str_equal_cstr(reservation.status, HELD) ? give_back(call, &reservation, EXPIRED) : 0;
}

static int expire_batch(struct sql_tx *tx, void *argument)
{
    struct expired *expired = argument;
    struct call *call = expired->call;
    struct str own_tenant = call->tenant;
    int error = 0;

    (void)tx;
    for (size_t i = 0; i < expired->count && !error; i++) {
        call->tenant = expired->tenants[i];
        error = expire_one(call, expired->ids[i]);
    }
    call->tenant = own_tenant;
    return error;
}

int expire_reservations(struct call *call)
{
    struct expired *expired = arena_alloc(call->arena, sizeof(*expired));

    if (!expired)
        return ERR_NO_MEMORY;
    expired->call = call;
    for (int batch = 0; batch < EXPIRE_BATCHES_MAX; batch++) {
        TRY(call_read(call, find_expired, expired));
        if (expired->count == 0)
            return 0;
        TRY(call_write(call, expire_batch, expired));
        if (expired->count < EXPIRE_BATCH)
            return 0;
    }
    return 0;
}

/* -- What ended long ago ------------------------------------------------------------------------------------------- */

struct purge {
    const char *status;
    int64_t expired_before_ms;
    int64_t deleted;
};

static int purge_batch(struct sql_tx *tx, void *argument)
{
    struct purge *purge = argument;
    const struct sql_args args =
        SQL_ARGS(sql_cstr(purge->status), sql_int(purge->expired_before_ms), sql_int(PURGE_BATCH));

    TRY(sql_exec(tx, &catalog_sql_purge_reservation_lines, args, NULL));
    return sql_exec(tx, &catalog_sql_purge_reservations, args, &purge->deleted);
}

int purge_reservations(struct call *call)
{
    static const struct {
        const char *status;
        int64_t retention_ms;
    } rules[] = {{RELEASED, ENDED_RETENTION_MS}, {EXPIRED, ENDED_RETENTION_MS}, {COMMITTED, SOLD_RETENTION_MS}};

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct purge purge = {rules[i].status, clock_steady_ms() - rules[i].retention_ms, PURGE_BATCH};

        for (int batch = 0; batch < PURGE_BATCHES_MAX && purge.deleted == PURGE_BATCH; batch++)
            TRY(call_write(call, purge_batch, &purge));
    }
    return 0;
}
