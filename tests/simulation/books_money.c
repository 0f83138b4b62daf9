/* The books of money: what the shop's ledger says, what its payments say, and what the provider really did. */
#include "tests/simulation/books.h"

#include <inttypes.h>
#include <stdio.h>

#define ROWS_MAX 1024

struct book_row {
    char id[ID_BYTES];
    uint64_t seen;
};

struct book_payment {
    char tenant[ID_BYTES], order_id[ID_BYTES], provider_id[ID_BYTES];
    int64_t amount, captured;
    uint64_t seen;
};

struct book_refund {
    char id[ID_BYTES], charge[ID_BYTES];
    int64_t amount;
    bool has_failed;
};

static struct {
    struct book_row transactions[ROWS_MAX];
    size_t transaction_count;
    struct book_payment payments[BOOK_ORDERS_MAX];
    size_t payment_count;
    struct book_refund refunds[ROWS_MAX];
    size_t refund_count;
    uint64_t scan;
} books;

/* -- The ledger ---------------------------------------------------------------------------------------------------- */

void judge_entry(const struct change *change)
{
    if (!change->row || (!change->is_insert && !change->is_scan))
        violated("the ledger is only appended to", "entry %lld was changed", (long long)change->rowid);
}

void judge_ledger(const struct change *change)
{
    if (!change->row || (!change->is_insert && !change->is_scan))
        violated("the ledger is only appended to", "transaction %lld was changed", (long long)change->rowid);
    if (sqlite3_column_int64(change->row, 1) < 2 || sqlite3_column_int64(change->row, 2) != 0 ||
        sqlite3_column_int64(change->row, 3) != 1)
        violated("debits are credits in each transaction", "%s %s", row_text(change, 4), row_text(change, 5));
    size_t i = 0;
    while (i < books.transaction_count && strcmp(books.transactions[i].id, row_text(change, 0)) != 0)
        i++;
    ASSERT(i < ROWS_MAX);
    if (i == books.transaction_count)
        snprintf(books.transactions[books.transaction_count++].id, ID_BYTES, "%s", row_text(change, 0));
    books.transactions[i].seen = books.scan;
}

/* -- Payments ------------------------------------------------------------------------------------------------------ */

static struct book_payment *find_payment(const char *tenant, const char *order_id)
{
    for (size_t i = 0; i < books.payment_count; i++) {
        if (strcmp(books.payments[i].order_id, order_id) == 0 && strcmp(books.payments[i].tenant, tenant) == 0)
            return &books.payments[i];
    }
    return NULL;
}

void judge_payment(const struct change *change)
{
    if (!change->row)
        violated("payments stay", "row %lld is gone", (long long)change->rowid);
    struct book_payment *payment = find_payment(row_text(change, 0), row_text(change, 1));
    int64_t amount = sqlite3_column_int64(change->row, 2), captured = sqlite3_column_int64(change->row, 3),
            refunded = sqlite3_column_int64(change->row, 4);
    const char *provider_id = row_text(change, 5);
    if (!payment) {
        ASSERT(books.payment_count < BOOK_ORDERS_MAX);
        payment = &books.payments[books.payment_count++];
        *payment = (struct book_payment){.amount = amount};
        snprintf(payment->tenant, ID_BYTES, "%s", row_text(change, 0));
        snprintf(payment->order_id, ID_BYTES, "%s", row_text(change, 1));
    }
    const struct book_order *order = book_find(payment->order_id);
    if (order && strcmp(order->tenant, payment->tenant) != 0)
        violated("a payment is in its order's shop", "%s", payment->order_id);
    if (refunded < 0 || refunded > captured || captured > amount || captured < payment->captured)
        violated("0 <= refunded <= captured <= amount", "%s: %" PRId64 " of %" PRId64 " of %" PRId64, payment->order_id,
                 refunded, captured, amount);
    if (payment->provider_id[0] && strcmp(payment->provider_id, provider_id) != 0)
        violated("a payment is one at the provider", "%s: %s, then %s", payment->order_id, payment->provider_id,
                 provider_id);
    snprintf(payment->provider_id, ID_BYTES, "%s", provider_id);
    payment->captured = captured;
    payment->seen = books.scan;
}

void money_begin(bool is_scan)
{
    books.scan += is_scan;
}

void money_end(bool is_scan)
{
    for (size_t i = 0; is_scan && i < books.transaction_count; i++) {
        if (books.transactions[i].seen != books.scan)
            violated("what was committed stays", "transaction %s is gone", books.transactions[i].id);
    }
    for (size_t i = 0; is_scan && i < books.payment_count; i++) {
        if (books.payments[i].seen != books.scan)
            violated("what was committed stays", "the payment of %s is gone", books.payments[i].order_id);
    }
}

/* -- The provider: what really happened to the customer's money ---------------------------------------------------- */

/* What the staff has asked to give back of an order; all of it where it asked for what is left. */
static int64_t asked_back(const struct book_order *order)
{
    const struct purchase *purchase = order->purchase;
    int64_t sum = 0;
    for (int i = 0; i < purchase->refund_count; i++) {
        const struct refund *refund = &purchase->refunds[i];
        if (strcmp(refund->order_id, order->id) == 0 && (!refund->is_refused || refund->is_unknown))
            sum += refund->amount ? refund->amount : order->total;
    }
    return sum < order->total ? sum : order->total;
}

void judge_charge(const struct change *change)
{
    struct book_order *order = change->row ? book_find(row_text(change, 0)) : NULL;
    if (!order || strcmp(row_text(change, 2), "succeeded") != 0)
        return; /* a charge without an order is the audit's, which gives it time to go back */
    const char *charge = row_text(change, 1);
    if (order->charge[0] && strcmp(order->charge, charge) != 0)
        violated("nobody is charged twice", "order %s has the charges %s and %s", order->id, order->charge, charge);
    snprintf(order->charge, ID_BYTES, "%s", charge);
    order->captured = sqlite3_column_int64(change->row, 3);
    order->refunded = sqlite3_column_int64(change->row, 4);
    /* A crash may have come between an order's commit and its being told of. */
    bool stands = watch_is_current("orders") && strcmp(order->status, "pending") != 0 &&
                  strcmp(order->status, "failed") != 0 && strcmp(order->status, "cancelled") != 0 &&
                  !order->cancel_requested;
    if (order->captured > order->total)
        violated("nobody pays more than the order costs", "%s: %" PRId64, order->id, order->captured);
    if (stands && order->refunded > asked_back(order))
        violated("money goes back as often as somebody asked", "order %s: %" PRId64 " instead of %" PRId64, order->id,
                 order->refunded, asked_back(order));
}

static struct book_refund *take_refund(const struct change *change)
{
    size_t i = 0;
    while (i < books.refund_count && strcmp(books.refunds[i].id, row_text(change, 0)) != 0)
        i++;
    ASSERT(i < ROWS_MAX);
    struct book_refund *refund = &books.refunds[i];
    if (i == books.refund_count) {
        books.refund_count++;
        snprintf(refund->id, ID_BYTES, "%s", row_text(change, 0));
        snprintf(refund->charge, ID_BYTES, "%s", row_text(change, 1));
        refund->amount = sqlite3_column_int64(change->row, 3);
    }
    return refund;
}

/* One that failed never stands again; what it gave back is here, and the staff has not given it back. */
void judge_refund(const struct change *change)
{
    if (!change->row)
        violated("refunds stay at the provider", "row %lld is gone", (long long)change->rowid);
    struct book_refund *refund = take_refund(change);
    bool fails = strcmp(row_text(change, 2), "failed") == 0;
    if (refund->has_failed && !fails)
        violated("a refund that failed has ended", "%s is %s", refund->id, row_text(change, 2));
    if (refund->has_failed == fails)
        return;
    refund->has_failed = true;
    note("the bank sends back %" PRId64 " of charge %s", refund->amount, refund->charge);
    for (size_t i = 0; i < book_count(); i++) {
        if (strcmp(book_at(i)->charge, refund->charge) == 0)
            book_at(i)->sent_back += refund->amount;
    }
}
