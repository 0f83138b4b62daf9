/* What an address of Postgres says, as libpq reads it: what its server is reached by, and whether the way is safe.
 *
 * Nothing of an address is told where it is refused: what libpq says quotes it, and where it finds a host may be in the
 * middle of a password. */
#include "platform/net/loopback.h"
#include "platform/ports/sql/sql_postgres.h"

#include <stdio.h>

#define DNS_PORT "53" /* the resolver goes over to TCP for a long answer */

/* Of the address, and what libpq takes from the environment for what that leaves out. */
struct options {
    PQconninfoOption *own, *defaults;
};

static void options_free(struct options *options)
{
    PQconninfoFree(options->own);
    PQconninfoFree(options->defaults);
}

static struct options options_of(const char *conninfo)
{
    char *why = NULL;
    struct options options = {.own = PQconninfoParse(conninfo, &why)};
    PQfreemem(why);
    if (options.own)
        options.defaults = PQconndefaults();
    return options;
}

static struct str find(const PQconninfoOption *options, const char *keyword)
{
    while (options && options->keyword && strcmp(options->keyword, keyword) != 0)
        options++;
    return str_from_cstr(options && options->keyword && options->val ? options->val : "");
}

static struct str option(const struct options *options, const char *keyword)
{
    struct str own = find(options->own, keyword);
    return own.len > 0 ? own : find(options->defaults, keyword);
}

/* One, or several with commas between. Where there are addresses, no name is looked up. */
static struct str hosts_of(const struct options *options)
{
    struct str addresses = option(options, "hostaddr");
    return addresses.len > 0 ? addresses : option(options, "host");
}

/* -- What is refused ---------------------------------------------------------------------------------------------- */

/* A folder of Unix sockets is none, nor is the host that is left out, which means such a folder. */
static bool is_tcp_host(struct str host)
{
    return host.len > 0 && host.ptr[0] != '/' && host.ptr[0] != '@';
}

static bool all_hosts(struct str hosts, bool (*is_so)(struct str host))
{
    struct str host;
    do {
        if (!str_next_token(&hosts, ',', &host) || !is_so(host))
            return false;
    } while (hosts.ptr);
    return true;
}

static int check(const struct options *options, char ret_message[SQL_MESSAGE_BYTES])
{
    struct str hosts = hosts_of(options);
    if (!options->own || str_find_char(option(options, "host"), '@') > 0) {
        sql_message(ret_message,
                    "SHOPSTREAM_SQL_URL is no address of Postgres: postgres://USER:PASSWORD@HOST:5432/DATABASE, "
                    "where what is none of A-Z a-z 0-9 - . _ ~ in the user and the password stands as %%XX");
    } else if (!all_hosts(hosts, is_tcp_host)) {
        sql_message(ret_message,
                    "SHOPSTREAM_SQL_URL must name a host, as 127.0.0.1, and no folder: Postgres is reached by "
                    "TCP, as a shop in its sandbox makes no Unix socket");
    } else if (!all_hosts(hosts, is_loopback_host) && !str_equal_cstr(option(options, "sslmode"), "verify-full")) {
        sql_message(ret_message, "SHOPSTREAM_SQL_URL names another machine, so it must end with "
                                 "?sslmode=verify-full&sslrootcert=FILE (the certificate of the server's authority): "
                                 "nobody between may read or change what is sent there");
    } else {
        return 0;
    }
    return ERR_INVALID;
}

int postgres_check_address(const char *conninfo, char ret_message[SQL_MESSAGE_BYTES])
{
    CLEANUP(options_free) struct options options = options_of(conninfo);
    return check(&options, ret_message);
}

/* -- What it needs ------------------------------------------------------------------------------------------------- */

static int add_port(struct sql_reach *reach, struct str text)
{
    int64_t port = POSTGRES_PORT;
    if (text.len > 0 && (str_to_int64(text, &port) < 0 || port <= 0 || port > UINT16_MAX))
        return ERR_INVALID;
    if (reach->port_count == SQL_PORTS_MAX)
        return ERR_TOO_LARGE;
    reach->ports[reach->port_count++] = (unsigned short)port;
    return 0;
}

static int add_ports(struct sql_reach *reach, const struct options *options)
{
    struct str ports = option(options, "port"), port;
    do {
        if (!str_next_token(&ports, ',', &port))
            port = STR_EMPTY;
        TRY(add_port(reach, str_trim(port)));
    } while (ports.ptr);
    return all_hosts(hosts_of(options), is_numeric_host) ? 0 : add_port(reach, STR(DNS_PORT));
}

/* libpq reads them whenever it connects. */
static int add_files(struct sql_reach *reach, const struct options *options)
{
    static const char *const keywords[SQL_FILES_MAX] = {"sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile"};
    for (size_t i = 0; i < SQL_FILES_MAX; i++) {
        struct str file = option(options, keywords[i]);
        if (file.len >= SQL_FILE_BYTES)
            return ERR_TOO_LARGE;
        if (file.len > 0)
            snprintf(reach->files[reach->file_count++], SQL_FILE_BYTES, "%.*s", STR_FORMAT(file));
    }
    return 0;
}

int postgres_get_reach(const char *url, struct sql_reach *ret_reach, char ret_message[SQL_MESSAGE_BYTES])
{
    CLEANUP(options_free) struct options options = options_of(url);
    struct sql_reach reach = {0};
    TRY(check(&options, ret_message));
    int result = add_ports(&reach, &options);
    if (result == 0)
        result = add_files(&reach, &options);
    if (result < 0) {
        sql_message(ret_message,
                    "SHOPSTREAM_SQL_URL names what is no port, more than %d, or a file with too long a name",
                    SQL_PORTS_MAX - 1);
        return ERR_INVALID;
    }
    *ret_reach = reach;
    return 0;
}
