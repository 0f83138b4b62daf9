/* The outboxes of this process's services, as Debezium publishes them: what of them may go, and what has arrived. */
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events.sql.h"
#include "platform/ports/events/events_kafka.h"

#include <stdlib.h>

/* How much longer than a row of the outbox the id of a handled event is kept: a connector that begins anew publishes
 * again what the outbox still has, and one that comes back what it had read and not acknowledged. */
#define HANDLED_MORE_MS (INT64_C(7) * 24 * 3600 * 1000)
#define LOOK_AGAIN_NS (20 * CLOCK_NS_PER_MS)
#define PAGE_BYTES ((size_t)4 << 20) /* a page ends early past it */
#define PAGE_ARENA_BYTES ((size_t)8 << 20)

/* -- Trimming ------------------------------------------------------------------------------------------------------ */

struct published {
    bool is_published;             /* there is a connector's slot */
    int64_t written, acknowledged; /* of the database's log */
    int64_t end;                   /* of the outbox */
};

static int read_published(struct sql_tx *tx, void *argument)
{
    struct published *published = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &events_sql_read_published, SQL_NO_ARGS, &rows));
    *published =
        (struct published){sql_get_int(rows, 0) > 0, sql_get_int(rows, 1), sql_get_int(rows, 2), sql_get_int(rows, 3)};
    return 0;
}

static struct kafka_source *find_source(struct kafka_bus *bus, const char *name)
{
    for (size_t i = 0; i < bus->source_count; i++) {
        if (strcmp(bus->sources[i].name, name) == 0)
            return &bus->sources[i];
    }
    return NULL;
}

/* The row up to which all is in Kafka, 0 where that is not known. A slot whose connector has not read the table as it
 * was when the slot was made acknowledges nothing that was written after that. */
static int find_published_end(struct kafka_source *source, int64_t *ret_end)
{
    struct published now;
    TRY(sql_read(source->db, read_published, &now));
    bool is_reached = source->noted_written > 0 && now.is_published && now.acknowledged >= source->noted_written;
    *ret_end = is_reached ? source->noted_end : 0;
    if (!now.is_published) {
        source->noted_written = 0;
    } else if (is_reached || source->noted_written == 0) {
        source->noted_written = now.written;
        source->noted_end = now.end;
    }
    return 0;
}

struct trim {
    int64_t end, older_than_ms, deleted, forgotten;
};

static int trim_closure(struct sql_tx *tx, void *argument)
{
    struct trim *trim = argument;
    TRY(sql_exec(tx, &events_sql_trim,
                 SQL_ARGS(sql_int(trim->end), sql_int(trim->older_than_ms), sql_int(EVENT_TRIM_MAX)), &trim->deleted));
    return sql_exec(tx, &events_sql_forget_handled,
                    SQL_ARGS(sql_int(trim->older_than_ms - HANDLED_MORE_MS), sql_int(EVENT_TRIM_MAX)),
                    &trim->forgotten);
}

int kafka_trim(struct event_bus *base, const char *name, int64_t older_than_ms, int64_t *ret_deleted)
{
    struct kafka_source *source = find_source((struct kafka_bus *)base, name);
    struct trim trim = {.older_than_ms = older_than_ms};
    if (!source)
        return ERR_NOT_FOUND;
    if (source->trim_end == 0)
        TRY(find_published_end(source, &source->trim_end));
    trim.end = source->trim_end;
    TRY(sql_write(source->db, trim_closure, &trim));
    *ret_deleted = trim.deleted > trim.forgotten ? trim.deleted : trim.forgotten;
    if (*ret_deleted < EVENT_TRIM_MAX)
        source->trim_end = 0;
    return 0;
}

/* -- What has arrived ---------------------------------------------------------------------------------------------- */

static int read_end(struct sql_tx *tx, void *argument)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &events_sql_log_end, SQL_NO_ARGS, &rows));
    *(int64_t *)argument = sql_get_int(rows, 0);
    return 0;
}

int kafka_note_start(struct kafka_bus *bus)
{
    for (size_t i = 0; i < bus->source_count; i++)
        TRY(sql_read(bus->sources[i].db, read_end, &bus->sources[i].start_end));
    return 0;
}

struct page {
    struct arena *arena;
    int64_t after;
    struct event events[EVENT_BATCH_MAX];
    size_t count;
};

static int read_page(struct sql_tx *tx, void *argument)
{
    struct page *page = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = 0;
    arena_reset(page->arena);
    page->count = 0;
    TRY(sql_query(tx, &events_sql_read_log, SQL_ARGS(sql_int(page->after), sql_int(EVENT_BATCH_MAX)), &rows));
    while (arena_used(page->arena) < PAGE_BYTES && (found = sql_next(rows)) == 1) {
        struct event *event = &page->events[page->count++];
        *event = (struct event){.offset = sql_get_int(rows, 0)};
        TRY(event_read(page->arena, rows, 1, event));
    }
    return found < 0 ? found : 0;
}

struct question {
    const char *group;
    struct str id;
    bool is_handled;
};

static int ask_handled(struct sql_tx *tx, void *argument)
{
    struct question *question = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found =
        sql_query_row(tx, &events_sql_is_handled, SQL_ARGS(sql_cstr(question->group), sql_text(question->id)), &rows);
    question->is_handled = found > 0;
    return found < 0 ? found : 0;
}

static bool has_arrived(struct kafka_bus *bus, const struct kafka_source *source, const struct kafka_reader *reader,
                        const struct event *event)
{
    if (!event_is_wanted(&reader->consumer, event->topic, event->type))
        return true;
    if (kafka_is_tail(reader)) {
        TASK_LOCKED(&bus->readers.mutex);
        return event->offset <= source->start_end || kafka_tail_knows(reader, event->id);
    }
    struct question question = {.group = reader->consumer.group, .id = event->id};
    return sql_read(reader->consumer.db, ask_handled, &question) == 0 && question.is_handled;
}

/* Woken by what is handled here; what another process of a group handles is looked for. */
static bool wait_a_moment(struct kafka_bus *bus, int64_t deadline_ns)
{
    int64_t now_ns = clock_monotonic_ns();
    TASK_LOCKED(&bus->readers.mutex);
    if (bus->readers.stopping || now_ns >= deadline_ns)
        return false;
    task_cond_wait_until(&bus->readers.moved, &bus->readers.mutex,
                         now_ns + LOOK_AGAIN_NS < deadline_ns ? now_ns + LOOK_AGAIN_NS : deadline_ns);
    return true;
}

static bool await_page(struct kafka_bus *bus, const struct kafka_source *source, const struct page *page,
                       int64_t deadline_ns)
{
    for (size_t i = 0; i < page->count; i++) {
        for (size_t j = 0; j < bus->count; j++) {
            while (!has_arrived(bus, source, bus->list[j], &page->events[i])) {
                if (!wait_a_moment(bus, deadline_ns))
                    return false;
            }
        }
    }
    return true;
}

static bool await_tails(struct kafka_bus *bus, int64_t deadline_ns)
{
    for (size_t i = 0; i < bus->count; i++) {
        for (bool is_present = !kafka_is_tail(bus->list[i]); !is_present;) {
            task_mutex_lock(&bus->readers.mutex);
            is_present = kafka_tail_is_present(bus->list[i]);
            task_mutex_unlock(&bus->readers.mutex);
            if (!is_present && !wait_a_moment(bus, deadline_ns))
                return false;
        }
    }
    return true;
}

/* Handlers publish too: it is over when no outbox has grown while all of them were gone through. */
static bool await_all(struct kafka_bus *bus, struct page *page, int64_t deadline_ns)
{
    int64_t passed[EVENT_SOURCES_MAX] = {0};
    for (bool has_grown = true; has_grown;) {
        has_grown = false;
        for (size_t i = 0; i < bus->source_count; i++) {
            page->after = passed[i];
            if (sql_read(bus->sources[i].db, read_page, page) < 0 ||
                !await_page(bus, &bus->sources[i], page, deadline_ns))
                return false;
            if (page->count > 0)
                passed[i] = page->events[page->count - 1].offset;
            has_grown |= page->count > 0;
        }
    }
    return await_tails(bus, deadline_ns);
}

/* By what stands in the outboxes of this process: each event has been handled by each group, or put into quarantine. */
bool kafka_settle(struct event_bus *base, int64_t deadline_ns)
{
    struct page *page = calloc(1, sizeof(*page));
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(PAGE_ARENA_BYTES);
    bool is_settled = false;
    if (page && arena) {
        page->arena = arena;
        is_settled = await_all((struct kafka_bus *)base, page, deadline_ns);
    }
    free(page);
    return is_settled;
}
