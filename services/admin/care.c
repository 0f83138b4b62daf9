/* Checks of the databases, and what no attempt could handle: events in quarantine and dead messages of queues. */
#include "platform/base/time_format.h"
#include "platform/ports/events/events.h"
#include "platform/ports/queue/queue.h"
#include "platform/service/host.h"
#include "services/admin/admin.h"

#define QUARANTINE_LIST_MAX 500

int check(struct call *call, const Common__Empty *in, Admin__CheckReply *out)
{
    (void)in;
    out->results = arena_alloc_array(call->arena, HOST_SERVICES_MAX, sizeof(out->results[0]));
    if (!out->results)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < call->host->instance_count; i++) {
        const struct service_instance *instance = &call->host->instances[i];
        char message[512] = "";

        if (!instance->db)
            continue;
        Admin__CheckResult *result = arena_alloc(call->arena, sizeof(*result));
        if (!result)
            return ERR_NO_MEMORY;
        admin__check_result__init(result);
        result->name = arena_printf(call->arena, "%s.db", instance->service->name);
        result->has_ok = true;
        result->ok = sql_check(instance->db, message) >= 0;
        result->detail = message[0] ? arena_cstr(call->arena, str_from_cstr(message)) : NULL;
        out->results[out->n_results++] = result;
    }
    return 0;
}

/* -- Quarantine -------------------------------------------------------------------------------------------------- */

struct listing {
    struct call *call;
    struct quarantined_event *events;
    size_t count;
};

static int list_closure(struct sql_tx *tx, void *argument)
{
    struct listing *listing = argument;

    return event_quarantine_list(tx, listing->call->arena, STR_EMPTY, STR_EMPTY, 0, QUARANTINE_LIST_MAX,
                                 &listing->events, &listing->count);
}

static Admin__QuarantinedEvent *show_event(struct call *call, const struct service_instance *instance,
                                           const struct quarantined_event *quarantined)
{
    Admin__QuarantinedEvent *event = arena_alloc(call->arena, sizeof(*event));

    if (!event)
        return NULL;
    admin__quarantined_event__init(event);
    event->service = arena_cstr(call->arena, str_from_cstr(instance->service->name));
    event->group = arena_cstr(call->arena, quarantined->group);
    event->source = arena_cstr(call->arena, quarantined->event.source);
    event->has_offset = event->has_attempts = true;
    event->offset = quarantined->event.offset;
    event->attempts = quarantined->attempts;
    event->type = arena_cstr(call->arena, quarantined->event.type);
    event->key = arena_cstr(call->arena, quarantined->event.key);
    event->detail = arena_cstr(call->arena, quarantined->detail);
    return event;
}

static int list_events(struct call *call, const struct service_instance *instance, Admin__ListQuarantineReply *out)
{
    struct listing listing = {.call = call};

    TRY(sql_read(instance->db, list_closure, &listing));
    for (size_t i = 0; i < listing.count && out->n_events < QUARANTINE_LIST_MAX; i++) {
        out->events[out->n_events] = show_event(call, instance, &listing.events[i]);
        if (!out->events[out->n_events])
            return ERR_NO_MEMORY;
        out->n_events++;
    }
    return 0;
}

static char *show_time(struct call *call, int64_t ms)
{
    char text[TIME_RFC3339_BYTES];

    time_format_rfc3339(ms, text);
    return arena_cstr(call->arena, str_from_cstr(text));
}

static Admin__DeadMessage *show_message(struct call *call, const struct service_instance *instance, const char *queue,
                                        const struct work_queue_message *dead)
{
    Admin__DeadMessage *message = arena_alloc(call->arena, sizeof(*message));

    if (!message)
        return NULL;
    admin__dead_message__init(message);
    message->service = arena_cstr(call->arena, str_from_cstr(instance->service->name));
    message->queue = arena_cstr(call->arena, str_from_cstr(queue));
    message->id = arena_cstr(call->arena, dead->id);
    message->detail = arena_cstr(call->arena, dead->error);
    message->has_attempts = true;
    message->attempts = dead->attempt;
    message->enqueued_at = show_time(call, dead->enqueued_at_ms);
    message->dead_at = show_time(call, dead->dead_at_ms);
    return message;
}

static int list_messages(struct call *call, const struct service_instance *instance, Admin__ListQuarantineReply *out)
{
    for (const struct worker *row = instance->service->workers; row && row->queue; row++) {
        struct work_queue_message *dead;
        size_t count;

        TRY(work_queue_list_dead(instance->queue, str_from_cstr(row->queue), STR_EMPTY,
                                 QUARANTINE_LIST_MAX - out->n_messages, call->arena, &dead, &count));
        for (size_t i = 0; i < count; i++) {
            out->messages[out->n_messages] = show_message(call, instance, row->queue, &dead[i]);
            if (!out->messages[out->n_messages])
                return ERR_NO_MEMORY;
            out->n_messages++;
        }
    }
    return 0;
}

int list_quarantine(struct call *call, const Admin__ListQuarantineRequest *in, Admin__ListQuarantineReply *out)
{
    (void)in;
    out->events = arena_alloc_array(call->arena, QUARANTINE_LIST_MAX, sizeof(out->events[0]));
    out->messages = arena_alloc_array(call->arena, QUARANTINE_LIST_MAX, sizeof(out->messages[0]));
    if (!out->events || !out->messages)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < call->host->instance_count; i++) {
        const struct service_instance *instance = &call->host->instances[i];

        if (!instance->db)
            continue;
        TRY(list_events(call, instance, out));
        TRY(list_messages(call, instance, out));
    }
    return 0;
}

static struct service_instance *find_instance(struct call *call, const char *name)
{
    struct service_instance *instance = host_instance(call->host, name);

    if (instance && instance->db)
        return instance;
    call_fail(call, ERR_NOT_FOUND, "no_such_service", "/service",
              "That service does not run here, or has no database.");
    return NULL;
}

int replay_event(struct call *call, const Admin__ReplayEventRequest *in, Common__Empty *out)
{
    struct service_instance *instance = find_instance(call, in->service);

    (void)out;
    if (!instance)
        return ERR_NOT_FOUND;
    int result = event_quarantine_replay(call->host->bus, instance->db, str_from_cstr(in->group),
                                         str_from_cstr(in->source), in->offset, &call->problem);
    if (result == ERR_NOT_FOUND)
        return call_fail(call, ERR_NOT_FOUND, "no_such_event", NULL, "There is no such event in quarantine.");
    return result;
}

int replay_messages(struct call *call, const Admin__ReplayMessagesRequest *in, Admin__ReplayMessagesReply *out)
{
    struct service_instance *instance = find_instance(call, in->service);
    struct str id = in->id ? str_from_cstr(in->id) : STR_EMPTY;

    if (!instance)
        return ERR_NOT_FOUND;
    int result = work_queue_replay(instance->queue, NULL, str_from_cstr(in->queue), id, &out->count);
    if (result == ERR_NOT_FOUND)
        return call_fail(call, ERR_NOT_FOUND, "no_such_message", NULL, "There is no such dead message in that queue.");
    TRY(result);
    out->has_count = true;
    return 0;
}
