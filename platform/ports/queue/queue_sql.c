/* The queue port on a table of a service's own database. */
#include "platform/base/backoff.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/queue/queue.sql.h"
#include "platform/ports/queue/queue_adapter.h"
#include "platform/ports/random/random.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* 48 bits of milliseconds and 80 random bits in hexadecimal: ids sort by time. */
#define ID_SIZE 33
#define ID_RANDOM_BYTES 10

struct queue_sql {
    struct work_queue base;
    struct sql_db *db;
    atomic_bool is_looked_through; /* see pull_closer */
};

struct queue_operation {
    struct str name;
    struct str id;
    struct str body;
    struct str after;
    struct str error;
    const struct work_queue_claim *claim;
    const struct work_queue_message *message;
    struct arena *arena;
    int64_t attempts_max;
    int64_t at_ms;
    size_t limit;
    struct work_queue_message *messages;
    size_t count;
    struct work_queue_stats stats;
};

static int run_write(struct work_queue *queue, struct sql_tx *tx, sql_closure *closure,
                     struct queue_operation *operation)
{
    return tx ? closure(tx, operation) : sql_write(((struct queue_sql *)(void *)queue)->db, closure, operation);
}

static int run_read(struct work_queue *queue, sql_closure *closure, struct queue_operation *operation)
{
    return sql_read(((struct queue_sql *)(void *)queue)->db, closure, operation);
}

/* -- enqueue ------------------------------------------------------------------------------------------------------ */

static void make_id(int64_t now_ms, char ret_id[ID_SIZE])
{
    unsigned char tail[ID_RANDOM_BYTES];
    random_bytes(tail, sizeof(tail));
    int length = snprintf(ret_id, ID_SIZE, "%012llx", (unsigned long long)now_ms & UINT64_C(0xffffffffffff));
    for (size_t i = 0; i < sizeof(tail); i++)
        length += snprintf(ret_id + length, ID_SIZE - (size_t)length, "%02x", tail[i]);
}

static int enqueue_closure(struct sql_tx *tx, void *argument)
{
    struct queue_operation *operation = argument;
    int64_t now_ms = clock_steady_ms();
    char id[ID_SIZE];
    make_id(now_ms, id);
    int64_t visible_at_ms = operation->at_ms > now_ms ? operation->at_ms : now_ms;
    return sql_exec(tx, &queue_sql_enqueue,
                    SQL_ARGS(sql_cstr(id), sql_text(operation->name), sql_blob(operation->body), sql_int(now_ms),
                             sql_int(visible_at_ms)),
                    NULL);
}

static int queue_sql_do_enqueue(struct work_queue *queue, struct sql_tx *tx, struct str name, struct str body,
                                int64_t not_before_ms)
{
    struct queue_operation operation = {.name = name, .body = body, .at_ms = not_before_ms};
    return run_write(queue, tx, enqueue_closure, &operation);
}

/* -- claim -------------------------------------------------------------------------------------------------------- */

static int copy_text(struct arena *arena, struct str s, struct str *ret_copy)
{
    *ret_copy = arena_copy(arena, s);
    return s.len && !ret_copy->ptr ? ERR_NO_MEMORY : 0;
}

static int copy_message(struct arena *arena, struct sql_rows *rows, struct work_queue_message *ret_message)
{
    struct work_queue_message message = {.attempt = sql_get_int(rows, 2),
                                         .enqueued_at_ms = sql_get_int(rows, 3),
                                         .dead_at_ms = sql_is_null(rows, 5) ? 0 : sql_get_int(rows, 5)};
    TRY(copy_text(arena, sql_get_text(rows, 0), &message.id));
    TRY(copy_text(arena, sql_get_text(rows, 1), &message.body));
    TRY(copy_text(arena, sql_get_text(rows, 4), &message.error));
    *ret_message = message;
    return 0;
}

static int collect(struct queue_operation *operation, struct sql_rows *rows, size_t limit)
{
    operation->count = 0;
    operation->messages = arena_alloc_array(operation->arena, limit, sizeof(*operation->messages));
    if (!operation->messages)
        return ERR_NO_MEMORY;
    int more = 0;
    while (operation->count < limit && (more = sql_next(rows)) == 1)
        TRY(copy_message(operation->arena, rows, &operation->messages[operation->count++]));
    return more < 0 ? more : 0;
}

static int64_t attempts_max_of(const struct work_queue_claim *claim, const struct work_queue_message *message)
{
    return claim->silent_max && message->error.len == 0 ? claim->silent_max : claim->attempts_max;
}

/* A claim beyond the last attempt means that the one before it never answered: such a message is not given out. */
static int bury_unanswered(struct sql_tx *tx, struct queue_operation *operation, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < operation->count; i++) {
        struct work_queue_message *message = &operation->messages[i];
        if (message->attempt <= attempts_max_of(operation->claim, message))
            operation->messages[kept++] = *message;
        else
            TRY(sql_exec(tx, &queue_sql_bury_unanswered, SQL_ARGS(sql_text(message->id), sql_int(now_ms)), NULL));
    }
    operation->count = kept;
    return 0;
}

static int query_claim(struct sql_tx *tx, struct queue_operation *operation, int64_t now_ms)
{
    const struct work_queue_claim *claim = operation->claim;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &queue_sql_claim,
                  SQL_ARGS(sql_text(claim->queue), sql_int(now_ms), sql_int(now_ms + claim->visibility_ms),
                           sql_int((int64_t)claim->limit)),
                  &rows));
    return collect(operation, rows, claim->limit);
}

static int claim_closure(struct sql_tx *tx, void *argument)
{
    struct queue_operation *operation = argument;
    int64_t now_ms = clock_steady_ms();
    TRY(query_claim(tx, operation, now_ms));
    return bury_unanswered(tx, operation, now_ms);
}

static int has_due_closure(struct sql_tx *tx, void *argument)
{
    struct queue_operation *operation = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &queue_sql_has_due,
                              SQL_ARGS(sql_text(operation->claim->queue), sql_int(clock_steady_ms())), &rows);
    TRY(found);
    operation->count = (size_t)found;
    return 0;
}

static int pull_closer_closure(struct sql_tx *tx, void *argument)
{
    struct queue_operation *operation = argument;
    int64_t now_ms = clock_steady_ms();
    int64_t longest_ms = operation->claim->visibility_ms + QUEUE_BACKOFF_MAX_MS;
    return sql_exec(tx, &queue_sql_pull_closer, SQL_ARGS(sql_int(now_ms), sql_int(now_ms + longest_ms)), NULL);
}

/* What a process put off whose clock was ahead would wait for as long as that was wrong: it is due at the first claim
 * of the next one. Within a process the steady clock does not go back. */
static int pull_closer(struct work_queue *queue, struct queue_operation *operation)
{
    struct queue_sql *self = (struct queue_sql *)(void *)queue;
    if (self->is_looked_through)
        return 0;
    TRY(run_write(queue, NULL, pull_closer_closure, operation));
    self->is_looked_through = true;
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    return str_compare(((const struct work_queue_message *)a)->id, ((const struct work_queue_message *)b)->id);
}

static int queue_sql_do_claim(struct work_queue *queue, const struct work_queue_claim *claim, struct arena *arena,
                              struct work_queue_message **ret_messages, size_t *ret_count)
{
    struct queue_operation operation = {.claim = claim, .arena = arena};
    TRY(pull_closer(queue, &operation));
    TRY(run_read(queue, has_due_closure, &operation));
    if (operation.count)
        TRY(run_write(queue, NULL, claim_closure, &operation));
    if (operation.count) /* RETURNING has no order of its own */
        qsort(operation.messages, operation.count, sizeof(*operation.messages), compare_ids);
    *ret_messages = operation.messages;
    *ret_count = operation.count;
    return 0;
}

static int release_closure(struct sql_tx *tx, void *argument)
{
    struct queue_operation *operation = argument;
    return sql_exec(tx, &queue_sql_release, SQL_ARGS(sql_text(operation->name), sql_int(clock_steady_ms())), NULL);
}

static int queue_sql_do_release(struct work_queue *queue, struct str name)
{
    struct queue_operation operation = {.name = name};
    return run_write(queue, NULL, release_closure, &operation);
}

/* -- ack and fail ------------------------------------------------------------------------------------------------- */

static int ack_closure(struct sql_tx *tx, void *argument)
{
    const struct work_queue_message *message = ((struct queue_operation *)argument)->message;
    int64_t deleted = 0;
    TRY(sql_exec(tx, &queue_sql_ack, SQL_ARGS(sql_text(message->id), sql_int(message->attempt)), &deleted));
    return deleted ? 0 : ERR_STALE;
}

static int queue_sql_do_ack(struct work_queue *queue, struct sql_tx *tx, const struct work_queue_message *message)
{
    struct queue_operation operation = {.message = message};
    return run_write(queue, tx, ack_closure, &operation);
}

/* See QUEUE_BACKOFF_FIRST_MS. */
static int64_t retry_delay_ms(int64_t attempt)
{
    int64_t wait_ms = backoff_ms(QUEUE_BACKOFF_FIRST_MS, QUEUE_BACKOFF_MAX_MS, attempt);
    return wait_ms - (int64_t)random_below((uint64_t)wait_ms / 4);
}

static int fail_closure(struct sql_tx *tx, void *argument)
{
    struct queue_operation *operation = argument;
    const struct work_queue_message *message = operation->message;
    bool is_dead = message->attempt >= operation->attempts_max;
    int64_t at_ms = clock_steady_ms() + (is_dead ? 0 : retry_delay_ms(message->attempt));
    int64_t changed = 0;
    TRY(sql_exec(tx, is_dead ? &queue_sql_bury : &queue_sql_retry,
                 SQL_ARGS(sql_text(message->id), sql_int(message->attempt), sql_int(at_ms), sql_text(operation->error)),
                 &changed));
    return changed ? 0 : ERR_STALE;
}

static int queue_sql_do_fail(struct work_queue *queue, struct sql_tx *tx, const struct work_queue_message *message,
                             int64_t attempts_max, struct str error)
{
    struct queue_operation operation = {.message = message, .attempts_max = attempts_max, .error = error};
    return run_write(queue, tx, fail_closure, &operation);
}

/* -- dead messages ------------------------------------------------------------------------------------------------ */

static int list_dead_closure(struct sql_tx *tx, void *argument)
{
    struct queue_operation *operation = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &queue_sql_list_dead,
                  SQL_ARGS(sql_text(operation->name), sql_text(operation->after), sql_int((int64_t)operation->limit)),
                  &rows));
    return collect(operation, rows, operation->limit);
}

static int queue_sql_do_list_dead(struct work_queue *queue, struct str name, struct str after, size_t limit,
                                  struct arena *arena, struct work_queue_message **ret_messages, size_t *ret_count)
{
    struct queue_operation operation = {.name = name, .after = after, .limit = limit, .arena = arena};
    TRY(run_read(queue, list_dead_closure, &operation));
    *ret_messages = operation.messages;
    *ret_count = operation.count;
    return 0;
}

static int replay_closure(struct sql_tx *tx, void *argument)
{
    struct queue_operation *operation = argument;
    int64_t now_ms = clock_steady_ms();
    int64_t changed = 0;
    if (operation->id.len)
        TRY(sql_exec(tx, &queue_sql_replay,
                     SQL_ARGS(sql_text(operation->name), sql_text(operation->id), sql_int(now_ms)), &changed));
    else
        TRY(sql_exec(tx, &queue_sql_replay_all, SQL_ARGS(sql_text(operation->name), sql_int(now_ms)), &changed));
    operation->count = (size_t)changed;
    return changed ? 0 : ERR_NOT_FOUND;
}

static int queue_sql_do_replay(struct work_queue *queue, struct sql_tx *tx, struct str name, struct str id,
                               int64_t *ret_count)
{
    struct queue_operation operation = {.name = name, .id = id};
    TRY(run_write(queue, tx, replay_closure, &operation));
    *ret_count = (int64_t)operation.count;
    return 0;
}

/* -- stats -------------------------------------------------------------------------------------------------------- */

static int count(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args, int64_t *ret_count,
                 int64_t *ret_oldest_ms)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, statement, args, &rows));
    *ret_count = sql_get_int(rows, 0);
    if (ret_oldest_ms && !sql_is_null(rows, 1))
        *ret_oldest_ms = sql_get_int(rows, 1);
    return 0;
}

static int stats_closure(struct sql_tx *tx, void *argument)
{
    struct queue_operation *operation = argument;
    struct work_queue_stats stats = {0};
    int64_t now_ms = clock_steady_ms();
    int64_t oldest_ms = now_ms;
    struct sql_value values[] = {sql_text(operation->name), sql_int(QUEUE_COUNT_MAX), sql_int(now_ms)};
    TRY(count(tx, &queue_sql_count_ready, (struct sql_args){values, 3}, &stats.ready, &oldest_ms));
    TRY(count(tx, &queue_sql_count_waiting, (struct sql_args){values, 3}, &stats.waiting, NULL));
    TRY(count(tx, &queue_sql_count_dead, (struct sql_args){values, 2}, &stats.dead, NULL));
    stats.oldest_ready_ms = now_ms > oldest_ms ? now_ms - oldest_ms : 0;
    operation->stats = stats;
    return 0;
}

static int queue_sql_get_stats(struct work_queue *queue, struct str name, struct work_queue_stats *ret_stats)
{
    struct queue_operation operation = {.name = name};
    TRY(run_read(queue, stats_closure, &operation));
    *ret_stats = operation.stats;
    return 0;
}

/* -- Life --------------------------------------------------------------------------------------------------------- */

static void queue_sql_free(struct work_queue *queue)
{
    free(queue);
}

static const struct work_queue_adapter queue_sql_adapter = {
    .version = QUEUE_ADAPTER_VERSION,
    .free = queue_sql_free,
    .enqueue = queue_sql_do_enqueue,
    .claim = queue_sql_do_claim,
    .release = queue_sql_do_release,
    .ack = queue_sql_do_ack,
    .fail = queue_sql_do_fail,
    .list_dead = queue_sql_do_list_dead,
    .replay = queue_sql_do_replay,
    .get_stats = queue_sql_get_stats,
};

int work_queue_sql_open(struct work_queue **ret_queue, const struct port_config *config, char ret_message[512])
{
    TRY(port_expect_bare(PORT_QUEUE, config->url, ret_message));
    struct queue_sql *queue = calloc(1, sizeof(*queue));
    if (!queue)
        return ERR_NO_MEMORY;
    queue->base.adapter = &queue_sql_adapter;
    queue->db = config->db;
    *ret_queue = &queue->base;
    return 0;
}
