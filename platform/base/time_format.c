#include "platform/base/time_format.h"
#include "platform/base/err.h"

#define MS_PER_SECOND 1000
#define MS_PER_DAY INT64_C(86400000)
#define WALL_MS_MIN INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define WALL_MS_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

struct civil_time {
    unsigned year, month, day, weekday; /* the weekday counts from Sunday */
    unsigned hour, minute, second, millisecond;
};

/* Days since 1970 of a date of the proleptic Gregorian calendar. The year is taken to start in March, so that the leap
 * day comes last (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* The inverse, for years from 0000 on. */
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

/* -- Reading ------------------------------------------------------------------------------------------------------- */

/* Takes count digits of a number within [low, high], and the character behind them unless that is NUL. */
static int take_number(struct str *text, size_t count, unsigned low, unsigned high, char behind, int64_t *ret_value)
{
    size_t taken = count + (behind != '\0');
    if (text->len < taken)
        return ERR_INVALID;
    unsigned value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text->ptr[i] < '0' || text->ptr[i] > '9')
            return ERR_INVALID;
        value = value * 10 + (unsigned)(text->ptr[i] - '0');
    }
    if (value < low || value > high)
        return ERR_INVALID;
    /* A small t is as good as a T (RFC 3339, section 5.6). */
    if (behind && text->ptr[count] != behind && !(behind == 'T' && text->ptr[count] == 't'))
        return ERR_INVALID;
    *text = str_skip(*text, taken);
    *ret_value = value;
    return 0;
}

static int take_fraction(struct str *text, int64_t *ret_ms)
{
    int64_t ms = 0;
    if (text->len > 0 && text->ptr[0] == '.') {
        size_t digits = 0;
        int64_t weight = 100;
        for (; digits + 1 < text->len && text->ptr[digits + 1] >= '0' && text->ptr[digits + 1] <= '9'; digits++) {
            ms += weight * (text->ptr[digits + 1] - '0');
            weight /= 10;
        }
        if (digits == 0)
            return ERR_INVALID;
        *text = str_skip(*text, digits + 1);
    }
    *ret_ms = ms;
    return 0;
}

static int take_offset(struct str text, int64_t *ret_minutes)
{
    if (str_equal_nocase(text, STR("Z"))) {
        *ret_minutes = 0;
        return 0;
    }
    if (text.len == 0 || (text.ptr[0] != '+' && text.ptr[0] != '-'))
        return ERR_INVALID;
    int64_t sign = text.ptr[0] == '-' ? -1 : 1;
    int64_t hours, minutes;
    text = str_skip(text, 1);
    TRY(take_number(&text, 2, 0, 23, ':', &hours));
    TRY(take_number(&text, 2, 0, 59, '\0', &minutes));
    if (text.len > 0)
        return ERR_INVALID;
    *ret_minutes = sign * (hours * 60 + minutes);
    return 0;
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

int time_parse_rfc3339(struct str text, int64_t *ret_wall_ms)
{
    int64_t year, month, day, hour, minute, second, ms, offset_minutes;
    TRY(take_number(&text, 4, 0, 9999, '-', &year));
    TRY(take_number(&text, 2, 1, 12, '-', &month));
    TRY(take_number(&text, 2, 1, 31, 'T', &day));
    TRY(take_number(&text, 2, 0, 23, ':', &hour));
    TRY(take_number(&text, 2, 0, 59, ':', &minute));
    TRY(take_number(&text, 2, 0, 60, '\0', &second));
    TRY(take_fraction(&text, &ms));
    TRY(take_offset(text, &offset_minutes));
    if (day > days_of_month(year, month))
        return ERR_INVALID;
    int64_t seconds = days_of_date(year, month, day) * 86400 + hour * 3600 + (minute - offset_minutes) * 60 + second;
    *ret_wall_ms = seconds * MS_PER_SECOND + ms;
    return 0;
}
