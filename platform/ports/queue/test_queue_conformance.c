/* The conformance suite of the queue port, on the sql adapter, alone and behind the decorator. */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/queue/migrations/migrations.h"
#include "platform/ports/queue/queue_faulty.h"
#include "platform/ports/sql/test_database.h"
#include "platform/ports/test_fault.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LONG_MS 3600000
#define WAIT_MAX_NS (20 * CLOCK_NS_PER_S)

static bool is_decorated; /* the suite runs once without the decorator, and once behind it */

struct fixture {
    struct fault_plan *faults; /* NULL without the decorator */
    struct test_database database;
    struct work_queue *queue;
    struct arena *arena;
    struct work_queue_message *messages;
    size_t count;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    TRY(test_database_open(&f->database, "queue", queue_migrations, queue_migration_count));
    f->arena = arena_new(1 << 20);
    f->faults = is_decorated ? fault_plan_new() : NULL;
    TRY(work_queue_open(&f->queue, &(struct port_config){.url = "sql:", .db = f->database.db}, f->database.message));
    return work_queue_faulty_wrap(&f->queue, f->faults);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    work_queue_free(f->queue);
    fault_plan_free(f->faults);
    arena_free(f->arena);
    test_database_close(&f->database);
    free(f);
    return 0;
}

static void enqueue(struct fixture *f, const char *body, int64_t not_before_ms)
{
    assert_int_equal(work_queue_enqueue(f->queue, NULL, STR("mail"), str_from_cstr(body), not_before_ms), 0);
}

static size_t claim(struct fixture *f, size_t limit, int64_t visibility_ms, int64_t attempts_max)
{
    struct work_queue_claim claim = {STR("mail"), limit, visibility_ms, .attempts_max = attempts_max};
    assert_int_equal(work_queue_claim(f->queue, &claim, f->arena, &f->messages, &f->count), 0);
    return f->count;
}

/* Until a claim that has run out, or a back-off, lets a message through. */
static void claim_when_due(struct fixture *f, int64_t attempts_max)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    while (claim(f, 1, LONG_MS, attempts_max) == 0) {
        assert_true(clock_monotonic_ns() < deadline_ns);
        task_sleep_ms(1);
    }
}

/* How many were replayed, or the error. */
static int replay(struct fixture *f, const char *queue, struct str id)
{
    int64_t count = 0;
    int result = work_queue_replay(f->queue, NULL, str_from_cstr(queue), id, &count);
    return result < 0 ? result : (int)count;
}

/* What is claimed is not given out again, what is acknowledged is gone. */
static void test_queue__claim_and_ack(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(claim(f, 10, LONG_MS, 3), 0);
    enqueue(f, "one", 0);
    enqueue(f, "two", 0);
    enqueue(f, "later", clock_wall_ms() + LONG_MS);
    assert_int_equal(work_queue_enqueue(f->queue, NULL, STR("other"), STR("x"), 0), 0);
    assert_int_equal(claim(f, 10, LONG_MS, 3), 2);
    struct work_queue_message first = f->messages[0];
    assert_true(str_equal_cstr(first.body, "one") || str_equal_cstr(first.body, "two"));
    assert_int_equal(first.attempt, 1);
    assert_int_equal(claim(f, 10, LONG_MS, 3), 0);
    struct work_queue_stats stats;
    assert_int_equal(work_queue_get_stats(f->queue, STR("mail"), &stats), 0);
    assert_int_equal(stats.waiting, 3);
    assert_int_equal(work_queue_ack(f->queue, NULL, &first), 0);
    assert_int_equal(work_queue_ack(f->queue, NULL, &first), ERR_STALE);
    assert_int_equal(work_queue_get_stats(f->queue, STR("mail"), &stats), 0);
    assert_int_equal(stats.waiting, 2);
    assert_int_equal(stats.ready, 0);
}

/* A claim that has run out is somebody else's, and the first one can neither end nor fail it. */
static void test_queue__claim_runs_out(void **state)
{
    struct fixture *f = *state;
    enqueue(f, "one", 0);
    assert_int_equal(claim(f, 1, 1, 3), 1);
    struct work_queue_message slow = f->messages[0];
    claim_when_due(f, 3);
    assert_int_equal(f->messages[0].attempt, 2);
    assert_int_equal(work_queue_ack(f->queue, NULL, &slow), ERR_STALE);
    assert_int_equal(work_queue_fail(f->queue, NULL, &slow, 3, STR("slow")), ERR_STALE);
    assert_int_equal(work_queue_ack(f->queue, NULL, &f->messages[0]), 0);
}

/* A failed attempt waits; the last one buries the message with its error; a replay makes it new. */
static void test_queue__released_claims_are_given_out_at_once(void **state)
{
    struct fixture *f = *state;
    enqueue(f, "claimed", 0);
    assert_int_equal(claim(f, 1, LONG_MS, 3), 1);
    enqueue(f, "later", clock_wall_ms() + LONG_MS);
    assert_int_equal(claim(f, 10, LONG_MS, 3), 0);
    assert_int_equal(work_queue_release(f->queue, STR("other")), 0);
    assert_int_equal(claim(f, 10, LONG_MS, 3), 0);
    assert_int_equal(work_queue_release(f->queue, STR("mail")), 0);
    assert_int_equal(claim(f, 10, LONG_MS, 3), 1);
    assert_true(str_equal_cstr(f->messages[0].body, "claimed"));
    assert_int_equal(f->messages[0].attempt, 2);
    assert_int_equal(work_queue_fail(f->queue, NULL, &f->messages[0], 3, STR("no")), 0);
    assert_int_equal(work_queue_release(f->queue, STR("mail")), 0);
    assert_int_equal(claim(f, 10, LONG_MS, 3), 0); /* a back-off is not cut short */
}

static void test_queue__failures_bury_and_replay(void **state)
{
    struct fixture *f = *state;
    struct work_queue_stats stats;
    enqueue(f, "one", 0);
    assert_int_equal(claim(f, 1, LONG_MS, 2), 1);
    assert_int_equal(work_queue_fail(f->queue, NULL, &f->messages[0], 2, STR("smtp 451")), 0);
    assert_int_equal(claim(f, 1, LONG_MS, 2), 0); /* backs off */
    claim_when_due(f, 2);
    assert_int_equal(f->messages[0].attempt, 2);
    assert_int_equal(work_queue_fail(f->queue, NULL, &f->messages[0], 2, STR("smtp 550")), 0);
    assert_int_equal(work_queue_get_stats(f->queue, STR("mail"), &stats), 0);
    assert_int_equal(stats.dead, 1);
    assert_int_equal(stats.ready + stats.waiting, 0);
    assert_int_equal(work_queue_list_dead(f->queue, STR("mail"), STR_EMPTY, 10, f->arena, &f->messages, &f->count), 0);
    assert_int_equal(f->count, 1);
    assert_true(str_equal_cstr(f->messages[0].error, "smtp 550"));
    assert_int_equal(f->messages[0].attempt, 2);
    assert_true(f->messages[0].dead_at_ms >= f->messages[0].enqueued_at_ms);
    assert_int_equal(f->messages[0].body.len, 0);
    struct str id = f->messages[0].id;
    assert_int_equal(replay(f, "other", id), ERR_NOT_FOUND);
    assert_int_equal(replay(f, "mail", STR("no-such-id")), ERR_NOT_FOUND);
    assert_int_equal(replay(f, "mail", id), 1);
    assert_int_equal(replay(f, "mail", id), ERR_NOT_FOUND);
    assert_int_equal(claim(f, 1, LONG_MS, 2), 1);
    assert_int_equal(f->messages[0].attempt, 1);
    assert_true(str_equal_cstr(f->messages[0].body, "one"));
    /* As with any new one, its consumer's death does not keep it back. */
    assert_int_equal(work_queue_release(f->queue, STR("mail")), 0);
    assert_int_equal(claim(f, 1, LONG_MS, 2), 1);
    assert_int_equal(f->messages[0].attempt, 2);
}

static void bury(struct fixture *f, const char *body)
{
    enqueue(f, body, 0);
    assert_int_equal(claim(f, 1, LONG_MS, 1), 1);
    assert_int_equal(work_queue_fail(f->queue, NULL, &f->messages[0], 1, STR("no")), 0);
}

/* All dead messages of one queue are due again; those of another, and those that live, stay as they are. */
static void test_queue__all_dead_of_a_queue_are_replayed(void **state)
{
    struct fixture *f = *state;
    struct work_queue_stats stats;
    bury(f, "one");
    bury(f, "two");
    enqueue(f, "later", clock_wall_ms() + LONG_MS);
    assert_int_equal(replay(f, "other", STR_EMPTY), ERR_NOT_FOUND);
    assert_int_equal(work_queue_get_stats(f->queue, STR("mail"), &stats), 0);
    assert_int_equal(stats.dead, 2);
    assert_int_equal(replay(f, "mail", STR_EMPTY), 2);
    assert_int_equal(work_queue_get_stats(f->queue, STR("mail"), &stats), 0);
    assert_int_equal(stats.dead, 0);
    assert_int_equal(stats.ready, 2);
    assert_int_equal(stats.waiting, 1);
    assert_int_equal(replay(f, "mail", STR_EMPTY), ERR_NOT_FOUND);
    assert_int_equal(claim(f, 10, LONG_MS, 1), 2);
    assert_int_equal(f->messages[0].attempt, 1);
    assert_int_equal(f->messages[1].attempt, 1);
}

/* Consumers that die without a word: the message is buried, not tried for ever. */
static void test_queue__silence_buries_too(void **state)
{
    struct fixture *f = *state;
    struct work_queue_stats stats = {0};
    enqueue(f, "one", 0);
    assert_int_equal(claim(f, 1, 1, 1), 1);
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    while (stats.dead == 0 && clock_monotonic_ns() < deadline_ns) {
        assert_int_equal(claim(f, 1, 1, 1), 0);
        assert_int_equal(work_queue_get_stats(f->queue, STR("mail"), &stats), 0);
    }
    assert_int_equal(stats.dead, 1);
}

/* Those that never answer are buried sooner, where that is wanted, than those whose failures are known. */
static void test_queue__silence_has_a_limit_of_its_own(void **state)
{
    struct fixture *f = *state;
    const struct work_queue_claim silent = {STR("mail"), 10, 1, .attempts_max = 3, .silent_max = 1};
    struct work_queue_stats stats = {0};
    enqueue(f, "fails", 0);
    assert_int_equal(claim(f, 1, LONG_MS, 3), 1);
    assert_int_equal(work_queue_fail(f->queue, NULL, &f->messages[0], 3, STR("smtp 451")), 0);
    enqueue(f, "kills", 0);
    assert_int_equal(work_queue_claim(f->queue, &silent, f->arena, &f->messages, &f->count), 0);
    assert_int_equal(f->count, 1);
    bool is_given_out = false;
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    while ((stats.dead == 0 || !is_given_out) && clock_monotonic_ns() < deadline_ns) {
        assert_int_equal(work_queue_claim(f->queue, &silent, f->arena, &f->messages, &f->count), 0);
        for (size_t i = 0; i < f->count; i++) {
            assert_true(str_equal_cstr(f->messages[i].body, "fails"));
            is_given_out = true;
        }
        assert_int_equal(work_queue_get_stats(f->queue, STR("mail"), &stats), 0);
    }
    assert_true(is_given_out);
    assert_true(stats.dead >= 1);
}

static int enqueue_and_fail(struct sql_tx *tx, void *argument)
{
    struct fixture *f = argument;
    assert_int_equal(work_queue_enqueue(f->queue, tx, STR("mail"), STR("x"), 0), 0);
    return ERR_DECLINED;
}

static void test_queue__enqueue_joins_the_transaction(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sql_write(f->database.db, enqueue_and_fail, f), ERR_DECLINED);
    assert_int_equal(claim(f, 1, LONG_MS, 1), 0);
}

#define CONSUMERS 4
#define MESSAGES 60

struct consumer {
    struct fixture *f;
    unsigned taken;
};

static void consume(void *argument)
{
    struct consumer *consumer = argument;
    struct arena *arena = arena_new(1 << 20);
    struct work_queue_claim claim = {STR("mail"), 5, LONG_MS, .attempts_max = 3};
    struct work_queue_message *messages;
    size_t count = 1;
    while (count > 0) {
        arena_reset(arena);
        assert_int_equal(work_queue_claim(consumer->f->queue, &claim, arena, &messages, &count), 0);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(work_queue_ack(consumer->f->queue, NULL, &messages[i]), 0);
        consumer->taken += (unsigned)count;
    }
    arena_free(arena);
}

/* Consumers at once: each message goes to one. */
static void test_queue__consumers_share_without_overlap(void **state)
{
    struct fixture *f = *state;
    struct consumer consumers[CONSUMERS];
    struct task *tasks[CONSUMERS];
    unsigned taken = 0;
    for (int i = 0; i < MESSAGES; i++)
        enqueue(f, "m", 0);
    for (unsigned i = 0; i < CONSUMERS; i++) {
        consumers[i] = (struct consumer){f, 0};
        assert_int_equal(task_start(&tasks[i], "test-consumer", consume, &consumers[i]), 0);
    }
    for (unsigned i = 0; i < CONSUMERS; i++) {
        task_join(tasks[i]);
        taken += consumers[i].taken;
    }
    assert_int_equal(taken, MESSAGES);
}

static int enqueue_faulty(struct fixture *f, enum fault_kind kind)
{
    test_fault_next(f->faults, FAULT_QUEUE, "enqueue", kind);
    return work_queue_enqueue(f->queue, NULL, STR("mail"), STR("a"), 0);
}

static int64_t ready(struct fixture *f)
{
    struct work_queue_stats stats;
    assert_int_equal(work_queue_get_stats(f->queue, STR("mail"), &stats), 0);
    return stats.ready;
}

static void test_queue_faulty__does_what_the_plan_says(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(enqueue_faulty(f, FAULT_FAIL), ERR_UNAVAILABLE);
    assert_int_equal(ready(f), 0);
    assert_int_equal(enqueue_faulty(f, FAULT_FAIL_AFTER), ERR_DEADLINE);
    assert_int_equal(ready(f), 1);
    assert_int_equal(enqueue_faulty(f, FAULT_REPEAT), 0);
    assert_int_equal(ready(f), 3);
    int64_t started_ns = clock_monotonic_ns();
    assert_int_equal(enqueue_faulty(f, FAULT_DELAY), 0);
    assert_true(test_fault_was_late(started_ns));
    /* What was claimed and not heard of is there again when its time is up. */
    const struct work_queue_claim all = {STR("mail"), 10, 1, .attempts_max = 3};
    test_fault_next(f->faults, FAULT_QUEUE, "claim", FAULT_FAIL_AFTER);
    assert_int_equal(work_queue_claim(f->queue, &all, f->arena, &f->messages, &f->count), ERR_DEADLINE);
    int64_t until_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    size_t count = 0;
    while (count == 0 && clock_monotonic_ns() < until_ns)
        count = claim(f, 10, LONG_MS, 3);
    assert_int_equal(count, 4);
    assert_int_equal(f->messages[0].attempt, 2);
    test_fault_next(f->faults, FAULT_QUEUE, "ack", FAULT_REPEAT);
    assert_int_equal(work_queue_ack(f->queue, NULL, &f->messages[0]), ERR_STALE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_queue__claim_and_ack),
        TEST(test_queue__claim_runs_out),
        TEST(test_queue__released_claims_are_given_out_at_once),
        TEST(test_queue__failures_bury_and_replay),
        TEST(test_queue__all_dead_of_a_queue_are_replayed),
        TEST(test_queue__silence_buries_too),
        TEST(test_queue__silence_has_a_limit_of_its_own),
        TEST(test_queue__enqueue_joins_the_transaction),
        TEST(test_queue__consumers_share_without_overlap),
    };
    const struct CMUnitTest faulty_tests[] = {TEST(test_queue_faulty__does_what_the_plan_says)};
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    is_decorated = true;
    failed += cmocka_run_group_tests_name("decorated, without faults", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("faulty", faulty_tests, NULL, NULL);
}
