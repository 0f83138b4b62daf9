/* What only the bus by Kafka has: partitions that processes share, engines that die on the way, records that are no
 * events, a log that does not reach back. Whatever happens, each event takes effect once, those of a key in order. */
#include "platform/base/buf.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events_kafka.h"
#include "platform/ports/events/test_bus.h"
#include "platform/ports/events/test_events_conformance.sql.h"

#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MAX_NS (120 * CLOCK_NS_PER_S)
#define PARTITIONS 4
#define KEYS 20
#define TOPIC "shop.events"

/* -- A shop, and those who follow it ------------------------------------------------------------------------------- */

struct fixture {
    char folder[TEST_FOLDER_BYTES];
    char url[TEST_BUS_URL_BYTES];
    struct test_place shop_place, follower_place;
    struct sql_db *shop, *follower;
    int published; /* events; the next one's number */
};

/* A process of the group. */
struct side {
    struct fixture *f;
    struct event_bus *bus;
    atomic_int handled[PARTITIONS];
    int die_in_handler, die_after_commit; /* at that event; 0: never */
    int handled_count;
    const char *fail_key;
    int64_t *took_ns; /* of each event, whose payload is when it was published */
};

static void die(bool committed, void *argument)
{
    (void)argument;
    if (committed)
        raise(SIGKILL);
}

static int handle(void *context, struct sql_tx *tx, const struct event *event, struct problem *ret_problem)
{
    struct side *side = context;
    TRY(sql_exec(tx, &events_sql_test_insert_effect,
                 SQL_ARGS(sql_int(event->offset), sql_text(event->key), sql_text(event->payload)), NULL));
    int64_t published_ns;
    if (side->took_ns && str_to_int64(event->payload, &published_ns) == 0)
        side->took_ns[side->handled_count] = clock_monotonic_ns() - published_ns;
    side->handled[event->offset % KAFKA_PARTITIONS_MAX]++;
    side->handled_count++;
    if (side->handled_count == side->die_in_handler)
        raise(SIGKILL);
    if (side->handled_count == side->die_after_commit)
        TRY(sql_tx_on_commit(tx, die, NULL));
    if (side->fail_key && str_equal_cstr(event->key, side->fail_key))
        return problem_set(ret_problem, ERR_CONFLICT, "planted", NULL, "Planted.");
    return 0;
}

static void open_databases(struct fixture *f)
{
    f->shop = test_bus_database(f->folder, "shop");
    f->follower = test_bus_database(f->folder, "follower");
}

static void close_databases(struct fixture *f)
{
    sql_close(f->shop);
    sql_close(f->follower);
}

static void open_side(struct fixture *f, struct side *side)
{
    char message[512];
    side->f = f;
    if (event_bus_open(&side->bus, &(struct port_config){.url = f->url}, message) < 0)
        fail_msg("%s", message);
    assert_int_equal(event_bus_add_source(side->bus, f->shop_place.service, f->shop), 0);
    assert_int_equal(event_bus_add_source(side->bus, f->follower_place.service, f->follower), 0);
    const struct event_consumer consumer = {
        .group = "effects", .topic = TOPIC, .db = f->follower, .run = handle, .context = side};
    assert_int_equal(event_bus_add_consumer(side->bus, &consumer), 0);
    assert_int_equal(event_bus_start(side->bus), 0);
}

static void close_side(struct side *side)
{
    event_bus_stop(side->bus);
    event_bus_free(side->bus);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    test_folder_make(f->folder);
    test_bus_url(f->folder, PARTITIONS, f->url);
    test_place_make(f->folder, "shop", &f->shop_place);
    test_place_make(f->folder, "follower", &f->follower_place);
    open_databases(f);
    test_bus_engine("publish %s %d %s", test_bus_prefix(f->folder), PARTITIONS, f->shop_place.service);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close_databases(f);
    test_bus_engine("forget %s", f->shop_place.service);
    test_folder_remove(f->folder);
    free(f);
    return 0;
}

/* -- Short words --------------------------------------------------------------------------------------------------- */

struct publication {
    int first, count;
    struct str payload; /* empty: the number */
    struct str topic;   /* empty: TOPIC */
};

static int publish_closure(struct sql_tx *tx, void *argument)
{
    const struct publication *p = argument;
    for (int i = p->first; i < p->first + p->count; i++) {
        char key[16], number[32];
        snprintf(key, sizeof(key), "k%d", i % KEYS);
        snprintf(number, sizeof(number), "%d", i);
        const struct event event = {.topic = p->topic.len > 0 ? p->topic : STR(TOPIC),
                                    .type = STR("made"),
                                    .key = str_from_cstr(key),
                                    .tenant = STR("default"),
                                    .payload = p->payload.len > 0 ? p->payload : str_from_cstr(number)};
        TRY(event_append(NULL, tx, &event));
    }
    return 0;
}

/* Each in a transaction of its own; a database that is not there is tried again. */
static void publish(struct fixture *f, int count)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    for (int end = f->published + count; f->published < end;) {
        struct publication one = {.first = f->published, .count = 1};
        if (sql_write(f->shop, publish_closure, &one) == 0)
            f->published++;
        else
            assert_true(clock_monotonic_ns() < deadline_ns);
    }
}

static void settle(struct side *side)
{
    assert_true(event_bus_settle(side->bus, clock_monotonic_ns() + WAIT_MAX_NS));
}

struct effects {
    int64_t count;
    int64_t last[KEYS]; /* number of each key */
    bool is_ordered;
};

static int effects_closure(struct sql_tx *tx, void *argument)
{
    struct effects *effects = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    *effects = (struct effects){.is_ordered = true};
    memset(effects->last, 0xFF, sizeof(effects->last));
    TRY(sql_query(tx, &events_sql_test_list_effects, SQL_NO_ARGS, &rows));
    int found;
    while ((found = sql_next(rows)) == 1) {
        int64_t number;
        TRY(str_to_int64(sql_get_text(rows, 2), &number));
        int64_t *last = &effects->last[number % KEYS];
        effects->is_ordered &= number > *last;
        *last = number;
        effects->count++;
    }
    return found;
}

/* Growing numbers in each key, and as many as were published: none is missing and none came twice. */
static void assert_all_once(struct fixture *f)
{
    struct effects effects;
    assert_int_equal(sql_read(f->follower, effects_closure, &effects), 0);
    assert_int_equal(effects.count, f->published);
    assert_true(effects.is_ordered);
}

static int count_closure(struct sql_tx *tx, void *argument)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &events_sql_test_count_effects, SQL_NO_ARGS, &rows));
    *(int64_t *)argument = sql_get_int(rows, 0);
    return 0;
}

static int64_t count_effects(struct fixture *f)
{
    int64_t count = 0;
    assert_int_equal(sql_read(f->follower, count_closure, &count), 0);
    return count;
}

/* What the group's topic of dead letters holds, as kcat shows it. */
static void read_dead_letters(struct fixture *f, struct buf *to)
{
    char command[600], line[4000];
    snprintf(command, sizeof(command), "kcat -b %s -C -e -q -t %s%s.%s.effects.dead -f '%%k|%%s|%%h\\n'",
             getenv(TEST_KAFKA_VARIABLE) + strlen("kafka://"), test_bus_prefix(f->folder), TOPIC,
             f->follower_place.service);
    FILE *pipe = popen(command, "r");
    while (pipe && fgets(line, sizeof(line), pipe))
        buf_append(to, str_from_cstr(line));
    assert_int_equal(pclose(pipe), 0);
}

/* -- Partitions ---------------------------------------------------------------------------------------------------- */

static int count_partitions(struct side *side)
{
    int count = 0;
    for (int i = 0; i < PARTITIONS; i++)
        count += side->handled[i] > 0;
    return count;
}

static void forget_counts(struct side *side)
{
    for (int i = 0; i < PARTITIONS; i++)
        side->handled[i] = 0;
}

static bool is_shared_evenly(struct side *first, struct side *second)
{
    bool is_shared = count_partitions(first) == PARTITIONS / 2 && count_partitions(second) == PARTITIONS / 2;
    for (int i = 0; i < PARTITIONS; i++)
        is_shared &= (first->handled[i] > 0) != (second->handled[i] > 0);
    return is_shared;
}

/* One has all partitions; two have half of them each; and what one leaves the other takes. */
static void test_events_kafka__processes_share_the_partitions(void **state)
{
    struct fixture *f = *state;
    struct side first = {0}, second = {0};
    open_side(f, &first);
    publish(f, 4 * KEYS);
    settle(&first);
    assert_int_equal(count_partitions(&first), PARTITIONS);
    open_side(f, &second);
    for (int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS; !is_shared_evenly(&first, &second);) {
        assert_true(clock_monotonic_ns() < deadline_ns);
        forget_counts(&first);
        forget_counts(&second);
        publish(f, 4 * KEYS);
        settle(&first);
    }
    publish(f, 4 * KEYS);
    close_side(&first);
    settle(&second);
    close_side(&second);
    assert_all_once(f);
}

/* -- Deaths -------------------------------------------------------------------------------------------------------- */

/* A process that dies before its effects are committed, and one that dies before Kafka hears of it. */
static void test_events_kafka__a_consumer_may_die_at_either_side_of_the_commit(void **state)
{
    struct fixture *f = *state;
    publish(f, 3 * KEYS);
    close_databases(f); /* no connection goes into a child */
    for (int i = 0; i < 4; i++) {
        int status;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct side side = {.die_in_handler = i % 2 ? 0 : 3, .die_after_commit = i % 2 ? 3 : 0};
            open_databases(f);
            open_side(f, &side);
            for (;;)
                task_sleep_ms(1000);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    struct side side = {0};
    open_databases(f);
    open_side(f, &side);
    publish(f, KEYS);
    settle(&side);
    close_side(&side);
    assert_all_once(f);
}

static void kill_and_start(struct fixture *f, const char *engine)
{
    struct side side = {0};
    open_side(f, &side);
    publish(f, KEYS);
    settle(&side);
    publish(f, KEYS); /* on their way */
    test_bus_engine("kill %s", engine);
    if (strcmp(engine, "postgres") != 0)
        publish(f, 2 * KEYS);
    test_bus_engine("start %s", engine);
    int64_t back_ns = clock_monotonic_ns();
    publish(f, 2 * KEYS);
    settle(&side);
    print_message("%s was killed; all is handled %lld ms after it was back\n", engine,
                  (long long)((clock_monotonic_ns() - back_ns) / CLOCK_NS_PER_MS));
    assert_true(clock_monotonic_ns() - back_ns < 30 * CLOCK_NS_PER_S);
    close_side(&side);
    assert_all_once(f);
}

static void test_events_kafka__kafka_may_die(void **state)
{
    kill_and_start(*state, "kafka");
}

static void test_events_kafka__connect_may_die(void **state)
{
    kill_and_start(*state, "connect");
}

static void test_events_kafka__postgres_may_die(void **state)
{
    kill_and_start(*state, "postgres");
}

/* A process that is cut off long enough that another takes its partitions, and comes back with events in hand. */
static void test_events_kafka__who_was_cut_off_does_nothing_twice(void **state)
{
    struct fixture *f = *state;
    int status;
    publish(f, KEYS);
    close_databases(f);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct side side = {0};
        open_databases(f);
        open_side(f, &side);
        for (;;)
            task_sleep_ms(1000);
    }
    open_databases(f);
    while (count_effects(f) < KEYS)
        task_sleep_ms(20);
    publish(f, 5 * KEYS);
    assert_int_equal(kill(child, SIGSTOP), 0);
    publish(f, KEYS);
    struct side side = {0};
    open_side(f, &side);
    settle(&side); /* once the group has given the partitions away */
    assert_int_equal(kill(child, SIGCONT), 0);
    publish(f, 2 * KEYS);
    settle(&side);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    publish(f, KEYS);
    settle(&side);
    close_side(&side);
    assert_all_once(f);
}

/* -- What the log may hold ----------------------------------------------------------------------------------------- */

static rd_kafka_t *client_new(rd_kafka_type_t type)
{
    char message[512];
    struct kafka_settings settings;
    assert_int_equal(kafka_settings_parse(getenv(TEST_KAFKA_VARIABLE), &settings, message), 0);
    rd_kafka_t *client = rd_kafka_new(type, kafka_conf_new(&settings, message), message, sizeof(message));
    assert_non_null(client);
    return client;
}

static void produce_stranger(struct fixture *f, int partition)
{
    char topic[100];
    rd_kafka_t *client = client_new(RD_KAFKA_PRODUCER);
    snprintf(topic, sizeof(topic), "%s%s", test_bus_prefix(f->folder), TOPIC);
    assert_int_equal(rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                       RD_KAFKA_V_KEY("who", 3), RD_KAFKA_V_VALUE((void *)(uintptr_t) "\xff\xfe", 2),
                                       RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(client, 10000), 0);
    rd_kafka_destroy(client);
}

/* What is no event, and what no attempt could handle, is among the dead letters; the latter in quarantine as well. */
static void test_events_kafka__dead_letters_are_kept_and_the_others_go_on(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_free) struct buf letters = BUF(65536);
    struct side side = {.fail_key = "k7"};
    open_side(f, &side);
    publish(f, KEYS);
    settle(&side);
    for (int i = 0; i < PARTITIONS; i++)
        produce_stranger(f, i);
    side.fail_key = NULL;
    publish(f, KEYS);
    settle(&side);
    close_side(&side);
    assert_int_equal(count_effects(f), 2 * KEYS - 1);
    read_dead_letters(f, &letters);
    buf_append(&letters, str_from("", 1));
    assert_int_equal(buf_error(&letters), 0);
    const char *text = buf_str(&letters).ptr;
    int strangers = 0;
    for (const char *at = text; (at = strstr(at, "who|")); at++)
        strangers++;
    assert_int_equal(strangers, PARTITIONS);
    assert_non_null(strstr(text, "dead_detail=it is no CloudEvent"));
    assert_non_null(strstr(text, "k7|7|"));
    assert_non_null(strstr(text, "dead_detail=Planted."));
    assert_non_null(strstr(text, "dead_error=err_conflict"));
    assert_non_null(strstr(text, "ce_type=made"));
}

static void test_events_kafka__the_longest_event_comes_through(void **state)
{
    struct fixture *f = *state;
    struct side side = {0};
    char *payload = malloc(EVENT_PAYLOAD_BYTES_MAX);
    memset(payload, '7', EVENT_PAYLOAD_BYTES_MAX);
    struct publication longest = {.count = 1, .payload = str_from(payload, EVENT_PAYLOAD_BYTES_MAX)};
    open_side(f, &side);
    assert_int_equal(sql_write(f->shop, publish_closure, &longest), 0);
    settle(&side);
    close_side(&side);
    assert_int_equal(count_effects(f), 1);
    free(payload);
}

/* Kafka threw away what the group had not read: that is told, and what there is goes on. */
static void test_events_kafka__a_log_that_does_not_reach_back_is_gone_on_with(void **state)
{
    struct fixture *f = *state;
    struct side side = {0};
    char topic[100];
    open_side(f, &side);
    publish(f, KEYS);
    settle(&side);
    close_side(&side);
    publish(f, KEYS);
    rd_kafka_t *client = client_new(RD_KAFKA_PRODUCER);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    snprintf(topic, sizeof(topic), "%s%s", test_bus_prefix(f->folder), TOPIC);
    for (int64_t total = 0, low, high; total < 2 * KEYS; task_sleep_ms(20)) {
        total = 0;
        for (int i = 0; i < PARTITIONS; i++) {
            assert_int_equal(rd_kafka_query_watermark_offsets(client, topic, i, &low, &high, 10000), 0);
            total += high;
        }
    }
    for (int i = 0; i < PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_END;
    rd_kafka_DeleteRecords_t *deletion = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(client, &deletion, 1, NULL, queue);
    rd_kafka_event_t *answer = rd_kafka_queue_poll(queue, 10000);
    assert_int_equal(rd_kafka_event_error(answer), 0);
    rd_kafka_event_destroy(answer);
    rd_kafka_DeleteRecords_destroy(deletion);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    struct side later = {0};
    open_side(f, &later);
    publish(f, KEYS);
    for (int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS; count_effects(f) < 2 * KEYS; task_sleep_ms(20))
        assert_true(clock_monotonic_ns() < deadline_ns);
    close_side(&later);
    assert_int_equal(count_effects(f), 2 * KEYS);
}

/* -- Trimming ------------------------------------------------------------------------------------------------------ */

static int64_t trim(struct side *side, const char *service)
{
    int64_t deleted = -1;
    assert_int_equal(event_bus_trim(side->bus, service, clock_wall_ms() + 3600000, &deleted), 0);
    return deleted;
}

/* A row may go once Kafka has the event, whoever has yet to handle it; never where nobody publishes. */
static void test_events_kafka__what_is_in_kafka_may_go(void **state)
{
    struct fixture *f = *state;
    struct side side = {0};
    struct publication unpublished = {.count = 5, .topic = STR("other.events")};
    open_side(f, &side);
    publish(f, 5);
    assert_int_equal(sql_write(f->follower, publish_closure, &unpublished), 0);
    assert_int_equal(trim(&side, f->shop_place.service), 0); /* looks */
    int64_t deleted = 0;
    for (int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS; deleted < 5; task_sleep_ms(50)) {
        assert_true(clock_monotonic_ns() < deadline_ns);
        deleted += trim(&side, f->shop_place.service);
        assert_int_equal(trim(&side, f->follower_place.service), 0);
    }
    assert_int_equal(deleted, 5);
    publish(f, 5);
    settle(&side);
    close_side(&side);
    assert_all_once(f);
}

/* -- How long it takes --------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
    return (first > second) - (first < second);
}

/* From before its insertion to its handler, one by one; and how many a second come through when many are there. The bar
 * is far off: other people's load shall not fail it. */
static void test_events_kafka__an_event_arrives_soon(void **state)
{
    enum { SINGLE = 400, EACH = 100, MANY = 5000 };
    static int64_t took_ns[SINGLE + MANY];
    struct fixture *f = *state;
    struct side side = {.took_ns = took_ns};
    open_side(f, &side);
    publish(f, KEYS);
    settle(&side);
    side.handled_count = 0;
    for (int i = 0; i < SINGLE; i++) {
        char now[24];
        snprintf(now, sizeof(now), "%lld", (long long)clock_monotonic_ns());
        struct publication one = {.first = i, .count = 1, .payload = str_from_cstr(now)};
        assert_int_equal(sql_write(f->shop, publish_closure, &one), 0);
        task_sleep_ms(10);
    }
    settle(&side);
    qsort(took_ns, SINGLE, sizeof(*took_ns), compare);
    int64_t started_ns = clock_monotonic_ns();
    for (int i = 0; i < MANY; i += EACH) {
        struct publication many = {.first = i, .count = EACH, .payload = STR("0")};
        assert_int_equal(sql_write(f->shop, publish_closure, &many), 0);
    }
    settle(&side);
    int64_t all_ms = (clock_monotonic_ns() - started_ns) / CLOCK_NS_PER_MS;
    close_side(&side);
    int64_t median_us = took_ns[SINGLE / 2] / 1000, p95_us = took_ns[SINGLE * 95 / 100] / 1000;
    print_message("inserted to handled: median %lld.%lld ms, 95 of 100 within %lld.%lld ms; %lld events a second\n",
                  (long long)median_us / 1000, (long long)median_us / 100 % 10, (long long)p95_us / 1000,
                  (long long)p95_us / 100 % 10, (long long)MANY * 1000 / (all_ms ? all_ms : 1));
    assert_true(p95_us < 1000000);
}

/* The argument is the name of those to run, with a * for any: all of them without. */
int main(int count, char **arguments)
{
#define CASE(name) cmocka_unit_test_setup_teardown(test_events_kafka__##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(processes_share_the_partitions),
        CASE(a_consumer_may_die_at_either_side_of_the_commit),
        CASE(who_was_cut_off_does_nothing_twice),
        CASE(dead_letters_are_kept_and_the_others_go_on),
        CASE(the_longest_event_comes_through),
        CASE(a_log_that_does_not_reach_back_is_gone_on_with),
        CASE(what_is_in_kafka_may_go),
        CASE(an_event_arrives_soon),
        CASE(connect_may_die),
        CASE(kafka_may_die),
        CASE(postgres_may_die),
    };
    if (!test_bus_is_kafka()) {
        fprintf(stderr, "no Kafka: tests/engines/kafka runs this\n");
        return 1;
    }
    if (count > 1)
        cmocka_set_test_filter(arguments[1]);
    return cmocka_run_group_tests_name("kafka", tests, NULL, NULL);
}
