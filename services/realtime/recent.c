#include "services/realtime/recent.h"

#include "platform/base/err.h"

#include <inttypes.h>
#include <stdio.h>

static const char letters[SOURCE_COUNT] = {[SOURCE_CATALOG] = 'c', [SOURCE_ORDERS] = 'o', [SOURCE_PAYMENTS] = 'p'};

void position_format(const struct position *position, char ret_text[POSITION_BYTES])
{
    snprintf(ret_text, POSITION_BYTES, "c%" PRId64 ".o%" PRId64 ".p%" PRId64, position->offsets[SOURCE_CATALOG],
             position->offsets[SOURCE_ORDERS], position->offsets[SOURCE_PAYMENTS]);
}

int position_parse(struct str text, struct position *ret_position)
{
    struct position position;
    struct str part;

    if (text.len >= POSITION_BYTES)
        return ERR_INVALID;
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        if (!text.ptr || !str_next_token(&text, '.', &part) || part.len < 2 || part.ptr[0] != letters[i] ||
            str_to_int64(str_skip(part, 1), &position.offsets[i]) < 0 || position.offsets[i] < 0)
            return ERR_INVALID;
    }
    if (text.ptr)
        return ERR_INVALID;
    *ret_position = position;
    return 0;
}

/* -- What is kept -------------------------------------------------------------------------------------------------- */

static struct recent_event *event_at(struct recent_log *log, uint64_t index)
{
    return &log->events[index % RECENT_MAX];
}

static size_t size_of(const struct recent_event *event)
{
    return http_blob_bytes(event->blob).len + http_blob_bytes(event->channels).len;
}

static void forget_oldest(struct recent_log *log)
{
    struct recent_event *event = event_at(log, log->begin++);

    log->bytes -= size_of(event);
    log->forgotten_to = event->offset;
    http_blob_unref(event->blob);
    http_blob_unref(event->channels);
}

void recent_free(struct recent *recent)
{
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        while (recent->logs[i].begin < recent->logs[i].end)
            forget_oldest(&recent->logs[i]);
    }
}

bool recent_knows(const struct recent *recent, enum realtime_source source, int64_t offset)
{
    return offset <= recent->position.offsets[source];
}

void recent_add(struct recent *recent, enum realtime_source source, int64_t offset, struct http_blob *blob,
                struct http_blob *channels)
{
    struct recent_log *log = &recent->logs[source];

    /* What came before the first one that is seen was never here. */
    if (log->end == 0)
        log->forgotten_to = offset - 1;
    if (log->end - log->begin == RECENT_MAX)
        forget_oldest(log);
    struct recent_event *event = event_at(log, log->end++);
    *event = (struct recent_event){++recent->sequence, offset, http_blob_ref(blob), http_blob_ref(channels)};
    log->bytes += size_of(event);
    recent->position.offsets[source] = offset;
    while (log->bytes > RECENT_BYTES_MAX)
        forget_oldest(log);
}

bool recent_reaches(const struct recent *recent, const struct position *position)
{
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        /* Ahead of us: of another data folder, or a start that has not read its log yet. */
        if (position->offsets[i] > recent->position.offsets[i] || position->offsets[i] < recent->logs[i].forgotten_to)
            return false;
    }
    return true;
}

/* The first of the log behind the offset, or NULL. */
static const struct recent_event *first_behind(const struct recent_log *log, int64_t offset)
{
    uint64_t low = log->begin, high = log->end;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (log->events[middle % RECENT_MAX].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < log->end ? &log->events[low % RECENT_MAX] : NULL;
}

const struct recent_event *recent_next(const struct recent *recent, struct position *cursor)
{
    const struct recent_event *next = NULL;
    size_t source = 0;

    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        const struct recent_event *event = first_behind(&recent->logs[i], cursor->offsets[i]);

        if (event && (!next || event->sequence < next->sequence)) {
            next = event;
            source = i;
        }
    }
    if (next)
        cursor->offsets[source] = next->offset;
    return next;
}
