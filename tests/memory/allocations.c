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

static atomic_int planted;

void allocations_plant(enum plant plant)
{
    atomic_store(&planted, plant);
}

bool allocations_plant_comes(enum plant plant)
{
    int expected = (int)plant;
    return struck && struck->is_done && atomic_compare_exchange_strong(&planted, &expected, PLANT_NONE);
}

static bool has_no_room(const char *function, const void *caller)
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
    return has_no_room("malloc", __builtin_return_address(0)) ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size)
{
    return has_no_room("calloc", __builtin_return_address(0)) ? NULL : count(__real_calloc(number, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (has_no_room("realloc", __builtin_return_address(0)))
        return NULL;
    bool is_new = block == NULL;
    void *grown = __real_realloc(block, size);
    return is_new ? count(grown) : grown;
}

char *__wrap_strdup(const char *text)
{
    return has_no_room("strdup", __builtin_return_address(0)) ? NULL : count(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t size)
{
    return has_no_room("strndup", __builtin_return_address(0)) ? NULL : count(__real_strndup(text, size));
}

void __wrap_free(void *block)
{
    if (!block || (!spared && allocations_plant_comes(PLANT_LEAK)))
        return;
    atomic_fetch_sub(&live, 1);
    __real_free(block);
}

/* -- What is taken from an arena ----------------------------------------------------------------------------------- */

#define UNWRAPPED(function) __real_##function
#include "tests/support/failing_arena.h"
