#include "platform/wire/wire_path.h"

#include "platform/base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#define NAME_SHOWN_MAX ((size_t)40) /* a longer name is the client's noise and is cut in the detail */
#define PATH_DEPTH_MAX 64
#define POINTER_RENDERED_MAX ((size_t)4 * PROBLEM_POINTER_MAX)

/* RFC 6901, section 3: '~' is written ~0 and '/' is written ~1. */
static void append_escaped(struct buf *buf, struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '~')
            buf_append(buf, STR("~0"));
        else if (name.ptr[i] == '/')
            buf_append(buf, STR("~1"));
        else
            buf_append_char(buf, name.ptr[i]);
    }
}

static void append_pointer(struct buf *buf, const struct wire_path *path)
{
    const struct wire_path *steps[PATH_DEPTH_MAX];
    size_t count = 0;
    for (; path && count < PATH_DEPTH_MAX; path = path->parent)
        steps[count++] = path;
    while (count > 0) {
        const struct wire_path *step = steps[--count];
        buf_append_char(buf, step->prefix ? step->prefix : '/');
        if (step->name.ptr)
            append_escaped(buf, step->name);
        else
            buf_append_int(buf, (int64_t)step->index);
    }
}

/* Cut at the start of a character, and without control characters. */
static void append_shown_name(struct buf *buf, struct str name)
{
    size_t len = name.len;
    if (len > NAME_SHOWN_MAX) {
        len = NAME_SHOWN_MAX;
        while (len > 0 && ((unsigned char)name.ptr[len] & 0xC0) == 0x80)
            len--;
    }
    for (size_t i = 0; i < len; i++)
        buf_append_char(buf, (unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7F ? '?' : name.ptr[i]);
    if (len < name.len)
        buf_append(buf, STR("…"));
}

static void append_subject(struct buf *buf, const struct wire_path *path)
{
    buf_append_char(buf, '"');
    if (path->name.ptr) {
        append_shown_name(buf, path->name);
    } else {
        if (path->parent && path->parent->name.ptr)
            append_shown_name(buf, path->parent->name);
        buf_printf(buf, "[%zu]", path->index);
    }
    buf_append(buf, STR("\" "));
}

int wire_refuse(struct problem *ret_problem, const struct wire_path *path, const char *code, const char *format, ...)
{
    CLEANUP(buf_free) struct buf pointer = BUF(POINTER_RENDERED_MAX);
    CLEANUP(buf_free) struct buf subject = BUF((size_t)PROBLEM_DETAIL_MAX);
    append_pointer(&pointer, path);
    if (path)
        append_subject(&subject, path);
    char rest[PROBLEM_DETAIL_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rest, sizeof(rest), format, arguments);
    va_end(arguments);
    /* A pointer that is too long is cut, here or by problem_set. */
    char shown[POINTER_RENDERED_MAX + 1];
    snprintf(shown, sizeof(shown), "%.*s", STR_FORMAT(buf_str(&pointer)));
    return problem_set(ret_problem, ERR_INVALID, code, shown, "%.*s%s", STR_FORMAT(buf_str(&subject)), rest);
}
