/* What the shop may show of its goods: never less than what was acknowledged, or told, before somebody asked. */
#include "tests/simulation/books.h"

#include <inttypes.h>
#include <stdio.h>

#define EDITS_MAX 256
#define HISTORY_MAX 2048
#define CATCH_UP_LOOKS 100
#define CATCH_UP_MS 50

struct book_stock {
    int64_t on_hand, available;
};

/* A SKU's, as each commit left it. */
struct book_history {
    char sku_id[ID_BYTES];
    struct book_stock stock[HISTORY_MAX];
    size_t count;
};

static struct {
    struct {
        int64_t version, price;
    } edits[TENANTS][EDITS_MAX]; /* that were acknowledged */
    size_t edit_count[TENANTS];
    struct book_history histories[TENANTS * SKUS];
    size_t history_count;
    struct goods_floor floors[TENANTS];
} books;

struct goods_floor book_goods_floor(int tenant)
{
    struct goods_floor floor = books.floors[tenant];
    floor.gaps = watch_gaps();
    return floor;
}

void book_edit_is_known(int tenant, int64_t version)
{
    if (version > books.floors[tenant].version)
        books.floors[tenant].version = version;
}

void book_edit_acknowledged(int tenant, int64_t version, int64_t price)
{
    ASSERT(books.edit_count[tenant] < EDITS_MAX);
    books.edits[tenant][books.edit_count[tenant]].version = version;
    books.edits[tenant][books.edit_count[tenant]++].price = price;
    book_edit_is_known(tenant, version);
}

/* -- Stock --------------------------------------------------------------------------------------------------------- */

static struct book_history *find_history(const char *sku_id)
{
    size_t i = 0;
    while (i < books.history_count && strcmp(books.histories[i].sku_id, sku_id) != 0)
        i++;
    ASSERT(i < (size_t)TENANTS * SKUS);
    if (i == books.history_count)
        snprintf(books.histories[books.history_count++].sku_id, ID_BYTES, "%s", sku_id);
    return &books.histories[i];
}

static struct book_history *history_of(int tenant, int sku)
{
    return find_history(simulation.goods[tenant].sku_ids[sku]);
}

void book_stock_changed(const char *sku_id, int64_t on_hand, int64_t available)
{
    struct book_history *history = find_history(sku_id);
    const struct book_stock *last = history->count ? &history->stock[history->count - 1] : NULL;
    if (last && last->on_hand == on_hand && last->available == available)
        return;
    ASSERT(history->count < HISTORY_MAX);
    history->stock[history->count++] = (struct book_stock){on_hand, available};
}

size_t book_stock_now(int tenant, int sku)
{
    size_t count = history_of(tenant, sku)->count;
    return count ? count - 1 : 0;
}

/* The oldest state that it can have been: from there on nothing older may be shown. */
void book_stock_acknowledged(int tenant, int sku, int64_t on_hand, size_t since)
{
    const struct book_history *history = history_of(tenant, sku);
    size_t *floor = &books.floors[tenant].stock[sku];
    size_t i = since;
    while (i < history->count && history->stock[i].on_hand != on_hand)
        i++;
    if (i < history->count && i > *floor)
        *floor = i;
}

static bool was_available(int tenant, int sku, size_t since, int64_t available, size_t *ret_when)
{
    const struct book_history *history = history_of(tenant, sku);
    size_t i = since;
    while (i < history->count && history->stock[i].available != available)
        i++;
    *ret_when = i;
    return i < history->count;
}

void book_stock_told(int tenant, const char *sku_id, int64_t available)
{
    size_t when;
    for (int sku = 0; sku < SKUS; sku++) {
        size_t *floor = &books.floors[tenant].stock[sku];
        if (strcmp(simulation.goods[tenant].sku_ids[sku], sku_id) == 0 &&
            was_available(tenant, sku, *floor, available, &when))
            *floor = when;
    }
}

/* -- What is shown ------------------------------------------------------------------------------------------------- */

static const char *find_stale(int tenant, const struct goods_floor *floor, const struct shown_goods *shown)
{
    size_t when;
    for (int sku = 0; sku < SKUS; sku++) {
        if (shown->has_stock && !was_available(tenant, sku, floor->stock[sku], shown->available[sku], &when))
            return simulation.goods[tenant].sku_ids[sku];
    }
    return NULL;
}

/* Only where the books have seen each commit since somebody asked. A reader may see one a moment before they do. */
static void judge_stock_shown(int tenant, const struct goods_floor *floor, const struct shown_goods *shown)
{
    const char *stale = find_stale(tenant, floor, shown);
    for (int i = 0; stale && i < CATCH_UP_LOOKS; i++) {
        task_sleep_ms(CATCH_UP_MS);
        stale = find_stale(tenant, floor, shown);
    }
    if (stale && watch_is_current("catalog") && watch_gaps() == floor->gaps)
        violated("nothing stale is shown", "the stock of SKU %s: %" PRId64 ", %" PRId64 ", %" PRId64, stale,
                 shown->available[0], shown->available[1], shown->available[2]);
}

void book_goods_shown(int tenant, const struct goods_floor *floor, const struct shown_goods *shown)
{
    if (shown->version < floor->version)
        violated("nothing stale is shown", "version %" PRId64 " of product %s, after %" PRId64, shown->version,
                 simulation.goods[tenant].product_id, floor->version);
    for (size_t i = 0; i < books.edit_count[tenant]; i++) {
        if (books.edits[tenant][i].version == shown->version && books.edits[tenant][i].price != shown->price)
            violated("nothing stale is shown", "version %" PRId64 " at %" PRId64 " instead of %" PRId64, shown->version,
                     shown->price, books.edits[tenant][i].price);
    }
    if (watch_is_current("catalog"))
        judge_stock_shown(tenant, floor, shown);
}
