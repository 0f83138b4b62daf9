/* The events port's front: the outbox, the notices to listeners, and the dispatch to the adapter. */
#include "platform/ports/events/events.h"

#include "platform/base/id.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events.sql.h"
#include "platform/ports/events/events_adapter.h"

#include <stdlib.h>

/* One row an adapter. */
static const struct {
    struct port_scheme scheme;
    int (*open)(struct event_bus **ret_bus, const struct port_config *config, char ret_message[512]);
    int (*get_reach)(const char *url, struct event_reach *ret_reach, char ret_message[512]); /* NULL: none */
} adapters[] = {
    {{"sql"}, event_bus_embedded_open, NULL},
    {{"kafka"}, event_bus_kafka_open, event_bus_kafka_get_reach},
    {{NULL}, NULL, NULL},
};

int event_bus_get_reach(const char *url, struct event_reach *ret_reach, char ret_message[512])
{
    int row = port_find(PORT_EVENTS, url, adapters, sizeof(adapters[0]), ret_message);

    TRY(row);
    *ret_reach = (struct event_reach){.port_count = 0};
    return adapters[row].get_reach ? adapters[row].get_reach(url, ret_reach, ret_message) : 0;
}

int event_bus_open(struct event_bus **ret_bus, const struct port_config *config, char ret_message[512])
{
    int row = port_find(PORT_EVENTS, config->url, adapters, sizeof(adapters[0]), ret_message);

    TRY(row);
    TRY(adapters[row].open(ret_bus, config, ret_message));
    ASSERT((*ret_bus)->adapter->version == EVENTS_ADAPTER_VERSION);
    return 0;
}

/* -- Notices: what one transaction published, until its end is known ----------------------------------------------- */

struct notice {
    struct notice *next;
    struct event event; /* its texts lie behind */
};

/* One hook a transaction, however many events it makes. */
struct notices {
    struct notices *next;
    struct event_bus *bus;
    struct sql_tx *tx;
    struct sql_db *db;
    struct notice *first, *last;
    size_t count;
};

static struct str place(char **cursor, struct str s)
{
    struct str placed = {*cursor, s.len};
    if (s.len > 0)
        memcpy(*cursor, s.ptr, s.len);
    *cursor += s.len;
    return placed;
}

static struct notice *notice_new(const struct event *event, bool whole_topic)
{
    struct str type = whole_topic ? STR_EMPTY : event->type;
    struct str key = whole_topic ? STR_EMPTY : event->key;
    struct str tenant = whole_topic ? STR_EMPTY : event->tenant;
    struct notice *notice = calloc(1, sizeof(*notice) + event->topic.len + type.len + key.len + tenant.len);
    if (!notice)
        return NULL;
    char *cursor = (char *)(notice + 1);
    notice->event.topic = place(&cursor, event->topic);
    notice->event.type = place(&cursor, type);
    notice->event.key = place(&cursor, key);
    notice->event.tenant = place(&cursor, tenant);
    return notice;
}

static void unlink_notices(struct notices *notices)
{
    TASK_LOCKED(&notices->bus->notice_mutex);
    struct notices **link = &notices->bus->open_notices;
    while (*link != notices)
        link = &(*link)->next;
    *link = notices->next;
}

static void tell(bool committed, void *argument)
{
    struct notices *notices = argument;
    struct event_bus *bus = notices->bus;
    unlink_notices(notices);
    while (notices->first) {
        struct notice *notice = notices->first;
        notices->first = notice->next;
        for (size_t i = 0; committed && i < bus->listener_count; i++)
            bus->listeners[i].listener(bus->listeners[i].context, &notice->event);
        free(notice);
    }
    if (committed)
        bus->adapter->wake(bus, notices->db);
    free(notices);
}

static struct notices *find_notices(struct event_bus *bus, struct sql_tx *tx)
{
    TASK_LOCKED(&bus->notice_mutex);
    struct notices *notices = bus->open_notices;
    while (notices && (notices->tx != tx || notices->db != sql_tx_db(tx)))
        notices = notices->next;
    return notices;
}

/* An adapter may use one address for the transactions of one commit; their notices are then told together. */
static int open_notices(struct event_bus *bus, struct sql_tx *tx, struct notices **ret_notices)
{
    struct notices *notices = find_notices(bus, tx);
    if (!notices) {
        notices = calloc(1, sizeof(*notices));
        if (!notices)
            return ERR_NO_MEMORY;
        *notices = (struct notices){.bus = bus, .tx = tx, .db = sql_tx_db(tx)};
        int error = sql_tx_on_commit(tx, tell, notices);
        if (error < 0) {
            free(notices);
            return error;
        }
        TASK_LOCKED(&bus->notice_mutex);
        notices->next = bus->open_notices;
        bus->open_notices = notices;
    }
    *ret_notices = notices;
    return 0;
}

static bool topic_is_noted(const struct notices *notices, struct str topic)
{
    for (const struct notice *notice = notices->first; notice; notice = notice->next) {
        if (notice->event.key.len == 0 && str_equal(notice->event.topic, topic))
            return true;
    }
    return false;
}

static int notify_on_commit(struct event_bus *bus, struct sql_tx *tx, const struct event *event)
{
    struct notices *notices;
    TRY(open_notices(bus, tx, &notices));
    if (bus->listener_count == 0)
        return 0;
    bool whole_topic = notices->count >= EVENT_NOTICES_MAX;
    if (whole_topic && topic_is_noted(notices, event->topic))
        return 0;
    struct notice *notice = notice_new(event, whole_topic);
    if (!notice)
        return ERR_NO_MEMORY;
    if (notices->last)
        notices->last->next = notice;
    else
        notices->first = notice;
    notices->last = notice;
    notices->count++;
    return 0;
}

/* -- Publishing ---------------------------------------------------------------------------------------------------- */

int event_outbox_append(struct sql_tx *tx, const struct event *event)
{
    char made_id[ID_BYTES];
    struct str id = event->id;
    if (id.len == 0) {
        id_new(made_id);
        id = str_from_cstr(made_id);
    }
    return sql_exec(tx, &events_sql_append,
                    SQL_ARGS(sql_text(id), sql_text(event->topic), sql_text(event->type), sql_text(event->key),
                             sql_text(event->tenant), sql_int(event->time_ms ? event->time_ms : clock_latest_ms()),
                             sql_text(event->traceparent), sql_text(event->payload)),
                    NULL);
}

int event_append(struct event_bus *bus, struct sql_tx *tx, const struct event *event)
{
    if (event->payload.len > EVENT_PAYLOAD_BYTES_MAX)
        return ERR_TOO_LARGE;
    if (!bus)
        return event_outbox_append(tx, event);
    TRY(bus->adapter->append(bus, tx, event));
    return notify_on_commit(bus, tx, event);
}

int events_on_commit(struct event_bus *bus, event_listener *listener, void *context)
{
    if (bus->listener_count == EVENT_LISTENERS_MAX)
        return ERR_TOO_LARGE;
    bus->listeners[bus->listener_count].listener = listener;
    bus->listeners[bus->listener_count].context = context;
    bus->listener_count++;
    return 0;
}

/* -- Dispatch ------------------------------------------------------------------------------------------------------ */

void event_bus_init(struct event_bus *bus, const struct event_bus_adapter *adapter)
{
    bus->adapter = adapter;
    task_mutex_init(&bus->notice_mutex);
}

void event_bus_destroy(struct event_bus *bus)
{
    ASSERT(bus->open_notices == NULL);
    task_mutex_destroy(&bus->notice_mutex);
}

bool event_bus_is_shared(const struct event_bus *bus)
{
    return bus->adapter->is_shared;
}

int event_bus_add_source(struct event_bus *bus, const char *name, struct sql_db *db)
{
    return bus->adapter->add_source(bus, name, db);
}

int event_bus_add_consumer(struct event_bus *bus, const struct event_consumer *consumer)
{
    return bus->adapter->add_consumer(bus, consumer);
}

int event_bus_start(struct event_bus *bus)
{
    return bus->adapter->start(bus);
}

void event_bus_stop(struct event_bus *bus)
{
    bus->adapter->stop(bus);
}

void event_bus_free(struct event_bus *bus)
{
    if (bus)
        bus->adapter->free(bus);
}

bool event_bus_settle(struct event_bus *bus, int64_t deadline_ns)
{
    return bus->adapter->settle(bus, deadline_ns);
}

int event_bus_trim(struct event_bus *bus, const char *source, int64_t older_than_ms, int64_t *ret_deleted)
{
    return bus->adapter->trim(bus, source, older_than_ms, ret_deleted);
}
