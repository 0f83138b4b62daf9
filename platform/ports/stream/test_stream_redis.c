/* What only the Redis adapter of the stream port has: two stores that must agree, whatever becomes of one of them.
 *
 * Run by the suite tests/engines/redis, which starts the server again, with what it has on disk, whenever this kills
 * it.
 */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/redis/test_redis.h"
#include "platform/ports/redis/test_redis_proxy.h"
#include "platform/ports/sql/test_sql_items.h"
#include "platform/ports/stream/migrations/migrations.h"
#include "platform/ports/stream/stream_redis.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

#define LONG_MS 3600000
#define LENGTH_MAX 1000
#define WAIT_MAX_NS (90 * CLOCK_NS_PER_S)
#define ARENA_BYTES ((size_t)32 << 20)
#define URL_BYTES 300
#define EPOCH (INT64_C(1) << 40)

struct fixture {
    struct test_database database;
    struct stream *stream;
    struct arena *arena;
    struct test_proxy proxy;
    char url[URL_BYTES];
    struct stream_entry *entries;
    size_t count;
};

static struct stream *open_stream(struct fixture *f, int64_t length_max)
{
    const struct port_config config = {.url = f->url, .db = f->database.db, .service = "test"};
    struct stream *stream = NULL;
    if (stream_redis_new(&stream, &config, length_max, f->database.message) != 0)
        fail_msg("%s", f->database.message);
    return stream;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    test_redis_forget();
    f->arena = arena_new(ARENA_BYTES);
    TRY(test_database_open(&f->database, "test", test_item_migrations, 2));
    TRY(sql_migrate(f->database.db, "stream", stream_migrations, stream_migration_count, f->database.message));
    test_proxy_start(&f->proxy, test_redis_url(), f->url, sizeof(f->url));
    f->stream = open_stream(f, LENGTH_MAX);
    return stream_create_group(f->stream, NULL, STR("s"), STR("g"));
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    stream_free(f->stream);
    test_proxy_stop(&f->proxy);
    arena_free(f->arena);
    test_database_close(&f->database);
    free(f);
    return 0;
}

static const struct stream_read reader = {STR("s"), STR("g"), STR("embedded"), 64, LONG_MS};

static size_t read_all(struct fixture *f)
{
    arena_reset(f->arena);
    assert_int_equal(stream_read(f->stream, &reader, f->arena, &f->entries, &f->count), 0);
    return f->count;
}

static void wait_for_server(struct fixture *f)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    struct stream_stats stats;
    while (stream_get_stats(f->stream, STR("s"), STR("g"), &stats) != 0)
        assert_true(clock_monotonic_ns() < deadline_ns);
}

/* -- Each entry has its effect once ------------------------------------------------------------------------------- */

struct appending {
    struct fixture *f;
    struct stream *stream;
    int number;
    bool in_transaction;
    atomic_bool *is_over;
    int made, acknowledged;
};

struct one {
    struct stream *stream;
    const struct stream_read *reader;
    char id[32];
    const struct stream_entry *entry;
};

static int append_one(struct sql_tx *tx, void *argument)
{
    const struct one *one = argument;
    return stream_append(one->stream, tx, STR("s"), str_from_cstr(one->id), NULL);
}

/* In a transaction an error means that nothing happened; without, nobody knows. */
static void append_until_over(void *argument)
{
    struct appending *appending = argument;
    while (!*appending->is_over) {
        struct one one = {.stream = appending->stream};
        snprintf(one.id, sizeof(one.id), "%c-%d-%d", appending->in_transaction ? 't' : 'd', appending->number,
                 appending->made++);
        int result = appending->in_transaction
                         ? sql_write(appending->f->database.db, append_one, &one)
                         : stream_append(appending->stream, NULL, STR("s"), str_from_cstr(one.id), NULL);
        if (result == 0)
            appending->acknowledged++;
        else
            task_sleep_ms(2);
    }
}

/* The effect: a row whose key is the payload, so that a second one is refused. */
static int handle_one(struct sql_tx *tx, void *argument)
{
    const struct one *one = argument;
    struct item item = {.id = one->id, .quantity = 1};
    TRY(stream_ack(one->stream, tx, one->reader, one->entry->id));
    return insert_item(tx, &item);
}

struct consuming {
    struct fixture *f;
    struct stream *stream;
    atomic_bool *is_over;
    atomic_int *effects, *unexpected; /* the last error that none of this explains */
};

static void consume_until_over(void *argument)
{
    struct consuming *consuming = argument;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    struct stream_read soon = reader;
    soon.idle_ms = 200;
    while (!*consuming->is_over) {
        struct stream_entry *entries;
        size_t count = 0;
        arena_reset(arena);
        if (stream_read(consuming->stream, &soon, arena, &entries, &count) != 0 || count == 0)
            task_sleep_ms(5);
        for (size_t i = 0; i < count; i++) {
            struct one one = {.stream = consuming->stream, .reader = &soon, .entry = &entries[i]};
            snprintf(one.id, sizeof(one.id), "%.*s", STR_FORMAT(entries[i].payload));
            int result = sql_write(consuming->f->database.db, handle_one, &one);
            if (result == 0)
                ++*consuming->effects;
            else if (result != ERR_STALE && result != ERR_UNAVAILABLE)
                *consuming->unexpected = result;
        }
    }
}

static void kill_server(struct fixture *f)
{
    char info[16384];
    test_redis_ask((struct str[]){STR("INFO"), STR("server")}, 2, info, sizeof(info));
    assert_int_equal(kill((pid_t)atol(strstr(info, "process_id:") + strlen("process_id:")), SIGKILL), 0);
    wait_for_server(f);
}

#define TASKS 2
#define ROUNDS 3

/* Server killed, wire cut and silent, under two processes' appends and reads: what committed has its effect, and once.
 * handle_one fails for a second effect with another error than those that are expected. */
static void test_stream_redis__effects_happen_once(void **state)
{
    struct fixture *f = *state;
    atomic_bool is_over = false, is_drained = false;
    atomic_int effects = 0, unexpected = 0;
    struct stream *streams[TASKS] = {f->stream, open_stream(f, LENGTH_MAX)};
    struct appending appending[2 * TASKS];
    struct consuming consuming[TASKS];
    struct task *tasks[3 * TASKS];
    int committed = 0, direct = 0, direct_made = 0;
    assert_int_equal(stream_create_group(streams[1], NULL, STR("s"), STR("g")), 0);
    for (int i = 0; i < 2 * TASKS; i++) {
        appending[i] = (struct appending){f, streams[i % TASKS], i, i < TASKS, &is_over, 0, 0};
        assert_int_equal(task_start(&tasks[i], "test-append", append_until_over, &appending[i]), 0);
    }
    for (int i = 0; i < TASKS; i++) {
        consuming[i] = (struct consuming){f, streams[i], &is_drained, &effects, &unexpected};
        assert_int_equal(task_start(&tasks[2 * TASKS + i], "test-consume", consume_until_over, &consuming[i]), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        task_sleep_ms(150);
        kill_server(f);
        task_sleep_ms(150);
        f->proxy.answer_bytes = 100;
        task_sleep_ms(150);
        f->proxy.is_silent = true;
        task_sleep_ms(300);
        f->proxy.is_silent = false;
    }
    is_over = true;
    for (int i = 0; i < 2 * TASKS; i++) {
        task_join(tasks[i]);
        *(i < TASKS ? &committed : &direct) += appending[i].acknowledged;
        direct_made += i < TASKS ? 0 : appending[i].made;
    }
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    struct stream_stats stats = {.lag = 1};
    while (stream_get_stats(f->stream, STR("s"), STR("g"), &stats) != 0 || stats.lag + stats.pending > 0) {
        assert_true(clock_monotonic_ns() < deadline_ns);
        task_sleep_ms(10);
    }
    is_drained = true;
    for (int i = 0; i < TASKS; i++)
        task_join(tasks[2 * TASKS + i]);
    print_message("%d committed, %d of %d acknowledged without a transaction, %d effects\n", committed, direct,
                  direct_made, (int)effects);
    assert_int_equal(unexpected, 0);
    assert_int_equal(row_count(f->database.db), effects);
    assert_in_range(effects, committed + direct, committed + direct_made);
    assert_true(committed > 10 && direct > 10);
    stream_free(streams[1]);
}

/* -- A server that is not there ----------------------------------------------------------------------------------- */

/* Started before the server, and appended to: what committed is there when it comes, in order. */
static void test_stream_redis__what_commits_waits_for_the_server(void **state)
{
    struct fixture *f = *state;
    stream_free(f->stream);
    f->proxy.is_silent = true;
    f->stream = open_stream(f, 3);
    assert_int_equal(stream_create_group(f->stream, NULL, STR("s"), STR("h")), 0);
    for (int i = 0; i < 4; i++) {
        struct one one = {.stream = f->stream};
        snprintf(one.id, sizeof(one.id), "%d", i);
        assert_int_equal(sql_write(f->database.db, append_one, &one), i < 3 ? 0 : ERR_RATE_LIMITED);
    }
    assert_int_equal(stream_append(f->stream, NULL, STR("s"), STR("x"), NULL), ERR_UNAVAILABLE);
    assert_int_equal(stream_read(f->stream, &reader, f->arena, &f->entries, &f->count), ERR_UNAVAILABLE);
    f->proxy.is_silent = false;
    wait_for_server(f);
    assert_int_equal(read_all(f), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(f->entries[i].id, i + 1);
        assert_int_equal(f->entries[i].payload.ptr[0], '0' + i);
    }
    struct one one = {.stream = f->stream, .id = "more"};
    assert_int_equal(sql_write(f->database.db, append_one, &one), 0);
}

/* Full there: what a transaction appends waits here, and no more of it than the stream may hold. */
static void test_stream_redis__a_full_stream_pushes_back_through(void **state)
{
    struct fixture *f = *state;
    struct one one = {.stream = f->stream, .id = "x"};
    stream_free(f->stream);
    f->stream = one.stream = open_stream(f, 2);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(sql_write(f->database.db, append_one, &one), 0);
        assert_in_range(read_all(f), 0, 1);
    }
    assert_int_equal(sql_write(f->database.db, append_one, &one), ERR_RATE_LIMITED);
    for (int64_t id = 1; id <= 2; id++)
        assert_int_equal(
            stream_ack(f->stream, NULL, &(struct stream_read){STR("s"), STR("g"), STR("embedded"), 1, 1}, id), 0);
    assert_int_equal(read_all(f), 2);
    assert_int_equal(f->entries[1].id, 4);
}

static void set_memory(const char *bytes)
{
    test_redis_ask((struct str[]){STR("CONFIG"), STR("SET"), STR("maxmemory"), str_from_cstr(bytes)}, 4, NULL, 0);
}

static void test_stream_redis__a_server_without_memory_takes_nothing(void **state)
{
    struct fixture *f = *state;
    struct one one = {.stream = f->stream, .id = "waits"};
    assert_int_equal(stream_append(f->stream, NULL, STR("s"), STR("x"), NULL), 0);
    assert_int_equal(read_all(f), 1);
    set_memory("1mb");
    assert_int_equal(stream_append(f->stream, NULL, STR("s"), STR("x"), NULL), ERR_STORAGE_FULL);
    assert_int_equal(sql_write(f->database.db, append_one, &one), 0);
    assert_int_equal(stream_ack(f->stream, NULL, &reader, 1), 0); /* what makes room goes on */
    set_memory("0");
    assert_int_equal(read_all(f), 1);
    assert_true(str_equal_cstr(f->entries[0].payload, "waits"));
}

/* -- A server without its data ------------------------------------------------------------------------------------ */

/* No id comes twice, or what the database knows of the first would be taken for the second. */
static void test_stream_redis__ids_go_on_over_a_loss(void **state)
{
    struct fixture *f = *state;
    struct one one = {.stream = f->stream, .reader = &reader, .id = "first"};
    assert_int_equal(sql_write(f->database.db, append_one, &one), 0);
    assert_int_equal(read_all(f), 1);
    assert_int_equal(f->entries[0].id, 1);
    one.entry = &f->entries[0];
    assert_int_equal(sql_write(f->database.db, handle_one, &one), 0); /* the server has not heard of it */
    test_redis_forget();
    test_redis_ask((struct str[]){STR("SCRIPT"), STR("FLUSH")}, 2, NULL, 0);
    snprintf(one.id, sizeof(one.id), "second");
    assert_int_equal(sql_write(f->database.db, append_one, &one), 0);
    assert_int_equal(read_all(f), 1);
    assert_true(f->entries[0].id == EPOCH + 1);
    one.entry = &f->entries[0];
    assert_int_equal(sql_write(f->database.db, handle_one, &one), 0);
    int64_t id = 0;
    assert_int_equal(stream_append(f->stream, NULL, STR("s"), STR("third"), &id), 0);
    assert_true(id == EPOCH + 2);
    /* Whoever holds an entry of what is lost has nothing to acknowledge. */
    one.entry = &(struct stream_entry){.id = 2};
    assert_int_equal(sql_write(f->database.db, handle_one, &one), ERR_STALE);
}

/* -- Two processes ------------------------------------------------------------------------------------------------ */

/* Both call their reader the same; an entry is of the one that it was given to. */
static void test_stream_redis__an_entry_is_of_one_process(void **state)
{
    struct fixture *f = *state;
    struct stream *other = open_stream(f, LENGTH_MAX);
    struct stream_entry *entries;
    size_t count = 0;
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MAX_NS;
    struct stream_read soon = reader;
    soon.idle_ms = 1;
    assert_int_equal(stream_append(f->stream, NULL, STR("s"), STR("x"), NULL), 0);
    assert_int_equal(read_all(f), 1);
    while (count == 0 && clock_monotonic_ns() < deadline_ns)
        assert_int_equal(stream_read(other, &soon, f->arena, &entries, &count), 0);
    struct one mine = {.stream = f->stream, .reader = &reader, .id = "mine", .entry = &f->entries[0]};
    struct one theirs = {.stream = other, .reader = &reader, .id = "theirs", .entry = &f->entries[0]};
    assert_int_equal(sql_write(f->database.db, handle_one, &mine), ERR_STALE);
    assert_int_equal(stream_ack(f->stream, NULL, &reader, 1), ERR_STALE);
    assert_int_equal(sql_write(f->database.db, handle_one, &theirs), 0);
    assert_int_equal(row_count(f->database.db), 1);
    stream_free(other);
}

/* What a process has read to hand over, and sends when another one has long done so, is not appended again; nor is what
 * comes so late that its token may be forgotten. */
static void test_stream_redis__what_was_handed_over_is_not_again(void **state)
{
    struct fixture *f = *state;
    struct one one = {.stream = f->stream, .id = "x"};
    char token[64] = "", now[32] = "";
    assert_int_equal(sql_write(f->database.db, append_one, &one), 0);
    assert_int_equal(read_all(f), 1);
    test_redis_ask((struct str[]){STR("ZRANGE"), STR("shopstream:t:test:s"), STR("0"), STR("0"), STR("WITHSCORES")}, 5,
                   now, sizeof(now));
    assert_int_equal(atoll(now) - clock_wall_ms() / 1000 <= 3600, 1);
    test_redis_ask((struct str[]){STR("EVAL"), STR("return redis.call('ZRANGE', KEYS[1], 0, 0)[1]"), STR("1"),
                                  STR("shopstream:t:test:s")},
                   4, token, sizeof(token));
    for (int i = 0; i < 2; i++) {
        const struct str words[] = {STR("EVAL"),
                                    str_from_cstr(stream_redis_append.text),
                                    STR("3"),
                                    STR("shopstream:s:test:s"),
                                    STR("shopstream:n:test:s"),
                                    STR("shopstream:t:test:s"),
                                    STR("1000"),
                                    STR("1000"),
                                    STR("again"),
                                    i == 0 ? str_from_cstr(token) : STR("forgotten"),
                                    STR("1")};
        char answer[16];
        test_redis_ask(words, 11, answer, sizeof(answer));
        assert_string_equal(answer, i == 0 ? "0" : "LATE");
    }
    assert_int_equal(read_all(f), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_stream_redis__effects_happen_once),
        TEST(test_stream_redis__what_commits_waits_for_the_server),
        TEST(test_stream_redis__a_full_stream_pushes_back_through),
        TEST(test_stream_redis__a_server_without_memory_takes_nothing),
        TEST(test_stream_redis__ids_go_on_over_a_loss),
        TEST(test_stream_redis__an_entry_is_of_one_process),
        TEST(test_stream_redis__what_was_handed_over_is_not_again),
    };
    return cmocka_run_group_tests_name("stream on Redis", tests, NULL, NULL);
}
