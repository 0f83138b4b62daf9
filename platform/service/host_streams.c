/* Entries of streams: an entry's effect and its acknowledgement are one write transaction.
 *
 * Those of a batch share it as long as they are new. Where that fails each is tried by itself, and so is one that was
 * delivered before: the process may have died by it, and must not lose its neighbours with it. */
#include "platform/service/host_streams.h"

#include "platform/base/pace.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/stream/stream.h"
#include "platform/service/host.h"
#include "platform/service/retry.h"
#include "platform/wire/wire.h"

#include <stdlib.h>

#define STREAMS_MAX 16
#define READ_BATCH 64
#define BATCH_ARENA_BYTES (32u << 20)
#define ENTRY_TIMEOUT_MS (10 * 1000)
/* What a crashed reader left pending is claimed after so long, at a reader's start at once: effect and acknowledgement
 * are one transaction, so of two that have an entry one gets through. So often a reader looks for that, unwoken. */
#define CLAIM_IDLE_MS (30 * 1000)
#define AT_ONCE_MS 1
#define LOOK_INTERVAL_MS 5000
/* An entry that cannot be handled so often is logged and let go: a notification is not worth the stream. */
#define DELIVERIES_MAX 5

struct reader {
    struct host_streams *streams;
    struct service_instance *instance;
    const struct stream_worker *row;
    struct task *task;
    bool woken;
    struct pace pace;
};

struct host_streams {
    struct task_mutex mutex;
    struct task_cond wake;
    bool stopping;
    size_t count;
    struct reader list[STREAMS_MAX];
};

struct handling {
    struct reader *reader;
    const struct stream_read *read;
    const struct stream_entry *entry;
};

struct batch {
    struct reader *reader;
    const struct stream_read *read;
    const struct stream_entry *entries;
    size_t count;
};

static int run_entry(struct sql_tx *tx, struct handling *handling)
{
    struct reader *reader = handling->reader;
    struct arena *arena = sql_tx_arena(tx);
    struct call *call = arena_alloc(arena, sizeof(*call));
    ProtobufCMessage *message = wire_message_new(arena, reader->row->message);

    if (!call || !message)
        return ERR_NO_MEMORY;
    TRY(host_call_begin(reader->instance, arena, STR(TENANT_DEFAULT), STR_EMPTY, ENTRY_TIMEOUT_MS, call));
    TRY(wire_from_json(arena, handling->entry->payload, message, &call->problem));
    call->tx = tx;
    return reader->row->run(call, message);
}

static int handle_and_acknowledge(struct sql_tx *tx, void *argument)
{
    struct handling *handling = argument;

    if (handling->entry->deliveries <= DELIVERIES_MAX)
        TRY(run_entry(tx, handling));
    else
        log_error(&handling->reader->instance->host->log, "stream entry let go",
                  LOG_CSTR("stream", handling->reader->row->stream), LOG_INT("entry", handling->entry->id));
    return stream_ack(handling->reader->instance->stream, tx, handling->read, handling->entry->id);
}

static int handle_batch(struct sql_tx *tx, void *argument)
{
    const struct batch *batch = argument;

    for (size_t i = 0; i < batch->count; i++) {
        struct handling handling = {batch->reader, batch->read, &batch->entries[i]};
        TRY(handle_and_acknowledge(tx, &handling));
    }
    return 0;
}

static bool is_new(const struct stream_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (entries[i].deliveries > 1)
            return false;
    }
    return true;
}

/* A disk that fails for a while must not cost an entry the time after which it is claimed. Then it is read again. */
static void handle(struct reader *reader, const struct stream_read *read, const struct stream_entry *entry,
                   int64_t until_ns)
{
    struct handling handling = {reader, read, entry};
    struct host_streams *streams = reader->streams;

    for (int64_t failures = 1;; failures++) {
        int result = sql_write(reader->instance->db, handle_and_acknowledge, &handling);

        if (result >= 0 || result == ERR_STALE)
            return;
        if (failures == 1)
            log_warning(&reader->instance->host->log, "stream entry failed", LOG_CSTR("stream", reader->row->stream),
                        LOG_INT("entry", entry->id), LOG_ERR(result));
        if (!error_is_retriable(result) || clock_monotonic_ns() >= until_ns ||
            !retry_wait(&streams->mutex, &streams->wake, &streams->stopping, failures))
            return;
    }
}

/* Returns how many entries there were. */
static size_t work_off(struct reader *reader, int64_t idle_ms)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(BATCH_ARENA_BYTES);
    const struct stream_read read = {.stream = str_from_cstr(reader->row->stream),
                                     .group = str_from_cstr(reader->row->group),
                                     .consumer = STR("embedded"),
                                     .limit = READ_BATCH,
                                     .idle_ms = idle_ms};
    int64_t until_ns = clock_monotonic_ns() + CLAIM_IDLE_MS * CLOCK_NS_PER_MS;
    struct stream_entry *entries;
    size_t count = 0;

    if (!arena || stream_read(reader->instance->stream, &read, arena, &entries, &count) < 0)
        return 0;
    struct batch batch = {reader, &read, entries, count};
    if (count > 1 && is_new(entries, count) && sql_write(reader->instance->db, handle_batch, &batch) >= 0)
        return count;
    for (size_t i = 0; i < count; i++)
        handle(reader, &read, &entries[i], until_ns);
    return count;
}

static bool wait_for_entries(struct reader *reader)
{
    struct host_streams *streams = reader->streams;
    int64_t until_ns = clock_monotonic_ns() + LOOK_INTERVAL_MS * CLOCK_NS_PER_MS;
    TASK_LOCKED(&streams->mutex);

    while (!streams->stopping && !reader->woken && task_cond_wait_until(&streams->wake, &streams->mutex, until_ns))
        ;
    pace_wait(&reader->pace, &streams->wake, &streams->mutex, &streams->stopping);
    reader->woken = false;
    return !streams->stopping;
}

static void read_loop(void *argument)
{
    struct reader *reader = argument;

    work_off(reader, AT_ONCE_MS);
    do {
        while (work_off(reader, CLAIM_IDLE_MS) == READ_BATCH)
            ;
    } while (wait_for_entries(reader));
}

static int start_reader(struct host_streams *streams, struct service_instance *instance,
                        const struct stream_worker *row)
{
    ASSERT(streams->count < STREAMS_MAX);
    struct reader *reader = &streams->list[streams->count];

    *reader = (struct reader){.streams = streams, .instance = instance, .row = row};
    TRY(stream_create_group(instance->stream, NULL, str_from_cstr(row->stream), str_from_cstr(row->group)));
    TRY(task_start(&reader->task, "stream", read_loop, reader));
    streams->count++;
    return 0;
}

int host_streams_start(struct service_host *host, struct host_streams **ret_streams)
{
    struct host_streams *streams = calloc(1, sizeof(*streams));
    int result = 0;

    if (!streams)
        return ERR_NO_MEMORY;
    task_mutex_init(&streams->mutex);
    task_cond_init(&streams->wake);
    for (size_t i = 0; i < host->instance_count && result >= 0; i++) {
        const struct stream_worker *row = host->instances[i].service->streams;

        for (; row && row->stream && result >= 0; row++)
            result = start_reader(streams, &host->instances[i], row);
    }
    if (result < 0) {
        host_streams_stop(streams);
        return result;
    }
    *ret_streams = streams;
    return 0;
}

void host_streams_stop(struct host_streams *streams)
{
    if (!streams)
        return;
    task_mutex_lock(&streams->mutex);
    streams->stopping = true;
    task_cond_broadcast(&streams->wake);
    task_mutex_unlock(&streams->mutex);
    for (size_t i = 0; i < streams->count; i++)
        task_join(streams->list[i].task);
    task_cond_destroy(&streams->wake);
    task_mutex_destroy(&streams->mutex);
    free(streams);
}

void host_streams_wake(struct host_streams *streams)
{
    if (!streams)
        return;
    bool sleeps = false;
    TASK_LOCKED(&streams->mutex);

    for (size_t i = 0; i < streams->count; i++) {
        sleeps = sleeps || !streams->list[i].woken;
        streams->list[i].woken = true;
    }
    if (sleeps)
        task_cond_broadcast(&streams->wake);
}
