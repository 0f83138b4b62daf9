/* Checks of the databases, and the events that no consumer could take. */
#include "platform/ports/events/events.h"
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

int list_quarantine(struct call *call, const Admin__ListQuarantineRequest *in, Admin__ListQuarantineReply *out)
{
    (void)in;
    out->events = arena_alloc_array(call->arena, QUARANTINE_LIST_MAX, sizeof(out->events[0]));
    if (!out->events)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < call->host->instance_count; i++) {
        struct listing listing = {.call = call};

        if (!call->host->instances[i].db)
            continue;
        TRY(sql_read(call->host->instances[i].db, list_closure, &listing));
        for (size_t j = 0; j < listing.count && out->n_events < QUARANTINE_LIST_MAX; j++) {
            out->events[out->n_events] = show_event(call, &call->host->instances[i], &listing.events[j]);
            if (!out->events[out->n_events])
                return ERR_NO_MEMORY;
            out->n_events++;
        }
    }
    return 0;
}

int replay_event(struct call *call, const Admin__ReplayEventRequest *in, Common__Empty *out)
{
    struct service_instance *instance = host_instance(call->host, in->service);

    (void)out;
    if (!instance || !instance->db)
        return call_fail(call, ERR_NOT_FOUND, "no_such_service", "/service",
                         "That service does not run here, or has no database.");
    int result = event_quarantine_replay(call->host->bus, instance->db, str_from_cstr(in->group),
                                         str_from_cstr(in->source), in->offset, &call->problem);
    if (result == ERR_NOT_FOUND)
        return call_fail(call, ERR_NOT_FOUND, "no_such_event", NULL, "There is no such event in quarantine.");
    return result;
}
