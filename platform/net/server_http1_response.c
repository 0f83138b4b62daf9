/* The bytes of an HTTP/1 answer, written in one pass into the connection's output. */
#include "platform/net/server_internal.h"

#define STATUS_LINE_BYTES_MAX 64
#define LENGTH_LINE_BYTES_MAX 40

static char *put(char *to, struct str s)
{
    if (s.len > 0)
        memcpy(to, s.ptr, s.len);
    return to + s.len;
}

static char *put_number(char *to, size_t number)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        *to++ = digits[--count];
    return to;
}

static char *put_status_line(char *to, int status)
{
    if (status == 200)
        return put(to, STR("HTTP/1.1 200 OK\r\n"));
    to = put(to, STR("HTTP/1.1 "));
    to = put_number(to, (size_t)status);
    *to++ = ' ';
    to = put(to, str_from_cstr(http_status_phrase(status)));
    return put(to, STR("\r\n"));
}

static char *put_headers(char *to, const struct http_exchange *exchange, const struct http_response *response)
{
    if (http_exchange_is_secure(exchange))
        to = put(to, STR("Strict-Transport-Security: " HTTP_STRICT_TRANSPORT "\r\n"));
    for (size_t i = 0; i < response->header_count; i++) {
        const struct http_header *header = &response->headers[i];
        if (!http_text_is_clean(header->name) || !http_text_is_clean(header->value))
            continue;
        to = put(to, header->name);
        to = put(to, STR(": "));
        to = put(to, header->value);
        to = put(to, STR("\r\n"));
    }
    if (response->head_blob)
        to = put(to, http_blob_bytes(response->head_blob));
    return to;
}

static size_t head_size(const struct http_response *response, struct str date)
{
    size_t size = STATUS_LINE_BYTES_MAX + LENGTH_LINE_BYTES_MAX + date.len + sizeof "Connection: keep-alive\r\n\r\n" +
                  sizeof "Transfer-Encoding: chunked\r\n" +
                  sizeof "Strict-Transport-Security: " HTTP_STRICT_TRANSPORT "\r\n";
    for (size_t i = 0; i < response->header_count; i++)
        size += response->headers[i].name.len + response->headers[i].value.len + 4;
    return size + (response->head_blob ? http_blob_bytes(response->head_blob).len : 0);
}

/* A stream begins behind its head, and is not this one's to give up. */
static void release_blobs(struct http_response *response)
{
    http_blob_unref(response->blob);
    http_blob_unref(response->head_blob);
    response->blob = response->head_blob = NULL;
}

bool http1_write_response(struct http_exchange *exchange, struct http_response *response, bool keep_alive,
                          bool *ret_held)
{
    struct http_loop *loop = exchange->loop;
    struct http_output *output = &exchange->connection->output;
    int status = response->status >= 200 && response->status <= 599 ? response->status : 500;
    bool goes_on = response->stream != NULL;
    bool bodiless = status == 204 || status == 304 || goes_on; /* and these have no length: RFC 9110, 8.6 */
    struct str body = response->blob ? http_blob_bytes(response->blob) : response->body;
    struct str sent = bodiless || exchange->head_only ? STR_EMPTY : body;
    struct str date = http_loop_date_line(loop);
    struct str copied = sent.len <= HTTP_BODY_COPY_MAX ? sent : STR_EMPTY;

    char *start = http_output_reserve(loop, output, head_size(response, date) + copied.len);
    if (!start) {
        release_blobs(response);
        return false;
    }
    char *to = put_status_line(start, status);
    to = put(to, date);
    if (!bodiless) {
        to = put(to, STR("Content-Length: "));
        to = put_number(to, body.len);
        to = put(to, STR("\r\n"));
    }
    if (goes_on && exchange->request.version >= 11 && !exchange->head_only)
        to = put(to, STR("Transfer-Encoding: chunked\r\n"));
    if (!keep_alive)
        to = put(to, STR("Connection: close\r\n"));
    else if (exchange->request.version == 10)
        to = put(to, STR("Connection: keep-alive\r\n"));
    to = put_headers(to, exchange, response);
    to = put(to, STR("\r\n"));
    to = put(to, copied);
    http_output_commit(output, (size_t)(to - start));

    bool written = true;
    if (sent.len > copied.len) {
        struct http_blob *blob = response->blob;
        written = http_output_append_held(loop, output, sent, blob, blob ? NULL : exchange);
        if (written) {
            response->blob = NULL;
            *ret_held = blob == NULL;
        }
    }
    release_blobs(response);
    return written;
}
