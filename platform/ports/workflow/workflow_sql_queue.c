/* The engine's instances by id, and the heap of those that a time will wake. All under the engine's lock.
 *
 * Nothing here depends on an address: the hash is of the id's bytes, and of two instances due at one time the one that
 * was put in first comes first. So a seeded run repeats exactly. */
#include "platform/ports/workflow/workflow_sql.h"

#include <stdlib.h>

#define BUCKETS_FIRST ((size_t)1024)

/* -- By id --------------------------------------------------------------------------------------------------------- */

/* FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/). */
static uint64_t hash(struct str id)
{
    uint64_t value = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < id.len; i++)
        value = (value ^ (unsigned char)id.ptr[i]) * UINT64_C(1099511628211);
    return value;
}

static struct instance **bucket_of(const struct engine *engine, struct str id)
{
    return &engine->buckets[hash(id) & (engine->bucket_count - 1)];
}

struct instance *engine_find(const struct engine *engine, struct str id)
{
    if (engine->bucket_count == 0)
        return NULL;
    struct instance *instance = *bucket_of(engine, id);
    while (instance && !str_equal(instance->id, id))
        instance = instance->next_in_bucket;
    return instance;
}

static int grow_buckets(struct engine *engine)
{
    size_t old_count = engine->bucket_count;
    struct instance **old = engine->buckets;
    size_t count = old_count ? old_count * 2 : BUCKETS_FIRST;
    struct instance **buckets = calloc(count, sizeof(struct instance *));
    if (!buckets)
        return ERR_NO_MEMORY;
    engine->buckets = buckets;
    engine->bucket_count = count;
    for (size_t i = 0; i < old_count; i++) {
        while (old[i]) {
            struct instance *instance = old[i];
            old[i] = instance->next_in_bucket;
            struct instance **bucket = bucket_of(engine, instance->id);
            instance->next_in_bucket = *bucket;
            *bucket = instance;
        }
    }
    free(old);
    return 0;
}

/* Room for every instance at once, so that putting one in later cannot fail. */
static int grow_heap(struct engine *engine)
{
    size_t capacity = engine->heap_capacity ? engine->heap_capacity * 2 : BUCKETS_FIRST;
    struct instance **heap = realloc(engine->heap, capacity * sizeof(struct instance *));
    if (!heap)
        return ERR_NO_MEMORY;
    engine->heap = heap;
    engine->heap_capacity = capacity;
    return 0;
}

/* Room for one more than there are and are promised. */
static int make_room(struct engine *engine)
{
    if (engine->instance_count + engine->promised >= engine->bucket_count)
        TRY(grow_buckets(engine));
    if (engine->instance_count + engine->promised >= engine->heap_capacity)
        TRY(grow_heap(engine));
    return 0;
}

int engine_promise(struct engine *engine)
{
    TASK_LOCKED(&engine->mutex);
    if (engine->instance_count + engine->promised >= engine->config.running_max)
        return ERR_UNAVAILABLE;
    TRY(make_room(engine));
    engine->promised++;
    return 0;
}

void engine_break_promise(struct engine *engine)
{
    TASK_LOCKED(&engine->mutex);
    engine->promised--;
}

int engine_insert(struct engine *engine, struct instance *instance)
{
    TRY(make_room(engine));
    struct instance **bucket = bucket_of(engine, instance->id);
    instance->next_in_bucket = *bucket;
    *bucket = instance;
    engine->instance_count++;
    engine->cached_bytes += instance->bytes;
    return 0;
}

void engine_remove(struct engine *engine, struct instance *instance)
{
    struct instance **link = bucket_of(engine, instance->id);
    while (*link != instance)
        link = &(*link)->next_in_bucket;
    *link = instance->next_in_bucket;
    engine->instance_count--;
    heap_remove(engine, instance);
}

/* -- By time ------------------------------------------------------------------------------------------------------- */

static bool is_before(const struct instance *a, const struct instance *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->due_order < b->due_order;
}

static void heap_set(struct engine *engine, size_t index, struct instance *instance)
{
    engine->heap[index] = instance;
    instance->heap_index = index;
}

static void sift_up(struct engine *engine, size_t index, struct instance *instance)
{
    while (index > 0 && is_before(instance, engine->heap[(index - 1) / 2])) {
        heap_set(engine, index, engine->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    heap_set(engine, index, instance);
}

static void sift_down(struct engine *engine, size_t index, struct instance *instance)
{
    for (;;) {
        size_t child = index * 2 + 1;
        if (child >= engine->heap_count)
            break;
        if (child + 1 < engine->heap_count && is_before(engine->heap[child + 1], engine->heap[child]))
            child++;
        if (!is_before(engine->heap[child], instance))
            break;
        heap_set(engine, index, engine->heap[child]);
        index = child;
    }
    heap_set(engine, index, instance);
}

void heap_remove(struct engine *engine, struct instance *instance)
{
    size_t index = instance->heap_index;
    if (index == HEAP_NONE)
        return;
    instance->heap_index = HEAP_NONE;
    struct instance *last = engine->heap[--engine->heap_count];
    if (last == instance)
        return;
    if (index > 0 && is_before(last, engine->heap[(index - 1) / 2]))
        sift_up(engine, index, last);
    else
        sift_down(engine, index, last);
}

void heap_put(struct engine *engine, struct instance *instance, int64_t due_ns)
{
    heap_remove(engine, instance);
    instance->due_ns = due_ns;
    instance->due_order = engine->due_order++;
    sift_up(engine, engine->heap_count++, instance);
    if (instance->heap_index == 0)
        task_cond_signal(&engine->timer);
}
