#include "platform/ports/redis/redis_connection.h"

#include "platform/ports/clock/clock.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 16384
#define WORDS_MAX 170
#define PORT_TEXT_BYTES 8
#define NUMBER_BYTES 24
#define GREETING_BYTES_MAX 8192
#define GREETING_ARENA_BYTES 8192

/* -- Waiting ------------------------------------------------------------------------------------------------------ */

static int wait_for(int descriptor, short events, int64_t deadline_ns)
{
    struct pollfd watched = {.fd = descriptor, .events = events};
    for (;;) {
        int64_t left_ms = (deadline_ns - clock_monotonic_ns() + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
        int ready = left_ms > 0 ? poll(&watched, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms) : 0;
        if (ready >= 0 || errno != EINTR)
            return ready > 0 ? 0 : ERR_UNAVAILABLE;
    }
}

/* What OpenSSL has moved; 0 where it waits for *ret_events. */
static ssize_t take_tls_result(SSL *tls, int result, short *ret_events)
{
    if (result > 0)
        return result;
    int error = SSL_get_error(tls, result);
    *ret_events = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return 0;
    ERR_clear_error(); /* it is this thread's, and would be found by the next who looks */
    return ERR_UNAVAILABLE;
}

static ssize_t take_result(ssize_t result, short events, short *ret_events)
{
    if (result >= 0)
        return result;
    *ret_events = events;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : ERR_UNAVAILABLE;
}

/* -- Bytes -------------------------------------------------------------------------------------------------------- */

/* How many were moved; 0: wait for *ret_events first. */
static ssize_t write_now(struct redis_connection *connection, struct str bytes, short *ret_events)
{
    int length = bytes.len < INT32_MAX ? (int)bytes.len : INT32_MAX;
    if (connection->tls)
        return take_tls_result(connection->tls, SSL_write(connection->tls, bytes.ptr, length), ret_events);
    return take_result(send(connection->descriptor, bytes.ptr, bytes.len, MSG_NOSIGNAL), POLLOUT, ret_events);
}

static ssize_t read_now(struct redis_connection *connection, char bytes[READ_BYTES], short *ret_events)
{
    if (connection->tls)
        return take_tls_result(connection->tls, SSL_read(connection->tls, bytes, READ_BYTES), ret_events);
    ssize_t got = recv(connection->descriptor, bytes, READ_BYTES, 0);
    return got == 0 ? ERR_UNAVAILABLE : take_result(got, POLLIN, ret_events);
}

int redis_connection_send(struct redis_connection *connection, struct str bytes, int64_t deadline_ns)
{
    short events = 0;
    while (bytes.len) {
        ssize_t sent = write_now(connection, bytes, &events);
        if (sent < 0)
            return (int)sent;
        if (sent == 0)
            TRY(wait_for(connection->descriptor, events, deadline_ns));
        bytes = str_skip(bytes, (size_t)sent);
    }
    return 0;
}

/* 1; 0 where the reply is not whole before *ret_events. */
static int take_reply(struct redis_connection *connection, struct arena *arena, short *ret_events,
                      struct redis_reply **ret_reply)
{
    char bytes[READ_BYTES];
    for (;;) {
        int is_whole = redis_decoder_next(&connection->decoder, arena, ret_reply);
        if (is_whole != 0)
            return is_whole;
        ssize_t got = read_now(connection, bytes, ret_events);
        if (got <= 0)
            return (int)got;
        TRY(redis_decoder_feed(&connection->decoder, str_from(bytes, (size_t)got)));
    }
}

int redis_connection_receive(struct redis_connection *connection, struct arena *arena, int64_t deadline_ns,
                             struct redis_reply **ret_reply)
{
    short events = 0;
    for (;;) {
        int is_whole = take_reply(connection, arena, &events, ret_reply);
        if (is_whole != 0)
            return is_whole < 0 ? is_whole : 0;
        TRY(wait_for(connection->descriptor, events, deadline_ns));
    }
}

int redis_connection_take(struct redis_connection *connection, struct arena *arena, struct redis_reply **ret_reply)
{
    short events = 0;
    return take_reply(connection, arena, &events, ret_reply);
}

bool redis_connection_wait(const struct redis_connection *connection, int64_t deadline_ns)
{
    return wait_for(connection->descriptor, POLLIN, deadline_ns) == 0;
}

void redis_connection_end(const struct redis_connection *connection)
{
    shutdown(connection->descriptor, SHUT_RDWR);
}

int redis_encode(struct buf *to, const struct str *words, size_t count)
{
    const char *texts[WORDS_MAX];
    size_t sizes[WORDS_MAX];
    char *encoded = NULL;
    ASSERT(count <= WORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        texts[i] = words[i].len ? words[i].ptr : "";
        sizes[i] = words[i].len;
    }
    long long size = redisFormatCommandArgv(&encoded, (int)count, texts, sizes);
    if (size < 0)
        return ERR_NO_MEMORY;
    buf_append(to, str_from(encoded, (size_t)size));
    redisFreeCommand(encoded);
    return buf_error(to);
}

/* -- Opening ------------------------------------------------------------------------------------------------------ */

static int connect_to(const struct addrinfo *place, int64_t deadline_ns)
{
    int on = 1, error = 0;
    socklen_t size = sizeof(error);
    int descriptor = socket(place->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -errno;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    if (connect(descriptor, place->ai_addr, place->ai_addrlen) == 0)
        return descriptor;
    error = errno;
    if (error == EINPROGRESS && (wait_for(descriptor, POLLOUT, deadline_ns) < 0 ||
                                 getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0))
        error = ETIMEDOUT;
    if (error == 0)
        return descriptor;
    close(descriptor);
    return -error;
}

static int connect_socket(struct redis_connection *connection, const struct redis_address *address, int64_t deadline_ns,
                          char ret_message[REDIS_MESSAGE_BYTES])
{
    struct addrinfo *places = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char port[PORT_TEXT_BYTES];
    snprintf(port, sizeof(port), "%hu", address->port);
    int error = getaddrinfo(address->host, port, &hints, &places);
    if (error != 0) {
        snprintf(ret_message, REDIS_MESSAGE_BYTES, "%s: %s", address->host, gai_strerror(error));
        return ERR_UNAVAILABLE;
    }
    int descriptor = -ENOENT;
    for (const struct addrinfo *place = places; place && descriptor < 0; place = place->ai_next)
        descriptor = connect_to(place, deadline_ns);
    freeaddrinfo(places);
    if (descriptor < 0) {
        snprintf(ret_message, REDIS_MESSAGE_BYTES, "%s:%hu: %s", address->host, address->port, strerror(-descriptor));
        return ERR_UNAVAILABLE;
    }
    connection->descriptor = descriptor;
    return 0;
}

/* The name, or the IP address, that the certificate has to have. */
static bool expect_name(SSL *tls, const char *host)
{
    X509_VERIFY_PARAM *parameters = SSL_get0_param(tls);
    if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1)
        return true;
    ERR_clear_error();
    return SSL_set1_host(tls, host) == 1 && SSL_set_tlsext_host_name(tls, host) == 1;
}

static int refuse_tls(const struct redis_connection *connection, const struct redis_address *address,
                      char ret_message[REDIS_MESSAGE_BYTES])
{
    long verdict = SSL_get_verify_result(connection->tls);
    snprintf(ret_message, REDIS_MESSAGE_BYTES, "%s:%hu: %s", address->host, address->port,
             verdict == X509_V_OK ? "no TLS could be agreed on" : X509_verify_cert_error_string(verdict));
    return verdict == X509_V_OK ? ERR_UNAVAILABLE : ERR_FORBIDDEN;
}

static int start_tls(struct redis_connection *connection, const struct redis_address *address, SSL_CTX *context,
                     int64_t deadline_ns, char ret_message[REDIS_MESSAGE_BYTES])
{
    if (!address->has_tls)
        return 0;
    connection->tls = SSL_new(context);
    if (!connection->tls || !expect_name(connection->tls, address->host) ||
        SSL_set_fd(connection->tls, connection->descriptor) != 1)
        return ERR_NO_MEMORY;
    short events = 0;
    for (;;) {
        ssize_t result = take_tls_result(connection->tls, SSL_connect(connection->tls), &events);
        if (result > 0)
            return 0;
        if (result < 0 || wait_for(connection->descriptor, events, deadline_ns) < 0)
            return refuse_tls(connection, address, ret_message);
    }
}

/* The first word of an error is what Redis calls its kind; behind it may be something of what we sent. */
static struct str kind_of(struct str error)
{
    ptrdiff_t end = str_find_char(error, ' ');
    return str_slice(error, 0, end < 0 ? error.len : (size_t)end);
}

/* Which of the greetings' errors pass by themselves: a server that loads its data, or has lost its master. */
static bool may_pass(struct str kind)
{
    return str_equal_cstr(kind, "LOADING") || str_equal_cstr(kind, "MASTERDOWN") || str_equal_cstr(kind, "BUSY") ||
           str_equal_cstr(kind, "OOM");
}

enum greeting { GREETING_AUTH, GREETING_SELECT, GREETING_PING, GREETINGS };

static int expect_ok(const struct redis_reply *reply, enum greeting greeting, const struct redis_address *address,
                     char ret_message[REDIS_MESSAGE_BYTES])
{
    static const char *const refusals[] = {
        [GREETING_AUTH] = "it takes no password, or not this one",
        [GREETING_SELECT] = "it has no database of that number",
        [GREETING_PING] = "it is not ready",
    };
    if (reply && reply->kind == REDIS_STATUS)
        return 0;
    struct str kind = reply && reply->kind == REDIS_ERROR ? kind_of(reply->text) : STR("no answer of Redis");
    const char *remedy = str_equal_cstr(kind, "WRONGPASS") ? "the user or the password is wrong"
                         : str_equal_cstr(kind, "NOAUTH")  ? "it wants a password, and the address has none"
                         : str_equal_cstr(kind, "NOPERM")  ? "the user may not do what the shop does"
                                                           : refusals[greeting];
    snprintf(ret_message, REDIS_MESSAGE_BYTES, "%s:%hu: %s (%.*s)", address->host, address->port, remedy,
             (int)(kind.len < 40 ? kind.len : 40), kind.ptr);
    return may_pass(kind) ? ERR_UNAVAILABLE : ERR_FORBIDDEN;
}

/* AUTH, SELECT and PING, in one round trip. */
static int write_greeting(const struct redis_address *address, const struct secret *password, struct buf *to)
{
    char number[NUMBER_BYTES];
    if (password && address->user)
        TRY(redis_encode(to, (struct str[]){STR("AUTH"), secret_bytes(address->user), secret_bytes(password)}, 3));
    else if (password)
        TRY(redis_encode(to, (struct str[]){STR("AUTH"), secret_bytes(password)}, 2));
    snprintf(number, sizeof(number), "%lld", (long long)address->database);
    TRY(redis_encode(to, (struct str[]){STR("SELECT"), str_from_cstr(number)}, 2));
    return redis_encode(to, (struct str[]){STR("PING")}, 1);
}

static int exchange_greeting(struct redis_connection *connection, const struct redis_address *address,
                             const struct secret *password, int64_t deadline_ns, char ret_message[REDIS_MESSAGE_BYTES])
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(GREETING_ARENA_BYTES);
    CLEANUP(buf_free) struct buf greeting = BUF(GREETING_BYTES_MAX);
    struct redis_reply *reply = NULL;
    if (!arena)
        return ERR_NO_MEMORY;
    int result = write_greeting(address, password, &greeting);
    if (result == 0)
        result = redis_connection_send(connection, buf_str(&greeting), deadline_ns);
    if (greeting.ptr)
        explicit_bzero(greeting.ptr, greeting.len);
    for (int i = password ? GREETING_AUTH : GREETING_SELECT; i < GREETINGS && result == 0; i++) {
        result = redis_connection_receive(connection, arena, deadline_ns, &reply);
        if (result == 0)
            TRY(expect_ok(reply, (enum greeting)i, address, ret_message));
    }
    if (result < 0)
        snprintf(ret_message, REDIS_MESSAGE_BYTES, "%s:%hu: it is there and does not answer as a Redis server",
                 address->host, address->port);
    return result == ERR_NO_MEMORY ? result : result < 0 ? ERR_UNAVAILABLE : 0;
}

static int greet(struct redis_connection *connection, const struct redis_address *address, int64_t deadline_ns,
                 char ret_message[REDIS_MESSAGE_BYTES])
{
    CLEANUP(secret_cleanup) struct secret *password = NULL;
    TRY(redis_address_read_password(address, &password, ret_message));
    return exchange_greeting(connection, address, password, deadline_ns, ret_message);
}

int redis_connection_open(struct redis_connection *connection, const struct redis_address *address, SSL_CTX *tls,
                          int64_t deadline_ns, char ret_message[REDIS_MESSAGE_BYTES])
{
    *connection = (struct redis_connection){.descriptor = -1};
    snprintf(ret_message, REDIS_MESSAGE_BYTES, "out of memory");
    int result = redis_decoder_init(&connection->decoder);
    if (result == 0)
        result = connect_socket(connection, address, deadline_ns, ret_message);
    if (result == 0)
        result = start_tls(connection, address, tls, deadline_ns, ret_message);
    if (result == 0)
        result = greet(connection, address, deadline_ns, ret_message);
    if (result < 0)
        redis_connection_close(connection);
    return result;
}

void redis_connection_close(struct redis_connection *connection)
{
    SSL_free(connection->tls);
    if (connection->descriptor >= 0)
        close(connection->descriptor);
    redis_decoder_free(&connection->decoder);
    *connection = (struct redis_connection){.descriptor = -1};
}
