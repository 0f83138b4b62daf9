/* The one response cache: whole answers to what anybody may see.
 *
 * An entry is filed under the aggregates that it shows (its tags); the events of those aggregates drop it, in this
 * process before the write that made them is acknowledged. Nothing goes stale by time alone, and nothing stale is ever
 * put in: a reader takes an epoch before its snapshot, and its answer is refused when one of its tags was dropped
 * since. Bounded in bytes; the least recently used entry leaves first. */
#pragma once

#include "platform/net/http.h"

#define CACHE_TAGS_MAX 128

struct response_cache;

/* What is kept of an answer; the blobs are references. */
struct cached_response {
    struct http_blob *head; /* "name: value\r\n" lines */
    struct http_blob *body;
    char etag[64];
};

struct response_cache *response_cache_new(size_t bytes_max);
void response_cache_free(struct response_cache *cache);

/* True and new references to the answer, or false. The key holds all that an answer depends on. */
bool response_cache_get(struct response_cache *cache, struct str key, struct cached_response *ret_response);

/* A tag's hash: an aggregate ("product.events", its id) or a kind of event ("product.created", nothing), of one tenant.
 */
uint64_t response_cache_tag(const struct response_cache *cache, struct str tenant, struct str kind, struct str id);

/* To be taken before the answer's data is read. */
uint64_t response_cache_epoch(struct response_cache *cache);

/* Keeps the answer with references of its own, unless it may be stale or does not fit. */
void response_cache_put(struct response_cache *cache, struct str key, uint64_t epoch, const uint64_t *tags,
                        size_t tag_count, const struct cached_response *response);

/* Drops every entry filed under the tag. */
void response_cache_drop(struct response_cache *cache, uint64_t tag);

/* Drops everything. */
void response_cache_clear(struct response_cache *cache);

struct response_cache_stats {
    uint64_t hits, misses, drops, refused;
    size_t entries, bytes;
};
void response_cache_get_stats(struct response_cache *cache, struct response_cache_stats *ret_stats);
