/* A bounded arena: the memory of one request, message or job, released at once.
 *
 * Allocation is a pointer bump in chunks taken from malloc; nothing is freed alone. An arena has a limit in bytes:
 * past it, and when malloc fails, arena_alloc returns NULL and the caller returns ERR_NO_MEMORY, which is an error of
 * that request alone. Not for use by two threads at a time. */
#pragma once

#include "platform/base/str.h"

#include <stdarg.h>

struct arena;

/* limit_bytes bounds what arena_alloc hands out in all. NULL when malloc fails. */
struct arena *arena_new(size_t limit_bytes);
void arena_free(struct arena *arena);
void arena_cleanup(struct arena **arena); /* for CLEANUP() */

/* Forgets every allocation and keeps one chunk for the next user. */
void arena_reset(struct arena *arena);

/* Bytes handed out since the start or the last reset. */
size_t arena_used(const struct arena *arena);

/* Aligned for any type, zeroed. NULL when the limit is reached. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));

/* An array of count elements, zeroed; NULL also when the product overflows. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);

/* A copy of s. Its ptr is NULL when there was no room, or s was empty. */
struct str arena_copy(struct arena *arena, struct str s);

/* A NUL-terminated copy for a library's door; NULL when there was no room. */
char *arena_cstr(struct arena *arena, struct str s);

/* A formatted NUL-terminated string; NULL when there was no room. */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
