#include "platform/ports/redis/redis_examine.h"

#include "platform/ports/clock/clock.h"
#include "platform/ports/redis/redis_connection.h"

#include <stdarg.h>
#include <stdio.h>

#define ANSWER_MS 2000
#define ARENA_BYTES ((size_t)256 << 10)
#define COMMANDS_BYTES_MAX 1024
#define VERSION_MIN 7

/* What the server says of itself. */
struct server {
    struct str info;        /* lines "name:value" */
    struct str appendfsync; /* empty: we may not ask */
};

/* Of INFO; empty where it has no such line. */
static struct str find_value(struct str info, const char *name)
{
    struct str line;
    size_t length = strlen(name);
    while (str_next_token(&info, '\n', &line)) {
        if (str_starts_with(line, str_from(name, length)) && line.len > length && line.ptr[length] == ':') {
            struct str value = str_skip(line, length + 1);
            return value.len && value.ptr[value.len - 1] == '\r' ? str_slice(value, 0, value.len - 1) : value;
        }
    }
    return STR_EMPTY;
}

static int ask_server(struct redis_connection *connection, struct arena *arena, struct server *ret_server)
{
    CLEANUP(buf_free) struct buf bytes = BUF(COMMANDS_BYTES_MAX);
    int64_t deadline_ns = clock_monotonic_ns() + ANSWER_MS * CLOCK_NS_PER_MS;
    struct redis_reply *info, *setting;
    TRY(redis_encode(&bytes, (struct str[]){STR("INFO")}, 1));
    TRY(redis_encode(&bytes, (struct str[]){STR("CONFIG"), STR("GET"), STR("appendfsync")}, 3));
    TRY(redis_connection_send(connection, buf_str(&bytes), deadline_ns));
    TRY(redis_connection_receive(connection, arena, deadline_ns, &info));
    TRY(redis_connection_receive(connection, arena, deadline_ns, &setting));
    if (!info || info->kind != REDIS_TEXT || !setting)
        return ERR_UNAVAILABLE;
    bool is_told = setting->kind == REDIS_ARRAY && setting->count == 2;
    *ret_server = (struct server){.info = info->text, .appendfsync = is_told ? setting->elements[1]->text : STR_EMPTY};
    return 0;
}

static int refuse(char ret_message[REDIS_MESSAGE_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char ret_message[REDIS_MESSAGE_BYTES], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ret_message, REDIS_MESSAGE_BYTES, format, arguments);
    va_end(arguments);
    return ERR_UNPROCESSABLE;
}

static int judge_any(const struct server *server, char ret_message[REDIS_MESSAGE_BYTES])
{
    struct str version = find_value(server->info, "redis_version");
    int64_t major = 0;
    ptrdiff_t dot = str_find_char(version, '.');
    if (dot < 0 || str_to_int64(str_slice(version, 0, (size_t)dot), &major) < 0 || major < VERSION_MIN)
        return refuse(ret_message, "Redis %.*s is too old; install version %d or later", STR_FORMAT(version),
                      VERSION_MIN);
    if (str_equal_cstr(find_value(server->info, "cluster_enabled"), "1"))
        return refuse(ret_message, "it is a cluster, whose nodes have a part of the keys each; name a single server");
    if (!str_equal_cstr(find_value(server->info, "role"), "master"))
        return refuse(ret_message, "it is a replica, which takes no writes; name its master");
    return 0;
}

/* What has no time to live is kept by all policies but these. */
static bool drops_anything(const struct server *server)
{
    return str_starts_with(find_value(server->info, "maxmemory_policy"), STR("allkeys"));
}

static int judge_stream(const struct server *server, char ret_message[REDIS_MESSAGE_BYTES])
{
    if (!str_equal_cstr(find_value(server->info, "aof_enabled"), "1"))
        return refuse(ret_message, "entries that were acknowledged are lost with the server; set appendonly yes");
    if (server->appendfsync.len && !str_equal_cstr(server->appendfsync, "always"))
        return refuse(ret_message, "a second of acknowledged entries is lost with the machine; set appendfsync always, "
                                   "and let the cache have a server of its own");
    if (drops_anything(server))
        return refuse(ret_message, "entries are dropped when its memory is full; set maxmemory-policy noeviction");
    return 0;
}

static int judge_cache(const struct server *server, char ret_message[REDIS_MESSAGE_BYTES])
{
    return drops_anything(server)
               ? refuse(ret_message, "the last lock's token is dropped when its memory is full; set maxmemory-policy "
                                     "volatile-lru")
               : 0;
}

static int judge(enum port port, const struct server *server, const struct redis_address *address,
                 char ret_message[REDIS_MESSAGE_BYTES])
{
    TRY(judge_any(server, ret_message));
    TRY(port == PORT_STREAM ? judge_stream(server, ret_message) : judge_cache(server, ret_message));
    struct str version = find_value(server->info, "redis_version");
    snprintf(ret_message, REDIS_MESSAGE_BYTES, "Redis %.*s at %s:%hu%s", STR_FORMAT(version), address->host,
             address->port, address->has_tls ? ", by TLS" : "");
    return 0;
}

static int examine_at(enum port port, const struct redis_address *address, char ret_message[REDIS_MESSAGE_BYTES])
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct redis_connection connection;
    struct server server;
    SSL_CTX *tls = NULL;
    if (!arena)
        return ERR_NO_MEMORY;
    TRY(redis_address_make_tls(address, &tls, ret_message));
    int result = redis_connection_open(&connection, address, tls, clock_monotonic_ns() + ANSWER_MS * CLOCK_NS_PER_MS,
                                       ret_message);
    SSL_CTX_free(tls);
    TRY(result == ERR_FORBIDDEN ? ERR_UNAVAILABLE : result);
    result = ask_server(&connection, arena, &server);
    redis_connection_close(&connection);
    if (result < 0)
        return refuse(ret_message, "%s:%hu does not answer INFO; let the shop's user run it", address->host,
                      address->port);
    return judge(port, &server, address, ret_message);
}

int redis_examine(enum port port, const char *url, char ret_message[REDIS_MESSAGE_BYTES])
{
    struct redis_address address;
    TRY(redis_address_parse(port, url, &address, ret_message));
    int result = examine_at(port, &address, ret_message);
    redis_address_free(&address);
    return result;
}
