/* A tail's task: it follows all partitions of the topic, and keeps nothing. What it tells is numbered as it comes, from
 * an instant on that is later than all numbers of a process before it, so that who asks with a number of another
 * process, which saw the partitions in another order, is seen to. */
#include "platform/base/log.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events_kafka.h"

#include <stdio.h>

#define WAIT_MS 1000
#define NUMBER_BITS 20 /* of the events of one millisecond */

/* -- Where it begins ----------------------------------------------------------------------------------------------- */

/* Nobody can have asked for anything before the bus has started: what is there then is past. */
static int find_ends(struct kafka_reader *reader, rd_kafka_topic_partition_list_t *list)
{
    int count = kafka_count_partitions(reader->client, reader->topic);
    TRY(count);
    for (int32_t i = 0; i < count; i++) {
        int64_t low, high;
        rd_kafka_resp_err_t error =
            rd_kafka_query_watermark_offsets(reader->client, reader->topic, i, &low, &high, KAFKA_ANSWER_MS);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
            kafka_reader_tell_trouble(reader, error, "looking for the end of the topic");
            return ERR_UNAVAILABLE;
        }
        int64_t first = high - reader->consumer.replay_max;
        reader->past_end[i] = reader->bus->started ? 0 : high;
        reader->reached[i] = first > low ? first : low;
        rd_kafka_topic_partition_list_add(list, reader->topic, i)->offset = reader->reached[i];
    }
    return count;
}

int kafka_tail_open(struct kafka_reader *reader)
{
    rd_kafka_conf_t *conf = kafka_reader_conf(reader);
    if (!conf)
        return ERR_NO_MEMORY;
    TRY(kafka_reader_open(reader, conf));
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(KAFKA_PARTITIONS);
    int count = find_ends(reader, list);
    if (count >= 0 && rd_kafka_assign(reader->client, list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        count = ERR_UNAVAILABLE;
    rd_kafka_topic_partition_list_destroy(list);
    if (count < 0) {
        kafka_reader_close(reader);
        return count;
    }
    TASK_LOCKED(&reader->bus->readers.mutex);
    reader->partition_count = count;
    return 0;
}

/* -- What it told -------------------------------------------------------------------------------------------------- */

bool kafka_tail_knows(const struct kafka_reader *reader, struct str event_id)
{
    uint64_t first = reader->id_count > KAFKA_IDS_MAX ? reader->id_count - KAFKA_IDS_MAX : 0;
    for (uint64_t i = reader->id_count; i-- > first;) {
        if (str_equal_cstr(event_id, reader->ids[i % KAFKA_IDS_MAX]))
            return true;
    }
    return false;
}

bool kafka_tail_is_present(const struct kafka_reader *reader)
{
    bool is_present = reader->partition_count > 0;
    for (int32_t i = 0; i < reader->partition_count; i++)
        is_present &= reader->reached[i] >= reader->past_end[i];
    return is_present;
}

/* An id that is longer than any of ours is not known again. */
static void remember(struct kafka_reader *reader, struct str event_id)
{
    char *place = reader->ids[reader->id_count++ % KAFKA_IDS_MAX];
    snprintf(place, sizeof(*reader->ids), "%.*s", STR_FORMAT(event_id));
}

static int64_t next_number(struct kafka_reader *reader)
{
    int64_t now = clock_wall_ms() << NUMBER_BITS;
    if (reader->last_number == 0)
        reader->last_number = now;
    return ++reader->last_number;
}

/* -- The task ------------------------------------------------------------------------------------------------------ */

static bool is_new(struct kafka_reader *reader, const struct event *event)
{
    TASK_LOCKED(&reader->bus->readers.mutex);
    return !kafka_tail_knows(reader, event->id);
}

/* One by one: what is told is remembered. */
static void tell(struct kafka_reader *reader, const rd_kafka_message_t *record)
{
    struct event *event = reader->events;
    const char *why;
    if (kafka_record_read(record, event, &why) < 0)
        return; /* a group says it */
    event->topic = str_from_cstr(reader->consumer.topic);
    event->is_past = record->offset < reader->past_end[record->partition];
    if (!event_is_wanted(&reader->consumer, event->topic, event->type) || !is_new(reader, event))
        return;
    event->offset = next_number(reader);
    reader->cursor.event_count = 1;
    reader->cursor.batch_end = event->offset;
    event_cursor_handle(&reader->cursor);
    TASK_LOCKED(&reader->bus->readers.mutex);
    remember(reader, event->id);
}

static void follow(struct kafka_reader *reader)
{
    kafka_reader_take(reader, WAIT_MS);
    for (size_t i = 0; i < reader->record_count && !kafka_reader_stops(reader); i++) {
        const rd_kafka_message_t *record = reader->records[i];
        if (record->err) {
            kafka_reader_tell_trouble(reader, record->err, rd_kafka_message_errstr(record));
            continue;
        }
        tell(reader, record);
        TASK_LOCKED(&reader->bus->readers.mutex);
        reader->reached[record->partition] = record->offset + 1;
        task_cond_broadcast(&reader->bus->readers.moved);
    }
}

void kafka_tail_main(void *argument)
{
    struct kafka_reader *reader = argument;
    for (int64_t failures = 0; !kafka_reader_stops(reader);) {
        if (reader->client) {
            follow(reader);
            continue;
        }
        failures = kafka_tail_open(reader) < 0 ? failures + 1 : 0;
        if (failures == 1)
            log_warning(NULL, "events wait for Kafka", LOG_CSTR("group", reader->group));
        if (failures > 0)
            event_back_off(&reader->bus->readers, &reader->wake, failures);
    }
    kafka_reader_close(reader);
}
