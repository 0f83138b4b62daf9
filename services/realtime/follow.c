/* GET /v1/events. */
#include "services/realtime/realtime.h"

struct question {
    struct str channels;
    struct str ticket;
    struct str last_event_id;
};

static int read_question(struct call *call, const struct http_request *request, struct question *ret_question)
{
    struct str query = request->query, name, value;
    struct question question = {.last_event_id = http_header_find(request, "last-event-id")};
    int more;

    while ((more = http_query_next(call->arena, &query, &name, &value)) == 1) {
        struct str *place = str_equal(name, STR("channels"))        ? &question.channels
                            : str_equal(name, STR("ticket"))        ? &question.ticket
                            : str_equal(name, STR("last_event_id")) ? &question.last_event_id
                                                                    : NULL;

        if (!place)
            return call_fail(call, ERR_INVALID, "unknown_parameter", NULL,
                             "There are channels, ticket and last_event_id.");
        /* A browser's own header says more than the address that it was opened with. */
        if (place != &question.last_event_id || place->len == 0)
            *place = value;
    }
    if (more < 0)
        return call_fail(call, more, "invalid_query", NULL, "The query is malformed.");
    *ret_question = question;
    return 0;
}

static int add_channels(struct call *call, struct str channels, struct subscription *subscription)
{
    struct str channel;

    while (channels.ptr && str_next_token(&channels, ',', &channel))
        TRY(channel_add(call, channel, subscription));
    if (subscription->channel_count == 0)
        return call_fail(call, ERR_INVALID, "channels_required", "?channels",
                         "Say what to follow: channels=product:ID, or a ticket.");
    subscription->session_id = call->who.session_id;
    return 0;
}

int follow_events(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct subscription subscription = {.channel_count = 0};
    struct http_stream *stream = NULL;
    struct question question;

    TRY(read_question(call, request, &question));
    if (question.ticket.len > 0)
        TRY(ticket_redeem(call, question.ticket, &subscription));
    else
        TRY(add_channels(call, question.channels, &subscription));
    subscription.last_event_id = question.last_event_id;
    TRY(call_answer(call, response, "text/event-stream", "no-store", STR_EMPTY));
    http_response_header(response, STR("X-Accel-Buffering"), STR("no")); /* a proxy passes each event on as it comes */
    TRY(hub_subscribe(hub_of(call), &subscription, &stream));
    response->stream = stream;
    return 0;
}
