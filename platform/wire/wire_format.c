#include "platform/wire/wire_format.h"

#include "platform/base/iso_code.h"

#define HOST_LABEL_MAX ((size_t)63)
#define HOST_NAME_MAX ((size_t)253)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_alphanumeric(char c)
{
    return is_digit(c) || is_lower(c) || is_upper(c);
}

static bool is_any_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_host_label(struct str label)
{
    if (label.len == 0 || label.len > HOST_LABEL_MAX || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!is_alphanumeric(label.ptr[i]) && label.ptr[i] != '-')
            return false;
    }
    return true;
}

static bool is_number(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]))
            return false;
    }
    return true;
}

/* RFC 1123, section 2.1. A name whose last label is a number is read as an IPv4 address by everybody. */
static bool is_hostname(struct str text)
{
    struct str rest = text, label = STR_EMPTY;
    if (text.len > HOST_NAME_MAX)
        return false;
    while (str_next_token(&rest, '.', &label)) {
        if (!is_host_label(label))
            return false;
    }
    return label.len > 0 && !is_number(label);
}

/* What browsers accept in <input type=email>: HTML Living Standard, "valid email address". */
static bool is_email(struct str text)
{
    ptrdiff_t at = str_find_char(text, '@');
    if (at <= 0)
        return false;
    for (size_t i = 0; i < (size_t)at; i++) {
        if (!is_alphanumeric(text.ptr[i]) && !is_any_of(text.ptr[i], ".!#$%&'*+/=?^_`{|}~-"))
            return false;
    }
    struct str domain = str_from(text.ptr + at + 1, text.len - (size_t)at - 1);
    struct str label;
    while (str_next_token(&domain, '.', &label)) {
        if (!is_host_label(label))
            return false;
    }
    return true;
}

/* RFC 9562, section 4; either case. */
static bool is_uuid(struct str text)
{
    if (text.len != 36)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F'))
            return false;
    }
    return true;
}

static bool is_slug(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool edge = i == 0 || i == text.len - 1 || text.ptr[i - 1] == '-';
        if (!is_digit(text.ptr[i]) && !is_lower(text.ptr[i]) && (text.ptr[i] != '-' || edge))
            return false;
    }
    return text.len > 0;
}

static bool is_currency(struct str text)
{
    return iso_currency_digits(text) >= 0;
}

static bool is_country(struct str text)
{
    return iso_country_exists(text);
}

/* Two digits at the offset, from min to max; moves *offset behind them. */
static bool take_two_digits(struct str text, size_t *offset, int min, int max, int *ret_value)
{
    if (*offset + 2 > text.len || !is_digit(text.ptr[*offset]) || !is_digit(text.ptr[*offset + 1]))
        return false;
    int value = (text.ptr[*offset] - '0') * 10 + (text.ptr[*offset + 1] - '0');
    *offset += 2;
    *ret_value = value;
    return value >= min && value <= max;
}

static bool take_char(struct str text, size_t *offset, const char *set)
{
    return *offset < text.len && is_any_of(text.ptr[(*offset)++], set);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool take_date(struct str text, size_t *offset)
{
    int century, years, month, day;
    if (!take_two_digits(text, offset, 0, 99, &century) || !take_two_digits(text, offset, 0, 99, &years) ||
        !take_char(text, offset, "-") || !take_two_digits(text, offset, 1, 12, &month) || !take_char(text, offset, "-"))
        return false;
    return take_two_digits(text, offset, 1, days_in_month(century * 100 + years, month), &day);
}

/* RFC 3339, section 5.6: date-time, with a zone. A leap second is let through. */
static bool is_date_time(struct str text)
{
    size_t at = 0;
    int value;
    if (!take_date(text, &at) || !take_char(text, &at, "Tt") || !take_two_digits(text, &at, 0, 23, &value) ||
        !take_char(text, &at, ":") || !take_two_digits(text, &at, 0, 59, &value) || !take_char(text, &at, ":") ||
        !take_two_digits(text, &at, 0, 60, &value))
        return false;
    if (at < text.len && text.ptr[at] == '.') {
        size_t digits = ++at;
        while (at < text.len && is_digit(text.ptr[at]))
            at++;
        if (at == digits)
            return false;
    }
    if (at < text.len && is_any_of(text.ptr[at], "Zz"))
        return at + 1 == text.len;
    return take_char(text, &at, "+-") && take_two_digits(text, &at, 0, 23, &value) && take_char(text, &at, ":") &&
           take_two_digits(text, &at, 0, 59, &value) && at == text.len;
}

/* RFC 6750, section 2.1: b64token. */
static bool is_token(struct str text)
{
    size_t len = text.len;
    while (len > 0 && text.ptr[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++) {
        if (!is_alphanumeric(text.ptr[i]) && !is_any_of(text.ptr[i], "-._~+/"))
            return false;
    }
    return len > 0;
}

static const struct wire_format formats[] = {
    {"email", "email", NULL, "an e-mail address", is_email},
    {"uuid", "uuid", NULL, "a UUID", is_uuid},
    {"slug", NULL, "^[a-z0-9]+(-[a-z0-9]+)*$", "lower-case letters, digits and single dashes", is_slug},
    {"currency", NULL, "^[A-Z]{3}$", "the code of a currency that is in use (ISO 4217), as \"EUR\"", is_currency},
    {"country", NULL, "^[A-Z]{2}$", "the code of a country (ISO 3166-1 alpha-2), as \"DE\"", is_country},
    {"date-time", "date-time", NULL, "a date and time with its zone (RFC 3339), as \"2026-01-31T12:00:00Z\"",
     is_date_time},
    {"hostname", "hostname", NULL,
     "a host name without port, in ASCII, as \"shop.example\" or \"xn--bcher-kva.example\"", is_hostname},
    {"token", NULL, "^[A-Za-z0-9._~+/-]+=*$", "a token of letters, digits and -._~+/", is_token},
};

const struct wire_format *wire_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    }
    return NULL;
}
