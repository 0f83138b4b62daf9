#include "platform/net/http_stream.h"

#include "platform/base/err.h"
#include "platform/base/task.h"

#include <stdatomic.h>
#include <stdlib.h>

struct piece {
    struct piece *next;
    struct http_blob *blob;
};

struct http_stream {
    atomic_uint references;
    struct task_mutex mutex; /* over all that follow, but for on_end and context */
    struct piece *first, *last;
    size_t bytes;
    size_t bytes_max;
    bool is_closed;
    bool is_cut;
    bool is_ended;
    http_stream_wake *wake;
    void *sender;
    http_stream_ended *on_end;
    void *context;
};

struct http_stream *http_stream_new(size_t bytes_max, http_stream_ended *on_end, void *context)
{
    struct http_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return NULL;
    atomic_init(&stream->references, 1);
    task_mutex_init(&stream->mutex);
    stream->bytes_max = bytes_max;
    stream->on_end = on_end;
    stream->context = context;
    return stream;
}

struct http_stream *http_stream_ref(struct http_stream *stream)
{
    atomic_fetch_add_explicit(&stream->references, 1, memory_order_relaxed);
    return stream;
}

static void drop_pieces(struct http_stream *stream)
{
    while (stream->first) {
        struct piece *piece = stream->first;
        stream->first = piece->next;
        http_blob_unref(piece->blob);
        free(piece);
    }
    stream->last = NULL;
    stream->bytes = 0;
}

void http_stream_unref(struct http_stream *stream)
{
    if (!stream || atomic_fetch_sub_explicit(&stream->references, 1, memory_order_acq_rel) > 1)
        return;
    drop_pieces(stream);
    task_mutex_destroy(&stream->mutex);
    free(stream);
}

static void wake_sender(struct http_stream *stream)
{
    if (stream->wake)
        stream->wake(stream->sender);
}

/* Nothing of what waits is sent: the peer comes again, and asks for what it has not seen. */
static int cut(struct http_stream *stream, int error)
{
    stream->is_cut = true;
    drop_pieces(stream);
    wake_sender(stream);
    return error;
}

int http_stream_write(struct http_stream *stream, struct http_blob *blob)
{
    size_t size = http_blob_bytes(blob).len + HTTP_STREAM_PIECE_BYTES;
    TASK_LOCKED(&stream->mutex);
    if (stream->is_ended || stream->is_closed || stream->is_cut)
        return ERR_CANCELLED;
    if (stream->bytes + size > stream->bytes_max)
        return cut(stream, ERR_TOO_LARGE);
    struct piece *piece = malloc(sizeof *piece);
    if (!piece)
        return cut(stream, ERR_NO_MEMORY);
    *piece = (struct piece){.blob = http_blob_ref(blob)};
    *(stream->first ? &stream->last->next : &stream->first) = piece;
    stream->last = piece;
    stream->bytes += size;
    wake_sender(stream);
    return 0;
}

void http_stream_close(struct http_stream *stream)
{
    TASK_LOCKED(&stream->mutex);
    if (stream->is_closed || stream->is_ended)
        return;
    stream->is_closed = true;
    wake_sender(stream);
}

/* -- The sender's end ---------------------------------------------------------------------------------------------- */

void http_stream_attach(struct http_stream *stream, http_stream_wake *wake, void *sender)
{
    TASK_LOCKED(&stream->mutex);
    ASSERT(!stream->wake && !stream->is_ended);
    stream->wake = wake;
    stream->sender = sender;
    if (stream->first || stream->is_closed || stream->is_cut)
        wake_sender(stream);
}

enum http_stream_taken http_stream_take(struct http_stream *stream, struct http_blob **ret_blob)
{
    TASK_LOCKED(&stream->mutex);
    struct piece *piece = stream->first;
    if (stream->is_cut)
        return HTTP_STREAM_CUT;
    if (!piece)
        return stream->is_closed || stream->is_ended ? HTTP_STREAM_LAST : HTTP_STREAM_EMPTY;
    stream->first = piece->next;
    if (!stream->first)
        stream->last = NULL;
    *ret_blob = piece->blob;
    stream->bytes -= http_blob_bytes(piece->blob).len + HTTP_STREAM_PIECE_BYTES;
    free(piece);
    return HTTP_STREAM_PIECE;
}

bool http_stream_has_pieces(struct http_stream *stream)
{
    TASK_LOCKED(&stream->mutex);
    return stream->first != NULL;
}

bool http_stream_is_cut(struct http_stream *stream)
{
    TASK_LOCKED(&stream->mutex);
    return stream->is_cut;
}

static bool mark_ended(struct http_stream *stream)
{
    TASK_LOCKED(&stream->mutex);
    bool first = !stream->is_ended;
    stream->is_ended = true;
    stream->wake = NULL;
    drop_pieces(stream);
    return first;
}

void http_stream_end(struct http_stream *stream, enum http_stream_end end)
{
    if (mark_ended(stream) && stream->on_end)
        stream->on_end(stream->context, end);
}
