/* The embedded bus: the outbox of each service is a log, and each consumer has a task that reads it.
 *
 * A consumer's task sleeps until a commit hook says that its log has grown (a look from time to time covers commits of
 * other processes). It reads a batch, and handles up to EVENT_APPLY_MAX events in one write together with the new
 * offset. When one fails, that write is void: those before it are written without it, and it is tried alone, so that it
 * spoils nobody else's effects and those behind it wait.
 *
 * An offset of the log is taken before its transaction commits. Where several write at a time a later one may be there
 * first, and the earlier one comes, or never does: a reader stops in front of a hole until all transactions that ran
 * when it first saw what lies behind have ended. */
#include "platform/ports/events/events_adapter.h"

#include "platform/base/backoff.h"
#include "platform/base/log.h"
#include "platform/base/pace.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events.sql.h"
#include "platform/ports/metrics/metrics.h"

#include <stdlib.h>

#define EVENT_APPLY_MAX 32                  /* events in one write: the consumer's other writes wait for it */
#define EVENT_BATCH_BYTES ((size_t)4 << 20) /* a batch ends early past it */
#define EVENT_ARENA_BYTES ((size_t)8 << 20)
#define HOLE_LOOK_FIRST_MS INT64_C(1) /* how soon a hole is looked at again, doubled each time */
#define HOLE_LOOK_LAST_MS INT64_C(100)
#define HOLE_LOOKS_QUIET 100 /* then it is told: something runs for ten seconds */

static struct metric handled = METRIC_COUNTER("events_handled_total", "Events that took effect.", "group");
static struct metric quarantined = METRIC_COUNTER("events_quarantined_total", "Events put into quarantine.", "group");

struct source {
    const char *name;
    struct sql_db *db;
};

struct reader {
    struct event_consumer consumer;
    struct embedded_bus *bus;
    const struct source *source;
    struct task *task;
    struct task_cond wake;
    bool woken;
    struct pace pace;
    bool has_position;
    int64_t past_end; /* of a tail: where the log ended when the bus started */
    int64_t position; /* all up to here took effect; under the bus's lock, and written by the task alone */
    int64_t stored;   /* the position that the consumer's database has; position may be before it is written */
    int64_t attempts; /* failed ones of the next event */

    /* No hole in the log up to final_end will be filled; none up to seen_end will be once all transactions below
     * seen_next have ended. */
    int64_t final_end, seen_end, seen_next;
    int64_t looks; /* at the hole in front of which it stands */

    /* The batch in hand; the task's own. */
    struct arena *arena;
    struct event events[EVENT_BATCH_MAX];
    size_t event_count;
    int64_t batch_end; /* the position behind the batch, what was passed over included */
    bool is_at_end;    /* of the log, as it was read */
    bool is_at_hole;   /* behind which there is more */
};

struct embedded_bus {
    struct event_bus base;
    struct task_mutex mutex;
    struct task_cond moved; /* a position changed */
    bool started, stopping;
    struct source sources[EVENT_SOURCES_MAX];
    size_t source_count;
    struct reader *readers[EVENT_CONSUMERS_MAX];
    size_t reader_count;
};

static struct embedded_bus *embedded_of(struct event_bus *bus)
{
    return (struct embedded_bus *)bus;
}

static void move_to(struct reader *reader, int64_t position, int64_t attempts)
{
    TASK_LOCKED(&reader->bus->mutex);
    reader->position = position;
    reader->attempts = attempts;
    task_cond_broadcast(&reader->bus->moved);
}

/* -- Reading the log ----------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct event_consumer *consumer, struct str topic, struct str type)
{
    if (!str_equal_cstr(topic, consumer->topic))
        return false;
    if (!consumer->types)
        return true;
    for (const char *const *wanted = consumer->types; *wanted; wanted++) {
        if (str_equal_cstr(type, *wanted))
            return true;
    }
    return false;
}

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
    reader->event_count = 0;
    reader->batch_end = reader->position;
    TRY(sql_query(tx, &events_sql_read_log, SQL_ARGS(sql_int(reader->position), sql_int(EVENT_BATCH_MAX)), &rows));
    int found = 1;
    size_t seen = 0;
    reader->is_at_hole = false;
    while (arena_used(reader->arena) < EVENT_BATCH_BYTES && (found = sql_next(rows)) == 1) {
        int64_t offset = sql_get_int(rows, 0);
        if (offset != reader->batch_end + 1) {
            int is_passable = is_final(tx, reader, offset);
            TRY(is_passable);
            reader->is_at_hole = !is_passable;
            if (reader->is_at_hole)
                break;
        }
        if (is_wanted(&reader->consumer, sql_get_text(rows, 2), sql_get_text(rows, 3))) {
            struct event *event = &reader->events[reader->event_count];
            *event = (struct event){.offset = offset, .source = str_from_cstr(reader->source->name)};
            TRY(event_read(reader->arena, rows, 1, event));
            reader->event_count++;
        }
        reader->batch_end = offset;
        seen++;
    }
    reader->is_at_end = !reader->is_at_hole && found == 0 && seen < EVENT_BATCH_MAX;
    return found < 0 ? found : 0;
}

static int read_offset(struct sql_tx *tx, void *argument)
{
    struct reader *reader = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &events_sql_get_offset,
                              SQL_ARGS(sql_cstr(reader->consumer.group), sql_cstr(reader->source->name)), &rows);
    if (found < 0)
        return found;
    reader->stored = found ? sql_get_int(rows, 0) : 0;
    move_to(reader, reader->stored, found ? sql_get_int(rows, 1) : 0);
    return 0;
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
    return reader->consumer.db == NULL;
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
    reader->has_position = is_known;
    if (is_known && reader->final_end < end)
        end = reader->final_end;
    move_to(reader, end > reader->consumer.replay_max ? end - reader->consumer.replay_max : 0, 0);
    return 0;
}

/* Where a reader begins: behind what its group has seen, or as a tail. */
static int find_position(struct reader *reader)
{
    if (is_tail(reader))
        return sql_read(reader->source->db, find_tail, reader);
    TRY(sql_read(reader->consumer.db, read_offset, reader));
    reader->has_position = true;
    return 0;
}

/* -- Handling ------------------------------------------------------------------------------------------------------ */

/* One write: some events of the batch, and where the offset stands behind them. */
struct apply {
    struct reader *reader;
    size_t first, end; /* events of the batch */
    int64_t position;
    int64_t attempts;
    bool to_quarantine;     /* the first event goes there instead of to its handler */
    size_t failed;          /* which one failed; end: none did */
    struct problem problem; /* why */
    bool is_outrun;         /* another process has handled them */
};

static int set_offset(struct sql_tx *tx, struct apply *apply)
{
    const struct reader *reader = apply->reader;
    int64_t changed;
    TRY(sql_exec(tx, &events_sql_set_offset,
                 SQL_ARGS(sql_cstr(reader->consumer.group), sql_cstr(reader->source->name), sql_int(apply->position),
                          sql_int(apply->attempts), sql_int(reader->stored)),
                 &changed));
    apply->is_outrun = changed != 1;
    return apply->is_outrun ? ERR_CONFLICT : 0;
}

/* The offset comes first: who is outrun learns that before it has done the work. */
static int apply_closure(struct sql_tx *tx, void *argument)
{
    struct apply *apply = argument;
    const struct event_consumer *consumer = &apply->reader->consumer;
    const struct event *events = apply->reader->events;
    apply->failed = apply->end;
    TRY(set_offset(tx, apply));
    if (apply->to_quarantine)
        TRY(event_quarantine(tx, consumer->group, &events[apply->first], apply->reader->attempts, &apply->problem));
    for (size_t i = apply->first; i < apply->end && !apply->to_quarantine; i++) {
        struct problem problem = {0};
        int error = consumer->run(consumer->context, tx, &events[i], &problem);
        if (error < 0) {
            problem.error = error;
            apply->failed = i;
            apply->problem = problem;
            return error;
        }
    }
    return 0;
}

/* Where another process was faster, or a write was kept of which we heard that it was not, the offset is read again. */
static int write_apply(struct reader *reader, struct apply *apply)
{
    int error = sql_write(reader->consumer.db, apply_closure, apply);
    if (error == 0)
        reader->stored = apply->position;
    else if (apply->is_outrun)
        reader->has_position = false;
    return error;
}

/* The position behind all events before that one. */
static int64_t position_before(const struct reader *reader, size_t event)
{
    return event == reader->event_count ? reader->batch_end : reader->events[event].offset - 1;
}

/* Writes the events from first to end; on success the position moves. */
static int write_events(struct reader *reader, size_t first, size_t end, struct apply *ret_apply)
{
    *ret_apply = (struct apply){.reader = reader, .first = first, .end = end, .position = position_before(reader, end)};
    TRY(write_apply(reader, ret_apply));
    move_to(reader, ret_apply->position, 0);
    metric_count(&handled, METRIC_LABELS(str_from_cstr(reader->consumer.group)), end - first);
    return 0;
}

/* Whose fault an error is: the event's, or the disk's and the shutdown's. */
static bool counts(int error)
{
    return error != ERR_STORAGE_FULL && error != ERR_CANCELLED;
}

/* Records a failed attempt, or that there will be no more. */
static int record_failure(struct reader *reader, size_t event, const struct problem *problem)
{
    int64_t attempts = reader->attempts + 1;
    bool last = attempts >= EVENT_ATTEMPTS_MAX;
    struct apply apply = {.reader = reader, .first = event, .end = event + 1, .problem = *problem};
    apply.to_quarantine = last;
    apply.attempts = last ? 0 : attempts;
    apply.position = position_before(reader, last ? event + 1 : event);
    reader->attempts = attempts;
    if (!last)
        apply.end = event; /* nothing to handle: the count alone */
    int error = write_apply(reader, &apply);
    if (error < 0) {
        reader->attempts = attempts - 1;
        return error;
    }
    const struct event *failed = &reader->events[event];
    if (last) {
        metric_count(&quarantined, METRIC_LABELS(str_from_cstr(reader->consumer.group)), 1);
        log_error(NULL, "event put into quarantine", LOG_CSTR("group", reader->consumer.group),
                  LOG_CSTR("source", reader->source->name), LOG_INT("offset", failed->offset),
                  LOG_STR("event_id", failed->id), LOG_STR("type", failed->type), LOG_ERR(problem->error),
                  LOG_STR("detail", event_detail(problem)));
    }
    move_to(reader, apply.position, apply.attempts);
    return 0;
}

/* Waits before the next try; shorter when the bus stops. */
static void back_off(struct reader *reader, int64_t failures)
{
    int64_t delay_ms = EVENT_RETRY_FIRST_MS;
    for (int64_t i = 1; i < failures && delay_ms < EVENT_RETRY_LAST_MS; i++)
        delay_ms *= 2;
    int64_t until_ns = clock_monotonic_ns() + delay_ms * CLOCK_NS_PER_MS;
    TASK_LOCKED(&reader->bus->mutex);
    while (!reader->bus->stopping && clock_monotonic_ns() < until_ns)
        task_cond_wait_until(&reader->wake, &reader->bus->mutex, until_ns);
}

static bool is_stopping(struct reader *reader)
{
    TASK_LOCKED(&reader->bus->mutex);
    return reader->bus->stopping;
}

/* After a failed write of events from first on. Returns the event to go on with. */
static size_t handle_failure(struct reader *reader, const struct apply *apply, int error, int64_t *failures)
{
    size_t next = apply->first;
    if (!reader->has_position)
        return next;
    bool by_handler = apply->failed < apply->end;
    if (by_handler && apply->failed > apply->first) {
        /* Those before it did no wrong. */
        struct apply before;
        if (write_events(reader, apply->first, apply->failed, &before) == 0)
            next = apply->failed;
        return next;
    }
    if (by_handler && counts(error)) {
        int64_t attempts = reader->attempts + 1;
        if (record_failure(reader, next, &apply->problem) == 0) {
            if (attempts >= EVENT_ATTEMPTS_MAX)
                return next + 1;
            back_off(reader, attempts);
            return next;
        }
    } else if (*failures == 0) {
        log_warning(NULL, "events wait: the consumer's database takes no writes",
                    LOG_CSTR("group", reader->consumer.group), LOG_ERR(error));
    }
    back_off(reader, ++*failures);
    return next;
}

/* Handles the batch in hand, one way or the other. */
static void handle_batch(struct reader *reader)
{
    int64_t failures = 0; /* in a row, of the database */
    size_t next = 0;
    size_t size = reader->attempts > 0 ? 1 : EVENT_APPLY_MAX;
    while (next < reader->event_count && reader->has_position && !is_stopping(reader)) {
        size_t end = next + size < reader->event_count ? next + size : reader->event_count;
        struct apply apply;
        int error = write_events(reader, next, end, &apply);
        if (error == 0) {
            failures = 0;
            size = EVENT_APPLY_MAX;
            next = end;
            continue;
        }
        /* The one that failed is tried alone: write as little as possible for nothing. */
        if (apply.failed == next)
            size = 1;
        next = handle_failure(reader, &apply, error, &failures);
    }
}

/* The same for a tail: nothing is written, and what cannot be handled is told and passed over. */
static void follow_batch(struct reader *reader)
{
    const struct event_consumer *consumer = &reader->consumer;
    for (size_t next = 0; next < reader->event_count && !is_stopping(reader);) {
        struct problem problem = {0};
        reader->events[next].is_past = reader->events[next].offset <= reader->past_end;
        int error = consumer->run(consumer->context, NULL, &reader->events[next], &problem);
        if (error < 0 && ++reader->attempts < EVENT_ATTEMPTS_MAX) {
            back_off(reader, reader->attempts);
            continue;
        }
        if (error < 0)
            log_error(NULL, "event passed over", LOG_CSTR("group", consumer->group),
                      LOG_CSTR("source", reader->source->name), LOG_INT("offset", reader->events[next].offset),
                      LOG_ERR(error), LOG_STR("detail", event_detail(&problem)));
        next++;
        reader->attempts = 0;
        move_to(reader, position_before(reader, next), 0);
        metric_count(&handled, METRIC_LABELS(str_from_cstr(consumer->group)), 1);
    }
}

/* Events that nobody here wants are passed without a write each: the offset is written with the next wanted one, or
 * when many were passed. */
static void pass_over(struct reader *reader)
{
    const int64_t unwritten_max = 1000;
    int64_t behind = reader->batch_end - reader->position;
    struct apply apply;
    if (!is_tail(reader) && reader->batch_end % unwritten_max < behind)
        (void)write_events(reader, 0, 0, &apply);
    else
        move_to(reader, reader->batch_end, 0);
}

/* -- The task ------------------------------------------------------------------------------------------------------ */

/* False when the bus stops. */
static bool wait_for_events(struct reader *reader)
{
    TASK_LOCKED(&reader->bus->mutex);
    int64_t until_ns = clock_monotonic_ns() + EVENT_LOOK_MS * CLOCK_NS_PER_MS;
    while (!reader->bus->stopping && !reader->woken && clock_monotonic_ns() < until_ns)
        task_cond_wait_until(&reader->wake, &reader->bus->mutex, until_ns);
    pace_wait(&reader->pace, &reader->wake, &reader->bus->mutex, &reader->bus->stopping);
    reader->woken = false;
    return !reader->bus->stopping;
}

/* Until the next commit here, or a short while for those of others. */
static void wait_at_hole(struct reader *reader)
{
    int64_t delay_ms = backoff_ms(HOLE_LOOK_FIRST_MS, HOLE_LOOK_LAST_MS, ++reader->looks);
    int64_t until_ns = clock_monotonic_ns() + delay_ms * CLOCK_NS_PER_MS;
    if (reader->looks == HOLE_LOOKS_QUIET)
        log_warning(NULL, "events wait for a transaction that has not ended", LOG_CSTR("group", reader->consumer.group),
                    LOG_CSTR("source", reader->source->name), LOG_INT("behind", reader->batch_end));
    TASK_LOCKED(&reader->bus->mutex);
    while (!reader->bus->stopping && !reader->woken && clock_monotonic_ns() < until_ns)
        task_cond_wait_until(&reader->wake, &reader->bus->mutex, until_ns);
    reader->woken = false;
}

static int read_next(struct reader *reader)
{
    arena_reset(reader->arena);
    if (!reader->has_position)
        TRY(find_position(reader));
    return reader->has_position ? sql_read(reader->source->db, read_batch, reader) : 0;
}

static void handle_next(struct reader *reader)
{
    if (reader->event_count > 0 && is_tail(reader))
        follow_batch(reader);
    else if (reader->event_count > 0)
        handle_batch(reader);
    else if (reader->batch_end > reader->position)
        pass_over(reader);
    if (!reader->is_at_hole)
        reader->looks = 0;
}

/* Reads and handles until the log's end; what came meanwhile has woken the reader again. */
static void catch_up(struct reader *reader)
{
    int64_t failures = 0;
    while (!is_stopping(reader)) {
        int error = read_next(reader);
        if (error < 0) {
            if (failures == 0)
                log_warning(NULL, "a log cannot be read", LOG_CSTR("group", reader->consumer.group),
                            LOG_CSTR("source", reader->source->name), LOG_ERR(error));
            back_off(reader, ++failures);
            continue;
        }
        failures = 0;
        if (reader->has_position)
            handle_next(reader);
        if (reader->is_at_hole)
            wait_at_hole(reader);
        else if (reader->is_at_end && reader->has_position)
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
    TASK_LOCKED(&bus->mutex);
    for (size_t i = 0; i < bus->reader_count; i++) {
        if (bus->readers[i]->source->db == db && !bus->readers[i]->woken) {
            bus->readers[i]->woken = true;
            task_cond_signal(&bus->readers[i]->wake);
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
    for (size_t i = 0; i < bus->reader_count; i++) {
        const struct event_consumer *consumer = &bus->readers[i]->consumer;
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
    if (bus->reader_count == EVENT_CONSUMERS_MAX)
        return ERR_TOO_LARGE;
    struct reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return ERR_NO_MEMORY;
    *reader = (struct reader){.consumer = *consumer, .bus = bus, .source = source};
    task_cond_init(&reader->wake);
    reader->arena = arena_new(EVENT_ARENA_BYTES);
    if (!reader->arena) {
        reader_free(reader);
        return ERR_NO_MEMORY;
    }
    bus->readers[bus->reader_count++] = reader;
    return 0;
}

static void embedded_stop(struct event_bus *base)
{
    struct embedded_bus *bus = embedded_of(base);
    task_mutex_lock(&bus->mutex);
    bus->stopping = true;
    for (size_t i = 0; i < bus->reader_count; i++)
        task_cond_signal(&bus->readers[i]->wake);
    task_cond_broadcast(&bus->moved);
    task_mutex_unlock(&bus->mutex);
    for (size_t i = 0; i < bus->reader_count; i++) {
        task_join(bus->readers[i]->task);
        bus->readers[i]->task = NULL;
    }
}

static int embedded_start(struct event_bus *base)
{
    struct embedded_bus *bus = embedded_of(base);
    for (size_t i = 0; i < bus->reader_count; i++) {
        if (is_tail(bus->readers[i]))
            (void)find_position(bus->readers[i]); /* what fails is tried again by the reader's task */
    }
    bus->started = true;
    for (size_t i = 0; i < bus->reader_count; i++) {
        int error = task_start(&bus->readers[i]->task, bus->readers[i]->consumer.group, reader_main, bus->readers[i]);
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
    for (size_t i = 0; i < bus->reader_count; i++)
        reader_free(bus->readers[i]);
    task_cond_destroy(&bus->moved);
    task_mutex_destroy(&bus->mutex);
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
    for (size_t i = 0; i < bus->reader_count; i++) {
        if (bus->readers[i]->position < ends[bus->readers[i]->source - bus->sources])
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
        TASK_LOCKED(&bus->mutex);
        while (!all_reached(bus, ends)) {
            if (bus->stopping || clock_monotonic_ns() >= deadline_ns)
                return false;
            task_cond_wait_until(&bus->moved, &bus->mutex, deadline_ns);
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
    task_mutex_lock(&bus->mutex);
    for (size_t i = 0; i < bus->reader_count; i++) {
        if (bus->readers[i]->source == source && !is_tail(bus->readers[i]) && bus->readers[i]->position < trim.position)
            trim.position = bus->readers[i]->position;
    }
    task_mutex_unlock(&bus->mutex);
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
    task_mutex_init(&bus->mutex);
    task_cond_init(&bus->moved);
    *ret_bus = &bus->base;
    return 0;
}
