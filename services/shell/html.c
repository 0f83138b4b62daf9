#include "services/shell/html.h"

#define SEPARATOR_LEAD '\xe2' /* the first byte of U+2028 and U+2029, and of others that stay */

/* "<", U+2028 and U+2029 (E2 80 A8, E2 80 A9 in UTF-8); ret_length: how many bytes it is. */
static const char *json_escape(struct str rest, size_t *ret_length)
{
    *ret_length = 1;
    if (rest.ptr[0] == '<')
        return "\\u003c";
    *ret_length = 3;
    if (str_starts_with(rest, STR("\xe2\x80\xa8")))
        return "\\u2028";
    return str_starts_with(rest, STR("\xe2\x80\xa9")) ? "\\u2029" : NULL;
}

/* Where the byte is next; the end where it is not. */
static size_t find_next(struct str json, size_t from, char byte)
{
    ptrdiff_t found = str_find_char(str_skip(json, from), byte);

    return found < 0 ? json.len : from + (size_t)found;
}

void html_json(struct buf *buf, struct str json)
{
    size_t start = 0, less = find_next(json, 0, '<'), other = find_next(json, 0, SEPARATOR_LEAD);
    size_t at;

    while ((at = less < other ? less : other) < json.len) {
        size_t length;
        const char *escaped = json_escape(str_skip(json, at), &length);

        if (escaped) {
            buf_append(buf, str_slice(json, start, at - start));
            buf_append_cstr(buf, escaped);
            start = at + length;
        }
        if (at == less)
            less = find_next(json, at + 1, '<');
        else
            other = find_next(json, at + 1, SEPARATOR_LEAD);
    }
    buf_append(buf, str_skip(json, start));
}
