/* Where a Redis server is and who we are to it, as one URL:
 *
 *     redis://USER:PASSWORD@HOST:6379/DATABASE?password_file=PATH
 *     rediss://HOST?ca_file=PATH      the same by TLS; HOST must be what its certificate says
 *
 * All but HOST may be left out. What is none of A-Z a-z 0-9 - . _ ~ in a user, a password or a path stands as %XX. A
 * password's file is read at each connection, so that it may change, and a line break at its end is none of it. Nothing
 * of a URL but the host and the port is ever shown. A server that is not on this machine is reached by TLS alone. */
#pragma once

#include "platform/base/secret.h"
#include "platform/ports/port.h"

#include <openssl/ssl.h>

#define REDIS_HOST_BYTES 256
#define REDIS_PATH_BYTES 1024
#define REDIS_PORT_DEFAULT 6379
#define REDIS_MESSAGE_BYTES 512

struct redis_address {
    char host[REDIS_HOST_BYTES];
    unsigned short port;
    int64_t database;
    struct secret *user;     /* NULL: the server's default one */
    struct secret *password; /* NULL: none, or the file's */
    char password_path[REDIS_PATH_BYTES];
    char authorities_path[REDIS_PATH_BYTES]; /* empty: those that the system knows */
    bool has_tls;
};

/* Whether the scheme is one of Redis'. */
bool redis_address_is_meant(const char *url);

/* ERR_INVALID with a ret_message that names the port's setting; ERR_NO_MEMORY. */
int redis_address_parse(enum port port, const char *url, struct redis_address *ret_address,
                        char ret_message[REDIS_MESSAGE_BYTES]);
void redis_address_free(struct redis_address *address);

/* What connections to it need beside the data folder: TCP ports, and files to read; nothing for a URL that is not of
 * Redis. What a process in its sandbox is left with. ERR_INVALID as redis_address_parse. */
#define REDIS_PORTS_MAX 2 /* its own, and that of the resolver */
#define REDIS_FILES_MAX 2
struct redis_reach {
    unsigned short ports[REDIS_PORTS_MAX];
    size_t port_count;
    char files[REDIS_FILES_MAX][REDIS_PATH_BYTES];
    size_t file_count;
};
int redis_get_reach(enum port port, const char *url, struct redis_reach *ret_reach,
                    char ret_message[REDIS_MESSAGE_BYTES]);

/* NULL where there is none. ERR_UNAVAILABLE: its file cannot be read; ret_message says which. */
int redis_address_read_password(const struct redis_address *address, struct secret **ret_password,
                                char ret_message[REDIS_MESSAGE_BYTES]);

/* What a connection by TLS is made from; NULL and 0 without TLS. ERR_UNAVAILABLE: the authorities cannot be read. */
int redis_address_make_tls(const struct redis_address *address, SSL_CTX **ret_context,
                           char ret_message[REDIS_MESSAGE_BYTES]);
