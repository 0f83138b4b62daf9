/* Messages between processes, by PUBLISH and SUBSCRIBE: a connection and a task that hears what comes and calls the
 * subscribers. What is published while the server is gone, or this connection is, is lost, as the port allows. */
#include "platform/base/backoff.h"
#include "platform/base/log.h"
#include "platform/base/task.h"
#include "platform/ports/cache/cache_redis.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/redis/redis_connection.h"

#include <stdio.h>
#include <stdlib.h>

#define CONNECT_MS 2000
#define SEND_MS 250
#define CONFIRM_MS 250
#define RECONNECT_FIRST_MS 10
#define RECONNECT_MAX_MS 1000
#define SILENCE_MS 5000 /* then it is asked whether it is still there, and after as long again it is not */
#define MESSAGE_ARENA_BYTES (CACHE_VALUE_BYTES_MAX + ((size_t)64 << 10))
#define COMMAND_BYTES_MAX ((size_t)1 << 20)

struct cache_subscription {
    struct cache_subscription *next;
    cache_subscriber *subscriber;
    void *argument;
    bool is_confirmed; /* the server knows of it */
    size_t channel_len;
    char channel[];
};

struct cache_channels {
    struct redis_client *client;
    struct task *listener; /* from the first subscription on */
    struct arena *arena;
    struct task_mutex mutex; /* of what follows; subscribers are called with it */
    struct task_cond told;
    struct redis_connection connection;
    bool is_connected, is_stopping;
    struct cache_subscription *first;
    size_t count;
};

/* Databases have keys of their own and channels in common, so the number is in the name. */
static int write_prefix(const struct cache_channels *channels, char bytes[CACHE_CHANNEL_BYTES])
{
    return snprintf(bytes, CACHE_CHANNEL_BYTES,
                    CACHE_REDIS_PREFIX "%lld:m:", (long long)redis_client_address(channels->client)->database);
}

struct str cache_channels_name(const struct cache_channels *channels, struct str channel,
                               char bytes[CACHE_CHANNEL_BYTES])
{
    size_t length = (size_t)write_prefix(channels, bytes);
    memcpy(bytes + length, channel.ptr, channel.len);
    return str_from(bytes, length + channel.len);
}

static struct str channel_of(const struct cache_subscription *subscription)
{
    return str_from(subscription->channel, subscription->channel_len);
}

/* -- What is said to the server: with the mutex ------------------------------------------------------------------- */

static void append_command(struct cache_channels *channels, struct buf *to, const char *verb, struct str channel)
{
    char name[CACHE_CHANNEL_BYTES];
    const struct str words[] = {str_from_cstr(verb), cache_channels_name(channels, channel, name)};
    if (redis_encode(to, words, 2) < 0)
        to->error = ERR_NO_MEMORY;
}

/* A connection that does not take it is ended, and the listener makes another that knows all subscriptions. */
static void send_or_end(struct cache_channels *channels, const struct buf *bytes)
{
    int64_t deadline_ns = clock_monotonic_ns() + SEND_MS * CLOCK_NS_PER_MS;
    if (bytes->error || redis_connection_send(&channels->connection, buf_str(bytes), deadline_ns) < 0)
        redis_connection_end(&channels->connection);
}

static void say(struct cache_channels *channels, const char *verb, struct str channel)
{
    CLEANUP(buf_free) struct buf bytes = BUF(COMMAND_BYTES_MAX);
    if (!channels->is_connected)
        return;
    append_command(channels, &bytes, verb, channel);
    send_or_end(channels, &bytes);
}

static void ask_whether_there(struct cache_channels *channels)
{
    CLEANUP(buf_free) struct buf bytes = BUF(COMMAND_BYTES_MAX);
    TASK_LOCKED(&channels->mutex);
    bytes.error = redis_encode(&bytes, (struct str[]){STR("PING")}, 1);
    send_or_end(channels, &bytes);
}

/* -- What comes: on the listener ----------------------------------------------------------------------------------- */

static void confirm(struct cache_channels *channels, struct str channel)
{
    for (struct cache_subscription *each = channels->first; each; each = each->next)
        if (str_equal(channel, channel_of(each)))
            each->is_confirmed = true;
    task_cond_broadcast(&channels->told);
}

static void deliver(struct cache_channels *channels, struct str channel, struct str message)
{
    for (struct cache_subscription *each = channels->first; each; each = each->next)
        if (str_equal(channel, channel_of(each)))
            each->subscriber(channel, message, each->argument);
}

/* ["subscribe", channel, count] and ["message", channel, text]; the rest says nothing of interest. */
static void take_in(struct cache_channels *channels, const struct redis_reply *reply)
{
    char prefix[CACHE_CHANNEL_BYTES];
    struct str start = str_from(prefix, (size_t)write_prefix(channels, prefix));
    if (!reply || reply->kind != REDIS_ARRAY || reply->count != 3 || reply->elements[0]->kind != REDIS_TEXT ||
        reply->elements[1]->kind != REDIS_TEXT || !str_starts_with(reply->elements[1]->text, start))
        return;
    struct str channel = str_skip(reply->elements[1]->text, start.len);
    if (str_equal_cstr(reply->elements[0]->text, "subscribe"))
        confirm(channels, channel);
    else if (str_equal_cstr(reply->elements[0]->text, "message") && reply->elements[2]->kind == REDIS_TEXT)
        deliver(channels, channel, reply->elements[2]->text);
}

/* All that is there. */
static int take_replies(struct cache_channels *channels)
{
    TASK_LOCKED(&channels->mutex);
    struct redis_reply *reply = NULL;
    int is_whole;
    while ((is_whole = redis_connection_take(&channels->connection, channels->arena, &reply)) > 0) {
        take_in(channels, reply);
        arena_reset(channels->arena);
    }
    return is_whole;
}

/* Until the connection ends. */
static void listen_on(struct cache_channels *channels)
{
    bool was_asked = false;
    for (;;) {
        bool has_more =
            redis_connection_wait(&channels->connection, clock_monotonic_ns() + SILENCE_MS * CLOCK_NS_PER_MS);
        if (has_more ? take_replies(channels) < 0 : was_asked)
            return;
        was_asked = !has_more;
        if (was_asked)
            ask_whether_there(channels);
    }
}

/* -- The connection ----------------------------------------------------------------------------------------------- */

static void subscribe_all(struct cache_channels *channels)
{
    CLEANUP(buf_free) struct buf bytes = BUF(COMMAND_BYTES_MAX);
    for (const struct cache_subscription *each = channels->first; each; each = each->next)
        append_command(channels, &bytes, "SUBSCRIBE", channel_of(each));
    send_or_end(channels, &bytes);
}

static int connect_listener(struct cache_channels *channels)
{
    struct redis_connection connection;
    char message[REDIS_MESSAGE_BYTES]; /* the client's keeper tells the same */
    TRY(redis_connection_open(&connection, redis_client_address(channels->client), redis_client_tls(channels->client),
                              clock_monotonic_ns() + CONNECT_MS * CLOCK_NS_PER_MS, message));
    TASK_LOCKED(&channels->mutex);
    channels->connection = connection;
    channels->is_connected = true;
    subscribe_all(channels);
    if (channels->is_stopping)
        redis_connection_end(&channels->connection);
    return 0;
}

static void disconnect(struct cache_channels *channels)
{
    TASK_LOCKED(&channels->mutex);
    channels->is_connected = false;
    redis_connection_close(&channels->connection);
    arena_reset(channels->arena);
    for (struct cache_subscription *each = channels->first; each; each = each->next)
        each->is_confirmed = false;
}

/* False when it is time to stop. */
static bool wait_before_retry(struct cache_channels *channels, int64_t failures)
{
    int64_t until_ns =
        clock_monotonic_ns() + backoff_ms(RECONNECT_FIRST_MS, RECONNECT_MAX_MS, failures) * CLOCK_NS_PER_MS;
    TASK_LOCKED(&channels->mutex);
    while (!channels->is_stopping && clock_monotonic_ns() < until_ns)
        task_cond_wait_until(&channels->told, &channels->mutex, until_ns);
    return !channels->is_stopping;
}

static void listen_always(void *argument)
{
    struct cache_channels *channels = argument;
    int64_t failures = 0;
    do {
        int64_t started_ns = clock_monotonic_ns();
        if (connect_listener(channels) == 0) {
            listen_on(channels);
            disconnect(channels);
        }
        /* One that lasted was no failure. */
        failures = clock_monotonic_ns() - started_ns > SILENCE_MS * CLOCK_NS_PER_MS ? 1 : failures + 1;
    } while (wait_before_retry(channels, failures));
}

/* -- Subscriptions ------------------------------------------------------------------------------------------------ */

/* While the server does not answer, who subscribes does not wait for it for long. */
static void wait_until_confirmed(struct cache_channels *channels, const struct cache_subscription *subscription)
{
    int64_t until_ns = clock_monotonic_ns() + CONFIRM_MS * CLOCK_NS_PER_MS;
    while (!subscription->is_confirmed && task_cond_wait_until(&channels->told, &channels->mutex, until_ns))
        ;
}

static int add(struct cache_channels *channels, struct cache_subscription *subscription)
{
    TASK_LOCKED(&channels->mutex);
    if (channels->count >= CACHE_SUBSCRIBERS_MAX)
        return ERR_TOO_LARGE;
    if (!channels->listener)
        TRY(task_start(&channels->listener, "cache-listener", listen_always, channels));
    subscription->next = channels->first;
    channels->first = subscription;
    channels->count++;
    say(channels, "SUBSCRIBE", channel_of(subscription));
    wait_until_confirmed(channels, subscription);
    return 0;
}

int cache_channels_subscribe(struct cache_channels *channels, const char *channel, cache_subscriber *subscriber,
                             void *argument, struct cache_subscription **ret_subscription)
{
    size_t length = strlen(channel);
    struct cache_subscription *subscription = malloc(sizeof(*subscription) + length);
    if (!subscription)
        return ERR_NO_MEMORY;
    *subscription = (struct cache_subscription){.subscriber = subscriber, .argument = argument, .channel_len = length};
    memcpy(subscription->channel, channel, length);
    int result = add(channels, subscription);
    if (result < 0)
        free(subscription);
    else
        *ret_subscription = subscription;
    return result;
}

static bool has_subscription(const struct cache_channels *channels, struct str channel)
{
    for (const struct cache_subscription *each = channels->first; each; each = each->next)
        if (str_equal(channel, channel_of(each)))
            return true;
    return false;
}

void cache_channels_unsubscribe(struct cache_channels *channels, struct cache_subscription *subscription)
{
    TASK_LOCKED(&channels->mutex);
    struct cache_subscription **link = &channels->first;
    while (*link != subscription)
        link = &(*link)->next;
    *link = subscription->next;
    channels->count--;
    if (!has_subscription(channels, channel_of(subscription)))
        say(channels, "UNSUBSCRIBE", channel_of(subscription));
    free(subscription);
}

/* -- Life --------------------------------------------------------------------------------------------------------- */

int cache_channels_new(struct cache_channels **ret_channels, struct redis_client *client)
{
    struct cache_channels *channels = calloc(1, sizeof(*channels));
    struct arena *arena = channels ? arena_new(MESSAGE_ARENA_BYTES) : NULL;
    if (!arena) {
        free(channels);
        return ERR_NO_MEMORY;
    }
    channels->client = client;
    channels->arena = arena;
    channels->connection.descriptor = -1;
    task_mutex_init(&channels->mutex);
    task_cond_init(&channels->told);
    *ret_channels = channels;
    return 0;
}

static void stop_listener(struct cache_channels *channels)
{
    task_mutex_lock(&channels->mutex);
    channels->is_stopping = true;
    task_cond_broadcast(&channels->told);
    if (channels->is_connected)
        redis_connection_end(&channels->connection);
    task_mutex_unlock(&channels->mutex);
    task_join(channels->listener);
}

void cache_channels_free(struct cache_channels *channels)
{
    if (!channels)
        return;
    stop_listener(channels);
    while (channels->first)
        cache_channels_unsubscribe(channels, channels->first);
    task_cond_destroy(&channels->told);
    task_mutex_destroy(&channels->mutex);
    arena_free(channels->arena);
    free(channels);
}
