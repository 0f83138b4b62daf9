#include "platform/service/host_refusal.h"

#include "platform/base/encode.h"
#include "platform/ports/random/random.h"
#include "platform/service/host.h"
#include "platform/service/host_metrics.h"
#include "platform/service/request_parts.h"
#include "platform/wire/json_writer.h"

#define BODY_BYTES_MAX 1024
#define TRACE_ID_BYTES 16

/* The code, for programs. */
static const char *code_of(int status)
{
    switch (status) {
    case 408:
        return "too_slow";
    case 413:
        return "too_large";
    case 414:
        return "address_too_long";
    case 431:
        return "headers_too_large";
    case 501:
        return "not_implemented";
    case 503:
        return "overloaded";
    default:
        return "bad_request";
    }
}

static struct http_blob *encode(int status, const char *detail, struct str trace_id)
{
    CLEANUP(buf_free) struct buf body = BUF(BODY_BYTES_MAX);
    struct json_writer w = {.buf = &body};

    json_begin_object(&w);
    json_member_string(&w, "type", "about:blank");
    json_member_string(&w, "title", http_status_phrase(status));
    json_member_int(&w, "status", status);
    json_member_string(&w, "detail", detail);
    json_member_string(&w, "code", code_of(status));
    json_key(&w, "trace_id");
    json_string(&w, trace_id);
    json_end_object(&w);
    return buf_error(&body) ? NULL : http_blob_new(buf_str(&body));
}

static void tell(struct service_host *host, int status, const char *detail, struct str trace_id)
{
    struct log_context context = {.service = host->log.service, .trace_id = trace_id};
    const struct log_field fields[] = {
        LOG_INT("status", status),
        LOG_CSTR("code", code_of(status)),
        LOG_CSTR("detail", detail),
        {.kind = LOG_FIELD_END},
    };
    /* The shop's trouble is worth more than the client's. */
    enum log_level level = status == 503 ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO;

    host_metrics_refusal(status);
    if (log_is_enabled(level))
        log_write(&context, level, "refused before it was a request", fields);
}

void host_refusal_fill(struct service_host *host, int status, const char *detail, struct http_response *ret_response)
{
    unsigned char bytes[TRACE_ID_BYTES];
    char hex[2 * TRACE_ID_BYTES + 1];

    random_bytes(bytes, sizeof(bytes));
    encode_hex_into(hex, str_from(bytes, sizeof(bytes)));
    struct str trace_id = str_from(hex, sizeof(hex) - 1);
    ret_response->status = status;
    ret_response->blob = encode(status, detail, trace_id);
    if (!ret_response->blob)
        ret_response->body = STR("{\"type\":\"about:blank\",\"detail\":\"There is no memory left.\"}");
    http_response_header(ret_response, STR("Content-Type"), STR("application/problem+json"));
    http_response_header(ret_response, STR("Cache-Control"), STR("no-store"));
    if (status == 503)
        http_response_header(ret_response, STR("Retry-After"), STR("1"));
    reply_policy_add(ret_response);
    tell(host, status, detail, trace_id);
}
