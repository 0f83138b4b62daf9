#include "services/shell/html.h"

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

void html_json(struct buf *buf, struct str json)
{
    size_t start = 0;

    for (size_t i = 0; i < json.len; i++) {
        size_t length;
        const char *escaped = json_escape(str_skip(json, i), &length);

        if (!escaped)
            continue;
        buf_append(buf, str_slice(json, start, i - start));
        buf_append_cstr(buf, escaped);
        start = i + length;
        i += length - 1;
    }
    buf_append(buf, str_skip(json, start));
}
