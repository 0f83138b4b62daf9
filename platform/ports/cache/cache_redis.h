/* Between the files of the Redis adapter: messages come by a connection and a task of their own. */
#pragma once

#include "platform/ports/cache/cache_adapter.h"
#include "platform/ports/redis/redis_client.h"

#define CACHE_REDIS_PREFIX "shopstream:"
#define CACHE_CHANNEL_BYTES (CACHE_KEY_BYTES_MAX + 32)

struct cache_channels;

/* The client must outlive it. */
int cache_channels_new(struct cache_channels **ret_channels, struct redis_client *client);
void cache_channels_free(struct cache_channels *channels); /* NULL is fine */

/* What the server knows the channel by; channel is at most CACHE_KEY_BYTES_MAX long. */
struct str cache_channels_name(const struct cache_channels *channels, struct str channel,
                               char bytes[CACHE_CHANNEL_BYTES]);

/* As cache_subscribe. While the server is there, what is published after this has returned is heard. */
int cache_channels_subscribe(struct cache_channels *channels, const char *channel, cache_subscriber *subscriber,
                             void *argument, struct cache_subscription **ret_subscription);
void cache_channels_unsubscribe(struct cache_channels *channels, struct cache_subscription *subscription);
