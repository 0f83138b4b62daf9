/* The program is linked with --wrap (meson.build), so that what its own objects call comes here: those of this
 * repository, and llhttp, which allocates nothing. Libraries that are loaded call malloc itself. What is taken from an
 * arena fails, too, though most of it costs no malloc: which piece needs a new chunk is chance. */
#include "tests/memory/memory.h"

/* The linker's own symbol: addresses are told relative to it. */
extern const char __executable_start[];

static atomic_bool is_armed;
static atomic_ullong left; /* allocations up to the one that fails */
static atomic_long live;
static struct strike *struck;
static _Thread_local bool spared;

void allocations_arm(uint64_t number, struct strike *strike)
{
    struck = strike;
    atomic_store(&left, number);
    atomic_store(&is_armed, true);
}

void allocations_disarm(void)
{
    atomic_store(&is_armed, false);
}

void allocations_spare(bool is_spared)
{
    spared = is_spared;
}

long allocations_live(void)
{
    return atomic_load(&live);
}

static bool fails(const char *function, const void *caller)
{
    if (spared || !atomic_load(&is_armed) || atomic_fetch_sub(&left, 1) != 1)
        return false;
    *struck = (struct strike){true, function, (size_t)((const char *)caller - __executable_start)};
    allocations_disarm();
    errno = ENOMEM;
    return true;
}

static void *count(void *block)
{
    if (block)
        atomic_fetch_add(&live, 1);
    return block;
}

/* -- What the linker puts in the place of the functions of that name ----------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void __real_free(void *block);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
void __wrap_free(void *block);

void *__wrap_malloc(size_t size)
{
    return fails("malloc", __builtin_return_address(0)) ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size)
{
    return fails("calloc", __builtin_return_address(0)) ? NULL : count(__real_calloc(number, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (fails("realloc", __builtin_return_address(0)))
        return NULL;
    bool is_new = block == NULL;
    void *grown = __real_realloc(block, size);
    return is_new ? count(grown) : grown;
}

char *__wrap_strdup(const char *text)
{
    return fails("strdup", __builtin_return_address(0)) ? NULL : count(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t size)
{
    return fails("strndup", __builtin_return_address(0)) ? NULL : count(__real_strndup(text, size));
}

void __wrap_free(void *block)
{
    if (block)
        atomic_fetch_sub(&live, 1);
    __real_free(block);
}

/* -- Arenas -------------------------------------------------------------------------------------------------------- */

void *__real_arena_alloc(struct arena *arena, size_t size);
void *__real_arena_alloc_array(struct arena *arena, size_t number, size_t size);
struct str __real_arena_copy(struct arena *arena, struct str s);
char *__real_arena_cstr(struct arena *arena, struct str s);

void *__wrap_arena_alloc(struct arena *arena, size_t size);
void *__wrap_arena_alloc_array(struct arena *arena, size_t number, size_t size);
struct str __wrap_arena_copy(struct arena *arena, struct str s);
char *__wrap_arena_cstr(struct arena *arena, struct str s);
char *__wrap_arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

void *__wrap_arena_alloc(struct arena *arena, size_t size)
{
    return fails("arena_alloc", __builtin_return_address(0)) ? NULL : __real_arena_alloc(arena, size);
}

void *__wrap_arena_alloc_array(struct arena *arena, size_t number, size_t size)
{
    return fails("arena_alloc_array", __builtin_return_address(0)) ? NULL
                                                                   : __real_arena_alloc_array(arena, number, size);
}

struct str __wrap_arena_copy(struct arena *arena, struct str s)
{
    bool fails_now = s.len > 0 && fails("arena_copy", __builtin_return_address(0));
    return fails_now ? STR_EMPTY : __real_arena_copy(arena, s);
}

char *__wrap_arena_cstr(struct arena *arena, struct str s)
{
    return fails("arena_cstr", __builtin_return_address(0)) ? NULL : __real_arena_cstr(arena, s);
}

char *__wrap_arena_printf(struct arena *arena, const char *format, ...)
{
    if (fails("arena_printf", __builtin_return_address(0)))
        return NULL;
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}
