/* Proves, without a broker, how the URL of Kafka is read, and how the offsets of all partitions are kept in one number.
 */
#include "platform/ports/events/events_kafka.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* -- The URL ------------------------------------------------------------------------------------------------------- */

static struct kafka_settings parsed;
static char message[512];

static int parse(const char *url)
{
    message[0] = '\0';
    return kafka_settings_parse(url, &parsed, message);
}

static void test_events_kafka_words__a_url_says_where_and_how(void **state)
{
    (void)state;
    assert_int_equal(parse("kafka://127.0.0.1:9092"), 0);
    assert_string_equal(parsed.brokers, "127.0.0.1:9092");
    assert_string_equal(parsed.prefix, "");
    assert_int_equal(parsed.partitions, KAFKA_PARTITIONS);
    assert_int_equal(parsed.replicas, -1);
    assert_false(parsed.has_tls);
    assert_int_equal(parse("kafka://me:p%40ss%2Fword@a.example:1,[::1]:65535/?prefix=shop-a.&partitions=1024&replicas=3"
                           "&tls=on&authorities=/etc/ca.pem"),
                     0);
    assert_string_equal(parsed.brokers, "a.example:1,[::1]:65535");
    assert_string_equal(parsed.user, "me");
    assert_string_equal(parsed.password, "p@ss/word");
    assert_string_equal(parsed.prefix, "shop-a.");
    assert_int_equal(parsed.partitions, 1024);
    assert_int_equal(parsed.replicas, 3);
    assert_true(parsed.has_tls);
    assert_string_equal(parsed.authorities, "/etc/ca.pem");
}

static void test_events_kafka_words__what_is_wrong_is_said_without_the_password(void **state)
{
    static const char *const urls[] = {
        "kafka:",
        "kafka://",
        "kafka://me:secret@",
        "kafka://me:secret@host",
        "kafka://me:secret@host:0",
        "kafka://me:secret@host:65536",
        "kafka://me:secret@:9092",
        "kafka://me:secret@localhost:1,",
        "kafka://me:secret@localhost:1,,localhost:2",
        "kafka://me:secret@localhost:1/topic",
        "kafka://secret@localhost:1",
        "kafka://:secret@localhost:1",
        "kafka://me:@localhost:1",
        "kafka://me:secret%@localhost:1",
        "kafka://me:secret%0@localhost:1",
        "kafka://me:secret%00@localhost:1",
        "kafka://me:secret@localhost:1?partitions=0",
        "kafka://me:secret@localhost:1?partitions=1025",
        "kafka://me:secret@localhost:1?partitions=",
        "kafka://me:secret@localhost:1?replicas=0",
        "kafka://me:secret@localhost:1?prefix=a/b",
        "kafka://me:secret@localhost:1?prefix=0123456789012345678901234567890123456789012345678901234567890123",
        "kafka://me:secret@localhost:1?tls=yes",
        "kafka://me:secret@localhost:1?authorities=/x",
        "kafka://me:secret@localhost:1?tls=on&authorities=",
        "kafka://me:secret@localhost:1?acks=0",
        "kafka://me:secret@kafka.example:1",
        "kafka://me:secret@localhost:1,kafka.example:1",
        "kafka://me:secret@kafka.example:1?tls=off",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        if (parse(urls[i]) != ERR_INVALID)
            fail_msg("%s", urls[i]);
        assert_non_null(strstr(message, "SHOPSTREAM_EVENTS_URL"));
        assert_null(strstr(message, "secret"));
    }
}

static void test_events_kafka_words__clients_take_what_it_says(void **state)
{
    char value[100];
    size_t size = sizeof(value);

    (void)state;
    assert_int_equal(parse("kafka://me:secret@localhost:1?tls=on"), 0);
    rd_kafka_conf_t *conf = kafka_conf_new(&parsed, message);
    assert_non_null(conf);
    assert_int_equal(rd_kafka_conf_get(conf, "security.protocol", value, &size), RD_KAFKA_CONF_OK);
    assert_string_equal(value, "sasl_ssl");
    rd_kafka_conf_destroy(conf);
}

static void test_events_kafka_words__the_sandbox_is_told_what_it_reaches(void **state)
{
    struct event_reach reach;

    (void)state;
    assert_int_equal(
        event_bus_get_reach("kafka://me:p%3A9@a.example:9192,[::1]:9193?prefix=x.&tls=on&authorities=/ca.pem", &reach,
                            message),
        0);
    assert_int_equal(reach.port_count, 2);
    assert_int_equal(reach.ports[0], 9192);
    assert_int_equal(reach.ports[1], 9193);
    assert_string_equal(reach.file, "/ca.pem");
    assert_int_equal(event_bus_get_reach("sql:", &reach, message), 0);
    assert_int_equal(reach.port_count, 0);
    assert_string_equal(reach.file, "");
    assert_int_equal(event_bus_get_reach("kafka://", &reach, message), ERR_INVALID);
}

/* -- Offsets ------------------------------------------------------------------------------------------------------- */

/* A position is that of an event, or the one before it; what comes next is in the same partition. */
static void test_events_kafka_words__offsets_of_partitions_are_one_number(void **state)
{
    static const int32_t partitions[] = {0, 1, 7, KAFKA_PARTITIONS_MAX - 1};
    static const int64_t offsets[] = {0, 1, 1023, INT64_C(1) << 40};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(kafka_next_of(partitions[i], 0), 0);
        for (size_t j = 0; j < 4; j++) {
            int64_t offset = kafka_offset_of(partitions[i], offsets[j]);
            assert_int_equal(offset % KAFKA_PARTITIONS_MAX, partitions[i]);
            assert_true(offset < kafka_offset_of(partitions[i], offsets[j] + 1));
            assert_int_equal(kafka_next_of(partitions[i], offset), offsets[j] + 1);
            assert_int_equal(kafka_next_of(partitions[i], offset - 1), offsets[j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_kafka_words__a_url_says_where_and_how),
        cmocka_unit_test(test_events_kafka_words__what_is_wrong_is_said_without_the_password),
        cmocka_unit_test(test_events_kafka_words__clients_take_what_it_says),
        cmocka_unit_test(test_events_kafka_words__the_sandbox_is_told_what_it_reaches),
        cmocka_unit_test(test_events_kafka_words__offsets_of_partitions_are_one_number),
    };
    return cmocka_run_group_tests_name("events_kafka_words", tests, NULL, NULL);
}
