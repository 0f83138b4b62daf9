#include "platform/rpc/rpc_client.h"

#include "platform/base/err.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/random/random.h"
#include "platform/net/tls_context.h"
#include "platform/rpc/rpc_client_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define TRIES_MAX 4
#define TRY_DELAY_MS 20 /* before the second, doubled each time; from half of it on */
#define BUDGET_MAX 1000 /* tenths; a success gives one, a try again takes ten, from half of it on none is left */
#define BUDGET_COST 10

/* -- Lists --------------------------------------------------------------------------------------------------------- */

void rpc_try_list_add(struct rpc_try_list *list, struct rpc_try *item)
{
    item->next = NULL;
    item->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = item;
    list->last = item;
    list->count++;
}

void rpc_try_list_remove(struct rpc_try_list *list, struct rpc_try *item)
{
    *(item->previous ? &item->previous->next : &list->first) = item->next;
    *(item->next ? &item->next->previous : &list->last) = item->previous;
    item->next = item->previous = NULL;
    list->count--;
}

/* -- The end of a try ---------------------------------------------------------------------------------------------- */

/* What a peer says of its own trouble, in words of the shop, shows that it is there. */
static void judge(struct rpc_try *item, struct rpc_address *address)
{
    bool is_down =
        item->outcome == RPC_OUTCOME_ENDED && item->ending.status == RPC_UNAVAILABLE && item->ending.details.len == 0;

    if (is_down || item->outcome == RPC_OUTCOME_LOST || item->outcome == RPC_OUTCOME_DEADLINE)
        rpc_address_failed(item->client, address);
    else if (item->outcome == RPC_OUTCOME_ENDED)
        rpc_address_succeeded(address);
}

void rpc_try_end(struct rpc_try *item, enum rpc_outcome outcome, const char *reason)
{
    struct rpc_connection *connection = item->connection;

    rpc_try_list_remove(connection ? &connection->tries : &item->service->waiting, item);
    item->outcome = outcome;
    item->reason = reason;
    if (connection) {
        connection->address->active--;
        connection->since_ms = rpc_now_ms();
        judge(item, connection->address);
    }
    task_event_set(&item->done);
}

/* -- The loop ------------------------------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer);

void rpc_client_wake_at(struct rpc_client *client, uint64_t due_ms)
{
    uint64_t now_ms = rpc_now_ms();

    if (due_ms == UINT64_MAX || (client->timer_due_ms && client->timer_due_ms <= due_ms))
        return;
    client->timer_due_ms = due_ms;
    uv_update_time(&client->loop);
    uv_timer_start(&client->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void flush(struct rpc_service *service)
{
    for (struct rpc_address *address = service->addresses; address; address = address->next) {
        for (struct rpc_connection *connection = address->connections, *next; connection; connection = next) {
            next = connection->next;
            rpc_connection_flush(connection);
        }
    }
}

/* Rounded up, so that it is over when the timer says so. */
static uint64_t due_ms(const struct rpc_try *item)
{
    return item->call->deadline_ns == INT64_MAX ? UINT64_MAX
                                                : (uint64_t)(item->call->deadline_ns / CLOCK_NS_PER_MS) + 1;
}

static void stop(struct rpc_try *item, enum rpc_outcome outcome, const char *reason)
{
    if (item->connection)
        rpc_connection_forget(item->connection, item);
    rpc_try_end(item, outcome, reason);
}

/* Ends those whose time is up, or that were given up, and returns when the next one's time is. */
static uint64_t sweep(struct rpc_try_list *list, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;

    for (struct rpc_try *item = list->first, *next; item; item = next) {
        next = item->next;
        task_mutex_lock(&item->client->lock);
        bool is_cancelled = item->is_cancelled;
        task_mutex_unlock(&item->client->lock);
        if (is_cancelled)
            stop(item, RPC_OUTCOME_CANCELLED, NULL);
        else if (due_ms(item) <= now_ms)
            stop(item, RPC_OUTCOME_DEADLINE, NULL);
        else if (due_ms(item) < next_ms)
            next_ms = due_ms(item);
    }
    return next_ms;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t tick_address(struct rpc_address *address, uint64_t now_ms)
{
    uint64_t next_ms = address->closed_until_ms > now_ms ? address->closed_until_ms : UINT64_MAX;

    for (struct rpc_connection *connection = address->connections, *next; connection; connection = next) {
        next = connection->next;
        next_ms = sooner(next_ms, sweep(&connection->tries, now_ms));
        next_ms = sooner(next_ms, rpc_connection_tick(connection, now_ms));
    }
    return next_ms;
}

/* Looks at all there is: for time-outs, and for what was given up. */
static void look_around(struct rpc_client *client)
{
    uint64_t now_ms = rpc_now_ms(), next_ms = UINT64_MAX;

    for (struct rpc_service *service = client->services; service; service = service->next) {
        next_ms = sooner(next_ms, sweep(&service->waiting, now_ms));
        for (struct rpc_address *address = service->addresses; address; address = address->next)
            next_ms = sooner(next_ms, tick_address(address, now_ms));
        rpc_service_dispatch(client, service);
        flush(service);
    }
    rpc_client_wake_at(client, next_ms);
}

static void on_timer(uv_timer_t *timer)
{
    struct rpc_client *client = timer->data;

    client->timer_due_ms = 0;
    look_around(client);
}

static void begin(struct rpc_client *client, struct rpc_try *item)
{
    struct rpc_service *service = item->service;

    rpc_try_list_add(&service->waiting, item);
    if (service->waiting.count > RPC_WAITING_MAX)
        rpc_try_end(item, RPC_OUTCOME_UNPROCESSED, "Too many calls wait for it.");
    else
        rpc_client_wake_at(client, due_ms(item));
}

static void close_all(struct rpc_client *client)
{
    for (struct rpc_service *service = client->services; service; service = service->next) {
        for (struct rpc_address *address = service->addresses; address; address = address->next) {
            while (address->connections)
                rpc_connection_close(address->connections, "The process ends.");
        }
    }
    uv_close((uv_handle_t *)&client->timer, NULL);
    uv_close((uv_handle_t *)&client->async, NULL);
}

static void on_async(uv_async_t *async)
{
    struct rpc_client *client = async->data;

    task_mutex_lock(&client->lock);
    struct rpc_try *item = client->queue.first;
    bool has_cancels = client->has_cancels, is_ending = client->is_ending;
    client->queue = (struct rpc_try_list){0};
    client->has_cancels = false;
    task_mutex_unlock(&client->lock);
    for (struct rpc_try *next; item; item = next) {
        next = item->next;
        begin(client, item);
    }
    if (has_cancels)
        look_around(client);
    for (struct rpc_service *service = client->services; service; service = service->next) {
        rpc_service_dispatch(client, service);
        flush(service);
    }
    if (is_ending && !uv_is_closing((uv_handle_t *)&client->async))
        close_all(client);
}

static void run(void *argument)
{
    struct rpc_client *client = argument;

    uv_run(&client->loop, UV_RUN_DEFAULT);
}

/* -- Calling ------------------------------------------------------------------------------------------------------- */

static void cancelled(void *context)
{
    struct rpc_try *item = context;

    TASK_LOCKED(&item->client->lock);
    item->is_cancelled = true;
    item->client->has_cancels = true;
    uv_async_send(&item->client->async);
}

static void wait_for(struct rpc_client *client, struct rpc_try *item)
{
    if (!rpc_cancel_watch(item->call->cancel, cancelled, item)) {
        item->outcome = RPC_OUTCOME_CANCELLED;
        return;
    }
    task_mutex_lock(&client->lock);
    bool was_empty = client->queue.count == 0;
    rpc_try_list_add(&client->queue, item);
    task_mutex_unlock(&client->lock);
    if (was_empty) /* Whoever finds the queue empty wakes the loop, for all that follow. */
        uv_async_send(&client->async);
    task_event_wait(&item->done);
    rpc_cancel_unwatch(item->call->cancel);
}

/* Whether a try may follow, and waits until it is time for it. */
static bool wait_for_next(struct rpc_client *client, const struct rpc_try *item, unsigned tries)
{
    const struct rpc_client_call *call = item->call;
    bool is_down = item->outcome == RPC_OUTCOME_LOST ||
                   (item->outcome == RPC_OUTCOME_ENDED && item->ending.status == RPC_UNAVAILABLE);
    bool is_unseen = item->outcome == RPC_OUTCOME_UNPROCESSED;

    task_mutex_lock(&client->lock);
    int64_t *budget = &item->service->budget;
    bool has_budget = *budget > BUDGET_MAX / 2;
    if (is_down || is_unseen)
        *budget = *budget > BUDGET_COST ? *budget - BUDGET_COST : 0;
    else if (*budget < BUDGET_MAX)
        *budget += 1;
    task_mutex_unlock(&client->lock);
    if (!(is_unseen || (is_down && call->is_idempotent)) || !has_budget || tries >= TRIES_MAX)
        return false;
    int64_t delay_ms = (int64_t)TRY_DELAY_MS << (tries - 1);
    delay_ms = delay_ms / 2 + (int64_t)random_below((uint64_t)delay_ms / 2 + 1);
    if (clock_monotonic_ns() + delay_ms * CLOCK_NS_PER_MS >= call->deadline_ns)
        return false;
    task_sleep_ms(delay_ms);
    return true;
}

static int explain(struct arena *arena, const struct rpc_try *item, struct problem *ret_problem)
{
    const char *name = item->call->service;

    switch (item->outcome) {
    case RPC_OUTCOME_ENDED:
        return rpc_problem_decode(arena, &item->ending, ret_problem);
    case RPC_OUTCOME_DEADLINE:
        return problem_set(ret_problem, ERR_DEADLINE, "deadline", NULL, "The time for this request is up.");
    case RPC_OUTCOME_CANCELLED:
        return problem_set(ret_problem, ERR_CANCELLED, "cancelled", NULL, "Nobody waits for this call any more.");
    case RPC_OUTCOME_TOO_LARGE:
        return problem_set(ret_problem, ERR_TOO_LARGE, "reply_too_large", NULL, "The reply of %s is too large.", name);
    case RPC_OUTCOME_NO_MEMORY:
        return ERR_NO_MEMORY;
    default:
        return problem_set(ret_problem, ERR_UNAVAILABLE, "service_unavailable", NULL,
                           "The %s service does not answer: %s", name, item->reason);
    }
}

int rpc_client_call(struct rpc_client *client, struct arena *arena, const struct rpc_client_call *call,
                    struct buf *reply, struct problem *ret_problem)
{
    struct rpc_service *service = rpc_peers_find(client->services, call->service);
    bool is_again = true;
    int result = 0;

    for (unsigned tries = 1; is_again; tries++) {
        struct rpc_try item = {.call = call, .client = client, .service = service, .reply = reply};

        item.texts = BUF((size_t)RPC_TRAILER_BYTES_MAX);
        rpc_frame_reader_init(&item.reader, reply->max);
        task_event_init(&item.done);
        buf_clear(reply);
        wait_for(client, &item);
        is_again = wait_for_next(client, &item, tries);
        if (!is_again)
            result = explain(arena, &item, ret_problem);
        rpc_frame_reader_free(&item.reader);
        buf_free(&item.texts);
    }
    return result;
}

bool rpc_client_has(const struct rpc_client *client, const char *service)
{
    return client && rpc_peers_find(client->services, service);
}

/* -- Opening and closing ------------------------------------------------------------------------------------------- */

int rpc_client_start(struct rpc_client *client)
{
    int result = task_start(&client->task, "rpc client", run, client);

    client->is_started = result == 0;
    return result;
}

static int secure(struct rpc_client *client, const struct rpc_security *security,
                  char ret_message[RPC_CLIENT_MESSAGE_BYTES])
{
    bool has_identity = security && security->identity;

    if (has_identity) {
        client->tls_context = tls_identity_client_context(security->identity);
        client->trust_domain = security->trust_domain;
        return client->tls_context ? 0 : ERR_NO_MEMORY;
    }
    if (!rpc_peers_have_secure(client->services))
        return 0;
    snprintf(ret_message, RPC_CLIENT_MESSAGE_BYTES, "grpcs: wants a certificate of one's own to show");
    return ERR_INVALID;
}

int rpc_client_new(struct rpc_client **ret_client, struct str peers, const struct rpc_security *security,
                   char ret_message[RPC_CLIENT_MESSAGE_BYTES])
{
    struct rpc_client *client = calloc(1, sizeof(*client));
    int result = client ? rpc_peers_parse(peers, &client->services, ret_message) : ERR_NO_MEMORY;

    if (result == 0)
        result = secure(client, security, ret_message);
    if (result == 0 && uv_loop_init(&client->loop) != 0)
        result = ERR_NO_MEMORY;
    if (result < 0) {
        rpc_peers_free(client ? client->services : NULL);
        if (client)
            SSL_CTX_free(client->tls_context);
        free(client);
        return result;
    }
    for (struct rpc_service *service = client->services; service; service = service->next)
        service->budget = BUDGET_MAX;
    task_mutex_init(&client->lock);
    client->loop.data = client->async.data = client->timer.data = client;
    ASSERT(uv_async_init(&client->loop, &client->async, on_async) == 0);
    ASSERT(uv_timer_init(&client->loop, &client->timer) == 0);
    *ret_client = client;
    return 0;
}

void rpc_client_free(struct rpc_client *client)
{
    if (!client)
        return;
    task_mutex_lock(&client->lock);
    client->is_ending = true;
    task_mutex_unlock(&client->lock);
    uv_async_send(&client->async);
    if (client->is_started)
        task_join(client->task);
    else
        run(client);
    ASSERT(uv_loop_close(&client->loop) == 0);
    rpc_peers_free(client->services);
    SSL_CTX_free(client->tls_context);
    task_mutex_destroy(&client->lock);
    free(client);
}
