/* The events port: the backbone that carries what happened from the service that made it true to those who follow.
 *
 * An event is written to the outbox of the service's own database, in the transaction that makes it true. Embedded, the
 * outbox is the log: consumers read it in order, and commit their offset with their effect. An event of one key is seen
 * in order; each event takes effect once. The envelope is CloudEvents 1.0's attributes. */
#pragma once

#include "platform/base/arena.h"
#include "platform/ports/sql/sql.h"

#define EVENT_ATTEMPTS_MAX 5
#define EVENT_BATCH_MAX 128

struct event {
    int64_t offset;          /* in its log, growing */
    struct str id;           /* UUIDv7 */
    struct str source;       /* the service that published it */
    struct str topic;        /* "product.events" */
    struct str type;         /* "product.updated" */
    struct str key;          /* the aggregate's id: CloudEvents' subject */
    struct str tenant;
    int64_t time_ms;
    struct str traceparent;
    struct str payload;      /* the message as JSON */
};
