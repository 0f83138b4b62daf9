/* How far a group, or a tail, came in one log, and how what it has of the log in hand takes effect: what the readers of
 * all adapters have in common.
 *
 * The offset is in the consumer's own database and moves in the transaction of the effects, from where its reader found
 * it and from nowhere else: of two that handle the same events, one does. When one of several events fails, that write
 * is void: those before it are written without it, and it is tried alone, so that it spoils nobody else's effects and
 * those behind it wait. */
#pragma once

#include "platform/base/task.h"
#include "platform/ports/events/events.h"

#define EVENT_APPLY_MAX 32 /* events in one write: the consumer's other writes wait for it */

/* What all readers of a bus share. */
struct event_readers {
    struct task_mutex mutex;
    struct task_cond moved; /* a position changed, or the bus stops */
    bool stopping;
};

void event_readers_init(struct event_readers *readers);
void event_readers_destroy(struct event_readers *readers);

struct event_cursor {
    const struct event_consumer *consumer;
    const char *log; /* with the group, the name of the offset */
    struct event_readers *readers;
    struct task_cond *wake; /* of the reader's task; signalled when the bus stops */
    bool may_repeat;        /* the log may have an event twice: its id is kept with the effect, and tells */
    int64_t step;           /* from one offset of the log to the next */

    /* Takes the event away to where a person looks, before it goes into quarantine; NULL: nowhere. What it returns
     * below 0 has the event wait. */
    int (*bury)(struct event_cursor *cursor, const struct event *event, const struct problem *problem);

    bool has_position;
    int64_t position; /* all up to here took effect; under the readers' lock, and written by the task alone */
    int64_t stored;   /* the position that the consumer's database has; position may be before it is written */
    int64_t attempts; /* failed ones of the next event */

    /* The batch in hand; the task's own. */
    struct event *events;
    size_t event_count;
    int64_t batch_end; /* the position behind the batch, what was passed over included */
};

/* No database: it keeps nothing of how far it came. */
static inline bool event_cursor_is_tail(const struct event_cursor *cursor)
{
    return cursor->consumer->db == NULL;
}

/* Reads the group's position from its database. */
int event_cursor_find(struct event_cursor *cursor);

void event_cursor_move(struct event_cursor *cursor, int64_t position, int64_t attempts);

/* Handles the batch in hand, one way or the other, until it is done, the bus stops, or the position has to be read
 * again (has_position is false then): another process was faster, or a write was kept of which we heard that it was
 * not. A tail passes over what it cannot handle. */
void event_cursor_handle(struct event_cursor *cursor);

/* There is nothing in the batch that the consumer wants. That is written when much was passed over, or at once. */
int event_cursor_pass(struct event_cursor *cursor, bool at_once);

bool event_is_wanted(const struct event_consumer *consumer, struct str topic, struct str type);

/* Waits before the next try, longer with each failure in a row; shorter when the bus stops. */
void event_back_off(struct event_readers *readers, struct task_cond *wake, int64_t failures);

bool event_readers_stop_soon(struct event_readers *readers);
