#include "platform/base/log.h"
#include "platform/base/time_format.h"
#include "platform/ports/clock/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

/* The one thing that is global: where lines go. Each member is read alone, so a change is never seen half-made in a way
 * that matters. */
static _Atomic int sink_descriptor = STDERR_FILENO;
static _Atomic int sink_least = LOG_LEVEL_INFO;
static _Atomic int sink_format = LOG_FORMAT_AUTOMATIC;

static const char *const level_names[] = {"debug", "info", "warning", "error", "none"};

/* Kept free behind the fields for what closes the line. */
#define CLOSING_BYTES 32

/* A line that is being built; it never grows past its limit, and notes that something did not fit. */
struct line {
    char bytes[LOG_LINE_BYTES];
    size_t len;
    size_t limit;
    bool is_short;
    bool truncated;
};

void log_configure(int descriptor, enum log_level least, enum log_format format)
{
    if (format == LOG_FORMAT_AUTOMATIC)
        format = isatty(descriptor) ? LOG_FORMAT_SHORT : LOG_FORMAT_JSON;
    atomic_store(&sink_descriptor, descriptor);
    atomic_store(&sink_format, (int)format);
    atomic_store(&sink_least, (int)least);
}

bool log_is_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&sink_least, memory_order_relaxed);
}

int log_level_parse(struct str name, enum log_level *ret_level)
{
    for (int level = 0; level <= LOG_LEVEL_NONE; level++) {
        if (str_equal_cstr(name, level_names[level])) {
            *ret_level = (enum log_level)level;
            return 0;
        }
    }
    return ERR_INVALID;
}

/* -- Building a line ----------------------------------------------------------------------------------------------- */

/* All of the bytes or none, so that no escape sequence and no character is cut in two. */
static bool put(struct line *line, struct str bytes)
{
    if (bytes.len > line->limit - line->len) {
        line->truncated = true;
        return false;
    }
    memcpy(line->bytes + line->len, bytes.ptr, bytes.len);
    line->len += bytes.len;
    return true;
}

static bool put_cstr(struct line *line, const char *text)
{
    return put(line, str_from_cstr(text));
}

/* The length of the well-formed character at the start of text; 0 where there is none, or a control character. */
static size_t plain_character(struct str text)
{
    unsigned char lead = (unsigned char)text.ptr[0];
    if (lead < 0x20 || lead == 0x7F)
        return 0;
    size_t len = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (len > text.len || !str_is_utf8(str_from(text.ptr, len)))
        return 0;
    /* U+0080 to U+009F are control characters too; some terminals obey them. */
    if (len == 2 && lead == 0xC2 && (unsigned char)text.ptr[1] < 0xA0)
        return 0;
    return len;
}

/* \u0000 for a control character; a byte that is not UTF-8 becomes the replacement character. */
static bool put_escape(struct line *line, char c)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char byte = (unsigned char)c;
    if (c == '\n')
        return put(line, STR("\\n"));
    if (byte >= 0x80)
        return put(line, STR("\\ufffd"));
    char escape[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 0xF]};
    return put(line, str_from(escape, sizeof(escape)));
}

/* How many bytes at the start of text are ASCII that stands for itself. */
static size_t plain_run(struct str text)
{
    size_t len = 0;
    while (len < text.len && text.ptr[len] >= 0x20 && text.ptr[len] < 0x7F && text.ptr[len] != '"' &&
           text.ptr[len] != '\\')
        len++;
    return len;
}

/* The character at the start of text, which is none of those; *ret_len bytes of text. */
static bool put_other(struct line *line, struct str text, size_t *ret_len)
{
    size_t len = plain_character(text);
    *ret_len = len ? len : 1;
    if (len == 0)
        return put_escape(line, text.ptr[0]);
    if (text.ptr[0] == '"' || text.ptr[0] == '\\')
        return put(line, STR("\\")) && put(line, str_from(text.ptr, 1));
    return put(line, str_from(text.ptr, len));
}

static bool put_text(struct line *line, struct str text)
{
    size_t start = line->len;
    while (text.len > 0 && line->len - start < LOG_VALUE_BYTES) {
        struct str run = str_slice(text, 0, LOG_VALUE_BYTES - (line->len - start));
        size_t len = plain_run(run);
        if (!(len ? put(line, str_slice(run, 0, len)) : put_other(line, text, &len)))
            return false;
        text = str_skip(text, len);
    }
    if (text.len > 0)
        line->truncated = true;
    return text.len == 0 || put(line, STR("…"));
}

static bool put_int(struct line *line, int64_t value)
{
    char digits[20];
    size_t from = sizeof(digits);
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--from] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    if (value < 0)
        digits[--from] = '-';
    return put(line, str_from(digits + from, sizeof(digits) - from));
}

/* ,"name":value or " name=value"; either whole or not at all. */
static void put_field(struct line *line, const struct log_field *field)
{
    size_t before = line->len;
    bool quoted = field->kind == LOG_FIELD_STR &&
                  (!line->is_short || field->text.len == 0 || str_find_char(field->text, ' ') >= 0);
    bool fits = line->is_short ? put(line, STR(" ")) : put(line, STR(",\""));
    fits = fits && put_cstr(line, field->name) && put_cstr(line, line->is_short ? "=" : "\":");
    fits = fits && (!quoted || put(line, STR("\"")));
    if (fits && field->kind == LOG_FIELD_STR)
        fits = put_text(line, field->text);
    else if (fits && field->kind == LOG_FIELD_INT)
        fits = put_int(line, field->integer);
    else if (fits)
        fits = put_cstr(line, field->integer ? "true" : "false");
    if (!fits || (quoted && !put(line, STR("\""))))
        line->len = before;
}

static void put_head_json(struct line *line, const struct log_context *context, enum log_level level,
                          const char *message, const char *time)
{
    put(line, STR("{\"time\":\""));
    put_cstr(line, time);
    put(line, STR("\",\"level\":\""));
    put_cstr(line, level_names[level]);
    put(line, STR("\""));
    if (context && context->service)
        put_field(line, &LOG_CSTR("service", context->service));
    if (context && context->trace_id.len > 0)
        put_field(line, &LOG_STR("trace_id", context->trace_id));
    put_field(line, &LOG_CSTR("message", message));
}

/* "16:34:12 warning orders: stock is short" */
static void put_head_short(struct line *line, const struct log_context *context, enum log_level level,
                           const char *message, const char *time)
{
    put(line, str_slice(str_from_cstr(time), 11, 8));
    put(line, STR(" "));
    if (level != LOG_LEVEL_INFO) {
        put_cstr(line, level_names[level]);
        put(line, STR(" "));
    }
    if (context && context->service) {
        put_cstr(line, context->service);
        put(line, STR(": "));
    }
    put_cstr(line, message);
}

static void write_line(int descriptor, const struct line *line)
{
    ssize_t written;
    do {
        written = write(descriptor, line->bytes, line->len);
    } while (written < 0 && errno == EINTR);
    /* There is no place left to report that the log cannot be written. */
}

void log_write(const struct log_context *context, enum log_level level, const char *message,
               const struct log_field *fields)
{
    if (!log_is_enabled(level) || level >= LOG_LEVEL_NONE)
        return;
    if (atomic_load(&sink_format) == LOG_FORMAT_AUTOMATIC)
        log_configure(atomic_load(&sink_descriptor), (enum log_level)atomic_load(&sink_least), LOG_FORMAT_AUTOMATIC);
    struct line line;
    line.len = 0;
    line.limit = sizeof(line.bytes) - CLOSING_BYTES;
    line.is_short = atomic_load(&sink_format) == LOG_FORMAT_SHORT;
    line.truncated = false;

    char time[TIME_RFC3339_BYTES];
    time_format_rfc3339(clock_wall_ms(), time);
    (line.is_short ? put_head_short : put_head_json)(&line, context, level, message, time);
    for (size_t i = 0; fields[i].kind != LOG_FIELD_END; i++)
        put_field(&line, &fields[i]);

    line.limit = sizeof(line.bytes);
    if (line.truncated)
        put_field(&line, &LOG_BOOL("truncated", true));
    put(&line, line.is_short ? STR("\n") : STR("}\n"));
    write_line(atomic_load(&sink_descriptor), &line);
}
