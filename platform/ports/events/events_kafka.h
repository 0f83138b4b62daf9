/* The Kafka adapter's own header.
 *
 * Publishing is what it is embedded: a row of the outbox, in the transaction that makes the event true. Debezium reads
 * the rows out of Postgres' log and puts them into Kafka, in the order of commits (infra/connect). It may do so twice
 * for what it had not noted as done when it ended, so each group keeps the ids of what it has handled, in the
 * transaction of the effect.
 *
 * A group is a consumer group of Kafka, by whose assignment its processes share the partitions of the topic. Where a
 * group stands in a partition is said by its own database, as that moves with the effects; what is committed to Kafka,
 * after them, is for whoever watches the lag. A process that lost a partition and has not noticed cannot write there.
 *
 * An event that no attempt could handle goes to the group's topic of dead letters and into quarantine; what is no event
 * at all goes to the former alone. */
#pragma once

#include "platform/ports/events/events_adapter.h"
#include "platform/ports/events/events_cursor.h"

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#define KAFKA_NAME_MAX 249 /* bytes of a topic's name, as Kafka takes it */
#define KAFKA_BROKERS_BYTES 1001
#define KAFKA_PREFIX_BYTES 64
#define KAFKA_WORD_BYTES 256
#define KAFKA_PARTITIONS 8
#define KAFKA_PARTITION_BITS 10
#define KAFKA_PARTITIONS_MAX (1 << KAFKA_PARTITION_BITS)

/* A record: an event of EVENT_PAYLOAD_BYTES_MAX and its headers. */
#define KAFKA_RECORD_BYTES_MAX (2 * EVENT_PAYLOAD_BYTES_MAX)
#define KAFKA_RETENTION_MS (INT64_C(14) * 24 * 3600 * 1000)

#define KAFKA_ANSWER_MS 5000 /* how long a broker may take for what is asked for once */
#define KAFKA_COMMIT_MS INT64_C(200)
#define KAFKA_IDS_MAX 4096 /* of events that a tail remembers */

/* -- events_kafka_url.c -------------------------------------------------------------------------------------------- */

/* What the URL says: kafka://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…][?prefix=shop-a.&partitions=8&replicas=3&tls=on
 * &authorities=FILE]. */
struct kafka_settings {
    char brokers[KAFKA_BROKERS_BYTES];
    char prefix[KAFKA_PREFIX_BYTES]; /* of topics and groups: of several shops on one Kafka each has its own */
    int partitions;                  /* of a topic that has to be made */
    int replicas;                    /* of such a topic; -1: as the broker says */
    bool has_tls;
    char authorities[KAFKA_WORD_BYTES]; /* PEM; empty: those of the system */
    char user[KAFKA_WORD_BYTES], password[KAFKA_WORD_BYTES];
};

/* ERR_INVALID and a message, which has nothing of the user and the password. */
int kafka_settings_parse(const char *url, struct kafka_settings *ret_settings, char ret_message[512]);

/* What both kinds of client are told: where, how, and what to do with what they say. NULL: no memory, or a message. */
rd_kafka_conf_t *kafka_conf_new(const struct kafka_settings *settings, char ret_message[512]);

/* -- events_kafka_record.c ----------------------------------------------------------------------------------------- */

/* An offset of a topic: Kafka's, from 1 on, and the partition. It grows in each partition, as the events of a key do.
 */
static inline int64_t kafka_offset_of(int32_t partition, int64_t offset)
{
    return (offset + 1) << KAFKA_PARTITION_BITS | partition;
}

/* The record of the partition to go on with behind that position. */
static inline int64_t kafka_next_of(int32_t partition, int64_t position)
{
    int64_t next = (position - partition) >> KAFKA_PARTITION_BITS;
    return next < 0 ? 0 : next;
}

/* Reads the event of a record, its texts in the record; ERR_INVALID with why it is none. Topic and offset are the
 * caller's to set. */
int kafka_record_read(const rd_kafka_message_t *record, struct event *ret_event, const char **ret_why);

/* -- events_kafka_topic.c ------------------------------------------------------------------------------------------ */

/* Makes the topics that are not there. */
int kafka_make_topics(rd_kafka_t *client, const struct kafka_settings *settings, const char *const *names,
                      size_t count);

/* Of a topic that is there, or was just made; ERR_UNAVAILABLE. */
int kafka_count_partitions(rd_kafka_t *client, const char *name);

/* Puts the record into the topic, with why it is dead, and waits until it is there for good. */
int kafka_bury(const struct kafka_settings *settings, const char *topic, const char *group,
               const rd_kafka_message_t *record, const struct problem *problem);

/* -- Readers ------------------------------------------------------------------------------------------------------- */

struct kafka_bus;

/* One partition of the topic, as the group follows it. */
struct kafka_partition {
    struct event_cursor cursor;
    struct kafka_reader *reader;
    char log[KAFKA_NAME_MAX + 8]; /* "product.events/3" */
    int32_t number;
    bool is_mine;
    int64_t committed; /* what Kafka was told of the position */
    int64_t expected;  /* the next record; -1: any */
};

struct kafka_reader {
    struct event_consumer consumer;
    struct kafka_bus *bus;
    struct task *task;
    struct task_cond wake;
    char topic[KAFKA_NAME_MAX + 1], group[KAFKA_NAME_MAX + 1], dead[KAFKA_NAME_MAX + 1]; /* in Kafka */
    rd_kafka_t *client;                                                                  /* NULL: not made */
    rd_kafka_queue_t *queue;     /* of the client, to stop its waiting; under the readers' lock */
    rd_kafka_resp_err_t trouble; /* that was told last; 0: none */

    /* The batch in hand. */
    rd_kafka_message_t *records[EVENT_BATCH_MAX];
    size_t record_count;
    struct event events[EVENT_BATCH_MAX];
    const rd_kafka_message_t *event_records[EVENT_BATCH_MAX]; /* of each event its record */

    /* Of a group. */
    struct kafka_partition *partitions[KAFKA_PARTITIONS_MAX]; /* those that it had so far */
    int32_t partition_end;                                    /* behind the greatest number */
    bool was_assigned;                                        /* something, or nothing, by the group */
    int64_t commit_due_ns;

    /* Of a tail. Under the readers' lock: ids, id_count, reached. */
    struct event_cursor cursor;
    int64_t last_number; /* of the events that it told */
    int32_t partition_count;
    int64_t past_end[KAFKA_PARTITIONS_MAX]; /* where the log ended when the bus started */
    int64_t reached[KAFKA_PARTITIONS_MAX];  /* the record to go on with */
    char (*ids)[40];                        /* of the last events, in a ring */
    uint64_t id_count;
};

struct kafka_source {
    const char *name;
    struct sql_db *db;
    int64_t start_end;                /* where its outbox ended when the bus started */
    int64_t noted_written, noted_end; /* of the outbox, when it was last looked at; 0: not yet */
    int64_t trim_end;                 /* up to where it is being trimmed; 0: to be found */
};

struct kafka_bus {
    struct event_bus base;
    struct event_readers readers;
    struct kafka_settings settings;
    atomic_bool started;
    struct kafka_source sources[EVENT_SOURCES_MAX];
    size_t source_count;
    struct kafka_reader *list[EVENT_CONSUMERS_MAX];
    size_t count;
};

static inline bool kafka_is_tail(const struct kafka_reader *reader)
{
    return reader->consumer.db == NULL;
}

/* -- events_kafka_reader.c: what groups and tails have in common --------------------------------------------------- */

/* Copies the consumer. ERR_NO_MEMORY; ERR_INVALID for names that Kafka does not take. */
int kafka_reader_new(struct kafka_bus *bus, const struct event_consumer *consumer, struct kafka_reader **ret_reader);
void kafka_reader_free(struct kafka_reader *reader);

/* Makes the client and the topics. conf is the client's from then on, also where it fails. */
int kafka_reader_open(struct kafka_reader *reader, rd_kafka_conf_t *conf);
void kafka_reader_close(struct kafka_reader *reader);
void kafka_reader_abandon(struct kafka_reader *reader); /* closes, and leaves the client's memory where it is */
rd_kafka_conf_t *kafka_reader_conf(struct kafka_reader *reader);

/* Takes records, waiting for the first one at most that long. */
void kafka_reader_take(struct kafka_reader *reader, int wait_ms);
void kafka_reader_drop(struct kafka_reader *reader);
void kafka_reader_tell_trouble(struct kafka_reader *reader, rd_kafka_resp_err_t error, const char *what);
bool kafka_reader_stops(struct kafka_reader *reader);

/* -- events_kafka_group.c, events_kafka_tail.c: the tasks ---------------------------------------------------------- */

void kafka_group_main(void *argument);
void kafka_tail_main(void *argument);

/* Looks where the log ends. What fails is tried again by the task. */
int kafka_tail_open(struct kafka_reader *reader);

/* Whether it told the event, and all that was in the log before the bus started. The lock is held. */
bool kafka_tail_knows(const struct kafka_reader *reader, struct str event_id);
bool kafka_tail_is_present(const struct kafka_reader *reader);

/* -- events_kafka_outbox.c ----------------------------------------------------------------------------------------- */

bool kafka_settle(struct event_bus *base, int64_t deadline_ns);
int kafka_trim(struct event_bus *base, const char *source, int64_t older_than_ms, int64_t *ret_deleted);
int kafka_note_start(struct kafka_bus *bus);
