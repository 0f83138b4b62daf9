/* The functions that take from an arena, as the linker's --wrap has them called: each may find no room, though most of
 * what they take costs no malloc. Included by one file of a program, behind its
 *
 *     static bool has_no_room(const char *function, const void *caller)    whether this call fails
 *     #define UNWRAPPED(function)                                          its name where it does not
 */
#pragma once

#include "platform/base/arena.h"

#include <stdarg.h>

void *UNWRAPPED(arena_alloc)(struct arena *arena, size_t size);
void *UNWRAPPED(arena_alloc_array)(struct arena *arena, size_t count, size_t size);
struct str UNWRAPPED(arena_copy)(struct arena *arena, struct str s);
char *UNWRAPPED(arena_cstr)(struct arena *arena, struct str s);
char *UNWRAPPED(arena_vprintf)(struct arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

void *__wrap_arena_alloc(struct arena *arena, size_t size);
void *__wrap_arena_alloc_array(struct arena *arena, size_t count, size_t size);
struct str __wrap_arena_copy(struct arena *arena, struct str s);
char *__wrap_arena_cstr(struct arena *arena, struct str s);
char *__wrap_arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *__wrap_arena_vprintf(struct arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

void *__wrap_arena_alloc(struct arena *arena, size_t size)
{
    return has_no_room("arena_alloc", __builtin_return_address(0)) ? NULL : UNWRAPPED(arena_alloc)(arena, size);
}

void *__wrap_arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    return has_no_room("arena_alloc_array", __builtin_return_address(0))
               ? NULL
               : UNWRAPPED(arena_alloc_array)(arena, count, size);
}

struct str __wrap_arena_copy(struct arena *arena, struct str s)
{
    bool fails_now = s.len > 0 && has_no_room("arena_copy", __builtin_return_address(0));
    return fails_now ? STR_EMPTY : UNWRAPPED(arena_copy)(arena, s);
}

char *__wrap_arena_cstr(struct arena *arena, struct str s)
{
    return has_no_room("arena_cstr", __builtin_return_address(0)) ? NULL : UNWRAPPED(arena_cstr)(arena, s);
}

char *__wrap_arena_printf(struct arena *arena, const char *format, ...)
{
    if (has_no_room("arena_printf", __builtin_return_address(0)))
        return NULL;
    va_list arguments;
    va_start(arguments, format);
    char *text = UNWRAPPED(arena_vprintf)(arena, format, arguments);
    va_end(arguments);
    return text;
}

char *__wrap_arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
    return has_no_room("arena_vprintf", __builtin_return_address(0))
               ? NULL
               : UNWRAPPED(arena_vprintf)(arena, format, arguments);
}
