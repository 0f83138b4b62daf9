/* The conformance suite of the events port, written against events.h alone: what was committed reaches every consumer
 * in order and takes effect once, whatever fails between. It runs alone and behind the decorator, against the embedded
 * bus and (tests/engines/kafka) that of Kafka, there with one partition a topic: one order for all keys. */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/events/events_faulty.h"
#include "platform/ports/events/test_bus.h"
#include "platform/ports/events/test_events_conformance.sql.h"
#include "platform/ports/random/random.h"
#include "platform/ports/test_fault.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MAX_NS (60 * CLOCK_NS_PER_S)

/* -- A shop and its follower --------------------------------------------------------------------------------------- */

struct fixture {
    char folder[TEST_FOLDER_BYTES];
    char url[TEST_BUS_URL_BYTES];
    char message[512];
    struct test_place shop_place, follower_place;
    struct sql_db *shop, *follower;
    struct event_bus *bus;
    struct fault_plan *faults; /* NULL without the decorator */
    const char *const *types;

    /* The handler fails on this key, that many times. */
    const char *fail_key;
    atomic_int fail_count;
    int fail_error;
    atomic_int attempts; /* of that key */
    bool republish;      /* the handler publishes what it saw in the follower's own log */

    atomic_int told;       /* listener's calls */
    atomic_int told_whole; /* with an empty key */
};

static int handle(void *context, struct sql_tx *tx, const struct event *event, struct problem *ret_problem)
{
    struct fixture *f = context;
    /* The effect comes before the failure: what a failed attempt wrote must not stay. */
    TRY(sql_exec(tx, &events_sql_test_insert_effect,
                 SQL_ARGS(sql_int(event->offset), sql_text(event->key), sql_text(event->payload)), NULL));
    if (f->fail_key && str_equal_cstr(event->key, f->fail_key)) {
        f->attempts++;
        if (f->fail_count > 0) {
            f->fail_count--;
            return problem_set(ret_problem, f->fail_error, "planted", NULL, "Planted.");
        }
    }
    if (f->republish) {
        struct event next = {.topic = STR("echo.events"),
                             .type = STR("echoed"),
                             .key = event->key,
                             .tenant = event->tenant,
                             .payload = event->payload};
        return event_append(f->bus, tx, &next);
    }
    return 0;
}

static int swallow(void *context, struct sql_tx *tx, const struct event *event, struct problem *ret_problem)
{
    (void)context;
    (void)ret_problem;
    return sql_exec(tx, &events_sql_test_insert_effect,
                    SQL_ARGS(sql_int(-event->offset), sql_text(event->key), sql_cstr("echo")), NULL);
}

static void listen(void *context, const struct event *event)
{
    struct fixture *f = context;
    assert_true(event->topic.len > 0);
    f->told++;
    f->told_whole += event->key.len == 0;
}

static void open_bus(struct fixture *f)
{
    f->shop = test_bus_database(f->folder, "shop");
    f->follower = test_bus_database(f->folder, "follower");
    if (event_bus_open(&f->bus, &(struct port_config){.url = f->url}, f->message) < 0)
        fail_msg("%s", f->message);
    assert_int_equal(event_bus_faulty_wrap(&f->bus, f->faults), 0);
    assert_int_equal(event_bus_add_source(f->bus, f->shop_place.service, f->shop), 0);
    assert_int_equal(event_bus_add_source(f->bus, f->follower_place.service, f->follower), 0);
    struct event_consumer consumer = {.group = "effects",
                                      .source = f->shop_place.service,
                                      .topic = "shop.events",
                                      .types = f->types,
                                      .db = f->follower,
                                      .run = handle,
                                      .context = f};
    assert_int_equal(event_bus_add_consumer(f->bus, &consumer), 0);
    assert_int_equal(event_bus_add_consumer(f->bus, &consumer), ERR_CONFLICT);
    struct event_consumer echo = {
        .group = "echo", .source = f->follower_place.service, .topic = "echo.events", .db = f->shop, .run = swallow};
    assert_int_equal(event_bus_add_consumer(f->bus, &echo), 0);
    assert_int_equal(events_on_commit(f->bus, listen, f), 0);
    assert_int_equal(event_bus_start(f->bus), 0);
}

static void close_bus(struct fixture *f)
{
    event_bus_stop(f->bus);
    sql_close(f->shop);
    sql_close(f->follower);
    event_bus_free(f->bus);
    f->bus = NULL;
}

static bool is_decorated; /* the suite runs once without the decorator, and once behind it */

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->faults = is_decorated ? fault_plan_new() : NULL;
    test_folder_make(f->folder);
    test_bus_url(f->folder, 1, f->url);
    test_place_make(f->folder, "shop", &f->shop_place);
    test_place_make(f->folder, "follower", &f->follower_place);
    if (test_bus_is_kafka()) {
        sql_close(test_bus_database(f->folder, "shop")); /* the connectors want the tables */
        sql_close(test_bus_database(f->folder, "follower"));
        test_bus_engine("publish %s 1 %s %s", test_bus_prefix(f->folder), f->shop_place.service,
                        f->follower_place.service);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->bus)
        close_bus(f);
    if (test_bus_is_kafka())
        test_bus_engine("forget %s %s", f->shop_place.service, f->follower_place.service);
    test_folder_remove(f->folder);
    fault_plan_free(f->faults);
    free(f);
    return 0;
}

/* -- Short words --------------------------------------------------------------------------------------------------- */

struct publication {
    struct fixture *f;
    int first, count; /* keys "k<first>" and on */
    const char *topic, *type;
    int result; /* of the closure */
};

static int publish_closure(struct sql_tx *tx, void *argument)
{
    struct publication *p = argument;
    for (int i = p->first; i < p->first + p->count; i++) {
        char key[16], payload[32];
        snprintf(key, sizeof(key), "k%d", i);
        snprintf(payload, sizeof(payload), "{\"n\":%d}", i);
        struct event event = {.topic = str_from_cstr(p->topic),
                              .type = str_from_cstr(p->type),
                              .key = str_from_cstr(key),
                              .tenant = STR("default"),
                              .payload = str_from_cstr(payload)};
        TRY(event_append(p->f->bus, tx, &event));
    }
    return p->result;
}

/* One transaction of count events. */
static int publish(struct fixture *f, int first, int count)
{
    struct publication p = {f, first, count, "shop.events", "made", 0};
    return sql_write(f->shop, publish_closure, &p);
}

static void settle(struct fixture *f)
{
    assert_true(event_bus_settle(f->bus, clock_monotonic_ns() + WAIT_MAX_NS));
}

struct effects {
    struct arena *arena;
    char keys[1024]; /* "k0 k1 …", in the order of effect */
    int64_t count, distinct;
};

static int effects_closure(struct sql_tx *tx, void *argument)
{
    struct effects *effects = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &events_sql_test_list_effects, SQL_NO_ARGS, &rows));
    int found;
    size_t used = 0;
    while ((found = sql_next(rows)) == 1) {
        struct str key = sql_get_text(rows, 1);
        if (used + key.len + 2 < sizeof(effects->keys))
            used += (size_t)snprintf(effects->keys + used, sizeof(effects->keys) - used, "%s%.*s", used ? " " : "",
                                     STR_FORMAT(key));
    }
    return found;
}

static int count_closure(struct sql_tx *tx, void *argument)
{
    struct effects *effects = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &events_sql_test_count_effects, SQL_NO_ARGS, &rows));
    effects->count = sql_get_int(rows, 0);
    effects->distinct = sql_get_int(rows, 1);
    return effects_closure(tx, effects);
}

static struct effects effects_in(struct sql_db *db)
{
    struct effects effects = {0};
    assert_int_equal(sql_read(db, count_closure, &effects), 0);
    return effects;
}

struct outbox {
    int64_t count, first;
};

static int outbox_closure(struct sql_tx *tx, void *argument)
{
    struct outbox *outbox = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(tx, &events_sql_test_count_outbox, SQL_NO_ARGS, &rows));
    outbox->count = sql_get_int(rows, 0);
    outbox->first = sql_get_int(rows, 1);
    return 0;
}

struct quarantine {
    struct arena *arena;
    struct quarantined_event *events;
    size_t count;
};

static int quarantine_closure(struct sql_tx *tx, void *argument)
{
    struct quarantine *q = argument;
    return event_quarantine_list(tx, q->arena, STR_EMPTY, STR_EMPTY, 0, 10, &q->events, &q->count);
}

/* Free the arena. */
static struct quarantine quarantined(struct fixture *f)
{
    struct quarantine q = {.arena = arena_new((size_t)1 << 20)};
    assert_int_equal(sql_read(f->follower, quarantine_closure, &q), 0);
    return q;
}

/* -- Delivery ------------------------------------------------------------------------------------------------------ */

static void test_events__take_effect_once_in_order(void **state)
{
    struct fixture *f = *state;
    open_bus(f);
    assert_int_equal(publish(f, 0, 3), 0);
    assert_int_equal(publish(f, 3, 2), 0);
    settle(f);
    struct effects effects = effects_in(f->follower);
    assert_string_equal(effects.keys, "k0 k1 k2 k3 k4");
    assert_int_equal(effects.distinct, 5);
}

/* The listener has been told when the write is acknowledged: what it invalidates is gone before anybody asks again. */
static void test_events__listeners_hear_before_the_acknowledgement(void **state)
{
    struct fixture *f = *state;
    open_bus(f);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(publish(f, i, 1), 0);
        assert_int_equal(f->told, i + 1);
    }
    assert_int_equal(f->told_whole, 0);
    assert_int_equal(publish(f, 0, EVENT_NOTICES_MAX + 100), 0);
    assert_int_equal(f->told, 50 + EVENT_NOTICES_MAX + 1);
    assert_int_equal(f->told_whole, 1);
    settle(f);
}

static void test_events__of_a_rolled_back_write_never_were(void **state)
{
    struct fixture *f = *state;
    open_bus(f);
    struct publication p = {f, 0, 2, "shop.events", "made", ERR_CONFLICT};
    assert_int_equal(sql_write(f->shop, publish_closure, &p), ERR_CONFLICT);
    assert_int_equal(publish(f, 7, 1), 0);
    settle(f);
    assert_string_equal(effects_in(f->follower).keys, "k7");
    assert_int_equal(f->told, 1);
}

static void test_events__only_wanted_topics_and_types_are_handled(void **state)
{
    struct fixture *f = *state;
    static const char *const types[] = {"made", "sold", NULL};
    f->types = types;
    open_bus(f);
    struct publication others[] = {{f, 0, 500, "shop.events", "broken", 0},
                                   {f, 1, 700, "other.events", "made", 0},
                                   {f, 2, 1, "shop.events", "sold", 0},
                                   {f, 3, 300, "other.events", "sold", 0}};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(sql_write(f->shop, publish_closure, &others[i]), 0);
    settle(f);
    assert_string_equal(effects_in(f->follower).keys, "k2");
    close_bus(f);
    open_bus(f);
    settle(f);
    assert_string_equal(effects_in(f->follower).keys, "k2");
}

/* What a handler publishes is part of its effect, and goes on to its own consumers. */
static void test_events__a_handler_may_publish(void **state)
{
    struct fixture *f = *state;
    f->republish = true;
    f->fail_key = "k1";
    f->fail_count = 1;
    f->fail_error = ERR_INTERNAL;
    open_bus(f);
    assert_int_equal(publish(f, 0, 3), 0);
    settle(f);
    assert_string_equal(effects_in(f->follower).keys, "k0 k1 k2");
    assert_string_equal(effects_in(f->shop).keys, "k0 k1 k2");
}

/* -- Failures ------------------------------------------------------------------------------------------------------ */

static void test_events__a_failed_one_is_retried_and_later_ones_wait(void **state)
{
    struct fixture *f = *state;
    f->fail_key = "k2";
    f->fail_count = EVENT_ATTEMPTS_MAX - 1;
    f->fail_error = ERR_CONFLICT;
    open_bus(f);
    assert_int_equal(publish(f, 0, 5), 0);
    settle(f);
    assert_string_equal(effects_in(f->follower).keys, "k0 k1 k2 k3 k4");
    struct quarantine q = quarantined(f);
    assert_int_equal(q.count, 0);
    arena_free(q.arena);
}

static void test_events__a_poisoned_one_is_quarantined_and_can_be_replayed(void **state)
{
    struct fixture *f = *state;
    f->fail_key = "k2";
    f->fail_count = 1000;
    f->fail_error = ERR_CONFLICT;
    open_bus(f);
    assert_int_equal(publish(f, 0, 5), 0);
    settle(f);
    assert_string_equal(effects_in(f->follower).keys, "k0 k1 k3 k4");
    /* Once more in the batch, which is void. */
    assert_in_range(f->attempts, EVENT_ATTEMPTS_MAX, EVENT_ATTEMPTS_MAX + 1);
    struct quarantine q = quarantined(f);
    assert_int_equal(q.count, 1);
    assert_int_equal(q.events[0].attempts, EVENT_ATTEMPTS_MAX);
    assert_int_equal(q.events[0].error, ERR_CONFLICT);
    assert_true(str_equal_cstr(q.events[0].detail, "Planted."));
    assert_true(str_equal_cstr(q.events[0].event.payload, "{\"n\":2}"));
    assert_true(q.events[0].event.id.len > 0);
    int64_t offset = q.events[0].event.offset;
    struct str shop = q.events[0].event.source;
    assert_true(str_equal_cstr(shop, f->shop_place.service));
    struct problem problem = {0};
    assert_int_equal(event_quarantine_replay(f->bus, f->follower, STR("effects"), shop, offset, &problem),
                     ERR_CONFLICT);
    assert_string_equal(problem.detail, "Planted.");
    f->fail_count = 0;
    assert_int_equal(event_quarantine_replay(f->bus, f->follower, STR("effects"), shop, offset, &problem), 0);
    assert_int_equal(event_quarantine_replay(f->bus, f->follower, STR("effects"), shop, offset, &problem),
                     ERR_NOT_FOUND);
    assert_string_equal(effects_in(f->follower).keys, "k0 k1 k3 k4 k2");
    arena_free(q.arena);
}

/* Attempts are counted in the database: a restart does not begin again. */
static void test_events__attempts_outlive_the_process(void **state)
{
    struct fixture *f = *state;
    f->fail_key = "k0";
    f->fail_count = 1000;
    f->fail_error = ERR_INTERNAL;
    open_bus(f);
    assert_int_equal(publish(f, 0, 2), 0);
    while (f->attempts < 2)
        task_sleep_ms(1);
    close_bus(f);
    open_bus(f);
    settle(f);
    assert_in_range(f->attempts, EVENT_ATTEMPTS_MAX, EVENT_ATTEMPTS_MAX + 1);
    assert_string_equal(effects_in(f->follower).keys, "k1");
}

/* -- Trimming ------------------------------------------------------------------------------------------------------ */

static void test_events__only_what_all_have_passed_is_trimmed(void **state)
{
    struct fixture *f = *state;
    f->fail_key = "k3";
    f->fail_count = 1000000;
    f->fail_error = ERR_CANCELLED; /* nobody's fault: waits for ever */
    open_bus(f);
    assert_int_equal(publish(f, 0, 5), 0);
    while (f->attempts < 3)
        task_sleep_ms(1);
    int64_t deleted;
    assert_int_equal(event_bus_trim(f->bus, f->shop_place.service, clock_wall_ms() - 3600000, &deleted), 0);
    assert_int_equal(deleted, 0);
    assert_int_equal(event_bus_trim(f->bus, f->shop_place.service, clock_wall_ms() + 1000, &deleted), 0);
    assert_int_equal(deleted, 3);
    struct outbox outbox;
    assert_int_equal(sql_read(f->shop, outbox_closure, &outbox), 0);
    assert_int_equal(outbox.count, 2);
    assert_int_equal(outbox.first, 4);
    f->fail_count = 0;
    settle(f);
    assert_string_equal(effects_in(f->follower).keys, "k0 k1 k2 k3 k4");
    assert_int_equal(event_bus_trim(f->bus, "nobody", 0, &deleted), ERR_NOT_FOUND);
}

/* -- Several writers, several processes ---------------------------------------------------------------------------- */

struct late_publication {
    struct publication publication;
    atomic_bool is_appended, may_end;
    struct task *task;
};

static int publish_late_closure(struct sql_tx *tx, void *argument)
{
    struct late_publication *late = argument;
    TRY(publish_closure(tx, &late->publication));
    late->is_appended = true;
    while (!late->may_end)
        task_sleep_ms(1);
    return 0;
}

static void publish_late(void *argument)
{
    struct late_publication *late = argument;
    assert_int_equal(sql_write(late->publication.f->shop, publish_late_closure, late), 0);
}

static uint64_t reads_of(struct sql_db *db)
{
    struct sql_stats stats;
    sql_get_stats(db, &stats);
    return stats.reads;
}

/* Its offset is taken, a later one commits before it, and the consumer looks meanwhile. Only where several write. */
static void test_events__what_commits_late_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct late_publication late = {.publication = {f, 0, 1, "shop.events", "made", 0}};
    open_bus(f);
    assert_int_equal(task_start(&late.task, "test-late", publish_late, &late), 0);
    while (!late.is_appended)
        task_sleep_ms(1);
    assert_int_equal(publish(f, 1, 2), 0);
    for (uint64_t before = reads_of(f->shop); reads_of(f->shop) < before + 10;)
        task_sleep_ms(1);
    late.may_end = true;
    task_join(late.task);
    settle(f);
    assert_string_equal(effects_in(f->follower).keys, "k0 k1 k2");
}

/* An offset that was taken by a write that came to nothing is passed, and nothing waits for what runs elsewhere. */
static void test_events__holes_are_passed(void **state)
{
    struct fixture *f = *state;
    struct publication undone = {f, 7, 2, "shop.events", "made", ERR_DECLINED};
    open_bus(f);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(publish(f, i, 1), 0);
        assert_int_equal(sql_write(f->shop, publish_closure, &undone), ERR_DECLINED);
    }
    assert_int_equal(publish(f, 10, 1), 0);
    settle(f);
    assert_string_equal(effects_in(f->follower).keys, "k0 k1 k2 k3 k4 k5 k6 k7 k8 k9 k10");
}

/* Two consumers of one group, as two processes have them: each event takes effect once, in order. */
static void test_events__of_a_group_one_handles_each(void **state)
{
    enum { EVENTS = 200 };
    struct fixture *f = *state;
    open_bus(f);
    struct fixture second = {.shop = f->shop, .follower = f->follower};
    struct event_consumer consumer = {.group = "effects",
                                      .source = f->shop_place.service,
                                      .topic = "shop.events",
                                      .db = f->follower,
                                      .run = handle,
                                      .context = &second};
    assert_int_equal(event_bus_open(&second.bus, &(struct port_config){.url = f->url}, f->message), 0);
    assert_int_equal(event_bus_add_source(second.bus, f->shop_place.service, f->shop), 0);
    assert_int_equal(event_bus_add_source(second.bus, f->follower_place.service, f->follower), 0);
    assert_int_equal(event_bus_add_consumer(second.bus, &consumer), 0);
    assert_int_equal(event_bus_start(second.bus), 0);
    for (int i = 0; i < EVENTS; i++)
        assert_int_equal(publish(i % 2 ? f : &second, i, 1), 0);
    settle(f);
    struct effects effects = effects_in(f->follower);
    assert_int_equal(effects.count, EVENTS);
    assert_int_equal(effects.distinct, EVENTS);
    assert_int_equal(strncmp(effects.keys, "k0 k1 k2 k3 k4 k5 k6 k7 k8 k9 k10 ", 34), 0);
    event_bus_stop(second.bus);
    event_bus_free(second.bus);
}

/* -- Crashes ------------------------------------------------------------------------------------------------------- */

#define CRASHES 10

/* Writes a byte to the pipe for each transaction that has committed. */
static void publish_until_killed(struct fixture *f, int committed)
{
    open_bus(f);
    for (int i = 0;; i += 3)
        if (publish(f, i, 3) == 0 && write(committed, "", 1) != 1)
            _exit(2);
}

/* Killed at random instants, no event is lost and none takes effect twice. */
/* -- Tails --------------------------------------------------------------------------------------------------------- */

struct tail {
    int64_t last_offset;
    int64_t numbers[16]; /* of the keys */
    atomic_size_t count;
    atomic_int failures; /* that its handler still has */
    atomic_size_t past;  /* of those, in the log before the bus started */
    bool has_transaction;
};

static int follow(void *context, struct sql_tx *tx, const struct event *event, struct problem *ret_problem)
{
    struct tail *tail = context;
    if (tail->failures > 0) {
        tail->failures--;
        return problem_set(ret_problem, ERR_INTERNAL, "planted", NULL, "Planted.");
    }
    tail->has_transaction |= tx != NULL;
    if (tail->last_offset == event->offset)
        return 0; /* as it may, behind the decorator */
    tail->last_offset = event->offset;
    tail->past += event->is_past;
    if (tail->count == sizeof(tail->numbers) / sizeof(tail->numbers[0]))
        return 0;
    return str_to_int64(str_skip(event->key, 1), &tail->numbers[tail->count++]);
}

static struct event_bus *open_tail(struct fixture *f, struct tail *tails, size_t count, int64_t replay_max)
{
    static const char *const groups[] = {"tail.one", "tail.two"};
    struct event_bus *bus = NULL;
    assert_int_equal(event_bus_open(&bus, &(struct port_config){.url = f->url}, f->message), 0);
    assert_int_equal(event_bus_faulty_wrap(&bus, f->faults), 0);
    assert_int_equal(event_bus_add_source(bus, f->shop_place.service, f->shop), 0);
    for (size_t i = 0; i < count; i++) {
        const struct event_consumer consumer = {.group = groups[i],
                                                .source = f->shop_place.service,
                                                .topic = "shop.events",
                                                .replay_max = replay_max,
                                                .run = follow,
                                                .context = &tails[i]};
        assert_int_equal(event_bus_add_consumer(bus, &consumer), 0);
    }
    assert_int_equal(event_bus_start(bus), 0);
    return bus;
}

/* Each tail sees every event, from some before its start on, which it is told are past, outside a transaction, and
 * leaves nothing behind: one that starts again begins there again. What it fails on for good is passed over; what it
 * fails on once is not. */
static void test_events__a_tail_follows(void **state)
{
    struct fixture *f = *state;
    struct tail tails[2] = {{.failures = 1}, {.failures = EVENT_ATTEMPTS_MAX}};
    open_bus(f);
    assert_int_equal(publish(f, 0, 5), 0);
    settle(f);
    for (int start = 0; start < 2; start++) {
        struct event_bus *bus = open_tail(f, tails, 2, 3);
        assert_true(event_bus_settle(bus, clock_monotonic_ns() + WAIT_MAX_NS));
        assert_int_equal(tails[0].past, tails[0].count);
        event_bus_stop(bus);
        event_bus_free(bus);
    }
    assert_int_equal(tails[0].count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(tails[0].numbers[i], 2 + i % 3);
    assert_int_equal(tails[1].count, 5); /* less the first of the first start */
    assert_int_equal(tails[1].numbers[0], 3);
    assert_false(tails[0].has_transaction || tails[1].has_transaction);
}

/* By where the log ended, and not by a clock: what is published while it follows is news, whatever time it says. */
static void test_events__a_tail_knows_what_is_past(void **state)
{
    struct fixture *f = *state;
    struct tail tail = {0};
    open_bus(f);
    assert_int_equal(publish(f, 0, 2), 0);
    settle(f);
    struct fixture following = *f;
    following.bus = open_tail(f, &tail, 1, 3);
    settle(&following);
    assert_int_equal(tail.count, 2);
    assert_int_equal(tail.past, 2);
    assert_int_equal(publish(&following, 2, 3), 0);
    settle(&following);
    assert_int_equal(tail.count, 5);
    assert_int_equal(tail.past, 2);
    event_bus_stop(following.bus);
    event_bus_free(following.bus);
}

static void test_events__survive_being_killed_at_any_instant(void **state)
{
    struct fixture *f = *state;
    int committed[2];
    char byte;
    assert_int_equal(pipe(committed), 0);
    for (int round = 0; round < CRASHES; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            publish_until_killed(f, committed[1]);
            _exit(1);
        }
        if (round == 0) /* a busy machine may start none of the others in time to commit anything */
            assert_int_equal(read(committed[0], &byte, 1), 1);
        task_sleep_ms(10 + (int64_t)random_below(60));
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    close(committed[0]);
    close(committed[1]);
    open_bus(f);
    settle(f);
    struct effects effects = effects_in(f->follower);
    struct outbox outbox;
    assert_int_equal(sql_read(f->shop, outbox_closure, &outbox), 0);
    assert_true(outbox.count > 0);
    assert_int_equal(outbox.count % 3, 0);
    assert_int_equal(effects.count, outbox.count);
    assert_int_equal(effects.distinct, outbox.count);
}

/* -- The decorator's faults ---------------------------------------------------------------------------------------- */

static void assert_effects(struct fixture *f, int64_t count)
{
    settle(f);
    struct effects effects = effects_in(f->follower);
    assert_int_equal(effects.count, count);
    assert_int_equal(effects.distinct, count);
    assert_int_equal(fault_plan_faults(f->faults), 1);
}

/* Whatever goes wrong on the way, each event takes effect once. */
static void test_events_faulty__does_what_the_plan_says(void **state)
{
    struct fixture *f = *state;
    struct outbox outbox;
    int64_t deleted;
    open_bus(f);
    test_fault_next(f->faults, FAULT_EVENTS, "append", FAULT_FAIL);
    assert_int_equal(publish(f, 0, 1), ERR_UNAVAILABLE);
    test_fault_next(f->faults, FAULT_EVENTS, "append", FAULT_FAIL_AFTER);
    assert_int_equal(publish(f, 0, 1), ERR_DEADLINE);
    assert_int_equal(sql_read(f->shop, outbox_closure, &outbox), 0);
    assert_int_equal(outbox.count, 0);
    const enum fault_kind kinds[] = {FAULT_FAIL, FAULT_FAIL_AFTER, FAULT_REPEAT};
    for (int i = 0; i < 3; i++) {
        test_fault_next(f->faults, FAULT_EVENTS, "handle", kinds[i]);
        assert_int_equal(publish(f, i, 1), 0);
        assert_effects(f, i + 1);
    }
    test_fault_next(f->faults, FAULT_EVENTS, "wake", FAULT_FAIL);
    assert_int_equal(publish(f, 3, 1), 0);
    assert_int_equal(publish(f, 4, 1), 0); /* this one wakes the consumer */
    assert_effects(f, 5);
    int64_t started_ns = clock_monotonic_ns();
    test_fault_next(f->faults, FAULT_EVENTS, "append", FAULT_DELAY);
    assert_int_equal(publish(f, 5, 1), 0);
    assert_true(test_fault_was_late(started_ns));
    test_fault_next(f->faults, FAULT_EVENTS, "trim", FAULT_FAIL);
    assert_int_equal(event_bus_trim(f->bus, f->shop_place.service, 0, &deleted), ERR_UNAVAILABLE);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_events__take_effect_once_in_order),
        CASE(test_events__listeners_hear_before_the_acknowledgement),
        CASE(test_events__of_a_rolled_back_write_never_were),
        CASE(test_events__only_wanted_topics_and_types_are_handled),
        CASE(test_events__a_handler_may_publish),
        CASE(test_events__a_failed_one_is_retried_and_later_ones_wait),
        CASE(test_events__a_poisoned_one_is_quarantined_and_can_be_replayed),
        CASE(test_events__attempts_outlive_the_process),
        CASE(test_events__holes_are_passed),
        CASE(test_events__of_a_group_one_handles_each),
        CASE(test_events__a_tail_follows),
        CASE(test_events__a_tail_knows_what_is_past),
        CASE(test_events__survive_being_killed_at_any_instant),
    };
    const struct CMUnitTest faulty_tests[] = {CASE(test_events_faulty__does_what_the_plan_says)};
    /* On Kafka a row may go once it is there, and what commits late comes late (test_events_kafka.c). */
    const struct CMUnitTest embedded_tests[] = {CASE(test_events__only_what_all_have_passed_is_trimmed)};
    /* Of SQLite's one writer, none is late. */
    const struct CMUnitTest late_tests[] = {CASE(test_events__what_commits_late_is_waited_for)};
    bool is_embedded = !test_bus_is_kafka(), is_late = is_embedded && test_database_is_postgres();
    int failed = is_late ? cmocka_run_group_tests_name("late", late_tests, NULL, NULL) : 0;
    failed += is_embedded ? cmocka_run_group_tests_name("embedded", embedded_tests, NULL, NULL) : 0;
    failed += cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    is_decorated = true;
    failed += is_embedded ? cmocka_run_group_tests_name("embedded, decorated", embedded_tests, NULL, NULL) : 0;
    failed += cmocka_run_group_tests_name("decorated, without faults", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("faulty", faulty_tests, NULL, NULL);
}
