#include "platform/ports/events/events_faulty.h"

#include "platform/ports/events/events_adapter.h"

#include <stdlib.h>

/* A consumer whose handler goes wrong. */
struct faulty_consumer {
    struct faulty_consumer *next;
    struct event_consumer inner;
    struct fault_plan *plan;
};

struct faulty_bus {
    struct event_bus base;
    struct event_bus_adapter adapter; /* what the inner one is, it is */
    struct event_bus *inner;
    struct fault_plan *plan;
    struct faulty_consumer *consumers;
};

static struct event_bus *inner_of(struct event_bus *bus)
{
    return ((struct faulty_bus *)bus)->inner;
}

static struct fault meet(struct event_bus *bus, const char *call)
{
    return fault_meet(((struct faulty_bus *)bus)->plan, FAULT_EVENTS, call);
}

/* -- What goes wrong ----------------------------------------------------------------------------------------------- */

static int faulty_append(struct event_bus *bus, struct sql_tx *tx, const struct event *event)
{
    struct event_bus *inner = inner_of(bus);
    struct fault fault = meet(bus, "append");
    fault.repeat = false;
    return FAULT_APPLY(fault, inner->adapter->append(inner, tx, event));
}

static void faulty_wake(struct event_bus *bus, struct sql_db *db)
{
    struct event_bus *inner = inner_of(bus);
    if (meet(bus, "wake").error == 0)
        inner->adapter->wake(inner, db);
}

static int faulty_trim(struct event_bus *bus, const char *source, int64_t older_than_ms, int64_t *ret_deleted)
{
    struct fault fault = meet(bus, "trim");
    return FAULT_APPLY(fault, event_bus_trim(inner_of(bus), source, older_than_ms, ret_deleted));
}

static int faulty_handle(void *context, struct sql_tx *tx, const struct event *event, struct problem *ret_problem)
{
    struct faulty_consumer *consumer = context;
    struct fault fault = fault_meet(consumer->plan, FAULT_EVENTS, "handle");
    if (fault.repeat) {
        fault.repeat = false;
        fault.late_error = ERR_UNAVAILABLE;
    }
    return FAULT_APPLY(fault, consumer->inner.run(consumer->inner.context, tx, event, ret_problem));
}

static int faulty_add_consumer(struct event_bus *bus, const struct event_consumer *consumer)
{
    struct faulty_bus *faulty = (struct faulty_bus *)bus;
    struct faulty_consumer *added = calloc(1, sizeof(*added));
    if (!added)
        return ERR_NO_MEMORY;
    *added = (struct faulty_consumer){.next = faulty->consumers, .inner = *consumer, .plan = faulty->plan};
    faulty->consumers = added;
    struct event_consumer outer = *consumer;
    outer.run = faulty_handle;
    outer.context = added;
    return event_bus_add_consumer(faulty->inner, &outer);
}

/* -- What is handed on --------------------------------------------------------------------------------------------- */

static int faulty_add_source(struct event_bus *bus, const char *name, struct sql_db *db)
{
    return event_bus_add_source(inner_of(bus), name, db);
}

static int faulty_start(struct event_bus *bus)
{
    return event_bus_start(inner_of(bus));
}

static void faulty_stop(struct event_bus *bus)
{
    event_bus_stop(inner_of(bus));
}

static bool faulty_settle(struct event_bus *bus, int64_t deadline_ns)
{
    return event_bus_settle(inner_of(bus), deadline_ns);
}

static const struct event_consumer *faulty_find_consumer(struct event_bus *bus, struct sql_db *db, struct str group,
                                                         struct str source)
{
    struct event_bus *inner = inner_of(bus);
    return inner->adapter->find_consumer(inner, db, group, source);
}

static void faulty_free(struct event_bus *bus)
{
    struct faulty_bus *faulty = (struct faulty_bus *)bus;
    event_bus_free(faulty->inner);
    while (faulty->consumers) {
        struct faulty_consumer *consumer = faulty->consumers;
        faulty->consumers = consumer->next;
        free(consumer);
    }
    event_bus_destroy(bus);
    free(faulty);
}

static const struct event_bus_adapter faulty_adapter = {
    .version = EVENTS_ADAPTER_VERSION,
    .append = faulty_append,
    .add_source = faulty_add_source,
    .add_consumer = faulty_add_consumer,
    .start = faulty_start,
    .stop = faulty_stop,
    .free = faulty_free,
    .wake = faulty_wake,
    .settle = faulty_settle,
    .trim = faulty_trim,
    .find_consumer = faulty_find_consumer,
};

int event_bus_faulty_wrap(struct event_bus **bus, struct fault_plan *plan)
{
    if (!plan)
        return 0;
    struct faulty_bus *faulty = calloc(1, sizeof(*faulty));
    if (!faulty)
        return ERR_NO_MEMORY;
    faulty->adapter = faulty_adapter;
    faulty->adapter.is_shared = event_bus_is_shared(*bus);
    event_bus_init(&faulty->base, &faulty->adapter);
    faulty->inner = *bus;
    faulty->plan = plan;
    *bus = &faulty->base;
    return 0;
}
