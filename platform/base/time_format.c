#include "platform/base/time_format.h"

#define MS_PER_DAY INT64_C(86400000)
#define WALL_MS_MIN INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define WALL_MS_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

struct civil_time {
    unsigned year, month, day, weekday; /* the weekday counts from Sunday */
    unsigned hour, minute, second, millisecond;
};

/* The date of the proleptic Gregorian calendar, from the year 0000 on, so many days after 1970. The year is taken to
 * start in March, so that the leap day comes last (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static void date_of_days(int64_t days, struct civil_time *ret_time)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    ret_time->day = (unsigned)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    ret_time->month = (unsigned)month;
    ret_time->year = (unsigned)(year_of_era + era * 400 + (month <= 2));
}

static struct civil_time civil_time_of(int64_t wall_ms)
{
    wall_ms = wall_ms < WALL_MS_MIN ? WALL_MS_MIN : wall_ms > WALL_MS_MAX ? WALL_MS_MAX : wall_ms;
    int64_t days = wall_ms / MS_PER_DAY - (wall_ms % MS_PER_DAY < 0);
    unsigned ms_of_day = (unsigned)(wall_ms - days * MS_PER_DAY);
    struct civil_time time = {
        .hour = ms_of_day / 3600000,
        .minute = ms_of_day / 60000 % 60,
        .second = ms_of_day / 1000 % 60,
        .millisecond = ms_of_day % 1000,
        .weekday = (unsigned)(((days + 4) % 7 + 7) % 7), /* 1970 began on a Thursday. */
    };
    date_of_days(days, &time);
    return time;
}

static char *put_digits(char *to, unsigned value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + count;
}

/* The fields one after the other, each with the character behind it; printf would cost ten times as much, and every
 * line of the log carries a time. */
void time_format_rfc3339(int64_t wall_ms, char ret_text[TIME_RFC3339_BYTES])
{
    struct civil_time time = civil_time_of(wall_ms);
    const struct {
        unsigned value;
        int count;
        char behind;
    } parts[] = {{time.year, 4, '-'},   {time.month, 2, '-'},  {time.day, 2, 'T'},        {time.hour, 2, ':'},
                 {time.minute, 2, ':'}, {time.second, 2, '.'}, {time.millisecond, 3, 'Z'}};
    char *to = ret_text;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        to = put_digits(to, parts[i].value, parts[i].count);
        *to++ = parts[i].behind;
    }
    *to = '\0';
}

void time_format_http(int64_t wall_ms, char ret_text[TIME_HTTP_BYTES])
{
    static const char weekdays[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil_time time = civil_time_of(wall_ms);
    memcpy(ret_text, "Www, dd Mmm yyyy hh:mm:ss GMT", TIME_HTTP_BYTES);
    memcpy(ret_text, weekdays + (size_t)3 * time.weekday, 3);
    put_digits(ret_text + 5, time.day, 2);
    memcpy(ret_text + 8, months + (size_t)3 * (time.month - 1), 3);
    put_digits(ret_text + 12, time.year, 4);
    put_digits(ret_text + 17, time.hour, 2);
    put_digits(ret_text + 20, time.minute, 2);
    put_digits(ret_text + 23, time.second, 2);
}
