/* Wall time as text: RFC 3339 for what we store and show, IMF-fixdate for HTTP headers. UTC only; no locale and no time
 * zone database take part. */
#pragma once

#include "platform/base/str.h"

#define TIME_RFC3339_BYTES 25 /* "2026-11-23T16:34:12.123Z" and the NUL */
#define TIME_HTTP_BYTES 30    /* "Mon, 23 Nov 2026 16:34:12 GMT" and the NUL */

/* Milliseconds since 1970 as RFC 3339 in UTC, always with milliseconds, so that the texts sort as the times do. Times
 * outside the years 0000 to 9999 are shown as the nearest time inside them. */
void time_format_rfc3339(int64_t wall_ms, char ret_text[TIME_RFC3339_BYTES]);

/* The format of Date, Last-Modified and Expires (RFC 9110, section 5.6.7). */
void time_format_http(int64_t wall_ms, char ret_text[TIME_HTTP_BYTES]);
