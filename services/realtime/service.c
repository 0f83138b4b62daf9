/* realtime: what happens, told as it happens, to who may know. */
#include "platform/service/host.h"
#include "services/realtime/realtime.h"

#include <stdlib.h>

static void stop(void *state)
{
    struct realtime_state *realtime = state;

    hub_free(realtime->hub);
    free(realtime);
}

/* Whose events are told. */
static const char *const publishers[] = {"catalog", "orders", "payments"};

static void say_what_is_missing(struct call *call)
{
    for (size_t i = 0; i < sizeof(publishers) / sizeof(publishers[0]); i++) {
        if (!host_hears(call->host, publishers[i]))
            log_warning(&call->log,
                        "a service does not run in this process: its events do not reach it, and who asks to follow "
                        "them is refused",
                        LOG_CSTR("missing", publishers[i]));
    }
}

static int start(struct call *call, void **ret_state)
{
    struct realtime_state *realtime = calloc(1, sizeof(*realtime));

    if (!realtime)
        return ERR_NO_MEMORY;
    int result = hub_new(&realtime->hub, call->host->tokens);
    if (result < 0) {
        free(realtime);
        return result;
    }
    say_what_is_missing(call);
    *ret_state = realtime;
    return 0;
}

const struct service realtime_service = {
    .name = "realtime",
    .port = 3008,
    .help = "What happens, told as it happens",
    .calls = (const char *const[]){"orders", NULL},
    .routes =
        (const struct route[]){
            {"GET", "/v1/events", RAW(follow_events), .auth = AUTH_ANYONE, .gives = "text/event-stream",
             .summary = "Follow channels=product:ID,order:ID,user:ID (Server-Sent Events), or by a ticket=…; "
                        "Last-Event-ID, or last_event_id=…, brings what was missed"},
            {"POST", "/v1/tickets", RPC(realtime, create_ticket), .auth = AUTH_SHOPPER, .rate = RATE_WRITE,
             .tx = TX_NONE, .status = 201,
             .summary = "A ticket to follow channels once, within 30 seconds, where no header can be sent"},
            {0},
        },
    .consumes =
        (const struct consumer[]){
            {.topic = "product.events",
             .group = "realtime.products",
             .handler = tell_product_event,
             .is_live = true,
             .live_replay_max = REALTIME_REPLAY_MAX},
            {.topic = "order.lifecycle",
             .group = "realtime.orders",
             .handler = tell_order_event,
             .is_live = true,
             .live_replay_max = REALTIME_REPLAY_MAX},
            {.topic = "payment.events",
             .group = "realtime.payments",
             .handler = tell_payment_event,
             .is_live = true,
             .live_replay_max = REALTIME_REPLAY_MAX},
            {0},
        },
    .start = start,
    .stop = stop,
};
