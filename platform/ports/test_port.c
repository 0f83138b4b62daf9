/* Proves that a URL's scheme finds its row, that one without a row is refused by a message that a person can act on and
 * that shows no password, and that every port's default is one of its adapters. */
#include "platform/ports/cache/cache.h"
#include "platform/ports/events/events.h"
#include "platform/ports/idp/idp.h"
#include "platform/ports/kv/kv.h"
#include "platform/ports/mail/mail.h"
#include "platform/ports/queue/queue.h"
#include "platform/ports/stream/stream.h"
#include "platform/ports/workflow/workflow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    struct port_scheme scheme;
    int value;
} rows[] = {{{"sql"}, 1}, {{"redis"}, 2}, {{NULL}, 0}};

static char message[512];

static int find(const char *url)
{
    message[0] = '\0';
    return port_find(PORT_KV, url, rows, sizeof(rows[0]), message);
}

static void test_port__the_scheme_finds_the_row(void **state)
{
    (void)state;
    assert_int_equal(find("sql:"), 0);
    assert_int_equal(find("redis://localhost:6379"), 1);
    assert_string_equal(message, "");
}

static void test_port__an_unknown_scheme_names_the_known_ones(void **state)
{
    static const char *const urls[] = {"kafka://user:secret@host", "sq:", "sqlx:", "SQL:", "sql", ":", ""};

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        assert_int_equal(find(urls[i]), ERR_INVALID);
        assert_non_null(strstr(message, "SHOPSTREAM_KV_URL"));
        assert_non_null(strstr(message, "sql: redis:"));
        assert_null(strstr(message, "secret"));
    }
    assert_int_equal(find(urls[0]), ERR_INVALID);
    assert_string_equal(message, "SHOPSTREAM_KV_URL has no adapter for the scheme \"kafka\"; known: sql: redis:");
}

static void test_port__what_nobody_reads_is_refused(void **state)
{
    (void)state;
    assert_int_equal(port_expect_bare(PORT_MAIL, "spool:", message), 0);
    assert_int_equal(port_expect_bare(PORT_MAIL, "spool:/srv/secret", message), ERR_INVALID);
    assert_string_equal(message, "SHOPSTREAM_MAIL_URL must be spool: and nothing behind it");
}

/* Each port as it is opened for a shop: with a URL that it does not know, and with one that says too much. */
static int open_port(enum port port, const char *url)
{
    const struct port_config config = {.url = url, .data_path = "/nonexistent"};
    const struct sql_place place = {.url = url, .service = "test", .data_path = "/nonexistent"};
    const struct workflow_engine_config workflow = {.url = url};
    struct event_bus *bus;
    struct kv *kv;
    struct cache *cache;
    struct stream *stream;
    struct work_queue *queue;
    struct mail *mail;
    struct workflow_engine *engine;
    struct idp *idp;
    char located[SQL_URL_BYTES];

    switch (port) {
    case PORT_SQL:
        return sql_locate(&place, located, message);
    case PORT_EVENTS:
        return event_bus_open(&bus, &config, message);
    case PORT_KV:
        return kv_open(&kv, &config, message);
    case PORT_CACHE:
        return cache_open(&cache, &config, message);
    case PORT_STREAM:
        return stream_open(&stream, &config, message);
    case PORT_QUEUE:
        return work_queue_open(&queue, &config, message);
    case PORT_MAIL:
        return mail_open(&mail, &config, message);
    case PORT_WORKFLOW:
        return workflow_engine_open(&engine, &workflow, message);
    case PORT_IDP:
        return idp_open(&idp, &config, message);
    }
    return 0;
}

static void test_port__every_port_refuses_what_it_does_not_know(void **state)
{
    char url[100];

    (void)state;
    for (int port = 0; port_settings[port].name; port++) {
        const struct config_row *row = &port_settings[port];

        assert_int_equal(open_port((enum port)port, "nosuch:"), ERR_INVALID);
        assert_non_null(strstr(message, row->name));
        assert_non_null(strstr(message, row->default_value)); /* the embedded adapter is among the known ones */
        snprintf(url, sizeof(url), "%ssecret", row->default_value);
        assert_int_equal(open_port((enum port)port, url), ERR_INVALID);
        assert_non_null(strstr(message, row->name));
        assert_null(strstr(message, "secret"));
    }
}

/* -- What two settings say together -------------------------------------------------------------------------------- */

static struct config *configure(char *sql, char *events)
{
    static const struct config_row *const tables[] = {port_settings, NULL};
    char *const environment[] = {sql, events, NULL};
    struct config *config = NULL;

    if (config_load(tables, NULL, environment, message, &config) < 0)
        fail_msg("%s", message);
    return config;
}

static void test_port__kafka_goes_with_postgres_alone(void **state)
{
    (void)state;
    struct config *config =
        configure((char[]){"SHOPSTREAM_SQL_URL=sqlite:"}, (char[]){"SHOPSTREAM_EVENTS_URL=kafka://a:1"});
    assert_int_equal(port_settings_check(config, message), ERR_INVALID);
    assert_non_null(strstr(message, "SHOPSTREAM_SQL_URL is sqlite:"));
    config_free(config);
    config = configure((char[]){"SHOPSTREAM_SQL_URL=postgres://a/b"}, (char[]){"SHOPSTREAM_EVENTS_URL=kafka://a:1"});
    assert_int_equal(port_settings_check(config, message), 0);
    config_free(config);
    config = configure((char[]){"SHOPSTREAM_SQL_URL=sqlite:"}, (char[]){"SHOPSTREAM_EVENTS_URL=sql:"});
    assert_int_equal(port_settings_check(config, message), 0);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_port__the_scheme_finds_the_row),
        cmocka_unit_test(test_port__an_unknown_scheme_names_the_known_ones),
        cmocka_unit_test(test_port__what_nobody_reads_is_refused),
        cmocka_unit_test(test_port__every_port_refuses_what_it_does_not_know),
        cmocka_unit_test(test_port__kafka_goes_with_postgres_alone),
    };

    return cmocka_run_group_tests_name("port", tests, NULL, NULL);
}
