/* Who follows what, and what happened lately. One hub a process: each event that a process sees goes to those who
 * follow one of its channels, as one blob that all their streams share.
 *
 * A position says how far each log was told: "c12.o34.p5" (catalog, orders, payments). It is the id of what is sent;
 * whoever comes back with it gets what they missed, from what is kept of late, or is told to load anew (resync).
 *
 * All calls may be made from any task. */
#pragma once

#include "platform/net/http_stream.h"
#include "platform/ports/events/events.h"
#include "services/realtime/recent.h"

#define CHANNELS_OF_SUBSCRIBER_MAX 16u
#define CHANNELS_OF_EVENT_MAX 2u
#define CHANNEL_BYTES_MAX 160u  /* tenant, line end, kind:ID */
#define STREAM_BYTES_MAX 65536u /* that a peer may be behind */
#define HEARTBEAT_S 15          /* a comment, by which each side finds out that the other is gone */
#define STREAM_LIFE_S 3600      /* then the peer comes again, and shows who it is */
#define RETRY_MS 2000           /* before a browser comes again */
#define REPLAY_BYTES_MAX 32768u /* missed: more is loaded anew */
#define PACE_MS 100             /* between two events of a product's stock; the last one is told */

struct hub;
struct token_ring;

/* ring: which sessions were ended; NULL in tests without. */
int hub_new(struct hub **ret_hub, struct token_ring *ring);

/* When no stream is left: whoever sends them has ended. NULL is fine. */
void hub_free(struct hub *hub);

struct subscription {
    struct str channels[CHANNELS_OF_SUBSCRIBER_MAX]; /* "TENANT\nproduct:ID" */
    size_t channel_count;
    struct str session_id;    /* empty for guests; the stream ends with the session */
    struct str last_event_id; /* empty: from now on */
};

/* The stream lies in ret_stream with a reference for the response; it ends by itself. ERR_NO_MEMORY. */
int hub_subscribe(struct hub *hub, const struct subscription *subscription, struct http_stream **ret_stream);

/* An event of a log: told to the channels, once however often it is seen. type and data are one line each. */
struct hub_event {
    enum realtime_source source;
    int64_t offset;
    bool is_past; /* read again at the start: for who comes back, as who is here loaded the page later than that */
    struct str type;
    struct str data;
    struct str channels[CHANNELS_OF_EVENT_MAX];
    size_t channel_count;
    struct str pace_key; /* of two events of one key the later says it all: told PACE_MS apart. Empty: each is told */
};
int hub_publish(struct hub *hub, const struct hub_event *event);
