/* Bugs on purpose: each is put around the shop's code, never into it. */
#include "services/services.h"
#include "shopstream/catalog/v1/catalog.rpc.h"
#include "tests/simulation/audit.sql.h"
#include "tests/simulation/simulation.h"

#include <stdlib.h>

#define ROUTES_MAX 64
#define SERVICES_MAX 8

const char *const plant_names = "oversell, double-charge, lost-event, early-answer, early-offset, missing-fsync";

bool plant_parse(const char *name, enum plant *ret_plant)
{
    static const char *const names[] = {
        [PLANT_NONE] = "none",
        [PLANT_OVERSELL] = "oversell",
        [PLANT_DOUBLE_CHARGE] = "double-charge",
        [PLANT_LOST_EVENT] = "lost-event",
        [PLANT_EARLY_ANSWER] = "early-answer",
        [PLANT_EARLY_OFFSET] = "early-offset",
        [PLANT_MISSING_FSYNC] = "missing-fsync",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_plant = (enum plant)i;
            return true;
        }
    }
    return false;
}

void plant_disk(struct simulation *sim)
{
    if (sim->plant == PLANT_MISSING_FSYNC)
        simulated_disk_set_lie(sim->shop_disk, SIMULATED_DISK_IGNORES_SYNCS);
    if (sim->plant == PLANT_EARLY_ANSWER)
        simulated_disk_set_lie(sim->shop_disk, SIMULATED_DISK_SYNCS_LATE);
}

/* Another key for each try. */
struct str plant_provider_key(struct arena *arena, struct str key)
{
    char *changed =
        arena_printf(arena, "%.*s-%llu", STR_FORMAT(key), (unsigned long long)simulator_random_below(UINT64_MAX));
    ASSERT(changed);
    return str_from_cstr(changed);
}

/* -- Lost events --------------------------------------------------------------------------------------------------- */

static int lose_event(struct sql_tx *tx, void *argument)
{
    (void)argument;
    return sql_exec(tx, &simulation_sql_plant_lose_event, SQL_NO_ARGS, NULL);
}

int plant_lost_event(struct service_host *shop)
{
    return sql_write(host_instance(shop, "orders")->db, lose_event, NULL);
}

/* -- Oversell: what is looked at is not held ----------------------------------------------------------------------- */

struct plundered {
    struct str id;
    size_t line_count;
    struct str sku_ids[LINES_MAX];
    int64_t quantities[LINES_MAX];
    bool is_sold;
};

/* The reservations of this simulation, in memory that a crash does not reset: enough to plant a bug. */
static struct plundered plundered[PURCHASES_MAX * 2];
static size_t plundered_count;

static struct plundered *find_plundered(const char *id)
{
    for (size_t i = 0; i < plundered_count; i++) {
        if (str_equal_cstr(plundered[i].id, id))
            return &plundered[i];
    }
    return NULL;
}

static struct str keep(const char *text)
{
    return str_from_cstr(strdup(text));
}

static int reserve_stock(struct call *call, const Catalog__ReserveStockRequest *in, Catalog__Reservation *out)
{
    for (size_t i = 0; i < in->n_lines; i++) {
        CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
        TRY(sql_query_row(call->tx, &simulation_sql_plant_available,
                          SQL_ARGS(sql_text(call->tenant), sql_cstr(in->lines[i]->sku_id)), &rows));
        if (sql_get_int(rows, 0) < in->lines[i]->quantity)
            return call_fail(call, ERR_CONFLICT, "out_of_stock", NULL, "Not enough is left.");
    }
    if (!find_plundered(in->reservation_id)) {
        struct plundered *added = &plundered[plundered_count++];
        ASSERT(plundered_count <= sizeof(plundered) / sizeof(plundered[0]) && in->n_lines <= LINES_MAX);
        *added = (struct plundered){.id = keep(in->reservation_id), .line_count = in->n_lines};
        for (size_t i = 0; i < in->n_lines; i++) {
            added->sku_ids[i] = keep(in->lines[i]->sku_id);
            added->quantities[i] = in->lines[i]->quantity;
        }
    }
    out->reservation_id = arena_cstr(call->arena, str_from_cstr(in->reservation_id));
    out->status = arena_cstr(call->arena, STR("held"));
    return 0;
}

static int move(struct call *call, const struct plundered *of, const struct sql_statement *statement)
{
    for (size_t i = 0; i < of->line_count; i++)
        TRY(sql_exec(call->tx, statement,
                     SQL_ARGS(sql_text(call->tenant), sql_text(of->sku_ids[i]), sql_int(of->quantities[i])), NULL));
    return 0;
}

static int commit_stock(struct call *call, const Catalog__ReservationRequest *in, Catalog__Reservation *out)
{
    struct plundered *found = find_plundered(in->reservation_id);
    (void)out;
    if (!found || found->is_sold)
        return 0;
    found->is_sold = true;
    return move(call, found, &simulation_sql_plant_sell);
}

static int release_stock(struct call *call, const Catalog__ReservationRequest *in, Catalog__Reservation *out)
{
    struct plundered *found = find_plundered(in->reservation_id);
    (void)out;
    if (!found || !found->is_sold)
        return 0;
    found->is_sold = false;
    return move(call, found, &simulation_sql_plant_give_back);
}

static const struct service *plundered_catalog(void)
{
    static const struct route replaced[] = {
        {RPC(catalog, reserve_stock), .internal = true, .rate = RATE_NONE},
        {RPC(catalog, commit_stock), .internal = true, .rate = RATE_NONE},
        {RPC(catalog, release_stock), .internal = true, .rate = RATE_NONE},
    };
    static struct route routes[ROUTES_MAX];
    static struct service service;
    service = catalog_service;
    service.routes = routes;
    for (size_t i = 0; i < ROUTES_MAX - 1 && (catalog_service.routes[i].rpc || catalog_service.routes[i].raw); i++) {
        routes[i] = catalog_service.routes[i];
        for (size_t j = 0; j < sizeof(replaced) / sizeof(replaced[0]); j++) {
            if (routes[i].rpc == replaced[j].rpc)
                routes[i] = replaced[j];
        }
    }
    return &service;
}

const struct service *const *plant_services(enum plant plant)
{
    static const struct service *services[SERVICES_MAX];
    services[0] = plant == PLANT_OVERSELL ? plundered_catalog() : &catalog_service;
    services[1] = &payments_service;
    services[2] = &orders_service;
    services[3] = &recorder_service;
    services[4] = NULL;
    return services;
}
