/* RFC 3339 times: what is read is shown and reads back the same, and so is any moment of the years that have a text. */
#include "platform/base/time_format.h"
#include "tests/fuzz/fuzz.h"

#define WALL_MS_MIN INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define WALL_MS_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* Times outside the years 0000 to 9999 are shown as the nearest one inside. */
static void check_shown(int64_t wall_ms)
{
    char text[TIME_RFC3339_BYTES], http[TIME_HTTP_BYTES];
    int64_t again = 0;

    time_format_rfc3339(wall_ms, text);
    time_format_http(wall_ms, http);
    ASSERT(strlen(text) == TIME_RFC3339_BYTES - 1 && strlen(http) == TIME_HTTP_BYTES - 1);
    ASSERT(time_parse_rfc3339(str_from_cstr(text), &again) == 0);
    ASSERT(again == (wall_ms < WALL_MS_MIN ? WALL_MS_MIN : wall_ms > WALL_MS_MAX ? WALL_MS_MAX : wall_ms));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t wall_ms = 0;

    if (time_parse_rfc3339(str_from(data, size), &wall_ms) == 0)
        check_shown(wall_ms);
    memcpy(&wall_ms, data, size < sizeof(wall_ms) ? size : sizeof(wall_ms));
    check_shown(wall_ms);
    return 0;
}
