/* For tests that may run on a Redis server of their own, whose address the variable has. */
#pragma once

#include "platform/ports/clock/clock.h"
#include "platform/ports/redis/redis_connection.h"

#include <stdlib.h>

#define TEST_REDIS_VARIABLE "SHOPSTREAM_TEST_REDIS"
#define TEST_REDIS_ARENA_BYTES ((size_t)1 << 20)
#define TEST_REDIS_ANSWER_NS (20 * CLOCK_NS_PER_S)

/* NULL: there is none. */
static inline const char *test_redis_url(void)
{
    return getenv(TEST_REDIS_VARIABLE);
}

/* The answer to a command as text, on a connection of its own: it has to be one. */
static inline void test_redis_ask(const struct str *words, size_t count, char *ret_text, size_t text_bytes)
{
    struct redis_address address;
    struct redis_connection connection;
    struct redis_reply *reply = NULL;
    char message[REDIS_MESSAGE_BYTES];
    int64_t deadline_ns = clock_monotonic_ns() + TEST_REDIS_ANSWER_NS;
    struct arena *arena = arena_new(TEST_REDIS_ARENA_BYTES);
    struct buf bytes = BUF(TEST_REDIS_ARENA_BYTES);
    ASSERT(redis_address_parse(PORT_CACHE, test_redis_url(), &address, message) == 0);
    ASSERT(redis_connection_open(&connection, &address, NULL, deadline_ns, message) == 0);
    ASSERT(redis_encode(&bytes, words, count) == 0);
    ASSERT(redis_connection_send(&connection, buf_str(&bytes), deadline_ns) == 0);
    ASSERT(redis_connection_receive(&connection, arena, deadline_ns, &reply) == 0);
    ASSERT(reply && reply->kind != REDIS_ERROR);
    if (reply->kind == REDIS_ARRAY) /* of CONFIG GET: the value */
        reply = reply->elements[1];
    if (ret_text)
        snprintf(ret_text, text_bytes, "%.*s", STR_FORMAT(reply->text));
    redis_connection_close(&connection);
    redis_address_free(&address);
    buf_free(&bytes);
    arena_free(arena);
}

/* As a server is that has just been made. */
static inline void test_redis_forget(void)
{
    test_redis_ask((struct str[]){STR("FLUSHALL")}, 1, NULL, 0);
}
