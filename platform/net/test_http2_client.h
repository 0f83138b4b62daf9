/* For the tests of HTTP/2: a client of nghttp2's over a plain socket. */
#pragma once

#include "platform/net/test_support.h"

#include <nghttp2/nghttp2.h>

#define STREAMS_MAX 512

struct stream {
    int status;
    unsigned interim_count;
    size_t body_len;
    uint64_t body_sum; /* of its bytes */
    char body[2048];
    char headers[2048];
    bool closed;
    uint32_t error_code;
    struct str upload;
    bool holds_upload_open;
};

struct client {
    int descriptor;
    nghttp2_session *session;
    struct stream streams[STREAMS_MAX]; /* by number: stream 1 is 0, 3 is 1 */
    unsigned stream_count;
    unsigned closed_count;
    unsigned goaway_count;
    uint32_t goaway_error;
    bool ended; /* by the server */
};

static inline struct stream *stream_of(struct client *client, int32_t stream_id)
{
    assert_true(stream_id > 0 && stream_id / 2 < STREAMS_MAX);
    return &client->streams[stream_id / 2];
}

static inline int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                            const uint8_t *value, size_t value_len, uint8_t flags, void *context)
{
    (void)session;
    (void)flags;
    struct stream *stream = stream_of(context, frame->hd.stream_id);
    size_t len = strlen(stream->headers);
    if (name_len == 7 && memcmp(name, ":status", 7) == 0) {
        stream->status = atoi((const char *)value);
        if (stream->status == 100)
            stream->interim_count++;
    }
    snprintf(stream->headers + len, sizeof stream->headers - len, "%.*s: %.*s\n", (int)name_len, (const char *)name,
             (int)value_len, (const char *)value);
    return 0;
}

static inline int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data, size_t len,
                          void *context)
{
    (void)session;
    (void)flags;
    struct stream *stream = stream_of(context, stream_id);
    if (stream->body_len + len < sizeof stream->body)
        memcpy(stream->body + stream->body_len, data, len);
    stream->body_len += len;
    for (size_t i = 0; i < len; i++)
        stream->body_sum += data[i];
    return 0;
}

static inline int on_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *context)
{
    (void)session;
    struct client *client = context;
    struct stream *stream = stream_of(client, stream_id);
    stream->closed = true;
    stream->error_code = error_code;
    client->closed_count++;
    return 0;
}

static inline int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    (void)session;
    struct client *client = context;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        client->goaway_count++;
        client->goaway_error = frame->goaway.error_code;
    }
    return 0;
}

static inline struct client *client_open_with(int descriptor, uint32_t window)
{
    struct client *client = calloc(1, sizeof *client);
    nghttp2_session_callbacks *callbacks = NULL;
    assert_non_null(client);
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    assert_int_equal(nghttp2_session_client_new(&client->session, callbacks, client), 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
    assert_int_equal(nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, settings, 1), 0);
    client->descriptor = descriptor;
    return client;
}

static inline void client_close(struct client *client)
{
    nghttp2_session_del(client->session);
    close(client->descriptor);
    free(client);
}

static inline void client_send(struct client *client)
{
    const uint8_t *bytes = NULL;
    ssize_t len;
    while ((len = nghttp2_session_mem_send(client->session, &bytes)) > 0) {
        if (!test_send(client->descriptor, str_from(bytes, (size_t)len)))
            client->ended = true;
    }
}

/* Waits for some bytes, and sends what follows from them. */
static inline void client_step(struct client *client)
{
    static uint8_t bytes[65536];
    ssize_t len = recv(client->descriptor, bytes, sizeof bytes, 0);
    if (len < 0 && errno == EAGAIN)
        fail_msg("nothing came; %u streams are closed", client->closed_count);
    client->ended = len <= 0;
    if (len > 0)
        assert_int_equal(nghttp2_session_mem_recv(client->session, bytes, (size_t)len), len);
    client_send(client);
}

/* Exchanges bytes until so many streams were closed, or the server ended the connection. */
static inline void client_run(struct client *client, unsigned closed_count)
{
    client_send(client);
    while (client->closed_count < closed_count && !client->ended)
        client_step(client);
}

static inline ssize_t on_upload(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t capacity,
                                uint32_t *data_flags, nghttp2_data_source *source, void *context)
{
    (void)session;
    (void)stream_id;
    (void)context;
    struct stream *stream = source->ptr;
    size_t len = stream->upload.len < capacity ? stream->upload.len : capacity;
    if (len == 0 && stream->holds_upload_open)
        return NGHTTP2_ERR_DEFERRED;
    memcpy(buffer, stream->upload.ptr, len);
    stream->upload = str_skip(stream->upload, len);
    if (stream->upload.len == 0 && !stream->holds_upload_open)
        *data_flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

#define FIELD(name, value)                                                                                             \
    {                                                                                                                  \
        (uint8_t *)(uintptr_t)(name), (uint8_t *)(uintptr_t)(value), strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE \
    }

/* Begins a request; a body that is not NULL is uploaded, and `extra` are further fields. */
static inline struct stream *client_request(struct client *client, const char *method, const char *path,
                                            const char *body, const nghttp2_nv *extra, size_t extra_count)
{
    nghttp2_nv fields[160] = {FIELD(":method", method), FIELD(":scheme", "http"), FIELD(":authority", "shop:3000"),
                              FIELD(":path", path)};
    if (extra_count > 0)
        memcpy(fields + 4, extra, extra_count * sizeof *extra);
    struct stream *stream = &client->streams[client->stream_count++];
    stream->upload = str_from_cstr(body);
    nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = on_upload};
    int32_t id = nghttp2_submit_request(client->session, NULL, fields, 4 + extra_count, body ? &provider : NULL, NULL);
    assert_ptr_equal(stream, stream_of(client, id));
    return stream;
}

static inline struct stream *client_get(struct client *client, const char *path)
{
    return client_request(client, "GET", path, NULL, NULL, 0);
}
