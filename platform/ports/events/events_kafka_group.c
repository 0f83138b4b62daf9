/* A group's task: it has some of the topic's partitions, and handles what comes of each as events_cursor.h says. */
#include "platform/base/log.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events_kafka.h"
#include "platform/ports/metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#define WAIT_MS 1000 /* for records; one that stops is told */
#define ASSIGNMENT_LIMIT_MS 5000
#define RECOVERY_WAIT_MS 100 /* while some partition's position is not known */

static struct metric lag =
    METRIC_GAUGE("events_lag", "Events of the partitions of this process that the group has yet to handle.", "group");
static struct metric dead =
    METRIC_COUNTER("events_dead_letters_total", "Records put into topics of dead letters.", "group");

/* -- Partitions ---------------------------------------------------------------------------------------------------- */

static int bury(struct event_cursor *cursor, const struct event *event, const struct problem *problem);

static struct kafka_partition *find_partition(struct kafka_reader *reader, int32_t number)
{
    if (number < 0 || number >= KAFKA_PARTITIONS_MAX)
        return NULL;
    if (!reader->partitions[number]) {
        struct kafka_partition *partition = calloc(1, sizeof(*partition));
        if (!partition)
            return NULL;
        *partition = (struct kafka_partition){.reader = reader, .number = number};
        snprintf(partition->log, sizeof(partition->log), "%s/%d", reader->consumer.topic, (int)number);
        partition->cursor = (struct event_cursor){.consumer = &reader->consumer,
                                                  .log = partition->log,
                                                  .readers = &reader->bus->readers,
                                                  .wake = &reader->wake,
                                                  .may_repeat = true,
                                                  .step = KAFKA_PARTITIONS_MAX,
                                                  .bury = bury,
                                                  .events = reader->events};
        reader->partitions[number] = partition;
        if (number >= reader->partition_end)
            reader->partition_end = number + 1;
    }
    return reader->partitions[number];
}

/* Where to begin to read: nothing is missing before the first that a group ever sees. */
static int64_t start_of(struct kafka_partition *partition)
{
    int64_t next = kafka_next_of(partition->number, partition->cursor.position);
    partition->expected = next > 0 ? next : -1;
    return next > 0 ? next : RD_KAFKA_OFFSET_BEGINNING;
}

static int64_t next_of(const struct kafka_partition *partition)
{
    return kafka_next_of(partition->number, partition->cursor.position);
}

/* Where to begin: what the database does not say now is asked for again, and sought. */
static void begin(struct kafka_reader *reader, rd_kafka_topic_partition_t *assigned)
{
    struct kafka_partition *partition = find_partition(reader, assigned->partition);
    if (!partition) {
        log_error(NULL, "a partition is left alone", LOG_CSTR("topic", reader->topic),
                  LOG_INT("partition", assigned->partition));
        return;
    }
    partition->is_mine = true;
    partition->cursor.has_position = false;
    partition->committed = -1;
    assigned->offset = event_cursor_find(&partition->cursor) == 0 ? start_of(partition) : RD_KAFKA_OFFSET_BEGINNING;
}

static void commit(struct kafka_reader *reader);

/* Called by the client's calls on the reader's own task. */
static void rebalance(rd_kafka_t *client, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t *list,
                      void *context)
{
    struct kafka_reader *reader = context;
    rd_kafka_error_t *error;
    reader->was_assigned = true;
    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        for (int i = 0; i < list->cnt; i++)
            begin(reader, &list->elems[i]);
        error = rd_kafka_incremental_assign(client, list);
    } else {
        commit(reader);
        for (int i = 0; i < list->cnt; i++) {
            struct kafka_partition *partition = find_partition(reader, list->elems[i].partition);
            if (partition)
                partition->is_mine = false;
        }
        error = rd_kafka_incremental_unassign(client, list);
    }
    log_info(NULL, what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? "partitions taken" : "partitions given back",
             LOG_CSTR("group", reader->group), LOG_INT("count", list->cnt));
    if (error)
        log_error(NULL, "partitions cannot be assigned", LOG_CSTR("group", reader->group),
                  LOG_CSTR("detail", rd_kafka_error_string(error)));
    rd_kafka_error_destroy(error);
}

static int seek(struct kafka_partition *partition, int64_t offset)
{
    struct kafka_reader *reader = partition->reader;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *place = rd_kafka_topic_partition_list_add(list, reader->topic, partition->number);
    place->offset = offset;
    rd_kafka_error_t *error = rd_kafka_seek_partitions(reader->client, list, RECOVERY_WAIT_MS);
    bool is_sought = !error && place->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_error_destroy(error);
    rd_kafka_topic_partition_list_destroy(list);
    return is_sought ? 0 : ERR_UNAVAILABLE;
}

/* Reads the positions that are not known, and goes there. Records that come meanwhile come again. */
static bool recover(struct kafka_reader *reader)
{
    bool are_known = true;
    for (int32_t i = 0; i < reader->partition_end; i++) {
        struct kafka_partition *partition = reader->partitions[i];
        if (!partition || !partition->is_mine || partition->cursor.has_position)
            continue;
        int error = event_cursor_find(&partition->cursor);
        if (error == 0)
            error = seek(partition, start_of(partition));
        partition->cursor.has_position = error == 0;
        are_known &= error == 0;
    }
    return are_known;
}

/* The log is not what it was: Kafka has thrown away what the group had not read, or it begins anew and has lost what
 * was there. Kafka then goes on with the first record that it has. */
static void notice_loss(struct kafka_partition *partition, const rd_kafka_message_t *record)
{
    int64_t low = 0, high = 0, expected = partition->expected;
    partition->expected = record->offset + 1;
    if (expected < 0 || record->offset == expected)
        return;
    bool is_anew = record->offset < expected;
    rd_kafka_get_watermark_offsets(partition->reader->client, partition->reader->topic, partition->number, &low, &high);
    if (!is_anew && low <= expected)
        return; /* a hole, as transactions of a producer leave */
    log_error(NULL, "events were lost: the log does not have what comes next; it goes on with what it has",
              LOG_CSTR("group", partition->reader->group), LOG_CSTR("log", partition->log), LOG_INT("next", expected),
              LOG_INT("found", record->offset));
    if (is_anew)
        event_cursor_move(&partition->cursor, 0, 0);
}

/* -- What Kafka is told -------------------------------------------------------------------------------------------- */

/* Not waited for: it is for who watches. */
static void commit(struct kafka_reader *reader)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    for (int32_t i = 0; i < reader->partition_end; i++) {
        struct kafka_partition *partition = reader->partitions[i];
        if (!partition || !partition->is_mine || !partition->cursor.has_position ||
            partition->committed == next_of(partition))
            continue;
        partition->committed = next_of(partition);
        rd_kafka_topic_partition_list_add(list, reader->topic, i)->offset = partition->committed;
    }
    if (list->cnt > 0)
        rd_kafka_commit(reader->client, list, 1);
    rd_kafka_topic_partition_list_destroy(list);
    reader->commit_due_ns = clock_monotonic_ns() + KAFKA_COMMIT_MS * CLOCK_NS_PER_MS;
}

static void show_lag(struct kafka_reader *reader)
{
    int64_t behind = 0;
    for (int32_t i = 0; i < reader->partition_end; i++) {
        struct kafka_partition *partition = reader->partitions[i];
        int64_t low = 0, high = 0;
        if (partition && partition->is_mine &&
            rd_kafka_get_watermark_offsets(reader->client, reader->topic, i, &low, &high) == 0 &&
            high > next_of(partition))
            behind += high - (next_of(partition) > low ? next_of(partition) : low);
    }
    metric_set(&lag, METRIC_LABELS(str_from_cstr(reader->consumer.group)), behind);
}

/* -- Handling ------------------------------------------------------------------------------------------------------ */

static int bury_record(struct kafka_partition *partition, const rd_kafka_message_t *record,
                       const struct problem *problem)
{
    struct kafka_reader *reader = partition->reader;
    TRY(kafka_bury(&reader->bus->settings, reader->dead, reader->group, record, problem));
    metric_count(&dead, METRIC_LABELS(str_from_cstr(reader->consumer.group)), 1);
    return 0;
}

static int bury(struct event_cursor *cursor, const struct event *event, const struct problem *problem)
{
    struct kafka_partition *partition = (struct kafka_partition *)cursor; /* its first member */
    return bury_record(partition, partition->reader->event_records[event - cursor->events], problem);
}

/* Takes what is no event out of the way: it can be neither handled nor quarantined. */
static void bury_stranger(struct kafka_partition *partition, const rd_kafka_message_t *record, const char *why)
{
    struct kafka_reader *reader = partition->reader;
    struct event_cursor *cursor = &partition->cursor;
    struct problem problem = {0};
    problem_set(&problem, ERR_INVALID, "no_event", NULL, "%s", why);
    cursor->batch_end = kafka_offset_of(partition->number, record->offset);
    for (int64_t failures = 1; !kafka_reader_stops(reader); failures++) {
        int error = bury_record(partition, record, &problem);
        if (error == 0)
            error = event_cursor_pass(cursor, true);
        if (error == 0) {
            log_error(NULL, "a record is no event; it is among the dead letters", LOG_CSTR("topic", reader->dead),
                      LOG_CSTR("log", partition->log), LOG_INT("offset", record->offset), LOG_CSTR("detail", why));
            return;
        }
        if (!cursor->has_position)
            return;
        event_back_off(&reader->bus->readers, &reader->wake, failures);
    }
}

static void handle_events(struct event_cursor *cursor)
{
    if (cursor->event_count > 0)
        event_cursor_handle(cursor);
    else if (cursor->batch_end > cursor->position)
        (void)event_cursor_pass(cursor, false); /* what cannot be written is passed over again */
}

/* All records of the batch from the first one on that are of its partition, and are no more than events. Returns the
 * record that is none, or NULL. */
static const rd_kafka_message_t *collect(struct kafka_partition *partition, size_t *next, const char **ret_why)
{
    struct kafka_reader *reader = partition->reader;
    struct event_cursor *cursor = &partition->cursor;
    cursor->event_count = 0;
    cursor->batch_end = cursor->position;
    for (; *next < reader->record_count; ++*next) {
        const rd_kafka_message_t *record = reader->records[*next];
        int64_t offset = kafka_offset_of(partition->number, record->offset);
        struct event *event = &reader->events[cursor->event_count];
        if (record->err || record->partition != partition->number || offset <= cursor->batch_end)
            continue;
        if (kafka_record_read(record, event, ret_why) < 0) {
            ++*next;
            return record;
        }
        event->offset = offset;
        event->topic = str_from_cstr(reader->consumer.topic);
        cursor->batch_end = offset;
        if (!event_is_wanted(&reader->consumer, event->topic, event->type))
            continue;
        reader->event_records[cursor->event_count++] = record;
    }
    return NULL;
}

static void handle_partition(struct kafka_partition *partition, size_t first)
{
    struct event_cursor *cursor = &partition->cursor;
    size_t next = first;
    while (next < partition->reader->record_count && partition->is_mine && cursor->has_position &&
           !kafka_reader_stops(partition->reader)) {
        const char *why;
        const rd_kafka_message_t *stranger = collect(partition, &next, &why);
        int64_t end = cursor->batch_end;
        handle_events(cursor);
        if (stranger && cursor->has_position && cursor->position == end)
            bury_stranger(partition, stranger, why);
    }
}

static void handle_records(struct kafka_reader *reader)
{
    for (size_t i = 0; i < reader->record_count; i++) {
        const rd_kafka_message_t *record = reader->records[i];
        struct kafka_partition *partition = record->err ? NULL : find_partition(reader, record->partition);
        if (record->err)
            kafka_reader_tell_trouble(reader, record->err, rd_kafka_message_errstr(record));
        if (!partition || !partition->is_mine || !partition->cursor.has_position)
            continue;
        notice_loss(partition, record);
        if (kafka_offset_of(record->partition, record->offset) > partition->cursor.position)
            handle_partition(partition, i);
    }
}

/* -- The task ------------------------------------------------------------------------------------------------------ */

static int open_group(struct kafka_reader *reader)
{
    rd_kafka_conf_t *conf = kafka_reader_conf(reader);
    if (!conf)
        return ERR_NO_MEMORY;
    rd_kafka_conf_set_rebalance_cb(conf, rebalance);
    TRY(kafka_reader_open(reader, conf));
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, reader->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t error = rd_kafka_subscribe(reader->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    kafka_reader_tell_trouble(reader, error, "subscribing");
    kafka_reader_close(reader);
    return ERR_UNAVAILABLE;
}

/* librdkafka before 2.3 aborts when a client goes that waits for its group's first assignment (its issue 4312): so that
 * is waited for, and a client that does not get one is not freed. */
static void close_group(struct kafka_reader *reader)
{
    int64_t deadline_ns = clock_monotonic_ns() + ASSIGNMENT_LIMIT_MS * CLOCK_NS_PER_MS;
    if (!reader->client)
        return;
    while (!reader->was_assigned && clock_monotonic_ns() < deadline_ns)
        kafka_reader_take(reader, RECOVERY_WAIT_MS);
    commit(reader);
    if (reader->was_assigned)
        kafka_reader_close(reader);
    else
        kafka_reader_abandon(reader);
}

static void turn(struct kafka_reader *reader)
{
    bool are_known = recover(reader);
    kafka_reader_take(reader, are_known ? WAIT_MS : RECOVERY_WAIT_MS);
    handle_records(reader);
    if (reader->record_count == 0 || clock_monotonic_ns() >= reader->commit_due_ns)
        commit(reader);
    show_lag(reader);
}

void kafka_group_main(void *argument)
{
    struct kafka_reader *reader = argument;
    for (int64_t failures = 0; !kafka_reader_stops(reader);) {
        if (reader->client) {
            turn(reader);
            continue;
        }
        failures = open_group(reader) < 0 ? failures + 1 : 0;
        if (failures == 1)
            log_warning(NULL, "events wait for Kafka", LOG_CSTR("group", reader->group));
        if (failures > 0)
            event_back_off(&reader->bus->readers, &reader->wake, failures);
    }
    close_group(reader);
}
