#include "platform/service/rpc_health.h"

#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/rpc/rpc_frame.h"
#include "platform/rpc/rpc_metadata.h"
#include "platform/wire/wire.h"

#include "grpc/health/v1/health.pb-c.h"

#include <stdlib.h>

#define STREAM_BYTES_MAX 1024
#define END_PATIENCE_MS 200

struct watcher {
    struct watcher *previous, *next;
    struct rpc_health *health;
    struct http_stream *stream;
};

struct rpc_health {
    bool (*is_known)(void *context, struct str name);
    void *context;
    struct task_mutex lock; /* over all that follows */
    struct task_cond changed;
    struct watcher *watchers;
    bool is_ending;
};

struct rpc_health *rpc_health_new(bool (*is_known)(void *context, struct str name), void *context)
{
    struct rpc_health *health = calloc(1, sizeof(*health));

    if (!health)
        return NULL;
    health->is_known = is_known;
    health->context = context;
    task_mutex_init(&health->lock);
    task_cond_init(&health->changed);
    return health;
}

void rpc_health_free(struct rpc_health *health)
{
    if (!health)
        return;
    ASSERT(!health->watchers);
    task_cond_destroy(&health->changed);
    task_mutex_destroy(&health->lock);
    free(health);
}

/* -- Messages ------------------------------------------------------------------------------------------------------ */

static int take_name(struct arena *arena, struct str request, struct str *ret_name, struct problem *ret_problem)
{
    Grpc__Health__V1__HealthCheckRequest message = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    TRY(wire_from_binary(arena, request, &message.base, ret_problem));
    *ret_name = str_from_cstr(message.service);
    return 0;
}

/* Under the lock. */
static Grpc__Health__V1__HealthCheckResponse__ServingStatus status_of(const struct rpc_health *health, struct str name)
{
    if (name.len > 0 && !health->is_known(health->context, name))
        return GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    return health->is_ending ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
                             : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
}

#define RESPONSE_BYTES_MAX 16

static struct str pack_status(Grpc__Health__V1__HealthCheckResponse__ServingStatus status,
                              uint8_t ret_bytes[RESPONSE_BYTES_MAX])
{
    Grpc__Health__V1__HealthCheckResponse message = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    message.status = status;
    return str_from(ret_bytes, grpc__health__v1__health_check_response__pack(&message, ret_bytes));
}

/* -- Check --------------------------------------------------------------------------------------------------------- */

int rpc_health_check(struct rpc_health *health, struct arena *arena, struct str request, struct str *ret_message,
                     struct problem *ret_problem)
{
    uint8_t bytes[RESPONSE_BYTES_MAX];
    struct str name;

    TRY(take_name(arena, request, &name, ret_problem));
    task_mutex_lock(&health->lock);
    Grpc__Health__V1__HealthCheckResponse__ServingStatus status = status_of(health, name);
    task_mutex_unlock(&health->lock);
    if (status == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN)
        return problem_set(ret_problem, ERR_NOT_FOUND, "no_such_service", NULL, "There is no such service here.");
    *ret_message = arena_copy(arena, pack_status(status, bytes));
    return ret_message->ptr ? 0 : ERR_NO_MEMORY;
}

/* -- Watch --------------------------------------------------------------------------------------------------------- */

static int write_status(struct http_stream *stream, Grpc__Health__V1__HealthCheckResponse__ServingStatus status)
{
    uint8_t bytes[RPC_FRAME_HEAD_BYTES + RESPONSE_BYTES_MAX];
    struct str message = pack_status(status, bytes + RPC_FRAME_HEAD_BYTES);

    rpc_frame_write_head(bytes, message.len);
    struct http_blob *blob = http_blob_new(str_from(bytes, RPC_FRAME_HEAD_BYTES + message.len));
    if (!blob)
        return ERR_NO_MEMORY;
    int result = http_stream_write(stream, blob);
    http_blob_unref(blob);
    return result;
}

static void on_end(void *context, enum http_stream_end end)
{
    struct watcher *watcher = context;
    struct rpc_health *health = watcher->health;

    (void)end;
    task_mutex_lock(&health->lock);
    *(watcher->previous ? &watcher->previous->next : &health->watchers) = watcher->next;
    if (watcher->next)
        watcher->next->previous = watcher->previous;
    task_cond_broadcast(&health->changed);
    task_mutex_unlock(&health->lock);
    http_stream_unref(watcher->stream);
    free(watcher);
}

/* Under the lock. */
static void add(struct rpc_health *health, struct watcher *watcher)
{
    watcher->next = health->watchers;
    if (watcher->next)
        watcher->next->previous = watcher;
    health->watchers = watcher;
}

int rpc_health_watch(struct rpc_health *health, struct arena *arena, struct str request,
                     struct http_response *ret_response, struct problem *ret_problem)
{
    /* It is closed by the process' end alone. */
    static const struct http_header gone[] = {{{RPC_STATUS_FIELD, sizeof(RPC_STATUS_FIELD) - 1}, {"14", 2}}};
    struct str name;

    TRY(take_name(arena, request, &name, ret_problem));
    struct watcher *watcher = calloc(1, sizeof(*watcher));
    struct http_stream *stream = watcher ? http_stream_new(STREAM_BYTES_MAX, on_end, watcher) : NULL;
    if (!stream) {
        free(watcher);
        return ERR_NO_MEMORY;
    }
    watcher->health = health;
    watcher->stream = stream;
    TASK_LOCKED(&health->lock);
    /* What cannot be written cuts the stream, which its sender finds. */
    (void)write_status(stream, status_of(health, name));
    if (health->is_ending)
        http_stream_close(stream);
    add(health, watcher);
    ret_response->stream = http_stream_ref(stream);
    ret_response->trailers = gone;
    ret_response->trailer_count = 1;
    return 0;
}

void rpc_health_end(struct rpc_health *health)
{
    int64_t deadline_ns = clock_monotonic_ns() + END_PATIENCE_MS * CLOCK_NS_PER_MS;

    TASK_LOCKED(&health->lock);
    health->is_ending = true;
    for (struct watcher *watcher = health->watchers; watcher; watcher = watcher->next) {
        (void)write_status(watcher->stream, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
        http_stream_close(watcher->stream);
    }
    while (health->watchers && task_cond_wait_until(&health->changed, &health->lock, deadline_ns))
        ;
}
