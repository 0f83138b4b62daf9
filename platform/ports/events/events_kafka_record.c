/* Records of Kafka: CloudEvents 1.0 in binary mode, as infra/connect/outbox.json makes them of the outbox. */
#include "platform/ports/events/events_kafka.h"

#include <stdio.h>

/* As Postgres takes it. */
static bool is_text(struct str text)
{
    return str_is_utf8(text) && (text.len == 0 || !memchr(text.ptr, 0, text.len));
}

static bool find_header(const rd_kafka_headers_t *headers, const char *name, struct str *ret_value)
{
    const void *value;
    size_t size;
    *ret_value = STR_EMPTY;
    if (!headers || rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    if (value)
        *ret_value = str_from(value, size);
    return is_text(*ret_value);
}

int kafka_record_read(const rd_kafka_message_t *record, struct event *ret_event, const char **ret_why)
{
    struct event event = {.key = str_from(record->key ? record->key : "", record->key_len),
                          .payload = str_from(record->payload ? record->payload : "", record->len)};
    rd_kafka_headers_t *headers = NULL;
    struct str version, time;
    *ret_why = "it is no CloudEvent";
    if (rd_kafka_message_headers(record, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return ERR_INVALID;
    if (!find_header(headers, "ce_specversion", &version) || !str_equal_cstr(version, "1.0"))
        return ERR_INVALID;
    *ret_why = "a header is missing or no text";
    if (!find_header(headers, "ce_id", &event.id) || event.id.len == 0 ||
        !find_header(headers, "ce_type", &event.type) || event.type.len == 0 ||
        !find_header(headers, "ce_source", &event.source) || event.source.len == 0 ||
        !find_header(headers, "ce_tenant", &event.tenant) || !find_header(headers, "ce_timems", &time) ||
        str_to_int64(time, &event.time_ms) < 0)
        return ERR_INVALID;
    (void)find_header(headers, "ce_traceparent", &event.traceparent); /* an event may have none */
    *ret_why = "its key or payload is no text, or too long";
    if (!is_text(event.key) || !is_text(event.payload) || event.payload.len > EVENT_PAYLOAD_BYTES_MAX)
        return ERR_INVALID;
    *ret_event = event;
    return 0;
}
