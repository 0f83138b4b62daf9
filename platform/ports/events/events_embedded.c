/* The embedded bus: the outbox of each service is a log, and each consumer has a task that reads it.
 *
 * A consumer's task sleeps until a commit hook says that its log has grown (a look from time to time covers commits of
 * other processes). It reads a batch, and handles it as events_cursor.h says.
 *
 * An offset of the log is taken before its transaction commits. Where several write at a time a later one may be there
 * first, and the earlier one comes, or never does: a reader stops in front of a hole until all transactions that ran
 * when it first saw what lies behind have ended. */
#include "platform/ports/events/events_adapter.h"
#include "platform/ports/events/events_cursor.h"

#include "platform/base/backoff.h"
#include "platform/base/log.h"
#include "platform/base/pace.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events.sql.h"

#include <stdlib.h>

#define EVENT_BATCH_BYTES ((size_t)4 << 20) /* a batch ends early past it */
#define EVENT_ARENA_BYTES ((size_t)8 << 20)
#define HOLE_LOOK_FIRST_MS INT64_C(1) /* how soon a hole is looked at again, doubled each time */
#define HOLE_LOOK_LAST_MS INT64_C(100)
#define HOLE_LOOKS_QUIET 100 /* then it is told: something runs for ten seconds */

struct source {
    const char *name;
    struct sql_db *db;
};

struct reader {
    struct event_cursor cursor;
    struct event_consumer consumer;
    struct embedded_bus *bus;
    const struct source *source;
    struct task *task;
    struct task_cond wake;
    bool woken;
    struct pace pace;
    int64_t past_end; /* of a tail: where the log ended when the bus started */

    /* No hole in the log up to final_end will be filled; none up to seen_end will be once all transactions below
     * seen_next have ended. */
    int64_t final_end, seen_end, seen_next;
    int64_t looks; /* at the hole in front of which it stands */

    /* The batch in hand; the task's own. */
    struct arena *arena;
    struct event events[EVENT_BATCH_MAX];
    bool is_at_end;  /* of the log, as it was read */
    bool is_at_hole; /* behind which there is more */
};

struct embedded_bus {
    struct event_bus base;
    struct event_readers readers;
    bool started;
    struct source sources[EVENT_SOURCES_MAX];
    size_t source_count;
    struct reader *list[EVENT_CONSUMERS_MAX];
    size_t count;
};

static struct embedded_bus *embedded_of(struct event_bus *bus)
{
    return (struct embedded_bus *)bus;
}

/* -- Reading the log ----------------------------------------------------------------------------------------------- */

/* Whether all holes before the offset are final; 1 or 0. */
static int is_final(struct sql_tx *tx, struct reader *reader, int64_t offset)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    if (offset <= reader->final_end)
        return 1;
    TRY(sql_query_row(tx, &events_sql_read_horizon, SQL_NO_ARGS, &rows));
    if (offset > reader->seen_end) {
        reader->seen_end = sql_get_int(rows, 2);
        reader->seen_next = sql_get_int(rows, 1);
    }
    if (sql_get_int(rows, 0) < reader->seen_next)
        return 0;
    reader->final_end = reader->seen_end;
    return 1;
}

static int read_batch(struct sql_tx *tx, void *argument)
{
    struct reader *reader = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    reader->cursor.event_count = 0;
    reader->cursor.batch_end = reader->cursor.position;
    TRY(sql_query(tx, &events_sql_read_log, SQL_ARGS(sql_int(reader->cursor.position), sql_int(EVENT_BATCH_MAX)),
                  &rows));
    int found = 1;
    size_t seen = 0;
    reader->is_at_hole = false;
    while (arena_used(reader->arena) < EVENT_BATCH_BYTES && (found = sql_next(rows)) == 1) {
        int64_t offset = sql_get_int(rows, 0);
        if (offset != reader->cursor.batch_end + 1) {
            int is_passable = is_final(tx, reader, offset);
            TRY(is_passable);
            reader->is_at_hole = !is_passable;
            if (reader->is_at_hole)
                break;
        }
        if (event_is_wanted(&reader->consumer, sql_get_text(rows, 2), sql_get_text(rows, 3))) {
            struct event *event = &reader->events[reader->cursor.event_count];
            *event = (struct event){
                .offset = offset, .source = str_from_cstr(reader->source->name), .is_past = offset <= reader->past_end};
            TRY(event_read(reader->arena, rows, 1, event));
            reader->cursor.event_count++;
        }
        reader->cursor.batch_end = offset;
        seen++;
    }
    reader->is_at_end = !reader->is_at_hole && found == 0 && seen < EVENT_BATCH_MAX;
    return found < 0 ? found : 0;
}

static int read_log_end(struct sql_tx *tx, void *argument)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &events_sql_log_end, SQL_NO_ARGS, &rows));
    *(int64_t *)argument = sql_get_int(rows, 0);
    return 0;
}

static bool is_tail(const struct reader *reader)
{
    return event_cursor_is_tail(&reader->cursor);
}

/* Some events before an end before which nothing comes any more. Before the bus has started nobody can have asked for
 * anything yet: what a tail finds in the log then is past. Where it could not be read then, nothing is known to be. */
static int find_tail(struct sql_tx *tx, void *argument)
{
    struct reader *reader = argument;
    int64_t end = 0;
    TRY(read_log_end(tx, &end));
    if (!reader->bus->started)
        reader->past_end = end;
    int is_known = is_final(tx, reader, reader->seen_end > reader->final_end ? reader->seen_end : end);
    TRY(is_known);
    reader->is_at_hole = !is_known;
    reader->cursor.has_position = is_known;
    if (is_known && reader->final_end < end)
        end = reader->final_end;
    event_cursor_move(&reader->cursor, end > reader->consumer.replay_max ? end - reader->consumer.replay_max : 0, 0);
    return 0;
}

/* Where a reader begins: behind what its group has seen, or as a tail. */
static int find_position(struct reader *reader)
{
    if (is_tail(reader))
        return sql_read(reader->source->db, find_tail, reader);
    return event_cursor_find(&reader->cursor);
}

/* -- The task ------------------------------------------------------------------------------------------------------ */

/* False when the bus stops. */
static bool wait_for_events(struct reader *reader)
{
    TASK_LOCKED(&reader->bus->readers.mutex);
    int64_t until_ns = clock_monotonic_ns() + EVENT_LOOK_MS * CLOCK_NS_PER_MS;
    while (!reader->bus->readers.stopping && !reader->woken && clock_monotonic_ns() < until_ns)
        task_cond_wait_until(&reader->wake, &reader->bus->readers.mutex, until_ns);
    pace_wait(&reader->pace, &reader->wake, &reader->bus->readers.mutex, &reader->bus->readers.stopping);
    reader->woken = false;
    return !reader->bus->readers.stopping;
}

/* Until the next commit here, or a short while for those of others. */
static void wait_at_hole(struct reader *reader)
{
    int64_t delay_ms = backoff_ms(HOLE_LOOK_FIRST_MS, HOLE_LOOK_LAST_MS, ++reader->looks);
    int64_t until_ns = clock_monotonic_ns() + delay_ms * CLOCK_NS_PER_MS;
    if (reader->looks == HOLE_LOOKS_QUIET)
        log_warning(NULL, "events wait for a transaction that has not ended", LOG_CSTR("group", reader->consumer.group),
                    LOG_CSTR("source", reader->source->name), LOG_INT("behind", reader->cursor.batch_end));
    TASK_LOCKED(&reader->bus->readers.mutex);
    while (!reader->bus->readers.stopping && !reader->woken && clock_monotonic_ns() < until_ns)
        task_cond_wait_until(&reader->wake, &reader->bus->readers.mutex, until_ns);
    reader->woken = false;
}

static int read_next(struct reader *reader)
{
    arena_reset(reader->arena);
    if (!reader->cursor.has_position)
        TRY(find_position(reader));
    return reader->cursor.has_position ? sql_read(reader->source->db, read_batch, reader) : 0;
}

static void handle_next(struct reader *reader)
{
    struct event_cursor *cursor = &reader->cursor;
    if (cursor->event_count > 0)
        event_cursor_handle(cursor);
    else if (cursor->batch_end > cursor->position)
        (void)event_cursor_pass(cursor, false); /* what cannot be written is passed over again */
    if (!reader->is_at_hole)
        reader->looks = 0;
}

/* Reads and handles until the log's end; what came meanwhile has woken the reader again. */
static void catch_up(struct reader *reader)
{
    int64_t failures = 0;
    while (!event_readers_stop_soon(&reader->bus->readers)) {
        int error = read_next(reader);
        if (error < 0) {
            if (failures == 0)
                log_warning(NULL, "a log cannot be read", LOG_CSTR("group", reader->consumer.group),
                            LOG_CSTR("source", reader->source->name), LOG_ERR(error));
            event_back_off(&reader->bus->readers, &reader->wake, ++failures);
            continue;
        }
        failures = 0;
        if (reader->cursor.has_position)
            handle_next(reader);
        if (reader->is_at_hole)
            wait_at_hole(reader);
        else if (reader->is_at_end && reader->cursor.has_position)
            return;
    }
}

static void reader_main(void *argument)
{
    struct reader *reader = argument;
    do {
        catch_up(reader);
    } while (wait_for_events(reader));
}

/* -- The bus ------------------------------------------------------------------------------------------------------- */

static int embedded_append(struct event_bus *base, struct sql_tx *tx, const struct event *event)
{
    (void)base;
    return event_outbox_append(tx, event);
}

static void embedded_wake(struct event_bus *base, struct sql_db *db)
{
    struct embedded_bus *bus = embedded_of(base);
    TASK_LOCKED(&bus->readers.mutex);
    for (size_t i = 0; i < bus->count; i++) {
        if (bus->list[i]->source->db == db && !bus->list[i]->woken) {
            bus->list[i]->woken = true;
            task_cond_signal(&bus->list[i]->wake);
        }
    }
}

static const struct source *find_source(const struct embedded_bus *bus, const char *name)
{
    for (size_t i = 0; i < bus->source_count; i++) {
        if (strcmp(bus->sources[i].name, name) == 0)
            return &bus->sources[i];
    }
    return NULL;
}

static int embedded_add_source(struct event_bus *base, const char *name, struct sql_db *db)
{
    struct embedded_bus *bus = embedded_of(base);
    ASSERT(!bus->started);
    if (find_source(bus, name))
        return ERR_CONFLICT;
    if (bus->source_count == EVENT_SOURCES_MAX)
        return ERR_TOO_LARGE;
    bus->sources[bus->source_count++] = (struct source){name, db};
    return 0;
}

static const struct event_consumer *embedded_find_consumer(struct event_bus *base, struct sql_db *db, struct str group,
                                                           struct str source)
{
    struct embedded_bus *bus = embedded_of(base);
    for (size_t i = 0; i < bus->count; i++) {
        const struct event_consumer *consumer = &bus->list[i]->consumer;
        if (consumer->db == db && str_equal_cstr(group, consumer->group) && str_equal_cstr(source, consumer->source))
            return consumer;
    }
    return NULL;
}

static void reader_free(struct reader *reader)
{
    arena_free(reader->arena);
    task_cond_destroy(&reader->wake);
    free(reader);
}

static int embedded_add_consumer(struct event_bus *base, const struct event_consumer *consumer)
{
    struct embedded_bus *bus = embedded_of(base);
    ASSERT(!bus->started);
    const struct source *source = find_source(bus, consumer->source);
    if (!source)
        return ERR_NOT_FOUND;
    if (embedded_find_consumer(base, consumer->db, str_from_cstr(consumer->group), str_from_cstr(consumer->source)))
        return ERR_CONFLICT;
    if (bus->count == EVENT_CONSUMERS_MAX)
        return ERR_TOO_LARGE;
    struct reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return ERR_NO_MEMORY;
    *reader = (struct reader){.consumer = *consumer, .bus = bus, .source = source};
    reader->cursor = (struct event_cursor){.consumer = &reader->consumer,
                                           .log = source->name,
                                           .readers = &bus->readers,
                                           .wake = &reader->wake,
                                           .step = 1,
                                           .events = reader->events};
    task_cond_init(&reader->wake);
    reader->arena = arena_new(EVENT_ARENA_BYTES);
    if (!reader->arena) {
        reader_free(reader);
        return ERR_NO_MEMORY;
    }
    bus->list[bus->count++] = reader;
    return 0;
}

static void embedded_stop(struct event_bus *base)
{
    struct embedded_bus *bus = embedded_of(base);
    task_mutex_lock(&bus->readers.mutex);
    bus->readers.stopping = true;
    for (size_t i = 0; i < bus->count; i++)
        task_cond_signal(&bus->list[i]->wake);
    task_cond_broadcast(&bus->readers.moved);
    task_mutex_unlock(&bus->readers.mutex);
    for (size_t i = 0; i < bus->count; i++) {
        task_join(bus->list[i]->task);
        bus->list[i]->task = NULL;
    }
}

static int embedded_start(struct event_bus *base)
{
    struct embedded_bus *bus = embedded_of(base);
    for (size_t i = 0; i < bus->count; i++) {
        if (is_tail(bus->list[i]))
            (void)find_position(bus->list[i]); /* what fails is tried again by the reader's task */
    }
    bus->started = true;
    for (size_t i = 0; i < bus->count; i++) {
        int error = task_start(&bus->list[i]->task, bus->list[i]->consumer.group, reader_main, bus->list[i]);
        if (error < 0) {
            embedded_stop(base);
            return error;
        }
    }
    return 0;
}

static void embedded_free(struct event_bus *base)
{
    struct embedded_bus *bus = embedded_of(base);
    for (size_t i = 0; i < bus->count; i++)
        reader_free(bus->list[i]);
    event_readers_destroy(&bus->readers);
    event_bus_destroy(base);
    free(bus);
}

/* -- Waiting, trimming --------------------------------------------------------------------------------------------- */

/* Whether every log ended there already; notes where they end now. */
static bool ends_are(struct embedded_bus *bus, int64_t *ends)
{
    bool same = true;
    for (size_t i = 0; i < bus->source_count; i++) {
        int64_t end = ends[i];
        if (sql_read(bus->sources[i].db, read_log_end, &end) < 0)
            return false;
        same &= end == ends[i];
        ends[i] = end;
    }
    return same;
}

static bool all_reached(const struct embedded_bus *bus, const int64_t *ends)
{
    for (size_t i = 0; i < bus->count; i++) {
        if (bus->list[i]->cursor.position < ends[bus->list[i]->source - bus->sources])
            return false;
    }
    return true;
}

/* Handlers publish too: it is over when no log has grown while all were read to their ends. */
static bool embedded_settle(struct event_bus *base, int64_t deadline_ns)
{
    struct embedded_bus *bus = embedded_of(base);
    int64_t ends[EVENT_SOURCES_MAX];
    memset(ends, 0xFF, sizeof(ends)); /* -1: not known */
    while (!ends_are(bus, ends)) {
        TASK_LOCKED(&bus->readers.mutex);
        while (!all_reached(bus, ends)) {
            if (bus->readers.stopping || clock_monotonic_ns() >= deadline_ns)
                return false;
            task_cond_wait_until(&bus->readers.moved, &bus->readers.mutex, deadline_ns);
        }
    }
    return true;
}

struct trim {
    int64_t position, older_than_ms, deleted;
};

static int trim_closure(struct sql_tx *tx, void *argument)
{
    struct trim *trim = argument;
    return sql_exec(tx, &events_sql_trim,
                    SQL_ARGS(sql_int(trim->position), sql_int(trim->older_than_ms), sql_int(EVENT_TRIM_MAX)),
                    &trim->deleted);
}

static int embedded_trim(struct event_bus *base, const char *name, int64_t older_than_ms, int64_t *ret_deleted)
{
    struct embedded_bus *bus = embedded_of(base);
    const struct source *source = find_source(bus, name);
    if (!source)
        return ERR_NOT_FOUND;
    struct trim trim = {.position = INT64_MAX, .older_than_ms = older_than_ms};
    task_mutex_lock(&bus->readers.mutex);
    for (size_t i = 0; i < bus->count; i++) {
        if (bus->list[i]->source == source && !is_tail(bus->list[i]) && bus->list[i]->cursor.position < trim.position)
            trim.position = bus->list[i]->cursor.position;
    }
    task_mutex_unlock(&bus->readers.mutex);
    TRY(sql_write(source->db, trim_closure, &trim));
    *ret_deleted = trim.deleted;
    return 0;
}

static const struct event_bus_adapter embedded_adapter = {
    .version = EVENTS_ADAPTER_VERSION,
    .append = embedded_append,
    .add_source = embedded_add_source,
    .add_consumer = embedded_add_consumer,
    .start = embedded_start,
    .stop = embedded_stop,
    .free = embedded_free,
    .wake = embedded_wake,
    .settle = embedded_settle,
    .trim = embedded_trim,
    .find_consumer = embedded_find_consumer,
};

int event_bus_embedded_open(struct event_bus **ret_bus, const struct port_config *config, char ret_message[512])
{
    TRY(port_expect_bare(PORT_EVENTS, config->url, ret_message));
    struct embedded_bus *bus = calloc(1, sizeof(*bus));
    if (!bus)
        return ERR_NO_MEMORY;
    event_bus_init(&bus->base, &embedded_adapter);
    event_readers_init(&bus->readers);
    *ret_bus = &bus->base;
    return 0;
}
