/* The books of events: what each outbox tells, and what each consumer has taken of it. Every consumer of the shop is
 * followed: its handler is asked through ours, and its offset is watched like any row. */
#include "platform/ports/events/events.h"
#include "tests/simulation/books.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SOURCES_MAX 8
#define EVENTS_MAX 4096 /* of a source */
#define CONSUMERS_MAX 32
#define ROWS_MAX 16 /* consumers of a service */
#define SERVICES_MAX HOST_SERVICES_MAX

struct book_event {
    char id[ID_BYTES], topic[ID_BYTES], type[ID_BYTES]; /* id is empty: neither told of nor consumed */
    char key[ID_BYTES];
    bool is_told, is_gone; /* gone: trimmed */
    bool is_recorded;
    uint32_t taken; /* bits of the consumers whose handler took it */
};

struct book_source {
    const char *store;
    struct book_event *events; /* by their offset */
    int64_t last;
};

struct book_consumer {
    const char *service;
    const struct consumer *row;
    struct book_source *source;
    int64_t offset; /* committed */
    bool records;   /* the recorder: a row of its own says that it took an event */
};

static struct {
    struct book_source sources[SOURCES_MAX];
    size_t source_count;
    struct book_consumer consumers[CONSUMERS_MAX];
    size_t consumer_count;
} books;

/* -- Who there is -------------------------------------------------------------------------------------------------- */

static struct book_source *find_source(const char *store)
{
    size_t i = 0;
    while (i < books.source_count && strcmp(books.sources[i].store, store) != 0)
        i++;
    ASSERT(i < SOURCES_MAX);
    if (i == books.source_count) {
        books.sources[i] = (struct book_source){store, calloc(EVENTS_MAX, sizeof(struct book_event)), 0};
        ASSERT(books.sources[i].events);
        books.source_count++;
    }
    return &books.sources[i];
}

static struct book_event *event_at(const struct book_source *source, int64_t offset)
{
    ASSERT(offset > 0 && offset < EVENTS_MAX);
    return &source->events[offset];
}

static bool is_wanted(const struct book_consumer *consumer, const char *topic, const char *type)
{
    if (strcmp(consumer->row->topic, topic) != 0)
        return false;
    bool is_listed = !consumer->row->types;
    for (const char *const *wanted = consumer->row->types; wanted && *wanted && !is_listed; wanted++)
        is_listed = strcmp(*wanted, type) == 0;
    return is_listed;
}

static bool has_store(const struct book_consumer *consumer, const char *store)
{
    return !consumer->row->is_live && strcmp(consumer->service, store) == 0;
}

/* -- Consumers ----------------------------------------------------------------------------------------------------- */

static void check_event(const struct book_source *source, int64_t offset, const struct event *event)
{
    struct book_event *book = event_at(source, offset);
    if (!book->id[0]) /* a consumer may see a commit a moment before the books do */
        snprintf(book->id, ID_BYTES, "%.*s", STR_FORMAT(event->id));
    if (!str_equal_cstr(event->id, book->id))
        violated("what is consumed was committed", "%s %" PRId64 " is %s, consumed as %.*s", source->store, offset,
                 book->id, STR_FORMAT(event->id));
}

static int take(struct call *call, const struct event *event)
{
    size_t i = 0;
    while (strcmp(books.consumers[i].service, call->service->name) != 0 ||
           !str_equal_cstr(event->topic, books.consumers[i].row->topic) ||
           !str_equal_cstr(event->source, books.consumers[i].source->store))
        i++;
    struct book_consumer *consumer = &books.consumers[i];
    check_event(consumer->source, event->offset, event);
    if (!consumer->row->is_live && event->offset <= consumer->offset)
        violated("each event takes effect once", "%s %" PRId64 " comes to %s again, whose offset is %" PRId64,
                 consumer->source->store, event->offset, consumer->row->group, consumer->offset);
    int result = consumer->row->handler(call, event);
    if (result >= 0)
        event_at(consumer->source, event->offset)->taken |= 1u << i;
    return result;
}

static void add_consumer(const struct service *service, const struct consumer *row, const char *store)
{
    for (size_t i = 0; i < books.consumer_count; i++) {
        if (books.consumers[i].row == row && strcmp(books.consumers[i].source->store, store) == 0)
            return; /* since the last start */
    }
    ASSERT(books.consumer_count < CONSUMERS_MAX);
    books.consumers[books.consumer_count++] =
        (struct book_consumer){service->name, row, find_source(store), 0, service == &recorder_service};
}

const struct service *book_follow(const struct service *service, const struct service *const *all)
{
    static struct service services[SERVICES_MAX];
    static struct consumer rows[SERVICES_MAX][ROWS_MAX];
    static size_t count;
    size_t i = 0;
    if (!service->consumes)
        return service;
    while (i < count && strcmp(services[i].name, service->name) != 0)
        i++;
    ASSERT(i < SERVICES_MAX);
    count += i == count;
    services[i] = *service;
    services[i].consumes = rows[i];
    for (size_t j = 0; service->consumes[j].topic; j++) {
        ASSERT(j + 1 < ROWS_MAX);
        rows[i][j] = service->consumes[j];
        rows[i][j].handler = take;
        for (size_t k = 0; all[k]; k++) {
            if (service_publishes(all[k], rows[i][j].topic))
                add_consumer(service, &service->consumes[j], all[k]->name);
        }
    }
    return &services[i];
}

/* -- What is told -------------------------------------------------------------------------------------------------- */

/* Trimmed: when every consumer is past it. */
static void note_gone(struct book_source *source, int64_t offset)
{
    struct book_event *event = event_at(source, offset);
    event->is_gone = true;
    for (size_t i = 0; i < books.consumer_count; i++) {
        const struct book_consumer *consumer = &books.consumers[i];
        if (consumer->source == source && !consumer->row->is_live && watch_is_current(consumer->service) &&
            is_wanted(consumer, event->topic, event->type) && consumer->offset < offset)
            violated("each event reaches each consumer", "%s %" PRId64 ", %s, is gone before %s had it", source->store,
                     offset, event->type, consumer->row->group);
    }
}

bool book_told(const struct change *change)
{
    struct book_source *source = find_source(change->table->store);
    if (!change->row) {
        if (change->rowid <= source->last)
            note_gone(source, change->rowid);
        return false;
    }
    int64_t offset = sqlite3_column_int64(change->row, 0);
    struct book_event *event = event_at(source, offset);
    if (event->id[0] && strcmp(event->id, row_text(change, 4)) != 0)
        violated("what was committed stays", "%s %" PRId64 " was %s and is %s", source->store, offset, event->id,
                 row_text(change, 4));
    if (event->is_told)
        return false;
    event->is_told = true;
    snprintf(event->type, ID_BYTES, "%s", row_text(change, 1));
    snprintf(event->key, ID_BYTES, "%s", row_text(change, 2));
    snprintf(event->id, ID_BYTES, "%s", row_text(change, 4));
    snprintf(event->topic, ID_BYTES, "%s", row_text(change, 5));
    source->last = offset > source->last ? offset : source->last;
    return true;
}

void judge_told(const struct change *change)
{
    book_told(change);
}

int64_t book_catalog_end(void)
{
    return find_source("catalog")->last;
}

/* The offset comes after the other in what a product's follower hears: every edit between them was told before. */
void book_follower_told(int tenant, int64_t after, int64_t offset, struct str type)
{
    const struct book_source *source = find_source("catalog");
    const char *product_id = simulation.goods[tenant].product_id;
    for (int64_t i = after + 1; after >= 0 && i < offset && i <= source->last; i++) {
        const struct book_event *event = event_at(source, i);
        if (event->is_told && strcmp(event->key, product_id) == 0 && strcmp(event->type, "product.updated") == 0)
            violated("each event reaches each follower", "%" PRId64 " of product %s, %s, before %" PRId64 ", %.*s", i,
                     product_id, event->type, offset, STR_FORMAT(type));
    }
}

/* -- What is consumed ---------------------------------------------------------------------------------------------- */

static void check_taken(const struct book_consumer *consumer, int64_t offset)
{
    const struct book_event *event = event_at(consumer->source, offset);
    bool is_taken = event->taken & 1u << (consumer - books.consumers);
    if (event->is_told && is_wanted(consumer, event->topic, event->type) &&
        (!is_taken || (consumer->records && !event->is_recorded)))
        violated("each event reaches each consumer", "%s %" PRId64 ", %s, did not reach %s", consumer->source->store,
                 offset, event->type, consumer->row->group);
}

/* What lies behind an offset took effect, in the same commit. */
void judge_offset(const struct change *change)
{
    for (size_t i = 0; change->row && i < books.consumer_count; i++) {
        struct book_consumer *consumer = &books.consumers[i];
        if (!has_store(consumer, change->table->store) || strcmp(consumer->row->group, row_text(change, 0)) != 0 ||
            strcmp(consumer->source->store, row_text(change, 1)) != 0)
            continue;
        int64_t offset = sqlite3_column_int64(change->row, 2);
        if (offset < consumer->offset)
            violated("what was committed stays", "the offset of %s goes back from %" PRId64 " to %" PRId64,
                     consumer->row->group, consumer->offset, offset);
        while (consumer->offset < offset)
            check_taken(consumer, ++consumer->offset);
    }
}

void judge_recorded(const struct change *change)
{
    static sqlite3_int64 last;
    sqlite3_int64 seq = change->row ? sqlite3_column_int64(change->row, 0) : change->rowid;
    if (!change->row)
        violated("what was recorded stays", "row %lld is gone", (long long)seq);
    if (seq <= last)
        return;
    last = seq;
    struct book_event *event = event_at(find_source(row_text(change, 2)), sqlite3_column_int64(change->row, 3));
    if (event->is_recorded)
        violated("each event takes effect once", "%s %s of %s", row_text(change, 2), row_text(change, 3), event->key);
    event->is_recorded = true;
}

/* Behind the end of the log. Before it an event may have been told of just before a crash, and trimmed before the books
 * could look again. */
static void weigh_unwritten(const struct book_source *source)
{
    for (int64_t offset = source->last + 1; offset < EVENTS_MAX; offset++) {
        if (event_at(source, offset)->taken)
            violated("what is consumed was committed", "%s %" PRId64, source->store, offset);
    }
}

/* Unwanted ones at the end of a log leave no offset. */
static void weigh_consumer(const struct book_consumer *consumer)
{
    for (int64_t offset = 1; offset <= consumer->source->last; offset++) {
        const struct book_event *event = event_at(consumer->source, offset);
        if (!consumer->row->is_live && event->is_told && is_wanted(consumer, event->topic, event->type) &&
            consumer->offset < offset)
            violated("each event reaches each consumer", "%s %" PRId64 ", %s: %s stands at %" PRId64,
                     consumer->source->store, offset, event->type, consumer->row->group, consumer->offset);
        if (!consumer->row->is_live || !event->is_gone)
            check_taken(consumer, offset);
    }
}

void book_weigh_events(void)
{
    for (size_t i = 0; i < books.source_count; i++)
        weigh_unwritten(&books.sources[i]);
    for (size_t i = 0; i < books.consumer_count; i++)
        weigh_consumer(&books.consumers[i]);
}
