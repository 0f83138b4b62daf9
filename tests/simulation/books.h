/* The model: what must be true of the stores after every commit, and of every answer, by books of its own.
 *
 * watch.c shows it each row that a commit has changed, read by statements of ours, on the connection that committed,
 * right after the commit (SQLite's WAL hook), before anybody is told of it; and all rows of a store at the first commit
 * after a start, so that what a crash took is missed at once. Between two commits no store changes, so nothing is
 * overlooked by not looking at each step. */
#pragma once

#include "tests/simulation/simulation.h"

#include <sqlite3.h>

/* -- watch.c ------------------------------------------------------------------------------------------------------- */

struct watched_table;

/* What became of a row. row is NULL when it is gone. is_scan: it was not necessarily changed, and perhaps more than
 * once since it was last seen. */
struct change {
    const struct watched_table *table;
    sqlite3_stmt *row;
    sqlite3_int64 rowid;
    bool is_scan;
    bool is_insert;
    int64_t began_at_ms; /* what the steady clock said when its transaction began; 0: nobody looked */
};

struct watched_table {
    const char *store; /* "orders" of orders.db */
    const char *table;
    const struct sql_statement *one, *all; /* the row of rowid $1; every row */
    void (*judge)(const struct change *change);
};

struct watched_store {
    const char *store;
    void (*begin)(bool is_scan); /* may be NULL */
    void (*end)(bool is_scan);   /* all rows were shown */
    bool is_world;               /* no crash takes its process */
};

extern const struct watched_table watched_tables[]; /* ends with an empty one; at most WATCHED_TABLES_MAX */
extern const struct watched_store watched_stores[];
#define WATCHED_TABLES_MAX 24

/* From now on every connection is watched. After simulated_disk_configure_sqlite. */
void watch_start(void);
uint64_t watch_commits(void);

/* A transaction that writes begins on the connection. */
void watch_began(const sqlite3 *db);

/* Shows the whole store once more: when nobody commits to it any longer. */
void watch_scan(const char *path, const char *vfs);

/* False from a crash, or a look that failed, to the next commit of the store: until then it may be ahead of the books,
 * and nothing is said of what is true between it and others. */
bool watch_is_current(const char *store);
uint64_t watch_gaps(void); /* how often the books missed something */
void watch_crashed(void);

const char *row_text(const struct change *change, int column);

/* -- books_orders.c, books_stock.c --------------------------------------------------------------------------------- */

#define BOOK_ORDERS_MAX (2 * PURCHASES_MAX)

struct book_order {
    char id[ID_BYTES], email[ID_BYTES], tenant[ID_BYTES], status[ID_BYTES];
    struct purchase *purchase;
    int64_t total, shipping, version;
    bool cancel_requested;
    bool is_unjudged; /* its status is not yet held against stock and money */
    unsigned told;    /* bits of order_event_types */
    uint64_t seen;    /* the scan that saw it last */
    /* books_money.c */
    char charge[ID_BYTES];
    int64_t captured, refunded; /* at the provider */
    int64_t sent_back;          /* of what was refunded: it came back later */
};

struct book_line {
    char sku_id[ID_BYTES];
    int64_t quantity, price;
};

/* "sku=quantity@price sku=quantity@price" */
int book_read_lines(const char *text, struct book_line ret_lines[LINES_MAX]);

extern const char *const order_event_types[];
#define ORDER_EVENT_TYPES 6

struct book_order *book_find(const char *id);
size_t book_count(void);
struct book_order *book_at(size_t index);

/* The order, also when its commit is a moment ahead of the books; NULL when there is none. */
const struct book_order *book_await(const char *id);

/* An answer said that the order is there, with this status. */
void book_acknowledged(const struct purchase *purchase, const char *status);

/* What the staff asks for, before it does. */
void book_asked_price(int tenant, int64_t amount);
void book_asked_stock(int tenant, int sku, int64_t on_hand);
enum book_reservation_status { BOOK_HELD, BOOK_COMMITTED, BOOK_RELEASED, BOOK_EXPIRED, BOOK_NOTHING };
enum book_reservation_status book_reservation(const char *order_id);
int64_t book_units(int tenant, int sku); /* on hand and sold, by the last commit */

void judge_order(const struct change *change);
void judge_order_told(const struct change *change);
void judge_stock(const struct change *change);
void judge_reservation(const struct change *change);
void judge_between(bool is_scan);
void orders_begin(bool is_scan), orders_end(bool is_scan);
void stock_begin(bool is_scan), stock_end(bool is_scan);

/* -- books_events.c ------------------------------------------------------------------------------------------------ */

/* The service as it is, but for the handlers of its consumers, which are followed. all: it and the others. */
const struct service *book_follow(const struct service *service, const struct service *const *all);

bool book_told(const struct change *change); /* a row of an outbox; true when it is new */
void judge_told(const struct change *change);
void judge_offset(const struct change *change);
void judge_recorded(const struct change *change);
int64_t book_catalog_end(void); /* the offset of the last event of the catalog */
void book_follower_told(int tenant, int64_t after, int64_t offset, struct str type);
void book_weigh_events(void); /* in the end: each has reached each */

/* -- books_goods.c ------------------------------------------------------------------------------------------------- */

/* What is known of a product: nothing older may be shown to who asks from now on. */
struct goods_floor {
    int64_t version;
    size_t stock[SKUS]; /* a place in the history of its stock */
    uint64_t gaps;
};

struct shown_goods {
    int64_t version, price;
    bool has_stock;
    int64_t available[SKUS];
};

struct goods_floor book_goods_floor(int tenant);
void book_goods_shown(int tenant, const struct goods_floor *floor, const struct shown_goods *shown);
void book_edit_acknowledged(int tenant, int64_t version, int64_t price);
void book_edit_is_known(int tenant, int64_t version);
void book_stock_changed(const char *sku_id, int64_t on_hand, int64_t available);
size_t book_stock_now(int tenant, int sku);
void book_stock_acknowledged(int tenant, int sku, int64_t on_hand, size_t since); /* asked for since then */
void book_stock_told(int tenant, const char *sku_id, int64_t available);

/* -- books_money.c ------------------------------------------------------------------------------------------------- */

void judge_ledger(const struct change *change);
void judge_entry(const struct change *change);
void judge_payment(const struct change *change);
void judge_charge(const struct change *change);
void judge_refund(const struct change *change);
void money_begin(bool is_scan), money_end(bool is_scan);
