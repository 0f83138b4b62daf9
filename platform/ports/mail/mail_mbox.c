#include "platform/ports/mail/mail_mbox.h"

#include "platform/base/time_format.h"

#include <time.h>

#define SEPARATOR STR("From ")
#define END STR("\n\n")
#define SEPARATOR_BYTES_MAX 400

/* "Thu Jan  1 00:00:00 1970", as asctime(3) of UTC. */
#define DATE_FORMAT "%a %b %d %H:%M:%S %Y"
#define DATE_LENGTH 24

/* The length of the line with its line feed; all of the rest without one. */
static size_t line_length(struct str text)
{
    ptrdiff_t end = str_find_char(text, '\n');
    return end < 0 ? text.len : (size_t)end + 1;
}

/* Whether the line is "From " behind any number of ">". */
static bool is_separator_quoted(struct str line)
{
    while (line.len > 0 && line.ptr[0] == '>')
        line = str_skip(line, 1);
    return str_starts_with(line, SEPARATOR);
}

static void append_separator(struct buf *mbox, struct str sender, int64_t sent_at_ms)
{
    char date[TIME_HTTP_BYTES]; /* "Thu, 01 Jan 1970 00:00:00 GMT" */
    time_format_http(sent_at_ms, date);
    buf_printf(mbox, "From %.*s %.3s %.3s %.2s %.8s %.4s\n", STR_FORMAT(sender), date, date + 8, date + 5, date + 17,
               date + 12);
}

void mail_mbox_append(struct buf *mbox, struct str sender, int64_t sent_at_ms, struct str encoded)
{
    append_separator(mbox, sender, sent_at_ms);
    while (encoded.len > 0) {
        size_t length = line_length(encoded);
        struct str line = str_slice(encoded, 0, length);
        if (is_separator_quoted(line))
            buf_append_char(mbox, '>');
        buf_append(mbox, line);
        encoded = str_skip(encoded, length);
    }
    buf_append_char(mbox, '\n');
}

/* The time at the end of a separator; 0 where it is none. */
static int64_t read_date(struct str separator)
{
    char text[DATE_LENGTH + 1] = {0};
    struct tm date = {0};
    if (separator.len < DATE_LENGTH)
        return 0;
    memcpy(text, separator.ptr + separator.len - DATE_LENGTH, DATE_LENGTH);
    return strptime(text, DATE_FORMAT, &date) ? (int64_t)timegm(&date) * 1000 : 0;
}

bool mail_mbox_read(struct str bytes, struct mail_mbox_entry *ret_entry)
{
    ptrdiff_t separator = str_starts_with(bytes, SEPARATOR) ? str_find_char(bytes, '\n') : -1;
    if (separator < 0 || separator > SEPARATOR_BYTES_MAX)
        return false;
    struct str message = str_skip(bytes, (size_t)separator + 1);
    ptrdiff_t end = str_find(message, END);
    if (end < 0)
        return false;
    *ret_entry = (struct mail_mbox_entry){
        .sent_at_ms = read_date(str_slice(bytes, 0, (size_t)separator)),
        .size = (size_t)separator + 1 + (size_t)end + END.len,
        .quoted = str_slice(message, 0, (size_t)end + 1),
    };
    return true;
}

void mail_mbox_unquote(struct buf *encoded, struct str quoted)
{
    while (quoted.len > 0) {
        size_t length = line_length(quoted);
        struct str line = str_slice(quoted, 0, length);
        buf_append(encoded, line.ptr[0] == '>' && is_separator_quoted(line) ? str_skip(line, 1) : line);
        quoted = str_skip(quoted, length);
    }
}
