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

/* FNV-1a (64 bits): the ids are of our own making and need no keyed hash. */
static uint64_t hash_of(const char *session_id)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *byte = session_id; *byte; byte++)
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

static struct token_block *find(struct token_block_shard *shard, uint64_t hash, const char *session_id)
{
    if (shard->count == 0)
        return NULL;
    struct token_block *block = *bucket_of(shard, hash);
    while (block && strcmp(block->session_id, session_id) != 0)
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
                struct token_block **bucket = bucket_of(&made, hash_of(block->session_id));
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

int token_block_session(struct token_ring *ring, struct str session_id, int64_t until_ms, int64_t now_ms)
{
    struct token_block made = {.until_ms = until_ms};
    if (session_id.len == 0 || session_id.len >= sizeof(made.session_id) || memchr(session_id.ptr, 0, session_id.len))
        return ERR_INVALID;
    memcpy(made.session_id, session_id.ptr, session_id.len);
    uint64_t hash = hash_of(made.session_id);
    struct token_block_shard *shard = shard_of(ring, hash);
    TASK_LOCKED(&shard->mutex);
    struct token_block *block = find(shard, hash, made.session_id);
    if (block) {
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

bool token_session_is_blocked(struct token_ring *ring, const char *session_id, int64_t now_ms)
{
    uint64_t hash = hash_of(session_id);
    struct token_block_shard *shard = shard_of(ring, hash);
    TASK_LOCKED(&shard->mutex);
    const struct token_block *block = find(shard, hash, session_id);
    return block && block->until_ms > now_ms;
}
