/* What the readers of groups and of tails have in common: a client of Kafka, its topics, and taking records from it. */
#include "platform/base/log.h"
#include "platform/ports/events/events_kafka.h"

#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_BYTES 512
#define NUMBER_BYTES 24
#define BATCH_BYTES ((size_t)4 << 20) /* a batch ends early past it */
#define FETCHED_KB_MAX "4096"         /* of records that were fetched and wait, a reader */
#define FETCHED_MIN "1000"

static bool make_name(char name[KAFKA_NAME_MAX + 1], const char *prefix, const char *word, const char *end)
{
    int length = snprintf(name, KAFKA_NAME_MAX + 1, "%s%s%s", prefix, word, end);
    return length > 0 && length <= KAFKA_NAME_MAX;
}

/* A group is unique in its service. */
static const char *service_of(const struct kafka_bus *bus, const struct sql_db *db)
{
    for (size_t i = 0; db && i < bus->source_count; i++) {
        if (bus->sources[i].db == db)
            return bus->sources[i].name;
    }
    return "live";
}

static bool make_names(struct kafka_reader *reader)
{
    const char *prefix = reader->bus->settings.prefix;
    char own[KAFKA_NAME_MAX + 1];
    return make_name(own, service_of(reader->bus, reader->consumer.db), ".", reader->consumer.group) &&
           make_name(reader->topic, prefix, reader->consumer.topic, "") && make_name(reader->group, prefix, own, "") &&
           make_name(own, ".", reader->group + strlen(prefix), ".dead") &&
           make_name(reader->dead, reader->topic, own, "");
}

int kafka_reader_new(struct kafka_bus *bus, const struct event_consumer *consumer, struct kafka_reader **ret_reader)
{
    struct kafka_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return ERR_NO_MEMORY;
    *reader = (struct kafka_reader){.consumer = *consumer, .bus = bus};
    task_cond_init(&reader->wake);
    if (kafka_is_tail(reader))
        reader->ids = calloc(KAFKA_IDS_MAX, sizeof(*reader->ids));
    if (!make_names(reader) || (kafka_is_tail(reader) && !reader->ids)) {
        int error = make_names(reader) ? ERR_NO_MEMORY : ERR_INVALID;
        kafka_reader_free(reader);
        return error;
    }
    reader->cursor = (struct event_cursor){.consumer = &reader->consumer,
                                           .log = reader->topic,
                                           .readers = &bus->readers,
                                           .wake = &reader->wake,
                                           .step = 1,
                                           .events = reader->events};
    *ret_reader = reader;
    return 0;
}

void kafka_reader_free(struct kafka_reader *reader)
{
    for (int32_t i = 0; i < reader->partition_end; i++)
        free(reader->partitions[i]);
    task_cond_destroy(&reader->wake);
    free(reader->ids);
    free(reader);
}

bool kafka_reader_stops(struct kafka_reader *reader)
{
    return event_readers_stop_soon(&reader->bus->readers);
}

/* The same again is told once, until something worked. */
void kafka_reader_tell_trouble(struct kafka_reader *reader, rd_kafka_resp_err_t error, const char *what)
{
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != reader->trouble)
        log_warning(NULL, "events wait for Kafka", LOG_CSTR("group", reader->group), LOG_CSTR("what", what),
                    LOG_CSTR("detail", rd_kafka_err2str(error)));
    reader->trouble = error;
}

/* -- The client ---------------------------------------------------------------------------------------------------- */

static void hear_error(rd_kafka_t *client, int error, const char *reason, void *context)
{
    (void)client;
    log_debug(NULL, "Kafka's client", LOG_CSTR("group", ((struct kafka_reader *)context)->group),
              LOG_CSTR("about", rd_kafka_err2name((rd_kafka_resp_err_t)error)), LOG_CSTR("detail", reason));
}

rd_kafka_conf_t *kafka_reader_conf(struct kafka_reader *reader)
{
    char message[MESSAGE_BYTES] = "", bytes[NUMBER_BYTES];
    rd_kafka_conf_t *conf = kafka_conf_new(&reader->bus->settings, message);
    snprintf(bytes, sizeof(bytes), "%zu", KAFKA_RECORD_BYTES_MAX);
    const char *const words[][2] = {
        {"group.id", reader->group},
        {"partition.assignment.strategy", "cooperative-sticky"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"},
        {"session.timeout.ms", "10000"},
        {"heartbeat.interval.ms", "2000"},
        {"fetch.message.max.bytes", bytes},
        {"fetch.error.backoff.ms", "50"},
        {"queued.min.messages", FETCHED_MIN},
        {"queued.max.messages.kbytes", FETCHED_KB_MAX},
    };
    for (size_t i = 0; conf && i < sizeof(words) / sizeof(words[0]); i++) {
        if (rd_kafka_conf_set(conf, words[i][0], words[i][1], message, sizeof(message)) == RD_KAFKA_CONF_OK)
            continue;
        rd_kafka_conf_destroy(conf);
        conf = NULL;
    }
    if (!conf) {
        log_warning(NULL, "no consumer can be had", LOG_CSTR("group", reader->group), LOG_CSTR("detail", message));
        return NULL;
    }
    rd_kafka_conf_set_opaque(conf, reader);
    rd_kafka_conf_set_error_cb(conf, hear_error);
    return conf;
}

static void set_client(struct kafka_reader *reader, rd_kafka_t *client, rd_kafka_queue_t *queue)
{
    TASK_LOCKED(&reader->bus->readers.mutex);
    reader->client = client;
    reader->queue = queue;
}

int kafka_reader_open(struct kafka_reader *reader, rd_kafka_conf_t *conf)
{
    char message[MESSAGE_BYTES] = "";
    const char *const topics[] = {reader->topic, reader->dead};
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, message, sizeof(message));
    if (!client) {
        log_warning(NULL, "no consumer can be had", LOG_CSTR("group", reader->group), LOG_CSTR("detail", message));
        rd_kafka_conf_destroy(conf);
        return ERR_UNAVAILABLE;
    }
    rd_kafka_poll_set_consumer(client);
    set_client(reader, client, rd_kafka_queue_get_consumer(client));
    int error = kafka_make_topics(client, &reader->bus->settings, topics, kafka_is_tail(reader) ? 1 : 2);
    if (error == 0)
        error = kafka_count_partitions(client, reader->topic);
    if (error < 0)
        kafka_reader_close(reader);
    return error < 0 ? error : 0;
}

static rd_kafka_t *close_client(struct kafka_reader *reader)
{
    rd_kafka_t *client = reader->client;
    rd_kafka_queue_t *queue = reader->queue;
    if (!client)
        return NULL;
    kafka_reader_drop(reader);
    rd_kafka_consumer_close(client); /* which gives the partitions back, by the callback */
    set_client(reader, NULL, NULL);
    rd_kafka_queue_destroy(queue);
    return client;
}

void kafka_reader_close(struct kafka_reader *reader)
{
    rd_kafka_t *client = close_client(reader);
    if (client)
        rd_kafka_destroy(client);
}

void kafka_reader_abandon(struct kafka_reader *reader)
{
    (void)close_client(reader);
}

/* -- Taking records ------------------------------------------------------------------------------------------------ */

void kafka_reader_drop(struct kafka_reader *reader)
{
    for (size_t i = 0; i < reader->record_count; i++)
        rd_kafka_message_destroy(reader->records[i]);
    reader->record_count = 0;
}

void kafka_reader_take(struct kafka_reader *reader, int wait_ms)
{
    size_t bytes = 0;
    rd_kafka_message_t *record;
    kafka_reader_drop(reader);
    while (reader->record_count < EVENT_BATCH_MAX && bytes < BATCH_BYTES &&
           (record = rd_kafka_consumer_poll(reader->client, wait_ms))) {
        reader->records[reader->record_count++] = record;
        bytes += record->len;
        wait_ms = 0;
    }
}
