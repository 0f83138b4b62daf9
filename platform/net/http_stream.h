/* An answer that goes on: bytes that are written piece by piece, by whoever holds the stream, for as long as the peer
 * stays (Server-Sent Events).
 *
 * A handler makes one and gives a reference to its response; what sends it (the server, or a test) takes the pieces off
 * the other end. What is written before anybody sends waits. A piece is a blob, of which a stream holds a reference:
 * one that goes to ten thousand streams is there once.
 *
 * A peer that reads more slowly than is written is bounded: over bytes_max the stream is cut, which is not an end that
 * the peer could take for a whole answer. on_end is called exactly once for a stream that was given to a response,
 * whoever ended it, on the sender's task, without a lock held; it must not block. After it nothing is sent. */
#pragma once

#include "platform/net/http.h"

struct http_stream;

enum http_stream_end {
    HTTP_STREAM_ENDED,   /* by http_stream_close, and all of it was sent */
    HTTP_STREAM_GONE,    /* the peer is */
    HTTP_STREAM_SLOW,    /* the peer did not read what was written */
    HTTP_STREAM_DRAINED, /* the server ends */
};

typedef void http_stream_ended(void *context, enum http_stream_end end);

#define HTTP_STREAM_PIECE_BYTES 32u /* that each piece counts beside its own bytes */

/* One reference; NULL when out of memory. */
struct http_stream *http_stream_new(size_t bytes_max, http_stream_ended *on_end, void *context);
struct http_stream *http_stream_ref(struct http_stream *stream);
void http_stream_unref(struct http_stream *stream); /* NULL is fine */

/* Any task; takes a reference of its own to the blob, which must not be empty. ERR_TOO_LARGE: the peer is too slow, and
 * is cut; ERR_NO_MEMORY: so it is, as a piece that is missing must not go unseen; ERR_CANCELLED: it has ended. */
int http_stream_write(struct http_stream *stream, struct http_blob *blob);

/* Any task, any number of times: nothing more comes. What is written is still sent. */
void http_stream_close(struct http_stream *stream);

/* -- For what sends it: one task at a time ------------------------------------------------------------------------- */

/* Called under the stream's lock, from any task, when there may be something to take. */
typedef void http_stream_wake(void *sender);

enum http_stream_taken {
    HTTP_STREAM_PIECE, /* there is one */
    HTTP_STREAM_EMPTY, /* not now: wake is called */
    HTTP_STREAM_LAST,  /* it was closed, and there are no more */
    HTTP_STREAM_CUT,   /* end it so that the peer does not take it for whole */
};

void http_stream_attach(struct http_stream *stream, http_stream_wake *wake, void *sender);

/* The next piece, whose reference is the caller's. */
enum http_stream_taken http_stream_take(struct http_stream *stream, struct http_blob **ret_blob);

/* Whether something waits to be taken, and whether it was cut. */
bool http_stream_has_pieces(struct http_stream *stream);
bool http_stream_is_cut(struct http_stream *stream);

/* Nobody sends it any more; wake is not called from here on. Calls on_end, the first time. Does not give up the
 * reference. */
void http_stream_end(struct http_stream *stream, enum http_stream_end end);
