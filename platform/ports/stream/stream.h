/* The stream port: fast local tasks (notifications, thumbnails) handed to groups of consumers, with back-pressure.
 *
 * Entries of a stream are numbered from 1 without a gap, in commit order. Each group sees every entry; within a group
 * each goes to one consumer, and is pending until acknowledged. What stays pending too long is given to whoever reads
 * next. Delivery is at least once. A stream holds at most length_max entries that some group still needs: past it,
 * appending is refused with ERR_RATE_LIMITED, so that a stalled consumer slows its producers and not the machine.
 *
 * What is appended and acknowledged in a transaction of the service's database commits with it, on any adapter: of an
 * entry's effects and its acknowledgement in one transaction exactly one commits. An engine that is not the database
 * hears of it after the commit, when a process reads the stream, which is so where it is appended to; until then about
 * length_max entries more may wait. It numbers entries as they come to it, and one that has lost its data goes on at a
 * greater number. While it is not there, what a transaction appends waits, and everything else is ERR_UNAVAILABLE. What
 * is appended without a transaction is as durable as the engine is set up to be. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/err.h"
#include "platform/base/str.h"
#include "platform/ports/sql/sql.h"

#define STREAM_PAYLOAD_BYTES_MAX ((size_t)64 << 10)
#define STREAM_NAME_BYTES_MAX 80
#define STREAM_READ_MAX 256
#define STREAM_TRIM_MAX 1000
#define STREAM_LENGTH_DEFAULT 100000

struct stream;

struct stream_entry {
    int64_t id;
    struct str payload;
    int64_t deliveries; /* 1 for the first */
};

struct stream_read {
    struct str stream;
    struct str group;
    struct str consumer;
    size_t limit;    /* at most STREAM_READ_MAX */
    int64_t idle_ms; /* entries pending longer than this are claimed from whoever has them */
};

struct stream_stats {
    int64_t length;  /* entries held */
    int64_t last_id; /* of the newest entry ever */
    int64_t lag;     /* not yet given to the group */
    int64_t pending; /* given and not acknowledged */
};

/* Opens the adapter that the URL's scheme names. ERR_INVALID with a ret_message: there is none, or the URL is not as it
 * wants it; ERR_NO_MEMORY. */
int stream_open(struct stream **ret_stream, const struct port_config *config, char ret_message[512]);
void stream_free(struct stream *stream);

/* tx NULL: a write of its own. ERR_RATE_LIMITED: the stream is full. ret_id may be NULL; it is 0 where an engine
 * numbers the entry after the transaction. */
int stream_append(struct stream *stream, struct sql_tx *tx, struct str name, struct str payload, int64_t *ret_id);

/* Makes the group if it does not exist; it sees what the stream holds now and what follows. An engine that is not there
 * makes it when it comes. */
int stream_create_group(struct stream *stream, struct sql_tx *tx, struct str name, struct str group);

/* First what is pending too long, then what is new, by id. *ret_count may be 0; costs a read when there is nothing.
 * ERR_NOT_FOUND: no such group. */
int stream_read(struct stream *stream, const struct stream_read *read, struct arena *arena,
                struct stream_entry **ret_entries, size_t *ret_count);

/* Joins tx, so that the entry's effects and its end are one. ERR_STALE: it is not pending for this consumer any more;
 * the transaction should be rolled back. */
int stream_ack(struct stream *stream, struct sql_tx *tx, const struct stream_read *reader, int64_t id);

/* Removes at most limit (and STREAM_TRIM_MAX) entries that every group has acknowledged; for a job. A full stream trims
 * itself before it refuses. */
int stream_trim(struct stream *stream, struct sql_tx *tx, struct str name, size_t limit, size_t *ret_count);

/* ERR_NOT_FOUND: no such group. */
int stream_get_stats(struct stream *stream, struct str name, struct str group, struct stream_stats *ret_stats);
