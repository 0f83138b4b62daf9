/* What our own code allocates: the libraries of this repository are linked with --wrap, so that their calls come here,
 * and those of SQLite, OpenSSL, libcurl, libargon2, protobuf-c and the others do not (meson.build). */
#include "platform/ports/metrics/metrics.h"
#include "tests/faults/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS ((size_t)1 << 18) /* a power of two, several times what lives at once */
#define REPORTED_MAX 20

struct block {
    void *start;
    void *caller;
};

static struct block blocks[SLOTS]; /* open addressing */
static size_t live;
static bool is_kept; /* what is allocated now stays to the end of the process, by design */

static size_t home(const void *start)
{
    return (size_t)(((uintptr_t)start >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (SLOTS - 1);
}

static void *add(void *start, void *caller)
{
    if (!start || is_kept)
        return start;
    ASSERT(live < SLOTS / 2);
    size_t slot = home(start);
    while (blocks[slot].start)
        slot = (slot + 1) & (SLOTS - 1);
    blocks[slot] = (struct block){start, caller};
    live++;
    return start;
}

/* Whether the block at `from` may move to the empty slot `to`: not in front of its home. */
static bool may_move(size_t from, size_t to)
{
    return ((from - home(blocks[from].start)) & (SLOTS - 1)) >= ((from - to) & (SLOTS - 1));
}

/* Blocks that a library allocated are not in the table: then it is an empty one. */
static size_t find(const void *start)
{
    size_t slot = home(start);
    while (blocks[slot].start && blocks[slot].start != start)
        slot = (slot + 1) & (SLOTS - 1);
    return slot;
}

static void drop(const void *start)
{
    size_t slot = find(start);
    if (!blocks[slot].start)
        return;
    live--;
    for (size_t next = (slot + 1) & (SLOTS - 1); blocks[next].start; next = (next + 1) & (SLOTS - 1)) {
        if (may_move(next, slot)) {
            blocks[slot] = blocks[next];
            slot = next;
        }
    }
    blocks[slot].start = NULL;
}

static bool strikes(enum sweep_of of, const char *function, const void *caller)
{
    char where[32];
    snprintf(where, sizeof(where), "at %#zx", (size_t)((const char *)caller - __executable_start));
    return sweep_strikes(of, function, where);
}

static bool fails(const char *function, const void *caller)
{
    return strikes(SWEEP_ALLOCATIONS, function, caller);
}

static bool has_no_room(const char *function, const void *caller)
{
    return strikes(SWEEP_ARENAS, function, caller);
}

size_t allocations_live(void)
{
    return live;
}

void allocations_report(void)
{
    int reported = 0;
    for (size_t i = 0; i < SLOTS && reported < REPORTED_MAX; i++) {
        if (!blocks[i].start)
            continue;
        fprintf(stderr, "    not freed: allocated at %#zx\n",
                (size_t)((const char *)blocks[i].caller - __executable_start));
        reported++;
    }
}

/* -- What the linker puts in the place of the functions of that name ----------------------------------------------- */

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *start, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
void __wrap_free(void *start);

void *__wrap_malloc(size_t size)
{
    void *caller = __builtin_return_address(0);
    return fails("malloc", caller) ? NULL : add(malloc(size), caller);
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *caller = __builtin_return_address(0);
    return fails("calloc", caller) ? NULL : add(calloc(count, size), caller);
}

void *__wrap_realloc(void *start, size_t size)
{
    void *caller = __builtin_return_address(0);
    if (fails("realloc", caller))
        return NULL;
    drop(start);
    return add(realloc(start, size), caller);
}

char *__wrap_strdup(const char *text)
{
    void *caller = __builtin_return_address(0);
    return fails("strdup", caller) ? NULL : add(strdup(text), caller);
}

char *__wrap_strndup(const char *text, size_t size)
{
    void *caller = __builtin_return_address(0);
    return fails("strndup", caller) ? NULL : add(strndup(text, size), caller);
}

void __wrap_free(void *start)
{
    if (blocks[find(start)].start && plant_comes(PLANT_LEAK))
        return;
    drop(start);
    free(start);
}

/* -- The series of a metric stay ----------------------------------------------------------------------------------- */

void __wrap_metric_count(struct metric *counter, const struct str *labels, uint64_t increment);
void __wrap_metric_set(struct metric *gauge, const struct str *labels, int64_t value);
void __wrap_metric_observe(struct metric *histogram, const struct str *labels, int64_t value);

void __wrap_metric_count(struct metric *counter, const struct str *labels, uint64_t increment)
{
    is_kept = true;
    metric_count(counter, labels, increment);
    is_kept = false;
}

void __wrap_metric_set(struct metric *gauge, const struct str *labels, int64_t value)
{
    is_kept = true;
    metric_set(gauge, labels, value);
    is_kept = false;
}

void __wrap_metric_observe(struct metric *histogram, const struct str *labels, int64_t value)
{
    is_kept = true;
    metric_observe(histogram, labels, value);
    is_kept = false;
}

/* -- What is taken from an arena ----------------------------------------------------------------------------------- */

#define UNWRAPPED(function) function
#include "tests/support/failing_arena.h"
