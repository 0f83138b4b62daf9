#include "platform/service/host_flow.h"

#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events_faulty.h"
#include "platform/ports/workflow/workflow.h"
#include "platform/service/host.h"

#include <stdlib.h>

#define EVENT_TIMEOUT_MS 10000
#define ACTIVITY_WORKERS 24
#define LIVE_ARENA_BYTES ((size_t)4 << 20)
#define OTHERS_REPLAY_MAX 1000 /* of each topic: more than is made while a start waits for its log */

/* What a consumer's row is called with. */
struct subscription {
    struct subscription *next;
    struct service_instance *instance;
    const struct consumer *row;
    struct arena *arena; /* of a live one, whose events have no transaction's */
};

struct host_flow {
    struct subscription *subscriptions;
};

/* -- The response cache follows the events ------------------------------------------------------------------------- */

static void drop_cached(void *context, const struct event *event)
{
    struct response_cache *cache = ((struct service_host *)context)->responses;

    /* More events than can be told one by one: anything of the topic may have changed. */
    if (event->key.len == 0) {
        response_cache_clear(cache);
        return;
    }
    response_cache_drop(cache, response_cache_tag(cache, event->tenant, event->topic, event->key));
    response_cache_drop(cache, response_cache_tag(cache, event->tenant, event->type, STR_EMPTY));
}

/* -- Events -------------------------------------------------------------------------------------------------------- */

static int handle_event(void *context, struct sql_tx *tx, const struct event *event, struct problem *ret_problem)
{
    struct subscription *subscription = context;
    struct arena *arena = tx ? sql_tx_arena(tx) : subscription->arena;

    if (!tx)
        arena_reset(arena);
    struct call *call = arena_alloc(arena, sizeof(*call));
    if (!call)
        return ERR_NO_MEMORY;
    TRY(host_call_begin(subscription->instance, arena, event->tenant, event->traceparent, EVENT_TIMEOUT_MS, call));
    call->tx = tx;
    int result = subscription->row->handler(call, event);
    if (result < 0) {
        *ret_problem = call->problem;
        log_warning(&call->log, "event not handled", LOG_STR("type", event->type), LOG_STR("event_id", event->id),
                    LOG_CSTR("group", subscription->row->group), LOG_ERR(result),
                    LOG_CSTR("detail", call->problem.detail));
    }
    return result;
}

bool service_publishes(const struct service *service, const char *topic)
{
    for (const char *const *published = service->publishes; published && *published; published++) {
        if (strcmp(*published, topic) == 0)
            return true;
    }
    return false;
}

static int subscription_new(struct service_instance *instance, const struct consumer *row,
                            struct subscription **ret_subscription)
{
    struct host_flow *flow = instance->host->flow;
    struct subscription *subscription = calloc(1, sizeof(*subscription));

    if (!subscription)
        return ERR_NO_MEMORY;
    *subscription = (struct subscription){.next = flow->subscriptions, .instance = instance, .row = row};
    flow->subscriptions = subscription;
    if (row->is_live && !(subscription->arena = arena_new(LIVE_ARENA_BYTES)))
        return ERR_NO_MEMORY;
    *ret_subscription = subscription;
    return 0;
}

static int add_consumer(struct service_instance *instance, const struct consumer *row, const char *source)
{
    struct subscription *subscription;

    TRY(subscription_new(instance, row, &subscription));
    const struct event_consumer consumer = {
        .group = row->group,
        .source = source,
        .topic = row->topic,
        .types = row->types,
        .db = row->is_live ? NULL : instance->db,
        .replay_max = row->live_replay_max,
        .run = handle_event,
        .context = subscription,
    };
    return event_bus_add_consumer(instance->host->bus, &consumer);
}

/* One consumer for each service of this process that publishes the topic, or one for all, wherever they run. */
static int subscribe(struct service_instance *instance, const struct consumer *row)
{
    struct service_host *host = instance->host;

    if (event_bus_is_shared(host->bus))
        return add_consumer(instance, row, NULL);
    for (size_t i = 0; i < host->instance_count; i++) {
        if (service_publishes(host->instances[i].service, row->topic))
            TRY(add_consumer(instance, row, host->instances[i].service->name));
    }
    return 0;
}

bool host_hears(struct service_host *host, const char *service)
{
    return host_instance(host, service) || event_bus_is_shared(host->bus);
}

/* What other processes make true reaches the response cache by the log; what this one does has reached it before, and
 * does so again. */
static int hear_others(void *context, struct sql_tx *tx, const struct event *event, struct problem *ret_problem)
{
    (void)tx;
    (void)ret_problem;
    drop_cached(context, event);
    return 0;
}

static int follow_topic(struct service_host *host, const char *topic)
{
    const struct event_consumer consumer = {
        .group = topic, .topic = topic, .replay_max = OTHERS_REPLAY_MAX, .run = hear_others, .context = host};
    int error = event_bus_add_consumer(host->bus, &consumer);

    return error == ERR_CONFLICT ? 0 : error; /* another service publishes it, too */
}

/* An answer that is kept here may show what any service has, wherever that runs. */
static int follow_others(struct service_host *host)
{
    const struct service *const *known =
        host->options.all_services ? host->options.all_services : host->options.services;

    for (; event_bus_is_shared(host->bus) && *known; known++) {
        for (const char *const *topic = (*known)->publishes; topic && *topic; topic++)
            TRY(follow_topic(host, *topic));
    }
    return 0;
}

/* -- Workflows ----------------------------------------------------------------------------------------------------- */

static int run_activity(void *context, const struct activity_attempt *attempt, struct problem *ret_problem)
{
    struct service_instance *instance = context;
    struct call *call = arena_alloc(attempt->arena, sizeof(*call));
    int64_t timeout_ms = (attempt->deadline_ns - clock_monotonic_ns()) / CLOCK_NS_PER_MS;

    if (!call)
        return ERR_NO_MEMORY;
    TRY(host_call_begin(instance, attempt->arena, attempt->tenant, attempt->traceparent, timeout_ms, call));
    call->tx = attempt->tx;
    call->idempotency_key = attempt->token;
    int result = attempt->activity->run(call, attempt->in, attempt->out);
    if (result < 0) {
        *ret_problem = call->problem;
        if (error_is_retriable(result))
            log_warning(&call->log, "activity failed", LOG_CSTR("activity", attempt->activity->name),
                        LOG_STR("workflow_id", attempt->workflow_id), LOG_INT("attempt", attempt->attempt),
                        LOG_ERR(result), LOG_CSTR("detail", call->problem.detail));
    }
    return result;
}

/* -- The host's calls ---------------------------------------------------------------------------------------------- */

int host_flow_open(struct service_host *host, char ret_message[512])
{
    const struct port_config config = host_port_config(host, PORT_EVENTS, NULL);

    host->flow = calloc(1, sizeof(*host->flow));
    if (!host->flow)
        return ERR_NO_MEMORY;
    TRY(event_bus_open(&host->bus, &config, ret_message));
    TRY(event_bus_faulty_wrap(&host->bus, host->options.faults));
    return events_on_commit(host->bus, drop_cached, host);
}

int host_flow_add(struct service_instance *instance, char ret_message[512])
{
    instance->activities = (struct workflow_faulty){run_activity, instance, instance->host->options.faults};
    const struct workflow_engine_config config = {
        .url = port_url(instance->host->options.config, PORT_WORKFLOW),
        .db = instance->db,
        .types = instance->service->workflows,
        .run_activity = workflow_faulty_run,
        .context = &instance->activities,
        .worker_count = ACTIVITY_WORKERS,
    };

    TRY(event_bus_add_source(instance->host->bus, instance->service->name, instance->db));
    return instance->service->workflows ? workflow_engine_open(&instance->engine, &config, ret_message) : 0;
}

int host_flow_start(struct service_host *host)
{
    for (size_t i = 0; i < host->instance_count; i++) {
        const struct consumer *row = host->instances[i].service->consumes;

        for (; row && row->topic; row++)
            TRY(subscribe(&host->instances[i], row));
    }
    TRY(follow_others(host));
    if (host->options.is_at_rest)
        return 0;
    for (size_t i = 0; i < host->instance_count; i++) {
        if (host->instances[i].engine)
            TRY(workflow_engine_start(host->instances[i].engine));
    }
    return event_bus_start(host->bus);
}

void host_flow_stop(struct service_host *host)
{
    if (host->bus)
        event_bus_stop(host->bus);
    for (size_t i = 0; i < host->instance_count; i++) {
        if (host->instances[i].engine)
            workflow_engine_stop(host->instances[i].engine);
    }
}

void host_flow_free(struct service_host *host)
{
    for (size_t i = 0; i < host->instance_count; i++)
        workflow_engine_free(host->instances[i].engine);
    event_bus_free(host->bus);
    while (host->flow && host->flow->subscriptions) {
        struct subscription *subscription = host->flow->subscriptions;

        host->flow->subscriptions = subscription->next;
        arena_free(subscription->arena);
        free(subscription);
    }
    free(host->flow);
}
