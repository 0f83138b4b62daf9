#include "platform/ports/events/events_cursor.h"

#include "platform/base/backoff.h"
#include "platform/base/log.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events.sql.h"
#include "platform/ports/events/events_adapter.h"
#include "platform/ports/metrics/metrics.h"

#define PASSED_UNWRITTEN_MAX INT64_C(1000) /* events that nobody wants, before that is written */

static struct metric handled = METRIC_COUNTER("events_handled_total", "Events that took effect.", "group");
static struct metric quarantined = METRIC_COUNTER("events_quarantined_total", "Events put into quarantine.", "group");

/* -- What readers share -------------------------------------------------------------------------------------------- */

void event_readers_init(struct event_readers *readers)
{
    task_mutex_init(&readers->mutex);
    task_cond_init(&readers->moved);
}

void event_readers_destroy(struct event_readers *readers)
{
    task_cond_destroy(&readers->moved);
    task_mutex_destroy(&readers->mutex);
}

bool event_readers_stop_soon(struct event_readers *readers)
{
    TASK_LOCKED(&readers->mutex);
    return readers->stopping;
}

void event_back_off(struct event_readers *readers, struct task_cond *wake, int64_t failures)
{
    int64_t delay_ms = backoff_ms(EVENT_RETRY_FIRST_MS, EVENT_RETRY_LAST_MS, failures);
    int64_t until_ns = clock_monotonic_ns() + delay_ms * CLOCK_NS_PER_MS;
    TASK_LOCKED(&readers->mutex);
    while (!readers->stopping && clock_monotonic_ns() < until_ns)
        task_cond_wait_until(wake, &readers->mutex, until_ns);
}

static void back_off(struct event_cursor *cursor, int64_t failures)
{
    event_back_off(cursor->readers, cursor->wake, failures);
}

bool event_is_wanted(const struct event_consumer *consumer, struct str topic, struct str type)
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

/* -- The position -------------------------------------------------------------------------------------------------- */

void event_cursor_move(struct event_cursor *cursor, int64_t position, int64_t attempts)
{
    TASK_LOCKED(&cursor->readers->mutex);
    cursor->position = position;
    cursor->attempts = attempts;
    task_cond_broadcast(&cursor->readers->moved);
}

static int read_offset(struct sql_tx *tx, void *argument)
{
    struct event_cursor *cursor = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &events_sql_get_offset,
                              SQL_ARGS(sql_cstr(cursor->consumer->group), sql_cstr(cursor->log)), &rows);
    if (found < 0)
        return found;
    cursor->stored = found ? sql_get_int(rows, 0) : 0;
    event_cursor_move(cursor, cursor->stored, found ? sql_get_int(rows, 1) : 0);
    return 0;
}

int event_cursor_find(struct event_cursor *cursor)
{
    TRY(sql_read(cursor->consumer->db, read_offset, cursor));
    cursor->has_position = true;
    return 0;
}

/* -- Handling ------------------------------------------------------------------------------------------------------ */

/* One write: some events of the batch, and where the offset stands behind them. */
struct apply {
    struct event_cursor *cursor;
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
    const struct event_cursor *cursor = apply->cursor;
    int64_t changed;
    TRY(sql_exec(tx, &events_sql_set_offset,
                 SQL_ARGS(sql_cstr(cursor->consumer->group), sql_cstr(cursor->log), sql_int(apply->position),
                          sql_int(apply->attempts), sql_int(cursor->stored)),
                 &changed));
    apply->is_outrun = changed != 1;
    return apply->is_outrun ? ERR_CONFLICT : 0;
}

/* Whether the event has yet to take effect: 1 or 0. From this transaction on it has. */
static int is_first(struct sql_tx *tx, const struct event_cursor *cursor, const struct event *event)
{
    int64_t changed = 1;
    if (cursor->may_repeat)
        TRY(sql_exec(tx, &events_sql_note_handled,
                     SQL_ARGS(sql_cstr(cursor->consumer->group), sql_text(event->id), sql_int(clock_steady_ms())),
                     &changed));
    return changed == 1;
}

static int run_event(struct sql_tx *tx, struct apply *apply, size_t event)
{
    const struct event_consumer *consumer = apply->cursor->consumer;
    struct problem problem = {0};
    int error = consumer->run(consumer->context, tx, &apply->cursor->events[event], &problem);
    if (error < 0) {
        problem.error = error;
        apply->failed = event;
        apply->problem = problem;
    }
    return error;
}

/* The offset comes first: who is outrun learns that before it has done the work. */
static int apply_closure(struct sql_tx *tx, void *argument)
{
    struct apply *apply = argument;
    const struct event_cursor *cursor = apply->cursor;
    apply->failed = apply->end;
    TRY(set_offset(tx, apply));
    for (size_t i = apply->first; i < apply->end; i++) {
        int first = is_first(tx, cursor, &cursor->events[i]);
        TRY(first);
        if (!first)
            continue;
        if (apply->to_quarantine)
            TRY(event_quarantine(tx, cursor->consumer->group, &cursor->events[i], cursor->attempts, &apply->problem));
        else
            TRY(run_event(tx, apply, i));
    }
    return 0;
}

/* Where another process was faster, or a write was kept of which we heard that it was not, the offset is read again. */
static int write_apply(struct event_cursor *cursor, struct apply *apply)
{
    int error = sql_write(cursor->consumer->db, apply_closure, apply);
    if (error == 0)
        cursor->stored = apply->position;
    else if (apply->is_outrun)
        cursor->has_position = false;
    return error;
}

/* The position behind all events before that one. */
static int64_t position_before(const struct event_cursor *cursor, size_t event)
{
    return event == cursor->event_count ? cursor->batch_end : cursor->events[event].offset - 1;
}

/* Writes the events from first to end; on success the position moves. */
static int write_events(struct event_cursor *cursor, size_t first, size_t end, struct apply *ret_apply)
{
    *ret_apply = (struct apply){.cursor = cursor, .first = first, .end = end, .position = position_before(cursor, end)};
    TRY(write_apply(cursor, ret_apply));
    event_cursor_move(cursor, ret_apply->position, 0);
    metric_count(&handled, METRIC_LABELS(str_from_cstr(cursor->consumer->group)), end - first);
    return 0;
}

/* Whose fault an error is: the event's, or the disk's and the shutdown's. */
static bool counts(int error)
{
    return error != ERR_STORAGE_FULL && error != ERR_CANCELLED;
}

/* Records a failed attempt, or that there will be no more. */
static int record_failure(struct event_cursor *cursor, size_t event, const struct problem *problem)
{
    int64_t attempts = cursor->attempts + 1;
    bool last = attempts >= EVENT_ATTEMPTS_MAX;
    struct apply apply = {.cursor = cursor, .first = event, .end = event + 1, .problem = *problem};
    apply.to_quarantine = last;
    apply.attempts = last ? 0 : attempts;
    apply.position = position_before(cursor, last ? event + 1 : event);
    if (last && cursor->bury)
        TRY(cursor->bury(cursor, &cursor->events[event], problem));
    cursor->attempts = attempts;
    if (!last)
        apply.end = event; /* nothing to handle: the count alone */
    int error = write_apply(cursor, &apply);
    if (error < 0) {
        cursor->attempts = attempts - 1;
        return error;
    }
    const struct event *failed = &cursor->events[event];
    if (last) {
        metric_count(&quarantined, METRIC_LABELS(str_from_cstr(cursor->consumer->group)), 1);
        log_error(NULL, "event put into quarantine", LOG_CSTR("group", cursor->consumer->group),
                  LOG_CSTR("source", cursor->log), LOG_INT("offset", failed->offset), LOG_STR("event_id", failed->id),
                  LOG_STR("type", failed->type), LOG_ERR(problem->error), LOG_STR("detail", event_detail(problem)));
    }
    event_cursor_move(cursor, apply.position, apply.attempts);
    return 0;
}

/* After a failed write of events from first on. Returns the event to go on with. */
static size_t handle_failure(struct event_cursor *cursor, const struct apply *apply, int error, int64_t *failures)
{
    size_t next = apply->first;
    if (!cursor->has_position)
        return next;
    bool by_handler = apply->failed < apply->end;
    if (by_handler && apply->failed > apply->first) {
        /* Those before it did no wrong. */
        struct apply before;
        if (write_events(cursor, apply->first, apply->failed, &before) == 0)
            next = apply->failed;
        return next;
    }
    if (by_handler && counts(error)) {
        int64_t attempts = cursor->attempts + 1;
        if (record_failure(cursor, next, &apply->problem) == 0) {
            if (attempts >= EVENT_ATTEMPTS_MAX)
                return next + 1;
            back_off(cursor, attempts);
            return next;
        }
    } else if (*failures == 0) {
        log_warning(NULL, "events wait: the consumer's database takes no writes",
                    LOG_CSTR("group", cursor->consumer->group), LOG_ERR(error));
    }
    back_off(cursor, ++*failures);
    return next;
}

/* Handles the batch in hand, one way or the other. */
static void handle_batch(struct event_cursor *cursor)
{
    int64_t failures = 0; /* in a row, of the database */
    size_t next = 0;
    size_t size = cursor->attempts > 0 ? 1 : EVENT_APPLY_MAX;
    while (next < cursor->event_count && cursor->has_position && !event_readers_stop_soon(cursor->readers)) {
        size_t end = next + size < cursor->event_count ? next + size : cursor->event_count;
        struct apply apply;
        int error = write_events(cursor, next, end, &apply);
        if (error == 0) {
            failures = 0;
            size = EVENT_APPLY_MAX;
            next = end;
            continue;
        }
        /* The one that failed is tried alone: write as little as possible for nothing. */
        if (apply.failed == next)
            size = 1;
        next = handle_failure(cursor, &apply, error, &failures);
    }
}

/* The same for a tail: nothing is written, and what cannot be handled is told and passed over. */
static void follow_batch(struct event_cursor *cursor)
{
    const struct event_consumer *consumer = cursor->consumer;
    for (size_t next = 0; next < cursor->event_count && !event_readers_stop_soon(cursor->readers);) {
        struct problem problem = {0};
        int error = consumer->run(consumer->context, NULL, &cursor->events[next], &problem);
        if (error < 0 && ++cursor->attempts < EVENT_ATTEMPTS_MAX) {
            back_off(cursor, cursor->attempts);
            continue;
        }
        if (error < 0)
            log_error(NULL, "event passed over", LOG_CSTR("group", consumer->group), LOG_CSTR("source", cursor->log),
                      LOG_INT("offset", cursor->events[next].offset), LOG_ERR(error),
                      LOG_STR("detail", event_detail(&problem)));
        next++;
        cursor->attempts = 0;
        event_cursor_move(cursor, position_before(cursor, next), 0);
        metric_count(&handled, METRIC_LABELS(str_from_cstr(consumer->group)), 1);
    }
}

void event_cursor_handle(struct event_cursor *cursor)
{
    if (event_cursor_is_tail(cursor))
        follow_batch(cursor);
    else
        handle_batch(cursor);
}

int event_cursor_pass(struct event_cursor *cursor, bool at_once)
{
    struct apply apply;
    bool is_much = cursor->batch_end - cursor->stored >= PASSED_UNWRITTEN_MAX * cursor->step;
    cursor->event_count = 0;
    if (!event_cursor_is_tail(cursor) && (at_once || is_much))
        return write_events(cursor, 0, 0, &apply);
    event_cursor_move(cursor, cursor->batch_end, 0);
    return 0;
}
