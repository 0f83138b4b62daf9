#include "platform/ports/port.h"

#include "platform/base/buf.h"

#include <stdio.h>

#define KNOWN_BYTES_MAX 200

const struct config_row port_settings[] = {
    [PORT_SQL] = {"SHOPSTREAM_SQL_URL", CONFIG_URL, "sqlite:", 1, 1000,
                  "Where the services' databases are; sqlite: a file each in the data folder"},
    [PORT_EVENTS] = {"SHOPSTREAM_EVENTS_URL", CONFIG_URL, "sql:", 1, 1000,
                     "What carries events between services; sql: the outbox in their databases. "
                     "kafka://[USER:PASSWORD@]HOST:PORT[,HOST:PORT]: Kafka, from outboxes in Postgres"},
    [PORT_KV] = {"SHOPSTREAM_KV_URL", CONFIG_URL, "sql:", 1, 1000,
                 "Where sessions, carts and idempotency keys are; sql: the services' databases"},
    [PORT_CACHE] = {"SHOPSTREAM_CACHE_URL", CONFIG_URL, "memory:", 1, 1000,
                    "Where hot values and rate limits are; memory: this process, redis://HOST for all"},
    [PORT_STREAM] = {"SHOPSTREAM_STREAM_URL", CONFIG_URL, "sql:", 1, 1000,
                     "What hands on fast tasks; sql: the services' databases, redis://HOST: Redis Streams"},
    [PORT_QUEUE] = {"SHOPSTREAM_QUEUE_URL", CONFIG_URL, "sql:", 1, 1000,
                    "What hands on slow work; sql: the services' databases"},
    [PORT_MAIL] = {"SHOPSTREAM_MAIL_URL", CONFIG_URL, "spool:", 1, 1000,
                   "Where mails go; spool: files in the data folder, for people to read"},
    [PORT_WORKFLOW] = {"SHOPSTREAM_WORKFLOW_URL", CONFIG_URL, "sql:", 1, 1000,
                       "What runs workflows; sql: this process, with tables in the services' databases"},
    [PORT_IDP] = {"SHOPSTREAM_IDP_URL", CONFIG_URL, "argon2id:", 1, 1000,
                  "What checks passwords; argon2id: this process, by hashes in identity's database"},
    {0},
};

const char *port_url(const struct config *config, enum port port)
{
    const struct config_row *row = &port_settings[port];

    return config ? config_get_cstr(config, row) : row->default_value;
}

static struct str scheme_of(const char *url)
{
    struct str scheme = str_from_cstr(url);
    ptrdiff_t colon = str_find_char(scheme, ':');

    return str_slice(scheme, 0, colon < 0 ? 0 : (size_t)colon);
}

int port_find(enum port port, const char *url, const void *rows, size_t row_bytes, char ret_message[512])
{
    const struct port_scheme *row = rows;
    struct str scheme = scheme_of(url);
    CLEANUP(buf_free) struct buf known = BUF(KNOWN_BYTES_MAX);

    for (int i = 0; row->name; i++) {
        if (str_equal_cstr(scheme, row->name))
            return i;
        buf_printf(&known, " %s:", row->name);
        row = (const void *)((const char *)row + row_bytes);
    }
    snprintf(ret_message, 512, "%s has no adapter for the scheme \"%.*s\"; known:%.*s", port_settings[port].name,
             (int)str_slice(scheme, 0, 40).len, scheme.ptr, STR_FORMAT(buf_str(&known)));
    return ERR_INVALID;
}

int port_settings_check(const struct config *config, char ret_message[512])
{
    struct str events = scheme_of(port_url(config, PORT_EVENTS)), sql = scheme_of(port_url(config, PORT_SQL));

    if (!str_equal_cstr(events, "kafka") || !str_equal_cstr(sql, "sqlite"))
        return 0;
    snprintf(ret_message, 512,
             "SHOPSTREAM_EVENTS_URL is kafka:, and SHOPSTREAM_SQL_URL is sqlite:, whose outboxes nobody "
             "brings there; set the latter to postgres://…, or the former to sql:");
    return ERR_INVALID;
}

int port_expect_bare(enum port port, const char *url, char ret_message[512])
{
    struct str scheme = scheme_of(url);

    if (url[scheme.len] == ':' && url[scheme.len + 1] == '\0')
        return 0;
    snprintf(ret_message, 512, "%s must be %.*s: and nothing behind it", port_settings[port].name, STR_FORMAT(scheme));
    return ERR_INVALID;
}
