/* What the files of this service share. */
#pragma once

#include "platform/service/call.h"
#include "services/realtime/hub.h"
#include "shopstream/realtime/v1/realtime.rpc.h"

#define REALTIME_REPLAY_MAX 256 /* events of a log that are read again at the start, for who comes back */

struct realtime_state {
    struct hub *hub;
};

static inline struct hub *hub_of(const struct call *call)
{
    return ((struct realtime_state *)call->state)->hub;
}

/* -- channels.c: what may be followed, and by whom ----------------------------------------------------------------- */

/* Adds the channel "product:ID", "order:ID" or "user:ID" of the call's tenant to the subscription, if the caller may
 * follow it. ERR_INVALID for what is none, or one too many; ERR_UNAUTHENTICATED, ERR_FORBIDDEN, ERR_NOT_FOUND;
 * ERR_UNAVAILABLE where its events do not reach this process. */
int channel_add(struct call *call, struct str channel, struct subscription *subscription);

/* The same without asking whether the caller may: somebody did. */
int channel_add_allowed(struct call *call, struct str channel, struct subscription *subscription);

/* "TENANT\nKIND:ID" in the arena; NULL when there is no room. */
struct str channel_name(struct call *call, const char *kind, struct str id);

/* -- tickets.c ----------------------------------------------------------------------------------------------------- */

/* Takes a ticket, which is gone then, and fills the subscription with what it was given for. ERR_UNAUTHENTICATED with
 * the call's problem when there is none such any more. */
int ticket_redeem(struct call *call, struct str ticket, struct subscription *subscription);

/* -- Handlers ------------------------------------------------------------------------------------------------------ */

realtime_create_ticket_fn create_ticket;

int follow_events(struct call *call, const struct http_request *request, struct http_response *response);

int tell_product_event(struct call *call, const struct event *event);
int tell_order_event(struct call *call, const struct event *event);
int tell_payment_event(struct call *call, const struct event *event);
