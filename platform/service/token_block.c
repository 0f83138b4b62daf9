#include "platform/service/token_internal.h"

#include <stdlib.h>

#define FIRST_BUCKETS 16
#define BLOCKS_OF_SHARD_MAX (TOKEN_BLOCKS_MAX / TOKEN_SHARDS) /* a power of two */

void token_blocks_init(struct token_ring *ring)
{
    for (size_t i = 0; i < TOKEN_SHARDS; i++)
        task_mutex_init(&ring->blocks[i].mutex);
}

static void free_chain(struct token_block *block)
{
    while (block) {
        struct token_block *next = block->next;
        free(block);
        block = next;
    }
}

void token_blocks_free(struct token_ring *ring)
{
    for (size_t i = 0; i < TOKEN_SHARDS; i++) {
        struct token_block_shard *shard = &ring->blocks[i];
        for (size_t bucket = 0; bucket < shard->bucket_count; bucket++)
            free_chain(shard->buckets[bucket]);
        free(shard->buckets);
        task_mutex_destroy(&shard->mutex);
    }
}

/* FNV-1a (64 bits) over the kind and the id, which are of our own making and need no keyed hash. */
static uint64_t hash_of(char kind, const char *id)
{
    uint64_t hash = (UINT64_C(0xcbf29ce484222325) ^ (unsigned char)kind) * UINT64_C(0x100000001b3);
    for (const char *byte = id; *byte; byte++)
        hash = (hash ^ (unsigned char)*byte) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}

static struct token_block_shard *shard_of(struct token_ring *ring, uint64_t hash)
{
    return &ring->blocks[hash % TOKEN_SHARDS];
}

static struct token_block **bucket_of(struct token_block_shard *shard, uint64_t hash)
{
    return &shard->buckets[(hash / TOKEN_SHARDS) & (shard->bucket_count - 1)];
}

static struct token_block *find(struct token_block_shard *shard, uint64_t hash, char kind, const char *id)
{
    if (shard->count == 0)
        return NULL;
    struct token_block *block = *bucket_of(shard, hash);
    while (block && (block->kind != kind || strcmp(block->id, id) != 0))
        block = block->next;
    return block;
}

/* Drops what has run out, long ago unless all is full, and gives the chains more buckets than there are blocks, up to
 * the limit. */
static int make_room(struct token_block_shard *shard, int64_t now_ms)
{
    size_t bucket_count = shard->bucket_count ? shard->bucket_count * 2 : FIRST_BUCKETS;
    int64_t kept_ms = bucket_count > BLOCKS_OF_SHARD_MAX ? 0 : TOKEN_BLOCK_KEPT_MS;
    if (bucket_count > BLOCKS_OF_SHARD_MAX)
        bucket_count = BLOCKS_OF_SHARD_MAX;
    struct token_block_shard made = {.bucket_count = bucket_count};
    made.buckets = calloc(bucket_count, sizeof(struct token_block *));
    if (!made.buckets)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < shard->bucket_count; i++) {
        struct token_block *block = shard->buckets[i];
        while (block) {
            struct token_block *next = block->next;
            if (block->until_ms + kept_ms <= now_ms) {
                free(block);
            } else {
                struct token_block **bucket = bucket_of(&made, hash_of(block->kind, block->id));
                block->next = *bucket;
                *bucket = block;
                made.count++;
            }
            block = next;
        }
    }
    free(shard->buckets);
    shard->buckets = made.buckets;
    shard->bucket_count = made.bucket_count;
    shard->count = made.count;
    return 0;
}

static int put(struct token_ring *ring, char kind, struct str id, int64_t issued_until_s, int64_t until_ms,
               int64_t now_ms)
{
    struct token_block made = {.kind = kind, .issued_until_s = issued_until_s, .until_ms = until_ms};
    if (id.len == 0 || id.len >= sizeof(made.id) || memchr(id.ptr, 0, id.len))
        return ERR_INVALID;
    memcpy(made.id, id.ptr, id.len);
    uint64_t hash = hash_of(kind, made.id);
    struct token_block_shard *shard = shard_of(ring, hash);
    TASK_LOCKED(&shard->mutex);
    struct token_block *block = find(shard, hash, kind, made.id);
    if (block) {
        block->issued_until_s = block->issued_until_s > issued_until_s ? block->issued_until_s : issued_until_s;
        block->until_ms = block->until_ms > until_ms ? block->until_ms : until_ms;
        return 0;
    }
    if (shard->count >= shard->bucket_count)
        TRY(make_room(shard, now_ms));
    if (shard->count >= BLOCKS_OF_SHARD_MAX)
        return ERR_TOO_LARGE;
    block = malloc(sizeof(*block));
    if (!block)
        return ERR_NO_MEMORY;
    *block = made;
    struct token_block **bucket = bucket_of(shard, hash);
    block->next = *bucket;
    *bucket = block;
    shard->count++;
    return 0;
}

int token_block_session(struct token_ring *ring, struct str session_id, int64_t until_ms, int64_t now_ms)
{
    return put(ring, 's', session_id, INT64_MAX, until_ms, now_ms);
}

int token_block_user(struct token_ring *ring, struct str user_id, int64_t issued_until_s, int64_t until_ms,
                     int64_t now_ms)
{
    return put(ring, 'u', user_id, issued_until_s, until_ms, now_ms);
}

/* Until when issued tokens are blocked, in Unix seconds, by a block in force at now_ms; INT64_MIN without one. */
static int64_t blocked_until_s(struct token_ring *ring, char kind, const char *id, int64_t now_ms)
{
    uint64_t hash = hash_of(kind, id);
    struct token_block_shard *shard = shard_of(ring, hash);
    TASK_LOCKED(&shard->mutex);
    const struct token_block *block = find(shard, hash, kind, id);
    return block && block->until_ms > now_ms ? block->issued_until_s : INT64_MIN;
}

bool token_session_is_blocked(struct token_ring *ring, const char *user_id, const char *session_id, int64_t since_s,
                              int64_t now_ms)
{
    return since_s <= blocked_until_s(ring, 's', session_id, now_ms) ||
           since_s <= blocked_until_s(ring, 'u', user_id, now_ms);
}

bool token_is_blocked(struct token_ring *ring, const struct token_claims *claims, int64_t now_ms)
{
    return token_session_is_blocked(ring, claims->user_id, claims->session_id, claims->issued_at_s, now_ms);
}

int64_t token_user_blocked_until_s(struct token_ring *ring, const char *user_id)
{
    return blocked_until_s(ring, 'u', user_id, INT64_MIN);
}
