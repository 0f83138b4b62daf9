#include "platform/service/token_internal.h"

#include <stdlib.h>

void token_cache_init(struct token_ring *ring)
{
    for (size_t i = 0; i < TOKEN_SHARDS; i++)
        task_mutex_init(&ring->cache[i].mutex);
}

void token_cache_free(struct token_ring *ring)
{
    for (size_t i = 0; i < TOKEN_SHARDS; i++) {
        struct token_cache_shard *shard = &ring->cache[i];
        for (size_t set = 0; set < TOKEN_CACHE_SETS; set++)
            for (size_t way = 0; way < TOKEN_CACHE_WAYS; way++)
                free(shard->entries[set][way]);
        task_mutex_destroy(&shard->mutex);
    }
}

/* The digest's bytes are as good as random: the first chooses the shard, the next two the set. */
static struct token_cache_shard *shard_of(struct token_ring *ring, const unsigned char *digest)
{
    return &ring->cache[digest[0] % TOKEN_SHARDS];
}

static struct token_cache_entry **set_of(struct token_cache_shard *shard, const unsigned char *digest)
{
    return shard->entries[(digest[1] | (unsigned)digest[2] << 8) % TOKEN_CACHE_SETS];
}

bool token_cache_find(struct token_ring *ring, const unsigned char digest[TOKEN_DIGEST_BYTES], uint64_t generation,
                      struct token_claims *ret_claims)
{
    struct token_cache_shard *shard = shard_of(ring, digest);
    struct token_cache_entry **set = set_of(shard, digest);
    TASK_LOCKED(&shard->mutex);
    for (size_t way = 0; way < TOKEN_CACHE_WAYS; way++) {
        struct token_cache_entry *entry = set[way];
        if (entry && entry->generation == generation && memcmp(entry->digest, digest, TOKEN_DIGEST_BYTES) == 0) {
            entry->last_used = ++shard->uses;
            *ret_claims = entry->claims;
            return true;
        }
    }
    return false;
}

void token_cache_put(struct token_ring *ring, const unsigned char digest[TOKEN_DIGEST_BYTES], uint64_t generation,
                     const struct token_claims *claims)
{
    struct token_cache_shard *shard = shard_of(ring, digest);
    struct token_cache_entry **set = set_of(shard, digest);
    TASK_LOCKED(&shard->mutex);
    size_t oldest = 0;
    for (size_t way = 0; way < TOKEN_CACHE_WAYS; way++) {
        if (!set[way]) {
            oldest = way;
            break;
        }
        if (set[way]->last_used < set[oldest]->last_used)
            oldest = way;
    }
    if (!set[oldest])
        set[oldest] = malloc(sizeof(*set[oldest]));
    if (!set[oldest])
        return; /* The token is good; it is only not remembered. */
    memcpy(set[oldest]->digest, digest, TOKEN_DIGEST_BYTES);
    set[oldest]->last_used = ++shard->uses;
    set[oldest]->generation = generation;
    set[oldest]->claims = *claims;
}
