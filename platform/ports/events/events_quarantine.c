/* Events that no attempt could handle: kept whole in the consumer's database, listed and handled once more on
 * demand. */
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events.sql.h"
#include "platform/ports/events/events_adapter.h"

/* -- Rows ---------------------------------------------------------------------------------------------------------- */

static struct str keep(struct arena *arena, struct sql_rows *rows, unsigned column, int *error)
{
    struct str text = sql_get_text(rows, column);
    struct str copy = arena_copy(arena, text);
    if (text.len > 0 && !copy.ptr)
        *error = ERR_NO_MEMORY;
    return copy;
}

int event_read(struct arena *arena, struct sql_rows *rows, unsigned first_column, struct event *ret_event)
{
    int error = 0;
    ret_event->id = keep(arena, rows, first_column, &error);
    ret_event->topic = keep(arena, rows, first_column + 1, &error);
    ret_event->type = keep(arena, rows, first_column + 2, &error);
    ret_event->key = keep(arena, rows, first_column + 3, &error);
    ret_event->tenant = keep(arena, rows, first_column + 4, &error);
    ret_event->time_ms = sql_get_int(rows, first_column + 5);
    ret_event->traceparent = keep(arena, rows, first_column + 6, &error);
    ret_event->payload = keep(arena, rows, first_column + 7, &error);
    return error;
}

static int read_quarantined(struct arena *arena, struct sql_rows *rows, struct quarantined_event *ret_event)
{
    int error = 0;
    struct quarantined_event event = {
        .group = keep(arena, rows, 0, &error),
        .event = {.source = keep(arena, rows, 1, &error), .offset = sql_get_int(rows, 2)},
        .error = (int)sql_get_int(rows, 11),
        .detail = keep(arena, rows, 12, &error),
        .attempts = sql_get_int(rows, 13),
        .quarantined_at_ms = sql_get_int(rows, 14),
    };
    TRY(error);
    TRY(event_read(arena, rows, 3, &event.event));
    *ret_event = event;
    return 0;
}

struct str event_detail(const struct problem *problem)
{
    return str_from_cstr(problem->detail[0] ? problem->detail : error_name(problem->error));
}

int event_quarantine(struct sql_tx *tx, const char *group, const struct event *event, int64_t attempts,
                     const struct problem *problem)
{
    return sql_exec(tx, &events_sql_quarantine,
                    SQL_ARGS(sql_cstr(group), sql_text(event->source), sql_int(event->offset), sql_text(event->id),
                             sql_text(event->topic), sql_text(event->type), sql_text(event->key),
                             sql_text(event->tenant), sql_int(event->time_ms), sql_text(event->traceparent),
                             sql_text(event->payload), sql_int(problem->error), sql_text(event_detail(problem)),
                             sql_int(attempts), sql_int(clock_wall_ms())),
                    NULL);
}

int event_quarantine_list(struct sql_tx *tx, struct arena *arena, struct str group, struct str source, int64_t offset,
                          size_t limit, struct quarantined_event **ret_events, size_t *ret_count)
{
    if (limit == 0 || limit > EVENT_LIST_MAX)
        return ERR_INVALID;
    struct quarantined_event *events = arena_alloc_array(arena, limit, sizeof(*events));
    if (!events)
        return ERR_NO_MEMORY;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &events_sql_list_quarantined,
                  SQL_ARGS(sql_text(group), sql_text(source), sql_int(offset), sql_int((int64_t)limit)), &rows));
    size_t count = 0;
    int found = 0;
    while (count < limit && (found = sql_next(rows)) == 1)
        TRY(read_quarantined(arena, rows, &events[count++]));
    if (found < 0)
        return found;
    *ret_events = events;
    *ret_count = count;
    return 0;
}

/* -- Replay -------------------------------------------------------------------------------------------------------- */

struct replay {
    const struct event_consumer *consumer;
    struct str group, source;
    int64_t offset;
    struct problem problem; /* of the handler */
    bool handled;           /* the handler was reached */
};

static int find_quarantined(struct sql_tx *tx, const struct replay *replay, struct quarantined_event *ret_event)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found =
        sql_query_row(tx, &events_sql_get_quarantined,
                      SQL_ARGS(sql_text(replay->group), sql_text(replay->source), sql_int(replay->offset)), &rows);
    if (found <= 0)
        return found < 0 ? found : ERR_NOT_FOUND;
    return read_quarantined(sql_tx_arena(tx), rows, ret_event);
}

static int replay_closure(struct sql_tx *tx, void *argument)
{
    struct replay *replay = argument;
    struct quarantined_event event;
    replay->handled = false;
    TRY(find_quarantined(tx, replay, &event));
    replay->handled = true;
    replay->problem = (struct problem){0};
    int error = replay->consumer->run(replay->consumer->context, tx, &event.event, &replay->problem);
    if (error < 0) {
        replay->problem.error = error;
        return error;
    }
    return sql_exec(tx, &events_sql_delete_quarantined,
                    SQL_ARGS(sql_text(replay->group), sql_text(replay->source), sql_int(replay->offset)), NULL);
}

static int count_attempt(struct sql_tx *tx, void *argument)
{
    const struct replay *replay = argument;
    return sql_exec(tx, &events_sql_count_attempt,
                    SQL_ARGS(sql_text(replay->group), sql_text(replay->source), sql_int(replay->offset),
                             sql_int(replay->problem.error), sql_text(event_detail(&replay->problem))),
                    NULL);
}

int event_quarantine_replay(struct event_bus *bus, struct sql_db *db, struct str group, struct str source,
                            int64_t offset, struct problem *ret_problem)
{
    struct replay replay = {.group = group, .source = source, .offset = offset};
    replay.consumer = bus->adapter->find_consumer(bus, db, group, source);
    if (!replay.consumer)
        return problem_set(ret_problem, ERR_NOT_FOUND, "no_such_consumer", NULL,
                           "No consumer of that group runs here.");
    int error = sql_write(db, replay_closure, &replay);
    if (error == ERR_NOT_FOUND && !replay.handled)
        return problem_set(ret_problem, ERR_NOT_FOUND, "not_quarantined", NULL, "No such event is in quarantine.");
    if (error < 0 && replay.problem.error < 0) {
        *ret_problem = replay.problem;
        TRY(sql_write(db, count_attempt, &replay));
    }
    return error;
}
