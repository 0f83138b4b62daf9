/* What an adapter of the events port implements, and what events.c and all adapters share. */
#pragma once

#include "platform/base/task.h"
#include "platform/ports/events/events.h"

#define EVENTS_ADAPTER_VERSION 1

struct event_bus_adapter {
    unsigned version;
    bool is_shared; /* events of other processes come as well */
    void (*free)(struct event_bus *bus);
    int (*append)(struct event_bus *bus, struct sql_tx *tx, const struct event *event); /* without the notices */
    int (*add_source)(struct event_bus *bus, const char *name, struct sql_db *db);
    int (*add_consumer)(struct event_bus *bus, const struct event_consumer *consumer);
    int (*start)(struct event_bus *bus);
    void (*stop)(struct event_bus *bus);
    void (*wake)(struct event_bus *bus, struct sql_db *db); /* events of that database were committed */
    bool (*settle)(struct event_bus *bus, int64_t deadline_ns);
    int (*trim)(struct event_bus *bus, const char *source, int64_t older_than_ms, int64_t *ret_deleted);
    const struct event_consumer *(*find_consumer)(struct event_bus *bus, struct sql_db *db, struct str group,
                                                  struct str source);
};

/* The first member of an adapter's own bus. */
struct event_bus {
    const struct event_bus_adapter *adapter;
    struct task_mutex notice_mutex;
    struct notices *open_notices; /* of transactions that have not ended; under notice_mutex */
    struct {
        event_listener *listener;
        void *context;
    } listeners[EVENT_LISTENERS_MAX];
    size_t listener_count;
};

/* Each service's outbox is a log of its own. */
int event_bus_embedded_open(struct event_bus **ret_bus, const struct port_config *config, char ret_message[512]);

/* Debezium takes the outboxes to Kafka, and consumers read them there. */
int event_bus_kafka_open(struct event_bus **ret_bus, const struct port_config *config, char ret_message[512]);
int event_bus_kafka_get_reach(const char *url, struct event_reach *ret_reach, char ret_message[512]);

void event_bus_init(struct event_bus *bus, const struct event_bus_adapter *adapter);
void event_bus_destroy(struct event_bus *bus);

/* Writes the event to the outbox in the transaction; the limits of events.h are checked. */
int event_outbox_append(struct sql_tx *tx, const struct event *event);

/* The columns of an event from that one on: event_id, topic, type, key, tenant, time_ms, traceparent, payload; copied
 * into the arena. ERR_NO_MEMORY. */
int event_read(struct arena *arena, struct sql_rows *rows, unsigned first_column, struct event *ret_event);

/* Keeps an event that no attempt could handle; the offset is the caller's to move in the same transaction. */
int event_quarantine(struct sql_tx *tx, const char *group, const struct event *event, int64_t attempts,
                     const struct problem *problem);

/* The problem's sentence, or the error's name where the handler gave none. */
struct str event_detail(const struct problem *problem);
