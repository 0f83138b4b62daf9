/* What goes over a stream: the lines of Server-Sent Events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html). Each returns one reference; NULL when out of
 * memory.
 */
#pragma once

#include "services/realtime/recent.h"

/* "event: TYPE" and "data: DATA": an event without its id. Neither has a line's end in it. */
struct http_blob *piece_body(struct str type, struct str data);

/* The same with the position as its id. */
struct http_blob *piece_event(const struct position *position, const struct http_blob *body);

/* The first lines: when to come again, and from where. */
struct http_blob *piece_greeting(const struct position *position, int retry_ms);

/* A comment; the id that comes along keeps one that hears of nothing from falling behind what is kept. */
struct http_blob *piece_heartbeat(const struct position *position);
