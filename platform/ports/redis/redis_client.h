/* A few connections to one Redis server, shared by all tasks of the process. What the cache and the stream port stand
 * on.
 *
 * Commands that are called while a connection is waiting for answers go out together in one write when it is free
 * again, by the task that then reads all their answers: who comes alone pays for one write and one read, and under
 * load the batches grow by themselves.
 *
 * No call connects, and none waits longer than answer_ms: where the server is not there it fails at once, and a task
 * of the client's own connects anew, with growing delays. A connection that failed in the middle ends all calls that
 * were on it with ERR_UNAVAILABLE; what they asked for may have been done. */
#pragma once

#include "platform/ports/redis/redis_address.h"
#include "platform/ports/redis/redis_reply.h"

#define REDIS_CONNECTIONS_DEFAULT 2
#define REDIS_CONNECTIONS_MAX 16
#define REDIS_COMMANDS_MAX 600 /* of one call */
#define REDIS_SCRIPTS_MAX 8

/* Text that the server runs as one step. It is sent by its hash, and whole to a server that does not know it (yet, or
 * any more). Keys and arguments are told apart by key_count. */
struct redis_script {
    const char *text;
    size_t key_count;
};

struct redis_command {
    const struct redis_script *script; /* NULL: the words are the whole command */
    const struct str *words;
    size_t word_count;
};

struct redis_client_config {
    enum port port; /* whose setting the address is, for messages */
    const char *url;
    int64_t answer_ms;
    size_t connection_count;                   /* 0: the default */
    const struct redis_script *const *scripts; /* all that will be run, NULL-terminated; NULL: none */
};

struct redis_client;

/* Connects once. A server that is not there is no error, but logged: it may come. ERR_INVALID with a ret_message: the
 * address is none, or the server does not want us. ERR_NO_MEMORY. */
int redis_client_open(struct redis_client **ret_client, const struct redis_client_config *config,
                      char ret_message[REDIS_MESSAGE_BYTES]);
void redis_client_free(struct redis_client *client); /* NULL is fine */

/* One after the other in one round trip, but not as one step. ret_replies gets a reply for each, in the arena; an error
 * of the server is a reply. ERR_UNAVAILABLE; ERR_NO_MEMORY. */
int redis_client_run(struct redis_client *client, struct arena *arena, const struct redis_command *commands,
                     size_t count, struct redis_reply **ret_replies);

/* One command, whose answer may be no error. ERR_STORAGE_FULL: the server has no memory left; ERR_UNAVAILABLE;
 * ERR_NO_MEMORY; ERR_INTERNAL for an error that it should not give, which was logged. */
int redis_client_ask(struct redis_client *client, struct arena *arena, const struct redis_command *command,
                     struct redis_reply **ret_reply);

/* What a reply that is an error means: one of those. */
int redis_client_error(const struct redis_reply *reply);

/* For connections of one's own to the same server. */
const struct redis_address *redis_client_address(const struct redis_client *client);
SSL_CTX *redis_client_tls(const struct redis_client *client);
