#include "services/shell/href.h"

#include "platform/base/encode.h"
#include "platform/base/err.h"

static int finish(struct arena *arena, const struct buf *buf, char **ret_href)
{
    TRY(buf_error(buf));
    char *href = arena_cstr(arena, buf_str(buf));
    if (!href)
        return ERR_NO_MEMORY;
    *ret_href = href;
    return 0;
}

int href_make(struct arena *arena, const char *path, const struct href_pair *pairs, size_t count, char **ret_href)
{
    CLEANUP(buf_free) struct buf buf = BUF(HREF_BYTES_MAX);
    char separator = '?';

    buf_append_cstr(&buf, path);
    for (size_t i = 0; i < count; i++) {
        if (!pairs[i].value.len)
            continue;
        buf_append_char(&buf, separator);
        buf_append_cstr(&buf, pairs[i].name);
        buf_append_char(&buf, '=');
        encode_percent(&buf, pairs[i].value);
        separator = '&';
    }
    return finish(arena, &buf, ret_href);
}

int href_below(struct arena *arena, const char *folder, struct str name, char **ret_href)
{
    CLEANUP(buf_free) struct buf buf = BUF(HREF_BYTES_MAX);

    buf_append_cstr(&buf, folder);
    encode_percent(&buf, name);
    return finish(arena, &buf, ret_href);
}

bool href_is_own(struct str href)
{
    if (href.len == 0 || href.ptr[0] != '/')
        return false;
    if (href.len > 1 && (href.ptr[1] == '/' || href.ptr[1] == '\\'))
        return false;
    for (size_t i = 0; i < href.len; i++) {
        unsigned char c = (unsigned char)href.ptr[i];

        if (c < 0x20 || c == 0x7f || c == '\\')
            return false;
    }
    return true;
}
