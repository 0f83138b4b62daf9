/* Topics: made before anybody reads them, since a consumer that comes first sees an error; and those of dead letters,
 * into which an idempotent producer writes. Dead letters are rare: each has a producer of its own, so that none has
 * anything left of the trouble of the one before. */
#include "platform/base/log.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events_kafka.h"

#include <stdio.h>

#define MESSAGE_BYTES 512
#define NUMBER_BYTES 24
#define TOPIC_LOOK_MS 20

/* -- Making -------------------------------------------------------------------------------------------------------- */

static rd_kafka_NewTopic_t *topic_new(const struct kafka_settings *settings, const char *name)
{
    char message[MESSAGE_BYTES], bytes[NUMBER_BYTES], retention[NUMBER_BYTES];
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(name, settings->partitions, settings->replicas, message, sizeof(message));
    if (!topic)
        return NULL;
    snprintf(bytes, sizeof(bytes), "%zu", KAFKA_RECORD_BYTES_MAX);
    snprintf(retention, sizeof(retention), "%lld", (long long)KAFKA_RETENTION_MS);
    rd_kafka_NewTopic_set_config(topic, "max.message.bytes", bytes);
    rd_kafka_NewTopic_set_config(topic, "retention.ms", retention);
    return topic;
}

static int check_topics(rd_kafka_event_t *answer)
{
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(answer);
    size_t count = 0;
    if (rd_kafka_event_error(answer) != RD_KAFKA_RESP_ERR_NO_ERROR || !result)
        return ERR_UNAVAILABLE;
    const rd_kafka_topic_result_t **topics = rd_kafka_CreateTopics_result_topics(result, &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t error = rd_kafka_topic_result_error(topics[i]);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            continue;
        log_warning(NULL, "a topic cannot be made", LOG_CSTR("topic", rd_kafka_topic_result_name(topics[i])),
                    LOG_CSTR("detail", rd_kafka_topic_result_error_string(topics[i])));
        return ERR_UNAVAILABLE;
    }
    return 0;
}

#define TOPICS_AT_ONCE_MAX 2

int kafka_make_topics(rd_kafka_t *client, const struct kafka_settings *settings, const char *const *names, size_t count)
{
    char message[MESSAGE_BYTES];
    rd_kafka_NewTopic_t *topics[TOPICS_AT_ONCE_MAX] = {NULL};
    bool is_whole = true;
    int error = ERR_NO_MEMORY;
    ASSERT(count <= TOPICS_AT_ONCE_MAX);
    for (size_t i = 0; i < count; i++)
        is_whole &= (topics[i] = topic_new(settings, names[i])) != NULL;
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    if (is_whole && options && queue) {
        rd_kafka_AdminOptions_set_request_timeout(options, KAFKA_ANSWER_MS, message, sizeof(message));
        rd_kafka_CreateTopics(client, topics, count, options, queue);
        rd_kafka_event_t *answer = rd_kafka_queue_poll(queue, KAFKA_ANSWER_MS + 1000);
        error = answer ? check_topics(answer) : ERR_UNAVAILABLE;
        rd_kafka_event_destroy(answer);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    for (size_t i = 0; i < count; i++) {
        if (topics[i])
            rd_kafka_NewTopic_destroy(topics[i]);
    }
    return error;
}

static int ask_for_partitions(rd_kafka_t *client, const char *name, rd_kafka_resp_err_t *ret_error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
    *ret_error = topic ? rd_kafka_metadata(client, 0, topic, &metadata, KAFKA_ANSWER_MS) : rd_kafka_last_error();
    if (topic)
        rd_kafka_topic_destroy(topic);
    if (*ret_error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    int count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    return count;
}

/* A topic that was made is there a moment later. */
int kafka_count_partitions(rd_kafka_t *client, const char *name)
{
    int64_t deadline_ns = clock_monotonic_ns() + KAFKA_ANSWER_MS * CLOCK_NS_PER_MS;
    rd_kafka_resp_err_t error;
    int count;
    while ((count = ask_for_partitions(client, name, &error)) == 0 && clock_monotonic_ns() < deadline_ns)
        task_sleep_ms(TOPIC_LOOK_MS);
    if (count > 0 && count <= KAFKA_PARTITIONS_MAX)
        return count;
    log_warning(NULL, "a topic is not there, or has too many partitions", LOG_CSTR("topic", name),
                LOG_INT("partitions", count), LOG_CSTR("detail", rd_kafka_err2str(error)));
    return ERR_UNAVAILABLE;
}

/* -- Dead letters -------------------------------------------------------------------------------------------------- */

static void note_delivery(rd_kafka_t *client, const rd_kafka_message_t *record, void *context)
{
    (void)client;
    (void)context;
    *(rd_kafka_resp_err_t *)record->_private = record->err;
}

static rd_kafka_t *producer_new(const struct kafka_settings *settings)
{
    static const char *const words[][2] = {{"enable.idempotence", "true"}, {"acks", "all"}, {"linger.ms", "0"}};
    char message[MESSAGE_BYTES], bytes[NUMBER_BYTES], patience[NUMBER_BYTES];
    rd_kafka_conf_t *conf = kafka_conf_new(settings, message);
    if (!conf)
        return NULL;
    snprintf(bytes, sizeof(bytes), "%zu", KAFKA_RECORD_BYTES_MAX);
    snprintf(patience, sizeof(patience), "%d", KAFKA_ANSWER_MS);
    bool is_set = rd_kafka_conf_set(conf, "message.max.bytes", bytes, message, sizeof(message)) == RD_KAFKA_CONF_OK;
    is_set &= rd_kafka_conf_set(conf, "message.timeout.ms", patience, message, sizeof(message)) == RD_KAFKA_CONF_OK;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        is_set &= rd_kafka_conf_set(conf, words[i][0], words[i][1], message, sizeof(message)) == RD_KAFKA_CONF_OK;
    rd_kafka_conf_set_dr_msg_cb(conf, note_delivery);
    rd_kafka_t *producer = is_set ? rd_kafka_new(RD_KAFKA_PRODUCER, conf, message, sizeof(message)) : NULL;
    if (!producer) {
        log_warning(NULL, "no producer can be had", LOG_CSTR("detail", message));
        rd_kafka_conf_destroy(conf);
    }
    return producer;
}

/* Of the record's own headers, and why it is here. */
static rd_kafka_headers_t *make_headers(const char *group, const rd_kafka_message_t *record,
                                        const struct problem *problem)
{
    rd_kafka_headers_t *own = NULL;
    char place[KAFKA_NAME_MAX + 2 * NUMBER_BYTES];
    struct str detail = event_detail(problem);
    const char *name = error_name(problem->error);
    (void)rd_kafka_message_headers(record, &own); /* it may have none */
    rd_kafka_headers_t *headers = own ? rd_kafka_headers_copy(own) : rd_kafka_headers_new(4);
    if (!headers)
        return NULL;
    snprintf(place, sizeof(place), "%s/%d/%lld", rd_kafka_topic_name(record->rkt), (int)record->partition,
             (long long)record->offset);
    rd_kafka_header_add(headers, "dead_group", -1, group, -1);
    rd_kafka_header_add(headers, "dead_from", -1, place, -1);
    rd_kafka_header_add(headers, "dead_error", -1, name, -1);
    rd_kafka_header_add(headers, "dead_detail", -1, detail.ptr, (ssize_t)detail.len);
    return headers;
}

static rd_kafka_resp_err_t deliver(rd_kafka_t *producer, const char *topic, const rd_kafka_message_t *record,
                                   rd_kafka_headers_t *headers)
{
    rd_kafka_resp_err_t delivery = RD_KAFKA_RESP_ERR__TIMED_OUT;
    rd_kafka_resp_err_t error =
        rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(record->key, record->key_len),
                          RD_KAFKA_V_VALUE(record->payload, record->len), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(&delivery), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_headers_destroy(headers);
        return error;
    }
    /* The report comes in message.timeout.ms at the latest: none may come when `delivery` is gone. */
    while (rd_kafka_flush(producer, KAFKA_ANSWER_MS) == RD_KAFKA_RESP_ERR__TIMED_OUT)
        ;
    return delivery;
}

int kafka_bury(const struct kafka_settings *settings, const char *topic, const char *group,
               const rd_kafka_message_t *record, const struct problem *problem)
{
    rd_kafka_headers_t *headers = make_headers(group, record, problem);
    rd_kafka_t *producer = headers ? producer_new(settings) : NULL;
    if (!producer) {
        if (headers)
            rd_kafka_headers_destroy(headers);
        return ERR_NO_MEMORY;
    }
    rd_kafka_resp_err_t error = deliver(producer, topic, record, headers);
    rd_kafka_destroy(producer);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    log_warning(NULL, "a dead letter cannot be written", LOG_CSTR("topic", topic),
                LOG_CSTR("detail", rd_kafka_err2str(error)));
    return ERR_UNAVAILABLE;
}
