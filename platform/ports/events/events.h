/* The events port: the backbone that carries what happened from the service that made it true to those who follow.
 *
 * An event is written to the outbox of the service's own database, in the transaction that makes it true. Embedded, the
 * outbox is the log: consumers read it in order, and commit their offset with their effect. On Kafka the log is a
 * topic, into which Debezium takes the outboxes of all processes. An event of one key is seen in order; each event
 * takes effect once. The envelope is CloudEvents 1.0's attributes. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/problem.h"
#include "platform/ports/sql/sql.h"

#define EVENT_ATTEMPTS_MAX 5
#define EVENT_BATCH_MAX 128

struct event {
    int64_t offset;    /* in its log, growing; on Kafka, in its partition, and to a tail that process's own number */
    struct str id;     /* UUIDv7 */
    struct str source; /* the service that published it */
    struct str topic;  /* "product.events" */
    struct str type;   /* "product.updated" */
    struct str key;    /* the aggregate's id: CloudEvents' subject */
    struct str tenant;
    int64_t time_ms;
    struct str traceparent;
    struct str payload; /* the message as JSON */
    bool is_past;       /* to a tail: it was in the log before the bus started */
};

#define EVENT_RETRY_FIRST_MS INT64_C(20) /* after the first failure; doubled each time */
#define EVENT_RETRY_LAST_MS INT64_C(5000)
#define EVENT_LOOK_MS INT64_C(5000) /* a consumer looks at its log at least that often, unwoken */
#define EVENT_PAYLOAD_BYTES_MAX ((size_t)1 << 20)
#define EVENT_SOURCES_MAX 32
#define EVENT_CONSUMERS_MAX 256
#define EVENT_LISTENERS_MAX 8
#define EVENT_NOTICES_MAX 1024 /* of one transaction; past it a listener gets whole topics */
#define EVENT_TRIM_MAX 1000    /* rows deleted by one event_trim */
#define EVENT_LIST_MAX 1000

struct event_bus;

/* -- Publishing ---------------------------------------------------------------------------------------------------- */

/* Writes the event to the outbox in the running write transaction. Of the event: topic, type, key, tenant, payload; id
 * and time_ms are made where they are empty; offset and source are ignored. After the commit, and before anybody learns
 * of it, the listeners are called and the consumers woken. bus may be NULL where there are none (the command line on a
 * stopped shop): the consumers find the event when they start. ERR_TOO_LARGE over EVENT_PAYLOAD_BYTES_MAX. */
int event_append(struct event_bus *bus, struct sql_tx *tx, const struct event *event);

/* Called on the writer's task, after the commit and before the write is acknowledged, once for each event, of which
 * only topic, type, key and tenant are set; it must not block. Where one transaction made more than EVENT_NOTICES_MAX
 * events, the rest of a topic is told as one notice with an empty key: anything of that topic may have changed. May be
 * told of an event whose closure was rolled back after all, never the reverse. */
typedef void event_listener(void *context, const struct event *event);

/* Before event_bus_start. ERR_TOO_LARGE past EVENT_LISTENERS_MAX. */
int events_on_commit(struct event_bus *bus, event_listener *listener, void *context);

/* -- Consuming ----------------------------------------------------------------------------------------------------- */

/* Handles one event inside the consumer's write transaction, in which its offset moves too. An error undoes what it
 * wrote; the event is tried again with growing delays while later ones of the log wait, and after EVENT_ATTEMPTS_MAX
 * it is put into quarantine. ERR_STORAGE_FULL and ERR_CANCELLED are nobody's fault and do not count. */
typedef int event_handler_run(void *context, struct sql_tx *tx, const struct event *event, struct problem *ret_problem);

/* A consumer without a database is a tail: it follows the log as it grows, so that each process that has one sees every
 * event, where of a group one process does. It begins `replay_max` events before the end, and nothing is kept of how
 * far it came. Its handler runs outside a transaction (tx is NULL); an event that it fails on is tried again as above,
 * and then passed over. So it may see an event twice: the offset tells, where no connector died. It holds no event back
 * from being trimmed. */

struct event_consumer {
    const char *group;  /* names the offset; unique in the consumer's database. Starts at the first event */
    const char *source; /* the service that publishes the topic; NULL, on a shared bus: whichever does */
    const char *topic;
    const char *const *types; /* NULL-terminated, or NULL for all */
    struct sql_db *db;        /* the consumer's, with events_migrations applied; NULL: a tail */
    int64_t replay_max;       /* of a tail */
    event_handler_run *run;
    void *context;
};

/* What a bus by such a URL needs beside the services' databases: TCP ports, and a file to read; "" for none. What a
 * process in its sandbox is left with. */
#define EVENT_PORTS_MAX 16
#define EVENT_FILE_BYTES 256
struct event_reach {
    unsigned short ports[EVENT_PORTS_MAX];
    size_t port_count;
    char file[EVENT_FILE_BYTES];
};

/* ERR_INVALID as event_bus_open. */
int event_bus_get_reach(const char *url, struct event_reach *ret_reach, char ret_message[512]);

/* Opens the adapter that the URL's scheme names. ERR_INVALID with a ret_message: there is none, or the URL is not as it
 * wants it; ERR_NO_MEMORY. */
int event_bus_open(struct event_bus **ret_bus, const struct port_config *config, char ret_message[512]);

/* Whether events of other processes come, too: a consumer needs no source of its own process then, and the one that it
 * names is not looked at. */
bool event_bus_is_shared(const struct event_bus *bus);

/* A service that publishes, and the database with its outbox. Names and databases outlive the bus. */
int event_bus_add_source(struct event_bus *bus, const char *name, struct sql_db *db);

/* Copies the struct, not what it points to. ERR_NOT_FOUND when the source is not known, ERR_CONFLICT for a group that
 * is taken in that database, ERR_TOO_LARGE past EVENT_CONSUMERS_MAX. */
int event_bus_add_consumer(struct event_bus *bus, const struct event_consumer *consumer);

int event_bus_start(struct event_bus *bus);
void event_bus_stop(struct event_bus *bus); /* finishes the events in hand */
void event_bus_free(struct event_bus *bus); /* after stop and the last transaction that published; NULL is fine */

/* Waits until every consumer is at the end of its log; false when the deadline (monotonic) came first. */
bool event_bus_settle(struct event_bus *bus, int64_t deadline_ns);

/* Deletes up to EVENT_TRIM_MAX events of the source's log that are older than that wall time and that every consumer of
 * the source has passed. Without a consumer, age alone counts. On Kafka: that are older and that Kafka has. */
int event_bus_trim(struct event_bus *bus, const char *source, int64_t older_than_ms, int64_t *ret_deleted);

/* -- Quarantine ---------------------------------------------------------------------------------------------------- */

struct quarantined_event {
    struct str group;
    struct event event; /* whole: its bytes are kept */
    int error;          /* of the last attempt */
    struct str detail;
    int64_t attempts;
    int64_t quarantined_at_ms;
};

/* In the consumer's database, those after (group, source, offset); empty and 0 for the first. Rows lie in the arena. */
int event_quarantine_list(struct sql_tx *tx, struct arena *arena, struct str group, struct str source, int64_t offset,
                          size_t limit, struct quarantined_event **ret_events, size_t *ret_count);

/* Handles a quarantined event once more, in one transaction that takes it out of quarantine. On failure it stays, with
 * the new error. ERR_NOT_FOUND when it is not there or has no consumer here. */
int event_quarantine_replay(struct event_bus *bus, struct sql_db *db, struct str group, struct str source,
                            int64_t offset, struct problem *ret_problem);
