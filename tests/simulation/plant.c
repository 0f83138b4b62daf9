/* Bugs on purpose: each is put around the shop's code, never into it. */
#include "services/services.h"
#include "shopstream/catalog/v1/catalog.rpc.h"
#include "shopstream/identity/v1/identity.rpc.h"
#include "shopstream/orders/v1/orders.rpc.h"
#include "tests/simulation/audit.sql.h"
#include "tests/simulation/books.h"

#include <stdlib.h>

#define ROUTES_MAX 64
#define BROKEN_MAX 9
#define ORDERS_API "/api/orders/v1/"
#define LATE_PERMILLE 50
#define LATE_LOOK_MS 1000
#define LATE_LOOKS_MAX 600

const char *const plant_names = "oversell, double-charge, double-refund, lost-event, early-answer, early-offset, "
                                "missing-fsync, one-fsync, late-fsync, expired-token, logged-out-token, cart-twice, "
                                "other-tenant, wall-clock, stale-page, endless-key, endless-reservation, "
                                "forgotten-key, endless-session, traced-address, late-request";

/* Whoever misses it first says so. */
#define WHAT_WAS_COMMITTED_IS_GONE                                                                                     \
    "what was committed stays", "what holds stock stays", "a good order is taken or out of stock",                     \
        "a reservation ends once", "a confirmed order can be fulfilled", "each event takes effect once",               \
        "what was committed stays, and a status moves as the table says", "identity answers in the end",               \
        "a repeated request gets the first answer"

/* Each bug's name, and the invariants that it breaks: what is said of a seed that finds it. */
static const struct {
    const char *name;
    const char *broken[BROKEN_MAX];
} plants[] = {
    [PLANT_NONE] = {"none", {NULL}},
    [PLANT_OVERSELL] = {"oversell",
                        {"what was there is there or sold", "0 <= reserved <= on hand",
                         "no more is sold than there is"}},
    [PLANT_DOUBLE_CHARGE] = {"double-charge", {"nobody is charged twice"}},
    [PLANT_DOUBLE_REFUND] = {"double-refund", {"money goes back as often as somebody asked"}},
    /* Where a crash came between an order's commit and the look at it, the model sees the order without its event. */
    [PLANT_LOST_EVENT] = {"lost-event", {"each event reaches each consumer", "a change and its event are one"}},
    /* Whoever was answered the order that never was, and asks again by the same key, is answered another one. */
    [PLANT_EARLY_ANSWER] = {"early-answer",
                            {"what is acknowledged was committed", "an acknowledged order is there",
                             "a repeated request gets the first answer"}},
    [PLANT_EARLY_OFFSET] = {"early-offset", {"each event reaches each consumer", "each event takes effect once"}},
    [PLANT_MISSING_FSYNC] = {"missing-fsync", {WHAT_WAS_COMMITTED_IS_GONE}},
    [PLANT_ONE_FSYNC] = {"one-fsync", {WHAT_WAS_COMMITTED_IS_GONE}},
    [PLANT_LATE_FSYNC] = {"late-fsync", {WHAT_WAS_COMMITTED_IS_GONE}},
    [PLANT_EXPIRED_TOKEN] = {"expired-token", {"an access token ends"}},
    [PLANT_LOGGED_OUT_TOKEN] = {"logged-out-token", {"a token of an ended session is refused"}},
    [PLANT_CART_TWICE] = {"cart-twice", {"one cart becomes one order", "a cart holds what was put in"}},
    [PLANT_OTHER_TENANT] = {"other-tenant", {"nobody reads what is not theirs"}},
    [PLANT_WALL_CLOCK] = {"wall-clock",
                          {"one purchase makes at most one order", "a repeated request gets the first answer",
                           "an access token ends", "an idempotency key ends",
                           "a reservation ends when its time is up"}},
    [PLANT_STALE_PAGE] = {"stale-page", {"nothing stale is shown"}},
    [PLANT_ENDLESS_KEY] = {"endless-key", {"an idempotency key ends"}},
    [PLANT_ENDLESS_RESERVATION] = {"endless-reservation", {"a reservation ends when its time is up"}},
    [PLANT_FORGOTTEN_KEY] = {"forgotten-key", {"money goes back as often as somebody asked"}},
    [PLANT_ENDLESS_SESSION] = {"endless-session", {"a refresh token ends"}},
    [PLANT_TRACED_ADDRESS] = {"traced-address", {SAME_HISTORY}},
    [PLANT_LATE_REQUEST] = {"late-request", {NULL}},
};

bool plant_parse(const char *name, enum plant *ret_plant)
{
    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        if (strcmp(name, plants[i].name) == 0) {
            *ret_plant = (enum plant)i;
            return true;
        }
    }
    return false;
}

bool plant_breaks(enum plant plant, const char *invariant)
{
    for (size_t i = 0; i < BROKEN_MAX && plants[plant].broken[i]; i++) {
        if (strcmp(invariant, plants[plant].broken[i]) == 0)
            return true;
    }
    return false;
}

void plant_disk(struct simulation *sim)
{
    if (sim->plant == PLANT_MISSING_FSYNC)
        simulated_disk_set_lie(sim->shop_disk, SIMULATED_DISK_IGNORES_SYNCS, NULL);
    if (sim->plant == PLANT_ONE_FSYNC)
        simulated_disk_set_lie(sim->shop_disk, SIMULATED_DISK_IGNORES_SYNCS, ORDERS_STORE "-wal");
    if (sim->plant == PLANT_LATE_FSYNC)
        simulated_disk_set_lie(sim->shop_disk, SIMULATED_DISK_SYNCS_LATE, NULL);
}

/* As a hash does that goes by pointers. */
void plant_address(void)
{
    uintptr_t place = (uintptr_t)&simulation;
    if (simulation.plant == PLANT_TRACED_ADDRESS)
        simulator_trace(&place, sizeof(place));
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

/* -- Late requests ------------------------------------------------------------------------------------------------- */

static uint64_t long_sleeps(void)
{
    return simulation.struck.kinds[SLEPT_8_D] + simulation.struck.kinds[SLEPT_31_D];
}

/* It waits until the shop has slept for longer than keys are kept. Not what staff does: a refund by a key that has
 * ended is another one, and money. */
void plant_late_request(const struct shop_request *request)
{
    bool has_key = request->key && request->key[0] && strncmp(request->target, ORDERS_API, strlen(ORDERS_API)) == 0;
    uint64_t before = long_sleeps();
    if (simulation.plant != PLANT_LATE_REQUEST || !has_key || !random_permille(LATE_PERMILLE))
        return;
    note("a request by key %s is late", request->key);
    for (int i = 0; i < LATE_LOOKS_MAX && (long_sleeps() == before || simulation.is_offline); i++)
        task_sleep_ms(LATE_LOOK_MS);
}

static rpc_handler *find_handler(const struct service *service, const struct rpc_method *method)
{
    const struct route *route = service->routes;
    while (route->rpc != method)
        route++;
    return route->handler;
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

/* -- A reservation whose end is forgotten: it is held for as long as the catalog allows ---------------------------- */

#define LONGEST_RESERVATION_MS (INT64_C(30) * 24 * 3600 * 1000)

static int reserve_endlessly(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    Catalog__ReserveStockRequest changed = *(const Catalog__ReserveStockRequest *)(const void *)in;
    changed.ttl_ms = LONGEST_RESERVATION_MS;
    return find_handler(&catalog_service, &catalog_reserve_stock_rpc)(call, &changed.base, out);
}

/* -- Sessions whose end is forgotten ------------------------------------------------------------------------------- */

static int forget_ends(struct sql_tx *tx, void *argument)
{
    (void)argument;
    return sql_exec(tx, &simulation_sql_plant_forget_ends, SQL_NO_ARGS, NULL);
}

static int refresh_endlessly(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    TRY(call_write(call, forget_ends, NULL));
    return find_handler(&identity_service, &identity_refresh_rpc)(call, in, out);
}

/* -- An order that leaves its cart, and one that is shown to whoever asks ------------------------------------------ */

/* Where the answer waits for what becomes of the order, the handler itself would miss it. */
static int create_order_early(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    rpc_handler *handler = find_handler(&orders_service, &orders_create_order_rpc);
    if (call->wait_ms > 0)
        return handler(call, in, out);
    plant_hurry(true);
    int result = handler(call, in, out);
    plant_hurry(false);
    return result;
}

/* Orders what is in the cart, and not the cart. */
static int create_order(struct call *call, const Orders__CreateOrderRequest *in, Orders__Order *out)
{
    Orders__CreateOrderRequest changed = *in;
    Orders__GetCartRequest nothing = ORDERS__GET_CART_REQUEST__INIT;
    Orders__Cart cart = ORDERS__CART__INIT;
    if (in->cart_id) {
        TRY(find_handler(&orders_service, &orders_get_cart_rpc)(call, &nothing.base, &cart.base));
        changed.cart_id = NULL;
        changed.n_items = cart.n_items;
        changed.items = arena_alloc_array(call->arena, cart.n_items + 1, sizeof(*changed.items));
        ASSERT(changed.items);
        for (size_t i = 0; i < cart.n_items; i++) {
            changed.items[i] = arena_alloc(call->arena, sizeof(*changed.items[i]));
            ASSERT(changed.items[i]);
            orders__new_order_item__init(changed.items[i]);
            changed.items[i]->sku_id = cart.items[i]->sku_id;
            changed.items[i]->quantity = cart.items[i]->quantity;
            changed.items[i]->has_quantity = true;
        }
        if (cart.n_items == 0)
            return call_fail(call, ERR_NOT_FOUND, "no_such_cart", NULL, "There is nothing in it.");
    }
    return find_handler(&orders_service, &orders_create_order_rpc)(call, &changed.base, &out->base);
}

static int get_order(struct call *call, const Orders__GetOrderRequest *in, Orders__Order *out)
{
    rpc_handler *handler = find_handler(&orders_service, &orders_get_order_rpc);
    unsigned roles = call->who.roles;
    int result = handler(call, &in->base, &out->base);
    for (int tenant = 0; tenant < TENANTS && result == ERR_NOT_FOUND; tenant++) {
        call->problem = (struct problem){0};
        call->tenant = str_from_cstr(tenant_name(tenant));
        call->who.roles = ROLE_SERVICE;
        result = handler(call, &in->base, &out->base);
    }
    call->who.roles = roles;
    return result;
}

/* -- The services -------------------------------------------------------------------------------------------------- */

static const struct {
    enum plant plant;
    const struct service *service;
    const struct rpc_method *rpc;
    rpc_handler *handler;
} planted[] = {
    {PLANT_OVERSELL, &catalog_service, RPC(catalog, reserve_stock)},
    {PLANT_OVERSELL, &catalog_service, RPC(catalog, commit_stock)},
    {PLANT_OVERSELL, &catalog_service, RPC(catalog, release_stock)},
    {PLANT_ENDLESS_RESERVATION, &catalog_service, .rpc = &catalog_reserve_stock_rpc, .handler = reserve_endlessly},
    {PLANT_CART_TWICE, &orders_service, RPC(orders, create_order)},
    {PLANT_EARLY_ANSWER, &orders_service, .rpc = &orders_create_order_rpc, .handler = create_order_early},
    {PLANT_OTHER_TENANT, &orders_service, RPC(orders, get_order)},
    {PLANT_ENDLESS_SESSION, &identity_service, .rpc = &identity_refresh_rpc, .handler = refresh_endlessly},
};

/* The service with the planted handlers in the place of its own. */
static const struct service *plant_routes(enum plant plant, const struct service *original)
{
    static struct route routes[ROUTES_MAX];
    static struct service service;
    bool is_planted = false;
    for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++)
        is_planted = is_planted || (planted[i].plant == plant && planted[i].service == original);
    if (!is_planted)
        return original;
    service = *original;
    service.routes = routes;
    for (size_t i = 0; i < ROUTES_MAX - 1 && (original->routes[i].rpc || original->routes[i].raw); i++) {
        routes[i] = original->routes[i];
        for (size_t j = 0; j < sizeof(planted) / sizeof(planted[0]); j++) {
            if (planted[j].plant == plant && routes[i].rpc == planted[j].rpc)
                routes[i].handler = planted[j].handler;
        }
    }
    return &service;
}

/* Every service of the shop, but for the provider, who is not of it; and all their consumers are followed. */
const struct service *const *plant_services(enum plant plant)
{
    static const struct service *planted_services[HOST_SERVICES_MAX + 1], *followed[HOST_SERVICES_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; all_services[i]; i++) {
        ASSERT(count + 2 < HOST_SERVICES_MAX);
        if (all_services[i] != &stripe_emulator_service)
            planted_services[count++] = plant_routes(plant, all_services[i]);
    }
    planted_services[count++] = &recorder_service;
    planted_services[count] = NULL;
    for (size_t i = 0; i < count; i++)
        followed[i] = book_follow(planted_services[i], planted_services);
    followed[count] = NULL;
    return followed;
}
