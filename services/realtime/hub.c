#include "services/realtime/hub.h"

#include "platform/base/err.h"
#include "platform/base/hash.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/metrics/metrics.h"
#include "platform/service/token.h"
#include "services/realtime/piece.h"

#include <stdio.h>
#include <stdlib.h>

#define BUCKETS 4096u          /* of channels; a power of two */
#define TICK_NS CLOCK_NS_PER_S /* the step of heartbeats, and within which an ended session is seen */

static struct metric subscribers = METRIC_GAUGE("realtime_subscribers", "Streams that are open.");
static struct metric sent = METRIC_COUNTER("realtime_events_sent_total", "Events given to streams.");
static struct metric ended = METRIC_COUNTER("realtime_streams_ended_total", "Streams that ended, by why.", "reason");

struct subscriber;

struct channel {
    struct channel *next; /* in its bucket */
    struct link *first;
    struct http_blob *held; /* the body of a paced event that waits; one reference */
    uint64_t held_key;      /* the hash of its pace_key */
    int64_t told_ns;        /* when a paced one was sent */
    size_t name_len;
    char name[];
};

/* One subscriber on one channel. */
struct link {
    struct subscriber *subscriber;
    struct channel *channel; /* NULL: unused */
    struct link *previous, *next;
};

struct subscriber {
    struct hub *hub;
    struct http_stream *stream;
    struct subscriber *previous, *next;
    int64_t until_ns;
    uint64_t told; /* the last event: one that goes to two of its channels is sent once */
    bool is_back;  /* and was told all up to came_from */
    struct position came_from;
    unsigned slot; /* the second of the heartbeat's span in which it gets one */
    size_t link_count;
    char session_id[TOKEN_ID_BYTES];
    struct link links[]; /* CHANNELS_OF_SUBSCRIBER_MAX at the most */
};

struct hub {
    struct task_mutex mutex;
    struct task_cond changed;
    struct task *task;
    struct token_ring *ring;
    struct hash_key hash_key;
    bool is_ending;
    uint64_t told; /* counts what is sent */
    struct subscriber *first;
    size_t count;
    unsigned next_slot;
    size_t held_count; /* channels with a paced event that waits */
    int64_t held_until_ns;
    struct channel *buckets[BUCKETS];
    struct recent recent;
};

/* -- Channels ------------------------------------------------------------------------------------------------------ */

static struct channel **channel_place(struct hub *hub, struct str name)
{
    struct channel **place = &hub->buckets[hash_keyed(&hub->hash_key, name) & (BUCKETS - 1)];

    while (*place && !str_equal(str_from((*place)->name, (*place)->name_len), name))
        place = &(*place)->next;
    return place;
}

static struct channel *channel_open(struct hub *hub, struct str name)
{
    struct channel **place = channel_place(hub, name);

    if (*place)
        return *place;
    struct channel *channel = calloc(1, sizeof(*channel) + name.len);
    if (!channel)
        return NULL;
    channel->name_len = name.len;
    memcpy(channel->name, name.ptr, name.len);
    return *place = channel;
}

static void channel_close_unused(struct hub *hub, struct channel *channel)
{
    if (channel->first)
        return;
    struct channel **place = channel_place(hub, str_from(channel->name, channel->name_len));

    *place = channel->next;
    hub->held_count -= channel->held != NULL;
    http_blob_unref(channel->held);
    free(channel);
}

static void link_remove(struct hub *hub, struct link *link)
{
    struct channel *channel = link->channel;

    if (!channel)
        return;
    if (link->previous)
        link->previous->next = link->next;
    else
        channel->first = link->next;
    if (link->next)
        link->next->previous = link->previous;
    link->channel = NULL;
    channel_close_unused(hub, channel);
}

static int link_add(struct hub *hub, struct subscriber *subscriber, struct str name)
{
    struct channel *channel = channel_open(hub, name);

    if (!channel)
        return ERR_NO_MEMORY;
    struct link *link = &subscriber->links[subscriber->link_count++];
    *link = (struct link){.subscriber = subscriber, .channel = channel, .next = channel->first};
    if (link->next)
        link->next->previous = link;
    channel->first = link;
    return 0;
}

/* -- What is sent -------------------------------------------------------------------------------------------------- */

static void send(struct subscriber *subscriber, struct http_blob *blob)
{
    /* One that is cut for being slow, or gone, is told to on_end. */
    if (http_stream_write(subscriber->stream, blob) == 0)
        metric_count(&sent, METRIC_NO_LABELS, 1);
}

/* Who comes back at once after a start may be here before what it missed was read again. */
static bool has_missed(const struct subscriber *subscriber, const struct hub_event *past)
{
    return subscriber->is_back && subscriber->came_from.offsets[past->source] < past->offset;
}

/* past: an event that only those who missed it are told; NULL: all are. */
static void send_channel(struct channel *channel, struct http_blob *blob, uint64_t told, const struct hub_event *past)
{
    for (struct link *link = channel->first; link; link = link->next) {
        struct subscriber *subscriber = link->subscriber;

        if (subscriber->told == told || (past && !has_missed(subscriber, past)))
            continue;
        subscriber->told = told;
        send(subscriber, blob);
    }
}

/* -- Coming and going ---------------------------------------------------------------------------------------------- */

static void forget(struct hub *hub, struct subscriber *subscriber)
{
    if (subscriber->previous)
        subscriber->previous->next = subscriber->next;
    else
        hub->first = subscriber->next;
    if (subscriber->next)
        subscriber->next->previous = subscriber->previous;
    for (size_t i = 0; i < subscriber->link_count; i++)
        link_remove(hub, &subscriber->links[i]);
    hub->count--;
    metric_set(&subscribers, METRIC_NO_LABELS, (int64_t)hub->count);
}

static void leave(struct hub *hub, struct subscriber *subscriber)
{
    TASK_LOCKED(&hub->mutex);

    forget(hub, subscriber);
    task_cond_broadcast(&hub->changed);
}

static void on_end(void *context, enum http_stream_end end)
{
    static const char *const reasons[] = {[HTTP_STREAM_ENDED] = "ended",
                                          [HTTP_STREAM_GONE] = "gone",
                                          [HTTP_STREAM_SLOW] = "slow",
                                          [HTTP_STREAM_DRAINED] = "drained"};
    struct subscriber *subscriber = context;

    metric_count(&ended, METRIC_LABELS(str_from_cstr(reasons[end])), 1);
    leave(subscriber->hub, subscriber);
    http_stream_unref(subscriber->stream);
    free(subscriber);
}

static void copy_id(char target[TOKEN_ID_BYTES], struct str id)
{
    snprintf(target, TOKEN_ID_BYTES, "%.*s", STR_FORMAT(id));
}

static struct subscriber *subscriber_new(struct hub *hub, const struct subscription *subscription)
{
    struct subscriber *subscriber =
        calloc(1, sizeof(*subscriber) + subscription->channel_count * sizeof(subscriber->links[0]));

    if (!subscriber)
        return NULL;
    subscriber->hub = hub;
    subscriber->stream = http_stream_new(STREAM_BYTES_MAX, on_end, subscriber);
    if (!subscriber->stream) {
        free(subscriber);
        return NULL;
    }
    subscriber->until_ns = clock_monotonic_ns() + STREAM_LIFE_S * CLOCK_NS_PER_S;
    copy_id(subscriber->session_id, subscription->session_id);
    return subscriber;
}

/* Whether an event goes to one of the subscriber's channels. */
static bool follows(const struct subscriber *subscriber, struct str channels)
{
    char line[CHANNEL_BYTES_MAX + 2];

    for (size_t i = 0; i < subscriber->link_count; i++) {
        const struct channel *channel = subscriber->links[i].channel;
        int len = snprintf(line, sizeof(line), "\x1e%.*s\x1e", (int)channel->name_len, channel->name);

        if (str_find(channels, str_from(line, (size_t)len)) >= 0)
            return true;
    }
    return false;
}

/* What the subscriber missed, bounded; false when that is not known any more, or too much. */
static bool replay(struct hub *hub, struct subscriber *subscriber, const struct position *from)
{
    struct position cursor = *from;
    const struct recent_event *event;
    size_t bytes = 0;

    if (!recent_reaches(&hub->recent, from))
        return false;
    while ((event = recent_next(&hub->recent, &cursor)))
        bytes += follows(subscriber, http_blob_bytes(event->channels)) ? http_blob_bytes(event->blob).len : 0;
    if (bytes > REPLAY_BYTES_MAX)
        return false;
    cursor = *from;
    while ((event = recent_next(&hub->recent, &cursor))) {
        if (follows(subscriber, http_blob_bytes(event->channels)))
            send(subscriber, event->blob);
    }
    return true;
}

static int send_resync(struct subscriber *subscriber, const struct position *now)
{
    struct http_blob *body = piece_body(STR("resync"), STR("{}"));
    struct http_blob *piece = body ? piece_event(now, body) : NULL;

    if (piece)
        send(subscriber, piece);
    http_blob_unref(body);
    http_blob_unref(piece);
    return piece ? 0 : ERR_NO_MEMORY;
}

/* The first words on a stream. */
static int begin(struct hub *hub, struct subscriber *subscriber, struct str last_event_id)
{
    const struct position *now = &hub->recent.position;
    struct position from = *now;
    bool is_known = last_event_id.len == 0 || position_parse(last_event_id, &from) == 0;
    struct http_blob *greeting = piece_greeting(&from, RETRY_MS);

    if (!greeting)
        return ERR_NO_MEMORY;
    send(subscriber, greeting);
    http_blob_unref(greeting);
    subscriber->is_back = last_event_id.len > 0 && is_known;
    subscriber->came_from = from;
    return is_known && replay(hub, subscriber, &from) ? 0 : send_resync(subscriber, now);
}

static int join(struct hub *hub, struct subscriber *subscriber, const struct subscription *subscription)
{
    TASK_LOCKED(&hub->mutex);

    if (hub->is_ending)
        return ERR_CANCELLED;
    subscriber->slot = hub->next_slot++ % HEARTBEAT_S;
    subscriber->next = hub->first;
    if (subscriber->next)
        subscriber->next->previous = subscriber;
    hub->first = subscriber;
    hub->count++;
    metric_set(&subscribers, METRIC_NO_LABELS, (int64_t)hub->count);
    int result = 0;
    for (size_t i = 0; i < subscription->channel_count && result == 0; i++)
        result = link_add(hub, subscriber, subscription->channels[i]);
    if (result == 0)
        result = begin(hub, subscriber, subscription->last_event_id);
    if (result < 0)
        forget(hub, subscriber);
    return result;
}

int hub_subscribe(struct hub *hub, const struct subscription *subscription, struct http_stream **ret_stream)
{
    ASSERT(subscription->channel_count <= CHANNELS_OF_SUBSCRIBER_MAX);
    struct subscriber *subscriber = subscriber_new(hub, subscription);

    if (!subscriber)
        return ERR_NO_MEMORY;
    struct http_stream *stream = http_stream_ref(subscriber->stream);
    int result = join(hub, subscriber, subscription);
    if (result < 0) {
        http_stream_unref(stream);
        http_stream_unref(subscriber->stream);
        free(subscriber);
        return result;
    }
    *ret_stream = stream;
    return 0;
}

/* -- Events -------------------------------------------------------------------------------------------------------- */

static struct http_blob *join_channels(const struct hub_event *event)
{
    CLEANUP(buf_free) struct buf lines = BUF(CHANNELS_OF_EVENT_MAX * (CHANNEL_BYTES_MAX + 2));

    for (size_t i = 0; i < event->channel_count; i++)
        buf_printf(&lines, "\x1e%.*s\x1e", STR_FORMAT(event->channels[i]));
    return buf_error(&lines) ? NULL : http_blob_new(buf_str(&lines));
}

/* Sends what waits, as of now. */
static void send_held(struct hub *hub, struct channel *channel)
{
    struct http_blob *piece = channel->held ? piece_event(&hub->recent.position, channel->held) : NULL;

    if (piece) {
        channel->told_ns = clock_monotonic_ns();
        send_channel(channel, piece, ++hub->told, NULL);
    }
    hub->held_count -= channel->held != NULL;
    http_blob_unref(channel->held);
    http_blob_unref(piece);
    channel->held = NULL;
}

/* A sale changes a product's stock many times a second, and the last change has all that a page needs of the same SKUs:
 * whether this one waits for the next. */
static bool hold(struct hub *hub, struct channel *channel, struct http_blob *body, struct str pace_key)
{
    uint64_t key = hash_keyed(&hub->hash_key, pace_key);
    int64_t now_ns = clock_monotonic_ns();

    if (channel->held && (pace_key.len == 0 || channel->held_key != key))
        send_held(hub, channel);
    if (pace_key.len == 0)
        return false;
    if (!channel->held && now_ns - channel->told_ns >= PACE_MS * CLOCK_NS_PER_MS) {
        channel->told_ns = now_ns;
        return false;
    }
    if (hub->held_count == 0) {
        hub->held_until_ns = now_ns + PACE_MS * CLOCK_NS_PER_MS;
        task_cond_signal(&hub->changed);
    }
    hub->held_count += channel->held == NULL;
    http_blob_unref(channel->held);
    channel->held = http_blob_ref(body);
    channel->held_key = key;
    return true;
}

static void tell(struct hub *hub, const struct hub_event *event, struct http_blob *piece, struct http_blob *body)
{
    uint64_t told = ++hub->told;

    for (size_t i = 0; i < event->channel_count; i++) {
        struct channel *channel = *channel_place(hub, event->channels[i]);

        if (channel && event->is_past)
            send_channel(channel, piece, told, event);
        else if (channel && !hold(hub, channel, body, event->pace_key))
            send_channel(channel, piece, told, NULL);
    }
}

static int publish(struct hub *hub, const struct hub_event *event, struct http_blob *body, struct http_blob *channels)
{
    TASK_LOCKED(&hub->mutex);
    struct position position = hub->recent.position;

    if (recent_knows(&hub->recent, event->source, event->offset))
        return 0;
    position.offsets[event->source] = event->offset;
    struct http_blob *piece = piece_event(&position, body);
    if (!piece)
        return ERR_NO_MEMORY;
    recent_add(&hub->recent, event->source, event->offset, piece, channels);
    tell(hub, event, piece, body);
    http_blob_unref(piece);
    return 0;
}

int hub_publish(struct hub *hub, const struct hub_event *event)
{
    struct http_blob *body = piece_body(event->type, event->data);
    struct http_blob *channels = join_channels(event);
    int result = body && channels ? publish(hub, event, body, channels) : ERR_NO_MEMORY;

    http_blob_unref(body);
    http_blob_unref(channels);
    return result;
}

/* -- The clock ----------------------------------------------------------------------------------------------------- */

/* Whether the stream is to end by itself: its session was ended, or it is old. */
static bool is_over(const struct hub *hub, const struct subscriber *subscriber, int64_t now_ns, int64_t now_ms)
{
    if (now_ns >= subscriber->until_ns)
        return true;
    return hub->ring && subscriber->session_id[0] &&
           token_session_is_blocked(hub->ring, subscriber->session_id, now_ms);
}

static void tick(struct hub *hub, unsigned slot)
{
    int64_t now_ns = clock_monotonic_ns(), now_ms = clock_steady_ms();
    struct http_blob *heartbeat = piece_heartbeat(&hub->recent.position);

    for (struct subscriber *subscriber = hub->first; subscriber; subscriber = subscriber->next) {
        if (is_over(hub, subscriber, now_ns, now_ms))
            http_stream_close(subscriber->stream);
        else if (heartbeat && subscriber->slot == slot)
            http_stream_write(subscriber->stream, heartbeat);
    }
    http_blob_unref(heartbeat);
}

static void send_all_held(struct hub *hub)
{
    for (size_t i = 0; i < BUCKETS && hub->held_count > 0; i++) {
        for (struct channel *channel = hub->buckets[i]; channel; channel = channel->next) {
            if (channel->held)
                send_held(hub, channel);
        }
    }
}

static void run(void *context)
{
    struct hub *hub = context;
    int64_t tick_ns = clock_monotonic_ns() + TICK_NS;
    unsigned slot = 0;
    TASK_LOCKED(&hub->mutex);

    while (!hub->is_ending) {
        bool is_held_next = hub->held_count > 0 && hub->held_until_ns < tick_ns;

        task_cond_wait_until(&hub->changed, &hub->mutex, is_held_next ? hub->held_until_ns : tick_ns);
        int64_t now_ns = clock_monotonic_ns();
        if (hub->held_count > 0 && now_ns >= hub->held_until_ns)
            send_all_held(hub);
        if (now_ns >= tick_ns) {
            tick(hub, slot++ % HEARTBEAT_S);
            tick_ns = now_ns + TICK_NS;
        }
    }
}

/* -- The hub ------------------------------------------------------------------------------------------------------- */

int hub_new(struct hub **ret_hub, struct token_ring *ring)
{
    struct hub *hub = calloc(1, sizeof(*hub));

    if (!hub)
        return ERR_NO_MEMORY;
    task_mutex_init(&hub->mutex);
    task_cond_init(&hub->changed);
    hub->ring = ring;
    hub->hash_key = hash_key_random();
    metric_set(&subscribers, METRIC_NO_LABELS, 0);
    metric_register(&sent);
    metric_register(&ended);
    int result = task_start(&hub->task, "realtime", run, hub);
    if (result < 0) {
        hub_free(hub);
        return result;
    }
    *ret_hub = hub;
    return 0;
}

static void stop(struct hub *hub)
{
    TASK_LOCKED(&hub->mutex);

    hub->is_ending = true;
    task_cond_broadcast(&hub->changed);
}

void hub_free(struct hub *hub)
{
    if (!hub)
        return;
    stop(hub);
    task_join(hub->task);
    ASSERT(hub->count == 0);
    recent_free(&hub->recent);
    task_cond_destroy(&hub->changed);
    task_mutex_destroy(&hub->mutex);
    free(hub);
}
