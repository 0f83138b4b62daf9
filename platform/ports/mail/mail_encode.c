/* Messages as bytes: RFC 5322 (the headers), RFC 2047 (words that are not ASCII) and RFC 2045 (the bodies). */
#include "platform/base/encode.h"
#include "platform/base/time_format.h"
#include "platform/ports/mail/mail_adapter.h"

/* Bytes of UTF-8 in one encoded word: 42 are 56 in base64, 68 with "=?UTF-8?B?" and "?=" (RFC 2047 allows 75), and with
 * "Subject: " before them the line stays below 78. */
#define WORD_BYTES_MAX 42

/* RFC 5322, 2.1.1: a line may have 998 bytes; RFC 2045, 6.7: 76 as quoted-printable. */
#define LINE_BYTES_MAX 998
#define QUOTED_LINE_BYTES_MAX 76

/* -- Headers ------------------------------------------------------------------------------------------------------ */

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] >= 0x80)
            return false;
    return true;
}

/* The longest start of s that does not cut a character. */
static size_t word_length(struct str s)
{
    if (s.len <= WORD_BYTES_MAX)
        return s.len;
    size_t length = WORD_BYTES_MAX;
    while (length > 1 && ((unsigned char)s.ptr[length] & 0xc0) == 0x80)
        length--;
    return length;
}

static void append_encoded_words(struct buf *out, struct str s)
{
    while (s.len > 0) {
        size_t length = word_length(s);
        buf_append_cstr(out, "=?UTF-8?B?");
        encode_base64(out, str_slice(s, 0, length));
        buf_append_cstr(out, "?=");
        s = str_skip(s, length);
        if (s.len > 0)
            buf_append_cstr(out, "\r\n ");
    }
}

/* Plain where it is short ASCII that cannot be taken for an encoded word. */
static void append_text(struct buf *out, struct str s)
{
    if (is_ascii(s) && s.len <= QUOTED_LINE_BYTES_MAX && str_find(s, STR("=?")) < 0)
        buf_append(out, s);
    else
        append_encoded_words(out, s);
}

/* The name always as an encoded word: it needs no quoting then, whatever it holds. */
static void append_from(struct buf *out, const struct mail_message *message)
{
    buf_append_cstr(out, "From: ");
    if (message->from_name.len > 0) {
        append_encoded_words(out, message->from_name);
        buf_append_cstr(out, "\r\n ");
    }
    buf_printf(out, "<%.*s>\r\n", STR_FORMAT(message->from));
}

/* RFC 5322, 3.3: the date of HTTP with a numeric zone. */
static void append_date(struct buf *out, int64_t sent_at_ms)
{
    char date[TIME_HTTP_BYTES];
    time_format_http(sent_at_ms, date);
    size_t without_zone = strlen(date) - strlen(" GMT");
    buf_printf(out, "Date: %.*s +0000\r\n", (int)without_zone, date);
}

/* -- Bodies ------------------------------------------------------------------------------------------------------- */

/* Whether the lines may stand as they are: none too long and no carriage return but before a line feed. */
static bool fits_8bit(struct str body)
{
    size_t line = 0;
    for (size_t i = 0; i < body.len; i++) {
        if (body.ptr[i] == '\r' && (i + 1 == body.len || body.ptr[i + 1] != '\n'))
            return false;
        line = body.ptr[i] == '\n' ? 0 : line + 1;
        if (line > LINE_BYTES_MAX)
            return false;
    }
    return true;
}

static void append_8bit(struct buf *out, struct str body)
{
    for (size_t i = 0; i < body.len; i++) {
        if (body.ptr[i] == '\n')
            buf_append_cstr(out, "\r\n");
        else if (body.ptr[i] != '\r')
            buf_append_char(out, body.ptr[i]);
    }
}

static bool must_quote(unsigned char c, bool ends_line)
{
    return c >= 0x7f || c == '=' || (c < 0x20 && c != '\t') || ((c == ' ' || c == '\t') && ends_line);
}

static void append_quoted_printable(struct buf *out, struct str body)
{
    size_t line = 0;
    for (size_t i = 0; i < body.len; i++) {
        unsigned char c = (unsigned char)body.ptr[i];
        if (c == '\n') {
            buf_append_cstr(out, "\r\n");
            line = 0;
            continue;
        }
        bool ends_line = i + 1 == body.len || body.ptr[i + 1] == '\n';
        if (line + 3 >= QUOTED_LINE_BYTES_MAX) {
            buf_append_cstr(out, "=\r\n");
            line = 0;
        }
        if (must_quote(c, ends_line))
            buf_printf(out, "=%02X", c);
        else
            buf_append_char(out, (char)c);
        line += must_quote(c, ends_line) ? 3 : 1;
    }
}

static void append_part(struct buf *out, const char *type, struct str body)
{
    bool is_8bit = fits_8bit(body);
    buf_printf(out, "Content-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n", type,
               is_8bit ? "8bit" : "quoted-printable");
    if (is_8bit)
        append_8bit(out, body);
    else
        append_quoted_printable(out, body);
    buf_append_cstr(out, "\r\n");
}

void mail_encode(const struct mail_message *message, const char *boundary, int64_t sent_at_ms, struct buf *out)
{
    append_date(out, sent_at_ms);
    append_from(out, message);
    buf_printf(out, "To: <%.*s>\r\nSubject: ", STR_FORMAT(message->to));
    append_text(out, message->subject);
    struct str domain = str_skip(message->from, (size_t)str_find_char(message->from, '@') + 1);
    struct str id = message->message_id.len ? message->message_id : str_from_cstr(boundary);
    buf_printf(out, "\r\nMessage-ID: <%.*s@%.*s>\r\nMIME-Version: 1.0\r\n", STR_FORMAT(id), STR_FORMAT(domain));
    if (message->html.len == 0) {
        append_part(out, "text/plain", message->text);
        return;
    }
    buf_printf(out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n--%s\r\n", boundary, boundary);
    append_part(out, "text/plain", message->text);
    buf_printf(out, "--%s\r\n", boundary);
    append_part(out, "text/html", message->html);
    buf_printf(out, "--%s--\r\n", boundary);
}

/* -- Reading ------------------------------------------------------------------------------------------------------ */

/* One of our own encoded words at the start of s. */
static bool next_encoded_word(struct str *s, struct buf *out)
{
    struct str prefix = STR("=?UTF-8?B?");
    if (!str_starts_with(*s, prefix))
        return false;
    struct str base64 = str_skip(*s, prefix.len);
    ptrdiff_t end = str_find(base64, STR("?="));
    if (end < 0 || decode_base64(str_slice(base64, 0, (size_t)end), out) < 0)
        return false;
    *s = str_skip(base64, (size_t)end + 2);
    if (str_starts_with(*s, STR("\r\n =?")))
        *s = str_skip(*s, 3);
    return true;
}

/* The value up to the end of its line that is not folded. */
static struct str header_value(struct str encoded, const char *name)
{
    while (encoded.len > 0 && !str_starts_with(encoded, STR("\r\n"))) {
        ptrdiff_t end = str_find(encoded, STR("\r\n"));
        size_t line = end < 0 ? encoded.len : (size_t)end;
        while (line + 2 < encoded.len && encoded.ptr[line + 2] == ' ') {
            ptrdiff_t next = str_find(str_skip(encoded, line + 2), STR("\r\n"));
            line = next < 0 ? encoded.len : line + 2 + (size_t)next;
        }
        ptrdiff_t colon = str_find_char(str_slice(encoded, 0, line), ':');
        if (colon > 0 && str_equal_nocase(str_slice(encoded, 0, (size_t)colon), str_from_cstr(name)))
            return str_trim(str_slice(encoded, (size_t)colon + 1, line - (size_t)colon - 1));
        encoded = str_skip(encoded, line + 2);
    }
    return STR_EMPTY;
}

int mail_decode_header(struct str encoded, const char *name, struct arena *arena, struct str *ret_value)
{
    struct str value = header_value(encoded, name);
    CLEANUP(buf_free) struct buf decoded = BUF(2 * MAIL_HEADER_BYTES_MAX);
    while (value.len > 0) {
        if (next_encoded_word(&value, &decoded))
            continue;
        buf_append_char(&decoded, value.ptr[0]);
        value = str_skip(value, 1);
    }
    TRY(buf_error(&decoded));
    struct str copy = arena_copy(arena, buf_str(&decoded));
    if (decoded.len && !copy.ptr)
        return ERR_NO_MEMORY;
    *ret_value = copy;
    return 0;
}
