/* The Kafka bus: events.h by way of the outbox, Debezium and Kafka. */
#include "platform/ports/events/events_kafka.h"

#include "platform/base/log.h"
#include "platform/ports/port.h"

#include <stdlib.h>

static struct kafka_bus *kafka_of(struct event_bus *bus)
{
    return (struct kafka_bus *)bus;
}

static int kafka_append(struct event_bus *base, struct sql_tx *tx, const struct event *event)
{
    (void)base;
    return event_outbox_append(tx, event);
}

/* What was committed comes by way of Kafka. */
static void kafka_wake(struct event_bus *base, struct sql_db *db)
{
    (void)base;
    (void)db;
}

static int kafka_add_source(struct event_bus *base, const char *name, struct sql_db *db)
{
    struct kafka_bus *bus = kafka_of(base);
    ASSERT(!bus->started);
    for (size_t i = 0; i < bus->source_count; i++) {
        if (strcmp(bus->sources[i].name, name) == 0)
            return ERR_CONFLICT;
    }
    if (bus->source_count == EVENT_SOURCES_MAX)
        return ERR_TOO_LARGE;
    bus->sources[bus->source_count++] = (struct kafka_source){.name = name, .db = db};
    return 0;
}

/* A group has one topic here, whoever publishes it. */
static const struct event_consumer *kafka_find_consumer(struct event_bus *base, struct sql_db *db, struct str group,
                                                        struct str source)
{
    struct kafka_bus *bus = kafka_of(base);
    (void)source;
    for (size_t i = 0; i < bus->count; i++) {
        const struct event_consumer *consumer = &bus->list[i]->consumer;
        if (consumer->db == db && str_equal_cstr(group, consumer->group))
            return consumer;
    }
    return NULL;
}

static int kafka_add_consumer(struct event_bus *base, const struct event_consumer *consumer)
{
    struct kafka_bus *bus = kafka_of(base);
    ASSERT(!bus->started);
    if (kafka_find_consumer(base, consumer->db, str_from_cstr(consumer->group), STR_EMPTY))
        return ERR_CONFLICT;
    if (bus->count == EVENT_CONSUMERS_MAX)
        return ERR_TOO_LARGE;
    TRY(kafka_reader_new(bus, consumer, &bus->list[bus->count]));
    bus->count++;
    return 0;
}

static void kafka_stop(struct event_bus *base)
{
    struct kafka_bus *bus = kafka_of(base);
    task_mutex_lock(&bus->readers.mutex);
    bus->readers.stopping = true;
    for (size_t i = 0; i < bus->count; i++) {
        task_cond_signal(&bus->list[i]->wake);
        if (bus->list[i]->queue)
            rd_kafka_queue_yield(bus->list[i]->queue);
    }
    task_cond_broadcast(&bus->readers.moved);
    task_mutex_unlock(&bus->readers.mutex);
    for (size_t i = 0; i < bus->count; i++) {
        task_join(bus->list[i]->task);
        bus->list[i]->task = NULL;
        kafka_reader_close(bus->list[i]); /* of a tail whose task did not start */
    }
}

static int kafka_start(struct event_bus *base)
{
    struct kafka_bus *bus = kafka_of(base);
    TRY(kafka_note_start(bus));
    for (size_t i = 0; i < bus->count; i++) {
        if (kafka_is_tail(bus->list[i]) && kafka_tail_open(bus->list[i]) < 0)
            log_warning(NULL, "events wait for Kafka", LOG_CSTR("group", bus->list[i]->group));
    }
    bus->started = true;
    for (size_t i = 0; i < bus->count; i++) {
        struct kafka_reader *reader = bus->list[i];
        int error = task_start(&reader->task, reader->consumer.group,
                               kafka_is_tail(reader) ? kafka_tail_main : kafka_group_main, reader);
        if (error < 0) {
            kafka_stop(base);
            return error;
        }
    }
    return 0;
}

static void kafka_free(struct event_bus *base)
{
    struct kafka_bus *bus = kafka_of(base);
    for (size_t i = 0; i < bus->count; i++)
        kafka_reader_free(bus->list[i]);
    event_readers_destroy(&bus->readers);
    event_bus_destroy(base);
    free(bus);
}

static const struct event_bus_adapter kafka_adapter = {
    .version = EVENTS_ADAPTER_VERSION,
    .is_shared = true,
    .append = kafka_append,
    .add_source = kafka_add_source,
    .add_consumer = kafka_add_consumer,
    .start = kafka_start,
    .stop = kafka_stop,
    .free = kafka_free,
    .wake = kafka_wake,
    .settle = kafka_settle,
    .trim = kafka_trim,
    .find_consumer = kafka_find_consumer,
};

int event_bus_kafka_open(struct event_bus **ret_bus, const struct port_config *config, char ret_message[512])
{
    struct kafka_settings settings;
    TRY(kafka_settings_parse(config->url, &settings, ret_message));
    struct kafka_bus *bus = calloc(1, sizeof(*bus));
    if (!bus)
        return ERR_NO_MEMORY;
    event_bus_init(&bus->base, &kafka_adapter);
    event_readers_init(&bus->readers);
    bus->settings = settings;
    *ret_bus = &bus->base;
    return 0;
}
