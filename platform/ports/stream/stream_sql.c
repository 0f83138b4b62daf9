/* The stream port on tables of a service's own database. */
#include "platform/ports/clock/clock.h"
#include "platform/ports/stream/stream.sql.h"
#include "platform/ports/stream/stream_adapter.h"

#include <stdlib.h>

/* A claim that is later than now by more than this was made by a clock that was ahead: it is nobody's any more. */
#define CLOCK_STEP_MS 60000

struct stream_sql {
    struct stream base;
    struct sql_db *db;
    int64_t length_max;
};

struct stream_operation {
    struct str name;
    struct str group;
    struct str payload;
    const struct stream_read *read;
    struct arena *arena;
    int64_t length_max;
    bool wants_id;
    int64_t id;
    size_t limit;
    struct stream_entry *entries;
    size_t count;
    struct stream_stats stats;
};

static struct stream_sql *stream_sql_of(struct stream *stream)
{
    return (struct stream_sql *)(void *)stream;
}

static int run_write(struct stream *stream, struct sql_tx *tx, sql_closure *closure, struct stream_operation *operation)
{
    return tx ? closure(tx, operation) : sql_write(stream_sql_of(stream)->db, closure, operation);
}

/* The first column of a query's only row, or 0 found. */
static int query_int(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args, int64_t *ret_value)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, statement, args, &rows);
    if (found != 1 || sql_is_null(rows, 0))
        return found < 0 ? found : 0;
    *ret_value = sql_get_int(rows, 0);
    return 1;
}

/* -- trim --------------------------------------------------------------------------------------------------------- */

/* What every group has been given, less what any of them still works on. */
static int trim_closure(struct sql_tx *tx, void *argument)
{
    struct stream_operation *operation = argument;
    operation->count = 0;
    int64_t done_id = 0;
    int64_t pending_id = 0;
    int has_groups = query_int(tx, &stream_sql_delivered_by_all, SQL_ARGS(sql_text(operation->name)), &done_id);
    if (has_groups <= 0)
        return has_groups;
    int has_pending = query_int(tx, &stream_sql_oldest_pending, SQL_ARGS(sql_text(operation->name)), &pending_id);
    TRY(has_pending);
    if (has_pending && pending_id <= done_id)
        done_id = pending_id - 1;
    int64_t removed = 0;
    TRY(sql_exec(tx, &stream_sql_trim,
                 SQL_ARGS(sql_text(operation->name), sql_int(done_id), sql_int((int64_t)operation->limit)), &removed));
    operation->count = (size_t)removed;
    return removed == 0
               ? 0
               : sql_exec(tx, &stream_sql_shorten, SQL_ARGS(sql_text(operation->name), sql_int(removed)), NULL);
}

static int stream_sql_do_trim(struct stream *stream, struct sql_tx *tx, struct str name, size_t limit,
                              size_t *ret_count)
{
    struct stream_operation operation = {.name = name, .limit = limit};
    TRY(run_write(stream, tx, trim_closure, &operation));
    *ret_count = operation.count;
    return 0;
}

/* -- append ------------------------------------------------------------------------------------------------------- */

/* 1, or 0 where there is no such stream, or no room. */
static int take_id(struct sql_tx *tx, const struct stream_operation *operation)
{
    int64_t taken = 0;
    TRY(sql_exec(tx, &stream_sql_take_id, SQL_ARGS(sql_text(operation->name), sql_int(operation->length_max)), &taken));
    return taken > 0;
}

/* The common case is one update (without RETURNING, for which SQLite makes a table of its own); a stream that does not
 * exist or is full costs more. */
static int take_id_or_make_room(struct sql_tx *tx, const struct stream_operation *operation)
{
    int taken = take_id(tx, operation);
    if (taken != 0)
        return taken;
    TRY(sql_exec(tx, &stream_sql_ensure, SQL_ARGS(sql_text(operation->name)), NULL));
    struct stream_operation trim = {.name = operation->name, .limit = STREAM_TRIM_MAX};
    TRY(trim_closure(tx, &trim));
    taken = take_id(tx, operation);
    return taken == 0 ? ERR_RATE_LIMITED : taken;
}

static int append_closure(struct sql_tx *tx, void *argument)
{
    struct stream_operation *operation = argument;
    TRY(take_id_or_make_room(tx, operation));
    TRY(sql_exec(tx, &stream_sql_insert_entry, SQL_ARGS(sql_text(operation->name), sql_blob(operation->payload)),
                 NULL));
    if (!operation->wants_id)
        return 0;
    int found = query_int(tx, &stream_sql_last_id, SQL_ARGS(sql_text(operation->name)), &operation->id);
    return found == 0 ? ERR_CORRUPT : found;
}

static int stream_sql_do_append(struct stream *stream, struct sql_tx *tx, struct str name, struct str payload,
                                int64_t *ret_id)
{
    struct stream_operation operation = {
        .name = name, .payload = payload, .length_max = stream_sql_of(stream)->length_max, .wants_id = ret_id != NULL};
    TRY(run_write(stream, tx, append_closure, &operation));
    if (ret_id)
        *ret_id = operation.id;
    return 0;
}

static int create_group_closure(struct sql_tx *tx, void *argument)
{
    struct stream_operation *operation = argument;
    return sql_exec(tx, &stream_sql_create_group, SQL_ARGS(sql_text(operation->name), sql_text(operation->group)),
                    NULL);
}

static int stream_sql_do_create_group(struct stream *stream, struct sql_tx *tx, struct str name, struct str group)
{
    struct stream_operation operation = {.name = name, .group = group};
    return run_write(stream, tx, create_group_closure, &operation);
}

/* -- read --------------------------------------------------------------------------------------------------------- */

static int copy_payload(struct arena *arena, struct str payload, struct stream_entry *entry)
{
    entry->payload = arena_copy(arena, payload);
    return payload.len && !entry->payload.ptr ? ERR_NO_MEMORY : 0;
}

/* Payloads are read after the claim is finished, for one statement runs at a time. */
static int read_payload(struct sql_tx *tx, struct stream_operation *operation, struct stream_entry *entry)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &stream_sql_get_entry,
                              SQL_ARGS(sql_text(operation->read->stream), sql_int(entry->id)), &rows);
    TRY(found);
    return found ? copy_payload(operation->arena, sql_get_text(rows, 0), entry) : ERR_CORRUPT;
}

static int claim_idle(struct sql_tx *tx, struct stream_operation *operation, int64_t now_ms)
{
    const struct stream_read *read = operation->read;
    struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &stream_sql_claim_idle,
                  SQL_ARGS(sql_text(read->stream), sql_text(read->group), sql_text(read->consumer), sql_int(now_ms),
                           sql_int(now_ms - read->idle_ms), sql_int(now_ms + CLOCK_STEP_MS),
                           sql_int((int64_t)read->limit)),
                  &rows));
    int more = 0;
    while (operation->count < read->limit && (more = sql_next(rows)) == 1)
        operation->entries[operation->count++] =
            (struct stream_entry){.id = sql_get_int(rows, 0), .deliveries = sql_get_int(rows, 1)};
    sql_finish(rows);
    TRY(more);
    for (size_t i = 0; i < operation->count; i++)
        TRY(read_payload(tx, operation, &operation->entries[i]));
    return 0;
}

static int list_new(struct sql_tx *tx, struct stream_operation *operation, int64_t delivered_id)
{
    const struct stream_read *read = operation->read;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(
        tx, &stream_sql_list_new,
        SQL_ARGS(sql_text(read->stream), sql_int(delivered_id), sql_int((int64_t)(read->limit - operation->count))),
        &rows));
    int more = 0;
    while (operation->count < read->limit && (more = sql_next(rows)) == 1) {
        struct stream_entry *entry = &operation->entries[operation->count++];
        *entry = (struct stream_entry){.id = sql_get_int(rows, 0), .deliveries = 1};
        TRY(copy_payload(operation->arena, sql_get_text(rows, 1), entry));
    }
    return more < 0 ? more : 0;
}

static int claim_new(struct sql_tx *tx, struct stream_operation *operation, int64_t now_ms)
{
    const struct stream_read *read = operation->read;
    size_t first = operation->count;
    int64_t delivered_id = 0;
    int found =
        query_int(tx, &stream_sql_get_group, SQL_ARGS(sql_text(read->stream), sql_text(read->group)), &delivered_id);
    TRY(found);
    if (!found)
        return ERR_NOT_FOUND;
    TRY(list_new(tx, operation, delivered_id));
    for (size_t i = first; i < operation->count; i++)
        TRY(sql_exec(tx, &stream_sql_insert_pending,
                     SQL_ARGS(sql_text(read->stream), sql_text(read->group), sql_int(operation->entries[i].id),
                              sql_text(read->consumer), sql_int(now_ms)),
                     NULL));
    if (operation->count == first)
        return 0;
    int64_t advanced = 0;
    TRY(sql_exec(tx, &stream_sql_advance_group,
                 SQL_ARGS(sql_text(read->stream), sql_text(read->group), sql_int(delivered_id),
                          sql_int(operation->entries[operation->count - 1].id)),
                 &advanced));
    return advanced ? 0 : ERR_UNAVAILABLE;
}

static int compare_entries(const void *a, const void *b)
{
    int64_t left = ((const struct stream_entry *)a)->id;
    int64_t right = ((const struct stream_entry *)b)->id;
    return (left > right) - (left < right);
}

static int read_closure(struct sql_tx *tx, void *argument)
{
    struct stream_operation *operation = argument;
    int64_t now_ms = clock_steady_ms();
    operation->count = 0;
    operation->entries = arena_alloc_array(operation->arena, operation->read->limit, sizeof(*operation->entries));
    if (!operation->entries)
        return ERR_NO_MEMORY;
    TRY(claim_idle(tx, operation, now_ms));
    qsort(operation->entries, operation->count, sizeof(*operation->entries), compare_entries);
    return operation->count < operation->read->limit ? claim_new(tx, operation, now_ms) : 0;
}

/* Whether a read would find anything: polling an empty stream must not queue on the writer. */
static int has_work_closure(struct sql_tx *tx, void *argument)
{
    struct stream_operation *operation = argument;
    const struct stream_read *read = operation->read;
    int64_t now_ms = clock_steady_ms();
    struct sql_value values[] = {sql_text(read->stream), sql_text(read->group), sql_int(now_ms - read->idle_ms),
                                 sql_int(now_ms + CLOCK_STEP_MS)};
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &stream_sql_get_group, (struct sql_args){values, 2}, &rows);
    TRY(found);
    if (!found)
        return ERR_NOT_FOUND;
    operation->count = sql_get_int(rows, 1) > sql_get_int(rows, 0);
    int64_t ignored = 0;
    int is_idle = operation->count ? 1 : query_int(tx, &stream_sql_has_idle, (struct sql_args){values, 4}, &ignored);
    operation->count = is_idle > 0;
    return is_idle < 0 ? is_idle : 0;
}

static int stream_sql_do_read(struct stream *stream, const struct stream_read *read, struct arena *arena,
                              struct stream_entry **ret_entries, size_t *ret_count)
{
    struct stream_operation operation = {.read = read, .arena = arena};
    TRY(sql_read(stream_sql_of(stream)->db, has_work_closure, &operation));
    if (operation.count)
        TRY(run_write(stream, NULL, read_closure, &operation));
    *ret_entries = operation.entries;
    *ret_count = operation.count;
    return 0;
}

/* -- ack and stats ------------------------------------------------------------------------------------------------ */

static int ack_closure(struct sql_tx *tx, void *argument)
{
    struct stream_operation *operation = argument;
    const struct stream_read *read = operation->read;
    int64_t deleted = 0;
    TRY(sql_exec(
        tx, &stream_sql_ack,
        SQL_ARGS(sql_text(read->stream), sql_text(read->group), sql_int(operation->id), sql_text(read->consumer)),
        &deleted));
    return deleted ? 0 : ERR_STALE;
}

static int stream_sql_do_ack(struct stream *stream, struct sql_tx *tx, const struct stream_read *reader, int64_t id)
{
    struct stream_operation operation = {.read = reader, .id = id};
    return run_write(stream, tx, ack_closure, &operation);
}

static int stats_closure(struct sql_tx *tx, void *argument)
{
    struct stream_operation *operation = argument;
    struct sql_args args = SQL_ARGS(sql_text(operation->name), sql_text(operation->group));
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &stream_sql_get_group, args, &rows);
    TRY(found);
    if (!found)
        return ERR_NOT_FOUND;
    operation->stats = (struct stream_stats){
        .last_id = sql_get_int(rows, 1),
        .length = sql_get_int(rows, 2),
        .lag = sql_get_int(rows, 1) - sql_get_int(rows, 0),
    };
    int counted = query_int(tx, &stream_sql_count_pending, args, &operation->stats.pending);
    return counted < 0 ? counted : 0;
}

static int stream_sql_get_stats(struct stream *stream, struct str name, struct str group,
                                struct stream_stats *ret_stats)
{
    struct stream_operation operation = {.name = name, .group = group};
    TRY(sql_read(stream_sql_of(stream)->db, stats_closure, &operation));
    *ret_stats = operation.stats;
    return 0;
}

/* -- Life --------------------------------------------------------------------------------------------------------- */

static void stream_sql_free(struct stream *stream)
{
    free(stream);
}

static const struct stream_adapter stream_sql_adapter = {
    .version = STREAM_ADAPTER_VERSION,
    .free = stream_sql_free,
    .append = stream_sql_do_append,
    .create_group = stream_sql_do_create_group,
    .read = stream_sql_do_read,
    .ack = stream_sql_do_ack,
    .trim = stream_sql_do_trim,
    .get_stats = stream_sql_get_stats,
};

int stream_sql_new(struct stream **ret_stream, struct sql_db *db, int64_t length_max)
{
    struct stream_sql *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return ERR_NO_MEMORY;
    stream->base.adapter = &stream_sql_adapter;
    stream->db = db;
    stream->length_max = length_max;
    *ret_stream = &stream->base;
    return 0;
}

int stream_sql_open(struct stream **ret_stream, const struct port_config *config, char ret_message[512])
{
    TRY(port_expect_bare(PORT_STREAM, config->url, ret_message));
    return stream_sql_new(ret_stream, config->db, STREAM_LENGTH_DEFAULT);
}
