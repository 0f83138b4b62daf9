/* Which connection a call goes to: of the address with the fewest calls under way, of those that are not left alone.
 *
 * An address whose connection failed is left alone at once, one whose calls fail after RPC_BREAKER_FAILURES in a row,
 * for longer each time. Then one call tries it: what becomes of that decides. */
#include "platform/ports/random/random.h"
#include "platform/rpc/rpc_client_internal.h"

/* -- Which addresses may be asked ---------------------------------------------------------------------------------- */

static bool is_suspect(const struct rpc_address *address)
{
    return address->closed_until_ms > 0;
}

/* One call tries it: the others wait for what becomes of that. */
static bool is_on_trial(const struct rpc_address *address, uint64_t now_ms)
{
    return is_suspect(address) && address->closed_until_ms <= now_ms && address->active > 0;
}

static void leave_alone(struct rpc_client *client, struct rpc_address *address)
{
    uint64_t delay_ms = address->delay_ms ? address->delay_ms : RPC_RETRY_DELAY_MS;

    address->delay_ms = delay_ms * 2 < RPC_RETRY_DELAY_MAX_MS ? delay_ms * 2 : RPC_RETRY_DELAY_MAX_MS;
    /* From half of it on, so that not all callers come back at once. */
    address->closed_until_ms = rpc_now_ms() + delay_ms / 2 + random_below(delay_ms / 2 + 1);
    rpc_client_wake_at(client, address->closed_until_ms);
}

void rpc_address_succeeded(struct rpc_address *address)
{
    address->failures = 0;
    address->closed_until_ms = 0;
    address->delay_ms = 0;
}

void rpc_address_failed(struct rpc_client *client, struct rpc_address *address)
{
    address->failures++;
    if (address->failures >= RPC_BREAKER_FAILURES || is_suspect(address))
        leave_alone(client, address);
}

void rpc_address_connected(struct rpc_address *address)
{
    if (address->failures < RPC_BREAKER_FAILURES)
        address->closed_until_ms = 0;
}

void rpc_address_connection_failed(struct rpc_client *client, struct rpc_address *address)
{
    leave_alone(client, address);
}

/* -- Choosing ------------------------------------------------------------------------------------------------------ */

static bool is_connecting(const struct rpc_address *address)
{
    for (const struct rpc_connection *connection = address->connections; connection; connection = connection->next) {
        if (connection->state == RPC_CONNECTING)
            return true;
    }
    return false;
}

/* The one with the most room; NULL without any. */
static struct rpc_connection *find_connection(const struct rpc_address *address)
{
    struct rpc_connection *best = NULL;
    size_t best_room = 0;

    for (struct rpc_connection *connection = address->connections; connection; connection = connection->next) {
        size_t room = rpc_connection_room(connection);

        if (room > best_room) {
            best = connection;
            best_room = room;
        }
    }
    return best;
}

struct choice {
    struct rpc_connection *connection; /* NULL: none has room now */
    struct rpc_address *address;       /* its own */
    bool may_come;                     /* a connection is being made, or one will have room */
};

static struct choice choose(struct rpc_client *client, struct rpc_service *service)
{
    struct choice choice = {0};
    uint64_t now_ms = rpc_now_ms();

    for (struct rpc_address *address = service->addresses; address; address = address->next) {
        choice.may_come |= is_on_trial(address, now_ms);
        if (address->closed_until_ms > now_ms || is_on_trial(address, now_ms))
            continue;
        struct rpc_connection *connection = find_connection(address);
        bool is_wanted = !connection && !is_connecting(address) && address->connection_count < RPC_CONNECTIONS_MAX;
        if (is_wanted)
            (void)rpc_connection_open(client, address);
        choice.may_come |= address->connections != NULL;
        if (connection && (!choice.address || address->active < choice.address->active)) {
            choice.connection = connection;
            choice.address = address;
        }
    }
    return choice;
}

void rpc_service_dispatch(struct rpc_client *client, struct rpc_service *service)
{
    while (service->waiting.first) {
        struct choice choice = choose(client, service);
        struct rpc_try *item = service->waiting.first;

        if (!item) /* Where no connection could be made at all, those that waited have heard so. */
            return;
        if (choice.connection)
            rpc_connection_begin(choice.connection, item);
        else if (!choice.may_come)
            rpc_try_end(item, RPC_OUTCOME_UNPROCESSED, "It cannot be reached.");
        else
            return;
    }
}
