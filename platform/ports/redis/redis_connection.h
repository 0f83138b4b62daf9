/* One connection to a Redis server, used by one task at a time. hiredis of Debian 12 knows neither TLS nor a time by
 * which an exchange must have ended, so the socket is ours, and hiredis writes the commands and reads the replies. */
#pragma once

#include "platform/base/buf.h"
#include "platform/ports/redis/redis_address.h"
#include "platform/ports/redis/redis_reply.h"

struct redis_connection {
    int descriptor; /* -1: not connected */
    SSL *tls;       /* NULL: none */
    struct redis_decoder decoder;
};

/* Connects, says who we are, and chooses the database, all before the deadline. ERR_FORBIDDEN: the server, or its
 * certificate, does not want us, which will not change by itself; ERR_UNAVAILABLE: it is not there, not ready, or too
 * slow. ret_message says which, without a password. */
int redis_connection_open(struct redis_connection *connection, const struct redis_address *address, SSL_CTX *tls,
                          int64_t deadline_ns, char ret_message[REDIS_MESSAGE_BYTES]);
void redis_connection_close(struct redis_connection *connection);

/* Appends a command to what is to be sent. ERR_NO_MEMORY, or the buffer's error. */
int redis_encode(struct buf *to, const struct str *words, size_t count);

/* After any error the connection is of no more use: what was sent may have happened or not. ERR_UNAVAILABLE: it is
 * gone, or the time is up; ERR_CORRUPT and ERR_TOO_LARGE: what came is no reply that we take. */
int redis_connection_send(struct redis_connection *connection, struct str bytes, int64_t deadline_ns);
int redis_connection_receive(struct redis_connection *connection, struct arena *arena, int64_t deadline_ns,
                             struct redis_reply **ret_reply);

/* For one that is told of something unasked. A task that waits may do so without the lock under which others send; the
 * rest is done with it. Whether there is something to read before the deadline, or the connection has ended. */
bool redis_connection_wait(const struct redis_connection *connection, int64_t deadline_ns);
/* 1, or 0 while no reply is whole; with the same arena then. */
int redis_connection_take(struct redis_connection *connection, struct arena *arena, struct redis_reply **ret_reply);
/* Whoever waits is woken; it stays to be closed. */
void redis_connection_end(const struct redis_connection *connection);
