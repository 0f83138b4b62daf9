#include "platform/base/arena.h"
#include "platform/base/err.h"
#include "platform/base/sanitizer.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define ARENA_RED_ZONE_BYTES ((size_t)16) /* poisoned behind each allocation, so that an overrun is seen */

/* Not inlined: gcc takes a fresh chunk that is passed as const for a read of what was never written. */
static __attribute__((noinline)) void arena_poison(char *address, size_t size)
{
    __asan_poison_memory_region(address, size);
}

static __attribute__((noinline)) void arena_unpoison(char *address, size_t size)
{
    __asan_unpoison_memory_region(address, size);
}
#else
#define arena_poison(address, size) ((void)0)
#define arena_unpoison(address, size) ((void)0)
#define ARENA_RED_ZONE_BYTES ((size_t)0)
#endif

#define ARENA_ALIGNMENT (alignof(max_align_t))
#define ARENA_CHUNK_BYTES_FIRST ((size_t)8 << 10)
#define ARENA_CHUNK_BYTES_GROWN ((size_t)1 << 20) /* chunks double up to here; a larger request has its own */
#define ARENA_CHUNK_BYTES_KEPT ((size_t)64 << 10) /* the largest chunk that a reset keeps */
#define ARENA_PRINTF_BYTES 256                    /* shorter texts are formatted once, longer ones twice */

struct arena_chunk {
    struct arena_chunk *next;
    size_t capacity;
    alignas(max_align_t) char bytes[];
};

struct arena {
    char *free_from; /* in the first chunk of the list */
    char *free_to;
    struct arena_chunk *chunks;
    size_t used;
    size_t limit;
};

struct arena *arena_new(size_t limit_bytes)
{
    struct arena *arena = calloc(1, sizeof(*arena));
    if (arena)
        arena->limit = limit_bytes;
    return arena;
}

static void chunk_free(struct arena_chunk *chunk)
{
    arena_unpoison(chunk->bytes, chunk->capacity);
    free(chunk);
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    for (struct arena_chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        chunk_free(chunk);
    }
    free(arena);
}

void arena_cleanup(struct arena **arena)
{
    arena_free(*arena);
}

static void use_chunk(struct arena *arena, struct arena_chunk *chunk)
{
    arena->chunks = chunk;
    arena->free_from = chunk->bytes;
    arena->free_to = chunk->bytes + chunk->capacity;
    arena_poison(chunk->bytes, chunk->capacity);
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *kept = NULL;
    for (struct arena_chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        bool keeps = chunk->capacity <= ARENA_CHUNK_BYTES_KEPT && (!kept || chunk->capacity > kept->capacity);
        struct arena_chunk *unwanted = keeps ? kept : chunk;
        if (keeps)
            kept = chunk;
        if (unwanted)
            chunk_free(unwanted);
    }
    arena->used = 0;
    arena->chunks = NULL;
    arena->free_from = NULL;
    arena->free_to = NULL;
    if (kept) {
        kept->next = NULL;
        use_chunk(arena, kept);
    }
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}

static bool add_chunk(struct arena *arena, size_t needed)
{
    size_t capacity = ARENA_CHUNK_BYTES_FIRST;
    if (arena->chunks && arena->chunks->capacity < ARENA_CHUNK_BYTES_GROWN)
        capacity = arena->chunks->capacity * 2;
    else if (arena->chunks)
        capacity = ARENA_CHUNK_BYTES_GROWN;
    if (capacity < needed)
        capacity = needed;
    struct arena_chunk *chunk = malloc(sizeof(*chunk) + capacity);
    if (!chunk)
        return false;
    chunk->next = arena->chunks;
    chunk->capacity = capacity;
    use_chunk(arena, chunk);
    return true;
}

/* Room for size bytes, not zeroed. */
static void *take(struct arena *arena, size_t size)
{
    /* Nothing is as long as half of the address space; so neither the rounding nor the sum overflows. */
    if (size > PTRDIFF_MAX)
        return NULL;
    size_t rounded = ((size ? size : 1) + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1);
    if (rounded > arena->limit - arena->used)
        return NULL;
    size_t needed = rounded + ARENA_RED_ZONE_BYTES;
    if (needed > (size_t)(arena->free_to - arena->free_from) && !add_chunk(arena, needed))
        return NULL;
    char *bytes = arena->free_from;
    arena->free_from += needed;
    arena->used += rounded;
    arena_unpoison(bytes, size);
    return bytes;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *bytes = take(arena, size);
    return bytes ? memset(bytes, 0, size) : NULL;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    return __builtin_mul_overflow(count, size, &total) ? NULL : arena_alloc(arena, total);
}

struct str arena_copy(struct arena *arena, struct str s)
{
    if (s.len == 0)
        return STR_EMPTY;
    char *copy = take(arena, s.len);
    if (!copy)
        return STR_EMPTY;
    memcpy(copy, s.ptr, s.len);
    return str_from(copy, s.len);
}

char *arena_cstr(struct arena *arena, struct str s)
{
    char *copy = s.len < PTRDIFF_MAX ? take(arena, s.len + 1) : NULL;
    if (!copy)
        return NULL;
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
    char text[ARENA_PRINTF_BYTES];
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(text, sizeof(text), format, arguments);
    char *result = len < 0 ? NULL : take(arena, (size_t)len + 1);
    if (result && (size_t)len < sizeof(text))
        memcpy(result, text, (size_t)len + 1);
    else if (result)
        vsnprintf(result, (size_t)len + 1, format, again);
    va_end(again);
    return result;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *result = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return result;
}
