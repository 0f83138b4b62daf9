/* Proves that stock is never oversold, and that reservations take effect once in whatever order their steps come. */
#include "platform/base/task.h"
#include "services/catalog/handlers.h"
#include "services/catalog/sql/stock.sql.h"
#include "services/catalog/test_catalog_fixture.h"

#include <stdatomic.h>

#define BUYERS 64
#define ATTEMPTS 10000
#define UNITS 100
#define HOUR_MS 3600000

static const char *new_sku(const char *code, int64_t available)
{
    return fixture_create(&(struct test_product){.title = code, .code = code, .amount = 100, .available = available})
        ->skus[0]
        ->id;
}

/* Two lines; quantity 0 leaves the second one out. */
static int reserve(struct call *call, const char *id, const char *sku, int64_t quantity, const char *sku2,
                   int64_t quantity2, int64_t ttl_ms)
{
    Catalog__StockLine lines[2] = {CATALOG__STOCK_LINE__INIT, CATALOG__STOCK_LINE__INIT};
    Catalog__StockLine *places[2] = {&lines[0], &lines[1]};
    Catalog__ReserveStockRequest in = CATALOG__RESERVE_STOCK_REQUEST__INIT;
    Catalog__Reservation out = CATALOG__RESERVATION__INIT;

    lines[0].sku_id = (char *)sku;
    lines[1].sku_id = (char *)sku2;
    lines[0].has_quantity = lines[1].has_quantity = true;
    lines[0].quantity = quantity;
    lines[1].quantity = quantity2;
    in.reservation_id = (char *)id;
    in.lines = places;
    in.n_lines = quantity2 ? 2 : 1;
    in.has_ttl_ms = true;
    in.ttl_ms = ttl_ms;
    int error = catalog_reserve_stock(call, &in, &out);
    if (!error) {
        assert_string_equal(out.reservation_id, id);
        assert_true(out.has_expires_at_ms);
    }
    return error;
}

static int reserve_one(const char *id, const char *sku, int64_t quantity)
{
    return reserve(fixture_call(), id, sku, quantity, NULL, 0, HOUR_MS);
}

static int end(struct call *call, const char *id, bool commit)
{
    Catalog__ReservationRequest in = CATALOG__RESERVATION_REQUEST__INIT;
    Catalog__Reservation out = CATALOG__RESERVATION__INIT;

    in.reservation_id = (char *)id;
    int error = commit ? catalog_commit_stock(call, &in, &out) : catalog_release_stock(call, &in, &out);
    if (!error)
        assert_string_equal(out.status, commit ? "committed" : "released");
    return error;
}

static void assert_stock(const char *sku, int64_t on_hand, int64_t reserved)
{
    Catalog__GetStockRequest in = CATALOG__GET_STOCK_REQUEST__INIT;
    Catalog__Stock out = CATALOG__STOCK__INIT;

    in.id = (char *)sku;
    assert_int_equal(catalog_get_stock(fixture_call(), &in, &out), 0);
    assert_int_equal(out.on_hand, on_hand);
    assert_int_equal(out.reserved, reserved);
    assert_int_equal(out.available, on_hand - reserved);
}

static int set_on_hand(struct call *call, const char *sku, int64_t on_hand)
{
    Catalog__SetStockRequest in = CATALOG__SET_STOCK_REQUEST__INIT;
    Catalog__Stock out = CATALOG__STOCK__INIT;

    in.id = (char *)sku;
    in.has_on_hand = true;
    in.on_hand = on_hand;
    return catalog_set_stock(call, &in, &out);
}

static void test_catalog_stock__reserve_commit_release(void **state)
{
    const char *sku = new_sku("A", 10);

    (void)state;
    assert_int_equal(reserve_one("r-a", sku, 4), 0);
    assert_stock(sku, 10, 4);
    assert_int_equal(reserve_one("r-a", sku, 4), 0); /* the same again takes nothing more */
    assert_stock(sku, 10, 4);
    assert_int_equal(end(fixture_call(), "r-a", true), 0);
    assert_stock(sku, 6, 0);
    assert_int_equal(end(fixture_call(), "r-a", true), 0);
    assert_stock(sku, 6, 0);
    assert_int_equal(end(fixture_call(), "r-a", false), 0); /* a cancelled order: back on hand, once */
    assert_stock(sku, 10, 0);
    assert_int_equal(end(fixture_call(), "r-a", false), 0);
    assert_stock(sku, 10, 0);
    assert_int_equal(reserve_one("r-b", sku, 3), 0);
    assert_int_equal(end(fixture_call(), "r-b", false), 0);
    assert_stock(sku, 10, 0);
    struct call *call = fixture_call();
    assert_int_equal(end(call, "r-b", true), ERR_CONFLICT);
    assert_string_equal(call->problem.code, "reservation_released");
    assert_int_equal(end(fixture_call(), "r-unknown", true), ERR_NOT_FOUND);
}

static void test_catalog_stock__other_lines_under_one_id_are_refused(void **state)
{
    const char *sku = new_sku("OTHER", 10);
    struct call *call = fixture_call();

    (void)state;
    assert_int_equal(reserve_one("r-other", sku, 4), 0);
    assert_int_equal(reserve(call, "r-other", sku, 5, NULL, 0, HOUR_MS), ERR_UNPROCESSABLE);
    assert_string_equal(call->problem.code, "reservation_differs");
    assert_stock(sku, 10, 4);
}

static void test_catalog_stock__lines_of_one_sku_are_summed(void **state)
{
    const char *sku = new_sku("SUM", 5);
    struct call *call = fixture_call();

    (void)state;
    assert_int_equal(reserve(call, "r-sum", sku, 3, sku, 3, HOUR_MS), ERR_CONFLICT);
    assert_string_equal(call->problem.code, "out_of_stock");
    assert_string_equal(call->problem.pointer, "/lines/0");
    assert_stock(sku, 5, 0);
    assert_int_equal(reserve(fixture_call(), "r-sum", sku, 3, sku, 2, HOUR_MS), 0);
    assert_stock(sku, 5, 5);
}

static void test_catalog_stock__takes_all_lines_or_none(void **state)
{
    const char *plenty = new_sku("PLENTY", 9), *few = new_sku("FEW", 1);
    struct call *call = fixture_call();

    (void)state;
    assert_int_equal(reserve(call, "r-all", plenty, 2, few, 2, HOUR_MS), ERR_CONFLICT);
    assert_string_equal(call->problem.pointer, "/lines/1");
    assert_stock(plenty, 9, 0);
    assert_stock(few, 1, 0);
    call = fixture_call();
    assert_int_equal(reserve(call, "r-none", plenty, 1, "no-such-sku", 1, HOUR_MS), ERR_NOT_FOUND);
    assert_stock(plenty, 9, 0);
}

static void test_catalog_stock__release_before_reserve_wins(void **state)
{
    const char *sku = new_sku("TOMB", 5);
    struct call *call = fixture_call();

    (void)state;
    assert_int_equal(end(fixture_call(), "r-tomb", false), 0);
    assert_int_equal(reserve(call, "r-tomb", sku, 1, NULL, 0, HOUR_MS), ERR_CONFLICT);
    assert_string_equal(call->problem.code, "reservation_released");
    assert_stock(sku, 5, 0);
}

static void test_catalog_stock__expires_by_the_job(void **state)
{
    const char *sku = new_sku("EXPIRE", 5), *kept = new_sku("KEPT", 5);
    struct call *call = fixture_call();

    (void)state;
    assert_int_equal(reserve_one("r-kept", kept, 1), 0);
    assert_int_equal(reserve(fixture_call(), "r-expire", sku, 5, NULL, 0, 1), 0);
    for (int64_t reserved_ms = clock_steady_ms(); clock_steady_ms() <= reserved_ms + 1;)
        task_sleep_ms(1);
    assert_int_equal(end(call, "r-expire", true), ERR_CONFLICT); /* also before the job was there */
    assert_string_equal(call->problem.code, "reservation_expired");
    assert_int_equal(expire_reservations(fixture_call()), 0);
    assert_stock(sku, 5, 0);
    assert_stock(kept, 5, 1);
    call = fixture_call();
    assert_int_equal(end(call, "r-expire", true), ERR_CONFLICT);
    assert_string_equal(call->problem.code, "reservation_expired");
    call = fixture_call();
    assert_int_equal(reserve(call, "r-expire", sku, 5, NULL, 0, HOUR_MS), ERR_CONFLICT);
    assert_int_equal(end(fixture_call(), "r-expire", false), 0); /* nothing left to give back */
    assert_stock(sku, 5, 0);
}

static void test_catalog_stock__is_not_set_below_what_is_reserved(void **state)
{
    const char *sku = new_sku("SET", 5);
    struct call *call = fixture_call();

    (void)state;
    assert_int_equal(reserve_one("r-set", sku, 4), 0);
    assert_int_equal(set_on_hand(call, sku, 3), ERR_CONFLICT);
    assert_string_equal(call->problem.code, "stock_reserved");
    assert_stock(sku, 5, 4);
    assert_int_equal(set_on_hand(fixture_call(), sku, 4), 0);
    assert_stock(sku, 4, 4);
    assert_int_equal(set_on_hand(fixture_call(), "no-such-sku", 1), ERR_NOT_FOUND);
}

/* A product of two SKUs whose first is removed while units of it are held, and others of it sold. */
static void test_catalog_stock__reservations_outlive_their_sku(void **state)
{
    Catalog__Product *product =
        fixture_create(&(struct test_product){.title = "Gone", .code = "GONE", .amount = 100, .available = 9});
    const char *gone = product->skus[0]->id, *kept = new_sku("STAYS", 9);
    Catalog__UpdateProductRequest addition = CATALOG__UPDATE_PRODUCT_REQUEST__INIT;
    Catalog__NewSku second = CATALOG__NEW_SKU__INIT, *skus[] = {&second};
    Catalog__DeleteSkuRequest removal = CATALOG__DELETE_SKU_REQUEST__INIT;
    Catalog__Product out = CATALOG__PRODUCT__INIT;

    (void)state;
    addition.id = removal.id = product->id;
    addition.skus = skus;
    addition.n_skus = 1;
    second.code = (char *)"GONE-2";
    removal.sku_id = (char *)gone;
    assert_int_equal(catalog_update_product(fixture_call(), &addition, &out), 0);
    assert_int_equal(reserve(fixture_call(), "r-held", gone, 2, kept, 3, HOUR_MS), 0);
    assert_int_equal(reserve(fixture_call(), "r-sold", gone, 1, kept, 1, HOUR_MS), 0);
    assert_int_equal(reserve(fixture_call(), "r-back", gone, 1, kept, 1, HOUR_MS), 0);
    assert_int_equal(end(fixture_call(), "r-sold", true), 0);
    assert_int_equal(catalog_delete_sku(fixture_call(), &removal, &out), 0);
    assert_int_equal(reserve(fixture_call(), "r-held", gone, 2, kept, 3, HOUR_MS), 0); /* the same again */
    assert_int_equal(end(fixture_call(), "r-held", true), 0);
    assert_int_equal(end(fixture_call(), "r-back", false), 0);
    assert_int_equal(end(fixture_call(), "r-sold", false), 0);
    assert_stock(kept, 6, 0);
    struct call *call = fixture_call();
    assert_int_equal(reserve(call, "r-late", gone, 1, NULL, 0, HOUR_MS), ERR_NOT_FOUND);
    assert_string_equal(call->problem.code, "sku_not_found");
}

/* -- 64 buyers ----------------------------------------------------------------------------------------------------- */

struct buyer {
    struct task *task;
    const char *sku;
    int number;
    struct arena *arena;
};

static atomic_int sold, refused, others;

/* Half of them commit at once, so that both columns move. */
static void buy(void *argument)
{
    struct buyer *buyer = argument;

    for (int i = buyer->number; i < ATTEMPTS; i += BUYERS) {
        Catalog__StockLine line = CATALOG__STOCK_LINE__INIT, *lines[] = {&line};
        Catalog__ReserveStockRequest in = CATALOG__RESERVE_STOCK_REQUEST__INIT;
        Catalog__ReservationRequest id = CATALOG__RESERVATION_REQUEST__INIT;
        Catalog__Reservation out = CATALOG__RESERVATION__INIT;
        struct call call;

        arena_reset(buyer->arena);
        if (host_call_begin(host_instance(fixture.host, "catalog"), buyer->arena, STR(TENANT_DEFAULT), STR_EMPTY, 60000,
                            &call) != 0)
            return;
        line.sku_id = (char *)buyer->sku;
        line.has_quantity = in.has_ttl_ms = true;
        line.quantity = 1;
        in.ttl_ms = HOUR_MS;
        in.reservation_id = id.reservation_id = arena_printf(buyer->arena, "buyer-%d", i);
        in.lines = lines;
        in.n_lines = 1;
        int error = catalog_reserve_stock(&call, &in, &out);
        if (!error && i % 2)
            error = catalog_commit_stock(&call, &id, &out);
        atomic_fetch_add(error == 0 ? &sold : error == ERR_CONFLICT ? &refused : &others, 1);
    }
}

static void test_catalog_stock__64_buyers_get_exactly_100_units(void **state)
{
    static struct buyer buyers[BUYERS];
    const char *sku = new_sku("RUSH", UNITS);
    Catalog__GetStockRequest in = CATALOG__GET_STOCK_REQUEST__INIT;
    Catalog__Stock out = CATALOG__STOCK__INIT;

    (void)state;
    for (int i = 0; i < BUYERS; i++) {
        buyers[i] = (struct buyer){.sku = sku, .number = i, .arena = arena_new(1 << 20)};
        assert_non_null(buyers[i].arena);
        assert_int_equal(task_start(&buyers[i].task, "buyer", buy, &buyers[i]), 0);
    }
    for (int i = 0; i < BUYERS; i++) {
        task_join(buyers[i].task);
        arena_free(buyers[i].arena);
    }
    assert_int_equal(sold, UNITS);
    assert_int_equal(refused, ATTEMPTS - UNITS);
    assert_int_equal(others, 0);
    in.id = (char *)sku;
    assert_int_equal(catalog_get_stock(fixture_call(), &in, &out), 0);
    assert_int_equal(out.available, 0);
    assert_int_equal(out.on_hand, out.reserved);
}

/* -- What ended long ago ------------------------------------------------------------------------------------------- */

#define DAY_MS (INT64_C(24) * HOUR_MS)
#define OLD_RESERVATIONS 1200

static int insert_old(struct sql_tx *tx, void *argument)
{
    static const struct {
        const char *id, *status;
        int64_t days;
    } rows[] = {{"p-released", "released", 31},
                {"p-expired", "expired", 31},
                {"p-sold", "committed", 401},
                {"p-released-lately", "released", 29},
                {"p-sold-lately", "committed", 399}};
    int64_t now_ms = clock_wall_ms();

    (void)argument;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        TRY(sql_exec(tx, &catalog_sql_insert_reservation,
                     SQL_ARGS(sql_cstr(TENANT_DEFAULT), sql_cstr(rows[i].id), sql_cstr(rows[i].status),
                              sql_int(now_ms - rows[i].days * DAY_MS)),
                     NULL));
        TRY(sql_exec(tx, &catalog_sql_insert_reservation_line,
                     SQL_ARGS(sql_cstr(TENANT_DEFAULT), sql_cstr(rows[i].id), sql_cstr("sku"), sql_int(1)), NULL));
    }
    for (int i = 0; i < OLD_RESERVATIONS; i++) {
        char id[32];

        snprintf(id, sizeof(id), "p-many-%d", i);
        TRY(sql_exec(tx, &catalog_sql_insert_reservation,
                     SQL_ARGS(sql_cstr("other"), sql_cstr(id), sql_cstr("released"), sql_int(now_ms - 40 * DAY_MS)),
                     NULL));
    }
    return 0;
}

static int count_kept(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement count = {
        "test_count_kept", "SELECT (SELECT COUNT(*) FROM reservation WHERE id LIKE 'p-%'), "
                           "(SELECT COUNT(*) FROM reservation_line WHERE reservation_id LIKE 'p-%')"};
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int64_t *counts = argument;

    assert_int_equal(sql_query_row(tx, &count, SQL_NO_ARGS, &rows), 1);
    counts[0] = sql_get_int(rows, 0);
    counts[1] = sql_get_int(rows, 1);
    return 0;
}

/* Of every tenant, in batches, with their lines; what a cancelled order may still need stays, and what holds stock. */
static void test_catalog_stock__ended_reservations_are_purged_in_their_time(void **state)
{
    const char *sku = new_sku("PURGE", 10);
    struct sql_db *db = host_instance(fixture.host, "catalog")->db;
    int64_t counts[2];

    (void)state;
    assert_int_equal(sql_write(db, insert_old, NULL), 0);
    assert_int_equal(reserve_one("p-held", sku, 3), 0);
    assert_int_equal(end(fixture_call(), "p-early", false), 0); /* released before it was reserved */
    assert_int_equal(purge_reservations(fixture_call()), 0);
    assert_int_equal(sql_read(db, count_kept, counts), 0);
    assert_int_equal(counts[0], 4);
    assert_int_equal(counts[1], 3);
    assert_int_equal(end(fixture_call(), "p-sold", true), ERR_NOT_FOUND);
    assert_int_equal(end(fixture_call(), "p-sold-lately", true), 0);
    assert_int_equal(reserve_one("p-early", sku, 1), ERR_CONFLICT);
    assert_stock(sku, 10, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog_stock__reserve_commit_release),
        cmocka_unit_test(test_catalog_stock__other_lines_under_one_id_are_refused),
        cmocka_unit_test(test_catalog_stock__lines_of_one_sku_are_summed),
        cmocka_unit_test(test_catalog_stock__takes_all_lines_or_none),
        cmocka_unit_test(test_catalog_stock__release_before_reserve_wins),
        cmocka_unit_test(test_catalog_stock__expires_by_the_job),
        cmocka_unit_test(test_catalog_stock__reservations_outlive_their_sku),
        cmocka_unit_test(test_catalog_stock__is_not_set_below_what_is_reserved),
        cmocka_unit_test(test_catalog_stock__64_buyers_get_exactly_100_units),
        cmocka_unit_test(test_catalog_stock__ended_reservations_are_purged_in_their_time),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_end);
}
