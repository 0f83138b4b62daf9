#include "services/realtime/piece.h"

#include "platform/base/err.h"
#include "platform/ports/events/events.h"

#include <stdio.h>

#define PIECE_BYTES_MAX (EVENT_PAYLOAD_BYTES_MAX + 1024)
#define LINES_BYTES_MAX (POSITION_BYTES + 64)

struct http_blob *piece_body(struct str type, struct str data)
{
    CLEANUP(buf_free) struct buf body = BUF(PIECE_BYTES_MAX);

    buf_printf(&body, "event: %.*s\ndata: ", STR_FORMAT(type));
    buf_append(&body, data);
    buf_append_cstr(&body, "\n\n");
    return buf_error(&body) ? NULL : http_blob_new(buf_str(&body));
}

struct http_blob *piece_event(const struct position *position, const struct http_blob *body)
{
    CLEANUP(buf_free) struct buf piece = BUF(PIECE_BYTES_MAX + LINES_BYTES_MAX);
    char id[POSITION_BYTES];

    position_format(position, id);
    buf_printf(&piece, "id: %s\n", id);
    buf_append(&piece, http_blob_bytes(body));
    return buf_error(&piece) ? NULL : http_blob_new(buf_str(&piece));
}

struct http_blob *piece_greeting(const struct position *position, int retry_ms)
{
    char id[POSITION_BYTES], text[LINES_BYTES_MAX];

    position_format(position, id);
    int len = snprintf(text, sizeof(text), "retry: %d\nid: %s\n\n", retry_ms, id);
    return http_blob_new(str_from(text, (size_t)len));
}

struct http_blob *piece_heartbeat(const struct position *position)
{
    char id[POSITION_BYTES], text[LINES_BYTES_MAX];

    position_format(position, id);
    int len = snprintf(text, sizeof(text), ":\nid: %s\n\n", id);
    return http_blob_new(str_from(text, (size_t)len));
}
