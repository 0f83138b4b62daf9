/* A server of platform/net on loopback for the targets that speak to it, and one connection an input. */
#pragma once

#include "platform/net/server.h"
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define FUZZ_ANSWER_TIMEOUT_S 8
#define FUZZ_CONNECTIONS_OF_AN_ADDRESS 10000
#define FUZZ_ADDRESSES 200
#define FUZZ_CONNECTION_BYTES_MAX 65536 /* fits the socket's buffers, so that nobody has to read while writing */

/* Its port. It runs until the process ends. */
static inline int fuzz_server_start(void (*on_request)(void *context, struct http_exchange *exchange))
{
    const struct http_server_config config = {
        .address = "127.0.0.1", .loop_count = 1, .limits = http_limits_default, .on_request = on_request};
    static struct http_server *server;
    char message[256];

    ASSERT(http_server_start(&server, &config, message) == 0);
    return http_server_port(server);
}

static inline int fuzz_connect(int port)
{
    /* A closed connection's port rests for a minute, and a run makes more of them than there are ports: so each address
     * of loopback is used for some, in turn. */
    static unsigned count;
    unsigned turn = count++ / FUZZ_CONNECTIONS_OF_AN_ADDRESS % FUZZ_ADDRESSES;
    const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + turn)};
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval timeout = {.tv_sec = FUZZ_ANSWER_TIMEOUT_S};
    const int yes = 1;
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ASSERT(connection >= 0);
    ASSERT(setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0);
    ASSERT(setsockopt(connection, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes)) == 0);
    ASSERT(bind(connection, (const struct sockaddr *)&from, sizeof(from)) == 0);
    ASSERT(connect(connection, (const struct sockaddr *)&address, sizeof(address)) == 0);
    return connection;
}

/* Sends the bytes on a connection of their own, closed for writing behind the last, and reads until the server closes:
 * it must end every connection, whatever came. */
static inline void fuzz_exchange(int port, struct str bytes)
{
    char answer[65536];
    ssize_t got;
    int connection = fuzz_connect(port);

    /* The server may refuse and close before all is written. */
    if (send(connection, bytes.ptr, bytes.len, MSG_NOSIGNAL) == (ssize_t)bytes.len)
        shutdown(connection, SHUT_WR);
    while ((got = recv(connection, answer, sizeof(answer), 0)) > 0)
        continue;
    ASSERT(got == 0 || errno != EAGAIN);
    close(connection);
}

static inline bool fuzz_has_line_end(struct str text)
{
    return str_find_char(text, '\r') >= 0 || str_find_char(text, '\n') >= 0 || str_find_char(text, '\0') >= 0;
}

static inline size_t fuzz_count_headers(const struct http_request *request, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < request->header_count; i++)
        count += str_equal_cstr(request->headers[i].name, name);
    return count;
}

/* The body is as long as the length says, of which there is one at the most. */
static inline void fuzz_check_length(const struct http_request *request)
{
    struct str text = http_header_find(request, "content-length");
    int64_t length = -1;

    ASSERT(fuzz_count_headers(request, "content-length") <= 1);
    if (!text.ptr)
        return;
    ASSERT(str_to_int64(text, &length) == 0 && length >= 0 && (size_t)length == request->body.len);
}

/* What http.h promises of every request that is handed on. */
static inline void fuzz_check_request(const struct http_request *request)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"; /* RFC 9110, 5.6.2, lower case */

    ASSERT(request->path.len > 0 && (request->path.ptr[0] == '/' || str_equal(request->path, STR("*"))));
    ASSERT(!fuzz_has_line_end(request->target) && !fuzz_has_line_end(request->host));
    ASSERT(str_find_char(request->target, '#') < 0 && str_find_char(request->target, ' ') < 0);
    ASSERT(str_find_char(request->host, '@') < 0 && str_find_char(request->host, '/') < 0);
    ASSERT(request->header_count <= HTTP_HEADERS_MAX && request->method <= HTTP_METHOD_COUNT);
    for (size_t i = 0; i < request->header_count; i++) {
        struct str name = request->headers[i].name;

        ASSERT(name.len > 0 && !fuzz_has_line_end(request->headers[i].value));
        for (size_t j = 0; j < name.len; j++)
            ASSERT(memchr(token, name.ptr[j], sizeof(token) - 1));
    }
    fuzz_check_length(request);
}
