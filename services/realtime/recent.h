/* Positions in the logs, and what was told lately: for who comes back. Not locked: the hub's. */
#pragma once

#include "platform/base/buf.h"
#include "platform/net/http.h"

enum realtime_source { SOURCE_CATALOG, SOURCE_ORDERS, SOURCE_PAYMENTS, SOURCE_COUNT };

#define RECENT_MAX 1024u /* a log; a power of two */
#define RECENT_BYTES_MAX ((size_t)1 << 20)
#define POSITION_BYTES 80

/* The last offset that was told of each log. */
struct position {
    int64_t offsets[SOURCE_COUNT];
};

void position_format(const struct position *position, char ret_text[POSITION_BYTES]);

/* ERR_INVALID for what the shop never gave out. */
int position_parse(struct str text, struct position *ret_position);

struct recent_event {
    uint64_t sequence; /* over all logs */
    int64_t offset;
    struct http_blob *blob;
    struct http_blob *channels; /* lines, each "\x1eTENANT\nkind:ID\x1e" */
};

struct recent_log {
    struct recent_event events[RECENT_MAX];
    uint64_t begin, end; /* of the ring, counted on */
    size_t bytes;
    int64_t forgotten_to; /* events up to here are not kept */
};

struct recent {
    struct recent_log logs[SOURCE_COUNT];
    struct position position;
    uint64_t sequence;
};

void recent_free(struct recent *recent);

/* Whether it was told already. */
bool recent_knows(const struct recent *recent, enum realtime_source source, int64_t offset);

/* Keeps a reference to both blobs; what is oldest goes. */
void recent_add(struct recent *recent, enum realtime_source source, int64_t offset, struct http_blob *blob,
                struct http_blob *channels);

/* Whether all that came behind the position is still there. */
bool recent_reaches(const struct recent *recent, const struct position *position);

/* Walks what came behind the position, in the order in which it was told: the next event, or NULL at the end. cursor
 * starts as the position. */
const struct recent_event *recent_next(const struct recent *recent, struct position *cursor);
