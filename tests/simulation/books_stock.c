/* The books of stock: what is there, what of it is spoken for, and by which reservation. */
#include "tests/simulation/books.h"

#include <inttypes.h>
#include <stdio.h>

#define ASKED_MAX 64
#define BOOK_SKUS_MAX ((size_t)TENANTS * SKUS)
/* So long has an order's payment, and half an hour more. */
#define RESERVATION_MS (PAYMENT_TIMEOUT_MS + INT64_C(30) * 60 * 1000)

struct book_sku {
    char id[ID_BYTES], tenant[ID_BYTES];
    int64_t on_hand, reserved, units;
    int64_t held, sold;        /* by the reservations */
    int64_t newly, given_back; /* sold and unsold in this commit */
    int64_t asked[ASKED_MAX];
    size_t asked_count;
};

struct book_reservation {
    char id[ID_BYTES], tenant[ID_BYTES];
    enum book_reservation_status status;
    struct book_line lines[LINES_MAX];
    int line_count;
    sqlite3_int64 rowid; /* 0: purged, when it had ended long ago; what it sold stays sold */
    int64_t ends_at_ms;  /* by the shop's steady clock */
    uint64_t seen;
};

static struct {
    struct book_reservation reservations[BOOK_ORDERS_MAX];
    size_t reservation_count;
    struct book_sku skus[BOOK_SKUS_MAX];
    size_t sku_count;
    uint64_t scan;
} books;

static struct book_sku *find_sku(const char *id)
{
    for (size_t i = 0; i < books.sku_count; i++) {
        if (strcmp(books.skus[i].id, id) == 0)
            return &books.skus[i];
    }
    return NULL;
}

static struct book_reservation *find_reservation(const char *id)
{
    for (size_t i = 0; i < books.reservation_count; i++) {
        if (strcmp(books.reservations[i].id, id) == 0)
            return &books.reservations[i];
    }
    return NULL;
}

enum book_reservation_status book_reservation(const char *order_id)
{
    const struct book_reservation *reservation = find_reservation(order_id);
    if (!reservation)
        return BOOK_NOTHING;
    /* One whose time is up is nobody's; a job takes it back a moment later. */
    bool is_past = reservation->status == BOOK_HELD && reservation->ends_at_ms <= simulator_process_steady_ms();
    return is_past ? BOOK_EXPIRED : reservation->status;
}

void book_asked_stock(int tenant, int sku, int64_t on_hand)
{
    struct book_sku *book = find_sku(simulation.goods[tenant].sku_ids[sku]);
    ASSERT(book && book->asked_count < ASKED_MAX);
    book->asked[book->asked_count++] = on_hand;
}

int64_t book_units(int tenant, int sku)
{
    const struct book_sku *book = find_sku(simulation.goods[tenant].sku_ids[sku]);
    return book ? book->units : 0;
}

static enum book_reservation_status status_number(const char *status)
{
    static const char *const names[] = {"held", "committed", "released", "expired"};
    for (enum book_reservation_status i = BOOK_HELD; i < BOOK_NOTHING; i++) {
        if (strcmp(status, names[i]) == 0)
            return i;
    }
    violated("a reservation has a status", "%s", status);
}

static void count_sale(const struct book_reservation *reservation, enum book_reservation_status from,
                       enum book_reservation_status to)
{
    for (int i = 0; i < reservation->line_count; i++) {
        struct book_sku *sku = find_sku(reservation->lines[i].sku_id);
        if (!sku)
            continue;
        if (to == BOOK_COMMITTED && from != BOOK_COMMITTED)
            sku->newly += reservation->lines[i].quantity;
        if (from == BOOK_COMMITTED && to != BOOK_COMMITTED)
            sku->given_back += reservation->lines[i].quantity;
    }
}

static void note_purge(sqlite3_int64 rowid)
{
    for (size_t i = 0; i < books.reservation_count; i++) {
        struct book_reservation *reservation = &books.reservations[i];
        if (reservation->rowid != rowid)
            continue;
        if (reservation->status == BOOK_HELD)
            violated("what holds stock stays", "reservation %s is gone", reservation->id);
        reservation->rowid = 0;
    }
}

/* Whatever the shop says, stock is held for so long and no longer after it was reserved. Of one that was made when
 * nobody looked, the shop is believed. */
static int64_t end_of(const struct change *change)
{
    int64_t told_ms = sqlite3_column_int64(change->row, 5), latest_ms = simulator_process_steady_ms() + RESERVATION_MS;
    return change->is_insert && latest_ms < told_ms ? latest_ms : told_ms;
}

/* One that was held. Whoever pays too late gets nothing of it: the job takes it back, and others may have it. */
static void judge_end(const struct book_reservation *reservation, const struct change *change,
                      enum book_reservation_status to)
{
    if (to == BOOK_COMMITTED && change->began_at_ms >= reservation->ends_at_ms)
        violated("a reservation ends when its time is up", "%s was sold at %" PRId64 ", held until %" PRId64,
                 reservation->id, change->began_at_ms, reservation->ends_at_ms);
    simulation.struck.kinds[ENDED_RESERVATION] += to == BOOK_EXPIRED;
}

void judge_reservation(const struct change *change)
{
    if (!change->row) {
        note_purge(change->rowid);
        return;
    }
    struct book_reservation *reservation = find_reservation(row_text(change, 1));
    enum book_reservation_status to = status_number(row_text(change, 2));
    enum book_reservation_status from = reservation ? reservation->status : BOOK_NOTHING;
    bool is_purged = reservation && !reservation->rowid; /* a late release leaves a row of its own */
    bool may = from == to || from == BOOK_NOTHING || from == BOOK_HELD || is_purged ||
               (from == BOOK_COMMITTED && to == BOOK_RELEASED);
    if (!may)
        violated("a reservation ends once", "%s goes from %d to %d", row_text(change, 1), from, to);
    if (!reservation) {
        ASSERT(books.reservation_count < BOOK_ORDERS_MAX);
        reservation = &books.reservations[books.reservation_count++];
        snprintf(reservation->tenant, ID_BYTES, "%s", row_text(change, 0));
        snprintf(reservation->id, ID_BYTES, "%s", row_text(change, 1));
        reservation->line_count = book_read_lines(row_text(change, 3), reservation->lines);
    }
    reservation->seen = books.scan;
    if (is_purged && from == BOOK_COMMITTED)
        return;
    if (from == BOOK_NOTHING)
        reservation->ends_at_ms = end_of(change);
    else if (from == BOOK_HELD)
        judge_end(reservation, change, to);
    reservation->rowid = sqlite3_column_int64(change->row, 4);
    reservation->status = to;
    count_sale(reservation, from, to);
}

void judge_stock(const struct change *change)
{
    if (!change->row)
        violated("stock stays", "row %lld is gone", (long long)change->rowid);
    struct book_sku *sku = find_sku(row_text(change, 1));
    if (!sku) {
        ASSERT(books.sku_count < BOOK_SKUS_MAX);
        sku = &books.skus[books.sku_count++];
        snprintf(sku->tenant, ID_BYTES, "%s", row_text(change, 0));
        snprintf(sku->id, ID_BYTES, "%s", row_text(change, 1));
        sku->units = sqlite3_column_int64(change->row, 2);
    }
    sku->on_hand = sqlite3_column_int64(change->row, 2);
    sku->reserved = sqlite3_column_int64(change->row, 3);
}

void stock_begin(bool is_scan)
{
    books.scan += is_scan;
    for (size_t i = 0; i < books.sku_count; i++)
        books.skus[i].newly = books.skus[i].given_back = 0;
}

static void sum_reservations(bool is_scan)
{
    for (size_t i = 0; i < books.sku_count; i++)
        books.skus[i].held = books.skus[i].sold = 0;
    for (size_t i = 0; i < books.reservation_count; i++) {
        const struct book_reservation *reservation = &books.reservations[i];
        bool is_live = reservation->status == BOOK_HELD || reservation->status == BOOK_COMMITTED;
        if (is_scan && reservation->rowid && reservation->seen != books.scan)
            note_purge(reservation->rowid);
        for (int j = 0; j < reservation->line_count && is_live; j++) {
            struct book_sku *sku = find_sku(reservation->lines[j].sku_id);
            if (!sku || strcmp(sku->tenant, reservation->tenant) != 0)
                violated("a reservation is of its own shop's goods", "%s", reservation->id);
            *(reservation->status == BOOK_HELD ? &sku->held : &sku->sold) += reservation->lines[j].quantity;
        }
    }
}

/* What is there and what was sold changes only as the staff asked: by a count of what is on hand, while between
 * "sold before this commit, less what came back" and "sold before, and now" units were sold. */
static bool was_asked(const struct book_sku *sku, int64_t units)
{
    int64_t before = sku->sold - sku->newly + sku->given_back;
    for (size_t i = 0; i < sku->asked_count; i++) {
        int64_t sold = units - sku->asked[i];
        if (sold >= before - sku->given_back && sold <= before + sku->newly)
            return true;
    }
    return false;
}

void stock_end(bool is_scan)
{
    sum_reservations(is_scan);
    for (size_t i = 0; i < books.sku_count; i++) {
        struct book_sku *sku = &books.skus[i];
        int64_t units = sku->on_hand + sku->sold;
        if (sku->reserved < 0 || sku->on_hand < sku->reserved)
            violated("0 <= reserved <= on hand", "SKU %s: %" PRId64 " of %" PRId64, sku->id, sku->reserved,
                     sku->on_hand);
        if (sku->reserved != sku->held)
            violated("what is reserved is the sum of the reservations", "SKU %s: %" PRId64 ", held %" PRId64, sku->id,
                     sku->reserved, sku->held);
        if (units != sku->units && !was_asked(sku, units))
            violated("what was there is there or sold", "SKU %s: on hand %" PRId64 ", sold %" PRId64 ", of %" PRId64,
                     sku->id, sku->on_hand, sku->sold, sku->units);
        sku->units = units;
        book_stock_changed(sku->id, sku->on_hand, sku->on_hand - sku->reserved);
    }
    judge_between(is_scan);
}
