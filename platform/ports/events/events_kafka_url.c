/* SHOPSTREAM_EVENTS_URL of Kafka, and what its clients are told by it. */
#include "platform/base/encode.h"
#include "platform/base/log.h"
#include "platform/ports/events/events_kafka.h"
#include "platform/ports/port.h"

#include <stdio.h>

#define SHAPE "kafka://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…][?prefix=…&partitions=…&replicas=…&tls=on&authorities=…]"
#define REPLICAS_MAX 32

static int refuse(char ret_message[512], const char *what)
{
    snprintf(ret_message, 512, "SHOPSTREAM_EVENTS_URL: %s; it is " SHAPE, what);
    return ERR_INVALID;
}

/* A word as it stands in the URL: what is not of A-Z a-z 0-9 - . _ ~ / as %XX. */
static bool decode(struct str text, char *ret_word, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? decode_hex_digit(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? decode_hex_digit(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0' || used + 1 >= size)
            return false;
        ret_word[used++] = c;
    }
    ret_word[used] = '\0';
    return true;
}

/* A broker as HOST:PORT or [ADDRESS]:PORT; false where it is none. */
static bool parse_broker(struct str broker, struct str *ret_host, unsigned short *ret_port)
{
    ptrdiff_t colon = -1;
    int64_t port;
    for (size_t i = 0; i < broker.len; i++)
        colon = broker.ptr[i] == ':' ? (ptrdiff_t)i : colon;
    if (colon < 1 || str_find_char(broker, '/') >= 0 || str_to_int64(str_skip(broker, (size_t)colon + 1), &port) < 0 ||
        port < 1 || port > UINT16_MAX)
        return false;
    *ret_host = str_slice(broker, 0, (size_t)colon);
    *ret_port = (unsigned short)port;
    return true;
}

static bool is_loopback(struct str host)
{
    return str_starts_with(host, STR("127.")) || str_equal_cstr(host, "localhost") || str_equal_cstr(host, "[::1]");
}

static int check_brokers(const struct kafka_settings *settings, char ret_message[512])
{
    struct str list = str_from_cstr(settings->brokers), broker, host;
    unsigned short port;
    size_t count = 0;
    if (list.len == 0)
        return refuse(ret_message, "it names no broker");
    for (; list.ptr && str_next_token(&list, ',', &broker); count++) {
        if (!parse_broker(broker, &host, &port) || count == EVENT_PORTS_MAX)
            return refuse(ret_message, "its brokers are no list of up to 16 HOST:PORT");
        if (!is_loopback(host) && !settings->has_tls)
            return refuse(ret_message, "a broker beyond this machine is spoken to by tls=on alone");
    }
    return 0;
}

int event_bus_kafka_get_reach(const char *url, struct event_reach *ret_reach, char ret_message[512])
{
    struct kafka_settings settings;
    TRY(kafka_settings_parse(url, &settings, ret_message));
    struct str list = str_from_cstr(settings.brokers), broker, host;
    size_t count = 0;
    while (list.ptr && str_next_token(&list, ',', &broker))
        count += parse_broker(broker, &host, &ret_reach->ports[count]);
    ret_reach->port_count = count;
    snprintf(ret_reach->file, sizeof(ret_reach->file), "%s", settings.authorities);
    return 0;
}

/* As Kafka takes it in the name of a topic. */
static bool is_prefix(const char *prefix)
{
    for (; *prefix; prefix++) {
        bool is_word = (*prefix >= 'a' && *prefix <= 'z') || (*prefix >= 'A' && *prefix <= 'Z') ||
                       (*prefix >= '0' && *prefix <= '9') || *prefix == '.' || *prefix == '_' || *prefix == '-';
        if (!is_word)
            return false;
    }
    return true;
}

static bool parse_number(struct str text, int64_t min, int64_t max, int *ret_number)
{
    int64_t number;
    if (str_to_int64(text, &number) < 0 || number < min || number > max)
        return false;
    *ret_number = (int)number;
    return true;
}

static int parse_parameter(struct str pair, struct kafka_settings *settings, char ret_message[512])
{
    ptrdiff_t equals = str_find_char(pair, '=');
    struct str name = str_slice(pair, 0, equals < 0 ? pair.len : (size_t)equals);
    struct str value = equals < 0 ? STR_EMPTY : str_skip(pair, (size_t)equals + 1);
    if (str_equal_cstr(name, "prefix"))
        return decode(value, settings->prefix, sizeof(settings->prefix)) && is_prefix(settings->prefix)
                   ? 0
                   : refuse(ret_message, "prefix has up to 63 of A-Z a-z 0-9 . _ -");
    if (str_equal_cstr(name, "partitions"))
        return parse_number(value, 1, KAFKA_PARTITIONS_MAX, &settings->partitions)
                   ? 0
                   : refuse(ret_message, "partitions is a number from 1 to 1024");
    if (str_equal_cstr(name, "replicas"))
        return parse_number(value, 1, REPLICAS_MAX, &settings->replicas)
                   ? 0
                   : refuse(ret_message, "replicas is a number from 1 to 32");
    if (str_equal_cstr(name, "tls")) {
        settings->has_tls = str_equal_cstr(value, "on");
        return settings->has_tls || str_equal_cstr(value, "off") ? 0 : refuse(ret_message, "tls is on or off");
    }
    if (str_equal_cstr(name, "authorities"))
        return decode(value, settings->authorities, sizeof(settings->authorities)) && settings->authorities[0]
                   ? 0
                   : refuse(ret_message, "authorities is the path of a file");
    return refuse(ret_message, "it has a parameter that nobody knows");
}

static int parse_parameters(struct str query, struct kafka_settings *settings, char ret_message[512])
{
    struct str pair;
    while (query.ptr && str_next_token(&query, '&', &pair))
        TRY(parse_parameter(pair, settings, ret_message));
    if (settings->authorities[0] && !settings->has_tls)
        return refuse(ret_message, "authorities are for tls=on");
    return 0;
}

static int parse_user(struct str user, struct kafka_settings *settings, char ret_message[512])
{
    ptrdiff_t colon = str_find_char(user, ':');
    bool is_good = colon > 0 && decode(str_slice(user, 0, (size_t)colon), settings->user, sizeof(settings->user)) &&
                   decode(str_skip(user, (size_t)colon + 1), settings->password, sizeof(settings->password)) &&
                   settings->password[0];
    return is_good ? 0 : refuse(ret_message, "the user and the password cannot be read");
}

int kafka_settings_parse(const char *url, struct kafka_settings *ret_settings, char ret_message[512])
{
    struct kafka_settings settings = {.partitions = KAFKA_PARTITIONS, .replicas = -1};
    struct str rest = str_from_cstr(url);
    struct str scheme = STR("kafka://");
    if (!str_starts_with(rest, scheme))
        return refuse(ret_message, "it names no broker");
    rest = str_skip(rest, scheme.len);
    ptrdiff_t mark = str_find_char(rest, '?');
    struct str query = mark < 0 ? STR_EMPTY : str_skip(rest, (size_t)mark + 1);
    struct str brokers = str_slice(rest, 0, mark < 0 ? rest.len : (size_t)mark);
    ptrdiff_t at = str_find_char(brokers, '@');
    if (at >= 0)
        TRY(parse_user(str_slice(brokers, 0, (size_t)at), &settings, ret_message));
    brokers = str_skip(brokers, (size_t)(at + 1));
    if (brokers.len > 0 && brokers.ptr[brokers.len - 1] == '/')
        brokers.len--;
    if (brokers.len >= sizeof(settings.brokers))
        return refuse(ret_message, "it is too long");
    if (brokers.len > 0)
        memcpy(settings.brokers, brokers.ptr, brokers.len);
    TRY(parse_parameters(query, &settings, ret_message));
    TRY(check_brokers(&settings, ret_message));
    *ret_settings = settings;
    return 0;
}

/* -- What clients are told ----------------------------------------------------------------------------------------- */

#define SYSLOG_ERROR 3

/* What it says of an attempt that it makes again by itself is told once, by the reader that waits for it. */
static void log_line(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    if (level <= SYSLOG_ERROR && strcmp(facility, "FAIL") != 0)
        log_warning(NULL, "Kafka's client", LOG_CSTR("about", facility), LOG_CSTR("detail", text));
    else
        log_debug(NULL, "Kafka's client", LOG_CSTR("about", facility), LOG_CSTR("detail", text));
}

rd_kafka_conf_t *kafka_conf_new(const struct kafka_settings *settings, char ret_message[512])
{
    const char *security = settings->user[0] ? (settings->has_tls ? "sasl_ssl" : "sasl_plaintext")
                                             : (settings->has_tls ? "ssl" : "plaintext");
    const struct {
        const char *name, *value;
    } words[] = {
        {"bootstrap.servers", settings->brokers},
        {"client.id", "shopstream"},
        {"security.protocol", security},
        {"ssl.ca.location", settings->authorities},
        {"ssl.endpoint.identification.algorithm", "https"},
        {"sasl.mechanisms", settings->user[0] ? "SCRAM-SHA-512" : ""},
        {"sasl.username", settings->user},
        {"sasl.password", settings->password},
        {"socket.keepalive.enable", "true"},
        {"reconnect.backoff.max.ms", "1000"},
        {"allow.auto.create.topics", "false"},
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!words[i].value[0] ||
            rd_kafka_conf_set(conf, words[i].name, words[i].value, ret_message, 512) == RD_KAFKA_CONF_OK)
            continue;
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_log_cb(conf, log_line);
    return conf;
}
